use chrono::TimeDelta;
use proptest::prelude::*;
use rstest::rstest;

use super::alarm::{Alarm, Weight};
use super::reading::*;
use super::verdict::{Terms, Unknown, Verdict};
use super::*;
use crate::model::fixture::at;
use crate::model::pod::PodRow;

const HERE: ClusterId = ClusterId(0);
const EVERY: u16 = 20;

fn id(uuid: &str) -> DeviceId {
    DeviceId {
        uuid: uuid.into(),
        slice: None,
    }
}

fn holder(pod: &str) -> Holder {
    Holder {
        namespace: "ml".into(),
        pod: pod.into(),
        container: "main".into(),
        ..Holder::default()
    }
}

fn row(pod: Option<&str>, reading: Reading) -> DeviceRow {
    DeviceRow {
        id: id("GPU-1"),
        index: Some(0),
        product: "NVIDIA H100 80GB HBM3".into(),
        holders: pod.map(holder).into_iter().collect(),
        reading,
    }
}

fn engine(part: f32, used: f32) -> Reading {
    Reading {
        engine: Some(part),
        used: Some(used),
        free: Some(81_000.0 - used),
        ..Reading::default()
    }
}

fn told(node: &str, seconds: i64, devices: Vec<DeviceRow>) -> NodeUse {
    NodeUse {
        node: node.into(),
        at: at(seconds),
        every: EVERY,
        heard: Heard::Told { devices, but: None },
    }
}

/// One device that is read every 20 s, from 0 to `to`.
fn watched(to: i64, mut row: impl FnMut(i64) -> Option<DeviceRow>) -> GpuUse {
    let mut known = GpuUse::default();
    for seconds in (0..=to).step_by(EVERY.into()) {
        if let Some(row) = row(seconds) {
            known.apply(HERE, told("n1", seconds, vec![row]));
        }
    }
    known
}

fn first(known: &GpuUse) -> &Device {
    &known.node(HERE, &"n1".into()).unwrap().devices()[0]
}

const WINDOW: TimeDelta = TimeDelta::minutes(30);

#[rstest]
#[case::parked(1800, 40_000.0, "parked")]
#[case::unused(1800, 500.0, "unused")]
#[case::a_reading_short_of_the_window(1780, 40_000.0, "watching")]
fn idle_takes_the_whole_window(#[case] to: i64, #[case] used: f32, #[case] want: &str) {
    let known = watched(to, |_| Some(row(Some("p"), engine(0.0, used))));
    let got = match first(&known).verdict(at(to + 1), WINDOW, None) {
        Verdict::Parked { since, basis } => {
            assert_eq!((since, basis), (at(0), Basis::Engine));
            "parked"
        }
        Verdict::Unused { .. } => "unused",
        Verdict::Unknown(Unknown::Watching { since }) => {
            assert_eq!(since, at(0));
            "watching"
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(got, want);
}

#[test]
fn whatever_breaks_the_proof_makes_it_unknown() {
    let quiet = || Some(row(Some("p"), engine(0.0, 40_000.0)));
    let since = |known: &GpuUse, now: i64| match first(known).verdict(at(now), WINDOW, None) {
        Verdict::Unknown(Unknown::Watching { since }) => (since - at(0)).num_seconds(),
        other => panic!("{other:?}"),
    };
    // a little activity in the middle
    let busy = watched(2000, |s| match s {
        1000 => Some(row(Some("p"), engine(0.0004, 40_000.0))),
        _ => quiet(),
    });
    assert_eq!(since(&busy, 2000), 1020);
    // another pod in between
    let handed = watched(2000, |s| {
        Some(row(
            Some(if s < 1000 { "p" } else { "q" }),
            engine(0.0, 1.0),
        ))
    });
    assert_eq!(since(&handed, 2000), 1000);
    // the same name, another uid
    let mut again = 0;
    let reborn = watched(2000, |s| {
        let mut row = quiet()?;
        again = if s < 600 { 1 } else { 2 };
        row.holders[0].uid = Some(crate::model::ids::Uid(again));
        Some(row)
    });
    assert_eq!(since(&reborn, 2000), 600);
    // nothing was read for a while; one missing answer is no gap
    let gap = watched(2000, |s| quiet().filter(|_| !(400..480).contains(&s)));
    assert_eq!(since(&gap, 2000), 480);
    let hiccup = watched(2000, |s| quiet().filter(|_| s != 400));
    assert!(matches!(
        first(&hiccup).verdict(at(2000), WINDOW, None),
        Verdict::Parked { .. }
    ));
    // the exporter says nothing of activity once
    let mute = watched(2000, |s| match s {
        500 => Some(row(Some("p"), Reading::default())),
        _ => quiet(),
    });
    assert_eq!(since(&mute, 2000), 520);
}

#[test]
fn what_is_not_told_is_never_idle() {
    let known = watched(4000, |_| Some(row(Some("p"), Reading::default())));
    let verdict = first(&known).verdict(at(4000), WINDOW, None);
    assert_eq!(verdict, Verdict::Unknown(Unknown::NoActivity));
    let quiet = watched(4000, |_| Some(row(Some("p"), engine(0.0, 9.0))));
    let stale = first(&quiet).verdict(at(4061), WINDOW, None);
    assert_eq!(stale, Verdict::Unknown(Unknown::Stale { at: at(4000) }));
    let young = first(&quiet).verdict(at(4000), WINDOW, Some(at(3000)));
    assert_eq!(young, Verdict::Unknown(Unknown::Young { since: at(3000) }));
    let nobody = watched(4000, |_| Some(row(None, engine(0.0, 9.0))));
    assert_eq!(
        first(&nobody).verdict(at(4000), WINDOW, None),
        Verdict::Free
    );
    // without a word about memory it cannot be said that none is held
    let bare = Reading {
        util: Some(0.0),
        ..Reading::default()
    };
    let dark = watched(4000, |_| Some(row(Some("p"), bare)));
    let verdict = first(&dark).verdict(at(4000), WINDOW, None);
    assert_eq!(
        verdict,
        Verdict::Parked {
            since: at(0),
            basis: Basis::Util
        }
    );
}

#[test]
fn the_weaker_basis_is_told() {
    let known = watched(2000, |s| {
        let mut reading = engine(0.0, 9.0);
        if s == 1000 {
            (reading.engine, reading.util) = (None, Some(0.0));
        }
        Some(row(Some("p"), reading))
    });
    let verdict = first(&known).verdict(at(2000), WINDOW, None);
    assert!(
        matches!(
            verdict,
            Verdict::Unused {
                basis: Basis::Util,
                ..
            }
        ),
        "{verdict:?}"
    );
}

#[test]
fn devices_are_found_by_whatever_names_them() {
    let mut known = GpuUse::default();
    let card = row(None, engine(0.5, 1.0));
    let mut slice = row(Some("nb"), engine(0.1, 1.0));
    slice.id.slice = Some(Slice {
        id: 9,
        profile: "1g.10gb".into(),
    });
    slice.holders[0].claimed = Some(Box::new(Claimed {
        driver: "gpu.nvidia.com".into(),
        pool: "n1".into(),
        device: "gpu-0-mig-9".into(),
        mig_uuid: "MIG-7".into(),
    }));
    let mut other = row(Some("p"), engine(0.9, 1.0));
    (other.id, other.index) = (id("GPU-2"), Some(1));
    known.apply(HERE, told("n1", 0, vec![other, slice, card]));
    let node = known.node(HERE, &"n1".into()).unwrap();
    let order: Vec<_> = node
        .devices()
        .iter()
        .map(|d| (d.index, d.id.slice.is_some()))
        .collect();
    assert_eq!(order, [(Some(0), false), (Some(0), true), (Some(1), false)]);
    let part = |by| node.find(by).and_then(|d| d.reading.engine);
    assert_eq!(part(Find::Uuid("GPU-1")), Some(0.5));
    assert_eq!(part(Find::Uuid("MIG-7")), Some(0.1));
    assert_eq!(part(Find::Index(1)), Some(0.9));
    assert_eq!(part(Find::Slice(0, 9)), Some(0.1));
    assert_eq!(
        part(Find::Claimed("gpu.nvidia.com", "n1", "gpu-0-mig-9")),
        Some(0.1)
    );
    assert_eq!(part(Find::Uuid("GPU-3")), None);
}

fn pod(name: &str, uid: u128, node: &str) -> PodRow {
    let mut pod = crate::model::fixture::pod(uid, &crate::model::fixture::job(1, "j"));
    (pod.name, pod.namespace) = (name.into(), "ml".into());
    pod.node = Some(node.into());
    pod
}

#[test]
fn a_pods_devices_are_those_of_its_node_that_name_it() {
    let mut known = GpuUse::default();
    let mut mine = row(Some("p"), engine(0.5, 1.0));
    mine.holders[0].uid = Some(crate::model::ids::Uid(7));
    known.apply(HERE, told("n1", 0, vec![mine]));
    known.apply(HERE, told("n2", 0, vec![row(Some("p"), engine(0.1, 1.0))]));
    let parts = |pod: &PodRow| {
        known
            .of_pod(pod)
            .map(|d| d.reading.engine)
            .collect::<Vec<_>>()
    };
    assert_eq!(parts(&pod("p", 7, "n1")), [Some(0.5)]);
    assert_eq!(
        parts(&pod("p", 8, "n1")),
        [],
        "another pod of the same name"
    );
    assert_eq!(
        parts(&pod("p", 8, "n2")),
        [Some(0.1)],
        "no uid told: the name counts"
    );
    assert_eq!(parts(&pod("p", 7, "n3")), []);
}

#[test]
fn trouble_keeps_what_was_known_and_an_answer_clears_it() {
    let mut known = watched(100, |_| Some(row(Some("p"), engine(0.5, 1.0))));
    let trouble = Trouble {
        reason: Reason::Unreachable,
        text: "no answer".into(),
    };
    let not = |seconds| NodeUse {
        heard: Heard::Not(trouble.clone()),
        ..told("n1", seconds, Vec::new())
    };
    known.apply(HERE, not(120));
    let node = known.node(HERE, &"n1".into()).unwrap();
    assert_eq!(
        (node.trouble.as_ref(), node.devices().len()),
        (Some(&trouble), 1)
    );
    assert!(!node.is_stale(at(120)) && node.is_stale(at(200)));
    known.apply(
        HERE,
        told("n1", 300, vec![row(Some("p"), engine(0.5, 1.0))]),
    );
    assert_eq!(known.node(HERE, &"n1".into()).unwrap().trouble, None);
    // never heard of
    known.apply(
        HERE,
        NodeUse {
            node: "n9".into(),
            ..not(300)
        },
    );
    let node = known.node(HERE, &"n9".into()).unwrap();
    assert!(node.devices().is_empty() && node.is_stale(at(300)) && node.told.is_none());
}

#[test]
fn an_xid_that_was_there_has_no_time_and_a_new_one_has() {
    let xid = |code| Reading {
        xid: Some(code),
        ..engine(0.5, 1.0)
    };
    let old = watched(100, |_| Some(row(None, xid(31))));
    assert_eq!(first(&old).xid_at, None);
    let new = watched(200, |s| Some(row(None, xid(if s < 100 { 0 } else { 79 }))));
    assert_eq!(first(&new).xid_at, Some(at(100)));
    let alarms = first(&new).alarms(at(200), &Terms::default(), None);
    assert_eq!(alarms, [Alarm::Xid(79, Some(at(100)))]);
    assert_eq!(alarms[0].weight(), Weight::Sick);
    let words = alarms[0].words(at(200));
    assert!(words.contains("fallen off the bus, 1m40s ago"), "{words}");
    let first_look = first(&old).alarms(at(100), &Terms::default(), None);
    assert_eq!(first_look[0].weight(), Weight::Note);
    assert!(first_look[0].words(at(100)).contains("when, is not told"));
}

#[test]
fn alarms_are_what_the_readings_say_and_no_more() {
    let clean = watched(0, |_| Some(row(Some("p"), engine(0.5, 1.0))));
    let terms = Terms::default();
    assert_eq!(first(&clean).alarms(at(0), &terms, None), []);
    let sick = Reading {
        celsius: Some(91.0),
        slowed: Some(Slowed {
            power: true,
            heat: true,
            board: false,
        }),
        uncorrected: Some(3),
        remap_failed: Some(true),
        unwell: Some(true),
        xid: Some(0),
        ..engine(0.5, 1.0)
    };
    let known = watched(0, |_| Some(row(Some("p"), sick)));
    let got = first(&known).alarms(at(0), &terms, None);
    let want = [
        Alarm::RemapFailed,
        Alarm::Uncorrected(3),
        Alarm::Unwell,
        Alarm::Hot(91.0),
        Alarm::SlowedByHeat,
        Alarm::PowerCapped,
    ];
    assert_eq!(got, want);
    // heat of an hour ago says nothing about now; broken memory does
    let later = first(&known).alarms(at(3600), &terms, None);
    assert_eq!(later, want[..3]);
    let parked = watched(1800, |_| Some(row(Some("p"), engine(0.0, 40_000.0))));
    let all = parked.alarms(HERE, at(1800), &terms);
    assert_eq!(all.len(), 1);
    let words = all[0].2.words(at(1800));
    assert_eq!(
        words,
        "no activity for 30m00s (engine activity), 39Gi of memory held"
    );
}

#[test]
fn memory_is_bounded_whatever_is_heard() {
    let mut known = GpuUse::default();
    let many: Vec<DeviceRow> = (0..1000)
        .map(|n| DeviceRow {
            id: id(&format!("GPU-{n}")),
            holders: (0..1000).map(|p| holder(&format!("p{p}"))).collect(),
            ..row(None, engine(0.5, 1.0))
        })
        .collect();
    known.apply(HERE, told("n0", 0, many));
    let node = known.node(HERE, &"n0".into()).unwrap();
    assert_eq!(node.devices().len(), DEVICES);
    assert!(node.devices().iter().all(|d| d.holders.len() == HOLDERS));
    for n in 1..=NODES as i64 {
        known.apply(
            HERE,
            told(&format!("n{n}"), n, vec![row(None, engine(0.5, 1.0))]),
        );
    }
    assert_eq!(known.nodes(HERE).count(), NODES);
    assert!(known.node(HERE, &"n0".into()).is_none(), "the oldest went");
    // 1,920 bytes of readings, and the rest
    assert!(ring::KEPT * size_of::<ring::Sample>() + size_of::<Device>() < 2500);
}

proptest! {
    /// Against the whole history: idle is claimed exactly when every reading of the window was quiet, with the same
    /// holder, and no pause in it was too long.
    #[test]
    fn idle_is_claimed_only_with_proof(
        steps in proptest::collection::vec((1i64..90, 0u8..12, 0u8..9), 1..120),
    ) {
        let mut known = GpuUse::default();
        let mut all: Vec<(i64, bool, bool)> = Vec::new();
        let mut now = 0;
        for (pause, work, who) in steps {
            now += pause;
            let (busy, other) = (work == 0, who == 0);
            let pod = if other { "other" } else { "p" };
            let part = if busy { 0.01 } else { 0.0 };
            known.apply(HERE, told("n1", now, vec![row(Some(pod), engine(part, 9.0))]));
            all.push((now, busy, other));
        }
        let window = TimeDelta::seconds(300);
        let got = first(&known).verdict(at(now), window, None).idle_since();
        let mut begin = all.len() - 1;
        let quiet = |n: usize| !all[n].1;
        let gap = |n: usize| all[n].0 - all[n - 1].0 > 60;
        while quiet(begin) && begin > 0 && quiet(begin - 1) && !gap(begin) && all[begin].2 == all[begin - 1].2 {
            begin -= 1;
        }
        let proven = quiet(begin) && now - all[begin].0 >= 300;
        prop_assert_eq!(got, proven.then(|| at(all[begin].0)));
    }
}
