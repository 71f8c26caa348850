//! One custom resource at one look of its operator: what it says, what it owns, and how its status, its
//! conditions and its events are written. The operators differ in what they decide, not in this.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::kind_id;
use crate::api::write::{Delete, Refusal, Writer};
use crate::clock::rfc3339;
use crate::controllers::hub::Hub;
use crate::controllers::recorder::{Note, Source};
use crate::controllers::tasks::{Key, Task};
use crate::store::{Kind, KindId, Object};

/// What is known of the object, and the status to be written at the end.
pub struct Look<'a, 'h> {
    pub hub: &'a mut Hub<'h>,
    pub object: Arc<Object>,
    pub spec: Value,
    pub status: Value,
    before: Value,
    kind: &'static str,
    /// The operator's name in events and managedFields.
    by: &'static str,
}

impl<'a, 'h> Look<'a, 'h> {
    /// The object, unless it is gone or going.
    pub fn at(
        hub: &'a mut Hub<'h>,
        (group, kind): (&str, &'static str),
        key: &Key,
        by: &'static str,
    ) -> Option<Self> {
        let id = kind_id(&hub.cluster.store, group, kind)?;
        let object = hub.get(id, key).filter(|o| !o.deleting)?;
        let mut value = object.value();
        let status = value["status"].take();
        Some(Self {
            spec: value["spec"].take(),
            before: status.clone(),
            status,
            hub,
            object,
            kind,
            by,
        })
    }

    /// Writes the status if it is another one now.
    pub fn close(self) {
        if self.status == self.before || (self.status.is_null() && self.before.is_null()) {
            return;
        }
        let (kind, key) = (self.object.kind, key_of(&self.object));
        let by = Writer::status(self.by);
        self.hub
            .edit(kind, &key, &by, |v| v["status"] = self.status);
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.hub.now()
    }

    /// Looks again then, at the latest.
    pub fn again_at(&mut self, at: DateTime<Utc>) {
        let wait = at - self.hub.now();
        let task = Task::Operator(self.kind, key_of(&self.object));
        self.hub.wake_in(wait, task);
    }

    /// Looks again after so many simulated seconds, at the latest.
    pub fn again_in(&mut self, seconds: f64) {
        let at = self.now() + self.hub.seconds(seconds);
        self.again_at(at);
    }

    /// `spec.managedBy` names another controller than the operator's own.
    pub fn foreign(&self, own: &str) -> bool {
        let by = self.spec["managedBy"].as_str();
        by.is_some_and(|by| !by.is_empty() && by != own)
    }

    /// The objects of a kind whose controller this one is, by name.
    pub fn children(&self, kind: KindId) -> Vec<Arc<Object>> {
        let places = self.hub.cache.dependents(&self.object.uid).into_iter();
        let places = places.filter(|(k, _, _)| *k == kind);
        let objects = places.filter_map(|(k, ns, name)| self.hub.get(k, &(ns, name)));
        let uid = &self.object.uid;
        let ours = objects.filter(|o| o.controller().is_some_and(|c| c.uid == *uid));
        let mut all: Vec<_> = ours.collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }

    /// The object of that name in the same namespace, as it is stored now.
    pub fn find(&self, group: &str, plural: &str, name: &str) -> Option<Arc<Object>> {
        let kind = self.hub.cluster.store.kind_id(group, plural)?;
        let key = (self.object.namespace.clone(), name.to_owned());
        self.hub.get(kind, &key)
    }

    /// The `ownerReferences` of what this object brings forth.
    pub fn owners(&self) -> Value {
        json!([owner(self.hub, &self.object)])
    }

    /// Creates an object in the same namespace.
    ///
    /// # Errors
    /// What the API server has against it; 404 if the kind is not served.
    pub fn create(
        &mut self,
        group: &str,
        plural: &str,
        value: Value,
    ) -> Result<Arc<Object>, Refusal> {
        let Some(kind) = self.hub.cluster.store.kind_id(group, plural) else {
            return Err(Refusal::not_found(&Kind::default(), plural));
        };
        let namespace = self.object.namespace.clone();
        let by = Writer::new(self.by);
        super::create(self.hub, kind, &namespace, value, &by)
    }

    /// Creates a Service unless there is one of that name.
    pub fn service(&mut self, name: &str, labels: Value, spec: Value) -> bool {
        if self.find("", "services", name).is_some() {
            return false;
        }
        let mut meta = json!({"name": name, "ownerReferences": self.owners()});
        if labels.is_object() {
            meta["labels"] = labels;
        }
        let made = self.create("", "services", json!({"metadata": meta, "spec": spec}));
        made.is_ok()
    }

    /// Changes an object that this one owns.
    pub fn edit(&mut self, object: &Object, change: impl FnOnce(&mut Value)) {
        let by = Writer::new(self.by);
        self.hub.edit(object.kind, &key_of(object), &by, change);
    }

    /// Writes the status of an object that this one owns.
    pub fn edit_status(&mut self, object: &Object, status: Value) {
        let by = Writer::status(self.by);
        let change = |v: &mut Value| v["status"] = status;
        self.hub.edit(object.kind, &key_of(object), &by, change);
    }

    /// Deletes an object, unless that is under way. True if the deletion was taken.
    pub fn delete(&mut self, object: &Object, propagation: &str) -> bool {
        if object.deleting {
            return false;
        }
        let how = Delete {
            propagation: Some(propagation.to_owned()),
            uid: Some(object.uid.clone()),
            ..Delete::default()
        };
        self.hub.delete(object.kind, &key_of(object), &how).is_ok()
    }

    pub fn event(&mut self, warning: bool, reason: &str, message: &str) {
        let note = Note {
            from: Source::Operator(self.by, self.by),
            warning,
            reason,
            message,
            field: "",
        };
        let object = self.object.clone();
        self.hub.event(&object, &note);
    }

    pub fn condition(&self, name: &str) -> Option<&Value> {
        let all = self.status["conditions"].as_array()?;
        all.iter().find(|c| c["type"] == name)
    }

    pub fn is(&self, name: &str) -> bool {
        self.condition(name).is_some_and(|c| c["status"] == "True")
    }

    /// Sets a condition as `meta.SetStatusCondition` does: its time moves only with its status.
    /// True if anything changed.
    pub fn set(&mut self, name: &str, status: bool, reason: &str, message: &str) -> bool {
        let now = rfc3339(self.now());
        let word = if status { "True" } else { "False" };
        let mut new = json!({
            "type": name, "status": word, "reason": reason, "message": message, "lastTransitionTime": now,
        });
        if !self.status["conditions"].is_array() {
            self.status["conditions"] = json!([]);
        }
        let Some(all) = self.status["conditions"].as_array_mut() else {
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

    /// Sets a field of the status; null takes it away.
    pub fn report(&mut self, field: &str, value: Value) {
        if !value.is_null() {
            self.status[field] = value;
        } else if let Some(fields) = self.status.as_object_mut() {
            fields.remove(field);
        }
    }
}

/// Namespace and name.
pub fn key_of(object: &Object) -> Key {
    (object.namespace.clone(), object.name.clone())
}

/// A controller reference to an object.
pub fn owner(hub: &Hub<'_>, object: &Object) -> Value {
    let kind = hub.cluster.store.kind(object.kind);
    json!({
        "apiVersion": kind.api_version(), "kind": kind.kind, "name": object.name, "uid": object.uid,
        "controller": true, "blockOwnerDeletion": true,
    })
}

/// A time in a status.
pub fn time(value: &Value) -> Option<DateTime<Utc>> {
    value.as_str()?.parse().ok()
}

/// Adds environment variables, but none that is there already.
pub fn add_env(container: &mut Value, variables: &[(&str, Value)]) {
    let all = container["env"].as_array().cloned().unwrap_or_default();
    let new = variables
        .iter()
        .filter(|(name, _)| !all.iter().any(|e| e["name"] == *name));
    set_env(container, &new.cloned().collect::<Vec<_>>());
}

/// Sets environment variables, over those of the same name.
pub fn set_env(container: &mut Value, variables: &[(&str, Value)]) {
    let mut env = container["env"].as_array().cloned().unwrap_or_default();
    for (name, value) in variables {
        let entry = match value {
            Value::String(_) => json!({"name": name, "value": value}),
            _ => json!({"name": name, "valueFrom": value}),
        };
        match env.iter_mut().find(|e| e["name"] == *name) {
            Some(old) => *old = entry,
            None => env.push(entry),
        }
    }
    container["env"] = json!(env);
}

/// Takes over the entries of a map into a field (labels, annotations); the new ones win.
pub fn merge(parent: &mut Value, field: &str, from: &Value) {
    let Some(from) = from.as_object().filter(|f| !f.is_empty()) else {
        return;
    };
    if !parent[field].is_object() {
        parent[field] = json!({});
    }
    for (key, value) in from {
        parent[field][key.as_str()] = value.clone();
    }
}

/// Takes over from another template where pods go, and what its labels and annotations say, as on a resume.
pub fn place(template: &mut Value, from: &Value) {
    for field in ["nodeSelector", "tolerations"] {
        if let Some(spec) = template["spec"].as_object_mut() {
            match from["spec"].get(field) {
                Some(value) => spec.insert(field.to_owned(), value.clone()),
                None => spec.remove(field),
            };
        }
    }
    for part in ["labels", "annotations"] {
        merge(&mut template["metadata"], part, &from["metadata"][part]);
    }
}
