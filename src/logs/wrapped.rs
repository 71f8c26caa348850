//! What container runtimes write around a program's lines in the log files of a node, and lines they cut into pieces of
//! 16 KiB: containerd's and CRI-O's `TIME stdout P text`, Docker's `{"log":"text","stream":"stdout","time":"TIME"}`. The
//! API server takes it off; who reads the file itself sees it.

use std::borrow::Cow;

use chrono::{DateTime, Utc};

/// Of a line that goes on and on so many bytes are held before they are passed on as they are.
const HELD: usize = 1 << 20;

/// A line of containerd or CRI-O.
#[derive(Debug, PartialEq, Eq)]
pub struct Cri {
    /// The line goes on in the next piece of its stream.
    pub goes_on: bool,
    /// Where its text begins.
    pub text: usize,
    pub stderr: bool,
}

/// `2026-11-24T03:04:05.123456789Z stdout F text`
pub fn cri(line: &[u8]) -> Option<Cri> {
    let dated = line.get(10) == Some(&b'T') && line.get(4) == Some(&b'-');
    if !dated {
        return None;
    }
    let blank = memchr::memchr(b' ', &line[..line.len().min(40)])?;
    let rest = &line[blank + 1..];
    let out = rest.strip_prefix(b"stdout ");
    let stderr = out.is_none();
    let rest = out.or(rest.strip_prefix(b"stderr "))?;
    // Tags may follow the first letter: `F:tag`.
    let end = memchr::memchr(b' ', &rest[..rest.len().min(40)])?;
    let goes_on = match rest.first()? {
        b'P' => true,
        b'F' => false,
        _ => return None,
    };
    matches!(rest.get(1), Some(b' ' | b':')).then_some(Cri {
        goes_on,
        text: line.len() - rest.len() + end + 1,
        stderr,
    })
}

/// A line of Docker's, its escapes resolved.
#[derive(Debug, PartialEq, Eq)]
pub struct Docker<'a> {
    pub text: String,
    pub goes_on: bool,
    /// What follows the text: stream, time, attributes.
    rest: &'a str,
}

impl Docker<'_> {
    fn stderr(&self) -> bool {
        self.rest.contains("\"stream\":\"stderr\"")
    }

    fn at(&self) -> Option<DateTime<Utc>> {
        let (_, time) = self.rest.split_once("\"time\":\"")?;
        time_of(time.split('"').next()?.as_bytes())
    }
}

/// `{"log":"text\n","stream":"stdout","time":"2026-11-24T03:04:05.1Z"}`
pub fn docker(line: &str) -> Option<Docker<'_>> {
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
    let wrapped = [",\"stream\":", ",\"attrs\":", ",\"time\":"];
    if !wrapped.iter().any(|field| rest.starts_with(field)) {
        return None;
    }
    let goes_on = !text.ends_with('\n');
    if !goes_on {
        text.pop();
    }
    Some(Docker {
        text,
        goes_on,
        rest,
    })
}

fn time_of(text: &[u8]) -> Option<DateTime<Utc>> {
    let text = std::str::from_utf8(text).ok()?;
    let at = DateTime::parse_from_rfc3339(text).ok()?;
    Some(at.to_utc())
}

/// A whole line without what a runtime had put around it.
#[derive(Debug, PartialEq, Eq)]
pub enum Unwrapped<'a> {
    /// There was nothing around it.
    AsIs,
    Line {
        at: Option<DateTime<Utc>>,
        bytes: Cow<'a, [u8]>,
    },
    /// Its end comes with a later one.
    Part,
}

/// Unwraps the lines of one file. Pieces are put together per stream, as stdout and stderr take turns.
#[derive(Debug, Default)]
pub struct Unwrap {
    open: [Open; 2],
    wrapped: bool,
}

#[derive(Debug, Default)]
struct Open {
    at: Option<DateTime<Utc>>,
    bytes: Vec<u8>,
}

impl Unwrap {
    /// The last whole line was wrapped, so that the beginning of the next one is not to be shown yet.
    pub fn is_wrapped(&self) -> bool {
        self.wrapped
    }

    /// The next whole line, without its end.
    pub fn line<'a>(&mut self, line: &'a [u8]) -> Unwrapped<'a> {
        self.wrapped = true;
        if let Some(piece) = cri(line) {
            let blank = memchr::memchr(b' ', line).unwrap_or(0);
            let at = time_of(&line[..blank]);
            let text = Cow::Borrowed(&line[piece.text..]);
            return self.piece(at, text, piece.goes_on, piece.stderr);
        }
        if line.starts_with(b"{\"log\":\"")
            && let Ok(text) = std::str::from_utf8(line)
            && let Some(piece) = docker(text)
        {
            let (at, stderr) = (piece.at(), piece.stderr());
            let text = Cow::Owned(piece.text.into_bytes());
            return self.piece(at, text, piece.goes_on, stderr);
        }
        self.wrapped = false;
        Unwrapped::AsIs
    }

    fn piece<'a>(
        &mut self,
        at: Option<DateTime<Utc>>,
        text: Cow<'a, [u8]>,
        goes_on: bool,
        stderr: bool,
    ) -> Unwrapped<'a> {
        let open = &mut self.open[usize::from(stderr)];
        if open.bytes.is_empty() {
            if !goes_on {
                return Unwrapped::Line { at, bytes: text };
            }
            open.at = at;
        }
        open.bytes.extend_from_slice(&text);
        if goes_on && open.bytes.len() < HELD {
            return Unwrapped::Part;
        }
        let open = std::mem::take(open);
        Unwrapped::Line {
            at: open.at,
            bytes: open.bytes.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn all(lines: &[&str]) -> Vec<String> {
        let mut unwrap = Unwrap::default();
        let mut out = Vec::new();
        for line in lines {
            match unwrap.line(line.as_bytes()) {
                Unwrapped::AsIs => out.push(format!("as is: {line}")),
                Unwrapped::Part => {}
                Unwrapped::Line { at, bytes } => {
                    let at = at.map_or("-".into(), |at| at.format("%H:%M:%S%.f").to_string());
                    out.push(format!("{at} {}", String::from_utf8_lossy(&bytes)));
                }
            }
        }
        out
    }

    #[rstest]
    #[case::containerd(
        &["2026-11-24T03:04:05.5Z stdout F hello", "2026-11-24T05:04:06.25+02:00 stderr F:x warn"],
        &["03:04:05.500 hello", "03:04:06.250 warn"]
    )]
    #[case::pieces_of_both_streams_take_turns(
        &[
            "2026-11-24T03:04:05Z stdout P one ",
            "2026-11-24T03:04:06Z stderr P bad ",
            "2026-11-24T03:04:07Z stdout F line",
            "2026-11-24T03:04:08Z stderr F luck",
        ],
        &["03:04:05 one line", "03:04:06 bad luck"]
    )]
    #[case::docker(
        &[
            r#"{"log":"a \"word\"\tand ","stream":"stdout","time":"2026-11-24T03:04:05Z"}"#,
            r#"{"log":"its end\n","stream":"stdout","time":"2026-11-24T03:04:06Z"}"#,
        ],
        &["03:04:05 a \"word\"\tand its end"]
    )]
    #[case::an_empty_line(&["2026-11-24T03:04:05Z stdout F "], &["03:04:05 "])]
    #[case::what_only_looks_like_it(
        &[
            "2026-11-24T03:04:05Z stdout is closed",
            r#"{"log":"a program's own","step":3}"#,
            r#"{"log":"cut"#,
            "",
        ],
        &[
            "as is: 2026-11-24T03:04:05Z stdout is closed",
            r#"as is: {"log":"a program's own","step":3}"#,
            r#"as is: {"log":"cut"#,
            "as is: ",
        ]
    )]
    fn what_is_around_a_line_is_taken_off(#[case] lines: &[&str], #[case] expected: &[&str]) {
        assert_eq!(all(lines), expected);
    }

    #[test]
    fn a_line_without_an_end_is_passed_on_in_large_pieces() {
        let mut unwrap = Unwrap::default();
        let part = format!("2026-11-24T03:04:05Z stdout P {}", "x".repeat(16 * 1024));
        let mut passed = 0;
        for _ in 0..200 {
            if let Unwrapped::Line { bytes, .. } = unwrap.line(part.as_bytes()) {
                passed += bytes.len();
            }
            assert!(unwrap.open[0].bytes.len() <= HELD);
        }
        assert_eq!(passed, 3 * HELD);
    }
}
