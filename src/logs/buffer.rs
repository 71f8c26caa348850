//! The log of one screen: streams in, merged lines out. Ingest never waits for whoever looks: pausing is the
//! viewer's business alone.

use std::collections::VecDeque;

use crate::model::log::LogLine;

use super::folds::Folds;
use super::frames::Frame;
use super::line::{Anchor, Line, LineKind, Marks};
use super::ring::Ring;
use super::rows::{Row, WINDOW};
use super::sgr::Run;
use super::view::View;
use telling::Telling;

mod looking;
mod telling;

/// Bytes of text after which a line goes on in another one.
pub const MAX_LINE: usize = 256 * 1024;
/// Bytes fed at once; with tabs they can become eight times as many.
const PIECE: usize = 16 * 1024;
/// Rewrites remembered per stream, to know them again.
const REWRITES: usize = 64;

/// One source of lines, in the order they were added.
#[derive(Debug, Default)]
pub struct Stream {
    /// Lines received, notes not counted.
    pub lines: u64,
    /// Something is wrong with it, or was said about it, since its last line.
    pub note: Option<Box<str>>,
    frame: Frame,
    /// It wrote a line, so what comes without a timestamp goes on in it.
    open: bool,
    /// The lines of the rows that may still grow or be rewritten, by row number.
    rows: [Option<(u64, Anchor)>; WINDOW],
    /// Times and texts of lines that rewrote others: they stand nowhere by themselves.
    rewrites: VecDeque<(i64, Box<str>)>,
    /// Time of its last line: a clock that jumps back does not change the order.
    key: Option<i64>,
    /// What is known already is being told again; of the lines as old as the last one, so many are still to come.
    replay: Option<usize>,
    telling: Telling,
}

/// Figures of the whole buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Lines kept, notes included.
    pub lines: usize,
    /// Of these, lines the filter lets through.
    pub shown: usize,
    /// Of these, lines on the screen: the others are folded away.
    pub visible: usize,
    /// Of the lines the filter lets through, those the search finds.
    pub hits: usize,
    /// Memory they take.
    pub bytes: usize,
    /// Lines dropped because of the bound.
    pub trimmed: u64,
    /// Lines left out because they were here before.
    pub repeated: u64,
}

/// All lines of one screen.
#[derive(Debug)]
pub struct LogBuffer {
    streams: Vec<Stream>,
    ring: Ring,
    limit: usize,
    trimmed: u64,
    repeated: u64,
    /// Lines were trimmed or cleared: what is not known may have been.
    forgot: bool,
    arrivals: u64,
    view: View,
    folds: Folds,
    /// Room for rows on their way.
    changed: Vec<Changed>,
}

/// A row of a stream that was written: its number, text and colours.
type Changed = (u64, Box<str>, Option<Box<[Run]>>);

impl LogBuffer {
    /// The default bound, in bytes.
    pub const LIMIT: usize = 64 << 20;

    /// An empty buffer that keeps at most `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self {
            streams: Vec::new(),
            ring: Ring::default(),
            limit,
            trimmed: 0,
            repeated: 0,
            forgot: false,
            arrivals: 0,
            view: View::default(),
            folds: Folds::default(),
            changed: Vec::new(),
        }
    }

    /// Another stream; its index.
    pub fn add_stream(&mut self) -> usize {
        self.add_named("", None)
    }

    /// The same with the name of its pod and its rank, for the filter.
    pub fn add_named(&mut self, name: &str, rank: Option<u32>) -> usize {
        self.streams.push(Stream::default());
        self.view.names.push((name.into(), rank));
        self.streams.len() - 1
    }

    pub fn stream(&self, index: usize) -> Option<&Stream> {
        self.streams.get(index)
    }

    /// Lines of one stream, oldest first.
    ///
    /// A stream that was let go and taken up again begins with lines known already: these are left out. Answers how many
    /// that were, always the first ones.
    pub fn push(&mut self, stream: usize, lines: &[LogLine]) -> usize {
        let Some(first) = lines.first() else { return 0 };
        let before = self.repeated;
        if self.is_known(stream, first) {
            let seen = self.lines_at_end_of(stream);
            self.streams[stream].replay = Some(seen);
        }
        for line in lines {
            if self.skips(stream, line) {
                self.repeated += 1;
            } else {
                self.push_line(stream, line);
            }
        }
        self.tell_begun(stream);
        self.trim();
        usize::try_from(self.repeated - before).unwrap_or(0)
    }

    /// Whether a line was here before: the same at the same time, or from before everything that is kept of more.
    fn is_known(&self, index: usize, line: &LogLine) -> bool {
        let Some(stream) = self.streams.get(index) else {
            return false;
        };
        let (Some(at), Some(key)) = (nanos(line), stream.key) else {
            return false;
        };
        if at > key {
            return false;
        }
        if self.ring.oldest().is_none_or(|oldest| at < oldest.key) {
            return self.forgot && at < key;
        }
        let text = text_of(&line.bytes);
        let rewrote = |(time, known): &(i64, Box<str>)| *time == at && **known == *text;
        let mut lines = self.ring.lines_at(at);
        lines.any(|known| known.stream() == index && *known.text == *text)
            || stream.rewrites.iter().any(rewrote)
    }

    /// Lines of a stream with the time of its last one.
    fn lines_at_end_of(&self, index: usize) -> usize {
        let key = self.streams.get(index).and_then(|stream| stream.key);
        key.map_or(0, |key| {
            let same = |line: &&Line| line.stream() == index && line.at == Some(key);
            self.ring.lines_at(key).filter(same).count()
        })
    }

    /// Whether a line belongs to what is being told again.
    fn skips(&mut self, index: usize, line: &LogLine) -> bool {
        let Some(stream) = self.streams.get_mut(index) else {
            return true;
        };
        let Some(left) = &mut stream.replay else {
            return false;
        };
        match (nanos(line), stream.key) {
            // The rest of a line left out.
            (None, _) => return true,
            (Some(at), Some(key)) if at < key => return true,
            (Some(at), Some(key)) if at == key && *left > 0 => {
                *left -= 1;
                return true;
            }
            _ => {}
        }
        stream.replay = None;
        false
    }

    fn push_line(&mut self, index: usize, line: &LogLine) {
        let newest = self.newest();
        let Some(stream) = self.streams.get_mut(index) else {
            return;
        };
        let at = nanos(line);
        let goes_on = line.goes_on && stream.open;
        if !goes_on {
            if stream.open {
                stream.frame.newline();
            } else {
                stream.frame.cut();
            }
            stream.open = true;
            stream.lines += 1;
            let key = at.or(stream.key).or(newest).unwrap_or(0);
            stream.key = Some(stream.key.map_or(key, |last| last.max(key)));
        }
        stream.note = None;
        let mut kind = LineKind::Text;
        let mut pieces = line.bytes.chunks(PIECE).peekable();
        while let Some(piece) = pieces.next() {
            let frame = &mut self.streams[index].frame;
            frame.feed(piece);
            if frame.width() >= MAX_LINE {
                // Were it to go on, it would go on in a new line.
                let more = pieces.peek().is_some();
                self.write(index, at, kind);
                self.streams[index].frame.cut();
                self.streams[index].open = more;
                kind = LineKind::More;
                if !more {
                    return;
                }
            }
        }
        let stream = &mut self.streams[index];
        stream.frame.show();
        let here = stream.frame.row().id();
        if let (Some(at), Some((id, anchor))) = (at, stream.rows[slot(here)])
            && id == here
            && !goes_on
            && anchor.key < at
        {
            // It rewrites a line of before.
            if stream.rewrites.len() >= REWRITES {
                stream.rewrites.pop_front();
            }
            let text = text_of(&line.bytes);
            stream.rewrites.push_back((at, text.into()));
        }
        self.write(index, at, kind);
    }

    /// Rows written to become lines, or replace those they were.
    fn write(&mut self, index: usize, at: Option<i64>, kind: LineKind) {
        let stream = &mut self.streams[index];
        let key = stream.key.unwrap_or(0);
        let mut rows = std::mem::take(&mut self.changed);
        rows.extend(stream.frame.take_changed().map(|row| {
            let (text, runs) = content(row);
            (row.id(), text, runs)
        }));
        for (row, text, runs) in rows.drain(..) {
            let open = &mut self.streams[index].rows[slot(row)];
            if let Some((id, anchor)) = *open
                && id == row
                && self.ring.line(anchor).is_some()
            {
                self.rewrite(index, anchor, text, runs);
                continue;
            }
            self.arrivals += 1;
            let anchor = Anchor {
                key,
                id: self.arrivals,
            };
            *open = Some((row, anchor));
            self.insert(Line {
                anchor,
                at,
                text,
                runs,
                stream: u16::try_from(index).unwrap_or(u16::MAX),
                kind,
                marks: Marks::default(),
                fold: 0,
            });
        }
        self.changed = rows;
    }

    /// Something about a stream, to stand among its lines; the same said again right away stands once.
    pub fn note(&mut self, index: usize, alarm: bool, text: &str) {
        let newest = self.newest();
        let Some(stream) = self.streams.get_mut(index) else {
            return;
        };
        if stream.note.as_deref() == Some(text) {
            return;
        }
        stream.note = Some(text.into());
        // What follows does not belong to the lines before the note.
        stream.frame.cut();
        stream.open = false;
        let key = stream.key.or(newest).unwrap_or(0);
        self.arrivals += 1;
        let line = Line {
            anchor: Anchor {
                key,
                id: self.arrivals,
            },
            at: None,
            text: text_of(text.as_bytes()).into(),
            runs: None,
            stream: u16::try_from(index).unwrap_or(u16::MAX),
            kind: if alarm {
                LineKind::Alarm
            } else {
                LineKind::Note
            },
            marks: Marks::default(),
            fold: 0,
        };
        self.insert(line);
        self.trim();
    }

    fn newest(&self) -> Option<i64> {
        self.ring.newest().map(|anchor| anchor.key)
    }

    fn trim(&mut self) {
        while self.ring.bytes > self.limit
            && let Some(line) = self.ring.pop()
        {
            self.trimmed += 1;
            self.forgot = true;
            self.take_from_fold(&line);
        }
    }

    /// Forgets all lines; streams go on.
    pub fn clear(&mut self) {
        self.ring.clear();
        self.folds.clear();
        (self.trimmed, self.repeated, self.forgot) = (0, 0, true);
        for stream in &mut self.streams {
            stream.open = false;
            stream.frame.cut();
            stream.telling = Telling::default();
        }
    }
}

/// Where the line of a row is remembered.
fn slot(id: u64) -> usize {
    (id % WINDOW as u64) as usize
}

fn content(row: &Row) -> (Box<str>, Option<Box<[Run]>>) {
    let runs = row.runs();
    (row.text().into(), (!runs.is_empty()).then(|| runs.into()))
}

/// What is left of a line that stands alone.
fn text_of(bytes: &[u8]) -> String {
    let mut frame = Frame::default();
    frame.feed(bytes);
    frame.settle();
    frame.take_changed().for_each(drop);
    frame.text().to_owned()
}

fn nanos(line: &LogLine) -> Option<i64> {
    line.at.and_then(|at| at.timestamp_nanos_opt())
}
