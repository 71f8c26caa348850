//! What is wrong with GPUs, as far as objects alone tell it: one sentence each, for a pane and an inbox. O(nodes and
//! quotas); [`Watch`] keeps the list until something changed.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use super::groups::Dim;
use super::unit::{Unit, vendor};
use crate::model::Model;
use crate::model::ids::{ClusterId, Key, Name};
use crate::model::kueue::flavors::promised;
use crate::model::node::{GpuFacts, NodeRow};
use crate::model::resources::is_device;

/// What kind of trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum What {
    /// Devices that are there and not offered.
    Sick,
    /// Pods hold more than is offered: a device died under one.
    Over,
    /// The MIG manager failed to make the wanted layout.
    MigFailed,
    /// It is at it, or waits for the node to be empty.
    MigPending,
    /// Cards are cut in ways that strategy `single` does not allow.
    MigInvalid,
    /// Whole GPUs and MIG devices offered together where the strategy says one of them only.
    Mixed,
    /// Labels say something else than what is offered: feature discovery is behind, or down.
    Labels,
    /// A device plugin and a DRA driver both give out the same cards.
    Twice,
    /// Quota promises more than there is.
    Quota,
}

impl What {
    pub fn is_severe(self) -> bool {
        matches!(
            self,
            Self::Sick | Self::Over | Self::MigFailed | Self::MigInvalid | Self::Twice
        )
    }
}

/// One alarm.
#[derive(Debug, Clone, PartialEq)]
pub struct Alarm {
    pub what: What,
    /// The node it is about, where it is about one.
    pub node: Option<(Key, Name)>,
    /// What of it, where one node may have several of a kind: a resource.
    pub of: Name,
    /// What and how much, in one sentence without the node's name.
    pub text: String,
}

impl What {
    /// In a word, to tell entries apart by.
    pub fn word(self) -> &'static str {
        match self {
            Self::Sick => "sick",
            Self::Over => "over",
            Self::MigFailed => "mig-failed",
            Self::MigPending => "mig-pending",
            Self::MigInvalid => "mig-invalid",
            Self::Mixed => "mixed",
            Self::Labels => "labels",
            Self::Twice => "twice",
            Self::Quota => "quota",
        }
    }

    /// What to say when it is over.
    pub fn end(self) -> &'static str {
        match self {
            Self::Sick => "all of them are offered again",
            Self::Over => "no pod holds more than is offered",
            Self::MigFailed | Self::MigPending | Self::MigInvalid => {
                "the layout is as it is wanted"
            }
            Self::Mixed | Self::Twice => "one of them only is offered now",
            Self::Labels => "labels and devices agree",
            Self::Quota => "there is as much as quota promises",
        }
    }
}

/// All alarms of a cluster, the severe ones first, then by node.
pub fn alarms(model: &Model, cluster: ClusterId, now: DateTime<Utc>) -> Vec<Alarm> {
    let mut all = Vec::new();
    for node in model.nodes.rows().filter(|n| n.key.cluster == cluster) {
        of_node(model, node, now, &mut all);
    }
    quota(model, cluster, &mut all);
    all.sort_by(|a, b| {
        let rank = |a: &Alarm| {
            (
                !a.what.is_severe(),
                a.what,
                a.node.as_ref().map(|(_, name)| name.clone()),
            )
        };
        rank(a).cmp(&rank(b)).then_with(|| a.text.cmp(&b.text))
    });
    all
}

/// The list, counted again only when nodes, pods, claims or queues changed.
#[derive(Debug, Clone, Default)]
pub struct Watch {
    list: Vec<Alarm>,
    seen: Option<(u64, u64, u64, ClusterId)>,
}

impl Watch {
    pub fn refresh(&mut self, model: &Model, cluster: ClusterId, now: DateTime<Utc>) -> &[Alarm] {
        let versions = (
            model.capacity.version(),
            model.nodes.version(),
            model.kueue.version(),
            cluster,
        );
        if self.seen != Some(versions) {
            self.list = alarms(model, cluster, now);
            self.seen = Some(versions);
        }
        &self.list
    }
}

/// Labels follow a change of the devices within a minute; a node that just came has none yet.
const SETTLED: TimeDelta = TimeDelta::minutes(10);

fn of_node(model: &Model, node: &NodeRow, now: DateTime<Utc>, all: &mut Vec<Alarm>) {
    let mut say = |what: What, of: &str, text: String| {
        all.push(Alarm {
            what,
            node: Some((node.key, node.name.clone())),
            of: of.into(),
            text,
        });
    };
    let lines = model
        .capacity
        .share(node)
        .map_or(&[][..], |share| &share.lines);
    for line in lines {
        let (a, resource) = (line.amounts, &line.kind.resource);
        // where nothing is offered at all, the plugin is away rather than every card sick
        if a.sick > 0 && a.allocatable == 0 && a.capacity > 1 {
            say(
                What::Sick,
                resource,
                format!(
                    "none of its {} {resource} is offered; does its device plugin run?",
                    a.capacity
                ),
            );
        } else if a.sick > 0 {
            say(
                What::Sick,
                resource,
                format!(
                    "{} of {} {resource} sick: not offered any more",
                    a.sick, a.capacity
                ),
            );
        }
        if a.over > 0 {
            say(
                What::Over,
                resource,
                format!(
                    "pods hold {} {resource} of {} offered",
                    a.used, a.allocatable
                ),
            );
        }
    }
    let dra = model.capacity.dra().devices(node.key.cluster, &node.name);
    for (name, n) in &node.capacity.0 {
        let twice = dra.iter().any(|d| {
            super::dra::unit(d.driver, d.row) == Unit::Gpu
                && vendor(name).is_some()
                && vendor(name) == vendor(d.driver)
        });
        if *n > 0 && twice && name.ends_with("/gpu") {
            say(
                What::Twice,
                name,
                format!(
                    "{name} comes from a device plugin and from a DRA driver: a card can be given out twice"
                ),
            );
        }
    }
    let mut add = |what: What, text: String| say(what, "", text);
    let Some(facts) = node.gpu.as_deref() else {
        return;
    };
    let wanted = facts.mig_config.as_deref().unwrap_or("?");
    match facts.mig_state.as_deref() {
        Some("failed") => add(What::MigFailed, format!("MIG layout {wanted} failed")),
        Some("pending" | "rebooting") => add(
            What::MigPending,
            format!("MIG layout {wanted} is being made"),
        ),
        _ => {}
    }
    let invalid = node
        .product
        .as_deref()
        .is_some_and(|p| p.ends_with("-MIG-INVALID"));
    if invalid {
        add(What::MigInvalid, "its cards are cut differently, or not all are: MIG strategy single offers none of them".into());
    }
    let mig = node
        .capacity
        .0
        .iter()
        .any(|(name, n)| name.starts_with("nvidia.com/mig-") && *n > 0);
    let whole = node.capacity.get("nvidia.com/gpu");
    if mig && whole > 0 && facts.mig_strategy.as_deref() != Some("mixed") {
        let strategy = facts.mig_strategy.as_deref().unwrap_or("none");
        add(
            What::Mixed,
            format!("offers whole GPUs and MIG devices together under MIG strategy {strategy}"),
        );
    }
    let old = node.created.is_none_or(|at| now - at > SETTLED);
    if let Some(text) = contradiction(node, facts).filter(|_| old && !invalid) {
        add(What::Labels, text);
    }
    // labels that are older than the node were carried over from what stood there before
    if let (Some(labelled), Some(created)) = (node.labelled, node.created)
        && created - labelled > SETTLED
    {
        add(What::Labels, "its GPU labels are older than the node itself: GPU feature discovery has not run on it".into());
    }
}

/// What labels say that is not so. `gpu.count` times `gpu.replicas` is what a plain node offers; a sick device stays in
/// its capacity, so that is no contradiction.
fn contradiction(node: &NodeRow, facts: &GpuFacts) -> Option<String> {
    let (count, replicas) = (facts.count?, facts.replicas.unwrap_or(1));
    // labels and amounts are whatever somebody wrote: sums of them may not fit
    let offered = |name: &str| {
        let shared = node.capacity.get(&format!("{name}.shared"));
        node.capacity.get(name).saturating_add(shared)
    };
    let cut = node
        .capacity
        .0
        .iter()
        .any(|(name, n)| name.starts_with("nvidia.com/mig-") && *n > 0);
    if cut || replicas == 0 || facts.mig_strategy.as_deref() == Some("mixed") {
        for mig in &facts.mig {
            let name = format!("nvidia.com/mig-{}", mig.profile);
            let told = mig.count?.checked_mul(mig.replicas.unwrap_or(1).max(1))?;
            let offered = offered(&name);
            if told != offered {
                return Some(format!(
                    "labels tell of {told} {name}, the node offers {offered}"
                ));
            }
        }
        return None;
    }
    let offered = offered("nvidia.com/gpu");
    let told = count.checked_mul(replicas.max(1))?;
    // no plugin at all: the cards are the DRA driver's, or somebody else's
    (offered > 0 && told != offered).then(|| {
        format!("labels tell of {told} GPUs, the node offers {offered}: GPU feature discovery or the device plugin is behind")
    })
}

/// Nominal quota of a device beside all there is of it.
fn quota(model: &Model, cluster: ClusterId, all: &mut Vec<Alarm>) {
    let mut sums: BTreeMap<Name, i64> = BTreeMap::new();
    for (_, resources) in promised(&model.kueue, cluster) {
        for (resource, amount) in resources.into_iter().filter(|(r, _)| is_device(r)) {
            let sum = sums.entry(resource).or_default();
            *sum = sum.saturating_add(amount);
        }
    }
    // where nodes may not be read nothing can be said
    if model.nodes.rows().all(|n| n.key.cluster != cluster) {
        return;
    }
    for (resource, promised) in sums {
        let mut there = 0i64;
        for (_, group) in model.capacity.groups(cluster, Dim::All) {
            for kind in group.kinds().filter(|kind| kind.resource == resource) {
                let sums = group.totals(kind, |_| true).sums;
                there = there.saturating_add(i64::try_from(sums.capacity).unwrap_or(i64::MAX));
            }
        }
        if promised > there {
            all.push(Alarm {
                what: What::Quota,
                node: None,
                of: resource.clone(),
                text: format!(
                    "quota promises {promised} {resource}, all nodes together have {there}"
                ),
            });
        }
    }
}
