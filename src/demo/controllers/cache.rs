//! The controllers' informer cache: decoded pods and Jobs, and the indexes that keep every step independent of
//! the size of the cluster.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::kinds::Kinds;
use super::wire::{Job, Pod};
use crate::store::{Change, Event, KindId, Object};

/// Where an object is: kind, namespace, name.
pub type Place = (KindId, String, String);

/// Decoded objects by UID, with indexes.
#[derive(Debug, Default)]
pub struct Cache {
    pods: HashMap<String, Arc<Pod>>,
    jobs: HashMap<String, Arc<Job>>,
    /// Controller's UID → its pods by age (resourceVersion of birth).
    by_owner: HashMap<String, BTreeMap<u64, String>>,
    by_node: HashMap<String, BTreeMap<u64, String>>,
    /// Namespace → pods that no controller owns.
    strays: HashMap<String, BTreeMap<u64, String>>,
    /// Any owner's UID → everything that names it as an owner.
    dependents: HashMap<String, BTreeSet<Place>>,
}

fn put(map: &mut HashMap<String, BTreeMap<u64, String>>, key: &str, pod: &Pod) {
    let set = map.entry(key.to_owned()).or_default();
    set.insert(pod.born, pod.uid().to_owned());
}

fn take(map: &mut HashMap<String, BTreeMap<u64, String>>, key: &str, pod: &Pod) {
    if let Some(set) = map.get_mut(key) {
        set.remove(&pod.born);
        if set.is_empty() {
            map.remove(key);
        }
    }
}

impl Cache {
    /// Takes in one event of the store.
    pub fn observe(&mut self, kinds: Kinds, event: &Event) {
        let object = &event.object;
        if let Some(old) = &event.previous {
            self.unlink(old);
        }
        if event.change != Change::Deleted {
            for owner in &object.owners {
                let set = self.dependents.entry(owner.uid.clone()).or_default();
                set.insert((object.kind, object.namespace.clone(), object.name.clone()));
            }
        }
        if object.kind == kinds.pods {
            self.observe_pod(event);
        } else if object.kind == kinds.jobs {
            if event.change == Change::Deleted {
                self.jobs.remove(&object.uid);
            } else {
                self.jobs
                    .insert(object.uid.clone(), Arc::new(Job::new(object)));
            }
        }
    }

    fn unlink(&mut self, old: &Object) {
        for owner in &old.owners {
            if let Some(set) = self.dependents.get_mut(&owner.uid) {
                set.remove(&(old.kind, old.namespace.clone(), old.name.clone()));
                if set.is_empty() {
                    self.dependents.remove(&owner.uid);
                }
            }
        }
    }

    fn observe_pod(&mut self, event: &Event) {
        let old = self.pods.remove(&event.object.uid);
        if let Some(old) = &old {
            let (ns, node) = (&old.object.namespace, &old.spec.node_name);
            match old.object.controller() {
                Some(owner) => take(&mut self.by_owner, &owner.uid, old),
                None => take(&mut self.strays, ns, old),
            }
            if !node.is_empty() {
                take(&mut self.by_node, node, old);
            }
        }
        if event.change == Change::Deleted {
            return;
        }
        let pod = Arc::new(Pod::new(&event.object, old.map(|p| p.born)));
        match pod.object.controller() {
            Some(owner) => put(&mut self.by_owner, &owner.uid, &pod),
            None => put(&mut self.strays, &pod.object.namespace, &pod),
        }
        if !pod.spec.node_name.is_empty() {
            put(&mut self.by_node, &pod.spec.node_name, &pod);
        }
        self.pods.insert(pod.uid().to_owned(), pod);
    }

    pub fn pod(&self, uid: &str) -> Option<&Arc<Pod>> {
        self.pods.get(uid)
    }

    pub fn job(&self, uid: &str) -> Option<&Arc<Job>> {
        self.jobs.get(uid)
    }

    fn pods_of(&self, set: Option<&BTreeMap<u64, String>>) -> Vec<Arc<Pod>> {
        let uids = set.into_iter().flat_map(BTreeMap::values);
        uids.filter_map(|uid| self.pods.get(uid).cloned()).collect()
    }

    /// The pods a controller owns, oldest first.
    pub fn owned(&self, uid: &str) -> Vec<Arc<Pod>> {
        self.pods_of(self.by_owner.get(uid))
    }

    /// The pods bound to a node, oldest first.
    pub fn on_node(&self, node: &str) -> Vec<Arc<Pod>> {
        self.pods_of(self.by_node.get(node))
    }

    /// The pods of a namespace that no controller owns, oldest first.
    pub fn strays(&self, namespace: &str) -> Vec<Arc<Pod>> {
        self.pods_of(self.strays.get(namespace))
    }

    /// Everything that names this UID as an owner.
    pub fn dependents(&self, uid: &str) -> Vec<Place> {
        let set = self.dependents.get(uid);
        set.into_iter().flatten().cloned().collect()
    }
}
