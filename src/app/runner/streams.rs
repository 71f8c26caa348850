//! Connections into pods: begun behind the gate on tasks of their own. A shell then waits here for the terminal; forwarded
//! ports run until they are stopped, their pod ends, or the cluster is left.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::super::attach::attach;
use super::super::message::{Connection, Forwarded, Message};
use super::Runner;
use crate::actions::outcome::Ended;
use crate::actions::{Object, Refusal, Step};
use crate::cluster::streams::forward::traffic;
use crate::cluster::writes::{Gate, Running};
use crate::model::ids::ClusterId;
use crate::ui::terminal::{Raw, Signals, Terminal};

/// How often what goes through is told.
const TELL: Duration = Duration::from_secs(1);

/// What is open into pods.
#[derive(Default)]
pub struct Streams {
    /// Begun, and to be given the terminal.
    pub entered: Option<Box<Running>>,
    /// Forwarded ports, and how each is stopped.
    ports: BTreeMap<u32, CancellationToken>,
}

impl Runner {
    /// The gate of an open cluster.
    pub(super) fn gate(&self, cluster: ClusterId) -> Option<Gate> {
        self.gate_of(cluster, false)
    }

    pub(super) fn shell(&self, connection: Connection, step: Step) {
        let Some(gate) = self.gate(step.cluster) else {
            return;
        };
        let messages = self.messages.clone();
        tokio::spawn(async move {
            let running = gate.exec(step).await.map(|running| Some(Box::new(running)));
            let message = Message::Entered {
                connection,
                running,
            };
            let _ = messages.send(message).await;
        });
    }

    pub(super) fn offers(&self, connection: Connection, pod: Object) {
        let gate = pod.key.and_then(|pod| self.gate(pod.cluster));
        let Some(gate) = gate else { return };
        let messages = self.messages.clone();
        tokio::spawn(async move {
            let offers: Result<_, Refusal> = gate.offers(&pod).await;
            let message = Message::Offers {
                connection,
                pod,
                offers,
            };
            let _ = messages.send(message).await;
        });
    }

    pub(super) fn forward(
        &mut self,
        connection: Connection,
        id: u32,
        step: Step,
        local: Option<u16>,
    ) {
        let Some(gate) = self.gate(step.cluster) else {
            return;
        };
        let messages = self.messages.clone();
        let (stop, left) = (CancellationToken::new(), self.connecting.clone());
        self.streams.ports.retain(|_, stop| !stop.is_cancelled());
        self.streams.ports.insert(id, stop.clone());
        tokio::spawn(async move {
            let tell = |said| {
                let message = Message::Forward {
                    connection,
                    id,
                    said,
                };
                let messages = &messages;
                async move {
                    let _ = messages.send(message).await;
                }
            };
            let forward = match gate.forward(step, local).await {
                Ok(forward) => forward,
                Err(outcome) => return tell(Forwarded::Refused(outcome)).await,
            };
            tell(Forwarded::Opened(forward.local())).await;
            let (tx, mut rx) = traffic();
            let telling = async {
                while rx.changed().await.is_ok() {
                    let now = rx.borrow_and_update().clone();
                    tell(Forwarded::Traffic(now)).await;
                    tokio::time::sleep(TELL).await;
                }
                std::future::pending().await
            };
            let stopped = async {
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = left.cancelled() => {}
                }
            };
            let why: Option<&'static str> = tokio::select! {
                why = forward.run(&tx, stopped) => why,
                never = telling => never,
            };
            tell(Forwarded::Ended(why)).await;
        });
    }

    pub(super) fn stop_forward(&mut self, id: u32) {
        if let Some(stop) = self.streams.ports.remove(&id) {
            stop.cancel();
        }
    }
}

/// Gives the terminal to a command in a pod, until it ends, and takes it back.
///
/// # Errors
/// Only when the terminal is gone. `Ok` holds what is to be told the user.
pub async fn attached(
    running: Box<Running>,
    terminal: &mut Terminal,
    signals: &mut Signals,
) -> io::Result<Option<String>> {
    let pod = running.step.object.to_string();
    let container = running.run.container.clone().unwrap_or_default();
    terminal.release()?;
    let mut out = io::stdout();
    writeln!(
        out,
        "a shell in container {container} of {pod}: `exit` leads back to jobdeck"
    )?;
    out.flush()?;
    let ended = attach(*running, signals).await;
    // whatever it left on
    Raw::tidy(false);
    terminal.resume()?;
    let outcome = ended?;
    Ok(match &outcome.ended {
        Ended::Done if outcome.notes.is_empty() => None,
        _ => Some(outcome.sentence()),
    })
}
