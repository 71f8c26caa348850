//! The columns of the queue tree and what stands in them: names at their place, the bar of a flavor, counts, the state.

use super::line::Line;
use crate::model::ids::Name;
use crate::model::kueue::FlavorResource;
use crate::model::kueue::capacity::Cell as Amounts;
use crate::model::kueue::queue::Stop;
use crate::model::kueue::tree::{Level, Node};
use crate::panes::Cx;
use crate::panes::words::quantity;
use crate::ui::meter::Fill;
use crate::ui::{Cell, Column, Meter, Row, State, text};

/// The columns; the bar's is headed by the resource it measures.
pub fn columns(resource: Option<&Name>, cx: &Cx) -> Vec<Column> {
    let bar = resource.map_or("QUOTA".to_owned(), |name| name.to_string());
    let name = match cx.session.shown().len() {
        1 => "COHORT / QUEUE",
        _ => "CLUSTER / QUEUE",
    };
    vec![
        Column::new("name", name).rank(0).width(14, 20, 44).middle(),
        Column::new("flavor", "FLAVOR")
            .rank(2)
            .width(6, 8, 18)
            .middle(),
        Column::new("quota", bar).rank(0).width(20, 28, 90).grow(),
        Column::new("free", "FREE").rank(3).width(4, 5, 8).right(),
        Column::new("pending", "PEND")
            .rank(1)
            .width(4, 4, 6)
            .right(),
        Column::new("admitted", "ADM")
            .rank(1)
            .width(3, 3, 6)
            .right(),
        Column::new("share", "SHARE").rank(4).width(5, 5, 7).right(),
        Column::new("state", "STATE").rank(3).width(8, 10, 34),
    ]
}

/// One line of the tree.
pub fn row<'a>(line: &Line, node: &Node, columns: &[Column], cx: &Cx<'a>) -> Row<'a> {
    let cells = columns.iter().map(|c| cell(c.id(), line, node, cx));
    Row::new(cells.collect())
}

fn cell<'a>(column: &str, line: &Line, node: &Node, cx: &Cx<'a>) -> Cell<'a> {
    let dim = cx.theme.dim();
    match column {
        "name" if line.first => named(line, node, cx),
        "flavor" => match &line.cell {
            Some((of, _)) => Cell::styled(text::clean(&of.flavor).into_owned(), dim),
            None => Cell::Empty,
        },
        "quota" => match &line.cell {
            Some((of, amounts)) => quota(node, of, amounts, cx),
            None if node.level == Level::LocalQueue => Cell::Empty,
            None => Cell::styled("none", cx.theme.dim()),
        },
        "free" => match &line.cell {
            Some((of, amounts)) if node.level != Level::LocalQueue => free(node, of, amounts, cx),
            _ => Cell::Empty,
        },
        "pending" if line.first => match node.pending {
            0 => Cell::Number(0),
            n => Cell::styled(n.to_string(), cx.theme.state(State::Waiting)),
        },
        "admitted" if line.first => Cell::Number(node.admitted.into()),
        "share" if line.first => share(node, cx),
        "state" if line.first => state(node, cx),
        _ => Cell::Empty,
    }
}

/// `├ vision`: cohorts in the heading's style, queues plain.
fn named<'a>(line: &Line, node: &Node, cx: &Cx<'a>) -> Cell<'a> {
    let mut name = String::new();
    if node.depth > 0 {
        let (own, above) = line.last.split_last().unwrap_or((&true, &[]));
        // the top level has no lines beside it
        for last in above.iter().skip(1) {
            name.push_str(if *last { "  " } else { "│ " });
        }
        name.push_str(match own {
            true => cx.glyphs.last_branch(),
            false => cx.glyphs.branch(),
        });
        name.push(' ');
    }
    if !node.namespace.is_empty() {
        name.push_str(&format!("{}/", text::clean(&node.namespace)));
    }
    name.push_str(&text::clean(&node.name));
    match node.level {
        Level::Cluster => match cx.session.open(node.cluster) {
            Some(open) if open.lost().is_some() => Cell::state(open.state().0, name),
            _ => Cell::styled(name, cx.theme.accent()),
        },
        Level::Cohort => Cell::styled(name, cx.theme.title()),
        Level::ClusterQueue => Cell::text(name),
        Level::LocalQueue => Cell::styled(name, cx.theme.dim()),
    }
}

/// Used solid, borrowed dense, reserved but not admitted light, nominal quota as a tick:
/// `16+6↗ / 16`, `10 / 16 ↘4` when others have some of it.
fn quota<'a>(node: &Node, of: &FlavorResource, a: &Amounts, cx: &Cx<'a>) -> Cell<'a> {
    let say = |n| quantity(&of.resource, n);
    if node.level == Level::LocalQueue {
        return Cell::styled(say(a.reserved), cx.theme.dim());
    }
    let own = a.reserved.min(a.total).max(0);
    let over = (a.reserved - own).max(0);
    let admitted = a.used.min(a.reserved).max(0);
    let total = a.total.max(a.reserved);
    let mut meter = Meter::new(total as f64);
    let solid = admitted.min(own);
    meter = meter
        .segment(solid as f64, Fill::Plain)
        .segment((own - solid) as f64, Fill::Light)
        .segment(over as f64, Fill::Dense);
    if over > 0 {
        meter = meter.tick(a.total as f64);
    }
    let mut label = say(own);
    if over > 0 {
        label.push_str(&format!("+{}{}", say(over), cx.glyphs.borrowed()));
    }
    label.push_str(&format!(" / {}", say(a.total)));
    if a.lent > 0 {
        label.push_str(&format!(" {}{}", cx.glyphs.lent(), say(a.lent)));
    }
    Cell::Bar(meter.label(label))
}

/// What could still be reserved here, borrowing included; below zero where more is used than there is.
fn free<'a>(node: &Node, of: &FlavorResource, a: &Amounts, cx: &Cx<'a>) -> Cell<'a> {
    let shut = node.stop != Stop::None || node.inactive.is_some();
    match a.available {
        n if shut => Cell::styled(quantity(&of.resource, n), cx.theme.dim()),
        n if n < 0 => Cell::styled(quantity(&of.resource, n), cx.theme.state(State::Failed)),
        0 => Cell::Number(0),
        n => Cell::from(quantity(&of.resource, n)),
    }
}

/// Weighted share, as a fraction of what the parent has; infinite for a weight of 0 that borrows.
fn share<'a>(node: &Node, cx: &Cx<'a>) -> Cell<'a> {
    match node.share {
        None => Cell::Empty,
        Some(0) => Cell::Number(0),
        Some(i64::MAX) => Cell::styled("over", cx.theme.state(State::Retrying)),
        Some(n) => Cell::from(format!("{:.2}", n as f64 / 1000.0)),
    }
}

/// Only what is out of the ordinary, and how it queues.
fn state<'a>(node: &Node, cx: &Cx<'a>) -> Cell<'a> {
    if let Some(why) = &node.inactive {
        let why = match (why.reason.is_empty(), why.message.is_empty()) {
            (false, _) => why.reason.to_string(),
            (true, false) => why.message.to_string(),
            _ => "inactive".into(),
        };
        if node.stop == Stop::None || why != "Stopped" {
            return Cell::state(State::Failed, text::clean(&why).into_owned());
        }
    }
    match node.stop {
        Stop::Hold => return Cell::state(State::Held, "hold"),
        Stop::HoldAndDrain => return Cell::state(State::Held, "hold, drain"),
        Stop::None => {}
    }
    match node.level {
        Level::Cluster => match cx.session.open(node.cluster) {
            Some(open) if open.lost().is_some() => {
                let (state, words) = open.state();
                Cell::styled(words, cx.theme.state(state))
            }
            _ if !super::absent::is(&[node.cluster], cx) => Cell::Empty,
            _ => Cell::styled(super::absent::brief(node.cluster, cx), cx.theme.dim()),
        },
        Level::Cohort if node.broken => Cell::state(State::Failed, "in a ring"),
        Level::Cohort if node.by_name_only => Cell::styled("by name only", cx.theme.dim()),
        // whoever reads one cluster queue of a cluster reads all
        Level::ClusterQueue if node.by_name_only => {
            let mut rows = cx.model.kueue.cluster_queues.rows();
            match rows.all(|row| row.key.cluster != node.cluster) {
                true => Cell::styled("not readable", cx.theme.dim()),
                false => Cell::state(State::Failed, "does not exist"),
            }
        }
        Level::ClusterQueue if node.strict => Cell::styled("strict FIFO", cx.theme.dim()),
        _ => Cell::Empty,
    }
}
