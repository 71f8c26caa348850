//! Workload kinds over HTTP: found when they are installed, let go when they are removed, in the version there is;
//! and `jobdeck get` prints all of them as one.

use assert_cmd::Command;
use jobdeck::model::health::Health;
use jobdeck::model::want::{Kind, Selector, Want};
use serde_json::{Value, json};

use crate::harness::Client;
use crate::scripted::{Fault, Server};

const SETS: &str = "jobset.x-k8s.io/v1alpha2/jobsets";
const JOBS: &str = "batch/v1/jobs";
const TORCH: &str = "kubeflow.org/v1/pytorchjobs";

fn set(name: &str) -> Value {
    json!({"apiVersion": "jobset.x-k8s.io/v1alpha2", "kind": "JobSet",
        "metadata": {"name": name, "namespace": "ml", "creationTimestamp": "2026-11-23T12:00:00Z"},
        "spec": {"replicatedJobs": [{"name": "workers", "replicas": 2, "template": {"spec": {"parallelism": 2, "template": {"spec":
            {"containers": [{"resources": {"limits": {"nvidia.com/gpu": 4}}}]}}}}}]},
        "status": {"replicatedJobsStatus": [{"name": "workers", "active": 2, "ready": 2}]}})
}

fn child(name: &str, of: &str, active: u32) -> Value {
    json!({"metadata": {"name": name, "namespace": "ml", "creationTimestamp": "2026-11-23T12:00:01Z",
            "ownerReferences": [{"kind": "JobSet", "name": of, "uid": format!("uid-of-{of}"), "controller": true}]},
        "spec": {"parallelism": 2, "completions": 2, "template": {"spec":
            {"containers": [{"resources": {"limits": {"nvidia.com/gpu": 4}}}]}}},
        "status": {"active": active, "ready": active}})
}

#[tokio::test]
async fn kinds_come_and_go_while_it_watches() {
    let server = Server::start();
    let mut client = Client::open(&server).await;
    client.cluster.want(None, &[Want::Workloads]);
    client
        .until("told of no kind", |c| c.workloads.len() == 1)
        .await;
    assert!(client.workloads[0].is_empty());
    assert_eq!(
        server.asked_for(),
        Vec::<String>::new(),
        "an absent kind is asked for"
    );

    server.serve(SETS);
    server.put_custom(SETS, set("a"));
    client.until("a row", |c| c.model.jobs.len() == 1).await;
    assert_eq!(client.workloads.last().unwrap(), &["jobsets"]);

    server.withdraw(SETS);
    client.until("no row", |c| c.model.jobs.is_empty()).await;
    client
        .until("told of none", |c| c.workloads.last().unwrap().is_empty())
        .await;
    assert!(client.notices.is_empty(), "{:?}", client.notices);

    server.serve(SETS);
    server.put_custom(SETS, set("b"));
    client
        .until("a row again", |c| c.model.jobs.len() == 1)
        .await;
    let bad = |h: &Health| matches!(h, Health::Failing { .. } | Health::Stale { .. });
    assert!(
        !client.health.iter().any(|h| bad(&h.health)),
        "{:?}",
        client.health
    );
    client.cluster.want(None, &[]);
    client.until("let go", |c| c.model.jobs.is_empty()).await;
}

#[tokio::test]
async fn the_version_there_is_and_the_best_of_several() {
    let server = Server::start();
    let mpi = |version: &str, name: &str| json!({"apiVersion": format!("kubeflow.org/{version}"), "metadata": {"name": name, "namespace": "ml"}});
    server.serve("kubeflow.org/v1/mpijobs");
    server.put_custom("kubeflow.org/v1/mpijobs", mpi("v1", "old"));
    let mut client = Client::open(&server).await;
    client.cluster.want(None, &[Want::Workloads]);
    let names = |c: &Client| {
        c.model
            .jobs
            .rows()
            .map(|j| j.name.to_string())
            .collect::<Vec<_>>()
    };
    client.until("v1", |c| names(c) == ["old"]).await;
    // the other operator takes over
    server.serve("kubeflow.org/v2beta1/mpijobs");
    server.put_custom("kubeflow.org/v2beta1/mpijobs", mpi("v2beta1", "new"));
    client.until("v2beta1", |c| names(c) == ["new"]).await;
    server.withdraw("kubeflow.org/v2beta1/mpijobs");
    client.until("v1 again", |c| names(c) == ["old"]).await;
}

#[tokio::test]
async fn children_are_counted_once_by_their_parent_in_whatever_order_they_come() {
    let server = Server::start();
    server.serve(SETS);
    server.serve(JOBS);
    server.put_custom(SETS, set("a"));
    for n in 0..2 {
        server.put_custom(JOBS, child(&format!("a-workers-{n}"), "a", 2));
    }
    let mut client = Client::open(&server).await;
    client.cluster.want(
        None,
        &[Want::Watch(Kind::Job, Selector::All), Want::Workloads],
    );
    client.until("all rows", |c| c.model.jobs.len() == 3).await;
    let model = &client.model;
    let tops: Vec<_> = model
        .jobs
        .rows()
        .filter(|j| model.parent(j).is_none())
        .collect();
    let [top] = tops.as_slice() else {
        panic!("not folded: {tops:?}")
    };
    let status = model.status(top);
    assert_eq!((&*top.name, status.active, status.ready), ("a", 4, 4));
    assert_eq!(model.gpus(top).get("nvidia.com/gpu"), 16);
    assert_eq!(model.children(top.key).count(), 2);
    // without its parent a child stands for itself
    server.withdraw(SETS);
    client
        .until("the parent gone", |c| c.model.jobs.len() == 2)
        .await;
    let model = &client.model;
    assert!(model.jobs.rows().all(|j| model.parent(j).is_none()));
}

#[tokio::test]
async fn what_is_forbidden_of_all_kinds_is_one_sentence() {
    let server = Server::start();
    for resource in [SETS, JOBS, TORCH] {
        server.serve(resource);
    }
    server.put_custom(SETS, set("a"));
    server.put_custom(JOBS, child("a-workers-0", "a", 2));
    server.put("p", "Running");
    server.put_in("ml", "q", "Running");
    let wide = [SETS, JOBS, TORCH].map(|at| format!("/apis/{at}"));
    server.state().forbidden.extend(wide);
    server.state().allowed = Some(vec!["ml".into()]);
    let mut client = Client::open(&server).await;
    let watch = |kind| Want::Watch(kind, Selector::All);
    let wants = [watch(Kind::Job), watch(Kind::Pod), Want::Workloads];
    client.cluster.want(None, &wants);
    client
        .until("what is in ml", |c| {
            c.model.jobs.len() == 2 && c.rows().len() == 1
        })
        .await;
    let said: Vec<&str> = client.notices.iter().map(|n| &*n.text).collect();
    let [one] = said.as_slice() else {
        panic!("{said:?}")
    };
    assert!(one.ends_with("showing default, ml only"), "{one}");
}

#[tokio::test]
async fn where_discovery_is_forbidden_kinds_are_asked_for_one_by_one() {
    let server = Server::start();
    server.serve(SETS);
    server.serve("kubeflow.org/v1/mpijobs");
    server.put_custom(SETS, set("a"));
    server.put_custom(
        "kubeflow.org/v1/mpijobs",
        json!({"metadata": {"name": "m", "namespace": "ml"}}),
    );
    // its cluster-wide list is forbidden as well: found in a namespace
    server.state().forbidden = vec!["=/apis".into(), format!("/apis/{SETS}")];
    let mut client = Client::open(&server).await;
    client.cluster.want(None, &[Want::Workloads]);
    client.until("both", |c| c.model.jobs.len() == 2).await;
    assert_eq!(client.workloads[0], ["jobsets", "mpijobs"]);
    let said = |c: &Client| {
        c.notices
            .iter()
            .filter(|n| n.text.contains("system:discovery"))
            .count()
    };
    assert_eq!(said(&client), 1, "{:?}", client.notices);
    // and let go when it is no longer there
    server.withdraw(SETS);
    client.until("one", |c| c.model.jobs.len() == 1).await;
    assert_eq!(said(&client), 1, "{:?}", client.notices);

    server.serve(JOBS);
    let (ok, table, said) = get(&server, &["mpijobs"]);
    assert!(ok && table.lines().count() == 2, "{table}{said}");
    let (ok, _, said) = get(&server, &["rayjobs"]);
    let wrong = "rayjobs: this cluster does not serve them";
    assert!(
        !ok && !said.contains(wrong)
            && said.ends_with("ask for the ClusterRole system:discovery)\n"),
        "{said}"
    );
}

#[test]
fn a_server_that_is_not_ready_yet_is_waited_for() {
    let server = Server::start();
    server.put_in("ml", "a", "Running");
    server.fail([Fault::Status(429, Some(1))]);
    let (ok, table, said) = get(&server, &["pods"]);
    assert!(ok && table.contains("Running"), "{table}{said}");
    // both lists of the same pods: the one that was put off, and its repetition
    assert_eq!(server.asked().len(), 2);
}

fn get(server: &Server, args: &[&str]) -> (bool, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config");
    let config = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters: [{{name: c, cluster: {{server: '{}'}}}}]\nusers: [{{name: c, user: {{}}}}]\ncontexts: [{{name: c, context: {{cluster: c, user: c, namespace: ml}}}}]\n",
        server.url()
    );
    std::fs::write(&file, config).unwrap();
    let output = Command::cargo_bin("jobdeck")
        .unwrap()
        .arg("get")
        .args(args)
        .arg("--kubeconfig")
        .arg(&file)
        .env("XDG_CONFIG_HOME", folder.path())
        .env("XDG_STATE_HOME", folder.path())
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (
        output.status.success(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn get_prints_every_kind_once_or_one_kind() {
    let server = Server::start();
    let cron = "batch/v1/cronjobs";
    for resource in [SETS, JOBS, cron, TORCH] {
        server.serve(resource);
    }
    server.put_custom(SETS, set("a"));
    server.put_custom(JOBS, child("a-workers-0", "a", 2));
    server.put_custom(
        JOBS,
        json!({"metadata": {"name": "alone", "namespace": "ml"}, "spec": {"completions": 3}}),
    );
    server.put_custom(cron, json!({"metadata": {"name": "nightly", "namespace": "ml"}, "spec": {"schedule": "@daily", "suspend": true}}));
    server.put_custom(TORCH, json!({"apiVersion": "kubeflow.org/v1", "metadata": {"name": "llama", "namespace": "ml"},
        "spec": {"pytorchReplicaSpecs": {"Master": {}, "Worker": {"replicas": 3}}},
        "status": {"conditions": [{"type": "Running", "status": "True"}], "replicaStatuses": {"Worker": {"active": 3}}}}));

    let (ok, table, said) = get(&server, &["workloads"]);
    assert!(ok, "{said}");
    let cells: Vec<Vec<&str>> = table
        .lines()
        .map(|line| line.split_whitespace().take(5).collect())
        .collect();
    assert_eq!(
        cells,
        [
            ["KIND", "NAME", "STATE", "DONE", "ACTIVE"],
            ["JobSet", "a", "running", "0/2", "2"],
            ["Job", "alone", "pending", "0/3", "0"],
            ["PyTorchJob", "llama", "running", "0/4", "3"],
            ["CronJob", "nightly", "suspended", "0", "0"],
        ]
    );
    let (_, rows, _) = get(
        &server,
        &["workloads", "-o", "json", "--filter", "kind:jobset"],
    );
    let rows: Value = serde_json::from_str(&rows).unwrap();
    assert_eq!(rows.as_array().unwrap().len(), 1);
    assert_eq!(rows[0]["apiVersion"], "jobset.x-k8s.io/v1alpha2");
    assert_eq!(rows[0]["gpus"], json!({"nvidia.com/gpu": 16}));
    assert_eq!(rows[0]["roles"][0]["replicas"], 2);
    assert_eq!(
        rows[0]["selectors"],
        json!(["jobset.sigs.k8s.io/jobset-name=a"])
    );

    let (ok, table, _) = get(&server, &["pytorchjobs"]);
    assert!(
        ok && table.lines().count() == 2 && table.contains("llama"),
        "{table}"
    );
    let (ok, _, said) = get(&server, &["rayjobs"]);
    assert!(
        !ok && said.contains("rayjobs: this cluster does not serve them"),
        "{said}"
    );
    let (ok, table, _) = get(&server, &["cronjob"]);
    assert!(ok && table.contains("nightly"), "{table}");
}
