//! What GPU feature discovery and NVIDIA's operator, AMD's labeller, node feature discovery (for Intel) and GKE (for TPUs)
//! write on nodes.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value, json};

use super::families::{Card, Gpus};
use super::{Quirks, RACK};
use crate::controllers::kubelet::{hash, mix};
use crate::devices::models;

pub type Labels = Map<String, Value>;

pub fn set(labels: &mut Labels, key: &str, value: impl ToString) {
    labels.insert(key.to_owned(), json!(value.to_string()));
}

/// All labels that tell of accelerators; `nth` of its family, `up` since.
pub fn write(gpus: &Gpus, labels: &mut Labels, nth: usize, quirks: Quirks, up: DateTime<Utc>) {
    match gpus {
        Gpus::None => {}
        Gpus::Amd { count, partition } => amd(labels, *count, *partition),
        Gpus::Intel {
            driver,
            count,
            product,
            family,
            device,
        } => intel(labels, (*driver, *product, *family, *device), *count),
        Gpus::Tpu { chips, topology } => tpu(labels, *chips, topology),
        _ => nvidia(gpus, labels, nth, quirks, up),
    }
}

fn nvidia(gpus: &Gpus, labels: &mut Labels, nth: usize, quirks: Quirks, up: DateTime<Utc>) {
    let Some((card, count)) = gpus.card() else {
        return;
    };
    let (replicas, strategy, product) = match gpus {
        Gpus::Sliced {
            replicas,
            renamed: true,
            strategy,
            ..
        } => (*replicas, *strategy, card.product.to_owned()),
        Gpus::Sliced {
            replicas, strategy, ..
        } => (*replicas, *strategy, format!("{}-SHARED", card.product)),
        Gpus::Single { profile, .. } => (1, "none", format!("{}-MIG-{profile}", card.product)),
        // nothing of such a card can be had as it stands
        Gpus::Unnoticed { .. } => (0, "none", card.product.to_owned()),
        _ => (1, "none", card.product.to_owned()),
    };
    let mps = strategy == "mps";
    let plugin = !matches!(gpus, Gpus::Claimed { .. });
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
        ("gpu.deploy.dcgm", "true"),
        ("gpu.deploy.dcgm-exporter", "true"),
        (
            "gpu.deploy.device-plugin",
            if plugin { "true" } else { "false" },
        ),
        ("gpu.deploy.driver", "pre-installed"),
        ("gpu.deploy.gpu-feature-discovery", "true"),
        ("gpu.deploy.node-status-exporter", "true"),
        ("gpu.deploy.operator-validator", "true"),
        ("gpu-driver-upgrade-state", "upgrade-done"),
        ("gpu.workload.config", "container"),
        ("vgpu.present", "false"),
        ("mps.capable", if mps { "true" } else { "false" }),
    ] {
        set(labels, &format!("nvidia.com/{key}"), value);
    }
    if mps {
        set(labels, "nvidia.com/gpu.deploy.mps-control-daemon", "true");
    }
    set(labels, "nvidia.com/gpu.count", count);
    set(labels, "nvidia.com/gpu.replicas", replicas);
    set(labels, "nvidia.com/gpu.memory", card.memory_mib);
    set(labels, "nvidia.com/mig.capable", card.mig);
    // written when GFD starts, which it does soon after the machine
    let stamp = if quirks.stale {
        up - TimeDelta::days(47)
    } else {
        up + TimeDelta::seconds(95)
    };
    set(labels, "nvidia.com/gfd.timestamp", stamp.timestamp());
    set(
        labels,
        "feature.node.kubernetes.io/pci-10de.present",
        "true",
    );
    mig(gpus, card, labels, quirks);
    if card.family == "hopper" || card.family == "blackwell" {
        set(labels, "feature.node.kubernetes.io/rdma.available", "true");
        set(labels, "feature.node.kubernetes.io/rdma.capable", "true");
    }
    if card.product == "NVIDIA-GB200" {
        set(labels, "nvidia.com/gpu.clique", clique(nth / RACK));
    }
}

/// The NVLink domain of a rack: the fabric's UUID and the clique's number.
pub fn clique(rack: usize) -> String {
    let (high, low) = (
        mix(hash("fabric") ^ rack as u64),
        mix(hash("clique") ^ rack as u64),
    );
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}.{}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xfff,
        0x8000 | (low >> 50),
        low & 0xffff_ffff_ffff,
        32766
    )
}

fn mig(gpus: &Gpus, card: &Card, labels: &mut Labels, quirks: Quirks) {
    let state = if quirks.pending { "pending" } else { "success" };
    match gpus {
        Gpus::Mixed { slices, .. } => {
            set(labels, "nvidia.com/mig.strategy", "mixed");
            set(labels, "nvidia.com/mig.config", "half-mixed");
            set(labels, "nvidia.com/mig.config.state", state);
            for (profile, count, _) in *slices {
                let product = format!("{}-MIG-{profile}", card.product);
                let prefix = format!("nvidia.com/mig-{profile}");
                set(labels, &format!("{prefix}.product"), product);
                set(labels, &format!("{prefix}.count"), count);
                set(labels, &format!("{prefix}.replicas"), 1);
                set(labels, &format!("{prefix}.sharing-strategy"), "none");
                slice(labels, &prefix, profile);
            }
        }
        Gpus::Single { profile, count, .. } => {
            let fit = models::profile(profile).2 as u32;
            set(labels, "nvidia.com/mig.strategy", "single");
            set(labels, "nvidia.com/mig.config", format!("all-{profile}"));
            set(labels, "nvidia.com/mig.config.state", state);
            set(labels, "nvidia.com/gpu.count", count * fit);
            slice(labels, "nvidia.com/gpu", profile);
        }
        // wanted is another layout than the plugin's labels tell of
        Gpus::Unnoticed { .. } => {
            set(labels, "nvidia.com/mig.config", "all-2g.12gb");
            set(labels, "nvidia.com/mig.config.state", state);
        }
        _ if card.mig => {
            set(labels, "nvidia.com/mig.config", "all-disabled");
            set(labels, "nvidia.com/mig.config.state", state);
        }
        _ => {}
    }
}

/// What is told of one slice of a profile.
fn slice(labels: &mut Labels, prefix: &str, profile: &str) {
    let (width, memory, _) = models::profile(profile);
    for (key, value) in [
        ("memory", memory),
        ("multiprocessors", 14 * width),
        ("slices.gi", width),
        ("slices.ci", width),
        ("engines.copy", width),
        ("engines.decoder", width - 1),
        ("engines.encoder", 0),
        ("engines.jpeg", 0),
        ("engines.ofa", 0),
    ] {
        set(labels, &format!("{prefix}.{key}"), value);
    }
}

fn amd(labels: &mut Labels, count: u32, partition: Option<&str>) {
    for (key, value) in [
        ("product-name", "AMD_Instinct_MI300X_OAM"),
        ("device-id", "74a1"),
        ("family", "AI"),
        ("vram", "192G"),
        ("cu-count", "304"),
        ("simd-count", "1216"),
        ("driver-version", "6.12.12"),
    ] {
        set(labels, &format!("amd.com/gpu.{key}"), value);
        set(labels, &format!("beta.amd.com/gpu.{key}"), value);
        let counted = format!("beta.amd.com/gpu.{key}.{value}");
        set(labels, &counted, count);
    }
    let partition = partition.unwrap_or("spx_nps1");
    set(labels, "amd.com/compute-memory-partition", partition);
    set(labels, "amd.com/compute-partitioning-supported", "true");
    set(labels, "amd.com/memory-partitioning-supported", "true");
    set(labels, "feature.node.kubernetes.io/amd-gpu", "true");
    set(
        labels,
        "feature.node.kubernetes.io/pci-1002.present",
        "true",
    );
}

fn intel(
    labels: &mut Labels,
    (driver, product, family, device): (&str, &str, &str, &str),
    count: u32,
) {
    set(labels, "intel.feature.node.kubernetes.io/gpu", "true");
    let module = format!("feature.node.kubernetes.io/kernel-loadedmodule.{driver}");
    set(labels, &module, "true");
    set(
        labels,
        "feature.node.kubernetes.io/pci-8086.present",
        "true",
    );
    set(labels, "gpu.intel.com/product", product);
    set(labels, "gpu.intel.com/family", family);
    set(labels, "gpu.intel.com/device.count", count);
    let device = format!("gpu.intel.com/device-id.{device}");
    set(labels, &format!("{device}.present"), "true");
    set(labels, &format!("{device}.count"), count);
}

fn tpu(labels: &mut Labels, chips: u32, topology: &str) {
    for (key, value) in [
        ("gke-tpu-accelerator", "tpu-v5p-slice"),
        ("gke-tpu-topology", topology),
        ("gke-nodepool", "tpu-v5p"),
        ("gke-accelerator-type", "tpu-v5p-slice"),
        ("machine-family", "ct5p"),
    ] {
        set(labels, &format!("cloud.google.com/{key}"), value);
    }
    set(labels, "cloud.google.com/gke-accelerator-count", chips);
}
