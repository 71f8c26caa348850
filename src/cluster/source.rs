//! One watch task: does what `sync.rs` asks over HTTP, has objects turned into rows, and sends them in batches. It is the
//! same for all kinds: what differs is behind [`Batch`].

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use chrono::Utc;
use futures::{FutureExt, StreamExt};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::failure::Failure;
use super::http::Ask;
use super::kinds;
use super::lines::Lines;
use super::meter::Meter;
use super::report::{Report, Severity, SourceHealth};
pub use super::shared::{Shared, Tuning};
use super::sync::{self, Input, Next, Output, Sync};
use super::wire::extra::Reader;
use super::wire::{self, Bare, Batch, Event};
use crate::model::delta::{Delta, Rows, SourceId};
use crate::model::extra::{Set, Texts};
use crate::model::health::Health;
use crate::model::ids::{Name, Names, Uid};
use crate::model::want::Selector;

mod columns;
mod older;
mod raw;
mod unread;
mod ways;

pub use ways::{escape, guarded, random};

/// Rows per message.
const BATCH: usize = 256;
/// Rows that wait, while nobody takes messages, before the server has to: about a megabyte.
const WAITING: usize = 4096;

/// One watch to run.
#[derive(Clone)]
pub struct Source {
    pub shared: Arc<Shared>,
    pub id: SourceId,
    pub entry: &'static kinds::Entry,
    pub version: &'static str,
    pub namespace: Option<Name>,
    pub selector: Selector,
    pub cancel: CancellationToken,
    /// End with [`End::Forbidden`] instead of asking again: somebody has another idea.
    pub yields: bool,
    /// End with [`End::Absent`] when the kind is not served any more: somebody looks whether it comes back.
    pub leaves: bool,
}

/// Why a watch ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Nobody wants it, or nobody listens.
    Cancelled,
    /// 403, and it yields.
    Forbidden,
    /// 404, and it leaves.
    Absent,
}

/// Runs a watch until it is cancelled; then its rows are taken back.
pub async fn run(source: Source) -> End {
    let Some(batch) = source.entry.batch else {
        return End::Absent;
    };
    let cancel = source.cancel.clone();
    let (shared, id, kind) = (source.shared.clone(), source.id, source.entry.kind);
    let mut sets = shared.extra.subscribe();
    let end = loop {
        let set = sets.borrow_and_update().of_kind(kind);
        // what the objects have in other columns is known from none of the rows: they are listed again, which keeps
        // those there are until all are there
        tokio::select! {
            biased;
            () = cancel.cancelled() => break End::Cancelled,
            () = columns::others(&mut sets, kind, &set) => {}
            end = Runner::new(source.clone(), batch(), &set).drive() => break end,
        }
    };
    let dropped = Delta {
        cluster: shared.cluster,
        source: id,
        rows: batch().change(Bare::Dropped),
    };
    shared.send(Report::Delta(dropped)).await;
    let cluster = shared.cluster;
    shared
        .send(Report::Ended {
            cluster,
            source: id,
        })
        .await;
    end
}

struct Runner {
    source: Source,
    /// Reads columns of the user's own, where there are such.
    columns: Option<Reader>,
    /// What was read for them, to be sent before the rows.
    extra: Vec<(Uid, Texts)>,
    sync: Sync,
    names: Names,
    /// The objects that are read, and the rows that wait.
    batch: Box<dyn Batch>,
    /// Beside the rows the objects they are made of, where those are wanted.
    raw: Vec<Box<str>>,
    gone: Vec<Uid>,
    /// Where among the rows each object is: a later state takes the place of an earlier one that still waits. Not while
    /// listing, when each comes once.
    places: HashMap<Uid, usize>,
    /// Objects told of since `sync` was.
    heard: usize,
    /// Version of the last object not yet told to `sync`.
    version: String,
    /// The newest version told on the watch that is open; 0 if they are no numbers.
    newest: u64,
    /// Objects so far of which something could not be read, and how many of them are described.
    skipped: usize,
    described: usize,
    meter: Arc<Meter>,
    /// Ends the task: nobody listens.
    deaf: bool,
}

impl Runner {
    fn new(source: Source, batch: Box<dyn Batch>, columns: &Set) -> Self {
        let streaming = source.shared.streaming.load(Ordering::Relaxed);
        let namespace = source.namespace.as_deref().map(str::to_owned);
        let sync = Sync::new(source.entry.plural().to_owned(), namespace, streaming);
        let meter = source.shared.meters.of(source.entry.kind);
        Self {
            source,
            columns: Reader::new(columns),
            extra: Vec::new(),
            sync,
            meter,
            names: Names::default(),
            batch,
            raw: Vec::new(),
            gone: Vec::new(),
            places: HashMap::new(),
            heard: 0,
            version: String::new(),
            newest: 0,
            skipped: 0,
            described: 0,
            deaf: false,
        }
    }

    async fn drive(mut self) -> End {
        self.health(Health::Connecting).await;
        while !self.deaf {
            match self.sync.next() {
                Next::Wait(time) => {
                    if self.source.yields && matches!(self.sync.health(), Health::Forbidden { .. })
                    {
                        return End::Forbidden;
                    }
                    if self.source.leaves && *self.sync.health() == Health::Absent {
                        return End::Absent;
                    }
                    self.source.shared.wait(time).await;
                    let streaming = self.source.shared.streaming.load(Ordering::Relaxed);
                    self.sync.woken(streaming);
                }
                Next::Ask(sync::Ask::Page { token }) => self.page(token, true).await,
                Next::Ask(sync::Ask::Whole) => self.page(None, false).await,
                Next::Ask(sync::Ask::Stream) => self.watch(None).await,
                Next::Ask(sync::Ask::Watch { version }) => {
                    let went_back = match self.sync.doubts() {
                        true => self.went_back(&version).await,
                        false => Ok(false),
                    };
                    match went_back {
                        Ok(true) => self.step(Input::Older).await,
                        Ok(false) => self.watch(Some(version)).await,
                        Err(failure) => self.step(Input::Failed(failure)).await,
                    }
                }
            }
        }
        End::Cancelled
    }

    async fn step(&mut self, input: Input) {
        if matches!(input, Input::Failed(_) | Input::Stalled { .. }) {
            self.meter.failures.add(1);
        }
        for output in self.sync.step(input, Utc::now(), random()) {
            self.put(output).await;
        }
    }

    async fn put(&mut self, output: Output) {
        match output {
            Output::Restart => self.change(Bare::Restart).await,
            Output::Synced => self.change(Bare::Synced).await,
            Output::Health(health) => self.health(health).await,
            Output::NoStreaming { why, everywhere } => {
                let shared = &self.source.shared;
                let news = !everywhere || shared.streaming.swap(false, Ordering::Relaxed);
                tracing::info!(kind = self.source.entry.plural(), why, "no streamed list");
                // an old server is nothing to worry a user with
                if news && !everywhere {
                    let what = self.source.entry.plural();
                    let text = format!("{what}: {why}; listing in pages instead");
                    shared.notice(Severity::Info, text).await;
                }
            }
        }
    }

    async fn change(&mut self, bare: Bare) {
        self.tell(self.batch.change(bare)).await;
    }

    async fn tell(&mut self, rows: Rows) {
        let delta = Delta {
            cluster: self.source.shared.cluster,
            source: self.source.id,
            rows,
        };
        self.deaf |= !self.source.shared.send(Report::Delta(delta)).await;
    }

    async fn health(&mut self, health: Health) {
        if let Health::Forbidden { verb, resource, .. } = &health {
            tracing::info!(resource, verb, "forbidden");
        }
        let report = SourceHealth {
            cluster: self.source.shared.cluster,
            source: self.source.id,
            kind: self.source.entry.kind,
            selector: self.source.selector.clone(),
            namespace: self.source.namespace.clone(),
            health,
        };
        self.deaf |= !self.source.shared.send(Report::Health(report)).await;
    }

    fn path(&self, query: &[(&str, &str)]) -> String {
        let namespace = match &self.source.selector {
            Selector::About { namespace, .. } if !namespace.is_empty() => Some(namespace),
            _ => self.source.namespace.as_ref(),
        };
        let mut path = self
            .source
            .entry
            .path(self.source.version, namespace.map(|n| &**n));
        let about = match &self.source.selector {
            Selector::All => None,
            Selector::About { uid, .. } => Some(format!("involvedObject.uid={uid}")),
            Selector::OfNode(name) => Some(format!(
                "involvedObject.kind=Node,involvedObject.name={name}"
            )),
        };
        let mut sign = '?';
        let about = about.as_deref().map(|fields| ("fieldSelector", fields));
        for (key, value) in query.iter().copied().chain(about) {
            path.push(sign);
            path.push_str(key);
            path.push('=');
            escape(value, &mut path);
            sign = '&';
        }
        path
    }

    /// One page, or the whole list from the server's cache.
    async fn page(&mut self, token: Option<String>, paged: bool) {
        let limit = self.source.shared.tuning.page.to_string();
        let mut query = Vec::new();
        if paged {
            query.push(("limit", limit.as_str()));
        } else {
            query.push(("resourceVersion", "0"));
        }
        if let Some(token) = &token {
            query.push(("continue", token));
        }
        let ask = Ask::get(self.path(&query));
        self.meter.lists.add(1);
        let answer = self.source.shared.http.read(&ask).await;
        let page = answer.and_then(|body| {
            let page = wire::list::page(&mut *self.batch, &body);
            let page = page.map_err(|e| Failure::Garbled(e.to_string()))?;
            if let Some(columns) = &self.columns {
                self.extra.extend(columns.page(&body, &mut self.names));
            }
            if self.source.shared.tuning.raw {
                self.raw = wire::raw::objects(&body);
            }
            Ok(page)
        });
        let page = match page {
            Ok(page) => page,
            Err(failure) => return self.step(Input::Failed(failure)).await,
        };
        if let Some(restart) = self.sync.page_arrives() {
            self.put(restart).await;
        }
        let count = page.items;
        self.meter.objects.add(count);
        let cluster = self.source.shared.cluster;
        while self.batch.fill(BATCH, cluster, &mut self.names) >= BATCH {
            self.flush().await;
        }
        self.flush().await;
        self.skip(page.skipped, page.odd, page.unread).await;
        self.step(Input::Page {
            count,
            version: page.version,
            next: page.next,
            remaining: page.remaining,
        })
        .await;
    }

    /// A watch from a version, or (`None`) one that begins with everything.
    async fn watch(&mut self, version: Option<String>) {
        let shared = self.source.shared.clone();
        // not all at the same moment
        let seconds = shared.tuning.watch_seconds;
        let seconds = seconds - (f64::from(seconds) * 0.15 * random()) as u32;
        let timeout = seconds.to_string();
        let mut query = vec![
            ("watch", "1"),
            ("allowWatchBookmarks", "true"),
            ("timeoutSeconds", timeout.as_str()),
        ];
        match &version {
            Some(version) => query.push(("resourceVersion", version)),
            None => query.extend([
                ("sendInitialEvents", "true"),
                ("resourceVersionMatch", "NotOlderThan"),
            ]),
        }
        let ask = Ask::get(self.path(&query)).plain();
        let answer = match shared.http.open(&ask).await {
            Ok(answer) => answer,
            Err(failure) => return self.step(Input::Failed(failure)).await,
        };
        let opened = Instant::now();
        self.meter.watches.add(1);
        self.step(Input::Opened).await;
        let mut chunks = shared.http.chunks(answer);
        let mut lines = Lines::default();
        while !self.deaf {
            // what is there already goes into the same batch
            let chunk = 'chunk: {
                match chunks.next().now_or_never() {
                    Some(chunk) => Ok(chunk),
                    None => {
                        // who listens is slower than the server: what comes meanwhile is folded into what waits
                        while self.waits() > 0 && !self.has_room() {
                            tokio::select! {
                                biased;
                                chunk = chunks.next() => break 'chunk Ok(chunk),
                                room = shared.out.reserve() => self.deaf |= room.is_err(),
                            }
                            if self.deaf {
                                return;
                            }
                        }
                        self.told(0).await;
                        let silence = match self.sync.is_listing() {
                            true => shared.tuning.stream_silence,
                            false => shared.tuning.watch_silence,
                        };
                        tokio::time::timeout(silence, chunks.next())
                            .await
                            .map_err(|_| silence)
                    }
                }
            };
            match chunk {
                Err(silence) => return self.step(Input::Stalled { silence }).await,
                Ok(Some(Ok(bytes))) => {
                    lines.push(&bytes);
                    let goes_on = self.read(&mut lines).await;
                    self.batch.forget();
                    if !goes_on {
                        return;
                    }
                }
                // either way it resumes from the last version
                Ok(end @ (Some(Err(_)) | None)) => {
                    self.told(0).await;
                    let lived = opened.elapsed();
                    // in order, but before its time: a server that is going down, and may come back as another
                    let broken = end.is_some() || lived.as_secs() + 1 < seconds.into();
                    return self.step(Input::Ended { lived, broken }).await;
                }
            }
        }
    }

    /// Takes in all whole lines; false if the stream is of no use any more.
    async fn read(&mut self, lines: &mut Lines) -> bool {
        while let Some(line) = lines.next_line() {
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let describe = self.described < unread::NAMED;
            let read = wire::line::event_in_part(&mut *self.batch, line, describe);
            let event = match read {
                Ok((event, None)) => Ok(event),
                Ok((event, Some(odd))) => {
                    self.skip_one(odd).await;
                    Ok(event)
                }
                Err(e) => Err(e),
            };
            match event {
                Ok(Event::Applied(who)) => {
                    if self.is_older(&who.version) {
                        return self.older().await;
                    }
                    self.version.clear();
                    self.version.push_str(&who.version);
                    // one that left a selection and is back
                    if self.gone.contains(&who.uid) {
                        self.told(0).await;
                    }
                    if let Some(columns) = &self.columns {
                        self.extra.extend(columns.line(line, &mut self.names));
                    }
                    let raw = match self.source.shared.tuning.raw {
                        true => wire::raw::objects(line).pop(),
                        false => None,
                    };
                    self.gather(who.uid, raw);
                    self.told(BATCH).await;
                }
                Ok(Event::Deleted(who)) => {
                    if self.is_older(&who.version) {
                        return self.older().await;
                    }
                    self.version.clear();
                    self.version.push_str(&who.version);
                    // what it came to before it went is told first
                    self.gone.push(who.uid);
                    self.count();
                    self.told(BATCH).await;
                }
                // comes with what waits
                Ok(Event::Bookmark {
                    version,
                    end: false,
                }) if self.waits() > 0 && !self.sync.is_listing() => {
                    if self.is_older(&version) {
                        return self.older().await;
                    }
                    self.version = version;
                }
                Ok(Event::Bookmark { version, end }) => {
                    if self.is_older(&version) {
                        return self.older().await;
                    }
                    self.told(0).await;
                    self.step(Input::Bookmark { version, end }).await;
                    if !self.sync.keeps_stream() {
                        return false;
                    }
                }
                Ok(Event::Error(status)) => {
                    self.told(0).await;
                    let failure = Failure::from_status(status, 500, None);
                    self.step(Input::Failed(failure)).await;
                    return false;
                }
                Ok(Event::Unknown) => {}
                // it may have been any event: come back to where it was last whole
                Err(e) => {
                    self.told(0).await;
                    let failure = Failure::Garbled(e.to_string());
                    self.step(Input::Failed(failure)).await;
                    return false;
                }
            }
        }
        true
    }

    /// Rows, and names of those that went, that have gathered.
    fn waits(&self) -> usize {
        self.batch.rows() + self.gone.len()
    }

    fn has_room(&self) -> bool {
        self.source.shared.out.capacity() > 0
    }

    fn count(&mut self) {
        self.heard += 1;
        self.meter.objects.add(1);
        if !self.sync.is_listing() {
            self.meter.events.add(1);
        }
    }

    /// The object that was read, as it is now.
    fn gather(&mut self, uid: Uid, raw: Option<Box<str>>) {
        self.count();
        let cluster = self.source.shared.cluster;
        if !self.sync.is_listing() {
            match self.places.entry(uid) {
                Entry::Occupied(at) => {
                    self.meter.folded.add(1);
                    let place = Some(*at.get());
                    self.batch.row(place, cluster, &mut self.names);
                    if let (Some(raw), Some(old)) = (raw, self.raw.get_mut(*at.get())) {
                        *old = raw;
                    }
                    return;
                }
                Entry::Vacant(place) => drop(place.insert(self.batch.rows())),
            }
        }
        self.batch.row(None, cluster, &mut self.names);
        self.raw.extend(raw);
    }

    /// Sends what has gathered if it is at least so much and somebody takes it, and tells the machine.
    async fn told(&mut self, at_least: usize) {
        let count = self.waits();
        if count == 0 || count < at_least {
            return;
        }
        if at_least > 0 && count < WAITING && !self.sync.is_listing() && !self.has_room() {
            return;
        }
        self.flush().await;
        let version = std::mem::take(&mut self.version);
        let count = std::mem::take(&mut self.heard);
        self.step(Input::Objects { count, version }).await;
    }

    async fn flush(&mut self) {
        self.flush_extra().await;
        if self.batch.rows() > 0 {
            let rows = self.batch.take();
            self.places.clear();
            self.tell_raw().await;
            self.tell(rows).await;
        }
        if !self.gone.is_empty() {
            let gone = std::mem::take(&mut self.gone);
            self.change(Bare::Gone(gone)).await;
        }
    }
}
