//! The small cluster every pane is drawn with in tests: one of each thing that can happen, at a fixed moment.

use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{Cx, Pane, Session};
use crate::model::Model;
use crate::model::event::EventRow;
use crate::model::health::Health;
use crate::model::ids::{ClusterId, Key, Uid};
use crate::model::job::{Condition, JobRow, Policy};
use crate::model::node::{Make, NodeRow};
use crate::model::pod::{Common, Exit, PodPhase, PodRow};
use crate::model::resources::Devices;
use crate::model::shape::Shape;
use crate::ui::keymap::Keymaps;
use crate::ui::{Glyphs, Theme};

mod cluster;
pub mod exporters;
mod queues;
mod roles;
mod two;

pub use cluster::{feed, model};
pub use queues::queued;
pub use roles::torch;
pub use two::{EAST, two};

/// The moment of the fixture.
pub fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 23, 12, 3, 20).unwrap()
}

/// So long before [`now`].
pub fn ago(seconds: i64) -> Option<DateTime<Utc>> {
    Some(now() - TimeDelta::seconds(seconds))
}

pub fn key(of: &str) -> Key {
    Key {
        cluster: ClusterId(0),
        uid: Uid::parse(of),
    }
}

pub fn devices(of: &[(&str, u32)]) -> Devices {
    let mut all = Devices::default();
    for (name, n) in of {
        all.add((*name).into(), *n);
    }
    all
}

pub fn condition(kind: &str, reason: &str, message: &str, since: i64) -> Condition {
    Condition {
        kind: kind.into(),
        on: true,
        reason: reason.into(),
        message: message.into(),
        since: ago(since),
    }
}

/// A job of one pod, created so many seconds ago and not yet started.
pub fn job(namespace: &str, name: &str, created: i64) -> JobRow {
    JobRow {
        api_version: "batch/v1".into(),
        created: ago(created),
        labels: vec![("team".into(), namespace.into())],
        parallelism: 1,
        completions: Some(1),
        policy: Policy {
            backoff_limit: Some(6),
            ..Policy::default()
        }
        .into(),
        image: Some("ghcr.io/example/train:2.9".into()),
        started: ago(created - 2),
        ..JobRow::blank(key(name), namespace.into(), name.into())
    }
}

/// A running pod of a job.
pub fn pod(of: &JobRow, name: &str, index: Option<u32>, node: &str, started: i64) -> PodRow {
    PodRow {
        key: key(name),
        common: Common {
            namespace: of.namespace.clone(),
            owner: Some(("Job".into(), of.name.clone(), of.key.uid)),
            shape: Shape::of(of.devices.clone()).into(),
            member: None,
            priority_class: None,
            container_names: "main".into(),
            status: "Running".into(),
            phase: PodPhase::Running,
            index_failures: 0,
            ready: 1,
            containers: 1,
            restarts: 0,
            deleting: false,
            is_ready: true,
            disrupted: None,
        }
        .into(),
        name: name.into(),
        node: Some(node.into()),
        index: index.into(),
        exit: None,
        why: None,
        created: ago(started + 3).into(),
        bound: ago(started + 2).into(),
        given: None,
        started: ago(started).into(),
        finished: None.into(),
        replica: None,
    }
}

pub fn ended(mut pod: PodRow, code: i32, reason: &str, finished: i64) -> PodRow {
    pod.phase = if code == 0 {
        PodPhase::Succeeded
    } else {
        PodPhase::Failed
    };
    pod.status = reason.into();
    (pod.ready, pod.is_ready) = (0, false);
    pod.finished = ago(finished).into();
    pod.exit = Some(Box::new(Exit {
        container: "main".into(),
        code,
        signal: 0,
        reason: reason.into(),
        message: None,
        finished: ago(finished),
        previous: false,
    }));
    pod
}

pub fn waiting(mut pod: PodRow, status: &str, why: &str, bound: bool) -> PodRow {
    pod.phase = PodPhase::Pending;
    pod.status = status.into();
    pod.why = Some(why.into());
    (pod.ready, pod.is_ready, pod.started) = (0, false, crate::model::moment::Moment::NONE);
    if !bound {
        pod.node = None;
    }
    pod
}

pub fn node(name: &str, product: Option<&str>, gpus: &[(&str, u32)]) -> NodeRow {
    NodeRow {
        key: key(name),
        name: name.into(),
        created: ago(86_400 * 41),
        memory: 512 << 30,
        ephemeral: 1 << 40,
        block: None,
        clique: None,
        labelled: None,
        conditions: Vec::new(),
        labels: Default::default(),
        make: Make {
            ready: true,
            not_ready_reason: None,
            cordoned: false,
            taints: Vec::new(),
            capacity: devices(gpus),
            allocatable: devices(gpus),
            extra_capacity: Devices::default(),
            extra: Devices::default(),
            cpu_milli: 64_000,
            pods: 110,
            product: product.map(Into::into),
            machine: None,
            zone: Some("zone-a".into()),
            pool: None,
            gpu: None,
            version: "v1.36.3".into(),
        }
        .into(),
    }
}

pub fn event(
    about: (&str, &str, Uid),
    warning: bool,
    reason: &str,
    message: &str,
    count: u32,
    last: i64,
) -> EventRow {
    EventRow {
        key: key(&format!("{}.{}.{last}", about.1, reason)),
        namespace: "team-a".into(),
        warning,
        reason: reason.into(),
        message: message.into(),
        about: (about.0.into(), about.1.into(), about.2),
        by: "job-controller".into(),
        count,
        first: ago(last + 60),
        last: ago(last),
    }
}

/// The session of the fixture: everything live.
pub fn session() -> Session {
    use crate::model::want::Kind;
    let kinds = [
        Kind::Job,
        Kind::CronJob,
        Kind::Pod,
        Kind::Node,
        Kind::Event,
        Kind::Namespace,
    ];
    Session {
        context: "csc-demo".into(),
        sources: kinds.map(|kind| (kind, Health::Live)).into(),
        ..Session::default()
    }
}

/// The same with the clusters of [`two`].
pub fn session_of_two() -> Session {
    let mut session = session();
    two::beside(&mut session);
    session
}

/// Calls `f` with everything a pane may read.
pub fn with<T>(model: &Model, session: &Session, f: impl FnOnce(&Cx) -> T) -> T {
    let theme = Theme::default();
    let keymap = Keymaps::default().load("default").unwrap();
    let hardware = crate::hardware::load::shipped();
    let cx = Cx {
        model,
        hardware: &hardware,
        theme: &theme,
        glyphs: &Glyphs::Unicode,
        keymap: &keymap,
        now: now(),
        session,
        messages: &[],
        timestamps: false,
        focused: true,
    };
    f(&cx)
}

pub fn with_cx<T>(model: &Model, f: impl FnOnce(&Cx) -> T) -> T {
    with(model, &session(), f)
}

/// One frame of a pane: its answer, its rows, and what of it is styled how.
pub fn shot(pane: &mut dyn Pane, cx: &Cx, width: u16, height: u16) -> String {
    let mut buf = Buffer::empty(Rect::new(0, 0, width, height));
    cx.theme.clear(buf.area, &mut buf);
    buf.set_line(1, 0, &pane.answer(cx), width - 1);
    let area = Rect {
        y: 1,
        height: height - 1,
        ..buf.area
    };
    pane.draw(cx, area, &mut buf);
    let mut out = format!("{}\n{}\n", pane.title(cx), pane.position(cx));
    for y in 0..height {
        let row: String = (0..width).map(|x| buf[(x, y)].symbol()).collect();
        out.push_str(row.trim_end());
        out.push('\n');
    }
    out.push_str(&styles(&buf));
    out
}

/// How many cells carry each style, as a digest: a change of colour changes it.
fn styles(buf: &Buffer) -> String {
    use std::collections::BTreeMap;
    let mut count: BTreeMap<String, usize> = BTreeMap::new();
    for cell in &buf.content {
        let key = format!("{} on {} {:?}", cell.fg, cell.bg, cell.modifier);
        *count.entry(key).or_default() += 1;
    }
    count
        .iter()
        .map(|(style, n)| format!("{n:>6} {style}\n"))
        .collect()
}

/// The sizes every pane must look right at.
pub const SIZES: [(u16, u16); 4] = [(60, 16), (80, 24), (120, 40), (200, 60)];

/// One frame at each size.
pub fn at_all_sizes(name: &str, pane: impl FnMut() -> Box<dyn Pane>) {
    at_sizes(name, &model(), pane);
}

/// One frame of a pane of another cluster at each size.
pub fn at_sizes(name: &str, model: &Model, mut pane: impl FnMut() -> Box<dyn Pane>) {
    with_cx(model, |cx| {
        for (width, height) in SIZES {
            let mut pane = pane();
            let shot = shot(&mut *pane, cx, width, height);
            insta::assert_snapshot!(format!("{name}_{width}x{height}"), shot);
        }
    });
}

/// One frame in each state a source can be in: with nothing to show, and with old rows.
pub fn in_all_states(name: &str, mut pane: impl FnMut() -> Box<dyn Pane>) {
    let why = || "connection refused".to_owned();
    let forbidden = Health::Forbidden {
        verb: "list".into(),
        resource: "jobs".into(),
        namespace: Some("team-a".into()),
    };
    let states = [
        ("connecting", Health::Connecting),
        (
            "syncing",
            Health::Syncing {
                seen: 120,
                total: Some(400),
            },
        ),
        ("live", Health::Live),
        (
            "stale",
            Health::Stale {
                since: now() - TimeDelta::seconds(95),
                why: why(),
            },
        ),
        ("failing", Health::Failing { why: why() }),
        ("forbidden", forbidden),
        ("absent", Health::Absent),
    ];
    let (empty, full) = (Model::default(), model());
    let mut out = String::new();
    for (state, health) in states {
        let mut session = session();
        for (_, h) in &mut session.sources {
            *h = health.clone();
        }
        for (rows, model) in [("empty", &empty), ("rows", &full)] {
            with(model, &session, |cx| {
                let shot = shot(&mut *pane(), cx, 80, if rows == "empty" { 10 } else { 6 });
                out.push_str(&format!("--- {state}, {rows}\n{shot}"));
            });
        }
    }
    insta::assert_snapshot!(format!("{name}_states"), out);
}
