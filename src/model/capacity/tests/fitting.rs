//! What fits where, and what is in the way.

use super::*;
use crate::model::capacity::ask::Ask;
use crate::model::capacity::fit::{Block, fit};
use crate::model::capacity::groups::Dim;
use crate::model::capacity::quota;
use crate::model::job::RoleRow;
use crate::model::kueue::QueueRows;
use crate::model::kueue::others::{Limit, QuotaRow};
use crate::model::labels::LabelSet;
use crate::model::quantity::Quantity;
use crate::model::shape::{Beside, Toleration};

fn typed(gpus: u32, cpu: u64, memory: u64) -> Ask {
    Ask {
        gpus,
        cpu_milli: cpu * 1000,
        memory,
        gpu_taints: true,
        ..Ask::default()
    }
}

fn blocks(m: &Model, ask: &Ask) -> Vec<(String, String)> {
    let all = fit(m, ClusterId(0), ask).almost;
    all.iter()
        .map(|a| (a.name.to_string(), a.words()))
        .collect()
}

#[test]
fn the_largest_gang_is_what_the_scarcest_thing_allows() {
    // 8 GPUs, 64 cpu and 256 GiB each
    let row = |uid, name: &str| gpus(uid, name, H100, &[(GPU, 8)]);
    let m = model(
        &[row(10, "a"), row(11, "b"), row(12, "c")],
        &[on(100, "b", &[(GPU, 5)])],
    );
    let pods = |ask: &Ask| fit(&m, ClusterId(0), ask).pods;
    assert_eq!(pods(&typed(1, 0, 0)), 19);
    assert_eq!(pods(&typed(2, 0, 0)), 4 + 1 + 4);
    assert_eq!(pods(&typed(8, 0, 0)), 2);
    assert_eq!(pods(&typed(9, 0, 0)), 0);
    assert_eq!(pods(&typed(1, 20, 0)), 9, "three a node by cpu");
    assert_eq!(pods(&typed(1, 0, 200 << 30)), 3, "one a node by memory");
    assert_eq!(pods(&typed(0, 32, 0)), 6, "without GPUs too");
    let all = fit(&m, ClusterId(0), &typed(8, 0, 0));
    let nodes: Vec<&str> = all.nodes.iter().map(|n| &*n.name).collect();
    assert_eq!((nodes, all.devices(&typed(8, 0, 0))), (vec!["a", "c"], 16));
    assert_eq!(
        blocks(&m, &typed(8, 0, 0)),
        [("b".into(), "3 of 8 free".into())]
    );
}

#[test]
fn every_block_is_named() {
    let row = |uid, name: &str| gpus(uid, name, H100, &[(GPU, 8)]);
    let mut tainted = row(10, "tainted");
    tainted.taints = vec![
        "team=x:NoSchedule".into(),
        "nvidia.com/gpu:NoSchedule".into(),
    ];
    let mut cordoned = row(11, "cordoned");
    cordoned.cordoned = true;
    let mut lost = row(12, "lost");
    lost.ready = false;
    let mut small = row(13, "small");
    (small.cpu_milli, small.memory) = (16_000, 64 << 30);
    let mut sick = row(14, "sick");
    sick.allocatable = devices(GPU, 7);
    let mut full = row(15, "full");
    full.pods = 0;
    let cpu_only = node(16, "cpu-only", Devices::default());
    let m = model(&[tainted, cordoned, lost, small, sick, full, cpu_only], &[]);
    let mut ask = typed(8, 32, 100 << 30);
    let found = blocks(&m, &ask);
    let of = |name: &str| {
        found
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, words)| words.as_str())
    };
    assert_eq!(of("tainted"), Some("taint team=x:NoSchedule"));
    assert_eq!(of("cordoned"), Some("cordoned"));
    assert_eq!(of("lost"), Some("not ready"));
    assert_eq!(of("small"), Some("cpu: 16 left, memory: 64Gi left"));
    assert_eq!(of("sick"), Some("7 of 8 free, 1 sick"));
    assert_eq!(of("full"), Some("no place for a pod left"));
    assert_eq!(of("cpu-only"), None, "it has no such devices at all");
    assert_eq!(
        found.last().map(|(name, _)| name.as_str()),
        Some("small"),
        "most is in its way"
    );
    let all = fit(&m, ClusterId(0), &ask);
    assert_eq!(
        (all.pods, all.stranded()),
        (0, 16),
        "free on small and full, and no use"
    );
    ask.tolerations.push(Toleration {
        key: "team".into(),
        exists: true,
        value: "".into(),
        effect: None,
    });
    assert_eq!(fit(&m, ClusterId(0), &ask).pods, 1);
}

#[test]
fn a_gang_that_must_stay_together_gets_the_best_domain() {
    let rows: Vec<NodeRow> = (0..5u128)
        .map(|n| {
            let mut row = gpus(10 + n, &format!("n{n}"), H100, &[(GPU, 4)]);
            row.clique = Some(if n < 3 { "a.1" } else { "b.1" }.into());
            row.zone = Some("z".into());
            row
        })
        .collect();
    let m = model(
        &rows,
        &[on(100, "n0", &[(GPU, 4)]), on(101, "n1", &[(GPU, 4)])],
    );
    let all = fit(&m, ClusterId(0), &typed(4, 0, 0));
    let best = all.best(Dim::Clique).unwrap();
    assert_eq!(
        (all.pods, &*best.name, best.nodes, best.pods),
        (3, "b.1", 2, 2)
    );
    assert_eq!(all.best(Dim::Zone).unwrap().pods, 3);
    assert!(all.best(Dim::Pool).is_none(), "no label names one");
}

#[test]
fn products_labels_and_named_devices_narrow_it_down() {
    let mut a = gpus(10, "a", H100, &[(GPU, 8)]);
    a.labels = LabelSet::new([("zone", "x")]);
    let b = gpus(11, "b", "NVIDIA-A100-SXM4-80GB-MIG-1g.10gb", &[(GPU, 7)]);
    let c = gpus(
        12,
        "c",
        "NVIDIA-A100-SXM4-80GB",
        &[("nvidia.com/mig-3g.40gb", 2)],
    );
    let m = model(&[a, b, c], &[]);
    let pods = |ask: &Ask| fit(&m, ClusterId(0), ask).pods;
    assert_eq!(pods(&typed(1, 0, 0)), 8, "slices are no GPUs");
    let of = |name: &str| Ask {
        devices: devices(name, 1),
        ..Ask::default()
    };
    assert_eq!(
        pods(&of(GPU)),
        15,
        "but they are asked for by that name on node b"
    );
    assert_eq!(pods(&of("nvidia.com/mig-3g.40gb")), 2);
    let on = |product: &str| Ask {
        product: Some(product.into()),
        ..of(GPU)
    };
    assert_eq!(
        (pods(&on("h100")), pods(&on("a100 sxm4")), pods(&on("b200"))),
        (8, 7, 0)
    );
    let labelled = Ask {
        selector: vec![("zone".into(), "x".into())],
        ..of(GPU)
    };
    assert_eq!(pods(&labelled), 8);
    let found = fit(&m, ClusterId(0), &labelled).almost;
    assert_eq!(
        found.iter().map(|a| a.blocks.clone()).collect::<Vec<_>>(),
        [vec![Block::Labels]]
    );
}

#[test]
fn a_workload_says_what_its_pods_ask_for() {
    let mut m = model(&[gpus(10, "a", H100, &[(GPU, 8)])], &[]);
    let mut j = job(1, "train");
    (j.devices, j.parallelism) = (devices(GPU, 4), 2);
    j.beside.cpu_milli = 6000;
    m.apply(jobs(&[j.clone()]));
    // no pods yet: what its template tells
    let (ask, count) = Ask::of_job(&m, &j).unwrap();
    assert_eq!(
        (ask.total(), ask.cpu_milli, count, ask.gpu_taints),
        (4, 6000, 2, true)
    );
    let mut set = j.clone();
    set.roles = vec![
        RoleRow {
            name: "leader".into(),
            wanted: 3,
            ..RoleRow::default()
        },
        // a replica of 4 pods
        RoleRow {
            name: "worker".into(),
            wanted: 3,
            each: 4,
            devices: devices(GPU, 32),
            beside: Beside {
                cpu_milli: 96_000,
                memory: 1 << 40,
            },
            ..RoleRow::default()
        },
    ];
    let (ask, count) = Ask::of_job(&m, &set).unwrap();
    assert_eq!(
        (ask.words().as_str(), count),
        ("8 nvidia.com/gpu, 96 cpu, 1Ti", 12)
    );
    let mut p = pod(100, &j);
    p.shape = Shape {
        cpu_milli: 8000,
        ..(*p.shape).clone()
    }
    .into();
    m.apply(pods(&[p]));
    let (ask, count) = Ask::of_job(&m, &j).unwrap();
    assert_eq!(
        (ask.total(), ask.cpu_milli, count, ask.gpu_taints),
        (4, 8000, 1, false)
    );
    assert_eq!(ask.words(), "4 nvidia.com/gpu, 8 cpu");
    // pods that are over are not wanted again; of a job that is over all were
    let one = |uid| running(pod(uid, &j), "a", 0);
    let over = |uid| ended(one(uid), 0, 60);
    m.apply(pods(&[one(100), one(101), over(102), over(103), over(104)]));
    assert_eq!(Ask::of_job(&m, &j).unwrap().1, 2);
    m.apply(pods(&[over(100), over(101)]));
    assert_eq!(Ask::of_job(&m, &j).unwrap().1, 5);
}

/// Kueue counts what all pods of a set ask for together.
#[test]
fn a_workload_without_pods_is_known_from_its_pod_sets() {
    use crate::model::kueue::fixture::workload;
    use crate::model::kueue::workload::PodSet;
    let mut m = model(&[gpus(10, "a", H100, &[(GPU, 8)])], &[]);
    let mut row = workload("train", "team", 0);
    let set = |name: &str, count, requests: &[(&str, i64)]| PodSet {
        name: name.into(),
        count,
        min_count: None,
        requests: requests.iter().map(|(r, n)| ((*r).into(), *n)).collect(),
    };
    const GIB: i64 = 1 << 30;
    row.pod_sets = vec![
        set("launcher", 1, &[("cpu", 2000), ("memory", GIB)]),
        set(
            "worker",
            2,
            &[
                ("cpu", 192_000),
                ("memory", 2048 * GIB),
                (GPU, 16),
                ("rdma/hca", 4),
            ],
        ),
    ];
    let mut j = job(1, "train");
    j.key.uid = row.job.unwrap();
    m.apply(jobs(&[j.clone()]));
    m.apply(delta(Rows::Queues(QueueRows::Workloads(Change::Rows(
        vec![row],
    )))));
    let (ask, count) = Ask::of_job(&m, &j).unwrap();
    assert_eq!(count, 2);
    assert_eq!(ask.words(), "8 nvidia.com/gpu, 96 cpu, 1Ti, 2 rdma/hca");
}

#[test]
fn the_quota_of_a_namespace_is_told_beside_the_hardware() {
    let mut m = model(&[gpus(10, "a", H100, &[(GPU, 8)])], &[]);
    let q = |text: &str| Quantity::parse(text).unwrap();
    let row = QuotaRow {
        key: key(70),
        namespace: "lab".into(),
        name: "gpus".into(),
        scope: "".into(),
        limits: vec![
            Limit::new("requests.nvidia.com/gpu".into(), q("2"), q("8")),
            Limit::new("requests.cpu".into(), q("10"), q("100")),
        ],
    };
    m.apply(delta(Rows::Queues(QueueRows::Quotas(Change::Rows(vec![
        row,
    ])))));
    let of = |ask: &Ask| quota::of_namespace(&m, ClusterId(0), "lab", ask);
    let told = of(&typed(4, 10, 0));
    assert_eq!((told[0].pods, told[0].by.as_str()), (1, GPU));
    let told = of(&typed(1, 30, 0));
    assert_eq!((told[0].pods, told[0].by.as_str()), (3, "cpu"));
    assert!(quota::of_namespace(&m, ClusterId(0), "other", &typed(1, 0, 0)).is_empty());
    assert!(
        of(&typed(0, 0, 1 << 30)).is_empty(),
        "memory is not limited"
    );
}

/// What is free is told of the devices that are asked for, whole or not.
#[test]
fn what_is_free_is_of_the_sort_that_is_asked_for() {
    use crate::model::capacity::answer::Answer;
    const MIG: &str = "nvidia.com/mig-1g.10gb";
    let whole = gpus(10, "whole", H100, &[(GPU, 8)]);
    let cut = gpus(11, "cut", H100, &[(GPU, 2), (MIG, 42)]);
    let amd = gpus(12, "amd", "AMD_Instinct_MI300X_OAM", &[("amd.com/gpu", 8)]);
    let mut m = model(&[whole, cut, amd], &[on(100, "cut", &[(MIG, 2)])]);
    let mut row = slice(50, 1, 1, ["a", "b"].map(|d| device(d, "gpu", "")).to_vec());
    row.node = Some("claimed".into());
    m.apply(nodes(&[node(13, "claimed", Devices::default())]));
    m.apply(slices(&[row]));
    let free = |ask: &Ask| {
        let answer = Answer::of(&m, ClusterId(0), ask, Vec::new());
        let free: Vec<(u32, u32)> = answer.free.histogram.into_iter().collect();
        (ask.device().to_owned(), free)
    };
    let named = |name: &str| Ask {
        devices: devices(name, 1),
        ..Ask::default()
    };
    let of = |device: &str, free: &[(u32, u32)]| (device.to_owned(), free.to_vec());
    assert_eq!(free(&typed(1, 0, 0)), of("GPU", &[(2, 2), (8, 2)]));
    // devices of claims serve the plain name where no plugin does
    assert_eq!(free(&named(GPU)), of("GPU", &[(2, 2), (8, 1)]));
    assert_eq!(free(&named(MIG)), of("mig-1g.10gb", &[(40, 1)]));
    assert_eq!(free(&named("amd.com/gpu")), of("GPU", &[(8, 1)]));
}

/// A flavor for nodes the pods are not for lets none of them in.
#[test]
fn quota_is_that_of_flavors_for_the_nodes_that_are_meant() {
    use crate::model::kueue::FlavorRow;
    use crate::model::kueue::fixture::cq;
    let labelled = |uid, name: &str, product: &'static str| {
        let mut row = gpus(uid, name, product, &[(GPU, 8)]);
        row.labels = LabelSet::new([("gpu", product), ("zone", "z")]);
        row
    };
    let flavor = |uid, name: &str, product: &str| FlavorRow {
        key: key(uid),
        name: name.into(),
        created: None,
        node_labels: vec![("gpu".into(), product.into())],
        node_taints: Vec::new(),
        tolerations: Vec::new(),
        topology: None,
    };
    let a100 = "NVIDIA-A100-SXM4-80GB";
    let mut m = model(&[labelled(10, "h", H100), labelled(11, "a", a100)], &[]);
    let queue = cq("team").quota_of("h100", 4).quota_of("a100", 12);
    m.apply(delta(Rows::Queues(QueueRows::ClusterQueues(Change::Rows(
        vec![queue],
    )))));
    m.apply(delta(Rows::Queues(QueueRows::Flavors(Change::Rows(vec![
        flavor(80, "h100", H100),
        flavor(81, "a100", a100),
    ])))));
    let told = |ask: &Ask| {
        let limit = quota::of_queue(&m, ClusterId(0), "team", ask).unwrap();
        (limit.pods, limit.by)
    };
    let is = |pods: u64, by: &str| (pods, by.to_owned());
    assert_eq!(told(&typed(4, 0, 0)), is(3, "nvidia.com/gpu in a100"));
    let on = |product: &str| Ask {
        product: Some(product.into()),
        ..typed(4, 0, 0)
    };
    assert_eq!(told(&on("h100")), is(1, "nvidia.com/gpu in h100"));
    assert_eq!(told(&on("b200")).0, 0);
    let selects = |value: &str| Ask {
        selector: vec![("gpu".into(), value.into())],
        ..typed(4, 0, 0)
    };
    assert_eq!(told(&selects(H100)), is(1, "nvidia.com/gpu in h100"));
    // slices are no whole GPUs
    let mut cut = cq("cut").quota_of("h100", 4);
    cut.groups[0].covers = vec!["nvidia.com/mig-1g.10gb".into()];
    cut.groups[0].flavors[0].resources[0].resource = "nvidia.com/mig-1g.10gb".into();
    m.apply(delta(Rows::Queues(QueueRows::ClusterQueues(Change::Rows(
        vec![cut],
    )))));
    let limit = quota::of_queue(&m, ClusterId(0), "cut", &typed(1, 0, 0)).unwrap();
    assert_eq!(
        (limit.pods, limit.by.as_str()),
        (0, "it covers no whole GPUs")
    );
    let all = quota::of_queues(&m, ClusterId(0), &typed(4, 0, 0));
    let all: Vec<(&str, u64)> = all.iter().map(|l| (l.what.as_str(), l.pods)).collect();
    assert_eq!(all, [("cluster queue team", 3), ("cluster queue cut", 0)]);
}
