//! Between cluster and owner: log lines are read for metrics by the task that passes them on, so that the thread that
//! draws gets what they said ready to use. Separate because its state belongs to that task alone.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio::sync::mpsc;

use super::inbox::Failed;
use super::message::{Connection, Message};
use crate::cluster::report::Report;
use crate::logs::failures::{Failures, Found};
use crate::logs::metrics::Pattern;
use crate::logs::run::StreamReader;
use crate::model::log::LogLine;
use crate::model::want::LogWant;

/// Streams of which it is remembered what their last lines were; more than are ever followed at once.
const STREAMS: usize = 64;

/// The readers of all streams of one connection.
#[derive(Debug, Default)]
pub struct Readers {
    streams: BTreeMap<Arc<LogWant>, (u64, StreamReader, FailureReader)>,
    batches: u64,
    /// The user's own.
    patterns: Arc<[Pattern]>,
}

impl Readers {
    pub fn new(patterns: Arc<[Pattern]>) -> Self {
        Self {
            patterns,
            ..Self::default()
        }
    }

    /// A report as the owner gets it.
    pub fn message(&mut self, connection: Connection, report: Report) -> Message {
        let (said, failed) = match &report {
            Report::Log(batch) => {
                self.batches += 1;
                if self.streams.len() >= STREAMS && !self.streams.contains_key(&batch.want) {
                    let oldest = self.streams.iter().min_by_key(|(_, (used, ..))| *used);
                    if let Some(oldest) = oldest.map(|(want, _)| want.clone()) {
                        self.streams.remove(&oldest);
                    }
                }
                let begin = || {
                    let reader = StreamReader::with(self.patterns.clone());
                    (0, reader, FailureReader::default())
                };
                let (used, reader, failures) =
                    self.streams.entry(batch.want.clone()).or_insert_with(begin);
                *used = self.batches;
                let failed = failures.read(&batch.lines, !batch.notes.is_empty());
                (reader.read(&batch.lines), failed)
            }
            _ => (Vec::new(), Vec::new()),
        };
        Message::From {
            connection,
            report,
            said,
            failed,
        }
    }
}

/// Looks for known failures in the lines of one stream.
#[derive(Debug, Default)]
struct FailureReader {
    failures: Failures,
    line: u64,
    /// Number and time of the last lines, so that what is complete only later gets its own time.
    times: VecDeque<(u64, DateTime<Utc>)>,
}

/// Lines of which the time is remembered: more than a traceback has that ranks write at once.
const TIMES: usize = 512;

impl FailureReader {
    /// `pauses`: something was said about the stream, so that what is begun may not go on.
    fn read(&mut self, lines: &[LogLine], pauses: bool) -> Vec<Failed> {
        let mut found = Vec::new();
        for line in lines {
            self.line += 1;
            if let Some(at) = line.at {
                if self.times.len() == TIMES {
                    self.times.pop_front();
                }
                self.times.push_back((self.line, at));
            }
            let text = String::from_utf8_lossy(&line.bytes);
            let text = text.trim_end_matches('\r');
            // of a bar only what it ended as
            let text = text.rsplit('\r').next().unwrap_or_default();
            if text.contains('\u{1b}') {
                let plain = crate::ui::text::strip(text);
                found.extend(self.failures.line(self.line, &plain));
            } else {
                found.extend(self.failures.line(self.line, text));
            }
        }
        if pauses {
            found.extend(self.failures.finish());
        }
        found.into_iter().map(|found| self.told(found)).collect()
    }

    fn told(&self, found: Found) -> Failed {
        let after = self.times.partition_point(|(line, _)| *line < found.first);
        let at = self.times.get(after).map(|(_, at)| *at);
        Failed { found, at }
    }
}

/// Passes reports on until nobody sends or nobody listens. Both channels are bounded: who is slow slows the other.
pub async fn forward(
    connection: Connection,
    mut reports: mpsc::Receiver<Report>,
    messages: mpsc::Sender<Message>,
    patterns: Arc<[Pattern]>,
) {
    let mut readers = Readers::new(patterns);
    while let Some(report) = reports.recv().await {
        let message = readers.message(connection, report);
        if messages.send(message).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::report::LogBatch;
    use crate::model::ids::{ClusterId, Uid};
    use crate::model::log::LogLine;

    fn batch(pod: u128, lines: &[&str]) -> Report {
        let line = |text: &&str| LogLine {
            at: None,
            bytes: text.as_bytes().into(),
            goes_on: true,
        };
        Report::Log(LogBatch {
            cluster: ClusterId::default(),
            want: Arc::new(LogWant {
                namespace: "default".into(),
                pod: "p".into(),
                uid: Uid(pod),
                container: None,
                previous: false,
                tail: None,
                since_seconds: None,
                follow: true,
            }),
            lines: lines.iter().map(line).collect(),
            notes: Vec::new(),
        })
    }

    fn losses(readers: &mut Readers, report: Report) -> Vec<f64> {
        let Message::From { said, .. } = readers.message(0, report) else {
            panic!("another message");
        };
        said.iter()
            .filter_map(|s| s.record.number("loss"))
            .collect()
    }

    #[test]
    fn a_stream_goes_on_in_its_next_batch_and_no_other_does() {
        let mut readers = Readers::default();
        assert_eq!(losses(&mut readers, batch(1, &["step 1 lo"])), [0.0; 0]);
        assert_eq!(losses(&mut readers, batch(2, &["ss 9.5"])), [0.0; 0]);
        assert_eq!(losses(&mut readers, batch(1, &["ss 2.5"])), [2.5]);
        for pod in 0..500 {
            losses(&mut readers, batch(pod, &["step 1 loss 2"]));
        }
        assert!(readers.streams.len() <= STREAMS);
    }
}
