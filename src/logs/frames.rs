//! From the bytes of a stream to what stands on its rows: UTF-8 repaired, a progress bar's last frame, colours kept,
//! every other escape obeyed (where the cursor goes, what is erased) or dropped.

use super::rows::{Mark, Row, Rows};
use super::sgr::Sgr;

/// A string meant for the terminal itself (title, link) that is longer than this, or never ends, is text after all:
/// a stray introducer must not hide the rest of a line.
const MAX_STRING: usize = 4096;
const MAX_CSI: usize = 64;
const TAB: usize = 8;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    #[default]
    Text,
    /// After ESC.
    Escape,
    /// After ESC and an intermediate byte (`ESC ( B`).
    Charset,
    Csi,
    /// OSC, DCS, APC, PM, SOS: up to BEL or ST.
    String,
    /// ESC inside a string: ST, or another sequence.
    StringEscape,
}

/// The rows of a stream in the making. It may be fed in pieces cut anywhere, also inside a character or an escape.
#[derive(Debug, Default)]
pub struct Frame {
    rows: Rows,
    sgr: Sgr,
    state: State,
    /// Bytes of the unfinished escape or character.
    held: Vec<u8>,
    /// A string shown before its end was seen: how it was before.
    shown: Option<(Mark, State, Vec<u8>)>,
}

impl Frame {
    /// The current row's text so far.
    pub fn text(&self) -> &str {
        self.rows.current().text()
    }

    /// The row the cursor is on.
    pub fn row(&self) -> &Row {
        self.rows.current()
    }

    /// Rows written to since the last call, oldest first. Call it before the next line end, or they may be gone.
    pub fn take_changed(&mut self) -> impl Iterator<Item = &Row> {
        self.rows.render();
        self.rows.take_changed()
    }

    /// A line end: the cursor goes to the row below, which is a new one unless it had been moved up.
    /// What is unfinished ends here; colours too, as a program that dies must not colour what follows.
    pub fn newline(&mut self) {
        self.settle();
        self.sgr = Sgr::default();
        self.rows.newline();
    }

    /// A new row out of which no way leads back; colours and unfinished sequences go on.
    pub fn cut(&mut self) {
        self.rows.cut();
    }

    /// Where the cursor is on its row, in characters.
    pub fn column(&self) -> usize {
        self.rows.column()
    }

    /// Characters of the current row.
    pub fn width(&self) -> usize {
        self.rows.width()
    }

    /// More bytes; a line feed among them counts for nothing (see [`Frame::newline`]).
    pub fn feed(&mut self, mut bytes: &[u8]) {
        if let Some((mark, state, held)) = self.shown.take() {
            self.rows.back_to(mark);
            (self.state, self.held) = (state, held);
        }
        while !bytes.is_empty() {
            if self.state == State::Text {
                let end = bytes.iter().position(|b| *b < 0x20 || *b == 0x7f);
                let (text, rest) = bytes.split_at(end.unwrap_or(bytes.len()));
                self.utf8(text);
                let Some((&control, rest)) = rest.split_first() else {
                    return;
                };
                self.flush_character();
                self.control(control);
                bytes = rest;
            } else {
                self.escape(bytes[0]);
                bytes = &bytes[1..];
            }
        }
    }

    /// No more bytes: what was held back as a string for the terminal is shown, half an escape or character is not.
    pub fn settle(&mut self) {
        match self.state {
            State::String | State::StringEscape => self.unhold(),
            _ => {}
        }
        self.state = State::Text;
        self.held.clear();
        self.shown = None;
    }

    /// No more bytes for now: what [`Frame::settle`] would show is shown, but if more come they go on as they were. (Where
    /// that could not be taken back it is not shown.)
    pub fn show(&mut self) {
        let string = matches!(self.state, State::String | State::StringEscape);
        let plain = self.held.iter().all(|b| *b >= 0x20);
        if string && plain && self.rows.appends() {
            let before = (self.rows.mark(), self.state, self.held.clone());
            self.unhold();
            self.shown = Some(before);
        }
    }

    fn control(&mut self, control: u8) {
        match control {
            0x1b => self.state = State::Escape,
            b'\r' => self.rows.carriage_return(),
            0x08 => self.rows.backspace(),
            b'\t' => {
                let blanks = TAB - self.rows.column() % TAB;
                self.put(&"        "[..blanks], blanks);
            }
            _ => {}
        }
    }

    fn escape(&mut self, byte: u8) {
        match self.state {
            State::Text => {}
            State::Escape => {
                self.held.clear();
                self.state = match byte {
                    b'[' => State::Csi,
                    b']' | b'P' | b'X' | b'^' | b'_' => State::String,
                    b' '..=b'/' => State::Charset,
                    0x1b => State::Escape,
                    b'M' => {
                        self.rows.up(1);
                        State::Text
                    }
                    _ => State::Text,
                };
            }
            State::Charset => self.state = State::Text,
            State::Csi => match byte {
                0x20..=0x3f if self.held.len() < MAX_CSI => self.held.push(byte),
                0x40..=0x7e => {
                    self.sequence(byte);
                    self.held.clear();
                    self.state = State::Text;
                }
                // Not a sequence after all: what follows is text again.
                _ => {
                    self.held.clear();
                    self.state = State::Text;
                    self.feed(&[byte]);
                }
            },
            State::String => match byte {
                0x07 => {
                    self.held.clear();
                    self.state = State::Text;
                }
                0x1b => self.state = State::StringEscape,
                _ => {
                    self.held.push(byte);
                    if self.held.len() > MAX_STRING {
                        self.unhold();
                    }
                }
            },
            State::StringEscape => {
                self.held.clear();
                if byte == b'\\' {
                    self.state = State::Text;
                } else {
                    self.state = State::Escape;
                    self.escape(byte);
                }
            }
        }
    }

    /// `ESC [ … byte`: colours, and what moves or erases within the rows at hand; anything else means nothing here.
    fn sequence(&mut self, byte: u8) {
        if byte == b'm' {
            return self.sgr.apply(&self.held);
        }
        let Some(first) = parameters(&self.held) else {
            return;
        };
        let n = first.unwrap_or(1).max(1);
        let rows = &mut self.rows;
        match byte {
            b'A' => rows.up(n),
            b'B' => rows.down(n),
            b'C' => rows.go(rows.column() + n),
            b'D' => rows.go(rows.column().saturating_sub(n)),
            b'E' => {
                rows.down(n);
                rows.go(0);
            }
            b'F' => {
                rows.up(n);
                rows.go(0);
            }
            b'G' => rows.go(n - 1),
            b'K' => rows.erase_line(first.unwrap_or(0)),
            b'J' if first.unwrap_or(0) == 0 => rows.erase_below(),
            _ => {}
        }
    }

    /// Shows the bytes of a string that turned out not to be one.
    fn unhold(&mut self) {
        let held = std::mem::take(&mut self.held);
        self.state = State::Text;
        self.feed(&held);
    }

    /// Bytes without ASCII controls; an unfinished character at the end waits for more.
    fn utf8(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        if self.held.is_empty() {
            self.utf8_whole(bytes);
        } else {
            let mut joined = std::mem::take(&mut self.held);
            joined.extend_from_slice(bytes);
            self.utf8_whole(&joined);
        }
    }

    fn utf8_whole(&mut self, bytes: &[u8]) {
        if bytes.is_ascii() {
            // The common case by far, and safe to take as it is.
            let text = std::str::from_utf8(bytes).unwrap_or_default();
            self.put(text, text.len());
            return;
        }
        let mut left = bytes.len();
        for chunk in bytes.utf8_chunks() {
            // What is welcome in one go.
            let (mut from, mut columns) = (0, 0);
            let valid = chunk.valid();
            for (at, c) in valid.char_indices() {
                if unwelcome(c) {
                    self.put(&valid[from..at], columns);
                    (from, columns) = (at + c.len_utf8(), 0);
                } else {
                    columns += 1;
                }
            }
            self.put(&valid[from..], columns);
            left -= chunk.valid().len() + chunk.invalid().len();
            if chunk.invalid().is_empty() {
                continue;
            }
            if left == 0 && unfinished(chunk.invalid()) {
                self.held = chunk.invalid().to_vec();
            } else {
                self.put("\u{fffd}", 1);
            }
        }
    }

    fn flush_character(&mut self) {
        if !self.held.is_empty() {
            self.held.clear();
            self.put("\u{fffd}", 1);
        }
    }

    fn put(&mut self, text: &str, columns: usize) {
        if columns == 0 {
            return;
        }
        self.rows.put(text, columns, self.sgr);
    }
}

/// The first number of a sequence, if it has one; `None` for one of the private kind, which changes modes of the
/// terminal.
fn parameters(held: &[u8]) -> Option<Option<usize>> {
    if !held.iter().all(|b| b.is_ascii_digit() || *b == b';') {
        return None;
    }
    let first = held.split(|b| *b == b';').next().unwrap_or_default();
    let add = |n: usize, d: &u8| (n * 10 + usize::from(d - b'0')).min(10_000);
    Some((!first.is_empty()).then(|| first.iter().fold(0, add)))
}

/// The beginning of a character whose rest may come in the next piece.
fn unfinished(bytes: &[u8]) -> bool {
    let wanted = match bytes.first() {
        Some(0xc2..=0xdf) => 2,
        Some(0xe0..=0xef) => 3,
        Some(0xf0..=0xf4) => 4,
        _ => return false,
    };
    bytes.len() < wanted
}

/// Control characters, bidirectional overrides and other invisible formatting: they hide or reorder text.
pub(super) fn unwelcome(c: char) -> bool {
    // The letters and blocks of nearly all text.
    if matches!(c, ' '..='~' | '\u{2500}'..='\u{259f}') {
        return false;
    }
    c.is_control()
        || matches!(c,
            '\u{00ad}' | '\u{061c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}
