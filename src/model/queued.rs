//! What a row has from Kueue: its Workload, and the state, queue, priority and devices that follow from it (domain
//! reference, section E). Apart from the row itself, because both come and go on their own.

use super::Model;
use super::ids::Name;
use super::job::{JobKind, JobRow, Phase};
use super::kueue::WorkloadRow;
use super::kueue::workload::State;
use super::resources::{Devices, is_device};
use super::status::JobStatus;

const QUEUE: &str = "kueue.x-k8s.io/queue-name";
const CLASS: &str = "kueue.x-k8s.io/priority-class";

fn labelled(job: &JobRow, key: &str) -> bool {
    // the rows of pods have what their pods' labels say, and no labels of their own
    let of_pods = job.kind == JobKind::POD_GROUP || job.kind == JobKind::POD;
    of_pods || job.labels.iter().any(|(k, _)| &**k == key)
}

impl Model {
    /// The Workload a row queues with: its own, else that of what made it (a Job of a JobSet has none).
    pub fn workload_of(&self, job: &JobRow) -> Option<&WorkloadRow> {
        if self.kueue.workloads.is_empty() {
            return None;
        }
        let own = self.kueue.workload_of(job.key);
        own.or_else(|| {
            // most have no owner: nothing is looked up for them
            job.owner.as_ref()?;
            let mut line = self.family.line(job.key);
            line.find_map(|owner| self.kueue.workload_of(owner))
        })
    }

    /// The queue it stands in: by its label, its Workload, else the gang scheduler's.
    pub fn queue<'a>(&'a self, job: &'a JobRow) -> Option<&'a Name> {
        let own = job.queue.as_ref();
        if own.is_some() && labelled(job, QUEUE) {
            return own;
        }
        let told = self.workload_of(job).map(|workload| &workload.queue);
        told.filter(|queue| !queue.is_empty()).or(own)
    }

    /// The class its priority is from.
    pub fn priority_class<'a>(&'a self, job: &'a JobRow) -> Option<&'a Name> {
        let workload = self.workload_of(job);
        let told = workload.and_then(|workload| workload.priority_class.as_ref());
        told.or(job.priority_class.as_ref())
    }

    /// Who goes first, higher before lower: as Kueue counts it, else as its pods are scheduled.
    pub fn priority(&self, job: &JobRow) -> Option<i32> {
        if let Some(workload) = self.workload_of(job) {
            return Some(workload.priority);
        }
        let class = job.priority_class.as_ref();
        let class = class.filter(|_| labelled(job, CLASS));
        let value = class.and_then(|name| self.kueue.priority_of(job.key.cluster, name));
        value.or(job.priority)
    }

    /// Devices it was admitted with; empty where it was not, or they are in no quota.
    pub(super) fn admitted_devices(&self, job: &JobRow) -> Devices {
        let mut all = Devices::default();
        // not what its owner was given: that is for all of the owner's
        let Some(workload) = self.kueue.workload_of(job.key) else {
            return all;
        };
        if !matches!(workload.state(), State::Admitted | State::Finished) {
            return all;
        }
        let sets = workload.admission.iter().flat_map(|a| &a.pod_sets);
        for (of, amount) in sets.flat_map(|set| &set.usage) {
            if is_device(&of.resource) {
                let amount = u32::try_from((*amount).max(0)).unwrap_or(u32::MAX);
                all.add(of.resource.clone(), amount);
            }
        }
        all
    }
}

impl JobStatus {
    /// What the Workload makes of a job that is neither over nor being deleted.
    pub(super) fn queue(&mut self, job: &JobRow, workload: &WorkloadRow) {
        match workload.state() {
            State::Finished => {}
            State::Admitted => {
                let admitted = workload.is("Admitted").and_then(|c| c.since);
                self.started = self.started.or(admitted);
                // it is no longer the queue that holds it
                if self.phase == Phase::Queued {
                    self.phase = Phase::Suspended;
                }
            }
            _ if self.phase.is_over() || job.deleting => {}
            state => {
                let evicted = workload.is("Evicted");
                let (phase, deciding) = if evicted.is_some() && self.active > 0 {
                    (Phase::Terminating, evicted)
                } else if !workload.active {
                    (Phase::Suspended, evicted)
                } else if state == State::Reserved {
                    let waits = workload.condition("Admitted");
                    (Phase::Queued, waits.filter(|c| !c.on))
                } else {
                    let waits = workload.condition("QuotaReserved");
                    (Phase::Queued, waits.filter(|c| !c.on))
                };
                self.phase = phase;
                let reason = deciding.map(|c| c.reason.clone());
                self.reason = reason.filter(|reason| !reason.is_empty());
            }
        }
    }
}

#[cfg(test)]
mod tests;
