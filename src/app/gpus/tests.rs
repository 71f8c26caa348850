//! From what objects and exporters tell to entries of the inbox, and their end.

use rstest::rstest;

use super::*;
use crate::model::Model;
use crate::model::delta::Rows;
use crate::model::fixture::{at, delta, devices, job, jobs, node, nodes, pod, pods, running};
use crate::model::gpu_alarms::all;
use crate::model::gpu_use::reading::{
    DeviceId, DeviceRow, Heard, Holder, NodeUse, Reading, Reason, Trouble,
};
use crate::model::gpu_use::verdict::Terms;
use crate::model::inbox::{Lead, Severity, Standing};
use crate::model::node::{GpuFacts, NodeRow};

const HERE: ClusterId = ClusterId(0);
const GPU: &str = "nvidia.com/gpu";

fn plain(uid: u128, name: &str) -> NodeRow {
    let mut row = node(uid, name, devices(GPU, 8));
    row.product = Some("NVIDIA-H100-80GB-HBM3".into());
    row.gpu = Some(std::sync::Arc::new(GpuFacts {
        count: Some(8),
        replicas: Some(1),
        ..GpuFacts::default()
    }));
    row
}

fn sick(uid: u128, name: &str) -> NodeRow {
    let mut row = plain(uid, name);
    row.allocatable = devices(GPU, 7);
    row
}

fn stale_labels(uid: u128, name: &str) -> NodeRow {
    let mut row = plain(uid, name);
    std::sync::Arc::make_mut(row.gpu.as_mut().unwrap()).count = Some(4);
    row
}

/// What a node's exporter tells of card 0, held by pod `train-0`.
fn told(name: &str, seconds: i64, reading: Reading) -> NodeUse {
    let device = DeviceRow {
        id: DeviceId {
            uuid: "GPU-0".into(),
            slice: None,
        },
        index: Some(0),
        product: "NVIDIA H100 80GB HBM3".into(),
        holders: vec![Holder {
            namespace: "default".into(),
            pod: "train-0".into(),
            container: "main".into(),
            ..Holder::default()
        }],
        reading,
    };
    let devices = vec![device];
    heard(name, seconds, Heard::Told { devices, but: None })
}

fn heard(name: &str, seconds: i64, heard: Heard) -> NodeUse {
    NodeUse {
        node: name.into(),
        at: at(seconds),
        every: 20,
        heard,
    }
}

fn busy() -> Reading {
    Reading {
        engine: Some(0.9),
        xid: Some(0),
        ..Reading::default()
    }
}

struct Seen {
    model: Model,
    kept: Kept,
    inbox: Inbox,
}

impl Seen {
    fn new(of: &[NodeRow]) -> Self {
        let mut model = Model::default();
        model.apply(nodes(of));
        Self {
            model,
            kept: Kept::default(),
            inbox: Inbox::default(),
        }
    }

    fn hears(&mut self, of: NodeUse) {
        self.model.apply(delta(Rows::GpuUse(Box::new(of))));
    }

    /// How many of what it found were news.
    fn look(&mut self, seconds: i64) -> usize {
        let alarms = all(&self.model, HERE, at(seconds), &Terms::default());
        self.kept.pass(&alarms, &mut self.inbox, at(seconds)).len()
    }

    fn open(&self, seconds: i64) -> Vec<String> {
        let words = |e: &crate::model::inbox::Entry| {
            format!("{}: {}", e.finding.subject.name, e.words(at(seconds)))
        };
        self.inbox.open().map(words).collect()
    }

    fn standings(&self) -> Vec<Standing> {
        self.inbox.shown().map(|e| e.standing.clone()).collect()
    }
}

/// What a node is, what the one entry says, how bad it is, and how it ends.
#[rstest]
#[case::sick(
    sick(1, "a"),
    "a: 1 of 8 nvidia.com/gpu sick: not offered any more",
    Severity::Error,
    "all of them are offered again"
)]
#[case::labels(
    stale_labels(1, "a"),
    "nodes with GPUs: a: labels tell of 4 GPUs, the node offers 8: GPU feature discovery or the device plugin is behind",
    Severity::Warning,
    "labels and devices agree"
)]
fn a_cause_is_one_entry_and_is_over_by_itself(
    #[case] row: NodeRow,
    #[case] words: &str,
    #[case] severity: Severity,
    #[case] end: &str,
) {
    let mut seen = Seen::new(std::slice::from_ref(&row));
    assert_eq!(seen.look(0), 1);
    assert_eq!(seen.look(10), 0, "told again it is no news");
    assert_eq!(seen.open(10), [words]);
    let entry = seen.inbox.open().next().unwrap();
    assert_eq!(entry.finding.severity, severity);
    assert_eq!(entry.finding.lead, Lead::Node("a".into()));
    seen.model.apply(nodes(&[plain(1, "a")]));
    assert_eq!(seen.look(20), 0);
    assert_eq!(seen.standings(), [Standing::Over(at(20), end.into())]);
    // and again
    seen.model.apply(nodes(&[row]));
    assert_eq!((seen.look(30), seen.inbox.len()), (1, 1));
}

#[test]
fn what_is_alike_on_many_nodes_is_one_entry_and_what_is_broken_is_not() {
    let rows: Vec<NodeRow> = (0..5)
        .map(|n| stale_labels(n, &format!("l{n}")))
        .chain((5..7).map(|n| sick(n, &format!("s{n}"))))
        .collect();
    let mut seen = Seen::new(&rows);
    assert_eq!(seen.look(0), 3);
    let open = seen.open(0);
    assert!(
        open[0].starts_with("nodes with GPUs: l0 (and 4 more like it): labels tell")
            || open.iter().any(|w| w.contains("l0 (and 4 more like it)")),
        "{open:?}"
    );
    // one of them fewer is the same entry
    seen.model.apply(nodes(&[plain(0, "l0")]));
    assert_eq!((seen.look(10), seen.inbox.len()), (0, 3));
    assert!(
        seen.open(10)
            .iter()
            .any(|w| w.contains("l1 (and 3 more like it)"))
    );
}

#[test]
fn an_xid_is_over_when_its_exporter_says_so_and_unknown_when_it_says_nothing() {
    let broken = || Reading {
        xid: Some(79),
        ..busy()
    };
    let mut seen = Seen::new(&[plain(1, "a")]);
    seen.hears(told("a", 0, busy()));
    assert_eq!(seen.look(0), 0);
    seen.hears(told("a", 20, broken()));
    assert_eq!(seen.look(20), 1);
    let open = seen.open(60);
    assert!(
        open[0].starts_with("a/GPU 0: Xid 79: the GPU has fallen off the bus, 40 s ago; "),
        "{open:?}"
    );
    // nobody asks any more
    assert_eq!(seen.look(400), 0);
    assert_eq!(seen.standings(), [Standing::Unwatched(at(400))]);
    // it is asked again and still says so: no news
    seen.hears(told("a", 420, broken()));
    assert_eq!(seen.look(420), 0);
    assert_eq!(seen.standings(), [Standing::Open]);
    seen.hears(told("a", 440, busy()));
    seen.look(440);
    let end = "its exporter tells of it no more";
    assert_eq!(seen.standings(), [Standing::Over(at(440), end.into())]);
}

#[test]
fn an_exporter_that_fails_proves_nothing() {
    let mut seen = Seen::new(&[plain(1, "a")]);
    let hot = Reading {
        xid: Some(48),
        ..busy()
    };
    seen.hears(told("a", 0, hot));
    assert_eq!(seen.look(0), 1);
    let trouble = Trouble {
        reason: Reason::Unreachable,
        text: "no answer".into(),
    };
    seen.hears(heard("a", 20, Heard::Not(trouble)));
    seen.look(20);
    assert_eq!(seen.standings(), [Standing::Open], "it was so a moment ago");
    seen.look(400);
    assert_eq!(seen.standings(), [Standing::Unwatched(at(400))]);
}

#[test]
fn idle_gpus_are_told_by_their_job_once_and_only_with_proof() {
    let mut seen = Seen::new(&[plain(1, "a")]);
    let train = job(7, "train");
    let mut member = running(pod(70, &train), "a", 0);
    (member.name, member.namespace) = ("train-0".into(), "default".into());
    member.shape = crate::model::shape::Shape::of(devices(GPU, 1)).into();
    seen.model.apply(jobs(std::slice::from_ref(&train)));
    seen.model.apply(pods(&[member]));
    let parked = || Reading {
        engine: Some(0.0),
        used: Some(40_000.0),
        free: Some(41_000.0),
        ..busy()
    };
    for seconds in (0..1800).step_by(20) {
        seen.hears(told("a", seconds, parked()));
        assert_eq!(seen.look(seconds), 0, "{seconds} s are no proof");
    }
    seen.hears(told("a", 1800, parked()));
    assert_eq!(seen.look(1800), 1);
    assert_eq!(
        seen.open(1800),
        ["train: a GPU of it has done nothing for 30 min on a, memory is held"]
    );
    let entry = seen.inbox.open().next().unwrap();
    assert_eq!(entry.finding.lead, Lead::Job(train.key));
    seen.hears(told("a", 1820, busy()));
    seen.look(1820);
    let end = "its GPUs work, or are given back";
    assert_eq!(seen.standings(), [Standing::Over(at(1820), end.into())]);
}

#[test]
fn the_same_on_nodes_of_the_same_name_in_two_clusters_is_two() {
    const EAST: ClusterId = ClusterId(1);
    let there = |rows: [NodeRow; 2]| {
        let mut rows = rows;
        rows.iter_mut().for_each(|row| row.key.cluster = EAST);
        crate::model::delta::Delta {
            cluster: EAST,
            ..nodes(&rows)
        }
    };
    let both = |seen: &mut Seen, seconds| {
        let of = |of| all(&seen.model, of, at(seconds), &Terms::default());
        let alarms: Vec<_> = [HERE, EAST].into_iter().flat_map(of).collect();
        let (kept, inbox) = (&mut seen.kept, &mut seen.inbox);
        kept.pass(&alarms, inbox, at(seconds)).len()
    };
    let mut seen = Seen::new(&[sick(1, "a"), stale_labels(2, "b")]);
    let same = [sick(1, "a"), stale_labels(2, "b")];
    seen.model.apply(there(same));
    assert_eq!((both(&mut seen, 0), both(&mut seen, 10)), (4, 0));
    // over in one of them it goes on in the other
    seen.model.apply(there([plain(1, "a"), plain(2, "b")]));
    both(&mut seen, 20);
    let clusters = |seen: &Seen| {
        let open = seen.inbox.open().map(|e| e.finding.subject.id.cluster());
        open.collect::<Vec<_>>()
    };
    assert_eq!(clusters(&seen), [HERE, HERE]);
}
