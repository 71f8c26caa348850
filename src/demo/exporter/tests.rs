//! The text, read back by a reader of its own.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use serde_json::json;

use super::*;
use crate::store::Store;

/// Name, labels in their order, value.
type Sample = (String, Vec<(String, String)>, f64);

/// Reads exposition text strictly: every sample below its own HELP and TYPE, no series twice.
pub fn parse(text: &str) -> Vec<Sample> {
    let mut out: Vec<Sample> = Vec::new();
    let (mut helped, mut typed) = (BTreeSet::new(), BTreeMap::new());
    let mut seen = BTreeSet::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap();
            assert!(!help.is_empty());
            assert!(helped.insert(name.to_owned()), "{name} is explained twice");
            continue;
        }
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert!(["gauge", "counter"].contains(&kind), "{line}");
            typed.insert(name.to_owned(), kind.to_owned());
            continue;
        }
        let (series, value) = line.rsplit_once(' ').unwrap();
        assert!(seen.insert(series.to_owned()), "twice: {series}");
        let (name, rest) = series.split_once('{').unwrap();
        assert!(helped.contains(name) && typed.contains_key(name), "{line}");
        let mut rest = rest.strip_suffix('}').unwrap();
        let mut labels = Vec::new();
        while !rest.is_empty() {
            let (label, tail) = rest.split_once("=\"").unwrap();
            let (text, tail) = tail.split_once('"').unwrap();
            labels.push((label.to_owned(), text.to_owned()));
            rest = tail.strip_prefix(',').unwrap_or(tail);
        }
        out.push((name.to_owned(), labels, value.parse().unwrap()));
    }
    out
}

fn names(sample: &Sample) -> Vec<&str> {
    sample.1.iter().map(|(name, _)| name.as_str()).collect()
}

fn label<'a>(sample: &'a Sample, name: &str) -> Option<&'a str> {
    let found = sample.1.iter().find(|(label, _)| label == name);
    found.map(|(_, text)| text.as_str())
}

fn node(labels: Value, capacity: Value, allocatable: Value) -> Inventory {
    let mut store = Store::new();
    crate::kinds::register(&mut store);
    let kind = store.kind_id("", "nodes").unwrap();
    let value = json!({
        "kind": "Node", "apiVersion": "v1", "metadata": {"name": "n", "uid": "u", "labels": labels},
        "status": {"capacity": capacity, "allocatable": allocatable},
    });
    Inventory::of(&store.put(kind, value))
}

fn gpus(product: &str, count: u64, resource: &str, healthy: u64) -> Inventory {
    node(
        json!({"nvidia.com/gpu.product": product, "nvidia.com/gpu.count": count.to_string()}),
        json!({resource: count.to_string()}),
        json!({resource: healthy.to_string()}),
    )
}

fn busy(card: usize, slice: Option<usize>) -> Tenant {
    Tenant {
        card,
        slice,
        share: None,
        namespace: "team".to_owned(),
        pod: format!("pod-{card}"),
        container: "trainer".to_owned(),
        claim: Vec::new(),
        load: Load {
            util: 0.97,
            engine: 0.95,
            tensor: 0.5,
            dram: 0.4,
            memory: 0.8,
            traffic: 1e9,
        },
    }
}

fn text(program: Program, inventory: &Inventory, tenants: &[Tenant], after: i64) -> String {
    let start = DateTime::UNIX_EPOCH;
    let clock = Clock::stepped(start + TimeDelta::seconds(after), 1.0);
    let view = View {
        node: "n",
        inventory,
        tenants,
        booted: start,
        clock: &clock,
        old: program == Program::Dcgm { old: true },
    };
    match program.answer("/metrics", &view) {
        Answer::Page { code, body, .. } => {
            assert_eq!(code, 200);
            body
        }
        other => panic!("{other:?}"),
    }
}

const NEW: Program = Program::Dcgm { old: false };

#[test]
fn labels_come_in_the_order_of_the_exporter() {
    let inventory = gpus("NVIDIA-H100-80GB-HBM3", 8, "nvidia.com/gpu", 7);
    let all = parse(&text(NEW, &inventory, &[busy(2, None)], 4000));
    let first = [
        "gpu",
        "UUID",
        "pci_bus_id",
        "device",
        "modelName",
        "hostname",
        "DCGM_FI_DRIVER_VERSION",
    ];
    let mut held = 0;
    for sample in &all {
        let mut wanted = first.to_vec();
        let xid = sample.0 == "DCGM_FI_DEV_XID_ERRORS";
        let mut more: Vec<&str> = Vec::new();
        if label(sample, "gpu") == Some("2") {
            more.extend(["container", "namespace", "pod"]);
            held += 1;
        }
        if xid {
            more.extend(["err_code", "err_msg"]);
        }
        more.sort_unstable();
        wanted.extend(more);
        assert_eq!(names(sample), wanted, "{}", sample.0);
    }
    assert_eq!(held, 25);
    // one card is ill, and it is the one that the node does not offer
    let ill: Vec<&Sample> = all
        .iter()
        .filter(|s| s.0 == "DCGM_FI_DEV_XID_ERRORS" && s.2 != 0.0)
        .collect();
    assert_eq!(ill.len(), 1);
    assert_eq!(label(ill[0], "err_msg"), Some("Double Bit ECC Error"));
    let uuid = label(ill[0], "UUID").unwrap();
    assert!(inventory.devices.iter().any(|d| d.id == uuid && !d.healthy));
}

#[test]
fn readings_are_plausible_and_counters_only_grow() {
    let inventory = gpus("NVIDIA-H100-80GB-HBM3", 8, "nvidia.com/gpu", 8);
    let tenants = [busy(0, None)];
    let at = |after| parse(&text(NEW, &inventory, &tenants, after));
    let (early, late) = (at(4000), at(4060));
    let value = |all: &[Sample], name: &str, gpu: &str| {
        let name = format!("DCGM_FI_{name}");
        let found = all
            .iter()
            .find(|s| s.0 == name && label(s, "gpu") == Some(gpu));
        found.unwrap_or_else(|| panic!("no {name}")).2
    };
    for gpu in ["0", "1"] {
        let power = value(&early, "DEV_POWER_USAGE", gpu);
        let temperature = value(&early, "DEV_GPU_TEMP", gpu);
        let memory: f64 = ["USED", "FREE", "RESERVED"]
            .iter()
            .map(|m| value(&early, &format!("DEV_FB_{m}"), gpu))
            .sum();
        assert_eq!(memory, 81_559.0);
        if gpu == "0" {
            assert!((400.0..=700.0).contains(&power), "{power}");
            assert!((55.0..85.0).contains(&temperature), "{temperature}");
            assert_eq!(value(&early, "DEV_GPU_UTIL", gpu), 97.0);
        } else {
            assert!((60.0..90.0).contains(&power), "{power}");
            assert!((25.0..40.0).contains(&temperature), "{temperature}");
            assert_eq!(value(&early, "DEV_FB_USED", gpu), 0.0);
            assert_eq!(value(&early, "PROF_GR_ENGINE_ACTIVE", gpu), 0.0);
        }
        for counter in ["DEV_TOTAL_ENERGY_CONSUMPTION", "DEV_NVLINK_BANDWIDTH_TOTAL"] {
            assert!(value(&late, counter, gpu) > value(&early, counter, gpu));
        }
    }
}

#[test]
fn slices_have_rows_of_their_own_and_no_utilisation() {
    let inventory = node(
        json!({"nvidia.com/gpu.product": "NVIDIA-A100-SXM4-80GB", "nvidia.com/gpu.count": "2"}),
        json!({"nvidia.com/gpu": "1", "nvidia.com/mig-3g.40gb": "2"}),
        json!({"nvidia.com/gpu": "1", "nvidia.com/mig-3g.40gb": "2"}),
    );
    let all = parse(&text(NEW, &inventory, &[busy(1, Some(1))], 100));
    let of = |name: &str| all.iter().filter(|s| s.0 == name).collect::<Vec<_>>();
    assert_eq!(of("DCGM_FI_DEV_GPU_UTIL").len(), 1);
    let engines = of("DCGM_FI_PROF_GR_ENGINE_ACTIVE");
    assert_eq!(engines.len(), 3);
    let slice = engines[2];
    assert_eq!(
        names(slice)[..8],
        [
            "gpu",
            "UUID",
            "pci_bus_id",
            "device",
            "modelName",
            "GPU_I_PROFILE",
            "GPU_I_ID",
            "hostname"
        ]
    );
    assert_eq!(label(slice, "GPU_I_PROFILE"), Some("3g.40gb"));
    assert_eq!((label(slice, "pod"), slice.2), (Some("pod-1"), 0.95));
    assert_eq!((label(engines[1], "pod"), engines[1].2), (None, 0.0));
    // the card itself draws for what its slices do, and no more than that
    let power = of("DCGM_FI_DEV_POWER_USAGE");
    assert!(power[2].2 > 100.0 && power[2].2 < 300.0, "{}", power[2].2);
}

#[test]
fn every_tenant_of_a_time_sliced_card_has_a_row() {
    let inventory = node(
        json!({
            "nvidia.com/gpu.product": "NVIDIA-L4", "nvidia.com/gpu.count": "1", "nvidia.com/gpu.replicas": "4",
            "nvidia.com/gpu.sharing-strategy": "time-slicing",
        }),
        json!({"nvidia.com/gpu.shared": "4"}),
        json!({"nvidia.com/gpu.shared": "4"}),
    );
    let tenants = [0, 2].map(|share| Tenant {
        share: Some(share),
        pod: format!("pod-{share}"),
        ..busy(0, None)
    });
    let all = parse(&text(NEW, &inventory, &tenants, 100));
    let rows: Vec<(Option<&str>, Option<&str>)> = all
        .iter()
        .filter(|s| s.0 == "DCGM_FI_DEV_GPU_UTIL")
        .map(|s| (label(s, "pod"), label(s, "vgpu")))
        .collect();
    assert_eq!(
        rows,
        [(Some("pod-0"), Some("0")), (Some("pod-2"), Some("2"))]
    );
}

#[test]
fn an_old_exporter_has_empty_labels_and_values_that_stand_for_none() {
    let inventory = gpus("Tesla-T4", 4, "nvidia.com/gpu", 4);
    let old = Program::Dcgm { old: true };
    let all = parse(&text(old, &inventory, &[], 100));
    let power: Vec<&Sample> = all
        .iter()
        .filter(|s| s.0 == "DCGM_FI_DEV_POWER_USAGE")
        .collect();
    assert_eq!(
        names(power[0]),
        [
            "gpu",
            "UUID",
            "device",
            "modelName",
            "Hostname",
            "container",
            "namespace",
            "pod"
        ]
    );
    assert_eq!(label(power[0], "pod"), Some(""));
    assert_eq!(power[0].2, 140_737_488_355_328.0);
    assert!(power[1].2 < 100.0);
    assert!(all.iter().any(|s| s.2 > 2f64.powi(62)));
    assert!(!all.iter().any(|s| s.0.contains("PROF")));
}

#[test]
fn amd_writes_all_its_labels_in_alphabetical_order() {
    let inventory = node(
        json!({"amd.com/gpu.product-name": "AMD_Instinct_MI300X_OAM"}),
        json!({"amd.com/gpu": "8"}),
        json!({"amd.com/gpu": "7"}),
    );
    let all = parse(&text(Program::Amd, &inventory, &[busy(3, None)], 100));
    for sample in &all {
        let mut sorted = names(sample);
        sorted.sort_unstable();
        assert_eq!(names(sample), sorted);
    }
    let activity: Vec<(Option<&str>, f64)> = all
        .iter()
        .filter(|s| s.0 == "gpu_gfx_activity")
        .map(|s| (label(s, "pod"), s.2))
        .collect();
    assert_eq!(activity.len(), 8);
    assert_eq!(activity[3], (Some("pod-3"), 97.0));
    assert_eq!(activity[0], (Some(""), 0.0));
    let ill = all.iter().filter(|s| s.0 == "gpu_health" && s.2 == 0.0);
    assert_eq!(ill.count(), 1);
}

#[test]
fn loads_follow_from_what_the_container_runs() {
    let of = |argv: &[&str], annotation: Option<&str>, seconds: f64| {
        let mut pod = json!({"metadata": {"uid": "u-1", "annotations": {}}});
        if let Some(text) = annotation {
            pod["metadata"]["annotations"][load::ANNOTATION] = json!(text);
        }
        let container =
            json!({"name": "trainer", "image": "jobdeck.dev/demo/train:1", "args": argv});
        Load::of(&pod, &container, 0, seconds, 7)
    };
    let plain = [
        "--model",
        "m",
        "--style",
        "hf",
        "--steps",
        "1000",
        "--step-time",
        "1",
    ];
    let early = of(&plain, None, 1.0);
    assert!(early.engine < 0.1 && early.memory > 0.0);
    let mid = of(&plain, None, 300.0);
    assert!(
        mid.engine > 0.7 && mid.tensor > 0.2 && mid.memory > 0.5,
        "{mid:?}"
    );
    let hangs = [
        &plain[..],
        &["--fail", "nccl", "--fail-at", "100", "--hang", "600"],
    ]
    .concat();
    let stuck = of(&hangs, None, 400.0);
    assert_eq!((stuck.util, stuck.tensor), (1.0, 0.0));
    let parked = of(&plain, Some("parked"), 300.0);
    assert!(parked.memory > 0.85 && parked.util == 0.0);
    assert_eq!(of(&plain, Some("idle"), 300.0), Load::default());
    // it wanders, but does not leap
    for second in 300..400 {
        let (a, b) = (
            of(&plain, None, f64::from(second)),
            of(&plain, None, f64::from(second + 1)),
        );
        assert!((a.engine - b.engine).abs() < 0.08, "{second}");
    }
}
