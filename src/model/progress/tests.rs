//! The law of the running totals, and what they remember.

use proptest::prelude::{Rng, *};
use proptest::test_runner::RngAlgorithm;

use super::*;
use crate::model::Model;
use crate::model::delta::{Change, Delta, Rows};
use crate::model::fixture::*;
use crate::model::indexset::IndexSet;

#[test]
fn totals_follow_a_pods_life() {
    let mut m = Model::default();
    let mut j = job(1, "a");
    j.devices = devices("nvidia.com/gpu", 2);
    m.apply(jobs(&[j.clone()]));
    m.apply(pods(&[pod(10, &j)]));
    let live = |m: &Model| m.totals(j.key).map(|t| t.live.clone()).unwrap();
    assert_eq!((live(&m).active, live(&m).pending), (1, 1));
    assert!(live(&m).devices.is_empty(), "not bound yet");

    let r = running(pod(10, &j), "n1", 5);
    m.apply(pods(std::slice::from_ref(&r)));
    assert_eq!((live(&m).ready, live(&m).running), (1, 1));
    assert_eq!(live(&m).devices.get("nvidia.com/gpu"), 2);
    assert_eq!(live(&m).nodes.len(), 1);

    m.apply(pods(&[ended(r, 1, 9)]));
    assert_eq!((live(&m).active, live(&m).failed), (0, 1));
    assert!(live(&m).devices.is_empty() && live(&m).starts.is_empty());

    m.apply(pods_gone(&[10]));
    let t = m.totals(j.key).unwrap();
    assert_eq!((t.live.failed, t.failed_seen()), (0, 1));
    assert_eq!(t.exits(), [(1, "Error".into(), 1)]);
    assert_eq!(t.memory.last_death.as_ref().map(|d| &*d.pod), Some("a-10"));
}

#[test]
fn a_cancelled_watch_is_not_a_garbage_collection() {
    let mut m = Model::default();
    let j = job(1, "a");
    let dead = ended(running(pod(10, &j), "n1", 0), 1, 5);
    m.apply(jobs(std::slice::from_ref(&j)));
    m.apply(pods(std::slice::from_ref(&dead)));
    m.apply(delta(Rows::Pods(Change::Dropped)));
    m.apply(pods(&[dead]));
    assert_eq!(m.totals(j.key).map(JobTotals::failed_seen), Some(1));
}

#[test]
fn a_pods_change_moves_its_job() {
    let mut m = Model::default();
    let j = job(1, "a");
    m.apply(jobs(std::slice::from_ref(&j)));
    let before = m.jobs.version();
    m.apply(pods(&[pod(10, &j)]));
    assert_eq!(m.jobs.version(), before + 1);
    m.apply(pods(&[pod(10, &j)]));
    assert_eq!(m.jobs.version(), before + 1);
}

#[test]
fn the_median_needs_three_and_is_the_same_in_any_order() {
    let j = job(1, "a");
    let all: Vec<PodRow> = (0..300u128)
        .map(|i| {
            ended(
                running(pod(100 + i, &j), "n", 0),
                0,
                1 + (i as i64 * 7) % 300,
            )
        })
        .collect();
    let median = |list: &[PodRow]| {
        let mut m = Model::default();
        m.apply(pods(list));
        m.totals(j.key).and_then(JobTotals::median_millis)
    };
    assert_eq!(median(&all[..2]), None);
    let mut backwards = all.clone();
    backwards.reverse();
    let tau = median(&all).unwrap();
    assert_eq!(Some(tau), median(&backwards));
    assert!((100_000..200_000).contains(&tau), "a fair sample: {tau}");
}

#[test]
fn a_deleted_jobs_memory_goes_with_its_last_pod() {
    let mut m = Model::default();
    let j = job(1, "a");
    m.apply(jobs(std::slice::from_ref(&j)));
    m.apply(pods(&[ended(running(pod(10, &j), "n", 0), 1, 1)]));
    m.apply(delta(Rows::Jobs(Change::Gone(vec![j.key.uid]))));
    assert!(m.totals(j.key).is_some());
    m.apply(pods_gone(&[10]));
    assert!(m.totals(j.key).is_none());
}

/// The life of one pod as rows, then perhaps its deletion.
#[derive(Debug, Clone)]
struct Life {
    rows: Vec<PodRow>,
    gone: bool,
}

fn any_life(uid: u128) -> impl Strategy<Value = Life> {
    (
        0..2u128,
        prop::option::of(0..4u32),
        0..3i32,
        1..6usize,
        any::<bool>(),
        any::<bool>(),
        0..3u32,
    )
        .prop_map(move |(owner, index, code, steps, gone, deleting, told)| {
            let mut j = job(1 + owner, "j");
            j.devices = devices("nvidia.com/gpu", 1 + owner as u32);
            let mut p = pod(100 + uid, &j);
            (p.index, p.index_failures) = (index.into(), told);
            p.created = Some(at((uid % 5) as i64)).into();
            let mut rows = vec![p.clone()];
            let r = running(p, ["n1", "n2"][(uid % 2) as usize], uid as i64);
            rows.push(r.clone());
            let mut crash = r.clone();
            (crash.restarts, crash.status, crash.is_ready) = (2, "CrashLoopBackOff".into(), false);
            rows.push(crash.clone());
            if deleting {
                let mut d = r;
                d.deleting = true;
                rows.push(d);
            }
            rows.push(ended(crash, code, 30 + uid as i64));
            rows.truncate(steps);
            Life { rows, gone }
        })
}

fn any_lives() -> impl Strategy<Value = (Vec<Life>, u64)> {
    let lives: Vec<_> = (0..12).map(any_life).collect();
    (lives, any::<u64>())
}

/// Every step of every life, each pod's own order kept, otherwise shuffled by the seed.
fn interleave(lives: &[Life], seed: u64) -> Vec<Delta> {
    let mut bytes = [0u8; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let mut rng = proptest::test_runner::TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut order: Vec<usize> = lives
        .iter()
        .enumerate()
        .flat_map(|(i, life)| vec![i; life.rows.len() + usize::from(life.gone)])
        .collect();
    for i in (1..order.len()).rev() {
        order.swap(i, rng.next_u32() as usize % (i + 1));
    }
    let mut next = vec![0; lives.len()];
    order
        .into_iter()
        .map(|i| {
            let (life, step) = (&lives[i], next[i]);
            next[i] += 1;
            match life.rows.get(step) {
                Some(row) => pods(std::slice::from_ref(row)),
                None => pods_gone(&[life.rows[0].key.uid.0]),
            }
        })
        .collect()
}

/// Totals with the pods they hold named by key: slots depend on the order of arrival.
fn by_key(m: &Model) -> Vec<(Key, Live, Memory, Indexes, Vec<Key>)> {
    let mut all: Vec<_> = m
        .progress
        .0
        .iter()
        .map(|(key, t)| {
            let mut pods: Vec<Key> = m.pods_of(*key).map(|p| p.key).collect();
            pods.sort_unstable();
            let mut indexes = t.indexes.clone();
            indexes.in_one_order();
            (*key, t.live.clone(), t.memory.clone(), indexes, pods)
        })
        .collect();
    all.sort_by_key(|t| t.0);
    all
}

fn both_jobs() -> Delta {
    let mut a = indexed(1, "j", 4, 2);
    a.completed_indexes = IndexSet::parse("1", Some(4));
    let mut b = indexed(2, "j", 4, 2);
    b.failed_indexes = IndexSet::parse("2-3", Some(4));
    jobs(&[a, b])
}

proptest! {
    #[test]
    fn folding_in_any_order_gives_the_same((lives, seed) in any_lives(), at_step in 0..40usize) {
        let mut steps = interleave(&lives, seed);
        steps.insert(at_step.min(steps.len()), both_jobs());
        let mut other = interleave(&lives, seed ^ 0xabcd);
        other.insert(0, both_jobs());
        let fold = |steps: Vec<Delta>| {
            let mut m = Model::default();
            steps.into_iter().for_each(|d| m.apply(d));
            m
        };
        prop_assert_eq!(by_key(&fold(steps)), by_key(&fold(other)));
    }

    #[test]
    fn the_live_part_is_that_of_the_remaining_pods((lives, seed) in any_lives()) {
        let mut m = Model::default();
        m.apply(both_jobs());
        for step in interleave(&lives, seed) {
            m.apply(step);
            let mut fresh = Model::default();
            fresh.apply(both_jobs());
            let rows: Vec<PodRow> = m.pods.rows().cloned().collect();
            fresh.apply(pods(&rows));
            for job in [key(1), key(2)] {
                let live = |m: &Model| m.totals(job).map(|t| t.live.clone()).unwrap_or_default();
                prop_assert_eq!(live(&m), live(&fresh));
                let row = m.jobs.get(job).unwrap();
                for i in 0..4 {
                    let (have, want) = (m.grid(row).state(i), fresh.grid(row).state(i));
                    prop_assert_eq!(std::mem::discriminant(&have), std::mem::discriminant(&want));
                }
            }
            prop_assert_eq!(&m.capacity, &fresh.capacity);
        }
    }
}
