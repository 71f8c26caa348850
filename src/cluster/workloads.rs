//! Which kinds of workloads and queues there are, all the time: their CRDs are installed and removed while jobdeck
//! runs. Looks at the discovery document now and then, and when the watch of a kind finds it gone; watches those
//! served, and asks nothing of the others.

use std::collections::HashMap;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::discover::{Served, named, probe};
use super::failure::Failure;
use super::kinds::{Entry, optional};
use super::report::{Report, Severity};
use super::source::{Shared, random};
use super::subscribe::Watch;
use super::sync;
use crate::model::delta::{Delta, Rows};
use crate::model::ids::Name;
use crate::model::kueue::{QueueKind, QueueRows};
use crate::model::want::{Kind, Selector};

/// Looks that find nothing new are this much rarer at the most: an idle screen asks for next to nothing.
const RARER: u32 = 8;
/// A first look that fails for a moment is made again so often.
const TRIES: u32 = 3;

/// All kinds of workloads and queues of a scope, wanted together.
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
        let mut told = None;
        let mut tries = 0;
        let mut failed = 0;
        let mut rarer = 1;
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
                found = self.look() => found,
            };
            let blind;
            let mut changed = !ended.is_empty();
            match found {
                Ok((served, forbidden)) => {
                    failed = 0;
                    blind = forbidden;
                    for entry in optional() {
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
                Err(failure)
                    if told.is_none() && tries < TRIES && failure.retry_after().is_some() =>
                {
                    tries += 1;
                    let wait = failure.retry_after().unwrap_or_default();
                    tokio::select! {
                        () = self.cancel.cancelled() => return,
                        () = self.shared.wait(wait) => continue,
                    }
                }
                // what runs goes on: a server that does not answer says nothing about its kinds
                Err(failure) => {
                    tracing::info!(%failure, "discovery of kinds");
                    failed += 1;
                    blind = Some(format!("asking what is served failed: {failure}"));
                }
            }
            rarer = match changed {
                true => 1,
                false => (rarer * 2).min(RARER),
            };
            // whether all are known is news, too
            if changed || told.as_ref() != Some(&blind) {
                told = Some(blind.clone());
                let cluster = self.shared.cluster;
                let mut kinds: Vec<Kind> = running.keys().copied().collect();
                kinds.sort_unstable();
                // where discovery is forbidden, what is not found may be there all the same
                if blind.is_none() {
                    let kueue = kinds.contains(&Kind::Queue(QueueKind::Workload));
                    let delta = Delta {
                        cluster,
                        source: self.shared.next_source(),
                        rows: Rows::Queues(QueueRows::Served(kueue)),
                    };
                    if !self.shared.send(Report::Delta(delta)).await {
                        return;
                    }
                }
                let report = Report::Workloads {
                    cluster,
                    kinds,
                    blind,
                };
                if !self.shared.send(report).await {
                    return;
                }
            }
            tokio::select! {
                () = self.cancel.cancelled() => return,
                () = self.shared.gone.notified() => {}
                // one that did not answer is asked again as a watch would
                () = self.shared.wait(match failed {
                    0 => self.shared.tuning.discovery * rarer,
                    n => sync::backoff(n, random()).min(self.shared.tuning.discovery),
                }) => {}
            }
        }
    }

    /// What is served; and, where nobody may ask that, what could be listed all the same, with the reason.
    async fn look(&self) -> Result<(Served, Option<String>), Failure> {
        match named(&self.shared.http).await {
            Err(failure) if failure.code() == Some(403) => {}
            found => return Ok((found?, None)),
        }
        let why =
            "discovery is forbidden (needs get on /apis: ask for the ClusterRole system:discovery)";
        if self.shared.first_time(why) {
            let text = format!("{why}; asking for the kinds that jobdeck knows one by one");
            self.shared.notice(Severity::Info, text).await;
        }
        let places: Vec<Option<&str>> = match &self.namespace {
            Some(namespace) => vec![Some(namespace)],
            None => {
                let known = self.fallback.iter().map(|name| Some(&**name));
                std::iter::once(None).chain(known).collect()
            }
        };
        let served = probe(&self.shared.http, optional(), &places).await?;
        Ok((served, Some(why.to_owned())))
    }

    fn start(&self, entry: &'static Entry, version: &'static str) -> Running {
        let token = self.cancel.child_token();
        let watch = Watch {
            shared: self.shared.clone(),
            entry,
            version,
            namespace: self.namespace.clone().filter(|_| entry.namespaced),
            selector: Selector::All,
            cancel: token.clone(),
            fallback: self.fallback.clone(),
            leaves: true,
        };
        tokio::spawn(watch.look_after());
        Running { version, token }
    }
}
