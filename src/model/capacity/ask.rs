//! What is asked for: pods of one shape, typed or a workload's own. Separate from what fits, as quota and totals are
//! judged by it too.

use std::cmp::Reverse;

use super::share::product;
use super::unit::{Kind, Unit, vendor};
use crate::model::Model;
use crate::model::human::{bytes, cores};
use crate::model::ids::Name;
use crate::model::job::JobRow;
use crate::model::kueue::workload::PodSet;
use crate::model::node::NodeRow;
use crate::model::resources::{Devices, is_device, is_extra};
use crate::model::shape::{Requirement, Shape, Taint, Toleration, tolerates};

/// Pods of one shape.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Ask {
    /// Whole GPUs of a pod, of whatever vendor.
    pub gpus: u32,
    /// Devices it asks for by name.
    pub devices: Devices,
    pub extra: Devices,
    pub cpu_milli: u64,
    /// Bytes.
    pub memory: u64,
    pub ephemeral: u64,
    /// Only nodes whose product or machine type has this in its name, whatever the case.
    pub product: Option<String>,
    pub tolerations: Vec<Toleration>,
    /// Taints named like a device are tolerated, as the admission plugin ExtendedResourceToleration has it.
    pub gpu_taints: bool,
    pub selector: Vec<(Name, Name)>,
    pub affinity: Vec<Box<[Requirement]>>,
}

impl Ask {
    /// Pods of this shape.
    pub fn of(shape: &Shape) -> Self {
        Self {
            devices: shape.devices.clone(),
            extra: shape.extra.clone(),
            cpu_milli: shape.cpu_milli,
            memory: shape.memory,
            ephemeral: shape.ephemeral,
            tolerations: shape.tolerations.to_vec(),
            selector: shape.selector.to_vec(),
            affinity: shape.affinity.to_vec(),
            ..Self::default()
        }
    }

    /// The pods of a workload, and how many it wants: of its hungriest pod if it has any, else of its Workload, else of
    /// what its template asks for (then nothing is known of tolerations and node selectors).
    pub fn of_job(model: &Model, job: &JobRow) -> Option<(Self, u32)> {
        let own = model.pods_of(job.key).max_by_key(|pod| {
            (
                pod.shape.devices.total(),
                pod.shape.cpu_milli,
                Reverse(pod.key),
            )
        });
        if let Some(pod) = own {
            let alike = || {
                let all = model.pods_of(job.key);
                all.filter(|other| other.shape == pod.shape)
            };
            // those that are over want nothing any more
            let wanted = match alike().filter(|pod| !super::is_over(pod)).count() {
                0 => alike().count(),
                n => n,
            };
            let alike = u32::try_from(wanted).unwrap_or(u32::MAX);
            return Some((Self::of(&pod.shape), alike.max(1)));
        }
        if let Some(workload) = model.workload_of(job) {
            let sets = workload.pod_sets.iter().map(|set| (Self::of_set(set), set));
            let (ask, set) = sets.max_by_key(|(ask, _)| (ask.total(), ask.cpu_milli))?;
            return Some((ask, set.count.max(1)));
        }
        let role = job.roles.iter().max_by_key(|role| {
            let each = role.each.max(1);
            (role.devices.total() / each, role.beside.cpu_milli)
        });
        let (mut devices, beside, count) = match role {
            Some(role) => (role.devices.clone(), role.beside, role.pods()),
            None => (job.devices.clone(), job.beside, job.parallelism),
        };
        // a replica may be several pods
        let each = role.map_or(1, |role| role.each.max(1));
        devices.0.iter_mut().for_each(|(_, n)| *n /= each);
        let ask = Self {
            devices,
            cpu_milli: beside.cpu_milli,
            memory: beside.memory,
            gpu_taints: true,
            ..Self::default()
        };
        Some((ask, count.max(1)))
    }

    /// One pod of a set, whose requests are those of all its pods together.
    fn of_set(set: &PodSet) -> Self {
        let count = i64::from(set.count.max(1));
        let mut ask = Self {
            gpu_taints: true,
            ..Self::default()
        };
        for (name, all) in &set.requests {
            let one = all.max(&0) / count;
            let amount = u64::try_from(one).unwrap_or(0);
            let number = u32::try_from(one).unwrap_or(u32::MAX);
            match &**name {
                "cpu" => ask.cpu_milli = amount,
                "memory" => ask.memory = amount,
                "ephemeral-storage" => ask.ephemeral = amount,
                _ if is_device(name) => ask.devices.add(name.clone(), number),
                _ if is_extra(name) => ask.extra.add(name.clone(), number),
                _ => {}
            }
        }
        ask
    }

    /// Devices of one pod, whatever they are.
    pub fn total(&self) -> u32 {
        self.gpus.saturating_add(self.devices.total())
    }

    /// Whether a taint keeps such pods away.
    pub fn tolerates(&self, taint: &Taint) -> bool {
        tolerates(&self.tolerations, taint) || (self.gpu_taints && is_device(&taint.key))
    }

    /// `8 GPUs, 96 cpu, 1Ti`.
    pub fn words(&self) -> String {
        let mut parts = Vec::new();
        if self.gpus > 0 {
            parts.push(count(self.gpus, "GPU"));
        }
        parts.extend(self.devices.0.iter().map(|(name, n)| format!("{n} {name}")));
        if self.cpu_milli > 0 {
            parts.push(format!("{} cpu", cores(self.cpu_milli)));
        }
        if self.memory > 0 {
            parts.push(bytes(self.memory));
        }
        parts.extend(self.extra.0.iter().map(|(name, n)| format!("{n} {name}")));
        if let Some(product) = &self.product {
            parts.push(format!("on {product}"));
        }
        parts.join(", ")
    }

    pub(super) fn wants(&self, node: &NodeRow) -> bool {
        self.is_of(product(node).as_ref()) || self.is_of(node.machine.as_ref())
    }

    /// Its node selector and required affinity hold there.
    pub(super) fn selects(&self, node: &NodeRow) -> bool {
        let shape = Shape {
            affinity: self.affinity.clone().into(),
            ..Shape::default()
        };
        self.selector.iter().all(|(k, v)| node.labels.has(k, v)) && shape.accepts(&node.labels)
    }

    /// Any node would do, as far as labels go.
    pub fn is_anywhere(&self) -> bool {
        self.product.is_none() && self.selector.is_empty() && self.affinity.is_empty()
    }

    /// Whether such pods are for this node, as far as labels go.
    pub fn may_go(&self, node: &NodeRow) -> bool {
        self.wants(node) && self.selects(node)
    }

    /// Whether these are what is asked for: whole GPUs, or devices of the resource named first. Where no plugin offers
    /// that, whole devices of a driver of its vendor serve it.
    pub fn is_for(&self, kind: &Kind) -> bool {
        let whole = kind.unit == Unit::Gpu;
        match self.devices.0.first() {
            Some((name, _)) if self.gpus == 0 => {
                kind.resource == *name
                    || whole
                        && name.ends_with("/gpu")
                        && !kind.resource.contains('/')
                        && vendor(&kind.resource) == vendor(name)
            }
            _ => whole,
        }
    }

    /// What one of them is called: `GPU`, `mig-1g.10gb`.
    pub fn device(&self) -> &str {
        let named = self.devices.0.first().filter(|_| self.gpus == 0);
        match named.and_then(|(name, _)| name.split_once('/')) {
            Some((_, kind)) if kind != "gpu" => kind,
            _ => "GPU",
        }
    }

    /// Whether GPUs of this name are meant.
    pub fn is_of(&self, name: Option<&Name>) -> bool {
        let Some(wanted) = self.product.as_deref().map(plain) else {
            return true;
        };
        name.is_some_and(|name| plain(name).contains(&wanted))
    }
}

/// Names are written with dashes, underscores and blanks.
fn plain(text: &str) -> String {
    text.to_lowercase().replace([' ', '_'], "-")
}

fn count(n: u32, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}
