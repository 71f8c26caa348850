//! The mix of machines, and what each family offers.

use super::*;

#[test]
fn a_cluster_of_any_size_has_the_same_mix() {
    assert_eq!(layout(24).len(), 24);
    let count = |n: usize, name: &str| layout(n).iter().filter(|(f, _)| f.name == name).count();
    assert_eq!((count(24, "gpu-h100"), count(24, "cpu-std")), (5, 4));
    assert_eq!(layout(5000).len(), 5000);
    assert!((1000..1100).contains(&count(5000, "gpu-h100")));
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
                cordoned: false,
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
