//! jobset.x-k8s.io JobSet: groups of equal Jobs. Its status counts Jobs; the pods are those of the Jobs.

use serde::Deserialize;

use super::{Workload, began, conditions, is, number};
use crate::cluster::wire::lax;
use crate::cluster::wire::meta::{Condition, Meta, named};
use crate::cluster::wire::template::Template;
use crate::model::ids::Names;
use crate::model::job::{Activity, Facts, JobRow, RoleRow};
use crate::model::pod::Replica;
use crate::model::status::Unit;

#[derive(Default)]
pub struct This;

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Spec {
    #[serde(deserialize_with = "lax::list")]
    replicated_jobs: Vec<ReplicatedJob>,
    #[serde(deserialize_with = "lax::flag")]
    suspend: bool,
    #[serde(deserialize_with = "lax::text")]
    managed_by: String,
    #[serde(deserialize_with = "lax::maybe_seconds")]
    ttl_seconds_after_finished: Option<u64>,
    #[serde(deserialize_with = "lax::object")]
    failure_policy: FailurePolicy,
    #[serde(deserialize_with = "lax::object")]
    success_policy: SuccessPolicy,
    #[serde(deserialize_with = "lax::object")]
    startup_policy: StartupPolicy,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct FailurePolicy {
    #[serde(deserialize_with = "lax::maybe_count")]
    max_restarts: Option<u32>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct SuccessPolicy {
    #[serde(deserialize_with = "lax::text")]
    operator: String,
    #[serde(deserialize_with = "lax::texts")]
    target_replicated_jobs: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct StartupPolicy {
    #[serde(deserialize_with = "lax::text")]
    startup_policy_order: String,
}

impl Spec {
    fn terms(&self) -> Vec<Box<str>> {
        let mut all = Vec::new();
        if let Some(n) = self.failure_policy.max_restarts {
            all.push(match n {
                0 => "no restart".to_owned(),
                1 => "1 restart of all".into(),
                n => format!("{n} restarts of all"),
            });
        }
        let of = self.success_policy.target_replicated_jobs.join(", ");
        match (self.success_policy.operator.as_str(), of.as_str()) {
            ("Any", "") => all.push("done when any job is".into()),
            ("Any", of) => all.push(format!("done when any of {of} is")),
            ("All", of) if !of.is_empty() => all.push(format!("done when all of {of} are")),
            _ => {}
        }
        if self.startup_policy.startup_policy_order == "InOrder" {
            all.push("starts in order".into());
        }
        all.into_iter().map(Into::into).collect()
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ReplicatedJob {
    #[serde(deserialize_with = "lax::text")]
    name: String,
    #[serde(deserialize_with = "lax::maybe_count")]
    replicas: Option<u32>,
    #[serde(rename = "dependsOn", deserialize_with = "lax::list")]
    depends_on: Vec<DependsOn>,
    #[serde(deserialize_with = "lax::object")]
    template: JobTemplate,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct DependsOn {
    #[serde(deserialize_with = "lax::text")]
    name: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct JobTemplate {
    #[serde(deserialize_with = "lax::object")]
    spec: JobSpec,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct JobSpec {
    #[serde(deserialize_with = "lax::maybe_count")]
    parallelism: Option<u32>,
    #[serde(deserialize_with = "lax::maybe_count")]
    completions: Option<u32>,
    #[serde(deserialize_with = "lax::object")]
    template: Template,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Status {
    #[serde(deserialize_with = "lax::list")]
    replicated_jobs_status: Vec<Counters>,
    #[serde(deserialize_with = "lax::list")]
    conditions: Vec<Condition>,
    #[serde(deserialize_with = "lax::count")]
    restarts: u32,
}

/// Counts of Jobs; a TrainJob's status has the same.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Counters {
    #[serde(deserialize_with = "lax::text")]
    pub name: String,
    #[serde(deserialize_with = "lax::count")]
    pub ready: u32,
    #[serde(deserialize_with = "lax::count")]
    pub succeeded: u32,
    #[serde(deserialize_with = "lax::count")]
    pub failed: u32,
    #[serde(deserialize_with = "lax::count")]
    pub active: u32,
    #[serde(deserialize_with = "lax::count")]
    pub suspended: u32,
}

impl Counters {
    /// Puts the counts into the role of this name, or a new one.
    pub fn fill(&self, row: &mut JobRow, names: &mut Names) {
        let known = row.roles.iter().position(|role| *role.name == *self.name);
        let at = known.unwrap_or_else(|| {
            row.roles.push(RoleRow {
                name: names.get(&self.name),
                ..RoleRow::default()
            });
            row.roles.len() - 1
        });
        let role = &mut row.roles[at];
        role.active = self.active;
        role.ready = self.ready;
        role.succeeded = self.succeeded;
        role.failed = self.failed;
    }
}

/// Whether Jobs run, from the counts of all roles.
pub fn activity(row: &JobRow) -> Activity {
    let any = |of: fn(&RoleRow) -> u32| row.roles.iter().any(|role| of(role) > 0);
    match any(|role| role.active) && any(|role| role.ready) {
        true => Activity::Running,
        false => Activity::Waiting,
    }
}

/// The label selector of a JobSet's pods.
pub fn selector(name: &str) -> Box<str> {
    format!("jobset.sigs.k8s.io/jobset-name={name}").into()
}

impl Workload for This {
    const FACTS: &'static Facts = &Facts::new(
        "jobset.x-k8s.io",
        &["v1", "v1beta1", "v1alpha2"],
        "JobSet",
        "jobsets",
        "JobSet",
    )
    .of_children()
    .letters("JSet");
    type Spec = Spec;
    type Status = Status;

    fn fill(spec: Spec, status: Status, row: &mut JobRow, names: &mut Names) {
        let mut pods = 0u32;
        let in_order = spec.startup_policy.startup_policy_order == "InOrder";
        for (at, job) in spec.replicated_jobs.iter().enumerate() {
            let of = &job.template.spec;
            let parallelism = of.parallelism.unwrap_or(1);
            let at_once = of.completions.map_or(parallelism, |n| n.min(parallelism));
            let pod = &of.template.spec;
            let wanted = job.replicas.unwrap_or(1);
            row.roles.push(RoleRow {
                name: names.get(&job.name),
                wanted,
                each: at_once,
                after: match (job.depends_on.last(), at.checked_sub(1)) {
                    (Some(other), _) => named(names, &other.name),
                    (None, Some(before)) if in_order => {
                        named(names, &spec.replicated_jobs[before].name)
                    }
                    _ => None,
                },
                devices: pod.devices(names).times(at_once),
                beside: pod.beside(),
                ..RoleRow::default()
            });
            pods = pods.saturating_add(wanted.saturating_mul(at_once));
            if at == 0 {
                row.image = named(names, pod.image());
                row.priority = pod.priority;
                let class = row.priority_class.take();
                row.priority_class = class.or_else(|| named(names, &pod.priority_class_name));
            }
        }
        for counters in &status.replicated_jobs_status {
            counters.fill(row, names);
        }
        let sum = |of: fn(&RoleRow) -> u32| row.roles.iter().map(of).fold(0, u32::saturating_add);
        row.unit = Unit::Jobs;
        row.completions = Some(sum(|role| role.wanted));
        row.succeeded = sum(|role| role.succeeded);
        row.parallelism = pods;
        row.suspend = spec.suspend;
        row.managed_by = named(names, &spec.managed_by);
        row.policy.terms = spec.terms();
        row.policy.ttl_seconds = spec.ttl_seconds_after_finished;
        row.restarts = status.restarts;
        row.conditions = conditions(
            status.conditions,
            &[
                ("Completed", "Complete"),
                ("RestartingJobSet", "Restarting"),
            ],
            names,
        );
        row.activity = match is(row, "Restarting") {
            true => Activity::Restarting,
            false => activity(row),
        };
        row.started = began(row);
        row.selectors.push(selector(&row.name));
    }

    fn replica(pod: &Meta, index: Option<u32>, names: &mut Names) -> Option<Replica> {
        let role = pod.label("jobset.sigs.k8s.io/replicatedjob-name")?;
        Some(Replica {
            role: names.get(role),
            number: number(pod, "jobset.sigs.k8s.io/job-index"),
            within: index.unwrap_or(0),
        })
    }
}
