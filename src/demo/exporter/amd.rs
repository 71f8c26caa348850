//! The text of AMD's device metrics exporter: labels in alphabetical order, empty where nobody holds the card.

use std::fmt::Write;

use super::{Tenant, View, celsius, load, watts};
use crate::controllers::kubelet::{hash, mix};
use crate::devices::Card;

/// Name, help.
const GAUGES: &[(&str, &str)] = &[
    ("gpu_gfx_activity", "Graphics engine usage (0-100)"),
    ("gpu_umc_activity", "Memory engine usage (0-100)"),
    ("gpu_package_power", "Current socket power in Watts"),
    ("gpu_power_usage", "GPU power usage in Watts"),
    (
        "gpu_energy_consumed",
        "Accumulated energy consumed by the GPU in uJ",
    ),
    (
        "gpu_junction_temperature",
        "Junction temperature in Celsius",
    ),
    ("gpu_memory_temperature", "Memory temperature in Celsius"),
    ("gpu_total_vram", "Total VRAM memory of the GPU (in MB)"),
    ("gpu_used_vram", "Used VRAM memory of the GPU (in MB)"),
    ("gpu_free_vram", "Free VRAM memory of the GPU (in MB)"),
    ("gpu_ecc_correct_total", "Total Correctable error count"),
    ("gpu_ecc_uncorrect_total", "Total Uncorrectable error count"),
    ("pcie_replay_count", "Total number of PCIe replays (NAKs)"),
    (
        "gpu_health",
        "Health of the GPU (1 = healthy | 0 = unhealthy)",
    ),
];

pub fn text(view: &View<'_>) -> String {
    let mut out = String::new();
    let cards = view.inventory.cards.iter().enumerate();
    let _ = writeln!(out, "# HELP gpu_nodes_total Number of GPU in the node");
    let _ = writeln!(out, "# TYPE gpu_nodes_total gauge");
    let total: usize = cards.clone().map(|(_, c)| c.slices.len().max(1)).sum();
    let _ = writeln!(out, "gpu_nodes_total{{hostname=\"{}\"}} {total}", view.node);
    for (name, help) in GAUGES {
        let _ = writeln!(out, "# HELP {name} {help}");
        let _ = writeln!(out, "# TYPE {name} gauge");
        let mut id = 0;
        for (index, card) in cards.clone() {
            for part in 0..card.slices.len().max(1) {
                let slice = (!card.slices.is_empty()).then_some(part);
                let tenant = view.on(index).find(|t| t.slice == slice);
                if let Some(value) = value(view, index, card, slice, tenant, name) {
                    let _ = write!(out, "{name}");
                    labels(&mut out, view, (id, card, slice), tenant);
                    let _ = writeln!(out, " {value}");
                }
                id += 1;
            }
        }
    }
    out
}

fn labels(
    out: &mut String,
    view: &View<'_>,
    (id, card, slice): (usize, &Card, Option<usize>),
    tenant: Option<&Tenant>,
) {
    let of = |f: fn(&Tenant) -> &String| tenant.map(f).cloned().unwrap_or_default();
    let mode = slice.and_then(|s| card.slices.get(s));
    let (compute, memory) = mode
        .and_then(|s| s.profile.split_once('_'))
        .unwrap_or(("spx", "nps1"));
    let all: [(&str, String); 15] = [
        ("card_model", "102-G30211-0C".to_owned()),
        ("card_series", card.model.name.to_owned()),
        ("card_vendor", "AMD".to_owned()),
        ("container", of(|t| &t.container)),
        ("driver_version", "6.12.12".to_owned()),
        ("gpu_compute_partition_type", compute.to_owned()),
        ("gpu_id", id.to_string()),
        ("gpu_memory_partition_type", memory.to_owned()),
        ("gpu_partition_id", slice.unwrap_or(0).to_string()),
        ("gpu_uuid", card.uuid.clone()),
        ("hostname", view.node.to_owned()),
        ("namespace", of(|t| &t.namespace)),
        ("pod", of(|t| &t.pod)),
        (
            "serial_number",
            format!("6924{:08}", hash(&card.uuid) % 100_000_000),
        ),
        ("vbios_version", "022.040.003.043.000001".to_owned()),
    ];
    for (nth, (name, text)) in all.iter().enumerate() {
        let open = if nth == 0 { '{' } else { ',' };
        let _ = write!(out, "{open}{name}=\"{text}\"");
    }
    out.push('}');
}

fn value(
    view: &View<'_>,
    index: usize,
    card: &Card,
    slice: Option<usize>,
    tenant: Option<&Tenant>,
    gauge: &str,
) -> Option<String> {
    let whole = view.reading(index, card);
    let load = match slice {
        Some(_) => tenant.map(|t| t.load).unwrap_or_default(),
        None => whole.load,
    };
    let memory = match slice.and_then(|s| card.slices.get(s)) {
        Some(slice) => slice.memory_mib,
        None => card.model.memory_mib,
    };
    let seed = hash(&card.uuid);
    let wobble = |kind: u64| load::smooth(mix(seed ^ kind), view.seconds());
    let used = 283 + (memory.saturating_sub(283) as f64 * load.memory) as u64;
    let mean = f64::midpoint(card.model.watts.0, card.model.watts.1);
    let first = slice.unwrap_or(0) == 0;
    Some(match gauge {
        // of a partitioned card it is not known
        "gpu_gfx_activity" if slice.is_some() => return None,
        "gpu_gfx_activity" => ((load.util * 100.0).round() as u64).to_string(),
        "gpu_umc_activity" => ((load.dram * 100.0).round() as u64).to_string(),
        // the socket's own figures come with its first partition
        "gpu_package_power" | "gpu_power_usage" | "gpu_energy_consumed" if !first => {
            return None;
        }
        "gpu_package_power" | "gpu_power_usage" => {
            (watts(card, whole.strain, wobble(4)).round() as u64).to_string()
        }
        "gpu_energy_consumed" => ((view.seconds() * mean * 1e6) as u64).to_string(),
        "gpu_junction_temperature" => (celsius(whole.strain, wobble(2)) + 6).to_string(),
        "gpu_memory_temperature" => celsius(whole.strain, wobble(3)).to_string(),
        "gpu_total_vram" => memory.to_string(),
        "gpu_used_vram" => used.to_string(),
        "gpu_free_vram" => memory.saturating_sub(used).to_string(),
        "gpu_health" => u64::from(!view.inventory.is_sick(index)).to_string(),
        _ => "0".to_owned(),
    })
}
