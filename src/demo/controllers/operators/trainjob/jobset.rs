//! The JobSet that a TrainJob becomes: the runtime's template with the job's trainer, initializers and patches in it.

use serde_json::{Value, json};

use super::super::look::{Look, merge, set_env};
use super::STEP;
use crate::controllers::quantity;

const PORT: u16 = 29500;

/// The whole JobSet.
pub fn build(look: &Look<'_, '_>, runtime: &Value) -> Value {
    let template = &runtime["spec"]["template"];
    let (mut spec, name) = (template["spec"].clone(), &look.object.name);
    let mut meta = json!({"name": name, "ownerReferences": look.owners()});
    for part in ["labels", "annotations"] {
        merge(&mut meta, part, &template["metadata"][part]);
    }
    let patches = look.spec["runtimePatches"].as_array();
    for patch in patches.into_iter().flatten() {
        let patch = &patch["trainingRuntimeSpec"]["template"];
        overlay(&mut spec, &patch["spec"]);
        for part in ["labels", "annotations"] {
            merge(&mut meta, part, &patch["metadata"][part]);
        }
    }
    let jobs = spec["replicatedJobs"].as_array_mut().into_iter().flatten();
    for replicated in jobs {
        let step = replicated["template"]["metadata"]["labels"][STEP].clone();
        let job = &mut replicated["template"]["spec"];
        let mut count = job["parallelism"].as_u64().unwrap_or(1);
        match step.as_str() {
            Some("trainer") => {
                let nodes = [&look.spec["trainer"], &runtime["spec"]["mlPolicy"]];
                let mut nodes = nodes.iter().filter_map(|n| n["numNodes"].as_u64());
                count = nodes.next().unwrap_or(count);
                trainer(look, &mut job["template"]["spec"], runtime, count);
                replicated["replicas"] = json!(1);
            }
            Some(step @ ("dataset-initializer" | "model-initializer")) => {
                initializer(look, &mut job["template"]["spec"], step);
                replicated["replicas"] = json!(1);
            }
            _ => {}
        }
        for field in ["parallelism", "completions"] {
            replicated["template"]["spec"][field] = json!(count);
        }
    }
    spec["suspend"] = json!(look.spec["suspend"] == true);
    json!({"metadata": meta, "spec": spec})
}

fn container<'a>(pod: &'a mut Value, name: &str) -> Option<&'a mut Value> {
    let all = pod["containers"].as_array_mut()?;
    all.iter_mut().find(|c| c["name"] == name)
}

fn trainer(look: &Look<'_, '_>, pod: &mut Value, runtime: &Value, nodes: u64) {
    let (wanted, name) = (&look.spec["trainer"], &look.object.name);
    let Some(node) = container(pod, "node") else {
        return;
    };
    for field in ["image", "command", "args"] {
        if !wanted[field].is_null() {
            node[field] = wanted[field].clone();
        }
    }
    for part in ["limits", "requests"] {
        merge(
            &mut node["resources"],
            part,
            &wanted["resourcesPerNode"][part],
        );
    }
    for entry in wanted["env"].as_array().into_iter().flatten() {
        let value = [&entry["value"], &entry["valueFrom"]];
        let value = value.into_iter().find(|v| !v.is_null());
        let value = value.cloned().unwrap_or(json!(""));
        set_env(node, &[(entry["name"].as_str().unwrap_or_default(), value)]);
    }
    // The other frameworks find their peers in their own ways; of those only torch is acted out.
    if !runtime["spec"]["mlPolicy"]["torch"].is_object() {
        return;
    }
    let index = "metadata.annotations['batch.kubernetes.io/job-completion-index']";
    let processes = processes(&wanted["numProcPerNode"], &node["resources"]);
    set_env(
        node,
        &[
            ("PET_NNODES", json!(nodes.to_string())),
            ("PET_NPROC_PER_NODE", json!(processes)),
            ("PET_NODE_RANK", json!({"fieldRef": {"fieldPath": index}})),
            ("PET_MASTER_ADDR", json!(format!("{name}-node-0-0.{name}"))),
            ("PET_MASTER_PORT", json!(PORT.to_string())),
        ],
    );
    let mut ports = node["ports"].as_array().cloned().unwrap_or_default();
    if !ports.iter().any(|p| p["containerPort"] == PORT) {
        ports.push(json!({"containerPort": PORT}));
    }
    node["ports"] = json!(ports);
}

/// Processes of a node: as asked for; else torch counts the GPUs, or there are as many as CPUs.
fn processes(wanted: &Value, resources: &Value) -> String {
    match wanted {
        Value::Number(n) => return n.to_string(),
        Value::String(text) if text != "auto" => return text.clone(),
        _ => {}
    }
    let parts = ["limits", "requests"].iter();
    let mut names = parts.filter_map(|p| resources[*p].as_object()).flatten();
    if names.any(|(name, _)| name.contains("gpu")) {
        return "auto".to_owned();
    }
    let amounts = ["requests", "limits"].map(|p| match &resources[p]["cpu"] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    });
    let cpus = amounts.iter().map(|a| quantity::parse(a) / 1000);
    let cpus = cpus.into_iter().find(|n| *n > 0).unwrap_or(1);
    cpus.to_string()
}

fn initializer(look: &Look<'_, '_>, pod: &mut Value, step: &str) {
    let field = step.trim_end_matches("-initializer");
    let wanted = &look.spec["initializer"][field];
    let Some(container) = container(pod, step).filter(|_| wanted.is_object()) else {
        return;
    };
    if wanted["storageUri"].is_string() {
        set_env(container, &[("STORAGE_URI", wanted["storageUri"].clone())]);
    }
    if wanted["secretRef"].is_object() {
        container["envFrom"] = json!([{"secretRef": {"name": wanted["secretRef"]["name"]}}]);
    }
}

/// A patch over a template: maps entry by entry, lists of named things by name, all else replaced.
fn overlay(base: &mut Value, patch: &Value) {
    match (base, patch) {
        (_, Value::Null) => {}
        (Value::Object(base), Value::Object(patch)) => {
            for (key, value) in patch {
                overlay(base.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (Value::Array(base), Value::Array(patch))
            if patch.iter().all(|item| item["name"].is_string()) =>
        {
            for item in patch {
                match base.iter_mut().find(|old| old["name"] == item["name"]) {
                    Some(old) => overlay(old, item),
                    None => base.push(item.clone()),
                }
            }
        }
        (base, patch) => *base = patch.clone(),
    }
}
