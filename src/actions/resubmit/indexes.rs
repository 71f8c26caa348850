//! Some indexes of an Indexed Job once more, as a Job of just those. The Job controller numbers its pods from 0 whatever
//! is wanted, so each program has to be told the number it had before: by a fixed value where there is one index, by a
//! small wrapper around its command where there are several, and not at all where that cannot be made right.

use serde_json::{Value, json};

use super::wrapper::{self, Index};
use crate::actions::Refusal;
use crate::actions::edit::{kind, words};
use crate::model::indexset::IndexSet;

/// Which index of the first Job stands for which of this one, in order: `3,7-9`.
pub const MAP: &str = "jobdeck.dev/index-map";
/// The next step, in words that hold for whoever asks: an option of the command line, a line of the editor.
pub const NAME: &str = "name the indexes that are meant, e.g. 3,7-9";
const MINIMUM: &str = "kueue.x-k8s.io/job-min-parallelism";
/// The map is one environment variable: the kernel takes none of more than 128 KiB.
const LONGEST: usize = 100_000;

/// The indexes a Job failed at, by its status, and what else to know of that.
///
/// # Errors
/// It has none.
pub fn failed(object: &Value) -> Result<(IndexSet, Option<String>), Refusal> {
    let name = words(object);
    indexed(object)?;
    let (spec, status) = (&object["spec"], &object["status"]);
    let all = spec["completions"]
        .as_u64()
        .and_then(|n| u32::try_from(n).ok());
    let set = |key: &str| IndexSet::parse(status[key].as_str().unwrap_or_default(), all);
    let (failed, done) = (set("failedIndexes"), set("completedIndexes"));
    let conditions = status["conditions"].as_array().into_iter().flatten();
    let over = |kind: &str| {
        let mut all = conditions.clone();
        all.any(|c| c["type"] == kind && c["status"] == "True")
    };
    let rest = without(all.unwrap_or(0), &[&done, &failed]);
    if !failed.is_empty() {
        let note = (!rest.is_empty()).then(|| match over("Failed") {
            true => format!(
                "indexes {rest} did not run to an end either: {failed},{rest} would be all of them"
            ),
            false => format!("indexes {rest} are not at an end yet and stay with {name}"),
        });
        return Ok((failed, note));
    }
    if status.is_null() {
        return Err(Refusal::new(format!(
            "which indexes of {name} failed is not known any more"
        ))
        .next(NAME));
    }
    if !over("Failed") {
        let why = match over("Complete") {
            true => format!("all indexes of {name} that had to are done"),
            false => format!("no index of {name} has failed for good yet"),
        };
        return Err(Refusal::new(why).next(NAME));
    }
    if rest.is_empty() {
        return Err(Refusal::new(format!("no index of {name} failed")).next(NAME));
    }
    // without a limit per index nothing is counted per index
    let note = format!(
        "these are all indexes of {name} that did not succeed: it does not count failures per index"
    );
    Ok((rest, Some(note)))
}

fn without(all: u32, sets: &[&IndexSet]) -> IndexSet {
    let mut text = String::new();
    let mut from = 0;
    let mut taken: Vec<(u32, u32)> = sets.iter().flat_map(|s| s.ranges()).copied().collect();
    taken.sort_unstable();
    for (a, b) in taken.into_iter().chain([(all, all)]) {
        if a > from {
            text.push_str(&format!("{from}-{},", a - 1));
        }
        from = from.max(b.saturating_add(1));
    }
    IndexSet::parse(&text, Some(all))
}

fn indexed(object: &Value) -> Result<(), Refusal> {
    let name = words(object);
    let why = match kind(object) {
        "Job" if object["spec"]["completionMode"] == "Indexed" => return Ok(()),
        "Job" => format!("{name} is not Indexed: its pods are all the same"),
        other => format!("{name} is a {other}: only an Indexed Job has indexes"),
    };
    Err(Refusal::new(why).next("resubmit all of it"))
}

/// Makes a Job of only these indexes of it. Answers in sentences how its programs know them.
///
/// # Errors
/// Their programs could not know them, or would be wrong about them.
pub fn only(manifest: &mut Value, wanted: &IndexSet) -> Result<Vec<String>, Refusal> {
    indexed(manifest)?;
    let name = words(manifest);
    if wanted.is_empty() {
        return Err(Refusal::new("there are no indexes to run").next(NAME));
    }
    let all = manifest["spec"]["completions"].as_u64().unwrap_or(0);
    let last = wanted.ranges().last().map_or(0, |range| range.1);
    if u64::from(last) >= all {
        return Err(Refusal::new(format!("{name} has no index {last}"))
            .next(format!("its indexes are 0 to {}", all.saturating_sub(1))));
    }
    if u64::from(wanted.len()) == all {
        return Ok(vec![format!(
            "these are all {all} indexes of it: nothing is left out"
        )]);
    }
    let before = manifest["metadata"]["annotations"][MAP].as_str();
    let before = before.map(|text| IndexSet::parse(text, None));
    let original = match &before {
        Some(map) => through(map, wanted),
        None => wanted.clone(),
    };
    if before.is_some() {
        wrapper::unwrap(manifest);
    }
    peers(manifest, &name)?;
    let n = wanted.len();
    let mut notes = vec![format!(
        "only indexes {original} run: a Job of {n} indexes, 0 to {}",
        n - 1
    )];
    let same = original.ranges() == [(0, n - 1)];
    if same {
        forget(manifest);
        notes.push("they are the first ones: every index is called as before".into());
    } else {
        let list = |range: &(u32, u32)| (range.0..=range.1).collect::<Vec<u32>>();
        let indexes: Vec<u32> = original.ranges().iter().flat_map(list).collect();
        let index = match indexes.as_slice() {
            [one] => Index::One(*one),
            many => {
                let words: Vec<String> = many.iter().map(u32::to_string).collect();
                let map = words.join(" ");
                if map.len() > LONGEST {
                    return Err(
                        Refusal::new(format!("{n} indexes are more than a map can hold"))
                            .next("take fewer of them"),
                    );
                }
                Index::Map(map)
            }
        };
        notes.extend(wrapper::wrap(manifest, &index)?);
        let text = original.to_string();
        for at in ["/metadata", "/spec/template/metadata"] {
            annotate(manifest, at, &text);
        }
    }
    notes.extend(shrink(manifest, n));
    Ok(notes)
}

/// What the indexes of a Job that has a map already stand for.
fn through(map: &IndexSet, wanted: &IndexSet) -> IndexSet {
    let all = map.ranges().iter().flat_map(|(a, b)| *a..=*b).enumerate();
    let all = all.filter(|(n, _)| u32::try_from(*n).is_ok_and(|n| wanted.contains(n)));
    let text: Vec<String> = all.map(|(_, old)| old.to_string()).collect();
    IndexSet::parse(&text.join(","), None)
}

fn annotate(manifest: &mut Value, at: &str, text: &str) {
    if at == "/spec/template/metadata"
        && let Some(template) = manifest.pointer_mut("/spec/template")
        && !template["metadata"].is_object()
        && let Some(template) = template.as_object_mut()
    {
        template.insert("metadata".into(), json!({}));
    }
    if let Some(meta) = manifest.pointer_mut(at).and_then(Value::as_object_mut) {
        let all = meta.entry("annotations").or_insert_with(|| json!({}));
        if let Some(all) = all.as_object_mut() {
            all.insert(MAP.into(), text.into());
        }
    }
}

fn forget(manifest: &mut Value) {
    for at in ["/metadata", "/spec/template/metadata"] {
        let Some(meta) = manifest.pointer_mut(at).and_then(Value::as_object_mut) else {
            continue;
        };
        if let Some(all) = meta.get_mut("annotations").and_then(Value::as_object_mut) {
            all.remove(MAP);
            if all.is_empty() {
                meta.remove("annotations");
            }
        }
    }
}

/// Pods that look for each other by index cannot be run in part.
fn peers(manifest: &Value, name: &str) -> Result<(), Refusal> {
    let pod = &manifest["spec"]["template"]["spec"];
    if let Some(domain) = pod["subdomain"].as_str().filter(|d| !d.is_empty()) {
        return Err(Refusal::new(format!(
            "the pods of {name} find each other by index (subdomain {domain}): some of them alone would wait for the rest"
        ))
        .next("resubmit all of it"));
    }
    Ok(())
}

/// Brings what counts indexes down to what there is.
fn shrink(manifest: &mut Value, n: u32) -> Vec<String> {
    let mut notes = Vec::new();
    let Some(spec) = manifest.get_mut("spec").and_then(Value::as_object_mut) else {
        return notes;
    };
    spec.insert("completions".into(), n.into());
    let at_once = spec.get("parallelism").and_then(Value::as_u64);
    if at_once.is_some_and(|p| p > n.into()) {
        spec.insert("parallelism".into(), n.into());
        notes.push(format!("{n} pods run at a time"));
    }
    let most = spec.get("maxFailedIndexes").and_then(Value::as_u64);
    if most.is_some_and(|most| most > n.into()) {
        spec.insert("maxFailedIndexes".into(), n.into());
        notes.push(format!("maxFailedIndexes is {n}"));
    }
    if spec.remove("successPolicy").is_some() {
        notes.push(
            "without its successPolicy, which names indexes: all of these must succeed".into(),
        );
    }
    let annotations = manifest.pointer_mut("/metadata/annotations");
    if let Some(all) = annotations.and_then(Value::as_object_mut)
        && let Some(least) = all.get(MINIMUM).and_then(Value::as_str)
        && least.parse().is_ok_and(|least: u32| least >= n)
    {
        all.remove(MINIMUM);
        notes.push("all its pods are admitted together: there are fewer than Kueue was allowed to start with".into());
    }
    notes
}
