//! Kueue in a small cluster: jobs of several kinds from their submission to their end, and all that can come between.

mod backoff;
mod multikueue;
mod pods;

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::api::write::{Cluster, Delete, Writer};
use crate::clock::Clock;
use crate::crds;
use crate::world::World;

/// Two nodes with four GPUs each, a flavor, and the queue `gpus` behind the local queue `lq`.
struct Stage(World);

fn groups(nominal: i64) -> Value {
    json!([{"coveredResources": ["cpu", "nvidia.com/gpu"], "flavors": [{"name": "h100", "resources": [
        {"name": "cpu", "nominalQuota": 64}, {"name": "nvidia.com/gpu", "nominalQuota": nominal},
    ]}]}])
}

impl Stage {
    fn new(queue: &Value) -> Self {
        let start = "2026-03-02T09:00:00Z".parse().unwrap();
        let mut cluster = Cluster::new(Clock::stepped(start, 1.0), 7);
        crds::install(&mut cluster);
        let mut stage = Self(World::new(cluster));
        for name in ["node-a", "node-b"] {
            stage.make("nodes", "", json!({
                "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name, "gpu": "h100"}},
                "status": {
                    "allocatable": {"cpu": "32", "memory": "64Gi", "pods": "110", "nvidia.com/gpu": "4"},
                    "conditions": [{"type": "Ready", "status": "True"}],
                },
            }));
        }
        stage.make(
            "resourceflavors",
            "",
            json!({
                "metadata": {"name": "h100"}, "spec": {"nodeLabels": {"gpu": "h100"}},
            }),
        );
        let mut spec = json!({
            "resourceGroups": groups(8), "namespaceSelector": {}, "cohortName": "org",
            "preemption": {"withinClusterQueue": "LowerPriority", "reclaimWithinCohort": "Any"},
        });
        for (field, value) in queue.as_object().into_iter().flatten() {
            spec[field.as_str()] = value.clone();
        }
        stage.make(
            "clusterqueues",
            "",
            json!({"metadata": {"name": "gpus"}, "spec": spec}),
        );
        stage.local("lq", "gpus");
        for (name, value) in [("high", 1000), ("low", 10)] {
            stage.make(
                "workloadpriorityclasses",
                "",
                json!({"metadata": {"name": name}, "value": value}),
            );
        }
        stage.run(2);
        stage
    }

    fn local(&mut self, name: &str, queue: &str) {
        self.make(
            "localqueues",
            "default",
            json!({
                "metadata": {"name": name}, "spec": {"clusterQueue": queue},
            }),
        );
    }

    fn id(&self, plural: &str) -> crate::store::KindId {
        let mut kinds = self.0.cluster.store.kinds();
        kinds
            .find(|(_, k)| k.plural == plural)
            .map(|(id, _)| id)
            .unwrap()
    }

    fn make(&mut self, plural: &str, namespace: &str, value: Value) {
        let (kind, by) = (self.id(plural), Writer::new("kubectl"));
        let status = value["status"].clone();
        let made = self.0.cluster.create(kind, namespace, value, &by);
        let mut made = made.unwrap_or_else(|why| panic!("{}", why.message)).value();
        if status.is_object() {
            made["status"] = status;
            self.0
                .cluster
                .update(kind, made, &Writer::status("kubelet"))
                .unwrap();
        }
        self.0.settle();
    }

    fn job(&mut self, name: &str, gpus: i64, seconds: i64, labels: Value) {
        let mut all = json!({"kueue.x-k8s.io/queue-name": "lq"});
        for (k, v) in labels.as_object().into_iter().flatten() {
            all[k.as_str()] = v.clone();
        }
        self.make(
            "jobs",
            "default",
            json!({
                "metadata": {"name": name, "labels": all},
                "spec": {"template": pod(gpus, seconds)},
            }),
        );
    }

    fn run(&mut self, seconds: i64) {
        let to = self.0.cluster.clock.now() + TimeDelta::seconds(seconds);
        self.0.advance_to(to);
    }

    fn get(&self, plural: &str, name: &str) -> Value {
        let namespace = if plural == "clusterqueues" {
            ""
        } else {
            "default"
        };
        let found = self.0.object(plural, namespace, name);
        found.unwrap_or_else(|| panic!("no {plural}/{name}"))
    }

    /// The workload of a job.
    fn workload(&self, job: &str) -> Value {
        let all = self.0.objects("workloads", "default");
        let found = all
            .iter()
            .find(|w| w.controller().is_some_and(|o| o.name == job));
        found
            .unwrap_or_else(|| panic!("no workload of {job}"))
            .value()
    }

    /// `True QuotaReserved: message` of a condition, empty if there is none.
    fn said(&self, job: &str, name: &str) -> String {
        let wl = self.workload(job);
        let all = wl["status"]["conditions"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let found = all.into_iter().find(|c| c["type"] == name);
        found.map_or(String::new(), |c| {
            let text = |f: &str| c[f].as_str().unwrap_or_default().to_owned();
            format!("{} {}: {}", text("status"), text("reason"), text("message"))
        })
    }

    fn change(&mut self, plural: &str, name: &str, change: impl FnOnce(&mut Value)) {
        let mut value = self.get(plural, name);
        change(&mut value);
        let (kind, by) = (self.id(plural), Writer::new("kubectl"));
        self.0.cluster.update(kind, value, &by).unwrap();
        self.0.settle();
    }

    fn admitted(&self, job: &str) -> bool {
        self.said(job, "Admitted").starts_with("True")
    }

    fn suspended(&self, job: &str) -> bool {
        self.get("jobs", job)["spec"]["suspend"] == true
    }

    fn reasons(&self) -> Vec<String> {
        let events = self.0.objects("events", "default");
        let all = events
            .iter()
            .map(|e| e.tree()["reason"].as_str().unwrap_or_default().to_owned());
        all.collect()
    }
}

fn pod(gpus: i64, seconds: i64) -> Value {
    json!({"spec": {"restartPolicy": "Never", "containers": [{
        "name": "main", "image": "busybox:1.36", "command": ["sh", "-c", format!("sleep {seconds}")],
        "resources": {"requests": {"cpu": "1"}, "limits": {"nvidia.com/gpu": gpus.to_string()}},
    }]}})
}

#[test]
fn a_job_is_suspended_admitted_placed_run_and_its_quota_given_back() {
    let mut s = Stage::new(&json!({}));
    let kind = s.id("jobs");
    let value = json!({
        "metadata": {"name": "train", "labels": {"kueue.x-k8s.io/queue-name": "lq"}},
        "spec": {"template": pod(4, 60)},
    });
    let made =
        s.0.cluster
            .create(kind, "default", value, &Writer::new("kubectl"))
            .unwrap();
    assert_eq!(made.tree()["spec"]["suspend"], true);
    s.0.settle();
    assert_eq!(
        s.said("train", "QuotaReserved"),
        "True QuotaReserved: Quota reserved in ClusterQueue gpus"
    );
    assert_eq!(
        s.said("train", "Admitted"),
        "True Admitted: The workload is admitted"
    );
    let wl = s.workload("train");
    let name = wl["metadata"]["name"].as_str().unwrap();
    assert!(
        name.starts_with("job-train-") && name.len() == "job-train-".len() + 5,
        "{name}"
    );
    assert_eq!(
        wl["metadata"]["labels"]["kueue.x-k8s.io/job-uid"],
        made.uid.as_str()
    );
    assert_eq!(
        wl["status"]["admission"],
        json!({"clusterQueue": "gpus", "podSetAssignments": [{
            "name": "main", "count": 1, "flavors": {"cpu": "h100", "nvidia.com/gpu": "h100"},
            "resourceUsage": {"cpu": "1", "nvidia.com/gpu": "4"},
        }]})
    );
    let job = s.get("jobs", "train");
    let template = &job["spec"]["template"];
    assert_eq!(template["spec"]["nodeSelector"], json!({"gpu": "h100"}));
    assert_eq!(
        template["metadata"]["labels"]["kueue.x-k8s.io/podset"],
        "main"
    );
    s.run(30);
    assert!(
        s.said("train", "PodsReady").starts_with("True Started"),
        "{}",
        s.said("train", "PodsReady")
    );
    let queue = s.get("clusterqueues", "gpus");
    assert_eq!(
        queue["status"]["flavorsUsage"][0]["resources"][1],
        json!({"name": "nvidia.com/gpu", "total": "4", "borrowed": "0"})
    );
    assert_eq!(queue["status"]["admittedWorkloads"], 1);
    assert_eq!(
        queue["status"]["conditions"][0]["message"],
        "Can admit new workloads"
    );
    s.run(60);
    assert!(s.said("train", "Finished").starts_with("True Succeeded"));
    s.run(5);
    let queue = s.get("clusterqueues", "gpus");
    assert_eq!(queue["status"]["reservingWorkloads"], 0);
    assert_eq!(
        queue["status"]["flavorsReservation"][0]["resources"][1]["total"],
        "0"
    );
    let reasons = s.reasons();
    for reason in [
        "CreatedWorkload",
        "QuotaReserved",
        "Admitted",
        "Started",
        "FinishedWorkload",
    ] {
        assert!(
            reasons.iter().any(|r| r == reason),
            "{reason} in {reasons:?}"
        );
    }
    // Deleted with its job, finalizer or not.
    let how = Delete {
        propagation: Some("Background".to_owned()),
        ..Delete::default()
    };
    s.0.cluster.delete(kind, "default", "train", &how).unwrap();
    s.run(60);
    assert_eq!(s.0.objects("workloads", "default").len(), 0);
}

#[test]
fn the_higher_priority_preempts_and_the_lower_comes_back() {
    let mut s = Stage::new(&json!({}));
    let class = |name: &str| json!({"kueue.x-k8s.io/priority-class": name});
    for name in ["a", "b"] {
        s.job(name, 4, 600, class("low"));
    }
    s.run(20);
    s.job("urgent", 4, 60, class("high"));
    assert_eq!(s.workload("urgent")["spec"]["priority"], 1000);
    let waits = s.said("urgent", "QuotaReserved");
    assert!(
        waits.starts_with("False WaitingForPreemptedWorkloads: couldn't assign flavors to pod set main: insufficient unused quota for nvidia.com/gpu in flavor h100, 4 more needed. Pending the preemption of 1 workload(s)")
            || s.admitted("urgent"),
        "{waits}"
    );
    s.run(45);
    assert!(s.admitted("urgent"));
    let victim = if s.suspended("b") { "b" } else { "a" };
    let text = s.said(victim, "Preempted");
    assert!(
        text.starts_with("True InClusterQueue: Preempted to accommodate a workload (UID: "),
        "{text}"
    );
    assert!(text.ends_with(
        "due to prioritization in the ClusterQueue; preemptor path: /org/gpus; preemptee path: /org/gpus"
    ));
    assert!(s.said(victim, "Requeued").starts_with("True Preempted"));
    let wl = s.workload(victim);
    assert_eq!(
        wl["status"]["schedulingStats"]["evictions"],
        json!([{"reason": "Preempted", "underlyingCause": "", "count": 1}])
    );
    assert!(s.get("jobs", victim)["spec"]["template"]["spec"]["nodeSelector"].is_null());
    s.run(120);
    assert!(s.admitted(victim), "{}", s.said(victim, "QuotaReserved"));
    assert!(
        s.said(victim, "Evicted")
            .starts_with("False QuotaReserved: Previously: Preempted")
    );
    assert!(s.said("urgent", "Finished").starts_with("True"));
}

#[test]
fn a_strict_head_blocks_its_queue() {
    let mut s = Stage::new(&json!({"queueingStrategy": "StrictFIFO"}));
    s.job("running", 4, 100, json!({}));
    s.run(5);
    s.job("head", 8, 30, json!({}));
    s.run(5);
    s.job("small", 1, 30, json!({}));
    s.run(20);
    assert!(!s.admitted("head") && !s.admitted("small"));
    assert!(
        s.said("head", "QuotaReserved")
            .starts_with("False WaitingForQuota")
    );
    assert_eq!(s.said("small", "QuotaReserved"), "");
    s.run(120);
    assert!(s.admitted("head"));
}

#[test]
fn nobody_starts_a_job_that_is_not_admitted() {
    let mut s = Stage::new(&json!({}));
    s.job("wide", 16, 30, json!({}));
    assert!(
        s.said("wide", "QuotaReserved")
            .starts_with("False ExceedsMaxQuota")
    );
    s.change("jobs", "wide", |v| v["spec"]["suspend"] = json!(false));
    s.run(5);
    assert!(s.suspended("wide"));
    assert!(s.reasons().iter().any(|r| r == "Stopped"));
    s.job("lost", 1, 30, json!({"kueue.x-k8s.io/queue-name": "lqq"}));
    assert_eq!(
        s.said("lost", "QuotaReserved"),
        "False Misconfigured: LocalQueue lqq doesn't exist"
    );
    assert_eq!(
        s.said("lost", "Admitted"),
        "False NoReservation: The workload has no reservation"
    );
    s.change("jobs", "lost", |v| {
        v["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] = json!("lq")
    });
    s.run(2);
    assert!(s.admitted("lost"), "{}", s.said("lost", "QuotaReserved"));
}

#[test]
fn people_and_queues_stop_workloads() {
    let mut s = Stage::new(&json!({}));
    s.job("train", 4, 900, json!({}));
    s.run(20);
    let name = s.workload("train")["metadata"]["name"]
        .as_str()
        .unwrap()
        .to_owned();
    s.change("workloads", &name, |v| v["spec"]["active"] = json!(false));
    s.run(60);
    assert!(s.suspended("train"));
    assert_eq!(
        s.said("train", "Evicted"),
        "True Deactivated: The workload is deactivated"
    );
    assert_eq!(
        s.said("train", "QuotaReserved"),
        "False Deactivated: The workload is deactivated"
    );
    s.change("workloads", &name, |v| v["spec"]["active"] = json!(true));
    s.run(5);
    assert!(s.said("train", "Requeued").starts_with("True Reactivated"));
    assert!(s.admitted("train"));
    s.change("clusterqueues", "gpus", |v| {
        v["spec"]["stopPolicy"] = json!("HoldAndDrain")
    });
    s.run(60);
    assert_eq!(
        s.said("train", "Evicted"),
        "True ClusterQueueStopped: The ClusterQueue is stopped"
    );
    assert_eq!(
        s.said("train", "QuotaReserved"),
        "False Suspended: ClusterQueue gpus is inactive"
    );
    let queue = s.get("clusterqueues", "gpus");
    assert_eq!(
        queue["status"]["conditions"][0]["message"],
        "Can't admit new workloads: is stopped."
    );
    assert_eq!(
        s.get("localqueues", "lq")["status"]["conditions"][0]["reason"],
        "ClusterQueueIsInactive"
    );
    s.change("clusterqueues", "gpus", |v| {
        v["spec"]["stopPolicy"] = json!("None")
    });
    s.run(5);
    assert!(s.admitted("train"));
}

#[test]
fn a_check_is_waited_for_retried_and_agreed() {
    let mut s = Stage::new(&json!({
        "admissionChecksStrategy": {"admissionChecks": [{"name": "dws"}]},
    }));
    assert_eq!(
        s.get("clusterqueues", "gpus")["status"]["conditions"][0]["reason"],
        "AdmissionCheckNotFound"
    );
    s.make(
        "provisioningrequestconfigs",
        "",
        json!({"metadata": {"name": "dws"}, "spec": {
            "provisioningClassName": "queued-provisioning.gke.io",
            "parameters": {"demo.jobdeck.dev/minutes": "2", "demo.jobdeck.dev/failures": "1"},
        }}),
    );
    s.make("admissionchecks", "", json!({"metadata": {"name": "dws"}, "spec": {
        "controllerName": "kueue.x-k8s.io/provisioning-request",
        "parameters": {"apiGroup": "kueue.x-k8s.io", "kind": "ProvisioningRequestConfig", "name": "dws"},
    }}));
    s.job("train", 4, 60, json!({}));
    s.run(30);
    assert!(
        s.said("train", "Admitted")
            .starts_with("False UnsatisfiedAdmissionChecks")
    );
    let check = s.workload("train")["status"]["admissionChecks"][0].clone();
    assert_eq!(check["state"], "Pending");
    assert!(
        check["message"].as_str().unwrap().contains("ETA: "),
        "{check}"
    );
    s.run(120);
    assert!(
        s.said("train", "Evicted").starts_with(
            "True AdmissionCheck: Evicted due to AdmissionCheck in Retry state: \"dws\""
        )
    );
    let wl = s.workload("train");
    assert!(wl["status"]["requeueState"]["requeueAt"].is_string());
    assert_eq!(wl["status"]["admissionChecks"][0]["retryCount"], 1);
    s.run(240);
    assert!(s.admitted("train"), "{}", s.workload("train")["status"]);
    let job = s.get("jobs", "train");
    let notes = &job["spec"]["template"]["metadata"]["annotations"];
    assert!(
        notes["autoscaling.x-k8s.io/consume-provisioning-request"]
            .as_str()
            .unwrap()
            .ends_with("-dws-2")
    );
}

#[test]
fn other_kinds_are_queued_too() {
    let mut s = Stage::new(&json!({}));
    let labels = json!({"kueue.x-k8s.io/queue-name": "lq"});
    s.make(
        "pytorchjobs",
        "default",
        json!({"metadata": {"name": "ddp", "labels": labels}, "spec": {
            "pytorchReplicaSpecs": {
                "Master": {"replicas": 1, "restartPolicy": "OnFailure", "template": pod(1, 30)},
                "Worker": {"replicas": 3, "restartPolicy": "OnFailure", "template": pod(1, 30)},
            },
        }}),
    );
    s.make("jobsets", "default", json!({"metadata": {"name": "set", "labels": labels}, "spec": {
        "replicatedJobs": [{"name": "workers", "replicas": 2, "template": {"spec": {"parallelism": 1, "completions": 1, "template": pod(1, 30)}}}],
    }}));
    s.run(10);
    let sets = s.workload("ddp")["spec"]["podSets"].clone();
    let names: Vec<&Value> = sets
        .as_array()
        .unwrap()
        .iter()
        .map(|p| &p["name"])
        .collect();
    assert_eq!(names, ["master", "worker"]);
    assert_eq!(sets[1]["count"], 3);
    let pods = s.0.objects("pods", "default");
    let placed = pods
        .iter()
        .filter(|p| p.tree()["spec"]["nodeSelector"] == json!({"gpu": "h100"}));
    assert_eq!((pods.len(), placed.count()), (6, 6));
    // The Jobs of the set have no workloads of their own.
    assert_eq!(s.0.objects("workloads", "default").len(), 2);
    s.run(120);
    assert!(
        s.said("ddp", "Finished").starts_with("True Succeeded"),
        "{}",
        s.said("ddp", "Finished")
    );
    assert!(
        s.said("set", "Finished").starts_with("True Succeeded"),
        "{}",
        s.said("set", "Finished")
    );
}

#[test]
fn a_quiet_cluster_writes_nothing() {
    let mut s = Stage::new(&json!({}));
    s.job("runs", 4, 9000, json!({}));
    s.job("waits", 8, 60, json!({}));
    s.job("never", 80, 60, json!({}));
    s.run(120);
    let before = s.0.cluster.store.rv();
    s.run(200);
    assert_eq!(s.0.cluster.store.rv(), before);
}

#[test]
fn two_thousand_wait_and_are_admitted_in_order() {
    let mut s = Stage::new(&json!({}));
    for n in 0..2000 {
        s.job(&format!("j{n}"), 4, 9000, json!({}));
    }
    s.run(5);
    let queue = s.get("clusterqueues", "gpus");
    assert_eq!(queue["status"]["pendingWorkloads"], 1998);
    assert!(s.admitted("j0") && s.admitted("j1") && !s.admitted("j2"));
}
