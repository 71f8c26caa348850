//! Subresources other than `status`: binding, eviction, scale, token, and the way to the logs.

use serde_json::{Value, json};

use super::Call;
use super::log;
use super::mutate::writer;
use super::reply::{self, Reply};
use super::route::Target;
use crate::Shared;
use crate::api::custom::Scale;
use crate::api::decode::{Expected, Media};
use crate::api::defaults;
use crate::api::options::WriteOptions;
use crate::api::patch;
use crate::api::write::{Delete, Refusal, Writer};
use crate::clock::rfc3339;

pub fn answer(shared: &Shared, target: &Target, call: &Call) -> Result<Reply, Refusal> {
    match (call.method.as_str(), target.subresource.as_str()) {
        ("GET", "log") => log::answer(shared, target, call),
        ("POST", "binding") => bind(shared, target, call),
        ("POST", "eviction") => evict(shared, target, call),
        ("POST", "token") => token(shared, target, call),
        ("GET" | "PUT" | "PATCH", "scale") => scale(shared, target, call),
        _ => Err(Refusal::method_not_allowed()),
    }
}

fn read(call: &Call, group: &str, kind: &str, definition: &str) -> Result<Value, Refusal> {
    let options = WriteOptions::parse(&call.query, "CreateOptions", false)?;
    let expected = Expected {
        group,
        version: "v1",
        kind,
        definition: Some(definition),
    };
    let media = Media::of(&call.content_type)?;
    Ok(expected.read(media, &call.body, options.validation)?.value)
}

fn stored(shared: &Shared, target: &Target) -> Result<Value, Refusal> {
    let world = shared.lock();
    let store = &world.cluster().store;
    let found = store.get(target.id, &target.namespace, &target.name);
    found
        .map(|o| o.value())
        .ok_or_else(|| Refusal::not_found(&target.kind, &target.name))
}

fn success() -> Reply {
    let status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201});
    reply::json(201, &status)
}

fn bind(shared: &Shared, target: &Target, call: &Call) -> Result<Reply, Refusal> {
    let binding = read(call, "", "Binding", "io.k8s.api.core.v1.Binding")?;
    let mut pod = stored(shared, target)?;
    let node = binding["target"]["name"].as_str().unwrap_or_default();
    if let Some(there) = pod["spec"]["nodeName"].as_str().filter(|n| !n.is_empty()) {
        let why = format!(
            "pod {} is already assigned to node \"{there}\"",
            target.name
        );
        return Err(Refusal::conflict("", "pods/binding", &target.name, &why));
    }
    let mut world = shared.lock();
    let cluster = world.cluster_mut();
    pod["spec"]["nodeName"] = json!(node);
    let labels = cluster
        .store
        .kind_id("", "nodes")
        .and_then(|id| cluster.store.get(id, "", node))
        .map(|n| n.labels.clone())
        .unwrap_or_default();
    for key in [
        "topology.kubernetes.io/region",
        "topology.kubernetes.io/zone",
    ] {
        if let Some(value) = labels.get(key) {
            pod["metadata"]["labels"][key] = json!(value);
        }
    }
    let now = rfc3339(cluster.clock.now());
    set_condition(
        &mut pod,
        json!({"type": "PodScheduled", "status": "True", "lastProbeTime": null, "lastTransitionTime": now}),
    );
    cluster.update(target.id, pod, &Writer::new("kube-scheduler"))?;
    Ok(success())
}

fn set_condition(pod: &mut Value, condition: Value) {
    match pod["status"]["conditions"].as_array_mut() {
        Some(all) => {
            all.retain(|c| c["type"] != condition["type"]);
            all.push(condition);
        }
        None => pod["status"]["conditions"] = json!([condition]),
    }
}

fn evict(shared: &Shared, target: &Target, call: &Call) -> Result<Reply, Refusal> {
    let eviction = read(call, "policy", "Eviction", "io.k8s.api.policy.v1.Eviction")?;
    let name = eviction["metadata"]["name"].as_str().unwrap_or_default();
    if !name.is_empty() && name != target.name {
        return Err(Refusal::bad_request(
            "name in URL does not match name in Eviction object",
        ));
    }
    let mut pod = stored(shared, target)?;
    let options = &eviction["deleteOptions"];
    let text = |v: &Value| v.as_str().map(str::to_owned);
    let how = Delete {
        grace_seconds: options["gracePeriodSeconds"].as_i64(),
        uid: text(&options["preconditions"]["uid"]),
        resource_version: None,
        propagation: text(&options["propagationPolicy"]),
    };
    let mut world = shared.lock();
    let cluster = world.cluster_mut();
    let now = rfc3339(cluster.clock.now());
    let over = matches!(
        pod["status"]["phase"].as_str(),
        Some("Succeeded" | "Failed")
    );
    if !over && pod["metadata"]["deletionTimestamp"].is_null() {
        let generation = pod["metadata"]["generation"].clone();
        let mut condition = json!({
            "type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI",
            "message": "Eviction API: evicting", "lastProbeTime": null, "lastTransitionTime": now,
        });
        if generation.is_i64() {
            condition["observedGeneration"] = generation;
        }
        set_condition(&mut pod, condition);
        let by = Writer::status(call.user_agent.split('/').next().unwrap_or_default());
        cluster.update(target.id, pod, &by)?;
    }
    cluster.delete(target.id, &target.namespace, &target.name, &how)?;
    Ok(success())
}

fn token(shared: &Shared, target: &Target, call: &Call) -> Result<Reply, Refusal> {
    let definition = "io.k8s.api.authentication.v1.TokenRequest";
    let asked = read(call, "authentication.k8s.io", "TokenRequest", definition)?;
    stored(shared, target)?;
    let mut world = shared.lock();
    let cluster = world.cluster_mut();
    let seconds = asked["spec"]["expirationSeconds"].as_i64().unwrap_or(3600);
    let until = cluster.clock.now() + chrono::TimeDelta::seconds(seconds);
    let mut answer = asked;
    answer["kind"] = json!("TokenRequest");
    answer["apiVersion"] = json!("authentication.k8s.io/v1");
    // The demo asks nobody for credentials; the token opens nothing.
    let text = format!("demo-{}", cluster.random.uuid());
    answer["status"] = json!({"token": text, "expirationTimestamp": rfc3339(until)});
    Ok(reply::json(201, &answer))
}

fn scale(shared: &Shared, target: &Target, call: &Call) -> Result<Reply, Refusal> {
    let mut world = shared.lock();
    let cluster = world.cluster_mut();
    let stored = cluster
        .store
        .get(target.id, &target.namespace, &target.name)
        .ok_or_else(|| Refusal::not_found(&target.kind, &target.name))?;
    let mut object = cluster.shown_as(stored, &target.kind.version);
    let own = cluster.custom.version(target.id, &target.kind.version);
    let paths = own.and_then(|v| v.scale.clone()).unwrap_or_else(|| Scale {
        spec: ".spec.replicas".to_owned(),
        status: ".status.replicas".to_owned(),
        selector: String::new(),
    });
    let shown = scale_of(&object, &paths);
    if call.method == "GET" {
        return Ok(reply::json(200, &shown));
    }
    let options = WriteOptions::parse(&call.query, "UpdateOptions", false)?;
    let wanted = if call.method == "PUT" {
        read(
            call,
            "autoscaling",
            "Scale",
            "io.k8s.api.autoscaling.v1.Scale",
        )?
    } else {
        let body: Value = serde_json::from_slice(&call.body)
            .map_err(|e| Refusal::bad_request(format!("error decoding patch: {e}")))?;
        let mut new = shown;
        if body.is_array() {
            patch::json(&mut new, &body).map_err(Refusal::bad_request)?;
        } else {
            patch::merge(&mut new, &body);
        }
        new
    };
    let replicas = wanted["spec"]["replicas"].as_i64().unwrap_or_default();
    let mut at = &mut object;
    for field in fields(&paths.spec) {
        at = defaults::child(at, field);
    }
    *at = json!(replicas);
    let by = writer(call, &options, "scale");
    let ready = cluster.prepare_update(target.id, object, &by, None)?;
    let value = if options.dry_run {
        ready
    } else {
        cluster.commit_update(target.id, ready).value()
    };
    Ok(reply::json(200, &scale_of(&value, &paths)))
}

/// The names in a simple JSON path.
fn fields(path: &str) -> impl Iterator<Item = &str> {
    path.split('.').filter(|field| !field.is_empty())
}

fn scale_of(object: &Value, paths: &Scale) -> Value {
    let meta = &object["metadata"];
    let at = |path: &str| fields(path).fold(object, |v, field| &v[field]);
    let mut out = json!({
        "kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": {},
        "spec": {"replicas": at(&paths.spec).as_i64().unwrap_or_default()},
        "status": {"replicas": at(&paths.status).as_i64().unwrap_or_default()},
    });
    if !paths.selector.is_empty()
        && let Some(selector) = at(&paths.selector).as_str()
    {
        out["status"]["selector"] = json!(selector);
    }
    for field in [
        "name",
        "namespace",
        "uid",
        "resourceVersion",
        "creationTimestamp",
    ] {
        if !meta[field].is_null() {
            out["metadata"][field] = meta[field].clone();
        }
    }
    out
}
