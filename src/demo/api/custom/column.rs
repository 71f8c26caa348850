//! The columns that a definition adds to its kind's table, and the simple JSON paths they read.

use serde_json::Value;

/// One of `additionalPrinterColumns`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PrinterColumn {
    pub name: String,
    /// `string`, `integer`, `number`, `boolean`, `date`.
    pub kind: String,
    pub format: String,
    pub description: String,
    pub priority: i64,
    /// A simple JSON path: `.spec.queueName`, `.status.conditions[?(@.type=="Ready")].status`.
    pub path: String,
}

impl PrinterColumn {
    /// The columns of `additionalPrinterColumns`; the age where there are none.
    pub fn all(list: &Value) -> Vec<Self> {
        let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
        let columns = list.as_array().map_or(&[][..], Vec::as_slice);
        if columns.is_empty() {
            return vec![Self {
                name: "Age".to_owned(),
                kind: "date".to_owned(),
                description: "Time since the object was created.".to_owned(),
                path: ".metadata.creationTimestamp".to_owned(),
                ..Self::default()
            }];
        }
        let column = |c: &Value| {
            let path = text(&c["jsonPath"]);
            let described = c["description"].as_str().filter(|d| !d.is_empty());
            Self {
                name: text(&c["name"]),
                kind: text(&c["type"]),
                format: text(&c["format"]),
                description: described.map_or_else(
                    || format!("Custom resource definition column (in JSONPath format): {path}"),
                    str::to_owned,
                ),
                priority: c["priority"].as_i64().unwrap_or_default(),
                path,
            }
        };
        columns.iter().map(column).collect()
    }

    /// Reads the column's value; `Null` if it is not there.
    pub fn read(&self, object: &Value) -> Value {
        let mut at = object;
        for step in steps(&self.path) {
            let next = match &step {
                Step::Field(name) => at.get(name),
                Step::Index(i) => at.get(i),
                Step::Last => at.as_array().and_then(|all| all.last()),
                Step::Where(field, want) => at
                    .as_array()
                    .and_then(|all| all.iter().find(|v| v[field] == *want)),
            };
            match next {
                Some(value) => at = value,
                None => return Value::Null,
            }
        }
        at.clone()
    }
}

enum Step {
    Field(String),
    Index(usize),
    /// `[-1:]`
    Last,
    /// `[?(@.type=="Ready")]`
    Where(String, String),
}

fn steps(path: &str) -> Vec<Step> {
    let mut out = Vec::new();
    let mut rest = path.trim_start_matches('{').trim_end_matches('}');
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix('[') {
            let end = inner.find(']').unwrap_or(inner.len());
            let text = &inner[..end];
            rest = inner.get(end + 1..).unwrap_or_default();
            let filter = text
                .strip_prefix("?(@.")
                .and_then(|t| t.strip_suffix(')'))
                .and_then(|t| t.split_once("=="));
            if let Some((field, want)) = filter {
                let want = want.trim().trim_matches(['"', '\'']);
                out.push(Step::Where(field.trim().to_owned(), want.to_owned()));
            } else if text == "*" {
                // A column shows the first of several.
                out.push(Step::Index(0));
            } else if text == "-1:" || text == "-1" {
                out.push(Step::Last);
            } else if let Ok(i) = text.parse() {
                out.push(Step::Index(i));
            } else {
                out.push(Step::Field(text.trim_matches(['"', '\'']).to_owned()));
            }
        } else {
            rest = rest.trim_start_matches('.');
            // A dot in a key is written `\.`.
            let mut end = 0;
            let bytes = rest.as_bytes();
            while end < bytes.len() && !b".[".contains(&bytes[end]) {
                end += if bytes[end] == b'\\' { 2 } else { 1 };
            }
            let end = end.min(rest.len());
            if end > 0 {
                out.push(Step::Field(rest[..end].replace('\\', "")));
            }
            rest = &rest[end..];
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn columns_read_fields_items_and_conditions() {
        let object = json!({
            "metadata": {"labels": {"a.b/c": "x"}},
            "status": {"conditions": [{"type": "A", "status": "False"}, {"type": "B", "status": "True"}]},
        });
        let read = |path: &str| {
            let column = PrinterColumn {
                path: path.to_owned(),
                ..PrinterColumn::default()
            };
            column.read(&object)
        };
        assert_eq!(read(".status.conditions[?(@.type=='B')].status"), "True");
        assert_eq!(read(".status.conditions[0].type"), "A");
        assert_eq!(read(".status.conditions[-1:].type"), "B");
        assert_eq!(read(".status.conditions[*].type"), "A");
        assert_eq!(read(".metadata.labels['a.b/c']"), "x");
        assert_eq!(read(".metadata.labels.a\\.b/c"), "x");
        assert_eq!(read(".spec.none"), Value::Null);
    }
}
