//! Jobs and CronJobs in one order. Separate because the model keeps them in two tables, each with its own view,
//! and the screen shows one list.

use std::cmp::Ordering;

use chrono::{DateTime, Utc};

use crate::model::Model;
use crate::model::ids::Key;
use crate::model::job::{CronJobRow, JobRow, Phase};
use crate::model::listed::{CronJobColumn, JobColumn, Listed, Scope};
use crate::model::sort::{Sort, Value, compare, natural};
use crate::model::view::View;
use crate::panes::list::Keys;

/// One row of the list.
#[derive(Debug, Clone, Copy)]
pub enum Item<'a> {
    Job(&'a JobRow),
    Cron(&'a CronJobRow),
}

impl Item<'_> {
    pub fn key(&self) -> Key {
        match self {
            Item::Job(row) => row.key,
            Item::Cron(row) => row.key,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slot {
    Job(u32),
    Cron(u32),
}

/// The merged order.
pub struct Rows {
    jobs: View<JobRow>,
    crons: View<CronJobRow>,
    /// The filter speaks of fields a CronJob does not have: none is shown.
    no_crons: bool,
    only_failed: bool,
    order: Vec<Slot>,
    made: Option<(u64, u64)>,
    revision: u64,
}

impl Default for Rows {
    fn default() -> Self {
        Self {
            jobs: View::new(Sort::by(JobColumn::State), Scope::default()),
            crons: View::new(Sort::by(CronJobColumn::Name), Scope::default()),
            no_crons: false,
            only_failed: false,
            order: Vec::new(),
            made: None,
            revision: 0,
        }
    }
}

impl Rows {
    pub fn sort(&self) -> Sort<JobColumn> {
        self.jobs.sort()
    }

    pub fn set_sort(&mut self, sort: Sort<JobColumn>) {
        self.jobs.set_sort(sort);
    }

    pub fn only_failed(&self) -> bool {
        self.only_failed
    }

    pub fn set_only_failed(&mut self, only: bool) {
        self.only_failed = only;
        self.made = None;
    }

    pub fn filter(&self) -> &str {
        self.jobs.filter().text()
    }

    /// Reads a filter; what only jobs have shows jobs only.
    pub fn set_filter(&mut self, text: &str) -> Result<(), String> {
        self.jobs.set_filter(text).map_err(|e| e.to_string())?;
        self.no_crons = self.crons.set_filter(text).is_err();
        self.made = None;
        Ok(())
    }

    pub fn len(&self) -> usize {
        self.order.len()
    }

    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// Rows of the scope, shown or not.
    pub fn scoped(&self) -> usize {
        self.jobs.scoped() + self.crons.scoped()
    }

    /// Moves when the order may have changed.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    pub fn at<'a>(&self, model: &'a Model, position: usize) -> Option<Item<'a>> {
        match self.order.get(position)? {
            Slot::Job(slot) => model.jobs.at(*slot).map(Item::Job),
            Slot::Cron(slot) => model.cronjobs.at(*slot).map(Item::Cron),
        }
    }

    /// Brings the order up to date.
    pub fn refresh(&mut self, scope: Scope, model: &Model, now: DateTime<Utc>) {
        self.jobs.set_scope(scope.clone());
        self.crons.set_scope(scope);
        self.jobs.refresh(model, now);
        self.crons.refresh(model, now);
        let made = Some((self.jobs.revision(), self.crons.revision()));
        if self.made == made {
            return;
        }
        self.made = made;
        self.revision += 1;
        let failed = |slot: &&u32| {
            !self.only_failed
                || model
                    .jobs
                    .at(**slot)
                    .is_some_and(|job| is_failed(job, model))
        };
        let jobs: Vec<u32> = self.jobs.order().iter().filter(failed).copied().collect();
        let crons = if self.no_crons || self.only_failed {
            &[][..]
        } else {
            self.crons.order()
        };
        self.order = merge(&jobs, crons, self.jobs.sort(), model, now);
    }

    pub fn keys<'a>(&'a self, model: &'a Model) -> RowKeys<'a> {
        RowKeys { rows: self, model }
    }
}

/// What `only failed` shows: jobs that failed, and those that lost a part.
pub fn is_failed(job: &JobRow, model: &Model) -> bool {
    let status = model.status(job);
    matches!(status.phase, Phase::Failed | Phase::Retrying) || status.lost > 0
}

fn merge(
    jobs: &[u32],
    crons: &[u32],
    sort: Sort<JobColumn>,
    model: &Model,
    now: DateTime<Utc>,
) -> Vec<Slot> {
    let mut fresh: Vec<(&CronJobRow, u32)> = crons
        .iter()
        .filter_map(|&slot| Some((model.cronjobs.at(slot)?, slot)))
        .collect();
    fresh.sort_by(|(a, _), (b, _)| {
        compare(
            &value(a, sort.column),
            &value(b, sort.column),
            sort.descending,
        )
        .then_with(|| natural(&a.namespace, &b.namespace))
        .then_with(|| natural(&a.name, &b.name))
    });
    let mut order = Vec::with_capacity(jobs.len() + fresh.len());
    let mut rest = jobs;
    for (cron, slot) in fresh {
        let mine = value(cron, sort.column);
        let before = |&slot: &u32| {
            model.jobs.at(slot).is_some_and(|job| {
                compare(&job.value(sort.column, model, now), &mine, sort.descending)
                    .then_with(|| natural(&job.namespace, &cron.namespace))
                    .then_with(|| natural(&job.name, &cron.name))
                    == Ordering::Less
            })
        };
        let at = rest.partition_point(before);
        order.extend(rest[..at].iter().map(|&slot| Slot::Job(slot)));
        order.push(Slot::Cron(slot));
        rest = &rest[at..];
    }
    order.extend(rest.iter().map(|&slot| Slot::Job(slot)));
    order
}

/// What a CronJob has in a column of jobs.
fn value(cron: &CronJobRow, column: JobColumn) -> Value<'_> {
    match column {
        JobColumn::State => Value::Int(i64::from(if cron.deleting {
            Phase::Terminating.urgency()
        } else if cron.active.is_empty() || cron.suspend {
            Phase::Suspended.urgency()
        } else {
            Phase::Running.urgency()
        })),
        JobColumn::Name => Value::Text(&cron.name),
        JobColumn::Namespace => Value::Text(&cron.namespace),
        JobColumn::Kind => Value::Text("CronJob"),
        JobColumn::Active => Value::of(Some(cron.active.len())),
        JobColumn::Gpus => Value::Int(cron.devices.total().into()),
        JobColumn::Age => cron
            .created
            .map_or(Value::Missing, |at| Value::Int(-at.timestamp_millis())),
        _ => Value::Missing,
    }
}

/// The rows as keys, for the selection.
pub struct RowKeys<'a> {
    rows: &'a Rows,
    model: &'a Model,
}

impl Keys for RowKeys<'_> {
    fn count(&self) -> usize {
        self.rows.len()
    }

    fn key(&self, at: usize) -> Option<Key> {
        Some(self.rows.at(self.model, at)?.key())
    }

    fn exists(&self, key: Key) -> bool {
        self.model.jobs.contains(key) || self.model.cronjobs.contains(key)
    }

    fn find(&self, key: Key) -> Option<usize> {
        let slot = match self.model.jobs.slot_of(key) {
            Some(slot) => Slot::Job(slot),
            None => Slot::Cron(self.model.cronjobs.slot_of(key)?),
        };
        self.rows.order.iter().position(|s| *s == slot)
    }
}
