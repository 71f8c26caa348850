//! A small stage for operators: a stepped cluster with one node, and short ways to look at it.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::*;
use crate::api::write::{Cluster, Writer};
use crate::clock::Clock;
use crate::crds;
use crate::world::World;

/// A world in which everything happens in the namespace `default`.
pub struct Stage(pub World);

impl Stage {
    pub fn new() -> Self {
        let start = "2026-03-02T09:00:00Z".parse().unwrap();
        let mut cluster = Cluster::new(Clock::stepped(start, 1.0), 7);
        crds::install(&mut cluster);
        let mut world = World::new(cluster);
        let node = json!({
            "metadata": {"name": "node-a", "labels": {"kubernetes.io/hostname": "node-a"}},
            "status": {
                "allocatable": {"cpu": "16", "memory": "64Gi", "pods": "110"},
                "conditions": [{"type": "Ready", "status": "True"}],
            },
        });
        let nodes = world.kinds().nodes;
        let by = Writer::new("test");
        world.cluster.create(nodes, "", node, &by).unwrap();
        world.settle();
        Self(world)
    }

    fn id(&self, plural: &str) -> KindId {
        let mut kinds = self.0.cluster.store.kinds();
        let found = kinds.find(|(_, k)| k.plural == plural).map(|(id, _)| id);
        found.unwrap()
    }

    pub fn create(&mut self, kind: &str, name: &str, spec: Value) {
        let plural = format!("{}s", kind.to_lowercase());
        let value = json!({"metadata": {"name": name}, "spec": spec});
        let (kind, by) = (self.id(&plural), Writer::new("kubectl"));
        let made = self.0.cluster.create(kind, "default", value, &by);
        made.unwrap_or_else(|why| panic!("{}", why.message));
        self.0.settle();
    }

    /// What the API server says to an object that it does not take.
    pub fn refused(&mut self, kind: &str, name: &str, spec: Value) -> String {
        let kind = self.id(&format!("{}s", kind.to_lowercase()));
        let value = json!({"metadata": {"name": name}, "spec": spec});
        let made = self
            .0
            .cluster
            .create(kind, "default", value, &Writer::new("kubectl"));
        made.unwrap_err().message
    }

    pub fn change(&mut self, plural: &str, name: &str, change: impl FnOnce(&mut Value)) {
        let mut value = self.get(plural, name);
        change(&mut value);
        let (kind, by) = (self.id(plural), Writer::new("kubectl"));
        self.0.cluster.update(kind, value, &by).unwrap();
        self.0.settle();
    }

    pub fn run(&mut self, seconds: i64) {
        let to = self.0.cluster.clock.now() + TimeDelta::seconds(seconds);
        self.0.advance_to(to);
    }

    pub fn get(&self, plural: &str, name: &str) -> Value {
        let found = self.0.object(plural, "default", name);
        found.unwrap_or_else(|| panic!("no {plural}/{name}: {:?}", self.names(plural)))
    }

    pub fn names(&self, plural: &str) -> Vec<String> {
        let all = self.0.objects(plural, "default");
        all.iter().map(|o| o.name.clone()).collect()
    }

    /// `type=status reason` of each condition.
    pub fn conditions(&self, plural: &str, name: &str) -> Vec<String> {
        let all = self.get(plural, name)["status"]["conditions"].clone();
        let all = all.as_array().cloned().unwrap_or_default();
        let text = |c: &Value, field: &str| c[field].as_str().unwrap_or_default().to_owned();
        all.iter()
            .map(|c| {
                format!(
                    "{}={} {}",
                    text(c, "type"),
                    text(c, "status"),
                    text(c, "reason")
                )
            })
            .collect()
    }

    /// `reason: message` of the events about an object.
    pub fn events(&self, name: &str) -> Vec<String> {
        let all = self.0.objects("events", "default");
        let all = all.iter().map(|o| o.value());
        all.filter(|e| e["involvedObject"]["name"] == name)
            .map(|e| {
                format!(
                    "{}: {}",
                    e["reason"].as_str().unwrap(),
                    e["message"].as_str().unwrap()
                )
            })
            .collect()
    }
}

#[test]
fn every_operator_has_its_definition() {
    let mut cluster = Cluster::new(Clock::stepped(chrono::DateTime::UNIX_EPOCH, 1.0), 1);
    crds::install(&mut cluster);
    for operator in OPERATORS {
        let id = kind_id(&cluster.store, operator.group, operator.kind);
        assert!(id.is_some(), "{}", operator.kind);
    }
}
