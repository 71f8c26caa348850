//! The cards of one node as a picture shows them: each with the pods on it, cut as it is cut. O(devices of the node);
//! made for the nodes on screen only.
//!
//! Which card a pod has is known where the kubelet tells (`allocatedResourcesStatus`) and for claims; else it is drawn on
//! the places it took first, and marked as not told.

use std::collections::BTreeMap;

use super::dra::{Device, card_of, unit};
use super::groups::Share;
use super::unit::{Unit, vendor};
use super::{Capacity, Gate};
use crate::model::Model;
use crate::model::ids::{ClusterId, Key, Name};
use crate::model::node::NodeRow;
use crate::model::pod::{GivenDevice, Health, PodRow};

/// What is with a card or a part of one. Where it is free, the node's [`Gate`] says whether a pod can have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    Free,
    Held,
    /// Held by a pod that is being deleted.
    Releasing,
    /// Not offered any more, or told to be unhealthy; a pod may still hold it.
    Sick,
    /// Free itself, but a slice of the card is held.
    Blocked,
    /// More is held than the node has: a device died under a pod.
    Over,
}

/// A whole card, or a share or slice of one.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    pub unit: Unit,
    pub state: State,
    pub pod: Option<Key>,
    /// The API tells that the pod has this very device; else the place is only where it is drawn.
    pub told: bool,
    /// The device's own name: `GPU-1f0e…`, `MIG-…`, of a claim the device in its pool.
    pub id: Option<Box<str>>,
    /// How much of it is held where claims have parts of it, 0 to 1.
    pub held: f64,
}

/// How sure it is that parts are in one card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// It follows from what is told.
    Known,
    /// Counts divide evenly over the cards that are cut, so most likely each is cut alike.
    Even,
    /// The devices are in some of the node's cards: this is a list, not a card.
    Unknown,
}

/// A physical card, or (see [`Layout::Unknown`]) a list of slices.
#[derive(Debug, Clone, PartialEq)]
pub struct Card {
    pub resource: Name,
    pub parts: Vec<Part>,
    pub layout: Layout,
}

impl Card {
    /// The state of a whole card; of a cut one the most telling of its parts: sick, then held, then free.
    pub fn state(&self) -> State {
        let rank = |s: State| match s {
            State::Over => 6,
            State::Sick => 5,
            State::Releasing => 3,
            State::Held => 4,
            State::Blocked => 2,
            State::Free => 1,
        };
        let states = self.parts.iter().map(|part| part.state);
        states.max_by_key(|s| rank(*s)).unwrap_or(State::Free)
    }

    pub fn is_whole(&self) -> bool {
        matches!(self.parts.as_slice(), [part] if part.unit.is_whole())
    }
}

/// The cards of a node in drawing order: whole ones, then cut and shared ones.
pub fn cards(model: &Model, node: &NodeRow) -> Vec<Card> {
    let capacity = &model.capacity;
    let Some(share) = capacity.share(node) else {
        return Vec::new();
    };
    let devices = capacity.dra().devices(node.key.cluster, &node.name);
    let mut all = Vec::new();
    let mut slices: Vec<(Name, Vec<Part>)> = Vec::new();
    for line in &share.lines {
        let resource = &line.kind.resource;
        if devices.iter().any(|d| d.driver == resource) {
            continue;
        }
        let offered = line.amounts.capacity.max(node.allocatable.get(resource));
        let mut parts = seated(model, node, resource, &line.kind.unit, offered);
        // what claims took of the same cards
        let by_claim: Vec<&Device> = devices
            .iter()
            .filter(|d| line.kind.unit == Unit::Gpu && unit(d.driver, d.row) == Unit::Gpu)
            .filter(|d| vendor(d.driver).is_some() && vendor(d.driver) == vendor(resource))
            .collect();
        for device in by_claim {
            if let Some(pod) = claimed_by(model, node.key.cluster, device)
                && let Some(part) = parts.iter_mut().find(|p| p.state == State::Free)
            {
                *part = Part {
                    state: State::Held,
                    pod,
                    told: true,
                    id: device.row.uuid.clone(),
                    held: 1.0,
                    ..part.clone()
                };
            }
        }
        match &line.kind.unit {
            Unit::Mig { .. } if !resource.ends_with("/gpu") => {
                slices.push((resource.clone(), parts))
            }
            unit => {
                let per = unit.per_card().unwrap_or(1) as usize;
                let even = parts.len().is_multiple_of(per.max(1));
                let layout = match unit {
                    Unit::Share { per: 0, .. } => Layout::Unknown,
                    _ if per <= 1 => Layout::Known,
                    Unit::Share { .. } | Unit::Partition { .. } => Layout::Even,
                    _ if even => Layout::Even,
                    _ => Layout::Unknown,
                };
                // shares of a card that is not told apart from others
                let per = match unit {
                    Unit::Share { per: 0, .. } => parts.len().max(1),
                    _ => per.max(1),
                };
                all.extend(parts.chunks(per).map(|parts| Card {
                    resource: resource.clone(),
                    parts: parts.to_vec(),
                    layout,
                }));
            }
        }
    }
    all.extend(cut(slices, share, &all));
    all.extend(claimed(model, node, share, &devices));
    all
}

/// The places of a resource with who is drawn on them.
fn seated(model: &Model, node: &NodeRow, resource: &Name, unit: &Unit, offered: u32) -> Vec<Part> {
    let seats = model
        .capacity
        .seats(node)
        .map_or(&[][..], |s| s.of(resource));
    let allocatable = node.allocatable.get(resource) as usize;
    let offered = offered as usize;
    let sick = offered.saturating_sub(allocatable);
    // a node that says more than any has is not drawn whole
    let total = offered.max(seats.len()).min(4096);
    let mut given: BTreeMap<Key, Vec<&GivenDevice>> = BTreeMap::new();
    let mut parts: Vec<Part> = Vec::with_capacity(total);
    for at in 0..total {
        let holder = seats.get(at).copied().flatten();
        let pod = holder.and_then(|key| model.pods.get(key));
        let mut part = Part {
            unit: unit.clone(),
            state: State::Free,
            pod: holder,
            told: false,
            id: None,
            held: 0.0,
        };
        if let Some(key) = holder {
            part.held = 1.0;
            part.state = match pod.is_some_and(|pod| pod.deleting) {
                true => State::Releasing,
                false if at >= offered => State::Over,
                false => State::Held,
            };
            let left = given
                .entry(key)
                .or_insert_with(|| pod.map(|pod| devices_of(pod, resource)).unwrap_or_default());
            if let Some(device) = left.pop() {
                (part.told, part.id) = (true, Some(device.id.clone()));
                if device.health == Health::Unhealthy {
                    part.state = State::Sick;
                }
            }
        }
        parts.push(part);
    }
    // which ones are sick is told only of those that pods have; the others are drawn last
    let told = parts.iter().filter(|p| p.state == State::Sick).count();
    let free = parts.iter_mut().rev().filter(|p| p.state == State::Free);
    for part in free.take(sick.saturating_sub(told)) {
        part.state = State::Sick;
    }
    parts
}

/// What the kubelet says a pod has of a resource, last first.
fn devices_of<'a>(pod: &'a PodRow, resource: &str) -> Vec<&'a GivenDevice> {
    let all = pod.given.iter().flat_map(|g| g.0.iter());
    let mut of: Vec<&GivenDevice> = all.filter(|d| *d.resource == *resource).collect();
    of.reverse();
    of
}

/// Slices by profile, dealt into the cards that are cut where that comes out even.
fn cut(slices: Vec<(Name, Vec<Part>)>, share: &Share, whole: &[Card]) -> Vec<Card> {
    let Some((first, _)) = slices.first() else {
        return Vec::new();
    };
    let resource = first.clone();
    let whole = whole.iter().filter(|card| card.is_whole()).count();
    let cards = (share.cards as usize).saturating_sub(whole);
    let even = cards > 0
        && slices
            .iter()
            .all(|(_, parts)| parts.len().is_multiple_of(cards));
    if !even {
        let list = |(resource, parts)| Card {
            resource,
            parts,
            layout: Layout::Unknown,
        };
        return slices.into_iter().map(list).collect();
    }
    let mut all = Vec::new();
    for card in 0..cards {
        let mut parts = Vec::new();
        for (_, of) in &slices {
            let per = of.len() / cards;
            parts.extend_from_slice(&of[card * per..(card + 1) * per]);
        }
        all.push(Card {
            resource: resource.clone(),
            parts,
            layout: Layout::Even,
        });
    }
    all
}

/// Cards that only claims give out.
fn claimed(model: &Model, node: &NodeRow, share: &Share, devices: &[Device]) -> Vec<Card> {
    let cluster = node.key.cluster;
    let counted = |driver: &Name| share.lines.iter().any(|l| l.kind.resource == *driver);
    let mut by_card: BTreeMap<(&Name, &str), Vec<&Device>> = BTreeMap::new();
    for device in devices.iter().filter(|d| counted(d.driver)) {
        by_card
            .entry((device.driver, card_of(device.row)))
            .or_default()
            .push(device);
    }
    let mut all = Vec::new();
    for ((driver, _), devices) in by_card {
        let mut parts: Vec<Part> = Vec::new();
        let mut whole: Option<Part> = None;
        for device in devices {
            let unit = unit(device.driver, device.row);
            if unit == Unit::Other {
                continue;
            }
            let pod = claimed_by(model, cluster, device);
            let sick = !device.row.taints.is_empty();
            let part = Part {
                state: match (&pod, sick) {
                    (_, true) => State::Sick,
                    (Some(pod), _) if is_going(model, *pod) => State::Releasing,
                    (Some(_), _) => State::Held,
                    (None, _) => State::Free,
                },
                told: pod.is_some(),
                held: model.capacity.dra().share_held(cluster, device),
                pod: pod.flatten(),
                id: Some(
                    device
                        .row
                        .uuid
                        .clone()
                        .unwrap_or_else(|| (*device.row.name).into()),
                ),
                unit,
            };
            if !matches!(part.unit, Unit::Mig { .. }) {
                whole = Some(part);
            } else if part.state != State::Free || device.row.consumes.is_empty() {
                // slices that could be made are not there yet
                parts.push(part);
            }
        }
        match whole {
            Some(card) if parts.is_empty() || card.state != State::Free => parts = vec![card],
            // a slice is held: what is left of the card is free only in slices
            Some(card) => parts.push(Part {
                state: State::Blocked,
                ..card
            }),
            None => {}
        }
        if !parts.is_empty() {
            all.push(Card {
                resource: driver.clone(),
                parts,
                layout: Layout::Known,
            });
        }
    }
    all
}

/// The first pod of the claims that hold a device; `Some(None)`: held, by nobody known.
fn claimed_by(model: &Model, cluster: ClusterId, device: &Device) -> Option<Option<Key>> {
    let claims = model.capacity.dra().holders(cluster, device);
    claims.first()?;
    let mut users = claims
        .iter()
        .filter_map(|claim| model.claims.get(*claim))
        .flat_map(|claim| claim.users.iter());
    Some(users.next().map(|(_, uid)| Key { cluster, uid: *uid }))
}

fn is_going(model: &Model, pod: Option<Key>) -> bool {
    pod.and_then(|key| model.pods.get(key))
        .is_some_and(|pod| pod.deleting)
}

impl Capacity {
    /// What stands before the free devices of a node.
    pub fn gate(&self, node: &NodeRow) -> Option<&Gate> {
        Some(&self.share(node)?.gate)
    }
}
