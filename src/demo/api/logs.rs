//! Where container output comes from: the seam between the log endpoint and the simulated kubelet.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::write::Cluster;

/// Which output is asked for.
#[derive(Debug, Clone, Copy)]
pub struct LogQuery<'a> {
    /// The pod as it is stored now.
    pub pod: &'a Value,
    pub container: &'a str,
    /// The last terminated instance instead of the current one.
    pub previous: bool,
    /// How many lines of this instance the reader has already.
    pub skip: usize,
}

/// One line as the kubelet keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    pub at: DateTime<Utc>,
    /// Without the newline; may hold `\r`.
    pub text: String,
}

/// What a container instance has written after the lines that were skipped.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogView {
    /// Lines up to now, oldest first.
    pub lines: Vec<LogLine>,
    /// The instance has ended: nothing will follow.
    pub ended: bool,
    /// When the next line is due, if that is known. A follower asks again then, and after every write.
    pub next: Option<DateTime<Utc>>,
}

/// The kubelet's side of `pods/log`.
pub trait LogSource {
    /// `None` if the container has no such instance (never started; or nothing before, with `previous`).
    fn read(&self, cluster: &Cluster, query: LogQuery<'_>) -> Option<LogView>;
}

/// For a cluster without kubelets: no container has output.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoLogs;

impl LogSource for NoLogs {
    fn read(&self, _: &Cluster, _: LogQuery<'_>) -> Option<LogView> {
        None
    }
}
