//! What the visibility API tells: who waits in a queue, in order.

use serde_json::{Value, json};

use super::Controller;
use crate::api::write::Cluster;

/// The queue that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    Cluster(String),
    Local(String, String),
}

/// The items of a `PendingWorkloadsSummary`; `None` if there is no such queue.
pub fn pending(
    kueue: &Controller,
    cluster: &Cluster,
    place: &Place,
    limit: usize,
    offset: usize,
) -> Option<Vec<Value>> {
    let (queue, local) = match place {
        Place::Cluster(queue) => (queue.clone(), None),
        Place::Local(namespace, name) => {
            let key = (namespace.clone(), name.clone());
            (kueue.locals.get(&key)?.queue.clone(), Some(key))
        }
    };
    let kind = cluster.store.kind_id(super::GROUP, "workloads")?;
    let mut counts = std::collections::HashMap::new();
    let mut out = Vec::new();
    for (position, wl) in kueue.engine.waiting(&queue)?.into_iter().enumerate() {
        let key = (wl.key.0.clone(), wl.local_queue.clone());
        let count = counts.entry(key.clone()).or_insert(0);
        let in_local = *count;
        *count += 1;
        if local.as_ref().is_none_or(|l| *l == key) {
            out.push((position, in_local, wl));
        }
    }
    let page = out.into_iter().skip(offset).take(limit);
    let page = page.filter_map(|(position, in_local, wl)| {
        let object = cluster.store.get(kind, &wl.key.0, &wl.key.1)?.tree();
        let mut owners = object["metadata"]["ownerReferences"].clone();
        for owner in owners.as_array_mut().into_iter().flatten() {
            if let Some(fields) = owner.as_object_mut() {
                fields.remove("controller");
                fields.remove("blockOwnerDeletion");
            }
        }
        Some(json!({
            "metadata": {
                "name": wl.key.1, "namespace": wl.key.0,
                "creationTimestamp": object["metadata"]["creationTimestamp"], "ownerReferences": owners,
            },
            "priority": wl.priority, "localQueueName": wl.local_queue,
            "positionInClusterQueue": position, "positionInLocalQueue": in_local,
        }))
    });
    Some(page.collect())
}
