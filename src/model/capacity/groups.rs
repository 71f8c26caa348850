//! Running totals of nodes grouped by product, pool, zone, block and NVLink domain, so that a map of thousands of nodes
//! adds nothing up when it is drawn.

use std::collections::{BTreeMap, HashMap};

use super::amounts::{Amounts, Bucket, Gate, Line, Sums};
use super::unit::{Kind, Unit, WHOLE};
use crate::model::few::Few;
use crate::model::ids::{ClusterId, Name};
use crate::model::shape::Taint;

/// What nodes are grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Dim {
    /// One group of all.
    All,
    /// The card: the product label without what MIG and sharing add.
    Product,
    Pool,
    Zone,
    /// Topology block or rack.
    Block,
    /// NVLink domain.
    Clique,
}

impl Dim {
    pub const ALL: [Self; 6] = [
        Self::All,
        Self::Product,
        Self::Pool,
        Self::Zone,
        Self::Block,
        Self::Clique,
    ];

    pub fn word(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Product => "product",
            Self::Pool => "pool",
            Self::Zone => "zone",
            Self::Block => "block",
            Self::Clique => "nvlink domain",
        }
    }
}

/// What a node adds to its groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// Its group in each of [`Dim::ALL`].
    pub groups: [Option<Name>; Dim::ALL.len()],
    pub gate: Gate,
    pub lines: Vec<Line>,
    /// Physical cards; 0 where not known.
    pub cards: u32,
    /// Nothing is held on it.
    pub empty: bool,
}

impl Share {
    /// The group it is in.
    pub fn group(&self, dim: Dim) -> Option<&Name> {
        let at = Dim::ALL.iter().position(|d| *d == dim)?;
        self.groups[at].as_ref()
    }

    /// Its line of a kind.
    pub fn line(&self, kind: &Kind) -> Option<&Amounts> {
        let line = self.lines.iter().find(|line| line.kind == *kind)?;
        Some(&line.amounts)
    }

    /// All whole GPUs it has, whatever their resource.
    pub fn whole(&self) -> Sums {
        let mut sums = Sums::default();
        for line in self.lines.iter().filter(|l| l.kind.unit.is_whole()) {
            sums.fold(line.amounts, true);
        }
        sums
    }
}

/// One resource behind one gate.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Cell {
    nodes: u32,
    sums: Sums,
    /// How many nodes have so many free: for fragmentation and the largest gang.
    free: Few<u32, u32>,
    /// Nodes on which none is held.
    empty: u32,
}

/// One group of nodes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Group {
    /// Nodes with devices.
    pub nodes: u32,
    /// Physical cards, as far as known.
    pub cards: u64,
    /// There are hundreds of racks, and most have one make of nodes.
    cells: Few<Kind, Few<Gate, Cell>>,
}

/// A resource of a group, judged for a pod.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Totals {
    pub nodes: u32,
    pub sums: Sums,
    /// Of `sums.free`: a pod can have them; behind a taint; cordoned or not ready; nothing left beside them.
    pub open: u64,
    pub tainted: u64,
    pub away: u64,
    pub stranded: u64,
    /// Nodes a pod can use, by how many are free on them.
    pub histogram: BTreeMap<u32, u32>,
    /// Of those, nodes on which none is held.
    pub empty: u32,
}

impl Totals {
    /// Fragmentation for pods of `size`: the part of the free devices that such pods cannot use,
    /// `1 − size × Σ⌊free/size⌋ / Σ free`. 0 where nothing is free.
    pub fn fragmentation(&self, size: u32) -> f64 {
        let free: u64 = self.each(u64::from);
        if free == 0 {
            return 0.0;
        }
        let usable = u64::from(size) * self.pods(size);
        1.0 - usable as f64 / free as f64
    }

    /// Pods of `size` devices that fit, by devices alone.
    pub fn pods(&self, size: u32) -> u64 {
        self.each(|free| u64::from(free.checked_div(size).unwrap_or(0)))
    }

    fn each(&self, of: impl Fn(u32) -> u64) -> u64 {
        let nodes = self.histogram.iter();
        nodes
            .map(|(free, nodes)| of(*free) * u64::from(*nodes))
            .sum()
    }

    /// Takes another in.
    pub fn add(&mut self, other: &Self) {
        self.nodes += other.nodes;
        self.sums.add(&other.sums);
        self.open += other.open;
        self.tainted += other.tainted;
        self.away += other.away;
        self.stranded += other.stranded;
        self.empty += other.empty;
        for (free, nodes) in &other.histogram {
            *self.histogram.entry(*free).or_default() += nodes;
        }
    }
}

impl Group {
    /// The resources there are, whole ones first.
    pub fn kinds(&self) -> impl Iterator<Item = &Kind> {
        self.cells.keys()
    }

    /// A resource, its free devices judged by which taints the pod tolerates.
    pub fn totals(&self, kind: &Kind, tolerates: impl Fn(&Taint) -> bool) -> Totals {
        let mut totals = Totals::default();
        for (gate, cell) in self.cells.get(kind).into_iter().flat_map(Few::iter) {
            totals.nodes += cell.nodes;
            totals.sums.add(&cell.sums);
            let bucket = gate.bucket(&tolerates);
            *match bucket {
                Bucket::Free => &mut totals.open,
                Bucket::Tainted => &mut totals.tainted,
                Bucket::Away => &mut totals.away,
                Bucket::Stranded => &mut totals.stranded,
            } += cell.sums.free;
            if bucket == Bucket::Free {
                totals.empty += cell.empty;
                for (free, nodes) in cell.free.iter() {
                    *totals.histogram.entry(*free).or_default() += nodes;
                }
            }
        }
        totals
    }

    /// Whole GPUs, of whatever vendor: no slices or shares, and no accelerators that are none.
    pub fn gpus(&self, tolerates: impl Fn(&Taint) -> bool) -> Totals {
        let mut all = Totals::default();
        for kind in self.kinds().filter(|kind| kind.unit == Unit::Gpu) {
            all.add(&self.totals(kind, &tolerates));
        }
        all
    }

    /// All whole GPUs and other whole accelerators. Slices and shares are not in it.
    pub fn whole(&self, tolerates: impl Fn(&Taint) -> bool) -> Totals {
        let mut all = Totals::default();
        for kind in self.kinds().filter(|kind| kind.unit.is_whole()) {
            all.add(&self.totals(kind, &tolerates));
        }
        all
    }

    /// GPU equivalents (allocatable, used) of everything in it that is a GPU or a part of one.
    pub fn equivalents(&self) -> (f64, f64) {
        let (mut all, mut used) = (0.0, 0.0);
        for (kind, gates) in self.cells.iter() {
            let one = kind.unit.equivalent() as f64 / WHOLE as f64;
            for (_, cell) in gates.iter() {
                all += one * cell.sums.allocatable as f64;
                used += one * cell.sums.used as f64;
            }
        }
        (all, used)
    }

    fn fold(&mut self, share: &Share, add: bool) {
        let step = |n: &mut u32| {
            *n = match add {
                true => n.wrapping_add(1),
                false => n.wrapping_sub(1),
            }
        };
        step(&mut self.nodes);
        let cards = u64::from(share.cards);
        self.cards = match add {
            true => self.cards.wrapping_add(cards),
            false => self.cards.wrapping_sub(cards),
        };
        for line in &share.lines {
            let gates = self.cells.or_insert_with(line.kind.clone(), Few::default);
            let cell = gates.or_insert_with(share.gate.clone(), Cell::default);
            step(&mut cell.nodes);
            cell.sums.fold(line.amounts, add);
            if line.amounts.used == 0 && line.amounts.blocked == 0 {
                step(&mut cell.empty);
            }
            let nodes = cell.free.or_insert_with(line.amounts.free, u32::default);
            step(nodes);
            if *nodes == 0 {
                cell.free.remove(&line.amounts.free);
            }
            if cell.nodes == 0 {
                gates.remove(&share.gate);
            }
            if gates.is_empty() {
                self.cells.remove(&line.kind);
            }
        }
    }
}

/// All groups of all clusters.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Groups(HashMap<(ClusterId, Dim), BTreeMap<Option<Name>, Group>>);

impl Groups {
    /// A node's share changed.
    pub fn replace(&mut self, cluster: ClusterId, old: Option<&Share>, new: Option<&Share>) {
        for (share, add) in [(old, false), (new, true)] {
            let Some(share) = share else { continue };
            for (dim, name) in Dim::ALL.into_iter().zip(&share.groups) {
                let groups = self.0.entry((cluster, dim)).or_default();
                let group = groups.entry(name.clone()).or_default();
                group.fold(share, add);
                if group.nodes == 0 {
                    groups.remove(name);
                }
                if groups.is_empty() {
                    self.0.remove(&(cluster, dim));
                }
            }
        }
    }

    /// Those that have any.
    pub fn clusters(&self) -> impl Iterator<Item = ClusterId> + '_ {
        let all = self.0.keys().filter(|(_, dim)| *dim == Dim::All);
        all.map(|(cluster, _)| *cluster)
    }

    /// Groups by name; those without (no label names one) come first, as `None`.
    pub fn of(
        &self,
        cluster: ClusterId,
        dim: Dim,
    ) -> impl Iterator<Item = (Option<&Name>, &Group)> {
        let groups = self.0.get(&(cluster, dim)).into_iter().flatten();
        groups.map(|(name, group)| (name.as_ref(), group))
    }
}
