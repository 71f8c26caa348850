//! The editor on the screen: what was noted on top, the text with its gutter, what is wrong below. Everything that
//! comes from a text is cut into whole characters and cleaned before it gets here.

use ratatui::buffer::Buffer as Cells;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use unicode_segmentation::UnicodeSegmentation;

use super::colour::Mark;
use super::diff::{Row, Sign};
use super::{Content, Editor, View};
use crate::app::action::{Action, Scope};
use crate::panes::Cx;
use crate::panes::centre::Empty;
use crate::ui::scroll::{self, Window};
use crate::ui::text::{clean, unwelcome, width, wrap};
use crate::ui::theme::Theme;
use crate::ui::{Level, State};

/// Rows for what was noted, and for what is wrong.
const NOTES: usize = 6;
const WRONG: usize = 3;
/// Columns kept between the cursor and the edge where a long line goes on.
const MARGIN: usize = 4;

/// What shows of a character, and how wide it is. What would move or hide others is a sign of its own.
fn shown(grapheme: &str) -> (&str, usize) {
    if grapheme == "\t" {
        return ("→", 1);
    }
    if grapheme.chars().any(unwelcome) {
        return ("?", 1);
    }
    (grapheme, width(grapheme))
}

/// The column where a character of a line begins, by its number.
pub fn column_of(line: &str, character: usize) -> usize {
    let mut column = 0;
    let mut passed = 0;
    for grapheme in line.graphemes(true) {
        if passed >= character {
            break;
        }
        passed += grapheme.chars().count();
        column += shown(grapheme).1;
    }
    column
}

/// The number of the character at a column.
pub fn character_at(line: &str, column: usize) -> usize {
    let mut at = 0;
    let mut passed = 0;
    for grapheme in line.graphemes(true) {
        let wide = shown(grapheme).1;
        if at + wide > column {
            break;
        }
        at += wide;
        passed += grapheme.chars().count();
    }
    passed
}

/// The byte where a character begins.
fn byte_of(line: &str, character: usize) -> usize {
    let found = line.char_indices().nth(character);
    found.map_or(line.len(), |(byte, _)| byte)
}

impl Editor {
    pub(super) fn paint(&mut self, cx: &Cx, area: Rect, buf: &mut Cells) {
        self.cursor_at = None;
        if let Some(empty) = self.empty(cx) {
            return empty.draw(area, buf, cx.theme);
        }
        let area = self.notes_above(cx, area, buf);
        let area = self.wrong_below(cx, area, buf);
        match self.view {
            View::Text => self.text(cx, area, buf),
            View::Diff => self.difference(cx, area, buf),
        }
    }

    fn empty(&self, cx: &Cx) -> Option<Empty> {
        match &self.content {
            Content::Ready => None,
            Content::Waiting { .. } => {
                Some(Empty::new(format!("fetching {}", self.words), "", cx.theme))
            }
            Content::Failed(why) => {
                let head = format!("{} cannot be submitted again", self.words);
                let mut empty = Empty::new(head, "", cx.theme);
                empty.detail = wrap(&clean(why), 72)
                    .into_iter()
                    .take(6)
                    .map(|text| Line::from(Span::styled(text, cx.theme.level(Level::Error))))
                    .collect();
                Some(empty)
            }
        }
    }

    /// What is not as it was; answers what is left for the rest.
    fn notes_above(&self, cx: &Cx, area: Rect, buf: &mut Cells) -> Rect {
        let columns = usize::from(area.width).saturating_sub(4);
        let height = usize::from(area.height);
        let most = match self.view {
            View::Text => NOTES.min(height / 4),
            View::Diff => height / 2,
        };
        let all: Vec<(usize, String)> = self
            .notes
            .iter()
            .enumerate()
            .flat_map(|(n, note)| {
                let rows = wrap(&clean(note), columns).into_iter().enumerate();
                rows.map(move |(row, text)| (if row == 0 { n + 1 } else { 0 }, text))
            })
            .collect();
        if all.is_empty() || most < 1 {
            return area;
        }
        let cut = all.len() > most;
        let shown = if cut { most - 1 } else { all.len() };
        let mut y = area.y;
        for (first, text) in all.iter().take(shown) {
            if *first > 0 {
                buf.set_string(area.x + 1, y, "·", cx.theme.key());
            }
            buf.set_stringn(area.x + 3, y, text, columns, cx.theme.dim());
            y += 1;
        }
        if cut {
            let key = cx.keymap.key_for(Action::Diff, &[Scope::Editor.name()]);
            let all_of_it = key.map_or(String::new(), |key| format!(": {key} shows all"));
            let more = format!("… {} more{all_of_it}", all.len() - shown);
            buf.set_stringn(area.x + 3, y, more, columns, cx.theme.faint());
            y += 1;
        }
        let line = Rect {
            y,
            height: 1,
            ..area
        };
        for x in line.x..line.right() {
            buf.set_string(x, y, "─", cx.theme.border(false));
        }
        Rect {
            y: y + 1,
            height: area.bottom().saturating_sub(y + 1),
            ..area
        }
    }

    /// What is wrong at the cursor's line, else first of all; answers what is left for the rest.
    fn wrong_below(&self, cx: &Cx, area: Rect, buf: &mut Cells) -> Rect {
        let line = self.buffer.cursor().0;
        let here = self.problems.iter().position(|p| p.line == Some(line));
        let worst = self.problems.iter().position(|p| p.level == Level::Error);
        let Some(at) = here.or(worst).or((!self.problems.is_empty()).then_some(0)) else {
            return area;
        };
        let problem = &self.problems[at];
        let place = problem
            .line
            .map_or(String::new(), |n| format!("line {}: ", n + 1));
        let count = match self.problems.len() {
            1 => String::new(),
            n => format!(" ({} of {n})", at + 1),
        };
        let text = format!("{place}{}{count}", clean(&problem.text));
        let columns = usize::from(area.width).saturating_sub(4).max(1);
        let rows = wrap(&text, columns);
        let shown = rows
            .len()
            .min(WRONG.min(usize::from(area.height) / 4).max(1));
        let height = u16::try_from(shown).unwrap_or(1);
        if area.height <= height {
            return area;
        }
        let style = cx.theme.level(problem.level);
        let top = area.bottom() - height;
        buf.set_string(area.x + 1, top, sign(problem.level, cx.theme), style);
        for (y, row) in (top..area.bottom()).zip(&rows) {
            buf.set_stringn(area.x + 3, y, row, columns, style);
        }
        Rect {
            height: area.height - height,
            ..area
        }
    }

    fn text(&mut self, cx: &Cx, area: Rect, buf: &mut Cells) {
        self.refresh();
        let total = self.buffer.lines().len();
        let number = total.to_string().len().max(3);
        let gutter = number + 3;
        let page = usize::from(area.height);
        let (line, character) = self.buffer.cursor();
        self.buffer.page = page.max(1);
        self.window = Window {
            page,
            total,
            ..self.window
        };
        if std::mem::take(&mut self.follow) {
            self.window = self.window.reveal(line);
        }
        self.window = self.window.settled();
        // one for the sign that it goes on, one for the scroll bar
        let columns = usize::from(area.width).saturating_sub(gutter + 2).max(1);
        let cursor = column_of(&self.buffer.lines()[line], character);
        let margin = MARGIN.min(columns / 4);
        if cursor < self.column + margin {
            self.column = cursor.saturating_sub(margin);
        } else if cursor + margin >= self.column + columns {
            self.column = cursor + margin + 1 - columns;
        }
        let selected = self.buffer.selection();
        let rows = self.window.offset..total.min(self.window.offset + page);
        for (n, y) in rows.zip(area.y..area.bottom()) {
            let text = &self.buffer.lines()[n];
            self.gutter(cx, n, number, Position::new(area.x, y), buf);
            let chosen = selected.and_then(|(from, to)| {
                if n < from.0 || n > to.0 {
                    return None;
                }
                let start = if n == from.0 {
                    byte_of(text, from.1)
                } else {
                    0
                };
                // the line break is part of it
                let end = match n == to.0 {
                    true => byte_of(text, to.1),
                    false => text.len() + 1,
                };
                Some(start..end)
            });
            let place = Rect {
                x: area.x + u16::try_from(gutter).unwrap_or(0),
                y,
                width: u16::try_from(columns).unwrap_or(area.width),
                height: 1,
            };
            self.line(cx, n, chosen, place, buf);
        }
        let row = line
            .checked_sub(self.window.offset)
            .filter(|row| *row < page);
        if let Some(row) = row {
            let x = area.x as usize + gutter + cursor.saturating_sub(self.column);
            let x = u16::try_from(x)
                .unwrap_or(area.x)
                .min(area.right().saturating_sub(1));
            let y = area.y + u16::try_from(row).unwrap_or(0);
            self.cursor_at = Some(Position::new(x, y));
        }
        self.text_area = Rect {
            x: area.x + u16::try_from(gutter).unwrap_or(0),
            ..area
        };
        bar(area, buf, cx.theme, self.window);
    }

    /// ` ✗  12 `: what is wrong there, or that it was changed, and its number.
    fn gutter(&self, cx: &Cx, n: usize, number: usize, at: Position, buf: &mut Cells) {
        let theme = cx.theme;
        let wrong = self.problems.iter().filter(|p| p.line == Some(n));
        let worst = wrong
            .map(|p| p.level)
            .max_by_key(|level| *level == Level::Error);
        if let Some(level) = worst {
            buf.set_string(at.x, at.y, sign(level, theme), theme.level(level));
        } else if self.changed.get(n).copied().unwrap_or(false) {
            buf.set_string(at.x, at.y, "▎", theme.state(State::Succeeded));
        }
        let style = match (worst, n == self.buffer.cursor().0) {
            (Some(level), _) => theme.level(level),
            (None, true) => theme.accent(),
            (None, false) => theme.faint(),
        };
        let text = format!("{:>number$}", n + 1);
        buf.set_string(at.x + 1, at.y, text, style);
    }

    fn line(
        &self,
        cx: &Cx,
        n: usize,
        chosen: Option<std::ops::Range<usize>>,
        area: Rect,
        buf: &mut Cells,
    ) {
        let theme = cx.theme;
        let text = &self.buffer.lines()[n];
        let marks = self.marks.get(n).map_or(&[][..], Vec::as_slice);
        let hits = match &self.pattern {
            Some(pattern) => pattern.ranges(text, 256),
            None => Vec::new(),
        };
        let wrong = self.problems.iter().find(|p| p.line == Some(n));
        let (line, character) = self.buffer.cursor();
        let here = (line == n).then(|| byte_of(text, character));
        let style = |byte: usize| -> Style {
            let mark = marks.partition_point(|mark| mark.0 <= byte);
            let mark = mark.checked_sub(1).map(|at| marks[at].1);
            let mut style = mark.map_or(theme.text(), |mark| mark.style(theme));
            if let Some(wrong) = wrong.filter(|_| mark == Some(Mark::Key)) {
                style = theme.level(wrong.level).add_modifier(Modifier::UNDERLINED);
            }
            if let Some(hit) = hits.iter().find(|hit| hit.contains(&byte)) {
                let current = here.is_some_and(|at| hit.contains(&at) || hit.end == at);
                style = style.patch(theme.matched(current));
            }
            if chosen.as_ref().is_some_and(|c| c.contains(&byte)) {
                style = style.patch(theme.selection(true));
            }
            style
        };
        let room = usize::from(area.width);
        let mut column = 0;
        let mut more = false;
        for (byte, grapheme) in text.grapheme_indices(true) {
            let (sign, wide) = shown(grapheme);
            let from = column;
            column += wide;
            if from < self.column {
                continue;
            }
            let x = from - self.column;
            if x + wide > room {
                more = true;
                break;
            }
            let style = match sign == grapheme {
                true => style(byte),
                false => style(byte).patch(theme.dim()),
            };
            let x = area.x + u16::try_from(x).unwrap_or(0);
            buf.set_stringn(x, area.y, sign, wide.max(1), style);
        }
        let end = column.saturating_sub(self.column);
        if chosen.is_some_and(|c| c.contains(&text.len())) && !more && end < room {
            let x = area.x + u16::try_from(end).unwrap_or(0);
            buf.set_string(x, area.y, " ", theme.selection(true));
        }
        if more {
            let x = area.right();
            buf.set_string(x, area.y, "›", theme.key());
        }
        if self.column > 0 && !text.is_empty() {
            buf.set_string(area.x.saturating_sub(1), area.y, "‹", theme.key());
        }
    }

    fn difference(&mut self, cx: &Cx, area: Rect, buf: &mut Cells) {
        if self.diff.rows.is_empty() {
            let text = format!("It is what {} was.", self.compared());
            return Empty::new("no difference", text, cx.theme).draw(area, buf, cx.theme);
        }
        self.diff_window = Window {
            page: area.height.into(),
            total: self.diff.rows.len(),
            ..self.diff_window
        }
        .settled();
        let last = self.diff.rows.iter().map(|row| row.line + 1).max();
        let number = last.unwrap_or(0).to_string().len().max(3);
        let rows = self.diff.rows.iter().skip(self.diff_window.offset);
        for (row, y) in rows.zip(area.y..area.bottom()) {
            let place = Rect {
                y,
                height: 1,
                ..area
            };
            self.difference_row(cx, row, number, place, buf);
        }
        bar(area, buf, cx.theme, self.diff_window);
    }

    fn difference_row(&self, cx: &Cx, row: &Row, number: usize, area: Rect, buf: &mut Cells) {
        let theme = cx.theme;
        let gutter = u16::try_from(number + 4).unwrap_or(7);
        let (sign, style) = match row.sign {
            Sign::Same => (" ", theme.dim()),
            Sign::Added => ("+", theme.state(State::Succeeded)),
            Sign::Removed => ("-", theme.state(State::Failed)),
            Sign::Fold(n) => {
                let text = match n {
                    1 => "… one line the same".to_owned(),
                    n => format!("… {n} lines the same"),
                };
                buf.set_string(area.x + gutter, area.y, text, theme.faint());
                return;
            }
        };
        if row.sign != Sign::Removed {
            let text = format!("{:>number$}", row.line + 1);
            buf.set_string(area.x + 1, area.y, text, theme.faint());
        }
        buf.set_string(area.x + gutter - 2, area.y, sign, style);
        let room = usize::from(area.width).saturating_sub(usize::from(gutter) + 1);
        let mut column = 0;
        for grapheme in row.text.graphemes(true) {
            let (sign, wide) = shown(grapheme);
            if column + wide > room {
                buf.set_string(area.right() - 2, area.y, "…", theme.key());
                break;
            }
            let x = area.x + gutter + u16::try_from(column).unwrap_or(0);
            buf.set_stringn(x, area.y, sign, wide.max(1), style);
            column += wide;
        }
    }
}

fn bar(area: Rect, buf: &mut Cells, theme: &Theme, window: Window) {
    let track = Rect {
        x: area.right().saturating_sub(1),
        width: 1,
        ..area
    };
    scroll::bar(track, buf, theme, window);
}

fn sign(level: Level, theme: &Theme) -> &'static str {
    match level {
        Level::Error => theme.state_glyph(State::Failed),
        Level::Warn => "!",
        _ => "·",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn columns_of_wide_and_joined_characters() {
        let line = "名: x\u{301}y👩‍🚀z\tq\u{7}";
        assert_eq!(column_of(line, 0), 0);
        assert_eq!(column_of(line, 1), 2);
        // x with its accent is one
        assert_eq!(column_of(line, 5), 5);
        assert_eq!(character_at(line, 4), 5 - 2);
        assert_eq!(character_at(line, 1), 0);
        assert_eq!(character_at(line, 99), line.chars().count());
        // the text, its wide signs, and one cell each for what would move the cursor
        assert_eq!(column_of(line, 99), 12);
    }

    proptest! {
        #[test]
        fn a_column_and_its_character_agree(line in "\\PC{0,20}") {
            for column in 0..30 {
                let character = character_at(&line, column);
                prop_assert!(column_of(&line, character) <= column);
            }
        }
    }
}
