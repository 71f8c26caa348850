//! What the labels of a node tell of its GPUs, as GPU feature discovery, the GPU operator, the DRA driver and AMD's
//! labeller write them.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::super::meta::{Meta, named};
use crate::model::ids::{Name, Names};
use crate::model::node::{GpuFacts, MigFacts};

/// What labels tell.
#[derive(Debug, Default)]
pub struct Told {
    /// `None` where no label tells any.
    pub gpu: Option<Arc<GpuFacts>>,
    pub clique: Option<Name>,
    pub labelled: Option<DateTime<Utc>>,
}

/// Takes the labels apart.
pub fn facts(meta: &Meta, names: &mut Names) -> Told {
    let mut facts = GpuFacts::default();
    let (mut clique, mut labelled) = (None, None);
    let (mut major, mut minor) = ("", "");
    let (mut old_major, mut old_minor, mut old_rev) = ("", "", "");
    let (mut cuda_major, mut cuda_minor) = ("", "");
    for (key, value) in &meta.labels {
        let value = value.as_str();
        let number = || value.parse::<u32>().ok();
        let Some(key) = key.strip_prefix("nvidia.com/") else {
            match key.as_str() {
                "amd.com/compute-memory-partition" => facts.partition = named(names, value),
                "amd.com/gpu.driver-version" | "beta.amd.com/gpu.driver-version" => {
                    facts.driver = named(names, value);
                }
                "amd.com/gpu.family" | "beta.amd.com/gpu.family" => {
                    facts.family = named(names, value);
                }
                // where no clique label is: the same thing as topology tools name it
                "network.topology.nvidia.com/accelerator" if clique.is_none() => {
                    clique = named(names, value);
                }
                _ => {}
            }
            continue;
        };
        match key {
            "gpu.count" => facts.count = number(),
            "gpu.replicas" => facts.replicas = number(),
            "gpu.sharing-strategy" => facts.sharing = named(names, value),
            "gpu.memory" => facts.memory_mib = number(),
            "gpu.family" => facts.family = named(names, value),
            "gpu.machine" => facts.machine = named(names, value),
            "gpu.clique" => clique = named(names, value),
            "gpu.compute.major" => major = value,
            "gpu.compute.minor" => minor = value,
            "mig.strategy" => facts.mig_strategy = named(names, value),
            "mig.config" => facts.mig_config = named(names, value),
            "mig.config.state" => facts.mig_state = named(names, value),
            "cuda.driver-version.full" => facts.driver = named(names, value),
            "cuda.runtime-version.full" => facts.cuda = named(names, value),
            "cuda.driver.major" => old_major = value,
            "cuda.driver.minor" => old_minor = value,
            "cuda.driver.rev" => old_rev = value,
            "cuda.runtime.major" => cuda_major = value,
            "cuda.runtime.minor" => cuda_minor = value,
            "gfd.timestamp" => {
                let seconds = value.parse().ok();
                labelled = seconds.and_then(|s| DateTime::from_timestamp(s, 0));
            }
            _ => {
                if let Some((profile, what)) = mig(key) {
                    set(&mut facts.mig, names.get(profile), what, number());
                }
            }
        }
    }
    let dotted = |names: &mut Names, parts: &[&str]| -> Option<Name> {
        let parts: Vec<&str> = parts.iter().copied().filter(|p| !p.is_empty()).collect();
        named(names, &parts.join("."))
    };
    facts.compute = dotted(names, &[major, minor]);
    if facts.driver.is_none() {
        facts.driver = dotted(names, &[old_major, old_minor, old_rev]);
    }
    if facts.cuda.is_none() {
        facts.cuda = dotted(names, &[cuda_major, cuda_minor]);
    }
    facts.mig.sort_by(|a, b| a.profile.cmp(&b.profile));
    let any = clique.is_some() || labelled.is_some() || facts != GpuFacts::default();
    Told {
        gpu: any.then(|| names.gpu(facts)),
        clique,
        labelled,
    }
}

/// `mig-1g.10gb.count` → `1g.10gb` and `count`; profiles have dots of their own.
fn mig(key: &str) -> Option<(&str, &str)> {
    let (profile, what) = key.strip_prefix("mig-")?.rsplit_once('.')?;
    matches!(what, "count" | "replicas" | "memory").then_some((profile, what))
}

fn set(all: &mut Vec<MigFacts>, profile: Name, what: &str, value: Option<u32>) {
    let at = match all.iter().position(|mig| mig.profile == profile) {
        Some(at) => at,
        None => {
            all.push(MigFacts {
                profile,
                ..MigFacts::default()
            });
            all.len() - 1
        }
    };
    match what {
        "count" => all[at].count = value,
        "replicas" => all[at].replicas = value,
        _ => all[at].memory_mib = value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(labels: &[(&str, &str)]) -> Told {
        let labels = labels.iter().map(|(k, v)| ((*k).into(), (*v).into()));
        let meta = Meta {
            labels: labels.collect(),
            ..Meta::default()
        };
        facts(&meta, &mut Names::default())
    }

    #[test]
    fn labels_of_a_cut_node() {
        let told = of(&[
            ("nvidia.com/gpu.count", "8"),
            ("nvidia.com/gpu.replicas", "1"),
            ("nvidia.com/gpu.compute.major", "9"),
            ("nvidia.com/gpu.compute.minor", "0"),
            ("nvidia.com/gpu.clique", "7b3c.1"),
            ("nvidia.com/mig.strategy", "mixed"),
            ("nvidia.com/mig.config", "all-balanced"),
            ("nvidia.com/mig.config.state", "pending"),
            ("nvidia.com/mig-1g.10gb.count", "14"),
            ("nvidia.com/mig-1g.10gb.slices.gi", "1"),
            (
                "nvidia.com/mig-1g.10gb.product",
                "NVIDIA-A100-SXM4-80GB-MIG-1g.10gb",
            ),
            ("nvidia.com/mig-3g.40gb.count", "6"),
            ("nvidia.com/cuda.driver.major", "570"),
            ("nvidia.com/cuda.driver.minor", "124"),
            ("nvidia.com/cuda.driver.rev", "06"),
            ("nvidia.com/cuda.runtime-version.full", "12.8"),
            ("nvidia.com/gfd.timestamp", "1764979200"),
            ("kubernetes.io/arch", "amd64"),
        ]);
        let facts = told.gpu.unwrap();
        assert_eq!(
            (facts.count, facts.replicas, facts.compute.as_deref()),
            (Some(8), Some(1), Some("9.0"))
        );
        assert_eq!(
            (told.clique.as_deref(), facts.mig_state.as_deref()),
            (Some("7b3c.1"), Some("pending"))
        );
        assert_eq!(
            (facts.driver.as_deref(), facts.cuda.as_deref()),
            (Some("570.124.06"), Some("12.8"))
        );
        assert_eq!(told.labelled.map(|t| t.timestamp()), Some(1_764_979_200));
        let mig: Vec<(&str, Option<u32>)> =
            facts.mig.iter().map(|m| (&*m.profile, m.count)).collect();
        assert_eq!(mig, [("1g.10gb", Some(14)), ("3g.40gb", Some(6))]);
    }

    #[test]
    fn nothing_is_made_of_other_labels() {
        assert_eq!(
            of(&[
                ("kubernetes.io/arch", "amd64"),
                ("nvidia.com/mig-", "x"),
                ("nvidia.com/gpu.count", "many")
            ])
            .gpu,
            None
        );
    }
}
