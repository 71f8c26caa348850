//! WorkloadPriorityClass: who goes first. Its fields stand beside its metadata, not in a spec.

use serde::Deserialize;

use super::super::meta::Meta;
use super::super::{Wire, lax};
use crate::model::delta::{Change, Rows};
use crate::model::ids::{ClusterId, Names};
use crate::model::kueue::{PriorityClassRow, QueueRows};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct WorkloadPriorityClass {
    #[serde(deserialize_with = "lax::object")]
    metadata: Meta,
    #[serde(deserialize_with = "lax::maybe_int")]
    value: Option<i32>,
    #[serde(deserialize_with = "lax::text")]
    description: String,
}

impl Wire for WorkloadPriorityClass {
    type Row = PriorityClassRow;

    fn meta(&self) -> &Meta {
        &self.metadata
    }

    fn row(self, cluster: ClusterId, names: &mut Names) -> PriorityClassRow {
        PriorityClassRow {
            key: self.metadata.key(cluster),
            name: names.get(&self.metadata.name),
            value: self.value.unwrap_or_default(),
            description: self.description.into(),
        }
    }

    fn rows(change: Change<PriorityClassRow>) -> Rows {
        Rows::Queues(QueueRows::PriorityClasses(change))
    }
}
