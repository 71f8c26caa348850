//! The list of what is wrong with GPUs, in the place of the ledger: one line each, with the node to go to.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Span;

use crate::app::action::Action;
use crate::model::gpu_alarms::GpuAlarm;
use crate::model::gpu_use::alarm::Weight;
use crate::model::ids::{ClusterId, Name};
use crate::model::inbox::SubjectId;
use crate::panes::list::walk;
use crate::panes::{Cx, clusters};
use crate::ui::{Cell, Column, Row, State, Table, TableState, text};

/// The list, as shown.
#[derive(Debug, Default)]
pub struct Alarms {
    pub table: TableState,
    pub body: Rect,
    /// What the cursor is on stays so while the list changes.
    chosen: Option<(ClusterId, SubjectId, Name)>,
}

/// Those of the clusters looked at.
pub fn all<'a>(cx: &Cx<'a>) -> Vec<&'a GpuAlarm> {
    let shown = cx.session.shown();
    let all = cx.session.gpu_alarms.iter();
    all.filter(|alarm| shown.contains(&alarm.cluster)).collect()
}

/// How many there are that want somebody, and the gravest of them.
pub fn count(cx: &Cx) -> (usize, Option<Weight>) {
    let loud = all(cx).into_iter();
    let loud = loud.filter(|alarm| alarm.weight > Weight::Note && !alarm.stale);
    (loud.clone().count(), loud.map(|alarm| alarm.weight).max())
}

/// What stays chosen while the list changes.
fn identity(alarm: &GpuAlarm) -> (ClusterId, SubjectId, Name) {
    (alarm.cluster, alarm.subject.id.clone(), alarm.cause.clone())
}

/// The style and the sign of a weight.
pub fn sign(weight: Weight) -> State {
    match weight {
        Weight::Sick => State::Failed,
        Weight::Waste => State::Waiting,
        Weight::Note => State::Held,
    }
}

impl Alarms {
    pub fn refresh(&mut self, cx: &Cx) {
        let all = all(cx);
        let is = |alarm: &&GpuAlarm| self.chosen.as_ref() == Some(&identity(alarm));
        let at = all.iter().position(is);
        let near = self.table.selected().unwrap_or(0);
        let last = all.len().checked_sub(1);
        self.table
            .select(last.map(|last| at.unwrap_or(near).min(last)));
    }

    /// The one under the cursor.
    pub fn selected<'a>(&self, cx: &Cx<'a>) -> Option<&'a GpuAlarm> {
        all(cx).get(self.table.selected()?).copied()
    }

    /// Puts the cursor on a line.
    pub fn go(&mut self, at: usize, cx: &Cx) {
        self.table.select(Some(at));
        self.keep(cx);
    }

    fn keep(&mut self, cx: &Cx) {
        self.chosen = self.selected(cx).map(identity);
    }

    /// Movement; false if the action is none.
    pub fn act(&mut self, action: Action, cx: &Cx) -> bool {
        let rows = all(cx).len();
        let moved = walk(&mut self.table, action, rows);
        if moved {
            self.keep(cx);
        }
        moved
    }

    /// The sentence under the cursor, whole.
    fn whole(&self, cx: &Cx, width: u16) -> Vec<String> {
        let Some(alarm) = self.selected(cx) else {
            return Vec::new();
        };
        let words = format!("{}: {}", alarm.subject.name, alarm.words(cx.now));
        text::wrap(&text::clean(&words), width.saturating_sub(2).max(8).into())
    }

    /// The room of the list, and below it that of the sentence under the cursor, where it does not fit its line.
    fn room(&self, cx: &Cx, area: Rect) -> (Rect, Rect) {
        let lines = self.whole(cx, area.width);
        let wanted = if lines.len() > 1 {
            lines.len() as u16
        } else {
            0
        };
        let below = match area.height > wanted + 4 {
            true => wanted,
            false => 0,
        };
        let list = Rect {
            // a blank line between the two
            height: area.height - below - u16::from(below > 0),
            ..area
        };
        let said = Rect {
            y: area.bottom() - below,
            height: below,
            ..area
        };
        (list, said)
    }

    pub fn draw(&mut self, focused: bool, cx: &Cx, area: Rect, buf: &mut Buffer) {
        let all = all(cx);
        if all.is_empty() {
            let room = usize::from(area.width.saturating_sub(2));
            let words = "nothing is known to be wrong";
            buf.set_stringn(area.x + 1, area.y, words, room, cx.theme.dim());
            return;
        }
        let (area, below) = self.room(cx, area);
        let names = all.iter().map(|alarm| text::width(&alarm.subject.name));
        let most = (area.width / 3).clamp(10, 34);
        let name = names.max().unwrap_or(0).clamp(8, most.into()) as u16;
        let columns = vec![
            Column::new("of", "ON").rank(0).fixed(name + 2).middle(),
            Column::new("what", "WHAT")
                .rank(0)
                .width(20, 40, 400)
                .grow(),
        ];
        let columns = clusters::with_column(columns, cx);
        self.body = Table::new(&columns, all.len()).focused(focused).draw(
            area,
            buf,
            cx.theme,
            &mut self.table,
            |at| {
                all.get(at)
                    .map_or_else(Row::default, |alarm| row(alarm, cx))
            },
        );
        for (y, line) in (below.y..below.bottom()).zip(self.whole(cx, below.width)) {
            buf.set_stringn(
                below.x + 1,
                y,
                line,
                below.width.saturating_sub(2).into(),
                cx.theme.dim(),
            );
        }
    }
}

fn row(alarm: &GpuAlarm, cx: &Cx) -> Row<'static> {
    let theme = cx.theme;
    let state = sign(alarm.weight);
    let (sign, name, words): (Style, Style, Style) = match (alarm.stale, alarm.weight) {
        (true, _) => (theme.faint(), theme.faint(), theme.faint()),
        (_, Weight::Note) => (theme.dim(), theme.dim(), theme.dim()),
        _ => (theme.state(state), theme.text(), theme.text()),
    };
    let mut said = alarm.words(cx.now);
    if alarm.stale {
        said.push_str(" (not asked any more)");
    }
    let mut cells = vec![
        Cell::Spans(vec![
            Span::styled(format!("{} ", theme.state_glyph(state)), sign),
            Span::styled(text::clean(&alarm.subject.name).into_owned(), name),
        ]),
        Cell::styled(text::clean(&said).into_owned(), words),
    ];
    if clusters::stand_apart(cx) {
        cells.insert(0, clusters::cell(alarm.cluster, cx));
    }
    Row::new(cells)
}
