//! Writes: through the gate of the cluster each is meant for, each end told as it comes. A write that is under way is not
//! stopped when the cluster is left: half of it may be done.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::message::{Connection, Message};
use super::Runner;
use crate::actions::outcome::{Cause, Ended, Outcome};
use crate::actions::{Refusal, Step};
use crate::keep::Keep;
use crate::keep::trash::Entry;
use crate::model::ids::ClusterId;
use crate::settings::{self, Settings};

/// How writes are done.
#[derive(Clone)]
pub struct Writing {
    keep: Arc<Keep>,
    settings: Settings,
    /// The command line says that nothing is to be written.
    told_read_only: bool,
}

impl Writing {
    pub fn new(settings: &Settings, told_read_only: bool) -> Self {
        Self {
            keep: Arc::new(Keep::new(settings::state_folder(), settings.keep())),
            settings: settings.clone(),
            told_read_only,
        }
    }

    pub(super) fn is_read_only(&self, context: &str) -> bool {
        self.settings.is_read_only(context, self.told_read_only)
    }

    pub(super) fn keep(&self) -> Arc<Keep> {
        self.keep.clone()
    }
}

impl Runner {
    /// Each step goes to its own cluster.
    pub(super) fn write(&self, connection: Connection, steps: Vec<Step>) {
        let mut by_cluster: BTreeMap<ClusterId, Vec<Step>> = BTreeMap::new();
        for step in steps {
            by_cluster.entry(step.cluster).or_default().push(step);
        }
        for (cluster, steps) in by_cluster {
            self.write_in(cluster, connection, steps);
        }
    }

    fn write_in(&self, cluster: ClusterId, connection: Connection, steps: Vec<Step>) {
        let Some(gate) = self.gate(cluster) else {
            // the cluster was left between the key and now: the rows must not wait for an answer
            for step in steps {
                let refusal = Refusal::new("no cluster is connected").next("R connects");
                let ended = Ended::Not(Cause::Unreachable, refusal);
                let outcome = Box::new(Outcome::new(step, ended));
                let messages = self.messages.clone();
                tokio::spawn(async move {
                    let message = Message::Written {
                        connection,
                        outcome,
                    };
                    let _ = messages.send(message).await;
                });
            }
            return;
        };
        let messages = self.messages.clone();
        tokio::spawn(async move {
            let (tx, mut ended) = tokio::sync::mpsc::unbounded_channel();
            let telling = async {
                while let Some(outcome) = ended.recv().await {
                    let outcome = Box::new(outcome);
                    let message = Message::Written {
                        connection,
                        outcome,
                    };
                    if messages.send(message).await.is_err() {
                        return;
                    }
                }
            };
            let doing = async move {
                let tell = |outcome| {
                    let _ = tx.send(outcome);
                };
                gate.all(steps, tell).await;
            };
            tokio::join!(doing, telling);
        });
    }

    pub(super) fn read_trash(&self, connection: Connection, id: ClusterId) {
        let Some(cluster) = self.open_cluster(id) else {
            return;
        };
        let (context, server) = (cluster.target().context.clone(), cluster.target().server());
        let (keep, messages) = (self.writing.keep.clone(), self.messages.clone());
        tokio::task::spawn_blocking(move || {
            let here = |entry: &Entry| entry.server == server || entry.context == context;
            let all = keep.entries().into_iter().filter(here);
            let entries = all.map(|entry| keep.whole(&entry)).collect();
            let message = Message::Trash {
                connection,
                cluster: id,
                entries,
            };
            let _ = messages.blocking_send(message);
        });
    }
}
