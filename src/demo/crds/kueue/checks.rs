//! AdmissionCheck, its configurations (provisioning and MultiKueue), and the autoscaler's ProvisioningRequest.

use serde_json::{Value, json};

use super::super::Definition;
use super::super::schema::*;
use super::{atomic, kind};

pub fn all() -> Vec<Value> {
    vec![
        admission_check(),
        provisioning_config(),
        multikueue_config(),
        multikueue_cluster(),
        provisioning_request(),
    ]
}

fn admission_check() -> Value {
    let parameters = requires(
        &["apiGroup", "kind", "name"],
        json!({"apiGroup": text(), "kind": text(), "name": text()}),
    );
    let spec = requires(
        &["controllerName"],
        json!({"controllerName": text(), "parameters": parameters}),
    );
    kind("AdmissionCheck", &["ac"]).build(
        "Something that must agree before a workload with quota is admitted.",
        json!({"spec": spec, "status": object(json!({"conditions": conditions()}))}),
    )
}

fn provisioning_config() -> Value {
    let definition = Definition {
        status: false,
        ..kind("ProvisioningRequestConfig", &["prc"])
    };
    let retry = object(json!({
        "backoffLimitCount": or(int(), json!(3)), "backoffBaseSeconds": or(int(), json!(60)),
        "backoffMaxSeconds": or(int(), json!(1800)),
    }));
    let spec = requires(
        &["provisioningClassName"],
        json!({
            "provisioningClassName": text(), "parameters": map(text()), "managedResources": list(text()),
            "retryStrategy": or(retry, json!({
                "backoffLimitCount": 3, "backoffBaseSeconds": 60, "backoffMaxSeconds": 1800,
            })),
            "podSetMergePolicy": one_of(&["IdenticalPodTemplates", "IdenticalWorkloadSchedulingRequirements"]),
            "podSetUpdates": open(),
        }),
    );
    definition.build(
        "How an admission check asks the autoscaler for nodes.",
        json!({"spec": spec}),
    )
}

fn multikueue_config() -> Value {
    let definition = Definition {
        status: false,
        ..kind("MultiKueueConfig", &["mkconf"])
    };
    let spec = requires(
        &["clusters"],
        json!({
            "clusters": atomic(text()), "quotaManagement": one_of(&["Manual", "Automated"]),
        }),
    );
    definition.build(
        "Clusters to which workloads are sent, in order.",
        json!({"spec": spec}),
    )
}

fn multikueue_cluster() -> Value {
    let definition = Definition {
        columns: &[
            "Connected|string|.status.conditions[?(@.type=='Active')].status",
            "Age|date|.metadata.creationTimestamp",
        ],
        ..kind("MultiKueueCluster", &["mkc"])
    };
    let config = requires(
        &["location"],
        json!({"location": text(), "locationType": or(one_of(&["Secret", "Path"]), json!("Secret"))}),
    );
    let source = object(json!({
        "kubeConfig": config, "clusterProfileRef": requires(&["name"], json!({"name": text()})),
    }));
    definition.build(
        "A worker cluster and how it is reached.",
        json!({
            "spec": requires(&["clusterSource"], json!({"clusterSource": source})),
            "status": object(json!({"conditions": conditions()})),
        }),
    )
}

fn provisioning_request() -> Value {
    let definition = Definition {
        group: "autoscaling.x-k8s.io",
        version: "v1",
        kind: "ProvisioningRequest",
        short: &["provreq", "provreqs"],
        columns: &["Age|date|.metadata.creationTimestamp"],
        ..Definition::default()
    };
    let set = requires(
        &["count", "podTemplateRef"],
        json!({
            "count": count(), "podTemplateRef": requires(&["name"], json!({"name": text()})),
        }),
    );
    let spec = requires(
        &["podSets", "provisioningClassName"],
        json!({
            "podSets": list(set), "provisioningClassName": text(), "parameters": map(text()),
        }),
    );
    definition.build(
        "Capacity that is wanted for a group of pods.",
        json!({
            "spec": spec,
            "status": object(json!({
                "conditions": conditions(), "provisioningClassDetails": map(text()),
            })),
        }),
    )
}
