//! Workload: what one job asks of its queue, and how far it got.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::super::meta::{self, Condition, Meta, named};
use super::super::{Object, Wire, lax};
use super::pod::Template;
use super::topologyassignment::TopologyAssignment;
use super::{all_named, amounts, counted, either};
use crate::model::delta::{Change, Rows};
use crate::model::ids::{ClusterId, Name, Names, Uid};
use crate::model::kueue::workload::{
    Admission, Assignment, Check, CheckState, Eviction, PodSet, WorkloadRow,
};
use crate::model::kueue::{Amount, FlavorResource, QueueRows};

pub type Workload = Object<Spec, Status>;

const JOB_UID: &str = "kueue.x-k8s.io/job-uid";

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Spec {
    #[serde(deserialize_with = "lax::list")]
    pod_sets: Vec<Set>,
    #[serde(deserialize_with = "lax::text")]
    queue_name: String,
    #[serde(deserialize_with = "lax::object")]
    priority_class_ref: Named,
    /// v1beta1
    #[serde(deserialize_with = "lax::text")]
    priority_class_name: String,
    #[serde(deserialize_with = "lax::maybe_int")]
    priority: Option<i32>,
    #[serde(deserialize_with = "lax::maybe_flag")]
    active: Option<bool>,
    #[serde(deserialize_with = "lax::maybe_seconds")]
    maximum_execution_time_seconds: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Named {
    #[serde(deserialize_with = "lax::text")]
    name: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Set {
    #[serde(deserialize_with = "lax::text")]
    name: String,
    #[serde(deserialize_with = "lax::maybe_count")]
    count: Option<u32>,
    #[serde(deserialize_with = "lax::maybe_count")]
    min_count: Option<u32>,
    #[serde(deserialize_with = "lax::object")]
    template: Template,
}

impl Set {
    fn count(&self) -> u32 {
        self.count.unwrap_or(1)
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Status {
    #[serde(deserialize_with = "lax::maybe_object")]
    admission: Option<Admitted>,
    #[serde(deserialize_with = "lax::list")]
    resource_requests: Vec<Requests>,
    #[serde(deserialize_with = "lax::object")]
    requeue_state: Requeue,
    #[serde(deserialize_with = "lax::list")]
    reclaimable_pods: Vec<Reclaimable>,
    #[serde(deserialize_with = "lax::list")]
    admission_checks: Vec<CheckStatus>,
    #[serde(deserialize_with = "lax::object")]
    scheduling_stats: Stats,
    #[serde(deserialize_with = "lax::text")]
    cluster_name: String,
    #[serde(deserialize_with = "lax::texts")]
    nominated_cluster_names: Vec<String>,
    #[serde(deserialize_with = "lax::list")]
    unhealthy_nodes: Vec<Named>,
    #[serde(deserialize_with = "lax::list")]
    conditions: Vec<Condition>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Admitted {
    #[serde(deserialize_with = "lax::text")]
    cluster_queue: String,
    #[serde(deserialize_with = "lax::list")]
    pod_set_assignments: Vec<Assigned>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Assigned {
    #[serde(deserialize_with = "lax::text")]
    name: String,
    #[serde(deserialize_with = "lax::pairs")]
    flavors: Vec<(lax::Text, lax::Text)>,
    #[serde(deserialize_with = "lax::pairs")]
    resource_usage: Vec<(lax::Text, lax::Text)>,
    #[serde(deserialize_with = "lax::maybe_count")]
    count: Option<u32>,
    #[serde(deserialize_with = "lax::object")]
    topology_assignment: TopologyAssignment,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Requests {
    #[serde(deserialize_with = "lax::text")]
    name: String,
    #[serde(deserialize_with = "lax::pairs")]
    resources: Vec<(lax::Text, lax::Text)>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Requeue {
    #[serde(deserialize_with = "lax::count")]
    count: u32,
    #[serde(deserialize_with = "lax::time")]
    requeue_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Reclaimable {
    #[serde(deserialize_with = "lax::text")]
    name: String,
    #[serde(deserialize_with = "lax::count")]
    count: u32,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct CheckStatus {
    #[serde(deserialize_with = "lax::text")]
    name: String,
    #[serde(deserialize_with = "lax::text")]
    state: String,
    #[serde(deserialize_with = "lax::text")]
    message: String,
    #[serde(deserialize_with = "lax::count")]
    retry_count: u32,
    #[serde(deserialize_with = "lax::time")]
    last_transition_time: Option<DateTime<Utc>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Stats {
    #[serde(deserialize_with = "lax::list")]
    evictions: Vec<Evicted>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Evicted {
    #[serde(deserialize_with = "lax::text")]
    reason: String,
    #[serde(deserialize_with = "lax::text")]
    underlying_cause: String,
    #[serde(deserialize_with = "lax::count")]
    count: u32,
}

impl Status {
    /// All pods of a set together: as Kueue counted them, as they were admitted, else by the template for those
    /// that still need quota.
    fn requests(&self, set: &Set, names: &mut Names) -> Vec<(Name, Amount)> {
        if let Some(told) = self.resource_requests.iter().find(|r| r.name == set.name) {
            return amounts(&told.resources, names);
        }
        let mut assigned = self.admission.iter().flat_map(|a| &a.pod_set_assignments);
        if let Some(assigned) = assigned.find(|a| a.name == set.name) {
            return amounts(&assigned.resource_usage, names);
        }
        let over = { self.reclaimable_pods.iter() }
            .find(|r| r.name == set.name)
            .map_or(0, |r| r.count);
        let count = set.count().saturating_sub(over);
        let each = set.template.requests().into_iter();
        each.map(|(name, n)| (names.get(name), n.saturating_mul(count.into())))
            .collect()
    }

    fn admission(&self, sets: &[Set], names: &mut Names) -> Option<Admission> {
        let admission = self.admission.as_ref()?;
        let assignments = admission.pod_set_assignments.iter();
        Some(Admission {
            cluster_queue: names.get(&admission.cluster_queue),
            pod_sets: assignments.map(|a| a.row(sets, names)).collect(),
        })
    }
}

impl Assigned {
    fn row(&self, sets: &[Set], names: &mut Names) -> Assignment {
        let asked = sets.iter().find(|set| set.name == self.name);
        let usage = { self.resource_usage.iter() }.map(|(resource, quantity)| {
            let flavor = self.flavors.iter().find(|(of, _)| of == resource);
            let of = FlavorResource {
                flavor: names.get(flavor.map_or("", |(_, flavor)| flavor)),
                resource: names.get(resource),
            };
            (of, counted(resource, quantity))
        });
        let mut usage: Vec<_> = usage.collect();
        usage.sort();
        Assignment {
            name: names.get(&self.name),
            count: self.count.or(asked.map(Set::count)).unwrap_or_default(),
            usage,
            levels: all_named(&self.topology_assignment.levels, names),
            domains: self.topology_assignment.domains(names),
        }
    }
}

impl CheckStatus {
    fn row(self, names: &mut Names) -> Check {
        Check {
            name: names.get(&self.name),
            state: match self.state.as_str() {
                "Ready" => CheckState::Ready,
                "Retry" => CheckState::Retry,
                "Rejected" => CheckState::Rejected,
                _ => CheckState::Pending,
            },
            message: self.message.into(),
            retries: self.retry_count,
            since: self.last_transition_time,
        }
    }
}

impl Wire for Workload {
    type Row = WorkloadRow;

    fn meta(&self) -> &Meta {
        &self.metadata
    }

    fn row(self, cluster: ClusterId, names: &mut Names) -> WorkloadRow {
        let Self {
            metadata,
            spec,
            status,
        } = self;
        let mut owners: Vec<_> = metadata.owner_references.iter().collect();
        owners.sort_by_key(|owner| !owner.controller);
        let class = either(&spec.priority_class_ref.name, &spec.priority_class_name);
        let key = metadata.key(cluster);
        let (namespace, name) = (names.get(&metadata.namespace), names.get(&metadata.name));
        WorkloadRow {
            created: metadata.creation_timestamp,
            deleting: metadata.is_deleting(),
            owners: { owners.iter() }
                .map(|o| (names.get(&o.kind), names.get(&o.name), Uid::parse(&o.uid)))
                .collect(),
            job: metadata.label(JOB_UID).map(Uid::parse),
            queue: names.get(&spec.queue_name),
            priority: spec.priority.unwrap_or_default(),
            priority_class: named(names, class),
            active: spec.active.unwrap_or(true),
            most_seconds: spec.maximum_execution_time_seconds,
            pod_sets: { spec.pod_sets.iter() }
                .map(|set| PodSet {
                    name: names.get(&set.name),
                    count: set.count(),
                    min_count: set.min_count,
                    requests: status.requests(set, names),
                })
                .collect(),
            admission: status.admission(&spec.pod_sets, names),
            requeues: status.requeue_state.count,
            requeue_at: status.requeue_state.requeue_at,
            reclaimable: { status.reclaimable_pods.iter() }
                .map(|r| (names.get(&r.name), r.count))
                .collect(),
            checks: { status.admission_checks.into_iter() }
                .map(|check| check.row(names))
                .collect(),
            evictions: { status.scheduling_stats.evictions.iter() }
                .map(|e| Eviction {
                    reason: names.get(&e.reason),
                    cause: names.get(&e.underlying_cause),
                    count: e.count,
                })
                .collect(),
            cluster: named(names, &status.cluster_name),
            nominated: all_named(&status.nominated_cluster_names, names),
            unhealthy_nodes: { status.unhealthy_nodes.iter() }
                .map(|node| names.get(&node.name))
                .collect(),
            conditions: meta::conditions(status.conditions, names),
            ..WorkloadRow::blank(key, namespace, name)
        }
    }

    fn rows(change: Change<WorkloadRow>) -> Rows {
        Rows::Queues(QueueRows::Workloads(change))
    }
}
