//! Any order of changes leaves the sums of the rows that remain.

use super::*;

#[derive(Debug, Clone)]
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
    );
    of.prop_map(|(uid, node, phase, n, deleting, cpu, bound)| {
        let at_node = format!("n{node}");
        let mut row = on(
            100 + uid,
            &at_node,
            &[(GPU, n), ("nvidia.com/mig-1g.10gb", n / 2)],
        );
        row.phase = match phase {
            0 => PodPhase::Pending,
            1 => PodPhase::Succeeded,
            2 => PodPhase::Failed,
            _ => PodPhase::Running,
        };
        row.finished = matches!(phase, 1 | 2).then(|| at(100));
        row.node = (node < 3).then(|| at_node.as_str().into());
        row.deleting = deleting;
        row.bound = Some(at(bound));
        let mut shape = (*row.shape).clone();
        shape.cpu_milli = cpu * 31_800;
        row.shape = shape.into();
        if uid > 5 {
            row.owner = None;
        }
        Step::Pod(row)
    })
}

fn a_node() -> impl Strategy<Value = Step> {
    (0u128..3, 0u8..4, 0u32..9, any::<bool>(), any::<bool>()).prop_map(
        |(uid, mode, sick, ready, taint)| {
            let name = format!("n{uid}");
            let product = ["", "-SHARED", "-MIG-1g.10gb", ""][usize::from(mode)];
            let mut row = gpus(
                uid,
                &name,
                &format!("{H100}{product}"),
                &[(GPU, 8), ("nvidia.com/mig-1g.10gb", 7)],
            );
            row.allocatable = devices(GPU, 8 - sick.min(8));
            facts(&mut row).replicas = Some(if mode == 1 { 4 } else { 1 });
            (row.ready, row.cordoned) = (ready, mode == 3);
            row.zone = (sick % 2 == 0).then(|| "zone-a".into());
            if taint {
                row.taints = vec!["nvidia.com/gpu:NoSchedule".into()];
            }
            Step::Node(row)
        },
    )
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
            let drawn: usize = [GPU, "nvidia.com/mig-1g.10gb"].iter()
                .map(|r| seats.map_or(0, |s| s.of(&crate::model::ids::Name::from(*r)).iter().flatten().count()))
                .sum();
            prop_assert_eq!(held as usize, drawn);
        }
    }
}
