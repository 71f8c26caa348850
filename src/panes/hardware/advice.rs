//! What is told of a job whose manifest names a number format its GPUs have no path for: what happens instead, and where
//! GPUs that do it are free. Separate because it joins the manifest, the nodes, the queues and the reference.

use std::collections::BTreeMap;

use super::place::{Asked, Site, named, site};
use super::stock::{Meanings, whole};
use crate::hardware::advice::{Found, lacking};
use crate::hardware::{Cores, Gpu, Precision, Support};
use crate::model::ids::Name;
use crate::model::job::JobRow;
use crate::model::kueue::flavors::means;
use crate::model::kueue::queue::{LocalQueueRow, Namespaces, Stop};
use crate::model::kueue::{ClusterQueueRow, FlavorResource, FlavorRow};
use crate::panes::Cx;

/// A format that will not be computed as asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// Without the rule.
    pub text: String,
    pub found: Found,
    /// Ids of the architectures that lack it.
    pub archs: Vec<String>,
}

/// One sentence for each format a job asks for in vain.
pub fn told(job: &JobRow, asked: &[Asked], cx: &Cx) -> Vec<Told> {
    if cx.model.gpus(job).is_empty() {
        return Vec::new();
    }
    let mut all: Vec<Told> = Vec::new();
    for template in asked.iter().filter(|template| !template.found.is_empty()) {
        let Some(site) = site(job, Some(std::slice::from_ref(template)), cx) else {
            continue;
        };
        for found in &template.found {
            let known = |told: &Told| told.found.precision == found.precision;
            if let Some(told) = one(job, template, found, &site, cx)
                && !all.iter().any(known)
            {
                all.push(told);
            }
        }
    }
    all
}

fn one(job: &JobRow, asked: &Asked, found: &Found, site: &Site, cx: &Cx) -> Option<Told> {
    // one GPU it may get that does it, or that nobody knows, and nothing is told
    if site.unknown.is_some() {
        return None;
    }
    let mut instead = None;
    for gpu in &site.gpus {
        instead = Some(lacking(found.precision, cx.hardware.arch(gpu)?)?);
    }
    let (mut archs, mut names): (Vec<String>, Vec<&str>) = Default::default();
    for gpu in &site.gpus {
        let arch = cx.hardware.arch(gpu)?;
        if !archs.contains(&arch.id) {
            archs.push(arch.id.clone());
        }
        if !names.contains(&arch.name.as_str()) {
            names.push(&arch.name);
        }
    }
    let arch = names.join(" or ");
    let word = found.precision.word();
    let falls = if site.runs { "falls" } else { "would fall" };
    let mut text = format!(
        "{word} ({}) has no tensor-core path on {arch} ({}): {falls} back to {}",
        found.words, site.label, instead?
    );
    if let Some(elsewhere) = elsewhere(job, asked, found.precision, cx) {
        text.push_str(&format!("; {elsewhere}"));
    }
    Some(Told {
        text,
        found: found.clone(),
        archs,
    })
}

/// Whether a GPU surely has tensor cores for a format.
fn does(gpu: &Gpu, precision: Precision, cx: &Cx) -> bool {
    let mark = cx.hardware.mark(gpu, Cores::Tensor, precision);
    cx.hardware.support(gpu, Cores::Tensor, precision) == Support::Yes && mark.is_empty()
}

/// `4 A100 are free in queue X`: of the queues of its namespace the one with most GPUs free in quota and on nodes; where
/// nothing queues, of the cluster.
fn elsewhere(job: &JobRow, asked: &Asked, precision: Precision, cx: &Cx) -> Option<String> {
    let resource = resource(asked)?;
    let kueue = &cx.model.kueue;
    let cluster = job.key.cluster;
    let limit = quota_left(job, resource, cx);
    let mut best: Option<(u32, String, String)> = None;
    let mut offer = |free: u32, product: String, place: String| {
        let free = free.min(limit);
        if free > 0 && best.as_ref().is_none_or(|(most, ..)| free > *most) {
            best = Some((free, product, place));
        }
    };
    let mut local: Vec<&LocalQueueRow> = kueue
        .local_queues
        .rows()
        .filter(|q| q.key.cluster == cluster && q.namespace == job.namespace)
        .collect();
    local.sort_by(|a, b| a.name.cmp(&b.name));
    for queue in &local {
        let Some(row) = kueue.cluster_queue(cluster, &queue.cluster_queue) else {
            continue;
        };
        if !takes(queue, row) {
            continue;
        }
        for (flavor, quota) in free_quota(row, resource, cx) {
            let mine = |node: &&crate::model::node::NodeRow| means(flavor, node);
            let tolerated =
                |taint: &Name| asked.placement.tolerates(taint) || !flavor.tolerations.is_empty();
            if !flavor.node_taints.iter().all(tolerated) {
                continue;
            }
            for (product, free) in free(
                cx.model.nodes.rows().filter(mine),
                asked,
                Some(flavor),
                precision,
                cx,
            ) {
                offer(free.min(quota), product, format!("in queue {}", queue.name));
            }
        }
    }
    let managed = cx.model.queue(job).is_some() || cx.model.workload_of(job).is_some();
    if best.is_none() && !managed {
        let nodes = cx.model.nodes.rows().filter(|n| n.key.cluster == cluster);
        let mut offer = |free: u32, product: String| {
            let free = free.min(limit);
            if free > 0 && best.as_ref().is_none_or(|(most, ..)| free > *most) {
                best = Some((free, product, "in this cluster".to_owned()));
            }
        };
        for (product, free) in free(nodes, asked, None, precision, cx) {
            offer(free, product);
        }
    }
    let (free, product, place) = best?;
    let short = crate::panes::words::product(&product);
    let are = if free == 1 { "is" } else { "are" };
    Some(format!("{free} {short} {are} free {place}"))
}

/// The resource of whole GPUs of the vendor it asks for.
fn resource(asked: &Asked) -> Option<&'static str> {
    let name = asked.devices.first()?;
    match name.split_once('/')?.0 {
        "nvidia.com" => Some("nvidia.com/gpu"),
        "amd.com" => Some("amd.com/gpu"),
        _ => None,
    }
}

/// Whether a queue would admit a job of this namespace now, as far as its objects say.
fn takes(local: &LocalQueueRow, queue: &ClusterQueueRow) -> bool {
    let open = local.stop == Stop::None && queue.stop == Stop::None;
    let active = local.inactive().is_none() && queue.inactive().is_none();
    let selected = match queue.namespaces {
        Namespaces::All => true,
        Namespaces::Nobody => false,
        // the labels of namespaces are not kept: what it took from there before it takes again
        Namespaces::Selected(_) => local.reserving > 0 || local.admitted > 0,
    };
    open && active && !local.deleting && !queue.deleting && selected
}

/// The flavors of a queue with what it may still take of a resource, borrowing included.
fn free_quota<'a>(
    queue: &ClusterQueueRow,
    resource: &str,
    cx: &Cx<'a>,
) -> Vec<(&'a FlavorRow, u32)> {
    let look = cx.model.kueue.look(queue.key.cluster);
    let Some(node) = look.capacity.queue(&queue.name) else {
        return Vec::new();
    };
    let groups = queue.groups.iter().flat_map(|group| &group.flavors);
    let names: Vec<&Name> = groups.map(|quotas| &quotas.flavor).collect();
    let flavors = named(queue.key.cluster, &names, cx).into_iter();
    flavors
        .filter_map(|flavor| {
            let cell = node.cell(&FlavorResource {
                flavor: flavor.name.clone(),
                resource: resource.into(),
            })?;
            Some((flavor, u32::try_from(cell.available).ok()?))
        })
        .collect()
}

/// What the namespace's ResourceQuotas leave of a resource.
fn quota_left(job: &JobRow, resource: &str, cx: &Cx) -> u32 {
    let quotas = cx.model.kueue.quotas.rows().filter(|row| {
        row.key.cluster == job.key.cluster && row.namespace == job.namespace && row.scope.is_empty()
    });
    let limits = quotas.flat_map(|row| &row.limits);
    limits
        .filter(|limit| limit.what.contains('/') && limit.resource() == resource)
        .map(|limit| u32::try_from((limit.hard - limit.used).max(0)).unwrap_or(u32::MAX))
        .min()
        .unwrap_or(u32::MAX)
}

/// By product: GPUs free on nodes that surely do a format and let the job in.
fn free<'n>(
    nodes: impl Iterator<Item = &'n crate::model::node::NodeRow>,
    asked: &Asked,
    flavor: Option<&FlavorRow>,
    precision: Precision,
    cx: &Cx,
) -> Vec<(String, u32)> {
    let mut all: BTreeMap<String, u32> = BTreeMap::new();
    let Some(resource) = resource(asked) else {
        return Vec::new();
    };
    // what a flavor tolerates is for its own nodes
    let every = flavor.is_some_and(|flavor| !flavor.tolerations.is_empty());
    let mut meanings = Meanings::new(cx);
    for node in nodes.filter(|node| node.capacity.get(resource) > 0) {
        let meaning = meanings.of(node);
        let sure = meaning.gpus.iter().all(|gpu| does(gpu, precision, cx));
        let Some(gpu) = meaning.gpus.first().filter(|_| sure) else {
            continue;
        };
        let let_in = |taint: &Name| every || asked.placement.tolerates(taint);
        if node.taints.iter().all(let_in) {
            let product = node.product.as_deref().unwrap_or(&gpu.name);
            *all.entry(product.to_owned()).or_default() += whole(node, &meaning, cx);
        }
    }
    let mut all: Vec<(String, u32)> = all.into_iter().collect();
    all.sort_by_key(|(_, free)| std::cmp::Reverse(*free));
    all
}
