//! Which number format a job's manifest asks for by name. Separate from what its GPUs can do: here only words are read,
//! and where they may mean something else, nothing is said.

use serde_json::Value;

use super::precision::{Abilities, Cores, Precision, Support};
use super::{Arch, Status};

/// A format a manifest asks for, and the words that do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub precision: Precision,
    /// `--bf16`, `ACCELERATE_MIXED_PRECISION=fp8`, `image tag fp8`.
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
    says: "--bf16, --fp8, --tf32 or --fp16 among command and args, not switched off",
    source: "Hugging Face TrainingArguments (bf16, fp16, tf32): https://huggingface.co/docs/transformers/main_classes/trainer",
};
static OPTION: Rule = Rule {
    id: "option",
    says: "--mixed_precision, --precision, --dtype, --torch_dtype, --quantization or --kv-cache-dtype with bf16, fp8, fp16 or tf32",
    source: "Accelerate CLI: https://huggingface.co/docs/accelerate/package_reference/cli; vLLM engine arguments: https://docs.vllm.ai/en/latest/configuration/engine_args/",
};
static DTYPE: Rule = Rule {
    id: "dtype",
    says: "torch_dtype=bfloat16, dtype=torch.bfloat16 or float8 in an inline program or argument",
    source: "PyTorch tensor types: https://docs.pytorch.org/docs/stable/tensor_attributes.html",
};
static ENV: Rule = Rule {
    id: "env",
    says: "ACCELERATE_MIXED_PRECISION, or a variable with FP8, BF16 or TF32 in its name that is switched on",
    source: "Accelerate CLI: https://huggingface.co/docs/accelerate/package_reference/cli; NVIDIA_TF32_OVERRIDE: https://docs.nvidia.com/cuda/cublas/",
};
static IMAGE: Rule = Rule {
    id: "image",
    says: "bf16 or fp8 as a word of the image's name or tag",
    source: "naming habit of model images",
};

/// What the containers of a manifest ask for, each format once. Any kind of object: wherever it holds containers.
pub fn read(manifest: &Value) -> Vec<Found> {
    let mut all = Vec::new();
    containers(manifest, 0, &mut |container| {
        for found in of_container(container) {
            if !all
                .iter()
                .any(|known: &Found| known.precision == found.precision)
            {
                all.push(found);
            }
        }
    });
    all
}

fn containers(value: &Value, depth: usize, each: &mut impl FnMut(&Value)) {
    if depth > 40 {
        return;
    }
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                match (key.as_str(), value) {
                    ("containers", Value::Array(list)) => list.iter().for_each(&mut *each),
                    ("status" | "metadata" | "initContainers", _) => {}
                    _ => containers(value, depth + 1, each),
                }
            }
        }
        Value::Array(list) => {
            for value in list {
                containers(value, depth + 1, each);
            }
        }
        _ => {}
    }
}

fn of_container(container: &Value) -> Vec<Found> {
    let mut out = Vec::new();
    let texts = |key: &str| -> Vec<String> {
        let list = container.get(key).and_then(Value::as_array);
        let texts = list.into_iter().flatten().filter_map(Value::as_str);
        // a shell script is one argument of many words
        texts
            .flat_map(|text| text.split(|c: char| c.is_whitespace() || ";'\"\\".contains(c)))
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let mut words = texts("command");
    words.extend(texts("args"));
    arguments(&words, &mut out);
    for variable in container
        .get("env")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let name = variable.get("name").and_then(Value::as_str).unwrap_or("");
        let value = variable.get("value").and_then(Value::as_str).unwrap_or("");
        environment(name, value, &mut out);
    }
    if let Some(image) = container.get("image").and_then(Value::as_str) {
        let name = image.rsplit('/').next().unwrap_or(image);
        let name = name.split('@').next().unwrap_or(name);
        for word in name.split(|c: char| !c.is_ascii_alphanumeric()) {
            if let Some(precision @ (Precision::Bf16 | Precision::Fp8)) = format(word) {
                push(&mut out, precision, format!("image {name}"), &IMAGE);
            }
        }
    }
    out
}

fn push(out: &mut Vec<Found>, precision: Precision, words: String, rule: &'static Rule) {
    out.push(Found {
        precision,
        words,
        rule,
    });
}

/// The format a value names; `auto`, `no` and everything else name none.
fn format(value: &str) -> Option<Precision> {
    let value = value.to_ascii_lowercase();
    let value = value.strip_prefix("torch.").unwrap_or(&value);
    match value {
        "bf16" | "bfloat16" | "bf16-mixed" | "bf16-true" => Some(Precision::Bf16),
        "fp8" | "float8" | "fp8_e4m3" | "fp8_e5m2" | "float8_e4m3fn" | "float8_e5m2" => {
            Some(Precision::Fp8)
        }
        "fp16" | "float16" | "half" | "16-mixed" => Some(Precision::Fp16),
        "tf32" => Some(Precision::Tf32),
        _ => None,
    }
}

fn is_off(word: &str) -> bool {
    matches!(
        word.to_ascii_lowercase().as_str(),
        "false" | "0" | "no" | "off" | "none"
    )
}

fn arguments(words: &[String], out: &mut Vec<Found>) {
    for (n, word) in words.iter().enumerate() {
        let (name, value) = match word.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (word.as_str(), words.get(n + 1).map(String::as_str)),
        };
        let option = name.starts_with('-');
        let name = name
            .trim_start_matches('-')
            .replace('-', "_")
            .to_ascii_lowercase();
        if option && let Some(precision) = flag(&name) {
            // `--bf16 False`, and what may be anything: `--bf16=$X`
            let sure = match value {
                Some(value) if is_off(value) => false,
                Some(value) => !value.starts_with('$'),
                None => true,
            };
            if sure {
                push(out, precision, format!("--{name}"), &FLAG);
            }
            continue;
        }
        let Some(value) = value else { continue };
        const OPTIONS: [&str; 6] = [
            "mixed_precision",
            "precision",
            "dtype",
            "torch_dtype",
            "quantization",
            "kv_cache_dtype",
        ];
        let precision = format(value.trim_end_matches([',', ')']));
        match precision {
            Some(precision) if option && OPTIONS.contains(&name.as_str()) => {
                push(out, precision, format!("--{name} {value}"), &OPTION);
            }
            Some(precision) if !option && word.contains('=') => {
                let key = name.rsplit(['(', ',', '.']).next().unwrap_or("");
                if matches!(
                    key,
                    "torch_dtype" | "dtype" | "mixed_precision" | "precision"
                ) {
                    push(
                        out,
                        precision,
                        format!("{key}={}", value.trim_end_matches([',', ')'])),
                        &DTYPE,
                    );
                }
            }
            _ => {}
        }
    }
}

fn flag(name: &str) -> Option<Precision> {
    match name {
        "bf16" => Some(Precision::Bf16),
        "fp8" => Some(Precision::Fp8),
        "tf32" => Some(Precision::Tf32),
        "fp16" => Some(Precision::Fp16),
        _ => None,
    }
}

fn environment(name: &str, value: &str, out: &mut Vec<Found>) {
    if name == "ACCELERATE_MIXED_PRECISION" {
        if let Some(precision) = format(value) {
            push(out, precision, format!("{name}={value}"), &ENV);
        }
        return;
    }
    let parts: Vec<String> = name.split('_').map(str::to_ascii_uppercase).collect();
    let off = [
        "DISABLE", "DISABLED", "NO", "SKIP", "WITHOUT", "ALLOW", "MAX", "MIN",
    ];
    let on = matches!(
        value.to_ascii_lowercase().as_str(),
        "1" | "true" | "yes" | "on"
    );
    if !on || parts.iter().any(|part| off.contains(&part.as_str())) {
        return;
    }
    for part in &parts {
        let precision = match part.as_str() {
            "FP8" => Precision::Fp8,
            "BF16" => Precision::Bf16,
            "TF32" => Precision::Tf32,
            _ => continue,
        };
        push(out, precision, format!("{name}={value}"), &ENV);
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
        (_, Support::Yes) => "CUDA cores, at a fraction of the rate",
        (Precision::Tf32, _) => "FP32 on CUDA cores (the switch does nothing)",
        (Precision::Fp8, Support::No) => "a wider format by weight-only kernels, or is refused",
        (Precision::Bf16 | Precision::Fp16, Support::No) => {
            "FP32 on CUDA cores by emulation, or is refused"
        }
        _ => return None,
    })
}
