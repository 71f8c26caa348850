//! The nodes of a shared GPU cluster: machine families with the labels, taints, images and conditions that
//! kubelet, node feature discovery and the GPU vendors' labellers leave on them.

mod families;
mod labels;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::clock::rfc3339;
use crate::controllers::kubelet::{hash, host_ip, mix};
use families::Gpus;
pub use families::{FAMILIES, Family};
use labels::{Labels, set};

/// GPUs per rack of an NVLink domain, in nodes.
const RACK: usize = 18;

/// The families of `count` nodes, in the proportions of the scene; every family that fits is there.
pub fn layout(count: usize) -> Vec<(&'static Family, usize)> {
    let total: usize = FAMILIES.iter().map(|f| f.share).sum();
    let mut out = Vec::with_capacity(count);
    let mut left = count;
    for (at, family) in FAMILIES.iter().enumerate() {
        let last = at + 1 == FAMILIES.len();
        let wanted = if last {
            left
        } else if count < total {
            (family.share * count).div_ceil(total).min(left)
        } else {
            // a large cluster has all that a small one has
            family.share * count / total
        };
        out.extend((0..wanted).map(|n| (family, n)));
        left -= wanted;
    }
    out
}

/// What is special about one node.
#[derive(Debug, Clone, Copy, Default)]
pub struct Quirks {
    /// GPUs that the device plugin reports as unhealthy.
    pub sick: u32,
    pub cordoned: bool,
    /// GFD has not labelled the node since long before it last started.
    pub stale: bool,
    /// The wanted MIG layout is not there yet.
    pub pending: bool,
}

impl Quirks {
    /// What is wrong with the `nth` node of a family in a cluster of any size.
    pub fn of(family: &Family, nth: usize) -> Self {
        let at = |name: &str, place: usize| family.name == name && nth % 40 == place;
        Self {
            sick: u32::from(at("gpu-a100", 3)),
            cordoned: at("gpu-a100", 4),
            stale: at("gpu-t4", 2),
            pending: at("gpu-a30", 0),
        }
    }
}

/// The node object: `nth` of its family, up since some days before `now`.
pub fn node(family: &Family, nth: usize, quirks: Quirks, now: DateTime<Utc>) -> Value {
    let name = format!("{}-{nth}", family.name);
    let bits = hash(&name);
    let boot = now - TimeDelta::hours(30 + (bits % 400) as i64);
    let mut labels = base_labels(family, nth, &name, bits);
    let mut capacity = json!({
        "cpu": family.cpus.to_string(), "memory": format!("{}Ki", u64::from(family.memory_gib) * 1_048_576 - 262_144),
        "pods": "110", "ephemeral-storage": "1843269236Ki", "hugepages-1Gi": "0", "hugepages-2Mi": "0",
    });
    labels::write(&family.gpus, &mut labels, nth, quirks, boot);
    for (resource, count) in family.gpus.devices() {
        capacity[resource] = json!(count.to_string());
    }
    let mut allocatable = capacity.clone();
    allocatable["cpu"] = json!(format!("{}m", u64::from(family.cpus) * 1000 - 180));
    allocatable["memory"] = json!(format!(
        "{}Ki",
        u64::from(family.memory_gib) * 1_048_576 - 3_262_144
    ));
    allocatable["ephemeral-storage"] = json!("1698756927Ki");
    if quirks.sick > 0 {
        for (resource, count) in family.gpus.devices().into_iter().take(1) {
            allocatable[resource] = json!((count - quirks.sick).to_string());
        }
    }
    let mut taints = Vec::new();
    if let Some((key, effect)) = family.gpus.taint() {
        taints.push(json!({"key": key, "value": "present", "effect": effect}));
    }
    let mut spec = json!({
        "podCIDR": format!("10.{}.{}.0/24", 244 + bits % 8, (bits >> 8) % 256),
        "podCIDRs": [format!("10.{}.{}.0/24", 244 + bits % 8, (bits >> 8) % 256)],
        "providerID": format!("aws:///us-east-1{}/i-{:017x}", zone(family, nth, bits), mix(bits) >> 4),
    });
    if quirks.cordoned {
        spec["unschedulable"] = json!(true);
        taints.push(json!({"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule", "timeAdded": rfc3339(now)}));
    }
    if !taints.is_empty() {
        spec["taints"] = json!(taints);
    }
    let uuid = format!(
        "ec2{:05x}-{:04x}-{:04x}-{:04x}-{:012x}",
        bits & 0xf_ffff,
        bits >> 20 & 0xffff,
        bits >> 36 & 0xffff,
        mix(bits) & 0xffff,
        mix(bits) >> 16
    );
    json!({
        "metadata": {
            "name": name, "creationTimestamp": rfc3339(boot), "labels": labels,
            "annotations": annotations(&family.gpus, &name),
        },
        "spec": spec,
        "status": {
            "capacity": capacity,
            "allocatable": allocatable,
            "conditions": conditions(boot, now),
            "addresses": [{"type": "InternalIP", "address": host_ip(&name)}, {"type": "Hostname", "address": name}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
            "nodeInfo": {
                "machineID": format!("{:032x}", u128::from(mix(bits)) << 64 | u128::from(bits)), "systemUUID": uuid, "bootID": uuid,
                "kernelVersion": "6.8.0-1029-nvidia", "osImage": "Ubuntu 24.04.3 LTS", "operatingSystem": "linux",
                "architecture": arch(family), "containerRuntimeVersion": "containerd://2.1.4", "kubeletVersion": "v1.36.3",
                "kubeProxyVersion": "", "swap": {"capacity": 0},
            },
            "images": images(&family.gpus),
            "runtimeHandlers": [{"name": "", "features": {"recursiveReadOnlyMounts": true, "userNamespaces": true}},
                {"name": "runc", "features": {"recursiveReadOnlyMounts": true, "userNamespaces": true}}],
            "features": {"supplementalGroupsPolicy": true},
        },
    })
}

fn zone(family: &Family, nth: usize, bits: u64) -> char {
    // a rack stands in one zone
    let racked = family.instance.contains("gb200");
    let bits = if racked {
        mix((nth / RACK) as u64)
    } else {
        bits >> 5
    };
    ['a', 'b', 'c'][bits as usize % 3]
}

/// The processors' architecture: Grace is Arm's.
fn arch(family: &Family) -> &'static str {
    if family.instance.contains("gb200") {
        "arm64"
    } else {
        "amd64"
    }
}

fn base_labels(family: &Family, nth: usize, name: &str, bits: u64) -> Labels {
    let mut labels = Labels::new();
    let block = format!("{}-block-{}", family.name, nth / (4 * RACK));
    let rack = format!("{}-rack-{}", family.name, nth / RACK);
    for (key, value) in [
        ("beta.kubernetes.io/arch", arch(family)),
        ("beta.kubernetes.io/os", "linux"),
        ("kubernetes.io/arch", arch(family)),
        ("cloud.provider.com/topology-block", block.as_str()),
        ("cloud.provider.com/topology-rack", rack.as_str()),
        ("kubernetes.io/os", "linux"),
        ("kubernetes.io/hostname", name),
        ("beta.kubernetes.io/instance-type", family.instance),
        ("node.kubernetes.io/instance-type", family.instance),
        ("node.jobdeck.dev/pool", family.name),
        ("topology.kubernetes.io/region", "us-east-1"),
        ("failure-domain.beta.kubernetes.io/region", "us-east-1"),
        ("feature.node.kubernetes.io/system-os_release.ID", "ubuntu"),
        (
            "feature.node.kubernetes.io/system-os_release.VERSION_ID",
            "24.04",
        ),
        (
            "feature.node.kubernetes.io/kernel-version.full",
            "6.8.0-1029-nvidia",
        ),
        ("feature.node.kubernetes.io/kernel-version.major", "6"),
        ("feature.node.kubernetes.io/kernel-version.minor", "8"),
        ("feature.node.kubernetes.io/kernel-config.NO_HZ", "true"),
        ("feature.node.kubernetes.io/memory-numa", "true"),
        ("feature.node.kubernetes.io/network-sriov.capable", "true"),
        (
            "feature.node.kubernetes.io/storage-nonrotationaldisk",
            "true",
        ),
    ] {
        set(&mut labels, key, value);
    }
    for feature in [
        "ADX", "AESNI", "AVX", "AVX2", "AVX512F", "AVX512VL", "FMA3", "SHA", "VAES",
    ] {
        set(
            &mut labels,
            &format!("feature.node.kubernetes.io/cpu-cpuid.{feature}"),
            "true",
        );
    }
    let zone = format!("us-east-1{}", zone(family, nth, bits));
    set(&mut labels, "topology.kubernetes.io/zone", &zone);
    set(&mut labels, "failure-domain.beta.kubernetes.io/zone", &zone);
    labels
}

fn annotations(gpus: &Gpus, name: &str) -> Value {
    let mut all = json!({
        "node.alpha.kubernetes.io/ttl": "0",
        "volumes.kubernetes.io/controller-managed-attach-detach": "true",
        "csi.volume.kubernetes.io/nodeid": format!("{{\"ebs.csi.aws.com\":\"i-{:017x}\"}}", hash(name) >> 4),
        "nfd.node.kubernetes.io/feature-labels": "cpu-cpuid.ADX,cpu-cpuid.AESNI,cpu-cpuid.AVX,cpu-cpuid.AVX2,cpu-cpuid.AVX512F,cpu-cpuid.FMA3,kernel-version.full,memory-numa,network-sriov.capable,storage-nonrotationaldisk,system-os_release.ID,system-os_release.VERSION_ID",
        "nfd.node.kubernetes.io/worker.version": "v0.18.2",
    });
    if gpus.is_nvidia() {
        all["nvidia.com/gpu-driver-upgrade-enabled"] = json!("true");
        all["nvidia.com/gpu.device-plugin.health"] = json!("checked");
    }
    all
}

fn conditions(boot: DateTime<Utc>, now: DateTime<Utc>) -> Value {
    let (since, seen) = (rfc3339(boot), rfc3339(now));
    let one = |kind: &str, status: &str, reason: &str, message: &str| json!({"type": kind, "status": status, "lastHeartbeatTime": seen, "lastTransitionTime": since, "reason": reason, "message": message});
    json!([
        one(
            "MemoryPressure",
            "False",
            "KubeletHasSufficientMemory",
            "kubelet has sufficient memory available"
        ),
        one(
            "DiskPressure",
            "False",
            "KubeletHasNoDiskPressure",
            "kubelet has no disk pressure"
        ),
        one(
            "PIDPressure",
            "False",
            "KubeletHasSufficientPID",
            "kubelet has sufficient PID available"
        ),
        one(
            "Ready",
            "True",
            "KubeletReady",
            "kubelet is posting ready status"
        ),
    ])
}

fn images(gpus: &Gpus) -> Value {
    let common: &[(&str, u64)] = &[
        ("registry.k8s.io/kube-proxy:v1.36.3", 40_122_880),
        ("registry.k8s.io/pause:3.10.1", 318_720),
        (
            "registry.k8s.io/nfd/node-feature-discovery:v0.18.2",
            86_403_072,
        ),
        ("quay.io/cilium/cilium:v1.18.4", 253_886_464),
        ("quay.io/prometheus/node-exporter:v1.10.2", 12_881_920),
        ("docker.io/library/busybox:1.36", 2_156_544),
        ("docker.io/library/python:3", 412_577_792),
    ];
    let gpu: &[(&str, u64)] = match gpus {
        Gpus::None | Gpus::Intel { .. } | Gpus::Tpu { .. } => &[],
        Gpus::Amd { .. } => &[
            ("docker.io/rocm/k8s-device-plugin:1.31.0", 96_468_992),
            (
                "docker.io/rocm/pytorch:rocm7.0_ubuntu24.04_py3.12",
                24_183_300_096,
            ),
        ],
        _ => &[
            ("nvcr.io/nvidia/k8s-device-plugin:v0.18.0", 198_180_864),
            ("nvcr.io/nvidia/gpu-operator:v25.10.0", 214_958_080),
            (
                "nvcr.io/nvidia/k8s/dcgm-exporter:4.4.2-4.7.0-distroless",
                531_628_032,
            ),
            ("nvcr.io/nvidia/pytorch:25.08-py3", 12_884_901_888),
            ("jobdeck.dev/demo/train:1", 9_126_805_504),
        ],
    };
    let entry = |(name, size): &(&str, u64)| {
        let bare = name.rsplit_once(':').map_or(*name, |(n, _)| n);
        let digest: String = (1..5)
            .map(|i| format!("{:016x}", mix(hash(name) ^ i)))
            .collect();
        json!({"names": [format!("{bare}@sha256:{digest}"), name], "sizeBytes": size})
    };
    json!(gpu.iter().chain(common).map(entry).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests;
