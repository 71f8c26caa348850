//! batch/v1 Job.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::meta::{self, Condition, Meta, named};
use super::template::Template;
use super::{Object, Wire, lax};
use crate::model::delta::{Change, Rows};
use crate::model::ids::{ClusterId, Names};
use crate::model::indexset::IndexSet;
use crate::model::job::{JobRow, Policy};

pub type Job = Object<Spec, Status>;

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Spec {
    #[serde(deserialize_with = "lax::maybe_count")]
    parallelism: Option<u32>,
    #[serde(deserialize_with = "lax::maybe_count")]
    completions: Option<u32>,
    #[serde(deserialize_with = "lax::text")]
    completion_mode: String,
    #[serde(deserialize_with = "lax::flag")]
    suspend: bool,
    #[serde(deserialize_with = "lax::text")]
    managed_by: String,
    #[serde(deserialize_with = "lax::maybe_count")]
    backoff_limit: Option<u32>,
    #[serde(deserialize_with = "lax::maybe_count")]
    backoff_limit_per_index: Option<u32>,
    #[serde(deserialize_with = "lax::maybe_count")]
    max_failed_indexes: Option<u32>,
    #[serde(deserialize_with = "lax::maybe_seconds")]
    active_deadline_seconds: Option<u64>,
    #[serde(deserialize_with = "lax::maybe_seconds")]
    ttl_seconds_after_finished: Option<u64>,
    #[serde(deserialize_with = "lax::text")]
    pod_replacement_policy: String,
    #[serde(deserialize_with = "lax::object")]
    pod_failure_policy: FailurePolicy,
    #[serde(deserialize_with = "lax::object")]
    success_policy: SuccessPolicy,
    #[serde(deserialize_with = "lax::object")]
    template: Template,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct FailurePolicy {
    #[serde(deserialize_with = "lax::list")]
    rules: Vec<FailureRule>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct FailureRule {
    #[serde(deserialize_with = "lax::text")]
    action: String,
    #[serde(deserialize_with = "lax::maybe_object")]
    on_exit_codes: Option<OnExitCodes>,
    #[serde(deserialize_with = "lax::list")]
    on_pod_conditions: Vec<OnPodCondition>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct OnExitCodes {
    #[serde(deserialize_with = "lax::text")]
    container_name: String,
    #[serde(deserialize_with = "lax::text")]
    operator: String,
    #[serde(deserialize_with = "lax::numbers")]
    values: Vec<i64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct OnPodCondition {
    #[serde(rename = "type", deserialize_with = "lax::text")]
    kind: String,
    #[serde(deserialize_with = "lax::text")]
    status: String,
}

impl FailureRule {
    /// `FailJob on exit 42 in main`, `Ignore on DisruptionTarget`.
    fn sentence(&self) -> Box<str> {
        let mut on = Vec::new();
        if let Some(codes) = &self.on_exit_codes {
            let values: Vec<String> = codes.values.iter().map(i64::to_string).collect();
            let not = if codes.operator == "NotIn" {
                "other than "
            } else {
                ""
            };
            let place = match codes.container_name.as_str() {
                "" => String::new(),
                name => format!(" in {name}"),
            };
            on.push(format!("exit {not}{}{place}", values.join(", ")));
        }
        for condition in &self.on_pod_conditions {
            on.push(match condition.status.as_str() {
                "" | "True" => condition.kind.clone(),
                status => format!("{}={status}", condition.kind),
            });
        }
        format!("{} on {}", self.action, on.join(" or ")).into()
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct SuccessPolicy {
    #[serde(deserialize_with = "lax::list")]
    rules: Vec<SuccessRule>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct SuccessRule {
    #[serde(deserialize_with = "lax::maybe_text")]
    succeeded_indexes: Option<String>,
    #[serde(deserialize_with = "lax::maybe_count")]
    succeeded_count: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Status {
    #[serde(deserialize_with = "lax::count")]
    active: u32,
    #[serde(deserialize_with = "lax::count")]
    ready: u32,
    #[serde(deserialize_with = "lax::count")]
    terminating: u32,
    #[serde(deserialize_with = "lax::count")]
    succeeded: u32,
    #[serde(deserialize_with = "lax::count")]
    failed: u32,
    #[serde(deserialize_with = "lax::object")]
    uncounted_terminated_pods: Uncounted,
    #[serde(deserialize_with = "lax::text")]
    completed_indexes: String,
    #[serde(deserialize_with = "lax::text")]
    failed_indexes: String,
    #[serde(deserialize_with = "lax::time")]
    start_time: Option<DateTime<Utc>>,
    #[serde(deserialize_with = "lax::time")]
    completion_time: Option<DateTime<Utc>>,
    #[serde(deserialize_with = "lax::list")]
    conditions: Vec<Condition>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Uncounted {
    #[serde(deserialize_with = "lax::length")]
    succeeded: u32,
    #[serde(deserialize_with = "lax::length")]
    failed: u32,
}

impl Wire for Job {
    type Row = JobRow;

    fn meta(&self) -> &Meta {
        &self.metadata
    }

    fn row(self, cluster: ClusterId, names: &mut Names) -> JobRow {
        let Object {
            metadata,
            spec,
            status,
        } = self;
        let pod = &spec.template.spec;
        let priority_class = match metadata.label("kueue.x-k8s.io/priority-class") {
            Some(class) => named(names, class),
            None => named(names, &pod.priority_class_name),
        };
        let completions = spec.completions;
        let (namespace, name) = (names.get(&metadata.namespace), names.get(&metadata.name));
        JobRow {
            api_version: names.get("batch/v1"),
            created: metadata.creation_timestamp,
            deleting: metadata.is_deleting(),
            owner: metadata.owner(names),
            labels: metadata.labels(names),
            parallelism: spec.parallelism.unwrap_or(1),
            completions,
            indexed: spec.completion_mode == "Indexed",
            suspend: spec.suspend,
            managed_by: named(names, &spec.managed_by),
            devices: pod.devices(names),
            beside: pod.beside(),
            queue: metadata
                .label("kueue.x-k8s.io/queue-name")
                .and_then(|queue| named(names, queue)),
            priority_class,
            priority: pod.priority,
            image: named(names, pod.image()),
            policy: names.policy(
                Policy {
                    backoff_limit: spec.backoff_limit,
                    backoff_limit_per_index: spec.backoff_limit_per_index,
                    max_failed_indexes: spec.max_failed_indexes,
                    active_deadline_seconds: spec.active_deadline_seconds,
                    ttl_seconds: spec.ttl_seconds_after_finished,
                    replace_failed_only: spec.pod_replacement_policy == "Failed",
                    restart_on_failure: pod.restart_policy == "OnFailure",
                    terms: Vec::new(),
                    failure_rules: spec
                        .pod_failure_policy
                        .rules
                        .iter()
                        .map(FailureRule::sentence)
                        .collect(),
                    success_rules: spec
                        .success_policy
                        .rules
                        .iter()
                        .map(|rule| {
                            let indexes = rule.succeeded_indexes.as_deref();
                            (
                                indexes.map(|text| IndexSet::parse(text, completions)),
                                rule.succeeded_count,
                            )
                        })
                        .collect(),
                }
                .into(),
            ),
            active: status.active,
            ready: status.ready,
            terminating: status.terminating,
            succeeded: status.succeeded,
            failed: status.failed,
            uncounted: (
                status.uncounted_terminated_pods.succeeded,
                status.uncounted_terminated_pods.failed,
            ),
            completed_indexes: IndexSet::parse(&status.completed_indexes, completions),
            failed_indexes: IndexSet::parse(&status.failed_indexes, completions),
            started: status.start_time,
            completed: status.completion_time,
            conditions: meta::conditions(status.conditions, names),
            ..JobRow::blank(metadata.key(cluster), namespace, name)
        }
    }

    fn rows(change: Change<JobRow>) -> Rows {
        Rows::Jobs(change)
    }
}
