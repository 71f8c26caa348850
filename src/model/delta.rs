//! The only way anything enters the model. A recording is a list of these; so is a replay.

use super::dra::DraRows;
use super::event::EventRow;
use super::extra::ExtraRows;
use super::gpu_use::reading::NodeUse;
use super::ids::{ClusterId, Uid};
use super::job::{CronJobRow, JobRow};
use super::kueue::QueueRows;
use super::namespace::NamespaceRow;
use super::node::NodeRow;
use super::pod::PodRow;

/// One running watch (kind and scope). A relist of one source must not sweep the rows of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct SourceId(pub u32);

/// What a watch says about one table.
#[derive(Debug, Clone, PartialEq)]
pub enum Change<R> {
    /// A (re)list begins: rows not seen again before `Synced` are gone. Nothing disappears yet.
    Restart,
    /// New or changed objects.
    Rows(Vec<R>),
    /// Deleted objects.
    Gone(Vec<Uid>),
    /// The (re)list is complete: rows of this source not seen since `Restart` go now.
    Synced,
    /// The source was cancelled (other namespace, pane closed): its rows go.
    Dropped,
}

/// A batch for one table, from one source.
#[derive(Debug, Clone, PartialEq)]
pub struct Delta {
    pub cluster: ClusterId,
    pub source: SourceId,
    pub rows: Rows,
}

impl<R> Change<R> {
    /// The same without the rows themselves.
    fn step(&self) -> Step<'_> {
        match self {
            Self::Restart => Step::Restart,
            Self::Rows(_) => Step::Rows,
            Self::Gone(uids) => Step::Gone(uids),
            Self::Synced => Step::Synced,
            Self::Dropped => Step::Dropped,
        }
    }
}

/// A [`Change`] whatever its table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<'a> {
    Restart,
    Rows,
    Gone(&'a [Uid]),
    Synced,
    Dropped,
}

/// Does the same with the change of whichever table it is; `$other` where it is of none.
macro_rules! with_change {
    ($rows:expr, $change:ident => $do:expr, $other:expr) => {
        match $rows {
            $crate::model::delta::Rows::Jobs($change) => $do,
            $crate::model::delta::Rows::CronJobs($change) => $do,
            $crate::model::delta::Rows::Pods($change) => $do,
            $crate::model::delta::Rows::Nodes($change) => $do,
            $crate::model::delta::Rows::Events($change) => $do,
            $crate::model::delta::Rows::Namespaces($change) => $do,
            $crate::model::delta::Rows::Queues(rows) => {
                use $crate::model::kueue::QueueRows as Q;
                match rows {
                    Q::Workloads($change) => $do,
                    Q::ClusterQueues($change) => $do,
                    Q::LocalQueues($change) => $do,
                    Q::Cohorts($change) => $do,
                    Q::Flavors($change) => $do,
                    Q::PriorityClasses($change) => $do,
                    Q::Checks($change) => $do,
                    Q::Topologies($change) => $do,
                    Q::WorkerClusters($change) => $do,
                    Q::WorkerConfigs($change) => $do,
                    Q::Provisionings($change) => $do,
                    Q::Quotas($change) => $do,
                    Q::VolcanoQueues($change) => $do,
                    Q::Line(..) | Q::Served(_) => $other,
                }
            }
            $crate::model::delta::Rows::Dra(rows) => {
                use $crate::model::dra::DraRows as D;
                match rows {
                    D::Slices($change) => $do,
                    D::Claims($change) => $do,
                    D::Classes($change) => $do,
                }
            }
            $crate::model::delta::Rows::GpuUse(_) | $crate::model::delta::Rows::Extra(_) => $other,
        }
    };
}

pub(crate) use with_change;

impl Rows {
    /// What it says of its table; none where it is of no table.
    pub fn step(&self) -> Option<Step<'_>> {
        with_change!(self, change => Some(change.step()), None)
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum Rows {
    Jobs(Change<JobRow>),
    CronJobs(Change<CronJobRow>),
    Pods(Change<PodRow>),
    Nodes(Change<NodeRow>),
    Events(Change<EventRow>),
    Namespaces(Change<NamespaceRow>),
    Queues(QueueRows),
    Dra(DraRows),
    /// What the GPUs of one node do.
    GpuUse(Box<NodeUse>),
    /// What objects have in columns of the user's own; comes before their rows.
    Extra(Box<ExtraRows>),
}
