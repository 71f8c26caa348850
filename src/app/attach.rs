//! A command in a pod in the foreground: the keyboard is its input, the terminal its output, until it ends. Used by the
//! cockpit, which has given its screen back by then, and by `jobdeck exec`.

use std::io::{self, Write};

use tokio::sync::mpsc;

use crate::actions::outcome::{Ended, Outcome};
use crate::cluster::streams::exec::{Input, Output};
use crate::cluster::writes::Running;
use crate::ui::terminal::{Bytes, Raw, Signal, Signals, Sizes};

/// Runs it to its end. Nobody else may read keys meanwhile.
///
/// # Errors
/// When this side's terminal or pipe is gone.
pub async fn attach(running: Running, signals: &mut Signals) -> io::Result<Outcome> {
    let (stdin, tty) = (running.run.stdin, running.run.tty);
    let raw = if tty { Some(Raw::take()?) } else { None };
    let keys = if stdin { Some(Bytes::read()?) } else { None };
    let sizes = if tty { Some(Sizes::listen()?) } else { None };
    // only so that a test can see what a panic leaves behind
    #[cfg(debug_assertions)]
    let out = |to: Output, bytes: &[u8]| {
        let asked = std::env::var_os("JOBDECK_TEST_PANIC").is_some_and(|when| when == "shell");
        if asked {
            let _ = io::stdout().write_all(b"\x1b[?1049h\x1b[?1000h\x1b[?25l");
            #[allow(clippy::panic, reason = "asked for, in debug builds only")]
            {
                panic!("asked for by JOBDECK_TEST_PANIC");
            }
        }
        out(to, bytes)
    };
    let (tx, rx) = mpsc::channel(8);
    let stop = async {
        loop {
            match signals.next().await {
                Signal::Quit => return,
                // the command goes on; ctrl-z itself is a byte to it
                Signal::Stop | Signal::Continue => {}
            }
        }
    };
    let ended = tokio::select! {
        ended = running.run(rx, out, stop) => ended,
        () = feed(tx, keys, sizes) => Err(io::Error::other("its input ended first")),
    };
    let ended = ended?;
    if raw.is_some() && !matches!(ended.ended, Ended::Done) {
        drop(raw);
        Raw::tidy(matches!(ended.ended, Ended::Unknown { .. }));
    }
    Ok(ended)
}

fn out(to: Output, bytes: &[u8]) -> io::Result<()> {
    match to {
        Output::Stdout => {
            let mut out = io::stdout().lock();
            out.write_all(bytes)?;
            out.flush()
        }
        Output::Stderr => io::stderr().lock().write_all(bytes),
    }
}

/// Hands on keys and sizes, for ever.
async fn feed(tx: mpsc::Sender<Input>, mut keys: Option<Bytes>, mut sizes: Option<Sizes>) {
    let mut told = None;
    let mut size = sizes.as_ref().and_then(|_| Raw::size());
    loop {
        let input = match size.take().filter(|size| told != Some(*size)) {
            Some((columns, rows)) => {
                told = Some((columns, rows));
                Input::Size { columns, rows }
            }
            None => tokio::select! {
                bytes = next(&mut keys) => match bytes {
                    Some(bytes) => Input::Bytes(bytes.into()),
                    None => {
                        keys = None;
                        Input::End
                    }
                },
                new = changed(&mut sizes) => {
                    size = new;
                    continue;
                }
            },
        };
        if tx.send(input).await.is_err() {
            return std::future::pending().await;
        }
    }
}

async fn next(keys: &mut Option<Bytes>) -> Option<Vec<u8>> {
    match keys {
        Some(keys) => keys.next().await,
        None => std::future::pending().await,
    }
}

async fn changed(sizes: &mut Option<Sizes>) -> Option<(u16, u16)> {
    match sizes {
        Some(sizes) => sizes.next().await,
        None => std::future::pending().await,
    }
}
