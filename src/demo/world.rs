//! The simulated control plane around the API server: one clock, one queue, every controller woken in turn.
//!
//! A discrete-event simulation: nothing polls, each step looks only at what a key names. With a stepped clock
//! the same seed and the same steps give the same bytes.

mod adopt;
mod churn;
mod exporters;
mod workers;

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::Backend;
use super::api::logs::LogSource;
use super::api::write::{Cluster, Writer};
use super::console;
use super::controllers::cronjob::Controller as CronJobs;
use super::controllers::dra::Claims;
use super::controllers::job::Controller as Jobs;
use super::controllers::kubelet::{Grant, Kubelet};
use super::controllers::kueue::{self, Controller as Kueue, Place};
use super::controllers::namespace::Controller as Namespaces;
use super::controllers::recorder::Recorder;
use super::controllers::scheduler::Scheduler;
use super::controllers::tasks::{Key, Task, Tasks};
use super::controllers::{Cache, Hub, Kinds, daemonset, gc, node, operators};
use super::exporter::Answer;
use super::inside;
use super::logs::Logs;
use super::scenario::Scene;
use super::store::{Event, KindId, Object};
use super::{Shared, Worker};

use churn::Churn;
use workers::Link;

/// The whole cluster.
pub struct World {
    pub cluster: Cluster,
    kinds: Kinds,
    cache: Cache,
    tasks: Tasks,
    recorder: Recorder,
    jobs: Jobs,
    cronjobs: CronJobs,
    namespaces: Namespaces,
    scheduler: Scheduler,
    kubelet: Kubelet,
    claims: Claims,
    kueue: Kueue,
    scene: Scene,
    logs: Logs,
    churn: Churn,
    /// Clusters that Kueue sends work to; their clocks follow this one's.
    workers: Vec<Link>,
    /// Workloads sent here from another cluster about which there is news.
    news: Vec<Key>,
    /// Devices of pods that are found running, by UID, until they are taken in.
    grants: HashMap<String, Vec<Grant>>,
}

/// Tasks in one settling, after which something must be running in circles.
const LIMIT: usize = if cfg!(test) { 300_000 } else { 10_000_000 };

impl World {
    /// Puts controllers around a cluster and lets them see what it already holds.
    pub fn new(mut cluster: Cluster) -> Self {
        let kinds = Kinds::of(&mut cluster.store);
        let seed = cluster.random.clone().draw();
        let mut world = Self {
            cluster,
            kinds,
            cache: Cache::default(),
            tasks: Tasks::default(),
            recorder: Recorder::default(),
            jobs: Jobs::default(),
            cronjobs: CronJobs,
            namespaces: Namespaces::default(),
            scheduler: Scheduler::default(),
            kubelet: Kubelet::default(),
            claims: Claims::default(),
            kueue: Kueue::default(),
            scene: Scene::default(),
            logs: Logs,
            churn: Churn::new(seed),
            workers: Vec::new(),
            news: Vec::new(),
            grants: HashMap::new(),
        };
        for name in ["default", "kube-system", "kube-public", "kube-node-lease"] {
            world.namespace(name);
        }
        world
    }

    /// Creates a namespace if it is not there.
    pub fn namespace(&mut self, name: &str) {
        if self
            .cluster
            .store
            .get(self.kinds.namespaces, "", name)
            .is_none()
        {
            let value = serde_json::json!({"metadata": {"name": name}});
            let by = Writer::new("kube-apiserver");
            let _ = self.cluster.create(self.kinds.namespaces, "", value, &by);
        }
    }

    pub fn kinds(&self) -> Kinds {
        self.kinds
    }

    /// Plays a scene from now on.
    pub fn play(&mut self, scene: Scene) {
        self.scene = scene;
        let now = self.cluster.clock.now();
        self.tasks.at(now, Task::Scene);
    }

    /// Nobody will look before `look`: what would have expired until then need not be written.
    pub fn unseen_until(&mut self, look: DateTime<Utc>) {
        self.recorder.begin_at(&self.cluster, look);
    }

    /// Does everything that is due at the clock's time, here and in the worker clusters.
    pub fn settle(&mut self) {
        self.settle_own();
        self.settle_workers();
    }

    fn settle_own(&mut self) {
        for _ in 0..LIMIT {
            self.digest();
            let Some(task) = self.tasks.pop(self.cluster.clock.now()) else {
                return;
            };
            self.run(task);
        }
        tracing::error!("the demo's controllers do not come to rest");
        #[cfg(test)]
        assert!(
            self.next_due() > Some(self.cluster.clock.now()),
            "the controllers do not come to rest"
        );
    }

    /// When something becomes due.
    pub fn next_due(&self) -> Option<DateTime<Utc>> {
        let theirs = self.workers.iter().filter_map(Link::next_due);
        theirs.chain(self.tasks.next()).min()
    }

    /// Steps a stepped clock to `to`, stopping at everything that becomes due on the way.
    pub fn advance_to(&mut self, to: DateTime<Utc>) {
        self.settle();
        while let Some(next) = self.next_due().filter(|next| *next <= to) {
            self.cluster.clock.set(next);
            self.settle();
        }
        self.cluster.clock.set(to);
        self.settle();
    }

    /// The newest version of an object, if it is there. Where several groups have the plural, the first served one.
    pub fn object(&self, plural: &str, namespace: &str, name: &str) -> Option<Value> {
        let store = &self.cluster.store;
        let found = store.get(self.kind_of(plural)?, namespace, name);
        found.map(|o| o.value())
    }

    /// All objects of a kind in a namespace.
    pub fn objects(&self, plural: &str, namespace: &str) -> Vec<Arc<Object>> {
        let store = &self.cluster.store;
        let kind = self.kind_of(plural);
        let all = kind.map(|k| store.list(k, Some(namespace)).cloned().collect());
        all.unwrap_or_default()
    }

    fn kind_of(&self, plural: &str) -> Option<KindId> {
        let mut kinds = self.cluster.store.kinds();
        kinds.find(|(_, k)| k.plural == plural).map(|(id, _)| id)
    }

    /// Takes in what happened in the store and wakes whom it concerns.
    fn digest(&mut self) {
        for event in self.cluster.store.take_fresh() {
            self.cache.observe(self.kinds, &event);
            self.news.extend(kueue::sent_here(&event));
            self.tell(&event);
        }
    }

    fn tell(&mut self, event: &Event) {
        let mut hub = Hub {
            cluster: &mut self.cluster,
            kinds: self.kinds,
            cache: &self.cache,
            tasks: &mut self.tasks,
            recorder: &mut self.recorder,
        };
        let (kinds, kind) = (self.kinds, event.object.kind);
        if kind == kinds.events {
            return;
        }
        // before the scheduler, so that claims are made before it looks for them
        if self.claims.observe(&mut hub, event) {
            self.scheduler.try_again(&mut hub);
        }
        if kind == kinds.pods {
            self.scheduler.observe_pod(&mut hub, event);
            self.kubelet.observe_pod(&mut hub, event);
            self.jobs.observe_pod(&mut hub, event);
        } else if kind == kinds.jobs {
            self.jobs.observe_job(&mut hub, event);
            self.cronjobs.observe_job(&mut hub, event);
        } else if kind == kinds.cronjobs {
            self.cronjobs.observe(&mut hub, event);
        } else if kind == kinds.nodes {
            self.scheduler.observe_node(&mut hub, event);
            self.kubelet.observe_node(&mut hub, event);
            node::observe(&mut hub, event);
        }
        daemonset::observe(&mut hub, event);
        operators::observe(&mut hub, event);
        self.kueue.observe(&mut hub, event);
        self.namespaces.observe(&mut hub, event);
        gc::observe(&mut hub, event);
    }

    fn run(&mut self, task: Task) {
        if task == Task::Churn {
            return self.churn();
        }
        let mut hub = Hub {
            cluster: &mut self.cluster,
            kinds: self.kinds,
            cache: &self.cache,
            tasks: &mut self.tasks,
            recorder: &mut self.recorder,
        };
        match task {
            Task::Job(key) => self.jobs.sync(&mut hub, &key),
            Task::JobTtl(key) => self.jobs.ttl(&mut hub, &key),
            Task::ReleasePod(key) => self.jobs.release_pod(&mut hub, &key),
            Task::CronJob(key) => self.cronjobs.sync(&mut hub, &key),
            Task::DaemonSet(key) => daemonset::sync(&mut hub, &key),
            Task::PodClaims(key) => self.claims.sync_pod(&mut hub, &key),
            Task::Claim(key) => self.claims.sync_claim(&mut hub, &key),
            Task::Operator(kind, key) => operators::sync(&mut hub, kind, &key),
            Task::Pod(uid) => {
                let scheduler = &self.scheduler;
                self.kubelet
                    .sync(&mut hub, &self.claims, &uid, &|node| scheduler.alive(node));
            }
            Task::Schedule => self.scheduler.run(&mut hub, &mut self.claims),
            Task::Kueue(kueue::Step::Dispatch(key)) => {
                self.kueue.dispatch(&mut hub, &mut self.workers, &key);
            }
            Task::Kueue(step) => self.kueue.run(&mut hub, &step),
            Task::Collect(uid) => gc::collect(&mut hub, &uid),
            Task::Namespace(name) => self.namespaces.sync(&mut hub, &name),
            Task::Node(name) => {
                if node::sync(&mut hub, &name) {
                    self.kubelet.revive(&mut hub, &name);
                }
            }
            Task::Expire(key) => {
                self.recorder
                    .expire(&mut self.cluster, self.kinds, &mut self.tasks, &key);
            }
            Task::Churn => {}
            Task::Scene => {
                let next = self.scene.step(&mut self.cluster, self.kinds);
                if let Some(next) = next {
                    self.tasks.at(next, Task::Scene);
                }
            }
        }
    }
}

impl Backend for World {
    fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    fn cluster_mut(&mut self) -> &mut Cluster {
        &mut self.cluster
    }

    fn settle(&mut self) -> Option<DateTime<Utc>> {
        World::settle(self);
        self.next_due()
    }

    fn logs(&self) -> &dyn LogSource {
        &self.logs
    }

    fn stir(&mut self, rate: u32) {
        World::stir(self, rate);
    }

    fn changes(&self) -> u64 {
        self.churn.changes()
    }

    fn visit(&self, pod: &Arc<Object>, port: u16, path: &str) -> Answer {
        match self.exporter(pod, port, path) {
            Answer::Closed => inside::page(&pod.tree(), port, path),
            answer => answer,
        }
    }

    fn place(&self, pod: &Arc<Object>, container: &str) -> Option<console::Place> {
        self.place_of(pod, container)
    }

    fn workers(&self) -> Vec<Worker> {
        let all = self.workers.iter();
        all.map(|link| Worker {
            name: link.name.clone(),
            shared: Shared(link.world.clone()),
        })
        .collect()
    }

    fn waiting(&self, place: &Place, limit: usize, offset: usize) -> Option<Vec<Value>> {
        kueue::pending(&self.kueue, &self.cluster, place, limit, offset)
    }
}

#[cfg(test)]
mod tests;
