//! The Trainer's TrainJob controller: a runtime and what the job sets beside it become a JobSet of the same name,
//! whose fate is mirrored.

mod jobset;
mod progress;

use serde_json::{Value, json};

use super::look::{Look, key_of, place};
use crate::api::write::{Cluster, Refusal};
use crate::controllers::hub::Hub;
use crate::controllers::tasks::Key;
use crate::store::Kind;

const GROUP: &str = "trainer.kubeflow.org";
const BY: &str = "trainer-trainjob-controller";
const CONTROLLER: &str = "trainer.kubeflow.org/trainjob-controller";
/// Says what a replicated job of a runtime is for.
const STEP: &str = "trainer.kubeflow.org/trainjob-ancestor-step";

/// The webhook: a job whose runtime is not there is not taken.
///
/// # Errors
/// 403 in the webhook's words.
pub fn admit(cluster: &Cluster, kind: &Kind, job: &Value) -> Result<(), Refusal> {
    let at = &job["spec"]["runtimeRef"];
    let name = at["name"].as_str().unwrap_or_default();
    let namespace = job["metadata"]["namespace"].as_str().unwrap_or_default();
    let (what, namespace) = match at["kind"].as_str() {
        Some("TrainingRuntime") => ("trainingRuntime", namespace),
        Some("ClusterTrainingRuntime") => ("clusterTrainingRuntime", ""),
        _ => return Ok(()),
    };
    let there = super::kind_id(
        &cluster.store,
        GROUP,
        at["kind"].as_str().unwrap_or_default(),
    )
    .and_then(|id| cluster.store.get(id, namespace, name));
    if there.is_some() {
        return Ok(());
    }
    let why = format!(
        "admission webhook \"validator.trainjob.trainer.kubeflow.org\" denied the request: spec.runtimeRef: \
         Invalid value: {at}: {}: specified {what} must be created before the TrainJob is created",
        missing(at)
    );
    let name = job["metadata"]["name"].as_str().unwrap_or_default();
    let mut refusal = Refusal::forbidden(kind, name, "");
    refusal.message = why;
    Err(refusal)
}

/// What the client says of a runtime that is not there.
fn missing(at: &Value) -> String {
    let text = |field: &str| at[field].as_str().unwrap_or_default();
    let (kind, name) = (text("kind"), text("name"));
    format!("{kind}.{GROUP} \"{name}\" not found")
}

/// Compares a TrainJob with its JobSet.
pub fn sync(hub: &mut Hub<'_>, key: &Key) {
    let Some(look) = Look::at(hub, (GROUP, "TrainJob"), key, BY) else {
        return;
    };
    if look.foreign(CONTROLLER) {
        return;
    }
    let mut job = TrainJob { look };
    job.run();
    job.look.close();
}

struct TrainJob<'a, 'h> {
    look: Look<'a, 'h>,
}

impl TrainJob<'_, '_> {
    fn run(&mut self) {
        let at = self.look.spec["runtimeRef"].clone();
        let kind = at["kind"].as_str().unwrap_or("ClusterTrainingRuntime");
        let group = at["apiGroup"].as_str().unwrap_or(GROUP);
        let known = ["ClusterTrainingRuntime", "TrainingRuntime"].contains(&kind);
        if group != GROUP || !known {
            let text = format!("unsupported runtime: {kind}.{group}");
            self.look
                .set("Failed", true, "TrainingRuntimeNotSupported", &text);
        } else if !self.finished()
            && let Err(why) = self.reconcile(&at)
        {
            let why: String = why.chars().take(950).collect();
            let text = format!("TrainJob resources reconciliation failed: {why}");
            self.look
                .event(true, "TrainJobResourcesCreationFailed", &text);
            self.look.again_in(30.0);
        }
        if self.suspended() {
            self.look
                .set("Suspended", true, "Suspended", "TrainJob is suspended");
        } else if self.look.is("Suspended") {
            self.look
                .set("Suspended", false, "Resumed", "TrainJob is resumed");
        }
        self.mirror();
    }

    fn finished(&self) -> bool {
        self.look.is("Complete") || self.look.is("Failed")
    }

    fn suspended(&self) -> bool {
        self.look.spec["suspend"] == true
    }

    /// Makes the JobSet; one that is there changes only around a suspension.
    fn reconcile(&mut self, at: &Value) -> Result<(), String> {
        let name = self.look.object.name.clone();
        if let Some(set) = self.look.find("jobset.x-k8s.io", "jobsets", &name) {
            let (now, wanted) = (set.tree()["spec"]["suspend"] == true, self.suspended());
            if now != wanted {
                // Patches of the runtime may have come meanwhile.
                let kind = at["kind"].as_str().unwrap_or("ClusterTrainingRuntime");
                let runtime = self.runtime(kind, at).filter(|_| !wanted);
                let built = runtime.map(|r| jobset::build(&self.look, &r));
                self.look.edit(&set, |v| {
                    if let Some(built) = built {
                        retemplate(v, &built);
                    }
                    v["spec"]["suspend"] = json!(wanted);
                });
            }
            return Ok(());
        }
        let kind = at["kind"].as_str().unwrap_or("ClusterTrainingRuntime");
        let Some(runtime) = self.runtime(kind, at) else {
            return Err(format!(
                "not found {kind} specified in TrainJob: {}",
                missing(at)
            ));
        };
        let set = jobset::build(&self.look, &runtime);
        let made = self.look.create("jobset.x-k8s.io", "jobsets", set);
        made.map(drop).map_err(|why| why.message)
    }

    fn runtime(&self, kind: &str, at: &Value) -> Option<Value> {
        let id = super::kind_id(&self.look.hub.cluster.store, GROUP, kind)?;
        let (mut namespace, _) = key_of(&self.look.object);
        if kind == "ClusterTrainingRuntime" {
            namespace.clear();
        }
        let name = at["name"].as_str()?.to_owned();
        Some(self.look.hub.get(id, &(namespace, name))?.value())
    }

    /// What the JobSet has come to, in the TrainJob's words.
    fn mirror(&mut self) {
        let name = self.look.object.name.clone();
        let Some(set) = self.look.find("jobset.x-k8s.io", "jobsets", &name) else {
            return;
        };
        let status = set.tree()["status"].clone();
        let all = status["conditions"].as_array().into_iter().flatten();
        for c in all.filter(|c| c["status"] == "True") {
            let word = match c["type"].as_str() {
                Some("Completed") => "Complete",
                Some("Failed") => "Failed",
                _ => continue,
            };
            let text = |field: &str| c[field].as_str().unwrap_or_default();
            self.look.set(word, true, text("reason"), text("message"));
        }
        let jobs = status["replicatedJobsStatus"].as_array();
        if let Some(jobs) = jobs.filter(|j| !j.is_empty()) {
            self.look.report("jobsStatus", json!(jobs));
        }
        self.progress(&set);
    }
}

/// Where the pods of each replicated job go, as the JobSet would be made now.
fn retemplate(set: &mut Value, built: &Value) {
    let new = built["spec"]["replicatedJobs"].as_array();
    let old = set["spec"]["replicatedJobs"].as_array_mut();
    for (old, new) in old.into_iter().flatten().zip(new.into_iter().flatten()) {
        let template = &new["template"]["spec"]["template"];
        place(&mut old["template"]["spec"]["template"], template);
    }
}

#[cfg(test)]
mod tests;
