//! A log screen as its reader sees it: pictures at three sizes with hostile text, and what keys do.

use chrono::TimeDelta;
use insta::assert_snapshot;

mod following;
mod reading;

use super::*;
use crate::logs::run::StreamReader;
use crate::model::delta::{Change, Rows};
use crate::model::log::LogLine;
use crate::model::want::LogWant;
use crate::panes::fixture::{feed, key, model, now};
use crate::panes::stage::Stage;

fn job(name: &str) -> Logs {
    Logs::new(LogsOf::Job {
        job: key(name),
        index: None,
    })
}

fn pod(name: &str) -> Logs {
    Logs::new(LogsOf::Pod {
        pod: key(name),
        container: None,
        previous: false,
    })
}

fn log_wants(logs: &Logs, stage: &Stage) -> Vec<LogWant> {
    let wants = logs.wants(&stage.cx()).into_iter();
    wants
        .filter_map(|want| match want {
            Want::Log(want) => Some(want),
            _ => None,
        })
        .collect()
}

fn give(logs: &mut Logs, stage: &Stage, want: &LogWant, lines: &[(i64, &[u8])]) {
    let lines: Vec<LogLine> = lines
        .iter()
        .map(|(ms, bytes)| LogLine {
            at: Some(now() - TimeDelta::seconds(600) + TimeDelta::milliseconds(*ms)),
            bytes: (*bytes).into(),
            goes_on: false,
        })
        .collect();
    let arrival = Arrival::Lines {
        want,
        lines: &lines,
        said: &StreamReader::default().read(&lines),
    };
    logs.receive(&arrival, &stage.cx());
}

fn note(logs: &mut Logs, stage: &Stage, want: &LogWant, level: Level, text: &str) {
    let arrival = Arrival::LogNote { want, level, text };
    logs.receive(&arrival, &stage.cx());
}

const HOSTILE: &[&[u8]] = &[
    b"plain text, then \x1b[31mred \x1b[1mbold\x1b[0m and \x1b[38;5;208morange\x1b[0m",
    b"\x1b]0;owned\x07title \x1b[2J\x1b[H\x1b[?1049lcleared? \x1bcreset?",
    b"nul \0 bell \x07 backspaces abc\x08\x08\x08xyz",
    "bidi \u{202e}drowssap\u{202c} zero\u{200b}width é e\u{301} 日本語 👩‍👩‍👧‍👦".as_bytes(),
    b"bad utf-8 \xff\xfe\xf0\x9f end",
    b"train:   0%|          | 0/4\rtrain:  25%|##5       | 1/4\rtrain:  50%|#####     | 2/4",
    b"tabs\tare\tkept\tas columns",
    b"[x](y) {z} <b>html</b> %s %n ${HOME} `id`",
    b"",
];

fn training(stage: &Stage) -> Logs {
    let mut logs = job("llama-sft");
    let wants = log_wants(&logs, stage);
    assert_eq!(wants.len(), 4);
    for (rank, want) in wants.iter().enumerate() {
        for step in 0..40i64 {
            let text = format!(
                "step {} loss {:.4} lr 3e-5 tok/s {} mem 71.2GiB grad_norm 0.{}",
                step * 10,
                2.5 - step as f64 / 30.0,
                11_800 + step * 7 + rank as i64,
                31 + rank
            );
            let at = step * 1_000 + rank as i64 * 13;
            give(&mut logs, stage, want, &[(at, text.as_bytes())]);
        }
    }
    let hostile: Vec<(i64, &[u8])> = HOSTILE.iter().map(|b| (39_500, *b)).collect();
    give(&mut logs, stage, &wants[2], &hostile);
    note(
        &mut logs,
        stage,
        &wants[1],
        Level::Warning,
        "container restarted",
    );
    note(
        &mut logs,
        stage,
        &wants[3],
        Level::Info,
        "reconnected; nothing lost",
    );
    logs
}

#[test]
fn merged_logs_at_three_sizes() {
    let stage = Stage::new(model());
    let mut logs = training(&stage);
    assert_snapshot!("merged_60x16", stage.draw(&mut logs, 60, 14));
    assert_snapshot!("merged_80x24", stage.draw(&mut logs, 80, 21));
    stage.act(&mut logs, Action::Wrap);
    stage.act(&mut logs, Action::Timestamps);
    assert_snapshot!("merged_200x60", stage.draw(&mut logs, 200, 57));
}

#[test]
fn a_line_of_a_megabyte_wraps_and_scrolls() {
    let stage = Stage::new(model());
    let mut logs = pod("llama-sft-0-zq0pw");
    let want = log_wants(&logs, &stage).remove(0);
    let long: String = (0..100_000).map(|n| format!("{n:09} ")).collect();
    give(
        &mut logs,
        &stage,
        &want,
        &[(0, b"before"), (1, long.as_bytes()), (2, b"after")],
    );
    stage.act(&mut logs, Action::Wrap);
    let seen = stage.draw(&mut logs, 60, 14);
    assert!(
        seen.contains("000099999") && seen.contains("\n after "),
        "{seen}"
    );
    stage.act(&mut logs, Action::PageUp);
    assert!(stage.draw(&mut logs, 60, 14).contains("paused"));
    stage.act(&mut logs, Action::Top);
    let seen = stage.draw(&mut logs, 60, 14);
    assert!(
        seen.contains("\n▌before") && seen.contains("\n 000000000 "),
        "{seen}"
    );
    stage.act(&mut logs, Action::Wrap);
    for _ in 0..3 {
        stage.act(&mut logs, Action::Right);
    }
    let seen = stage.draw(&mut logs, 60, 14);
    assert!(seen.contains("\n … 000000005 "), "{seen}");
}

#[test]
fn scrolling_up_pauses_and_the_end_resumes() {
    let stage = Stage::new(model());
    let mut logs = training(&stage);
    let want = log_wants(&logs, &stage).remove(0);
    stage.draw(&mut logs, 80, 21);
    stage.act(&mut logs, Action::PageUp);
    let before = stage.draw(&mut logs, 80, 21);
    assert!(before.starts_with("‖ paused"), "{before}");
    for n in 0..132 {
        give(&mut logs, &stage, &want, &[(50_000 + n, b"late")]);
    }
    let after = stage.draw(&mut logs, 80, 21);
    assert!(after.contains("▼ 132 new"), "{after}");
    // Nothing moved under the reader, and nothing was lost.
    assert_eq!(before.lines().nth(1), after.lines().nth(1));
    stage.act(&mut logs, Action::Bottom);
    let end = stage.draw(&mut logs, 80, 21);
    assert!(
        end.starts_with("● following") && !end.contains("new"),
        "{end}"
    );
    assert!(end.contains("late"));
}

#[test]
fn search_goes_to_the_match_and_round() {
    let stage = Stage::new(model());
    let mut logs = training(&stage);
    stage.draw(&mut logs, 80, 21);
    let prompt = stage.act(&mut logs, Action::Filter);
    assert!(matches!(prompt, Reply::Prompt { label, .. } if label == "search"));
    stage.type_in(&mut logs, "step 10 ");
    let seen = stage.draw(&mut logs, 80, 21);
    assert!(seen.contains("‘step 10 ’: 4 of 4"), "{seen}");
    assert!(seen.contains("step 10 loss"), "{seen}");
    stage.act(&mut logs, Action::SearchNext);
    assert!(stage.draw(&mut logs, 80, 21).contains("1 of 4"));
    stage.act(&mut logs, Action::SearchPrevious);
    stage.act(&mut logs, Action::SearchPrevious);
    assert!(stage.draw(&mut logs, 80, 21).contains("3 of 4"));
    assert_eq!(logs.filter(), "step 10 ");
    stage.type_in(&mut logs, "nowhere");
    assert!(stage.draw(&mut logs, 80, 21).contains("not found"));
    assert!(matches!(
        stage.act(&mut logs, Action::SearchNext),
        Reply::Say(..)
    ));
}

#[test]
fn the_filter_hides_and_esc_clears_one_after_the_other() {
    let stage = Stage::new(model());
    let mut logs = training(&stage);
    stage.act(&mut logs, Action::LogFilter);
    stage.type_in(&mut logs, "!step");
    stage.act(&mut logs, Action::Filter);
    stage.type_in(&mut logs, "html");
    assert_snapshot!("filtered_80x24", stage.draw(&mut logs, 80, 21));
    logs.set_filter("", &stage.cx()).unwrap();
    assert_eq!(logs.filter(), "!step");
    logs.set_filter("", &stage.cx()).unwrap();
    assert_eq!(logs.filter(), "");
    assert_eq!(logs.buffer.counts().shown, 160 + HOSTILE.len() + 2);
}

#[test]
fn streams_are_capped_and_it_says_so() {
    let stage = Stage::new(model());
    let mut logs = job("indexed-sweep");
    let wants = log_wants(&logs, &stage);
    assert_eq!(wants.len(), follow::CAP);
    // Failed ones first; what has ended is read, not followed.
    assert!(wants[..10].iter().all(|w| {
        let index: u32 = w.pod.split('-').nth(2).unwrap().parse().unwrap();
        index.is_multiple_of(2) && !w.follow
    }));
    let seen = stage.draw(&mut logs, 120, 20);
    assert!(seen.contains("3 more not followed (12 at once)"), "{seen}");
    assert!(seen.contains("nothing written yet"), "{seen}");
}

#[test]
fn an_index_asked_for_is_shown_alone_until_all_are_asked_for() {
    let stage = Stage::new(model());
    let mut logs = Logs::new(LogsOf::Job {
        job: key("llama-sft"),
        index: Some(2),
    });
    let wants = log_wants(&logs, &stage);
    assert_eq!(&*wants[0].pod, "llama-sft-2-zq2pw");
    for (n, want) in wants.iter().enumerate() {
        give(&mut logs, &stage, want, &[(n as i64, want.pod.as_bytes())]);
    }
    let seen = stage.draw(&mut logs, 80, 21);
    assert!(seen.contains("zq2pw") && !seen.contains("zq0pw"), "{seen}");
    // one key leads back to where it was opened
    assert_eq!(stage.act(&mut logs, Action::Back), Reply::Ignored);
    // All of them are asked for in the rail.
    stage.act(&mut logs, Action::Focus);
    stage.act(&mut logs, Action::Top);
    stage.act(&mut logs, Action::Open);
    assert!(stage.draw(&mut logs, 80, 21).contains("zq0pw"));
    // And one again: that choice is undone before the pane is left.
    stage.act(&mut logs, Action::Focus);
    assert_eq!(logs.scopes(), [Scope::List]);
    stage.act(&mut logs, Action::Down);
    stage.act(&mut logs, Action::Open);
    let seen = stage.draw(&mut logs, 80, 21);
    assert!(seen.contains("zq0pw") && !seen.contains("zq2pw"), "{seen}");
    assert_eq!(stage.act(&mut logs, Action::Back), Reply::Done);
    assert!(stage.draw(&mut logs, 80, 21).contains("zq2pw"));
    assert_eq!(stage.act(&mut logs, Action::Back), Reply::Ignored);
}

#[test]
fn a_vanished_pod_keeps_its_text_and_new_ones_join() {
    let mut stage = Stage::new(model());
    let mut logs = training(&stage);
    stage.draw(&mut logs, 160, 40);
    let gone = key("llama-sft-3-zq3pw").uid;
    feed(&mut stage.model, 5, Rows::Pods(Change::Gone(vec![gone])));
    let job = stage.model.jobs.get(key("llama-sft")).unwrap();
    let fresh = crate::panes::fixture::pod(job, "llama-sft-3-new01", Some(3), "gpu-h100-1", 5);
    feed(&mut stage.model, 5, Rows::Pods(Change::Rows(vec![fresh])));
    let wants = log_wants(&logs, &stage);
    assert!(wants.iter().any(|w| &*w.pod == "llama-sft-3-new01"));
    assert_eq!(wants.len(), 4);
    let seen = stage.draw(&mut logs, 160, 40);
    assert!(seen.contains("1 gone, text kept"), "{seen}");
    assert!(
        seen.contains("░   3 zq3pw") && seen.contains("●   3 new01"),
        "{seen}"
    );
    assert_eq!(logs.buffer.counts().lines, 160 + HOSTILE.len() + 2);
}

#[test]
fn other_questions_start_anew_and_late_lines_of_the_old_one_are_dropped() {
    let stage = Stage::new(model());
    let mut logs = pod("oom-probe-c5h7n");
    let old = log_wants(&logs, &stage).remove(0);
    assert!(old.follow && old.tail == Some(follow::TAIL) && !old.previous);
    give(&mut logs, &stage, &old, &[(0, b"now")]);
    stage.act(&mut logs, Action::TogglePrevious);
    let new = log_wants(&logs, &stage).remove(0);
    assert!(new.previous && !new.follow);
    give(&mut logs, &stage, &old, &[(1, b"late")]);
    give(&mut logs, &stage, &new, &[(2, b"killed at 71 GiB")]);
    let seen = stage.draw(&mut logs, 80, 21);
    assert!(
        seen.contains("before the restart") && seen.contains("killed"),
        "{seen}"
    );
    assert!(!seen.contains("late"));
    stage.act(&mut logs, Action::SinceFive);
    assert_eq!(log_wants(&logs, &stage)[0].since_seconds, Some(300));
    stage.act(&mut logs, Action::SinceAll);
    let all = log_wants(&logs, &stage).remove(0);
    assert_eq!((all.since_seconds, all.tail), (None, None));
}

#[test]
fn copying_and_saving_take_what_is_shown() {
    let stage = Stage::new(model());
    let mut logs = training(&stage);
    stage.act(&mut logs, Action::LogFilter);
    logs.set_filter("\"step 10 \"", &stage.cx()).unwrap();
    stage.draw(&mut logs, 80, 21);
    let Reply::Copy { text, what } = stage.act(&mut logs, Action::Copy) else {
        panic!("no copy");
    };
    assert_eq!(what, "4 lines");
    assert!(text.starts_with("step 10 loss 2.4667"));
    let Reply::Save { name, text } = stage.act(&mut logs, Action::Save) else {
        panic!("no save");
    };
    assert_eq!(name, "llama-sft-20261123-120320.log");
    let first = text.lines().next().unwrap();
    assert!(
        first.starts_with("llama-sft-0-zq0pw 2026-11-23T11:53:21.000000000Z step 10 loss"),
        "{first}"
    );
    assert_eq!(text.lines().count(), 4);
}

#[test]
fn an_empty_screen_says_why() {
    let stage = Stage::new(model());
    for (name, words) in [
        ("gnn-hgcal", "6 pods, none has started"),
        ("ablation-run", "held: no pods"),
        ("detr-queue", "queued: no pods yet"),
        (
            "clip-training-vit-l14-336px-laion-400m-epoch-32-seed-1234",
            "its pods are gone",
        ),
        ("no-such-job", "this job is gone"),
    ] {
        let seen = stage.draw(&mut job(name), 80, 21);
        assert!(seen.contains(words), "{name}: {seen}");
    }
    assert_snapshot!("waiting_80x24", stage.draw(&mut job("gnn-hgcal"), 80, 21));
    assert_snapshot!("waiting_60x16", stage.draw(&mut job("gnn-hgcal"), 60, 13));
    let seen = stage.draw(&mut pod("no-such-pod"), 60, 13);
    assert!(seen.contains("this pod is gone"), "{seen}");
}
