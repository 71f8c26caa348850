//! Kueue's visibility API, an aggregated one in real clusters: who waits in a queue, and at which position.

use serde_json::json;

use super::Call;
use super::reply::{self, Reply};
use crate::Shared;
use crate::api::write::Refusal;
use crate::controllers::kueue::Place;
use crate::store::Store;

pub const GROUP: &str = "visibility.kueue.x-k8s.io";
pub const VERSIONS: [&str; 2] = ["v1beta2", "v1beta1"];

/// Items of an answer unless told otherwise, and at most.
const LIMIT: usize = 1000;
const MOST: usize = 100_000;

/// It is there with Kueue.
pub fn served(store: &Store) -> bool {
    store.kind_id("kueue.x-k8s.io", "workloads").is_some()
}

/// The queue that a path below a version names.
pub fn place(rest: &[&str]) -> Option<Place> {
    match rest {
        ["clusterqueues", queue, "pendingworkloads"] => Some(Place::Cluster((*queue).to_owned())),
        ["namespaces", ns, "localqueues", queue, "pendingworkloads"] => {
            Some(Place::Local((*ns).to_owned(), (*queue).to_owned()))
        }
        _ => None,
    }
}

/// # Errors
/// 404 for a queue that is not there, 405 for anything but reading.
pub fn answer(
    shared: &Shared,
    version: &str,
    place: &Place,
    call: &Call,
) -> Result<Reply, Refusal> {
    if call.method != "GET" && call.method != "HEAD" {
        return Err(Refusal::method_not_allowed());
    }
    let number = |name: &str| call.query.get(name).and_then(|n| n.parse::<usize>().ok());
    let limit = number("limit").unwrap_or(LIMIT).min(MOST);
    let offset = number("offset").unwrap_or(0);
    let (resource, name) = match place {
        Place::Cluster(name) => ("clusterqueue", name),
        Place::Local(_, name) => ("localqueue", name),
    };
    let items = shared.lock().waiting(place, limit, offset);
    let Some(items) = items else {
        let text = format!("{resource}.{GROUP} {name:?} not found");
        return Err(Refusal::generic(404, "NotFound", &text));
    };
    Ok(reply::json(
        200,
        &json!({
            "kind": "PendingWorkloadsSummary", "apiVersion": format!("{GROUP}/{version}"),
            "metadata": {}, "items": items,
        }),
    ))
}
