//! The small cluster every pane is drawn with in tests: one of each thing that can happen, at a fixed moment.

use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{Cx, Pane, Session};
use crate::model::Model;
use crate::model::delta::{Change, Delta, Rows, SourceId};
use crate::model::event::EventRow;
use crate::model::health::Health;
use crate::model::ids::{ClusterId, Key, Name, Uid};
use crate::model::indexset::IndexSet;
use crate::model::job::{Activity, Condition, CronJobRow, JobKind, JobRow, Policy};
use crate::model::node::NodeRow;
use crate::model::pod::{Exit, PodPhase, PodRow};
use crate::model::resources::Devices;
use crate::model::status::Unit;
use crate::ui::keymap::Keymaps;
use crate::ui::{Glyphs, Theme};

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
        key: key(name),
        kind: JobKind::JOB,
        api_version: "batch/v1".into(),
        namespace: namespace.into(),
        name: name.into(),
        created: ago(created),
        deleting: false,
        owner: None,
        labels: vec![("team".into(), namespace.into())],
        selectors: Vec::new(),
        roles: Vec::new(),
        unit: Unit::Pods,
        activity: Activity::Counts,
        restarts: 0,
        seconds_left: None,
        runtime: None,
        parallelism: 1,
        completions: Some(1),
        indexed: false,
        suspend: false,
        managed_by: None,
        policy: Policy {
            backoff_limit: Some(6),
            ..Policy::default()
        },
        devices: Devices::default(),
        queue: None,
        priority_class: None,
        priority: None,
        image: Some("ghcr.io/example/train:2.9".into()),
        active: 0,
        ready: 0,
        terminating: 0,
        succeeded: 0,
        failed: 0,
        uncounted: (0, 0),
        completed_indexes: IndexSet::default(),
        failed_indexes: IndexSet::default(),
        started: ago(created - 2),
        completed: None,
        conditions: Vec::new(),
    }
}

/// A running pod of a job.
pub fn pod(of: &JobRow, name: &str, index: Option<u32>, node: &str, started: i64) -> PodRow {
    PodRow {
        key: key(name),
        namespace: of.namespace.clone(),
        name: name.into(),
        status: "Running".into(),
        phase: PodPhase::Running,
        node: Some(node.into()),
        owner: Some(("Job".into(), of.name.clone(), of.key.uid)),
        index,
        index_failures: 0,
        ready: 1,
        containers: 1,
        restarts: 0,
        deleting: false,
        is_ready: true,
        exit: None,
        why: None,
        disrupted: None,
        devices: of.devices.clone(),
        created: ago(started + 3),
        started: ago(started),
        finished: None,
        member: None,
        container_names: "main".into(),
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
    pod.finished = ago(finished);
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
    (pod.ready, pod.is_ready, pod.started) = (0, false, None);
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
        ready: true,
        not_ready_reason: None,
        cordoned: false,
        taints: Vec::new(),
        capacity: devices(gpus),
        allocatable: devices(gpus),
        cpu_milli: 64_000,
        memory: 512 << 30,
        pods: 110,
        product: product.map(Into::into),
        zone: Some("zone-a".into()),
        version: "v1.36.3".into(),
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

/// Everything at once.
pub fn model() -> Model {
    let mut model = Model::default();
    let (mut jobs, mut pods) = (Vec::new(), Vec::new());
    sweep(&mut jobs, &mut pods);
    training(&mut jobs, &mut pods);
    waiters(&mut jobs, &mut pods);
    others(&mut jobs, &mut pods);
    feed(&mut model, 1, Rows::Nodes(Change::Rows(nodes())));
    feed(&mut model, 2, Rows::Jobs(Change::Rows(jobs)));
    feed(&mut model, 3, Rows::CronJobs(Change::Rows(cronjobs())));
    feed(&mut model, 4, Rows::Events(Change::Rows(events())));
    feed(&mut model, 5, Rows::Pods(Change::Rows(pods)));
    model
}

pub fn feed(model: &mut Model, source: u32, rows: Rows) {
    model.apply(Delta {
        cluster: ClusterId(0),
        source: SourceId(source),
        rows,
    });
}

/// The job every Kubernetes user knows: even indexes exit 1, one retry each.
fn sweep(jobs: &mut Vec<JobRow>, pods: &mut Vec<PodRow>) {
    let mut j = job("team-a", "indexed-sweep", 891);
    j.indexed = true;
    (j.completions, j.parallelism) = (Some(10), 3);
    j.policy = Policy {
        backoff_limit: Some(i32::MAX as u32),
        backoff_limit_per_index: Some(1),
        max_failed_indexes: Some(5),
        ..Policy::default()
    };
    (j.succeeded, j.failed) = (5, 10);
    j.completed_indexes = IndexSet::parse("1,3,5,7,9", Some(10));
    j.failed_indexes = IndexSet::parse("0,2,4,6,8", Some(10));
    j.image = Some("docker.io/library/python:3.13".into());
    j.started = ago(889);
    j.conditions = vec![
        condition(
            "FailureTarget",
            "FailedIndexes",
            "Job has failed indexes",
            828,
        ),
        condition("Failed", "FailedIndexes", "Job has failed indexes", 828),
    ];
    for i in 0..10u32 {
        let start = 880 - i64::from(i) * 5;
        if i % 2 == 1 {
            let p = pod(
                &j,
                &format!("indexed-sweep-{i}-k7x2{i}"),
                Some(i),
                "cpu-1",
                start,
            );
            pods.push(ended(p, 0, "Completed", start - 3));
            continue;
        }
        for (n, tail) in [(0, "9xq"), (1, "m4v")] {
            let mut p = pod(
                &j,
                &format!("indexed-sweep-{i}-{tail}{i}"),
                Some(i),
                "gpu-a100-1",
                start - n * 12,
            );
            p.index_failures = n as u32;
            pods.push(ended(p, 1, "Error", start - n * 12 - 3));
        }
    }
    jobs.push(j);
}

fn training(jobs: &mut Vec<JobRow>, pods: &mut Vec<PodRow>) {
    let mut j = job("nlp", "llama-sft", 3 * 3600 + 720);
    j.indexed = true;
    (j.completions, j.parallelism, j.active, j.ready) = (Some(4), 4, 4, 4);
    j.devices = devices(&[("nvidia.com/gpu", 8)]);
    j.owner = None;
    for i in 0..4 {
        pods.push(pod(
            &j,
            &format!("llama-sft-{i}-zq{i}pw"),
            Some(i),
            &format!("gpu-h100-{}", i + 1),
            3 * 3600,
        ));
    }
    jobs.push(j);

    let mut j = job("vision", "resnet-hpo", 7_260);
    j.indexed = true;
    (j.completions, j.parallelism, j.active, j.ready) = (Some(98), 8, 8, 8);
    j.policy.backoff_limit_per_index = Some(2);
    (j.succeeded, j.failed) = (31, 5);
    j.completed_indexes = IndexSet::parse("0-13,15-20,22-32", Some(98));
    j.failed_indexes = IndexSet::parse("14,21", Some(98));
    j.devices = devices(&[("nvidia.com/gpu", 1)]);
    for i in 33..41 {
        pods.push(pod(
            &j,
            &format!("resnet-hpo-{i}-bb{i}c"),
            Some(i),
            "gpu-a100-1",
            300 + i64::from(i),
        ));
    }
    jobs.push(j);

    let mut j = job("hep", "huge-scan", 40_000);
    j.indexed = true;
    (j.completions, j.parallelism, j.active, j.ready) = (Some(20_000), 64, 64, 60);
    j.completed_indexes = IndexSet::parse("0-4999,5003-9000,9050-12000", Some(20_000));
    j.failed_indexes = IndexSet::parse("5000-5002,9017", Some(20_000));
    j.policy.backoff_limit_per_index = Some(3);
    (j.succeeded, j.failed) = (j.completed_indexes.len(), 17);
    for i in 12_001..12_011 {
        pods.push(pod(
            &j,
            &format!("huge-scan-{i}-q{i}"),
            Some(i),
            "cpu-1",
            40,
        ));
    }
    jobs.push(j);

    let mut j = job("nlp", "tokenise-shard", 5_400);
    (j.completions, j.parallelism, j.active, j.ready) = (Some(100), 3, 3, 1);
    (j.succeeded, j.failed) = (67, 2);
    pods.push(pod(&j, "tokenise-shard-rpxw9", None, "cpu-1", 55));
    let p = pod(&j, "tokenise-shard-7dq2l", None, "cpu-1", 70);
    pods.push(ended(p, 137, "OOMKilled", 60));
    for name in ["tokenise-shard-aa111", "tokenise-shard-bb222"] {
        pods.push(waiting(
            pod(&j, name, None, "cpu-1", 2),
            "ContainerCreating",
            "ContainerCreating",
            true,
        ));
    }
    jobs.push(j);

    let mut j = job("hep", "mc-unpack", 620);
    (j.completions, j.parallelism, j.active, j.ready) = (None, 4, 4, 4);
    j.devices = devices(&[("nvidia.com/mig-1g.10gb", 1)]);
    j.succeeded = 3;
    for i in 0..4 {
        pods.push(pod(
            &j,
            &format!("mc-unpack-{i}xkd"),
            None,
            "gpu-mig-1",
            600,
        ));
    }
    jobs.push(j);
}

fn waiters(jobs: &mut Vec<JobRow>, pods: &mut Vec<PodRow>) {
    let mut j = job("hep", "gnn-hgcal", 2_460);
    j.indexed = true;
    (j.completions, j.parallelism, j.active) = (Some(6), 6, 6);
    j.devices = devices(&[("nvidia.com/gpu", 8)]);
    j.priority_class = Some("high".into());
    for i in 0..6 {
        let p = pod(&j, &format!("gnn-hgcal-{i}-w{i}"), Some(i), "", 2_450);
        let why = "0/9 nodes are available: 1 node(s) were unschedulable, 3 node(s) didn't match Pod's node \
                   affinity/selector, 5 Insufficient nvidia.com/gpu. preemption: 0/9 nodes are available: 9 No \
                   preemption victims found for incoming pod.";
        pods.push(waiting(p, "Pending", why, false));
    }
    jobs.push(j);

    let mut j = job("hep", "jet-tagger-v3", 400);
    j.active = 1;
    j.devices = devices(&[("nvidia.com/gpu", 1)]);
    let p = pod(&j, "jet-tagger-v3-lk2p8", None, "gpu-t4-1", 390);
    let why = "ImagePullBackOff: Back-off pulling image \"ghcr.io/example/jets:v3\": not found";
    pods.push(waiting(p, "ImagePullBackOff", why, true));
    jobs.push(j);

    let mut j = job("team-a", "oom-probe", 1_800);
    j.active = 1;
    j.policy.restart_on_failure = true;
    let mut p = pod(&j, "oom-probe-c5h7n", None, "cpu-1", 1_790);
    (p.status, p.restarts, p.ready, p.is_ready) = ("CrashLoopBackOff".into(), 6, 0, false);
    p.why = Some("CrashLoopBackOff: back-off 5m0s restarting failed container=main".into());
    p.exit = Some(Box::new(Exit {
        container: "main".into(),
        code: 137,
        signal: 0,
        reason: "OOMKilled".into(),
        message: None,
        finished: ago(130),
        previous: true,
    }));
    pods.push(p);
    jobs.push(j);

    let mut j = job("nlp", "ablation-run", 9_000);
    (j.suspend, j.started, j.completions, j.parallelism) = (true, None, Some(12), 4);
    j.conditions = vec![condition(
        "Suspended",
        "JobSuspended",
        "Job suspended",
        8_990,
    )];
    jobs.push(j);

    let mut j = job("vision", "detr-queue", 1_260);
    (j.suspend, j.started, j.queue) = (true, None, Some("vision-main".into()));
    j.devices = devices(&[("nvidia.com/gpu", 4)]);
    jobs.push(j);
}

fn others(jobs: &mut Vec<JobRow>, pods: &mut Vec<PodRow>) {
    let mut j = job("default", "pi", 7_000);
    j.policy.backoff_limit = Some(4);
    (j.succeeded, j.completed) = (1, ago(6_990));
    j.conditions = vec![
        condition(
            "SuccessCriteriaMet",
            "CompletionsReached",
            "Reached expected number of succeeded pods",
            6_990,
        ),
        condition(
            "Complete",
            "CompletionsReached",
            "Reached expected number of succeeded pods",
            6_990,
        ),
    ];
    let p = pod(&j, "pi-8dk4s", None, "cpu-1", 6_996);
    pods.push(ended(p, 0, "Completed", 6_991));
    jobs.push(j);

    let mut j = job("vision", "weekly-eval-29401920", 86_400 * 6);
    j.owner = Some((
        "CronJob".into(),
        "weekly-eval".into(),
        Uid::parse("weekly-eval"),
    ));
    (j.succeeded, j.completed) = (1, ago(86_400 * 6 - 5_000));
    j.conditions = vec![condition(
        "Complete",
        "CompletionsReached",
        "",
        86_400 * 6 - 5_000,
    )];
    jobs.push(j);

    let mut j = job(
        "nlp",
        "clip-training-vit-l14-336px-laion-400m-epoch-32-seed-1234",
        50_000,
    );
    j.policy.active_deadline_seconds = Some(43_200);
    j.policy.ttl_seconds = Some(86_400);
    (j.completions, j.parallelism, j.failed) = (Some(2), 2, 2);
    j.devices = devices(&[("nvidia.com/gpu", 8)]);
    j.conditions = vec![condition(
        "Failed",
        "DeadlineExceeded",
        "Job was active longer than specified deadline",
        6_800,
    )];
    jobs.push(j);

    let mut j = job("team-a", "old-run", 4_000);
    (j.deleting, j.active, j.terminating) = (true, 0, 1);
    let mut p = pod(&j, "old-run-2m8dk", None, "cpu-1", 3_990);
    (p.deleting, p.status) = (true, "Terminating".into());
    pods.push(p);
    jobs.push(j);
}

fn cronjobs() -> Vec<CronJobRow> {
    let cron = |name: &str, schedule: &str, suspend: bool| CronJobRow {
        key: key(name),
        namespace: "vision".into(),
        name: name.into(),
        created: ago(86_400 * 90),
        deleting: false,
        labels: Vec::new(),
        schedule: schedule.into(),
        time_zone: None,
        suspend,
        concurrency: "Forbid".into(),
        active: Vec::new(),
        last_schedule: ago(86_400 * 6),
        last_success: ago(86_400 * 6 - 5_000),
        devices: Devices::default(),
        queue: None,
        image: None,
    };
    vec![
        cron("weekly-eval", "0 14 * * 1", false),
        cron("nightly-export", "30 2 * * *", true),
    ]
}

fn nodes() -> Vec<NodeRow> {
    let gpu = "nvidia.com/gpu";
    let mut all = vec![
        node("cpu-1", None, &[]),
        node("gpu-a100-1", Some("NVIDIA-A100-SXM4-80GB"), &[(gpu, 8)]),
        node("gpu-a100-2", Some("NVIDIA-A100-SXM4-80GB"), &[(gpu, 8)]),
        node(
            "gpu-mig-1",
            Some("NVIDIA-A100-SXM4-80GB"),
            &[(gpu, 4), ("nvidia.com/mig-1g.10gb", 28)],
        ),
        node("gpu-t4-1", Some("Tesla-T4"), &[(gpu, 4)]),
    ];
    all.extend((1..5).map(|i| {
        node(
            &format!("gpu-h100-{i}"),
            Some("NVIDIA-H100-80GB-HBM3"),
            &[(gpu, 8)],
        )
    }));
    // one GPU of the second A100 node is sick, an H100 node is cordoned, the T4 node is gone
    all[2].allocatable = devices(&[(gpu, 7)]);
    all[2].taints = vec![Name::from("nvidia.com/gpu=present:NoSchedule")];
    all[7].cordoned = true;
    all[7].taints = vec![Name::from("node.kubernetes.io/unschedulable:NoSchedule")];
    all[4].ready = false;
    all[4].not_ready_reason = Some("NodeStatusUnknown".into());
    all
}

fn events() -> Vec<EventRow> {
    let sweep = ("Job", "indexed-sweep", Uid::parse("indexed-sweep"));
    vec![
        event(
            sweep,
            false,
            "SuccessfulCreate",
            "Created pod: indexed-sweep-0-9xq0",
            1,
            889,
        ),
        event(
            sweep,
            false,
            "SuccessfulCreate",
            "Created pod: indexed-sweep-1-k7x21",
            9,
            860,
        ),
        event(
            sweep,
            true,
            "FailedIndexes",
            "Job has failed indexes",
            1,
            828,
        ),
        event(
            ("Pod", "gnn-hgcal-0-w0", Uid::parse("gnn-hgcal-0-w0")),
            true,
            "FailedScheduling",
            "0/9 nodes are available: 5 Insufficient nvidia.com/gpu.",
            17,
            45,
        ),
        event(
            (
                "Pod",
                "jet-tagger-v3-lk2p8",
                Uid::parse("jet-tagger-v3-lk2p8"),
            ),
            true,
            "Failed",
            "Failed to pull image \"ghcr.io/example/jets:v3\": rpc error: code = NotFound",
            5,
            20,
        ),
        event(
            ("Pod", "llama-sft-0-zq0pw", Uid::parse("llama-sft-0-zq0pw")),
            false,
            "Started",
            "Started container main",
            1,
            10_800,
        ),
    ]
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

/// Calls `f` with everything a pane may read.
pub fn with<T>(model: &Model, session: &Session, f: impl FnOnce(&Cx) -> T) -> T {
    let theme = Theme::default();
    let keymap = Keymaps::default().load("default").unwrap();
    let cx = Cx {
        model,
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
pub fn at_all_sizes(name: &str, mut pane: impl FnMut() -> Box<dyn Pane>) {
    let model = model();
    with_cx(&model, |cx| {
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
