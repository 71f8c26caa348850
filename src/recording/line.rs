//! The lines of a recording. The first says what it is, each other what was told when.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::model::health::Health;

/// Of the format. A reader of this version reads all lower ones; fields it does not know are no reason for a new one.
pub const VERSION: u32 = 1;

/// The first line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// The version of the format.
    pub recording: u32,
    /// The version of jobdeck that made it.
    #[serde(default)]
    pub jobdeck: String,
    #[serde(default)]
    pub context: String,
    /// The version of the server, if it told.
    #[serde(default)]
    pub server: Option<String>,
    /// None: all namespaces.
    #[serde(default)]
    pub namespace: Option<String>,
    pub start: DateTime<Utc>,
}

/// Any other line: one thing that was told.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Line<'a> {
    /// Milliseconds since the start.
    pub t: u64,
    /// The watch that told it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub s: Option<u32>,
    /// The watch begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open: Option<Open<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health: Option<Health>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is: Option<Is>,
    /// An object, new or changed.
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub put: Option<&'a RawValue>,
    /// Uids of what was deleted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gone: Vec<Cow<'a, str>>,
    /// Optional kinds that are served, as `plural.group`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub served: Option<Vec<Cow<'a, str>>>,
    /// Whether Kueue is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kueue: Option<bool>,
    /// Something a user should read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notice: Option<Cow<'a, str>>,
    /// It ends here as it should: nothing was cut off.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub end: bool,
}

/// What a watch is of.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct Open<'a> {
    /// Empty: the core group.
    #[serde(borrow)]
    pub group: Cow<'a, str>,
    pub plural: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<Cow<'a, str>>,
}

/// What a watch says of its list, or of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Is {
    /// A list begins: what is not told again before it is synced is gone.
    Restart,
    Synced,
    /// Its rows go.
    Dropped,
    /// Forget how it is.
    Ended,
}
