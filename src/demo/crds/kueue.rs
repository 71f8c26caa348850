//! kueue.x-k8s.io/v1beta2 (and the ProvisioningRequest of the cluster autoscaler): queues, quotas and what waits
//! for them. Only the newest version is served, so that nothing has to be converted.

mod checks;
mod queues;
mod workload;

use serde_json::{Value, json};

use super::Definition;
use super::schema::*;

const GROUP: &str = "kueue.x-k8s.io";
const VERSION: &str = "v1beta2";

pub fn all() -> Vec<Value> {
    let mut all = queues::all();
    all.push(workload::workload());
    all.extend(checks::all());
    all
}

/// A cluster-wide kind of the group.
fn kind(kind: &'static str, short: &'static [&'static str]) -> Definition {
    Definition {
        group: GROUP,
        version: VERSION,
        kind,
        short,
        cluster: true,
        ..Definition::default()
    }
}

/// The same list as a set of which order matters.
fn atomic(items: Value) -> Value {
    let mut out = list(items);
    out["x-kubernetes-list-type"] = json!("atomic");
    out
}

fn tolerations() -> Value {
    atomic(object(json!({
        "key": text(), "operator": text(), "value": text(), "effect": text(), "tolerationSeconds": long(),
    })))
}
