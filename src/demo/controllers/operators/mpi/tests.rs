//! MPIJobs from creation to each of their ends.

use chrono::TimeDelta;
use rstest::rstest;
use serde_json::{Value, json};

use crate::api::write::{Cluster, Delete, Writer};
use crate::clock::Clock;
use crate::crds;
use crate::world::World;

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
    let (nodes, by) = (world.kinds().nodes, Writer::new("test"));
    world.cluster.create(nodes, "", node, &by).unwrap();
    world.settle();
    world
}

/// Submits an MPIJob of two workers; `more` is put over its spec.
fn submit(world: &mut World, launcher: &str, more: Value) {
    let mut spec = json!({"slotsPerWorker": 2, "mpiReplicaSpecs": {
        "Launcher": {"replicas": 1, "restartPolicy": "Never", "template": {"spec": {"containers": [
            {"name": "mpirun", "image": "busybox:1.36", "command": ["sh", "-c", launcher]}]}}},
        "Worker": {"replicas": 2, "template": {"spec": {"containers": [
            {"name": "worker", "image": "mpioperator/base:v0.6.0"}]}}},
    }});
    for (key, value) in more.as_object().unwrap() {
        spec[key] = value.clone();
    }
    let kind = world
        .cluster
        .store
        .kind_id("kubeflow.org", "mpijobs")
        .unwrap();
    let value = json!({"metadata": {"name": "pi"}, "spec": spec});
    let by = Writer::new("kubectl");
    world.cluster.create(kind, "default", value, &by).unwrap();
    world.settle();
}

fn run(world: &mut World, seconds: i64) {
    let to = world.cluster.clock.now() + TimeDelta::seconds(seconds);
    world.advance_to(to);
}

fn job(world: &World) -> Value {
    world.object("mpijobs", "default", "pi").unwrap()
}

fn edit(world: &mut World, change: impl FnOnce(&mut Value)) {
    let kind = world
        .cluster
        .store
        .kind_id("kubeflow.org", "mpijobs")
        .unwrap();
    let mut value = job(world);
    change(&mut value);
    world
        .cluster
        .update(kind, value, &Writer::new("kubectl"))
        .unwrap();
}

fn conditions(world: &World) -> Vec<String> {
    let job = job(world);
    let all = job["status"]["conditions"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let text = |v: &Value| v.as_str().unwrap().to_owned();
    all.iter()
        .map(|c| format!("{}={}", text(&c["type"]), text(&c["status"])))
        .collect()
}

fn workers(world: &World) -> Vec<String> {
    let all = world.objects("pods", "default");
    let names = all.iter().map(|p| p.name.clone());
    names.filter(|n| n.starts_with("pi-worker-")).collect()
}

fn launcher(world: &World) -> Option<Value> {
    world.object("jobs", "default", "pi-launcher")
}

#[test]
fn a_launcher_and_its_workers_run_and_the_launchers_end_is_the_end() {
    let mut w = world();
    submit(
        &mut w,
        "sleep 60",
        json!({"runPolicy": {"cleanPodPolicy": "Running"}}),
    );
    let made = launcher(&w).unwrap();
    assert_eq!(made["metadata"]["ownerReferences"][0]["kind"], "MPIJob");
    assert_eq!(made["spec"]["podReplacementPolicy"], "Failed");
    let labels = &made["spec"]["template"]["metadata"]["labels"];
    assert_eq!(labels["training.kubeflow.org/job-role"], "launcher");
    assert_eq!(
        labels["training.kubeflow.org/operator-name"],
        "mpi-operator"
    );
    assert_eq!(workers(&w), ["pi-worker-0", "pi-worker-1"]);
    let worker = w.object("pods", "default", "pi-worker-1").unwrap();
    assert_eq!(
        worker["metadata"]["labels"]["training.kubeflow.org/replica-index"],
        "1"
    );
    assert_eq!(worker["spec"]["subdomain"], "pi");
    assert_eq!(
        worker["spec"]["containers"][0]["command"],
        json!(["/usr/sbin/sshd", "-De"])
    );
    let hosts = "pi-worker-0.pi.default.svc slots=2\npi-worker-1.pi.default.svc slots=2\n";
    run(&mut w, 30);
    let config = w.object("configmaps", "default", "pi-config").unwrap();
    assert_eq!(config["data"]["hostfile"], hosts);
    assert_eq!(
        config["data"]["discover_hosts.sh"],
        "#!/bin/sh\necho pi-worker-0.pi.default.svc\necho pi-worker-1.pi.default.svc\n"
    );
    assert_eq!(
        w.object("services", "default", "pi").unwrap()["spec"]["clusterIP"],
        "None"
    );
    assert_eq!(conditions(&w), ["Created=True", "Running=True"]);
    let status = job(&w)["status"].clone();
    assert_eq!(
        status["replicaStatuses"],
        json!({"Launcher": {"active": 1}, "Worker": {"active": 2}})
    );
    run(&mut w, 90);
    assert_eq!(
        conditions(&w),
        ["Created=True", "Running=False", "Succeeded=True"]
    );
    let status = job(&w)["status"].clone();
    assert_eq!(
        status["replicaStatuses"],
        json!({"Launcher": {"succeeded": 1}, "Worker": {}})
    );
    assert_eq!(
        status["completionTime"],
        launcher(&w).unwrap()["status"]["completionTime"]
    );
    assert!(workers(&w).is_empty());
}

#[test]
fn a_launcher_can_wait_for_its_workers() {
    let mut w = world();
    let more = json!({"launcherCreationPolicy": "WaitForWorkersReady"});
    submit(&mut w, "sleep 600", more);
    assert_eq!((launcher(&w), workers(&w).len()), (None, 2));
    run(&mut w, 60);
    assert!(launcher(&w).is_some());
    assert_eq!(conditions(&w), ["Created=True", "Running=True"]);
}

#[test]
fn a_launcher_that_gives_up_fails_the_job_with_its_reason() {
    let mut w = world();
    submit(
        &mut w,
        "sleep 5; exit 3",
        json!({"runPolicy": {"backoffLimit": 1}}),
    );
    run(&mut w, 180);
    let status = job(&w)["status"].clone();
    assert_eq!(conditions(&w).last().unwrap(), "Failed=True");
    let last = status["conditions"]
        .as_array()
        .unwrap()
        .last()
        .unwrap()
        .clone();
    assert_eq!(last["reason"], "BackoffLimitExceeded/");
    assert_eq!(
        last["message"],
        "Job has reached the specified backoff limit: "
    );
    assert!(status["completionTime"].is_string());
    assert_eq!(status["replicaStatuses"]["Launcher"]["failed"], 2);
    assert_eq!(workers(&w).len(), 2, "the default is to clean nothing");
}

#[test]
fn a_suspended_job_has_no_workers_and_a_suspended_launcher() {
    let mut w = world();
    submit(&mut w, "sleep 600", json!({"runPolicy": {"suspend": true}}));
    run(&mut w, 30);
    assert!(workers(&w).is_empty() && job(&w)["status"]["startTime"].is_null());
    assert_eq!(launcher(&w).unwrap()["spec"]["suspend"], true);
    // Running comes last, though it never was: so the operator's column says "Running" of it.
    assert_eq!(
        conditions(&w),
        ["Created=True", "Suspended=True", "Running=False"]
    );
    edit(&mut w, |job| {
        job["spec"]["runPolicy"]["suspend"] = json!(false)
    });
    run(&mut w, 60);
    assert_eq!(
        conditions(&w),
        ["Created=True", "Suspended=False", "Running=True"]
    );
    assert_eq!(launcher(&w).unwrap()["spec"]["suspend"], false);
    edit(&mut w, |job| {
        job["spec"]["runPolicy"]["suspend"] = json!(true)
    });
    run(&mut w, 60);
    assert!(workers(&w).is_empty());
    assert_eq!(
        conditions(&w),
        ["Created=True", "Suspended=True", "Running=False"]
    );
    assert_eq!(w.objects("pods", "default").len(), 0);
}

#[rstest]
#[case(
    "Intel",
    "pi-worker-0.pi.default.svc:2\npi-worker-1.pi.default.svc:2\n",
    "I_MPI_HYDRA_HOST_FILE"
)]
#[case(
    "MPICH",
    "pi-worker-0.pi.default.svc:2\npi-worker-1.pi.default.svc:2\n",
    "HYDRA_HOST_FILE"
)]
fn hostfiles_are_in_the_words_of_the_implementation(
    #[case] mpi: &str,
    #[case] hosts: &str,
    #[case] variable: &str,
) {
    let mut w = world();
    submit(&mut w, "sleep 60", json!({"mpiImplementation": mpi}));
    let config = w.object("configmaps", "default", "pi-config").unwrap();
    assert_eq!(config["data"]["hostfile"], hosts);
    let launcher = launcher(&w).unwrap();
    let env = launcher["spec"]["template"]["spec"]["containers"][0]["env"].clone();
    let found = env
        .as_array()
        .unwrap()
        .iter()
        .find(|e| e["name"] == variable)
        .cloned();
    assert_eq!(found.unwrap()["value"], "/etc/mpi/hostfile");
}

#[test]
fn a_launcher_that_works_is_number_zero() {
    let mut w = world();
    submit(&mut w, "sleep 60", json!({"runLauncherAsWorker": true}));
    let config = w.object("configmaps", "default", "pi-config").unwrap();
    let hosts = config["data"]["hostfile"].as_str().unwrap();
    assert!(hosts.starts_with("pi-launcher.pi.default.svc slots=2\npi-worker-0."));
    let worker = w.object("pods", "default", "pi-worker-0").unwrap();
    assert_eq!(
        worker["metadata"]["labels"]["training.kubeflow.org/replica-index"],
        "1"
    );
}

#[test]
fn everything_goes_with_the_job() {
    let mut w = world();
    submit(&mut w, "sleep 600", json!({}));
    run(&mut w, 30);
    let kind = w.cluster.store.kind_id("kubeflow.org", "mpijobs").unwrap();
    let how = Delete {
        propagation: Some("Background".to_owned()),
        ..Delete::default()
    };
    w.cluster.delete(kind, "default", "pi", &how).unwrap();
    run(&mut w, 60);
    let left = |plural: &str| {
        let all = w.objects(plural, "default").into_iter();
        all.filter(|o| o.name.starts_with("pi")).count()
    };
    assert_eq!(
        ["pods", "jobs", "services", "configmaps", "secrets"].map(left),
        [0; 5]
    );
}
