//! Watches, streamed lists among them: what has been, then what comes, until a fault or the end.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Fault, Out, Request, Shared};

pub fn watch(
    request: &Request,
    namespace: Option<&str>,
    fault: Option<Fault>,
    out: &mut Out,
    shared: &Shared,
) -> bool {
    let (lock, changed) = (&shared.0, &shared.1);
    let mut state = lock.lock().unwrap();
    let mine = |pod: &Value| namespace.is_none_or(|n| pod["metadata"]["namespace"] == n);
    let line =
        |kind: &str, object: &Value| format!("{}\n", json!({"type": kind, "object": object}));
    let mut lines: Vec<String> = Vec::new();
    let mut at: u64 = match request.query.get("resourceVersion") {
        Some(version) => version.parse().unwrap(),
        None => state.version,
    };
    if request.is_stream() {
        lines.extend(
            state
                .pods
                .values()
                .filter(|p| mine(p))
                .map(|p| line("ADDED", p)),
        );
        let mut bookmark = json!({"kind": "Pod", "metadata": {"resourceVersion": at.to_string()}, "spec": {"containers": null}});
        if fault != Some(Fault::IgnoreStream) {
            bookmark["metadata"]["annotations"] = json!({"k8s.io/initial-events-end": "true"});
        }
        lines.push(line("BOOKMARK", &bookmark));
    }
    if fault == Some(Fault::Expire) {
        state.oldest = state.version + 1;
    }
    if !request.is_stream() && at < state.oldest && at < state.version + 1 {
        let status = json!({"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version"});
        return out.open() && out.chunk(&line("ERROR", &status)) && out.close();
    }
    if !out.open() {
        return false;
    }
    let mut left = match fault {
        Some(Fault::CutAfter(lines)) => lines,
        Some(Fault::Close) => return out.close(),
        _ => usize::MAX,
    };
    let silent = fault == Some(Fault::Stall);
    let hung_up = state.hung_up;
    loop {
        for (version, kind, pod) in &state.history {
            if *version > at {
                at = *version;
                if mine(pod) {
                    lines.push(line(kind, pod));
                }
            }
        }
        for line in lines.drain(..) {
            if silent {
                continue;
            }
            if left == 0 {
                // half a line, and in half a chunk
                let half = &line[..line.len() / 2];
                out.raw(format!("{:x}\r\n{half}", line.len()).as_bytes());
                return false;
            }
            left -= 1;
            if !out.chunk(&line) {
                return false;
            }
        }
        if left == 0 {
            return false;
        }
        if state.stopped {
            return false;
        }
        if state.hung_up != hung_up {
            return out.close();
        }
        state = changed
            .wait_timeout(state, Duration::from_millis(500))
            .unwrap()
            .0;
        // an empty chunk would end the body: a blank line tells whether the other side is still there
        if !silent && !out.chunk("\n") {
            return false;
        }
    }
}
