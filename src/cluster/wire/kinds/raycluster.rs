//! ray.io RayCluster: a head and groups of workers that serve until they are deleted.

use serde::Deserialize;

use super::common::ray::ClusterSpec;
use super::{Workload, began, conditions, is, scalar, tell};
use crate::cluster::wire::lax;
use crate::cluster::wire::meta::{Condition, Meta, named};
use crate::model::ids::Names;
use crate::model::job::{Activity, Condition as ConditionRow, Facts, JobRow};
use crate::model::pod::Replica;

#[derive(Default)]
pub struct This;

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Status {
    /// `ready`, `suspended`, `failed`; deprecated, and all that old operators write.
    #[serde(deserialize_with = "lax::text")]
    state: String,
    #[serde(deserialize_with = "lax::text")]
    reason: String,
    #[serde(deserialize_with = "lax::maybe_count")]
    desired_worker_replicas: Option<u32>,
    #[serde(deserialize_with = "lax::count")]
    ready_worker_replicas: u32,
    #[serde(deserialize_with = "lax::count")]
    available_worker_replicas: u32,
    #[serde(deserialize_with = "lax::object")]
    head: Head,
    #[serde(deserialize_with = "lax::object")]
    endpoints: Endpoints,
    #[serde(deserialize_with = "lax::list")]
    conditions: Vec<Condition>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Head {
    #[serde(deserialize_with = "lax::text")]
    pod_name: String,
    #[serde(rename = "serviceName", deserialize_with = "lax::text")]
    service_name: String,
    #[serde(rename = "serviceIP", deserialize_with = "lax::text")]
    service_ip: String,
}

impl Head {
    /// Where the head's service answers; the pod's address is not for others.
    fn address(&self) -> &str {
        match self.service_name.as_str() {
            "" => &self.service_ip,
            name => name,
        }
    }
}

/// Ports by what they are for.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Endpoints {
    #[serde(deserialize_with = "scalar")]
    dashboard: String,
}

impl Workload for This {
    const FACTS: &'static Facts = &Facts::new(
        "ray.io",
        &["v1", "v1alpha1"],
        "RayCluster",
        "rayclusters",
        "Ray",
    )
    .serving();
    type Spec = ClusterSpec;
    type Status = Status;

    fn fill(spec: ClusterSpec, status: Status, row: &mut JobRow, names: &mut Names) {
        spec.fill(row, names);
        row.suspend = spec.suspend;
        row.managed_by = named(names, &spec.managed_by);
        row.policy.terms = spec.terms();
        tell(row, names, "state", &status.state);
        match (status.head.address(), status.endpoints.dashboard.as_str()) {
            ("", _) | (_, "") => {}
            (host, port) => tell(row, names, "dashboard", &format!("{host}:{port}")),
        }
        row.conditions = conditions(status.conditions, &[], names);
        let provisioned = is(row, "RayClusterProvisioned") || status.state == "ready";
        let head = u32::from(!status.head.pod_name.is_empty());
        let head_ready = u32::from(is(row, "HeadPodReady") || status.state == "ready");
        row.active = status.available_worker_replicas.saturating_add(head);
        row.ready = status.ready_worker_replicas.saturating_add(head_ready);
        if let Some(role) = row.roles.iter_mut().find(|role| &*role.name == "head") {
            (role.active, role.ready) = (head, head_ready);
        }
        // per group only where there is one
        if let [_, workers] = row.roles.as_mut_slice() {
            workers.active = status.available_worker_replicas;
            workers.ready = status.ready_worker_replicas;
        }
        let wanted = status
            .desired_worker_replicas
            .map_or(row.parallelism, |workers| workers.saturating_add(1));
        row.completions = Some(wanted);
        row.succeeded = row.ready.min(wanted);
        if status.state == "failed" {
            row.conditions.push(ConditionRow {
                kind: names.get("Failed"),
                on: true,
                reason: names.get("RayClusterFailed"),
                message: status.reason.as_str().into(),
                since: None,
            });
        }
        row.activity = match provisioned || row.ready > 0 {
            true => Activity::Running,
            false => Activity::Waiting,
        };
        row.started = began(row).filter(|_| head > 0);
        row.selectors
            .push(format!("ray.io/cluster={}", row.name).into());
    }

    /// Workers are not told apart: the pods of a group fill its places as they are.
    fn replica(pod: &Meta, _index: Option<u32>, names: &mut Names) -> Option<Replica> {
        let kind = pod.label("ray.io/node-type")?;
        let role = match kind {
            "head" => kind,
            _ => pod.label("ray.io/group").unwrap_or(kind),
        };
        Some(Replica {
            role: names.get(role),
            number: None,
            within: 0,
        })
    }
}
