//! What a control plane does with a cluster that it finds: it takes in what runs and leaves it as it is.

use std::sync::Arc;

use super::World;
use crate::controllers::Hub;
use crate::controllers::kubelet::Grant;
use crate::controllers::scheduler::Berths;
use crate::controllers::wire::Pod;
use crate::store::Object;

impl World {
    /// Where pods that ask for the same as this one may go.
    pub fn berths(&mut self, pod: &Pod) -> Berths {
        self.scheduler.berths(pod)
    }

    /// Books the next node with room.
    pub fn berth(&mut self, berths: &mut Berths, uid: &str) -> Option<Arc<Object>> {
        self.scheduler.berth(berths, uid)
    }

    /// A node that such a pod may have been on.
    pub fn any_berth(&self, berths: &mut Berths) -> Option<Arc<Object>> {
        self.scheduler.any_berth(berths)
    }

    /// The devices of a node that somebody has.
    pub fn taken(&self, node: &str) -> Vec<&String> {
        self.kubelet.devices.on(node).map(|(id, _)| id).collect()
    }

    /// Says which devices a pod has that is yet to be taken in.
    pub fn grant(&mut self, uid: &str, grants: Vec<Grant>) {
        self.grants.insert(uid.to_owned(), grants);
    }

    /// Takes in what was put into the store as it stands. Of pods only those learn who count and run them: to all
    /// others a pod that runs as it did before is no news.
    pub fn adopt(&mut self) {
        for event in self.cluster.store.take_fresh() {
            self.cache.observe(self.kinds, &event);
            if event.object.kind != self.kinds.pods {
                self.tell(&event);
                continue;
            }
            let Some(pod) = self.cache.pod(&event.object.uid).cloned() else {
                continue;
            };
            let grants = self.grants.remove(pod.uid()).unwrap_or_default();
            let mut hub = Hub {
                cluster: &mut self.cluster,
                kinds: self.kinds,
                cache: &self.cache,
                tasks: &mut self.tasks,
                recorder: &mut self.recorder,
            };
            self.scheduler.observe_pod(&mut hub, &event);
            self.kubelet.find(&mut hub, &pod, grants);
        }
    }
}
