//! The cockpit on a terminal of 200x60: keys go in, and what comes out is read as a terminal reads it.

use std::io::{Read, Write};
use std::num::NonZero;
use std::path::Path;
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use portable_pty::{CommandBuilder, PtySize, native_pty_system};

use crate::table::Latency;

const SIZE: PtySize = PtySize {
    rows: 60,
    cols: 200,
    pixel_width: 0,
    pixel_height: 0,
};
/// How long anything is waited for.
const PATIENCE: Duration = Duration::from_secs(300);

/// The screen after some output.
struct Shot {
    at: Instant,
    bytes: usize,
    /// The row that the selection is on.
    mark: Option<u16>,
    drawn: bool,
    live: bool,
    /// What is waited for is there.
    found: bool,
}

pub struct Screen {
    pid: u32,
    begun: Instant,
    output: mpsc::Receiver<Shot>,
    writer: Arc<Mutex<Box<dyn Write + Send>>>,
    child: Box<dyn portable_pty::Child + Send + Sync>,
    wanted: Arc<Mutex<String>>,
    /// Since when it has said that it is live.
    live: Arc<Mutex<Option<Instant>>>,
    _master: Box<dyn portable_pty::MasterPty + Send>,
}

/// Seconds after the start.
pub struct Opened {
    pub first: f64,
    pub jobs: f64,
    pub complete: f64,
}

/// What a while took.
pub struct Spent {
    /// Share of a core.
    pub cpu: f64,
    pub bytes: usize,
    pub seconds: f64,
}

impl Screen {
    pub fn start(binary: &str, kubeconfig: &Path, home: &Path) -> Self {
        let pair = native_pty_system().openpty(SIZE).expect("a pty");
        let mut command = CommandBuilder::new(binary);
        command.args(["-A", "--kubeconfig"]);
        command.arg(kubeconfig);
        command.env("HOME", home);
        command.env("TERM", "xterm-256color");
        command.env("COLORTERM", "truecolor");
        command.env("LANG", "C.UTF-8");
        let mut reader = pair.master.try_clone_reader().expect("a reader");
        let writer = Arc::new(Mutex::new(pair.master.take_writer().expect("a writer")));
        let begun = Instant::now();
        let child = pair.slave.spawn_command(command).expect("jobdeck starts");
        let (tx, output) = mpsc::channel();
        let answers = writer.clone();
        let wanted = Arc::new(Mutex::new(String::new()));
        let live = Arc::new(Mutex::new(None));
        let (wants, lives) = (wanted.clone(), live.clone());
        std::thread::spawn(move || {
            let (rows, columns) = (NonZero::new(SIZE.rows), NonZero::new(SIZE.cols));
            let mut parser = vt100::Parser::new(rows.expect("rows"), columns.expect("columns"), 0);
            let mut buffer = [0; 65536];
            while let Ok(n) = reader.read(&mut buffer)
                && n > 0
            {
                let at = Instant::now();
                parser.process(&buffer[..n]);
                // a terminal says where its cursor is when it is asked
                if buffer[..n].windows(4).any(|w| w == b"\x1b[6n") {
                    let mut writer = answers.lock().expect("no poison");
                    writer
                        .write_all(b"\x1b[1;1R")
                        .and_then(|()| writer.flush())
                        .expect("keys go in");
                }
                let screen = parser.screen();
                let marked = |row: &u16| screen.cell(*row, 0).is_some_and(|c| c.contents() == "▌");
                let head = screen.rows(0, SIZE.cols).next().unwrap_or_default();
                let is_live = head.contains("live");
                let wanted = wants.lock().expect("no poison").clone();
                let shot = Shot {
                    at,
                    bytes: n,
                    mark: (0..SIZE.rows).find(marked),
                    drawn: !head.trim().is_empty(),
                    live: is_live,
                    found: !wanted.is_empty() && screen.contents().contains(&wanted),
                };
                let mut since = lives.lock().expect("no poison");
                *since = is_live.then(|| since.unwrap_or(at));
                drop(since);
                if tx.send(shot).is_err() {
                    return;
                }
            }
        });
        Self {
            pid: child.process_id().expect("a pid"),
            begun,
            output,
            writer,
            child,
            wanted,
            live,
            _master: pair.master,
        }
    }

    /// Waits until it says that it is live.
    pub fn open(&self) -> Opened {
        let (mut first, mut jobs) = (None, None);
        let end = Instant::now() + PATIENCE;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let shot = self.output.recv_timeout(left).expect("it becomes live");
            let since = shot.at.duration_since(self.begun).as_secs_f64();
            if shot.drawn {
                first.get_or_insert(since);
            }
            if shot.mark.is_some() {
                jobs.get_or_insert(since);
            }
            if shot.live && shot.mark.is_some() {
                return Opened {
                    first: first.unwrap_or(since),
                    jobs: jobs.unwrap_or(since),
                    complete: since,
                };
            }
        }
    }

    /// Seconds from the start to the frame since which it has been live.
    pub fn complete_at(&self) -> Option<f64> {
        let live = *self.live.lock().expect("no poison");
        live.map(|at| at.duration_since(self.begun).as_secs_f64())
    }

    /// Waits until nothing was written for two seconds (or, if ages tick, ten seconds in all).
    pub fn settle(&self) {
        let end = Instant::now() + Duration::from_secs(10);
        while Instant::now() < end && self.output.recv_timeout(Duration::from_secs(2)).is_ok() {}
        while self.output.try_recv().is_ok() {}
    }

    fn press(&self, keys: &[u8]) {
        let mut writer = self.writer.lock().expect("no poison");
        writer
            .write_all(keys)
            .and_then(|()| writer.flush())
            .expect("keys go in");
    }

    /// Moves the selection down and up; milliseconds from each key to the frame that shows it there.
    pub fn keys(&self, n: usize) -> Latency {
        let mut row = None;
        let all = (0..n).filter_map(|i| {
            std::thread::sleep(Duration::from_millis(40 + (i as u64 * 7) % 23));
            row = self.output.try_iter().last().map_or(row, |shot| shot.mark);
            let at = Instant::now();
            let down = (i / 20) % 2 == 0;
            self.press(if down { b"j" } else { b"k" });
            loop {
                // a row that goes out of view with its neighbours may take the mark along
                let shot = self.output.recv_timeout(Duration::from_secs(2)).ok()?;
                if shot.mark.is_some() && shot.mark != row {
                    row = shot.mark;
                    return Some(shot.at.duration_since(at).as_secs_f64() * 1000.0);
                }
            }
        });
        Latency::of(all.collect())
    }

    /// Shows only what has this text in its name.
    pub fn find(&self, name: &str) {
        self.press(b"/");
        std::thread::sleep(Duration::from_millis(200));
        self.press(name.as_bytes());
        std::thread::sleep(Duration::from_millis(200));
        self.press(b"\r");
        std::thread::sleep(Duration::from_millis(800));
        while self.output.try_recv().is_ok() {}
    }

    /// Shows everything again.
    pub fn forget(&self) {
        self.press(b"\x1b");
        std::thread::sleep(Duration::from_millis(800));
        while self.output.try_recv().is_ok() {}
    }

    /// Milliseconds from something done to the frame with a text; none if it does not come.
    pub fn await_text(&self, text: &str, done: impl FnOnce()) -> Option<f64> {
        text.clone_into(&mut self.wanted.lock().expect("no poison"));
        while self.output.try_recv().is_ok() {}
        let at = Instant::now();
        done();
        loop {
            let shot = self.output.recv_timeout(Duration::from_secs(5)).ok()?;
            if shot.found {
                return Some(shot.at.duration_since(at).as_secs_f64() * 1000.0);
            }
        }
    }

    /// What a while costs in which no key is pressed.
    pub fn rest(&self, while_: Duration) -> Spent {
        while self.output.try_recv().is_ok() {}
        let (before, at) = (cpu(self.pid), Instant::now());
        std::thread::sleep(while_);
        let seconds = at.elapsed().as_secs_f64();
        Spent {
            cpu: (cpu(self.pid) - before) / seconds,
            bytes: self.output.try_iter().map(|shot| shot.bytes).sum(),
            seconds,
        }
    }

    /// A line of its memory, in MB.
    pub fn memory(&self, line: &str) -> f64 {
        memory(self.pid, line)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

/// Processor seconds that a process has used (user and system).
pub fn cpu(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("it runs");
    let after_name = stat.rsplit(')').next().expect("a name");
    let ticks = after_name.split_whitespace().skip(11).take(2);
    ticks.map(|t| t.parse().unwrap_or(0.0)).sum::<f64>() / 100.0
}

/// A line of a process's memory, in MB.
pub fn memory(pid: u32, line: &str) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let found = status.lines().find(|l| l.starts_with(line));
    let kb = found.and_then(|l| l.split_whitespace().nth(1));
    kb.and_then(|kb| kb.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}
