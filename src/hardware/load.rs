//! Reading the reference: the shipped files once, and a file of the user's over them. Separate from the tables because
//! here things can be wrong and must be said with file, line and key.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use serde::Deserialize;

use super::data::{Arch, Catalog, Gpu, Label, Machine, Mig, RATES, Slides, Source};
use super::figure::{Status, YOURS};

/// One file of the reference. Any of the tables may be in any of them.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct File {
    source: Vec<Source>,
    arch: Vec<Arch>,
    gpu: Vec<Gpu>,
    mig: Vec<Mig>,
    label: Vec<Label>,
    machine: Vec<Machine>,
}

const SHIPPED: [(&str, &str); 8] = [
    ("sources.toml", include_str!("data/sources.toml")),
    (
        "architectures.toml",
        include_str!("data/architectures.toml"),
    ),
    (
        "nvidia-hopper-blackwell.toml",
        include_str!("data/nvidia-hopper-blackwell.toml"),
    ),
    (
        "nvidia-ampere-ada.toml",
        include_str!("data/nvidia-ampere-ada.toml"),
    ),
    (
        "nvidia-pascal-to-turing.toml",
        include_str!("data/nvidia-pascal-to-turing.toml"),
    ),
    ("others.toml", include_str!("data/others.toml")),
    ("mig.toml", include_str!("data/mig.toml")),
    ("labels.toml", include_str!("data/labels.toml")),
];

/// What is wrong in a file, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}{}: {why}", .line.map_or(String::new(), |l| format!(":{l}")))]
pub struct HardwareError {
    pub file: String,
    pub line: Option<usize>,
    pub why: String,
}

fn parse<T: for<'de> Deserialize<'de>>(file: &str, text: &str) -> Result<T, HardwareError> {
    toml::from_str(text).map_err(|e| HardwareError {
        file: file.to_owned(),
        line: e.span().map(|s| line(text, s.start)),
        why: e.message().replace('\n', " "),
    })
}

fn line(text: &str, at: usize) -> usize {
    let end = at.min(text.len());
    text.as_bytes()[..end]
        .iter()
        .filter(|b| **b == b'\n')
        .count()
        + 1
}

/// Reads the shipped files.
///
/// # Errors
/// The first thing wrong in them; a test sees to it that there is none.
pub fn read_shipped() -> Result<Catalog, HardwareError> {
    let mut all = Catalog {
        slides: parse::<Slides>("slides.toml", include_str!("data/slides.toml"))?,
        ..Catalog::default()
    };
    for (name, text) in SHIPPED {
        let file: File = parse(name, text)?;
        all.sources.extend(file.source);
        all.archs.extend(file.arch);
        all.gpus.extend(file.gpu);
        all.mig.extend(file.mig);
        all.labels.extend(file.label);
        all.machines.extend(file.machine);
    }
    Ok(all)
}

/// The shipped reference, read once.
pub fn shipped() -> Arc<Catalog> {
    static ONCE: OnceLock<Arc<Catalog>> = OnceLock::new();
    ONCE.get_or_init(|| Arc::new(read_shipped().unwrap_or_default()))
        .clone()
}

/// The shipped reference with the user's `hardware.toml` of a folder over it. What is wrong there is said, and the
/// shipped one alone is used.
pub fn load(folder: Option<&Path>) -> (Arc<Catalog>, Option<HardwareError>) {
    let base = shipped();
    let Some(path) = folder.map(|f| f.join("hardware.toml")) else {
        return (base, None);
    };
    let name = path.display().to_string();
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return (base, None),
        Err(e) => {
            let why = format!("{e}; using the shipped reference");
            return (
                base,
                Some(HardwareError {
                    file: name,
                    line: None,
                    why,
                }),
            );
        }
    };
    match overlay(&base, &name, &text) {
        Ok(all) => (Arc::new(all), None),
        Err(mut e) => {
            e.why.push_str("; using the shipped reference");
            (base, Some(e))
        }
    }
}

/// Lays a file of the user's over a reference.
///
/// # Errors
/// Syntax, unknown keys and references to what there is not, with the line.
pub fn overlay(base: &Catalog, name: &str, text: &str) -> Result<Catalog, HardwareError> {
    let file: File = parse(name, text)?;
    let mut all = base.clone();
    let wrong = |needle: &str, why: String| HardwareError {
        file: name.to_owned(),
        line: text.find(needle).map(|at| line(text, at)),
        why,
    };
    all.sources.extend(file.source);
    for arch in file.arch {
        match all.archs.iter_mut().find(|a| a.id == arch.id) {
            Some(known) => {
                known.cuda.correct(arch.cuda);
                known.tensor.correct(arch.tensor);
                known.note = arch.note.or(known.note.take());
            }
            None => all.archs.push(arch),
        }
    }
    for mut gpu in file.gpu {
        let quoted = format!("\"{}\"", gpu.id);
        let here = if gpu.id.is_empty() {
            "[[gpu]]"
        } else {
            &quoted
        };
        for (key, _) in gpu.dense.0.iter().chain(&gpu.sparse.0) {
            if !RATES.iter().any(|(rate, _)| rate == key) {
                let known = RATES.map(|(rate, _)| rate).join(", ");
                return Err(wrong(key, format!("no rate {key}: one of {known}")));
            }
        }
        for label in &gpu.labels {
            all.labels.insert(
                0,
                Label {
                    key: "nvidia.com/gpu.product".into(),
                    value: label.clone(),
                    gpus: vec![gpu.id.clone()],
                    source: YOURS.into(),
                    status: Status::Yours,
                },
            );
        }
        if let Some(known) = all.gpus.iter_mut().find(|known| known.id == gpu.id) {
            known.correct(gpu);
            continue;
        }
        for (key, value) in [("id", &gpu.id), ("name", &gpu.name), ("arch", &gpu.arch)] {
            if value.is_empty() {
                return Err(wrong(here, format!("gpu {:?}: {key} is missing", gpu.id)));
            }
        }
        if !all.archs.iter().any(|arch| arch.id == gpu.arch) {
            return Err(wrong(
                here,
                format!("gpu {:?}: arch: no architecture {:?}", gpu.id, gpu.arch),
            ));
        }
        gpu.yours = true;
        all.gpus.push(gpu);
    }
    all.mig.splice(0..0, file.mig);
    all.labels.splice(0..0, file.label);
    all.machines.splice(0..0, file.machine);
    Ok(all)
}
