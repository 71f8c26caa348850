//! The filter words of the reference: `fp8 tensor mem>=80 arch:hopper mig`. All must hold. Separate from the filters of
//! rows because it asks figures, not columns.

use std::fmt;

use super::data::{Catalog, Gpu};
use super::precision::{Cores, Precision, Support};

/// Numbers one can compare.
const NUMBERS: [(&str, &str); 6] = [
    ("mem", "memory in GB"),
    ("bw", "memory bandwidth in GB/s"),
    ("link", "interconnect in GB/s"),
    ("tdp", "power in W"),
    ("mig", "MIG slices at most"),
    ("year", "of its launch"),
];

/// Fields of text.
const TEXTS: [&str; 6] = ["arch", "vendor", "cc", "chip", "name", "status"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    Less,
    AtMost,
    Is,
    AtLeast,
    More,
}

impl Op {
    const ALL: [(&'static str, Op); 5] = [
        (">=", Op::AtLeast),
        ("<=", Op::AtMost),
        (">", Op::More),
        ("<", Op::Less),
        ("=", Op::Is),
    ];

    fn sign(self) -> &'static str {
        let found = Self::ALL.iter().find(|(_, op)| *op == self);
        found.map_or("=", |(sign, _)| sign)
    }

    fn holds(self, a: f64, b: f64) -> bool {
        match self {
            Op::Less => a < b,
            Op::AtMost => a <= b,
            Op::Is => (a - b).abs() < 1e-9,
            Op::AtLeast => a >= b,
            Op::More => a > b,
        }
    }
}

/// One word.
#[derive(Debug, Clone, PartialEq)]
pub enum Word {
    /// Does this format.
    Does(Precision),
    /// The formats asked for, on these cores.
    On(Cores),
    /// Can be cut into slices.
    Mig,
    /// A dense rate, `fp8>=1000`, or one of the numbers.
    Number(String, Op, f64),
    Field(String, String),
    Text(String),
}

/// A filter: words, each perhaps turned around with `!`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Ask(pub Vec<(bool, Word)>);

impl Ask {
    /// Reads a filter.
    ///
    /// # Errors
    /// What is wrong, in words for the user.
    pub fn parse(text: &str) -> Result<Self, String> {
        let words = text.split_whitespace().map(|word| {
            let (not, rest) = match word.strip_prefix('!') {
                Some(rest) => (true, rest),
                None => (false, word),
            };
            Ok((not, Word::parse(rest)?))
        });
        Ok(Self(words.collect::<Result<_, String>>()?))
    }

    /// Whether a GPU is what is asked for.
    pub fn wants(&self, gpu: &Gpu, all: &Catalog) -> bool {
        let cores: Vec<Cores> = self
            .0
            .iter()
            .filter_map(|(not, word)| match word {
                Word::On(cores) if !not => Some(*cores),
                _ => None,
            })
            .collect();
        let formats = self.0.iter().any(|(_, w)| matches!(w, Word::Does(_)));
        self.0.iter().all(|(not, word)| {
            let holds = match word {
                Word::Does(precision) => does(gpu, *precision, &cores, all),
                // with formats it says where, alone that there are such cores
                Word::On(_) if formats && !not => return true,
                Word::On(cores) => Precision::KNOWN
                    .iter()
                    .any(|p| all.support(gpu, *cores, *p) == Support::Yes),
                Word::Mig => gpu.mig.as_ref().is_some_and(|n| n.value > 0.0),
                Word::Number(name, op, n) => {
                    return number(gpu, name).is_some_and(|has| op.holds(has, *n) != *not);
                }
                Word::Field(name, value) => field(gpu, name, value, all),
                Word::Text(text) => found(gpu, text, all),
            };
            holds != *not
        })
    }
}

fn does(gpu: &Gpu, precision: Precision, cores: &[Cores], all: &Catalog) -> bool {
    let yes = |cores: &Cores| all.support(gpu, *cores, precision) == Support::Yes;
    match cores {
        [] => [Cores::Cuda, Cores::Tensor].iter().any(yes),
        cores => cores.iter().all(yes),
    }
}

fn number(gpu: &Gpu, name: &str) -> Option<f64> {
    let figure = match name {
        "mem" => gpu.memory.as_ref(),
        "bw" => gpu.bandwidth.as_ref(),
        "link" => gpu.link.as_ref(),
        "tdp" => gpu.power.as_ref(),
        "mig" => gpu.mig.as_ref(),
        "year" => return gpu.launch.as_ref()?.value.get(..4)?.parse().ok(),
        rate => gpu.dense.0.get(rate),
    };
    figure.map(|figure| figure.value)
}

fn has(of: &str, wanted: &str) -> bool {
    of.to_lowercase().contains(wanted)
}

fn field(gpu: &Gpu, name: &str, value: &str, all: &Catalog) -> bool {
    let arch = all.arch(gpu);
    match name {
        "arch" => {
            has(&gpu.arch, value)
                || arch.is_some_and(|a| {
                    has(&a.name, value) || a.branch.as_deref().is_some_and(|b| has(b, value))
                })
        }
        "vendor" => has(&gpu.vendor, value),
        "cc" => all.cc(gpu).is_some_and(|cc| cc.value == value),
        // GH100 must not be found by H100
        "chip" => gpu
            .chip
            .as_ref()
            .is_some_and(|c| c.value.to_lowercase().starts_with(value)),
        "status" => gpu.figures().iter().any(|f| has(f.status.word(), value)),
        _ => has(&gpu.name, value) || has(&gpu.id, value),
    }
}

/// By name, codename, compute capability or architecture.
pub fn found(gpu: &Gpu, text: &str, all: &Catalog) -> bool {
    let text = text.to_lowercase();
    let plain = |s: &str| s.to_lowercase().replace(['-', ' ', '_'], "");
    ["name", "arch", "vendor", "cc", "chip"]
        .iter()
        .any(|name| field(gpu, name, &text, all))
        || plain(&gpu.name).contains(&plain(&text)) && !plain(&text).is_empty()
}

impl Word {
    fn parse(text: &str) -> Result<Self, String> {
        let lower = text.to_lowercase();
        match lower.as_str() {
            "" => return Err("a word is missing after !".into()),
            "tensor" | "matrix" => return Ok(Self::On(Cores::Tensor)),
            "cuda" | "vector" => return Ok(Self::On(Cores::Cuda)),
            "mig" => return Ok(Self::Mig),
            _ => {}
        }
        if let Some(precision) = Precision::parse(&lower) {
            return Ok(Self::Does(precision));
        }
        if let Some(at) = lower.find(['<', '>', '=']) {
            let (name, rest) = lower.split_at(at);
            let Some((sign, op)) = Op::ALL.iter().find(|(sign, _)| rest.starts_with(sign)) else {
                return Err(format!("{text}: no comparison"));
            };
            let number = &rest[sign.len()..];
            let known = NUMBERS.iter().any(|(n, _)| *n == name)
                || super::data::RATES.iter().any(|(rate, _)| *rate == name);
            if !known {
                let words = NUMBERS.map(|(n, _)| n).join(", ");
                return Err(format!(
                    "{name:?} is no number here: {words}, or a rate as fp16"
                ));
            }
            let n: f64 = number
                .trim_end_matches("gb")
                .parse()
                .ok()
                .filter(|n: &f64| n.is_finite())
                .ok_or_else(|| format!("{number:?} is not a number"))?;
            return Ok(Self::Number(name.to_owned(), *op, n));
        }
        if let Some((name, value)) = lower.split_once(':') {
            if !TEXTS.contains(&name) {
                return Err(format!("no field {name:?}: {}", TEXTS.join(", ")));
            }
            if value.is_empty() {
                return Err(format!("{name}: a value is missing"));
            }
            return Ok(Self::Field(name.to_owned(), value.to_owned()));
        }
        Ok(Self::Text(lower))
    }

    /// Whether it asks for a property rather than a name.
    pub fn is_property(&self) -> bool {
        !matches!(self, Word::Text(_))
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Word::Does(precision) => f.write_str(precision.word()),
            Word::On(Cores::Cuda) => f.write_str("cuda"),
            Word::On(Cores::Tensor) => f.write_str("tensor"),
            Word::Mig => f.write_str("mig"),
            Word::Number(name, op, n) => write!(f, "{name}{}{n}", op.sign()),
            Word::Field(name, value) => write!(f, "{name}:{value}"),
            Word::Text(text) => f.write_str(text),
        }
    }
}

impl fmt::Display for Ask {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        for (n, (not, word)) in self.0.iter().enumerate() {
            let gap = if n > 0 { " " } else { "" };
            write!(f, "{gap}{}{word}", if *not { "!" } else { "" })?;
        }
        Ok(())
    }
}
