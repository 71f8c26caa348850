//! `jobdeck why`: why a job waits, once, for people and for scripts.

use std::process::ExitCode;

use clap::Args;
use color_eyre::eyre::{Result, bail};
use serde::Serialize;

use super::config::print_all;
use super::connect::reach;
use super::record::RecordedArgs;
use super::{ClusterArgs, OneShotArgs, Prose};
use crate::model::Model;
use crate::model::job::JobRow;
use crate::model::json::phase_name;
use crate::model::waiting::{self, Waiting};
use crate::model::want::Kind;
use crate::model::why::why;
use crate::ui::text::escaped;

#[derive(Debug, Clone, Args)]
pub struct WhyArgs {
    /// KIND/NAME, e.g. job/pi or pytorchjob/llama; NAME alone where only one is called so
    #[arg(value_name = "KIND/NAME")]
    pub job: String,
    #[arg(long, short, default_value = "text")]
    pub output: Prose,
    #[command(flatten)]
    pub one_shot: OneShotArgs,
    #[command(flatten)]
    pub recorded: RecordedArgs,
}

/// The answer as JSON: a documented, stable interface.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct WhyJson<'a> {
    kind: &'a str,
    namespace: &'a str,
    name: &'a str,
    phase: &'a str,
    /// False: nothing holds it up, and `message` says how it is.
    waiting: bool,
    /// What kind of reason it is: the name of a [`waiting::Reason`].
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// In one sentence; its wording may change.
    message: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    evidence: Vec<EvidenceJson<'a>>,
    /// What would help.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<&'a str>,
    /// Kueue's object for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    workload: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct EvidenceJson<'a> {
    what: &'a str,
    says: &'a str,
}

/// Runs the command.
///
/// # Errors
/// No cluster, or no such job.
pub fn run(cluster: &ClusterArgs, args: &WhyArgs) -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let connected = runtime.block_on(async {
        let mut connected = reach(cluster, &args.one_shot, &args.recorded).await?;
        let all = [Kind::Job, Kind::Pod, Kind::Node, Kind::Event];
        connected.sync_workloads(&all).await?;
        Ok::<_, color_eyre::Report>(connected)
    })?;
    let (model, now) = (&connected.model, connected.now());
    let job = find(model, &args.job, None)?;
    let waits = waiting::waiting(model, job, now);
    let sentence = match &waits {
        Some(waits) => waits.sentence.clone(),
        None => why(model, job, now),
    };
    let workload = model.workload_of(job).map(|w| &*w.name);
    let text = match args.output {
        Prose::Text => {
            let prose = prose(model, job, &sentence, waits.as_ref(), workload);
            escaped(&prose).into_owned()
        }
        Prose::Json => {
            let evidence = waits.iter().flat_map(|waits| &waits.evidence);
            let json = WhyJson {
                kind: job.kind.kind,
                namespace: &job.namespace,
                name: &job.name,
                phase: phase_name(model.status(job).phase),
                waiting: waits.is_some(),
                reason: waits.as_ref().map(|waits| format!("{:?}", waits.reason)),
                message: &sentence,
                evidence: evidence
                    .map(|e| EvidenceJson {
                        what: e.label,
                        says: &e.text,
                    })
                    .collect(),
                next: waits.as_ref().and_then(|waits| waits.next.as_deref()),
                workload,
            };
            serde_json::to_string_pretty(&json)? + "\n"
        }
    };
    print_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// The job that is meant: `KIND/NAME`, or a name that only one has.
///
/// # Errors
/// None or several are called so; `namespace`: look there only.
pub fn find<'a>(model: &'a Model, wanted: &str, namespace: Option<&str>) -> Result<&'a JobRow> {
    let (kind, name) = match wanted.split_once('/') {
        Some((kind, name)) => (Some(kind.to_lowercase()), name),
        None => (None, wanted),
    };
    let is_kind = |job: &JobRow| {
        kind.as_deref().is_none_or(|kind| {
            let k = job.kind;
            kind == k.plural || kind == k.singular() || kind == k.short.to_lowercase()
        })
    };
    let mut found: Vec<&JobRow> = model
        .jobs
        .rows()
        .filter(|job| *job.name == *name && is_kind(job))
        .filter(|job| namespace.is_none_or(|ns| *job.namespace == *ns))
        .collect();
    // a JobSet and the Job it made, both of one name: the one that was asked for is the upper one
    if found.len() > 1 {
        found.retain(|job| !model.is_part(job));
    }
    let called =
        |job: &&JobRow| format!("{}/{} -n {}", job.kind.singular(), job.name, job.namespace);
    match &found[..] {
        [job] => Ok(job),
        [] => bail!(
            "no {wanted} here\n`jobdeck get workloads` lists what there is; -n or -A look elsewhere"
        ),
        several => {
            let all: Vec<String> = several.iter().map(called).collect();
            bail!(
                "{wanted} could be any of these; say which: {}",
                all.join(", ")
            )
        }
    }
}

fn prose(
    model: &Model,
    job: &JobRow,
    sentence: &str,
    waits: Option<&Waiting>,
    workload: Option<&str>,
) -> String {
    let phase = model.status(job).phase.word();
    let kind = job.kind.singular();
    let mut out = format!(
        "{kind}/{} in {}: {phase}\n{sentence}\n",
        job.name, job.namespace
    );
    let evidence = waits.map(|waits| &waits.evidence[..]).unwrap_or_default();
    if !evidence.is_empty() {
        out.push('\n');
        let widest = evidence.iter().map(|e| e.label.chars().count()).max();
        let widest = widest.unwrap_or_default();
        for e in evidence {
            out.push_str(&format!("  {:<widest$}  {}\n", e.label, e.text));
        }
    }
    if let Some(next) = waits.and_then(|waits| waits.next.as_deref()) {
        out.push_str(&format!("\nnext: {next}\n"));
    }
    if let Some(workload) = workload {
        out.push_str(&format!("\nworkload/{workload} is Kueue's object for it\n"));
    }
    out
}
