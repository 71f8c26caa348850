//! A long soak: the real binary in a pty, for half an hour at speed, against a demo cluster in a second process that
//! misbehaves by lot, is killed and comes back; keys, screens and sizes by lot, too.
//!
//! `cargo bench --bench soak -- --minutes 30` prints memory, threads and file descriptors as they go, and at the end
//! whether the cockpit shows what a fresh one shows. Linux only (it reads /proc).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::num::NonZero;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use portable_pty::{CommandBuilder, MasterPty, PtySize, native_pty_system};

const MIXTURES: [&str; 6] = [
    "500%4;503=1%3;429=1%3;close%2",
    "reset%4;cut=3@watch%15;cut=5000@list%15",
    "garbage=2@watch%10;duplicate@watch%20;reorder@watch%20;replay=4@watch%10",
    "error=410@resume%30;410@continue%50;delay=800ms%20",
    "stall%3;mute@watch%10;slow=200000@stream%20",
    "401@/pods%20;403@/jobs%20;404@/pytorchjobs%30;webhook@/jobsets%50",
];

/// Screens, a job's detail and its log, filters, help, the command bar; always back at the end.
const WALKS: [&str; 12] = [
    "1",
    "2",
    "3",
    "4",
    "5",
    "6",
    "1jjj\r\x1b",
    "1l\x1b\x1b",
    "/llm\r\x1b",
    "?\x1b",
    "1\ry\x1b\x1b",
    "4\rl\x1b\x1b",
];

fn main() {
    if !cfg!(target_os = "linux") {
        println!("skipped: this bench reads /proc");
        return;
    }
    let argument = |name: &str| {
        let given = std::env::args().skip_while(|a| a != name).nth(1);
        given.and_then(|n| n.parse::<f64>().ok())
    };
    let minutes = argument("--minutes").unwrap_or(30.0);
    let speed = argument("--speed").unwrap_or(20.0).to_string();
    let mut dice = Dice(argument("--seed").unwrap_or(1.0) as u64);

    let home = tempfile::tempdir().expect("a folder");
    let kubeconfig = home.path().join("kubeconfig");
    let mut server = serve("127.0.0.1:0", &kubeconfig, &speed);
    let address = address(&kubeconfig);
    let mut cockpit = Cockpit::start(&kubeconfig, home.path());
    cockpit.settle();

    println!(
        "{:>8} {:>9} {:>8} {:>5} {:>8}  what",
        "minute", "RSS MB", "threads", "fds", "cpu s"
    );
    let begun = Instant::now();
    let end = Duration::from_secs_f64(minutes * 60.0);
    let (mut next_fault, mut next_line) = (Duration::from_secs(20), Duration::ZERO);
    let mut what = "well".to_owned();
    let mut samples = Vec::new();
    while begun.elapsed() < end {
        assert!(
            cockpit.runs(),
            "the cockpit has ended:\n{}",
            cockpit.screen()
        );
        let at = begun.elapsed();
        if at >= next_fault {
            next_fault = at + Duration::from_secs(5 + dice.of(25));
            what = match dice.of(9) {
                0 => {
                    let seconds = 1 + dice.of(20);
                    say(&address, "POST", &format!("refuse={seconds}s"));
                    format!("nobody listens for {seconds} s")
                }
                1 => {
                    // everything is as it was at first: older than what is known
                    let _ = server.kill();
                    let _ = server.wait();
                    std::thread::sleep(Duration::from_secs(dice.of(5)));
                    server = serve(&address, &kubeconfig, &speed);
                    "killed and started anew".to_owned()
                }
                2 | 3 => {
                    say(&address, "DELETE", "");
                    "well".to_owned()
                }
                n => {
                    let rules = MIXTURES[n as usize % MIXTURES.len()];
                    say(&address, "PUT", rules);
                    rules.to_owned()
                }
            };
        }
        match dice.of(12) {
            0 => cockpit.resize(20 + dice.of(240) as u16, 6 + dice.of(70) as u16),
            _ => cockpit.send(WALKS[dice.of(WALKS.len() as u64) as usize]),
        }
        std::thread::sleep(Duration::from_millis(100 + dice.of(600)));
        if at >= next_line {
            next_line = at + end.div_f64(30.0).max(Duration::from_secs(10));
            let (rss, threads, fds, cpu) = cockpit.figures();
            samples.push((rss, threads, fds));
            println!(
                "{:>8.1} {rss:>9.1} {threads:>8} {fds:>5} {cpu:>8.1}  {what}",
                at.as_secs_f64() / 60.0
            );
        }
    }
    say(&address, "DELETE", "");
    cockpit.resize(200, 60);
    // out of whatever was open, to the first of the pods, which change most
    for key in ["\x1b", "\x1b", "\x1b", "\x1b", "4", "g"] {
        cockpit.send(key);
        std::thread::sleep(Duration::from_millis(300));
    }
    let mut fresh = Cockpit::start(&kubeconfig, home.path());
    fresh.settle();
    fresh.send("4");
    // the cluster goes on meanwhile: a cursor that stays with its pod moves away from the newest ones
    let same = (0..240).any(|_| {
        cockpit.send("g");
        fresh.send("g");
        std::thread::sleep(Duration::from_millis(500));
        let (old, new) = (cockpit.rows(), fresh.rows());
        old.len() > 20 && old == new
    });
    let (rss, threads, fds, _) = cockpit.figures();
    println!();
    let half = samples.len() / 2;
    let most = |all: &[(f64, usize, usize)]| {
        all.iter().fold((0.0f64, 0, 0), |most, s| {
            (most.0.max(s.0), most.1.max(s.1), most.2.max(s.2))
        })
    };
    println!("most in the first half   {:?}", most(&samples[..half]));
    println!("most in the second half  {:?}", most(&samples[half..]));
    println!("at the end               {:?}", (rss, threads, fds));
    println!("shows what a fresh one shows: {same}");
    if !same {
        println!("{}\n-- fresh --\n{}", cockpit.screen(), fresh.screen());
    }
    cockpit.send("q");
    let _ = server.kill();
    let _ = server.wait();
    assert!(same, "the cockpit does not show what is");
}

/// The same seed, the same soak.
struct Dice(u64);

impl Dice {
    fn of(&mut self, n: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

fn serve(address: &str, kubeconfig: &Path, speed: &str) -> Child {
    let mut child = Command::new(env!("CARGO_BIN_EXE_jobdeck"))
        .args(["demo", "--serve", address, "--speed", speed])
        // the switchboard is there, and does nothing yet
        .args(["--fault", "500%0", "--kubeconfig-out"])
        .arg(kubeconfig)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the demo cluster starts");
    let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    let ready = lines.find(|line| line.as_ref().is_ok_and(|l| l.starts_with("ctrl-c")));
    assert!(ready.is_some(), "the demo cluster does not serve");
    child
}

fn address(kubeconfig: &Path) -> String {
    let text = std::fs::read_to_string(kubeconfig).expect("a kubeconfig");
    let rest = text.split("server: http://").nth(1).expect("a server");
    rest.lines().next().expect("its address").trim().to_owned()
}

/// Tells the switchboard; a server that is down is told another time.
fn say(address: &str, method: &str, rules: &str) {
    let Ok(mut stream) = TcpStream::connect(address) else {
        return;
    };
    let request = format!(
        "{method} /faults HTTP/1.1\r\nHost: demo\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{rules}",
        rules.len()
    );
    let _ = stream.write_all(request.as_bytes());
    let _ = stream.read_to_string(&mut String::new());
}

/// A jobdeck on a terminal.
struct Cockpit {
    master: Box<dyn MasterPty + Send>,
    writer: Box<dyn Write + Send>,
    child: Box<dyn portable_pty::Child + Send + Sync>,
    parser: Arc<Mutex<vt100::Parser>>,
    pid: u32,
}

fn cells(n: u16) -> NonZero<u16> {
    NonZero::new(n).expect("a screen has cells")
}

fn size(cols: u16, rows: u16) -> PtySize {
    PtySize {
        rows,
        cols,
        pixel_width: 0,
        pixel_height: 0,
    }
}

impl Cockpit {
    fn start(kubeconfig: &Path, home: &Path) -> Self {
        let pair = native_pty_system().openpty(size(200, 60)).expect("a pty");
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_jobdeck"));
        command.args(["-A", "--kubeconfig"]);
        command.arg(kubeconfig);
        command.env("HOME", home);
        command.env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8");
        let child = pair.slave.spawn_command(command).expect("jobdeck starts");
        drop(pair.slave);
        let parser = Arc::new(Mutex::new(vt100::Parser::new(cells(60), cells(200), 0)));
        let mut reader = pair.master.try_clone_reader().expect("a reader");
        let into = parser.clone();
        std::thread::spawn(move || {
            let mut buffer = [0; 65536];
            while let Ok(n) = reader.read(&mut buffer)
                && n > 0
            {
                into.lock().expect("no poison").process(&buffer[..n]);
            }
        });
        Self {
            writer: pair.master.take_writer().expect("a writer"),
            pid: child.process_id().expect("a pid"),
            master: pair.master,
            child,
            parser,
        }
    }

    fn settle(&self) {
        for _ in 0..600 {
            std::thread::sleep(Duration::from_millis(100));
            if self.screen().contains("live") {
                return;
            }
        }
        panic!("never live:\n{}", self.screen());
    }

    fn runs(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_none()
    }

    fn send(&mut self, keys: &str) {
        let _ = self.writer.write_all(keys.as_bytes());
        let _ = self.writer.flush();
    }

    fn resize(&self, cols: u16, rows: u16) {
        self.master.resize(size(cols, rows)).expect("it resizes");
        let mut parser = self.parser.lock().expect("no poison");
        parser.screen_mut().set_size(cells(rows), cells(cols));
    }

    fn screen(&self) -> String {
        self.parser.lock().expect("no poison").screen().contents()
    }

    /// Names, states and counts of what the table in front shows, in no order.
    fn rows(&self) -> Vec<String> {
        let screen = self.screen();
        let lines = screen.lines().skip(3);
        let mut all: Vec<String> = lines
            .map(|line| {
                let line = line.replace(['▌', '▐', '│', '█', '┃'], " ");
                let words: Vec<&str> = line.split_whitespace().take(4).collect();
                words.join(" ")
            })
            .filter(|line| !line.is_empty())
            .collect();
        all.pop();
        all.sort();
        all
    }

    /// Resident memory in MB, threads, file descriptors, processor seconds.
    fn figures(&self) -> (f64, usize, usize, f64) {
        let read = |name: &str| {
            std::fs::read_to_string(format!("/proc/{}/{name}", self.pid)).unwrap_or_default()
        };
        let status = read("status");
        let of = |name: &str| {
            let line = status.lines().find_map(|l| l.strip_prefix(name));
            let word = line.and_then(|l| l.split_whitespace().next());
            word.and_then(|n| n.parse::<f64>().ok()).unwrap_or(0.0)
        };
        let fds = std::fs::read_dir(format!("/proc/{}/fd", self.pid)).map_or(0, Iterator::count);
        let stat = read("stat");
        let after = stat.rsplit(')').next().unwrap_or_default();
        let ticks = after.split_whitespace().skip(11).take(2);
        let ticks: f64 = ticks.map(|t| t.parse().unwrap_or(0.0)).sum();
        (
            of("VmRSS:") / 1024.0,
            of("Threads:") as usize,
            fds,
            ticks / 100.0,
        )
    }
}

impl Drop for Cockpit {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}
