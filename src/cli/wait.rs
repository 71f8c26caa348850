//! `jobdeck wait`: until jobs are over, admitted, running or gone; for scripts and pipelines.

use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::Duration;

use chrono::{DateTime, Utc};
use clap::{Args, ValueEnum};
use color_eyre::eyre::{Result, bail};
use serde::Serialize;
use tokio::time::Instant;

use super::config::print_all;
use super::connect::{Connected, connect};
use super::get::runtime;
use super::why::find;
use super::{ClusterArgs, OneShotArgs, Prose};
use crate::cluster::report::Report;
use crate::cluster::wire::kinds::WORKLOADS;
use crate::model::Model;
use crate::model::goal::{Goal, Stand};
use crate::model::human;
use crate::model::ids::Key;
use crate::model::job::{JobRow, Phase};
use crate::model::json::phase_name;
use crate::model::kind::JobKind;
use crate::model::want::Kind;
use crate::model::why::why;

/// Exit code: a job will not come to what was waited for.
const NEVER: u8 = 9;
/// Exit code: there is no such job.
const NOT_FOUND: u8 = 4;
/// Exit code: the time was over first; the same as that of timeout(1).
const TIME_OVER: u8 = 124;

impl ValueEnum for Goal {
    fn value_variants<'a>() -> &'a [Self] {
        &Goal::ALL
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        use clap::builder::PossibleValue;
        let value = PossibleValue::new(self.word());
        Some(match self {
            Goal::Complete => value.alias("succeeded").help("It succeeded"),
            Goal::Failed => value.help("It failed"),
            Goal::Over => value.alias("done").help("It succeeded or failed"),
            Goal::Running => value.help("Pods of it are ready, or were"),
            Goal::Admitted => value.help("No queue and no hold keeps it from starting"),
            Goal::Deleted => value.alias("delete").help("It is gone"),
        })
    }
}

#[derive(Debug, Clone, Args)]
pub struct WaitArgs {
    /// KIND/NAME, e.g. job/pi or pytorchjob/llama; NAME alone where only one is called so
    #[arg(value_name = "KIND/NAME", required = true)]
    pub jobs: Vec<String>,
    /// What to wait for
    #[arg(long = "for", value_name = "WHAT", default_value = "complete")]
    pub goal: Goal,
    /// Longest time to wait, e.g. 90s, 10m, 12h [default: no end]
    #[arg(long, value_name = "TIME", value_parser = super::duration)]
    pub timeout: Option<Duration>,
    /// Do not tell on standard error what changes meanwhile
    #[arg(long, short)]
    pub quiet: bool,
    #[arg(long, short, default_value = "text")]
    pub output: Prose,
}

/// One job that is waited for, as it was last seen.
#[derive(Debug)]
struct Waited {
    /// None: it was not there to begin with, and its end is what is wanted.
    key: Option<Key>,
    kind: String,
    namespace: String,
    name: String,
    phase: Option<Phase>,
    stand: Stand,
    /// How it is, in a sentence.
    says: String,
}

/// The answer as JSON: a documented, stable interface.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct WaitJson<'a> {
    kind: &'a str,
    namespace: &'a str,
    name: &'a str,
    #[serde(rename = "for")]
    goal: &'a str,
    /// `reached`, `never`, or `waiting` when the time was over or another job ended the wait.
    result: &'a str,
    /// None: it is gone.
    phase: Option<&'a str>,
    /// In one sentence; its wording may change.
    message: &'a str,
}

/// Runs the command: 0 when all have come to it.
///
/// # Errors
/// No cluster, or its jobs may not be read.
pub fn run(cluster: &ClusterArgs, args: &WaitArgs) -> Result<ExitCode> {
    runtime()?.block_on(wait(cluster, args))
}

async fn wait(cluster: &ClusterArgs, args: &WaitArgs) -> Result<ExitCode> {
    let began = Instant::now();
    let until = args.timeout.map(|time| began + time);
    let mut connected = connect(cluster, &OneShotArgs::default()).await?;
    match kinds(&args.jobs)? {
        Some(kinds) => connected.sync(&kinds).await?,
        None => connected.sync_workloads(&[Kind::Job]).await?,
    }
    let mut all = Vec::new();
    for wanted in &args.jobs {
        match found(&connected.model, wanted, args.goal) {
            Ok(job) => all.push(job),
            Err(why) => {
                say!("jobdeck: {why}");
                return Ok(ExitCode::from(NOT_FOUND));
            }
        }
    }
    let mut lost = false;
    let code = loop {
        for job in &mut all {
            let before = job.phase;
            job.look(&connected.model, args.goal, connected.now());
            if job.phase != before && job.stand == Stand::NotYet && !args.quiet {
                say!("{}", job.line());
            }
        }
        if all.iter().any(|job| job.stand == Stand::Never) {
            break NEVER;
        }
        if all.iter().all(|job| job.stand == Stand::Reached) {
            break 0;
        }
        let Some(report) = connected.next_before(until).await? else {
            break TIME_OVER;
        };
        if let Report::Delta(delta) = report {
            connected.model.apply(delta);
        }
        say_if_lost(&connected, &mut lost);
    };
    let text = match args.output {
        Prose::Text => text(&all, args.goal, code, began.elapsed()),
        Prose::Json => {
            let all: Vec<_> = all.iter().map(|job| job.json(args.goal)).collect();
            serde_json::to_string_pretty(&all)? + "\n"
        }
    };
    print_all(text.as_bytes())?;
    if code == TIME_OVER && args.output == Prose::Text {
        let time = args.timeout.unwrap_or_default();
        let time = chrono::TimeDelta::from_std(time).unwrap_or_default();
        say!(
            "jobdeck: not {} after {}: `jobdeck why` says what holds it up",
            args.goal.word(),
            human::duration(time)
        );
    }
    Ok(ExitCode::from(code))
}

/// The kinds to watch, where each job is named with its kind; no others are asked for then.
fn kinds(jobs: &[String]) -> Result<Option<Vec<Kind>>> {
    let mut all = Vec::new();
    for job in jobs {
        let Some((kind, name)) = job.split_once('/') else {
            return Ok(None);
        };
        let Some(kind) = named(&kind.to_lowercase()).filter(|_| !name.is_empty()) else {
            bail!("{job} names no job\nwrite KIND/NAME, e.g. job/pi or pytorchjob/llama");
        };
        if !all.contains(&kind) {
            all.push(kind);
        }
    }
    Ok(Some(all))
}

/// The kind whose objects tell of jobs called so; pods tell of pod groups.
fn named(word: &str) -> Option<Kind> {
    let is = |kind: JobKind| {
        word == kind.plural || word == kind.singular() || word == kind.short.to_lowercase()
    };
    if is(JobKind::JOB) {
        return Some(Kind::Job);
    }
    if is(JobKind::POD_GROUP) || is(JobKind::POD) {
        return Some(Kind::Pod);
    }
    let mut kinds = WORKLOADS.iter().map(|entry| entry.kind);
    kinds.find(|kind| matches!(kind, Kind::Workload(kind) if is(*kind)))
}

/// The job as it is before it was looked at; one that is not there is what is wanted if its end is.
fn found(model: &Model, wanted: &str, goal: Goal) -> Result<Waited> {
    let not_seen = |key, kind: &str, namespace: &str, name: &str| Waited {
        key,
        kind: kind.to_owned(),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        phase: None,
        stand: Stand::NotYet,
        says: String::new(),
    };
    match find(model, wanted, None) {
        Ok(job) => Ok(not_seen(
            Some(job.key),
            &job.kind.singular(),
            &job.namespace,
            &job.name,
        )),
        Err(_) if goal == Goal::Deleted && !there(model, wanted) => {
            let (kind, name) = wanted.split_once('/').unwrap_or(("", wanted));
            Ok(not_seen(None, kind, "", name))
        }
        Err(why) => Err(why),
    }
}

/// Some job is called so: then which one is meant must be said.
fn there(model: &Model, wanted: &str) -> bool {
    let name = wanted.rsplit('/').next().unwrap_or_default();
    model.jobs.rows().any(|job: &JobRow| *job.name == *name)
}

/// Says once that nothing is heard any more, and once that it is again.
fn say_if_lost(connected: &Connected, lost: &mut bool) {
    let silent = connected.silent();
    if silent.is_some() == *lost {
        return;
    }
    *lost = silent.is_some();
    let server = connected.cluster.target().server();
    match silent {
        Some(why) => say!("jobdeck: nothing is heard from {server} ({why}); still waiting"),
        None => say!("jobdeck: {server} answers again"),
    }
}

impl Waited {
    /// Sees how it is now.
    fn look(&mut self, model: &Model, goal: Goal, now: DateTime<Utc>) {
        let job = self.key.and_then(|key| model.jobs.get(key));
        self.phase = job.map(|job| model.status(job).phase);
        self.stand = goal.stand(self.phase);
        self.says = match job {
            Some(job) => why(model, job, now),
            None if self.key.is_none() => "it is not there".to_owned(),
            None => "it is gone".to_owned(),
        };
    }

    fn title(&self) -> String {
        let slash = if self.kind.is_empty() { "" } else { "/" };
        format!("{}{slash}{}", self.kind, self.name)
    }

    fn line(&self) -> String {
        let phase = self.phase.map_or("gone", Phase::word);
        match (&*self.says, self.key) {
            ("", _) => format!("{}: {phase}", self.title()),
            (says, Some(_)) if self.phase.is_some() => {
                format!("{}: {phase}: {says}", self.title())
            }
            (says, _) => format!("{}: {says}", self.title()),
        }
    }

    fn json(&self, goal: Goal) -> WaitJson<'_> {
        WaitJson {
            kind: &self.kind,
            namespace: &self.namespace,
            name: &self.name,
            goal: goal.word(),
            result: match self.stand {
                Stand::Reached => "reached",
                Stand::Never => "never",
                Stand::NotYet => "waiting",
            },
            phase: self.phase.map(phase_name),
            message: &self.says,
        }
    }
}

/// A line for each, what ended the wait first.
fn text(all: &[Waited], goal: Goal, code: u8, took: Duration) -> String {
    let took = chrono::TimeDelta::from_std(took).unwrap_or_default();
    let mut sorted: Vec<&Waited> = all.iter().collect();
    sorted.sort_by_key(|job| match job.stand {
        Stand::Never => 0,
        Stand::Reached => 1,
        Stand::NotYet => 2,
    });
    let mut out = String::new();
    for job in sorted {
        let end = match job.stand {
            Stand::Never => format!("  (will not be {} any more)", goal.word()),
            Stand::Reached => String::new(),
            Stand::NotYet if code == TIME_OVER => String::new(),
            Stand::NotYet => "  (not waited for any longer)".to_owned(),
        };
        out.push_str(&format!("{}{end}\n", job.line()));
    }
    if code == 0 && std::io::stdout().is_terminal() {
        out.push_str(&format!("after {}\n", human::duration(took)));
    }
    out
}
