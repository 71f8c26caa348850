//! What the owner wants done outside. `update` only lists these; the runner performs them.

use crate::actions::unsent::Unsent;
use crate::actions::{Object, Step};
use crate::history::Record;
use crate::keep::habits::Habits;
use crate::model::extra::Sets;
use crate::model::ids::ClusterId;
use crate::model::want::Want;
use crate::panes::editor::{Ask, Id};

#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Connect to a context (`None`: the current one), leaving the connection there is.
    Connect {
        connection: u32,
        context: Option<String>,
        /// Contexts to open beside it.
        peers: Vec<String>,
    },
    /// Start the demo cluster and connect to it.
    ConnectDemo {
        connection: u32,
    },
    /// Exactly these must run from now on, in this namespace (`None`: all).
    Wants {
        namespace: Option<String>,
        wants: Vec<Want>,
    },
    /// What these columns of the user's own show is read from now on.
    ReadExtra(Sets),
    /// Record what is connected from now on, in this namespace (`None`: all).
    Record(Option<String>),
    /// End the recording under way.
    EndRecord,
    /// Bring the recording to a time, in milliseconds since its start.
    Replay(u64),
    /// Do these, each in its cluster, and answer how each ended.
    Write {
        connection: u32,
        steps: Vec<Step>,
    },
    /// Begin this command in a pod; it gets the terminal when it runs.
    Shell {
        connection: u32,
        step: Step,
    },
    /// Give the terminal to the command that has begun.
    Attach,
    /// Which ports of this pod are worth a try?
    Offers {
        connection: u32,
        pod: Object,
    },
    /// Lead a port into a pod; the number is what it is called from then on.
    Forward {
        connection: u32,
        id: u32,
        step: Step,
        local: Option<u16>,
    },
    StopForward(u32),
    /// Look at a text that is being written: does it parse, what do the served schemas not know.
    Look {
        connection: u32,
        cluster: ClusterId,
        id: Id,
        version: u64,
        text: String,
        /// Of objects that name none.
        namespace: String,
    },
    /// Ask the server whether it serves the kinds in a text that is to be sent; then go on with that.
    Meet {
        connection: u32,
        cluster: ClusterId,
        id: Id,
        text: String,
        then: Ask,
    },
    /// Have the server say what it would do with these; then do them, unless `only` that. `unchecked`: it cannot say.
    Submit {
        connection: u32,
        cluster: ClusterId,
        id: Id,
        steps: Vec<Step>,
        only: bool,
        unchecked: bool,
    },
    /// Have the user's own editor change a text; it has the terminal meanwhile.
    External {
        id: Id,
        text: String,
    },
    /// Keep what was written and not sent.
    KeepUnsent(Box<Unsent>),
    /// It was sent, or given up.
    DropUnsent(String),
    /// Read what there is to begin with: templates of the user's, and what was not sent.
    ReadBeginnings,
    /// Read a file to be edited.
    ReadFile(String),
    /// Read what can be made again.
    Trash {
        connection: u32,
        cluster: ClusterId,
    },
    /// Do not wait for the next try.
    RetryNow,
    Copy(String),
    /// Write a file in the working folder under this name, or a free one like it.
    Save {
        name: String,
        text: String,
    },
    /// Keep this of a job on disk.
    Keep(Box<Record>),
    /// Keep what the user has found already.
    Remember(Box<Habits>),
    /// Keep a view under this name; none: it is kept no more.
    KeepView {
        name: String,
        view: Option<serde_json::Value>,
    },
    /// Read all that is kept.
    ReadHistory,
    /// Look at what jobdeck itself takes and does.
    Measure,
    /// Show in the user's pager, which has the terminal meanwhile.
    Page(String),
    /// Stop for the shell (SIGTSTP).
    Suspend,
    /// Draw every cell anew.
    Clear,
    /// Have the terminal report the mouse, or leave it to the terminal.
    Mouse(bool),
}
