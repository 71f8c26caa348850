//! What faults do to the bodies of answers.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::{self, BoxStream, StreamExt};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Bytes, Frame};
use tokio::net::TcpStream;

use super::super::reply;
use super::hostile;
use super::spec::Fault;

/// The answer breaks off here.
#[derive(Debug)]
pub struct Broken;

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("broken off by a fault that was asked for")
    }
}

impl std::error::Error for Broken {}

pub type Body = UnsyncBoxBody<Bytes, Broken>;
type Pieces = BoxStream<'static, Result<Bytes, Broken>>;

/// Longest that an event is held back to let the next one pass it.
const HELD: Duration = Duration::from_millis(300);

/// The connection under an answer, to be reset.
#[derive(Clone)]
pub struct Wire(pub Option<Arc<TcpStream>>);

impl Wire {
    /// What is closed from now on is closed with a reset.
    pub fn reset(&self) {
        if let Some(stream) = &self.0 {
            let _ = stream.set_zero_linger();
        }
    }
}

/// A body that is as it was.
pub fn sound(body: reply::Body) -> Body {
    let never = |never: Infallible| match never {};
    body.map_err(never).boxed_unsync()
}

fn pieces(body: reply::Body) -> Pieces {
    // frames of the demo's answers are data, all of them
    let data = body.into_data_stream();
    let data = stream::unfold(Box::pin(data), |mut data| async move {
        let Ok(piece) = data.next().await?;
        Some((Ok(piece), data))
    });
    Box::pin(data)
}

fn boxed(pieces: Pieces) -> Body {
    BodyExt::boxed_unsync(StreamBody::new(pieces.map(|p| p.map(Frame::data))))
}

fn is_event(line: &Bytes) -> bool {
    line.starts_with(b"{\"type\":") && !line.windows(10).take(24).any(|w| w == b"\"BOOKMARK\"")
}

/// The body with what `fault` does to it. `lines`: it comes as lines (a watch, a log), each a piece of its own.
pub fn spoilt(body: reply::Body, fault: &Fault, lines: bool, wire: Wire) -> Body {
    let pieces = pieces(body);
    boxed(match fault {
        Fault::Mute => {
            // the client is told nothing, and the answer is kept alive
            Box::pin(stream::pending::<Result<Bytes, Broken>>())
        }
        Fault::Slow(rate) => slow(pieces, *rate),
        Fault::Cut(after) => cut(pieces, *after, lines, wire),
        Fault::Garbage(after) if lines => garbage(pieces, *after),
        Fault::Garbage(_) => Box::pin(pieces.map(|piece| {
            let piece = piece?;
            let at = piece.len() * 2 / 3;
            Ok(piece.slice(..at))
        })),
        Fault::Duplicate => Box::pin(pieces.flat_map(|piece| {
            let twice = piece.as_ref().is_ok_and(is_event);
            let piece = piece.ok();
            let again = piece.clone().filter(|_| twice);
            stream::iter(piece.into_iter().chain(again).map(Ok))
        })),
        Fault::Replay(n) => replay(pieces, *n),
        Fault::Reorder => reorder(pieces),
        Fault::Hostile if lines => hostile_lines(pieces),
        Fault::Hostile => Box::pin(stream::once(async move {
            let parts: Vec<Bytes> = pieces.map(Result::unwrap_or_default).collect().await;
            let all = parts.concat();
            Ok(hostile::whole(&all).unwrap_or_else(|| all.into()))
        })),
        Fault::Skew(by) => {
            let by = *by;
            Box::pin(pieces.map(move |piece| Ok(shifted(&piece?, by))))
        }
        _ => pieces,
    })
}

fn slow(pieces: Pieces, rate: usize) -> Pieces {
    let part = (rate / 20).max(1);
    let parts = pieces.flat_map(move |piece| {
        let piece = piece.unwrap_or_default();
        let starts = (0..piece.len()).step_by(part);
        let parts: Vec<Bytes> = starts
            .map(|at| piece.slice(at..piece.len().min(at + part)))
            .collect();
        stream::iter(parts)
    });
    Box::pin(parts.then(move |piece| async move {
        tokio::time::sleep(Duration::from_secs_f64(piece.len() as f64 / rate as f64)).await;
        Ok(piece)
    }))
}

fn cut(pieces: Pieces, after: usize, lines: bool, wire: Wire) -> Pieces {
    let state = (pieces, after, false);
    let cut = stream::unfold(state, move |(mut pieces, left, over)| {
        let wire = wire.clone();
        async move {
            if over {
                // what was sent must be on its way before the connection is reset
                tokio::time::sleep(Duration::from_millis(30)).await;
                wire.reset();
                return Some((Err(Broken), (pieces, 0, true)));
            }
            let piece = pieces.next().await?.unwrap_or_default();
            let whole = match lines {
                true => left > 0,
                false => left >= piece.len(),
            };
            if whole {
                let used = if lines { 1 } else { piece.len() };
                return Some((Ok(piece), (pieces, left - used, false)));
            }
            let at = match lines {
                true => piece.len() / 2,
                false => left,
            };
            Some((Ok(piece.slice(..at)), (pieces, 0, true)))
        }
    });
    Box::pin(cut)
}

fn garbage(pieces: Pieces, after: usize) -> Pieces {
    let mut left = after;
    let mut done = false;
    Box::pin(pieces.map(move |piece| {
        let piece = piece?;
        if done || !is_event(&piece) {
            return Ok(piece);
        }
        if left > 0 {
            left -= 1;
            return Ok(piece);
        }
        done = true;
        let mut half = piece.slice(..piece.len() / 2).to_vec();
        half.extend_from_slice(b"\x00\xff}}\n");
        Ok(half.into())
    }))
}

/// A piece may be of many lines.
fn hostile_lines(pieces: Pieces) -> Pieces {
    let mut rest = Vec::new();
    Box::pin(pieces.flat_map(move |piece| {
        rest.extend_from_slice(&piece.unwrap_or_default());
        let whole = rest
            .iter()
            .rposition(|b| *b == b'\n')
            .map_or(0, |at| at + 1);
        let whole: Vec<u8> = rest.drain(..whole).collect();
        let lines = whole.split_inclusive(|b| *b == b'\n');
        let out: Vec<_> = lines.flat_map(hostile::line).map(Ok).collect();
        stream::iter(out)
    }))
}

fn replay(pieces: Pieces, every: usize) -> Pieces {
    let mut seen: Vec<Bytes> = Vec::new();
    Box::pin(pieces.flat_map(move |piece| {
        let piece = piece.unwrap_or_default();
        let mut out = vec![piece.clone()];
        if is_event(&piece) {
            seen.push(piece);
            if seen.len() == every {
                out.append(&mut seen);
            }
        }
        stream::iter(out.into_iter().map(Ok))
    }))
}

fn reorder(pieces: Pieces) -> Pieces {
    let state = (pieces, VecDeque::<Bytes>::new(), None::<Bytes>);
    let swapped = stream::unfold(state, |(mut pieces, mut ready, mut held)| async move {
        loop {
            if let Some(piece) = ready.pop_front() {
                return Some((Ok(piece), (pieces, ready, held)));
            }
            let next = match &held {
                None => pieces.next().await?,
                Some(_) => match tokio::time::timeout(HELD, pieces.next()).await {
                    Ok(Some(next)) => next,
                    _ => {
                        ready.extend(held.take());
                        continue;
                    }
                },
            };
            let next = next.unwrap_or_default();
            match held.take() {
                Some(first) if is_event(&next) => ready.extend([next, first]),
                Some(first) => ready.extend([first, next]),
                None if is_event(&next) => held = Some(next),
                None => ready.push_back(next),
            }
        }
    });
    Box::pin(swapped)
}

/// The text with all times of the form `2026-11-23T12:00:00` moved by so many seconds.
pub fn shifted(text: &Bytes, by: i64) -> Bytes {
    const FORM: &str = "%Y-%m-%dT%H:%M:%S";
    const LONG: usize = 19;
    let mut out = text.to_vec();
    let mut at = 0;
    while at + LONG <= out.len() {
        let digit = |n: usize| out[at + n].is_ascii_digit();
        let looks = digit(0) && out[at + 4] == b'-' && out[at + 10] == b'T' && digit(18);
        let time = looks
            .then(|| std::str::from_utf8(&out[at..at + LONG]).ok())
            .flatten()
            .and_then(|t| chrono::NaiveDateTime::parse_from_str(t, FORM).ok())
            .and_then(|t| t.checked_add_signed(chrono::TimeDelta::try_seconds(by)?))
            .map(|t| t.format(FORM).to_string())
            .filter(|t| t.len() == LONG);
        match time {
            Some(time) => {
                out[at..at + LONG].copy_from_slice(time.as_bytes());
                at += LONG;
            }
            None => at += 1,
        }
    }
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_moved_wherever_they_stand() {
        let text =
            Bytes::from_static(b"{\"a\":\"2026-11-23T23:30:00Z\"} 2026-11-23T23:30:00.5Z x 2026-1");
        let later = shifted(&text, 3600);
        assert_eq!(
            std::str::from_utf8(&later).unwrap(),
            "{\"a\":\"2026-11-24T00:30:00Z\"} 2026-11-24T00:30:00.5Z x 2026-1"
        );
    }

    #[test]
    fn bookmarks_are_no_events() {
        assert!(is_event(&Bytes::from_static(
            b"{\"type\":\"ADDED\",\"object\":{}}\n"
        )));
        assert!(!is_event(&Bytes::from_static(
            b"{\"type\":\"BOOKMARK\",\"object\":{}}\n"
        )));
        assert!(!is_event(&Bytes::from_static(
            b"{\"object\":{},\"type\":\"BOOKMARK\"}\n"
        )));
    }
}
