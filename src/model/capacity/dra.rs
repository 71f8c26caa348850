//! Devices of dynamic resource allocation, per node: what valid slices offer, what claims hold (gpu reference, section 3).
//!
//! Only slices of a pool's highest generation count, and only when all of them are there. Devices that draw from the
//! same counters are different cuts of one card and are not added up: of a profile it is said how many fit now.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::amounts::{Amounts, Line};
use super::unit::{Kind, Unit, mig};
use crate::model::dra::{Allotted, ClaimRow, DeviceRow, SliceRow};
use crate::model::ids::{ClusterId, Key, Name, Uid};

/// Driver and name of a pool.
pub type PoolKey = (ClusterId, Name, Name);

/// Slices of one pool.
#[derive(Debug, Clone, PartialEq, Default)]
struct Pool {
    slices: BTreeMap<Uid, SliceRow>,
}

impl Pool {
    /// Those that count; none while the newest generation is not complete.
    fn valid(&self) -> Vec<&SliceRow> {
        let newest = self.slices.values().map(|s| s.generation).max();
        let of: Vec<&SliceRow> = (self.slices.values())
            .filter(|s| Some(s.generation) == newest)
            .collect();
        let wanted = of.iter().map(|s| s.slices).max().unwrap_or(0) as usize;
        if of.len() < wanted { Vec::new() } else { of }
    }

    /// Nodes any slice of it names, valid or not.
    fn nodes(&self) -> BTreeSet<Name> {
        let slices = self.slices.values();
        slices
            .flat_map(|s| {
                let each = s.devices.iter().filter_map(|d| d.node.clone());
                s.node.clone().into_iter().chain(each)
            })
            .collect()
    }
}

/// A device that counts, where it is.
#[derive(Debug, Clone, Copy)]
pub struct Device<'a> {
    pub driver: &'a Name,
    pub pool: &'a Name,
    pub row: &'a DeviceRow,
}

/// What a claim has of a device.
type Consumed = Box<[(Name, u64)]>;

/// All pools and what is held of them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Dra {
    pools: HashMap<PoolKey, Pool>,
    by_node: HashMap<(ClusterId, Name), BTreeSet<PoolKey>>,
    /// Devices in allocations, by who has them.
    held: HashMap<PoolKey, BTreeMap<Name, BTreeMap<Key, Consumed>>>,
    /// Claims by the pod that stands for them: the first of their users.
    used: BTreeMap<Key, BTreeSet<Key>>,
}

/// What a node has of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OnNode {
    pub lines: Vec<Line>,
    /// Physical cards behind whole GPUs and slices.
    pub cards: u32,
}

type NodeKey = (ClusterId, Name);

impl Dra {
    /// Nothing of it was ever seen.
    pub fn is_empty(&self) -> bool {
        self.pools.is_empty() && self.held.is_empty()
    }

    /// A slice changed; returns the nodes whose devices may have.
    pub fn slice(&mut self, old: Option<&SliceRow>, new: Option<&SliceRow>) -> BTreeSet<NodeKey> {
        let mut nodes = BTreeSet::new();
        for (row, add) in [(old, false), (new, true)] {
            let Some(row) = row else { continue };
            let key = (row.key.cluster, row.driver.clone(), row.pool.clone());
            let pool = self.pools.entry(key.clone()).or_default();
            let before = pool.nodes();
            if add {
                pool.slices.insert(row.key.uid, row.clone());
            } else {
                pool.slices.remove(&row.key.uid);
            }
            let after = pool.nodes();
            if pool.slices.is_empty() {
                self.pools.remove(&key);
            }
            for node in before.union(&after) {
                let at = (row.key.cluster, node.clone());
                let pools = self.by_node.entry(at.clone()).or_default();
                if after.contains(node) {
                    pools.insert(key.clone());
                } else {
                    pools.remove(&key);
                }
                if pools.is_empty() {
                    self.by_node.remove(&at);
                }
                nodes.insert(at);
            }
        }
        nodes
    }

    /// A claim changed; returns the nodes whose devices may be held by another now.
    pub fn claim(&mut self, old: Option<&ClaimRow>, new: Option<&ClaimRow>) -> BTreeSet<NodeKey> {
        let devices = |row: Option<&ClaimRow>| row.map(|r| r.devices.clone()).unwrap_or_default();
        let (before, after) = (devices(old), devices(new));
        let mut nodes = BTreeSet::new();
        let Some(claim) = new.or(old).map(|row| row.key) else {
            return nodes;
        };
        for (row, add) in [(old, false), (new, true)] {
            if let Some(pod) = row.and_then(user) {
                self.uses(pod, claim, add);
            }
        }
        if before == after {
            return nodes;
        }
        for (devices, add) in [(before, false), (after, true)] {
            for device in devices {
                self.hold(claim, &device, add);
                let pool = (claim.cluster, device.driver.clone(), device.pool.clone());
                let named = self.pools.get(&pool).map(Pool::nodes).unwrap_or_default();
                nodes.extend(named.into_iter().map(|node| (claim.cluster, node)));
            }
        }
        nodes
    }

    fn uses(&mut self, pod: Key, claim: Key, add: bool) {
        let claims = self.used.entry(pod).or_default();
        match add {
            true => claims.insert(claim),
            false => claims.remove(&claim),
        };
        if claims.is_empty() {
            self.used.remove(&pod);
        }
    }

    /// Pods that stand for claims, each with its claims.
    pub fn users(&self) -> &BTreeMap<Key, BTreeSet<Key>> {
        &self.used
    }

    fn hold(&mut self, claim: Key, of: &Allotted, add: bool) {
        let pool = (claim.cluster, of.driver.clone(), of.pool.clone());
        let devices = self.held.entry(pool.clone()).or_default();
        let claims = devices.entry(of.device.clone()).or_default();
        if add {
            claims.insert(claim, of.consumed.clone());
        } else {
            claims.remove(&claim);
        }
        if claims.is_empty() {
            devices.remove(&of.device);
        }
        if devices.is_empty() {
            self.held.remove(&pool);
        }
    }

    /// The valid devices in a node.
    pub fn devices(&self, cluster: ClusterId, node: &Name) -> Vec<Device<'_>> {
        let mut all = Vec::new();
        let pools = self.by_node.get(&(cluster, node.clone()));
        for key in pools.into_iter().flatten() {
            let Some((key, pool)) = self.pools.get_key_value(key) else {
                continue;
            };
            // a device is its driver, pool and name, however often slices name it
            let mut seen: HashSet<&Name> = HashSet::new();
            for slice in pool.valid() {
                let here = (slice.devices.iter())
                    .filter(|device| seen.insert(&device.name))
                    .filter(|device| device.node.as_ref().or(slice.node.as_ref()) == Some(node));
                all.extend(here.map(|row| Device {
                    driver: &key.1,
                    pool: &key.2,
                    row,
                }));
            }
        }
        all
    }

    /// Valid devices of a cluster that no single node has: reached over a network.
    pub fn shared(&self, cluster: ClusterId) -> Vec<Device<'_>> {
        let mut all = Vec::new();
        for (key, pool) in self.pools.iter().filter(|(key, _)| key.0 == cluster) {
            for slice in pool.valid().iter().filter(|s| s.node.is_none()) {
                let here = slice.devices.iter().filter(|d| d.node.is_none());
                all.extend(here.map(|row| Device {
                    driver: &key.1,
                    pool: &key.2,
                    row,
                }));
            }
        }
        all.sort_by(|a, b| (a.driver, a.pool, &a.row.name).cmp(&(b.driver, b.pool, &b.row.name)));
        all
    }

    /// The claims that hold a device, or parts of it.
    pub fn holders(&self, cluster: ClusterId, device: &Device) -> Vec<Key> {
        self.claims(cluster, device)
            .map(|claims| claims.keys().copied().collect())
            .unwrap_or_default()
    }

    /// Where a pool's device is and what one of it is; `None` where its slice is not known.
    pub fn find(&self, cluster: ClusterId, of: &Allotted) -> Option<(Option<Name>, Kind)> {
        let key = (cluster, of.driver.clone(), of.pool.clone());
        for slice in self.pools.get(&key)?.slices.values() {
            if let Some(row) = slice.devices.iter().find(|d| d.name == of.device) {
                let node = row.node.clone().or_else(|| slice.node.clone());
                let unit = unit(&of.driver, row);
                let resource = of.driver.clone();
                return Some((node, Kind { unit, resource }));
            }
        }
        None
    }

    fn claims(&self, cluster: ClusterId, device: &Device) -> Option<&BTreeMap<Key, Consumed>> {
        let pool = (cluster, device.driver.clone(), device.pool.clone());
        self.held.get(&pool)?.get(&device.row.name)
    }

    /// Adds up a node. O(devices of its pools).
    pub fn on_node(&self, cluster: ClusterId, node: &Name) -> OnNode {
        let devices = self.devices(cluster, node);
        if devices.is_empty() {
            return OnNode::default();
        }
        let held = |d: &Device| self.claims(cluster, d).is_some();
        let room = self.room(cluster, &devices);
        // cards that are cut: a slice of theirs is held
        let cut: HashSet<&str> = (devices.iter())
            .filter(|d| held(d))
            .filter_map(|d| d.row.parent.as_deref())
            .collect();
        let mut sums: BTreeMap<Kind, Sum> = BTreeMap::new();
        let mut cards: BTreeSet<(&Name, &str)> = BTreeSet::new();
        for device in &devices {
            let unit = unit(device.driver, device.row);
            if unit.is_gpu() {
                cards.insert((device.driver, card_of(device.row)));
            }
            let slice = matches!(unit, Unit::Mig { .. });
            let sum = sums
                .entry(Kind {
                    unit,
                    resource: device.driver.clone(),
                })
                .or_default();
            let tainted = !device.row.taints.is_empty();
            if device.row.multiple {
                sum.all += 1;
                sum.sick += u32::from(tainted);
                sum.used += u32::from(!tainted && self.is_full(cluster, device));
                continue;
            }
            let used = held(device);
            if slice {
                // what fits is found below
                sum.used += u32::from(used);
                sum.all += u32::from(used);
                continue;
            }
            sum.all += 1;
            sum.used += u32::from(used);
            sum.sick += u32::from(tainted && !used);
            let by_slice = device
                .row
                .uuid
                .as_deref()
                .is_some_and(|uuid| cut.contains(uuid));
            let short = !fits(&room, device);
            sum.blocked += u32::from(!used && !tainted && (by_slice || short));
        }
        for (kind, sum) in &mut sums {
            if !matches!(kind.unit, Unit::Mig { .. }) {
                continue;
            }
            // each profile for itself: as if only such were made from what is left
            let mut left = room.clone();
            for device in &devices {
                let here =
                    kind.resource == *device.driver && kind.unit == unit(device.driver, device.row);
                if here && !held(device) && device.row.taints.is_empty() && take(&mut left, device)
                {
                    sum.all += 1;
                }
            }
        }
        let lines = sums.into_iter().map(|(kind, sum)| Line {
            kind,
            amounts: Amounts::new(
                sum.all,
                sum.all.saturating_sub(sum.sick),
                sum.used,
                0,
                sum.blocked,
            ),
        });
        OnNode {
            lines: lines.collect(),
            cards: u32::try_from(cards.len()).unwrap_or(u32::MAX),
        }
    }

    /// What the counters of the node's pools still hold.
    fn room<'a>(&'a self, cluster: ClusterId, devices: &[Device<'a>]) -> Room<'a> {
        let mut room = Room::new();
        let pools: BTreeSet<(&Name, &Name)> = devices.iter().map(|d| (d.driver, d.pool)).collect();
        for (driver, name) in pools {
            let Some((key, pool)) =
                self.pools
                    .get_key_value(&(cluster, driver.clone(), name.clone()))
            else {
                continue;
            };
            let slices = pool.valid();
            for set in slices.iter().flat_map(|s| s.counters.iter()) {
                for (counter, value) in &set.counters {
                    room.insert((&key.2, &set.name, counter), *value);
                }
            }
            let held = self.held.get(key);
            let taken = slices.iter().flat_map(|s| s.devices.iter());
            for row in taken.filter(|row| held.is_some_and(|h| h.contains_key(&row.name))) {
                for (set, counter, amount) in &row.consumes {
                    if let Some(left) = room.get_mut(&(&key.2, set, counter)) {
                        *left = left.saturating_sub(*amount);
                    }
                }
            }
        }
        room
    }

    /// Nothing is left of one of the capacities that claims have parts of.
    fn is_full(&self, cluster: ClusterId, device: &Device) -> bool {
        self.share_held(cluster, device) >= 1.0
    }

    /// How much of a device that is given out in parts is held: of its scarcest capacity, 0 to 1.
    pub fn share_held(&self, cluster: ClusterId, device: &Device) -> f64 {
        let Some(claims) = self.claims(cluster, device) else {
            return 0.0;
        };
        if device.row.capacity.is_empty() {
            return 1.0;
        }
        let mut most: f64 = 0.0;
        for (name, all) in &device.row.capacity {
            let parts = claims.values().flat_map(|c| c.iter());
            let held: u64 = parts
                .filter(|(n, _)| n == name)
                .map(|(_, amount)| amount)
                .sum();
            if *all > 0 {
                most = most.max(held as f64 / *all as f64);
            }
        }
        most.min(1.0)
    }
}

#[derive(Default)]
struct Sum {
    all: u32,
    used: u32,
    sick: u32,
    blocked: u32,
}

/// What is left by pool, counter set and counter.
type Room<'a> = HashMap<(&'a Name, &'a Name, &'a Name), u64>;

fn fits(room: &Room, device: &Device) -> bool {
    (device.row.consumes.iter()).all(|(set, counter, amount)| {
        room.get(&(device.pool, set, counter))
            .is_none_or(|left| left >= amount)
    })
}

fn take<'a>(room: &mut Room<'a>, device: &Device<'a>) -> bool {
    if !fits(room, device) {
        return false;
    }
    for (set, counter, amount) in &device.row.consumes {
        if let Some(left) = room.get_mut(&(device.pool, set, counter)) {
            *left -= amount;
        }
    }
    true
}

/// What identifies the physical card: of a slice its parent, or the counters it draws from.
pub fn card_of(row: &DeviceRow) -> &str {
    if let Some(parent) = row.parent.as_deref() {
        return parent;
    }
    if row.profile.is_some()
        && let Some((set, _, _)) = row.consumes.first()
    {
        return set;
    }
    row.uuid.as_deref().unwrap_or(&row.name)
}

/// The pod that stands for a claim: what several share is counted once.
pub fn user(claim: &ClaimRow) -> Option<Key> {
    let (_, uid) = claim.users.first()?;
    Some(Key {
        cluster: claim.key.cluster,
        uid: *uid,
    })
}

/// What one device is: by its attribute `type`, else by what its driver is called.
pub fn unit(driver: &str, row: &DeviceRow) -> Unit {
    match (row.kind.as_deref(), &row.profile) {
        (Some("mig"), Some(profile)) => return mig(profile.clone(), row.product.as_deref()),
        // parts of it are given out, so many as fit
        (Some("gpu"), _) if row.multiple => return Unit::Share { per: 0, mps: false },
        (Some("gpu"), _) => return Unit::Gpu,
        // passes a whole card through to a virtual machine: the card itself is another device
        (Some("vfio"), _) => return Unit::Other,
        _ => {}
    }
    let is = |words: &[&str]| words.iter().any(|word| driver.contains(word));
    if is(&["gpu"]) {
        match row.multiple {
            true => Unit::Share { per: 0, mps: false },
            false => Unit::Gpu,
        }
    } else if is(&["tpu", "npu", "neuron", "gaudi"]) {
        Unit::Chip
    } else {
        Unit::Other
    }
}
