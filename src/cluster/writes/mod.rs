//! The one gate through which everything that changes a cluster goes: read-only mode, permission, the object as it is
//! now, the trash, the request, what became of it, the audit. Nothing is sent twice that would be made twice.

mod check;
mod failures;
mod requests;
mod streams;

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use futures::StreamExt;
use serde_json::Value;

use super::failure::Failure;
use super::kinds::entry;
use super::source::Shared;
use crate::actions::change::{Change, change};
use crate::actions::clean::clean;
use crate::actions::outcome::{Cause, Ended, Outcome, Record};
use crate::actions::{Intent, Refusal, Step, Write};
use crate::keep::Keep;
use crate::keep::trash::Entry;
use crate::model::fields::Checked;
use crate::model::ids::Uid;
use crate::model::want::Kind;
use failures::{because, held, uncertain};
pub use streams::{Forward, Running};

/// Steps under way at a time.
const AT_ONCE: usize = 8;
/// How often a change is decided anew when the object changed in between.
const TRIES: u32 = 5;
/// How often it is asked what became of a request whose answer was lost, and the pause before each.
const LOOKS: u32 = 3;
const LOOK: Duration = Duration::from_millis(700);

/// What holds for everything that goes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rules {
    /// Nothing is written.
    pub read_only: bool,
    /// The server says what it would do.
    pub dry_run: bool,
}

/// The gate of one cluster. Clones share everything.
#[derive(Clone)]
pub struct Gate {
    shared: Arc<Shared>,
    rules: Rules,
    keep: Arc<Keep>,
}

/// What the server knows of an object.
enum Seen {
    Fresh(Box<Value>),
    /// It may not be read.
    Hidden(Failure),
}

impl Gate {
    pub fn new(shared: Arc<Shared>, rules: Rules, keep: Arc<Keep>) -> Self {
        Self {
            shared,
            rules,
            keep,
        }
    }

    /// What the schema that the server publishes says of the fields of a manifest. Nothing is written.
    ///
    /// # Errors
    /// Why there is nothing to compare with.
    pub async fn fields(&self, manifest: &Value) -> Result<Checked, String> {
        self.shared.schemas.check(&self.shared.http, manifest).await
    }

    /// Performs steps, some at a time, and tells the end of each as it comes.
    pub async fn all(&self, steps: Vec<Step>, mut tell: impl FnMut(Outcome)) {
        let done = futures::stream::iter(steps.into_iter().map(|step| self.step(step)));
        let mut done = done.buffer_unordered(AT_ONCE);
        while let Some(outcome) = done.next().await {
            tell(outcome);
        }
    }

    /// Performs one step, and writes it into the audit however it ends.
    pub async fn step(&self, step: Step) -> Outcome {
        let mut outcome = self.decide(step).await;
        self.record(&mut outcome).await;
        outcome
    }

    /// Writes an end into the audit.
    async fn record(&self, outcome: &mut Outcome) {
        let target = self.shared.http.target();
        let (context, server) = (target.context.clone(), target.server());
        // what was not deleted is not to be made again
        let vain = match outcome.ended {
            Ended::Not(..) => outcome.kept.take(),
            _ => None,
        };
        let (keep, copy) = (self.keep.clone(), outcome.clone());
        let written = tokio::task::spawn_blocking(move || {
            if let Some(id) = vain {
                keep.forget(&id);
            }
            if let (Some(id), Some(made), Ended::Done) =
                (&copy.step.origin, &copy.made, &copy.ended)
            {
                // an entry that went meanwhile needs no mark
                let _ = keep.undone(id, &made.words());
            }
            keep.record(&Record::of(&copy, Utc::now(), &context, &server))
        });
        if let Ok(Err(e)) = written.await {
            outcome
                .notes
                .push(format!("the audit could not be written: {e}"));
        }
    }

    async fn decide(&self, step: Step) -> Outcome {
        if let Some(ended) = self.closed(&step).await {
            return Outcome::new(step, ended);
        }
        if step.intent == Intent::Create {
            return self.create_of(step).await;
        }
        for _ in 0..TRIES {
            let seen = match self.look(&step).await {
                Ok(seen) => seen,
                Err(ended) => return Outcome::new(step, ended),
            };
            let fresh = match &seen {
                Seen::Fresh(fresh) => (**fresh).clone(),
                Seen::Hidden(failure) if !matches!(step.intent, Intent::Delete { .. }) => {
                    let ended = because(failure, &step);
                    return Outcome::new(step, ended);
                }
                Seen::Hidden(_) => Value::Null,
            };
            let write = match change(&step, &fresh, &salt()) {
                Ok(Change::Write(write)) => write,
                Ok(Change::Already(why)) => return Outcome::new(step, Ended::Already(why)),
                Err(refusal) => return Outcome::new(step, Ended::Not(Cause::Refused, refusal)),
            };
            let mut outcome = Outcome::new(step.clone(), Ended::Done);
            if matches!(write, Write::Delete { .. }) && !self.rules.dry_run {
                match self.keep_of(&step, &seen).await {
                    Ok((kept, notes)) => {
                        outcome.kept = kept;
                        outcome.notes = notes;
                    }
                    Err(refusal) => {
                        return Outcome::new(step, Ended::Not(Cause::Refused, refusal));
                    }
                }
            }
            if let Write::Create { object, .. } = &write {
                outcome.made = Some(object.clone());
            }
            match self.send(&write).await {
                Ok((answer, warnings)) => {
                    if matches!(write, Write::Delete { .. }) && !self.rules.dry_run {
                        outcome.notes.extend(held(&answer));
                    }
                    self.taken(&mut outcome, warnings);
                }
                // somebody was faster: what to do is decided anew
                Err(failure)
                    if failure.code() == Some(409) && matches!(write, Write::Patch { .. }) =>
                {
                    continue;
                }
                Err(failure) if uncertain(&failure) && !self.rules.dry_run => {
                    self.find_out(&write, &failure, &mut outcome).await;
                }
                Err(failure) => outcome.ended = because(&failure, &step),
            }
            return outcome;
        }
        let why = format!("{} changes all the time", step.target().words());
        let refusal = Refusal::new(why).next("try again");
        Outcome::new(step, Ended::Not(Cause::Conflict, refusal))
    }

    /// Why nothing of the kind may go through at all: read-only mode, or a missing role.
    async fn closed(&self, step: &Step) -> Option<Ended> {
        // whoever chose the gate chose wrong: an object of the same name here is not what was meant
        if step.cluster != self.shared.cluster {
            let refusal = Refusal::new("it is in another cluster").next("try again");
            return Some(Ended::Not(Cause::Refused, refusal));
        }
        if self.rules.read_only {
            let refusal = Refusal::new("jobdeck is read-only here");
            let refusal =
                refusal.next("start it without --read-only, or change read-only in its settings");
            return Some(Ended::Not(Cause::ReadOnly, refusal));
        }
        self.forbidden(step).await
    }

    /// Sends it; the answer, and what the server warns of.
    async fn send(&self, write: &Write) -> Result<(Value, Vec<String>), Failure> {
        let ask = requests::ask(&self.shared, write, self.rules.dry_run);
        self.shared.http.told(&ask).await
    }

    fn taken(&self, outcome: &mut Outcome, warnings: Vec<String>) {
        outcome.warnings = warnings;
        if self.rules.dry_run {
            outcome.ended = Ended::DryRun;
        }
    }

    /// The verb that is missing; none where all is allowed, or it cannot be asked: then the server decides.
    async fn forbidden(&self, step: &Step) -> Option<Ended> {
        let (http, permissions) = (&self.shared.http, &self.shared.permissions);
        for question in step.needs() {
            let mut verdict = permissions.may(http, &question).await.ok()?;
            if !verdict.allowed {
                // a role may have been given a moment ago
                verdict = permissions.ask_anew(http, &question).await.ok()?;
            }
            if verdict.allowed {
                continue;
            }
            let place = match &question.namespace {
                Some(namespace) => format!(" in {namespace}"),
                None => String::new(),
            };
            let because = match verdict.reason.as_str() {
                "" => String::new(),
                reason => format!(" ({reason})"),
            };
            let why = format!("forbidden: needs {}{place}{because}", question.words());
            let refusal = Refusal::new(why).next(match step.through {
                Some(_) => "ask for the role; deleting the job is another way",
                None => "ask for the role; `jobdeck doctor` says what this user may do",
            });
            return Some(Ended::Not(Cause::Forbidden, refusal));
        }
        None
    }

    /// The target as it is now, and only it: not another of its name.
    async fn look(&self, step: &Step) -> Result<Seen, Ended> {
        let target = step.target();
        match requests::read(&self.shared, target).await {
            Ok(fresh) => {
                let uid = fresh["metadata"]["uid"].as_str().map(Uid::parse);
                if target.uid().is_some() && uid != target.uid() {
                    let why = format!("another {} has this name now", target.words());
                    let refusal = Refusal::new(why).next("look at it first");
                    return Err(Ended::Not(Cause::Conflict, refusal));
                }
                Ok(Seen::Fresh(Box::new(fresh)))
            }
            Err(failure) if failure.code() == Some(404) => {
                let gone = format!("{target} is gone");
                Err(match step.intent {
                    Intent::Delete { .. } => Ended::Already(format!("{gone} already")),
                    _ => Ended::Not(Cause::NotFound, Refusal::new(gone)),
                })
            }
            Err(failure) if failure.code() == Some(403) => Ok(Seen::Hidden(failure)),
            Err(failure) => Err(because(&failure, step)),
        }
    }

    /// Keeps the manifest of what is about to be deleted.
    async fn keep_of(
        &self,
        step: &Step,
        seen: &Seen,
    ) -> Result<(Option<String>, Vec<String>), Refusal> {
        if !self.keep.keeps() {
            return Ok((None, Vec::new()));
        }
        let Seen::Fresh(fresh) = seen else {
            let note = "its manifest may not be read, so it cannot be undone";
            return Ok((None, vec![note.into()]));
        };
        // its owner makes it again
        let owned = fresh["metadata"]["ownerReferences"].as_array();
        let owned = owned.is_some_and(|all| all.iter().any(|o| o["controller"] == true));
        if owned && step.object.kind == Kind::Pod {
            return Ok((None, Vec::new()));
        }
        let workload = match &step.workload {
            // what cannot be read is done without
            Some(workload) => requests::read(&self.shared, workload).await.ok(),
            None => None,
        };
        let cleaned = clean(fresh, workload.as_ref());
        let target = self.shared.http.target();
        let entry = Entry {
            id: String::new(),
            time: Utc::now(),
            context: target.context.clone(),
            server: target.server(),
            kind: step.object.kind.singular(),
            namespace: step.object.namespace.to_string(),
            name: step.object.name.to_string(),
            uid: fresh["metadata"]["uid"].as_str().unwrap_or_default().into(),
            manifest: cleaned.manifest,
            masked: Vec::new(),
            notes: cleaned.notes,
            undone: None,
        };
        let keep = self.keep.clone();
        let kept = tokio::task::spawn_blocking(move || keep.put(entry)).await;
        match kept {
            Ok(Ok(id)) => Ok((Some(id), Vec::new())),
            Ok(Err(e)) => Err(Refusal::new(format!("its manifest cannot be kept: {e}"))
                .next("make room, or set trash = 0 under [actions] to delete without undo")),
            Err(e) => Err(Refusal::new(format!("its manifest cannot be kept: {e}"))),
        }
    }

    /// Makes a new object, once. What has its name already is told apart from what was made here by looking before.
    async fn create_of(&self, step: Step) -> Outcome {
        let target = step.target().clone();
        match requests::read(&self.shared, &target).await {
            Ok(_) => {
                let why = format!("there is a {target} already");
                let refusal = Refusal::new(why).next("choose another name");
                return Outcome::new(step, Ended::Not(Cause::Conflict, refusal));
            }
            Err(failure) if matches!(failure.code(), Some(404 | 403)) => {}
            Err(failure) => {
                let ended = because(&failure, &step);
                return Outcome::new(step, ended);
            }
        }
        let write = match change(&step, &Value::Null, &salt()) {
            Ok(Change::Write(write)) => write,
            Ok(Change::Already(why)) => return Outcome::new(step, Ended::Already(why)),
            Err(refusal) => return Outcome::new(step, Ended::Not(Cause::Refused, refusal)),
        };
        let mut outcome = Outcome::new(step, Ended::Done);
        outcome.made = Some(target);
        match self.send(&write).await {
            Ok((_, warnings)) => self.taken(&mut outcome, warnings),
            Err(failure) if uncertain(&failure) && !self.rules.dry_run => {
                self.find_out(&write, &failure, &mut outcome).await;
            }
            Err(failure) => outcome.ended = because(&failure, &outcome.step),
        }
        outcome
    }

    /// The answer was lost: what the server has now says whether it was done. Nothing is sent again.
    async fn find_out(&self, write: &Write, lost: &Failure, outcome: &mut Outcome) {
        let (Write::Delete { object, .. }
        | Write::Evict { object }
        | Write::Patch { object, .. }
        | Write::Create { object, .. }) = write;
        for _ in 0..LOOKS {
            self.shared.wait(LOOK).await;
            let now = match requests::read(&self.shared, object).await {
                Ok(now) => Some(now),
                Err(failure) if failure.code() == Some(404) => None,
                Err(_) => continue,
            };
            let done = match (write, &now) {
                (Write::Delete { .. } | Write::Evict { .. }, Some(now)) => {
                    let uid = now["metadata"]["uid"].as_str().map(Uid::parse);
                    now["metadata"]["deletionTimestamp"].is_string() || uid != object.uid()
                }
                (Write::Delete { .. } | Write::Evict { .. }, None) => true,
                (Write::Create { .. }, now) => now.is_some(),
                (Write::Patch { .. }, Some(now)) => {
                    matches!(change(&outcome.step, now, ""), Ok(Change::Already(_)))
                }
                (Write::Patch { .. }, None) => false,
            };
            if done {
                let note = format!("the connection was lost meanwhile ({lost}), but it is done");
                outcome.notes.push(note);
            } else {
                let why =
                    format!("the connection was lost ({lost}), and the server has not done it");
                let refusal = Refusal::new(why).next("look at it, then try again");
                outcome.ended = Ended::Not(Cause::Unreachable, refusal);
                outcome.made = None;
            }
            return;
        }
        let entry = entry(object.kind);
        let namespace = match object.namespace.as_ref() {
            "" => String::new(),
            name => format!(" -n {name}"),
        };
        outcome.ended = Ended::Unknown {
            lost: lost.to_string(),
            look: format!(
                "when the cluster answers again, look for it (kubectl get {} {}{namespace})",
                entry.plural(),
                object.name
            ),
        };
    }
}

/// Five letters or digits that make a name new, without those that could be misread or make a word.
pub fn salt() -> String {
    const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    use std::hash::{BuildHasher, Hasher};
    // the standard library's keys are random for each state
    let mut n = std::collections::hash_map::RandomState::new()
        .build_hasher()
        .finish();
    let mut out = String::new();
    for _ in 0..5 {
        let at = usize::try_from(n % LETTERS.len() as u64).unwrap_or(0);
        out.push(char::from(LETTERS[at]));
        n /= LETTERS.len() as u64;
    }
    out
}
