//! Writes what arrives from a cluster, in compressed parts that are whole by themselves.

use std::borrow::Cow;
use std::collections::HashSet;
use std::io::{self, Write};

use chrono::{DateTime, Utc};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::value::RawValue;

use super::line::{Header, Is, Line, Open};
use super::slim::slim;
use crate::cluster::report::{Report, SourceHealth};
use crate::model::delta::{Delta, Rows, Step};
use crate::model::kueue::QueueRows;

/// A part ends after so many bytes of text: so much is read again at the most for a step back.
const PART: usize = 1 << 20;

/// What a recording holds so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Kept {
    /// Objects, new and changed.
    pub objects: u64,
    /// Objects that were deleted.
    pub gone: u64,
    /// Bytes of the file.
    pub bytes: u64,
}

/// Counts what goes through it.
struct Counted<W> {
    to: W,
    bytes: u64,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.to.write(bytes)?;
        self.bytes += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// The writer. What was written so far is on its way to the disk after [`Writer::flush`].
pub struct Writer<W: Write> {
    /// None only while a part ends.
    part: Option<GzEncoder<Counted<W>>>,
    in_part: usize,
    start: DateTime<Utc>,
    last: u64,
    opened: HashSet<u32>,
    kept: Kept,
}

impl<W: Write> Writer<W> {
    /// # Errors
    /// It cannot be written.
    pub fn new(to: W, header: &Header) -> io::Result<Self> {
        let mut writer = Self {
            part: Some(encoder(Counted { to, bytes: 0 })),
            in_part: 0,
            start: header.start,
            last: 0,
            opened: HashSet::new(),
            kept: Kept::default(),
        };
        let mut line = serde_json::to_vec(header)?;
        line.push(b'\n');
        writer.write(&line)?;
        writer.flush()?;
        Ok(writer)
    }

    pub fn kept(&self) -> Kept {
        let bytes = self.part.as_ref().map_or(0, |part| part.get_ref().bytes);
        Kept { bytes, ..self.kept }
    }

    /// Takes in what a cluster told.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn report(&mut self, report: &Report, now: DateTime<Utc>) -> io::Result<()> {
        let millis = (now - self.start).num_milliseconds();
        // a clock that was set back
        let t = u64::try_from(millis).unwrap_or(0).max(self.last);
        self.last = t;
        let line = Line {
            t,
            ..Line::default()
        };
        match report {
            Report::Raw {
                source, objects, ..
            } => {
                for object in objects {
                    let Some(slim) = slim(object) else { continue };
                    let put = serde_json::from_str::<&RawValue>(&slim).ok();
                    self.line(&Line {
                        t,
                        s: Some(source.0),
                        put,
                        ..Line::default()
                    })?;
                    self.kept.objects += 1;
                }
                Ok(())
            }
            Report::Delta(delta) => self.delta(delta, line),
            Report::Health(of) => self.health(of, line),
            Report::Ended { source, .. } => self.line(&Line {
                s: Some(source.0),
                is: Some(Is::Ended),
                ..line
            }),
            Report::Workloads { kinds, .. } => {
                let name = |plural, group| Cow::Owned(format!("{plural}.{group}"));
                let served = kinds.iter().map(|kind| name(kind.plural(), kind.group()));
                self.line(&Line {
                    served: Some(served.collect()),
                    ..line
                })
            }
            Report::Notice(notice) => self.line(&Line {
                notice: Some(notice.text.as_str().into()),
                ..line
            }),
            Report::Log(_) | Report::May { .. } | Report::Object { .. } | Report::Fields { .. } => {
                Ok(())
            }
        }
    }

    fn delta(&mut self, delta: &Delta, line: Line) -> io::Result<()> {
        if let Rows::Queues(QueueRows::Served(kueue)) = delta.rows {
            return self.line(&Line {
                kueue: Some(kueue),
                ..line
            });
        }
        let Some(step) = delta.rows.step() else {
            return Ok(());
        };
        let s = Some(delta.source.0);
        let is = match step {
            // as they were sent, before
            Step::Rows => return Ok(()),
            Step::Gone(uids) => {
                self.kept.gone += uids.len() as u64;
                let gone = uids.iter().map(|uid| Cow::Owned(uid.to_string())).collect();
                return self.line(&Line { s, gone, ..line });
            }
            Step::Restart => Is::Restart,
            Step::Synced => Is::Synced,
            Step::Dropped => Is::Dropped,
        };
        self.line(&Line {
            s,
            is: Some(is),
            ..line
        })
    }

    fn health(&mut self, of: &SourceHealth, line: Line) -> io::Result<()> {
        let s = Some(of.source.0);
        let open = self.opened.insert(of.source.0).then(|| Open {
            group: of.kind.group().into(),
            plural: of.kind.plural().into(),
            namespace: of.namespace.as_deref().map(Cow::Borrowed),
        });
        self.line(&Line {
            s,
            open,
            health: Some(of.health.clone()),
            ..line
        })
    }

    fn line(&mut self, line: &Line) -> io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        self.write(&text)
    }

    fn write(&mut self, text: &[u8]) -> io::Result<()> {
        if self.in_part > PART {
            self.end_part()?;
        }
        self.in_part += text.len();
        match &mut self.part {
            Some(part) => part.write_all(text),
            None => Err(io::Error::other("an earlier write failed")),
        }
    }

    fn end_part(&mut self) -> io::Result<()> {
        self.in_part = 0;
        if let Some(part) = self.part.take() {
            self.part = Some(encoder(part.finish()?));
        }
        Ok(())
    }

    /// What was taken in so far can be read from the file.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn flush(&mut self) -> io::Result<()> {
        match &mut self.part {
            Some(part) => part.flush(),
            None => Ok(()),
        }
    }

    /// Ends it as it should end.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn finish(mut self, now: DateTime<Utc>) -> io::Result<Kept> {
        let millis = (now - self.start).num_milliseconds();
        let t = u64::try_from(millis).unwrap_or(0).max(self.last);
        self.line(&Line {
            t,
            end: true,
            ..Line::default()
        })?;
        let kept = self.kept;
        let Some(part) = self.part.take() else {
            return Ok(kept);
        };
        let mut out = part.finish()?;
        out.flush()?;
        Ok(Kept {
            bytes: out.bytes,
            ..kept
        })
    }
}

fn encoder<W: Write>(to: Counted<W>) -> GzEncoder<Counted<W>> {
    GzEncoder::new(to, Compression::default())
}
