//! Queues, cohorts and Workloads for tests: builders that take names and numbers, and a world that holds the rows.

use super::queue::{FlavorQuotas, Namespaces, Quota, ResourceGroup, Stop, Use};
use super::workload::{Admission, Assignment, Check, CheckState, PodSet};
use super::{
    Amount, ClusterQueueRow, CohortRow, FlavorResource, Kueue, LocalQueueRow, QueueRows,
    WorkloadRow,
};
use crate::model::delta::{Change, SourceId};
use crate::model::fixture::{at, condition, key};
use crate::model::ids::{ClusterId, Uid};
use crate::model::job::{Condition, JobRow};

pub const GPU: &str = "nvidia.com/gpu";

pub fn fr(flavor: &str, resource: &str) -> FlavorResource {
    FlavorResource {
        flavor: flavor.into(),
        resource: resource.into(),
    }
}

/// A number for a name, so that builders need none.
pub fn uid(text: &str) -> Uid {
    Uid::parse(text)
}

/// A cluster queue without quota that takes everyone's.
pub fn cq(name: &str) -> ClusterQueueRow {
    ClusterQueueRow {
        key: key(uid(&format!("cq/{name}")).0),
        name: name.into(),
        created: Some(at(0)),
        deleting: false,
        cohort: None,
        groups: Vec::new(),
        strict: false,
        stop: Stop::None,
        preemption: Default::default(),
        fungibility: Default::default(),
        namespaces: Namespaces::All,
        checks: Vec::new(),
        weight: None,
        share: None,
        reserved: Vec::new(),
        used: Vec::new(),
        pending: 0,
        reserving: 0,
        admitted: 0,
        conditions: Vec::new(),
    }
}

pub fn cohort(name: &str) -> CohortRow {
    CohortRow {
        key: key(uid(&format!("cohort/{name}")).0),
        name: name.into(),
        created: Some(at(0)),
        deleting: false,
        parent: None,
        groups: Vec::new(),
        weight: None,
        share: None,
    }
}

fn give(
    groups: &mut Vec<ResourceGroup>,
    of: FlavorResource,
    nominal: Amount,
    borrowing_limit: Option<Amount>,
    lending_limit: Option<Amount>,
) {
    if groups.is_empty() {
        groups.push(ResourceGroup {
            covers: Vec::new(),
            flavors: Vec::new(),
        });
    }
    let group = &mut groups[0];
    if !group.covers.contains(&of.resource) {
        group.covers.push(of.resource.clone());
    }
    let quota = Quota {
        resource: of.resource,
        nominal,
        borrowing_limit,
        lending_limit,
    };
    match group.flavors.iter_mut().find(|f| f.flavor == of.flavor) {
        Some(flavor) => flavor.resources.push(quota),
        None => group.flavors.push(FlavorQuotas {
            flavor: of.flavor,
            resources: vec![quota],
        }),
    }
}

impl ClusterQueueRow {
    pub fn within(mut self, cohort: &str) -> Self {
        self.cohort = Some(cohort.into());
        self
    }

    pub fn quota_of(self, flavor: &str, nominal: Amount) -> Self {
        self.limited(flavor, nominal, None, None)
    }

    /// GPUs of a flavor with limits of borrowing and lending.
    pub fn limited(
        mut self,
        flavor: &str,
        nominal: Amount,
        borrow: Option<Amount>,
        lend: Option<Amount>,
    ) -> Self {
        give(&mut self.groups, fr(flavor, GPU), nominal, borrow, lend);
        self
    }

    /// So many GPUs of a flavor are held and in use.
    pub fn holds(mut self, flavor: &str, total: Amount) -> Self {
        let told = Use {
            of: fr(flavor, GPU),
            total,
            borrowed: 0,
        };
        self.reserved.push(told.clone());
        self.used.push(told);
        self
    }

    pub fn inactive_for(mut self, reason: &str, message: &str) -> Self {
        self.conditions.push(off("Active", reason, message));
        self
    }
}

impl CohortRow {
    pub fn below(mut self, parent: &str) -> Self {
        self.parent = Some(parent.into());
        self
    }

    pub fn quota_of(self, flavor: &str, nominal: Amount) -> Self {
        self.limited(flavor, nominal, None, None)
    }

    pub fn limited(
        mut self,
        flavor: &str,
        nominal: Amount,
        borrow: Option<Amount>,
        lend: Option<Amount>,
    ) -> Self {
        give(&mut self.groups, fr(flavor, GPU), nominal, borrow, lend);
        self
    }
}

/// A local queue in namespace `default`.
pub fn lq(name: &str, cluster_queue: &str) -> LocalQueueRow {
    LocalQueueRow {
        key: key(uid(&format!("lq/{name}")).0),
        namespace: "default".into(),
        name: name.into(),
        created: Some(at(0)),
        deleting: false,
        cluster_queue: cluster_queue.into(),
        stop: Stop::None,
        reserved: Vec::new(),
        used: Vec::new(),
        pending: 0,
        reserving: 0,
        admitted: 0,
        conditions: Vec::new(),
    }
}

/// A condition that is False.
pub fn off(kind: &str, reason: &str, message: &str) -> Condition {
    Condition {
        on: false,
        message: message.into(),
        ..condition(kind, reason, 10)
    }
}

/// A condition that is True.
pub fn on(kind: &str, reason: &str, message: &str) -> Condition {
    Condition {
        message: message.into(),
        ..condition(kind, reason, 10)
    }
}

/// A Workload of a Job `name` in a local queue, asking for GPUs.
pub fn workload(name: &str, queue: &str, gpus: Amount) -> WorkloadRow {
    let job = uid(&format!("job/{name}"));
    let mut row = WorkloadRow::blank(
        key(uid(&format!("wl/{name}")).0),
        "default".into(),
        format!("job-{name}-1a2b3").into(),
    );
    row.created = Some(at(0));
    row.owners = vec![("Job".into(), name.into(), job)];
    row.job = Some(job);
    row.queue = queue.into();
    row.pod_sets = vec![PodSet {
        name: "main".into(),
        count: 1,
        min_count: None,
        requests: vec![(GPU.into(), gpus)],
    }];
    row
}

impl WorkloadRow {
    pub fn at_priority(mut self, priority: i32) -> Self {
        self.priority = priority;
        self
    }

    pub fn made(mut self, seconds: i64) -> Self {
        self.created = Some(at(seconds));
        self
    }

    pub fn with(mut self, condition: Condition) -> Self {
        self.conditions.push(condition);
        self
    }

    /// QuotaReserved is False for a reason.
    pub fn waits(self, reason: &str, message: &str) -> Self {
        self.with(off("QuotaReserved", reason, message))
    }

    /// Holds its GPUs in a flavor of a cluster queue.
    pub fn reserves(mut self, cluster_queue: &str, flavor: &str) -> Self {
        let usage = self
            .requests()
            .into_iter()
            .map(|(resource, n)| (fr(flavor, &resource), n))
            .collect();
        self.admission = Some(Admission {
            cluster_queue: cluster_queue.into(),
            pod_sets: vec![Assignment {
                name: "main".into(),
                count: 1,
                usage,
                levels: Vec::new(),
                domains: Vec::new(),
            }],
        });
        self.with(on("QuotaReserved", "QuotaReserved", "Quota reserved"))
    }

    pub fn admitted(self, cluster_queue: &str, flavor: &str, seconds: i64) -> Self {
        let row = self.reserves(cluster_queue, flavor);
        row.with(condition("Admitted", "Admitted", seconds))
    }

    pub fn check(mut self, name: &str, state: CheckState, message: &str) -> Self {
        self.checks.push(Check {
            name: name.into(),
            state,
            message: message.into(),
            retries: 0,
            since: Some(at(0)),
        });
        self
    }
}

/// The Job a Workload of [`workload`] is of.
pub fn job_of(name: &str, queue: &str) -> JobRow {
    JobRow {
        suspend: true,
        started: None,
        queue: Some(queue.into()),
        ..crate::model::fixture::job(uid(&format!("job/{name}")).0, name)
    }
}

/// Rows of Kueue's objects, put into a [`Kueue`] at once.
#[derive(Default, Clone)]
pub struct World {
    pub queues: Vec<ClusterQueueRow>,
    pub local: Vec<LocalQueueRow>,
    pub cohorts: Vec<CohortRow>,
    pub workloads: Vec<WorkloadRow>,
    /// Of the other kinds.
    pub more: Vec<QueueRows>,
}

impl World {
    /// All its rows, as changes.
    pub fn rows(&self) -> Vec<QueueRows> {
        let mut rows = vec![
            QueueRows::ClusterQueues(Change::Rows(self.queues.clone())),
            QueueRows::LocalQueues(Change::Rows(self.local.clone())),
            QueueRows::Cohorts(Change::Rows(self.cohorts.clone())),
            QueueRows::Workloads(Change::Rows(self.workloads.clone())),
        ];
        rows.extend(self.more.iter().cloned());
        rows
    }

    pub fn kueue(&self) -> Kueue {
        let mut kueue = Kueue::default();
        for (source, rows) in self.rows().into_iter().enumerate() {
            let source = SourceId(u32::try_from(source).unwrap_or_default());
            kueue.apply(source, ClusterId(0), rows, &mut Default::default());
        }
        kueue
    }
}
