//! The cluster that misbehaves, the client that watches all kinds of it, and the comparison with a fresh list.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use chrono::TimeDelta;
use jobdeck::cluster::report::{Notice, Report, SourceHealth};
use jobdeck::cluster::source::Tuning;
use jobdeck::cluster::target::Target;
use jobdeck::cluster::{CHANNEL, Cluster, Options};
use jobdeck::demo::api::write::{Cluster as Server, Writer};
use jobdeck::demo::clock::Clock;
use jobdeck::demo::crds;
use jobdeck::demo::http::faults::Switchboard;
use jobdeck::demo::world::World;
use jobdeck::demo::{Demo, Shared};
use jobdeck::model::Model;
use jobdeck::model::delta::SourceId;
use jobdeck::model::dra::DraKind;
use jobdeck::model::health::Health;
use jobdeck::model::want::{Kind, Selector, Want};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::harness::quick;

/// Longest wait for anything. Generous: machines are slow.
const PATIENCE: Duration = Duration::from_secs(60);

/// One object of every kind that takes no controller to be there, and jobs whose pods the controllers make.
fn objects() -> Vec<Value> {
    let named = |version: &str, kind: &str, name: &str, spec: Value| {
        json!({
            "apiVersion": version, "kind": kind,
            "metadata": {"name": name, "namespace": "default"}, "spec": spec,
        })
    };
    let pod = json!({"spec": {
        "restartPolicy": "Never",
        "containers": [{"name": "main", "image": "busybox:1.36", "command": ["sh", "-c", "sleep 900"],
            "resources": {"requests": {"cpu": "1"}}}],
    }});
    let mut all = Vec::new();
    for n in 0..3 {
        let capacity = json!({"cpu": "16", "memory": "64Gi", "pods": "110", "nvidia.com/gpu": "8"});
        all.push(json!({
            "apiVersion": "v1", "kind": "Node",
            "metadata": {"name": format!("node-{n}"), "labels": {"nvidia.com/gpu.product": "NVIDIA-H100-80GB-HBM3"}},
            "status": {"capacity": capacity, "allocatable": capacity,
                "conditions": [{"type": "Ready", "status": "True"}]},
        }));
    }
    for name in ["alpha", "beta", "gamma"] {
        let spec = json!({"completionMode": "Indexed", "completions": 4, "parallelism": 2, "template": pod});
        all.push(named("batch/v1", "Job", name, spec));
    }
    let cron = json!({"schedule": "0 3 * * *", "jobTemplate": {"spec": {"template": pod}}});
    all.push(named("batch/v1", "CronJob", "nightly", cron));
    let set = json!({"replicatedJobs": [{"name": "workers", "replicas": 2, "template": {"spec": {"template": pod}}}]});
    all.push(named("jobset.x-k8s.io/v1alpha2", "JobSet", "set", set));
    let replicas = json!({"Worker": {"replicas": 2, "template": {"spec": {
        "containers": [{"name": "pytorch", "image": "busybox:1.36", "command": ["sh", "-c", "sleep 900"]}]}}}});
    let torch = json!({"pytorchReplicaSpecs": replicas});
    all.push(named("kubeflow.org/v1", "PyTorchJob", "torch", torch));
    let kueue = "kueue.x-k8s.io/v1beta2";
    all.push(named(kueue, "ResourceFlavor", "any", json!({})));
    let groups = json!([{"coveredResources": ["cpu"], "flavors": [
        {"name": "any", "resources": [{"name": "cpu", "nominalQuota": "8"}]}]}]);
    let queue = json!({"namespaceSelector": {}, "cohortName": "all", "resourceGroups": groups});
    all.push(named(kueue, "ClusterQueue", "team", queue));
    all.push(named(
        kueue,
        "LocalQueue",
        "team",
        json!({"clusterQueue": "team"}),
    ));
    let class = json!({
        "apiVersion": kueue, "kind": "WorkloadPriorityClass", "metadata": {"name": "high"},
        "value": 100, "description": "first",
    });
    all.push(class);
    let mut queued = named("batch/v1", "Job", "queued", json!({"template": pod}));
    queued["metadata"]["labels"] = json!({"kueue.x-k8s.io/queue-name": "team"});
    all.push(queued);
    let class = json!({
        "apiVersion": "resource.k8s.io/v1", "kind": "DeviceClass", "metadata": {"name": "gpu"}, "spec": {},
    });
    all.push(class);
    all
}

/// Puts an object where its kind belongs, past the API.
pub fn put(server: &mut Server, object: &Value) {
    let (group, _) = match object["apiVersion"].as_str().unwrap().split_once('/') {
        Some((group, version)) => (group, version),
        None => ("", "v1"),
    };
    let kind = object["kind"].as_str().unwrap();
    let found = server.store.kinds();
    let (id, namespaced) = found
        .filter(|(_, k)| k.group == group && k.kind == kind)
        .map(|(id, k)| (id, k.namespaced))
        .next()
        .unwrap_or_else(|| panic!("{group} {kind} is not served"));
    let namespace = if namespaced { "default" } else { "" };
    let mut object = object.clone();
    if !namespaced {
        object["metadata"]
            .as_object_mut()
            .unwrap()
            .remove("namespace");
    }
    let made = server.create(id, namespace, object, &Writer::new("suite"));
    if let Err(refusal) = made {
        panic!("{kind}: {}", refusal.status());
    }
}

/// A small world with everything in it, its clock standing.
pub fn world() -> World {
    let clock = Clock::stepped("2026-11-23T12:00:00Z".parse().unwrap(), 1.0);
    let mut world = World::new(Server::new(clock, 1));
    crds::install(&mut world.cluster);
    world.settle();
    for object in objects() {
        put(&mut world.cluster, &object);
    }
    world.settle();
    world
}

/// A demo cluster at a switchboard.
pub struct Bench {
    pub demo: Demo,
    pub board: Switchboard,
}

impl Bench {
    pub fn start() -> Self {
        Self::start_on(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
    }

    pub fn start_on(addr: SocketAddr) -> Self {
        let board = Switchboard::default();
        let demo = Demo::start_faulty(addr, world(), board.clone()).expect("a port");
        Self { demo, board }
    }

    pub fn target(&self) -> Target {
        let url = format!("http://{}", self.demo.addr());
        Target::plain(url.parse().unwrap(), "faulty")
    }

    pub fn shared(&self) -> &Shared {
        self.demo.shared()
    }

    /// Lets so many seconds pass in the cluster: pods start, run and end.
    pub fn pass(&self, seconds: i64) {
        let mut world = self.shared().lock();
        let now = world.cluster().clock.now();
        world
            .cluster_mut()
            .clock
            .set(now + TimeDelta::seconds(seconds));
        world.settle();
    }

    pub fn make(&self, object: &Value) {
        let mut world = self.shared().lock();
        put(world.cluster_mut(), object);
        world.settle();
    }

    /// A job of one pod.
    pub fn job(&self, name: &str) {
        self.make(&json!({
            "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name},
            "spec": {"template": {"spec": {"restartPolicy": "Never",
                "containers": [{"name": "main", "image": "busybox:1.36", "command": ["sleep", "5"]}]}}},
        }));
    }

    /// Gone at once, whatever a grace period would say.
    pub fn remove(&self, group: &str, plural: &str, name: &str) {
        let mut world = self.shared().lock();
        let store = &mut world.cluster_mut().store;
        let id = store.kind_id(group, plural).unwrap();
        let namespace = if store.kind(id).namespaced {
            "default"
        } else {
            ""
        };
        store.remove(id, namespace, name).expect("it was there");
        world.settle();
    }

    /// Changes a label of a job: an event for one kind only.
    pub fn touch(&self, group: &str, plural: &str, name: &str, value: &str) {
        let mut world = self.shared().lock();
        let store = &mut world.cluster_mut().store;
        let id = store.kind_id(group, plural).unwrap();
        let namespace = if store.kind(id).namespaced {
            "default"
        } else {
            ""
        };
        let object = store.get(id, namespace, name).expect("it is there");
        let mut value_ = object.value();
        value_["metadata"]["labels"]["touched"] = json!(value);
        store.put(id, value_);
    }

    /// Something of everything: time, a new job, one that is gone, one of the same name that is another.
    pub fn stir(&self, round: u32) {
        self.job(&format!("stirred-{round}"));
        if round > 0 {
            self.remove("batch", "jobs", &format!("stirred-{}", round - 1));
            self.job(&format!("stirred-{}", round - 1));
        }
        self.touch("batch", "jobs", "beta", &format!("r{round}"));
        self.touch("jobset.x-k8s.io", "jobsets", "set", &format!("r{round}"));
        self.touch("", "nodes", "node-1", &format!("r{round}"));
        self.pass(7);
    }
}

/// A client of all kinds, as the app would be one with everything on screen.
pub struct Deck {
    pub cluster: Cluster,
    reports: mpsc::Receiver<Report>,
    pub model: Model,
    /// How each source is now, and how it was.
    pub sources: BTreeMap<SourceId, SourceHealth>,
    pub told: Vec<SourceHealth>,
    pub notices: Vec<Notice>,
    pub blind: Option<Option<String>>,
    is_impatient: bool,
}

/// Everything that waits, waits little; but a silent watch is taken for what it is for longer than any test waits: what is
/// right only because all was listed anew in the end is wrong.
pub fn tuning() -> Tuning {
    Tuning {
        page: 4,
        answer: Duration::from_millis(1200),
        stream_silence: Duration::from_millis(800),
        watch_silence: PATIENCE * 2,
        ..quick()
    }
}

/// The same for servers that fall silent.
pub fn impatient() -> Tuning {
    Tuning {
        watch_silence: Duration::from_millis(800),
        ..tuning()
    }
}

/// All that is watched at once by any screen.
pub fn wants() -> Vec<Want> {
    let kinds = [
        Kind::Job,
        Kind::CronJob,
        Kind::Pod,
        Kind::Node,
        Kind::Event,
        Kind::Namespace,
        Kind::Dra(DraKind::ResourceSlice),
        Kind::Dra(DraKind::ResourceClaim),
        Kind::Dra(DraKind::DeviceClass),
    ];
    let watches = kinds.map(|kind| Want::Watch(kind, Selector::All));
    watches.into_iter().chain([Want::Workloads]).collect()
}

impl Deck {
    pub async fn open(bench: &Bench) -> Self {
        Self::open_with(bench.target(), tuning()).await
    }

    pub async fn open_with(target: Target, tuning: Tuning) -> Self {
        let (out, reports) = mpsc::channel(CHANNEL);
        let is_impatient = tuning.watch_silence < PATIENCE;
        let options = Options {
            tuning,
            ..Options::default()
        };
        let cluster = Cluster::open(target, options, out).await.unwrap();
        let mut deck = Self {
            cluster,
            reports,
            model: Model::default(),
            sources: BTreeMap::new(),
            told: Vec::new(),
            notices: Vec::new(),
            blind: None,
            is_impatient,
        };
        deck.cluster.want(None, &wants());
        deck
    }

    fn take(&mut self, report: Report) {
        match report {
            Report::Delta(delta) => self.model.apply(delta),
            Report::Health(health) => {
                self.told.push(health.clone());
                self.sources.insert(health.source, health);
            }
            Report::Ended { source, .. } => {
                self.sources.remove(&source);
            }
            Report::Notice(notice) => self.notices.push(notice),
            Report::Workloads { blind, .. } => self.blind = Some(blind),
            _ => {}
        }
    }

    /// All sources answer, and nothing is on its way.
    pub fn is_well(&self) -> bool {
        let well = |h: &SourceHealth| match &h.health {
            Health::Live | Health::Absent => true,
            // nothing happens in a world whose clock stands, and who is impatient takes that for an end
            Health::Stale { why, .. } => self.is_impatient && why.contains("no sign of life"),
            _ => false,
        };
        self.blind == Some(None) && self.sources.len() > 20 && self.sources.values().all(well)
    }

    /// Takes reports until it is so.
    #[track_caller]
    pub fn until<'a>(
        &'a mut self,
        what: &'a str,
        mut so: impl FnMut(&Self) -> bool + 'a,
    ) -> impl Future<Output = ()> + 'a {
        let at = std::panic::Location::caller();
        async move {
            let all = async {
                while !so(self) {
                    let report = self.reports.recv().await.expect("the cluster is open");
                    self.take(report);
                }
            };
            if tokio::time::timeout(PATIENCE, all).await.is_err() {
                let ill: Vec<String> = self
                    .sources
                    .values()
                    .filter(|h| !matches!(h.health, Health::Live | Health::Absent))
                    .map(|h| format!("{}: {:?}", h.kind.plural(), h.health))
                    .collect();
                panic!("{at}: never {what}: {ill:#?}, blind {:?}", self.blind);
            }
        }
    }

    /// Takes what has come.
    pub async fn catch_up(&mut self, time: Duration) {
        let end = tokio::time::Instant::now() + time;
        while let Ok(Some(report)) = tokio::time::timeout_at(end, self.reports.recv()).await {
            self.take(report);
        }
    }

    /// What was told of a kind, in words.
    pub fn words(&self, plural: &str) -> Vec<String> {
        let all = self.told.iter().filter(|h| h.kind.plural() == plural);
        all.filter_map(|h| match &h.health {
            Health::Stale { why, .. } => Some(format!("stale: {why}")),
            Health::Failing { why } => Some(format!("failing: {why}")),
            Health::Forbidden { verb, resource, .. } => {
                Some(format!("forbidden: {verb} {resource}"))
            }
            Health::Absent => Some("absent".to_owned()),
            _ => None,
        })
        .collect()
    }

    /// Until all is well and the store holds exactly what a fresh list holds.
    #[track_caller]
    pub fn until_same<'a>(&'a mut self, bench: &'a Bench) -> impl Future<Output = ()> + 'a {
        let at = std::panic::Location::caller();
        async move {
            let mut fresh = Self::open(bench).await;
            fresh.until("a fresh list", Self::is_well).await;
            let wanted = rows(&fresh.model);
            assert!(wanted.len() > 30, "{wanted:#?}");
            let same = async {
                while !self.is_well() || rows(&self.model) != wanted {
                    let report = self.reports.recv().await.expect("the cluster is open");
                    self.take(report);
                }
            };
            if tokio::time::timeout(PATIENCE, same).await.is_err() {
                let have = rows(&self.model);
                let differs = |(key, row): (&String, &String)| {
                    (wanted.get(key) != Some(row)).then(|| format!("{key}: {row}"))
                };
                let extra: Vec<String> = have.iter().filter_map(differs).collect();
                let lacks = |(key, row): (&String, &String)| {
                    (have.get(key) != Some(row)).then(|| format!("{key}: {row}"))
                };
                let lacking: Vec<String> = wanted.iter().filter_map(lacks).collect();
                panic!(
                    "{at}: not what a fresh list holds\nhere: {extra:#?}\nthere: {lacking:#?}\nhealth: {:#?}",
                    self.sources
                        .values()
                        .map(|h| (h.kind.plural(), &h.health))
                        .collect::<Vec<_>>()
                );
            }
        }
    }
}

/// Every row of every kind, and what is made of several: kind and uid → all of it, in words.
pub fn rows(model: &Model) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    macro_rules! tables {
        ($($name:literal $table:expr),* $(,)?) => { $(for row in $table.rows() {
            all.insert(format!("{} {:?}", $name, row.key.uid), format!("{row:?}"));
        })* };
    }
    let kueue = &model.kueue;
    tables![
        "job" model.jobs,
        "cronjob" model.cronjobs,
        "pod" model.pods,
        "node" model.nodes,
        "event" model.events,
        "namespace" model.namespaces,
        "slice" model.slices,
        "claim" model.claims,
        "class" model.classes,
        "workload" kueue.workloads,
        "clusterqueue" kueue.cluster_queues,
        "localqueue" kueue.local_queues,
        "cohort" kueue.cohorts,
        "flavor" kueue.flavors,
        "priorityclass" kueue.priority_classes,
        "check" kueue.checks,
        "topology" kueue.topologies,
        "workercluster" kueue.worker_clusters,
        "workerconfig" kueue.worker_configs,
        "provisioning" kueue.provisionings,
        "quota" kueue.quotas,
        "volcanoqueue" kueue.volcano_queues,
    ];
    for job in model.jobs.rows() {
        let key = format!("status {:?}", job.key.uid);
        let pods = model.pods_of(job.key).count();
        all.insert(key, format!("{:?} pods {pods}", model.status(job)));
    }
    all
}
