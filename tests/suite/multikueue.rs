//! The demo's two clusters over HTTP: a job that MultiKueue sent to the worker has its pods and logs there only, and the
//! kubeconfig has a context for each.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};

use chrono::{DateTime, TimeDelta, Utc};
use jobdeck::demo::api::write::{Cluster, Writer};
use jobdeck::demo::clock::Clock;
use jobdeck::demo::world::World;
use jobdeck::demo::{Demo, crds, worker_contexts};
use serde_json::{Value, json};

fn start() -> DateTime<Utc> {
    "2026-11-24T09:00:00Z".parse().expect("a time")
}

fn empty(seed: u64) -> World {
    let mut cluster = Cluster::new(Clock::stepped(start(), 1.0), seed);
    crds::install(&mut cluster);
    World::new(cluster)
}

fn make(world: &mut World, plural: &str, namespace: &str, value: Value) {
    let mut kinds = world.cluster.store.kinds();
    let kind = kinds.find(|(_, k)| k.plural == plural).expect(plural).0;
    drop(kinds);
    let made = world
        .cluster
        .create(kind, namespace, value.clone(), &Writer::new("kubectl"));
    let made = made.unwrap_or_else(|why| panic!("{plural}: {}", why.message));
    if value["status"].is_object() {
        let mut new = made.value();
        new["status"] = value["status"].clone();
        let done = world.cluster.update(kind, new, &Writer::status("kubelet"));
        assert!(done.is_ok(), "the status of {plural}");
    }
    world.settle();
}

fn queue(world: &mut World, checks: &Value) {
    make(
        world,
        "resourceflavors",
        "",
        json!({"metadata": {"name": "any"}}),
    );
    make(
        world,
        "clusterqueues",
        "",
        json!({"metadata": {"name": "cpus"}, "spec": {
            "namespaceSelector": {}, "admissionChecksStrategy": {"admissionChecks": checks},
            "resourceGroups": [{"coveredResources": ["cpu"], "flavors": [
                {"name": "any", "resources": [{"name": "cpu", "nominalQuota": 4}]},
            ]}],
        }}),
    );
    make(
        world,
        "localqueues",
        "default",
        json!({"metadata": {"name": "lq"}, "spec": {"clusterQueue": "cpus"}}),
    );
}

fn pair() -> World {
    let mut east = empty(2);
    make(
        &mut east,
        "nodes",
        "",
        json!({
            "metadata": {"name": "east-0", "labels": {"kubernetes.io/hostname": "east-0"}},
            "status": {
                "allocatable": {"cpu": "8", "memory": "64Gi", "pods": "110"},
                "conditions": [{"type": "Ready", "status": "True"}],
            },
        }),
    );
    queue(&mut east, &json!([]));
    let mut world = empty(1);
    world.employ("east", east);
    make(
        &mut world,
        "namespaces",
        "",
        json!({"metadata": {"name": "kueue-system"}}),
    );
    make(
        &mut world,
        "secrets",
        "kueue-system",
        json!({"metadata": {"name": "east"}}),
    );
    make(
        &mut world,
        "multikueueclusters",
        "",
        json!({"metadata": {"name": "east"}, "spec": {"clusterSource": {"kubeConfig": {"location": "east"}}}}),
    );
    make(
        &mut world,
        "multikueueconfigs",
        "",
        json!({"metadata": {"name": "all"}, "spec": {"clusters": ["east"]}}),
    );
    make(
        &mut world,
        "admissionchecks",
        "",
        json!({"metadata": {"name": "mk"}, "spec": {
            "controllerName": "kueue.x-k8s.io/multikueue",
            "parameters": {"apiGroup": "kueue.x-k8s.io", "kind": "MultiKueueConfig", "name": "all"},
        }}),
    );
    queue(&mut world, &json!([{"name": "mk"}]));
    make(
        &mut world,
        "jobs",
        "default",
        json!({"metadata": {"name": "far", "labels": {"kueue.x-k8s.io/queue-name": "lq"}}, "spec": {
            "template": {"spec": {"restartPolicy": "Never", "containers": [{
                "name": "main", "image": "busybox:1.36", "command": ["sh", "-c", "echo from the east; sleep 900"],
                "resources": {"requests": {"cpu": "1"}},
            }]}},
        }}),
    );
    world.advance_to(start() + TimeDelta::seconds(60));
    world
}

fn get(addr: SocketAddr, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(addr).expect("a connection");
    let head = format!("GET {path} HTTP/1.0\r\nHost: demo\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).expect("sent");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("an answer");
    let code = text.split(' ').nth(1).and_then(|c| c.parse().ok());
    let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    (code.expect("a status line"), body.to_owned())
}

fn object(addr: SocketAddr, path: &str) -> Value {
    let (code, body) = get(addr, path);
    assert_eq!(code, 200, "{path}: {body}");
    serde_json::from_str(&body).unwrap_or_else(|_| panic!("no JSON at {path}: {body}"))
}

#[test]
fn pods_and_logs_of_a_dispatched_job_are_on_the_worker_only() {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let demo = Demo::start(any, pair()).expect("a free port");
    let east = demo.worker_addr("east").expect("a worker");
    let job = object(demo.addr(), "/apis/batch/v1/namespaces/default/jobs/far");
    assert_eq!(job["spec"]["managedBy"], "kueue.x-k8s.io/multikueue");
    assert_eq!(
        (&job["status"]["active"], &job["status"]["ready"]),
        (&json!(1), &json!(1))
    );
    let workloads = object(demo.addr(), "/apis/kueue.x-k8s.io/v1beta2/workloads");
    assert_eq!(workloads["items"][0]["status"]["clusterName"], "east");
    let pods = "/api/v1/namespaces/default/pods";
    assert_eq!(object(demo.addr(), pods)["items"], json!([]));
    let there = object(east, pods);
    assert_eq!(there["items"].as_array().map(Vec::len), Some(1));
    let name = there["items"][0]["metadata"]["name"]
        .as_str()
        .expect("a name");
    assert_eq!(there["items"][0]["spec"]["nodeName"], "east-0");
    let log = format!("{pods}/{name}/log");
    assert_eq!(get(east, &log), (200, "from the east\n".to_owned()));
    assert_eq!(get(demo.addr(), &log).0, 404);
    // The contexts lead to the two.
    let config = demo.kubeconfig_yaml();
    let context = &worker_contexts()["east"];
    assert_eq!(context, "demo-east");
    assert!(config.contains(&format!(
        "- name: {context}\n  cluster:\n    server: http://{east}\n"
    )));
    assert!(config.contains("current-context: demo\n"));
}
