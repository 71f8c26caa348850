//! Which workload kinds there are, all the time: their CRDs are installed and removed while jobdeck runs. Looks at
//! the discovery document now and then, and when the watch of a kind finds it gone; watches those served, and asks
//! nothing of the others.

use std::collections::HashMap;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::discover::named;
use super::kinds::Entry;
use super::report::Report;
use super::source::Shared;
use super::subscribe::Watch;
use super::wire::kinds::WORKLOADS;
use crate::model::ids::Name;
use crate::model::want::{Kind, Selector};

/// All workload kinds of a scope, wanted together.
pub struct Workloads {
    pub shared: Arc<Shared>,
    pub namespace: Option<Name>,
    pub fallback: Vec<Name>,
    pub cancel: CancellationToken,
}

/// A watched kind: in which version, until when.
struct Running {
    version: &'static str,
    token: CancellationToken,
}

impl Workloads {
    /// Watches what is served until nobody wants it.
    pub async fn look_after(self) {
        let mut running: HashMap<Kind, Running> = HashMap::new();
        let mut told = false;
        loop {
            // one whose objects vanished although it is still announced waits for the next look, so that a server
            // that contradicts itself is not asked again at once
            let mut ended = Vec::new();
            running.retain(|kind, watch| {
                let lives = !watch.token.is_cancelled();
                if !lives {
                    ended.push(*kind);
                }
                lives
            });
            let found = tokio::select! {
                () = self.cancel.cancelled() => return,
                found = named(&self.shared.http) => found,
            };
            let mut changed = !ended.is_empty();
            match found {
                Ok(served) => {
                    for entry in WORKLOADS {
                        let version = served.version(entry);
                        let was = running.get(&entry.kind).map(|watch| watch.version);
                        if version == was {
                            continue;
                        }
                        if let Some(old) = running.remove(&entry.kind) {
                            old.token.cancel();
                            changed = true;
                        }
                        if let Some(version) = version.filter(|_| !ended.contains(&entry.kind)) {
                            running.insert(entry.kind, self.start(entry, version));
                            changed = true;
                        }
                    }
                    self.shared.learn(served);
                }
                // what runs goes on: a server that does not answer says nothing about its kinds
                Err(failure) => tracing::info!(%failure, "discovery of workload kinds"),
            }
            if changed || !told {
                told = true;
                let cluster = self.shared.cluster;
                let mut kinds: Vec<Kind> = running.keys().copied().collect();
                kinds.sort_unstable();
                if !self.shared.send(Report::Workloads { cluster, kinds }).await {
                    return;
                }
            }
            tokio::select! {
                () = self.cancel.cancelled() => return,
                () = self.shared.gone.notified() => {}
                () = self.shared.wait(self.shared.tuning.discovery) => {}
            }
        }
    }

    fn start(&self, entry: &'static Entry, version: &'static str) -> Running {
        let token = self.cancel.child_token();
        let watch = Watch {
            shared: self.shared.clone(),
            entry,
            version,
            namespace: self.namespace.clone(),
            selector: Selector::All,
            cancel: token.clone(),
            fallback: self.fallback.clone(),
            leaves: true,
        };
        tokio::spawn(watch.look_after());
        Running { version, token }
    }
}
