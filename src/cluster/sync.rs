//! The life of one watch as a pure state machine: list by stream or by pages, watch, resume, relist, fall back,
//! back off. It performs nothing and knows no clock; `source.rs` does what it asks and tells what happened.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::failure::Failure;
use crate::model::health::Health;

/// A list answered nothing for the verb: asked again this much later.
const PROBE: Duration = Duration::from_secs(60);
/// How often to list when watching is forbidden.
const POLL: Duration = Duration::from_secs(30);
/// Back-off: first wait, and the longest.
const FIRST: Duration = Duration::from_millis(800);
const LONGEST: Duration = Duration::from_secs(30);
/// So many answers 429 in a row are waited out without a word: a server that is starting, or has just been taught a
/// kind, says so for a second or two.
const THROTTLED: u32 = 4;
/// A watch that lived this long was a good one, even if nothing happened in it.
const GOOD: Duration = Duration::from_secs(5);

/// A request to make.
#[derive(Debug, Clone, PartialEq)]
pub enum Ask {
    /// A watch that begins with all objects (`sendInitialEvents`) and goes on as an ordinary one.
    Stream,
    /// A page of a list.
    Page { token: Option<String> },
    /// The whole list in one answer from the server's cache: for clusters that change faster than pages can be read.
    Whole,
    /// A watch from a version on.
    Watch { version: String },
}

/// What to do now.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    Ask(Ask),
    /// Nothing for so long, then [`Sync::woken`].
    Wait(Duration),
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// A stream or watch was accepted.
    Opened,
    /// Objects came (and were passed on); `version` is the last one's.
    Objects {
        count: usize,
        version: String,
    },
    Bookmark {
        version: String,
        end: bool,
    },
    /// A list answer came (and its objects were passed on).
    Page {
        count: usize,
        version: String,
        next: Option<String>,
        remaining: Option<usize>,
    },
    /// A stream or watch ended after so long; `broken`: in the middle or before its time, not as servers end it.
    Ended {
        lived: Duration,
        broken: bool,
    },
    /// Nothing came on a stream or watch for too long.
    Stalled {
        silence: Duration,
    },
    /// A request failed, or a watch carried an ERROR event.
    Failed(Failure),
    /// Something came on a watch that is older than what came before, or the server's newest version is older than
    /// what it once told: it repeats itself, or was restored from a backup.
    Older,
}

/// What to tell the model and the user.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// A list begins: what is not seen again by `Synced` is gone.
    Restart,
    Synced,
    Health(Health),
    /// Streamed lists do not work, and why. `everywhere`: on this server at all, not only this once.
    NoStreaming {
        why: String,
        everywhere: bool,
    },
}

#[derive(Debug, Clone, PartialEq)]
enum Phase {
    Stream {
        opened: bool,
        seen: usize,
    },
    Pages {
        token: Option<String>,
        seen: usize,
        /// Of the first page: where the watch begins.
        version: Option<String>,
        whole: bool,
    },
    Watch {
        version: String,
        /// Something came, or it lived long, since it was opened.
        good: bool,
    },
}

/// See the module.
#[derive(Debug)]
pub struct Sync {
    phase: Phase,
    /// `Restart` was put out for the list under way.
    restarted: bool,
    /// Streamed lists may be used.
    streaming: bool,
    synced: bool,
    contact: Option<DateTime<Utc>>,
    failures: u32,
    /// Versions that had expired, in a row, without a healthy watch between.
    expired: u32,
    /// Times the server went back, in a row, without a long watch between.
    older: u32,
    /// The connection was lost since the server last told a version: it may be another server now.
    lost: bool,
    wait: Option<Duration>,
    health: Health,
    /// For the text of `Forbidden`.
    resource: String,
    namespace: Option<String>,
}

impl Sync {
    pub fn new(resource: String, namespace: Option<String>, streaming: bool) -> Self {
        Self {
            phase: start(streaming),
            restarted: false,
            streaming,
            synced: false,
            contact: None,
            failures: 0,
            expired: 0,
            older: 0,
            lost: false,
            wait: None,
            health: Health::Connecting,
            resource,
            namespace,
        }
    }

    pub fn next(&self) -> Next {
        if let Some(wait) = self.wait {
            return Next::Wait(wait);
        }
        Next::Ask(match &self.phase {
            Phase::Stream { .. } => Ask::Stream,
            Phase::Pages { whole: true, .. } => Ask::Whole,
            Phase::Pages { token, .. } => Ask::Page {
                token: token.clone(),
            },
            Phase::Watch { version, .. } => Ask::Watch {
                version: version.clone(),
            },
        })
    }

    /// The wait is over, or the user wants it over. `streaming`: whether the server is still believed to stream.
    pub fn woken(&mut self, streaming: bool) {
        self.wait = None;
        if !streaming {
            self.streaming = false;
            if matches!(self.phase, Phase::Stream { .. }) {
                self.phase = start(false);
            }
        }
    }

    pub fn health(&self) -> &Health {
        &self.health
    }

    /// Takes in what happened. `jitter` is a random number of 0..1.
    pub fn step(&mut self, input: Input, now: DateTime<Utc>, jitter: f64) -> Vec<Output> {
        let mut out = Vec::new();
        if !matches!(
            input,
            Input::Failed(_) | Input::Stalled { .. } | Input::Ended { .. } | Input::Older
        ) {
            self.contact = Some(now);
        }
        match input {
            Input::Opened => self.opened(&mut out),
            Input::Objects { count, version } => self.objects(count, version, &mut out),
            Input::Bookmark { version, end } => self.bookmark(version, end, &mut out),
            Input::Page {
                count,
                version,
                next,
                remaining,
            } => self.page(count, version, next, remaining, &mut out),
            Input::Ended { lived, broken } => {
                self.lost |= broken;
                self.ended(lived, jitter, &mut out);
            }
            Input::Stalled { silence } => self.stalled(silence, jitter, &mut out),
            Input::Failed(failure) => self.failed(failure, jitter, &mut out),
            Input::Older => self.went_back(jitter, &mut out),
        }
        out
    }

    fn opened(&mut self, out: &mut Vec<Output>) {
        // whatever there was to ask was asked before
        self.lost = false;
        match &mut self.phase {
            Phase::Stream { opened, seen } => {
                *opened = true;
                *seen = 0;
                // each attempt sends everything again
                self.restarted = true;
                out.push(Output::Restart);
                self.report(
                    Health::Syncing {
                        seen: 0,
                        total: None,
                    },
                    out,
                );
            }
            Phase::Watch { good, .. } => {
                *good = false;
                self.report(Health::Live, out);
            }
            Phase::Pages { .. } => {}
        }
    }

    fn objects(&mut self, count: usize, new: String, out: &mut Vec<Output>) {
        match &mut self.phase {
            Phase::Stream { seen, .. } => {
                *seen += count;
                let seen = *seen;
                self.report(Health::Syncing { seen, total: None }, out);
            }
            Phase::Watch { version, good } => {
                if !new.is_empty() {
                    *version = new;
                }
                *good = true;
                self.failures = 0;
                self.expired = 0;
            }
            Phase::Pages { .. } => {}
        }
    }

    fn bookmark(&mut self, new: String, end: bool, out: &mut Vec<Output>) {
        match &mut self.phase {
            Phase::Stream { .. } if end => {
                self.phase = Phase::Watch {
                    version: new,
                    good: true,
                };
                self.failures = 0;
                self.finish_list(out);
            }
            // a server that knows streamed lists sends no other bookmark before the end
            Phase::Stream { .. } => {
                self.fall_back("the server ignores sendInitialEvents", true, out)
            }
            Phase::Watch { version, good } => {
                if !new.is_empty() {
                    *version = new;
                }
                *good = true;
                self.failures = 0;
                self.expired = 0;
            }
            Phase::Pages { .. } => {}
        }
    }

    /// The stream being read is still of use: it was not fallen back from.
    pub fn keeps_stream(&self) -> bool {
        !matches!(self.phase, Phase::Pages { .. }) && self.wait.is_none()
    }

    /// Before this version is gone on from: whether the server still knows it should be asked.
    pub fn doubts(&self) -> bool {
        self.lost && matches!(self.phase, Phase::Watch { .. })
    }

    /// The initial objects of a stream are still coming.
    pub fn is_listing(&self) -> bool {
        matches!(self.phase, Phase::Stream { .. })
    }

    fn page(
        &mut self,
        count: usize,
        new: String,
        next: Option<String>,
        remaining: Option<usize>,
        out: &mut Vec<Output>,
    ) {
        let Phase::Pages {
            token,
            seen,
            version,
            ..
        } = &mut self.phase
        else {
            return;
        };
        *seen += count;
        let seen = *seen;
        let from = version.get_or_insert(new).clone();
        let more = next.is_some();
        *token = next;
        self.failures = 0;
        if more {
            let total = remaining.map(|n| seen + n);
            self.report(Health::Syncing { seen, total }, out);
            return;
        }
        self.phase = Phase::Watch {
            version: from,
            good: false,
        };
        self.finish_list(out);
    }

    /// Called before the first rows of a list answer are passed on.
    pub fn page_arrives(&mut self) -> Option<Output> {
        (!std::mem::replace(&mut self.restarted, true)).then_some(Output::Restart)
    }

    fn finish_list(&mut self, out: &mut Vec<Output>) {
        self.restarted = false;
        self.lost = false;
        self.synced = true;
        out.push(Output::Synced);
        self.report(Health::Live, out);
    }

    fn ended(&mut self, lived: Duration, jitter: f64, out: &mut Vec<Output>) {
        match &self.phase {
            Phase::Stream { .. } => self.fall_back("the stream broke off", false, out),
            Phase::Watch { good, .. } => {
                if lived >= GOOD {
                    self.older = 0;
                }
                if *good || lived >= GOOD {
                    self.failures = 0;
                } else {
                    self.failures += 1;
                    self.wait = Some(backoff(self.failures, jitter));
                    if self.failures > 2 {
                        self.stale("the server closes the watch at once".into(), out);
                    }
                }
            }
            Phase::Pages { .. } => {}
        }
    }

    fn stalled(&mut self, silence: Duration, jitter: f64, out: &mut Vec<Output>) {
        let secs = silence.as_secs().max(1);
        match &self.phase {
            Phase::Stream { .. } => {
                self.fall_back(&format!("the stream fell silent for {secs} s"), false, out);
            }
            Phase::Watch { good, .. } => {
                let mute = !*good;
                self.stale(format!("no sign of life for {secs} s"), out);
                // not even a bookmark since it was opened: the version may be one that is yet to come here
                if mute {
                    self.expired(jitter, out);
                }
            }
            Phase::Pages { .. } => self.failed(Failure::Silent(secs), jitter, out),
        }
    }

    fn failed(&mut self, failure: Failure, jitter: f64, out: &mut Vec<Output>) {
        let code = failure.code().unwrap_or(0);
        let streaming = matches!(self.phase, Phase::Stream { .. });
        let watching = matches!(self.phase, Phase::Watch { .. });
        match code {
            // it takes the watch verb; listing may be allowed all the same
            403 if streaming => return self.use_pages(),
            403 if watching && self.synced => return self.poll(out),
            403 => {
                self.wait = Some(PROBE);
                let health = Health::Forbidden {
                    verb: if watching { "watch" } else { "list" }.into(),
                    resource: self.resource.clone(),
                    namespace: self.namespace.clone(),
                };
                return self.report(health, out);
            }
            404 => return self.absent(out),
            410 => return self.expired(jitter, out),
            400 | 405 | 406 | 415 | 422 | 501 if streaming => {
                return self.fall_back(&failure.to_string(), true, out);
            }
            500 if streaming => return self.fall_back(&failure.to_string(), false, out),
            // a version this server cannot make sense of (restored from a backup, another server behind the same name)
            400 | 422 | 504 if watching => return self.expired(jitter, out),
            500 if watching && self.failures >= 2 => return self.expired(jitter, out),
            _ => {}
        }
        if matches!(failure, Failure::Garbled(_)) && self.failures >= 2 {
            // the same again and again: it is not the connection
            match (streaming, watching) {
                (true, _) => return self.fall_back(&failure.to_string(), false, out),
                (_, true) => return self.expired(jitter, out),
                _ => {}
            }
        }
        self.lost |= watching && code == 0;
        self.failures += 1;
        let backoff = backoff(self.failures, jitter);
        self.wait = Some(
            failure
                .retry_after()
                .map_or(backoff, |asked| asked.max(backoff)),
        );
        if code == 429 && self.failures <= THROTTLED {
            return;
        }
        self.stale(failure.to_string(), out);
    }

    /// The version, or a page's token, is too old: list again.
    fn expired(&mut self, jitter: f64, out: &mut Vec<Output>) {
        self.expired += 1;
        if matches!(self.phase, Phase::Stream { .. }) {
            return self.fall_back("410 in the initial stream", false, out);
        }
        if self.expired > 1 {
            self.wait = Some(backoff(self.expired - 1, jitter));
        }
        let whole = self.expired > 2 && !self.streaming;
        self.restarted = false;
        self.phase = start(self.streaming);
        if let Phase::Pages { whole: w, .. } = &mut self.phase {
            *w = whole;
        }
    }

    /// What is known may be from a future that is none any more: list again, but do not fall into a rhythm with a
    /// server that always does so.
    fn went_back(&mut self, jitter: f64, out: &mut Vec<Output>) {
        self.older += 1;
        self.expired(jitter, out);
        if self.older > 1 {
            let wait = backoff(self.older - 1, jitter);
            self.wait = Some(self.wait.map_or(wait, |other| other.max(wait)));
        }
    }

    /// Listing works, watching is forbidden: list every now and then.
    fn poll(&mut self, out: &mut Vec<Output>) {
        self.use_pages();
        self.wait = Some(POLL);
        self.stale(
            format!("watch is forbidden: listing every {} s", POLL.as_secs()),
            out,
        );
    }

    fn absent(&mut self, out: &mut Vec<Output>) {
        if self.synced || self.restarted {
            // the kind was removed: its objects went with it
            out.extend([Output::Restart, Output::Synced]);
        }
        self.synced = false;
        self.restarted = false;
        self.phase = start(self.streaming);
        self.wait = Some(PROBE);
        self.report(Health::Absent, out);
    }

    fn use_pages(&mut self) {
        self.streaming = false;
        self.restarted = false;
        self.phase = start(false);
    }

    fn fall_back(&mut self, why: &str, everywhere: bool, out: &mut Vec<Output>) {
        self.use_pages();
        out.push(Output::NoStreaming {
            why: why.to_owned(),
            everywhere,
        });
    }

    fn stale(&mut self, why: String, out: &mut Vec<Output>) {
        let health = match (self.synced, self.contact) {
            (true, Some(since)) => Health::Stale { since, why },
            _ => Health::Failing { why },
        };
        self.report(health, out);
    }

    fn report(&mut self, health: Health, out: &mut Vec<Output>) {
        if self.health != health {
            self.health = health.clone();
            out.push(Output::Health(health));
        }
    }
}

fn start(streaming: bool) -> Phase {
    if streaming {
        Phase::Stream {
            opened: false,
            seen: 0,
        }
    } else {
        Phase::Pages {
            token: None,
            seen: 0,
            version: None,
            whole: false,
        }
    }
}

/// 0.8 s, doubling to 30 s, each times 0.5…1.5 so that many clients do not come back together.
pub fn backoff(failures: u32, jitter: f64) -> Duration {
    let doubled = FIRST.saturating_mul(1 << failures.saturating_sub(1).min(10));
    doubled.min(LONGEST).mul_f64(0.5 + jitter.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests;
