//! What NVIDIA's DRA driver publishes: device classes, and a slice (or several) for every node whose cards are claimed.
//!
//! Every third of these nodes offers its cards in parts: the whole card and all MIG partitions that it could be cut into
//! draw on the same counters, so that what overlaps cannot be had at once.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value, json};

use crate::api::write::{Cluster, Random, Writer};
use crate::clock::rfc3339;
use crate::controllers::Kinds;
use crate::controllers::kubelet::hash;
use crate::devices::{Card, Inventory, models};
use crate::store::{KindId, Object};

const DRIVER: &str = "gpu.nvidia.com";
/// The label by which a node tells that its cards are claimed.
const FAMILY: &str = "gpu-h200";
/// The node of which a card is ill.
const SICK: (&str, usize) = ("gpu-h200-1", 5);

/// Profile, the driver's number for it, width in memory slices, first slices it may begin at.
const PARTITIONS: &[(&str, u32, u64, &[u64])] = &[
    ("1g.18gb", 19, 1, &[0, 1, 2, 3, 4, 5, 6]),
    ("2g.35gb", 14, 2, &[0, 2, 4]),
    ("3g.71gb", 9, 4, &[0, 4]),
    ("7g.141gb", 0, 8, &[0]),
];
/// Of a whole card.
const MULTIPROCESSORS: u64 = 132;

/// Publishes everything, as drivers that started before anybody looked.
pub fn install(cluster: &mut Cluster, kinds: Kinds, seed: u64, start: DateTime<Utc>) {
    let own = Random::new(seed ^ hash("claims"));
    let random = std::mem::replace(&mut cluster.random, own);
    let nodes: Vec<(String, Inventory)> = cluster
        .store
        .list(kinds.nodes, None)
        .filter(|node| {
            node.labels
                .get("node.jobdeck.dev/pool")
                .is_some_and(|p| p == FAMILY)
        })
        .map(|node| (node.name.clone(), Inventory::of(node)))
        .collect();
    if !nodes.is_empty() {
        classes(cluster, kinds);
    }
    for (node, inventory) in &nodes {
        let at = start - TimeDelta::hours(18 + (hash(node) % 200) as i64);
        publish(cluster, kinds.slices, (node.as_str(), inventory), at);
    }
    cluster.random = random;
}

fn classes(cluster: &mut Cluster, kinds: Kinds) {
    let by = Writer::new("helm");
    for (name, kind) in [("gpu.nvidia.com", "gpu"), ("mig.nvidia.com", "mig")] {
        let expression = format!(
            "device.driver == '{DRIVER}' && device.attributes['{DRIVER}'].type == '{kind}'"
        );
        let class = json!({
            "metadata": {"name": name, "labels": {"app.kubernetes.io/managed-by": "Helm"}},
            "spec": {"selectors": [{"cel": {"expression": expression}}]},
        });
        let _ = cluster.create(kinds.classes, "", class, &by);
    }
}

fn publish(
    cluster: &mut Cluster,
    kind: KindId,
    (node, inventory): (&str, &Inventory),
    at: DateTime<Utc>,
) {
    let number = node.rsplit('-').next().and_then(|n| n.parse::<u64>().ok());
    let parted = number.is_some_and(|n| n % 3 == 2);
    let owner = {
        let nodes = cluster.store.kind_id("", "nodes");
        nodes.and_then(|k| cluster.store.get(k, "", node).cloned())
    };
    let Some(owner) = owner else {
        return;
    };
    let cards: Vec<(usize, &Card)> = inventory.cards.iter().enumerate().collect();
    let mut specs = Vec::new();
    if parted {
        let sets: Vec<Value> = cards.iter().map(|(i, _)| counters(*i)).collect();
        specs.push(json!({"sharedCounters": sets}));
        for half in cards.chunks(4) {
            let devices: Vec<Value> = half.iter().flat_map(|(i, card)| parts(*i, card)).collect();
            specs.push(json!({"devices": devices}));
        }
    } else {
        let devices = cards.iter().map(|(i, card)| {
            let mut device = whole(*i, card);
            if (node, *i) == SICK {
                device["taints"] = json!([{
                    "key": "gpu.nvidia.com/unhealthy", "value": "xid-48", "effect": "NoSchedule", "timeAdded": rfc3339(at),
                }]);
            }
            device
        });
        specs.push(json!({"devices": devices.collect::<Vec<_>>()}));
    }
    let count = specs.len();
    for spec in specs {
        let slice = slice(cluster, &owner, spec, count, at);
        cluster.store.put(kind, slice);
    }
}

fn slice(
    cluster: &mut Cluster,
    node: &Object,
    mut spec: Value,
    count: usize,
    at: DateTime<Utc>,
) -> Value {
    spec["driver"] = json!(DRIVER);
    spec["nodeName"] = json!(node.name);
    spec["pool"] = json!({"name": node.name, "generation": 1, "resourceSliceCount": count});
    let stem = format!("{}-{DRIVER}-", node.name);
    json!({
        "kind": "ResourceSlice", "apiVersion": "resource.k8s.io/v1",
        "metadata": {
            "name": format!("{stem}{}", cluster.random.suffix(5)), "generateName": stem,
            "uid": cluster.random.uuid(), "creationTimestamp": rfc3339(at), "generation": 1,
            "ownerReferences": [{"apiVersion": "v1", "kind": "Node", "name": node.name, "uid": node.uid, "controller": true}],
        },
        "spec": spec,
    })
}

fn text(value: impl Into<String>) -> Value {
    json!({"string": value.into()})
}

fn common(card: &Card) -> Map<String, Value> {
    let all = [
        ("architecture", text("Hopper")),
        ("brand", text("Nvidia")),
        ("cudaComputeCapability", json!({"version": "9.0.0"})),
        ("cudaDriverVersion", json!({"version": "13.0.0"})),
        ("driverVersion", json!({"version": "580.95.5"})),
        ("productName", text(card.model.name)),
        (
            "resource.kubernetes.io/pciBusID",
            text(card.pci[4..].to_lowercase()),
        ),
        (
            "resource.kubernetes.io/pcieRoot",
            text(format!("pci0000:{}", card.pci[9..11].to_lowercase())),
        ),
    ];
    all.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()
}

fn whole(index: usize, card: &Card) -> Value {
    let mut attributes = common(card);
    attributes.insert("type".to_owned(), text("gpu"));
    attributes.insert("uuid".to_owned(), text(format!("GPU-{}", card.uuid)));
    json!({
        "name": format!("gpu-{index}"), "attributes": attributes,
        "capacity": {"memory": {"value": format!("{}Mi", card.model.memory_mib)}},
    })
}

fn set_name(index: usize) -> String {
    format!("gpu-{index}-counter-set")
}

/// All that a card has to be shared out.
fn counters(index: usize) -> Value {
    json!({"name": set_name(index), "counters": amounts(0, 8, MULTIPROCESSORS)})
}

/// What a part takes that begins at a memory slice and is so many of them wide.
fn amounts(first: u64, width: u64, multiprocessors: u64) -> BTreeMap<String, Value> {
    let mut all = BTreeMap::from([(
        "multiprocessors".to_owned(),
        json!({"value": multiprocessors.to_string()}),
    )]);
    for slice in first..first + width {
        all.insert(format!("memory-slice-{slice}"), json!({"value": "1"}));
    }
    all
}

/// The card as a whole and all its possible partitions.
fn parts(index: usize, card: &Card) -> Vec<Value> {
    let mut full = whole(index, card);
    full["consumesCounters"] = json!([{
        "counterSet": set_name(index), "counters": amounts(0, 8, MULTIPROCESSORS),
    }]);
    let mut all = vec![full];
    for (profile, number, width, places) in PARTITIONS {
        let (slices, memory, _) = models::profile(profile);
        for place in *places {
            let mut attributes = common(card);
            attributes.insert("type".to_owned(), text("mig"));
            attributes.insert("profile".to_owned(), text(*profile));
            attributes.insert("parentUUID".to_owned(), text(format!("GPU-{}", card.uuid)));
            let bare = profile.replace('.', "");
            all.push(json!({
                "name": format!("gpu-{index}-mig-{bare}-{number}-{place}"), "attributes": attributes,
                "capacity": {
                    "memory": {"value": format!("{memory}Mi")},
                    "multiprocessors": {"value": (16 * slices).to_string()},
                },
                "consumesCounters": [{
                    "counterSet": set_name(index), "counters": amounts(*place, *width, 16 * slices),
                }],
            }));
        }
    }
    all
}
