//! leaderworkerset.x-k8s.io/v1: groups of pods, each a leader with its workers.

use serde_json::{Value, json};

use super::Definition;
use super::schema::*;

pub fn leader_worker_set() -> Value {
    let definition = Definition {
        group: "leaderworkerset.x-k8s.io",
        kind: "LeaderWorkerSet",
        short: &["lws"],
        columns: &[
            "Ready|integer|.status.readyReplicas",
            "Desired|integer|.spec.replicas",
            "Up-to-date|integer|.status.updatedReplicas",
            "Age|date|.metadata.creationTimestamp",
        ],
        scale: Some((
            ".spec.replicas".to_owned(),
            ".status.replicas".to_owned(),
            ".status.hpaPodSelector".to_owned(),
        )),
        ..Definition::default()
    };
    let template = requires(
        &["workerTemplate"],
        json!({
            "leaderTemplate": say("The leader's pod; the workers' if it is not there.", open()),
            "workerTemplate": say("A worker's pod.", open()),
            "size": say("Pods in a group, the leader among them.", or(int(), json!(1))),
            "restartPolicy": or(
                one_of(&["Default", "RecreateGroupOnPodRestart", "RecreateGroupAfterStart", "None"]),
                json!("RecreateGroupOnPodRestart"),
            ),
            "subGroupPolicy": object(json!({
                "subGroupPolicyType": or(one_of(&["LeaderWorker", "LeaderExcluded"]), json!("LeaderWorker")),
                "subGroupSize": int(),
            })),
            "volumeClaimTemplates": list(open()), "persistentVolumeClaimRetentionPolicy": open(),
        }),
    );
    let spec = requires(
        &["leaderWorkerTemplate"],
        json!({
            "replicas": say("How many groups.", or(int(), json!(1))),
            "leaderWorkerTemplate": template,
            "rolloutStrategy": requires(&["type"], json!({
                "type": or(one_of(&["RollingUpdate"]), json!("RollingUpdate")),
                "rollingUpdateConfiguration": object(json!({
                    "partition": or(int(), json!(0)), "maxUnavailable": or(quantity(), json!(1)),
                    "maxSurge": or(quantity(), json!(0)),
                })),
            })),
            "startupPolicy": or(one_of(&["LeaderCreated", "LeaderReady"]), json!("LeaderCreated")),
            "networkConfig": requires(&["subdomainPolicy"], json!({
                "subdomainPolicy": one_of(&["Shared", "UniquePerReplica"]),
            })),
        }),
    );
    let status = object(json!({
        "conditions": conditions(), "readyReplicas": int(), "updatedReplicas": int(), "replicas": int(),
        "hpaPodSelector": text(), "observedGeneration": long(),
    }));
    definition.build(
        "Groups of pods, each a leader with its workers.",
        json!({"spec": spec, "status": status}),
    )
}
