//! From a step and the object as the server has it now to the request. What the plan could not know is decided here:
//! the fields of a kind, whether there is anything to change, what the API would refuse anyway.

use serde_json::{Map, Value, json};

use super::{Intent, Object, Refusal, Step, Write};
use crate::model::kueue::queue::Stop;
use crate::model::want::Kind;

/// What there is to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    Write(Write),
    /// It is so already.
    Already(String),
}

/// Kueue's label for the queue of a job, and the one for its priority.
const QUEUE: &str = "kueue.x-k8s.io/queue-name";
const CLASS: &str = "kueue.x-k8s.io/priority-class";
/// Marks a Job made by hand from a CronJob, as `kubectl create job --from` does.
const INSTANTIATE: &str = "cronjob.kubernetes.io/instantiate";

/// The request for a step. `fresh` is its target as the server has it; `salt` tells names apart that are made here.
///
/// # Errors
/// Why it cannot be.
pub fn change(step: &Step, fresh: &Value, salt: &str) -> Result<Change, Refusal> {
    let target = step.target();
    let words = step.object.words();
    let patch = |path: &[&str], value: Value| -> Change {
        match at(fresh, path) == &value {
            true => Change::Already(format!("{words} is so already")),
            false => Change::Write(patch(target, fresh, path, value)),
        }
    };
    Ok(match &step.intent {
        Intent::Delete { propagation, force } => Change::Write(Write::Delete {
            object: target.clone(),
            propagation: *propagation,
            grace: force.then_some(0),
        }),
        Intent::Evict => Change::Write(Write::Evict {
            object: target.clone(),
        }),
        Intent::Hold | Intent::Resume => {
            let on = step.intent == Intent::Hold;
            if target.kind == super::WORKLOAD {
                // missing is true
                let active = at(fresh, &["spec", "active"]) != &Value::Bool(false);
                match active == on {
                    true => patch(&["spec", "active"], (!on).into()),
                    false => already(&words, on),
                }
            } else {
                let path = suspend(target.kind)
                    .ok_or_else(|| Refusal::new(format!("{words} has no field to hold it by")))?;
                let now = at(fresh, path).as_bool().unwrap_or(false);
                match now == on {
                    true => already(&words, on),
                    false => patch(path, on.into()),
                }
            }
        }
        Intent::Stop(stop) => {
            let policy = match stop {
                Stop::None => "None",
                Stop::Hold => "Hold",
                Stop::HoldAndDrain => "HoldAndDrain",
            };
            patch(&["spec", "stopPolicy"], policy.into())
        }
        Intent::Trigger => Change::Write(trigger(target, fresh, salt)?),
        Intent::Scale(n) => scale(target, fresh, *n)?,
        Intent::Priority(class) => patch(&["metadata", "labels", CLASS], (&**class).into()),
        Intent::Move(queue) => {
            let running =
                suspend(target.kind).is_some_and(|path| at(fresh, path).as_bool() != Some(true));
            if running {
                return Err(Refusal::new(format!(
                    "{words} has started meanwhile, and a job's queue cannot change while it runs"
                ))
                .next("hold it first"));
            }
            patch(&["metadata", "labels", QUEUE], (&**queue).into())
        }
        Intent::Cordon(on) => {
            let now = at(fresh, &["spec", "unschedulable"]) == &Value::Bool(true);
            match now == *on {
                true => Change::Already(format!("{words} is so already")),
                false => patch(&["spec", "unschedulable"], (*on).into()),
            }
        }
        Intent::Exec(_) | Intent::Forward(_) => {
            return Err(Refusal::new("a connection is opened, not written"));
        }
        Intent::Create => {
            let manifest = step.manifest.as_deref();
            let manifest = manifest.ok_or_else(|| Refusal::new("there is nothing to make"))?;
            Change::Write(Write::Create {
                object: target.clone(),
                manifest: manifest.clone(),
            })
        }
    })
}

fn already(words: &str, on: bool) -> Change {
    Change::Already(match on {
        true => format!("{words} is held already"),
        false => format!("{words} is not held"),
    })
}

/// Where a kind is told to hold: the field of its spec.
pub fn suspend(kind: Kind) -> Option<&'static [&'static str]> {
    match kind {
        Kind::Job | Kind::CronJob => Some(&["spec", "suspend"]),
        Kind::Workload(kind) if kind.group == "kubeflow.org" => {
            Some(&["spec", "runPolicy", "suspend"])
        }
        Kind::Workload(kind) => match kind.kind {
            "JobSet" | "TrainJob" | "RayJob" | "RayCluster" => Some(&["spec", "suspend"]),
            _ => None,
        },
        _ => None,
    }
}

fn at<'a>(object: &'a Value, path: &[&str]) -> &'a Value {
    path.iter().fold(object, |value, key| &value[*key])
}

fn text<'a>(object: &'a Value, path: &[&str]) -> &'a str {
    at(object, path).as_str().unwrap_or_default()
}

/// Puts a value under a path of maps.
fn put(object: &mut Value, path: &[&str], value: Value) {
    let mut place = object;
    for key in path {
        if !place.is_object() {
            *place = Value::Object(Map::new());
        }
        place = &mut place[*key];
    }
    *place = value;
}

/// A merge patch of one field that is refused when the object is another, or has changed since.
fn patch(target: &Object, fresh: &Value, path: &[&str], value: Value) -> Write {
    let mut body = json!({"metadata": {}});
    put(&mut body, path, value);
    guard(target, fresh, body)
}

fn guard(target: &Object, fresh: &Value, mut body: Value) -> Write {
    for key in ["uid", "resourceVersion"] {
        if let Some(known) = fresh["metadata"][key].as_str() {
            body["metadata"][key] = known.into();
        }
    }
    Write::Patch {
        object: target.clone(),
        body,
    }
}

/// A Job from a CronJob's template, as `kubectl create job --from` makes it.
fn trigger(cron: &Object, fresh: &Value, salt: &str) -> Result<Write, Refusal> {
    let template = &fresh["spec"]["jobTemplate"];
    if !template["spec"].is_object() {
        return Err(Refusal::new(format!("{} has no template", cron.words())));
    }
    // a Job's name becomes a label value of its pods
    let stem: String = cron.name.chars().take(45).collect();
    let name = format!("{}-manual-{salt}", stem.trim_end_matches(['-', '.']));
    let mut annotations = template["metadata"]["annotations"].clone();
    put(&mut annotations, &[INSTANTIATE], "manual".into());
    let mut manifest = json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": name,
            "namespace": &*cron.namespace,
            "annotations": annotations,
            // not blockOwnerDeletion: that asks for more rights
            "ownerReferences": [{
                "apiVersion": "batch/v1",
                "kind": "CronJob",
                "name": &*cron.name,
                "uid": fresh["metadata"]["uid"].clone(),
                "controller": true,
            }],
        },
        "spec": template["spec"].clone(),
    });
    if template["metadata"]["labels"].is_object() {
        manifest["metadata"]["labels"] = template["metadata"]["labels"].clone();
    }
    Ok(Write::Create {
        object: Object {
            kind: Kind::Job,
            namespace: cron.namespace.clone(),
            name: name.into(),
            key: None,
        },
        manifest,
    })
}

fn scale(target: &Object, fresh: &Value, n: u32) -> Result<Change, Refusal> {
    let words = target.words();
    let one = |path: &[&str]| {
        Ok(match at(fresh, path).as_u64() == Some(n.into()) {
            true => Change::Already(format!("{words} has {n} already")),
            false => Change::Write(patch(target, fresh, path, n.into())),
        })
    };
    match target.kind {
        Kind::Job => {
            let spec = &fresh["spec"];
            let (now, all) = (spec["parallelism"].as_u64(), spec["completions"].as_u64());
            // the API lets completions change only together with an equal parallelism
            let elastic =
                text(spec, &["completionMode"]) == "Indexed" && all.is_some() && all == now;
            if !elastic || n == 0 {
                return one(&["spec", "parallelism"]);
            }
            if now == Some(n.into()) {
                return one(&["spec", "parallelism"]);
            }
            let body = json!({
                "metadata": {},
                "spec": {"parallelism": n, "completions": n},
            });
            Ok(Change::Write(guard(target, fresh, body)))
        }
        Kind::Workload(kind) => match kind.kind {
            "LeaderWorkerSet" => one(&["spec", "replicas"]),
            "PyTorchJob" | "PaddleJob" => {
                let elastic = &fresh["spec"]["elasticPolicy"];
                if !elastic.is_object() {
                    return Err(Refusal::new(format!(
                        "{words} has no elasticPolicy: its workers are fixed"
                    ))
                    .next("delete and submit it anew"));
                }
                let bound = |key: &str, none: u64| elastic[key].as_u64().unwrap_or(none);
                let (least, most) = (bound("minReplicas", 1), bound("maxReplicas", u64::MAX));
                if !(least..=most).contains(&n.into()) {
                    return Err(Refusal::new(format!(
                        "{words} takes {least} to {most} workers, as its elasticPolicy says"
                    )));
                }
                let field = match kind.kind {
                    "PyTorchJob" => "pytorchReplicaSpecs",
                    _ => "paddleReplicaSpecs",
                };
                one(&["spec", field, "Worker", "replicas"])
            }
            "RayCluster" => ray(target, fresh, n),
            _ => Err(Refusal::new(format!("{words} cannot be scaled"))),
        },
        _ => Err(Refusal::new(format!("{words} cannot be scaled"))),
    }
}

fn ray(target: &Object, fresh: &Value, n: u32) -> Result<Change, Refusal> {
    let words = target.words();
    if fresh["spec"]["enableInTreeAutoscaling"] == true {
        return Err(
            Refusal::new(format!("{words} is scaled by its autoscaler")).next("change its limits")
        );
    }
    let groups = fresh["spec"]["workerGroupSpecs"].as_array();
    let [group] = groups.map(Vec::as_slice).unwrap_or_default() else {
        return Err(Refusal::new(format!(
            "{words} has {} worker groups, which one is meant is not clear",
            groups.map_or(0, Vec::len)
        ))
        .next("edit it with kubectl"));
    };
    if group["replicas"].as_u64() == Some(n.into()) {
        return Ok(Change::Already(format!("{words} has {n} already")));
    }
    let mut group = group.clone();
    group["replicas"] = n.into();
    // bounds that would take it back at once
    if group["maxReplicas"]
        .as_u64()
        .is_some_and(|most| most < n.into())
    {
        group["maxReplicas"] = n.into();
    }
    if group["minReplicas"]
        .as_u64()
        .is_some_and(|least| least > n.into())
    {
        group["minReplicas"] = n.into();
    }
    // lists are replaced whole; the resourceVersion keeps that from undoing somebody else's change
    let body = json!({"metadata": {}, "spec": {"workerGroupSpecs": [group]}});
    Ok(Change::Write(guard(target, fresh, body)))
}
