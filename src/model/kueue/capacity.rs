//! What a queue may still take, borrow and lend: Kueue's arithmetic over the tree of cohorts, per flavor and
//! resource (domain.md C.3). Made once per look; nodes have [`crate::model::capacity`] of their own.

use std::collections::HashMap;

use super::queue::{ResourceGroup, Use};
use super::{Amount, FlavorResource, Kueue};
use crate::model::ids::{ClusterId, Name};

/// Quota and use of one resource in one flavor at one node of the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cell {
    /// Given to the node itself.
    pub nominal: Amount,
    /// Of a cohort: everything given to it and below it. Of a queue: its nominal.
    pub total: Amount,
    /// Of `total`, what its members may have together; less where they lend only a part.
    pub shared: Amount,
    /// Held by admitted workloads.
    pub used: Amount,
    /// Held by all workloads with a reservation.
    pub reserved: Amount,
    /// Held above what is its own; Kueue's count of it.
    pub borrowed: Amount,
    /// Of `borrowed`, what nobody lends: quota was cut below its use.
    pub over: Amount,
    /// Of what is its own, what others use: of a cohort, those outside of it.
    pub lent: Amount,
    /// Of a cohort's own quota, what its members and others use.
    pub lent_own: Amount,
    pub borrowing_limit: Option<Amount>,
    pub lending_limit: Option<Amount>,
    /// Free for it now; negative where more is held than there is.
    pub available: Amount,
    /// The most it could ever hold.
    pub max_capacity: Amount,
}

/// A cluster queue or a cohort.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    pub name: Name,
    pub is_cohort: bool,
    /// A cohort that others name and that has no object.
    pub by_name_only: bool,
    /// In a ring of cohorts (or below one): Kueue admits nothing there.
    pub broken: bool,
    /// `fairSharing.weight` in thousandths.
    pub weight: u64,
    /// Fair share by Kueue's formula, per mille; `i64::MAX`: weight 0 and borrowing.
    pub share: i64,
    parent: Option<usize>,
    cells: Vec<(FlavorResource, Cell)>,
}

impl Node {
    /// Sorted by flavor and resource.
    pub fn cells(&self) -> &[(FlavorResource, Cell)] {
        &self.cells
    }

    pub fn cell(&self, of: &FlavorResource) -> Option<&Cell> {
        let at = self.cells.binary_search_by(|(fr, _)| fr.cmp(of)).ok()?;
        self.cells.get(at).map(|(_, cell)| cell)
    }
}

/// The trees of one cluster.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Capacity {
    nodes: Vec<Node>,
    queues: HashMap<Name, usize>,
    cohorts: HashMap<Name, usize>,
}

impl Capacity {
    /// O(nodes × flavor-resources of their tree).
    pub fn of(kueue: &Kueue, cluster: ClusterId) -> Self {
        let mut forest = Forest::of(kueue, cluster);
        forest.add_up();
        forest.hand_down();
        forest.shares();
        forest.done()
    }

    pub fn queue(&self, name: &str) -> Option<&Node> {
        self.nodes.get(*self.queues.get(name)?)
    }

    pub fn cohort(&self, name: &str) -> Option<&Node> {
        self.nodes.get(*self.cohorts.get(name)?)
    }

    pub fn parent(&self, node: &Node) -> Option<&Node> {
        self.nodes.get(node.parent?)
    }

    /// The widest cohort above a node, or the node itself.
    pub fn root<'a>(&'a self, node: &'a Node) -> &'a Node {
        let mut node = node;
        while let Some(parent) = self.parent(node) {
            node = parent;
        }
        node
    }

    /// Queues and cohorts, in no order.
    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter()
    }
}

/// Numbers while they are added up: wide enough that no sum of them overflows.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    listed: bool,
    nominal: i128,
    total: i128,
    subtree: i128,
    usage: i128,
    used: i128,
    reserved: i128,
    borrowing_limit: Option<i128>,
    lending_limit: Option<i128>,
    /// Needs and offers of the children.
    needs: i128,
    offers: i128,
    lent: i128,
    lent_own: i128,
    over: i128,
    available: i128,
    max_capacity: i128,
}

impl Sum {
    /// Kept from everyone above.
    fn local(&self) -> i128 {
        self.lending_limit
            .map_or(0, |limit| (self.subtree - limit).max(0))
    }

    /// Held above what is its own.
    fn need(&self) -> i128 {
        (self.usage - self.subtree).max(0)
    }

    /// Not held, and others may have it.
    fn offer(&self) -> i128 {
        (self.subtree - self.usage.max(self.local())).max(0)
    }
}

struct Forest {
    nodes: Vec<Node>,
    queues: HashMap<Name, usize>,
    cohorts: HashMap<Name, usize>,
    children: Vec<Vec<usize>>,
    /// Parents before children.
    order: Vec<usize>,
    /// Of every node, its tree; of every tree, its flavors and resources, sorted.
    tree: Vec<usize>,
    columns: Vec<Vec<FlavorResource>>,
    sums: Vec<Vec<Sum>>,
}

/// What one row brings: quota per flavor and resource.
struct Brings<'a> {
    groups: &'a [ResourceGroup],
    reserved: &'a [Use],
    used: &'a [Use],
}

impl<'a> Brings<'a> {
    fn quotas(&self) -> impl Iterator<Item = (FlavorResource, &'a super::queue::Quota)> {
        let flavors = self.groups.iter().flat_map(|group| &group.flavors);
        flavors.flat_map(|flavor| {
            flavor.resources.iter().map(|quota| {
                let of = FlavorResource {
                    flavor: flavor.flavor.clone(),
                    resource: quota.resource.clone(),
                };
                (of, quota)
            })
        })
    }
}

impl Forest {
    fn of(kueue: &Kueue, cluster: ClusterId) -> Self {
        let mut forest = Self {
            nodes: Vec::new(),
            queues: HashMap::new(),
            cohorts: HashMap::new(),
            children: Vec::new(),
            order: Vec::new(),
            tree: Vec::new(),
            columns: Vec::new(),
            sums: Vec::new(),
        };
        let mut brings = Vec::new();
        let mut parents: Vec<Option<Name>> = Vec::new();
        for row in kueue.cohorts.rows().filter(|r| r.key.cluster == cluster) {
            let node = forest.cohort(&row.name, false);
            // of two rows of one name (one is going) the first counts
            if node < brings.len() {
                continue;
            }
            forest.nodes[node].weight = row.weight.unwrap_or(1000);
            brings.push(Brings {
                groups: &row.groups,
                reserved: &[],
                used: &[],
            });
            parents.push(row.parent.clone());
        }
        for row in kueue
            .cluster_queues
            .rows()
            .filter(|r| r.key.cluster == cluster)
        {
            if forest.queues.contains_key(&row.name) {
                continue;
            }
            let at = forest.nodes.len();
            forest.nodes.push(Node {
                is_cohort: false,
                weight: row.weight.unwrap_or(1000),
                ..blank(row.name.clone())
            });
            forest.queues.insert(row.name.clone(), at);
            brings.push(Brings {
                groups: &row.groups,
                reserved: &row.reserved,
                used: &row.used,
            });
            parents.push(row.cohort.clone());
        }
        for (at, parent) in parents.into_iter().enumerate() {
            if let Some(parent) = parent.filter(|name| !name.is_empty()) {
                let parent = forest.cohort(&parent, true);
                forest.nodes[at].parent = Some(parent);
            }
        }
        forest.cut_rings();
        forest.line_up();
        forest.fill(&brings);
        forest
    }

    fn cohort(&mut self, name: &Name, by_name_only: bool) -> usize {
        if let Some(&at) = self.cohorts.get(name) {
            return at;
        }
        let at = self.nodes.len();
        self.nodes.push(Node {
            by_name_only,
            ..blank(name.clone())
        });
        self.cohorts.insert(name.clone(), at);
        at
    }

    /// Cohorts that are their own ancestors, and those below them, stand alone.
    fn cut_rings(&mut self) {
        // 0: not looked at, 1: on the way up, 2: fine, 3: broken
        let mut seen = vec![0u8; self.nodes.len()];
        for start in 0..self.nodes.len() {
            let mut way = Vec::new();
            let mut at = Some(start);
            let verdict = loop {
                match at.map(|at| (at, seen[at])) {
                    None => break 2,
                    Some((at_now, 0)) => {
                        seen[at_now] = 1;
                        way.push(at_now);
                        at = self.nodes[at_now].parent;
                    }
                    Some((_, 1)) => break 3,
                    Some((_, known)) => break known,
                }
            };
            for at in way {
                seen[at] = verdict;
            }
        }
        for (at, verdict) in seen.into_iter().enumerate() {
            if verdict == 3 {
                self.nodes[at].broken = true;
                if self.nodes[at].is_cohort {
                    self.nodes[at].parent = None;
                }
            }
        }
    }

    /// Children, an order with parents first, and which tree each is in.
    fn line_up(&mut self) {
        self.children = vec![Vec::new(); self.nodes.len()];
        self.tree = vec![0; self.nodes.len()];
        for (at, node) in self.nodes.iter().enumerate() {
            match node.parent {
                Some(parent) => self.children[parent].push(at),
                None => {
                    self.tree[at] = self.columns.len();
                    self.columns.push(Vec::new());
                    self.order.push(at);
                }
            }
        }
        let mut next = 0;
        while let Some(&at) = self.order.get(next) {
            next += 1;
            for &child in &self.children[at] {
                self.tree[child] = self.tree[at];
                self.order.push(child);
            }
        }
    }

    fn fill(&mut self, brings: &[Brings<'_>]) {
        for (at, row) in brings.iter().enumerate() {
            let columns = &mut self.columns[self.tree[at]];
            columns.extend(row.quotas().map(|(of, _)| of));
            columns.extend(row.reserved.iter().chain(row.used).map(|u| u.of.clone()));
        }
        for columns in &mut self.columns {
            columns.sort_unstable();
            columns.dedup();
        }
        self.sums = (0..self.nodes.len())
            .map(|at| vec![Sum::default(); self.columns[self.tree[at]].len()])
            .collect();
        for (at, row) in brings.iter().enumerate() {
            let columns = &self.columns[self.tree[at]];
            let sums = &mut self.sums[at];
            let column = |of: &FlavorResource| columns.binary_search(of).ok();
            let wide = |n: Amount| i128::from(n.max(0));
            for (of, quota) in row.quotas() {
                let Some(sum) = column(&of).and_then(|c| sums.get_mut(c)) else {
                    continue;
                };
                sum.listed = true;
                sum.nominal = wide(quota.nominal);
                sum.borrowing_limit = quota.borrowing_limit.map(wide);
                sum.lending_limit = quota.lending_limit.map(wide);
            }
            for (told, admitted) in row
                .reserved
                .iter()
                .map(|u| (u, false))
                .chain(row.used.iter().map(|u| (u, true)))
            {
                let Some(sum) = column(&told.of).and_then(|c| sums.get_mut(c)) else {
                    continue;
                };
                sum.listed |= told.total > 0;
                if admitted {
                    sum.used += wide(told.total);
                } else {
                    sum.reserved += wide(told.total);
                    sum.usage += wide(told.total);
                }
            }
        }
    }

    /// Children into parents: quota, use, what they need and offer.
    fn add_up(&mut self) {
        for &at in self.order.iter().rev() {
            let mut sums = std::mem::take(&mut self.sums[at]);
            for (column, sum) in sums.iter_mut().enumerate() {
                sum.subtree += sum.nominal;
                sum.total += sum.nominal;
                let Some(parent) = self.nodes[at].parent else {
                    continue;
                };
                let above = &mut self.sums[parent][column];
                above.listed |= sum.listed;
                above.subtree += sum.subtree - sum.local();
                above.usage += (sum.usage - sum.local()).max(0);
                above.total += sum.total;
                above.used += sum.used;
                above.reserved += sum.reserved;
                above.needs += sum.need();
                above.offers += sum.offer();
            }
            self.sums[at] = sums;
        }
    }

    /// Parents into children: what is free, who lends, and whose use nobody covers.
    fn hand_down(&mut self) {
        for &at in &self.order {
            let width = self.sums[at].len();
            for column in 0..width {
                let above = self.nodes[at].parent.map(|p| self.sums[p][column]);
                let sum = &mut self.sums[at][column];
                match above {
                    None => {
                        sum.available = sum.subtree - sum.usage;
                        sum.max_capacity = sum.subtree;
                        sum.over = sum.need();
                    }
                    Some(above) => {
                        let local = sum.local();
                        let held = (sum.usage - local).max(0);
                        let mut rest = above.available;
                        sum.max_capacity = local + above.max_capacity;
                        if let Some(limit) = sum.borrowing_limit {
                            rest = rest.min(sum.subtree - local - held + limit);
                            sum.max_capacity = sum.max_capacity.min(sum.subtree + limit);
                        }
                        sum.available = (local - sum.usage).max(0) + rest;
                    }
                }
                let sum = *sum;
                if self.children[at].is_empty() && !self.nodes[at].is_cohort {
                    continue;
                }
                let met = sum.needs.min(sum.nominal + sum.offers);
                let taken = met + sum.lent;
                let own = taken.min(sum.nominal);
                self.sums[at][column].lent_own = own;
                let children = &self.children[at];
                let all = &mut self.sums;
                let offers: Vec<i128> = children.iter().map(|&c| all[c][column].offer()).collect();
                let needs: Vec<i128> = children.iter().map(|&c| all[c][column].need()).collect();
                for (&child, part) in children.iter().zip(split(taken - own, &offers)) {
                    all[child][column].lent = part;
                }
                for (&child, part) in children.iter().zip(split(sum.over, &needs)) {
                    all[child][column].over = part;
                }
            }
        }
    }

    fn shares(&mut self) {
        // what a parent's members could borrow at most, by resource
        let mut lendable: HashMap<usize, HashMap<Name, i128>> = HashMap::new();
        for at in 0..self.nodes.len() {
            let Some(parent) = self.nodes[at].parent else {
                continue;
            };
            let columns = &self.columns[self.tree[at]];
            let mut above: HashMap<&Name, i128> = HashMap::new();
            for (of, sum) in columns.iter().zip(&self.sums[at]) {
                if sum.need() > 0 {
                    *above.entry(&of.resource).or_default() += sum.need();
                }
            }
            if above.is_empty() {
                continue;
            }
            let most = lendable.entry(parent).or_insert_with(|| {
                let mut all: HashMap<Name, i128> = HashMap::new();
                for (of, sum) in columns.iter().zip(&self.sums[parent]) {
                    *all.entry(of.resource.clone()).or_default() += sum.max_capacity;
                }
                all
            });
            let ratio = above
                .into_iter()
                .filter_map(|(resource, held)| {
                    let most = most.get(resource).copied().filter(|&n| n > 0)?;
                    Some(held as f64 * 1000.0 / most as f64)
                })
                .fold(0.0, f64::max);
            self.nodes[at].share = match (ratio, self.nodes[at].weight) {
                (ratio, _) if ratio <= 0.0 => 0,
                (_, 0) => i64::MAX,
                // saturates
                (ratio, weight) => (ratio * 1000.0 / weight as f64).ceil() as i64,
            };
        }
    }

    fn done(mut self) -> Capacity {
        let narrow =
            |n: i128| Amount::try_from(n).unwrap_or(if n < 0 { Amount::MIN } else { Amount::MAX });
        for at in 0..self.nodes.len() {
            let columns = &self.columns[self.tree[at]];
            let cells = columns.iter().zip(&self.sums[at]);
            self.nodes[at].cells = cells
                .filter(|(_, sum)| sum.listed)
                .map(|(of, sum)| {
                    let cell = Cell {
                        nominal: narrow(sum.nominal),
                        total: narrow(sum.total),
                        shared: narrow(sum.subtree),
                        used: narrow(sum.used),
                        reserved: narrow(sum.reserved),
                        borrowed: narrow(sum.need()),
                        over: narrow(sum.over),
                        lent: narrow(sum.lent),
                        lent_own: narrow(sum.lent_own),
                        borrowing_limit: sum.borrowing_limit.map(narrow),
                        lending_limit: sum.lending_limit.map(narrow),
                        available: narrow(sum.available),
                        max_capacity: narrow(sum.max_capacity),
                    };
                    (of.clone(), cell)
                })
                .collect();
        }
        Capacity {
            nodes: self.nodes,
            queues: self.queues,
            cohorts: self.cohorts,
        }
    }
}

fn blank(name: Name) -> Node {
    Node {
        name,
        is_cohort: true,
        by_name_only: false,
        broken: false,
        weight: 1000,
        share: 0,
        parent: None,
        cells: Vec::new(),
    }
}

/// Parts of an amount in proportion to what each can give, never more than that; they add up to the amount if all
/// together can give it.
fn split(amount: i128, most: &[i128]) -> Vec<i128> {
    let total: i128 = most.iter().sum();
    let mut left = amount.min(total).max(0);
    // products of such sums fit
    let scale = (128 - total.leading_zeros()).saturating_sub(62);
    let wanted = left >> scale;
    let mut parts = Vec::with_capacity(most.len());
    for &n in most {
        let part = wanted * (n >> scale) / (total >> scale).max(1);
        let part = (part << scale).min(n).min(left);
        parts.push(part);
        left -= part;
    }
    // what rounding left over
    for (part, &n) in parts.iter_mut().zip(most) {
        let more = (n - *part).min(left).max(0);
        *part += more;
        left -= more;
    }
    parts
}

#[cfg(test)]
mod tests;
