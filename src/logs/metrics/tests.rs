use serde_json::{Map, Value};

use super::*;

/// Lines of our own, of every family, with the fields they carry. The lines of one family are one stream.
const LINES: &str = include_str!("fixtures/lines.jsonl");

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

#[test]
fn every_family_is_understood() {
    let mut reader = Reader::default();
    let mut family = String::new();
    let mut wrong = Vec::new();
    for line in LINES.lines() {
        let case: Value = serde_json::from_str(line).expect("JSON");
        if case["family"] != family {
            family = case["family"].as_str().expect("a family").to_owned();
            reader = Reader::default();
        }
        let text = case["line"].as_str().expect("a line");
        let got = said(reader.read(text));
        let want = case["expect"].as_object().expect("fields");
        if want.is_empty() && !got.is_empty() {
            wrong.push(format!("{text}\n    carries nothing, got {got:?}"));
        }
        for (name, value) in want {
            if !same(value, got.get(name)) {
                wrong.push(format!("{text}\n    {name}: want {value}, got {got:?}"));
            }
        }
        for name in case["absent"].as_array().into_iter().flatten() {
            if got.contains_key(name.as_str().expect("a name")) {
                wrong.push(format!("{text}\n    {name} is not said, got {got:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(LINES.lines().count() >= 60);
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
