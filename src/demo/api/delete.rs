//! Deletion: preconditions, grace, propagation, finalizers.

use std::sync::Arc;

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::custom::definition;
use super::status::Cause;
use super::write::{Cluster, Delete, Refusal};
use crate::clock::rfc3339;
use crate::store::{Kind, KindId, Object};

const ORPHAN: &str = "orphan";
const FOREGROUND: &str = "foregroundDeletion";

/// What the server says when a Job is deleted without a word on its pods.
pub const ORPHANS: &str = "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning";

/// Does something beside finalizers hold a deleted object? (A namespace has finalizers of its own.)
pub fn holds(value: &Value) -> bool {
    value["kind"] == "Namespace"
        && value["spec"]["finalizers"]
            .as_array()
            .is_some_and(|f| !f.is_empty())
}

impl Delete {
    /// Checks the options themselves.
    ///
    /// # Errors
    /// 422 for a policy that does not exist.
    pub fn check(&self) -> Result<(), Refusal> {
        match self.propagation.as_deref() {
            None | Some("Background" | "Foreground" | "Orphan") => Ok(()),
            Some(other) => {
                let all = ["Foreground", "Background", "Orphan", "nil"];
                let cause = Cause::unsupported("propagationPolicy", &json!(other), &all);
                Err(Refusal::invalid(
                    "meta.k8s.io",
                    "DeleteOptions",
                    "",
                    &[cause],
                ))
            }
        }
    }
}

/// Finalizers by which the garbage collector is told what to do with dependents.
fn finalizers(kind: &Kind, current: &[Value], policy: Option<&str>) -> Vec<Value> {
    let has = |name: &str| current.iter().any(|f| f == name);
    let policy = match policy {
        Some(policy) => policy,
        None if has(ORPHAN) => "Orphan",
        None if has(FOREGROUND) => "Foreground",
        // For old clients, jobs leave their pods behind.
        None if kind.group == "batch" && kind.kind == "Job" => "Orphan",
        None => "Background",
    };
    let mut out: Vec<Value> = current
        .iter()
        .filter(|f| **f != ORPHAN && **f != FOREGROUND)
        .cloned()
        .collect();
    match policy {
        "Orphan" => out.push(json!(ORPHAN)),
        "Foreground" => out.push(json!(FOREGROUND)),
        _ => {}
    }
    out
}

/// How long a pod is given.
fn grace(kind: &Kind, value: &Value, asked: Option<i64>) -> i64 {
    if !kind.group.is_empty() || kind.kind != "Pod" {
        return 0;
    }
    let mut seconds = asked.unwrap_or_else(|| {
        value["spec"]["terminationGracePeriodSeconds"]
            .as_i64()
            .unwrap_or(30)
    });
    let unbound = value["spec"]["nodeName"].as_str().is_none_or(str::is_empty);
    let over = matches!(
        value["status"]["phase"].as_str(),
        Some("Succeeded" | "Failed")
    );
    if unbound || over {
        seconds = 0;
    }
    if seconds < 0 { 1 } else { seconds }
}

impl Cluster {
    /// Deletes as `DELETE` would: finalizers, grace and propagation decide whether the object goes now
    /// (`None`) or stays with a deletionTimestamp.
    ///
    /// # Errors
    /// 404, 409 for preconditions that do not hold, 422 for bad options.
    pub fn delete(
        &mut self,
        kind: KindId,
        namespace: &str,
        name: &str,
        how: &Delete,
    ) -> Result<Option<Arc<Object>>, Refusal> {
        let Some(value) = self.prepare_delete(kind, namespace, name, how)? else {
            self.store.remove(kind, namespace, name);
            self.removed(kind);
            return Ok(None);
        };
        let stored = self.store.get(kind, namespace, name);
        if let Some(same) = stored.filter(|o| *o.tree() == value) {
            return Ok(Some(same.clone()));
        }
        let left = self.store.put(kind, value);
        self.written(kind, name);
        Ok(Some(left))
    }

    /// What a deletion would leave behind; `None` if nothing.
    pub fn prepare_delete(
        &self,
        kind: KindId,
        namespace: &str,
        name: &str,
        how: &Delete,
    ) -> Result<Option<Value>, Refusal> {
        how.check()?;
        let info = self.store.kind(kind);
        let stored = self
            .store
            .get(kind, namespace, name)
            .ok_or_else(|| Refusal::not_found(info, name))?;
        preconditions(info, stored, how)?;
        let mut value = stored.value();
        if info.group.is_empty() && info.kind == "Namespace" {
            return Ok(Some(self.ending_namespace(value)));
        }
        if definition::is_definition(info) {
            if value["metadata"]["deletionTimestamp"].is_null() {
                definition::mark_deleted(&mut value, &rfc3339(self.clock.now()));
            }
            return Ok(Some(value));
        }
        let seconds = grace(info, &value, how.grace_seconds);
        let meta = &mut value["metadata"];
        let current = meta["finalizers"].as_array().cloned().unwrap_or_default();
        let wanted = finalizers(info, &current, how.propagation.as_deref());
        if seconds == 0 && wanted.is_empty() {
            return Ok(None);
        }
        if wanted != current {
            meta["finalizers"] = json!(wanted);
            if wanted.is_empty()
                && let Some(meta) = meta.as_object_mut()
            {
                meta.remove("finalizers");
            }
        }
        let left = meta["deletionGracePeriodSeconds"].as_i64();
        match left {
            // A second deletion can only make it shorter.
            Some(left) if seconds >= left => {}
            _ => {
                let at = self.clock.now()
                    + self
                        .clock
                        .scaled(TimeDelta::seconds(seconds).to_std().unwrap_or_default());
                meta["deletionTimestamp"] = json!(rfc3339(at));
                meta["deletionGracePeriodSeconds"] = json!(seconds);
                if left.is_none()
                    && let Some(n) = meta["generation"].as_i64().filter(|n| *n > 0)
                {
                    meta["generation"] = json!(n + 1);
                }
            }
        }
        Ok(Some(value))
    }

    fn ending_namespace(&self, mut value: Value) -> Value {
        let meta = &mut value["metadata"];
        if meta["deletionTimestamp"].is_null() {
            meta["deletionTimestamp"] = json!(rfc3339(self.clock.now()));
        }
        value["status"]["phase"] = json!("Terminating");
        value
    }
}

fn preconditions(info: &Kind, stored: &Object, how: &Delete) -> Result<(), Refusal> {
    let why = match (&how.uid, &how.resource_version) {
        (Some(uid), _) if *uid != stored.uid => format!(
            "the UID in the precondition ({uid}) does not match the UID in record ({}). The object might have been deleted and then recreated",
            stored.uid
        ),
        (_, Some(rv)) if *rv != stored.rv.to_string() => format!(
            "the ResourceVersion in the precondition ({rv}) does not match the ResourceVersion in record ({}). The object might have been modified",
            stored.rv
        ),
        _ => return Ok(()),
    };
    Err(Refusal::conflict(
        &info.group,
        &info.kind,
        &stored.name,
        &why,
    ))
}
