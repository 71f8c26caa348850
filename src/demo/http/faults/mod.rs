//! The fault switchboard: a demo cluster that misbehaves when told to. Only tests and `--fault` arm it; its endpoint
//! (`/faults`) exists only then.
//!
//! ```text
//! GET /faults            the rules in force, one a line
//! POST /faults           more rules, in the words of `spec`
//! PUT /faults            these rules and no others
//! DELETE /faults         all is well
//! ```

pub mod body;
pub mod hostile;
pub mod spec;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{HeaderValue, Method, Request, Response, header};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::Instant;

use super::reply::{self, Reply};
use super::traffic::Traffic;
use crate::Shared;
use crate::api::options::Query;
use body::{Body, Broken, Wire};
use spec::{Fault, Rule, Where};

/// Where the rules are seen and changed.
const ENDPOINT: &str = "/faults";

/// Whether connections are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Line {
    down: bool,
    /// Connections made before this number was reached are gone.
    epoch: u64,
    /// When to listen again.
    until: Option<Instant>,
}

#[derive(Debug, Default)]
struct Board {
    rules: Vec<Rule>,
    /// State of the dice.
    dice: u64,
    /// Requests that met a fault.
    met: u64,
}

/// The rules in force. Clones share them.
#[derive(Debug, Clone)]
pub struct Switchboard {
    board: Arc<Mutex<Board>>,
    line: watch::Sender<Line>,
    traffic: Arc<Traffic>,
}

impl Default for Switchboard {
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

impl Switchboard {
    pub fn new(rules: Vec<Rule>) -> Self {
        let all = Self {
            board: Arc::default(),
            line: watch::Sender::new(Line::default()),
            traffic: Arc::default(),
        };
        all.add(rules);
        all
    }

    fn lock(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// More rules; the first that fits a request holds.
    pub fn add(&self, rules: impl IntoIterator<Item = Rule>) {
        for rule in rules {
            match rule.what {
                Fault::Refuse(time) => self.refuse(time),
                _ => self.lock().rules.push(rule),
            }
        }
    }

    /// More rules, in words.
    ///
    /// # Errors
    /// What is wrong with them; none is added then.
    pub fn say(&self, rules: &str) -> Result<(), String> {
        self.add(spec::rules(rules)?);
        Ok(())
    }

    /// All is well from now on; answers under way stay as they are.
    pub fn clear(&self) {
        self.lock().rules.clear();
        self.line.send_modify(|line| line.down = false);
    }

    /// Nobody listens, and all connections are gone.
    pub fn refuse(&self, time: Option<Duration>) {
        let until = time.map(|time| Instant::now() + time);
        self.line.send_modify(|line| {
            *line = Line {
                down: true,
                epoch: line.epoch + 1,
                until,
            };
        });
    }

    /// All connections are gone; new ones are taken.
    pub fn hang_up(&self) {
        self.line.send_modify(|line| line.epoch += 1);
    }

    /// Requests that met a fault so far.
    pub fn met(&self) -> u64 {
        self.lock().met
    }

    /// Rules that are not used up, in words.
    pub fn rules(&self) -> Vec<String> {
        self.lock().rules.iter().map(Rule::to_string).collect()
    }

    /// The fault this request meets, and by how many seconds times in its answer are wrong.
    fn draw(&self, asked: &Asked) -> (Option<Fault>, i64) {
        let mut board = self.lock();
        let Board { rules, dice, met } = &mut *board;
        let mut skew = 0;
        let mut found = None;
        for rule in rules.iter_mut().filter(|rule| asked.fits(&rule.at)) {
            if let Fault::Skew(by) = rule.what {
                skew += by;
                continue;
            }
            if found.is_some() || rule.times == Some(0) || !falls(dice, rule.chance) {
                continue;
            }
            rule.times = rule.times.map(|n| n - 1);
            found = Some(rule.what.clone());
        }
        *met += u64::from(found.is_some());
        rules.retain(|rule| rule.times != Some(0));
        (found, skew)
    }

    async fn answer(
        &self,
        shared: &Shared,
        mut request: Request<Incoming>,
        wire: Wire,
    ) -> Result<Response<Body>, Broken> {
        if request.uri().path() == ENDPOINT {
            return Ok(self.endpoint(request).await.map(body::sound));
        }
        let asked = Asked::of(&request);
        let (fault, skew) = self.draw(&asked);
        let hostile = fault == Some(Fault::Hostile);
        if hostile {
            // it is rewritten, and so must not be packed
            request.headers_mut().remove(header::ACCEPT_ENCODING);
        }
        let answer = match &fault {
            Some(Fault::Close) => return Err(Broken),
            Some(Fault::Reset) => {
                wire.reset();
                return Err(Broken);
            }
            Some(Fault::Stall) => std::future::pending().await,
            Some(Fault::Delay(time)) => {
                tokio::time::sleep(*time).await;
                super::answer(shared, &self.traffic, request).await
            }
            Some(Fault::Status(code, retry)) => refusal(*code, *retry, &asked),
            Some(Fault::Webhook) => webhook(&asked),
            Some(Fault::Error(code)) if asked.is_watch() => error_event(*code, &asked),
            Some(Fault::Error(code)) => refusal(*code, None, &asked),
            _ => super::answer(shared, &self.traffic, request).await,
        };
        // what is a refusal already is left as it is
        let spoils = fault.filter(|_| hostile || answer.status().is_success());
        let lines = asked.is_watch() || asked.verb == "log";
        let (mut head, inner) = answer.into_parts();
        if hostile {
            head.headers.remove(header::CONTENT_LENGTH);
            // a connection that becomes another is not looked into
            if head.status == http::StatusCode::SWITCHING_PROTOCOLS {
                return Ok(Response::from_parts(head, body::sound(inner)));
            }
        }
        if skew != 0 {
            let now = chrono::Utc::now() + chrono::TimeDelta::seconds(skew);
            let date = now.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
            if let Ok(date) = HeaderValue::from_str(&date) {
                head.headers.insert(header::DATE, date);
            }
        }
        let out = match spoils {
            Some(fault) if skew == 0 => body::spoilt(inner, &fault, lines, wire),
            _ if skew != 0 => body::spoilt(inner, &Fault::Skew(skew), lines, wire),
            _ => body::sound(inner),
        };
        Ok(Response::from_parts(head, out))
    }

    async fn endpoint(&self, request: Request<Incoming>) -> Reply {
        let method = request.method().clone();
        let Ok(text) = request.into_body().collect().await else {
            return reply::text(400, "the rules could not be read\n");
        };
        let text = String::from_utf8_lossy(&text.to_bytes()).into_owned();
        match (method, spec::rules(&text)) {
            (Method::GET, _) => {}
            (Method::DELETE, _) => self.clear(),
            (_, Err(why)) => return reply::whole(400, "text/plain", why + "\n"),
            (method, Ok(rules)) => {
                if method == Method::PUT {
                    self.clear();
                }
                // the answer should be out before nobody listens
                let board = self.clone();
                tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    board.add(rules);
                });
            }
        }
        let mut all = self.rules().join("\n");
        all.push('\n');
        reply::whole(200, "text/plain", all)
    }

    /// Accepts connections until the task is dropped, whenever the rules let anybody listen.
    pub async fn serve(self, listener: TcpListener, shared: Shared) {
        let Ok(address) = listener.local_addr() else {
            return;
        };
        let mut line = self.line.subscribe();
        let mut listener = Some(listener);
        loop {
            let now = *line.borrow_and_update();
            if now.down {
                listener = None;
                tokio::select! {
                    _ = line.changed() => {}
                    () = over(now.until) => self.line.send_modify(|line| line.down = false),
                }
                continue;
            }
            let Some(open) = &listener else {
                listener = listen(address).await;
                continue;
            };
            tokio::select! {
                _ = line.changed() => {}
                accepted = open.accept() => if let Ok((stream, _)) = accepted {
                    tokio::spawn(self.clone().connection(stream, shared.clone(), now.epoch));
                },
            }
        }
    }

    async fn connection(self, stream: TcpStream, shared: Shared, epoch: u64) {
        let _ = stream.set_nodelay(true);
        let (stream, wire) = twin(stream);
        let Some(stream) = stream else { return };
        let service = service_fn(|request| {
            let (board, shared, wire) = (self.clone(), shared.clone(), wire.clone());
            async move { board.answer(&shared, request, wire).await }
        });
        let served = hyper::server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades();
        let mut line = self.line.subscribe();
        tokio::select! {
            // an error here is a client that went away, or a fault
            _ = served => {}
            _ = line.wait_for(|line| line.epoch != epoch) => wire.reset(),
        }
    }
}

/// A second handle on the connection, to reset it while it is served.
fn twin(stream: TcpStream) -> (Option<TcpStream>, Wire) {
    let both = stream.into_std().and_then(|own| {
        let other = TcpStream::from_std(own.try_clone()?)?;
        Ok((TcpStream::from_std(own)?, other))
    });
    match both {
        Ok((stream, other)) => (Some(stream), Wire(Some(Arc::new(other)))),
        Err(_) => (None, Wire(None)),
    }
}

async fn over(until: Option<Instant>) {
    match until {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// The port may take a moment to be free again.
async fn listen(address: SocketAddr) -> Option<TcpListener> {
    let found = TcpListener::bind(address).await.ok();
    if found.is_none() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    found
}

/// Whether a die with this chance falls so; the same dice give the same rows of faults.
fn falls(dice: &mut u64, chance: f64) -> bool {
    if chance >= 1.0 {
        return true;
    }
    *dice = dice
        .wrapping_add(0x9e37_79b9_7f4a_7c15)
        .wrapping_mul(0xd129_42f0_5b65_4fa5);
    let bits = (*dice ^ (*dice >> 29)) >> 11;
    (bits as f64 / (1u64 << 53) as f64) < chance
}

/// What a request asks for, as far as rules tell requests apart.
#[derive(Debug, PartialEq)]
struct Asked {
    path: String,
    verb: &'static str,
    /// Plural; empty where the path names none.
    kind: String,
    name: String,
}

impl Asked {
    fn of(request: &Request<Incoming>) -> Self {
        let query = Query::parse(request.uri().query().unwrap_or_default());
        Self::parse(request.method(), request.uri().path(), &query)
    }

    fn parse(method: &Method, path: &str, query: &Query) -> Self {
        let parts: Vec<&str> = path.split('/').filter(|p| !p.is_empty()).collect();
        let rest = match parts.as_slice() {
            ["api", _, rest @ ..] | ["apis", _, _, rest @ ..] => rest,
            _ => &[],
        };
        let rest = match rest {
            ["namespaces", _, rest @ ..] if !rest.is_empty() => rest,
            rest => rest,
        };
        let (kind, name, sub) = match rest {
            [kind] => (*kind, "", ""),
            [kind, name] => (*kind, *name, ""),
            [kind, name, sub, ..] => (*kind, *name, *sub),
            [] => ("", "", ""),
        };
        let verb = match (method.as_str(), name, sub) {
            _ if kind.is_empty() => "other",
            ("GET", "", _) if query.flag("sendInitialEvents") => "stream",
            ("GET", _, "") if query.flag("watch") => "resume",
            ("GET", "", _) if !query.text("continue").is_empty() => "continue",
            ("GET", "", _) => "list",
            ("GET", _, "log") => "log",
            ("GET", _, "") => "get",
            ("POST", ..) => "create",
            ("PUT", ..) => "update",
            ("PATCH", ..) => "patch",
            ("DELETE", ..) => "delete",
            _ => "other",
        };
        Self {
            path: path.to_owned(),
            verb,
            kind: kind.to_owned(),
            name: name.to_owned(),
        }
    }

    fn is_watch(&self) -> bool {
        matches!(self.verb, "stream" | "resume")
    }

    fn fits(&self, at: &Where) -> bool {
        let verb = match at.verb.as_str() {
            "" | "any" => true,
            "watch" => self.is_watch(),
            "list" => matches!(self.verb, "list" | "continue"),
            verb => verb == self.verb,
        };
        verb && (at.kind.is_empty() || at.kind == self.kind) && self.path.starts_with(&at.path)
    }
}

/// Reason and words of the real server for a code.
fn words(code: u16, asked: &Asked) -> (&'static str, String) {
    let Asked {
        kind, name, verb, ..
    } = asked;
    match code {
        401 => ("Unauthorized", "Unauthorized".into()),
        403 => (
            "Forbidden",
            format!(
                "{kind} is forbidden: User \"demo\" cannot {} resource \"{kind}\" at the cluster scope",
                if asked.is_watch() { "watch" } else { verb }
            ),
        ),
        404 if name.is_empty() => (
            "NotFound",
            "the server could not find the requested resource".into(),
        ),
        404 => ("NotFound", format!("{kind} \"{name}\" not found")),
        409 => (
            "Conflict",
            format!(
                "Operation cannot be fulfilled on {kind} \"{name}\": the object has been modified"
            ),
        ),
        410 => ("Expired", "too old resource version: 1 (2)".into()),
        429 => (
            "TooManyRequests",
            "too many requests, please try again later".into(),
        ),
        500 => (
            "InternalError",
            "Internal error occurred: etcdserver: no leader".into(),
        ),
        503 => (
            "ServiceUnavailable",
            "the server is currently unable to handle the request".into(),
        ),
        504 => (
            "Timeout",
            "Timeout: request did not complete within the allotted timeout".into(),
        ),
        _ => (
            "",
            format!("refused with {code} by a fault that was asked for"),
        ),
    }
}

fn status(code: u16, reason: &str, message: &str) -> serde_json::Value {
    json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": reason, "code": code,
    })
}

fn refusal(code: u16, retry: Option<u32>, asked: &Asked) -> Reply {
    let (reason, message) = words(code, asked);
    let mut reply = reply::json(code, &status(code, reason, &message));
    let retry = retry.and_then(|s| HeaderValue::from_str(&s.to_string()).ok());
    if let Some(retry) = retry {
        reply.headers_mut().insert(header::RETRY_AFTER, retry);
    }
    reply
}

fn webhook(asked: &Asked) -> Reply {
    let message = format!(
        "conversion webhook for {}, Kind={} failed: Post \"https://webhook.operators.svc:443/convert?timeout=30s\": \
         dial tcp 10.96.14.7:443: connect: connection refused",
        asked.path, asked.kind
    );
    reply::json(500, &status(500, "InternalError", &message))
}

fn error_event(code: u16, asked: &Asked) -> Reply {
    let (reason, message) = words(code, asked);
    let event = json!({"type": "ERROR", "object": status(code, reason, &message)});
    reply::whole(200, "application/json", format!("{event}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(method: &str, target: &str) -> Asked {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        Asked::parse(&method, path, &Query::parse(query))
    }

    #[test]
    fn requests_are_told_apart() {
        for (method, target, verb, kind) in [
            ("GET", "/api/v1/pods?limit=5", "list", "pods"),
            ("GET", "/api/v1/pods?continue=x", "continue", "pods"),
            ("GET", "/api/v1/namespaces/a/pods?watch=1", "resume", "pods"),
            (
                "GET",
                "/apis/batch/v1/jobs?watch=1&sendInitialEvents=true",
                "stream",
                "jobs",
            ),
            ("GET", "/api/v1/namespaces/a/pods/b/log", "log", "pods"),
            ("GET", "/api/v1/namespaces", "list", "namespaces"),
            ("GET", "/api/v1/namespaces/a", "get", "namespaces"),
            ("DELETE", "/api/v1/namespaces/a/pods/b", "delete", "pods"),
            ("GET", "/apis/batch/v1", "other", ""),
            ("GET", "/version", "other", ""),
        ] {
            let found = asked(method, target);
            assert_eq!((found.verb, found.kind.as_str()), (verb, kind), "{target}");
        }
    }

    #[test]
    fn rules_hold_where_and_as_often_as_they_say() {
        let board = Switchboard::new(spec::rules("503@list/pods*2;410@watch").unwrap());
        let list = asked("GET", "/api/v1/pods");
        let watch = asked("GET", "/api/v1/pods?watch=1");
        assert_eq!(board.draw(&asked("GET", "/api/v1/nodes")), (None, 0));
        assert_eq!(board.draw(&list).0, Some(Fault::Status(503, None)));
        assert_eq!(board.draw(&watch).0, Some(Fault::Status(410, None)));
        assert_eq!(board.draw(&list).0, Some(Fault::Status(503, None)));
        assert_eq!(board.draw(&list).0, None);
        assert_eq!(board.rules(), ["410@watch"]);
        assert_eq!(board.met(), 3);
    }

    #[test]
    fn chances_are_chances() {
        let mut dice = 1;
        let fallen = (0..10_000).filter(|_| falls(&mut dice, 0.25)).count();
        assert!((2_200..2_800).contains(&fallen), "{fallen}");
    }
}
