//! Settings of a manifest, changed one by one whatever its kind: queue, priority, image, number of pods, GPU flavor. Each
//! answers in sentences what it changed, or refuses with the next step; none touches what it does not say.

mod count;
mod flavor;
mod image;
mod queue;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

pub use count::{Count, parallelism};
pub use flavor::{Flavor, flavor};
pub use image::{image, main as main_container};
pub use queue::{priority, queue};

use super::Refusal;

/// What was changed, in sentences.
pub type Edit = Result<Vec<String>, Refusal>;

/// Kueue's label for the queue of a job.
pub const QUEUE: &str = "kueue.x-k8s.io/queue-name";
/// And for its WorkloadPriorityClass.
pub const CLASS: &str = "kueue.x-k8s.io/priority-class";

/// One pod template of a manifest: what its kind calls it (empty where there is only one), and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    pub name: String,
    /// A JSON pointer to what has `metadata` and `spec`.
    pub at: String,
}

/// All pod templates, the leading one first.
pub fn roles(manifest: &Value) -> Vec<Role> {
    let one = |name: &str, at: String| Role {
        name: name.to_owned(),
        at,
    };
    let spec = &manifest["spec"];
    match kind(manifest) {
        "Pod" => return vec![one("", String::new())],
        "Job" => return vec![one("", "/spec/template".into())],
        "CronJob" => return vec![one("", "/spec/jobTemplate/spec/template".into())],
        // they are those of its runtime
        "TrainJob" => return Vec::new(),
        "LeaderWorkerSet" => {
            let all = ["leaderTemplate", "workerTemplate"].into_iter();
            let all = all.filter(|key| spec["leaderWorkerTemplate"][*key].is_object());
            return all
                .map(|key| {
                    let name = key.trim_end_matches("Template");
                    one(name, format!("/spec/leaderWorkerTemplate/{key}"))
                })
                .collect();
        }
        _ => {}
    }
    if let Some((field, roles)) = replica_specs(manifest) {
        let mut names: Vec<&String> = roles.keys().collect();
        let first = |name: &str| !matches!(name, "Master" | "Chief" | "Launcher");
        names.sort_by_key(|name| (first(name), name.as_str()));
        return names
            .into_iter()
            .map(|name| one(name, format!("/spec/{field}/{name}/template")))
            .collect();
    }
    if let Some(all) = spec["replicatedJobs"].as_array() {
        let all = all.iter().enumerate();
        return all
            .map(|(n, job)| {
                let at = format!("/spec/replicatedJobs/{n}/template/spec/template");
                one(job["name"].as_str().unwrap_or_default(), at)
            })
            .collect();
    }
    let (ray, base) = match spec["rayClusterSpec"].is_object() {
        true => (&spec["rayClusterSpec"], "/spec/rayClusterSpec"),
        false => (spec, "/spec"),
    };
    if ray["headGroupSpec"].is_object() {
        let mut all = vec![one("head", format!("{base}/headGroupSpec/template"))];
        let groups = ray["workerGroupSpecs"].as_array().into_iter().flatten();
        all.extend(groups.enumerate().map(|(n, group)| {
            let at = format!("{base}/workerGroupSpecs/{n}/template");
            one(group["groupName"].as_str().unwrap_or_default(), at)
        }));
        if spec["submitterPodTemplate"].is_object() {
            all.push(one("submitter", "/spec/submitterPodTemplate".into()));
        }
        return all;
    }
    let mut all = Vec::new();
    search(spec, "/spec", &mut all);
    all
}

/// Pod templates of a kind that nobody knows here.
fn search(value: &Value, at: &str, found: &mut Vec<Role>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let at = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
                if value["spec"]["containers"].is_array() {
                    found.push(Role {
                        name: key.clone(),
                        at,
                    });
                } else {
                    search(value, &at, found);
                }
            }
        }
        Value::Array(all) => {
            for (n, value) in all.iter().enumerate() {
                search(value, &format!("{at}/{n}"), found);
            }
        }
        _ => {}
    }
}

/// `pytorchReplicaSpecs` and what is in it.
fn replica_specs(manifest: &Value) -> Option<(&str, &Map<String, Value>)> {
    let spec = manifest["spec"].as_object()?;
    let (field, roles) = spec.iter().find(|(key, _)| key.ends_with("ReplicaSpecs"))?;
    Some((field, roles.as_object()?))
}

/// `Job`
pub fn kind(manifest: &Value) -> &str {
    manifest["kind"].as_str().unwrap_or_default()
}

/// `job/pi`
pub fn words(manifest: &Value) -> String {
    let name = manifest["metadata"]["name"].as_str().unwrap_or("?");
    format!("{}/{name}", kind(manifest).to_lowercase())
}

/// A label of the object.
pub fn label<'a>(manifest: &'a Value, key: &str) -> Option<&'a str> {
    manifest["metadata"]["labels"][key].as_str()
}

/// Waits in one of Kueue's queues.
pub fn is_queued(manifest: &Value) -> bool {
    label(manifest, QUEUE).is_some_and(|queue| !queue.is_empty())
}

/// Sets a field below maps. What is no map on the way becomes one: text that somebody edits may be anything.
fn put(object: &mut Value, path: &[&str], value: impl Into<Value>) {
    let mut place = object;
    for key in path {
        if !place.is_object() {
            *place = Value::Object(Map::new());
        }
        place = &mut place[*key];
    }
    *place = value.into();
}

/// Takes a field out of a map.
fn take(object: &mut Value, at: &str, key: &str) -> Option<Value> {
    object.pointer_mut(at)?.as_object_mut()?.remove(key)
}

/// Takes a key out of a map of the object's metadata, and the map if it is empty then.
fn unlabel(manifest: &mut Value, key: &str) -> Option<Value> {
    let meta = manifest.get_mut("metadata")?.as_object_mut()?;
    let labels = meta.get_mut("labels")?.as_object_mut()?;
    let was = labels.remove(key);
    if labels.is_empty() {
        meta.remove("labels");
    }
    was
}

/// `Worker`, or nothing where there is only one template: what stands before what is said of it.
fn of(role: &Role) -> String {
    match role.name.as_str() {
        "" => String::new(),
        name => format!("{name}: "),
    }
}

/// `none of a, b`
fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}
