//! THE LIST of tables whose past is kept: what a row of each was before, and how it comes into a model.

use super::put;
use crate::model::Model;
use crate::model::delta::{Change, Rows};
use crate::model::dra::{ClaimRow, ClassRow, DraRows, SliceRow};
use crate::model::event::EventRow;
use crate::model::ids::Key;
use crate::model::job::{CronJobRow, JobRow};
use crate::model::kueue::{self, QueueRows};
use crate::model::namespace::NamespaceRow;
use crate::model::node::NodeRow;
use crate::model::pod::PodRow;
use crate::model::table::{Row, Table};
use crate::model::weight::Weighed;

/// A row whose past is kept.
pub trait Noted: Row + Weighed {
    fn table(model: &Model) -> &Table<Self>
    where
        Self: Sized;
    fn rows(change: Change<Self>) -> Rows
    where
        Self: Sized;
    fn was(row: Option<Self>) -> Was
    where
        Self: Sized;
    /// What a kept row takes, without what rows share.
    fn weight(&self) -> usize
    where
        Self: Sized,
    {
        size_of::<Self>() + 8 + self.heap()
    }
}

macro_rules! noted {
    ($($name:ident $at:literal $row:ty, $($field:ident).+, $rows:expr;)*) => {
        /// A row as it was before; none: it was not there.
        #[derive(Debug, Clone)]
        pub enum Was {
            $($name(Option<Box<$row>>),)*
        }

        impl Was {
            /// Which table it is of.
            pub fn kind(&self) -> u8 {
                match self { $(Self::$name(_) => $at,)* }
            }

            /// Bytes beside its own.
            pub fn weight(&self) -> usize {
                match self { $(Self::$name(row) => row.as_ref().map_or(0, |row| row.weight()),)* }
            }

            /// Makes the row so in a model.
            pub fn put(&self, copy: &mut Model, key: Key) {
                match self { $(Self::$name(row) => put::<$row>(copy, key, row.as_deref()),)* }
            }

            /// Makes the row of this table as it is in another model.
            pub fn put_of(&self, live: &Model, copy: &mut Model, key: Key) {
                match self {
                    $(Self::$name(_) => put::<$row>(copy, key, <$row>::table(live).get(key)),)*
                }
            }
        }

        $(impl Noted for $row {
            fn table(model: &Model) -> &Table<Self> {
                &model.$($field).+
            }

            fn rows(change: Change<Self>) -> Rows {
                $rows(change)
            }

            fn was(row: Option<Self>) -> Was {
                Was::$name(row.map(Box::new))
            }
        })*
    };
}

noted! {
    Job 0 JobRow, jobs, Rows::Jobs;
    CronJob 1 CronJobRow, cronjobs, Rows::CronJobs;
    Pod 2 PodRow, pods, Rows::Pods;
    Node 3 NodeRow, nodes, Rows::Nodes;
    Event 4 EventRow, events, Rows::Events;
    Namespace 5 NamespaceRow, namespaces, Rows::Namespaces;
    Slice 6 SliceRow, slices, |c| Rows::Dra(DraRows::Slices(c));
    Claim 7 ClaimRow, claims, |c| Rows::Dra(DraRows::Claims(c));
    Class 8 ClassRow, classes, |c| Rows::Dra(DraRows::Classes(c));
    Workload 9 kueue::WorkloadRow, kueue.workloads, |c| Rows::Queues(QueueRows::Workloads(c));
    ClusterQueue 10 kueue::ClusterQueueRow, kueue.cluster_queues, |c| Rows::Queues(QueueRows::ClusterQueues(c));
    LocalQueue 11 kueue::LocalQueueRow, kueue.local_queues, |c| Rows::Queues(QueueRows::LocalQueues(c));
    Cohort 12 kueue::CohortRow, kueue.cohorts, |c| Rows::Queues(QueueRows::Cohorts(c));
    Flavor 13 kueue::FlavorRow, kueue.flavors, |c| Rows::Queues(QueueRows::Flavors(c));
    PriorityClass 14 kueue::PriorityClassRow, kueue.priority_classes, |c| Rows::Queues(QueueRows::PriorityClasses(c));
    Check 15 kueue::CheckRow, kueue.checks, |c| Rows::Queues(QueueRows::Checks(c));
    Topology 16 kueue::TopologyRow, kueue.topologies, |c| Rows::Queues(QueueRows::Topologies(c));
    WorkerCluster 17 kueue::WorkerClusterRow, kueue.worker_clusters, |c| Rows::Queues(QueueRows::WorkerClusters(c));
    WorkerConfig 18 kueue::WorkerConfigRow, kueue.worker_configs, |c| Rows::Queues(QueueRows::WorkerConfigs(c));
    Provisioning 19 kueue::ProvisioningRow, kueue.provisionings, |c| Rows::Queues(QueueRows::Provisionings(c));
    Quota 20 kueue::QuotaRow, kueue.quotas, |c| Rows::Queues(QueueRows::Quotas(c));
    VolcanoQueue 21 kueue::VolcanoQueueRow, kueue.volcano_queues, |c| Rows::Queues(QueueRows::VolcanoQueues(c));
}
