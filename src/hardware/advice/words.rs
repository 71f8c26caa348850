//! The words of one container: arguments, variables, image. Separate from where containers are found, because each kind
//! of word has its own ways to mean something else.

use serde_json::Value;

use super::super::precision::Precision;
use super::{DTYPE, ENV, FLAG, Found, IMAGE, OPTION, Rule};

/// Options whose value names a format. Not `--kv-cache-dtype`: what is only stored needs no cores.
const OPTIONS: [&str; 5] = [
    "mixed_precision",
    "precision",
    "dtype",
    "torch_dtype",
    "quantization",
];

/// What a container asks for, a format perhaps more than once.
pub fn of_container(container: &Value) -> Vec<Found> {
    let mut out = Vec::new();
    let variables: Vec<(&str, &str)> = container
        .get("env")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|v| Some((v.get("name")?.as_str()?, v.get("value")?.as_str()?)))
        .collect();
    let mut words = Vec::new();
    for key in ["command", "args"] {
        let list = container.get(key).and_then(Value::as_array);
        for text in list.into_iter().flatten().filter_map(Value::as_str) {
            words.extend(split(&expand(text, &variables)));
        }
    }
    arguments(&words, &mut out);
    let by_argument = !out.is_empty();
    for (name, value) in &variables {
        environment(name, value, &mut out);
    }
    if let Some(image) = container.get("image").and_then(Value::as_str)
        && !by_argument
    {
        out.extend(of_image(image));
    }
    out
}

/// `$(NAME)` of an argument, as the kubelet fills it in.
fn expand(text: &str, variables: &[(&str, &str)]) -> String {
    let mut text = text.to_owned();
    for (name, value) in variables {
        let place = format!("$({name})");
        if text.contains(&place) {
            text = text.replace(&place, value);
        }
    }
    text
}

/// The words of an argument: a shell script or an inline program is one of many. Of one that decides while it runs,
/// nobody knows which of its words are used.
fn split(text: &str) -> Vec<String> {
    let lines = text.lines().map(|line| match line.trim_start() {
        comment if comment.starts_with('#') => "",
        _ => line.split_once(" #").map_or(line, |(before, _)| before),
    });
    let words: Vec<String> = lines
        .flat_map(|line| line.split(|c: char| c.is_whitespace() || ";'\"\\".contains(c)))
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect();
    let decides = |word: &String| matches!(word.as_str(), "if" | "case" | "||" | "elif" | "else");
    match words.len() > 1 && words.iter().any(decides) {
        true => Vec::new(),
        false => words,
    }
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
        "fp16" | "float16" | "half" | "16-mixed" | "16-true" => Some(Precision::Fp16),
        "tf32" => Some(Precision::Tf32),
        _ => None,
    }
}

/// Switched on, off, or what may be either.
fn switch(value: &str) -> Option<bool> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Some(true),
        "false" | "0" | "no" | "off" | "none" | "null" => Some(false),
        _ => None,
    }
}

fn arguments(words: &[String], out: &mut Vec<Found>) {
    for (n, word) in words.iter().enumerate() {
        let (name, own, next) = match word.split_once('=') {
            Some((name, value)) => (name, Some(value), None),
            None => (word.as_str(), None, words.get(n + 1).map(String::as_str)),
        };
        let option = name.starts_with('-');
        let name = name
            .trim_start_matches('-')
            .replace('-', "_")
            .to_ascii_lowercase();
        let mut forget = |precision| out.retain(|f| f.precision != precision || f.rule != &FLAG);
        if option && let Some(precision) = name.strip_prefix("no_").and_then(flag) {
            forget(precision);
            continue;
        }
        if option && let Some(precision) = flag(&name) {
            // the last one counts
            forget(precision);
            let on = match (own, next) {
                (Some(value), _) => switch(value) == Some(true),
                (None, Some(next)) if next.starts_with('$') => false,
                (None, Some("auto")) => false,
                (None, Some(next)) => switch(next) != Some(false),
                (None, None) => true,
            };
            if on {
                push(out, precision, format!("--{name}"), &FLAG);
            }
            continue;
        }
        let Some(value) = own.or(next) else { continue };
        if option && name == "fp8_format" && matches!(value, "e4m3" | "hybrid") {
            push(out, Precision::Fp8, format!("--fp8-format {value}"), &FLAG);
            continue;
        }
        let value = value.trim_end_matches([',', ')']);
        let Some(precision) = format(value) else {
            continue;
        };
        if option && OPTIONS.contains(&name.as_str()) {
            push(out, precision, format!("--{name} {value}"), &OPTION);
        } else if !option && own.is_some() {
            let key = name.rsplit(['(', ',', '.']).next().unwrap_or("");
            if matches!(
                key,
                "torch_dtype" | "dtype" | "mixed_precision" | "precision"
            ) {
                push(out, precision, format!("{key}={value}"), &DTYPE);
            }
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
    let upper = name.to_ascii_uppercase();
    let names_one = matches!(
        upper.as_str(),
        "ACCELERATE_MIXED_PRECISION" | "MIXED_PRECISION" | "TORCH_DTYPE"
    );
    let found = match upper.as_str() {
        _ if names_one => format(value),
        _ if switch(value) != Some(true) => None,
        "NVIDIA_TF32_OVERRIDE" | "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE" => Some(Precision::Tf32),
        // `NVTE_FP8_DPA_BWD=1` and `FP8_DATASET_READY=1` ask for nothing
        _ => {
            let words: Vec<&str> = upper.split('_').collect();
            match words.as_slice() {
                [format] | [format, "ENABLE" | "ENABLED"] => switched(format),
                [.., "USE" | "ENABLE", format] => switched(format),
                _ => None,
            }
        }
    };
    if let Some(precision) = found {
        push(out, precision, format!("{name}={value}"), &ENV);
    }
}

fn switched(format: &str) -> Option<Precision> {
    match format {
        "FP8" => Some(Precision::Fp8),
        "BF16" => Some(Precision::Bf16),
        "TF32" => Some(Precision::Tf32),
        _ => None,
    }
}

fn of_image(image: &str) -> Option<Found> {
    let name = image.rsplit('/').next().unwrap_or(image);
    let name = name.split('@').next().unwrap_or(name);
    let mut words = name.split(|c: char| !c.is_ascii_alphanumeric());
    let denies = |word: &str| {
        matches!(
            word.to_ascii_lowercase().as_str(),
            "no" | "non"
                | "not"
                | "without"
                | "fix"
                | "bug"
                | "debug"
                | "test"
                | "tests"
                | "wip"
                | "revert"
                | "drop"
                | "try"
                | "pr"
                | "branch"
        )
    };
    if words.any(denies) {
        return None;
    }
    let mut ends = name
        .split(':')
        .filter_map(|part| part.rsplit(['-', '_', '.']).next());
    let found = ends.find_map(|end| match format(end) {
        Some(precision @ (Precision::Bf16 | Precision::Fp8)) => Some(precision),
        _ => None,
    });
    found.map(|precision| Found {
        precision,
        words: format!("image {name}"),
        rule: &IMAGE,
    })
}
