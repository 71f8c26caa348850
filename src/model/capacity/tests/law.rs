//! Any order of changes leaves the sums of the rows that remain.

use super::*;
use crate::model::capacity::amounts::Sums;

#[derive(Debug, Clone)]
#[allow(
    clippy::large_enum_variant,
    reason = "there are few of them, and not for long"
)]
enum Step {
    Pod(PodRow),
    PodGone(u128),
    Node(NodeRow),
    NodeGone(u128),
    Slice(SliceRow),
    SliceGone(u128),
    Claim(ClaimRow),
    ClaimGone(u128),
}

fn a_pod() -> impl Strategy<Value = Step> {
    let of = (
        0u128..8,
        0u8..4,
        0u8..6,
        0u32..4,
        any::<bool>(),
        0u64..3,
        0i64..4,
        0usize..5,
    );
    of.prop_map(|(uid, node, phase, n, deleting, cpu, bound, other)| {
        let at_node = format!("n{node}");
        let own = [
            (GPU, n),
            (MIG, n / 2),
            (RENAMED, n),
            ([AMD, CPX][n as usize % 2], n),
        ];
        let own = match other {
            0 | 1 => &own[..2],
            other => &own[other - 1..other],
        };
        let mut row = on(100 + uid, &at_node, own);
        row.phase = match phase {
            0 => PodPhase::Pending,
            1 => PodPhase::Succeeded,
            2 => PodPhase::Failed,
            _ => PodPhase::Running,
        };
        row.finished = matches!(phase, 1 | 2).then(|| at(100)).into();
        row.node = (node < 3).then(|| at_node.as_str().into());
        row.deleting = deleting;
        row.bound = Some(at(bound)).into();
        let mut shape = (*row.shape).clone();
        shape.cpu_milli = cpu * 31_800;
        if bound == 3 {
            shape.by_claim = [Name::from(GPU)].into();
        }
        row.shape = shape.into();
        if uid > 5 {
            row.owner = None;
        }
        Step::Pod(row)
    })
}

const MIG: &str = "nvidia.com/mig-1g.10gb";
const RENAMED: &str = "nvidia.com/gpu.shared";
const AMD: &str = "amd.com/gpu";
const CPX: &str = "amd.com/cpx_nps4";

/// How a node offers its cards: what the product label ends with, the resources with how many, the replicas that labels
/// tell, and which resources are whole GPUs.
type Mode = (
    &'static str,
    &'static [(&'static str, u32)],
    u32,
    &'static [&'static str],
);

const MODES: [Mode; 11] = [
    ("", &[(GPU, 8)], 1, &[GPU]),
    // GPUs that are not cut beside some that are
    ("", &[(GPU, 2), (MIG, 42)], 1, &[GPU]),
    ("", &[(MIG, 56)], 0, &[]),
    ("-MIG-1g.10gb", &[(GPU, 56)], 1, &[]),
    ("-MIG-1g.10gb-SHARED", &[(GPU, 112)], 2, &[]),
    ("-SHARED", &[(GPU, 32)], 4, &[]),
    ("", &[(RENAMED, 32)], 4, &[]),
    ("-MIG-INVALID", &[(GPU, 0)], 0, &[GPU]),
    ("", &[(AMD, 8)], 1, &[AMD]),
    ("", &[(CPX, 64)], 1, &[]),
    ("", &[(GPU, 4), (AMD, 4)], 1, &[GPU, AMD]),
];

fn mode_of(row: &NodeRow) -> &'static Mode {
    MODES
        .iter()
        .find(|(suffix, of, replicas, _)| {
            let product = row.product.as_deref().unwrap_or_default();
            let offers = of.iter().filter(|(_, n)| *n > 0);
            product == format!("{H100}{suffix}")
                && row.gpu.as_ref().and_then(|f| f.replicas) == Some(*replicas)
                && offers.clone().all(|(name, n)| row.capacity.get(name) == *n)
                && offers.count() == row.capacity.0.len()
        })
        .expect("one of them")
}

fn a_node() -> impl Strategy<Value = Step> {
    (
        0u128..3,
        0..MODES.len(),
        0u32..9,
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(uid, mode, sick, ready, taint)| {
            let name = format!("n{uid}");
            let (suffix, of, replicas, _) = MODES[mode];
            let mut row = gpus(uid, &name, &format!("{H100}{suffix}"), of);
            let left = |(name, n): &(Name, u32)| (name.clone(), n - sick.min(*n));
            row.allocatable = Devices(row.capacity.0.iter().map(left).collect());
            row.allocatable.0.retain(|(_, n)| *n > 0);
            facts(&mut row).replicas = Some(replicas);
            facts(&mut row).sharing = (replicas > 1).then(|| "mps".into());
            (row.ready, row.cordoned) = (ready, sick == 3);
            row.zone = (sick % 2 == 0).then(|| "zone-a".into());
            if taint {
                row.taints = vec!["nvidia.com/gpu:NoSchedule".into()];
            }
            Step::Node(row)
        })
}

fn a_slice() -> impl Strategy<Value = Step> {
    (0u128..3, 0i64..3, 1u32..3, 0u8..3, 0usize..4).prop_map(|(uid, generation, count, node, n)| {
        let names = ["a", "b", "c", "d"];
        let mut row = slice(
            50 + uid,
            generation,
            count,
            names[..n].iter().map(|d| device(d, "gpu", "")).collect(),
        );
        row.node = Some(format!("n{node}").into());
        Step::Slice(row)
    })
}

fn a_claim() -> impl Strategy<Value = Step> {
    (
        0u128..3,
        proptest::sample::subsequence(vec!["a", "b", "c", "d"], 0..4),
    )
        .prop_map(|(uid, devices)| Step::Claim(claim(60 + uid, &devices, 100 + uid)))
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => a_pod(),
        3 => a_node(),
        2 => a_slice(),
        2 => a_claim(),
        1 => (0u128..8).prop_map(Step::PodGone),
        1 => (0u128..3).prop_map(Step::NodeGone),
        1 => (0u128..3).prop_map(Step::SliceGone),
        1 => (0u128..3).prop_map(Step::ClaimGone),
    ]
}

fn gone<R>(uid: u128) -> Change<R> {
    Change::Gone(vec![Uid(uid)])
}

fn apply(m: &mut Model, step: Step) {
    m.apply(delta(match step {
        Step::Pod(row) => Rows::Pods(Change::Rows(vec![row])),
        Step::PodGone(uid) => Rows::Pods(gone(100 + uid)),
        Step::Node(row) => Rows::Nodes(Change::Rows(vec![row])),
        Step::NodeGone(uid) => Rows::Nodes(gone(uid)),
        Step::Slice(row) => Rows::Dra(DraRows::Slices(Change::Rows(vec![row]))),
        Step::SliceGone(uid) => Rows::Dra(DraRows::Slices(gone(50 + uid))),
        Step::Claim(row) => Rows::Dra(DraRows::Claims(Change::Rows(vec![row]))),
        Step::ClaimGone(uid) => Rows::Dra(DraRows::Claims(gone(60 + uid))),
    }));
}

proptest! {
    #[test]
    fn sums_are_those_of_the_rows_that_remain(steps in proptest::collection::vec(step(), 1..60)) {
        let mut m = Model::default();
        for step in steps {
            apply(&mut m, step);
        }
        // from nothing, in another order: pods before their nodes, claims before their devices
        let mut again = Model::default();
        let pods: Vec<PodRow> = m.pods.rows().cloned().collect();
        again.apply(delta(Rows::Pods(Change::Rows(pods))));
        let claims: Vec<ClaimRow> = m.claims.rows().cloned().collect();
        again.apply(delta(Rows::Dra(DraRows::Claims(Change::Rows(claims)))));
        let slices: Vec<SliceRow> = m.slices.rows().cloned().collect();
        again.apply(delta(Rows::Dra(DraRows::Slices(Change::Rows(slices)))));
        let nodes: Vec<NodeRow> = m.nodes.rows().cloned().collect();
        again.apply(delta(Rows::Nodes(Change::Rows(nodes))));
        prop_assert_eq!(&m.capacity, &again.capacity);
        // every pod has as many places as it holds
        for node in m.nodes.rows() {
            let held = m.capacity.of(node).map_or(0, |used| used.devices.total());
            let seats = m.capacity.seats(node);
            let drawn: usize = [GPU, MIG, RENAMED, AMD, CPX].iter()
                .map(|r| seats.map_or(0, |s| s.of(&crate::model::ids::Name::from(*r)).iter().flatten().count()))
                .sum();
            prop_assert_eq!(held as usize, drawn);
        }
    }

    #[test]
    fn sums_are_those_of_a_count_by_hand(steps in proptest::collection::vec(step(), 1..60)) {
        let mut m = Model::default();
        for step in steps {
            apply(&mut m, step);
        }
        let (mut whole, mut parts) = (Sums::default(), Sums::default());
        for node in m.nodes.rows() {
            let share = m.capacity.share(node);
            let lines = share.map_or(&[][..], |share| &share.lines);
            let told: Vec<(&str, [u32; 7])> = lines.iter().map(|line| {
                let a = line.amounts;
                let all = [a.capacity, a.allocatable, a.used, a.free, a.sick, a.over, a.releasing];
                (&*line.kind.resource, all)
            }).collect();
            let counted = by_hand(&m, node);
            let mut told_sorted = told.clone();
            told_sorted.sort_unstable();
            let counted_rows: Vec<(&str, [u32; 7])> =
                counted.iter().map(|(name, all)| (name.as_str(), *all)).collect();
            prop_assert_eq!(told_sorted, counted_rows);
            for line in lines {
                let own = mode_of(node).3.contains(&&*line.kind.resource);
                // of what is only held, the name alone tells what it is
                let nameless = node.capacity.get(&line.kind.resource) == 0
                    && [GPU, AMD].contains(&&*line.kind.resource)
                    && line.kind.unit == Unit::Gpu;
                let is_whole = own || nameless || &*line.kind.resource == DRIVER;
                prop_assert_eq!(line.kind.unit.is_whole(), is_whole, "{:?} of {:?}", line.kind, node.product);
                if is_whole { &mut whole } else { &mut parts }.fold(line.amounts, true);
            }
        }
        let (mut whole_told, mut parts_told) = (Sums::default(), Sums::default());
        if let Some(all) = m.capacity.all(ClusterId(0)) {
            whole_told = all.whole(|_| true).sums;
            for kind in all.kinds().filter(|kind| !kind.unit.is_whole()) {
                parts_told.add(&all.totals(kind, |_| true).sums);
            }
        }
        prop_assert_eq!((whole_told, parts_told), (whole, parts));
    }
}

const DRIVER: &str = "gpu.nvidia.com";

/// Capacity, allocatable, used, free, sick, over, releasing of each resource of a node, from its rows alone, as section 4
/// of the reference has it.
fn by_hand(m: &Model, node: &NodeRow) -> Vec<(String, [u32; 7])> {
    let mut names: Vec<String> = Vec::new();
    let on_it = |pod: &&PodRow| {
        pod.node.as_ref() == Some(&node.name)
            && !matches!(pod.phase, PodPhase::Succeeded | PodPhase::Failed)
    };
    let pods: Vec<&PodRow> = m.pods.rows().filter(on_it).collect();
    let asks = |pod: &PodRow, name: &str| match pod.shape.by_claim.iter().any(|n| **n == *name) {
        true => 0,
        false => pod.shape.devices.get(name),
    };
    for name in [CPX, AMD, GPU, RENAMED, MIG] {
        let held = pods.iter().any(|pod| asks(pod, name) > 0);
        if node.capacity.get(name) > 0 || held {
            names.push(name.to_owned());
        }
    }
    let mut out: Vec<(String, [u32; 7])> = Vec::new();
    let row = |capacity: u32, allocatable: u32, used: u32, releasing: u32| {
        [
            capacity,
            allocatable,
            used,
            allocatable.saturating_sub(used),
            capacity.saturating_sub(allocatable),
            used.saturating_sub(allocatable),
            releasing,
        ]
    };
    for name in names {
        let used = pods.iter().map(|pod| asks(pod, &name)).sum();
        let going = pods.iter().filter(|pod| pod.deleting);
        let releasing = going.map(|pod| asks(pod, &name)).sum();
        let (capacity, allocatable) = (node.capacity.get(&name), node.allocatable.get(&name));
        out.push((name, row(capacity, allocatable, used, releasing)));
    }
    let (there, held) = claimed_by_hand(m, node);
    let cards = mode_of(node).3.contains(&GPU) && node.capacity.get(GPU) > 0;
    match out.iter_mut().find(|(name, _)| cards && name == GPU) {
        _ if there == 0 => {}
        // the same cards by two ways
        Some((_, of)) => *of = row(of[0].max(there), of[1].max(there), of[2] + held, of[6]),
        None => out.push((DRIVER.to_owned(), row(there, there, held, 0))),
    }
    out.sort_unstable();
    out
}

/// Devices of complete pools of the newest generation on a node, and those of them in an allocation.
fn claimed_by_hand(m: &Model, node: &NodeRow) -> (u32, u32) {
    let newest = m.slices.rows().map(|s| s.generation).max();
    let of: Vec<&SliceRow> = (m.slices.rows())
        .filter(|s| Some(s.generation) == newest)
        .collect();
    let wanted = of.iter().map(|s| s.slices).max().unwrap_or(0);
    if (of.len() as u32) < wanted {
        return (0, 0);
    }
    let mut by_uid = of;
    by_uid.sort_by_key(|s| s.key.uid);
    let (mut there, mut held) = (0, 0);
    let mut seen: Vec<&str> = Vec::new();
    for (slice, device) in by_uid
        .iter()
        .flat_map(|s| s.devices.iter().map(move |d| (s, d)))
    {
        if seen.contains(&&*device.name) {
            continue;
        }
        seen.push(&device.name);
        if slice.node.as_ref() == Some(&node.name) {
            there += 1;
            let mut claims = m.claims.rows().flat_map(|c| c.devices.iter());
            held += u32::from(claims.any(|d| d.device == device.name));
        }
    }
    (there, held)
}
