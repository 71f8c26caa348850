//! From a text to the objects that are to be made. Pure; which kinds there are is asked of the list of them.

use std::sync::Arc;

use serde_json::Value;

use crate::actions::document::{Document, parse};
use crate::actions::{Object, Step};
use crate::cluster::kinds;
use crate::model::want::Kind;
use crate::panes::editor::Problem;

/// The kind of a manifest, if it is one that is submitted: what runs pods.
pub fn kind(manifest: &Value) -> Option<Kind> {
    let api = manifest["apiVersion"].as_str()?;
    let group = api.split_once('/').map_or("", |(group, _)| group);
    let name = manifest["kind"].as_str()?.to_lowercase();
    let mut all = kinds::all().filter(|entry| {
        matches!(
            entry.kind,
            Kind::Job | Kind::CronJob | Kind::Pod | Kind::Workload(_)
        )
    });
    let entry = all.find(|entry| entry.group == group && entry.kind.singular() == name);
    entry.map(|entry| entry.kind)
}

/// What a document is to become, or what is wrong with it.
fn object(document: &Document, namespace: &str) -> Result<(Object, Value), Problem> {
    let line = |path: &str| Some(document.line_of(path).max(1) - 1);
    let value = &document.value;
    let Some(kind) = kind(value) else {
        let what = format!(
            "{} {}",
            value["apiVersion"].as_str().unwrap_or("?"),
            value["kind"].as_str().unwrap_or("?")
        );
        let text = format!("{what} is no workload: `jobdeck submit -f` takes any kind");
        return Err(Problem::error(line("kind"), text));
    };
    let Some(name) = value["metadata"]["name"].as_str().filter(|n| !n.is_empty()) else {
        let text = "it has no name: write one under metadata, what is made is followed by it";
        return Err(Problem::error(line("metadata"), text));
    };
    let mut manifest = value.clone();
    let said = value["metadata"]["namespace"].as_str();
    let namespace = said.filter(|n| !n.is_empty()).unwrap_or(namespace);
    manifest["metadata"]["namespace"] = namespace.into();
    let object = Object {
        kind,
        namespace: namespace.into(),
        name: name.into(),
        key: None,
    };
    Ok((object, manifest))
}

/// The steps that make what is in a text. `made`: what of it is there already.
///
/// # Errors
/// Everything that keeps it from being sent.
pub fn steps(text: &str, made: &[Object], namespace: &str) -> Result<Vec<Step>, Vec<Problem>> {
    let documents = match parse(text) {
        Ok(documents) => documents,
        Err(fault) => return Err(vec![fault_of(&fault)]),
    };
    let mut steps: Vec<Step> = Vec::new();
    let mut problems = Vec::new();
    for document in &documents {
        match object(document, namespace) {
            Ok((object, _)) if made.contains(&object) => {}
            Ok((object, _)) if steps.iter().any(|step| step.object == object) => {
                let line = document.line_of("metadata.name").max(1) - 1;
                let text = format!("{object} is in it twice");
                problems.push(Problem::error(Some(line), text));
            }
            Ok((object, manifest)) => steps.push(Step::create(object, Arc::new(manifest))),
            Err(problem) => problems.push(problem),
        }
    }
    if steps.is_empty() && problems.is_empty() {
        problems.push(Problem::error(None, "all that is in it was made already"));
    }
    match problems.is_empty() {
        true => Ok(steps),
        false => Err(problems),
    }
}

/// What does not parse, at its line.
pub fn fault_of(fault: &crate::actions::document::Fault) -> Problem {
    let next = fault
        .next
        .as_ref()
        .map_or(String::new(), |next| format!(": {next}"));
    Problem::error(Some(fault.line.max(1) - 1), format!("{}{next}", fault.why))
}

/// The objects of documents that can be made, and what is wrong with the others.
pub fn look(documents: &[Document], namespace: &str) -> (Vec<(Object, Value)>, Vec<Problem>) {
    let mut objects = Vec::new();
    let mut problems = Vec::new();
    for document in documents {
        match object(document, namespace) {
            Ok(one) => objects.push(one),
            Err(problem) => problems.push(problem),
        }
    }
    (objects, problems)
}
