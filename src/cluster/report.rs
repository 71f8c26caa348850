//! What the cluster layer tells the owner of the model: the one type in the one channel.

use std::sync::Arc;

use crate::model::access::Question;
use crate::model::delta::{Delta, SourceId};
use crate::model::fields::Checked;
use crate::model::health::Health;
use crate::model::ids::{ClusterId, Name};
use crate::model::log::LogLine;
use crate::model::want::{Kind, LogWant, ObjectWant, Selector};

/// One message.
#[derive(Debug, Clone)]
pub enum Report {
    /// Rows for the model.
    Delta(Delta),
    /// The objects that the rows of this source are made of, as they were sent; only where that is wanted
    /// ([`Tuning::raw`](super::source::Tuning)). Comes before the rows.
    Raw {
        cluster: ClusterId,
        source: SourceId,
        objects: Vec<Box<str>>,
    },
    /// How a watch is now.
    Health(SourceHealth),
    /// A watch has ended (nobody wants it any more): forget its health.
    Ended {
        cluster: ClusterId,
        source: SourceId,
    },
    /// These workload kinds are served, and watched from now on.
    Workloads {
        cluster: ClusterId,
        kinds: Vec<Kind>,
        /// Why others may be served all the same: discovery is forbidden, or failed.
        blind: Option<String>,
    },
    /// Whether this user may do something that was asked about.
    May {
        cluster: ClusterId,
        question: Question,
        allowed: bool,
    },
    /// Something a user should read.
    Notice(Notice),
    /// Lines of one log stream.
    Log(LogBatch),
    /// An object that was asked for, or why not.
    Object {
        cluster: ClusterId,
        want: ObjectWant,
        object: Result<serde_json::Value, String>,
    },
    /// What its served schema says of an object that was sent before, or why that is not known.
    Fields {
        cluster: ClusterId,
        want: ObjectWant,
        fields: Result<Checked, String>,
    },
}

impl Report {
    /// The cluster it is about.
    pub fn cluster(&self) -> ClusterId {
        match self {
            Self::Delta(delta) => delta.cluster,
            Self::Health(of) => of.cluster,
            Self::Notice(notice) => notice.cluster,
            Self::Log(batch) => batch.cluster,
            Self::Ended { cluster, .. }
            | Self::Raw { cluster, .. }
            | Self::Workloads { cluster, .. }
            | Self::May { cluster, .. }
            | Self::Object { cluster, .. }
            | Self::Fields { cluster, .. } => *cluster,
        }
    }
}

/// How one watch is.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceHealth {
    pub cluster: ClusterId,
    pub source: SourceId,
    pub kind: Kind,
    pub selector: Selector,
    /// `None`: all namespaces, or a kind without.
    pub namespace: Option<Name>,
    pub health: Health,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    Info,
    Warning,
    Error,
}

/// One sentence: what, why, what next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    pub cluster: ClusterId,
    pub severity: Severity,
    pub text: String,
}

/// Part of one log stream. Lines and notes are in order: `notes` come after `lines`.
#[derive(Debug, Clone, PartialEq)]
pub struct LogBatch {
    pub cluster: ClusterId,
    pub want: Arc<LogWant>,
    pub lines: Vec<LogLine>,
    pub notes: Vec<LogNote>,
}

/// Something about a stream, to be shown among its lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogNote {
    pub severity: Severity,
    pub text: String,
}
