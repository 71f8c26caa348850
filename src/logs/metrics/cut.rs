//! What container runtimes write around a program's lines in the log files of a node, and lines they cut into pieces of
//! 16 KiB: containerd's and CRI-O's `TIME stdout P text`, Docker's `{"log":"text"}`.

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
        if let Some((goes_on, at)) = cri(line) {
            if !goes_on && self.open.is_empty() {
                return Taken::Within(at);
            }
            return self.piece(&line[at..], goes_on);
        }
        if let Some(text) = docker(line) {
            let text = text.strip_suffix('\n').ok_or(&*text);
            let (text, goes_on) = (text.unwrap_or_else(|all| all), text.is_err());
            return self.piece(&plain(text), goes_on);
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

/// `2026-11-24T03:04:05.123456789Z stdout F `: whether the line goes on, and where its text begins.
fn cri(line: &str) -> Option<(bool, usize)> {
    let bytes = line.as_bytes();
    let dated = bytes.get(10) == Some(&b'T') && bytes.get(4) == Some(&b'-');
    if !dated {
        return None;
    }
    let blank = memchr::memchr(b' ', &bytes[..bytes.len().min(40)])?;
    let rest = &bytes[blank + 1..];
    let rest = rest
        .strip_prefix(b"stdout ")
        .or(rest.strip_prefix(b"stderr "))?;
    // Tags may follow the first letter: `F:tag`.
    let end = memchr::memchr(b' ', &rest[..rest.len().min(40)])?;
    let goes_on = match rest.first()? {
        b'P' => true,
        b'F' => false,
        _ => return None,
    };
    matches!(rest.get(1), Some(b' ' | b':')).then_some((goes_on, line.len() - rest.len() + end + 1))
}

/// The text in Docker's JSON, its escapes resolved.
fn docker(line: &str) -> Option<String> {
    let mut text = String::new();
    let mut chars = line.strip_prefix("{\"log\":\"")?.chars();
    loop {
        match chars.next()? {
            '"' => break,
            '\\' => match chars.next()? {
                'n' => text.push('\n'),
                't' => text.push('\t'),
                'r' => text.push('\r'),
                'u' => {
                    let code = chars.as_str().get(..4)?;
                    let code = u32::from_str_radix(code, 16).ok()?;
                    chars = chars.as_str()[4..].chars();
                    text.push(char::from_u32(code).unwrap_or('\u{fffd}'));
                }
                'b' | 'f' => {}
                other => text.push(other),
            },
            other => text.push(other),
        }
    }
    let rest = chars.as_str();
    (rest.starts_with(",\"stream\":")
        || rest.starts_with(",\"attrs\":")
        || rest.starts_with(",\"time\":"))
    .then_some(text)
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
