//! The small texts that cells are made of: ages, selectors, lists of containers.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

/// One object on its way into a row.
pub struct Row<'a> {
    pub object: &'a Value,
    pub now: DateTime<Utc>,
}

impl Row<'_> {
    pub fn at(&self, path: &str) -> &Value {
        path.split('.').fold(self.object, |v, key| &v[key])
    }

    pub fn text(&self, path: &str) -> String {
        super::super::selector::text_at(self.object, path)
    }

    pub fn text_or(&self, path: &str, default: &str) -> String {
        let text = self.text(path);
        if text.is_empty() {
            default.to_owned()
        } else {
            text
        }
    }

    pub fn number(&self, path: &str) -> i64 {
        self.at(path).as_i64().unwrap_or_default()
    }

    pub fn name(&self) -> Value {
        self.at("metadata.name").clone()
    }

    /// Time since a timestamp, as kubectl writes it.
    pub fn since(&self, path: &str) -> String {
        since(&self.text(path), self.now)
    }

    pub fn age(&self) -> Value {
        json!(self.since("metadata.creationTimestamp"))
    }

    /// Names and images of the containers of a pod spec.
    pub fn containers(&self, path: &str) -> [Value; 2] {
        ["name", "image"].map(|field| {
            let all = self.at(path).as_array().into_iter().flatten();
            let texts: Vec<&str> = all.filter_map(|c| c[field].as_str()).collect();
            json!(texts.join(","))
        })
    }
}

/// Time from a timestamp until `now`.
pub fn since(at: &str, now: DateTime<Utc>) -> String {
    match DateTime::parse_from_rfc3339(at) {
        Ok(at) => human_duration(now - at.with_timezone(&Utc)),
        Err(_) => "<unknown>".to_owned(),
    }
}

/// A length of time in the short form of kubectl: `5m30s`, `3h`, `2d5h`, `400d`.
pub fn human_duration(length: TimeDelta) -> String {
    let seconds = length.num_milliseconds() as f64 / 1000.0;
    if seconds < -1.0 {
        return "<invalid>".to_owned();
    }
    let two = |a: i64, unit: &str, b: i64, small: &str| {
        if b == 0 {
            format!("{a}{unit}")
        } else {
            format!("{a}{unit}{b}{small}")
        }
    };
    let s = (seconds as i64).max(0);
    let (m, h, d) = (s / 60, s / 3600, s / 86_400);
    match () {
        () if s < 120 => format!("{s}s"),
        () if m < 10 => two(m, "m", s % 60, "s"),
        () if m < 180 => format!("{m}m"),
        () if h < 8 => two(h, "h", m % 60, "m"),
        () if h < 48 => format!("{h}h"),
        () if h < 192 => two(d, "d", h % 24, "h"),
        () if h < 24 * 365 * 2 => format!("{d}d"),
        () if h < 24 * 365 * 8 => two(d / 365, "y", d % 365, "d"),
        () => format!("{}y", d / 365),
    }
}

/// A label selector (matchLabels, matchExpressions) on one line.
pub fn selector(value: &Value) -> String {
    let mut parts: Vec<(String, String)> = value["matchLabels"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(k, v)| (k.clone(), format!("{k}={}", v.as_str().unwrap_or_default())))
        .collect();
    for e in value["matchExpressions"].as_array().into_iter().flatten() {
        let key = e["key"].as_str().unwrap_or_default();
        let values = e["values"].as_array().into_iter().flatten();
        let mut values: Vec<&str> = values.filter_map(Value::as_str).collect();
        values.sort_unstable();
        let values = values.join(",");
        let text = match e["operator"].as_str().unwrap_or_default() {
            "In" => format!("{key} in ({values})"),
            "NotIn" => format!("{key} notin ({values})"),
            "DoesNotExist" => format!("!{key}"),
            _ => key.to_owned(),
        };
        parts.push((key.to_owned(), text));
    }
    parts.sort();
    if parts.is_empty() {
        return "<none>".to_owned();
    }
    let texts: Vec<String> = parts.into_iter().map(|(_, text)| text).collect();
    texts.join(",")
}

/// Labels on one line.
pub fn labels(value: &Value) -> String {
    let pairs: Vec<String> = value
        .as_object()
        .into_iter()
        .flatten()
        .map(|(k, v)| format!("{k}={}", v.as_str().unwrap_or_default()))
        .collect();
    if pairs.is_empty() {
        "<none>".to_owned()
    } else {
        pairs.join(",")
    }
}
