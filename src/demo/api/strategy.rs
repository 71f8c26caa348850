//! What a kind's registry does to an object around a write: what is reset, derived and counted.

use serde_json::{Map, Value, json};

use super::custom::definition;
use super::defaults::child;
use super::write::Cluster;
use crate::store::Kind;

/// Times that the API shows even where they are not set.
const OPEN: [&str; 5] = [
    "eventTime",
    "firstTimestamp",
    "lastProbeTime",
    "lastTimestamp",
    "lastTransitionTime",
];

/// Takes nulls away, as a typed server would on the way in.
pub fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|key, v| !v.is_null() || OPEN.contains(&key.as_str()));
            map.values_mut().for_each(drop_nulls);
        }
        Value::Array(list) => list.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

/// Takes away what a creator may not set.
pub fn reset_metadata(meta: &mut Value) {
    if let Some(meta) = meta.as_object_mut() {
        for field in [
            "uid",
            "resourceVersion",
            "generation",
            "creationTimestamp",
            "deletionTimestamp",
            "deletionGracePeriodSeconds",
            "selfLink",
            "managedFields",
        ] {
            meta.remove(field);
        }
    }
}

/// Takes the status away from a new object whose status is a subresource.
pub fn reset_status(kind: &Kind, value: &mut Value) {
    // A node registers with its status, and volumes and namespaces get theirs from defaults.
    let kept = kind.group.is_empty() && ["Node"].contains(&kind.kind.as_str());
    if !kind.status || kept {
        return;
    }
    if kind.custom {
        if let Some(fields) = value.as_object_mut() {
            fields.remove("status");
        }
    } else {
        value["status"] = json!({});
    }
}

fn counts_generations(kind: &Kind) -> bool {
    kind.custom
        || kind.group == "batch"
        || kind.group == "apps"
        || matches!(
            kind.kind.as_str(),
            "Pod"
                | "ReplicationController"
                | "PodDisruptionBudget"
                | "PriorityClass"
                | "Ingress"
                | "IngressClass"
                | "NetworkPolicy"
                | "EndpointSlice"
                | "CustomResourceDefinition"
                | "ResourceSlice"
                | "DeviceClass"
        )
}

/// Last touches to a new object: it has its name and UID now. `bare` tells that it came without labels.
pub fn prepare_create(cluster: &mut Cluster, kind: &Kind, value: &mut Value, bare: bool) {
    if counts_generations(kind) {
        value["metadata"]["generation"] = json!(1);
    }
    if kind.custom {
        return;
    }
    match (kind.group.as_str(), kind.kind.as_str()) {
        ("batch", "Job") if value["spec"]["manualSelector"] != true => {
            generate_selector(value);
            if bare {
                // Its labels are its template's, the generated ones included.
                let labels = value["spec"]["template"]["metadata"]["labels"].clone();
                value["metadata"]["labels"] = labels;
            }
        }
        ("", "Pod") => {
            value["status"] = json!({"phase": "Pending", "qosClass": qos(&value["spec"])});
        }
        ("", "Namespace") => {
            let spec = child(value, "spec");
            let finalizers = spec["finalizers"].as_array().cloned().unwrap_or_default();
            if !finalizers.iter().any(|f| f == "kubernetes") {
                let mut all = finalizers;
                all.push(json!("kubernetes"));
                spec["finalizers"] = Value::Array(all);
            }
        }
        ("apiextensions.k8s.io", _) => definition::fresh(value),
        ("", "Service") => allocate_address(cluster, child(value, "spec")),
        ("", "Secret") => encode_strings(value),
        _ => {}
    }
}

/// The labels by which a Job finds its pods.
fn generate_selector(job: &mut Value) {
    let text = |v: &Value| json!(v.as_str().unwrap_or_default());
    let (name, uid) = (
        text(&job["metadata"]["name"]),
        text(&job["metadata"]["uid"]),
    );
    let spec = child(job, "spec");
    let meta = child(child(spec, "template"), "metadata");
    let labels = child(meta, "labels");
    for (key, value) in [
        ("job-name", &name),
        ("batch.kubernetes.io/job-name", &name),
        ("controller-uid", &uid),
        ("batch.kubernetes.io/controller-uid", &uid),
    ] {
        if labels[key].is_null() {
            labels[key] = value.clone();
        }
    }
    let matched = child(child(spec, "selector"), "matchLabels");
    if matched["batch.kubernetes.io/controller-uid"].is_null() {
        matched["batch.kubernetes.io/controller-uid"] = uid;
    }
}

/// The quality-of-service class of a pod.
fn qos(spec: &Value) -> &'static str {
    let (mut any, mut guaranteed) = (false, true);
    for field in ["containers", "initContainers"] {
        for c in spec[field].as_array().into_iter().flatten() {
            let (limits, requests) = (&c["resources"]["limits"], &c["resources"]["requests"]);
            for resource in ["cpu", "memory"] {
                let (limit, request) = (&limits[resource], &requests[resource]);
                let set = |v: &Value| v.as_str().is_some_and(|q| q != "0");
                any |= set(limit) || set(request);
                guaranteed &= set(limit) && limit == request;
            }
        }
    }
    match (any, guaranteed) {
        (false, _) => "BestEffort",
        (true, true) => "Guaranteed",
        (true, false) => "Burstable",
    }
}

fn allocate_address(cluster: &mut Cluster, spec: &mut Value) {
    if spec["type"] == "ExternalName" {
        return;
    }
    if spec["clusterIP"].as_str().is_none_or(str::is_empty) {
        let n = cluster.random.below(0xfffe) + 1;
        spec["clusterIP"] = json!(format!("10.96.{}.{}", n >> 8, n & 0xff));
    }
    spec["clusterIPs"] = json!([spec["clusterIP"]]);
    spec["ipFamilies"] = json!(["IPv4"]);
    spec["ipFamilyPolicy"] = json!("SingleStack");
}

/// `stringData` is written in plain and read as `data`.
fn encode_strings(secret: &mut Value) {
    let Some(fields) = secret.as_object_mut() else {
        return;
    };
    if let Some(Value::Object(plain)) = fields.remove("stringData") {
        let data = fields.entry("data").or_insert_with(|| json!({}));
        for (key, text) in plain {
            let bytes = text.as_str().unwrap_or_default().as_bytes();
            data[key] = json!(super::schema::proto::base64(bytes));
        }
    }
}

/// Puts back what a writer may not change, by the subresource it writes to.
pub fn prepare_update(kind: &Kind, old: &Value, new: &mut Value, sub: &str) {
    let keep = |new: &mut Value, field: &str| {
        // mostly nothing was touched, and a copy costs more than a look
        if new.get(field) == old.get(field) {
            return;
        }
        if let Some(fields) = new.as_object_mut() {
            match old.get(field) {
                Some(value) => fields.insert(field.to_owned(), value.clone()),
                None => fields.remove(field),
            };
        }
    };
    let fields: Vec<String> = old
        .as_object()
        .into_iter()
        .chain(new.as_object())
        .flatten()
        .map(|(k, _)| k.clone())
        .collect();
    match sub {
        "status" => {
            for field in fields.iter().filter(|f| *f != "status" && *f != "metadata") {
                keep(new, field);
            }
            if kind.custom {
                keep(new, "metadata");
            }
        }
        "binding" => {}
        _ if kind.status => keep(new, "status"),
        _ => {}
    }
    if kind.kind == "Namespace" && sub != "finalize" {
        keep(new, "spec");
    }
    if kind.group.is_empty() && kind.kind == "Secret" {
        encode_strings(new);
    }
    if definition::is_definition(kind) && sub.is_empty() {
        definition::note_storage(new);
    }
    let (before, empty) = (&old["metadata"], Map::new());
    let meta = child(new, "metadata");
    for field in [
        "name",
        "namespace",
        "uid",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "generateName",
        "selfLink",
        "resourceVersion",
        "generation",
    ] {
        let fields = before.as_object().unwrap_or(&empty);
        if let Some(meta) = meta.as_object_mut() {
            match fields.get(field) {
                Some(value) => meta.insert(field.to_owned(), value.clone()),
                None => meta.remove(field),
            };
        }
    }
    if sub == "status" && kind.kind == "Pod" {
        let owners = before["ownerReferences"].clone();
        if let Some(meta) = meta.as_object_mut() {
            if owners.is_null() {
                meta.remove("ownerReferences");
            } else {
                meta.insert("ownerReferences".to_owned(), owners);
            }
        }
    }
}

/// Counts a change of the spec.
pub fn bump_generation(kind: &Kind, old: &Value, new: &mut Value) {
    if !counts_generations(kind) {
        return;
    }
    let changed = if kind.custom {
        let rest = |v: &Value| {
            let fields = v.as_object().into_iter().flatten();
            // A status that is no subresource is a field like any other.
            fields
                .filter(|(k, _)| *k != "metadata" && !(kind.status && *k == "status"))
                .map(|(k, v)| (k.clone(), v.clone()))
                .collect::<Map<_, _>>()
        };
        rest(old) != rest(new)
    } else {
        old["spec"] != new["spec"]
    };
    if changed {
        let generation = old["metadata"]["generation"].as_i64().unwrap_or_default();
        new["metadata"]["generation"] = json!(generation + 1);
    }
}
