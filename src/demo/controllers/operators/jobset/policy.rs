//! When a JobSet has succeeded, and what a failed Job does to it.

use serde_json::{Value, json};

use super::{Set, jobs, label, replicas};
use crate::controllers::wire::Job;

/// Does a list of replicated jobs mean this one? An empty list means all.
fn targets(list: &Value, name: &str) -> bool {
    let list = list.as_array().filter(|l| !l.is_empty());
    list.is_none_or(|l| l.iter().any(|n| n == name))
}

/// Does a failure rule apply to a Job that failed for a reason?
fn applies(rule: &Value, job: &Job) -> bool {
    let Some(end) = job.finished() else {
        return false;
    };
    let patterns = rule["onJobFailureMessagePatterns"].as_array();
    let mut patterns = patterns.into_iter().flatten().filter_map(Value::as_str);
    let any = rule["onJobFailureMessagePatterns"]
        .as_array()
        .is_none_or(Vec::is_empty);
    targets(&rule["onJobFailureReasons"], &end.reason)
        && (any || patterns.any(|p| regex::Regex::new(p).is_ok_and(|r| r.is_match(&end.message))))
        && targets(&rule["targetReplicatedJobs"], label(job, jobs::REPLICATED))
}

impl Set<'_, '_> {
    /// Have enough Jobs succeeded?
    pub(super) fn succeeded(&self) -> bool {
        let policy = &self.look.spec["successPolicy"];
        let meant = |name: &str| targets(&policy["targetReplicatedJobs"], name);
        let there = self.jobs.succeeded.iter();
        let there = there.filter(|j| meant(label(j, jobs::REPLICATED))).count() as i64;
        let wanted = match policy["operator"].as_str() {
            Some("Any") => 1,
            _ => {
                let all = self.replicated().into_iter();
                let ours = all.filter(|r| r["name"].as_str().is_some_and(meant));
                ours.map(|r| replicas(&r)).sum()
            }
        };
        there >= wanted
    }

    /// The Job that failed first, of those that a rule is about (or of all).
    fn first_failed(&self, rule: Option<&Value>) -> Option<String> {
        let failed = self.jobs.failed.iter();
        let meant = failed.filter(|j| rule.is_none_or(|r| applies(r, j)));
        let first = meant.min_by_key(|j| {
            let end = j.finished().and_then(|c| c.last_transition_time.clone());
            (end, j.object.name.clone())
        });
        first.map(|j| j.object.name.clone())
    }

    /// Fails the set, or has all its Jobs made anew.
    pub(super) fn failure(&mut self) {
        let policy = self.look.spec["failurePolicy"].clone();
        let first = self.first_failed(None).unwrap_or_default();
        if !policy.is_object() {
            let text = "jobset failed due to one or more job failures";
            return self.fail("FailedJobs", text, &first);
        }
        let rules = policy["rules"].as_array().cloned().unwrap_or_default();
        let mut matching = rules.iter().enumerate();
        let rule = matching.find_map(|(i, r)| Some((i, r, self.first_failed(Some(r))?)));
        let (action, name, first) = match rule {
            Some((i, rule, first)) => {
                let given = rule["name"].as_str().filter(|n| !n.is_empty());
                let name = given.map_or(format!("failurePolicyRule{i}"), str::to_owned);
                (
                    rule["action"].as_str().unwrap_or_default(),
                    Some(name),
                    first,
                )
            }
            None => ("RestartJobSet", None, first),
        };
        match action {
            "FailJobSet" => {
                let text = "applying FailJobSet failure policy action";
                self.fail("FailJobSetFailurePolicyAction", text, &first);
            }
            "RestartJobSetAndIgnoreMaxRestarts" => self.restart(action, name, &first, false),
            // Restarts of single Jobs are behind a feature gate that is off: the controller reports an error
            // and goes no further.
            "RestartJob" | "RestartJobAndIgnoreMaxRestarts" => {}
            _ => {
                let count = self.look.status["restartsCountTowardsMax"].as_i64();
                let limit = policy["maxRestarts"].as_i64().unwrap_or(0);
                if count.unwrap_or(0) >= limit {
                    let text = "jobset failed due to reaching max number of restarts";
                    self.fail("ReachedMaxRestarts", text, &first);
                } else {
                    self.restart("RestartJobSet", name, &first, true);
                }
            }
        }
    }

    fn fail(&mut self, reason: &str, text: &str, first: &str) {
        let text = format!("{text} (first failed job: {first})");
        self.set("Failed", true, reason, &text, true);
        let reason = "JobSetFailed";
        self.set("RestartingJobSet", false, reason, "jobset failed", false);
        self.look.status["terminalState"] = json!("Failed");
    }

    fn restart(&mut self, action: &str, rule: Option<String>, first: &str, counts: bool) {
        let fields: &[&str] = if counts {
            &["restarts", "restartsCountTowardsMax"]
        } else {
            &["restarts"]
        };
        for field in fields {
            let old = self.look.status[*field].as_i64().unwrap_or(0);
            self.look.status[*field] = json!(old + 1);
        }
        let text = format!("applying {action} failure policy action (first failed job: {first})");
        let reason = rule.map_or("DefaultFailurePolicy".to_owned(), |r| {
            format!("FailurePolicy_{r}")
        });
        self.set("RestartingJobSet", true, &reason, &text, true);
        let reason = format!("{action}FailurePolicyAction");
        self.look.event(true, &reason, &text);
    }
}
