//! Pods as a table.

use std::borrow::Cow;

use chrono::{DateTime, Utc};

use super::{Listed, Parent, age_value, cluster_of, columns, since, text_value};
use crate::model::Model;
use crate::model::extra::List;
use crate::model::filter::{Fields, Num, Vocabulary, Word};
use crate::model::ids::Name;
use crate::model::pod::PodRow;
use crate::model::progress::{JobTotals, job_of, may_be_workload};
use crate::model::sort::Value;
use crate::model::table::Table;

columns! {
    PodColumn {
        Name "name" up,
        Namespace "namespace" up,
        Cluster "cluster" up,
        Status "status" up,
        Ready "ready" up,
        Restarts "restarts" down,
        Node "node" up,
        Job "job" up,
        Index "index" up,
        Gpus "gpus" down,
        Age "age" up,
    }
}

impl PodRow {
    /// It belongs to an object that only a label names.
    pub fn is_labelled(&self) -> bool {
        self.member
            .as_ref()
            .is_some_and(|member| member.kind.is_none())
    }

    /// Name of the Job or other workload it belongs to.
    pub fn job(&self) -> Option<&Name> {
        if let Some(member) = &self.member {
            return Some(&member.name);
        }
        let (kind, name, _) = self.owner.as_ref()?;
        may_be_workload(kind).then_some(name)
    }
}

struct PodFields<'a>(&'a PodRow, DateTime<Utc>, &'a Model);

impl Listed for PodRow {
    type Column = PodColumn;
    const VOCABULARY: Vocabulary = Vocabulary {
        words: &[
            Word::Name,
            Word::Namespace,
            Word::Cluster,
            Word::State,
            Word::Node,
            Word::Job,
            Word::Owner,
            Word::Reason,
        ],
        numbers: &[
            Num::Gpu,
            Num::Age,
            Num::Elapsed,
            Num::Restarts,
            Num::Ready,
            Num::Index,
            Num::Retries,
            Num::Exit,
        ],
        labels: false,
        extra: Some(List::Pods),
    };

    fn table(model: &Model) -> &Table<Self> {
        &model.pods
    }

    fn namespace(&self) -> Option<&Name> {
        Some(&self.namespace)
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn under(&self, parent: &Parent) -> bool {
        match parent {
            Parent::Any => true,
            Parent::Of(key) => {
                key.cluster == self.key.cluster
                    && self.owner.as_ref().is_some_and(|(_, _, u)| *u == key.uid)
            }
            Parent::AnyOf(keys) => job_of(self).is_some_and(|owner| keys.contains(&owner)),
            Parent::Node(cluster, name) => {
                *cluster == self.key.cluster && self.node.as_ref() == Some(name)
            }
        }
    }

    fn slots<'a>(model: &'a Model, parent: &Parent) -> Option<Box<dyn Iterator<Item = u32> + 'a>> {
        match parent {
            // other owners (ReplicaSet …) have no totals
            Parent::Of(job) => {
                let totals = model.progress.of(*job)?;
                Some(Box::new(JobTotals::slots(totals)))
            }
            Parent::AnyOf(keys) => {
                let keys = keys.iter().filter_map(|key| model.progress.of(*key));
                let slots: Vec<u32> = keys.flat_map(JobTotals::slots).collect();
                Some(Box::new(slots.into_iter()))
            }
            _ => None,
        }
    }

    fn fields<'a>(&'a self, model: &'a Model, now: DateTime<Utc>) -> impl Fields + 'a {
        PodFields(self, now, model)
    }

    fn value<'a>(&'a self, column: PodColumn, model: &'a Model, _: DateTime<Utc>) -> Value<'a> {
        match column {
            PodColumn::Name => Value::Text(&self.name),
            PodColumn::Namespace => Value::Text(&self.namespace),
            PodColumn::Cluster => text_value(cluster_of(model, self)),
            PodColumn::Status => Value::Text(&self.status),
            PodColumn::Ready => Value::Int(i64::from(self.ready) - i64::from(self.containers)),
            PodColumn::Restarts => Value::Int(self.restarts.into()),
            PodColumn::Node => text_value(self.node.as_deref()),
            PodColumn::Job => text_value(self.job().map(|n| &**n)),
            PodColumn::Index => Value::of(self.index.get()),
            PodColumn::Gpus => Value::Int(self.shape.devices.total().into()),
            PodColumn::Age => age_value(self.created.get()),
            PodColumn::Extra(at) => model.extras.value(List::Pods, self.key, at),
        }
    }
}

impl Fields for PodFields<'_> {
    fn texts(&self, see: &mut dyn FnMut(&str) -> bool) -> bool {
        let row = self.0;
        see(&row.name)
            || see(&row.namespace)
            || see(&row.status)
            || row.node.as_deref().is_some_and(&mut *see)
            || row.owner.as_ref().is_some_and(|(_, name, _)| see(name))
            || row.shape.devices.0.iter().any(|(name, _)| see(name))
    }

    fn word(&self, word: Word) -> Option<Cow<'_, str>> {
        let row = self.0;
        let text = match word {
            Word::Name => &*row.name,
            Word::Namespace => &*row.namespace,
            Word::Cluster => cluster_of(self.2, row)?,
            Word::State => &*row.status,
            Word::Node => row.node.as_deref()?,
            Word::Job => row.job()?,
            Word::Owner => &*row.owner.as_ref()?.1,
            Word::Reason => row
                .disrupted
                .as_deref()
                .or_else(|| row.exit.as_ref().map(|e| &*e.reason))?,
            _ => return None,
        };
        Some(text.into())
    }

    fn number(&self, num: Num) -> Option<f64> {
        let row = self.0;
        Some(match num {
            Num::Gpu => row.shape.devices.total().into(),
            Num::Age => since(row.created.get(), self.1)?,
            Num::Elapsed => since(row.started.get(), row.finished.get().unwrap_or(self.1))?,
            Num::Restarts => row.restarts.into(),
            Num::Ready => row.ready.into(),
            Num::Index => row.index.get()?.into(),
            Num::Retries => row.index_failures.into(),
            Num::Exit => row.exit.as_ref()?.code.into(),
            _ => return None,
        })
    }
}
