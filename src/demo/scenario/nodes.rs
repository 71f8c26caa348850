//! The nodes of a shared GPU cluster: machine families with the labels, taints, images and conditions that
//! kubelet, node feature discovery and the GPU vendors' labellers leave on them.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value, json};

use crate::demo::clock::rfc3339;
use crate::demo::controllers::kubelet::{hash, host_ip, mix};

/// A kind of machine.
pub struct Family {
    pub name: &'static str,
    /// How many of 24 nodes are of this family.
    pub share: usize,
    instance: &'static str,
    cpus: u32,
    memory_gib: u32,
    gpus: Gpus,
}

/// Which GPUs a family has, and how they are offered.
enum Gpus {
    None,
    Whole {
        card: &'static Card,
        count: u32,
    },
    /// Every card offered several times; renamed to `….shared` or only labelled so.
    Sliced {
        card: &'static Card,
        count: u32,
        replicas: u32,
        renamed: bool,
    },
    /// Some cards cut into MIG slices, the others whole.
    Mixed {
        card: &'static Card,
        count: u32,
        whole: u32,
        slices: &'static [(&'static str, u32, u32)],
    },
    Amd {
        count: u32,
    },
}

struct Card {
    product: &'static str,
    memory_mib: u32,
    family: &'static str,
    compute: (&'static str, &'static str),
    machine: &'static str,
    mig: bool,
}

const T4: Card = Card {
    product: "Tesla-T4",
    memory_mib: 15360,
    family: "turing",
    compute: ("7", "5"),
    machine: "Google-Compute-Engine",
    mig: false,
};
const L4: Card = Card {
    product: "NVIDIA-L4",
    memory_mib: 23034,
    family: "ada-lovelace",
    compute: ("8", "9"),
    machine: "Google-Compute-Engine",
    mig: false,
};
const A100: Card = Card {
    product: "NVIDIA-A100-SXM4-80GB",
    memory_mib: 81920,
    family: "ampere",
    compute: ("8", "0"),
    machine: "DGXA100-920-23687-2530-000",
    mig: true,
};
const H100: Card = Card {
    product: "NVIDIA-H100-80GB-HBM3",
    memory_mib: 81559,
    family: "hopper",
    compute: ("9", "0"),
    machine: "DGXH100",
    mig: true,
};

/// Profile, devices on the node, compute instances per device.
const SLICES: &[(&str, u32, u32)] = &[("1g.10gb", 14, 1), ("3g.40gb", 4, 3)];

/// All families, in the order in which nodes are made.
pub const FAMILIES: &[Family] = &[
    Family {
        name: "cpu-std",
        share: 4,
        instance: "c6i.16xlarge",
        cpus: 64,
        memory_gib: 128,
        gpus: Gpus::None,
    },
    Family {
        name: "gpu-t4",
        share: 3,
        instance: "g4dn.12xlarge",
        cpus: 48,
        memory_gib: 192,
        gpus: Gpus::Whole {
            card: &T4,
            count: 4,
        },
    },
    Family {
        name: "gpu-l4-shared",
        share: 2,
        instance: "g6.12xlarge",
        cpus: 48,
        memory_gib: 192,
        gpus: Gpus::Sliced {
            card: &L4,
            count: 2,
            replicas: 4,
            renamed: true,
        },
    },
    Family {
        name: "gpu-l4",
        share: 1,
        instance: "g6.24xlarge",
        cpus: 96,
        memory_gib: 384,
        gpus: Gpus::Sliced {
            card: &L4,
            count: 4,
            replicas: 2,
            renamed: false,
        },
    },
    Family {
        name: "gpu-a100",
        share: 5,
        instance: "p4de.24xlarge",
        cpus: 96,
        memory_gib: 1152,
        gpus: Gpus::Whole {
            card: &A100,
            count: 8,
        },
    },
    Family {
        name: "gpu-a100-mig",
        share: 2,
        instance: "p4de.24xlarge",
        cpus: 96,
        memory_gib: 1152,
        gpus: Gpus::Mixed {
            card: &A100,
            count: 8,
            whole: 4,
            slices: SLICES,
        },
    },
    Family {
        name: "gpu-h100",
        share: 5,
        instance: "p5.48xlarge",
        cpus: 192,
        memory_gib: 2048,
        gpus: Gpus::Whole {
            card: &H100,
            count: 8,
        },
    },
    Family {
        name: "gpu-mi300x",
        share: 1,
        instance: "mi300x.metal",
        cpus: 192,
        memory_gib: 2304,
        gpus: Gpus::Amd { count: 8 },
    },
    Family {
        name: "cpu-spot",
        share: 1,
        instance: "c7a.8xlarge",
        cpus: 32,
        memory_gib: 64,
        gpus: Gpus::None,
    },
];

/// The families of `count` nodes, in the proportions of the scene; every family that fits is there.
pub fn layout(count: usize) -> Vec<(&'static Family, usize)> {
    let total: usize = FAMILIES.iter().map(|f| f.share).sum();
    let mut out = Vec::with_capacity(count);
    let mut left = count;
    for (at, family) in FAMILIES.iter().enumerate() {
        let last = at + 1 == FAMILIES.len();
        let wanted = if last {
            left
        } else {
            (family.share * count).div_ceil(total).min(left)
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
}

/// The node object: `nth` of its family, up since some days before `now`.
pub fn node(family: &Family, nth: usize, quirks: Quirks, now: DateTime<Utc>) -> Value {
    let name = format!("{}-{nth}", family.name);
    let bits = hash(&name);
    let boot = now - TimeDelta::hours(30 + (bits % 400) as i64);
    let mut labels = base_labels(family, &name, bits);
    let mut capacity = json!({
        "cpu": family.cpus.to_string(), "memory": format!("{}Ki", u64::from(family.memory_gib) * 1_048_576 - 262_144),
        "pods": "110", "ephemeral-storage": "1843269236Ki", "hugepages-1Gi": "0", "hugepages-2Mi": "0",
    });
    gpu_labels(&family.gpus, &mut labels, boot);
    for (resource, count) in devices(&family.gpus) {
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
        for (resource, count) in devices(&family.gpus).into_iter().take(1) {
            allocatable[resource] = json!((count - quirks.sick).to_string());
        }
    }
    let mut taints = Vec::new();
    match &family.gpus {
        Gpus::None => {}
        Gpus::Whole { card, .. } if card.family == "hopper" => {
            taints
                .push(json!({"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}));
        }
        Gpus::Amd { .. } => taints
            .push(json!({"key": "amd.com/gpu", "value": "present", "effect": "PreferNoSchedule"})),
        _ => taints.push(
            json!({"key": "nvidia.com/gpu", "value": "present", "effect": "PreferNoSchedule"}),
        ),
    }
    let mut spec = json!({
        "podCIDR": format!("10.{}.{}.0/24", 244 + bits % 8, (bits >> 8) % 256),
        "podCIDRs": [format!("10.{}.{}.0/24", 244 + bits % 8, (bits >> 8) % 256)],
        "providerID": format!("aws:///us-east-1{}/i-{:017x}", zone(bits), mix(bits) >> 4),
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
        "metadata": {"name": name, "labels": labels, "annotations": annotations(&family.gpus, &name)},
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
                "architecture": "amd64", "containerRuntimeVersion": "containerd://2.1.4", "kubeletVersion": "v1.36.3",
                "kubeProxyVersion": "", "swap": {"capacity": 0},
            },
            "images": images(&family.gpus),
            "runtimeHandlers": [{"name": "", "features": {"recursiveReadOnlyMounts": true, "userNamespaces": true}},
                {"name": "runc", "features": {"recursiveReadOnlyMounts": true, "userNamespaces": true}}],
            "features": {"supplementalGroupsPolicy": true},
        },
    })
}

fn zone(bits: u64) -> char {
    ['a', 'b', 'c'][(bits >> 5) as usize % 3]
}

type Labels = Map<String, Value>;

fn set(labels: &mut Labels, key: &str, value: impl ToString) {
    labels.insert(key.to_owned(), json!(value.to_string()));
}

fn base_labels(family: &Family, name: &str, bits: u64) -> Labels {
    let mut labels = Labels::new();
    for (key, value) in [
        ("beta.kubernetes.io/arch", "amd64"),
        ("beta.kubernetes.io/os", "linux"),
        ("kubernetes.io/arch", "amd64"),
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
    let zone = format!("us-east-1{}", zone(bits));
    set(&mut labels, "topology.kubernetes.io/zone", &zone);
    set(&mut labels, "failure-domain.beta.kubernetes.io/zone", &zone);
    labels
}

/// Extended resources and their counts, the main one first.
fn devices(gpus: &Gpus) -> Vec<(String, u32)> {
    match gpus {
        Gpus::None => Vec::new(),
        Gpus::Whole { count, .. } => vec![("nvidia.com/gpu".to_owned(), *count)],
        Gpus::Sliced {
            count,
            replicas,
            renamed,
            ..
        } => {
            let suffix = if *renamed { ".shared" } else { "" };
            vec![(format!("nvidia.com/gpu{suffix}"), count * replicas)]
        }
        Gpus::Mixed { whole, slices, .. } => {
            let slices = slices
                .iter()
                .map(|(profile, count, _)| (format!("nvidia.com/mig-{profile}"), *count));
            std::iter::once(("nvidia.com/gpu".to_owned(), *whole))
                .chain(slices)
                .collect()
        }
        Gpus::Amd { count } => vec![("amd.com/gpu".to_owned(), *count)],
    }
}

fn gpu_labels(gpus: &Gpus, labels: &mut Labels, boot: DateTime<Utc>) {
    let (card, count) = match gpus {
        Gpus::None => return,
        Gpus::Amd { count } => return amd_labels(labels, *count),
        Gpus::Whole { card, count }
        | Gpus::Sliced { card, count, .. }
        | Gpus::Mixed { card, count, .. } => (card, *count),
    };
    let (replicas, strategy, product) = match gpus {
        Gpus::Sliced {
            replicas,
            renamed: true,
            ..
        } => (*replicas, "time-slicing", card.product.to_owned()),
        Gpus::Sliced { replicas, .. } => (
            *replicas,
            "time-slicing",
            format!("{}-SHARED", card.product),
        ),
        _ => (1, "none", card.product.to_owned()),
    };
    for (key, value) in [
        ("gpu.product", product.as_str()),
        ("gpu.family", card.family),
        ("gpu.machine", card.machine),
        ("gpu.compute.major", card.compute.0),
        ("gpu.compute.minor", card.compute.1),
        ("gpu.mode", "compute"),
        ("gpu.present", "true"),
        ("gpu.sharing-strategy", strategy),
        ("cuda.driver-version.full", "580.95.05"),
        ("cuda.driver-version.major", "580"),
        ("cuda.driver-version.minor", "95"),
        ("cuda.driver-version.revision", "05"),
        ("cuda.runtime-version.full", "13.0"),
        ("cuda.runtime-version.major", "13"),
        ("cuda.runtime-version.minor", "0"),
        ("cuda.driver.major", "580"),
        ("cuda.driver.minor", "95"),
        ("cuda.driver.rev", "05"),
        ("cuda.runtime.major", "13"),
        ("cuda.runtime.minor", "0"),
        ("gpu.deploy.container-toolkit", "true"),
        ("gpu.deploy.dcgm-exporter", "true"),
        ("gpu.deploy.device-plugin", "true"),
        ("gpu.deploy.driver", "pre-installed"),
        ("gpu.deploy.gpu-feature-discovery", "true"),
        ("gpu.deploy.node-status-exporter", "true"),
        ("gpu.deploy.operator-validator", "true"),
        ("gpu-driver-upgrade-state", "upgrade-done"),
        ("vgpu.present", "false"),
        ("mps.capable", "false"),
    ] {
        set(labels, &format!("nvidia.com/{key}"), value);
    }
    set(labels, "nvidia.com/gpu.count", count);
    set(labels, "nvidia.com/gpu.replicas", replicas);
    set(labels, "nvidia.com/gpu.memory", card.memory_mib);
    set(labels, "nvidia.com/mig.capable", card.mig);
    set(labels, "nvidia.com/gfd.timestamp", boot.timestamp());
    set(
        labels,
        "feature.node.kubernetes.io/pci-10de.present",
        "true",
    );
    if let Gpus::Mixed { slices, .. } = gpus {
        set(labels, "nvidia.com/mig.strategy", "mixed");
        set(labels, "nvidia.com/mig.config", "half-mixed");
        set(labels, "nvidia.com/mig.config.state", "success");
        for (profile, count, instances) in *slices {
            let memory = if *instances == 1 { 9728 } else { 40192 };
            for (key, value) in [
                ("product", format!("{}-MIG-{profile}", card.product)),
                ("count", count.to_string()),
                ("replicas", "1".to_owned()),
                ("sharing-strategy", "none".to_owned()),
                ("memory", memory.to_string()),
                ("multiprocessors", (14 * instances).to_string()),
                ("slices.gi", instances.to_string()),
                ("slices.ci", instances.to_string()),
                ("engines.copy", instances.to_string()),
                ("engines.decoder", (instances - 1).to_string()),
            ] {
                set(labels, &format!("nvidia.com/mig-{profile}.{key}"), value);
            }
        }
    }
    if card.family == "hopper" {
        set(
            labels,
            "nvidia.com/gpu.clique",
            "3f0c2d64-9a51-4c1e-8b7d-51aa2c60e7f1.0",
        );
        set(labels, "feature.node.kubernetes.io/rdma.available", "true");
        set(labels, "feature.node.kubernetes.io/rdma.capable", "true");
    }
}

fn amd_labels(labels: &mut Labels, count: u32) {
    for prefix in ["amd.com", "beta.amd.com"] {
        for (key, value) in [
            ("gpu.product-name", "AMD_Instinct_MI300X_OAM"),
            ("gpu.device-id", "74a1"),
            ("gpu.family", "AI"),
            ("gpu.vram", "192G"),
            ("gpu.cu-count", "304"),
            ("gpu.simd-count", "1216"),
            ("gpu.driver-version", "6.12.12"),
        ] {
            set(labels, &format!("{prefix}/{key}"), value);
        }
    }
    set(labels, "amd.com/compute-memory-partition", "spx_nps1");
    set(labels, "beta.amd.com/gpu.count", count);
    set(labels, "feature.node.kubernetes.io/amd-gpu", "true");
    set(
        labels,
        "feature.node.kubernetes.io/pci-1002.present",
        "true",
    );
}

fn annotations(gpus: &Gpus, name: &str) -> Value {
    let mut all = json!({
        "node.alpha.kubernetes.io/ttl": "0",
        "volumes.kubernetes.io/controller-managed-attach-detach": "true",
        "csi.volume.kubernetes.io/nodeid": format!("{{\"ebs.csi.aws.com\":\"i-{:017x}\"}}", hash(name) >> 4),
        "nfd.node.kubernetes.io/feature-labels": "cpu-cpuid.ADX,cpu-cpuid.AESNI,cpu-cpuid.AVX,cpu-cpuid.AVX2,cpu-cpuid.AVX512F,cpu-cpuid.FMA3,kernel-version.full,memory-numa,network-sriov.capable,storage-nonrotationaldisk,system-os_release.ID,system-os_release.VERSION_ID",
        "nfd.node.kubernetes.io/worker.version": "v0.18.2",
    });
    if !matches!(gpus, Gpus::None | Gpus::Amd { .. }) {
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
        Gpus::None => &[],
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
