//! Whom to evict for a workload: the classical choice by priority and place in the tree, or the one by fair shares.

use std::cmp::Ordering;

use super::Engine;
use super::spec::{Key, Policy, Standing, Workload};
use super::tree::{Amounts, Fr, NodeId};

/// Why a workload is preempted: the reason of its `Preempted` condition, and in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    Priority,
    Reclamation,
    FairSharing,
    ReclaimWhileBorrowing,
}

impl Why {
    pub fn reason(self) -> &'static str {
        match self {
            Self::Priority => "InClusterQueue",
            Self::Reclamation => "InCohortReclamation",
            Self::FairSharing => "InCohortFairSharing",
            Self::ReclaimWhileBorrowing => "InCohortReclaimWhileBorrowing",
        }
    }

    pub fn words(self) -> &'static str {
        match self {
            Self::Priority => "prioritization in the ClusterQueue",
            Self::Reclamation => "reclamation within the cohort",
            Self::FairSharing => "Fair Sharing within the cohort",
            Self::ReclaimWhileBorrowing => "reclamation within the cohort while borrowing",
        }
    }
}

/// A workload to evict.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    pub key: Key,
    pub queue: String,
    pub why: Why,
}

/// For whom room is sought, and which.
#[derive(Debug, Clone)]
pub struct Asked {
    pub key: Key,
    pub queue: String,
    pub node: NodeId,
    /// What is only to be had by preemption.
    pub needs: Vec<Fr>,
    pub wants: Amounts,
}

#[derive(Debug, Clone)]
struct Candidate {
    target: Target,
    node: NodeId,
    /// The lowest cohort that has both it and the preemptor.
    meeting: Option<NodeId>,
    /// Only if the preemptor does not borrow in the end.
    without_borrowing: bool,
}

fn satisfies(policy: Policy, preemptor: &Workload, other: &Workload) -> bool {
    let lower = preemptor.priority > other.priority;
    let newer = preemptor.priority == other.priority && preemptor.queued < other.queued;
    match policy {
        Policy::Never => false,
        Policy::LowerPriority => lower,
        Policy::LowerOrNewerEqualPriority => lower || newer,
        Policy::Any => true,
    }
}

impl Engine {
    /// Evict these, and what is asked for fits. Empty if nothing helps.
    pub(super) fn targets(&mut self, asked: &Asked) -> Vec<Target> {
        if self.fair {
            self.fair_targets(asked)
        } else {
            self.classical_targets(asked)
        }
    }

    fn uses(&self, key: &Key, frs: &[Fr]) -> bool {
        let held = self.held.get(key);
        held.is_some_and(|h| frs.iter().any(|fr| h.usage.get(fr).is_some_and(|n| *n > 0)))
    }

    /// Holders in a queue that the policy lets be preempted.
    pub(super) fn preemptible(&self, asked: &Asked, node: NodeId, policy: Policy) -> Vec<Key> {
        let name = &self.tree.nodes[node].name;
        let (Some(queue), Some(wl)) = (self.queues.get(name), self.workloads.get(&asked.key))
        else {
            return Vec::new();
        };
        let all = queue.holders.iter().filter(|key| {
            let other = self.workloads.get(*key);
            other.is_some_and(|o| satisfies(policy, wl, o)) && self.uses(key, &asked.needs)
        });
        all.cloned().collect()
    }

    /// Those being evicted first, then other queues' before one's own, low priority, lately admitted.
    pub(super) fn order(&self, a: &Key, b: &Key, own: &str) -> Ordering {
        let rank = |key: &Key| {
            let wl = self.workloads.get(key)?;
            let Standing::Holding { queue, since, .. } = &wl.standing else {
                return None;
            };
            Some((
                !wl.evicted,
                queue == own,
                wl.priority,
                -since,
                wl.uid.clone(),
            ))
        };
        rank(a).cmp(&rank(b))
    }

    fn enough(&self, asked: &Asked, borrowing: bool) -> bool {
        asked.wants.iter().all(|(fr, n)| {
            (borrowing || !self.tree.borrows_with(asked.node, *fr, *n))
                && *n <= self.tree.available(asked.node, *fr)
        })
    }

    fn classical_targets(&mut self, asked: &Asked) -> Vec<Target> {
        let Some(spec) = self.queues.get(&asked.queue).map(|q| q.spec.clone()) else {
            return Vec::new();
        };
        let (hierarchy, by_priority) = self.elsewhere(asked, &spec);
        let own: Vec<Candidate> = self
            .preemptible(asked, asked.node, spec.within)
            .into_iter()
            .map(|key| Candidate {
                target: Target {
                    key,
                    queue: asked.queue.clone(),
                    why: Why::Priority,
                },
                node: asked.node,
                meeting: None,
                without_borrowing: false,
            })
            .collect();
        let (no_hierarchy, no_others) = (
            hierarchy.is_empty(),
            hierarchy.is_empty() && by_priority.is_empty(),
        );
        let mut all = Vec::new();
        for mut list in [hierarchy, by_priority, own] {
            list.sort_by(|a, b| self.order(&a.target.key, &b.target.key, &asked.queue));
            all.extend(list);
        }
        // those on their way out first, else as they are
        let going = |c: &Candidate| self.workloads.get(&c.target.key).is_some_and(|w| w.evicted);
        all.sort_by_key(|c| !going(c));
        let forbidden = spec.borrow.is_none();
        let under = asked.needs.iter().all(|fr| {
            let n = &self.tree.nodes[asked.node];
            n.usage[*fr] < n.quota[*fr].nominal
        });
        let tries: &[bool] = if no_others || (forbidden && !under) {
            &[true]
        } else if forbidden && no_hierarchy {
            &[false, true]
        } else {
            &[true, false]
        };
        for borrowing in tries {
            let found = self.remove_until_it_fits(asked, &all, *borrowing);
            if !found.is_empty() {
                return found;
            }
        }
        Vec::new()
    }

    fn remove_until_it_fits(
        &mut self,
        asked: &Asked,
        all: &[Candidate],
        borrowing: bool,
    ) -> Vec<Target> {
        let mut out: Vec<Target> = Vec::new();
        for candidate in all {
            if !self.valid(asked, candidate, borrowing) {
                continue;
            }
            self.lift(std::slice::from_ref(&candidate.target.key));
            out.push(candidate.target.clone());
            if self.enough(asked, borrowing) {
                return self.fill_back(asked, out, borrowing);
            }
        }
        let keys: Vec<Key> = out.into_iter().map(|t| t.key).collect();
        self.put_back(&keys);
        Vec::new()
    }

    /// Spares those that need not go after all; puts everything back.
    pub(super) fn fill_back(
        &mut self,
        asked: &Asked,
        mut targets: Vec<Target>,
        borrowing: bool,
    ) -> Vec<Target> {
        for at in (0..targets.len().saturating_sub(1)).rev() {
            let key = targets[at].key.clone();
            self.put_back(std::slice::from_ref(&key));
            if self.enough(asked, borrowing) {
                targets.swap_remove(at);
            } else {
                self.lift(std::slice::from_ref(&key));
            }
        }
        let keys: Vec<Key> = targets.iter().map(|t| t.key.clone()).collect();
        self.put_back(&keys);
        targets
    }

    fn valid(&self, asked: &Asked, candidate: &Candidate, borrowing: bool) -> bool {
        if candidate.node == asked.node {
            return true;
        }
        if borrowing && candidate.without_borrowing {
            return false;
        }
        let below = self
            .tree
            .up(candidate.node)
            .take_while(|n| Some(*n) != candidate.meeting);
        let mut below = below;
        !below.any(|n| self.tree.within_nominal(n, &asked.needs))
    }

    /// Candidates in other queues: those over which the preemptor has the better right by its place in the tree,
    /// and those where priority decides.
    fn elsewhere(
        &self,
        asked: &Asked,
        spec: &super::spec::QueueSpec,
    ) -> (Vec<Candidate>, Vec<Candidate>) {
        let (mut hierarchy, mut by_priority) = (Vec::new(), Vec::new());
        let parent = self.tree.nodes[asked.node].parent;
        let (Some(parent), false) = (parent, spec.reclaim == Policy::Never) else {
            return (hierarchy, by_priority);
        };
        let (mut advantage, mut rest) = self.tree.fit_in_quota(asked.node, &asked.wants);
        let mut done = None;
        let cohorts: Vec<NodeId> = self.tree.up(parent).collect();
        for cohort in cohorts {
            let list = if advantage {
                &mut hierarchy
            } else {
                &mut by_priority
            };
            self.collect(asked, spec, (cohort, cohort, done), advantage, list);
            let (fits, left) = self.tree.fit_in_quota(cohort, &rest);
            rest = left;
            advantage |= fits;
            done = Some(cohort);
        }
        (hierarchy, by_priority)
    }

    fn collect(
        &self,
        asked: &Asked,
        spec: &super::spec::QueueSpec,
        (cohort, meeting, skip): (NodeId, NodeId, Option<NodeId>),
        advantage: bool,
        out: &mut Vec<Candidate>,
    ) {
        for child in &self.tree.nodes[cohort].cohorts {
            if Some(*child) != skip && !self.tree.within_nominal(*child, &asked.needs) {
                self.collect(asked, spec, (*child, meeting, skip), advantage, out);
            }
        }
        for node in &self.tree.nodes[cohort].queues {
            if *node == asked.node || self.tree.within_nominal(*node, &asked.needs) {
                continue;
            }
            for key in self.preemptible(asked, *node, spec.reclaim) {
                let (why, without_borrowing) = self.right(asked, spec, &key, advantage);
                let queue = self.tree.nodes[*node].name.clone();
                out.push(Candidate {
                    target: Target { key, queue, why },
                    node: *node,
                    meeting: Some(meeting),
                    without_borrowing,
                });
            }
        }
    }

    fn right(
        &self,
        asked: &Asked,
        spec: &super::spec::QueueSpec,
        key: &Key,
        advantage: bool,
    ) -> (Why, bool) {
        if advantage {
            return (Why::Reclamation, false);
        }
        let priority = |key: &Key| self.workloads.get(key).map_or(0, |w| w.priority);
        let victim = priority(key);
        match spec.borrow {
            Some(limit) if victim < priority(&asked.key) && limit.is_none_or(|l| victim <= l) => {
                (Why::ReclaimWhileBorrowing, false)
            }
            _ => (Why::Reclamation, true),
        }
    }
}
