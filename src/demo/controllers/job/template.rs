//! The pod that a Job's template makes: owner, finalizer, and for indexed Jobs everything that carries the index.

use serde_json::{Value, json};

use crate::controllers::wire::{INDEX, INDEX_FAILURES, INDEX_IGNORED, Job, TRACKING};

/// The longest prefix that leaves room for the five random characters.
const LONGEST: usize = 58;

/// The `ownerReferences` entry of the Job's pods.
pub fn owner(job: &Job) -> Value {
    json!({
        "apiVersion": "batch/v1", "kind": "Job", "name": job.object.name, "uid": job.object.uid,
        "controller": true, "blockOwnerDeletion": true,
    })
}

/// A new pod; `failures` are the counted and the ignored failures of its index before it.
pub fn pod(job: &Job, index: Option<u32>, failures: Option<(u32, u32)>) -> Value {
    let name = &job.object.name;
    let template = &job.spec.template;
    let mut meta = json!({
        "generateName": format!("{name}-"),
        "ownerReferences": [owner(job)],
    });
    for part in ["labels", "annotations"] {
        if template["metadata"][part].is_object() {
            meta[part] = template["metadata"][part].clone();
        }
    }
    let kept = template["metadata"]["finalizers"].as_array();
    let mut finalizers = kept.cloned().unwrap_or_default();
    if !finalizers.iter().any(|f| f == TRACKING) {
        finalizers.push(json!(TRACKING));
    }
    meta["finalizers"] = json!(finalizers);
    let mut spec = template["spec"].clone();
    if let Some(index) = index {
        let text = index.to_string();
        let suffix = format!("-{index}-");
        let stem: String = name.chars().take(LONGEST - suffix.len()).collect();
        meta["generateName"] = json!(format!("{stem}{suffix}"));
        meta["labels"][INDEX] = json!(text);
        meta["annotations"][INDEX] = json!(text);
        if let Some((counted, ignored)) = failures {
            meta["annotations"][INDEX_FAILURES] = json!(counted.to_string());
            if ignored > 0 {
                meta["annotations"][INDEX_IGNORED] = json!(ignored.to_string());
            }
        }
        spec["hostname"] = json!(format!("{name}-{index}"));
        for part in ["initContainers", "containers"] {
            // Not by index: that would leave a null where there is no such list.
            let list = spec.get_mut(part).and_then(Value::as_array_mut);
            list.into_iter().flatten().for_each(tell_index);
        }
    }
    json!({"metadata": meta, "spec": spec})
}

fn tell_index(container: &mut Value) {
    const NAME: &str = "JOB_COMPLETION_INDEX";
    let mut env = container["env"].as_array().cloned().unwrap_or_default();
    if env.iter().any(|e| e["name"] == NAME) {
        return;
    }
    let path = format!("metadata.labels['{INDEX}']");
    env.push(json!({
        "name": NAME,
        "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": path}},
    }));
    container["env"] = json!(env);
}
