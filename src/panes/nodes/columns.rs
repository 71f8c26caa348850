//! The columns of nodes and what stands in them.

use crate::model::capacity::amounts::Line;
use crate::model::capacity::unit::Unit;
use crate::model::extra::List;
use crate::model::human;
use crate::model::node::NodeRow;
use crate::panes::Cx;
use crate::panes::clusters;
use crate::panes::words::{device, pending, product, when};
use crate::panes::{arrange, gpu_use};
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
pub fn state(node: &NodeRow, cx: &Cx) -> (State, &'static str) {
    Devices::of(node, cx).state(node)
}

/// What a node has of devices, of plugins and of claims: looked up once for all columns of its row.
struct Devices<'a>(Vec<&'a Line>);

impl<'a> Devices<'a> {
    fn of(node: &NodeRow, cx: &Cx<'a>) -> Self {
        let share = cx.model.capacity.share(node);
        let lines = share.into_iter().flat_map(|share| &share.lines);
        let lines = lines
            .filter(|line| line.kind.unit != Unit::Other)
            // a partition that could be made and is not is none
            .filter(|line| line.amounts.capacity > 0 || line.amounts.used > 0);
        Self(lines.collect())
    }

    fn state(&self, node: &NodeRow) -> (State, &'static str) {
        match (node.ready, node.cordoned) {
            (false, _) => (State::Failed, "not ready"),
            (true, true) => (State::Held, "cordoned"),
            (true, false) if self.sick() > 0 => (State::Retrying, "gpu sick"),
            (true, false) => (State::Running, "ready"),
        }
    }

    /// Those the node has but does not offer.
    fn sick(&self) -> u64 {
        let each = self.0.iter().map(|line| u64::from(line.amounts.sick));
        each.sum()
    }

    /// Those the bar is about: whole ones, else those it has most of.
    fn main(&self) -> Option<&'a Line> {
        let by = |line: &&&Line| (line.kind.unit.is_whole(), line.amounts.capacity);
        self.0.iter().max_by_key(by).copied()
    }

    /// How many of the main ones are requested, and of all others together.
    fn meter(&self) -> Option<Meter<'static>> {
        let line = self.main()?;
        let of = &line.amounts;
        let others = self.0.iter().filter(|other| other.kind != line.kind);
        let (held, more) = others.fold((0, 0), |(held, more), other| {
            (held + other.amounts.used, more + other.amounts.capacity)
        });
        let label = match more {
            0 => format!("{}/{}", of.used, of.allocatable),
            _ => format!("{}/{} +{held}/{more}", of.used, of.allocatable),
        };
        let meter = Meter::new(f64::from(of.capacity))
            .segment(f64::from(of.used), Fill::Plain)
            .label(label);
        Some(match of.allocatable < of.capacity {
            true => meter.tick(f64::from(of.allocatable)),
            false => meter,
        })
    }
}

pub fn row<'a>(node: &'a NodeRow, columns: &[Column], cx: &Cx<'a>) -> Row<'a> {
    let devices = Devices::of(node, cx);
    let cells = columns
        .iter()
        .map(|column| {
            let own = arrange::cell(List::Nodes, node.key, column.id(), cx);
            own.unwrap_or_else(|| cell(column.id(), node, &devices, cx))
        })
        .collect();
    Row::new(cells)
}

fn cell<'a>(column: &str, node: &'a NodeRow, devices: &Devices<'a>, cx: &Cx<'a>) -> Cell<'a> {
    let dim = cx.theme.dim();
    match column {
        "status" => match pending(node.key, cx) {
            Some((state, word)) => Cell::state(state, word),
            None => {
                let (state, word) = devices.state(node);
                Cell::state(state, word)
            }
        },
        "name" => Cell::text(&*node.name),
        "cluster" => clusters::cell(node.key.cluster, cx),
        "product" => match (&node.product, devices.main()) {
            (Some(label), Some(_)) => Cell::from(product(label).into_owned()),
            (None, Some(line)) => Cell::from(device(&line.kind.resource, None).into_owned()),
            (_, None) => Cell::Empty,
        },
        "used" => devices.meter().map_or(Cell::Empty, Cell::Bar),
        "free" => match devices.main() {
            None => Cell::Empty,
            Some(_) if !node.ready || node.cordoned => Cell::styled("-", cx.theme.faint()),
            Some(line) => Cell::Number(u64::from(line.amounts.free)),
        },
        "use" => gpu_use::node_cell(node, cx),
        "sick" => match devices.sick() {
            0 => Cell::Number(0),
            n => Cell::styled(n.to_string(), cx.theme.state(State::Failed)),
        },
        "pods" => {
            let pods = cx.model.capacity.of(node).map_or(0, |used| used.pods);
            Cell::from(pods.to_string())
        }
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
