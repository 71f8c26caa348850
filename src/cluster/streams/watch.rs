//! Waits for a pod's end: what leads into it ends with it.

use std::time::Duration;

use futures::StreamExt;
use serde::Deserialize;

use super::escape;
use crate::cluster::failure::Failure;
use crate::cluster::http::{Ask, Http};
use crate::cluster::lines::Lines;
use crate::cluster::wire::lax;

/// Between two tries.
const PAUSE: Duration = Duration::from_secs(5);

#[derive(Default, Deserialize)]
#[serde(default)]
struct Event {
    #[serde(rename = "type", deserialize_with = "lax::text")]
    kind: String,
    #[serde(deserialize_with = "lax::object")]
    object: Pod,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Pod {
    #[serde(deserialize_with = "lax::object")]
    metadata: Meta,
    #[serde(deserialize_with = "lax::object")]
    status: Status,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Meta {
    #[serde(deserialize_with = "lax::text")]
    uid: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Status {
    #[serde(deserialize_with = "lax::text")]
    phase: String,
}

impl Event {
    /// Why nothing leads into the pod any more.
    fn end(&self, uid: &str) -> Option<&'static str> {
        match self.kind.as_str() {
            "DELETED" => return Some("its pod is gone"),
            "ADDED" | "MODIFIED" => {}
            _ => return None,
        }
        if self.object.metadata.uid != uid {
            return Some("its pod is gone, and another has its name");
        }
        match self.object.status.phase.as_str() {
            "Succeeded" => Some("its pod has succeeded"),
            "Failed" => Some("its pod has failed"),
            _ => None,
        }
    }
}

/// Waits until the pod of this UID is over. Where pods may not be watched that is never; its connections then end one
/// by one.
pub async fn until_over(http: &Http, pod: &str, uid: &str) -> &'static str {
    let Some((list, name)) = pod.rsplit_once('/') else {
        return std::future::pending().await;
    };
    let name = escape(name);
    let path = format!("{list}?watch=true&timeoutSeconds=290&fieldSelector=metadata.name%3D{name}");
    loop {
        match http.json::<Pod>(&Ask::get(pod)).await {
            Ok(now) => {
                let now = Event {
                    kind: "ADDED".into(),
                    object: now,
                };
                if let Some(why) = now.end(uid) {
                    return why;
                }
            }
            Err(failure) if failure.code() == Some(404) => return "its pod is gone",
            Err(failure) if failure.code() == Some(403) => std::future::pending().await,
            Err(_) => {}
        }
        match until_event(http, &path, uid).await {
            Ok(Some(why)) => return why,
            Ok(None) => {}
            Err(failure) if failure.code() == Some(403) => std::future::pending().await,
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

/// One watch, to its end.
async fn until_event(http: &Http, path: &str, uid: &str) -> Result<Option<&'static str>, Failure> {
    let answer = http.open(&Ask::get(path).plain()).await?;
    let mut chunks = http.chunks(answer);
    let mut lines = Lines::default();
    while let Some(chunk) = chunks.next().await {
        lines.push(&chunk?);
        while let Some(line) = lines.next_line() {
            let event: Event = serde_json::from_slice(line).unwrap_or_default();
            if let Some(why) = event.end(uid) {
                return Ok(Some(why));
            }
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_ends_with_this_pod_and_no_other() {
        let end = |text: &str| serde_json::from_str::<Event>(text).unwrap().end("u");
        let of = |kind: &str, uid: &str, phase: &str| {
            format!(
                r#"{{"type":"{kind}","object":{{"metadata":{{"uid":"{uid}"}},"status":{{"phase":"{phase}"}}}}}}"#
            )
        };
        assert_eq!(end(&of("MODIFIED", "u", "Running")), None);
        assert_eq!(
            end(&of("MODIFIED", "u", "Failed")),
            Some("its pod has failed")
        );
        assert_eq!(end(&of("DELETED", "u", "Running")), Some("its pod is gone"));
        assert!(end(&of("ADDED", "v", "Running")).is_some());
        assert_eq!(end(&of("BOOKMARK", "", "")), None);
        assert_eq!(end(r#"{"type":"ERROR","object":{"code":410}}"#), None);
    }
}
