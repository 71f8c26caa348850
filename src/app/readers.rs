//! Between cluster and owner: log lines are read for metrics by the task that passes them on, so that the thread that
//! draws gets what they said ready to use. Separate because its state belongs to that task alone.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::message::{Connection, Message};
use crate::cluster::report::Report;
use crate::logs::metrics::Pattern;
use crate::logs::run::StreamReader;
use crate::model::want::LogWant;

/// Streams of which it is remembered what their last lines were; more than are ever followed at once.
const STREAMS: usize = 64;

/// The readers of all streams of one connection.
#[derive(Debug, Default)]
pub struct Readers {
    streams: BTreeMap<Arc<LogWant>, (u64, StreamReader)>,
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
        let said = match &report {
            Report::Log(batch) if !batch.lines.is_empty() => {
                self.batches += 1;
                if self.streams.len() >= STREAMS && !self.streams.contains_key(&batch.want) {
                    let oldest = self.streams.iter().min_by_key(|(_, (used, _))| *used);
                    if let Some(oldest) = oldest.map(|(want, _)| want.clone()) {
                        self.streams.remove(&oldest);
                    }
                }
                let begin = || (0, StreamReader::with(self.patterns.clone()));
                let (used, reader) = self.streams.entry(batch.want.clone()).or_insert_with(begin);
                *used = self.batches;
                reader.read(&batch.lines)
            }
            _ => Vec::new(),
        };
        Message::From {
            connection,
            report,
            said,
        }
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
