//! Writes Events the way client-go does: the same event again only counts up, many similar ones are combined,
//! and a flood about one object is cut. Events live for an hour.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::kinds::Kinds;
use super::tasks::{Key, Task, Tasks};
use crate::api::write::{Cluster, Delete, Writer};
use crate::clock::{rfc3339, rfc3339_micro};
use crate::store::Object;

/// Which component speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source<'a> {
    /// A controller of the controller manager, by its reporting name.
    Controller(&'a str),
    /// An operator: its field manager, and its reporting name.
    Operator(&'static str, &'a str),
    /// The kubelet of a node.
    Kubelet(&'a str),
    Scheduler,
}

/// What to say.
#[derive(Debug, Clone, Copy)]
pub struct Note<'a> {
    pub from: Source<'a>,
    pub warning: bool,
    pub reason: &'a str,
    pub message: &'a str,
    /// `spec.containers{main}`; empty if the event is about the whole object.
    pub field: &'a str,
}

/// Similar events (all but the message equal) before they are combined.
const SIMILAR: usize = 10;
/// Events about one object in a burst, and the seconds until one more is let through.
const BURST: f64 = 25.0;
const REFILL: f64 = 300.0;
/// Seconds an Event lives after its last write.
const TTL: f64 = 3600.0;

type Same = (String, &'static str, String, String, String);

/// Object, manager and reason.
type Similar = (String, &'static str, String);

/// What client-go's correlator remembers.
#[derive(Debug, Default)]
pub struct Recorder {
    seen: HashMap<Same, Key>,
    same_of: HashMap<Key, Same>,
    similar: HashMap<Similar, (BTreeSet<String>, DateTime<Utc>)>,
    tokens: HashMap<(String, &'static str), (f64, DateTime<Utc>)>,
    last_nanos: i64,
    /// Events before this moment are not written: they would be gone by the time anybody looks.
    skip_before: Option<DateTime<Utc>>,
}

impl Source<'_> {
    fn parts(&self) -> (&'static str, &str, &str) {
        match self {
            Source::Controller(name) => ("kube-controller-manager", name, ""),
            Source::Operator(manager, name) => (*manager, name, ""),
            Source::Kubelet(node) => ("kubelet", "kubelet", node),
            Source::Scheduler => ("kube-scheduler", "default-scheduler", ""),
        }
    }
}

impl Recorder {
    pub(super) fn record(
        &mut self,
        cluster: &mut Cluster,
        kinds: Kinds,
        tasks: &mut Tasks,
        about: &Object,
        note: &Note<'_>,
    ) {
        let now = cluster.clock.now();
        if self.skip_before.is_some_and(|from| now < from) {
            return;
        }
        let (manager, _, _) = note.from.parts();
        let second = |n: f64| cluster.clock.scaled(std::time::Duration::from_secs_f64(n));
        let (ttl, refill, window) = (second(TTL), second(REFILL), second(600.0));
        if !self.let_through(about, manager, now, refill) {
            return;
        }
        let (message, combined) = self.combine(about, manager, note, now, window);
        let same: Same = (
            about.uid.clone(),
            manager,
            note.reason.to_owned(),
            note.field.to_owned(),
            if combined {
                String::new()
            } else {
                message.clone()
            },
        );
        let old = self.seen.get(&same);
        let old = old.and_then(|k| cluster.store.get(kinds.events, &k.0, &k.1).cloned());
        if let Some(old) = old {
            let mut value = old.value();
            again(&mut value, &message, now);
            let _ = cluster.update(kinds.events, value, &Writer::new(manager));
            return;
        }
        let nanos = now
            .timestamp_nanos_opt()
            .unwrap_or(0)
            .max(self.last_nanos + 1);
        self.last_nanos = nanos;
        let namespace = if about.namespace.is_empty() {
            "default"
        } else {
            &about.namespace
        };
        let name = format!("{}.{nanos:016x}", about.name);
        let value = first(cluster, about, note, &message, &name, now);
        let written = cluster.create(kinds.events, namespace, value, &Writer::new(manager));
        if written.is_ok() {
            let key: Key = (namespace.to_owned(), name);
            tasks.at(now + ttl, Task::Expire(key.clone()));
            self.same_of.insert(key.clone(), same.clone());
            self.seen.insert(same, key);
        }
    }

    /// Leaves out Events that will have expired at `look`: history is simulated faster without them.
    pub fn begin_at(&mut self, cluster: &Cluster, look: DateTime<Utc>) {
        let ttl = cluster
            .clock
            .scaled(std::time::Duration::from_secs_f64(TTL));
        self.skip_before = Some(look - ttl);
    }

    fn let_through(
        &mut self,
        about: &Object,
        manager: &'static str,
        now: DateTime<Utc>,
        refill: TimeDelta,
    ) -> bool {
        if manager == "kube-scheduler" {
            return true;
        }
        let bucket = self.tokens.entry((about.uid.clone(), manager));
        let (tokens, last) = bucket.or_insert((BURST, now));
        let passed = (now - *last).as_seconds_f64() / refill.as_seconds_f64().max(1e-9);
        *tokens = (*tokens + passed).min(BURST);
        *last = now;
        let free = *tokens >= 1.0;
        if free {
            *tokens -= 1.0;
        }
        free
    }

    fn combine(
        &mut self,
        about: &Object,
        manager: &'static str,
        note: &Note<'_>,
        now: DateTime<Utc>,
        window: TimeDelta,
    ) -> (String, bool) {
        let key = (about.uid.clone(), manager, note.reason.to_owned());
        let (messages, last) = self
            .similar
            .entry(key)
            .or_insert_with(|| (BTreeSet::new(), now));
        if now - *last > window {
            messages.clear();
        }
        *last = now;
        messages.insert(note.message.to_owned());
        if messages.len() < SIMILAR {
            return (note.message.to_owned(), false);
        }
        if messages.len() > SIMILAR {
            messages.pop_first();
        }
        (
            format!("(combined from similar events): {}", note.message),
            true,
        )
    }

    /// Removes an Event whose hour is over; asks again later for one that was counted up since.
    pub fn expire(&mut self, cluster: &mut Cluster, kinds: Kinds, tasks: &mut Tasks, key: &Key) {
        let Some(event) = cluster.store.get(kinds.events, &key.0, &key.1).cloned() else {
            self.forget(key);
            return;
        };
        let value = event.tree();
        let newest = ["lastTimestamp", "eventTime"].iter().map(|k| &value[*k]);
        let newest = newest.chain([&value["series"]["lastObservedTime"]]);
        let newest = newest
            .filter_map(|v| v.as_str()?.parse::<DateTime<Utc>>().ok())
            .max();
        let ttl = cluster
            .clock
            .scaled(std::time::Duration::from_secs_f64(TTL));
        let until = newest.unwrap_or(DateTime::UNIX_EPOCH) + ttl;
        if until > cluster.clock.now() {
            tasks.at(until, Task::Expire(key.clone()));
            return;
        }
        self.forget(key);
        let _ = cluster.delete(kinds.events, &key.0, &key.1, &Delete::default());
    }

    fn forget(&mut self, key: &Key) {
        if let Some(same) = self.same_of.remove(key) {
            self.similar
                .remove(&(same.0.clone(), same.1, same.2.clone()));
            self.tokens.remove(&(same.0.clone(), same.1));
            self.seen.remove(&same);
        }
    }
}

fn first(
    cluster: &Cluster,
    about: &Object,
    note: &Note<'_>,
    message: &str,
    name: &str,
    now: DateTime<Utc>,
) -> Value {
    let kind = cluster.store.kind(about.kind);
    let mut involved = json!({
        "kind": kind.kind, "apiVersion": kind.api_version(), "name": about.name, "uid": about.uid,
        "resourceVersion": about.rv.to_string(),
    });
    if !about.namespace.is_empty() {
        involved["namespace"] = json!(about.namespace);
    }
    if !note.field.is_empty() {
        involved["fieldPath"] = json!(note.field);
    }
    let (_, component, host) = note.from.parts();
    let mut event = json!({
        "metadata": {"name": name},
        "involvedObject": involved,
        "type": if note.warning { "Warning" } else { "Normal" },
        "reason": note.reason,
        "message": message,
        "reportingComponent": component,
        "reportingInstance": host,
    });
    if note.from == Source::Scheduler {
        let action = if note.reason == "Scheduled" {
            "Binding"
        } else {
            "Scheduling"
        };
        event["source"] = json!({});
        event["firstTimestamp"] = Value::Null;
        event["lastTimestamp"] = Value::Null;
        event["eventTime"] = json!(rfc3339_micro(now));
        event["action"] = json!(action);
        event["reportingInstance"] = json!("default-scheduler-demo");
        return event;
    }
    event["source"] = json!({"component": component});
    if !host.is_empty() {
        event["source"]["host"] = json!(host);
    }
    event["firstTimestamp"] = json!(rfc3339(now));
    event["lastTimestamp"] = json!(rfc3339(now));
    event["count"] = json!(1);
    event["eventTime"] = Value::Null;
    event
}

fn again(event: &mut Value, message: &str, now: DateTime<Utc>) {
    event["message"] = json!(message);
    if event["eventTime"].is_string() {
        let count = event["series"]["count"].as_i64().unwrap_or(1) + 1;
        event["series"] = json!({"count": count, "lastObservedTime": rfc3339_micro(now)});
    } else {
        event["count"] = json!(event["count"].as_i64().unwrap_or(1) + 1);
        event["lastTimestamp"] = json!(rfc3339(now));
    }
}
