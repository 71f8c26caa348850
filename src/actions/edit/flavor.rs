//! Which nodes: those of one of Kueue's flavors, asked for by their labels.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Edit, Role, is_queued, kind, of, put, roles, words};
use crate::actions::Refusal;

/// Whose patch of a runtime it is.
const MANAGER: &str = "jobdeck.dev/submit";

/// What is asked for by choosing a ResourceFlavor.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Flavor {
    pub name: String,
    pub labels: BTreeMap<String, String>,
    /// That pods must have to run there.
    pub tolerations: Vec<Value>,
    /// Those of them that Kueue adds by itself.
    pub added: Vec<Value>,
}

impl Flavor {
    /// From Kueue's object.
    pub fn of(object: &Value) -> Self {
        let spec = &object["spec"];
        let labels = spec["nodeLabels"].as_object().into_iter().flatten();
        let labels = labels.filter_map(|(k, v)| Some((k.clone(), v.as_str()?.to_owned())));
        let added = spec["tolerations"].as_array().cloned().unwrap_or_default();
        let taints = spec["nodeTaints"].as_array().into_iter().flatten();
        let own = taints
            .filter(|taint| taint["effect"] != "PreferNoSchedule")
            .filter(|taint| !added.iter().any(|t| tolerates(t, taint)))
            .map(|taint| {
                let mut toleration = json!({"key": taint["key"], "operator": "Exists"});
                if let Some(value) = taint["value"].as_str() {
                    toleration["operator"] = "Equal".into();
                    toleration["value"] = value.into();
                }
                if taint["effect"].is_string() {
                    toleration["effect"] = taint["effect"].clone();
                }
                toleration
            });
        Self {
            name: object["metadata"]["name"]
                .as_str()
                .unwrap_or_default()
                .into(),
            labels: labels.collect(),
            tolerations: own.collect(),
            added,
        }
    }
}

fn tolerates(toleration: &Value, taint: &Value) -> bool {
    let same = |key: &str| toleration[key] == taint[key];
    let any_key = toleration["key"].as_str().is_none_or(str::is_empty);
    let any_value = toleration["operator"] == "Exists";
    (any_key && any_value || same("key"))
        && (any_value || same("value"))
        && (toleration["effect"].is_null() || same("effect"))
}

/// Asks for the nodes of a flavor, for every role that asks for devices; for all where none does.
///
/// # Errors
/// The flavor has no labels to choose nodes by, or the kind has no pods of its own.
pub fn flavor(manifest: &mut Value, flavor: &Flavor) -> Edit {
    if flavor.labels.is_empty() {
        let why = format!(
            "flavor {} has no nodeLabels: nodes cannot be chosen by it",
            flavor.name
        );
        return Err(Refusal::new(why).next("set a nodeSelector in the manifest"));
    }
    let mut tolerations = flavor.tolerations.clone();
    if !is_queued(manifest) {
        tolerations.extend(flavor.added.iter().cloned());
    }
    if kind(manifest) == "TrainJob" {
        return train_job(manifest, flavor, &tolerations);
    }
    let all = roles(manifest);
    if all.is_empty() {
        let why = format!("{} has no pod template", words(manifest));
        return Err(Refusal::new(why).next("edit its manifest"));
    }
    let at = |role: &Role| manifest.pointer(&role.at).unwrap_or(&Value::Null);
    let any = all.iter().any(|role| has_devices(at(role)));
    let meant: Vec<Role> = (all.iter())
        .filter(|role| !any || has_devices(at(role)))
        .cloned()
        .collect();
    let mut notes = Vec::new();
    for role in &meant {
        let Some(template) = manifest.pointer_mut(&role.at) else {
            continue;
        };
        if let Some(pod) = template.get_mut("spec") {
            let said = place(pod, flavor, &tolerations).into_iter();
            notes.extend(said.map(|note| format!("{}{note}", of(role))));
        }
    }
    if any && meant.len() < all.len() {
        let others: Vec<&str> = (all.iter())
            .filter(|role| !meant.contains(role))
            .map(|role| role.name.as_str())
            .collect();
        notes.push(format!(
            "{} asks for no devices and stays where it may run",
            others.join(", ")
        ));
    }
    if !notes.is_empty() {
        let why = match is_queued(manifest) {
            true => format!(
                "Kueue gives it only flavors whose nodes have these labels: {}",
                flavor.name
            ),
            false => format!("these are the labels of flavor {}", flavor.name),
        };
        notes.push(why);
    }
    Ok(notes)
}

/// Sets the selector and the tolerations of one pod spec.
fn place(pod: &mut Value, flavor: &Flavor, tolerations: &[Value]) -> Vec<String> {
    let mut notes = Vec::new();
    for (key, value) in &flavor.labels {
        let was = pod["nodeSelector"][key.as_str()]
            .as_str()
            .map(str::to_owned);
        put(pod, &["nodeSelector", key], value.as_str());
        match was {
            Some(was) if was == *value => {}
            Some(was) => notes.push(format!("nodes with {key}={value} (was {was})")),
            None => notes.push(format!("nodes with {key}={value}")),
        }
    }
    let others = pod["nodeSelector"].as_object().into_iter().flatten();
    let others = others.filter(|(key, _)| !flavor.labels.contains_key(*key));
    let others: Vec<String> = others
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    if !others.is_empty() && !notes.is_empty() {
        notes.push(format!("it still asks for {} as well", others.join(", ")));
    }
    for toleration in tolerations {
        if !pod["tolerations"].is_array() {
            put(pod, &["tolerations"], json!([]));
        }
        if let Some(list) = pod.get_mut("tolerations").and_then(Value::as_array_mut)
            && !list.contains(toleration)
        {
            list.push(toleration.clone());
            let key = toleration["key"].as_str().unwrap_or("every taint");
            notes.push(format!("it tolerates {key}"));
        }
    }
    notes
}

/// Its containers ask for something with a vendor's name, or it claims devices.
fn has_devices(template: &Value) -> bool {
    let pod = &template["spec"];
    let lists = ["containers", "initContainers"].into_iter();
    let mut containers = lists.flat_map(|key| pod[key].as_array().into_iter().flatten());
    let claims = pod["resourceClaims"]
        .as_array()
        .is_some_and(|c| !c.is_empty());
    claims
        || containers.any(|container| {
            ["limits", "requests"].into_iter().any(|key| {
                let all = container["resources"][key]
                    .as_object()
                    .into_iter()
                    .flatten();
                all.into_iter()
                    .any(|(name, _)| name.contains('/') && !name.starts_with("kubernetes.io/"))
            })
        })
}

/// Its pods are its runtime's: what they run on is an override.
fn train_job(manifest: &mut Value, flavor: &Flavor, tolerations: &[Value]) -> Edit {
    // as its version of the Trainer has it
    let mut overrides = ["podTemplateOverrides", "podSpecOverrides"].into_iter();
    let old = overrides.find(|key| manifest["spec"][*key].is_array());
    let key = old.unwrap_or("runtimePatches");
    if !manifest["spec"][key].is_array() {
        put(manifest, &["spec", key], json!([]));
    }
    let all = manifest.pointer_mut(&format!("/spec/{key}"));
    let Some(all) = all.and_then(Value::as_array_mut) else {
        return Ok(Vec::new());
    };
    let ours = |entry: &Value| match old {
        Some(_) => {
            let jobs = entry["targetJobs"].as_array();
            jobs.is_some_and(|jobs| jobs.iter().any(|job| job["name"] == "node"))
        }
        None => entry["manager"] == MANAGER,
    };
    let at = all.iter().position(ours).unwrap_or(all.len());
    if at == all.len() {
        all.push(match key {
            "podTemplateOverrides" => json!({"targetJobs": [{"name": "node"}], "spec": {}}),
            "podSpecOverrides" => json!({"targetJobs": [{"name": "node"}]}),
            _ => json!({"manager": MANAGER, "trainingRuntimeSpec": {"template": {"spec": {
                "replicatedJobs": [{"name": "node", "template": {"spec": {"template": {"spec": {}}}}}]}}}}),
        });
    }
    let below = match key {
        "podTemplateOverrides" => "/spec",
        "podSpecOverrides" => "",
        _ => "/trainingRuntimeSpec/template/spec/replicatedJobs/0/template/spec/template/spec",
    };
    let Some(pod) = all[at].pointer_mut(below) else {
        let why = format!(
            "{} has a {key} of the node that sets no pod",
            words(manifest)
        );
        return Err(Refusal::new(why).next("edit its manifest"));
    };
    let note = "it is a patch of the runtime's job node (Trainer 2.2 and newer)";
    let note = old.is_none().then(|| note.to_owned());
    let mut notes = place(pod, flavor, tolerations);
    if !notes.is_empty() {
        notes.extend(note);
    }
    Ok(notes)
}
