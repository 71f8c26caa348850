//! Forwarded ports as kubectl asks for them: SPDY/3.1 within a WebSocket. Of each connection there are two streams, one
//! for its data and one for what is wrong with it; their headers say which port is meant and which two belong together.

use futures::{SinkExt, StreamExt};
use serde_json::Value;
use tokio_tungstenite::tungstenite::Message;

use super::passage::refused;
use super::socket::{self, Socket};
use super::spdy::{Broken, Frame, Incoming, Outgoing};
use super::stream::Way;
use crate::Shared;
use crate::inside::{Guest, Served};

pub const PROTOCOL: &str = "SPDY/3.1+portforward.k8s.io";
/// Connections at a time: a client that opens more is told no.
const MOST: usize = 256;

/// A connection: its streams, and who listens at the other end once both are there.
#[derive(Default)]
struct Pair {
    request: String,
    data: Option<u32>,
    error: Option<u32>,
    guest: Option<Guest>,
}

/// What one client has open.
struct Session<'a> {
    shared: &'a Shared,
    way: &'a Way,
    incoming: Incoming,
    out: Outgoing,
    pairs: Vec<Pair>,
    last: u32,
    over: bool,
}

/// Serves a client until it goes, or its pod does.
pub async fn serve(mut socket: Socket, shared: &Shared, way: &Way, uid: &Value) {
    let mut changed = shared.lock().cluster().store.subscribe();
    let mut session = Session {
        shared,
        way,
        incoming: Incoming::default(),
        out: Outgoing::default(),
        pairs: Vec::new(),
        last: 0,
        over: false,
    };
    while !session.over {
        tokio::select! {
            message = socket.next() => match message {
                Some(Ok(Message::Binary(bytes))) => session.take(&bytes),
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => {}
            },
            changed = changed.changed() => {
                if changed.is_err() || !session.lives(uid) {
                    session.leave();
                }
            }
        }
        let bytes = std::mem::take(&mut session.out.bytes);
        if !bytes.is_empty() && socket.send(Message::Binary(bytes.into())).await.is_err() {
            return;
        }
    }
    socket::finish(socket).await;
}

impl Session<'_> {
    fn take(&mut self, bytes: &[u8]) {
        self.incoming.put(bytes);
        loop {
            match self.incoming.next() {
                Ok(Some(frame)) => self.frame(frame),
                Ok(None) => return,
                Err(Broken(_)) => return self.leave(),
            }
        }
    }

    fn frame(&mut self, frame: Frame) {
        match frame {
            Frame::Opened {
                stream, headers, ..
            } => self.opened(stream, &headers),
            Frame::Data {
                stream,
                bytes,
                ends,
            } => self.data(stream, &bytes, ends),
            Frame::Reset(stream) => {
                if let Some(at) = self.of(stream) {
                    self.end(at);
                }
            }
            // the even ones would be answers to ours
            Frame::Ping(id) if id % 2 == 1 => self.out.ping(id),
            Frame::Goodbye => self.over = true,
            Frame::Ping(_) | Frame::Other => {}
        }
    }

    fn of(&self, stream: u32) -> Option<usize> {
        let has = |pair: &Pair| pair.data == Some(stream) || pair.error == Some(stream);
        self.pairs.iter().position(has)
    }

    fn opened(&mut self, stream: u32, headers: &[(String, String)]) {
        let header = |name: &str| {
            let mut all = headers.iter().filter(|(key, _)| key == name);
            all.next().map_or("", |(_, value)| value.as_str())
        };
        let error = match header("streamtype") {
            "error" => true,
            "data" => false,
            _ => return self.out.reset(stream),
        };
        let port = header("port").parse().unwrap_or(0);
        if port == 0 || self.pairs.len() >= MOST {
            return self.out.reset(stream);
        }
        self.last = self.last.max(stream);
        self.out.reply(stream);
        // clients that do not number them open the one for errors first
        let request = match header("requestid") {
            "" if error => stream.to_string(),
            "" => stream.saturating_sub(2).to_string(),
            told => told.to_owned(),
        };
        let at = match self.pairs.iter().position(|pair| pair.request == request) {
            Some(at) => at,
            None => {
                self.pairs.push(Pair {
                    request,
                    ..Pair::default()
                });
                self.pairs.len() - 1
            }
        };
        let pair = &mut self.pairs[at];
        match error {
            true => pair.error = Some(stream),
            false => pair.data = Some(stream),
        }
        let (Some(_), Some(error)) = (pair.data, pair.error) else {
            return;
        };
        pair.guest = Guest::at(self.shared, self.way.find(self.shared).ok().as_ref(), port);
        if pair.guest.is_none() {
            let why = refused(&self.way.pod, port);
            self.out.data(error, why.as_bytes(), false);
            self.end(at);
        }
    }

    fn data(&mut self, stream: u32, bytes: &[u8], ends: bool) {
        let found = self.pairs.iter().position(|p| p.data == Some(stream));
        let Some(at) = found else { return };
        let Some(guest) = &mut self.pairs[at].guest else {
            return;
        };
        let Served { bytes, closes } = guest.take(self.shared, bytes);
        self.out.data(stream, &bytes, false);
        if closes || ends {
            self.end(at);
        }
    }

    /// Both streams of a connection say nothing more.
    fn end(&mut self, at: usize) {
        let pair = self.pairs.remove(at);
        for stream in [pair.data, pair.error].into_iter().flatten() {
            self.out.data(stream, &[], true);
        }
    }

    /// The pod is the one that was meant, and runs; connections whose program has gone end.
    fn lives(&mut self, uid: &Value) -> bool {
        let Ok(pod) = self.way.find(self.shared) else {
            return false;
        };
        let pod = pod.tree();
        if pod["metadata"]["uid"] != *uid || pod["status"]["phase"] != "Running" {
            return false;
        }
        while let Some(at) = self.pairs.iter().position(|pair| {
            let guest = pair.guest.as_ref();
            guest.is_some_and(|guest| !guest.lives(self.shared))
        }) {
            self.end(at);
        }
        true
    }

    fn leave(&mut self) {
        while !self.pairs.is_empty() {
            self.end(0);
        }
        self.out.goodbye(self.last);
        self.over = true;
    }
}
