//! The few writes there are: each names the object by uid, so that a new one under an old name is never hit, and
//! says explicitly what becomes of dependents (the server's default for Jobs would orphan their pods).

use http::Method;
use serde_json::json;

use super::failure::Failure;
use super::http::{Ask, Http};
use super::kinds::entry;
use crate::model::ids::Uid;
use crate::model::want::ObjectWant;

fn path(object: &ObjectWant) -> String {
    let entry = entry(object.kind);
    entry.object(entry.versions[0], &object.namespace, &object.name)
}

/// Deletes the object; its dependents follow in the background.
///
/// # Errors
/// 404: it is gone already; 409: another object has its name.
pub async fn delete(http: &Http, object: &ObjectWant, uid: Uid) -> Result<(), Failure> {
    let options = json!({
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        "propagationPolicy": "Background",
        "preconditions": { "uid": uid.to_string() },
    });
    let ask = Ask::send(Method::DELETE, path(object), "application/json", &options);
    http.read(&ask).await.map(drop)
}

/// Suspends or resumes a Job or CronJob.
///
/// # Errors
/// 404: it is gone already; 422: another object has its name (its uid may not be changed).
pub async fn suspend(
    http: &Http,
    object: &ObjectWant,
    uid: Uid,
    suspended: bool,
) -> Result<(), Failure> {
    let patch = json!({
        // a uid in a patch must match the object's
        "metadata": { "uid": uid.to_string() },
        "spec": { "suspend": suspended },
    });
    let kind = "application/merge-patch+json";
    let ask = Ask::send(Method::PATCH, path(object), kind, &patch);
    http.read(&ask).await.map(drop)
}
