//! What a flavor promises and what is there: quota of all queues and cohorts beside the devices of the nodes it means.

use std::collections::BTreeMap;

use super::queue::ResourceGroup;
use super::{Amount, FlavorRow, Kueue};
use crate::model::Model;
use crate::model::ids::{ClusterId, Name};
use crate::model::node::NodeRow;
use crate::model::resources::Devices;

/// The nodes a flavor means.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Hardware {
    pub nodes: u32,
    /// Of those, not ready or cordoned: their devices are not counted.
    pub away: u32,
    /// Allocatable devices of the others.
    pub devices: Devices,
}

/// Whether a node carries all labels of the flavor. One without labels means every node.
pub fn means(flavor: &FlavorRow, node: &NodeRow) -> bool {
    flavor.key.cluster == node.key.cluster
        && flavor
            .node_labels
            .iter()
            .all(|(key, value)| node.labels.has(key, value))
}

/// Counts the nodes of a flavor. O(nodes).
pub fn hardware(model: &Model, flavor: &FlavorRow) -> Hardware {
    let mut sum = Hardware::default();
    for node in model.nodes.rows().filter(|node| means(flavor, node)) {
        sum.nodes += 1;
        if node.ready && !node.cordoned {
            sum.devices.add_all(&node.allocatable);
        } else {
            sum.away += 1;
        }
    }
    sum
}

/// Nominal quota of every flavor by resource, over all cluster queues and cohorts.
pub fn promised(kueue: &Kueue, cluster: ClusterId) -> BTreeMap<Name, BTreeMap<Name, Amount>> {
    let mut all: BTreeMap<Name, BTreeMap<Name, Amount>> = BTreeMap::new();
    let mut add = |groups: &[ResourceGroup]| {
        for flavor in groups.iter().flat_map(|group| &group.flavors) {
            let of = all.entry(flavor.flavor.clone()).or_default();
            for quota in &flavor.resources {
                let sum = of.entry(quota.resource.clone()).or_default();
                *sum = sum.saturating_add(quota.nominal);
            }
        }
    };
    for queue in kueue.cluster_queues.rows() {
        if queue.key.cluster == cluster {
            add(&queue.groups);
        }
    }
    for cohort in kueue.cohorts.rows() {
        if cohort.key.cluster == cluster {
            add(&cohort.groups);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fixture::{devices, node, nodes};
    use crate::model::kueue::fixture::{World, cohort, cq};
    use crate::model::labels::LabelSet;

    fn flavor(labels: &[(&str, &str)]) -> FlavorRow {
        FlavorRow {
            key: crate::model::fixture::key(7),
            name: "h100".into(),
            created: None,
            node_labels: labels
                .iter()
                .map(|(k, v)| ((*k).into(), (*v).into()))
                .collect(),
            node_taints: Vec::new(),
            tolerations: Vec::new(),
            topology: None,
        }
    }

    #[test]
    fn a_flavor_means_the_nodes_with_all_its_labels() {
        let labelled = |uid, labels: &[(&'static str, &'static str)], ready| {
            let mut row = node(uid, &format!("n{uid}"), devices("nvidia.com/gpu", 8));
            row.labels = LabelSet::new(labels.iter().copied());
            row.ready = ready;
            row
        };
        let mut model = Model::default();
        model.apply(nodes(&[
            labelled(1, &[("gpu", "h100"), ("zone", "a")], true),
            labelled(2, &[("gpu", "h100")], true),
            labelled(3, &[("gpu", "h100"), ("zone", "a")], false),
            labelled(4, &[("gpu", "a100"), ("zone", "a")], true),
        ]));
        let count = |labels: &[(&str, &str)]| {
            let sum = hardware(&model, &flavor(labels));
            (sum.nodes, sum.away, sum.devices.total())
        };
        assert_eq!(count(&[("gpu", "h100")]), (3, 1, 16));
        assert_eq!(count(&[("gpu", "h100"), ("zone", "a")]), (2, 1, 8));
        assert_eq!(count(&[]), (4, 1, 24));
        assert_eq!(count(&[("gpu", "b200")]), (0, 0, 0));
    }

    #[test]
    fn promises_of_queues_and_cohorts_add_up() {
        let world = World {
            queues: vec![
                cq("a").quota_of("h100", 8),
                cq("b").quota_of("h100", 4).quota_of("t4", 2),
            ],
            cohorts: vec![cohort("c").quota_of("h100", 16)],
            ..World::default()
        };
        let all = promised(&world.kueue(), ClusterId(0));
        let of = |flavor: &str| all[flavor]["nvidia.com/gpu"];
        assert_eq!((of("h100"), of("t4")), (28, 2));
    }
}
