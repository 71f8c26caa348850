//! A Workload at one look, with the few things every part of Kueue does to its status: conditions as
//! `meta.SetStatusCondition` sets them, reservation, eviction.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::api::write::Writer;
use crate::clock::rfc3339;
use crate::controllers::hub::Hub;
use crate::controllers::recorder::{Note, Source};
use crate::controllers::tasks::Key;
use crate::store::{KindId, Object};

/// Kueue's name in events and managedFields.
pub const BY: &str = "kueue";

/// Speaks about an object as one of Kueue's controllers.
pub fn say(hub: &mut Hub<'_>, about: &Object, who: &str, warning: bool, reason: &str, text: &str) {
    let note = Note {
        from: Source::Operator(BY, who),
        warning,
        reason,
        message: text,
        field: "",
    };
    hub.event(about, &note);
}

/// Sets a condition in a status; its time moves with its state only. True if anything changed.
pub fn set_condition(
    status: &mut Value,
    (name, holds): (&str, bool),
    (reason, message): (&str, &str),
    generation: &Value,
    now: DateTime<Utc>,
) -> bool {
    let word = if holds { "True" } else { "False" };
    // as long as the API allows
    let message: String = message.chars().take(32_768).collect();
    let mut new = json!({
        "type": name, "status": word, "reason": reason, "message": message,
        "lastTransitionTime": rfc3339(now),
    });
    if generation.is_number() {
        new["observedGeneration"] = generation.clone();
    }
    if !status["conditions"].is_array() {
        status["conditions"] = json!([]);
    }
    let Some(all) = status["conditions"].as_array_mut() else {
        return false;
    };
    let Some(old) = all.iter_mut().find(|c| c["type"] == name) else {
        all.push(new);
        return true;
    };
    if old["status"] == word {
        new["lastTransitionTime"] = old["lastTransitionTime"].clone();
    }
    let changed = *old != new;
    *old = new;
    changed
}

/// A Workload that is being looked at, and its status to be written.
pub struct Seen {
    pub object: Arc<Object>,
    pub spec: Value,
    pub status: Value,
    pub meta: Value,
    before: Value,
}

impl Seen {
    pub fn load(hub: &Hub<'_>, kind: KindId, key: &Key) -> Option<Self> {
        let object = hub.get(kind, key)?;
        let mut value = object.value();
        let status = value["status"].take();
        Some(Self {
            spec: value["spec"].take(),
            meta: value["metadata"].take(),
            before: status.clone(),
            status,
            object,
        })
    }

    pub fn key(&self) -> Key {
        (self.object.namespace.clone(), self.object.name.clone())
    }

    pub fn changed(&self) -> bool {
        self.status != self.before
    }

    /// Writes the status if it is another one now.
    pub fn write(&self, hub: &mut Hub<'_>) {
        if self.changed() {
            let by = Writer::status(BY);
            let status = self.status.clone();
            hub.edit(self.object.kind, &self.key(), &by, |v| v["status"] = status);
        }
    }

    pub fn condition(&self, name: &str) -> Option<&Value> {
        let all = self.status["conditions"].as_array()?;
        all.iter().find(|c| c["type"] == name)
    }

    pub fn is(&self, name: &str) -> bool {
        self.condition(name).is_some_and(|c| c["status"] == "True")
    }

    /// Reason and message of a condition that holds.
    pub fn holds(&self, name: &str) -> Option<(String, String)> {
        let c = self.condition(name).filter(|c| c["status"] == "True")?;
        let text = |f: &str| c[f].as_str().unwrap_or_default().to_owned();
        Some((text("reason"), text("message")))
    }

    pub fn since(&self, name: &str) -> Option<DateTime<Utc>> {
        let c = self.condition(name)?;
        c["lastTransitionTime"].as_str()?.parse().ok()
    }

    pub fn set(&mut self, now: DateTime<Utc>, what: (&str, bool), reason: &str, message: &str) {
        let generation = self.meta["generation"].clone();
        set_condition(&mut self.status, what, (reason, message), &generation, now);
    }

    pub fn active(&self) -> bool {
        self.spec["active"] != false
    }

    pub fn finished(&self) -> bool {
        self.is("Finished")
    }

    pub fn reserved(&self) -> bool {
        self.is("QuotaReserved")
    }

    pub fn admitted(&self) -> bool {
        self.is("Admitted")
    }

    pub fn evicted(&self) -> bool {
        self.is("Evicted")
    }

    pub fn checks(&self) -> &[Value] {
        self.status["admissionChecks"]
            .as_array()
            .map_or(&[], Vec::as_slice)
    }

    pub fn drop_field(&mut self, field: &str) {
        if let Some(fields) = self.status.as_object_mut() {
            fields.remove(field);
        }
    }

    pub fn requeue_at(&self) -> Option<DateTime<Utc>> {
        self.status["requeueState"]["requeueAt"]
            .as_str()?
            .parse()
            .ok()
    }

    /// Takes the time of the next try out of `requeueState`.
    pub fn drop_requeue_at(&mut self) {
        if let Some(state) = self.status["requeueState"].as_object_mut() {
            state.remove("requeueAt");
        }
    }

    /// Brings `Admitted` in line with reservation and checks.
    pub fn sync_admitted(&mut self, now: DateTime<Utc>) {
        if self.condition("QuotaReserved").is_none() && self.condition("Admitted").is_none() {
            return;
        }
        let was = self.admitted();
        let ready = self.checks().iter().all(|c| c["state"] == "Ready");
        let (holds, reason, message) = match (self.reserved(), ready) {
            (false, _) => (false, "NoReservation", "The workload has no reservation"),
            (true, false) => (
                false,
                "UnsatisfiedAdmissionChecks",
                "The workload has not all checks ready",
            ),
            (true, true) => (true, "Admitted", "The workload is admitted"),
        };
        if was && !holds {
            let ran = self
                .since("Admitted")
                .map_or(0, |at| (now - at).num_seconds());
            let past = self.status["accumulatedPastExecutionTimeSeconds"].as_i64();
            self.status["accumulatedPastExecutionTimeSeconds"] = json!(past.unwrap_or(0) + ran);
        }
        self.set(now, ("Admitted", holds), reason, message);
    }

    /// Takes the reservation away.
    pub fn unreserve(&mut self, now: DateTime<Utc>, reason: &str, message: &str) {
        self.set(now, ("QuotaReserved", false), reason, message);
        self.drop_field("admission");
        self.sync_admitted(now);
    }

    /// A condition that held no longer does, now that there is a reservation.
    fn reset(&mut self, now: DateTime<Utc>, name: &str) {
        if let Some((_, message)) = self.holds(name) {
            self.set(
                now,
                (name, false),
                "QuotaReserved",
                &format!("Previously: {message}"),
            );
        }
    }

    pub fn reserve(&mut self, now: DateTime<Utc>, admission: Value) {
        let queue = admission["clusterQueue"].as_str().unwrap_or_default();
        let text = format!("Quota reserved in ClusterQueue {queue}");
        self.set(now, ("QuotaReserved", true), "QuotaReserved", &text);
        self.status["admission"] = admission;
        self.drop_field("resourceRequests");
        self.reset(now, "Evicted");
        self.reset(now, "Preempted");
    }

    /// Marks it evicted; its job will stop and give the quota back.
    pub fn evict(&mut self, hub: &mut Hub<'_>, reason: &str, message: &str, cause: &str) {
        let now = hub.now();
        let full = if cause.is_empty() || reason != "Deactivated" {
            reason.to_owned()
        } else {
            format!("{reason}DueTo{cause}")
        };
        self.set(now, ("Evicted", true), &full, message);
        self.drop_field("clusterName");
        self.drop_field("nominatedClusterNames");
        let checks = self.status["admissionChecks"].as_array_mut();
        for check in checks.into_iter().flatten() {
            if check["state"] == "Pending" {
                continue;
            }
            let state = check["state"].as_str().unwrap_or_default().to_owned();
            let mut new = json!({
                "name": check["name"], "state": "Pending", "lastTransitionTime": rfc3339(now),
                "message": format!("Reset to Pending after eviction. Previously: {state}"),
            });
            if check["requeueAfterSeconds"].is_number() {
                new["requeueAfterSeconds"] = check["requeueAfterSeconds"].clone();
            }
            if state == "Retry" {
                new["retryCount"] = json!(check["retryCount"].as_i64().unwrap_or(0) + 1);
            }
            *check = new;
        }
        let all = &mut self.status["schedulingStats"]["evictions"];
        if !all.is_array() {
            *all = json!([]);
        }
        if let Some(all) = all.as_array_mut() {
            let same = |e: &&mut Value| e["reason"] == reason && e["underlyingCause"] == cause;
            match all.iter_mut().find(same) {
                Some(e) => e["count"] = json!(e["count"].as_i64().unwrap_or(0) + 1),
                None => all.push(json!({"reason": reason, "underlyingCause": cause, "count": 1})),
            }
        }
        if self.status["admission"].is_object() {
            let event = if reason == "Deactivated" && !cause.is_empty() {
                format!("EvictedDueTo{reason}DueTo{cause}")
            } else {
                format!("EvictedDueTo{reason}")
            };
            let object = self.object.clone();
            say(
                hub,
                &object,
                "kueue-workload-controller",
                false,
                &event,
                message,
            );
        }
    }
}
