//! Performs effects and answers with messages. It holds what is no state: the connection, the demo
//! cluster, the file watcher.

mod editing;
mod history;
mod measure;
mod others;
mod record;
mod replay;
mod streams;
mod writes;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::{Notify, mpsc};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::effect::Effect;
use super::message::{Connection, Failure, Message, Opened};
use super::readers::forward;
use crate::cluster::connect::{ConnectError, resolve};
use crate::cluster::kubeconfig::{Surroundings, load};
use crate::cluster::source::random;
use crate::cluster::sync::backoff;
use crate::cluster::target::Target;
use crate::cluster::writes::Running;
use crate::cluster::{CHANNEL, Cluster, Options};
use crate::history::{Keep, Record};
use crate::logs::metrics::Pattern;
use crate::model::ids::ClusterId;
use crate::panes::Level;
use crate::ui::clipboard;
use crate::ui::terminal::Terminal;
use crate::ui::text::{harmless, left_out};
use others::{Others, Way};
use streams::Streams;
pub use streams::attached;

pub use writes::Writing;

/// A running demo cluster: how to reach it. It runs as long as this lives.
pub struct RunningDemo {
    pub target: Target,
    /// Its worker clusters, as Kueue calls them.
    pub workers: BTreeMap<String, Target>,
    pub keep: Box<dyn std::any::Any + Send>,
}

impl std::fmt::Debug for RunningDemo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RunningDemo({})", self.target.server())
    }
}

/// Starts the demo cluster. It may block: it is called where that hurts nobody.
pub type DemoStarter = Arc<dyn Fn() -> Result<RunningDemo, String> + Send + Sync>;

/// The doer.
pub struct Runner {
    messages: mpsc::Sender<Message>,
    around: Surroundings,
    options: Options,
    /// Contexts of MultiKueue's worker clusters.
    multikueue: BTreeMap<String, String>,
    /// How log lines are read for metrics, before the reader's own ways.
    patterns: Arc<[Pattern]>,
    demo: Option<DemoStarter>,
    /// Keeps the demo cluster running.
    running_demo: Option<RunningDemo>,
    cluster: Option<Cluster>,
    /// Beside it, of the same connection.
    others: Option<Others>,
    /// Where records of jobs go; none: nothing is kept.
    history: Option<Keep>,
    keeps: Option<std::sync::mpsc::SyncSender<Box<Record>>>,
    /// How writes are done, and what is kept of them.
    writing: Writing,
    streams: Streams,
    /// Ends the recording under way when it is let go.
    recording: Option<DropGuard>,
    /// In the place of a cluster.
    replay: Option<replay::Replay>,
    /// Ends what works for the connection there is, or the attempt at one.
    connecting: CancellationToken,
    /// Whoever waits for the next try to connect tries now.
    again: Arc<Notify>,
}

impl Runner {
    #[allow(
        clippy::too_many_arguments,
        reason = "called once; each is handed over as it is"
    )]
    pub fn new(
        messages: mpsc::Sender<Message>,
        around: Surroundings,
        options: Options,
        multikueue: BTreeMap<String, String>,
        patterns: Arc<[Pattern]>,
        demo: Option<DemoStarter>,
        history: Option<Keep>,
        writing: Writing,
    ) -> Self {
        let keeps = history
            .clone()
            .map(|keep| history::writer(keep, messages.clone()));
        Self {
            writing,
            streams: Streams::default(),
            recording: None,
            replay: None,
            messages,
            around,
            options,
            multikueue,
            patterns,
            demo,
            history,
            keeps,
            running_demo: None,
            cluster: None,
            others: None,
            connecting: CancellationToken::new(),
            again: Arc::default(),
        }
    }

    /// Performs one effect.
    ///
    /// # Errors
    /// Only when the terminal is gone; everything else is a message.
    pub fn start(&mut self, effect: Effect, terminal: &mut Terminal) -> std::io::Result<()> {
        match effect {
            Effect::Connect {
                connection,
                context,
                peers,
            } => self.connect(connection, context, &peers),
            Effect::ConnectDemo { connection } => self.connect_demo(connection),
            Effect::Wants { namespace, wants } => {
                if let Some(cluster) = &mut self.cluster {
                    cluster.want(namespace.as_deref(), &wants);
                }
                if let Some(others) = &mut self.others {
                    others.want(namespace.as_deref(), &wants);
                }
                self.want_of_replay(wants);
            }
            Effect::ReadExtra(sets) => {
                if let Some(cluster) = &self.cluster {
                    cluster.read_extra(&sets);
                }
                if let Some(others) = &mut self.others {
                    others.read_extra(&sets);
                }
                self.options.tuning.extra = sets;
            }
            Effect::Replay(t) => self.replay_to(t),
            Effect::Record(namespace) => self.record(namespace),
            Effect::EndRecord => self.end_record(),
            Effect::Write { connection, steps } => self.write(connection, steps),
            Effect::Shell { connection, step } => self.shell(connection, step),
            Effect::Offers { connection, pod } => self.offers(connection, pod),
            Effect::Forward {
                connection,
                id,
                step,
                local,
            } => self.forward(connection, id, step, local),
            Effect::StopForward(id) => self.stop_forward(id),
            Effect::Trash {
                connection,
                cluster,
            } => self.read_trash(connection, cluster),
            Effect::Look {
                connection,
                cluster,
                id,
                version,
                text,
                namespace,
            } => self.look((connection, cluster), id, version, text, namespace),
            Effect::Meet {
                connection,
                cluster,
                id,
                text,
                then,
            } => self.meet((connection, cluster), id, text, then),
            Effect::Submit {
                connection,
                cluster,
                id,
                steps,
                only,
                unchecked,
            } => self.submit((connection, cluster), id, steps, only, unchecked),
            Effect::KeepUnsent(unsent) => self.keep_unsent(&unsent),
            Effect::DropUnsent(id) => self.drop_unsent(&id),
            Effect::ReadBeginnings => self.read_beginnings(),
            Effect::ReadFile(name) => self.read_file(name),
            Effect::RetryNow => {
                self.again.notify_waiters();
                if let Some(cluster) = &self.cluster {
                    cluster.retry_now();
                }
                if let Some(others) = &self.others {
                    others.retry_now();
                }
            }
            Effect::Copy(text) => {
                let refused = clipboard::copy(&mut std::io::stdout(), &text).err();
                let messages = self.messages.clone();
                tokio::task::spawn_blocking(move || {
                    if !clipboard::system(&text)
                        && let Some(e) = refused
                    {
                        let said = format!("cannot copy: {e}");
                        let _ = messages.blocking_send(Message::Notice(Level::Error, said));
                    }
                });
            }
            Effect::Save { name, text } => self.save(name, text),
            Effect::Keep(record) => {
                // a writer that is far behind has a slow disk: this record is left out
                if let Some(keeps) = &self.keeps {
                    let _ = keeps.try_send(record);
                }
            }
            Effect::Remember(habits) => self.remember(*habits),
            Effect::KeepView { name, view } => self.keep_view(name, view),
            Effect::ReadHistory => self.read_history(),
            Effect::Measure => self.measure(),
            // the loop's: it has the keys
            Effect::Page(_) | Effect::Attach | Effect::External { .. } => {}
            Effect::Suspend => terminal.suspend()?,
            Effect::Clear => terminal.redraw()?,
            Effect::Mouse(on) => terminal.set_mouse(on)?,
        }
        Ok(())
    }

    /// Takes the cluster out of a message that brings one.
    pub fn adopt(&mut self, message: &mut Message) {
        match message {
            Message::Opened { connection, opened } => {
                self.cluster = opened.cluster.take();
                self.running_demo = opened.demo.take().or(self.running_demo.take());
                let ways = self.ways();
                let others = self.others.get_or_insert_with(|| {
                    Others::new(
                        *connection,
                        self.around.clone(),
                        self.options.clone(),
                        (self.messages.clone(), self.patterns.clone()),
                        (self.connecting.clone(), self.again.clone()),
                    )
                });
                opened.workers = others.add_workers(&ways, &opened.context);
            }
            Message::Entered {
                running: Ok(running),
                ..
            } => self.streams.entered = running.take(),
            Message::Joined {
                connection,
                id,
                outcome: Ok(joined),
            } => {
                if let (Some(others), Some(cluster)) = (&mut self.others, joined.cluster.take()) {
                    others.adopt(*connection, *id, *cluster);
                }
            }
            _ => {}
        }
    }

    /// One of the clusters that are open.
    fn open_cluster(&self, id: ClusterId) -> Option<&Cluster> {
        let first = self.cluster.as_ref().filter(|cluster| cluster.id() == id);
        first.or_else(|| self.others.as_ref()?.cluster(id))
    }

    /// The command that has begun and waits for the terminal.
    pub fn entered(&mut self) -> Option<Box<Running>> {
        self.streams.entered.take()
    }

    /// How to get to the worker clusters of what is connected: the demo knows its own.
    fn ways(&self) -> BTreeMap<String, Way> {
        match &self.running_demo {
            Some(demo) => {
                let ways = demo.workers.iter();
                let way = |target: &Target| Way::Target(Box::new(target.clone()));
                ways.map(|(name, target)| (name.clone(), way(target)))
                    .collect()
            }
            None => {
                let ways = self.multikueue.iter();
                ways.map(|(name, context)| (name.clone(), Way::Context(context.clone())))
                    .collect()
            }
        }
    }

    fn leave(&mut self) -> CancellationToken {
        self.cluster = None;
        self.others = None;
        self.recording = None;
        self.connecting.cancel();
        self.connecting = CancellationToken::new();
        self.connecting.clone()
    }

    fn connect(&mut self, connection: Connection, context: Option<String>, peers: &[String]) {
        let stop = self.leave();
        self.running_demo = None;
        if !peers.is_empty() {
            // flags with an address or credentials are meant for the first, and no other may get them
            let first = context.as_deref().unwrap_or_default();
            self.around.overrides.begin_with(first);
            let mut others = Others::new(
                connection,
                self.around.clone(),
                self.options.clone(),
                (self.messages.clone(), self.patterns.clone()),
                (stop.clone(), self.again.clone()),
            );
            others.open_peers(peers);
            self.others = Some(others);
        }
        // beside others it may be back any time: whoever has one cluster is asked first
        let (alone, again) = (peers.is_empty(), self.again.clone());
        let patterns = self.patterns.clone();
        let (around, options, messages) = (
            self.around.clone(),
            self.options.clone(),
            self.messages.clone(),
        );
        tokio::spawn(async move {
            let reading = around.clone();
            let asked = context.clone();
            // files of a kubeconfig may be on a slow disk
            let read = tokio::task::spawn_blocking(move || {
                let contexts: Result<Vec<String>, _> =
                    load(&reading).map(|l| l.contexts().into_iter().map(|c| c.name).collect());
                (
                    resolve(&reading, asked.as_deref()),
                    contexts.unwrap_or_default(),
                )
            });
            let Ok((target, contexts)) = read.await else {
                return;
            };
            let mut told = None;
            for tries in 1.. {
                let opening = async {
                    match &target {
                        Ok(target) => {
                            open(
                                target.clone(),
                                options.clone(),
                                contexts.clone(),
                                connection,
                                (messages.clone(), patterns.clone()),
                            )
                            .await
                        }
                        Err(e) => Err(failed(e, context.clone(), contexts.clone(), &around)),
                    }
                };
                let outcome = tokio::select! {
                    outcome = opening => outcome,
                    () = stop.cancelled() => return,
                };
                let failure = outcome.as_ref().err().cloned();
                let open = failure.is_none();
                let passing = failure.as_ref().is_some_and(|failure| failure.passing);
                // the same again is no news, and would take the selection back to the first choice
                if open || failure != told {
                    told = failure;
                    tell_outcome(outcome, connection, &messages).await;
                }
                if open || (alone && !passing) {
                    return;
                }
                tokio::select! {
                    () = tokio::time::sleep(backoff(tries, random())) => {}
                    () = again.notified() => {}
                    () = stop.cancelled() => return,
                }
            }
        });
    }

    fn connect_demo(&mut self, connection: Connection) {
        let stop = self.leave();
        let (options, messages) = (self.options.clone(), self.messages.clone());
        let patterns = self.patterns.clone();
        let (running, starter) = (
            self.running_demo.as_ref().map(|d| d.target.clone()),
            self.demo.clone(),
        );
        tokio::spawn(async move {
            let opening = async {
                let (target, demo) = match running {
                    Some(target) => (target, None),
                    None => {
                        let started = start_demo(starter).await?;
                        (started.target.clone(), Some(started))
                    }
                };
                let opened = open(
                    target,
                    options,
                    Vec::new(),
                    connection,
                    (messages.clone(), patterns),
                )
                .await?;
                Ok(Opened { demo, ..opened })
            };
            let outcome = tokio::select! {
                outcome = opening => outcome,
                () = stop.cancelled() => return,
            };
            tell_outcome(outcome, connection, &messages).await;
        });
    }

    fn save(&self, name: String, text: String) {
        let messages = self.messages.clone();
        tokio::task::spawn_blocking(move || {
            let (text, odd) = harmless(&text);
            let without = left_out(odd);
            let said = match write_new(Path::new("."), &name, text.as_bytes()) {
                Ok(path) => {
                    let said = format!("saved {}{without}", path.display());
                    Message::Notice(Level::Info, said)
                }
                Err(e) => Message::Notice(Level::Error, format!("cannot save {name}: {e}")),
            };
            let _ = messages.blocking_send(said);
        });
    }
}

async fn tell_outcome(
    outcome: Result<Opened, Failure>,
    connection: Connection,
    messages: &mpsc::Sender<Message>,
) {
    let message = match outcome {
        Ok(opened) => Message::Opened {
            connection,
            opened: Box::new(opened),
        },
        Err(failure) => Message::NotOpened {
            connection,
            failure,
        },
    };
    // nobody left to tell: the program is ending
    let _ = messages.send(message).await;
}

async fn start_demo(starter: Option<DemoStarter>) -> Result<RunningDemo, Failure> {
    let failure = |why: String| Failure {
        context: "demo".into(),
        why: format!("the demo cluster did not start: {why}"),
        next_step: "use a kubeconfig, or try again".into(),
        ..Failure::default()
    };
    let Some(starter) = starter else {
        return Err(failure("this build has none".into()));
    };
    match tokio::task::spawn_blocking(move || starter()).await {
        Ok(started) => started.map_err(failure),
        Err(e) => Err(failure(e.to_string())),
    }
}

/// Opens a cluster and forwards its reports under its connection's number.
async fn open(
    target: Target,
    options: Options,
    contexts: Vec<String>,
    connection: Connection,
    (messages, patterns): (mpsc::Sender<Message>, Arc<[Pattern]>),
) -> Result<Opened, Failure> {
    let (context, server) = (target.context.clone(), target.server());
    let (tx, reports) = mpsc::channel(CHANNEL);
    let cluster = Cluster::open(target, options, tx)
        .await
        .map_err(|e| Failure {
            context: context.clone(),
            tried: vec![format!("context {context}"), format!("server {server}")],
            why: e.to_string(),
            next_step: match e.is_passing() {
                true => format!("{}; trying again", e.next_step()),
                false => e.next_step(),
            },
            contexts: contexts.clone(),
            passing: e.is_passing(),
        })?;
    tokio::spawn(forward(connection, reports, messages, patterns));
    Ok(Opened {
        namespace: cluster.target().namespace.clone().unwrap_or_default(),
        server_version: cluster.version().map(|v| v.git_version.clone()),
        cluster: Some(cluster),
        demo: None,
        context,
        contexts,
        workers: Vec::new(),
    })
}

fn failed(
    error: &ConnectError,
    context: Option<String>,
    contexts: Vec<String>,
    around: &Surroundings,
) -> Failure {
    Failure {
        context: context.unwrap_or_default(),
        tried: around
            .candidates()
            .iter()
            .map(|f| f.display().to_string())
            .collect(),
        why: error.to_string(),
        next_step: error.next_step(),
        contexts,
        passing: false,
    }
}

/// Writes a new file of this name in a folder; `name-2.ext` and so on if the name is taken.
fn write_new(folder: &Path, name: &str, bytes: &[u8]) -> std::io::Result<PathBuf> {
    let safe: String = name
        .chars()
        .map(|c| {
            if c.is_alphanumeric() || "-_.".contains(c) {
                c
            } else {
                '-'
            }
        })
        .collect();
    let safe = safe.trim_start_matches('.');
    let (stem, ending) = safe
        .rsplit_once('.')
        .map_or((safe, String::new()), |(s, e)| (s, format!(".{e}")));
    for n in 1..1000 {
        let path = folder.join(if n == 1 {
            format!("{stem}{ending}")
        } else {
            format!("{stem}-{n}{ending}")
        });
        match std::fs::File::create_new(&path) {
            Ok(mut file) => {
                file.write_all(bytes)?;
                return Ok(path);
            }
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(e) => return Err(e),
        }
    }
    Err(std::io::Error::other(
        "a thousand files of this name are there already",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_saved_file_never_replaces_another() {
        let folder = tempfile::tempdir().unwrap();
        let first = write_new(folder.path(), "pi/../log.txt", b"1").unwrap();
        let second = write_new(folder.path(), "pi/../log.txt", b"2").unwrap();
        assert_eq!(first.file_name().unwrap(), "pi-..-log.txt");
        assert_eq!(second.file_name().unwrap(), "pi-..-log-2.txt");
        assert_eq!(std::fs::read(first).unwrap(), b"1");
        assert!(second.starts_with(folder.path()));
    }
}
