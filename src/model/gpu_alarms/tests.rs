use super::*;
use crate::model::delta::Rows;
use crate::model::fixture::{at, delta, devices, node, nodes};
use crate::model::gpu_use::reading::{DeviceId, DeviceRow, Heard, NodeUse, Reading, Slice, Slowed};

const HERE: ClusterId = ClusterId(0);

/// A card with everything wrong at once, one that a program upset, and a slice.
#[test]
fn the_gravest_come_first_each_with_its_node() {
    let mut model = Model::default();
    let mut lost = node(1, "a", devices("nvidia.com/gpu", 8));
    lost.allocatable = devices("nvidia.com/gpu", 6);
    model.apply(nodes(&[lost]));
    let device = |index, slice: Option<Slice>, reading| DeviceRow {
        id: DeviceId {
            uuid: format!("GPU-{index}").as_str().into(),
            slice,
        },
        index: Some(index),
        product: "".into(),
        holders: Vec::new(),
        reading,
    };
    let broken = Reading {
        xid: Some(79),
        celsius: Some(95.0),
        uncorrected: Some(3),
        slowed: Some(Slowed {
            power: true,
            heat: true,
            board: false,
        }),
        ..Reading::default()
    };
    let upset = Reading {
        xid: Some(31),
        ..Reading::default()
    };
    let slice = Slice {
        id: 2,
        profile: "1g.10gb".into(),
    };
    let of = NodeUse {
        node: "a".into(),
        at: at(0),
        every: 20,
        heard: Heard::Told {
            devices: vec![
                device(0, None, broken),
                device(1, None, upset),
                device(1, Some(slice), upset),
            ],
            but: None,
        },
    };
    model.apply(delta(Rows::GpuUse(Box::new(of))));
    let told = all(&model, HERE, at(0), &Terms::default());
    let lines: Vec<String> = told
        .iter()
        .map(|a| format!("{:?} {} {}", a.weight, a.subject.name, a.cause))
        .collect();
    assert_eq!(
        lines,
        [
            "Sick a gpus/sick/nvidia.com/gpu",
            "Sick a/GPU 0 gpus/ECC",
            "Sick a/GPU 0 gpus/xid/79",
            "Waste a/GPU 0 gpus/heat",
            "Waste a/GPU 0 gpus/hot",
            "Note a/GPU 1 gpus/xid/31",
            "Note a/GPU 1/2 1g.10gb gpus/xid/31",
        ],
        "a power limit is no alarm"
    );
    let place = |a: &GpuAlarm| a.node.as_ref().map(|(_, name)| name.to_string());
    assert!(told.iter().all(|a| place(a).as_deref() == Some("a")));
    // what was heard too long ago is not known any more, and no finding
    let later = all(&model, HERE, at(600), &Terms::default());
    let stale = later.iter().filter(|a| a.stale).count();
    assert_eq!((stale, findings(&later).len()), (later.len() - 1, 1));
}

#[test]
fn of_several_clusters_the_gravest_come_first_wherever_they_are() {
    const EAST: ClusterId = ClusterId(1);
    let mut model = Model::default();
    let mut waste = node(1, "a", devices("nvidia.com/gpu", 8));
    waste.gpu = Some(std::sync::Arc::new(crate::model::node::GpuFacts {
        count: Some(4),
        replicas: Some(1),
        ..Default::default()
    }));
    let mut sick = node(1, "a", devices("nvidia.com/gpu", 8));
    sick.allocatable = devices("nvidia.com/gpu", 6);
    sick.key.cluster = EAST;
    model.apply(nodes(&[waste]));
    model.apply(crate::model::delta::Delta {
        cluster: EAST,
        ..nodes(&[sick])
    });
    let told = of_all(&model, &[HERE, EAST], at(0), &Terms::default());
    let told: Vec<_> = told.iter().map(|a| (a.cluster, a.weight)).collect();
    assert_eq!(told, [(EAST, Weight::Sick), (HERE, Weight::Waste)]);
}
