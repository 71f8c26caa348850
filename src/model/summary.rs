//! The numbers of the header: jobs by phase, GPUs held and offered.

use super::Model;
use super::capacity::amounts::Sums;
use super::ids::Key;
use super::job::Phase;
use super::listed::Scope;

/// Whole GPUs of all vendors over all nodes. Slices, shares and accelerators that are no GPUs are never added to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gpus {
    /// Held by pods bound to the nodes known, or by claims.
    pub used: u64,
    pub allocatable: u64,
}

/// What the header shows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Summary {
    /// Jobs in scope, by [`Phase`] in the order of [`Phase::ALL`].
    phases: [u32; Phase::ALL.len()],
    pub jobs: u32,
    /// `None`: no node known offers any.
    pub gpus: Option<Gpus>,
}

impl Summary {
    /// Counts anew; [`Header`] remembers.
    pub fn of(model: &Model, scope: &Scope) -> Self {
        let mut all = Self::default();
        for job in model
            .jobs
            .rows()
            .filter(|job| scope.holds(*job) && !model.is_part(job))
        {
            let phase = model.status(job).phase;
            if let Some(at) = Phase::ALL.iter().position(|p| *p == phase) {
                all.phases[at] += 1;
            }
            all.jobs += 1;
        }
        all.gpus = gpus(model, scope);
        all
    }

    pub fn phase(&self, phase: Phase) -> u32 {
        let at = Phase::ALL.iter().position(|p| *p == phase);
        at.map_or(0, |at| self.phases[at])
    }

    /// Jobs that wait: queued, pending or held.
    pub fn waiting(&self) -> u32 {
        self.phase(Phase::Queued) + self.phase(Phase::Pending) + self.phase(Phase::Suspended)
    }
}

/// Whole GPUs of the clusters of a scope.
pub fn gpus(model: &Model, scope: &Scope) -> Option<Gpus> {
    let clusters = model.capacity.clusters();
    let here = clusters.filter(|cluster| scope.is_of(*cluster));
    let mut sums = Sums::default();
    for group in here.filter_map(|cluster| model.capacity.all(cluster)) {
        sums.add(&group.gpus(|_| true).sums);
    }
    (sums.allocatable > 0).then_some(Gpus {
        used: sums.used,
        allocatable: sums.allocatable,
    })
}

/// The summary, kept up to date: only jobs that changed are looked at again, and what they made when they come or go.
#[derive(Debug, Clone, Default)]
pub struct Header {
    summary: Summary,
    /// The versions of jobs and of nodes it is of, and its scope.
    seen: Option<([u64; 2], Scope)>,
    /// By slot of the table: the job there, and the place in `phases` it is counted at, if it is.
    slots: Vec<Option<(Key, Option<u8>)>>,
    looked: u64,
}

impl Header {
    pub fn refresh(&mut self, model: &Model, scope: &Scope) -> &Summary {
        let versions = [model.jobs.version(), model.nodes.version()];
        let before = self.seen.as_ref().filter(|(_, s)| s == scope);
        let before = before.map(|(versions, _)| *versions);
        if before == Some(versions) {
            return &self.summary;
        }
        if before.is_none_or(|[jobs, _]| jobs != versions[0]) {
            let changed = before.and_then(|[jobs, _]| {
                let mut slots: Vec<u32> = model.jobs.changed_since(jobs)?.collect();
                slots.sort_unstable();
                slots.dedup();
                Some(slots)
            });
            match changed {
                Some(slots) => self.repair(model, scope, slots),
                None => self.build(model, scope),
            }
        }
        self.summary.gpus = gpus(model, scope);
        self.seen = Some((versions, scope.clone()));
        &self.summary
    }

    /// Jobs looked at so far.
    pub fn looked(&self) -> u64 {
        self.looked
    }

    fn build(&mut self, model: &Model, scope: &Scope) {
        self.summary = Summary::default();
        self.slots.clear();
        for (slot, _) in model.jobs.iter() {
            self.look(model, scope, slot);
        }
    }

    fn repair(&mut self, model: &Model, scope: &Scope, slots: Vec<u32>) {
        for slot in slots {
            let (old, new) = self.look(model, scope, slot);
            if old == new {
                continue;
            }
            // whether what it made counts apart depends on whether it is there
            let parents = old.into_iter().chain(new);
            let children = parents.flat_map(|key| model.children(key));
            for child in children.filter_map(|job| model.jobs.slot_of(job.key)) {
                self.look(model, scope, child);
            }
        }
    }

    /// Counts the job in a slot anew; which was there, and which is.
    fn look(&mut self, model: &Model, scope: &Scope, slot: u32) -> (Option<Key>, Option<Key>) {
        self.looked += 1;
        let at = slot as usize;
        if self.slots.len() <= at {
            self.slots.resize(at + 1, None);
        }
        let old = self.slots[at].take();
        if let Some((_, Some(phase))) = old {
            self.summary.phases[usize::from(phase)] -= 1;
            self.summary.jobs -= 1;
        }
        let row = model.jobs.at(slot);
        let counts = row.filter(|job| scope.holds(*job) && !model.is_part(job));
        let phase = counts.and_then(|job| {
            let phase = model.status(job).phase;
            Phase::ALL.iter().position(|p| *p == phase)
        });
        if let Some(phase) = phase {
            self.summary.phases[phase] += 1;
            self.summary.jobs += 1;
        }
        self.slots[at] = row.map(|job| (job.key, phase.map(|phase| phase as u8)));
        (old.map(|(key, _)| key), row.map(|job| job.key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::delta::{Change, Delta, Rows};
    use crate::model::fixture::*;
    use crate::model::ids::Uid;

    #[test]
    fn counts_phases_in_scope_and_whole_gpus() {
        let mut m = Model::default();
        let mut done = job(1, "a");
        done.conditions = vec![condition("Complete", "CompletionsReached", 1)];
        let mut busy = job(2, "b");
        (busy.ready, busy.active) = (1, 1);
        busy.devices = devices("nvidia.com/gpu", 3);
        busy.namespace = "team".into();
        m.apply(jobs(&[done, busy.clone(), job(3, "c")]));
        let mut mixed = devices("nvidia.com/gpu", 4);
        mixed.add("nvidia.com/mig-1g.10gb".into(), 14);
        let mut out = node(51, "n2", devices("nvidia.com/gpu", 8));
        out.cordoned = true;
        let mut shared = node(52, "n3", devices("nvidia.com/gpu", 8));
        let facts = std::sync::Arc::make_mut(shared.gpu.get_or_insert_default());
        (facts.count, facts.replicas) = (Some(2), Some(4));
        m.apply(nodes(&[
            node(50, "n1", mixed),
            out,
            shared,
            node(53, "n4", devices("amd.com/gpu", 2)),
            node(54, "n5", devices("google.com/tpu", 4)),
        ]));
        m.apply(pods(&[running(pod(10, &busy), "n2", 0)]));

        let mut header = Header::default();
        let s = header.refresh(&m, &Scope::default());
        assert_eq!((s.jobs, s.waiting()), (3, 1));
        assert_eq!((s.phase(Phase::Succeeded), s.phase(Phase::Running)), (1, 1));
        let whole = s.gpus.unwrap();
        assert_eq!(
            (whole.used, whole.allocatable),
            (3, 14),
            "slices, shares and chips stay apart"
        );

        let scope = Scope {
            namespaces: Some(vec!["team".into()]),
            ..Scope::default()
        };
        assert_eq!(header.refresh(&m, &scope).jobs, 1);
        m.apply(pods_gone(&[10]));
        assert_eq!(header.refresh(&m, &scope).gpus.map(|d| d.used), Some(0));
    }

    fn jobs_gone(uids: &[u128]) -> Delta {
        let uids = uids.iter().map(|uid| Uid(*uid)).collect();
        delta(Rows::Jobs(Change::Gone(uids)))
    }

    #[test]
    fn only_what_changed_is_counted_again() {
        let mut m = Model::default();
        let all: Vec<_> = (1..=1000).map(|n| job(n, &format!("j{n}"))).collect();
        m.apply(jobs(&all));
        let (mut header, scope) = (Header::default(), Scope::default());
        assert_eq!(header.refresh(&m, &scope).jobs, 1000);
        let before = header.looked();
        for n in 0..100u32 {
            m.apply(pods(&[running(
                pod(5000 + u128::from(n), &all[7]),
                "n1",
                0,
            )]));
            header.refresh(&m, &scope);
        }
        assert!(
            header.looked() - before <= 200,
            "{}",
            header.looked() - before
        );
        assert_eq!(header.refresh(&m, &scope), &Summary::of(&m, &scope));
    }

    #[test]
    fn parts_count_with_their_owner_whenever_it_comes() {
        let mut m = Model::default();
        let (mut header, scope) = (Header::default(), Scope::default());
        let mut child = job(2, "set-a");
        child.owner = Some(("JobSet".into(), "set".into(), key(1).uid));
        m.apply(jobs(&[child.clone(), job(3, "other")]));
        assert_eq!(header.refresh(&m, &scope).jobs, 2);
        m.apply(jobs(&[job(1, "set")]));
        let want = Summary::of(&m, &scope);
        assert_eq!(want.jobs, 2);
        assert_eq!(header.refresh(&m, &scope), &want);
        m.apply(jobs_gone(&[1]));
        let want = Summary::of(&m, &scope);
        assert_eq!(want.jobs, 2);
        assert_eq!(header.refresh(&m, &scope), &want);
        m.apply(jobs_gone(&[2, 3]));
        assert_eq!(header.refresh(&m, &scope).jobs, 0);
    }
}
