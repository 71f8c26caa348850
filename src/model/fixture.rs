//! Rows for tests: small builders with sensible defaults, changed field by field by the test.

use chrono::{DateTime, TimeDelta, Utc};

use super::delta::{Change, Delta, Rows, SourceId};
use super::event::EventRow;
use super::ids::{ClusterId, Key, Uid};
use super::indexset::IndexSet;
use super::job::{Condition, CronJobRow, JobRow, Policy};
use super::node::{Make, NodeRow};
use super::pod::{Common, Exit, PodIndex, PodPhase, PodRow};
use super::resources::Devices;
use super::shape::Shape;

/// 2026-11-23 12:00:00 UTC plus seconds.
pub fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(1_795_435_200 + seconds)
}

pub fn key(uid: u128) -> Key {
    Key {
        cluster: ClusterId(0),
        uid: Uid(uid),
    }
}

pub fn devices(name: &str, n: u32) -> Devices {
    let mut d = Devices::default();
    d.add(name.into(), n);
    d
}

/// A started plain job of one pod, created and started at 0.
pub fn job(uid: u128, name: &str) -> JobRow {
    JobRow {
        api_version: "batch/v1".into(),
        created: Some(at(0)),
        parallelism: 1,
        completions: Some(1),
        policy: Policy {
            backoff_limit: Some(6),
            ..Policy::default()
        }
        .into(),
        started: Some(at(0)),
        ..JobRow::blank(key(uid), "default".into(), name.into())
    }
}

/// An Indexed job.
pub fn indexed(uid: u128, name: &str, completions: u32, parallelism: u32) -> JobRow {
    JobRow {
        indexed: true,
        completions: Some(completions),
        parallelism,
        ..job(uid, name)
    }
}

pub fn condition(kind: &str, reason: &str, since: i64) -> Condition {
    Condition {
        kind: kind.into(),
        on: true,
        reason: reason.into(),
        message: "".into(),
        since: Some(at(since)),
    }
}

/// The indexed example of the issue, settled as a real cluster leaves it.
pub fn failed_example(uid: u128) -> JobRow {
    let mut row = indexed(uid, "indexed-sweep", 10, 3);
    row.policy.backoff_limit = Some(i32::MAX as u32);
    row.policy.backoff_limit_per_index = Some(1);
    row.policy.max_failed_indexes = Some(5);
    row.failed = 10;
    row.succeeded = 5;
    row.completed_indexes = IndexSet::parse("1,3,5,7,9", Some(10));
    row.failed_indexes = IndexSet::parse("0,2,4,6,8", Some(10));
    row.conditions = vec![
        condition("FailureTarget", "FailedIndexes", 63),
        condition("Failed", "FailedIndexes", 64),
    ];
    row
}

/// A pending pod of a job, not yet scheduled.
pub fn pod(uid: u128, job: &JobRow) -> PodRow {
    PodRow {
        key: key(uid),
        common: Common {
            namespace: job.namespace.clone(),
            owner: Some(("Job".into(), job.name.clone(), job.key.uid)),
            shape: Shape::of(job.devices.clone()).into(),
            member: None,
            priority_class: None,
            container_names: "main".into(),
            status: "Pending".into(),
            phase: PodPhase::Pending,
            index_failures: 0,
            ready: 0,
            containers: 1,
            restarts: 0,
            deleting: false,
            is_ready: false,
            disrupted: None,
        }
        .into(),
        name: format!("{}-{uid}", job.name).into(),
        node: None,
        index: PodIndex::NONE,
        exit: None,
        why: None,
        created: Some(at(0)).into(),
        bound: None.into(),
        given: None,
        started: None.into(),
        finished: None.into(),
        replica: None,
    }
}

/// The same pod running on a node since `start`.
pub fn running(mut pod: PodRow, node: &str, start: i64) -> PodRow {
    pod.phase = PodPhase::Running;
    pod.status = "Running".into();
    pod.node = Some(node.into());
    pod.bound = Some(at(start)).into();
    pod.started = Some(at(start)).into();
    (pod.ready, pod.is_ready) = (1, true);
    pod
}

/// The same pod ended at `end` with an exit code.
pub fn ended(mut pod: PodRow, code: i32, end: i64) -> PodRow {
    (pod.ready, pod.is_ready) = (0, false);
    let reason = match code {
        0 => "Completed",
        137 => "OOMKilled",
        _ => "Error",
    };
    pod.phase = if code == 0 {
        PodPhase::Succeeded
    } else {
        PodPhase::Failed
    };
    pod.status = reason.into();
    pod.finished = Some(at(end)).into();
    pod.exit = Some(Box::new(Exit {
        container: "main".into(),
        code,
        signal: 0,
        reason: reason.into(),
        message: None,
        finished: Some(at(end)),
        previous: false,
    }));
    pod
}

pub fn node(uid: u128, name: &str, allocatable: Devices) -> NodeRow {
    NodeRow {
        key: key(uid),
        name: name.into(),
        created: Some(at(-86_400)),
        memory: 1 << 38,
        ephemeral: 1 << 40,
        block: None,
        clique: None,
        labelled: None,
        conditions: Vec::new(),
        labels: Default::default(),
        make: Make {
            ready: true,
            not_ready_reason: None,
            cordoned: false,
            taints: Vec::new(),
            capacity: allocatable.clone(),
            allocatable,
            extra_capacity: Devices::default(),
            extra: Devices::default(),
            cpu_milli: 64_000,
            pods: 110,
            product: None,
            machine: None,
            zone: None,
            pool: None,
            gpu: None,
            version: "v1.36.3".into(),
        }
        .into(),
    }
}

pub fn event(uid: u128, about: (&str, &str, u128), reason: &str, message: &str) -> EventRow {
    EventRow {
        key: key(uid),
        namespace: "default".into(),
        warning: reason.starts_with("Failed") || reason == "BackOff",
        reason: reason.into(),
        message: message.into(),
        about: (about.0.into(), about.1.into(), Uid(about.2)),
        by: "job-controller".into(),
        count: 1,
        first: Some(at(0)),
        last: Some(at(0)),
    }
}

pub fn cronjob(uid: u128, name: &str, schedule: &str) -> CronJobRow {
    CronJobRow {
        key: key(uid),
        namespace: "default".into(),
        name: name.into(),
        created: Some(at(0)),
        deleting: false,
        labels: Vec::new(),
        schedule: schedule.into(),
        time_zone: None,
        suspend: false,
        concurrency: "Allow".into(),
        active: Vec::new(),
        last_schedule: None,
        last_success: None,
        devices: Devices::default(),
        queue: None,
        image: None,
    }
}

pub fn delta(rows: Rows) -> Delta {
    Delta {
        cluster: ClusterId(0),
        source: SourceId(0),
        rows,
    }
}

pub fn jobs(rows: &[JobRow]) -> Delta {
    delta(Rows::Jobs(Change::Rows(rows.to_vec())))
}

pub fn pods(rows: &[PodRow]) -> Delta {
    delta(Rows::Pods(Change::Rows(rows.to_vec())))
}

pub fn pods_gone(uids: &[u128]) -> Delta {
    delta(Rows::Pods(Change::Gone(
        uids.iter().map(|&u| Uid(u)).collect(),
    )))
}

pub fn nodes(rows: &[NodeRow]) -> Delta {
    delta(Rows::Nodes(Change::Rows(rows.to_vec())))
}
