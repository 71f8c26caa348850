//! PATCH: four formats, one flow.

use serde_json::{Value, json};

use super::Call;
use super::mutate::{same_name, shown, writer};
use super::reply::Reply;
use super::route::Target;
use crate::Shared;
use crate::api::decode;
use crate::api::options::{Validation, WriteOptions};
use crate::api::schema::{TypeId, decode as typed, schemas};
use crate::api::status::Cause;
use crate::api::write::{Cluster, Refusal};
use crate::api::{gojson, owned, patch, skeleton, write};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Json,
    Merge,
    Strategic,
    Apply,
}

pub fn answer(shared: &Shared, target: &Target, call: &Call) -> Result<Reply, Refusal> {
    let format = match call.content_type.as_str() {
        "application/json-patch+json" => Format::Json,
        "application/merge-patch+json" => Format::Merge,
        "application/strategic-merge-patch+json" if !target.kind.custom => Format::Strategic,
        "application/apply-patch+yaml" => Format::Apply,
        _ => {
            let why = if target.kind.custom {
                "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml"
            } else {
                "415: Unsupported Media Type"
            };
            return Err(Refusal::new(415, "UnsupportedMediaType", why));
        }
    };
    let options = WriteOptions::parse(&call.query, "PatchOptions", format == Format::Apply)?;
    let mut world = shared.lock();
    let cluster = world.cluster_mut();
    let done = if format == Format::Apply {
        apply(cluster, target, call, &options)?
    } else {
        change(cluster, target, call, &options, format)?
    };
    Ok(shown(
        cluster,
        target,
        call,
        done.code,
        done.value,
        &done.warnings,
    ))
}

struct Done {
    code: u16,
    value: Value,
    warnings: Vec<String>,
}

fn root(target: &Target) -> TypeId {
    let k = &target.kind;
    let found = schemas().root(&k.group, &k.version, &k.kind);
    found.unwrap_or(schemas().any())
}

/// A patched object as its kind's type has it, and what strict validation has against it.
fn decoded(cluster: &Cluster, target: &Target, made: &Value) -> Result<typed::Decoded, String> {
    if !target.kind.custom {
        return typed::typed(schemas(), root(target), made.clone());
    }
    let mut value = made.clone();
    let strict = cluster.structure(target.id, &target.kind, &mut value)?;
    Ok(typed::Decoded { value, strict })
}

fn change(
    cluster: &mut Cluster,
    target: &Target,
    call: &Call,
    options: &WriteOptions,
    format: Format,
) -> Result<Done, Refusal> {
    let kind = &target.kind;
    let old = cluster
        .store
        .get(target.id, &target.namespace, &target.name)
        .ok_or_else(|| Refusal::not_found(kind, &target.name))?;
    let old = cluster.shown_as(old, &kind.version);
    let body = parse(&call.body)?;
    let mut new = old.clone();
    match format {
        Format::Json => {
            if !body.is_array() {
                let found = if body.is_object() { "object" } else { "string" };
                return Err(Refusal::bad_request(format!(
                    "error decoding patch: json: cannot unmarshal {found} into Go value of type []handlers.jsonPatchOp"
                )));
            }
            patch::json(&mut new, &body).map_err(|_| {
                Refusal::generic(
                    422,
                    "Invalid",
                    "the server rejected our request due to an error in our request",
                )
            })?;
        }
        Format::Merge => patch::merge(&mut new, &body),
        _ => {
            if !body.is_object() {
                return Err(Refusal::bad_request(format!(
                    "error decoding patch: json: cannot unmarshal {} into Go value of type map[string]interface {{}}",
                    if body.is_array() { "array" } else { "string" }
                )));
            }
            patch::strategic(schemas(), root(target), &mut new, &body)
                .map_err(Refusal::internal)?;
        }
    }
    let decoded =
        decoded(cluster, target, &new).map_err(|why| bad_patch(&new, &body, format, &why))?;
    if options.validation == Validation::Strict && !decoded.strict.is_empty() {
        let why = format!("strict decoding error: {}", decoded.strict.join(", "));
        return Err(bad_patch(&new, &body, format, &why));
    }
    let warnings = if options.validation == Validation::Warn {
        decoded.strict
    } else {
        Vec::new()
    };
    let mut value = decoded.value;
    for field in ["apiVersion", "kind"] {
        value[field] = old[field].clone();
    }
    same_object(target, &old, &value)?;
    value["metadata"]["name"] = json!(target.name);
    // Only a version that the patch itself names is held against the stored one.
    let by = writer(call, options, &target.subresource);
    let ready = cluster.prepare_update(target.id, value, &by, None)?;
    let value = if options.dry_run {
        ready
    } else {
        cluster.commit_update(target.id, ready).value()
    };
    Ok(Done {
        code: 200,
        value,
        warnings,
    })
}

/// A patch may not give the object another name or UID.
fn same_object(target: &Target, old: &Value, value: &Value) -> Result<(), Refusal> {
    same_name(target, value)?;
    let uid = &value["metadata"]["uid"];
    if uid.is_string() && *uid != old["metadata"]["uid"] {
        let kind = &target.kind;
        let cause = Cause::invalid("metadata.uid", uid, "field is immutable");
        let causes = [cause.clone(), cause];
        return Err(Refusal::invalid(
            &kind.group,
            &kind.kind,
            &target.name,
            &causes,
        ));
    }
    Ok(())
}

/// Reads a JSON patch body.
fn parse(bytes: &[u8]) -> Result<Value, Refusal> {
    if let Some(why) = gojson::syntax_error(bytes) {
        return Err(Refusal::bad_request(format!("error decoding patch: {why}")));
    }
    serde_json::from_slice(bytes)
        .map_err(|e| Refusal::bad_request(format!("error decoding patch: {e}")))
}

/// The patch made an object that cannot be.
fn bad_patch(made: &Value, body: &Value, format: Format, why: &str) -> Refusal {
    let shown = match format {
        Format::Strategic => Value::String(patch::go_text(body)),
        _ => Value::String(made.to_string()),
    };
    let cause = Cause::invalid("patch", &shown, why);
    let mut refusal = Refusal::invalid("", "", "", &[cause]);
    refusal.message = format!(
        " \"\" is invalid: patch: {}",
        refusal.details["causes"][0]["message"]
            .as_str()
            .unwrap_or_default()
    );
    refusal
}

fn apply(
    cluster: &mut Cluster,
    target: &Target,
    call: &Call,
    options: &WriteOptions,
) -> Result<Done, Refusal> {
    let kind = &target.kind;
    let config = decode::yaml(&call.body)
        .map_err(|e| Refusal::bad_request(format!("error decoding YAML: {e}")))?;
    let types = cluster.types(target.id, kind);
    let place = write::place(&types, kind);
    let named = (config["apiVersion"].as_str(), config["kind"].as_str());
    if named.0.is_none() || named.1.is_none() {
        let version = named.0.map_or_else(|| "/".to_owned(), str::to_owned);
        return Err(Refusal::bad_request(format!(
            "invalid object type: {}",
            gvk(&version, named.1.unwrap_or_default())
        )));
    }
    if named.0 != Some(kind.api_version().as_str()) || named.1 != Some(kind.kind.as_str()) {
        return Err(Refusal::bad_request(format!(
            "incorrect type specified in apply patch. specified patch type: {}, expected patch type: {}",
            gvk(named.0.unwrap_or_default(), named.1.unwrap_or_default()),
            gvk(&kind.api_version(), &kind.kind)
        )));
    }
    if !config["metadata"]["managedFields"].is_null() {
        return Err(Refusal::bad_request("metadata.managedFields must be nil"));
    }
    same_name(target, &config)?;
    super::mutate::same_namespace(target, &config)?;
    let decoded = if kind.custom {
        let mistakes = owned::mistakes(&types, place, &config);
        if !mistakes.is_empty() {
            return Err(typed_patch(target, &config, &owned::joined(&mistakes)));
        }
        typed::Decoded {
            value: without_null_metadata(&config),
            strict: Vec::new(),
        }
    } else {
        typed::typed(schemas(), root(target), config.clone())
            .map_err(|why| typed_patch(target, &config, &why))?
    };
    if let Some(unknown) = decoded.strict.first() {
        let path = unknown.split('"').nth(1).unwrap_or_default();
        let what = if unknown.starts_with("unknown") {
            "field not declared in schema"
        } else {
            "duplicate field"
        };
        return Err(typed_patch(target, &config, &format!(".{path}: {what}")));
    }
    let by = writer(call, options, &target.subresource);
    let who = cluster.manager(kind, &by, owned::Operation::Apply);
    let stored = cluster
        .store
        .get(target.id, &target.namespace, &target.name)
        .cloned();
    let live = match &stored {
        Some(object) => cluster.shown_as(object, &kind.version),
        None if !target.subresource.is_empty() => {
            return Err(Refusal::not_found(kind, &target.name));
        }
        None => skeleton::empty(kind, false),
    };
    let wants = decoded.value["metadata"]["uid"].as_str();
    if stored.is_none() && wants.is_some() {
        let why =
            "uid mismatch: the provided object specified uid, and no existing object was found";
        return Err(Refusal::conflict(
            &kind.group,
            &kind.plural,
            &target.name,
            why,
        ));
    }
    let merged = owned::apply(&types, place, &live, &decoded.value, &who, options.force).map_err(
        |conflicts| {
            let (message, causes) = owned::conflict(&conflicts);
            let mut refusal = Refusal::new(409, "Conflict", message);
            refusal.details = json!({"causes": causes});
            refusal
        },
    )?;
    let managed = merged["metadata"]["managedFields"].clone();
    let mut value = merged;
    value["metadata"]["name"] = json!(target.name);
    if let Some(rv) = decoded.value["metadata"]["resourceVersion"].as_str() {
        value["metadata"]["resourceVersion"] = json!(rv);
    }
    let (code, value) = if stored.is_some() {
        let ready = cluster.prepare_update(target.id, value, &by, Some(managed))?;
        let value = if options.dry_run {
            ready
        } else {
            cluster.commit_update(target.id, ready).value()
        };
        (200, value)
    } else {
        let ns = &target.namespace;
        let ready = cluster.prepare_create(target.id, ns, value, &by, Some(managed))?;
        let value = if options.dry_run {
            ready
        } else {
            cluster.commit_create(target.id, ready).value()
        };
        (201, value)
    };
    Ok(Done {
        code,
        value,
        warnings: Vec::new(),
    })
}

/// `creationTimestamp: null`, which generators write, is nobody's field.
fn without_null_metadata(config: &Value) -> Value {
    let mut value = config.clone();
    if let Some(meta) = value["metadata"].as_object_mut() {
        meta.retain(|_, field| !field.is_null());
    }
    value
}

fn gvk(version: &str, kind: &str) -> String {
    format!("{version}, Kind={kind}")
}

fn typed_patch(target: &Target, config: &Value, why: &str) -> Refusal {
    let ns = config["metadata"]["namespace"].as_str().unwrap_or_default();
    let name = config["metadata"]["name"].as_str().unwrap_or_default();
    let version = target.kind.api_version();
    Refusal::internal(format!(
        "failed to create typed patch object ({ns}/{name}; {version}, Kind={}): {why}",
        target.kind.kind
    ))
}
