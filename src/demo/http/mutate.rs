//! POST, PUT, PATCH and DELETE, and the reviews.

use serde_json::{Value, json};

use super::Call;
use super::discovery::review_kind;
use super::read::answer_object;
use super::reply::{self, Reply};
use super::route::Target;
use crate::demo::Shared;
use crate::demo::api::status;
use crate::demo::api::write::{Delete, Refusal, Writer};

pub fn answer(shared: &Shared, target: &Target, call: &Call) -> Result<Reply, Refusal> {
    let named = !target.name.is_empty();
    match (call.method.as_str(), target.subresource.as_str()) {
        ("POST", "") if !named => create(shared, target, call),
        ("DELETE", "") if named => delete(shared, target),
        _ => Err(Refusal::method_not_allowed()),
    }
}

fn create(shared: &Shared, target: &Target, call: &Call) -> Result<Reply, Refusal> {
    let value: Value =
        serde_json::from_slice(&call.body).map_err(|e| Refusal::bad_request(e.to_string()))?;
    let mut world = shared.lock();
    let manager = call.user_agent.split('/').next().unwrap_or_default();
    let object =
        world
            .cluster_mut()
            .create(target.id, &target.namespace, value, &Writer::new(manager))?;
    let value = object.value();
    Ok(answer_object(
        world.cluster(),
        target,
        &call.query,
        call.form,
        201,
        &value,
    ))
}

fn delete(shared: &Shared, target: &Target) -> Result<Reply, Refusal> {
    let mut world = shared.lock();
    let cluster = world.cluster_mut();
    let old = cluster
        .store
        .get(target.id, &target.namespace, &target.name)
        .ok_or_else(|| Refusal::not_found(&target.kind, &target.name))?
        .clone();
    let how = Delete::default();
    cluster.delete(target.id, &target.namespace, &target.name, &how)?;
    Ok(reply::json(
        200,
        &status::deleted(&target.kind, &target.name, &old.uid),
    ))
}

/// The create-only resources: everything is allowed to everybody.
pub fn review(_: &Shared, plural: &str, call: &Call) -> Result<Reply, Refusal> {
    if call.method != "POST" {
        return Err(Refusal::method_not_allowed());
    }
    let asked: Value =
        serde_json::from_slice(&call.body).map_err(|e| Refusal::bad_request(e.to_string()))?;
    let kind = review_kind(plural);
    let group = if plural == "selfsubjectreviews" {
        "authentication.k8s.io/v1"
    } else {
        "authorization.k8s.io/v1"
    };
    let status = match kind {
        "SelfSubjectRulesReview" => json!({
            "resourceRules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}],
            "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
            "incomplete": false,
        }),
        "SelfSubjectReview" => json!({"userInfo": {
            "username": "demo", "groups": ["system:masters", "system:authenticated"],
        }}),
        _ => json!({"allowed": true}),
    };
    let mut answer = json!({"kind": kind, "apiVersion": group, "metadata": {}, "status": status});
    if asked["spec"].is_object() {
        answer["spec"] = asked["spec"].clone();
    }
    Ok(reply::json(201, &answer))
}
