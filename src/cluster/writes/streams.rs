//! Connections into pods go through the gate as writes do: read-only mode, permission, the pod as it is now, the audit.
//! Of a command there are two lines, when it begins and when it has ended, so that one that is never heard of again is
//! there, too.

use std::io;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::sync::watch::Sender;

use super::requests::path;
use super::{Gate, Seen};
use crate::actions::outcome::{Cause, Ended, Outcome};
use crate::actions::stream::{self, Offer, SHELL};
use crate::actions::{Intent, Object, Refusal, Run, Step};
use crate::cluster::http::Socket;
use crate::cluster::streams::exec::{self, Command, End, Input, Output};
use crate::cluster::streams::forward::{Port, Traffic};
use crate::cluster::streams::watch;
use crate::cluster::writes::failures::because;

/// A command that runs in a pod.
pub struct Running {
    gate: Gate,
    pub step: Step,
    pub run: Run,
    socket: Socket,
}

/// A port that leads into a pod.
pub struct Forward {
    gate: Gate,
    pub step: Step,
    pod: String,
    uid: String,
    port: Port,
    remote: u16,
}

impl Gate {
    /// Begins a command, or a shell.
    ///
    /// # Errors
    /// Why it does not run; that is in the audit by then.
    pub async fn exec(&self, step: Step) -> Result<Running, Box<Outcome>> {
        let opened = self.begin(step).await;
        self.told(opened).await
    }

    async fn begin(&self, mut step: Step) -> Result<(Outcome, Running), Outcome> {
        let Intent::Exec(asked) = step.intent.clone() else {
            let refusal = Refusal::new("that is no command");
            return Err(Outcome::new(step, Ended::Not(Cause::Refused, refusal)));
        };
        let pod = self
            .admit(&step)
            .await
            .map_err(|e| Outcome::new(step.clone(), e))?;
        let container = match stream::container(&pod, asked.container.as_deref()) {
            Ok(container) => container,
            Err(refusal) => return Err(Outcome::new(step, Ended::Not(Cause::Refused, refusal))),
        };
        let run = Run {
            container: Some(container.as_str().into()),
            ..(*asked).clone()
        };
        step.intent = Intent::Exec(Arc::new(run.clone()));
        let command = Command {
            container,
            argv: match run.command.is_empty() {
                true => SHELL.map(str::to_owned).into(),
                false => run.command.clone(),
            },
            stdin: run.stdin,
            tty: run.tty,
        };
        let path = command.path(&path(&self.shared, &step.object));
        match self.shared.http.socket(&path).await {
            Ok(socket) => Ok((
                Outcome::new(step.clone(), Ended::Opened),
                Running {
                    gate: self.clone(),
                    step,
                    run,
                    socket,
                },
            )),
            Err(failure) => {
                let ended = because(&failure, &step);
                Err(Outcome::new(step, ended))
            }
        }
    }

    /// Listens on a port of this machine, to lead whoever connects there into a pod. `local`: none for the same number if
    /// it is free, else any; 0 for any.
    ///
    /// # Errors
    /// Why not; that is in the audit by then.
    pub async fn forward(&self, step: Step, local: Option<u16>) -> Result<Forward, Box<Outcome>> {
        let opened = self.listen(step, local).await;
        self.told(opened).await
    }

    async fn listen(&self, step: Step, local: Option<u16>) -> Result<(Outcome, Forward), Outcome> {
        let Intent::Forward(remote) = step.intent else {
            let refusal = Refusal::new("that is no port");
            return Err(Outcome::new(step, Ended::Not(Cause::Refused, refusal)));
        };
        let pod = self
            .admit(&step)
            .await
            .map_err(|e| Outcome::new(step.clone(), e))?;
        let port = match local {
            Some(local) => Port::listen(local).await,
            None => Port::like(remote).await,
        };
        match port {
            Ok(port) => Ok((
                Outcome::new(step.clone(), Ended::Opened),
                Forward {
                    gate: self.clone(),
                    pod: path(&self.shared, &step.object),
                    uid: pod["metadata"]["uid"].as_str().unwrap_or_default().into(),
                    step,
                    port,
                    remote,
                },
            )),
            Err(e) => {
                let local = local.unwrap_or_default();
                let why = match e.kind() {
                    io::ErrorKind::AddrInUse => format!("port {local} of this machine is taken"),
                    io::ErrorKind::PermissionDenied => {
                        format!("port {local} of this machine is not for this user")
                    }
                    _ => format!("cannot listen on port {local} of this machine: {e}"),
                };
                let refusal = Refusal::new(why).next(format!("write :{remote} for any free one"));
                Err(Outcome::new(step, Ended::Not(Cause::Refused, refusal)))
            }
        }
    }

    /// The ports of a pod that are worth a try.
    ///
    /// # Errors
    /// The pod cannot be read.
    pub async fn offers(&self, pod: &Object) -> Result<Vec<Offer>, Refusal> {
        let read = super::requests::read(&self.shared, pod).await;
        let read = read.map_err(|failure| Refusal::new(failure.to_string()))?;
        Ok(stream::offers(&read))
    }

    /// The pod as it is now, if one may go into it.
    async fn admit(&self, step: &Step) -> Result<serde_json::Value, Ended> {
        if let Some(ended) = self.closed(step).await {
            return Err(ended);
        }
        let pod = match self.look(step).await? {
            Seen::Fresh(pod) => *pod,
            Seen::Hidden(failure) => return Err(because(&failure, step)),
        };
        let phase = pod["status"]["phase"].as_str().unwrap_or("Unknown");
        if phase == "Running" {
            return Ok(pod);
        }
        let refusal = Refusal::new(format!(
            "{} does not run: it is {phase}",
            step.object.words()
        ));
        let refusal = match phase {
            "Succeeded" | "Failed" => refusal.next("its logs are left"),
            _ => refusal,
        };
        Err(Ended::Not(Cause::Refused, refusal))
    }

    /// Writes into the audit what was opened, or why it was not.
    async fn told<T>(&self, opened: Result<(Outcome, T), Outcome>) -> Result<T, Box<Outcome>> {
        match opened {
            Ok((mut outcome, stream)) => {
                self.record(&mut outcome).await;
                Ok(stream)
            }
            Err(mut outcome) => {
                self.record(&mut outcome).await;
                Err(Box::new(outcome))
            }
        }
    }
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Running({})", self.step.object)
    }
}

impl Running {
    /// Runs it to its end, or until `stop` comes; see [`exec::run`].
    ///
    /// # Errors
    /// Only those of `out`.
    pub async fn run(
        self,
        input: mpsc::Receiver<Input>,
        out: impl FnMut(Output, &[u8]) -> io::Result<()>,
        stop: impl Future<Output = ()>,
    ) -> io::Result<Outcome> {
        let end = tokio::select! {
            end = exec::run(self.socket, input, out) => end,
            () = stop => Ok(End::Lost("jobdeck was told to end".into())),
        };
        let said = end
            .as_ref()
            .map_or_else(|e| End::Lost(e.to_string()), Clone::clone);
        let mut outcome = Outcome::new(self.step, Ended::Done);
        match said {
            End::Exit(code) => outcome.exit = Some(code),
            End::Failed(why) => outcome.ended = failed(&why, &self.run, &outcome.step.object),
            End::Lost(lost) => {
                outcome.ended = Ended::Unknown {
                    lost,
                    look:
                        "a command without a terminal may still run; `ps` in a new shell shows it"
                            .into(),
                };
            }
        }
        self.gate.record(&mut outcome).await;
        end.map(|_| outcome)
    }
}

/// Why a command was not run.
fn failed(why: &str, run: &Run, pod: &Object) -> Ended {
    let container = run.container.as_deref().unwrap_or_default();
    let missing = ["executable file not found", "no such file or directory"];
    let missing = missing.iter().any(|words| why.contains(words));
    let refusal = match (missing, run.command.first()) {
        (true, None) => Refusal::new(format!("container {container} has no shell")).next(format!(
            "bring one: kubectl debug -it {} -n {} --image=busybox --target={container}",
            pod.name, pod.namespace
        )),
        (true, Some(program)) => {
            Refusal::new(format!("there is no {program} in container {container}"))
        }
        _ => Refusal::new(why.trim()),
    };
    let cause = if missing {
        Cause::NotFound
    } else {
        Cause::Denied
    };
    Ended::Not(cause, refusal)
}

impl Forward {
    /// The port of this machine.
    pub fn local(&self) -> u16 {
        self.port.local
    }

    pub fn remote(&self) -> u16 {
        self.remote
    }

    /// Leads connections into the pod until it is over, or `stop` comes; why it ended. Dropping the future ends it at
    /// once, without a line in the audit.
    pub async fn run(
        self,
        traffic: &Sender<Traffic>,
        stop: impl Future<Output = ()>,
    ) -> Option<&'static str> {
        let http = &self.gate.shared.http;
        let over = async {
            tokio::select! {
                why = watch::until_over(http, &self.pod, &self.uid) => Some(why),
                () = stop => None,
            }
        };
        let led = self.port.lead(http, &self.pod, self.remote, traffic, over);
        let why = led.await;
        self.gate
            .record(&mut Outcome::new(self.step, Ended::Done))
            .await;
        why
    }
}
