//! What the replicas' counts say of the whole job: running, succeeded, restarting or failed, in each kind's words.

use std::sync::Arc;

use serde_json::{Value, json};

use super::Look;
use super::conditions;
use super::frameworks::Failing;
use super::replicas::{Count, index, of_role};
use crate::controllers::wire::Pod;

impl Look<'_, '_> {
    /// Goes through the roles as they were counted; `restarting` is the condition before they were.
    pub fn judge(
        &mut self,
        counts: &[(&'static str, Count)],
        pods: &[Arc<Pod>],
        restarting: Option<&Value>,
    ) {
        let led = self.team().led();
        for (role, count) in counts {
            let decides = if led || self.framework.kind == "XGBoostJob" {
                self.framework.leaders.contains(role)
            } else {
                *role == "Worker"
            };
            if decides {
                if count.active > 0 && (led || !self.complete(role, *count, pods)) {
                    self.running();
                }
                if self.complete(role, *count, pods) {
                    self.succeed();
                    if led && self.framework.kind != "TFJob" {
                        return;
                    }
                }
            }
            if count.failed > 0 {
                self.fail(role, *count, restarting);
            }
        }
    }

    /// Has the role that decides done its work?
    fn complete(&self, role: &str, count: Count, pods: &[Arc<Pod>]) -> bool {
        if count.succeeded >= count.wanted {
            return true;
        }
        if self.team().led() {
            return false;
        }
        match self.framework.kind {
            "PyTorchJob" => self.spec["elasticPolicy"].is_object() && count.succeeded > 0,
            "TFJob" if self.spec["successPolicy"] != "AllWorkers" => {
                let mut workers = of_role(pods, role);
                workers.any(|p| index(p) == Some(0) && p.succeeded())
            }
            _ => false,
        }
    }

    /// The job as its messages name it, and whether that is with its namespace.
    fn named(&self) -> (String, bool) {
        let (kind, job) = (self.framework.kind, &self.object);
        let whole = match kind {
            "TFJob" | "JAXJob" => true,
            "XGBoostJob" => false,
            _ => !self.team().led(),
        };
        let name = if whole {
            format!("{kind} {}/{}", job.namespace, job.name)
        } else {
            format!("{kind} {}", job.name)
        };
        (name, whole)
    }

    fn running(&mut self) {
        let text = format!("{} is running.", self.named().0);
        self.set("Running", true, "Running", &text);
    }

    fn succeed(&mut self) {
        let text = match self.named() {
            (name, true) => format!("{name} successfully completed."),
            (name, false) => format!("{name} is successfully completed."),
        };
        self.event(false, &format!("{}Succeeded", self.framework.kind), &text);
        self.complete_now();
        self.set("Succeeded", true, "Succeeded", &text);
    }

    fn complete_now(&mut self) {
        if self.status["completionTime"].is_null() {
            self.status["completionTime"] = json!(self.now);
        }
    }

    fn fail(&mut self, role: &str, count: Count, restarting: Option<&Value>) {
        let (kind, name) = (self.framework.kind, self.object.name.clone());
        let (n, policy) = (count.failed, self.team().policy(role).to_owned());
        let again = match self.framework.failing {
            Failing::ByPolicy if count.wanted <= count.succeeded + count.active => return,
            Failing::ByPolicy => policy != "Never",
            Failing::UnlessExitCode => {
                self.running();
                policy == "ExitCode"
            }
            Failing::UnlessRestarting => {
                // Restarting was said when its pods were looked at, before or now.
                let now = conditions::get(&self.status, "Restarting").cloned();
                if let Some(was) = now.as_ref().or(restarting) {
                    let message = was["message"].as_str().unwrap_or_default().to_owned();
                    self.set("Restarting", true, "Restarting", &message);
                    return;
                }
                if role == "Worker" && self.spec["enableDynamicWorker"] == true {
                    return;
                }
                false
            }
        };
        if again {
            let text = format!("{kind} {name} is restarting because {n} {role} replica(s) failed.");
            self.event(true, &format!("{kind}Restarting"), &text);
            self.set("Restarting", true, "Restarting", &text);
            return;
        }
        let text = match self.framework.failing {
            Failing::UnlessRestarting => {
                let namespace = &self.object.namespace;
                format!(
                    "{kind} {namespace}/{name} has failed because {n} {role} replica(s) failed."
                )
            }
            _ => format!("{kind} {name} is failed because {n} {role} replica(s) failed."),
        };
        self.event(false, &format!("{kind}Failed"), &text);
        self.complete_now();
        self.set("Failed", true, "Failed", &text);
    }
}
