//! Workload: what waits for quota, holds it, and was told why not.

use serde_json::{Value, json};

use super::super::Definition;
use super::super::schema::*;
use super::{atomic, kind, tolerations};

pub fn workload() -> Value {
    let definition = Definition {
        cluster: false,
        columns: &[
            "Queue|string|.spec.queueName",
            "Reserved in|string|.status.admission.clusterQueue",
            "Admitted|string|.status.conditions[?(@.type=='Admitted')].status",
            "Finished|string|.status.conditions[?(@.type=='Finished')].status",
            "Age|date|.metadata.creationTimestamp",
        ],
        ..kind("Workload", &["kwl", "kueueworkload", "kueueworkloads"])
    };
    definition.build(
        "A job as the queues see it.",
        json!({"spec": spec(), "status": status()}),
    )
}

fn spec() -> Value {
    let topology = object(json!({
        "required": text(), "preferred": text(), "unconstrained": flag(), "podIndexLabel": text(),
        "subGroupIndexLabel": text(), "subGroupCount": count(), "podSetGroupName": text(),
        "podSetSliceRequiredTopology": text(), "podSetSliceSize": int(),
    }));
    let set = requires(
        &["template"],
        json!({
            "name": or(text(), json!("main")), "count": or(count(), json!(1)), "minCount": int(),
            "template": open(), "topologyRequest": topology,
        }),
    );
    let class = requires(
        &["group", "kind", "name"],
        json!({
            "group": one_of(&["kueue.x-k8s.io", "scheduling.k8s.io"]),
            "kind": one_of(&["WorkloadPriorityClass", "PriorityClass"]), "name": text(),
        }),
    );
    let gate = requires(&["name"], json!({"name": text()}));
    object(json!({
        "podSets": say("Its pods, by template.", keyed("name", set)),
        "queueName": say("A local queue of the namespace.", text()),
        "priority": int(), "priorityClassRef": class,
        "active": say("False takes it out of its queue, and its quota away.", or(flag(), json!(true))),
        "maximumExecutionTimeSeconds": int(), "preemptionGates": keyed("name", gate),
    }))
}

fn assignment() -> Value {
    let topology = requires(
        &["levels", "slices"],
        json!({"levels": atomic(text()), "slices": atomic(open())}),
    );
    object(json!({
        "name": or(text(), json!("main")), "flavors": map(text()), "resourceUsage": map(quantity()),
        "count": count(), "topologyAssignment": topology,
        "delayedTopologyRequest": one_of(&["Pending", "Ready"]),
    }))
}

fn check_state() -> Value {
    let update = requires(
        &["name"],
        json!({
            "name": text(), "labels": map(text()), "annotations": map(text()),
            "nodeSelector": map(text()), "tolerations": tolerations(),
        }),
    );
    requires(
        &["lastTransitionTime", "message", "name", "state"],
        json!({
            "name": text(), "state": one_of(&["Pending", "Ready", "Retry", "Rejected"]),
            "message": text(), "lastTransitionTime": time(), "retryCount": count(),
            "requeueAfterSeconds": count(), "podSetUpdates": atomic(update),
        }),
    )
}

fn status() -> Value {
    let named =
        |required: &[&str], properties: Value| keyed("name", requires(required, properties));
    let requests = named(
        &["name"],
        json!({"name": text(), "resources": map(quantity())}),
    );
    let gate = named(
        &["lastTransitionTime", "name", "position"],
        json!({"name": text(), "position": one_of(&["Closed", "Open"]), "lastTransitionTime": time()}),
    );
    let mut evictions = list(requires(
        &["count", "reason", "underlyingCause"],
        json!({"count": count(), "reason": text(), "underlyingCause": text()}),
    ));
    evictions["x-kubernetes-list-type"] = json!("map");
    evictions["x-kubernetes-list-map-keys"] = json!(["reason", "underlyingCause"]);
    object(json!({
        "conditions": conditions(),
        "admission": object(json!({
            "clusterQueue": text(), "podSetAssignments": keyed("name", assignment()),
        })),
        "resourceRequests": requests,
        "requeueState": object(json!({"count": count(), "requeueAt": time()})),
        "reclaimablePods": named(&["count", "name"], json!({"name": text(), "count": count()})),
        "admissionChecks": keyed("name", check_state()),
        "accumulatedPastExecutionTimeSeconds": int(),
        "schedulingStats": object(json!({"evictions": evictions})),
        "clusterName": text(), "nominatedClusterNames": atomic(text()),
        "preemptionGates": gate,
        "unhealthyNodes": named(&["name"], json!({"name": text()})),
    }))
}
