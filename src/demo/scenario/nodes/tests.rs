//! The mix of machines, and what each family offers.

use super::*;

#[test]
fn a_cluster_of_any_size_has_the_same_mix() {
    assert_eq!(layout(41).len(), 41);
    let count = |n: usize, name: &str| layout(n).iter().filter(|(f, _)| f.name == name).count();
    for family in FAMILIES {
        assert_eq!(count(41, family.name), family.share, "{}", family.name);
    }
    assert_eq!(layout(7500).len(), 7500);
    assert!((910..930).contains(&count(7500, "gpu-h100")));
    assert_eq!(layout(1).len(), 1);
}

#[test]
fn offered_devices_follow_the_sharing_of_the_family() {
    let now = DateTime::UNIX_EPOCH;
    let of = |name: &str| {
        let family = FAMILIES.iter().find(|f| f.name == name).unwrap();
        node(
            family,
            0,
            Quirks {
                sick: 1,
                ..Quirks::default()
            },
            now,
        )
    };
    let mixed = of("gpu-a100-mig");
    assert_eq!(mixed["status"]["capacity"]["nvidia.com/gpu"], "4");
    assert_eq!(mixed["status"]["allocatable"]["nvidia.com/gpu"], "3");
    assert_eq!(mixed["status"]["capacity"]["nvidia.com/mig-1g.10gb"], "14");
    assert_eq!(
        of("gpu-l4-shared")["status"]["capacity"]["nvidia.com/gpu.shared"],
        "8"
    );
    assert_eq!(
        of("gpu-l4")["metadata"]["labels"]["nvidia.com/gpu.product"],
        "NVIDIA-L4-SHARED"
    );
    assert_eq!(of("gpu-mi300x")["status"]["capacity"]["amd.com/gpu"], "8");
}
