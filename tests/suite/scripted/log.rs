//! Answers to requests for logs.

use super::{Log, Out, Shared};

pub(super) fn answer(log: &Log, out: &mut Out, shared: &Shared) -> bool {
    match log {
        Log::Error(204, _) => out.raw(b"HTTP/1.1 204 No Content\r\n\r\n"),
        Log::Error(code, message) => out.status(*code, message, None),
        Log::Text(text) => out.open() && (text.is_empty() || out.chunk(text)) && out.close(),
        Log::Cut(text) => {
            if out.open() {
                out.chunk(text);
            }
            false
        }
        Log::Open(text) => {
            if !out.open() || !out.chunk(text) {
                return false;
            }
            let mut state = shared.0.lock().unwrap();
            while !state.stopped {
                state = shared.1.wait(state).unwrap();
            }
            false
        }
    }
}
