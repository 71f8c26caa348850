//! Jobs and CronJobs in one order. Separate because the model keeps them in two tables, each with its own view,
//! and the screen shows one list.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use crate::model::Model;
use crate::model::extra::List;
use crate::model::ids::Key;
use crate::model::job::{CronJobRow, JobRow, Phase};
use crate::model::listed::{CronJobColumn, JobColumn, Listed, Scope};
use crate::model::sort::{Sort, Value, compare, natural};
use crate::model::view::View;
use crate::panes::list::Keys;

/// Rows are shown so deep at most.
const DEEPEST: usize = 6;

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

impl<'a> Item<'a> {
    pub fn name(&self) -> &'a str {
        match self {
            Item::Job(row) => &row.name,
            Item::Cron(row) => &row.name,
        }
    }
}

/// Where a row stands in the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Place {
    /// Owners above it on screen.
    pub depth: u8,
    /// The last of its siblings.
    pub last: bool,
    /// So many are folded under it.
    pub folded: u32,
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
    order: Vec<(Slot, Place)>,
    /// Rows whose children are shown.
    expanded: BTreeSet<Key>,
    /// Rows of the scope that are shown with another.
    parts: usize,
    /// Not all rows are Jobs, or all CronJobs.
    mixed: bool,
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
            expanded: BTreeSet::new(),
            parts: 0,
            mixed: false,
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
        (self.jobs.scoped() + self.crons.scoped()).saturating_sub(self.parts)
    }

    /// Moves when the order may have changed.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    pub fn at<'a>(&self, model: &'a Model, position: usize) -> Option<Item<'a>> {
        match self.order.get(position)?.0 {
            Slot::Job(slot) => model.jobs.at(slot).map(Item::Job),
            Slot::Cron(slot) => model.cronjobs.at(slot).map(Item::Cron),
        }
    }

    pub fn place(&self, model: &Model, position: usize) -> Place {
        let key = self.at(model, position).map(|item| item.key());
        let key = key.filter(|key| !self.expanded.contains(key));
        let folded = key.map_or(0, |key| model.children(key).count());
        let place = self.order.get(position).map(|(_, place)| *place);
        Place {
            folded: u32::try_from(folded).unwrap_or(u32::MAX),
            ..place.unwrap_or_default()
        }
    }

    /// The kind has to be said: not all rows are Jobs, or all CronJobs.
    pub fn mixed(&self) -> bool {
        self.mixed
    }

    /// Shows or hides the children of a row; of one without, it hides it among its siblings and names their owner.
    /// `None`: there is nothing to show or hide.
    pub fn toggle(&mut self, key: Key, model: &Model) -> Option<Key> {
        self.expanded
            .retain(|key| model.jobs.contains(*key) || model.cronjobs.contains(*key));
        let shown = if model.children(key).next().is_some() {
            if !self.expanded.remove(&key) {
                self.expanded.insert(key);
            }
            key
        } else {
            let owner = model.parent(model.jobs.get(key)?)?;
            self.expanded.remove(&owner).then_some(owner)?
        };
        self.made = None;
        Some(shown)
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
        let mut jobs: Vec<u32> = self.jobs.order().iter().filter(failed).copied().collect();
        let crons = if self.no_crons || self.only_failed {
            &[][..]
        } else {
            self.crons.order()
        };
        // what is made by another that is shown is shown with it
        let mut shown = vec![false; model.jobs.slots()];
        for &slot in &jobs {
            shown[slot as usize] = true;
        }
        let mut cron_shown = vec![false; model.cronjobs.slots()];
        for &slot in crons {
            cron_shown[slot as usize] = true;
        }
        let with_owner = |slot: u32| {
            let mut job = model.jobs.at(slot);
            for _ in 0..DEEPEST {
                let Some(owner) = job.and_then(|job| model.parent(job)) else {
                    return false;
                };
                match model.jobs.slot_of(owner) {
                    Some(slot) if shown[slot as usize] => return true,
                    Some(slot) => job = model.jobs.at(slot),
                    None => {
                        let cron = model.cronjobs.slot_of(owner);
                        return cron.is_some_and(|slot| cron_shown[slot as usize]);
                    }
                }
            }
            false
        };
        jobs.retain(|&slot| !with_owner(slot));
        let scope = self.jobs.scope();
        let part = |job: &&JobRow| scope.holds(*job) && model.parent(job).is_some();
        self.parts = model.jobs.rows().filter(part).count();
        let tops = merge(&jobs, crons, self.jobs.sort(), model, now);
        self.order.clear();
        if self.expanded.is_empty() {
            self.order
                .extend(tops.into_iter().map(|slot| (slot, Place::default())));
        } else {
            for slot in tops {
                self.put(slot, Place::default(), model);
            }
        }
        // what is not said is taken for a Job
        let other = |(slot, _): &(Slot, Place)| match slot {
            Slot::Job(slot) => model.jobs.at(*slot).is_some_and(|job| !job.kind.is_job()),
            Slot::Cron(_) => !jobs.is_empty(),
        };
        self.mixed = self.order.iter().any(other);
    }

    /// A row, and what is below it as far as that is expanded.
    fn put(&mut self, slot: Slot, place: Place, model: &Model) {
        self.order.push((slot, place));
        let key = match slot {
            Slot::Job(slot) => model.jobs.at(slot).map(|job| job.key),
            Slot::Cron(slot) => model.cronjobs.at(slot).map(|cron| cron.key),
        };
        let Some(key) = key.filter(|key| self.expanded.contains(key)) else {
            return;
        };
        if usize::from(place.depth) >= DEEPEST {
            return;
        }
        let mut children: Vec<&JobRow> = model.children(key).collect();
        children.sort_by(|a, b| natural(&a.name, &b.name).then_with(|| a.key.cmp(&b.key)));
        let n = children.len();
        for (at, child) in children.into_iter().enumerate() {
            let below = Place {
                depth: place.depth + 1,
                last: at + 1 == n,
                folded: 0,
            };
            if let Some(slot) = model.jobs.slot_of(child.key) {
                self.put(Slot::Job(slot), below, model);
            }
        }
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
            &value(a, sort.column, model),
            &value(b, sort.column, model),
            sort.descending,
        )
        .then_with(|| natural(&a.namespace, &b.namespace))
        .then_with(|| natural(&a.name, &b.name))
    });
    let mut order = Vec::with_capacity(jobs.len() + fresh.len());
    let mut rest = jobs;
    for (cron, slot) in fresh {
        let mine = value(cron, sort.column, model);
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
fn value<'a>(cron: &'a CronJobRow, column: JobColumn, model: &'a Model) -> Value<'a> {
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
        JobColumn::Cluster => model
            .clusters
            .name(cron.key.cluster)
            .map_or(Value::Missing, |name| Value::Text(name)),
        JobColumn::Kind => Value::Text("CronJob"),
        JobColumn::Active => Value::of(Some(cron.active.len())),
        JobColumn::Gpus => Value::Int(cron.devices.total().into()),
        JobColumn::Age => cron
            .created
            .map_or(Value::Missing, |at| Value::Int(-at.timestamp_millis())),
        JobColumn::Extra(at) => model.extras.value(List::Jobs, cron.key, at),
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
        self.rows.order.iter().position(|(s, _)| *s == slot)
    }
}
