//! `jobdeck get gpus`: one row per node with GPUs or other accelerators: what it has of what, who holds it, and what keeps
//! others away.

use std::collections::BTreeMap;
use std::process::ExitCode;

use chrono::{DateTime, Utc};
use color_eyre::eyre::Result;
use serde::Serialize;

use super::columns::Shape;
use super::connect::reach;
use super::table::Table;
use super::{ClusterArgs, GetArgs, get, pick};
use crate::model::Model;
use crate::model::capacity::amounts::Line;
use crate::model::capacity::ask::Ask;
use crate::model::capacity::groups::Share;
use crate::model::capacity::ledger::account;
use crate::model::capacity::unit::Unit;
use crate::model::dra::DraKind;
use crate::model::ids::{Key, Name};
use crate::model::node::NodeRow;
use crate::model::pod::PodRow;
use crate::model::want::Kind;

/// Everything that GPUs are counted from.
pub const KINDS: [Kind; 6] = [
    Kind::Node,
    Kind::Pod,
    Kind::Job,
    Kind::Dra(DraKind::ResourceSlice),
    Kind::Dra(DraKind::ResourceClaim),
    Kind::Dra(DraKind::DeviceClass),
];

/// Runs the command.
///
/// # Errors
/// No cluster, or its nodes may not be listed.
pub fn run(cluster: &ClusterArgs, args: &GetArgs) -> Result<ExitCode> {
    let filter = get::filter::<NodeRow>(args);
    let picks = pick::told(args, table);
    let runtime = get::runtime()?;
    let (connected, picks) = runtime.block_on(async {
        let mut connected = reach(cluster, &args.one_shot, &args.recorded).await?;
        let picks = picks.ready::<NodeRow>(args, &filter, &mut connected);
        // whoever has the GPUs, they are gone
        connected.namespace = None;
        connected.sync_workloads(&KINDS).await?;
        Ok::<_, color_eyre::Report>((connected, picks))
    })?;
    let model = &connected.model;
    let nodes = model
        .nodes
        .rows()
        .filter(|n| model.capacity.share(n).is_some());
    get::print(
        &connected,
        args,
        &filter,
        &picks,
        nodes.collect(),
        table,
        |row: &NodeRow, model, _| GpuNodeJson::of(model, row),
    )
}

fn table(rows: &[&NodeRow], model: &Model, _: DateTime<Utc>, shape: Shape) -> Table {
    let mut headers = vec!["NODE", "PRODUCT", "STATE", "GPUS", "USED", "FREE", "SICK"];
    if shape.wide {
        headers.extend([
            "CARDS",
            "RELEASING",
            "POOL",
            "ZONE",
            "BLOCK",
            "NVLINK-DOMAIN",
            "DRIVER",
            "HOLDERS",
        ]);
    }
    let mut table = Table::new(headers);
    for node in rows {
        let Some(share) = model.capacity.share(node) else {
            continue;
        };
        let each = |of: fn(&Line) -> u32| amounts(&share.lines, of);
        let text = |name: Option<&Name>| name.map(|n| n.to_string()).unwrap_or_default();
        let reasons = reasons(node, share);
        let mut cells = vec![
            node.name.to_string(),
            text(share.group(crate::model::capacity::groups::Dim::Product)),
            if reasons.is_empty() {
                "ready".into()
            } else {
                reasons.join(",")
            },
            each(|line| line.amounts.capacity),
            each(|line| line.amounts.used),
            each(|line| line.amounts.free),
            each(|line| line.amounts.sick),
        ];
        if shape.wide {
            let holders: Vec<String> = (Holding::all(model, node).iter())
                .map(|h| {
                    format!(
                        "{}/{}",
                        h.namespace,
                        h.workload.as_deref().unwrap_or(&h.pod)
                    )
                })
                .fold(Vec::new(), |mut all: Vec<String>, name| {
                    if !all.contains(&name) {
                        all.push(name);
                    }
                    all
                });
            cells.extend([
                share.cards.to_string(),
                each(|line| line.amounts.releasing),
                text(node.pool.as_ref()),
                text(node.zone.as_ref()),
                text(node.block.as_ref()),
                text(node.clique.as_ref()),
                text(node.gpu.as_ref().and_then(|g| g.driver.as_ref())),
                holders.join(","),
            ]);
        }
        table.push(cells);
    }
    table
}

/// Whole ones as a number, others with what they are: `2+14 1g.10gb`.
pub fn amounts(lines: &[Line], of: fn(&Line) -> u32) -> String {
    let parts: Vec<String> = lines
        .iter()
        .filter(|line| of(line) > 0)
        .map(|line| match &line.kind.unit {
            Unit::Gpu => of(line).to_string(),
            unit => format!("{} {}", of(line), unit.words()),
        })
        .collect();
    if parts.is_empty() {
        "0".into()
    } else {
        parts.join("+")
    }
}

/// What keeps pods from the free devices of a node.
pub fn reasons(node: &NodeRow, share: &Share) -> Vec<String> {
    let mut all = Vec::new();
    if !node.ready {
        all.push("not ready".into());
    }
    if node.cordoned {
        all.push("cordoned".into());
    }
    all.extend(
        share
            .gate
            .taints
            .iter()
            .map(|taint| format!("taint {taint}")),
    );
    if share.gate.starved {
        all.push("no cpu, memory or place for a pod left".into());
    }
    all
}

/// One node.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GpuNodeJson {
    pub node: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pool: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub block: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nvlink_domain: Option<String>,
    /// A pod that tolerates taints named like a device can have what is free.
    pub schedulable: bool,
    /// What keeps pods away, taints that GPU jobs usually tolerate included.
    pub reasons: Vec<String>,
    /// By resource name; devices of a DRA driver under its name, its slices under `driver/profile`.
    pub resources: BTreeMap<String, ResourceJson>,
    /// Physical cards, as far as known.
    pub physical: u32,
    pub holders: Vec<Holding>,
}

/// Counts of one resource.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceJson {
    pub capacity: u32,
    pub allocatable: u32,
    pub used: u32,
    pub free: u32,
    /// Capacity that is not offered.
    pub sick: u32,
    /// Used above allocatable.
    pub over: u32,
    /// Of `used`, by pods that are being deleted.
    pub releasing: u32,
    /// What one is: `GPUs`, `shares`, `1g.10gb`, `chips` …
    pub unit: String,
    /// GPU equivalents of one; 0 where it is no GPU or the part is not known.
    pub equivalent: f64,
}

impl GpuNodeJson {
    pub fn of(model: &Model, node: &NodeRow) -> Self {
        let share = model.capacity.share(node);
        let lines = share.map_or(&[][..], |share| &share.lines);
        let text = |name: Option<&Name>| name.map(|n| n.to_string());
        let tolerant = Ask {
            gpu_taints: true,
            ..Ask::default()
        };
        Self {
            node: node.name.to_string(),
            product: text(
                share.and_then(|s| s.group(crate::model::capacity::groups::Dim::Product)),
            ),
            pool: text(node.pool.as_ref()),
            zone: text(node.zone.as_ref()),
            block: text(node.block.as_ref()),
            nvlink_domain: text(node.clique.as_ref()),
            schedulable: share.is_some_and(|share| {
                let gate = &share.gate;
                let taints = gate.taints.iter().all(|taint| tolerant.tolerates(taint));
                gate.ready && !gate.cordoned && !gate.starved && taints
            }),
            reasons: share.map(|share| reasons(node, share)).unwrap_or_default(),
            resources: lines
                .iter()
                .map(|line| (name(line), ResourceJson::of(line)))
                .collect(),
            physical: share.map_or(0, |share| share.cards),
            holders: Holding::all(model, node),
        }
    }
}

fn name(line: &Line) -> String {
    let resource = &line.kind.resource;
    match &line.kind.unit {
        Unit::Mig { profile, .. } if !resource.contains('/') => format!("{resource}/{profile}"),
        _ => resource.to_string(),
    }
}

impl ResourceJson {
    fn of(line: &Line) -> Self {
        let a = line.amounts;
        Self {
            capacity: a.capacity,
            allocatable: a.allocatable,
            used: a.used,
            free: a.free,
            sick: a.sick,
            over: a.over,
            releasing: a.releasing,
            unit: line.kind.unit.words(),
            equivalent: line.kind.unit.equivalent() as f64 / 1e6,
        }
    }
}

/// A pod that holds devices of a node.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Holding {
    pub namespace: String,
    pub pod: String,
    /// The outermost workload that made it: `pytorchjob/llama`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workload: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
    /// By resource or DRA driver.
    pub resources: BTreeMap<String, u32>,
}

impl Holding {
    fn new(model: &Model, pod: &PodRow) -> Self {
        let job = model.jobs.get(model.top(account(pod)));
        Self {
            namespace: pod.namespace.to_string(),
            pod: pod.name.to_string(),
            workload: job.map(|job| format!("{}/{}", job.kind.singular(), job.name)),
            queue: job
                .and_then(|job| model.queue(job))
                .map(|queue| queue.to_string()),
            resources: BTreeMap::new(),
        }
    }

    /// All of a node, by namespace and name.
    pub fn all(model: &Model, node: &NodeRow) -> Vec<Self> {
        let mut all: BTreeMap<Key, Self> = BTreeMap::new();
        let plugged = model.capacity.of(node).map(|used| &used.holders);
        for pod in plugged
            .into_iter()
            .flatten()
            .filter_map(|key| model.pods.get(*key))
        {
            let mut holding = Self::new(model, pod);
            let each = pod.shape.plugged().map(|(name, n)| (name.to_string(), *n));
            holding.resources = each.collect();
            all.insert(pod.key, holding);
        }
        let cluster = node.key.cluster;
        let dra = model.capacity.dra();
        for device in dra.devices(cluster, &node.name) {
            let claims = dra.holders(cluster, &device).into_iter();
            for claim in claims.filter_map(|key| model.claims.get(key)) {
                let users = claim
                    .users
                    .iter()
                    .map(|(_, uid)| Key { cluster, uid: *uid });
                for pod in users.filter_map(|key| model.pods.get(key)) {
                    let holding = all.entry(pod.key).or_insert_with(|| Self::new(model, pod));
                    *holding
                        .resources
                        .entry(device.driver.to_string())
                        .or_default() += 1;
                }
            }
        }
        let mut all: Vec<Self> = all.into_values().collect();
        all.sort_by(|a, b| (&a.namespace, &a.pod).cmp(&(&b.namespace, &b.pod)));
        all
    }
}
