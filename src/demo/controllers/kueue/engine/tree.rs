//! The tree of cohorts and cluster queues with quota and usage at every node: what is local, lent, borrowed and still
//! to be had. Pure arithmetic, apart from whatever decides by it.

use std::collections::{BTreeMap, HashMap};

/// Index of a node.
pub type NodeId = usize;
/// Index of a flavor's resource.
pub type Fr = usize;
/// Thousandths per flavor and resource.
pub type Amounts = BTreeMap<Fr, i64>;

/// Quota of one resource in one flavor, in thousandths. `None` is no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Quota {
    pub nominal: i64,
    pub borrowing: Option<i64>,
    pub lending: Option<i64>,
}

/// Quotas by flavor and resource.
pub type Quotas = BTreeMap<(String, String), Quota>;

#[derive(Debug, Clone, Default)]
pub struct Node {
    pub name: String,
    pub parent: Option<NodeId>,
    pub cohorts: Vec<NodeId>,
    pub queues: Vec<NodeId>,
    pub weight: f64,
    pub quota: Vec<Quota>,
    /// Its own quota and what its children lend to it.
    pub subtree: Vec<i64>,
    pub usage: Vec<i64>,
}

/// All nodes. Cluster queues and cohorts have names of their own each.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    pub nodes: Vec<Node>,
    pub frs: Vec<(String, String)>,
    index: HashMap<(String, String), Fr>,
}

/// What a node borrows, as one number to compare.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Share {
    ratio: f64,
    weight: f64,
    pub borrowing: bool,
}

impl Share {
    /// Less than any node's.
    pub const NEGATIVE: Self = Self {
        ratio: -1.0,
        weight: 1.0,
        borrowing: false,
    };

    fn infinite(self) -> bool {
        self.weight == 0.0 && self.ratio > 0.0
    }

    fn precise(self) -> f64 {
        if self.ratio == 0.0 {
            0.0
        } else {
            self.ratio / self.weight
        }
    }

    pub fn compare(self, other: Self) -> std::cmp::Ordering {
        match (self.infinite(), other.infinite()) {
            (true, true) => self.ratio.total_cmp(&other.ratio),
            (true, false) => std::cmp::Ordering::Greater,
            (false, true) => std::cmp::Ordering::Less,
            (false, false) => self.precise().total_cmp(&other.precise()),
        }
    }

    /// As `status.fairSharing.weightedShare` has it: per mille, rounded up.
    pub fn rounded(self) -> i64 {
        if self.infinite() {
            i64::MAX
        } else {
            self.precise().ceil() as i64
        }
    }
}

impl Tree {
    /// A tree for these kinds of quota.
    pub fn new(frs: Vec<(String, String)>) -> Self {
        let index = frs.iter().cloned().enumerate().map(|(i, fr)| (fr, i));
        Self {
            index: index.collect(),
            nodes: Vec::new(),
            frs,
        }
    }

    pub fn fr(&self, flavor: &str, resource: &str) -> Option<Fr> {
        self.index
            .get(&(flavor.to_owned(), resource.to_owned()))
            .copied()
    }

    /// Adds a node without parent.
    pub fn add(&mut self, name: &str, weight: f64, quotas: &Quotas) -> NodeId {
        let mut quota = vec![Quota::default(); self.frs.len()];
        for (fr, q) in quotas {
            if let Some(i) = self.index.get(fr) {
                quota[*i] = *q;
            }
        }
        self.nodes.push(Node {
            name: name.to_owned(),
            weight,
            subtree: vec![0; quota.len()],
            usage: vec![0; quota.len()],
            quota,
            ..Node::default()
        });
        self.nodes.len() - 1
    }

    /// Hangs a node under a cohort, unless that would close a circle.
    pub fn hang(&mut self, child: NodeId, cohort: NodeId, queue: bool) {
        if self.up(cohort).any(|n| n == child) {
            return;
        }
        self.nodes[child].parent = Some(cohort);
        let list = if queue {
            &mut self.nodes[cohort].queues
        } else {
            &mut self.nodes[cohort].cohorts
        };
        list.push(child);
    }

    /// Works out the quota of all subtrees; usage must be added after it.
    pub fn sum(&mut self) {
        let roots: Vec<NodeId> = (0..self.nodes.len())
            .filter(|n| self.nodes[*n].parent.is_none())
            .collect();
        for root in roots {
            self.sum_under(root);
        }
    }

    fn sum_under(&mut self, node: NodeId) {
        let children: Vec<NodeId> = self.children(node).collect();
        let mut subtree: Vec<i64> = self.nodes[node].quota.iter().map(|q| q.nominal).collect();
        for child in children {
            self.sum_under(child);
            for (fr, sum) in subtree.iter_mut().enumerate() {
                *sum += self.nodes[child].subtree[fr] - self.local(child, fr);
            }
        }
        self.nodes[node].subtree = subtree;
    }

    fn children(&self, node: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        let node = &self.nodes[node];
        node.cohorts.iter().chain(&node.queues).copied()
    }

    /// The node itself and what is above it.
    pub fn up(&self, node: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        std::iter::successors(Some(node), |n| self.nodes[*n].parent)
    }

    pub fn root(&self, node: NodeId) -> NodeId {
        self.up(node).last().unwrap_or(node)
    }

    /// All cluster queues under a cohort, its own first.
    pub fn queues_under(&self, node: NodeId) -> Vec<NodeId> {
        let mut all = self.nodes[node].queues.clone();
        for cohort in &self.nodes[node].cohorts {
            all.extend(self.queues_under(*cohort));
        }
        all
    }

    /// `/root/team/queue`, as messages name a queue.
    pub fn path(&self, node: NodeId) -> String {
        let names: Vec<&str> = self.up(node).map(|n| self.nodes[n].name.as_str()).collect();
        names.into_iter().rev().fold(String::new(), |mut out, n| {
            out.push('/');
            out.push_str(n);
            out
        })
    }

    /// Distance to the furthest leaf.
    fn height(&self, node: NodeId) -> u32 {
        let own = u32::from(self.children(node).next().is_some());
        let below = self.nodes[node].cohorts.iter().map(|c| self.height(*c) + 1);
        below.fold(own, u32::max)
    }

    /// What the node lends to nobody.
    pub fn local(&self, node: NodeId, fr: Fr) -> i64 {
        let lending = self.nodes[node].quota[fr].lending;
        lending.map_or(0, |l| (self.nodes[node].subtree[fr] - l).max(0))
    }

    fn local_available(&self, node: NodeId, fr: Fr) -> i64 {
        (self.local(node, fr) - self.nodes[node].usage[fr]).max(0)
    }

    fn signed_available(&self, node: NodeId, fr: Fr) -> i64 {
        let n = &self.nodes[node];
        let Some(parent) = n.parent else {
            return n.subtree[fr] - n.usage[fr];
        };
        let local = self.local(node, fr);
        let mut above = self.signed_available(parent, fr);
        if let Some(limit) = n.quota[fr].borrowing {
            let stored = n.subtree[fr] - local;
            let used = (n.usage[fr] - local).max(0);
            above = above.min((stored - used).saturating_add(limit));
        }
        self.local_available(node, fr) + above
    }

    /// What is to be had now without preemption; none in debt.
    pub fn available(&self, node: NodeId, fr: Fr) -> i64 {
        self.signed_available(node, fr).max(0)
    }

    /// What could be had if nobody used anything.
    pub fn potential(&self, node: NodeId, fr: Fr) -> i64 {
        let n = &self.nodes[node];
        let Some(parent) = n.parent else {
            return n.subtree[fr];
        };
        let all = self.local(node, fr) + self.potential(parent, fr);
        let limit = n.quota[fr].borrowing;
        limit.map_or(all, |l| all.min(n.subtree[fr].saturating_add(l)))
    }

    pub fn fits(&self, node: NodeId, amounts: &Amounts) -> bool {
        amounts
            .iter()
            .all(|(fr, amount)| *amount <= self.available(node, *fr))
    }

    /// Would that much more be above its quota?
    pub fn borrows_with(&self, node: NodeId, fr: Fr, amount: i64) -> bool {
        let n = &self.nodes[node];
        n.usage[fr] + amount > n.subtree[fr]
    }

    /// Within its quota in all of these?
    pub fn within_nominal<'a>(&self, node: NodeId, frs: impl IntoIterator<Item = &'a Fr>) -> bool {
        frs.into_iter().all(|fr| !self.borrows_with(node, *fr, 0))
    }

    /// Do the amounts fit into the node's quota, and what of them is left for the nodes above it?
    pub fn fit_in_quota(&self, node: NodeId, amounts: &Amounts) -> (bool, Amounts) {
        let fits = amounts
            .iter()
            .all(|(fr, amount)| !self.borrows_with(node, *fr, *amount));
        let rest = amounts
            .iter()
            .map(|(fr, amount)| (*fr, (amount - self.local_available(node, *fr)).max(0)));
        (fits, rest.collect())
    }

    /// Height of the lowest subtree that has the amount (0: the queue itself), and whether it is smaller than
    /// the whole tree.
    pub fn lowest_that_fits(&self, queue: NodeId, fr: Fr, amount: i64) -> (u32, bool) {
        let Some(parent) = self.nodes[queue].parent else {
            return (0, false);
        };
        if !self.borrows_with(queue, fr, amount) {
            return (0, true);
        }
        let mut rest = amount - self.local_available(queue, fr);
        for node in self.up(parent) {
            if !self.borrows_with(node, fr, rest) {
                return (self.height(node), self.nodes[node].parent.is_some());
            }
            rest -= self.local_available(node, fr);
        }
        (self.height(self.root(parent)), false)
    }

    pub fn occupy(&mut self, node: NodeId, amounts: &Amounts) {
        for (fr, amount) in amounts {
            self.occupy_one(node, *fr, *amount);
        }
    }

    fn occupy_one(&mut self, node: NodeId, fr: Fr, amount: i64) {
        let local = self.local_available(node, fr);
        self.nodes[node].usage[fr] += amount;
        if let Some(parent) = self.nodes[node].parent
            && amount > local
        {
            self.occupy_one(parent, fr, amount - local);
        }
    }

    pub fn release(&mut self, node: NodeId, amounts: &Amounts) {
        for (fr, amount) in amounts {
            self.release_one(node, *fr, *amount);
        }
    }

    fn release_one(&mut self, node: NodeId, fr: Fr, amount: i64) {
        let above = self.nodes[node].usage[fr] - self.local(node, fr);
        self.nodes[node].usage[fr] -= amount;
        if let Some(parent) = self.nodes[node].parent
            && above > 0
        {
            self.release_one(parent, fr, amount.min(above));
        }
    }

    /// How much of what it could borrow a node borrows.
    pub fn share(&self, node: NodeId) -> Share {
        let n = &self.nodes[node];
        let mut share = Share {
            ratio: 0.0,
            weight: n.weight,
            borrowing: false,
        };
        let Some(parent) = n.parent else {
            return share;
        };
        let mut borrowed: BTreeMap<&str, i64> = BTreeMap::new();
        for (fr, (_, resource)) in self.frs.iter().enumerate() {
            let above = n.usage[fr] - n.subtree[fr];
            if above > 0 {
                *borrowed.entry(resource).or_default() += above;
            }
        }
        share.borrowing = !borrowed.is_empty();
        for (resource, amount) in borrowed {
            let of = self.frs.iter().enumerate();
            let of = of.filter(|(_, (_, r))| r == resource);
            let lendable: i64 = of.map(|(fr, _)| self.potential(parent, fr)).sum();
            if lendable > 0 {
                let ratio = amount as f64 * 1000.0 / lendable as f64;
                share.ratio = share.ratio.max(ratio);
            }
        }
        share
    }
}
