//! Bodies and responses: whole ones, and streams that end when the client goes.

use std::convert::Infallible;
use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use futures::stream::{self, Stream, StreamExt};
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Bytes, Frame};
use serde_json::Value;
use tokio::sync::mpsc;

use crate::api::write::Refusal;

pub type Body = UnsyncBoxBody<Bytes, Infallible>;
pub type Reply = Response<Body>;

/// A body that is at hand.
pub fn whole(code: u16, content_type: &'static str, body: impl Into<Bytes>) -> Reply {
    response(code, content_type, Full::new(body.into()).boxed_unsync())
}

/// A body that comes piece by piece.
pub fn streamed(
    content_type: &'static str,
    pieces: impl Stream<Item = Bytes> + Send + 'static,
) -> Reply {
    let frames = pieces.map(|piece| Ok(Frame::data(piece)));
    response(200, content_type, StreamBody::new(frames).boxed_unsync())
}

/// A body that comes piece by piece and compressed, as fast as that goes.
pub fn compressed(
    content_type: &'static str,
    pieces: impl Iterator<Item = Bytes> + Send + 'static,
) -> Reply {
    let mut encoder = Some(GzEncoder::new(Vec::new(), Compression::fast()));
    let mut pieces = pieces;
    let packed = std::iter::from_fn(move || {
        loop {
            let mut packer = encoder.take()?;
            let Some(piece) = pieces.next() else {
                return packer.finish().ok().map(Bytes::from);
            };
            // Writing into a Vec cannot fail.
            let _ = packer.write_all(&piece);
            let out = std::mem::take(packer.get_mut());
            encoder = Some(packer);
            if !out.is_empty() {
                return Some(out.into());
            }
        }
    });
    let mut reply = streamed(content_type, stream::iter(packed));
    reply
        .headers_mut()
        .insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    reply
}

/// A body fed by a task; the task sees the channel closed when the client has gone.
pub fn fed(content_type: &'static str, feed: mpsc::Receiver<Bytes>) -> Reply {
    let pieces = stream::unfold(feed, |mut feed| async move {
        feed.recv().await.map(|piece| (piece, feed))
    });
    streamed(content_type, pieces)
}

pub fn json(code: u16, value: &Value) -> Reply {
    let mut body = value.to_string().into_bytes();
    body.push(b'\n');
    whole(code, "application/json", body)
}

pub fn text(code: u16, body: &'static str) -> Reply {
    whole(code, "text/plain; charset=utf-8", body)
}

/// A refusal as it goes over the wire.
pub fn refused(refusal: &Refusal) -> Reply {
    let mut reply = json(refusal.code, &refusal.status());
    if refusal.code == 504 || refusal.code == 429 {
        reply
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    reply
}

/// Adds `Warning: 299 - "…"` headers.
pub fn warn(reply: &mut Reply, warnings: &[String]) {
    for text in warnings {
        let quoted = text.replace('\\', "\\\\").replace('"', "\\\"");
        if let Ok(value) = HeaderValue::from_str(&format!("299 - \"{quoted}\"")) {
            reply.headers_mut().append(header::WARNING, value);
        }
    }
}

/// Adds a warning before the others.
pub fn warn_first(reply: &mut Reply, text: &str) {
    let others = match reply.headers_mut().entry(header::WARNING) {
        header::Entry::Occupied(entry) => entry.remove_entry_mult().1.collect(),
        header::Entry::Vacant(_) => Vec::new(),
    };
    warn(reply, &[text.to_owned()]);
    for other in others {
        reply.headers_mut().append(header::WARNING, other);
    }
}

fn response(code: u16, content_type: &'static str, body: Body) -> Reply {
    let mut reply = Response::new(body);
    *reply.status_mut() = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = reply.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("no-cache, private"),
    );
    reply
}
