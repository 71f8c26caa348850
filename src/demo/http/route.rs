//! From a URL path to what it names: a resource request, or one of the paths beside the resources.

use std::sync::Arc;

use super::visibility;
use crate::api::options::unescape;
use crate::controllers::kueue::Place;
use crate::store::{Kind, KindId, Store};

/// What a path names.
#[derive(Debug, Clone)]
pub enum Route {
    /// `/api`, `/apis`, `/apis/G`, `/apis/G/V`, `/api/v1`.
    Discovery(Vec<String>),
    Resource(Target),
    /// Who waits in a queue of Kueue, in a version of its visibility API.
    Waiting(String, Place),
    /// A create-only resource: `selfsubjectaccessreviews`, …
    Review(String),
    /// A subresource that this custom kind has not: its object is not found.
    NoObject(Arc<Kind>, String),
    /// Below a known group, but nothing there: a `Status` 404.
    NoResource,
    /// Nowhere: the plain-text 404.
    Nowhere,
}

impl Route {
    /// Group, version and plural of the resource, if it is one.
    pub fn resource(&self) -> [&str; 3] {
        match self {
            Self::Resource(Target { kind, .. }) => [&kind.group, &kind.version, &kind.plural],
            Self::Review(plural) => ["", "", plural],
            _ => [""; 3],
        }
    }
}

/// A resource, one of its objects, or a subresource.
#[derive(Debug, Clone)]
pub struct Target {
    pub id: KindId,
    pub kind: Arc<Kind>,
    /// Empty: all namespaces, or a cluster-scoped kind.
    pub namespace: String,
    pub name: String,
    pub subresource: String,
    /// The deprecated `/watch/` prefix.
    pub watch: bool,
    /// The events.k8s.io view of events.
    pub newer_events: bool,
    /// The path names another version than the stored one.
    pub converts: bool,
}

impl Target {
    /// What a client that uses this version is warned of.
    pub fn warning(&self) -> Option<&str> {
        let served = self.kind.versions.iter();
        let mut mine = served.filter(|v| v.version == self.kind.version);
        mine.next()
            .map(|v| v.warning.as_str())
            .filter(|w| !w.is_empty())
    }
}

/// Groups that are served without a stored kind.
pub const VIRTUAL: [(&str, &str, &[&str]); 3] = [
    (
        "authorization.k8s.io",
        "v1",
        &[
            "selfsubjectaccessreviews",
            "selfsubjectrulesreviews",
            "subjectaccessreviews",
            "localsubjectaccessreviews",
        ],
    ),
    ("authentication.k8s.io", "v1", &["selfsubjectreviews"]),
    ("events.k8s.io", "v1", &["events"]),
];

/// Is this group served at all?
pub fn knows_group(store: &Store, group: &str) -> bool {
    if group == visibility::GROUP {
        return visibility::served(store);
    }
    store.kinds().any(|(_, k)| k.group == group) || VIRTUAL.iter().any(|(g, ..)| *g == group)
}

pub fn route(store: &Store, path: &str) -> Route {
    let parts: Vec<String> = path
        .split('/')
        .filter(|p| !p.is_empty())
        .map(unescape)
        .collect();
    let texts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let (group, version, rest) = match texts.as_slice() {
        ["api"] | ["apis"] | ["api", "v1"] => return Route::Discovery(parts),
        ["apis", group, ..] if !knows_group(store, group) => return Route::Nowhere,
        ["apis", _] | ["apis", _, _] => return Route::Discovery(parts),
        ["apis", visibility::GROUP, version, rest @ ..] => {
            let known = visibility::VERSIONS.contains(version);
            return match visibility::place(rest).filter(|_| known) {
                Some(place) => Route::Waiting((*version).to_owned(), place),
                None => Route::Nowhere,
            };
        }
        ["api", version, rest @ ..] => ("", *version, rest),
        ["apis", group, version, rest @ ..] => (*group, *version, rest),
        _ => return Route::Nowhere,
    };
    let custom = store.kinds().any(|(_, k)| k.group == group && k.custom);
    // Paths of custom groups that lead nowhere fall through to the plain 404.
    resource(store, group, version, rest).unwrap_or(if custom {
        Route::Nowhere
    } else {
        Route::NoResource
    })
}

fn resource(store: &Store, group: &str, version: &str, rest: &[&str]) -> Option<Route> {
    let (watch, rest) = match rest {
        ["watch", rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let (namespace, rest) = match rest {
        ["namespaces", ns, sub, more @ ..] if !["status", "finalize"].contains(sub) => {
            (*ns, &rest[2..2 + 1 + more.len()])
        }
        rest => ("", rest),
    };
    let (plural, name, sub) = match rest {
        [plural] => (*plural, "", String::new()),
        [plural, name] => (*plural, *name, String::new()),
        [plural, name, sub @ ..] => (*plural, *name, sub.join("/")),
        [] => return None,
    };
    if let Some((.., resources)) = VIRTUAL
        .iter()
        .find(|(g, v, _)| *g == group && *v == version)
        && group != "events.k8s.io"
    {
        return (resources.contains(&plural) && name.is_empty())
            .then(|| Route::Review(plural.to_owned()));
    }
    let newer_events = group == "events.k8s.io" && version == "v1" && plural == "events";
    let id = store.kind_id(if newer_events { "" } else { group }, plural)?;
    let stored = store.kind(id);
    let kind = if newer_events {
        stored.clone()
    } else {
        stored.at(version)?
    };
    if !kind.namespaced && !namespace.is_empty() {
        return None;
    }
    // An object of a namespaced kind is reached through its namespace only.
    if kind.namespaced && namespace.is_empty() && !name.is_empty() {
        return None;
    }
    if !sub.is_empty() && !has_subresource(&kind, &sub) {
        return kind.custom.then(|| Route::NoObject(kind, name.to_owned()));
    }
    let converts = !newer_events && stored.version != kind.version;
    Some(Route::Resource(Target {
        id,
        converts,
        kind,
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        subresource: sub,
        watch,
        newer_events,
    }))
}

/// The subresources of a kind, beside `status` and `scale`.
pub fn subresources(kind: &Kind) -> &'static [&'static str] {
    match (kind.group.as_str(), kind.kind.as_str()) {
        ("", "Pod") => &["binding", "eviction", "exec", "log", "portforward", "proxy"],
        ("", "Namespace") => &["finalize"],
        ("", "ServiceAccount") => &["token"],
        _ => &[],
    }
}

fn has_subresource(kind: &Kind, name: &str) -> bool {
    match name {
        "status" => kind.status,
        "scale" => kind.scale,
        other => subresources(kind).contains(&other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds;

    fn target(path: &str) -> Target {
        let mut store = Store::new();
        kinds::register(&mut store);
        match route(&store, path) {
            Route::Resource(t) => t,
            other => panic!("{path}: {other:?}"),
        }
    }

    #[test]
    fn paths_name_resources_objects_and_subresources() {
        let t = target("/apis/batch/v1/namespaces/a/jobs/b/status");
        assert_eq!(
            (
                t.kind.plural.as_str(),
                t.namespace.as_str(),
                t.name.as_str()
            ),
            ("jobs", "a", "b")
        );
        assert_eq!(t.subresource, "status");
        let t = target("/api/v1/namespaces/a");
        assert_eq!(
            (t.kind.plural.as_str(), t.name.as_str()),
            ("namespaces", "a")
        );
        let t = target("/api/v1/namespaces/a/finalize");
        assert_eq!((t.name.as_str(), t.subresource.as_str()), ("a", "finalize"));
        let t = target("/apis/batch/v1/watch/namespaces/a/jobs");
        assert!(t.watch && t.namespace == "a");
        assert!(target("/apis/events.k8s.io/v1/events").newer_events);
        assert_eq!(target("/api/v1/namespaces/a/pods/").name, "");
    }

    #[test]
    fn what_is_not_there_is_told_in_two_ways() {
        let mut store = Store::new();
        kinds::register(&mut store);
        let at = |path: &str| route(&store, path);
        assert!(matches!(at("/api/v1/nothings"), Route::NoResource));
        assert!(matches!(at("/apis/batch/v9/jobs"), Route::NoResource));
        assert!(matches!(
            at("/apis/kueue.x-k8s.io/v1beta1/workloads"),
            Route::Nowhere
        ));
        assert!(matches!(at("/nowhere"), Route::Nowhere));
        assert!(matches!(
            at("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"),
            Route::Review(_)
        ));
    }
}
