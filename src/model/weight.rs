//! How much memory rows take, estimated from a sample of them: texts that rows share are not counted.

use std::mem::size_of;

use super::Model;
use super::event::EventRow;
use super::job::JobRow;
use super::node::NodeRow;
use super::pod::{Exit, GivenDevice, Member, PodRow, Replica};
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
    text(&row.name)
        + row.why.as_deref().map_or(0, text)
        + boxed::<Exit>(exit)
        + message.map_or(0, text)
        + boxed::<Member>(row.member.as_deref())
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
    slice::<super::node::NodeCondition>(row.conditions.len())
        + row.labels.bytes()
        + slice::<super::ids::Name>(row.taints.len())
        + boxed(row.gpu.as_deref())
        + slice::<(super::ids::Name, u32)>(row.capacity.0.len() + row.allocatable.0.len())
}

fn event(row: &EventRow) -> usize {
    text(&row.message)
}

impl Model {
    /// Of each table that has rows.
    pub fn weights(&self) -> Vec<Weight> {
        let workloads = Kind::Queue(super::kueue::QueueKind::Workload);
        let all = vec![
            of(Kind::Job, &self.jobs, job),
            of(Kind::CronJob, &self.cronjobs, |_| 0),
            of(Kind::Pod, &self.pods, pod),
            of(Kind::Node, &self.nodes, node),
            of(Kind::Event, &self.events, event),
            of(Kind::Namespace, &self.namespaces, |_| 0),
            of(workloads, &self.kueue.workloads, |_| 0),
        ];
        all.into_iter().filter(|of| of.rows > 0).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fixture::{job, jobs, pod, pods};

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
}
