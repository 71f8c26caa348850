//! Everything that speaks to Kubernetes. Watches become rows, logs become lines, and all of it leaves through one
//! bounded channel: when its reader is slow, the tasks wait and TCP pushes back.

pub mod access;
pub mod connect;
pub mod discover;
pub mod doctor;
pub mod exec;
pub mod failure;
pub mod fetch;
pub mod gpu_use;
pub mod http;
pub mod kinds;
pub mod kubeconfig;
pub mod lines;
pub mod logs;
pub mod maybe;
pub mod meter;
pub mod podstate;
pub mod proxy;
pub mod records;
pub mod report;
pub mod schema;
mod shared;
pub mod source;
pub mod streams;
pub mod subscribe;
pub mod sync;
pub mod target;
pub mod visibility;
pub mod wire;
pub mod workloads;
pub mod writes;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde::Deserialize;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::keep::Keep;
use crate::model::extra::Sets;
use crate::model::ids::{ClusterId, Name};
use crate::model::vitals::Link;
use crate::model::want::{Kind, Want};
use connect::ConnectError;
use failure::Failure;
use http::{Ask, Http};
use report::{Report, Severity};
use source::{Shared, Tuning};
use subscribe::Subscriptions;
use target::Target;
use wire::lax;

/// Room in the channel for reports: enough to overlap work, little enough to push back soon.
pub const CHANNEL: usize = 64;

/// A connected cluster. Dropping it ends everything that runs for it.
pub struct Cluster {
    shared: Arc<Shared>,
    subscriptions: Subscriptions,
    version: Option<Version>,
    root: CancellationToken,
}

/// `GET /version`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Version {
    #[serde(deserialize_with = "lax::text")]
    major: String,
    #[serde(deserialize_with = "lax::text")]
    minor: String,
    #[serde(deserialize_with = "lax::text")]
    pub git_version: String,
    #[serde(deserialize_with = "lax::text")]
    pub platform: String,
}

impl Version {
    /// Major and minor as numbers; vendors write `28+`.
    pub fn numbers(&self) -> Option<(u32, u32)> {
        let number = |text: &str| {
            let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
            digits.parse().ok()
        };
        Some((number(&self.major)?, number(&self.minor)?))
    }

    /// Servers before 1.27 ignore the request for a streamed list without saying so.
    pub fn may_stream(&self) -> bool {
        self.numbers().is_none_or(|version| version >= (1, 27))
    }
}

/// How to use a cluster.
#[derive(Debug, Clone, Default)]
pub struct Options {
    pub id: ClusterId,
    pub tuning: Tuning,
    /// Namespaces to show beside the context's own where all may not be listed.
    pub namespaces: Vec<String>,
}

impl Cluster {
    /// Logs in and asks the server for its version: the first thing that shows whether it can be reached.
    /// Reports go to `out` (see [`CHANNEL`]). Call within a tokio runtime.
    pub async fn open(
        target: Target,
        options: Options,
        out: mpsc::Sender<Report>,
    ) -> Result<Self, ConnectError> {
        let http = Http::patient(target, options.tuning.answer);
        let version = match http.json::<Version>(&Ask::get("/version")).await {
            Ok(version) => Some(version),
            // may be hidden from ordinary users, or be no business of a proxy
            Err(Failure::Status { code, .. }) if code != 401 && code < 500 => None,
            Err(failure) => {
                let target = http.target();
                let proxy = target
                    .proxy()
                    .map(|proxy| format!(" through the proxy {proxy}"));
                return Err(ConnectError::Server {
                    context: target.context.clone(),
                    server: target.server() + &proxy.unwrap_or_default(),
                    failure,
                });
            }
        };
        let mut tuning = options.tuning;
        let way = http.target().way().clone();
        tuning.stream = way.stream.unwrap_or(tuning.stream);
        let namespaces = way.namespaces.unwrap_or(options.namespaces);
        tuning.stream &= version.as_ref().is_none_or(Version::may_stream);
        let mut fallback: Vec<Name> = Vec::new();
        let own = http.target().namespace.as_deref().unwrap_or("default");
        for name in std::iter::once(own).chain(namespaces.iter().map(String::as_str)) {
            if !fallback.iter().any(|n| &**n == name) {
                fallback.push(name.into());
            }
        }
        let shared = Arc::new(Shared::new(options.id, http, out, tuning));
        if let Some(said) = shared.http.plugin_said().await {
            shared
                .notice(Severity::Info, format!("credential plugin: {said}"))
                .await;
        }
        let root = CancellationToken::new();
        Ok(Self {
            subscriptions: Subscriptions::new(shared.clone(), fallback, root.clone()),
            shared,
            version,
            root,
        })
    }

    /// Stands for a cluster of which others tell: nothing is ever asked of it.
    pub fn recorded(context: &str, out: mpsc::Sender<Report>) -> Self {
        let target = Target::plain(
            ::http::Uri::from_static("http://recording.invalid"),
            context,
        );
        let tuning = Tuning::default();
        let http = Http::patient(target, tuning.answer);
        let shared = Arc::new(Shared::new(ClusterId::default(), http, out, tuning));
        let root = CancellationToken::new();
        Self {
            subscriptions: Subscriptions::new(shared.clone(), Vec::new(), root.clone()).idle(),
            shared,
            version: None,
            root,
        }
    }

    /// Exactly these run from now on. `namespace`: scope of the watches of all objects (`None`: all namespaces).
    pub fn want(&mut self, namespace: Option<&str>, wants: &[Want]) {
        let namespace: Option<Name> = namespace.map(Into::into);
        self.subscriptions.want(namespace.as_ref(), wants);
    }

    /// What these columns show is read from now on; watches of kinds for which they are others list again.
    pub fn read_extra(&self, sets: &Sets) {
        self.shared.extra.send_if_modified(|now| {
            let other = now != sets;
            now.clone_from(sets);
            other
        });
    }

    /// Whoever waits to try again tries now.
    pub fn retry_now(&self) {
        self.shared.retry.notify_waiters();
    }

    /// The way to write to it.
    pub fn gate(&self, rules: writes::Rules, keep: Arc<Keep>) -> writes::Gate {
        writes::Gate::new(self.shared.clone(), rules, keep)
    }

    /// Looks up which versions of which kinds are served, so that objects are asked for where they are.
    pub async fn learn(&self) -> Result<(), Failure> {
        let served = discover::named(&self.shared.http).await?;
        self.shared.learn(served);
        Ok(())
    }

    /// Whether a kind is served, as far as that was looked up.
    pub fn serves(&self, kind: Kind) -> bool {
        self.shared.serves(kinds::entry(kind))
    }

    /// The version to read a kind in.
    pub fn served_version(&self, kind: Kind) -> &'static str {
        self.shared.version(kinds::entry(kind))
    }

    pub fn id(&self) -> ClusterId {
        self.shared.cluster
    }

    pub fn http(&self) -> &Http {
        &self.shared.http
    }

    pub fn target(&self) -> &Target {
        self.shared.http.target()
    }

    /// The context's own namespace, `default` if it names none.
    pub fn namespace(&self) -> &str {
        self.target().namespace.as_deref().unwrap_or("default")
    }

    /// Hidden from this user where `None`.
    pub fn version(&self) -> Option<&Version> {
        self.version.as_ref()
    }

    /// What was counted so far.
    pub fn link(&self, name: &str) -> Link {
        let (requests, bytes) = self.shared.http.traffic();
        let out = &self.shared.out;
        Link {
            cluster: self.shared.cluster,
            name: name.into(),
            requests,
            bytes,
            waiting: out.max_capacity() - out.capacity(),
            room: out.max_capacity(),
            kinds: self.shared.meters.read(),
        }
    }

    /// Lists are streamed, as far as known by now.
    pub fn streams_lists(&self) -> bool {
        self.shared.streaming.load(Ordering::Relaxed)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.root.cancel();
    }
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_struct("Cluster")
            .field("context", &self.target().context)
            .field("server", &self.target().server())
            .field("running", &self.subscriptions.len())
            .finish_non_exhaustive()
    }
}
