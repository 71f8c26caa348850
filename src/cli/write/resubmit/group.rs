//! A pod group once more: all of its pods, as one.

use std::process::ExitCode;
use std::sync::Arc;

use color_eyre::eyre::Result;
use serde_json::Value;

use super::ResubmitArgs;
use crate::actions::outcome::{Cause, Outcome};
use crate::actions::resubmit::Options;
use crate::actions::resubmit::group::{Drafts, group};
use crate::actions::{Object, Refusal, Step};
use crate::cli::ClusterArgs;
use crate::cli::connect::{Connected, connect};
use crate::cli::write::changes::{Shown, fetch, print};
use crate::cli::write::{Desk, exit, find, refused, runtime};
use crate::cluster::writes::Rules;
use crate::model::want::{Kind, ObjectWant};

/// Runs the command on a pod group.
///
/// # Errors
/// No cluster in reach; what concerns the group is in the exit code.
pub fn run(cluster: &ClusterArgs, args: &ResubmitArgs, wanted: &find::Wanted) -> Result<ExitCode> {
    let write = args.end.write();
    let runtime = runtime()?;
    let ended = runtime.block_on(async {
        let mut connected = connect(cluster, &args.end.one_shot).await?;
        find::look(&mut connected, std::slice::from_ref(wanted)).await?;
        let drafts = match draft(args, &connected, wanted).await {
            Ok(drafts) => drafts,
            Err((cause, refusal)) => return Ok(refused(cause, &refusal, &write)),
        };
        for note in &drafts.notes {
            say!("jobdeck: {note}");
        }
        if args.end.output == Shown::Yaml {
            let all: Vec<&Value> = drafts.manifests.iter().collect();
            print(&all)?;
            if !args.end.dry_run {
                return Ok(ExitCode::SUCCESS);
            }
        }
        let steps: Vec<Step> = drafts.manifests.into_iter().map(create).collect();
        let desk = Desk::new(&connected, cluster, &write);
        // one that is refused would leave the others waiting for it
        let dry = Rules {
            dry_run: true,
            ..desk.rules
        };
        let gate = connected.cluster.gate(dry, desk.keep.clone());
        let checked = gate.check(&steps).await;
        if args.end.dry_run || !checked.iter().all(Outcome::is_good) {
            let shown = checked.iter().filter(|o| args.end.dry_run || !o.is_good());
            desk.tell(
                &shown.cloned().collect::<Vec<_>>(),
                args.end.output == Shown::Yaml,
            )?;
            return Ok(exit(&checked));
        }
        desk.perform(&connected, steps).await
    });
    runtime.shutdown_background();
    ended
}

fn create(manifest: Value) -> Step {
    let text = |key: &str| manifest["metadata"][key].as_str().unwrap_or_default();
    let object = Object {
        kind: Kind::Pod,
        namespace: text("namespace").into(),
        name: text("name").into(),
        key: None,
    };
    Step::create(object, Arc::new(manifest))
}

async fn draft(
    args: &ResubmitArgs,
    connected: &Connected,
    wanted: &find::Wanted,
) -> Result<Drafts, (Cause, Refusal)> {
    let model = &connected.model;
    let key = find::find(model, wanted)?;
    let mut pods = Vec::new();
    for pod in model.pods_of(key) {
        let want = ObjectWant {
            kind: Kind::Pod,
            namespace: pod.namespace.clone(),
            name: (*pod.name).into(),
        };
        // one that went meanwhile is counted as missing
        pods.extend(fetch(connected, &want).await?);
    }
    let mut options: Options = args.changes.options(connected).await?;
    options.name.clone_from(&args.name);
    options.failed_indexes = args.failed_indexes || args.indexes.is_some();
    let namespace = model.jobs.get(key).map(|row| row.namespace.clone());
    let taken = |name: &str| {
        let here = |ns: &str, other: &str| other == name && namespace.as_deref() == Some(ns);
        model.pods.rows().any(|row| here(&row.namespace, &row.name))
            || model.jobs.rows().any(|row| here(&row.namespace, &row.name))
    };
    let drafts = group(&wanted.name, &pods, &options, taken);
    drafts.map_err(|refusal| match refusal.why.ends_with(" already") {
        true => (Cause::Conflict, refusal),
        false => (Cause::Refused, refusal),
    })
}
