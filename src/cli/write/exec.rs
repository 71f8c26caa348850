//! `jobdeck exec`: a command in a pod, or a shell, with its input, output and exit code passed on.

use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use color_eyre::eyre::Result;

use super::{code, find, runtime};
use crate::actions::outcome::{Cause, Ended, Outcome};
use crate::actions::plan::Subject;
use crate::actions::{Intent, Refusal, Run, Step, stream};
use crate::app::attach::attach;
use crate::cli::connect::{Connected, connect};
use crate::cli::{ClusterArgs, OneShotArgs};
use crate::cluster::writes::{Gate, Rules};
use crate::keep::Keep;
use crate::model::pod::PodRow;
use crate::settings;
use crate::ui::terminal::Raw;

#[derive(Debug, Clone, Args)]
pub struct ExecArgs {
    /// A pod by its name, or KIND/NAME: a job's first pod, unless -i says which
    #[arg(value_name = "POD|KIND/NAME")]
    pub target: String,
    /// Container [default: the pod's default one]
    #[arg(long, short, value_name = "NAME")]
    pub container: Option<String>,
    /// The pod of this index
    #[arg(long, short, value_name = "N")]
    pub index: Option<u32>,
    /// With a terminal on the other side [default: where input and output are one]
    #[arg(long, short, conflicts_with = "no_tty")]
    pub tty: bool,
    /// Without a terminal on the other side
    #[arg(long, short = 'T')]
    pub no_tty: bool,
    /// What to run [default: bash, or sh]
    #[arg(last = true, value_name = "CMD")]
    pub command: Vec<String>,
    #[command(flatten)]
    pub one_shot: OneShotArgs,
}

/// Runs the command; its exit code is the pod's, or says why nothing ran.
///
/// # Errors
/// No cluster in reach.
pub fn run(cluster: &ClusterArgs, args: &ExecArgs) -> Result<ExitCode> {
    let (input, output) = (
        std::io::stdin().is_terminal(),
        std::io::stdout().is_terminal(),
    );
    let tty = args.tty || (input && output && !args.no_tty);
    if tty && !input {
        let refusal = Refusal::new("standard input is no terminal").next("leave -t away");
        return Ok(refused(Cause::Refused, &refusal));
    }
    if args.command.is_empty() && !tty && input {
        let refusal = Refusal::new("a shell without a terminal needs a script").next("pipe it in");
        return Ok(refused(Cause::Refused, &refusal));
    }
    let asked = Run {
        container: args.container.as_deref().map(Into::into),
        command: args.command.clone(),
        // what is typed at a command without a terminal would be typed blindly
        stdin: tty || !input,
        tty,
    };
    let runtime = runtime()?;
    let ended = runtime.block_on(async {
        let (connected, gate, step) = match aim(
            cluster,
            &args.one_shot,
            &args.target,
            args.index,
            Intent::Exec(Arc::new(asked)),
        )
        .await?
        {
            Ok(aimed) => aimed,
            Err((cause, refusal)) => return Ok(refused(cause, &refusal)),
        };
        let mut signals = Raw::signals()?;
        let running = match gate.exec(step).await {
            Ok(running) => running,
            Err(outcome) => return Ok(said(&outcome)),
        };
        let outcome = match attach(running, &mut signals).await {
            Ok(outcome) => outcome,
            // nobody reads on: `… | head`. As the shell says of a program that this ended.
            Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => return Ok(ExitCode::from(141)),
            Err(e) => return Err(e.into()),
        };
        drop(connected);
        Ok(said(&outcome))
    });
    runtime.shutdown_background();
    ended
}

type Refused = (Cause, Refusal);

/// From the command line to the pod that is meant, and the gate to it.
pub(super) async fn aim(
    cluster: &ClusterArgs,
    one_shot: &OneShotArgs,
    target: &str,
    index: Option<u32>,
    intent: Intent,
) -> Result<Result<(Connected, Gate, Step), Refused>> {
    let name = match target.contains('/') {
        true => target.to_owned(),
        false => format!("pod/{target}"),
    };
    let wanted = match find::parse(&[name]) {
        Ok(wanted) => wanted,
        Err(refusal) => return Ok(Err((Cause::Refused, refusal))),
    };
    let mut connected = connect(cluster, one_shot).await?;
    let (settings, _) = settings::load(settings::file().as_deref());
    let context = &connected.cluster.target().context;
    let rules = Rules {
        read_only: settings.is_read_only(context, cluster.read_only),
        dry_run: false,
    };
    let keep = Arc::new(Keep::new(settings::state_folder(), settings.keep()));
    let gate = connected.cluster.gate(rules, keep);
    find::look(&mut connected, &wanted).await?;
    let picked = pick(&connected, &wanted, index);
    Ok(picked.map(|pod| {
        let step = Step::new(intent, pod);
        (connected, gate, step)
    }))
}

fn pick(
    connected: &Connected,
    wanted: &[find::Wanted],
    index: Option<u32>,
) -> Result<crate::actions::Object, Refused> {
    let refused = |refusal| (Cause::Refused, refusal);
    let model = &connected.model;
    let Some(want) = wanted.first() else {
        return Err(refused(Refusal::new("nothing is named")));
    };
    let key = find::find(model, want)?;
    let pods = stream::pods(model, key).map_err(refused)?;
    let all: Vec<&PodRow> = match index {
        Some(index) => pods
            .iter()
            .filter(|pod| pod.index.get() == Some(index))
            .copied()
            .collect(),
        None => pods.clone(),
    };
    let Some(pod) = all.first() else {
        let seen = pods
            .iter()
            .filter_map(|pod| pod.index.get())
            .map(|n| n.to_string());
        let seen: Vec<String> = seen.take(20).collect();
        let index = index.unwrap_or_default();
        let refusal = Refusal::new(format!("no pod of index {index} runs"));
        let refusal = match seen.is_empty() {
            true => refusal.next("its pods have no indexes"),
            false => refusal.next(format!("these do: {}", seen.join(", "))),
        };
        return Err((Cause::NotFound, refusal));
    };
    if all.len() > 1 {
        say!("jobdeck: pod {} of {} that run", pod.name, all.len());
    }
    Subject::Pod(pod)
        .object()
        .ok_or_else(|| refused(Refusal::new("it is no pod")))
}

/// Says why nothing was done.
pub(super) fn refused(cause: Cause, refusal: &Refusal) -> ExitCode {
    say!("jobdeck: {refusal}");
    ExitCode::from(code(cause))
}

/// The exit code of what has ended; anything but an end of its own is said.
pub(super) fn said(outcome: &Outcome) -> ExitCode {
    for note in &outcome.notes {
        say!("jobdeck: {note}");
    }
    match (&outcome.ended, outcome.exit) {
        (Ended::Done, Some(code)) => ExitCode::from(u8::try_from(code & 0xff).unwrap_or(1)),
        (Ended::Done, None) => ExitCode::SUCCESS,
        (Ended::Not(cause, refusal), _) => refused(*cause, refusal),
        (Ended::Unknown { lost, look }, _) => {
            say!("jobdeck: the connection was lost: {lost}; {look}");
            ExitCode::from(8)
        }
        _ => ExitCode::FAILURE,
    }
}
