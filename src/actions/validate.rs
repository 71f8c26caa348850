//! What can be said of a manifest without a server: cheap enough to ask at every key. What only the server knows (fields,
//! quotas, webhooks) is asked of it in a dry run.

use serde_json::Value;

use super::Refusal;
use super::document::Document;
use super::secrets::is_masked;

/// What is wrong with a manifest, at its line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// In the text, from 1.
    pub line: usize,
    /// `metadata.name`
    pub path: String,
    pub refusal: Refusal,
}

/// Names of pods' owners become label values.
const LABEL: usize = 63;
const SUBDOMAIN: usize = 253;
/// The controller adds when a Job was due to its name.
const CRONJOB: usize = 52;

/// Checks one document. Nothing found does not mean that the server takes it.
pub fn check(document: &Document) -> Vec<Problem> {
    let mut found = Vec::new();
    let mut say = |path: &str, refusal: Refusal| {
        found.push(Problem {
            line: document.line_of(path),
            path: path.to_owned(),
            refusal,
        });
    };
    let object = &document.value;
    for (field, example) in [("apiVersion", "batch/v1"), ("kind", "Job")] {
        match &object[field] {
            Value::String(text) if !text.trim().is_empty() => {}
            Value::Null | Value::String(_) => {
                let why = format!("{field} is missing");
                say(
                    field,
                    Refusal::new(why).next(format!("e.g. {field}: {example}")),
                );
            }
            _ => say(field, Refusal::new(format!("{field} is no text"))),
        }
    }
    let meta = &object["metadata"];
    if !meta.is_null() && !meta.is_object() {
        say(
            "metadata",
            Refusal::new("metadata is no map").next("e.g. metadata: {name: train}"),
        );
        return found;
    }
    let generated = meta["generateName"].as_str().is_some_and(|n| !n.is_empty());
    match (&meta["name"], generated) {
        (Value::String(text), _) => {
            let most = match is_work(object) {
                true => longest(object["kind"].as_str().unwrap_or_default()),
                false => SUBDOMAIN,
            };
            if let Err(refusal) = within(text, most) {
                say("metadata.name", refusal);
            }
        }
        (Value::Null, true) => {}
        (Value::Null, false) => say(
            "metadata.name",
            Refusal::new("metadata.name is missing").next("e.g. metadata: {name: train}"),
        ),
        _ => say(
            "metadata.name",
            Refusal::new("metadata.name is no text").next("put it in quotes"),
        ),
    }
    match &meta["namespace"] {
        Value::Null => {}
        Value::String(text) => {
            if let Err(refusal) = within(text, LABEL) {
                say("metadata.namespace", refusal);
            }
        }
        _ => say(
            "metadata.namespace",
            Refusal::new("metadata.namespace is no text").next("put it in quotes"),
        ),
    }
    for field in ["labels", "annotations"] {
        for (key, value) in meta[field].as_object().into_iter().flatten() {
            if !value.is_string() {
                let path = format!("metadata.{field}[{key:?}]");
                let why = format!("{value} is no text");
                say(
                    &path,
                    Refusal::new(why).next(format!("put it in quotes: \"{value}\"")),
                );
            }
        }
    }
    if is_work(object) && object["spec"].is_null() {
        say("spec", Refusal::new("spec is missing"));
    }
    masks(object, &mut String::new(), &mut say);
    found
}

/// What runs pods, as far as one can tell by its kind.
fn is_work(object: &Value) -> bool {
    let kind = object["kind"].as_str().unwrap_or_default();
    kind.ends_with("Job") || matches!(kind, "Pod" | "JobSet" | "RayCluster" | "LeaderWorkerSet")
}

/// Values that were masked when it was kept.
fn masks(value: &Value, at: &mut String, say: &mut impl FnMut(&str, Refusal)) {
    let length = at.len();
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                at.push('/');
                at.push_str(&key.replace('~', "~0").replace('/', "~1"));
                masks(value, at, say);
                at.truncate(length);
            }
        }
        Value::Array(all) => {
            for (n, value) in all.iter().enumerate() {
                at.push('/');
                at.push_str(&n.to_string());
                masks(value, at, say);
                at.truncate(length);
            }
        }
        Value::String(text) if is_masked(text) => {
            let why = "this value was not kept: it looks like a secret";
            say(
                at,
                Refusal::new(why).next("write it here, or better refer to a Secret"),
            );
        }
        _ => {}
    }
}

/// A name that a workload may have: it becomes a label of its pods.
///
/// # Errors
/// What is wrong with it, and one that is right.
pub fn name(text: &str) -> Result<(), Refusal> {
    within(text, LABEL)
}

/// The same for one of a kind: some have shorter names.
///
/// # Errors
/// As [`name`].
pub fn named(kind: &str, text: &str) -> Result<(), Refusal> {
    within(text, longest(kind))
}

/// The longest name a workload of a kind may have.
pub fn longest(kind: &str) -> usize {
    match kind {
        "CronJob" => CRONJOB,
        _ => LABEL,
    }
}

fn within(text: &str, most: usize) -> Result<(), Refusal> {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    let mut chars = text.chars();
    let fine = edge(text.chars().next()) && edge(text.chars().last()) && chars.all(inner);
    if fine && text.len() <= most {
        return Ok(());
    }
    let better: String = text
        .to_lowercase()
        .chars()
        .map(|c| if inner(c) { c } else { '-' })
        .take(most)
        .collect();
    let better = better.trim_matches(['-', '.']);
    let why = match (fine, text.is_empty()) {
        (_, true) => "a name is missing".to_owned(),
        (true, _) => format!("{text} is longer than {most} characters"),
        (false, _) => format!("{text:?} is no name: small letters, digits and - only"),
    };
    let refusal = Refusal::new(why);
    Err(match better {
        "" => refusal.next("e.g. train-2"),
        better => refusal.next(format!("e.g. {better}")),
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::actions::document::parse;

    #[rstest]
    #[case("kind: Job\nmetadata: {name: a}\nspec: {}\n", &[(1, "apiVersion is missing")])]
    #[case("apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: My_Job\nspec: {}\n", &[(4, "e.g. my-job")])]
    #[case("apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: 1\nspec: {}\n", &[(4, "in quotes")])]
    #[case("apiVersion: batch/v1\nkind: Job\nmetadata: {}\n", &[(3, "metadata.name is missing"), (1, "spec is missing")])]
    #[case("apiVersion: batch/v1\nkind: Job\nmetadata:\n  generateName: a-\n  namespace: A\nspec: {}\n", &[(5, "e.g. a")])]
    #[case("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  labels:\n    x/y: 1\n", &[(6, "\"1\"")])]
    #[case("apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  env:\n  - name: T\n    value: <masked by jobdeck>\n", &[(7, "was not kept")])]
    #[case("apiVersion: v1\nkind: Pod\nmetadata: [a]\n", &[(3, "no map")])]
    #[case("apiVersion: batch/v1\nkind: Job\nmetadata: {name: a.b-1}\nspec: {}\n", &[])]
    fn problems_are_at_their_line(#[case] text: &str, #[case] want: &[(usize, &str)]) {
        let found = check(&parse(text).unwrap()[0]);
        assert_eq!(found.len(), want.len(), "{found:?}");
        for (problem, (line, words)) in found.iter().zip(want) {
            assert_eq!(problem.line, *line, "{problem:?}");
            assert!(problem.refusal.to_string().contains(words), "{problem:?}");
        }
    }

    #[test]
    fn long_names_are_cut_for_the_one_that_is_proposed() {
        let refusal = name(&"a".repeat(64)).unwrap_err();
        let next = refusal.next.unwrap();
        assert_eq!(next, format!("e.g. {}", "a".repeat(63)));
        assert!(name(next.trim_start_matches("e.g. ")).is_ok());
        assert!(name("").is_err() && name("-").is_err() && name("a-").is_err());
    }
}
