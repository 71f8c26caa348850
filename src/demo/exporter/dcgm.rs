//! The text of NVIDIA's dcgm-exporter with its default counters, labels in the order in which it writes them.

use std::fmt::Write;

use super::{View, celsius, load, watts};
use crate::controllers::kubelet::{hash, mix};
use crate::devices::Card;
use crate::exporter::{Reading, Tenant};

/// `DRIVER` of the nodes' labels.
pub const DRIVER: &str = "580.95.05";
/// DCGM's values for "there is none".
const BLANK: &str = "9223372036854775794";
const BLANK_FLOAT: &str = "140737488355328.000000";

/// Name without `DCGM_FI_`, type, help.
#[rustfmt::skip]
const COUNTERS: &[(&str, &str, &str)] = &[
    ("DEV_SM_CLOCK", "gauge", "SM clock frequency (in MHz)."),
    ("DEV_MEM_CLOCK", "gauge", "Memory clock frequency (in MHz)."),
    ("DEV_MEMORY_TEMP", "gauge", "Memory temperature (in C)."),
    ("DEV_GPU_TEMP", "gauge", "GPU temperature (in C)."),
    ("DEV_POWER_USAGE", "gauge", "Power draw (in W)."),
    ("DEV_TOTAL_ENERGY_CONSUMPTION", "counter", "Total energy consumption since boot (in mJ)."),
    ("DEV_PCIE_REPLAY_COUNTER", "counter", "Total number of PCIe retries."),
    ("DEV_GPU_UTIL", "gauge", "GPU utilization (in %)."),
    ("DEV_MEM_COPY_UTIL", "gauge", "Memory utilization (in %)."),
    ("DEV_ENC_UTIL", "gauge", "Encoder utilization (in %)."),
    ("DEV_DEC_UTIL", "gauge", "Decoder utilization (in %)."),
    ("DEV_XID_ERRORS", "gauge", "Value of the last XID error encountered."),
    ("DEV_FB_FREE", "gauge", "Framebuffer memory free (in MiB)."),
    ("DEV_FB_USED", "gauge", "Framebuffer memory used (in MiB)."),
    ("DEV_FB_RESERVED", "gauge", "Framebuffer memory reserved (in MiB)."),
    ("DEV_UNCORRECTABLE_REMAPPED_ROWS", "counter", "Number of remapped rows for uncorrectable errors"),
    ("DEV_CORRECTABLE_REMAPPED_ROWS", "counter", "Number of remapped rows for correctable errors"),
    ("DEV_ROW_REMAP_FAILURE", "gauge", "Whether remapping of rows has failed"),
    ("DEV_NVLINK_BANDWIDTH_TOTAL", "counter", "Total number of NVLink bandwidth counters for all lanes"),
    ("DEV_VGPU_LICENSE_STATUS", "gauge", "vGPU License status"),
    ("PROF_GR_ENGINE_ACTIVE", "gauge", "Ratio of time the graphics engine is active."),
    ("PROF_PIPE_TENSOR_ACTIVE", "gauge", "Ratio of cycles the tensor (HMMA) pipe is active."),
    ("PROF_DRAM_ACTIVE", "gauge", "Ratio of cycles the device memory interface is active sending or receiving data."),
    ("PROF_PCIE_TX_BYTES", "gauge", "The rate of data transmitted over the PCIe bus - including both protocol headers and data payloads - in bytes per second."),
    ("PROF_PCIE_RX_BYTES", "gauge", "The rate of data received over the PCIe bus - including both protocol headers and data payloads - in bytes per second."),
];

/// One row per counter: a card, one of its slices, or one tenant of a shared card.
struct Entity<'a> {
    index: usize,
    card: &'a Card,
    slice: Option<usize>,
    tenant: Option<&'a Tenant>,
    /// Whether the labels tell the tenants of the card apart (`vgpu`).
    virtual_gpu: bool,
}

pub fn text(view: &View<'_>) -> String {
    let entities = entities(view);
    let readings: Vec<Reading> = view
        .inventory
        .cards
        .iter()
        .enumerate()
        .map(|(index, card)| view.reading(index, card))
        .collect();
    let mut out = String::with_capacity(entities.len() * COUNTERS.len() * 320);
    for (name, kind, help) in COUNTERS {
        let mut told = false;
        for entity in &entities {
            let Some(reading) = readings.get(entity.index) else {
                continue;
            };
            let Some(value) = value(view, entity, reading, name) else {
                continue;
            };
            if !told {
                let _ = writeln!(out, "# HELP DCGM_FI_{name} {help}");
                let _ = writeln!(out, "# TYPE DCGM_FI_{name} {kind}");
                told = true;
            }
            let _ = write!(out, "DCGM_FI_{name}");
            labels(&mut out, view, entity, name);
            let _ = writeln!(out, " {value}");
        }
    }
    out
}

fn entities<'a>(view: &'a View<'_>) -> Vec<Entity<'a>> {
    let mut all = Vec::new();
    let told_apart = view.inventory.sharing == "time-slicing";
    for (index, card) in view.inventory.cards.iter().enumerate() {
        let mut tenants = view.on(index);
        let one = |slice, tenant, virtual_gpu| Entity {
            index,
            card,
            slice,
            tenant,
            virtual_gpu,
        };
        if !card.slices.is_empty() {
            for slice in 0..card.slices.len() {
                let tenant = view.on(index).find(|t| t.slice == Some(slice));
                all.push(one(Some(slice), tenant, false));
            }
        } else if told_apart && tenants.next().is_some() {
            all.extend(view.on(index).map(|t| one(None, Some(t), true)));
        } else {
            // where tenants are not told apart the last one stands for all
            all.push(one(None, view.on(index).last(), false));
        }
    }
    all
}

/// The last Xid of a card: an ill one had a double bit error, as the others had none.
fn xid(view: &View<'_>, index: usize) -> (u64, &'static str) {
    if view.inventory.is_sick(index) {
        (48, "Double Bit ECC Error")
    } else {
        (0, "No Error")
    }
}

fn labels(out: &mut String, view: &View<'_>, entity: &Entity<'_>, counter: &str) {
    let card = entity.card;
    let index = entity.index;
    let _ = write!(out, "{{gpu=\"{index}\",UUID=\"GPU-{}\"", card.uuid);
    if !view.old {
        let _ = write!(out, ",pci_bus_id=\"{}\"", card.pci);
    }
    let _ = write!(
        out,
        ",device=\"nvidia{index}\",modelName=\"{}\"",
        card.model.name
    );
    if let Some(slice) = entity.slice.and_then(|s| card.slices.get(s)) {
        let _ = write!(
            out,
            ",GPU_I_PROFILE=\"{}\",GPU_I_ID=\"{}\"",
            slice.profile, slice.instance
        );
    }
    let host = if view.old { "Hostname" } else { "hostname" };
    let _ = write!(out, ",{host}=\"{}\"", view.node);
    if !view.old {
        let _ = write!(out, ",DCGM_FI_DRIVER_VERSION=\"{DRIVER}\"");
    }
    // everything further is in alphabetical order
    let mut more: Vec<(&str, String)> = Vec::new();
    match entity.tenant {
        Some(tenant) => {
            more.push(("container", tenant.container.clone()));
            more.extend(tenant.claim.iter().cloned());
        }
        None if view.old => more.push(("container", String::new())),
        None => {}
    }
    if counter == "DEV_XID_ERRORS" && !view.old {
        let (code, text) = xid(view, index);
        more.push(("err_code", code.to_string()));
        more.push(("err_msg", text.to_owned()));
    }
    match entity.tenant {
        Some(tenant) => {
            more.push(("namespace", tenant.namespace.clone()));
            more.push(("pod", tenant.pod.clone()));
            if entity.virtual_gpu {
                more.push(("vgpu", tenant.share.unwrap_or(0).to_string()));
            }
        }
        None if view.old => {
            more.push(("namespace", String::new()));
            more.push(("pod", String::new()));
        }
        None => {}
    }
    for (name, text) in more {
        let _ = write!(out, ",{name}=\"{text}\"");
    }
    out.push('}');
}

/// The value as it is written; `None` where this entity has no such counter.
fn value(view: &View<'_>, entity: &Entity<'_>, whole: &Reading, counter: &str) -> Option<String> {
    let (card, model) = (entity.card, entity.card.model);
    let slice = entity.slice.and_then(|s| card.slices.get(s));
    // a slice has engines and memory of its own; the rest it shares with its card
    let (load, memory) = match slice {
        Some(slice) => (
            entity.tenant.map(|t| t.load).unwrap_or_default(),
            slice.memory_mib,
        ),
        None => (whole.load, model.memory_mib),
    };
    let seed = hash(&card.uuid);
    let uptime = view.seconds();
    let wobble = |kind: u64| load::smooth(mix(seed ^ kind), uptime);
    let sick = view.inventory.is_sick(entity.index);
    // The card's own figures that no history is kept of: as if it had always been half used.
    let mean = f64::midpoint(model.watts.0, model.watts.1) * (0.7 + 0.6 * load::unit(seed));
    let reserved = memory / 128;
    let used = ((memory - reserved) as f64 * load.memory).round() as u64;
    let percent = |share: f64| ((share * 100.0).round() as u64).min(100).to_string();
    let ratio = |share: f64| format!("{:.6}", share.clamp(0.0, 1.0));
    let count = |n: f64| (n.max(0.0) as u64).to_string();
    let busy = whole.strain > 0.02;
    let blank = view.old && entity.index == 0;
    Some(match counter {
        "DEV_SM_CLOCK" => {
            let top = model.clocks.0 as f64;
            let held = if whole.load.memory > 0.0 { 0.9 } else { 0.15 };
            let share = if busy { 1.0 - 0.12 * wobble(1) } else { held };
            count(top * share / 15.0 * 15.0)
        }
        "DEV_MEM_CLOCK" => count(model.clocks.1 as f64),
        "DEV_MEMORY_TEMP" if !model.hbm && view.old => BLANK.to_owned(),
        "DEV_MEMORY_TEMP" if !model.hbm => "0".to_owned(),
        "DEV_MEMORY_TEMP" => (celsius(whole.strain, wobble(3)) + 7).to_string(),
        "DEV_GPU_TEMP" => celsius(whole.strain, wobble(2)).to_string(),
        "DEV_POWER_USAGE" if blank => BLANK_FLOAT.to_owned(),
        "DEV_POWER_USAGE" => format!("{:.6}", watts(card, whole.strain, wobble(4))),
        "DEV_TOTAL_ENERGY_CONSUMPTION" if blank => BLANK.to_owned(),
        "DEV_TOTAL_ENERGY_CONSUMPTION" => count(uptime * mean * 1000.0),
        "DEV_PCIE_REPLAY_COUNTER" => (seed % 97 / 90).to_string(),
        // not known of slices
        "DEV_GPU_UTIL" | "DEV_MEM_COPY_UTIL" if slice.is_some() => return None,
        "DEV_GPU_UTIL" => percent(load.util),
        "DEV_MEM_COPY_UTIL" => percent(load.dram * 0.9),
        "DEV_ENC_UTIL" | "DEV_DEC_UTIL" if slice.is_some() => return None,
        "DEV_ENC_UTIL" | "DEV_DEC_UTIL" | "DEV_VGPU_LICENSE_STATUS" => "0".to_owned(),
        "DEV_XID_ERRORS" => xid(view, entity.index).0.to_string(),
        "DEV_FB_USED" => used.to_string(),
        "DEV_FB_FREE" => (memory - reserved - used.min(memory - reserved)).to_string(),
        "DEV_FB_RESERVED" => reserved.to_string(),
        "DEV_UNCORRECTABLE_REMAPPED_ROWS" => u64::from(sick).to_string(),
        "DEV_CORRECTABLE_REMAPPED_ROWS" => (seed % 53 / 50).to_string(),
        "DEV_ROW_REMAP_FAILURE" => "0".to_owned(),
        // these machines link their cards, the small ones do not
        "DEV_NVLINK_BANDWIDTH_TOTAL" if !model.hbm => return None,
        "DEV_NVLINK_BANDWIDTH_TOTAL" => count(uptime * 2e4 * (1.0 + load::unit(seed))),
        // an old exporter does not collect them
        "PROF_GR_ENGINE_ACTIVE"
        | "PROF_PIPE_TENSOR_ACTIVE"
        | "PROF_DRAM_ACTIVE"
        | "PROF_PCIE_TX_BYTES"
        | "PROF_PCIE_RX_BYTES"
            if view.old =>
        {
            return None;
        }
        "PROF_GR_ENGINE_ACTIVE" => ratio(load.engine),
        "PROF_PIPE_TENSOR_ACTIVE" => ratio(load.tensor),
        "PROF_DRAM_ACTIVE" => ratio(load.dram),
        "PROF_PCIE_TX_BYTES" => count(load.traffic * 0.4 + 3e4 * wobble(5)),
        "PROF_PCIE_RX_BYTES" => count(load.traffic + 4e4 * wobble(6)),
        _ => return None,
    })
}
