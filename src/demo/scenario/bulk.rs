//! Fills a large cluster with pods that already run, as a control plane finds them when it starts.
//!
//! They are written into the store as they stand: simulating their births would take as long as it took them.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::{LOST, Options, nodes, script};
use crate::demo::api::defaults;
use crate::demo::api::write::{Cluster, Writer};
use crate::demo::clock::rfc3339;
use crate::demo::controllers::Kinds;
use crate::demo::controllers::kubelet::{hash, host_ip, mix};
use crate::demo::controllers::wire::INDEX;

/// Pods per Job.
const WIDTH: usize = 250;

/// Makes Jobs with `options.pods` running pods in all, spread over the nodes.
pub fn fill(cluster: &mut Cluster, kinds: Kinds, options: &Options, now: DateTime<Utc>) {
    let hosts: Vec<String> = nodes::layout(options.nodes)
        .into_iter()
        .filter(|(family, _)| family.name.starts_with("cpu") || family.name.starts_with("gpu"))
        .map(|(family, nth)| format!("{}-{nth}", family.name))
        .filter(|host| !LOST.contains(&host.as_str()))
        .collect();
    let namespaces = [
        "ml-team-a",
        "ml-team-b",
        "research",
        "inference",
        "data-platform",
    ];
    let mut left = options.pods;
    let mut serial = 0;
    while left > 0 {
        let width = left.min(WIDTH);
        let namespace = namespaces[serial % namespaces.len()];
        let started = now - TimeDelta::minutes(10 + (mix(serial as u64) % 160) as i64);
        let name = format!("fleet-{serial:04}");
        if let Some(job) = job(cluster, kinds, namespace, &name, width, started) {
            for index in 0..width {
                let host = &hosts[(serial * WIDTH + index) % hosts.len()];
                let mut pod = pod(cluster, &job, index, host, started);
                // what was never admitted must still be what admission makes: later writes are compared with it
                defaults::apply("", "Pod", &mut pod);
                cluster.store.put(kinds.pods, pod);
            }
        }
        left -= width;
        serial += 1;
    }
}

fn job(
    cluster: &mut Cluster,
    kinds: Kinds,
    namespace: &str,
    name: &str,
    width: usize,
    started: DateTime<Utc>,
) -> Option<Value> {
    let hours = 6 + mix(hash(name)) % 30;
    let program = format!(
        "--model {name} --style json --steps {} --step-time 1 --log-every 30",
        hours * 3600
    );
    let shape = format!("c{width} p{width} indexed b50");
    let spec = script::job_spec(name, &shape, "cpu:0", &program);
    let manifest = json!({"metadata": {"name": name, "labels": {"app.kubernetes.io/part-of": "fleet"}}, "spec": spec});
    let made = cluster
        .create(
            kinds.jobs,
            namespace,
            manifest,
            &Writer::new("kubectl-create"),
        )
        .ok()?;
    let mut value = made.value();
    value["metadata"]["creationTimestamp"] = json!(rfc3339(started));
    value["status"] = json!({
        "startTime": rfc3339(started), "active": width, "ready": width, "terminating": 0, "uncountedTerminatedPods": {},
    });
    Some(cluster.store.put(kinds.jobs, value).value())
}

fn pod(
    cluster: &mut Cluster,
    job: &Value,
    index: usize,
    host: &str,
    started: DateTime<Utc>,
) -> Value {
    let meta = &job["metadata"];
    let name = meta["name"].as_str().unwrap_or_default();
    let template = &job["spec"]["template"];
    let at = rfc3339(started + TimeDelta::seconds((index % 20) as i64));
    let mut spec = template["spec"].clone();
    spec["nodeName"] = json!(host);
    spec["hostname"] = json!(format!("{name}-{index}"));
    spec["serviceAccountName"] = json!("default");
    spec["serviceAccount"] = json!("default");
    spec["priority"] = json!(0);
    for container in spec["containers"].as_array_mut().into_iter().flatten() {
        container["env"] = json!([{"name": "JOB_COMPLETION_INDEX", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": format!("metadata.labels['{INDEX}']")}}}]);
    }
    let mut labels = template["metadata"]["labels"].clone();
    labels[INDEX] = json!(index.to_string());
    let bits = mix(hash(name) ^ index as u64);
    let status = running(&spec, host, bits, (&rfc3339(started), &at));
    json!({
        "kind": "Pod", "apiVersion": "v1",
        "metadata": {
            "name": format!("{name}-{index}-{}", cluster.random.suffix(5)), "generateName": format!("{name}-{index}-"),
            "namespace": meta["namespace"], "uid": cluster.random.uuid(), "creationTimestamp": rfc3339(started), "generation": 1,
            "labels": labels, "annotations": {INDEX: index.to_string()}, "finalizers": ["batch.kubernetes.io/job-tracking"],
            "ownerReferences": [{"apiVersion": "batch/v1", "kind": "Job", "name": name, "uid": meta["uid"], "controller": true, "blockOwnerDeletion": true}],
        },
        "spec": spec,
        "status": status,
    })
}

/// The status of a pod that began on a node, and whose containers run, at two moments; `bits` tell it from others.
pub fn running(spec: &Value, host: &str, bits: u64, (started, at): (&str, &str)) -> Value {
    let ip = format!(
        "10.{}.{}.{}",
        244 + bits % 8,
        (bits >> 8) % 256,
        2 + (bits >> 16) % 250
    );
    let condition = |kind: &str| json!({"type": kind, "status": "True", "lastProbeTime": null, "lastTransitionTime": at, "observedGeneration": 1});
    let containers = spec["containers"].as_array().into_iter().flatten().map(|c| {
        let id: String = (1..5).map(|i| format!("{:016x}", mix(bits ^ i))).collect();
        json!({
            "name": c["name"], "image": c["image"], "imageID": format!("{}@sha256:{id}", c["image"].as_str().unwrap_or_default()),
            "containerID": format!("containerd://{id}"), "ready": true, "started": true, "restartCount": 0,
            "lastState": {}, "state": {"running": {"startedAt": at}},
        })
    });
    json!({
        "phase": "Running", "qosClass": "BestEffort", "startTime": started, "observedGeneration": 1,
        "hostIP": host_ip(host), "hostIPs": [{"ip": host_ip(host)}], "podIP": ip, "podIPs": [{"ip": ip}],
        "conditions": [condition("PodReadyToStartContainers"), condition("Initialized"), condition("Ready"), condition("ContainersReady"), condition("PodScheduled")],
        "containerStatuses": containers.collect::<Vec<_>>(),
    })
}
