//! From the bytes of one line to what is left on it: UTF-8 repaired, of a progress bar the last frame, colours kept,
//! every other escape dropped. The one seam where fuller terminal emulation would go.

use super::sgr::{Run, Sgr};

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

/// One line in the making. It may be fed in pieces cut anywhere, also inside a character or an escape.
#[derive(Debug, Default)]
pub struct Frame {
    text: String,
    runs: Vec<Run>,
    sgr: Sgr,
    column: usize,
    /// A carriage return was seen: the next character begins the line anew.
    rewind: bool,
    /// Backspaces not yet written over.
    back: usize,
    state: State,
    /// Bytes of the unfinished escape or character.
    held: Vec<u8>,
}

impl Frame {
    /// The text so far, without any control character.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Its colours; empty when it has none.
    pub fn runs(&self) -> &[Run] {
        &self.runs
    }

    /// Begins a new line.
    pub fn reset(&mut self) {
        self.restart_text();
        self.sgr = Sgr::default();
        self.state = State::Text;
        self.held.clear();
    }

    /// Begins a new row of the same line: colours and unfinished sequences go on.
    pub fn restart_text(&mut self) {
        self.text.clear();
        self.runs.clear();
        self.column = 0;
        self.rewind = false;
        self.back = 0;
    }

    /// More bytes of the line.
    pub fn feed(&mut self, mut bytes: &[u8]) {
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

    /// No more bytes for now: what was held back as a string for the terminal, or half a character, is shown.
    pub fn settle(&mut self) {
        match self.state {
            State::Text => {}
            State::String | State::StringEscape => self.unhold(),
            _ => self.held.clear(),
        }
        self.state = State::Text;
    }

    fn control(&mut self, control: u8) {
        match control {
            0x1b => self.state = State::Escape,
            b'\r' => (self.rewind, self.back) = (true, 0),
            0x08 => self.back += usize::from(!self.rewind),
            b'\t' => {
                for _ in 0..TAB - self.column % TAB {
                    self.put(" ", 1);
                }
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
                    _ => State::Text,
                };
            }
            State::Charset => self.state = State::Text,
            State::Csi => match byte {
                0x20..=0x3f if self.held.len() < MAX_CSI => self.held.push(byte),
                0x40..=0x7e => {
                    if byte == b'm' {
                        self.sgr.apply(&self.held);
                    }
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
            for c in chunk.valid().chars() {
                if !unwelcome(c) {
                    self.put(c.encode_utf8(&mut [0; 4]), 1);
                }
            }
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
        if self.rewind {
            self.restart_text();
        }
        for _ in 0..std::mem::take(&mut self.back) {
            self.text.pop();
            self.column = self.column.saturating_sub(1);
        }
        let start = self.text.len();
        while self
            .runs
            .last()
            .is_some_and(|run| run.start as usize >= start)
        {
            self.runs.pop();
        }
        let now = self.runs.last().map_or(Sgr::default(), |run| run.sgr);
        if now != self.sgr {
            self.runs.push(Run {
                start: u32::try_from(start).unwrap_or(u32::MAX),
                sgr: self.sgr,
            });
        }
        self.text.push_str(text);
        self.column += columns;
    }
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
    c.is_control()
        || matches!(c,
            '\u{00ad}' | '\u{061c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}
