use serde_json::json;

use super::*;
use crate::cluster::wire::{Wire, page};
use crate::model::dra::{ClaimRow, SliceRow};
use crate::model::ids::{ClusterId, Names, Uid};

fn row<W: Wire>(object: &serde_json::Value) -> W::Row {
    let list = json!({"items": [object]}).to_string();
    let mut items = page::<W>(list.as_bytes()).unwrap().items;
    items.remove(0).row(ClusterId(0), &mut Names::default())
}

fn slice(devices: serde_json::Value) -> serde_json::Value {
    json!({
        "metadata": {"name": "n1-gpu", "uid": "u1"},
        "spec": {
            "driver": "gpu.nvidia.com",
            "pool": {"name": "n1", "generation": 3, "resourceSliceCount": 2},
            "nodeName": "n1",
            "sharedCounters": [{"name": "card-0", "counters": {"slices": {"value": "8"}}}],
            "devices": devices,
        },
    })
}

#[test]
fn old_and_new_versions_give_the_same_slice() {
    let body = json!({
        "attributes": {
            "type": {"string": "mig"},
            "gpu.nvidia.com/uuid": {"string": "MIG-1"},
            "parentUUID": {"string": "GPU-1"},
            "profile": {"string": "1g.10gb"},
            "productName": {"string": "NVIDIA H100 80GB HBM3"},
            "minor": {"int": 0},
        },
        "capacity": {"memory": {"value": "9728Mi"}},
        "consumesCounters": [{"counterSet": "card-0", "counters": {"slices": {"value": "1"}}}],
        "taints": [{"key": "sick", "effect": "NoExecute"}, {"key": "told", "effect": "None"}],
    });
    let mut new = body.clone();
    new["name"] = "gpu-0-mig-0".into();
    let now: SliceRow = row::<slice::Slice>(&slice(json!([new])));
    let old: SliceRow =
        row::<slice::Slice>(&slice(json!([{"name": "gpu-0-mig-0", "basic": body}])));
    assert_eq!(now, old);
    assert_eq!(
        (now.generation, now.slices, now.node.as_deref()),
        (3, 2, Some("n1"))
    );
    let device = &now.devices[0];
    assert_eq!(
        (device.kind.as_deref(), device.profile.as_deref()),
        (Some("mig"), Some("1g.10gb"))
    );
    assert_eq!(
        (device.uuid.as_deref(), device.parent.as_deref()),
        (Some("MIG-1"), Some("GPU-1"))
    );
    assert_eq!((device.memory, device.multiple), (9728 << 20, false));
    assert_eq!(*device.consumes, [("card-0".into(), "slices".into(), 1000)]);
    assert_eq!(now.counters[0].counters[0], ("slices".into(), 8000));
    let taints: Vec<String> = device.taints.iter().map(|t| t.to_string()).collect();
    assert_eq!(
        taints,
        ["sick:NoExecute"],
        "one that only informs keeps nobody away"
    );
}

#[test]
fn a_claim_tells_what_it_holds_and_for_whom() {
    let claim: ClaimRow = row::<claim::Claim>(&json!({
        "metadata": {"name": "c", "namespace": "ml", "uid": "u2"},
        "spec": {"devices": {"requests": [
            {"name": "a", "exactly": {"deviceClassName": "gpu.nvidia.com", "count": 2}},
            {"name": "b", "firstAvailable": [{"deviceClassName": "mig.nvidia.com"}, {"deviceClassName": "x"}]},
            {"name": "c", "deviceClassName": "old", "allocationMode": "All"},
            {"name": "d", "exactly": {"deviceClassName": "watch", "adminAccess": true}},
        ]}},
        "status": {
            "allocation": {"devices": {"results": [
                {"request": "a", "driver": "d", "pool": "p", "device": "gpu-0"},
                {"request": "d", "driver": "d", "pool": "p", "device": "gpu-1", "adminAccess": true},
                {"request": "a", "driver": "d", "pool": "p", "device": "gpu-2", "consumedCapacity": {"memory": "1Ki"}},
            ]}},
            "reservedFor": [
                {"resource": "pods", "name": "p-0", "uid": "00000000-0000-0000-0000-000000000007"},
                {"resource": "podgroups", "name": "g", "uid": "x"},
            ],
        },
    }));
    let asks: Vec<(&str, Option<u32>)> = claim.asks.iter().map(|(c, n)| (&**c, *n)).collect();
    assert_eq!(
        asks,
        [
            ("gpu.nvidia.com", Some(2)),
            ("mig.nvidia.com", Some(1)),
            ("old", None)
        ]
    );
    let devices: Vec<&str> = claim.devices.iter().map(|d| &*d.device).collect();
    assert_eq!(
        devices,
        ["gpu-0", "gpu-2"],
        "who only looks on holds nothing"
    );
    assert_eq!(*claim.devices[1].consumed, [("memory".into(), 1_024_000)]);
    assert_eq!(claim.users, [("p-0".into(), Uid(7))]);
    assert!(claim.allocated);
    let waits: ClaimRow =
        row::<claim::Claim>(&json!({"metadata": {"name": "w", "uid": "u3"}, "status": {}}));
    assert!(!waits.allocated && waits.devices.is_empty());
}

#[test]
fn a_class_tells_its_driver_and_the_plain_resource_it_serves() {
    let class = row::<class::Class>(&json!({
        "metadata": {"name": "gpu.nvidia.com", "uid": "u4"},
        "spec": {
            "extendedResourceName": "nvidia.com/gpu",
            "selectors": [{"cel": {"expression": "device.driver == 'gpu.nvidia.com'"}}],
        },
    }));
    assert_eq!(
        (class.extended.as_deref(), class.driver.as_deref()),
        (Some("nvidia.com/gpu"), Some("gpu.nvidia.com"))
    );
}

#[test]
fn every_kind_has_its_line_and_survives_nulls() {
    let kinds: Vec<DraKind> = DRA
        .iter()
        .map(|entry| match entry.kind {
            Kind::Dra(kind) => kind,
            other => panic!("{other:?} is not of it"),
        })
        .collect();
    assert_eq!(kinds, DraKind::ALL);
    for odd in [
        json!({}),
        json!({"metadata": {"name": "a"}, "spec": null, "status": null}),
        json!({"metadata": {"name": "a"}, "spec": [1], "status": "x"}),
        json!({"metadata": {"name": "a"}, "spec": {"devices": {}, "pool": [], "nodeName": 7, "selectors": {}},
            "status": {"allocation": [], "reservedFor": {}}}),
        json!({"metadata": {"name": "a"}, "spec": {"devices": [{"basic": 1}, {"basic": {"basic": {}}}, null, {"attributes": []}],
            "pool": {"generation": "x"}}, "status": {"allocation": {"devices": {"results": [1, {}]}}}}),
    ] {
        check_all(&odd);
    }
}
