//! AdmissionCheck: what else must agree before a workload starts, and who says so.

use serde::Deserialize;

use super::super::meta::{self, Condition, Meta};
use super::super::{Object, Wire, lax};
use crate::model::delta::{Change, Rows};
use crate::model::ids::{ClusterId, Names};
use crate::model::kueue::{CheckRow, QueueRows};

pub type AdmissionCheck = Object<Spec, Status>;

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Spec {
    #[serde(deserialize_with = "lax::text")]
    controller_name: String,
    #[serde(deserialize_with = "lax::object")]
    parameters: Parameters,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Parameters {
    #[serde(deserialize_with = "lax::text")]
    kind: String,
    #[serde(deserialize_with = "lax::text")]
    name: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Status {
    #[serde(deserialize_with = "lax::list")]
    conditions: Vec<Condition>,
}

impl Wire for AdmissionCheck {
    type Row = CheckRow;

    fn meta(&self) -> &Meta {
        &self.metadata
    }

    fn row(self, cluster: ClusterId, names: &mut Names) -> CheckRow {
        let Self {
            metadata,
            spec,
            status,
        } = self;
        let Parameters { kind, name } = &spec.parameters;
        CheckRow {
            key: metadata.key(cluster),
            name: names.get(&metadata.name),
            created: metadata.creation_timestamp,
            controller: names.get(&spec.controller_name),
            parameters: (!name.is_empty()).then(|| (names.get(kind), names.get(name))),
            conditions: meta::conditions(status.conditions, names),
        }
    }

    fn rows(change: Change<CheckRow>) -> Rows {
        Rows::Queues(QueueRows::Checks(change))
    }
}
