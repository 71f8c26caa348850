//! The hardware reference on screen: what each GPU computes in hardware, CUDA cores and tensor cores side by side, those
//! of the clusters looked at first with how many are free.

use std::cell::RefCell;
use std::rc::Rc;

use chrono::{DateTime, Utc};
use crossterm::event::{MouseEvent, MouseEventKind};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

use super::beside;
use super::clusters;
use super::list::{Keys, List};
use super::sheet::{Pointed, pointed};
use super::words::count;
use super::{Cx, Level, Pane, Reply, Target};
use crate::app::action::{Action, Scope};
use crate::hardware::{Ask, Gpu};
use crate::model::ids::{ClusterId, Key, Uid};
use crate::model::want::{Kind, Selector, Want};
use crate::ui::scroll::{self, Window};
use crate::ui::{Cell, Column, Row, State, Table, text};
use stock::Stock;

pub mod advice;
pub mod compare;
mod figures;
mod matrix;
mod ofjob;
pub mod place;
pub mod stock;
#[cfg(test)]
mod tests;

/// From this width on the data-sheet stands beside the matrix.
const BESIDE: u16 = 150;

/// One line of the list: an entry of the reference, or a product of this cluster the reference does not know.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    key: Key,
    /// Id in the reference.
    gpu: Option<String>,
    stock: Option<Stock>,
}

/// The screen.
#[derive(Default)]
pub struct Hardware {
    items: Vec<Item>,
    all: usize,
    filter: String,
    ask: Ask,
    list: List,
    body: Rect,
    /// Only these entries, where it was opened at some.
    only: Vec<String>,
    /// Lines of the data-sheet beside.
    sheet: Window,
    of: Option<Key>,
    /// Where the data-sheet beside was drawn; the keys may be its.
    side: Option<Rect>,
    inside: bool,
    /// What the cluster has, as of this version of its nodes, by this reference.
    stocks: RefCell<Option<Kept>>,
}

/// Version of the nodes, the clusters and the reference they were resolved by, and what came of it.
type Kept = ((u64, Vec<ClusterId>, usize), Rc<Vec<Stock>>);

struct Shown<'a>(&'a [Item]);

impl Keys for Shown<'_> {
    fn count(&self) -> usize {
        self.0.len()
    }

    fn key(&self, at: usize) -> Option<Key> {
        self.0.get(at).map(|item| item.key)
    }

    fn exists(&self, key: Key) -> bool {
        self.0.iter().any(|item| item.key == key)
    }
}

/// A product is no object of a cluster: it is the same line whichever have it.
fn key(name: &str) -> Key {
    Key {
        cluster: ClusterId::default(),
        uid: Uid::parse(&format!("hardware of {name}")),
    }
}

fn columns() -> Vec<Column> {
    vec![Column::new("gpu", "").width(20, 60, 400).grow()]
}

/// A window after a key that scrolls; none: another key.
fn scrolled(window: Window, action: Action) -> Option<Window> {
    Some(match action {
        Action::Up => window.step(-1),
        Action::Down => window.step(1),
        Action::PageUp => window.step_page(-1),
        Action::PageDown => window.step_page(1),
        Action::Top => window.step(isize::MIN),
        Action::Bottom => window.step(isize::MAX),
        _ => return None,
    })
}

/// Leads to the reference at these entries; where there is none, says what the labels tell.
pub fn at(ids: Vec<String>, unknown: &str) -> Reply {
    match ids.len() {
        0 if unknown.is_empty() => {
            let text = "no GPU here that the reference could be opened at".to_owned();
            Reply::Say(Level::Info, text)
        }
        0 => {
            let text = format!("the reference does not know {}", text::clean(unknown));
            Reply::Say(Level::Warning, text)
        }
        _ => Reply::Open(Target::Gpus(ids)),
    }
}

/// The reference at some entries: a data-sheet, two to four side by side, or else a list.
pub fn open(ids: &[String]) -> Box<dyn Pane> {
    match ids.len() {
        0..=compare::MOST => Box::new(compare::Gpus::new(ids.to_vec())),
        _ => Box::new(Hardware {
            only: ids.to_vec(),
            ..Hardware::default()
        }),
    }
}

impl Hardware {
    fn stocks(&self, cx: &Cx) -> Rc<Vec<Stock>> {
        // the user's entries change while jobdeck runs
        let version = (
            cx.model.nodes.version(),
            cx.session.shown(),
            std::ptr::from_ref(cx.hardware).addr(),
        );
        let mut kept = self.stocks.borrow_mut();
        match &*kept {
            Some((at, stocks)) if *at == version => stocks.clone(),
            _ => {
                let stocks = Rc::new(stock::all(cx));
                *kept = Some((version, stocks.clone()));
                stocks
            }
        }
    }

    fn refresh(&mut self, cx: &Cx) {
        let stocks = self.stocks(cx);
        let mut items: Vec<Item> = Vec::new();
        for stock in stocks.iter() {
            let name = stock.gpu.clone().unwrap_or_else(|| stock.product.clone());
            items.push(Item {
                key: key(&name),
                gpu: stock.gpu.clone(),
                stock: Some(stock.clone()),
            });
        }
        for gpu in &cx.hardware.gpus {
            if !items.iter().any(|item| item.gpu.as_ref() == Some(&gpu.id)) {
                items.push(Item {
                    key: key(&gpu.id),
                    gpu: Some(gpu.id.clone()),
                    stock: None,
                });
            }
        }
        if !self.only.is_empty() {
            items.retain(|item| item.gpu.as_ref().is_some_and(|id| self.only.contains(id)));
        }
        self.all = items.len();
        let wanted = self.filter.to_lowercase();
        items.retain(
            |item| match item.gpu.as_deref().and_then(|id| cx.hardware.gpu(id)) {
                Some(gpu) => self.ask.wants(gpu, cx.hardware),
                None => {
                    let stock = item.stock.as_ref();
                    stock.is_some_and(|stock| stock.product.to_lowercase().contains(&wanted))
                }
            },
        );
        self.items = items;
        self.list.settle(&Shown(&self.items), false);
        if self.of != self.list.selected() {
            self.of = self.list.selected();
            self.sheet = Window::default();
        }
    }

    fn selected(&self) -> Option<&Item> {
        let key = self.list.selected()?;
        self.items.iter().find(|item| item.key == key)
    }

    /// Entries of the marked lines, or of the selected one.
    fn chosen(&self) -> Vec<String> {
        let marks = self.list.marks();
        let marked = self.items.iter().filter(|item| marks.contains(&item.key));
        let mut ids: Vec<String> = marked.filter_map(|item| item.gpu.clone()).collect();
        if ids.is_empty() {
            ids.extend(self.selected().and_then(|item| item.gpu.clone()));
        }
        ids
    }
}

impl Pane for Hardware {
    fn title(&self, _cx: &Cx) -> String {
        "hardware".into()
    }

    fn answer<'a>(&self, cx: &Cx<'a>) -> Line<'a> {
        let here = self.stocks(cx);
        let known = here.iter().filter(|s| s.gpu.is_some()).count();
        let unknown = here.len() - known;
        let (all, free) = here
            .iter()
            .fold((0, 0), |(all, free), s| (all + s.all, free + s.free));
        let text = cx.theme.text();
        let mut line = Line::default();
        if here.is_empty() {
            let words = match super::health::unknown(Kind::Node, cx) {
                Some(words) => words,
                None if clusters::stand_apart(cx) => "no GPUs in any of the clusters".to_owned(),
                None => "no GPUs in this cluster".to_owned(),
            };
            line.push_span(Span::styled(words, cx.theme.dim()));
        } else {
            let words = format!(
                "{} here: {} GPUs, {free} free{}",
                count(here.len(), "kind of GPU", "kinds of GPU"),
                text::count(u64::from(all)),
                each(&here, cx)
            );
            line.push_span(Span::styled(words, text));
        }
        if unknown > 0 {
            let words = format!("; {unknown} not in the reference");
            line.push_span(Span::styled(words, cx.theme.state(State::Waiting)));
        }
        let words = format!(
            "; {} in the reference",
            count(cx.hardware.gpus.len(), "product", "products")
        );
        line.push_span(Span::styled(words, cx.theme.dim()));
        line
    }

    fn scopes(&self) -> &'static [Scope] {
        &[Scope::Hardware, Scope::List]
    }

    fn hints(&self, _cx: &Cx) -> Vec<Action> {
        if self.inside {
            return vec![Action::Focus, Action::Down, Action::PageDown, Action::Open];
        }
        let mut out = vec![Action::Open, Action::Mark, Action::Compare];
        if self.side.is_some() {
            out.push(Action::Focus);
        }
        out.extend([Action::Filter, Action::Copy]);
        out
    }

    fn draw(&mut self, cx: &Cx, area: Rect, buf: &mut Buffer) {
        self.refresh(cx);
        let mut left = area;
        self.side = None;
        if area.width >= BESIDE && !self.items.is_empty() {
            let ideal = (area.width * 2 / 5).clamp(60, 90);
            let wide = beside::width("hardware", area.width, ideal, cx);
            left.width -= wide + 1;
            for y in area.y..area.bottom() {
                buf.set_string(left.right(), y, "│", cx.theme.border(self.inside));
            }
            let side = Rect {
                x: left.right() + 2,
                width: wide - 2,
                ..area
            };
            self.side = Some(side);
            self.beside(cx, side, buf);
        }
        self.inside &= self.side.is_some();
        let shape = matrix::Shape::of(left.width, self.items.iter().any(|i| i.stock.is_some()));
        for (y, line) in (left.y..left.bottom()).zip(shape.heads(cx)) {
            buf.set_line(left.x + 1, y, &line, left.width.saturating_sub(1));
        }
        let rest = Rect {
            y: (left.y + 2).min(left.bottom()),
            height: left.height.saturating_sub(2),
            ..left
        };
        if self.items.is_empty() {
            let words = format!("no GPU is all of that: {}", text::clean(&self.filter));
            buf.set_stringn(rest.x + 1, rest.y, words, rest.width.into(), cx.theme.dim());
            return;
        }
        let columns = columns();
        let (items, marks) = (&self.items, self.list.marks().clone());
        self.body = Table::new(&columns, items.len())
            .header(false)
            .focused(cx.focused && !self.inside)
            .draw(rest, buf, cx.theme, &mut self.list.table, |at| {
                let Some(item) = items.get(at) else {
                    return Row::default();
                };
                let spans = shape.row(item, cx);
                Row::new(vec![Cell::Spans(spans)]).marked(marks.contains(&item.key))
            });
    }

    fn act(&mut self, action: Action, cx: &Cx) -> Reply {
        self.refresh(cx);
        if self.inside {
            match action {
                Action::Focus | Action::Back => self.inside = false,
                _ => match scrolled(self.sheet, action) {
                    Some(window) => self.sheet = window,
                    None => return self.own(action, cx),
                },
            }
            return Reply::Done;
        }
        self.own(action, cx)
    }

    fn wants(&self, _cx: &Cx) -> Vec<Want> {
        [Kind::Node, Kind::Pod]
            .map(|kind| Want::Watch(kind, Selector::All))
            .into()
    }

    fn wake(&self, _cx: &Cx) -> Option<DateTime<Utc>> {
        None
    }

    fn filter(&self) -> &str {
        &self.filter
    }

    fn set_filter(&mut self, text: &str, cx: &Cx) -> Result<(), String> {
        self.ask = Ask::parse(text)?;
        self.filter = text.trim().to_owned();
        self.refresh(cx);
        Ok(())
    }

    fn position(&self, _cx: &Cx) -> String {
        super::sheet::position(&self.list, self.items.len(), self.all)
    }

    fn border(&self) -> Option<(&'static str, u16)> {
        self.side.map(|side| ("hardware", side.x - 2))
    }

    fn mouse(&mut self, event: MouseEvent, _area: Rect, cx: &Cx) -> Reply {
        self.refresh(cx);
        let at = Position::new(event.column, event.row);
        if self.side.is_some_and(|side| side.contains(at)) {
            self.sheet = match event.kind {
                MouseEventKind::ScrollDown => self.sheet.step(3),
                MouseEventKind::ScrollUp => self.sheet.step(-3),
                MouseEventKind::Down(_) => self.sheet,
                _ => return Reply::Ignored,
            };
            self.inside |= matches!(event.kind, MouseEventKind::Down(_));
            return Reply::Done;
        }
        match pointed(
            event,
            self.body,
            &self.list,
            &columns(),
            self.items.len(),
            cx,
        ) {
            Pointed::Row(_, true) => return self.own(Action::Open, cx),
            Pointed::Row(at, _) => {
                self.inside = false;
                self.list.go(at, &Shown(&self.items));
            }
            Pointed::Wheel(by) => self.list.wheel(by, &Shown(&self.items)),
            Pointed::Heading(_) | Pointed::Nothing => return Reply::Ignored,
        }
        Reply::Done
    }
}

/// ` (csc-demo 61, csc-east 32)`: which of several clusters has how many.
fn each(stocks: &[Stock], cx: &Cx) -> String {
    if !clusters::stand_apart(cx) {
        return String::new();
    }
    let of = |id: ClusterId| {
        let places = stocks.iter().filter_map(|stock| stock.places.get(&id));
        let all: u32 = places.map(|place| place.all).sum();
        let name = cx.model.clusters.name(id)?;
        Some(format!("{} {}", text::clean(name), text::count(all.into())))
    };
    let shown = cx.session.shown().into_iter();
    let each: Vec<String> = shown.filter_map(of).collect();
    format!(" ({})", each.join(", "))
}

impl Hardware {
    /// What a key means for the list.
    fn own(&mut self, action: Action, cx: &Cx) -> Reply {
        match action {
            Action::Open | Action::ShowHardware => {
                let ids: Vec<String> = self
                    .selected()
                    .and_then(|i| i.gpu.clone())
                    .into_iter()
                    .collect();
                let stock = self.selected().and_then(|item| item.stock.as_ref());
                at(ids, stock.map_or("", |stock| &stock.product))
            }
            Action::Focus if self.side.is_some() => {
                self.inside = true;
                Reply::Done
            }
            Action::Compare => match self.chosen() {
                ids if ids.len() < 2 => Reply::Say(
                    Level::Info,
                    "mark two to four GPUs to compare them".to_owned(),
                ),
                ids if ids.len() > compare::MOST => Reply::Say(
                    Level::Info,
                    format!("{} are marked; four fit side by side", ids.len()),
                ),
                ids => Reply::Open(Target::Gpus(ids)),
            },
            Action::Copy => match self.selected() {
                Some(item) => {
                    let known = item.gpu.as_deref().and_then(|id| cx.hardware.gpu(id));
                    let stock = item.stock.as_ref().map(|stock| stock.product.clone());
                    let text = known
                        .map(|gpu| gpu.name.clone())
                        .or(stock)
                        .unwrap_or_default();
                    let what = format!("the name {text}");
                    Reply::Copy { text, what }
                }
                None => Reply::Ignored,
            },
            _ if self.list.act(action, &Shown(&self.items)) => Reply::Done,
            _ => Reply::Ignored,
        }
    }

    fn beside(&mut self, cx: &Cx, area: Rect, buf: &mut Buffer) {
        let Some(item) = self.selected() else { return };
        // the last column is the scroll bar's
        let width = usize::from(area.width.saturating_sub(2));
        let gpu: Option<&Gpu> = item.gpu.as_deref().and_then(|id| cx.hardware.gpu(id));
        let lines = match gpu {
            Some(gpu) => figures::lines(gpu, item.stock.as_ref(), cx, width),
            None => figures::unknown(item.stock.as_ref(), cx, width),
        };
        self.sheet = Window {
            page: area.height.into(),
            total: lines.len(),
            ..self.sheet
        }
        .settled();
        for (y, line) in (area.y..area.bottom()).zip(lines.iter().skip(self.sheet.offset)) {
            buf.set_line(area.x, y, line, area.width);
        }
        scroll::bar(area, buf, cx.theme, self.sheet);
    }
}
