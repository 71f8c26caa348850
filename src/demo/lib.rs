//! The demo cluster: a small honest Kubernetes in this process, reached only through HTTP on loopback.
//!
//! Nothing of the product uses this crate except its command line and the tests; it shares no type with
//! the cluster layer, so that a wrong field name cannot be wrong on both sides and pass.
//!
//! ```text
//! http → api (verbs, admission) → store ← controllers (job, scheduler, kubelet, gc) ← clock
//! ```

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod api;
pub mod clock;
pub mod console;
pub mod controllers;
pub mod crds;
pub mod devices;
pub mod exporter;
pub mod http;
pub mod inside;
pub mod kinds;
pub mod logs;
pub mod scenario;
pub mod store;
pub mod world;

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use api::logs::LogSource;
use api::write::Cluster;
use controllers::kueue::Place;
use http::faults::Switchboard;
use store::Object;

/// What the API server stands on: the cluster's state and whatever acts in it.
pub trait Backend: Send + 'static {
    fn cluster(&self) -> &Cluster;
    fn cluster_mut(&mut self) -> &mut Cluster;
    /// Lets controllers do all that is due; answers when something is due next. Called after every write
    /// and at that instant, never inside a request.
    fn settle(&mut self) -> Option<DateTime<Utc>>;
    fn logs(&self) -> &dyn LogSource;
    /// Makes so many changes a second from now on, for their own sake.
    fn stir(&mut self, _rate: u32) {}
    /// How many of those there were.
    fn changes(&self) -> u64 {
        0
    }
    /// Clusters beside this one that get an API server of their own. Settling this one settles them too.
    fn workers(&self) -> Vec<Worker> {
        Vec::new()
    }
    /// What the web server of a running pod says on a port; `Closed` where none listens.
    fn visit(&self, _pod: &Arc<Object>, _port: u16, _path: &str) -> exporter::Answer {
        exporter::Answer::Closed
    }
    /// What is found in a container of a pod; none if it does not run.
    fn place(&self, pod: &Arc<Object>, container: &str) -> Option<console::Place> {
        let now = self.cluster().clock.now();
        console::Place::of(&pod.tree(), container, now)
    }
    /// Who waits in a queue, in order; `None` if there is no such queue.
    fn waiting(&self, _: &Place, _limit: usize, _offset: usize) -> Option<Vec<Value>> {
        None
    }
}

/// A cluster beside the main one.
pub struct Worker {
    /// As Kueue's `MultiKueueCluster` calls it.
    pub name: String,
    pub shared: Shared,
}

/// Which context of the demo's kubeconfig each of its worker clusters is, by the name of its `MultiKueueCluster`.
pub fn worker_contexts() -> BTreeMap<String, String> {
    let all = scenario::WORKERS.iter();
    all.map(|name| ((*name).to_owned(), context_of(name)))
        .collect()
}

fn context_of(worker: &str) -> String {
    format!("demo-{worker}")
}

/// The state behind all connections. The lock is held for one request's work, never across an await.
#[derive(Clone)]
pub struct Shared(Arc<Mutex<dyn Backend>>);

impl Shared {
    pub fn new(backend: impl Backend) -> Self {
        Self(Arc::new(Mutex::new(backend)))
    }

    pub fn lock(&self) -> MutexGuard<'_, dyn Backend + 'static> {
        // A panic elsewhere must not take the whole cluster down; each write leaves it consistent.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running demo cluster; it ends when this is dropped.
pub struct Demo {
    addr: SocketAddr,
    shared: Shared,
    /// Worker clusters: name, address, state.
    workers: Vec<(String, SocketAddr, Shared)>,
    runtime: Option<Runtime>,
}

impl Demo {
    /// Serves `backend` on `addr` (port 0: any free one), on threads of its own.
    ///
    /// # Errors
    /// When the address cannot be bound or the threads cannot be started.
    pub fn start(addr: SocketAddr, backend: impl Backend) -> io::Result<Self> {
        Self::begin(addr, backend, None)
    }

    /// The same with a switchboard that makes the main cluster's server misbehave.
    ///
    /// # Errors
    /// When the address cannot be bound or the threads cannot be started.
    pub fn start_faulty(
        addr: SocketAddr,
        backend: impl Backend,
        faults: Switchboard,
    ) -> io::Result<Self> {
        Self::begin(addr, backend, Some(faults))
    }

    fn begin(
        addr: SocketAddr,
        backend: impl Backend,
        faults: Option<Switchboard>,
    ) -> io::Result<Self> {
        let fixed = addr.port() != 0;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("demo")
            .enable_all()
            .build()?;
        let shared = Shared::new(backend);
        let (addr, listener) = bind(&runtime, addr)?;
        let mut workers = Vec::new();
        let mut stirred = vec![shared.clone()];
        for (nth, worker) in (1..).zip(shared.lock().workers()) {
            // the ports after a fixed one, where they are free
            let near = addr.port().checked_add(nth).filter(|_| fixed);
            let near = SocketAddr::new(addr.ip(), near.unwrap_or(0));
            let any = SocketAddr::new(addr.ip(), 0);
            let (addr, listener) = bind(&runtime, near).or_else(|_| bind(&runtime, any))?;
            runtime.spawn(http::serve(listener, worker.shared.clone()));
            stirred.push(worker.shared.clone());
            workers.push((worker.name, addr, worker.shared));
        }
        runtime.spawn(drive(shared.clone(), stirred));
        match faults {
            Some(board) => runtime.spawn(board.serve(listener, shared.clone())),
            None => runtime.spawn(http::serve(listener, shared.clone())),
        };
        Ok(Self {
            addr,
            shared,
            workers,
            runtime: Some(runtime),
        })
    }

    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The cluster behind the server, for tests.
    pub fn shared(&self) -> &Shared {
        &self.shared
    }

    /// The address of a worker cluster's own API server.
    pub fn worker_addr(&self, name: &str) -> Option<SocketAddr> {
        let found = self.workers.iter().find(|(worker, ..)| worker == name);
        found.map(|(_, addr, _)| *addr)
    }

    /// The worker cluster of a name, for tests.
    pub fn worker(&self, name: &str) -> Option<&Shared> {
        let found = self.workers.iter().find(|(worker, ..)| worker == name);
        found.map(|(.., shared)| shared)
    }

    /// A kubeconfig whose context `demo` reaches this server, and further ones its worker clusters.
    pub fn kubeconfig_yaml(&self) -> String {
        let workers = self.workers.iter();
        let workers = workers.map(|(name, addr, _)| (context_of(name), *addr));
        let all: Vec<(String, SocketAddr)> = std::iter::once(("demo".to_owned(), self.addr))
            .chain(workers)
            .collect();
        let mut out = "apiVersion: v1\nkind: Config\ncurrent-context: demo\nclusters:\n".to_owned();
        for (name, addr) in &all {
            out.push_str(&format!(
                "- name: {name}\n  cluster:\n    server: http://{addr}\n"
            ));
        }
        out.push_str("contexts:\n");
        for (name, _) in &all {
            out.push_str(&format!(
                "- name: {name}\n  context:\n    cluster: {name}\n    user: demo\n    namespace: default\n"
            ));
        }
        out.push_str("users:\n- name: demo\n  user: {}\n");
        out
    }
}

/// A listener on an address (port 0: any free one) and the address it has.
fn bind(runtime: &Runtime, addr: SocketAddr) -> io::Result<(SocketAddr, TcpListener)> {
    // bound without the runtime: the caller may be inside one of its own, and must learn of a failure
    let listener = std::net::TcpListener::bind(addr)?;
    listener.set_nonblocking(true)?;
    let _inside = runtime.enter();
    let listener = TcpListener::from_std(listener)?;
    Ok((listener.local_addr()?, listener))
}

impl Drop for Demo {
    fn drop(&mut self) {
        // Not the blocking shutdown: a Demo may be dropped inside another runtime.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Runs the controllers after every write to any of the clusters and whenever time makes something due.
async fn drive(shared: Shared, stirred: Vec<Shared>) {
    let stores = stirred.iter().map(|s| s.lock().cluster().store.subscribe());
    let mut changed: Vec<_> = stores.collect();
    loop {
        let pause = {
            let mut world = shared.lock();
            let next = world.settle();
            // of the others' stores a write in between is not to be missed
            if let Some(own) = changed.first_mut() {
                own.borrow_and_update();
            }
            let clock = &world.cluster().clock;
            let now = clock.now();
            // a clock that stands still makes nothing due
            next.filter(|_| !clock.is_stepped())
                .map(|at| (at - now).to_std().unwrap_or(Duration::ZERO))
        };
        let mut news = Vec::new();
        for store in &mut changed {
            news.push(Box::pin(store.changed()));
        }
        tokio::select! {
            (changed, ..) = futures::future::select_all(news) => if changed.is_err() { return },
            () = tokio::time::sleep(pause.unwrap_or(Duration::MAX)), if pause.is_some() => {}
        }
    }
}
