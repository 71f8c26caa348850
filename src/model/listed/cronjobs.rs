//! CronJobs as a table.

use std::borrow::Cow;

use chrono::{DateTime, Utc};

use super::{Listed, Parent, age_value, cluster_of, columns, since, text_value};
use crate::model::Model;
use crate::model::extra::List;
use crate::model::filter::{Fields, Num, Vocabulary, Word};
use crate::model::ids::Name;
use crate::model::job::{Activity, CronJobRow, JobKind, JobRow, RoleRow};
use crate::model::sort::Value;
use crate::model::status::Unit;
use crate::model::table::Table;

columns! {
    CronJobColumn {
        Name "name" up,
        Namespace "namespace" up,
        Cluster "cluster" up,
        State "state" up,
        Schedule "schedule" up,
        Active "active" down,
        Last "last" up,
        Age "age" up,
    }
}

impl CronJobRow {
    /// `terminating`, `held`, `running` or `idle`.
    pub fn state(&self) -> &'static str {
        if self.deleting {
            "terminating"
        } else if self.suspend {
            "held"
        } else if self.active.is_empty() {
            "idle"
        } else {
            "running"
        }
    }
}

impl CronJobRow {
    /// The CronJob as a row among other workloads: it runs while a job of it does, and has no end.
    pub fn as_workload(&self) -> JobRow {
        let running = u32::try_from(self.active.len()).unwrap_or(u32::MAX);
        JobRow {
            kind: JobKind::CRONJOB,
            api_version: "batch/v1".into(),
            deleting: self.deleting,
            suspend: self.suspend,
            activity: match running {
                0 => Activity::Waiting,
                _ => Activity::Running,
            },
            unit: Unit::Jobs,
            roles: vec![RoleRow {
                name: "run".into(),
                wanted: running,
                active: running,
                devices: self.devices.clone(),
                ..RoleRow::default()
            }],
            created: self.created,
            labels: self.labels.clone(),
            queue: self.queue.clone(),
            image: self.image.clone(),
            ..JobRow::blank(self.key, self.namespace.clone(), self.name.clone())
        }
    }
}

struct CronJobFields<'a>(&'a CronJobRow, DateTime<Utc>, &'a Model);

impl Listed for CronJobRow {
    type Column = CronJobColumn;
    const VOCABULARY: Vocabulary = Vocabulary {
        words: &[
            Word::Name,
            Word::Namespace,
            Word::Cluster,
            Word::Kind,
            Word::State,
            Word::Schedule,
            Word::Queue,
            Word::Image,
        ],
        numbers: &[Num::Active, Num::Last, Num::Age, Num::Gpu],
        labels: true,
        extra: Some(List::Jobs),
    };

    fn table(model: &Model) -> &Table<Self> {
        &model.cronjobs
    }

    fn namespace(&self) -> Option<&Name> {
        Some(&self.namespace)
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn under(&self, parent: &Parent) -> bool {
        *parent == Parent::Any
    }

    fn fields<'a>(&'a self, model: &'a Model, now: DateTime<Utc>) -> impl Fields + 'a {
        CronJobFields(self, now, model)
    }

    fn value<'a>(&'a self, column: CronJobColumn, model: &'a Model, _: DateTime<Utc>) -> Value<'a> {
        match column {
            CronJobColumn::Name => Value::Text(&self.name),
            CronJobColumn::Namespace => Value::Text(&self.namespace),
            CronJobColumn::Cluster => text_value(cluster_of(model, self)),
            CronJobColumn::State => Value::Text(self.state()),
            CronJobColumn::Schedule => Value::Text(&self.schedule),
            CronJobColumn::Active => Value::of(Some(self.active.len())),
            CronJobColumn::Last => age_value(self.last_schedule),
            CronJobColumn::Age => age_value(self.created),
            CronJobColumn::Extra(at) => model.extras.value(List::Jobs, self.key, at),
        }
    }
}

impl Fields for CronJobFields<'_> {
    fn texts(&self, see: &mut dyn FnMut(&str) -> bool) -> bool {
        let row = self.0;
        see(&row.name)
            || see(&row.namespace)
            || see(row.state())
            || see(&row.schedule)
            || see("CronJob")
            || row.queue.as_deref().is_some_and(&mut *see)
    }

    fn word(&self, word: Word) -> Option<Cow<'_, str>> {
        let row = self.0;
        let text = match word {
            Word::Name => &*row.name,
            Word::Namespace => &*row.namespace,
            Word::Cluster => cluster_of(self.2, row)?,
            Word::Kind => "CronJob",
            Word::State => row.state(),
            Word::Schedule => &*row.schedule,
            Word::Queue => row.queue.as_deref()?,
            Word::Image => row.image.as_deref()?,
            _ => return None,
        };
        Some(text.into())
    }

    fn number(&self, num: Num) -> Option<f64> {
        match num {
            Num::Active => Some(self.0.active.len() as f64),
            Num::Last => since(self.0.last_schedule, self.1),
            Num::Age => since(self.0.created, self.1),
            Num::Gpu => Some(self.0.devices.total().into()),
            _ => None,
        }
    }

    fn label(&self, key: &str) -> Option<&str> {
        let mut labels = self.0.labels.iter();
        labels.find(|(k, _)| &**k == key).map(|(_, v)| &**v)
    }
}
