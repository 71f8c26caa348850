//! Scenes: which nodes and jobs a demo cluster holds, and what arrives there in the course of time.

mod arrivals;
mod claims;
mod east;
mod exporters;
mod fleet;
mod nodes;
mod script;
mod workloads;

use std::collections::VecDeque;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use self::nodes::Quirks;
use self::script::Entry;
use super::api::write::{Cluster, Random, Writer};
use super::api::{decode, defaults};
use super::clock::{Clock, rfc3339};
use super::controllers::Kinds;
use super::controllers::kubelet::hash;
use super::crds;
use super::world::World;

pub(crate) const DEFAULT: &str = include_str!("scenario/default.txt");

/// The worker clusters that can be reached, as `MultiKueueCluster`s are called.
pub(crate) const WORKERS: [&str; 1] = ["east"];

/// Minutes of history that a scene begins with.
const HISTORY: u64 = 180;
/// Number of nodes of the default scene.
const NODES: usize = 41;

/// Nodes that stop answering in the course of the history.
const LOST: [&str; 2] = ["cpu-spot-0", "gpu-gb200-3"];

/// What kind of demo cluster is wanted.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    pub seed: u64,
    /// Simulated seconds per wall second.
    pub speed: f64,
    pub nodes: usize,
    /// Pods beside the scene's own.
    pub pods: usize,
    /// Jobs, Workloads and queues that they belong to; as many as such a cluster has if none are named.
    pub jobs: Option<usize>,
    pub workloads: Option<usize>,
    pub queues: Option<usize>,
    /// Changes per second that nobody asked for.
    pub churn: u32,
}

impl Options {
    /// The scene, made large enough for so many pods.
    pub fn sized(pods: usize) -> Self {
        Self {
            nodes: NODES.max((pods * 3).div_ceil(40)),
            pods,
            ..Self::default()
        }
    }

    fn jobs(&self) -> usize {
        self.jobs.unwrap_or(self.pods.div_ceil(20))
    }

    fn workloads(&self) -> usize {
        self.workloads.unwrap_or(self.pods.div_ceil(50))
    }

    fn queues(&self) -> usize {
        self.queues.unwrap_or(self.pods.div_ceil(500))
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seed: 1,
            speed: 1.0,
            nodes: NODES,
            pods: 0,
            jobs: None,
            workloads: None,
            queues: None,
            churn: 0,
        }
    }
}

/// "Now" of scenes whose clock is stepped: the same bytes on every day.
pub fn epoch() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(1_787_500_800)
}

impl World {
    /// The default scene with its history, following the wall clock from now on.
    pub fn live(options: &Options) -> Self {
        // whole seconds, as all times of objects are
        let now = DateTime::from_timestamp(Utc::now().timestamp(), 0).unwrap_or_default();
        let mut world = scene(options, now);
        world.follow_wall();
        world.stir(options.churn);
        world
    }

    /// The default scene `after` its beginning, on a clock that only [`World::advance_to`] moves.
    pub fn stepped(options: &Options, after: Duration) -> Self {
        let mut world = scene(options, epoch());
        world.stir(options.churn);
        let after = TimeDelta::from_std(after).unwrap_or_default();
        world.advance_to(epoch() + after);
        world
    }
}

fn scene(options: &Options, now: DateTime<Utc>) -> World {
    let clock = Clock::stepped(now, options.speed);
    let start = now - clock.scaled(Duration::from_secs(HISTORY * 60));
    let clock = Clock::stepped(start, options.speed);
    let mut world = World::new(Cluster::new(clock, options.seed));
    let kinds = world.kinds();
    furnish(&mut world.cluster, kinds, options, start);
    let clock = world.cluster.clock.clone();
    world.play(Scene::new(DEFAULT, options.seed, start, &clock));
    for name in WORKERS {
        world.employ(name, east::world(options.seed, start, &clock));
    }
    world.unseen_until(now);
    world.replay(true);
    world.advance_to(now);
    world.write_down();
    // what is there beside the scene has no part in its history
    let brought = fleet::join(&mut world, options, now);
    if options.pods > 0 {
        fleet::fill(&mut world, options, brought, now);
    }
    world.advance_to(now);
    world.replay(false);
    world.forget_history();
    world
}

/// Definitions and namespaces.
fn found(cluster: &mut Cluster, kinds: Kinds) {
    crds::install(cluster);
    let by = Writer::new("kubectl-create");
    for name in [
        "ml-team-a",
        "ml-team-b",
        "research",
        "inference",
        "data-platform",
    ] {
        let value = json!({"metadata": {"name": name}});
        let _ = cluster.create(kinds.namespaces, "", value, &by);
    }
}

/// Definitions, namespaces and nodes.
fn furnish(cluster: &mut Cluster, kinds: Kinds, options: &Options, start: DateTime<Utc>) {
    found(cluster, kinds);
    for (family, nth) in nodes::layout(options.nodes.min(NODES)) {
        let quirks = Quirks::of(family, nth);
        join(cluster, kinds, nodes::node(family, nth, quirks, start));
    }
    exporters::install(cluster, kinds, options.seed, start);
    claims::install(cluster, kinds, options.seed, start);
}

/// A node that was there before the scene begins: put in place as it is, in one version, as there may be thousands.
fn join(cluster: &mut Cluster, kinds: Kinds, mut node: Value) {
    node["kind"] = json!("Node");
    node["apiVersion"] = json!("v1");
    node["metadata"]["uid"] = json!(cluster.random.uuid());
    defaults::apply("", "Node", &mut node);
    cluster.store.put(kinds.nodes, node);
}

/// Something that happens at a time.
#[derive(Debug)]
enum Act {
    Submit(Box<Entry>),
    /// The kubelet of a node stops reporting.
    Lose(String),
    /// A device of a node falls ill, under whoever has it.
    Sicken(String),
    /// A new job out of nothing, and then the next one.
    Arrive,
}

/// A script of things that users do, and the arrivals after it.
#[derive(Debug)]
pub struct Scene {
    acts: VecDeque<(DateTime<Utc>, Act)>,
    random: Random,
    serial: u64,
    seed: u64,
}

impl Default for Scene {
    fn default() -> Self {
        Self {
            acts: VecDeque::new(),
            random: Random::new(0),
            serial: 0,
            seed: 0,
        }
    }
}

impl Scene {
    fn new(table: &str, seed: u64, start: DateTime<Utc>, clock: &Clock) -> Self {
        let mut scene = Self::quiet(table, seed, start, clock);
        let at = |minute: f64| start + clock.scaled(Duration::from_secs_f64(minute * 60.0));
        let acts = [
            (at(118.0), Act::Lose(LOST[0].to_owned())),
            (at(100.0), Act::Lose(LOST[1].to_owned())),
            (at(150.0), Act::Sicken("gpu-gb200-1".to_owned())),
            (at(HISTORY as f64 + 1.5), Act::Arrive),
        ];
        scene.acts.extend(acts);
        scene.acts.make_contiguous().sort_by_key(|(at, _)| *at);
        scene
    }

    /// A table alone, and nothing after it.
    fn quiet(table: &str, seed: u64, start: DateTime<Utc>, clock: &Clock) -> Self {
        let at = |minute: f64| start + clock.scaled(Duration::from_secs_f64(minute * 60.0));
        let random = Random::new(seed ^ 0x5ce7e);
        let mut acts: Vec<_> = script::read(table)
            .into_iter()
            .map(|entry| {
                let first = entry.manifests.first().map(|m| &m["metadata"]["name"]);
                let late = Random::new(seed ^ hash(&format!("{first:?}"))).unit() * 0.9;
                (at(entry.minute + late), Act::Submit(Box::new(entry)))
            })
            .collect();
        acts.sort_by_key(|(at, _)| *at);
        Self {
            acts: acts.into(),
            random,
            serial: 100,
            seed,
        }
    }

    /// Does what is due; answers when the next thing is due.
    pub fn step(&mut self, cluster: &mut Cluster, kinds: Kinds) -> Option<DateTime<Utc>> {
        let now = cluster.clock.now();
        while self.acts.front().is_some_and(|(at, _)| *at <= now) {
            let (at, act) = self.acts.pop_front()?;
            match act {
                Act::Submit(entry) => submit(cluster, self.seed, *entry),
                Act::Lose(node) => lose(cluster, kinds, &node),
                Act::Sicken(node) => sicken(cluster, kinds, &node),
                Act::Arrive => {
                    let (pause, entry) = arrivals::next(&mut self.random, self.serial);
                    self.serial += 1;
                    submit(cluster, self.seed, entry);
                    let pause = cluster.clock.scaled(Duration::from_secs_f64(pause * 60.0));
                    self.acts.push_back((at + pause, Act::Arrive));
                }
            }
        }
        self.acts.front().map(|(at, _)| *at)
    }
}

fn submit(cluster: &mut Cluster, seed: u64, entry: Entry) {
    for manifest in entry.manifests {
        let name = manifest["metadata"]["name"].clone();
        // What one is called by the server does not depend on what else there is.
        let own = hash(&format!("{} {} {name}", manifest["kind"], entry.namespace));
        let random = std::mem::replace(&mut cluster.random, Random::new(seed ^ own));
        let made = create(cluster, &entry.namespace, manifest);
        cluster.random = random;
        if let Err(why) = made {
            tracing::warn!(%name, why, "the scene's workload was refused");
        }
    }
}

/// Creates what a manifest describes, as `kubectl create` does.
fn create(cluster: &mut Cluster, namespace: &str, manifest: Value) -> Result<(), String> {
    let version = manifest["apiVersion"].as_str().unwrap_or_default();
    let group = version.split_once('/').map_or("", |(group, _)| group);
    let mut kinds = cluster.store.kinds();
    let found = kinds.find(|(_, k)| k.group == group && manifest["kind"] == k.kind.as_str());
    let Some((kind, namespaced)) = found.map(|(id, k)| (id, k.namespaced)) else {
        return Err(format!("{version} is not served"));
    };
    drop(kinds);
    let own = manifest["metadata"]["namespace"]
        .as_str()
        .map(str::to_owned);
    let namespace = own
        .as_deref()
        .filter(|_| namespaced)
        .unwrap_or(if namespaced { namespace } else { "" });
    let by = Writer::new("kubectl-create");
    let read = decode::conform(cluster.store.kind(kind), manifest);
    let made = read.and_then(|manifest| cluster.create(kind, namespace, manifest, &by));
    made.map(drop).map_err(|why| why.message)
}

fn lose(cluster: &mut Cluster, kinds: Kinds, node: &str) {
    let Some(found) = cluster.store.get(kinds.nodes, "", node).cloned() else {
        return;
    };
    let (mut value, now) = (found.value(), rfc3339(cluster.clock.now()));
    for c in value["status"]["conditions"]
        .as_array_mut()
        .into_iter()
        .flatten()
    {
        c["status"] = json!("Unknown");
        c["reason"] = json!("NodeStatusUnknown");
        c["message"] = json!("Kubelet stopped posting node status.");
        c["lastTransitionTime"] = json!(now);
    }
    let by = Writer::status("kube-controller-manager");
    let _ = cluster.update(kinds.nodes, value, &by);
}

/// The device plugin of a node reports one device fewer as well.
fn sicken(cluster: &mut Cluster, kinds: Kinds, node: &str) {
    const GPUS: &str = "nvidia.com/gpu";
    let Some(found) = cluster.store.get(kinds.nodes, "", node).cloned() else {
        return;
    };
    let mut value = found.value();
    let well = value["status"]["allocatable"][GPUS].as_str();
    if let Some(well) = well.and_then(|n| n.parse::<u64>().ok()) {
        value["status"]["allocatable"][GPUS] = json!(well.saturating_sub(1).to_string());
        let _ = cluster.update(kinds.nodes, value, &Writer::status("kubelet"));
    }
}

#[cfg(test)]
mod tests;
