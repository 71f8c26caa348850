//! The tree of cohorts, cluster queues and local queues as flat rows, top down: what a screen of queues lists.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::capacity::{Capacity, Cell, Node};
use super::queue::{ClusterQueueRow, LocalQueueRow, Stop, Use};
use super::{FlavorResource, Kueue};
use crate::model::ids::{ClusterId, Key, Name};
use crate::model::job::Condition;

/// What a row of the tree is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// `by_name_only`: others name it, it has no object. `broken`: in a ring of cohorts.
    Cohort {
        by_name_only: bool,
        broken: bool,
    },
    /// `known` is false for one that local queues name and that does not exist or may not be read.
    ClusterQueue {
        known: bool,
    },
    LocalQueue,
}

/// One row of the tree.
#[derive(Debug, Clone, PartialEq)]
pub struct TreeRow {
    pub depth: usize,
    pub what: What,
    pub name: Name,
    /// Of a local queue.
    pub namespace: Option<Name>,
    /// Of its object, where there is one.
    pub key: Option<Key>,
    /// Sorted. Local queues tell only what is used and reserved.
    pub cells: Vec<(FlavorResource, Cell)>,
    /// Of a cohort: of all queues below it.
    pub pending: u32,
    pub reserving: u32,
    pub admitted: u32,
    /// `fairSharing.weight` in thousandths; none: not given.
    pub weight: Option<u64>,
    /// Weighted share per mille, as told or else computed; `i64::MAX`: weight 0 and borrowing.
    pub share: i64,
    pub strict: bool,
    pub stop: Stop,
    /// Why it admits nothing, by its own status.
    pub inactive: Option<Condition>,
}

impl TreeRow {
    fn blank(what: What, name: Name, depth: usize) -> Self {
        Self {
            depth,
            what,
            name,
            namespace: None,
            key: None,
            cells: Vec::new(),
            pending: 0,
            reserving: 0,
            admitted: 0,
            weight: None,
            share: 0,
            strict: false,
            stop: Stop::None,
            inactive: None,
        }
    }
}

/// The rows of one cluster: cohorts by name, queues without cohort after them, queues that only local queues name
/// at the end. With a namespace: its local queues, and what is above them with the numbers of all.
pub fn tree(kueue: &Kueue, cluster: ClusterId, namespace: Option<&str>) -> Vec<TreeRow> {
    let capacity = &kueue.look(cluster).capacity;
    Builder::new(kueue, capacity, cluster, namespace).rows()
}

/// What stands at one level, in the order it is listed.
enum Item<'a> {
    Cohort(&'a Node),
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
    cohorts_in: HashMap<Option<&'a str>, Vec<&'a Node>>,
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
        namespace: Option<&str>,
    ) -> Self {
        let rows = kueue.cluster_queues.rows();
        let queues = rows.filter(|r| r.key.cluster == cluster);
        let mut local: BTreeMap<&str, Vec<&LocalQueueRow>> = BTreeMap::new();
        for row in kueue.local_queues.rows() {
            let asked = namespace.is_none_or(|ns| ns == &*row.namespace);
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
    fn members(&self, of: Option<&str>, depth: usize) -> Vec<(usize, Item<'a>)> {
        let cohorts = self.cohorts_in.get(&of).into_iter().flatten();
        let queues = self.queues_in.get(&of).into_iter().flatten();
        let mut all: Vec<(usize, Item<'a>)> = cohorts
            .map(|&node| (depth, Item::Cohort(node)))
            .chain(queues.map(|&row| (depth, Item::Queue(row))))
            .collect();
        all.reverse();
        all
    }

    fn rows(&self) -> Vec<TreeRow> {
        let mut rows: Vec<TreeRow> = Vec::new();
        let mut stack = self.members(None, 0);
        while let Some((depth, item)) = stack.pop() {
            match item {
                Item::Cohort(node) => {
                    rows.push(self.cohort(node, depth));
                    stack.extend(self.members(Some(&node.name), depth + 1));
                }
                Item::Queue(queue) => {
                    rows.push(self.queue(queue, depth));
                    self.locals(&queue.name, depth + 1, &mut rows);
                }
            }
        }
        self.sum_up(&mut rows);
        for name in self.local.keys() {
            if !self.queues.contains_key(name) {
                let what = What::ClusterQueue { known: false };
                rows.push(TreeRow::blank(what, (*name).into(), 0));
                self.locals(name, 1, &mut rows);
            }
        }
        rows
    }

    fn cohort(&self, node: &Node, depth: usize) -> TreeRow {
        let cluster = self.cluster;
        let mut cohorts = self.kueue.cohorts.rows();
        let row = cohorts.find(|r| r.key.cluster == cluster && r.name == node.name);
        let what = What::Cohort {
            by_name_only: node.by_name_only,
            broken: node.broken,
        };
        TreeRow {
            key: row.map(|r| r.key),
            cells: node.cells().to_vec(),
            weight: row.and_then(|r| r.weight),
            share: row.and_then(|r| r.share).unwrap_or(node.share),
            ..TreeRow::blank(what, node.name.clone(), depth)
        }
    }

    fn queue(&self, row: &ClusterQueueRow, depth: usize) -> TreeRow {
        let node = self.capacity.queue(&row.name);
        let what = What::ClusterQueue { known: true };
        TreeRow {
            key: Some(row.key),
            cells: node.map(|n| n.cells().to_vec()).unwrap_or_default(),
            pending: row.pending,
            reserving: row.reserving,
            admitted: row.admitted,
            weight: row.weight,
            share: row.share.or(node.map(|n| n.share)).unwrap_or(0),
            strict: row.strict,
            stop: row.stop,
            inactive: row.inactive().cloned(),
            ..TreeRow::blank(what, row.name.clone(), depth)
        }
    }

    fn locals(&self, queue: &str, depth: usize, rows: &mut Vec<TreeRow>) {
        for row in self.local.get(queue).into_iter().flatten() {
            rows.push(TreeRow {
                namespace: Some(row.namespace.clone()),
                key: Some(row.key),
                cells: told(&row.used, &row.reserved),
                pending: row.pending,
                reserving: row.reserving,
                admitted: row.admitted,
                stop: row.stop,
                inactive: row.inactive().cloned(),
                ..TreeRow::blank(What::LocalQueue, row.name.clone(), depth)
            });
        }
    }

    /// Counts of cluster queues into the cohorts above them.
    fn sum_up(&self, rows: &mut [TreeRow]) {
        let mut above: Vec<usize> = Vec::new();
        for at in 0..rows.len() {
            let row = &rows[at];
            above.truncate(row.depth);
            match row.what {
                What::Cohort { .. } => above.push(at),
                What::ClusterQueue { .. } => {
                    let (pending, reserving, admitted) = (row.pending, row.reserving, row.admitted);
                    for &cohort in &above {
                        let row = &mut rows[cohort];
                        row.pending = row.pending.saturating_add(pending);
                        row.reserving = row.reserving.saturating_add(reserving);
                        row.admitted = row.admitted.saturating_add(admitted);
                    }
                }
                What::LocalQueue => {}
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

    fn drawn(rows: &[TreeRow]) -> Vec<String> {
        let line = |row: &TreeRow| {
            let mark = match row.what {
                What::Cohort {
                    by_name_only: true, ..
                } => "~",
                What::Cohort { .. } => "=",
                What::ClusterQueue { known: true } => "",
                What::ClusterQueue { known: false } => "?",
                What::LocalQueue => "-",
            };
            let counts = [row.pending, row.reserving, row.admitted];
            format!("{}{mark}{} {counts:?}", "  ".repeat(row.depth), row.name)
        };
        rows.iter().map(line).collect()
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
        let rows = tree(&world().kueue(), ClusterId(0), None);
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
        assert_eq!(b.share, 48);
        let flavors = |at: usize| rows[at].cells.iter().map(|(of, _)| &*of.flavor).collect();
        let org: Vec<&str> = flavors(0);
        assert_eq!(org, ["a100", "h100"]);
    }

    #[test]
    fn of_one_namespace_with_what_is_above_it() {
        let rows = tree(&world().kueue(), ClusterId(0), Some("other"));
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
        let rows = tree(&world.kueue(), ClusterId(0), None);
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
