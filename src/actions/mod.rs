//! What may be done to a cluster: pure plans, no I/O.
//!
//! ```text
//! key or command → Intent ─ plan ─→ Steps ─ (dialog, --yes) ─→ cluster::writes ─ change ─→ Write ─→ Outcome
//! ```
//! [`plan::plan`] says, from what is known, what an [`Intent`] means for an object, or why it cannot be;
//! [`change::change`] makes the request of it, from the object as the server has it at that moment. Everything that
//! writes goes this way, and nothing else in the program sends a request that changes something.

pub mod change;
pub mod clean;
pub mod document;
pub mod edit;
pub mod impact;
pub mod outcome;
pub mod pending;
pub mod plan;
pub mod resubmit;
pub mod secrets;
pub mod stream;
pub mod templates;
#[cfg(test)]
mod tests;
pub mod undo;
pub mod unsent;
pub mod validate;

use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use crate::model::access::Question;
use crate::model::ids::{ClusterId, Key, Name, Uid};
use crate::model::kueue::QueueKind;
use crate::model::kueue::queue::Stop;
use crate::model::want::Kind;

/// One object, frozen at the moment of the key: a new one under an old name is never hit.
#[derive(Debug, Clone, PartialEq)]
pub struct Object {
    pub kind: Kind,
    /// Empty for kinds without.
    pub namespace: Name,
    pub name: Name,
    /// None of what is yet to be made.
    pub key: Option<Key>,
}

impl Object {
    pub fn uid(&self) -> Option<Uid> {
        self.key.map(|key| key.uid)
    }

    /// `job/pi`
    pub fn words(&self) -> String {
        format!("{}/{}", self.kind.singular(), self.name)
    }
}

impl fmt::Display for Object {
    /// `job/pi in ml-team-a`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words())?;
        if self.namespace.is_empty() {
            return Ok(());
        }
        write!(f, " in {}", self.namespace)
    }
}

/// What becomes of an object's dependents. Always said: for Jobs the server's own default leaves their pods running.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Propagation {
    /// The object goes at once, its dependents after it.
    #[default]
    Background,
    /// The object stays until its dependents are gone.
    Foreground,
    /// Dependents stay and go on.
    Orphan,
}

impl Propagation {
    pub const ALL: [Self; 3] = [Self::Background, Self::Foreground, Self::Orphan];

    /// As the API has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Background => "Background",
            Self::Foreground => "Foreground",
            Self::Orphan => "Orphan",
        }
    }

    /// What it means, in words.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Background => "it goes at once, its pods after it",
            Self::Foreground => "its pods go first, then it",
            Self::Orphan => "only it goes: its pods stay and keep their GPUs",
        }
    }

    /// The next one, around.
    pub fn next(self) -> Self {
        match self {
            Self::Background => Self::Foreground,
            Self::Foreground => Self::Orphan,
            Self::Orphan => Self::Background,
        }
    }
}

/// What somebody wants done.
#[derive(Debug, Clone, PartialEq)]
pub enum Intent {
    Delete {
        propagation: Propagation,
        /// Grace 0: for pods that do not end.
        force: bool,
    },
    /// A pod, by the eviction API: budgets are kept to.
    Evict,
    Hold,
    Resume,
    /// A queue.
    Stop(Stop),
    /// A CronJob, now.
    Trigger,
    /// This many pods (workers, replicas) at a time.
    Scale(u32),
    /// This WorkloadPriorityClass.
    Priority(Name),
    /// To this local queue.
    Move(Name),
    /// A node: true keeps new pods away.
    Cordon(bool),
    /// Make it: what undo, and whatever submits, ends in.
    Create,
    /// Run a command in a pod: it may change anything there, so it is a write.
    Exec(Arc<Run>),
    /// Lead a port of this machine to one of a pod. What listens there (a notebook, a dashboard) may run anything, so it
    /// is a write too.
    Forward(u16),
}

/// A command in a container.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Run {
    /// None: the pod's default one.
    pub container: Option<Name>,
    /// Empty: a shell.
    pub command: Vec<String>,
    pub stdin: bool,
    pub tty: bool,
}

impl Intent {
    /// A deletion as it is meant when nothing else is said.
    pub const DELETE: Intent = Intent::Delete {
        propagation: Propagation::Background,
        force: false,
    };

    /// `delete`: what the audit calls it, too.
    pub fn verb(&self) -> &'static str {
        match self {
            Intent::Delete { force: true, .. } => "force-delete",
            Intent::Delete { .. } => "delete",
            Intent::Evict => "evict",
            Intent::Hold => "hold",
            Intent::Resume | Intent::Stop(Stop::None) => "resume",
            Intent::Stop(Stop::Hold) => "hold",
            Intent::Stop(Stop::HoldAndDrain) => "drain",
            Intent::Trigger => "trigger",
            Intent::Scale(_) => "scale",
            Intent::Priority(_) => "set-priority",
            Intent::Move(_) => "move",
            Intent::Cordon(true) => "cordon",
            Intent::Cordon(false) => "uncordon",
            Intent::Create => "create",
            Intent::Exec(_) => "exec",
            Intent::Forward(_) => "port-forward",
        }
    }

    /// `deleting`: while it is under way. At most 10 cells, for a narrow column.
    pub fn doing(&self) -> &'static str {
        match self {
            Intent::Delete { .. } => "deleting",
            Intent::Evict => "evicting",
            Intent::Hold | Intent::Stop(Stop::Hold) => "holding",
            Intent::Stop(Stop::HoldAndDrain) => "draining",
            Intent::Resume | Intent::Stop(Stop::None) => "resuming",
            Intent::Trigger => "triggering",
            Intent::Scale(_) => "scaling",
            Intent::Priority(_) => "ranking",
            Intent::Move(_) => "moving",
            Intent::Cordon(true) => "cordoning",
            Intent::Cordon(false) => "opening",
            Intent::Create => "creating",
            Intent::Exec(_) => "running in",
            Intent::Forward(_) => "forwarding",
        }
    }

    /// `deleted`
    pub fn done(&self) -> &'static str {
        match self {
            Intent::Delete { .. } => "deleted",
            Intent::Evict => "evicted",
            Intent::Hold | Intent::Stop(Stop::Hold) => "held",
            Intent::Stop(Stop::HoldAndDrain) => "held, draining",
            Intent::Resume | Intent::Stop(Stop::None) => "resumed",
            Intent::Trigger => "triggered",
            Intent::Scale(_) => "scaled",
            Intent::Priority(_) => "given another priority",
            Intent::Move(_) => "moved",
            Intent::Cordon(true) => "cordoned",
            Intent::Cordon(false) => "uncordoned",
            Intent::Create => "created",
            Intent::Exec(_) => "ran in",
            Intent::Forward(_) => "forwarded",
        }
    }
}

/// One thing to do to one object, decided on.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    pub intent: Intent,
    /// The cluster it is done in: that of the object, or where a new one is to be made.
    pub cluster: ClusterId,
    /// What was named.
    pub object: Object,
    /// What is written instead, where the object is not its own master: its Workload.
    pub through: Option<Object>,
    /// Its Workload, where it has one: that knows its template as it was before Kueue changed it.
    pub workload: Option<Object>,
    /// Of [`Intent::Create`].
    pub manifest: Option<Arc<Value>>,
    /// The entry of the trash it is made from.
    pub origin: Option<String>,
    /// Ask before it is done.
    pub ask: bool,
}

impl Step {
    pub fn new(intent: Intent, object: Object) -> Self {
        Self {
            intent,
            cluster: object.key.map(|key| key.cluster).unwrap_or_default(),
            object,
            through: None,
            workload: None,
            manifest: None,
            origin: None,
            ask: false,
        }
    }

    /// Makes a new object of a manifest.
    pub fn create(object: Object, manifest: Arc<Value>) -> Self {
        Self {
            manifest: Some(manifest),
            ..Self::new(Intent::Create, object)
        }
    }

    /// In this cluster.
    pub fn in_cluster(mut self, cluster: ClusterId) -> Self {
        self.cluster = cluster;
        self
    }

    /// What is written.
    pub fn target(&self) -> &Object {
        self.through.as_ref().unwrap_or(&self.object)
    }

    /// What one must be allowed for it, the telling one first.
    pub fn needs(&self) -> Vec<Question> {
        let on = |verb, object: &Object| Question::on(verb, object.kind, Some(&object.namespace));
        let target = self.target();
        match &self.intent {
            Intent::Delete { .. } => vec![on("delete", target)],
            Intent::Evict => vec![on("create", target).subresource("eviction")],
            Intent::Trigger => {
                vec![Question::on(
                    "create",
                    Kind::Job,
                    Some(&self.object.namespace),
                )]
            }
            Intent::Create => vec![on("create", target)],
            // a WebSocket is opened with GET; from 1.35 on servers want both, and so do we of all
            Intent::Exec(_) => ["create", "get"]
                .map(|verb| on(verb, target).subresource("exec"))
                .into(),
            Intent::Forward(_) => ["create", "get"]
                .map(|verb| on(verb, target).subresource("portforward"))
                .into(),
            _ => vec![on("patch", target)],
        }
    }
}

/// Why something is not done, and what to do instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub why: String,
    /// The next step, where there is one.
    pub next: Option<String>,
}

impl Refusal {
    pub fn new(why: impl Into<String>) -> Self {
        Self {
            why: why.into(),
            next: None,
        }
    }

    pub fn next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)?;
        match &self.next {
            Some(next) => write!(f, ": {next}"),
            None => Ok(()),
        }
    }
}

/// A request that changes something: the verb, the object, and what must still hold for it to be carried out.
#[derive(Debug, Clone, PartialEq)]
pub enum Write {
    Delete {
        object: Object,
        propagation: Propagation,
        /// Seconds; none: what the object asks for.
        grace: Option<u32>,
    },
    Evict {
        object: Object,
    },
    /// A merge patch. Its metadata carries the uid and the resourceVersion it was decided on.
    Patch {
        object: Object,
        body: Value,
    },
    Create {
        object: Object,
        manifest: Value,
    },
}

/// Kueue's object for a job.
pub const WORKLOAD: Kind = Kind::Queue(QueueKind::Workload);
