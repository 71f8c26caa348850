//! What tasks may tell the owner. Everything that happens outside arrives as one of these, through one
//! bounded channel.

use crate::cluster::Cluster;
use crate::model::delta::{Delta, SourceId};
use crate::model::health::Health;
use crate::model::log::LogLine;
use crate::model::want::{Kind, LogWant, ObjectWant};
use crate::panes::Level;

/// Which connection a message belongs to: late ones of an earlier connection are ignored.
pub type Connection = u32;

#[derive(Debug)]
pub enum Message {
    /// A cluster answered.
    Opened {
        connection: Connection,
        opened: Box<Opened>,
    },
    /// It did not: what was tried, and why not.
    NotOpened {
        connection: Connection,
        failure: Failure,
    },
    /// Something of an open connection.
    From { connection: Connection, news: News },
    /// A sentence from nowhere in particular (a file was written, a theme is broken).
    Notice(Level, String),
    /// Themes, keymaps or settings changed on disk.
    FilesChanged,
}

/// An open cluster.
#[derive(Debug)]
pub struct Opened {
    pub cluster: Cluster,
    pub context: String,
    /// The context's own namespace.
    pub namespace: String,
    pub server_version: Option<String>,
    pub contexts: Vec<String>,
}

/// A connection that could not be opened.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Failure {
    /// Empty if there is no kubeconfig at all.
    pub context: String,
    /// Lines: what was tried.
    pub tried: Vec<String>,
    pub why: String,
    pub contexts: Vec<String>,
}

/// What an open connection has to say.
#[derive(Debug)]
pub enum News {
    Delta(Delta),
    Health {
        source: SourceId,
        kind: Kind,
        health: Health,
    },
    /// The source was stopped.
    Ended(SourceId),
    Lines {
        want: LogWant,
        lines: Vec<LogLine>,
    },
    LogNote {
        want: LogWant,
        level: Level,
        text: String,
    },
    Object {
        want: ObjectWant,
        object: Result<serde_json::Value, String>,
    },
    Notice(Level, String),
}
