//! The numbers of the header: jobs by phase, GPUs held and offered.

use super::Model;
use super::capacity::amounts::Sums;
use super::ids::ClusterId;
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
        all.gpus = gpus(model, scope.cluster);
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

/// Of one cluster, or of all.
fn gpus(model: &Model, of: Option<ClusterId>) -> Option<Gpus> {
    let clusters = model.capacity.clusters();
    let here = clusters.filter(|cluster| of.is_none_or(|of| of == *cluster));
    let mut sums = Sums::default();
    for group in here.filter_map(|cluster| model.capacity.all(cluster)) {
        sums.add(&group.gpus(|_| true).sums);
    }
    (sums.allocatable > 0).then_some(Gpus {
        used: sums.used,
        allocatable: sums.allocatable,
    })
}

/// The summary, counted again only when jobs, nodes or the scope changed.
#[derive(Debug, Clone, Default)]
pub struct Header {
    summary: Summary,
    seen: Option<([u64; 2], Scope)>,
}

impl Header {
    pub fn refresh(&mut self, model: &Model, scope: &Scope) -> &Summary {
        let versions = [model.jobs.version(), model.nodes.version()];
        let fresh = self
            .seen
            .as_ref()
            .is_some_and(|(of, s)| *of == versions && s == scope);
        if !fresh {
            self.summary = Summary::of(model, scope);
            self.seen = Some((versions, scope.clone()));
        }
        &self.summary
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fixture::*;

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
        let facts = shared.gpu.get_or_insert_default();
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
}
