//! The commands that change a cluster: submit, resubmit, delete, hold, resume, scale, trigger, undo, exec, forward. They
//! go the way the keys of the cockpit go: plan, question, gate; here the question is asked in the terminal.

mod changes;
mod exec;
mod find;
mod forward;
mod resubmit;
mod submit;
mod undo;

use std::io::{BufRead, IsTerminal, Write as _};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use color_eyre::eyre::Result;
use serde::Serialize;

use super::config::{print_all, print_text};
use super::connect::{Connected, connect};
use super::{ClusterArgs, OneShotArgs, Prose};
use crate::actions::impact::{Tone, impact};
use crate::actions::outcome::{Cause, Ended, Outcome, words};
use crate::actions::plan::plan;
use crate::actions::{Intent, Propagation, Refusal, Step};
use crate::cluster::writes::{Gate, Rules};
use crate::keep::Keep;
use crate::settings::{self, Settings};
use crate::ui::text::escaped;

pub use exec::{ExecArgs, run as exec};
pub use forward::{ForwardArgs, run as forward};
pub use resubmit::{ResubmitArgs, run as resubmit};
pub use submit::{SubmitArgs, run as submit};
pub use undo::{UndoArgs, run as undo};

/// What all of them take.
#[derive(Debug, Clone, Args)]
pub struct WriteArgs {
    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,
    /// Say what would be done, and have the server check it, without doing it
    #[arg(long)]
    pub dry_run: bool,
    #[arg(long, short, default_value = "text")]
    pub output: Prose,
    #[command(flatten)]
    pub one_shot: OneShotArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PropagationArg {
    /// The object goes at once, its pods after it
    Background,
    /// Its pods go first, then the object
    Foreground,
    /// Only the object goes; its pods stay and run on
    Orphan,
}

#[derive(Debug, Clone, Args)]
pub struct DeleteArgs {
    /// What to delete: job/pi, pytorchjob/llama, pod/pi-x7k2p, cronjob/nightly …
    #[arg(required = true, value_name = "KIND/NAME")]
    pub objects: Vec<String>,
    /// What becomes of the pods
    #[arg(long, default_value = "background", value_name = "P")]
    pub propagation: PropagationArg,
    /// Grace 0, for pods that do not end
    #[arg(long)]
    pub force: bool,
    #[command(flatten)]
    pub write: WriteArgs,
}

#[derive(Debug, Clone, Args)]
pub struct HoldArgs {
    /// What to hold: a job of any kind, a cronjob, a clusterqueue, a localqueue; a node is cordoned
    #[arg(required = true, value_name = "KIND/NAME")]
    pub objects: Vec<String>,
    #[command(flatten)]
    pub write: WriteArgs,
}

#[derive(Debug, Clone, Args)]
pub struct ScaleArgs {
    /// What to scale: a job, or an elastic kind
    #[arg(value_name = "KIND/NAME")]
    pub object: String,
    /// Pods at a time
    #[arg(value_name = "N")]
    pub pods: u32,
    #[command(flatten)]
    pub write: WriteArgs,
}

#[derive(Debug, Clone, Args)]
pub struct TriggerArgs {
    /// The CronJob to make a Job of now
    #[arg(required = true, value_name = "cronjob/NAME")]
    pub objects: Vec<String>,
    #[command(flatten)]
    pub write: WriteArgs,
}

/// Deletes.
///
/// # Errors
/// No cluster in reach; what concerns single objects is in the exit code.
pub fn delete(cluster: &ClusterArgs, args: &DeleteArgs) -> Result<ExitCode> {
    let intent = Intent::Delete {
        propagation: match args.propagation {
            PropagationArg::Background => Propagation::Background,
            PropagationArg::Foreground => Propagation::Foreground,
            PropagationArg::Orphan => Propagation::Orphan,
        },
        force: args.force,
    };
    run(cluster, &args.write, &args.objects, &intent)
}

/// Holds, or lets go on.
///
/// # Errors
/// As [`delete`].
pub fn hold(cluster: &ClusterArgs, args: &HoldArgs, on: bool) -> Result<ExitCode> {
    let intent = if on { Intent::Hold } else { Intent::Resume };
    run(cluster, &args.write, &args.objects, &intent)
}

/// Scales.
///
/// # Errors
/// As [`delete`].
pub fn scale(cluster: &ClusterArgs, args: &ScaleArgs) -> Result<ExitCode> {
    let objects = std::slice::from_ref(&args.object);
    run(cluster, &args.write, objects, &Intent::Scale(args.pods))
}

/// Makes Jobs of CronJobs.
///
/// # Errors
/// As [`delete`].
pub fn trigger(cluster: &ClusterArgs, args: &TriggerArgs) -> Result<ExitCode> {
    run(cluster, &args.write, &args.objects, &Intent::Trigger)
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
}

fn run(
    cluster: &ClusterArgs,
    args: &WriteArgs,
    names: &[String],
    intent: &Intent,
) -> Result<ExitCode> {
    // before anything is asked of a cluster
    let wanted = match find::parse(names) {
        Ok(wanted) => wanted,
        Err(refusal) => return Ok(refused(Cause::Refused, &refusal, args)),
    };
    let runtime = runtime()?;
    let code = runtime.block_on(async {
        let mut connected = connect(cluster, &args.one_shot).await?;
        let desk = Desk::new(&connected, cluster, args);
        if desk.rules.read_only {
            let refusal = Refusal::new("jobdeck is read-only here: nothing was done")
                .next("start it without --read-only, or change read-only in its settings");
            return Ok(refused(Cause::ReadOnly, &refusal, args));
        }
        find::look(&mut connected, &wanted).await?;
        let mut steps = Vec::new();
        for want in &wanted {
            let key = match find::find(&connected.model, want) {
                Ok(key) => key,
                Err((cause, refusal)) => return Ok(refused(cause, &refusal, args)),
            };
            match plan(&connected.model, key, intent) {
                Ok(planned) => steps.extend(planned),
                Err(refusal) => return Ok(refused(Cause::Refused, &refusal, args)),
            }
        }
        if !desk.ask(&connected, &steps, intent)? {
            let refusal = Refusal::new("nothing was done");
            return Ok(refused(Cause::Refused, &refusal, args));
        }
        desk.perform(&connected, steps).await
    });
    runtime.shutdown_background();
    code
}

/// What every command needs beside the cluster.
struct Desk<'a> {
    settings: Settings,
    rules: Rules,
    keep: Arc<Keep>,
    args: &'a WriteArgs,
}

impl<'a> Desk<'a> {
    fn new(connected: &Connected, cluster: &ClusterArgs, args: &'a WriteArgs) -> Self {
        // what is wrong with the file was said when it was read to connect
        let (settings, _) = settings::load(settings::file().as_deref());
        let context = &connected.cluster.target().context;
        let rules = Rules {
            read_only: settings.is_read_only(context, cluster.read_only),
            dry_run: args.dry_run,
        };
        let keep = Arc::new(Keep::new(settings::state_folder(), settings.keep()));
        Self {
            settings,
            rules,
            keep,
            args,
        }
    }

    fn gate(&self, connected: &Connected) -> Gate {
        connected.cluster.gate(self.rules, self.keep.clone())
    }

    /// Says what goes, and asks; false: it is not wanted after all, or nobody can be asked.
    fn ask(&self, connected: &Connected, steps: &[Step], intent: &Intent) -> Result<bool> {
        let text = self.args.output == Prose::Text;
        let verb = words(intent);
        let context = &connected.cluster.target().context;
        let needed = steps.iter().any(|step| step.ask);
        let mut err = std::io::stderr().lock();
        if text && (needed || self.args.dry_run) {
            match steps {
                [step] => writeln!(
                    err,
                    "{verb} {} (context {context})",
                    escaped(&step.object.to_string())
                )?,
                all => {
                    writeln!(err, "{verb} {} objects (context {context}):", all.len())?;
                    for step in all.iter().take(20) {
                        writeln!(err, "  {}", escaped(&step.object.to_string()))?;
                    }
                    if all.len() > 20 {
                        writeln!(err, "  and {} more", all.len() - 20)?;
                    }
                }
            }
            for line in impact(&connected.model, steps) {
                let mark = if line.tone == Tone::Warn { "!" } else { " " };
                writeln!(err, "{mark} {}", escaped(&line.text))?;
            }
        }
        if !needed || self.args.yes || self.args.dry_run {
            return Ok(true);
        }
        if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
            writeln!(
                err,
                "jobdeck: this is no terminal to ask in: --yes does it without asking, --dry-run says what it would do"
            )?;
            return Ok(false);
        }
        let many = steps.len() > self.settings.actions.type_above;
        match many {
            true => write!(err, "type {} to {verb} them: ", steps.len())?,
            false => write!(err, "{verb}? [y/N] ")?,
        }
        err.flush()?;
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line)?;
        let line = line.trim();
        Ok(match many {
            true => line == steps.len().to_string(),
            false => matches!(line, "y" | "Y" | "yes"),
        })
    }

    /// Prints how each ended. `aside`: standard output is for something else.
    fn tell(&self, outcomes: &[Outcome], aside: bool) -> Result<()> {
        if self.args.output == Prose::Json {
            let all: Vec<OutcomeJson> = outcomes.iter().map(OutcomeJson::of).collect();
            return print_all((serde_json::to_string_pretty(&all)? + "\n").as_bytes());
        }
        for outcome in outcomes {
            match outcome.is_good() && !aside {
                true => print_text(&format!("{}\n", outcome.sentence()))?,
                false => say!("jobdeck: {}", outcome.sentence()),
            }
        }
        Ok(())
    }

    /// Sends the steps through the gate and prints how each ended.
    async fn perform(&self, connected: &Connected, steps: Vec<Step>) -> Result<ExitCode> {
        let mut outcomes = Vec::new();
        let text = self.args.output == Prose::Text;
        let mut failed = None;
        let tell = |outcome: Outcome| {
            if text {
                let said = match outcome.is_good() {
                    true => print_text(&format!("{}\n", outcome.sentence())),
                    false => {
                        say!("jobdeck: {}", outcome.sentence());
                        Ok(())
                    }
                };
                failed = failed.take().or(said.err());
            }
            outcomes.push(outcome);
        };
        self.gate(connected).all(steps, tell).await;
        if let Some(error) = failed {
            return Err(error);
        }
        if !text {
            let all: Vec<OutcomeJson> = outcomes.iter().map(OutcomeJson::of).collect();
            print_all((serde_json::to_string_pretty(&all)? + "\n").as_bytes())?;
        } else if outcomes.iter().any(|o| o.kept.is_some()) {
            say!("`jobdeck undo` makes it again");
        }
        Ok(exit(&outcomes))
    }
}

/// The end of one step as JSON: a documented, stable interface.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct OutcomeJson<'a> {
    verb: &'a str,
    kind: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    namespace: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    uid: Option<String>,
    /// `done`, `already`, `dryRun`, or why not: `readOnly`, `refused`, `forbidden`, `notFound`, `conflict`, `denied`,
    /// `budget`, `unreachable`, `unknown`.
    result: &'a str,
    /// In one sentence; its wording may change.
    message: String,
    /// `job/nightly-manual-x7k2p`: what was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    made: Option<String>,
    /// What the server warned of.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    warnings: &'a [String],
    /// For `jobdeck undo`.
    #[serde(skip_serializing_if = "Option::is_none")]
    undo: Option<&'a str>,
}

impl<'a> OutcomeJson<'a> {
    fn of(outcome: &'a Outcome) -> Self {
        let step = &outcome.step;
        Self {
            verb: step.intent.verb(),
            kind: step.object.kind.singular(),
            namespace: &step.object.namespace,
            name: &step.object.name,
            uid: step.object.uid().map(|uid| uid.to_string()),
            result: outcome.result(),
            message: outcome.sentence(),
            made: outcome.made.as_ref().map(|made| made.words()),
            warnings: &outcome.warnings,
            undo: outcome.kept.as_deref(),
        }
    }
}

/// Says why nothing was done.
fn refused(cause: Cause, refusal: &Refusal, args: &WriteArgs) -> ExitCode {
    if args.output == Prose::Json {
        let json = serde_json::json!({"result": cause, "message": refusal.to_string()});
        let _ = print_all(format!("{json}\n").as_bytes());
    } else {
        say!("jobdeck: {refusal}");
    }
    ExitCode::from(code(cause))
}

/// 0 all done; 3 refused by jobdeck; 4 not found; 5 forbidden; 6 conflict; 7 denied; 8 not known; 1 anything else,
/// or several of these.
fn code(cause: Cause) -> u8 {
    match cause {
        Cause::ReadOnly | Cause::Refused => 3,
        Cause::NotFound => 4,
        Cause::Forbidden => 5,
        Cause::Conflict => 6,
        Cause::Denied | Cause::Budget => 7,
        Cause::Unreachable => 1,
    }
}

fn exit(outcomes: &[Outcome]) -> ExitCode {
    let codes = outcomes.iter().filter_map(|outcome| match &outcome.ended {
        Ended::Not(cause, _) => Some(code(*cause)),
        Ended::Unknown { .. } => Some(8),
        _ => None,
    });
    let mut codes: Vec<u8> = codes.collect();
    codes.dedup();
    match codes[..] {
        [] => ExitCode::SUCCESS,
        [one] => ExitCode::from(one),
        _ => ExitCode::FAILURE,
    }
}
