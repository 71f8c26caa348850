//! The cards behind a node's resources, as its device plugins see them: derived from the node object alone, so that the
//! kubelet that hands them out and the exporter that reads them agree on every identifier.

pub mod models;

use std::collections::BTreeMap;

use serde_json::Value;

use super::controllers::kubelet::{hash, mix};
use super::controllers::quantity;
use super::store::Object;
use models::Model;

/// One physical card.
#[derive(Debug, Clone)]
pub struct Card {
    pub uuid: String,
    /// `00000000:5D:00.0`
    pub pci: String,
    pub model: &'static Model,
    /// What it is cut into; empty if it is whole.
    pub slices: Vec<Slice>,
}

/// A part of a card with memory and processors of its own.
#[derive(Debug, Clone)]
pub struct Slice {
    /// `1g.10gb`, or AMD's `cpx_nps4`.
    pub profile: String,
    /// The GPU instance's number on its card.
    pub instance: u64,
    pub uuid: String,
    pub memory_mib: u64,
    /// Its share of the card's processors.
    pub share: f64,
}

/// One thing that a device plugin offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// As the plugin tells the kubelet: `GPU-…`, `MIG-…`, `GPU-…::2`, a PCI address.
    pub id: String,
    pub resource: String,
    pub card: usize,
    pub slice: Option<usize>,
    /// Which of the shares of its card it is, if the card is shared.
    pub share: Option<u64>,
    pub healthy: bool,
}

/// All cards of a node and all devices that its plugins offer.
#[derive(Debug, Clone, Default)]
pub struct Inventory {
    pub cards: Vec<Card>,
    pub devices: Vec<Device>,
    /// How cards are shared: `none`, `time-slicing`, `mps`.
    pub sharing: String,
}

impl Inventory {
    pub fn of(node: &Object) -> Self {
        let value = node.tree();
        let counts = |list: &str| -> BTreeMap<String, u64> {
            let all = value["status"][list].as_object().into_iter().flatten();
            let extended = all.filter(|(name, _)| is_device(name));
            extended.map(|(name, v)| (name.clone(), count(v))).collect()
        };
        let (mut capacity, allocatable) = (counts("capacity"), counts("allocatable"));
        for (resource, number) in &allocatable {
            let all = capacity.entry(resource.clone()).or_default();
            *all = (*all).max(*number);
        }
        let mut made = Maker::new(node, &capacity);
        for (resource, number) in &capacity {
            made.offer(resource, *number);
        }
        let mut inventory = made.inventory;
        for (resource, number) in &capacity {
            let well = allocatable.get(resource).copied().unwrap_or(0);
            let sick = number.saturating_sub(well);
            inventory.sicken(&node.name, resource, sick as usize);
        }
        inventory
    }

    /// Cuts a part out of a card, as a DRA driver does when it is claimed: the slice's place on the card, and its UUID.
    pub fn cut(&mut self, card: usize, profile: &str, name: &str) -> (usize, String) {
        let (width, memory_mib, _) = models::profile(profile);
        let Some(card) = self.cards.get_mut(card) else {
            return (0, String::new());
        };
        let bits = mix(hash(&format!("{}/{name}", card.uuid)));
        let uuid = format!(
            "{:08x}-0000-5000-8000-{:012x}",
            bits >> 32,
            bits & 0xffff_ffff
        );
        card.slices.push(Slice {
            profile: profile.to_owned(),
            instance: card.slices.len() as u64 + 1,
            uuid: uuid.clone(),
            memory_mib,
            share: width as f64 / 7.0,
        });
        (card.slices.len() - 1, uuid)
    }

    /// Which devices are ill is up to the node, so that the same ones stay so.
    fn sicken(&mut self, node: &str, resource: &str, sick: usize) {
        let all = self.devices.iter_mut().filter(|d| d.resource == resource);
        let mut all: Vec<&mut Device> = all.collect();
        let first = hash(node) as usize;
        let count = all.len().max(1);
        for nth in 0..sick.min(count) {
            if let Some(device) = all.get_mut(first.wrapping_add(nth) % count) {
                device.healthy = false;
            }
        }
    }

    /// Is anything of a card ill?
    pub fn is_sick(&self, card: usize) -> bool {
        let mut all = self.devices.iter().filter(|d| d.card == card);
        all.any(|d| !d.healthy)
    }
}

/// Does the name belong to a device plugin (and not to the kubelet itself)?
pub fn is_device(resource: &str) -> bool {
    let vendor = resource.split_once('/').map(|(vendor, _)| vendor);
    vendor.is_some_and(|v| !v.ends_with("kubernetes.io")) && !resource.ends_with("_monitoring")
}

fn count(value: &Value) -> u64 {
    let text = value.as_str().unwrap_or_default();
    u64::try_from(quantity::parse(text) / 1000).unwrap_or(0)
}

struct Maker<'a> {
    node: &'a Object,
    inventory: Inventory,
    /// Shares per card; 1 is unshared.
    replicas: u64,
    /// Cards that no resource has claimed yet begin here.
    next: usize,
}

impl<'a> Maker<'a> {
    fn new(node: &'a Object, capacity: &BTreeMap<String, u64>) -> Self {
        let label = |key: &str| node.labels.get(&format!("nvidia.com/{key}"));
        let number = |key: &str| label(key).and_then(|v| v.parse::<u64>().ok());
        let product = label("gpu.product").cloned().unwrap_or_default();
        let mut made = Self {
            node,
            inventory: Inventory {
                sharing: label("gpu.sharing-strategy").cloned().unwrap_or_default(),
                ..Inventory::default()
            },
            replicas: number("gpu.replicas").unwrap_or(1).max(1),
            next: 0,
        };
        let model = models::of(&product);
        let labelled = match product.split_once("-MIG-") {
            // with the strategy `single` the count is that of the slices
            Some((_, profile)) => {
                let fit = models::profile(profile).2;
                number("gpu.count").unwrap_or(0).div_ceil(fit)
            }
            None => number("gpu.count").unwrap_or(0),
        };
        // a node that nobody labelled has as many as its resources take
        let needed: u64 = capacity
            .iter()
            .filter_map(|(name, n)| {
                let kind = name.strip_prefix("nvidia.com/")?;
                Some(match kind.strip_prefix("mig-") {
                    Some(profile) => n.div_ceil(models::profile(profile).2),
                    None if product.contains("-MIG-") => 0,
                    None => n / made.replicas,
                })
            })
            .sum();
        let cards = labelled.max(needed);
        made.cards(model, cards);
        let amd = label_of(node, "amd.com/gpu.product-name");
        if let Some(product) = amd {
            let whole = capacity.get("amd.com/gpu").copied().unwrap_or(0);
            let parts = capacity.iter().filter(|(name, _)| name.contains("_nps"));
            let parts: u64 = parts.map(|(_, n)| n / 8).sum();
            made.cards(models::of(product), whole + parts);
        }
        made
    }

    fn cards(&mut self, model: &'static Model, count: u64) {
        for index in 0..count {
            let bits = hash(&format!("{}/card/{index}", self.node.name));
            let (high, low) = (mix(bits), mix(bits ^ 0x5eed));
            let uuid = format!(
                "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
                high >> 32,
                (high >> 16) & 0xffff,
                high & 0xffff,
                low >> 48,
                low & 0xffff_ffff_ffff
            );
            // Slots are where they are on all machines of a kind.
            let bus = [0x1b, 0x43, 0x52, 0x61, 0x9d, 0xc3, 0xd1, 0xdf][index as usize % 8];
            let bus = bus + (index / 8);
            self.inventory.cards.push(Card {
                uuid,
                pci: format!("00000000:{bus:02X}:00.0"),
                model,
                slices: Vec::new(),
            });
        }
    }

    fn offer(&mut self, resource: &str, number: u64) {
        let profile = resource.strip_prefix("nvidia.com/mig-").map(str::to_owned);
        let single = label_of(self.node, "nvidia.com/gpu.product")
            .and_then(|p| p.split_once("-MIG-"))
            .filter(|_| resource == "nvidia.com/gpu")
            .map(|(_, profile)| profile.to_owned());
        if let Some(profile) = profile.or(single) {
            return self.slices(resource, &profile, number);
        }
        match resource.split_once('/') {
            Some(("nvidia.com", _)) => self.whole(resource, number),
            Some(("amd.com", "gpu")) => self.amd(resource, number),
            Some(("amd.com", partition)) => self.partitions(resource, partition, number),
            _ => self.plain(resource, number),
        }
    }

    fn push(&mut self, id: String, resource: &str, card: usize, slice: Option<usize>) {
        self.inventory.devices.push(Device {
            id,
            resource: resource.to_owned(),
            card,
            slice,
            share: None,
            healthy: true,
        });
    }

    /// Cards as they are, or each of them several times.
    fn whole(&mut self, resource: &str, number: u64) {
        let cards = (number / self.replicas) as usize;
        for card in self.next..(self.next + cards).min(self.inventory.cards.len()) {
            for share in 0..self.replicas {
                let uuid = format!("GPU-{}", self.inventory.cards[card].uuid);
                let shared = self.replicas > 1;
                let id = if shared {
                    format!("{uuid}::{share}")
                } else {
                    uuid
                };
                self.push(id, resource, card, None);
                if let Some(device) = self.inventory.devices.last_mut().filter(|_| shared) {
                    device.share = Some(share);
                }
            }
        }
        self.next += cards;
    }

    /// Cards cut into slices of one profile.
    fn slices(&mut self, resource: &str, profile: &str, number: u64) {
        let (width, memory_mib, fit) = models::profile(profile);
        for nth in 0..number {
            let at = self.next + (nth / fit) as usize;
            let place = nth % fit;
            let Some(card) = self.inventory.cards.get_mut(at) else {
                return;
            };
            let bits = mix(hash(&format!("{}/{profile}/{place}", card.uuid)));
            let uuid = format!(
                "{:08x}-{:04x}-5{:03x}-{:04x}-{:012x}",
                bits >> 32,
                (bits >> 16) & 0xffff,
                bits & 0xfff,
                0x8000 | (mix(bits) >> 50),
                mix(bits ^ 1) & 0xffff_ffff_ffff
            );
            card.slices.push(Slice {
                profile: profile.to_owned(),
                // as the driver numbers them: narrower ones come after all wider ones
                instance: match width {
                    1 => 7 + place,
                    2 => 3 + place,
                    3 | 4 => 1 + place,
                    _ => 0,
                },
                uuid: uuid.clone(),
                memory_mib,
                share: width as f64 / 7.0,
            });
            let slice = card.slices.len() - 1;
            self.push(format!("MIG-{uuid}"), resource, at, Some(slice));
        }
        self.next += number.div_ceil(fit) as usize;
    }

    fn amd(&mut self, resource: &str, number: u64) {
        for card in 0..(number as usize).min(self.inventory.cards.len()) {
            let id = self.inventory.cards[card].pci.to_lowercase();
            self.push(id[4..].to_owned(), resource, card, None);
        }
    }

    /// AMD's partitions: eight per card in CPX mode.
    fn partitions(&mut self, resource: &str, partition: &str, number: u64) {
        for nth in 0..number {
            let at = (nth / 8) as usize;
            let Some(card) = self.inventory.cards.get_mut(at) else {
                return;
            };
            card.slices.push(Slice {
                profile: partition.to_owned(),
                instance: nth % 8,
                uuid: format!("{}-{}", card.uuid, nth % 8),
                memory_mib: card.model.memory_mib / 8,
                share: 1.0 / 8.0,
            });
            let slice = card.slices.len() - 1;
            self.push(format!("amdgpu_xcp_{nth}"), resource, at, Some(slice));
        }
    }

    /// What no exporter here reads: Intel's cards, TPU chips, network functions.
    fn plain(&mut self, resource: &str, number: u64) {
        let stem = if resource.starts_with("gpu.intel.com") {
            "card"
        } else {
            ""
        };
        for nth in 0..number {
            let id = match stem {
                "" => nth.to_string(),
                _ => format!("card{nth}-0"),
            };
            self.push(id, resource, usize::MAX, None);
        }
    }
}

fn label_of<'a>(node: &'a Object, key: &str) -> Option<&'a String> {
    node.labels.get(key)
}

#[cfg(test)]
mod tests;
