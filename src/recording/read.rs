//! Reads the lines of a recording, compressed or not, as far as they are whole.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use flate2::bufread::GzDecoder;

use super::Trouble;
use super::line::{Header, VERSION};
use crate::cluster::lines::Lines;

/// No line is longer in earnest: an API server takes objects of 1.5 MB.
const LONGEST: usize = 32 << 20;
/// Bytes read at a time.
const CHUNK: usize = 64 << 10;
/// A file that is not compressed can be begun at every so many lines.
const STOPS: u64 = 1000;

/// A place to begin at: of a compressed file the start of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Place {
    offset: u64,
    /// Lines before it.
    pub line: u64,
}

enum Input {
    Plain(BufReader<File>),
    Packed(GzDecoder<BufReader<File>>),
    /// Nothing more comes.
    End,
}

/// The reader.
pub struct Reader {
    path: PathBuf,
    packed: bool,
    input: Input,
    lines: Lines,
    /// Bytes of the plain file that were given out.
    given: u64,
    /// Lines given out.
    line: u64,
    /// Where reading could begin again, until that is asked for.
    stop: Option<Place>,
    cut: Option<String>,
}

impl Reader {
    /// Opens a file and reads its first line.
    ///
    /// # Errors
    /// It cannot be read, or is no recording.
    pub fn open(path: &Path) -> Result<(Header, Self), Trouble> {
        let failed = |why| Trouble::Io {
            what: "read",
            path: path.to_owned(),
            why,
        };
        let none = |why: String| Trouble::None {
            path: path.to_owned(),
            why,
        };
        let file = File::open(path).map_err(failed)?;
        if file.metadata().map_err(failed)?.is_dir() {
            return Err(none("it is a folder".into()));
        }
        let mut file = BufReader::new(file);
        let head = file.fill_buf().map_err(failed)?;
        if head.is_empty() {
            return Err(none("it is empty".into()));
        }
        let packed = head.starts_with(&[0x1f, 0x8b]);
        let mut reader = Self {
            path: path.to_owned(),
            packed,
            input: match packed {
                true => Input::Packed(GzDecoder::new(file)),
                false => Input::Plain(file),
            },
            lines: Lines::default(),
            given: 0,
            line: 0,
            stop: None,
            cut: None,
        };
        let first = match reader.next_line() {
            Some(line) => line,
            None => {
                let cut = reader.cut.take();
                return Err(none(cut.unwrap_or_else(|| "it has no first line".into())));
            }
        };
        let header: Header = match serde_json::from_slice(&first) {
            Ok(header) => header,
            Err(e) => return Err(none(format!("line 1: {e}"))),
        };
        if header.recording > VERSION {
            return Err(Trouble::Newer {
                path: path.to_owned(),
                version: header.recording,
                by: header.jobdeck,
            });
        }
        Ok((header, reader))
    }

    /// Goes on from a place it once told.
    ///
    /// # Errors
    /// The file is gone.
    pub fn begin_at(&mut self, place: Place) -> io::Result<()> {
        let mut file = BufReader::new(File::open(&self.path)?);
        file.seek(SeekFrom::Start(place.offset))?;
        self.input = match self.packed {
            true => Input::Packed(GzDecoder::new(file)),
            false => Input::Plain(file),
        };
        self.lines.clear();
        self.given = place.offset;
        self.line = place.line;
        self.cut = None;
        self.stop = None;
        // the first line of all says what the file is
        if place.line == 0 {
            self.next_line();
        }
        Ok(())
    }

    /// The number of the line that was given out last, from 1.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// Why it ends before its end.
    pub fn cut(&self) -> Option<&str> {
        self.cut.as_deref()
    }

    /// The place before the line that was given out last, if reading may begin there.
    pub fn stop(&mut self) -> Option<Place> {
        self.stop.take()
    }

    /// The next whole line.
    pub fn next_line(&mut self) -> Option<Vec<u8>> {
        loop {
            if let Some(line) = self.lines.next_line() {
                let line = line.to_vec();
                if !self.packed && self.line > 0 && self.line.is_multiple_of(STOPS) {
                    self.stop = Some(Place {
                        offset: self.given,
                        line: self.line,
                    });
                }
                self.given += line.len() as u64 + 1;
                self.line += 1;
                return Some(line);
            }
            if self.lines.rest().len() > LONGEST {
                self.end(format!(
                    "line {} is longer than {} MiB",
                    self.line + 1,
                    LONGEST >> 20
                ));
            }
            if !self.fill() {
                return None;
            }
        }
    }

    fn end(&mut self, why: String) {
        self.input = Input::End;
        self.lines.clear();
        self.cut.get_or_insert(why);
    }

    /// Reads on; false at the end.
    fn fill(&mut self) -> bool {
        let mut chunk = vec![0; CHUNK];
        let read = match &mut self.input {
            Input::Plain(file) => file.read(&mut chunk),
            Input::Packed(part) => part.read(&mut chunk),
            Input::End => return false,
        };
        match read {
            Ok(0) => self.next_part(),
            Ok(n) => {
                self.lines.push(&chunk[..n]);
                true
            }
            Err(e) => {
                let after = self.line;
                self.end(format!("it was cut off after line {after} ({e})"));
                false
            }
        }
    }

    /// One part ended: the next, if there is one.
    fn next_part(&mut self) -> bool {
        let half = !self.lines.rest().is_empty();
        let input = std::mem::replace(&mut self.input, Input::End);
        if half {
            let after = self.line;
            self.end(format!("it was cut off after line {after}"));
            return false;
        }
        let Input::Packed(part) = input else {
            return false;
        };
        let mut file = part.into_inner();
        let more = file.fill_buf().is_ok_and(|bytes| !bytes.is_empty());
        if !more {
            return false;
        }
        let offset = file.stream_position().unwrap_or_default();
        self.stop = Some(Place {
            offset,
            line: self.line,
        });
        self.lines.clear();
        self.input = Input::Packed(GzDecoder::new(file));
        true
    }
}
