//! One line being typed: editing with the keys of a shell, history, a ghost of what would complete it.
//! Separate because the filter, the command bar and every question use it.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use tui_textarea::{CursorMove, TextArea};

use super::{Theme, text};

/// A line of text with a cursor.
#[derive(Debug, Clone)]
pub struct Input {
    area: TextArea<'static>,
    /// Earlier lines, oldest first.
    history: Vec<String>,
    /// Where in the history we are, and what was typed before going there.
    recalled: Option<(usize, String)>,
}

/// Lines of history kept.
const KEPT: usize = 200;

impl Default for Input {
    fn default() -> Self {
        Self::new("")
    }
}

impl Input {
    /// A line with this text, the cursor at its end.
    pub fn new(text: &str) -> Self {
        let mut input = Self {
            area: TextArea::default(),
            history: Vec::new(),
            recalled: None,
        };
        input.set(text);
        input
    }

    /// The same with earlier lines to go back to, oldest first.
    pub fn with_history(mut self, history: Vec<String>) -> Self {
        self.history = history;
        self
    }

    /// What is typed so far.
    pub fn text(&self) -> &str {
        self.area.lines().first().map_or("", String::as_str)
    }

    /// Whether nothing is typed.
    pub fn is_empty(&self) -> bool {
        self.text().is_empty()
    }

    /// Replaces the text; the cursor goes to its end.
    pub fn set(&mut self, text: &str) {
        let mut area = TextArea::new(vec![one_line(text)]);
        area.move_cursor(CursorMove::End);
        self.area = area;
    }

    /// Inserts a pasted text at the cursor; line breaks become blanks.
    pub fn insert(&mut self, text: &str) {
        self.recalled = None;
        self.area.insert_str(one_line(text));
    }

    /// Whether the cursor is at the end, where a completion may be taken with the right arrow.
    pub fn at_end(&self) -> bool {
        self.column() == self.text().chars().count()
    }

    /// The cursor's place in characters.
    fn column(&self) -> usize {
        self.area.cursor().1
    }

    /// The columns on screen of some characters, when the cursor was drawn in column `cursor`; one behind the end too.
    pub fn columns_of(&self, from: usize, len: usize, cursor: u16) -> std::ops::Range<u16> {
        let typed = text::clean(self.text()).into_owned();
        let known = typed.chars().count();
        let column = |n: usize| {
            let before: String = typed.chars().take(n).collect();
            text::width(&before) + n.saturating_sub(known)
        };
        let here = column(self.column());
        let place = |n: usize| {
            let x = (usize::from(cursor) + column(n)).saturating_sub(here);
            u16::try_from(x).unwrap_or(u16::MAX)
        };
        place(from)..place(from + len)
    }

    /// Takes one key; whether the text changed.
    pub fn key(&mut self, key: KeyEvent) -> bool {
        let before = self.text().to_owned();
        match (key.code, key.modifiers) {
            (KeyCode::Enter | KeyCode::Esc | KeyCode::Tab | KeyCode::BackTab, _)
            | (KeyCode::Char('m' | 'j'), KeyModifiers::CONTROL) => return false,
            (KeyCode::Up, _) | (KeyCode::Char('p'), KeyModifiers::CONTROL) => self.older(),
            (KeyCode::Down, _) | (KeyCode::Char('n'), KeyModifiers::CONTROL) => self.newer(),
            // In a shell ctrl-u clears to the start; the widget takes it for undo.
            (KeyCode::Char('u'), KeyModifiers::CONTROL) => {
                self.area.delete_line_by_head();
            }
            (KeyCode::Char('c'), KeyModifiers::CONTROL) => return false,
            _ => {
                self.area.input(key);
                self.recalled = None;
            }
        }
        self.text() != before
    }

    /// Keeps the present text as the newest line of the history.
    pub fn remember(&mut self) {
        let text = self.text().to_owned();
        self.recalled = None;
        if text.trim().is_empty() {
            return;
        }
        self.history.retain(|line| *line != text);
        self.history.push(text);
        if self.history.len() > KEPT {
            self.history.remove(0);
        }
    }

    /// The lines kept, oldest first.
    pub fn history(&self) -> &[String] {
        &self.history
    }

    /// The line before this one in the history that begins like what was typed.
    fn older(&mut self) {
        let (from, typed) = self
            .recalled
            .take()
            .unwrap_or_else(|| (self.history.len(), self.text().to_owned()));
        let found = self.history[..from.min(self.history.len())]
            .iter()
            .rposition(|line| line.starts_with(&typed));
        if let Some(at) = found {
            let line = self.history[at].clone();
            self.set(&line);
        }
        self.recalled = Some((found.unwrap_or(from), typed));
    }

    fn newer(&mut self) {
        let Some((from, typed)) = self.recalled.take() else {
            return;
        };
        let rest = self.history.get(from + 1..).unwrap_or_default();
        match rest.iter().position(|line| line.starts_with(&typed)) {
            Some(at) => {
                let at = from + 1 + at;
                let line = self.history[at].clone();
                self.set(&line);
                self.recalled = Some((at, typed));
            }
            None => self.set(&typed),
        }
    }

    /// Draws label, text and ghost (what a completion would add) into one row; answers where the cursor stands. Long
    /// text scrolls so that the cursor stays in sight.
    pub fn draw(
        &self,
        label: &str,
        ghost: &str,
        area: Rect,
        buf: &mut Buffer,
        theme: &Theme,
    ) -> Position {
        let area = area.intersection(buf.area);
        if area.is_empty() {
            return area.as_position();
        }
        let width = usize::from(area.width);
        let (mut x, _) = buf.set_stringn(area.x, area.y, label, width, theme.key());
        if !label.is_empty() && x < area.right() {
            x += 1;
        }
        let room = usize::from(area.right().saturating_sub(x)).saturating_sub(1);
        let typed = text::clean(self.text()).into_owned();
        let before: String = typed.chars().take(self.column()).collect();
        let cursor = text::width(&before);
        let skip = cursor.saturating_sub(room);
        let shown = text::slice(&[typed.into()], skip, room);
        let mut end = x;
        for span in &shown {
            (end, _) = buf.set_stringn(end, area.y, &span.content, room, theme.text());
        }
        if skip == 0 && self.at_end() && end < area.right() {
            buf.set_stringn(
                end,
                area.y,
                ghost,
                usize::from(area.right() - end),
                theme.disabled(),
            );
        }
        let at = x.saturating_add(u16::try_from(cursor - skip).unwrap_or(u16::MAX));
        Position::new(at.min(area.right() - 1), area.y)
    }
}

fn one_line(text: &str) -> String {
    text.trim_end_matches(['\r', '\n'])
        .replace(['\r', '\n', '\t'], " ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn press(input: &mut Input, keys: &str) {
        for c in keys.chars() {
            let key = match c {
                '↑' => KeyEvent::new(KeyCode::Up, KeyModifiers::NONE),
                '↓' => KeyEvent::new(KeyCode::Down, KeyModifiers::NONE),
                '←' => KeyEvent::new(KeyCode::Left, KeyModifiers::NONE),
                '⌫' => KeyEvent::new(KeyCode::Backspace, KeyModifiers::NONE),
                '⌧' => KeyEvent::new(KeyCode::Char('u'), KeyModifiers::CONTROL),
                'Ⓦ' => KeyEvent::new(KeyCode::Char('w'), KeyModifiers::CONTROL),
                c => KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE),
            };
            input.key(key);
        }
    }

    #[test]
    fn typing_and_the_keys_of_a_shell() {
        let mut input = Input::new("job");
        press(&mut input, "s←x");
        assert_eq!(input.text(), "jobxs");
        assert!(!input.at_end());
        press(&mut input, "⌧");
        assert_eq!(input.text(), "s");
        input.set("one two");
        press(&mut input, "Ⓦ");
        assert_eq!(input.text(), "one ");
        input.insert("a\nb\r\n");
        assert_eq!(input.text(), "one a b");
        assert!(!input.key(KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE)));
        assert_eq!(input.text(), "one a b");
    }

    #[test]
    fn history_recalls_what_begins_alike() {
        let history = ["jobs", "pods", "job pi", "nodes"]
            .map(str::to_owned)
            .to_vec();
        let mut input = Input::default().with_history(history);
        press(&mut input, "jo↑");
        assert_eq!(input.text(), "job pi");
        press(&mut input, "↑");
        assert_eq!(input.text(), "jobs");
        press(&mut input, "↑");
        assert_eq!(input.text(), "jobs");
        press(&mut input, "↓↓");
        assert_eq!(input.text(), "jo");
        input.set("pods");
        input.remember();
        assert_eq!(input.history(), ["jobs", "job pi", "nodes", "pods"]);
    }

    #[test]
    fn long_text_scrolls_with_the_cursor() {
        let theme = Theme::default();
        let mut buf = Buffer::empty(Rect::new(0, 0, 12, 1));
        let at = Input::new("abcdefghijklmnop").draw("/", "", buf.area, &mut buf, &theme);
        let text: String = buf
            .content
            .iter()
            .map(ratatui::buffer::Cell::symbol)
            .collect();
        assert_eq!(text, "/ hijklmnop ");
        assert_eq!(at, Position::new(11, 0));
        let mut buf = Buffer::empty(Rect::new(0, 0, 12, 1));
        let at = Input::new("jo").draw(":", "bs", buf.area, &mut buf, &theme);
        let text: String = buf
            .content
            .iter()
            .map(ratatui::buffer::Cell::symbol)
            .collect();
        assert_eq!(text, ": jobs      ");
        assert_eq!(at, Position::new(4, 0));
    }

    proptest! {
        #[test]
        fn any_text_is_drawn_inside(text in any::<String>(), width in 0u16..20) {
            let theme = Theme::default();
            let mut buf = Buffer::empty(Rect::new(0, 0, 20, 1));
            let mut input = Input::new(&text);
            input.insert(&text);
            let area = Rect::new(0, 0, width, 1);
            let at = input.draw("filter", "ghost", area, &mut buf, &theme);
            prop_assert!(at.x <= width && at.y == 0);
            for x in width..20 {
                prop_assert_eq!(buf[(x, 0)].symbol(), " ");
            }
        }
    }
}
