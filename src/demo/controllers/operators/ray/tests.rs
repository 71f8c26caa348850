//! Ray clusters and jobs from creation to each of their ends.

use serde_json::{Value, json};

use crate::api::logs::{LogQuery, LogSource};
use crate::controllers::operators::tests::Stage;
use crate::logs::Logs;

fn template(cpu: &str) -> Value {
    json!({"spec": {"containers": [{"name": "ray", "image": "rayproject/ray:2.41.0",
        "resources": {"requests": {"cpu": cpu, "memory": "1Gi"}, "limits": {"memory": "1Gi"}}}]}})
}

fn cluster(replicas: u64) -> Value {
    json!({
        "rayVersion": "2.41.0",
        "headGroupSpec": {"rayStartParams": {"num-gpus": "0"}, "template": template("1")},
        "workerGroupSpecs": [{"groupName": "cpu", "replicas": replicas, "maxReplicas": 4, "template": template("2")}],
    })
}

fn job(entrypoint: &str) -> Value {
    json!({"entrypoint": entrypoint, "rayClusterSpec": cluster(1)})
}

const GOOD: &str = "python train.py --model=m --steps=60 --step-time=1 --warmup=1";

fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_default().to_owned()
}

/// Both statuses of the job `tune`.
fn both(s: &Stage) -> (String, String) {
    let status = s.get("rayjobs", "tune")["status"].clone();
    (
        text(&status, "jobStatus"),
        text(&status, "jobDeploymentStatus"),
    )
}

fn log(s: &Stage, pod: &str, container: &str) -> Vec<String> {
    let pod = s.get("pods", pod);
    let query = LogQuery {
        pod: &pod,
        container,
        previous: false,
        skip: 0,
    };
    let view = Logs.read(&s.0.cluster, query).unwrap();
    view.lines.into_iter().map(|l| l.text).collect()
}

#[test]
fn a_cluster_comes_up_and_says_where_it_is() {
    let mut s = Stage::new();
    s.create("RayCluster", "rc", cluster(2));
    let pods = s.names("pods");
    assert_eq!(pods.len(), 3);
    assert!(
        pods.iter()
            .any(|p| p.starts_with("rc-head-") && p.len() == 13),
        "{pods:?}"
    );
    assert_eq!(
        pods.iter()
            .filter(|p| p.starts_with("rc-cpu-worker-"))
            .count(),
        2
    );
    let worker = s.get("pods", &pods[0]);
    for (key, value) in [
        ("ray.io/cluster", "rc"),
        ("ray.io/node-type", "worker"),
        ("ray.io/group", "cpu"),
        ("ray.io/is-ray-node", "yes"),
        ("ray.io/identifier", "rc-worker"),
        ("app.kubernetes.io/created-by", "kuberay-operator"),
    ] {
        assert_eq!(worker["metadata"]["labels"][key], value);
    }
    assert_eq!(
        s.get("services", "rc-head-svc")["spec"]["clusterIP"],
        "None"
    );
    let early = s.get("rayclusters", "rc")["status"].clone();
    assert!(early["state"].is_null());
    assert_eq!(early["desiredWorkerReplicas"], 2);
    assert_eq!(
        (text(&early, "desiredCPU"), text(&early, "desiredMemory")),
        ("5".to_owned(), "3Gi".to_owned())
    );
    s.run(90);
    let status = s.get("rayclusters", "rc")["status"].clone();
    assert_eq!(status["state"], "ready");
    assert_eq!(
        (
            &status["readyWorkerReplicas"],
            &status["availableWorkerReplicas"]
        ),
        (&json!(2), &json!(2))
    );
    assert_eq!(status["endpoints"]["dashboard"], "8265");
    let head = pods.iter().find(|p| p.starts_with("rc-head-")).unwrap();
    assert_eq!(status["head"]["podName"], head.as_str());
    assert_eq!(
        status["head"]["podIP"],
        s.get("pods", head)["status"]["podIP"]
    );
    assert!(status["stateTransitionTimes"]["ready"].is_string());
    assert_eq!(
        s.conditions("rayclusters", "rc"),
        [
            "HeadPodReady=True HeadPodRunningAndReady",
            "RayClusterProvisioned=True AllPodRunningAndReadyFirstTime",
            "RayClusterSuspended=False RayClusterSuspended",
            "RayClusterSuspending=False RayClusterSuspending",
        ]
    );
    let events = s.events("rc");
    assert!(
        events.contains(&format!("CreatedHeadPod: Created head Pod default/{head}")),
        "{events:?}"
    );
    assert!(log(&s, head, "ray").contains(&"Ray runtime started.".to_owned()));
    assert!(log(&s, &pods[0], "wait-gcs-ready").contains(&"GCS is ready.".to_owned()));
}

#[test]
fn a_suspended_cluster_has_no_pods_and_comes_back() {
    let mut s = Stage::new();
    s.create("RayCluster", "rc", cluster(1));
    s.run(60);
    s.change("rayclusters", "rc", |v| v["spec"]["suspend"] = json!(true));
    s.run(90);
    assert!(s.names("pods").is_empty());
    assert_eq!(s.get("rayclusters", "rc")["status"]["state"], "suspended");
    let conditions = s.conditions("rayclusters", "rc");
    assert!(
        conditions.contains(&"RayClusterSuspended=True RayClusterSuspended".to_owned()),
        "{conditions:?}"
    );
    s.change("rayclusters", "rc", |v| v["spec"]["suspend"] = json!(false));
    s.run(90);
    assert_eq!(s.names("pods").len(), 2);
    assert_eq!(s.get("rayclusters", "rc")["status"]["state"], "ready");
}

#[test]
fn groups_grow_and_shrink_within_their_bounds() {
    let mut s = Stage::new();
    s.create("RayCluster", "rc", cluster(1));
    s.change("rayclusters", "rc", |v| {
        v["spec"]["workerGroupSpecs"][0]["replicas"] = json!(9)
    });
    s.run(60);
    assert_eq!(s.names("pods").len(), 5);
    s.change("rayclusters", "rc", |v| {
        v["spec"]["workerGroupSpecs"][0]["replicas"] = json!(0)
    });
    s.run(60);
    assert_eq!(s.names("pods").len(), 1);
    assert!(s.get("rayclusters", "rc")["status"]["desiredWorkerReplicas"].is_null());
}

#[test]
fn a_job_brings_a_cluster_runs_and_is_complete() {
    let mut s = Stage::new();
    let mut spec = job(GOOD);
    spec["shutdownAfterJobFinishes"] = json!(true);
    spec["ttlSecondsAfterFinished"] = json!(60);
    s.create("RayJob", "tune", spec);
    assert_eq!(both(&s), (String::new(), "Initializing".to_owned()));
    let status = s.get("rayjobs", "tune")["status"].clone();
    let name = text(&status, "rayClusterName");
    assert!(name.starts_with("tune-") && name.len() == 10);
    let cluster = s.get("rayclusters", &name);
    assert_eq!(
        cluster["metadata"]["labels"]["ray.io/originated-from-cr-name"],
        "tune"
    );
    assert_eq!(cluster["metadata"]["ownerReferences"][0]["kind"], "RayJob");
    let mut seen = Vec::new();
    for _ in 0..40 {
        s.run(5);
        let now = both(&s);
        if seen.last() != Some(&now) {
            seen.push(now);
        }
    }
    let seen: Vec<_> = seen.iter().map(|(a, b)| format!("{a}/{b}")).collect();
    assert_eq!(seen.first().unwrap(), "/Initializing");
    assert!(seen.contains(&"RUNNING/Running".to_owned()), "{seen:?}");
    assert_eq!(seen.last().unwrap(), "SUCCEEDED/Complete");
    let status = s.get("rayjobs", "tune")["status"].clone();
    assert_eq!(
        status["dashboardURL"],
        format!("{name}-head-svc.default.svc.cluster.local:8265")
    );
    assert!(text(&status, "jobId").starts_with("tune-"));
    assert!(status["startTime"].is_string() && status["endTime"].is_string());
    assert!(status["rayJobInfo"]["startTime"].as_str() < status["rayJobInfo"]["endTime"].as_str());
    assert_eq!(
        (&status["succeeded"], &status["failed"]),
        (&json!(1), &json!(0))
    );
    assert_eq!(status["message"], "Job finished successfully.");
    let submitter = s.names("pods").into_iter().find(|p| p.len() == 10).unwrap();
    let lines = log(&s, &submitter, "ray-job-submitter");
    assert!(
        lines[0].starts_with("Job submission server address: "),
        "{lines:?}"
    );
    assert_eq!(
        lines.last().unwrap(),
        &format!("Job '{}' succeeded", text(&status, "jobId"))
    );
    s.run(120);
    assert!(s.names("rayclusters").is_empty(), "it was shut down");
    assert_eq!(s.names("jobs"), ["tune"], "the submitter and its log stay");
}

#[test]
fn a_failing_program_fails_the_job_and_the_cluster_stays() {
    let mut s = Stage::new();
    s.create(
        "RayJob",
        "tune",
        job(&format!("{GOOD} --fail=bug --fail-at=20")),
    );
    s.run(200);
    assert_eq!(both(&s), ("FAILED".to_owned(), "Failed".to_owned()));
    let status = s.get("rayjobs", "tune")["status"].clone();
    assert_eq!(
        (&status["reason"], &status["failed"]),
        (&json!("AppFailed"), &json!(1))
    );
    assert!(text(&status, "message").starts_with("Job entrypoint command failed with exit code 1"));
    assert_eq!(s.names("rayclusters").len(), 1);
}

#[test]
fn a_job_that_may_be_tried_again_gets_another_cluster() {
    let mut s = Stage::new();
    let mut spec = job("python -c 'import sys; sys.exit(3)'");
    spec["backoffLimit"] = json!(1);
    s.create("RayJob", "tune", spec);
    let first = text(&s.get("rayjobs", "tune")["status"], "rayClusterName");
    s.run(600);
    assert_eq!(both(&s).1, "Failed");
    let status = s.get("rayjobs", "tune")["status"].clone();
    assert_eq!(status["failed"], 2);
    assert_ne!(text(&status, "rayClusterName"), first);
}

#[test]
fn a_suspended_job_lets_its_cluster_go() {
    let mut s = Stage::new();
    s.create("RayJob", "tune", job("sleep 3000"));
    s.run(90);
    assert_eq!(both(&s), ("RUNNING".to_owned(), "Running".to_owned()));
    s.change("rayjobs", "tune", |v| v["spec"]["suspend"] = json!(true));
    s.run(120);
    assert_eq!(both(&s), (String::new(), "Suspended".to_owned()));
    assert!(
        s.names("rayclusters").is_empty()
            && s.names("jobs").is_empty()
            && s.names("pods").is_empty()
    );
    s.change("rayjobs", "tune", |v| v["spec"]["suspend"] = json!(false));
    s.run(90);
    assert_eq!(both(&s).1, "Running");
}

#[test]
fn a_deadline_ends_a_job_and_deleting_one_takes_all_with_it() {
    let mut s = Stage::new();
    let mut spec = job("sleep 3000");
    spec["activeDeadlineSeconds"] = json!(120);
    s.create("RayJob", "tune", spec);
    s.run(200);
    assert_eq!(both(&s).1, "Failed");
    assert_eq!(
        s.get("rayjobs", "tune")["status"]["reason"],
        "DeadlineExceeded"
    );
    let kind = s.0.cluster.store.kind_id("ray.io", "rayjobs").unwrap();
    let gone =
        s.0.cluster
            .delete(kind, "default", "tune", &Default::default());
    assert!(gone.is_ok());
    s.run(120);
    for plural in ["rayjobs", "rayclusters", "jobs", "pods"] {
        assert!(s.names(plural).is_empty(), "{plural}");
    }
}
