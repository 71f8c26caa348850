//! `jobdeck resubmit`: a job once more, from the live object, or from what this machine kept of it.

mod group;

use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use color_eyre::eyre::Result;
use serde_json::Value;

use super::changes::{ChangeArgs, EndArgs, Shown, fetch, print};
use super::submit::object;
use super::undo::pair;
use super::{Desk, exit, find, refused, runtime};
use crate::actions::outcome::Cause;
use crate::actions::resubmit::indexes::NAME;
use crate::actions::resubmit::{Draft, Options, resubmit};
use crate::actions::secrets::{Masked, fill};
use crate::actions::undo::LOST;
use crate::actions::{Refusal, Step};
use crate::cli::ClusterArgs;
use crate::cli::connect::{Connected, connect};
use crate::history;
use crate::keep::Keep;
use crate::model::indexset::IndexSet;
use crate::model::want::{Kind, ObjectWant};
use crate::settings;

#[derive(Debug, Clone, Args)]
pub struct ResubmitArgs {
    /// What to run again: a job of any kind, or a pod; one that is deleted by now is taken from the trash or the history
    #[arg(value_name = "KIND/NAME")]
    pub job: String,
    /// Its new name [default: the old one with -r2, -r3 …]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Only the indexes that failed, as a Job of their own; its programs see the index they had
    #[arg(long, conflicts_with = "indexes")]
    pub failed_indexes: bool,
    /// Only these indexes, e.g. 3,7-9
    #[arg(long, value_name = "SET", value_parser = indexes)]
    pub indexes: Option<IndexSet>,
    #[command(flatten)]
    pub changes: ChangeArgs,
    /// A value that was masked when it was kept
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    pub set: Vec<(String, String)>,
    #[command(flatten)]
    pub end: EndArgs,
}

fn indexes(text: &str) -> Result<IndexSet, String> {
    let part = |part: &str| {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        matches!((from.parse::<u32>(), to.parse::<u32>()), (Ok(from), Ok(to)) if from <= to)
    };
    match text.split(',').all(part) {
        true => Ok(IndexSet::parse(text, None)),
        false => Err("write indexes and ranges of them, e.g. 3,7-9".into()),
    }
}

/// What it is made from.
struct Origin {
    object: Value,
    workload: Option<Value>,
    kind: Kind,
    namespace: String,
    /// Where from, if not from the cluster.
    kept: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// No cluster in reach; what concerns the job is in the exit code.
pub fn run(cluster: &ClusterArgs, args: &ResubmitArgs) -> Result<ExitCode> {
    let write = args.end.write();
    let wanted = match find::parse(std::slice::from_ref(&args.job)) {
        Ok(mut wanted) => wanted.remove(0),
        Err(refusal) => return Ok(refused(Cause::Refused, &refusal, &write)),
    };
    if wanted.kind.is_none() {
        return group::run(cluster, args, &wanted);
    }
    let runtime = runtime()?;
    let ended = runtime.block_on(async {
        let mut connected = connect(cluster, &args.end.one_shot).await?;
        find::look(&mut connected, std::slice::from_ref(&wanted)).await?;
        let (draft, origin) = match draft(args, &connected, &wanted).await {
            Ok(drafted) => drafted,
            Err((cause, refusal)) => return Ok(refused(cause, &refusal, &write)),
        };
        if let Some(from) = &origin.kept {
            say!(
                "jobdeck: {} is not in the cluster any more: from {from}",
                args.job
            );
        }
        for note in &draft.notes {
            say!("jobdeck: {note}");
        }
        if args.end.output == Shown::Yaml {
            print(&[&draft.manifest])?;
            if !args.end.dry_run {
                return Ok(ExitCode::SUCCESS);
            }
        }
        let mut manifest = draft.manifest;
        // it goes back where it was, wherever one looks
        let place = ClusterArgs {
            namespace: Some(origin.namespace).filter(|n| !n.is_empty()),
            ..cluster.clone()
        };
        let made = match object(&place, &connected, origin.kind, &mut manifest) {
            Ok(made) => made,
            Err((cause, refusal)) => return Ok(refused(cause, &refusal, &write)),
        };
        let desk = Desk::new(&connected, cluster, &write);
        let step = Step::create(made, Arc::new(manifest));
        if args.end.output == Shown::Yaml {
            // standard output is the manifest's
            let outcome = desk.gate(&connected).step(step).await;
            say!("jobdeck: {}", outcome.sentence());
            return Ok(exit(&[outcome]));
        }
        desk.perform(&connected, vec![step]).await
    });
    runtime.shutdown_background();
    ended
}

async fn draft(
    args: &ResubmitArgs,
    connected: &Connected,
    wanted: &find::Wanted,
) -> Result<(Draft, Origin), (Cause, Refusal)> {
    let origin = origin(args, connected, wanted).await?;
    let mut options: Options = args.changes.options(connected).await?;
    options.name.clone_from(&args.name);
    options.failed_indexes = args.failed_indexes || args.indexes.is_some();
    let model = &connected.model;
    let taken = |name: &str| {
        let wanted = find::Wanted {
            kind: wanted.kind,
            name: name.to_owned(),
        };
        !matches!(find::find(model, &wanted), Err((Cause::NotFound, _)))
    };
    let (object, workload) = (&origin.object, origin.workload.as_ref());
    let draft = resubmit(object, workload, args.indexes.as_ref(), &options, taken);
    let draft = draft.map_err(|mut refusal| {
        if refusal.next.as_deref() == Some(NAME) {
            refusal =
                Refusal::new(refusal.why).next("name the indexes that are meant: --indexes 3,7-9");
        }
        let cause = match refusal.why.ends_with(" already") {
            true => Cause::Conflict,
            false => Cause::Refused,
        };
        (cause, refusal)
    })?;
    Ok((draft, origin))
}

/// The live object and its Workload; else what is kept.
async fn origin(
    args: &ResubmitArgs,
    connected: &Connected,
    wanted: &find::Wanted,
) -> Result<Origin, (Cause, Refusal)> {
    let Some(kind) = wanted.kind else {
        let refusal = Refusal::new("a pod group is no object: its pods are");
        return Err((Cause::Refused, refusal));
    };
    let key = match find::find(&connected.model, wanted) {
        Ok(key) => key,
        Err((Cause::NotFound, refusal)) => {
            return match kept(args, connected, kind, &wanted.name)? {
                Some(origin) => Ok(origin),
                None => {
                    let why = format!("{}, and nothing is kept of one", refusal.why);
                    Err((Cause::NotFound, Refusal { why, ..refusal }))
                }
            };
        }
        Err(other) => return Err(other),
    };
    let model = &connected.model;
    let namespace = match kind {
        Kind::Pod => model.pods.get(key).map(|row| row.namespace.clone()),
        Kind::CronJob => model.cronjobs.get(key).map(|row| row.namespace.clone()),
        _ => model.jobs.get(key).map(|row| row.namespace.clone()),
    };
    let Some(namespace) = namespace else {
        let why = format!("{} is no job", args.job);
        return Err((
            Cause::Refused,
            Refusal::new(why).next("jobs of any kind and pods can run again"),
        ));
    };
    let want = ObjectWant {
        kind,
        namespace: namespace.clone(),
        name: wanted.name.as_str().into(),
    };
    let Some(object) = fetch(connected, &want).await? else {
        let why = format!("{} is gone", args.job);
        return Err((
            Cause::NotFound,
            Refusal::new(why).next("try again: what is kept of it is used then"),
        ));
    };
    let workload = match model.kueue.workload_of(key) {
        Some(row) => {
            let want = ObjectWant {
                kind: crate::actions::WORKLOAD,
                namespace: row.namespace.clone(),
                name: row.name.clone(),
            };
            // what cannot be read is done without
            fetch(connected, &want).await.ok().flatten()
        }
        None => None,
    };
    Ok(Origin {
        object,
        workload,
        kind,
        namespace: namespace.to_string(),
        kept: None,
    })
}

/// From the trash, else from the history of this machine.
fn kept(
    args: &ResubmitArgs,
    connected: &Connected,
    kind: Kind,
    name: &str,
) -> Result<Option<Origin>, (Cause, Refusal)> {
    let target = connected.cluster.target();
    let (context, server) = (target.context.as_str(), target.server());
    let there = |namespace: &str| {
        let here = connected.namespace.as_deref();
        here.is_none_or(|here| here == namespace)
    };
    let (settings, _) = settings::load(settings::file().as_deref());
    let keep = Keep::new(settings::state_folder(), settings.keep());
    let entries = keep.entries();
    let words = format!("{}/{name}", kind.singular());
    let found = entries.iter().find(|entry| {
        let of_here = entry.context == context || entry.server == server;
        of_here && entry.words() == words && there(&entry.namespace)
    });
    let finish = |mut object: Value, masked: &[Masked], from: String, namespace: String| {
        let next = "give them with --set NAME=VALUE";
        fill(&mut object, masked, &args.set, next).map_err(|refusal| (Cause::Refused, refusal))?;
        Ok(Some(Origin {
            object,
            workload: None,
            kind,
            namespace,
            kept: Some(format!("{from}; {LOST}")),
        }))
    };
    if let Some(entry) = found {
        let from = format!("the trash of {}", entry.time.format("%F %R UTC"));
        return finish(
            entry.manifest.clone(),
            &entry.masked,
            from,
            entry.namespace.clone(),
        );
    }
    let Some(folder) = settings::history_folder() else {
        return Ok(None);
    };
    let shelf = history::Keep::new(folder, settings.history.clone()).load();
    let shelf = shelf.map_err(|e| (Cause::NotFound, Refusal::new(e.to_string())))?;
    let record = shelf.records.iter().find(|record| {
        record.context == context && record.title() == words && there(&record.namespace)
    });
    let Some(record) = record else {
        return Ok(None);
    };
    let Some(manifest) = record.manifest() else {
        let why =
            format!("of {words} only its end is kept, nobody looked at it while it was there");
        return Err((
            Cause::NotFound,
            Refusal::new(why).next("submit it from its file"),
        ));
    };
    let mut object = manifest.clone();
    // which indexes failed is told by the record
    if !record.failed_indexes.is_empty() {
        object["status"] = serde_json::json!({"failedIndexes": record.failed_indexes});
    }
    let from = format!("the history of {}", record.updated.format("%F %R UTC"));
    finish(object, &record.masked, from, record.namespace.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexes_are_read_as_the_controller_writes_them() {
        assert_eq!(indexes("3,7-9").expect("a set").to_string(), "3,7-9");
        for wrong in ["", "a", "3,", "9-7", "-1", "1-"] {
            assert!(indexes(wrong).is_err(), "{wrong}");
        }
    }
}
