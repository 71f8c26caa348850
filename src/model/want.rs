//! What a pane wants to know, as plain data. Panes declare, the app compares with what runs, and the
//! cluster layer starts and stops the difference: closing a pane cannot leak a stream.

use super::access::Question;
use super::dra::DraKind;
use super::ids::{ClusterId, Name, Uid};
use super::kind::{JobKind, OtherKind};
use super::kueue::{Line, QueueKind};

/// A watched kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    Job,
    CronJob,
    Pod,
    Node,
    Event,
    Namespace,
    /// Any other kind of workload; which there are is the cluster layer's to know.
    Workload(JobKind),
    /// One of Kueue's.
    Queue(QueueKind),
    /// One of dynamic resource allocation; a server may have none of them.
    Dra(DraKind),
    /// Any kind that a server serves: submitted, never watched.
    Other(OtherKind),
}

impl JobKind {
    /// The kind of its objects; none for a pod group, which is none.
    pub fn object(self) -> Option<Kind> {
        Some(if self == JobKind::JOB {
            Kind::Job
        } else if self == JobKind::CRONJOB {
            Kind::CronJob
        } else if self == JobKind::POD {
            Kind::Pod
        } else if self == JobKind::POD_GROUP {
            return None;
        } else {
            Kind::Workload(self)
        })
    }
}

impl Kind {
    /// Its objects live in namespaces.
    pub fn namespaced(self) -> bool {
        match self {
            Kind::Node | Kind::Namespace => false,
            Kind::Queue(kind) => kind.namespaced(),
            Kind::Dra(kind) => kind.namespaced(),
            Kind::Other(kind) => kind.namespaced,
            _ => true,
        }
    }

    /// Its API group; empty: the core group.
    pub fn group(self) -> &'static str {
        match self {
            Kind::Job | Kind::CronJob => "batch",
            Kind::Pod | Kind::Node | Kind::Event | Kind::Namespace => "",
            Kind::Workload(kind) => kind.group,
            Kind::Queue(kind) => kind.group(),
            Kind::Dra(_) => "resource.k8s.io",
            Kind::Other(kind) => kind.group,
        }
    }

    /// One of them, as kubectl names it: `job`, `pytorchjob`, `localqueue`.
    pub fn singular(self) -> String {
        match self {
            Kind::Workload(kind) => kind.singular(),
            Kind::Queue(kind) => kind.singular().to_owned(),
            Kind::Dra(kind) => kind.singular().to_owned(),
            Kind::Other(kind) => kind.kind.to_lowercase(),
            other => other.plural().trim_end_matches('s').to_owned(),
        }
    }

    /// Plural resource name, as kubectl prints it.
    pub fn plural(self) -> &'static str {
        match self {
            Kind::Job => "jobs",
            Kind::CronJob => "cronjobs",
            Kind::Pod => "pods",
            Kind::Node => "nodes",
            Kind::Event => "events",
            Kind::Namespace => "namespaces",
            Kind::Workload(kind) => kind.plural,
            Kind::Queue(kind) => kind.plural(),
            Kind::Dra(kind) => kind.plural(),
            Kind::Other(kind) => kind.plural,
        }
    }
}

/// Restriction beyond the namespace scope the user chose.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Selector {
    /// All objects of the scope.
    All,
    /// Events about one object: `involvedObject.uid`, in this namespace (empty: cluster-scoped object).
    About { namespace: Name, uid: Uid },
    /// Events about a node. By its name: kubelets write it in the place of the uid.
    OfNode(Name),
}

/// One log stream: a container of a pod.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LogWant {
    pub namespace: Name,
    pub pod: Name,
    pub uid: Uid,
    /// `None`: the pod's default container.
    pub container: Option<Name>,
    pub previous: bool,
    /// Last lines to begin with; `None`: everything the server has.
    pub tail: Option<u32>,
    /// Only lines younger than this many seconds.
    pub since_seconds: Option<u32>,
    /// Keep following; else one read.
    pub follow: bool,
}

/// One object, to be fetched whole.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectWant {
    pub kind: Kind,
    /// Empty for cluster-scoped kinds.
    pub namespace: Name,
    pub name: Name,
}

/// One thing that must be running, or fetched, while a pane that declares it is visible.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Want {
    Watch(Kind, Selector),
    /// Every [`Kind::Workload`] and [`Kind::Queue`] the cluster serves, whichever those are by now.
    Workloads,
    /// Whether this user may do something, asked again now and then.
    May(Question),
    /// Who stands where in one of Kueue's lines, asked again every few seconds.
    Pending(Line),
    Log(LogWant),
    Object(ObjectWant),
    /// What the GPUs of a node do, asked of its exporter every few seconds. Nothing is asked unless the user wants it
    /// so: panes declare it, the app drops it while that is off.
    GpuUse(Name),
    /// The same in one of several clusters that are looked at together.
    At {
        cluster: ClusterId,
        want: Box<Want>,
    },
    /// The same in a worker cluster of MultiKueue, in one namespace.
    Worker {
        cluster: Name,
        namespace: Name,
        want: Box<Want>,
    },
}

impl Want {
    /// The same in a cluster.
    pub fn at(self, cluster: ClusterId) -> Self {
        Want::At {
            cluster,
            want: Box::new(self),
        }
    }

    /// It means all clusters that are looked at; any other is about something in one of them.
    pub fn is_of_all(&self) -> bool {
        matches!(self, Want::Watch(_, Selector::All) | Want::Workloads)
    }

    /// It is about the use of GPUs, here or in a worker cluster.
    pub fn is_gpu_use(&self) -> bool {
        match self {
            Want::GpuUse(_) => true,
            Want::At { want, .. } | Want::Worker { want, .. } => want.is_gpu_use(),
            _ => false,
        }
    }
}
