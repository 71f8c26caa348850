//! Log lines as they come off the wire.

use chrono::{DateTime, Utc};

/// A line as the container wrote it, without its line end. `at` is the runtime's timestamp; a continuation
/// of a line longer than the runtime's 16 KiB has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    pub at: Option<DateTime<Utc>>,
    pub bytes: Box<[u8]>,
}
