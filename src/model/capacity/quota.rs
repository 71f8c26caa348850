//! What quota allows of what would fit: Kueue's queues and the namespace's ResourceQuota, beside the hardware.

use super::ask::Ask;
use super::unit::{Unit, unit_of};
use crate::model::Model;
use crate::model::ids::{ClusterId, Name};
use crate::model::kueue::Amount;
use crate::model::kueue::flavors::means;
use crate::model::kueue::queue::ResourceGroup;

/// One limit.
#[derive(Debug, Clone, PartialEq)]
pub struct Limit {
    /// `cluster queue team-a`, `resource quota gpus`.
    pub what: String,
    /// Pods it still lets in.
    pub pods: u64,
    /// The resource that decides, with the flavor it is taken from: `nvidia.com/gpu in h100`.
    pub by: String,
}

/// What one pod asks for under the names that quotas use.
fn asks(ask: &Ask, gpu: Option<&Name>) -> Vec<(Name, Amount)> {
    let count = |n: u64| Amount::try_from(n).unwrap_or(Amount::MAX);
    let mut all: Vec<(Name, Amount)> = (ask.devices.0.iter())
        .map(|(name, n)| (name.clone(), count((*n).into())))
        .collect();
    if let Some(gpu) = gpu.filter(|_| ask.gpus > 0) {
        all.push((gpu.clone(), count(ask.gpus.into())));
    }
    all.push(("cpu".into(), count(ask.cpu_milli)));
    all.push(("memory".into(), count(ask.memory)));
    all.retain(|(_, n)| *n > 0);
    all
}

/// Whole GPUs go by this name; slices and shares are none.
fn is_whole(resource: &str) -> bool {
    unit_of(resource, None) == Unit::Gpu
}

/// What a cluster queue lets in now, borrowing included: of the flavors of each group the one that takes the most, the
/// group that takes the least decides. `None`: no such queue, or it limits nothing that is asked for.
pub fn of_queue(model: &Model, cluster: ClusterId, queue: &str, ask: &Ask) -> Option<Limit> {
    one(model, cluster, queue, ask, &foreign(model, cluster, ask))
}

/// What each cluster queue lets in, most first. O(flavors × nodes + queues).
pub fn of_queues(model: &Model, cluster: ClusterId, ask: &Ask) -> Vec<Limit> {
    let foreign = foreign(model, cluster, ask);
    let queues = model.kueue.cluster_queues.rows();
    let queues = queues.filter(|row| row.key.cluster == cluster);
    let mut all: Vec<Limit> = queues
        .filter_map(|row| one(model, cluster, &row.name, ask, &foreign))
        .collect();
    all.sort_by(|a, b| b.pods.cmp(&a.pods).then_with(|| a.what.cmp(&b.what)));
    all
}

fn one(
    model: &Model,
    cluster: ClusterId,
    queue: &str,
    ask: &Ask,
    foreign: &[Name],
) -> Option<Limit> {
    let row = model.kueue.cluster_queue(cluster, queue)?;
    let capacity = &model.kueue.look(cluster).capacity;
    let node = capacity.queue(queue)?;
    let mut limit: Option<(u64, String)> = None;
    let covers = |group: &ResourceGroup| group.covers.iter().any(|r| is_whole(r));
    if ask.gpus > 0 && !row.groups.iter().any(covers) {
        limit = Some((0, "it covers no whole GPUs".into()));
    }
    for group in &row.groups {
        let gpu = group.covers.iter().find(|r| is_whole(r));
        let wanted: Vec<(Name, Amount)> = asks(ask, gpu)
            .into_iter()
            .filter(|(name, _)| group.covers.contains(name))
            .collect();
        if wanted.is_empty() {
            continue;
        }
        let flavors = (group.flavors.iter()).filter(|f| !foreign.contains(&f.flavor));
        let flavors = flavors.map(|flavor| {
            let each = wanted.iter().map(|(name, n)| {
                let cell = node
                    .cells()
                    .iter()
                    .find(|(of, _)| of.flavor == flavor.flavor && of.resource == *name);
                let left = cell.map_or(0, |(_, cell)| cell.available.max(0));
                let pods = u64::try_from(left / n).unwrap_or(0);
                (pods, format!("{name} in {}", flavor.flavor))
            });
            each.min_by_key(|(pods, _)| *pods).unwrap_or_default()
        });
        // none of its flavors means such nodes: it lets in nothing
        let none = || (0, format!("{}: no flavor of such nodes", wanted[0].0));
        let best = flavors.max_by_key(|(pods, _)| *pods).unwrap_or_else(none);
        if limit.as_ref().is_none_or(|(pods, _)| best.0 < *pods) {
            limit = Some(best);
        }
    }
    limit.map(|(pods, by)| Limit {
        what: format!("cluster queue {queue}"),
        pods,
        by,
    })
}

/// The flavors that mean no node such pods are for. One whose nodes are not known is none of them.
fn foreign(model: &Model, cluster: ClusterId, ask: &Ask) -> Vec<Name> {
    if ask.is_anywhere() {
        return Vec::new();
    }
    let flavors = model.kueue.flavors.rows();
    let foreign = flavors.filter(|row| {
        let nodes = || model.nodes.rows().filter(|node| means(row, node));
        row.key.cluster == cluster
            && nodes().next().is_some()
            && !nodes().any(|node| ask.may_go(node))
    });
    foreign.map(|row| row.name.clone()).collect()
}

/// What a local queue lets in: what its cluster queue does.
pub fn of_local_queue(
    model: &Model,
    cluster: ClusterId,
    namespace: &str,
    queue: &str,
    ask: &Ask,
) -> Option<Limit> {
    let row = model.kueue.local_queue(cluster, namespace, queue)?;
    of_queue(model, cluster, &row.cluster_queue, ask)
}

/// What the ResourceQuotas of a namespace let in, the strictest first. Those for some pods only are left out.
pub fn of_namespace(model: &Model, cluster: ClusterId, namespace: &str, ask: &Ask) -> Vec<Limit> {
    let mut all = Vec::new();
    let quotas = model.kueue.quotas.rows();
    for quota in quotas
        .filter(|q| q.key.cluster == cluster && &*q.namespace == namespace && q.scope.is_empty())
    {
        let gpu = quota
            .limits
            .iter()
            .map(|l| l.resource())
            .find(|r| is_whole(r));
        let wanted = asks(ask, gpu.map(Name::from).as_ref());
        let each = quota.limits.iter().filter_map(|limit| {
            let (name, n) = wanted
                .iter()
                .find(|(name, _)| **name == *limit.resource())?;
            let pods = u64::try_from((limit.hard - limit.used).max(0) / n).unwrap_or(0);
            Some((pods, name.to_string()))
        });
        if let Some((pods, by)) = each.min_by_key(|(pods, _)| *pods) {
            let what = format!("resource quota {}", quota.name);
            all.push(Limit { what, pods, by });
        }
    }
    all.sort_by(|a, b| a.pods.cmp(&b.pods).then_with(|| a.what.cmp(&b.what)));
    all
}
