use proptest::prelude::*;
use rstest::rstest;

use super::groups::Totals;
use super::holders::{By, ledger};
use super::*;
use crate::model::Model;
use crate::model::delta::{Change, Rows};
use crate::model::dra::{Allotted, CounterSet, DeviceRow, DraRows};
use crate::model::fixture::*;
use crate::model::ids::Uid;
use crate::model::node::{GpuFacts, MigFacts};
use crate::model::pod::{Given, GivenDevice, Health};
use crate::model::shape::Taint;
use cards::{Card, Layout, State, cards};

mod alarming;
mod fitting;
mod law;
mod modes;

const GPU: &str = "nvidia.com/gpu";
const H100: &str = "NVIDIA-H100-80GB-HBM3";

/// A node with a product and these devices.
fn gpus(uid: u128, name: &str, product: &str, of: &[(&str, u32)]) -> NodeRow {
    let mut all = Devices::default();
    for (name, n) in of {
        all.add((*name).into(), *n);
    }
    let mut row = node(uid, name, all);
    row.product = Some(product.into());
    row.gpu = Some(GpuFacts::default().into());
    row
}

fn facts(row: &mut NodeRow) -> &mut GpuFacts {
    std::sync::Arc::make_mut(row.gpu.get_or_insert_default())
}

/// A running pod of job 1 that holds devices.
fn on(uid: u128, at: &str, of: &[(&str, u32)]) -> PodRow {
    let mut all = Devices::default();
    for (name, n) in of {
        all.add((*name).into(), *n);
    }
    let mut row = running(pod(uid, &job(1, "train")), at, 0);
    row.shape = Shape::of(all).into();
    row
}

fn model(of: &[NodeRow], with: &[PodRow]) -> Model {
    let mut m = Model::default();
    m.apply(jobs(&[job(1, "train")]));
    m.apply(nodes(of));
    m.apply(pods(with));
    m
}

fn group(m: &Model) -> &Group {
    m.capacity.all(ClusterId(0)).expect("nodes with devices")
}

/// `resource unit: capacity/allocatable used free sick over` of all nodes.
fn lines(m: &Model) -> Vec<String> {
    let Some(all) = m.capacity.all(ClusterId(0)) else {
        return Vec::new();
    };
    all.kinds()
        .map(|kind| {
            let s = all.totals(kind, |_| true).sums;
            format!(
                "{} {}: {}/{} {} {} {} {}",
                kind.resource,
                kind.unit.words(),
                s.capacity,
                s.allocatable,
                s.used,
                s.free,
                s.sick,
                s.over
            )
        })
        .collect()
}

#[test]
fn whole_gpus_slices_and_shares_stay_apart() {
    let whole = gpus(10, "whole", H100, &[(GPU, 8)]);
    let mut single = gpus(
        11,
        "single",
        "NVIDIA-A100-SXM4-80GB-MIG-1g.10gb",
        &[(GPU, 56)],
    );
    facts(&mut single).count = Some(56);
    let mut mixed = gpus(
        12,
        "mixed",
        "NVIDIA-A100-SXM4-80GB",
        &[
            (GPU, 2),
            ("nvidia.com/mig-1g.10gb", 14),
            ("nvidia.com/mig-3g.40gb", 8),
        ],
    );
    facts(&mut mixed).count = Some(8);
    let mut sliced = gpus(13, "sliced", "Tesla-T4-SHARED", &[(GPU, 16)]);
    (facts(&mut sliced).count, facts(&mut sliced).replicas) = (Some(4), Some(4));
    let mut renamed = gpus(14, "renamed", "NVIDIA-L4", &[("nvidia.com/gpu.shared", 20)]);
    (facts(&mut renamed).count, facts(&mut renamed).replicas) = (Some(2), Some(10));
    let mi300 = gpus(15, "amd", "AMD_Instinct_MI300X_OAM", &[("amd.com/gpu", 8)]);
    let cpx = gpus(
        16,
        "cpx",
        "AMD_Instinct_MI300X_OAM",
        &[("amd.com/cpx_nps4", 64)],
    );
    let intel = gpus(17, "intel", "Max_1550", &[("gpu.intel.com/i915", 4)]);
    let tpu = gpus(18, "tpu", "tpu-v5p-slice", &[("google.com/tpu", 4)]);
    let m = model(
        &[
            whole, single, mixed, sliced, renamed, mi300, cpx, intel, tpu,
        ],
        &[
            on(100, "whole", &[(GPU, 3)]),
            on(101, "single", &[(GPU, 5)]),
            on(102, "mixed", &[("nvidia.com/mig-1g.10gb", 2)]),
            on(103, "sliced", &[(GPU, 1)]),
        ],
    );
    let want = [
        "amd.com/gpu GPUs: 8/8 0 8 0 0",
        "gpu.intel.com/i915 GPUs: 4/4 0 4 0 0",
        "nvidia.com/gpu GPUs: 10/10 3 7 0 0",
        "nvidia.com/gpu shares: 16/16 1 15 0 0",
        "nvidia.com/gpu.shared shares: 20/20 0 20 0 0",
        "nvidia.com/gpu 1g.10gb: 56/56 5 51 0 0",
        "nvidia.com/mig-1g.10gb 1g.10gb: 14/14 2 12 0 0",
        "nvidia.com/mig-3g.40gb 3g.40gb: 8/8 0 8 0 0",
        "amd.com/cpx_nps4 cpx_nps4 partitions: 64/64 0 64 0 0",
        "google.com/tpu chips: 4/4 0 4 0 0",
    ];
    assert_eq!(lines(&m), want);
    let whole = group(&m).whole(|_| true);
    assert_eq!(
        (whole.sums.capacity, whole.sums.used),
        (8 + 2 + 8 + 4 + 4, 3)
    );
    // 8 whole, 8 cut to 56, 8 of which 6 are cut, 4 shared by four, 2 by ten, 8 and 8 of AMD, 4 of Intel; no TPU
    let by_product: Vec<(Option<&str>, u64)> = (m.capacity.groups(ClusterId(0), Dim::Product))
        .map(|(name, group)| (name.map(|n| &**n), group.cards))
        .collect();
    assert_eq!(
        by_product,
        [
            (Some("AMD_Instinct_MI300X_OAM"), 16),
            (Some("Max_1550"), 4),
            (Some("NVIDIA-A100-SXM4-80GB"), 16),
            (Some(H100), 8),
            (Some("NVIDIA-L4"), 2),
            (Some("Tesla-T4"), 4),
            (Some("tpu-v5p-slice"), 0),
        ]
    );
}

#[rstest]
// capacity, allocatable, used → free, sick, over
#[case(8, 8, 0, (8, 0, 0))]
#[case(8, 8, 5, (3, 0, 0))]
#[case(8, 6, 5, (1, 2, 0))]
#[case(8, 6, 8, (0, 2, 2))]
#[case(8, 0, 0, (0, 8, 0))]
#[case(0, 0, 3, (0, 0, 3))]
fn free_sick_and_over(
    #[case] capacity: u32,
    #[case] allocatable: u32,
    #[case] used: u32,
    #[case] want: (u64, u64, u64),
) {
    let mut n = gpus(10, "n", H100, &[(GPU, capacity)]);
    n.allocatable = devices(GPU, allocatable);
    let m = model(&[n], &[on(100, "n", &[(GPU, used)])]);
    let sums = m.capacity.all(ClusterId(0)).map(|g| g.whole(|_| true).sums);
    let sums = sums.unwrap_or_default();
    assert_eq!((sums.free, sums.sick, sums.over), want);
}

#[test]
fn who_counts_and_who_does_not() {
    let mut m = model(&[gpus(10, "n", H100, &[(GPU, 8)])], &[]);
    let used = |m: &Model| group(m).whole(|_| true).sums;
    // not bound: demand
    let mut waits = on(100, "n", &[(GPU, 1)]);
    waits.node = None;
    // bound and pending: holds
    let mut pending = on(101, "n", &[(GPU, 1)]);
    pending.phase = PodPhase::Pending;
    // lost with its node: holds
    let mut lost = on(102, "n", &[(GPU, 1)]);
    lost.phase = PodPhase::Unknown;
    // over: holds nothing, though it is there
    let done = ended(on(103, "n", &[(GPU, 1)]), 0, 60);
    let mut going = on(104, "n", &[(GPU, 2)]);
    going.deleting = true;
    m.apply(pods(&[waits, pending, lost, done, going.clone()]));
    assert_eq!((used(&m).used, used(&m).releasing), (4, 2));
    m.apply(pods_gone(&[104]));
    assert_eq!((used(&m).used, used(&m).releasing), (2, 0));
    // a claim serves it: the claim's device is counted instead
    let mut shape = Shape::of(devices(GPU, 1));
    shape.by_claim = [Name::from(GPU)].into();
    let mut claimed = on(105, "n", &[]);
    claimed.shape = shape.into();
    m.apply(pods(&[claimed]));
    assert_eq!(used(&m).used, 2);
}

#[test]
fn free_devices_fall_into_buckets() {
    let plain = gpus(10, "plain", H100, &[(GPU, 8)]);
    let mut tainted = gpus(11, "tainted", H100, &[(GPU, 8)]);
    tainted.taints = vec![
        "nvidia.com/gpu=present:NoSchedule".into(),
        "soft:PreferNoSchedule".into(),
    ];
    let mut cordoned = gpus(12, "cordoned", H100, &[(GPU, 8)]);
    cordoned.cordoned = true;
    cordoned.taints = vec!["node.kubernetes.io/unschedulable:NoSchedule".into()];
    let mut lost = gpus(13, "lost", H100, &[(GPU, 8)]);
    lost.ready = false;
    let mut starved = gpus(14, "starved", H100, &[(GPU, 8)]);
    starved.cpu_milli = 16_000;
    let mut hog = on(100, "starved", &[(GPU, 1)]);
    hog.shape = Shape {
        cpu_milli: 15_500,
        ..Shape::of(devices(GPU, 1))
    }
    .into();
    let m = model(&[plain, tainted, cordoned, lost, starved], &[hog]);
    let of = |tolerates: fn(&Taint) -> bool| {
        let t = group(&m).whole(tolerates);
        (t.open, t.tainted, t.away, t.stranded, t.empty)
    };
    assert_eq!(of(|_| false), (8, 8, 16, 7, 1));
    assert_eq!(of(|t| &*t.key == "nvidia.com/gpu"), (16, 0, 16, 7, 2));
    let row = |name: &str| m.nodes.rows().find(|n| &*n.name == name).unwrap();
    assert!(m.capacity.gate(row("starved")).unwrap().starved);
    assert!(
        m.capacity.gate(row("cordoned")).unwrap().taints.is_empty(),
        "says again what is known"
    );
}

#[test]
fn fragmentation_is_the_part_that_pods_of_a_size_cannot_use() {
    let totals = |free: &[(u32, u32)]| Totals {
        histogram: free.iter().copied().collect(),
        ..Totals::default()
    };
    // 4 nodes with 2 free each and one with 8
    let t = totals(&[(2, 4), (8, 1)]);
    let of = |size: u32| {
        (
            t.pods(size),
            (t.fragmentation(size) * 1000.0).round() as u32,
        )
    };
    assert_eq!([1, 2, 4, 8].map(of), [(16, 0), (8, 0), (2, 500), (1, 500)]);
    assert_eq!(totals(&[(0, 3)]).fragmentation(4), 0.0);
    assert_eq!(totals(&[(3, 2)]).fragmentation(0), 1.0);
}

#[test]
fn cards_show_who_is_where_as_far_as_it_is_told() {
    let mut n = gpus(10, "n", H100, &[(GPU, 8)]);
    n.allocatable = devices(GPU, 7);
    let mut told = on(100, "n", &[(GPU, 1)]);
    told.given = Some(Box::new(Given(
        [GivenDevice {
            resource: GPU.into(),
            id: "GPU-a".into(),
            health: Health::Unhealthy,
        }]
        .into(),
    )));
    let mut going = on(101, "n", &[(GPU, 2)]);
    going.deleting = true;
    let m = model(
        std::slice::from_ref(&n),
        &[told, going, on(102, "n", &[(GPU, 1)])],
    );
    let all = cards(&m, &n);
    let show = |all: &[Card]| -> Vec<String> {
        let part = |p: &cards::Part| {
            format!(
                "{:?}{}{}",
                p.state,
                p.pod.map_or(0, |k| k.uid.0),
                if p.told { "!" } else { "" }
            )
        };
        let card = |c: &Card| c.parts.iter().map(part).collect::<Vec<_>>().join("+");
        all.iter().map(card).collect()
    };
    assert_eq!(
        show(&all),
        [
            "Sick100!",
            "Releasing101",
            "Releasing101",
            "Held102",
            "Free0",
            "Free0",
            "Free0",
            "Free0"
        ]
    );
    assert!(
        all.iter()
            .all(|c| c.layout == Layout::Known && c.is_whole())
    );
    // without the word of the kubelet the sick one is drawn last
    let mut n = gpus(10, "n", H100, &[(GPU, 4)]);
    n.allocatable = devices(GPU, 3);
    let m = model(std::slice::from_ref(&n), &[on(102, "n", &[(GPU, 1)])]);
    assert_eq!(show(&cards(&m, &n)), ["Held102", "Free0", "Free0", "Sick0"]);
}

#[test]
fn cut_cards_hold_their_slices_where_that_can_be_known() {
    let mut single = gpus(10, "n", "NVIDIA-A100-SXM4-80GB-MIG-1g.10gb", &[(GPU, 14)]);
    facts(&mut single).count = Some(14);
    let m = model(std::slice::from_ref(&single), &[on(100, "n", &[(GPU, 8)])]);
    let shape = |m: &Model, n: &NodeRow| -> Vec<(usize, usize, Layout)> {
        let held = |c: &Card| c.parts.iter().filter(|p| p.state == State::Held).count();
        cards(m, n)
            .iter()
            .map(|c| (c.parts.len(), held(c), c.layout))
            .collect()
    };
    assert_eq!(
        shape(&m, &single),
        [(7, 7, Layout::Even), (7, 1, Layout::Even)]
    );
    let mixed = |small: u32| {
        let of = [
            (GPU, 2),
            ("nvidia.com/mig-1g.10gb", small),
            ("nvidia.com/mig-3g.40gb", 6),
        ];
        let mut n = gpus(10, "n", "NVIDIA-A100-SXM4-80GB", &of);
        facts(&mut n).count = Some(8);
        n
    };
    let n = mixed(12);
    let m = model(std::slice::from_ref(&n), &[]);
    let known = (1, 0, Layout::Known);
    let mut want = vec![known, known];
    want.extend([(3, 0, Layout::Even); 6]);
    assert_eq!(shape(&m, &n), want);
    let n = mixed(13);
    let m = model(std::slice::from_ref(&n), &[]);
    assert_eq!(
        shape(&m, &n),
        [
            known,
            known,
            (13, 0, Layout::Unknown),
            (6, 0, Layout::Unknown)
        ]
    );
    let mut shared = gpus(10, "n", "Tesla-T4-SHARED", &[(GPU, 8)]);
    (facts(&mut shared).count, facts(&mut shared).replicas) = (Some(2), Some(4));
    let m = model(std::slice::from_ref(&shared), &[on(100, "n", &[(GPU, 1)])]);
    assert_eq!(
        shape(&m, &shared),
        [(4, 1, Layout::Even), (4, 0, Layout::Even)]
    );
}

fn device(name: &str, kind: &str, card: &str) -> DeviceRow {
    DeviceRow {
        name: name.into(),
        kind: Some(kind.into()),
        uuid: Some(format!("UUID-{name}").into()),
        parent: (kind == "mig").then(|| format!("UUID-{card}").into()),
        profile: (kind == "mig").then(|| "3g.40gb".into()),
        product: Some("NVIDIA H100 80GB HBM3".into()),
        ..DeviceRow::default()
    }
}

fn slice(uid: u128, generation: i64, count: u32, devices: Vec<DeviceRow>) -> SliceRow {
    SliceRow {
        key: key(uid),
        name: format!("s{uid}").into(),
        driver: "gpu.nvidia.com".into(),
        pool: "n".into(),
        generation,
        slices: count,
        node: Some("n".into()),
        devices: devices.into(),
        counters: [].into(),
    }
}

fn claim(uid: u128, devices: &[&str], user: u128) -> ClaimRow {
    let of = |device: &&str| Allotted {
        driver: "gpu.nvidia.com".into(),
        pool: "n".into(),
        device: (*device).into(),
        consumed: [].into(),
    };
    ClaimRow {
        key: key(uid),
        namespace: "default".into(),
        name: format!("c{uid}").into(),
        created: Some(at(0)),
        deleting: false,
        asks: Vec::new(),
        allocated: true,
        devices: devices.iter().map(of).collect(),
        users: vec![("p".into(), Uid(user))],
    }
}

fn slices(rows: &[SliceRow]) -> crate::model::delta::Delta {
    delta(Rows::Dra(DraRows::Slices(Change::Rows(rows.to_vec()))))
}

fn claims(rows: &[ClaimRow]) -> crate::model::delta::Delta {
    delta(Rows::Dra(DraRows::Claims(Change::Rows(rows.to_vec()))))
}

#[test]
fn only_whole_pools_of_the_newest_generation_count() {
    let gpu = |name: &str| device(name, "gpu", "");
    let mut m = model(&[node(10, "n", Devices::default())], &[]);
    m.apply(slices(&[slice(50, 1, 1, vec![gpu("a"), gpu("b")])]));
    assert_eq!(lines(&m), ["gpu.nvidia.com GPUs: 2/2 0 2 0 0"]);
    // the next generation has begun and is not complete: nothing can be said
    m.apply(slices(&[slice(51, 2, 2, vec![gpu("a")])]));
    assert_eq!(lines(&m), [""; 0]);
    m.apply(slices(&[slice(52, 2, 2, vec![gpu("c"), gpu("d")])]));
    assert_eq!(lines(&m), ["gpu.nvidia.com GPUs: 3/3 0 3 0 0"]);
    m.apply(claims(&[claim(60, &["c"], 100)]));
    assert_eq!(lines(&m), ["gpu.nvidia.com GPUs: 3/3 1 2 0 0"]);
    let mut tainted = gpu("d");
    tainted.taints = [Taint::parse("sick:NoExecute").unwrap()].into();
    m.apply(slices(&[slice(52, 2, 2, vec![gpu("c"), tainted])]));
    assert_eq!(lines(&m), ["gpu.nvidia.com GPUs: 3/2 1 1 1 0"]);
    let n = m.nodes.rows().next().unwrap();
    let states: Vec<State> = cards(&m, n).iter().map(Card::state).collect();
    assert_eq!(states, [State::Free, State::Held, State::Sick]);
}

#[test]
fn cuts_of_one_card_are_not_added_up() {
    // a card that is whole, or up to two of three slices: 8 memory slices, 4 each
    let set = |name: &str| CounterSet {
        name: name.into(),
        counters: [("memory".into(), 8000)].into(),
    };
    let mut devices = Vec::new();
    for card in ["0", "1"] {
        let mut whole = device(card, "gpu", "");
        whole.consumes = [(card.into(), "memory".into(), 8000)].into();
        devices.push(whole);
        for at in 0..3 {
            let mut cut = device(&format!("{card}-mig-{at}"), "mig", card);
            cut.consumes = [(card.into(), "memory".into(), 4000)].into();
            devices.push(cut);
        }
    }
    let mut row = slice(50, 1, 1, devices);
    row.counters = [set("0"), set("1")].into();
    let mut m = model(&[node(10, "n", Devices::default())], &[]);
    m.apply(slices(&[row]));
    let n = m.nodes.rows().next().unwrap().clone();
    assert_eq!(
        lines(&m),
        [
            "gpu.nvidia.com GPUs: 2/2 0 2 0 0",
            "gpu.nvidia.com 3g.40gb: 4/4 0 4 0 0"
        ]
    );
    assert_eq!(group(&m).cards, 2);
    // one slice of card 0: the card is free no more, and one slice less fits
    m.apply(claims(&[claim(60, &["0-mig-1"], 100)]));
    assert_eq!(
        lines(&m),
        [
            "gpu.nvidia.com GPUs: 2/2 0 1 0 0",
            "gpu.nvidia.com 3g.40gb: 4/4 1 3 0 0"
        ]
    );
    let all = cards(&m, &n);
    assert_eq!(
        all.iter().map(|c| c.parts.len()).collect::<Vec<_>>(),
        [2, 1]
    );
    assert_eq!(
        (all[0].parts[0].state, all[0].parts[0].pod),
        (State::Held, Some(key(100)))
    );
    assert_eq!(all[0].parts[1].state, State::Blocked);
    // card 1 whole: none of its slices fit
    m.apply(claims(&[claim(61, &["1"], 101)]));
    assert_eq!(
        lines(&m),
        [
            "gpu.nvidia.com GPUs: 2/2 1 0 0 0",
            "gpu.nvidia.com 3g.40gb: 2/2 1 1 0 0"
        ]
    );
    let by = ledger(&m, ClusterId(0), By::Namespace);
    assert_eq!((by.len(), by[0].whole(), by[0].pods), (1, 1, 2));
}

#[test]
fn a_card_that_plugin_and_driver_both_offer_counts_once() {
    let gpu = |name: &str| device(name, "gpu", "");
    let n = gpus(10, "n", H100, &[(GPU, 4)]);
    let mut m = model(std::slice::from_ref(&n), &[on(100, "n", &[(GPU, 1)])]);
    m.apply(slices(&[slice(
        50,
        1,
        1,
        ["a", "b", "c", "d"].map(gpu).to_vec(),
    )]));
    m.apply(claims(&[claim(60, &["a"], 101)]));
    assert_eq!(lines(&m), ["nvidia.com/gpu GPUs: 4/4 2 2 0 0"]);
    let held: Vec<u128> = cards(&m, &n)
        .iter()
        .filter_map(|c| c.parts[0].pod)
        .map(|k| k.uid.0)
        .collect();
    assert_eq!(held, [100, 101]);
}

#[test]
fn parts_of_a_device_are_free_by_capacity() {
    let mut shared = device("a", "gpu", "");
    (shared.multiple, shared.capacity) = (true, [("memory".into(), 80)].into());
    let mut m = model(&[node(10, "n", Devices::default())], &[]);
    m.apply(slices(&[slice(50, 1, 1, vec![shared])]));
    let part = |uid, amount| {
        let mut row = claim(uid, &["a"], 100 + uid);
        row.devices[0].consumed = [("memory".into(), amount)].into();
        row
    };
    m.apply(claims(&[part(60, 20)]));
    assert_eq!(lines(&m), ["gpu.nvidia.com shares: 1/1 0 1 0 0"]);
    let n = m.nodes.rows().next().unwrap().clone();
    assert_eq!(cards(&m, &n)[0].parts[0].held, 0.25);
    m.apply(claims(&[part(61, 60)]));
    assert_eq!(lines(&m), ["gpu.nvidia.com shares: 1/1 1 0 0 0"]);
}

#[test]
fn the_ledger_follows_from_running_sums() {
    let mut m = model(&[gpus(10, "n", H100, &[(GPU, 8)])], &[]);
    let mut other = on(102, "n", &[(GPU, 1)]);
    (other.owner, other.namespace, other.bound) = (None, "lab".into(), Some(at(1800)).into());
    let done = ended(on(103, "n", &[(GPU, 4)]), 0, 3600);
    m.apply(pods(&[
        on(100, "n", &[(GPU, 2)]),
        on(101, "n", &[(GPU, 2)]),
        other,
        done,
    ]));
    let rows = ledger(&m, ClusterId(0), By::Workload);
    let show = |h: &holders::Holder| (h.name.to_string(), h.whole(), h.pods, h.gpu_hours(at(3600)));
    assert_eq!(
        rows.iter().map(show).collect::<Vec<_>>(),
        [
            ("train".into(), 4, 2, 4.0 + 4.0),
            ("train-102".into(), 1, 1, 0.5),
        ]
    );
    assert_eq!(rows[0].key, Some(key(1)));
    assert_eq!(ledger(&m, ClusterId(0), By::Pod).len(), 3);
    assert_eq!(
        ledger(&m, ClusterId(0), By::Queue)[0].name.as_str(),
        "no queue"
    );
    // labels come, and say that the node's are slices: the accounts move
    let mut cut = gpus(10, "n", "NVIDIA-A100-SXM4-80GB-MIG-1g.10gb", &[(GPU, 8)]);
    facts(&mut cut).mig = vec![MigFacts::default()];
    m.apply(nodes(&[cut]));
    let rows = ledger(&m, ClusterId(0), By::Namespace);
    assert_eq!((rows[0].whole(), rows[0].held.len()), (0, 1));
    assert!((rows[0].equivalents() - 4.0 / 7.0).abs() < 1e-5);
}
