//! v1 Pod: the kind there are a hundred thousand of, so nothing is decoded that no row needs.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::lax::{self, Text};
use super::meta::{Condition, Meta, named};
use super::placement::{Affinity, Placement, Toleration};
use super::template::{Container, Resources};
use super::{Object, Wire};
use crate::model::delta::{Change, Rows};
use crate::model::groups;
use crate::model::ids::{ClusterId, Name, Names, Uid};
use crate::model::job::JobKind;
use crate::model::pod::{Common, Exit, Given, GivenDevice, Health, Member, PodPhase, PodRow};
use crate::model::pod_status::{ContainerView, PodView, State as StateView, phase, shown};
use crate::model::progress::may_be_workload;
use crate::model::shape::Shape;

pub type Pod = Object<Spec, Status>;

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Spec {
    #[serde(deserialize_with = "lax::text")]
    node_name: Text,
    #[serde(deserialize_with = "lax::list")]
    containers: Vec<Container>,
    #[serde(deserialize_with = "lax::list")]
    init_containers: Vec<Container>,
    #[serde(deserialize_with = "lax::list")]
    scheduling_gates: Vec<Gate>,
    #[serde(deserialize_with = "lax::text")]
    priority_class_name: Text,
    #[serde(deserialize_with = "lax::object")]
    resources: Resources,
    #[serde(deserialize_with = "lax::pairs")]
    overhead: Vec<(Text, Text)>,
    #[serde(deserialize_with = "lax::list")]
    tolerations: Vec<Toleration>,
    #[serde(deserialize_with = "lax::pairs")]
    node_selector: Vec<(Text, Text)>,
    #[serde(deserialize_with = "lax::object")]
    affinity: Affinity,
    #[serde(deserialize_with = "lax::length")]
    resource_claims: u32,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Gate {
    #[serde(deserialize_with = "lax::text")]
    name: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Status {
    #[serde(deserialize_with = "lax::text")]
    phase: Text,
    #[serde(deserialize_with = "lax::text")]
    reason: Text,
    #[serde(deserialize_with = "lax::text")]
    message: Text,
    #[serde(deserialize_with = "lax::time")]
    start_time: Option<DateTime<Utc>>,
    #[serde(deserialize_with = "lax::list")]
    conditions: Vec<Condition>,
    #[serde(deserialize_with = "lax::list")]
    container_statuses: Vec<ContainerStatus>,
    #[serde(deserialize_with = "lax::list")]
    init_container_statuses: Vec<ContainerStatus>,
    #[serde(deserialize_with = "lax::object")]
    extended_resource_claim_status: ByClaim,
}

/// Extended resources that a claim serves, made by the scheduler.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ByClaim {
    #[serde(deserialize_with = "lax::list")]
    request_mappings: Vec<Mapping>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Mapping {
    #[serde(deserialize_with = "lax::text")]
    resource_name: Text,
}

/// Devices of one resource of a container.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ResourceStatus {
    #[serde(deserialize_with = "lax::text")]
    name: Text,
    #[serde(deserialize_with = "lax::list")]
    resources: Vec<DeviceStatus>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct DeviceStatus {
    #[serde(rename = "resourceID", deserialize_with = "lax::text")]
    id: Text,
    #[serde(deserialize_with = "lax::text")]
    health: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ContainerStatus {
    #[serde(deserialize_with = "lax::text")]
    name: Text,
    #[serde(deserialize_with = "lax::flag")]
    ready: bool,
    #[serde(deserialize_with = "lax::flag")]
    started: bool,
    #[serde(deserialize_with = "lax::count")]
    restart_count: u32,
    #[serde(deserialize_with = "lax::object")]
    state: State,
    #[serde(deserialize_with = "lax::object")]
    last_state: State,
    #[serde(deserialize_with = "lax::list")]
    allocated_resources_status: Vec<ResourceStatus>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct State {
    #[serde(deserialize_with = "lax::maybe_object")]
    waiting: Option<Waiting>,
    #[serde(deserialize_with = "lax::maybe_object")]
    running: Option<Running>,
    #[serde(deserialize_with = "lax::maybe_object")]
    terminated: Option<Terminated>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Waiting {
    #[serde(deserialize_with = "lax::text")]
    reason: Text,
    #[serde(deserialize_with = "lax::text")]
    message: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Running {
    #[serde(deserialize_with = "lax::time")]
    started_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Terminated {
    #[serde(deserialize_with = "lax::maybe_int")]
    exit_code: Option<i32>,
    #[serde(deserialize_with = "lax::maybe_int")]
    signal: Option<i32>,
    #[serde(deserialize_with = "lax::text")]
    reason: Text,
    #[serde(deserialize_with = "lax::text")]
    message: Text,
    #[serde(deserialize_with = "lax::time")]
    started_at: Option<DateTime<Utc>>,
    #[serde(deserialize_with = "lax::time")]
    finished_at: Option<DateTime<Utc>>,
}

impl ContainerStatus {
    fn view(&self, sidecar: bool) -> ContainerView<'_> {
        ContainerView {
            name: &self.name,
            ready: self.ready,
            started: self.started,
            sidecar,
            restarts: self.restart_count,
            state: match &self.state {
                State {
                    terminated: Some(t),
                    ..
                } => StateView::Terminated {
                    code: t.exit_code.unwrap_or(0),
                    signal: t.signal.unwrap_or(0),
                    reason: &t.reason,
                },
                State {
                    waiting: Some(w), ..
                } => StateView::Waiting { reason: &w.reason },
                State {
                    running: Some(_), ..
                } => StateView::Running,
                _ => StateView::Unknown,
            },
        }
    }

    fn exit(&self, terminated: &Terminated, previous: bool, names: &mut Names) -> Exit {
        Exit {
            container: names.get(&self.name),
            code: terminated.exit_code.unwrap_or(0),
            signal: terminated.signal.unwrap_or(0),
            reason: names.get(&terminated.reason),
            message: (!terminated.message.is_empty()).then(|| terminated.message.as_str().into()),
            finished: terminated.finished_at,
            previous,
        }
    }
}

impl Status {
    fn condition(&self, kind: &str) -> Option<&Condition> {
        self.conditions.iter().find(|c| c.kind == kind)
    }

    fn is(&self, kind: &str) -> bool {
        self.condition(kind).is_some_and(|c| c.status == "True")
    }

    /// The termination that tells most: of the current instances before the previous ones, failures before
    /// successes, later before earlier.
    fn exit(&self, names: &mut Names) -> Option<Box<Exit>> {
        fn best<'a>(
            all: impl Iterator<Item = (&'a ContainerStatus, &'a Terminated)>,
        ) -> Option<(&'a ContainerStatus, &'a Terminated)> {
            all.max_by_key(|(_, t)| (t.exit_code.unwrap_or(0) != 0, t.finished_at))
        }
        let all = &self.container_statuses;
        let now = best(
            all.iter()
                .filter_map(|c| Some((c, c.state.terminated.as_ref()?))),
        );
        if let Some((c, t)) = now {
            return Some(Box::new(c.exit(t, false, names)));
        }
        let (c, t) = best(
            all.iter()
                .filter_map(|c| Some((c, c.last_state.terminated.as_ref()?))),
        )?;
        Some(Box::new(c.exit(t, true, names)))
    }

    /// Why it does not run, or why it died at the pod's level, in one line.
    fn why(&self, gates: &[Gate], names: &mut Names) -> Option<Name> {
        if !self.message.is_empty() || matches!(phase(&self.phase), PodPhase::Failed) {
            return named(names, &self.message);
        }
        if let Some(scheduled) = self.condition("PodScheduled")
            && scheduled.status == "False"
        {
            if !gates.is_empty() {
                let held: Vec<&str> = gates.iter().map(|g| g.name.as_str()).collect();
                return Some(names.get(&format!("held by {}", held.join(", "))));
            }
            return Some(names.get(&join(&scheduled.reason, &scheduled.message)));
        }
        let waiting = |all: &[ContainerStatus]| {
            all.iter()
                .filter_map(|c| c.state.waiting.as_ref())
                .find(|w| {
                    !matches!(
                        w.reason.as_str(),
                        "" | "ContainerCreating" | "PodInitializing"
                    )
                })
                .map(|w| join(&w.reason, &w.message))
        };
        let said =
            waiting(&self.init_container_statuses).or_else(|| waiting(&self.container_statuses))?;
        Some(names.get(&said))
    }
}

impl Status {
    /// The devices its containers were given, each once.
    fn given(&self, names: &mut Names) -> Option<Box<Given>> {
        let mut all: Vec<GivenDevice> = Vec::new();
        let containers = self.init_container_statuses.iter();
        for of in containers
            .chain(&self.container_statuses)
            .flat_map(|c| &c.allocated_resources_status)
        {
            for device in &of.resources {
                // containers that share a claim name its devices each
                let known = |g: &GivenDevice| *g.id == *device.id && *g.resource == *of.name;
                if device.id.is_empty() || all.iter().any(known) {
                    continue;
                }
                all.push(GivenDevice {
                    resource: names.get(&of.name),
                    id: device.id.as_str().into(),
                    health: match device.health.as_str() {
                        "Healthy" => Health::Healthy,
                        "Unhealthy" => Health::Unhealthy,
                        _ => Health::Unknown,
                    },
                });
            }
        }
        (!all.is_empty()).then(|| Box::new(Given(all.into())))
    }
}

fn join(reason: &str, message: &str) -> String {
    match (reason, message) {
        (reason, "") => reason.to_owned(),
        // the scheduler's messages say it themselves
        ("Unschedulable" | "", message) => message.to_owned(),
        (reason, message) => format!("{reason}: {message}"),
    }
}

/// All container names, main ones first, separated by commas (which no name can contain).
fn container_names(spec: &Spec, names: &mut Names) -> Name {
    if let ([only], []) = (spec.containers.as_slice(), spec.init_containers.as_slice()) {
        return names.get(&only.name);
    }
    let all: Vec<&str> = spec
        .containers
        .iter()
        .chain(&spec.init_containers)
        .map(|c| c.name.as_str())
        .collect();
    names.get(&all.join(","))
}

fn shape(spec: &Spec, status: &Status, names: &mut Names) -> Arc<Shape> {
    let placement = Placement {
        resources: &spec.resources,
        overhead: &spec.overhead,
        tolerations: &spec.tolerations,
        selector: &spec.node_selector,
        affinity: &spec.affinity,
        claims: spec.resource_claims,
    };
    let by_claim: Vec<Text> = (status
        .extended_resource_claim_status
        .request_mappings
        .iter())
    .map(|mapping| mapping.resource_name.clone())
    .collect();
    let main = spec.containers.iter().map(|c| &c.resources);
    let shape = placement.shape(main, &spec.init_containers, &by_claim, names);
    names.shape(shape)
}

/// What a pod belongs to by its labels; an owner that may be a workload goes before them.
fn member(
    meta: &Meta,
    owner: Option<&(Name, Name, Uid)>,
    cluster: ClusterId,
    names: &mut Names,
) -> Option<Box<Member>> {
    if owner.is_some_and(|(kind, ..)| may_be_workload(kind)) {
        return None;
    }
    let set = meta.label("leaderworkerset.sigs.k8s.io/name");
    let group = meta.label("kueue.x-k8s.io/pod-group-name");
    let queue = meta.label("kueue.x-k8s.io/queue-name");
    let named = |what: &str, name: &str| groups::named(cluster, what, &meta.namespace, name);
    let (key, kind, name) = match (set, group, queue) {
        (Some(set), ..) => (named("leaderworkersets", set), None, set),
        (None, Some(group), _) => (named("podgroups", group), Some(JobKind::POD_GROUP), group),
        // a pod some Deployment made is the Deployment's to show
        (None, None, Some(_)) if owner.is_none() => {
            (meta.key(cluster), Some(JobKind::POD), meta.name.as_str())
        }
        _ => return None,
    };
    let text = |names: &mut Names, text: Option<&str>| text.map(|text| names.get(text));
    Some(Box::new(Member {
        key,
        kind,
        name: names.get(name),
        total: meta.annotations.pod_group_total,
        queue: text(names, queue),
        class: text(names, meta.label("kueue.x-k8s.io/priority-class")),
    }))
}

impl Wire for Pod {
    type Row = PodRow;

    fn meta(&self) -> &Meta {
        &self.metadata
    }

    fn row(self, cluster: ClusterId, names: &mut Names) -> PodRow {
        let Object {
            metadata,
            spec,
            status,
        } = self;
        let is_sidecar = |name: &str| {
            spec.init_containers
                .iter()
                .any(|c| c.name == name && c.is_sidecar())
        };
        let view = PodView {
            phase: &status.phase,
            reason: &status.reason,
            deleting: metadata.is_deleting(),
            gated: status
                .condition("PodScheduled")
                .is_some_and(|c| c.reason == "SchedulingGated"),
            initialized: status.is("Initialized"),
            is_ready: status.is("Ready"),
            containers: spec.containers.len(),
            init_containers: spec.init_containers.len(),
            sidecars: spec
                .init_containers
                .iter()
                .filter(|c| c.is_sidecar())
                .count(),
            init: status
                .init_container_statuses
                .iter()
                .map(|c| c.view(is_sidecar(&c.name)))
                .collect(),
            main: status
                .container_statuses
                .iter()
                .map(|c| c.view(false))
                .collect(),
        };
        let columns = shown(&view);
        let phase = phase(&status.phase);
        let over = matches!(phase, PodPhase::Succeeded | PodPhase::Failed);
        let main = &status.container_statuses;
        let started = main
            .iter()
            .filter_map(|c| match (&c.state.running, &c.state.terminated) {
                (Some(r), _) => r.started_at,
                (None, Some(t)) => t.started_at,
                (None, None) => c.last_state.terminated.as_ref()?.started_at,
            })
            .min();
        let finished = main
            .iter()
            .filter_map(|c| c.state.terminated.as_ref()?.finished_at)
            .max()
            .filter(|_| over);
        let annotations = &metadata.annotations;
        let index = annotations.index.or_else(|| {
            metadata
                .label("batch.kubernetes.io/job-completion-index")
                .and_then(|text| text.parse().ok())
        });
        let owner = metadata.owner(names);
        let member = member(&metadata, owner.as_ref(), cluster, names);
        let common = Common {
            namespace: names.get(&metadata.namespace),
            owner,
            member,
            priority_class: named(names, &spec.priority_class_name),
            shape: shape(&spec, &status, names),
            container_names: container_names(&spec, names),
            status: names.get(&columns.status),
            phase,
            index_failures: annotations
                .index_failures
                .saturating_add(annotations.index_ignored_failures),
            ready: columns.ready,
            containers: columns.total,
            restarts: columns.restarts,
            deleting: view.deleting,
            is_ready: view.is_ready,
            disrupted: status
                .condition("DisruptionTarget")
                .filter(|c| c.status == "True")
                .map(|c| names.get(&c.reason)),
        };
        let common = names.common(common);
        PodRow {
            replica: super::kinds::replica(&metadata, index, names),
            key: metadata.key(cluster),
            common,
            name: metadata.name.as_str().into(),
            node: named(names, &spec.node_name),
            index: index.into(),
            exit: status.exit(names),
            why: status.why(&spec.scheduling_gates, names),
            created: metadata.creation_timestamp.into(),
            bound: status
                .condition("PodScheduled")
                .filter(|c| c.status == "True")
                .and_then(|c| c.last_transition_time)
                .or(status.start_time)
                .into(),
            given: status.given(names),
            started: started.or(status.start_time.filter(|_| over)).into(),
            finished: finished.into(),
        }
    }

    fn rows(change: Change<PodRow>) -> Rows {
        Rows::Pods(change)
    }
}
