//! `jobdeck hardware`: the hardware reference as tables or JSON, without any cluster.

use std::process::ExitCode;
use std::sync::Arc;

use color_eyre::eyre::{Result, bail, eyre};
use serde_json::{Map, Value, json};

use super::config::print_all;
use super::table::Table;
use super::{HardwareArgs, Shape};
use crate::hardware::advice;
use crate::hardware::ask::{Ask, Word};
use crate::hardware::data::{SLIDE_COLUMNS, SlidePrecision};
use crate::hardware::{Catalog, Cores, Gpu, Precision, Status, Support, load, sheet};
use crate::settings;

/// Runs the command.
///
/// # Errors
/// A name that no GPU has, or a word that is no filter.
pub fn run(args: &HardwareArgs) -> Result<ExitCode> {
    let (all, problem) = load::load(settings::folder().as_deref());
    if let Some(problem) = problem {
        say!("jobdeck: {problem}");
    }
    let text = answer(&all, args)?;
    print_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

fn answer(all: &Arc<Catalog>, args: &HardwareArgs) -> Result<String> {
    if !args.compare.is_empty() {
        let gpus: Vec<&Gpu> = args
            .compare
            .iter()
            .map(|name| one(all, name))
            .collect::<Result<_>>()?;
        return Ok(match args.output {
            Shape::Json => json_text(all, &gpus, true),
            Shape::Table => compare(all, &gpus),
        });
    }
    let gpus = chosen(all, args)?;
    Ok(match (args.output, gpus.as_slice()) {
        (Shape::Json, gpus) => json_text(all, gpus, narrowed(args)),
        (Shape::Table, []) => "no GPU is all of that\n".into(),
        (Shape::Table, [gpu]) => one_sheet(all, gpu),
        (Shape::Table, gpus) => matrix(all, gpus, narrowed(args)),
    })
}

fn narrowed(args: &HardwareArgs) -> bool {
    !args.names.is_empty() || args.precision.is_some()
}

fn named<'a>(all: &'a Catalog, name: &str) -> Result<Vec<&'a Gpu>> {
    all.named(name)
        .map_err(|near| eyre!("no GPU named {name}; nearest: {}", near.join(", ")))
}

/// The GPU a name means when one is wanted: the best documented of several.
fn one<'a>(all: &'a Catalog, name: &str) -> Result<&'a Gpu> {
    let several = named(all, name)?;
    let best = several
        .iter()
        .copied()
        .reduce(|a, b| {
            if b.figures().len() > a.figures().len() {
                b
            } else {
                a
            }
        })
        .ok_or_else(|| eyre!("no GPU named {name}"))?;
    if several.len() > 1 {
        let others = several
            .iter()
            .map(|gpu| gpu.id.as_str())
            .collect::<Vec<_>>();
        say!(
            "jobdeck: {name} is taken as {}; there are {}",
            best.id,
            others.join(", ")
        );
    }
    Ok(best)
}

fn chosen<'a>(all: &'a Catalog, args: &HardwareArgs) -> Result<Vec<&'a Gpu>> {
    let mut ask = Ask::default();
    let mut names = Vec::new();
    for word in &args.names {
        let read = Ask::parse(word).map_err(|why| eyre!("{word}: {why}"))?;
        let is_name = |(not, word): &(bool, Word)| !not && !word.is_property();
        if read.0.iter().all(is_name) {
            names.push(word.trim());
        } else {
            ask.0.extend(read.0);
        }
    }
    if let Some(word) = &args.precision {
        let Some(precision) = Precision::parse(word) else {
            let known = Precision::KNOWN.iter().map(|p| p.word());
            bail!(
                "no precision {word:?}: one of {}",
                known.collect::<Vec<_>>().join(", ")
            );
        };
        ask.0.push((false, Word::Does(precision)));
    }
    let mut found: Vec<&Gpu> = Vec::new();
    for name in &names {
        for gpu in named(all, name)? {
            if !found.iter().any(|known| known.id == gpu.id) {
                found.push(gpu);
            }
        }
    }
    if names.is_empty() {
        found = all.gpus.iter().collect();
    }
    found.retain(|gpu| ask.wants(gpu, all));
    Ok(found)
}

/// Rows of the slides that speak of these GPUs.
fn slides<'a>(
    all: &'a Catalog,
    gpus: &'a [&Gpu],
    narrowed: bool,
) -> impl Iterator<Item = &'a SlidePrecision> {
    let rows = all.slides.precision.iter();
    rows.filter(move |row| !narrowed || gpus.iter().any(|gpu| gpu.arch == row.arch))
}

fn json_text(all: &Catalog, gpus: &[&Gpu], narrowed: bool) -> String {
    let pick = |word: &dyn Fn(Precision) -> Support| -> Map<String, Value> {
        Precision::MATRIX
            .iter()
            .map(|p| (p.word().to_owned(), word(*p).word().into()))
            .collect()
    };
    let mut matrix: Vec<Value> = slides(all, gpus, narrowed)
        .map(|row| {
            let of = |cells: &std::collections::BTreeMap<String, Support>| {
                pick(&|p| cells.get(p.word()).copied().unwrap_or_default())
            };
            json!({"gpu": row.gpu, "cuda": of(&row.cuda), "tensor": of(&row.tensor)})
        })
        .collect();
    matrix.extend(gpus.iter().map(|gpu| {
        let of = |cores| pick(&|p| all.support(gpu, cores, p));
        json!({"gpu": gpu.name, "cuda": of(Cores::Cuda), "tensor": of(Cores::Tensor)})
    }));
    let columns = SLIDE_COLUMNS
        .iter()
        .filter(|(_, id)| !narrowed || gpus.iter().any(|gpu| gpu.id == *id));
    let columns: Vec<&str> = columns.map(|(name, _)| *name).collect();
    let datasheet: Vec<Value> = all
        .slides
        .row
        .iter()
        .filter(|_| !columns.is_empty())
        .map(|row| {
            let mut out = Map::new();
            out.insert("row".into(), row.name.clone().into());
            for column in &columns {
                let cell = row.cells.get(*column).cloned();
                out.insert((*column).to_owned(), cell.into());
            }
            out.into()
        })
        .collect();
    let gpus: Vec<Value> = gpus.iter().map(|gpu| entry(all, gpu)).collect();
    let whole = json!({"precisionMatrix": matrix, "datasheet": datasheet, "gpus": gpus});
    format!("{whole:#}\n")
}

fn entry(all: &Catalog, gpu: &Gpu) -> Value {
    let figures: Map<String, Value> = gpu
        .figures()
        .into_iter()
        .map(|f| {
            let said = json!({"value": f.value, "source": f.source, "status": f.status});
            (f.name, said)
        })
        .collect();
    let mig = all.profiles(gpu);
    let profiles = mig.map_or(&[][..], |mig| &mig.profiles).iter().map(
        |p| json!({"profile": p.name, "slices": p.slices(), "memoryGB": p.memory(), "max": p.max}),
    );
    let differences = sheet::differences(gpu, all).into_iter().map(|(row, theirs, today)| {
        json!({"row": row, "slides": theirs, "today": today.value, "source": today.source, "status": today.status})
    });
    json!({
        "id": gpu.id,
        "name": gpu.name,
        "vendor": gpu.vendor,
        "architecture": all.arch(gpu).map(|arch| arch.name.clone()),
        "figures": figures,
        "mig": profiles.collect::<Vec<_>>(),
        "differences": differences.collect::<Vec<_>>(),
        "note": gpu.note,
        "yours": gpu.yours,
    })
}

/// One line a GPU, a column a format: what general cores do, then what tensor cores do.
fn matrix(all: &Catalog, gpus: &[&Gpu], narrowed: bool) -> String {
    let rows: Vec<(&str, String)> = slides(all, gpus, narrowed)
        .map(|row| {
            let of = |cells: &std::collections::BTreeMap<String, Support>| -> String {
                let cell = |p: &Precision| {
                    let support = cells.get(p.word()).copied().unwrap_or_default();
                    format!("{:<5}", short(support))
                };
                Precision::MATRIX.iter().map(cell).collect()
            };
            (
                row.gpu.as_str(),
                format!("{}| {}", of(&row.cuda), of(&row.tensor)),
            )
        })
        .chain(gpus.iter().map(|gpu| {
            let of = |cores| -> String {
                let cell = |p: &Precision| {
                    let mark = all.mark(gpu, cores, *p);
                    format!(
                        "{:<5}",
                        format!("{}{mark}", short(all.support(gpu, cores, *p)))
                    )
                };
                Precision::MATRIX.iter().map(cell).collect()
            };
            (
                gpu.name.as_str(),
                format!("{}| {}", of(Cores::Cuda), of(Cores::Tensor)),
            )
        }))
        .collect();
    let widest = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(3);
    let heads: String = Precision::MATRIX
        .iter()
        .map(|p| format!("{:<5}", p.label()))
        .collect();
    let mut out = format!("{:<widest$}  {:<45}| TENSOR CORES\n", "", "CUDA CORES");
    let rows = std::iter::once(("GPU", format!("{heads}| {heads}"))).chain(rows);
    for (name, cells) in rows {
        out.push_str(format!("{name:<widest$}  {cells}").trim_end());
        out.push('\n');
    }
    out.push_str(
        "\n?: unknown, which is not no.  ~: unverified.  One NAME alone prints its data-sheet.\n",
    );
    out
}

fn short(support: Support) -> &'static str {
    match support {
        Support::Unknown => "?",
        other => other.word(),
    }
}

fn formats(all: &Catalog, gpu: &Gpu, cores: Cores) -> String {
    let of = |wanted: Support| {
        let formats = Precision::KNOWN
            .iter()
            .filter(|p| all.support(gpu, cores, **p) == wanted);
        let words = formats.map(|p| format!("{}{}", all.mark(gpu, cores, *p), p.word()));
        words.collect::<Vec<_>>().join(" ")
    };
    let (yes, no, unknown) = (of(Support::Yes), of(Support::No), of(Support::Unknown));
    let part = |what: &str, words: String| match words.as_str() {
        "" => String::new(),
        words => format!("  {what}: {words}"),
    };
    format!("{yes}{}{}", part("no", no), part("unknown", unknown))
}

fn one_sheet(all: &Catalog, gpu: &Gpu) -> String {
    let mut out = format!(
        "{}{}\n\n",
        gpu.name,
        if gpu.yours { "  (yours)" } else { "" }
    );
    let mut table = Table::new(vec!["WHAT", "VALUE", "STATUS", "SOURCE"]);
    let mut sources: Vec<String> = Vec::new();
    for line in sheet::lines(gpu, all) {
        let status = match line.source.as_str() {
            "" => String::new(),
            _ => line.status.word().to_owned(),
        };
        if !line.source.is_empty() && !sources.contains(&line.source) {
            sources.push(line.source.clone());
        }
        table.push(vec![line.what.to_owned(), line.text, status, line.source]);
    }
    out.push_str(&table.text());
    out.push_str(&format!(
        "\nCUDA cores    {}\n",
        formats(all, gpu, Cores::Cuda)
    ));
    out.push_str(&format!(
        "tensor cores  {}\n",
        formats(all, gpu, Cores::Tensor)
    ));
    if let Some(mig) = all.profiles(gpu) {
        let mut table = Table::new(vec![
            "MIG PROFILE",
            "SLICES",
            "MEMORY GB",
            "MAX",
            "RESOURCE",
        ]);
        for p in &mig.profiles {
            let (slices, memory) = (p.slices().to_owned(), p.memory().to_owned());
            table.push(vec![
                p.name.clone(),
                slices,
                memory,
                p.max.to_string(),
                p.resource(),
            ]);
        }
        out.push_str(&format!("\n{}", table.text()));
    }
    let differences = sheet::differences(gpu, all);
    if !differences.is_empty() {
        let mut table = Table::new(vec!["ROW", "CSC 2024 SLIDES", "TODAY", "STATUS", "SOURCE"]);
        for (row, theirs, today) in differences {
            let status = today.status.word().to_owned();
            let cells = vec![row.to_owned(), theirs.to_owned(), today.value.clone()];
            table.push([cells, vec![status, today.source.to_string()]].concat());
        }
        out.push_str(&format!("\n{}", table.text()));
    }
    let arch_note = all.arch(gpu).and_then(|arch| arch.note.as_deref());
    for note in [gpu.note.as_deref(), arch_note].into_iter().flatten() {
        out.push_str(&format!("\nnote: {note}\n"));
    }
    out.push_str(&format!("\n{}\n~ unverified\n", all.slides.footnote));
    for id in sources {
        if let Some(source) = all.source(&id) {
            let url = source
                .url
                .as_deref()
                .map_or(String::new(), |url| format!("  {url}"));
            out.push_str(&format!("{id}: {}{url}\n", source.title));
        }
    }
    out.push_str("\nwhat is read as naming a format, for the advice in a job's detail:\n");
    for rule in advice::RULES {
        out.push_str(&format!("{}: {} ({})\n", rule.id, rule.says, rule.source));
    }
    out
}

fn compare(all: &Catalog, gpus: &[&Gpu]) -> String {
    let width = |n: usize, rows: &[Vec<String>]| {
        rows.iter()
            .map(|row| row[n].chars().count())
            .max()
            .unwrap_or(0)
    };
    let mut rows = vec![vec!["".to_owned(), "".to_owned()]];
    rows[0].extend(gpus.iter().map(|gpu| gpu.name.clone()));
    for (what, cells) in sheet::rows(gpus, all) {
        let texts: Vec<String> = cells
            .iter()
            .map(|cell| {
                cell.as_ref()
                    .map_or("?".to_owned(), |line| line.text.clone())
            })
            .collect();
        let differs = texts.iter().any(|text| text != &texts[0]);
        let mut row = vec![if differs { "*" } else { "" }.to_owned(), what.to_owned()];
        row.extend(texts);
        rows.push(row);
    }
    let widths: Vec<usize> = (0..gpus.len() + 2).map(|n| width(n, &rows)).collect();
    let mut out = String::new();
    for row in &rows {
        let line: String = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:<width$}  "))
            .collect();
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out.push_str("\n* before a row: they differ.  dense | sparse*  ");
    out.push_str(&all.slides.footnote);
    out.push_str("\n?: unknown.  ~: unverified.\n");
    let yours = gpus.iter().flat_map(|gpu| gpu.figures());
    if yours.filter(|f| f.status == Status::Yours).count() > 0 {
        out.push_str("+: from your hardware.toml.\n");
    }
    out
}
