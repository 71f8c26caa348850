//! A small local record of workloads seen, so that a job can still be read, and submitted again, when its TTL took it:
//! what it was, how it ended, its last lines and metrics. Bounded, private, and without secrets.
//!
//! ```text
//! model, object, lines → Record::of → Keep::save → $XDG_STATE_HOME/jobdeck/history/UID.json
//!                                     Keep::load → Record → Record::manifest → submitted again
//! ```
//!
//! Whoever submits again reads [`Record::manifest`]: the object, clean as it would be for a resubmission, and
//! [`Record::masked`]: where [`MASK`] stands for a value that is not kept. These have to be filled in before it is sent.

mod keep;
mod make;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemars_derive::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::actions::clean::clean;
use crate::actions::secrets::{self, Masked};

pub use crate::actions::secrets::{MASK, text as clean_text};
pub use keep::{Keep, KeepError, Shelf};
pub use make::Seen;

/// `[history]` of the settings.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Limits {
    /// Jobs are recorded at all.
    pub enabled: bool,
    /// Records kept; the ones not touched for longest go first.
    pub max_records: usize,
    /// Their size on disk, in MiB.
    pub max_mib: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            enabled: true,
            max_records: 500,
            max_mib: 64,
        }
    }
}

impl Limits {
    /// As a commented part of a settings file.
    pub fn show(&self) -> String {
        format!(
            "# A local record of jobs seen, readable after they are deleted: no environment values, no secrets.\n[history]\n\
             enabled = {}\n# Records kept, and their size; the oldest go first.\nmax-records = {}\nmax-mib = {}\n",
            self.enabled, self.max_records, self.max_mib
        )
    }
}

/// One workload as it was seen last. Fields that are not known are absent.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Record {
    /// Of this format.
    pub version: u32,
    pub context: String,
    pub api_version: String,
    pub kind: String,
    pub namespace: String,
    pub name: String,
    pub uid: String,
    /// `Succeeded`, `Failed`, `Running` …: as it was seen last.
    pub phase: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How it was, in one sentence.
    pub message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished: Option<DateTime<Utc>>,
    /// When it was seen to be gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted: Option<DateTime<Utc>>,
    /// When this was written.
    pub updated: DateTime<Utc>,
    pub done: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<u32>,
    pub unit: String,
    pub failed: u32,
    pub retries: u32,
    /// As ranges: `0,2,4-6`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub failed_indexes: String,
    /// How those of them ended that were seen, the first [`ENDS`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ends: Vec<IndexEnd>,
    /// How its failed pods ended, in words, and how many did.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exits: Vec<(String, u32)>,
    /// Devices asked for by all pods that run at a time.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub gpus: BTreeMap<String, u32>,
    /// Devices asked for times the time it ran: an upper bound where not all pods ran all the time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpu_hours: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metrics: Option<Metrics>,
    /// The last lines of its log that a screen showed, cleaned.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<String>,
    /// The object as it was applied; absent for one nobody looked at: then the fields above are all there is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manifest: Option<Value>,
    /// Where in the manifest [`MASK`] stands for a value that is not kept.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub masked: Vec<Masked>,
}

/// How a failed index ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IndexEnd {
    pub index: u32,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub exit_code: Option<i32>,
    #[serde(default)]
    pub reason: String,
}

/// What its log said of the training.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Metrics {
    /// What the values are of: `loss`.
    pub name: String,
    /// Step (or what stands for it) and value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<(f64, Option<f64>)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub best: Option<(f64, f64)>,
    /// The curve in a few values; `None`: not a number.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub curve: Vec<Option<f64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epoch: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epochs: Option<f64>,
    /// What was odd about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concern: Option<String>,
}

/// Failed indexes of which the end is kept.
pub const ENDS: usize = 200;
/// Lines kept, and characters of each.
pub const LINES: usize = 60;
pub const LINE: usize = 500;
/// The format. In the first one the places of what is masked were words.
pub const VERSION: u32 = 2;

impl Record {
    /// The object to be submitted again, if it is known: sent as it is it fails where something is [`Record::masked`].
    pub fn manifest(&self) -> Option<&Value> {
        self.manifest.as_ref()
    }

    /// `job/pi`.
    pub fn title(&self) -> String {
        format!("{}/{}", self.kind.to_lowercase(), self.name)
    }

    /// Takes the object over, without its secrets.
    pub fn set_manifest(&mut self, object: &Value) {
        let mut kept = clean(object, None).manifest;
        self.masked = secrets::mask(&mut kept, true);
        self.manifest = Some(kept);
    }

    /// Takes lines over, without what looks like a secret: the last [`LINES`].
    pub fn set_lines<'a>(&mut self, lines: impl DoubleEndedIterator<Item = &'a str>) {
        let cut = |line: &str| -> String {
            let plain: String = line
                .chars()
                .filter(|c| !c.is_control())
                .take(4 * LINE)
                .collect();
            clean_text(&plain).chars().take(LINE).collect()
        };
        let mut kept: Vec<String> = lines.rev().take(LINES).map(cut).collect();
        kept.reverse();
        self.lines = kept;
    }

    /// Finds the places of what an older jobdeck masked.
    fn mend(&mut self) {
        if let Some(manifest) = &self.manifest
            && self.masked.iter().any(|place| place.pointer.is_empty())
        {
            self.masked = secrets::find(manifest);
        }
    }

    /// What a later look at the same workload adds: it knows better how things are, but may know less of what it was.
    pub fn merge(self, newer: Record) -> Record {
        if self.created != newer.created || self.uid != newer.uid {
            return newer;
        }
        if newer.updated < self.updated {
            return newer.merge(self);
        }
        let keeps_lines = newer.lines.is_empty();
        let keeps_manifest = newer.manifest.is_none();
        Record {
            lines: if keeps_lines { self.lines } else { newer.lines },
            masked: if keeps_manifest {
                self.masked
            } else {
                newer.masked
            },
            manifest: newer.manifest.or(self.manifest),
            metrics: newer.metrics.or(self.metrics),
            deleted: newer.deleted.or(self.deleted),
            ends: if newer.ends.is_empty() {
                self.ends
            } else {
                newer.ends
            },
            exits: if newer.exits.is_empty() {
                self.exits
            } else {
                newer.exits
            },
            ..newer
        }
    }
}
