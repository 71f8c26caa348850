//! The history as it looks, and a record in full.

use insta::assert_snapshot;
use serde_json::json;

use super::*;
use crate::history::{IndexEnd, Metrics};
use crate::model::Model;
use crate::panes::fixture::ago;
use crate::panes::stage::Stage;

fn records() -> Vec<Record> {
    let base = |name: &str, phase: &str, finished: i64| Record {
        version: 1,
        context: "csc-demo".into(),
        api_version: "batch/v1".into(),
        kind: "Job".into(),
        namespace: "ml".into(),
        name: name.into(),
        uid: name.into(),
        phase: phase.into(),
        created: ago(finished + 4_000),
        started: ago(finished + 3_900),
        finished: ago(finished),
        updated: ago(finished - 5).unwrap(),
        unit: "pods".into(),
        ..Record::default()
    };
    let mut sweep = Record {
        reason: Some("FailedIndexes".into()),
        message: "5 of 10 indexes failed after 2 tries each: exit 1".into(),
        done: 5,
        total: Some(10),
        unit: "indexes".into(),
        failed: 10,
        retries: 5,
        failed_indexes: "0,2,4,6,8".into(),
        ends: vec![IndexEnd {
            index: 0,
            exit_code: Some(1),
            reason: "Error".into(),
        }],
        exits: vec![("exit 1".into(), 10)],
        deleted: ago(600),
        ..base("indexed-sweep", "Failed", 4_000)
    };
    sweep.set_lines(["Hello world", "\u{1b}[31mfailing"].into_iter());
    sweep.set_manifest(&json!({
        "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "indexed-sweep", "namespace": "ml", "uid": "x"},
        "spec": {"completions": 10, "template": {"spec": {"containers": [{
            "name": "main", "image": "r/sweep:1", "args": ["--token=abcdef123456"],
            "env": [{"name": "MODE", "value": "secretive"}],
        }]}}},
    }));
    let llama = Record {
        message: "done in 1h05m".into(),
        done: 1,
        total: Some(1),
        gpus: [("nvidia.com/gpu".to_owned(), 8)].into(),
        gpu_hours: Some(8.67),
        queue: Some("nlp-main".into()),
        metrics: Some(Metrics {
            name: "loss".into(),
            last: Some((5_000.0, Some(1.42))),
            best: Some((4_900.0, 1.41)),
            curve: (0..32).map(|n| Some(4.0 / (1.0 + f64::from(n)))).collect(),
            step: Some(5_000.0),
            steps: Some(5_000.0),
            ..Metrics::default()
        }),
        kind: "PyTorchJob".into(),
        ..base("llama-sft", "Succeeded", 90)
    };
    vec![llama, sweep]
}

fn stage() -> Stage {
    let mut stage = Stage::new(Model::default());
    stage.session.history.take(Ok(Shelf {
        records: records(),
        problems: Vec::new(),
    }));
    stage
}

#[test]
fn at_two_sizes() {
    let stage = stage();
    let mut pane = Screen::default();
    assert_snapshot!("history_80x24", stage.draw(&mut pane, 80, 10));
    assert_snapshot!("history_160x48", stage.draw(&mut pane, 160, 10));
    let empty = Stage::new(Model::default());
    assert!(
        empty
            .draw(&mut pane, 80, 10)
            .contains("reading what is kept")
    );
}

#[test]
fn one_in_full() {
    let stage = stage();
    let mut pane = Kept::new("indexed-sweep".into());
    let seen = stage.draw(&mut pane, 80, 50);
    assert!(
        !seen.contains("secretive") && !seen.contains("abcdef"),
        "{seen}"
    );
    assert_snapshot!("record_80x24", seen);
    let mut pane = Kept::new("llama-sft".into());
    assert_snapshot!("record_160x48", stage.draw(&mut pane, 160, 24));
    for width in [60, 80, 120] {
        let seen = stage.draw(&mut Kept::new("llama-sft".into()), width, 24);
        assert!(seen.contains(" · step 5000/5000"), "{width}: {seen}");
    }
    let mut pane = Kept::new("nobody".into());
    assert!(stage.draw(&mut pane, 80, 10).contains("not kept any more"));
}

#[test]
fn keys_lead_to_a_record_and_its_manifest() {
    let stage = stage();
    let mut list = Screen::default();
    stage.draw(&mut list, 80, 10);
    stage.act(&mut list, Action::Down);
    let Reply::Open(Target::Kept(uid)) = stage.act(&mut list, Action::Open) else {
        panic!("it leads nowhere");
    };
    assert_eq!(uid, "indexed-sweep");
    stage.type_in(&mut list, "succeeded");
    assert!(stage.draw(&mut list, 80, 10).ends_with("1/1 of 2"));
    let mut pane = Kept::new(uid);
    stage.draw(&mut pane, 80, 20);
    let Reply::Copy { text, .. } = stage.act(&mut pane, Action::Copy) else {
        panic!("no manifest");
    };
    assert!(text.starts_with("# 2 values are not kept"), "{text}");
    assert!(
        text.contains("completions: 10") && !text.contains("uid"),
        "{text}"
    );
    stage.type_in(&mut pane, "completions");
    assert!(stage.draw(&mut pane, 80, 20).contains("completions: 10"));
    // one that nobody looked at
    let mut pane = Kept::new("llama-sft".into());
    assert!(matches!(stage.act(&mut pane, Action::Copy), Reply::Say(..)));
}

#[test]
fn a_record_that_is_written_takes_its_place() {
    let mut stage = stage();
    let mut again = records().remove(1);
    again.message = "told anew".into();
    stage.session.history.put(again);
    assert_eq!(stage.session.history.records.len(), 2);
    assert!(
        stage
            .draw(&mut Screen::default(), 160, 10)
            .contains("told anew")
    );
}
