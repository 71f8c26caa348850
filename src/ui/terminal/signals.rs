//! The signals a terminal program must heed, as one stream; separate because Windows has others.

use std::io;

/// What the world wants of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// End: terminated, interrupted, or the terminal hung up.
    Quit,
    /// Stop (ctrl-z from outside): `Terminal::suspend`.
    Stop,
    /// Running again: `Terminal::resume`.
    Continue,
}

/// Those signals, one after the other.
#[cfg(unix)]
pub struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
    stop: tokio::signal::unix::Signal,
    resume: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    pub(super) fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let raw = |number| signal(SignalKind::from_raw(number));
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
            stop: raw(signal_hook::consts::SIGTSTP)?,
            resume: raw(signal_hook::consts::SIGCONT)?,
        })
    }

    /// Waits for the next one.
    pub async fn next(&mut self) -> Signal {
        tokio::select! {
            Some(()) = self.terminate.recv() => Signal::Quit,
            Some(()) = self.interrupt.recv() => Signal::Quit,
            Some(()) = self.hangup.recv() => Signal::Quit,
            Some(()) = self.stop.recv() => Signal::Stop,
            Some(()) = self.resume.recv() => Signal::Continue,
            // The runtime is going down: nothing will come, and nobody must spin on that.
            else => std::future::pending().await,
        }
    }
}

#[cfg(unix)]
pub(super) fn stop_self() -> io::Result<()> {
    signal_hook::low_level::emulate_default_handler(signal_hook::consts::SIGTSTP)
}

/// Those signals, one after the other.
#[cfg(not(unix))]
pub struct Signals {}

#[cfg(not(unix))]
impl Signals {
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self {})
    }

    /// Waits for the next one: on Windows only ctrl-c and ctrl-break from outside.
    pub async fn next(&mut self) -> Signal {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        Signal::Quit
    }
}

#[cfg(not(unix))]
pub(super) fn stop_self() -> io::Result<()> {
    Ok(())
}
