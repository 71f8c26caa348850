//! `jobdeck render`: the cockpit's own frame, drawn once into memory instead of a terminal.

use std::process::ExitCode;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use clap::CommandFactory;
use clap::error::ErrorKind;
use color_eyre::eyre::{Result, WrapErr, bail};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::config::print_raw;
use super::connect::{Connected, Unconnected, connect};
use super::{Cli, ClusterArgs, Format, LookArgs, RenderArgs};
use crate::app::effect::Effect;
use crate::app::look::Look;
use crate::app::message::{Failure, Message, Opened};
use crate::app::process;
use crate::app::readers::Readers;
use crate::app::{App, Begin};
use crate::cluster::report::Report;
use crate::model::ids::Key;
use crate::model::vitals::Reading;
use crate::model::want::{Kind, LogWant, ObjectWant, Want};
use crate::panes::{Command, LogsOf, PodsOf, Target};
use crate::settings::{self, Ascii, Motion};
use crate::ui::{Depth, Glyphs, Theme, svg};

/// With the clock standing still a log has no end to wait for: it is there when nothing came for so long
/// after its first line.
const QUIET: Duration = Duration::from_millis(400);
/// How long a log may take to its first line; what has written nothing has none.
const SILENT: Duration = Duration::from_secs(3);
/// Drawing makes panes ask for more, and the answers for more again: no chain of that is longer.
const ROUNDS: usize = 8;

/// What to draw.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Start,
    Jobs,
    Job(String),
    Queues,
    /// Of a job.
    Workload(String),
    Pods,
    PodsOf(String),
    Nodes,
    /// The map of GPUs.
    Map,
    Events,
    Logs(String),
    Yaml(String),
    Inbox,
    Hardware,
    Itself,
    /// Entries of the hardware reference, with commas between.
    Gpus(String),
    Help,
}

impl Place {
    fn parse(text: &str) -> Option<Self> {
        Some(match text.split_once('/') {
            None => match text {
                "start" => Self::Start,
                "jobs" => Self::Jobs,
                "queues" => Self::Queues,
                "pods" => Self::Pods,
                "nodes" => Self::Nodes,
                "gpus" => Self::Map,
                "events" => Self::Events,
                "inbox" | "messages" => Self::Inbox,
                "hardware" => Self::Hardware,
                "self" => Self::Itself,
                "help" => Self::Help,
                _ => return None,
            },
            Some((_, "")) => return None,
            Some(("job", name)) => Self::Job(name.into()),
            Some(("workload", name)) => Self::Workload(name.into()),
            Some(("pods", name)) => Self::PodsOf(name.into()),
            Some(("logs", name)) => Self::Logs(name.into()),
            Some(("hardware", names)) => Self::Gpus(names.into()),
            Some(("yaml", name)) => Self::Yaml(name.into()),
            Some(_) => return None,
        })
    }

    /// The job it is about.
    fn job(&self) -> Option<&str> {
        match self {
            Self::Job(name)
            | Self::Workload(name)
            | Self::PodsOf(name)
            | Self::Logs(name)
            | Self::Yaml(name) => Some(name),
            _ => None,
        }
    }

    fn target(&self, job: Option<(Key, ObjectWant)>) -> Option<Target> {
        Some(match (self, job) {
            (Self::Start, _) => return None,
            (Self::Queues, _) => Target::Queues,
            (Self::Pods, _) => Target::Pods(PodsOf::All),
            (Self::Nodes, _) => Target::Nodes,
            (Self::Map, _) => Target::GpuMap(crate::panes::gpus::MapOf::All),
            (Self::Events, _) => Target::Events(None),
            (Self::Inbox, _) => Target::Inbox,
            (Self::Hardware, _) => Target::Hardware,
            (Self::Itself, _) => Target::Itself,
            (Self::Gpus(names), _) => Target::Gpus(names.split(',').map(str::to_owned).collect()),
            (Self::Help, _) => Target::Help,
            (Self::Job(_), Some((key, _))) => Target::Job(key),
            (Self::PodsOf(_), Some((key, _))) => Target::Pods(PodsOf::Job(key)),
            (Self::Logs(_), Some((key, _))) => Target::Logs(LogsOf::Job {
                job: key,
                index: None,
            }),
            (Self::Yaml(_), Some((_, object))) => Target::Yaml(object),
            (_, _) => Target::Jobs,
        })
    }
}

/// Runs the command.
pub fn run(cluster: &ClusterArgs, look: &LookArgs, args: &RenderArgs) -> Result<ExitCode> {
    let Some(place) = Place::parse(&args.pane) else {
        let what = format!(
            "no pane {:?}: jobs, job/NAME, queues, workload/JOB, pods, pods/JOB, nodes, events, logs/JOB, yaml/JOB, inbox, hardware, hardware/ID,ID, self, help, start",
            args.pane
        );
        Cli::command()
            .error(ErrorKind::ValueValidation, what)
            .exit()
    };
    let (columns, rows) = args.size;
    let area = Rect::new(0, 0, columns, rows);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let drawn = runtime.block_on(draw(&place, cluster, look, args, area));
    // log streams that follow a clock that stands still never end
    runtime.shutdown_background();
    let (buffer, theme) = drawn?;
    let text = match args.format {
        Format::Text => svg::plain(&buffer),
        Format::Ansi => svg::ansi(&buffer),
        Format::Svg => svg::svg(&buffer, &theme),
    };
    match &args.output {
        Some(file) => std::fs::write(file, text)
            .wrap_err_with(|| format!("cannot write {}", file.display()))?,
        // a frame holds nothing but cells and our own colours
        None => print_raw(text.as_bytes())?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn draw(
    place: &Place,
    cluster: &ClusterArgs,
    look: &LookArgs,
    args: &RenderArgs,
    area: Rect,
) -> Result<(Buffer, Theme)> {
    let connected = match connect(cluster, &args.one_shot).await {
        Ok(connected) => Ok(connected),
        Err(e) => match e.downcast::<Unconnected>() {
            Ok(why) if *place == Place::Start => Err(why),
            Ok(why) => return Err(why.into()),
            Err(other) => return Err(other),
        },
    };
    let namespace = connected.as_ref().ok().map(|c| c.namespace.clone());
    let mut stage = Stage::new(dress(cluster, look, args, namespace))?;
    match connected {
        Ok(_) if *place == Place::Start => {}
        Ok(connected) => {
            stage
                .show(connected, place, args.filter.as_deref(), area)
                .await?;
        }
        Err(why) => stage.refused(cluster, &why),
    }
    let mut buffer = Buffer::empty(area);
    let now = stage.now();
    stage.app.paint(area, &mut buffer, now);
    Ok((buffer, stage.app.desk.look.theme.clone()))
}

/// The app as it begins. Not what this terminal can show counts, but what a picture can.
fn dress(
    cluster: &ClusterArgs,
    look: &LookArgs,
    args: &RenderArgs,
    namespace: Option<Option<String>>,
) -> App {
    let (mut settings, problem) = settings::load(settings::file().as_deref());
    // a picture is no look at a job
    settings.history.enabled = false;
    // and nothing in it moves
    settings.motion = Motion::Reduced;
    settings.tips = false;
    let glyphs = match settings.ascii {
        Ascii::Always => Glyphs::Ascii,
        Ascii::Auto | Ascii::Never => Glyphs::Unicode,
    };
    let told_theme = look.theme.is_some();
    let theme = look.theme.as_deref().unwrap_or(&settings.theme);
    let keymap = look.keymap.as_deref().unwrap_or(&settings.keymap);
    let (look, problems) = Look::load(settings::folder(), theme, keymap, Depth::True, glyphs);
    for problem in problem.map(|p| p.to_string()).into_iter().chain(problems) {
        say!("jobdeck: {problem}");
    }
    App::new(Begin {
        file: None,
        replay: None,
        settings_file: None,
        layout: None,
        look,
        contexts: cluster.context.clone(),
        namespace,
        read_only: cluster.read_only,
        view: None,
        told_theme,
        demo: args.one_shot.is_demo(),
        demo_offered: cfg!(feature = "demo"),
        settings,
    })
}

/// The app with nobody in front of it: its wants are met until nothing is missing, then it is drawn.
struct Stage {
    app: App,
    connection: u32,
    connected: Option<Connected>,
    /// How long before the picture all this happens: panes ask for details of what has been selected a while.
    before: TimeDelta,
    /// Objects that came, and logs of which something came.
    answered: Vec<ObjectWant>,
    heard: Vec<LogWant>,
    readers: Readers,
}

impl Stage {
    fn new(mut app: App) -> Result<Self> {
        let connection = app.take_effects(Utc::now()).iter().find_map(|e| match e {
            Effect::Connect { connection, .. } | Effect::ConnectDemo { connection } => {
                Some(*connection)
            }
            _ => None,
        });
        let Some(connection) = connection else {
            bail!("the app did not ask for a cluster");
        };
        Ok(Self {
            app,
            connection,
            connected: None,
            before: TimeDelta::seconds(1),
            answered: Vec::new(),
            heard: Vec::new(),
            readers: Readers::default(),
        })
    }

    fn now(&self) -> DateTime<Utc> {
        let now = self
            .connected
            .as_ref()
            .map_or_else(Utc::now, Connected::now);
        now - self.before
    }

    /// No cluster: what the start screen says then.
    fn refused(&mut self, cluster: &ClusterArgs, why: &Unconnected) {
        let around = cluster.surroundings();
        let failure = Failure {
            context: cluster.context().unwrap_or_default().to_owned(),
            tried: around
                .candidates()
                .iter()
                .map(|f| f.display().to_string())
                .collect(),
            why: why.0.to_string(),
            next_step: why.0.next_step(),
            contexts: Vec::new(),
            passing: false,
        };
        let connection = self.connection;
        self.receive(Message::NotOpened {
            connection,
            failure,
        });
    }

    fn receive(&mut self, message: Message) {
        let now = self.now();
        self.app.receive(message, now);
    }

    async fn show(
        &mut self,
        connected: Connected,
        place: &Place,
        filter: Option<&str>,
        area: Rect,
    ) -> Result<()> {
        let cluster = &connected.cluster;
        let opened = Opened {
            cluster: None,
            demo: None,
            context: cluster.target().context.clone(),
            namespace: cluster.target().namespace.clone().unwrap_or_default(),
            server_version: cluster.version().map(|v| v.git_version.clone()),
            contexts: Vec::new(),
            workers: Vec::new(),
        };
        self.connected = Some(connected);
        let connection = self.connection;
        self.receive(Message::Opened {
            connection,
            opened: Box::new(opened),
        });
        self.settle().await?;
        let job = match place.job() {
            Some(name) => Some(self.find(name)?),
            None => None,
        };
        let now = self.now();
        let target = match (place, &job) {
            (Place::Workload(name), Some((key, _))) => {
                let model = &self.app.desk.model;
                let job = model.jobs.get(*key);
                let Some(workload) = job.and_then(|job| model.workload_of(job)) else {
                    bail!("job {name:?} has no Workload here: Kueue does not queue it");
                };
                Some(Target::Workload(workload.key))
            }
            _ => place.target(job),
        };
        if let Some(target) = target {
            self.app.perform(Command::Go(target), now);
        }
        if let Some(filter) = filter {
            self.app.perform(Command::Filter(filter.to_owned()), now);
            if self.app.filter_in_force() != filter {
                let notices = self.app.desk.notices.all();
                match notices.last() {
                    Some(why) => bail!("--filter: {}", why.text),
                    None => bail!("--filter: {filter:?} is no filter for this pane"),
                }
            }
        }
        self.settle().await?;
        self.app.paint(area, &mut Buffer::empty(area), now);
        self.before = TimeDelta::zero();
        // some wants are known only once the pane has been drawn: events and log tail of a detail
        for _ in 0..ROUNDS {
            let now = self.now();
            self.app.paint(area, &mut Buffer::empty(area), now);
            if !self.settle().await? {
                break;
            }
        }
        Ok(())
    }

    fn find(&self, name: &str) -> Result<(Key, ObjectWant)> {
        let jobs = &self.app.desk.model.jobs;
        let mut found: Vec<_> = jobs.rows().filter(|job| *job.name == *name).collect();
        found.sort_by(|a, b| a.namespace.cmp(&b.namespace));
        let Some(job) = found.first() else {
            bail!(
                "there is no job {name:?} here\n`jobdeck get jobs` lists them; -A looks into all namespaces"
            );
        };
        let want = ObjectWant {
            kind: job.kind.object().unwrap_or(Kind::Pod),
            namespace: job.namespace.clone(),
            name: job.name.clone(),
        };
        Ok((job.key, want))
    }

    /// Meets what the screen wants until it has all of it; false if it wanted nothing new.
    async fn settle(&mut self) -> Result<bool> {
        let mut wanted: Vec<Want> = Vec::new();
        let (mut quiet, mut asked) = (false, false);
        loop {
            let now = self.now();
            for effect in self.app.take_effects(now) {
                match (effect, &mut self.connected) {
                    (Effect::ReadExtra(sets), Some(connected)) => {
                        connected.cluster.read_extra(&sets);
                    }
                    (Effect::Wants { namespace, wants }, Some(connected)) => {
                        connected.cluster.want(namespace.as_deref(), &wants);
                        wanted = wants;
                        (quiet, asked) = (false, true);
                    }
                    (Effect::Measure, Some(connected)) => {
                        let cluster = &connected.cluster;
                        let reading = Reading {
                            at: now,
                            process: process::read(),
                            links: vec![cluster.link(&cluster.target().context)],
                        };
                        self.app.receive(Message::Measured(Box::new(reading)), now);
                    }
                    _ => {}
                }
            }
            let Some(connected) = &mut self.connected else {
                return Ok(false);
            };
            let missing = |want: &Want| match want {
                Want::Watch(kind, selector) => connected.settled(*kind, selector).is_none(),
                Want::Object(object) => !self.answered.contains(object),
                Want::Workloads => !connected.workloads_settled(),
                Want::Pending(line) => {
                    let cluster = connected.cluster.id();
                    connected
                        .model
                        .kueue
                        .positions
                        .line(cluster, line)
                        .is_none()
                }
                Want::Log(_) => !quiet,
                Want::GpuUse(node) => {
                    let cluster = connected.cluster.id();
                    connected.model.gpu_use.node(cluster, node).is_none()
                }
                // worker clusters are not waited for, nor what may be done
                Want::At { .. } | Want::Worker { .. } | Want::May(_) => false,
            };
            let logs_only = wanted
                .iter()
                .all(|want| !missing(want) || matches!(want, Want::Log(_)));
            if !wanted.iter().any(missing) {
                return Ok(asked);
            }
            let unheard = |want: &Want| matches!(want, Want::Log(log) if !self.heard.contains(log));
            let next = if logs_only {
                let patience = if wanted.iter().any(unheard) {
                    SILENT
                } else {
                    QUIET
                };
                match tokio::time::timeout(patience, connected.next()).await {
                    Ok(report) => report?,
                    Err(_) => {
                        quiet = true;
                        continue;
                    }
                }
            } else {
                connected.next().await?
            };
            match &next {
                // of an object there is, its schema tells more
                Report::Object {
                    want,
                    object: Err(_),
                    ..
                }
                | Report::Fields { want, .. } => self.answered.push(want.clone()),
                Report::Log(batch) => self.heard.push((*batch.want).clone()),
                _ => {}
            }
            let connection = self.connection;
            let message = self.readers.message(connection, next);
            self.receive(message);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_named_as_the_help_says() {
        assert_eq!(Place::parse("jobs"), Some(Place::Jobs));
        assert_eq!(Place::parse("job/pi"), Some(Place::Job("pi".into())));
        assert_eq!(Place::parse("logs/a-b"), Some(Place::Logs("a-b".into())));
        for wrong in ["", "job", "job/", "secrets", "nodes/x"] {
            assert_eq!(Place::parse(wrong), None, "{wrong}");
        }
    }
}
