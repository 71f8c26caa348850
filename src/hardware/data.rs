//! The tables of the reference as they are read from their files. Separate from reading them, which may fail.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::figure::{Figure, Status};
use super::precision::{Abilities, Cores, Precision, Support};

/// Where figures come from: a public document.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    pub id: String,
    pub title: String,
    pub url: Option<String>,
    pub status: Status,
}

/// What one generation of chips does in hardware.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arch {
    pub id: String,
    pub name: String,
    /// Where one name stands for chips that differ: `GA100`.
    pub branch: Option<String>,
    /// Compute capability, where its GPUs do not say themselves.
    pub cc: Option<Figure<String>>,
    pub note: Option<String>,
    #[serde(default)]
    pub cuda: Abilities,
    #[serde(default)]
    pub tensor: Abilities,
}

impl Arch {
    pub fn cores(&self, cores: Cores) -> &Abilities {
        match cores {
            Cores::Cuda => &self.cuda,
            Cores::Tensor => &self.tensor,
        }
    }
}

/// A figure of whatever type, for those who go through all of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry<'a> {
    pub name: String,
    pub value: serde_json::Value,
    pub source: &'a str,
    pub status: Status,
}

impl<'a> Entry<'a> {
    fn new<T: Clone + Into<serde_json::Value>>(name: String, figure: &'a Figure<T>) -> Self {
        Self {
            name,
            value: figure.value.clone().into(),
            source: &figure.source,
            status: figure.status,
        }
    }
}

macro_rules! gpu {
    ($($field:ident $name:literal $kind:ty,)*) => {
        /// One product. Memory in GB, bandwidths in GB/s, power in W.
        #[derive(Debug, Clone, PartialEq, Default, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct Gpu {
            pub id: String,
            pub name: String,
            pub vendor: String,
            pub arch: String,
            pub note: Option<String>,
            /// Product labels that mean it, for entries of the user's.
            pub labels: Vec<String>,
            $(#[serde(rename = $name)] pub $field: Option<Figure<$kind>>,)*
            pub dense: Rates,
            pub sparse: Rates,
            /// Added or corrected by the user.
            #[serde(skip)]
            pub yours: bool,
        }

        impl Gpu {
            /// Takes over what a correction says.
            pub fn correct(&mut self, other: Gpu) {
                for (mine, its) in [(&mut self.name, other.name), (&mut self.vendor, other.vendor), (&mut self.arch, other.arch)] {
                    if !its.is_empty() { *mine = its; }
                }
                if other.note.is_some() { self.note = other.note; }
                self.labels.extend(other.labels);
                $(if other.$field.is_some() { self.$field = other.$field; })*
                self.dense.0.extend(other.dense.0);
                self.sparse.0.extend(other.sparse.0);
                self.yours = true;
            }

            /// Every figure, rates included, by name.
            pub fn figures(&self) -> Vec<Entry<'_>> {
                let mut all = Vec::new();
                $(all.extend(self.$field.as_ref().map(|f| Entry::new($name.to_owned(), f)));)*
                for (kind, rates) in [("dense", &self.dense), ("sparse", &self.sparse)] {
                    all.extend(rates.0.iter().map(|(name, f)| Entry::new(format!("{kind}.{name}"), f)));
                }
                all
            }
        }
    };
}

gpu! {
    chip "chip" String,
    cc "cc" String,
    memory "memory" f64,
    memory_type "memory-type" String,
    bandwidth "bandwidth" f64,
    interconnect "interconnect" String,
    link "link" f64,
    pcie "pcie" String,
    power "power" f64,
    launch "launch" String,
    reported_mib "reported-mib" f64,
    mig "mig" f64,
    form_factor "form-factor" String,
    process "process" String,
    die "die" String,
    transistors "transistors" String,
    fp64_cores "fp64-cores" f64,
    fp32_cores "fp32-cores" f64,
    tensor_cores "tensor-cores" f64,
    sms "sms" f64,
}

/// Peak rates in TFLOPS, TOPS for integers, by `fp16`, `fp64-tensor`...
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(transparent)]
pub struct Rates(pub BTreeMap<String, Figure<f64>>);

/// The rates there are, in the order they are shown, with what they are called.
pub const RATES: [(&str, &str); 11] = [
    ("fp64", "FP64"),
    ("fp64-tensor", "FP64 Tensor Core"),
    ("fp32", "FP32"),
    ("tf32", "TF32 Tensor Core"),
    ("bf16", "BF16 Tensor Core"),
    ("fp16", "FP16 Tensor Core"),
    ("fp8", "FP8 Tensor Core"),
    ("fp6", "FP6 Tensor Core"),
    ("fp4", "FP4 Tensor Core"),
    ("int8", "INT8 Tensor Core"),
    ("int4", "INT4 Tensor Core"),
];

/// A slice a GPU can be cut into.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// `1g.10gb+me`.
    pub name: String,
    /// How many of it at most on one GPU.
    pub max: u32,
}

impl Profile {
    /// Compute slices of the name: the 1 of `1g.10gb`.
    pub fn slices(&self) -> &str {
        self.name.split_once('g').map_or("", |(n, _)| n)
    }

    /// Memory of the name in GB.
    pub fn memory(&self) -> &str {
        let tail = self.name.split_once('.').map_or("", |(_, tail)| tail);
        tail.split_once("gb").map_or("", |(n, _)| n)
    }

    /// The resource it is under the `mixed` strategy.
    pub fn resource(&self) -> String {
        format!("nvidia.com/mig-{}", self.name.replace('+', "."))
    }
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mig {
    pub gpus: Vec<String>,
    pub source: String,
    pub status: Status,
    pub profiles: Vec<Profile>,
}

/// What a node label calls a GPU.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Label {
    pub key: String,
    pub value: String,
    pub gpus: Vec<String>,
    pub source: String,
    pub status: Status,
}

/// What GPU a machine type has: by the family it begins with, or a part of its name.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    pub family: Option<String>,
    pub infix: Option<String>,
    pub gpus: Vec<String>,
    pub source: String,
    pub status: Status,
}

/// One row of the slides' precision table.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlidePrecision {
    pub gpu: String,
    /// The architecture it speaks of.
    pub arch: String,
    pub cuda: BTreeMap<String, Support>,
    pub tensor: BTreeMap<String, Support>,
}

/// One row of the slides' data-sheet table.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlideRow {
    pub name: String,
    pub cells: BTreeMap<String, String>,
    /// What is printed today, where that differs.
    #[serde(default)]
    pub today: BTreeMap<String, Figure<String>>,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Slides {
    pub footnote: String,
    pub precision: Vec<SlidePrecision>,
    pub row: Vec<SlideRow>,
}

/// The columns of the slides' data-sheet table, and the entry each speaks of.
pub const SLIDE_COLUMNS: [(&str, &str); 3] = [
    ("NVIDIA A100 SXM", "a100-sxm-80"),
    ("NVIDIA H100 SXM", "h100-sxm"),
    ("NVIDIA H100 PCIe", "h100-pcie"),
];

/// Everything the reference knows.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Catalog {
    pub sources: Vec<Source>,
    pub archs: Vec<Arch>,
    pub gpus: Vec<Gpu>,
    pub mig: Vec<Mig>,
    pub labels: Vec<Label>,
    pub machines: Vec<Machine>,
    pub slides: Slides,
}

impl Catalog {
    pub fn gpu(&self, id: &str) -> Option<&Gpu> {
        self.gpus.iter().find(|gpu| gpu.id == id)
    }

    pub fn arch(&self, gpu: &Gpu) -> Option<&Arch> {
        self.archs.iter().find(|arch| arch.id == gpu.arch)
    }

    pub fn source(&self, id: &str) -> Option<&Source> {
        self.sources.iter().find(|source| source.id == id)
    }

    pub fn support(&self, gpu: &Gpu, cores: Cores, precision: Precision) -> Support {
        self.arch(gpu)
            .map_or(Support::Unknown, |arch| arch.cores(cores).of(precision))
    }

    /// The mark of a cell of the matrix: empty, or what says that nobody vouches for it.
    pub fn mark(&self, gpu: &Gpu, cores: Cores, precision: Precision) -> &'static str {
        let arch = self.arch(gpu);
        let ability = arch.and_then(|arch| arch.cores(cores).entry(precision));
        match ability {
            Some(ability) if ability.value != Support::Unknown => ability.status.mark(),
            _ => "",
        }
    }

    pub fn profiles(&self, gpu: &Gpu) -> Option<&Mig> {
        self.mig.iter().find(|mig| mig.gpus.contains(&gpu.id))
    }

    /// Compute capability, of the product or else of its architecture.
    pub fn cc<'a>(&'a self, gpu: &'a Gpu) -> Option<&'a Figure<String>> {
        gpu.cc
            .as_ref()
            .or_else(|| self.arch(gpu).and_then(|arch| arch.cc.as_ref()))
    }
}
