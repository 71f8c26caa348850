//! Per node: what there is and what its pods and claims hold, of GPUs and everything else, kept up to date in O(1) per
//! pod change, with totals of the groups nodes are in and of who holds what.
//!
//! For panes:
//!
//! | question | where |
//! |---|---|
//! | what is held on a node | [`Capacity::of`] |
//! | each resource of a node: capacity, allocatable, used, free, sick, over | [`Capacity::share`] |
//! | totals by product, pool, zone, block, NVLink domain; free behind taints and out of use; fragmentation | [`Capacity::groups`], [`groups::Group::totals`] |
//! | the cards of a node, for the map | [`cards::cards`] |
//! | who holds GPUs, and GPU-hours | [`holders::ledger`] |
//! | what fits where, the largest gang, what is in the way; what quota allows of it | [`answer::Answer`], [`fit::fit`], [`quota`] |
//! | what is wrong | [`alarms::alarms`] |
//!
//! Law: whatever the order the rows came in, the sums are those of the rows that remain (only the places pods are drawn
//! at follow the order, see [`seats`]).

pub mod alarms;
pub mod amounts;
pub mod answer;
pub mod ask;
pub mod cards;
pub mod dra;
pub mod fit;
pub mod groups;
pub mod holders;
pub mod ledger;
pub mod quota;
pub mod seats;
mod share;
pub mod typed;
pub mod unit;

use hashbrown::HashMap;

use super::dra::{ClaimRow, SliceRow};
use super::few::Few;
use super::ids::{ClusterId, Key, Name};
use super::node::NodeRow;
use super::pod::{PodPhase, PodRow};
use super::resources::Devices;
use super::shape::Shape;
use super::table::Table;
use amounts::Gate;
use dra::{Dra, OnNode};
use groups::{Dim, Group, Groups, Share};
use ledger::Ledger;
use seats::Seats;
use unit::{Kind, Unit, unit_of};

/// What the pods bound to a node and not yet over hold (gpu reference, section 4).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NodeUse {
    pub pods: u32,
    /// Devices of plugins; those of claims are in the node's [`Share`].
    pub devices: Devices,
    /// Other extended resources.
    pub extra: Devices,
    pub cpu_milli: u64,
    pub memory: u64,
    pub ephemeral: u64,
    /// Of `devices`, by pods that are being deleted.
    pub releasing: Devices,
    /// The pods that hold devices, sorted.
    pub holders: Vec<Key>,
}

/// Everything known of a node by its name, whether or not its row is there.
#[derive(Debug, Clone, Default)]
struct Place {
    key: Option<Key>,
    used: NodeUse,
    /// What one of each resource in `used` is: accounts are kept in these.
    units: Few<Name, Unit>,
    seats: Seats,
    /// None where nothing is of claims, which is so on most nodes.
    dra: Option<Box<OnNode>>,
    /// None on nodes without devices.
    share: Option<Box<Share>>,
}

impl Place {
    fn is_blank(&self) -> bool {
        self.key.is_none() && self.used.pods == 0 && self.dra.is_none()
    }
}

/// The running totals of all nodes, by cluster and node name.
#[derive(Debug, Clone, Default)]
pub struct Capacity {
    places: HashMap<(ClusterId, Name), Box<Place>>,
    groups: Groups,
    ledger: Ledger,
    dra: Dra,
    version: u64,
}

/// True while a pod counts against its node: bound and not terminal.
pub fn holds(pod: &PodRow) -> bool {
    pod.node.is_some() && !is_over(pod)
}

fn is_over(pod: &PodRow) -> bool {
    matches!(pod.phase, PodPhase::Succeeded | PodPhase::Failed)
}

type At = (ClusterId, Name);

impl Capacity {
    /// What is held on a node; nothing if no pod is there.
    pub fn of(&self, node: &NodeRow) -> Option<&NodeUse> {
        let place = self.places.get(&(node.key.cluster, node.name.clone()))?;
        Some(&place.used).filter(|used| used.pods > 0)
    }

    /// The key of the node with this name.
    pub fn key(&self, cluster: ClusterId, name: &Name) -> Option<Key> {
        self.places.get(&(cluster, name.clone()))?.key
    }

    /// What a node adds to its groups: its resources, and what stands before them. `None` for one without devices.
    pub fn share(&self, node: &NodeRow) -> Option<&Share> {
        let place = self.places.get(&(node.key.cluster, node.name.clone()))?;
        place.share.as_deref()
    }

    /// Totals by group. Groups without a name (nodes without such a label) come first.
    pub fn groups(
        &self,
        cluster: ClusterId,
        dim: Dim,
    ) -> impl Iterator<Item = (Option<&Name>, &Group)> {
        self.groups.of(cluster, dim)
    }

    /// The clusters that have nodes with devices.
    pub fn clusters(&self) -> impl Iterator<Item = ClusterId> + '_ {
        self.groups.clusters()
    }

    /// Totals of all nodes with devices; `None` where there are none.
    pub fn all(&self, cluster: ClusterId) -> Option<&Group> {
        self.groups
            .of(cluster, Dim::All)
            .next()
            .map(|(_, group)| group)
    }

    /// Who holds what.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Devices of claims.
    pub fn dra(&self) -> &Dra {
        &self.dra
    }

    /// Takes the place of another: what was remembered by its version is made anew.
    pub fn succeed(&mut self, other: &Self) {
        self.version = self.version.max(other.version) + 1;
    }

    /// Moves with every change of anything here.
    pub fn version(&self) -> u64 {
        self.version
    }

    fn seats(&self, node: &NodeRow) -> Option<&Seats> {
        let place = self.places.get(&(node.key.cluster, node.name.clone()))?;
        Some(&place.seats)
    }

    /// One pod changed.
    pub fn pod(&mut self, old: Option<&PodRow>, new: Option<&PodRow>, nodes: &mut Table<NodeRow>) {
        let held = |pod: Option<&PodRow>| {
            let pod = pod.filter(|pod| holds(pod))?;
            Some((pod.key.cluster, pod.node.clone()?))
        };
        let (from, to) = (held(old), held(new));
        if let (Some(old), Some(new)) = (old, new)
            && same(old, new)
            && from == to
        {
            return;
        }
        for (pod, add) in [(old, false), (new, true)] {
            if let Some(pod) = pod.filter(|pod| is_over(pod)) {
                self.ledger.spend(pod, add);
            }
        }
        let stays = from == to && old.map(|p| &p.shape) == new.map(|p| &p.shape);
        if let (Some(at), Some(pod)) = (&from, old) {
            self.put(at, pod, false, stays, nodes);
        }
        if let (Some(at), Some(pod)) = (&to, new) {
            self.put(at, pod, true, stays, nodes);
        }
        self.version += 1;
        let also = to.as_ref().filter(|to| from.as_ref() != Some(to));
        for at in from.iter().chain(also) {
            let key = self.places.get(at).and_then(|place| place.key);
            self.refresh(at, key.and_then(|key| nodes.get(key)));
            if let Some(key) = key {
                nodes.touch(key);
            }
        }
    }

    /// Adds a pod to a place, or takes it away. One that `stays` keeps its seats.
    fn put(&mut self, at: &At, pod: &PodRow, add: bool, stays: bool, nodes: &Table<NodeRow>) {
        let place = self.places.entry(at.clone()).or_default();
        place.used.put(pod, add);
        let row = place.key.and_then(|key| nodes.get(key));
        let mut accounts = Vec::new();
        for (name, amount) in pod.shape.plugged() {
            let units = &mut place.units;
            let unit = match units.get(name) {
                Some(unit) => unit,
                None => units.or_insert_with(name.clone(), || unit_of(name, row)),
            };
            let (unit, resource) = (unit.clone(), name.clone());
            accounts.push((Kind { unit, resource }, *amount));
            match add {
                _ if stays => {}
                true => place.seats.take(name, pod.key, *amount),
                false => place.seats.leave(name, pod.key),
            }
            if place.used.devices.get(name) == 0 {
                place.units.remove(name);
            }
        }
        self.ledger.hold(pod, &accounts, add);
    }

    /// One node changed.
    pub fn node(&mut self, old: Option<&NodeRow>, new: Option<&NodeRow>, pods: &Table<PodRow>) {
        self.version += 1;
        if let Some(old) = old {
            let at = (old.key.cluster, old.name.clone());
            let gone = new.is_none_or(|new| new.name != old.name);
            // a node made again under its name may have been seen before its predecessor went
            if gone
                && let Some(place) = self.places.get_mut(&at)
                && place.key == Some(old.key)
            {
                place.key = None;
                self.account_anew(&at, None, pods);
                self.refresh(&at, None);
            }
        }
        if let Some(new) = new {
            let at = (new.key.cluster, new.name.clone());
            self.places.entry(at.clone()).or_default().key = Some(new.key);
            self.account_anew(&at, Some(new), pods);
            self.refresh(&at, Some(new));
        }
    }

    /// Labels of a node say what one of its resources is: accounts kept in another unit move.
    fn account_anew(&mut self, at: &At, row: Option<&NodeRow>, pods: &Table<PodRow>) {
        let Some(place) = self.places.get_mut(at) else {
            return;
        };
        let before = std::mem::take(&mut place.units);
        let after: Few<Name, Unit> = before
            .keys()
            .map(|name| (name.clone(), unit_of(name, row)))
            .collect();
        place.units = after.clone();
        if before == after {
            return;
        }
        let kinds = |pod: &PodRow, units: &Few<Name, Unit>| {
            let of = |(name, amount): &(Name, u32)| {
                let (unit, resource) = (units.get(name)?.clone(), name.clone());
                Some((Kind { unit, resource }, *amount))
            };
            pod.shape.plugged().filter_map(of).collect::<Vec<_>>()
        };
        for key in place.used.holders.clone() {
            if let Some(pod) = pods.get(key) {
                self.ledger.hold(pod, &kinds(pod, &before), false);
                self.ledger.hold(pod, &kinds(pod, &after), true);
            }
        }
    }

    /// One slice of devices changed.
    pub fn slice(
        &mut self,
        old: Option<&SliceRow>,
        new: Option<&SliceRow>,
        nodes: &mut Table<NodeRow>,
    ) {
        let changed = self.dra.slice(old, new);
        self.claimed(changed, nodes);
    }

    /// One claim changed.
    pub fn claim(
        &mut self,
        old: Option<&ClaimRow>,
        new: Option<&ClaimRow>,
        nodes: &mut Table<NodeRow>,
    ) {
        let changed = self.dra.claim(old, new);
        self.claimed(changed, nodes);
    }

    fn claimed(&mut self, changed: impl IntoIterator<Item = At>, nodes: &mut Table<NodeRow>) {
        self.version += 1;
        for at in changed {
            let dra = self.dra.on_node(at.0, &at.1);
            let place = self.places.entry(at.clone()).or_default();
            place.dra = (dra != OnNode::default()).then(|| Box::new(dra));
            let key = place.key;
            self.refresh(&at, key.and_then(|key| nodes.get(key)));
            if let Some(key) = key {
                nodes.touch(key);
            }
        }
    }

    /// Brings the groups up to a place's present.
    fn refresh(&mut self, at: &At, row: Option<&NodeRow>) {
        let Some(place) = self.places.get_mut(at) else {
            return;
        };
        let none = OnNode::default();
        let dra = place.dra.as_deref().unwrap_or(&none);
        let share = row.and_then(|row| share::share(row, &place.used, dra));
        if share.as_ref() != place.share.as_deref() {
            self.groups
                .replace(at.0, place.share.as_deref(), share.as_ref());
            place.share = share.map(Box::new);
        }
        if place.is_blank() {
            self.places.remove(at);
        }
    }
}

/// Equal sums; the places pods are drawn at follow the order the pods came in.
impl PartialEq for Capacity {
    fn eq(&self, other: &Self) -> bool {
        self.places == other.places
            && self.groups == other.groups
            && self.ledger == other.ledger
            && self.dra == other.dra
    }
}

impl PartialEq for Place {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
            && self.used == other.used
            && self.units == other.units
            && self.dra == other.dra
            && self.share == other.share
    }
}

/// Nothing of a pod changed that counts here.
fn same(old: &PodRow, new: &PodRow) -> bool {
    old.shape == new.shape
        && old.node == new.node
        && old.deleting == new.deleting
        && old.phase == new.phase
        && ledger::since(old) == ledger::since(new)
        && old.finished == new.finished
        && ledger::account(old) == ledger::account(new)
}

impl NodeUse {
    fn put(&mut self, pod: &PodRow, add: bool) {
        let shape: &Shape = &pod.shape;
        let step = |n: &mut u64, by: u64| {
            *n = match add {
                true => n.wrapping_add(by),
                false => n.wrapping_sub(by),
            }
        };
        let many = |all: &mut Devices, name: &Name, n: u32| match add {
            true => all.add(name.clone(), n),
            false => all.subtract(&Devices(vec![(name.clone(), n)])),
        };
        self.pods = if add {
            self.pods + 1
        } else {
            self.pods.saturating_sub(1)
        };
        step(&mut self.cpu_milli, shape.cpu_milli);
        step(&mut self.memory, shape.memory);
        step(&mut self.ephemeral, shape.ephemeral);
        for (name, n) in &shape.extra.0 {
            many(&mut self.extra, name, *n);
        }
        let mut any = false;
        for (name, n) in shape.plugged() {
            any = true;
            many(&mut self.devices, name, *n);
            if pod.deleting {
                many(&mut self.releasing, name, *n);
            }
        }
        if any {
            match (self.holders.binary_search(&pod.key), add) {
                (Err(at), true) => {
                    self.holders.reserve_exact(1);
                    self.holders.insert(at, pod.key);
                }
                (Ok(at), false) => {
                    self.holders.remove(at);
                }
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests;
