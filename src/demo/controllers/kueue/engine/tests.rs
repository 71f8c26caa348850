//! Worked cases of the capacity sums, of assignment, order and preemption; and what must hold under any load.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::spec::{Group, GroupFlavor, PodSet, Policy};
use super::tree::Quota;
use super::*;

fn quota(nominal: i64, borrowing: Option<i64>, lending: Option<i64>) -> Quota {
    Quota {
        nominal: nominal * 1000,
        borrowing: borrowing.map(|n| n * 1000),
        lending: lending.map(|n| n * 1000),
    }
}

/// A group of GPUs: flavors with their quota, in order.
fn gpus(flavors: &[(&str, Quota)]) -> Vec<Group> {
    let flavors = flavors.iter().map(|(name, quota)| GroupFlavor {
        name: (*name).to_owned(),
        quotas: BTreeMap::from([("gpu".to_owned(), *quota)]),
    });
    vec![Group {
        covered: vec!["gpu".to_owned()],
        flavors: flavors.collect(),
    }]
}

fn queue(name: &str, cohort: &str, quota: Quota) -> QueueSpec {
    QueueSpec {
        name: name.to_owned(),
        cohort: (!cohort.is_empty()).then(|| cohort.to_owned()),
        groups: gpus(&[("h100", quota)]),
        ..QueueSpec::default()
    }
}

fn cohort(name: &str, parent: &str) -> CohortSpec {
    CohortSpec {
        name: name.to_owned(),
        parent: (!parent.is_empty()).then(|| parent.to_owned()),
        weight: 1.0,
        ..CohortSpec::default()
    }
}

fn key(name: &str) -> Key {
    ("ml".to_owned(), name.to_owned())
}

fn wl(name: &str, queue: &str, priority: i64, queued: i64, gpus: i64) -> Workload {
    Workload {
        key: key(name),
        uid: name.to_owned(),
        job_uid: String::new(),
        queue: queue.to_owned(),
        local_queue: "lq".to_owned(),
        priority,
        queued,
        sets: vec![PodSet {
            name: "main".to_owned(),
            count: 1,
            requests: BTreeMap::from([("gpu".to_owned(), gpus * 1000)]),
            ..PodSet::default()
        }],
        standing: Standing::Waiting,
        admitted: false,
        evicted: false,
        refused: None,
    }
}

fn engine(fair: bool, queues: Vec<QueueSpec>, cohorts: &[CohortSpec]) -> Engine {
    let mut engine = Engine::new(fair);
    let flavor = |n: &str| (n.to_owned(), FlavorSpec::default());
    let flavors = ["h100", "a100"].map(flavor);
    engine.configure(queues, cohorts, flavors.into());
    engine
}

/// Reserved names, waiting ones with reason and message, and victims with their reason.
#[derive(Debug, Default, PartialEq)]
struct Said {
    reserved: Vec<String>,
    waits: BTreeMap<String, (String, String)>,
    victims: Vec<(String, String)>,
}

fn run(engine: &mut Engine, now: i64) -> Said {
    let mut said = Said::default();
    for outcome in engine.run(now) {
        match outcome {
            Outcome::Reserved { key, .. } => said.reserved.push(key.1),
            Outcome::Waits {
                key,
                reason,
                message,
                ..
            } => {
                said.waits.insert(key.1, (reason.to_owned(), message));
            }
            Outcome::Preempts(p) => {
                let why = p.target.why.reason().to_owned();
                said.victims.push((p.target.key.1, why));
            }
        }
    }
    said
}

/// What the controller does with an evicted workload: its pods are gone, it waits again.
fn let_go(engine: &mut Engine, name: &str) {
    let mut wl = engine.get(&key(name)).unwrap().clone();
    wl.standing = Standing::Waiting;
    engine.upsert(wl);
}

#[test]
fn capacity_in_a_tree_with_limits() {
    // root(2) ─┬─ team ─┬─ a: 8, lends 3
    //          │        └─ b: 4, borrows 2
    //          └─ c: 6
    let mut root = cohort("root", "");
    root.groups = gpus(&[("h100", quota(2, None, None))]);
    let queues = vec![
        queue("a", "team", quota(8, None, Some(3))),
        queue("b", "team", quota(4, Some(2), None)),
        queue("c", "root", quota(6, None, None)),
    ];
    let mut engine = engine(false, queues, &[root, cohort("team", "root")]);
    let fr = engine.tree.fr("h100", "gpu").unwrap();
    let node = |e: &Engine, n: &str| e.queues[n].node;
    let free = |e: &Engine, n: &str| e.tree.available(node(e, n), fr) / 1000;
    let most = |e: &Engine, n: &str| e.tree.potential(node(e, n), fr) / 1000;
    // team has 3 + 4, root 7 + 6 + 2
    assert_eq!(
        (most(&engine, "a"), most(&engine, "b"), most(&engine, "c")),
        (5 + 15, 6, 15)
    );
    engine.upsert(wl("c1", "c", 0, 1, 13));
    assert_eq!(run(&mut engine, 1).reserved, ["c1"]);
    // c borrows 7; of the 15 there are 2 left
    assert_eq!(
        (free(&engine, "a"), free(&engine, "b"), free(&engine, "c")),
        (7, 2, 2)
    );
    engine.upsert(wl("a1", "a", 0, 2, 5));
    assert_eq!(run(&mut engine, 2).reserved, ["a1"]);
    // five are a's own, lent to nobody
    assert_eq!(
        (free(&engine, "a"), free(&engine, "b"), free(&engine, "c")),
        (2, 2, 2)
    );
    assert_eq!(engine.share("c"), Some(467));
    assert_eq!(engine.share("a"), Some(0));
    engine.remove(&key("c1"));
    assert_eq!((free(&engine, "a"), free(&engine, "c")), (15, 15));
}

#[test]
fn what_can_never_fit_and_what_waits_are_told_apart() {
    let mut engine = engine(false, vec![queue("q", "", quota(8, None, None))], &[]);
    engine.upsert(wl("first", "q", 0, 1, 6));
    engine.upsert(wl("wide", "q", 0, 2, 16));
    engine.upsert(wl("next", "q", 0, 3, 4));
    engine.upsert(wl("twin", "q", 0, 4, 4));
    let said = run(&mut engine, 5);
    assert_eq!(said.reserved, ["first"]);
    let (reason, message) = &said.waits["wide"];
    assert_eq!(reason, "ExceedsMaxQuota");
    assert_eq!(
        message,
        "couldn't assign flavors to pod set main: insufficient quota for gpu in flavor h100, previously considered podsets requests (0) + current podset request (16) > maximum capacity (8)"
    );
    let (reason, message) = &said.waits["next"];
    assert_eq!(reason, "WaitingForQuota");
    assert_eq!(
        message,
        "couldn't assign flavors to pod set main: insufficient unused quota for gpu in flavor h100, 2 more needed"
    );
    // Alike another that was tried in vain: not tried at all.
    assert!(!said.waits.contains_key("twin"));
    let order = engine.waiting("q").unwrap();
    let order: Vec<&str> = order.iter().map(|w| w.key.1.as_str()).collect();
    assert_eq!(order, ["wide", "next", "twin"]);
    engine.remove(&key("first"));
    assert_eq!(run(&mut engine, 6).reserved, ["next", "twin"]);
}

#[test]
fn a_strict_queue_waits_for_its_head_and_another_goes_past_it() {
    for (strict, later) in [(true, 0), (false, 1)] {
        let spec = QueueSpec {
            strict,
            ..queue("q", "", quota(8, None, None))
        };
        let mut engine = engine(false, vec![spec], &[]);
        engine.upsert(wl("running", "q", 0, 1, 4));
        assert_eq!(run(&mut engine, 1).reserved, ["running"]);
        engine.upsert(wl("head", "q", 5, 2, 8));
        assert_eq!(run(&mut engine, 3).reserved.len(), 0);
        engine.upsert(wl("small", "q", 0, 4, 2));
        assert_eq!(
            run(&mut engine, 4).reserved.len(),
            if strict { 0 } else { later }
        );
        engine.remove(&key("running"));
        let _ = run(&mut engine, 5);
        assert_eq!(engine.held.contains_key(&key("head")), strict);
    }
}

#[test]
fn flavors_are_tried_in_order_by_what_the_pods_accept() {
    let mut spec = queue("q", "", quota(0, None, None));
    spec.groups = gpus(&[
        ("h100", quota(4, None, None)),
        ("a100", quota(8, None, None)),
    ]);
    let mut engine = Engine::new(false);
    let taint = serde_json::json!({"key": "big", "value": "yes", "effect": "NoSchedule"});
    let labelled = |product: &str, taints| FlavorSpec {
        labels: BTreeMap::from([("product".to_owned(), product.to_owned())]),
        taints,
        tolerations: Vec::new(),
    };
    let flavors = BTreeMap::from([
        ("h100".to_owned(), labelled("H", vec![taint])),
        ("a100".to_owned(), labelled("A", Vec::new())),
    ]);
    engine.configure(vec![spec], &[], flavors);
    let flavor = |engine: &mut Engine, w: Workload| {
        let key = w.key.clone();
        engine.upsert(w);
        let said = engine.run(1);
        said.into_iter().find_map(|o| match o {
            Outcome::Reserved { key: k, assignment } if k == key => {
                Some(assignment.sets[0].flavors["gpu"].clone())
            }
            Outcome::Waits {
                key: k, message, ..
            } if k == key => Some(message),
            _ => None,
        })
    };
    let plain = wl("plain", "q", 0, 1, 1);
    assert_eq!(flavor(&mut engine, plain).as_deref(), Some("a100"));
    let mut tolerant = wl("tolerant", "q", 0, 2, 1);
    tolerant.sets[0].tolerations = vec![serde_json::json!({"key": "big", "operator": "Exists"})];
    assert_eq!(
        flavor(&mut engine, tolerant.clone()).as_deref(),
        Some("h100")
    );
    tolerant.key = key("picky");
    tolerant.uid = "picky".to_owned();
    tolerant.sets[0].selector = BTreeMap::from([
        ("product".to_owned(), "A".to_owned()),
        ("zone".to_owned(), "x".to_owned()),
    ]);
    assert_eq!(flavor(&mut engine, tolerant).as_deref(), Some("a100"));
    let mut none = wl("none", "q", 0, 3, 1);
    none.sets[0].selector = BTreeMap::from([("product".to_owned(), "H".to_owned())]);
    assert_eq!(
        flavor(&mut engine, none).unwrap(),
        "couldn't assign flavors to pod set main: flavor a100 doesn't match node affinity, untolerated taint {big yes NoSchedule <nil>} in flavor h100"
    );
}

#[test]
fn the_higher_priority_preempts_in_its_own_queue_only_as_many_as_needed() {
    let spec = QueueSpec {
        within: Policy::LowerPriority,
        ..queue("q", "", quota(8, None, None))
    };
    for fair in [false, true] {
        let mut engine = engine(fair, vec![spec.clone()], &[]);
        for (name, priority, gpus) in [("a", 1, 3), ("b", 0, 2), ("c", 0, 3)] {
            engine.upsert(wl(name, "q", priority, 1, gpus));
        }
        assert_eq!(run(&mut engine, 1).reserved.len(), 3);
        engine.upsert(wl("urgent", "q", 10, 2, 3));
        let said = run(&mut engine, 2);
        assert_eq!(
            said.victims,
            [("c".to_owned(), "InClusterQueue".to_owned())]
        );
        let (reason, message) = &said.waits["urgent"];
        assert_eq!(reason, "WaitingForPreemptedWorkloads");
        assert!(message.ends_with(", 3 more needed. Pending the preemption of 1 workload(s)"));
        // Asked again before they are gone: nobody else is evicted.
        engine.upsert(wl("later", "q", 0, 3, 1));
        assert_eq!(run(&mut engine, 3), Said::default());
        let_go(&mut engine, "c");
        assert_eq!(run(&mut engine, 4).reserved, ["urgent"]);
    }
}

#[test]
fn lent_quota_is_reclaimed_and_borrowers_may_be_preempted_while_borrowing() {
    let reclaiming = |borrow| QueueSpec {
        reclaim: Policy::Any,
        borrow,
        ..queue("owner", "org", quota(4, None, None))
    };
    let mut engine1 = engine(
        false,
        vec![
            reclaiming(None),
            queue("guest", "org", quota(4, None, None)),
        ],
        &[],
    );
    engine1.upsert(wl("g1", "guest", 9, 1, 4));
    engine1.upsert(wl("g2", "guest", 9, 2, 4));
    assert_eq!(run(&mut engine1, 2).reserved.len(), 2);
    engine1.upsert(wl("mine", "owner", 0, 3, 4));
    let said = run(&mut engine1, 3);
    assert_eq!(said.victims.len(), 1);
    assert_eq!(said.victims[0].1, "InCohortReclamation");
    // More than its own: only by borrowing, and that only over lower priorities.
    let spec = reclaiming(Some(Some(5)));
    let mut engine2 = engine(
        false,
        vec![spec, queue("guest", "org", quota(4, None, None))],
        &[],
    );
    engine2.upsert(wl("low", "guest", 1, 1, 8));
    assert_eq!(run(&mut engine2, 1).reserved, ["low"]);
    engine2.upsert(wl("big", "owner", 7, 2, 6));
    let said = run(&mut engine2, 2);
    assert_eq!(
        said.victims,
        [("low".to_owned(), "InCohortReclaimWhileBorrowing".to_owned())]
    );
}

#[test]
fn fair_sharing_takes_from_the_largest_borrower() {
    let spec = |name: &str, n| QueueSpec {
        reclaim: Policy::Any,
        ..queue(name, "org", quota(n, None, None))
    };
    let queues = vec![spec("a", 2), spec("b", 2), spec("c", 0), spec("idle", 8)];
    let mut engine = engine(true, queues, &[]);
    for n in 0..8 {
        engine.upsert(wl(&format!("a{n}"), "a", 0, n, 1));
    }
    for n in 0..4 {
        engine.upsert(wl(&format!("b{n}"), "b", 0, n, 1));
    }
    assert_eq!(run(&mut engine, 9).reserved.len(), 12);
    // a borrows 6 of 12, b 2 of 12
    assert_eq!(
        (engine.share("a"), engine.share("b")),
        (Some(500), Some(167))
    );
    engine.upsert(wl("new", "c", 0, 10, 1));
    let said = run(&mut engine, 10);
    assert_eq!(said.victims.len(), 1);
    assert!(said.victims[0].0.starts_with('a'), "{said:?}");
    assert_eq!(said.victims[0].1, "InCohortFairSharing");
}

#[test]
fn a_stopped_queue_admits_nobody() {
    let mut spec = queue("q", "", quota(8, None, None));
    spec.active = false;
    let mut engine = engine(false, vec![spec.clone()], &[]);
    engine.upsert(wl("a", "q", 0, 1, 1));
    assert_eq!(run(&mut engine, 1), Said::default());
    spec.active = true;
    engine.configure(
        vec![spec],
        &[],
        [("h100".to_owned(), FlavorSpec::default())].into(),
    );
    assert_eq!(run(&mut engine, 2).reserved, ["a"]);
}

#[derive(Debug, Clone)]
enum Step {
    Submit {
        queue: usize,
        priority: i64,
        gpus: i64,
    },
    Finish(usize),
    LetGo,
    Again,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let submit = (0..4usize, 0..3i64, 1..7i64).prop_map(|(queue, priority, gpus)| Step::Submit {
        queue,
        priority,
        gpus,
    });
    let step = prop_oneof![
        6 => submit,
        3 => any::<usize>().prop_map(Step::Finish),
        2 => Just(Step::LetGo),
        1 => Just(Step::Again),
    ];
    proptest::collection::vec(step, 1..60)
}

const QUEUES: [&str; 4] = ["strict", "plain", "lender", "far"];

fn world(fair: bool) -> Engine {
    let all = |name: &str, cohort: &str, q| QueueSpec {
        within: Policy::LowerOrNewerEqualPriority,
        reclaim: Policy::Any,
        ..queue(name, cohort, q)
    };
    let strict = QueueSpec {
        strict: true,
        ..all("strict", "team", quota(4, None, None))
    };
    let plain = all("plain", "team", quota(3, Some(4), None));
    let lender = all("lender", "team", quota(6, None, Some(2)));
    let far = all("far", "root", quota(5, Some(3), None));
    let cohorts = [cohort("team", "root")];
    engine(fair, vec![strict, plain, lender, far], &cohorts)
}

fn check(engine: &Engine) -> Result<(), TestCaseError> {
    for fr in 0..engine.tree.frs.len() {
        let mut borrowed = 0;
        let mut shared = 0;
        for name in QUEUES {
            let node = engine.queues[name].node;
            let n = &engine.tree.nodes[node];
            let held = engine.queues[name].holders.iter();
            let held: i64 = held.filter_map(|k| engine.held[k].usage.get(&fr)).sum();
            prop_assert_eq!(n.usage[fr], held, "usage of {}", name);
            prop_assert!(
                held <= engine.tree.potential(node, fr),
                "{} above its capacity",
                name
            );
            borrowed += (held - n.quota[fr].nominal).max(0);
            // What of the common pool is its own.
            let local = engine.tree.local(node, fr);
            shared += (held.min(n.quota[fr].nominal) - local).max(0);
        }
        let root = &engine.tree.nodes[engine.tree.root(engine.queues["plain"].node)];
        prop_assert!(root.usage[fr] <= root.subtree[fr], "more than there is");
        // What is lent out of the pool is what is borrowed.
        prop_assert_eq!(root.usage[fr] - shared, borrowed);
    }
    Ok(())
}

fn play(fair: bool, steps: Vec<Step>) -> Result<(), TestCaseError> {
    let mut engine = world(fair);
    for (n, step) in steps.into_iter().enumerate() {
        let now = n as i64;
        match step {
            Step::Submit {
                queue,
                priority,
                gpus,
            } => {
                engine.upsert(wl(&format!("w{n:03}"), QUEUES[queue], priority, now, gpus));
            }
            Step::Finish(at) => {
                let mut held: Vec<Key> = engine.held.keys().cloned().collect();
                held.sort();
                if !held.is_empty() {
                    engine.remove(&held[at % held.len()].clone());
                }
            }
            Step::LetGo => {
                let all = engine.workloads.values();
                let mut going: Vec<Key> =
                    all.filter(|w| w.evicted).map(|w| w.key.clone()).collect();
                going.sort();
                going.retain(|k| engine.held.contains_key(k));
                for key in going {
                    let_go(&mut engine, &key.1);
                }
            }
            Step::Again => {
                let queues: Vec<QueueSpec> = engine.queues().cloned().collect();
                let flavors = engine.flavors.clone();
                engine.configure(queues, &[cohort("team", "root")], flavors);
            }
        }
        let before: Vec<Key> = engine.held.keys().cloned().collect();
        engine.run(now);
        check(&engine)?;
        // Nobody of a strict queue overtakes one that waits before it.
        let most = engine.tree.potential(engine.queues["strict"].node, 0);
        let waiting = engine.waiting("strict").unwrap_or_default();
        if let Some(head) = waiting.first() {
            let new = engine
                .holding("strict")
                .filter(|w| !before.contains(&w.key));
            for w in new {
                prop_assert!(rank(w) < rank(head), "{:?} overtook {:?}", w.key, head.key);
            }
            prop_assert!(most > 0);
        }
        // Nothing is left to be decided.
        prop_assert_eq!(engine.run(now).len(), 0);
    }
    Ok(())
}

/// Two of another queue fit beside the one who is preempted each, but not both.
#[test]
fn what_victims_still_hold_is_not_given_away() {
    let submit = |queue, priority, gpus| Step::Submit {
        queue,
        priority,
        gpus,
    };
    let steps = vec![
        submit(1, 0, 6),
        submit(2, 0, 1),
        submit(1, 1, 2),
        Step::Finish(8_897_189_481_111_084_547),
        submit(0, 0, 1),
        submit(2, 0, 4),
        Step::Finish(4_528_793_491_940_496_007),
        submit(2, 0, 6),
        submit(2, 0, 3),
        submit(0, 0, 6),
        Step::Finish(127_247_258_499_869_386),
    ];
    play(false, steps).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn quota_holds_under_any_load(steps in steps()) {
        play(false, steps)?;
    }

    #[test]
    fn quota_holds_with_fair_sharing(steps in steps()) {
        play(true, steps)?;
    }
}
