//! What may not change once an object exists.

use serde_json::{Map, Value, json};

use super::{Errors, list, meta, text};
use crate::api::status::Cause;
use crate::store::Kind;

/// What is wrong with a change, beside what [`super::create`] finds. `sub` is the subresource written to.
pub fn update(kind: &Kind, old: &Value, new: &Value, sub: &str) -> Vec<Cause> {
    let mut errors = Errors::new();
    // Once for every write, and once more by the kind's own rules.
    metadata(&mut errors, &old["metadata"], &new["metadata"]);
    if !kind.custom {
        metadata(&mut errors, &old["metadata"], &new["metadata"]);
    }
    // What did not change was right before.
    let same = ["spec", "data", "binaryData", "type", "immutable", "value"]
        .iter()
        .all(|field| old.get(field) == new.get(field));
    if sub.is_empty() && !kind.custom && !same {
        match (kind.group.as_str(), kind.kind.as_str()) {
            ("batch", "Job") => {
                super::spec(&mut errors, kind, new);
                super::batch::whole_spec(&mut errors, &new["spec"]);
                job(&mut errors, old, new);
            }
            ("", "Pod") => {
                super::spec(&mut errors, kind, new);
                pod(&mut errors, old, new);
            }
            ("apps", "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet") => {
                super::spec(&mut errors, kind, new);
                let (before, after) = (&old["spec"]["selector"], &new["spec"]["selector"]);
                immutable(&mut errors, "spec.selector", before, after);
            }
            ("resource.k8s.io", "ResourceClaim" | "ResourceClaimTemplate") => {
                super::spec(&mut errors, kind, new);
                immutable(&mut errors, "spec", &old["spec"], &new["spec"]);
            }
            ("", "ConfigMap" | "Secret") => {
                super::spec(&mut errors, kind, new);
                frozen(&mut errors, old, new);
            }
            _ => super::spec(&mut errors, kind, new),
        }
    }
    errors.causes
}

fn immutable(errors: &mut Errors, path: &str, old: &Value, new: &Value) {
    if old != new {
        errors.invalid(path, new, "field is immutable");
    }
}

fn metadata(errors: &mut Errors, old: &Value, new: &Value) {
    if old == new {
        return;
    }
    meta::common(errors, new);
    for field in [
        "uid",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
    ] {
        immutable(
            errors,
            &format!("metadata.{field}"),
            &old[field],
            &new[field],
        );
    }
    if old["deletionTimestamp"].is_string() {
        let before = list(&old["finalizers"]);
        let added: Vec<&str> = list(&new["finalizers"])
            .iter()
            .filter(|f| !before.contains(f))
            .map(text)
            .collect();
        if !added.is_empty() {
            let quoted: Vec<String> = added.iter().map(|f| format!("\"{f}\"")).collect();
            errors.push(Cause::forbidden(
                "metadata.finalizers",
                &format!(
                    "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
                    quoted.join(", ")
                ),
            ));
        }
    }
}

fn job(errors: &mut Errors, old: &Value, new: &Value) {
    let (before, after) = (&old["spec"], &new["spec"]);
    if after["completionMode"] == "Indexed" {
        if before["completions"] != after["completions"]
            && !after["completions"].is_null()
            && after["completions"] != after["parallelism"]
        {
            let why = "can only be modified in tandem with spec.parallelism";
            errors.invalid("spec.completions", &after["completions"], why);
        }
    } else {
        immutable(
            errors,
            "spec.completions",
            &before["completions"],
            &after["completions"],
        );
    }
    immutable(
        errors,
        "spec.selector",
        &before["selector"],
        &after["selector"],
    );
    let wanted = &after["template"];
    if scheduling_is_mutable(old) {
        let mut spec = before["template"]["spec"].clone();
        for field in ["nodeSelector", "tolerations", "schedulingGates", "affinity"] {
            copy(&mut spec, &wanted["spec"], field);
        }
        resources(&mut spec, &wanted["spec"]);
        if spec != wanted["spec"] {
            errors.invalid("spec.template.spec", &wanted["spec"], "field is immutable");
        }
    } else {
        immutable(errors, "spec.template", &before["template"], wanted);
    }
    for field in [
        "completionMode",
        "podFailurePolicy",
        "backoffLimitPerIndex",
        "managedBy",
        "successPolicy",
    ] {
        immutable(
            errors,
            &format!("spec.{field}"),
            &before[field],
            &after[field],
        );
    }
}

/// A suspended job without pods may change where its pods would go.
fn scheduling_is_mutable(job: &Value) -> bool {
    let conditions = list(&job["status"]["conditions"]);
    let suspended = conditions
        .iter()
        .any(|c| c["type"] == "Suspended" && c["status"] == "True");
    let fresh = job["status"]["startTime"].is_null();
    let active = job["status"]["active"].as_i64().unwrap_or_default();
    job["spec"]["suspend"] == true && (fresh || suspended) && active == 0
}

fn copy(to: &mut Value, from: &Value, field: &str) {
    if let Some(map) = to.as_object_mut() {
        match from.get(field) {
            Some(value) => map.insert(field.to_owned(), value.clone()),
            None => map.remove(field),
        };
    }
}

fn resources(to: &mut Value, from: &Value) {
    for field in ["containers", "initContainers"] {
        let wanted = list(&from[field]);
        let Some(mine) = to.get_mut(field).and_then(Value::as_array_mut) else {
            continue;
        };
        if mine.len() == wanted.len() {
            for (c, w) in mine.iter_mut().zip(wanted) {
                if c["name"] == w["name"] {
                    copy(c, w, "resources");
                }
            }
        }
    }
}

const UPDATABLE: &str = "`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

fn pod(errors: &mut Errors, old: &Value, new: &Value) {
    let (before, after) = (&old["spec"], &new["spec"]);
    for field in ["containers", "initContainers"] {
        let (a, b) = (list(&before[field]), list(&after[field]));
        if a.len() != b.len() {
            errors.push(Cause::forbidden(
                format!("spec.{field}"),
                "pod updates may not add or remove containers",
            ));
            return;
        }
    }
    deadline(errors, before, after);
    let kept = list(&before["tolerations"]);
    let missing = kept
        .iter()
        .any(|t| !list(&after["tolerations"]).contains(t));
    if missing {
        errors.push(Cause::forbidden(
            "spec.tolerations",
            "existing toleration can not be modified except its tolerationSeconds",
        ));
    }
    let gates = list(&before["schedulingGates"]);
    let added = list(&after["schedulingGates"])
        .iter()
        .find(|g| !gates.contains(g));
    if let Some(gate) = added {
        errors.push(Cause::forbidden(
            "spec.schedulingGates",
            &format!(
                "only deletion is allowed, but found new scheduling gate '{}'",
                text(&gate["name"])
            ),
        ));
    }
    let mut masked = after.clone();
    for field in ["containers", "initContainers"] {
        let images: Vec<Value> = list(&before[field])
            .iter()
            .map(|c| c["image"].clone())
            .collect();
        if let Some(all) = masked.get_mut(field).and_then(Value::as_array_mut) {
            for (c, image) in all.iter_mut().zip(images) {
                c["image"] = image;
            }
        }
    }
    let mut free = vec!["activeDeadlineSeconds", "tolerations", "schedulingGates"];
    if !gates.is_empty() {
        free.extend(["nodeSelector", "affinity"]);
    }
    for field in free {
        copy(&mut masked, before, field);
    }
    if masked != *before {
        let changed = differences(before, &masked);
        let why = format!("pod updates may not change fields other than {UPDATABLE}\n{changed}");
        errors.push(Cause::forbidden("spec", &why));
    }
}

fn deadline(errors: &mut Errors, before: &Value, after: &Value) {
    let field = "spec.activeDeadlineSeconds";
    let (old, new) = (
        before["activeDeadlineSeconds"].as_i64(),
        after["activeDeadlineSeconds"].as_i64(),
    );
    match (old, new) {
        (Some(old), Some(new)) if new > old => {
            let why = "must be less than or equal to previous value";
            errors.invalid(field, &json!(new), why);
        }
        (Some(_), None) => {
            let why = "must not update from a positive integer to nil value";
            errors.invalid(field, &Value::Null, why);
        }
        _ => {}
    }
}

/// The top-level fields that differ, with what they were and are.
fn differences(old: &Value, new: &Value) -> String {
    let empty = Map::new();
    let (a, b) = (
        old.as_object().unwrap_or(&empty),
        new.as_object().unwrap_or(&empty),
    );
    let mut keys: Vec<&String> = a.keys().chain(b.keys()).collect();
    keys.sort();
    keys.dedup();
    let lines: Vec<String> = keys
        .into_iter()
        .filter(|k| a.get(*k) != b.get(*k))
        .map(|k| {
            let show = |v: Option<&Value>| v.unwrap_or(&Value::Null).to_string();
            format!("-{k}: {}\n+{k}: {}", show(a.get(k)), show(b.get(k)))
        })
        .collect();
    lines.join("\n")
}

/// Immutable ConfigMaps and Secrets, and the type of a Secret.
fn frozen(errors: &mut Errors, old: &Value, new: &Value) {
    if old["kind"] == "Secret" {
        immutable(errors, "type", &old["type"], &new["type"]);
    }
    if old["immutable"] != true {
        return;
    }
    let why = "field is immutable when `immutable` is set";
    if new["immutable"] != true {
        errors.push(Cause::forbidden("immutable", why));
    }
    for field in ["data", "binaryData"] {
        if old[field] != new[field] {
            errors.push(Cause::forbidden(field, why));
        }
    }
}
