//! A cluster whose texts attack: escape sequences, signs that reorder or hide what stands beside them, a megabyte in one
//! word. Each object keeps who it is and how it is; beside it stands another whose name attacks, too.

use hyper::body::Bytes;
use serde_json::{Value, json};

/// Clipboard, title, link, another screen, cleared, colours, a report asked for, device strings, C1 controls, overrides
/// and isolates, what cannot be seen, what is wide, what piles up.
pub const EVIL: &str = "\x1b]52;c;aGFja2Vk\x07\x1b]0;owned\x07\x1b]8;;http://evil.example\x1b\\EVIL\x1b]8;;\x1b\\\
    \x1b[?1049l\x1b[2J\x1b[31m\x1b[6n\x1bP+q544e\x1b\\\x1b_apc\x1b\\\x1bc\u{9b}31m\u{9d}0;c1\u{9c}\u{90}q\u{9c}\u{85}\
    \u{202e}rtl\u{2066}\u{200b}\u{feff}\u{2060}\u{200e}\u{ad}\u{e0041}家e\u{301}\u{301}\u{301}\x07\x08\x7f\r\n\t\u{2028}end";

/// As much as etcd takes in one object, nearly.
const LONG: usize = 1_000_000;

/// Free text in objects that lives by nobody.
const FREE: [&str; 14] = [
    "message",
    "description",
    "image",
    "imageID",
    "note",
    "schedulerName",
    "hostname",
    "osImage",
    "kernelVersion",
    "kubeletVersion",
    "containerRuntimeVersion",
    "hostIP",
    "command",
    "args",
];

/// What stays as it is even where everything attacks: a reader needs it to tell what it has before it.
const KEPT: [&str; 8] = [
    "apiVersion",
    "kind",
    "uid",
    "resourceVersion",
    "type",
    "status",
    "phase",
    "continue",
];

fn attack(value: &mut Value, with: &str) {
    match value {
        Value::String(text) => *text = format!("{text} {with}"),
        Value::Array(items) => items.iter_mut().for_each(|item| attack(item, with)),
        _ => {}
    }
}

/// Free text, labels and annotations.
fn taint(value: &mut Value, with: &str) {
    match value {
        Value::Object(map) => {
            for (key, value) in map.iter_mut() {
                match (key.as_str(), &*value) {
                    ("labels" | "annotations", Value::Object(_)) => {
                        value[EVIL] = json!(EVIL);
                        value["evil.example/text"] = json!(with);
                    }
                    (key, _) if FREE.contains(&key) => attack(value, with),
                    _ => taint(value, with),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| taint(item, with)),
        _ => {}
    }
}

/// Every text there is.
fn taint_all(value: &mut Value) {
    match value {
        Value::Object(map) => {
            let kept = |key: &str| {
                KEPT.contains(&key) || key.ends_with("Time") || key.ends_with("Timestamp")
            };
            for (_, value) in map.iter_mut().filter(|(key, _)| !kept(key)) {
                taint_all(value);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(taint_all),
        Value::String(text) => text.push_str(EVIL),
        _ => {}
    }
}

/// The object as it attacks, and one beside it whose every word does.
fn pair(mut object: Value, with: &str) -> [Value; 2] {
    let mut other = object.clone();
    taint(&mut object, with);
    // one that belongs to nobody: it is seen on its own
    if let Some(meta) = other["metadata"].as_object_mut() {
        meta.remove("ownerReferences");
        meta.remove("managedFields");
        let uid = meta.get("uid").and_then(Value::as_str).unwrap_or_default();
        let uid = format!("ff{}", uid.get(2..).unwrap_or_default());
        meta.insert("uid".into(), json!(uid));
        let namespace = meta.get("namespace").cloned();
        taint_all(&mut other);
        // it would not be in the list of a namespace otherwise
        if let Some(namespace) = namespace {
            other["metadata"]["namespace"] = namespace;
        }
    }
    [object, other]
}

/// A whole answer: a list, an object or a refusal. What is no JSON, and what discovery answers, stays.
pub fn whole(body: &[u8]) -> Option<Bytes> {
    let mut answer: Value = serde_json::from_slice(body).ok()?;
    if let Some(items) = answer.get_mut("items").and_then(Value::as_array_mut) {
        if items.iter().any(|item| item["metadata"]["uid"].is_null()) {
            return None;
        }
        let all = std::mem::take(items).into_iter().enumerate();
        *items = all
            .flat_map(|(n, item)| match n {
                0 => pair(item, &format!("{EVIL}{}", "x".repeat(LONG))),
                _ => pair(item, EVIL),
            })
            .collect();
    } else if answer["metadata"]["uid"].is_string() || answer["kind"] == "Status" {
        taint(&mut answer, EVIL);
    } else {
        return None;
    }
    Some(answer.to_string().into())
}

/// A line of a watch, or of a log, with what comes beside it.
pub fn line(line: &[u8]) -> Vec<Bytes> {
    let same = Bytes::copy_from_slice(line);
    let Ok(event) = serde_json::from_slice::<Value>(line) else {
        let attack = format!("{EVIL}\nstep 7 loss 0.5 {EVIL}\n");
        return vec![same, attack.into()];
    };
    if event["type"] == "BOOKMARK" || !event["object"]["metadata"].is_object() {
        return vec![same];
    }
    let both = pair(event["object"].clone(), EVIL);
    let lines =
        both.map(|object| format!("{}\n", json!({"type": event["type"], "object": object})));
    lines.map(Bytes::from).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_stay_who_they_are_and_get_company() {
        let list = json!({"kind": "PodList", "items": [{"metadata": {"name": "a", "namespace": "n", "uid": "u-1",
            "labels": {}}, "status": {"phase": "Failed", "message": "m", "reason": "r"}}]});
        let out: Value =
            serde_json::from_slice(&whole(list.to_string().as_bytes()).unwrap()).unwrap();
        let (same, other) = (&out["items"][0], &out["items"][1]);
        assert_eq!(
            (&same["metadata"]["name"], &same["status"]["reason"]),
            (&json!("a"), &json!("r"))
        );
        assert!(same["status"]["message"].as_str().unwrap().len() > LONG);
        assert_eq!(same["metadata"]["labels"][EVIL], EVIL);
        assert_eq!(other["metadata"]["name"], format!("a{EVIL}"));
        assert_eq!(
            (&other["metadata"]["namespace"], &other["status"]["phase"]),
            (&json!("n"), &json!("Failed"))
        );
        assert_ne!(other["metadata"]["uid"], "u-1");
        assert!(
            whole(br#"{"kind":"APIGroupDiscoveryList","items":[{"metadata":{"name":"g"}}]}"#)
                .is_none()
        );
        assert!(whole(b"ok").is_none());
        let bookmark = br#"{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"5"}}}"#;
        assert_eq!(line(bookmark), [Bytes::from_static(bookmark)]);
        assert_eq!(line(b"step 1\n").len(), 2);
    }
}
