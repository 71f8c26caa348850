//! The kinds of machine of the scene, and which GPUs each has in which way.

/// A kind of machine.
pub struct Family {
    pub name: &'static str,
    /// How many nodes of the default scene are of this family.
    pub share: usize,
    pub(super) instance: &'static str,
    pub(super) cpus: u32,
    pub(super) memory_gib: u32,
    pub(super) gpus: Gpus,
}

/// Which GPUs a family has, and how they are offered.
pub(super) enum Gpus {
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
        strategy: &'static str,
    },
    /// All cards cut into slices of one profile, offered under the plain name.
    Single {
        card: &'static Card,
        count: u32,
        profile: &'static str,
    },
    /// Some cards cut into MIG slices, the others whole.
    Mixed {
        card: &'static Card,
        count: u32,
        whole: u32,
        slices: &'static [(&'static str, u32, u32)],
    },
    /// MIG is on, and the plugin's strategy is to take no notice of it.
    Unnoticed {
        card: &'static Card,
        count: u32,
    },
    /// Offered by a DRA driver only: the node's capacity knows nothing of them.
    Claimed {
        card: &'static Card,
        count: u32,
    },
    Amd {
        count: u32,
        /// `cpx_nps4`: eight partitions per card.
        partition: Option<&'static str>,
    },
    Intel {
        driver: &'static str,
        count: u32,
        product: &'static str,
        family: &'static str,
        device: &'static str,
    },
    Tpu {
        chips: u32,
        topology: &'static str,
    },
}

pub(super) struct Card {
    pub product: &'static str,
    pub memory_mib: u32,
    pub family: &'static str,
    pub compute: (&'static str, &'static str),
    pub machine: &'static str,
    pub mig: bool,
}

#[rustfmt::skip]
mod cards {
    use super::Card;

    pub const T4: Card = Card { product: "Tesla-T4", memory_mib: 15360, family: "turing", compute: ("7", "5"), machine: "Google-Compute-Engine", mig: false };
    pub const L4: Card = Card { product: "NVIDIA-L4", memory_mib: 23034, family: "ada-lovelace", compute: ("8", "9"), machine: "Google-Compute-Engine", mig: false };
    pub const L40S: Card = Card { product: "NVIDIA-L40S", memory_mib: 46068, family: "ada-lovelace", compute: ("8", "9"), machine: "g6e.48xlarge", mig: false };
    pub const A10G: Card = Card { product: "NVIDIA-A10G", memory_mib: 23028, family: "ampere", compute: ("8", "6"), machine: "g5.24xlarge", mig: false };
    pub const A30: Card = Card { product: "NVIDIA-A30", memory_mib: 24576, family: "ampere", compute: ("8", "0"), machine: "PowerEdge-R750", mig: true };
    pub const A100: Card = Card { product: "NVIDIA-A100-SXM4-80GB", memory_mib: 81920, family: "ampere", compute: ("8", "0"), machine: "DGXA100-920-23687-2530-000", mig: true };
    pub const H100: Card = Card { product: "NVIDIA-H100-80GB-HBM3", memory_mib: 81559, family: "hopper", compute: ("9", "0"), machine: "DGXH100", mig: true };
    pub const H200: Card = Card { product: "NVIDIA-H200", memory_mib: 143_771, family: "hopper", compute: ("9", "0"), machine: "p5en.48xlarge", mig: true };
    pub const GB200: Card = Card { product: "NVIDIA-GB200", memory_mib: 189_471, family: "blackwell", compute: ("10", "0"), machine: "P4059-0100", mig: true };
}
use cards::{A10G, A30, A100, GB200, H100, H200, L4, L40S, T4};

/// Profile, devices on the node, compute instances per device.
const SLICES: &[(&str, u32, u32)] = &[("1g.10gb", 14, 1), ("3g.40gb", 4, 3)];

const fn family(
    name: &'static str,
    share: usize,
    instance: &'static str,
    (cpus, memory_gib): (u32, u32),
    gpus: Gpus,
) -> Family {
    Family {
        name,
        share,
        instance,
        cpus,
        memory_gib,
        gpus,
    }
}

/// All families, in the order in which nodes are made.
#[rustfmt::skip]
pub const FAMILIES: &[Family] = &[
    family("cpu-std", 4, "c6i.16xlarge", (64, 128), Gpus::None),
    family("gpu-t4", 3, "g4dn.12xlarge", (48, 192), Gpus::Whole { card: &T4, count: 4 }),
    family("gpu-l4-shared", 2, "g6.12xlarge", (48, 192), Gpus::Sliced { card: &L4, count: 2, replicas: 4, renamed: true, strategy: "time-slicing" }),
    family("gpu-l4", 1, "g6.24xlarge", (96, 384), Gpus::Sliced { card: &L4, count: 4, replicas: 2, renamed: false, strategy: "time-slicing" }),
    family("gpu-a100", 5, "p4de.24xlarge", (96, 1152), Gpus::Whole { card: &A100, count: 8 }),
    family("gpu-a100-mig", 2, "p4de.24xlarge", (96, 1152), Gpus::Mixed { card: &A100, count: 8, whole: 4, slices: SLICES }),
    family("gpu-h100", 5, "p5.48xlarge", (192, 2048), Gpus::Whole { card: &H100, count: 8 }),
    family("gpu-mi300x", 1, "mi300x.metal", (192, 2304), Gpus::Amd { count: 8, partition: None }),
    family("gpu-l40s", 2, "g6e.48xlarge", (192, 1536), Gpus::Whole { card: &L40S, count: 8 }),
    family("gpu-a100-mig1", 1, "p4de.24xlarge", (96, 1152), Gpus::Single { card: &A100, count: 8, profile: "2g.20gb" }),
    family("gpu-a30", 1, "r750xa", (64, 512), Gpus::Unnoticed { card: &A30, count: 4 }),
    family("gpu-a10g-mps", 1, "g5.24xlarge", (96, 384), Gpus::Sliced { card: &A10G, count: 4, replicas: 4, renamed: false, strategy: "mps" }),
    family("gpu-gb200", 4, "p6e-gb200.36xlarge", (144, 960), Gpus::Whole { card: &GB200, count: 4 }),
    family("gpu-h200", 3, "p5en.48xlarge", (192, 2048), Gpus::Claimed { card: &H200, count: 8 }),
    family("gpu-mi300x-cpx", 1, "mi300x.metal", (192, 2304), Gpus::Amd { count: 8, partition: Some("cpx_nps4") }),
    family("gpu-max1550", 1, "xe9680.metal", (104, 1024), Gpus::Intel { driver: "i915", count: 4, product: "Max_1550", family: "Max_Series", device: "0380-0bd5" }),
    family("gpu-b60", 1, "r770.metal", (64, 512), Gpus::Intel { driver: "xe", count: 4, product: "B60", family: "B_Series", device: "0300-e211" }),
    family("tpu-v5p", 2, "ct5p-hightpu-4t", (208, 448), Gpus::Tpu { chips: 4, topology: "2x2x2" }),
    family("cpu-spot", 1, "c7a.8xlarge", (32, 64), Gpus::None),
];

impl Gpus {
    /// Extended resources and their counts, the main one first.
    pub fn devices(&self) -> Vec<(String, u32)> {
        let one = |name: &str, count: u32| vec![(name.to_owned(), count)];
        match self {
            Self::None | Self::Claimed { .. } => Vec::new(),
            Self::Whole { count, .. } | Self::Unnoticed { count, .. } => {
                one("nvidia.com/gpu", *count)
            }
            Self::Sliced {
                count,
                replicas,
                renamed,
                ..
            } => {
                let suffix = if *renamed { ".shared" } else { "" };
                one(&format!("nvidia.com/gpu{suffix}"), count * replicas)
            }
            Self::Single { count, profile, .. } => one("nvidia.com/gpu", count * fit(profile)),
            Self::Mixed { whole, slices, .. } => {
                let slices = slices
                    .iter()
                    .map(|(profile, count, _)| (format!("nvidia.com/mig-{profile}"), *count));
                one("nvidia.com/gpu", *whole)
                    .into_iter()
                    .chain(slices)
                    .collect()
            }
            Self::Amd { count, partition } => match partition {
                None => one("amd.com/gpu", *count),
                Some(partition) => one(&format!("amd.com/{partition}"), count * 8),
            },
            // the plugin offers one way per node to watch all cards
            Self::Intel { driver, count, .. } => vec![
                (format!("gpu.intel.com/{driver}"), *count),
                (format!("gpu.intel.com/{driver}_monitoring"), 1),
            ],
            Self::Tpu { chips, .. } => one("google.com/tpu", *chips),
        }
    }

    pub fn is_nvidia(&self) -> bool {
        self.card().is_some()
    }

    /// NVIDIA's card and how many of it are in the machine.
    pub fn card(&self) -> Option<(&'static Card, u32)> {
        match self {
            Self::Whole { card, count }
            | Self::Sliced { card, count, .. }
            | Self::Single { card, count, .. }
            | Self::Mixed { card, count, .. }
            | Self::Unnoticed { card, count }
            | Self::Claimed { card, count } => Some((card, *count)),
            Self::None | Self::Amd { .. } | Self::Intel { .. } | Self::Tpu { .. } => None,
        }
    }

    /// Key and effect of the taint that keeps others off.
    pub fn taint(&self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::None => None,
            Self::Whole { card, .. } if ["turing", "ampere"].contains(&card.family) => {
                Some(("nvidia.com/gpu", "PreferNoSchedule"))
            }
            Self::Mixed { .. }
            | Self::Sliced {
                strategy: "time-slicing",
                ..
            } => Some(("nvidia.com/gpu", "PreferNoSchedule")),
            Self::Amd {
                partition: None, ..
            } => Some(("amd.com/gpu", "PreferNoSchedule")),
            Self::Amd { .. } => Some(("amd.com/gpu", "NoSchedule")),
            Self::Intel { driver: "i915", .. } => Some(("gpu.intel.com/i915", "NoSchedule")),
            Self::Intel { .. } => Some(("gpu.intel.com/xe", "NoSchedule")),
            Self::Tpu { .. } => Some(("google.com/tpu", "NoSchedule")),
            _ => Some(("nvidia.com/gpu", "NoSchedule")),
        }
    }
}

/// How many slices of a profile a card has room for.
fn fit(profile: &str) -> u32 {
    crate::devices::models::profile(profile).2 as u32
}
