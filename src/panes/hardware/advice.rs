//! What is told of a job whose manifest names a number format its GPUs have no path for: what happens instead, and where
//! GPUs that do it are free. Separate because it joins the manifest, the nodes, the queues and the reference.

use super::stock;
use crate::hardware::advice::{Found, lacking};
use crate::hardware::{Cores, Gpu, Support};
use crate::model::ids::Name;
use crate::model::job::JobRow;
use crate::model::kueue::flavors::means;
use crate::model::node::NodeRow;
use crate::model::resources::is_device;
use crate::panes::Cx;

/// One sentence for each format, with the rule that read it.
pub fn sentences(job: &JobRow, found: &[Found], cx: &Cx) -> Vec<String> {
    if found.is_empty() || cx.model.gpus(job).is_empty() {
        return Vec::new();
    }
    let nodes = nodes(job, cx);
    let mut on: Vec<(&Gpu, String)> = Vec::new();
    for node in &nodes {
        let entries = stock::entries(node, cx);
        // one node that may have what does it, and nothing is told
        let [gpu] = entries.as_slice() else {
            return Vec::new();
        };
        if !on.iter().any(|(known, _)| known.id == gpu.id) {
            let label = node.product.as_deref().unwrap_or(&gpu.name);
            on.push((gpu, label.to_owned()));
        }
    }
    let told = found.iter().filter_map(|found| {
        let mut instead = None;
        for (gpu, _) in &on {
            instead = Some(lacking(found.precision, cx.hardware.arch(gpu)?)?);
        }
        let (gpu, label) = on.first()?;
        let arch = cx.hardware.arch(gpu)?;
        let word = found.precision.word();
        let mut text = format!(
            "{word} ({}) has no tensor-core path on {} ({label}): falls back to {}",
            found.words, arch.name, instead?
        );
        if let Some(elsewhere) = elsewhere(job, found, cx) {
            text.push_str(&format!("; {elsewhere}"));
        }
        Some(format!("{text} [rule {}]", found.rule.id))
    });
    told.collect()
}

/// The nodes a job runs on; of one that runs nowhere yet, those of the flavors it was given.
pub(super) fn nodes<'a>(job: &JobRow, cx: &Cx<'a>) -> Vec<&'a NodeRow> {
    let totals = cx.model.totals(job.key);
    let names = totals.iter().flat_map(|totals| totals.live.nodes.keys());
    let on: Vec<&NodeRow> = names
        .filter_map(|name| cx.model.node(job.key.cluster, name))
        .filter(|node| !node.capacity.is_empty())
        .collect();
    if !on.is_empty() {
        return on;
    }
    let flavors = flavors_of(job, cx);
    let all = cx.model.nodes.rows();
    all.filter(|node| !node.capacity.is_empty() && flavors.iter().any(|f| means(f, node)))
        .collect()
}

/// The flavors of devices a job was given by its queue.
fn flavors_of<'a>(job: &JobRow, cx: &Cx<'a>) -> Vec<&'a crate::model::kueue::FlavorRow> {
    let Some(admission) = cx.model.workload_of(job).and_then(|w| w.admission.as_ref()) else {
        return Vec::new();
    };
    let sets = admission.pod_sets.iter().flat_map(|set| &set.usage);
    let given: Vec<&Name> = sets
        .filter(|(of, _)| is_device(&of.resource))
        .map(|(of, _)| &of.flavor)
        .collect();
    let flavors = cx.model.kueue.flavors.rows();
    flavors
        .filter(|flavor| flavor.key.cluster == job.key.cluster && !flavor.node_labels.is_empty())
        .filter(|flavor| given.contains(&&flavor.name))
        .collect()
}

/// `4 A100 are free in queue X`: the product with most free GPUs that surely does it.
fn elsewhere(job: &JobRow, found: &Found, cx: &Cx) -> Option<String> {
    let does = |gpu: &Gpu| {
        let mark = cx.hardware.mark(gpu, Cores::Tensor, found.precision);
        cx.hardware.support(gpu, Cores::Tensor, found.precision) == Support::Yes && mark.is_empty()
    };
    let stocks = stock::all(cx);
    let best = stocks
        .iter()
        .filter(|s| s.free > 0)
        .filter(|s| {
            s.gpu
                .as_deref()
                .and_then(|id| cx.hardware.gpu(id))
                .is_some_and(does)
        })
        .max_by_key(|s| s.free)?;
    let short = crate::panes::words::product(&best.product);
    let are = if best.free == 1 { "is" } else { "are" };
    let free = format!("{} {short} {are} free", best.free);
    Some(match queue(job, best.gpu.as_deref()?, cx) {
        Some(queue) => format!("{free} in queue {queue}"),
        None => format!("{free} in this cluster"),
    })
}

/// A queue of the job's namespace with a flavor of that GPU.
fn queue(job: &JobRow, gpu: &str, cx: &Cx) -> Option<String> {
    let kueue = &cx.model.kueue;
    let here = |cluster| cluster == job.key.cluster;
    let of_gpu = |flavor: &str| {
        let row = kueue
            .flavors
            .rows()
            .find(|f| here(f.key.cluster) && &*f.name == flavor && !f.node_labels.is_empty());
        row.is_some_and(|row| {
            let mut nodes = cx.model.nodes.rows().filter(|n| means(row, n));
            nodes.any(|n| stock::entries(n, cx).iter().any(|g| g.id == gpu))
        })
    };
    let mine = kueue
        .local_queues
        .rows()
        .filter(|q| here(q.key.cluster) && q.namespace == job.namespace);
    let names = mine.filter(|local| {
        let row = kueue
            .cluster_queues
            .rows()
            .find(|q| here(q.key.cluster) && q.name == local.cluster_queue);
        row.is_some_and(|row| {
            let flavors = row.groups.iter().flat_map(|group| &group.flavors);
            flavors.into_iter().any(|f| of_gpu(&f.flavor))
        })
    });
    names.map(|local| local.name.to_string()).min()
}
