//! A command in a container, as `v5.channel.k8s.io` and `v4.channel.k8s.io` carry it.

use std::collections::VecDeque;
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use hyper::body::Bytes;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use super::socket::{self, Socket};
use super::stream::Way;
use crate::Shared;
use crate::api::options::Query;
use crate::api::write::Refusal;
use crate::console::tty::{Tty, Typed, shown};
use crate::console::{Console, Next, Place, Said};
use crate::store::Object;

/// In no order: the client's counts.
pub const PROTOCOLS: &[&str] = &["v5.channel.k8s.io", "v4.channel.k8s.io"];

const STDIN: u8 = 0;
const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const STATUS: u8 = 3;
const RESIZE: u8 = 4;
const CLOSE: u8 = 255;
/// Of a process that was killed with its container.
const KILLED: i32 = 137;
/// Of one that ctrl-c ended.
const INTERRUPTED: i32 = 130;

/// What a container runtime takes to start a process, at the least.
const STARTING: Duration = Duration::from_millis(40);

/// `PodExecOptions`.
pub struct Asked {
    container: String,
    argv: Vec<String>,
    stdin: bool,
    tty: bool,
    /// The protocol can say that a channel has ended.
    ends: bool,
    /// The first channel the client listens to.
    lowest: u8,
}

impl Asked {
    pub fn of(query: &Query, container: String, protocol: &str) -> Result<Self, Refusal> {
        let asked = Self {
            container,
            argv: query.all("command").map(str::to_owned).collect(),
            stdin: query.flag("stdin"),
            tty: query.flag("tty"),
            ends: protocol.starts_with("v5"),
            lowest: if query.flag("stdout") {
                STDOUT
            } else if query.flag("stderr") && !query.flag("tty") {
                STDERR
            } else {
                STATUS
            },
        };
        if asked.argv.is_empty() {
            return Err(Refusal::bad_request(
                "you must specify at least one command for the container",
            ));
        }
        if !asked.stdin && !query.flag("stdout") && !query.flag("stderr") {
            return Err(Refusal::bad_request(
                "you must specify at least one of stdin, stdout, stderr",
            ));
        }
        Ok(asked)
    }
}

impl Asked {
    /// A status in the words of whoever speaks the protocol: v4 is the kubelet's own, v5 the API server's, which has it
    /// from the kubelet and says so.
    fn worded(&self, mut status: Value) -> Value {
        let code = status["details"]["causes"][0]["message"].clone();
        let code = code.as_str().unwrap_or_default();
        match (status["reason"].as_str(), self.ends) {
            (Some("NonZeroExitCode"), false) => {
                let argv = self.argv.join(" ");
                status["message"] = format!(
                    "command terminated with non-zero exit code: error executing command [{argv}], exit code {code}"
                )
                .into();
            }
            (Some("InternalError"), true) => {
                let why = status["message"].as_str().unwrap_or_default();
                status = broken(why);
            }
            _ => {}
        }
        if !self.ends
            && let Some(all) = status.as_object_mut()
        {
            all.remove("metadata");
        }
        status
    }
}

/// Somebody's visit to a container.
pub struct Visit {
    shared: Shared,
    way: Way,
    uid: Value,
    asked: Asked,
}

/// What came from the client.
enum Came {
    Bytes(Bytes),
    End,
    Size(u16, u16),
    /// The client has gone.
    Gone,
    /// The container has.
    Over,
}

impl Visit {
    pub fn new(shared: Shared, way: Way, pod: &Object, asked: Asked) -> Self {
        Self {
            shared,
            way,
            uid: pod.tree()["metadata"]["uid"].clone(),
            asked,
        }
    }

    /// The container as it is now; none if it does not run any more.
    fn look(&self) -> Option<Place> {
        let pod = self.way.find(&self.shared).ok()?;
        if pod.tree()["metadata"]["uid"] != self.uid {
            return None;
        }
        self.shared.lock().place(&pod, &self.asked.container)
    }

    pub async fn run(self, socket: Socket) {
        let (changed, speed) = {
            let world = self.shared.lock();
            let cluster = world.cluster();
            (cluster.store.subscribe(), cluster.clock.speed())
        };
        let mut session = Session {
            visit: self,
            socket,
            changed,
            speed,
            tty: Tty::default(),
            waiting: VecDeque::new(),
            ended: false,
        };
        let status = session.status().await;
        // to a client that has gone nothing can be said
        if let Some(status) = status {
            let status = session.visit.asked.worded(status);
            let _ = session.send(STATUS, status.to_string().as_bytes()).await;
            socket::finish(session.socket).await;
        }
    }
}

struct Session {
    visit: Visit,
    socket: Socket,
    changed: tokio::sync::watch::Receiver<u64>,
    speed: f64,
    tty: Tty,
    /// Typed while something ran.
    waiting: VecDeque<Typed>,
    /// There will be no more input.
    ended: bool,
}

fn exited(code: i32) -> Value {
    if code == 0 {
        return json!({"metadata": {}, "status": "Success"});
    }
    json!({
        "metadata": {},
        "status": "Failure",
        "message": format!(
            "command terminated with non-zero exit code: command terminated with exit code {code}"
        ),
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": code.to_string()}]},
    })
}

fn broken(why: &str) -> Value {
    json!({
        "metadata": {},
        "status": "Failure",
        "message": format!("Internal error occurred: {why}"),
        "reason": "InternalError",
        "details": {"causes": [{"message": why}]},
        "code": 500,
    })
}

impl Session {
    /// Runs the command; its status, if there is still somebody to tell it to.
    async fn status(&mut self) -> Option<Value> {
        // as a server does: something at once on the lowest channel there is, so that the client knows
        // it is connected. The rest takes a runtime a moment: clients begin to read before they have
        // made their other channels, and throw away what comes for those.
        self.send(self.visit.asked.lowest, &[]).await?;
        let place = self.visit.look();
        tokio::time::sleep(STARTING).await;
        let asked = &self.visit.asked;
        let (tty, argv) = (asked.tty, asked.argv.clone());
        let Some(place) = place else {
            let why = format!(
                "error executing command in container: container not found (\"{}\")",
                asked.container
            );
            return Some(broken(&why));
        };
        let mut console = Console::new(place, tty);
        if argv == ["cat"] && asked.stdin && !tty {
            return self.copy().await;
        }
        if !asked.stdin {
            console.input = Some(String::new());
        }
        let (mut said, mut next) = console.start(&argv);
        if next == Next::Input {
            let text = self.gather().await?;
            console.input = Some(text);
            (said, next) = console.start(&argv);
        }
        match next {
            Next::Missing(program) => Some(broken(&format!(
                "error executing command in container: failed to exec in container: failed to start exec: \
                 OCI runtime exec failed: exec failed: unable to start container process: exec: \"{program}\": \
                 executable file not found in $PATH: unknown"
            ))),
            Next::Done(code) => match self.play(said).await {
                Played::All => Some(exited(code)),
                Played::Interrupted => Some(exited(INTERRUPTED)),
                Played::Over => Some(exited(KILLED)),
                Played::Gone => None,
            },
            Next::Shell | Next::Input if tty => self.shell(console).await,
            Next::Shell | Next::Input => self.lines(console).await,
        }
    }

    /// `cat`: what comes in goes out.
    async fn copy(&mut self) -> Option<Value> {
        loop {
            match self.come().await {
                Came::Bytes(bytes) => self.send(STDOUT, &bytes).await?,
                Came::End => return Some(exited(0)),
                Came::Size(..) => {}
                Came::Gone => return None,
                Came::Over => return Some(exited(KILLED)),
            }
        }
    }

    /// All of the input, to its end.
    async fn gather(&mut self) -> Option<String> {
        let mut all = Vec::new();
        loop {
            match self.come().await {
                Came::Bytes(bytes) => all.extend_from_slice(&bytes),
                Came::End => return Some(String::from_utf8_lossy(&all).into_owned()),
                Came::Size(..) => {}
                Came::Gone | Came::Over => return None,
            }
        }
    }

    /// A shell without a terminal: lines in, no prompt.
    async fn lines(&mut self, mut console: Console) -> Option<Value> {
        let mut held = String::new();
        loop {
            let end = match self.come().await {
                Came::Bytes(bytes) => {
                    held.push_str(&String::from_utf8_lossy(&bytes));
                    false
                }
                Came::End => true,
                Came::Size(..) => false,
                Came::Gone => return None,
                Came::Over => return Some(exited(KILLED)),
            };
            while let Some(line) = next_line(&mut held, end) {
                if let Some(status) = self.one(&mut console, &line).await? {
                    return Some(status);
                }
            }
            if end {
                return Some(exited(console.status()));
            }
        }
    }

    /// Runs a line; the status if it was the last.
    async fn one(&mut self, console: &mut Console, line: &str) -> Option<Option<Value>> {
        let Some(place) = self.visit.look() else {
            return Some(Some(exited(KILLED)));
        };
        console.place = place;
        console.input = Some(String::new());
        let (said, next) = console.line(line);
        match self.play(said).await {
            Played::All | Played::Interrupted => {}
            Played::Over => return Some(Some(exited(KILLED))),
            Played::Gone => return None,
        }
        let leaves = console.leaving.is_some();
        Some(match next {
            Next::Done(code) if leaves => Some(exited(code)),
            _ => None,
        })
    }

    /// A shell at a terminal.
    async fn shell(&mut self, mut console: Console) -> Option<Value> {
        let prompt = console.prompt();
        self.send(STDOUT, prompt.as_bytes()).await?;
        loop {
            let Some(typed) = self.waiting.pop_front() else {
                match self.come().await {
                    Came::Bytes(bytes) => self.type_in(&bytes).await?,
                    Came::Size(columns, rows) => console.size = (columns, rows),
                    Came::End => return Some(exited(console.status())),
                    Came::Gone => return None,
                    Came::Over => return Some(exited(KILLED)),
                }
                continue;
            };
            match typed {
                Typed::Line(line) => {
                    if let Some(status) = self.one(&mut console, &line).await? {
                        self.send(STDOUT, b"exit\r\n").await?;
                        return Some(status);
                    }
                }
                Typed::End => {
                    self.send(STDOUT, b"exit\r\n").await?;
                    return Some(exited(console.status()));
                }
                Typed::Interrupt => {}
                Typed::Echo(_) => continue,
            }
            let prompt = console.prompt();
            self.send(STDOUT, prompt.as_bytes()).await?;
        }
    }

    /// Typed bytes: echoed now and in one piece, the rest when its turn comes.
    async fn type_in(&mut self, bytes: &[u8]) -> Option<()> {
        let mut echo = String::new();
        for typed in self.tty.bytes(bytes) {
            match typed {
                Typed::Echo(text) => echo.push_str(&text),
                other => self.waiting.push_back(other),
            }
        }
        if echo.is_empty() {
            return Some(());
        }
        self.send(STDOUT, echo.as_bytes()).await
    }

    /// Lets it be seen, in its time.
    async fn play(&mut self, said: Vec<Said>) -> Played {
        let tty = self.visit.asked.tty;
        for one in said {
            let (channel, text) = match one {
                Said::Out(text) if tty => (STDOUT, shown(&text)),
                Said::Err(text) if tty => (STDOUT, shown(&text)),
                Said::Out(text) => (STDOUT, text),
                Said::Err(text) => (STDERR, text),
                Said::Wait(seconds) => {
                    match self.wait(seconds).await {
                        Played::All => continue,
                        other => return other,
                    };
                }
            };
            if self.send(channel, text.as_bytes()).await.is_none() {
                return Played::Gone;
            }
        }
        Played::All
    }

    async fn wait(&mut self, seconds: f64) -> Played {
        let real = (seconds / self.speed).clamp(0.0, 1e9);
        let until = tokio::time::Instant::now() + Duration::from_secs_f64(real);
        loop {
            let came = tokio::select! {
                () = tokio::time::sleep_until(until) => return Played::All,
                came = self.come() => came,
            };
            match came {
                Came::Bytes(bytes) if self.visit.asked.tty => {
                    if self.type_in(&bytes).await.is_none() {
                        return Played::Gone;
                    }
                    if let Some(at) = self.waiting.iter().position(|t| *t == Typed::Interrupt) {
                        self.waiting.drain(..=at);
                        return Played::Interrupted;
                    }
                }
                Came::Gone => return Played::Gone,
                Came::Over => return Played::Over,
                _ => {}
            }
        }
    }

    /// What comes next: from the client, or the container's end. Dropping the future loses nothing.
    async fn come(&mut self) -> Came {
        loop {
            let message = tokio::select! {
                message = self.socket.next() => message,
                changed = self.changed.changed() => {
                    if changed.is_err() || self.visit.look().is_none() {
                        return Came::Over;
                    }
                    continue;
                }
            };
            let bytes = match message {
                Some(Ok(Message::Binary(bytes))) => bytes,
                Some(Ok(Message::Text(text))) => Bytes::copy_from_slice(text.as_bytes()),
                Some(Ok(Message::Close(_)) | Err(_)) | None => return Came::Gone,
                Some(Ok(_)) => continue,
            };
            match bytes.first() {
                Some(&STDIN) if !self.ended => return Came::Bytes(bytes.slice(1..)),
                Some(&RESIZE) => {
                    let size: Value = serde_json::from_slice(&bytes[1..]).unwrap_or_default();
                    let number =
                        |name: &str| size[name].as_u64().and_then(|n| u16::try_from(n).ok());
                    if let (Some(columns), Some(rows)) = (number("Width"), number("Height")) {
                        return Came::Size(columns, rows);
                    }
                }
                Some(&CLOSE) if self.visit.asked.ends && bytes.get(1) == Some(&STDIN) => {
                    self.ended = true;
                    return Came::End;
                }
                _ => {}
            }
        }
    }

    async fn send(&mut self, channel: u8, bytes: &[u8]) -> Option<()> {
        let mut all = Vec::with_capacity(bytes.len() + 1);
        all.push(channel);
        all.extend_from_slice(bytes);
        self.socket.send(Message::Binary(all.into())).await.ok()
    }
}

/// How far it was seen.
enum Played {
    All,
    Interrupted,
    /// The container is over.
    Over,
    Gone,
}

/// Takes the next whole line; at the end, what is left.
fn next_line(held: &mut String, end: bool) -> Option<String> {
    match held.find('\n') {
        Some(at) => {
            let rest = held.split_off(at + 1);
            let line = std::mem::replace(held, rest);
            Some(line.trim_end_matches('\n').to_owned())
        }
        None if end && !held.is_empty() => Some(std::mem::take(held)),
        None => None,
    }
}
