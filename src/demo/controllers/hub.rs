//! What every controller is handed for one step: the API server, the cache, the work queue, the event recorder.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::cache::Cache;
use super::kinds::Kinds;
use super::recorder::{Note, Recorder};
use super::tasks::{Key, Task, Tasks};
use crate::api::write::{Cluster, Delete, Refusal, Writer};
use crate::store::{KindId, Object};

/// Borrowed parts of the world.
pub struct Hub<'a> {
    pub cluster: &'a mut Cluster,
    pub kinds: Kinds,
    pub cache: &'a Cache,
    pub tasks: &'a mut Tasks,
    pub recorder: &'a mut Recorder,
}

impl Hub<'_> {
    pub fn now(&self) -> DateTime<Utc> {
        self.cluster.clock.now()
    }

    /// Real length of so many simulated seconds.
    pub fn seconds(&self, seconds: f64) -> TimeDelta {
        let d = Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX);
        self.cluster.clock.scaled(d)
    }

    /// Asks for a task now.
    pub fn wake(&mut self, task: Task) {
        let now = self.now();
        self.tasks.at(now, task);
    }

    /// Asks for a task after a real delay.
    pub fn wake_in(&mut self, delay: TimeDelta, task: Task) {
        let at = self.now().checked_add_signed(delay);
        self.tasks.at(at.unwrap_or(DateTime::<Utc>::MAX_UTC), task);
    }

    pub fn get(&self, kind: KindId, key: &Key) -> Option<Arc<Object>> {
        self.cluster.store.get(kind, &key.0, &key.1).cloned()
    }

    /// Reads the newest version, changes it, writes it back. `None`: it is gone, or the write was refused.
    pub fn edit(
        &mut self,
        kind: KindId,
        key: &Key,
        by: &Writer,
        change: impl FnOnce(&mut Value),
    ) -> Option<Arc<Object>> {
        let mut value = self.get(kind, key)?.value();
        change(&mut value);
        self.cluster.update(kind, value, by).ok()
    }

    /// Writes another status: the old one is not copied only to be dropped.
    pub fn set_status(&mut self, kind: KindId, key: &Key, by: &Writer, status: Value) {
        let Some(tree) = self.get(kind, key).map(|o| o.tree()) else {
            return;
        };
        let fields = tree.as_object().into_iter().flatten();
        let kept = fields.filter(|(name, _)| *name != "status");
        let kept = kept.map(|(name, value)| (name.clone(), value.clone()));
        let all = kept.chain([("status".to_owned(), status)]);
        let _ = self.cluster.update(kind, Value::Object(all.collect()), by);
    }

    pub fn delete(&mut self, kind: KindId, key: &Key, how: &Delete) -> Result<(), Refusal> {
        self.cluster.delete(kind, &key.0, &key.1, how).map(|_| ())
    }

    /// Records an Event about an object.
    pub fn event(&mut self, about: &Object, note: &Note<'_>) {
        self.recorder
            .record(self.cluster, self.kinds, self.tasks, about, note);
    }
}

/// Takes a finalizer off an object's tree; true if it was there.
pub fn drop_finalizer(value: &mut Value, finalizer: &str) -> bool {
    let Some(meta) = value["metadata"].as_object_mut() else {
        return false;
    };
    let Some(list) = meta.get_mut("finalizers").and_then(Value::as_array_mut) else {
        return false;
    };
    let before = list.len();
    list.retain(|f| f != finalizer);
    let (found, empty) = (list.len() < before, list.is_empty());
    if empty {
        meta.remove("finalizers");
    }
    found
}

/// Takes the references to one owner off an object's tree.
pub fn drop_owner(value: &mut Value, uid: &str) {
    let Some(meta) = value["metadata"].as_object_mut() else {
        return;
    };
    if let Some(list) = meta
        .get_mut("ownerReferences")
        .and_then(Value::as_array_mut)
    {
        list.retain(|o| o["uid"] != uid);
        if list.is_empty() {
            meta.remove("ownerReferences");
        }
    }
}
