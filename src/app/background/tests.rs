//! Logs that are read behind the screens: which, for how long, and what comes of them in the inbox and the history.

use std::sync::Arc;

use rstest::rstest;

use super::super::effect::Effect;
use super::super::fixture::{app, draw, rows};
use super::super::message::Message;
use super::super::readers::Readers;
use super::*;
use crate::cluster::report::{LogNote, Report, Severity, SourceHealth};
use crate::model::delta::{Change, Rows, SourceId};
use crate::model::fixture::{at, condition, devices, ended, job, pod, running};
use crate::model::health::Health;
use crate::model::ids::ClusterId;
use crate::model::log::LogLine;
use crate::model::want::{Kind, Selector};
use crate::settings::Settings;

fn watching(watch: Follow, streams: usize) -> App {
    let mut settings = Settings::default();
    settings.logs.watch = watch;
    settings.logs.watch_streams = streams;
    let mut app = app(settings, true);
    for (source, kind) in [(1, Kind::Job), (2, Kind::Pod)] {
        report(
            &mut app,
            Report::Health(SourceHealth {
                cluster: ClusterId(0),
                source: SourceId(source),
                kind,
                selector: Selector::All,
                namespace: None,
                health: Health::Live,
            }),
            2,
        );
    }
    app
}

fn report(app: &mut App, report: Report, seconds: i64) {
    let connection = app.connection;
    let message = Readers::default().message(connection, report);
    app.receive(message, at(seconds));
}

/// Jobs 11, 12, … run with one pod each, of as many GPUs.
fn busy(app: &mut App, gpus: &[u32]) {
    let mut jobs = Vec::new();
    let mut pods = Vec::new();
    for (n, gpus) in gpus.iter().enumerate() {
        let uid = 11 + n as u128;
        let mut one = job(uid, &format!("run-{n}"));
        one.active = 1;
        one.devices = devices("nvidia.com/gpu", *gpus);
        pods.push(running(pod(100 + uid, &one), "node-1", 1));
        jobs.push(one);
    }
    rows(app, Rows::Jobs(Change::Rows(jobs)));
    rows(app, Rows::Pods(Change::Rows(pods)));
}

/// The logs asked for at the next turn: pods' names, and whether they are followed.
fn logs(app: &mut App, seconds: i64) -> Vec<(String, bool)> {
    app.take_effects(at(seconds));
    let wants = app.background.wants();
    let mut all: Vec<_> = wants
        .filter_map(|(_, want)| match want {
            Want::Log(log) => Some((log.pod.to_string(), log.follow)),
            _ => None,
        })
        .collect();
    all.sort();
    all
}

fn want_of(app: &App, pod: &str) -> LogWant {
    let mut all = app.background.streams.keys();
    all.find(|want| &*want.pod == pod)
        .expect("followed")
        .clone()
}

fn lines(app: &mut App, want: &LogWant, said: &[&str], note: Option<&str>, seconds: i64) {
    let line = |text: &&str| LogLine {
        at: Some(at(seconds)),
        bytes: text.as_bytes().into(),
        goes_on: false,
    };
    let batch = LogBatch {
        cluster: ClusterId(0),
        want: Arc::new(want.clone()),
        lines: said.iter().map(line).collect(),
        notes: note
            .map(|text| LogNote {
                severity: Severity::Info,
                text: text.into(),
            })
            .into_iter()
            .collect(),
    };
    report(app, Report::Log(batch), seconds);
}

fn inbox(app: &App, seconds: i64) -> Vec<String> {
    let open = app.desk.session.inbox.open();
    open.map(|e| format!("{}: {}", e.finding.subject.name, e.words(at(seconds))))
        .collect()
}

/// A job that has failed, and its pod.
fn fails(app: &mut App, uid: u128, name: &str, seconds: i64) {
    let mut one = job(uid, name);
    one.failed = 1;
    one.conditions = vec![condition("Failed", "BackoffLimitExceeded", seconds)];
    let dead = ended(running(pod(100 + uid, &one), "node-1", 1), 1, seconds);
    rows(app, Rows::Pods(Change::Rows(vec![dead])));
    rows(app, Rows::Jobs(Change::Rows(vec![one])));
}

#[test]
fn nothing_is_read_unasked() {
    let mut app = watching(Follow::Off, 8);
    busy(&mut app, &[8, 1]);
    fails(&mut app, 11, "run-0", 5);
    assert_eq!(logs(&mut app, 10), []);
}

#[test]
fn running_jobs_are_followed_the_largest_first_and_no_more_than_allowed() {
    let mut app = watching(Follow::Running, 2);
    busy(&mut app, &[1, 8, 0, 4]);
    let name = |n: u128| {
        pod(100 + 11 + n, &job(11 + n, &format!("run-{n}")))
            .name
            .to_string()
    };
    let mut expected = vec![(name(1), true), (name(3), true)];
    expected.sort();
    assert_eq!(logs(&mut app, 10), expected);
    // what is followed stays so though a larger one comes
    let mut large = job(20, "run-9");
    large.active = 1;
    large.devices = devices("nvidia.com/gpu", 64);
    let its = running(pod(120, &large), "node-1", 1);
    rows(&mut app, Rows::Jobs(Change::Rows(vec![large])));
    rows(&mut app, Rows::Pods(Change::Rows(vec![its])));
    assert_eq!(logs(&mut app, 20), expected);
    // one that is over makes room
    rows(
        &mut app,
        Rows::Jobs(Change::Gone(vec![crate::model::fixture::key(12).uid])),
    );
    let now = logs(&mut app, 30);
    assert_eq!(now.len(), 2, "{now:?}");
    assert!(
        now.iter().any(|(pod, _)| pod.starts_with("run-9")),
        "{now:?}"
    );
}

#[test]
fn the_one_in_front_is_read_by_its_screen_alone() {
    let mut app = watching(Follow::Running, 8);
    busy(&mut app, &[8]);
    assert_eq!(logs(&mut app, 10).len(), 1);
    app.act(super::super::action::Action::Open, at(11));
    draw(&mut app);
    let front = {
        let cx = app.desk.cx(at(11), true);
        app.screens.top().about(&cx)
    };
    let front = front.expect("a job's screen");
    let pods: Vec<Key> = app.background.streams.values().map(|s| s.job).collect();
    rows(&mut app, Rows::Jobs(Change::Rows(vec![job(30, "more")])));
    logs(&mut app, 20);
    let after: Vec<Key> = app.background.streams.values().map(|s| s.job).collect();
    assert!(
        !after.contains(&front),
        "{front:?} of {pods:?}, then {after:?}"
    );
}

#[rstest]
#[case::nan(&["step 1/100 loss 2.0", "step 2/100 loss nan"], "NaN")]
#[case::oom(&["torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB."], "out of memory")]
fn what_a_log_behind_the_screens_says_is_in_the_inbox(#[case] said: &[&str], #[case] word: &str) {
    let mut app = watching(Follow::Running, 8);
    busy(&mut app, &[8]);
    let (name, _) = logs(&mut app, 10).remove(0);
    let want = want_of(&app, &name);
    lines(&mut app, &want, said, Some("paused"), 12);
    let told = inbox(&app, 13);
    let found = told
        .iter()
        .any(|t| t.starts_with("run-0: ") && t.contains(word));
    assert!(found, "{word} is not in {told:?}");
}

/// What the inbox says of `run-0`.
fn of_run(app: &App, now: DateTime<Utc>) -> Vec<String> {
    let open = app.desk.session.inbox.open();
    open.filter(|e| &*e.finding.subject.name == "run-0")
        .map(|e| e.words(now))
        .collect()
}

#[test]
fn a_run_that_falls_silent_is_noticed_by_the_clock_alone() {
    let mut app = watching(Follow::Running, 8);
    busy(&mut app, &[8]);
    let (name, _) = logs(&mut app, 10).remove(0);
    let want = want_of(&app, &name);
    for n in 0..40 {
        let line = format!("step {n}/1000 loss {}", 3.0 - n as f64 * 0.01);
        lines(&mut app, &want, &[&line], None, 20 + n);
    }
    assert_eq!(inbox(&app, 60), Vec::<String>::new());
    let due = app
        .background
        .due(at(60))
        .expect("something is missed one day");
    app.tick(due + TimeDelta::seconds(1));
    let told = of_run(&app, due);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("no new step"), "{told:?}");
    // and the next step takes it back
    let late = (due - at(0)).num_seconds() + 60;
    lines(&mut app, &want, &["step 41/1000 loss 2.5"], None, late);
    assert_eq!(of_run(&app, at(late)), Vec::<String>::new());
}

#[test]
fn the_log_of_a_job_that_failed_is_read_once_and_kept() {
    let mut app = watching(Follow::Failed, 8);
    busy(&mut app, &[8]);
    assert_eq!(logs(&mut app, 3), [], "running ones are not followed");
    fails(&mut app, 11, "run-0", 5);
    let now = logs(&mut app, 12);
    assert_eq!(now.len(), 1, "{now:?}");
    assert!(!now[0].1, "read to its end, not followed");
    let want = want_of(&app, &now[0].0);
    let trace = [
        "Traceback (most recent call last):",
        "  File \"train.py\", line 3, in <module>",
        "ValueError: bad shard",
    ];
    lines(&mut app, &want, &trace, Some("end of log"), 13);
    let kept = app.take_effects(at(14)).into_iter().find_map(|e| match e {
        Effect::Keep(record) if !record.lines.is_empty() => Some(record),
        _ => None,
    });
    let kept = kept.expect("its last lines are kept");
    assert_eq!(
        kept.lines.last().map(String::as_str),
        Some("ValueError: bad shard")
    );
    assert_eq!(app.background.streams.len(), 0);
    assert_eq!(logs(&mut app, 30), [], "once");
    let told = inbox(&app, 31);
    let why = told
        .iter()
        .any(|t| t.starts_with("run-0: ") && t.contains("ValueError"));
    assert!(why, "{told:?}");
}

#[test]
fn changed_settings_hold_at_once_and_broken_ones_change_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("config.toml");
    let mut app = watching(Follow::Off, 8);
    app.settings_file = Some(file.clone());
    let before = app.desk.session.thresholds.clone();
    std::fs::write(&file, "[logs.health]\ndivergence = 7.5\n").expect("written");
    let said = |app: &App| app.desk.notices.all().last().map(|n| n.text.clone());
    app.receive(Message::FilesChanged, at(20));
    assert_eq!(app.desk.session.thresholds.divergence, 7.5);
    assert_ne!(before.divergence, 7.5);
    assert!(
        said(&app).is_some_and(|t| t.contains("thresholds")),
        "{:?}",
        said(&app)
    );
    std::fs::write(&file, "[logs.health]\ndivergence = \"much\"\n").expect("written");
    app.receive(Message::FilesChanged, at(21));
    assert_eq!(app.desk.session.thresholds.divergence, 7.5, "kept");
    let text = said(&app).unwrap_or_default();
    assert!(
        text.contains("kept as they were") && text.contains("config.toml:2"),
        "{text}"
    );
}

#[test]
fn what_is_read_behind_the_screens_follows_the_settings_while_it_runs() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("config.toml");
    let mut app = watching(Follow::Off, 8);
    app.settings_file = Some(file.clone());
    busy(&mut app, &[8, 4, 1]);
    assert_eq!(logs(&mut app, 10), []);
    let mut now = 10;
    let mut set = |app: &mut App, text: &str| {
        std::fs::write(&file, format!("[logs]\n{text}\n")).expect("written");
        now += 1;
        app.receive(Message::FilesChanged, at(now));
        let said = app.desk.notices.all().last().map(|n| n.text.clone());
        (logs(app, now).len(), said.unwrap_or_default())
    };
    let (n, said) = set(&mut app, "watch = \"running\"");
    assert_eq!(n, 3);
    assert!(said.contains("running jobs are read"), "{said}");
    assert_eq!(set(&mut app, "watch = \"running\"\nwatch-streams = 2").0, 2);
    // broken: as it was
    let (n, said) = set(&mut app, "watch = \"sometimes\"");
    assert_eq!(n, 2);
    assert!(said.contains("kept as they were"), "{said}");
    let (n, said) = set(&mut app, "watch = \"off\"");
    assert_eq!(n, 0);
    assert!(said.contains("no logs are read"), "{said}");
}
