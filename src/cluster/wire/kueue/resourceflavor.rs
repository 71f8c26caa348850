//! ResourceFlavor: which nodes a quota is of.

use serde::Deserialize;

use super::super::meta::{Meta, named};
use super::super::{Wire, lax};
use crate::model::delta::{Change, Rows};
use crate::model::ids::{ClusterId, Names};
use crate::model::kueue::{FlavorRow, QueueRows};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ResourceFlavor {
    #[serde(deserialize_with = "lax::object")]
    metadata: Meta,
    #[serde(deserialize_with = "lax::object")]
    spec: Spec,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Spec {
    #[serde(deserialize_with = "lax::pairs")]
    node_labels: Vec<(lax::Text, lax::Text)>,
    #[serde(deserialize_with = "lax::list")]
    node_taints: Vec<Taint>,
    #[serde(deserialize_with = "lax::list")]
    tolerations: Vec<Taint>,
    #[serde(deserialize_with = "lax::text")]
    topology_name: String,
}

/// A taint, or a toleration of one.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Taint {
    #[serde(deserialize_with = "lax::text")]
    key: String,
    #[serde(deserialize_with = "lax::text")]
    value: String,
    #[serde(deserialize_with = "lax::text")]
    effect: String,
    #[serde(deserialize_with = "lax::text")]
    operator: String,
    #[serde(deserialize_with = "lax::maybe_seconds")]
    toleration_seconds: Option<u64>,
}

impl Taint {
    /// As kubectl describes it.
    fn text(&self) -> String {
        let mut text = self.key.clone();
        for (sign, part) in [('=', &self.value), (':', &self.effect)] {
            if !part.is_empty() {
                text.push(sign);
                text.push_str(part);
            }
        }
        if self.operator == "Exists" && self.value.is_empty() {
            text.push_str(if text.is_empty() {
                "op=Exists"
            } else {
                " op=Exists"
            });
        }
        if let Some(seconds) = self.toleration_seconds {
            text.push_str(&format!(" for {seconds}s"));
        }
        text
    }
}

impl Wire for ResourceFlavor {
    type Row = FlavorRow;

    fn meta(&self) -> &Meta {
        &self.metadata
    }

    fn row(self, cluster: ClusterId, names: &mut Names) -> FlavorRow {
        let Self { metadata, spec } = self;
        let labels = spec.node_labels.iter();
        FlavorRow {
            key: metadata.key(cluster),
            name: names.get(&metadata.name),
            created: metadata.creation_timestamp,
            node_labels: labels.map(|(k, v)| (names.get(k), names.get(v))).collect(),
            node_taints: { spec.node_taints.iter() }
                .map(|taint| names.get(&taint.text()))
                .collect(),
            tolerations: { spec.tolerations.iter() }
                .map(|toleration| names.get(&toleration.text()))
                .collect(),
            topology: named(names, &spec.topology_name),
        }
    }

    fn rows(change: Change<FlavorRow>) -> Rows {
        Rows::Queues(QueueRows::Flavors(change))
    }
}
