//! The charts of a log screen: pictures beside and above the text, and what their keys do.

use chrono::TimeDelta;
use insta::assert_snapshot;

use super::*;
use crate::app::action::Scope;
use crate::logs::run::StreamReader;
use crate::model::log::LogLine;
use crate::model::want::{LogWant, Want};
use crate::panes::fixture::{key, model, now};
use crate::panes::stage::Stage;
use crate::panes::{Arrival, LogsOf, Pane};

fn logs() -> Logs {
    Logs::new(LogsOf::Pod {
        pod: key("llama-sft-0-zq0pw"),
        container: None,
        previous: false,
    })
}

fn want(logs: &Logs, stage: &Stage) -> LogWant {
    let wants = logs.wants(&stage.cx()).into_iter();
    let mut logs = wants.filter_map(|want| match want {
        Want::Log(want) => Some(want),
        _ => None,
    });
    logs.next().unwrap()
}

/// Two hundred reports five seconds apart, an evaluation after every fortieth.
fn lines() -> Vec<LogLine> {
    let at = |n: i64| Some(now() - TimeDelta::seconds(1_000 - n * 5));
    let mut lines = Vec::new();
    for n in 1..=200_i64 {
        let loss = 1.4 + 2.0 * (-(n as f64) / 60.0).exp() + (n * 37 % 11) as f64 / 90.0;
        let text = format!(
            "step {}/5000 loss {loss:.4} lr 3e-5 grad_norm 0.{}",
            n * 10,
            30 + n % 9
        );
        lines.push(LogLine {
            at: at(n),
            bytes: text.into_bytes().into(),
            goes_on: false,
        });
        if n % 40 == 0 {
            let text = format!(
                "eval_loss: {:.4} eval_accuracy: 0.{}",
                loss + 0.1,
                50 + n / 10
            );
            lines.push(LogLine {
                at: at(n),
                bytes: text.into_bytes().into(),
                goes_on: false,
            });
        }
    }
    lines
}

fn give(logs: &mut Logs, stage: &Stage, lines: &[LogLine]) {
    let want = want(logs, stage);
    let arrival = Arrival::Lines {
        want: &want,
        lines,
        said: &StreamReader::default().read(lines),
    };
    logs.receive(&arrival, &stage.cx());
}

#[test]
fn charts_stand_above_the_text_or_beside_it() {
    let stage = Stage::new(model());
    let mut logs = logs();
    give(&mut logs, &stage, &lines());
    assert_eq!(stage.act(&mut logs, Action::Charts), Reply::Done);
    assert_snapshot!("above_80x24", stage.draw(&mut logs, 80, 21));
    assert_snapshot!("beside_200x60", stage.draw(&mut logs, 200, 40));
    // None of it at all where there is no room for it.
    for (width, height) in [(1, 1), (3, 2), (20, 3), (130, 1)] {
        stage.draw(&mut logs, width, height);
    }
}

#[test]
fn keys_change_metric_scale_window_and_cursor() {
    let stage = Stage::new(model());
    let mut logs = logs();
    give(&mut logs, &stage, &lines());
    for action in [
        Action::ChartLog,
        Action::ChartSmooth,
        Action::ChartZoomIn,
        Action::ChartLeft,
    ] {
        assert_eq!(stage.act(&mut logs, action), Reply::Done);
    }
    let seen = stage.draw(&mut logs, 80, 21);
    assert!(
        seen.contains("loss 1/4 · log scale · smoothed 0.6 · zoomed · x accuracy"),
        "{seen}"
    );
    assert!(seen.contains("step 1988  ● train 1.5"), "{seen}");
    stage.act(&mut logs, Action::Back);
    stage.act(&mut logs, Action::NextMetric);
    let seen = stage.draw(&mut logs, 80, 21);
    assert!(
        seen.contains("accuracy 2/4") && seen.contains("● eval 0.6"),
        "{seen}"
    );
    assert!(!seen.contains("zoomed"), "{seen}");
}

#[test]
fn a_log_without_metrics_says_what_would_be_here() {
    let stage = Stage::new(model());
    let mut logs = logs();
    give(
        &mut logs,
        &stage,
        &[LogLine {
            at: Some(now()),
            bytes: b"hello".as_slice().into(),
            goes_on: false,
        }],
    );
    stage.act(&mut logs, Action::Charts);
    let seen = stage.draw(&mut logs, 130, 21);
    assert!(seen.contains("no metrics in these lines yet"), "{seen}");
    let reply = stage.act(&mut logs, Action::SaveMetrics);
    assert!(matches!(reply, Reply::Say(..)), "{reply:?}");
}

#[test]
fn all_curves_are_saved_with_every_point_once() {
    let stage = Stage::new(model());
    let mut logs = logs();
    give(&mut logs, &stage, &lines());
    // The stream is taken up again and tells its end once more.
    give(&mut logs, &stage, &lines()[150..]);
    let Reply::Save { name, text } = stage.act(&mut logs, Action::SaveMetrics) else {
        panic!("nothing to save");
    };
    assert!(
        name.ends_with(".csv") && name.starts_with("llama-sft-0-zq0pw-"),
        "{name}"
    );
    let of = |what: &str| text.lines().filter(|line| line.contains(what)).count();
    assert_eq!(
        (of(",loss,train,"), of(",loss,eval,"), of(",lr,")),
        (200, 5, 200)
    );
    assert!(text.starts_with("stream,rank,start,step,metric,side,value\n"));
}

/// The wants of a screen for logs, by pod.
fn pods(logs: &Logs, stage: &Stage) -> Vec<LogWant> {
    let wants = logs.wants(&stage.cx()).into_iter();
    let logs = wants.filter_map(|want| match want {
        Want::Log(want) => Some(want),
        _ => None,
    });
    logs.collect()
}

fn tell(logs: &mut Logs, stage: &Stage, want: &LogWant, texts: impl Iterator<Item = String>) {
    let line = |(n, text): (usize, String)| LogLine {
        at: Some(now() - TimeDelta::seconds(900 - n as i64 * 5)),
        bytes: text.into_bytes().into(),
        goes_on: false,
    };
    let lines: Vec<LogLine> = texts.enumerate().map(line).collect();
    let arrival = Arrival::Lines {
        want,
        lines: &lines,
        said: &StreamReader::default().read(&lines),
    };
    logs.receive(&arrival, &stage.cx());
}

fn job(name: &str) -> Logs {
    Logs::new(LogsOf::Job {
        job: key(name),
        index: None,
    })
}

/// Four ranks that differ by a thousandth; of the last one only if `apart` more than that.
fn four(stage: &Stage, apart: bool) -> Logs {
    let mut logs = job("llama-sft");
    for (rank, want) in pods(&logs, stage).iter().enumerate() {
        let off = if apart && rank == 3 { 1.5 } else { 0.0 };
        let loss = |n: usize| 1.0 + 3.0 / (n as f64 + 1.0) + rank as f64 * 1e-3 + off;
        let texts = (0..100).map(|n| format!("step {} loss {:.4}", n * 10, loss(n)));
        tell(&mut logs, stage, want, texts);
    }
    stage.act(&mut logs, Action::Charts);
    logs
}

#[test]
fn ranks_that_cover_each_other_are_one_curve_and_each_can_be_seen_alone() {
    let stage = Stage::new(model());
    let mut logs = four(&stage, false);
    let seen = stage.draw(&mut logs, 80, 21);
    assert!(seen.contains("● 4 pods alike 1.03"), "{seen}");
    assert!(!seen.contains("◆"), "{seen}");
    let mut logs = four(&stage, true);
    let seen = stage.draw(&mut logs, 80, 21);
    assert!(seen.contains("● 3 pods alike 1.03"), "{seen}");
    assert!(seen.contains("◆ 3 2.53"), "{seen}");
    stage.act(&mut logs, Action::NextRank);
    let seen = stage.draw(&mut logs, 80, 21);
    assert!(seen.contains("● 0 1.03") && !seen.contains("◆"), "{seen}");
    assert!(seen.contains("r all"), "{seen}");
    for _ in 0..4 {
        stage.act(&mut logs, Action::NextRank);
    }
    let seen = stage.draw(&mut logs, 80, 21);
    assert!(seen.contains("3 pods alike"), "{seen}");
}

#[test]
fn another_since_keeps_the_curves_until_as_much_is_known_again() {
    let stage = Stage::new(model());
    let mut logs = logs();
    give(&mut logs, &stage, &lines());
    stage.act(&mut logs, Action::Charts);
    stage.act(&mut logs, Action::SinceMinute);
    give(&mut logs, &stage, &lines()[190..]);
    let seen = stage.draw(&mut logs, 80, 21);
    assert!(seen.contains("read before"), "{seen}");
    assert!(seen.contains("step 2000/5000"), "{seen}");
    let Reply::Save { text, .. } = stage.act(&mut logs, Action::SaveMetrics) else {
        panic!("nothing to save");
    };
    let losses = text.lines().filter(|line| line.contains(",loss,train,"));
    assert_eq!(losses.count(), 200);
    stage.act(&mut logs, Action::SinceAll);
    give(&mut logs, &stage, &lines());
    let seen = stage.draw(&mut logs, 80, 21);
    assert!(!seen.contains("read before"), "{seen}");
}

#[test]
fn another_run_is_chosen_read_within_the_cap_and_drawn_over_this_one() {
    let mut stage = Stage::new(model());
    let mut first = four(&stage, false);
    // What was read of it is kept for when it is compared.
    let (told, summary) = first.told(&stage.cx()).unwrap();
    assert_eq!(told, key("llama-sft"));
    stage.session.remember_run(told, summary, now());
    let (told, curves) = first.curves(&stage.cx()).unwrap();
    assert_eq!(
        first.curves(&stage.cx()).map(|c| c.0),
        None,
        "not again at once"
    );
    stage.session.remember_curves(told, curves);

    let mut logs = job("resnet-hpo");
    let own = pods(&logs, &stage).len();
    let want = pods(&logs, &stage)[0].clone();
    let texts = (0..50).map(|n| format!("step {} loss {:.3}", n * 10, 3.0 - n as f64 / 50.0));
    tell(&mut logs, &stage, &want, texts);
    assert_eq!(stage.act(&mut logs, Action::Overlay), Reply::Done);
    assert_eq!(logs.scopes(), [Scope::List]);
    let seen = stage.draw(&mut logs, 80, 21);
    let at = seen
        .lines()
        .position(|line| line.contains("draw over it the run of"));
    let next = seen.lines().nth(at.unwrap() + 1).unwrap();
    assert!(next.contains("llama-sft  1.0"), "known runs first: {seen}");
    // What is typed narrows the list.
    let reply = stage.act(&mut logs, Action::Filter);
    assert!(matches!(reply, Reply::Prompt { .. }), "{reply:?}");
    stage.type_in(&mut logs, "LLAMA-s");
    let seen = stage.draw(&mut logs, 80, 21);
    let next = seen.lines().nth(at.unwrap() + 2).unwrap();
    assert!(next.trim().is_empty(), "{seen}");
    stage.act(&mut logs, Action::Open);
    assert_ne!(logs.scopes(), [Scope::List]);
    let seen = stage.draw(&mut logs, 80, 21);
    assert!(seen.contains("● resnet-hpo train 2.02"), "{seen}");
    assert!(seen.contains("◆ llama-sft train 1.0"), "{seen}");
    // The cursor has a value of each; none where a run has not come to yet.
    stage.act(&mut logs, Action::ChartLeft);
    let seen = stage.draw(&mut logs, 80, 21);
    assert!(seen.contains("● resnet-hpo train no value"), "{seen}");
    assert!(seen.contains("◆ llama-sft train 1.03"), "{seen}");
    for _ in 0..200 {
        stage.act(&mut logs, Action::ChartLeft);
    }
    let seen = stage.draw(&mut logs, 80, 21);
    assert!(seen.contains("● resnet-hpo train 3.00"), "{seen}");
    assert!(seen.contains("◆ llama-sft train 4.00"), "{seen}");

    // Its pods are followed for more, as many as the cap leaves.
    let all = pods(&logs, &stage);
    let theirs: Vec<&LogWant> = all.iter().filter(|w| w.pod.contains("llama-sft")).collect();
    assert_eq!(theirs.len(), (super::super::follow::CAP - own).clamp(1, 4));
    let want = theirs[0].clone();
    let lines = logs.buffer.counts().lines;
    let texts = (0..150).map(|n| format!("step {} loss {:.3}", n * 10, 0.5));
    tell(&mut logs, &stage, &want, texts);
    assert_eq!(
        logs.buffer.counts().lines,
        lines,
        "none of its lines are kept"
    );
    stage.act(&mut logs, Action::Back);
    let seen = stage.draw(&mut logs, 80, 21);
    assert!(seen.contains("◆ llama-sft train 0.5"), "{seen}");
    // And none any more once it is taken off.
    stage.act(&mut logs, Action::Overlay);
    stage.act(&mut logs, Action::Open);
    assert_eq!(pods(&logs, &stage).len(), own);
}

#[test]
fn a_run_that_says_nothing_any_more_is_told_of_by_the_clock_alone() {
    let stage = Stage::new(model());
    let mut logs = logs();
    give(&mut logs, &stage, &lines());
    let (_, summary) = logs.told(&stage.cx()).unwrap();
    assert_eq!(summary.concern, None);
    assert!(logs.curves(&stage.cx()).is_some());
    let mut cx = stage.cx();
    cx.now = now() + TimeDelta::seconds(599);
    let due = logs.wake(&cx).unwrap();
    assert!(
        (due - now() - TimeDelta::seconds(600)).num_seconds().abs() < 2,
        "{due}"
    );
    cx.now = due;
    let (_, summary) = logs.told(&cx).unwrap();
    assert!(summary.concern.unwrap().contains("no new step for"));
    // Cut off from it we know nothing.
    let want = want(&logs, &stage);
    let cut = Arrival::LogNote {
        want: &want,
        level: Level::Warning,
        text: "interrupted: connection lost",
    };
    logs.receive(&cut, &cx);
    assert_eq!(logs.told(&cx).unwrap().1.concern, None);
}

#[test]
fn a_run_that_counts_epochs_is_compared_in_percent_with_one_that_counts_steps() {
    let mut stage = Stage::new(model());
    let mut steps = job("llama-sft");
    let want = pods(&steps, &stage)[0].clone();
    let texts = (1..=50).map(|n| format!("step {}/1000 loss 1.5", n * 10));
    tell(&mut steps, &stage, &want, texts);
    let (told, summary) = steps.told(&stage.cx()).unwrap();
    stage.session.remember_run(told, summary, now());
    let (told, curves) = steps.curves(&stage.cx()).unwrap();
    stage.session.remember_curves(told, curves);

    let mut logs = job("resnet-hpo");
    let want = pods(&logs, &stage)[0].clone();
    let texts = (1..=10).map(|n| format!("Epoch {n}/10 loss: 2.5"));
    tell(&mut logs, &stage, &want, texts);
    stage.act(&mut logs, Action::Overlay);
    stage.act(&mut logs, Action::Open);
    let seen = stage.draw(&mut logs, 80, 21);
    // Half of one is half of the other's width.
    let axis = seen.lines().find(|line| line.contains("% of the run"));
    assert!(axis.is_some_and(|line| line.contains("80 % of")), "{seen}");
    let ends: Vec<usize> = ["◆", "●"]
        .iter()
        .filter_map(|sign| {
            let mut rows = seen.lines().skip(4);
            rows.find_map(|row| row.chars().position(|c| c.to_string() == *sign))
        })
        .collect();
    assert!(
        ends[1] > 70 && (35..45).contains(&ends[0]),
        "{ends:?} {seen}"
    );
}
