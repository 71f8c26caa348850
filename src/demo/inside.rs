//! The web servers that listen inside pods, as somebody meets them through a forwarded port: dashboards that answer with
//! a small page of their kind.

use std::sync::Arc;

use serde_json::{Value, json};

use super::Shared;
use super::exporter::Answer;
use super::store::Object;

/// More than this of a request is no request.
const LIMIT: usize = 64 * 1024;

/// Which program listens on a port of a pod, by what the pod runs.
fn program(pod: &Value, port: u16) -> Option<&'static str> {
    let head = pod["metadata"]["labels"]["ray.io/node-type"] == "head";
    if head && port == 8265 {
        return Some("Ray Dashboard");
    }
    let mut all = pod["spec"]["containers"].as_array().into_iter().flatten();
    all.find_map(|container| {
        let mut words = vec![container["image"].as_str().unwrap_or_default()];
        for list in ["command", "args"] {
            let all = container[list].as_array().into_iter().flatten();
            words.extend(all.filter_map(Value::as_str));
        }
        let runs = |name: &str| words.iter().any(|word| word.contains(name));
        match port {
            6006 if runs("tensorboard") => Some("TensorBoard"),
            8888 if runs("jupyter") => Some("JupyterLab"),
            _ => None,
        }
    })
}

/// What a pod's dashboard says to a path.
pub fn page(pod: &Value, port: u16, path: &str) -> Answer {
    let runs = pod["status"]["phase"] == "Running";
    let Some(title) = program(pod, port).filter(|_| runs) else {
        return Answer::Closed;
    };
    let name = pod["metadata"]["name"].as_str().unwrap_or_default();
    let path = path.split('?').next().unwrap_or_default();
    let json = |value: Value| Answer::Page {
        code: 200,
        kind: "application/json",
        body: value.to_string(),
    };
    match (title, path) {
        ("Ray Dashboard", "/api/version") => json(json!({
            "version": "4", "ray_version": "2.41.0", "ray_commit": "demo", "session_name": name,
        })),
        ("TensorBoard", "/data/runs") => json(json!(["."])),
        ("JupyterLab", "/api") => json(json!({"version": "2.16.0"})),
        (_, "/") => Answer::Page {
            code: 200,
            kind: "text/html; charset=utf-8",
            body: format!(
                "<!doctype html>\n<html><head><title>{title}</title></head>\n<body><h1>{title}</h1>\n\
                 <p>of pod {name}, in jobdeck's demo cluster</p></body></html>\n"
            ),
        },
        _ => Answer::Page {
            code: 404,
            kind: "text/plain; charset=utf-8",
            body: "404: Not Found\n".into(),
        },
    }
}

/// One connection to a port of a pod.
pub struct Guest {
    pod: Arc<Object>,
    port: u16,
    held: Vec<u8>,
}

/// What comes back.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Served {
    pub bytes: Vec<u8>,
    /// The server closes the connection.
    pub closes: bool,
}

impl Guest {
    /// None where nobody listens.
    pub fn at(shared: &Shared, pod: Option<&Arc<Object>>, port: u16) -> Option<Self> {
        let pod = pod?.clone();
        let guest = Self {
            pod,
            port,
            held: Vec::new(),
        };
        guest.lives(shared).then_some(guest)
    }

    /// The pod still runs, and somebody listens.
    pub fn lives(&self, shared: &Shared) -> bool {
        let world = shared.lock();
        let store = &world.cluster().store;
        let (namespace, name) = (&self.pod.namespace, &self.pod.name);
        let now = store
            .kind_id("", "pods")
            .and_then(|kind| store.get(kind, namespace, name));
        let Some(now) = now else { return false };
        let same = now.tree()["metadata"]["uid"] == self.pod.tree()["metadata"]["uid"];
        same && matches!(world.visit(now, self.port, "/"), Answer::Page { .. })
    }

    /// Takes bytes of the client, and answers the requests that are whole.
    pub fn take(&mut self, shared: &Shared, bytes: &[u8]) -> Served {
        self.held.extend_from_slice(bytes);
        let mut served = Served::default();
        while !served.closes {
            let Some(at) = self.held.windows(4).position(|w| w == b"\r\n\r\n") else {
                served.closes |= self.held.len() > LIMIT;
                break;
            };
            let head: Vec<u8> = self.held.drain(..at + 4).collect();
            let head = String::from_utf8_lossy(&head).into_owned();
            let (answer, closes) = self.answer(shared, &head);
            served.bytes.extend_from_slice(&answer);
            served.closes = closes;
        }
        served
    }

    fn answer(&self, shared: &Shared, head: &str) -> (Vec<u8>, bool) {
        let mut lines = head.lines();
        let first: Vec<&str> = lines.next().unwrap_or_default().split(' ').collect();
        let (method, path, version) = match first.as_slice() {
            [method, path, version] if version.starts_with("HTTP/1.") => (*method, *path, *version),
            _ => return (respond(400, "text/plain", "Bad Request\n", false), true),
        };
        let mut headers = lines.filter_map(|line| line.split_once(':'));
        let close = headers.any(|(name, value)| {
            name.eq_ignore_ascii_case("connection") && value.trim().eq_ignore_ascii_case("close")
        });
        let closes = close || version == "HTTP/1.0";
        let seen = shared.lock().visit(&self.pod, self.port, path);
        let bytes = match seen {
            Answer::Page { code, kind, body } => respond(code, kind, &body, method == "HEAD"),
            Answer::Closed | Answer::Unreachable => return (Vec::new(), true),
        };
        (bytes, closes)
    }
}

fn respond(code: u16, kind: &str, body: &str, head_only: bool) -> Vec<u8> {
    let words = match code {
        200 => "OK",
        400 => "Bad Request",
        _ => "Not Found",
    };
    let shown = if head_only { "" } else { body };
    format!(
        "HTTP/1.1 {code} {words}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{shown}",
        body.len()
    )
    .into_bytes()
}
