//! What a text that is being written needs from outside: a look at it, the server's word, a file, the texts that are kept.

use super::super::editing::manifests;
use super::super::message::{Beginnings, Connection, Message};
use super::Runner;
use crate::actions::Refusal;
use crate::actions::document::parse;
use crate::actions::outcome::{Cause, Ended, Outcome};
use crate::actions::unsent::Unsent;
use crate::actions::{Step, validate};
use crate::cluster::writes::{Gate, Rules};
use crate::model::ids::ClusterId;
use crate::panes::editor::{Ask, Found, Id, Problem};

/// Larger files are no manifests.
const LARGEST: u64 = 4 * 1024 * 1024;

impl Runner {
    /// The gate of an open cluster; `dry_run`: the server only says what it would do.
    pub(super) fn gate_of(&self, cluster: ClusterId, dry_run: bool) -> Option<Gate> {
        let cluster = self.open_cluster(cluster)?;
        let rules = Rules {
            // the app refuses before; this is the second lock
            read_only: self.writing.is_read_only(&cluster.target().context),
            dry_run,
        };
        Some(cluster.gate(rules, self.writing.keep()))
    }

    pub(super) fn look(
        &self,
        (connection, cluster): (Connection, ClusterId),
        id: Id,
        version: u64,
        text: String,
        namespace: String,
    ) {
        let (gate, messages) = (self.gate_of(cluster, true), self.messages.clone());
        tokio::spawn(async move {
            let found = look(gate, version, text, &namespace).await;
            let found = Box::new(found);
            let message = Message::Looked {
                connection,
                id,
                found,
            };
            // nobody left to tell: the program is ending
            let _ = messages.send(message).await;
        });
    }

    pub(super) fn meet(
        &self,
        (connection, cluster): (Connection, ClusterId),
        id: Id,
        text: String,
        then: Ask,
    ) {
        let (gate, messages) = (self.gate_of(cluster, true), self.messages.clone());
        tokio::spawn(async move {
            let problems = match (gate, parse(&text)) {
                (Some(gate), Ok(documents)) => {
                    let mut problems = manifests::meet(&gate, &documents).await;
                    if problems.is_empty() && manifests::is_strange(&text) {
                        problems.push(Problem::error(None, "a kind in it is not known"));
                    }
                    problems
                }
                (_, Err(fault)) => vec![manifests::fault_of(&fault)],
                (None, _) => vec![Problem::error(None, "no cluster is connected")],
            };
            let message = Message::Met {
                connection,
                id,
                problems,
                then,
            };
            let _ = messages.send(message).await;
        });
    }

    pub(super) fn submit(
        &self,
        (connection, cluster): (Connection, ClusterId),
        id: Id,
        steps: Vec<Step>,
        only: bool,
        unchecked: bool,
    ) {
        let (dry, gate) = (self.gate_of(cluster, true), self.gate_of(cluster, false));
        let messages = self.messages.clone();
        tokio::spawn(async move {
            let (Some(dry), Some(gate)) = (dry, gate) else {
                let none = |step| {
                    let refusal = Refusal::new("no cluster is connected");
                    Outcome::new(step, Ended::Not(Cause::Unreachable, refusal))
                };
                let message = Message::Submitted {
                    connection,
                    id,
                    dry: true,
                    outcomes: steps.into_iter().map(none).collect(),
                };
                let _ = messages.send(message).await;
                return;
            };
            if only || !unchecked {
                let outcomes = dry.check(&steps).await;
                let good = outcomes.iter().all(Outcome::is_good);
                let message = Message::Submitted {
                    connection,
                    id,
                    dry: true,
                    outcomes,
                };
                if messages.send(message).await.is_err() || only || !good {
                    return;
                }
            }
            // in order, and no further than the first that fails: what follows may need it
            let mut outcomes = Vec::new();
            for step in steps {
                let outcome = gate.step(step).await;
                let good = outcome.is_good();
                let message = Message::Written {
                    connection,
                    outcome: Box::new(outcome.clone()),
                };
                outcomes.push(outcome);
                if messages.send(message).await.is_err() {
                    return;
                }
                if !good {
                    break;
                }
            }
            let message = Message::Submitted {
                connection,
                id,
                dry: false,
                outcomes,
            };
            let _ = messages.send(message).await;
        });
    }

    pub(super) fn read_file(&self, name: String) {
        let messages = self.messages.clone();
        tokio::task::spawn_blocking(move || {
            let text = read(&name);
            let _ = messages.blocking_send(Message::FileRead { name, text });
        });
    }

    /// At once: the program may be about to end.
    pub(super) fn keep_unsent(&self, unsent: &Unsent) {
        if let Err(e) = self.writing.keep().keep_unsent(unsent) {
            tracing::warn!("what was written could not be kept: {e}");
        }
    }

    pub(super) fn drop_unsent(&self, id: &str) {
        self.writing.keep().drop_unsent(id);
    }

    pub(super) fn read_beginnings(&self) {
        let (keep, messages) = (self.writing.keep(), self.messages.clone());
        tokio::task::spawn_blocking(move || {
            let (templates, problems) = crate::settings::templates();
            let beginnings = Beginnings {
                unsent: keep.unsent(),
                templates,
                problems,
            };
            let _ = messages.blocking_send(Message::Beginnings(beginnings));
        });
    }
}

/// `~/x.yaml` is what a shell makes of it.
fn read(name: &str) -> Result<String, String> {
    let home = std::env::var_os("HOME").map(std::path::PathBuf::from);
    let path = match (name.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => name.into(),
    };
    let about = std::fs::metadata(&path).map_err(|e| e.to_string())?;
    if !about.is_file() {
        return Err("it is no file".into());
    }
    if about.len() > LARGEST {
        return Err(format!("it is larger than {} MiB", LARGEST / 1024 / 1024));
    }
    std::fs::read_to_string(&path).map_err(|e| match e.kind() {
        std::io::ErrorKind::InvalidData => "it is no text".to_owned(),
        _ => e.to_string(),
    })
}

/// Whether it parses, what it is, and which fields its served schema does not know.
async fn look(gate: Option<Gate>, version: u64, text: String, namespace: &str) -> Found {
    let mut found = Found {
        version,
        ..Found::default()
    };
    if text.trim().is_empty() {
        return found;
    }
    let parsed = tokio::task::spawn_blocking(move || parse(&text)).await;
    let documents = match parsed {
        Ok(Ok(documents)) => documents,
        Ok(Err(fault)) => {
            found.problems.push(manifests::fault_of(&fault));
            return found;
        }
        Err(e) => {
            found.problems.push(Problem::error(None, e.to_string()));
            return found;
        }
    };
    if let Some(gate) = &gate {
        found.problems = manifests::meet(gate, &documents).await;
    }
    let (objects, problems) = manifests::look(&documents, namespace);
    found.objects = objects.len();
    for problem in problems {
        if !found.problems.iter().any(|p| p.line == problem.line) {
            found.problems.push(problem);
        }
    }
    for (object, manifest) in &objects {
        let step = Step::create(object.clone(), std::sync::Arc::new(manifest.clone()));
        for need in step.needs() {
            if !found.needs.contains(&need) {
                found.needs.push(need);
            }
        }
    }
    for document in &documents {
        for problem in validate::check(document) {
            let line = problem.line.max(1) - 1;
            let text = problem.refusal.to_string();
            if !found.problems.iter().any(|p| p.line == Some(line)) {
                found.problems.push(Problem::error(Some(line), text));
            }
        }
        if manifests::kind(&document.value).is_none() {
            continue;
        }
        let Some(gate) = &gate else { continue };
        match gate.fields(&document.value).await {
            Ok(checked) => {
                for wrong in &checked.wrong {
                    let path = wrong.path.to_string();
                    let line = document.line_of(&path).max(1) - 1;
                    // what is known of a name or a label is better said already
                    if !found.problems.iter().any(|p| p.line == Some(line)) {
                        let text = format!("{path}: {}", wrong.why);
                        found.problems.push(Problem::error(Some(line), text));
                    }
                }
                for path in &checked.here.fields {
                    let path = path.to_string();
                    let line = document.line_of(&path).max(1) - 1;
                    let kind = &checked.here.kind;
                    let text = format!("{kind} has no field {path}: the server would refuse it");
                    found.problems.push(Problem::warning(Some(line), text));
                    found.unknown += 1;
                }
            }
            Err(why) => found.unchecked = Some(why),
        }
    }
    found
}
