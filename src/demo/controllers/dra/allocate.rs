//! Which devices a claim gets on a node: request by request, device by device, in the order in which the driver lists them.
//!
//! The first that suits is taken and never given back for a later request's sake; the real allocator would try again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Value, json};

use super::cel::Selector;
use super::slices::{Device, Slice};
use crate::controllers::quantity;

/// Driver, pool, device.
pub type DeviceKey = (String, String, String);

/// What a claim asks for, its selectors read.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    requests: Vec<Request>,
    /// Requests (empty: all) that must agree on an attribute.
    constraints: Vec<(Vec<String>, String)>,
    /// Configuration that goes along with what is allocated.
    config: Vec<Value>,
}

#[derive(Debug, Clone)]
struct Request {
    name: String,
    /// One, or several of which the first that can be had is taken.
    choices: Vec<Choice>,
}

#[derive(Debug, Clone)]
struct Choice {
    /// `request` or `request/sub`.
    name: String,
    selectors: Vec<Selector>,
    /// `None` is all that suit.
    count: Option<u64>,
    admin: bool,
    tolerations: Vec<Value>,
}

/// The selectors of a device class; `None` if there is no such class.
pub type Classes<'a> = &'a dyn Fn(&str) -> Option<Vec<String>>;

impl Wanted {
    /// Reads `spec.devices` of a claim.
    ///
    /// # Errors
    /// A class that is not there, a selector that is not understood.
    pub fn read(devices: &Value, classes: Classes<'_>) -> Result<Self, String> {
        let list = |v: &Value| v.as_array().cloned().unwrap_or_default();
        let mut wanted = Self::default();
        for request in list(&devices["requests"]) {
            let name = text(&request["name"]);
            let mut choices = Vec::new();
            if request["exactly"].is_object() {
                choices.push(choice(name.clone(), &request["exactly"], classes)?);
            }
            for sub in list(&request["firstAvailable"]) {
                let full = format!("{name}/{}", text(&sub["name"]));
                choices.push(choice(full, &sub, classes)?);
            }
            wanted.requests.push(Request { name, choices });
        }
        for constraint in list(&devices["constraints"]) {
            let of = list(&constraint["requests"]).iter().map(text).collect();
            if let Some(attribute) = constraint["matchAttribute"].as_str() {
                wanted.constraints.push((of, attribute.to_owned()));
            }
        }
        for config in list(&devices["config"]) {
            let mut config = config;
            config["source"] = json!("FromClaim");
            wanted.config.push(config);
        }
        Ok(wanted)
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn choice(name: String, spec: &Value, classes: Classes<'_>) -> Result<Choice, String> {
    let class = text(&spec["deviceClassName"]);
    let Some(of_class) = classes(&class) else {
        return Err(format!(
            "request {name}: device class {class} does not exist"
        ));
    };
    let own = spec["selectors"].as_array().into_iter().flatten();
    let own = own.filter_map(|s| s["cel"]["expression"].as_str().map(str::to_owned));
    let selectors: Result<Vec<Selector>, String> = of_class
        .into_iter()
        .chain(own)
        .map(|s| Selector::parse(&s))
        .collect();
    let all = spec["allocationMode"] == "All";
    Ok(Choice {
        name,
        selectors: selectors?,
        count: (!all).then(|| spec["count"].as_u64().unwrap_or(1)),
        admin: spec["adminAccess"] == true,
        tolerations: spec["tolerations"].as_array().cloned().unwrap_or_default(),
    })
}

/// What is there to be given out on a node.
pub struct Offer<'a> {
    pub slices: Vec<Arc<Slice>>,
    pub used: &'a dyn Fn(&DeviceKey) -> bool,
}

/// A way to serve one claim.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Allocation {
    /// `status.allocation.devices`
    pub devices: Value,
    /// Devices that nobody else may have now.
    pub taken: Vec<DeviceKey>,
}

/// Tries to serve a claim with what a node reaches; `also` is taken by the pod's other claims.
pub fn allocate(wanted: &Wanted, offer: &Offer<'_>, also: &[DeviceKey]) -> Option<Allocation> {
    let mut search = Search::new(offer, also);
    let mut results = Vec::new();
    for request in &wanted.requests {
        let bound: Vec<&str> = wanted
            .constraints
            .iter()
            .filter(|(of, _)| of.is_empty() || of.contains(&request.name))
            .map(|(_, attribute)| attribute.as_str())
            .collect();
        let mut tried = request.choices.iter();
        let got = tried.find_map(|choice| search.serve(choice, &bound))?;
        results.extend(got);
    }
    let mut devices = json!({"results": results});
    if !wanted.config.is_empty() {
        devices["config"] = json!(wanted.config);
    }
    Some(Allocation {
        devices,
        taken: search.taken.into_iter().collect(),
    })
}

struct Search<'a> {
    offer: &'a Offer<'a>,
    also: BTreeSet<DeviceKey>,
    taken: BTreeSet<DeviceKey>,
    /// Left of the shared counters: driver, pool, set and counter → thousandths.
    left: BTreeMap<(String, String, String, String), i64>,
    /// What requests under a constraint have agreed on.
    agreed: BTreeMap<String, String>,
}

impl<'a> Search<'a> {
    fn new(offer: &'a Offer<'a>, also: &[DeviceKey]) -> Self {
        let mut search = Self {
            offer,
            also: also.iter().cloned().collect(),
            taken: BTreeSet::new(),
            left: BTreeMap::new(),
            agreed: BTreeMap::new(),
        };
        for slice in &offer.slices {
            for set in &slice.shared_counters {
                for (counter, amount) in &set.counters {
                    let key = search.counter(slice, &set.name, counter);
                    let have = quantity::parse(&amount.value);
                    *search.left.entry(key).or_default() += have;
                }
            }
        }
        for slice in &offer.slices {
            for device in &slice.devices {
                let key = key(slice, device);
                if (offer.used)(&key) || search.also.contains(&key) {
                    search.consume(slice, device);
                }
            }
        }
        search
    }

    fn counter(&self, slice: &Slice, set: &str, name: &str) -> (String, String, String, String) {
        let (driver, pool) = (slice.driver.clone(), slice.pool.name.clone());
        (driver, pool, set.to_owned(), name.to_owned())
    }

    fn consume(&mut self, slice: &Slice, device: &Device) {
        for used in &device.consumes_counters {
            for (name, amount) in &used.counters {
                let key = self.counter(slice, &used.counter_set, name);
                *self.left.entry(key).or_default() -= quantity::parse(&amount.value);
            }
        }
    }

    fn has_counters(&self, slice: &Slice, device: &Device) -> bool {
        device.consumes_counters.iter().all(|used| {
            used.counters.iter().all(|(name, amount)| {
                let key = self.counter(slice, &used.counter_set, name);
                self.left.get(&key).copied().unwrap_or(0) >= quantity::parse(&amount.value)
            })
        })
    }

    fn free(&self, slice: &Slice, device: &Device) -> bool {
        let key = key(slice, device);
        !(self.offer.used)(&key)
            && !self.also.contains(&key)
            && !self.taken.contains(&key)
            && self.has_counters(slice, device)
    }

    /// The results of one request, or nothing at all of it.
    fn serve(&mut self, choice: &Choice, bound: &[&str]) -> Option<Vec<Value>> {
        let slices = self.offer.slices.clone();
        let suits = |slice: &Slice, device: &Device| {
            choice
                .selectors
                .iter()
                .all(|s| s.takes(&slice.driver, device))
        };
        // Devices that must agree on an attribute are tried value by value.
        let mut values: Vec<Option<String>> = vec![None];
        if let [attribute] = bound {
            values = match self.agreed.get(*attribute) {
                Some(value) => vec![Some(value.clone())],
                None => {
                    let devices = slices
                        .iter()
                        .flat_map(|s| s.devices.iter().map(move |d| (s, d)));
                    let suit = devices.filter(|(s, d)| suits(s, d));
                    let all: BTreeSet<String> = suit
                        .filter_map(|(s, d)| attribute_of(s, d, attribute))
                        .collect();
                    all.into_iter().map(Some).collect()
                }
            };
        }
        for value in values {
            let (taken, left) = (self.taken.clone(), self.left.clone());
            let mut results = Vec::new();
            let mut missed = false;
            for (slice, device) in slices
                .iter()
                .flat_map(|s| s.devices.iter().map(move |d| (s, d)))
            {
                if choice.count.is_some_and(|n| results.len() as u64 >= n) {
                    break;
                }
                let agrees = match (&value, bound) {
                    (Some(value), [attribute]) => {
                        attribute_of(slice, device, attribute).as_ref() == Some(value)
                    }
                    _ => true,
                };
                if !agrees || !suits(slice, device) || !tolerated(device, &choice.tolerations) {
                    continue;
                }
                // who only watches takes nothing away
                if !choice.admin {
                    if !self.free(slice, device) {
                        missed = true;
                        continue;
                    }
                    self.taken.insert(key(slice, device));
                    self.consume(slice, device);
                }
                let mut result = json!({
                    "request": choice.name, "driver": slice.driver, "pool": slice.pool.name, "device": device.name,
                });
                if choice.admin {
                    result["adminAccess"] = json!(true);
                }
                results.push(result);
            }
            let enough = match choice.count {
                Some(n) => results.len() as u64 == n,
                None => !results.is_empty() && !missed,
            };
            if enough {
                if let (Some(value), [attribute]) = (value, bound) {
                    self.agreed.insert((*attribute).to_owned(), value);
                }
                return Some(results);
            }
            (self.taken, self.left) = (taken, left);
        }
        None
    }
}

fn key(slice: &Slice, device: &Device) -> DeviceKey {
    let (driver, pool) = (slice.driver.clone(), slice.pool.name.clone());
    (driver, pool, device.name.clone())
}

/// The value of an attribute as text, by its qualified name.
fn attribute_of(slice: &Slice, device: &Device, name: &str) -> Option<String> {
    let own = name.strip_prefix(slice.driver.as_str());
    let own = own.and_then(|n| n.strip_prefix('/'));
    let bare = own.and_then(|n| device.attributes.get(n));
    device.attributes.get(name).or(bare).map(Value::to_string)
}

fn tolerated(device: &Device, tolerations: &[Value]) -> bool {
    let hard = device
        .taints
        .iter()
        .filter(|t| t.effect.starts_with("No") && t.effect != "None");
    hard.into_iter().all(|taint| {
        tolerations.iter().any(|t| {
            let any = |field: &str| t[field].as_str().unwrap_or_default().is_empty();
            let key = any("key") || t["key"] == taint.key.as_str();
            let value = t["operator"] == "Exists" || t["value"] == taint.value.as_str();
            let effect = any("effect") || t["effect"] == taint.effect.as_str();
            key && value && effect
        })
    })
}
