//! Taking the terminal and giving it back, whatever happens: return, error, panic, signal, stop and continue.
//! Separate because a terminal left in raw mode is the worst thing a program like this can do.

use std::io::{self, BufWriter, Stdout, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::ThreadId;

use crossterm::cursor::{Hide, MoveTo, Show};
use crossterm::event::{
    DisableBracketedPaste, DisableFocusChange, DisableMouseCapture, EnableBracketedPaste,
    EnableFocusChange, EnableMouseCapture,
};
use crossterm::terminal::{
    BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate, EnterAlternateScreen,
    LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use crossterm::{execute, queue};
use ratatui::Frame;
use ratatui::backend::CrosstermBackend;
use ratatui::layout::{Position, Rect};

mod raw;
mod signals;

pub use raw::{Bytes, Raw, Sizes};
pub use signals::{Signal, Signals};

/// Large enough for a frame of a big screen, so that it leaves in few writes.
const BUFFER: usize = 128 * 1024;

/// What to ask of the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// Report clicks and the wheel. Takes away the terminal's own selection of text.
    pub mouse: bool,
}

/// The terminal while it is ours. Dropping it gives it back.
pub struct Terminal {
    screen: ratatui::Terminal<CrosstermBackend<BufWriter<Stdout>>>,
    options: Options,
    /// Shared with the panic hook, which must know whether there is anything to give back.
    taken: Arc<AtomicBool>,
}

impl Terminal {
    /// Takes the terminal: raw mode, alternate screen, bracketed paste, focus reports. From here on a panic in this
    /// thread gives it back before the report is printed, and a panic in another thread is logged, not printed.
    ///
    /// # Errors
    /// When standard output is no terminal or refuses.
    pub fn take(options: Options) -> io::Result<Self> {
        let backend = CrosstermBackend::new(BufWriter::with_capacity(BUFFER, io::stdout()));
        let taken = Arc::new(AtomicBool::new(false));
        watch_panics(taken.clone(), std::thread::current().id());
        let mut terminal = Self {
            screen: ratatui::Terminal::new(backend)?,
            options,
            taken,
        };
        terminal.enter()?;
        Ok(terminal)
    }

    fn enter(&mut self) -> io::Result<()> {
        if !self.taken.swap(true, Ordering::SeqCst) {
            enable_raw_mode()?;
            ask(self.screen.backend_mut(), self.options)?;
        }
        self.redraw()
    }

    /// Gives the terminal back, for a program run in the foreground; `resume` takes it again.
    ///
    /// # Errors
    /// When the terminal refuses; it is then given back as far as possible.
    pub fn release(&mut self) -> io::Result<()> {
        if self.taken.swap(false, Ordering::SeqCst) {
            give_back()
        } else {
            Ok(())
        }
    }

    /// Takes the terminal again and forgets what was on it, so that the next frame is drawn whole.
    ///
    /// # Errors
    /// When the terminal refuses.
    pub fn resume(&mut self) -> io::Result<()> {
        // After a stop the shell may have changed the modes: ask again in any case.
        self.taken.store(false, Ordering::SeqCst);
        self.enter()
    }

    /// Gives the terminal back and stops this process, as ctrl-z does with a program that does nothing about it. Comes
    /// back after `fg`, when [`Signal::Continue`] follows; `resume` then.
    ///
    /// # Errors
    /// When the terminal refuses or the process cannot be stopped.
    pub fn suspend(&mut self) -> io::Result<()> {
        self.release()?;
        signals::stop_self()
    }

    /// Stops this process while the terminal is given back already.
    ///
    /// # Errors
    /// When the process cannot be stopped.
    pub fn stop() -> io::Result<()> {
        signals::stop_self()
    }

    /// Draws one frame, shown at once by terminals that know synchronized output.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn draw(&mut self, render: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        queue!(self.screen.backend_mut(), BeginSynchronizedUpdate)?;
        let drawn = self.screen.draw(render).map(|_| ());
        execute!(self.screen.backend_mut(), EndSynchronizedUpdate)?;
        drawn
    }

    /// Draws the next frame whole, whatever is thought to be on the screen.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn redraw(&mut self) -> io::Result<()> {
        // Not `clear`: it asks where the cursor is, and not every terminal answers.
        let size = self.screen.size()?;
        self.screen.resize(Rect::from((Position::ORIGIN, size)))
    }

    /// Turns mouse reports on or off.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn set_mouse(&mut self, on: bool) -> io::Result<()> {
        self.options.mouse = on;
        if on {
            execute!(self.screen.backend_mut(), EnableMouseCapture)
        } else {
            execute!(self.screen.backend_mut(), DisableMouseCapture)
        }
    }

    /// Puts a text on the clipboard of the terminal's own machine, also over ssh.
    ///
    /// # Errors
    /// When the text is too long for terminals to take, or the terminal is gone.
    pub fn copy(&mut self, text: &str) -> io::Result<()> {
        super::clipboard::copy(self.screen.backend_mut(), text)
    }

    /// The signals that end, stop or continue the program.
    ///
    /// # Errors
    /// When they cannot be listened to.
    pub fn signals(&self) -> io::Result<Signals> {
        Signals::listen()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // The terminal may be gone (SIGHUP); there is nobody left to tell.
        let _ = self.release();
    }
}

/// What is switched on, in this order.
fn ask(out: &mut impl Write, options: Options) -> io::Result<()> {
    queue!(
        out,
        EnterAlternateScreen,
        EnableBracketedPaste,
        EnableFocusChange,
        Hide
    )?;
    if options.mouse {
        queue!(out, EnableMouseCapture)?;
    }
    out.flush()
}

/// What is switched off again; all of it is tried, the first failure is told.
///
/// The alternate screen is left empty: after it has grown, tmux (seen in 3.3a) puts rows that are still on it on the screen
/// it goes back to. A terminal that has no alternate screen gets a clean one with the prompt at its top.
fn undo(out: &mut impl Write) -> io::Result<()> {
    queue!(
        out,
        EndSynchronizedUpdate,
        DisableMouseCapture,
        DisableFocusChange,
        DisableBracketedPaste,
        MoveTo(0, 0),
        Clear(ClearType::All),
        LeaveAlternateScreen,
        Show
    )?;
    out.flush()
}

fn give_back() -> io::Result<()> {
    let modes = undo(&mut io::stdout());
    disable_raw_mode().and(modes)
}

/// A panic of the drawing thread gives the terminal back and is reported by whatever hook was there before. A panic
/// elsewhere (a background task) must not paint over the screen: it goes to the log, and its owner reports the loss.
fn watch_panics(taken: Arc<AtomicBool>, owner: ThreadId) {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if std::thread::current().id() == owner {
            if taken.swap(false, Ordering::SeqCst) {
                let _ = give_back();
            }
            raw::abandon();
            before(info);
        } else if taken.load(Ordering::SeqCst) {
            tracing::error!("{info}");
        } else {
            before(info);
        }
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sequence(out: &[u8]) -> Vec<String> {
        let text = String::from_utf8(out.to_vec()).unwrap();
        text.split("\x1b[")
            .filter(|part| !part.is_empty())
            .map(str::to_owned)
            .collect()
    }

    #[test]
    #[cfg(unix)]
    fn what_is_switched_on_is_switched_off() {
        for mouse in [false, true] {
            let mut on = Vec::new();
            ask(&mut on, Options { mouse }).unwrap();
            let mut off = Vec::new();
            undo(&mut off).unwrap();
            let off = sequence(&off);
            for mode in sequence(&on) {
                let undone = match mode.strip_suffix('h') {
                    Some(mode) => format!("{mode}l"),
                    None => mode.replace("?25l", "?25h"),
                };
                assert!(off.contains(&undone), "{mode} is never undone: {off:?}");
            }
            assert!(off.contains(&"?25h".to_owned()) && off.contains(&"?2026l".to_owned()));
            let place = |what: &str| off.iter().position(|part| part == what);
            assert!(
                place("2J").is_some() && place("2J") < place("?1049l"),
                "{off:?}"
            );
        }
    }
}
