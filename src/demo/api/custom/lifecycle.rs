//! What becomes of a definition once it is written: its names are judged, its kind is served, and when it is
//! deleted its objects go before it does. The real server's controllers do this a moment later; here it is
//! done with the write, so that the next request finds the kind.

use std::sync::Arc;

use serde_json::{Value, json};

use super::names::Taken;
use super::read;
use crate::api::write::{Cluster, Delete, Writer};
use crate::clock::rfc3339;
use crate::store::KindId;

pub const FINALIZER: &str = "customresourcecleanup.apiextensions.k8s.io";

fn by() -> Writer {
    Writer::status("kube-apiserver")
}

/// The condition of a type.
fn condition<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    let all = value["status"]["conditions"].as_array()?;
    all.iter().find(|c| c["type"] == name)
}

/// Sets a condition; its time stays while its status does.
pub fn set_condition(value: &mut Value, name: &str, status: &str, why: (&str, &str), now: &str) {
    let old = condition(value, name);
    let since = old
        .filter(|c| c["status"] == status)
        .map_or_else(|| json!(now), |c| c["lastTransitionTime"].clone());
    let new = json!({
        "type": name, "status": status, "reason": why.0, "message": why.1, "lastTransitionTime": since,
    });
    match value["status"]["conditions"].as_array_mut() {
        Some(all) => match all.iter_mut().find(|c| c["type"] == name) {
            Some(found) => *found = new,
            None => all.push(new),
        },
        None => value["status"]["conditions"] = json!([new]),
    }
}

impl Cluster {
    /// A write of this kind is done: a definition's has consequences.
    pub(in crate::api) fn written(&mut self, kind: KindId, name: &str) {
        if self.store.kind(kind).kind == "CustomResourceDefinition" {
            self.define(kind, name);
        }
    }

    /// An object of this kind is gone: it may have been the last that held its definition.
    pub(in crate::api) fn removed(&mut self, kind: KindId) {
        let info = self.store.kind(kind);
        if info.custom && info.ending && self.store.list(kind, None).next().is_none() {
            self.finish(kind);
        }
    }

    fn define(&mut self, definitions: KindId, name: &str) {
        let Some(stored) = self.store.get(definitions, "", name).cloned() else {
            return;
        };
        let old = stored.tree();
        if stored.deleting {
            self.retire(definitions, name);
            return;
        }
        let mut value = (*old).clone();
        self.judge(definitions, &mut value);
        if value["status"] != old["status"] {
            // The write leads back here, with nothing left to judge.
            let _ = self.update(definitions, value, &by());
            return;
        }
        if condition(&value, "Established").is_some_and(|c| c["status"] == "True") {
            self.serve(name, stored.rv, &value["spec"]);
        }
    }

    /// Judges a definition's names and writes the verdict into its status.
    fn judge(&self, definitions: KindId, value: &mut Value) {
        let (name, group) = (&value["metadata"]["name"], &value["spec"]["group"]);
        let mut taken = Taken::default();
        for other in self.store.list(definitions, None) {
            let other = other.tree();
            if other["metadata"]["name"] != *name && other["spec"]["group"] == *group {
                taken.add(&other["status"]["acceptedNames"]);
            }
        }
        let builtin = self
            .store
            .kinds()
            .filter(|(_, k)| !k.custom && k.group == *group);
        for (_, kind) in builtin {
            taken.add(&json!({"plural": kind.plural, "kind": kind.kind}));
        }
        let accepted = taken.accept(&value["spec"]["names"], &value["status"]["acceptedNames"]);
        value["status"]["acceptedNames"] = accepted.names;
        let now = rfc3339(self.clock.now());
        if let Some((reason, message)) = accepted.conflict {
            set_condition(value, "NamesAccepted", "False", (reason, &message), &now);
            if condition(value, "Established").is_none_or(|c| c["status"] != "True") {
                let why = ("NotAccepted", "not all names are accepted");
                set_condition(value, "Established", "False", why, &now);
            }
        } else {
            let why = ("NoConflicts", "no conflicts found");
            set_condition(value, "NamesAccepted", "True", why, &now);
            let why = (
                "InitialNamesAccepted",
                "the initial names have been accepted",
            );
            set_condition(value, "Established", "True", why, &now);
        }
    }

    /// Serves the kind as its definition now says.
    fn serve(&mut self, name: &str, rv: u64, spec: &Value) {
        let (info, custom) = read(name, rv, spec);
        let id = self.store.register(info.clone());
        if !self.store.kind(id).custom {
            return;
        }
        self.store.redefine(id, info);
        self.custom.by_kind.insert(id, Arc::new(custom));
    }

    fn served_by(&self, definition: &str) -> Option<KindId> {
        let mut all = self.custom.by_kind.iter();
        all.find(|(_, c)| c.definition == definition)
            .map(|(id, _)| *id)
    }

    /// A definition is being deleted: first go its objects.
    fn retire(&mut self, definitions: KindId, name: &str) {
        let Some(kind) = self.served_by(name) else {
            self.release(definitions, name);
            return;
        };
        if self.store.kind(kind).ending {
            return;
        }
        let mut info = (**self.store.kind(kind)).clone();
        info.ending = true;
        self.store.redefine(kind, info);
        if let Some(stored) = self.store.get(definitions, "", name) {
            let (mut value, now) = (stored.value(), rfc3339(self.clock.now()));
            let why = (
                "InstanceDeletionInProgress",
                "CustomResource deletion is in progress",
            );
            set_condition(&mut value, "Terminating", "True", why, &now);
            let _ = self.update(definitions, value, &by());
        }
        let all = self.store.list(kind, None);
        let keys: Vec<_> = all.map(|o| (o.namespace.clone(), o.name.clone())).collect();
        for (namespace, name) in &keys {
            let how = Delete {
                propagation: Some("Background".to_owned()),
                ..Delete::default()
            };
            let _ = self.delete(kind, namespace, name, &how);
        }
        // With the last object the definition went too; one that never had any goes here.
        if keys.is_empty() {
            self.finish(kind);
        }
    }

    fn finish(&mut self, kind: KindId) {
        let Some(custom) = self.custom.by_kind.remove(&kind) else {
            return;
        };
        self.store.unregister(kind);
        let definitions = self
            .store
            .kind_id("apiextensions.k8s.io", "customresourcedefinitions");
        if let Some(definitions) = definitions {
            self.release(definitions, &custom.definition);
        }
    }

    /// Lets a definition go whose objects are gone, and gives its names to those that waited for them.
    fn release(&mut self, definitions: KindId, name: &str) {
        let Some(stored) = self.store.get(definitions, "", name) else {
            return;
        };
        let mut value = stored.value();
        let group = value["spec"]["group"].clone();
        let now = rfc3339(self.clock.now());
        let why = ("InstanceDeletionCompleted", "removed all instances");
        set_condition(&mut value, "Terminating", "False", why, &now);
        if let Some(list) = value["metadata"]["finalizers"].as_array_mut() {
            list.retain(|f| f != FINALIZER);
        }
        let _ = self.update(definitions, value, &by());
        let others = self.store.list(definitions, None);
        let waiting: Vec<String> = others
            .filter(|o| {
                let value = o.tree();
                let refused =
                    condition(&value, "NamesAccepted").is_some_and(|c| c["status"] == "False");
                refused && !o.deleting && value["spec"]["group"] == group
            })
            .map(|o| o.name.clone())
            .collect();
        for name in waiting {
            self.define(definitions, &name);
        }
    }
}
