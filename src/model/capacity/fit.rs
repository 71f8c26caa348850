//! What fits where: for pods of one shape the nodes that take them now, the largest gang, and what keeps each other node
//! from taking one (gpu reference, section 4). O(nodes), made when asked for and worth keeping until
//! [`super::Capacity::version`] moves.
//!
//! Counted are devices, cpu, memory, local disk, places for pods, other extended resources, taints, the node selector and
//! required node affinity. Pod affinity, topology spread and volumes are not: the scheduler may refuse what fits here.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::ask::Ask;
use super::groups::{Dim, Share};
use super::share::product;
use super::unit::{Unit, vendor};
use super::{Capacity, NodeUse};
use crate::model::Model;
use crate::model::human::{bytes, cores};
use crate::model::ids::{ClusterId, Key, Name};
use crate::model::node::NodeRow;
use crate::model::shape::Taint;

/// Why a node does not take a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    NotReady,
    Cordoned,
    Taint(Taint),
    /// Node selector or required affinity.
    Labels,
    /// Devices free, of how many the node has that are not sick.
    Devices {
        free: u32,
        has: u32,
        sick: u32,
    },
    /// Millicores.
    Cpu {
        free: u64,
        wanted: u64,
    },
    /// Bytes.
    Memory {
        free: u64,
        wanted: u64,
    },
    Ephemeral {
        free: u64,
        wanted: u64,
    },
    /// No place for another pod.
    Pods,
    Extra {
        name: Name,
        free: u32,
        wanted: u32,
    },
}

impl Block {
    /// In a few words: `5 of 8 GPUs free`, `cordoned`, `memory: 100Gi free`.
    pub fn words(&self) -> String {
        match self {
            Self::NotReady => "not ready".into(),
            Self::Cordoned => "cordoned".into(),
            Self::Taint(taint) => format!("taint {taint}"),
            Self::Labels => "labels do not match".into(),
            Self::Devices {
                has: 0, sick: 0, ..
            } => "none of these devices".into(),
            Self::Devices { free, has, sick } => {
                let sick = match sick {
                    0 => String::new(),
                    n => format!(", {n} sick"),
                };
                format!("{free} of {has} free{sick}")
            }
            Self::Cpu { free, .. } => format!("cpu: {} left", cores(*free)),
            Self::Memory { free, .. } => format!("memory: {} left", bytes(*free)),
            Self::Ephemeral { free, .. } => format!("disk: {} left", bytes(*free)),
            Self::Pods => "no place for a pod left".into(),
            Self::Extra { name, free, .. } => format!("{name}: {free} left"),
        }
    }
}

/// A node that takes pods.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeFit {
    pub key: Key,
    pub name: Name,
    pub pods: u32,
}

/// A node that has the devices and takes none.
#[derive(Debug, Clone, PartialEq)]
pub struct Almost {
    pub key: Key,
    pub name: Name,
    /// Wanted devices free on it.
    pub free: u32,
    /// All that is in the way.
    pub blocks: Vec<Block>,
}

impl Almost {
    pub fn words(&self) -> String {
        let all: Vec<String> = self.blocks.iter().map(Block::words).collect();
        all.join(", ")
    }

    /// Devices are free, and something else is in the way: cpu, memory, disk, places.
    pub fn is_stranded(&self) -> bool {
        let beside = |b: &Block| {
            matches!(
                b,
                Block::Cpu { .. }
                    | Block::Memory { .. }
                    | Block::Ephemeral { .. }
                    | Block::Pods
                    | Block::Extra { .. }
            )
        };
        self.free > 0 && !self.blocks.is_empty() && self.blocks.iter().all(beside)
    }
}

/// Nodes that belong together.
#[derive(Debug, Clone, PartialEq)]
pub struct Domain {
    pub dim: Dim,
    pub name: Name,
    /// Nodes that take at least one.
    pub nodes: u32,
    pub pods: u64,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Fit {
    /// The largest gang over all nodes.
    pub pods: u64,
    /// Nodes that take at least one, most first.
    pub nodes: Vec<NodeFit>,
    /// The others with such devices, those with the least in the way first.
    pub almost: Vec<Almost>,
    /// Largest gangs by product, pool, zone, block and NVLink domain; most first within each.
    pub domains: Vec<Domain>,
}

impl Fit {
    /// Devices of the largest gang.
    pub fn devices(&self, ask: &Ask) -> u64 {
        self.pods * u64::from(ask.total())
    }

    /// The domain of a kind that takes the most.
    pub fn best(&self, dim: Dim) -> Option<&Domain> {
        self.domains.iter().find(|domain| domain.dim == dim)
    }

    /// Wanted devices that are free beside exhausted cpu, memory, disk or places.
    pub fn stranded(&self) -> u64 {
        let stranded = self.almost.iter().filter(|a| a.is_stranded());
        stranded.map(|a| u64::from(a.free)).sum()
    }
}

/// Looks at every node of a cluster.
pub fn fit(model: &Model, cluster: ClusterId, ask: &Ask) -> Fit {
    let mut fit = Fit::default();
    let mut domains: BTreeMap<(Dim, Name), (u32, u64)> = BTreeMap::new();
    let nodes = model.nodes.rows().filter(|n| n.key.cluster == cluster);
    for node in nodes.filter(|node| ask.wants(node)) {
        let share = model.capacity.share(node);
        let (pods, free, blocks) = one(&model.capacity, node, share, ask);
        if pods == 0 {
            let none = Block::Devices {
                free: 0,
                has: 0,
                sick: 0,
            };
            if !blocks.contains(&none) {
                let (key, name) = (node.key, node.name.clone());
                fit.almost.push(Almost {
                    key,
                    name,
                    free,
                    blocks,
                });
            }
            continue;
        }
        fit.pods += u64::from(pods);
        fit.nodes.push(NodeFit {
            key: node.key,
            name: node.name.clone(),
            pods,
        });
        let groups = [
            (Dim::Product, product(node)),
            (Dim::Pool, node.pool.clone()),
            (Dim::Zone, node.zone.clone()),
            (Dim::Block, node.block.clone()),
            (Dim::Clique, node.clique.clone()),
        ];
        for (dim, name) in groups {
            let Some(name) = name else { continue };
            let sum = domains.entry((dim, name)).or_default();
            sum.0 += 1;
            sum.1 += u64::from(pods);
        }
    }
    fit.nodes
        .sort_by(|a, b| b.pods.cmp(&a.pods).then_with(|| a.name.cmp(&b.name)));
    fit.almost.sort_by(|a, b| {
        let rank = |a: &Almost| (a.blocks.len(), Reverse(a.free));
        rank(a).cmp(&rank(b)).then_with(|| a.name.cmp(&b.name))
    });
    fit.domains = domains
        .into_iter()
        .map(|((dim, name), (nodes, pods))| Domain {
            dim,
            name,
            nodes,
            pods,
        })
        .collect();
    fit.domains.sort_by(|a, b| {
        (a.dim, Reverse(a.pods))
            .cmp(&(b.dim, Reverse(b.pods)))
            .then_with(|| a.name.cmp(&b.name))
    });
    fit
}

/// How many pods a node takes, how many wanted devices are free on it, and what is in the way of one.
fn one(
    capacity: &Capacity,
    node: &NodeRow,
    share: Option<&Share>,
    ask: &Ask,
) -> (u32, u32, Vec<Block>) {
    let mut blocks = Vec::new();
    if !node.ready {
        blocks.push(Block::NotReady);
    }
    if node.cordoned {
        blocks.push(Block::Cordoned);
    }
    if let Some(share) = share {
        let taints = share
            .gate
            .taints
            .iter()
            .filter(|taint| !ask.tolerates(taint));
        blocks.extend(taints.cloned().map(Block::Taint));
    } else {
        let taints = node
            .taint_list()
            .filter(|t| t.repels() && !ask.tolerates(t));
        blocks.extend(taints.map(Block::Taint));
    }
    if !ask.selects(node) {
        blocks.push(Block::Labels);
    }
    let idle = NodeUse::default();
    let used = capacity.of(node).unwrap_or(&idle);
    let mut pods = u32::MAX;
    let mut free_devices = u32::MAX;
    let mut any = |wanted: u32, found: (u32, u32, u32), blocks: &mut Vec<Block>| {
        let (free, has, sick) = found;
        free_devices = free_devices.min(free);
        pods = pods.min(free / wanted);
        if free < wanted {
            blocks.push(Block::Devices { free, has, sick });
        }
    };
    if ask.gpus > 0 {
        any(ask.gpus, whole_gpus(share), &mut blocks);
    }
    for (name, wanted) in ask.devices.0.iter().filter(|(_, n)| *n > 0) {
        any(*wanted, named(share, name), &mut blocks);
    }
    let mut amount = |all: u64,
                      used: u64,
                      wanted: u64,
                      block: fn(u64, u64) -> Block,
                      blocks: &mut Vec<Block>| {
        let free = all.saturating_sub(used);
        if let Some(fits) = free.checked_div(wanted) {
            pods = pods.min(u32::try_from(fits).unwrap_or(u32::MAX));
            if fits == 0 {
                blocks.push(block(free, wanted));
            }
        }
    };
    let cpu = |free, wanted| Block::Cpu { free, wanted };
    let memory = |free, wanted| Block::Memory { free, wanted };
    let disk = |free, wanted| Block::Ephemeral { free, wanted };
    amount(
        node.cpu_milli,
        used.cpu_milli,
        ask.cpu_milli,
        cpu,
        &mut blocks,
    );
    amount(node.memory, used.memory, ask.memory, memory, &mut blocks);
    amount(
        node.ephemeral,
        used.ephemeral,
        ask.ephemeral,
        disk,
        &mut blocks,
    );
    for (name, wanted) in ask.extra.0.iter().filter(|(_, n)| *n > 0) {
        let free = node.extra.get(name).saturating_sub(used.extra.get(name));
        pods = pods.min(free / wanted);
        if free < *wanted {
            let (name, wanted) = (name.clone(), *wanted);
            blocks.push(Block::Extra { name, free, wanted });
        }
    }
    let places = node.pods.saturating_sub(used.pods);
    if places == 0 {
        blocks.push(Block::Pods);
    }
    let free = if free_devices == u32::MAX {
        0
    } else {
        free_devices
    };
    match blocks.is_empty() {
        true => (pods.min(places), free, blocks),
        false => (0, free, blocks),
    }
}

/// Whole GPUs of a node that one pod can have together: free, there, sick. Those of two vendors are not.
fn whole_gpus(share: Option<&Share>) -> (u32, u32, u32) {
    let lines = share.map_or(&[][..], |share| &share.lines).iter();
    let whole = lines.filter(|line| line.kind.unit == Unit::Gpu);
    let best = whole.max_by_key(|line| (line.amounts.free, line.amounts.capacity));
    best.map_or((0, 0, 0), |line| {
        (line.amounts.free, line.amounts.capacity, line.amounts.sick)
    })
}

/// Devices of a resource. Where no plugin offers it, whole devices of a driver of its vendor serve it.
fn named(share: Option<&Share>, name: &str) -> (u32, u32, u32) {
    let lines = share.map_or(&[][..], |share| &share.lines);
    let own = lines.iter().find(|line| &*line.kind.resource == name);
    let by_driver = || {
        let whole = lines
            .iter()
            .filter(|line| line.kind.unit == Unit::Gpu && name.ends_with("/gpu"));
        let mut of_vendor = whole.filter(|line| {
            vendor(&line.kind.resource) == vendor(name) && !line.kind.resource.contains('/')
        });
        of_vendor.next()
    };
    own.filter(|line| line.amounts.capacity > 0)
        .or_else(by_driver)
        .map_or((0, 0, 0), |line| {
            (line.amounts.free, line.amounts.capacity, line.amounts.sick)
        })
}
