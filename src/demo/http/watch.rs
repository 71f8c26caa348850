//! Watches: events of one kind, as the client's selectors see them, until it goes or time is up.

use std::time::Duration;

use hyper::body::Bytes;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::Call;
use super::accept::{Form, metadata_only};
use super::read::{Scope, seen};
use super::reply::{self, Reply};
use super::route::Target;
use crate::Shared;
use crate::api::options::{At, ListOptions};
use crate::api::write::{Cluster, Refusal};
use crate::api::{skeleton, table};
use crate::store::{Change, Event, Object};

/// How often a quiet watch says where it stands.
const HEARTBEAT: Duration = Duration::from_secs(60);
/// How long before its end a watch says so once more.
const FAREWELL: Duration = Duration::from_secs(2);
/// How long a watch lasts that named no time: within the real server's 30 to 60 minutes.
const DEFAULT_SECONDS: u64 = 2400;
/// Bytes that the beginning of a watch is sent by, about.
const PIECE: usize = 64 * 1024;
/// Events taken from the history at a time.
const BATCH: usize = 256;

/// Starts a watch.
///
/// # Errors
/// None now: a version that is gone is told as an event, as the real server does.
pub fn answer(
    shared: &Shared,
    target: Target,
    scope: Scope,
    options: &ListOptions,
    call: &Call,
) -> Result<Reply, Refusal> {
    let (feed, body) = mpsc::channel(16);
    let mut watcher = Watcher {
        target,
        scope,
        form: call.form,
        include: call.query.text("includeObject").to_owned(),
        bookmarks: options.bookmarks,
        cursor: 0,
        feed,
    };
    let mut first = Vec::new();
    let mut opening = None;
    {
        let world = shared.lock();
        let cluster = world.cluster();
        let store = &cluster.store;
        let namespace = watcher.scope.namespace.as_deref();
        let from = match options.at {
            At::NotOlderThan(rv) | At::Exact(rv) if !options.initial_events => rv,
            _ => {
                let all = store.list(watcher.target.id, namespace);
                first.extend(all.filter(|o| watcher.scope.holds(o)).cloned());
                store.rv()
            }
        };
        watcher.cursor = from;
        if let Err(gone) = store.since(watcher.target.id, from) {
            opening = Some(expired(from, gone.oldest));
        }
    }
    let seconds = options.timeout_seconds.filter(|s| *s > 0);
    let deadline = Instant::now() + Duration::from_secs(seconds.unwrap_or(DEFAULT_SECONDS));
    let (shared, initial) = (shared.clone(), options.initial_events);
    tokio::spawn(async move {
        if let Some(error) = opening {
            let _ = watcher.feed.send(line("ERROR", &error)).await;
            return;
        }
        // by pieces: the memory of the beginning is that of a few of them, however many objects there are
        let mut first = first.into_iter().peekable();
        while first.peek().is_some() {
            let mut piece = Vec::with_capacity(PIECE + PIECE / 4);
            {
                let world = (!watcher.as_stored()).then(|| shared.lock());
                let cluster = world.as_ref().map(|world| world.cluster());
                while piece.len() < PIECE
                    && let Some(object) = first.next()
                {
                    watcher.event(cluster, "ADDED", &object, object.rv, &mut piece);
                }
            }
            if watcher.feed.send(piece.into()).await.is_err() {
                return;
            }
        }
        if initial && watcher.bookmarks && watcher.feed.send(watcher.bookmark(true)).await.is_err()
        {
            return;
        }
        watcher.run(&shared, deadline).await;
    });
    let kind = "application/json";
    Ok(reply::fed(kind, body))
}

/// What a watch does after some events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// More are there already.
    More,
    Wait,
    /// The kind is no longer served.
    End,
}

struct Watcher {
    target: Target,
    scope: Scope,
    form: Form,
    include: String,
    bookmarks: bool,
    /// Version of the last event considered.
    cursor: u64,
    feed: mpsc::Sender<Bytes>,
}

impl Watcher {
    async fn run(&mut self, shared: &Shared, deadline: Instant) {
        let mut changed = shared.lock().cluster().store.subscribe();
        let farewell = deadline - FAREWELL;
        let next_heartbeat = |now: Instant| {
            let beat = now + HEARTBEAT;
            if now < farewell {
                beat.min(farewell)
            } else {
                beat
            }
        };
        let mut heartbeat = next_heartbeat(Instant::now());
        loop {
            match self.take(shared, &mut changed) {
                Ok((lines, next)) => {
                    let told = lines.is_empty() || self.feed.send(lines.into()).await.is_ok();
                    match next {
                        _ if !told => return,
                        Next::End => return,
                        Next::More => continue,
                        Next::Wait => {}
                    }
                }
                Err(error) => {
                    let _ = self.feed.send(line("ERROR", &error)).await;
                    return;
                }
            }
            tokio::select! {
                () = self.feed.closed() => return,
                () = tokio::time::sleep_until(deadline) => return,
                () = tokio::time::sleep_until(heartbeat) => {
                    heartbeat = next_heartbeat(Instant::now());
                    // of one that waits for a version yet to come nothing is known
                    let known = shared.lock().cluster().store.rv() >= self.cursor;
                    if self.bookmarks && known && self.feed.send(self.bookmark(false)).await.is_err() {
                        return;
                    }
                }
                changed = changed.changed() => if changed.is_err() { return },
            }
        }
    }

    /// The next events, and what comes after them.
    fn take(
        &mut self,
        shared: &Shared,
        changed: &mut tokio::sync::watch::Receiver<u64>,
    ) -> Result<(Vec<u8>, Next), Value> {
        let world = shared.lock();
        let cluster = world.cluster();
        changed.borrow_and_update();
        let newest = cluster.store.rv();
        let from = self.cursor;
        let events = cluster
            .store
            .since(self.target.id, from)
            .map_err(|gone| expired(from, gone.oldest))?;
        let (mut lines, mut seen) = (Vec::new(), 0);
        for event in events.take(BATCH) {
            seen += 1;
            self.cursor = event.rv;
            self.translate(cluster, event, &mut lines);
        }
        if seen < BATCH {
            self.cursor = self.cursor.max(newest);
        }
        let next = match seen {
            BATCH => Next::More,
            _ if !cluster.store.is_served(self.target.id) => Next::End,
            _ => Next::Wait,
        };
        Ok((lines, next))
    }

    /// An event as this watch's selectors see it: objects come into scope and leave it.
    fn translate(&self, cluster: &Cluster, event: &Event, out: &mut Vec<u8>) {
        let before = event.previous.as_ref().is_some_and(|o| self.scope.holds(o));
        let now = event.change != Change::Deleted && self.scope.holds(&event.object);
        let cluster = Some(cluster);
        match (before, now) {
            (false, false) => {}
            (false, true) => self.event(cluster, "ADDED", &event.object, event.rv, out),
            (true, true) => self.event(cluster, "MODIFIED", &event.object, event.rv, out),
            (true, false) => {
                // What leaves is shown as it last was in scope, at the version of its leaving.
                let shown = match (&event.previous, event.change) {
                    (Some(previous), Change::Modified) => previous,
                    _ => &event.object,
                };
                self.event(cluster, "DELETED", shown, event.rv, out);
            }
        }
    }

    /// The stored bytes are what is shown.
    fn as_stored(&self) -> bool {
        self.form == Form::Json && !self.target.newer_events && !self.target.converts
    }

    /// One line; the cluster is needed where what is shown is not what is stored.
    fn event(
        &self,
        cluster: Option<&Cluster>,
        kind: &str,
        object: &Object,
        rv: u64,
        out: &mut Vec<u8>,
    ) {
        if self.as_stored() && object.rv == rv {
            out.extend_from_slice(b"{\"type\":\"");
            out.extend_from_slice(kind.as_bytes());
            out.extend_from_slice(b"\",\"object\":");
            out.extend_from_slice(object.json());
            out.extend_from_slice(b"}\n");
            return;
        }
        let Some(cluster) = cluster else {
            return;
        };
        let mut value = seen(cluster, &self.target, object);
        value["metadata"]["resourceVersion"] = json!(rv.to_string());
        out.extend_from_slice(&self.line(Some(cluster), kind, value));
    }

    fn line(&self, cluster: Option<&Cluster>, kind: &str, value: Value) -> Bytes {
        match (self.form, cluster) {
            (Form::Table, Some(cluster)) => {
                let version = value["metadata"]["resourceVersion"].clone();
                let mut table = table::table(
                    &self.target.kind,
                    cluster.columns(self.target.id, &self.target.kind.version),
                    std::iter::once(value),
                    &self.include,
                    cluster.clock.now(),
                );
                table["metadata"] = json!({"resourceVersion": version});
                line(kind, &table)
            }
            (Form::Metadata, _) => line(kind, &metadata_only(&value)),
            _ => line(kind, &value),
        }
    }

    fn bookmark(&self, initial_end: bool) -> Bytes {
        let mut object = skeleton::empty(&self.target.kind, self.target.newer_events);
        object["metadata"] = json!({"resourceVersion": self.cursor.to_string()});
        if initial_end {
            object["metadata"]["annotations"] = json!({"k8s.io/initial-events-end": "true"});
        }
        self.line(None, "BOOKMARK", object)
    }
}

fn line(kind: &str, object: &Value) -> Bytes {
    let mut text = json!({"type": kind, "object": object}).to_string();
    text.push('\n');
    text.into()
}

fn expired(asked: u64, oldest: u64) -> Value {
    Refusal::new(
        410,
        "Expired",
        format!("too old resource version: {asked} ({oldest})"),
    )
    .status()
}
