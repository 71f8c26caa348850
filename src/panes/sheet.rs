//! One kind of row as a sorted, filtered, selectable table: the model's order, the list's selection and the ui's
//! table put together once, for all screens that show rows.

use chrono::{DateTime, Utc};
use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::list::{Keys, List};
use super::{Cx, Reply, arrange, clusters};
use crate::app::action::Action;
use crate::model::Model;
use crate::model::extra;
use crate::model::filter::Filter;
use crate::model::health::Health;
use crate::model::human;
use crate::model::ids::Key;
use crate::model::listed::{Listed, Scope};
use crate::model::sort::{self, Column as _, Sort};
use crate::model::view::View;
use crate::model::want::Kind;
use crate::ui::{Column, Row, Table, text};

/// The rows of one kind as shown.
pub struct Sheet<R: Listed> {
    pub view: View<R>,
    pub list: List,
    settled: Option<u64>,
    body: Rect,
}

/// What a view shows now, as keys.
pub struct ViewKeys<'a, R: Listed> {
    pub view: &'a View<R>,
    pub model: &'a Model,
}

impl<R: Listed> Keys for ViewKeys<'_, R> {
    fn count(&self) -> usize {
        self.view.order().len()
    }

    fn key(&self, at: usize) -> Option<Key> {
        Some(self.view.row(self.model, at)?.key())
    }

    fn exists(&self, key: Key) -> bool {
        R::table(self.model).contains(key)
    }

    fn find(&self, key: Key) -> Option<usize> {
        self.view.position(self.model, key)
    }
}

/// Whether rows of a kind are still arriving for the first time, from any of the clusters looked at that answers.
pub fn loading(kind: Kind, cx: &Cx) -> bool {
    let is = |health: &Health| matches!(health, Health::Connecting | Health::Syncing { .. });
    if !cx.session.several() {
        return is(cx.session.health(kind));
    }
    let shown = cx.session.shown();
    let open = cx.session.clusters().into_iter();
    let mut open = open.filter(|open| shown.contains(&open.id) && !open.is_failed());
    open.any(|open| is(clusters::worst(open.sources, kind)))
}

/// The clusters and namespaces looked at, as a scope of rows.
pub fn scope(cx: &Cx) -> Scope {
    Scope {
        clusters: Some(cx.session.shown()),
        namespaces: cx.session.namespace.clone().map(|ns| vec![ns]),
        ..Scope::default()
    }
}

impl<R: Listed> Sheet<R> {
    pub fn new(sort: R::Column) -> Self {
        Self {
            view: View::new(Sort::by(sort), Scope::default()),
            list: List::default(),
            settled: None,
            body: Rect::default(),
        }
    }

    /// Brings rows and selection up to date.
    pub fn refresh(&mut self, scope: Scope, kind: Kind, cx: &Cx) {
        self.view.set_scope(scope);
        self.view.refresh(cx.model, cx.now);
        if self.settled != Some(self.view.revision()) {
            self.settled = Some(self.view.revision());
            self.list.settle(
                &ViewKeys {
                    view: &self.view,
                    model: cx.model,
                },
                loading(kind, cx),
            );
        }
    }

    /// The selected row.
    pub fn selected<'a>(&self, model: &'a Model) -> Option<&'a R> {
        R::table(model).get(self.list.selected()?)
    }

    /// Movement, marks and sorting; `None` if the action is none of these.
    pub fn act(&mut self, action: Action, columns: &[Column], cx: &Cx) -> Option<Reply> {
        match action {
            Action::SortNext => self.sort_step(true, columns),
            Action::SortPrevious => self.sort_step(false, columns),
            Action::SortReverse => self.view.set_sort(self.view.sort().reversed()),
            _ => {
                let keys = ViewKeys {
                    view: &self.view,
                    model: cx.model,
                };
                return self.list.act(action, &keys).then_some(Reply::Done);
            }
        }
        Some(Reply::Done)
    }

    fn sort_step(&mut self, forward: bool, columns: &[Column]) {
        let now = self.view.sort().column.name();
        if let Some(next) = next_column(&self.list.table, columns, now, forward, |id| {
            R::Column::named(id).is_some()
        }) && let Some(column) = R::Column::named(next)
        {
            self.view.set_sort(Sort::by(column));
        }
    }

    /// What the rows are sorted by, as a view says it.
    pub fn order(&self, cx: &Cx) -> Option<String> {
        Some(order(R::VOCABULARY.extra?, self.view.sort(), cx))
    }

    pub fn set_order(&mut self, text: &str, cx: &Cx) {
        if let Some(sort) = R::VOCABULARY.extra.and_then(|list| ordered(list, text, cx)) {
            self.view.set_sort(sort);
        }
    }

    /// Draws the rows; only visible ones are made.
    pub fn draw<'a>(
        &mut self,
        cx: &Cx<'a>,
        area: Rect,
        buf: &mut Buffer,
        columns: &[Column],
        focused: bool,
        row: impl Fn(&'a R, &[Column], &Cx<'a>) -> Row<'a>,
    ) {
        let sort = self.view.sort();
        let Self {
            view, list, body, ..
        } = self;
        let marks = list.marks().clone();
        *body = Table::new(columns, view.order().len())
            .sort(sort.column.name(), sort.descending)
            .focused(focused)
            .draw(area, buf, cx.theme, &mut list.table, |at| {
                match view.row(cx.model, at) {
                    Some(r) => row(r, columns, cx).marked(marks.contains(&r.key())),
                    None => Row::default(),
                }
            });
    }

    /// Click selects, a double click is told apart, click on a heading sorts, the wheel scrolls.
    pub fn mouse(&mut self, event: MouseEvent, columns: &[Column], cx: &Cx) -> Did {
        let keys = ViewKeys {
            view: &self.view,
            model: cx.model,
        };
        match pointed(
            event,
            self.body,
            &self.list,
            columns,
            self.view.order().len(),
            cx,
        ) {
            Pointed::Row(at, again) => {
                self.list.go(at, &keys);
                if again { Did::Again } else { Did::Moved }
            }
            Pointed::Heading(id) => {
                if let Some(column) = R::Column::named(id) {
                    let now = self.view.sort();
                    self.view.set_sort(if now.column == column {
                        now.reversed()
                    } else {
                        Sort::by(column)
                    });
                }
                Did::Moved
            }
            Pointed::Wheel(by) => {
                self.list.wheel(by, &keys);
                Did::Moved
            }
            Pointed::Nothing => Did::Nothing,
        }
    }

    /// The rows on screen, as of the last frame.
    pub fn visible<'a>(&'a self, model: &'a Model) -> impl Iterator<Item = &'a R> {
        let table = &self.list.table;
        let rows = table.offset()..table.offset() + table.page();
        rows.filter_map(|at| self.view.row(model, at))
    }

    /// When the text of a visible row next changes by itself; `spans` gives a row's times still running.
    pub fn wake(
        &self,
        cx: &Cx,
        since: impl Fn(&R) -> Option<DateTime<Utc>>,
    ) -> Option<DateTime<Utc>> {
        if cx.timestamps {
            return None;
        }
        let table = &self.list.table;
        (table.offset()..table.offset() + table.page())
            .filter_map(|at| self.view.row(cx.model, at))
            .flat_map(|row| {
                let own = R::VOCABULARY.extra;
                let own = own.and_then(|list| arrange::wake(list, row.key(), cx));
                let age = since(row).map(|at| cx.now + human::next_change(cx.now - at));
                age.into_iter().chain(own)
            })
            .min()
    }

    /// Names of the marked rows, or of the selected one, for the clipboard.
    pub fn copy(&self, model: &Model, one: &str, many: &str) -> Reply {
        let table = R::table(model);
        let names: Vec<&str> = match self.list.marks().len() {
            0 => self.selected(model).map(Listed::name).into_iter().collect(),
            _ => self
                .list
                .marks()
                .iter()
                .filter_map(|&key| Some(table.get(key)?.name()))
                .collect(),
        };
        let what = match &names[..] {
            [] => return Reply::Ignored,
            [name] => format!("{one} {name}"),
            all => format!("{} {many}", all.len()),
        };
        Reply::Copy {
            text: names.join("\n"),
            what,
        }
    }

    /// `3/62`, and how many are marked.
    pub fn position(&self) -> String {
        position(&self.list, self.view.order().len(), self.view.scoped())
    }

    /// Reads a filter; the error says what and what to do.
    pub fn set_filter(&mut self, text: &str, cx: &Cx) -> Result<(), String> {
        all_shown::<R>(text, cx)?;
        self.view.set_filter(text).map_err(|e| e.to_string())
    }
}

/// Columns of one's own that a filter names have to be among those that are shown: no row answers for another.
///
/// # Errors
/// The heading that is none, those that are almost so, and what to do.
pub fn all_shown<R: Listed>(text: &str, cx: &Cx) -> Result<(), String> {
    // what is no filter at all is told by whoever takes it
    let (Some(list), Ok(filter)) = (R::VOCABULARY.extra, Filter::parse(text, &R::VOCABULARY))
    else {
        return Ok(());
    };
    match cx.model.extras.unknown(list, &filter) {
        None => Ok(()),
        Some(unknown) => {
            let key = cx.keymap.all_keys_for(Action::Columns);
            let key = key.first().map_or(":columns".into(), ToString::to_string);
            Err(unknown.next(&format!("{key} chooses columns")))
        }
    }
}

/// An order as a view says it.
pub fn order<C: sort::Column>(list: extra::List, sort: Sort<C>, cx: &Cx) -> String {
    let turned = sort.descending != sort.column.largest_first();
    cx.model.extras.order_text(list, sort.column.name(), turned)
}

/// The order that a view says, if there is such a column.
pub fn ordered<C: sort::Column>(list: extra::List, text: &str, cx: &Cx) -> Option<Sort<C>> {
    let (id, turned) = cx.model.extras.order(list, text);
    let sort = Sort::by(C::named(id)?);
    Some(if turned { sort.reversed() } else { sort })
}

/// What a mouse event did to a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Did {
    Nothing,
    Moved,
    /// A double click: to open the row.
    Again,
}

/// What the mouse points at in a table.
pub enum Pointed {
    /// A row; true at a double click.
    Row(usize, bool),
    Heading(&'static str),
    Wheel(isize),
    Nothing,
}

/// Finds what a mouse event means for a table whose rows went to `body`.
pub fn pointed(
    event: MouseEvent,
    body: Rect,
    list: &List,
    columns: &[Column],
    rows: usize,
    cx: &Cx,
) -> Pointed {
    let inside = event.column >= body.x && event.column < body.right();
    let heading = inside && body.y > 0 && event.row + 1 == body.y;
    let on_rows = inside && event.row >= body.y && event.row < body.bottom();
    match event.kind {
        MouseEventKind::ScrollDown if on_rows || heading => Pointed::Wheel(3),
        MouseEventKind::ScrollUp if on_rows || heading => Pointed::Wheel(-3),
        MouseEventKind::Down(MouseButton::Left) if heading => {
            let column = list
                .table
                .column_at(event.column)
                .and_then(|n| columns.get(n));
            column.map_or(Pointed::Nothing, |c| Pointed::Heading(c.id()))
        }
        MouseEventKind::Down(MouseButton::Left) if on_rows => {
            match list.table.row_at(usize::from(event.row - body.y), rows) {
                Some(at) => {
                    let twice = cx.session.double_click && list.table.selected() == Some(at);
                    Pointed::Row(at, twice)
                }
                None => Pointed::Nothing,
            }
        }
        _ => Pointed::Nothing,
    }
}

/// The column to sort by after (or before) the present one: of those on screen, if any can be sorted by.
pub fn next_column(
    table: &crate::ui::TableState,
    columns: &[Column],
    now: &str,
    forward: bool,
    sortable: impl Fn(&str) -> bool,
) -> Option<&'static str> {
    let shown = table
        .shown_columns()
        .filter_map(|n| columns.get(n))
        .map(Column::id);
    let ids: Vec<&'static str> = shown.filter(|id| sortable(id)).collect();
    let n = ids.len();
    let at = ids.iter().position(|id| *id == now);
    let next = match (at, forward) {
        (Some(at), true) => (at + 1) % n,
        (Some(at), false) => (at + n - 1) % n,
        (None, _) => 0,
    };
    ids.get(next).copied()
}

/// `3/62`, `3/12 of 62` under a filter, `2 marked`.
pub fn position(list: &List, shown: usize, all: usize) -> String {
    let mut out = list.table.position(shown);
    if shown < all {
        out.push_str(&format!(" of {}", text::count(all as u64)));
    }
    match list.marks().len() {
        0 => {}
        n => out.push_str(&format!(" {n} marked")),
    }
    out
}
