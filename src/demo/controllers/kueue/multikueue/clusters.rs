//! The worker clusters themselves: whether each can be reached, and whether enough can for the check to be active.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::Ids;
use super::super::seen::Seen;
use super::{NAME, names, text};
use crate::controllers::Hub;
use crate::controllers::tasks::Key;

/// Sets `Active` of all worker clusters, and of the checks that stand for them.
pub fn judge_all(hub: &mut Hub<'_>, ids: Ids, workers: &BTreeSet<String>) {
    let keys = |hub: &Hub<'_>, kind| -> Vec<Key> {
        let all = hub.cluster.store.list(kind, None);
        all.map(|o| (String::new(), o.name.clone())).collect()
    };
    let mut idle = Vec::new();
    for key in keys(hub, ids.clusters) {
        let Some(mut cluster) = Seen::load(hub, ids.clusters, &key) else {
            continue;
        };
        let (holds, reason, message) = reached(hub, &cluster, workers.contains(&key.1));
        cluster.set(hub.now(), ("Active", holds), reason, &message);
        cluster.write(hub);
        if !holds {
            idle.push(key.1);
        }
    }
    for key in keys(hub, ids.checks) {
        let Some(mut check) = Seen::load(hub, ids.checks, &key) else {
            continue;
        };
        if check.spec["controllerName"] != NAME {
            continue;
        }
        let pool = text(&check.spec["parameters"]["name"]);
        let active = "The admission check is active".to_owned();
        let (holds, reason, message) = match hub.get(ids.pools, &(String::new(), pool.clone())) {
            None => {
                let text = format!(
                    "Cannot load the AdmissionChecks parameters: MultiKueueConfig.kueue.x-k8s.io {pool:?} not found"
                );
                (false, "BadConfig", text)
            }
            Some(pool) => {
                let all = names(&pool.tree()["spec"]["clusters"]);
                let there = |n: &&String| {
                    hub.get(ids.clusters, &(String::new(), (*n).clone()))
                        .is_some()
                };
                let (known, missing): (Vec<&String>, Vec<&String>) = all.iter().partition(there);
                let idle: Vec<&String> = known.into_iter().filter(|n| idle.contains(n)).collect();
                let list = |what: &str, list: &[&String]| {
                    let words: Vec<&str> = list.iter().map(|n| n.as_str()).collect();
                    (!list.is_empty()).then(|| format!("{what} clusters: [{}]", words.join(" ")))
                };
                let parts: Vec<String> = list("Missing", &missing)
                    .into_iter()
                    .chain(list("Inactive", &idle))
                    .collect();
                match missing.len() + idle.len() {
                    0 => (true, "Active", active),
                    n if n < all.len() => (true, "SomeActiveClusters", parts.join(", ")),
                    _ => (false, "NoUsableClusters", parts.join(", ")),
                }
            }
        };
        check.set(hub.now(), ("Active", holds), reason, &message);
        check.write(hub);
    }
}

/// Whether a cluster can be reached, as its `Active` condition says it.
fn reached(hub: &Hub<'_>, cluster: &Seen, there: bool) -> (bool, &'static str, String) {
    let config = &cluster.spec["clusterSource"]["kubeConfig"];
    let place = ("kueue-system".to_owned(), text(&config["location"]));
    let secret = hub
        .cluster
        .store
        .kind_id("", "secrets")
        .and_then(|kind| hub.get(kind, &place));
    let Some(secret) = secret else {
        let text = format!("load client config failed: Secret {:?} not found", place.1);
        return (false, "BadKubeConfig", text);
    };
    if there {
        return (true, "Active", "Connected".to_owned());
    }
    let server = server(&secret.tree()).unwrap_or_default();
    let host = server.split_once("://").map_or("", |(_, host)| host);
    let text = format!(
        "failed to get API group resources: unable to retrieve the complete list of server APIs: \
         kueue.x-k8s.io/v1beta2: Get \"{server}/apis/kueue.x-k8s.io/v1beta2\": dial tcp {host}: i/o timeout"
    );
    (false, "ClientConnectionFailed", text)
}

/// The server that the kubeconfig in a Secret names.
fn server(secret: &Value) -> Option<String> {
    use base64::Engine as _;
    let coded = secret["data"]["kubeconfig"].as_str()?;
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(coded)
        .ok()?;
    let config = String::from_utf8(bytes).ok()?;
    let mut lines = config.lines().map(str::trim);
    lines.find_map(|l| l.strip_prefix("server: ").map(str::to_owned))
}
