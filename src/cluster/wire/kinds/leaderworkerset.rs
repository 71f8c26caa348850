//! leaderworkerset.x-k8s.io LeaderWorkerSet: groups of a leader and its workers that serve until they are deleted.
//! Its status counts groups; its pods belong to StatefulSets in between and are found by their label.

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
    #[serde(deserialize_with = "lax::maybe_count")]
    replicas: Option<u32>,
    #[serde(deserialize_with = "lax::object")]
    leader_worker_template: Templates,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Templates {
    #[serde(deserialize_with = "lax::maybe_object")]
    leader_template: Option<Template>,
    #[serde(deserialize_with = "lax::object")]
    worker_template: Template,
    #[serde(deserialize_with = "lax::maybe_count")]
    size: Option<u32>,
    #[serde(deserialize_with = "lax::text")]
    restart_policy: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Status {
    #[serde(deserialize_with = "lax::count")]
    replicas: u32,
    #[serde(deserialize_with = "lax::count")]
    ready_replicas: u32,
    #[serde(deserialize_with = "lax::list")]
    conditions: Vec<Condition>,
}

impl Workload for This {
    const FACTS: &'static Facts = &Facts::new(
        "leaderworkerset.x-k8s.io",
        &["v1"],
        "LeaderWorkerSet",
        "leaderworkersets",
        "LWS",
    )
    .by_label()
    .serving();
    type Spec = Spec;
    type Status = Status;

    fn fill(spec: Spec, status: Status, row: &mut JobRow, names: &mut Names) {
        let groups = spec.replicas.unwrap_or(1);
        let of = &spec.leader_worker_template;
        let size = of.size.unwrap_or(1).max(1);
        let worker = &of.worker_template.spec;
        let leader = of.leader_template.as_ref().map_or(worker, |t| &t.spec);
        row.image = named(names, leader.image());
        row.priority = leader.priority;
        let class = row.priority_class.take();
        row.priority_class = class.or_else(|| named(names, &leader.priority_class_name));
        row.roles.push(RoleRow {
            name: names.get("leader"),
            wanted: groups,
            active: status.replicas,
            ready: status.ready_replicas,
            devices: leader.devices(names),
            beside: leader.beside(),
            ..RoleRow::default()
        });
        if size > 1 {
            row.roles.push(RoleRow {
                name: names.get("worker"),
                wanted: groups,
                each: size - 1,
                active: status.replicas,
                ready: status.ready_replicas,
                devices: worker.devices(names).times(size - 1),
                beside: worker.beside(),
                ..RoleRow::default()
            });
        }
        if of.restart_policy == "RecreateGroupOnPodRestart" {
            let term = "a group begins again when a pod of it does";
            row.policy.terms.push(term.into());
        }
        row.unit = Unit::Groups;
        row.parallelism = groups.saturating_mul(size);
        row.completions = Some(groups);
        row.succeeded = status.ready_replicas.min(groups);
        row.active = status.replicas.saturating_mul(size);
        row.ready = status.ready_replicas.saturating_mul(size);
        // scaled to nothing is how these are held
        row.suspend = groups == 0;
        row.conditions = conditions(status.conditions, &[], names);
        row.activity = match is(row, "Available") || status.ready_replicas > 0 {
            true => Activity::Running,
            false => Activity::Waiting,
        };
        row.started = began(row);
        let selector = format!("leaderworkerset.sigs.k8s.io/name={}", row.name);
        row.selectors.push(selector.into());
    }

    fn replica(pod: &Meta, _index: Option<u32>, names: &mut Names) -> Option<Replica> {
        pod.label("leaderworkerset.sigs.k8s.io/name")?;
        let worker = number(pod, "leaderworkerset.sigs.k8s.io/worker-index").unwrap_or(0);
        Some(Replica {
            role: names.get(if worker == 0 { "leader" } else { "worker" }),
            number: number(pod, "leaderworkerset.sigs.k8s.io/group-index"),
            within: worker.saturating_sub(1),
        })
    }
}
