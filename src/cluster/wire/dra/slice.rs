//! ResourceSlice: the devices a driver has in a pool, most often those of a node.

use serde::Deserialize;

use super::super::meta::{Meta, named};
use super::super::{Wire, lax};
use super::thousandths;
use crate::model::delta::{Change, Rows};
use crate::model::dra::{CounterSet, DeviceRow, DraRows, SliceRow};
use crate::model::ids::{ClusterId, Name, Names};
use crate::model::quantity::Quantity;
use crate::model::shape::{Effect, Taint as TaintRow};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Slice {
    #[serde(deserialize_with = "lax::object")]
    metadata: Meta,
    #[serde(deserialize_with = "lax::object")]
    spec: Spec,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Spec {
    #[serde(deserialize_with = "lax::text")]
    driver: String,
    #[serde(deserialize_with = "lax::object")]
    pool: Pool,
    #[serde(deserialize_with = "lax::text")]
    node_name: String,
    #[serde(deserialize_with = "lax::list")]
    devices: Vec<Device>,
    #[serde(deserialize_with = "lax::list")]
    shared_counters: Vec<Counters>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Pool {
    #[serde(deserialize_with = "lax::text")]
    name: String,
    #[serde(deserialize_with = "lax::maybe_whole")]
    generation: Option<i64>,
    #[serde(deserialize_with = "lax::count")]
    resource_slice_count: u32,
}

/// A set of counters with what it holds, or what a device takes from it.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Counters {
    #[serde(deserialize_with = "lax::text")]
    name: String,
    /// Of a device.
    #[serde(deserialize_with = "lax::text")]
    counter_set: String,
    #[serde(deserialize_with = "lax::entries")]
    counters: Vec<(String, Value)>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Value {
    #[serde(deserialize_with = "lax::text")]
    value: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Device {
    #[serde(deserialize_with = "lax::text")]
    name: String,
    /// v1beta1 has all but the name in here.
    #[serde(deserialize_with = "lax::maybe_object")]
    basic: Option<Box<Device>>,
    #[serde(deserialize_with = "lax::entries")]
    attributes: Vec<(String, Attribute)>,
    #[serde(deserialize_with = "lax::entries")]
    capacity: Vec<(String, Value)>,
    #[serde(deserialize_with = "lax::list")]
    consumes_counters: Vec<Counters>,
    #[serde(deserialize_with = "lax::list")]
    taints: Vec<Taint>,
    #[serde(deserialize_with = "lax::text")]
    node_name: String,
    #[serde(deserialize_with = "lax::flag")]
    allow_multiple_allocations: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Attribute {
    #[serde(deserialize_with = "lax::text")]
    string: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Taint {
    #[serde(deserialize_with = "lax::text")]
    key: String,
    #[serde(deserialize_with = "lax::text")]
    value: String,
    #[serde(deserialize_with = "lax::text")]
    effect: String,
}

impl Device {
    /// An attribute's text; keys may carry the driver's domain.
    fn attribute(&self, wanted: &str) -> &str {
        let bare = |key: &str| {
            key.rsplit_once('/')
                .map_or(key.to_owned(), |(_, k)| k.into())
        };
        let found = self.attributes.iter().find(|(key, _)| bare(key) == wanted);
        found.map_or("", |(_, attribute)| &attribute.string)
    }

    fn row(&self, name: &str, names: &mut Names) -> DeviceRow {
        let text = |what: &str| {
            let text = self.attribute(what);
            (!text.is_empty()).then(|| Box::from(text))
        };
        let memory = self.capacity.iter().find(|(name, _)| name == "memory");
        let memory = memory.and_then(|(_, v)| Quantity::parse(&v.value));
        let mut consumes: Vec<(Name, Name, u64)> = Vec::new();
        for set in &self.consumes_counters {
            for (counter, value) in &set.counters {
                let (of, counter) = (names.get(&set.counter_set), names.get(counter));
                consumes.push((of, counter, thousandths(&value.value)));
            }
        }
        let taints = self.taints.iter().filter_map(|t| {
            let row = TaintRow {
                key: names.get(&t.key),
                value: names.get(&t.value),
                // `None` only informs, and what is unknown is taken for that
                effect: Effect::parse(&t.effect)?,
            };
            row.repels().then_some(row)
        });
        let taints = taints.collect();
        DeviceRow {
            name: names.get(name),
            kind: named(names, self.attribute("type")),
            product: named(names, self.attribute("productName")),
            uuid: text("uuid"),
            parent: text("parentUUID"),
            profile: named(names, self.attribute("profile")),
            memory: memory.unwrap_or_default().units(),
            node: named(names, &self.node_name),
            multiple: self.allow_multiple_allocations,
            // only of use where parts of it are given out
            capacity: (self
                .capacity
                .iter()
                .filter(|_| self.allow_multiple_allocations))
            .map(|(name, v)| (names.get(name), thousandths(&v.value)))
            .collect(),
            consumes: consumes.into(),
            taints,
        }
    }
}

impl Wire for Slice {
    type Row = SliceRow;

    fn meta(&self) -> &Meta {
        &self.metadata
    }

    fn row(self, cluster: ClusterId, names: &mut Names) -> SliceRow {
        let Self { metadata, spec } = self;
        let devices = spec.devices.iter().map(|device| {
            let body = device.basic.as_deref().unwrap_or(device);
            body.row(&device.name, names)
        });
        let devices = devices.collect();
        let counters = spec.shared_counters.iter().map(|set| CounterSet {
            name: names.get(&set.name),
            counters: (set.counters.iter())
                .map(|(name, v)| (names.get(name), thousandths(&v.value)))
                .collect(),
        });
        let counters = counters.collect();
        SliceRow {
            key: metadata.key(cluster),
            name: names.get(&metadata.name),
            driver: names.get(&spec.driver),
            pool: names.get(&spec.pool.name),
            generation: spec.pool.generation.unwrap_or_default(),
            slices: spec.pool.resource_slice_count,
            node: named(names, &spec.node_name),
            devices,
            counters,
        }
    }

    fn rows(change: Change<SliceRow>) -> Rows {
        Rows::Dra(DraRows::Slices(change))
    }
}
