//! What one node adds to its groups: from its row, its pods' use and its claims to lines per resource, merged so that no
//! card counts twice.

use std::sync::Arc;

use super::NodeUse;
use super::amounts::{Amounts, Gate, Line};
use super::dra::OnNode;
use super::groups::Share;
use super::unit::{Kind, Unit, single, unit_of, vendor};
use crate::model::ids::Name;
use crate::model::node::NodeRow;
use crate::model::shape::Taint;

/// Less than this beside its devices, and no pod that computes can have them.
const LEAST_CPU_MILLI: u64 = 1000;
const LEAST_MEMORY: u64 = 1 << 30;

/// Taints that only say again what the node's state says.
const ECHOES: [&str; 3] = [
    "node.kubernetes.io/unschedulable",
    "node.kubernetes.io/not-ready",
    "node.kubernetes.io/unreachable",
];

/// The share of a node; `None` where it has no devices.
pub fn share(node: &NodeRow, used: &NodeUse, dra: &OnNode) -> Option<Share> {
    let mut lines = plugin(node, used);
    let cards = cards(node, &lines, dra);
    merge(&mut lines, &dra.lines);
    lines.sort_by(|a, b| a.kind.cmp(&b.kind));
    if lines.is_empty() {
        return None;
    }
    let product = product(node);
    Some(Share {
        groups: [
            None,
            product,
            node.pool.clone(),
            node.zone.clone(),
            node.block.clone(),
            node.clique.clone(),
        ],
        gate: gate(node, used),
        empty: lines
            .iter()
            .all(|l| l.amounts.used == 0 && l.amounts.blocked == 0),
        lines,
        cards,
    })
}

/// The product of its cards: the label without what MIG and sharing add.
pub fn product(node: &NodeRow) -> Option<Name> {
    let label = node.product.as_ref()?;
    let bare = label.strip_suffix("-SHARED").unwrap_or(label);
    let bare = bare.split_once("-MIG-").map_or(bare, |(card, _)| card);
    Some(if bare.len() == label.len() {
        label.clone()
    } else {
        bare.into()
    })
}

/// What device plugins offer, and extended resources that are no accelerators.
fn plugin(node: &NodeRow, used: &NodeUse) -> Vec<Line> {
    // what was there before a plugin went is in neither, but a pod may still hold it
    let mut names: Vec<&Name> = [&node.capacity, &node.allocatable, &used.devices]
        .into_iter()
        .flat_map(|devices| devices.0.iter().map(|(name, _)| name))
        .collect();
    names.sort_unstable();
    names.dedup();
    names
        .into_iter()
        .map(|name| {
            let allocatable = node.allocatable.get(name);
            Line {
                kind: Kind {
                    unit: unit_of(name, Some(node)),
                    resource: name.clone(),
                },
                amounts: Amounts::new(
                    node.capacity.get(name),
                    allocatable,
                    used.devices.get(name),
                    used.releasing.get(name),
                    0,
                ),
            }
        })
        .collect()
}

/// Puts devices of claims beside those of plugins. Whole cards that both offer are the same cards: the node has as many
/// as the one that knows of more says, and what either gave out is gone.
fn merge(lines: &mut Vec<Line>, claimed: &[Line]) {
    for line in claimed {
        let twin = lines.iter_mut().find(|own| {
            let whole = own.kind.unit == Unit::Gpu && line.kind.unit == Unit::Gpu;
            let ours = vendor(&own.kind.resource);
            whole
                && own.amounts.capacity > 0
                && ours.is_some()
                && ours == vendor(&line.kind.resource)
        });
        match twin {
            Some(own) => {
                let (a, b) = (own.amounts, line.amounts);
                own.amounts = Amounts::new(
                    a.capacity.max(b.capacity),
                    a.allocatable.max(b.allocatable),
                    a.used.saturating_add(b.used),
                    a.releasing,
                    b.blocked,
                );
            }
            None => lines.push(line.clone()),
        }
    }
}

/// Physical cards: by label where one counts them, else by what is offered.
fn cards(node: &NodeRow, lines: &[Line], dra: &OnNode) -> u32 {
    let by_lines: u32 = (lines.iter().filter(|line| line.kind.unit.is_gpu()))
        .filter_map(|line| {
            let per = line.kind.unit.per_card()?;
            Some(line.amounts.capacity.div_ceil(per.max(1)))
        })
        .fold(0, u32::saturating_add);
    let label = node.gpu.as_deref().and_then(|facts| facts.count);
    let label = label.filter(|_| !lines.is_empty());
    // under strategy `single` the label counts slices, also where those are shared
    let label = match node.product.as_deref().and_then(single) {
        Some(slice) => label.map(|n| n.div_ceil(slice.per_card().unwrap_or(1).max(1))),
        None => label,
    };
    label.unwrap_or(by_lines).max(dra.cards)
}

fn gate(node: &NodeRow, used: &NodeUse) -> Gate {
    let left = |all: u64, used: u64| all.saturating_sub(used);
    let mut taints: Vec<Taint> = node
        .taint_list()
        .filter(|taint| taint.repels() && !ECHOES.contains(&&*taint.key))
        .collect();
    taints.sort_unstable();
    Gate {
        ready: node.ready,
        cordoned: node.cordoned,
        starved: left(node.cpu_milli, used.cpu_milli) < LEAST_CPU_MILLI
            || left(node.memory, used.memory) < LEAST_MEMORY
            || u64::from(node.pods) <= u64::from(used.pods),
        taints: Arc::from(taints),
    }
}
