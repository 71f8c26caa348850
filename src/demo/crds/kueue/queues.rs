//! ClusterQueue, LocalQueue, Cohort, ResourceFlavor, Topology and WorkloadPriorityClass.

use serde_json::{Value, json};

use super::super::Definition;
use super::super::schema::*;
use super::{atomic, kind, tolerations};

pub fn all() -> Vec<Value> {
    vec![
        cluster_queue(),
        local_queue(),
        cohort(),
        resource_flavor(),
        topology(),
        priority_class(),
    ]
}

fn resource_groups() -> Value {
    let resource = requires(
        &["name", "nominalQuota"],
        json!({
            "name": text(),
            "nominalQuota": say("What it owns.", quantity()),
            "borrowingLimit": say("What it may use above its own, at most.", quantity()),
            "lendingLimit": say("What others of the cohort may use of its own, at most.", quantity()),
        }),
    );
    let flavor = requires(
        &["name", "resources"],
        json!({"name": text(), "resources": keyed("name", resource)}),
    );
    atomic(requires(
        &["coveredResources", "flavors"],
        json!({"coveredResources": atomic(text()), "flavors": keyed("name", flavor)}),
    ))
}

fn fair_sharing() -> Value {
    object(json!({"weight": or(quantity(), json!(1))}))
}

fn share() -> Value {
    requires(&["weightedShare"], json!({"weightedShare": long()}))
}

fn stop_policy() -> Value {
    or(one_of(&["None", "Hold", "HoldAndDrain"]), json!("None"))
}

/// Usage per flavor; that of a cluster queue also tells what is borrowed.
fn usage(borrowed: bool) -> Value {
    let mut amounts = json!({"name": text(), "total": quantity()});
    if borrowed {
        amounts["borrowed"] = quantity();
    }
    let resources = keyed("name", requires(&["name"], amounts));
    keyed(
        "name",
        requires(
            &["name", "resources"],
            json!({"name": text(), "resources": resources}),
        ),
    )
}

fn selector() -> Value {
    let expression = requires(
        &["key", "operator"],
        json!({"key": text(), "operator": text(), "values": atomic(text())}),
    );
    let mut out = object(json!({
        "matchLabels": map(text()), "matchExpressions": atomic(expression),
    }));
    out["x-kubernetes-map-type"] = json!("atomic");
    out
}

fn cluster_queue() -> Value {
    let definition = Definition {
        columns: &[
            "Cohort|string|.spec.cohortName",
            "!Strategy|string|.spec.queueingStrategy",
            "Pending Workloads|integer|.status.pendingWorkloads",
            "!Admitted Workloads|integer|.status.admittedWorkloads",
        ],
        ..kind("ClusterQueue", &["cq"])
    };
    let checks = keyed(
        "name",
        requires(
            &["name"],
            json!({"name": text(), "onFlavors": list(text())}),
        ),
    );
    let never = |words: &[&str]| or(one_of(words), json!("Never"));
    let spec = object(json!({
        "resourceGroups": say("What it owns, by flavor.", resource_groups()),
        "cohortName": say("Whom it lends to and borrows from.", text()),
        "queueingStrategy": or(one_of(&["StrictFIFO", "BestEffortFIFO"]), json!("BestEffortFIFO")),
        "namespaceSelector": say("Whose local queues may use it; nobody's when absent.", selector()),
        "flavorFungibility": or(object(json!({
            "whenCanBorrow": or(one_of(&["MayStopSearch", "TryNextFlavor"]), json!("MayStopSearch")),
            "whenCanPreempt": or(one_of(&["MayStopSearch", "TryNextFlavor"]), json!("TryNextFlavor")),
            "preference": one_of(&["BorrowingOverPreemption", "PreemptionOverBorrowing"]),
        })), json!({})),
        "preemption": or(object(json!({
            "withinClusterQueue": never(&["Never", "LowerPriority", "LowerOrNewerEqualPriority"]),
            "reclaimWithinCohort": never(&["Never", "LowerPriority", "Any"]),
            "borrowWithinCohort": or(object(json!({
                "policy": never(&["Never", "LowerPriority"]), "maxPriorityThreshold": int(),
            })), json!({})),
        })), json!({})),
        "admissionChecksStrategy": requires(&["admissionChecks"], json!({"admissionChecks": checks})),
        "admissionScope": requires(&["admissionMode"], json!({
            "admissionMode": one_of(&["UsageBasedAdmissionFairSharing", "NoAdmissionFairSharing"]),
        })),
        "concurrentAdmissionPolicy": open(),
        "fairSharing": fair_sharing(),
        "stopPolicy": say("Stops admission, and with HoldAndDrain what runs.", stop_policy()),
    }));
    let status = object(json!({
        "conditions": conditions(), "pendingWorkloads": int(), "reservingWorkloads": int(),
        "admittedWorkloads": int(), "flavorsReservation": usage(true), "flavorsUsage": usage(true),
        "fairSharing": share(),
    }));
    definition.build(
        "Quota that workloads of many namespaces compete for.",
        json!({"spec": spec, "status": status}),
    )
}

fn local_queue() -> Value {
    let definition = Definition {
        cluster: false,
        columns: &[
            "ClusterQueue|string|.spec.clusterQueue",
            "Pending Workloads|integer|.status.pendingWorkloads",
            "Admitted Workloads|integer|.status.admittedWorkloads",
        ],
        ..kind("LocalQueue", &["queue", "queues", "lq"])
    };
    let past = requires(
        &["consumedResources", "lastUpdate"],
        json!({"consumedResources": map(quantity()), "lastUpdate": time()}),
    );
    let spec = object(json!({
        "clusterQueue": text(), "stopPolicy": stop_policy(), "fairSharing": fair_sharing(),
    }));
    let status = object(json!({
        "conditions": conditions(), "pendingWorkloads": int(), "reservingWorkloads": int(),
        "admittedWorkloads": int(), "flavorsReservation": usage(false), "flavorsUsage": usage(false),
        "fairSharing": requires(&["weightedShare"], json!({
            "weightedShare": long(), "admissionFairSharingStatus": past,
        })),
    }));
    definition.build(
        "The name under which a namespace uses a cluster queue.",
        json!({"spec": spec, "status": status}),
    )
}

fn cohort() -> Value {
    let spec = object(json!({
        "parentName": text(), "resourceGroups": resource_groups(), "fairSharing": fair_sharing(),
    }));
    kind("Cohort", &["co"]).build(
        "Cluster queues and cohorts that lend to each other.",
        json!({"spec": spec, "status": object(json!({"fairSharing": share()}))}),
    )
}

fn resource_flavor() -> Value {
    let definition = Definition {
        status: false,
        ..kind("ResourceFlavor", &["flavor", "flavors", "rf"])
    };
    let taint = requires(
        &["effect", "key"],
        json!({"key": text(), "value": text(), "effect": text(), "timeAdded": time()}),
    );
    let mut labels = map(text());
    labels["x-kubernetes-map-type"] = json!("atomic");
    let spec = object(json!({
        "nodeLabels": labels, "nodeTaints": atomic(taint), "tolerations": tolerations(),
        "topologyName": text(),
    }));
    definition.build("A kind of nodes.", json!({"spec": spec}))
}

fn topology() -> Value {
    let definition = Definition {
        plural: "topologies",
        status: false,
        ..kind("Topology", &["topo"])
    };
    let level = requires(&["nodeLabel"], json!({"nodeLabel": text()}));
    let spec = requires(&["levels"], json!({"levels": atomic(level)}));
    definition.build("How nodes are nested, by label.", json!({"spec": spec}))
}

fn priority_class() -> Value {
    let definition = Definition {
        plural: "workloadpriorityclasses",
        status: false,
        columns: &["Value|integer|.value"],
        ..kind("WorkloadPriorityClass", &["wpc"])
    };
    let mut out = definition.build(
        "A priority that counts in queues and not for pods.",
        json!({"value": int(), "description": text()}),
    );
    out["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["required"] = json!(["value"]);
    out
}
