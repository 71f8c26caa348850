//! ray.io/v1: Ray clusters, and jobs that bring their own.

use serde_json::{Value, json};

use super::Definition;
use super::schema::*;

pub fn all() -> Vec<Value> {
    vec![cluster(), job()]
}

fn cluster() -> Value {
    let definition = Definition {
        group: "ray.io",
        kind: "RayCluster",
        categories: &["all"],
        columns: &[
            "desired workers|integer|.status.desiredWorkerReplicas",
            "available workers|integer|.status.availableWorkerReplicas",
            "cpus|string|.status.desiredCPU",
            "memory|string|.status.desiredMemory",
            "gpus|string|.status.desiredGPU",
            "!tpus|string|.status.desiredTPU",
            "status|string|.status.state",
            "age|date|.metadata.creationTimestamp",
            "!head pod IP|string|.status.head.podIP",
            "!head service IP|string|.status.head.serviceIP",
        ],
        ..Definition::default()
    };
    definition.build(
        "A Ray cluster: a head and groups of workers.",
        json!({"spec": cluster_spec(), "status": cluster_status()}),
    )
}

fn cluster_spec() -> Value {
    let head = requires(
        &["template"],
        json!({
            "template": say("The head's pod.", open()), "rayStartParams": map(text()), "serviceType": text(),
            "headService": open(), "enableIngress": flag(), "resources": map(text()), "labels": map(text()),
        }),
    );
    let workers = requires(
        &["groupName", "template"],
        json!({
            "groupName": text(),
            "replicas": say("How many workers, or groups of hosts.", or(int(), json!(0))),
            "minReplicas": or(int(), json!(0)), "maxReplicas": or(int(), json!(i32::MAX)),
            "numOfHosts": or(int(), json!(1)), "idleTimeoutSeconds": int(), "suspend": flag(), "priority": int(),
            "rayStartParams": map(text()), "template": say("A worker's pod.", open()),
            "scaleStrategy": object(json!({"workersToDelete": list(text())})),
            "resources": map(text()), "labels": map(text()),
        }),
    );
    requires(
        &["headGroupSpec"],
        json!({
            "headGroupSpec": head, "workerGroupSpecs": list(workers), "rayVersion": text(), "suspend": flag(),
            "enableInTreeAutoscaling": flag(), "autoscalerOptions": open(), "headServiceAnnotations": map(text()),
            "gcsFaultToleranceOptions": open(), "managedBy": text(), "upgradeStrategy": open(), "authOptions": open(),
        }),
    )
}

fn cluster_status() -> Value {
    object(json!({
        "state": text(), "reason": text(), "conditions": conditions(), "observedGeneration": long(),
        "desiredWorkerReplicas": int(), "availableWorkerReplicas": int(), "readyWorkerReplicas": int(),
        "minWorkerReplicas": int(), "maxWorkerReplicas": int(),
        "desiredCPU": quantity(), "desiredMemory": quantity(), "desiredGPU": quantity(), "desiredTPU": quantity(),
        "lastUpdateTime": {"type": "string", "format": "date-time", "nullable": true},
        "stateTransitionTimes": map(time()), "endpoints": map(text()),
        "head": object(json!({
            "podIP": text(), "podName": text(), "serviceIP": text(), "serviceName": text(),
        })),
    }))
}

fn job() -> Value {
    let definition = Definition {
        group: "ray.io",
        kind: "RayJob",
        categories: &["all"],
        columns: &[
            "job status|string|.status.jobStatus",
            "deployment status|string|.status.jobDeploymentStatus",
            "ray cluster name|string|.status.rayClusterName",
            "start time|string|.status.startTime",
            "end time|string|.status.endTime",
            "age|date|.metadata.creationTimestamp",
        ],
        ..Definition::default()
    };
    let spec = object(json!({
        "entrypoint": say("The command that is submitted.", text()),
        "rayClusterSpec": say("The cluster that the job brings.", cluster_spec()),
        "clusterSelector": say("A running cluster instead, by its labels.", map(text())),
        "submissionMode": or(text(), json!("K8sJobMode")), "submitterPodTemplate": open(),
        "submitterConfig": object(json!({"backoffLimit": int()})),
        "suspend": say("No cluster while this is true.", flag()),
        "shutdownAfterJobFinishes": flag(), "ttlSecondsAfterFinished": or(int(), json!(0)),
        "activeDeadlineSeconds": int(), "preRunningDeadlineSeconds": int(), "backoffLimit": or(int(), json!(0)),
        "runtimeEnvYAML": text(), "jobId": text(), "metadata": map(text()), "managedBy": text(),
        "entrypointNumCpus": {"type": "number"}, "entrypointNumGpus": {"type": "number"},
        "entrypointResources": text(), "deletionStrategy": open(),
    }));
    let status = object(json!({
        "jobStatus": text(), "jobDeploymentStatus": text(), "jobId": text(), "rayClusterName": text(),
        "dashboardURL": text(), "reason": text(), "message": text(), "startTime": time(), "endTime": time(),
        "succeeded": or(int(), json!(0)), "failed": or(int(), json!(0)), "observedGeneration": long(),
        "rayClusterStatus": cluster_status(),
        "rayJobInfo": object(json!({"startTime": time(), "endTime": time()})),
    }));
    definition.build(
        "A program on a Ray cluster.",
        json!({"spec": spec, "status": status}),
    )
}
