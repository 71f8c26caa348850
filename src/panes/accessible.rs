//! Whether all eyes can read the panes: the contrast of everything they draw in every theme, and that nothing is told by
//! a colour alone. Test code only.

use std::collections::BTreeMap;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::fixture::{self, exporters};
use super::palette::Palette;
use super::stage::Stage;
use super::start::{Start, Why};
use super::switcher::{Switcher, What};
use super::*;
use crate::model::delta::{Change, Rows};
use crate::model::job::{JobRow, Phase};
use crate::model::log::LogLine;
use crate::model::node::NodeRow;
use crate::model::pod::PodRow;
use crate::ui::theme::judge::{Unread, coloured, load};
use crate::ui::{Depth, Theme};

const WIDE: (u16, u16) = (200, 60);
const SMALL: (u16, u16) = (80, 24);

/// Everything there is to see of a cluster.
fn all(model: &Model) -> Vec<Box<dyn Pane>> {
    let mut targets = vec![
        Target::Jobs,
        Target::Pods(PodsOf::All),
        Target::Nodes,
        Target::GpuMap(gpus::MapOf::All),
        Target::Queues,
        Target::QueueObjects,
        Target::Events(None),
        Target::Inbox,
        Target::History,
        Target::Forwards,
        Target::Hardware,
        Target::Itself,
        Target::Help,
        Target::Gpus(vec!["h100-sxm".into(), "a100-sxm-80".into(), "t4".into()]),
    ];
    let mut jobs: Vec<Key> = model.jobs.rows().map(|job| job.key).collect();
    jobs.sort();
    targets.extend(jobs.into_iter().take(16).map(Target::Job));
    targets.extend(model.nodes.rows().map(|node| Target::Node(node.key)));
    let workloads = model.kueue.workloads.rows();
    targets.extend(workloads.take(8).map(|w| Target::Workload(w.key)));
    let mut panes: Vec<Box<dyn Pane>> = targets.iter().map(open).collect();
    panes.push(Box::new(Palette::default()));
    panes.push(chooser());
    panes.push(Box::new(Switcher::new(What::Context)));
    let mut start = Start::default();
    let failed = Why::Failed {
        context: "prod".into(),
        tried: vec!["~/.kube/config".into()],
        why: "connection refused".into(),
        next_step: "start the cluster".into(),
        contexts: vec!["other".into()],
    };
    start.set(failed, true);
    panes.push(Box::new(start));
    panes
}

/// The columns of jobs to be chosen, one of them the user's own.
fn chooser() -> Box<dyn Pane> {
    fixture::with_cx(&fixture::model(), |cx| {
        let usual = jobs::Jobs::default().usual(cx);
        let own = crate::model::extra::Pick::parse(List::Jobs, "label:team");
        let settings = own.ok().map(|own| [own].into());
        Box::new(columns::Chooser::new(List::Jobs, &usual, settings, cx))
    })
}

/// A log with what logs have: levels, metrics, a failure.
fn log(cx: &Cx) -> Box<dyn Pane> {
    let mut pane = open(&Target::Logs(LogsOf::Job {
        job: fixture::key("llama-sft"),
        index: None,
    }));
    let texts = [
        "INFO step 10 loss 2.31 lr 3e-5 tok/s 11800",
        "WARNING slow input",
        "{\"level\":\"error\",\"message\":\"no\",\"step\":3}",
        "torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 224.00 MiB.",
        "step 20 loss 2.11 lr 3e-5 tok/s 11900",
    ];
    let line = |(n, text): (usize, &&str)| LogLine {
        at: fixture::ago(60 - n as i64),
        bytes: text.as_bytes().into(),
        goes_on: false,
    };
    let lines: Vec<LogLine> = texts.iter().enumerate().map(line).collect();
    let said = crate::logs::run::StreamReader::default().read(&lines);
    for want in pane.wants(cx) {
        if let Want::Log(want) = &want {
            let arrival = Arrival::Lines {
                want,
                lines: &lines,
                said: &said,
            };
            pane.receive(&arrival, cx);
        }
    }
    pane.act(Action::Charts, cx);
    pane
}

fn frame(pane: &mut dyn Pane, cx: &Cx, (width, height): (u16, u16)) -> Buffer {
    let mut buf = Buffer::empty(Rect::new(0, 0, width, height));
    cx.theme.clear(buf.area, &mut buf);
    buf.set_line(1, 0, &pane.answer(cx), width - 1);
    let area = Rect {
        y: 1,
        height: height - 1,
        ..buf.area
    };
    pane.draw(cx, area, &mut buf);
    buf
}

/// Looks at a pane as it is, and after keys that change what it draws.
fn walk(pane: &mut dyn Pane, cx: &Cx, unread: &mut Unread) {
    let mut look = |pane: &mut dyn Pane, size| {
        let buf = frame(pane, cx, size);
        let place = format!("{:?} ({})", pane.scopes().first(), pane.title(cx));
        unread.look(cx.theme, &buf, &place);
    };
    look(pane, WIDE);
    look(pane, SMALL);
    for keys in [
        &[Action::Mark, Action::Down][..],
        &[Action::Focus, Action::Right, Action::Down],
        &[Action::Bottom],
    ] {
        for key in keys {
            pane.act(*key, cx);
        }
        look(pane, WIDE);
    }
    if pane.set_filter("a", cx).is_ok() {
        look(pane, SMALL);
    }
}

#[test]
fn everything_drawn_can_be_read_in_every_theme() {
    let mut unread = Unread::default();
    let (plain, queued, told) = (fixture::model(), fixture::queued(), exporters::told());
    let (torch, _) = fixture::torch(12);
    let mut asked = fixture::session();
    asked.gpu_use.on = true;
    for (name, depth) in coloured() {
        let theme = load(&name, depth);
        for model in [&plain, &queued, &told, &torch] {
            let mut stage = Stage::new(Model::default());
            stage.theme = theme.clone();
            let cx = Cx {
                model,
                session: &asked,
                ..stage.cx()
            };
            for mut pane in all(model) {
                walk(&mut *pane, &cx, &mut unread);
            }
        }
        let mut stage = Stage::new(Model::default());
        stage.theme = theme;
        let cx = Cx {
            model: &plain,
            ..stage.cx()
        };
        walk(&mut *log(&cx), &cx, &mut unread);
    }
    unread.none();
}

/// A row of a frame: its text, and its colours.
type Drawn = Vec<(String, Vec<(ratatui::style::Color, ratatui::style::Color)>)>;

fn drawn(model: &Model, pane: &mut dyn Pane, size: (u16, u16)) -> Drawn {
    let rows = |theme: Theme| {
        let mut stage = Stage::new(Model::default());
        stage.theme = theme;
        let session = fixture::session();
        let cx = Cx {
            model,
            session: &session,
            ..stage.cx()
        };
        let buf = frame(pane, &cx, size);
        let rows = buf.content.chunks(usize::from(size.0)).map(<[_]>::to_vec);
        rows.collect::<Vec<_>>()
    };
    let (mut rows, mut texts) = (rows, Vec::new());
    for row in rows(load("mono", Depth::None)) {
        texts.push(row.iter().map(|cell| cell.symbol()).collect::<String>());
    }
    let colours = rows(Theme::default()).into_iter().map(|row| {
        let seen = row.iter().filter(|cell| cell.symbol() != " ");
        seen.map(|cell| (cell.fg, cell.bg)).collect()
    });
    texts.into_iter().zip(colours).collect()
}

/// Where two frames differ in colours, they must differ in words or signs.
fn compare(what: &str, frames: &BTreeMap<String, Drawn>, wrong: &mut Vec<String>) {
    for (a, one) in frames {
        for (b, other) in frames.range(a.clone()..).skip(1) {
            let mut told = false;
            for ((text, colours), (text2, colours2)) in one.iter().zip(other) {
                told |= text != text2;
                if text == text2 && colours != colours2 {
                    wrong.push(format!("{what}: {a} and {b} only differ in colour: {text}"));
                }
            }
            if !told {
                wrong.push(format!("{what}: {a} and {b} look the same without colours"));
            }
        }
    }
}

fn jobs() -> BTreeMap<String, JobRow> {
    let base = || fixture::job("team-a", "train", 600);
    let change = |f: &dyn Fn(&mut JobRow)| {
        let mut job = base();
        f(&mut job);
        job
    };
    let condition = |kind, reason| vec![fixture::condition(kind, reason, "", 60)];
    let all = [
        ("pending", change(&|j| j.started = None)),
        ("running", change(&|j| (j.active, j.ready) = (1, 1))),
        ("retrying", change(&|j| (j.active, j.failed) = (0, 2))),
        (
            "suspended",
            change(&|j| (j.suspend, j.started) = (true, None)),
        ),
        (
            "queued",
            change(&|j| (j.suspend, j.started, j.queue) = (true, None, Some("main".into()))),
        ),
        (
            "succeeded",
            change(&|j| {
                (j.succeeded, j.completed) = (1, fixture::ago(60));
                j.conditions = condition("Complete", "CompletionsReached");
            }),
        ),
        (
            "failed",
            change(&|j| {
                j.failed = 1;
                j.conditions = condition("Failed", "BackoffLimitExceeded");
            }),
        ),
        ("deleted", change(&|j| j.deleting = true)),
        (
            "finishing",
            change(&|j| {
                j.succeeded = 1;
                j.conditions = condition("SuccessCriteriaMet", "CompletionsReached");
            }),
        ),
    ];
    all.map(|(name, job)| (name.to_owned(), job)).into()
}

#[test]
fn no_state_of_a_job_is_told_by_colour_alone() {
    let mut wrong = Vec::new();
    let mut phases = std::collections::BTreeSet::new();
    let mut frames: BTreeMap<&str, BTreeMap<String, Drawn>> = BTreeMap::new();
    for (name, job) in jobs() {
        let mut model = Model::default();
        let key = job.key;
        fixture::feed(&mut model, 2, Rows::Jobs(Change::Rows(vec![job])));
        let job = model.jobs.get(key).unwrap();
        phases.insert(model.status(job).phase);
        for (what, target, size) in [
            ("jobs", Target::Jobs, SMALL),
            ("jobs beside their detail", Target::Jobs, WIDE),
            ("job", Target::Job(key), SMALL),
        ] {
            let frame = drawn(&model, &mut *open(&target), size);
            frames.entry(what).or_default().insert(name.clone(), frame);
        }
    }
    assert_eq!(phases.len(), 9, "{phases:?}: every phase there is");
    assert!(phases.contains(&Phase::Finishing));
    for (what, frames) in &frames {
        compare(what, frames, &mut wrong);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn pods() -> BTreeMap<String, PodRow> {
    let job = fixture::job("team-a", "train", 600);
    let base = || fixture::pod(&job, "train-x", Some(0), "cpu-1", 300);
    let gone = {
        let mut pod = base();
        (pod.deleting, pod.status) = (true, "Terminating".into());
        pod
    };
    let all = [
        ("running", base()),
        ("succeeded", fixture::ended(base(), 0, "Completed", 30)),
        ("failed", fixture::ended(base(), 1, "Error", 30)),
        (
            "pending",
            fixture::waiting(base(), "Pending", "0/9 nodes are available", false),
        ),
        (
            "creating",
            fixture::waiting(base(), "ContainerCreating", "", true),
        ),
        (
            "pull",
            fixture::waiting(base(), "ImagePullBackOff", "Back-off pulling", true),
        ),
        ("terminating", gone),
    ];
    all.map(|(name, pod)| (name.to_owned(), pod)).into()
}

fn nodes() -> BTreeMap<String, NodeRow> {
    let base = || {
        fixture::node(
            "n1",
            Some("NVIDIA-A100-SXM4-80GB"),
            &[("nvidia.com/gpu", 8)],
        )
    };
    let change = |f: &dyn Fn(&mut NodeRow)| {
        let mut node = base();
        f(&mut node);
        node
    };
    let all = [
        ("ready", base()),
        (
            "not ready",
            change(&|n| (n.ready, n.not_ready_reason) = (false, Some("NodeStatusUnknown".into()))),
        ),
        ("cordoned", change(&|n| n.cordoned = true)),
        (
            "tainted",
            change(&|n| n.taints = vec!["team=a:NoSchedule".into()]),
        ),
        (
            "sick",
            change(&|n| n.allocatable = fixture::devices(&[("nvidia.com/gpu", 7)])),
        ),
    ];
    all.map(|(name, node)| (name.to_owned(), node)).into()
}

#[test]
fn no_state_of_a_pod_or_node_is_told_by_colour_alone() {
    let mut wrong = Vec::new();
    let mut frames: BTreeMap<&str, BTreeMap<String, Drawn>> = BTreeMap::new();
    for (name, pod) in pods() {
        let mut model = Model::default();
        let mut job = fixture::job("team-a", "train", 600);
        (job.indexed, job.active) = (true, 1);
        let key = job.key;
        fixture::feed(&mut model, 2, Rows::Jobs(Change::Rows(vec![job])));
        fixture::feed(&mut model, 5, Rows::Pods(Change::Rows(vec![pod])));
        for (what, target) in [
            ("pods", Target::Pods(PodsOf::All)),
            ("the job of a pod", Target::Job(key)),
        ] {
            let frame = drawn(&model, &mut *open(&target), SMALL);
            frames.entry(what).or_default().insert(name.clone(), frame);
        }
    }
    for (name, node) in nodes() {
        let mut model = Model::default();
        let key = node.key;
        fixture::feed(&mut model, 1, Rows::Nodes(Change::Rows(vec![node])));
        for (what, target) in [
            ("nodes", Target::Nodes),
            ("node", Target::Node(key)),
            ("gpus", Target::GpuMap(gpus::MapOf::All)),
        ] {
            let frame = drawn(&model, &mut *open(&target), (120, 40));
            frames.entry(what).or_default().insert(name.clone(), frame);
        }
    }
    for (what, frames) in &frames {
        compare(what, frames, &mut wrong);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn blocks_of_many_tell_their_state_without_colours() {
    use crate::ui::State;
    use crate::ui::grid::{Tally, heat};
    let mono = load("mono", Depth::None);
    let mut seen = BTreeMap::new();
    for state in State::ALL
        .into_iter()
        .filter(|state| *state != State::NotRun)
    {
        let mut tally = Tally::default();
        tally.add(state, 9);
        let (sign, _) = heat(&tally, &mono);
        assert_eq!(seen.insert(sign, state), None, "{sign}");
    }
}

/// A pane of a split screen has neighbours: it draws into its own area only, however small.
#[test]
fn every_pane_keeps_to_its_area_in_the_smallest_split() {
    let mut stage = Stage::new(fixture::model());
    stage.session = fixture::session();
    let (wide, high) = crate::ui::layout::LEAST;
    for (width, height) in [(wide, high - 2), (wide, 40), (150, high - 2), (60, 9)] {
        let area = Rect::new(20, 5, width, height);
        let whole = Rect::new(0, 0, 20 + width + 20, 5 + height + 5);
        let mut panes = all(&stage.model);
        panes.push(log(&stage.cx()));
        for pane in &mut panes {
            let cx = stage.cx();
            let title = pane.title(&cx);
            for _ in 0..2 {
                let mut buf = Buffer::filled(whole, ratatui::buffer::Cell::new("~"));
                stage.theme.clear(area, &mut buf);
                for place in area.positions() {
                    buf[place].set_symbol(" ");
                }
                pane.draw(&cx, area, &mut buf);
                let outside = whole.positions().filter(|place| !area.contains(*place));
                let odd: Vec<_> = outside
                    .filter(|place| buf[*place].symbol() != "~")
                    .collect();
                assert!(
                    odd.is_empty(),
                    "{title} at {width}x{height} draws at {odd:?}"
                );
            }
        }
    }
}
