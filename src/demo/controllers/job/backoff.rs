//! How long a Job waits before it replaces a failed pod: 10 s, doubled with each failure in a row, at most 10 min.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::clock::Clock;
use crate::controllers::wire::Pod;

const FIRST: Duration = Duration::from_secs(10);
const LONGEST: Duration = Duration::from_secs(600);

/// What is remembered of a Job between syncs (lost with it, as in the real controller).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Backoff {
    pub failures: u32,
    pub last: Option<DateTime<Utc>>,
}

impl Backoff {
    /// The record after pods that ended since the last sync.
    pub fn after(&self, succeeded: &[&Arc<Pod>], failed: &[&Arc<Pod>]) -> Self {
        let last = |pods: &[&Arc<Pod>]| pods.iter().map(|p| p.finished_at()).max();
        match last(succeeded) {
            None if failed.is_empty() => self.clone(),
            None => Self {
                failures: self.failures + failed.len() as u32,
                last: last(failed),
            },
            Some(success) => {
                let later = failed.iter().map(|p| p.finished_at());
                let later: Vec<_> = later.filter(|t| *t > success).collect();
                Self {
                    failures: later.len() as u32,
                    last: later.into_iter().max(),
                }
            }
        }
    }

    /// What is left of the wait; zero if the next pod may come now.
    pub fn remaining(&self, clock: &Clock) -> TimeDelta {
        let Some(last) = self.last.filter(|_| self.failures > 0) else {
            return TimeDelta::zero();
        };
        let doubled = FIRST.saturating_mul(1 << (self.failures - 1).min(16));
        let wait = clock.scaled(doubled.min(LONGEST));
        (wait - (clock.now() - last)).max(TimeDelta::zero())
    }
}

/// The wait of one index, known from the annotations of its last failed pod.
pub fn of_index(last_failed: Option<&Arc<Pod>>, clock: &Clock) -> TimeDelta {
    last_failed.map_or(TimeDelta::zero(), |pod| {
        let record = Backoff {
            failures: pod.index_failures() + pod.index_ignored() + 1,
            last: Some(pod.finished_at()),
        };
        record.remaining(clock)
    })
}
