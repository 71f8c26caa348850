//! Something deleted, made again: as a new object under a new name, because what follows a name (controllers, the
//! pods of the old one that still end) takes a new object of an old name for the old one.

use std::sync::Arc;

use serde_json::Value;

use super::clean::next_name;
use super::secrets::{Masked, fill};
use super::{Object, Refusal, Step};
use crate::model::want::Kind;

/// What the new object is to be called.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Naming {
    /// As before where that is safe (a CronJob), else the next free `-rN`.
    #[default]
    Safe,
    Same,
    As(String),
}

/// What cannot come back, said wherever something is undone.
pub const LOST: &str = "its pods, logs and status do not come back: it begins anew";

/// The step that makes it again. `given`: values for what was masked, by name. `taken`: names that are in use.
///
/// # Errors
/// A value is masked and not given.
pub fn again(
    kind: Kind,
    manifest: &Value,
    masked: &[Masked],
    given: &[(String, String)],
    naming: &Naming,
    taken: impl Fn(&str) -> bool,
) -> Result<Step, Refusal> {
    let mut manifest = manifest.clone();
    let next = "`jobdeck undo ID --set NAME=VALUE` takes them (mask-secrets = false under [actions] keeps them)";
    fill(&mut manifest, masked, given, next)?;
    let meta = &manifest["metadata"];
    let old = meta["name"].as_str().unwrap_or_default().to_owned();
    let namespace = meta["namespace"].as_str().unwrap_or_default().to_owned();
    let name = match naming {
        Naming::As(name) => name.clone(),
        Naming::Same => old,
        Naming::Safe if kind == Kind::CronJob && !taken(&old) => old,
        Naming::Safe => {
            let mut name = next_name(&old);
            while taken(&name) {
                name = next_name(&name);
            }
            name
        }
    };
    manifest["metadata"]["name"] = name.as_str().into();
    let object = Object {
        kind,
        namespace: namespace.into(),
        name: name.into(),
        key: None,
    };
    Ok(Step::create(object, Arc::new(manifest)))
}
