//! Why a request did not do what it should: what the server answered, or why there was no answer.
//! Says it in words a person can act on.

use std::error::Error;
use std::io;
use std::time::Duration;

use thiserror::Error as ThisError;

use super::wire::Status;

/// A failed request.
#[derive(Debug, Clone, PartialEq, ThisError)]
pub enum Failure {
    /// The server answered with an error status, or a watch carried one.
    #[error("{}", status_text(*code, reason, message))]
    Status {
        code: u16,
        /// `Forbidden`, `Expired`, …; may be empty.
        reason: String,
        message: String,
        retry_after: Option<Duration>,
    },
    /// No answer: refused, not resolved, TLS, reset…
    #[error("{0}")]
    Network(String),
    /// Nothing came for too long.
    #[error("no answer for {0} s")]
    Silent(u64),
    /// Credentials could not be had.
    #[error("{0}")]
    Credentials(String),
    /// An answer that cannot be read.
    #[error("unreadable answer: {0}")]
    Garbled(String),
}

fn status_text(code: u16, reason: &str, message: &str) -> String {
    match (code, message) {
        (401, _) => {
            "401 Unauthorized: the credentials are not accepted; log in again as you do for kubectl"
                .into()
        }
        (429, "") => "429: the server asks to slow down".into(),
        (_, "") if reason.is_empty() => format!("the server answered {code}"),
        (_, "") => format!("{code} {reason}"),
        _ => format!("{code}: {message}"),
    }
}

impl Failure {
    pub fn code(&self) -> Option<u16> {
        match self {
            Failure::Status { code, .. } => Some(*code),
            _ => None,
        }
    }

    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Failure::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// From an error event, or an error answer's body. `http` is used where the Status itself has no code.
    pub fn from_status(status: Status, http: u16, header: Option<Duration>) -> Self {
        let detail = status.details.retry_after_seconds;
        Failure::Status {
            code: match u16::try_from(status.code) {
                Ok(code) if code > 0 => code,
                _ => http,
            },
            reason: status.reason,
            message: status.message,
            retry_after: header
                .or((detail > 0).then(|| Duration::from_secs(detail.into())))
                // a server asking for hours is not to be believed
                .map(|wait| wait.min(Duration::from_secs(300))),
        }
    }

    /// From an error answer: a Status as JSON, or plain text, as proxies and absent APIs write.
    pub fn from_answer(code: u16, retry_after: Option<Duration>, body: &[u8]) -> Self {
        let status = match serde_json::from_slice::<Status>(body) {
            Ok(status) if status.kind == "Status" => status,
            _ => {
                let text = String::from_utf8_lossy(body);
                let line = text.trim().lines().next().unwrap_or_default();
                let plain = !line.starts_with('<') && !line.starts_with('{');
                Status {
                    message: line
                        .chars()
                        .take(if plain { 300 } else { 0 })
                        .filter(|c| !c.is_control())
                        .collect(),
                    ..Status::default()
                }
            }
        };
        let mut failure = Self::from_status(status, code, retry_after);
        if let Failure::Status { code: c, .. } = &mut failure {
            *c = code;
        }
        failure
    }

    /// From whatever kube's client stack reports when there is no answer.
    pub fn from_client(error: &kube::Error) -> Self {
        match error {
            kube::Error::Auth(e) => Failure::Credentials(e.to_string()),
            // kube's way of saying that the answer was no Status
            kube::Error::Api(status) if status.reason == "Failed to parse error data" => {
                Self::from_answer(status.code, None, status.message.as_bytes())
            }
            kube::Error::Api(status) => Failure::Status {
                code: status.code,
                reason: status.reason.clone(),
                message: status.message.clone(),
                retry_after: None,
            },
            kube::Error::UpgradeConnection(e) => Failure::Network(format!(
                "no WebSocket could be opened ({e}): does a proxy on the way keep them out?"
            )),
            other => Failure::Network(explain(other)),
        }
    }
}

/// The telling part of an error chain: hyper and tower wrap the reason several times.
pub fn explain(error: &(dyn Error + 'static)) -> String {
    let mut chain: Vec<String> = Vec::new();
    let mut next: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(e) = next {
        if let Some(io) = e.downcast_ref::<io::Error>()
            && let Some(known) = io_words(io.kind())
        {
            return known.to_owned();
        }
        chain.push(e.to_string());
        next = e.source();
    }
    let last = chain.last().cloned().unwrap_or_default();
    let all = chain.join(": ");
    for (mark, words) in [
        ("deadline has elapsed", "no answer in time"),
        ("connect timed out", "no answer in time"),
        ("dns error", "the server's name cannot be resolved"),
        (
            "UnknownIssuer",
            "TLS: the server's certificate is signed by an authority this kubeconfig does not trust (certificate-authority missing or wrong?)",
        ),
        (
            "certificate expired",
            "TLS: the server's certificate has expired",
        ),
        ("CertExpired", "TLS: the server's certificate has expired"),
        ("Expired", "TLS: a certificate has expired"),
        (
            "certificate not valid yet",
            "TLS: the server's certificate is not valid yet (is a clock wrong?)",
        ),
        (
            "not valid for name",
            "TLS: the server's certificate is for another name (tls-server-name?)",
        ),
        (
            "NotValidForName",
            "TLS: the server's certificate is for another name (tls-server-name?)",
        ),
        (
            "CertificateRequired",
            "TLS: the server wants a client certificate",
        ),
        (
            "InvalidContentType",
            "TLS: the server does not speak TLS on this port (http instead of https?)",
        ),
        ("tunnel error", "the proxy refuses the connection"),
    ] {
        if all.contains(mark) {
            return if words.starts_with("TLS: the server's certificate is for") {
                format!("{words}: {last}")
            } else {
                words.to_owned()
            };
        }
    }
    last
}

fn io_words(kind: io::ErrorKind) -> Option<&'static str> {
    Some(match kind {
        io::ErrorKind::ConnectionRefused => "connection refused",
        io::ErrorKind::ConnectionReset => "connection reset by the server",
        io::ErrorKind::ConnectionAborted => "connection aborted",
        io::ErrorKind::NetworkUnreachable => "network unreachable",
        io::ErrorKind::HostUnreachable => "no route to the server",
        io::ErrorKind::TimedOut => "no answer in time",
        io::ErrorKind::BrokenPipe => "connection closed by the server",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_become_words() {
        let json = br#"{"kind":"Status","code":410,"reason":"Expired","message":"too old"}"#;
        let gone = Failure::from_answer(410, None, json);
        assert_eq!(
            (gone.code(), gone.to_string().as_str()),
            (Some(410), "410: too old")
        );
        let plain = Failure::from_answer(404, None, b"404 page not found\n");
        assert_eq!(plain.to_string(), "404: 404 page not found");
        let html = Failure::from_answer(502, None, b"<html>\n<body>...");
        assert_eq!(html.to_string(), "the server answered 502");
    }

    #[test]
    fn retry_after_comes_from_header_or_details_and_is_bounded() {
        let body = br#"{"kind":"Status","code":429,"details":{"retryAfterSeconds":7}}"#;
        let slow = Failure::from_answer(429, None, body);
        assert_eq!(slow.retry_after(), Some(Duration::from_secs(7)));
        let header = Failure::from_answer(429, Some(Duration::from_secs(9999)), b"");
        assert_eq!(header.retry_after(), Some(Duration::from_secs(300)));
    }
}
