//! The part of a sync that counts ended pods exactly once, and ends the Job.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{BATCH, Sync, Verdict, Write, is_failed};
use crate::controllers::wire::{Pod, Uncounted};

impl Sync<'_> {
    /// Writes the status (with what is about to be counted), releases pods, counts, and ends the Job if it
    /// may end. Answers whether the status was written before the release.
    pub(super) fn count(&mut self, mut dirty: bool) -> bool {
        let mut uncounted = self
            .status
            .uncounted_terminated_pods
            .take()
            .unwrap_or_default();
        let mut tracked: BTreeSet<String> = self
            .pods
            .iter()
            .filter(|p| p.tracked())
            .map(|p| p.uid().to_owned())
            .collect();
        dirty |= self.fold(&mut uncounted, &tracked);
        let (mut release, mut won, mut full) = (Vec::new(), Vec::new(), false);
        let mut pods = self.pods.clone();
        if self.job.indexed() {
            pods.sort_by_key(|p| p.index());
        }
        for pod in pods.into_iter().filter(|p| p.tracked()) {
            let failed = is_failed(self.job, pod);
            if !self.may_release(pod, failed) {
                continue;
            }
            release.push(pod.uid().to_owned());
            dirty |= self.note(pod, failed, &mut uncounted, &mut won);
            if won.len() + uncounted.succeeded.len() + uncounted.failed.len() >= BATCH {
                full = true;
                break;
            }
        }
        if self.job.indexed() {
            let done = self.indexes.with(won);
            dirty |= done.to_string() != self.status.completed_indexes;
            self.status.succeeded = done.total() as u32;
            self.status.completed_indexes = done.to_string();
            let lost = self.failed_indexes.as_ref().map(ToString::to_string);
            dirty |= lost != self.status.failed_indexes;
            self.status.failed_indexes = lost;
        }
        dirty |= self.interim();

        self.status.uncounted_terminated_pods = Some(uncounted.clone());
        if dirty {
            self.writes
                .push(Write::Status(Box::new(self.status.clone())));
        }
        for uid in release {
            tracked.remove(&uid);
            self.writes.push(Write::Release { uid });
        }
        let counted = self.fold(&mut uncounted, &tracked);
        let open = uncounted.succeeded.len() + uncounted.failed.len();
        self.status.uncounted_terminated_pods = Some(uncounted);
        let ended = !full && open == 0 && self.end();
        if counted || ended {
            self.writes
                .push(Write::Status(Box::new(self.status.clone())));
        }
        if let Some(end) = self.finished.clone().filter(|_| ended) {
            if end.kind == "Complete" {
                self.event(false, "Completed", "Job completed");
            } else {
                self.event(true, &end.reason, &end.message);
            }
        }
        dirty
    }

    /// Moves UIDs whose pods have lost their finalizer from the lists into the counters.
    fn fold(&mut self, uncounted: &mut Uncounted, tracked: &BTreeSet<String>) -> bool {
        let (won, lost) = (uncounted.succeeded.len(), uncounted.failed.len());
        uncounted.succeeded.retain(|uid| tracked.contains(uid));
        uncounted.failed.retain(|uid| tracked.contains(uid));
        let won = won - uncounted.succeeded.len();
        let lost = lost - uncounted.failed.len();
        self.status.succeeded += won as u32;
        self.status.failed += lost as u32;
        won + lost > 0
    }

    fn may_release(&self, pod: &Arc<Pod>, failed: bool) -> bool {
        let over = self.job.meta.deletion_timestamp.is_some() || self.finished.is_some();
        if over || pod.succeeded() {
            return true;
        }
        let kept = || {
            let kept = pod.index().and_then(|i| self.delayed.get(&i));
            kept.is_some_and(|k| k.uid() == pod.uid())
        };
        failed && !kept()
    }

    /// Puts a pod that is about to be released where it will be counted from.
    fn note(
        &self,
        pod: &Arc<Pod>,
        failed: bool,
        uncounted: &mut Uncounted,
        won: &mut Vec<u32>,
    ) -> bool {
        let uid = pod.uid().to_owned();
        let indexed = self.job.indexed();
        if pod.succeeded() && !self.old.failed.contains(&uid) {
            if indexed {
                let index = self.index(pod).filter(|i| !self.prev_indexes.has(*i));
                won.extend(index);
                return index.is_some();
            }
            let new = !self.old.succeeded.contains(&uid);
            if new {
                uncounted.succeeded.push(uid);
            }
            return new;
        }
        let lost = self.finished.as_ref();
        let lost = failed || lost.is_some_and(|c| c.kind != "SuccessCriteriaMet");
        let new = lost
            && !self.old.failed.contains(&uid)
            && (!indexed || self.index(pod).is_some())
            && self.verdict(pod) != Verdict::Ignore;
        if new {
            uncounted.failed.push(uid);
        }
        new
    }

    /// Puts the interim condition into the status, and the final one in its place for the end.
    fn interim(&mut self) -> bool {
        let Some(decided) = self.finished.clone() else {
            return false;
        };
        let last = match decided.kind.as_str() {
            "FailureTarget" => "Failed",
            "SuccessCriteriaMet" => "Complete",
            _ => return false,
        };
        let new = self.old_condition(&decided.kind).is_none();
        self.finished = Some(self.condition(last, &decided.reason, &decided.message));
        if new {
            self.status.conditions.push(decided);
        }
        new
    }

    /// The Job is over once nothing is left to count and no pod is still on its way out.
    fn end(&mut self) -> bool {
        let Some(end) = self.finished.clone().filter(|_| self.terminating == 0) else {
            return false;
        };
        if end.kind == "Complete" {
            self.status.completion_time = end.last_transition_time.clone();
        }
        self.status.conditions.retain(|c| c.kind != end.kind);
        self.status.conditions.push(end);
        true
    }
}
