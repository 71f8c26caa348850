//! Something in the way between a client and a server: passes requests on, and answers one kind of them itself, or loses
//! them, as told. On plain threads, a connection for each request.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::served::Served;

/// What becomes of requests that change something. Dry runs are passed on, but for [`Way::Dry`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Way {
    Open,
    /// No role: asked about it the answer is no, and so is that to the request.
    Forbid,
    /// Answered so, and not passed on.
    Say(u16, &'static str),
    /// Dry runs too.
    Dry(u16, &'static str),
    /// Gone before the server had it.
    CutBefore,
    /// The server has it; its answer is lost.
    CutAfter,
    /// As that, and nothing is answered from then on.
    Dead,
}

#[derive(Default)]
struct Seen {
    /// `PATCH /apis/…`, dry runs not among them.
    writes: Vec<String>,
    dry: usize,
    dead: bool,
}

/// One way to a demo cluster.
pub struct Between {
    seen: Arc<Mutex<Seen>>,
    folder: tempfile::TempDir,
}

impl Between {
    pub fn start(served: &Served, way: Way) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let here = listener.local_addr().unwrap().to_string();
        let to = served.address();
        let config = std::fs::read_to_string(&served.kubeconfig).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("kubeconfig"), config.replace(&to, &here)).unwrap();
        let seen: Arc<Mutex<Seen>> = Arc::default();
        let shared = seen.clone();
        // ends with the test binary: it holds nothing but its port
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (to, seen) = (to.clone(), shared.clone());
                std::thread::spawn(move || pass(client, &to, way, &seen));
            }
        });
        Self { seen, folder }
    }

    pub fn kubeconfig(&self) -> std::path::PathBuf {
        self.folder.path().join("kubeconfig")
    }

    /// A home of its own for whoever goes this way.
    pub fn home(&self) -> &Path {
        self.folder.path()
    }

    /// Requests that would change something, dry runs not among them.
    pub fn writes(&self) -> Vec<String> {
        self.seen.lock().unwrap().writes.clone()
    }

    pub fn dry_runs(&self) -> usize {
        self.seen.lock().unwrap().dry
    }
}

fn status(code: u16, message: &str) -> Vec<u8> {
    let body = json!({"kind": "Status", "status": "Failure", "code": code, "message": message});
    answer(code, &body)
}

fn answer(code: u16, body: &Value) -> Vec<u8> {
    let body = body.to_string();
    let length = body.len();
    format!("HTTP/1.1 {code} X\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}")
        .into_bytes()
}

/// One request, and what becomes of it. None: the connection was lost.
fn pass(mut client: TcpStream, to: &str, way: Way, seen: &Mutex<Seen>) -> Option<()> {
    let mut reader = BufReader::new(client.try_clone().ok()?);
    let mut head = String::new();
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|n| *n > 0)?;
        if line == "\r\n" {
            break;
        }
        let lower = line.to_ascii_lowercase();
        if let Some(n) = lower.strip_prefix("content-length:") {
            length = n.trim().parse().unwrap();
        }
        if !lower.starts_with("connection:") {
            head.push_str(&line);
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let mut words = head.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let review = path.contains("/selfsubject");
    let writes = method != "GET" && !review;
    // deletions say it in their body
    let dry = query.contains("dryRun") || String::from_utf8_lossy(&body).contains("\"dryRun\"");
    {
        let mut seen = seen.lock().unwrap();
        if seen.dead {
            return None;
        }
        match writes {
            true if dry => seen.dry += 1,
            true => seen.writes.push(format!("{method} {path}")),
            false => {}
        }
    }
    let own = match way {
        Way::Forbid if review => Some(answer(201, &json!({"status": {"allowed": false}}))),
        Way::Forbid if writes => Some(status(403, "no")),
        Way::Say(code, text) if writes && !dry => Some(status(code, text)),
        Way::Dry(code, text) if writes => Some(status(code, text)),
        Way::CutBefore if writes && !dry => return None,
        _ => None,
    };
    if let Some(own) = own {
        return client.write_all(&own).ok();
    }
    let mut server = TcpStream::connect(to).ok()?;
    let head = format!("{head}Connection: close\r\n\r\n");
    server.write_all(head.as_bytes()).ok()?;
    server.write_all(&body).ok()?;
    if matches!(way, Way::CutAfter | Way::Dead) && writes && !dry {
        let mut lost = Vec::new();
        server.read_to_end(&mut lost).ok()?;
        seen.lock().unwrap().dead = way == Way::Dead;
        return None;
    }
    // a client that hangs up ends its watch
    let mut buffer = [0; 16 * 1024];
    loop {
        let n = server.read(&mut buffer).ok()?;
        if n == 0 {
            return Some(());
        }
        client.write_all(&buffer[..n]).ok()?;
    }
}
