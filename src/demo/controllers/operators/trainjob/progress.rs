//! `status.trainerStatus`: what the training in the leading pod tells of itself, every half minute.
//!
//! A real trainer sends it to the operator's status server; here it is asked how far its program has come.

use serde_json::{Value, json};

use super::super::look::time;
use super::{STEP, TrainJob};
use crate::clock::rfc3339;
use crate::controllers::program::Launch;
use crate::controllers::program::train::Progress;
use crate::store::Object;

/// Simulated seconds between two reports.
const EVERY: f64 = 30.0;

impl TrainJob<'_, '_> {
    pub(super) fn progress(&mut self, set: &Object) {
        if self.look.is("Complete") {
            let status = &mut self.look.status["trainerStatus"];
            if status.is_object() && status["progressPercentage"] != 100 {
                status["progressPercentage"] = json!(100);
                status["estimatedRemainingSeconds"] = json!(0);
                status["lastUpdatedTime"] = json!(rfc3339(self.look.hub.now()));
            }
            return;
        }
        if self.suspended() || self.finished() {
            return;
        }
        let Some((pod, container, since)) = self.leader(set) else {
            return;
        };
        let before = time(&self.look.status["trainerStatus"]["lastUpdatedTime"]);
        let due = before.unwrap_or(since).max(since) + self.look.hub.seconds(EVERY);
        let now = self.look.now();
        if now < due {
            self.look.again_at(due);
            return;
        }
        self.look.again_in(EVERY);
        let all = pod["status"]["containerStatuses"].as_array();
        let mut all = all.into_iter().flatten();
        let restarts = all
            .find(|s| s["name"] == container["name"])
            .and_then(|s| s["restartCount"].as_u64());
        let attempt = u32::try_from(restarts.unwrap_or(0)).unwrap_or(0);
        let seconds = (now - since).as_seconds_f64() * self.look.hub.cluster.clock.speed();
        if let Some(progress) = Launch::of(&pod, &container, attempt).progress(seconds) {
            self.look.status["trainerStatus"] = report(&progress, &rfc3339(now));
        }
    }

    /// The first pod of the trainer with its container, and since when that runs.
    fn leader(&self, set: &Object) -> Option<(Value, Value, chrono::DateTime<chrono::Utc>)> {
        let hub = &self.look.hub;
        let jobs = hub.cache.dependents(&set.uid).into_iter();
        let jobs = jobs.filter(|(kind, _, _)| *kind == hub.kinds.jobs);
        let mut jobs = jobs.filter_map(|(kind, ns, name)| hub.get(kind, &(ns, name)));
        let job = jobs.find(|j| j.labels.get(STEP).is_some_and(|s| s == "trainer"))?;
        let pods = hub.cache.owned(&job.uid);
        let mut leading = pods.iter().filter(|p| p.index().unwrap_or(0) == 0);
        let pod = leading.find(|p| p.active())?.object.value();
        let containers = pod["spec"]["containers"].as_array()?;
        let container = containers.iter().find(|c| c["name"] == "node")?.clone();
        let all = pod["status"]["containerStatuses"].as_array()?;
        let status = all.iter().find(|s| s["name"] == "node")?;
        let since = time(&status["state"]["running"]["startedAt"])?;
        Some((pod, container, since))
    }
}

fn report(progress: &Progress, now: &str) -> Value {
    let metric = |name: &str, value: String| json!({"name": name, "value": value});
    json!({
        "progressPercentage": progress.percent,
        "estimatedRemainingSeconds": progress.remaining,
        "metrics": [
            metric("loss", format!("{:.4}", progress.loss)),
            metric("learning_rate", format!("{:.3e}", progress.lr)),
            metric("epoch", format!("{:.2}", progress.epoch)),
        ],
        "lastUpdatedTime": now,
    })
}
