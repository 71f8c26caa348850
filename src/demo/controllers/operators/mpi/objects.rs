//! What the MPI operator makes: worker pods, the launcher Job, the headless service, the hostfile and the SSH secret.

use serde_json::{Value, json};

use crate::store::Object;

pub const INDEX: &str = "training.kubeflow.org/replica-index";
const CONFIG: &str = "/etc/mpi";

/// An MPIJob with what its definition leaves to the operator's defaults.
#[derive(Clone, Copy)]
pub struct Job<'a> {
    pub object: &'a Object,
    pub spec: &'a Value,
}

impl Job<'_> {
    fn role(&self, role: &str) -> &Value {
        &self.spec["mpiReplicaSpecs"][role]
    }

    pub fn workers(&self) -> usize {
        let n = self.role("Worker")["replicas"].as_u64().unwrap_or(0);
        usize::try_from(n).unwrap_or_default()
    }

    pub fn suspended(&self) -> bool {
        self.spec["runPolicy"]["suspend"] == true
    }

    /// `runPolicy.cleanPodPolicy`
    pub fn clean(&self) -> &str {
        let policy = self.spec["runPolicy"]["cleanPodPolicy"].as_str();
        policy.unwrap_or("None")
    }

    fn launcher_works(&self) -> bool {
        self.spec["runLauncherAsWorker"] == true
    }

    pub fn launcher_name(&self) -> String {
        format!("{}-launcher", self.object.name)
    }

    pub fn worker_name(&self, index: usize) -> String {
        format!("{}-worker-{index}", self.object.name)
    }

    fn owner(&self) -> Value {
        json!([{
            "apiVersion": "kubeflow.org/v2beta1", "kind": "MPIJob", "name": self.object.name,
            "uid": self.object.uid, "controller": true, "blockOwnerDeletion": true,
        }])
    }

    fn meta(&self, name: &str) -> Value {
        json!({"name": name, "labels": {"app": self.object.name}, "ownerReferences": self.owner()})
    }

    fn slots(&self) -> u64 {
        self.spec["slotsPerWorker"].as_u64().unwrap_or(1)
    }

    fn implementation(&self) -> &str {
        self.spec["mpiImplementation"].as_str().unwrap_or("OpenMPI")
    }

    /// A role's template as a pod of the job: labels, name in the service's domain, SSH.
    fn template(&self, role: &str, host: &str, default_policy: &str) -> (Value, Value) {
        let spec = self.role(role);
        let mut labels = spec["template"]["metadata"]["labels"].clone();
        if !labels.is_object() {
            labels = json!({});
        }
        labels["training.kubeflow.org/job-name"] = json!(self.object.name);
        labels["training.kubeflow.org/operator-name"] = json!("mpi-operator");
        labels["training.kubeflow.org/job-role"] = json!(role.to_lowercase());
        let mut pod = spec["template"]["spec"].clone();
        pod["hostname"] = json!(host);
        pod["subdomain"] = json!(self.object.name);
        let policy = spec["restartPolicy"].as_str().filter(|p| !p.is_empty());
        pod["restartPolicy"] = json!(match policy.unwrap_or(default_policy) {
            "ExitCode" => "Never",
            other => other,
        });
        let secret = format!("{}-ssh", self.object.name);
        let keys = [
            ("ssh-privatekey", "id_rsa"),
            ("ssh-publickey", "id_rsa.pub"),
            ("ssh-publickey", "authorized_keys"),
        ];
        let items = keys.map(|(key, path)| json!({"key": key, "path": path}));
        let path = self.spec["sshAuthMountPath"]
            .as_str()
            .unwrap_or("/root/.ssh");
        let mut volume = json!({"secretName": secret, "items": items});
        if path == "/root/.ssh" {
            volume["defaultMode"] = json!(0o600);
        }
        push(
            &mut pod["volumes"],
            json!({"name": "ssh-auth", "secret": volume}),
        );
        let main = &mut pod["containers"][0];
        push(
            &mut main["volumeMounts"],
            json!({"name": "ssh-auth", "mountPath": path}),
        );
        push(
            &mut main["env"],
            json!({"name": "K_MPI_JOB_ROLE", "value": role.to_lowercase()}),
        );
        let mut meta = json!({"labels": labels});
        if spec["template"]["metadata"]["annotations"].is_object() {
            meta["annotations"] = spec["template"]["metadata"]["annotations"].clone();
        }
        (meta, pod)
    }

    pub fn worker(&self, index: usize) -> Value {
        let name = self.worker_name(index);
        let (mut meta, mut pod) = self.template("Worker", &name, "Never");
        // The launcher is number 0 where it works too.
        let place = index + usize::from(self.launcher_works());
        meta["labels"][INDEX] = json!(place.to_string());
        meta["name"] = json!(name);
        meta["ownerReferences"] = self.owner();
        let domain = format!(
            "{}.{}.svc.cluster.local",
            self.object.name, self.object.namespace
        );
        push(&mut pod["dnsConfig"]["searches"], json!(domain));
        let main = &mut pod["containers"][0];
        let idle = |field: &Value| field.as_array().is_none_or(Vec::is_empty);
        if idle(&main["command"]) && idle(&main["args"]) {
            main["command"] = json!(["/usr/sbin/sshd", "-De"]);
        }
        json!({"metadata": meta, "spec": pod})
    }

    pub fn launcher(&self) -> Value {
        let (mut meta, mut pod) = self.template("Launcher", &self.launcher_name(), "OnFailure");
        if self.launcher_works() {
            meta["labels"][INDEX] = json!("0");
        }
        let hosts = format!("{CONFIG}/hostfile");
        let slots = self.slots().to_string();
        let patience = "-o ConnectionAttempts=10".to_owned();
        let variables: Vec<(&str, String)> = match self.implementation() {
            "Intel" => vec![
                ("I_MPI_HYDRA_HOST_FILE", hosts),
                ("I_MPI_HYDRA_BOOTSTRAP_EXEC_EXTRA_ARGS", patience),
                ("I_MPI_PERHOST", slots),
            ],
            "MPICH" => vec![
                ("HYDRA_HOST_FILE", hosts),
                ("HYDRA_LAUNCH_EXTRA_ARGS", patience),
            ],
            _ => vec![
                ("OMPI_MCA_orte_keep_fqdn_hostnames", "true".to_owned()),
                ("OMPI_MCA_orte_default_hostfile", hosts),
                ("OMPI_MCA_plm_rsh_args", patience),
                ("OMPI_MCA_orte_set_default_slots", slots),
            ],
        };
        let main = &mut pod["containers"][0];
        for (name, value) in variables {
            push(&mut main["env"], json!({"name": name, "value": value}));
        }
        if !self.launcher_works() {
            // A launcher must not take a GPU by accident.
            for name in ["NVIDIA_VISIBLE_DEVICES", "NVIDIA_DRIVER_CAPABILITIES"] {
                push(&mut main["env"], json!({"name": name}));
            }
        }
        push(
            &mut main["volumeMounts"],
            json!({"name": "mpi-job-config", "mountPath": CONFIG}),
        );
        let items = json!([
            {"key": "hostfile", "path": "hostfile", "mode": 0o444},
            {"key": "discover_hosts.sh", "path": "discover_hosts.sh", "mode": 0o555},
        ]);
        let config = format!("{}-config", self.object.name);
        push(
            &mut pod["volumes"],
            json!({"name": "mpi-job-config", "configMap": {"name": config, "items": items}}),
        );
        let mut spec = json!({
            "template": {"metadata": meta, "spec": pod}, "podReplacementPolicy": "Failed",
        });
        for field in [
            "ttlSecondsAfterFinished",
            "activeDeadlineSeconds",
            "backoffLimit",
        ] {
            let given = &self.spec["runPolicy"][field];
            if !given.is_null() {
                spec[field] = given.clone();
            }
        }
        if self.suspended() {
            spec["suspend"] = json!(true);
        }
        json!({"metadata": self.meta(&self.launcher_name()), "spec": spec})
    }

    /// The service that gives launcher and workers their names.
    pub fn service(&self) -> Value {
        let selector = json!({
            "training.kubeflow.org/job-name": self.object.name,
            "training.kubeflow.org/operator-name": "mpi-operator",
        });
        let mut spec = json!({"clusterIP": "None", "selector": selector});
        if self.launcher_works() {
            spec["publishNotReadyAddresses"] = json!(true);
        }
        json!({"metadata": self.meta(&self.object.name), "spec": spec})
    }

    /// The hostfile, and the script that lists the workers which run.
    pub fn config(&self, running: &[String]) -> Value {
        let full =
            |name: &str| format!("{name}.{}.{}.svc", self.object.name, self.object.namespace);
        let launcher = self.launcher_works().then(|| self.launcher_name());
        let workers = (0..self.workers()).map(|i| self.worker_name(i));
        let slots = match self.implementation() {
            "OpenMPI" => format!(" slots={}", self.slots()),
            _ => format!(":{}", self.slots()),
        };
        let hosts = launcher.iter().cloned().chain(workers);
        let hostfile: String = hosts.map(|h| format!("{}{slots}\n", full(&h))).collect();
        let up = launcher.iter().chain(running);
        let script: String = up.map(|h| format!("echo {}\n", full(h))).collect();
        json!({
            "metadata": self.meta(&format!("{}-config", self.object.name)),
            "data": {"hostfile": hostfile, "discover_hosts.sh": format!("#!/bin/sh\n{script}")},
        })
    }

    /// The secret's place is taken, but nobody here logs in anywhere: it holds no key.
    pub fn secret(&self) -> Value {
        const NONE: &str = "bm8ga2V5IGlzIG5lZWRlZCBoZXJlCg==";
        json!({
            "metadata": self.meta(&format!("{}-ssh", self.object.name)),
            "type": "kubernetes.io/ssh-auth",
            "data": {"ssh-privatekey": NONE, "ssh-publickey": NONE},
        })
    }
}

fn push(list: &mut Value, item: Value) {
    match list.as_array_mut() {
        Some(items) => items.push(item),
        None => *list = json!([item]),
    }
}
