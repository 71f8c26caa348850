//! The demo cluster: a small honest Kubernetes in this process, reached only through HTTP on loopback.
//!
//! Nothing of the product uses this module except `main` and the tests; it shares no type with
//! the cluster layer, so that a wrong field name cannot be wrong on both sides and pass.
//!
//! ```text
//! http → api (verbs, admission) → store ← controllers (job, scheduler, kubelet, gc) ← clock
//! ```

pub mod api;
pub mod clock;
pub mod controllers;
pub mod crds;
pub mod http;
pub mod kinds;
pub mod logs;
pub mod scenario;
pub mod store;
pub mod world;

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

/// What the API server stands on: the cluster's state and whatever acts in it.
pub trait Backend: Send + 'static {
    fn cluster(&self) -> &Cluster;
    fn cluster_mut(&mut self) -> &mut Cluster;
    /// Lets controllers do all that is due; answers when something is due next. Called after every write
    /// and at that instant, never inside a request.
    fn settle(&mut self) -> Option<DateTime<Utc>>;
    fn logs(&self) -> &dyn LogSource;
    /// Who waits in a queue, in order; `None` if there is no such queue.
    fn waiting(&self, _: &Place, _limit: usize, _offset: usize) -> Option<Vec<Value>> {
        None
    }
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
    runtime: Option<Runtime>,
}

impl Demo {
    /// Serves `backend` on `addr` (port 0: any free one), on threads of its own.
    ///
    /// # Errors
    /// When the address cannot be bound or the threads cannot be started.
    pub fn start(addr: SocketAddr, backend: impl Backend) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("demo")
            .enable_all()
            .build()?;
        // bound without the runtime: the caller may be inside one of its own, and must learn of a failure
        let listener = std::net::TcpListener::bind(addr)?;
        listener.set_nonblocking(true)?;
        let listener = {
            let _inside = runtime.enter();
            TcpListener::from_std(listener)?
        };
        let addr = listener.local_addr()?;
        let shared = Shared::new(backend);
        runtime.spawn(drive(shared.clone()));
        runtime.spawn(http::serve(listener, shared.clone()));
        Ok(Self {
            addr,
            shared,
            runtime: Some(runtime),
        })
    }

    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The cluster behind the server, for tests and the fault switchboard.
    pub fn shared(&self) -> &Shared {
        &self.shared
    }

    /// A kubeconfig with one context, `demo`, that reaches this server.
    pub fn kubeconfig_yaml(&self) -> String {
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: demo\n\
             clusters:\n- name: demo\n  cluster:\n    server: http://{}\n\
             contexts:\n- name: demo\n  context:\n    cluster: demo\n    user: demo\n    namespace: default\n\
             users:\n- name: demo\n  user: {{}}\n",
            self.addr
        )
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // Not the blocking shutdown: a Demo may be dropped inside another runtime.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Runs the controllers after every write and whenever time makes something due.
async fn drive(shared: Shared) {
    let mut changed = shared.lock().cluster().store.subscribe();
    loop {
        let pause = {
            let mut world = shared.lock();
            let next = world.settle();
            changed.borrow_and_update();
            let now = world.cluster().clock.now();
            next.map(|at| (at - now).to_std().unwrap_or(Duration::ZERO))
        };
        tokio::select! {
            changed = changed.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(pause.unwrap_or(Duration::MAX)), if pause.is_some() => {}
        }
    }
}
