//! The way from a pod's address to what its exporter reads there.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::World;
use crate::console::{Card, Place};
use crate::controllers::kubelet::{Holder, hash};
use crate::devices::{Device, Inventory};
use crate::exporter::{Answer, Load, Program, Tenant, View};
use crate::store::Object;

impl World {
    pub(super) fn exporter(&self, pod: &Arc<Object>, port: u16, path: &str) -> Answer {
        let value = pod.tree();
        let name = value["spec"]["nodeName"].as_str().unwrap_or_default();
        if !self.scheduler.alive(name) {
            return Answer::Unreachable;
        }
        let program = Program::of(&value).filter(|p| p.port() == port);
        let node = self.cluster.store.get(self.kinds.nodes, "", name);
        let (Some(program), Some(node)) = (program, node) else {
            return Answer::Closed;
        };
        let (inventory, tenants) = self.held(node);
        let view = View {
            node: name,
            inventory: &inventory,
            tenants: &tenants,
            booted: booted(&node.tree()),
            clock: &self.cluster.clock,
            old: program == Program::Dcgm { old: true },
        };
        program.answer(path, &view)
    }

    /// The cards of a node and who holds them.
    fn held(&self, node: &Arc<Object>) -> (Inventory, Vec<Tenant>) {
        let mut inventory = Inventory::of(node);
        let held = self.kubelet.devices.on(&node.name);
        let mut tenants: Vec<Tenant> = held
            .filter_map(|(id, holder)| {
                let device = inventory.devices.iter().find(|d| d.id == *id)?;
                self.tenant(device, holder)
            })
            .collect();
        self.claimed(&node.name, &mut inventory, &mut tenants);
        (inventory, tenants)
    }

    /// What is found in a container, its cards included.
    pub(super) fn place_of(&self, pod: &Arc<Object>, container: &str) -> Option<Place> {
        let mut place = Place::of(&pod.tree(), container, self.cluster.clock.now())?;
        let node = self.cluster.store.get(self.kinds.nodes, "", &place.node);
        if let Some(node) = node {
            let (inventory, tenants) = self.held(node);
            let own = |t: &&Tenant| {
                t.namespace == place.namespace && t.pod == place.pod && t.container == container
            };
            let cards = tenants.iter().filter(own);
            place.cards = cards
                .filter_map(|tenant| seen(tenant, &inventory))
                .collect();
        }
        Some(place)
    }

    /// Adds the parts of cards that exist because they were claimed, and who has claimed which card or part.
    fn claimed(&self, node: &str, inventory: &mut Inventory, tenants: &mut Vec<Tenant>) {
        let store = &self.cluster.store;
        for ((driver, pool, name), claim, device) in self.claims.on(node) {
            let text = |attribute: &str| device.attributes.get(attribute)?["string"].as_str();
            let uuid = text("parentUUID")
                .or_else(|| text("uuid"))
                .unwrap_or_default();
            let uuid = uuid.trim_start_matches("GPU-");
            let Some(card) = inventory.cards.iter().position(|c| c.uuid == uuid) else {
                continue;
            };
            let mut labels = vec![
                ("dra_claim_name", claim.1.clone()),
                ("dra_claim_namespace", claim.0.clone()),
                ("dra_device_name", name.clone()),
                ("dra_driver_name", driver),
            ];
            let slice = text("profile").map(|profile| {
                let part = inventory.cut(card, profile, &name);
                labels.push(("dra_mig_device_uuid", format!("MIG-{}", part.1)));
                labels.push(("dra_mig_profile", profile.to_owned()));
                part.0
            });
            labels.push(("dra_pool_name", pool));
            let found = store.get(self.kinds.claims, &claim.0, &claim.1);
            let holders = found.map(|c| c.tree()["status"]["reservedFor"].clone());
            let first = holders.as_ref().and_then(|h| h[0]["name"].as_str());
            let pod = first.and_then(|pod| store.get(self.kinds.pods, &claim.0, pod));
            let Some(pod) = pod else {
                continue;
            };
            let tree = pod.tree();
            let mut containers = tree["spec"]["containers"].as_array().into_iter().flatten();
            let user = containers.find(|c| c["resources"]["claims"].is_array());
            let container = user.and_then(|c| c["name"].as_str()).unwrap_or_default();
            tenants.push(Tenant {
                card,
                slice,
                share: None,
                namespace: claim.0,
                pod: pod.name.clone(),
                container: container.to_owned(),
                claim: labels,
                load: self.load(&tree, container, hash(&name)),
            });
        }
    }

    fn tenant(&self, device: &Device, holder: &Holder) -> Option<Tenant> {
        let store = &self.cluster.store;
        let pod = store.get(self.kinds.pods, &holder.namespace, &holder.pod)?;
        Some(Tenant {
            card: device.card,
            slice: device.slice,
            share: device.share,
            namespace: holder.namespace.clone(),
            pod: holder.pod.clone(),
            container: holder.container.clone(),
            claim: Vec::new(),
            load: self.load(&pod.tree(), &holder.container, hash(&device.id)),
        })
    }

    /// What a container does to a card now; nothing before it runs.
    fn load(&self, pod: &Value, container: &str, salt: u64) -> Load {
        let named = |root: &'static str, list: &'static str| {
            let all = pod[root][list].as_array().into_iter().flatten();
            all.into_iter().find(|c| c["name"] == container)
        };
        let spec = named("spec", "containers").or_else(|| named("spec", "initContainers"));
        let status = named("status", "containerStatuses")
            .or_else(|| named("status", "initContainerStatuses"));
        let (Some(spec), Some(status)) = (spec, status) else {
            return Load::default();
        };
        let Some(since) = time(&status["state"]["running"]["startedAt"]) else {
            return Load::default();
        };
        let clock = &self.cluster.clock;
        let seconds = (clock.now() - since).as_seconds_f64() * clock.speed();
        let attempt = status["restartCount"].as_u64().unwrap_or(0) as u32;
        Load::of(pod, spec, attempt, seconds, salt)
    }
}

/// A card as its tool shows it to who holds it.
fn seen(tenant: &Tenant, inventory: &Inventory) -> Option<Card> {
    let card = inventory.cards.get(tenant.card)?;
    let slice = tenant.slice.and_then(|nth| card.slices.get(nth));
    let load = &tenant.load;
    let (idle, most) = card.model.watts;
    let total_mib = slice.map_or(card.model.memory_mib, |slice| slice.memory_mib);
    Some(Card {
        name: match slice {
            Some(slice) => format!("{} MIG {}", card.model.name, slice.profile),
            None => card.model.name.to_owned(),
        },
        uuid: card.uuid.clone(),
        pci: card.pci.clone(),
        total_mib,
        used_mib: (total_mib as f64 * load.memory).round() as u64,
        util: (100.0 * load.util).round() as u64,
        watts: (idle + (most - idle) * load.engine * 0.9).round() as u64,
        most_watts: most.round() as u64,
        celsius: (31.0 + 38.0 * load.engine).round() as u64,
    })
}

fn time(value: &Value) -> Option<DateTime<Utc>> {
    value.as_str()?.parse().ok()
}

/// Since when the node's kubelet has said that all is well with its memory: since it started.
fn booted(node: &Value) -> DateTime<Utc> {
    let all = node["status"]["conditions"].as_array();
    let mut all = all.into_iter().flatten();
    let found = all.find(|c| c["type"] == "MemoryPressure");
    let since = found.and_then(|c| time(&c["lastTransitionTime"]));
    since.unwrap_or(DateTime::UNIX_EPOCH)
}
