//! A manifest that was written and not sent: kept, so that nothing that was typed is lost.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// The text, and what it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Unsent {
    /// Also the name of its file.
    pub id: String,
    pub time: DateTime<Utc>,
    /// `resubmit job/pi`
    pub title: String,
    /// Where it was to go.
    pub context: String,
    pub text: String,
    /// What it was made from, for the difference.
    pub original: String,
}
