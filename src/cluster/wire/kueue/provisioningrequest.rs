//! ProvisioningRequest of the cluster autoscaler: nodes asked for on behalf of a Workload.

use serde::Deserialize;

use super::super::meta::{self, Condition, Meta};
use super::super::{Object, Wire, lax};
use crate::model::delta::{Change, Rows};
use crate::model::ids::{ClusterId, Names, Uid};
use crate::model::kueue::{ProvisioningRow, QueueRows};

pub type ProvisioningRequest = Object<Spec, Status>;

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Spec {
    #[serde(deserialize_with = "lax::text")]
    provisioning_class_name: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Status {
    #[serde(deserialize_with = "lax::list")]
    conditions: Vec<Condition>,
}

impl Wire for ProvisioningRequest {
    type Row = ProvisioningRow;

    fn meta(&self) -> &Meta {
        &self.metadata
    }

    fn row(self, cluster: ClusterId, names: &mut Names) -> ProvisioningRow {
        let Self {
            metadata,
            spec,
            status,
        } = self;
        let owner = { metadata.owner_references.iter() }.find(|owner| owner.kind == "Workload");
        ProvisioningRow {
            key: metadata.key(cluster),
            namespace: names.get(&metadata.namespace),
            name: names.get(&metadata.name),
            created: metadata.creation_timestamp,
            owner: owner.map(|owner| (names.get(&owner.name), Uid::parse(&owner.uid))),
            class: names.get(&spec.provisioning_class_name),
            conditions: meta::conditions(status.conditions, names),
        }
    }

    fn rows(change: Change<ProvisioningRow>) -> Rows {
        Rows::Queues(QueueRows::Provisionings(change))
    }
}
