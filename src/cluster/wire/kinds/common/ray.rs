//! What RayJob and RayCluster share: the spec of a cluster of one head and groups of workers.

use serde::Deserialize;

use crate::cluster::wire::lax;
use crate::cluster::wire::meta::named;
use crate::cluster::wire::template::Template;
use crate::model::ids::Names;
use crate::model::job::{JobRow, RoleRow};

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ClusterSpec {
    #[serde(deserialize_with = "lax::maybe_object")]
    head_group_spec: Option<Group>,
    #[serde(deserialize_with = "lax::list")]
    worker_group_specs: Vec<Group>,
    #[serde(deserialize_with = "lax::flag")]
    pub suspend: bool,
    #[serde(deserialize_with = "lax::text")]
    pub managed_by: String,
    #[serde(deserialize_with = "lax::flag")]
    enable_in_tree_autoscaling: bool,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Group {
    #[serde(deserialize_with = "lax::text")]
    group_name: String,
    #[serde(deserialize_with = "lax::maybe_count")]
    replicas: Option<u32>,
    #[serde(deserialize_with = "lax::maybe_count")]
    min_replicas: Option<u32>,
    #[serde(deserialize_with = "lax::maybe_count")]
    max_replicas: Option<u32>,
    #[serde(deserialize_with = "lax::maybe_count")]
    num_of_hosts: Option<u32>,
    #[serde(deserialize_with = "lax::flag")]
    suspend: bool,
    #[serde(deserialize_with = "lax::object")]
    template: Template,
}

impl ClusterSpec {
    /// How far its groups may grow, where something grows them.
    pub fn terms(&self) -> Vec<Box<str>> {
        let of = |group: &Group| {
            let most = group.max_replicas.map_or("…".into(), |n| n.to_string());
            let least = group.min_replicas.unwrap_or_default();
            format!("{} scales {least}–{most}", group.group_name).into()
        };
        let groups = self.worker_group_specs.iter();
        groups
            .filter(|_| self.enable_in_tree_autoscaling)
            .map(of)
            .collect()
    }

    /// One role for the head and one per group; `wanted` counts pods.
    pub fn fill(&self, row: &mut JobRow, names: &mut Names) {
        if let Some(head) = &self.head_group_spec {
            let pod = &head.template.spec;
            row.image = named(names, pod.image());
            row.priority = pod.priority;
            let class = row.priority_class.take();
            row.priority_class = class.or_else(|| named(names, &pod.priority_class_name));
            row.roles.push(RoleRow {
                name: names.get("head"),
                wanted: 1,
                devices: pod.devices(names),
                beside: pod.beside(),
                ..RoleRow::default()
            });
        }
        for group in &self.worker_group_specs {
            let hosts = group.num_of_hosts.unwrap_or(1).max(1);
            let replicas = match group.suspend {
                true => 0,
                false => group.replicas.unwrap_or(1),
            };
            row.roles.push(RoleRow {
                name: names.get(match group.group_name.as_str() {
                    "" => "worker",
                    name => name,
                }),
                wanted: replicas.saturating_mul(hosts),
                devices: group.template.spec.devices(names),
                beside: group.template.spec.beside(),
                ..RoleRow::default()
            });
        }
        let wanted = row.roles.iter().map(|role| role.wanted);
        row.parallelism = wanted.fold(0, u32::saturating_add);
    }
}
