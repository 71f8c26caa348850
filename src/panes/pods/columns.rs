//! The columns of pods and what stands in them. Separate because the pods screen and the pods of a job share them.

use std::borrow::Cow;

use crate::model::extra::List;
use crate::model::pod::PodRow;
use crate::model::podwhy;
use crate::panes::clusters;
use crate::panes::words::{devices, pending, pod_state, when};
use crate::panes::{Cx, PodsOf, arrange};
use crate::ui::{Cell, Column, Row, State, text};

/// Columns by what the pods are of: what all rows share is left out.
pub fn columns(of: &PodsOf, namespaces: bool) -> Vec<Column> {
    let mut all = vec![
        Column::new("status", "STATUS").rank(0).width(11, 12, 26),
        Column::new("name", "POD")
            .rank(0)
            .width(22, 22, 60)
            .middle(),
        Column::new("namespace", "NS")
            .rank(2)
            .width(7, 7, 18)
            .middle(),
        Column::new("ready", "READY").rank(2).width(5, 5, 6).right(),
        Column::new("restarts", "RESTARTS")
            .rank(4)
            .width(8, 8, 8)
            .right(),
        Column::new("index", "INDEX").rank(1).width(5, 5, 7).right(),
        Column::new("job", "JOB").rank(6).width(12, 12, 40).middle(),
        Column::new("node", "NODE")
            .rank(3)
            .width(10, 12, 40)
            .middle(),
        Column::new("gpus", "GPUS").rank(4).width(6, 6, 22),
        Column::new("age", "AGE").rank(1).width(6, 6, 12).right(),
        Column::new("why", "WHY").rank(5).width(20, 20, 120).grow(),
    ];
    all.retain(|c| match c.id() {
        "namespace" => namespaces && !matches!(of, PodsOf::Job(_)),
        "job" => !matches!(of, PodsOf::Job(_)),
        "node" => !matches!(of, PodsOf::Node(_)),
        _ => true,
    });
    all
}

/// One row for these columns.
pub fn row<'a>(pod: &'a PodRow, columns: &[Column], cx: &Cx<'a>) -> Row<'a> {
    let state = pod_state(pod);
    let cells = columns
        .iter()
        .map(|column| {
            let own = arrange::cell(List::Pods, pod.key, column.id(), cx);
            own.unwrap_or_else(|| cell(column.id(), pod, state, cx))
        })
        .collect();
    Row::new(cells).dim(matches!(state, State::Succeeded | State::Stale))
}

fn cell<'a>(column: &str, pod: &'a PodRow, state: State, cx: &Cx<'a>) -> Cell<'a> {
    match column {
        "status" => match pending(pod.key, cx) {
            Some((state, word)) => Cell::state(state, word),
            None => Cell::state(state, &*pod.status),
        },
        "name" => Cell::text(&*pod.name),
        "cluster" => clusters::cell(pod.key.cluster, cx),
        "namespace" => Cell::text(&*pod.namespace),
        "ready" => {
            let text = format!("{}/{}", pod.ready, pod.containers);
            let short = pod.ready < pod.containers && state != State::Succeeded;
            if short {
                Cell::styled(text, cx.theme.dim())
            } else {
                Cell::from(text)
            }
        }
        "restarts" if pod.restarts > 0 => {
            Cell::styled(pod.restarts.to_string(), cx.theme.state(State::Retrying))
        }
        "restarts" => Cell::Number(0),
        "index" => pod
            .index
            .get()
            .map_or(Cell::Empty, |i| Cell::from(i.to_string())),
        "job" => match &pod.owner {
            Some((kind, name, _)) if &**kind == "Job" => Cell::text(&**name),
            Some((_, name, _)) => Cell::styled(&**name, cx.theme.dim()),
            None => Cell::Empty,
        },
        "node" => pod.node.as_deref().map_or(Cell::Empty, Cell::text),
        "gpus" => {
            let claimed = (pod.shape.claims > 0).then(|| cx.model.claimed_by(pod.key));
            let mut all = claimed.unwrap_or_default();
            pod.shape
                .plugged()
                .for_each(|(name, n)| all.add(name.clone(), *n));
            match all.is_empty() {
                true => Cell::Empty,
                false => Cell::from(devices(&all, product(pod, cx))),
            }
        }
        "age" => Cell::styled(when(pod.created.get(), cx), cx.theme.dim()),
        "why" => why(pod).map_or(Cell::Empty, |text| Cell::styled(text, cx.theme.dim())),
        _ => Cell::Empty,
    }
}

/// The GPU product of the pod's node.
fn product<'a>(pod: &PodRow, cx: &Cx<'a>) -> Option<&'a str> {
    let node = cx.model.node(pod.key.cluster, pod.node.as_ref()?)?;
    node.product.as_deref()
}

/// One line: why it waits, or why it died.
pub fn why(pod: &PodRow) -> Option<Cow<'_, str>> {
    podwhy::why(pod).map(|w| Cow::Owned(text::clean(&w.text).into_owned()))
}
