//! Events of the objects on screen.

use chrono::{DateTime, Utc};

use super::ids::{Key, Name, Uid};

#[derive(Debug, Clone, PartialEq)]
pub struct EventRow {
    pub key: Key,
    pub namespace: Name,
    /// `Warning` (true) or `Normal`.
    pub warning: bool,
    pub reason: Name,
    pub message: String,
    /// `involvedObject`: kind, name, uid.
    pub about: (Name, Name, Uid),
    /// Who says so: `reportingComponent`, else `source.component`.
    pub by: Name,
    /// `series.count`, else `count`; at least 1.
    pub count: u32,
    pub first: Option<DateTime<Utc>>,
    pub last: Option<DateTime<Utc>>,
}
