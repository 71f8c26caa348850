//! Scheduling cycles: the heads of all queues are nominated, brought into an order, and admitted, made to wait, or let
//! preempt, until nothing more can be decided.

use std::collections::BTreeMap;

use super::assign::{Assignment, Mode};
use super::preempt::{Asked, Target};
use super::spec::{Key, Policy, Standing};
use super::tree::{Amounts, NodeId};
use super::{Engine, Rank, rank};

/// An eviction in favour of another workload.
#[derive(Debug, Clone, PartialEq)]
pub struct Preemption {
    pub target: Target,
    pub preemptor: Key,
    /// Both queues, from the root.
    pub paths: (String, String),
}

/// What was decided on a workload.
#[derive(Debug)]
pub enum Outcome {
    Reserved {
        key: Key,
        assignment: Assignment,
    },
    Waits {
        key: Key,
        /// Reason and message of the `QuotaReserved` condition.
        reason: &'static str,
        message: String,
        assignment: Assignment,
    },
    Preempts(Preemption),
}

/// Cycles in one go, after which something must be running in circles.
const LIMIT: usize = 100_000;

/// A head with what could be had for it.
struct Entry {
    key: Key,
    queue: String,
    node: NodeId,
    priority: i64,
    queued: i64,
    sticky: bool,
    assignment: Assignment,
    targets: Vec<Target>,
}

/// Back into the queue: at once, or parked.
#[derive(PartialEq)]
enum Back {
    /// It lost to another of this cycle.
    Again,
    /// Nothing fits; workloads like it need not be tried either.
    Hopeless,
    /// Not by itself.
    Parked,
    /// It waits for those it preempts, at the head.
    Preempting,
}

impl Engine {
    /// Decides all that can be decided now (`now` in milliseconds).
    pub fn run(&mut self, now: i64) -> Vec<Outcome> {
        let mut out = Vec::new();
        for _ in 0..LIMIT {
            let heads = self.heads();
            if heads.is_empty() {
                break;
            }
            self.cycle(heads, now, &mut out);
        }
        out
    }

    fn heads(&mut self) -> Vec<Key> {
        let mut out = Vec::new();
        for queue in self.queues.values_mut().filter(|q| q.spec.active) {
            let sticky = queue.sticky.as_ref();
            let sticky = sticky.and_then(|k| queue.heap.iter().find(|r| r.3 == *k));
            let mut head = sticky.or_else(|| queue.heap.first()).cloned();
            if sticky.is_none() && !queue.hopeless.is_empty() {
                let shapes = &self.shapes;
                let vain = |r: &Rank| shapes.get(&r.3).is_some_and(|s| queue.hopeless.contains(s));
                while let Some(rank) = head.take_if(|r| vain(r)) {
                    queue.heap.remove(&rank);
                    queue.parked.insert(rank);
                    head = queue.heap.first().cloned();
                }
            }
            let Some(head) = head else {
                continue;
            };
            if queue.tried.as_ref() != Some(&head.3) {
                queue.heap.remove(&head);
                out.push(head.3);
            }
        }
        out
    }

    fn cycle(&mut self, heads: Vec<Key>, now: i64, out: &mut Vec<Outcome>) {
        let mut entries = Vec::new();
        for key in heads {
            let Some(wl) = self.workloads.get(&key).cloned() else {
                continue;
            };
            if let Some(message) = wl.refused.clone() {
                self.back(&key, &wl.queue, &Back::Parked);
                let assignment = Assignment::default();
                out.push(Outcome::Waits {
                    key,
                    reason: "Misconfigured",
                    message,
                    assignment,
                });
                continue;
            }
            let assignment = self.assign(&key, &wl.queue, &wl.sets);
            let Some(queue) = self.queues.get(&wl.queue) else {
                continue;
            };
            let mut entry = Entry {
                sticky: queue.sticky.as_ref() == Some(&key),
                node: queue.node,
                queue: wl.queue.clone(),
                priority: wl.priority,
                queued: wl.queued,
                targets: Vec::new(),
                key,
                assignment,
            };
            let mode = entry.assignment.mode();
            if mode != Mode::Fit && mode != Mode::NoFit {
                let asked = Asked {
                    key: entry.key.clone(),
                    queue: entry.queue.clone(),
                    node: entry.node,
                    needs: entry.assignment.needs.clone(),
                    wants: entry.assignment.usage.clone(),
                };
                entry.targets = self.targets(&asked);
            }
            entries.push(entry);
        }
        if !self.fair {
            entries.sort_by_key(|e| {
                let borrow = e.assignment.borrow;
                (!e.sticky, borrow, -e.priority, e.queued, e.key.clone())
            });
        }
        let mut victims: BTreeMap<Key, ()> = BTreeMap::new();
        // Reserved within the cycle only.
        let mut reserved: Vec<(NodeId, Amounts)> = Vec::new();
        while !entries.is_empty() {
            let at = if self.fair {
                self.fairest_entry(&entries)
            } else {
                0
            };
            let entry = entries.remove(at);
            self.process(entry, now, &mut victims, &mut reserved, out);
        }
        for (node, amounts) in reserved {
            self.tree.release(node, &amounts);
        }
    }

    fn fairest_entry(&mut self, entries: &[Entry]) -> usize {
        if let Some(at) = entries.iter().position(|e| e.sticky) {
            return at;
        }
        let heads: Vec<(NodeId, &Amounts, i64, i64)> = entries
            .iter()
            .map(|e| (e.node, &e.assignment.usage, e.priority, e.queued))
            .collect();
        self.fairest(&heads)
    }

    fn process(
        &mut self,
        entry: Entry,
        now: i64,
        victims: &mut BTreeMap<Key, ()>,
        reserved: &mut Vec<(NodeId, Amounts)>,
        out: &mut Vec<Outcome>,
    ) {
        let mode = entry.assignment.mode();
        let message = entry.assignment.message();
        if mode == Mode::NoFit {
            let reason = entry.assignment.reason();
            return self.wait(entry, reason, message, &Back::Hopeless, out);
        }
        if mode != Mode::Fit && entry.targets.is_empty() {
            self.keep_room(&entry, reserved);
            return self.wait(entry, "WaitingForQuota", message, &Back::Hopeless, out);
        }
        if entry.targets.iter().any(|t| victims.contains_key(&t.key)) {
            let message = "Workload has overlapping preemption targets with another workload";
            return self.wait(
                entry,
                "WaitingForQuota",
                message.to_owned(),
                &Back::Again,
                out,
            );
        }
        let mut gone: Vec<Key> = victims.keys().cloned().collect();
        gone.extend(entry.targets.iter().map(|t| t.key.clone()));
        self.lift(&gone);
        let mut fits = self.tree.fits(entry.node, &entry.assignment.usage);
        self.put_back(&gone);
        if mode == Mode::Fit {
            // What victims still hold is not there to be given yet, whatever is promised in its place.
            fits &= self.fits_today(&entry, reserved);
        }
        if !fits {
            let message = "Workload no longer fits after processing another workload";
            return self.wait(
                entry,
                "WaitingForQuota",
                message.to_owned(),
                &Back::Again,
                out,
            );
        }
        victims.extend(entry.targets.iter().map(|t| (t.key.clone(), ())));
        if mode == Mode::Fit {
            self.admit(entry, now, out);
            return;
        }
        let usage = entry.assignment.usage.clone();
        self.tree.occupy(entry.node, &usage);
        reserved.push((entry.node, usage));
        let message = format!(
            "{message}. Pending the preemption of {} workload(s)",
            entry.targets.len()
        );
        for target in &entry.targets {
            let Some(victim) = self.workloads.get_mut(&target.key) else {
                continue;
            };
            if std::mem::replace(&mut victim.evicted, true) {
                continue;
            }
            let other = self.queues.get(&target.queue).map(|q| q.node);
            let path = |node| self.tree.path(node);
            out.push(Outcome::Preempts(Preemption {
                target: target.clone(),
                preemptor: entry.key.clone(),
                paths: (path(entry.node), other.map(path).unwrap_or_default()),
            }));
        }
        self.wait(
            entry,
            "WaitingForPreemptedWorkloads",
            message,
            &Back::Preempting,
            out,
        );
    }

    /// Whether it fits beside all that is held at this moment, without what is only reserved within the cycle.
    fn fits_today(&mut self, entry: &Entry, reserved: &[(NodeId, Amounts)]) -> bool {
        for (node, amounts) in reserved {
            self.tree.release(*node, amounts);
        }
        let fits = self.tree.fits(entry.node, &entry.assignment.usage);
        for (node, amounts) in reserved {
            self.tree.occupy(*node, amounts);
        }
        fits
    }

    /// Who may not be sure to get its quota back keeps what is there of it, for this cycle.
    fn keep_room(&mut self, entry: &Entry, reserved: &mut Vec<(NodeId, Amounts)>) {
        let reclaims = self.queues.get(&entry.queue).map(|q| q.spec.reclaim);
        if reclaims == Some(Policy::Any) && !entry.sticky {
            return;
        }
        let node = &self.tree.nodes[entry.node];
        let room = entry.assignment.usage.iter().map(|(fr, n)| {
            let quota = node.quota[*fr];
            let free = if entry.assignment.borrow == 0 {
                quota.nominal - node.usage[*fr]
            } else if let Some(limit) = quota.borrowing {
                (quota.nominal - node.usage[*fr]).saturating_add(limit)
            } else {
                *n
            };
            (*fr, free.min(*n).max(0))
        });
        let room: Amounts = room.collect();
        self.tree.occupy(entry.node, &room);
        reserved.push((entry.node, room));
    }

    fn admit(&mut self, entry: Entry, now: i64, out: &mut Vec<Outcome>) {
        let Some(mut wl) = self.workloads.get(&entry.key).cloned() else {
            return;
        };
        let usage = entry.assignment.usage.iter();
        let usage = usage.map(|(fr, n)| (self.tree.frs[*fr].clone(), *n));
        wl.standing = Standing::Holding {
            queue: entry.queue.clone(),
            usage: usage.collect(),
            since: now,
        };
        wl.evicted = false;
        self.upsert(wl);
        out.push(Outcome::Reserved {
            key: entry.key,
            assignment: entry.assignment,
        });
    }

    fn wait(
        &mut self,
        entry: Entry,
        reason: &'static str,
        message: String,
        back: &Back,
        out: &mut Vec<Outcome>,
    ) {
        self.back(&entry.key, &entry.queue, back);
        out.push(Outcome::Waits {
            key: entry.key,
            reason,
            message,
            assignment: entry.assignment,
        });
    }

    fn back(&mut self, key: &Key, queue: &str, back: &Back) {
        let (Some(wl), Some(queue)) = (self.workloads.get(key), self.queues.get_mut(queue)) else {
            return;
        };
        // A strict queue's head stays where it is anyway, unless a higher priority comes.
        if *back == Back::Preempting && !queue.spec.strict {
            queue.sticky = Some(key.clone());
        } else if queue.sticky.as_ref() == Some(key) {
            queue.sticky = None;
        }
        let blocks = queue.spec.strict || *back == Back::Preempting;
        if *back == Back::Again {
            queue.heap.insert(rank(wl));
        } else if blocks {
            queue.heap.insert(rank(wl));
            queue.tried = Some(key.clone());
        } else {
            queue.parked.insert(rank(wl));
            if *back == Back::Hopeless {
                queue.hopeless.extend(self.shapes.get(key));
            }
        }
    }
}
