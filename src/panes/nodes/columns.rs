//! The columns of nodes and what stands in them.

use crate::model::human;
use crate::model::node::NodeRow;
use crate::panes::Cx;
use crate::panes::gpu_use;
use crate::panes::words::{device, pending, product, when};
use crate::ui::meter::Fill;
use crate::ui::{Cell, Column, Meter, Row, State};

/// `use_of_gpus`: that is read, so there is a column for it.
pub fn columns(use_of_gpus: bool) -> Vec<Column> {
    let mut all = vec![
        Column::new("status", "STATE").rank(0).width(9, 11, 22),
        Column::new("name", "NODE")
            .rank(0)
            .width(12, 16, 50)
            .middle(),
        Column::new("product", "GPU").rank(1).width(5, 7, 14),
        Column::new("used", "REQUESTED").rank(1).width(18, 22, 30),
        Column::new("free", "FREE").rank(2).width(4, 4, 5).right(),
        Column::new("sick", "SICK").rank(3).width(4, 4, 5).right(),
        Column::new("pods", "PODS").rank(2).width(4, 5, 9).right(),
        Column::new("cpu", "CPU").rank(5).width(4, 5, 6).right(),
        Column::new("memory", "MEM").rank(5).width(5, 6, 7).right(),
        Column::new("version", "VERSION").rank(6).width(7, 8, 16),
        Column::new("age", "AGE").rank(4).width(5, 5, 12).right(),
        Column::new("zone", "ZONE")
            .rank(7)
            .width(6, 8, 20)
            .from_width(120),
        Column::new("taints", "TAINTS")
            .rank(6)
            .width(10, 12, 80)
            .grow(),
    ];
    if use_of_gpus {
        let column = Column::new("use", "USE").rank(2).width(8, 13, 21);
        all.insert(4, column);
    }
    all
}

/// The sign and word of a node.
pub fn state(node: &NodeRow) -> (State, &str) {
    match (node.ready, node.cordoned) {
        (false, _) => (State::Failed, "not ready"),
        (true, true) => (State::Held, "cordoned"),
        (true, false) if sick(node) > 0 => (State::Retrying, "gpu sick"),
        (true, false) => (State::Running, "ready"),
    }
}

/// Devices the node has but does not offer.
pub fn sick(node: &NodeRow) -> u32 {
    node.capacity
        .0
        .iter()
        .map(|(name, n)| n.saturating_sub(node.allocatable.get(name)))
        .sum()
}

/// The device resource the bar is about: the one most is offered of, whole GPUs first.
fn main_resource(node: &NodeRow) -> Option<&str> {
    let whole = node
        .capacity
        .0
        .iter()
        .find(|(name, _)| name.ends_with("/gpu"));
    whole
        .or_else(|| node.capacity.0.iter().max_by_key(|(_, n)| *n))
        .map(|(name, _)| &**name)
}

pub fn row<'a>(node: &'a NodeRow, columns: &[Column], cx: &Cx<'a>) -> Row<'a> {
    let cells = columns
        .iter()
        .map(|column| cell(column.id(), node, cx))
        .collect();
    Row::new(cells)
}

fn cell<'a>(column: &str, node: &'a NodeRow, cx: &Cx<'a>) -> Cell<'a> {
    let used = cx.model.capacity.of(node);
    let dim = cx.theme.dim();
    match column {
        "status" => match pending(node.key, cx) {
            Some((state, word)) => Cell::state(state, word),
            None => {
                let (state, word) = state(node);
                Cell::state(state, word)
            }
        },
        "name" => Cell::text(&*node.name),
        "product" => match (&node.product, main_resource(node)) {
            (Some(label), Some(_)) => Cell::from(product(label).into_owned()),
            (None, Some(resource)) => Cell::from(device(resource, None).into_owned()),
            (_, None) => Cell::Empty,
        },
        "used" => {
            let Some(resource) = main_resource(node) else {
                return Cell::Empty;
            };
            let total = node.capacity.get(resource);
            let held = used.map_or(0, |u| u.devices.get(resource));
            let more: u32 = node
                .capacity
                .0
                .iter()
                .filter(|(name, _)| &**name != resource)
                .map(|(_, n)| n)
                .sum();
            let mut meter = Meter::new(f64::from(total))
                .segment(f64::from(held), Fill::Plain)
                .label(format!("{held}/{}", node.allocatable.get(resource)));
            let offered = node.allocatable.get(resource);
            if offered < total {
                meter = meter.tick(f64::from(offered));
            }
            if more > 0 {
                let held: u32 = used.map_or(0, |u| u.devices.total()).saturating_sub(held);
                meter = meter.label(format!(
                    "{}/{offered} +{held}/{more}",
                    used.map_or(0, |u| u.devices.get(resource))
                ));
            }
            Cell::Bar(meter)
        }
        "free" => {
            let Some(resource) = main_resource(node) else {
                return Cell::Empty;
            };
            if !node.ready || node.cordoned {
                return Cell::styled("-", cx.theme.faint());
            }
            let held = used.map_or(0, |u| u.devices.get(resource));
            Cell::Number(u64::from(
                node.allocatable.get(resource).saturating_sub(held),
            ))
        }
        "use" => gpu_use::node_cell(node, cx),
        "sick" => match sick(node) {
            0 => Cell::Number(0),
            n => Cell::styled(n.to_string(), cx.theme.state(State::Failed)),
        },
        "pods" => Cell::from(used.map_or(0, |u| u.pods).to_string()),
        "cpu" => Cell::styled(human::cores(node.cpu_milli), dim),
        "memory" => Cell::styled(human::bytes(node.memory), dim),
        "version" => Cell::styled(&*node.version, dim),
        "age" => Cell::styled(when(node.created, cx), dim),
        "zone" => node
            .zone
            .as_deref()
            .map_or(Cell::Empty, |zone| Cell::styled(zone, dim)),
        "taints" => Cell::styled(taints(node), dim),
        _ => Cell::Empty,
    }
}

/// Why it is not ready, then its taints without the ones the state already tells.
fn taints(node: &NodeRow) -> String {
    let told = |taint: &str| {
        taint.starts_with("node.kubernetes.io/unschedulable")
            || taint.starts_with("node.kubernetes.io/not-ready")
            || taint.starts_with("node.kubernetes.io/unreachable")
    };
    let reason = node.not_ready_reason.as_deref().filter(|_| !node.ready);
    let rest = node.taints.iter().map(|t| &**t).filter(|t| !told(t));
    reason.into_iter().chain(rest).collect::<Vec<_>>().join(" ")
}
