//! How much memory rows take, estimated from a sample of them: texts that rows share are not counted.

use std::mem::size_of;

use super::Model;
use super::event::EventRow;
use super::job::JobRow;
use super::node::NodeRow;
use super::pod::{Exit, GivenDevice, PodRow, Replica};
use super::table::{Row, Table};
use super::want::Kind;

/// Rows looked at per table.
const SAMPLE: usize = 64;
/// What an allocation takes beside its content, about.
const EACH: usize = 8;

/// Rows of one table, and the bytes they take with the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weight {
    pub kind: Kind,
    pub rows: usize,
    pub bytes: usize,
}

fn of<R: Row>(kind: Kind, table: &Table<R>, heap: impl Fn(&R) -> usize) -> Weight {
    let rows = table.len();
    let step = (rows / SAMPLE).max(1);
    let (mut sum, mut seen) = (0, 0);
    for row in table.rows().step_by(step) {
        sum += heap(row);
        seen += 1;
    }
    let bytes = table.bytes() + (sum * rows).checked_div(seen).unwrap_or(0);
    Weight { kind, rows, bytes }
}

fn text(text: &str) -> usize {
    match text.len() {
        0 => 0,
        n => n + EACH,
    }
}

fn slice<T>(len: usize) -> usize {
    match len * size_of::<T>() {
        0 => 0,
        n => n + EACH,
    }
}

fn boxed<T>(of: Option<&T>) -> usize {
    slice::<T>(usize::from(of.is_some()))
}

fn pod(row: &PodRow) -> usize {
    let exit = row.exit.as_deref();
    let message = exit.and_then(|exit| exit.message.as_deref());
    let given = row.given.as_deref();
    let name = match row.name.is_heap_allocated() {
        true => text(&row.name),
        false => 0,
    };
    name + boxed::<Exit>(exit)
        + message.map_or(0, text)
        + boxed::<Replica>(row.replica.as_deref())
        + given.map_or(0, |given| slice::<GivenDevice>(given.0.len()))
}

fn job(row: &JobRow) -> usize {
    let conditions = row.conditions.iter().map(|c| text(&c.message));
    slice::<super::job::Condition>(row.conditions.len())
        + conditions.sum::<usize>()
        + slice::<(super::ids::Name, super::ids::Name)>(row.labels.len() + row.devices.0.len())
        + slice::<super::job::RoleRow>(row.roles.len())
        + row.selectors.iter().map(|s| text(s)).sum::<usize>()
}

fn node(row: &NodeRow) -> usize {
    slice::<super::node::NodeCondition>(row.conditions.len()) + row.labels.bytes()
}

fn event(row: &EventRow) -> usize {
    text(&row.message)
}

/// What a row takes beside its own size, without what rows share.
pub trait Weighed {
    fn heap(&self) -> usize {
        0
    }
}

macro_rules! weighed {
    ($($row:ty $(= $heap:ident)?;)*) => { $(impl Weighed for $row {
        $(fn heap(&self) -> usize {
            $heap(self)
        })?
    })* };
}
weighed! {
    JobRow = job;
    PodRow = pod;
    NodeRow = node;
    EventRow = event;
    super::job::CronJobRow;
    super::namespace::NamespaceRow;
    super::dra::SliceRow;
    super::dra::ClaimRow;
    super::dra::ClassRow;
    super::kueue::WorkloadRow;
    super::kueue::ClusterQueueRow;
    super::kueue::LocalQueueRow;
    super::kueue::CohortRow;
    super::kueue::FlavorRow;
    super::kueue::PriorityClassRow;
    super::kueue::CheckRow;
    super::kueue::TopologyRow;
    super::kueue::WorkerClusterRow;
    super::kueue::WorkerConfigRow;
    super::kueue::ProvisioningRow;
    super::kueue::QuotaRow;
    super::kueue::VolcanoQueueRow;
}

/// Rows of a table whose texts are few: only their places are counted.
fn plain<R: Row>(kind: Kind, table: &Table<R>) -> Weight {
    of(kind, table, |_| 0)
}

impl Model {
    /// Of each kind that has rows. Workloads of all kinds are rows of one table: each takes its share of it.
    pub fn weights(&self) -> Vec<Weight> {
        use super::dra::DraKind::{DeviceClass, ResourceClaim, ResourceSlice};
        use super::kueue::QueueKind as Q;
        let queue = &self.kueue;
        let mut all = vec![
            plain(Kind::CronJob, &self.cronjobs),
            of(Kind::Pod, &self.pods, pod),
            of(Kind::Node, &self.nodes, node),
            of(Kind::Event, &self.events, event),
            plain(Kind::Namespace, &self.namespaces),
            plain(Kind::Queue(Q::Workload), &queue.workloads),
            plain(Kind::Queue(Q::ClusterQueue), &queue.cluster_queues),
            plain(Kind::Queue(Q::LocalQueue), &queue.local_queues),
            plain(Kind::Queue(Q::Cohort), &queue.cohorts),
            plain(Kind::Queue(Q::ResourceFlavor), &queue.flavors),
            plain(
                Kind::Queue(Q::WorkloadPriorityClass),
                &queue.priority_classes,
            ),
            plain(Kind::Queue(Q::AdmissionCheck), &queue.checks),
            plain(Kind::Queue(Q::Topology), &queue.topologies),
            plain(Kind::Queue(Q::MultiKueueCluster), &queue.worker_clusters),
            plain(Kind::Queue(Q::MultiKueueConfig), &queue.worker_configs),
            plain(Kind::Queue(Q::ProvisioningRequest), &queue.provisionings),
            plain(Kind::Queue(Q::ResourceQuota), &queue.quotas),
            plain(Kind::Queue(Q::VolcanoQueue), &queue.volcano_queues),
            plain(Kind::Dra(ResourceSlice), &self.slices),
            plain(Kind::Dra(ResourceClaim), &self.claims),
            plain(Kind::Dra(DeviceClass), &self.classes),
        ];
        let jobs = of(Kind::Job, &self.jobs, job);
        let mut counts: Vec<(Kind, usize)> = Vec::new();
        let kinds = self.jobs.rows().filter_map(|row| row.kind.object());
        // a pod that is a workload of its own is among the pods
        for kind in kinds.filter(|kind| *kind != Kind::Pod) {
            match counts.iter_mut().find(|(known, _)| *known == kind) {
                Some((_, n)) => *n += 1,
                None => counts.push((kind, 1)),
            }
        }
        all.extend(counts.into_iter().map(|(kind, rows)| Weight {
            kind,
            rows,
            bytes: jobs.bytes * rows / jobs.rows.max(1),
        }));
        all.into_iter().filter(|of| of.rows > 0).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fixture::{job, jobs, pod, pods};
    use crate::model::job::Facts;
    use crate::model::kind::JobKind;

    #[test]
    fn rows_are_counted_and_weigh_something() {
        let mut m = Model::default();
        assert_eq!(m.weights(), []);
        let owner = job(1, "a");
        m.apply(jobs(std::slice::from_ref(&owner)));
        let all: Vec<_> = (10..110).map(|n| pod(n, &owner)).collect();
        m.apply(pods(&all));
        let weights = m.weights();
        let of = |kind| weights.iter().find(|w| w.kind == kind).unwrap();
        assert_eq!((of(Kind::Job).rows, of(Kind::Pod).rows), (1, 100));
        assert!(of(Kind::Pod).bytes > 100 * size_of::<PodRow>());
    }

    /// Each kind that is watched has its own count: a table left out would show nothing.
    #[test]
    fn workloads_share_a_table_by_their_kinds() {
        let mut m = Model::default();
        static TORCH: Facts =
            Facts::new("kubeflow.org", &["v1"], "PyTorchJob", "pytorchjobs", "PT");
        let torch = JobRow {
            kind: JobKind(&TORCH),
            ..job(2, "b")
        };
        m.apply(jobs(&[job(1, "a"), torch.clone(), job(3, "c")]));
        let weights = m.weights();
        let of = |kind| weights.iter().find(|w| w.kind == kind).unwrap();
        let torch = of(torch.kind.object().unwrap());
        assert_eq!((of(Kind::Job).rows, torch.rows), (2, 1));
        let (two, one) = (of(Kind::Job).bytes, torch.bytes);
        assert!(one > 0 && two.abs_diff(2 * one) <= 2, "{two} {one}");
    }
}
