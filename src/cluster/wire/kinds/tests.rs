//! For every kind: the shapes its status really takes, against the row; and that the list, the files and the
//! guide agree.

use std::collections::BTreeSet;
use std::path::Path;

use chrono::{DateTime, Utc};
use rstest::rstest;
use serde_json::{Value, json};

use super::*;
use crate::model::human;
use crate::model::status::JobStatus;

fn object(spec: &Value, status: &Value) -> Value {
    json!({
        "apiVersion": "",
        "metadata": {"name": "a", "namespace": "ml", "uid": "00000000-0000-0000-0000-000000000001",
            "creationTimestamp": "2026-11-23T12:00:00Z", "labels": {"team": "hep"}},
        "spec": spec, "status": status,
    })
}

/// One object in one line: phase, progress, active/ready/failed, retries, roles, devices, queue, class, seconds
/// from creation to start and finish.
fn line(row: &JobRow) -> String {
    let s = JobStatus::of(row, None);
    let roles: Vec<String> = row
        .roles
        .iter()
        .map(|r| {
            let of = [r.wanted, r.active, r.ready, r.succeeded, r.failed];
            let of: Vec<String> = of.iter().map(u32::to_string).collect();
            let each = match r.each {
                1 => String::new(),
                each => format!("x{each}"),
            };
            format!("{}{each}:{}", r.name, of.join("/"))
        })
        .collect();
    let total = s.total.map_or("?".into(), |n| n.to_string());
    let mut out = format!(
        "{}{} {}/{total} {} {}/{}/{} +{} [{}]",
        s.phase.word(),
        s.reason.map_or(String::new(), |r| format!("({r})")),
        s.done,
        s.unit.word(),
        s.active,
        s.ready,
        s.failed,
        s.retries,
        roles.join(" "),
    );
    for (name, n) in &row.gpus().0 {
        out.push_str(&format!(" {n}x{name}"));
    }
    for name in [&row.queue, &row.priority_class].into_iter().flatten() {
        out.push_str(&format!(" {name}"));
    }
    let span = |at: Option<DateTime<Utc>>| Some(human::duration(at? - row.created?));
    if let Some(start) = span(s.started) {
        out.push_str(&format!(" from {start}"));
    }
    if let Some(end) = span(s.finished) {
        out.push_str(&format!(" to {end}"));
    }
    out
}

fn of(plural: &str, spec: &Value, status: &Value) -> String {
    line(&decode(plural, &object(spec, status).to_string()))
}

fn pod(gpus: u32) -> Value {
    json!({"spec": {"priorityClassName": "high", "containers": [
        {"image": "a:1", "resources": {"limits": {"nvidia.com/gpu": gpus}}}]}})
}

fn on(kind: &str, reason: &str, seconds: u32) -> Value {
    json!({"type": kind, "status": "True", "reason": reason, "message": "as it says",
        "lastTransitionTime": format!("2026-11-23T12:00:{seconds:02}Z")})
}

fn off(kind: &str) -> Value {
    json!({"type": kind, "status": "False", "reason": "Not", "lastTransitionTime": "2026-11-23T12:00:07Z"})
}

/// Kubeflow's six kinds share shape and life; each with its own leader and the field of its own name.
#[rstest]
#[case("pytorchjobs", "pytorchReplicaSpecs", "Master")]
#[case("tfjobs", "tfReplicaSpecs", "Chief")]
#[case("xgboostjobs", "xgbReplicaSpecs", "Master")]
#[case("paddlejobs", "paddleReplicaSpecs", "Master")]
#[case("mpijobs", "mpiReplicaSpecs", "Launcher")]
#[case("jaxjobs", "jaxReplicaSpecs", "Worker")]
fn kubeflow(#[case] plural: &str, #[case] field: &str, #[case] leader: &str) {
    let alone = leader == "Worker";
    let spec = |policy: Value| {
        let mut replicas = json!({"Worker": {"replicas": 3, "template": pod(2)}});
        if !alone {
            replicas[leader] = json!({"template": pod(1)});
        }
        json!({field: replicas, "runPolicy": policy})
    };
    let free = spec(json!({}));
    let roles = |lead: &str, work: &str| match alone {
        true => format!("[Worker:{work}]"),
        false => format!("[{leader}:{lead} Worker:{work}]"),
    };
    let (n, gpus) = if alone { (3, 6) } else { (4, 7) };
    let lead = |n: u32| if alone { 0 } else { n };
    let status = |counts: Value, conditions: Value| {
        let mut replicas = json!({"Worker": counts[1]});
        if !alone {
            replicas[leader] = counts[0].clone();
        }
        json!({"replicaStatuses": replicas, "conditions": conditions, "startTime": "2026-11-23T12:00:05Z"})
    };

    let empty = roles("1/0/0/0/0", "3/0/0/0/0");
    let created = format!("pending 0/{n} pods 0/0/0 +0 {empty} {gpus}xnvidia.com/gpu high");
    assert_eq!(of(plural, &free, &Value::Null), created);
    assert_eq!(
        of(
            plural,
            &free,
            &json!({"conditions": [on("Created", "PyTorchJobCreated", 1)]})
        ),
        created
    );

    let running = status(
        json!([{"active": 1}, {"active": 2, "succeeded": 1}]),
        json!([on("Created", "c", 1), on("Running", "r", 6)]),
    );
    assert_eq!(
        of(plural, &free, &running),
        format!(
            "running 1/{n} pods {}/0/0 +0 {} {gpus}xnvidia.com/gpu high from 5s",
            2 + lead(1),
            roles("1/1/0/0/0", "3/2/0/1/0")
        )
    );
    let restarting = status(
        json!([{"active": 1}, {"failed": 1}]),
        json!([off("Running"), on("Restarting", "PyTorchJobRestarting", 9)]),
    );
    assert_eq!(
        of(plural, &free, &restarting),
        format!(
            "retrying(PyTorchJobRestarting) 0/{n} pods {}/0/1 +0 {} {gpus}xnvidia.com/gpu high from 5s",
            lead(1),
            roles("1/1/0/0/0", "3/0/0/0/1")
        )
    );
    let held = spec(json!({"suspend": true, "schedulingPolicy": {"priorityClass": "low"}}));
    assert_eq!(
        of(
            plural,
            &held,
            &json!({"conditions": [on("Suspended", "PyTorchJobSuspended", 2)]})
        ),
        format!(
            "suspended(PyTorchJobSuspended) 0/{n} pods 0/0/0 +0 {empty} {gpus}xnvidia.com/gpu low"
        )
    );
    let queued = spec(json!({"suspend": true, "schedulingPolicy": {"queue": "main"}}));
    assert_eq!(
        of(plural, &queued, &json!({})),
        format!("queued 0/{n} pods 0/0/0 +0 {empty} {gpus}xnvidia.com/gpu main high")
    );
    let mut done = status(
        json!([{"succeeded": 1}, {"succeeded": 3}]),
        json!([off("Running"), on("Succeeded", "PyTorchJobSucceeded", 40)]),
    );
    done["completionTime"] = "2026-11-23T12:00:39Z".into();
    assert_eq!(
        of(plural, &free, &done),
        format!(
            "succeeded(PyTorchJobSucceeded) {n}/{n} pods 0/0/0 +0 {} {gpus}xnvidia.com/gpu high from 5s to 39s",
            roles("1/0/0/1/0", "3/0/0/3/0")
        )
    );
    let failed = status(
        json!([{"failed": 1}, {"active": 3}]),
        json!([off("Running"), on("Failed", "PyTorchJobFailed", 50)]),
    );
    assert_eq!(
        of(plural, &free, &failed),
        format!(
            "failed(PyTorchJobFailed) 0/{n} pods 3/0/{} +0 {} {gpus}xnvidia.com/gpu high from 5s to 50s",
            lead(1),
            roles("1/0/0/0/1", "3/3/0/0/0")
        )
    );
    // half deleted: still running, and a replica type that its spec no longer has
    let mut gone = object(&json!({field: {"Worker": null}}), &running);
    gone["metadata"]["deletionTimestamp"] = "2026-11-23T12:01:00Z".into();
    let gone = line(&decode(plural, &gone.to_string()));
    assert!(gone.starts_with("terminating 1/"), "{gone}");
    assert_eq!(
        of(plural, &Value::Null, &Value::Null),
        "pending 0/0 pods 0/0/0 +0 []"
    );
}

#[test]
fn missing_replicas_are_one_but_mpi_workers_none() {
    let spec = |field: &str| json!({field: {"Worker": {"template": pod(1)}}});
    assert!(
        of("pytorchjobs", &spec("pytorchReplicaSpecs"), &Value::Null)
            .contains("[Worker:1/0/0/0/0]")
    );
    assert!(of("mpijobs", &spec("mpiReplicaSpecs"), &Value::Null).contains("[Worker:0/0/0/0/0]"));
}

fn replicated() -> Value {
    json!([{"name": "leader", "template": {"spec": {"template": pod(0)}}},
        {"name": "workers", "replicas": 4, "template": {"spec": {"parallelism": 8, "completions": 2, "template": pod(4)}}}])
}

fn jobs(counts: [[u32; 4]; 2]) -> Value {
    let one = |name: &str, [active, ready, succeeded, failed]: [u32; 4]| json!({"name": name, "active": active, "ready": ready, "succeeded": succeeded, "failed": failed, "suspended": 0});
    json!([one("leader", counts[0]), one("workers", counts[1])])
}

const SET: &str = "[leader:1/0/0/0/0 workersx2:4/0/0/0/0] 32xnvidia.com/gpu high";

#[rstest]
#[case::created(json!({}), Value::Null, format!("pending 0/5 jobs 0/0/0 +0 {SET} from 0s"))]
#[case::starting(json!({}), json!({"replicatedJobsStatus": jobs([[1, 0, 0, 0], [4, 0, 0, 0]]), "conditions": [on("StartupPolicyInProgress", "x", 1)]}),
    "pending 0/5 jobs 0/0/0 +0 [leader:1/1/0/0/0 workersx2:4/4/0/0/0] 32xnvidia.com/gpu high from 0s".into())]
#[case::running(json!({}), json!({"restarts": 2, "replicatedJobsStatus": jobs([[1, 1, 0, 0], [3, 3, 1, 0]])}),
    "running 1/5 jobs 0/0/0 +2 [leader:1/1/1/0/0 workersx2:4/3/3/1/0] 32xnvidia.com/gpu high from 0s".into())]
#[case::restarting(json!({}), json!({"restarts": 1, "conditions": [on("RestartingJobSet", "Recreating", 8)], "replicatedJobsStatus": jobs([[1, 1, 0, 0], [1, 0, 0, 0]])}),
    "retrying(Recreating) 0/5 jobs 0/0/0 +1 [leader:1/1/1/0/0 workersx2:4/1/0/0/0] 32xnvidia.com/gpu high from 0s".into())]
#[case::suspended(json!({"suspend": true}), json!({"conditions": [on("Suspended", "SuspendedJobs", 3)]}),
    format!("suspended(SuspendedJobs) 0/5 jobs 0/0/0 +0 {SET}"))]
#[case::resumed(json!({"suspend": false}), json!({"conditions": [off("Suspended")]}), format!("pending 0/5 jobs 0/0/0 +0 {SET} from 7s"))]
#[case::succeeded(json!({}), json!({"terminalState": "Completed", "conditions": [on("Completed", "AllJobsCompleted", 30)], "replicatedJobsStatus": jobs([[0, 0, 1, 0], [0, 0, 4, 0]])}),
    "succeeded(AllJobsCompleted) 5/5 jobs 0/0/0 +0 [leader:1/0/0/1/0 workersx2:4/0/0/4/0] 32xnvidia.com/gpu high from 0s to 30s".into())]
#[case::failed(json!({}), json!({"conditions": [on("Failed", "ReachedMaxRestarts", 31)], "replicatedJobsStatus": jobs([[0, 0, 0, 0], [0, 0, 0, 1]])}),
    "failed(ReachedMaxRestarts) 0/5 jobs 0/0/0 +0 [leader:1/0/0/0/0 workersx2:4/0/0/0/1] 32xnvidia.com/gpu high from 0s to 31s".into())]
fn jobset(#[case] more: Value, #[case] status: Value, #[case] expected: String) {
    let mut spec = json!({"replicatedJobs": replicated()});
    for (key, value) in more.as_object().unwrap() {
        spec[key] = value.clone();
    }
    assert_eq!(of("jobsets", &spec, &status), expected);
}

#[rstest]
#[case::created(json!({}), Value::Null, "pending 0/1 jobs 0/0/0 +0 [node:4/0/0/0/0] 16xnvidia.com/gpu from 0s")]
#[case::running(json!({}), json!({"jobsStatus": jobs([[1, 1, 0, 0], [1, 1, 0, 0]])}),
    "running 0/2 jobs 0/0/0 +0 [node:4/0/0/0/0 leader:0/1/1/0/0 workers:0/1/1/0/0] 16xnvidia.com/gpu from 0s")]
#[case::telling(json!({}), json!({"jobsStatus": [{"name": "node", "active": 1, "ready": 1}], "trainerStatus": {"progressPercentage": 42, "estimatedRemainingSeconds": 600}}),
    "running 42/100 percent 0/0/0 +0 [node:4/1/1/0/0] 16xnvidia.com/gpu from 0s")]
#[case::suspended(json!({"suspend": true}), json!({"conditions": [on("Suspended", "Suspended", 1)]}),
    "suspended(Suspended) 0/1 jobs 0/0/0 +0 [node:4/0/0/0/0] 16xnvidia.com/gpu")]
#[case::succeeded(json!({}), json!({"conditions": [on("Complete", "AllJobsCompleted", 20)], "jobsStatus": [{"name": "node", "succeeded": 1}]}),
    "succeeded(AllJobsCompleted) 1/1 jobs 0/0/0 +0 [node:4/0/0/1/0] 16xnvidia.com/gpu from 0s to 20s")]
#[case::failed(json!({}), json!({"conditions": [on("Failed", "TrainingRuntimeNotSupported", 2)]}),
    "failed(TrainingRuntimeNotSupported) 0/1 jobs 0/0/0 +0 [node:4/0/0/0/0] 16xnvidia.com/gpu from 0s to 2s")]
fn trainjob(#[case] more: Value, #[case] status: Value, #[case] expected: &str) {
    let mut spec = json!({"runtimeRef": {"name": "torch-distributed"},
        "trainer": {"numNodes": 4, "resourcesPerNode": {"limits": {"nvidia.com/gpu": 4}}}});
    for (key, value) in more.as_object().unwrap() {
        spec[key] = value.clone();
    }
    assert_eq!(of("trainjobs", &spec, &status), expected);
    let row = decode("trainjobs", &object(&spec, &status).to_string());
    assert_eq!(
        row.runtime.as_deref(),
        Some("ClusterTrainingRuntime/torch-distributed")
    );
}

fn ray() -> Value {
    json!({"headGroupSpec": {"template": pod(0)}, "workerGroupSpecs": [
        {"groupName": "gpu", "replicas": 2, "numOfHosts": 2, "template": pod(4)}, {"groupName": "cpu", "template": pod(0)}]})
}

const RAY: &str = "[head:1/0/0/0/0 gpu:4/0/0/0/0 cpu:1/0/0/0/0] 16xnvidia.com/gpu high";
const ENDED: &str = "2026-11-23T12:00:44Z";

#[rstest]
#[case::created(json!({}), Value::Null, "pending 0/1 jobs", "")]
#[case::initializing(json!({}), json!({"jobDeploymentStatus": "Initializing", "startTime": "2026-11-23T12:00:04Z"}), "pending 0/1 jobs", " from 4s")]
#[case::running(json!({}), json!({"jobDeploymentStatus": "Running", "jobStatus": "RUNNING", "failed": 1}), "running 0/1 jobs", "")]
#[case::decided(json!({}), json!({"jobDeploymentStatus": "Running", "jobStatus": "SUCCEEDED"}), "finishing(SUCCEEDED) 0/1 jobs", "")]
#[case::retrying(json!({}), json!({"jobDeploymentStatus": "Retrying", "jobStatus": "FAILED", "failed": 1}), "retrying 0/1 jobs", "")]
#[case::suspended(json!({"suspend": true}), json!({"jobDeploymentStatus": "Suspended"}), "suspended 0/1 jobs", "")]
#[case::succeeded(json!({}), json!({"jobDeploymentStatus": "Complete", "jobStatus": "SUCCEEDED", "endTime": ENDED}), "succeeded 1/1 jobs", " to 44s")]
#[case::stopped(json!({}), json!({"jobDeploymentStatus": "Complete", "jobStatus": "STOPPED", "endTime": ENDED}), "failed(STOPPED) 0/1 jobs", " to 44s")]
#[case::failed(json!({}), json!({"jobDeploymentStatus": "Failed", "jobStatus": "FAILED", "reason": "AppFailed", "endTime": ENDED}), "failed(AppFailed) 0/1 jobs", " to 44s")]
#[case::lost(json!({}), json!({"jobDeploymentStatus": "Failed", "reason": "DeadlineExceeded", "endTime": ENDED}), "failed(DeadlineExceeded) 0/1 jobs", " to 44s")]
#[case::invalid(json!({}), json!({"jobDeploymentStatus": "ValidationFailed"}), "failed(ValidationFailed) 0/1 jobs", "")]
fn rayjob(#[case] more: Value, #[case] status: Value, #[case] head: &str, #[case] tail: &str) {
    let mut spec = json!({"entrypoint": "python a.py", "rayClusterSpec": ray()});
    for (key, value) in more.as_object().unwrap() {
        spec[key] = value.clone();
    }
    let retries = status["failed"].as_u64().unwrap_or(0);
    assert_eq!(
        of("rayjobs", &spec, &status),
        format!("{head} 0/0/0 +{retries} {RAY}{tail}")
    );
}

#[test]
fn a_rayjob_has_the_pods_of_its_cluster_and_those_of_its_submitter() {
    let row = |status: Value| decode("rayjobs", &object(&json!({}), &status).to_string());
    let submitter = "batch.kubernetes.io/job-name=a";
    assert_eq!(row(Value::Null).pod_selectors(), [submitter]);
    assert_eq!(
        row(json!({"rayClusterName": "a-x7"})).pod_selectors(),
        ["ray.io/cluster=a-x7", submitter]
    );
}

#[rstest]
#[case::created(
    ray(),
    Value::Null,
    "pending 0/6 pods 0/0/0 +0 [head:1/0/0/0/0 gpu:4/0/0/0/0 cpu:1/0/0/0/0]",
    ""
)]
#[case::ready(ray(), json!({"head": {"podName": "a-head"}, "desiredWorkerReplicas": 5, "readyWorkerReplicas": 3, "availableWorkerReplicas": 4,
        "conditions": [on("HeadPodReady", "HeadPodRunningAndReady", 9)]}),
    "running 4/6 pods 5/4/0 +0 [head:1/1/1/0/0 gpu:4/0/0/0/0 cpu:1/0/0/0/0]", " from 0s")]
#[case::old(ray(), json!({"state": "ready", "head": {"podName": "h"}}), "running 1/6 pods 1/1/0 +0 [head:1/1/1/0/0 gpu:4/0/0/0/0 cpu:1/0/0/0/0]", " from 0s")]
#[case::failed(ray(), json!({"state": "failed", "reason": "bad image"}), "failed(RayClusterFailed) 0/6 pods 0/0/0 +0 [head:1/0/0/0/0 gpu:4/0/0/0/0 cpu:1/0/0/0/0]", "")]
fn raycluster(#[case] spec: Value, #[case] status: Value, #[case] head: &str, #[case] tail: &str) {
    assert_eq!(
        of("rayclusters", &spec, &status),
        format!("{head} 16xnvidia.com/gpu high{tail}")
    );
    let mut held = spec;
    held["suspend"] = true.into();
    let held = of("rayclusters", &held, &json!({"state": "suspended"}));
    assert!(held.starts_with("suspended 0/6 pods"), "{held}");
}

#[rstest]
#[case::created(json!({"replicas": 3}), Value::Null, "pending 0/3 groups 0/0/0 +0 [leader:3/0/0/0/0 workerx3:3/0/0/0/0] 36xnvidia.com/gpu high from 0s")]
#[case::progressing(json!({"replicas": 3}), json!({"replicas": 3, "conditions": [on("Progressing", "GroupsProgressing", 1)]}),
    "pending 0/3 groups 12/0/0 +0 [leader:3/3/0/0/0 workerx3:3/3/0/0/0] 36xnvidia.com/gpu high from 0s")]
#[case::running(json!({"replicas": 3}), json!({"replicas": 3, "readyReplicas": 2}),
    "running 2/3 groups 12/8/0 +0 [leader:3/3/2/0/0 workerx3:3/3/2/0/0] 36xnvidia.com/gpu high from 0s")]
#[case::none(json!({"replicas": 0}), json!({}), "suspended 0/0 groups 0/0/0 +0 [leader:0/0/0/0/0 workerx3:0/0/0/0/0] high")]
#[case::missing(json!({}), json!({"conditions": [on("Available", "AllGroupsReady", 5)]}),
    "running 0/1 groups 0/0/0 +0 [leader:1/0/0/0/0 workerx3:1/0/0/0/0] 12xnvidia.com/gpu high from 0s")]
fn leaderworkerset(#[case] more: Value, #[case] status: Value, #[case] expected: &str) {
    let mut spec = json!({"leaderWorkerTemplate": {"size": 4, "workerTemplate": pod(3)}});
    for (key, value) in more.as_object().unwrap() {
        spec[key] = value.clone();
    }
    assert_eq!(of("leaderworkersets", &spec, &status), expected);
}

#[test]
fn an_empty_one_of_any_kind_waits_and_one_being_deleted_goes() {
    for entry in WORKLOADS {
        let plural = entry.plural();
        for empty in [
            json!({}),
            json!({"metadata": {"name": "a"}, "spec": null, "status": []}),
        ] {
            let row = decode(plural, &empty.to_string());
            let s = JobStatus::of(&row, None);
            assert_eq!(s.phase.word(), "pending", "{plural}");
            assert!(row.api_version.starts_with(entry.group) && !row.pod_selectors().is_empty());
        }
        let mut going = object(&json!({}), &json!({}));
        going["metadata"]["deletionTimestamp"] = "2026-11-23T12:00:09Z".into();
        let row = decode(plural, &going.to_string());
        assert_eq!(
            JobStatus::of(&row, None).phase.word(),
            "terminating",
            "{plural}"
        );
    }
}

#[test]
fn queue_and_priority_labels_are_read_of_any_kind() {
    for entry in WORKLOADS {
        let mut labelled = object(&json!({}), &json!({"surprise": {"of": [1, null]}}));
        labelled["metadata"]["labels"] =
            json!({"kueue.x-k8s.io/queue-name": "main", "kueue.x-k8s.io/priority-class": "low"});
        let row = decode(entry.plural(), &labelled.to_string());
        assert_eq!(
            (row.queue.as_deref(), row.priority_class.as_deref()),
            (Some("main"), Some("low"))
        );
        assert_eq!(
            (&**row.owner_hint(), row.kind.plural),
            ("ml", entry.plural())
        );
    }
}

#[test]
fn v1_and_v2_of_an_mpijob_label_their_pods_differently() {
    let selector = |version: &str| {
        let mut object = object(&json!({}), &json!({}));
        object["apiVersion"] = version.into();
        let row = decode("mpijobs", &object.to_string());
        assert_eq!(*row.api_version, *version);
        row.pod_selectors().remove(0)
    };
    assert!(selector("kubeflow.org/v1").ends_with("operator-name=mpijob-controller"));
    assert!(selector("kubeflow.org/v2beta1").ends_with("operator-name=mpi-operator"));
}

/// What CONTRIBUTING says about adding a kind is the code: the file it prints is the file, the line is a line, and
/// no file is without one.
#[test]
fn the_guide_the_list_and_the_files_agree() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let guide = std::fs::read_to_string(here.join("CONTRIBUTING.md")).unwrap();
    let folder = "src/cluster/wire/kinds";
    let example = std::fs::read_to_string(here.join(folder).join("jaxjob.rs")).unwrap();
    assert!(
        guide.contains(&format!("```rust\n{example}```")),
        "CONTRIBUTING.md does not print {folder}/jaxjob.rs as it is"
    );
    assert!(guide.contains(&format!("{folder}/mod.rs")) && guide.contains("\njaxjob;\n"));
    let mut files = BTreeSet::new();
    for entry in std::fs::read_dir(here.join(folder)).unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap();
        if let Some(name) = name.strip_suffix(".rs")
            && !["mod", "common", "tests"].contains(&name)
        {
            files.insert(name.to_owned());
        }
    }
    let listed: BTreeSet<String> = FILES.iter().map(|f| (*f).to_owned()).collect();
    assert_eq!(files, listed);
    let kinds: BTreeSet<&str> = WORKLOADS.iter().map(Entry::plural).collect();
    assert_eq!(kinds.len(), WORKLOADS.len(), "a plural twice");
    for entry in WORKLOADS {
        let Kind::Workload(kind) = entry.kind else {
            panic!("{} is no workload", entry.plural())
        };
        assert!(kind.short.len() <= 8 && !entry.versions.is_empty());
        assert!((2..=4).contains(&kind.letters().len()), "{kind:?}: letters");
        assert_eq!(
            crate::cluster::kinds::entry(entry.kind).plural(),
            entry.plural()
        );
    }
}

/// The terms and the facts only a kind of its own has, as its detail shows them.
#[rstest]
#[case::torch("pytorchjobs", json!({"nprocPerNode": "gpu", "elasticPolicy": {"minReplicas": 2, "maxReplicas": 8, "maxRestarts": 3},
    "runPolicy": {"cleanPodPolicy": "Running", "schedulingPolicy": {"minAvailable": 3}},
    "pytorchReplicaSpecs": {"Worker": {"restartPolicy": "OnFailure"}, "Master": {"restartPolicy": "OnFailure"}}}), Value::Null,
    "1 Master · 1 Worker · elastic 2–8 workers, 3 restarts · gpu processes per node · gang of 3 · restart OnFailure · running pods go at its end")]
#[case::old_torch("pytorchjobs", json!({"cleanPodPolicy": "None", "nprocPerNode": 4, "pytorchReplicaSpecs": {"Worker": {}}}), Value::Null,
    "1 Worker · 4 processes per node · its pods stay")]
#[case::tf("tfjobs", json!({"successPolicy": "AllWorkers", "tfReplicaSpecs": {"PS": {"restartPolicy": "Never"}, "Chief": {"restartPolicy": "ExitCode"}}}), Value::Null,
    "1 Chief · 1 PS · done when all workers are · restart Chief ExitCode, PS Never")]
#[case::mpi("mpijobs", json!({"slotsPerWorker": 8, "launcherCreationPolicy": "WaitForWorkersReady", "runLauncherAsWorker": true,
    "runPolicy": {"cleanPodPolicy": "All", "ttlSecondsAfterFinished": 60}, "mpiReplicaSpecs": {"Worker": {"replicas": 4}}}), Value::Null,
    "4 Worker · 8 slots per worker · launcher waits for the workers · launcher works too · its pods go at its end · deleted 1m00s after its end")]
#[case::jobset("jobsets", json!({"replicatedJobs": replicated(), "failurePolicy": {"maxRestarts": 3}, "startupPolicy": {"startupPolicyOrder": "InOrder"},
    "successPolicy": {"operator": "Any", "targetReplicatedJobs": ["leader"]}}), Value::Null,
    "1 leader · 4 × 2 workers · 3 restarts of all · done when any of leader is · starts in order")]
#[case::train("trainjobs", json!({"runtimeRef": {"name": "torch"}, "trainer": {"numNodes": 4, "numProcPerNode": 8}}),
    json!({"trainerStatus": {"progressPercentage": 42, "lastUpdatedTime": "2026-11-23T12:10:05Z", "metrics": [{"name": "loss", "value": "0.31"}, {"name": "epoch", "value": 3}, {}]}}),
    "4 node · from ClusterTrainingRuntime/torch · 8 processes per node | loss 0.31 | epoch 3 | reported 12:10:05 UTC")]
#[case::ray("rayjobs", json!({"entrypoint": "python a.py", "shutdownAfterJobFinishes": true, "ttlSecondsAfterFinished": 300, "submissionMode": "HTTPMode", "rayClusterSpec":
    {"enableInTreeAutoscaling": true, "workerGroupSpecs": [{"groupName": "gpu", "minReplicas": 1, "maxReplicas": 4}]}}),
    json!({"jobStatus": "RUNNING", "jobDeploymentStatus": "Running", "dashboardURL": "a-head-svc.ml.svc.cluster.local:8265", "rayClusterName": "a-x7", "jobId": "a-9"}),
    "1 gpu · runs `python a.py` · submitted over HTTP · its cluster goes 5m00s after its end · gpu scales 1–4 | application RUNNING | deployment Running | \
     dashboard a-head-svc.ml.svc.cluster.local:8265 | cluster a-x7 | job id a-9")]
#[case::raycluster("rayclusters", ray(), json!({"state": "ready", "head": {"serviceIP": "10.1.2.3"}, "endpoints": {"dashboard": "8265"}}),
    "1 head · 4 gpu · 1 cpu | state ready | dashboard 10.1.2.3:8265")]
#[case::lws("leaderworkersets", json!({"replicas": 2, "leaderWorkerTemplate": {"size": 4, "restartPolicy": "RecreateGroupOnPodRestart"}}), Value::Null,
    "2 leader · 2 × 3 worker · a group begins again when a pod of it does")]
fn what_only_a_kind_has(
    #[case] plural: &str,
    #[case] spec: Value,
    #[case] status: Value,
    #[case] expected: &str,
) {
    let row = decode(plural, &object(&spec, &status).to_string());
    let mut line = crate::model::policy::summary(&row).join(" · ");
    for (what, said) in &row.told {
        line.push_str(&format!(" | {what} {said}"));
    }
    assert_eq!(line, expected);
}

#[test]
fn a_jobset_says_what_comes_after_what() {
    let after = |order: &str, depends: Value| {
        let mut jobs = replicated();
        jobs[1]["dependsOn"] = depends;
        let spec = json!({"replicatedJobs": jobs, "startupPolicy": {"startupPolicyOrder": order}});
        let row = decode("jobsets", &object(&spec, &Value::Null).to_string());
        let after = row
            .roles
            .iter()
            .map(|role| role.after.as_deref().map(str::to_owned));
        after.collect::<Vec<_>>()
    };
    let leader = || Some("leader".to_owned());
    assert_eq!(after("AnyOrder", Value::Null), [None, None]);
    assert_eq!(after("InOrder", Value::Null), [None, leader()]);
    let depends = json!([{"name": "leader", "status": "Complete"}]);
    assert_eq!(after("AnyOrder", depends), [None, leader()]);
}

#[rstest]
#[case::kubeflow(json!({"training.kubeflow.org/replica-type": "worker", "training.kubeflow.org/replica-index": "3"}), None, "worker 3 0")]
#[case::garbled(json!({"training.kubeflow.org/replica-type": "worker", "training.kubeflow.org/replica-index": "-3"}), None, "worker ? 0")]
#[case::mpi_worker(json!({"training.kubeflow.org/operator-name": "mpi-operator", "training.kubeflow.org/job-role": "worker", "training.kubeflow.org/replica-index": "8"}), None, "worker 7 0")]
#[case::mpi_launcher(json!({"training.kubeflow.org/operator-name": "mpi-operator", "training.kubeflow.org/job-role": "launcher"}), None, "launcher ? 0")]
#[case::jobset(json!({"jobset.sigs.k8s.io/replicatedjob-name": "node", "jobset.sigs.k8s.io/job-index": "2"}), Some(5), "node 2 5")]
#[case::ray_head(json!({"ray.io/node-type": "head", "ray.io/group": "headgroup"}), None, "head ? 0")]
#[case::ray_worker(json!({"ray.io/node-type": "worker", "ray.io/group": "gpu"}), None, "gpu ? 0")]
#[case::leader(json!({"leaderworkerset.sigs.k8s.io/name": "a", "leaderworkerset.sigs.k8s.io/group-index": "1", "leaderworkerset.sigs.k8s.io/worker-index": "0"}), None, "leader 1 0")]
#[case::follower(json!({"leaderworkerset.sigs.k8s.io/name": "a", "leaderworkerset.sigs.k8s.io/group-index": "1", "leaderworkerset.sigs.k8s.io/worker-index": "3"}), None, "worker 1 2")]
#[case::plain(json!({"app": "web"}), Some(1), "none")]
fn labels_tell_the_place(
    #[case] labels: serde_json::Value,
    #[case] index: Option<u32>,
    #[case] expected: &str,
) {
    let meta: Meta =
        serde_json::from_value(json!({"name": "pi-worker-7", "labels": labels})).unwrap();
    let got = replica(&meta, index, &mut Names::default()).map_or("none".into(), |r| {
        let number = r.number.map_or("?".into(), |n| n.to_string());
        format!("{} {number} {}", r.role, r.within)
    });
    assert_eq!(got, expected);
}
