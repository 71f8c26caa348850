//! The pods and the service of a PyTorchJob: names, labels, and the variables by which torch finds its master.

use serde_json::{Value, json};

use crate::demo::store::Object;

pub const ROLE: &str = "training.kubeflow.org/replica-type";
pub const INDEX: &str = "training.kubeflow.org/replica-index";
const OPERATOR: &str = "pytorchjob-controller";
const PORT: u16 = 23456;

/// What a pod must know of the others.
pub struct Group<'a> {
    /// Pods of the whole job.
    pub world: u64,
    /// One of them leads.
    pub master: bool,
    /// The pods' restart policy.
    pub restart: &'a str,
}

/// The labels of a role's pods.
fn labels(job: &str, role: &str) -> Value {
    json!({
        "training.kubeflow.org/job-name": job, "training.kubeflow.org/operator-name": OPERATOR,
        ROLE: role.to_lowercase(),
    })
}

/// `status.replicaStatuses[].selector`
pub fn selector(job: &str, role: &str) -> String {
    let labels = labels(job, role);
    let pairs = labels.as_object().into_iter().flatten();
    let pairs = pairs.map(|(k, v)| format!("{k}={}", v.as_str().unwrap_or_default()));
    pairs.collect::<Vec<_>>().join(",")
}

fn owner(job: &Object) -> Value {
    json!([{
        "apiVersion": "kubeflow.org/v1", "kind": "PyTorchJob", "name": job.name, "uid": job.uid,
        "controller": true, "blockOwnerDeletion": true,
    }])
}

/// The pod of one replica.
pub fn pod(job: &Object, spec: &Value, role: &str, index: usize, group: &Group<'_>) -> Value {
    let template = &spec["pytorchReplicaSpecs"][role]["template"];
    let mut all = template["metadata"]["labels"].clone();
    if !all.is_object() {
        all = json!({});
    }
    let own = labels(&job.name, role);
    for (key, value) in own.as_object().into_iter().flatten() {
        all[key] = value.clone();
    }
    all[INDEX] = json!(index.to_string());
    if role == "Master" {
        all["training.kubeflow.org/job-role"] = json!("master");
    }
    let mut meta = json!({
        "name": format!("{}-{}-{index}", job.name, role.to_lowercase()),
        "labels": all, "ownerReferences": owner(job),
    });
    if template["metadata"]["annotations"].is_object() {
        meta["annotations"] = template["metadata"]["annotations"].clone();
    }
    let mut pod = template["spec"].clone();
    pod["restartPolicy"] = json!(group.restart);
    let rank = match role {
        "Worker" if group.master => index + 1,
        _ => index,
    };
    let leader = if group.master { "master" } else { "worker" };
    let variables = [
        ("PYTHONUNBUFFERED", "1".to_owned()),
        (
            "PET_NPROC_PER_NODE",
            spec["nprocPerNode"].as_str().unwrap_or("auto").to_owned(),
        ),
        ("MASTER_PORT", PORT.to_string()),
        ("PET_MASTER_PORT", PORT.to_string()),
        ("MASTER_ADDR", format!("{}-{leader}-0", job.name)),
        ("PET_MASTER_ADDR", format!("{}-{leader}-0", job.name)),
        ("WORLD_SIZE", group.world.to_string()),
        ("RANK", rank.to_string()),
        ("PET_NNODES", group.world.to_string()),
        ("PET_NODE_RANK", rank.to_string()),
    ];
    for container in pod["containers"].as_array_mut().into_iter().flatten() {
        let mut env = container["env"].as_array().cloned().unwrap_or_default();
        for (name, value) in &variables {
            if !env.iter().any(|e| e["name"] == *name) {
                env.push(json!({"name": name, "value": value}));
            }
        }
        container["env"] = json!(env);
        let torch = container["name"] == "pytorch";
        if torch && container["ports"].as_array().is_none_or(Vec::is_empty) {
            container["ports"] =
                json!([{"name": "pytorchjob-port", "containerPort": PORT, "protocol": "TCP"}]);
        }
    }
    json!({"metadata": meta, "spec": pod})
}

/// The service under whose name the master is found.
pub fn service(job: &Object) -> Value {
    let mut labels = labels(&job.name, "Master");
    labels[INDEX] = json!("0");
    json!({
        "metadata": {"name": format!("{}-master-0", job.name), "labels": labels, "ownerReferences": owner(job)},
        "spec": {"clusterIP": "None", "selector": labels, "ports": [{"name": "pytorchjob-port", "port": PORT}]},
    })
}
