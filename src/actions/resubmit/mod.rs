//! A job once more: its manifest, cleaned, under a fresh name, with what is wanted otherwise this time.

pub mod group;
pub mod indexes;
#[cfg(test)]
mod tests;
pub mod wrapper;

use serde_json::Value;

use super::Refusal;
use super::clean::{clean, next_name_within};
use super::edit::{self, Count, Flavor};
use super::validate;
use crate::model::indexset::IndexSet;

/// What shall be otherwise. What is not said stays.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Options {
    /// None: the next free `-rN`.
    pub name: Option<String>,
    /// Empty: none.
    pub queue: Option<String>,
    /// A WorkloadPriorityClass where it is queued, else a PriorityClass. Empty: none.
    pub priority: Option<String>,
    /// `IMAGE`, or `CONTAINER=IMAGE`.
    pub image: Option<String>,
    pub parallelism: Option<Count>,
    pub flavor: Option<Flavor>,
    /// Only the indexes that failed.
    pub failed_indexes: bool,
}

/// What would be submitted, and what to know of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    pub manifest: Value,
    /// Sentences.
    pub notes: Vec<String>,
}

/// Drafts it. `object`: as the server has it, or as it was kept; `workload`: Kueue's for it, where there is one; `failed`:
/// the indexes that are meant by [`Options::failed_indexes`], none: those its status names; `taken`: names in use.
///
/// # Errors
/// Why it cannot be, and what to do instead.
pub fn resubmit(
    object: &Value,
    workload: Option<&Value>,
    failed: Option<&IndexSet>,
    options: &Options,
    taken: impl Fn(&str) -> bool,
) -> Result<Draft, Refusal> {
    let old = object["metadata"]["name"].as_str().unwrap_or_default();
    if !object["metadata"].is_object() || !object["spec"].is_object() || old.is_empty() {
        return Err(
            Refusal::new("its manifest is not known: there is no metadata or no spec")
                .next("submit it from its file: jobdeck submit -f FILE"),
        );
    }
    let cleaned = clean(object, workload);
    let (mut manifest, mut notes) = (cleaned.manifest, cleaned.notes);
    if edit::kind(&manifest) == "CronJob" {
        notes.extend(twice(&manifest));
    }
    if edit::kind(&manifest) == "Pod" {
        notes.extend(alone(&mut manifest));
    }
    if options.failed_indexes {
        let own;
        let failed = match failed {
            Some(failed) => failed,
            None => {
                let (set, note) = indexes::failed(object)?;
                notes.extend(note);
                own = set;
                &own
            }
        };
        notes.extend(indexes::only(&mut manifest, failed)?);
    }
    notes.extend(apply(&mut manifest, options)?);
    let name = match &options.name {
        Some(name) => {
            validate::named(edit::kind(object), name)?;
            if taken(name) {
                let kind = edit::kind(object).to_lowercase();
                return Err(Refusal::new(format!("there is a {kind}/{name} already"))
                    .next("choose another name; without one the next free is taken"));
            }
            name.clone()
        }
        None => {
            let most = validate::longest(edit::kind(object));
            let mut name = next_name_within(old, most);
            while taken(&name) {
                name = next_name_within(&name, most);
            }
            name
        }
    };
    manifest["metadata"]["name"] = name.into();
    Ok(Draft { manifest, notes })
}

/// Applies what is not about name and indexes to any manifest.
///
/// # Errors
/// The kind has no such setting.
pub fn apply(manifest: &mut Value, options: &Options) -> Result<Vec<String>, Refusal> {
    let mut notes = Vec::new();
    if let Some(queue) = &options.queue {
        notes.extend(edit::queue(manifest, queue)?);
    }
    if let Some(class) = &options.priority {
        notes.extend(edit::priority(manifest, class)?);
    }
    if let Some(image) = &options.image {
        notes.extend(edit::image(manifest, image)?);
    }
    if let Some(count) = &options.parallelism {
        notes.extend(edit::parallelism(manifest, count)?);
    }
    if let Some(flavor) = &options.flavor {
        notes.extend(edit::flavor(manifest, flavor)?);
    }
    Ok(notes)
}

/// A second CronJob beside the first makes as many Jobs again.
fn twice(manifest: &Value) -> Option<String> {
    let schedule = manifest["spec"]["schedule"].as_str()?;
    Some(match manifest["spec"]["suspend"] == true {
        true => format!("it is held, as the first is; once resumed it makes Jobs at {schedule}"),
        false => format!(
            "both make Jobs at {schedule} as long as both are there; for one Job now it is triggered"
        ),
    })
}

/// A pod that was one of a group waits alone: for the others Kueue would wait for ever.
fn alone(manifest: &mut Value) -> Option<String> {
    const GROUP: &str = "kueue.x-k8s.io/pod-group-";
    let meta = manifest.get_mut("metadata")?.as_object_mut()?;
    let mut group = None;
    for field in ["labels", "annotations"] {
        let Some(all) = meta.get_mut(field).and_then(Value::as_object_mut) else {
            continue;
        };
        if let Some(name) = all.get("kueue.x-k8s.io/pod-group-name") {
            group = name.as_str().map(str::to_owned);
        }
        all.retain(|key, _| !key.starts_with(GROUP));
        if all.is_empty() {
            meta.remove(field);
        }
    }
    group.map(|group| format!("it was one of the pod group {group}; now it waits by itself"))
}
