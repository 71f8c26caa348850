//! The lines of the screen: what each object means, how much it is used, what is wrong with it.

use std::collections::BTreeMap;

use super::Item;
use crate::model::ids::{Key, Name};
use crate::model::job::Condition;
use crate::model::kueue::flavors::{hardware, promised};
use crate::model::kueue::others::Limit;
use crate::model::kueue::{
    Amount, ClusterQueueRow, FlavorRow, QueueKind, QuotaRow, VolcanoQueueRow,
};
use crate::model::resources::is_device;
use crate::panes::Cx;
use crate::panes::queues::amounts;
use crate::panes::words::{amount, count, device, quantity, when};
use crate::ui::State;

/// All objects of this cluster: flavors first, each kind by name.
pub fn items(cx: &Cx) -> Vec<Item> {
    let kueue = &cx.model.kueue;
    let here = |key: Key| key.cluster == cx.session.cluster;
    let mut all = Vec::new();
    let promised = promised(kueue, cx.session.cluster);
    for row in kueue.flavors.rows().filter(|row| here(row.key)) {
        all.push(flavor(row, promised.get(&row.name), cx));
    }
    for row in kueue.priority_classes.rows().filter(|row| here(row.key)) {
        let workloads = kueue.workloads.rows().filter(|w| !w.is_finished());
        let users = workloads.filter(|w| w.priority_class.as_ref() == Some(&row.name));
        let means = match row.description.is_empty() {
            true => format!("priority {}", row.value),
            false => format!("priority {}: {}", row.value, row.description),
        };
        let used = count(users.count(), "workload", "workloads");
        all.push(item(
            row.key,
            QueueKind::WorkloadPriorityClass,
            &row.name,
            means,
            used,
        ));
    }
    for row in kueue.checks.rows().filter(|row| here(row.key)) {
        let uses =
            |queue: &&ClusterQueueRow| queue.checks.iter().any(|(name, _)| *name == row.name);
        let queues = kueue
            .cluster_queues
            .rows()
            .filter(|q| here(q.key))
            .filter(uses);
        let used = count(queues.count(), "cluster queue", "cluster queues");
        let means = match &row.parameters {
            Some((kind, name)) => format!("{} by {kind}/{name}", row.controller),
            None => row.controller.to_string(),
        };
        let one = item(row.key, QueueKind::AdmissionCheck, &row.name, means, used);
        all.push(active(one, &row.conditions));
    }
    for row in kueue.topologies.rows().filter(|row| here(row.key)) {
        let uses = |flavor: &&FlavorRow| flavor.topology.as_ref() == Some(&row.name);
        let flavors = kueue.flavors.rows().filter(|f| here(f.key)).filter(uses);
        let used = count(flavors.count(), "flavor", "flavors");
        let levels: Vec<&str> = row.levels.iter().map(|level| &**level).collect();
        let means = levels.join(" ▸ ");
        all.push(item(row.key, QueueKind::Topology, &row.name, means, used));
    }
    for row in kueue.worker_clusters.rows().filter(|row| here(row.key)) {
        let runs = kueue.workloads.rows().filter(|w| !w.is_finished());
        let runs = runs.filter(|w| w.cluster.as_ref() == Some(&row.name));
        let used = count(runs.count(), "workload runs there", "workloads run there");
        let means = row.source.to_string();
        let one = item(
            row.key,
            QueueKind::MultiKueueCluster,
            &row.name,
            means,
            used,
        );
        all.push(active(one, &row.conditions));
    }
    for row in kueue.worker_configs.rows().filter(|row| here(row.key)) {
        let clusters: Vec<&str> = row.clusters.iter().map(|name| &**name).collect();
        let used = count(clusters.len(), "cluster", "clusters");
        let means = clusters.join(", ");
        all.push(item(
            row.key,
            QueueKind::MultiKueueConfig,
            &row.name,
            means,
            used,
        ));
    }
    for row in kueue.provisionings.rows().filter(|row| here(row.key)) {
        let last = row
            .conditions
            .iter()
            .filter(|c| c.on)
            .max_by_key(|c| c.since);
        let mut one = item(
            row.key,
            QueueKind::ProvisioningRequest,
            &row.name,
            format!("class {}", row.class),
            match &row.owner {
                Some((name, _)) => format!("for {name}"),
                None => String::new(),
            },
        );
        one.namespace = row.namespace.clone();
        one.state = last.map(|c| {
            let state = match &*c.kind {
                "Provisioned" => State::Succeeded,
                "Failed" | "BookingExpired" | "CapacityRevoked" => State::Failed,
                _ => State::Waiting,
            };
            (
                state,
                format!("{} {}", c.kind.to_lowercase(), when(c.since, cx)),
            )
        });
        all.push(one);
    }
    for row in kueue.quotas.rows().filter(|row| here(row.key)) {
        let mine = cx.session.namespace.as_ref();
        if mine.is_none_or(|namespace| *namespace == row.namespace) {
            all.push(quota(row));
        }
    }
    for row in kueue.volcano_queues.rows().filter(|row| here(row.key)) {
        all.push(volcano(row));
    }
    all.sort_by(|a, b| {
        let rank = |item: &Item| QueueKind::ALL.iter().position(|kind| *kind == item.kind);
        (rank(a), &a.namespace, &a.name).cmp(&(rank(b), &b.namespace, &b.name))
    });
    all
}

fn item(key: Key, kind: QueueKind, name: &Name, means: String, used: String) -> Item {
    Item {
        key,
        kind,
        namespace: Name::default(),
        name: name.clone(),
        state: None,
        means,
        used,
    }
}

/// With what its `Active` condition says, if it says no.
fn active(mut item: Item, conditions: &[Condition]) -> Item {
    let told = conditions.iter().find(|c| &*c.kind == "Active");
    item.state = told.map(|c| match c.on {
        true => (State::Running, "active".into()),
        false => (State::Failed, c.reason.to_string()),
    });
    if let Some(c) = told.filter(|c| !c.on && !c.message.is_empty()) {
        item.means = format!("{}: {}", c.message, item.means);
    }
    item
}

/// Labels and taints; what its quota promises beside what its nodes have.
fn flavor(row: &FlavorRow, promised: Option<&BTreeMap<Name, Amount>>, cx: &Cx) -> Item {
    let mut means: Vec<String> = row
        .node_labels
        .iter()
        .map(|(k, v)| format!("{k}={v}"))
        .collect();
    if means.is_empty() {
        means.push("any node".into());
    }
    if !row.node_taints.is_empty() {
        let taints: Vec<&str> = row.node_taints.iter().map(|taint| &**taint).collect();
        means.push(format!("taints {}", taints.join(", ")));
    }
    if let Some(topology) = &row.topology {
        means.push(format!("topology {topology}"));
    }
    let there = hardware(cx.model, row);
    let mut state = None;
    let mut used: Vec<String> = Vec::new();
    for (resource, promise) in promised.into_iter().flatten().filter(|(r, _)| is_device(r)) {
        let have = there.devices.get(resource);
        if *promise > i64::from(have) {
            let more = amount(resource, promise - i64::from(have));
            state = Some((State::Retrying, format!("{more} too many")));
        }
        let what = device(resource, None);
        used.push(format!("{promise} {what} promised, {have} there"));
    }
    if promised.is_none() {
        state = Some((State::NotRun, "in no queue".into()));
    }
    let mut nodes = count(there.nodes as usize, "node", "nodes");
    if there.away > 0 {
        nodes.push_str(&format!(" ({} away)", there.away));
    }
    if there.nodes == 0 {
        state = Some((State::Failed, "no such node".into()));
    }
    used.push(nodes);
    let mut item = item(
        row.key,
        QueueKind::ResourceFlavor,
        &row.name,
        means.join("; "),
        used.join(", "),
    );
    item.state = state;
    item
}

/// What the namespace may have at most; its fullest limit.
fn quota(row: &QuotaRow) -> Item {
    let say = |limit: &Limit| {
        let of = |n| quantity(limit.resource(), n);
        format!("{} {}/{}", limit.what, of(limit.used), of(limit.hard))
    };
    let all: Vec<String> = row.limits.iter().map(say).collect();
    let fullest = row.limits.iter();
    let fullest = fullest.max_by(|a, b| a.ratio().total_cmp(&b.ratio()));
    let mut means = all.join(", ");
    if !row.scope.is_empty() {
        means = format!("for {}: {means}", row.scope);
    }
    let used = fullest.map(say).unwrap_or_default();
    let mut one = item(row.key, QueueKind::ResourceQuota, &row.name, means, used);
    one.namespace = row.namespace.clone();
    let full = fullest.filter(|limit| limit.ratio() >= 1.0);
    one.state = full.map(|_| (State::Waiting, "used up".into()));
    one
}

fn volcano(row: &VolcanoQueueRow) -> Item {
    let most = match row.capability.is_empty() {
        true => "no limit".into(),
        false => format!("at most {}", amounts(&row.capability)),
    };
    let mut means = vec![most];
    if !row.deserved.is_empty() {
        means.push(format!("deserves {}", amounts(&row.deserved)));
    }
    means.extend(row.weight.map(|n| format!("weight {n}")));
    means.extend(row.parent.as_ref().map(|name| format!("under {name}")));
    if !row.reclaimable {
        means.push("nothing is taken back".into());
    }
    let mut used: Vec<String> = Vec::new();
    if let Some(groups) = row.groups {
        used.push(format!(
            "{} running, {} pending, {} inqueue",
            groups.running, groups.pending, groups.inqueue
        ));
    }
    let held = amounts(&row.allocated);
    if !held.is_empty() {
        used.push(format!("holds {held}"));
    }
    let (kind, used) = (QueueKind::VolcanoQueue, used.join(", "));
    let mut one = item(row.key, kind, &row.name, means.join(", "), used);
    one.state = match &*row.state {
        "" => None,
        "Open" => Some((State::Running, "open".into())),
        other => Some((State::Held, other.to_lowercase())),
    };
    one
}
