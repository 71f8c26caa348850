//! The plan of the streams, made anew only when what it is made of changed: the pods of a job of ten thousand indexes are
//! not looked through for every frame.

use std::cell::RefCell;

use chrono::{DateTime, Utc};

use super::follow::{self, Plan, Source};
use crate::model::ids::Key;
use crate::panes::{Cx, LogsOf};

/// Keeps the last plan.
#[derive(Debug, Default)]
pub struct Planner {
    made: RefCell<Option<Made>>,
    /// How often the pods were looked through.
    #[cfg(test)]
    pub times: std::cell::Cell<usize>,
}

/// A plan, and what it was made of.
#[derive(Debug)]
struct Made {
    pods: Vec<Key>,
    next: Vec<Key>,
    left_out: usize,
    waiting: usize,
    until: Option<DateTime<Utc>>,
    sources: Vec<(Key, bool, bool)>,
    picked: Vec<Key>,
    /// What the pods belong to.
    owners: Vec<Key>,
    /// Versions of the tables of pods and of jobs.
    seen: (u64, u64),
}

/// What of a source the choice depends on.
fn told(source: &Source) -> (Key, bool, bool) {
    (source.pod, source.done, source.tells_loss)
}

fn owners(of: &LogsOf, cx: &Cx) -> Vec<Key> {
    let mut all = match of {
        LogsOf::Job { job, .. } => cx.model.pod_owners(*job),
        LogsOf::Pod { .. } | LogsOf::File { .. } => Vec::new(),
    };
    all.sort_unstable();
    all
}

impl Planner {
    /// What [`follow::plan`] says, from what it said last where nothing it depends on changed.
    pub fn plan<'a>(
        &self,
        of: &'a LogsOf,
        sources: &[Source],
        picked: &[Key],
        cx: &Cx<'a>,
    ) -> Plan<'a> {
        let mut made = self.made.borrow_mut();
        if let Some(made) = &mut *made
            && made.holds(of, sources, picked, cx)
        {
            let rows = |keys: &[Key]| {
                let rows = keys.iter().filter_map(|key| cx.model.pods.get(*key));
                rows.collect()
            };
            return Plan {
                pods: rows(&made.pods),
                next: rows(&made.next),
                left_out: made.left_out,
                waiting: made.waiting,
                until: made.until,
            };
        }
        #[cfg(test)]
        self.times.set(self.times.get() + 1);
        let plan = follow::plan(of, sources, picked, cx);
        *made = Some(Made {
            pods: plan.pods.iter().map(|pod| pod.key).collect(),
            next: plan.next.iter().map(|pod| pod.key).collect(),
            left_out: plan.left_out,
            waiting: plan.waiting,
            until: plan.until,
            sources: sources.iter().map(told).collect(),
            picked: picked.to_vec(),
            owners: owners(of, cx),
            seen: (cx.model.pods.version(), cx.model.jobs.version()),
        });
        plan
    }
}

impl Made {
    fn holds(&mut self, of: &LogsOf, sources: &[Source], picked: &[Key], cx: &Cx) -> bool {
        let over = self.until.is_some_and(|until| cx.now >= until);
        if over
            || self.picked != picked
            || !sources.iter().map(told).eq(self.sources.iter().copied())
        {
            return false;
        }
        let (pods, jobs) = (&cx.model.pods, &cx.model.jobs);
        let now = (pods.version(), jobs.version());
        let still = now == self.seen || self.owners == owners(of, cx) && self.spared(cx);
        if still {
            self.seen = now;
        }
        still
    }

    /// Nothing of it is among what changed since. A workload's row moves with its pods; where it has none, every pod counts.
    fn spared(&self, cx: &Cx) -> bool {
        let jobs = &cx.model.jobs;
        let slots: Option<Vec<u32>> = self.owners.iter().map(|key| jobs.slot_of(*key)).collect();
        match slots.filter(|slots| !slots.is_empty()) {
            Some(slots) => jobs
                .changed_since(self.seen.1)
                .is_some_and(|mut changed| !changed.any(|slot| slots.contains(&slot))),
            None => cx.model.pods.version() == self.seen.0,
        }
    }
}
