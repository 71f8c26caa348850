//! What a reader does with a log: failures, folds, JSON, cursor, marks, columns, pager.

use super::super::lanes::Lane;
use super::*;
use crate::panes::Target;

/// Four ranks of which two fail alike, one line that repeats, and a JSON line.
fn failing(stage: &Stage) -> Logs {
    let mut logs = job("llama-sft");
    let wants = log_wants(&logs, stage);
    for (rank, want) in wants.iter().enumerate() {
        for step in 0..30i64 {
            let text =
                format!("[rank{rank}]: 2026-11-23 11:53:20,000 - INFO - step {step} loss 2.{step}");
            give(
                &mut logs,
                stage,
                want,
                &[(step * 1_000 + rank as i64, text.as_bytes())],
            );
        }
    }
    for rank in [2usize, 1] {
        let at = 31_000 + 500 * (2 - rank as i64);
        let lines: [&[u8]; 4] = [
            b"Traceback (most recent call last):",
            b"  File \"/app/train.py\", line 81, in main",
            b"    loss = model(batch)",
            b"torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.50 GiB.",
        ];
        let lines: Vec<(i64, &[u8])> = lines.into_iter().map(|text| (at, text)).collect();
        give(&mut logs, stage, &wants[rank], &lines);
    }
    let waits: Vec<(i64, &[u8])> = (0..37)
        .map(|n| (33_000 + n, &b"waiting for peers"[..]))
        .collect();
    give(&mut logs, stage, &wants[0], &waits);
    let json = br#"{"ts":"2026-11-23T11:53:54Z","level":"error","msg":"upload failed","retry":3,"to":"s3://ckpt/a b","m":{"loss":0.5}}"#;
    give(&mut logs, stage, &wants[3], &[(34_000, json)]);
    logs
}

fn seen(stage: &Stage, logs: &mut Logs) -> String {
    stage.draw(logs, 100, 30)
}

#[test]
fn failures_are_pinned_folded_and_gone_to() {
    let stage = Stage::new(model());
    let mut logs = failing(&stage);
    assert_snapshot!("failing_80x24", stage.draw(&mut logs, 80, 21));
    assert_snapshot!("failing_200x60", stage.draw(&mut logs, 200, 57));
    let before = seen(&stage, &mut logs);
    assert!(before.contains("▸ the GPU ran out of memory: 1.50 GiB asked for (train.py:81) · ranks 1, 2 · 4 lines each"), "{before}");
    assert!(before.contains("×37 waiting for peers"), "{before}");
    stage.act(&mut logs, Action::FirstFailure);
    let at = logs.lane().at.unwrap();
    assert_eq!(logs.buffer.first_failure().unwrap().anchor, at);
    stage.act(&mut logs, Action::OpenLine);
    let open = seen(&stage, &mut logs);
    assert_eq!(open.matches("loss = model(batch)").count(), 2, "{open}");
    let wants = log_wants(&logs, &stage);
    give(&mut logs, &stage, &wants[3], &[(40_000, b"and on")]);
    assert_eq!(
        seen(&stage, &mut logs)
            .matches("loss = model(batch)")
            .count(),
        2
    );
    stage.act(&mut logs, Action::OpenLine);
    assert!(!seen(&stage, &mut logs).contains("loss = model(batch)"));
    // All of them, and back.
    stage.act(&mut logs, Action::FoldAll);
    let open = stage.draw(&mut logs, 100, 90);
    assert_eq!(open.matches("waiting for peers").count(), 37, "{open}");
    stage.act(&mut logs, Action::FoldAll);
    assert!(matches!(
        stage.act(&mut logs, Action::NextFailure),
        Reply::Say(..)
    ));
}

#[test]
fn a_search_opens_the_fold_of_its_hit() {
    let stage = Stage::new(model());
    let mut logs = failing(&stage);
    seen(&stage, &mut logs);
    stage.act(&mut logs, Action::Filter);
    stage.type_in(&mut logs, "model(batch");
    let found = seen(&stage, &mut logs);
    assert!(found.contains("‘model(batch’: 2 of 2"), "{found}");
    assert!(found.contains("loss = model(batch)"), "{found}");
}

#[test]
fn json_is_a_message_with_fields_and_pretty_on_a_key() {
    let stage = Stage::new(model());
    let mut logs = failing(&stage);
    let short = seen(&stage, &mut logs);
    assert!(
        short.contains(r#"11:53:54 error upload failed retry=3 to="s3://ckpt/a b" m={"loss":0.5}"#),
        "{short}"
    );
    stage.act(&mut logs, Action::Follow);
    stage.act(&mut logs, Action::OpenLine);
    let pretty = seen(&stage, &mut logs);
    assert!(
        pretty.contains("\"msg\": \"upload failed\",") && pretty.contains("    \"loss\": 0.5"),
        "{pretty}"
    );
    stage.act(&mut logs, Action::OpenLine);
    assert!(seen(&stage, &mut logs).contains("retry=3"));
    for want in ["  \"retry\": 3,", "{\"ts\":\"2026", "retry=3"] {
        stage.act(&mut logs, Action::JsonLines);
        let all = seen(&stage, &mut logs);
        assert!(all.contains(want), "{all}");
    }
    stage.act(&mut logs, Action::LogFilter);
    logs.set_filter("m.loss<1 retry=3", &stage.cx()).unwrap();
    assert_eq!(logs.buffer.counts().shown, 1);
}

#[test]
fn a_filter_that_is_wrong_says_where_and_keeps_the_old_one() {
    let stage = Stage::new(model());
    let mut logs = failing(&stage);
    stage.act(&mut logs, Action::LogFilter);
    logs.set_filter("rank:1,3 is:failure", &stage.cx()).unwrap();
    assert_eq!(logs.buffer.counts().shown, 4);
    let refused = logs.set_filter("rank:1 level:loud", &stage.cx());
    assert!(refused.unwrap_err().contains("no level"));
    assert_eq!(
        (logs.refused_at(), logs.buffer.counts().shown),
        (Some((13, 4)), 4)
    );
    logs.set_filter("rank:1", &stage.cx()).unwrap();
    assert_eq!((logs.refused_at(), logs.buffer.counts().shown), (None, 34));
}

#[test]
fn the_cursor_goes_line_by_line_and_the_end_resumes() {
    let stage = Stage::new(model());
    let mut logs = failing(&stage);
    let end = seen(&stage, &mut logs);
    assert!(end.starts_with("● following"));
    for _ in 0..40 {
        stage.act(&mut logs, Action::Up);
        let now = seen(&stage, &mut logs);
        assert!(now.contains('▌') && now.starts_with("‖ paused"), "{now}");
    }
    let row = |text: &str| text.lines().position(|line| line.contains('▌'));
    // The pin, then the cursor on the first row of the text.
    assert_eq!(row(&seen(&stage, &mut logs)), Some(2));
    for _ in 0..40 {
        stage.act(&mut logs, Action::Down);
        seen(&stage, &mut logs);
    }
    assert!(seen(&stage, &mut logs).starts_with("‖ paused"));
    stage.act(&mut logs, Action::Down);
    assert!(seen(&stage, &mut logs).starts_with("● following"));
    stage.act(&mut logs, Action::Top);
    let top = seen(&stage, &mut logs);
    assert!(top.contains("step 0 loss") && row(&top) == Some(2), "{top}");
}

#[test]
fn marks_are_gone_to_and_bound_what_is_copied() {
    let stage = Stage::new(model());
    let mut logs = failing(&stage);
    seen(&stage, &mut logs);
    stage.act(&mut logs, Action::Top);
    stage.act(&mut logs, Action::MarkLine);
    let first = *logs.marks.first().unwrap();
    assert_ne!(logs.lane().at, Some(first));
    for _ in 0..4 {
        stage.act(&mut logs, Action::Down);
    }
    // One mark: from there to the cursor.
    let Reply::Copy { what, .. } = stage.act(&mut logs, Action::Copy) else {
        panic!()
    };
    assert_eq!(what, "6 lines");
    stage.act(&mut logs, Action::MarkLine);
    stage.act(&mut logs, Action::Bottom);
    seen(&stage, &mut logs);
    let Reply::Copy { text, what } = stage.act(&mut logs, Action::Copy) else {
        panic!()
    };
    assert_eq!((what.as_str(), text.lines().count()), ("6 lines", 6));
    stage.act(&mut logs, Action::NextMark);
    assert_eq!(logs.lane().at, Some(first));
    let marked = seen(&stage, &mut logs);
    assert!(
        marked.contains('◆') && marked.contains("2 marks"),
        "{marked}"
    );
    stage.act(&mut logs, Action::PreviousMark);
    assert_eq!(logs.lane().at, logs.marks.last().copied());
    stage.act(&mut logs, Action::Unmark);
    // What is folded under the cursor is copied whole.
    stage.act(&mut logs, Action::FirstFailure);
    let Reply::Copy { text, .. } = stage.act(&mut logs, Action::Copy) else {
        panic!()
    };
    assert!(
        text.starts_with("Traceback") && text.ends_with("1.50 GiB."),
        "{text}"
    );
}

#[test]
fn the_pager_gets_clean_text() {
    let stage = Stage::new(model());
    let mut logs = training(&stage);
    stage.draw(&mut logs, 80, 21);
    stage.act(&mut logs, Action::Timestamps);
    let Reply::Page(text) = stage.act(&mut logs, Action::Pager) else {
        panic!()
    };
    assert!(text.starts_with("0 11:53:20.000 step 0 loss"), "{text}");
    assert!(text.contains("owned") || text.contains("title"));
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()));
    assert!(!text.contains('\u{202e}'));
}

#[test]
fn times_are_the_servers_local_or_ago() {
    let stage = Stage::new(model());
    let mut logs = failing(&stage);
    stage.act(&mut logs, Action::Timestamps);
    let server = seen(&stage, &mut logs);
    assert!(
        server.contains("times UTC") && server.contains("11:53:54.000 "),
        "{server}"
    );
    stage.act(&mut logs, Action::Timestamps);
    let at = now() - TimeDelta::seconds(600) + TimeDelta::seconds(34);
    let local = at
        .with_timezone(&chrono::Local)
        .format("%H:%M:%S%.3f ")
        .to_string();
    let seen_local = seen(&stage, &mut logs);
    assert!(
        seen_local.contains("times local") && seen_local.contains(&local),
        "{seen_local}"
    );
    stage.act(&mut logs, Action::Timestamps);
    let ago = seen(&stage, &mut logs);
    assert!(ago.contains("times ago") && ago.contains("9m26s "), "{ago}");
    assert!(logs.wake(&stage.cx()).is_some());
    stage.act(&mut logs, Action::Timestamps);
    assert!(!seen(&stage, &mut logs).contains("times"));
}

#[test]
fn columns_stand_at_one_time_and_failures_in_their_own() {
    let stage = Stage::new(model());
    let mut logs = failing(&stage);
    stage.draw(&mut logs, 200, 57);
    stage.act(&mut logs, Action::SideBySide);
    assert_snapshot!("columns_200x60", stage.draw(&mut logs, 200, 57));
    assert_eq!(logs.lanes.len(), 4);
    let both = stage.draw(&mut logs, 200, 57);
    assert_eq!(both.matches("▸ the GPU ran out").count(), 2, "{both}");
    // Up in one: the others show what they had said by then, on the same row.
    for _ in 0..20 {
        stage.act(&mut logs, Action::Up);
    }
    let text = stage.draw(&mut logs, 200, 57);
    let times: Vec<i64> = logs
        .lanes
        .iter()
        .map(|lane| lane.at.unwrap().nanos() / 1_000_000_000)
        .collect();
    let own = times[logs.lane];
    assert!(
        times.iter().all(|time| (own - 1..=own).contains(time)),
        "{times:?}\n{text}"
    );
    // Each by itself: where it was left.
    let before: Vec<_> = logs.lanes.iter().map(|lane| lane.top).collect();
    stage.act(&mut logs, Action::Align);
    stage.act(&mut logs, Action::PageUp);
    stage.draw(&mut logs, 200, 57);
    let after: Vec<_> = logs.lanes.iter().map(|lane| lane.top).collect();
    assert_eq!(before[1..], after[1..]);
    stage.act(&mut logs, Action::Focus);
    assert_eq!(logs.lane, 1);
    stage.act(&mut logs, Action::SideBySide);
    assert_eq!(logs.lanes.len(), 1);
    assert_snapshot!("columns_80x24", {
        stage.act(&mut logs, Action::Bottom);
        stage.draw(&mut logs, 80, 21);
        stage.act(&mut logs, Action::SideBySide);
        stage.draw(&mut logs, 80, 21)
    });
    let _: &Lane = logs.lane();
}

#[test]
fn a_pod_left_out_is_taken_in_and_what_leads_stays() {
    let stage = Stage::new(model());
    let mut logs = job("indexed-sweep");
    stage.draw(&mut logs, 120, 24);
    let before = log_wants(&logs, &stage);
    stage.act(&mut logs, Action::Focus);
    stage.act(&mut logs, Action::Bottom);
    let rail = stage.draw(&mut logs, 120, 24);
    assert!(rail.contains("not followed"), "{rail}");
    let Reply::Say(_, text) = stage.act(&mut logs, Action::Open) else {
        panic!()
    };
    let after = log_wants(&logs, &stage);
    assert_eq!(after.len(), before.len());
    let new: Vec<_> = after.iter().filter(|want| !before.contains(want)).collect();
    assert_eq!(new.len(), 1);
    assert!(text.contains(&*new[0].pod), "{text}");
    assert!(after.iter().any(|want| want.pod == before[0].pod));
}

#[test]
fn a_restarted_container_offers_its_last_words() {
    let mut stage = Stage::new(model());
    let mut logs = training(&stage);
    let job = stage.model.jobs.get(key("llama-sft")).unwrap();
    let mut pod = crate::panes::fixture::pod(job, "llama-sft-3-zq3pw", Some(3), "gpu-h100-1", 700);
    pod.key = key("llama-sft-3-zq3pw");
    pod.restarts = 1;
    pod.exit = Some(Box::new(crate::model::pod::Exit {
        container: "main".into(),
        code: 137,
        signal: 0,
        reason: "OOMKilled".into(),
        message: None,
        finished: Some(now() - TimeDelta::seconds(12)),
        previous: true,
    }));
    feed(&mut stage.model, 5, Rows::Pods(Change::Rows(vec![pod])));
    let seen = stage.draw(&mut logs, 80, 21);
    assert!(
        seen.contains("↻ 3 (llama-sft-3-zq3pw) crashed 12s ago: OOMKilled"),
        "{seen}"
    );
    assert!(seen.contains("p shows its last words"), "{seen}");
    let Reply::Open(Target::Logs(LogsOf::Pod {
        pod,
        container,
        previous,
    })) = stage.act(&mut logs, Action::TogglePrevious)
    else {
        panic!()
    };
    assert_eq!(
        (pod, container.as_deref(), previous),
        (key("llama-sft-3-zq3pw"), Some("main"), true)
    );
}

#[test]
fn a_frame_over_a_full_buffer_looks_at_a_screen_of_lines() {
    let stage = Stage::new(model());
    let mut logs = pod("llama-sft-0-zq0pw");
    let want = log_wants(&logs, &stage).remove(0);
    let texts: Vec<String> = (0..60_000)
        .map(|n| format!("step {n} loss 0.{n}"))
        .collect();
    for (n, texts) in texts.chunks(256).enumerate() {
        let lines: Vec<(i64, &[u8])> = texts.iter().map(|t| (n as i64, t.as_bytes())).collect();
        give(&mut logs, &stage, &want, &lines);
    }
    stage.draw(&mut logs, 80, 21);
    for action in [
        Action::Down,
        Action::Top,
        Action::PageDown,
        Action::Up,
        Action::Follow,
    ] {
        stage.act(&mut logs, action);
        let before = logs.buffer.looked_at();
        stage.draw(&mut logs, 80, 21);
        let looked = logs.buffer.looked_at() - before;
        // A block at most for the place in the file, a few screens for the rest.
        assert!(looked < 4_096, "{action:?}: {looked} lines for one frame");
    }
}
