//! What is derived from all of Kueue's objects at once, made when first asked for and kept until one of them
//! changes: screens and sentences ask for it per row.

use std::collections::{BTreeSet, HashMap};

use super::Kueue;
use super::capacity::Capacity;
use super::order::Order;
use crate::model::ids::ClusterId;

/// The derived state of one cluster.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Look {
    pub capacity: Capacity,
    pub order: Order,
}

/// Of all clusters.
#[derive(Debug, Clone, Default)]
pub(super) struct Looks {
    known: HashMap<ClusterId, Look>,
    /// Of a cluster without queues.
    none: Look,
}

impl Looks {
    pub(super) fn of(kueue: &Kueue) -> Self {
        let workloads = kueue.workloads.rows().map(|r| r.key.cluster);
        let queues = kueue.cluster_queues.rows().map(|r| r.key.cluster);
        let local = kueue.local_queues.rows().map(|r| r.key.cluster);
        let clusters: BTreeSet<ClusterId> = workloads.chain(queues).chain(local).collect();
        let look = |cluster| Look {
            capacity: Capacity::of(kueue, cluster),
            order: Order::of(kueue, cluster),
        };
        Self {
            known: clusters.into_iter().map(|c| (c, look(c))).collect(),
            none: Look::default(),
        }
    }

    pub(super) fn get(&self, cluster: ClusterId) -> &Look {
        self.known.get(&cluster).unwrap_or(&self.none)
    }
}
