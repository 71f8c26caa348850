//! `jobdeck forward`: a port of this machine that leads to a port of a pod, until ctrl-c or the pod's end.

use std::process::ExitCode;

use clap::Args;
use color_eyre::eyre::Result;

use super::exec::{aim, refused, said};
use super::runtime;
use crate::actions::outcome::Cause;
use crate::actions::{Intent, Refusal, stream};
use crate::cli::config::print_all;
use crate::cli::{ClusterArgs, OneShotArgs};
use crate::cluster::streams::forward::traffic;
use crate::ui::terminal::{Raw, Signal};

#[derive(Debug, Clone, Args)]
pub struct ForwardArgs {
    /// A pod by its name, or KIND/NAME: a job's first pod, unless -i says which
    #[arg(value_name = "POD|KIND/NAME")]
    pub target: String,
    /// The pod's port, and ours: 8265, 9000:8265, or :8265 for any free port here [default: the likeliest of the pod]
    #[arg(value_name = "[LOCAL:]REMOTE")]
    pub port: Option<String>,
    /// The pod of this index
    #[arg(long, short, value_name = "N")]
    pub index: Option<u32>,
    #[command(flatten)]
    pub one_shot: OneShotArgs,
}

/// Runs the command.
///
/// # Errors
/// No cluster in reach.
pub fn run(cluster: &ClusterArgs, args: &ForwardArgs) -> Result<ExitCode> {
    let ports = match args.port.as_deref().map(stream::ports).transpose() {
        Ok(ports) => ports,
        Err(refusal) => return Ok(refused(Cause::Refused, &refusal)),
    };
    let runtime = runtime()?;
    let ended = runtime.block_on(async {
        let remote = ports.map_or(0, |(_, remote)| remote);
        let intent = Intent::Forward(remote);
        let (connected, gate, mut step) =
            match aim(cluster, &args.one_shot, &args.target, args.index, intent).await? {
                Ok(aimed) => aimed,
                Err((cause, refusal)) => return Ok(refused(cause, &refusal)),
            };
        if ports.is_none() {
            match gate.offers(&step.object).await {
                Ok(offers) => match offers.first() {
                    Some(offer) => {
                        say!("jobdeck: port {}: {}", offer.port, offer.what);
                        step.intent = Intent::Forward(offer.port);
                    }
                    None => {
                        let why = format!("{} names no port", step.object.words());
                        let refusal = Refusal::new(why).next("say which, e.g. 6006");
                        return Ok(refused(Cause::Refused, &refusal));
                    }
                },
                Err(refusal) => return Ok(refused(Cause::NotFound, &refusal)),
            }
        }
        let mut signals = Raw::signals()?;
        let local = ports.and_then(|(local, _)| local);
        let pod = step.object.to_string();
        let forward = match gate.forward(step, local).await {
            Ok(forward) => forward,
            Err(outcome) => return Ok(said(&outcome)),
        };
        let url = format!("http://127.0.0.1:{}", forward.local());
        print_all(format!("{url}\n").as_bytes())?;
        say!(
            "jobdeck: leads to port {} of {pod}; ctrl-c ends it",
            forward.remote()
        );
        let (tx, mut rx) = traffic();
        let stop = async { while signals.next().await != Signal::Quit {} };
        let troubles = async {
            let mut told = None;
            while rx.changed().await.is_ok() {
                let now = rx.borrow_and_update().trouble.clone();
                if now != told {
                    if let Some(text) = &now {
                        say!("jobdeck: {text}");
                    }
                    told = now;
                }
            }
            std::future::pending().await
        };
        let why: Option<&str> = tokio::select! {
            why = forward.run(&tx, stop) => why,
            never = troubles => never,
        };
        drop(connected);
        Ok(match why {
            None => ExitCode::SUCCESS,
            Some(why) => {
                say!("jobdeck: {why}");
                ExitCode::FAILURE
            }
        })
    });
    runtime.shutdown_background();
    ended
}
