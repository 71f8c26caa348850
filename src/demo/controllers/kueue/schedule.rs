//! The scheduler's two ends: reading queues, cohorts, flavors and checks for the engine, and writing what a run of it
//! decided.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::engine::spec::{CohortSpec, FlavorSpec, Group, GroupFlavor, Key, Policy, QueueSpec};
use super::engine::tree::Quota;
use super::engine::{Assignment, Outcome, Preemption, amount};
use super::seen::{Seen, say};
use super::{Controller, Facts, Ids, Local, Step, texts, thousandths};
use crate::controllers::hub::Hub;
use crate::controllers::tasks::Task;
use crate::store::KindId;

const WHO: &str = "kueue-admission";

fn objects(hub: &Hub<'_>, kind: KindId) -> Vec<(Key, std::sync::Arc<Value>)> {
    let all = hub.cluster.store.list(kind, None).filter(|o| !o.deleting);
    all.map(|o| ((o.namespace.clone(), o.name.clone()), o.tree()))
        .collect()
}

fn groups(spec: &Value) -> Vec<Group> {
    let list = |v: &Value| v.as_array().cloned().unwrap_or_default();
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let all = list(&spec["resourceGroups"]).into_iter();
    all.map(|g| Group {
        covered: list(&g["coveredResources"]).iter().map(text).collect(),
        flavors: list(&g["flavors"])
            .iter()
            .map(|f| GroupFlavor {
                name: text(&f["name"]),
                quotas: list(&f["resources"])
                    .iter()
                    .map(|r| {
                        let quota = Quota {
                            nominal: thousandths(&r["nominalQuota"]).unwrap_or(0),
                            borrowing: thousandths(&r["borrowingLimit"]),
                            lending: thousandths(&r["lendingLimit"]),
                        };
                        (text(&r["name"]), quota)
                    })
                    .collect(),
            })
            .collect(),
    })
    .collect()
}

fn weight(spec: &Value) -> f64 {
    thousandths(&spec["fairSharing"]["weight"]).map_or(1.0, |w| w as f64 / 1000.0)
}

fn stop(spec: &Value) -> String {
    spec["stopPolicy"].as_str().unwrap_or("None").to_owned()
}

fn queue_spec(name: &str, spec: &Value) -> QueueSpec {
    let preemption = &spec["preemption"];
    let borrow = &preemption["borrowWithinCohort"];
    let fungibility = &spec["flavorFungibility"];
    QueueSpec {
        name: name.to_owned(),
        cohort: spec["cohortName"]
            .as_str()
            .filter(|c| !c.is_empty())
            .map(str::to_owned),
        groups: groups(spec),
        strict: spec["queueingStrategy"] == "StrictFIFO",
        within: Policy::parse(preemption["withinClusterQueue"].as_str()),
        reclaim: Policy::parse(preemption["reclaimWithinCohort"].as_str()),
        borrow: (borrow["policy"] == "LowerPriority")
            .then(|| borrow["maxPriorityThreshold"].as_i64()),
        next_before_borrowing: fungibility["whenCanBorrow"] == "TryNextFlavor",
        next_before_preempting: fungibility["whenCanPreempt"] != "MayStopSearch",
        preempt_before_borrowing: fungibility["preference"] == "PreemptionOverBorrowing",
        weight: weight(spec),
        active: true,
    }
}

impl Controller {
    /// Reads everything that workloads are admitted by, and looks at all of them again.
    pub(super) fn read_configuration(&mut self, hub: &mut Hub<'_>, ids: Ids) {
        super::checks::judge_all(hub, ids);
        super::multikueue::judge_all(hub, ids, &self.workers);
        let checks: BTreeMap<String, bool> = objects(hub, ids.checks)
            .into_iter()
            .map(|(key, check)| {
                let all = check["status"]["conditions"]
                    .as_array()
                    .into_iter()
                    .flatten();
                let active = all
                    .into_iter()
                    .any(|c| c["type"] == "Active" && c["status"] == "True");
                (key.1, active)
            })
            .collect();
        let flavors: BTreeMap<String, FlavorSpec> = objects(hub, ids.flavors)
            .into_iter()
            .map(|(key, flavor)| {
                let spec = &flavor["spec"];
                let list = |f: &str| spec[f].as_array().cloned().unwrap_or_default();
                let flavor = FlavorSpec {
                    labels: texts(&spec["nodeLabels"]),
                    taints: list("nodeTaints"),
                    tolerations: list("tolerations"),
                };
                (key.1, flavor)
            })
            .collect();
        let cohorts: Vec<CohortSpec> = objects(hub, ids.cohorts)
            .into_iter()
            .map(|(key, cohort)| CohortSpec {
                parent: cohort["spec"]["parentName"]
                    .as_str()
                    .filter(|p| !p.is_empty())
                    .map(str::to_owned),
                groups: groups(&cohort["spec"]),
                weight: weight(&cohort["spec"]),
                name: key.1,
            })
            .collect();
        self.facts.clear();
        let mut queues = Vec::new();
        for (key, queue) in objects(hub, ids.queues) {
            let mut spec = queue_spec(&key.1, &queue["spec"]);
            let facts = facts(&queue["spec"], &spec, &flavors, &checks);
            spec.active = facts.active.0 == "Ready";
            self.facts.insert(key.1, facts);
            queues.push(spec);
        }
        let locals = objects(hub, ids.locals).into_iter().map(|(key, local)| {
            let spec = &local["spec"];
            let queue = spec["clusterQueue"].as_str().unwrap_or_default().to_owned();
            (
                key,
                Local {
                    queue,
                    stop: stop(spec),
                },
            )
        });
        self.locals = locals.collect();
        self.engine.configure(queues, &cohorts, flavors);
        self.unsaid.extend(self.facts.keys().cloned());
        let soon = hub.seconds(1.0);
        hub.wake_in(soon, Task::Kueue(Step::Status));
        let keys: Vec<Key> = hub
            .cluster
            .store
            .list(ids.workloads, None)
            .map(|o| (o.namespace.clone(), o.name.clone()))
            .collect();
        for key in keys {
            hub.wake(Task::Kueue(Step::Workload(key)));
        }
        hub.wake(Task::Kueue(Step::Cycle));
    }

    /// Lets the engine decide, and writes what it decided.
    pub(super) fn schedule(&mut self, hub: &mut Hub<'_>, ids: Ids) {
        // Times of objects have no parts of seconds.
        let now = hub.now().timestamp() * 1000;
        for outcome in self.engine.run(now) {
            match outcome {
                Outcome::Reserved { key, assignment } => {
                    self.reserve(hub, ids, &key, &assignment);
                }
                Outcome::Waits {
                    key,
                    reason,
                    message,
                    assignment,
                } => wait(hub, ids, &key, (reason, &message), &assignment),
                Outcome::Preempts(preemption) => self.preempt(hub, ids, &preemption),
            }
        }
    }

    fn reserve(&mut self, hub: &mut Hub<'_>, ids: Ids, key: &Key, assignment: &Assignment) {
        let Some(mut wl) = Seen::load(hub, ids.workloads, key) else {
            return;
        };
        let now = hub.now();
        let queue = self
            .engine
            .get(key)
            .map(|w| w.queue.clone())
            .unwrap_or_default();
        let sets = assignment.sets.iter().map(|set| {
            let usage = set.requests.iter();
            let usage = usage.filter(|(r, _)| set.flavors.contains_key(*r));
            let usage: BTreeMap<_, _> = usage.map(|(r, n)| (r, amount(r, *n))).collect();
            json!({"name": set.name, "flavors": set.flavors, "resourceUsage": usage, "count": set.count})
        });
        let sets: Vec<Value> = sets.collect();
        let created = wl.meta["creationTimestamp"]
            .as_str()
            .and_then(|t| t.parse().ok());
        let since = wl.since("Requeued").or(created).unwrap_or(now);
        wl.reserve(
            now,
            json!({"clusterQueue": queue, "podSetAssignments": sets}),
        );
        let facts = self.facts.get(&queue);
        let complete = facts.is_none_or(|f| {
            f.checks.iter().all(|(name, on)| {
                let mine = on.is_empty()
                    || assignment
                        .sets
                        .iter()
                        .any(|s| s.flavors.values().any(|f| on.contains(f)));
                !mine || wl.checks().iter().any(|c| c["name"] == **name)
            })
        });
        if complete {
            wl.sync_admitted(now);
        }
        wl.write(hub);
        let mut text = format!(
            "Quota reserved in ClusterQueue {queue}, wait time since queued was {}s",
            (now - since).num_seconds()
        );
        let considered = assignment.considered();
        if !considered.is_empty() {
            text.push_str(&format!("; Flavors considered: {considered}"));
        }
        say(hub, &wl.object, WHO, false, "QuotaReserved", &text);
        if wl.admitted() {
            let text =
                format!("Admitted by ClusterQueue {queue}, wait time since reservation was 0s");
            say(hub, &wl.object, WHO, false, "Admitted", &text);
        }
        self.tell_of(hub, &queue);
    }

    fn preempt(&mut self, hub: &mut Hub<'_>, ids: Ids, p: &Preemption) {
        let Some(mut wl) = Seen::load(hub, ids.workloads, &p.target.key) else {
            return;
        };
        let Some(by) = self.engine.get(&p.preemptor).cloned() else {
            return;
        };
        let victim = wl.spec["priority"].as_i64().unwrap_or(0);
        let now = hub.now();
        let text = format!(
            "Preempted to accommodate a workload (UID: {}, JobUID: {}) due to {}; preemptor path: {}; preemptee path: {}",
            by.uid,
            if by.job_uid.is_empty() {
                "UNKNOWN"
            } else {
                &by.job_uid
            },
            p.target.why.words(),
            p.paths.0,
            p.paths.1,
        );
        let ranks = format!(
            "preemptor effective priority: {0} (base: {0}, boost: 0); preemptee effective priority: {victim} (base: {victim}, boost: 0)",
            by.priority
        );
        wl.set(now, ("Preempted", true), p.target.why.reason(), &text);
        wl.evict(hub, "Preempted", &text, "");
        wl.write(hub);
        say(
            hub,
            &wl.object,
            WHO,
            false,
            "Preempted",
            &format!("{text}; {ranks}"),
        );
        if let Some(object) = hub.get(ids.workloads, &p.preemptor) {
            let (ns, name) = &p.target.key;
            let text = format!(
                "Preempted workload {ns}/{name} (UID: {}) in ClusterQueue {}; {ranks}",
                wl.object.uid, p.target.queue
            );
            say(hub, &object, WHO, false, "PreemptedWorkload", &text);
        }
    }
}

/// It has to wait: why, and what it asks for.
fn wait(
    hub: &mut Hub<'_>,
    ids: Ids,
    key: &Key,
    (reason, message): (&str, &str),
    assignment: &Assignment,
) {
    let Some(mut wl) = Seen::load(hub, ids.workloads, key) else {
        return;
    };
    let now = hub.now();
    let old = wl.condition("QuotaReserved").cloned().unwrap_or_default();
    wl.unreserve(now, reason, message);
    if !assignment.sets.is_empty() {
        let sets = assignment.sets.iter().map(|set| {
            let wanted = set.requests.iter().map(|(r, n)| (r, amount(r, *n)));
            json!({"name": set.name, "resources": wanted.collect::<BTreeMap<_, _>>()})
        });
        wl.status["resourceRequests"] = sets.collect();
    }
    wl.write(hub);
    if old["reason"] != reason || old["message"] != message {
        say(hub, &wl.object, WHO, true, reason, message);
    }
}

/// Whether a queue admits, and what it asks beside quota.
fn facts(
    spec: &Value,
    queue: &QueueSpec,
    flavors: &BTreeMap<String, FlavorSpec>,
    checks: &BTreeMap<String, bool>,
) -> Facts {
    let wanted = spec["admissionChecksStrategy"]["admissionChecks"].as_array();
    let wanted: Vec<(String, Vec<String>)> = wanted
        .into_iter()
        .flatten()
        .map(|c| {
            let on = c["onFlavors"].as_array().into_iter().flatten();
            let on = on.filter_map(Value::as_str).map(str::to_owned);
            (
                c["name"].as_str().unwrap_or_default().to_owned(),
                on.collect(),
            )
        })
        .collect();
    let used = queue
        .groups
        .iter()
        .flat_map(|g| &g.flavors)
        .map(|f| f.name.as_str());
    let missing: Vec<&str> = used.filter(|f| !flavors.contains_key(*f)).collect();
    let names = |f: &dyn Fn(&String) -> bool| {
        let all = wanted.iter().map(|(name, _)| name).filter(|n| f(n));
        all.map(String::as_str).collect::<Vec<_>>()
    };
    let unknown = names(&|n| !checks.contains_key(n));
    let inactive = names(&|n| checks.get(n) == Some(&false));
    let stop = stop(spec);
    let mut why: Vec<(&'static str, String)> = Vec::new();
    if stop != "None" {
        why.push(("Stopped", "is stopped".to_owned()));
    }
    for (reason, what, list) in [
        ("FlavorNotFound", "missing ResourceFlavor(s)", missing),
        (
            "AdmissionCheckNotFound",
            "missing AdmissionCheck(s)",
            unknown,
        ),
        (
            "AdmissionCheckInactive",
            "inactive AdmissionCheck(s)",
            inactive,
        ),
    ] {
        if !list.is_empty() {
            why.push((reason, format!("references {what}: {}", list.join(","))));
        }
    }
    let active = match why.first() {
        None => ("Ready", "Can admit new workloads".to_owned()),
        Some((reason, _)) => {
            let texts: Vec<&str> = why.iter().map(|(_, t)| t.as_str()).collect();
            (
                *reason,
                format!("Can't admit new workloads: {}.", texts.join(", ")),
            )
        }
    };
    Facts {
        stop,
        active,
        selector: spec["namespaceSelector"].clone(),
        checks: wanted,
    }
}
