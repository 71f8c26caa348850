//! How a step ended: what is known and what is not, in words that say what to do next, and as a line for the audit.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{Intent, Object, Refusal, Step};

/// Why nothing was done. Each has an exit code of its own on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Cause {
    /// jobdeck was told to write nothing.
    ReadOnly,
    /// It makes no sense for this object, or not now.
    Refused,
    Forbidden,
    NotFound,
    /// Another object has the name now, or it changed all the time.
    Conflict,
    /// A webhook, a quota or the API's own rules say no.
    Denied,
    /// A disruption budget says no.
    Budget,
    /// The server could not be asked.
    Unreachable,
}

/// How it ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Ended {
    /// The server took it; of a command: it has ended.
    Done,
    /// A connection into a pod is open. Its end follows.
    Opened,
    /// There was nothing to do: it is so already, or gone.
    Already(String),
    /// The server would take it; nothing was changed.
    DryRun,
    /// Nothing was done.
    Not(Cause, Refusal),
    /// The connection was lost in the middle, and what the server did could not be found out.
    Unknown { lost: String, look: String },
}

/// A step and its end.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    pub step: Step,
    pub ended: Ended,
    /// What was made, by [`Intent::Trigger`] and [`Intent::Create`].
    pub made: Option<Object>,
    /// What else is worth a word.
    pub notes: Vec<String>,
    /// What the server warned of while it took it.
    pub warnings: Vec<String>,
    /// The entry of the trash it can be made again from.
    pub kept: Option<String>,
    /// Of a command that has ended.
    pub exit: Option<i32>,
}

impl Outcome {
    pub fn new(step: Step, ended: Ended) -> Self {
        Self {
            step,
            ended,
            made: None,
            notes: Vec::new(),
            warnings: Vec::new(),
            kept: None,
            exit: None,
        }
    }

    /// The server took it, or it was so already.
    pub fn is_good(&self) -> bool {
        matches!(
            self.ended,
            Ended::Done | Ended::Opened | Ended::Already(_) | Ended::DryRun
        )
    }

    /// One sentence.
    pub fn sentence(&self) -> String {
        let Step { intent, object, .. } = &self.step;
        let mut out = match &self.ended {
            Ended::Done => done(intent, object, self.made.as_ref()),
            Ended::Opened => format!("{} {object}", intent.doing()),
            Ended::Already(why) => why.clone(),
            Ended::DryRun => format!("would {} {object}: the server would take it", words(intent)),
            Ended::Not(_, refusal) => {
                format!(
                    "cannot {} {object}: {refusal}; nothing was done",
                    words(intent)
                )
            }
            Ended::Unknown { lost, look } => format!(
                "the connection was lost while {} {object} ({lost}): whether the server did it is not known, and it \
                 was not tried again: {look}",
                intent.doing()
            ),
        };
        for note in &self.notes {
            out.push_str("; ");
            out.push_str(note);
        }
        for warning in &self.warnings {
            out.push_str("; the server warns: ");
            out.push_str(warning);
        }
        out
    }

    /// For the audit, and for `-o json`.
    pub fn result(&self) -> &'static str {
        match &self.ended {
            Ended::Done => "done",
            Ended::Opened => "opened",
            Ended::Already(_) => "already",
            Ended::DryRun => "dryRun",
            Ended::Not(cause, _) => match cause {
                Cause::ReadOnly => "readOnly",
                Cause::Refused => "refused",
                Cause::Forbidden => "forbidden",
                Cause::NotFound => "notFound",
                Cause::Conflict => "conflict",
                Cause::Denied => "denied",
                Cause::Budget => "budget",
                Cause::Unreachable => "unreachable",
            },
            Ended::Unknown { .. } => "unknown",
        }
    }
}

/// `set the priority of`: what stands before the object.
pub fn words(intent: &Intent) -> &'static str {
    match intent {
        Intent::Priority(_) => "set the priority of",
        Intent::Stop(crate::model::kueue::queue::Stop::HoldAndDrain) => "hold and drain",
        Intent::Exec(_) => "run a command in",
        Intent::Forward(_) => "forward a port of",
        other => other.verb(),
    }
}

fn done(intent: &Intent, object: &Object, made: Option<&Object>) -> String {
    match (intent, made) {
        (Intent::Trigger, Some(made)) => format!("triggered {object}: {} made", made.words()),
        (Intent::Create, _) => format!("created {object}"),
        (Intent::Scale(n), _) => format!("scaled {object} to {n}"),
        (Intent::Priority(class), _) => format!("{object} has priority class {class} now"),
        (Intent::Forward(port), _) => format!("port {port} of {object} is forwarded no more"),
        (Intent::Move(queue), _) => format!("moved {object} to queue {queue}"),
        _ => format!("{} {object}", intent.done()),
    }
}

/// A line of the audit.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Record<'a> {
    pub time: DateTime<Utc>,
    pub context: &'a str,
    pub server: &'a str,
    pub verb: &'static str,
    pub kind: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub namespace: &'a str,
    pub name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// What was written, where it is not the object itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub through: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub made: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container: Option<&'a str>,
    /// What was run; empty for a shell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<&'a [String]>,
    /// The pod's port that was led to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit: Option<i32>,
    pub result: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

impl<'a> Record<'a> {
    pub fn of(
        outcome: &'a Outcome,
        time: DateTime<Utc>,
        context: &'a str,
        server: &'a str,
    ) -> Self {
        let step = &outcome.step;
        let run = match &step.intent {
            Intent::Exec(run) => Some(run),
            _ => None,
        };
        Self {
            container: run.and_then(|run| run.container.as_deref()),
            command: run.map(|run| run.command.as_slice()),
            port: match step.intent {
                Intent::Forward(port) => Some(port),
                _ => None,
            },
            exit: outcome.exit,
            time,
            context,
            server,
            verb: step.intent.verb(),
            kind: step.object.kind.singular(),
            namespace: &step.object.namespace,
            name: &step.object.name,
            uid: step.object.uid().map(|uid| uid.to_string()),
            through: step.through.as_ref().map(Object::words),
            made: outcome.made.as_ref().map(Object::words),
            result: outcome.result(),
            why: match &outcome.ended {
                Ended::Not(_, refusal) => Some(refusal.why.clone()),
                Ended::Unknown { lost, .. } => Some(lost.clone()),
                _ => None,
            },
        }
    }
}
