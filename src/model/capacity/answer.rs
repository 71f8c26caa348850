//! A question about what fits and its answer: the nodes, the quota beside them, and a sentence. One place for the command
//! and for the map.

use super::ask::Ask;
use super::fit::{Fit, fit};
use super::groups::{Dim, Totals};
use super::quota::{self, Limit};
use crate::model::Model;
use crate::model::ids::ClusterId;
use crate::model::job::JobRow;

/// Sizes of pods, in GPUs, that fragmentation is told for.
pub const SIZES: [u32; 4] = [1, 2, 4, 8];

/// So many pods of one shape.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    pub ask: Ask,
    pub pods: u32,
    /// Each pod on a node of its own.
    pub apart: bool,
}

impl Question {
    /// Whether so many pods, on so many nodes, are enough.
    pub fn is_met(&self, pods: u64, nodes: u32) -> bool {
        match self.apart {
            true => nodes >= self.pods,
            false => pods >= u64::from(self.pods),
        }
    }

    /// `2 nodes`, `16 pods`.
    pub fn wanted(&self) -> String {
        let (one, many) = match self.apart {
            true => ("node", "nodes"),
            false => ("pod", "pods"),
        };
        format!("{} {}", self.pods, if self.pods == 1 { one } else { many })
    }
}

/// What quota still lets in of such pods: of the workload's queue, or one that is named, and of the namespace. None of
/// the queue that is named: there is no such queue.
pub fn limits(
    model: &Model,
    cluster: ClusterId,
    job: Option<&JobRow>,
    namespace: Option<&str>,
    queue: Option<&str>,
    ask: &Ask,
) -> Option<Vec<Limit>> {
    let mut limits = Vec::new();
    if let Some(job) = job
        && let Some(queue) = model.queue(job)
    {
        let of = quota::of_local_queue(model, cluster, &job.namespace, queue, ask);
        limits.extend(of);
    }
    let namespace = job.map(|job| &*job.namespace).or(namespace);
    if let Some(namespace) = namespace {
        limits.extend(quota::of_namespace(model, cluster, namespace, ask));
    }
    if let Some(queue) = queue {
        model.kueue.cluster_queue(cluster, queue)?;
        limits.extend(quota::of_queue(model, cluster, queue, ask));
    }
    Some(limits)
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Answer {
    pub fit: Fit,
    /// Devices of the sort that is asked for that may be had, by how many are free on a node.
    pub free: Totals,
    pub limits: Vec<Limit>,
    /// Where nobody says whose pods they would be: what each cluster queue lets in, most first.
    pub queues: Vec<Limit>,
}

impl Answer {
    /// Looks at every node: to be kept until [`super::Capacity::version`] moves.
    pub fn of(model: &Model, cluster: ClusterId, ask: &Ask, limits: Vec<Limit>) -> Self {
        let fit = fit(model, cluster, ask);
        let there = !fit.nodes.is_empty() || !fit.almost.is_empty();
        let queues = match limits.is_empty() && there {
            true => quota::of_queues(model, cluster, ask),
            false => Vec::new(),
        };
        Self {
            fit,
            free: free(model, cluster, ask),
            limits,
            queues,
        }
    }

    /// The hardware has room for all that are wanted.
    pub fn fits(&self, question: &Question) -> bool {
        let nodes = u32::try_from(self.fit.nodes.len()).unwrap_or(u32::MAX);
        question.is_met(self.fit.pods, nodes)
    }

    /// The quota that lets in fewer than are wanted, where one does.
    pub fn short(&self, question: &Question) -> Option<&Limit> {
        let least = self.limits.iter().min_by_key(|limit| limit.pods)?;
        Some(least).filter(|limit| limit.pods < u64::from(question.pods))
    }

    /// `fits 5 times on 3 nodes: 4 pods would start now`.
    pub fn sentence(&self, question: &Question) -> String {
        let fit = &self.fit;
        if fit.pods == 0 {
            return match fit.almost.first() {
                None => "fits nowhere: no node has such devices".into(),
                Some(best) => format!(
                    "fits nowhere now; nearest is {}: {}",
                    best.name,
                    best.words()
                ),
            };
        }
        let nodes = fit.nodes.len();
        let mut text = format!(
            "fits {} on {nodes} {}",
            times(fit.pods),
            if nodes == 1 { "node" } else { "nodes" }
        );
        if question.pods > 1 {
            let wanted = question.wanted();
            text.push_str(&match self.fits(question) {
                true => format!(": {wanted} would start now"),
                false => format!(": too few for {wanted}"),
            });
        }
        text
    }
}

/// `none`, `once`, `3 times`.
pub fn times(n: u64) -> String {
    match n {
        0 => "none".into(),
        1 => "once".into(),
        n => format!("{n} times"),
    }
}

/// Devices of the sort that is asked for, behind gates the pod passes, of the product that is asked for.
fn free(model: &Model, cluster: ClusterId, ask: &Ask) -> Totals {
    let mut all = Totals::default();
    for (name, group) in model.capacity.groups(cluster, Dim::Product) {
        if ask.is_of(name) {
            for kind in group.kinds().filter(|kind| ask.is_for(kind)) {
                all.add(&group.totals(kind, |taint| ask.tolerates(taint)));
            }
        }
    }
    all
}
