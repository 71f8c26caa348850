//! Alarms, each with the situation it is for, and the ones nearby it must not be raised in.

use super::*;
use crate::model::capacity::alarms::{Watch, What, alarms};

fn told(m: &Model) -> Vec<(What, String)> {
    let all = alarms(m, ClusterId(0), at(0));
    let told = |a: alarms::Alarm| match &a.node {
        Some((_, name)) => (a.what, format!("{name}: {}", a.text)),
        None => (a.what, a.text),
    };
    all.into_iter().map(told).collect()
}

/// A healthy plain node as feature discovery labels it.
fn labelled(uid: u128, name: &str) -> NodeRow {
    let mut row = gpus(uid, name, H100, &[(GPU, 8)]);
    (facts(&mut row).count, facts(&mut row).replicas) = (Some(8), Some(1));
    row
}

#[test]
fn nodes_that_are_well_raise_none() {
    let mut shared = gpus(11, "shared", "Tesla-T4-SHARED", &[(GPU, 16)]);
    (facts(&mut shared).count, facts(&mut shared).replicas) = (Some(4), Some(4));
    let mut renamed = gpus(12, "renamed", "NVIDIA-L4", &[("nvidia.com/gpu.shared", 20)]);
    (facts(&mut renamed).count, facts(&mut renamed).replicas) = (Some(2), Some(10));
    let mut single = gpus(
        13,
        "single",
        "NVIDIA-A100-SXM4-80GB-MIG-1g.10gb",
        &[(GPU, 56)],
    );
    (facts(&mut single).count, facts(&mut single).replicas) = (Some(56), Some(1));
    facts(&mut single).mig_state = Some("success".into());
    let mut mixed = gpus(
        14,
        "mixed",
        H100,
        &[(GPU, 2), ("nvidia.com/mig-1g.10gb", 42)],
    );
    (facts(&mut mixed).count, facts(&mut mixed).replicas) = (Some(8), Some(1));
    facts(&mut mixed).mig_strategy = Some("mixed".into());
    facts(&mut mixed).mig = vec![MigFacts {
        profile: "1g.10gb".into(),
        count: Some(42),
        replicas: Some(1),
        memory_mib: None,
    }];
    let amd = gpus(15, "amd", "AMD_Instinct_MI300X_OAM", &[("amd.com/gpu", 8)]);
    let m = model(
        &[labelled(10, "plain"), shared, renamed, single, mixed, amd],
        &[on(100, "plain", &[(GPU, 8)])],
    );
    assert_eq!(told(&m), []);
}

#[test]
fn each_trouble_has_its_sentence() {
    let mut sick = labelled(10, "sick");
    sick.allocatable = devices(GPU, 7);
    let mut away = labelled(11, "away");
    away.allocatable = Devices::default();
    let mut failed = labelled(12, "failed");
    (facts(&mut failed).mig_config, facts(&mut failed).mig_state) =
        (Some("all-3g.40gb".into()), Some("failed".into()));
    let mut pending = labelled(13, "pending");
    (
        facts(&mut pending).mig_config,
        facts(&mut pending).mig_state,
    ) = (Some("all-balanced".into()), Some("pending".into()));
    let mut invalid = gpus(14, "invalid", "NVIDIA-H100-80GB-HBM3-MIG-INVALID", &[]);
    facts(&mut invalid).replicas = Some(0);
    let mut both = labelled(15, "both");
    both.capacity.add("nvidia.com/mig-1g.10gb".into(), 7);
    both.allocatable.add("nvidia.com/mig-1g.10gb".into(), 7);
    facts(&mut both).mig_strategy = Some("single".into());
    let mut stale = labelled(16, "stale");
    facts(&mut stale).count = Some(4);
    let mut carried = labelled(17, "carried");
    carried.labelled = Some(at(-900_000));
    let mut fresh = labelled(18, "fresh");
    (facts(&mut fresh).count, fresh.created) = (Some(4), Some(at(-60)));
    let m = model(
        &[
            sick, away, failed, pending, invalid, both, stale, carried, fresh,
        ],
        &[on(100, "sick", &[(GPU, 8)])],
    );
    let all = told(&m);
    let lines: Vec<String> = all
        .iter()
        .map(|(what, text)| format!("{what:?} {text}"))
        .collect();
    let want = [
        "Sick away: none of its 8 nvidia.com/gpu is offered; does its device plugin run?",
        "Sick sick: 1 of 8 nvidia.com/gpu sick: not offered any more",
        "Over sick: pods hold 8 nvidia.com/gpu of 7 offered",
        "MigFailed failed: MIG layout all-3g.40gb failed",
        "MigInvalid invalid: its cards are cut differently, or not all are: MIG strategy single offers none of them",
        "MigPending pending: MIG layout all-balanced is being made",
        "Mixed both: offers whole GPUs and MIG devices together under MIG strategy single",
        "Labels carried: its GPU labels are older than the node itself: GPU feature discovery has not run on it",
        "Labels stale: labels tell of 4 GPUs, the node offers 8: GPU feature discovery or the device plugin is behind",
    ];
    assert_eq!(lines, want);
}

#[test]
fn the_list_is_kept_until_something_changes() {
    let mut m = model(&[labelled(10, "n")], &[]);
    let mut watch = Watch::default();
    assert!(watch.refresh(&m, ClusterId(0), at(0)).is_empty());
    let mut sick = labelled(10, "n");
    sick.allocatable = devices(GPU, 7);
    m.apply(nodes(&[sick]));
    assert_eq!(watch.refresh(&m, ClusterId(0), at(0)).len(), 1);
}
