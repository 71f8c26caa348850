//! How a worker cluster is, told from its watches: as well as the worst of them. Pure, so that it is tested as data.

use std::collections::BTreeMap;

use crate::model::delta::SourceId;
use crate::model::health::Health;
use crate::model::ids::ClusterId;
use crate::model::want::Kind;

/// Of each watch in a worker cluster that has answered or failed: why nothing can be seen, if so.
#[derive(Debug, Default)]
pub struct Watches(BTreeMap<(ClusterId, SourceId), Option<String>>);

/// What the watches tell of their cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// None has answered or failed yet.
    Unknown,
    Well,
    /// One of them cannot see anything, and why.
    Failed(String),
}

impl Watches {
    /// A watch is in another state.
    pub fn health(
        &mut self,
        cluster: ClusterId,
        source: SourceId,
        kind: Kind,
        health: &Health,
    ) -> Verdict {
        let trouble = match health {
            // on its way: what was known of it stays
            Health::Connecting | Health::Syncing { .. } => return self.of(cluster),
            Health::Stale { why, .. } | Health::Failing { why } => Some(why.clone()),
            Health::Forbidden { .. } if kind == Kind::Pod => {
                Some("pods are forbidden there (needs list on pods)".into())
            }
            Health::Live | Health::Forbidden { .. } | Health::Absent => None,
        };
        self.0.insert((cluster, source), trouble);
        self.of(cluster)
    }

    /// Nobody looks at what a watch brought any more.
    pub fn ended(&mut self, cluster: ClusterId, source: SourceId) -> Verdict {
        self.0.remove(&(cluster, source));
        self.of(cluster)
    }

    /// Another cluster is looked at.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    fn of(&self, cluster: ClusterId) -> Verdict {
        let mut known = false;
        for trouble in self.0.iter().filter(|w| w.0.0 == cluster).map(|w| w.1) {
            if let Some(why) = trouble {
                return Verdict::Failed(why.clone());
            }
            known = true;
        }
        if known {
            Verdict::Well
        } else {
            Verdict::Unknown
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EAST: ClusterId = ClusterId(1);
    const WEST: ClusterId = ClusterId(2);

    fn failing() -> Health {
        Health::Failing {
            why: "connection refused".into(),
        }
    }

    fn forbidden() -> Health {
        Health::Forbidden {
            verb: "list".into(),
            resource: "pods".into(),
            namespace: None,
        }
    }

    #[test]
    fn a_cluster_is_as_well_as_the_worst_of_its_watches() {
        let failed = Verdict::Failed("connection refused".into());
        let (pods, nodes) = (SourceId(1), SourceId(2));
        let mut all = Watches::default();
        assert_eq!(
            all.health(EAST, pods, Kind::Pod, &Health::Connecting),
            Verdict::Unknown
        );
        assert_eq!(all.health(EAST, pods, Kind::Pod, &failing()), failed);
        // one that is well does not heal another, nor does one of another cluster
        assert_eq!(all.health(EAST, nodes, Kind::Node, &Health::Live), failed);
        assert_eq!(
            all.health(WEST, pods, Kind::Pod, &Health::Live),
            Verdict::Well
        );
        // trying again is not being well
        assert_eq!(
            all.health(EAST, pods, Kind::Pod, &Health::Connecting),
            failed
        );
        assert_eq!(
            all.health(EAST, pods, Kind::Pod, &Health::Live),
            Verdict::Well
        );
    }

    #[test]
    fn of_forbidden_kinds_only_pods_matter() {
        let mut all = Watches::default();
        let nodes = all.health(EAST, SourceId(2), Kind::Node, &forbidden());
        assert_eq!(nodes, Verdict::Well);
        let pods = all.health(EAST, SourceId(1), Kind::Pod, &forbidden());
        assert!(matches!(pods, Verdict::Failed(why) if why.contains("needs list on pods")));
    }

    #[test]
    fn a_watch_that_ended_says_nothing_any_more() {
        let mut all = Watches::default();
        all.health(EAST, SourceId(1), Kind::Pod, &failing());
        all.health(EAST, SourceId(2), Kind::Node, &Health::Live);
        assert_eq!(all.ended(EAST, SourceId(1)), Verdict::Well);
        // the last one leaves no word either way
        assert_eq!(all.ended(EAST, SourceId(2)), Verdict::Unknown);
    }
}
