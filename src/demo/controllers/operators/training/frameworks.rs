//! What sets the training operator's kinds apart: their roles, their defaults, who leads, and how each framework's
//! processes are told of each other.

use serde_json::{Value, json};

use super::team::Team;

/// How failed replicas are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failing {
    /// They fail the job where they are not restarted.
    ByPolicy,
    /// They fail the job unless it was restarting before (TFJob).
    UnlessRestarting,
    /// They fail the job unless its policy is ExitCode (XGBoostJob).
    UnlessExitCode,
}

/// One kind of the training operator.
#[derive(Debug)]
pub struct Framework {
    pub kind: &'static str,
    /// The field of the replica specs.
    pub replicas: &'static str,
    /// In the order in which they are looked after.
    pub roles: &'static [&'static str],
    /// Roles that decide for the whole job where there is one.
    pub leaders: &'static [&'static str],
    pub controller: &'static str,
    /// The container that counts.
    pub container: &'static str,
    pub port: (&'static str, u16),
    /// Default restart policy.
    pub restart: &'static str,
    /// `replicaStatuses` carry a selector.
    pub selects: bool,
    pub failing: Failing,
    /// Does this replica carry the label `job-role: master`?
    pub master: fn(&Team<'_>, &str, usize) -> bool,
    /// What its containers find in their environment.
    pub environment: fn(&Team<'_>, &str, usize) -> Vec<Value>,
}

fn leader(team: &Team<'_>, role: &str, _: usize) -> bool {
    team.framework.leaders.contains(&role)
}

fn leader_or_first(team: &Team<'_>, role: &str, index: usize) -> bool {
    if team.led() {
        return team.framework.leaders.contains(&role);
    }
    role == "Worker" && index == 0
}

pub const PYTORCH: Framework = Framework {
    kind: "PyTorchJob",
    replicas: "pytorchReplicaSpecs",
    roles: &["Master", "Worker"],
    leaders: &["Master"],
    controller: "pytorchjob-controller",
    container: "pytorch",
    port: ("pytorchjob-port", 23456),
    restart: "OnFailure",
    selects: true,
    failing: Failing::ByPolicy,
    master: leader_or_first,
    environment: pytorch,
};

pub const TENSORFLOW: Framework = Framework {
    kind: "TFJob",
    replicas: "tfReplicaSpecs",
    roles: &["Chief", "Evaluator", "Master", "PS", "Worker"],
    leaders: &["Chief", "Master"],
    controller: "tfjob-controller",
    container: "tensorflow",
    port: ("tfjob-port", 2222),
    restart: "Never",
    selects: false,
    failing: Failing::UnlessRestarting,
    master: leader_or_first,
    environment: tensorflow,
};

pub const XGBOOST: Framework = Framework {
    kind: "XGBoostJob",
    replicas: "xgbReplicaSpecs",
    roles: &["Master", "Worker"],
    leaders: &["Master"],
    controller: "xgboostjob-controller",
    container: "xgboost",
    port: ("xgboostjob-port", 9999),
    restart: "Never",
    selects: false,
    failing: Failing::UnlessExitCode,
    master: leader,
    environment: xgboost,
};

pub const PADDLE: Framework = Framework {
    kind: "PaddleJob",
    replicas: "paddleReplicaSpecs",
    roles: &["Master", "Worker"],
    leaders: &["Master"],
    controller: "paddlejob-controller",
    container: "paddle",
    port: ("master", 36543),
    restart: "OnFailure",
    selects: true,
    failing: Failing::ByPolicy,
    master: leader,
    environment: paddle,
};

pub const JAX: Framework = Framework {
    kind: "JAXJob",
    replicas: "jaxReplicaSpecs",
    roles: &["Worker"],
    leaders: &[],
    controller: "jaxjob-controller",
    container: "jax",
    port: ("jaxjob-port", 6666),
    restart: "Never",
    selects: true,
    failing: Failing::ByPolicy,
    master: |_, _, index| index == 0,
    environment: jax,
};

fn variable(name: &str, value: impl ToString) -> Value {
    json!({"name": name, "value": value.to_string()})
}

fn pytorch(team: &Team<'_>, role: &str, index: usize) -> Vec<Value> {
    let spec = team.spec;
    let mut out = vec![variable("PYTHONUNBUFFERED", 1)];
    let elastic = &spec["elasticPolicy"];
    let processes = match spec["nprocPerNode"].as_str() {
        None if elastic["nProcPerNode"].is_null() => Some("auto"),
        given => given,
    };
    if team.led() {
        let port = team.port("Master");
        for name in ["MASTER_PORT", "PET_MASTER_PORT"] {
            out.push(variable(name, port));
        }
        for name in ["MASTER_ADDR", "PET_MASTER_ADDR"] {
            out.push(variable(name, team.host("Master", 0)));
        }
        let each = processes.and_then(|n| n.parse::<u64>().ok()).unwrap_or(1);
        let rank = index + usize::from(role == "Worker");
        out.push(variable("WORLD_SIZE", team.total() * each));
        out.push(variable("RANK", rank));
        out.push(variable("PET_NODE_RANK", rank));
    }
    if let Some(processes) = processes {
        out.push(variable("PET_NPROC_PER_NODE", processes));
    }
    if !elastic.is_object() {
        out.push(variable("PET_NNODES", team.total()));
        return out;
    }
    let text = |v: &Value| v.as_str().map(str::to_owned);
    let host = text(&elastic["rdzvHost"]).unwrap_or_else(|| team.host("Worker", 0));
    let port = elastic["rdzvPort"].as_u64();
    let port = port.unwrap_or_else(|| team.port("Worker").into());
    out.push(variable("PET_RDZV_ENDPOINT", format!("{host}:{port}")));
    let backend = elastic["rdzvBackend"].as_str().unwrap_or("c10d");
    out.push(variable("PET_RDZV_BACKEND", backend));
    let workers = team.replicas("Worker");
    let bounds = [&elastic["minReplicas"], &elastic["maxReplicas"]].map(Value::as_u64);
    let low = bounds[0].or(bounds[1]).unwrap_or(workers);
    let high = bounds[1].or(bounds[0]).unwrap_or(workers);
    out.push(variable("PET_NNODES", format!("{low}:{high}")));
    for (field, name) in [
        ("maxRestarts", "PET_MAX_RESTARTS"),
        ("nProcPerNode", "PET_NPROC_PER_NODE"),
    ] {
        if let Some(n) = elastic[field].as_u64() {
            out.push(variable(name, n));
        }
    }
    if let Some(id) = elastic["rdzvId"].as_str() {
        out.push(variable("PET_RDZV_ID", id));
    }
    out
}

fn tensorflow(team: &Team<'_>, role: &str, index: usize) -> Vec<Value> {
    if team.total() == 1 {
        return Vec::new();
    }
    let namespace = &team.job.namespace;
    let mut cluster = json!({});
    for peer in team.roles() {
        let port = team.port(peer);
        let hosts = (0..team.replicas(peer) as usize)
            .map(|i| format!("{}.{namespace}.svc:{port}", team.host(peer, i)));
        cluster[peer.to_lowercase()] = hosts.collect();
    }
    let task = json!({"type": role.to_lowercase(), "index": index});
    let config = if team.spec["enableDynamicWorker"] == true {
        let (mut workers, mut servers) = (json!({}), cluster["ps"].clone());
        if role == "Worker" {
            workers[index.to_string()] = cluster["worker"][index].clone();
        } else {
            servers = json!([servers[index]]);
        }
        json!({"cluster": {"worker": workers, "ps": servers}, "task": task})
    } else {
        json!({"cluster": cluster, "task": task, "environment": "cloud"})
    };
    vec![variable("TF_CONFIG", config)]
}

fn xgboost(team: &Team<'_>, role: &str, index: usize) -> Vec<Value> {
    let total = team.total();
    let before = if role == "Worker" {
        team.replicas("Master")
    } else {
        0
    };
    let mut out = vec![
        variable("MASTER_PORT", team.port("Master")),
        variable("MASTER_ADDR", team.host("Master", 0)),
        variable("WORLD_SIZE", total),
        variable("RANK", before + index as u64),
        variable("PYTHONUNBUFFERED", 1),
    ];
    if total > 1 {
        let workers = (0..total as usize - 1).map(|i| team.host("Worker", i));
        out.push(variable("WORKER_PORT", team.port("Worker")));
        out.push(variable(
            "WORKER_ADDRS",
            workers.collect::<Vec<_>>().join(","),
        ));
    }
    out
}

fn paddle(team: &Team<'_>, role: &str, index: usize) -> Vec<Value> {
    let mut out = vec![
        variable("PYTHONUNBUFFERED", 1),
        variable("PADDLE_JOB_ID", &team.job.name),
        variable("PADDLE_NNODES", team.total()),
    ];
    let leader = if team.led() { "Master" } else { "Worker" };
    let port = team.port(leader);
    if index == 0 && role == leader {
        let ip = json!({"fieldRef": {"fieldPath": "status.podIP"}});
        out.push(json!({"name": "POD_IP_DUMMY", "valueFrom": ip}));
        out.push(variable("PADDLE_MASTER", format!("$(POD_IP_DUMMY):{port}")));
    } else {
        let host = team.host(leader, 0);
        out.push(variable("PADDLE_MASTER", format!("{host}:{port}")));
    }
    if team.led() {
        let name = if role == "Master" {
            "PADDLE_SERVER_NUM"
        } else {
            "PADDLE_TRAINER_NUM"
        };
        out.push(variable(name, 1));
    }
    out
}

fn jax(team: &Team<'_>, _: &str, index: usize) -> Vec<Value> {
    vec![
        variable("PYTHONUNBUFFERED", 1),
        variable("COORDINATOR_PORT", team.port("Worker")),
        variable("COORDINATOR_ADDRESS", team.host("Worker", 0)),
        variable("NUM_PROCESSES", team.total()),
        variable("PROCESS_ID", index),
    ]
}
