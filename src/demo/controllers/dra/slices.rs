//! Which devices drivers offer, from their ResourceSlices: only whole pools, only their newest generation.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use crate::store::{Change, Event};

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Pool {
    pub name: String,
    pub generation: i64,
    pub resource_slice_count: usize,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Amount {
    pub value: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Consumption {
    pub counter_set: String,
    pub counters: BTreeMap<String, Amount>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CounterSet {
    pub name: String,
    pub counters: BTreeMap<String, Amount>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Taint {
    pub key: String,
    pub value: String,
    pub effect: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Device {
    pub name: String,
    pub attributes: BTreeMap<String, Value>,
    pub capacity: BTreeMap<String, Amount>,
    pub consumes_counters: Vec<Consumption>,
    pub taints: Vec<Taint>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Slice {
    pub driver: String,
    pub pool: Pool,
    pub node_name: String,
    pub all_nodes: bool,
    pub devices: Vec<Device>,
    pub shared_counters: Vec<CounterSet>,
}

/// Driver and pool.
pub type PoolKey = (String, String);

/// All slices, by pool and by the node that reaches them.
#[derive(Debug, Default)]
pub struct Slices {
    pools: HashMap<PoolKey, BTreeMap<String, Arc<Slice>>>,
    nodes: HashMap<String, BTreeSet<PoolKey>>,
    everywhere: BTreeSet<PoolKey>,
}

impl Slices {
    pub fn observe(&mut self, event: &Event) {
        if let Some(old) = &event.previous {
            self.drop_slice(&object_spec(&old.tree()), &old.name);
        }
        if event.change == Change::Deleted {
            return;
        }
        let slice = object_spec(&event.object.tree());
        let key = (slice.driver.clone(), slice.pool.name.clone());
        if slice.all_nodes {
            self.everywhere.insert(key.clone());
        } else if !slice.node_name.is_empty() {
            let pools = self.nodes.entry(slice.node_name.clone()).or_default();
            pools.insert(key.clone());
        }
        let pool = self.pools.entry(key).or_default();
        pool.insert(event.object.name.clone(), Arc::new(slice));
    }

    fn drop_slice(&mut self, slice: &Slice, name: &str) {
        let key = (slice.driver.clone(), slice.pool.name.clone());
        if let Some(pool) = self.pools.get_mut(&key) {
            pool.remove(name);
            if pool.is_empty() {
                self.pools.remove(&key);
                self.everywhere.remove(&key);
                if let Some(pools) = self.nodes.get_mut(&slice.node_name) {
                    pools.remove(&key);
                }
            }
        }
    }

    /// The slices of a pool that count; none while the pool is being rewritten.
    pub fn pool(&self, key: &PoolKey) -> Vec<Arc<Slice>> {
        let all = self.pools.get(key).into_iter().flat_map(BTreeMap::values);
        let newest = all.clone().map(|s| s.pool.generation).max().unwrap_or(0);
        let current: Vec<Arc<Slice>> = all
            .filter(|s| s.pool.generation == newest)
            .cloned()
            .collect();
        let whole = current
            .first()
            .is_some_and(|s| s.pool.resource_slice_count == current.len());
        if whole { current } else { Vec::new() }
    }

    /// Pools that a node reaches.
    pub fn reached(&self, node: &str) -> impl Iterator<Item = &PoolKey> {
        let own = self.nodes.get(node).into_iter().flatten();
        own.chain(&self.everywhere)
    }
}

fn object_spec(object: &Value) -> Slice {
    Slice::deserialize(&object["spec"]).unwrap_or_default()
}
