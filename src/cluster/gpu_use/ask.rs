//! One question to one exporter, through the API server's proxy, and what may come of it, in words.

use std::time::Duration;

use futures::StreamExt;

use super::Settings;
use super::find::Exporter;
use super::gather::Gather;
use crate::cluster::failure::Failure;
use crate::cluster::http::{Ask, Http};
use crate::model::gpu_use::reading::{DeviceRow, Reason, Trouble};

/// More than this of one exporter is not read: 16 cards in 7 slices write 3 MB at the most.
const LIMIT: usize = 16 << 20;

/// How an exporter is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    Plain,
    Tls,
}

/// The devices an exporter speaks of, and how it was spoken to. `known`: how it was the last time.
pub async fn exporter(
    http: &Http,
    settings: &Settings,
    at: &Exporter,
    known: Option<Scheme>,
) -> Result<(Vec<DeviceRow>, Scheme), Trouble> {
    if let Err(why) = &at.runs {
        return Err(Trouble {
            reason: Reason::NotRunning,
            text: format!(
                "exporter {}/{} does not run: {why}; kubectl -n {} describe pod {} tells why",
                at.namespace, at.pod, at.namespace, at.pod
            )
            .into(),
        });
    }
    let first = known.unwrap_or(Scheme::Plain);
    match once(http, settings, at, first).await {
        Ok(devices) => Ok((devices, first)),
        Err(Failed::OtherScheme(_)) => {
            let other = match first {
                Scheme::Plain => Scheme::Tls,
                Scheme::Tls => Scheme::Plain,
            };
            let again = once(http, settings, at, other).await;
            let devices = again.map_err(|failed| failed.trouble(settings, at))?;
            Ok((devices, other))
        }
        Err(failed) => Err(failed.trouble(settings, at)),
    }
}

enum Failed {
    /// It speaks TLS where plain HTTP was spoken, or the other way round.
    OtherScheme(Failure),
    Request(Failure),
    Slow,
    /// Nothing of a GPU: so many lines were metrics of other things.
    Foreign(u64),
    TooLong,
}

async fn once(
    http: &Http,
    settings: &Settings,
    at: &Exporter,
    scheme: Scheme,
) -> Result<Vec<DeviceRow>, Failed> {
    let Exporter {
        namespace,
        pod,
        port,
        ..
    } = at;
    let tls = match scheme {
        Scheme::Plain => "",
        Scheme::Tls => "https:",
    };
    let path = format!("/api/v1/namespaces/{namespace}/pods/{tls}{pod}:{port}/proxy/metrics");
    let ask = Ask::get(path).accept("text/plain;version=0.0.4");
    let reading = async {
        let answer =
            http.open(&ask)
                .await
                .map_err(|failure| match speaks_otherwise(&failure, scheme) {
                    true => Failed::OtherScheme(failure),
                    false => Failed::Request(failure),
                })?;
        let mut chunks = http.chunks(answer);
        let (mut gather, mut bytes) = (Gather::default(), 0);
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(Failed::Request)?;
            bytes += chunk.len();
            if bytes > LIMIT {
                return Err(Failed::TooLong);
            }
            gather.push(&chunk);
        }
        Ok(gather)
    };
    let gather = tokio::time::timeout(settings.timeout, reading)
        .await
        .map_err(|_| Failed::Slow)??;
    let samples = gather.samples();
    let devices = gather.devices();
    if devices.is_empty() {
        return Err(Failed::Foreign(samples));
    }
    Ok(devices)
}

/// What a Go server answers a client that speaks plain HTTP to its TLS port, and what the API server says of a port
/// that does not speak TLS.
fn speaks_otherwise(failure: &Failure, scheme: Scheme) -> bool {
    let text = failure.to_string();
    match (scheme, failure.code()) {
        (Scheme::Plain, Some(400)) => text.contains("HTTP request to an HTTPS server"),
        // servers that are not written in Go just hang up, or send a TLS alert
        (Scheme::Plain, Some(500..=503)) => {
            text.contains("malformed HTTP response") || text.contains("server gave HTTPS response")
        }
        (Scheme::Tls, Some(500..=503)) => {
            text.contains("first record does not look like a TLS handshake")
                || text.contains("server gave HTTP response")
        }
        _ => false,
    }
}

impl Failed {
    fn trouble(self, settings: &Settings, at: &Exporter) -> Trouble {
        let name = format!("exporter {}/{}", at.namespace, at.pod);
        let say = |reason, text: String| Trouble {
            reason,
            text: text.into(),
        };
        match self {
            Failed::Slow => say(
                Reason::Unreachable,
                format!(
                    "{name} does not answer within {} s: a network policy may keep the API server from port {}",
                    seconds(settings.timeout),
                    at.port
                ),
            ),
            Failed::TooLong => say(
                Reason::Garbled,
                format!(
                    "{name} writes more than {} MiB; it is not read",
                    LIMIT >> 20
                ),
            ),
            Failed::Foreign(0) => say(
                Reason::Garbled,
                format!(
                    "{name} answers on port {} with something that is no metrics",
                    at.port
                ),
            ),
            Failed::Foreign(n) => say(
                Reason::Garbled,
                format!("{name} answers with {n} metrics, none of a GPU: its log tells why"),
            ),
            Failed::OtherScheme(failure) | Failed::Request(failure) => {
                let (reason, text) = refused(&failure, at);
                say(reason, format!("{name} {text}"))
            }
        }
    }
}

fn refused(failure: &Failure, at: &Exporter) -> (Reason, String) {
    let reason = match failure {
        Failure::Status { reason, .. } => reason.as_str(),
        _ => "",
    };
    let port = at.port;
    match failure.code() {
        // the API server's own; an exporter's own says no reason
        Some(403) if !reason.is_empty() || failure.to_string().contains("pods/proxy") => (
            Reason::Forbidden,
            format!(
                "may not be asked: get on pods/proxy in namespace {} is needed (docs/gpus.md has the role)",
                at.namespace
            ),
        ),
        Some(401 | 403) => (
            Reason::Login,
            "wants a login of its own, which cannot be passed on through the API server".into(),
        ),
        Some(404) if reason.is_empty() => (
            Reason::Garbled,
            format!("serves no /metrics on port {port}: its labels may be those of something else"),
        ),
        Some(404) => (
            Reason::NotRunning,
            "is gone; looking for its successor".into(),
        ),
        Some(500..=504) => {
            let why = failure.to_string();
            let (kind, why) = match () {
                () if why.contains("connection refused") => (
                    Reason::Unreachable,
                    format!(
                        "refuses connections on port {port}: it is starting, or listens elsewhere"
                    ),
                ),
                () if why.contains("i/o timeout")
                    || why.contains("deadline exceeded")
                    || failure.code() == Some(504) =>
                {
                    (
                        Reason::Unreachable,
                        format!(
                            "cannot be reached by the API server: a network policy may keep it from port {port}"
                        ),
                    )
                }
                () if why.contains("no such host") || why.contains("no route") => (
                    Reason::Unreachable,
                    format!("cannot be reached by the API server: {why}"),
                ),
                () => (Reason::Unreachable, format!("does not answer: {why}")),
            };
            (kind, why)
        }
        _ => (
            Reason::Server,
            format!("was not reached: {failure}; trying again"),
        ),
    }
}

fn seconds(time: Duration) -> u64 {
    time.as_secs().max(1)
}
