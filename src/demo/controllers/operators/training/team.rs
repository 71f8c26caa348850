//! A training job's replicas as its spec has them, and the pods and services made for them: names, labels, ports.

use serde_json::{Value, json};

use super::frameworks::Framework;
use crate::store::Object;

pub const ROLE: &str = "training.kubeflow.org/replica-type";
pub const INDEX: &str = "training.kubeflow.org/replica-index";

/// A job's replicas.
#[derive(Clone, Copy)]
pub struct Team<'a> {
    pub framework: &'static Framework,
    pub job: &'a Object,
    /// The job's spec.
    pub spec: &'a Value,
}

impl<'a> Team<'a> {
    /// The spec of a role, if the job has it; the operator does not mind how its name is cased.
    pub fn role(&self, role: &str) -> Option<&'a Value> {
        let all = self.spec[self.framework.replicas].as_object()?;
        let exact = all.get(role);
        let mut alike = all.iter().filter(|(k, _)| k.eq_ignore_ascii_case(role));
        let found = exact.or_else(|| alike.next().map(|(_, spec)| spec));
        found.filter(|spec| spec.is_object())
    }

    /// The roles that the job has.
    pub fn roles(&self) -> impl Iterator<Item = &'static str> {
        let all = self.framework.roles.iter().copied();
        all.filter(|role| self.role(role).is_some())
    }

    pub fn replicas(&self, role: &str) -> u64 {
        let spec = self.role(role);
        spec.map_or(0, |spec| spec["replicas"].as_u64().unwrap_or(1))
    }

    /// Pods of the whole job.
    pub fn total(&self) -> u64 {
        self.roles().map(|role| self.replicas(role)).sum()
    }

    /// Is there a role that decides for all?
    pub fn led(&self) -> bool {
        self.roles()
            .any(|role| self.framework.leaders.contains(&role))
    }

    /// The restart policy of a role.
    pub fn policy(&self, role: &str) -> &'a str {
        let given = self.role(role).and_then(|s| s["restartPolicy"].as_str());
        given
            .filter(|p| !p.is_empty())
            .unwrap_or(self.framework.restart)
    }

    /// Name of a replica's pod and service.
    pub fn host(&self, role: &str, index: usize) -> String {
        format!("{}-{}-{index}", self.job.name, role.to_lowercase())
    }

    /// Ports of the container that counts, the framework's own included.
    fn ports(&self, role: &str) -> Vec<Value> {
        let (name, number) = self.framework.port;
        let template = self
            .role(role)
            .map(|s| &s["template"]["spec"]["containers"]);
        let mut all = template.and_then(Value::as_array).into_iter().flatten();
        let counts = all.find(|c| c["name"] == self.framework.container);
        let mut ports = counts
            .and_then(|c| c["ports"].as_array().cloned())
            .unwrap_or_default();
        if ports.iter().all(|p| p["name"] != name) {
            ports.push(json!({"name": name, "containerPort": number, "protocol": "TCP"}));
        }
        ports
    }

    /// The port at which a role's processes meet.
    pub fn port(&self, role: &str) -> u16 {
        let (name, number) = self.framework.port;
        let ports = self.ports(role);
        let found = ports.iter().find(|p| p["name"] == name);
        let given = found.and_then(|p| p["containerPort"].as_u64());
        given.and_then(|n| n.try_into().ok()).unwrap_or(number)
    }

    fn labels(&self, role: &str) -> Value {
        json!({
            "training.kubeflow.org/job-name": self.job.name,
            "training.kubeflow.org/operator-name": self.framework.controller,
            ROLE: role.to_lowercase(),
        })
    }

    /// `status.replicaStatuses[].selector`
    pub fn selector(&self, role: &str) -> String {
        let labels = self.labels(role);
        let pairs = labels.as_object().into_iter().flatten();
        let pairs = pairs.map(|(k, v)| format!("{k}={}", v.as_str().unwrap_or_default()));
        pairs.collect::<Vec<_>>().join(",")
    }

    fn owner(&self) -> Value {
        json!([{
            "apiVersion": "kubeflow.org/v1", "kind": self.framework.kind, "name": self.job.name,
            "uid": self.job.uid, "controller": true, "blockOwnerDeletion": true,
        }])
    }

    /// The pod of one replica.
    pub fn pod(&self, role: &str, index: usize) -> Value {
        let empty = Value::Null;
        let template = self.role(role).map_or(&empty, |spec| &spec["template"]);
        let mut labels = template["metadata"]["labels"].clone();
        if !labels.is_object() {
            labels = json!({});
        }
        let own = self.labels(role);
        for (key, value) in own.as_object().into_iter().flatten() {
            labels[key] = value.clone();
        }
        labels[INDEX] = json!(index.to_string());
        if (self.framework.master)(self, role, index) {
            labels["training.kubeflow.org/job-role"] = json!("master");
        }
        let mut meta = json!({
            "name": self.host(role, index), "labels": labels, "ownerReferences": self.owner(),
        });
        if template["metadata"]["annotations"].is_object() {
            meta["annotations"] = template["metadata"]["annotations"].clone();
        }
        let mut pod = template["spec"].clone();
        // ExitCode is the operator's own; it starts such pods anew itself.
        pod["restartPolicy"] = json!(match self.policy(role) {
            "ExitCode" => "Never",
            other => other,
        });
        let environment = (self.framework.environment)(self, role, index);
        let tensorflow = self.framework.kind == "TFJob";
        for container in pod["containers"].as_array_mut().into_iter().flatten() {
            let counts = container["name"] == self.framework.container;
            if counts {
                container["ports"] = json!(self.ports(role));
            }
            if counts || !tensorflow {
                add(container, &environment);
            }
        }
        if self.framework.kind == "PyTorchJob" && role == "Worker" && self.led() {
            let mut first = pod["initContainers"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            first.push(waiter(&self.host("Master", 0)));
            pod["initContainers"] = json!(first);
        }
        json!({"metadata": meta, "spec": pod})
    }

    /// The headless service under whose name a replica is found.
    pub fn service(&self, role: &str, index: usize) -> Value {
        let mut labels = self.labels(role);
        labels[INDEX] = json!(index.to_string());
        let ports = self.ports(role);
        let ports = ports
            .iter()
            .map(|p| json!({"name": p["name"], "port": p["containerPort"]}));
        json!({
            "metadata": {"name": self.host(role, index), "labels": labels, "ownerReferences": self.owner()},
            "spec": {"clusterIP": "None", "selector": labels, "ports": ports.collect::<Vec<_>>()},
        })
    }
}

/// Puts variables behind the container's own; of two with one name the later one would win anyway.
fn add(container: &mut Value, environment: &[Value]) {
    let mut all = container["env"].as_array().cloned().unwrap_or_default();
    all.retain(|old| environment.iter().all(|new| new["name"] != old["name"]));
    all.extend(environment.iter().cloned());
    if !all.is_empty() {
        container["env"] = json!(all);
    }
}

/// A worker begins when the master's name can be resolved.
fn waiter(master: &str) -> Value {
    let script = format!(
        "for i in $(seq 100); do if nslookup {master}; then exit 0; fi; echo waiting for {master}; sleep 2; done; exit 1"
    );
    json!({
        "name": "init-pytorch", "image": "alpine:3.10", "imagePullPolicy": "IfNotPresent",
        "resources": {"limits": {"cpu": "100m", "memory": "20Mi"}, "requests": {"cpu": "50m", "memory": "10Mi"}},
        "command": ["sh", "-c", script],
    })
}
