//! Raw log bytes → lines, and where to go on after the stream was cut: the server resumes at whole seconds only,
//! so what was seen of that second already is recognised and left out. Pure; no lines lost, none twice.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{DefaultHasher, Hash, Hasher};

use chrono::{DateTime, Utc};

use super::lines::Lines;
use crate::model::log::LogLine;

/// Runtimes write lines longer than this in pieces; we pass them on in pieces, too.
const PIECE: usize = 16 * 1024;
/// So much of a line identifies it, together with its time in nanoseconds.
const HEAD: usize = 1024;

/// A line's identity.
type Id = (DateTime<Utc>, u64);

/// Something read from the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    Line(LogLine),
    /// A line without a timestamp at a line's start: said by the kubelet or a proxy, not by the container.
    Remark(String),
}

/// See the module.
#[derive(Debug, Default)]
pub struct Records {
    lines: Lines,
    inside: Inside,
    /// Lines of the latest second, and how often each came.
    seen: HashMap<Id, u32>,
    /// Whole second `seen` is of.
    second: i64,
    /// Latest time seen.
    last: Option<DateTime<Utc>>,
    /// After a reconnect: lines that will come again.
    again: HashMap<Id, u32>,
    /// The line that was cut, and how much of it was passed on.
    cut: Option<(Id, usize)>,
}

/// Within a line whose first piece is through?
#[derive(Debug, Default)]
enum Inside {
    #[default]
    No,
    /// So much of it was passed on.
    Passing(Id, usize),
    /// Known already: leave out so many more bytes of it, of so many passed on before.
    Skipping(Id, usize, usize),
    /// A remark too long to be one.
    Dropping,
}

impl Records {
    /// Takes in bytes and gives out what is complete.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<Record>) {
        // out of `self` while its pieces are looked at
        let mut lines = std::mem::take(&mut self.lines);
        lines.push(bytes);
        while let Some(line) = lines.next_line() {
            self.piece(line, true, out);
        }
        if lines.rest().len() >= PIECE {
            self.piece(lines.rest(), false, out);
            lines.clear();
        }
        self.lines = lines;
    }

    /// The stream has ended for good: an unfinished last line is a line, too.
    pub fn finish(&mut self, out: &mut Vec<Record>) {
        let lines = std::mem::take(&mut self.lines);
        if !lines.rest().is_empty() {
            self.piece(lines.rest(), true, out);
        }
    }

    /// The stream was cut: the time to resume from (`sinceTime`, whole seconds); none if nothing came yet.
    pub fn resume(&mut self) -> Option<DateTime<Utc>> {
        self.lines.clear();
        // cut again before it got further: what was known of the cut line still holds
        if let Inside::Passing(id, length) = std::mem::take(&mut self.inside) {
            self.cut = Some((id, length));
        }
        self.again = self.seen.clone();
        DateTime::from_timestamp(self.last?.timestamp(), 0)
    }

    fn piece(&mut self, bytes: &[u8], ends: bool, out: &mut Vec<Record>) {
        let inside = match std::mem::take(&mut self.inside) {
            Inside::No => self.begin(bytes, ends, out),
            Inside::Passing(id, length) => {
                self.pass(None, bytes, out);
                Inside::Passing(id, length + bytes.len())
            }
            Inside::Skipping(id, left, of) if left >= bytes.len() => {
                Inside::Skipping(id, left - bytes.len(), of)
            }
            Inside::Skipping(id, left, of) => {
                self.pass(None, &bytes[left..], out);
                Inside::Passing(id, of + bytes.len() - left)
            }
            Inside::Dropping => Inside::Dropping,
        };
        if !ends {
            self.inside = inside;
            return;
        }
        // the cut line is whole now; those before it that are equal were skipped entirely
        match (self.cut, inside) {
            (Some((cut, _)), Inside::Passing(id, _)) if cut == id => self.cut = None,
            (Some((cut, _)), Inside::Skipping(id, _, of)) if cut == id && of != usize::MAX => {
                self.cut = None;
            }
            _ => {}
        }
    }

    /// The first piece of a line.
    fn begin(&mut self, bytes: &[u8], ends: bool, out: &mut Vec<Record>) -> Inside {
        let Some((at, text)) = stamp(bytes) else {
            let remark = String::from_utf8_lossy(bytes).trim().to_owned();
            if ends && !remark.is_empty() {
                out.push(Record::Remark(remark));
            }
            return Inside::Dropping;
        };
        let mut hasher = DefaultHasher::new();
        text[..text.len().min(HEAD)].hash(&mut hasher);
        let id = (at, hasher.finish());
        if let Entry::Occupied(mut known) = self.again.entry(id) {
            *known.get_mut() -= 1;
            let last = *known.get() == 0;
            if last {
                known.remove();
            }
            // the last of several equal ones is the one that was cut
            let passed = match self.cut {
                Some((cut, length)) if last && cut == id => length,
                _ => usize::MAX,
            };
            if passed < text.len() {
                self.pass(None, &text[passed..], out);
                return Inside::Passing(id, text.len());
            }
            return Inside::Skipping(id, passed - text.len(), passed);
        }
        self.remember(id);
        self.pass(Some(at), text, out);
        Inside::Passing(id, text.len())
    }

    fn remember(&mut self, id: Id) {
        let second = id.0.timestamp();
        if self.last.is_none_or(|last| id.0 > last) {
            self.last = Some(id.0);
            if second > self.second {
                self.second = second;
                self.seen.clear();
            }
        }
        // lines of earlier seconds (two streams, one clock) are not sent again
        if second == self.second {
            *self.seen.entry(id).or_default() += 1;
        }
    }

    fn pass(&self, at: Option<DateTime<Utc>>, text: &[u8], out: &mut Vec<Record>) {
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        if at.is_none() && text.is_empty() {
            return;
        }
        out.push(Record::Line(LogLine {
            at,
            bytes: text.into(),
            goes_on: at.is_none(),
        }));
    }
}

/// Splits `2026-11-23T11:57:39.123456789Z text`.
fn stamp(line: &[u8]) -> Option<(DateTime<Utc>, &[u8])> {
    let head = &line[..line.len().min(40)];
    // a line may be empty, and then some runtimes leave the space out
    let space = head.iter().position(|b| *b == b' ');
    let (stamp, text) = match space {
        Some(at) => (&line[..at], &line[at + 1..]),
        None if line.len() <= 40 => (line, &line[line.len()..]),
        None => return None,
    };
    let stamp = std::str::from_utf8(stamp).ok()?;
    let at = DateTime::parse_from_rfc3339(stamp).ok()?;
    Some((at.with_timezone(&Utc), text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn texts(records: &[Record]) -> Vec<String> {
        let mut all: Vec<String> = Vec::new();
        for record in records {
            match record {
                Record::Line(LogLine {
                    at: Some(_), bytes, ..
                }) => {
                    all.push(String::from_utf8_lossy(bytes).into_owned());
                }
                Record::Line(LogLine {
                    at: None, bytes, ..
                }) => {
                    let last = all.last_mut().expect("a continuation follows a line");
                    last.push_str(&String::from_utf8_lossy(bytes));
                }
                Record::Remark(text) => all.push(format!("# {text}")),
            }
        }
        all
    }

    fn at(millis: i64) -> String {
        let time = DateTime::from_timestamp_millis(1_800_000_000_000 + millis).unwrap();
        time.to_rfc3339_opts(chrono::SecondsFormat::Nanos, true)
    }

    #[test]
    fn stamps_are_taken_off() {
        let (mut records, mut out) = (Records::default(), Vec::new());
        let text = format!(
            "{} hello world\r\nrpc error: no such container\n{} \n{}\n{} last",
            at(1),
            at(2),
            at(3),
            at(4)
        );
        records.push(text.as_bytes(), &mut out);
        assert_eq!(
            texts(&out),
            ["hello world", "# rpc error: no such container", "", ""]
        );
        records.finish(&mut out);
        assert_eq!(texts(&out).last().unwrap(), "last");
    }

    #[test]
    fn a_line_without_end_comes_in_pieces() {
        let (mut records, mut out) = (Records::default(), Vec::new());
        let bar = "10%\r".repeat(5000);
        records.push(format!("{} {bar}", at(1)).as_bytes(), &mut out);
        assert!(matches!(
            &out[..],
            [Record::Line(LogLine { at: Some(_), .. })]
        ));
        records.push(b"done\n", &mut out);
        assert!(
            matches!(&out[1], Record::Line(LogLine { at: None, bytes, .. }) if &**bytes == b"done")
        );
    }

    /// What a server sends that resumes at whole seconds.
    fn serve(log: &[(i64, String)], since: Option<DateTime<Utc>>) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (millis, text) in log {
            let time = DateTime::from_timestamp_millis(1_800_000_000_000 + millis).unwrap();
            if since.is_none_or(|since| time >= since) {
                bytes.extend(format!("{} {text}\n", at(*millis)).bytes());
            }
        }
        bytes
    }

    proptest! {
        /// However often and wherever the stream is cut, all lines come, in order, once.
        #[test]
        fn no_gap_and_no_repeat(
            log in proptest::collection::vec(
                (0i64..700, prop_oneof![0usize..3, 20_000usize..20_003, Just(40_000)], 0u8..2), 1..12),
            cuts in proptest::collection::vec(0usize..60_000, 0..5),
        ) {
            let mut time = 0;
            let log: Vec<(i64, String)> = log
                .into_iter()
                .map(|(step, length, variant)| {
                    // several lines at one moment, equal ones among them
                    time += (step - 200).max(0);
                    let digit = |at: usize| char::from(b'0' + ((at / 7 % 10) as u8 + variant) % 10);
                    (time, (0..length).map(digit).collect())
                })
                .collect();
            let (mut records, mut out) = (Records::default(), Vec::new());
            let mut since = None;
            for cut in cuts {
                let bytes = serve(&log, since);
                let cut = cut.min(bytes.len());
                // in two chunks
                records.push(&bytes[..cut / 2], &mut out);
                records.push(&bytes[cut / 2..cut], &mut out);
                since = records.resume();
            }
            records.push(&serve(&log, since), &mut out);
            records.finish(&mut out);
            let expected: Vec<String> = log.into_iter().map(|(_, text)| text).collect();
            prop_assert!(texts(&out) == expected);
        }
    }
}
