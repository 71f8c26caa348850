//! The ledger beside the map: who holds GPUs, how many, for how many hours so far. Its rows are the legend of the map.

use chrono::{DateTime, TimeDelta, Utc};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;

use super::colours::{Colours, Who, who};
use crate::app::action::Action;
use crate::model::capacity::holders::{By, Holder, Order, ledger, sort};
use crate::model::ids::ClusterId;
use crate::panes::list::walk;
use crate::panes::{Cx, clusters};
use crate::ui::{Cell, Column, Row, Table, TableState};

/// How old it may be while the cluster is busy.
const OLD: TimeDelta = TimeDelta::milliseconds(500);
/// Holders with a hue of their own, at most.
const HUES: usize = 8;

/// What holders are, in the order a key steps through.
pub const BYS: [By; 4] = [By::Workload, By::Queue, By::Namespace, By::Pod];

/// One word for what the rows are.
pub fn word(by: By) -> &'static str {
    match by {
        By::Pod => "pod",
        By::Workload => "workload",
        By::Queue => "queue",
        By::Namespace => "namespace",
    }
}

/// What rows were made of, clusters and the versions of pods and jobs, and when.
type Made = (Vec<ClusterId>, By, u64, u64, DateTime<Utc>);

/// The rows, as shown.
#[derive(Debug)]
pub struct Ledger {
    pub rows: Vec<Holder>,
    pub colours: Colours,
    order: Order,
    down: bool,
    made: Option<Made>,
    chosen: Option<Who>,
    pub table: TableState,
    pub body: Rect,
}

impl Default for Ledger {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            colours: Colours::default(),
            order: Order::Held,
            down: false,
            made: None,
            chosen: None,
            table: TableState::default(),
            body: Rect::default(),
        }
    }
}

impl Ledger {
    pub fn refresh(&mut self, clusters: &[ClusterId], by: By, cx: &Cx) {
        let now = (cx.model.capacity.version(), cx.model.jobs.version());
        if let Some((of, was, pods, jobs, at)) = &self.made
            && (of.as_slice(), *was) == (clusters, by)
            && ((*pods, *jobs) == now || cx.now - *at < OLD)
        {
            return;
        }
        self.made = Some((clusters.to_vec(), by, now.0, now.1, cx.now));
        let of = clusters.iter().flat_map(|of| ledger(cx.model, *of, by));
        self.rows = of.collect();
        // hues go to those that hold most, wherever
        if clusters.len() > 1 {
            sort(&mut self.rows, Order::Held, cx.now);
        }
        let hues = HUES.min(cx.theme.series_len());
        self.colours.settle(by, &self.rows, hues);
        self.arrange(cx);
        self.settle(by);
    }

    /// When it is to be made again, if something changed that it does not show yet.
    pub fn due(&self, cx: &Cx) -> Option<DateTime<Utc>> {
        let (.., pods, jobs, at) = self.made.as_ref()?;
        let late = (*pods, *jobs) != (cx.model.capacity.version(), cx.model.jobs.version());
        late.then_some(*at + OLD)
    }

    fn arrange(&mut self, cx: &Cx) {
        sort(&mut self.rows, self.order, cx.now);
        if self.down {
            self.rows.reverse();
        }
    }

    fn settle(&mut self, by: By) {
        let find = |chosen: &Who| self.rows.iter().position(|row| who(by, row) == *chosen);
        let at = self.chosen.as_ref().and_then(find);
        let near = self.table.selected().unwrap_or(0);
        let last = self.rows.len().checked_sub(1);
        self.table
            .select(last.map(|last| at.unwrap_or(near).min(last)));
    }

    /// The row under the cursor.
    pub fn row(&self) -> Option<&Holder> {
        self.rows.get(self.table.selected()?)
    }

    /// Puts the cursor on a holder, if it is there.
    pub fn choose(&mut self, by: By, of: Who) {
        self.chosen = Some(of);
        self.settle(by);
    }

    /// Puts the cursor on a row.
    pub fn go(&mut self, by: By, at: usize) {
        self.table.select(Some(at));
        self.chosen = self.rows.get(at).map(|row| who(by, row));
    }

    /// Movement and sorting; false if the action is none of these.
    pub fn act(&mut self, action: Action, by: By, cx: &Cx) -> bool {
        const ORDERS: [Order; 6] = [
            Order::Held,
            Order::Hours,
            Order::Name,
            Order::Namespace,
            Order::Queue,
            Order::Pods,
        ];
        let rows = self.rows.len();
        let at = ORDERS
            .iter()
            .position(|order| *order == self.order)
            .unwrap_or(0);
        match action {
            action if walk(&mut self.table, action, rows) => {}
            Action::SortNext | Action::SortPrevious => {
                let step = if action == Action::SortNext {
                    1
                } else {
                    ORDERS.len() - 1
                };
                self.order = ORDERS[(at + step) % ORDERS.len()];
                self.down = false;
                self.arrange(cx);
                self.settle(by);
                return true;
            }
            Action::SortReverse => {
                self.down = !self.down;
                self.arrange(cx);
                self.settle(by);
                return true;
            }
            _ => return false,
        }
        self.chosen = self.row().map(|row| who(by, row));
        true
    }

    fn column(&self) -> (&'static str, bool) {
        let down = matches!(self.order, Order::Held | Order::Hours | Order::Pods);
        let id = match self.order {
            Order::Held => "gpus",
            Order::Hours => "hours",
            Order::Name => "name",
            Order::Namespace => "ns",
            Order::Queue => "queue",
            Order::Pods => "pods",
        };
        (id, down != self.down)
    }

    pub fn draw(&mut self, by: By, focused: bool, cx: &Cx, area: Rect, buf: &mut Buffer) {
        if self.rows.is_empty() {
            let room = usize::from(area.width.saturating_sub(2));
            buf.set_stringn(
                area.x + 1,
                area.y,
                "nobody holds a GPU",
                room,
                cx.theme.dim(),
            );
            return;
        }
        let several = self.made.as_ref().is_some_and(|(of, ..)| of.len() > 1);
        let columns = columns(by, several, cx);
        let (sorted, down) = self.column();
        let (rows, colours) = (&self.rows, &self.colours);
        self.body = Table::new(&columns, rows.len())
            .sort(sorted, down)
            .focused(focused)
            .draw(area, buf, cx.theme, &mut self.table, |at| {
                match rows.get(at) {
                    Some(holder) => row(holder, by, colours, &columns, cx),
                    None => Row::default(),
                }
            });
    }
}

fn columns(by: By, several: bool, cx: &Cx) -> Vec<Column> {
    let title = match by {
        By::Pod => "POD",
        By::Workload => "HELD BY",
        By::Queue => "QUEUE",
        By::Namespace => "NAMESPACE",
    };
    let mut all = vec![
        Column::new("name", title)
            .rank(0)
            .width(12, 20, 34)
            .middle()
            .grow(),
    ];
    if by != By::Namespace && cx.session.namespace.is_none() {
        all.push(Column::new("ns", "NS").rank(3).width(5, 10, 18));
    }
    if matches!(by, By::Workload | By::Pod) {
        all.push(Column::new("queue", "QUEUE").rank(4).width(5, 8, 16));
    }
    all.push(Column::new("pods", "PODS").rank(5).width(4, 5, 6).right());
    all.push(Column::new("gpus", "GPUS").rank(0).width(5, 5, 7).right());
    all.push(Column::new("parts", "PARTS").rank(2).width(5, 9, 22));
    all.push(Column::new("hours", "GPU-H").rank(1).width(5, 6, 8).right());
    match several {
        true => clusters::with_column(all, cx),
        false => all,
    }
}

fn row<'a>(holder: &Holder, by: By, colours: &Colours, columns: &[Column], cx: &Cx) -> Row<'a> {
    let text = |text: &str| crate::ui::text::clean(text).into_owned();
    let cells = columns.iter().map(|column| match column.id() {
        "name" => {
            let style = colours.style(&who(by, holder), cx);
            Cell::Spans(vec![
                Span::styled("■ ", style),
                Span::styled(text(&holder.name), cx.theme.text()),
            ])
        }
        "cluster" => clusters::cell(holder.cluster, cx),
        "ns" => Cell::styled(
            text(holder.namespace.as_deref().unwrap_or_default()),
            cx.theme.dim(),
        ),
        "queue" => Cell::styled(
            text(holder.queue.as_deref().unwrap_or_default()),
            cx.theme.dim(),
        ),
        "pods" => Cell::Number(u64::from(holder.pods)),
        "gpus" => Cell::Number(holder.whole()),
        "parts" => Cell::styled(parts(holder), cx.theme.dim()),
        "hours" => Cell::styled(hours(holder.gpu_hours(cx.now)), cx.theme.dim()),
        _ => Cell::Empty,
    });
    Row::new(cells.collect())
}

/// What is held beside whole GPUs: `2 1g.10gb`, `4 shares`.
pub fn parts(holder: &Holder) -> String {
    let parts = holder.held.iter().filter(|(kind, _)| !kind.unit.is_whole());
    let parts: Vec<String> = parts
        .map(|(kind, held)| format!("{} {}", held.count, kind.unit.words()))
        .collect();
    parts.join(" + ")
}

/// GPU-hours: `0.4`, `12`, `1.3k`.
pub fn hours(hours: f64) -> String {
    match hours {
        h if h < 9.95 => format!("{h:.1}"),
        h if h < 9_999.5 => format!("{h:.0}"),
        h => format!("{:.1}k", h / 1000.0),
    }
}
