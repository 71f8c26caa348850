//! The tree of cohorts, cluster queues and local queues as flat rows, top down: what a screen of queues lists.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::capacity::{self, Capacity, Cell};
use super::queue::{ClusterQueueRow, LocalQueueRow, Preemption, Stop, Use};
use super::{FlavorResource, Kueue};
use crate::model::ids::{ClusterId, Key, Name};
use crate::model::job::Condition;

/// What a row of the tree is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Level {
    /// One of several clusters: what stands above its tree.
    Cluster,
    Cohort,
    ClusterQueue,
    LocalQueue,
}

/// One row of the tree.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    pub level: Level,
    pub cluster: ClusterId,
    /// Of its object, where there is one.
    pub key: Option<Key>,
    /// Of a local queue; else empty.
    pub namespace: Name,
    pub name: Name,
    pub depth: u8,
    /// Others name it; it has no object, or none that may be read.
    pub by_name_only: bool,
    /// A cohort in a ring of cohorts.
    pub broken: bool,
    pub strict: bool,
    pub stop: Stop,
    /// Why it admits nothing, by its own status.
    pub inactive: Option<Condition>,
    /// `fairSharing.weight` in thousandths; none: not given.
    pub weight: Option<u64>,
    /// Weighted share per mille, as told or else computed; `i64::MAX`: weight 0 and borrowing. None of local queues.
    pub share: Option<i64>,
    /// Of a cohort: of all queues below it.
    pub pending: u32,
    pub reserving: u32,
    pub admitted: u32,
    /// Whom its workloads push out, in words; of a cluster queue.
    pub preemption: Option<String>,
    /// Sorted. Local queues tell only what is used and reserved.
    pub cells: Vec<(FlavorResource, Cell)>,
}

impl Node {
    pub(super) fn blank(level: Level, cluster: ClusterId, name: Name, depth: u8) -> Self {
        Self {
            level,
            cluster,
            key: None,
            namespace: Name::default(),
            name,
            depth,
            by_name_only: false,
            broken: false,
            strict: false,
            stop: Stop::None,
            inactive: None,
            weight: None,
            share: None,
            pending: 0,
            reserving: 0,
            admitted: 0,
            preemption: None,
            cells: Vec::new(),
        }
    }
}

/// A preemption policy in words: `preempts lower priority, reclaims from its cohort`.
pub fn preemption(policy: &Preemption) -> String {
    let mut parts = Vec::new();
    match &*policy.within_cluster_queue {
        "" | "Never" => {}
        "LowerPriority" => parts.push("preempts lower priority".to_owned()),
        "LowerOrNewerEqualPriority" => {
            parts.push("preempts lower priority, or equal and newer".into());
        }
        other => parts.push(format!("preempts {other}")),
    }
    match &*policy.reclaim_within_cohort {
        "" | "Never" => {}
        "Any" => parts.push("reclaims from its cohort".into()),
        "LowerPriority" => parts.push("reclaims from lower priority in its cohort".into()),
        other => parts.push(format!("reclaims {other}")),
    }
    match (&*policy.borrow_within_cohort, policy.borrow_max_priority) {
        ("" | "Never", _) => {}
        (_, Some(most)) => parts.push(format!("borrows by preempting priority up to {most}")),
        _ => parts.push("borrows by preempting lower priority".into()),
    }
    if parts.is_empty() {
        return "never preempts".into();
    }
    parts.join(", ")
}

/// The rows of one cluster: cohorts by name, queues without cohort after them, queues that only local queues name
/// at the end. With a namespace: its local queues, and what is above them with the numbers of all.
pub fn tree(
    kueue: &Kueue,
    capacity: &Capacity,
    cluster: ClusterId,
    namespace: Option<&Name>,
) -> Vec<Node> {
    Builder::new(kueue, capacity, cluster, namespace).rows()
}

/// What stands at one level, in the order it is listed.
enum Item<'a> {
    Cohort(&'a capacity::Node),
    Queue(&'a ClusterQueueRow),
}

struct Builder<'a> {
    kueue: &'a Kueue,
    capacity: &'a Capacity,
    cluster: ClusterId,
    queues: BTreeMap<&'a str, &'a ClusterQueueRow>,
    /// By the cluster queue they name.
    local: BTreeMap<&'a str, Vec<&'a LocalQueueRow>>,
    /// Cohorts and queues directly in a cohort; under none: at the top.
    cohorts_in: HashMap<Option<&'a str>, Vec<&'a capacity::Node>>,
    queues_in: HashMap<Option<&'a str>, Vec<&'a ClusterQueueRow>>,
    only: bool,
    /// Cohorts above a queue of the namespace.
    shown: HashSet<&'a str>,
}

impl<'a> Builder<'a> {
    fn new(
        kueue: &'a Kueue,
        capacity: &'a Capacity,
        cluster: ClusterId,
        namespace: Option<&Name>,
    ) -> Self {
        let rows = kueue.cluster_queues.rows();
        let queues = rows.filter(|r| r.key.cluster == cluster);
        let mut local: BTreeMap<&str, Vec<&LocalQueueRow>> = BTreeMap::new();
        for row in kueue.local_queues.rows() {
            let asked = namespace.is_none_or(|ns| *ns == row.namespace);
            if row.key.cluster == cluster && asked {
                local.entry(&row.cluster_queue).or_default().push(row);
            }
        }
        for rows in local.values_mut() {
            rows.sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
        }
        let mut builder = Self {
            kueue,
            capacity,
            cluster,
            queues: queues.map(|row| (&*row.name, row)).collect(),
            local,
            cohorts_in: HashMap::new(),
            queues_in: HashMap::new(),
            only: namespace.is_some(),
            shown: HashSet::new(),
        };
        builder.file();
        builder
    }

    fn file(&mut self) {
        let capacity = self.capacity;
        for (name, row) in &self.queues {
            let parent = capacity.queue(name).and_then(|n| capacity.parent(n));
            let wanted = !self.only || self.local.contains_key(name);
            if wanted {
                let above = self.queues_in.entry(parent.map(|n| &*n.name));
                above.or_default().push(row);
                let mut at = parent;
                while let Some(cohort) = at.filter(|n| self.shown.insert(&n.name)) {
                    at = capacity.parent(cohort);
                }
            }
        }
        for cohort in capacity.nodes().filter(|n| n.is_cohort) {
            if !self.only || self.shown.contains(&*cohort.name) {
                let parent = capacity.parent(cohort).map(|n| &*n.name);
                self.cohorts_in.entry(parent).or_default().push(cohort);
            }
        }
        for cohorts in self.cohorts_in.values_mut() {
            cohorts.sort_by(|a, b| a.name.cmp(&b.name));
        }
    }

    /// The members of a cohort, or the top, the last one first: as a stack takes them.
    fn members(&self, of: Option<&str>, depth: u8) -> Vec<(u8, Item<'a>)> {
        let cohorts = self.cohorts_in.get(&of).into_iter().flatten();
        let queues = self.queues_in.get(&of).into_iter().flatten();
        let mut all: Vec<(u8, Item<'a>)> = cohorts
            .map(|&node| (depth, Item::Cohort(node)))
            .chain(queues.map(|&row| (depth, Item::Queue(row))))
            .collect();
        all.reverse();
        all
    }

    fn rows(&self) -> Vec<Node> {
        let mut rows: Vec<Node> = Vec::new();
        let mut stack = self.members(None, 0);
        while let Some((depth, item)) = stack.pop() {
            match item {
                Item::Cohort(node) => {
                    rows.push(self.cohort(node, depth));
                    stack.extend(self.members(Some(&node.name), depth.saturating_add(1)));
                }
                Item::Queue(queue) => {
                    rows.push(self.queue(queue, depth));
                    self.locals(&queue.name, depth.saturating_add(1), &mut rows);
                }
            }
        }
        self.sum_up(&mut rows);
        for name in self.local.keys() {
            if !self.queues.contains_key(name) {
                let level = Level::ClusterQueue;
                rows.push(Node {
                    by_name_only: true,
                    ..Node::blank(level, self.cluster, (*name).into(), 0)
                });
                self.locals(name, 1, &mut rows);
            }
        }
        rows
    }

    fn cohort(&self, node: &capacity::Node, depth: u8) -> Node {
        let cluster = self.cluster;
        let mut cohorts = self.kueue.cohorts.rows();
        let row = cohorts.find(|r| r.key.cluster == cluster && r.name == node.name);
        Node {
            key: row.map(|r| r.key),
            cells: node.cells().to_vec(),
            weight: row.and_then(|r| r.weight),
            share: Some(row.and_then(|r| r.share).unwrap_or(node.share)),
            by_name_only: node.by_name_only,
            broken: node.broken,
            ..Node::blank(Level::Cohort, cluster, node.name.clone(), depth)
        }
    }

    fn queue(&self, row: &ClusterQueueRow, depth: u8) -> Node {
        let node = self.capacity.queue(&row.name);
        Node {
            key: Some(row.key),
            cells: node.map(|n| n.cells().to_vec()).unwrap_or_default(),
            pending: row.pending,
            reserving: row.reserving,
            admitted: row.admitted,
            weight: row.weight,
            share: row.share.or(node.map(|n| n.share)),
            preemption: Some(preemption(&row.preemption)),
            strict: row.strict,
            stop: row.stop,
            inactive: row.inactive().cloned(),
            ..Node::blank(Level::ClusterQueue, self.cluster, row.name.clone(), depth)
        }
    }

    fn locals(&self, queue: &str, depth: u8, rows: &mut Vec<Node>) {
        for row in self.local.get(queue).into_iter().flatten() {
            rows.push(Node {
                namespace: row.namespace.clone(),
                key: Some(row.key),
                cells: told(&row.used, &row.reserved),
                pending: row.pending,
                reserving: row.reserving,
                admitted: row.admitted,
                stop: row.stop,
                inactive: row.inactive().cloned(),
                ..Node::blank(Level::LocalQueue, self.cluster, row.name.clone(), depth)
            });
        }
    }

    /// Counts of cluster queues into the cohorts above them.
    fn sum_up(&self, rows: &mut [Node]) {
        let mut above: Vec<usize> = Vec::new();
        for at in 0..rows.len() {
            let row = &rows[at];
            above.truncate(row.depth.into());
            match row.level {
                Level::Cohort => above.push(at),
                Level::ClusterQueue => {
                    let (pending, reserving, admitted) = (row.pending, row.reserving, row.admitted);
                    for &cohort in &above {
                        let row = &mut rows[cohort];
                        row.pending = row.pending.saturating_add(pending);
                        row.reserving = row.reserving.saturating_add(reserving);
                        row.admitted = row.admitted.saturating_add(admitted);
                    }
                }
                Level::Cluster | Level::LocalQueue => {}
            }
        }
    }
}

fn told(used: &[Use], reserved: &[Use]) -> Vec<(FlavorResource, Cell)> {
    let mut cells: BTreeMap<FlavorResource, Cell> = BTreeMap::new();
    for told in used {
        cells.entry(told.of.clone()).or_default().used = told.total;
    }
    for told in reserved {
        cells.entry(told.of.clone()).or_default().reserved = told.total;
    }
    cells.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::kueue::fixture::*;

    fn drawn(rows: &[Node]) -> Vec<String> {
        let line = |row: &Node| {
            let mark = match (row.level, row.by_name_only) {
                (Level::Cohort, true) => "~",
                (Level::Cohort, false) => "=",
                (Level::ClusterQueue, false) => "",
                (Level::ClusterQueue, true) => "?",
                (Level::LocalQueue, _) => "-",
                (Level::Cluster, _) => "+",
            };
            let counts = [row.pending, row.reserving, row.admitted];
            format!(
                "{}{mark}{} {counts:?}",
                "  ".repeat(row.depth.into()),
                row.name
            )
        };
        rows.iter().map(line).collect()
    }

    fn of(world: &World, namespace: Option<&str>) -> Vec<Node> {
        let (kueue, cluster) = (world.kueue(), ClusterId(0));
        let namespace = namespace.map(Name::from);
        let capacity = &kueue.look(cluster).capacity;
        tree(&kueue, capacity, cluster, namespace.as_ref())
    }

    #[test]
    fn policies_in_words() {
        let mut policy = Preemption::default();
        assert_eq!(preemption(&policy), "never preempts");
        policy.within_cluster_queue = "LowerPriority".into();
        policy.reclaim_within_cohort = "Any".into();
        assert_eq!(
            preemption(&policy),
            "preempts lower priority, reclaims from its cohort"
        );
        policy.borrow_within_cohort = "LowerPriority".into();
        policy.borrow_max_priority = Some(100);
        assert!(preemption(&policy).ends_with(", borrows by preempting priority up to 100"));
    }

    fn world() -> World {
        let counted = |mut row: ClusterQueueRow, pending, admitted| {
            (row.pending, row.reserving, row.admitted) = (pending, admitted, admitted);
            row
        };
        let mut beta = lq("beta", "b");
        beta.namespace = "other".into();
        World {
            queues: vec![
                counted(cq("z-alone").quota_of("h100", 2), 1, 0),
                counted(
                    cq("b").within("team").quota_of("h100", 8).holds("h100", 9),
                    2,
                    3,
                ),
                counted(cq("a").within("team").quota_of("h100", 8), 0, 1),
                counted(cq("c").within("org").quota_of("h100", 4), 5, 2),
            ],
            cohorts: vec![
                cohort("org").quota_of("a100", 1),
                cohort("team").below("org"),
            ],
            local: vec![lq("main", "c"), lq("alpha", "b"), beta, lq("lost", "gone")],
            ..World::default()
        }
    }

    #[test]
    fn cohorts_then_queues_then_what_they_hold() {
        let rows = of(&world(), None);
        assert_eq!(
            drawn(&rows),
            [
                "=org [7, 6, 6]",
                "  =team [2, 4, 4]",
                "    a [0, 1, 1]",
                "    b [2, 3, 3]",
                "      -alpha [0, 0, 0]",
                "      -beta [0, 0, 0]",
                "  c [5, 2, 2]",
                "    -main [0, 0, 0]",
                "z-alone [1, 0, 0]",
                "?gone [0, 0, 0]",
                "  -lost [0, 0, 0]",
            ]
        );
        let b = rows.iter().find(|r| &*r.name == "b").unwrap();
        let (of, cell) = &b.cells[0];
        assert_eq!((of, cell.borrowed), (&fr("h100", GPU), 1));
        // 1 above its 8, of the 21 GPUs of both flavors there are in all
        assert_eq!(b.share, Some(48));
        let flavors = |at: usize| rows[at].cells.iter().map(|(of, _)| &*of.flavor).collect();
        let org: Vec<&str> = flavors(0);
        assert_eq!(org, ["a100", "h100"]);
    }

    #[test]
    fn of_one_namespace_with_what_is_above_it() {
        let rows = of(&world(), Some("other"));
        assert_eq!(
            drawn(&rows),
            [
                "=org [2, 3, 3]",
                "  =team [2, 3, 3]",
                "    b [2, 3, 3]",
                "      -beta [0, 0, 0]",
            ]
        );
        // the quota of queues that are not shown counts
        assert_eq!(rows[0].cells[1].1.total, 20);
    }

    #[test]
    fn local_queues_alone_when_no_other_may_be_read() {
        let mut world = world();
        (world.queues, world.cohorts) = (Vec::new(), Vec::new());
        let mut alpha = lq("alpha", "b");
        let told = |total| Use {
            of: fr("h100", GPU),
            total,
            borrowed: 0,
        };
        (alpha.used, alpha.reserved) = (vec![told(2)], vec![told(3)]);
        world.local[1] = alpha;
        let rows = of(&world, None);
        assert_eq!(
            drawn(&rows),
            [
                "?b [0, 0, 0]",
                "  -alpha [0, 0, 0]",
                "  -beta [0, 0, 0]",
                "?c [0, 0, 0]",
                "  -main [0, 0, 0]",
                "?gone [0, 0, 0]",
                "  -lost [0, 0, 0]",
            ]
        );
        assert_eq!(rows[0].cells, []);
        assert_eq!(
            (rows[1].cells[0].1.used, rows[1].cells[0].1.reserved),
            (2, 3)
        );
    }
}
