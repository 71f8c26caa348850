//! One GPU as lines of a data-sheet: the same words for the command line and the pane. Separate from the figures because
//! it decides how they are written.

use super::data::{Catalog, Gpu, RATES, SLIDE_COLUMNS};
use super::figure::{Figure, Status};

/// A line: what, how much, and how far to trust it.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    pub what: &'static str,
    /// With its mark if nobody vouches for it.
    pub text: String,
    pub status: Status,
    /// Id of the source.
    pub source: String,
    /// Dense and sparse rate, for bars.
    pub rate: Option<(f64, Option<f64>)>,
    /// A plain number, for bars.
    pub number: Option<f64>,
}

/// A number as it is printed: `1,979`, `494.5`.
pub fn number(n: f64) -> String {
    let text = format!("{n:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    let (whole, rest) = match text.split_once('.') {
        Some((whole, rest)) => (whole, format!(".{rest}")),
        None => (text, String::new()),
    };
    let mut out = String::new();
    for (n, c) in whole.chars().enumerate() {
        if n > 0 && (whole.len() - n).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out + &rest
}

fn words(what: &'static str, figure: Option<&Figure<String>>) -> Option<Line> {
    let figure = figure?;
    Some(Line {
        what,
        text: format!("{}{}", figure.status.mark(), figure.value),
        status: figure.status,
        source: figure.source.to_string(),
        rate: None,
        number: None,
    })
}

fn amount(what: &'static str, unit: &str, figure: Option<&Figure<f64>>) -> Option<Line> {
    let figure = figure?;
    let text = format!("{}{}{unit}", figure.status.mark(), number(figure.value));
    Some(Line {
        what,
        text,
        status: figure.status,
        source: figure.source.to_string(),
        rate: None,
        number: Some(figure.value),
    })
}

/// `teraflops` of a rate, by its key.
fn unit(key: &str) -> &'static str {
    if key.starts_with("int") {
        "TOPS"
    } else {
        "TFLOPS"
    }
}

/// The rate line of a GPU: `989.5 | 1,979* TFLOPS`.
pub fn rate(gpu: &Gpu, key: &'static str, what: &'static str) -> Option<Line> {
    let dense = gpu.dense.0.get(key)?;
    let sparse = gpu.sparse.0.get(key);
    let mut text = format!("{}{}", dense.status.mark(), number(dense.value));
    if let Some(sparse) = sparse {
        text.push_str(&format!(
            " | {}{}*",
            sparse.status.mark(),
            number(sparse.value)
        ));
    }
    text.push_str(&format!(" {}", unit(key)));
    // on GPUs without tensor cores the rate is that of the others
    let what = match (key, gpu.arch.as_str()) {
        ("fp16", "pascal-gp100" | "pascal-gp104") => "FP16",
        _ => what,
    };
    Some(Line {
        what,
        text,
        status: dense
            .status
            .max(sparse.map_or(Status::Official, |s| s.status)),
        source: dense.source.to_string(),
        rate: Some((dense.value, sparse.map(|s| s.value))),
        number: None,
    })
}

/// The data-sheet of a GPU; what is not known has no line.
pub fn lines(gpu: &Gpu, all: &Catalog) -> Vec<Line> {
    let arch = all.arch(gpu).map(|arch| Figure {
        value: arch.name.clone(),
        source: "".into(),
        status: Status::Official,
    });
    let mut out = vec![
        words("codename", gpu.chip.as_ref()),
        words("architecture", arch.as_ref()),
        words("compute capability", all.cc(gpu)),
        words("form factor", gpu.form_factor.as_ref()),
        words("launch", gpu.launch.as_ref()),
        words("process", gpu.process.as_ref()),
        words("die size", gpu.die.as_ref()),
        words("transistors", gpu.transistors.as_ref()),
        amount("FP64 CUDA cores", "", gpu.fp64_cores.as_ref()),
        amount("FP32 CUDA cores", "", gpu.fp32_cores.as_ref()),
        amount("tensor cores", "", gpu.tensor_cores.as_ref()),
        amount("multiprocessors", "", gpu.sms.as_ref()),
        amount("memory", " GB", gpu.memory.as_ref()),
        words("memory type", gpu.memory_type.as_ref()),
        amount("memory bandwidth", " GB/s", gpu.bandwidth.as_ref()),
        words("interconnect", gpu.interconnect.as_ref()),
        amount("link bandwidth", " GB/s", gpu.link.as_ref()),
        words("PCIe", gpu.pcie.as_ref()),
        amount("max power", " W", gpu.power.as_ref()),
        amount("MIG instances", "", gpu.mig.as_ref()),
        amount("reported memory", " MiB", gpu.reported_mib.as_ref()),
    ];
    out.extend(RATES.iter().map(|(key, what)| rate(gpu, key, what)));
    out.into_iter().flatten().collect()
}

/// Everything any of these GPUs has a line for, each with its lines: rows of a comparison.
pub fn rows<'a>(gpus: &[&'a Gpu], all: &'a Catalog) -> Vec<(&'static str, Vec<Option<Line>>)> {
    let sheets: Vec<Vec<Line>> = gpus.iter().map(|gpu| lines(gpu, all)).collect();
    let mut order: Vec<&'static str> = Vec::new();
    let longest = sheets.iter().flatten().map(|line| line.what);
    for what in longest {
        if !order.contains(&what) {
            order.push(what);
        }
    }
    let place = |what: &str| ORDER.iter().position(|w| *w == what).unwrap_or(usize::MAX);
    order.sort_by_key(|what| place(what));
    order
        .into_iter()
        .map(|what| {
            let cells = sheets
                .iter()
                .map(|sheet| sheet.iter().find(|line| line.what == what).cloned());
            (what, cells.collect())
        })
        .collect()
}

const ORDER: [&str; 33] = [
    "codename",
    "architecture",
    "compute capability",
    "form factor",
    "launch",
    "process",
    "die size",
    "transistors",
    "FP64 CUDA cores",
    "FP32 CUDA cores",
    "tensor cores",
    "multiprocessors",
    "memory",
    "memory type",
    "memory bandwidth",
    "interconnect",
    "link bandwidth",
    "PCIe",
    "max power",
    "MIG instances",
    "reported memory",
    "FP64",
    "FP64 Tensor Core",
    "FP32",
    "TF32 Tensor Core",
    "BF16 Tensor Core",
    "FP16",
    "FP16 Tensor Core",
    "FP8 Tensor Core",
    "FP6 Tensor Core",
    "FP4 Tensor Core",
    "INT8 Tensor Core",
    "INT4 Tensor Core",
];

/// What the slides say of a GPU otherwise than it is printed today: row, theirs, today's.
pub fn differences<'a>(gpu: &Gpu, all: &'a Catalog) -> Vec<(&'a str, &'a str, &'a Figure<String>)> {
    let Some((column, _)) = SLIDE_COLUMNS.iter().find(|(_, id)| *id == gpu.id) else {
        return Vec::new();
    };
    let rows = all.slides.row.iter();
    rows.filter_map(|row| {
        let theirs = row.cells.get(*column)?;
        Some((row.name.as_str(), theirs.as_str(), row.today.get(*column)?))
    })
    .collect()
}
