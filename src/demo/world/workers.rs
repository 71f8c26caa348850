//! Worker clusters beside a cluster: worlds of their own, each behind its own lock because its own API server stands on
//! it, brought along in time by the one that sends them work.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};

use super::{LIMIT, World};
use crate::api::write::Cluster;
use crate::controllers::kueue::{Step, Workers};
use crate::controllers::tasks::Task;

/// A worker cluster and the name under which it is known.
pub struct Link {
    pub name: String,
    pub world: Arc<Mutex<World>>,
}

impl Link {
    /// Only the sending cluster holds two locks at a time, its own first: nobody waits in a circle.
    pub fn lock(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn next_due(&self) -> Option<DateTime<Utc>> {
        self.lock().tasks.next()
    }
}

impl World {
    /// Lets Kueue send work to a cluster of that name.
    pub fn employ(&mut self, name: &str, world: Self) {
        self.kueue.know(name);
        self.workers.push(Link {
            name: name.to_owned(),
            world: Arc::new(Mutex::new(world)),
        });
    }

    /// Lets the worker clusters do what is due, and reacts to it, until there is no more news.
    pub(super) fn settle_workers(&mut self) {
        if self.workers.is_empty() {
            return;
        }
        for _ in 0..LIMIT {
            let now = self.cluster.clock.now();
            let mut news = Vec::new();
            for link in &self.workers {
                let mut world = link.lock();
                world.cluster.clock.set(now);
                world.settle_own();
                news.append(&mut world.news);
            }
            if news.is_empty() {
                return;
            }
            for key in news {
                self.tasks.at(now, Task::Kueue(Step::Dispatch(key)));
            }
            self.settle_own();
        }
        tracing::error!("two of the demo's clusters do not come to rest");
    }

    /// Says the same of the clocks of all worker clusters.
    pub fn follow_wall(&mut self) {
        self.cluster.clock.follow_wall();
        for link in &self.workers {
            link.lock().cluster.clock.follow_wall();
        }
    }

    /// While history is played nobody looks: cheaper writes, and no history of them.
    pub fn replay(&mut self, on: bool) {
        self.cluster.replaying = on;
        self.cluster.store.set_unread(on);
        for link in &self.workers {
            link.lock().replay(on);
        }
    }

    /// The history is played, but there is more to come before anybody looks: too much to be kept as trees.
    pub fn write_down(&mut self) {
        self.cluster.store.set_unread(false);
        for link in &self.workers {
            link.lock().write_down();
        }
    }

    /// Nobody can have been watching until now.
    pub fn forget_history(&mut self) {
        let now = self.cluster.store.rv();
        self.cluster.store.compact(now);
        for link in &self.workers {
            link.lock().forget_history();
        }
    }
}

impl Workers for Vec<Link> {
    fn with(&mut self, name: &str, act: &mut dyn FnMut(&mut Cluster)) {
        if let Some(link) = self.iter().find(|l| l.name == name) {
            act(&mut link.lock().cluster);
        }
    }
}
