//! What stands in the queue under the cursor: pending workloads in their order, then those with quota. Separate from the
//! tree because it is a list of other objects, with a cursor of its own.

use std::collections::HashMap;

use crate::model::ids::{Key, Name};
use crate::model::kueue::Kueue;
use crate::model::kueue::WorkloadRow;
use crate::model::kueue::eta::{Eta, Pace, Unknown};
use crate::model::kueue::order::Place;
use crate::model::kueue::tree::{Level, Node};
use crate::model::kueue::workload::State as At;
use crate::model::waiting;
use crate::panes::words::{amount, when};
use crate::panes::{Cx, workload};
use crate::ui::{Cell, Column, Row, text};

/// The workloads of a node of the tree: of a cohort, or a cluster, those of all its queues.
pub fn of(nodes: &[Node], at: usize, kueue: &Kueue, namespace: Option<&Name>) -> Vec<Place> {
    let Some(node) = nodes.get(at) else {
        return Vec::new();
    };
    let order = &kueue.look(node.cluster).order;
    let mut places: Vec<Place> = match node.level {
        Level::LocalQueue => order.local_queue(&node.namespace, &node.name).to_vec(),
        Level::ClusterQueue => order.cluster_queue(&node.name).to_vec(),
        Level::Cluster | Level::Cohort => {
            let below = nodes[at + 1..].iter().take_while(|n| n.depth > node.depth);
            let queues = below.filter(|n| n.level == Level::ClusterQueue);
            let mut all: Vec<Place> = queues
                .flat_map(|queue| order.cluster_queue(&queue.name).iter().cloned())
                .collect();
            // queue by queue, but all that wait before all that have quota
            all.sort_by_key(|place| place.state != At::Pending);
            all
        }
    };
    if let Some(namespace) = namespace {
        places.retain(|place| {
            let row = kueue.workloads.get(place.key);
            row.is_some_and(|row| row.namespace == *namespace)
        });
    }
    places
}

/// Those of the list. `start`: a time to start is known of some.
pub fn columns(namespaces: bool, wide: bool, start: bool) -> Vec<Column> {
    let mut all = vec![
        Column::new("place", "#").rank(0).width(3, 4, 6).right(),
        Column::new("name", "WORKLOAD")
            .rank(0)
            .width(12, 18, 44)
            .middle(),
        Column::new("namespace", "NS")
            .rank(3)
            .width(6, 8, 18)
            .middle(),
        Column::new("queue", "QUEUE")
            .rank(5)
            .width(6, 8, 18)
            .middle(),
        Column::new("priority", "PRIO")
            .rank(4)
            .width(4, 6, 14)
            .right(),
        Column::new("asks", "ASKS FOR").rank(2).width(8, 10, 26),
        Column::new("since", "SINCE")
            .rank(1)
            .width(5, 5, 12)
            .right(),
        Column::new("start", "STARTS")
            .rank(3)
            .width(10, 13, 18)
            .right(),
        Column::new("why", "WHY").rank(1).width(14, 24, 120).grow(),
    ];
    all.retain(|c| match c.id() {
        "namespace" => namespaces,
        "queue" => wide,
        "start" => start,
        _ => true,
    });
    all
}

/// How fast the lines shown move.
#[derive(Default)]
pub struct Paces<'a>(HashMap<Name, Result<Pace<'a>, Unknown>>);

impl<'a> Paces<'a> {
    /// Of the lines these stand in.
    pub fn of(places: &[Place], cx: &Cx<'a>) -> Self {
        let kueue = &cx.model.kueue;
        let mut all = HashMap::new();
        // the places of one list are of one cluster
        for place in places {
            let look = kueue.look(place.key.cluster);
            if let Some(queue) = look.order.queue_of(place.key)
                && !all.contains_key(queue)
            {
                all.insert(queue.clone(), Pace::of(kueue, look, queue, cx.now));
            }
        }
        Self(all)
    }

    /// Some of those in line can be told when.
    pub fn any(&self) -> bool {
        self.0.values().any(Result::is_ok)
    }

    /// When one may start; none where it stands in no line.
    fn start(&self, row: &WorkloadRow, cx: &Cx) -> Option<Result<Eta, Unknown>> {
        let look = cx.model.kueue.look(row.key.cluster);
        let pace = self.0.get(look.order.queue_of(row.key)?)?;
        Some(match pace {
            Ok(pace) => pace.eta(look, row, cx.now),
            Err(unknown) => Err(*unknown),
        })
    }
}

pub fn row<'a>(
    place: &Place,
    workload: &'a WorkloadRow,
    columns: &[Column],
    paces: &Paces<'a>,
    cx: &Cx<'a>,
) -> Row<'a> {
    let waits = matches!(workload.state(), At::Pending | At::Reserved);
    let look = cx.model.kueue.look(workload.key.cluster);
    let why = waits.then(|| waiting::short(cx.model, look, workload, cx.now));
    let why = why.flatten();
    let cells = columns.iter().map(|c| match (c.id(), &why) {
        // what someone must change first has no time
        ("start", Some((reason, _))) if reason.is_stuck() => Cell::Empty,
        ("start", _) => start(paces.start(workload, cx), cx),
        ("why", Some((_, short))) => Cell::styled(short.clone(), cx.theme.dim()),
        (id, _) => cell(id, place, workload, cx),
    });
    Row::new(cells.collect())
}

/// `about 25–60 min`; a question mark where nobody knows.
fn start<'a>(of: Option<Result<Eta, Unknown>>, cx: &Cx<'a>) -> Cell<'a> {
    match of {
        None | Some(Err(Unknown::NeverFits | Unknown::Stopped)) => Cell::Empty,
        Some(Ok(eta)) => Cell::styled(eta.words(), cx.theme.dim()),
        Some(Err(_)) => Cell::styled("?", cx.theme.faint()),
    }
}

fn cell<'a>(column: &str, place: &Place, row: &'a WorkloadRow, cx: &Cx<'a>) -> Cell<'a> {
    let dim = cx.theme.dim();
    match column {
        "place" => match place.position {
            Some(at) if place.estimated => Cell::from(format!("≈{at}")),
            Some(at) => Cell::from(at.to_string()),
            None => {
                let (state, _) = workload::state(row);
                Cell::styled(cx.theme.state_glyph(state), cx.theme.state(state))
            }
        },
        "name" => Cell::text(text::clean(workload::name(row)).into_owned()),
        "namespace" => Cell::styled(&*row.namespace, dim),
        "queue" => Cell::styled(&*row.queue, dim),
        "priority" => match &row.priority_class {
            Some(class) => Cell::either(&**class, row.priority.to_string(), dim),
            None if row.priority == 0 => Cell::Number(0),
            None => Cell::from(row.priority.to_string()),
        },
        "asks" => Cell::from(asks(row)),
        "since" => Cell::styled(when(since(row), cx), dim),
        "why" => match row.state() {
            At::Pending | At::Reserved => Cell::Empty,
            At::Admitted => {
                let mut flavors: Vec<&str> = row.holds().map(|(of, _)| &*of.flavor).collect();
                flavors.sort_unstable();
                flavors.dedup();
                let mut words = match flavors.is_empty() {
                    true => "admitted".to_owned(),
                    false => format!("admitted from {}", flavors.join(", ")),
                };
                if let Some(cluster) = &row.cluster {
                    words.push_str(&format!(" on {cluster}"));
                }
                Cell::styled(words, cx.theme.dim())
            }
            At::Finished => Cell::Empty,
        },
        _ => Cell::Empty,
    }
}

/// Since when it is as it is.
pub fn since(row: &WorkloadRow) -> Option<chrono::DateTime<chrono::Utc>> {
    match row.state() {
        At::Pending => row.queued_since(),
        At::Reserved => row.is("QuotaReserved").and_then(|c| c.since),
        At::Admitted => row.is("Admitted").and_then(|c| c.since),
        At::Finished => row.is("Finished").and_then(|c| c.since),
    }
}

/// Its devices, or cpu and memory where it asks for none.
fn asks(row: &WorkloadRow) -> String {
    let all = row.requests();
    let devices = all
        .iter()
        .filter(|(r, _)| crate::model::resources::is_device(r));
    let mut words: Vec<String> = devices.map(|(r, n)| amount(r, *n)).collect();
    if words.is_empty() {
        let usual = all.iter().filter(|(r, _)| matches!(&**r, "cpu" | "memory"));
        words = usual.map(|(r, n)| amount(r, *n)).collect();
    }
    words.join(" + ")
}

/// The keys of a list of places.
pub fn keys(places: &[Place]) -> Vec<Key> {
    places.iter().map(|place| place.key).collect()
}
