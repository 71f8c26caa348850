//! Several clusters that are looked at together: which are open beside the one in front, how each is, and the column
//! that tells their rows apart.
//!
//! The one in front is that of the row under the cursor, or of what a screen was opened from: whatever means one cluster
//! (a right, a manifest, a line of a queue) means that one.

use super::worker::Link;
use super::{Cx, LogsOf, PodsOf, Session, Target, gpus};
use crate::model::access::Permits;
use crate::model::health::Health;
use crate::model::ids::{ClusterId, Key, Name};
use crate::model::want::Kind;
use crate::ui::{Cell, Column, State, text};

/// The watches that tell how a cluster is.
const TELLING: [Kind; 6] = [
    Kind::Job,
    Kind::Pod,
    Kind::Node,
    Kind::CronJob,
    Kind::Event,
    Kind::Namespace,
];

/// What is known of an open cluster that is not in front; its fields are those of [`Session`].
#[derive(Debug, Clone, PartialEq)]
pub struct Peer {
    pub id: ClusterId,
    pub context: String,
    pub link: Link,
    pub home: Name,
    pub server_version: Option<String>,
    pub read_only: bool,
    pub permits: Permits,
    pub sources: Vec<(Kind, Health)>,
    pub served: Option<Vec<Kind>>,
}

impl Peer {
    /// One that is yet to answer.
    pub fn new(id: ClusterId, context: &str) -> Self {
        Self {
            id,
            context: context.to_owned(),
            link: Link::Idle,
            home: Name::default(),
            server_version: None,
            read_only: false,
            permits: Permits::default(),
            sources: Vec::new(),
            served: None,
        }
    }
}

/// One of the clusters that are open, in front or not.
#[derive(Debug, Clone, Copy)]
pub struct Open<'a> {
    pub id: ClusterId,
    pub context: &'a str,
    pub link: &'a Link,
    pub version: Option<&'a str>,
    pub read_only: bool,
    pub permits: &'a Permits,
    pub home: &'a Name,
    pub sources: &'a [(Kind, Health)],
}

impl Open<'_> {
    /// The worst of its watches; none if all is well.
    pub fn trouble(&self) -> Option<&Health> {
        trouble(self.sources)
    }

    /// It does not answer.
    pub fn is_failed(&self) -> bool {
        matches!(self.link, Link::Failed(_))
    }

    /// Its rows do not change any more, or there are none because it does not answer: why.
    pub fn lost(&self) -> Option<&str> {
        match (self.link, self.trouble()) {
            (Link::Failed(why), _) => Some(why),
            (_, Some(Health::Stale { why, .. } | Health::Failing { why })) => Some(why),
            _ => None,
        }
    }

    /// In one word, with the state it is drawn in.
    pub fn state(&self) -> (State, String) {
        match (self.link, self.trouble()) {
            (Link::Failed(_), _) => (State::Failed, "does not answer".into()),
            (Link::Idle, _) => (State::Waiting, "connecting".into()),
            (Link::Open, None) => (State::Running, "live".into()),
            (Link::Open, Some(health)) => match health {
                Health::Connecting => (State::Waiting, "connecting".into()),
                Health::Syncing { .. } => (State::Waiting, "syncing".into()),
                Health::Stale { since, .. } => {
                    let local = since.with_timezone(&chrono::Local);
                    let words = format!("stale since {}", local.format("%H:%M:%S"));
                    (State::Failed, words)
                }
                Health::Failing { .. } => (State::Failed, "failing".into()),
                Health::Forbidden { resource, .. } => {
                    (State::Held, format!("{resource} forbidden"))
                }
                Health::Live | Health::Absent => (State::Running, "live".into()),
            },
        }
    }
}

/// The worst of all watches; none if all is well. A kind that is optional, and not this user's to see, takes nothing from
/// the others.
pub fn trouble(sources: &[(Kind, Health)]) -> Option<&Health> {
    let watched = TELLING
        .into_iter()
        .filter(|k| sources.iter().any(|(kind, _)| kind == k));
    let optional = sources
        .iter()
        .filter(|(kind, health)| {
            matches!(kind, Kind::Workload(_) | Kind::Queue(_) | Kind::Dra(_))
                && !matches!(health, Health::Forbidden { .. })
        })
        .map(|(kind, _)| *kind);
    watched
        .chain(optional)
        .map(|kind| worst(sources, kind))
        .find(|health| !matches!(health, Health::Live | Health::Absent))
}

/// The worst health of the watches of a kind; `Connecting` if none runs yet.
pub fn worst(sources: &[(Kind, Health)], kind: Kind) -> &Health {
    fn rank(health: &Health) -> u8 {
        match health {
            Health::Live => 0,
            Health::Absent => 1,
            Health::Syncing { .. } => 2,
            Health::Connecting => 3,
            Health::Forbidden { .. } => 4,
            Health::Stale { .. } => 5,
            Health::Failing { .. } => 6,
        }
    }
    static NONE: Health = Health::Connecting;
    sources
        .iter()
        .filter(|(k, _)| *k == kind)
        .map(|(_, h)| h)
        .max_by_key(|h| rank(h))
        .unwrap_or(&NONE)
}

impl Session {
    /// More than one cluster is open.
    pub fn several(&self) -> bool {
        !self.peers.is_empty()
    }

    /// All open clusters, in the order they were named in.
    pub fn clusters(&self) -> Vec<Open<'_>> {
        let front = Open {
            id: self.cluster,
            context: &self.context,
            link: &self.link,
            version: self.server_version.as_deref(),
            read_only: self.read_only,
            permits: &self.permits,
            home: &self.home,
            sources: &self.sources,
        };
        let peers = self.peers.iter().map(|peer| Open {
            id: peer.id,
            context: &peer.context,
            link: &peer.link,
            version: peer.server_version.as_deref(),
            read_only: peer.read_only,
            permits: &peer.permits,
            home: &peer.home,
            sources: &peer.sources,
        });
        let mut all: Vec<Open> = peers.chain([front]).collect();
        all.sort_by_key(|open| open.id);
        all
    }

    /// One of them; none of a worker cluster, or of one that was left.
    pub fn open(&self, id: ClusterId) -> Option<Open<'_>> {
        self.clusters().into_iter().find(|open| open.id == id)
    }

    /// It is one of them.
    pub fn is_open(&self, id: ClusterId) -> bool {
        id == self.cluster || self.peers.iter().any(|peer| peer.id == id)
    }

    /// The context of a cluster; of one that is not open, that in front.
    pub fn context_of(&self, id: ClusterId) -> &str {
        let peer = self.peers.iter().find(|peer| peer.id == id);
        peer.map_or(&self.context, |peer| &peer.context)
    }

    /// The kinds that may be absent and are served in a cluster; none before they were looked for there.
    pub fn served(&self, id: ClusterId) -> Option<&[Kind]> {
        let peer = self.peers.iter().find(|peer| peer.id == id);
        let served = peer.map_or(&self.served, |peer| &peer.served);
        served.as_deref()
    }

    /// What may be done in a cluster, as far as it was asked.
    pub fn permits(&self, id: ClusterId) -> &Permits {
        let peer = self.peers.iter().find(|peer| peer.id == id);
        peer.map_or(&self.permits, |peer| &peer.permits)
    }

    /// The same, to be added to.
    pub fn permits_of(&mut self, id: ClusterId) -> &mut Permits {
        let peer = self.peers.iter_mut().find(|peer| peer.id == id);
        peer.map_or(&mut self.permits, |peer| &mut peer.permits)
    }

    /// Whether nothing is to be written to a cluster.
    pub fn is_read_only(&self, id: ClusterId) -> bool {
        let peer = self.peers.iter().find(|peer| peer.id == id);
        peer.map_or(self.read_only, |peer| peer.read_only)
    }

    /// The clusters whose rows lists show.
    pub fn shown(&self) -> Vec<ClusterId> {
        if let Some(only) = self.only {
            return vec![only];
        }
        let mut all: Vec<ClusterId> = self.peers.iter().map(|peer| peer.id).collect();
        all.push(self.cluster);
        all.sort_unstable();
        all
    }

    /// A cluster comes to the front: what was in front is a peer. False if it is there, or not open.
    pub fn put_in_front(&mut self, id: ClusterId) -> bool {
        let Some(peer) = self.peers.iter_mut().find(|peer| peer.id == id) else {
            return false;
        };
        if peer.link != Link::Open {
            return false;
        }
        std::mem::swap(&mut self.cluster, &mut peer.id);
        std::mem::swap(&mut self.context, &mut peer.context);
        std::mem::swap(&mut self.link, &mut peer.link);
        std::mem::swap(&mut self.home, &mut peer.home);
        std::mem::swap(&mut self.server_version, &mut peer.server_version);
        std::mem::swap(&mut self.read_only, &mut peer.read_only);
        std::mem::swap(&mut self.permits, &mut peer.permits);
        std::mem::swap(&mut self.sources, &mut peer.sources);
        std::mem::swap(&mut self.served, &mut peer.served);
        true
    }
}

/// The cluster a screen is about, by what it is opened with; none where that does not say.
pub fn of_target(target: &Target) -> Option<ClusterId> {
    let key: Key = match target {
        Target::Job(key)
        | Target::Node(key)
        | Target::Workload(key)
        | Target::GpusOf(key)
        | Target::Pods(PodsOf::Job(key))
        | Target::GpuMap(gpus::MapOf::Job(key) | gpus::MapOf::Node(key) | gpus::MapOf::Fit(key)) => {
            *key
        }
        Target::Events(Some(about)) => about.key,
        Target::Logs(of) | Target::LogsAt { of, .. } => match of {
            LogsOf::Job { job, .. } => *job,
            LogsOf::Pod { pod, .. } => *pod,
            LogsOf::File { .. } => return None,
        },
        _ => return None,
    };
    Some(key.cluster)
}

/// Rows of several clusters stand in lists: they say whose they are.
pub fn stand_apart(cx: &Cx) -> bool {
    cx.model.clusters.several() && cx.session.only.is_none()
}

/// The columns of a list, with that of the cluster after the name where rows of several stand in it.
pub fn with_column(mut columns: Vec<Column>, cx: &Cx) -> Vec<Column> {
    if stand_apart(cx) {
        let names = cx.model.clusters.ids();
        let wide = names
            .filter_map(|id| cx.model.clusters.name(id))
            .map(|name| text::width(name) as u16)
            .max()
            .unwrap_or_default();
        let at = columns.iter().position(|column| column.id() == "name");
        let column = Column::new("cluster", "CLUSTER")
            .rank(0)
            .width(wide.clamp(7, 9), wide.clamp(7, 12), wide.clamp(7, 24) + 2)
            .middle();
        columns.insert(at.map_or(0, |at| at + 1), column);
    }
    columns
}

/// The name of the cluster a row is of; marked where the row is only what was seen last.
pub fn cell(id: ClusterId, cx: &Cx) -> Cell<'static> {
    let name = cx.model.clusters.name(id).map(|name| text::clean(name));
    let Some(name) = name else {
        return Cell::Empty;
    };
    match cx
        .session
        .open(id)
        .is_some_and(|open| open.lost().is_some())
    {
        true => Cell::state(State::Failed, name.into_owned()),
        false => Cell::styled(name.into_owned(), cx.theme.dim()),
    }
}
