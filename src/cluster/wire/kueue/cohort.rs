//! Cohort: cluster queues, and cohorts, that lend each other quota.

use serde::Deserialize;

use super::super::meta::{Meta, named};
use super::super::{Object, Wire, lax};
use super::either;
use super::quota::{Fair, Group, Share, groups};
use crate::model::delta::{Change, Rows};
use crate::model::ids::{ClusterId, Names};
use crate::model::kueue::QueueRows;
use crate::model::kueue::queue::CohortRow;

pub type Cohort = Object<Spec, Status>;

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Spec {
    #[serde(deserialize_with = "lax::text")]
    parent_name: String,
    /// v1alpha1
    #[serde(deserialize_with = "lax::text")]
    parent: String,
    #[serde(deserialize_with = "lax::list")]
    resource_groups: Vec<Group>,
    #[serde(deserialize_with = "lax::object")]
    fair_sharing: Fair,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Status {
    #[serde(deserialize_with = "lax::object")]
    fair_sharing: Share,
}

impl Wire for Cohort {
    type Row = CohortRow;

    fn meta(&self) -> &Meta {
        &self.metadata
    }

    fn row(self, cluster: ClusterId, names: &mut Names) -> CohortRow {
        let Self {
            metadata,
            spec,
            status,
        } = self;
        CohortRow {
            key: metadata.key(cluster),
            name: names.get(&metadata.name),
            created: metadata.creation_timestamp,
            deleting: metadata.is_deleting(),
            parent: named(names, either(&spec.parent_name, &spec.parent)),
            groups: groups(spec.resource_groups, names),
            weight: spec.fair_sharing.weight(),
            share: status.fair_sharing.weighted_share,
        }
    }

    fn rows(change: Change<CohortRow>) -> Rows {
        Rows::Queues(QueueRows::Cohorts(change))
    }
}
