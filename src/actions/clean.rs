//! A live object made into a manifest that can be submitted again: without what the server, the controllers and Kueue
//! wrote into it. The rules are per field, not per kind: pod templates are found wherever they are.

use serde_json::{Map, Value};

/// A manifest to submit, and what to know of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Cleaned {
    pub manifest: Value,
    /// Sentences about what is not as it was.
    pub notes: Vec<String>,
}

/// Written by the server or controllers into `metadata`.
const META: [&str; 10] = [
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "managedFields",
    "selfLink",
    "ownerReferences",
    "finalizers",
];

const ANNOTATIONS: [&str; 7] = [
    "kubectl.kubernetes.io/last-applied-configuration",
    "batch.kubernetes.io/job-tracking",
    "batch.kubernetes.io/cronjob-scheduled-timestamp",
    "kueue.x-k8s.io/stopping",
    "kueue.x-k8s.io/workload",
    "kueue.x-k8s.io/workload-slice-name",
    "kueue.x-k8s.io/role-hash",
];

/// Defaulted from the uid and the name, into the object's labels and its template's.
const JOB_LABELS: [&str; 4] = [
    "batch.kubernetes.io/job-name",
    "batch.kubernetes.io/controller-uid",
    "job-name",
    "controller-uid",
];

const KUEUE_LABELS: [&str; 7] = [
    "kueue.x-k8s.io/podset",
    "kueue.x-k8s.io/cluster-queue-name",
    "kueue.x-k8s.io/local-queue-name",
    "kueue.x-k8s.io/multikueue-worker-workload-pod",
    "kueue.x-k8s.io/prebuilt-workload-name",
    "kueue.x-k8s.io/multikueue-origin",
    "kueue.x-k8s.io/managed",
];

const TEMPLATE_ANNOTATIONS: [&str; 3] = [
    "kueue.x-k8s.io/workload",
    "kueue.x-k8s.io/workload-slice-name",
    "kueue.x-k8s.io/podset-unconstrained-topology",
];

const GATE: &str = "kueue.x-k8s.io/topology";
const QUEUE: &str = "kueue.x-k8s.io/queue-name";
const MULTIKUEUE: &str = "kueue.x-k8s.io/multikueue";

/// Cleans an object. `workload` is Kueue's for it, where there is one: its pod sets are the templates as they were
/// submitted.
pub fn clean(object: &Value, workload: Option<&Value>) -> Cleaned {
    let mut manifest = object.clone();
    let mut notes = Vec::new();
    if let Some(all) = manifest.as_object_mut() {
        all.remove("status");
    }
    if let Some(meta) = manifest["metadata"].as_object_mut() {
        let owner = meta.get("ownerReferences").map(|all| all[0].clone());
        let owner = owner.unwrap_or_default();
        if let (Some(kind), Some(name)) = (owner["kind"].as_str(), owner["name"].as_str()) {
            notes.push(format!("it no longer belongs to {kind} {name}"));
        }
        if let Some(all) = meta.get("finalizers").and_then(Value::as_array) {
            let own = all.iter().filter_map(Value::as_str);
            let own: Vec<&str> = own
                .filter(|f| !f.contains("kubernetes.io/") && !f.contains("k8s.io/"))
                .collect();
            let dropped = own
                .iter()
                .filter(|f| **f != "foregroundDeletion" && **f != "orphan");
            let dropped: Vec<&str> = dropped.copied().collect();
            if !dropped.is_empty() {
                notes.push(format!("without its finalizers {}", dropped.join(", ")));
            }
        }
        META.iter().for_each(|key| {
            meta.remove(*key);
        });
        // the server makes a new name
        if meta.contains_key("generateName") {
            meta.remove("generateName");
        }
        strip(meta, "annotations", &ANNOTATIONS);
        strip(meta, "labels", &JOB_LABELS);
        strip(meta, "labels", &KUEUE_LABELS);
    }
    let kind = manifest["kind"].as_str().unwrap_or_default().to_owned();
    let queued = manifest["metadata"]["labels"][QUEUE].is_string();
    match kind.as_str() {
        "Job" => job(&mut manifest, workload, queued, &mut notes),
        "CronJob" => {}
        "Pod" => pod(&mut manifest),
        "TrainJob" => {
            if let Some(all) = manifest["spec"]["runtimePatches"].as_array_mut() {
                all.retain(|patch| patch["manager"] != "kueue.x-k8s.io/manager");
            }
        }
        "RayJob" => {
            if let Some(spec) = manifest["spec"].as_object_mut() {
                spec.remove("jobId");
            }
        }
        _ => {}
    }
    if kind != "Job" && queued {
        restore(&mut manifest, workload, &mut notes);
    }
    let held = [
        &manifest["spec"]["suspend"],
        &manifest["spec"]["runPolicy"]["suspend"],
    ];
    if !queued && kind != "CronJob" && held.contains(&&Value::Bool(true)) {
        notes.push("it was held, and begins at once now".into());
    }
    if let Some(spec) = manifest["spec"].as_object_mut() {
        if spec.get("managedBy").is_some_and(|by| by == MULTIKUEUE) {
            spec.remove("managedBy");
        }
        if let Some(policy) = spec.get_mut("runPolicy").and_then(Value::as_object_mut) {
            if policy.get("managedBy").is_some_and(|by| by == MULTIKUEUE) {
                policy.remove("managedBy");
            }
            if policy.contains_key("suspend") {
                policy.insert("suspend".into(), queued.into());
            }
        }
        if kind != "CronJob" && spec.contains_key("suspend") {
            spec.insert("suspend".into(), queued.into());
        }
    }
    templates(&mut manifest["spec"], &mut template);
    tidy(&mut manifest);
    Cleaned { manifest, notes }
}

fn job(manifest: &mut Value, workload: Option<&Value>, queued: bool, notes: &mut Vec<String>) {
    if manifest["spec"]["manualSelector"] == true {
        notes.push("its selector is made by hand: two jobs with it take each other's pods".into());
    } else if let Some(spec) = manifest["spec"].as_object_mut() {
        spec.remove("selector");
        spec.remove("manualSelector");
    }
    let Some(sets) = workload.and_then(|w| w["spec"]["podSets"].as_array()) else {
        if queued {
            notes.push(
                "its Workload is gone: a node selector that Kueue added may still be in it".into(),
            );
        }
        return;
    };
    let [set] = sets.as_slice() else { return };
    if set["template"]["spec"].is_object() {
        manifest["spec"]["template"] = set["template"].clone();
        if let Some(count) = set["count"].as_u64() {
            manifest["spec"]["parallelism"] = count.into();
        }
    }
}

/// Takes node selectors and tolerations of the pod sets back, role by role.
fn restore(manifest: &mut Value, workload: Option<&Value>, notes: &mut Vec<String>) {
    let Some(sets) = workload.and_then(|w| w["spec"]["podSets"].as_array()) else {
        notes.push(
            "its Workload is gone: a node selector that Kueue added may still be in it".into(),
        );
        return;
    };
    // which of a group's sets a pod is in is not told by its name
    let one = sets.len() == 1 || manifest["kind"] != "Pod";
    for set in sets.iter().filter(|_| one) {
        let Some(name) = set["name"].as_str() else {
            continue;
        };
        let Some(pod) = role(&mut manifest["spec"], name) else {
            continue;
        };
        for key in ["nodeSelector", "tolerations"] {
            let was = &set["template"]["spec"][key];
            match (was.is_null(), pod.as_object_mut()) {
                (true, Some(pod)) => {
                    pod.remove(key);
                }
                (false, Some(pod)) => {
                    pod.insert(key.into(), was.clone());
                }
                _ => {}
            }
        }
    }
}

/// The pod spec of a role, as Kueue calls it: a replica type in small letters, a replicated job, a worker group.
fn role<'a>(spec: &'a mut Value, name: &str) -> Option<&'a mut Value> {
    // a pod's own
    if spec["containers"].is_array() {
        return Some(spec);
    }
    let spec = spec.as_object_mut()?;
    // the first that fits, found without borrowing twice
    let key = spec.keys().find(|k| k.ends_with("ReplicaSpecs")).cloned();
    if let Some(key) = key {
        let roles = spec.get_mut(&key)?.as_object_mut()?;
        let role = roles.iter_mut().find(|(k, _)| k.to_lowercase() == name)?;
        return role.1.get_mut("template")?.get_mut("spec");
    }
    if spec.contains_key("replicatedJobs") {
        let jobs = spec.get_mut("replicatedJobs")?.as_array_mut()?;
        let job = jobs.iter_mut().find(|job| job["name"] == name)?;
        return job.pointer_mut("/template/spec/template/spec");
    }
    let ray = match spec.contains_key("rayClusterSpec") {
        true => spec.get_mut("rayClusterSpec")?.as_object_mut()?,
        false => spec,
    };
    if name == "head" {
        return ray.get_mut("headGroupSpec")?.pointer_mut("/template/spec");
    }
    let groups = ray.get_mut("workerGroupSpecs")?.as_array_mut()?;
    let group = groups.iter_mut().find(|g| g["groupName"] == name)?;
    group.pointer_mut("/template/spec")
}

fn pod(manifest: &mut Value) {
    if let Some(spec) = manifest["spec"].as_object_mut() {
        for key in [
            "nodeName",
            "ephemeralContainers",
            "priority",
            "preemptionPolicy",
        ] {
            spec.remove(key);
        }
        // mounted by the server, under names of its own
        let token = |v: &Value| {
            v["name"]
                .as_str()
                .is_some_and(|n| n.starts_with("kube-api-access-"))
        };
        if let Some(all) = spec.get_mut("volumes").and_then(Value::as_array_mut) {
            all.retain(|v| !token(v));
        }
        for list in ["containers", "initContainers"] {
            let all = spec.get_mut(list).and_then(Value::as_array_mut);
            for container in all.into_iter().flatten() {
                if let Some(mounts) = container["volumeMounts"].as_array_mut() {
                    mounts.retain(|m| !token(m));
                }
            }
        }
    }
    template(manifest);
}

/// Calls `found` on every pod template below.
fn templates(value: &mut Value, found: &mut impl FnMut(&mut Value)) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                if key == "template" && value["spec"]["containers"].is_array() {
                    found(value);
                } else {
                    templates(value, found);
                }
            }
        }
        Value::Array(all) => all.iter_mut().for_each(|value| templates(value, found)),
        _ => {}
    }
}

fn template(template: &mut Value) {
    if let Some(meta) = template["metadata"].as_object_mut() {
        meta.remove("creationTimestamp");
        strip(meta, "labels", &JOB_LABELS);
        strip(meta, "labels", &KUEUE_LABELS);
        strip(meta, "annotations", &TEMPLATE_ANNOTATIONS);
    }
    if let Some(gates) = template["spec"]["schedulingGates"].as_array_mut() {
        gates.retain(|gate| {
            let name = gate["name"].as_str().unwrap_or_default();
            name != GATE && name != "kueue.x-k8s.io/admission"
        });
    }
}

fn strip(meta: &mut Map<String, Value>, field: &str, keys: &[&str]) {
    if let Some(all) = meta.get_mut(field).and_then(Value::as_object_mut) {
        for key in keys {
            all.remove(*key);
        }
    }
}

/// Indexing makes nulls, and stripping empty maps: neither was there.
fn tidy(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.values_mut().for_each(tidy);
            map.retain(|key, value| {
                let emptied = matches!(
                    key.as_str(),
                    "labels"
                        | "annotations"
                        | "nodeSelector"
                        | "schedulingGates"
                        | "runtimePatches"
                );
                let empty = value.as_object().is_some_and(Map::is_empty)
                    || value.as_array().is_some_and(Vec::is_empty);
                let bare = key == "metadata" && empty;
                !(value.is_null() || bare || empty && emptied)
            });
        }
        Value::Array(all) => all.iter_mut().for_each(tidy),
        _ => {}
    }
}

/// A name for the next run of something: `train` → `train-r2` → `train-r3`. Never longer than a label may be.
pub fn next_name(name: &str) -> String {
    next_name_within(name, 63)
}

/// The same, of at most so many characters.
pub fn next_name_within(name: &str, most: usize) -> String {
    let (stem, n) = match name.rsplit_once("-r") {
        Some((stem, n)) if !stem.is_empty() && !n.starts_with('0') => match n.parse::<u32>() {
            Ok(n) => (stem, n.saturating_add(1)),
            Err(_) => (name, 2),
        },
        _ => (name, 2),
    };
    let end = format!("-r{n}");
    let room = most.saturating_sub(end.len());
    let mut cut = stem.len().min(room);
    while !stem.is_char_boundary(cut) {
        cut -= 1;
    }
    let stem = stem[..cut].trim_end_matches(['-', '.']);
    format!("{stem}{end}")
}
