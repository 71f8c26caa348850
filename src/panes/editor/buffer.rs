//! The text that is edited: a text area with undo by whole steps, indentation as YAML wants it, pasting that lets no
//! control character in. Separate because all of it is tested without a screen.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use tui_textarea::{CursorMove, TextArea};

/// Bytes of earlier texts kept for undo.
const KEPT: usize = 8 * 1024 * 1024;
/// One step of indentation.
const STEP: usize = 2;

/// The text as it was, and where the cursor stood.
#[derive(Debug, Clone)]
struct Earlier {
    lines: Vec<String>,
    at: (usize, usize),
}

impl Earlier {
    fn bytes(&self) -> usize {
        self.lines.iter().map(|line| line.len() + 24).sum()
    }
}

/// What a change is: several of a kind in a row are undone together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A letter, and whether it was a blank.
    Letter(bool),
    Erase,
    Other,
}

/// The text and its cursor.
#[derive(Debug, Clone)]
pub struct Buffer {
    area: TextArea<'static>,
    /// Goes up with each change.
    version: u64,
    undo: Vec<Earlier>,
    redo: Vec<Earlier>,
    /// The last change, and where it left the cursor.
    last: Option<(Kind, (usize, usize))>,
    /// Rows of a page.
    pub page: usize,
}

impl Buffer {
    pub fn new(text: &str) -> Self {
        Self {
            area: area(lines(text)),
            version: 0,
            undo: Vec::new(),
            redo: Vec::new(),
            last: None,
            page: 20,
        }
    }

    /// All of it; ends with a line break unless it is empty.
    pub fn text(&self) -> String {
        let mut text = self.lines().join("\n");
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        text
    }

    pub fn lines(&self) -> &[String] {
        self.area.lines()
    }

    pub fn is_empty(&self) -> bool {
        self.lines().iter().all(|line| line.trim().is_empty())
    }

    pub fn version(&self) -> u64 {
        self.version
    }

    /// Line and character, from 0.
    pub fn cursor(&self) -> (usize, usize) {
        let at = self.area.cursor();
        (at.0, at.1)
    }

    /// From and to, as line and character; none if nothing is selected.
    pub fn selection(&self) -> Option<((usize, usize), (usize, usize))> {
        self.area.selection_range().filter(|(from, to)| from != to)
    }

    /// Puts the cursor somewhere; what was selected is not any more.
    pub fn go(&mut self, line: usize, column: usize) {
        self.area.cancel_selection();
        self.jump(line, column);
    }

    /// The same, and what lies between is selected.
    pub fn select_to(&mut self, line: usize, column: usize) {
        if !self.area.is_selecting() {
            self.area.start_selection();
        }
        self.jump(line, column);
    }

    fn jump(&mut self, line: usize, column: usize) {
        let cut = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
        self.area
            .move_cursor(CursorMove::Jump(cut(line), cut(column)));
        self.last = None;
    }

    /// Takes a key that is bound to nothing; false if it is none for a text.
    pub fn key(&mut self, key: KeyEvent) -> bool {
        let shift = key.modifiers.contains(KeyModifiers::SHIFT);
        let plain = !key
            .modifiers
            .intersects(KeyModifiers::CONTROL | KeyModifiers::ALT);
        match key.code {
            KeyCode::Char(c) if plain => {
                self.change(Kind::Letter(c.is_whitespace()), |area| {
                    area.insert_char(c);
                });
            }
            KeyCode::Enter => self.newline(),
            // how some terminals send a line break in what is pasted
            KeyCode::Char('j') if key.modifiers == KeyModifiers::CONTROL => self.newline(),
            KeyCode::Tab => self.indent(),
            KeyCode::BackTab => self.dedent(),
            KeyCode::PageUp => self.turn(false, shift),
            KeyCode::PageDown => self.turn(true, shift),
            // emacs's
            KeyCode::Char('v') if key.modifiers == KeyModifiers::ALT => self.turn(false, false),
            KeyCode::Char('v') if key.modifiers == KeyModifiers::CONTROL => self.turn(true, false),
            KeyCode::Backspace if plain && self.at_indent() => {
                self.change(Kind::Erase, |area| {
                    for _ in 0..STEP {
                        area.delete_char();
                    }
                });
            }
            KeyCode::Backspace | KeyCode::Delete => {
                self.change(Kind::Erase, |area| {
                    area.input(key);
                });
            }
            KeyCode::Char('u') if key.modifiers == KeyModifiers::CONTROL => return self.undo(),
            KeyCode::Char('r') if key.modifiers == KeyModifiers::CONTROL => return self.redo(),
            KeyCode::Char('c') if key.modifiers == KeyModifiers::CONTROL => return false,
            KeyCode::Char(_) => self.change(Kind::Other, |area| {
                area.input(key);
            }),
            KeyCode::Left
            | KeyCode::Right
            | KeyCode::Up
            | KeyCode::Down
            | KeyCode::Home
            | KeyCode::End => {
                self.area.input(key);
                self.last = None;
            }
            _ => return false,
        }
        true
    }

    /// A page on, or back.
    fn turn(&mut self, on: bool, select: bool) {
        let (line, column) = self.cursor();
        let by = self.page.saturating_sub(1).max(1);
        let to = match on {
            true => line.saturating_add(by),
            false => line.saturating_sub(by),
        };
        match select {
            true => self.select_to(to, column),
            false => self.go(to, column),
        }
    }

    /// Inserts what was pasted, as text: no key in it is acted on, no control character gets in.
    pub fn insert(&mut self, text: &str) {
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let text: String = text
            .chars()
            .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
            .collect();
        self.change(Kind::Other, |area| {
            area.insert_str(&text);
        });
    }

    /// Undoes the last step; false if there is none.
    pub fn undo(&mut self) -> bool {
        let Some(earlier) = self.undo.pop() else {
            return false;
        };
        let now = self.now();
        self.redo.push(now);
        self.restore(earlier);
        true
    }

    /// Does again what was undone; false if nothing was.
    pub fn redo(&mut self) -> bool {
        let Some(later) = self.redo.pop() else {
            return false;
        };
        let now = self.now();
        self.undo.push(now);
        self.restore(later);
        true
    }

    /// Takes out what is selected, and answers it.
    pub fn cut(&mut self) -> Option<String> {
        self.selection()?;
        self.change(Kind::Other, |area| {
            area.cut();
        });
        Some(self.area.yank_text())
    }

    /// What is selected; it stays selected.
    pub fn copy(&mut self) -> Option<String> {
        let ((from, start), (to, end)) = self.selection()?;
        let at = self.cursor();
        self.area.copy();
        // copying gives the selection up
        let (anchor, head) = match at == (to, end) {
            true => ((from, start), (to, end)),
            false => ((to, end), (from, start)),
        };
        self.go(anchor.0, anchor.1);
        self.select_to(head.0, head.1);
        Some(self.area.yank_text())
    }

    /// Inserts what was cut or copied last.
    pub fn paste(&mut self) {
        let text = self.area.yank_text();
        if !text.is_empty() {
            self.insert(&text);
        }
    }

    /// Makes it this text in one step. The cursor stays on its line, or on the nearest that is left of it.
    pub fn replace(&mut self, text: &str) {
        let (new, old) = (lines(text), self.lines().to_vec());
        if new == old {
            return;
        }
        let same = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
        let room = old.len().min(new.len()) - same;
        let tail = old.iter().rev().zip(new.iter().rev());
        let tail = tail.take(room).take_while(|(a, b)| a == b).count();
        let (line, column) = self.cursor();
        let line = if line >= old.len() - tail {
            line + new.len() - old.len()
        } else {
            line.min((new.len() - tail).max(1) - 1)
        };
        self.begin(Kind::Other);
        self.set(new);
        self.jump(line, column);
    }

    fn now(&self) -> Earlier {
        Earlier {
            lines: self.lines().to_vec(),
            at: self.cursor(),
        }
    }

    fn restore(&mut self, earlier: Earlier) {
        self.set(earlier.lines);
        self.jump(earlier.at.0, earlier.at.1);
    }

    fn set(&mut self, lines: Vec<String>) {
        let yank = self.area.yank_text();
        self.area = area(lines);
        self.area.set_yank_text(yank);
        self.version += 1;
    }

    /// Remembers how it is, unless the change goes on with the one before.
    fn begin(&mut self, kind: Kind) {
        self.redo.clear();
        let goes_on = match (self.last, kind) {
            // a step ends where a word begins
            (Some((Kind::Letter(blank), at)), Kind::Letter(next)) => {
                at == self.cursor() && (next || !blank)
            }
            (Some((Kind::Erase, at)), Kind::Erase) => at == self.cursor(),
            _ => false,
        };
        if goes_on && self.selection().is_none() {
            return;
        }
        let now = self.now();
        self.undo.push(now);
        let mut bytes: usize = self.undo.iter().map(Earlier::bytes).sum();
        while bytes > KEPT && self.undo.len() > 1 {
            bytes -= self.undo.remove(0).bytes();
        }
    }

    fn change(&mut self, kind: Kind, act: impl FnOnce(&mut TextArea<'static>)) {
        let (undo, redo, last) = (self.undo.len(), self.redo.clone(), self.last);
        let before = self.lines().to_vec();
        self.begin(kind);
        act(&mut self.area);
        if self.lines() == before {
            // it only moved, or did nothing
            self.undo.truncate(undo);
            self.redo = redo;
            self.last = last.filter(|(_, at)| *at == self.cursor());
            return;
        }
        self.version += 1;
        self.last = Some((kind, self.cursor()));
    }

    /// A new line, as deep as this one; deeper after a key without a value.
    fn newline(&mut self) {
        let (line, column) = self.cursor();
        let before: String = self.lines()[line].chars().take(column).collect();
        let mut deep = before.chars().take_while(|c| *c == ' ').count();
        let rest = &before[deep..];
        if let Some(item) = rest.strip_prefix("- ") {
            // below the key of a list's item
            if item.contains(':') {
                deep += STEP;
            }
        }
        if before.trim_end().ends_with(':') && !rest.starts_with('#') {
            deep += STEP;
        }
        self.change(Kind::Other, |area| {
            area.insert_newline();
            area.insert_str(" ".repeat(deep));
        });
    }

    /// The cursor stands behind blanks only, a step deep or more.
    fn at_indent(&self) -> bool {
        let (line, column) = self.cursor();
        let mut before = self.lines()[line].chars().take(column);
        self.selection().is_none()
            && column >= STEP
            && column.is_multiple_of(STEP)
            && before.all(|c| c == ' ')
    }

    /// The lines that are selected; the cursor's if none is.
    fn chosen(&self) -> (usize, usize) {
        match self.selection() {
            // a line of which nothing is selected is left out
            Some(((from, _), (to, 0))) if to > from => (from, to - 1),
            Some(((from, _), (to, _))) => (from, to),
            None => (self.cursor().0, self.cursor().0),
        }
    }

    fn indent(&mut self) {
        let (from, to) = self.chosen();
        if from == to && self.selection().is_none() {
            let by = STEP - self.cursor().1 % STEP;
            return self.change(Kind::Other, |area| {
                area.insert_str(" ".repeat(by));
            });
        }
        self.shift(from, to, |line| match line.is_empty() {
            true => String::new(),
            false => format!("{}{line}", " ".repeat(STEP)),
        });
    }

    fn dedent(&mut self) {
        let (from, to) = self.chosen();
        self.shift(from, to, |line| {
            let blanks = line.chars().take(STEP).take_while(|c| *c == ' ').count();
            line[blanks..].to_owned()
        });
    }

    /// Changes whole lines, and selects them if there are several.
    fn shift(&mut self, from: usize, to: usize, change: impl Fn(&str) -> String) {
        let mut lines = self.lines().to_vec();
        let (line, column) = self.cursor();
        let before = lines[line].chars().count();
        for one in &mut lines[from..=to] {
            *one = change(one);
        }
        if lines == self.lines() {
            return;
        }
        let several = self.selection().is_some();
        let after = lines[line].chars().count();
        let end = lines[to].chars().count();
        self.begin(Kind::Other);
        self.set(lines);
        if several {
            self.go(from, 0);
            self.select_to(to, end);
        } else {
            self.go(line, (column + after).saturating_sub(before));
        }
    }
}

fn lines(text: &str) -> Vec<String> {
    let text = text.strip_suffix('\n').unwrap_or(text);
    let whole = |line: &str| line.strip_suffix('\r').unwrap_or(line).to_owned();
    text.split('\n').map(whole).collect()
}

fn area(lines: Vec<String>) -> TextArea<'static> {
    let mut area = TextArea::new(lines);
    // undo is kept here, by whole steps
    area.set_max_histories(0);
    area
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn press(buffer: &mut Buffer, keys: &str) {
        for c in keys.chars() {
            let (code, modifiers) = match c {
                '⏎' => (KeyCode::Enter, KeyModifiers::NONE),
                '⇥' => (KeyCode::Tab, KeyModifiers::NONE),
                '⇤' => (KeyCode::BackTab, KeyModifiers::SHIFT),
                '⌫' => (KeyCode::Backspace, KeyModifiers::NONE),
                '→' => (KeyCode::Right, KeyModifiers::NONE),
                '↓' => (KeyCode::Down, KeyModifiers::NONE),
                '⇓' => (KeyCode::Down, KeyModifiers::SHIFT),
                '⇲' => (KeyCode::End, KeyModifiers::NONE),
                c => (KeyCode::Char(c), KeyModifiers::NONE),
            };
            buffer.key(KeyEvent::new(code, modifiers));
        }
    }

    #[test]
    fn a_step_of_undo_is_a_word_not_a_letter() {
        let mut buffer = Buffer::new("");
        press(&mut buffer, "name: some job");
        assert_eq!(buffer.text(), "name: some job\n");
        assert!(buffer.undo());
        assert_eq!(buffer.text(), "name: some \n");
        buffer.undo();
        assert_eq!(buffer.text(), "name: \n");
        buffer.redo();
        assert_eq!(buffer.text(), "name: some \n");
        press(&mut buffer, "x");
        assert!(!buffer.redo(), "what follows another change is gone");
        while buffer.undo() {}
        assert_eq!(buffer.text(), "");
    }

    #[test]
    fn new_lines_are_as_deep_as_yaml_wants_them() {
        let mut buffer = Buffer::new("");
        press(&mut buffer, "spec:⏎a: 1⏎list:⏎- name: x⏎image: y⏎⌫⌫⌫b: 2");
        let expected = "spec:\n  a: 1\n  list:\n    - name: x\n      image: y\nb: 2\n";
        assert_eq!(buffer.text(), expected);
    }

    #[test]
    fn tab_indents_and_shift_tab_takes_it_back_also_of_several_lines() {
        let mut buffer = Buffer::new("a:\nb: 1\n\nc: 2\nd: 3");
        press(&mut buffer, "↓⇓⇓⇓⇥");
        assert_eq!(buffer.text(), "a:\n  b: 1\n\n  c: 2\nd: 3\n");
        press(&mut buffer, "⇤⇤");
        assert_eq!(buffer.text(), "a:\nb: 1\n\nc: 2\nd: 3\n");
        buffer.undo();
        assert_eq!(buffer.text(), "a:\n  b: 1\n\n  c: 2\nd: 3\n");
        buffer.go(0, 1);
        press(&mut buffer, "⇥");
        assert_eq!(buffer.lines()[0], "a :");
    }

    #[test]
    fn what_is_pasted_is_text_and_nothing_else() {
        let mut buffer = Buffer::new("a: 1");
        press(&mut buffer, "⇲⏎");
        buffer.insert("b: |\r\n  \u{1b}[31mred\u{7}\r\n\tx\r");
        assert_eq!(buffer.lines(), ["a: 1", "b: |", "  [31mred", "\tx", ""]);
        buffer.undo();
        assert_eq!(buffer.text(), "a: 1\n");
        // over what is selected
        buffer.go(0, 0);
        buffer.select_to(0, 1);
        assert_eq!(buffer.copy().as_deref(), Some("a"));
        assert_eq!(buffer.selection(), Some(((0, 0), (0, 1))));
        buffer.insert("ключ");
        assert_eq!(buffer.lines()[0], "ключ: 1");
        assert_eq!(buffer.cursor(), (0, 4));
        buffer.undo();
        buffer.go(0, 0);
        buffer.select_to(0, 1);
        assert!(buffer.cut().is_some());
        buffer.paste();
        assert_eq!(buffer.lines()[0], "a: 1");
    }

    #[test]
    fn replaced_text_is_one_step_and_keeps_the_cursor_on_its_line() {
        let mut buffer = Buffer::new("a: 1\nb: 2\nc: 3\nd: 4");
        buffer.go(3, 2);
        buffer.replace("a: 1\nb: 2\nnew: x\nnewer: y\nc: 3\nd: 4\n");
        assert_eq!(buffer.cursor(), (5, 2));
        buffer.replace("a: 1\nd: 4\n");
        assert_eq!(buffer.cursor(), (1, 2));
        buffer.go(0, 1);
        buffer.replace("a: 2\nd: 4\n");
        assert_eq!(buffer.cursor(), (0, 1));
        buffer.undo();
        buffer.undo();
        buffer.undo();
        assert_eq!(buffer.text(), "a: 1\nb: 2\nc: 3\nd: 4\n");
        assert_eq!(buffer.cursor(), (3, 2));
        let version = buffer.version();
        buffer.replace("a: 1\nb: 2\nc: 3\nd: 4\n");
        assert_eq!(buffer.version(), version, "nothing changed");
    }

    proptest! {
        /// Whatever is done, undoing it all leads back, and redoing it all forth.
        #[test]
        fn undo_leads_back_and_redo_forth(
            start in "[a-z: \n]{0,30}",
            keys in "[ab :⏎⇥⇤⌫→↓⇓⇲é]{0,40}",
            pasted in any::<String>(),
        ) {
            let mut buffer = Buffer::new(&start);
            let first = buffer.text();
            press(&mut buffer, &keys);
            buffer.insert(&pasted);
            press(&mut buffer, &keys);
            let last = buffer.text();
            prop_assert!(last.chars().all(|c| !c.is_control() || c == '\n' || c == '\t'));
            while buffer.undo() {}
            prop_assert_eq!(buffer.text(), first);
            while buffer.redo() {}
            prop_assert_eq!(buffer.text(), last);
        }

        #[test]
        fn any_replacement_is_taken(a in "[a-c\n]{0,12}", b in "[a-c\n]{0,12}", line in 0usize..8) {
            let mut buffer = Buffer::new(&a);
            buffer.go(line, 0);
            buffer.replace(&b);
            prop_assert_eq!(buffer.text(), Buffer::new(&b).text());
            prop_assert!(buffer.cursor().0 < buffer.lines().len());
        }
    }
}
