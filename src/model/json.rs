//! Rows as JSON for scripts: a documented, stable interface. camelCase; an absent field is unknown or does not
//! apply; times are RFC 3339 in UTC, durations whole seconds, amounts by resource name.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::Model;
use super::cron::{self, CronState};
use super::event::EventRow;
use super::job::{CronJobRow, JobRow, Phase, RoleRow};
use super::node::NodeRow;
use super::pod::{PodPhase, PodRow};
use super::podwhy;
use super::resources::Devices;
use super::why;

type Amounts = BTreeMap<String, u32>;

fn amounts(devices: &Devices) -> Amounts {
    let list = devices.0.iter();
    list.map(|(name, n)| (name.to_string(), *n)).collect()
}

fn text(name: Option<&str>) -> Option<String> {
    name.map(str::to_owned)
}

/// The phase as Kubernetes would write it.
pub fn phase_name(phase: Phase) -> &'static str {
    match phase {
        Phase::Queued => "Queued",
        Phase::Suspended => "Suspended",
        Phase::Pending => "Pending",
        Phase::Running => "Running",
        Phase::Retrying => "Retrying",
        Phase::Finishing => "Finishing",
        Phase::Succeeded => "Succeeded",
        Phase::Failed => "Failed",
        Phase::Terminating => "Terminating",
    }
}

/// One job of any kind.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RowJson {
    pub kind: &'static str,
    pub api_version: String,
    pub namespace: String,
    pub name: String,
    pub uid: String,
    /// `Queued, Suspended, Pending, Running, Retrying, Finishing, Succeeded, Failed, Terminating`.
    pub phase: &'static str,
    /// Reason of the deciding condition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The state in one sentence; its wording may change.
    pub message: String,
    pub done: u32,
    /// Absent for a work queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<u32>,
    /// Successes that suffice, where a success policy makes them fewer than `total`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<u32>,
    /// What `done` and `total` count: `pods`, `indexes`, `jobs`, `groups` or `percent`.
    pub unit: &'static str,
    pub active: u32,
    pub ready: u32,
    /// Failed pods.
    pub failed: u32,
    pub retries: u32,
    /// As `status.completedIndexes`: `1,3-5`. Indexed jobs only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completed_indexes: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed_indexes: Option<String>,
    /// Requested by all pods that run at a time, by resource name.
    pub gpus: Amounts,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
    /// Priority class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub creation_time: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_time: Option<DateTime<Utc>>,
    /// Of failed jobs too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finish_time: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub elapsed_seconds: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eta_seconds: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<OwnerJson>,
    /// Who it may belong to: a label that says so, else the namespace.
    pub owner_hint: String,
    /// `ClusterTrainingRuntime/…` of a TrainJob.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runtime: Option<String>,
    /// Replicas by role; none for a Job.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<RoleJson>,
    /// What only this kind's status tells: both states of a RayJob, metrics of a TrainJob.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub details: BTreeMap<String, String>,
    /// Label selectors that find its pods, one or the other.
    pub selectors: Vec<String>,
    pub labels: BTreeMap<String, String>,
}

/// One role of a workload.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RoleJson {
    pub name: String,
    /// Replicas asked for.
    pub replicas: u32,
    /// Pods of one replica.
    pub pods_each: u32,
    pub active: u32,
    pub ready: u32,
    pub succeeded: u32,
    pub failed: u32,
    /// Of all its replicas.
    pub gpus: Amounts,
}

/// The controlling owner.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OwnerJson {
    pub kind: String,
    pub name: String,
}

fn owner(
    owner: Option<&(super::ids::Name, super::ids::Name, super::ids::Uid)>,
) -> Option<OwnerJson> {
    owner.map(|(kind, name, _)| OwnerJson {
        kind: kind.to_string(),
        name: name.to_string(),
    })
}

impl RoleJson {
    fn of(role: &RoleRow) -> Self {
        Self {
            name: role.name.to_string(),
            replicas: role.wanted,
            pods_each: role.each,
            active: role.active,
            ready: role.ready,
            succeeded: role.succeeded,
            failed: role.failed,
            gpus: amounts(&role.devices.times(role.wanted)),
        }
    }
}

impl RowJson {
    pub fn of(model: &Model, job: &JobRow, now: DateTime<Utc>) -> Self {
        let s = model.status(job);
        let grid = model.grid(job);
        Self {
            kind: job.kind_name(),
            api_version: job.api_version.to_string(),
            namespace: job.namespace.to_string(),
            name: job.name.to_string(),
            uid: job.key.uid.to_string(),
            phase: phase_name(s.phase),
            reason: text(s.reason.as_deref()),
            message: why::why(model, job, now),
            done: s.done,
            total: s.total,
            target: s.target.filter(|t| Some(*t) != s.total),
            unit: s.unit.word(),
            active: s.active,
            ready: s.ready,
            failed: s.failed,
            retries: s.retries,
            completed_indexes: job.indexed.then(|| job.completed_indexes.to_string()),
            failed_indexes: job.indexed.then(|| grid.failed()),
            gpus: amounts(&model.gpus(job)),
            queue: text(model.queue(job).map(|queue| &**queue)),
            priority: text(model.priority_class(job).map(|class| &**class)),
            creation_time: job.created,
            start_time: s.started,
            finish_time: s.finished,
            elapsed_seconds: s.elapsed(now).map(|d| d.num_seconds()),
            eta_seconds: s
                .eta(job, model.totals(job.key), now)
                .map(|d| d.num_seconds()),
            owner: owner(job.owner.as_ref()),
            owner_hint: job.owner_hint().to_string(),
            runtime: text(job.runtime.as_deref()),
            roles: job.roles.iter().map(RoleJson::of).collect(),
            details: (job.told.iter())
                .map(|(what, text)| (what.to_string(), text.to_string()))
                .collect(),
            selectors: job.pod_selectors(),
            labels: labels(&job.labels),
        }
    }
}

fn labels(list: &[(super::ids::Name, super::ids::Name)]) -> BTreeMap<String, String> {
    list.iter()
        .map(|(k, v)| (k.to_string(), v.to_string()))
        .collect()
}

/// One CronJob.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CronJobJson {
    pub kind: &'static str,
    pub api_version: &'static str,
    pub namespace: String,
    pub name: String,
    pub uid: String,
    /// `Held, Scheduled, Terminating` or `Unknown` (a schedule that makes no sense here).
    pub phase: &'static str,
    pub schedule: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    pub active: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_time: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_schedule_time: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_success_time: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub creation_time: Option<DateTime<Utc>>,
    pub labels: BTreeMap<String, String>,
}

impl CronJobJson {
    pub fn of(row: &CronJobRow, now: DateTime<Utc>) -> Self {
        let state = CronState::of(row, now);
        Self {
            kind: "CronJob",
            api_version: "batch/v1",
            namespace: row.namespace.to_string(),
            name: row.name.to_string(),
            uid: row.key.uid.to_string(),
            phase: match state {
                CronState::Terminating => "Terminating",
                CronState::Held => "Held",
                CronState::Next(_) => "Scheduled",
                CronState::Unknown(_) => "Unknown",
            },
            schedule: row.schedule.to_string(),
            time_zone: text(row.time_zone.as_deref()),
            active: row.active.len(),
            next_time: matches!(state, CronState::Next(_))
                .then(|| cron::next(row, now).ok())
                .flatten(),
            last_schedule_time: row.last_schedule,
            last_success_time: row.last_success,
            creation_time: row.created,
            labels: labels(&row.labels),
        }
    }
}

/// One pod.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PodJson {
    pub kind: &'static str,
    pub api_version: &'static str,
    pub namespace: String,
    pub name: String,
    pub uid: String,
    /// `status.phase`.
    pub phase: &'static str,
    /// kubectl's STATUS.
    pub status: String,
    /// Ready containers, of how many.
    pub ready: u16,
    pub containers: u16,
    pub restarts: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<u32>,
    pub gpus: Amounts,
    /// Why it is pending or dead, in one line; its wording may change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_reason: Option<String>,
    /// Reason of a disruption from outside.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disrupted: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<OwnerJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub creation_time: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_time: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finish_time: Option<DateTime<Utc>>,
}

/// `status.phase` as Kubernetes writes it.
pub fn pod_phase_name(phase: PodPhase) -> &'static str {
    match phase {
        PodPhase::Pending => "Pending",
        PodPhase::Running => "Running",
        PodPhase::Succeeded => "Succeeded",
        PodPhase::Failed => "Failed",
        PodPhase::Unknown => "Unknown",
    }
}

impl PodJson {
    pub fn of(pod: &PodRow) -> Self {
        Self {
            kind: "Pod",
            api_version: "v1",
            namespace: pod.namespace.to_string(),
            name: pod.name.to_string(),
            uid: pod.key.uid.to_string(),
            phase: pod_phase_name(pod.phase),
            status: pod.status.to_string(),
            ready: pod.ready,
            containers: pod.containers,
            restarts: pod.restarts,
            node: text(pod.node.as_deref()),
            job: text(pod.job().map(|n| &**n)),
            index: pod.index.get(),
            gpus: amounts(&pod.shape.devices),
            message: podwhy::why(pod).map(|w| w.text),
            exit_code: pod.exit.as_ref().map(|e| e.code),
            exit_reason: pod.exit.as_ref().map(|e| e.reason.to_string()),
            disrupted: text(pod.disrupted.as_deref()),
            owner: owner(pod.owner.as_ref()),
            creation_time: pod.created.get(),
            start_time: pod.started.get(),
            finish_time: pod.finished.get(),
        }
    }
}

/// One node.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeJson {
    pub kind: &'static str,
    pub api_version: &'static str,
    pub name: String,
    pub uid: String,
    pub ready: bool,
    pub cordoned: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    pub taints: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Allocatable devices, and those held by the pods seen.
    pub gpus: Amounts,
    pub gpus_used: Amounts,
    pub pods: u32,
    /// Allocatable.
    pub cpu_milli: u64,
    pub memory_bytes: u64,
    pub version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub creation_time: Option<DateTime<Utc>>,
}

impl NodeJson {
    pub fn of(model: &Model, node: &NodeRow) -> Self {
        let used = model.capacity.of(node);
        Self {
            kind: "Node",
            api_version: "v1",
            name: node.name.to_string(),
            uid: node.key.uid.to_string(),
            ready: node.ready,
            cordoned: node.cordoned,
            reason: text(node.not_ready_reason.as_deref()),
            taints: node.taints.iter().map(|t| t.to_string()).collect(),
            product: text(node.product.as_deref()),
            zone: text(node.zone.as_deref()),
            gpus: amounts(&node.allocatable),
            gpus_used: used.map(|u| amounts(&u.devices)).unwrap_or_default(),
            pods: used.map_or(0, |u| u.pods),
            cpu_milli: node.cpu_milli,
            memory_bytes: node.memory,
            version: node.version.to_string(),
            creation_time: node.created,
        }
    }
}

/// One event.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EventJson {
    pub kind: &'static str,
    pub api_version: &'static str,
    pub namespace: String,
    pub uid: String,
    /// `Normal` or `Warning`.
    #[serde(rename = "type")]
    pub level: &'static str,
    pub reason: String,
    pub message: String,
    pub object_kind: String,
    pub object_name: String,
    pub from: String,
    pub count: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_time: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_time: Option<DateTime<Utc>>,
}

impl EventJson {
    pub fn of(event: &EventRow) -> Self {
        Self {
            kind: "Event",
            api_version: "v1",
            namespace: event.namespace.to_string(),
            uid: event.key.uid.to_string(),
            level: event.kind_word(),
            reason: event.reason.to_string(),
            message: event.message.clone(),
            object_kind: event.about.0.to_string(),
            object_name: event.about.1.to_string(),
            from: event.by.to_string(),
            count: event.count,
            first_time: event.first,
            last_time: event.last,
        }
    }
}

#[cfg(test)]
mod tests;
