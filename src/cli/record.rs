//! `jobdeck record` and `jobdeck replay`: what a cluster told, as a file, and the cockpit over such a file.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use chrono::{DateTime, Local, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Utc};
use clap::Args;
use color_eyre::eyre::{Result, bail};
use tokio_util::sync::CancellationToken;

use super::connect::{Unconnected, target};
use super::get::runtime;
use super::{ClusterArgs, LookArgs, duration, tui};
use crate::app::past::{Replay, Speed};
use crate::cluster::report::Report;
use crate::model::health::Health;
use crate::model::human;
use crate::recording::player::Player;
use crate::recording::record::{RecordError, record};
use crate::recording::scan::Info;
use crate::settings;

/// What there is is told so often.
const TELL: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, Args)]
pub struct RecordArgs {
    /// The file to write; one that is there is never written over
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// End after this long, e.g. 90s, 10m, 1h30m [default: at ctrl-c]
    #[arg(long = "for", value_name = "TIME", value_parser = duration)]
    pub long: Option<Duration>,
}

#[derive(Debug, Clone, Args)]
pub struct ReplayArgs {
    /// A recording of `jobdeck record`
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Begin here, paused: a time of the recording (14:03, 14:03:21, 2026-11-30T14:03:21Z), or so long after its start (+5m)
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,
    /// How fast: 1 to 3600, or max (from change to change)
    #[arg(long, value_name = "X", value_parser = speed)]
    pub speed: Option<Speed>,
}

/// A recording in the place of a cluster.
#[derive(Debug, Clone, Default, Args)]
pub struct RecordedArgs {
    /// Read a recording of `jobdeck record` instead of a cluster
    #[arg(long, value_name = "FILE")]
    pub replay: Option<PathBuf>,
    /// As of this time of the recording, e.g. 14:03:21 or +5m [default: its end]
    #[arg(long, value_name = "TIME", requires = "replay")]
    pub replay_at: Option<String>,
}

fn speed(text: &str) -> Result<Speed, String> {
    Speed::parse(text).ok_or_else(|| "a number from 1 to 3600, or max, is wanted".into())
}

/// Records until ctrl-c, or as long as was asked for.
///
/// # Errors
/// There is no cluster, or the file cannot be written.
pub fn run(cluster: &ClusterArgs, args: &RecordArgs) -> Result<ExitCode> {
    let target = target(cluster).map_err(Unconnected)?;
    let (settings, problem) = settings::load(settings::file().as_deref());
    if let Some(problem) = problem {
        say!("jobdeck: {problem}");
    }
    let own = target.namespace.clone().unwrap_or_else(|| "default".into());
    let namespace = match (&cluster.namespace, cluster.all_namespaces) {
        (Some(name), _) => Some(name.clone()),
        (None, true) => None,
        (None, false) => Some(own),
    };
    let place = match &namespace {
        Some(name) => format!("namespace {name}"),
        None => "all namespaces".into(),
    };
    let file = args.file.display().to_string();
    say!(
        "jobdeck: recording {}, {place}, into {file}; {}",
        target.context,
        match args.long {
            Some(long) => format!("for {}", words(long)),
            None => "ctrl-c ends it".into(),
        }
    );
    let runtime = runtime()?;
    let alive = std::io::stderr().is_terminal();
    let kept = runtime.block_on(async {
        let stop = CancellationToken::new();
        tokio::spawn(ended(args.long, stop.clone()));
        let mut last = std::time::Instant::now();
        let told = |report: &Report, kept: crate::recording::write::Kept| {
            if let Report::Health(of) = report
                && let Health::Forbidden { .. } | Health::Failing { .. } = &of.health
            {
                say!(
                    "jobdeck: {} are not recorded: {}",
                    of.kind.plural(),
                    why(&of.health)
                );
            }
            if alive && last.elapsed() >= TELL {
                last = std::time::Instant::now();
                eprint!("\r{}\x1b[K", sum(kept));
                let _ = std::io::stderr().flush();
            }
        };
        record(
            target,
            tui::options(&settings),
            namespace.as_deref(),
            &args.file,
            stop,
            told,
        )
        .await
    });
    if alive {
        eprint!("\r\x1b[K");
    }
    match kept {
        Ok(kept) => {
            say!("{}: `jobdeck replay {file}` opens it", sum(kept));
            Ok(ExitCode::SUCCESS)
        }
        Err(RecordError::Connect(why)) => Err(Unconnected(why).into()),
        Err(other) => bail!("{other}"),
    }
}

fn why(health: &Health) -> String {
    match health {
        Health::Forbidden { verb, resource, .. } => {
            format!("forbidden (needs {verb} on {resource})")
        }
        Health::Failing { why } => format!("{why}; trying again"),
        _ => String::new(),
    }
}

fn sum(kept: crate::recording::write::Kept) -> String {
    format!(
        "{} objects and changes, {} deleted, {}",
        human::count(kept.objects),
        human::count(kept.gone),
        human::bytes(kept.bytes)
    )
}

fn words(long: Duration) -> String {
    human::duration(TimeDelta::from_std(long).unwrap_or(TimeDelta::MAX))
}

/// Until ctrl-c, `kill`, or so long.
async fn ended(long: Option<Duration>, stop: CancellationToken) {
    let over = async {
        match long {
            Some(long) => tokio::time::sleep(long).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = over => {}
        _ = tokio::signal::ctrl_c() => {}
        () = terminated() => {}
    }
    stop.cancel();
}

#[cfg(unix)]
async fn terminated() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut signal) => drop(signal.recv().await),
        Err(_) => std::future::pending().await,
    }
}

#[cfg(not(unix))]
async fn terminated() {
    std::future::pending().await
}

/// Opens the cockpit on a recording.
///
/// # Errors
/// It cannot be read, or there is no terminal.
pub fn replay(cluster: &ClusterArgs, look: &LookArgs, args: &ReplayArgs) -> Result<ExitCode> {
    let (info, player) = Player::open(&args.file)?;
    let at = match &args.at {
        Some(at) => Some(moment(at, &info).map_err(|why| color_eyre::eyre::eyre!("--at: {why}"))?),
        None => None,
    };
    let replay = Replay {
        info,
        at,
        speed: args.speed,
    };
    tui::run(
        cluster,
        look,
        tui::On::Replay(Box::new((replay, player)), args.file.clone()),
    )
}

/// A time of a recording.
///
/// # Errors
/// It is no time, or not in the recording.
pub fn moment(text: &str, info: &Info) -> Result<DateTime<Utc>, String> {
    let (start, end) = (info.header.start, info.end);
    let local = |at: NaiveDateTime| Local.from_local_datetime(&at).earliest();
    let clock = |at: NaiveTime| {
        // of the day it began, or of the next
        let day = start.with_timezone(&Local).date_naive();
        let days = [Some(day), day.succ_opt()];
        let mut of = days
            .into_iter()
            .flatten()
            .filter_map(|day| local(day.and_time(at)));
        of.find(|at| *at >= start - TimeDelta::seconds(60))
    };
    let at = if let Some(after) = text.strip_prefix('+') {
        let after = duration(after)?;
        TimeDelta::from_std(after)
            .ok()
            .and_then(|after| start.checked_add_signed(after))
    } else if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        Some(at.with_timezone(&Utc))
    } else {
        let times = ["%H:%M:%S", "%H:%M"].iter();
        let time = times
            .clone()
            .find_map(|form| NaiveTime::parse_from_str(text, form).ok());
        let dates = ["%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M"].iter();
        let date = dates
            .clone()
            .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
        let at = time.and_then(clock).or_else(|| date.and_then(local));
        at.map(|at| at.with_timezone(&Utc))
    };
    let Some(at) = at else {
        return Err(format!(
            "{text:?} is no time: write e.g. 14:03, 2026-11-30T14:03:21Z, or +5m after the start"
        ));
    };
    let inside = start - TimeDelta::seconds(60)..=end + TimeDelta::seconds(60);
    if !inside.contains(&at) {
        let words = |at: DateTime<Utc>| at.with_timezone(&Local).format("%Y-%m-%d %H:%M:%S");
        return Err(format!(
            "{text} is not in the recording: it goes from {} to {}",
            words(start),
            words(end)
        ));
    }
    Ok(at.clamp(start, end))
}
