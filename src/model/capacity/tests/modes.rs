//! Every way in which nodes offer cards (gpu reference, section 1), one after the other: what there is, what is held,
//! what is free, how many cards that are and what it is worth in whole ones.

use super::*;

const MIG: &str = "nvidia.com/mig-1g.10gb";
const HALF: &str = "nvidia.com/mig-3g.40gb";
const A100: &str = "NVIDIA-A100-SXM4-80GB";

/// `gpu.count`, `gpu.replicas` and `gpu.sharing-strategy`.
type Labels = (Option<u32>, Option<u32>, Option<&'static str>);

fn labels(count: u32, replicas: u32, sharing: &'static str) -> Labels {
    (Some(count), Some(replicas), Some(sharing))
}

#[rstest]
// whole cards
#[case::plain(A100, labels(8, 1, "none"), &[(GPU, 8)], &[(GPU, 3)],
    &["nvidia.com/gpu GPUs: 8/8 3 5 0 0"], 8, (8.0, 3.0))]
#[case::without_labels("", (None, None, None), &[(GPU, 8)], &[(GPU, 3)],
    &["nvidia.com/gpu GPUs: 8/8 3 5 0 0"], 8, (8.0, 3.0))]
// cut cards that the plugin does not know of: strategy `none`
#[case::mig_none(A100, labels(8, 0, "none"), &[(GPU, 8)], &[(GPU, 1)],
    &["nvidia.com/gpu GPUs: 8/8 1 7 0 0"], 8, (8.0, 1.0))]
#[case::mig_single("NVIDIA-A100-SXM4-80GB-MIG-1g.10gb", labels(56, 1, "none"), &[(GPU, 56)], &[(GPU, 7)],
    &["nvidia.com/gpu 1g.10gb: 56/56 7 49 0 0"], 8, (8.0, 1.0))]
#[case::mig_single_of_halves("NVIDIA-A100-SXM4-80GB-MIG-3g.40gb", labels(16, 1, "none"), &[(GPU, 16)], &[(GPU, 7)],
    &["nvidia.com/gpu 3g.40gb: 16/16 7 9 0 0"], 8, (48.0 / 7.0, 3.0))]
// shares of slices are worth nobody knows what, and are no cards
#[case::mig_single_shared("NVIDIA-A100-SXM4-80GB-MIG-1g.10gb-SHARED", labels(56, 2, "time-slicing"), &[(GPU, 112)],
    &[(GPU, 7)], &["nvidia.com/gpu shares: 112/112 7 105 0 0"], 8, (0.0, 0.0))]
#[case::mig_single_shared_renamed("NVIDIA-A100-SXM4-80GB-MIG-1g.10gb", labels(56, 2, "time-slicing"),
    &[("nvidia.com/gpu.shared", 112)], &[("nvidia.com/gpu.shared", 7)],
    &["nvidia.com/gpu.shared shares: 112/112 7 105 0 0"], 8, (0.0, 0.0))]
// the layout is invalid: labels count what is there, nothing is offered
#[case::mig_invalid("NVIDIA-A100-SXM4-80GB-MIG-INVALID", labels(8, 0, "none"), &[], &[(GPU, 1)],
    &["nvidia.com/gpu GPUs: 0/0 1 0 0 1"], 8, (0.0, 1.0))]
#[case::mig_mixed(A100, labels(8, 0, "none"), &[(MIG, 14), (HALF, 12)], &[(MIG, 7), (HALF, 1)],
    &["nvidia.com/mig-1g.10gb 1g.10gb: 14/14 7 7 0 0", "nvidia.com/mig-3g.40gb 3g.40gb: 12/12 1 11 0 0"],
    8, (2.0 + 36.0 / 7.0, 1.0 + 3.0 / 7.0))]
#[case::mig_mixed_beside_whole(A100, labels(8, 1, "none"), &[(GPU, 2), (MIG, 42)], &[(GPU, 1), (MIG, 7)],
    &["nvidia.com/gpu GPUs: 2/2 1 1 0 0", "nvidia.com/mig-1g.10gb 1g.10gb: 42/42 7 35 0 0"], 8, (8.0, 2.0))]
#[case::time_slicing("Tesla-T4-SHARED", labels(4, 4, "time-slicing"), &[(GPU, 16)], &[(GPU, 6)],
    &["nvidia.com/gpu shares: 16/16 6 10 0 0"], 4, (4.0, 1.5))]
#[case::time_slicing_renamed("Tesla-T4", labels(4, 4, "time-slicing"), &[("nvidia.com/gpu.shared", 16)],
    &[("nvidia.com/gpu.shared", 6)], &["nvidia.com/gpu.shared shares: 16/16 6 10 0 0"], 4, (4.0, 1.5))]
#[case::mps("NVIDIA-L4-SHARED", labels(2, 10, "mps"), &[(GPU, 20)], &[(GPU, 5)],
    &["nvidia.com/gpu MPS shares: 20/20 5 15 0 0"], 2, (2.0, 0.5))]
#[case::amd("AMD_Instinct_MI300X_OAM", (None, None, None), &[("amd.com/gpu", 8)], &[("amd.com/gpu", 2)],
    &["amd.com/gpu GPUs: 8/8 2 6 0 0"], 8, (8.0, 2.0))]
#[case::amd_mixed("AMD_Instinct_MI300X_OAM", (None, None, None), &[("amd.com/cpx_nps4", 64)], &[("amd.com/cpx_nps4", 4)],
    &["amd.com/cpx_nps4 cpx_nps4 partitions: 64/64 4 60 0 0"], 8, (8.0, 0.5))]
#[case::intel("Max_1550", (None, None, None), &[("gpu.intel.com/xe", 4)], &[("gpu.intel.com/xe", 1)],
    &["gpu.intel.com/xe GPUs: 4/4 1 3 0 0"], 4, (4.0, 1.0))]
// accelerators, and no GPUs
#[case::tpu("tpu-v5p-slice", (None, None, None), &[("google.com/tpu", 4)], &[("google.com/tpu", 4)],
    &["google.com/tpu chips: 4/4 4 0 0 0"], 0, (0.0, 0.0))]
#[case::neuron("", (None, None, None), &[("aws.amazon.com/neuron", 16), ("aws.amazon.com/neuroncore", 32)],
    &[("aws.amazon.com/neuroncore", 2)],
    &["aws.amazon.com/neuron chips: 16/16 0 16 0 0", "aws.amazon.com/neuroncore cores: 32/32 2 30 0 0"], 0, (0.0, 0.0))]
#[case::gaudi("", (None, None, None), &[("habana.ai/gaudi", 8)], &[("habana.ai/gaudi", 8)],
    &["habana.ai/gaudi chips: 8/8 8 0 0 0"], 0, (0.0, 0.0))]
fn what_a_node_offers_and_what_is_left_of_it(
    #[case] product: &str,
    #[case] labels: Labels,
    #[case] offers: &[(&str, u32)],
    #[case] asked: &[(&str, u32)],
    #[case] want: &[&str],
    #[case] cards: u64,
    #[case] equivalents: (f64, f64),
) {
    let mut row = gpus(10, "n", product, offers);
    let (count, replicas, sharing) = labels;
    (facts(&mut row).count, facts(&mut row).replicas) = (count, replicas);
    facts(&mut row).sharing = sharing.map(Name::from);
    let m = model(std::slice::from_ref(&row), &[on(100, "n", asked)]);
    assert_eq!(lines(&m), want);
    assert_eq!(group(&m).cards, cards);
    let (all, used) = group(&m).equivalents();
    let near = |a: f64, b: f64| (a - b).abs() < 1e-4;
    assert!(
        near(all, equivalents.0) && near(used, equivalents.1),
        "{all} {used}"
    );
    // what is no whole card is in no total of whole ones
    let whole = group(&m).whole(|_| true).sums;
    let is_whole = |line: &&&str| line.contains(" GPUs:") || line.contains(" chips:");
    let expected: u64 = want
        .iter()
        .filter(is_whole)
        .filter_map(|line| {
            line.split_once(": ")?
                .1
                .split_once('/')?
                .0
                .parse::<u64>()
                .ok()
        })
        .sum();
    assert_eq!(whole.capacity, expected);
    // the picture has a place for each of them
    let drawn: usize = cards::cards(&m, &row).iter().map(|c| c.parts.len()).sum();
    let there: u32 = offers.iter().map(|(_, n)| n).sum();
    assert_eq!(drawn, (there as usize).max(want.len()));
}

/// Nothing that somebody writes into labels or amounts is too much.
#[test]
fn absurd_numbers_are_counted_and_nothing_breaks() {
    let most = u32::MAX;
    let mut row = gpus(
        10,
        "n",
        A100,
        &[(GPU, most), (MIG, most), ("nvidia.com/gpu.shared", most)],
    );
    facts(&mut row).mig = vec![MigFacts {
        profile: "1g.10gb".into(),
        count: Some(most),
        replicas: Some(most),
        memory_mib: None,
    }];
    let all = [None, Some(0), Some(1), Some(most)];
    for (n, strategy) in [None, Some("mixed"), Some("single"), None]
        .iter()
        .enumerate()
    {
        facts(&mut row).mig_strategy = strategy.map(Name::from);
        (facts(&mut row).count, facts(&mut row).replicas) = (all[n].or(Some(most)), all[n]);
        let held = [(GPU, most), (MIG, most)];
        let m = model(
            std::slice::from_ref(&row),
            &[on(100, "n", &held), on(101, "n", &held)],
        );
        alarms::alarms(&m, ClusterId(0), at(900_000));
        cards::cards(&m, &row);
        ledger(&m, ClusterId(0), By::Workload);
        group(&m).equivalents();
    }
}

/// Where no row is known of what made its pods, a holder is called after the group they say they are of.
#[test]
fn a_group_that_nothing_is_known_of_has_its_name() {
    use crate::model::pod::Member;
    let mut member = on(100, "n", &[(GPU, 5)]);
    member.owner = Some(("StatefulSet".into(), "sglang-0".into(), Uid(77)));
    member.member = Some(Box::new(Member {
        key: key(900),
        kind: None,
        name: "sglang".into(),
        total: None,
        queue: None,
        class: None,
    }));
    let m = model(&[gpus(10, "n", H100, &[(GPU, 8)])], &[member]);
    let rows = ledger(&m, ClusterId(0), By::Workload);
    let names: Vec<(&str, &str)> = rows.iter().map(|r| (&*r.kind, &*r.name)).collect();
    assert_eq!(names, [("group", "sglang")]);
}
