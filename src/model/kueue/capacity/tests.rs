//! Worked cases of the arithmetic, each derived by hand, and what holds for any numbers.

use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::model::kueue::fixture::*;
use crate::model::kueue::{ClusterQueueRow, CohortRow};

fn of(queues: Vec<ClusterQueueRow>, cohorts: Vec<CohortRow>) -> Capacity {
    let world = World {
        queues,
        cohorts,
        ..World::default()
    };
    Capacity::of(&world.kueue(), ClusterId(0))
}

/// Available, most, borrowed, lent of a queue or cohort.
fn told(capacity: &Capacity, name: &str) -> [Amount; 4] {
    let node = capacity.queue(name).or(capacity.cohort(name)).unwrap();
    let cell = node.cell(&fr("h100", GPU)).unwrap();
    [cell.available, cell.max_capacity, cell.borrowed, cell.lent]
}

#[test]
fn a_queue_alone() {
    let all = of(vec![cq("a").quota_of("h100", 8).holds("h100", 5)], vec![]);
    assert_eq!(told(&all, "a"), [3, 8, 0, 0]);
}

#[test]
fn a_flat_cohort_that_exists_by_name_only() {
    // 24 together; 6 + 12 + 0 held: 6 free for each, c lends 4 to b and a 0 … b borrows 4 of 2 + 8 unused
    let all = of(
        vec![
            cq("a").within("r").quota_of("h100", 8).holds("h100", 6),
            cq("b").within("r").quota_of("h100", 8).holds("h100", 12),
            cq("c").within("r").quota_of("h100", 8),
        ],
        vec![],
    );
    assert!(all.cohort("r").unwrap().by_name_only);
    assert_eq!(told(&all, "a")[..3], [6, 24, 0]);
    assert_eq!(told(&all, "b"), [6, 24, 4, 0]);
    // 4 in proportion to 2 and 8, rounded down, the rest to the first: 0 + 3, then 1 more
    assert_eq!(told(&all, "a")[3] + told(&all, "c")[3], 4);
    assert_eq!((told(&all, "a")[3], told(&all, "c")[3]), (1, 3));
    let r = all.cohort("r").unwrap().cell(&fr("h100", GPU)).unwrap();
    assert_eq!((r.total, r.reserved, r.used, r.lent), (24, 18, 18, 0));
}

#[test]
fn a_lending_limit_keeps_quota_home() {
    // a lends 2 of 8: the cohort has 2 + 8, of which b uses 9
    let all = of(
        vec![
            cq("a").within("r").limited("h100", 8, None, Some(2)),
            cq("b").within("r").quota_of("h100", 8).holds("h100", 9),
        ],
        vec![],
    );
    // its 6 kept and the 1 left
    assert_eq!(told(&all, "a"), [7, 16, 0, 1]);
    assert_eq!(told(&all, "b"), [1, 10, 1, 0]);
}

#[test]
fn a_borrowing_limit_bounds_what_is_free() {
    let all = of(
        vec![
            cq("a")
                .within("r")
                .limited("h100", 4, Some(3), None)
                .holds("h100", 5),
            cq("b").within("r").quota_of("h100", 16),
        ],
        vec![],
    );
    assert_eq!(told(&all, "a"), [2, 7, 1, 0]);
    assert_eq!(told(&all, "b"), [15, 20, 0, 1]);
}

#[test]
fn both_limits() {
    // a: keeps 3, shares 5, may borrow 2; holds 4: 1 of the shared
    let all = of(
        vec![
            cq("a")
                .within("r")
                .limited("h100", 8, Some(2), Some(5))
                .holds("h100", 4),
            cq("b").within("r").quota_of("h100", 8),
        ],
        vec![],
    );
    // parent: 13 - 1 = 12; own bound: 5 - 1 + 2 = 6
    assert_eq!(told(&all, "a"), [6, 10, 0, 0]);
    assert_eq!(told(&all, "b"), [12, 13, 0, 0]);
}

#[test]
fn nested_cohorts() {
    // org 4 of its own, over team1 {a 8 holds 14} and team2 {b 8 holds 2, lends at most 4 upward}
    let all = of(
        vec![
            cq("a")
                .within("team1")
                .quota_of("h100", 8)
                .holds("h100", 14),
            cq("b").within("team2").quota_of("h100", 8).holds("h100", 2),
        ],
        vec![
            cohort("org").quota_of("h100", 4),
            cohort("team1").below("org"),
            cohort("team2")
                .below("org")
                .limited("h100", 0, None, Some(4)),
        ],
    );
    // org: 4 + 8 + (8 - 4) = 16, used 14
    assert_eq!(told(&all, "org")[..2], [2, 16]);
    assert_eq!(told(&all, "a"), [2, 16, 6, 0]);
    // team2 keeps 4 home: 4 - 2 of them and 2 above; b has no limit of its own
    assert_eq!(told(&all, "b")[..2], [4, 20]);
    // 6 borrowed: 4 of the org's own, 2 of team2
    let own = all.cohort("org").unwrap().cell(&fr("h100", GPU)).unwrap();
    assert_eq!(own.lent_own, 4);
    assert_eq!((told(&all, "b")[3], told(&all, "team2")[3]), (2, 2));
    assert_eq!(told(&all, "team1")[2..], [6, 0]);
}

#[test]
fn quota_cut_below_its_use_is_over_not_lent() {
    let all = of(
        vec![
            cq("a").within("r").quota_of("h100", 2).holds("h100", 8),
            cq("b").within("r").quota_of("h100", 4).holds("h100", 1),
        ],
        vec![],
    );
    assert_eq!(told(&all, "a"), [-3, 6, 6, 0]);
    assert_eq!(told(&all, "b"), [-3, 6, 0, 3]);
    let a = all.queue("a").unwrap().cell(&fr("h100", GPU)).unwrap();
    assert_eq!(a.over, 3);
}

/// 4 above its quota, of the 20 its parent could ever give: 200 per mille, by its weight.
#[rstest]
#[case(None, 200)]
#[case(Some(2000), 100)]
#[case(Some(300), 667)]
#[case(Some(0), i64::MAX)]
fn fair_share(#[case] weight: Option<u64>, #[case] share: i64) {
    let mut a = cq("a").within("r").quota_of("h100", 8).holds("h100", 12);
    a.weight = weight;
    let mut b = cq("b").within("r").quota_of("h100", 12);
    b.weight = Some(0);
    let all = of(vec![a, b], vec![]);
    assert_eq!(all.queue("a").unwrap().share, share);
    assert_eq!(all.queue("b").unwrap().share, 0);
    assert_eq!(all.cohort("r").unwrap().share, 0);
}

#[test]
fn a_ring_of_cohorts_is_broken_and_what_hangs_below_too() {
    let all = of(
        vec![
            cq("a").within("x").quota_of("h100", 1),
            cq("b").within("below").quota_of("h100", 2),
            cq("c").within("fine").quota_of("h100", 3),
        ],
        vec![
            cohort("x").below("y"),
            cohort("y").below("x"),
            cohort("below").below("y"),
            cohort("self").below("self"),
        ],
    );
    for name in ["x", "y", "below", "self"] {
        assert!(all.cohort(name).unwrap().broken, "{name}");
    }
    assert!(all.queue("a").unwrap().broken && all.queue("b").unwrap().broken);
    assert!(!all.queue("c").unwrap().broken);
    assert_eq!(told(&all, "b"), [2, 2, 0, 0]);
    let c = all.queue("c").unwrap();
    assert_eq!(&*all.root(c).name, "fine");
}

fn number() -> impl Strategy<Value = Amount> {
    prop_oneof![0..50i64, Just(0), Just(Amount::MAX), any::<i64>()]
}

fn limit() -> impl Strategy<Value = Option<Amount>> {
    prop_oneof![Just(None), number().prop_map(Some)]
}

proptest! {
    #[test]
    fn any_numbers(
        queues in prop::collection::vec((0..6usize, 0..2usize, number(), limit(), limit(), number()), 1..12),
        cohorts in prop::collection::vec((0..6usize, number(), limit(), limit()), 0..6),
    ) {
        let flavors = ["h100", "a100"];
        let queues: Vec<_> = queues.iter().enumerate().map(|(i, &(c, f, n, b, l, held))| {
            let row = cq(&format!("q{i}")).limited(flavors[f], n, b, l).holds(flavors[f], held);
            if c == 0 { row } else { row.within(&format!("c{c}")) }
        }).collect();
        let cohorts = cohorts.iter().enumerate().map(|(i, &(parent, n, b, l))| {
            let row = cohort(&format!("c{}", i + 1)).limited("h100", n, b, l);
            if parent == 0 { row } else { row.below(&format!("c{parent}")) }
        }).collect();
        let all = of(queues, cohorts);
        let mut sums: HashMap<(Name, FlavorResource), [i128; 2]> = HashMap::new();
        for node in all.nodes() {
            for (of, cell) in node.cells() {
                prop_assert!(cell.available <= cell.max_capacity, "{node:?}");
                prop_assert!(cell.over <= cell.borrowed);
                let root = all.root(node).name.clone();
                let sum = sums.entry((root, of.clone())).or_default();
                if node.is_cohort {
                    sum[1] += i128::from(cell.lent_own);
                } else {
                    sum[0] += i128::from(cell.borrowed) - i128::from(cell.over);
                    sum[1] += i128::from(cell.lent);
                    prop_assert!(cell.lent <= cell.nominal.max(0));
                }
            }
        }
        for (of, [borrowed, lent]) in sums {
            prop_assert_eq!(borrowed, lent, "{:?}", of);
        }
    }

    #[test]
    fn parts_add_up(amount in 0..i128::from(u64::MAX), most in prop::collection::vec(0..i128::from(u64::MAX), 0..9)) {
        let parts = split(amount, &most);
        let total: i128 = most.iter().sum();
        prop_assert_eq!(parts.iter().sum::<i128>(), amount.min(total));
        prop_assert!(parts.iter().zip(&most).all(|(p, n)| (0..=*n).contains(p)));
    }
}
