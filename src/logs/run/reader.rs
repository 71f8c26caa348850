//! One stream's lines read for metrics: its bars are drawn as a terminal would, each frame becomes a record. Separate from
//! who keeps the curves, since this is the costly part and is done where nothing waits for it.

use std::sync::Arc;

use super::super::frames::Frame;
use super::super::metrics::{Pattern, Reader, Record};
use crate::model::log::LogLine;

/// Longer open lines are cut: no bar is that wide.
const WIDEST: usize = 64 * 1024;
/// Records of one batch; of more (thousands of frames of a bar) every second is left out, again and again.
const MOST: usize = 1024;

/// What a line said in numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Said {
    /// Index of the line in its batch.
    pub line: usize,
    /// Seconds since 1970.
    pub at: Option<f64>,
    /// The line goes on: a bar that may be held back by the runtime.
    pub open_bar: bool,
    pub record: Record,
}

/// The state of one stream.
#[derive(Debug, Default)]
pub struct StreamReader {
    frame: Frame,
    reader: Reader,
    /// A line was begun that may go on.
    open: bool,
    at: Option<f64>,
}

impl StreamReader {
    /// One that tries the user's own patterns first.
    pub fn with(patterns: Arc<[Pattern]>) -> Self {
        Self {
            reader: Reader::with(patterns),
            ..Self::default()
        }
    }

    /// The next lines of the stream, oldest first.
    pub fn read(&mut self, lines: &[LogLine]) -> Vec<Said> {
        let mut said = Vec::new();
        for (n, line) in lines.iter().enumerate() {
            self.line(n, line, &mut said);
        }
        said
    }

    fn line(&mut self, index: usize, line: &LogLine, said: &mut Vec<Said>) {
        // Else it is the rest of a line that the runtime cut.
        if !line.goes_on || !self.open {
            if self.open {
                self.frame.newline();
            }
            self.open = true;
            let at = line.at.map(|at| at.timestamp_micros() as f64 / 1e6);
            self.at = at.or(self.at);
        }
        let frames = 1 + memchr::memchr_iter(b'\r', &line.bytes).count();
        // Every frame of a bar is a line to be read.
        for (n, piece) in line.bytes.split(|b| *b == b'\r').enumerate() {
            if n > 0 {
                self.frame.feed(b"\r");
            }
            for part in piece.chunks(16 * 1024) {
                if self.frame.width() >= WIDEST {
                    self.frame.cut();
                }
                self.frame.feed(part);
            }
            let open_bar = frames > 1 && n + 1 == frames;
            for row in self.frame.take_changed() {
                let Some(record) = self.reader.read(row.text()) else {
                    continue;
                };
                if said.len() >= MOST {
                    thin(said);
                }
                said.push(Said {
                    line: index,
                    at: self.at,
                    open_bar,
                    record,
                });
            }
        }
    }
}

/// Half of them; what rings an alarm goes last.
fn thin(said: &mut Vec<Said>) {
    let mut n = 0;
    said.retain(|said| {
        n += 1;
        n % 2 == 0 || said.record.has("alarm")
    });
    if said.len() > MOST / 2 {
        let most = MOST / 2;
        said.drain(..said.len() - most);
    }
}
