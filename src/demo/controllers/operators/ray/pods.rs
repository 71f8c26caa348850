//! The pods of a Ray cluster: how they are named and labelled, and what they run.

use serde_json::{Value, json};

use super::super::look::{Look, add_env, merge};
use super::{CLUSTER, DOMAIN, NODE_GROUP, NODE_TYPE, head_service};
use crate::controllers::quantity;

const GCS: u16 = 6379;
/// Room for `-worker-` and five random characters.
const LONGEST: usize = 50;

/// Ports of a head, by name.
pub const PORTS: [(&str, u16); 5] = [
    ("client", 10001),
    ("dashboard", 8265),
    ("gcs-server", GCS),
    ("metrics", 8080),
    ("serve", 8000),
];

/// What a node of the cluster is.
pub enum Node<'a> {
    Head,
    /// A group of `spec.workerGroupSpecs`.
    Worker(&'a Value),
}

impl Node<'_> {
    fn kind(&self) -> &'static str {
        match self {
            Node::Head => "head",
            Node::Worker(_) => "worker",
        }
    }
}

/// The labels of a head, by which its service finds it.
pub fn labels(cluster: &str, kind: &str, group: &str) -> Value {
    json!({
        "ray.io/is-ray-node": "yes", CLUSTER: cluster, NODE_TYPE: kind, NODE_GROUP: group,
        "ray.io/identifier": format!("{cluster}-{kind}"),
        "app.kubernetes.io/name": "kuberay", "app.kubernetes.io/created-by": "kuberay-operator",
    })
}

/// A new pod.
pub fn pod(look: &Look<'_, '_>, node: &Node<'_>) -> Value {
    let (name, kind) = (&look.object.name, node.kind());
    let (spec, group, stem) = match node {
        Node::Head => (&look.spec["headGroupSpec"], "headgroup", name.clone()),
        Node::Worker(spec) => {
            let group = spec["groupName"].as_str().unwrap_or_default();
            (*spec, group, format!("{name}-{group}"))
        }
    };
    let template = &spec["template"];
    let stem: String = stem.chars().take(LONGEST).collect();
    let mut meta = json!({
        "generateName": format!("{stem}-{kind}-").to_lowercase(), "ownerReferences": look.owners(),
    });
    for part in ["labels", "annotations"] {
        merge(&mut meta, part, &template["metadata"][part]);
    }
    merge(&mut meta, "labels", &labels(name, kind, group));
    let mut pod = template["spec"].clone();
    let address = format!("{}.{}.{DOMAIN}", head_service(name), look.object.namespace);
    let mut first = pod["containers"][0].clone();
    if let Node::Worker(_) = node {
        let script = format!(
            "until ray health-check --address {address}:{GCS} > /dev/null 2>&1; do echo \"Waiting for GCS to be ready.\"; sleep 5; done; echo \"GCS is ready.\""
        );
        let small = json!({"cpu": "200m", "memory": "256Mi"});
        let wait = json!({
            "name": "wait-gcs-ready", "image": first["image"], "command": ["/bin/bash", "-c", "--"],
            "args": [script], "resources": {"limits": small, "requests": small},
        });
        let mut init = pod["initContainers"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        init.push(wait);
        pod["initContainers"] = json!(init);
    }
    let start = start(node, spec, &first["resources"], &address);
    if first["command"].is_null() && first["args"].is_null() {
        first["command"] = json!(["/bin/bash", "-c", "--"]);
        first["args"] = json!([format!("ulimit -n 65536; {start}")]);
    }
    add_env(
        &mut first,
        &[
            (
                "RAY_CLUSTER_NAME",
                json!({"fieldRef": {"fieldPath": format!("metadata.labels['{CLUSTER}']")}}),
            ),
            ("FQ_RAY_IP", json!(address)),
            ("RAY_IP", json!(head_service(name))),
            ("RAY_PORT", json!(GCS.to_string())),
            ("RAY_ADDRESS", json!(format!("{address}:{GCS}"))),
            ("KUBERAY_GEN_RAY_START_CMD", json!(start)),
        ],
    );
    pod["containers"][0] = first;
    json!({"metadata": meta, "spec": pod})
}

/// The command that starts Ray in the pod.
fn start(node: &Node<'_>, spec: &Value, resources: &Value, address: &str) -> String {
    let mut options = vec![
        "--block".to_owned(),
        "--dashboard-agent-listen-port=52365".to_owned(),
        "--metrics-export-port=8080".to_owned(),
    ];
    let mut amount = |names: [&str; 2], option: &str| {
        let given = ["limits", "requests"].iter().find_map(|part| {
            let all = names.iter().map(|n| &resources[*part][*n]);
            all.filter(|v| !v.is_null()).map(milli).next()
        });
        if let Some(milli) = given {
            options.push(format!("--{option}={}", (milli + 999) / 1000));
        }
    };
    amount(["cpu", "cpu"], "num-cpus");
    amount(["nvidia.com/gpu", "amd.com/gpu"], "num-gpus");
    amount(["memory", "memory"], "memory");
    let own = match node {
        Node::Head => ["--head", "--dashboard-host=0.0.0.0"]
            .map(str::to_owned)
            .to_vec(),
        Node::Worker(_) => vec![format!("--address={address}:{GCS}")],
    };
    let given = spec["rayStartParams"].as_object().into_iter().flatten();
    options.extend(given.map(|(k, v)| format!("--{k}={}", v.as_str().unwrap_or_default())));
    format!("ray start {} {}", own.join(" "), options.join(" "))
}

fn milli(value: &Value) -> i64 {
    match value {
        Value::String(text) => quantity::parse(text),
        other => quantity::parse(&other.to_string()),
    }
}

/// What a pod of a template asks for of a resource, in thousandths.
pub fn asks(template: &Value, resource: &str) -> i64 {
    let all = template["spec"]["containers"].as_array();
    let one = |c: &Value| {
        let parts = ["requests", "limits"].map(|p| &c["resources"][p][resource]);
        parts.into_iter().find(|v| !v.is_null()).map_or(0, milli)
    };
    all.into_iter().flatten().map(one).sum()
}
