//! The user's pager in the foreground: it gets the terminal, the text through a pipe (nothing is left on a disk), and
//! gives the terminal back. Separate because keys, signals and the screen all have to step aside for it.

use std::io::{self, Write};
use std::process::{Command, Stdio};

use crate::ui::terminal::{Signal, Signals, Terminal};

/// Shows a text in `$PAGER`, else in `less`. Nobody else may read keys meanwhile.
///
/// # Errors
/// Only when the terminal is gone. `Ok` holds what is to be told the user, if the pager could not be run.
pub async fn show(
    text: String,
    terminal: &mut Terminal,
    signals: &mut Signals,
) -> io::Result<Option<String>> {
    let pager = std::env::var("PAGER").unwrap_or_default();
    let pager = match pager.trim() {
        "" => "less".to_owned(),
        pager => pager.to_owned(),
    };
    terminal.release()?;
    let ended = run(&pager, text, signals).await;
    terminal.resume()?;
    Ok(match ended {
        Ok(0) => None,
        Ok(code) => Some(format!(
            "the pager ‘{pager}’ ended with exit code {code}: set $PAGER to one that runs"
        )),
        Err(e) => Some(format!("cannot run the pager ‘{pager}’: {e}")),
    })
}

async fn run(pager: &str, text: String, signals: &mut Signals) -> io::Result<i32> {
    // As git does it: the variable may hold arguments.
    let mut command = if cfg!(unix) {
        let mut command = Command::new("sh");
        command.arg("-c").arg(pager);
        command
    } else {
        Command::new(pager)
    };
    // Short texts must not be over before they are seen.
    let less = std::env::var("LESS").unwrap_or_default();
    let mut child = command
        .env("LESS", format!("{less} -+F -+X").trim())
        .stdin(Stdio::piped())
        .spawn()?;
    let input = child.stdin.take();
    // Ends with the pager: a pipe nobody reads is closed.
    let writing = tokio::task::spawn_blocking(move || {
        if let Some(mut input) = input {
            // It was left before the end.
            let _ = input.write_all(text.as_bytes());
        }
    });
    let mut waiting = tokio::task::spawn_blocking(move || child.wait());
    let status = loop {
        tokio::select! {
            status = &mut waiting => break status.map_err(io::Error::other)??,
            signal = signals.next() => match signal {
                // ctrl-z stops the pager and us, `fg` continues both.
                Signal::Stop => Terminal::stop()?,
                // ctrl-c is the pager's; should the terminal hang up, it ends, and then so do we.
                Signal::Quit | Signal::Continue => {}
            },
        }
    };
    writing.await.map_err(io::Error::other)?;
    Ok(status.code().unwrap_or(0))
}
