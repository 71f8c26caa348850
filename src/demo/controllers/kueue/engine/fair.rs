//! Fair sharing: preemption from whoever borrows the largest share, and the order in which queues are served.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::Engine;
use super::preempt::{Asked, Target, Why};
use super::spec::{Key, Policy};
use super::tree::{Amounts, NodeId, Share};

/// Candidates by queue, and what of the tree is done with.
struct Search {
    left: BTreeMap<NodeId, VecDeque<Key>>,
    done: BTreeSet<NodeId>,
}

impl Search {
    fn new(candidates: &[(NodeId, Key)]) -> Self {
        let mut left: BTreeMap<NodeId, VecDeque<Key>> = BTreeMap::new();
        for (node, key) in candidates {
            left.entry(*node).or_default().push_back(key.clone());
        }
        Self {
            left,
            done: BTreeSet::new(),
        }
    }

    fn head(&self, node: NodeId) -> Option<&Key> {
        self.left.get(&node).and_then(VecDeque::front)
    }

    fn pop(&mut self, node: NodeId) -> Option<Key> {
        self.left.get_mut(&node).and_then(VecDeque::pop_front)
    }
}

impl Engine {
    pub(super) fn fair_targets(&mut self, asked: &Asked) -> Vec<Target> {
        let mut candidates = self.fair_candidates(asked);
        if candidates.is_empty() {
            return Vec::new();
        }
        candidates.sort_by(|a, b| self.order(&a.1, &b.1, &asked.queue));
        // Shares are those with the newcomer in.
        self.tree.occupy(asked.node, &asked.wants);
        let mut targets = Vec::new();
        let (mut fits, retry) = self.by_final_share(asked, &candidates, &mut targets);
        if !fits {
            fits = self.by_first_share(asked, &retry, &mut targets);
        }
        self.tree.release(asked.node, &asked.wants);
        if fits {
            return self.fill_back(asked, targets, true);
        }
        let keys: Vec<Key> = targets.into_iter().map(|t| t.key).collect();
        self.put_back(&keys);
        Vec::new()
    }

    fn fair_candidates(&self, asked: &Asked) -> Vec<(NodeId, Key)> {
        let Some(spec) = self.queues.get(&asked.queue).map(|q| &q.spec) else {
            return Vec::new();
        };
        let own = self.preemptible(asked, asked.node, spec.within);
        let mut out: Vec<_> = own.into_iter().map(|key| (asked.node, key)).collect();
        if self.tree.nodes[asked.node].parent.is_none() || spec.reclaim == Policy::Never {
            return out;
        }
        for node in self.tree.queues_under(self.tree.root(asked.node)) {
            if node != asked.node && !self.tree.within_nominal(node, &asked.needs) {
                let all = self.preemptible(asked, node, spec.reclaim);
                out.extend(all.into_iter().map(|key| (node, key)));
            }
        }
        out
    }

    fn take(&mut self, node: NodeId, key: Key, why: Why, targets: &mut Vec<Target>) {
        self.lift(std::slice::from_ref(&key));
        let queue = self.tree.nodes[node].name.clone();
        targets.push(Target { key, queue, why });
    }

    fn fits_without_itself(&mut self, asked: &Asked) -> bool {
        self.tree.release(asked.node, &asked.wants);
        let fits = self.tree.fits(asked.node, &asked.wants);
        self.tree.occupy(asked.node, &asked.wants);
        fits
    }

    /// The children of the lowest common cohort on the way to the preemptor and to the other.
    fn almost_common(&self, asked: &Asked, other: NodeId) -> (NodeId, NodeId) {
        let ours: Vec<NodeId> = self.tree.up(asked.node).collect();
        let mut theirs = other;
        for node in self.tree.up(other) {
            if let Some(at) = ours.iter().position(|n| *n == node) {
                return (ours[at.saturating_sub(1)], theirs);
            }
            theirs = node;
        }
        (asked.node, other)
    }

    /// First rule: the preemptor's share is not above what the other's will be.
    fn by_final_share(
        &mut self,
        asked: &Asked,
        candidates: &[(NodeId, Key)],
        targets: &mut Vec<Target>,
    ) -> (bool, Vec<(NodeId, Key)>) {
        let mut search = Search::new(candidates);
        let mut retry = Vec::new();
        let entitled = self.tree.within_nominal(asked.node, &asked.needs);
        while let Some(node) = self.next_target(asked, &mut search) {
            if node == asked.node || entitled {
                let why = if node == asked.node {
                    Why::Priority
                } else {
                    Why::Reclamation
                };
                if let Some(key) = search.pop(node) {
                    self.take(node, key, why, targets);
                }
                if self.fits_without_itself(asked) {
                    return (true, Vec::new());
                }
                continue;
            }
            let (ours, theirs) = self.almost_common(asked, node);
            let mine = self.tree.share(ours);
            while let Some(key) = search.pop(node) {
                self.lift(std::slice::from_ref(&key));
                let after = self.tree.share(theirs);
                self.put_back(std::slice::from_ref(&key));
                if mine.compare(after) == Ordering::Greater {
                    retry.push((node, key));
                    continue;
                }
                self.take(node, key, Why::FairSharing, targets);
                if self.fits_without_itself(asked) {
                    return (true, Vec::new());
                }
                break;
            }
        }
        (false, retry)
    }

    /// Second rule: the preemptor's share is below what the other's is.
    fn by_first_share(
        &mut self,
        asked: &Asked,
        candidates: &[(NodeId, Key)],
        targets: &mut Vec<Target>,
    ) -> bool {
        let mut search = Search::new(candidates);
        while let Some(node) = self.next_target(asked, &mut search) {
            let (ours, theirs) = self.almost_common(asked, node);
            let passes = self.tree.share(ours).compare(self.tree.share(theirs)) == Ordering::Less;
            if let Some(key) = search.pop(node).filter(|_| passes) {
                self.take(node, key, Why::FairSharing, targets);
                if self.fits_without_itself(asked) {
                    return true;
                }
            }
            search.done.insert(node);
        }
        false
    }

    /// The queue with candidates that has the largest share, down from the root.
    fn next_target(&self, asked: &Asked, search: &mut Search) -> Option<NodeId> {
        if self.tree.nodes[asked.node].parent.is_none() {
            let open = !search.done.contains(&asked.node) && search.head(asked.node).is_some();
            return open.then_some(asked.node);
        }
        let root = self.tree.root(asked.node);
        let above: BTreeSet<NodeId> = self.tree.up(asked.node).collect();
        while !search.done.contains(&root) {
            let found = self.largest(asked, &above, search, root);
            if found.is_some() {
                return found;
            }
        }
        None
    }

    fn largest(
        &self,
        asked: &Asked,
        above: &BTreeSet<NodeId>,
        search: &mut Search,
        cohort: NodeId,
    ) -> Option<NodeId> {
        let mut queue: Option<(NodeId, Share)> = None;
        for node in &self.tree.nodes[cohort].queues {
            if search.done.contains(node) {
                continue;
            }
            let share = self.tree.share(*node);
            let Some(head) = search
                .head(*node)
                .filter(|_| share.borrowing || *node == asked.node)
            else {
                search.done.insert(*node);
                continue;
            };
            let wins = match queue {
                None => true,
                Some((best, s)) => match share.compare(s) {
                    Ordering::Equal => search
                        .head(best)
                        .is_some_and(|b| self.order(head, b, &asked.queue) == Ordering::Less),
                    order => order == Ordering::Greater,
                },
            };
            if wins {
                queue = Some((*node, share));
            }
        }
        let mut inner: Option<(NodeId, Share)> = None;
        for node in &self.tree.nodes[cohort].cohorts {
            if search.done.contains(node) {
                continue;
            }
            let share = self.tree.share(*node);
            if !share.borrowing && !above.contains(node) {
                search.done.insert(*node);
            } else if inner.is_none_or(|(_, s)| share.compare(s) != Ordering::Less) {
                inner = Some((*node, share));
            }
        }
        match (queue, inner) {
            (None, None) => {
                search.done.insert(cohort);
                None
            }
            (Some((_, a)), Some((node, b))) if b.compare(a) != Ordering::Less => {
                self.largest(asked, above, search, node)
            }
            (None, Some((node, _))) => self.largest(asked, above, search, node),
            (Some((node, _)), _) => Some(node),
        }
    }

    /// Of several heads the one whose admission leaves the smallest share, level by level from the root.
    pub(super) fn fairest(&mut self, heads: &[(NodeId, &Amounts, i64, i64)]) -> usize {
        let mut shares: Vec<BTreeMap<NodeId, Share>> = Vec::new();
        for (node, usage, _, _) in heads {
            self.tree.occupy(*node, usage);
            let all = self.tree.up(*node).map(|n| (n, self.tree.share(n)));
            shares.push(all.collect());
            self.tree.release(*node, usage);
        }
        let of =
            |head: usize, node: NodeId| shares[head].get(&node).copied().unwrap_or(Share::NEGATIVE);
        let mut rounds: BTreeMap<NodeId, Vec<usize>> = BTreeMap::new();
        for (at, (node, ..)) in heads.iter().enumerate() {
            rounds.entry(self.tree.root(*node)).or_default().push(at);
        }
        let Some((root, mut left)) = rounds.into_iter().next() else {
            return 0;
        };
        let mut cohort = root;
        // Down the tree: at each level only the child with the smallest share stays.
        while left.len() > 1 {
            let child = |at: usize| {
                let path: Vec<NodeId> = self.tree.up(heads[at].0).collect();
                let level = path.iter().position(|n| *n == cohort);
                level.and_then(|l| l.checked_sub(1)).map(|l| path[l])
            };
            let best = left.iter().copied().min_by(|a, b| {
                let share = |at: usize| child(at).map_or(Share::NEGATIVE, |c| of(at, c));
                let rank = |at: usize| (-heads[at].2, heads[at].3);
                share(*a).compare(share(*b)).then(rank(*a).cmp(&rank(*b)))
            });
            let Some(next) = best.and_then(child) else {
                break;
            };
            left.retain(|at| child(*at) == Some(next));
            cohort = next;
        }
        left.first().copied().unwrap_or(0)
    }
}
