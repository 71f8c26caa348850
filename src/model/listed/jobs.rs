//! Jobs as a table.

use std::borrow::Cow;

use chrono::{DateTime, Utc};

use super::{Listed, Parent, age_value, cluster_of, columns, since, text_value};
use crate::model::Model;
use crate::model::extra::List;
use crate::model::filter::{Fields, Num, Vocabulary, Word};
use crate::model::ids::Name;
use crate::model::job::{JobRow, Phase};
use crate::model::progress::JobTotals;
use crate::model::resources::Devices;
use crate::model::sort::Value;
use crate::model::status::JobStatus;
use crate::model::table::Table;

columns! {
    JobColumn {
        State "state" up,
        Name "name" up,
        Namespace "namespace" up,
        Cluster "cluster" up,
        Kind "kind" up,
        Progress "progress" up,
        Active "active" down,
        Failed "failed" down,
        Retries "retries" down,
        Gpus "gpus" down,
        Elapsed "elapsed" down moves,
        Eta "eta" up moves,
        Age "age" up,
        Queue "queue" up,
        Priority "priority" down,
    }
}

impl Phase {
    /// What needs an eye comes first.
    pub fn urgency(self) -> u8 {
        match self {
            Phase::Failed => 0,
            Phase::Retrying => 1,
            Phase::Running => 2,
            Phase::Finishing => 3,
            Phase::Pending => 4,
            Phase::Queued => 5,
            Phase::Suspended => 6,
            Phase::Terminating => 7,
            Phase::Succeeded => 8,
        }
    }
}

impl JobRow {
    /// Devices of all pods that run at a time: one pod's times min(parallelism, completions), or those of all
    /// replicas of all roles.
    pub fn gpus(&self) -> Devices {
        if !self.kind.is_job() {
            let mut all = self.devices.clone();
            for role in &self.roles {
                all.add_all(&role.devices.times(role.wanted));
            }
            return all;
        }
        let pods = self
            .completions
            .map_or(self.parallelism, |n| n.min(self.parallelism));
        self.devices.times(pods)
    }

    /// The kind as its API names it.
    pub fn kind_name(&self) -> &'static str {
        self.kind.kind
    }
}

/// A job with what is derived from it, for filters.
pub struct JobFields<'a> {
    model: &'a Model,
    row: &'a JobRow,
    totals: Option<&'a JobTotals>,
    status: JobStatus,
    now: DateTime<Utc>,
}

impl Listed for JobRow {
    type Column = JobColumn;
    const VOCABULARY: Vocabulary = Vocabulary {
        words: &[
            Word::Name,
            Word::Namespace,
            Word::Cluster,
            Word::Kind,
            Word::State,
            Word::Reason,
            Word::Node,
            Word::Owner,
            Word::Queue,
            Word::Priority,
            Word::Image,
        ],
        numbers: &[
            Num::Gpu,
            Num::Age,
            Num::Elapsed,
            Num::Eta,
            Num::Active,
            Num::Ready,
            Num::Failed,
            Num::Lost,
            Num::Retries,
            Num::Restarts,
            Num::Done,
            Num::Percent,
            Num::Total,
            Num::Parallelism,
            Num::Priority,
        ],
        labels: true,
        extra: Some(List::Jobs),
    };

    fn table(model: &Model) -> &Table<Self> {
        &model.jobs
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
            Parent::AnyOf(_) | Parent::Node(..) => false,
        }
    }

    fn fields<'a>(&'a self, model: &'a Model, now: DateTime<Utc>) -> impl Fields + 'a {
        let totals = model.totals(self.key);
        JobFields {
            model,
            row: self,
            totals,
            status: model.status(self),
            now,
        }
    }

    fn value<'a>(&'a self, column: JobColumn, model: &'a Model, now: DateTime<Utc>) -> Value<'a> {
        let status = || model.status(self);
        match column {
            JobColumn::State => Value::Int(status().phase.urgency().into()),
            JobColumn::Name => Value::Text(&self.name),
            JobColumn::Namespace => Value::Text(&self.namespace),
            JobColumn::Cluster => text_value(cluster_of(model, self)),
            JobColumn::Kind => Value::Text(self.kind_name()),
            JobColumn::Progress => Value::of(status().fraction().map(|f| (f * 1e6) as i64)),
            JobColumn::Active => Value::Int(status().active.into()),
            JobColumn::Failed => Value::Int(status().failed.into()),
            JobColumn::Retries => Value::Int(status().retries.into()),
            JobColumn::Gpus => Value::Int(model.gpus(self).total().into()),
            JobColumn::Elapsed => Value::of(status().elapsed(now).map(|d| d.num_milliseconds())),
            JobColumn::Eta => Value::of(
                status()
                    .eta(self, model.totals(self.key), now)
                    .map(|d| d.num_milliseconds()),
            ),
            JobColumn::Age => age_value(self.created),
            JobColumn::Queue => text_value(model.queue(self).map(|queue| &**queue)),
            JobColumn::Priority => Value::of(model.priority(self)),
            JobColumn::Extra(at) => model.extras.value(List::Jobs, self.key, at),
        }
    }
}

impl Fields for JobFields<'_> {
    fn texts(&self, see: &mut dyn FnMut(&str) -> bool) -> bool {
        let row = self.row;
        see(&row.name)
            || see(&row.namespace)
            || see(self.status.phase.word())
            || self.status.reason.as_deref().is_some_and(&mut *see)
            || see(row.kind_name())
            || self.model.queue(row).is_some_and(|queue| see(queue))
            || row.devices.0.iter().any(|(name, _)| see(name))
    }

    fn word(&self, word: Word) -> Option<Cow<'_, str>> {
        let row = self.row;
        let text = match word {
            Word::Name => &*row.name,
            Word::Namespace => &*row.namespace,
            Word::Cluster => cluster_of(self.model, row)?,
            Word::Kind => row.kind_name(),
            Word::State => self.status.phase.word(),
            Word::Reason => self.status.reason.as_deref()?,
            Word::Owner => &*row.owner.as_ref()?.1,
            Word::Queue => self.model.queue(row)?,
            Word::Priority => self.model.priority_class(row)?,
            Word::Image => row.image.as_deref()?,
            _ => return None,
        };
        Some(text.into())
    }

    fn any_word(&self, word: Word, see: &mut dyn FnMut(&str) -> bool) -> bool {
        if word == Word::Node {
            let nodes = self.totals.into_iter().flat_map(|t| t.live.nodes.keys());
            return { nodes }.any(|name| see(name));
        }
        if word == Word::Kind {
            let kind = self.row.kind;
            return [kind.kind, kind.short, kind.plural].into_iter().any(see);
        }
        self.word(word).is_some_and(|value| see(&value))
    }

    fn number(&self, num: Num) -> Option<f64> {
        let (row, s) = (self.row, &self.status);
        let seconds = |d: chrono::TimeDelta| d.num_milliseconds() as f64 / 1000.0;
        Some(match num {
            Num::Gpu => self.model.gpus(row).total().into(),
            Num::Age => since(row.created, self.now)?,
            Num::Elapsed => seconds(s.elapsed(self.now)?),
            Num::Eta => seconds(s.eta(row, self.totals, self.now)?),
            Num::Active => s.active.into(),
            Num::Ready => s.ready.into(),
            Num::Failed => s.failed.into(),
            Num::Lost => s.lost.into(),
            Num::Retries => s.retries.into(),
            Num::Restarts => self.totals?.live.restarts.into(),
            Num::Done => s.done.into(),
            Num::Percent => s.fraction()? * 100.0,
            Num::Total => s.total?.into(),
            Num::Parallelism => row.parallelism.into(),
            Num::Priority => self.model.priority(row)?.into(),
            _ => return None,
        })
    }

    fn label(&self, key: &str) -> Option<&str> {
        let mut labels = self.row.labels.iter();
        labels.find(|(k, _)| &**k == key).map(|(_, v)| &**v)
    }
}
