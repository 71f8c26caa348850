//! Requests with credentials: one kube client underneath, our own handling of what it gets wrong for a screen
//! program: plugins, expiring tokens, Retry-After, error answers, and limits on waiting.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use futures::StreamExt;
use futures::stream::BoxStream;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER,
    USER_AGENT, WARNING,
};
use http::{Method, Request, Response};
use http_body_util::BodyExt;
use kube::client::Body;
use tokio::sync::Mutex;

use super::failure::Failure;
use super::target::Target;

/// Longest wait for the head of an answer: a large list takes the server its time, and it gives up after 60 s itself.
pub const ANSWER: Duration = Duration::from_secs(65);
/// Longest pause within the body of an ordinary answer.
const PAUSE: Duration = Duration::from_secs(30);
/// How long a failed login stands before it is tried again.
const GRACE: TimeDelta = TimeDelta::seconds(5);
/// Error answers are read this far.
const ERROR_LIMIT: usize = 64 * 1024;

/// An open WebSocket, and whether its protocol can say that one of its channels has ended (v5).
pub type Socket = kube::client::Connection;

/// The body of an answer, as it comes.
pub type Chunks = BoxStream<'static, Result<Bytes, Failure>>;

/// A client for one cluster. Clones share everything.
#[derive(Clone)]
pub struct Http(Arc<Inner>);

struct Inner {
    target: Target,
    /// Longest wait for the head of an answer.
    patience: Duration,
    slot: Mutex<Slot>,
    /// Requests sent, and body bytes received (after decompression).
    requests: AtomicU64,
    bytes: AtomicU64,
}

#[derive(Default)]
struct Slot {
    session: Option<Session>,
    /// The last login failed with this; not tried again before then, however many ask.
    failed: Option<(DateTime<Utc>, Failure)>,
    /// What the plugin wrote to stderr, until somebody shows it.
    said: Option<String>,
}

impl Slot {
    fn fresh(&self) -> Option<Result<Session, Failure>> {
        let now = Utc::now();
        if let Some((until, failure)) = &self.failed
            && now < *until
        {
            return Some(Err(failure.clone()));
        }
        let session = self.session.as_ref()?;
        let good = session.renew.is_none_or(|at| now < at);
        good.then(|| Ok(session.clone()))
    }
}

/// A built client with the credentials of the moment.
#[derive(Clone)]
struct Session {
    client: kube::Client,
    authorization: Option<HeaderValue>,
    /// When to fetch credentials anew.
    renew: Option<DateTime<Utc>>,
    made: DateTime<Utc>,
    number: u64,
}

/// One request.
#[derive(Debug, Clone)]
pub struct Ask {
    pub method: Method,
    /// Path and query.
    pub path: String,
    pub accept: &'static str,
    pub body: Option<(&'static str, Vec<u8>)>,
    /// Do not let the answer be compressed (streams).
    pub plain: bool,
}

impl Ask {
    pub fn get(path: impl Into<String>) -> Self {
        Self {
            method: Method::GET,
            path: path.into(),
            accept: "application/json",
            body: None,
            plain: false,
        }
    }

    /// A request with a JSON body of some flavour.
    pub fn send(
        method: Method,
        path: impl Into<String>,
        kind: &'static str,
        body: &serde_json::Value,
    ) -> Self {
        Self {
            method,
            body: Some((kind, body.to_string().into_bytes())),
            ..Self::get(path)
        }
    }

    pub fn accept(mut self, accept: &'static str) -> Self {
        self.accept = accept;
        self
    }

    pub fn plain(mut self) -> Self {
        self.plain = true;
        self
    }
}

impl Http {
    pub fn new(target: Target) -> Self {
        Self::patient(target, ANSWER)
    }

    /// One that waits so long for the head of an answer.
    pub fn patient(target: Target, patience: Duration) -> Self {
        let patience = target.request_timeout().unwrap_or(patience);
        Self(Arc::new(Inner {
            target,
            patience,
            slot: Mutex::default(),
            requests: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
        }))
    }

    pub fn target(&self) -> &Target {
        &self.0.target
    }

    /// Requests sent and bytes received so far.
    pub fn traffic(&self) -> (u64, u64) {
        (
            self.0.requests.load(Ordering::Relaxed),
            self.0.bytes.load(Ordering::Relaxed),
        )
    }

    /// What the credential plugin wrote to stderr since last asked.
    pub async fn plugin_said(&self) -> Option<String> {
        self.0.slot.lock().await.said.take()
    }

    /// The session, made or renewed if need be.
    async fn session(&self) -> Result<Session, Failure> {
        if let Some(session) = self.0.slot.lock().await.fresh() {
            return session;
        }
        // on its own task: whoever waits here may be cancelled, the login must not start over for it
        let http = self.clone();
        tokio::spawn(async move { http.renew().await })
            .await
            .map_err(|e| Failure::Credentials(e.to_string()))?
    }

    /// The lock makes this single-flight: who comes later waits, and finds the result.
    async fn renew(&self) -> Result<Session, Failure> {
        let mut slot = self.0.slot.lock().await;
        if let Some(session) = slot.fresh() {
            return session;
        }
        let target = self.0.target.clone();
        let login = tokio::task::spawn_blocking(move || target.log_in())
            .await
            .map_err(|e| Failure::Credentials(e.to_string()))?;
        let login = match (login, &mut slot.session) {
            (Ok(login), _) => login,
            // keep what still may work, as kubectl does when a token file has gone
            (Err(e), Some(old)) if e.is_transient() => {
                old.renew = Some(Utc::now() + GRACE);
                return Ok(old.clone());
            }
            (Err(e), _) => {
                let failure = Failure::Credentials(e.to_string());
                slot.failed = Some((Utc::now() + GRACE, failure.clone()));
                return Err(failure);
            }
        };
        if !login.said.is_empty() {
            slot.said = Some(login.said);
        }
        let client = match &slot.session {
            Some(old) if !login.new_identity => old.client.clone(),
            _ => super::connect::client::client(login.config)
                .map_err(|e| Failure::Credentials(super::failure::explain(&e)))?,
        };
        let session = Session {
            client,
            authorization: login.authorization,
            renew: login.renew,
            made: Utc::now(),
            number: slot.session.as_ref().map_or(0, |old| old.number + 1),
        };
        slot.session = Some(session.clone());
        slot.failed = None;
        Ok(session)
    }

    /// Credentials were refused: make the next request fetch new ones, unless somebody just did.
    async fn refused(&self, number: u64) {
        let mut slot = self.0.slot.lock().await;
        if let Some(session) = slot.session.as_mut()
            && session.number == number
            && session.made + GRACE < Utc::now()
        {
            session.renew = Some(DateTime::<Utc>::MIN_UTC);
        }
    }

    /// Sends a request; answers other than 2xx are failures. Refused credentials are renewed once, where they can be.
    pub async fn open(&self, ask: &Ask) -> Result<Response<Body>, Failure> {
        for attempt in 0.. {
            let session = self.session().await?;
            let number = session.number;
            match self.open_once(session, ask).await {
                Err(Failure::Status { code: 401, .. })
                    if attempt == 0 && self.0.target.can_renew() =>
                {
                    self.refused(number).await;
                }
                other => return other,
            }
        }
        Err(Failure::Silent(0))
    }

    async fn open_once(&self, session: Session, ask: &Ask) -> Result<Response<Body>, Failure> {
        let mut request = Request::builder()
            .method(ask.method.clone())
            .uri(&ask.path)
            .header(ACCEPT, ask.accept)
            .header(USER_AGENT, concat!("jobdeck/", env!("CARGO_PKG_VERSION")));
        if ask.plain {
            request = request.header(ACCEPT_ENCODING, "identity");
        }
        if let Some(authorization) = &session.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        let mut body = Vec::new();
        if let Some((kind, bytes)) = &ask.body {
            request = request.header(CONTENT_TYPE, *kind);
            body.clone_from(bytes);
        }
        let request = request
            .body(Body::from(body))
            .map_err(|e| Failure::Network(e.to_string()))?;
        self.0.requests.fetch_add(1, Ordering::Relaxed);
        let patience = self.0.patience;
        let answer = tokio::time::timeout(patience, session.client.send(request))
            .await
            .map_err(|_| silent(patience))?
            .map_err(|e| Failure::from_client(&e))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        let retry_after = answer
            .headers()
            .get(RETRY_AFTER)
            .and_then(|v| v.to_str().ok()?.trim().parse().ok())
            .map(Duration::from_secs);
        let body = self.body(answer, ERROR_LIMIT).await.unwrap_or_default();
        Err(Failure::from_answer(status.as_u16(), retry_after, &body))
    }

    /// Opens a WebSocket of the Kubernetes channel protocols, v5 before v4: shells and forwarded ports.
    pub async fn socket(&self, path: &str) -> Result<Socket, Failure> {
        for attempt in 0.. {
            let session = self.session().await?;
            let number = session.number;
            match self.socket_once(session, path).await {
                Err(Failure::Status { code: 401, .. })
                    if attempt == 0 && self.0.target.can_renew() =>
                {
                    self.refused(number).await;
                }
                other => return other,
            }
        }
        Err(Failure::Silent(0))
    }

    async fn socket_once(&self, session: Session, path: &str) -> Result<Socket, Failure> {
        let mut request =
            Request::get(path).header(USER_AGENT, concat!("jobdeck/", env!("CARGO_PKG_VERSION")));
        if let Some(authorization) = &session.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        let request = request
            .body(Vec::new())
            .map_err(|e| Failure::Network(e.to_string()))?;
        self.0.requests.fetch_add(1, Ordering::Relaxed);
        tokio::time::timeout(ANSWER, session.client.connect(request))
            .await
            .map_err(|_| Failure::Silent(ANSWER.as_secs()))?
            .map_err(|e| Failure::from_client(&e))
    }

    /// The chunks of an answer's body, counted.
    pub fn chunks(&self, answer: Response<Body>) -> Chunks {
        let inner = self.0.clone();
        let chunks = answer.into_body().into_data_stream().map(move |chunk| {
            let chunk = chunk.map_err(|e| Failure::from_client(&e))?;
            inner.bytes.fetch_add(chunk.len() as u64, Ordering::Relaxed);
            Ok(chunk)
        });
        Box::pin(chunks)
    }

    async fn body(&self, answer: Response<Body>, limit: usize) -> Result<Vec<u8>, Failure> {
        match self.0.target.request_timeout() {
            None => self.whole(answer, limit).await,
            // kubectl's limit holds for an answer to its end; watches and logs that are followed have none
            Some(patience) => tokio::time::timeout(patience, self.whole(answer, limit))
                .await
                .map_err(|_| silent(patience))?,
        }
    }

    async fn whole(&self, answer: Response<Body>, limit: usize) -> Result<Vec<u8>, Failure> {
        let mut chunks = self.chunks(answer);
        let mut all = Vec::new();
        loop {
            let pause = PAUSE.min(self.0.patience);
            match tokio::time::timeout(pause, chunks.next()).await {
                Err(_) => return Err(Failure::Silent(pause.as_secs())),
                Ok(None) => return Ok(all),
                Ok(Some(chunk)) => {
                    all.extend_from_slice(&chunk?);
                    if all.len() >= limit {
                        return Ok(all);
                    }
                }
            }
        }
    }

    /// Sends a request and reads the whole answer.
    pub async fn read(&self, ask: &Ask) -> Result<Vec<u8>, Failure> {
        let answer = self.open(ask).await?;
        self.body(answer, usize::MAX).await
    }

    /// Sends a request and reads a JSON answer, and what the server warns of beside it.
    pub async fn told(&self, ask: &Ask) -> Result<(serde_json::Value, Vec<String>), Failure> {
        let answer = self.open(ask).await?;
        let warnings = warnings(answer.headers());
        let body = self.body(answer, usize::MAX).await?;
        let value = serde_json::from_slice(&body).map_err(|e| Failure::Garbled(e.to_string()))?;
        Ok((value, warnings))
    }

    /// Sends a request and reads a JSON answer.
    pub async fn json<T: serde::de::DeserializeOwned>(&self, ask: &Ask) -> Result<T, Failure> {
        let body = self.read(ask).await?;
        serde_json::from_slice(&body).map_err(|e| Failure::Garbled(e.to_string()))
    }
}

/// In whole seconds, and never none.
fn silent(patience: Duration) -> Failure {
    Failure::Silent(patience.as_secs_f64().round().max(1.0) as u64)
}

/// The texts of `Warning: 299 - "…"` headers, each once.
fn warnings(headers: &HeaderMap) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for value in headers.get_all(WARNING) {
        let bytes = String::from_utf8_lossy(value.as_bytes());
        let Some((_, quoted)) = bytes.split_once('"') else {
            continue;
        };
        let mut text = String::new();
        let mut chars = quoted.chars();
        while let Some(c) = chars.next() {
            match c {
                '"' => break,
                '\\' => text.extend(chars.next()),
                c if c.is_control() => text.push(' '),
                c => text.push(c),
            }
        }
        if !text.trim().is_empty() && !all.contains(&text) {
            all.push(text);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_are_read_as_servers_write_them() {
        let mut headers = HeaderMap::new();
        for text in [
            r#"299 - "unknown field \"spec.x\"""#,
            r#"299 kube "v1beta1 is deprecated" "Mon, 01 Jan 2026 00:00:00 GMT""#,
            r#"299 - "v1beta1 is deprecated""#,
            "299 - bare",
            r#"299 - """#,
        ] {
            headers.append(WARNING, HeaderValue::from_str(text).unwrap());
        }
        assert_eq!(
            warnings(&headers),
            [r#"unknown field "spec.x""#, "v1beta1 is deprecated"]
        );
    }
}
