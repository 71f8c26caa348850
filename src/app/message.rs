//! What tasks may tell the owner. Everything that happens outside arrives as one of these, through one
//! bounded channel.

use super::runner::RunningDemo;
use crate::actions::outcome::Outcome;
use crate::actions::stream::{Offer, Traffic};
use crate::actions::unsent::Unsent;
use crate::actions::{Object, Refusal};
use crate::cluster::Cluster;
use crate::cluster::report::Report;
use crate::cluster::writes::Running;
use crate::history::{Record, Shelf};
use crate::keep::trash::Entry;
use crate::logs::run::Said;
use crate::model::ids::{ClusterId, Name};
use crate::model::vitals::Reading;
use crate::panes::editor::{Ask, Found, Id, Problem};
use crate::panes::{Heard, Level};
use crate::recording::player::Moved;

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
    From {
        connection: Connection,
        report: Report,
        /// What the lines of a log said in numbers.
        said: Vec<Said>,
        /// Known failures in them.
        failed: Vec<super::inbox::Failed>,
    },
    /// A cluster beside the first answered (a worker cluster, or one that is looked at together with it), or did not (yet).
    Joined {
        connection: Connection,
        id: ClusterId,
        outcome: Result<Joined, String>,
    },
    /// What is kept of jobs was read, or cannot be.
    History(Box<Result<Shelf, String>>),
    /// A record was written.
    Kept(Box<Record>),
    /// How something that was to be done ended.
    Written {
        connection: Connection,
        outcome: Box<Outcome>,
    },
    /// A command runs in a pod and waits for the terminal, or why not.
    Entered {
        connection: Connection,
        /// The runner takes it out before the app sees the message.
        running: Result<Option<Box<Running>>, Box<Outcome>>,
    },
    /// Ports of a pod that are worth a try.
    Offers {
        connection: Connection,
        pod: Object,
        offers: Result<Vec<Offer>, Refusal>,
    },
    /// How a forwarded port is.
    Forward {
        connection: Connection,
        id: u32,
        said: Forwarded,
    },
    /// What can be made again, newest first, of this cluster.
    Trash {
        connection: Connection,
        cluster: ClusterId,
        entries: Vec<Entry>,
    },
    /// What a look at a text came to.
    Looked {
        connection: Connection,
        id: Id,
        found: Box<Found>,
    },
    /// What the server does not serve of a text that is to be sent, and how it goes on if that is nothing.
    Met {
        connection: Connection,
        id: Id,
        problems: Vec<Problem>,
        then: Ask,
    },
    /// What the server says it would do with objects, or what became of them.
    Submitted {
        connection: Connection,
        id: Id,
        dry: bool,
        outcomes: Vec<Outcome>,
    },
    /// What there is to begin with.
    Beginnings(Beginnings),
    /// A file to be edited was read, or cannot be.
    FileRead {
        name: String,
        text: Result<String, String>,
    },
    /// Of the file that is read instead of a cluster.
    File(Heard),
    /// A sentence from nowhere in particular (a file was written, a theme is broken).
    Notice(Level, String),
    /// What jobdeck itself takes and does.
    Measured(Box<Reading>),
    /// Themes, keymaps or settings changed on disk.
    FilesChanged,
    /// A recording has ended: what it came to, or why.
    Recorded(Level, String),
    /// A recording was brought to a time, in milliseconds since its start.
    Played {
        t: u64,
        moved: Result<Moved, String>,
    },
}

/// What is told of a forwarded port.
#[derive(Debug)]
pub enum Forwarded {
    /// It is listened on this port of this machine.
    Opened(u16),
    Refused(Box<Outcome>),
    Traffic(Traffic),
    /// It is not any more; why, if nobody stopped it.
    Ended(Option<&'static str>),
}

/// What a manifest can be begun with, beside the shipped templates.
#[derive(Debug, Default)]
pub struct Beginnings {
    /// What was written in earlier sessions and not sent, the newest first.
    pub unsent: Vec<Unsent>,
    /// Templates of the user's: name and text.
    pub templates: Vec<(String, String)>,
    /// What cannot be read of them.
    pub problems: Vec<String>,
}

/// An open cluster.
#[derive(Debug)]
pub struct Opened {
    /// The runner takes it out before the app sees the message.
    pub cluster: Option<Cluster>,
    /// The demo cluster it belongs to, if it was started for this; the runner's too.
    pub demo: Option<RunningDemo>,
    pub context: String,
    /// The context's own namespace; empty if it names none.
    pub namespace: String,
    pub server_version: Option<String>,
    pub contexts: Vec<String>,
    /// Worker clusters one can get to: what Kueue calls them, and their numbers.
    pub workers: Vec<(Name, ClusterId)>,
}

/// A cluster beside the first.
#[derive(Debug)]
pub struct Joined {
    /// The runner takes it out before the app sees the message.
    pub cluster: Option<Box<Cluster>>,
    /// Its context's own namespace; empty if it names none.
    pub namespace: String,
    pub server_version: Option<String>,
}

/// A connection that could not be opened.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Failure {
    /// Empty if there is no kubeconfig at all.
    pub context: String,
    /// What was tried: files, server.
    pub tried: Vec<String>,
    pub why: String,
    pub next_step: String,
    pub contexts: Vec<String>,
    /// It may pass: another try is made without being asked for.
    pub passing: bool,
}
