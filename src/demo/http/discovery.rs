//! `/version`, `/api`, `/apis`: what is served, in the legacy and the aggregated form.

use std::cmp::Reverse;
use std::sync::Arc;

use serde_json::{Value, json};

use super::accept::Form;
use super::reply::{self, Reply};
use super::route::{self, subresources};
use super::visibility;
use crate::Shared;
use crate::api::custom::priority;
use crate::api::write::Refusal;
use crate::store::{Kind, Store};

const ALL_VERBS: [&str; 8] = [
    "create",
    "delete",
    "deletecollection",
    "get",
    "list",
    "patch",
    "update",
    "watch",
];

/// The same, in the order in which the server lists them for custom kinds.
const CUSTOM_VERBS: [&str; 8] = [
    "delete",
    "deletecollection",
    "get",
    "list",
    "patch",
    "create",
    "update",
    "watch",
];

/// Documents that are no resources; `None` if the path is none of them.
pub fn document(shared: &Shared, path: &str, form: Form) -> Option<Reply> {
    match path.trim_end_matches('/') {
        "/version" => Some(reply::json(200, &version())),
        "" => Some(reply::json(200, &paths(&shared.lock().cluster().store))),
        "/api" | "/apis" if matches!(form, Form::Discovery(_)) => {
            let Form::Discovery(version) = form else {
                return None;
            };
            let world = shared.lock();
            let core = path.starts_with("/api") && !path.starts_with("/apis");
            let list = aggregated(&world.cluster().store, core, version);
            let kind = if version == "v2" {
                "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
            } else {
                "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList"
            };
            Some(reply::whole(200, kind, list.to_string()))
        }
        _ => None,
    }
}

/// Answers below `/api` and `/apis`.
///
/// # Errors
/// 404 for a version that is not served.
pub fn answer(shared: &Shared, parts: &[String], _: Form) -> Result<Reply, Refusal> {
    let world = shared.lock();
    let store = &world.cluster().store;
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let value = match parts.as_slice() {
        ["api"] => json!({
            "kind": "APIVersions", "versions": ["v1"],
            "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": "127.0.0.1"}],
        }),
        ["api", version] => resources(store, "", version)?,
        ["apis"] => {
            let groups: Vec<Value> = groups(store).iter().map(|(g, v)| group(g, v)).collect();
            json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
        }
        ["apis", name] => {
            let groups = groups(store);
            let (_, versions) = groups
                .iter()
                .find(|(g, _)| g == name)
                .ok_or_else(Refusal::no_resource)?;
            let mut value = group(name, versions);
            value["kind"] = json!("APIGroup");
            value["apiVersion"] = json!("v1");
            value
        }
        ["apis", group, version] => resources(store, group, version)?,
        _ => return Err(Refusal::no_resource()),
    };
    Ok(reply::json(200, &value))
}

fn version() -> Value {
    json!({
        "major": "1", "minor": "36", "emulationMajor": "1", "emulationMinor": "36",
        "minCompatibilityMajor": "1", "minCompatibilityMinor": "35",
        "gitVersion": format!("v1.36.0+jobdeck.{}", env!("CARGO_PKG_VERSION")),
        "gitCommit": "", "gitTreeState": "clean", "buildDate": "2026-01-01T00:00:00Z",
        "goVersion": "", "compiler": "rustc",
        "platform": format!("{}/{}", std::env::consts::OS, std::env::consts::ARCH),
    })
}

fn paths(store: &Store) -> Value {
    let mut paths = vec!["/api".to_owned(), "/api/v1".to_owned(), "/apis".to_owned()];
    for (group, versions) in groups(store) {
        paths.push(format!("/apis/{group}"));
        paths.extend(versions.iter().map(|v| format!("/apis/{group}/{v}")));
    }
    for path in [
        "/healthz",
        "/livez",
        "/openapi/v2",
        "/openapi/v3",
        "/readyz",
        "/version",
    ] {
        paths.push(path.to_owned());
    }
    json!({"paths": paths})
}

/// The named groups with their versions, in the order the server lists them.
pub fn groups(store: &Store) -> Vec<(String, Vec<String>)> {
    let mut out: Vec<(String, Vec<String>)> = Vec::new();
    let mut add = |group: &str, version: &str| {
        if group.is_empty() {
            return;
        }
        match out.iter_mut().find(|(g, _)| g == group) {
            Some((_, versions)) => {
                if !versions.iter().any(|v| v == version) {
                    versions.push(version.to_owned());
                }
            }
            None => out.push((group.to_owned(), vec![version.to_owned()])),
        }
    };
    for (_, kind) in store.kinds().filter(|(_, k)| !k.custom) {
        add(&kind.group, &kind.version);
    }
    for (group, version, _) in route::VIRTUAL {
        add(group, version);
    }
    let mut custom: Vec<&Arc<Kind>> = store.kinds().map(|(_, k)| k).filter(|k| k.custom).collect();
    custom.sort_by(|a, b| a.group.cmp(&b.group));
    let mut versions: Vec<(&str, &str)> = custom
        .iter()
        .flat_map(|k| k.served().map(|v| (k.group.as_str(), v)))
        .collect();
    versions.sort_by_key(|(group, version)| (*group, Reverse(priority(version))));
    for (group, version) in versions {
        add(group, version);
    }
    if visibility::served(store) {
        for version in visibility::VERSIONS {
            add(visibility::GROUP, version);
        }
    }
    out
}

fn group(name: &str, versions: &[String]) -> Value {
    let versions: Vec<Value> = versions
        .iter()
        .map(|v| json!({"groupVersion": format!("{name}/{v}"), "version": v}))
        .collect();
    json!({"name": name, "preferredVersion": versions[0], "versions": versions})
}

/// A row of discovery: a resource or a subresource.
struct Entry {
    name: String,
    kind: String,
    singular: String,
    /// Group and version of the kind where they are not those of the path.
    elsewhere: Option<(&'static str, &'static str)>,
    namespaced: bool,
    verbs: Vec<&'static str>,
    short: Vec<String>,
    categories: Vec<String>,
    custom: bool,
}

fn entries(store: &Store, group: &str, version: &str) -> Vec<Entry> {
    let mut out = Vec::new();
    for (_, kind) in store.kinds() {
        let newer = group == "events.k8s.io" && kind.group.is_empty() && kind.kind == "Event";
        let here = kind.at(version).filter(|k| k.group == group);
        if let Some(kind) = here.or_else(|| newer.then(|| kind.clone())) {
            entries_of(&kind, &mut out);
        }
    }
    for (_, _, resources) in route::VIRTUAL
        .iter()
        .filter(|(g, v, _)| *g == group && *v == version && *g != "events.k8s.io")
    {
        for plural in *resources {
            let kind = review_kind(plural);
            out.push(Entry {
                name: (*plural).to_owned(),
                singular: kind.to_lowercase(),
                kind: kind.to_owned(),
                elsewhere: None,
                namespaced: plural.starts_with("local"),
                verbs: vec!["create"],
                short: Vec::new(),
                categories: Vec::new(),
                custom: false,
            });
        }
    }
    if group == visibility::GROUP && visibility::VERSIONS.contains(&version) {
        waiting(&mut out);
    }
    // Subresources of custom kinds keep their order: status, then scale.
    out.sort_by(|a, b| {
        let (one, other) = (a.place(), b.place());
        one.cmp(other)
    });
    out
}

/// The queues of the visibility API have nothing of their own, only who waits in them.
fn waiting(out: &mut Vec<Entry>) {
    for (kind, namespaced) in [("ClusterQueue", false), ("LocalQueue", true)] {
        let singular = kind.to_lowercase();
        let entry = |name: String, kind: &str, verbs| Entry {
            name,
            kind: kind.to_owned(),
            singular: String::new(),
            elsewhere: None,
            namespaced,
            verbs,
            short: Vec::new(),
            categories: Vec::new(),
            custom: false,
        };
        let mut whole = entry(format!("{singular}s"), kind, Vec::new());
        let sub = format!("{}/pendingworkloads", whole.name);
        whole.singular = singular;
        out.push(whole);
        out.push(entry(sub, "PendingWorkloadsSummary", vec!["get"]));
    }
}

impl Entry {
    fn place(&self) -> &str {
        let whole = self.name.as_str();
        match whole.split_once('/') {
            Some((parent, _)) if self.custom => parent,
            _ => whole,
        }
    }
}

/// The kind of a create-only resource.
pub fn review_kind(plural: &str) -> &'static str {
    match plural {
        "selfsubjectaccessreviews" => "SelfSubjectAccessReview",
        "selfsubjectrulesreviews" => "SelfSubjectRulesReview",
        "localsubjectaccessreviews" => "LocalSubjectAccessReview",
        "selfsubjectreviews" => "SelfSubjectReview",
        _ => "SubjectAccessReview",
    }
}

fn entries_of(kind: &Kind, out: &mut Vec<Entry>) {
    let verbs = match kind.kind.as_str() {
        _ if kind.ending => vec!["delete", "deletecollection", "get", "list", "watch"],
        _ if kind.custom => CUSTOM_VERBS.to_vec(),
        "ComponentStatus" => vec!["get", "list"],
        "Namespace" => ALL_VERBS
            .into_iter()
            .filter(|v| *v != "deletecollection")
            .collect(),
        _ => ALL_VERBS.to_vec(),
    };
    out.push(Entry {
        name: kind.plural.clone(),
        kind: kind.kind.clone(),
        singular: kind.singular.clone(),
        elsewhere: None,
        namespaced: kind.namespaced,
        verbs,
        short: kind.short.clone(),
        categories: kind.categories.clone(),
        custom: kind.custom,
    });
    let mut subs: Vec<&'static str> = subresources(kind).to_vec();
    if kind.status {
        subs.push("status");
    }
    if kind.scale {
        subs.push("scale");
    }
    for sub in subs {
        let (name, elsewhere, verbs): (&str, _, &[&str]) = match sub {
            "binding" => ("Binding", None, &["create"]),
            "eviction" => ("Eviction", Some(("policy", "v1")), &["create"]),
            "token" => (
                "TokenRequest",
                Some(("authentication.k8s.io", "v1")),
                &["create"],
            ),
            "exec" => ("PodExecOptions", None, &["create", "get"]),
            "log" => (&kind.kind, None, &["get"]),
            "portforward" => ("PodPortForwardOptions", None, &["create", "get"]),
            "proxy" => (
                "PodProxyOptions",
                None,
                &["create", "delete", "get", "patch", "update"],
            ),
            "finalize" => (&kind.kind, None, &["update"]),
            "scale" => (
                "Scale",
                Some(("autoscaling", "v1")),
                &["get", "patch", "update"],
            ),
            _ => (&kind.kind, None, &["get", "patch", "update"]),
        };
        out.push(Entry {
            name: format!("{}/{sub}", kind.plural),
            kind: name.to_owned(),
            singular: String::new(),
            elsewhere,
            namespaced: kind.namespaced,
            verbs: verbs.to_vec(),
            short: Vec::new(),
            categories: Vec::new(),
            custom: kind.custom,
        });
    }
}

fn resources(store: &Store, group: &str, version: &str) -> Result<Value, Refusal> {
    let entries = entries(store, group, version);
    if entries.is_empty() {
        return Err(Refusal::no_resource());
    }
    let list: Vec<Value> = entries
        .iter()
        .map(|e| {
            let mut r = json!({
                "name": e.name, "singularName": e.singular, "namespaced": e.namespaced,
                "kind": e.kind, "verbs": e.verbs,
            });
            if let Some((group, version)) = e.elsewhere {
                r["group"] = json!(group);
                r["version"] = json!(version);
            }
            if !e.short.is_empty() {
                r["shortNames"] = json!(e.short);
            }
            if !e.categories.is_empty() {
                r["categories"] = json!(e.categories);
            }
            r
        })
        .collect();
    let gv = if group.is_empty() {
        version.to_owned()
    } else {
        format!("{group}/{version}")
    };
    Ok(json!({
        "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": gv, "resources": list,
    }))
}

fn aggregated(store: &Store, core: bool, api: &str) -> Value {
    let groups = if core {
        vec![(String::new(), vec!["v1".to_owned()])]
    } else {
        groups(store)
    };
    let items: Vec<Value> = groups
        .iter()
        .map(|(group, versions)| {
            let versions: Vec<Value> = versions
                .iter()
                .map(|v| {
                    json!({"version": v, "freshness": "Current", "resources": rich(store, group, v)})
                })
                .collect();
            let custom = store.kinds().any(|(_, k)| k.custom && k.group == *group);
            let metadata = if group.is_empty() {
                json!({"creationTimestamp": null})
            } else if custom {
                json!({"name": group})
            } else {
                json!({"name": group, "creationTimestamp": null})
            };
            json!({"metadata": metadata, "versions": versions})
        })
        .collect();
    json!({
        "kind": "APIGroupDiscoveryList", "apiVersion": format!("apidiscovery.k8s.io/{api}"),
        "metadata": {}, "items": items,
    })
}

/// The resources of a version with their subresources inside them.
fn rich(store: &Store, group: &str, version: &str) -> Vec<Value> {
    let mut out: Vec<Value> = Vec::new();
    for e in entries(store, group, version) {
        let (group, version) = e.elsewhere.unwrap_or((group, version));
        let kind = json!({"group": group, "version": version, "kind": e.kind});
        if let Some((parent, sub)) = e.name.split_once('/') {
            let sub = json!({"subresource": sub, "responseKind": kind, "verbs": e.verbs});
            let parent = out.iter_mut().find(|r| r["resource"] == parent);
            if let Some(parent) = parent {
                match parent["subresources"].as_array_mut() {
                    Some(all) => all.push(sub),
                    None => parent["subresources"] = json!([sub]),
                }
            }
            continue;
        }
        let scope = if e.namespaced {
            "Namespaced"
        } else {
            "Cluster"
        };
        let mut r = json!({
            "resource": e.name, "responseKind": kind, "scope": scope,
            "singularResource": e.singular, "verbs": e.verbs,
        });
        if !e.short.is_empty() {
            r["shortNames"] = json!(e.short);
        }
        if !e.categories.is_empty() {
            r["categories"] = json!(e.categories);
        }
        out.push(r);
    }
    out
}
