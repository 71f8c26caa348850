//! Nodes as a table.

use std::borrow::Cow;

use chrono::{DateTime, Utc};

use super::{Listed, Parent, age_value, cluster_of, columns, since, text_value};
use crate::model::Model;
use crate::model::capacity::NodeUse;
use crate::model::extra::List;
use crate::model::filter::{Fields, Num, Vocabulary, Word};
use crate::model::ids::Name;
use crate::model::node::NodeRow;
use crate::model::sort::Value;
use crate::model::table::Table;

columns! {
    NodeColumn {
        Name "name" up,
        Cluster "cluster" up,
        Status "status" up,
        Product "product" up,
        Gpus "gpus" down,
        Used "used" down,
        Free "free" down,
        Pods "pods" down,
        Cpu "cpu" down,
        Memory "memory" down,
        Zone "zone" up,
        Version "version" up,
        Age "age" up,
    }
}

impl NodeRow {
    /// `ready`, `cordoned` or `not ready`, worst first.
    pub fn state(&self) -> &'static str {
        if !self.ready {
            "not ready"
        } else if self.cordoned {
            "cordoned"
        } else {
            "ready"
        }
    }

    /// Devices nobody holds, each resource apart; none on a node that takes no pods.
    pub fn free(&self, used: Option<&NodeUse>) -> crate::model::resources::Devices {
        if !self.ready || self.cordoned {
            return crate::model::resources::Devices::default();
        }
        let mut free = self.allocatable.clone();
        if let Some(used) = used {
            free.subtract(&used.devices);
        }
        free
    }
}

struct NodeFields<'a>(&'a NodeRow, Option<&'a NodeUse>, DateTime<Utc>, &'a Model);

impl Listed for NodeRow {
    type Column = NodeColumn;
    const VOCABULARY: Vocabulary = Vocabulary {
        words: &[
            Word::Name,
            Word::Cluster,
            Word::State,
            Word::Reason,
            Word::Product,
            Word::Zone,
            Word::Taint,
        ],
        numbers: &[
            Num::Gpu,
            Num::Used,
            Num::Free,
            Num::Pods,
            Num::Cpu,
            Num::Memory,
            Num::Age,
        ],
        labels: false,
        extra: Some(List::Nodes),
    };

    fn table(model: &Model) -> &Table<Self> {
        &model.nodes
    }

    fn namespace(&self) -> Option<&Name> {
        None
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn under(&self, parent: &Parent) -> bool {
        match parent {
            Parent::Any => true,
            Parent::Of(key) => *key == self.key,
            Parent::Node(cluster, name) => *cluster == self.key.cluster && *name == self.name,
            Parent::AnyOf(keys) => keys.iter().any(|key| self.under(&Parent::Of(*key))),
        }
    }

    fn fields<'a>(&'a self, model: &'a Model, now: DateTime<Utc>) -> impl Fields + 'a {
        NodeFields(self, model.capacity.of(self), now, model)
    }

    fn value<'a>(&'a self, column: NodeColumn, model: &'a Model, _: DateTime<Utc>) -> Value<'a> {
        let used = || model.capacity.of(self);
        match column {
            NodeColumn::Name => Value::Text(&self.name),
            NodeColumn::Cluster => text_value(cluster_of(model, self)),
            NodeColumn::Status => Value::Text(self.state()),
            NodeColumn::Product => text_value(self.product.as_deref()),
            NodeColumn::Gpus => Value::Int(self.allocatable.total().into()),
            NodeColumn::Used => Value::Int(used().map_or(0, |u| u.devices.total().into())),
            NodeColumn::Free => Value::Int(self.free(used()).total().into()),
            NodeColumn::Pods => Value::Int(used().map_or(0, |u| u.pods.into())),
            NodeColumn::Cpu => Value::of(Some(self.cpu_milli)),
            NodeColumn::Memory => Value::of(Some(self.memory)),
            NodeColumn::Zone => text_value(self.zone.as_deref()),
            NodeColumn::Version => Value::Text(&self.version),
            NodeColumn::Age => age_value(self.created),
            NodeColumn::Extra(at) => model.extras.value(List::Nodes, self.key, at),
        }
    }
}

impl Fields for NodeFields<'_> {
    fn texts(&self, see: &mut dyn FnMut(&str) -> bool) -> bool {
        let row = self.0;
        see(&row.name)
            || see(row.state())
            || row.product.as_deref().is_some_and(&mut *see)
            || row.zone.as_deref().is_some_and(&mut *see)
            || row.allocatable.0.iter().any(|(name, _)| see(name))
    }

    fn word(&self, word: Word) -> Option<Cow<'_, str>> {
        let row = self.0;
        let text = match word {
            Word::Name => &*row.name,
            Word::Cluster => cluster_of(self.3, row)?,
            Word::State => row.state(),
            Word::Reason => row.not_ready_reason.as_deref()?,
            Word::Product => row.product.as_deref()?,
            Word::Zone => row.zone.as_deref()?,
            _ => return None,
        };
        Some(text.into())
    }

    fn any_word(&self, word: Word, see: &mut dyn FnMut(&str) -> bool) -> bool {
        match word {
            Word::Taint => self.0.taints.iter().any(|taint| see(taint)),
            _ => self.word(word).is_some_and(|value| see(&value)),
        }
    }

    fn number(&self, num: Num) -> Option<f64> {
        let row = self.0;
        Some(match num {
            Num::Gpu => row.allocatable.total().into(),
            Num::Used => self.1.map_or(0, |u| u.devices.total()).into(),
            Num::Free => row.free(self.1).total().into(),
            Num::Pods => self.1.map_or(0, |u| u.pods).into(),
            Num::Cpu => row.cpu_milli as f64 / 1000.0,
            Num::Memory => row.memory as f64,
            Num::Age => since(row.created, self.2)?,
            _ => return None,
        })
    }
}
