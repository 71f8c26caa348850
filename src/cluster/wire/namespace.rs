//! v1 Namespace.

use serde::Deserialize;

use super::meta::Meta;
use super::{Object, Wire, lax};
use crate::model::delta::{Change, Rows};
use crate::model::ids::{ClusterId, Names};
use crate::model::namespace::NamespaceRow;

pub type Namespace = Object<Spec, Status>;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Spec {}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Status {
    #[serde(deserialize_with = "lax::text")]
    phase: String,
}

impl Wire for Namespace {
    type Row = NamespaceRow;

    fn meta(&self) -> &Meta {
        &self.metadata
    }

    fn row(self, cluster: ClusterId, names: &mut Names) -> NamespaceRow {
        NamespaceRow {
            key: self.metadata.key(cluster),
            name: names.get(&self.metadata.name),
            terminating: self.status.phase == "Terminating" || self.metadata.is_deleting(),
        }
    }

    fn rows(change: Change<NamespaceRow>) -> Rows {
        Rows::Namespaces(change)
    }
}
