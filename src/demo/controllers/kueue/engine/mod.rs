//! Kueue's decisions as a pure module: who waits in which order, who gets quota in which flavor, who has to give it
//! back. It knows no API object and no clock but the times it is handed; the controller around it writes what it decides.
//!
//! Everything is kept up to date event by event; a cycle looks at one head of each queue, and what cannot be
//! admitted is parked until something is freed in its cohort tree.

mod assign;
mod cycle;
mod fair;
mod matching;
mod preempt;
pub mod spec;
#[cfg(test)]
mod tests;
pub mod tree;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

pub use assign::Assignment;
pub use cycle::{Outcome, Preemption};
use spec::{CohortSpec, FlavorSpec, Key, QueueSpec, Standing, Workload, quotas};
use tree::{Amounts, NodeId, Tree};

use crate::api::quantity;

/// Place in a queue: the higher priority, then the longer wait.
type Rank = (Reverse<i64>, i64, String, Key);

fn rank(wl: &Workload) -> Rank {
    (
        Reverse(wl.priority),
        wl.queued,
        wl.uid.clone(),
        wl.key.clone(),
    )
}

fn same_hold(a: &Standing, b: &Standing) -> bool {
    match (a, b) {
        (
            Standing::Holding { queue, usage, .. },
            Standing::Holding {
                queue: q, usage: u, ..
            },
        ) => queue == q && usage == u,
        _ => false,
    }
}

/// A cluster queue with what waits in it and what holds quota in it.
#[derive(Debug)]
struct Queue {
    spec: QueueSpec,
    node: NodeId,
    heap: BTreeSet<Rank>,
    /// Tried without success; nothing has changed since.
    parked: BTreeSet<Rank>,
    /// Shapes of workloads that were tried in vain since then: others like them need not be tried.
    hopeless: HashSet<u64>,
    /// It preempts others and keeps the head until it is admitted.
    sticky: Option<Key>,
    /// The head that was tried without success and still blocks the queue.
    tried: Option<Key>,
    holders: BTreeSet<Key>,
}

#[derive(Debug, Clone)]
struct Held {
    node: NodeId,
    usage: Amounts,
}

/// All queues and workloads.
#[derive(Debug, Default)]
pub struct Engine {
    tree: Tree,
    queues: BTreeMap<String, Queue>,
    flavors: BTreeMap<String, FlavorSpec>,
    workloads: HashMap<Key, Workload>,
    held: HashMap<Key, Held>,
    shapes: HashMap<Key, u64>,
    cohorts: BTreeMap<String, NodeId>,
    /// Preemption and order by fair shares instead of priority alone.
    pub fair: bool,
}

impl Engine {
    pub fn new(fair: bool) -> Self {
        Self {
            fair,
            ..Self::default()
        }
    }

    /// Takes over queues, cohorts and flavors as they are now; everything that waits is tried anew.
    pub fn configure(
        &mut self,
        queues: Vec<QueueSpec>,
        cohorts: &[CohortSpec],
        flavors: BTreeMap<String, FlavorSpec>,
    ) {
        let mut frs = BTreeSet::new();
        for groups in queues
            .iter()
            .map(|q| &q.groups)
            .chain(cohorts.iter().map(|c| &c.groups))
        {
            frs.extend(quotas(groups).into_keys());
        }
        // Usage counts in flavors that a queue no longer has, too.
        for wl in self.workloads.values() {
            if let Standing::Holding { usage, .. } = &wl.standing {
                frs.extend(usage.keys().cloned());
            }
        }
        let mut tree = Tree::new(frs.into_iter().collect());
        let mut nodes: BTreeMap<String, NodeId> = BTreeMap::new();
        for cohort in cohorts {
            let node = tree.add(&cohort.name, cohort.weight, &quotas(&cohort.groups));
            nodes.insert(cohort.name.clone(), node);
        }
        let mut by_name = |tree: &mut Tree, name: &str| match nodes.get(name) {
            Some(node) => *node,
            None => {
                let node = tree.add(name, 1.0, &tree::Quotas::new());
                nodes.insert(name.to_owned(), node);
                node
            }
        };
        for cohort in cohorts {
            if let Some(parent) = &cohort.parent {
                let (child, parent) =
                    (by_name(&mut tree, &cohort.name), by_name(&mut tree, parent));
                tree.hang(child, parent, false);
            }
        }
        let mut sticky: BTreeMap<String, Option<Key>> = BTreeMap::new();
        for (name, queue) in std::mem::take(&mut self.queues) {
            sticky.insert(name, queue.sticky);
        }
        for spec in queues {
            let node = tree.add(&spec.name, spec.weight, &quotas(&spec.groups));
            if let Some(cohort) = &spec.cohort {
                let cohort = by_name(&mut tree, cohort);
                tree.hang(node, cohort, true);
            }
            let queue = Queue {
                node,
                heap: BTreeSet::new(),
                parked: BTreeSet::new(),
                hopeless: HashSet::new(),
                sticky: sticky.remove(&spec.name).flatten(),
                tried: None,
                holders: BTreeSet::new(),
                spec,
            };
            self.queues.insert(queue.spec.name.clone(), queue);
        }
        tree.sum();
        self.cohorts = nodes;
        self.tree = tree;
        self.flavors = flavors;
        self.held.clear();
        let keys: Vec<Key> = self.workloads.keys().cloned().collect();
        for key in keys {
            self.enter(&key);
        }
    }

    /// Takes in a workload as it is now. True if that changes anything.
    pub fn upsert(&mut self, wl: Workload) -> bool {
        if self.workloads.get(&wl.key) == Some(&wl) {
            return false;
        }
        let key = wl.key.clone();
        if let Some(old) = self.workloads.get_mut(&key)
            && same_hold(&old.standing, &wl.standing)
        {
            *old = wl;
            return true;
        }
        self.leave(&key);
        self.shapes.insert(key.clone(), wl.shape());
        self.workloads.insert(key.clone(), wl);
        self.enter(&key);
        true
    }

    /// Forgets a workload.
    pub fn remove(&mut self, key: &Key) {
        self.leave(key);
        self.workloads.remove(key);
        self.shapes.remove(key);
    }

    pub fn get(&self, key: &Key) -> Option<&Workload> {
        self.workloads.get(key)
    }

    fn enter(&mut self, key: &Key) {
        let Some(wl) = self.workloads.get(key) else {
            return;
        };
        match &wl.standing {
            Standing::Out => {}
            Standing::Waiting => {
                if let Some(queue) = self.queues.get_mut(&wl.queue) {
                    queue.heap.insert(rank(wl));
                }
            }
            Standing::Holding { queue, usage, .. } => {
                let usage: Amounts = usage
                    .iter()
                    .filter_map(|((f, r), n)| Some((self.tree.fr(f, r)?, *n)))
                    .collect();
                if let Some(queue) = self.queues.get_mut(queue) {
                    let node = queue.node;
                    queue.holders.insert(key.clone());
                    self.tree.occupy(node, &usage);
                    self.held.insert(key.clone(), Held { node, usage });
                }
            }
        }
    }

    fn leave(&mut self, key: &Key) {
        let Some(wl) = self.workloads.get(key) else {
            return;
        };
        if let Some(queue) = self.queues.get_mut(&wl.queue) {
            let rank = rank(wl);
            queue.heap.remove(&rank);
            queue.parked.remove(&rank);
            for mark in [&mut queue.sticky, &mut queue.tried] {
                if mark.as_ref() == Some(key) {
                    *mark = None;
                }
            }
        }
        if let Some(held) = self.held.remove(key) {
            self.tree.release(held.node, &held.usage);
            let name = self.tree.nodes[held.node].name.clone();
            if let Some(queue) = self.queues.get_mut(&name) {
                queue.holders.remove(key);
            }
            self.freed(held.node);
        }
    }

    /// Quota became free: everything in the tree gets another try.
    fn freed(&mut self, node: NodeId) {
        let root = self.tree.root(node);
        let mut nodes = self.tree.queues_under(root);
        nodes.push(node);
        for node in nodes {
            let name = &self.tree.nodes[node].name;
            if let Some(queue) = self.queues.get_mut(name) {
                queue.tried = None;
                queue.hopeless.clear();
                queue.heap.append(&mut queue.parked);
            }
        }
    }

    /// Takes the usage of holders out of the tree for a moment.
    fn lift(&mut self, keys: &[Key]) {
        for held in keys.iter().filter_map(|k| self.held.get(k)) {
            self.tree.release(held.node, &held.usage);
        }
    }

    fn put_back(&mut self, keys: &[Key]) {
        for held in keys.iter().filter_map(|k| self.held.get(k)) {
            self.tree.occupy(held.node, &held.usage);
        }
    }

    /// Who waits in a cluster queue, in order.
    pub fn waiting(&self, queue: &str) -> Option<Vec<&Workload>> {
        let queue = self.queues.get(queue)?;
        let mut all: Vec<&Rank> = queue.heap.iter().chain(&queue.parked).collect();
        all.sort_by_key(|r| (queue.sticky.as_ref() != Some(&r.3), *r));
        let all = all.into_iter().filter_map(|r| self.workloads.get(&r.3));
        Some(all.collect())
    }

    /// Holders of quota in a cluster queue.
    pub fn holding(&self, queue: &str) -> impl Iterator<Item = &Workload> {
        let all = self.queues.get(queue).into_iter();
        let all = all.flat_map(|q| &q.holders);
        all.filter_map(|k| self.workloads.get(k))
    }

    /// How many wait.
    pub fn count_waiting(&self, queue: &str) -> usize {
        let queue = self.queues.get(queue);
        queue.map_or(0, |q| q.heap.len() + q.parked.len())
    }

    pub fn spec(&self, queue: &str) -> Option<&QueueSpec> {
        self.queues.get(queue).map(|q| &q.spec)
    }

    pub fn queues(&self) -> impl Iterator<Item = &QueueSpec> {
        self.queues.values().map(|q| &q.spec)
    }

    /// `status.fairSharing.weightedShare` of a queue, or of a cohort.
    pub fn share(&self, queue: &str) -> Option<i64> {
        let queue = self.queues.get(queue)?;
        Some(self.tree.share(queue.node).rounded())
    }

    pub fn cohort_share(&self, cohort: &str) -> Option<i64> {
        let node = self.cohorts.get(cohort)?;
        Some(self.tree.share(*node).rounded())
    }
}

/// An amount in thousandths as Kueue writes it for a resource.
pub fn amount(resource: &str, thousandths: i64) -> String {
    let binary =
        matches!(resource, "memory" | "ephemeral-storage") || resource.starts_with("hugepages-");
    let text = if binary && thousandths % 1_024_000 == 0 {
        format!("{}Ki", thousandths / 1_024_000)
    } else if thousandths % 1000 == 0 {
        format!("{}", thousandths / 1000)
    } else {
        format!("{thousandths}m")
    };
    quantity::canonical(&text).unwrap_or(text)
}
