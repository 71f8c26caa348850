//! MultiKueueConfig: the clusters an admission check sends workloads to, in order.

use serde::Deserialize;

use super::super::meta::Meta;
use super::super::{Wire, lax};
use super::all_named;
use crate::model::delta::{Change, Rows};
use crate::model::ids::{ClusterId, Names};
use crate::model::kueue::{QueueRows, WorkerConfigRow};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct MultiKueueConfig {
    #[serde(deserialize_with = "lax::object")]
    metadata: Meta,
    #[serde(deserialize_with = "lax::object")]
    spec: Spec,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Spec {
    #[serde(deserialize_with = "lax::texts")]
    clusters: Vec<String>,
}

impl Wire for MultiKueueConfig {
    type Row = WorkerConfigRow;

    fn meta(&self) -> &Meta {
        &self.metadata
    }

    fn row(self, cluster: ClusterId, names: &mut Names) -> WorkerConfigRow {
        WorkerConfigRow {
            key: self.metadata.key(cluster),
            name: names.get(&self.metadata.name),
            clusters: all_named(&self.spec.clusters, names),
        }
    }

    fn rows(change: Change<WorkerConfigRow>) -> Rows {
        Rows::Queues(QueueRows::WorkerConfigs(change))
    }
}
