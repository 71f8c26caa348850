//! The JobSet controller: child Jobs for each replicated job, restarted, suspended and ended together.

mod jobs;
mod policy;

use std::sync::Arc;

use serde_json::{Value, json};

use super::look::{Look, place, time};
use crate::controllers::hub::Hub;
use crate::controllers::tasks::Key;
use crate::controllers::wire::Job;

const BY: &str = "jobset";
const CONTROLLER: &str = "jobset.sigs.k8s.io/jobset-controller";

/// What the project's webhook fills in.
pub fn defaults(set: &mut Value) {
    let spec = &mut set["spec"];
    if spec["successPolicy"].is_null() {
        spec["successPolicy"] = json!({"operator": "All"});
    }
    if spec["startupPolicy"].is_null() {
        spec["startupPolicy"] = json!({"startupPolicyOrder": "AnyOrder"});
    }
    for field in ["enableDNSHostnames", "publishNotReadyAddresses"] {
        if spec["network"][field].is_null() {
            spec["network"][field] = json!(true);
        }
    }
    let all = spec["replicatedJobs"].as_array_mut().into_iter().flatten();
    for replicated in all {
        let job = &mut replicated["template"]["spec"];
        if job["completionMode"].is_null() {
            job["completionMode"] = json!("Indexed");
        }
        let pod = &mut job["template"]["spec"];
        if pod["restartPolicy"].as_str().is_none_or(str::is_empty) {
            pod["restartPolicy"] = json!("OnFailure");
        }
    }
}

/// The child Jobs of this attempt by their fate, and those of earlier attempts.
#[derive(Default)]
struct Children {
    active: Vec<Arc<Job>>,
    succeeded: Vec<Arc<Job>>,
    failed: Vec<Arc<Job>>,
    previous: Vec<Arc<Job>>,
}

/// A JobSet that is being looked at.
struct Set<'a, 'h> {
    look: Look<'a, 'h>,
    jobs: Children,
}

/// Compares a JobSet with its Jobs.
pub fn sync(hub: &mut Hub<'_>, key: &Key) {
    let Some(mut look) = Look::at(hub, ("jobset.x-k8s.io", "JobSet"), key, BY) else {
        return;
    };
    if look.foreign(CONTROLLER) {
        return;
    }
    // One that was made before the webhook was there.
    let mut whole = json!({"spec": look.spec});
    defaults(&mut whole);
    look.spec = whole["spec"].take();
    let jobs = Children::of(&look);
    let mut set = Set { look, jobs };
    set.run();
    set.look.close();
}

/// A label of a Job.
fn label<'a>(job: &'a Job, key: &str) -> &'a str {
    job.object.labels.get(key).map_or("", String::as_str)
}

impl Children {
    fn of(look: &Look<'_, '_>) -> Self {
        let restarts = look.status["restarts"].as_i64().unwrap_or(0);
        let mut out = Self::default();
        for object in look.children(look.hub.kinds.jobs) {
            let Some(job) = look.hub.cache.job(&object.uid).cloned() else {
                continue;
            };
            let attempt = label(&job, jobs::RESTARTS).parse::<i64>();
            let list = match job.finished() {
                _ if attempt.is_ok_and(|a| a < restarts) => &mut out.previous,
                None => &mut out.active,
                Some(end) if end.kind == "Failed" => &mut out.failed,
                Some(_) => &mut out.succeeded,
            };
            list.push(job);
        }
        out
    }

    fn all(&self) -> impl Iterator<Item = &Arc<Job>> {
        let current = self.active.iter().chain(&self.succeeded);
        current.chain(&self.failed).chain(&self.previous)
    }
}

/// How many Jobs a replicated job has.
fn replicas(replicated: &Value) -> i64 {
    replicated["replicas"].as_i64().unwrap_or(1)
}

/// All of its pods run or are done.
fn ready(job: &Job) -> bool {
    let wanted = job.spec.parallelism.unwrap_or(1);
    let wanted = job.spec.completions.map_or(wanted, |c| c.min(wanted));
    job.status.succeeded + job.status.ready.unwrap_or(0) >= wanted
}

impl Set<'_, '_> {
    fn run(&mut self) {
        self.count();
        if self.look.is("Completed") || self.look.is("Failed") {
            for job in self.jobs.active.clone() {
                self.look.delete(&job.object, "Foreground");
            }
            self.expire();
            return;
        }
        for job in self.jobs.previous.clone() {
            self.look.delete(&job.object, "Foreground");
        }
        if !self.suspended() && self.all_ready() {
            self.set(
                "RestartingJobSet",
                false,
                "JobsReady",
                "all jobs are ready",
                false,
            );
        }
        if !self.jobs.failed.is_empty() {
            self.failure();
            return;
        }
        if !self.jobs.succeeded.is_empty() && self.succeeded() {
            let text = "jobset completed successfully";
            self.set("Completed", true, "AllJobsCompleted", text, false);
            self.set("RestartingJobSet", false, "JobSetCompleted", text, false);
            self.look.status["terminalState"] = json!("Completed");
            return;
        }
        self.service();
        self.create_jobs();
        if self.suspended() {
            self.suspend();
        } else {
            self.resume();
        }
    }

    fn suspended(&self) -> bool {
        self.look.spec["suspend"] == true
    }

    fn replicated(&self) -> Vec<Value> {
        let all = self.look.spec["replicatedJobs"].as_array();
        all.cloned().unwrap_or_default()
    }

    fn in_order(&self) -> bool {
        self.look.spec["startupPolicy"]["startupPolicyOrder"] == "InOrder"
    }

    /// `status.replicatedJobsStatus`: Jobs, not pods; the last name first.
    fn count(&mut self) {
        let mut all = Vec::new();
        for replicated in self.replicated() {
            let name = replicated["name"].as_str().unwrap_or_default();
            let of = |list: &[Arc<Job>], f: &dyn Fn(&Job) -> bool| {
                let ours = list.iter().filter(|j| label(j, jobs::REPLICATED) == name);
                ours.filter(|j| f(j)).count()
            };
            let jobs = &self.jobs;
            all.push(json!({
                "name": name,
                "ready": of(&jobs.active, &ready),
                "succeeded": of(&jobs.succeeded, &|_| true),
                "failed": of(&jobs.failed, &|_| true),
                "active": of(&jobs.active, &|j| j.status.active > 0),
                "suspended": of(&jobs.active, &Job::suspended),
            }));
        }
        all.sort_by(|a, b| b["name"].as_str().cmp(&a["name"].as_str()));
        self.look.status["replicatedJobsStatus"] = json!(all);
        // The field is required where there is a status.
        if self.look.status["restarts"].is_null() {
            self.look.status["restarts"] = json!(0);
        }
    }

    /// One number of a replicated job's status.
    fn number(&self, replicated: &str, field: &str) -> i64 {
        let all = self.look.status["replicatedJobsStatus"].as_array();
        let ours = all.into_iter().flatten().find(|s| s["name"] == replicated);
        ours.and_then(|s| s[field].as_i64()).unwrap_or(0)
    }

    fn started(&self, replicated: &str) -> i64 {
        let fields = ["failed", "ready", "succeeded"];
        fields.iter().map(|f| self.number(replicated, f)).sum()
    }

    fn all_ready(&self) -> bool {
        let all = self.replicated();
        let wanted: i64 = all.iter().map(replicas).sum();
        let names = all.iter().filter_map(|r| r["name"].as_str());
        let there = names.map(|n| self.number(n, "ready") + self.number(n, "succeeded"));
        wanted == there.sum::<i64>()
    }

    /// Have those it depends on come as far as it wants them to be?
    fn may_start(&self, replicated: &Value) -> bool {
        let all = self.replicated();
        let on = replicated["dependsOn"].as_array().into_iter().flatten();
        let mut reached = on.map(|on| {
            let name = on["name"].as_str().unwrap_or_default();
            let wanted = all.iter().find(|r| r["name"] == name).map(replicas);
            let there = match on["status"].as_str() {
                Some("Complete") => self.number(name, "succeeded"),
                _ => self.started(name),
            };
            wanted == Some(there)
        });
        reached.all(|r| r)
    }

    /// Makes what is missing, in the order that the set asks for.
    fn create_jobs(&mut self) {
        let blocking = self.look.spec["failurePolicy"]["restartStrategy"] == "BlockingRecreate";
        for replicated in self.replicated() {
            let name = replicated["name"].as_str().unwrap_or_default();
            if !self.may_start(&replicated) {
                continue;
            }
            let in_order = !self.suspended() && self.in_order();
            if in_order && self.started(name) == replicas(&replicated) {
                continue;
            }
            let waits = blocking && !self.jobs.previous.is_empty();
            for index in (0..replicas(&replicated)).filter(|_| !waits) {
                let job = jobs::name(&self.look.object.name, name, index);
                if self.jobs.all().any(|j| j.object.name == job) {
                    continue;
                }
                let value = jobs::job(&self.look, &replicated, index);
                if let Err(why) = self.look.create("batch", "jobs", value)
                    && why.code != 409
                {
                    let text = format!("job \"{job}\" creation failed with error: {}", why.message);
                    self.look.event(true, "JobCreationFailed", &text);
                    self.look.again_in(10.0);
                    return;
                }
            }
            if in_order {
                self.in_progress();
                return;
            }
        }
        if !self.suspended() && self.in_order() {
            let text = "in order startup policy has completed";
            let reason = "InOrderStartupPolicyCompleted";
            self.set("StartupPolicyCompleted", true, reason, text, false);
        }
    }

    fn in_progress(&mut self) {
        let text = "in order startup policy is in progress";
        let reason = "InOrderStartupPolicyInProgress";
        self.set("StartupPolicyInProgress", true, reason, text, false);
    }

    fn suspend(&mut self) {
        for job in self.jobs.active.clone().iter().filter(|j| !j.suspended()) {
            self.look
                .edit(&job.object, |v| v["spec"]["suspend"] = json!(true));
        }
        let text = "jobset is suspended";
        self.set("Suspended", true, "SuspendedJobs", text, false);
        self.set("RestartingJobSet", false, "JobSetSuspended", text, false);
    }

    fn resume(&mut self) {
        for replicated in self.replicated() {
            let name = replicated["name"].as_str().unwrap_or_default();
            if !self.may_start(&replicated)
                || (self.in_order() && self.started(name) == replicas(&replicated))
            {
                continue;
            }
            for job in self.jobs.active.clone() {
                if job.suspended() && label(&job, jobs::REPLICATED) == name {
                    // Where its pods go may be another place than when it was made.
                    let pods = replicated["template"]["spec"]["template"].clone();
                    self.look.edit(&job.object, |v| {
                        place(&mut v["spec"]["template"], &pods);
                        v["spec"]["suspend"] = json!(false);
                    });
                }
            }
            if self.in_order() {
                self.in_progress();
                return;
            }
        }
        self.set("Suspended", false, "ResumeJobs", "jobset is resumed", false);
    }

    /// The headless service by which the pods find each other.
    fn service(&mut self) {
        let network = self.look.spec["network"].clone();
        if network["enableDNSHostnames"] != true {
            return;
        }
        let name = jobs::subdomain(&self.look);
        let spec = json!({
            "clusterIP": "None",
            "selector": {jobs::SET: self.look.object.name},
            "publishNotReadyAddresses": network["publishNotReadyAddresses"],
        });
        self.look.service(&name, Value::Null, spec);
    }

    fn expire(&mut self) {
        let ttl = self.look.spec["ttlSecondsAfterFinished"].as_f64();
        let ends = ["Completed", "Failed"].iter().find(|c| self.look.is(c));
        let end = ends.and_then(|c| self.look.condition(c));
        let (Some(ttl), Some(end)) = (ttl, end.and_then(|c| time(&c["lastTransitionTime"]))) else {
            return;
        };
        let at = end + self.look.hub.seconds(ttl);
        if self.look.now() < at {
            self.look.again_at(at);
        } else {
            let object = self.look.object.clone();
            self.look.delete(&object, "Foreground");
        }
    }

    /// Sets a condition and says so, as the controller does: one that is not there is not made False.
    fn set(&mut self, name: &str, status: bool, reason: &str, text: &str, warning: bool) {
        if !status && self.look.condition(name).is_none() {
            return;
        }
        // Of these two only one holds.
        let pair = ["StartupPolicyInProgress", "StartupPolicyCompleted"];
        let other = pair.iter().find(|o| pair.contains(&name) && **o != name);
        if let Some(other) = other.filter(|o| status && self.look.is(o)) {
            let all = self.look.status["conditions"].as_array_mut();
            let old = all.into_iter().flatten().filter(|c| c["type"] == **other);
            old.for_each(|c| c["status"] = json!("False"));
        }
        if self.look.set(name, status, reason, text) {
            self.look.event(warning, reason, text);
        }
    }
}

#[cfg(test)]
mod tests;
