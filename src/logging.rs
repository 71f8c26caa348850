//! The debug log: a file, never the terminal. Off unless `JOBDECK_LOG` says otherwise.

use tracing_subscriber::EnvFilter;

/// Keeps the writer of the log alive; what is buffered is written when it is dropped.
#[derive(Debug)]
pub struct LogGuard(
    #[allow(dead_code, reason = "held for its drop")] tracing_appender::non_blocking::WorkerGuard,
);

/// Starts logging to `jobdeck.log` in the state folder if `JOBDECK_LOG` is set (`info`, `debug`,
/// `jobdeck=trace`, …). A folder that cannot be written is said on standard error and nothing else.
pub fn start() -> Option<LogGuard> {
    let wanted = std::env::var("JOBDECK_LOG")
        .ok()
        .filter(|v| !v.is_empty())?;
    let folder = crate::settings::state_folder()?;
    if let Err(e) = std::fs::create_dir_all(&folder) {
        eprintln!("jobdeck: no debug log: {}: {e}", folder.display());
        return None;
    }
    let (writer, guard) =
        tracing_appender::non_blocking(tracing_appender::rolling::never(folder, "jobdeck.log"));
    // kube logs whole response bodies on decode errors: at most errors of its own
    let filter = EnvFilter::new(format!("{wanted},kube_client::client=error"));
    let made = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer)
        .with_ansi(false)
        .try_init();
    made.ok().map(|()| LogGuard(guard))
}
