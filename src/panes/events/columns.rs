//! The columns of events and what stands in them. Separate because the events screen and the events of a job
//! share them.

use crate::model::event::EventRow;
use crate::model::extra::List;
use crate::panes::clusters;
use crate::panes::words::when;
use crate::panes::{Cx, arrange};
use crate::ui::{Cell, Column, Row, State, text};

/// `one`: all rows are about one object.
pub fn columns(one: bool, namespaces: bool) -> Vec<Column> {
    let mut all = vec![
        Column::new("last", "LAST").rank(0).width(6, 6, 12).right(),
        Column::new("count", "COUNT").rank(2).width(5, 5, 6).right(),
        Column::new("reason", "REASON").rank(0).width(10, 16, 26),
        Column::new("namespace", "NS")
            .rank(3)
            .width(7, 7, 18)
            .middle(),
        Column::new("about", "OBJECT")
            .rank(1)
            .width(12, 18, 48)
            .middle(),
        Column::new("message", "MESSAGE")
            .rank(1)
            .width(16, 30, 400)
            .grow(),
        Column::new("by", "FROM")
            .rank(4)
            .width(8, 12, 30)
            .middle()
            .from_width(130),
    ];
    all.retain(|c| match c.id() {
        "namespace" => namespaces && !one,
        "about" => !one,
        _ => true,
    });
    all
}

/// Columns that are shown only if they are chosen.
pub fn more() -> Vec<Column> {
    let mut all = columns(false, true);
    all.push(Column::new("type", "TYPE").width(7, 7, 8));
    all
}

/// The sign of an event: only a warning asks to be seen.
fn reason<'a>(event: &'a EventRow, cx: &Cx<'a>) -> Cell<'a> {
    if event.warning {
        Cell::styled(&*event.reason, cx.theme.state(State::Waiting))
    } else {
        Cell::text(&*event.reason)
    }
}

pub fn row<'a>(event: &'a EventRow, columns: &[Column], cx: &Cx<'a>) -> Row<'a> {
    let cells = columns
        .iter()
        .map(|column| {
            let own = arrange::cell(List::Events, event.key, column.id(), cx);
            own.unwrap_or_else(|| cell(column.id(), event, cx))
        })
        .collect();
    Row::new(cells)
}

fn cell<'a>(column: &str, event: &'a EventRow, cx: &Cx<'a>) -> Cell<'a> {
    match column {
        "last" => Cell::styled(when(event.last.or(event.first), cx), cx.theme.dim()),
        "count" if event.count > 1 => Cell::from(format!("×{}", event.count)),
        "count" => Cell::Empty,
        "reason" => reason(event, cx),
        "namespace" => Cell::text(&*event.namespace),
        "cluster" => clusters::cell(event.key.cluster, cx),
        "type" => Cell::text(event.kind_word()),
        "about" => Cell::from(format!(
            "{}/{}",
            event.about.0.to_lowercase(),
            event.about.1
        )),
        "message" => Cell::styled(text::clean(&event.message), cx.theme.dim()),
        "by" => Cell::styled(&*event.by, cx.theme.dim()),
        _ => Cell::Empty,
    }
}
