//! A person at a terminal: the real binary in a pty, its screen parsed, keys typed, waiting on what shows.

use std::io::{Read, Write};
use std::num::NonZero;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// Longest wait for something to show. Generous: machines are slow, and nothing waits longer than it must.
const PATIENCE: Duration = Duration::from_secs(60);

struct Shared {
    parser: Mutex<Parsed>,
    changed: Condvar,
}

struct Parsed {
    parser: vt100::Parser,
    /// Every byte that was written.
    written: Vec<u8>,
    ended: bool,
}

/// A running jobdeck.
pub struct Session {
    shared: Arc<Shared>,
    master: Box<dyn MasterPty + Send>,
    writer: Box<dyn Write + Send>,
    pub child: Box<dyn Child + Send + Sync>,
}

fn cells(n: u16) -> NonZero<u16> {
    NonZero::new(n).expect("a screen has cells")
}

impl Session {
    /// Starts `jobdeck ARGS` on a screen of this size, with a home of its own.
    pub fn start(args: &[&str], (columns, rows): (u16, u16), home: &Path) -> Self {
        Self::start_with(args, (columns, rows), home, &[])
    }

    /// The same with more environment.
    pub fn start_with(
        args: &[&str],
        (columns, rows): (u16, u16),
        home: &Path,
        env: &[(&str, &str)],
    ) -> Self {
        let jobdeck = env!("CARGO_BIN_EXE_jobdeck");
        Self::begin(jobdeck, args, (columns, rows), home, env)
    }

    /// Another program, like a shell with jobdeck in a pipeline.
    pub fn start_program(program: &str, args: &[&str], size: (u16, u16), home: &Path) -> Self {
        Self::begin(program, args, size, home, &[])
    }

    fn begin(
        program: &str,
        args: &[&str],
        (columns, rows): (u16, u16),
        home: &Path,
        env: &[(&str, &str)],
    ) -> Self {
        let size = PtySize {
            rows,
            cols: columns,
            pixel_width: 0,
            pixel_height: 0,
        };
        let pair = native_pty_system().openpty(size).expect("a pty");
        let mut command = CommandBuilder::new(program);
        command.args(args);
        command.env_clear();
        for key in ["PATH", "SYSTEMROOT", "TMPDIR", "TEMP", "LLVM_PROFILE_FILE"] {
            if let Some(value) = std::env::var_os(key) {
                command.env(key, value);
            }
        }
        command.env("HOME", home);
        command.env("TERM", "xterm-256color");
        command.env("COLORTERM", "truecolor");
        command.env("LANG", "C.UTF-8");
        for (key, value) in env {
            command.env(key, value);
        }
        command.cwd(home);
        let child = pair.slave.spawn_command(command).expect("jobdeck starts");
        drop(pair.slave);
        let parser = vt100::Parser::new(cells(rows), cells(columns), 0);
        let shared = Arc::new(Shared {
            parser: Mutex::new(Parsed {
                parser,
                written: Vec::new(),
                ended: false,
            }),
            changed: Condvar::new(),
        });
        let mut reader = pair.master.try_clone_reader().expect("a reader");
        // nothing answers what the program might ask of its terminal: it must do without
        let writer = pair.master.take_writer().expect("a writer");
        let for_reader = shared.clone();
        std::thread::spawn(move || {
            let mut buffer = [0; 65536];
            loop {
                let n = reader.read(&mut buffer).unwrap_or(0);
                let mut parsed = for_reader.parser.lock().unwrap_or_else(|e| e.into_inner());
                parsed.parser.process(&buffer[..n]);
                parsed.written.extend_from_slice(&buffer[..n]);
                parsed.ended = n == 0;
                for_reader.changed.notify_all();
                if n == 0 {
                    return;
                }
            }
        });
        Self {
            shared,
            master: pair.master,
            writer,
            child,
        }
    }

    /// Types.
    pub fn send(&mut self, keys: &str) {
        self.writer
            .write_all(keys.as_bytes())
            .and_then(|()| self.writer.flush())
            .expect("the terminal takes keys");
    }

    pub fn resize(&mut self, (columns, rows): (u16, u16)) {
        let size = PtySize {
            rows,
            cols: columns,
            pixel_width: 0,
            pixel_height: 0,
        };
        self.master.resize(size).expect("a pty can be resized");
        let mut parsed = self.shared.parser.lock().expect("no poison");
        parsed
            .parser
            .screen_mut()
            .set_size(cells(rows), cells(columns));
    }

    /// The screen as text.
    pub fn screen(&self) -> String {
        self.shared
            .parser
            .lock()
            .expect("no poison")
            .parser
            .screen()
            .contents()
    }

    /// Every byte that was written so far.
    pub fn written(&self) -> Vec<u8> {
        self.shared
            .parser
            .lock()
            .expect("no poison")
            .written
            .clone()
    }

    /// What the screen's first cell is painted on.
    pub fn background(&self) -> vt100::Color {
        background(
            self.shared
                .parser
                .lock()
                .expect("no poison")
                .parser
                .screen(),
        )
    }

    #[track_caller]
    pub fn until_background(&self, color: vt100::Color) {
        self.wait(&format!("{color:?}"), |screen| background(screen) == color);
    }

    /// Waits until the text on screen satisfies; answers it.
    #[track_caller]
    pub fn until(&self, what: &str, holds: impl Fn(&str) -> bool) -> String {
        self.wait(what, |screen| holds(&screen.contents()))
    }

    #[track_caller]
    fn wait(&self, what: &str, holds: impl Fn(&vt100::Screen) -> bool) -> String {
        let end = Instant::now() + PATIENCE;
        let mut parsed = self.shared.parser.lock().expect("no poison");
        loop {
            let screen = parsed.parser.screen().contents();
            if holds(parsed.parser.screen()) {
                return screen;
            }
            let left = end.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero() && !parsed.ended,
                "never came: {what}\n{screen}"
            );
            parsed = self
                .shared
                .changed
                .wait_timeout(parsed, left)
                .expect("no poison")
                .0;
        }
    }

    /// Waits until the text is on screen.
    #[track_caller]
    pub fn until_shows(&self, text: &str) -> String {
        self.until(text, |screen| screen.contains(text))
    }

    /// Waits for the end of the program; answers its exit code.
    #[track_caller]
    pub fn until_ended(&mut self) -> u32 {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                // what it wrote last must be parsed before anyone looks
                let mut parsed = self.shared.parser.lock().expect("no poison");
                while !parsed.ended && Instant::now() < end {
                    parsed = self
                        .shared
                        .changed
                        .wait_timeout(parsed, Duration::from_millis(50))
                        .expect("no poison")
                        .0;
                }
                return status.exit_code();
            }
            assert!(Instant::now() < end, "still running:\n{}", self.screen());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Whether clicks are reported.
    #[track_caller]
    pub fn assert_mouse(&self, on: bool) {
        let parsed = self.shared.parser.lock().expect("no poison");
        let mode = parsed.parser.screen().mouse_protocol_mode();
        assert_eq!(mode != vt100::MouseProtocolMode::None, on, "{mode:?}");
    }

    /// Alternate screen left, cursor shown, mouse, paste and focus reports off.
    #[track_caller]
    pub fn assert_restored(&self) {
        let parsed = self.shared.parser.lock().expect("no poison");
        let screen = parsed.parser.screen();
        assert!(!screen.alternate_screen(), "still on the alternate screen");
        assert!(!screen.hide_cursor(), "the cursor is still hidden");
        assert!(!screen.bracketed_paste(), "bracketed paste is still on");
        assert_eq!(
            screen.mouse_protocol_mode(),
            vt100::MouseProtocolMode::None,
            "mouse reports are still on"
        );
    }
}

fn background(screen: &vt100::Screen) -> vt100::Color {
    screen
        .cell(0, 0)
        .map_or(vt100::Color::Default, vt100::Cell::bgcolor)
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}
