//! Countable resources of a pod or node: GPUs under their resource name, cpu and memory.

use super::ids::Name;

/// Amounts of extended resources by resource name, e.g. `nvidia.com/gpu` → 8; sorted by name, no zeros.
/// Slices and shares stay under their own name and are never added to whole GPUs.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Devices(pub Vec<(Name, u32)>);

impl Devices {
    /// Adds an amount under a name (0 adds nothing).
    pub fn add(&mut self, name: Name, amount: u32) {
        if amount == 0 {
            return;
        }
        match self.0.binary_search_by(|(n, _)| n.cmp(&name)) {
            Ok(at) => self.0[at].1 = self.0[at].1.saturating_add(amount),
            Err(at) => {
                // most have one kind, and there are many of them
                self.0.reserve_exact(1);
                self.0.insert(at, (name, amount));
            }
        }
    }

    /// Adds all amounts of another set.
    pub fn add_all(&mut self, other: &Self) {
        for (name, amount) in &other.0 {
            self.add(name.clone(), *amount);
        }
    }

    /// Takes another set's amounts away, not below zero.
    pub fn subtract(&mut self, other: &Self) {
        for (name, amount) in &other.0 {
            if let Ok(at) = self.0.binary_search_by(|(n, _)| n.cmp(name)) {
                self.0[at].1 = self.0[at].1.saturating_sub(*amount);
                if self.0[at].1 == 0 {
                    self.0.remove(at);
                }
            }
        }
    }

    pub fn get(&self, name: &str) -> u32 {
        self.0
            .iter()
            .find(|(n, _)| &**n == name)
            .map_or(0, |(_, a)| *a)
    }

    /// All amounts multiplied.
    pub fn times(&self, n: u32) -> Self {
        if n == 0 {
            return Self::default();
        }
        Self(
            self.0
                .iter()
                .map(|(name, a)| (name.clone(), a.saturating_mul(n)))
                .collect(),
        )
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Sum of everything that is a device of some kind, for sorting and the `gpu>0` filter.
    pub fn total(&self) -> u32 {
        self.0.iter().map(|(_, a)| *a).fold(0, u32::saturating_add)
    }
}

/// True for resources that pods ask for like devices and that are none: network adapters, FPGAs, hugepages.
pub fn is_extra(name: &str) -> bool {
    let own = |vendor: &str| vendor == "kubernetes.io" || vendor.ends_with(".kubernetes.io");
    name.starts_with("hugepages-")
        || name
            .split_once('/')
            .is_some_and(|(vendor, kind)| !own(vendor) && !kind.contains("monitoring"))
            && !is_device(name)
}

/// True for resource names that are accelerators: GPUs, their slices and shares, TPUs, Neuron, Gaudi;
/// not the `*_monitoring` names of Intel's plugin.
pub fn is_device(name: &str) -> bool {
    let Some((vendor, kind)) = name.split_once('/') else {
        return false;
    };
    match vendor {
        "nvidia.com" => kind == "gpu" || kind == "gpu.shared" || kind.starts_with("mig-"),
        "amd.com" => !kind.starts_with("cpu"),
        "gpu.intel.com" => !kind.contains("monitoring"),
        "google.com" => kind == "tpu",
        "aws.amazon.com" => kind.starts_with("neuron"),
        "habana.ai" => true,
        _ => kind.contains("gpu") || kind.contains("npu"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_keep_their_own_names() {
        let mut d = Devices::default();
        d.add("nvidia.com/mig-1g.10gb".into(), 2);
        d.add("nvidia.com/gpu".into(), 1);
        d.add("nvidia.com/gpu".into(), 3);
        assert_eq!(
            (d.get("nvidia.com/gpu"), d.times(2).total(), d.0.len()),
            (4, 12, 2)
        );
        assert!(
            is_device("gpu.intel.com/i915")
                && !is_device("gpu.intel.com/i915_monitoring")
                && !is_device("cpu")
        );
    }
}
