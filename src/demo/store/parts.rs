//! Where in the bytes of an object the parts stand that change with its status.

use std::ops::Range;

use serde::Deserialize;
use serde_json::value::RawValue;

/// Byte ranges in [`super::Object::json`].
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Parts {
    /// The text of `metadata.resourceVersion`, with its quotes.
    pub version: Range<usize>,
    pub status: Range<usize>,
}

impl Parts {
    /// `None` if one of them is not there.
    pub fn of(json: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Whole<'a> {
            #[serde(borrow)]
            metadata: Versioned<'a>,
            status: &'a RawValue,
        }
        #[derive(Deserialize)]
        struct Versioned<'a> {
            #[serde(borrow, rename = "resourceVersion")]
            version: &'a RawValue,
        }
        let text = std::str::from_utf8(json).ok()?;
        let whole: Whole = serde_json::from_str(text).ok()?;
        let range = |part: &RawValue| {
            let from = part.get().as_ptr().addr() - text.as_ptr().addr();
            from..from + part.get().len()
        };
        Some(Self {
            version: range(whole.metadata.version),
            status: range(whole.status),
        })
    }

    /// The object with another version and status.
    pub fn with(&self, json: &[u8], version: u64, status: &[u8]) -> Vec<u8> {
        let version = format!("\"{version}\"");
        let mut parts = [(&self.version, version.as_bytes()), (&self.status, status)];
        parts.sort_by_key(|(range, _)| range.start);
        let mut out = Vec::with_capacity(json.len() + version.len() + status.len());
        let mut at = 0;
        for (range, new) in parts {
            out.extend_from_slice(&json[at..range.start]);
            out.extend_from_slice(new);
            at = range.end;
        }
        out.extend_from_slice(&json[at..]);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_these_parts_change() {
        for json in [
            r#"{"metadata":{"annotations":{"resourceVersion":"7","status":"a"},"resourceVersion":"7","name":"é"},"spec":{"status":1},"status":{"a":"7"}}"#,
            r#"{"status":{"a":"7"},"spec":{"status":1},"metadata":{"name":"é","resourceVersion":"7","annotations":{"resourceVersion":"7","status":"a"}}}"#,
        ] {
            let parts = Parts::of(json.as_bytes()).unwrap();
            let new = parts.with(json.as_bytes(), 1234, br#"{"b":null}"#);
            let mut wanted: serde_json::Value = serde_json::from_str(json).unwrap();
            wanted["metadata"]["resourceVersion"] = "1234".into();
            wanted["status"] = serde_json::json!({"b": null});
            let new: serde_json::Value = serde_json::from_slice(&new).unwrap();
            assert_eq!(new, wanted);
        }
        assert_eq!(Parts::of(br#"{"metadata":{"resourceVersion":"7"}}"#), None);
        assert_eq!(Parts::of(br#"{"status":{}}"#), None);
        assert_eq!(Parts::of(b"7"), None);
    }
}
