//! The GPU exporters that NVIDIA's and AMD's operators run on the nodes: found running, as a control plane finds them.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::api::defaults;
use crate::api::write::{Cluster, Random, Writer};
use crate::clock::rfc3339;
use crate::controllers::kubelet::{hash, host_ip, mix};
use crate::controllers::{Kinds, daemonset};
use crate::store::Object;

/// The node whose exporter nobody has updated.
const OLD: &str = "gpu-t4-1";
const OLD_IMAGE: &str = "nvcr.io/nvidia/k8s/dcgm-exporter:2.4.7-2.6.11-ubuntu20.04";

/// What an operator deploys.
struct Deployed {
    namespace: &'static str,
    name: &'static str,
    set: Value,
}

fn nvidia() -> Deployed {
    let (namespace, name) = ("gpu-operator", "nvidia-dcgm-exporter");
    let labels = json!({
        "app": name, "app.kubernetes.io/managed-by": "gpu-operator", "helm.sh/chart": "gpu-operator-v25.10.0",
    });
    let set = json!({
        "metadata": {"name": name, "labels": {"app": name, "app.kubernetes.io/managed-by": "gpu-operator"}},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "updateStrategy": {"type": "OnDelete"},
            "template": {"metadata": {"labels": labels}, "spec": {
                "nodeSelector": {"nvidia.com/gpu.deploy.dcgm-exporter": "true"},
                "priorityClassName": "system-node-critical",
                "serviceAccountName": name,
                "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
                "containers": [{
                    "name": name,
                    "image": "nvcr.io/nvidia/k8s/dcgm-exporter:4.4.2-4.7.0-distroless",
                    "env": [
                        {"name": "DCGM_EXPORTER_LISTEN", "value": ":9400"},
                        {"name": "DCGM_EXPORTER_KUBERNETES", "value": "true"},
                        {"name": "DCGM_EXPORTER_COLLECTORS", "value": "/etc/dcgm-exporter/dcp-metrics-included.csv"},
                        {"name": "KUBERNETES_VIRTUAL_GPUS", "value": "true"},
                    ],
                    "ports": [{"name": "gpu-metrics", "containerPort": 9400}],
                    "securityContext": {"runAsUser": 0, "capabilities": {"add": ["SYS_ADMIN"]}},
                }],
            }},
        },
    });
    Deployed {
        namespace,
        name,
        set,
    }
}

fn amd() -> Deployed {
    let (namespace, name) = ("kube-amd-gpu", "gpu-operator-metrics-exporter");
    let labels =
        json!({"app.kubernetes.io/name": "metrics-exporter", "daemonset-name": "gpu-operator"});
    let set = json!({
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {
                "nodeSelector": {"feature.node.kubernetes.io/amd-gpu": "true"},
                "serviceAccountName": name,
                "tolerations": [{"key": "amd.com/gpu", "operator": "Exists"}],
                "containers": [{
                    "name": "metrics-exporter-container",
                    "image": "docker.io/rocm/device-metrics-exporter:v1.4.1",
                    "ports": [{"name": "exporter-port", "containerPort": 5000}],
                    "securityContext": {"privileged": true},
                }],
            }},
        },
    });
    Deployed {
        namespace,
        name,
        set,
    }
}

/// The sets of both makers whose cards a cluster has, with a running pod on each of their nodes.
pub fn install(cluster: &mut Cluster, kinds: Kinds, seed: u64, start: DateTime<Utc>) {
    // what else there is in the cluster is called the same with them and without
    let own = Random::new(seed ^ hash("exporters"));
    let random = std::mem::replace(&mut cluster.random, own);
    for deployed in [nvidia(), amd()] {
        deploy(cluster, kinds, &deployed, start);
    }
    cluster.random = random;
}

/// The pods of those sets on nodes that joined after them; answers how many.
pub fn extend(
    cluster: &mut Cluster,
    kinds: Kinds,
    seed: u64,
    nodes: &[String],
    start: DateTime<Utc>,
) -> usize {
    let Some(first) = nodes.first() else {
        return 0;
    };
    let own = Random::new(seed ^ hash(first));
    let random = std::mem::replace(&mut cluster.random, own);
    let mut made = 0;
    for deployed in [nvidia(), amd()] {
        let store = &cluster.store;
        let set = store.get(kinds.daemonsets, deployed.namespace, deployed.name);
        let Some(set) = set.cloned() else {
            continue;
        };
        let template = &deployed.set["spec"]["template"];
        let tolerations = daemonset::tolerations(template);
        let all = nodes.iter().filter_map(|n| store.get(kinds.nodes, "", n));
        let all = all.filter(|node| daemonset::wants(template, &tolerations, node));
        let hosts: Vec<String> = all.map(|node| node.name.clone()).collect();
        made += hosts.len();
        for host in hosts {
            let mut pod = pod(cluster, &set, &host, &tolerations, start);
            defaults::apply("", "Pod", &mut pod);
            cluster.store.put(kinds.pods, pod);
        }
    }
    cluster.random = random;
    made
}

fn deploy(cluster: &mut Cluster, kinds: Kinds, deployed: &Deployed, start: DateTime<Utc>) {
    let template = &deployed.set["spec"]["template"];
    let tolerations = daemonset::tolerations(template);
    let nodes = cluster.store.list(kinds.nodes, None);
    let nodes: Vec<String> = nodes
        .filter(|node| daemonset::wants(template, &tolerations, node))
        .map(|node| node.name.clone())
        .collect();
    if nodes.is_empty() {
        return;
    }
    let by = Writer::new("gpu-operator");
    for (kind, namespace, name) in [
        (kinds.namespaces, "", deployed.namespace),
        (kinds.accounts, deployed.namespace, deployed.name),
    ] {
        let _ = cluster.create(kind, namespace, json!({"metadata": {"name": name}}), &by);
    }
    let set = deployed.set.clone();
    let Ok(set) = cluster.create(kinds.daemonsets, deployed.namespace, set, &by) else {
        return;
    };
    for node in nodes {
        let mut pod = pod(cluster, &set, &node, &tolerations, start);
        defaults::apply("", "Pod", &mut pod);
        cluster.store.put(kinds.pods, pod);
    }
}

fn pod(
    cluster: &mut Cluster,
    set: &Object,
    node: &str,
    tolerations: &[Value],
    start: DateTime<Utc>,
) -> Value {
    let tree = set.tree();
    let template = &tree["spec"]["template"];
    let bits = mix(hash(node) ^ hash(&set.name));
    let started = start - TimeDelta::hours(20 + (bits % 300) as i64);
    let at = rfc3339(started);
    let mut spec = template["spec"].clone();
    spec["nodeName"] = json!(node);
    spec["tolerations"] = json!(tolerations);
    spec["serviceAccount"] = spec["serviceAccountName"].clone();
    spec["priority"] = json!(match spec["priorityClassName"].as_str() {
        Some("system-node-critical") => 2_000_001_000,
        _ => 0,
    });
    spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"] = json!({
        "nodeSelectorTerms": [{"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}]}],
    });
    if node == OLD && set.name.contains("dcgm") {
        spec["containers"][0]["image"] = json!(OLD_IMAGE);
    }
    let running = rfc3339(started + TimeDelta::seconds(9));
    let status = self::status(&spec, node, bits, (&at, &running));
    json!({
        "kind": "Pod", "apiVersion": "v1",
        "metadata": {
            "name": format!("{}-{}", set.name, cluster.random.suffix(5)), "generateName": format!("{}-", set.name),
            "namespace": set.namespace, "uid": cluster.random.uuid(), "creationTimestamp": at, "generation": 1,
            "labels": template["metadata"]["labels"],
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "DaemonSet", "name": set.name, "uid": set.uid, "controller": true, "blockOwnerDeletion": true}],
        },
        "spec": spec,
        "status": status,
    })
}

/// The status of a pod that began on a node, and whose containers run, at two moments; `bits` tell it from others.
fn status(spec: &Value, host: &str, bits: u64, (started, at): (&str, &str)) -> Value {
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
