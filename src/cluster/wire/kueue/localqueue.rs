//! LocalQueue: a namespace's door to a cluster queue.

use serde::Deserialize;

use super::super::meta::{self, Condition, Meta};
use super::super::{Object, Wire, lax};
use super::quota::{FlavorUse, stop, uses};
use crate::model::delta::{Change, Rows};
use crate::model::ids::{ClusterId, Names};
use crate::model::kueue::QueueRows;
use crate::model::kueue::queue::LocalQueueRow;

pub type LocalQueue = Object<Spec, Status>;

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Spec {
    #[serde(deserialize_with = "lax::text")]
    cluster_queue: String,
    #[serde(deserialize_with = "lax::text")]
    stop_policy: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Status {
    #[serde(deserialize_with = "lax::list")]
    flavors_reservation: Vec<FlavorUse>,
    #[serde(deserialize_with = "lax::list")]
    flavors_usage: Vec<FlavorUse>,
    /// v1beta1
    #[serde(deserialize_with = "lax::list")]
    flavor_usage: Vec<FlavorUse>,
    #[serde(deserialize_with = "lax::count")]
    pending_workloads: u32,
    #[serde(deserialize_with = "lax::count")]
    reserving_workloads: u32,
    #[serde(deserialize_with = "lax::count")]
    admitted_workloads: u32,
    #[serde(deserialize_with = "lax::list")]
    conditions: Vec<Condition>,
}

impl Wire for LocalQueue {
    type Row = LocalQueueRow;

    fn meta(&self) -> &Meta {
        &self.metadata
    }

    fn row(self, cluster: ClusterId, names: &mut Names) -> LocalQueueRow {
        let Self {
            metadata,
            spec,
            status,
        } = self;
        let used = match status.flavors_usage.is_empty() {
            true => &status.flavor_usage,
            false => &status.flavors_usage,
        };
        LocalQueueRow {
            key: metadata.key(cluster),
            namespace: names.get(&metadata.namespace),
            name: names.get(&metadata.name),
            created: metadata.creation_timestamp,
            deleting: metadata.is_deleting(),
            cluster_queue: names.get(&spec.cluster_queue),
            stop: stop(&spec.stop_policy),
            reserved: uses(&status.flavors_reservation, names),
            used: uses(used, names),
            pending: status.pending_workloads,
            reserving: status.reserving_workloads,
            admitted: status.admitted_workloads,
            conditions: meta::conditions(status.conditions, names),
        }
    }

    fn rows(change: Change<LocalQueueRow>) -> Rows {
        Rows::Queues(QueueRows::LocalQueues(change))
    }
}
