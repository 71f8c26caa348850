//! PyTorchJobs from creation to each of their ends.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::demo::api::write::{Cluster, Writer};
use crate::demo::clock::Clock;
use crate::demo::crds;
use crate::demo::world::World;

fn world() -> World {
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
    let nodes = world.kinds().nodes;
    world
        .cluster
        .create(nodes, "", node, &Writer::new("test"))
        .unwrap();
    world.settle();
    world
}

fn spec(policy: &str, master: &str, worker: &str) -> Value {
    let role = |replicas: u64, script: &str| {
        json!({"replicas": replicas, "restartPolicy": policy, "template": {"spec": {"containers": [
            {"name": "pytorch", "image": "busybox:1.36", "command": ["sh", "-c", script]}]}}})
    };
    json!({"pytorchReplicaSpecs": {"Master": role(1, master), "Worker": role(2, worker)}})
}

fn submit(world: &mut World, spec: Value) {
    let kind = world
        .cluster
        .store
        .kind_id("kubeflow.org", "pytorchjobs")
        .unwrap();
    let value = json!({"metadata": {"name": "mnist"}, "spec": spec});
    world
        .cluster
        .create(kind, "default", value, &Writer::new("kubectl"))
        .unwrap();
    world.settle();
}

fn run(world: &mut World, seconds: i64) {
    let to = world.cluster.clock.now() + TimeDelta::seconds(seconds);
    world.advance_to(to);
}

fn job(world: &World) -> Value {
    let kind = world
        .cluster
        .store
        .kind_id("kubeflow.org", "pytorchjobs")
        .unwrap();
    world
        .cluster
        .store
        .get(kind, "default", "mnist")
        .unwrap()
        .value()
}

fn conditions(world: &World) -> Vec<String> {
    let job = job(world);
    let all = job["status"]["conditions"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    all.iter()
        .map(|c| {
            format!(
                "{}={}",
                c["type"].as_str().unwrap(),
                c["status"].as_str().unwrap()
            )
        })
        .collect()
}

fn pods(world: &World) -> Vec<String> {
    let all = world.objects("pods", "default");
    all.iter().map(|p| p.name.clone()).collect()
}

#[test]
fn a_job_runs_and_ends_with_its_master() {
    let mut w = world();
    submit(&mut w, spec("OnFailure", "sleep 60", "sleep 600"));
    assert_eq!(
        pods(&w),
        ["mnist-master-0", "mnist-worker-0", "mnist-worker-1"]
    );
    run(&mut w, 30);
    assert_eq!(conditions(&w), ["Created=True", "Running=True"]);
    let status = job(&w)["status"].clone();
    assert_eq!(status["replicaStatuses"]["Worker"]["active"], 2);
    assert_eq!(
        status["replicaStatuses"]["Master"]["selector"],
        "training.kubeflow.org/job-name=mnist,training.kubeflow.org/operator-name=pytorchjob-controller,training.kubeflow.org/replica-type=master"
    );
    let worker = w.object("pods", "default", "mnist-worker-1").unwrap();
    let env = worker["spec"]["containers"][0]["env"].as_array().unwrap();
    let value = |name: &str| {
        env.iter()
            .find(|e| e["name"] == name)
            .map(|e| e["value"].as_str().unwrap())
    };
    assert_eq!(value("MASTER_ADDR"), Some("mnist-master-0"));
    assert_eq!((value("WORLD_SIZE"), value("RANK")), (Some("3"), Some("2")));
    assert_eq!(
        worker["metadata"]["labels"]["training.kubeflow.org/replica-index"],
        "1"
    );
    run(&mut w, 90);
    assert_eq!(
        conditions(&w),
        ["Created=True", "Running=False", "Succeeded=True"]
    );
    assert!(job(&w)["status"]["completionTime"].is_string());
    assert_eq!(pods(&w).len(), 3, "the default is to clean nothing");
}

#[test]
fn a_failed_worker_fails_the_job_and_the_running_ones_are_cleaned() {
    let mut w = world();
    let worker = "if [ $RANK -eq 2 ]; then sleep 5; exit 3; fi; sleep 600";
    let mut spec = spec("Never", "sleep 600", worker);
    spec["runPolicy"] = json!({"cleanPodPolicy": "Running"});
    submit(&mut w, spec);
    run(&mut w, 120);
    assert_eq!(
        conditions(&w),
        ["Created=True", "Running=False", "Failed=True"]
    );
    let failed = job(&w)["status"]["conditions"][2].clone();
    assert_eq!(failed["reason"], "PyTorchJobFailed");
    assert_eq!(pods(&w), ["mnist-worker-1"], "what has ended is kept");
}

#[test]
fn an_exit_code_that_may_be_tried_again_is() {
    let mut w = world();
    submit(&mut w, spec("ExitCode", "sleep 600", "sleep 5; exit 137"));
    let first = w.object("pods", "default", "mnist-worker-0").unwrap();
    run(&mut w, 60);
    let second = w.object("pods", "default", "mnist-worker-0").unwrap();
    assert_ne!(first["metadata"]["uid"], second["metadata"]["uid"]);
    assert!(!conditions(&w).contains(&"Failed=True".to_owned()));
}

#[test]
fn a_suspended_job_has_no_pods() {
    let mut w = world();
    submit(&mut w, spec("OnFailure", "sleep 600", "sleep 600"));
    run(&mut w, 30);
    let mut value = job(&w);
    value["spec"]["runPolicy"] = json!({"suspend": true});
    let kind = w
        .cluster
        .store
        .kind_id("kubeflow.org", "pytorchjobs")
        .unwrap();
    w.cluster
        .update(kind, value.clone(), &Writer::new("kubectl"))
        .unwrap();
    run(&mut w, 60);
    assert!(pods(&w).is_empty());
    assert_eq!(
        conditions(&w),
        ["Created=True", "Running=False", "Suspended=True"]
    );
    assert!(job(&w)["status"]["startTime"].is_null());
    value["spec"]["runPolicy"] = json!({"suspend": false});
    value["metadata"]["resourceVersion"] = json!("");
    w.cluster
        .update(kind, value, &Writer::new("kubectl"))
        .unwrap();
    run(&mut w, 30);
    assert_eq!(
        conditions(&w),
        ["Created=True", "Suspended=False", "Running=True"]
    );
    assert_eq!(pods(&w).len(), 3);
}
