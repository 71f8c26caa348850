//! The recent past of a model: for each change what was there before, oldest first, in bounded memory. Any time since then
//! can be shown in a copy of the model, whichever way one comes to it.

mod kinds;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet, VecDeque};

use chrono::{DateTime, TimeDelta, Utc};

use super::Model;
use super::delta::{Change, Delta, Rows, SourceId, Step, with_change};
use super::ids::{ClusterId, Key};
use super::job::{JobRow, Phase};
use super::status::JobStatus;
use kinds::{Noted, Was};

/// What rows of a copy belong to once they were taken back to another time.
const COPY: SourceId = SourceId(u32::MAX - 2);
/// All first lists are complete so long after the first of them.
const FIRST: TimeDelta = TimeDelta::minutes(2);
/// Failures that are marked.
const MARKS: usize = 512;

/// What was there before a change.
#[derive(Debug, Clone)]
struct Entry {
    at: DateTime<Utc>,
    key: Key,
    was: Was,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Past {
    entries: VecDeque<Entry>,
    bytes: usize,
    /// No more than so much, nor longer; nothing is noted if either is none.
    limit: usize,
    keep: TimeDelta,
    /// Watches whose first list was complete: what comes then is news.
    synced: HashSet<(ClusterId, SourceId)>,
    /// From here on all is noted.
    start: Option<DateTime<Utc>>,
    failures: VecDeque<DateTime<Utc>>,
    /// When the first list was complete.
    first: Option<DateTime<Utc>>,
}

impl Past {
    /// Keeps at most so many bytes, and nothing older than that.
    pub fn new(limit: usize, keep: TimeDelta) -> Self {
        Self {
            limit,
            keep,
            ..Self::default()
        }
    }

    /// Whether anything is noted at all.
    pub fn is_on(&self) -> bool {
        self.limit > 0 && self.keep > TimeDelta::zero()
    }

    /// Forgets all that was: something else is listed and looked at from now on.
    pub fn clear(&mut self) {
        self.drop_all();
        (self.start, self.first) = (None, None);
    }

    fn drop_all(&mut self) {
        self.entries.clear();
        self.failures.clear();
        self.bytes = 0;
    }

    /// The earliest time that can be shown; none before the first lists were complete.
    pub fn start(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        Some(self.start?.max(now - self.keep))
    }

    /// What is kept takes so many bytes, about.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// When jobs failed, of the time that is kept.
    pub fn failures(&self) -> impl Iterator<Item = DateTime<Utc>> + '_ {
        self.failures.iter().copied()
    }

    /// When the next thing changed after a time.
    pub fn next(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.entries.get(self.after(at)).map(|entry| entry.at)
    }

    /// When the last thing changed before a time.
    pub fn previous(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let next = self.entries.partition_point(|entry| entry.at < at);
        Some(self.entries.get(next.checked_sub(1)?)?.at)
    }

    /// It is from a watch whose first list is not complete, or that has ended.
    pub fn is_new(&self, delta: &Delta) -> bool {
        !self.synced.contains(&(delta.cluster, delta.source))
    }

    /// Notes what a change is about to take from the model.
    pub fn note(&mut self, model: &Model, delta: &Delta, now: DateTime<Utc>) {
        if !self.is_on() {
            return;
        }
        let of = (delta.cluster, delta.source);
        let step = delta.rows.step();
        match step {
            Some(Step::Synced) if self.synced.insert(of) => {
                // before this there was less to see than there was; what comes to be served later takes nothing away
                let first = *self.first.get_or_insert(now);
                let main = matches!(delta.rows, Rows::Jobs(_) | Rows::Pods(_) | Rows::Nodes(_));
                if main && now - first <= FIRST {
                    self.drop_all();
                    self.start = Some(now);
                }
                return;
            }
            Some(Step::Dropped) => drop(self.synced.remove(&of)),
            _ => {}
        }
        if !self.synced.contains(&of) {
            return;
        }
        // never back, whatever the clock does
        let now = self.entries.back().map_or(now, |last| last.at.max(now));
        if fails(model, &delta.rows) {
            self.failures.push_back(now);
            if self.failures.len() > MARKS {
                self.failures.pop_front();
            }
        }
        with_change!(&delta.rows, change => self.changes(model, of, change, now), ());
        self.forget(now);
    }

    fn changes<R: Noted>(
        &mut self,
        model: &Model,
        (cluster, source): (ClusterId, SourceId),
        change: &Change<R>,
        now: DateTime<Utc>,
    ) {
        let table = R::table(model);
        match change {
            Change::Rows(rows) => {
                for row in rows {
                    let old = table.get(row.key());
                    if old != Some(row) {
                        self.push::<R>(row.key(), old, now);
                    }
                }
            }
            Change::Gone(uids) => {
                for uid in uids {
                    let key = Key { cluster, uid: *uid };
                    if let Some(old) = table.get(key) {
                        self.push(key, Some(old), now);
                    }
                }
            }
            Change::Synced => {
                for old in table.unseen(source, cluster) {
                    self.push(old.key(), Some(old), now);
                }
            }
            Change::Restart | Change::Dropped => {}
        }
    }

    fn push<R: Noted>(&mut self, key: Key, old: Option<&R>, now: DateTime<Utc>) {
        self.bytes += size_of::<Entry>() + old.map_or(0, R::weight);
        self.entries.push_back(Entry {
            at: now,
            key,
            was: R::was(old.cloned()),
        });
    }

    fn forget(&mut self, now: DateTime<Utc>) {
        let oldest = now - self.keep;
        while let Some(first) = self.entries.front()
            && (self.bytes > self.limit || first.at < oldest)
        {
            let at = first.at;
            self.bytes = self
                .bytes
                .saturating_sub(size_of::<Entry>() + first.was.weight());
            self.entries.pop_front();
            self.start = self.start.map(|start| start.max(at));
        }
        while self
            .failures
            .front()
            .is_some_and(|at| Some(*at) < self.start.max(Some(oldest)))
        {
            self.failures.pop_front();
        }
    }

    /// The first entry later than a time.
    fn after(&self, at: DateTime<Utc>) -> usize {
        self.entries.partition_point(|entry| entry.at <= at)
    }

    /// Brings a copy of the model from one time (none: that of `live`) to another. What an object was at a time is what the
    /// first change after it took away, or what it is now.
    pub fn show(
        &self,
        copy: &mut Model,
        live: &Model,
        from: Option<DateTime<Utc>>,
        to: DateTime<Utc>,
    ) {
        let from = from.map_or(self.entries.len(), |from| self.after(from));
        let to = self.after(to);
        let (low, high) = (from.min(to), from.max(to));
        let mut open: HashMap<(u8, Key), &Was> = HashMap::new();
        for entry in self.entries.range(low..high) {
            open.insert((entry.was.kind(), entry.key), &entry.was);
        }
        let mut left = open.len();
        let mut found = HashSet::new();
        for entry in self.entries.range(to..) {
            if left == 0 {
                break;
            }
            let of = (entry.was.kind(), entry.key);
            if open.contains_key(&of) && found.insert(of) {
                left -= 1;
                entry.was.put(copy, entry.key);
            }
        }
        for (of, was) in open {
            if !found.contains(&of) {
                was.put_of(live, copy, of.1);
            }
        }
    }
}

/// Whether a job fails with this change that had not failed before.
pub fn fails(model: &Model, rows: &Rows) -> bool {
    let Rows::Jobs(Change::Rows(rows)) = rows else {
        return false;
    };
    let failed = |job: &JobRow| JobStatus::of(job, None).phase == Phase::Failed;
    rows.iter()
        .any(|job| failed(job) && !model.jobs.get(job.key).is_some_and(failed))
}

/// Makes a row of a copy be this, or not be.
fn put<R: Noted>(copy: &mut Model, key: Key, row: Option<&R>) {
    let delta = |change| Delta {
        cluster: key.cluster,
        source: COPY,
        rows: R::rows(change),
    };
    match row {
        Some(row) => copy.apply(delta(Change::Rows(vec![row.clone()]))),
        None => {
            // only who told of a row last can take it away
            let Some(row) = R::table(copy).get(key).cloned() else {
                return;
            };
            copy.apply(delta(Change::Rows(vec![row])));
            copy.apply(delta(Change::Gone(vec![key.uid])));
        }
    }
}
