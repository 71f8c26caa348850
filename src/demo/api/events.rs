//! The events.k8s.io/v1 view of events, which are stored in their core/v1 form.

use serde_json::Value;

const NAMES: [(&str, &str); 7] = [
    ("involvedObject", "regarding"),
    ("message", "note"),
    ("source", "deprecatedSource"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("count", "deprecatedCount"),
    ("reportingComponent", "reportingController"),
];

/// A core/v1 Event as events.k8s.io/v1 shows it.
pub fn newer(event: Value) -> Value {
    rename(event, "events.k8s.io/v1", |(core, new)| (core, new))
}

/// An events.k8s.io/v1 Event as it is stored.
pub fn core(event: Value) -> Value {
    rename(event, "v1", |(core, new)| (new, core))
}

fn rename(
    mut event: Value,
    version: &str,
    pick: impl Fn((&'static str, &'static str)) -> (&'static str, &'static str),
) -> Value {
    if let Some(fields) = event.as_object_mut() {
        for (from, to) in NAMES.map(pick) {
            if let Some(value) = fields.remove(from) {
                fields.insert(to.to_owned(), value);
            }
        }
        fields.insert("apiVersion".to_owned(), version.into());
    }
    event
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn both_views_hold_the_same() {
        let stored = json!({
            "apiVersion": "v1", "kind": "Event", "involvedObject": {"name": "x"}, "message": "m",
            "count": 2, "reason": "r",
        });
        let seen = newer(stored.clone());
        assert_eq!(seen["regarding"]["name"], "x");
        assert_eq!((&seen["note"], &seen["reason"]), (&json!("m"), &json!("r")));
        assert_eq!(core(seen), stored);
    }
}
