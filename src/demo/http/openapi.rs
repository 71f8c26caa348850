//! `/openapi/v3`: what kubectl needs for `explain` and to learn that the server validates fields.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::discovery::groups;
use super::reply::{self, Reply};
use crate::Shared;
use crate::api::schema::{definition_name, schemas};
use crate::api::write::Cluster;
use crate::store::Kind;

/// Answers the index and the documents; `rest` is the path after `/openapi/v3`.
pub fn answer(shared: &Shared, rest: &str) -> Reply {
    let world = shared.lock();
    let cluster = world.cluster();
    let store = &cluster.store;
    let rest = rest.trim_matches('/');
    if rest.is_empty() {
        let mut all = vec!["api/v1".to_owned()];
        for (group, versions) in groups(store) {
            all.extend(versions.iter().map(|v| format!("apis/{group}/{v}")));
        }
        let paths: Map<String, Value> = all
            .into_iter()
            .map(|p| {
                let hash = hash(cluster, &p);
                let url = json!({"serverRelativeURL": format!("/openapi/v3/{p}?hash={hash}")});
                (p, url)
            })
            .collect();
        return reply::json(200, &json!({"paths": paths}));
    }
    let parts: Vec<&str> = rest.split('/').collect();
    let (group, version) = match parts.as_slice() {
        ["api", version] => ("", *version),
        ["apis", group, version] => (*group, *version),
        _ => return reply::text(404, "404 page not found\n"),
    };
    let document = document(cluster, group, version);
    if document["paths"].as_object().is_none_or(Map::is_empty) && !VIRTUAL.contains(&group) {
        return reply::text(404, "404 page not found\n");
    }
    reply::json(200, &document)
}

/// Groups whose kinds are never stored: their documents hold no paths.
const VIRTUAL: [&str; 3] = [
    "authentication.k8s.io",
    "authorization.k8s.io",
    "events.k8s.io",
];

/// Changes with what a document says: the newest definition that it is made of.
fn hash(cluster: &Cluster, path: &str) -> u64 {
    let here = |kind: &Kind| {
        let mut served = kind.served();
        served.any(|v| path == format!("apis/{}/{v}", kind.group))
    };
    let all = cluster.store.kinds().filter(|(_, k)| k.custom && here(k));
    let newest = all
        .filter_map(|(id, _)| cluster.custom.get(id))
        .map(|c| c.rv);
    newest.max().unwrap_or(1)
}

fn document(cluster: &Cluster, group: &str, version: &str) -> Value {
    let mut paths = Map::new();
    let mut wanted = Vec::new();
    let mut all = Map::new();
    let here = cluster.store.kinds().filter(|(_, k)| k.group == group);
    for (id, kind) in here.filter_map(|(id, k)| Some((id, k.at(version)?))) {
        describe_paths(&kind, &mut paths);
        match cluster.custom.version(id, version) {
            Some(own) => {
                all.extend(custom(&kind, &own.schema));
                for name in ["ObjectMeta", "ListMeta"] {
                    wanted.push((format!("{META}.{name}"), None));
                }
            }
            None => {
                let name = definition_name(group, version, &kind.kind);
                wanted.push((name, Some(kind)));
            }
        }
    }
    for name in reachable(wanted.iter().map(|(n, _)| n.clone())) {
        if let Some(schema) = schemas().definitions.get(&name) {
            all.insert(name, rewrite(schema));
        }
    }
    for (name, kind) in wanted {
        if let (Some(schema), Some(kind)) = (all.get_mut(&name), kind) {
            schema["x-kubernetes-group-version-kind"] = json!([gvk(&kind)]);
        }
    }
    json!({
        "openapi": "3.0.0", "info": {"title": "Kubernetes", "version": "v1.36.0"},
        "paths": paths, "components": {"schemas": all},
    })
}

const META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1";

/// The schemas of a custom kind and of its list, as the server publishes them.
fn custom(kind: &Kind, schema: &Value) -> Vec<(String, Value)> {
    let mut group: Vec<&str> = kind.group.split('.').collect();
    group.reverse();
    let package = format!("{}.{}", group.join("."), kind.version);
    let (name, list) = (&kind.kind, kind.list_kind());
    let mut object = published(schema);
    typed(&mut object, "ObjectMeta");
    object["x-kubernetes-group-version-kind"] = json!([gvk(kind)]);
    let item = json!({"$ref": format!("#/components/schemas/{package}.{name}")});
    let mut of_list = json!({
        "type": "object", "required": ["items"], "description": format!("{list} is a list of {name}"),
        "properties": {"items": {"type": "array", "items": item, "description": format!("List of {}.", kind.plural)}},
        "x-kubernetes-group-version-kind": [{"group": kind.group, "version": kind.version, "kind": list}],
    });
    typed(&mut of_list, "ListMeta");
    vec![
        (format!("{package}.{name}"), object),
        (format!("{package}.{list}"), of_list),
    ]
}

/// Gives an object the fields that every one has.
fn typed(schema: &mut Value, meta: &str) {
    if !schema["properties"].is_object() {
        schema["properties"] = json!({});
    }
    let fields = &mut schema["properties"];
    let reference = format!("#/components/schemas/{META}.{meta}");
    fields["metadata"] = json!({
        "allOf": [{"$ref": reference}], "description": "Name, labels and other data that every object bears.",
    });
    for (name, description) in [
        (
            "apiVersion",
            "Group and version in which the object is written.",
        ),
        ("kind", "The kind of the object."),
    ] {
        fields[name] = json!({"type": "string", "description": description});
    }
}

/// A structural schema in the words of OpenAPI.
fn published(schema: &Value) -> Value {
    match schema {
        Value::Object(map) => {
            let own = map.iter().map(|(k, v)| (k.clone(), published(v)));
            let mut out = Value::Object(own.collect());
            if schema["x-kubernetes-int-or-string"] == true {
                out["anyOf"] = json!([{"type": "integer"}, {"type": "string"}]);
            }
            if schema["x-kubernetes-embedded-resource"] == true {
                typed(&mut out, "ObjectMeta");
            }
            out
        }
        Value::Array(list) => list.iter().map(published).collect(),
        other => other.clone(),
    }
}

fn gvk(kind: &Kind) -> Value {
    json!({"group": kind.group, "version": kind.version, "kind": kind.kind})
}

fn describe_paths(kind: &Kind, paths: &mut Map<String, Value>) {
    let base = if kind.group.is_empty() {
        format!("/api/{}", kind.version)
    } else {
        format!("/apis/{}/{}", kind.group, kind.version)
    };
    let scope = if kind.namespaced {
        "/namespaces/{namespace}"
    } else {
        ""
    };
    let parameters = json!([
        {"name": "dryRun", "in": "query", "schema": {"type": "string"}},
        {"name": "fieldManager", "in": "query", "schema": {"type": "string"}},
        {"name": "fieldValidation", "in": "query", "schema": {"type": "string"}},
    ]);
    let operation = |action: &str| {
        let mut op = json!({
            "x-kubernetes-action": action, "x-kubernetes-group-version-kind": gvk(kind),
            "responses": {"200": {"description": "OK"}},
        });
        if ["post", "put", "patch"].contains(&action) {
            op["parameters"] = parameters.clone();
        }
        op
    };
    let collection = format!("{base}{scope}/{}", kind.plural);
    paths.insert(
        collection.clone(),
        json!({"get": operation("list"), "post": operation("post"), "delete": operation("deletecollection")}),
    );
    paths.insert(
        format!("{collection}/{{name}}"),
        json!({
            "get": operation("get"), "put": operation("put"),
            "patch": operation("patch"), "delete": operation("delete"),
        }),
    );
}

/// Names of all definitions that these refer to, themselves included.
fn reachable(roots: impl Iterator<Item = String>) -> BTreeSet<String> {
    let mut met = BTreeSet::new();
    let mut next: Vec<String> = roots.collect();
    while let Some(name) = next.pop() {
        if let Some(schema) = schemas().definitions.get(&name)
            && met.insert(name)
        {
            references(schema, &mut next);
        }
    }
    met
}

fn references(schema: &Value, out: &mut Vec<String>) {
    match schema {
        Value::Object(map) => {
            if let Some(Value::String(reference)) = map.get("$ref") {
                out.extend(reference.rsplit('/').next().map(str::to_owned));
            }
            map.values().for_each(|v| references(v, out));
        }
        Value::Array(list) => list.iter().for_each(|v| references(v, out)),
        _ => {}
    }
}

/// Points references at the document's own components; one with a description beside it is wrapped, for
/// OpenAPI 3.0 reads nothing beside a reference.
fn rewrite(schema: &Value) -> Value {
    match schema {
        Value::Object(map) => {
            let mut out: Map<String, Value> = map
                .iter()
                .filter(|(k, _)| *k != "$ref")
                .map(|(k, v)| (k.clone(), rewrite(v)))
                .collect();
            if let Some(Value::String(reference)) = map.get("$ref") {
                let name = reference.rsplit('/').next().unwrap_or_default();
                let target = json!({"$ref": format!("#/components/schemas/{name}")});
                if out.is_empty() {
                    return target;
                }
                out.insert("allOf".to_owned(), json!([target]));
            }
            Value::Object(out)
        }
        Value::Array(list) => list.iter().map(rewrite).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_describes_its_kinds_and_all_they_need() {
        let clock = crate::clock::Clock::stepped(chrono::DateTime::UNIX_EPOCH, 1.0);
        let doc = document(&Cluster::new(clock, 1), "batch", "v1");
        let job = &doc["components"]["schemas"]["io.k8s.api.batch.v1.Job"];
        assert_eq!(job["x-kubernetes-group-version-kind"][0]["kind"], "Job");
        let spec = &job["properties"]["spec"]["allOf"][0]["$ref"];
        assert_eq!(*spec, "#/components/schemas/io.k8s.api.batch.v1.JobSpec");
        assert!(doc["components"]["schemas"]["io.k8s.api.core.v1.PodSpec"].is_object());
        let patch = &doc["paths"]["/apis/batch/v1/namespaces/{namespace}/jobs/{name}"]["patch"];
        let names = patch["parameters"].as_array().unwrap();
        assert!(names.iter().any(|p| p["name"] == "fieldValidation"));
    }
}
