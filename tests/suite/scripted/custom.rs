//! Custom resources of the scripted server: kinds that are served and, at once, are not; their discovery, lists and
//! watches.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Out, Request, Server, Shared, State};

/// One served resource.
#[derive(Default)]
pub struct Custom {
    objects: BTreeMap<String, Value>,
    /// Version and line of a watch.
    changes: Vec<(u64, String)>,
}

impl Server {
    /// Serves `GROUP/VERSION/PLURAL` from now on, with nothing in it.
    pub fn serve(&self, resource: &str) {
        let mut state = self.state();
        state.custom.insert(resource.to_owned(), Custom::default());
        self.shared.1.notify_all();
    }

    /// As when its CRD is deleted: gone with all in it.
    pub fn withdraw(&self, resource: &str) {
        self.state().custom.remove(resource);
        self.shared.1.notify_all();
    }

    /// Creates or changes an object of a served resource.
    pub fn put_custom(&self, resource: &str, mut object: Value) {
        let mut state = self.state();
        state.version += 1;
        let version = state.version;
        object["metadata"]["resourceVersion"] = version.to_string().into();
        let name = object["metadata"]["name"].as_str().unwrap().to_owned();
        if object["metadata"]["uid"].is_null() {
            object["metadata"]["uid"] = format!("uid-of-{name}").into();
        }
        let custom = state.custom.get_mut(resource).unwrap();
        let line = format!("{}\n", json!({"type": "MODIFIED", "object": object}));
        custom.objects.insert(name, object);
        custom.changes.push((version, line));
        self.shared.1.notify_all();
    }

    /// Paths asked for that are neither discovery nor `/version`.
    pub fn asked_for(&self) -> Vec<String> {
        let state = self.state();
        let paths = state.requests.iter().map(|r| r.path.clone());
        paths
            .filter(|p| !matches!(p.as_str(), "/version" | "/apis" | "/api"))
            .collect()
    }
}

/// The aggregated discovery document.
pub(super) fn discovery(state: &State) -> Value {
    let mut groups: BTreeMap<&str, BTreeMap<&str, Vec<Value>>> = BTreeMap::new();
    for resource in state.custom.keys() {
        let mut parts = resource.split('/');
        let (group, version) = (parts.next().unwrap(), parts.next().unwrap());
        let plural = json!({"resource": parts.next().unwrap(), "scope": "Namespaced", "verbs": ["get", "list", "watch"]});
        let versions = groups.entry(group).or_default();
        versions.entry(version).or_default().push(plural);
    }
    let items: Vec<Value> = groups
        .into_iter()
        .map(|(group, versions)| {
            let versions: Vec<Value> = versions
                .into_iter()
                .map(|(version, resources)| json!({"version": version, "resources": resources}))
                .collect();
            json!({"metadata": {"name": group}, "versions": versions})
        })
        .collect();
    json!({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "items": items})
}

/// The index of schemas, or the document of one group and version.
pub(super) fn openapi(state: &State, rest: &str) -> Option<Value> {
    if state.schemas.is_empty() {
        return None;
    }
    match rest.trim_matches('/') {
        "" => {
            let paths = state.schemas.iter().map(|(at, (hash, _))| {
                let url = format!("/openapi/v3/{at}?hash={hash}");
                (at.clone(), json!({"serverRelativeURL": url}))
            });
            Some(json!({"paths": paths.collect::<serde_json::Map<_, _>>()}))
        }
        at => state.schemas.get(at).map(|(_, document)| document.clone()),
    }
}

/// `/apis/G/V/[namespaces/NS/]PLURAL[/NAME]`; `None`: not such a path, or not served.
pub(super) fn answer(request: &Request, out: &mut Out, shared: &Shared) -> Option<bool> {
    let segments: Vec<&str> = request.path.split('/').skip(2).collect();
    if let [g, v, "namespaces", _, plural, name] = segments.as_slice() {
        let state = shared.0.lock().unwrap();
        let custom = state.custom.get(&format!("{g}/{v}/{plural}"))?;
        return Some(match custom.objects.get(*name) {
            Some(object) => out.whole(200, "", &object.to_string()),
            None => out.status(404, "not found", None),
        });
    }
    let (resource, namespace) = match segments.as_slice() {
        [g, v, plural] => (format!("{g}/{v}/{plural}"), None),
        [g, v, "namespaces", ns, plural] => (format!("{g}/{v}/{plural}"), Some((*ns).to_owned())),
        _ => return None,
    };
    let (lock, changed) = (&shared.0, &shared.1);
    let mut state = lock.lock().unwrap();
    let custom = state.custom.get(&resource)?;
    let mut at = state.version;
    let mine = |object: &&Value| {
        let own = &object["metadata"]["namespace"];
        namespace.as_ref().is_none_or(|n| own == n.as_str())
    };
    let objects: Vec<&Value> = custom.objects.values().filter(mine).collect();
    if !request.is_watch() {
        let list = json!({"kind": "List", "metadata": {"resourceVersion": at.to_string()}, "items": objects});
        return Some(out.whole(200, "", &list.to_string()));
    }
    let mut lines: Vec<String> = Vec::new();
    if request.is_stream() {
        let added = objects
            .iter()
            .map(|o| json!({"type": "ADDED", "object": o}));
        let end = json!({"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": at.to_string(),
            "annotations": {"k8s.io/initial-events-end": "true"}}}});
        lines.extend(added.chain([end]).map(|line| format!("{line}\n")));
    } else {
        at = request
            .query
            .get("resourceVersion")
            .unwrap()
            .parse()
            .unwrap();
    }
    if !out.open() {
        return Some(false);
    }
    loop {
        let Some(custom) = state.custom.get(&resource).filter(|_| !state.stopped) else {
            return Some(out.close());
        };
        for (version, line) in &custom.changes {
            if *version > at {
                at = *version;
                lines.push(line.clone());
            }
        }
        if !lines.drain(..).all(|line| out.chunk(&line)) {
            return Some(false);
        }
        state = changed
            .wait_timeout(state, Duration::from_millis(500))
            .unwrap()
            .0;
        if !out.chunk("\n") {
            return Some(false);
        }
    }
}
