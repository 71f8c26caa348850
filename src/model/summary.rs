//! The numbers of the header: jobs by phase, devices held and offered by resource name.

use std::collections::BTreeMap;

use super::Model;
use super::ids::Name;
use super::job::Phase;
use super::listed::Scope;

/// One device resource over all nodes. Slices and shares have their own lines and are never added to whole GPUs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceTotal {
    pub name: Name,
    /// Held by pods bound to the nodes known.
    pub used: u32,
    pub allocatable: u32,
    /// Of it, on nodes that are cordoned or not ready and held by nobody.
    pub out: u32,
}

/// What the header shows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Summary {
    /// Jobs in scope, by [`Phase`] in the order of [`Phase::ALL`].
    phases: [u32; Phase::ALL.len()],
    pub jobs: u32,
    /// Most offered first.
    pub devices: Vec<DeviceTotal>,
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
        let mut devices: BTreeMap<Name, DeviceTotal> = BTreeMap::new();
        let nodes = model
            .nodes
            .rows()
            .filter(|n| scope.cluster.is_none_or(|c| c == n.key.cluster));
        for node in nodes {
            let used = model.capacity.of(node).map(|u| &u.devices);
            for (name, n) in &node.allocatable.0 {
                let total = devices.entry(name.clone()).or_insert_with(|| DeviceTotal {
                    name: name.clone(),
                    used: 0,
                    allocatable: 0,
                    out: 0,
                });
                let held = used.map_or(0, |u| u.get(name));
                total.used = total.used.saturating_add(held);
                total.allocatable = total.allocatable.saturating_add(*n);
                if !node.ready || node.cordoned {
                    total.out = total.out.saturating_add(n.saturating_sub(held));
                }
            }
        }
        all.devices = devices.into_values().collect();
        all.devices
            .sort_by(|a, b| b.allocatable.cmp(&a.allocatable).then(a.name.cmp(&b.name)));
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

    /// The line for whole GPUs (`…/gpu`, not shared, not sliced) of the vendor with the most.
    pub fn gpus(&self) -> Option<&DeviceTotal> {
        self.devices.iter().find(|d| d.name.ends_with("/gpu"))
    }
}

/// The summary, counted again only when jobs, nodes or the scope changed.
#[derive(Debug, Clone, Default)]
pub struct Header {
    summary: Summary,
    seen: Option<(u64, u64, Scope)>,
}

impl Header {
    pub fn refresh(&mut self, model: &Model, scope: &Scope) -> &Summary {
        let versions = (model.jobs.version(), model.nodes.version());
        let fresh = self
            .seen
            .as_ref()
            .is_some_and(|(j, n, s)| (*j, *n) == versions && s == scope);
        if !fresh {
            self.summary = Summary::of(model, scope);
            self.seen = Some((versions.0, versions.1, scope.clone()));
        }
        &self.summary
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fixture::*;

    #[test]
    fn counts_phases_in_scope_and_devices_by_name() {
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
        m.apply(nodes(&[node(50, "n1", mixed), out]));
        m.apply(pods(&[running(pod(10, &busy), "n2", 0)]));

        let mut header = Header::default();
        let s = header.refresh(&m, &Scope::default());
        assert_eq!((s.jobs, s.waiting()), (3, 1));
        assert_eq!((s.phase(Phase::Succeeded), s.phase(Phase::Running)), (1, 1));
        let whole = s.gpus().unwrap();
        assert_eq!((whole.used, whole.allocatable, whole.out), (3, 12, 5));
        assert_eq!(s.devices.len(), 2, "slices stay apart");
        assert_eq!(s.devices[0].allocatable, 14);

        let scope = Scope {
            namespaces: Some(vec!["team".into()]),
            ..Scope::default()
        };
        assert_eq!(header.refresh(&m, &scope).jobs, 1);
        m.apply(pods_gone(&[10]));
        assert_eq!(header.refresh(&m, &scope).gpus().map(|d| d.used), Some(0));
    }
}
