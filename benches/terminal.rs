//! What a person feels: the real binary in a pty, against a demo cluster served by a second process.
//!
//! `cargo bench --bench terminal` prints key-to-frame latency with the cluster quiet and at 1,000 pod
//! changes a second, processor time when nothing happens, and what was written to the terminal. Linux only
//! (processor time and memory are read from /proc).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::num::NonZero;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use portable_pty::{CommandBuilder, PtySize, native_pty_system};

const SIZE: PtySize = PtySize {
    rows: 60,
    cols: 200,
    pixel_width: 0,
    pixel_height: 0,
};
const KEYS: usize = 300;

fn main() {
    if !cfg!(target_os = "linux") {
        println!("skipped: this bench reads /proc");
        return;
    }
    let argument = |name: &str| std::env::args().skip_while(|a| a != name).nth(1);
    let pods: usize = argument("--pods")
        .and_then(|n| n.parse().ok())
        .unwrap_or(2_000);
    let rate: u64 = argument("--rate")
        .and_then(|n| n.parse().ok())
        .unwrap_or(1_000);

    let home = tempfile::tempdir().expect("a folder");
    let kubeconfig = home.path().join("kubeconfig");
    let mut server = Command::new(env!("CARGO_BIN_EXE_jobdeck"))
        .args([
            "demo",
            "--serve",
            "127.0.0.1:0",
            "--pods",
            &pods.to_string(),
            "--kubeconfig-out",
        ])
        .arg(&kubeconfig)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the demo cluster starts");
    let mut first = String::new();
    BufReader::new(server.stdout.take().expect("its output"))
        .read_line(&mut first)
        .expect("its first line");
    let address = first
        .split("http://")
        .nth(1)
        .map(|a| a.trim().to_owned())
        .expect("its address");

    let screen = Screen::start(&kubeconfig, home.path());
    screen.settle();

    println!("{:<44}{:>10}{:>10}{:>10}", "", "p50", "p99", "max");
    row("key to frame, cluster quiet (ms)", &screen.keys(KEYS));
    let (cpu, bytes) = screen.idle(Duration::from_secs(10));
    let churn = Churn::start(&address, rate);
    std::thread::sleep(Duration::from_secs(2));
    let at = Instant::now();
    let (sent, before) = (churn.sent(), screen.cpu());
    row(
        &format!("key to frame, {rate} pod changes/s (ms)"),
        &screen.keys(KEYS),
    );
    let seconds = at.elapsed().as_secs_f64();
    let (real_rate, busy) = (
        (churn.sent() - sent) as f64 / seconds,
        (screen.cpu() - before) / seconds,
    );
    churn.stop();
    println!();
    println!(
        "processor, nothing happening            {:>8.2} % of a core over 10 s",
        cpu * 100.0
    );
    println!("bytes written to the terminal meanwhile {bytes:>8}");
    println!(
        "processor at {real_rate:>6.0} changes/s and keys    {:>8.2} % of a core",
        busy * 100.0
    );
    println!(
        "resident memory, {pods} pods asked for      {:>8.1} MB",
        screen.rss()
    );
    let _ = server.kill();
    let _ = server.wait();
}

fn row(what: &str, latencies: &[f64]) {
    let mut sorted = latencies.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |q: f64| sorted[((sorted.len() - 1) as f64 * q) as usize];
    println!(
        "{what:<44}{:>10.2}{:>10.2}{:>10.2}",
        at(0.5),
        at(0.99),
        at(1.0)
    );
}

/// The cockpit on a terminal of 200x60.
struct Screen {
    pid: u32,
    /// When, how many bytes, and the row the selection is on after them.
    output: mpsc::Receiver<(Instant, usize, Option<u16>)>,
    writer: Arc<Mutex<Box<dyn Write + Send>>>,
    child: Box<dyn portable_pty::Child + Send + Sync>,
    _master: Box<dyn portable_pty::MasterPty + Send>,
}

impl Screen {
    fn start(kubeconfig: &std::path::Path, home: &std::path::Path) -> Self {
        let pair = native_pty_system().openpty(SIZE).expect("a pty");
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_jobdeck"));
        command.args(["-A", "--kubeconfig"]);
        command.arg(kubeconfig);
        command.env("HOME", home);
        command.env("TERM", "xterm-256color");
        command.env("COLORTERM", "truecolor");
        command.env("LANG", "C.UTF-8");
        let child = pair.slave.spawn_command(command).expect("jobdeck starts");
        let mut reader = pair.master.try_clone_reader().expect("a reader");
        let writer = Arc::new(Mutex::new(pair.master.take_writer().expect("a writer")));
        let (tx, output) = mpsc::channel();
        let answers = writer.clone();
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
                if tx.send((at, n, (0..SIZE.rows).find(marked))).is_err() {
                    return;
                }
            }
        });
        Self {
            pid: child.process_id().expect("a pid"),
            output,
            writer,
            child,
            _master: pair.master,
        }
    }

    /// Waits until nothing was written for two seconds (or, if ages tick, ten seconds in all).
    fn settle(&self) {
        let end = Instant::now() + Duration::from_secs(10);
        while Instant::now() < end && self.output.recv_timeout(Duration::from_secs(2)).is_ok() {}
        while self.output.try_recv().is_ok() {}
    }

    /// Moves the selection down and up; milliseconds from each key to the frame that shows it there.
    fn keys(&self, n: usize) -> Vec<f64> {
        let mut row = None;
        (0..n)
            .map(|i| {
                std::thread::sleep(Duration::from_millis(40 + (i as u64 * 7) % 23));
                row = self.output.try_iter().last().map_or(row, |(_, _, r)| r);
                let at = Instant::now();
                let key: &[u8] = if (i / 20) % 2 == 0 { b"j" } else { b"k" };
                let mut writer = self.writer.lock().expect("no poison");
                writer
                    .write_all(key)
                    .and_then(|()| writer.flush())
                    .expect("keys go in");
                loop {
                    let (shown, _, now) = self
                        .output
                        .recv_timeout(Duration::from_secs(10))
                        .expect("a frame");
                    if now.is_some() && now != row {
                        row = now;
                        return shown.duration_since(at).as_secs_f64() * 1000.0;
                    }
                }
            })
            .collect()
    }

    /// Share of a core used, and bytes written, over a quiet while.
    fn idle(&self, while_: Duration) -> (f64, usize) {
        self.settle();
        let before = self.cpu();
        std::thread::sleep(while_);
        let bytes = self.output.try_iter().map(|(_, n, _)| n).sum();
        ((self.cpu() - before) / while_.as_secs_f64(), bytes)
    }

    /// Processor seconds used so far (user and system).
    fn cpu(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid)).expect("it runs");
        let after_name = stat.rsplit(')').next().expect("a name");
        let ticks: f64 = after_name
            .split_whitespace()
            .skip(11)
            .take(2)
            .map(|t| t.parse().unwrap_or(0.0))
            .sum();
        ticks / 100.0
    }

    fn rss(&self) -> f64 {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", self.pid)).expect("it runs");
        let line = status
            .lines()
            .find_map(|l| l.strip_prefix("VmRSS:"))
            .unwrap_or_default();
        line.split_whitespace()
            .next()
            .and_then(|kb| kb.parse::<f64>().ok())
            .unwrap_or(0.0)
            / 1024.0
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

/// Changes the status of one pod after the other (a change that shows), so many times a second, over four
/// connections.
struct Churn {
    stop: Arc<AtomicBool>,
    sent: Arc<AtomicU64>,
    lanes: Vec<JoinHandle<()>>,
}

impl Churn {
    fn start(address: &str, rate: u64) -> Self {
        let names = pods(address);
        assert!(!names.is_empty(), "the demo cluster has no pods");
        let (stop, sent) = (
            Arc::new(AtomicBool::new(false)),
            Arc::new(AtomicU64::new(0)),
        );
        let mut lanes = Vec::new();
        for lane in 0..4 {
            let (address, names, stop, sent) = (
                address.to_owned(),
                names.clone(),
                stop.clone(),
                sent.clone(),
            );
            lanes.push(std::thread::spawn(move || {
                let mut connection =
                    BufReader::new(TcpStream::connect(&address).expect("the demo cluster"));
                let begun = Instant::now();
                for i in 0u64.. {
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                    let due = Duration::from_secs_f64(i as f64 * 4.0 / rate as f64);
                    std::thread::sleep(due.saturating_sub(begun.elapsed()));
                    let (namespace, name) = &names[(lane + i as usize * 4) % names.len()];
                    let body = format!(r#"{{"status":{{"reason":"Beat{}"}}}}"#, i % 100);
                    let request = format!(
                        "PATCH /api/v1/namespaces/{namespace}/pods/{name}/status HTTP/1.1\r\nHost: demo\r\n\
                         Content-Type: application/merge-patch+json\r\nContent-Length: {}\r\n\r\n{body}",
                        body.len()
                    );
                    let asked = connection.get_mut().write_all(request.as_bytes());
                    if asked.and_then(|()| answer(&mut connection)).is_err() {
                        return;
                    }
                    sent.fetch_add(1, Ordering::Relaxed);
                }
            }));
        }
        Self { stop, sent, lanes }
    }

    fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Ends the load; what is on its way is answered first, so that nobody talks to a server that is gone.
    fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        for lane in self.lanes {
            lane.join().expect("no lane failed");
        }
    }
}

/// Namespace and name of every pod.
fn pods(address: &str) -> Vec<(String, String)> {
    let mut connection = BufReader::new(TcpStream::connect(address).expect("the demo cluster"));
    let request = "GET /api/v1/pods?limit=2000 HTTP/1.1\r\nHost: demo\r\n\r\n";
    connection
        .get_mut()
        .write_all(request.as_bytes())
        .expect("the demo cluster listens");
    let list: serde_json::Value = {
        let body = answer(&mut connection).expect("the demo cluster answers");
        serde_json::from_slice(&body).expect("a list")
    };
    let text = |v: &serde_json::Value| v.as_str().unwrap_or_default().to_owned();
    let items = list["items"].as_array().cloned().unwrap_or_default();
    items
        .iter()
        .map(|p| {
            (
                text(&p["metadata"]["namespace"]),
                text(&p["metadata"]["name"]),
            )
        })
        .collect()
}

/// Reads one HTTP answer with a length or in chunks; its body. An error when the cluster has gone, as it does at the end.
fn answer(connection: &mut BufReader<TcpStream>) -> std::io::Result<Vec<u8>> {
    let (mut length, mut chunked, mut line) = (0usize, false, String::new());
    loop {
        line.clear();
        connection.read_line(&mut line)?;
        let lower = line.trim().to_ascii_lowercase();
        if let Some(n) = lower.strip_prefix("content-length:") {
            length = n.trim().parse().expect("a length");
        }
        chunked |= lower.starts_with("transfer-encoding:") && lower.contains("chunked");
        if lower.is_empty() {
            break;
        }
    }
    let mut body = Vec::new();
    loop {
        if chunked {
            line.clear();
            connection.read_line(&mut line)?;
            length = usize::from_str_radix(line.trim(), 16).expect("a chunk's length");
        }
        let from = body.len();
        body.resize(from + length, 0);
        connection.read_exact(&mut body[from..])?;
        if !chunked {
            return Ok(body);
        }
        line.clear();
        connection.read_line(&mut line)?;
        if length == 0 {
            return Ok(body);
        }
    }
}
