//! The population of a large cluster: nodes, queues, jobs and pods that are there when the scene's history is over, as
//! a control plane finds them when it starts.
//!
//! They are written into the store as they stand, since simulating their births would take as long as it took them;
//! but what is written is cast in molds of what the simulated controllers made of one of each, every pod stands where
//! the scheduler has room for it, and every admitted Workload has its quota.

mod classes;
mod hosts;
mod mold;
mod plan;

use std::collections::{HashMap, VecDeque};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use self::classes::{Cast, End, Named, each_text, rename};
use self::plan::{Job, Plan, Queue};
use super::{Options, create};
use crate::api::write::{Cluster, Random};
use crate::clock::rfc3339;
use crate::controllers::kubelet::{Grant, host_ip, mix};
use crate::controllers::kueue;
use crate::controllers::scheduler::Berths;
use crate::controllers::wire::INDEX;
use crate::devices::Inventory;
use crate::store::{Owner, Text};
use crate::world::World;

pub use hosts::join;

const GPU: &str = "nvidia.com/gpu";

/// Makes the queues, jobs and pods that the options ask for, at `now`, when all nodes are there.
/// `there` of the pods are there already.
pub fn fill(world: &mut World, options: &Options, there: usize, now: DateTime<Utc>) {
    let plan = Plan::new(options, there);
    let casts = classes::cast(options.seed);
    for name in plan.namespaces() {
        world.namespace(&name);
    }
    let berths = casts.iter().map(|c| world.berths(&c.asks)).collect();
    let mut filler = Filler {
        world,
        casts: &casts,
        berths,
        random: Random::new(options.seed ^ 0xf1ee7),
        queues: plan.queues.clone(),
        devices: HashMap::new(),
        now,
    };
    for job in &plan.jobs {
        filler.job(job);
    }
    let queues = std::mem::take(&mut filler.queues);
    for queue in &queues {
        queue.write(&mut world.cluster);
    }
    world.adopt();
}

struct Filler<'a> {
    world: &'a mut World,
    casts: &'a [Cast],
    /// Where there may be room, by class.
    berths: Vec<Berths>,
    random: Random,
    queues: Vec<Queue>,
    /// Node → its devices that nobody has.
    devices: HashMap<String, VecDeque<String>>,
    now: DateTime<Utc>,
}

/// Where a pod is, and what it has there.
struct Place {
    host: String,
    zone: String,
    devices: Vec<String>,
}

impl Filler<'_> {
    fn job(&mut self, job: &Job) {
        let casts = self.casts;
        let Some(cast) = casts.get(job.class) else {
            return;
        };
        let queue = job.queue.and_then(|q| self.queues.get(q)).cloned();
        let namespace = job.namespace.as_str();
        let local = queue.as_ref().map(|q| q.name.clone()).unwrap_or_default();
        if job.waits {
            let shape = format!("c{0} p{0} indexed i0", job.running);
            let manifest = cast.class.manifest(&job.name, &shape, &local, End::Runs);
            let _ = create(&mut self.world.cluster, namespace, manifest);
            return;
        }
        let uid = self.random.uuid();
        let named = Named {
            name: &job.name,
            uid: &uid,
            old_uid: &cast.old_uid(job.end),
            namespace,
            local: &local,
            queue: &local,
        };
        let begun = self.now - TimeDelta::seconds(job.age);
        let mut places = Vec::new();
        for _ in 0..job.running {
            let pod = self.random.uuid();
            match self.place(job.class, &pod) {
                Some(place) => places.push((pod, place)),
                None => break,
            }
        }
        if job.running > 0 && places.is_empty() {
            return;
        }
        let width = places.len();
        self.write_job(cast, job, &named, width, begun);
        if let Some(nth) = job.queue {
            self.write_workload(cast, job, &named, width, begun);
            if job.end == End::Runs
                && let Some(queue) = self.queues.get_mut(nth)
            {
                queue.use_quota(cast.class, width);
            }
        }
        for (nth, (pod, place)) in places.into_iter().enumerate() {
            let index = job.done + job.failed + nth;
            self.pod(cast, &named, (index, End::Runs), &pod, place, begun);
        }
        // what is over stands where there was room once
        for nth in 0..job.kept.min(job.done) {
            self.ended(cast, &named, (job.done - 1 - nth, End::Succeeded), begun);
        }
        for nth in 0..job.failed.min(job.kept.max(1)) {
            self.ended(cast, &named, (job.done + nth, End::Failed), begun);
        }
    }

    fn place(&mut self, class: usize, pod: &str) -> Option<Place> {
        let gpus = self.casts.get(class)?.class.gpus;
        let node = self.world.berth(self.berths.get_mut(class)?, pod)?;
        let devices = if gpus == 0 {
            Vec::new()
        } else {
            let world = &self.world;
            let free = self.devices.entry(node.name.clone()).or_insert_with(|| {
                let held: Vec<&String> = world.taken(&node.name);
                let all = Inventory::of(&node).devices.into_iter();
                all.filter(|d| d.healthy && d.resource == GPU && !held.contains(&&d.id))
                    .map(|d| d.id)
                    .collect()
            });
            free.drain(..gpus.min(free.len())).collect()
        };
        let zone = node.labels.get("topology.kubernetes.io/zone");
        Some(Place {
            host: node.name.clone(),
            zone: zone.cloned().unwrap_or_default(),
            devices,
        })
    }

    fn ended(&mut self, cast: &Cast, job: &Named<'_>, what: (usize, End), begun: DateTime<Utc>) {
        let Some(berths) = self
            .casts
            .iter()
            .position(|c| c.class.stem == cast.class.stem)
        else {
            return;
        };
        let Some(node) = self
            .berths
            .get_mut(berths)
            .and_then(|b| self.world.any_berth(b))
        else {
            return;
        };
        let zone = node.labels.get("topology.kubernetes.io/zone");
        let uid = self.random.uuid();
        let mut devices = self.devices_of(&node.name, cast.class.gpus);
        devices.truncate(cast.class.gpus);
        let place = Place {
            host: node.name.clone(),
            zone: zone.cloned().unwrap_or_default(),
            devices,
        };
        self.pod(cast, job, what, &uid, place, begun);
    }

    /// Devices that a pod which is over had.
    fn devices_of(&self, node: &str, count: usize) -> Vec<String> {
        if count == 0 {
            return Vec::new();
        }
        let kinds = self.world.kinds();
        let node = self.world.cluster.store.get(kinds.nodes, "", node);
        let all = node.map(|n| Inventory::of(n).devices).unwrap_or_default();
        all.into_iter()
            .filter(|d| d.resource == GPU)
            .map(|d| d.id)
            .collect()
    }

    fn pod(
        &mut self,
        cast: &Cast,
        job: &Named<'_>,
        (index, end): (usize, End),
        uid: &str,
        place: Place,
        begun: DateTime<Utc>,
    ) {
        let kinds = self.world.kinds();
        let bits = self.random.draw();
        let stem = format!("{}-{index}", job.name);
        let name = format!("{stem}-{}", self.random.suffix(5));
        let (host, index) = (host_ip(&place.host), index.to_string());
        let ip = format!(
            "10.{}.{}.{}",
            244 + bits % 8,
            (bits >> 8) % 256,
            2 + (bits >> 16) % 250
        );
        let id: String = (1..5).map(|i| format!("{:016x}", mix(bits ^ i))).collect();
        let numbered = format!(r#"job-completion-index":"{index}""#);
        let container = format!("containerd://{id}");
        let devices = health(&place.devices);
        let store = &mut self.world.cluster.store;
        let version = format!(r#""resourceVersion":"{}""#, store.next_rv());
        let words = [
            name.as_str(),
            &stem,
            job.name,
            job.uid,
            uid,
            job.namespace,
            &place.host,
            &host,
            &ip,
            &numbered,
            &container,
            &devices,
            &place.zone,
            &version,
            job.local,
            job.queue,
        ];
        // one after the other, as a Job's pods are made
        let begun = begun + TimeDelta::milliseconds((bits % 9000) as i64);
        let mut text = cast.pods[end as usize].fill(&words, begun);
        text.labels.insert(INDEX.to_owned(), index);
        let owner = Owner {
            uid: job.uid.to_owned(),
            kind: "Job".to_owned(),
            name: job.name.to_owned(),
            controller: true,
            block_owner_deletion: true,
        };
        store.put_text(
            kinds.pods,
            Text {
                namespace: job.namespace.to_owned(),
                name,
                uid: uid.to_owned(),
                owners: vec![owner],
                ..text
            },
        );
        if end == End::Runs && !place.devices.is_empty() {
            let grant = Grant {
                container: cast.container.clone(),
                resource: GPU.to_owned(),
                ids: place.devices,
            };
            self.world.grant(uid, vec![grant]);
        }
    }

    fn write_job(
        &mut self,
        cast: &Cast,
        job: &Job,
        named: &Named<'_>,
        width: usize,
        begun: DateTime<Utc>,
    ) {
        let mut value = set(&cast.jobs[job.end as usize], named, begun);
        let all = width + job.done + job.failed + job.ahead;
        value["metadata"]["uid"] = json!(named.uid);
        value["spec"]["completions"] = json!(all);
        value["spec"]["parallelism"] = json!(if job.end == End::Runs { width } else { all });
        let status = &mut value["status"];
        if job.end == End::Runs {
            status["active"] = json!(width);
            status["ready"] = json!(width);
        }
        if job.done > 0 {
            status["succeeded"] = json!(job.done);
            status["completedIndexes"] = json!(span(0, job.done));
        }
        if job.failed > 0 {
            status["failed"] = json!(job.failed);
            status["failedIndexes"] = json!(span(job.done, job.failed));
        }
        let kind = self.world.kinds().jobs;
        self.world.cluster.store.put(kind, value);
    }

    fn write_workload(
        &mut self,
        cast: &Cast,
        job: &Job,
        named: &Named<'_>,
        width: usize,
        begun: DateTime<Utc>,
    ) {
        let Some(specimen) = cast.workloads.get(job.end as usize) else {
            return;
        };
        let Some(kind) = self
            .world
            .cluster
            .store
            .kind_id("kueue.x-k8s.io", "workloads")
        else {
            return;
        };
        let mut value = set(specimen, named, begun);
        let all = width + job.done + job.failed;
        value["metadata"]["uid"] = json!(self.random.uuid());
        value["metadata"]["name"] =
            json!(kueue::workload_name("batch", "Job", named.name, named.uid));
        value["spec"]["podSets"][0]["count"] = json!(all);
        let assigned = &mut value["status"]["admission"]["podSetAssignments"][0];
        if assigned.is_object() {
            assigned["count"] = json!(all);
            for (_, amount) in assigned["resourceUsage"]
                .as_object_mut()
                .into_iter()
                .flatten()
            {
                *amount = json!(times(amount.as_str().unwrap_or_default(), all as u64));
            }
        }
        self.world.cluster.store.put(kind, value);
    }
}

impl Cast {
    fn old_uid(&self, end: End) -> String {
        let uid = &self.jobs[end as usize]["metadata"]["uid"];
        uid.as_str().unwrap_or_default().to_owned()
    }
}

/// A specimen's tree with its own words and times.
fn set(specimen: &Value, named: &Named<'_>, begun: DateTime<Utc>) -> Value {
    let mut value = specimen.clone();
    each_text(&mut value, &mut |text| {
        let time = text.strip_prefix('@').and_then(|t| t.strip_suffix('@'));
        if let Some(offset) = time.and_then(|t| t.parse().ok()) {
            *text = rfc3339(begun + TimeDelta::seconds(offset));
        } else {
            rename(text, named);
        }
    });
    value
}

/// Indexes as a Job's status lists them.
fn span(from: usize, count: usize) -> String {
    match count {
        0 => String::new(),
        1 => from.to_string(),
        2 => format!("{from},{}", from + 1),
        _ => format!("{from}-{}", from + count - 1),
    }
}

/// A quantity so many times.
fn times(amount: &str, n: u64) -> String {
    let digits = amount.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit = &amount[digits.len()..];
    match digits.parse::<u64>() {
        Ok(one) => format!("{}{unit}", one * n),
        Err(_) => amount.to_owned(),
    }
}

/// `allocatedResourcesStatus` of a container with these devices.
fn health(devices: &[String]) -> String {
    let one = |id: &String| json!({"health": "Healthy", "resourceID": id});
    json!([{"name": GPU, "resources": devices.iter().map(one).collect::<Vec<Value>>()}]).to_string()
}

impl Queue {
    fn write(&self, cluster: &mut Cluster) {
        let kueue = |kind: &str, name: &str, spec: Value| json!({"apiVersion": "kueue.x-k8s.io/v1beta2", "kind": kind, "metadata": {"name": name}, "spec": spec});
        if self.first_of_cohort {
            let spec = json!({"parentName": "fleet"});
            let _ = create(cluster, "", kueue("Cohort", &self.cohort, spec));
        }
        let quota = |flavor: &str, resource: &str| match resource {
            "cpu" => self.cpu + 8,
            "memory" => self.memory + 32,
            _ => self.gpus.get(flavor).copied().unwrap_or(0),
        };
        let spec = classes::queue_spec(&quota, Some(&self.cohort));
        let _ = create(cluster, "", kueue("ClusterQueue", &self.name, spec));
        let spec = json!({"clusterQueue": self.name});
        let _ = create(
            cluster,
            &self.namespace,
            kueue("LocalQueue", &self.name, spec),
        );
    }
}

#[cfg(test)]
mod tests;
