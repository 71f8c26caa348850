//! What a pod, an index, a job and a node take: JSON as a server sends it, decoded and folded into a model, measured as
//! growth of resident memory. Rows, tables, totals and shared texts are all in it. `cargo bench --bench memory` prints the
//! table that CONTRIBUTING.md shows. Linux only (it reads /proc).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use jobdeck::cluster::wire::{Event, Wire, event, job, node, pod};
use jobdeck::model::Model;
use jobdeck::model::delta::{Change, Delta, SourceId};
use jobdeck::model::ids::{ClusterId, Names};
use serde_json::{Value, json};

const NODES: usize = 7_500;

fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    let pages = statm.split_whitespace().nth(1).expect("two numbers");
    pages.parse::<usize>().expect("a number") * 4096
}

fn uid(kind: u64, n: usize) -> String {
    let bits = (n as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (kind << 56);
    format!("{:08x}-0000-4000-8000-{n:012x}", bits >> 32)
}

/// Objects of one kind through the decoder into a model, in batches as a watch makes them.
fn feed<W: Wire>(model: &mut Model, names: &mut Names, n: usize, object: impl Fn(usize) -> Value) {
    let cluster = ClusterId::default();
    let mut rows = Vec::new();
    for at in 0..n {
        let line = json!({"type": "ADDED", "object": object(at)}).to_string();
        let Ok(Event::Applied(object)) = event::<W>(line.as_bytes()) else {
            panic!("an object that cannot be read: {line}");
        };
        rows.push(object.row(cluster, names));
        if rows.len() == 256 || at + 1 == n {
            model.apply(Delta {
                cluster,
                source: SourceId::default(),
                rows: W::rows(Change::Rows(std::mem::take(&mut rows))),
            });
        }
    }
}

fn resources() -> Value {
    json!({"limits": {"cpu": "8", "memory": "64Gi", "nvidia.com/gpu": "1"},
           "requests": {"cpu": "8", "memory": "64Gi", "nvidia.com/gpu": "1"}})
}

fn a_pod(n: usize, job: usize, index: Option<usize>) -> Value {
    let mut pod = json!({
        "metadata": {
            "name": format!("pretrain-{job:05}-{n:05x}"), "namespace": format!("team-{}", job % 40), "uid": uid(1, n),
            "creationTimestamp": "2026-11-30T08:00:00Z", "annotations": {},
            "ownerReferences": [{"kind": "Job", "name": format!("pretrain-{job:05}"), "uid": uid(2, job), "controller": true}],
        },
        "spec": {
            "nodeName": format!("gpu-node-{:05}", n % NODES),
            "containers": [{"name": "main", "resources": resources()}],
            "tolerations": [{"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute"}],
        },
        "status": {
            "phase": "Running", "startTime": "2026-11-30T08:00:01Z",
            "conditions": [{"type": "Ready", "status": "True"}, {"type": "PodScheduled", "status": "True", "lastTransitionTime": "2026-11-30T08:00:01Z"}],
            "containerStatuses": [{"name": "main", "ready": true, "started": true, "restartCount": 0, "state": {"running": {"startedAt": "2026-11-30T08:00:05Z"}}}],
        },
    });
    if let Some(index) = index {
        let annotations = &mut pod["metadata"]["annotations"];
        annotations["batch.kubernetes.io/job-completion-index"] = index.to_string().into();
    }
    pod
}

fn a_job(n: usize) -> Value {
    json!({
        "metadata": {
            "name": format!("pretrain-{n:05}"), "namespace": format!("team-{}", n % 40), "uid": uid(2, n),
            "creationTimestamp": "2026-11-30T08:00:00Z",
            "labels": {"team": format!("team-{}", n % 40), "job-name": format!("pretrain-{n:05}"), "controller-uid": uid(2, n)},
        },
        "spec": {"parallelism": 12, "completions": 12, "completionMode": "Indexed", "backoffLimit": 6, "template": {"spec": {
            "containers": [{"name": "main", "image": "registry.example.com/train:2", "resources": resources()}], "restartPolicy": "Never"}}},
        "status": {"active": 12, "ready": 12, "startTime": "2026-11-30T08:00:01Z"},
    })
}

fn a_node(n: usize) -> Value {
    let name = format!("gpu-node-{n:05}");
    let mut labels = json!({
        "kubernetes.io/hostname": name, "nvidia.com/gpu.product": "NVIDIA-H100-80GB-HBM3", "nvidia.com/gpu.count": "8",
        "nvidia.com/gpu.memory": "81559", "topology.kubernetes.io/zone": format!("zone-{}", n % 8), "rack": format!("rack-{}", n / 18),
    });
    for flag in 0..34 {
        labels[format!("feature.node.kubernetes.io/cpu-cpuid.F{flag}")] = "true".into();
    }
    let amounts = json!({"cpu": "192", "memory": "2Ti", "pods": "110", "ephemeral-storage": "1Ti", "nvidia.com/gpu": "16"});
    let conditions = ["MemoryPressure", "DiskPressure", "PIDPressure", "Ready"].map(|kind| {
        let on = if kind == "Ready" { "True" } else { "False" };
        json!({"type": kind, "status": on, "reason": format!("Kubelet{kind}"), "message": "as it should be", "lastTransitionTime": "2026-11-20T08:00:00Z"})
    });
    json!({
        "metadata": {"name": name, "uid": uid(3, n), "creationTimestamp": "2026-11-20T08:00:00Z", "labels": labels},
        "spec": {}, "status": {"capacity": amounts, "allocatable": amounts, "conditions": conditions, "nodeInfo": {"kubeletVersion": "v1.36.3"}},
    })
}

/// Prints what one more of them takes.
fn row(what: &str, n: usize, fill: impl FnOnce(&mut Model, &mut Names)) {
    let (mut model, mut names) = (Model::default(), Names::default());
    let before = resident();
    fill(&mut model, &mut names);
    let taken = resident().saturating_sub(before);
    println!(
        "| {what} | {n} | {:.1} MB | {} |",
        taken as f64 / 1e6,
        taken / n
    );
    // kept to the end: memory that is given back would be taken again unseen
    std::mem::forget((model, names));
}

fn main() {
    if !cfg!(target_os = "linux") {
        println!("skipped: this bench reads /proc");
        return;
    }
    println!("| object | how many | in all | bytes each |\n|---|---|---|---|");
    row("job", 5_000, |model, names| {
        feed::<job::Job>(model, names, 5_000, a_job)
    });
    row("node", NODES, |model, names| {
        feed::<node::Node>(model, names, NODES, a_node)
    });
    row("pod", 60_000, |model, names| {
        feed::<pod::Pod>(model, names, 60_000, |n| a_pod(n, n / 12, None));
    });
    row("pod of an index, jobs of 12", 60_000, |model, names| {
        feed::<pod::Pod>(model, names, 60_000, |n| a_pod(n, n / 12, Some(n % 12)));
    });
    row("pod of an index, jobs of 10,000", 60_000, |model, names| {
        feed::<pod::Pod>(model, names, 60_000, |n| {
            a_pod(n, n / 10_000, Some(n % 10_000))
        });
    });
}
