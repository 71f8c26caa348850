//! What one of a resource is: a whole GPU, a share of one, a MIG device … Two are added up only where their units are
//! equal (gpu reference, section 1).

use crate::model::ids::Name;
use crate::model::node::NodeRow;

/// One of a resource on a node.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Unit {
    /// A whole GPU.
    Gpu,
    /// One of `per` shares of a GPU (time-slicing or MPS); 0: how many is not told.
    Share { per: u32, mps: bool },
    /// A MIG device; `slices` of `per` compute slices of its card.
    Mig { profile: Name, slices: u8, per: u8 },
    /// A compute partition of an AMD GPU, `per` of which make a card.
    Partition { mode: Name, per: u8 },
    /// A whole accelerator that is no GPU: a TPU chip, a Gaudi or Neuron card.
    Chip,
    /// A part of such a one, counted beside it (a Neuron core).
    Core,
    /// Anything else a node offers by number.
    Other,
}

/// A resource in a unit: what totals are kept by.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Kind {
    pub unit: Unit,
    /// `nvidia.com/gpu`; of devices that are claimed the driver, `gpu.nvidia.com`.
    pub resource: Name,
}

/// Millionths.
pub const WHOLE: u64 = 1_000_000;

impl Unit {
    /// GPU equivalents of one, in millionths; 0 where it is no GPU or the part is not known. Shares of time-slicing
    /// are of one another's time, so this is what one has when all are busy.
    pub fn equivalent(&self) -> u64 {
        let part = |n: u64, of: u64| (n * WHOLE + of / 2).checked_div(of).unwrap_or(0);
        match self {
            Self::Gpu => WHOLE,
            Self::Share { per, .. } => part(1, u64::from(*per)),
            Self::Mig { slices, per, .. } => part(u64::from(*slices), u64::from(*per)),
            Self::Partition { per, .. } => part(1, u64::from(*per)),
            Self::Chip | Self::Core | Self::Other => 0,
        }
    }

    /// How many of it a card has, where that is fixed.
    pub fn per_card(&self) -> Option<u32> {
        match self {
            Self::Gpu | Self::Chip => Some(1),
            Self::Share { per, .. } => Some(*per).filter(|n| *n > 0),
            Self::Mig {
                slices,
                per,
                profile,
            } => Some(mig_per_card(profile, *slices, *per)),
            Self::Partition { per, .. } => Some(u32::from(*per)),
            Self::Core | Self::Other => None,
        }
    }

    /// It is made of GPUs: whole ones or parts.
    pub fn is_gpu(&self) -> bool {
        !matches!(self, Self::Chip | Self::Core | Self::Other)
    }

    /// A whole card of its sort.
    pub fn is_whole(&self) -> bool {
        matches!(self, Self::Gpu | Self::Chip)
    }

    /// The word after a number: `GPUs`, `shares`, `1g.10gb`.
    pub fn words(&self) -> String {
        match self {
            Self::Gpu => "GPUs".into(),
            Self::Share { mps: true, .. } => "MPS shares".into(),
            Self::Share { .. } => "shares".into(),
            Self::Mig { profile, .. } => profile.to_string(),
            Self::Partition { mode, .. } => format!("{mode} partitions"),
            Self::Chip => "chips".into(),
            Self::Core => "cores".into(),
            Self::Other => "devices".into(),
        }
    }
}

/// How many devices of one profile a card takes: memory slices run out before compute slices for some
/// (MIG user guide, supported profiles).
fn mig_per_card(profile: &str, slices: u8, per: u8) -> u32 {
    let per = u32::from(per);
    match (slices, per) {
        (0, _) => 1,
        // of 8 memory slices a 3g takes 4, a 1g with double memory 2
        (3, 7) => 2,
        (1, 7) if double_memory(profile) => 4,
        (n, per) => (per / u32::from(n)).max(1),
    }
}

/// `1g.20gb` of an 80 GB card, `1g.10gb` of a 40 GB one, and so on: the second of two 1g profiles. Which it is cannot
/// be told from the name alone, but for the cards there are.
fn double_memory(profile: &str) -> bool {
    matches!(
        profile,
        "1g.20gb" | "1g.24gb" | "1g.35gb" | "1g.45gb" | "1g.47gb" | "1g.36gb"
    )
}

/// Compute slices of a profile: the `3` of `3g.40gb`, the `1` of `1c.3g.40gb`.
pub fn slices(profile: &str) -> u8 {
    let digits = profile.find(|c: char| !c.is_ascii_digit()).unwrap_or(0);
    profile[..digits].parse().unwrap_or(0)
}

/// Compute slices of a card of this product: 4 on an A30 (and RTX PRO cards with four), 7 on all others.
pub fn slices_of_card(product: Option<&str>) -> u8 {
    let small = |p: &str| p.contains("A30") || p.contains("RTX-PRO") || p.contains("RTX PRO");
    if product.is_some_and(small) { 4 } else { 7 }
}

/// A MIG device of a profile.
pub fn mig(profile: Name, product: Option<&str>) -> Unit {
    Unit::Mig {
        slices: slices(&profile),
        per: slices_of_card(product),
        profile,
    }
}

/// Strategy `single`: the product label says the profile that all cards are cut to.
pub fn single(product: &str) -> Option<Unit> {
    let (card, profile) = product.split_once("-MIG-")?;
    let profile = profile.trim_end_matches("-SHARED");
    (profile != "INVALID").then(|| mig(profile.into(), Some(card)))
}

/// What one of a resource is on a node; without one (a pod was seen before it), what its name says.
pub fn unit_of(resource: &str, node: Option<&NodeRow>) -> Unit {
    let Some((vendor, kind)) = resource.split_once('/') else {
        return Unit::Other;
    };
    let product = node.and_then(|n| n.product.as_deref());
    let facts = node.and_then(|n| n.gpu.as_deref());
    match vendor {
        "nvidia.com" => {
            let (kind, renamed) = match kind.strip_suffix(".shared") {
                Some(kind) => (kind, true),
                None => (kind, false),
            };
            let mps = facts.is_some_and(|f| f.sharing.as_deref() == Some("mps"));
            if let Some(profile) = kind.strip_prefix("mig-") {
                let own = facts.and_then(|f| f.mig.iter().find(|m| *m.profile == *profile));
                return match own.and_then(|m| m.replicas).unwrap_or(1) {
                    // a share of a slice: of which card it is how much, nobody can say
                    n if n > 1 || renamed => Unit::Share { per: 0, mps },
                    _ => mig(profile.into(), product),
                };
            }
            if kind != "gpu" {
                return Unit::Other;
            }
            let replicas = facts.and_then(|f| f.replicas).unwrap_or(1);
            let slice = product.and_then(single);
            if renamed || replicas > 1 {
                // of a slice, too, nobody can say which part of a card it is
                let per = match slice {
                    None if replicas > 1 => replicas,
                    _ => 0,
                };
                return Unit::Share { per, mps };
            }
            slice.unwrap_or(Unit::Gpu)
        }
        "amd.com" => match kind {
            "gpu" => match facts.and_then(|f| f.partition.as_deref()) {
                Some(mode) => partition(mode, product),
                None => Unit::Gpu,
            },
            mode if is_partition(mode) => partition(mode, product),
            _ => Unit::Other,
        },
        "gpu.intel.com" => match kind {
            "i915" | "xe" => Unit::Gpu,
            _ => Unit::Other,
        },
        "google.com" if kind == "tpu" => Unit::Chip,
        "aws.amazon.com" => match kind {
            "neuron" | "neurondevice" => Unit::Chip,
            "neuroncore" => Unit::Core,
            _ => Unit::Other,
        },
        "habana.ai" => Unit::Chip,
        _ if kind == "gpu" => Unit::Gpu,
        _ if kind == "npu" => Unit::Chip,
        _ => Unit::Other,
    }
}

/// `spx_nps1`, `cpx_nps4` …
fn is_partition(mode: &str) -> bool {
    let compute = mode.split('_').next().unwrap_or(mode);
    matches!(compute, "spx" | "dpx" | "tpx" | "qpx" | "cpx")
}

/// AMD's compute partition modes: how many of them a card is cut into. `cpx` is one per die: 8 on MI300X and its
/// successors, 6 on MI300A, 4 on MI308X.
fn partition(mode: &str, product: Option<&str>) -> Unit {
    let product = product.unwrap_or_default();
    let per = match mode.to_ascii_lowercase().split('_').next().unwrap_or("") {
        "spx" => return Unit::Gpu,
        "dpx" => 2,
        "tpx" => 3,
        "qpx" => 4,
        "cpx" if product.contains("MI300A") => 6,
        "cpx" if product.contains("MI308") => 4,
        "cpx" => 8,
        _ => return Unit::Gpu,
    };
    Unit::Partition {
        mode: mode.into(),
        per,
    }
}

/// The vendor behind a resource or a driver, to tell that both are about the same cards.
pub fn vendor(name: &str) -> Option<&'static str> {
    let domain = name.split_once('/').map_or(name, |(domain, _)| domain);
    let is = |vendor: &str| domain == vendor || domain.ends_with(&format!(".{vendor}"));
    [
        "nvidia.com",
        "amd.com",
        "intel.com",
        "google.com",
        "habana.ai",
    ]
    .into_iter()
    .find(|v| is(v))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::model::fixture::{devices, node};
    use crate::model::node::{GpuFacts, MigFacts};

    fn of(resource: &str, product: &str, change: impl FnOnce(&mut GpuFacts)) -> Unit {
        let mut row = node(1, "n", devices(resource, 1));
        row.product = Some(product.into());
        let mut facts = GpuFacts::default();
        change(&mut facts);
        row.gpu = Some(facts.into());
        unit_of(resource, Some(&row))
    }

    #[test]
    fn every_sharing_mode_has_its_unit() {
        let h100 = "NVIDIA-H100-80GB-HBM3";
        assert_eq!(
            of("nvidia.com/gpu", h100, |f| f.replicas = Some(1)),
            Unit::Gpu
        );
        // replicas 0: every card is cut, and nothing whole is left to share
        assert_eq!(
            of("nvidia.com/gpu", h100, |f| f.replicas = Some(0)),
            Unit::Gpu
        );
        let shared = of("nvidia.com/gpu", "Tesla-T4-SHARED", |f| {
            f.replicas = Some(4)
        });
        assert_eq!(shared, Unit::Share { per: 4, mps: false });
        let renamed = of("nvidia.com/gpu.shared", "NVIDIA-L4", |f| {
            (f.replicas, f.sharing) = (Some(10), Some("mps".into()));
        });
        assert_eq!(renamed, Unit::Share { per: 10, mps: true });
        let single = of("nvidia.com/gpu", "NVIDIA-A100-SXM4-80GB-MIG-1g.10gb", |f| {
            f.replicas = Some(1)
        });
        assert_eq!(single, mig("1g.10gb".into(), None));
        // shares of slices: their number says nothing of cards
        for (resource, product) in [
            ("nvidia.com/gpu", "NVIDIA-A100-SXM4-80GB-MIG-1g.10gb-SHARED"),
            ("nvidia.com/gpu.shared", "NVIDIA-A100-SXM4-80GB-MIG-1g.10gb"),
        ] {
            let unit = of(resource, product, |f| f.replicas = Some(2));
            assert_eq!(unit, Unit::Share { per: 0, mps: false }, "{product}");
        }
        let mixed = of("nvidia.com/mig-3g.40gb", h100, |_| {});
        assert_eq!((mixed.equivalent(), mixed.per_card()), (428_571, Some(2)));
        let sliced = of("nvidia.com/mig-1g.10gb", h100, |f| {
            f.mig = vec![MigFacts {
                profile: "1g.10gb".into(),
                replicas: Some(2),
                ..MigFacts::default()
            }];
        });
        assert_eq!(sliced.equivalent(), 0);
        assert_eq!(
            of("nvidia.com/gpu", "NVIDIA-A100-MIG-INVALID", |_| {}),
            Unit::Gpu
        );
    }

    #[rstest]
    #[case("amd.com/gpu", Unit::Gpu)]
    #[case("amd.com/spx_nps1", Unit::Gpu)]
    #[case("amd.com/cpx_nps4", Unit::Partition { mode: "cpx_nps4".into(), per: 8 })]
    #[case("gpu.intel.com/i915", Unit::Gpu)]
    #[case("gpu.intel.com/xe", Unit::Gpu)]
    #[case("google.com/tpu", Unit::Chip)]
    #[case("aws.amazon.com/neuron", Unit::Chip)]
    #[case("aws.amazon.com/neuroncore", Unit::Core)]
    #[case("habana.ai/gaudi", Unit::Chip)]
    #[case("rdma/hca", Unit::Other)]
    #[case("cpu", Unit::Other)]
    fn other_vendors(#[case] resource: &str, #[case] unit: Unit) {
        assert_eq!(unit_of(resource, None), unit);
    }

    #[test]
    fn amd_partitions_under_the_plain_name() {
        let cpx = of("amd.com/gpu", "AMD_Instinct_MI300X_OAM", |f| {
            f.partition = Some("cpx_nps4".into())
        });
        assert_eq!((cpx.equivalent(), cpx.per_card()), (125_000, Some(8)));
        assert_eq!(
            of("amd.com/gpu", "AMD_Instinct_MI300A", |f| f.partition =
                Some("CPX".into()))
            .per_card(),
            Some(6)
        );
    }

    #[test]
    fn profiles_by_compute_slices() {
        assert_eq!(
            ["1g.10gb", "3g.40gb", "7g.80gb", "1c.3g.40gb", "x"].map(slices),
            [1, 3, 7, 1, 0]
        );
        let a30 = mig("2g.12gb".into(), Some("NVIDIA-A30"));
        assert_eq!((a30.equivalent(), a30.per_card()), (500_000, Some(2)));
        let per = |p: &str| mig(p.into(), Some("NVIDIA-H100-80GB-HBM3")).per_card();
        assert_eq!(
            [
                "1g.10gb", "1g.20gb", "2g.20gb", "3g.40gb", "4g.40gb", "7g.80gb"
            ]
            .map(per),
            [7, 4, 3, 2, 1, 1].map(Some)
        );
    }

    #[test]
    fn drivers_and_resources_of_one_vendor() {
        assert_eq!(vendor("nvidia.com/gpu"), vendor("gpu.nvidia.com"));
        assert_eq!(vendor("gpu.intel.com/xe"), Some("intel.com"));
        assert_eq!(vendor("gpu.example.com"), None);
    }
}
