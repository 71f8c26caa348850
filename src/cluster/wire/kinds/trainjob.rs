//! trainer.kubeflow.org TrainJob: a runtime and what to change in it. It becomes a JobSet of its name, which knows
//! the replicas, devices and pods; until then there is what the TrainJob itself asks for.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::jobset::{Counters, activity, selector};
use super::{Workload, began, conditions, scalar, tell};
use crate::cluster::wire::lax;
use crate::cluster::wire::meta::{Condition, named};
use crate::cluster::wire::template::{Resources, devices};
use crate::model::ids::Names;
use crate::model::job::{Facts, JobRow, RoleRow};
use crate::model::status::Unit;

#[derive(Default)]
pub struct This;

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Spec {
    #[serde(deserialize_with = "lax::object")]
    runtime_ref: RuntimeRef,
    #[serde(deserialize_with = "lax::object")]
    trainer: Trainer,
    #[serde(deserialize_with = "lax::flag")]
    suspend: bool,
    #[serde(deserialize_with = "lax::text")]
    managed_by: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RuntimeRef {
    #[serde(deserialize_with = "lax::text")]
    name: String,
    #[serde(deserialize_with = "lax::text")]
    kind: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Trainer {
    #[serde(deserialize_with = "lax::maybe_count")]
    num_nodes: Option<u32>,
    /// `auto`, `gpu`, `cpu` or a number.
    #[serde(deserialize_with = "scalar")]
    num_proc_per_node: String,
    #[serde(deserialize_with = "lax::object")]
    resources_per_node: Resources,
    #[serde(deserialize_with = "lax::text")]
    image: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Status {
    #[serde(deserialize_with = "lax::list")]
    jobs_status: Vec<Counters>,
    #[serde(deserialize_with = "lax::list")]
    conditions: Vec<Condition>,
    #[serde(deserialize_with = "lax::object")]
    trainer_status: TrainerStatus,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct TrainerStatus {
    #[serde(deserialize_with = "lax::maybe_count")]
    progress_percentage: Option<u32>,
    #[serde(deserialize_with = "lax::maybe_count")]
    estimated_remaining_seconds: Option<u32>,
    #[serde(deserialize_with = "lax::list")]
    metrics: Vec<Metric>,
    #[serde(deserialize_with = "lax::time")]
    last_updated_time: Option<DateTime<Utc>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Metric {
    #[serde(deserialize_with = "lax::text")]
    name: String,
    #[serde(deserialize_with = "scalar")]
    value: String,
}

impl Workload for This {
    const FACTS: &'static Facts = &Facts::new(
        "trainer.kubeflow.org",
        &["v1", "v1beta1", "v1alpha1"],
        "TrainJob",
        "trainjobs",
        "Train",
    )
    .of_children()
    .letters("Trn");
    type Spec = Spec;
    type Status = Status;

    fn fill(spec: Spec, status: Status, row: &mut JobRow, names: &mut Names) {
        let trainer = &spec.trainer;
        // the runtime may ask for more: then the JobSet tells
        let nodes = trainer.num_nodes.unwrap_or(1);
        let resources = [&trainer.resources_per_node];
        row.roles.push(RoleRow {
            name: names.get("node"),
            wanted: nodes,
            devices: devices(resources.into_iter(), &[], names),
            ..RoleRow::default()
        });
        let (mut total, mut done) = (0u32, 0u32);
        for jobs in &status.jobs_status {
            jobs.fill(row, names);
            let of = jobs.active.max(jobs.ready);
            let parts = [of, jobs.succeeded, jobs.failed, jobs.suspended];
            // one that waits for another is listed, but counts nowhere yet
            let all = parts.into_iter().fold(0, u32::saturating_add).max(1);
            total = total.saturating_add(all);
            done = done.saturating_add(jobs.succeeded);
        }
        match status.trainer_status.progress_percentage {
            Some(percent) => {
                row.unit = Unit::Percent;
                row.completions = Some(100);
                row.succeeded = percent.min(100);
            }
            None => {
                row.unit = Unit::Jobs;
                row.completions = Some(total.max(1));
                row.succeeded = done;
            }
        }
        for metric in &status.trainer_status.metrics {
            tell(row, names, &metric.name, &metric.value);
        }
        if let Some(at) = status.trainer_status.last_updated_time {
            let at = at.format("%H:%M:%S UTC").to_string();
            tell(row, names, "reported", &at);
        }
        if !trainer.num_proc_per_node.is_empty() {
            let term = format!("{} processes per node", trainer.num_proc_per_node);
            row.policy.terms.push(term.into());
        }
        row.seconds_left = status.trainer_status.estimated_remaining_seconds;
        row.parallelism = nodes;
        row.suspend = spec.suspend;
        row.managed_by = named(names, &spec.managed_by);
        row.image = named(names, &trainer.image);
        if !spec.runtime_ref.name.is_empty() {
            let kind = match spec.runtime_ref.kind.as_str() {
                "" => "ClusterTrainingRuntime",
                kind => kind,
            };
            let runtime = format!("{kind}/{}", spec.runtime_ref.name);
            row.runtime = Some(names.get(&runtime));
        }
        row.conditions = conditions(status.conditions, &[], names);
        row.activity = activity(row);
        row.started = began(row);
        row.selectors.push(selector(&row.name));
    }
}
