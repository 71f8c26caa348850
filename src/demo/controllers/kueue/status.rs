//! The statuses of cluster queues, local queues and cohorts: counts, usage, shares, and whether they admit.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::engine::amount;
use super::engine::spec::{Group, Standing, Workload};
use super::seen::{BY, set_condition};
use super::{Controller, Ids, named};
use crate::api::write::Writer;
use crate::controllers::hub::Hub;
use crate::controllers::tasks::Key;
use crate::store::KindId;

type Sums = BTreeMap<(String, String), i64>;

fn sum<'a>(holders: impl Iterator<Item = &'a Workload>) -> Sums {
    let mut out = Sums::new();
    for wl in holders {
        if let Standing::Holding { usage, .. } = &wl.standing {
            for (fr, n) in usage {
                *out.entry(fr.clone()).or_default() += n;
            }
        }
    }
    out
}

/// Usage in the order of the queue's flavors.
fn flavors(groups: &[Group], sums: &Sums, borrowed: bool) -> Value {
    let all = groups
        .iter()
        .flat_map(|g| g.flavors.iter().map(move |f| (g, f)));
    let all = all.map(|(group, flavor)| {
        let resources = group.covered.iter().map(|resource| {
            let key = (flavor.name.clone(), resource.clone());
            let total = sums.get(&key).copied().unwrap_or(0);
            let mut out = named(resource);
            out["total"] = json!(amount(resource, total));
            if borrowed {
                let nominal = flavor.quotas.get(resource).map_or(0, |q| q.nominal);
                out["borrowed"] = json!(amount(resource, (total - nominal).max(0)));
            }
            out
        });
        let mut out = named(&flavor.name);
        out["resources"] = resources.collect();
        out
    });
    all.collect()
}

fn write(hub: &mut Hub<'_>, kind: KindId, key: &Key, change: impl FnOnce(&mut Value, &Value)) {
    let Some(object) = hub.get(kind, key) else {
        return;
    };
    let value = object.value();
    let mut status = value["status"].clone();
    if status.is_null() {
        status = json!({});
    }
    change(&mut status, &value["metadata"]["generation"]);
    if status != value["status"] {
        let by = Writer::status(BY);
        hub.edit(kind, key, &by, |v| v["status"] = status);
    }
}

impl Controller {
    /// Writes the statuses that may be other ones now.
    pub(super) fn tell(&mut self, hub: &mut Hub<'_>, ids: Ids) {
        let queues = std::mem::take(&mut self.unsaid);
        for queue in &queues {
            self.tell_queue(hub, ids, queue);
        }
        let locals: Vec<(Key, super::Local)> = self
            .locals
            .iter()
            .filter(|(_, l)| queues.contains(&l.queue) || !self.facts.contains_key(&l.queue))
            .map(|(k, l)| (k.clone(), l.clone()))
            .collect();
        for (key, local) in locals {
            self.tell_local(hub, ids, &key, &local);
        }
        let cohorts: Vec<String> = hub
            .cluster
            .store
            .list(ids.cohorts, None)
            .map(|c| c.name.clone())
            .collect();
        for cohort in cohorts {
            if let Some(share) = self.engine.cohort_share(&cohort) {
                write(hub, ids.cohorts, &(String::new(), cohort), |status, _| {
                    status["fairSharing"] = json!({"weightedShare": share});
                });
            }
        }
    }

    fn tell_queue(&self, hub: &mut Hub<'_>, ids: Ids, queue: &str) {
        let (Some(spec), Some(facts)) = (self.engine.spec(queue), self.facts.get(queue)) else {
            return;
        };
        let reserved = sum(self.engine.holding(queue));
        let used = sum(self.engine.holding(queue).filter(|w| w.admitted));
        let now = hub.now();
        let key = (String::new(), queue.to_owned());
        write(hub, ids.queues, &key, |status, generation| {
            status["flavorsReservation"] = flavors(&spec.groups, &reserved, true);
            status["flavorsUsage"] = flavors(&spec.groups, &used, true);
            status["pendingWorkloads"] = json!(self.engine.count_waiting(queue));
            status["reservingWorkloads"] = json!(self.engine.holding(queue).count());
            status["admittedWorkloads"] =
                json!(self.engine.holding(queue).filter(|w| w.admitted).count());
            status["fairSharing"] = json!({"weightedShare": self.engine.share(queue).unwrap_or(0)});
            let (reason, text) = &facts.active;
            set_condition(
                status,
                ("Active", *reason == "Ready"),
                (reason, text),
                generation,
                now,
            );
        });
    }

    fn tell_local(&self, hub: &mut Hub<'_>, ids: Ids, key: &Key, local: &super::Local) {
        let facts = self.facts.get(&local.queue);
        let blocked = "Can't submit new workloads to clusterQueue";
        let (reason, text) = match facts {
            _ if local.stop != "None" => ("Stopped", "LocalQueue is stopped"),
            None => ("ClusterQueueDoesNotExist", blocked),
            Some(f) if f.active.0 != "Ready" => ("ClusterQueueIsInactive", blocked),
            Some(_) => ("Ready", "Can submit new workloads to localQueue"),
        };
        let mine = |w: &&Workload| w.key.0 == key.0 && w.local_queue == key.1;
        let waiting = self.engine.waiting(&local.queue).unwrap_or_default();
        let waiting = waiting.iter().filter(|w| mine(w)).count();
        let holders: Vec<&Workload> = self.engine.holding(&local.queue).filter(mine).collect();
        let admitted = || holders.iter().copied().filter(|w| w.admitted);
        let groups = self
            .engine
            .spec(&local.queue)
            .map_or(&[][..], |s| &s.groups);
        let reserved = flavors(groups, &sum(holders.iter().copied()), false);
        let used = flavors(groups, &sum(admitted()), false);
        let now = hub.now();
        write(hub, ids.locals, key, |status, generation| {
            status["flavorsReservation"] = reserved;
            status["flavorsUsage"] = used;
            status["pendingWorkloads"] = json!(if local.stop == "None" { waiting } else { 0 });
            status["reservingWorkloads"] = json!(holders.len());
            status["admittedWorkloads"] = json!(admitted().count());
            set_condition(
                status,
                ("Active", reason == "Ready"),
                (reason, text),
                generation,
                now,
            );
        });
    }
}
