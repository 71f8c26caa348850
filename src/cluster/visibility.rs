//! Kueue's visibility API: who stands where in a line. It cannot be watched, so it is asked again every few seconds
//! while somebody looks; it is served by Kueue itself and may be absent, forbidden, or down on its own.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use chrono::Utc;
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use super::failure::Failure;
use super::http::Ask;
use super::report::Report;
use super::source::Shared;
use super::wire::lax;
use super::wire::meta::Meta;
use crate::model::delta::{Delta, Rows, SourceId};
use crate::model::ids::Names;
use crate::model::kueue::positions::Pending;
use crate::model::kueue::{Heard, Line, QueueRows};

const GROUP: &str = "visibility.kueue.x-k8s.io";
/// Newest first.
const VERSIONS: [&str; 2] = ["v1beta2", "v1beta1"];
/// So many of a line are told; Kueue's default is 1000.
const MOST: usize = 10_000;

/// Between answers.
const POLL: Duration = Duration::from_secs(5);
/// After no answer, doubled each time, up to the longest.
const LONGEST: Duration = Duration::from_secs(60);
/// Until it is asked again what was forbidden, or is not there.
const PROBE: Duration = Duration::from_secs(60);

#[derive(Default, Deserialize)]
#[serde(default)]
struct Summary {
    #[serde(deserialize_with = "lax::list")]
    items: Vec<Item>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Item {
    #[serde(deserialize_with = "lax::object")]
    metadata: Meta,
    #[serde(deserialize_with = "lax::maybe_int")]
    priority: Option<i32>,
    #[serde(deserialize_with = "lax::text")]
    local_queue_name: String,
    #[serde(deserialize_with = "lax::count")]
    position_in_cluster_queue: u32,
    #[serde(deserialize_with = "lax::count")]
    position_in_local_queue: u32,
}

impl Summary {
    fn rows(self, names: &mut Names) -> Vec<Pending> {
        let named = self.items.into_iter().filter(|i| !i.metadata.is_nobody());
        let mut all: Vec<Pending> = named
            .map(|item| Pending {
                namespace: names.get(&item.metadata.namespace),
                name: names.get(&item.metadata.name),
                local_queue: names.get(&item.local_queue_name),
                priority: item.priority.unwrap_or_default(),
                in_cluster_queue: item.position_in_cluster_queue,
                in_local_queue: item.position_in_local_queue,
            })
            .collect();
        all.sort_by_key(|pending| pending.in_cluster_queue);
        all
    }
}

fn path(version: &str, line: &Line) -> String {
    let place = match line {
        Line::ClusterQueue(name) => format!("clusterqueues/{name}"),
        Line::LocalQueue(namespace, name) => format!("namespaces/{namespace}/localqueues/{name}"),
    };
    format!("/apis/{GROUP}/{version}/{place}/pendingworkloads?limit={MOST}")
}

/// Asks about a line until nobody wants to know any more.
pub async fn run(shared: Arc<Shared>, line: Line, cancel: CancellationToken) {
    let poll = Poll {
        source: shared.next_source(),
        shared,
        line,
    };
    tokio::select! {
        biased;
        () = cancel.cancelled() => {}
        () = poll.drive() => {}
    }
    poll.tell(Heard::Dropped).await;
}

struct Poll {
    shared: Arc<Shared>,
    source: SourceId,
    line: Line,
}

impl Poll {
    async fn drive(&self) {
        let mut names = Names::default();
        let mut failures = 0u32;
        loop {
            let (heard, wait) = match self.ask().await {
                Ok(Some(summary)) => (Heard::Told(Utc::now(), summary.rows(&mut names)), POLL),
                Ok(None) => (Heard::Absent, PROBE),
                Err(failure) if failure.code() == Some(403) => (Heard::Forbidden, PROBE),
                Err(failure) => {
                    let backoff = POLL.saturating_mul(1 << failures.min(4)).min(LONGEST);
                    let wait = failure.retry_after().map_or(backoff, |w| w.max(backoff));
                    (Heard::Failing(failure.to_string()), wait)
                }
            };
            failures = match heard {
                Heard::Failing(_) => failures.saturating_add(1),
                _ => 0,
            };
            if !matches!(heard, Heard::Told(..)) {
                tracing::info!(line = ?self.line, ?heard, "visibility");
            }
            if !self.tell(heard).await {
                return;
            }
            self.shared.wait(wait).await;
        }
    }

    /// None: it is not served, or does not know the queue.
    async fn ask(&self) -> Result<Option<Summary>, Failure> {
        for version in self.versions() {
            let ask = Ask::get(path(version, &self.line));
            match self.shared.http.json::<Summary>(&ask).await {
                Err(failure) if failure.code() == Some(404) => {}
                answer => return answer.map(Some),
            }
        }
        Ok(None)
    }

    /// Those that are served, newest first; both where that is not known. Nothing is asked of a server without them.
    fn versions(&self) -> Vec<&'static str> {
        let served = &self.shared.served;
        let served = served.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all = VERSIONS.to_vec();
        if let Some(served) = served.as_ref().filter(|served| !served.partial) {
            let known = served.versions(GROUP);
            all.retain(|version| known.contains(version));
        }
        all
    }

    async fn tell(&self, heard: Heard) -> bool {
        let delta = Delta {
            cluster: self.shared.cluster,
            source: self.source,
            rows: Rows::Queues(QueueRows::Line(self.line.clone(), heard)),
        };
        self.shared.send(Report::Delta(delta)).await
    }
}
