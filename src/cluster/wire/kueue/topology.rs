//! Topology: the levels a workload's pods can be kept together on.

use serde::Deserialize;

use super::super::meta::Meta;
use super::super::{Wire, lax};
use crate::model::delta::{Change, Rows};
use crate::model::ids::{ClusterId, Names};
use crate::model::kueue::{QueueRows, TopologyRow};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Topology {
    #[serde(deserialize_with = "lax::object")]
    metadata: Meta,
    #[serde(deserialize_with = "lax::object")]
    spec: Spec,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Spec {
    #[serde(deserialize_with = "lax::list")]
    levels: Vec<Level>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Level {
    #[serde(deserialize_with = "lax::text")]
    node_label: String,
}

impl Wire for Topology {
    type Row = TopologyRow;

    fn meta(&self) -> &Meta {
        &self.metadata
    }

    fn row(self, cluster: ClusterId, names: &mut Names) -> TopologyRow {
        let levels = self.spec.levels.iter();
        TopologyRow {
            key: self.metadata.key(cluster),
            name: names.get(&self.metadata.name),
            levels: levels.map(|level| names.get(&level.node_label)).collect(),
        }
    }

    fn rows(change: Change<TopologyRow>) -> Rows {
        Rows::Queues(QueueRows::Topologies(change))
    }
}
