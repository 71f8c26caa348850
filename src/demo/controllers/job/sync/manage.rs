//! The part of a sync that creates and deletes pods.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;

use super::{BATCH, Sync, Verdict, Write, backoff, only_failed_replaced};
use crate::controllers::wire::Pod;

impl<'a> Sync<'a> {
    /// Brings the number of active pods to what is wanted; answers what `status.active` shall say.
    pub(super) fn manage(&mut self) -> u32 {
        let active = self.active.len() as u32;
        let want = if self.job.suspended() {
            0
        } else {
            match self.completions {
                None if self.succeeded > 0 => active,
                None => self.parallelism,
                Some(n) => n.saturating_sub(self.succeeded).min(self.parallelism),
            }
        };
        let surplus = self.for_removal(active.saturating_sub(want) as usize);
        if !surplus.is_empty() || self.job.suspended() {
            for pod in &surplus {
                self.ready -= u32::from(pod.ready()).min(self.ready);
                self.terminating += 1;
                self.writes.push(Write::Delete {
                    uid: pod.uid().to_owned(),
                    uncounted: true,
                });
            }
            return active - surplus.len() as u32;
        }
        let held = if only_failed_replaced(self.job) {
            self.terminating
        } else {
            0
        };
        let missing = want.saturating_sub(held).saturating_sub(active) as usize;
        if missing == 0 {
            return active;
        }
        self.create(missing.min(BATCH), active)
    }

    fn create(&mut self, missing: usize, active: u32) -> u32 {
        let per_index = self.job.spec.backoff_limit_per_index.is_some();
        let mut wait = TimeDelta::zero();
        if !per_index {
            wait = self.backoff.remaining(self.clock);
        }
        let mut indexes = Vec::new();
        if self.job.indexed() && wait.is_zero() {
            indexes = self.pending(missing);
            if per_index {
                let waits = indexes.iter().map(|i| {
                    let wait = backoff::of_index(self.delayed.get(i).copied(), self.clock);
                    (*i, wait)
                });
                let (now, later): (Vec<_>, Vec<_>) = waits.partition(|(_, w)| w.is_zero());
                if now.is_empty() {
                    wait = later.iter().map(|(_, w)| *w).min().unwrap_or_default();
                }
                indexes = now.into_iter().map(|(i, _)| i).collect();
            }
        }
        if !wait.is_zero() {
            let least = self.clock.scaled(Duration::from_secs(1));
            self.writes.push(Write::Again(wait.max(least)));
            return 0;
        }
        if !self.job.indexed() {
            self.writes.extend((0..missing).map(|_| Write::Create {
                index: None,
                failures: None,
            }));
            return active + missing as u32;
        }
        for &index in &indexes {
            let failures = per_index.then(|| {
                self.delayed.get(&index).map_or((0, 0), |old| {
                    let ignored = u32::from(self.verdict(old) == Verdict::Ignore);
                    (
                        old.index_failures() + 1 - ignored,
                        old.index_ignored() + ignored,
                    )
                })
            });
            self.writes.push(Write::Create {
                index: Some(index),
                failures,
            });
        }
        active + indexes.len() as u32
    }

    /// The lowest indexes that nobody works on and that are not decided.
    fn pending(&self, count: usize) -> Vec<u32> {
        let mut busy = self
            .indexes
            .with(self.active.iter().filter_map(|p| p.index()));
        if only_failed_replaced(self.job) {
            let ending = self.pods.iter().filter(|p| p.terminating());
            busy = busy.with(ending.filter_map(|p| p.index()));
        }
        if let Some(lost) = &self.failed_indexes {
            busy = busy.union(lost);
        }
        busy.lowest_missing(count, self.limit())
    }

    /// Which active pods go: doubles of an index and those out of range, then the least advanced.
    fn for_removal(&self, at_least: usize) -> Vec<&'a Arc<Pod>> {
        let (mut gone, mut left) = (Vec::new(), self.active.clone());
        left.sort_by_key(|p| disposable_first(p));
        if self.job.indexed() {
            let mut kept = BTreeSet::new();
            let all = std::mem::take(&mut left);
            // The most advanced pod of an index is the last one here: it is the one to keep.
            for pod in all.into_iter().rev() {
                match self.index(pod) {
                    Some(index) if kept.insert(index) => left.push(pod),
                    _ => gone.push(pod),
                }
            }
            left.reverse();
        }
        let more = at_least.saturating_sub(gone.len());
        gone.extend(left.into_iter().take(more));
        gone.truncate(BATCH);
        gone
    }
}

/// Orders pods so that those whose loss costs least come first.
fn disposable_first(pod: &Pod) -> impl Ord + use<> {
    let phase = match pod.status.phase.as_str() {
        "Pending" => 0,
        "Unknown" => 1,
        _ => 2,
    };
    let since = pod.condition("Ready").filter(|c| c.status == "True");
    let since = since.and_then(|c| c.last_transition_time);
    (
        !pod.spec.node_name.is_empty(),
        phase,
        pod.ready(),
        since.map(|t| std::cmp::Reverse(t.timestamp())),
        std::cmp::Reverse(pod.restarts()),
        std::cmp::Reverse(pod.meta.creation_timestamp.map(|t| t.timestamp())),
        pod.born,
    )
}
