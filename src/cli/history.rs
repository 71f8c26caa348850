//! `jobdeck history`: what is kept of jobs that were seen, as a table, as JSON, or one of them as YAML. No cluster.

use std::process::ExitCode;

use chrono::{DateTime, Utc};
use clap::{Args, Subcommand, ValueEnum};
use color_eyre::eyre::{Result, bail, eyre};

use super::config::print_all;
use super::table::Table;
use crate::history::{Keep, Record};
use crate::model::human;
use crate::settings;

#[derive(Debug, Clone, Args)]
pub struct HistoryArgs {
    /// How the list is printed
    #[arg(short, long, value_enum, default_value_t = Output::Table, global = true)]
    pub output: Output,
    /// The table without its headers
    #[arg(long)]
    pub no_headers: bool,
    #[command(subcommand)]
    pub what: Option<HistoryCommand>,
}

#[derive(Debug, Clone, Subcommand)]
pub enum HistoryCommand {
    /// Print one job: how it ended and its last lines as comments, then its manifest as YAML
    Show {
        /// The newest of this kind and name, e.g. job/pi
        #[arg(value_name = "KIND/NAME")]
        job: String,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    Table,
    Json,
}

/// Runs the command. Namespace and context narrow it, where they are given.
///
/// # Errors
/// The records cannot be read, or there is none such.
pub fn run(namespace: Option<&str>, context: Option<&str>, args: &HistoryArgs) -> Result<ExitCode> {
    let (settings, problem) = settings::load(settings::file().as_deref());
    if let Some(problem) = problem {
        say!("jobdeck: {problem}");
    }
    let folder = settings::history_folder()
        .ok_or_else(|| eyre!("no home folder: set HOME or XDG_STATE_HOME"))?;
    let shelf = Keep::new(folder.clone(), settings.history.clone()).load()?;
    for problem in &shelf.problems {
        say!("jobdeck: {problem}");
    }
    let mut records = shelf.records;
    records.retain(|r| namespace.is_none_or(|n| r.namespace == n));
    records.retain(|r| context.is_none_or(|c| r.context == c));
    if let Some(HistoryCommand::Show { job }) = &args.what {
        let (kind, name) = job.split_once('/').unwrap_or(("", job));
        let fits = |r: &&Record| {
            let of_kind = r.kind.eq_ignore_ascii_case(kind)
                || format!("{}s", r.kind).eq_ignore_ascii_case(kind);
            r.name == name && (kind.is_empty() || of_kind)
        };
        let Some(record) = records.iter().find(fits) else {
            bail!(
                "no {job} is kept in {}\n`jobdeck history` lists what is",
                folder.display()
            );
        };
        let text = match args.output {
            Output::Json => format!("{}\n", serde_json::to_string_pretty(record)?),
            Output::Table => show(record, Utc::now()),
        };
        print_all(text.as_bytes())?;
        return Ok(ExitCode::SUCCESS);
    }
    match args.output {
        Output::Json => {
            let text = serde_json::to_string_pretty(&records)?;
            print_all(format!("{text}\n").as_bytes())?;
        }
        Output::Table if records.is_empty() => {
            say!("jobdeck: no job is kept in {}", folder.display());
        }
        Output::Table => {
            let table = table(&records, Utc::now()).bare(args.no_headers);
            print_all(table.text().as_bytes())?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn table(records: &[Record], now: DateTime<Utc>) -> Table {
    let mut table = Table::new(vec![
        "CONTEXT",
        "NAMESPACE",
        "KIND",
        "NAME",
        "PHASE",
        "SEEN",
        "DELETED",
        "MESSAGE",
    ]);
    for r in records {
        let seen = r.finished.or(r.deleted).unwrap_or(r.updated);
        table.push(vec![
            r.context.clone(),
            r.namespace.clone(),
            r.kind.clone(),
            r.name.clone(),
            r.phase.clone(),
            human::age(Some(seen), now),
            if r.deleted.is_some() { "yes" } else { "no" }.into(),
            r.message.clone(),
        ]);
    }
    table
}

/// Comments, and a manifest that can be edited and applied.
fn show(record: &Record, now: DateTime<Utc>) -> String {
    let mut text = String::new();
    let mut say = |words: String| {
        let plain: String = words
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        text.push_str(&format!("# {plain}\n"));
    };
    say(format!(
        "{} in {} of {}: {}",
        record.title(),
        record.namespace,
        record.context,
        record.phase
    ));
    say(record.message.clone());
    for (word, at) in [
        ("created", record.created),
        ("started", record.started),
        ("finished", record.finished),
        ("gone", record.deleted),
    ] {
        if let Some(at) = at {
            let ago = human::age(Some(at), now);
            say(format!(
                "{word} {} ({ago} ago)",
                at.format("%Y-%m-%d %H:%M:%S UTC")
            ));
        }
    }
    if !record.failed_indexes.is_empty() {
        say(format!("failed indexes {}", record.failed_indexes));
    }
    for (how, n) in &record.exits {
        say(format!("{n} pods ended with {how}"));
    }
    if let Some(metrics) = &record.metrics
        && let Some((x, y)) = metrics.last
    {
        let y = y.map_or("NaN".to_owned(), |y| y.to_string());
        let best = metrics
            .best
            .map_or(String::new(), |(x, y)| format!(", best {y} at {x}"));
        say(format!("{} {y} at {x}{best}", metrics.name));
    }
    if !record.lines.is_empty() {
        say("last lines:".into());
        record
            .lines
            .iter()
            .for_each(|line| say(format!("  {line}")));
    }
    match crate::panes::history::manifest(record) {
        Some(yaml) => text.push_str(&yaml),
        None => {
            text.push_str("# its manifest is not known: nobody looked at it while it was there\n")
        }
    }
    text
}
