//! Records a cluster: asks it for what the cockpit would watch, and writes what comes.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::Utc;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::Trouble;
use super::line::{Header, VERSION};
use super::write::{Kept, Writer};
use crate::cluster::connect::ConnectError;
use crate::cluster::report::Report;
use crate::cluster::target::Target;
use crate::cluster::{Cluster, Options};
use crate::model::dra::DraKind;
use crate::model::want::{Kind, Selector, Want};

/// What was taken in is given to the disk so often.
const FLUSH: Duration = Duration::from_secs(1);
/// Reports that may wait.
const CHANNEL: usize = 64;

/// Why a recording did not begin, or ended.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    #[error("{0}")]
    Connect(#[from] ConnectError),
    #[error("{0}")]
    Trouble(#[from] Trouble),
    /// The disk is full, say.
    #[error(
        "the recording {} ends here: {why}\nwhat was written before ({} objects) can be replayed",
        path.display(),
        kept.objects
    )]
    Broken {
        path: PathBuf,
        why: std::io::Error,
        kept: Kept,
    },
}

/// What is kept of a cluster.
pub fn wants() -> Vec<Want> {
    let kinds = [
        Kind::Job,
        Kind::CronJob,
        Kind::Pod,
        Kind::Node,
        Kind::Event,
        Kind::Namespace,
    ];
    let kinds = kinds.into_iter().chain(DraKind::ALL.map(Kind::Dra));
    let mut wants: Vec<Want> = kinds.map(|kind| Want::Watch(kind, Selector::All)).collect();
    wants.push(Want::Workloads);
    wants
}

/// Records until somebody stops it. `told` hears each second what there is; `namespace`: the scope, none: all.
///
/// # Errors
/// There is no cluster, or the file cannot be written (any more).
pub async fn record(
    target: Target,
    options: Options,
    namespace: Option<&str>,
    path: &Path,
    stop: CancellationToken,
    mut told: impl FnMut(&Report, Kept),
) -> Result<Kept, RecordError> {
    let failed = |why| Trouble::Io {
        what: "write",
        path: path.to_owned(),
        why,
    };
    // told before anything is asked
    if path.exists() {
        return Err(failed(std::io::ErrorKind::AlreadyExists.into()).into());
    }
    let mut options = options;
    options.tuning.raw = true;
    let (out, mut reports) = mpsc::channel(CHANNEL);
    let mut cluster = Cluster::open(target, options, out).await?;
    let header = Header {
        recording: VERSION,
        jobdeck: env!("CARGO_PKG_VERSION").into(),
        context: cluster.target().context.clone(),
        server: cluster.version().map(|version| version.git_version.clone()),
        namespace: namespace.map(str::to_owned),
        start: Utc::now(),
    };
    // one that is there is somebody's evidence
    let file = File::create_new(path).map_err(failed)?;
    let mut writer = Writer::new(BufWriter::new(file), &header).map_err(failed)?;
    cluster.want(namespace, &wants());
    let mut flush = tokio::time::interval(FLUSH);
    loop {
        let written = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            _ = flush.tick() => writer.flush(),
            report = reports.recv() => {
                let Some(report) = report else { break };
                let written = writer.report(&report, Utc::now());
                told(&report, writer.kept());
                written
            }
        };
        if let Err(why) = written {
            return Err(RecordError::Broken {
                path: path.to_owned(),
                why,
                kept: writer.kept(),
            });
        }
    }
    drop(cluster);
    let kept = writer.kept();
    writer
        .finish(Utc::now())
        .map_err(|why| RecordError::Broken {
            path: path.to_owned(),
            why,
            kept,
        })
}
