use serde_json::{Map, Value};

use super::*;

/// Lines of our own, of every family, with the fields they carry. The lines of one family are one stream.
const LINES: &str = include_str!("fixtures/lines.jsonl");
/// The same, in the ways of some forty frameworks, and the lines that stand between theirs and say nothing.
const FRAMEWORKS: &str = include_str!("fixtures/frameworks.jsonl");
/// Lines written before the reader was tried on them, with what sets traps.
const HARD: &str = include_str!("fixtures/hard.jsonl");

/// The same again, of frameworks that were not thought of before.
const FRESH: &str = include_str!("fixtures/fresh.jsonl");

fn said(record: Option<Record>) -> Map<String, Value> {
    let record = record.unwrap_or_default();
    match serde_json::to_value(&record).expect("plain data") {
        Value::Object(fields) => fields,
        other => panic!("{other}"),
    }
}

fn same(want: &Value, got: Option<&Value>) -> bool {
    match (want.as_f64(), got.and_then(Value::as_f64)) {
        (Some(a), Some(b)) => (a - b).abs() <= 1e-9 * a.abs().max(1e-6),
        _ => Some(want) == got,
    }
}

/// What is wrong of what a fixture's lines were read as, each with this in front. Without `expect` only `absent` counts.
fn wrong(lines: &str, before: &str) -> Vec<String> {
    let mut reader = Reader::default();
    let mut family = String::new();
    let mut wrong = Vec::new();
    for line in lines.lines() {
        let case: Value = serde_json::from_str(line).expect("JSON");
        if case["family"] != family {
            family = case["family"].as_str().expect("a family").to_owned();
            reader = Reader::default();
        }
        let text = format!("{before}{}", case["line"].as_str().expect("a line"));
        let got = said(reader.read(&text));
        if let Some(want) = case["expect"].as_object() {
            let who = ["kind", "rank", "local_rank", "prefix"];
            if want.is_empty() && got.keys().any(|name| !who.contains(&&**name)) {
                wrong.push(format!("{text}\n    carries nothing, got {got:?}"));
            }
            for (name, value) in want {
                // Who says it, the prefix may know better.
                let who = name == "rank" && !before.is_empty();
                if !who && !same(value, got.get(name)) {
                    wrong.push(format!("{text}\n    {name}: want {value}, got {got:?}"));
                }
            }
        }
        for name in case["absent"].as_array().into_iter().flatten() {
            let name = name.as_str().expect("a name");
            if got.contains_key(name) && (before.is_empty() || name != "rank") {
                wrong.push(format!("{text}\n    {name} is not said, got {got:?}"));
            }
        }
    }
    wrong
}

#[test]
fn every_family_is_understood() {
    let wrong = wrong(LINES, "");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(LINES.lines().count() >= 60);
}

#[test]
fn hard_lines_are_understood() {
    let wrong = wrong(HARD, "");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(HARD.lines().count() >= 300);
}

#[test]
fn lines_of_other_frameworks_are_understood() {
    let wrong = wrong(FRESH, "");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(FRESH.lines().count() >= 70);
}

/// As they come out of kubectl, stern, launchers and loggers.
#[rstest::rstest]
#[case("")]
#[case("2026-11-24T03:04:05.123456789Z ")]
#[case("[pod/train-0/main] ")]
#[case("train-worker-0 trainer ")]
#[case("[rank3]: ")]
#[case("[default2]:")]
#[case("2026-11-24 03:04:05,123 - trainer.loop - INFO - ")]
#[case("(RayTrainWorker pid=71, ip=10.0.0.9) ")]
fn frameworks_are_understood_behind_any_prefix(#[case] before: &str) {
    let wrong = wrong(FRAMEWORKS, before);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_line_may_be_of_any_length() {
    let mut reader = Reader::default();
    let long = format!("step 3 loss 0.5 {}", "x 1.5 = ".repeat(700_000));
    let record = reader.read(&long).expect("its beginning says enough");
    assert_eq!(record.number("loss"), Some(0.5));
    assert_eq!(reader.read(&"[".repeat(100_000)), None);
    assert_eq!(reader.read(&"{'a': ".repeat(10_000)), None);
    assert_eq!(reader.read(&"1/".repeat(100_000)), None);
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_stumble(lines in proptest::collection::vec(
        "([a-zA-Z_]{1,6}|[0-9.,e+-]{1,5}|[ :=|/%\\[\\](){}<>\"'\t-]{1,3}|loss|epoch|nan|━|█|é|日| step | all |File \"|E    #){0,14}", 1..6)) {
        let mut reader = Reader::default();
        for line in &lines {
            let record = reader.read(line);
            proptest::prop_assert!(record.is_none_or(|record| !record.is_empty()));
        }
    }
}
