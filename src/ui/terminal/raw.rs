//! The terminal as a wire to a program that is somewhere else: every byte of the keyboard goes there, ctrl-c too, and the
//! modes are given back whatever happens.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::terminal::{disable_raw_mode, enable_raw_mode};
use tokio::sync::mpsc;

use super::Signals;

/// Reads from the keyboard in one go: a paste comes in few pieces.
const CHUNK: usize = 16 * 1024;
/// What a program that was cut off may have left on: other screens, pasting, the mouse, a hidden cursor, colours.
const LEFT_ON: &str =
    "\x1b[0m\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?2004l\x1b[?1l\x1b[?25h";

/// Somebody has the terminal as a wire: the panic hook must know.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Gives it back in a panic, before that is reported; whatever the program at the other end had left on goes too.
pub(super) fn abandon() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        let _ = disable_raw_mode();
        Raw::tidy(true);
    }
}

/// Raw mode; dropping it gives the modes back, also when a panic does that.
pub struct Raw(());

impl Raw {
    /// # Errors
    /// When standard input is no terminal.
    pub fn take() -> io::Result<Self> {
        enable_raw_mode()?;
        TAKEN.store(true, Ordering::SeqCst);
        Ok(Self(()))
    }

    /// Columns and rows.
    pub fn size() -> Option<(u16, u16)> {
        crossterm::terminal::size().ok()
    }

    /// The signals that end the program.
    ///
    /// # Errors
    /// When they cannot be listened to.
    pub fn signals() -> io::Result<Signals> {
        Signals::listen()
    }

    /// Switches off what a program that could not finish may have left on.
    pub fn tidy(alternate: bool) {
        let mut out = io::stdout();
        let screen = if alternate { "\x1b[?1049l" } else { "" };
        let _ = write!(out, "{screen}{LEFT_ON}\r\n").and_then(|()| out.flush());
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        TAKEN.store(false, Ordering::SeqCst);
        let _ = disable_raw_mode();
    }
}

/// Changes of the terminal's size.
pub struct Sizes {
    #[cfg(unix)]
    signal: tokio::signal::unix::Signal,
}

impl Sizes {
    /// # Errors
    /// When they cannot be listened to.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            #[cfg(unix)]
            signal: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::window_change())?,
        })
    }

    /// Waits for the next one.
    pub async fn next(&mut self) -> Option<(u16, u16)> {
        #[cfg(unix)]
        self.signal.recv().await;
        #[cfg(not(unix))]
        std::future::pending::<()>().await;
        Raw::size()
    }
}

/// Standard input as bytes, as they come. After it is dropped nobody reads: what is typed next is for others.
pub struct Bytes {
    bytes: mpsc::Receiver<Vec<u8>>,
    /// Its end tells the thread to stop.
    #[cfg(unix)]
    _wake: Option<std::os::fd::OwnedFd>,
    #[cfg(unix)]
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Bytes {
    /// Begins to read.
    ///
    /// # Errors
    /// When the system gives no pipe or thread.
    #[cfg(unix)]
    pub fn read() -> io::Result<Self> {
        let (tx, bytes) = mpsc::channel(4);
        let (woken, wake) = rustix::pipe::pipe()?;
        let thread = std::thread::Builder::new()
            .name("keyboard".into())
            .spawn(move || forward(&tx, &woken))?;
        Ok(Self {
            bytes,
            _wake: Some(wake),
            thread: Some(thread),
        })
    }

    /// Begins to read.
    ///
    /// # Errors
    /// When the system gives no thread.
    #[cfg(not(unix))]
    pub fn read() -> io::Result<Self> {
        use std::io::Read;
        let (tx, bytes) = mpsc::channel(4);
        std::thread::Builder::new()
            .name("keyboard".into())
            .spawn(move || {
                let mut buffer = vec![0; CHUNK];
                while let Ok(n) = io::stdin().lock().read(&mut buffer) {
                    if n == 0 || tx.blocking_send(buffer[..n].to_vec()).is_err() {
                        return;
                    }
                }
            })?;
        Ok(Self { bytes })
    }

    /// Waits for more; none at the end. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Vec<u8>> {
        self.bytes.recv().await
    }
}

#[cfg(unix)]
impl Drop for Bytes {
    fn drop(&mut self) {
        // a thread that waits to hand something on, or for the keyboard, is let go
        self.bytes.close();
        self._wake = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Hands on what is read until the other end of `woken` is closed. It never waits in a read: the next key is for whoever
/// comes after.
#[cfg(unix)]
fn forward(tx: &mpsc::Sender<Vec<u8>>, woken: &std::os::fd::OwnedFd) {
    use rustix::event::{PollFd, PollFlags, poll};
    use rustix::io::Errno;
    let input = io::stdin();
    let mut buffer = vec![0; CHUNK];
    loop {
        let mut both = [
            PollFd::new(&input, PollFlags::IN),
            PollFd::new(woken, PollFlags::IN),
        ];
        match poll(&mut both, None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(_) => return,
        }
        if !both[1].revents().is_empty() {
            return;
        }
        if both[0].revents().is_empty() {
            continue;
        }
        match rustix::io::read(&input, &mut buffer) {
            Ok(0) => return,
            Ok(n) => {
                if tx.blocking_send(buffer[..n].to_vec()).is_err() {
                    return;
                }
            }
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(_) => return,
        }
    }
}
