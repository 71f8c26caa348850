//! What is counted of each watched kind while it is watched: cheap, since nothing but numbers is written on the way.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::wire::Unread;
use crate::model::vitals::{KindRead, Problem};
use crate::model::want::Kind;

/// Objects that could not be read are remembered so far back.
const PROBLEMS: usize = 5;

/// The counters of one kind; of several namespaces together.
#[derive(Debug, Default)]
pub struct Meter {
    pub objects: Count,
    pub events: Count,
    pub folded: Count,
    pub lists: Count,
    pub watches: Count,
    pub failures: Count,
    pub skipped: Count,
    problems: Mutex<VecDeque<Problem>>,
}

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    pub fn add(&self, n: usize) {
        self.0.fetch_add(n as u64, Ordering::Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Meter {
    /// Of these objects something could not be read.
    pub fn skip(&self, unread: Vec<Unread>) {
        let at = chrono::Utc::now();
        let mut problems = self.problems.lock().unwrap_or_else(PoisonError::into_inner);
        for Unread { object, why } in unread {
            if problems.len() == PROBLEMS {
                problems.pop_front();
            }
            problems.push_back(Problem { at, object, why });
        }
    }

    fn read(&self, kind: Kind) -> KindRead {
        let problems = self.problems.lock().unwrap_or_else(PoisonError::into_inner);
        KindRead {
            kind,
            objects: self.objects.get(),
            events: self.events.get(),
            folded: self.folded.get(),
            lists: self.lists.get(),
            watches: self.watches.get(),
            failures: self.failures.get(),
            skipped: self.skipped.get(),
            problems: problems.iter().cloned().collect(),
        }
    }
}

/// Of all kinds of one cluster.
#[derive(Debug, Default)]
pub struct Meters(Mutex<BTreeMap<Kind, Arc<Meter>>>);

impl Meters {
    /// The counters of a kind; they go on where they stood when it is watched again.
    pub fn of(&self, kind: Kind) -> Arc<Meter> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(kind).or_default().clone()
    }

    pub fn read(&self) -> Vec<KindRead> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().map(|(kind, meter)| meter.read(*kind)).collect()
    }
}
