//! THE LIST of watched kinds, one line each. Watching, health, fall-backs and `doctor` follow from it.

mod any;

use super::wire;
use super::wire::dra::DRA;
use super::wire::kinds::WORKLOADS;
use super::wire::kueue::QUEUES;
use crate::model::want::Kind;

/// How a kind is served and read.
pub struct Entry {
    pub kind: Kind,
    /// Empty: the core group.
    pub group: &'static str,
    /// Best first; the first is used unless discovery knows better.
    pub versions: &'static [&'static str],
    pub namespaced: bool,
    /// What holds its objects and rows while they are read; none for a kind that nobody watches.
    pub batch: Option<fn() -> Box<dyn wire::Batch>>,
}

macro_rules! kinds {
    ($($kind:ident $group:literal $versions:expr, $namespaced:literal $wire:ty;)*) => {
        /// All of them.
        pub static KINDS: &[Entry] = &[$(Entry {
            kind: Kind::$kind,
            group: $group,
            versions: &$versions,
            namespaced: $namespaced,
            batch: Some(wire::batch::<$wire>),
        },)*];

        /// The entry of a kind.
        pub fn entry(kind: Kind) -> &'static Entry {
            // the macro makes one arm per line: a kind without a line does not compile
            let mut at = 0;
            if let Kind::Other(other) = kind {
                return any::entry(other);
            }
            $(if let Kind::$kind = kind { return &KINDS[at]; } else { at += 1; })*
            let mut others = WORKLOADS.iter().chain(QUEUES).chain(DRA);
            others.find(|entry| entry.kind == kind).unwrap_or(&KINDS[at.min(KINDS.len() - 1)])
        }
    };
}

kinds! {
    Job       "batch" ["v1"], true  wire::job::Job;
    CronJob   "batch" ["v1"], true  wire::cronjob::CronJob;
    Pod       ""      ["v1"], true  wire::pod::Pod;
    Node      ""      ["v1"], false wire::node::Node;
    Event     ""      ["v1"], true  wire::event::Event;
    Namespace ""      ["v1"], false wire::namespace::Namespace;
}

pub use any::{known, named, served};

/// The watched kind that is called so in its group.
pub fn of(group: &str, plural: &str) -> Option<&'static Entry> {
    all().find(|entry| entry.group == group && entry.plural() == plural)
}

/// All kinds: the fixed ones and those.
pub fn all() -> impl Iterator<Item = &'static Entry> {
    KINDS.iter().chain(WORKLOADS).chain(QUEUES).chain(DRA)
}

/// Kinds that may be absent or come and go, watched together wherever they are served: workloads and queues.
pub fn optional() -> impl Iterator<Item = &'static Entry> {
    // every server has the core group's: those are watched by who shows them
    let all = WORKLOADS.iter().chain(QUEUES);
    all.filter(|entry| !entry.group.is_empty())
}

impl Entry {
    /// It is watched only where discovery finds it.
    pub fn is_optional(&self) -> bool {
        matches!(self.kind, Kind::Workload(_) | Kind::Queue(_) | Kind::Dra(_))
    }

    pub fn plural(&self) -> &'static str {
        self.kind.plural()
    }

    /// `/apis/batch/v1/namespaces/NS/jobs`, without a query.
    pub fn path(&self, version: &str, namespace: Option<&str>) -> String {
        let group = match self.group {
            "" => format!("/api/{version}"),
            group => format!("/apis/{group}/{version}"),
        };
        match namespace {
            Some(namespace) if self.namespaced => {
                format!("{group}/namespaces/{namespace}/{}", self.plural())
            }
            _ => format!("{group}/{}", self.plural()),
        }
    }

    /// The path of one object.
    pub fn object(&self, version: &str, namespace: &str, name: &str) -> String {
        let namespace = (!namespace.is_empty()).then_some(namespace);
        format!("{}/{name}", self.path(version, namespace))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_finds_its_own_line() {
        for line in all() {
            assert_eq!(entry(line.kind).kind, line.kind);
        }
        assert_eq!(
            entry(Kind::Job).path("v1", Some("ml")),
            "/apis/batch/v1/namespaces/ml/jobs"
        );
        assert_eq!(entry(Kind::Node).path("v1", Some("ml")), "/api/v1/nodes");
        assert_eq!(
            entry(Kind::Pod).object("v1", "ml", "a"),
            "/api/v1/namespaces/ml/pods/a"
        );
    }
}
