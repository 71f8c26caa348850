//! What the tasks of one cluster share: the way to it, the way out, and what has been learnt of it.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore, mpsc, watch};

use super::access::Permissions;
use super::discover::Served;
use super::gpu_use;
use super::http::Http;
use super::kinds::Entry;
use super::meter::Meters;
use super::report::{Notice, Report, Severity};
use super::schema::Schemas;
use crate::model::delta::SourceId;
use crate::model::extra::Sets;
use crate::model::ids::ClusterId;

/// What can be adjusted; the defaults suit real clusters.
#[derive(Debug, Clone)]
pub struct Tuning {
    /// Try streamed lists first; else pages at once.
    pub stream: bool,
    /// Objects per page.
    pub page: usize,
    /// `timeoutSeconds` of a watch; the server closes it then and we resume.
    pub watch_seconds: u32,
    /// Longest wait for the head of an answer, and for more of it.
    pub answer: Duration,
    /// Silence after which an initial stream is given up.
    pub stream_silence: Duration,
    /// Silence after which a watch is opened anew: servers send a bookmark each minute.
    pub watch_silence: Duration,
    /// Silence after which a followed log is opened anew, in case its connection is dead.
    pub log_silence: Duration,
    /// Logs followed at once; each is a connection.
    pub log_streams: usize,
    /// How often to look for workload kinds that came or went.
    pub discovery: Duration,
    /// How exporters are asked about the use of GPUs, where that is wanted.
    pub gpu_use: gpu_use::Settings,
    /// Factor on all waiting after failures.
    pub patience: f64,
    /// Columns of the user's own to read from the start.
    pub extra: Sets,
    /// Objects are passed on as they were sent, too: somebody records them.
    pub raw: bool,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            stream: true,
            page: 500,
            watch_seconds: 290,
            answer: super::http::ANSWER,
            stream_silence: Duration::from_secs(30),
            watch_silence: Duration::from_secs(100),
            log_silence: Duration::from_secs(120),
            log_streams: 50,
            discovery: Duration::from_secs(40),
            gpu_use: gpu_use::Settings::default(),
            patience: 1.0,
            extra: Sets::default(),
            raw: false,
        }
    }
}

/// What the sources of one cluster share.
pub struct Shared {
    pub cluster: ClusterId,
    pub http: Http,
    pub out: mpsc::Sender<Report>,
    pub tuning: Tuning,
    /// Lists may be streamed, as far as known.
    pub streaming: AtomicBool,
    /// "Try again now".
    pub retry: Notify,
    /// Permits to follow logs.
    pub log_streams: Arc<Semaphore>,
    /// Sources started so far.
    pub sources: AtomicU32,
    /// What has been said once and need not be said again.
    pub told: Mutex<HashSet<String>>,
    /// "A kind is not served any more."
    pub gone: Notify,
    /// What is served, as of the last look.
    pub served: Mutex<Option<Served>>,
    /// Schemas read so far.
    pub schemas: Schemas,
    /// What this user may do, as far as it was asked.
    pub permissions: Permissions,
    /// Questions to exporters.
    pub gpu_use: gpu_use::Desk,
    /// What is counted of each kind.
    pub meters: Meters,
    /// Columns of the user's own that are shown now: watches list again when those of their kind change.
    pub extra: watch::Sender<Sets>,
}

impl Shared {
    pub fn new(cluster: ClusterId, http: Http, out: mpsc::Sender<Report>, tuning: Tuning) -> Self {
        Self {
            cluster,
            http,
            out,
            streaming: AtomicBool::new(tuning.stream),
            log_streams: Arc::new(Semaphore::new(tuning.log_streams.max(1))),
            gpu_use: gpu_use::Desk::new(&tuning.gpu_use),
            extra: watch::Sender::new(tuning.extra.clone()),
            tuning,
            retry: Notify::new(),
            sources: AtomicU32::new(0),
            told: Mutex::default(),
            gone: Notify::new(),
            served: Mutex::default(),
            schemas: Schemas::default(),
            permissions: Permissions::default(),
            meters: Meters::default(),
        }
    }

    /// A number no other source of this cluster has.
    pub fn next_source(&self) -> SourceId {
        SourceId(self.sources.fetch_add(1, Ordering::Relaxed))
    }

    /// True the first time it is asked about a text.
    pub fn first_time(&self, text: &str) -> bool {
        // a poisoned lock only means that something may be said twice
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.insert(text.to_owned())
    }

    /// Remembers what is served.
    pub fn learn(&self, served: Served) {
        *self.served.lock().unwrap_or_else(PoisonError::into_inner) = Some(served);
    }

    /// The versions that may serve a kind, best first: exactly those that do where that is known.
    pub fn versions(&self, entry: &'static Entry) -> Vec<&'static str> {
        let served = self.served.lock().unwrap_or_else(PoisonError::into_inner);
        match served.as_ref().filter(|served| !served.partial) {
            Some(served) => served.version(entry).into_iter().collect(),
            None => entry.versions.to_vec(),
        }
    }

    /// The version to use of a kind: the one served where that is known, else the best.
    pub fn version(&self, entry: &Entry) -> &'static str {
        let served = self.served.lock().unwrap_or_else(PoisonError::into_inner);
        let known = served.as_ref().and_then(|served| served.version(entry));
        known.unwrap_or(entry.versions[0])
    }

    /// Whether a kind is served, as of the last look; true before that.
    pub fn serves(&self, entry: &Entry) -> bool {
        let served = self.served.lock().unwrap_or_else(PoisonError::into_inner);
        // the core group is not looked up
        let known = served.as_ref().filter(|_| !entry.group.is_empty());
        known.is_none_or(|served| served.version(entry).is_some())
    }

    /// Sends; false if nobody listens any more.
    pub async fn send(&self, report: Report) -> bool {
        self.out.send(report).await.is_ok()
    }

    pub async fn notice(&self, severity: Severity, text: String) {
        let cluster = self.cluster;
        let notice = Notice {
            cluster,
            severity,
            text,
        };
        self.send(Report::Notice(notice)).await;
    }

    /// Waits, but not longer than until the user asks to retry.
    pub async fn wait(&self, time: Duration) {
        let time = time.mul_f64(self.tuning.patience);
        let _ = tokio::time::timeout(time, self.retry.notified()).await;
    }
}
