//! From a text to the objects that are to be made. Pure, but for kinds beyond the list of those that are watched: which
//! of them there are, only the server knows.

use std::sync::Arc;

use serde_json::Value;

use crate::actions::document::{Document, parse};
use crate::actions::{Object, Step};
use crate::cluster::kinds;
use crate::cluster::writes::Gate;
use crate::model::want::Kind;
use crate::panes::editor::Problem;

/// What a manifest says it is: `apiVersion` and `kind`.
fn says(manifest: &Value) -> Option<(&str, &str)> {
    let text = |key: &str| manifest[key].as_str().filter(|text| !text.is_empty());
    Some((text("apiVersion")?, text("kind")?))
}

/// The kind of a manifest, as far as it is known without asking the server.
pub fn kind(manifest: &Value) -> Option<Kind> {
    let (api_version, kind) = says(manifest)?;
    kinds::known(api_version, kind)
}

/// Something in a text is of a kind that the server has to be asked about.
pub fn is_strange(text: &str) -> bool {
    let documents = parse(text).unwrap_or_default();
    let mut all = documents.iter().map(|document| &document.value);
    all.any(|value| says(value).is_some() && kind(value).is_none())
}

/// Asks the server about kinds that are not known yet. Answers what it does not serve, each at its line.
pub async fn meet(gate: &Gate, documents: &[Document]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for document in documents {
        let Some((api_version, name)) = says(&document.value) else {
            continue;
        };
        if kind(&document.value).is_some() {
            continue;
        }
        if let Err((_, refusal)) = gate.kind(api_version, name).await {
            let line = document.line_of("kind").max(1) - 1;
            problems.push(Problem::error(Some(line), refusal.to_string()));
        }
    }
    problems
}

/// What a document is to become, or what is wrong with it.
fn object(document: &Document, namespace: &str) -> Result<(Object, Value), Problem> {
    let line = |path: &str| Some(document.line_of(path).max(1) - 1);
    let value = &document.value;
    let Some(kind) = kind(value) else {
        let text = match says(value) {
            Some((api_version, kind)) => {
                format!("{api_version} {kind}: no cluster has said that it serves it")
            }
            None => "apiVersion and kind say what it is: they are missing".to_owned(),
        };
        return Err(Problem::error(line("kind"), text));
    };
    let Some(name) = value["metadata"]["name"].as_str().filter(|n| !n.is_empty()) else {
        let text = "it has no name: write one under metadata, what is made is followed by it";
        return Err(Problem::error(line("metadata"), text));
    };
    let mut manifest = value.clone();
    let said = value["metadata"]["namespace"].as_str();
    let namespace = match kind.namespaced() {
        true => said.filter(|n| !n.is_empty()).unwrap_or(namespace),
        false => "",
    };
    if !namespace.is_empty() {
        manifest["metadata"]["namespace"] = namespace.into();
    }
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
