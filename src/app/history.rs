//! What of the jobs seen is kept on disk, and when: when their detail or log is looked at, when they end, when they go.
//! The whole object is fetched once for each, and never for a job that is only a row.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::App;
use super::effect::Effect;
use crate::history::{Record, Seen};
use crate::model::delta::{Change, Delta, Rows};
use crate::model::ids::{ClusterId, Key, Uid};
use crate::model::inbox::News;
use crate::model::job::JobRow;
use crate::model::want::{ObjectWant, Want};

/// Objects asked for at once, and jobs that wait for their turn; of more that end together the row is all that is kept.
const AT_ONCE: usize = 4;
const QUEUED: usize = 64;
/// Lines of a log that is read are kept after so long.
const REST: TimeDelta = TimeDelta::seconds(3);

/// What is remembered of that.
#[derive(Debug, Default)]
pub(super) struct Keeper {
    asked: BTreeMap<(ClusterId, ObjectWant), Key>,
    queue: VecDeque<(ObjectWant, Key)>,
    /// Jobs whose object was asked for.
    known: BTreeSet<Key>,
    /// Lines came for the job in front that are not kept yet.
    owed: Option<DateTime<Utc>>,
}

impl Keeper {
    /// What has to be fetched now.
    pub fn wants(&self) -> impl Iterator<Item = (ClusterId, Want)> + '_ {
        let asked = self.asked.keys();
        asked.map(|(cluster, want)| (*cluster, Want::Object(want.clone())))
    }

    pub fn due(&self) -> Option<DateTime<Utc>> {
        self.owed.map(|at| at + REST)
    }

    fn fill(&mut self) {
        while self.asked.len() < AT_ONCE
            && let Some((want, job)) = self.queue.pop_front()
        {
            self.asked.insert((job.cluster, want), job);
        }
    }
}

impl App {
    fn keeps(&self) -> bool {
        self.settings.history.enabled && !self.alone
    }

    /// Another screen is in front: the job it is about is looked at, if it has a screen of its own.
    pub(super) fn keep_looked_at(&mut self, now: DateTime<Utc>) {
        if !self.keeps() || self.screens.path().count() < 2 {
            return;
        }
        let cx = self.desk.cx(now, true);
        if let Some(job) = self.screens.top().about(&cx)
            && !self.keeper.known.contains(&job)
        {
            self.fetch(job, now);
        }
    }

    /// Jobs came to their end.
    pub(super) fn keep_ended(&mut self, news: &News, now: DateTime<Utc>) {
        if !self.keeps() {
            return;
        }
        for ended in &news.ended {
            if self.keeper.known.contains(&ended.job) {
                self.keep_row(ended.job, None, now);
            } else {
                self.fetch(ended.job, now);
            }
        }
    }

    /// Jobs are deleted by what comes next: their rows are read while they are there.
    pub(super) fn keep_gone(&mut self, delta: &Delta, now: DateTime<Utc>) {
        let Rows::Jobs(Change::Gone(uids)) = &delta.rows else {
            return;
        };
        if !self.keeps() || !self.desk.session.is_open(delta.cluster) {
            return;
        }
        for uid in uids {
            let (cluster, uid) = (delta.cluster, *uid);
            let key = Key { cluster, uid };
            if self.desk.model.jobs.get(key).is_some() {
                self.keep_row(key, Some(now), now);
            }
            self.keeper.known.remove(&key);
        }
    }

    /// Asks for the whole object, once.
    fn fetch(&mut self, key: Key, now: DateTime<Utc>) {
        let Some(job) = self.desk.model.jobs.get(key) else {
            return;
        };
        let here = self.desk.session.is_open(key.cluster);
        let want = job.kind.object().filter(|_| here).map(|kind| ObjectWant {
            kind,
            namespace: job.namespace.clone(),
            name: job.name.clone(),
        });
        match want {
            Some(want) if self.keeper.queue.len() < QUEUED => {
                self.keeper.known.insert(key);
                self.keeper.queue.push_back((want, key));
                self.keeper.fill();
                self.wanted = None;
            }
            _ => self.keep_row(key, None, now),
        }
    }

    /// An object came, or does not.
    pub(super) fn keep_object(
        &mut self,
        cluster: ClusterId,
        want: &ObjectWant,
        object: &Result<Value, String>,
        now: DateTime<Utc>,
    ) {
        let Some(key) = self.keeper.asked.remove(&(cluster, want.clone())) else {
            return;
        };
        self.keeper.fill();
        self.wanted = None;
        let Some(mut record) = self.record(key, now) else {
            return;
        };
        // another of its name may be there by now
        let same = |object: &&Value| {
            let uid = object.pointer("/metadata/uid").and_then(Value::as_str);
            uid.is_none_or(|uid| Uid::parse(uid) == key.uid)
        };
        if let Some(object) = object.as_ref().ok().filter(same) {
            record.set_manifest(object);
        }
        self.effects.push(Effect::Keep(Box::new(record)));
    }

    /// Lines came for the screen in front.
    pub(super) fn keep_lines_later(&mut self, now: DateTime<Utc>) {
        if self.keeps() && self.keeper.owed.is_none() {
            self.keeper.owed = Some(now);
        }
    }

    /// Lines that came a while ago are kept, of a job that is over or that has a screen of its own.
    pub(super) fn keep_lines(&mut self, now: DateTime<Utc>) {
        if self.keeper.due().is_none_or(|due| due > now) {
            return;
        }
        self.keeper.owed = None;
        let cx = self.desk.cx(now, true);
        let fronts = self.screens.fronts();
        let mut jobs: Vec<(Key, usize)> = fronts
            .filter_map(|(pane, depth)| Some((pane.about(&cx)?, depth)))
            .collect();
        jobs.dedup_by_key(|(job, _)| *job);
        for (job, depth) in jobs {
            let row = self.desk.model.jobs.get(job);
            let over = row.is_some_and(|job| self.desk.model.status(job).phase.is_over());
            if over || depth > 1 {
                self.keep_row(job, None, now);
            }
        }
    }

    /// The last lines of a log that was read for it.
    pub(super) fn keep_read<'a>(
        &mut self,
        key: Key,
        lines: impl DoubleEndedIterator<Item = &'a str>,
        now: DateTime<Utc>,
    ) {
        if self.keeps()
            && let Some(mut record) = self.record(key, now)
        {
            record.set_lines(lines);
            self.effects.push(Effect::Keep(Box::new(record)));
        }
    }

    /// What is known without the object.
    fn keep_row(&mut self, key: Key, deleted: Option<DateTime<Utc>>, now: DateTime<Utc>) {
        if let Some(mut record) = self.record(key, now) {
            record.deleted = deleted;
            self.effects.push(Effect::Keep(Box::new(record)));
        }
    }

    /// The record of a job that stands for itself; what it is part of has one.
    fn record(&self, key: Key, now: DateTime<Utc>) -> Option<Record> {
        let model = &self.desk.model;
        let job: &JobRow = model.jobs.get(key)?;
        if model.top(key) != key {
            return None;
        }
        let session = &self.desk.session;
        let mut record = Record::of(
            job,
            &Seen {
                model,
                context: session.context_of(key.cluster),
                summary: session.runs.get(&key).map(|known| &known.summary),
                now,
            },
        );
        let cx = self.desk.cx(now, true);
        let mut fronts = self.screens.fronts().map(|(pane, _)| pane);
        if let Some(pane) = fronts.find(|pane| pane.about(&cx) == Some(key)) {
            let lines = pane.last_lines(crate::history::LINES);
            record.set_lines(lines.iter().map(String::as_str));
        }
        Some(record)
    }
}
