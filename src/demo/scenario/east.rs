//! The worker cluster `east`: a few GPU nodes with a Kueue of their own, which admits what is sent there by its own quota.

use chrono::{DateTime, Utc};

use super::nodes::{self, Quirks};
use super::{Scene, exporters, found, join};
use crate::api::write::Cluster;
use crate::clock::Clock;
use crate::world::World;

pub(super) const TABLE: &str = include_str!("east.txt");

/// Machines, by family.
const NODES: [(&str, usize); 2] = [("gpu-h100", 2), ("cpu-std", 1)];

pub fn world(seed: u64, start: DateTime<Utc>, clock: &Clock) -> World {
    let mut world = World::new(Cluster::new(clock.clone(), seed ^ 0xea57));
    let kinds = world.kinds();
    found(&mut world.cluster, kinds);
    let families = nodes::layout(super::NODES);
    for (name, count) in NODES {
        let Some((family, _)) = families.iter().find(|(f, _)| f.name == name) else {
            continue;
        };
        for nth in 0..count {
            let node = nodes::node(family, nth, Quirks::default(), start);
            // what is named after the node, wherever it stands
            let (old, new) = (
                format!("\"{name}-{nth}\""),
                format!("\"east-{name}-{nth}\""),
            );
            let text = node.to_string().replace(&old, &new);
            if let Ok(node) = serde_json::from_str(&text) {
                join(&mut world.cluster, kinds, node);
            }
        }
    }
    exporters::install(&mut world.cluster, kinds, seed, start);
    world.play(Scene::quiet(TABLE, seed, start, clock));
    world
}
