//! A tiny API server that misbehaves on command: pods in memory, list, pages, watch, streamed list, logs, and a
//! queue of faults. On plain threads and raw sockets, so that it can cut a stream in the middle of a line.

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

use serde_json::{Value, json};

mod custom;
mod log;
pub mod proxied;
mod watch;

/// One request as far as anybody here looks at it.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub query: BTreeMap<String, String>,
    pub headers: BTreeMap<String, String>,
    pub body: Value,
}

impl Request {
    pub fn is_watch(&self) -> bool {
        self.query.contains_key("watch")
    }

    pub fn is_stream(&self) -> bool {
        self.query.contains_key("sendInitialEvents")
    }
}

/// What goes wrong with the next request it fits.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// An error status, with a Retry-After.
    Status(u16, Option<u32>),
    /// Watches and streams: so many lines, then the connection is gone in the middle of the next.
    CutAfter(usize),
    /// Accepted, and then nothing.
    Stall,
    /// Watches: accepted, then an ERROR event 410, and everything older is forgotten.
    Expire,
    /// Streams: all objects, then ordinary bookmarks, as a server does that ignores sendInitialEvents.
    IgnoreStream,
    /// Elements of a list nothing can be made of.
    Garbage,
    /// Watches: closed in order at once.
    Close,
}

impl Fault {
    fn fits(&self, request: &Request) -> bool {
        match self {
            Fault::Status(..) => true,
            Fault::CutAfter(_) | Fault::Stall => request.is_watch(),
            Fault::Expire | Fault::Close => request.is_watch() && !request.is_stream(),
            Fault::IgnoreStream => request.is_stream(),
            Fault::Garbage => !request.is_watch(),
        }
    }
}

#[derive(Default)]
pub struct State {
    pub pods: BTreeMap<(String, String), Value>,
    version: u64,
    /// Version, type, object.
    history: Vec<(u64, &'static str, Value)>,
    /// Watches from before this version are too old.
    oldest: u64,
    pub faults: VecDeque<Fault>,
    /// Streamed lists are answered 422.
    pub no_streaming: bool,
    /// Only these namespaces may be listed.
    pub allowed: Option<Vec<String>>,
    /// Only this token is accepted.
    pub token: Option<String>,
    pub requests: Vec<Request>,
    /// `GROUP/VERSION/PLURAL` → what is served beside pods.
    custom: BTreeMap<String, custom::Custom>,
    /// `apis/GROUP/VERSION` → hash and OpenAPI document; an empty map: no `/openapi/v3` at all.
    pub schemas: BTreeMap<String, (u32, Value)>,
    /// Path → code and body: before anything else that is served there.
    pub answers: BTreeMap<String, (u16, Value)>,
    /// Path → text of its answer, be it JSON or not.
    pub texts: BTreeMap<String, String>,
    /// What requests that change something are answered, in order: method, path, turn.
    pub turns: VecDeque<(&'static str, String, Turn)>,
    /// Path → what a pod behind the proxy answers.
    pub proxied: BTreeMap<String, proxied::Proxied>,
    /// Paths that begin so are 403; `=` before it: that path only.
    pub forbidden: Vec<String>,
    /// Answers to requests for logs, in order; the last one stays.
    pub logs: VecDeque<Log>,
    hung_up: u64,
    stopped: bool,
}

/// One answer to a request that changes something.
#[derive(Debug, Clone)]
pub enum Turn {
    /// This code, and this object or message; from then on this path is answered so (`None`: 404).
    Say(u16, Value),
    /// Taken with this answer, and a warning beside it.
    Warn(Value, &'static str),
    Then(u16, Value, Option<Value>),
    /// Taken, and from then on answered so; but the connection is gone before the answer.
    Cut(Option<Value>),
}

/// One answer to a request for a log.
#[derive(Debug, Clone)]
pub enum Log {
    Error(u16, String),
    /// These bytes, then an orderly end.
    Text(String),
    /// These bytes, then the connection is gone.
    Cut(String),
    /// These bytes, and it stays open.
    Open(String),
}

pub struct Server {
    addr: SocketAddr,
    shared: Arc<(Mutex<State>, Condvar)>,
}

impl Server {
    pub fn start() -> Self {
        Self::start_on("127.0.0.1:0".parse().unwrap())
    }

    pub fn start_on(addr: SocketAddr) -> Self {
        let listener = TcpListener::bind(addr).unwrap();
        let addr = listener.local_addr().unwrap();
        let shared: Arc<(Mutex<State>, Condvar)> = Arc::default();
        shared.0.lock().unwrap().version = 100;
        let state = shared.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if state.0.lock().unwrap().stopped {
                    return;
                }
                let state = state.clone();
                std::thread::spawn(move || serve(stream, &state));
            }
        });
        Self { addr, shared }
    }

    pub fn url(&self) -> http::Uri {
        format!("http://{}", self.addr).parse().unwrap()
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.shared.0.lock().unwrap()
    }

    pub fn put(&self, name: &str, phase: &str) {
        self.put_in("default", name, phase);
    }

    pub fn put_in(&self, namespace: &str, name: &str, phase: &str) {
        self.put_labelled(namespace, name, phase, &[]);
    }

    pub fn put_labelled(&self, namespace: &str, name: &str, phase: &str, labels: &[(&str, &str)]) {
        let mut state = self.state();
        state.version += 1;
        let key = (namespace.to_owned(), name.to_owned());
        let kind = match state.pods.contains_key(&key) {
            true => "MODIFIED",
            false => "ADDED",
        };
        let version = state.version;
        let uid = match state.pods.get(&key) {
            Some(pod) => pod["metadata"]["uid"].clone(),
            None => format!("uid-{version}").into(),
        };
        let mut pod = json!({
            "kind": "Pod", "apiVersion": "v1",
            "metadata": {"name": name, "namespace": namespace, "uid": uid, "resourceVersion": version.to_string()},
            "spec": {"containers": [{"name": "main"}]},
            "status": {"phase": phase},
        });
        for (label, value) in labels {
            pod["metadata"]["labels"][label] = (*value).into();
        }
        state.pods.insert(key, pod.clone());
        state.history.push((version, kind, pod));
        self.shared.1.notify_all();
    }

    pub fn delete(&self, name: &str) {
        let mut state = self.state();
        if let Some(mut pod) = state.pods.remove(&("default".to_owned(), name.to_owned())) {
            state.version += 1;
            let version = state.version;
            pod["metadata"]["resourceVersion"] = version.to_string().into();
            state.history.push((version, "DELETED", pod));
        }
        self.shared.1.notify_all();
    }

    pub fn fail(&self, faults: impl IntoIterator<Item = Fault>) {
        self.state().faults.extend(faults);
    }

    /// The next request of this kind is answered so.
    pub fn turn(&self, method: &'static str, path: &str, turn: Turn) {
        self.state()
            .turns
            .push_back((method, path.to_owned(), turn));
    }

    /// Requests so far that would change something; questions about permissions change nothing.
    pub fn writes(&self) -> Vec<Request> {
        let state = self.state();
        let all = state.requests.iter().filter(|r| r.method != "GET");
        let asks = |r: &&Request| r.path.contains("/selfsubject");
        all.filter(|r| !asks(r)).cloned().collect()
    }

    /// Closes all open watches in order.
    pub fn hang_up(&self) {
        self.state().hung_up += 1;
        self.shared.1.notify_all();
    }

    /// Goes on from this version; watches from older ones are too old.
    pub fn forget(&self, version: u64) {
        let mut state = self.state();
        (state.version, state.oldest) = (version, version);
    }

    /// `namespace/name` → status of what exists.
    pub fn truth(&self) -> BTreeMap<String, String> {
        let state = self.state();
        state
            .pods
            .iter()
            .map(|((namespace, name), pod)| {
                let phase = pod["status"]["phase"].as_str().unwrap();
                (format!("{namespace}/{name}"), phase.to_owned())
            })
            .collect()
    }

    /// Watches and lists asked for so far, as `list`, `page`, `stream`, `watch`.
    pub fn asked(&self) -> Vec<&'static str> {
        let state = self.state();
        state
            .requests
            .iter()
            .filter(|r| r.path.ends_with("/pods"))
            .map(|r| match (r.is_stream(), r.is_watch()) {
                (true, _) => "stream",
                (_, true) => "watch",
                _ if r.query.contains_key("continue") => "page",
                _ => "list",
            })
            .collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.state().stopped = true;
        self.shared.1.notify_all();
        // wakes the listener, which then lets go of the port
        let _ = TcpStream::connect(self.addr);
    }
}

type Shared = Arc<(Mutex<State>, Condvar)>;

fn serve(stream: TcpStream, shared: &Shared) {
    stream.set_nodelay(true).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut out = Out(stream);
    while let Some(request) = read(&mut reader) {
        if shared.0.lock().unwrap().stopped || !answer(&request, &mut out, shared) {
            return;
        }
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|n| *n > 0)?;
    let mut words = line.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim().split_once(": ") else {
            break;
        };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let length = headers
        .get("content-length")
        .map_or(0, |l| l.parse().unwrap());
    let mut body = vec![0; length];
    std::io::Read::read_exact(reader, &mut body).ok()?;
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let query = query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(k, v)| (k.to_owned(), v.replace("%3A", ":").replace("%3D", "=")))
        .collect();
    Some(Request {
        method,
        path: path.to_owned(),
        query,
        headers,
        body: serde_json::from_slice(&body).unwrap_or_default(),
    })
}

struct Out(TcpStream);

impl Out {
    fn raw(&mut self, bytes: &[u8]) -> bool {
        self.0.write_all(bytes).is_ok()
    }

    fn whole(&mut self, code: u16, extra: &str, body: &str) -> bool {
        let length = body.len();
        self.raw(
            format!(
                "HTTP/1.1 {code} X\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n{extra}\r\n{body}"
            )
            .as_bytes(),
        )
    }

    fn status(&mut self, code: u16, message: &str, retry: Option<u32>) -> bool {
        let retry = retry.map_or(String::new(), |s| format!("retry-after: {s}\r\n"));
        let body = json!({"kind": "Status", "status": "Failure", "code": code, "message": message});
        self.whole(code, &retry, &body.to_string())
    }

    fn open(&mut self) -> bool {
        self.raw(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n")
    }

    fn chunk(&mut self, text: &str) -> bool {
        self.raw(format!("{:x}\r\n{text}\r\n", text.len()).as_bytes())
    }

    fn close(&mut self) -> bool {
        self.raw(b"0\r\n\r\n")
    }
}

/// False: the connection ends here.
fn answer(request: &Request, out: &mut Out, shared: &Shared) -> bool {
    let mut state = shared.0.lock().unwrap();
    state.requests.push(request.clone());
    let authorized = state.token.as_ref().is_none_or(|token| {
        request.headers.get("authorization") == Some(&format!("Bearer {token}"))
    });
    if !authorized {
        return out.status(401, "Unauthorized", None);
    }
    let path = &request.path;
    let forbids = |start: &String| match start.strip_prefix('=') {
        Some(only) => path == only,
        None => path.starts_with(start.as_str()),
    };
    if state.forbidden.iter().any(forbids) {
        return out.status(403, &format!("forbidden: cannot get path {path:?}"), None);
    }
    let fits = |(method, at, _): &(&str, String, Turn)| *method == request.method && at == path;
    if let Some(n) = state.turns.iter().position(fits) {
        let (_, _, turn) = state.turns.remove(n).unwrap();
        let then = |state: &mut State, then: Option<Value>| {
            let answer = match then {
                Some(object) => (200, object),
                None => (404, json!("not found")),
            };
            // what an eviction changes is the pod, and what is made is under its name
            let mut at = path.trim_end_matches("/eviction").to_owned();
            if request.method == "POST" && at == *path && answer.0 == 200 {
                at = format!("{path}/{}", answer.1["metadata"]["name"].as_str().unwrap());
            }
            state.answers.insert(at, answer);
        };
        let (code, body) = match turn {
            Turn::Say(code, body) => (code, body),
            Turn::Warn(body, text) => {
                let extra = format!("warning: 299 - \"{text}\"\r\n");
                return out.whole(200, &extra, &body.to_string());
            }
            Turn::Then(code, body, after) => {
                then(&mut state, after);
                (code, body)
            }
            Turn::Cut(after) => {
                then(&mut state, after);
                return false;
            }
        };
        return match code < 300 {
            true => out.whole(code, "", &body.to_string()),
            false => out.status(code, body.as_str().unwrap_or_default(), None),
        };
    }
    if let Some(of) = state.proxied.get(path).cloned() {
        drop(state);
        return proxied::answer(&of, out, shared);
    }
    if let Some(text) = state.texts.get(path).cloned() {
        // long ones: nobody else waits while they are written
        drop(state);
        if request.is_stream() {
            return out.status(422, "sendInitialEvents is forbidden for watch", None);
        }
        return match request.is_watch() {
            true => proxied::answer(&proxied::Proxied::Stalls, out, shared),
            false => out.whole(200, "", &text),
        };
    }
    if let Some((code, body)) = state.answers.get(path) {
        return match code {
            200 => out.whole(200, "", &body.to_string()),
            code => out.status(*code, body.as_str().unwrap_or_default(), None),
        };
    }
    if let Some(rest) = path.strip_prefix("/openapi/v3") {
        return match custom::openapi(&state, rest) {
            Some(answer) => out.whole(200, "", &answer.to_string()),
            None => out.whole(404, "", "404 page not found"),
        };
    }
    if request.path == "/version" {
        let body = json!({"major": "1", "minor": "36", "gitVersion": "v1.36.0"});
        return out.whole(200, "", &body.to_string());
    }
    if request.path.ends_with("/selfsubjectaccessreviews") {
        let of = &request.body["spec"]["resourceAttributes"];
        let allowed = state.allowed.as_ref().is_none_or(|names| {
            let namespace = of["namespace"].as_str().unwrap_or_default();
            names.iter().any(|n| n == namespace)
        });
        let body = json!({"status": {"allowed": allowed, "reason": if allowed { "" } else { "only where allowed" }}});
        return out.whole(201, "", &body.to_string());
    }
    if request.path.ends_with("/log") {
        let log = match state.logs.len() {
            0 => Log::Error(404, "no log".into()),
            1 => state.logs[0].clone(),
            _ => state.logs.pop_front().unwrap(),
        };
        drop(state);
        return log::answer(&log, out, shared);
    }
    if request.path == "/apis" {
        return out.whole(200, "", &custom::discovery(&state).to_string());
    }
    if request.path.starts_with("/apis/") {
        drop(state);
        let answer = custom::answer(request, out, shared);
        return answer.unwrap_or_else(|| out.whole(404, "", "404 page not found"));
    }
    let segments: Vec<&str> = request.path.split('/').skip(3).collect();
    let namespace = match segments.as_slice() {
        ["pods"] => None,
        ["namespaces", namespace, "pods"] => Some((*namespace).to_owned()),
        ["namespaces", namespace, "pods", name] => {
            let key = ((*namespace).to_owned(), (*name).to_owned());
            return match state.pods.get(&key) {
                Some(pod) => out.whole(200, "", &pod.to_string()),
                None => out.status(404, "not found", None),
            };
        }
        _ => return out.whole(404, "", "404 page not found"),
    };
    let fault = match state.faults.front() {
        Some(fault) if fault.fits(request) => state.faults.pop_front(),
        _ => None,
    };
    if let Some(Fault::Status(code, retry)) = fault {
        return out.status(code, "as you wish", retry);
    }
    if let Some(allowed) = &state.allowed
        && namespace.as_ref().is_none_or(|n| !allowed.contains(n))
    {
        return out.status(403, "forbidden here", None);
    }
    if request.is_stream() && state.no_streaming {
        return out.status(422, "sendInitialEvents is forbidden for watch", None);
    }
    if request.is_watch() {
        drop(state);
        return watch::watch(request, namespace.as_deref(), fault, out, shared);
    }
    let all: Vec<&Value> = state
        .pods
        .iter()
        .filter(|((n, _), _)| namespace.as_ref().is_none_or(|only| only == n))
        .map(|(_, pod)| pod)
        .collect();
    let from: usize = request
        .query
        .get("continue")
        .map_or(0, |t| t.parse().unwrap());
    let limit = request
        .query
        .get("limit")
        .map_or(all.len(), |l| l.parse().unwrap());
    let to = all.len().min(from + limit);
    let mut meta = json!({"resourceVersion": state.version.to_string()});
    if to < all.len() {
        meta["continue"] = to.to_string().into();
        meta["remainingItemCount"] = (all.len() - to).into();
    }
    let mut items: Vec<Value> = all[from..to].iter().map(|pod| (*pod).clone()).collect();
    if fault == Some(Fault::Garbage) {
        items.insert(0, json!("what is this"));
        items.push(json!({"metadata": 7, "spec": [], "status": "?"}));
    }
    let list = json!({"kind": "PodList", "metadata": meta, "items": items});
    out.whole(200, "", &list.to_string())
}
