//! The garbage collector: what lost its owners goes, orphans are let go, foreground deletions wait for their dependents.

use serde_json::Value;

use super::cache::Place;
use super::hub::{Hub, drop_finalizer, drop_owner};
use super::tasks::Task;
use crate::api::write::{Delete, Writer};
use crate::store::{Change, Event, Object};

const FOREGROUND: &str = "foregroundDeletion";
const ORPHAN: &str = "orphan";

fn by() -> Writer {
    Writer::new("kube-controller-manager")
}

/// Wakes for objects whose owners went, and for owners that wait.
pub fn observe(hub: &mut Hub<'_>, event: &Event) {
    let object = &event.object;
    match event.change {
        Change::Deleted => {
            for place in hub.cache.dependents(&object.uid) {
                wake(hub, &place);
            }
            for owner in &object.owners {
                hub.wake(Task::Collect(owner.uid.clone()));
            }
        }
        Change::Added if object.owners.is_empty() => {}
        Change::Added => {
            let missing = |uid: &str| hub.cluster.store.by_uid(uid).is_none();
            if object.owners.iter().any(|o| missing(&o.uid)) {
                hub.wake(Task::Collect(object.uid.clone()));
            }
        }
        Change::Modified => {
            let old = event.previous.as_ref();
            if object.deleting && old.is_some_and(|o| !o.deleting) {
                hub.wake(Task::Collect(object.uid.clone()));
            }
            if old.is_some_and(|o| o.owners != object.owners) {
                let before = old.into_iter().flat_map(|o| &o.owners);
                for owner in before {
                    hub.wake(Task::Collect(owner.uid.clone()));
                }
            }
        }
    }
}

fn wake(hub: &mut Hub<'_>, place: &Place) {
    let found = hub.cluster.store.get(place.0, &place.1, &place.2);
    if let Some(uid) = found.map(|o| o.uid.clone()) {
        hub.wake(Task::Collect(uid));
    }
}

fn has(value: &Value, finalizer: &str) -> bool {
    let list = value["metadata"]["finalizers"].as_array();
    list.is_some_and(|l| l.iter().any(|f| f == finalizer))
}

/// Looks at one object, as an owner and as a dependent.
pub fn collect(hub: &mut Hub<'_>, uid: &str) {
    let Some(object) = hub.cluster.store.by_uid(uid).cloned() else {
        return;
    };
    if object.deleting {
        let value = object.tree();
        if has(&value, ORPHAN) {
            orphan(hub, &object);
        } else if has(&value, FOREGROUND) {
            foreground(hub, &object);
        }
        return;
    }
    if !object.owners.is_empty() {
        absent_owners(hub, &object);
    }
}

fn orphan(hub: &mut Hub<'_>, owner: &Object) {
    for (kind, namespace, name) in hub.cache.dependents(&owner.uid) {
        let uid = owner.uid.clone();
        hub.edit(kind, &(namespace, name), &by(), |v| drop_owner(v, &uid));
    }
    finish(hub, owner, ORPHAN);
}

fn foreground(hub: &mut Hub<'_>, owner: &Object) {
    let mut blocked = false;
    for (kind, namespace, name) in hub.cache.dependents(&owner.uid) {
        let key = (namespace, name);
        let Some(dependent) = hub.get(kind, &key) else {
            continue;
        };
        let blocks = |o: &crate::store::Owner| o.uid == owner.uid && o.block_owner_deletion;
        blocked |= dependent.owners.iter().any(blocks);
        if !dependent.deleting {
            let below = !hub.cache.dependents(&dependent.uid).is_empty();
            remove(
                hub,
                &dependent,
                if below { "Foreground" } else { "Background" },
            );
        }
    }
    // A dependent may have gone at once.
    let left = hub.cache.dependents(&owner.uid).into_iter();
    let left = left
        .filter(|(k, ns, n)| hub.cluster.store.get(*k, ns, n).is_some())
        .count();
    if !blocked || left == 0 {
        finish(hub, owner, FOREGROUND);
    }
}

fn finish(hub: &mut Hub<'_>, owner: &Object, finalizer: &str) {
    let key = (owner.namespace.clone(), owner.name.clone());
    hub.edit(owner.kind, &key, &by(), |v| {
        drop_finalizer(v, finalizer);
    });
}

fn absent_owners(hub: &mut Hub<'_>, object: &Object) {
    let (mut solid, mut dangling, mut waiting) = (0, Vec::new(), 0);
    for owner in &object.owners {
        match hub.cluster.store.by_uid(&owner.uid) {
            None => dangling.push(owner.uid.clone()),
            Some(o) if o.deleting && has(&o.tree(), FOREGROUND) => waiting += 1,
            Some(_) => solid += 1,
        }
    }
    if solid > 0 {
        if !dangling.is_empty() {
            let key = (object.namespace.clone(), object.name.clone());
            hub.edit(object.kind, &key, &by(), |v| {
                dangling.iter().for_each(|uid| drop_owner(v, uid));
            });
        }
        return;
    }
    let below = waiting > 0 && !hub.cache.dependents(&object.uid).is_empty();
    remove(hub, object, if below { "Foreground" } else { "Background" });
}

fn remove(hub: &mut Hub<'_>, object: &Object, policy: &str) {
    let how = Delete {
        propagation: Some(policy.to_owned()),
        uid: Some(object.uid.clone()),
        ..Delete::default()
    };
    let key = (object.namespace.clone(), object.name.clone());
    let _ = hub.delete(object.kind, &key, &how);
}
