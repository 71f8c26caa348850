//! What the clusters looked at have of which GPU: its nodes' labels resolved, their devices added up. Separate because the matrix, the
//! data-sheets and the advice all count the same way.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use crate::hardware::Catalog;
use crate::hardware::resolve::Meaning;
use crate::model::ids::{ClusterId, Name};
use crate::model::node::NodeRow;
use crate::panes::{Cx, Reply};

/// One product of these clusters. Whole GPUs; slices and shares are counted apart.
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
    /// How much of it each cluster has.
    pub places: BTreeMap<ClusterId, Place>,
    /// What the nodes say where the product is not known: resource, machine type.
    pub told: Vec<String>,
}

/// What one cluster has of a product: whole GPUs, and the nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Place {
    pub nodes: usize,
    pub all: u32,
    pub free: u32,
}

/// What the labels of nodes mean, each pair of them looked up once: thousands of nodes have a handful.
pub struct Meanings<'a> {
    catalog: &'a Catalog,
    known: HashMap<(Option<Name>, Option<Name>), Rc<Meaning<'a>>>,
}

impl<'a> Meanings<'a> {
    pub fn new(cx: &Cx<'a>) -> Self {
        Self {
            catalog: cx.hardware,
            known: HashMap::new(),
        }
    }

    pub fn of(&mut self, node: &NodeRow) -> Rc<Meaning<'a>> {
        let labels = (node.product.clone(), node.machine.clone());
        let meaning = self.known.entry(labels).or_insert_with(|| {
            let (product, machine) = (node.product.as_deref(), node.machine.as_deref());
            Rc::new(self.catalog.resolve(product, machine))
        });
        meaning.clone()
    }
}

/// Of all clusters looked at: most GPUs first, unknown ones last.
pub fn all(cx: &Cx) -> Vec<Stock> {
    let (shown, nodes) = (cx.session.shown(), cx.model.nodes.rows());
    of(nodes.filter(|node| shown.contains(&node.key.cluster)), cx)
}

/// Of some nodes.
pub fn of<'a>(nodes: impl Iterator<Item = &'a NodeRow>, cx: &Cx) -> Vec<Stock> {
    let mut all: BTreeMap<String, Stock> = BTreeMap::new();
    let mut meanings = Meanings::new(cx);
    for node in nodes.filter(|node| !node.capacity.is_empty()) {
        let meaning = meanings.of(node);
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
        let before = (stock.all, stock.free);
        stock.nodes += 1;
        add(stock, node, meaning.mig.as_deref(), meaning.shared, cx);
        let place = stock.places.entry(node.key.cluster).or_default();
        place.nodes += 1;
        place.all += stock.all - before.0;
        place.free += stock.free - before.1;
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
            // `1g.24gb.gfx` of a resource is the profile `1g.24gb+gfx`
            .map(|(_, p)| p.replacen("gb.", "gb+", 1));
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

/// Whole GPUs free on a node now; none on one that is cut, shared, not ready or cordoned.
pub fn whole(node: &NodeRow, meaning: &Meaning, cx: &Cx) -> u32 {
    if meaning.mig.is_some() || meaning.shared || !node.ready || node.cordoned {
        return 0;
    }
    let used = cx.model.capacity.of(node);
    let names = node.allocatable.0.iter();
    names
        .filter(|(name, _)| name.ends_with("/gpu"))
        .map(|(name, n)| n.saturating_sub(used.map_or(0, |used| used.devices.get(name))))
        .sum()
}

fn tell(told: &mut Vec<String>, word: &Name) {
    if told.len() < 4 && !told.iter().any(|known| **known == **word) {
        told.push(word.to_string());
    }
}
