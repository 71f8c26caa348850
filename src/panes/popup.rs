//! A list in a box over the screen: the shape the command bar and the switchers share. It keeps which line is
//! selected and draws; what the lines are and mean is its owner's.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::{Block, Widget};

use crate::app::action::Action;
use crate::ui::{Theme, text};

/// One line of the list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Item {
    pub text: String,
    /// Dim, after the text.
    pub detail: String,
    /// At the right edge.
    pub keys: String,
    /// Characters of `text` that matched, ascending.
    pub marks: Vec<u32>,
    /// The one in force now.
    pub current: bool,
}

/// Which line is selected, and the first one shown.
#[derive(Debug, Clone, Copy, Default)]
pub struct Popup {
    pub selected: usize,
    top: usize,
    page: usize,
}

impl Popup {
    /// Back to the first line: the list is another one.
    pub fn reset(&mut self) {
        *self = Self { page: self.page, ..Self::default() };
    }

    /// Moves for the movement actions; false for others.
    pub fn act(&mut self, action: Action, lines: usize) -> bool {
        let last = lines.saturating_sub(1);
        let page = self.page.max(1);
        self.selected = match action {
            Action::Up => self.selected.saturating_sub(1),
            Action::Down => (self.selected + 1).min(last),
            Action::PageUp => self.selected.saturating_sub(page),
            Action::PageDown => (self.selected + page).min(last),
            Action::Top => 0,
            Action::Bottom => last,
            _ => return false,
        };
        true
    }

    /// The box of at most `width` x (lines + 2) cells at the bottom of the area, above the prompt.
    pub fn draw(&mut self, title: &str, empty: &str, items: &[Item], area: Rect, buf: &mut Buffer, theme: &Theme) {
        let width = area.width.min(76);
        let rows = (items.len().max(1) as u16).min(area.height.saturating_sub(2)).min(16);
        let area = Rect {
            x: area.x + (area.width - width) / 2,
            y: area.bottom().saturating_sub(rows + 2),
            width,
            height: rows + 2,
        }
        .intersection(area);
        theme.clear_popup(area, buf);
        Block::bordered().border_style(theme.border(true)).title(format!(" {title} ")).title_style(theme.title()).render(area, buf);
        let inside = Rect { x: area.x + 1, y: area.y + 1, width: area.width.saturating_sub(2), height: area.height.saturating_sub(2) };
        self.page = usize::from(inside.height);
        self.selected = self.selected.min(items.len().saturating_sub(1));
        self.top = self.top.min(self.selected).max((self.selected + 1).saturating_sub(self.page));
        if items.is_empty() {
            buf.set_stringn(inside.x + 1, inside.y, empty, inside.width.saturating_sub(2).into(), theme.dim());
        }
        for (y, (at, item)) in (inside.y..inside.bottom()).zip(items.iter().enumerate().skip(self.top)) {
            line(item, at == self.selected, Rect { y, height: 1, ..inside }, buf, theme);
        }
    }
}

fn line(item: &Item, selected: bool, area: Rect, buf: &mut Buffer, theme: &Theme) {
    if selected {
        buf.set_style(area, theme.selection(true));
        buf.set_stringn(area.x, area.y, theme.glyphs().selection(), 1, theme.selection_bar(true));
    }
    let keys = text::width(&item.keys) as u16;
    let room = area.width.saturating_sub(keys + 4);
    let mut x = area.x + 2;
    let end = x + room;
    let style = |marked: bool| match (marked, item.current) {
        (true, _) => theme.matched(false),
        (false, true) => theme.accent(),
        (false, false) => theme.text(),
    };
    let shown = text::shorten(&item.text, room.into(), text::Shorten::Middle);
    // marks belong to the whole text: a shortened one shows none
    let marks: &[u32] = if *shown == *item.text { &item.marks } else { &[] };
    let mut at = 0u32;
    for cluster in shown.split_inclusive(|_: char| true) {
        let marked = marks.binary_search(&at).is_ok();
        at += 1;
        (x, _) = buf.set_stringn(x, area.y, cluster, usize::from(end.saturating_sub(x)), style(marked));
    }
    if x + 2 < end && !item.detail.is_empty() {
        let room = usize::from(end - x - 2);
        let detail = text::shorten(&item.detail, room, text::Shorten::End);
        buf.set_stringn(x + 2, area.y, &detail, room, theme.dim());
    }
    buf.set_stringn(area.right().saturating_sub(keys + 1), area.y, &item.keys, keys.into(), theme.key());
}
