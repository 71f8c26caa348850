//! trainer.kubeflow.org/v1alpha1: TrainJobs and the runtimes they refer to.

use serde_json::{Value, json};

use super::Definition;
use super::jobset;
use super::schema::*;

const GROUP: &str = "trainer.kubeflow.org";

pub fn all() -> Vec<Value> {
    vec![
        train_job(),
        runtime("TrainingRuntime", false),
        runtime("ClusterTrainingRuntime", true),
    ]
}

fn env() -> Value {
    let variable = requires(
        &["name"],
        json!({"name": text(), "value": text(), "valueFrom": open()}),
    );
    keyed("name", variable)
}

fn train_job() -> Value {
    let definition = Definition {
        group: GROUP,
        version: "v1alpha1",
        kind: "TrainJob",
        columns: &[
            "State|string|.status.conditions[-1:].type",
            "Age|date|.metadata.creationTimestamp",
        ],
        ..Definition::default()
    };
    let source = || object(json!({"storageUri": text(), "env": env(), "secretRef": open()}));
    let patches = requires(
        &["manager"],
        json!({
            "manager": text(), "time": time(), "trainingRuntimeSpec": open(), "job": list(open()), "pod": list(open()),
        }),
    );
    let spec = requires(
        &["runtimeRef"],
        json!({
            "runtimeRef": say("The runtime that tells how to train.", requires(&["name"], json!({
                "name": text(), "apiGroup": or(text(), json!(GROUP)),
                "kind": or(text(), json!("ClusterTrainingRuntime")),
            }))),
            "trainer": say("What this training sets beside its runtime.", object(json!({
                "image": text(), "command": list(text()), "args": list(text()), "env": env(),
                "numNodes": int(), "numProcPerNode": quantity(),
                "resourcesPerNode": object(json!({
                    "limits": map(quantity()), "requests": map(quantity()), "claims": list(open()),
                })),
            }))),
            "initializer": object(json!({"dataset": source(), "model": source()})),
            "suspend": say("Nothing runs while this is true.", or(flag(), json!(false))),
            "managedBy": or(text(), json!("trainer.kubeflow.org/trainjob-controller")),
            "labels": map(text()), "annotations": map(text()),
            "podSpecOverrides": list(open()), "podTemplateOverrides": list(open()),
            "runtimePatches": keyed("manager", patches),
        }),
    );
    let jobs = requires(
        &["name"],
        json!({
            "name": text(), "active": int(), "failed": int(), "ready": int(), "succeeded": int(), "suspended": int(),
        }),
    );
    let status = object(json!({
        "conditions": conditions(), "jobsStatus": keyed("name", jobs),
        "trainerStatus": object(json!({
            "progressPercentage": count(), "estimatedRemainingSeconds": count(), "lastUpdatedTime": time(),
            "metrics": list(object(json!({"name": text(), "value": text()}))),
        })),
    }));
    definition.build(
        "A training on a runtime.",
        json!({"spec": spec, "status": status}),
    )
}

/// The runtime that comes with the project for trainings with torch.
pub fn torch_distributed() -> Value {
    json!({
        "metadata": {"name": "torch-distributed", "labels": {"trainer.kubeflow.org/framework": "torch"}},
        "spec": {
            "mlPolicy": {"numNodes": 1, "torch": {}},
            "template": {"spec": {"replicatedJobs": [{"name": "node", "template": {
                "metadata": {"labels": {"trainer.kubeflow.org/trainjob-ancestor-step": "trainer"}},
                "spec": {"template": {"spec": {"containers": [
                    {"name": "node", "image": "pytorch/pytorch:2.13.0-cuda13.0-cudnn9-runtime"}]}}},
            }}]}},
        },
    })
}

fn runtime(kind: &'static str, cluster: bool) -> Value {
    let definition = Definition {
        group: GROUP,
        version: "v1alpha1",
        kind,
        cluster,
        status: false,
        ..Definition::default()
    };
    let spec = object(json!({
        "mlPolicy": object(json!({
            "numNodes": int(), "torch": open(), "jax": open(),
            "mpi": object(json!({
                "numProcPerNode": or(int(), json!(1)), "mpiImplementation": or(text(), json!("OpenMPI")),
                "sshAuthMountPath": text(), "runLauncherAsNode": or(flag(), json!(false)),
            })),
        })),
        "podGroupPolicy": object(json!({
            "coscheduling": object(json!({"scheduleTimeoutSeconds": or(int(), json!(60))})),
            "volcano": open(),
        })),
        "template": say("The JobSet that a training becomes.", object(json!({
            "metadata": open(), "spec": jobset::spec(),
        }))),
    }));
    definition.build("How trainings of one sort are run.", json!({"spec": spec}))
}
