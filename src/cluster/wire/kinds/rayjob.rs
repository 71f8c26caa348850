//! ray.io RayJob: an application (`jobStatus`) on a RayCluster of its own that comes and goes with it
//! (`jobDeploymentStatus`). Cluster and submitter Job are folded under it.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;

use super::common::ray::ClusterSpec;
use super::{Workload, tell};
use crate::cluster::wire::lax;
use crate::cluster::wire::meta::named;
use crate::model::human;
use crate::model::ids::Names;
use crate::model::job::{Activity, Condition, Facts, JobRow};
use crate::model::status::Unit;

#[derive(Default)]
pub struct This;

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Spec {
    #[serde(deserialize_with = "lax::object")]
    ray_cluster_spec: ClusterSpec,
    #[serde(deserialize_with = "lax::flag")]
    suspend: bool,
    #[serde(deserialize_with = "lax::text")]
    managed_by: String,
    #[serde(deserialize_with = "lax::maybe_count")]
    backoff_limit: Option<u32>,
    #[serde(deserialize_with = "lax::maybe_seconds")]
    active_deadline_seconds: Option<u64>,
    #[serde(deserialize_with = "lax::text")]
    entrypoint: String,
    #[serde(deserialize_with = "lax::text")]
    submission_mode: String,
    #[serde(deserialize_with = "lax::flag")]
    shutdown_after_job_finishes: bool,
    #[serde(deserialize_with = "lax::maybe_seconds")]
    ttl_seconds_after_finished: Option<u64>,
}

impl Spec {
    fn terms(&self) -> Vec<Box<str>> {
        let mut all: Vec<Box<str>> = Vec::new();
        if !self.entrypoint.is_empty() {
            all.push(format!("runs `{}`", self.entrypoint.trim()).into());
        }
        match self.submission_mode.as_str() {
            "HTTPMode" => all.push("submitted over HTTP".into()),
            "SidecarMode" => all.push("submitted by a sidecar of the head".into()),
            "InteractiveMode" => all.push("waits for a job to be submitted by hand".into()),
            _ => {}
        }
        all.push(
            match (
                self.shutdown_after_job_finishes,
                self.ttl_seconds_after_finished,
            ) {
                (false, _) => "its cluster stays".into(),
                (true, None | Some(0)) => "its cluster goes at its end".into(),
                (true, Some(s)) => {
                    let after = TimeDelta::seconds(s.min(1 << 40) as i64);
                    format!("its cluster goes {} after its end", human::duration(after)).into()
                }
            },
        );
        all
    }
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Status {
    #[serde(deserialize_with = "lax::text")]
    job_status: String,
    #[serde(deserialize_with = "lax::text")]
    job_deployment_status: String,
    #[serde(deserialize_with = "lax::text")]
    reason: String,
    #[serde(deserialize_with = "lax::text")]
    message: String,
    #[serde(deserialize_with = "lax::text")]
    ray_cluster_name: String,
    #[serde(deserialize_with = "lax::text")]
    job_id: String,
    #[serde(rename = "dashboardURL", deserialize_with = "lax::text")]
    dashboard_url: String,
    /// Attempts that failed.
    #[serde(deserialize_with = "lax::count")]
    failed: u32,
    #[serde(deserialize_with = "lax::time")]
    start_time: Option<DateTime<Utc>>,
    #[serde(deserialize_with = "lax::time")]
    end_time: Option<DateTime<Utc>>,
}

impl Status {
    /// What a condition would say: the outcome, or that it is decided.
    fn condition(&self) -> Option<(&'static str, &str)> {
        let application = self.job_status.as_str();
        let failed = || match (self.reason.as_str(), application) {
            ("", "" | "FAILED") => "Failed",
            ("", other) => other,
            (reason, _) => reason,
        };
        Some(match (self.job_deployment_status.as_str(), application) {
            ("Complete", "SUCCEEDED") => ("Complete", self.reason.as_str()),
            ("ValidationFailed", _) => ("Failed", "ValidationFailed"),
            ("Complete" | "Failed", _) => ("Failed", failed()),
            // over for Ray, not yet for Kubernetes
            ("Running" | "Initializing", "SUCCEEDED") => ("SuccessCriteriaMet", application),
            ("Running" | "Initializing", "FAILED" | "STOPPED") => ("FailureTarget", failed()),
            _ => return None,
        })
    }
}

impl Workload for This {
    const FACTS: &'static Facts =
        &Facts::new("ray.io", &["v1", "v1alpha1"], "RayJob", "rayjobs", "RayJob")
            .of_children()
            .letters("RayJ");
    type Spec = Spec;
    type Status = Status;

    fn fill(spec: Spec, status: Status, row: &mut JobRow, names: &mut Names) {
        spec.ray_cluster_spec.fill(row, names);
        row.suspend = spec.suspend;
        row.managed_by = named(names, &spec.managed_by);
        row.policy.backoff_limit = spec.backoff_limit;
        row.policy.active_deadline_seconds = spec.active_deadline_seconds;
        row.policy.terms = spec.terms();
        row.policy.terms.extend(spec.ray_cluster_spec.terms());
        for (what, text) in [
            ("application", &status.job_status),
            ("deployment", &status.job_deployment_status),
            ("dashboard", &status.dashboard_url),
            ("cluster", &status.ray_cluster_name),
            ("job id", &status.job_id),
        ] {
            tell(row, names, what, text);
        }
        row.unit = Unit::Jobs;
        row.completions = Some(1);
        row.restarts = status.failed;
        row.started = status.start_time;
        if let Some((kind, reason)) = status.condition() {
            row.succeeded = u32::from(kind == "Complete");
            row.completed = status.end_time.filter(|_| kind == "Complete");
            row.conditions.push(Condition {
                kind: names.get(kind),
                on: true,
                reason: names.get(reason),
                message: status.message.as_str().into(),
                since: status.end_time,
            });
        }
        let life = status.job_deployment_status.as_str();
        row.activity = match (life, status.job_status.as_str()) {
            ("Retrying", _) => Activity::Restarting,
            (_, "RUNNING") => Activity::Running,
            _ => Activity::Waiting,
        };
        if !status.ray_cluster_name.is_empty() {
            let cluster = format!("ray.io/cluster={}", status.ray_cluster_name);
            row.selectors.push(cluster.into());
        }
        let submitter = format!("batch.kubernetes.io/job-name={}", row.name);
        row.selectors.push(submitter.into());
    }
}
