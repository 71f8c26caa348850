//! The requests that change something, one function each way. Nobody but the gate sends them.

use http::Method;
use serde_json::{Value, json};

use crate::actions::{Object, Write};
use crate::cluster::failure::Failure;
use crate::cluster::http::Ask;
use crate::cluster::kinds::entry;
use crate::cluster::source::Shared;

const JSON: &str = "application/json";
const MERGE: &str = "application/merge-patch+json";
/// Who changed a field, in its managedFields.
const MANAGER: &str = "fieldManager=jobdeck";

/// The path of an object, in the version that is served.
pub fn path(shared: &Shared, object: &Object) -> String {
    let entry = entry(object.kind);
    entry.object(shared.version(entry), &object.namespace, &object.name)
}

/// The object as the server has it.
pub async fn read(shared: &Shared, object: &Object) -> Result<Value, Failure> {
    shared.http.json(&Ask::get(path(shared, object))).await
}

/// What is asked of the server. `dry`: it says what it would do and does nothing.
pub fn ask(shared: &Shared, write: &Write, dry: bool) -> Ask {
    let all = if dry { "dryRun=All" } else { "" };
    let query = |with: &str| match (with, all) {
        ("", "") => String::new(),
        (one, "") | ("", one) => format!("?{one}"),
        (one, two) => format!("?{one}&{two}"),
    };
    let precondition = |object: &Object| match object.uid() {
        Some(uid) => json!({"uid": uid.to_string()}),
        None => json!({}),
    };
    match write {
        Write::Delete {
            object,
            propagation,
            grace,
        } => {
            let mut options = json!({
                "apiVersion": "v1",
                "kind": "DeleteOptions",
                "propagationPolicy": propagation.name(),
                "preconditions": precondition(object),
            });
            if let Some(grace) = grace {
                options["gracePeriodSeconds"] = (*grace).into();
            }
            if dry {
                options["dryRun"] = json!(["All"]);
            }
            Ask::send(Method::DELETE, path(shared, object), JSON, &options)
        }
        Write::Evict { object } => {
            let mut eviction = json!({
                "apiVersion": "policy/v1",
                "kind": "Eviction",
                "metadata": {"name": &*object.name, "namespace": &*object.namespace},
                "deleteOptions": {"preconditions": precondition(object)},
            });
            if dry {
                eviction["deleteOptions"]["dryRun"] = json!(["All"]);
            }
            let path = format!("{}/eviction{}", path(shared, object), query(""));
            Ask::send(Method::POST, path, JSON, &eviction)
        }
        Write::Patch { object, body } => {
            let path = format!("{}{}", path(shared, object), query(MANAGER));
            Ask::send(Method::PATCH, path, MERGE, body)
        }
        Write::Create { object, manifest } => {
            let entry = entry(object.kind);
            let namespace = Some(&*object.namespace).filter(|n| !n.is_empty());
            // as the manifest itself says, where that is known: another version may mean other fields
            let said = manifest["apiVersion"].as_str().unwrap_or_default();
            let said = said.rsplit('/').next().unwrap_or_default();
            let version = match entry.versions.iter().find(|v| **v == said) {
                Some(version) => version,
                None => shared.version(entry),
            };
            // a misspelt field is an error, not a field less
            let query = query(&format!("{MANAGER}&fieldValidation=Strict"));
            let path = format!("{}{query}", entry.path(version, namespace));
            Ask::send(Method::POST, path, JSON, manifest)
        }
    }
}
