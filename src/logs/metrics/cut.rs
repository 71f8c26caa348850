//! Lines that a container runtime wrapped or cut into pieces, made whole again for the reader.

use super::super::wrapped::{cri, docker};
use super::MOST;

/// The pieces of one stream.
#[derive(Debug, Default)]
pub struct Pieces {
    /// The pieces so far of a line that goes on.
    open: String,
}

/// A line and what a runtime had put around it.
#[derive(Debug, PartialEq)]
pub enum Taken {
    /// It is as the program wrote it.
    Whole,
    /// From this byte on it is.
    Within(usize),
    Joined(String),
    /// Its end comes with a later line.
    Part,
}

impl Pieces {
    pub fn take(&mut self, line: &str) -> Taken {
        if let Some(piece) = cri(line.as_bytes()) {
            if !piece.goes_on && self.open.is_empty() {
                return Taken::Within(piece.text);
            }
            return self.piece(&line[piece.text..], piece.goes_on);
        }
        if let Some(piece) = docker(line) {
            return self.piece(&plain(&piece.text), piece.goes_on);
        }
        Taken::Whole
    }

    /// More than is read of a line is not kept.
    fn piece(&mut self, text: &str, goes_on: bool) -> Taken {
        let room = MOST.saturating_sub(self.open.len());
        self.open.push_str(&text[..text.floor_char_boundary(room)]);
        if goes_on {
            return Taken::Part;
        }
        Taken::Joined(std::mem::take(&mut self.open))
    }
}

/// The last frame of a bar, without colours.
fn plain(text: &str) -> String {
    let blank = |part: &&str| !part.trim().is_empty();
    let frame = text.split('\r').rfind(blank).unwrap_or("");
    let mut out = String::with_capacity(frame.len());
    let mut chars = frame.chars();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' {
            if chars.as_str().starts_with('[') {
                chars.find(|c| c.is_ascii_alphabetic());
            }
        } else if c == '\t' || !c.is_control() {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(lines: &[&str]) -> Vec<Taken> {
        let mut pieces = Pieces::default();
        lines.iter().map(|line| pieces.take(line)).collect()
    }

    fn joined(text: &str) -> Taken {
        Taken::Joined(text.into())
    }

    #[test]
    fn runtimes_pieces_are_one_line() {
        let at = "2026-11-24T03:04:05.123456789Z";
        let cri = [
            format!("{at} stdout P step 1 lo"),
            format!("{at} stdout P ss 0."),
            format!("{at} stdout F 25"),
            format!("{at} stderr F:tag step 2"),
        ];
        assert_eq!(
            all(&cri.each_ref().map(String::as_str)),
            [
                Taken::Part,
                Taken::Part,
                joined("step 1 loss 0.25"),
                Taken::Within(44)
            ]
        );
        let docker = [
            r#"{"log":"\u001b[32m{\"loss\": ","stream":"stdout","time":"x"}"#,
            r#"{"log":"0.5}\u001b[0m\n","stream":"stdout","time":"x"}"#,
            r#"{"log": "a program's own", "step": 3}"#,
            "2026-11-24T03:04:05Z stdout is what it is",
        ];
        assert_eq!(
            all(&docker),
            [
                Taken::Part,
                joined("{\"loss\": 0.5}"),
                Taken::Whole,
                Taken::Whole
            ]
        );
    }

    #[test]
    fn a_line_without_an_end_is_bounded() {
        let mut pieces = Pieces::default();
        let part = format!("2026-11-24T03:04:05Z stdout P {}", "é".repeat(8 * 1024));
        for _ in 0..1000 {
            assert_eq!(pieces.take(&part), Taken::Part);
        }
        assert!(pieces.open.capacity() <= 2 * MOST);
    }
}
