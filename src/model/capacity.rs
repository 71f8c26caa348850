//! Per node: what its pods hold, kept up to date in O(1) per pod change.

use std::collections::HashMap;

use super::ids::{ClusterId, Key, Name};
use super::node::NodeRow;
use super::pod::{PodPhase, PodRow};
use super::resources::Devices;
use super::table::Table;

/// What the pods bound to a node and not yet terminal hold.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NodeUse {
    pub pods: u32,
    pub devices: Devices,
}

/// The running totals of all nodes, by cluster and node name.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Capacity {
    used: HashMap<(ClusterId, Name), NodeUse>,
    keys: HashMap<(ClusterId, Name), Key>,
}

/// True while a pod counts against its node: bound and not terminal.
pub fn holds(pod: &PodRow) -> bool {
    pod.node.is_some() && !matches!(pod.phase, PodPhase::Succeeded | PodPhase::Failed)
}

impl Capacity {
    /// What is held on a node; nothing if no pod is there.
    pub fn of(&self, node: &NodeRow) -> Option<&NodeUse> {
        self.used.get(&(node.key.cluster, node.name.clone()))
    }

    /// The key of the node with this name.
    pub fn key(&self, cluster: ClusterId, name: &Name) -> Option<Key> {
        self.keys.get(&(cluster, name.clone())).copied()
    }

    /// One pod changed.
    pub fn pod(&mut self, old: Option<&PodRow>, new: Option<&PodRow>, nodes: &mut Table<NodeRow>) {
        let held = |pod: Option<&PodRow>| {
            let pod = pod.filter(|pod| holds(pod))?;
            Some((pod.key.cluster, pod.node.clone()?))
        };
        let (from, to) = (held(old), held(new));
        if from == to && old.map(|p| &p.devices) == new.map(|p| &p.devices) {
            return;
        }
        if let (Some(at), Some(pod)) = (from, old) {
            if let Some(used) = self.used.get_mut(&at) {
                used.pods = used.pods.saturating_sub(1);
                used.devices.subtract(&pod.devices);
                if used.pods == 0 {
                    self.used.remove(&at);
                }
            }
            self.touch(&at, nodes);
        }
        if let (Some(at), Some(pod)) = (to, new) {
            let used = self.used.entry(at.clone()).or_default();
            used.pods += 1;
            used.devices.add_all(&pod.devices);
            self.touch(&at, nodes);
        }
    }

    /// One node changed.
    pub fn node(&mut self, old: Option<&NodeRow>, new: Option<&NodeRow>) {
        if let Some(old) = old {
            let at = (old.key.cluster, old.name.clone());
            // a node made again under its name may have been seen before its predecessor went
            if self.keys.get(&at) == Some(&old.key) {
                self.keys.remove(&at);
            }
        }
        if let Some(new) = new {
            self.keys
                .insert((new.key.cluster, new.name.clone()), new.key);
        }
    }

    fn touch(&self, at: &(ClusterId, Name), nodes: &mut Table<NodeRow>) {
        if let Some(key) = self.keys.get(at) {
            nodes.touch(*key);
        }
    }
}
