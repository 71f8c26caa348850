//! What a cluster has of which GPU: its nodes' labels resolved, their devices added up. Separate because the matrix, the
//! data-sheets and the advice all count the same way.

use std::collections::BTreeMap;

use crate::hardware::Gpu;
use crate::model::ids::Name;
use crate::model::job::JobRow;
use crate::model::kueue::flavors::means;
use crate::model::kueue::tree;
use crate::model::node::NodeRow;
use crate::panes::{Cx, Reply};

/// One product of this cluster. Whole GPUs; slices and shares are counted apart.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Stock {
    /// Id in the reference, where the labels mean exactly one entry.
    pub gpu: Option<String>,
    /// The label, or what stands for it.
    pub product: String,
    /// All entries the labels may mean, where those are several.
    pub maybe: Vec<String>,
    pub nodes: usize,
    pub all: u32,
    pub free: u32,
    /// By MIG profile: configured, free now.
    pub slices: BTreeMap<String, (u32, u32)>,
    /// Shares of time-sliced GPUs: offered, free now.
    pub shares: (u32, u32),
    /// What the nodes say where the product is not known: resource, machine type.
    pub told: Vec<String>,
}

/// The entries a node's labels may mean.
pub fn entries<'a>(node: &NodeRow, cx: &Cx<'a>) -> Vec<&'a Gpu> {
    let meaning = cx
        .hardware
        .resolve(node.product.as_deref(), node.machine.as_deref());
    meaning.gpus
}

/// Of a whole cluster: most GPUs first, unknown ones last.
pub fn all(cx: &Cx) -> Vec<Stock> {
    let nodes = cx.model.nodes.rows();
    of(
        nodes.filter(|node| node.key.cluster == cx.session.cluster),
        cx,
    )
}

/// Of some nodes.
pub fn of<'a>(nodes: impl Iterator<Item = &'a NodeRow>, cx: &Cx) -> Vec<Stock> {
    let mut all: BTreeMap<String, Stock> = BTreeMap::new();
    for node in nodes.filter(|node| !node.capacity.is_empty()) {
        let meaning = cx
            .hardware
            .resolve(node.product.as_deref(), node.machine.as_deref());
        let one = match meaning.gpus.as_slice() {
            [gpu] => Some(gpu.id.clone()),
            _ => None,
        };
        let product = match (&one, &node.product, &node.machine) {
            (Some(id), ..) => id.clone(),
            (None, Some(_), _) => meaning.product.clone(),
            (None, None, Some(machine)) => format!("machine {machine}"),
            (None, None, None) => "no product label".to_owned(),
        };
        let stock = all.entry(product.clone()).or_insert_with(|| Stock {
            product: node
                .product
                .as_ref()
                .map_or(product, |_| meaning.product.clone()),
            gpu: one,
            maybe: meaning.gpus.iter().map(|gpu| gpu.id.clone()).collect(),
            ..Stock::default()
        });
        stock.nodes += 1;
        add(stock, node, meaning.mig.as_deref(), meaning.shared, cx);
    }
    let mut all: Vec<Stock> = all.into_values().collect();
    all.sort_by(|a, b| {
        let rank = |s: &Stock| (s.gpu.is_none(), std::cmp::Reverse(s.all));
        rank(a)
            .cmp(&rank(b))
            .then_with(|| a.product.cmp(&b.product))
    });
    all
}

fn add(stock: &mut Stock, node: &NodeRow, mig: Option<&str>, shared: bool, cx: &Cx) {
    let used = cx.model.capacity.of(node);
    for (name, n) in &node.capacity.0 {
        let offered = node.allocatable.get(name);
        let held = used.map_or(0, |used| used.devices.get(name));
        let free = match node.ready && !node.cordoned {
            true => offered.saturating_sub(held),
            false => 0,
        };
        let profile = name
            .split_once("/mig-")
            .map(|(_, p)| p.replace(".me", "+me"));
        let profile = profile.or_else(|| mig.map(str::to_owned));
        if let Some(profile) = profile {
            let (all, left) = stock.slices.entry(profile).or_default();
            *all += n;
            *left += free;
        } else if shared || name.ends_with(".shared") {
            stock.shares.0 += n;
            stock.shares.1 += free;
        } else {
            stock.all += n;
            stock.free += free;
        }
        if stock.gpu.is_none() {
            tell(&mut stock.told, name);
        }
    }
    if stock.gpu.is_none()
        && let Some(machine) = &node.machine
    {
        tell(&mut stock.told, machine);
    }
}

/// The reference at the GPUs of some nodes.
pub fn open<'a>(nodes: impl Iterator<Item = &'a NodeRow>, cx: &Cx) -> Reply {
    let stocks = of(nodes, cx);
    let mut ids: Vec<String> = Vec::new();
    for stock in &stocks {
        for id in stock.gpu.iter().chain(&stock.maybe) {
            if !ids.contains(id) {
                ids.push(id.clone());
            }
        }
    }
    let unknown = stocks.first().map_or("", |stock| stock.product.as_str());
    super::at(ids, unknown)
}

/// The reference at the GPUs a job runs on, or was given.
pub fn open_job(job: &JobRow, cx: &Cx) -> Reply {
    open(super::advice::nodes(job, cx).into_iter(), cx)
}

/// The reference at the GPUs of a queue: the nodes of its flavors, of a cohort those of all queues in it.
pub fn open_queue(queue: &tree::Node, cx: &Cx) -> Reply {
    let kueue = &cx.model.kueue;
    let here = |cluster| cluster == queue.cluster;
    let wanted: Option<&Name> = match queue.level {
        tree::Level::LocalQueue => {
            let mut rows = kueue
                .local_queues
                .rows()
                .filter(|row| here(row.key.cluster));
            let row = rows.find(|row| row.namespace == queue.namespace && row.name == queue.name);
            row.map(|row| &row.cluster_queue)
        }
        _ => Some(&queue.name),
    };
    let cohort = queue.level == tree::Level::Cohort;
    let rows = kueue.cluster_queues.rows().filter(|row| {
        let name = if cohort {
            row.cohort.as_ref()
        } else {
            Some(&row.name)
        };
        here(row.key.cluster) && name == wanted
    });
    let names: Vec<&Name> = rows
        .flat_map(|row| row.groups.iter().flat_map(|group| &group.flavors))
        .map(|quotas| &quotas.flavor)
        .collect();
    let flavors: Vec<_> = kueue
        .flavors
        .rows()
        .filter(|f| here(f.key.cluster) && names.contains(&&f.name) && !f.node_labels.is_empty())
        .collect();
    let nodes = cx.model.nodes.rows();
    open(
        nodes.filter(|node| flavors.iter().any(|f| means(f, node))),
        cx,
    )
}

fn tell(told: &mut Vec<String>, word: &Name) {
    if told.len() < 4 && !told.iter().any(|known| **known == **word) {
        told.push(word.to_string());
    }
}
