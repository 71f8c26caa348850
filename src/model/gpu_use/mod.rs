//! The use of GPUs as their exporters tell it: a short history per device of the nodes that are looked at.
//!
//! | to know | ask |
//! |---|---|
//! | a node's devices, or why they are not known | [`GpuUse::node`] |
//! | one device: by UUID, number, MIG instance, or as a claim calls it | [`Node::find`] |
//! | the devices of a pod | [`GpuUse::of_pod`] |
//! | whether a device is idle | [`Device::verdict`] |
//! | what is wrong with one, or with all | [`Device::alarms`], [`GpuUse::alarms`], with what objects tell [`super::gpu_alarms`] |
//! | which card of a picture a device is | [`seats::on_cards`] |
//!
//! Bounded: [`NODES`] nodes of [`DEVICES`] devices, [`ring::KEPT`] readings of 16 bytes for each, about 2.5 KB a
//! device with its names: 8 devices a node make 10 MB at the most, however large the cluster is.

pub mod alarm;
pub mod reading;
pub mod ring;
pub mod seats;
#[cfg(test)]
mod tests;
pub mod verdict;

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::ids::{ClusterId, Name};
use super::pod::PodRow;
use reading::{Basis, DeviceId, DeviceRow, Heard, Holder, NodeUse, Reading, Trouble};
use ring::Ring;
use verdict::Quiet;

/// Nodes remembered; those heard of longest ago go first.
pub const NODES: usize = 512;
/// Devices remembered of a node: 16 cards of 7 slices, and room.
pub const DEVICES: usize = 160;
/// Holders remembered of a device.
pub const HOLDERS: usize = 48;

/// All that is known.
#[derive(Debug, Clone, Default)]
pub struct GpuUse {
    nodes: HashMap<(ClusterId, Name), Node>,
    version: u64,
}

/// One node.
#[derive(Debug, Clone)]
pub struct Node {
    /// By id: slices behind their card.
    devices: Vec<Device>,
    /// When it last answered; none if it never did.
    pub told: Option<DateTime<Utc>>,
    /// When it was last asked.
    pub asked: DateTime<Utc>,
    /// What is wrong: nothing is known while it is, or with an exporter beside one that answers.
    pub trouble: Option<Trouble>,
    /// Seconds between questions.
    every: u16,
}

/// One device.
#[derive(Debug, Clone)]
pub struct Device {
    pub id: DeviceId,
    /// Its number on the node.
    pub index: Option<u16>,
    /// The model as its exporter writes it; may be empty.
    pub product: Name,
    /// Empty: nobody has it.
    pub holders: Vec<Holder>,
    /// The newest.
    pub reading: Reading,
    /// When that was read.
    pub at: DateTime<Utc>,
    /// The readings before, the newest included.
    pub history: Ring,
    /// Since when it is quiet; none while it works, or says nothing about it.
    pub quiet: Option<Quiet>,
    /// When its last Xid was seen to change; none if it was there at the first look, and nobody knows how old it is.
    pub xid_at: Option<DateTime<Utc>>,
    every: u16,
}

/// What to find a device by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Find<'a> {
    /// `GPU-…` of a card (the whole card, not its slices), or `MIG-…` of a claimed slice.
    Uuid(&'a str),
    /// Its number on the node, a whole card.
    Index(u16),
    /// The slice of the card with this number: `(card, instance)`.
    Slice(u16, u16),
    /// As its driver calls it: `(driver, pool, device)`.
    Claimed(&'a str, &'a str, &'a str),
}

/// After this long without a reading there is a gap.
fn patience(every: u16) -> TimeDelta {
    TimeDelta::seconds(i64::from(every) * 5 / 2 + 10)
}

impl GpuUse {
    /// Takes in what was heard of a node.
    pub(super) fn apply(&mut self, cluster: ClusterId, of: NodeUse) {
        self.version += 1;
        let key = (cluster, of.node);
        if !self.nodes.contains_key(&key) && self.nodes.len() >= NODES {
            let oldest = self.nodes.iter().min_by_key(|(_, node)| node.asked);
            if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                self.nodes.remove(&oldest);
            }
        }
        let node = self.nodes.entry(key).or_insert(Node {
            devices: Vec::new(),
            told: None,
            asked: of.at,
            trouble: None,
            every: of.every,
        });
        node.asked = of.at;
        node.every = of.every;
        match of.heard {
            Heard::Told { devices, but } => {
                node.told = Some(of.at);
                node.trouble = but;
                node.take(devices, of.at);
            }
            Heard::Not(trouble) => node.trouble = Some(trouble),
        }
    }

    /// Takes the place of another: what was remembered by its version is made anew.
    pub fn succeed(&mut self, other: &Self) {
        self.version = self.version.max(other.version) + 1;
    }

    /// Moves with every answer.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// A node that was asked about.
    pub fn node(&self, cluster: ClusterId, name: &Name) -> Option<&Node> {
        self.nodes.get(&(cluster, name.clone()))
    }

    /// All nodes of a cluster that are remembered, in no order.
    pub fn nodes(&self, cluster: ClusterId) -> impl Iterator<Item = (&Name, &Node)> {
        let of = self.nodes.iter().filter(move |((c, _), _)| *c == cluster);
        of.map(|((_, name), node)| (name, node))
    }

    /// The devices that a pod has, as the exporter of its node tells.
    pub fn of_pod<'a>(&'a self, pod: &'a PodRow) -> impl Iterator<Item = &'a Device> {
        let node = pod.node.as_ref();
        let node = node.and_then(|name| self.node(pod.key.cluster, name));
        let devices = node.into_iter().flat_map(Node::devices);
        devices.filter(|device| device.is_of(pod))
    }
}

impl Node {
    /// Its devices, a card before its slices. What the newest answer does not name is not there.
    pub fn devices(&self) -> &[Device] {
        &self.devices
    }

    /// One of its devices.
    pub fn find(&self, by: Find) -> Option<&Device> {
        self.devices.iter().find(|device| match by {
            Find::Uuid(uuid) => {
                let whole = device.id.slice.is_none() && *device.id.uuid == *uuid;
                let claimed = || device.claims().any(|c| *c.mig_uuid == *uuid);
                whole || claimed()
            }
            Find::Index(at) => device.id.slice.is_none() && device.index == Some(at),
            Find::Slice(card, id) => {
                device.index == Some(card) && device.id.slice.as_ref().is_some_and(|s| s.id == id)
            }
            Find::Claimed(driver, pool, name) => device
                .claims()
                .any(|c| *c.driver == *driver && *c.pool == *pool && *c.device == *name),
        })
    }

    /// It was not heard of for so long that what is known says nothing about now.
    pub fn is_stale(&self, now: DateTime<Utc>) -> bool {
        self.told
            .is_none_or(|told| now - told > patience(self.every))
    }

    fn take(&mut self, rows: Vec<DeviceRow>, at: DateTime<Utc>) {
        let mut old = std::mem::take(&mut self.devices);
        self.devices.reserve(rows.len().min(DEVICES));
        for row in rows.into_iter().take(DEVICES) {
            let known = old.iter().position(|device| device.id == row.id);
            let device = match known.map(|at| old.swap_remove(at)) {
                Some(mut device) => {
                    device.take(row, at, self.every);
                    device
                }
                None => Device::new(row, at, self.every),
            };
            self.devices.push(device);
        }
        self.devices.sort_by(|a, b| {
            let place = |d: &Device| (d.index.unwrap_or(u16::MAX), d.id.clone());
            place(a).cmp(&place(b))
        });
    }
}

impl Device {
    fn new(mut row: DeviceRow, at: DateTime<Utc>, every: u16) -> Self {
        row.holders.truncate(HOLDERS);
        let mut device = Self {
            quiet: quiet(None, &row.reading, at),
            id: row.id,
            index: row.index,
            product: row.product,
            holders: row.holders,
            reading: row.reading,
            at,
            history: Ring::default(),
            xid_at: None,
            every,
        };
        device.history.push(at, &device.reading);
        device
    }

    fn take(&mut self, mut row: DeviceRow, at: DateTime<Utc>, every: u16) {
        if at <= self.at {
            return;
        }
        row.holders.truncate(HOLDERS);
        let same = row.holders.len() == self.holders.len()
            && row
                .holders
                .iter()
                .all(|new| self.holders.iter().any(|old| old.is_same(new)));
        let gap = at - self.at > patience(self.every.max(every));
        let before = self.quiet.filter(|_| same && !gap);
        self.quiet = quiet(before, &row.reading, at);
        let xid = row.reading.xid.filter(|xid| *xid > 0);
        if xid.is_none() {
            self.xid_at = None;
        } else if self.reading.xid.is_some() && self.reading.xid != row.reading.xid {
            self.xid_at = Some(at);
        }
        self.index = row.index;
        self.product = row.product;
        self.holders = row.holders;
        self.reading = row.reading;
        self.at = at;
        self.every = every;
        self.history.push(at, &self.reading);
    }

    /// It was read too long ago to say anything about now.
    pub fn is_stale(&self, now: DateTime<Utc>) -> bool {
        now - self.at > patience(self.every)
    }

    /// Seconds between two readings, when all goes well.
    pub fn every(&self) -> u16 {
        self.every
    }

    /// A pod has it.
    pub fn is_of(&self, pod: &PodRow) -> bool {
        let mut holders = self.holders.iter();
        holders.any(|h| h.is_pod(&pod.namespace, &pod.name, pod.key.uid))
    }

    /// More than one has it.
    pub fn is_shared(&self) -> bool {
        self.holders.len() > 1
    }

    fn claims(&self) -> impl Iterator<Item = &reading::Claimed> {
        self.holders.iter().filter_map(|h| h.claimed.as_deref())
    }
}

/// How a silence goes on with another reading, or begins with it.
fn quiet(before: Option<Quiet>, reading: &Reading, at: DateTime<Utc>) -> Option<Quiet> {
    let (activity, basis) = reading.activity()?;
    if activity > 0.0 {
        return None;
    }
    let before = before.unwrap_or(Quiet {
        since: at,
        basis,
        held: reading.used,
    });
    let weakest = match (before.basis, basis) {
        (Basis::Engine, Basis::Engine) => Basis::Engine,
        _ => Basis::Util,
    };
    Some(Quiet {
        since: before.since,
        basis: weakest,
        // where it was not told once, it is not known what was held
        held: before.held.and_then(|held| Some(held.max(reading.used?))),
    })
}
