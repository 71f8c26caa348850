//! The Jobs that a JobSet makes: their names, and the many labels by which they and their pods are found.

use serde_json::{Map, Value, json};

use super::super::look::{Look, merge};
use super::replicas;
use crate::controllers::kubelet::{hash, mix};

pub const SET: &str = "jobset.sigs.k8s.io/jobset-name";
pub const REPLICATED: &str = "jobset.sigs.k8s.io/replicatedjob-name";
pub const INDEX: &str = "jobset.sigs.k8s.io/job-index";
pub const RESTARTS: &str = "jobset.sigs.k8s.io/restart-attempt";

pub fn name(set: &str, replicated: &str, index: i64) -> String {
    format!("{set}-{replicated}-{index}")
}

/// The name under which the pods are found, and that of the service behind it.
pub fn subdomain(look: &Look<'_, '_>) -> String {
    let given = look.spec["network"]["subdomain"].as_str();
    let given = given.filter(|s| !s.is_empty());
    given.unwrap_or(&look.object.name).to_owned()
}

/// What Job and pods carry, as labels and again as annotations.
fn marks(look: &Look<'_, '_>, replicated: &Value, index: i64) -> Map<String, Value> {
    let object = &look.object;
    let own = replicated["name"].as_str().unwrap_or_default();
    let group = replicated["groupName"].as_str().unwrap_or("default");
    let all = look.spec["replicatedJobs"].as_array();
    let all = all.map(Vec::as_slice).unwrap_or_default();
    let in_group = |r: &&Value| r["groupName"].as_str().unwrap_or("default") == group;
    let before = all.iter().take_while(|r| r["name"] != own);
    let global: i64 = before.clone().map(replicas).sum();
    let grouped: i64 = before.filter(in_group).map(replicas).sum();
    // A digest in the place of SHA-1: as long, and as stable.
    let seed = hash(&format!(
        "{}/{}",
        object.namespace,
        name(&object.name, own, index)
    ));
    let digest: String = (0..3).map(|i| format!("{:016x}", mix(seed ^ i))).collect();
    let text = |n: i64| n.to_string();
    let mut marks = Map::new();
    for (key, value) in [
        (SET, object.name.clone()),
        ("jobset.sigs.k8s.io/jobset-uid", object.uid.clone()),
        (REPLICATED, own.to_owned()),
        (
            RESTARTS,
            text(look.status["restarts"].as_i64().unwrap_or(0)),
        ),
        (
            "jobset.sigs.k8s.io/replicatedjob-replicas",
            text(replicas(replicated)),
        ),
        (
            "jobset.sigs.k8s.io/global-replicas",
            text(all.iter().map(replicas).sum()),
        ),
        (INDEX, text(index)),
        (
            "jobset.sigs.k8s.io/job-key",
            digest.chars().take(40).collect(),
        ),
        ("jobset.sigs.k8s.io/job-global-index", text(global + index)),
        ("jobset.sigs.k8s.io/group-name", group.to_owned()),
        (
            "jobset.sigs.k8s.io/group-replicas",
            text(all.iter().filter(in_group).map(replicas).sum()),
        ),
        ("jobset.sigs.k8s.io/job-group-index", text(grouped + index)),
    ] {
        marks.insert(key.to_owned(), json!(value));
    }
    if let Some(leader) = coordinator(look) {
        marks.insert("jobset.sigs.k8s.io/coordinator".to_owned(), json!(leader));
    }
    marks
}

/// Where the coordinating pod is reached, if there is one.
fn coordinator(look: &Look<'_, '_>) -> Option<String> {
    let c = &look.spec["coordinator"];
    let role = c["replicatedJob"].as_str()?;
    let number = |field: &str| c[field].as_i64().unwrap_or(0);
    let job = name(&look.object.name, role, number("jobIndex"));
    Some(format!("{job}-{}.{}", number("podIndex"), subdomain(look)))
}

/// One Job of a replicated job.
pub fn job(look: &Look<'_, '_>, replicated: &Value, index: i64) -> Value {
    let own = replicated["name"].as_str().unwrap_or_default();
    let template = &replicated["template"];
    let marks = Value::Object(marks(look, replicated, index));
    let mut meta = json!({
        "name": name(&look.object.name, own, index), "ownerReferences": look.owners(),
    });
    let mut spec = template["spec"].clone();
    for part in ["labels", "annotations"] {
        merge(&mut meta, part, &template["metadata"][part]);
        merge(&mut meta, part, &marks);
        merge(&mut spec["template"]["metadata"], part, &marks);
    }
    if look.spec["network"]["enableDNSHostnames"] == true {
        spec["template"]["spec"]["subdomain"] = json!(subdomain(look));
    }
    spec["suspend"] = json!(look.spec["suspend"] == true);
    json!({"metadata": meta, "spec": spec})
}
