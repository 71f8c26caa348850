//! Queue of Volcano: another scheduler's queue, listed with its counts where it is installed.

use serde::Deserialize;

use super::super::meta::Meta;
use super::super::{Wire, lax};
use super::amounts;
use crate::model::delta::{Change, Rows};
use crate::model::ids::{ClusterId, Names};
use crate::model::kueue::others::Groups;
use crate::model::kueue::{QueueRows, VolcanoQueueRow};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct VolcanoQueue {
    #[serde(deserialize_with = "lax::object")]
    metadata: Meta,
    #[serde(deserialize_with = "lax::object")]
    spec: Spec,
    #[serde(deserialize_with = "lax::object")]
    status: Status,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Spec {
    #[serde(deserialize_with = "lax::maybe_int")]
    weight: Option<i32>,
    #[serde(deserialize_with = "lax::text")]
    parent: String,
    /// Absent is true.
    #[serde(deserialize_with = "lax::maybe_flag")]
    reclaimable: Option<bool>,
    #[serde(deserialize_with = "lax::pairs")]
    capability: Vec<(lax::Text, lax::Text)>,
    #[serde(deserialize_with = "lax::pairs")]
    deserved: Vec<(lax::Text, lax::Text)>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Status {
    #[serde(deserialize_with = "lax::text")]
    state: String,
    #[serde(deserialize_with = "lax::pairs")]
    allocated: Vec<(lax::Text, lax::Text)>,
    #[serde(deserialize_with = "lax::maybe_int")]
    pending: Option<i32>,
    #[serde(deserialize_with = "lax::maybe_int")]
    inqueue: Option<i32>,
    #[serde(deserialize_with = "lax::maybe_int")]
    running: Option<i32>,
    #[serde(deserialize_with = "lax::maybe_int")]
    unknown: Option<i32>,
    #[serde(deserialize_with = "lax::maybe_int")]
    completed: Option<i32>,
}

impl Status {
    fn groups(&self) -> Option<Groups> {
        let all = [
            self.pending,
            self.inqueue,
            self.running,
            self.unknown,
            self.completed,
        ];
        all.iter().any(Option::is_some).then(|| {
            let [pending, inqueue, running, unknown, completed] =
                all.map(|n| u32::try_from(n.unwrap_or_default()).unwrap_or_default());
            Groups {
                pending,
                inqueue,
                running,
                unknown,
                completed,
            }
        })
    }
}

impl Wire for VolcanoQueue {
    type Row = VolcanoQueueRow;

    fn meta(&self) -> &Meta {
        &self.metadata
    }

    fn row(self, cluster: ClusterId, names: &mut Names) -> VolcanoQueueRow {
        let Self {
            metadata,
            spec,
            status,
        } = self;
        VolcanoQueueRow {
            key: metadata.key(cluster),
            name: names.get(&metadata.name),
            parent: Some(names.get(&spec.parent)).filter(|name| !name.is_empty()),
            state: names.get(&status.state),
            weight: spec.weight,
            reclaimable: spec.reclaimable.unwrap_or(true),
            capability: amounts(&spec.capability, names),
            deserved: amounts(&spec.deserved, names),
            groups: status.groups(),
            allocated: amounts(&status.allocated, names),
        }
    }

    fn rows(change: Change<VolcanoQueueRow>) -> Rows {
        Rows::Queues(QueueRows::VolcanoQueues(change))
    }
}
