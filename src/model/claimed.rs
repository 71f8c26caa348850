//! Devices that a workload has by claims (dynamic resource allocation), and not by count: what its pods were allotted, as
//! the ledger of GPUs has it.

use std::collections::BTreeSet;

use super::Model;
use super::capacity::ledger::account;
use super::capacity::unit::{Kind, Unit, vendor};
use super::ids::{Key, Name};
use super::job::JobRow;
use super::resources::Devices;

impl Model {
    /// What is allotted to the claims of its pods, called as it would be by count.
    pub(super) fn claimed(&self, job: &JobRow) -> Devices {
        let mut all = Devices::default();
        let dra = self.capacity.dra();
        if dra.users().is_empty() {
            return all;
        }
        for pod in self.pods_of(job.key) {
            all.add_all(&self.claimed_by(pod.key));
        }
        all
    }

    /// What is allotted to the claims that a pod stands for, called as it would be by count.
    pub fn claimed_by(&self, pod: Key) -> Devices {
        let dra = self.capacity.dra();
        let mut all = Devices::default();
        for claim in dra.users().get(&pod).into_iter().flatten() {
            let devices = self.claims.get(*claim).map(|claim| &claim.devices);
            for device in devices.into_iter().flatten() {
                if let Some((_, kind)) = dra.find(claim.cluster, device) {
                    all.add(counted(&kind), 1);
                }
            }
        }
        all
    }

    /// Claims of these pods changed: their workloads look different.
    pub(super) fn touch_users(&mut self, pods: BTreeSet<Key>) {
        let pods = pods.into_iter().filter_map(|key| self.pods.get(key));
        let jobs: BTreeSet<Key> = pods.map(|pod| self.top(account(pod))).collect();
        for job in jobs {
            self.jobs.touch(job);
        }
    }
}

/// The name that a device plugin would offer such a device under.
pub fn counted(kind: &Kind) -> Name {
    let Some(vendor) = vendor(&kind.resource) else {
        return kind.resource.clone();
    };
    match &kind.unit {
        Unit::Gpu => format!("{vendor}/gpu").as_str().into(),
        Unit::Mig { profile, .. } => format!("{vendor}/mig-{profile}").as_str().into(),
        Unit::Share { .. } => format!("{vendor}/gpu.shared").as_str().into(),
        _ => kind.resource.clone(),
    }
}
