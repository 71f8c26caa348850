//! POST, PUT, PATCH and DELETE of objects.

use serde_json::{Value, json};

use super::read::{answer_object, seen};
use super::reply::{self, Reply};
use super::route::Target;
use super::{Call, collection, subresource};
use crate::Shared;
use crate::api::decode::{self, Media};
use crate::api::options::{Validation, WriteOptions};
use crate::api::status::Cause;
use crate::api::write::{Cluster, Delete, Refusal, Writer};
use crate::api::{custom, delete as deletion, status};
use crate::store::Kind;

pub fn answer(shared: &Shared, target: &Target, call: &Call) -> Result<Reply, Refusal> {
    let named = !target.name.is_empty();
    if target.watch {
        return Err(Refusal::method_not_allowed());
    }
    match (call.method.as_str(), target.subresource.as_str()) {
        ("POST", "") if !named => create(shared, target, call),
        ("PUT", "" | "status" | "finalize") if named => replace(shared, target, call),
        ("PATCH", "" | "status") if named => super::patch::answer(shared, target, call),
        ("DELETE", "") if named => delete(shared, target, call),
        ("DELETE", "") => collection::delete(shared, target, call),
        (_, sub) if named && !sub.is_empty() => subresource::answer(shared, target, call),
        _ => Err(Refusal::method_not_allowed()),
    }
}

/// Who writes: the named field manager, or the first word of the user agent.
pub fn writer(call: &Call, options: &WriteOptions, sub: &str) -> Writer {
    let manager = if options.field_manager.is_empty() {
        call.user_agent.split('/').next().unwrap_or("unknown")
    } else {
        &options.field_manager
    };
    Writer {
        manager: manager.to_owned(),
        subresource: sub.to_owned(),
    }
}

/// The object's namespace must be that of the URL, if it has one.
pub fn same_namespace(target: &Target, value: &Value) -> Result<(), Refusal> {
    let inside = value["metadata"]["namespace"].as_str().unwrap_or_default();
    if !inside.is_empty() && inside != target.namespace {
        return Err(Refusal::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        ));
    }
    Ok(())
}

pub fn same_name(target: &Target, value: &Value) -> Result<(), Refusal> {
    let inside = value["metadata"]["name"].as_str().unwrap_or_default();
    if !inside.is_empty() && inside != target.name {
        return Err(Refusal::bad_request(format!(
            "the name of the object ({inside}) does not match the name on the URL ({})",
            target.name
        )));
    }
    Ok(())
}

/// An answer with an object, in the form that was asked for.
pub fn shown(
    cluster: &Cluster,
    target: &Target,
    call: &Call,
    code: u16,
    value: Value,
    warnings: &[String],
) -> Reply {
    let mut value = value;
    if target.newer_events {
        value = crate::api::events::newer(value);
    } else {
        cluster.convert(target.id, &target.kind.version, &mut value);
    }
    let mut reply = answer_object(cluster, target, &call.query, call.form, code, &value);
    reply::warn(&mut reply, warnings);
    reply
}

/// The body of a write; custom kinds have their say about its fields.
fn decoded(
    cluster: &Cluster,
    target: &Target,
    media: Media,
    call: &Call,
    options: &WriteOptions,
) -> Result<decode::Body, Refusal> {
    let how = options.validation;
    let lax = if target.kind.custom {
        Validation::Warn
    } else {
        how
    };
    let mut body = decode::object(&target.kind, target.newer_events, media, &call.body, lax)?;
    if !target.kind.custom {
        return Ok(body);
    }
    let (kind, version) = (&target.kind.kind, &target.kind.version);
    let refuse = |why: &str| {
        Refusal::bad_request(format!(
            "{kind} in version \"{version}\" cannot be handled as a {kind}: {why}"
        ))
    };
    body.value["apiVersion"] = json!(target.kind.api_version());
    let unknown = cluster.structure(target.id, &target.kind, &mut body.value);
    body.warnings.extend(unknown.map_err(|why| refuse(&why))?);
    match how {
        Validation::Strict if !body.warnings.is_empty() => {
            let all = body.warnings.join(", ");
            return Err(refuse(&format!("strict decoding error: {all}")));
        }
        Validation::Ignore => body.warnings.clear(),
        _ => {}
    }
    Ok(body)
}

fn create(shared: &Shared, target: &Target, call: &Call) -> Result<Reply, Refusal> {
    let media = Media::of(&call.content_type)?;
    let options = WriteOptions::parse(&call.query, "CreateOptions", false)?;
    if target.kind.namespaced && target.namespace.is_empty() {
        // Posting to all namespaces: nobody answers that.
        return Err(Refusal::method_not_allowed());
    }
    let mut world = shared.lock();
    let cluster = world.cluster_mut();
    let body = decoded(cluster, target, media, call, &options)?;
    same_namespace(target, &body.value)?;
    let by = writer(call, &options, "");
    let mut warnings = body.warnings;
    warnings.extend(name_warning(&target.kind, &body.value));
    let ready = cluster.prepare_create(target.id, &target.namespace, body.value, &by, None)?;
    let value = if options.dry_run {
        ready
    } else {
        cluster.commit_create(target.id, ready).value()
    };
    Ok(shown(cluster, target, call, 201, value, &warnings))
}

/// Names that are allowed but make bad host names.
fn name_warning(kind: &Kind, value: &Value) -> Option<String> {
    let name = value["metadata"]["name"]
        .as_str()
        .filter(|n| !n.is_empty())?;
    let wrong = crate::api::names::dns_label(name);
    let pods = matches!(kind.kind.as_str(), "Pod" | "Job" | "CronJob" | "Deployment");
    (pods && !wrong.is_empty() && crate::api::names::dns_subdomain(name).is_empty()).then(
        || {
            let place = if kind.kind == "Pod" {
                "this is used in the Pod's hostname"
            } else {
                "this is used in Pod names and hostnames"
            };
            format!(
                "metadata.name: {place}, which can result in surprising behavior; a DNS label is recommended: [{}]",
                wrong.join(" ")
            )
        },
    )
}

fn replace(shared: &Shared, target: &Target, call: &Call) -> Result<Reply, Refusal> {
    let media = Media::of(&call.content_type)?;
    let options = WriteOptions::parse(&call.query, "UpdateOptions", false)?;
    let mut world = shared.lock();
    let cluster = world.cluster_mut();
    let body = decoded(cluster, target, media, call, &options)?;
    let mut value = body.value;
    same_namespace(target, &value)?;
    same_name(target, &value)?;
    let definition = custom::definition::is_definition(&target.kind);
    let rv = value["metadata"]["resourceVersion"].as_str();
    if (target.kind.custom || definition) && rv.is_none_or(str::is_empty) {
        let there = cluster
            .store
            .get(target.id, &target.namespace, &target.name);
        there.ok_or_else(|| Refusal::not_found(&target.kind, &target.name))?;
        let why = "must be specified for an update";
        let cause = Cause::invalid("metadata.resourceVersion", &json!(0), why);
        let (group, plural) = (&target.kind.group, &target.kind.plural);
        return Err(Refusal::invalid(group, plural, &target.name, &[cause]));
    }
    let meta = crate::api::defaults::child(&mut value, "metadata");
    meta["name"] = json!(target.name);
    if target.kind.namespaced {
        meta["namespace"] = json!(target.namespace);
    }
    let by = writer(call, &options, &target.subresource);
    let ready = cluster.prepare_update(target.id, value, &by, None)?;
    let value = if options.dry_run {
        ready
    } else {
        cluster.commit_update(target.id, ready).value()
    };
    Ok(shown(cluster, target, call, 200, value, &body.warnings))
}

/// DeleteOptions, from the body and, where there is none, from the query.
pub struct DeleteCall {
    pub how: Delete,
    pub dry_run: bool,
    pub warnings: Vec<String>,
}

pub fn delete_options(target: &Target, call: &Call) -> Result<DeleteCall, Refusal> {
    let expected = decode::Expected {
        group: "",
        version: "v1",
        kind: "DeleteOptions",
        definition: Some("io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions"),
    };
    let mut how = Delete::default();
    let mut dry: Vec<String> = call.query.all("dryRun").map(str::to_owned).collect();
    let text = |v: &Value| v.as_str().map(str::to_owned);
    if call.body.is_empty() {
        how.propagation = call
            .query
            .get("propagationPolicy")
            .filter(|p| !p.is_empty())
            .map(str::to_owned);
        how.grace_seconds = call.query.number("gracePeriodSeconds")?;
        if how.propagation.is_none()
            && let Some(orphan) = call.query.get("orphanDependents")
        {
            how.propagation = orphan_policy(orphan == "true");
        }
    } else {
        let media = Media::of(&call.content_type)?;
        let lax = crate::api::options::Validation::Ignore;
        // Any group's DeleteOptions are the same.
        let mut raw = call.body.to_vec();
        if media == Media::Json
            && let Ok(mut value) = serde_json::from_slice::<Value>(&raw)
            && value["kind"] == "DeleteOptions"
        {
            value["apiVersion"] = json!("v1");
            raw = value.to_string().into_bytes();
        }
        let options = expected.read(media, &raw, lax)?.value;
        how.propagation = text(&options["propagationPolicy"]);
        how.grace_seconds = options["gracePeriodSeconds"].as_i64();
        how.uid = text(&options["preconditions"]["uid"]);
        how.resource_version = text(&options["preconditions"]["resourceVersion"]);
        if how.propagation.is_none() {
            how.propagation = options["orphanDependents"]
                .as_bool()
                .and_then(orphan_policy);
        }
        dry.extend(
            options["dryRun"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(text),
        );
    }
    let (dry_run, causes) = crate::api::options::dry_run(dry.iter().map(String::as_str));
    if !causes.is_empty() {
        return Err(Refusal::invalid(
            "meta.k8s.io",
            "DeleteOptions",
            "",
            &causes,
        ));
    }
    how.check()?;
    let job = target.kind.group == "batch" && target.kind.kind == "Job";
    let warnings = if job && how.propagation.is_none() {
        vec![deletion::ORPHANS.to_owned()]
    } else {
        Vec::new()
    };
    Ok(DeleteCall {
        how,
        dry_run,
        warnings,
    })
}

fn orphan_policy(orphan: bool) -> Option<String> {
    Some(if orphan { "Orphan" } else { "Background" }.to_owned())
}

fn delete(shared: &Shared, target: &Target, call: &Call) -> Result<Reply, Refusal> {
    let options = delete_options(target, call)?;
    let mut world = shared.lock();
    let cluster = world.cluster_mut();
    let result = remove(cluster, target, &options);
    let mut reply = match result {
        Ok(value) if value["kind"] == "Status" => reply::json(200, &value),
        Ok(value) => answer_object(cluster, target, &call.query, call.form, 200, &value),
        Err(refusal) => reply::refused(&refusal),
    };
    reply::warn(&mut reply, &options.warnings);
    Ok(reply)
}

/// Deletes and answers what the server answers: the object if it stays (or is of a kind that says goodbye
/// with itself), else a Status.
fn remove(cluster: &mut Cluster, target: &Target, call: &DeleteCall) -> Result<Value, Refusal> {
    let (ns, name) = (target.namespace.as_str(), target.name.as_str());
    let before = cluster
        .store
        .get(target.id, ns, name)
        .cloned()
        .ok_or_else(|| Refusal::not_found(&target.kind, name))?;
    let left = if call.dry_run {
        cluster.prepare_delete(target.id, ns, name, &call.how)?
    } else {
        let left = cluster.delete(target.id, ns, name, &call.how)?;
        left.map(|o| seen(cluster, target, &o))
    };
    let shows_itself = target.kind.group.is_empty()
        && matches!(
            target.kind.kind.as_str(),
            "Pod"
                | "PersistentVolumeClaim"
                | "PersistentVolume"
                | "PodTemplate"
                | "ResourceQuota"
                | "Service"
                | "ServiceAccount"
                | "Namespace"
        );
    Ok(match left {
        Some(value) => value,
        None if shows_itself => seen(cluster, target, &before),
        None => status::deleted(&target.kind, name, &before.uid),
    })
}
