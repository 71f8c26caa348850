//! Log lines as they come off the wire.

use chrono::{DateTime, Utc};

/// A line as the container wrote it, without its line end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// The runtime's timestamp; the lines of a file have none.
    pub at: Option<DateTime<Utc>>,
    pub bytes: Box<[u8]>,
    /// It continues the line before: the runtime cuts at 16 KiB, and a pipe may pause in the middle.
    pub goes_on: bool,
}
