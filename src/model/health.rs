//! How each source is doing, in words a pane can show in place of, or above, its rows.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// State of one watch. Kept beside its rows: the last data stays on screen whatever happens here.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// Asked for, no answer yet.
    #[default]
    Connecting,
    /// First list under way: rows so far, and of how many if the server told.
    Syncing { seen: usize, total: Option<usize> },
    /// Watching.
    Live,
    /// Was live; no contact since, and why. Retrying.
    Stale { since: DateTime<Utc>, why: String },
    /// 403: what was asked, e.g. verb `list` on resource `pods` in `namespace` (`None`: all).
    Forbidden {
        verb: String,
        resource: String,
        namespace: Option<String>,
    },
    /// 404: the cluster does not serve this kind.
    Absent,
    /// Never answered well so far, and why. Retrying.
    Failing { why: String },
}
