//! The schema says what the settings take: no more and no less.

use serde_json::Map;

use super::super::{parse, show};
use super::*;

/// What of a value does not fit, with its place. Knows the words this schema uses, and no others.
fn wrong(schema: &Value, value: &Value, at: &str, all: &mut Vec<String>) {
    let mut say = |ok: bool, why: String| {
        if !ok {
            all.push(format!("{at}: {why}"));
        }
    };
    let rules = schema.as_object().unwrap();
    for (word, rule) in rules {
        match word.as_str() {
            "$schema" | "title" | "description" | "default" => {}
            "type" => {
                let is = match rule.as_str().unwrap() {
                    "object" => value.is_object(),
                    "array" => value.is_array(),
                    "string" => value.is_string(),
                    "boolean" => value.is_boolean(),
                    "integer" => value.is_i64() || value.is_u64(),
                    "number" => value.is_number(),
                    other => panic!("no type {other}"),
                };
                say(is, format!("{value} is no {rule}"));
            }
            "const" => say(value == rule, format!("{value} is not {rule}")),
            "enum" => say(
                rule.as_array().unwrap().contains(value),
                format!("{value} is not in {rule}"),
            ),
            "minimum" | "maximum" => {
                let (n, limit) = (value.as_f64().unwrap_or_default(), rule.as_f64().unwrap());
                let ok = if word == "minimum" {
                    n >= limit
                } else {
                    n <= limit
                };
                say(ok, format!("{value} is beyond {word} {rule}"));
            }
            "oneOf" => {
                let fits = |of: &&Value| {
                    let mut found = Vec::new();
                    wrong(of, value, at, &mut found);
                    found.is_empty()
                };
                let n = rule.as_array().unwrap().iter().filter(fits).count();
                say(n == 1, format!("{value} is {n} of {rule}"));
            }
            _ => {}
        }
    }
    for (word, rule) in rules {
        match word.as_str() {
            "items" => {
                for (n, item) in value.as_array().into_iter().flatten().enumerate() {
                    wrong(rule, item, &format!("{at}[{n}]"), all);
                }
            }
            "required" => {
                for key in rule.as_array().unwrap() {
                    if value.get(key.as_str().unwrap()).is_none() {
                        all.push(format!("{at}: no {key}"));
                    }
                }
            }
            "properties" | "additionalProperties" => {
                let none = Map::new();
                let known = rules
                    .get("properties")
                    .and_then(Value::as_object)
                    .unwrap_or(&none);
                for (key, inner) in value.as_object().into_iter().flatten() {
                    let (place, named) = (format!("{at}.{key}"), known.get(key));
                    match (word.as_str(), named, rule) {
                        ("properties", Some(of), _) => wrong(of, inner, &place, all),
                        ("additionalProperties", None, Value::Bool(false)) => {
                            all.push(format!("{place}: no such key"));
                        }
                        ("additionalProperties", None, of) => wrong(of, inner, &place, all),
                        _ => {}
                    }
                }
            }
            "$schema" | "title" | "description" | "default" | "type" | "const" | "enum"
            | "minimum" | "maximum" | "oneOf" => {}
            other => panic!("{at}: the test does not know what {other:?} means"),
        }
    }
}

/// What of a settings file does not fit.
fn check(text: &str) -> Vec<String> {
    let value: Value = toml::from_str(text).unwrap();
    let mut all = Vec::new();
    wrong(&schema(), &value, "", &mut all);
    all
}

const MUCH: &str = r#"
theme = "jobdeck-light"
namespaces = ["a", "b"]
ascii = "never"
[logs]
watch = "running"
[[logs.patterns]]
regex = 'it=(?<step>\d+)'
kind = "validation"
[[logs.patterns]]
regex = '(?<throughput>\d+)'
unit = "tokens/s"
[logs.health]
slow = 0.5
[gpu-use]
hot = 91.5
[columns]
jobs = ["name", "label:team", { title = "IMAGE", jsonpath = ".spec.image", width = 24 }]
[views.broken]
screen = "jobs"
filter = "state:failed"
columns = ["name", { label = "x" }]
[multikueue]
east = "east-admin"
[contexts."prod"]
read-only = true
theme = "high-contrast"
namespace = "ml"
namespaces = ["ml", "ops"]
transport = "pages"
gpu-use = true
[contexts."a b"]
[layouts."mine"]
panes = [
  { show = "jobs", filter = "gpu>0", sort = "-label:team" },
  { show = "logs", at = "right", share = 60 },
  { show = "yaml", at = "below", of = 2, follows = 1 },
]
"#;

#[test]
fn what_is_shown_fits_and_so_does_everything_that_is_read() {
    let usual = show(&Settings::default());
    assert_eq!(check(&usual), Vec::<String>::new());
    let much = parse(MUCH).unwrap();
    assert_eq!(check(MUCH), Vec::<String>::new());
    assert_eq!(check(&show(&much)), Vec::<String>::new());
    assert_eq!(parse(&show(&much)), Ok(much));
}

#[test]
fn what_is_not_read_does_not_fit() {
    for text in [
        "themee = \"x\"",
        "theme = 3",
        "mouse = \"yes\"",
        "ascii = \"sometimes\"",
        "transport = \"pigeon\"",
        "namespaces = \"ml\"",
        "[columns]\njobs = [3]",
        "[columns]\njobs = [{ label = \"x\", width = 1000 }]",
        "[columns]\nqueues = [\"name\"]",
        "namespaces = [3]",
        "[logs]\ntail = -1",
        "[logs]\ntail = \"many\"",
        "[logs]\nwatch = \"all\"",
        "[[logs.patterns]]\nunit = \"tokens/s\"",
        "[[logs.patterns]]\nregex = '(?<loss>x)'\nkind = 'odd'",
        "[[logs.patterns]]\nregexp = '(?<loss>x)'",
        "[logs.health]\nslow = 1.5",
        "[logs.health]\nfrozen-s = -1",
        "[gpu-use]\ninterval-s = 2",
        "[gpu-use]\nhot = 'very'",
        "[history]\nmax-mib = true",
        "[actions]\ntrash = 1.5",
        "[multikueue]\neast = 3",
        "[contexts.\"x\"]\nread-only = \"no\"",
        "[contexts.\"x\"]\ncolour = \"red\"",
        "contexts = [\"x\"]",
        "[layouts.x]\npanes = [{ show = 'pictures' }]",
        "[layouts.x]\npanes = [{ show = 'jobs', sort = 3 }]",
        "[layouts.x]\nsplit = 'right'",
    ] {
        assert!(parse(text).is_err(), "it is read: {text}");
        assert!(!check(text).is_empty(), "it fits: {text}");
    }
}

/// Calls back with every key and its schema.
fn keys(schema: &Value, path: &str, then: &mut impl FnMut(&str, &Value)) {
    for (key, of) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{key}");
        then(&path, of);
        keys(of, &path, then);
        keys(&of["items"], &path, then);
        keys(&of["additionalProperties"], &path, then);
    }
}

#[test]
fn every_key_has_a_description_and_a_default_that_is_the_one_in_force() {
    let schema = schema();
    assert_eq!(
        schema["$schema"],
        "https://json-schema.org/draft/2020-12/schema"
    );
    let usual: Value = toml::from_str(&show(&Settings::default())).unwrap();
    let mut seen = Vec::new();
    keys(&schema, "", &mut |path, of| {
        let said = of["description"].as_str().unwrap_or_default();
        assert!(
            said.len() > 8 && said.contains(['.', ':']),
            "{path}: {said:?}"
        );
        assert!(!said.starts_with('…'), "{path}: {said}");
        seen.push(path.to_owned());
        if let Some(default) = of.get("default") {
            let keys = path.split('.').skip(1);
            let shown = keys.fold(&usual, |at, key| &at[key]);
            let same = match (default.as_f64(), shown.as_f64()) {
                (Some(a), Some(b)) => (a - b).abs() < 1e-6,
                _ => default == shown,
            };
            assert!(same, "{path}: {default} is not {shown}");
        }
    });
    for path in [
        ".theme",
        ".logs.tail",
        ".logs.patterns.regex",
        ".logs.health.slow",
        ".gpu-use.hot",
        ".contexts.read-only",
        ".contexts.theme",
        ".contexts.namespaces",
    ] {
        assert!(seen.iter().any(|p| p == path), "{path}: {seen:?}");
    }
    assert!(schema["properties"]["logs"]["properties"]["tail"]["default"].is_number());
    // whatever is shown, is told of
    fn shown(value: &Value, path: &str, all: &mut Vec<String>) {
        for (key, inner) in value.as_object().into_iter().flatten() {
            all.push(format!("{path}.{key}"));
            shown(inner, &format!("{path}.{key}"), all);
        }
    }
    let mut all = Vec::new();
    shown(&usual, "", &mut all);
    for path in all {
        assert!(seen.contains(&path), "{path} is shown and not told of");
    }
}

#[test]
fn limits_are_those_that_hold() {
    let schema = schema();
    let mut tried = 0;
    keys(&schema, "", &mut |path, of| {
        let text = |n: f64| {
            let keys: Vec<&str> = path.split('.').skip(1).collect();
            let whole = of["type"] == "integer";
            let n = if whole {
                format!("{n:.0}")
            } else {
                format!("{n:?}")
            };
            let (key, table) = keys.split_last().unwrap();
            // above the other, which must not be below it
            let beside = if path.ends_with(".slow") {
                "recovered = 1.0\n"
            } else {
                ""
            };
            let beside = if path.ends_with(".recovered") {
                "slow = 0.0\n"
            } else {
                beside
            };
            format!("[{}]\n{beside}{key} = {n}\n", table.join("."))
        };
        // panes of a layout are lists of tables: their own tests try those
        if path.matches('.').count() < 2 || path.starts_with(".layouts.") {
            return;
        }
        let step = if of["type"] == "integer" { 1.0 } else { 0.01 };
        if let Some(least) = of["minimum"].as_f64() {
            assert!(parse(&text(least)).is_ok(), "{}", text(least));
            assert!(
                parse(&text(least - step)).is_err(),
                "{}",
                text(least - step)
            );
            tried += 1;
        }
        if let Some(most) = of["maximum"].as_f64() {
            assert!(parse(&text(most)).is_ok(), "{}", text(most));
            assert!(parse(&text(most + step)).is_err(), "{}", text(most + step));
            tried += 1;
        }
    });
    assert!(tried > 20, "{tried}");
}
