//! The kinds of jobs that are queued: where each says that it is suspended, what pods it is made of, whether it still
//! runs, and how it ended.

use serde_json::{Value, json};

use crate::api::quantity;
use crate::controllers::hub::Hub;
use crate::store::Object;

/// One kind of job.
pub struct Kind {
    pub group: &'static str,
    pub kind: &'static str,
    /// The field that suspends it, as a JSON pointer.
    suspend: &'static str,
    shape: Shape,
}

/// How its pods are written down.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Job,
    JobSet,
    /// The field of the replica specs, and its roles in order.
    Replicas(&'static str, &'static [&'static str]),
    TrainJob,
    RayCluster,
    RayJob,
}

const fn replicas(kind: &'static str, field: &'static str, roles: &'static [&'static str]) -> Kind {
    Kind {
        group: "kubeflow.org",
        kind,
        suspend: "/spec/runPolicy/suspend",
        shape: Shape::Replicas(field, roles),
    }
}

const fn plain(group: &'static str, kind: &'static str, shape: Shape) -> Kind {
    Kind {
        group,
        kind,
        suspend: "/spec/suspend",
        shape,
    }
}

/// All kinds.
pub const KINDS: &[Kind] = &[
    plain("batch", "Job", Shape::Job),
    plain("jobset.x-k8s.io", "JobSet", Shape::JobSet),
    plain("trainer.kubeflow.org", "TrainJob", Shape::TrainJob),
    plain("ray.io", "RayJob", Shape::RayJob),
    plain("ray.io", "RayCluster", Shape::RayCluster),
    replicas("PyTorchJob", "pytorchReplicaSpecs", &["Master", "Worker"]),
    replicas(
        "TFJob",
        "tfReplicaSpecs",
        &["Chief", "Master", "PS", "Worker", "Evaluator"],
    ),
    replicas("XGBoostJob", "xgbReplicaSpecs", &["Master", "Worker"]),
    replicas("PaddleJob", "paddleReplicaSpecs", &["Master", "Worker"]),
    replicas("JAXJob", "jaxReplicaSpecs", &["Worker"]),
    replicas("MPIJob", "mpiReplicaSpecs", &["Launcher", "Worker"]),
];

/// The kind of that name.
pub fn find(group: &str, kind: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|k| k.group == group && k.kind == kind)
}

/// Pods of one sort: name, number, template, and where in the job the template stands (empty: nowhere to write).
pub struct PodSet {
    pub name: String,
    pub count: i64,
    pub template: Value,
    pub at: String,
}

/// How a job ended.
pub struct End {
    pub success: bool,
    pub message: String,
}

fn number(value: &Value, default: i64) -> i64 {
    value.as_i64().unwrap_or(default)
}

/// A template as the typed client of Kueue reads it: quantities are texts.
pub fn typed(template: &mut Value) {
    for field in ["initContainers", "containers"] {
        let all = template["spec"]
            .get_mut(field)
            .and_then(Value::as_array_mut);
        for container in all.into_iter().flatten() {
            for part in ["requests", "limits"] {
                let all = container.get_mut("resources").and_then(|r| r.get_mut(part));
                let all = all.and_then(Value::as_object_mut).into_iter().flatten();
                for (_, value) in all {
                    let text = match &value {
                        Value::Number(n) => n.to_string(),
                        Value::String(text) => text.clone(),
                        _ => continue,
                    };
                    *value = json!(quantity::canonical(&text).unwrap_or(text));
                }
            }
        }
    }
}

/// A job's template without the labels that the server gave it.
pub fn clean(mut template: Value) -> Value {
    let labels = template["metadata"]["labels"].as_object_mut();
    if let Some(labels) = labels {
        for key in [
            "batch.kubernetes.io/controller-uid",
            "batch.kubernetes.io/job-name",
            "controller-uid",
            "job-name",
        ] {
            labels.remove(key);
        }
    }
    template
}

impl Kind {
    pub fn suspended(&self, job: &Value) -> bool {
        job.pointer(self.suspend) == Some(&json!(true))
    }

    pub fn suspend(&self, job: &mut Value, suspend: bool) {
        let mut at = job;
        for field in self.suspend.split('/').skip(1) {
            at = &mut at[field];
        }
        *at = json!(suspend);
    }

    /// The field that hands it to another controller, as a JSON pointer, and who has it by default.
    pub fn manager(&self) -> (&'static str, &'static str) {
        match self.shape {
            Shape::Job => ("/spec/managedBy", "kubernetes.io/job-controller"),
            Shape::JobSet => ("/spec/managedBy", "jobset.sigs.k8s.io/jobset-controller"),
            Shape::TrainJob => (
                "/spec/managedBy",
                "trainer.kubeflow.org/trainjob-controller",
            ),
            Shape::RayCluster | Shape::RayJob => ("/spec/managedBy", "ray.io/kuberay-operator"),
            Shape::Replicas(..) if self.kind == "MPIJob" => {
                ("/spec/runPolicy/managedBy", "kubeflow.org/mpi-operator")
            }
            Shape::Replicas(..) => (
                "/spec/runPolicy/managedBy",
                "kubeflow.org/training-operator",
            ),
        }
    }

    /// Hands it to another controller, or back.
    pub fn manage(&self, job: &mut Value, by: Option<&str>) {
        let (pointer, _) = self.manager();
        let Some((parent, field)) = pointer.rsplit_once('/') else {
            return;
        };
        let mut at = job;
        for part in parent.split('/').skip(1) {
            at = &mut at[part];
        }
        match (by, at.as_object_mut()) {
            (Some(by), _) => at[field] = json!(by),
            (None, Some(fields)) => {
                fields.remove(field);
            }
            (None, None) => {}
        }
    }

    /// Its pods. `None`: they cannot be told yet.
    pub fn pod_sets(&self, hub: &Hub<'_>, object: &Object, job: &Value) -> Option<Vec<PodSet>> {
        let spec = &job["spec"];
        let set = |name: &str, count: i64, at: String| PodSet {
            template: clean(job.pointer(&at).cloned().unwrap_or(json!({}))),
            name: name.to_lowercase(),
            count,
            at,
        };
        Some(match self.shape {
            Shape::Job => {
                let parallelism = number(&spec["parallelism"], 1);
                let count = number(&spec["completions"], parallelism).min(parallelism);
                vec![set("main", count, "/spec/template".to_owned())]
            }
            Shape::JobSet => job_set(job, "/spec/replicatedJobs"),
            Shape::TrainJob => {
                // The JobSet that it becomes is there, suspended as it is.
                let kind = hub.cluster.store.kind_id("jobset.x-k8s.io", "jobsets")?;
                let key = (object.namespace.clone(), object.name.clone());
                let child = hub.get(kind, &key)?;
                let mut sets = job_set(&child.tree(), "/spec/replicatedJobs");
                for set in &mut sets {
                    set.at = String::new();
                }
                sets
            }
            Shape::Replicas(field, roles) => {
                let all = &spec[field];
                let there = roles.iter().filter(|r| all[**r].is_object());
                there
                    .map(|role| {
                        let default = i64::from(!(self.kind == "MPIJob" && *role == "Worker"));
                        let count = number(&all[*role]["replicas"], default);
                        set(role, count, format!("/spec/{field}/{role}/template"))
                    })
                    .collect()
            }
            Shape::RayCluster => ray(job, "/spec"),
            Shape::RayJob => {
                let mut sets = ray(job, "/spec/rayClusterSpec");
                if spec["submissionMode"].as_str().unwrap_or("K8sJobMode") == "K8sJobMode" {
                    sets.push(submitter(job));
                }
                sets
            }
        })
    }

    /// Pods of it are about.
    pub fn active(&self, job: &Value) -> bool {
        let status = &job["status"];
        let any = |list: &Value, field: &str| {
            let all = list.as_array().into_iter().flatten();
            all.into_iter().any(|s| number(&s[field], 0) > 0)
        };
        match self.shape {
            Shape::Job => number(&status["active"], 0) > 0,
            Shape::JobSet => any(&status["replicatedJobsStatus"], "active"),
            Shape::TrainJob => any(&status["jobsStatus"], "active"),
            Shape::Replicas(..) => {
                let all = status["replicaStatuses"].as_object().into_iter().flatten();
                all.into_iter().any(|(_, s)| number(&s["active"], 0) > 0)
            }
            Shape::RayCluster => status["state"] == "ready",
            Shape::RayJob => {
                let word = status["jobDeploymentStatus"].as_str();
                !matches!(word, None | Some("" | "Suspended"))
            }
        }
    }

    /// Its end, if it has come to one.
    pub fn finished(&self, job: &Value) -> Option<End> {
        let status = &job["status"];
        if self.shape == Shape::RayCluster {
            return None;
        }
        if self.shape == Shape::RayJob {
            let over = matches!(
                status["jobDeploymentStatus"].as_str(),
                Some("Complete" | "Failed")
            );
            return over.then(|| End {
                success: status["jobStatus"] == "SUCCEEDED",
                message: status["message"].as_str().unwrap_or_default().to_owned(),
            });
        }
        let all = status["conditions"].as_array().into_iter().flatten();
        let mut ends = all.into_iter().filter(|c| c["status"] == "True");
        let end = ends.find(|c| {
            matches!(
                c["type"].as_str(),
                Some("Complete" | "Completed" | "Succeeded" | "Failed")
            )
        })?;
        Some(End {
            success: end["type"] != "Failed",
            message: end["message"].as_str().unwrap_or_default().to_owned(),
        })
    }

    /// All of its pods run or are done.
    pub fn ready(&self, job: &Value, sets: &[PodSet]) -> bool {
        let status = &job["status"];
        let done = |list: &Value| {
            let all = list.as_array().into_iter().flatten();
            let all = all.into_iter();
            all.map(|s| number(&s["ready"], 0) + number(&s["succeeded"], 0))
                .sum::<i64>()
        };
        match self.shape {
            Shape::Job => {
                let wanted: i64 = sets.iter().map(|s| s.count).sum();
                let uncounted = status["uncountedTerminatedPods"]["succeeded"].as_array();
                let uncounted = uncounted.map_or(0, Vec::len) as i64;
                number(&status["succeeded"], 0) + number(&status["ready"], 0) + uncounted >= wanted
            }
            Shape::JobSet => {
                let all = job["spec"]["replicatedJobs"]
                    .as_array()
                    .into_iter()
                    .flatten();
                let wanted: i64 = all.into_iter().map(|r| number(&r["replicas"], 1)).sum();
                done(&status["replicatedJobsStatus"]) == wanted
            }
            Shape::TrainJob => done(&status["jobsStatus"]) == sets.len() as i64,
            Shape::Replicas(..) => {
                let all = status["conditions"].as_array().into_iter().flatten();
                all.into_iter()
                    .any(|c| c["type"] == "Running" && c["status"] == "True")
            }
            Shape::RayCluster => status["state"] == "ready",
            Shape::RayJob => {
                status["rayClusterStatus"]["state"] == "ready" || status["jobStatus"] == "RUNNING"
            }
        }
    }

    /// Pods of the first set that are not needed any more (a Job's finished completions).
    pub fn reclaimable(&self, job: &Value) -> i64 {
        let spec = &job["spec"];
        let parallelism = number(&spec["parallelism"], 1);
        if self.shape != Shape::Job || parallelism <= 1 {
            return 0;
        }
        let completions = number(&spec["completions"], parallelism);
        let done = number(&job["status"]["succeeded"], 0);
        let left = (completions - done).max(0);
        if done == 0 {
            0
        } else {
            (parallelism - left).max(0)
        }
    }

    /// A TrainJob is told of its nodes by a patch of its runtime.
    pub fn patched(&self) -> bool {
        self.shape == Shape::TrainJob
    }
}

fn job_set(set: &Value, at: &str) -> Vec<PodSet> {
    let all = set.pointer(at).and_then(Value::as_array);
    let all = all.into_iter().flatten().enumerate();
    all.map(|(i, r)| {
        let job = &r["template"]["spec"];
        let parallelism = number(&job["parallelism"], 1);
        let pods = number(&job["completions"], parallelism).min(parallelism);
        PodSet {
            name: r["name"].as_str().unwrap_or_default().to_lowercase(),
            count: pods * number(&r["replicas"], 1),
            template: job["template"].clone(),
            at: format!("{at}/{i}/template/spec/template"),
        }
    })
    .collect()
}

fn ray(job: &Value, at: &str) -> Vec<PodSet> {
    let cluster = job.pointer(at).cloned().unwrap_or_default();
    let mut sets = vec![PodSet {
        name: "head".to_owned(),
        count: 1,
        template: cluster["headGroupSpec"]["template"].clone(),
        at: format!("{at}/headGroupSpec/template"),
    }];
    let groups = cluster["workerGroupSpecs"].as_array().into_iter().flatten();
    sets.extend(groups.enumerate().map(|(i, g)| PodSet {
        name: g["groupName"].as_str().unwrap_or_default().to_lowercase(),
        count: number(&g["replicas"], 1) * number(&g["numOfHosts"], 1),
        template: g["template"].clone(),
        at: format!("{at}/workerGroupSpecs/{i}/template"),
    }));
    sets
}

/// The pod that submits, as KubeRay makes it.
fn submitter(job: &Value) -> PodSet {
    let own = &job["spec"]["submitterPodTemplate"];
    let template = if own.is_object() {
        own.clone()
    } else {
        let image = &job["spec"]["rayClusterSpec"]["headGroupSpec"]["template"]["spec"]["containers"]
            [0]["image"];
        json!({"spec": {"restartPolicy": "Never", "containers": [{
            "name": "ray-job-submitter", "image": image,
            "resources": {"requests": {"cpu": "500m", "memory": "200Mi"}, "limits": {"cpu": "1", "memory": "1Gi"}},
        }]}})
    };
    PodSet {
        name: "submitter".to_owned(),
        count: 1,
        template,
        at: if own.is_object() {
            "/spec/submitterPodTemplate".to_owned()
        } else {
            String::new()
        },
    }
}
