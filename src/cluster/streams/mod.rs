//! Connections into pods, over WebSocket: commands and shells, and forwarded ports. kube makes the handshake; the frames
//! are read here, because a lost connection must be told apart from an end, both ways must flow at the same time, and
//! credentials are renewed in our own client.

pub mod exec;
pub mod forward;
pub mod watch;

use std::time::Duration;

/// How often something is sent on a connection that is still: load balancers cut idle ones after a minute or more.
const PING: Duration = Duration::from_secs(20);
/// A server that has answered such before and is not heard of for this long is lost.
const LOST: Duration = Duration::from_secs(65);

/// After a failed write: how long the server has to say why.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// A value as it may stand in a query.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(char::from(byte));
            }
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}
