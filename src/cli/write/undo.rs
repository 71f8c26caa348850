//! `jobdeck undo`: what was deleted, made again from the trash.

use std::process::ExitCode;

use chrono::Utc;
use clap::Args;
use color_eyre::eyre::Result;
use serde::Serialize;

use super::{Desk, WriteArgs, find, refused, runtime};
use crate::actions::outcome::Cause;
use crate::actions::undo::{LOST, Naming, again};
use crate::actions::{Intent, Refusal, Step};
use crate::cli::config::print_all;
use crate::cli::connect::connect;
use crate::cli::{ClusterArgs, Prose};
use crate::keep::Keep;
use crate::keep::trash::Entry;
use crate::model::human;
use crate::model::want::Kind;
use crate::settings;

#[derive(Debug, Clone, Args)]
pub struct UndoArgs {
    /// Which: an id of the list, or KIND/NAME [default: what was deleted last in this context]
    #[arg(value_name = "ID|KIND/NAME")]
    pub which: Option<String>,
    /// List what can be made again
    #[arg(long, conflicts_with_all = ["which", "name", "same_name", "set"])]
    pub list: bool,
    /// Its new name [default: the old one with -r2, -r3 …; a CronJob keeps its own]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// The old name: controllers may take the new object for the old one while that still ends
    #[arg(long, conflicts_with = "name")]
    pub same_name: bool,
    /// A value that was masked in the trash
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    pub set: Vec<(String, String)>,
    #[command(flatten)]
    pub write: WriteArgs,
}

pub fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// One entry as JSON: a documented, stable interface.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EntryJson<'a> {
    id: &'a str,
    deleted: chrono::DateTime<Utc>,
    context: &'a str,
    kind: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    namespace: &'a str,
    name: &'a str,
    /// Names of values that were not kept.
    masked: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    undone: Option<&'a str>,
}

/// Runs the command.
///
/// # Errors
/// No cluster in reach.
pub fn run(cluster: &ClusterArgs, args: &UndoArgs) -> Result<ExitCode> {
    let (settings, _) = settings::load(settings::file().as_deref());
    let keep = Keep::new(settings::state_folder(), settings.keep());
    let entries = keep.entries();
    if args.list {
        print_all(list(&entries, args.write.output)?.as_bytes())?;
        return Ok(ExitCode::SUCCESS);
    }
    let runtime = runtime()?;
    let code = runtime.block_on(async {
        let mut connected = connect(cluster, &args.write.one_shot).await?;
        let target = connected.cluster.target();
        let context = target.context.clone();
        let server = target.server();
        let entry = match choose(&entries, args, &context, &server) {
            Ok(entry) => entry,
            Err((cause, refusal)) => return Ok(refused(cause, &refusal, &args.write)),
        };
        let Some(kind) = find::kind(&entry.kind) else {
            let refusal = Refusal::new(format!("there is no kind {}", entry.kind));
            return Ok(refused(Cause::Refused, &refusal, &args.write));
        };
        // it goes back where it was, wherever one looks now
        connected.namespace = Some(entry.namespace.clone()).filter(|n| !n.is_empty());
        let kinds = [Kind::Job, Kind::CronJob, Kind::Pod];
        connected.sync_workloads(&kinds).await?;
        let naming = match (&args.name, args.same_name) {
            (Some(name), _) => Naming::As(name.clone()),
            (None, true) => Naming::Same,
            (None, false) => Naming::Safe,
        };
        let model = &connected.model;
        let taken = |name: &str| {
            let wanted = find::Wanted {
                kind: Some(kind),
                name: name.to_owned(),
            };
            !matches!(find::find(model, &wanted), Err((Cause::NotFound, _)))
        };
        let step = again(
            kind,
            &entry.manifest,
            &entry.masked,
            &args.set,
            &naming,
            taken,
        );
        let step = match step {
            Ok(step) => step,
            Err(refusal) => return Ok(refused(Cause::Refused, &refusal, &args.write)),
        };
        let desk = Desk::new(&connected, cluster, &args.write);
        if args.write.output == Prose::Text {
            say!("make {} again as {}", entry.words(), step.object);
            for note in entry.notes.iter().map(String::as_str).chain([LOST]) {
                say!("  {note}");
            }
        }
        if !desk.ask(&connected, std::slice::from_ref(&step), &Intent::Create)? {
            return Ok(refused(
                Cause::Refused,
                &Refusal::new("nothing was done"),
                &args.write,
            ));
        }
        let step = Step {
            origin: Some(entry.id.clone()),
            ..step
        };
        desk.perform(&connected, vec![step]).await
    });
    runtime.shutdown_background();
    code
}

/// The entry that is meant, of this cluster.
fn choose<'a>(
    entries: &'a [Entry],
    args: &UndoArgs,
    context: &str,
    server: &str,
) -> Result<&'a Entry, (Cause, Refusal)> {
    let none = |why: String| {
        let next = "`jobdeck undo --list` shows what there is";
        Err((Cause::NotFound, Refusal::new(why).next(next)))
    };
    let here = |entry: &Entry| entry.server == server || entry.context == context;
    let is = |entry: &&Entry| match &args.which {
        Some(which) => entry.id == *which || entry.words() == *which,
        None => entry.undone.is_none(),
    };
    match entries.iter().filter(|entry| here(entry)).find(is) {
        Some(entry) => Ok(entry),
        None => match (&args.which, entries.iter().find(is)) {
            (Some(which), Some(other)) => Err((
                Cause::Refused,
                Refusal::new(format!(
                    "{which} was deleted in context {}, this is {context}",
                    other.context
                ))
                .next(format!("--context {}", other.context)),
            )),
            (Some(which), None) => none(format!("nothing kept is {which}")),
            (None, _) => none(format!(
                "nothing was deleted in context {context} that could be made again"
            )),
        },
    }
}

fn list(entries: &[Entry], output: Prose) -> Result<String> {
    if output == Prose::Json {
        let all: Vec<EntryJson> = entries
            .iter()
            .map(|entry| EntryJson {
                id: &entry.id,
                deleted: entry.time,
                context: &entry.context,
                kind: &entry.kind,
                namespace: &entry.namespace,
                name: &entry.name,
                masked: entry.masked.iter().map(|m| m.name.as_str()).collect(),
                undone: entry.undone.as_deref(),
            })
            .collect();
        return Ok(serde_json::to_string_pretty(&all)? + "\n");
    }
    if entries.is_empty() {
        return Ok("nothing is kept: what jobdeck deletes appears here\n".into());
    }
    let now = Utc::now();
    let mut rows = vec![["AGE", "CONTEXT", "NAMESPACE", "WHAT", "", "ID"].map(String::from)];
    for entry in entries {
        let state = match (&entry.undone, entry.masked.is_empty()) {
            (Some(made), _) => format!("made again as {made}"),
            (None, false) => "values masked".into(),
            (None, true) => String::new(),
        };
        rows.push([
            human::age(Some(entry.time), now),
            entry.context.clone(),
            entry.namespace.clone(),
            entry.words(),
            state,
            entry.id.clone(),
        ]);
    }
    let width = |column: usize| {
        let all = rows.iter().map(|row| row[column].chars().count());
        all.max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..6).map(width).collect();
    let mut out = String::new();
    for row in &rows {
        let cells: Vec<String> = (row.iter().zip(&widths))
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        out.push_str(cells.join("  ").trim_end());
        out.push('\n');
    }
    Ok(out)
}
