use super::*;
use crate::store::Store;
use rstest::rstest;
use serde_json::json;

fn node(labels: Value, capacity: Value, allocatable: Value) -> std::sync::Arc<Object> {
    let mut store = Store::new();
    crate::kinds::register(&mut store);
    let kind = store.kind_id("", "nodes").unwrap();
    let value = json!({
        "kind": "Node", "apiVersion": "v1", "metadata": {"name": "n", "uid": "u", "labels": labels},
        "status": {"capacity": capacity, "allocatable": allocatable},
    });
    store.put(kind, value)
}

fn count(inventory: &Inventory, resource: &str) -> usize {
    let all = inventory.devices.iter();
    all.filter(|d| d.resource == resource).count()
}

#[rstest]
#[case::plain("NVIDIA-H100-80GB-HBM3", 8, 1, json!({"nvidia.com/gpu": "8"}), 8, "GPU-")]
#[case::time_sliced("NVIDIA-L4-SHARED", 4, 2, json!({"nvidia.com/gpu": "8"}), 4, "GPU-")]
#[case::renamed("NVIDIA-L4", 2, 4, json!({"nvidia.com/gpu.shared": "8"}), 2, "GPU-")]
#[case::single("NVIDIA-A100-SXM4-80GB-MIG-1g.10gb", 56, 1, json!({"nvidia.com/gpu": "56"}), 8, "MIG-")]
#[case::mixed("NVIDIA-A100-SXM4-80GB", 8, 1, json!({"nvidia.com/mig-1g.10gb": "14", "nvidia.com/mig-3g.40gb": "4", "nvidia.com/gpu": "4"}), 8, "")]
fn what_plugins_offer_belongs_to_cards(
    #[case] product: &str,
    #[case] number: u64,
    #[case] replicas: u64,
    #[case] capacity: Value,
    #[case] cards: usize,
    #[case] prefix: &str,
) {
    let labels = json!({
        "nvidia.com/gpu.product": product, "nvidia.com/gpu.count": number.to_string(),
        "nvidia.com/gpu.replicas": replicas.to_string(),
    });
    let node = node(labels, capacity.clone(), capacity.clone());
    let inventory = Inventory::of(&node);
    assert_eq!(inventory.cards.len(), cards);
    for (resource, wanted) in capacity.as_object().unwrap() {
        assert_eq!(
            count(&inventory, resource).to_string(),
            wanted.as_str().unwrap(),
            "{resource}"
        );
    }
    let ids: std::collections::BTreeSet<&str> =
        inventory.devices.iter().map(|d| d.id.as_str()).collect();
    assert_eq!(ids.len(), inventory.devices.len());
    assert!(ids.iter().all(|id| id.starts_with(prefix)));
    // a card is either whole or cut
    for device in &inventory.devices {
        let cut = !inventory.cards[device.card].slices.is_empty();
        assert_eq!(device.slice.is_some(), cut, "{device:?}");
    }
    assert!(inventory.devices.iter().all(|d| d.healthy));
}

#[test]
fn partitions_of_amd_belong_to_their_cards() {
    let labels = json!({"amd.com/gpu.product-name": "AMD_Instinct_MI300X_OAM"});
    let capacity = json!({"amd.com/cpx_nps4": "64"});
    let inventory = Inventory::of(&node(labels.clone(), capacity.clone(), capacity));
    assert_eq!(inventory.cards.len(), 8);
    assert_eq!(count(&inventory, "amd.com/cpx_nps4"), 64);
    assert!(inventory.cards.iter().all(|c| c.slices.len() == 8));
    let whole = json!({"amd.com/gpu": "8"});
    let inventory = Inventory::of(&node(labels, whole.clone(), whole));
    assert_eq!((inventory.cards.len(), inventory.devices.len()), (8, 8));
    assert!(inventory.devices[0].id.starts_with("0000:"));
}

#[test]
fn what_is_not_allocatable_is_ill_and_stays_the_same() {
    let labels = json!({"nvidia.com/gpu.product": "Tesla-T4", "nvidia.com/gpu.count": "4"});
    let of = |n: &str| {
        let allocatable = json!({"nvidia.com/gpu": n});
        let node = node(labels.clone(), json!({"nvidia.com/gpu": "4"}), allocatable);
        let inventory = Inventory::of(&node);
        let ill = inventory.devices.iter().filter(|d| !d.healthy);
        ill.map(|d| d.id.clone()).collect::<Vec<_>>()
    };
    assert_eq!(of("4").len(), 0);
    let one = of("3");
    assert_eq!(one.len(), 1);
    assert!(of("2").contains(&one[0]));
    assert_eq!(of("0").len(), 4);
}
