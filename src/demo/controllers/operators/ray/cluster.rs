//! The RayCluster controller: a head with its service, the workers of each group, and whether all of them run.

use std::sync::Arc;

use serde_json::{Value, json};

use super::super::look::Look;
use super::pods::{self, Node};
use super::{CONTROLLER, GROUP, NODE_GROUP, NODE_TYPE, head_service};
use crate::clock::rfc3339;
use crate::controllers::hub::Hub;
use crate::controllers::tasks::Key;
use crate::controllers::wire::Pod;

const BY: &str = "raycluster-controller";

/// Compares a cluster with its pods.
pub fn sync(hub: &mut Hub<'_>, key: &Key) {
    let Some(look) = Look::at(hub, (GROUP, "RayCluster"), key, BY) else {
        return;
    };
    if look.foreign(CONTROLLER) {
        return;
    }
    let mut cluster = Cluster { look };
    let before = cluster.look.status.clone();
    cluster.service();
    cluster.pods();
    cluster.report();
    if cluster.look.status != before {
        let now = json!(rfc3339(cluster.look.now()));
        let state = cluster.look.status["state"].as_str().map(str::to_owned);
        if let Some(state) = state.filter(|s| before["state"] != s.as_str()) {
            cluster.look.status["stateTransitionTimes"][state] = now.clone();
        }
        cluster.look.status["lastUpdateTime"] = now;
    }
    cluster.look.close();
}

/// How many pods a group of workers should have.
fn wanted(group: &Value) -> usize {
    if group["suspend"] == true {
        return 0;
    }
    let number = |field: &str, or: u64| group[field].as_u64().unwrap_or(or);
    let (least, most) = (number("minReplicas", 0), number("maxReplicas", u64::MAX));
    let replicas = number("replicas", 0).max(least).min(most.max(least));
    usize::try_from(replicas * number("numOfHosts", 1)).unwrap_or(0)
}

struct Cluster<'a, 'h> {
    look: Look<'a, 'h>,
}

impl Cluster<'_, '_> {
    fn all(&self) -> Vec<Arc<Pod>> {
        self.look.hub.cache.owned(&self.look.object.uid)
    }

    fn of(&self, label: &str, value: &str) -> Vec<Arc<Pod>> {
        let ours = |p: &Arc<Pod>| p.object.labels.get(label).is_some_and(|v| v == value);
        self.all().into_iter().filter(ours).collect()
    }

    fn groups(&self) -> Vec<Value> {
        let groups = self.look.spec["workerGroupSpecs"].as_array();
        groups.cloned().unwrap_or_default()
    }

    fn suspend(&self) -> bool {
        self.look.spec["suspend"] == true
    }

    fn service(&mut self) {
        let name = head_service(&self.look.object.name);
        let labels = pods::labels(&self.look.object.name, "head", "headgroup");
        let ports = pods::PORTS.map(|(name, port)| {
            json!({"name": name, "port": port, "targetPort": port, "appProtocol": "tcp"})
        });
        let spec = json!({
            "clusterIP": "None", "publishNotReadyAddresses": true, "selector": labels, "ports": ports,
        });
        if self.look.service(&name, labels, spec) {
            let text = format!("Created service {}/{name}", self.look.object.namespace);
            self.look.event(false, "CreatedService", &text);
        }
    }

    fn pods(&mut self) {
        let (namespace, name) = (
            self.look.object.namespace.clone(),
            self.look.object.name.clone(),
        );
        if self.look.is("RayClusterSuspending") {
            let live = self.all().into_iter().filter(|p| !p.deleting());
            let live: Vec<_> = live.collect();
            for pod in &live {
                self.look.delete(&pod.object, "Background");
            }
            if !live.is_empty() {
                let text =
                    format!("Deleted Pods for RayCluster {namespace}/{name} due to suspension");
                self.look.event(false, "DeletedPod", &text);
            }
            return;
        }
        if self.look.is("RayClusterSuspended") || self.suspend() {
            return;
        }
        self.fill(&Node::Head, NODE_TYPE, "head", 1);
        for group in self.groups() {
            let name = group["groupName"].as_str().unwrap_or_default();
            self.fill(&Node::Worker(&group), NODE_GROUP, name, wanted(&group));
        }
    }

    /// Makes the pods that are missing; those that ended and those too many go.
    fn fill(&mut self, node: &Node<'_>, label: &str, value: &str, wanted: usize) {
        let what = match node {
            Node::Head => "head",
            Node::Worker(_) => "worker",
        };
        let (reason, failed) = match node {
            Node::Head => ("HeadPod", "FailedToCreateHeadPod"),
            Node::Worker(_) => ("WorkerPod", "FailedToCreateWorkerPod"),
        };
        let namespace = self.look.object.namespace.clone();
        let mut there = 0;
        for pod in self.of(label, value) {
            if pod.deleting() {
                // Its place stays taken until it is gone.
                there += 1;
            } else if pod.terminal() || there >= wanted {
                let text = format!("Deleted {what} Pod {namespace}/{}", pod.name());
                self.look.delete(&pod.object, "Background");
                self.look.event(false, &format!("Deleted{reason}"), &text);
                there += usize::from(pod.terminal());
            } else {
                there += 1;
            }
        }
        for _ in there..wanted {
            let value = pods::pod(&self.look, node);
            match self.look.create("", "pods", value) {
                Ok(pod) => {
                    let text = format!("Created {what} Pod {namespace}/{}", pod.name);
                    self.look.event(false, &format!("Created{reason}"), &text);
                }
                Err(why) => {
                    let text = format!("Failed to create {what} Pod {namespace}, {}", why.message);
                    self.look.event(true, failed, &text);
                    let reason = format!("FailedCreate{reason}");
                    self.look.set("ReplicaFailure", true, &reason, &why.message);
                    self.look.again_in(30.0);
                    return;
                }
            }
        }
    }

    fn report(&mut self) {
        let (pods, groups) = (self.all(), self.groups());
        let workers = self.of(NODE_TYPE, "worker");
        let count = |f: &dyn Fn(&Pod) -> bool| workers.iter().filter(|p| f(p)).count();
        let ready = count(&|p| p.status.phase == "Running" && p.ready());
        let available = count(&|p| p.status.phase == "Running");
        let desired: usize = groups.iter().map(wanted).sum();
        let bound = |field: &str| -> u64 {
            let groups = groups.iter().filter(|g| g["suspend"] != true);
            let each = groups.map(|g| {
                let hosts = g["numOfHosts"].as_u64().unwrap_or(1);
                g[field].as_u64().unwrap_or(0).saturating_mul(hosts)
            });
            each.fold(0, u64::saturating_add).min(i32::MAX as u64)
        };
        let generation = self.look.object.value()["metadata"]["generation"].clone();
        let sum = |resource: &str| -> i64 {
            let head = pods::asks(&self.look.spec["headGroupSpec"]["template"], resource);
            let workers = groups.iter();
            let each = workers.map(|g| pods::asks(&g["template"], resource) * wanted(g) as i64);
            head + each.sum::<i64>()
        };
        let gpus = sum("nvidia.com/gpu") + sum("amd.com/gpu");
        let amounts = [
            ("desiredCPU", amount(sum("cpu"), false)),
            ("desiredMemory", amount(sum("memory"), true)),
            ("desiredGPU", amount(gpus, false)),
            ("desiredTPU", amount(sum("google.com/tpu"), false)),
        ];
        for (field, number) in [
            ("readyWorkerReplicas", json!(ready)),
            ("availableWorkerReplicas", json!(available)),
            ("desiredWorkerReplicas", json!(desired)),
            ("minWorkerReplicas", json!(bound("minReplicas"))),
            ("maxWorkerReplicas", json!(bound("maxReplicas"))),
        ] {
            let number = if number == 0 { Value::Null } else { number };
            self.look.report(field, number);
        }
        for (field, amount) in amounts {
            self.look.report(field, json!(amount));
        }
        self.look.report("observedGeneration", generation);
        let running = !pods.is_empty()
            && pods
                .iter()
                .all(|p| p.status.phase == "Running" && p.ready());
        if running && pods.len() == desired + 1 {
            self.look.report("state", json!("ready"));
        }
        self.conditions(running, pods.is_empty());
        if self.suspend() && pods.is_empty() {
            self.look.report("state", json!("suspended"));
        }
        self.head();
    }

    fn conditions(&mut self, running: bool, none: bool) {
        let look = &mut self.look;
        let pods = look.hub.cache.owned(&look.object.uid);
        let head = pods
            .iter()
            .find(|p| p.object.labels.get(NODE_TYPE).is_some_and(|t| t == "head"));
        match head {
            None => look.set(
                "HeadPodReady",
                false,
                "HeadPodNotFound",
                "Head Pod not found",
            ),
            Some(pod) if pod.ready() => {
                look.set("HeadPodReady", true, "HeadPodRunningAndReady", "")
            }
            Some(pod) => {
                let value = pod.object.value();
                let all = value["status"]["conditions"].as_array();
                let ready = all.into_iter().flatten().find(|c| c["type"] == "Ready");
                let text = |field: &str| ready.and_then(|c| c[field].as_str());
                let reason = text("reason").unwrap_or("Unknown").to_owned();
                let message = text("message").unwrap_or_default().to_owned();
                look.set("HeadPodReady", false, &reason, &message)
            }
        };
        let provisioning = "RayClusterPodsProvisioning";
        let suspended = look.is("RayClusterSuspended");
        let suspending = look.is("RayClusterSuspending");
        let wanted = look.spec["suspend"] == true;
        if !look.is("RayClusterProvisioned") && !suspended {
            let name = "RayClusterProvisioned";
            if running {
                let text = "All Ray Pods are ready for the first time";
                look.set(name, true, "AllPodRunningAndReadyFirstTime", text);
            } else {
                let text = "RayCluster Pods are being provisioned for first time";
                look.set(name, false, provisioning, text);
            }
        }
        let (going, gone) = ("RayClusterSuspending", "RayClusterSuspended");
        if suspending {
            if none {
                let text = "RayCluster has been suspended";
                look.set("RayClusterProvisioned", false, provisioning, text);
                look.set(going, false, going, "");
                look.set(gone, true, gone, "");
            }
        } else if suspended {
            if !wanted {
                look.set(gone, false, gone, "");
            }
        } else {
            look.set(gone, false, gone, "");
            look.set(going, wanted, going, "");
        }
    }

    /// Where the head is: its pod, its service and the ports of that.
    fn head(&mut self) {
        let service = head_service(&self.look.object.name);
        let ports = pods::PORTS.map(|(name, port)| (name.to_owned(), json!(port.to_string())));
        let ports: serde_json::Map<String, Value> = ports.into_iter().collect();
        self.look.report("endpoints", json!(ports));
        let mut head = json!({"serviceName": service});
        if let Some(pod) = self.of(NODE_TYPE, "head").first() {
            let ip = pod.object.value()["status"]["podIP"].clone();
            head["podName"] = json!(pod.name());
            if ip.is_string() {
                // The service is headless: its address is the pod's.
                head["podIP"] = ip.clone();
                head["serviceIP"] = ip;
            }
        }
        self.look.report("head", head);
    }
}

/// Thousandths as a quantity; of bytes in the largest unit that divides them.
fn amount(milli: i64, bytes: bool) -> String {
    if milli % 1000 != 0 {
        return format!("{milli}m");
    }
    let whole = milli / 1000;
    let units = [("Ti", 40), ("Gi", 30), ("Mi", 20), ("Ki", 10)];
    let unit = units.iter().find(|(_, bits)| whole % (1 << bits) == 0);
    match unit.filter(|_| bytes && whole > 0) {
        Some((unit, bits)) => format!("{}{unit}", whole >> bits),
        None => whole.to_string(),
    }
}
