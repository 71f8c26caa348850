//! From "these are wanted" to running tasks: starts and stops the difference, and looks after each watch: when
//! the cluster-wide list is forbidden it watches the namespaces that are known instead, and asks again now and then.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::access::{self, Question};
use super::fetch;
use super::gpu_use;
use super::http::Ask;
use super::kinds::{Entry, entry};
use super::logs;
use super::maybe::Maybe;
use super::report::{Report, Severity, SourceHealth};
use super::source::{self, End, Shared, Source, guarded};
use super::visibility;
use super::workloads::Workloads;
use crate::model::delta::SourceId;
use crate::model::health::Health;
use crate::model::ids::Name;
use crate::model::kueue::Line;
use crate::model::want::{Kind, LogWant, ObjectWant, Selector, Want};

/// How often to ask whether a forbidden list is allowed by now.
const PROBE: Duration = Duration::from_secs(300);
/// Pause before a task that broke is started again.
const MEND: Duration = Duration::from_secs(15);

/// Something that runs while it is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Running {
    Watch(Kind, Option<Name>, Selector),
    Workloads(Option<Name>),
    Pending(Line),
    May(Question),
    Log(LogWant),
    Object(ObjectWant),
    /// A node, and whether there are too many before it.
    GpuUse(Name, bool),
}

/// All that runs for one cluster.
pub struct Subscriptions {
    shared: Arc<Shared>,
    runtime: Handle,
    running: HashMap<Running, CancellationToken>,
    /// Cancelled with the connection.
    root: CancellationToken,
    /// Namespaces to watch where all of them may not be.
    fallback: Vec<Name>,
    /// Nothing runs: what is told is told already.
    idle: bool,
}

impl Subscriptions {
    /// Nothing is asked of anybody, whatever is wanted.
    pub fn idle(self) -> Self {
        Self { idle: true, ..self }
    }

    pub fn new(shared: Arc<Shared>, fallback: Vec<Name>, root: CancellationToken) -> Self {
        Self {
            shared,
            runtime: Handle::current(),
            running: HashMap::new(),
            root,
            fallback,
            idle: false,
        }
    }

    /// Makes exactly these run. `namespace`: the scope of watches of all objects (`None`: all namespaces).
    pub fn want(&mut self, namespace: Option<&Name>, wants: &[Want]) {
        if self.idle {
            return;
        }
        let (most, mut nodes) = (self.shared.tuning.gpu_use.nodes, 0);
        let wanted: Vec<Running> = wants
            .iter()
            .filter_map(|want| {
                Some(match want {
                    Want::Watch(kind, selector) => {
                        let scoped = entry(*kind).namespaced && *selector == Selector::All;
                        let namespace = namespace.filter(|_| scoped).cloned();
                        Running::Watch(*kind, namespace, selector.clone())
                    }
                    Want::Workloads => Running::Workloads(namespace.cloned()),
                    Want::Pending(line) => Running::Pending(line.clone()),
                    Want::May(question) => Running::May(question.clone()),
                    Want::Log(log) => Running::Log(log.clone()),
                    Want::Object(object) => Running::Object(object.clone()),
                    Want::GpuUse(node) => {
                        nodes += 1;
                        Running::GpuUse(node.clone(), nodes > most)
                    }
                    // that cluster's own
                    Want::At { .. } | Want::Worker { .. } => return None,
                })
            })
            .collect();
        self.running.retain(|running, token| {
            let keep = wanted.contains(running);
            if !keep {
                token.cancel();
            }
            keep
        });
        for want in wanted {
            if !self.running.contains_key(&want) {
                let token = self.root.child_token();
                self.start(&want, token.clone());
                self.running.insert(want, token);
            }
        }
    }

    /// How many tasks run.
    pub fn len(&self) -> usize {
        self.running.len()
    }

    pub fn is_empty(&self) -> bool {
        self.running.is_empty()
    }

    fn start(&self, want: &Running, cancel: CancellationToken) {
        let shared = self.shared.clone();
        match want.clone() {
            Running::Watch(kind @ Kind::Dra(_), namespace, _) => {
                let maybe = Maybe {
                    shared,
                    entry: entry(kind),
                    namespace,
                    fallback: self.fallback.clone(),
                    cancel,
                };
                self.runtime.spawn(maybe.look_after());
            }
            Running::Watch(kind, namespace, selector) => {
                let entry = entry(kind);
                let watch = Watch {
                    version: shared.version(entry),
                    shared,
                    entry,
                    namespace,
                    selector,
                    cancel,
                    fallback: self.fallback.clone(),
                    leaves: false,
                };
                self.runtime.spawn(watch.look_after());
            }
            Running::Workloads(namespace) => {
                let all = Workloads {
                    shared,
                    namespace,
                    fallback: self.fallback.clone(),
                    cancel,
                };
                self.runtime.spawn(all.look_after());
            }
            Running::Object(want) => {
                self.runtime.spawn(async move {
                    tokio::select! {
                        () = cancel.cancelled() => {}
                        () = fetch::answer(&shared, want) => {}
                    }
                });
            }
            Running::Pending(line) => {
                self.runtime.spawn(visibility::run(shared, line, cancel));
            }
            Running::May(question) => {
                self.runtime.spawn(access::answer(shared, question, cancel));
            }
            Running::GpuUse(node, over) => {
                self.runtime.spawn(gpu_use::run(shared, node, over, cancel));
            }
            Running::Log(want) => {
                self.runtime.spawn(logs::run(shared, want, cancel));
            }
        }
    }
}

/// One wanted watch, whatever it takes.
pub struct Watch {
    pub shared: Arc<Shared>,
    pub entry: &'static Entry,
    pub version: &'static str,
    pub namespace: Option<Name>,
    pub selector: Selector,
    pub cancel: CancellationToken,
    /// Namespaces to watch where all of them may not be.
    pub fallback: Vec<Name>,
    /// Ends when the kind is not served any more: cancels its token and says that it is gone.
    pub leaves: bool,
}

impl Watch {
    /// Runs until nobody wants it.
    pub async fn look_after(self) {
        let wide = self.namespace.is_none()
            && self.entry.namespaced
            && self.selector == Selector::All
            && !self.fallback.is_empty();
        loop {
            let end = self.keep(self.namespace.clone(), wide, &self.cancel).await;
            match end {
                End::Cancelled => return,
                End::Absent => return self.leave(),
                End::Forbidden => self.narrow().await,
            }
            if self.cancel.is_cancelled() {
                return;
            }
        }
    }

    fn leave(&self) {
        self.cancel.cancel();
        // those watched apart are looked for by who watches them
        if !matches!(self.entry.kind, Kind::Dra(_)) {
            self.shared.gone.notify_one();
        }
    }

    /// Runs one source; one that breaks is reported and started again.
    async fn keep(&self, namespace: Option<Name>, yields: bool, cancel: &CancellationToken) -> End {
        let id = self.shared.next_source();
        loop {
            let source = Source {
                shared: self.shared.clone(),
                id,
                entry: self.entry,
                version: self.version,
                namespace: namespace.clone(),
                selector: self.selector.clone(),
                cancel: cancel.clone(),
                yields,
                leaves: self.leaves,
            };
            match guarded(source::run(source)).await {
                Ok(end) => return end,
                Err(why) => self.broke(id, namespace.clone(), why).await,
            }
            tokio::select! {
                () = cancel.cancelled() => return End::Cancelled,
                () = self.shared.wait(MEND) => {}
            }
        }
    }

    async fn broke(&self, source: SourceId, namespace: Option<Name>, why: String) {
        tracing::error!(kind = self.entry.plural(), why, "a watch task broke");
        let why = format!("jobdeck's own error, please report it: {why}");
        self.shared
            .send(Report::Health(SourceHealth {
                cluster: self.shared.cluster,
                source,
                kind: self.entry.kind,
                selector: self.selector.clone(),
                namespace,
                health: Health::Failing { why },
            }))
            .await;
    }

    /// Watches the known namespaces one by one, until the whole may be listed again or nobody wants it.
    async fn narrow(&self) {
        // one sentence for all kinds of the cluster: `doctor` tells which they are
        // of queues and claims nothing is said: their rows are beside the point for whom the jobs are all there
        let queues = matches!(self.entry.kind, Kind::Queue(_) | Kind::Dra(_));
        if !queues && self.shared.first_time("narrow") {
            let shown: Vec<&str> = self.fallback.iter().map(|n| &**n).collect();
            let text = format!(
                "lists of all namespaces are forbidden (`jobdeck doctor` tells which); showing {} only",
                shown.join(", ")
            );
            self.shared.notice(Severity::Info, text).await;
        }
        let cancel = self.cancel.child_token();
        let one = |namespace: &Name| {
            let (namespace, cancel) = (Some(namespace.clone()), &cancel);
            async move {
                let end = self.keep(namespace, false, cancel).await;
                if end == End::Absent {
                    // not served in one namespace is not served in any
                    cancel.cancel();
                }
                end
            }
        };
        let each = futures::future::join_all(self.fallback.iter().map(one));
        let allowed = async {
            loop {
                tokio::time::sleep(PROBE.mul_f64(self.shared.tuning.patience)).await;
                let path = self.entry.path(self.version, None);
                let ask = Ask::get(format!("{path}?limit=1"));
                if self.shared.http.read(&ask).await.is_ok() {
                    return;
                }
            }
        };
        let stop = async {
            tokio::select! {
                () = allowed => cancel.cancel(),
                () = cancel.cancelled() => {}
            }
        };
        let (ends, ()) = futures::future::join(each, stop).await;
        if ends.contains(&End::Absent) {
            self.leave();
        }
    }
}
