//! MultiKueue's worker clusters that we are connected to, and which of their objects is the copy of which of ours:
//! Kueue dispatches a workload under its own namespace and name.

use std::collections::{BTreeMap, HashMap};

use super::Model;
use super::ids::{ClusterId, Key, Name};
use super::job::JobRow;
use super::pod::PodRow;

/// Name and kind of an object in a cluster.
type Place = (ClusterId, Name, Name, &'static str);

/// Which worker clusters there are, and the workloads seen in them.
#[derive(Debug, Clone, Default)]
pub struct Workers {
    ids: BTreeMap<Name, ClusterId>,
    jobs: HashMap<Place, Key>,
}

impl Workers {
    /// From now on rows of cluster `id` are those of the worker cluster of this name.
    pub fn connect(&mut self, name: Name, id: ClusterId) {
        self.ids.insert(name, id);
    }

    pub fn id(&self, name: &str) -> Option<ClusterId> {
        self.ids.get(name).copied()
    }

    /// What Kueue calls a cluster; none if it is no worker cluster.
    pub fn name(&self, id: ClusterId) -> Option<&Name> {
        self.ids.iter().find(|(_, of)| **of == id).map(|(n, _)| n)
    }

    /// Follows one row of any cluster.
    pub(super) fn row(&mut self, old: Option<&JobRow>, new: Option<&JobRow>) {
        if self.ids.is_empty() {
            return;
        }
        for (row, is_new) in [(old, false), (new, true)] {
            let Some(row) = row.filter(|row| self.name(row.key.cluster).is_some()) else {
                continue;
            };
            let (namespace, name) = (row.namespace.clone(), row.name.clone());
            let place = (row.key.cluster, namespace, name, row.kind.plural);
            match is_new {
                true => drop(self.jobs.insert(place, row.key)),
                // its successor of the same name may be there already
                false if self.jobs.get(&place) == Some(&row.key) => drop(self.jobs.remove(&place)),
                false => {}
            }
        }
    }
}

impl Model {
    /// From now on rows of cluster `id` are those of the worker cluster of this name, and so are those that are there.
    pub fn connect_worker(&mut self, name: Name, id: ClusterId) {
        self.workers.connect(name, id);
        let Self { workers, jobs, .. } = self;
        for job in jobs.rows().filter(|job| job.key.cluster == id) {
            workers.row(None, Some(job));
        }
    }

    /// The worker cluster a workload was dispatched to.
    pub fn worker_of(&self, job: &JobRow) -> Option<&Name> {
        self.workload_of(job)?.cluster.as_ref()
    }

    /// The same workload in the worker cluster it was dispatched to, as far as that one can be seen.
    pub fn twin(&self, job: Key) -> Option<Key> {
        if self.workers.jobs.is_empty() {
            return None;
        }
        let job = self.jobs.get(job)?;
        let cluster = self.workers.id(self.worker_of(job)?)?;
        let (namespace, name) = (job.namespace.clone(), job.name.clone());
        let place = (cluster, namespace, name, job.kind.plural);
        self.workers.jobs.get(&place).copied()
    }
}

impl Model {
    /// The workload here that a copy in a worker cluster is of.
    pub(super) fn origin(&self, copy: Key) -> Option<Key> {
        self.workers.name(copy.cluster)?;
        let row = self.jobs.get(copy)?;
        let same = |job: &&JobRow| {
            (&job.name, &job.namespace, job.kind.plural)
                == (&row.name, &row.namespace, row.kind.plural)
                && self.twin(job.key) == Some(copy)
        };
        self.jobs.rows().find(same).map(|job| job.key)
    }

    /// The newest pod of an index, while it exists, be it in a worker cluster.
    pub fn pod_of_index(&self, job: Key, index: u32) -> Option<&PodRow> {
        let slot = self.totals(job)?.indexes.newest(index)?;
        self.pods.at(slot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::delta::{Change, Delta, Rows, SourceId};
    use crate::model::fixture::{job, pod, running};
    use crate::model::ids::Uid;
    use crate::model::kueue::QueueRows;
    use crate::model::kueue::fixture::workload;

    const EAST: ClusterId = ClusterId(1);

    fn feed(model: &mut Model, cluster: ClusterId, source: u32, rows: Rows) {
        model.apply(Delta {
            cluster,
            source: SourceId(source),
            rows,
        });
    }

    fn world() -> (Model, Key) {
        let mut model = Model::default();
        model.workers.connect("east".into(), EAST);
        let ours = job(1, "train");
        let key = ours.key;
        let mut row = workload("train", "main", 8).admitted("research", "h100", 5);
        (row.namespace, row.cluster) = (ours.namespace.clone(), Some("east".into()));
        row.owners = vec![("Job".into(), "train".into(), key.uid)];
        row.job = None;
        feed(
            &mut model,
            ClusterId(0),
            1,
            Rows::Jobs(Change::Rows(vec![ours])),
        );
        let rows = QueueRows::Workloads(Change::Rows(vec![row]));
        feed(&mut model, ClusterId(0), 2, Rows::Queues(rows));
        (model, key)
    }

    fn there(model: &mut Model) -> Key {
        let mut copy = job(1, "train");
        copy.key = Key {
            cluster: EAST,
            uid: Uid(77),
        };
        let key = copy.key;
        let mut one = running(pod(78, &copy), "node-of-east", 10);
        one.index = Some(0).into();
        one.key.cluster = EAST;
        // sources are numbered by each cluster for itself
        feed(model, EAST, 1, Rows::Jobs(Change::Rows(vec![copy])));
        feed(model, EAST, 2, Rows::Pods(Change::Rows(vec![one])));
        key
    }

    #[test]
    fn pods_of_a_dispatched_workload_are_those_of_its_copy() {
        let (mut model, ours) = world();
        assert_eq!((model.twin(ours), model.pods_of(ours).count()), (None, 0));
        let copy = there(&mut model);
        assert_eq!(model.twin(ours), Some(copy));
        let names: Vec<_> = model.pods_of(ours).map(|pod| pod.node.clone()).collect();
        assert_eq!(names, [Some("node-of-east".into())]);
        let first = model.pod_of_index(ours, 0).unwrap();
        assert_eq!(first.key.cluster, EAST);
        // the copy is nobody's, and a job of that name that runs here is not mixed up with it
        assert_eq!(model.twin(copy), None);
        assert_eq!(model.totals(ours).map(|t| t.live.ready), Some(1));
        // nobody watches there any more
        feed(&mut model, EAST, 1, Rows::Jobs(Change::Dropped));
        assert_eq!((model.twin(ours), model.pods_of(ours).count()), (None, 0));
    }

    #[test]
    fn what_stands_for_a_part_is_the_outermost_workload_here() {
        let (mut model, ours) = world();
        let copy = there(&mut model);
        let mut part = job(1, "train-workers-0");
        part.key = Key {
            cluster: EAST,
            uid: Uid(79),
        };
        part.owner = Some(("JobSet".into(), "train".into(), copy.uid));
        let key = part.key;
        feed(&mut model, EAST, 3, Rows::Jobs(Change::Rows(vec![part])));
        assert_eq!((model.top(key), model.top(copy)), (ours, ours));
        assert_eq!(model.top(ours), ours);
        // one that made nothing that is known, or is not known itself, stands for itself
        let strange = Key {
            cluster: EAST,
            uid: Uid(404),
        };
        assert_eq!(model.top(strange), strange);
    }

    #[test]
    fn a_job_that_was_not_dispatched_has_no_copy() {
        let (mut model, ours) = world();
        there(&mut model);
        let mut row = model.kueue.workload_of(ours).unwrap().clone();
        row.cluster = None;
        let rows = QueueRows::Workloads(Change::Rows(vec![row]));
        feed(&mut model, ClusterId(0), 2, Rows::Queues(rows));
        assert_eq!(model.twin(ours), None);
    }
}
