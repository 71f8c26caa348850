//! `--plain`: the main views as lines for a screen reader or a dumb terminal. What there is once, then only what changes,
//! one sentence a line; commands are lines too. No colours, no boxes, no cursor movement.

use std::io::{BufRead, IsTerminal};
use std::process::ExitCode;
use std::time::Duration;

use chrono::{DateTime, Local, Utc};
use color_eyre::eyre::Result;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::config::print_text;
use super::connect::{self, Connected};
use super::get::runtime;
use super::why::find;
use super::{ClusterArgs, OneShotArgs, SceneArgs};
use crate::cluster::report::{LogBatch, Report};
use crate::model::dra::DraKind;
use crate::model::ids::{Key, Name};
use crate::model::want::{Kind, LogWant, Selector, Want};
use crate::ui::text::{last_frame, strip};

mod diff;
mod words;

use diff::{Change, Seen};
use words::View;

/// Changes are gathered for so long before they are told.
const GATHER: Duration = Duration::from_secs(1);
/// More at once than this are told by their number.
const MOST: usize = 12;
/// Pods of a job whose logs are read.
const PODS: usize = 4;
/// Lines of a log to begin with.
const TAIL: u32 = 20;

/// What the jobs, queues and GPUs are told from.
const KINDS: [Kind; 8] = [
    Kind::Job,
    Kind::Pod,
    Kind::Node,
    Kind::CronJob,
    Kind::Event,
    Kind::Dra(DraKind::ResourceSlice),
    Kind::Dra(DraKind::ResourceClaim),
    Kind::Dra(DraKind::DeviceClass),
];

/// What a line typed asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Command {
    List(View, String),
    Why(String),
    Logs(String),
    Stop,
    Changes(bool),
    Help,
    Quit,
    Nothing,
    Unknown(String),
}

impl Command {
    fn parse(line: &str) -> Self {
        let line = line.trim().trim_start_matches(':');
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let rest = rest.trim().to_owned();
        match (word, rest.is_empty()) {
            ("", _) => Self::Nothing,
            ("jobs" | "j", _) => Self::List(View::Jobs, rest),
            ("queues" | "q", _) => Self::List(View::Queues, rest),
            ("gpus" | "g", _) => Self::List(View::Gpus, rest),
            ("why" | "w", false) => Self::Why(rest),
            ("logs" | "l", false) => Self::Logs(rest),
            ("stop" | "s", _) => Self::Stop,
            ("changes", _) if rest == "off" => Self::Changes(false),
            ("changes", _) if rest == "on" => Self::Changes(true),
            ("help" | "h" | "?", _) => Self::Help,
            ("quit" | "exit", _) => Self::Quit,
            _ => Self::Unknown(line.to_owned()),
        }
    }
}

const HELP: &str = "\
jobs, queues or gpus: list them; a word behind it lists only lines with that word. What is listed last is watched.
why JOB: why a job waits, or how it is. JOB is a name, or a kind and a name as in pytorchjob/llama.
logs JOB: the last lines of a job's log, and new ones as they come. stop ends that.
changes off, changes on: do not tell what changes, or do again.
help: this. quit: leave.
The first letter of a command is enough for jobs, queues, gpus, why, logs, stop and help.";

/// The session.
struct Plain {
    connected: Connected,
    view: View,
    /// Only lines with this word.
    only: String,
    seen: Seen,
    tell: bool,
    logs: Vec<LogWant>,
    lost: bool,
    /// Somebody types: they are shown where.
    prompt: bool,
    /// The sign that they may stands at the end of the screen.
    asked: bool,
}

/// Runs until `quit`, or until there is nobody to type it.
///
/// # Errors
/// No cluster, or none of its jobs may be listed.
pub fn run(cluster: &ClusterArgs, scene: Option<&SceneArgs>) -> Result<ExitCode> {
    let runtime = runtime()?;
    let outcome = runtime.block_on(async {
        let connected = match scene {
            #[cfg(feature = "demo")]
            Some(scene) => connect::connect_scene(cluster, scene).await?,
            _ => connect::connect(cluster, &OneShotArgs::default()).await?,
        };
        Plain::new(connected).run().await
    });
    // the thread that reads what is typed may wait for ever
    runtime.shutdown_background();
    outcome.map(|()| ExitCode::SUCCESS)
}

/// Lines typed; none after the end of the input.
fn typed() -> mpsc::Receiver<String> {
    let (tx, lines) = mpsc::channel(16);
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            let Ok(line) = line else { return };
            if tx.blocking_send(line).is_err() {
                return;
            }
        }
    });
    lines
}

impl Plain {
    fn new(connected: Connected) -> Self {
        Self {
            connected,
            view: View::Jobs,
            only: String::new(),
            seen: Seen::default(),
            tell: true,
            logs: Vec::new(),
            lost: false,
            prompt: std::io::stdin().is_terminal() && std::io::stdout().is_terminal(),
            asked: false,
        }
    }

    async fn run(mut self) -> Result<()> {
        let place = match &self.connected.namespace {
            Some(name) => format!("namespace {name}"),
            None => "all namespaces".to_owned(),
        };
        let context = self.connected.cluster.target().context.clone();
        self.say(&format!(
            "jobdeck on {context}, {place}. Type help for the commands."
        ))?;
        self.connected.sync_workloads(&KINDS).await?;
        self.list()?;
        let mut lines = typed();
        let mut due: Option<Instant> = None;
        loop {
            self.ask()?;
            tokio::select! {
                biased;
                line = lines.recv() => {
                    self.asked = false;
                    let Some(line) = line else { return Ok(()) };
                    if !self.command(&line)? {
                        return Ok(());
                    }
                }
                report = self.connected.next_before(due) => match report? {
                    None => {
                        due = None;
                        self.changes()?;
                    }
                    Some(Report::Delta(delta)) => {
                        self.connected.model.apply(delta);
                        due.get_or_insert_with(|| Instant::now() + GATHER);
                    }
                    Some(Report::Log(batch)) => self.log(&batch)?,
                    Some(_) => self.say_if_lost()?,
                }
            }
        }
    }

    fn now(&self) -> DateTime<Utc> {
        self.connected.now()
    }

    /// A line, below what somebody may be typing.
    fn say(&mut self, text: &str) -> Result<()> {
        if std::mem::take(&mut self.asked) {
            print_text("\n")?;
        }
        for line in text.lines() {
            print_text(&format!("{}\n", line.trim_end()))?;
        }
        Ok(())
    }

    /// Shows that a command may be typed.
    fn ask(&mut self) -> Result<()> {
        if self.prompt && !std::mem::replace(&mut self.asked, true) {
            print_text("> ")?;
        }
        Ok(())
    }

    /// Does what a line asks for; false: that is the end.
    fn command(&mut self, line: &str) -> Result<bool> {
        match Command::parse(line) {
            Command::Nothing => {}
            Command::Quit => return Ok(false),
            Command::Help => self.say(HELP)?,
            Command::List(view, only) => {
                (self.view, self.only) = (view, only.to_lowercase());
                self.list()?;
            }
            Command::Changes(on) => {
                self.tell = on;
                self.say(match on {
                    true => "Changes are told.",
                    false => "Changes are not told any more.",
                })?;
            }
            Command::Why(job) => {
                let told = find(&self.connected.model, &job, None)
                    .map(|job| words::why(&self.connected.model, job, self.now()));
                match told {
                    Ok(told) => self.say(&told)?,
                    Err(why) => self.say(&words::refusal(&why.to_string()))?,
                }
            }
            Command::Logs(job) => self.follow(&job)?,
            Command::Stop => {
                let none = self.logs.is_empty();
                self.logs.clear();
                self.want();
                self.say(match none {
                    true => "No log is read.",
                    false => "The log is not read any more.",
                })?;
            }
            Command::Unknown(line) => {
                self.say(&format!(
                    "There is no command {line}. Type help for the commands."
                ))?;
            }
        }
        Ok(true)
    }

    fn lines(&self) -> Vec<diff::Line> {
        let mut lines = self.view.lines(&self.connected.model, self.now());
        if !self.only.is_empty() {
            lines.retain(|line| line.text.to_lowercase().contains(&self.only));
        }
        lines
    }

    /// All of the view.
    fn list(&mut self) -> Result<()> {
        let lines = self.lines();
        let head = self
            .view
            .head(&self.connected.model, lines.len(), &self.only);
        self.say(&head)?;
        for line in &lines {
            self.say(&line.text)?;
        }
        self.seen = Seen::of(lines);
        Ok(())
    }

    /// What is new, gone or different in the view.
    fn changes(&mut self) -> Result<()> {
        let changes = self.seen.changes(self.lines());
        if !self.tell || changes.is_empty() {
            return Ok(());
        }
        let time = self.now().with_timezone(&Local).format("%H:%M:%S");
        if changes.len() > MOST {
            let view = self.view.word();
            let many = changes.len();
            return self.say(&format!(
                "{time} {many} {view} changed. Type {view} to list them."
            ));
        }
        for change in changes {
            let text = match change {
                Change::New(text) => format!("{time} New: {text}"),
                Change::Now(text) => format!("{time} {text}"),
                Change::Gone(title) => format!("{time} Gone: {title}."),
            };
            self.say(&text)?;
        }
        Ok(())
    }

    fn follow(&mut self, job: &str) -> Result<()> {
        let model = &self.connected.model;
        let job = match find(model, job, None) {
            Ok(job) => job,
            Err(why) => return self.say(&words::refusal(&why.to_string())),
        };
        let mut pods: Vec<_> = model.pods_of(job.key).collect();
        pods.sort_by_key(|pod| (pod.index.get(), pod.created, pod.name.clone()));
        let want = |(namespace, name, key): (Name, &str, Key)| LogWant {
            namespace,
            pod: name.into(),
            uid: key.uid,
            container: None,
            previous: false,
            tail: Some(TAIL),
            since_seconds: None,
            follow: true,
        };
        let all = pods.len();
        let logs: Vec<LogWant> = pods
            .into_iter()
            .take(PODS)
            .map(|pod| want((pod.common.namespace.clone(), &pod.name, pod.key)))
            .collect();
        let text = match (all, logs.len()) {
            (0, _) => format!("{} has no pods, so there is no log.", words::title(job)),
            (1, _) => format!("The log of {}. stop ends it.", words::title(job)),
            (all, some) if some < all => {
                format!(
                    "The logs of {some} of {all} pods of {}. stop ends them.",
                    words::title(job)
                )
            }
            (all, _) => format!(
                "The logs of {all} pods of {}. stop ends them.",
                words::title(job)
            ),
        };
        self.logs = logs;
        self.want();
        self.say(&text)
    }

    /// Watches what is told from, and reads the logs that are asked for.
    fn want(&mut self) {
        let mut wants: Vec<Want> = KINDS
            .iter()
            .map(|kind| Want::Watch(*kind, Selector::All))
            .collect();
        wants.push(Want::Workloads);
        wants.extend(self.logs.iter().cloned().map(Want::Log));
        let namespace = self.connected.namespace.clone();
        self.connected.cluster.want(namespace.as_deref(), &wants);
    }

    fn log(&mut self, batch: &LogBatch) -> Result<()> {
        if !self.logs.contains(&batch.want) {
            return Ok(());
        }
        let who = match self.logs.len() {
            1 => String::new(),
            _ => format!("{}: ", batch.want.pod),
        };
        for line in &batch.lines {
            let text = String::from_utf8_lossy(&line.bytes);
            let text = strip(last_frame(&text));
            if !text.trim().is_empty() {
                self.say(&format!("{who}{text}"))?;
            }
        }
        for note in &batch.notes {
            self.say(&format!("{}: {}", batch.want.pod, note.text))?;
        }
        Ok(())
    }

    /// Says once that nothing is heard any more, and once that it is again.
    fn say_if_lost(&mut self) -> Result<()> {
        let silent = self.connected.silent().map(str::to_owned);
        if silent.is_some() == self.lost {
            return Ok(());
        }
        self.lost = silent.is_some();
        match silent {
            Some(why) => self.say(&format!(
                "Nothing is heard from the cluster: {why}. What is listed is as it was; jobdeck keeps trying."
            )),
            None => self.say("The cluster answers again."),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_a_command_or_said_to_be_none() {
        for (line, command) in [
            ("jobs", Command::List(View::Jobs, String::new())),
            (" :queues  Hep ", Command::List(View::Queues, "Hep".into())),
            ("g", Command::List(View::Gpus, String::new())),
            ("why job/pi", Command::Why("job/pi".into())),
            ("logs pi", Command::Logs("pi".into())),
            ("changes off", Command::Changes(false)),
            ("stop", Command::Stop),
            ("?", Command::Help),
            ("quit", Command::Quit),
            ("", Command::Nothing),
            ("why", Command::Unknown("why".into())),
            ("delete pi", Command::Unknown("delete pi".into())),
        ] {
            assert_eq!(Command::parse(line), command, "{line:?}");
        }
    }
}
