//! From an object to the text that makes another like it, and from what the server said to the lines it is about. Pure,
//! and apart from the pane so that it is a table of tests.

use serde_json::Value;

use super::said::Problem;
use crate::actions::Refusal;
use crate::actions::clean::clean;
use crate::actions::document::{Document, complaints, parse};
use crate::actions::outcome::{Cause, Ended, Outcome};
use crate::actions::resubmit::{Options, resubmit};
use crate::model::fields::Tree;
use crate::model::yaml;
use crate::panes::Cx;

/// A manifest to change and send.
pub struct Again {
    pub text: String,
    /// What it is compared with: the same without what is new in it.
    pub original: String,
    pub notes: Vec<String>,
}

/// What makes another object like this one, under the next name that is free.
///
/// # Errors
/// Why it cannot be.
pub fn again(object: &Value, workload: Option<&Value>, cx: &Cx) -> Result<Again, Refusal> {
    let namespace = object["metadata"]["namespace"].as_str().unwrap_or_default();
    let model = cx.model;
    let taken = |name: &str| {
        let is = |ns: &str, other: &str| ns == namespace && other == name;
        model.jobs.rows().any(|r| is(&r.namespace, &r.name))
            || model.cronjobs.rows().any(|r| is(&r.namespace, &r.name))
            || model.pods.rows().any(|r| is(&r.namespace, &r.name))
    };
    let draft = resubmit(object, workload, None, &Options::default(), taken)?;
    Ok(Again {
        text: print(&draft.manifest),
        original: print(&clean(object, workload).manifest),
        notes: draft.notes,
    })
}

/// A template as a text to go on with: in the namespace that is looked at, in its queue if it has one.
pub fn begun(template: &str, cx: &Cx) -> String {
    // one of the user's that says its namespace keeps it
    if template
        .lines()
        .any(|line| line.starts_with("  namespace:"))
    {
        return template.to_owned();
    }
    let session = cx.session;
    let namespace = session.namespace.as_deref().unwrap_or(&session.home);
    let namespace = if namespace.is_empty() {
        "default"
    } else {
        namespace
    };
    let queues = cx.model.kueue.local_queues.rows();
    let mut queues: Vec<&str> = queues
        .filter(|q| q.key.cluster == session.cluster && *q.namespace == *namespace)
        .map(|q| &*q.name)
        .collect();
    queues.sort_unstable();
    let mut out = String::new();
    for line in template.split_inclusive('\n') {
        let asked = line
            .trim_start()
            .strip_prefix("# kueue.x-k8s.io/queue-name:");
        match (asked, queues.first()) {
            (Some(_), Some(queue)) => {
                let indent = &line[..line.len() - line.trim_start().len()];
                out.push_str(&format!("{indent}kueue.x-k8s.io/queue-name: {queue}\n"));
            }
            _ => out.push_str(line),
        }
        if line.trim_end() == "metadata:" && !line.starts_with(' ') {
            out.push_str(&format!("  namespace: {namespace}\n"));
        }
    }
    out
}

/// An object as the text of a manifest.
pub fn print(value: &Value) -> String {
    yaml::text(&yaml::lines(value, false, "", &Tree::default()))
}

/// What the server said of one object of a text, each thing at its line.
pub fn problems(text: &str, outcome: &Outcome) -> Vec<Problem> {
    let documents = parse(text).unwrap_or_default();
    let object = &outcome.step.object;
    let document = documents.iter().find(|d| {
        let meta = &d.value["metadata"];
        let namespace = meta["namespace"].as_str();
        meta["name"] == *object.name && namespace.is_none_or(|ns| *ns == *object.namespace)
    });
    let document = document.or(documents.first());
    let line = |path: &str| Some(document?.line_of(path).max(1) - 1);
    let (cause, refusal) = match &outcome.ended {
        Ended::Not(cause, refusal) => (*cause, refusal),
        Ended::Unknown { .. } => {
            return vec![Problem::error(None, outcome.sentence())];
        }
        Ended::Already(why) => return vec![Problem::error(line("metadata.name"), why.clone())],
        Ended::Done | Ended::Opened | Ended::DryRun => return Vec::new(),
    };
    let named = complaints(message(&refusal.why));
    if !named.is_empty() {
        let each = named.iter();
        return each
            .map(|c| {
                let line = document.map(|d| d.line_at(c).max(1) - 1);
                Problem::error(line, format!("{}: {}", c.path, c.why))
            })
            .collect();
    }
    let at = match cause {
        Cause::Conflict => line("metadata.name"),
        Cause::NotFound | Cause::Forbidden => line("metadata.namespace"),
        // a webhook often names the field it is about
        _ => field(&refusal.why).and_then(|path| line(&path)),
    };
    vec![Problem::error(at, refusal.to_string())]
}

/// In front of what the server warns of.
const WARNS: &str = "the server warns: ";

/// What the server warned of, each at its line where it names a field.
pub fn warnings(text: &str, outcome: &Outcome) -> Vec<Problem> {
    let documents = parse(text).unwrap_or_default();
    let object = &outcome.step.object;
    let named = |d: &&Document| d.value["metadata"]["name"] == *object.name;
    let document = documents.iter().find(named).or(documents.first());
    let line = |path: String| Some(document?.line_of(&path).max(1) - 1);
    let each = outcome.warnings.iter();
    each.map(|warning| {
        let at = field(warning)
            .and_then(line)
            .or_else(|| line("kind".into()));
        Problem::warning(at, format!("{WARNS}{warning}"))
    })
    .collect()
}

/// It is one of those.
pub fn is_warning(problem: &Problem) -> bool {
    problem.text.starts_with(WARNS)
}

/// Without the code of the answer in front.
fn message(why: &str) -> &str {
    match why.split_once(": ") {
        Some((code, rest)) if code.chars().all(|c| c.is_ascii_digit()) => rest,
        _ => why,
    }
}

/// A field that a sentence names: `spec.template.spec.nodeSelector`.
fn field(words: &str) -> Option<String> {
    let sign = |c: char| c.is_alphanumeric() || "._-[]/\"'".contains(c);
    let mut found = words.split(|c: char| !sign(c)).filter(|word| {
        let word = word.trim_matches(['"', '\'']);
        word.starts_with("spec.") || word.starts_with("metadata.")
    });
    let word = found
        .next()?
        .trim_matches(['"', '\''])
        .trim_end_matches('.');
    Some(word.to_owned())
}

/// The server cannot say what it would do: something in its way does not know dry runs.
pub fn is_unchecked(outcome: &Outcome) -> bool {
    match &outcome.ended {
        Ended::Not(_, refusal) => refusal.why.contains("does not support dry run"),
        _ => false,
    }
}

/// The document that a line of the text is in, and the lines it takes.
pub fn document_at(
    documents: &[Document],
    line: usize,
    lines: usize,
) -> Option<(usize, std::ops::Range<usize>)> {
    let starts: Vec<usize> = documents.iter().map(|d| d.line.max(1) - 1).collect();
    let at = starts
        .partition_point(|start| *start <= line)
        .saturating_sub(1);
    let start = *starts.get(at)?;
    let end = starts.get(at + 1).copied().unwrap_or(lines);
    Some((at, start..end))
}
