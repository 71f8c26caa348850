//! A pod group once more: Kueue's plain pods that are admitted together. All of them go in under a new name of the group,
//! for Kueue waits until as many are there as they say; one less would wait for ever.

use serde_json::{Map, Value};

use super::{Options, apply};
use crate::actions::Refusal;
use crate::actions::clean::{clean, next_name};
use crate::actions::edit;
use crate::actions::validate;

/// Kueue's label of the group.
pub const NAME: &str = "kueue.x-k8s.io/pod-group-name";
/// How many pods it has, as each of them says.
const COUNT: &str = "kueue.x-k8s.io/pod-group-total-count";

/// What would be submitted, and what to know of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Drafts {
    pub name: String,
    pub manifests: Vec<Value>,
    /// Sentences.
    pub notes: Vec<String>,
}

/// Drafts its pods, in order of their names. `taken`: names of pods and groups that are in use.
///
/// # Errors
/// Why it cannot be, and what to do instead.
pub fn group(
    name: &str,
    pods: &[Value],
    options: &Options,
    taken: impl Fn(&str) -> bool,
) -> Result<Drafts, Refusal> {
    if options.failed_indexes {
        return Err(Refusal::new(format!("podgroup/{name} has no indexes"))
            .next("resubmit all of it, or one of its pods"));
    }
    let mut pods: Vec<&Value> = pods.iter().collect();
    // one that failed may have been replaced: the newest are the group
    pods.sort_by_key(|pod| std::cmp::Reverse(text(pod, "creationTimestamp").to_owned()));
    let said = pods.iter().find_map(|pod| {
        let count = pod["metadata"]["annotations"][COUNT].as_str()?;
        count.parse::<usize>().ok()
    });
    let wanted = said.unwrap_or(pods.len());
    if pods.len() < wanted || pods.is_empty() {
        let left = pods.len();
        let why = format!("only {left} of the {wanted} pods of podgroup/{name} are left");
        return Err(Refusal::new(why).next("submit it from its file: jobdeck submit -f FILE"));
    }
    let mut notes = Vec::new();
    if pods.len() > wanted {
        let old = pods.len() - wanted;
        notes.push(format!("without {old} of its pods that others replaced"));
        pods.truncate(wanted);
    }
    pods.sort_by_key(|pod| text(pod, "name").to_owned());
    let called = match &options.name {
        Some(called) => {
            validate::name(called)?;
            if taken(called) {
                let why = format!("there is a podgroup/{called} already");
                let next = "choose another name; without one the next free is taken";
                return Err(Refusal::new(why).next(next));
            }
            called.clone()
        }
        None => {
            let mut next = next_name(name);
            while taken(&next) {
                next = next_name(&next);
            }
            next
        }
    };
    let mut manifests: Vec<Value> = Vec::new();
    for pod in pods {
        let cleaned = clean(pod, None);
        let mut manifest = cleaned.manifest;
        let changed = apply(&mut manifest, options)?;
        for note in cleaned.notes.into_iter().chain(changed) {
            if !notes.contains(&note) {
                notes.push(note);
            }
        }
        let own = renamed(text(pod, "name"), name, &called, |own| {
            taken(own) || manifests.iter().any(|m| text(m, "name") == own)
        });
        manifest["metadata"]["name"] = own.into();
        put(&mut manifest, "labels", NAME, &called);
        put(&mut manifest, "annotations", COUNT, &wanted.to_string());
        manifests.push(manifest);
    }
    if manifests.iter().all(|manifest| !edit::is_queued(manifest)) {
        notes.push("it is in no queue: Kueue does not admit it as one".into());
    }
    Ok(Drafts {
        name: called,
        manifests,
        notes,
    })
}

fn text<'a>(pod: &'a Value, key: &str) -> &'a str {
    pod["metadata"][key].as_str().unwrap_or_default()
}

/// `grid-0` of `grid` is `grid-r2-0` of `grid-r2`; what is called otherwise counts up by itself.
fn renamed(pod: &str, old: &str, new: &str, taken: impl Fn(&str) -> bool) -> String {
    let rest = pod.strip_prefix(old).filter(|rest| rest.starts_with('-'));
    let mut name = match rest {
        Some(rest) => format!("{new}{rest}"),
        None => next_name(pod),
    };
    while taken(&name) {
        name = next_name(&name);
    }
    name
}

fn put(manifest: &mut Value, field: &str, key: &str, value: &str) {
    let meta = &mut manifest["metadata"];
    if !meta[field].is_object() {
        meta[field] = Value::Object(Map::new());
    }
    meta[field][key] = value.into();
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(name: &str, created: &str, count: &str) -> Value {
        json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {
                "name": name, "namespace": "ml", "uid": "0a1b", "creationTimestamp": created,
                "labels": {NAME: "grid", "kueue.x-k8s.io/queue-name": "q", "kueue.x-k8s.io/managed": "true"},
                "annotations": {COUNT: count, "kueue.x-k8s.io/role-hash": "1f2e"},
                "finalizers": ["kueue.x-k8s.io/managed"],
            },
            "spec": {
                "nodeName": "n1", "schedulingGates": [{"name": "kueue.x-k8s.io/admission"}],
                "containers": [{"name": "main", "image": "busybox:1"}],
            },
            "status": {"phase": "Succeeded"},
        })
    }

    fn all(pods: &[Value], options: &Options, taken: &[&str]) -> Result<Drafts, Refusal> {
        group("grid", pods, options, |name| taken.contains(&name))
    }

    #[test]
    fn all_pods_go_in_under_a_new_name_of_their_group() {
        let pods = [
            pod("grid-1", "2", "3"),
            pod("other", "1", "3"),
            pod("grid-0", "1", "3"),
        ];
        let options = Options {
            image: Some("busybox:2".into()),
            ..Options::default()
        };
        let taken = ["grid-r2", "grid-r3-1", "other-r2"];
        let drafts = all(&pods, &options, &taken).unwrap();
        let names: Vec<&str> = drafts.manifests.iter().map(|m| text(m, "name")).collect();
        assert_eq!(drafts.name, "grid-r3");
        assert_eq!(names, ["grid-r3-0", "grid-r3-1-r2", "other-r3"]);
        for manifest in &drafts.manifests {
            let meta = &manifest["metadata"];
            assert_eq!(
                meta["labels"],
                json!({NAME: "grid-r3", "kueue.x-k8s.io/queue-name": "q"})
            );
            assert_eq!(meta["annotations"], json!({COUNT: "3"}));
            assert_eq!(
                manifest["spec"],
                json!({"containers": [{"name": "main", "image": "busybox:2"}]})
            );
            assert!(meta["finalizers"].is_null() && manifest["status"].is_null());
        }
        // what is made of it again changes nothing but names
        let again = group("grid-r3", &drafts.manifests, &Options::default(), |_| false).unwrap();
        assert_eq!(again.name, "grid-r4");
        assert_eq!(again.manifests[0]["spec"], drafts.manifests[0]["spec"]);
    }

    #[test]
    fn the_newest_are_the_group_and_too_few_are_none() {
        let pods = [
            pod("grid-0", "1", "2"),
            pod("grid-1", "1", "2"),
            pod("grid-0b", "2", "2"),
        ];
        let drafts = all(&pods, &Options::default(), &[]).unwrap();
        assert_eq!(drafts.manifests.len(), 2);
        assert!(
            drafts
                .notes
                .iter()
                .any(|n| n.contains("without 1 of its pods")),
            "{:?}",
            drafts.notes
        );
        let why = |pods: &[Value]| all(pods, &Options::default(), &[]).unwrap_err().to_string();
        assert!(why(&pods[..1]).contains("only 1 of the 2 pods of podgroup/grid are left"));
        assert!(why(&[]).contains("only 0 of the 0"));
        let indexes = Options {
            failed_indexes: true,
            ..Options::default()
        };
        assert!(all(&pods, &indexes, &[]).is_err());
        let named = Options {
            name: Some("mine".into()),
            ..Options::default()
        };
        let drafts = all(&pods, &named, &[]).unwrap();
        assert_eq!(text(&drafts.manifests[0], "name"), "mine-0");
        assert!(all(&pods, &named, &["mine"]).is_err());
    }
}
