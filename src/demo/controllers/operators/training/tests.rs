//! Training jobs of every kind from creation to each of their ends.

use chrono::TimeDelta;
use rstest::rstest;
use serde_json::{Value, json};

use super::frameworks::Framework;
use super::{JAX, PADDLE, PYTORCH, TENSORFLOW, XGBOOST};
use crate::api::write::{Cluster, Delete, Writer};
use crate::clock::Clock;
use crate::crds;
use crate::world::World;

/// A cluster of one node, and one job on it.
struct Bench {
    world: World,
    framework: Framework,
}

fn bench(framework: Framework) -> Bench {
    let start = "2026-03-02T09:00:00Z".parse().unwrap();
    let mut cluster = Cluster::new(Clock::stepped(start, 1.0), 7);
    crds::install(&mut cluster);
    let mut world = World::new(cluster);
    let node = json!({
        "metadata": {"name": "node-a", "labels": {"kubernetes.io/hostname": "node-a"}},
        "status": {
            "allocatable": {"cpu": "16", "memory": "64Gi", "pods": "110"},
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    });
    let (nodes, by) = (world.kinds().nodes, Writer::new("test"));
    world.cluster.create(nodes, "", node, &by).unwrap();
    world.settle();
    Bench { world, framework }
}

/// A role of so many replicas that run a script.
fn role(container: &str, replicas: u64, policy: &str, script: &str) -> Value {
    json!({"replicas": replicas, "restartPolicy": policy, "template": {"spec": {"containers": [
        {"name": container, "image": "busybox:1.36", "command": ["sh", "-c", script]}]}}})
}

impl Bench {
    fn plural(&self) -> String {
        format!("{}s", self.framework.kind.to_lowercase())
    }

    /// Submits a job with `(role, replicas, script)` and a run policy.
    fn submit(&mut self, policy: &str, roles: &[(&str, u64, &str)], more: Value) {
        let mut spec = more;
        for (name, replicas, script) in roles {
            spec[self.framework.replicas][*name] =
                role(self.framework.container, *replicas, policy, script);
        }
        let kind = self
            .world
            .cluster
            .store
            .kind_id("kubeflow.org", &self.plural());
        let value = json!({"metadata": {"name": "mnist"}, "spec": spec});
        let by = Writer::new("kubectl");
        let made = self
            .world
            .cluster
            .create(kind.unwrap(), "default", value, &by);
        made.unwrap();
        self.world.settle();
    }

    fn run(&mut self, seconds: i64) {
        let to = self.world.cluster.clock.now() + TimeDelta::seconds(seconds);
        self.world.advance_to(to);
    }

    fn job(&self) -> Value {
        self.world
            .object(&self.plural(), "default", "mnist")
            .unwrap()
    }

    fn edit(&mut self, change: impl FnOnce(&mut Value)) {
        let kind = self
            .world
            .cluster
            .store
            .kind_id("kubeflow.org", &self.plural());
        let mut value = self.job();
        change(&mut value);
        let by = Writer::new("kubectl");
        self.world
            .cluster
            .update(kind.unwrap(), value, &by)
            .unwrap();
    }

    fn conditions(&self) -> Vec<String> {
        let job = self.job();
        let all = job["status"]["conditions"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let text = |v: &Value| v.as_str().unwrap().to_owned();
        all.iter()
            .map(|c| format!("{}={}", text(&c["type"]), text(&c["status"])))
            .collect()
    }

    /// The last condition's reason and message.
    fn last(&self) -> (String, String) {
        let job = self.job();
        let last = job["status"]["conditions"]
            .as_array()
            .unwrap()
            .last()
            .unwrap();
        let text = |f: &str| last[f].as_str().unwrap().to_owned();
        (text("reason"), text("message"))
    }

    fn names(&self, plural: &str) -> Vec<String> {
        let all = self.world.objects(plural, "default");
        all.iter().map(|p| p.name.clone()).collect()
    }

    fn pod(&self, name: &str) -> Value {
        self.world.object("pods", "default", name).unwrap()
    }

    fn variable(&self, pod: &str, name: &str) -> Option<String> {
        let pod = self.pod(pod);
        let all = pod["spec"]["containers"][0]["env"].as_array().cloned()?;
        let found = all.into_iter().find(|e| e["name"] == name)?;
        Some(found["value"].as_str()?.to_owned())
    }

    fn events(&self) -> Vec<String> {
        let all = self.world.objects("events", "default");
        let all = all.iter().map(|e| e.value());
        let all = all.filter(|e| e["involvedObject"]["kind"] == self.framework.kind);
        let text = |v: &Value| v.as_str().unwrap().to_owned();
        all.map(|e| format!("{} {}", text(&e["reason"]), text(&e["message"])))
            .collect()
    }
}

#[test]
fn a_job_runs_and_ends_with_its_master() {
    let mut b = bench(PYTORCH);
    b.submit(
        "OnFailure",
        &[("Master", 1, "sleep 120"), ("Worker", 2, "sleep 600")],
        json!({}),
    );
    let names = ["mnist-master-0", "mnist-worker-0", "mnist-worker-1"];
    assert_eq!(
        (b.names("pods"), b.names("services")),
        (
            names.map(str::to_owned).into(),
            names.map(str::to_owned).into()
        )
    );
    b.run(60);
    assert_eq!(b.conditions(), ["Created=True", "Running=True"]);
    assert_eq!(
        b.last(),
        (
            "PyTorchJobRunning".into(),
            "PyTorchJob mnist is running.".into()
        )
    );
    let status = b.job()["status"].clone();
    assert_eq!(status["replicaStatuses"]["Worker"]["active"], 2);
    assert_eq!(
        status["replicaStatuses"]["Master"]["selector"],
        "training.kubeflow.org/job-name=mnist,training.kubeflow.org/operator-name=pytorchjob-controller,training.kubeflow.org/replica-type=master"
    );
    let value = |name: &str| b.variable("mnist-worker-1", name).unwrap();
    assert_eq!(
        (value("MASTER_ADDR"), value("MASTER_PORT")),
        ("mnist-master-0".into(), "23456".into())
    );
    assert_eq!(
        (value("WORLD_SIZE"), value("RANK"), value("PET_NNODES")),
        ("3".into(), "2".into(), "3".into())
    );
    let worker = b.pod("mnist-worker-1");
    assert_eq!(worker["spec"]["initContainers"][0]["name"], "init-pytorch");
    assert_eq!(
        worker["metadata"]["labels"]["training.kubeflow.org/replica-index"],
        "1"
    );
    let master = b.pod("mnist-master-0");
    assert_eq!(
        master["metadata"]["labels"]["training.kubeflow.org/job-role"],
        "master"
    );
    b.run(120);
    assert_eq!(
        b.conditions(),
        ["Created=True", "Running=False", "Succeeded=True"]
    );
    assert_eq!(b.last().1, "PyTorchJob mnist is successfully completed.");
    let status = b.job()["status"].clone();
    assert!(status["completionTime"].is_string());
    assert_eq!(b.names("pods").len(), 3, "the default is to clean nothing");
    // The operator counts those that still run as done.
    assert_eq!(status["replicaStatuses"]["Worker"]["succeeded"], 2);
    let events = b.events();
    for event in [
        "SuccessfulCreatePod Created pod: mnist-worker-1",
        "SuccessfulCreateService Created service: mnist-master-0",
        "ExitedWithCode Pod: default.mnist-master-0 exited with code 0",
        "PyTorchJobSucceeded PyTorchJob mnist is successfully completed.",
    ] {
        assert!(events.contains(&event.to_owned()), "{event}: {events:#?}");
    }
}

#[test]
fn a_failed_worker_fails_the_job_and_the_running_ones_are_cleaned() {
    let mut b = bench(PYTORCH);
    let worker = "if [ $RANK -eq 2 ]; then sleep 5; exit 3; fi; sleep 600";
    let policy = json!({"runPolicy": {"cleanPodPolicy": "Running"}});
    b.submit(
        "Never",
        &[("Master", 1, "sleep 600"), ("Worker", 2, worker)],
        policy,
    );
    b.run(150);
    assert_eq!(
        b.conditions(),
        ["Created=True", "Running=False", "Failed=True"]
    );
    let text = "PyTorchJob mnist is failed because 1 Worker replica(s) failed.";
    assert_eq!(b.last(), ("PyTorchJobFailed".into(), text.into()));
    assert_eq!(
        b.names("pods"),
        ["mnist-worker-1"],
        "what has ended is kept"
    );
    assert_eq!(b.names("services"), ["mnist-worker-1"]);
}

#[test]
fn exit_codes_are_tried_again_or_final() {
    let mut b = bench(PYTORCH);
    b.submit("ExitCode", &[("Worker", 1, "sleep 5; exit 137")], json!({}));
    let first = b.pod("mnist-worker-0");
    assert_eq!(first["spec"]["restartPolicy"], "Never");
    let mut seen = false;
    for _ in 0..40 {
        b.run(1);
        seen |= b.conditions().contains(&"Restarting=True".to_owned());
    }
    let second = b.pod("mnist-worker-0");
    assert_ne!(first["metadata"]["uid"], second["metadata"]["uid"]);
    assert!(seen && !b.conditions().contains(&"Failed=True".to_owned()));
    let text = "PyTorchJobRestarting job mnist is restarting because Worker replica(s) failed.";
    assert!(b.events().contains(&text.to_owned()));

    let mut b = bench(PYTORCH);
    b.submit("ExitCode", &[("Worker", 1, "sleep 5; exit 1")], json!({}));
    b.run(60);
    let text = "job \"mnist\" is failing because \"Worker\" replica(s) failed.";
    assert_eq!(b.last(), ("PyTorchJobFailed".into(), text.into()));
    // So it is with the real one: this way to fail sets no time.
    assert!(b.job()["status"]["completionTime"].is_null());
}

#[rstest]
#[case::tried_again("OnFailure", "Running=True")]
#[case::given_up("Never", "Failed=True")]
fn a_pod_that_somebody_deletes_counts_as_failed(#[case] policy: &str, #[case] end: &str) {
    let mut b = bench(PYTORCH);
    // a name in small letters is as good
    b.submit(
        policy,
        &[("master", 1, "sleep 900"), ("worker", 2, "sleep 900")],
        json!({}),
    );
    b.run(60);
    assert_eq!(b.last().0, "PyTorchJobRunning");
    let (pods, how) = (b.world.kinds().pods, Delete::default());
    let gone = b
        .world
        .cluster
        .delete(pods, "default", "mnist-worker-1", &how);
    gone.unwrap();
    b.run(5);
    let words = ["restarting", "failed"][usize::from(policy == "Never")];
    let text = format!("PyTorchJob mnist is {words} because 1 Worker replica(s) failed.");
    assert_eq!(b.last().1, text);
    b.run(90);
    assert_eq!(b.conditions().last().unwrap(), end);
}

#[test]
fn a_suspended_job_has_no_pods() {
    let mut b = bench(PYTORCH);
    b.submit(
        "OnFailure",
        &[("Master", 1, "sleep 600"), ("Worker", 2, "sleep 600")],
        json!({}),
    );
    b.run(60);
    let before = b.job()["status"]["startTime"].clone();
    b.edit(|job| job["spec"]["runPolicy"] = json!({"suspend": true}));
    b.run(60);
    assert!(b.names("pods").is_empty() && b.names("services").is_empty());
    assert_eq!(
        b.conditions(),
        ["Created=True", "Running=False", "Suspended=True"]
    );
    assert!(b.job()["status"]["replicaStatuses"]["Worker"]["active"].is_null());
    b.edit(|job| job["spec"]["runPolicy"]["suspend"] = json!(false));
    b.run(60);
    assert_eq!(
        b.conditions(),
        ["Created=True", "Suspended=False", "Running=True"]
    );
    assert_eq!(b.names("pods").len(), 3);
    assert_ne!(b.job()["status"]["startTime"], before);
}

#[test]
fn a_job_that_begins_suspended_has_only_conditions() {
    let mut b = bench(JAX);
    b.submit(
        "Never",
        &[("Worker", 2, "sleep 60")],
        json!({"runPolicy": {"suspend": true}}),
    );
    b.run(30);
    let status = b.job()["status"].clone();
    assert_eq!(b.conditions(), ["Created=True", "Suspended=True"]);
    assert_eq!(status.as_object().unwrap().len(), 1, "{status}");
}

#[test]
fn a_foreign_manager_is_left_alone() {
    let mut b = bench(PYTORCH);
    let policy = json!({"runPolicy": {"managedBy": "kueue.x-k8s.io/multikueue"}});
    b.submit("OnFailure", &[("Worker", 1, "sleep 60")], policy);
    b.run(30);
    assert!(b.names("pods").is_empty() && b.job()["status"].is_null());
}

#[test]
fn limits_end_a_job() {
    let mut b = bench(PYTORCH);
    b.submit(
        "OnFailure",
        &[("Worker", 1, "sleep 5; exit 1")],
        json!({"runPolicy": {"backoffLimit": 2}}),
    );
    b.run(300);
    assert_eq!(
        b.last().1,
        "Job mnist has failed because it has reached the specified backoff limit"
    );
    assert!(b.names("pods").is_empty());

    let mut b = bench(PYTORCH);
    let policy =
        json!({"runPolicy": {"activeDeadlineSeconds": 40, "ttlSecondsAfterFinished": 100}});
    b.submit("OnFailure", &[("Worker", 1, "sleep 600")], policy);
    b.run(39);
    assert_eq!(b.conditions().last().unwrap(), "Running=True");
    b.run(2);
    assert_eq!(
        b.last().1,
        "Job mnist has failed because it was active longer than specified deadline"
    );
    b.run(120);
    assert!(
        b.world.object("pytorchjobs", "default", "mnist").is_none(),
        "its time to live is over"
    );
}

#[test]
fn a_worker_without_a_place_is_told_of() {
    let mut b = bench(PADDLE);
    let mut spec = json!({});
    spec["paddleReplicaSpecs"]["Worker"] = role("paddle", 2, "OnFailure", "sleep 600");
    spec["paddleReplicaSpecs"]["Worker"]["template"]["spec"]["containers"][0]["resources"] =
        json!({"requests": {"cpu": 9}});
    b.submit("OnFailure", &[], spec);
    b.run(60);
    assert_eq!(b.conditions(), ["Created=True", "Running=True"]);
    assert_eq!(b.job()["status"]["replicaStatuses"]["Worker"]["active"], 1);
    let events = b.events();
    let waits = "Unschedulable Error pod mnist-worker-1 condition message: 0/1 nodes are available";
    assert!(events.iter().any(|e| e.starts_with(waits)), "{events:#?}");
}

#[test]
fn tensorflow_is_told_of_its_cluster_and_follows_the_first_worker() {
    let mut b = bench(TENSORFLOW);
    let worker = "echo $TF_CONFIG | grep -c '\"index\":0' && sleep 60 || sleep 600";
    b.submit(
        "Never",
        &[("PS", 1, "sleep 900"), ("Worker", 2, worker)],
        json!({}),
    );
    b.run(30);
    let config: Value =
        serde_json::from_str(&b.variable("mnist-worker-1", "TF_CONFIG").unwrap()).unwrap();
    assert_eq!(
        config,
        json!({
            "cluster": {
                "ps": ["mnist-ps-0.default.svc:2222"],
                "worker": ["mnist-worker-0.default.svc:2222", "mnist-worker-1.default.svc:2222"],
            },
            "task": {"type": "worker", "index": 1}, "environment": "cloud",
        })
    );
    assert_eq!(b.last().1, "TFJob default/mnist is running.");
    assert!(b.job()["status"]["replicaStatuses"]["Worker"]["selector"].is_null());
    b.run(60);
    assert_eq!(
        b.conditions(),
        ["Created=True", "Running=False", "Succeeded=True"]
    );
    assert_eq!(b.last().1, "TFJob default/mnist successfully completed.");
}

#[test]
fn a_success_policy_waits_for_all_workers() {
    let mut b = bench(TENSORFLOW);
    let worker = "echo $TF_CONFIG | grep -c '\"index\":0' && sleep 30 || sleep 200";
    b.submit(
        "Never",
        &[("Worker", 2, worker)],
        json!({"successPolicy": "AllWorkers"}),
    );
    b.run(100);
    assert_eq!(b.conditions(), ["Created=True", "Running=True"]);
    assert_eq!(
        b.job()["status"]["replicaStatuses"]["Worker"],
        json!({"active": 1, "succeeded": 1})
    );
    b.run(150);
    assert_eq!(b.conditions().last().unwrap(), "Succeeded=True");
}

#[rstest]
#[case::chief("Chief", "sleep 60", "Succeeded=True")]
#[case::master("Master", "sleep 60; exit 1", "Failed=True")]
fn a_chief_decides(#[case] chief: &str, #[case] script: &str, #[case] end: &str) {
    let mut b = bench(TENSORFLOW);
    b.submit(
        "Never",
        &[
            (chief, 1, script),
            ("Worker", 1, "sleep 5"),
            ("Evaluator", 1, "sleep 900"),
        ],
        json!({}),
    );
    b.run(40);
    assert_eq!(b.conditions(), ["Created=True", "Running=True"]);
    b.run(60);
    assert_eq!(b.conditions().last().unwrap(), end);
}

/// Where kinds differ only in words: their order of ends, and what they say.
#[rstest]
#[case::xgboost(XGBOOST, "Master", "XGBoostJob mnist is successfully completed.")]
#[case::paddle_led(PADDLE, "Master", "PaddleJob mnist is successfully completed.")]
#[case::paddle(PADDLE, "Worker", "PaddleJob default/mnist successfully completed.")]
#[case::jax(JAX, "Worker", "JAXJob default/mnist successfully completed.")]
fn who_ends_decides(#[case] framework: Framework, #[case] decides: &str, #[case] words: &str) {
    let mut b = bench(framework);
    let mut roles = vec![(decides, 1, "sleep 60")];
    if decides == "Master" {
        roles.push(("Worker", 2, "sleep 900"));
    }
    b.submit(
        "Never",
        &roles,
        json!({"runPolicy": {"cleanPodPolicy": "All"}}),
    );
    b.run(30);
    assert_eq!(b.conditions(), ["Created=True", "Running=True"]);
    b.run(120);
    assert_eq!(
        b.conditions(),
        ["Created=True", "Running=False", "Succeeded=True"]
    );
    assert_eq!(b.last().1, words);
    assert!(b.names("pods").is_empty());
}

#[rstest]
#[case(
    XGBOOST,
    "XGBoostJob mnist is failed because 1 Worker replica(s) failed."
)]
#[case(
    TENSORFLOW,
    "TFJob default/mnist has failed because 1 Worker replica(s) failed."
)]
#[case(JAX, "JAXJob mnist is failed because 1 Worker replica(s) failed.")]
fn a_worker_that_fails_is_named(#[case] framework: Framework, #[case] words: &str) {
    let led = framework.kind == "XGBoostJob";
    let mut b = bench(framework);
    let mut roles = vec![("Worker", 1, "sleep 5; exit 1")];
    if led {
        roles.push(("Master", 1, "sleep 900"));
    }
    b.submit("Never", &roles, json!({}));
    b.run(60);
    assert_eq!(
        b.conditions(),
        ["Created=True", "Running=False", "Failed=True"]
    );
    assert_eq!(b.last().1, words);
}

#[test]
fn processes_find_their_leader() {
    let mut b = bench(JAX);
    b.submit("Never", &[("Worker", 2, "sleep 60")], json!({}));
    let value = |b: &Bench, pod: &str, name: &str| b.variable(pod, name).unwrap();
    assert_eq!(
        value(&b, "mnist-worker-1", "COORDINATOR_ADDRESS"),
        "mnist-worker-0"
    );
    assert_eq!(
        (
            value(&b, "mnist-worker-1", "PROCESS_ID"),
            value(&b, "mnist-worker-1", "NUM_PROCESSES")
        ),
        ("1".into(), "2".into())
    );

    let mut b = bench(XGBOOST);
    b.submit(
        "Never",
        &[("Master", 1, "sleep 60"), ("Worker", 2, "sleep 60")],
        json!({}),
    );
    assert_eq!(value(&b, "mnist-worker-0", "RANK"), "1");
    assert_eq!(
        value(&b, "mnist-master-0", "WORKER_ADDRS"),
        "mnist-worker-0,mnist-worker-1"
    );

    let mut b = bench(PADDLE);
    b.submit("Never", &[("Worker", 2, "sleep 60")], json!({}));
    assert_eq!(
        value(&b, "mnist-worker-0", "PADDLE_MASTER"),
        "$(POD_IP_DUMMY):36543"
    );
    assert_eq!(
        value(&b, "mnist-worker-1", "PADDLE_MASTER"),
        "mnist-worker-0:36543"
    );
}

#[test]
fn an_elastic_job_meets_at_its_first_worker_and_one_success_is_enough() {
    let mut b = bench(PYTORCH);
    let elastic = json!({"elasticPolicy": {"minReplicas": 1, "maxReplicas": 3}});
    let script = "case $HOSTNAME in *-1) sleep 60;; *) sleep 900;; esac";
    b.submit("OnFailure", &[("Worker", 2, script)], elastic);
    assert_eq!(b.variable("mnist-worker-1", "PET_NNODES").unwrap(), "1:3");
    assert_eq!(
        b.variable("mnist-worker-1", "PET_RDZV_ENDPOINT").unwrap(),
        "mnist-worker-0:23456"
    );
    b.edit(|job| job["spec"]["pytorchReplicaSpecs"]["Worker"]["replicas"] = json!(3));
    b.run(30);
    assert_eq!(b.names("pods").len(), 3);
    b.edit(|job| job["spec"]["pytorchReplicaSpecs"]["Worker"]["replicas"] = json!(2));
    b.run(35);
    assert_eq!(b.names("pods"), ["mnist-worker-0", "mnist-worker-1"]);
    b.run(60);
    assert_eq!(
        b.last().1,
        "PyTorchJob default/mnist successfully completed."
    );
}
