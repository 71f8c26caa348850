//! What stands behind the server's proxy to pods: exporters that answer, and those that do not as they should.

use super::{Out, Shared};

/// An answer through the proxy.
#[derive(Debug, Clone)]
pub enum Proxied {
    /// Text of the pod itself, with its code.
    Text(u16, String),
    /// The API server's own refusal.
    Status(u16, &'static str, String),
    /// The head comes, and then nothing.
    Stalls,
    /// This, again and again for so many times.
    Endless(String, usize),
}

pub(super) fn answer(of: &Proxied, out: &mut Out, shared: &Shared) -> bool {
    match of {
        Proxied::Text(code, text) => out.whole(*code, "", text),
        Proxied::Status(code, reason, message) => {
            let body = serde_json::json!({
                "kind": "Status", "status": "Failure", "code": code, "reason": reason, "message": message,
            });
            out.whole(*code, "", &body.to_string())
        }
        Proxied::Stalls => {
            if !out.open() {
                return false;
            }
            let mut state = shared.0.lock().unwrap();
            while !state.stopped {
                state = shared.1.wait(state).unwrap();
            }
            false
        }
        Proxied::Endless(text, times) => {
            out.open() && (0..*times).all(|_| out.chunk(text)) && out.close()
        }
    }
}
