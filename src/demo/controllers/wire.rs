//! What controllers decode of stored objects: only the fields that decide something, tolerant of all others.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::store::Object;

/// The finalizer that says "the Job controller has not counted this pod yet".
pub const TRACKING: &str = "batch.kubernetes.io/job-tracking";
/// Annotation and label of an indexed pod.
pub const INDEX: &str = "batch.kubernetes.io/job-completion-index";
/// Failures of the index before this pod.
pub const INDEX_FAILURES: &str = "batch.kubernetes.io/job-index-failure-count";
/// Failures of the index before this pod that a policy ignored.
pub const INDEX_IGNORED: &str = "batch.kubernetes.io/job-index-ignored-failure-count";

/// `null` is as good as absent.
fn lenient<'de, D, T>(d: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::<T>::deserialize(d)?.unwrap_or_default())
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Meta {
    pub generation: i64,
    #[serde(deserialize_with = "lenient")]
    pub annotations: BTreeMap<String, String>,
    #[serde(deserialize_with = "lenient")]
    pub finalizers: Vec<String>,
    pub creation_timestamp: Option<DateTime<Utc>>,
    pub deletion_timestamp: Option<DateTime<Utc>>,
    pub deletion_grace_period_seconds: Option<i64>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Condition {
    #[serde(rename = "type")]
    pub kind: String,
    pub status: String,
    pub last_transition_time: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Terminated {
    pub exit_code: i64,
    pub finished_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct State {
    pub terminated: Option<Terminated>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ContainerStatus {
    pub name: String,
    pub restart_count: i64,
    pub state: State,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodSpec {
    pub node_name: String,
    pub scheduler_name: String,
    #[serde(deserialize_with = "lenient")]
    pub init_containers: Vec<Container>,
    #[serde(deserialize_with = "lenient")]
    pub containers: Vec<Container>,
    #[serde(deserialize_with = "lenient")]
    pub overhead: BTreeMap<String, String>,
    #[serde(deserialize_with = "lenient")]
    pub resource_claims: Vec<PodClaim>,
}

/// A claim that a pod names: an existing one, or one to be made from a template.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodClaim {
    pub name: String,
    pub resource_claim_name: Option<String>,
    pub resource_claim_template_name: Option<String>,
}

/// What a container uses of its pod's claims; without a request all of it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct UsedClaim {
    pub name: String,
    pub request: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Container {
    pub name: String,
    pub restart_policy: Option<String>,
    pub resources: Resources,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Resources {
    #[serde(deserialize_with = "lenient")]
    pub requests: BTreeMap<String, String>,
    #[serde(deserialize_with = "lenient")]
    pub limits: BTreeMap<String, String>,
    #[serde(deserialize_with = "lenient")]
    pub claims: Vec<UsedClaim>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodStatus {
    pub phase: String,
    #[serde(deserialize_with = "lenient")]
    pub conditions: Vec<Condition>,
    #[serde(deserialize_with = "lenient")]
    pub init_container_statuses: Vec<ContainerStatus>,
    #[serde(deserialize_with = "lenient")]
    pub container_statuses: Vec<ContainerStatus>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct PodWire {
    metadata: Meta,
    spec: PodSpec,
    status: PodStatus,
}

/// A pod as controllers see it.
#[derive(Debug, Clone)]
pub struct Pod {
    pub object: Arc<Object>,
    /// resourceVersion at which the pod was first seen: pods sort by age with it.
    pub born: u64,
    pub meta: Meta,
    pub spec: PodSpec,
    pub status: PodStatus,
}

impl Pod {
    pub fn new(object: &Arc<Object>, born: Option<u64>) -> Self {
        let wire: PodWire = object.read();
        Self {
            object: object.clone(),
            born: born.unwrap_or(object.rv),
            meta: wire.metadata,
            spec: wire.spec,
            status: wire.status,
        }
    }

    pub fn uid(&self) -> &str {
        &self.object.uid
    }

    pub fn name(&self) -> &str {
        &self.object.name
    }

    pub fn namespace(&self) -> &str {
        &self.object.namespace
    }

    pub fn key(&self) -> (String, String) {
        (self.object.namespace.clone(), self.object.name.clone())
    }

    pub fn succeeded(&self) -> bool {
        self.status.phase == "Succeeded"
    }

    pub fn failed(&self) -> bool {
        self.status.phase == "Failed"
    }

    /// Succeeded or Failed.
    pub fn terminal(&self) -> bool {
        self.succeeded() || self.failed()
    }

    pub fn deleting(&self) -> bool {
        self.meta.deletion_timestamp.is_some()
    }

    pub fn active(&self) -> bool {
        !self.terminal() && !self.deleting()
    }

    pub fn terminating(&self) -> bool {
        !self.terminal() && self.deleting()
    }

    pub fn tracked(&self) -> bool {
        self.meta.finalizers.iter().any(|f| f == TRACKING)
    }

    pub fn condition(&self, kind: &str) -> Option<&Condition> {
        self.status.conditions.iter().find(|c| c.kind == kind)
    }

    pub fn ready(&self) -> bool {
        self.condition("Ready").is_some_and(|c| c.status == "True")
    }

    /// The completion index, if the pod has a valid one.
    pub fn index(&self) -> Option<u32> {
        self.meta.annotations.get(INDEX)?.parse().ok()
    }

    fn count(&self, annotation: &str) -> u32 {
        let text = self.meta.annotations.get(annotation);
        text.and_then(|t| t.parse::<i32>().ok())
            .and_then(|n| u32::try_from(n).ok())
            .unwrap_or(0)
    }

    /// Counted failures of the index before this pod.
    pub fn index_failures(&self) -> u32 {
        self.count(INDEX_FAILURES)
    }

    /// Ignored failures of the index before this pod.
    pub fn index_ignored(&self) -> u32 {
        self.count(INDEX_IGNORED)
    }

    pub fn restarts(&self) -> i64 {
        let s = &self.status;
        let all = s
            .init_container_statuses
            .iter()
            .chain(&s.container_statuses);
        all.map(|c| c.restart_count).sum()
    }

    /// When the pod came to its end, by the best evidence there is.
    pub fn finished_at(&self) -> DateTime<Utc> {
        self.containers_finished_at()
            .or_else(|| {
                let ready = self.condition("Ready").filter(|c| c.status == "False");
                ready.and_then(|c| c.last_transition_time)
            })
            .or_else(|| {
                let grace = self.meta.deletion_grace_period_seconds.unwrap_or(0);
                self.meta
                    .deletion_timestamp
                    .map(|t| t - chrono::TimeDelta::seconds(grace))
            })
            .or(self.meta.creation_timestamp)
            .unwrap_or(DateTime::UNIX_EPOCH)
    }

    fn containers_finished_at(&self) -> Option<DateTime<Utc>> {
        let sidecar = |name: &str| {
            let mut all = self.spec.init_containers.iter();
            all.any(|c| c.name == name && c.restart_policy.as_deref() == Some("Always"))
        };
        let s = &self.status;
        let sidecars = s
            .init_container_statuses
            .iter()
            .filter(|c| sidecar(&c.name));
        let mut last = None;
        for status in s.container_statuses.iter().chain(sidecars) {
            let at = status.state.terminated.as_ref()?.finished_at?;
            last = last.max(Some(at));
        }
        last
    }
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExitCodes {
    pub container_name: Option<String>,
    pub operator: String,
    #[serde(deserialize_with = "lenient")]
    pub values: Vec<i64>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct FailureRule {
    pub action: String,
    pub on_exit_codes: Option<ExitCodes>,
    #[serde(deserialize_with = "lenient")]
    pub on_pod_conditions: Vec<Condition>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SuccessRule {
    pub succeeded_indexes: Option<String>,
    pub succeeded_count: Option<u32>,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Policy<R> {
    pub rules: Vec<R>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Selector {
    #[serde(deserialize_with = "lenient")]
    pub match_labels: BTreeMap<String, String>,
    #[serde(deserialize_with = "lenient")]
    pub match_expressions: Vec<Requirement>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Requirement {
    pub key: String,
    pub operator: String,
    #[serde(deserialize_with = "lenient")]
    pub values: Vec<String>,
}

impl Requirement {
    /// Does a set of labels meet it? (`Gt` and `Lt` are for node labels.)
    pub fn holds(&self, labels: &BTreeMap<String, String>) -> bool {
        let value = labels.get(&self.key);
        let number = |s: &String| s.parse::<i64>().ok();
        let bound = self.values.first().and_then(number);
        match self.operator.as_str() {
            "In" => value.is_some_and(|v| self.values.contains(v)),
            "NotIn" => value.is_none_or(|v| !self.values.contains(v)),
            "Exists" => value.is_some(),
            "DoesNotExist" => value.is_none(),
            "Gt" => value
                .and_then(number)
                .zip(bound)
                .is_some_and(|(v, b)| v > b),
            "Lt" => value
                .and_then(number)
                .zip(bound)
                .is_some_and(|(v, b)| v < b),
            _ => false,
        }
    }
}

impl Selector {
    /// An empty selector selects nothing here: a Job's is never empty.
    pub fn selects(&self, labels: &BTreeMap<String, String>) -> bool {
        if self.match_labels.is_empty() && self.match_expressions.is_empty() {
            return false;
        }
        self.match_labels
            .iter()
            .all(|(k, v)| labels.get(k) == Some(v))
            && self.match_expressions.iter().all(|r| r.holds(labels))
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct JobSpec {
    pub parallelism: Option<u32>,
    pub completions: Option<u32>,
    pub completion_mode: Option<String>,
    pub backoff_limit: Option<i64>,
    pub backoff_limit_per_index: Option<u32>,
    pub max_failed_indexes: Option<usize>,
    pub pod_failure_policy: Option<Policy<FailureRule>>,
    pub success_policy: Option<Policy<SuccessRule>>,
    pub suspend: Option<bool>,
    pub active_deadline_seconds: Option<u64>,
    pub ttl_seconds_after_finished: Option<u64>,
    pub pod_replacement_policy: Option<String>,
    pub managed_by: Option<String>,
    pub selector: Selector,
    pub template: Value,
}

/// `status.conditions[]` of a Job, written as the real controller writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobCondition {
    #[serde(rename = "type")]
    pub kind: String,
    pub status: String,
    #[serde(default)]
    pub last_probe_time: Option<String>,
    #[serde(default)]
    pub last_transition_time: Option<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Uncounted {
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "lenient")]
    pub succeeded: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "lenient")]
    pub failed: Vec<String>,
}

fn zero(n: &u32) -> bool {
    *n == 0
}

/// `status` of a Job: absent where the real one leaves a field out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct JobStatus {
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "lenient")]
    pub conditions: Vec<JobCondition>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completion_time: Option<String>,
    #[serde(skip_serializing_if = "zero")]
    pub active: u32,
    #[serde(skip_serializing_if = "zero")]
    pub succeeded: u32,
    #[serde(skip_serializing_if = "zero")]
    pub failed: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub terminating: Option<u32>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub completed_indexes: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed_indexes: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uncounted_terminated_pods: Option<Uncounted>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ready: Option<u32>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct JobWire {
    metadata: Meta,
    spec: JobSpec,
    status: JobStatus,
}

/// A Job as controllers see it.
#[derive(Debug, Clone)]
pub struct Job {
    pub object: Arc<Object>,
    pub meta: Meta,
    pub spec: JobSpec,
    pub status: JobStatus,
}

impl Job {
    pub fn new(object: &Arc<Object>) -> Self {
        let wire: JobWire = object.read();
        Self {
            object: object.clone(),
            meta: wire.metadata,
            spec: wire.spec,
            status: wire.status,
        }
    }

    pub fn key(&self) -> (String, String) {
        (self.object.namespace.clone(), self.object.name.clone())
    }

    pub fn indexed(&self) -> bool {
        self.spec.completion_mode.as_deref() == Some("Indexed")
    }

    pub fn suspended(&self) -> bool {
        self.spec.suspend == Some(true)
    }

    /// The condition that ended it: `Complete` or `Failed`.
    pub fn finished(&self) -> Option<&JobCondition> {
        let mut all = self.status.conditions.iter();
        all.find(|c| (c.kind == "Complete" || c.kind == "Failed") && c.status == "True")
    }

    /// Another controller has taken it over (`spec.managedBy`).
    pub fn managed_elsewhere(&self) -> bool {
        let by = self.spec.managed_by.as_deref();
        by.is_some_and(|by| by != "kubernetes.io/job-controller")
    }

    pub fn restart_policy(&self) -> &str {
        let policy = &self.spec.template["spec"]["restartPolicy"];
        policy.as_str().unwrap_or("Never")
    }
}
