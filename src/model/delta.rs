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
