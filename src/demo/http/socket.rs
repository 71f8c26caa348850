//! WebSockets as a server has them: which protocol is spoken, and the handshake.

use std::time::Duration;

use futures::StreamExt;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role};

use super::reply::Reply;
use crate::api::write::Refusal;

/// How long a client has to close its side.
const GOODBYE: Duration = Duration::from_secs(5);

/// Says that all is said and closes: clients take a bare end for an accident.
pub async fn finish(mut socket: Socket) {
    let frame = CloseFrame {
        code: CloseCode::Normal,
        reason: "".into(),
    };
    // a client that has gone needs no goodbye
    if socket.close(Some(frame)).await.is_err() {
        return;
    }
    // what it still sends is read: a connection that is dropped over unread bytes is reset, and takes the last words along
    let rest = async { while let Some(Ok(_)) = socket.next().await {} };
    let _ = tokio::time::timeout(GOODBYE, rest).await;
}

pub type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// Whether a header holds a word, in any case.
fn says(headers: &HeaderMap, name: header::HeaderName, word: &str) -> bool {
    let all = headers.get_all(name).iter().filter_map(|v| v.to_str().ok());
    all.flat_map(|text| text.split(','))
        .any(|text| text.trim().eq_ignore_ascii_case(word))
}

/// The first protocol of the client's that is known here.
///
/// # Errors
/// It wants no WebSocket, or speaks only others.
pub fn protocol(headers: &HeaderMap, known: &[&'static str]) -> Result<&'static str, Refusal> {
    let upgrade = says(headers, header::CONNECTION, "upgrade");
    if !upgrade || !says(headers, header::UPGRADE, "websocket") {
        return Err(Refusal::bad_request("Upgrade request required"));
    }
    let all = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter();
    let all = all.filter_map(|v| v.to_str().ok());
    let offered: Vec<&str> = all
        .flat_map(|text| text.split(','))
        .map(str::trim)
        .collect();
    let chosen = offered.iter().find_map(|o| known.iter().find(|k| *k == o));
    chosen.copied().ok_or_else(|| {
        let why = format!(
            "unable to negotiate protocol: client supports {offered:?}, server supports {known:?}"
        );
        Refusal::generic(403, "Forbidden", &why)
    })
}

/// The answer to the handshake, and the socket once the client has it; none if it has gone.
pub fn open(
    mut request: Request<Incoming>,
    protocol: &'static str,
) -> (Reply, impl Future<Output = Option<Socket>>) {
    let key = request.headers().get(header::SEC_WEBSOCKET_KEY);
    let accept = derive_accept_key(key.map(HeaderValue::as_bytes).unwrap_or_default());
    let upgrade = hyper::upgrade::on(&mut request);
    let mut reply = Response::new(Empty::new().boxed_unsync());
    *reply.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = reply.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(
        header::SEC_WEBSOCKET_PROTOCOL,
        HeaderValue::from_static(protocol),
    );
    if let Ok(accept) = HeaderValue::from_str(&accept) {
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    }
    let socket = async move {
        let upgraded = TokioIo::new(upgrade.await.ok()?);
        Some(WebSocketStream::from_raw_socket(upgraded, Role::Server, None).await)
    };
    (reply, socket)
}
