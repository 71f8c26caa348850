//! kubeflow.org: the kinds of the training operator (v1) and the MPI operator (v2beta1). They differ in the name of
//! their replica specs.

use serde_json::{Value, json};

use super::Definition;
use super::schema::*;

const COLUMNS: &[&str] = &[
    "State|string|.status.conditions[-1:].type",
    "Age|date|.metadata.creationTimestamp",
];
const MPI_COLUMNS: &[&str] = &[
    "Age|date|.metadata.creationTimestamp",
    "State|string|.status.conditions[-1:].type",
];

struct Framework {
    kind: &'static str,
    replicas: &'static str,
    columns: &'static [&'static str],
    scales: bool,
}

const FRAMEWORKS: [Framework; 6] = [
    Framework {
        kind: "PyTorchJob",
        replicas: "pytorchReplicaSpecs",
        columns: COLUMNS,
        scales: true,
    },
    Framework {
        kind: "TFJob",
        replicas: "tfReplicaSpecs",
        columns: COLUMNS,
        scales: false,
    },
    Framework {
        kind: "MPIJob",
        replicas: "mpiReplicaSpecs",
        columns: MPI_COLUMNS,
        scales: false,
    },
    Framework {
        kind: "XGBoostJob",
        replicas: "xgbReplicaSpecs",
        columns: COLUMNS,
        scales: false,
    },
    Framework {
        kind: "PaddleJob",
        replicas: "paddleReplicaSpecs",
        columns: COLUMNS,
        scales: true,
    },
    Framework {
        kind: "JAXJob",
        replicas: "jaxReplicaSpecs",
        columns: COLUMNS,
        scales: true,
    },
];

pub fn all() -> Vec<Value> {
    FRAMEWORKS.iter().map(definition).collect()
}

fn definition(framework: &Framework) -> Value {
    let replicas = framework.replicas;
    let mut fields = json!({"runPolicy": run_policy()});
    fields[replicas] = say(
        "What runs, by its role: Master and Worker, Launcher, PS, Chief, Evaluator.",
        map(replica_spec()),
    );
    for (name, schema) in own_fields(framework.kind) {
        fields[name] = schema;
    }
    let scale = framework.scales.then(|| {
        let status = ".status.replicaStatuses.Worker";
        (
            format!(".spec.{replicas}.Worker.replicas"),
            format!("{status}.active"),
            format!("{status}.selector"),
        )
    });
    let definition = Definition {
        group: "kubeflow.org",
        // Its operator is another one.
        version: if framework.kind == "MPIJob" {
            "v2beta1"
        } else {
            "v1"
        },
        kind: framework.kind,
        columns: framework.columns,
        scale,
        ..Definition::default()
    };
    let spec = requires(&[replicas], fields);
    let description = format!("A distributed training job: {}.", framework.kind);
    definition.build(&description, json!({"spec": spec, "status": status()}))
}

/// What only one of the kinds has.
fn own_fields(kind: &str) -> Vec<(&'static str, Value)> {
    match kind {
        "PyTorchJob" => vec![
            (
                "nprocPerNode",
                say(
                    "Processes on each node: auto, cpu, gpu or a number.",
                    text(),
                ),
            ),
            (
                "elasticPolicy",
                object(json!({
                    "minReplicas": int(), "maxReplicas": int(), "maxRestarts": int(), "nProcPerNode": int(),
                    "rdzvBackend": text(), "rdzvPort": int(), "rdzvHost": text(), "rdzvId": text(),
                    "rdzvConf": list(object(json!({"key": text(), "value": text()}))),
                    "standalone": flag(), "metrics": list(open()),
                })),
            ),
        ],
        "PaddleJob" => vec![(
            "elasticPolicy",
            object(json!({
                "minReplicas": int(), "maxReplicas": int(), "maxRestarts": int(), "metrics": list(open()),
            })),
        )],
        "TFJob" => vec![("successPolicy", text()), ("enableDynamicWorker", flag())],
        "MPIJob" => vec![
            (
                "slotsPerWorker",
                say("Processes on each worker.", or(int(), json!(1))),
            ),
            (
                "runLauncherAsWorker",
                say("The launcher's pod works too.", or(flag(), json!(false))),
            ),
            (
                "launcherCreationPolicy",
                say(
                    "AtStartup, or WaitForWorkersReady.",
                    or(
                        one_of(&["AtStartup", "WaitForWorkersReady"]),
                        json!("AtStartup"),
                    ),
                ),
            ),
            (
                "mpiImplementation",
                say(
                    "OpenMPI, Intel or MPICH.",
                    or(one_of(&["OpenMPI", "Intel", "MPICH"]), json!("OpenMPI")),
                ),
            ),
            ("sshAuthMountPath", or(text(), json!("/root/.ssh"))),
        ],
        _ => Vec::new(),
    }
}

fn run_policy() -> Value {
    let scheduling = object(json!({
        "minAvailable": int(), "queue": text(), "priorityClass": text(),
        "minResources": map(quantity()), "scheduleTimeoutSeconds": int(),
    }));
    say(
        "What becomes of the pods, and how long the job may take.",
        object(json!({
            "cleanPodPolicy": say("Which pods go when the job is over: All, Running or None.", text()),
            "ttlSecondsAfterFinished": int(), "activeDeadlineSeconds": long(), "backoffLimit": int(),
            "suspend": say("No pods while this is true.", or(flag(), json!(false))),
            "managedBy": text(), "schedulingPolicy": scheduling,
        })),
    )
}

fn replica_spec() -> Value {
    object(json!({
        "replicas": say("How many pods of this role; 1 if it is not there.", int()),
        "template": say("The pod of this role.", open()),
        "restartPolicy": say("Always, OnFailure, Never or ExitCode; it overrides the template's.", text()),
    }))
}

fn status() -> Value {
    let condition = requires(
        &["status", "type"],
        json!({
            "type": text(), "status": text(), "reason": text(), "message": text(),
            "lastUpdateTime": time(), "lastTransitionTime": time(),
        }),
    );
    let replicas = object(json!({
        "active": int(), "succeeded": int(), "failed": int(), "selector": text(),
        "labelSelector": open(),
    }));
    object(json!({
        "conditions": list(condition), "replicaStatuses": map(replicas), "startTime": time(),
        "completionTime": time(), "lastReconcileTime": time(),
    }))
}
