//! The RayJob controller: a cluster of its own, a submitter Job, and two statuses that follow the submitted program.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::super::look::{Look, add_env, merge, time};
use super::pods;
use super::{CLUSTER, CONTROLLER, DOMAIN, GROUP, head_service};
use crate::api::write::Writer;
use crate::clock::rfc3339;
use crate::controllers::hub::{Hub, drop_finalizer};
use crate::controllers::program::Launch;
use crate::controllers::tasks::Key;
use crate::controllers::wire::{Job, Pod};
use crate::store::Object;

const BY: &str = "rayjob-controller";
const FINALIZER: &str = "ray.io/rayjob-finalizer";
/// Seconds between a submitter's start and that of the job's driver.
const PENDING: f64 = 4.0;

/// Moves a job one step on.
pub fn sync(hub: &mut Hub<'_>, key: &Key) {
    let kind = super::super::kind_id(&hub.cluster.store, GROUP, "RayJob");
    if let Some(kind) = kind.filter(|k| hub.get(*k, key).is_some_and(|o| o.deleting)) {
        let by = Writer::new(BY);
        hub.edit(kind, key, &by, |v| {
            drop_finalizer(v, FINALIZER);
        });
        return;
    }
    let Some(look) = Look::at(hub, (GROUP, "RayJob"), key, BY) else {
        return;
    };
    if look.foreign(CONTROLLER) {
        return;
    }
    let mut job = RayJob { look };
    let before = [job.text("jobStatus"), job.text("jobDeploymentStatus")];
    job.run();
    if before != [job.text("jobStatus"), job.text("jobDeploymentStatus")] {
        job.count();
    }
    job.look.close();
}

struct RayJob<'a, 'h> {
    look: Look<'a, 'h>,
}

/// What the dashboard says of the submitted program.
struct Told {
    status: &'static str,
    message: String,
    start: Option<DateTime<Utc>>,
    end: Option<DateTime<Utc>>,
}

impl RayJob<'_, '_> {
    fn text(&self, field: &str) -> String {
        let text = self.look.status[field].as_str();
        text.unwrap_or_default().to_owned()
    }

    fn stage(&mut self, stage: &str) {
        self.look.report("jobDeploymentStatus", json!(stage));
    }

    fn run(&mut self) {
        let suspend = self.look.spec["suspend"] == true;
        match self.text("jobDeploymentStatus").as_str() {
            "" => self.begin(),
            "Initializing" | "Running" if suspend => self.stage("Suspending"),
            "Initializing" | "Running" if self.overdue() => {}
            "Initializing" => self.initialize(),
            "Running" => self.follow(),
            stage @ ("Suspending" | "Retrying") => self.release(stage == "Retrying"),
            "Suspended" if !suspend => self.stage(""),
            "Complete" | "Failed" => self.shut_down(),
            _ => {}
        }
    }

    /// Names the cluster and the submission, so that neither is made twice.
    fn begin(&mut self) {
        let object = self.look.object.clone();
        let random = &mut self.look.hub.cluster.random;
        let (id, cluster) = (random.suffix(5), random.suffix(5));
        let name = &object.name;
        self.look.edit(&object, |v| {
            let mut all = v["metadata"]["finalizers"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            if !all.iter().any(|f| f == FINALIZER) {
                all.push(json!(FINALIZER));
                v["metadata"]["finalizers"] = json!(all);
            }
        });
        let given = self.look.spec["jobId"].as_str().map(str::to_owned);
        let selected = self.look.spec["clusterSelector"][CLUSTER].as_str();
        let cluster = selected.map_or(format!("{name}-{cluster}"), str::to_owned);
        self.look
            .report("jobId", json!(given.unwrap_or(format!("{name}-{id}"))));
        self.look.report("rayClusterName", json!(cluster));
        self.stage("Initializing");
        let now = json!(rfc3339(self.look.now()));
        self.look.report("startTime", now);
        self.look.report("endTime", Value::Null);
    }

    fn overdue(&mut self) -> bool {
        let limit = self.look.spec["activeDeadlineSeconds"].as_f64();
        let (Some(limit), Some(start)) = (limit, time(&self.look.status["startTime"])) else {
            return false;
        };
        let end = start + self.look.hub.seconds(limit);
        if self.look.now() < end {
            self.look.again_at(end);
            return false;
        }
        let start = start.format("%Y-%m-%d %H:%M:%S +0000 UTC");
        let text = format!(
            "The RayJob has passed the activeDeadlineSeconds. StartTime: {start}. ActiveDeadlineSeconds: {limit}"
        );
        self.fail("DeadlineExceeded", &text);
        true
    }

    fn fail(&mut self, reason: &str, message: &str) {
        self.stage("Failed");
        self.look.report("reason", json!(reason));
        self.look.report("message", json!(message));
    }

    fn cluster(&self) -> Option<std::sync::Arc<Object>> {
        self.look
            .find(GROUP, "rayclusters", &self.text("rayClusterName"))
    }

    /// Makes the cluster, waits for it, and hands the program to a submitter.
    fn initialize(&mut self) {
        let (namespace, name) = (
            self.look.object.namespace.clone(),
            self.text("rayClusterName"),
        );
        let Some(cluster) = self.cluster() else {
            return self.make_cluster(&namespace, &name);
        };
        let status = cluster.tree()["status"].clone();
        let ready = status["state"] == "ready";
        if status.is_object() {
            self.look.report("rayClusterStatus", status);
        }
        if !ready {
            // Not everything that a cluster waits for is told here.
            self.look.again_in(3.0);
            return;
        }
        let url = format!("{}.{namespace}.{DOMAIN}:8265", head_service(&name));
        self.look.report("dashboardURL", json!(url));
        if self.look.spec["submissionMode"]
            .as_str()
            .unwrap_or("K8sJobMode")
            == "K8sJobMode"
        {
            self.submit(&cluster);
        }
        self.stage("Running");
    }

    fn make_cluster(&mut self, namespace: &str, name: &str) {
        if self.look.spec["clusterSelector"].is_object() {
            let text = format!(
                "RayCluster {namespace}/{name} set in the clusterSelector is not found. It must be created manually"
            );
            self.look.event(true, "RayClusterNotFound", &text);
            self.look.again_in(30.0);
            return;
        }
        let mut meta = json!({"name": name, "ownerReferences": self.look.owners()});
        let own = self.look.object.value()["metadata"].clone();
        for part in ["labels", "annotations"] {
            merge(&mut meta, part, &own[part]);
        }
        let mode = self.look.spec["submissionMode"].as_str();
        let mut labels = self.origin();
        labels["ray.io/job-submission-mode"] = json!(mode.unwrap_or("K8sJobMode"));
        merge(&mut meta, "labels", &labels);
        let value = json!({"metadata": meta, "spec": self.look.spec["rayClusterSpec"]});
        match self.look.create(GROUP, "rayclusters", value) {
            Ok(_) => {
                let text = format!("Created RayCluster {namespace}/{name}");
                self.look.event(false, "CreatedRayCluster", &text);
            }
            Err(why) => {
                let text = format!(
                    "Failed to create RayCluster {namespace}/{name}: {}",
                    why.message
                );
                self.look.event(true, "FailedToCreateRayCluster", &text);
                self.look.again_in(30.0);
            }
        }
    }

    fn origin(&self) -> Value {
        json!({
            "ray.io/originated-from-cr-name": self.look.object.name, "ray.io/originated-from-crd": "RayJob",
        })
    }

    /// The Job that submits the program and follows its log.
    fn submit(&mut self, cluster: &Object) {
        let (namespace, name) = (
            self.look.object.namespace.clone(),
            self.look.object.name.clone(),
        );
        if self.look.find("batch", "jobs", &name).is_some() {
            return;
        }
        let mut template = self.look.spec["submitterPodTemplate"].clone();
        if !template["spec"]["containers"][0].is_object() {
            let head = &cluster.tree()["spec"]["headGroupSpec"]["template"]["spec"];
            template = json!({"spec": {"restartPolicy": "Never", "containers": [{
                "name": "ray-job-submitter", "image": head["containers"][0]["image"],
                "resources": {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "500m", "memory": "200Mi"}},
            }]}});
        }
        let (id, address) = (
            self.text("jobId"),
            format!("http://{}", self.text("dashboardURL")),
        );
        let entrypoint = self.look.spec["entrypoint"]
            .as_str()
            .unwrap_or_default()
            .trim()
            .to_owned();
        let mut container = template["spec"]["containers"][0].clone();
        if container["command"].is_null() {
            container["command"] = json!(["/bin/bash", "-ce", "--"]);
            container["args"] = json!([format!(
                "if ! ray job status --address {address} {id} >/dev/null 2>&1 ; then ray job submit --address {address} \
                 --no-wait --submission-id {id} -- {entrypoint} ; fi ; ray job logs --address {address} --follow {id}"
            )]);
        }
        let variables = [
            ("PYTHONUNBUFFERED", json!("1")),
            ("RAY_DASHBOARD_ADDRESS", json!(self.text("dashboardURL"))),
            ("RAY_JOB_SUBMISSION_ID", json!(id)),
        ];
        add_env(&mut container, &variables);
        template["spec"]["containers"][0] = container;
        let mut labels = self.origin();
        labels["app.kubernetes.io/created-by"] = json!("kuberay-operator");
        merge(&mut template["metadata"], "labels", &labels);
        let limit = self.look.spec["submitterConfig"]["backoffLimit"].as_u64();
        let value = json!({
            "metadata": {"name": name, "labels": labels, "ownerReferences": self.look.owners()},
            "spec": {"backoffLimit": limit.unwrap_or(2), "template": template},
        });
        match self.look.create("batch", "jobs", value) {
            Ok(_) => {
                let text = format!("Created Kubernetes Job {namespace}/{name}");
                self.look.event(false, "CreatedRayJobSubmitter", &text);
            }
            Err(why) => {
                let text = format!(
                    "Failed to create new Kubernetes Job {namespace}/{name}: {}",
                    why.message
                );
                self.look
                    .event(true, "FailedToCreateRayJobSubmitter", &text);
            }
        }
    }

    /// Looks at the submitter and at what the dashboard tells.
    fn follow(&mut self) {
        let Some(cluster) = self.cluster() else {
            return;
        };
        self.services(&cluster);
        let status = cluster.tree()["status"].clone();
        self.look.report("rayClusterStatus", status);
        let job = self.look.find("batch", "jobs", &self.look.object.name);
        let job = job.and_then(|o| self.look.hub.cache.job(&o.uid).cloned());
        let Some(job) = job else { return };
        let end = job
            .finished()
            .map(|c| (c.kind.clone(), c.reason.clone(), c.message.clone()));
        if let Some((kind, reason, message)) = end.clone().filter(|(kind, _, _)| kind == "Failed") {
            let text = format!("Job submission has failed. Reason: {reason}. Message: {message}");
            let _ = kind;
            self.fail("SubmissionFailed", &text);
            return;
        }
        let Some(told) = self.told(&job) else { return };
        let over = end.is_some() && ["SUCCEEDED", "FAILED"].contains(&told.status);
        self.look.report("jobStatus", json!(told.status));
        self.look.report("message", json!(told.message));
        for (field, at) in [("startTime", told.start), ("endTime", told.end)] {
            if let Some(at) = at {
                self.look.status["rayJobInfo"][field] = json!(rfc3339(at));
            }
        }
        match told.status {
            "FAILED" if over => {
                self.stage("Failed");
                self.look.report("reason", json!("AppFailed"));
            }
            _ if over => self.stage("Complete"),
            _ => {}
        }
    }

    /// The dashboard's answer, from the submitter's pod.
    fn told(&mut self, job: &Job) -> Option<Told> {
        let pods = self.look.hub.cache.owned(&job.object.uid);
        let pod = pods.last()?;
        let value = pod.object.value();
        let status = &value["status"]["containerStatuses"][0]["state"];
        let container = &value["spec"]["containers"][0];
        let done = &status["terminated"];
        let since = [&status["running"], done];
        let since = since.iter().find_map(|s| time(&s["startedAt"]))?;
        let start = since + self.look.hub.seconds(PENDING);
        let mut told = Told {
            status: "PENDING",
            message: "Job has not started yet. It may be waiting for resources (CPUs, GPUs, memory, custom resources) to become available. It may be waiting for the runtime environment to be set up.".to_owned(),
            start: None,
            end: None,
        };
        if let Some(end) = time(&done["finishedAt"]) {
            told.start = Some(start.min(end));
            told.end = Some(end);
            (told.status, told.message) = verdict(&value, container, pod);
        } else if self.look.now() < start {
            self.look.again_at(start);
        } else {
            told.start = Some(start);
            told.status = "RUNNING";
            told.message = "Job is currently running.".to_owned();
        }
        Some(told)
    }

    /// The service under the job's own name.
    fn services(&mut self, cluster: &Object) {
        let name = head_service(&self.look.object.name);
        let labels = pods::labels(&cluster.name, "head", "headgroup");
        let ports =
            pods::PORTS.map(|(name, port)| json!({"name": name, "port": port, "targetPort": port}));
        let spec = json!({"clusterIP": "None", "selector": labels, "ports": ports});
        if self.look.service(&name, self.origin(), spec) {
            let text = format!("Created the service {}/{name}", self.look.object.namespace);
            self.look.event(false, "CreatedService", &text);
        }
    }

    fn delete_cluster(&mut self) -> bool {
        if self.look.spec["clusterSelector"].is_object() {
            return true;
        }
        let Some(cluster) = self.cluster() else {
            return true;
        };
        if self.look.delete(&cluster, "Background") {
            let text = format!("Deleted cluster {}/{}", cluster.namespace, cluster.name);
            self.look.event(false, "DeletedRayCluster", &text);
        }
        false
    }

    /// Lets go of cluster and submitter, then rests or starts anew.
    fn release(&mut self, retry: bool) {
        let gone = self.delete_cluster();
        let name = self.look.object.name.clone();
        let job = self.look.find("batch", "jobs", &name);
        let waits = job.is_some();
        if let Some(job) = job
            && self.look.delete(&job, "Background")
        {
            let text = format!(
                "Deleted submitter K8s Job {}/{name}",
                self.look.object.namespace
            );
            self.look.event(false, "DeletedRayJobSubmitter", &text);
        }
        if !gone || waits {
            self.look.again_in(3.0);
            return;
        }
        for field in [
            "rayClusterStatus",
            "rayClusterName",
            "dashboardURL",
            "jobId",
            "message",
            "reason",
            "rayJobInfo",
            "jobStatus",
        ] {
            self.look.report(field, Value::Null);
        }
        self.stage(if retry { "" } else { "Suspended" });
    }

    /// After the end: the cluster goes if the job says so, the submitter stays for its log.
    fn shut_down(&mut self) {
        let end = time(&self.look.status["endTime"]);
        let (true, Some(end)) = (self.look.spec["shutdownAfterJobFinishes"] == true, end) else {
            return;
        };
        let ttl = self.look.spec["ttlSecondsAfterFinished"]
            .as_f64()
            .unwrap_or(0.0);
        let at = end + self.look.hub.seconds(ttl);
        if self.look.now() < at {
            self.look.again_at(at);
        } else {
            self.delete_cluster();
        }
    }

    /// Ends and attempts are counted when the statuses change.
    fn count(&mut self) {
        let (stage, status) = (self.text("jobDeploymentStatus"), self.text("jobStatus"));
        let number = |v: &Value| v.as_u64().unwrap_or(0);
        let failed = number(&self.look.status["failed"]) + u64::from(stage == "Failed");
        let succeeded = stage == "Complete" && status == "SUCCEEDED";
        let succeeded = number(&self.look.status["succeeded"]) + u64::from(succeeded);
        self.look.report("failed", json!(failed));
        self.look.report("succeeded", json!(succeeded));
        let limit = number(&self.look.spec["backoffLimit"]);
        let late = self.text("reason") == "DeadlineExceeded";
        if stage == "Failed" && failed <= limit && !late {
            self.stage("Retrying");
        } else if stage == "Failed" || stage == "Complete" {
            let now = json!(rfc3339(self.look.now()));
            self.look.report("endTime", now);
        }
    }
}

/// How the submitted program ended.
fn verdict(pod: &Value, container: &Value, wire: &Pod) -> (&'static str, String) {
    let attempt = u32::try_from(wire.restarts()).unwrap_or(0);
    match Launch::of(pod, container, attempt).submitted() {
        Some(code) if code != 0 => {
            let text = format!(
                "Job entrypoint command failed with exit code {code}, last available logs (truncated to 20,000 chars):\n"
            );
            ("FAILED", text)
        }
        _ => ("SUCCEEDED", "Job finished successfully.".to_owned()),
    }
}
