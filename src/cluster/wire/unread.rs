//! What is wrong with an object that cannot be read, or only in part: its name, the field, and why.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::lax;
use super::objects::Objects;

/// An object that cannot be read, or only in part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// `namespace/name`, as far as that can be read.
    pub object: String,
    /// The field, and what is wrong with it.
    pub why: String,
}

impl Unread {
    /// Reads an object once more, and looks where that ends.
    pub(super) fn of(objects: &dyn Objects, json: &str) -> Self {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Named {
            #[serde(deserialize_with = "lax::text")]
            name: String,
            #[serde(deserialize_with = "lax::text")]
            namespace: String,
        }
        #[derive(Deserialize)]
        struct Head<'a> {
            #[serde(borrow)]
            metadata: &'a RawValue,
        }
        let head = serde_json::from_str::<Head>(json).ok();
        let named = head.and_then(|head| serde_json::from_str::<Named>(head.metadata.get()).ok());
        let object = match named.unwrap_or_default() {
            Named { name, .. } if name.is_empty() => "without a name".into(),
            Named { name, namespace } if namespace.is_empty() => name,
            Named { name, namespace } => format!("{namespace}/{name}"),
        };
        let told = |e: serde_json::Error| {
            let end = offset(json, e.line(), e.column());
            // what is said of a whole list or object is said behind it
            let is_behind = e.is_data() && json[..end].ends_with(['}', ']']);
            match path(json, end, is_behind).as_str() {
                "" => e.to_string(),
                path => format!("{path}: {e}"),
            }
        };
        let read = || objects.is_nobody(json);
        let why = match read() {
            Ok(true) => "metadata: neither name nor uid".into(),
            Ok(false) => {
                lax::strictly(read).map_or_else(told, |_| "of a kind that is not known".into())
            }
            Err(e) => told(e),
        };
        lax::take_odd();
        Self { object, why }
    }

    /// What is wrong with the object of a line of a watch.
    pub(super) fn of_line(objects: &dyn Objects, line: &str) -> Self {
        #[derive(Deserialize)]
        struct Line<'a> {
            #[serde(borrow)]
            object: &'a RawValue,
        }
        match serde_json::from_str::<Line>(line) {
            Ok(line) => Self::of(objects, line.object.get()),
            Err(e) => Self {
                object: "a line of the watch".into(),
                why: e.to_string(),
            },
        }
    }
}

/// Where in the text a line (from 1) and a column (bytes, from 1) of it are.
fn offset(json: &str, line: usize, column: usize) -> usize {
    let before: usize = json
        .split_inclusive('\n')
        .take(line.saturating_sub(1))
        .map(str::len)
        .sum();
    (before + column).min(json.len())
}

/// The field that a place in a JSON text belongs to, as `spec.containers[0].name`; nothing at the top. What ends there
/// is left only if the place `is_behind` it.
fn path(json: &str, end: usize, is_behind: bool) -> String {
    enum Level {
        /// With the key last read.
        Object(Option<String>),
        Array(usize),
    }
    let bytes = json.as_bytes();
    let mut levels: Vec<Level> = Vec::new();
    // the next text of an object is a key
    let mut is_key = false;
    let mut at = 0;
    while at < end.min(bytes.len()) {
        match bytes[at] {
            b'{' => {
                levels.push(Level::Object(None));
                is_key = true;
            }
            b'[' => levels.push(Level::Array(0)),
            b'}' | b']' if is_behind || at + 1 < end => {
                levels.pop();
                is_key = false;
            }
            b',' => match levels.last_mut() {
                Some(Level::Array(n)) => *n += 1,
                Some(Level::Object(_)) => is_key = true,
                None => {}
            },
            b'"' => {
                let begin = at + 1;
                at = begin;
                while at < bytes.len() && bytes[at] != b'"' {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
                if is_key && let Some(Level::Object(key)) = levels.last_mut() {
                    *key = json.get(begin..at).map(str::to_owned);
                    is_key = false;
                }
            }
            _ => {}
        }
        at += 1;
    }
    let mut out = String::new();
    for level in levels {
        match level {
            Level::Object(Some(key)) if out.is_empty() => out = key,
            Level::Object(Some(key)) => out = format!("{out}.{key}"),
            Level::Object(None) => {}
            Level::Array(n) => out = format!("{out}[{n}]"),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::objects::Typed;
    use super::super::pod::Pod;
    use super::*;

    fn pods() -> Typed<Pod> {
        Typed::default()
    }

    #[rstest]
    #[case::twice(
        r#"{"metadata":{"name":"p"},"spec":{"nodeName":"a","nodeName":"b"}}"#,
        "spec.nodeName: duplicate field `nodeName`"
    )]
    #[case::deeper(
        r#"{"metadata":{"name":"p","labels":{"x":"}, ]"}},"spec":{"containers":[{"name":"a"},{"name":"b","restartPolicy":"","name":"c"}]}}"#,
        "spec.containers[1].name: duplicate field `name`"
    )]
    #[case::after_others(
        r#"{"metadata":{"name":"p"},"spec":{"containers":[{"name":"a"}],"initContainers":[],"nodeName":"n"},"status":{"phase":"a","phase":"b"}}"#,
        "status.phase: duplicate field `phase`"
    )]
    #[case::number(
        r#"{"metadata":{"name":"p"},"status":{"containerStatuses":[{"restartCount":1e999}]}}"#,
        "status.containerStatuses[0].restartCount: number out of range"
    )]
    #[case::nobody(r#"{"metadata":{}}"#, "metadata: neither name nor uid")]
    fn the_field_is_named(#[case] json: &str, #[case] why: &str) {
        let told = Unread::of(&pods(), json);
        assert!(told.why.contains(why), "{}", told.why);
    }

    #[test]
    fn the_object_is_named_as_far_as_it_can_be() {
        let named = |json: &str| Unread::of(&pods(), json).object;
        assert_eq!(
            named(
                r#"{"spec":{"nodeName":1,"nodeName":2},"metadata":{"namespace":"a","name":"b"}}"#
            ),
            "a/b"
        );
        assert_eq!(named(r#"{"metadata":{"name":"b"}}"#), "b");
        assert_eq!(named(r#"{"metadata":7}"#), "without a name");
        let line = Unread::of_line(&pods(), "{\"type\":\"ADDED\"}");
        assert_eq!(line.object, "a line of the watch");
    }

    proptest::proptest! {
        #[test]
        fn any_text_and_place_has_a_path(json in "[\\[\\]{}\",:a\\\\é\n]{0,40}", end in 0usize..60) {
            path(&json, end, false);
            path(&json, end, true);
        }
    }
}
