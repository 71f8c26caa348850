//! Follows the log of one container: waits until there is one, goes on after cuts and restarts, ends with the pod.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use futures::{FutureExt, StreamExt};
use tokio_util::sync::CancellationToken;

use super::failure::Failure;
use super::http::Ask;
use super::podstate::PodState;
use super::records::{Record, Records};
use super::report::{LogBatch, LogNote, Report, Severity};
use super::source::{Shared, escape, random};
use super::sync::backoff;
use crate::model::log::LogLine;
use crate::model::want::LogWant;

/// Lines and bytes per message.
const LINES: usize = 256;
const BYTES: usize = 256 * 1024;
/// Longest pause between two looks at a container that does not write yet, or not any more.
const LONGEST: Duration = Duration::from_secs(10);

/// Follows until the log is over or nobody wants it.
pub async fn run(shared: Arc<Shared>, want: LogWant, cancel: CancellationToken) {
    tokio::select! {
        biased;
        () = cancel.cancelled() => {}
        () = Follower::new(shared, want).run() => {}
    }
}

struct Follower {
    shared: Arc<Shared>,
    want: Arc<LogWant>,
    container: Option<String>,
    records: Records,
    lines: Vec<LogLine>,
    bytes: usize,
    /// Said last, so that it is not said again with every try.
    said: String,
    /// Tries without a new line.
    tries: u32,
    /// Set after the first answer: go on from here instead of from the tail.
    since: Option<DateTime<Utc>>,
    answered: bool,
    deaf: bool,
}

/// What to do after one try.
enum Then {
    /// Ask again after a pause.
    Again,
    /// Ask again at once.
    Now,
    /// It is over, and why.
    Stop(Severity, String),
}

impl Follower {
    fn new(shared: Arc<Shared>, want: LogWant) -> Self {
        Self {
            container: want.container.as_deref().map(str::to_owned),
            shared,
            want: Arc::new(want),
            records: Records::default(),
            lines: Vec::new(),
            bytes: 0,
            said: String::new(),
            tries: 0,
            since: None,
            answered: false,
            deaf: false,
        }
    }

    async fn run(mut self) {
        let streams = self.shared.log_streams.clone();
        let permit = match streams.clone().try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => {
                let most = self.shared.tuning.log_streams;
                let text = format!("waiting: {most} logs are followed already, which is the most");
                self.note(Severity::Info, text).await;
                match streams.acquire_owned().await {
                    Ok(permit) => permit,
                    Err(_) => return,
                }
            }
        };
        while !self.deaf {
            match self.attempt().await {
                Then::Now => {}
                Then::Again => {
                    self.tries += 1;
                    let pause = backoff(self.tries, random()).min(LONGEST);
                    self.shared.wait(pause).await;
                }
                Then::Stop(severity, why) => {
                    let text = format!("end of log: {why}");
                    self.note(severity, text).await;
                    break;
                }
            }
        }
        drop(permit);
    }

    fn path(&self) -> String {
        let LogWant { namespace, pod, .. } = &*self.want;
        let mut path = format!("/api/v1/namespaces/{namespace}/pods/{pod}/log?timestamps=true");
        if let Some(container) = &self.container {
            path.push_str("&container=");
            escape(container, &mut path);
        }
        if self.want.previous {
            path.push_str("&previous=true");
        } else if self.want.follow {
            path.push_str("&follow=true");
        }
        match (self.since, self.answered) {
            (Some(since), _) => {
                path.push_str("&sinceTime=");
                escape(&since.to_rfc3339_opts(SecondsFormat::Secs, true), &mut path);
            }
            // it had not written a line: everything is new
            (None, true) => {}
            (None, false) => {
                if let Some(tail) = self.want.tail {
                    path.push_str(&format!("&tailLines={tail}"));
                }
                if let Some(seconds) = self.want.since_seconds {
                    path.push_str(&format!("&sinceSeconds={}", seconds.max(1)));
                }
            }
        }
        path
    }

    async fn attempt(&mut self) -> Then {
        let ask = Ask::get(self.path()).accept("*/*").plain();
        let shared = self.shared.clone();
        let answer = match shared.http.open(&ask).await {
            Ok(answer) => answer,
            Err(failure) => return self.refused(failure).await,
        };
        if answer.status().as_u16() == 204 {
            return match self.look().await {
                Ok(_) => {
                    self.once(
                        Severity::Info,
                        "waiting: the pod is not scheduled yet".into(),
                    )
                    .await;
                    Then::Again
                }
                Err(then) => then,
            };
        }
        let resumed = std::mem::replace(&mut self.answered, true);
        if resumed && self.said.starts_with("interrupted") {
            self.once(Severity::Info, "reconnected".into()).await;
        }
        let cut = self.read(shared.http.chunks(answer)).await;
        if !self.want.follow || self.want.previous {
            return match cut {
                None => Then::Stop(Severity::Info, "that is all there is".into()),
                Some(why) => Then::Stop(Severity::Warning, format!("broken off ({why})")),
            };
        }
        self.since = self.records.resume();
        if let Some(why) = cut {
            tracing::debug!(pod = &*self.want.pod, why, "log stream cut");
            return if self.tries == 0 {
                Then::Now
            } else {
                Then::Again
            };
        }
        // ended in order: the container has, or the server hung up
        match self.look().await {
            Err(then) => then,
            Ok(pod) => match pod.over(self.container.as_deref()) {
                None => Then::Again,
                Some(why) => Then::Stop(Severity::Info, why),
            },
        }
    }

    /// Reads to the end; the reason if it was not an orderly one.
    async fn read(&mut self, mut chunks: super::http::Chunks) -> Option<String> {
        let mut found = Vec::new();
        while !self.deaf {
            let chunk = match chunks.next().now_or_never() {
                Some(chunk) => chunk,
                None => {
                    self.flush().await;
                    let silence = self.shared.tuning.log_silence;
                    match tokio::time::timeout(silence, chunks.next()).await {
                        Ok(chunk) => chunk,
                        // perhaps it has nothing to say, perhaps the connection is dead: a new one tells
                        Err(_) => return Some("silence".into()),
                    }
                }
            };
            match chunk {
                Some(Ok(bytes)) => {
                    self.records.push(&bytes, &mut found);
                    self.take(&mut found).await;
                }
                Some(Err(failure)) => {
                    self.flush().await;
                    return Some(failure.to_string());
                }
                None => break,
            }
        }
        if !self.want.follow || self.want.previous {
            self.records.finish(&mut found);
            self.take(&mut found).await;
        }
        self.flush().await;
        None
    }

    async fn take(&mut self, found: &mut Vec<Record>) {
        for record in found.drain(..) {
            match record {
                Record::Line(line) => {
                    self.tries = 0;
                    self.bytes += line.bytes.len();
                    self.lines.push(line);
                    if self.lines.len() >= LINES || self.bytes >= BYTES {
                        self.flush().await;
                    }
                }
                Record::Remark(text) => self.once(Severity::Warning, text).await,
            }
        }
    }

    async fn flush(&mut self) {
        if !self.lines.is_empty() {
            self.bytes = 0;
            let lines = std::mem::take(&mut self.lines);
            self.send(lines, Vec::new()).await;
        }
    }

    async fn send(&mut self, lines: Vec<LogLine>, notes: Vec<LogNote>) {
        let batch = LogBatch {
            cluster: self.shared.cluster,
            want: self.want.clone(),
            lines,
            notes,
        };
        self.deaf |= !self.shared.send(Report::Log(batch)).await;
    }

    async fn note(&mut self, severity: Severity, text: String) {
        self.flush().await;
        self.send(Vec::new(), vec![LogNote { severity, text }])
            .await;
    }

    /// A note, unless it was the last one already.
    async fn once(&mut self, severity: Severity, text: String) {
        if self.said != text {
            self.said.clone_from(&text);
            self.note(severity, text).await;
        }
    }

    /// The pod as it is now, or what follows from its not being there.
    async fn look(&mut self) -> Result<PodState, Then> {
        let LogWant { namespace, pod, .. } = &*self.want;
        match PodState::get(&self.shared.http, namespace, pod).await {
            Ok(state) if state.uid() != self.want.uid => Err(Then::Stop(
                Severity::Info,
                "another pod has its name now".into(),
            )),
            Ok(state) => Ok(state),
            Err(failure) if failure.code() == Some(404) => {
                Err(Then::Stop(Severity::Info, "the pod is gone".into()))
            }
            // logs without get on pods is a possible role: go by the log alone
            Err(failure) if failure.code() == Some(403) => Err(Then::Again),
            Err(failure) => Err(self.interrupted(&failure).await),
        }
    }

    async fn interrupted(&mut self, failure: &Failure) -> Then {
        self.once(Severity::Warning, format!("interrupted: {failure}"))
            .await;
        Then::Again
    }

    async fn refused(&mut self, failure: Failure) -> Then {
        let Failure::Status { code, message, .. } = &failure else {
            return self.interrupted(&failure).await;
        };
        match code {
            400 if message.contains("waiting to start") => {
                let why = message.rsplit(": ").next().unwrap_or_default();
                let text = match self.look().await {
                    Ok(pod) => match pod.over(self.container.as_deref()) {
                        Some(why) => return Then::Stop(Severity::Info, why),
                        None => format!("waiting: {why}"),
                    },
                    Err(then @ Then::Stop(..)) => return then,
                    Err(_) => format!("waiting: {why}"),
                };
                self.once(Severity::Info, text).await;
                Then::Again
            }
            400 if self.container.is_none() => match self.look().await {
                Ok(pod) => match pod.default_container() {
                    Some((chosen, all)) if all.len() > 1 => {
                        self.container = Some(chosen.to_owned());
                        let text = format!("container {chosen} of {}", all.join(", "));
                        self.note(Severity::Info, text).await;
                        Then::Now
                    }
                    _ => Then::Stop(Severity::Error, message.clone()),
                },
                Err(Then::Again) => Then::Stop(Severity::Error, message.clone()),
                Err(then) => then,
            },
            400 if self.want.previous => Then::Stop(
                Severity::Info,
                "the container has no previous instance".into(),
            ),
            403 => Then::Stop(
                Severity::Error,
                format!("forbidden (needs get on pods/log): {message}"),
            ),
            404 => Then::Stop(Severity::Info, "the pod is gone".into()),
            400..=499 if !matches!(code, 401 | 408 | 429) => {
                Then::Stop(Severity::Error, failure.to_string())
            }
            _ => self.interrupted(&failure).await,
        }
    }
}
