//! Lines that are JSON objects: their fields in the order they stand, which of them is the message and which the level,
//! and the object over several lines. Numbers and names stay as they are written.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::prefix::Severity;

/// Longer lines are shown as they are: nobody reads them, and every frame would.
pub const LONGEST: usize = 32 * 1024;

/// A field: its name, and its value as it is written.
pub type Field<'a> = (Cow<'a, str>, &'a RawValue);

struct Fields;

impl<'de> Visitor<'de> for Fields {
    type Value = Vec<Field<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Vec::new();
        while let Some((Name(name), value)) = map.next_entry()? {
            fields.push((name, value));
        }
        Ok(fields)
    }
}

/// A name, borrowed where it holds no escapes.
struct Name<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> serde::Deserialize<'de> for Name<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Cow<'de, str>;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Self::Value, E> {
                Ok(Cow::Borrowed(name))
            }

            fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
                Ok(Cow::Owned(name.to_owned()))
            }
        }
        from.deserialize_str(Text).map(Name)
    }
}

/// The fields of a text that is one JSON object and nothing else.
pub fn object(text: &str) -> Option<Vec<Field<'_>>> {
    let text = text.trim();
    if text.len() > LONGEST || !text.starts_with('{') || !text.ends_with('}') {
        return None;
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    let fields = reader.deserialize_map(Fields).ok()?;
    reader.end().ok()?;
    (!fields.is_empty()).then_some(fields)
}

/// A value as a text: strings without quotes, the rest as it is written.
pub fn plain(value: &RawValue) -> Cow<'_, str> {
    let raw = value.get();
    if !raw.starts_with('"') {
        return Cow::Borrowed(raw);
    }
    match serde_json::from_str::<Cow<str>>(raw) {
        Ok(text) => text,
        Err(_) => Cow::Borrowed(raw),
    }
}

/// The value of a field; dots reach inside. Upper and lower case alike.
pub fn find(fields: &[Field], name: &str) -> Option<String> {
    let named = |name: &str| fields.iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
    if let Some((_, value)) = named(name) {
        return Some(plain(value).into_owned());
    }
    name.match_indices('.').find_map(|(at, _)| {
        let (_, value) = named(&name[..at])?;
        find(&object(value.get())?, &name[at + 1..])
    })
}

const MESSAGES: [&str; 5] = ["msg", "message", "event", "text", "log"];
const LEVELS: [&str; 5] = ["level", "lvl", "severity", "levelname", "log.level"];
const TIMES: [&str; 8] = [
    "ts",
    "time",
    "timestamp",
    "@timestamp",
    "asctime",
    "datetime",
    "date",
    "t",
];

/// Which part a field plays on a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Message,
    Level,
    Time,
    Other,
}

/// The part of each field; one message, one level, one time at most.
pub fn parts(fields: &[Field]) -> Vec<Part> {
    let mut parts = vec![Part::Other; fields.len()];
    for (names, part) in [
        (&MESSAGES[..], Part::Message),
        (&LEVELS[..], Part::Level),
        (&TIMES[..], Part::Time),
    ] {
        let found = names.iter().find_map(|name| {
            fields.iter().position(|(n, value)| {
                let text = value.get().starts_with('"');
                n.eq_ignore_ascii_case(name) && (text || part != Part::Message)
            })
        });
        if let Some(at) = found {
            parts[at] = part;
        }
    }
    parts
}

/// How bad the object says it is; numbers as pino and bunyan count (10 to 60), or as Python does.
pub fn level(fields: &[Field]) -> Option<Severity> {
    let at = parts(fields).iter().position(|p| *p == Part::Level)?;
    severity(&plain(fields[at].1))
}

/// A level's name or number.
pub fn severity(value: &str) -> Option<Severity> {
    Some(match &*value.to_ascii_lowercase() {
        "trace" | "10" => Severity::Trace,
        "debug" | "dbg" | "20" => Severity::Debug,
        "info" | "notice" | "information" | "30" => Severity::Info,
        "warn" | "warning" | "40" => Severity::Warning,
        "error" | "err" | "50" => Severity::Error,
        "fatal" | "critical" | "panic" | "dpanic" | "emergency" | "alert" | "60" => Severity::Fatal,
        _ => return None,
    })
}

/// The object over several lines, two blanks deeper inside each bracket. What is written stays as it is.
pub fn pretty(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    let (mut deep, mut quoted, mut escaped) = (0usize, false, false);
    let mut chars = text.trim().chars().peekable();
    let newline = |out: &mut String, deep: usize| {
        out.push('\n');
        (0..deep.min(32)).for_each(|_| out.push_str("  "));
    };
    while let Some(c) = chars.next() {
        if quoted {
            out.push(c);
            quoted = escaped || c != '"';
            escaped = c == '\\' && !escaped;
            continue;
        }
        match c {
            '"' => {
                quoted = true;
                out.push(c);
            }
            '{' | '[' => {
                out.push(c);
                while chars.next_if(|c| c.is_whitespace()).is_some() {}
                let close = if c == '{' { '}' } else { ']' };
                if chars.next_if_eq(&close).is_some() {
                    out.push(close);
                } else {
                    deep += 1;
                    newline(&mut out, deep);
                }
            }
            '}' | ']' => {
                deep = deep.saturating_sub(1);
                newline(&mut out, deep);
                out.push(c);
            }
            ',' => {
                out.push(c);
                newline(&mut out, deep);
            }
            ':' => out.push_str(": "),
            c if c.is_whitespace() => {}
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(r#"{"a":1,"b":"x"}"#, "a", Some("1"))]
    #[case(r#"{"b":"x\ny"}"#, "B", Some("x\ny"))]
    #[case(r#"{"m":{"loss":0.50}}"#, "m.loss", Some("0.50"))]
    #[case(r#"{"m.loss":3}"#, "m.loss", Some("3"))]
    #[case(r#"{"a":1} tail"#, "a", None)]
    #[case(r#"{'a': 1}"#, "a", None)]
    #[case("{}", "a", None)]
    #[case(r#"{"a":}"#, "a", None)]
    fn fields_by_name(#[case] text: &str, #[case] name: &str, #[case] want: Option<&str>) {
        let found = object(text).and_then(|fields| find(&fields, name));
        assert_eq!(found.as_deref(), want);
    }

    #[rstest]
    #[case(r#"{"level":"warn","msg":"x"}"#, Some(Severity::Warning))]
    #[case(r#"{"level":50,"msg":"x"}"#, Some(Severity::Error))]
    #[case(r#"{"severity":"CRITICAL"}"#, Some(Severity::Fatal))]
    #[case(r#"{"level":"odd"}"#, None)]
    fn levels(#[case] text: &str, #[case] want: Option<Severity>) {
        assert_eq!(level(&object(text).unwrap()), want);
    }

    #[test]
    fn one_field_is_the_message() {
        let fields = object(r#"{"ts":1,"event":{"a":1},"message":"m","msg":"n","level":"info"}"#);
        let want = [
            Part::Time,
            Part::Other,
            Part::Other,
            Part::Message,
            Part::Level,
        ];
        assert_eq!(parts(&fields.unwrap()), want);
    }

    #[test]
    fn pretty_keeps_what_is_written() {
        let text = r#"{"z":1.50,"a":{"x":[],"y":["q, {\"}",null]},"e":{ }}"#;
        let want = "{\n  \"z\": 1.50,\n  \"a\": {\n    \"x\": [],\n    \"y\": [\n      \"q, {\\\"}\",\n      null\n    ]\n  },\n  \"e\": {}\n}";
        assert_eq!(pretty(text), want);
    }

    proptest! {
        #[test]
        fn pretty_is_the_same_value(keys in proptest::collection::btree_map("[a-z\"\\\\ {},:]{0,6}", any::<Option<i32>>(), 0..6)) {
            let value = serde_json::json!({ "in": keys, "list": [1, [2], {}] });
            let again: serde_json::Value = serde_json::from_str(&pretty(&value.to_string())).unwrap();
            prop_assert_eq!(again, value);
        }

        #[test]
        fn any_text_is_no_panic(text in "[\\[\\]{}\",:a \\\\]{0,40}") {
            let _ = (pretty(&text), object(&text));
        }
    }
}
