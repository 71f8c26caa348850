//! Kinds beyond the list: whatever a server serves can be submitted to it. Their facts are looked up once and kept for the
//! life of the program, so that a kind stays a plain value everywhere.

use std::sync::{Mutex, PoisonError};

use serde::Deserialize;

use super::{Entry, all};
use crate::actions::Refusal;
use crate::actions::outcome::Cause;
use crate::cluster::failure::Failure;
use crate::cluster::http::{Ask, Http};
use crate::cluster::wire::lax;
use crate::model::kind::{Other, OtherKind};
use crate::model::want::Kind;

/// Those met so far; as many as there are kinds in what was submitted.
static MET: Mutex<Vec<&'static Entry>> = Mutex::new(Vec::new());

/// The kind of our list that is called so, whether or not a server has it.
pub fn named(group: &str, version: &str, kind: &str) -> Option<Kind> {
    let lower = kind.to_lowercase();
    let mut all = all();
    let is = |entry: &&Entry| {
        entry.group == group && entry.kind.singular() == lower && entry.versions.contains(&version)
    };
    all.find(is).map(|entry| entry.kind)
}

/// The kind of a manifest as far as it is known without asking anybody: one of the list, or one that was met.
pub fn known(api_version: &str, kind: &str) -> Option<Kind> {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let met = || {
        let met = MET.lock().unwrap_or_else(PoisonError::into_inner);
        let mut kinds = met.iter().map(|entry| entry.kind);
        kinds.find(|known| match known {
            Kind::Other(other) => {
                (other.group, other.version, other.kind) == (group, version, kind)
            }
            _ => false,
        })
    };
    named(group, version, kind).or_else(met)
}

/// The entry of such a kind.
pub fn entry(kind: OtherKind) -> &'static Entry {
    let mut met = MET.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = met.iter().find(|entry| entry.kind == Kind::Other(kind)) {
        return known;
    }
    let entry = Entry {
        kind: Kind::Other(kind),
        group: kind.group,
        versions: Box::leak(Box::new([kind.version])),
        namespaced: kind.namespaced,
        batch: None,
    };
    let entry: &'static Entry = Box::leak(Box::new(entry));
    met.push(entry);
    entry
}

fn keep(text: &str) -> &'static str {
    Box::leak(text.to_owned().into_boxed_str())
}

fn met(group: &str, version: &str, found: &Resource) -> Kind {
    let known = MET.lock().unwrap_or_else(PoisonError::into_inner);
    let is = |entry: &&&Entry| match entry.kind {
        Kind::Other(kind) => {
            (kind.group, kind.version, kind.kind) == (group, version, found.kind.as_str())
                && (kind.plural, kind.namespaced) == (found.name.as_str(), found.namespaced)
        }
        _ => false,
    };
    if let Some(entry) = known.iter().find(is) {
        return entry.kind;
    }
    drop(known);
    let other = Other {
        group: keep(group),
        version: keep(version),
        kind: keep(&found.kind),
        plural: keep(&found.name),
        namespaced: found.namespaced,
    };
    let kind = OtherKind(Box::leak(Box::new(other)));
    // known from now on
    entry(kind).kind
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct List {
    #[serde(deserialize_with = "lax::list")]
    resources: Vec<Resource>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Resource {
    #[serde(deserialize_with = "lax::text")]
    name: String,
    #[serde(deserialize_with = "lax::text")]
    kind: String,
    #[serde(deserialize_with = "lax::flag")]
    namespaced: bool,
    #[serde(deserialize_with = "lax::texts")]
    verbs: Vec<String>,
}

/// The kind that a manifest says, as this server serves it.
///
/// # Errors
/// It does not, and what it has instead.
pub async fn served(http: &Http, api_version: &str, kind: &str) -> Result<Kind, (Cause, Refusal)> {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let path = match group {
        "" => format!("/api/{version}"),
        group => format!("/apis/{group}/{version}"),
    };
    let path = path.replace(
        |c: char| c.is_control() || matches!(c, ' ' | '?' | '#' | '%'),
        "_",
    );
    let ours = named(group, version, kind);
    let list: List = match http.json(&Ask::get(path)).await {
        Ok(list) => list,
        Err(Failure::Status { code: 403, .. }) if ours.is_some() => {
            // who may not look may still write
            return ours.ok_or_else(|| (Cause::Forbidden, Refusal::new("")));
        }
        Err(Failure::Status { code: 404, .. }) => {
            let why = format!("this cluster does not serve {api_version} (kind {kind})");
            let next = match group {
                "" => "check apiVersion".to_owned(),
                group => format!(
                    "is {group} installed in it, and in this version? kubectl api-versions says"
                ),
            };
            return Err((Cause::Refused, Refusal::new(why).next(next)));
        }
        Err(failure) => {
            let why = format!("what {api_version} serves cannot be asked: {failure}");
            let cause = match failure.code() {
                Some(403) => Cause::Forbidden,
                _ => Cause::Unreachable,
            };
            return Err((cause, Refusal::new(why)));
        }
    };
    let whole = |r: &&Resource| !r.name.contains('/');
    let found = list.resources.iter().filter(whole).find(|r| r.kind == kind);
    match found {
        Some(found) if found.verbs.iter().any(|verb| verb == "create") => {
            Ok(ours.unwrap_or_else(|| met(group, version, found)))
        }
        Some(_) => Err((
            Cause::Refused,
            Refusal::new(format!("a {kind} cannot be made by anybody")),
        )),
        None => {
            let mut kinds: Vec<&str> = (list.resources.iter().filter(whole))
                .map(|r| r.kind.as_str())
                .collect();
            kinds.sort_unstable();
            kinds.dedup();
            let same = kinds.iter().find(|k| k.eq_ignore_ascii_case(kind));
            let next = match same {
                Some(same) => format!("write kind: {same}"),
                None => format!("it has {}", kinds.join(", ")),
            };
            let why = format!("{api_version} has no kind {kind} in this cluster");
            Err((Cause::Refused, Refusal::new(why).next(next)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_of_the_list_are_found_and_others_are_kept_once() {
        assert_eq!(named("batch", "v1", "Job"), Some(Kind::Job));
        assert_eq!(named("", "v1", "Pod"), Some(Kind::Pod));
        let torch = named("kubeflow.org", "v1", "PyTorchJob");
        assert_eq!(torch.map(Kind::plural), Some("pytorchjobs"));
        assert_eq!(named("batch", "v2", "Job"), None);
        assert_eq!(named("", "v1", "ConfigMap"), None);
        let found = Resource {
            name: "configmaps".into(),
            kind: "ConfigMap".into(),
            namespaced: true,
            verbs: Vec::new(),
        };
        let kind = met("", "v1", &found);
        let line = super::super::entry(kind);
        assert_eq!(
            line.path("v1", Some("ml")),
            "/api/v1/namespaces/ml/configmaps"
        );
        assert_eq!((kind.singular().as_str(), kind.group()), ("configmap", ""));
        assert_eq!(known("v1", "ConfigMap"), Some(kind));
        assert_eq!(known("v2", "ConfigMap"), None);
        assert_eq!(known("batch/v1", "Job"), Some(Kind::Job));
        let again = met("", "v1", &found);
        assert_eq!(kind, again);
        assert!(std::ptr::eq(line, super::super::entry(again)));
    }
}
