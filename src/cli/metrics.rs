//! `jobdeck metrics`: what a training log says, as records, from a file or a pipe. Needs no cluster.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufWriter, ErrorKind, Read, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use color_eyre::eyre::{Result, WrapErr};
use serde::Serialize;

use super::table::Table;
use crate::logs::History;
use crate::logs::metrics::{Field, Pattern, Reader, Record};
use crate::logs::pieces;
use crate::settings;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Rows {
    /// One JSON object per line, as they come
    Jsonl,
    /// A column per name, when the input has ended
    Csv,
    /// The same for people
    Table,
}

#[derive(Debug, Clone, Args)]
pub struct MetricsArgs {
    /// A log as the program wrote it, or - for standard input
    #[arg(value_name = "FILE|-")]
    pub file: String,
    #[arg(long, short, default_value = "jsonl")]
    pub output: Rows,
    /// A regular expression whose named groups are fields, e.g. 'it (?<step>\d+) L=(?<loss>\S+)'; tried before those of
    /// the settings
    #[arg(long, value_name = "REGEX", value_parser = |text: &str| Pattern::new(text))]
    pub pattern: Vec<Pattern>,
}

/// One line's record, as it is printed.
#[derive(Debug, Serialize)]
struct Numbered<'a> {
    line: u64,
    #[serde(flatten)]
    record: &'a Record,
}

/// Runs the command. A reader that has seen enough (`| head`) is no error.
///
/// # Errors
/// The file cannot be read.
pub fn run(args: &MetricsArgs) -> Result<ExitCode> {
    match read(args) {
        Err(error) if is_broken_pipe(&error) => Ok(ExitCode::SUCCESS),
        other => other.map(|()| ExitCode::SUCCESS),
    }
}

fn is_broken_pipe(error: &color_eyre::Report) -> bool {
    error
        .downcast_ref::<io::Error>()
        .is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}

fn read(args: &MetricsArgs) -> Result<()> {
    let (settings, problem) = settings::load(settings::file().as_deref());
    if let Some(problem) = problem {
        say!("jobdeck: {problem}");
    }
    let own = args.pattern.iter().chain(&*settings.logs.patterns).cloned();
    let mut sink = Sink::new(args.output, own.collect());
    if args.file == "-" {
        from_pipe(io::stdin(), &mut sink)?;
    } else {
        let path = Path::new(&args.file);
        let wrong = || format!("cannot read {}", path.display());
        let mut file = File::open(path).wrap_err_with(wrong)?;
        if file.metadata().wrap_err_with(wrong)?.is_file() {
            let mut chunk = vec![0; pieces::PIECE];
            loop {
                match file.read(&mut chunk) {
                    Ok(0) => break,
                    Ok(n) => sink.feed(&chunk[..n])?,
                    Err(e) if e.kind() == ErrorKind::Interrupted => {}
                    Err(e) => return Err(e).wrap_err_with(wrong),
                }
            }
        } else {
            from_pipe(file, &mut sink).wrap_err_with(wrong)?;
        }
    }
    sink.end()?;
    Ok(())
}

/// A stream that may go on for days: what is there is printed whenever it pauses.
fn from_pipe(input: impl Read + Send + 'static, sink: &mut Sink) -> io::Result<()> {
    pieces::read(input, |piece| match piece {
        Some(bytes) => sink.feed(bytes),
        None => sink.pause(),
    })
}

/// Lines to records to output.
struct Sink {
    history: History,
    reader: Reader,
    rows: Rows,
    out: BufWriter<io::Stdout>,
    /// For those that need all names first.
    kept: Vec<(u64, Record)>,
}

impl Sink {
    fn new(rows: Rows, patterns: Arc<[Pattern]>) -> Self {
        Self {
            history: History::default(),
            reader: Reader::with(patterns),
            rows,
            out: BufWriter::new(io::stdout()),
            kept: Vec::new(),
        }
    }

    fn feed(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.tell(|history, tell| history.feed(bytes, tell))
    }

    fn pause(&mut self) -> io::Result<()> {
        self.tell(History::pause)?;
        self.out.flush()
    }

    fn tell(
        &mut self,
        work: impl FnOnce(&mut History, &mut dyn FnMut(u64, &str)),
    ) -> io::Result<()> {
        let Self {
            history,
            reader,
            rows,
            out,
            kept,
        } = self;
        let mut result = Ok(());
        work(history, &mut |line, text| {
            let Some(record) = reader.read(text) else {
                return;
            };
            if *rows != Rows::Jsonl {
                kept.push((line, record));
            } else if result.is_ok() {
                result = serde_json::to_writer(
                    &mut *out,
                    &Numbered {
                        line,
                        record: &record,
                    },
                )
                .map_err(io::Error::from)
                .and_then(|()| out.write_all(b"\n"));
            }
        });
        result
    }

    fn end(mut self) -> io::Result<()> {
        self.pause()?;
        // A line told twice counts as it was told last.
        let mut last = HashSet::new();
        self.kept.reverse();
        self.kept.retain(|(line, _)| last.insert(*line));
        self.kept.sort_by_key(|(line, _)| *line);
        let names = names(&self.kept);
        match self.rows {
            Rows::Jsonl => {}
            Rows::Csv => {
                let head = std::iter::once("line").chain(names.iter().map(String::as_str));
                write_row(&mut self.out, head)?;
                for (line, record) in &self.kept {
                    let line = line.to_string();
                    let cells: Vec<String> =
                        names.iter().map(|name| cell(record.get(name))).collect();
                    let row = std::iter::once(&*line).chain(cells.iter().map(String::as_str));
                    write_row(&mut self.out, row)?;
                }
            }
            Rows::Table => {
                let heads = std::iter::once("LINE".to_owned())
                    .chain(names.iter().map(|name| name.to_uppercase()));
                let mut table = Table::new(heads.collect());
                for (line, record) in &self.kept {
                    let cells = names.iter().map(|name| cell(record.get(name)));
                    table.push(std::iter::once(line.to_string()).chain(cells).collect());
                }
                if !table.is_empty() {
                    self.out.write_all(table.text().as_bytes())?;
                }
            }
        }
        self.out.flush()
    }
}

/// All names, in the order they came up.
fn names(records: &[(u64, Record)]) -> Vec<String> {
    let mut seen = HashSet::new();
    let all = records.iter().flat_map(|(_, record)| record.fields());
    all.filter(|(name, _)| seen.insert(*name))
        .map(|(name, _)| name.to_owned())
        .collect()
}

fn cell(field: Option<&Field>) -> String {
    match field {
        None => String::new(),
        Some(Field::Text(text)) => text.clone().into_owned(),
        // As in JSON, without its quotes.
        Some(other) => serde_json::to_string(other)
            .unwrap_or_default()
            .trim_matches('"')
            .to_owned(),
    }
}

fn write_row<'a>(out: &mut impl Write, cells: impl Iterator<Item = &'a str>) -> io::Result<()> {
    for (index, cell) in cells.enumerate() {
        if index > 0 {
            out.write_all(b",")?;
        }
        if cell.contains([',', '"', '\n']) {
            write!(out, "\"{}\"", cell.replace('"', "\"\""))?;
        } else {
            out.write_all(cell.as_bytes())?;
        }
    }
    out.write_all(b"\n")
}
