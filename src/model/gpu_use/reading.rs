//! What an exporter says of one device at one moment, in one unit per field whichever vendor wrote it.

use chrono::{DateTime, Utc};

use crate::model::ids::{Name, Uid};

/// A device, or one slice of it, on a node.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceId {
    /// Of the card: `GPU-1f0e8c52-…`; where the exporter names none, `gpu-N` after its number on the node.
    pub uuid: Name,
    /// The slice of the card, if it is one.
    pub slice: Option<Slice>,
}

/// A MIG instance, or a compute partition of an AMD card.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slice {
    /// GPU instance id, or partition number.
    pub id: u16,
    /// `1g.10gb`, `cpx`.
    pub profile: Name,
}

/// Who has a device, as the exporter was told by the kubelet.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Holder {
    pub namespace: Name,
    pub pod: Name,
    pub container: Name,
    /// Only where the exporter is told to write it.
    pub uid: Option<Uid>,
    /// Which share of the device, where it is shared.
    pub share: Option<Name>,
    /// Device of a resource claim: driver, pool, device.
    pub claimed: Option<Box<Claimed>>,
}

impl Holder {
    /// The same pod and container.
    pub fn is_same(&self, other: &Self) -> bool {
        self.pod == other.pod
            && self.namespace == other.namespace
            && self.container == other.container
            && match (self.uid, other.uid) {
                (Some(a), Some(b)) => a == b,
                _ => true,
            }
    }

    /// It is this pod's.
    pub fn is_pod(&self, namespace: &str, pod: &str, uid: Uid) -> bool {
        *self.pod == *pod
            && *self.namespace == *namespace
            && self.uid.is_none_or(|known| known == uid)
    }
}

/// A device as dynamic resource allocation calls it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Claimed {
    pub driver: Name,
    pub pool: Name,
    pub device: Name,
    /// Of the MIG device, where it is one.
    pub mig_uuid: Name,
}

/// Why the clocks of a device are below what was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Slowed {
    /// By a power limit.
    pub power: bool,
    /// By heat.
    pub heat: bool,
    /// By the board: slowdown or power brake asserted from outside the chip.
    pub board: bool,
}

impl Slowed {
    pub fn any(self) -> bool {
        self.power || self.heat || self.board
    }
}

/// All that is read of a device; what its exporter does not write is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Reading {
    /// Part of the time its compute engine was busy since the exporter looked last, 0..1
    /// (`DCGM_FI_PROF_GR_ENGINE_ACTIVE`).
    pub engine: Option<f32>,
    /// Part of the time a kernel ran, sampled, 0..1 (`DCGM_FI_DEV_GPU_UTIL`, `gpu_gfx_activity`).
    pub util: Option<f32>,
    /// Part of the cycles the tensor pipes were busy, 0..1.
    pub tensor: Option<f32>,
    /// Part of the cycles the memory interface was busy, 0..1.
    pub dram: Option<f32>,
    /// Memory in MiB.
    pub used: Option<f32>,
    pub free: Option<f32>,
    /// Memory the driver keeps for itself, in MiB.
    pub reserved: Option<f32>,
    pub watts: Option<f32>,
    pub celsius: Option<f32>,
    pub memory_celsius: Option<f32>,
    /// Of the compute cores, in MHz.
    pub mhz: Option<f32>,
    /// Bytes a second over links to other devices, both ways.
    pub link: Option<f32>,
    /// The last Xid the driver reported; 0 where there was none.
    pub xid: Option<u16>,
    pub slowed: Option<Slowed>,
    /// Memory errors that could not be corrected, since the driver started.
    pub uncorrected: Option<u32>,
    /// Memory rows replaced after errors that could not be corrected.
    pub remapped: Option<u32>,
    /// Replacing a memory row failed.
    pub remap_failed: Option<bool>,
    /// Its exporter says itself that it is unwell.
    pub unwell: Option<bool>,
}

/// Where activity was read from: idleness by the second is weaker, as it looks only now and then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// `DCGM_FI_PROF_GR_ENGINE_ACTIVE`: all the time between two looks of the exporter.
    Engine,
    /// `DCGM_FI_DEV_GPU_UTIL`, `gpu_gfx_activity`: the last moment before each look.
    Util,
}

impl Basis {
    /// For a person: what was read.
    pub fn words(self) -> &'static str {
        match self {
            Basis::Engine => "engine activity",
            Basis::Util => "utilisation, sampled",
        }
    }
}

impl Reading {
    /// How busy it is, 0..1, and where that is from.
    pub fn activity(&self) -> Option<(f32, Basis)> {
        let engine = self.engine.map(|part| (part, Basis::Engine));
        engine.or(self.util.map(|part| (part, Basis::Util)))
    }

    /// Memory there is, in MiB.
    pub fn memory(&self) -> Option<f32> {
        Some(self.used? + self.free? + self.reserved.unwrap_or(0.0))
    }

    /// Takes what another exporter on the same node says where this one says nothing.
    pub fn fill_from(&mut self, other: &Self) {
        fn fill<T: Copy>(mine: &mut Option<T>, theirs: Option<T>) {
            *mine = mine.or(theirs);
        }
        fill(&mut self.engine, other.engine);
        fill(&mut self.util, other.util);
        fill(&mut self.tensor, other.tensor);
        fill(&mut self.dram, other.dram);
        fill(&mut self.used, other.used);
        fill(&mut self.free, other.free);
        fill(&mut self.reserved, other.reserved);
        fill(&mut self.watts, other.watts);
        fill(&mut self.celsius, other.celsius);
        fill(&mut self.memory_celsius, other.memory_celsius);
        fill(&mut self.mhz, other.mhz);
        fill(&mut self.link, other.link);
        fill(&mut self.xid, other.xid);
        fill(&mut self.slowed, other.slowed);
        fill(&mut self.uncorrected, other.uncorrected);
        fill(&mut self.remapped, other.remapped);
        fill(&mut self.remap_failed, other.remap_failed);
        fill(&mut self.unwell, other.unwell);
    }
}

/// One device in one answer.
#[derive(Debug, Clone, PartialEq)]
pub struct DeviceRow {
    pub id: DeviceId,
    /// Its number on the node.
    pub index: Option<u16>,
    /// The model as the exporter writes it; may be empty.
    pub product: Name,
    /// Empty: nobody has it.
    pub holders: Vec<Holder>,
    pub reading: Reading,
}

/// What was heard of one node.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeUse {
    pub node: Name,
    pub at: DateTime<Utc>,
    /// Seconds until it is asked again, when all goes well: how long a pause is no gap.
    pub every: u16,
    pub heard: Heard,
}

/// What asking about a node gave.
#[derive(Debug, Clone, PartialEq)]
pub enum Heard {
    /// Its devices, of all exporters that answered; with what is wrong with another one, if there is one.
    Told {
        devices: Vec<DeviceRow>,
        but: Option<Trouble>,
    },
    Not(Trouble),
}

/// Why nothing is known: what happened, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    pub reason: Reason,
    /// One sentence that names the object and the next step.
    pub text: Name,
}

/// The kind of [`Trouble`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// Listing pods, or get on `pods/proxy`, is not allowed.
    Forbidden,
    /// No exporter of a known kind runs on the node.
    NoExporter,
    /// There is one, and it does not run.
    NotRunning,
    /// It is there and does not answer: refused, cut off by a network policy, too slow.
    Unreachable,
    /// It wants a login of its own.
    Login,
    /// It answers, and there is nothing of a GPU in it.
    Garbled,
    /// More is on screen than is asked about at a time.
    TooMany,
    /// The API server itself did not do as asked.
    Server,
}

impl Reason {
    /// In a word or three, for a column.
    pub fn short(self) -> &'static str {
        match self {
            Reason::Forbidden => "forbidden",
            Reason::NoExporter => "no exporter",
            Reason::NotRunning => "exporter down",
            Reason::Unreachable => "no answer",
            Reason::Login => "needs login",
            Reason::Garbled => "unreadable",
            Reason::TooMany => "not asked",
            Reason::Server => "failing",
        }
    }
}
