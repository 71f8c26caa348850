//! Which number format a job's manifest asks for by name. Separate from what its GPUs can do: here only words are read,
//! and where they may mean something else, nothing is said.

use serde_json::Value;

use super::precision::{Abilities, Cores, Precision, Support};
use super::{Arch, Status};

mod words;

/// A format a manifest asks for, and the words that do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub precision: Precision,
    /// `--bf16`, `ACCELERATE_MIXED_PRECISION=fp8`, `image serve:0.9-fp8`.
    pub words: String,
    /// Which rule read them.
    pub rule: &'static Rule,
}

/// How a word is read, with where that is written.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    pub id: &'static str,
    /// In words.
    pub says: &'static str,
    pub source: &'static str,
}

/// The rules there are.
pub const RULES: [&Rule; 5] = [&FLAG, &OPTION, &DTYPE, &ENV, &IMAGE];

static FLAG: Rule = Rule {
    id: "flag",
    says: "--bf16, --fp8, --tf32 or --fp16 among command and args, not switched off there or after; --fp8-format e4m3 or hybrid",
    source: "Hugging Face TrainingArguments (bf16, fp16, tf32): https://huggingface.co/docs/transformers/main_classes/trainer",
};
static OPTION: Rule = Rule {
    id: "option",
    says: "--mixed_precision, --precision, --dtype, --torch_dtype or --quantization with bf16, fp8, fp16 or tf32",
    source: "Accelerate CLI: https://huggingface.co/docs/accelerate/package_reference/cli; vLLM engine arguments: https://docs.vllm.ai/en/latest/configuration/engine_args/",
};
static DTYPE: Rule = Rule {
    id: "dtype",
    says: "torch_dtype=bfloat16, dtype=torch.bfloat16, precision=bf16-mixed or float8 in an inline program or argument",
    source: "PyTorch tensor types: https://docs.pytorch.org/docs/stable/tensor_attributes.html",
};
static ENV: Rule = Rule {
    id: "env",
    says: "ACCELERATE_MIXED_PRECISION, MIXED_PRECISION or TORCH_DTYPE that names a format; NVIDIA_TF32_OVERRIDE, TORCH_ALLOW_TF32_CUBLAS_OVERRIDE, or FP8, BF16, TF32 alone or with USE, ENABLE or ENABLED, switched on",
    source: "Accelerate CLI: https://huggingface.co/docs/accelerate/package_reference/cli; NVIDIA_TF32_OVERRIDE: https://docs.nvidia.com/cuda/cublas/",
};
static IMAGE: Rule = Rule {
    id: "image",
    says: "the image's name or tag ends with bf16 or fp8 (serve:0.9-fp8), nothing in it denies that (fix, no, test), and no argument names another format",
    source: "naming habit of model images",
};

/// One template of pods with GPUs, and the formats that its containers with GPUs ask for, each once.
#[derive(Debug, Clone, PartialEq)]
pub struct Asks<'a> {
    /// The pod's spec; of a TrainJob, what its trainer overrides.
    pub spec: &'a Value,
    /// Resources that are devices, of all its containers.
    pub devices: Vec<String>,
    pub found: Vec<Found>,
}

/// The templates of a manifest that ask for devices. Any kind of object: wherever it holds containers.
pub fn read(manifest: &Value, device: fn(&str) -> bool) -> Vec<Asks<'_>> {
    let mut all = Vec::new();
    templates(manifest, 0, &mut |spec, containers, trainer| {
        let mut asks = Asks {
            spec,
            devices: Vec::new(),
            found: Vec::new(),
        };
        for container in containers {
            let wanted = devices(container, device);
            // a trainer may leave its GPUs to the runtime; what a sidecar says is not said of the GPUs beside it
            let left = trainer && container.get("resourcesPerNode").is_none_or(Value::is_null);
            if wanted.is_empty() && !left {
                continue;
            }
            for name in wanted {
                if !asks.devices.contains(&name) {
                    asks.devices.push(name);
                }
            }
            for found in words::of_container(container) {
                let known = |f: &Found| f.precision == found.precision;
                if !asks.found.iter().any(known) {
                    asks.found.push(found);
                }
            }
        }
        if !asks.devices.is_empty() || !asks.found.is_empty() {
            all.push(asks);
        }
    });
    all
}

fn devices(container: &Value, device: fn(&str) -> bool) -> Vec<String> {
    let mut out = Vec::new();
    for list in ["resources", "resourcesPerNode"] {
        for kind in ["limits", "requests"] {
            let amounts = container.get(list).and_then(|r| r.get(kind));
            let amounts = amounts.and_then(Value::as_object);
            for (name, amount) in amounts.into_iter().flatten() {
                let none = matches!(amount.as_str(), Some("0")) || amount.as_u64() == Some(0);
                if device(name) && !none && !out.contains(name) {
                    out.push(name.clone());
                }
            }
        }
    }
    out
}

fn templates<'a>(
    value: &'a Value,
    depth: usize,
    each: &mut impl FnMut(&'a Value, &'a [Value], bool),
) {
    if depth > 40 {
        return;
    }
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                match (key.as_str(), inner) {
                    ("containers", Value::Array(list)) => each(value, list, false),
                    ("trainer", Value::Object(_)) => each(inner, std::slice::from_ref(inner), true),
                    ("status" | "metadata" | "initContainers", _) => {}
                    _ => templates(inner, depth + 1, each),
                }
            }
        }
        Value::Array(list) => {
            for value in list {
                templates(value, depth + 1, each);
            }
        }
        _ => {}
    }
}

/// What becomes of a format on an architecture that surely has no tensor-core path for it: words for after
/// "falls back to"; none where there is a path or nobody can be sure.
pub fn lacking(precision: Precision, arch: &Arch) -> Option<&'static str> {
    let sure_no = |abilities: &Abilities| {
        abilities
            .entry(precision)
            .is_some_and(|a| a.value == Support::No && a.status != Status::Unverified)
    };
    if !sure_no(arch.cores(Cores::Tensor)) {
        return None;
    }
    let cuda = arch.cores(Cores::Cuda).of(precision);
    Some(match (precision, cuda) {
        (_, Support::Yes) => "CUDA cores, without the speed of tensor cores",
        (Precision::Tf32, _) => "FP32 on CUDA cores (the switch does nothing)",
        (Precision::Fp8, Support::No) => "a wider format by weight-only kernels, or is refused",
        (Precision::Bf16 | Precision::Fp16, Support::No) => {
            "FP32 on CUDA cores by emulation, or is refused"
        }
        _ => return None,
    })
}
