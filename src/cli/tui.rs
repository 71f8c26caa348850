//! The cockpit itself: settings, looks, terminal, and the loop until the user leaves.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
#[cfg(feature = "demo")]
use std::sync::Arc;

use color_eyre::eyre::{Result, WrapErr, bail};
use tokio::sync::mpsc;

use super::{ClusterArgs, LookArgs, SceneArgs};
use crate::app::file::{self, Source};
use crate::app::files;
use crate::app::look::Look;
use crate::app::message::Message;
use crate::app::past::Replay;
use crate::app::run::run as run_loop;
#[cfg(feature = "demo")]
use crate::app::runner::RunningDemo;
use crate::app::runner::{DemoStarter, Runner, Writing};
use crate::app::views::kept;
use crate::app::{App, Begin};
use crate::cluster::Options;
use crate::history::Keep;
use crate::keep::habits::Habits;
use crate::panes::Level;
use crate::recording::player::Player;
use crate::settings::{self, Ascii, Motion, Settings, Transport};
use crate::ui::terminal::{self, Terminal};
use crate::ui::{Depth, Glyphs};

/// Room in the channel to the owner; what does not fit waits in the tasks, and in TCP.
const CHANNEL: usize = 64;

/// What the cockpit begins with.
pub enum On<'a> {
    /// The cluster of the kubeconfig.
    Cluster,
    /// A demo cluster at once.
    Demo(&'a SceneArgs),
    /// A log, and no cluster.
    File(Source),
    /// A recording, and no cluster.
    Replay(Box<(Replay, Player)>, PathBuf),
}

/// Runs the cockpit.
///
/// # Errors
/// There is no terminal, or the log cannot be read.
pub fn run(cluster: &ClusterArgs, look: &LookArgs, on: On) -> Result<ExitCode> {
    let scene = match &on {
        On::Demo(scene) => Some(*scene),
        _ => None,
    };
    let (file, opened) = match &on {
        On::File(source) => {
            if *source == Source::Stdin && std::io::stdin().is_terminal() {
                bail!("nothing is piped in: `kubectl logs POD | jobdeck logs -`, or name a file");
            }
            let opened = source.open().wrap_err_with(|| match source {
                Source::Stdin => "cannot read standard input".to_owned(),
                Source::File(path) => format!(
                    "cannot read {}; the logs of a job are under `l` in the cockpit",
                    path.display()
                ),
            })?;
            (Some(source.title()), Some(opened))
        }
        _ => (None, None),
    };
    let (replay, player) = match on {
        On::Replay(of, path) => (Some(of.0), Some((of.1, path))),
        _ => (None, None),
    };
    if file.is_some() && !std::io::stdout().is_terminal() {
        bail!("this is no terminal: `jobdeck metrics` prints what a log says in numbers");
    }
    // With a pipe in its place keys come from the terminal itself.
    let keys = file.is_some() || std::io::stdin().is_terminal();
    if !std::io::stdout().is_terminal() || !keys {
        bail!("this is no terminal: `jobdeck get` prints rows, `jobdeck render` draws one frame");
    }
    let (mut settings, problem) = settings::load(settings::file().as_deref());
    settings.motion = Motion::detect(settings.motion, |name| std::env::var(name).ok());
    // that there is none is said before the screen is taken
    let view = look.view.clone();
    if let Some(name) = &view {
        super::view::named(name, &settings);
    }
    let told_theme = look.theme.is_some();
    let layout = look.layout.clone();
    let (look, mut problems) = dress(&settings, look);
    problems.extend(problem.map(|p| p.to_string()));
    let (views, odd) = kept(settings::state_folder().as_deref());
    problems.extend(odd);

    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let outcome = runtime.block_on(async {
        let (tx, mut messages) = mpsc::channel(CHANNEL);
        for problem in problems {
            let _ = tx.try_send(Message::Notice(Level::Error, problem));
        }
        let _watcher = settings::folder().and_then(|folder| files::watch(&folder, tx.clone()));
        let starter = demo_starter(scene);
        let mut app = App::new(Begin {
            look,
            contexts: cluster.context.clone(),
            namespace: namespace(cluster, scene.is_some()),
            read_only: cluster.read_only,
            told_theme,
            view,
            demo: scene.is_some(),
            demo_offered: starter.is_some(),
            settings: settings.clone(),
            file,
            settings_file: settings::file().filter(|_| replay.is_none()),
            layout,
            replay,
        });
        app.habits = Habits::load(settings::state_folder().as_deref());
        app.take_views(views);
        if let Some(opened) = opened {
            file::follow(opened, tx.clone(), settings.logs.patterns.clone());
        }
        let around = cluster.surroundings();
        let mut runner = Runner::new(
            tx,
            around,
            options(&settings),
            settings.multikueue.clone(),
            settings.logs.patterns.clone(),
            starter,
            settings::history_folder()
                .filter(|_| settings.history.enabled && player.is_none())
                .map(|folder| Keep::new(folder, settings.history.clone())),
            Writing::new(&settings, cluster.read_only),
        );
        if let Some((player, path)) = player {
            runner.replay(player, path);
        }
        let mut terminal = Terminal::take(terminal::Options {
            mouse: settings.mouse,
        })
        .wrap_err("cannot use the terminal")?;
        run_loop(&mut app, &mut runner, &mut messages, &mut terminal)
            .await
            .wrap_err("the terminal is gone")
    });
    // a plugin that hangs must not hold the shell
    runtime.shutdown_background();
    outcome.map(|()| ExitCode::SUCCESS)
}

/// `-n`, `-A`, or the context's own. The demo cluster's story is told in all namespaces.
fn namespace(cluster: &ClusterArgs, demo: bool) -> Option<Option<String>> {
    match &cluster.namespace {
        Some(namespace) => Some(Some(namespace.clone())),
        None if cluster.all_namespaces || demo => Some(None),
        None => None,
    }
}

/// What the settings say about reading clusters.
pub fn options(settings: &Settings) -> Options {
    let mut options = Options {
        namespaces: settings.namespaces.clone(),
        ..Options::default()
    };
    options.tuning.stream = settings.transport != Transport::Pages;
    options.tuning.gpu_use = settings.gpu_use.asking();
    options
}

/// Theme, glyphs and keys by flags, environment and settings; and what was wrong with them.
pub fn dress(settings: &Settings, args: &LookArgs) -> (Look, Vec<String>) {
    let env = |name: &str| std::env::var(name).ok();
    let glyphs = match settings.ascii {
        Ascii::Auto => Glyphs::detect(None, env),
        Ascii::Always => Glyphs::Ascii,
        Ascii::Never => Glyphs::Unicode,
    };
    let theme = args.theme.as_deref().unwrap_or(&settings.theme);
    let keymap = args.keymap.as_deref().unwrap_or(&settings.keymap);
    Look::load(
        settings::folder(),
        theme,
        keymap,
        Depth::detect(None, env),
        glyphs,
    )
}

#[cfg(feature = "demo")]
fn demo_starter(scene: Option<&SceneArgs>) -> Option<DemoStarter> {
    let scene = scene.cloned().unwrap_or_default();
    Some(Arc::new(move || {
        let started = super::demo::live(([127, 0, 0, 1], 0).into(), &scene);
        let demo = started.map_err(|e| format!("{e:#}"))?;
        let target = super::demo::target(&demo).map_err(|e| format!("{e:#}"))?;
        Ok(RunningDemo {
            target,
            workers: super::demo::workers(&demo).map_err(|e| format!("{e:#}"))?,
            keep: Box::new(demo),
        })
    }))
}

#[cfg(not(feature = "demo"))]
fn demo_starter(_: Option<&SceneArgs>) -> Option<DemoStarter> {
    None
}
