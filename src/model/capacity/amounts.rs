//! What there is of a resource on a node, and over many nodes.

use super::unit::Kind;
use crate::model::shape::Taint;
use std::sync::Arc;

/// Counts of one resource on one node.
///
/// `sick` = capacity − allocatable; `free` = allocatable − used − blocked, not below zero; `over` = used − allocatable,
/// where a device died under a pod (gpu reference, section 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Amounts {
    pub capacity: u32,
    pub allocatable: u32,
    /// Held by pods bound to the node and not over, or by claims.
    pub used: u32,
    pub free: u32,
    pub sick: u32,
    pub over: u32,
    /// Of `used`, by pods that are being deleted.
    pub releasing: u32,
    /// Neither used nor free: cards of which a slice is held by a claim.
    pub blocked: u32,
}

impl Amounts {
    pub fn new(capacity: u32, allocatable: u32, used: u32, releasing: u32, blocked: u32) -> Self {
        Self {
            capacity,
            allocatable,
            used,
            free: allocatable.saturating_sub(used).saturating_sub(blocked),
            // a node may offer more than it has while its plugin restarts
            sick: capacity.saturating_sub(allocatable),
            over: used.saturating_sub(allocatable),
            releasing: releasing.min(used),
            blocked,
        }
    }
}

/// Sums of [`Amounts`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sums {
    pub capacity: u64,
    pub allocatable: u64,
    pub used: u64,
    pub free: u64,
    pub sick: u64,
    pub over: u64,
    pub releasing: u64,
    pub blocked: u64,
}

impl Sums {
    /// Adds a node's amounts, or takes them away again. Wraps, so that it comes out right in any order.
    pub fn fold(&mut self, of: Amounts, add: bool) {
        let step = |n: &mut u64, by: u32| {
            *n = match add {
                true => n.wrapping_add(u64::from(by)),
                false => n.wrapping_sub(u64::from(by)),
            }
        };
        step(&mut self.capacity, of.capacity);
        step(&mut self.allocatable, of.allocatable);
        step(&mut self.used, of.used);
        step(&mut self.free, of.free);
        step(&mut self.sick, of.sick);
        step(&mut self.over, of.over);
        step(&mut self.releasing, of.releasing);
        step(&mut self.blocked, of.blocked);
    }

    pub fn add(&mut self, of: &Self) {
        self.capacity += of.capacity;
        self.allocatable += of.allocatable;
        self.used += of.used;
        self.free += of.free;
        self.sick += of.sick;
        self.over += of.over;
        self.releasing += of.releasing;
        self.blocked += of.blocked;
    }
}

/// What stands between a pod and the free devices of a node. Nodes of a cluster have few different ones.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Gate {
    /// The Ready condition is True.
    pub ready: bool,
    pub cordoned: bool,
    /// No cpu, memory or place for a pod is left beside the devices, whatever the pod.
    pub starved: bool,
    /// NoSchedule and NoExecute taints, sorted; without those that say again that it is cordoned or not ready.
    pub taints: Arc<[Taint]>,
}

/// Where free devices count (gpu reference, section 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Bucket {
    /// A pod can have them.
    Free,
    /// A taint keeps the pod away.
    Tainted,
    /// Cordoned or not ready.
    Away,
    /// No cpu, memory or place for a pod beside them.
    Stranded,
}

impl Gate {
    /// Where free devices behind it count, for a pod with these tolerations.
    pub fn bucket(&self, tolerates: &impl Fn(&Taint) -> bool) -> Bucket {
        if !self.ready || self.cordoned {
            Bucket::Away
        } else if !self.taints.iter().all(tolerates) {
            Bucket::Tainted
        } else if self.starved {
            Bucket::Stranded
        } else {
            Bucket::Free
        }
    }
}

/// One resource of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub kind: Kind,
    pub amounts: Amounts,
}
