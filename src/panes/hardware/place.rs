//! Which GPU a job has or is going to have: its nodes, the flavor it was given, what its manifest says of its nodes, or
//! that there is but one. Separate because the advice and the way to the reference must not differ in it.

use crate::hardware::{Gpu, advice};
use crate::model::ids::{ClusterId, Name};
use crate::model::job::JobRow;
use crate::model::kueue::FlavorRow;
use crate::model::kueue::flavors::means;
use crate::model::node::{NodeRow, PRODUCT};
use crate::model::placement::Placement;
use crate::model::resources::is_device;
use crate::panes::Cx;

const MACHINE: &str = "node.kubernetes.io/instance-type";

/// What is kept of one template of a job's manifest. The rest may hold secrets.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Asked {
    pub placement: Placement,
    /// Resources that are devices.
    pub devices: Vec<String>,
    /// Formats its containers name.
    pub found: Vec<advice::Found>,
}

/// The templates of a manifest that ask for devices.
pub fn read(manifest: &serde_json::Value) -> Vec<Asked> {
    let all = advice::read(manifest, is_device);
    all.into_iter()
        .map(|asks| Asked {
            placement: Placement::read(asks.spec),
            devices: asks.devices,
            found: asks.found,
        })
        .collect()
}

/// The GPUs there, and how that is known.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Site<'a> {
    /// Every entry it may be, each once.
    pub gpus: Vec<&'a Gpu>,
    /// What the labels say, where the reference does not know it.
    pub unknown: Option<String>,
    /// A label that was resolved, for sentences.
    pub label: String,
    /// What decides it: `its node selector`.
    pub by: String,
    /// It runs there already.
    pub runs: bool,
}

impl<'a> Site<'a> {
    /// Adds what a product label and a machine type mean.
    fn add(&mut self, product: Option<&str>, machine: Option<&str>, cx: &Cx<'a>) {
        let meaning = cx.hardware.resolve(product, machine);
        if meaning.gpus.is_empty() {
            let words = product.or(machine).unwrap_or("its nodes' GPUs: no label");
            self.unknown.get_or_insert_with(|| words.to_owned());
        }
        for gpu in meaning.gpus {
            if self.label.is_empty() {
                self.label = product.unwrap_or(&gpu.name).to_owned();
            }
            if !self.gpus.iter().any(|known| known.id == gpu.id) {
                self.gpus.push(gpu);
            }
        }
    }

    fn add_nodes<'n>(&mut self, nodes: impl Iterator<Item = &'n NodeRow>, cx: &Cx<'a>) -> bool {
        let mut any = false;
        let mut seen: Vec<(Option<Name>, Option<Name>)> = Vec::new();
        for node in nodes.filter(|node| !node.capacity.is_empty()) {
            any = true;
            let what = (node.product.clone(), node.machine.clone());
            if !seen.contains(&what) {
                self.add(what.0.as_deref(), what.1.as_deref(), cx);
                seen.push(what);
            }
        }
        any
    }

    /// What a flavor means: its nodes, else the product its labels name.
    pub fn add_flavor(&mut self, flavor: &FlavorRow, cx: &Cx<'a>) -> bool {
        if flavor.node_labels.is_empty() {
            return false;
        }
        let nodes = cx.model.nodes.rows().filter(|node| means(flavor, node));
        if self.add_nodes(nodes, cx) {
            return true;
        }
        let value = |key: &str| {
            let label = flavor.node_labels.iter().find(|(k, _)| &**k == key);
            label.map(|(_, value)| &**value)
        };
        let product = PRODUCT.iter().find_map(|key| value(key));
        let machine = value(MACHINE);
        if product.is_some() || machine.is_some() {
            self.add(product, machine, cx);
        }
        product.is_some() || machine.is_some()
    }

    pub fn ids(&self) -> Vec<String> {
        self.gpus.iter().map(|gpu| gpu.id.clone()).collect()
    }
}

/// The site of a job. Without its manifest (`None`) only what is known without it; `None`: nothing decides it.
pub fn site<'a>(job: &JobRow, asked: Option<&[Asked]>, cx: &Cx<'a>) -> Option<Site<'a>> {
    let mut site = Site::default();
    let totals = cx.model.totals(job.key);
    let names = totals.iter().flat_map(|totals| {
        let nodes = &totals.live.nodes;
        // a job on thousands of nodes is on many of each sort
        nodes.keys().step_by(nodes.len().div_ceil(256).max(1))
    });
    let nodes = names.filter_map(|name| cx.model.node(job.key.cluster, name));
    if site.add_nodes(nodes, cx) {
        site.by = "the nodes it runs on".into();
        site.runs = true;
        return Some(site);
    }
    let flavors = given(job, cx);
    let mut told = flavors.iter().map(|flavor| site.add_flavor(flavor, cx));
    if !flavors.is_empty() && told.all(|told| told) {
        let names: Vec<&str> = flavors.iter().map(|flavor| &*flavor.name).collect();
        site.by = format!("the flavor it was given: {}", names.join(", "));
        return Some(site);
    }
    let asked = asked?;
    let mut site = Site::default();
    for template in asked {
        let by = wanted(&mut site, job, template, cx)?;
        if !site.by.contains(by.as_str()) {
            let gap = if site.by.is_empty() { "" } else { "; " };
            site.by.push_str(gap);
            site.by.push_str(&by);
        }
    }
    (!asked.is_empty()).then_some(site)
}

/// Adds what a template may run on; what decides that, if anything does.
fn wanted<'a>(site: &mut Site<'a>, job: &JobRow, asked: &Asked, cx: &Cx<'a>) -> Option<String> {
    let place = &asked.placement;
    let named = |key: &&str| place.value(key).map(|value| (key.to_string(), value));
    if let Some((key, value)) = PRODUCT.iter().find_map(named) {
        site.add(Some(value), place.value(MACHINE), cx);
        return Some(format!("its node selector {key}={value}"));
    }
    let cluster = job.key.cluster;
    let flavors = queued_for(job, &asked.devices, cx);
    let nodes = cx.model.nodes.rows().filter(|node| {
        node.key.cluster == cluster
            && asked.devices.iter().all(|name| node.capacity.get(name) > 0)
            && place.allows(node)
            && (flavors.is_empty() || flavors.iter().any(|flavor| means(flavor, node)))
    });
    // a trainer that leaves its GPUs to the runtime has no resources here, and any node would do
    if !asked.devices.is_empty() && site.add_nodes(nodes, cx) {
        let by = match (place.is_anywhere(), flavors.is_empty()) {
            (false, _) => "the nodes its selector and tolerations allow".to_owned(),
            (true, false) => "the flavors of its queue".to_owned(),
            (true, true) => format!("the nodes with {}", asked.devices.join(", ")),
        };
        return Some(by);
    }
    let value = place.value(MACHINE)?;
    site.add(None, Some(value), cx);
    Some(format!("its node selector {MACHINE}={value}"))
}

/// The flavors of devices a job was given by its queue.
fn given<'a>(job: &JobRow, cx: &Cx<'a>) -> Vec<&'a FlavorRow> {
    let Some(admission) = cx.model.workload_of(job).and_then(|w| w.admission.as_ref()) else {
        return Vec::new();
    };
    let sets = admission.pod_sets.iter().flat_map(|set| &set.usage);
    let names: Vec<&Name> = sets
        .filter(|(of, _)| is_device(&of.resource))
        .map(|(of, _)| &of.flavor)
        .collect();
    named(job.key.cluster, &names, cx)
}

/// Flavors by name.
pub fn named<'a>(cluster: ClusterId, names: &[&Name], cx: &Cx<'a>) -> Vec<&'a FlavorRow> {
    let flavors = cx.model.kueue.flavors.rows();
    flavors
        .filter(|flavor| flavor.key.cluster == cluster && names.contains(&&flavor.name))
        .collect()
}

/// The flavors its queue may give it for these devices; none where there is no queue, or one of them means every node.
fn queued_for<'a>(job: &JobRow, devices: &[String], cx: &Cx<'a>) -> Vec<&'a FlavorRow> {
    let kueue = &cx.model.kueue;
    let cluster = job.key.cluster;
    let queue = cx.model.queue(job);
    let local = queue.and_then(|name| kueue.local_queue(cluster, &job.namespace, name));
    let Some(queue) = local.and_then(|l| kueue.cluster_queue(cluster, &l.cluster_queue)) else {
        return Vec::new();
    };
    let groups = queue.groups.iter().filter(|group| {
        let covers = |device: &String| group.covers.iter().any(|name| **name == **device);
        devices.iter().any(covers)
    });
    let names: Vec<&Name> = groups
        .flat_map(|group| &group.flavors)
        .map(|quotas| &quotas.flavor)
        .collect();
    let flavors = named(cluster, &names, cx);
    let sure = flavors.len() == names.len() && flavors.iter().all(|f| !f.node_labels.is_empty());
    if sure { flavors } else { Vec::new() }
}

/// The reference at the GPUs of a job, where that is known without its manifest; else a screen that reads it.
pub fn open_job(job: &JobRow, cx: &Cx) -> crate::panes::Reply {
    use crate::panes::{Level, Reply, Target};
    if cx.model.gpus(job).is_empty() && site(job, None, cx).is_none() {
        return Reply::Say(Level::Info, format!("{} asks for no GPU", job.name));
    }
    Reply::Open(Target::GpusOf(job.key))
}

/// The entries of a queue's flavors, of a cohort those of all queues and cohorts in it.
pub fn open_queue(queue: &crate::model::kueue::tree::Node, cx: &Cx) -> crate::panes::Reply {
    let names = flavors_under(queue, cx);
    let mut site = Site::default();
    for flavor in named(queue.cluster, &names, cx) {
        site.add_flavor(flavor, cx);
    }
    match (site.gpus.is_empty(), names.is_empty()) {
        (true, false) if site.unknown.is_none() => {
            let names: Vec<&str> = names.iter().map(|name| &***name).collect();
            let text = format!(
                "no GPUs in the flavors of {}: {}",
                queue.name,
                names.join(", ")
            );
            crate::panes::Reply::Say(crate::panes::Level::Info, text)
        }
        _ => super::at(site.ids(), site.unknown.as_deref().unwrap_or("")),
    }
}

/// The names of the flavors a queue or cohort has quota of, in the order they are tried.
fn flavors_under<'a>(queue: &crate::model::kueue::tree::Node, cx: &Cx<'a>) -> Vec<&'a Name> {
    use crate::model::kueue::tree::Level;
    let kueue = &cx.model.kueue;
    let cluster = queue.cluster;
    let mut names: Vec<&Name> = Vec::new();
    let mut take = |groups: &'a [crate::model::kueue::queue::ResourceGroup]| {
        for quotas in groups.iter().flat_map(|group| &group.flavors) {
            if !names.contains(&&quotas.flavor) {
                names.push(&quotas.flavor);
            }
        }
    };
    match queue.level {
        Level::LocalQueue => {
            let local = kueue.local_queue(cluster, &queue.namespace, &queue.name);
            let row = local.and_then(|l| kueue.cluster_queue(cluster, &l.cluster_queue));
            row.into_iter().for_each(|row| take(&row.groups));
        }
        Level::ClusterQueue => {
            let row = kueue.cluster_queue(cluster, &queue.name);
            row.into_iter().for_each(|row| take(&row.groups));
        }
        Level::Cluster => {
            let rows = kueue
                .cohorts
                .rows()
                .filter(|row| row.key.cluster == cluster);
            rows.for_each(|row| take(&row.groups));
            let rows = kueue.cluster_queues.rows();
            let rows = rows.filter(|row| row.key.cluster == cluster);
            rows.for_each(|row| take(&row.groups));
        }
        Level::Cohort => {
            let cohorts: Vec<_> = kueue.cohorts.rows().collect();
            let mut inside: Vec<&Name> = vec![&queue.name];
            let mut at = 0;
            while at < inside.len() {
                let below = cohorts.iter().filter(|row| {
                    row.key.cluster == cluster && row.parent.as_ref() == Some(inside[at])
                });
                let new: Vec<&Name> = below
                    .map(|row| &row.name)
                    .filter(|name| !inside.contains(name))
                    .collect();
                inside.extend(new);
                at += 1;
            }
            for row in &cohorts {
                if row.key.cluster == cluster && inside.contains(&&row.name) {
                    take(&row.groups);
                }
            }
            for row in kueue.cluster_queues.rows() {
                let within = row
                    .cohort
                    .as_ref()
                    .is_some_and(|name| inside.contains(&name));
                if row.key.cluster == cluster && within {
                    take(&row.groups);
                }
            }
        }
    }
    names
}
