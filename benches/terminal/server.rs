//! The demo cluster in a process of its own, what it counts, and the changes it is asked for.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::Asked;
use crate::screen::{Screen, cpu, memory};

/// The job whose changes are waited for.
pub const JOB: &str = "zz-bench";

pub struct Server {
    child: Child,
    address: String,
    home: tempfile::TempDir,
    kubeconfig: PathBuf,
    /// Seconds until it listened.
    pub started: f64,
}

/// What the server has counted, or what it has counted between two looks.
#[derive(Debug, Clone, Default)]
pub struct Counters(BTreeMap<String, f64>);

impl Counters {
    pub fn of(&self, name: &str) -> f64 {
        self.0.get(name).copied().unwrap_or(0.0)
    }

    pub fn since(&self, before: &Self) -> Self {
        let all = self.0.iter();
        Self(all.map(|(k, v)| (k.clone(), v - before.of(k))).collect())
    }

    /// Paths of the collections that were listed or watched.
    pub fn collections(&self) -> BTreeSet<String> {
        let asked = self.0.iter().filter(|(_, n)| **n > 0.0);
        asked
            .filter_map(|(name, _)| {
                let labels = name.strip_prefix("apiserver_request_total{")?;
                let label = |key: &str| {
                    let from = labels.split(&format!("{key}=\"")).nth(1)?;
                    from.split('"').next()
                };
                if !matches!(label("verb")?, "LIST" | "WATCH") {
                    return None;
                }
                let (group, version, plural) =
                    (label("group")?, label("version")?, label("resource")?);
                Some(match group {
                    "" => format!("/api/{version}/{plural}"),
                    group => format!("/apis/{group}/{version}/{plural}"),
                })
            })
            .collect()
    }
}

impl Server {
    pub fn start(asked: &Asked) -> Self {
        let home = tempfile::tempdir().expect("a folder");
        let kubeconfig = home.path().join("kubeconfig");
        let at = Instant::now();
        let mut command = Command::new(&asked.binary);
        command.args([
            "demo",
            "--serve",
            "127.0.0.1:0",
            "--pods",
            &asked.pods.to_string(),
        ]);
        if let Some(nodes) = asked.nodes {
            command.args(["--nodes", &nodes.to_string()]);
        }
        command.arg("--kubeconfig-out").arg(&kubeconfig);
        let spawned = command.stdout(Stdio::piped()).spawn();
        let mut child = spawned.expect("the demo cluster starts");
        let mut first = String::new();
        BufReader::new(child.stdout.take().expect("its output"))
            .read_line(&mut first)
            .expect("its first line");
        let address = first.split("http://").nth(1).map(|a| a.trim().to_owned());
        Self {
            child,
            address: address.expect("its address"),
            home,
            kubeconfig,
            started: at.elapsed().as_secs_f64(),
        }
    }

    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    pub fn home(&self) -> &Path {
        self.home.path()
    }

    pub fn memory(&self) -> f64 {
        memory(self.child.id(), "VmRSS")
    }

    /// Share of a core it uses over a while.
    pub fn cpu_over(&self, while_: Duration) -> f64 {
        let before = cpu(self.child.id());
        std::thread::sleep(while_);
        (cpu(self.child.id()) - before) / while_.as_secs_f64()
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).expect("the demo cluster listens");
        stream.set_nodelay(true).expect("a socket");
        stream
    }

    /// Sends a request that ends its connection; everything that comes back.
    fn ask(&self, method: &str, path: &str, kind: &str, body: &str) -> Vec<u8> {
        let mut stream = self.connect();
        let request = format!(
            "{method} {path} HTTP/1.0\r\nHost: demo\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).expect("it is asked");
        let mut all = Vec::new();
        stream.read_to_end(&mut all).expect("it answers");
        all
    }

    /// The body of a GET.
    pub fn fetch(&self, path: &str) -> Vec<u8> {
        let mut all = self.ask("GET", path, "application/json", "");
        let head = all.windows(4).position(|w| w == b"\r\n\r\n");
        all.drain(..head.map_or(0, |at| at + 4));
        all
    }

    /// Reads a list and throws it away; how many bytes it had, if it is served.
    pub fn drain(&self, path: &str) -> Option<usize> {
        let mut stream = self.connect();
        let request = format!("GET {path} HTTP/1.0\r\nHost: demo\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("it is asked");
        let (mut buffer, mut total, mut good) = (vec![0; 1 << 18], 0, false);
        loop {
            let n = stream.read(&mut buffer).expect("it answers");
            if n == 0 {
                return good.then_some(total);
            }
            good |= total == 0 && buffer[..n].windows(5).take(20).any(|w| w == b" 200 ");
            total += n;
        }
    }

    /// Reads a watch until everything that is there has come.
    pub fn drain_stream(&self, path: &str) {
        let mut stream = self.connect();
        let query = "watch=1&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan&resourceVersion=";
        let request = format!("GET {path}?{query} HTTP/1.1\r\nHost: demo\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("it is asked");
        let (mut buffer, mut tail) = (vec![0; 1 << 18], Vec::new());
        loop {
            let n = stream.read(&mut buffer).expect("it answers");
            tail.extend_from_slice(&buffer[n.saturating_sub(400)..n]);
            let end = tail.windows(18).any(|w| w == b"initial-events-end");
            if end || n == 0 {
                return;
            }
            tail.drain(..tail.len().saturating_sub(400));
        }
    }

    pub fn counters(&self) -> Counters {
        let text = String::from_utf8(self.fetch("/metrics")).expect("text");
        let lines = text.lines().filter(|l| !l.starts_with('#'));
        let read = |line: &str| {
            let (name, value) = line.rsplit_once(' ')?;
            Some((name.to_owned(), value.parse().ok()?))
        };
        Counters(lines.filter_map(read).collect())
    }

    pub fn churn(&self, rate: u64) {
        self.ask(
            "POST",
            &format!("/demo/churn?rate={rate}"),
            "text/plain",
            "",
        );
    }

    /// Seconds until the screen was complete, once nothing more is on its way to it.
    pub fn after(&self, screen: &Screen, complete: f64) -> f64 {
        let mut last = self.counters().of("demo_sent_bytes_total");
        loop {
            std::thread::sleep(Duration::from_millis(500));
            let now = self.counters().of("demo_sent_bytes_total");
            // our own looks at the counters are some hundred bytes
            if now - last < 100_000.0 {
                return screen.complete_at().unwrap_or(complete);
            }
            last = now;
        }
    }

    /// A job that nobody but us changes.
    pub fn job(&self) -> Job<'_> {
        let job = Job {
            server: self,
            connection: RefCell::new(BufReader::new(self.connect())),
            shown: Cell::new(100),
        };
        let body = json!({
            "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": JOB},
            "spec": {
                "managedBy": "jobdeck.dev/bench", "completions": 900, "parallelism": 1, "completionMode": "Indexed",
                "template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "main", "image": "busybox:1.36"}]}},
            },
        });
        let path = "/apis/batch/v1/namespaces/default/jobs";
        self.ask("POST", path, "application/json", &body.to_string());
        job.write();
        job
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub struct Job<'a> {
    server: &'a Server,
    connection: RefCell<BufReader<TcpStream>>,
    shown: Cell<u32>,
}

impl Job<'_> {
    /// What the screen will say after the next write.
    pub fn next(&self) -> String {
        self.shown.set(self.shown.get() + 1);
        format!("{} of 900", self.shown.get())
    }

    pub fn write(&self) {
        let done = self.shown.get();
        let body = json!({"status": {
            "active": 1, "ready": 1, "succeeded": done, "completedIndexes": format!("0-{}", done - 1),
            "startTime": "2026-01-01T00:00:00Z",
        }})
        .to_string();
        let request = format!(
            "PATCH /apis/batch/v1/namespaces/default/jobs/{JOB}/status HTTP/1.1\r\nHost: demo\r\n\
             Content-Type: application/merge-patch+json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut connection = self.connection.borrow_mut();
        let sent = connection.get_mut().write_all(request.as_bytes());
        sent.expect("it is asked");
        let answer = answer(&mut connection);
        assert!(
            answer.0.contains(" 200 "),
            "{}",
            String::from_utf8_lossy(&answer.1)
        );
    }

    pub fn remove(self) {
        let path =
            format!("/apis/batch/v1/namespaces/default/jobs/{JOB}?propagationPolicy=Background");
        self.server.ask("DELETE", &path, "application/json", "");
    }
}

/// One answer that has a length: its first line, and its body.
fn answer(connection: &mut BufReader<TcpStream>) -> (String, Vec<u8>) {
    let (mut first, mut length, mut line) = (String::new(), 0usize, String::new());
    connection.read_line(&mut first).expect("it answers");
    loop {
        line.clear();
        connection.read_line(&mut line).expect("it answers");
        let lower = line.trim().to_ascii_lowercase();
        if let Some(n) = lower.strip_prefix("content-length:") {
            length = n.trim().parse().expect("a length");
        }
        if lower.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    connection.read_exact(&mut body).expect("it answers");
    (first, body)
}
