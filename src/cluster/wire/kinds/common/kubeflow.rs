//! The kubeflow.org job kinds: one shape, a map of replica types under a field named after the kind.

use std::fmt;
use std::marker::PhantomData;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

use super::super::{Workload, conditions, is, number, scalar};
use crate::cluster::wire::lax;
use crate::cluster::wire::meta::{Condition, Meta, named};
use crate::cluster::wire::template::Template;
use crate::model::ids::Names;
use crate::model::job::{Activity, Facts, JobRow, RoleRow};
use crate::model::pod::Replica;
use crate::model::resources::Devices;

/// What tells one of these kinds from the others.
pub trait Flavor: Default + Send + 'static {
    const FACTS: &'static Facts;
    /// Replica types whose `replicas` default to 0 instead of 1.
    const NONE_BY_DEFAULT: &'static [&'static str] = &[];

    /// Which replica a pod is; the labels are the same for all kinds of the training operator.
    fn replica(pod: &Meta, names: &mut Names) -> Option<Replica> {
        let role = pod.label("training.kubeflow.org/replica-type")?;
        Some(Replica {
            role: names.get(role),
            number: number(pod, "training.kubeflow.org/replica-index"),
            within: 0,
        })
    }

    /// Value of the label `training.kubeflow.org/operator-name` on its pods.
    fn operator(_api_version: &str) -> String {
        format!("{}-controller", Self::FACTS.kind.to_lowercase())
    }
}

/// A kind of this group.
#[derive(Default)]
pub struct Kubeflow<F>(PhantomData<F>);

#[derive(Default)]
pub struct Spec {
    replicas: Vec<(String, ReplicaSpec)>,
    policy: RunPolicy,
    elastic: Option<Elastic>,
    own: Own,
}

/// `elasticPolicy` of PyTorchJob and PaddleJob.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Elastic {
    #[serde(deserialize_with = "lax::maybe_count")]
    min_replicas: Option<u32>,
    #[serde(deserialize_with = "lax::maybe_count")]
    max_replicas: Option<u32>,
    #[serde(deserialize_with = "lax::maybe_count")]
    max_restarts: Option<u32>,
}

/// Plain fields some of the kinds have beside the run policy.
#[derive(Default)]
struct Own {
    /// `auto`, `gpu`, `cpu` or a number.
    processes: String,
    slots: Option<u32>,
    launcher_creation: String,
    launcher_works: bool,
    success: String,
    clean: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ReplicaSpec {
    #[serde(deserialize_with = "lax::maybe_count")]
    replicas: Option<u32>,
    #[serde(rename = "restartPolicy", deserialize_with = "lax::text")]
    restart_policy: String,
    #[serde(deserialize_with = "lax::object")]
    template: Template,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RunPolicy {
    #[serde(deserialize_with = "lax::text")]
    clean_pod_policy: String,
    #[serde(deserialize_with = "lax::flag")]
    suspend: bool,
    #[serde(deserialize_with = "lax::text")]
    managed_by: String,
    #[serde(deserialize_with = "lax::maybe_count")]
    backoff_limit: Option<u32>,
    #[serde(deserialize_with = "lax::maybe_seconds")]
    active_deadline_seconds: Option<u64>,
    #[serde(deserialize_with = "lax::maybe_seconds")]
    ttl_seconds_after_finished: Option<u64>,
    #[serde(deserialize_with = "lax::object")]
    scheduling_policy: SchedulingPolicy,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct SchedulingPolicy {
    #[serde(deserialize_with = "lax::maybe_count")]
    min_available: Option<u32>,
    #[serde(deserialize_with = "lax::text")]
    queue: String,
    #[serde(deserialize_with = "lax::text")]
    priority_class: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Status {
    #[serde(deserialize_with = "lax::entries")]
    replica_statuses: Vec<(String, Counters)>,
    #[serde(deserialize_with = "lax::time")]
    start_time: Option<DateTime<Utc>>,
    #[serde(deserialize_with = "lax::time")]
    completion_time: Option<DateTime<Utc>>,
    #[serde(deserialize_with = "lax::list")]
    conditions: Vec<Condition>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Counters {
    #[serde(deserialize_with = "lax::count")]
    active: u32,
    #[serde(deserialize_with = "lax::count")]
    succeeded: u32,
    #[serde(deserialize_with = "lax::count")]
    failed: u32,
}

/// By hand, because the field of the replica types has another name in each kind (`pytorchReplicaSpecs` …).
impl<'de> Deserialize<'de> for Spec {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        #[derive(Default, Deserialize)]
        #[serde(transparent)]
        struct Replicas(#[serde(deserialize_with = "lax::entries")] Vec<(String, ReplicaSpec)>);
        #[derive(Default, Deserialize)]
        #[serde(transparent)]
        struct Policy(#[serde(deserialize_with = "lax::object")] RunPolicy);
        #[derive(Default, Deserialize)]
        #[serde(transparent)]
        struct Stretch(#[serde(deserialize_with = "lax::maybe_object")] Option<Elastic>);
        #[derive(Default, Deserialize)]
        #[serde(transparent)]
        struct Text(#[serde(deserialize_with = "scalar")] String);
        #[derive(Default, Deserialize)]
        #[serde(transparent)]
        struct Count(#[serde(deserialize_with = "lax::maybe_count")] Option<u32>);
        #[derive(Default, Deserialize)]
        #[serde(transparent)]
        struct Flag(#[serde(deserialize_with = "lax::flag")] bool);
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = Spec;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a spec")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut a: A) -> Result<Spec, A::Error> {
                let mut spec = Spec::default();
                while let Some(key) = a.next_key::<String>()? {
                    let own = &mut spec.own;
                    match key.as_str() {
                        "runPolicy" => spec.policy = a.next_value::<Policy>()?.0,
                        "elasticPolicy" => spec.elastic = a.next_value::<Stretch>()?.0,
                        "nprocPerNode" => own.processes = a.next_value::<Text>()?.0,
                        "slotsPerWorker" => own.slots = a.next_value::<Count>()?.0,
                        "launcherCreationPolicy" => {
                            own.launcher_creation = a.next_value::<Text>()?.0;
                        }
                        "runLauncherAsWorker" => own.launcher_works = a.next_value::<Flag>()?.0,
                        "successPolicy" => own.success = a.next_value::<Text>()?.0,
                        // where MPIJob v1 has it, and pytorch-operator had it
                        "cleanPodPolicy" => own.clean = a.next_value::<Text>()?.0,
                        name if name.ends_with("ReplicaSpecs") => {
                            spec.replicas = a.next_value::<Replicas>()?.0;
                        }
                        _ => {
                            a.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(spec)
            }
        }
        d.deserialize_map(V)
    }
}

/// Who leads comes first, whatever order the server keeps maps in.
fn rank(role: &str) -> usize {
    let leaders = ["Launcher", "Master", "Chief", "PS", "Worker", "Evaluator"];
    let at = leaders.iter().position(|leader| *leader == role);
    at.unwrap_or(leaders.len())
}

/// The run policy in words, as far as it is set.
fn terms(spec: &Spec) -> Vec<Box<str>> {
    let mut all: Vec<String> = Vec::new();
    if let Some(elastic) = &spec.elastic {
        let most = elastic.max_replicas.map_or("…".into(), |n| n.to_string());
        let restarts = match elastic.max_restarts {
            Some(n) => format!(", {n} restarts"),
            None => String::new(),
        };
        let least = elastic.min_replicas.unwrap_or(1);
        all.push(format!("elastic {least}–{most} workers{restarts}"));
    }
    let own = &spec.own;
    match own.processes.as_str() {
        "" => {}
        n => all.push(format!("{n} processes per node")),
    }
    if let Some(n) = own.slots {
        all.push(format!("{n} slots per worker"));
    }
    if own.launcher_creation == "WaitForWorkersReady" {
        all.push("launcher waits for the workers".into());
    }
    if own.launcher_works {
        all.push("launcher works too".into());
    }
    if own.success == "AllWorkers" {
        all.push("done when all workers are".into());
    }
    if let Some(n) = spec.policy.scheduling_policy.min_available {
        all.push(format!("gang of {n}"));
    }
    let mut told: Vec<(&str, &str)> = (spec.replicas.iter())
        .filter(|(_, replica)| !replica.restart_policy.is_empty())
        .map(|(name, replica)| (name.as_str(), replica.restart_policy.as_str()))
        .collect();
    told.sort_by_key(|(name, _)| (rank(name), *name));
    match told.as_slice() {
        [] => {}
        [(_, one), rest @ ..] if rest.iter().all(|(_, other)| other == one) => {
            all.push(format!("restart {one}"));
        }
        several => {
            let of = |(name, policy): &(&str, &str)| format!("{name} {policy}");
            let of: Vec<String> = several.iter().map(of).collect();
            all.push(format!("restart {}", of.join(", ")));
        }
    }
    let clean = &spec.policy.clean_pod_policy;
    let clean = if clean.is_empty() { &own.clean } else { clean };
    match clean.as_str() {
        "All" => all.push("its pods go at its end".into()),
        "Running" => all.push("running pods go at its end".into()),
        "None" => all.push("its pods stay".into()),
        _ => {}
    }
    all.into_iter().map(Into::into).collect()
}

impl<F: Flavor> Workload for Kubeflow<F> {
    const FACTS: &'static Facts = F::FACTS;
    type Spec = Spec;
    type Status = Status;

    fn fill(spec: Spec, status: Status, row: &mut JobRow, names: &mut Names) {
        row.policy.terms = terms(&spec);
        let Spec {
            mut replicas,
            policy,
            ..
        } = spec;
        replicas.sort_by(|(a, _), (b, _)| (rank(a), a).cmp(&(rank(b), b)));
        for (name, replica) in &replicas {
            let default = u32::from(!F::NONE_BY_DEFAULT.contains(&name.as_str()));
            row.roles.push(RoleRow {
                name: names.get(name),
                wanted: replica.replicas.unwrap_or(default),
                devices: replica.template.spec.devices(names),
                beside: replica.template.spec.beside(),
                ..RoleRow::default()
            });
        }
        for (name, counters) in &status.replica_statuses {
            let known = row.roles.iter().position(|role| &*role.name == name);
            let at = known.unwrap_or_else(|| {
                // its spec went while its pods did not
                row.roles.push(RoleRow {
                    name: names.get(name),
                    devices: Devices::default(),
                    ..RoleRow::default()
                });
                row.roles.len() - 1
            });
            let role = &mut row.roles[at];
            role.active = counters.active;
            role.succeeded = counters.succeeded;
            role.failed = counters.failed;
        }
        let sum = |of: fn(&RoleRow) -> u32| row.roles.iter().map(of).fold(0, u32::saturating_add);
        (row.active, row.succeeded, row.failed) = (
            sum(|role| role.active),
            sum(|role| role.succeeded),
            sum(|role| role.failed),
        );
        row.parallelism = sum(|role| role.wanted);
        row.completions = Some(row.parallelism);
        let first = replicas.first().map(|(_, replica)| &replica.template.spec);
        if let Some(pod) = first {
            row.image = named(names, pod.image());
            row.priority = pod.priority;
        }
        let queue = &policy.scheduling_policy.queue;
        row.queue = row.queue.take().or_else(|| named(names, queue));
        let class = match policy.scheduling_policy.priority_class.as_str() {
            "" => first.map_or("", |pod| &pod.priority_class_name),
            class => class,
        };
        row.priority_class = row.priority_class.take().or_else(|| named(names, class));
        row.suspend = policy.suspend;
        row.managed_by = named(names, &policy.managed_by);
        row.policy.backoff_limit = policy.backoff_limit;
        row.policy.active_deadline_seconds = policy.active_deadline_seconds;
        row.policy.ttl_seconds = policy.ttl_seconds_after_finished;
        row.conditions = conditions(status.conditions, &[("Succeeded", "Complete")], names);
        row.activity = if is(row, "Restarting") {
            Activity::Restarting
        } else if is(row, "Running") {
            Activity::Running
        } else {
            Activity::Waiting
        };
        row.started = status.start_time;
        row.completed = status.completion_time;
        let selector = format!(
            "training.kubeflow.org/job-name={},training.kubeflow.org/operator-name={}",
            row.name,
            F::operator(&row.api_version)
        );
        row.selectors.push(selector.into());
    }

    fn replica(pod: &Meta, _index: Option<u32>, names: &mut Names) -> Option<Replica> {
        F::replica(pod, names)
    }
}
