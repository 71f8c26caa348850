//! jobset.x-k8s.io/v1alpha2: a JobSet, several Jobs that run as one.

use serde_json::{Value, json};

use super::Definition;
use super::schema::*;

pub fn jobset() -> Value {
    let definition = Definition {
        group: "jobset.x-k8s.io",
        version: "v1alpha2",
        kind: "JobSet",
        columns: &[
            "TerminalState|string|.status.terminalState",
            "Restarts|string|.status.restarts",
            "Completed|string|.status.conditions[?(@.type==\"Completed\")].status",
            "Suspended|string|.spec.suspend",
            "Age|date|.metadata.creationTimestamp",
        ],
        ..Definition::default()
    };
    definition.build(
        "A set of Jobs that start, fail and end together.",
        json!({"spec": spec(), "status": status()}),
    )
}

/// Also the template in a training runtime.
pub fn spec() -> Value {
    let depends = requires(
        &["name", "status"],
        json!({"name": text(), "status": one_of(&["Ready", "Complete"])}),
    );
    let replicated = requires(
        &["name", "template"],
        json!({
            "name": say("Becomes a part of the names of its Jobs.", text()),
            "groupName": or(text(), json!("default")),
            "replicas": say("How many Jobs.", or(int(), json!(1))),
            "template": say("The Job.", open()),
            "dependsOn": keyed("name", depends),
        }),
    );
    let rule = requires(
        &["action", "name"],
        json!({
            "name": text(), "onJobFailureReasons": list(text()), "onJobFailureMessagePatterns": list(text()),
            "targetReplicatedJobs": list(text()),
            "action": one_of(&[
                "FailJobSet", "RestartJobSet", "RestartJobSetAndIgnoreMaxRestarts", "RestartJob",
                "RestartJobAndIgnoreMaxRestarts",
            ]),
        }),
    );
    object(json!({
        "replicatedJobs": say("The Jobs, by template.", keyed("name", replicated)),
        "network": object(json!({
            "enableDNSHostnames": flag(), "subdomain": text(), "publishNotReadyAddresses": flag(),
        })),
        "successPolicy": requires(&["operator"], json!({
            "operator": one_of(&["All", "Any"]), "targetReplicatedJobs": list(text()),
        })),
        "failurePolicy": object(json!({
            "maxRestarts": say("How often all Jobs are made anew before the set has failed.", int()),
            "restartStrategy": or(one_of(&["Recreate", "BlockingRecreate", "InPlaceRestart"]), json!("Recreate")),
            "rules": list(rule),
        })),
        "startupPolicy": requires(&["startupPolicyOrder"], json!({
            "startupPolicyOrder": one_of(&["AnyOrder", "InOrder"]),
        })),
        "suspend": say("No Job runs while this is true.", flag()),
        "coordinator": requires(&["replicatedJob"], json!({
            "replicatedJob": text(), "jobIndex": int(), "podIndex": int(),
        })),
        "managedBy": text(), "ttlSecondsAfterFinished": count(),
        "volumeClaimPolicies": list(open()),
    }))
}

fn status() -> Value {
    let jobs = requires(
        &[
            "name",
            "active",
            "failed",
            "ready",
            "succeeded",
            "suspended",
        ],
        json!({
            "name": text(), "active": int(), "failed": int(), "ready": int(), "succeeded": int(),
            "suspended": int(), "jobRestarts": list(int()), "jobRestartsCountTowardsMax": list(int()),
        }),
    );
    object(json!({
        "conditions": conditions(), "restarts": int(), "restartsCountTowardsMax": int(),
        "terminalState": text(), "replicatedJobsStatus": keyed("name", jobs),
        "previousInPlaceRestartAttempt": count(), "currentInPlaceRestartAttempt": count(),
    }))
}
