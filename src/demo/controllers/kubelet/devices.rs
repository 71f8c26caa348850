//! The kubelets' device managers: which device of a node is whose, from a pod's admission to its end.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::{Value, json};

use crate::controllers::quantity;
use crate::controllers::wire::{Container, Pod};
use crate::devices::{self, Device, Inventory};
use crate::store::Object;

/// What one container got of one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    pub container: String,
    pub resource: String,
    pub ids: Vec<String>,
}

/// Who holds a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    pub namespace: String,
    pub pod: String,
    pub container: String,
}

/// A pod that the kubelet will not have: reason and message of its status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    pub reason: String,
    pub message: String,
}

/// All devices in use.
#[derive(Debug, Default)]
pub struct Devices {
    /// Node → device → holder.
    held: HashMap<String, BTreeMap<String, Holder>>,
    /// Pod's UID → its node and what it got.
    pods: HashMap<String, (String, Vec<Grant>)>,
    /// Node → what it has at one version of it, as that is asked for with every step of its pods.
    known: HashMap<String, (u64, Arc<Inventory>)>,
}

/// The device requests of a container.
fn wanted(container: &Container) -> BTreeMap<&str, u64> {
    let limits = container.resources.limits.iter();
    let extended = limits.filter(|(name, _)| devices::is_device(name));
    extended
        .map(|(name, amount)| (name.as_str(), quantity::parse(amount) / 1000))
        .filter_map(|(name, n)| Some((name, u64::try_from(n).ok().filter(|n| *n > 0)?)))
        .collect()
}

impl Devices {
    fn inventory(&mut self, node: &Object) -> Arc<Inventory> {
        if let Some((rv, known)) = self.known.get(&node.name)
            && *rv == node.rv
        {
            return known.clone();
        }
        let made = Arc::new(Inventory::of(node));
        self.known
            .insert(node.name.clone(), (node.rv, made.clone()));
        made
    }

    /// Picks devices for all containers of a pod that comes to a node. A pod that has some keeps them.
    pub fn admit(&mut self, node: &Object, pod: &Pod) -> Result<(), Rejected> {
        let spec = &pod.spec;
        let all = spec.init_containers.iter().chain(&spec.containers);
        if self.pods.contains_key(pod.uid()) || all.clone().all(|c| wanted(c).is_empty()) {
            return Ok(());
        }
        let inventory = self.inventory(node);
        let empty = BTreeMap::new();
        let held = self.held.get(&node.name).unwrap_or(&empty);
        let mut taken: BTreeSet<String> = held.keys().cloned().collect();
        // What init containers had is there for those after them; sidecars keep theirs.
        let mut reusable: BTreeSet<String> = BTreeSet::new();
        let mut grants = Vec::new();
        for (at, container) in all.enumerate() {
            let passing = at < spec.init_containers.len()
                && container.restart_policy.as_deref() != Some("Always");
            for (resource, number) in wanted(container) {
                let alone = inventory.sharing == "mps" && number > 1;
                if alone {
                    return Err(too_many(resource, number));
                }
                let mut free: Vec<&Device> = inventory
                    .devices
                    .iter()
                    .filter(|d| d.resource == resource && d.healthy)
                    .filter(|d| !taken.contains(&d.id) || reusable.contains(&d.id))
                    .collect();
                if (free.len() as u64) < number {
                    return Err(unavailable(resource, number, free.len()));
                }
                let load = |card: usize| {
                    let mine = inventory.devices.iter().filter(|d| d.card == card);
                    mine.filter(|d| taken.contains(&d.id)).count()
                };
                // First what this pod has already, then shares of the least shared card, then by slot.
                free.sort_by_key(|d| {
                    let spread = d.share.map_or(0, |_| load(d.card));
                    (!reusable.contains(&d.id), spread, d.card, d.slice, d.share)
                });
                let mut ids: Vec<String> = Vec::new();
                for device in free.into_iter().take(number as usize) {
                    ids.push(device.id.clone());
                }
                for id in &ids {
                    taken.insert(id.clone());
                    if passing {
                        reusable.insert(id.clone());
                    } else {
                        reusable.remove(id);
                    }
                }
                grants.push(Grant {
                    container: container.name.clone(),
                    resource: resource.to_owned(),
                    ids,
                });
            }
        }
        self.hold(&node.name, pod, grants);
        Ok(())
    }

    /// Notes what a pod has on a node.
    pub fn hold(&mut self, node: &str, pod: &Pod, grants: Vec<Grant>) {
        let held = self.held.entry(node.to_owned()).or_default();
        for grant in &grants {
            for id in &grant.ids {
                let holder = Holder {
                    namespace: pod.namespace().to_owned(),
                    pod: pod.name().to_owned(),
                    container: grant.container.clone(),
                };
                held.insert(id.clone(), holder);
            }
        }
        self.pods
            .insert(pod.uid().to_owned(), (node.to_owned(), grants));
    }

    /// The pod is over, or gone.
    pub fn release(&mut self, uid: &str) {
        let Some((node, grants)) = self.pods.remove(uid) else {
            return;
        };
        if let Some(held) = self.held.get_mut(&node) {
            for id in grants.iter().flat_map(|g| &g.ids) {
                held.remove(id);
            }
            if held.is_empty() {
                self.held.remove(&node);
            }
        }
    }

    pub fn granted(&self, uid: &str) -> &[Grant] {
        self.pods.get(uid).map_or(&[], |(_, grants)| grants)
    }

    /// The devices of a node that are in use.
    pub fn on(&self, node: &str) -> impl Iterator<Item = (&String, &Holder)> {
        self.held.get(node).into_iter().flatten()
    }

    /// UIDs of pods that hold devices of a node.
    pub fn users(&self, node: &str) -> Vec<String> {
        let all = self.pods.iter().filter(|(_, (on, _))| on == node);
        let mut uids: Vec<String> = all.map(|(uid, _)| uid.clone()).collect();
        uids.sort();
        uids
    }

    /// `allocatedResourcesStatus` of every container that has devices, by its name.
    pub fn health(&mut self, uid: &str, node: &Object) -> BTreeMap<String, Vec<Value>> {
        if self.granted(uid).is_empty() {
            return BTreeMap::new();
        }
        let inventory = self.inventory(node);
        let health = |id: &String| {
            let device = inventory.devices.iter().find(|d| d.id == *id);
            match device.map(|d| d.healthy) {
                Some(true) => "Healthy",
                Some(false) => "Unhealthy",
                None => "Unknown",
            }
        };
        let mut all: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for grant in self.granted(uid) {
            let each = grant.ids.iter();
            let each = each.map(|id| json!({"resourceID": id, "health": health(id)}));
            let entry = json!({"name": grant.resource, "resources": each.collect::<Vec<Value>>()});
            all.entry(grant.container.clone()).or_default().push(entry);
        }
        all
    }
}

fn unexpected(why: &str) -> Rejected {
    Rejected {
        reason: "UnexpectedAdmissionError".to_owned(),
        message: format!("Pod was rejected: Allocate failed due to {why}, which is unexpected"),
    }
}

fn unavailable(resource: &str, wanted: u64, free: usize) -> Rejected {
    unexpected(&format!(
        "requested number of devices unavailable for {resource}. Requested: {wanted}, Available: {free}"
    ))
}

fn too_many(resource: &str, wanted: u64) -> Rejected {
    unexpected(&format!(
        "rpc error: code = Unknown desc = invalid request for '{resource}: {wanted}': maximum request size for shared resources is 1; found {wanted}"
    ))
}
