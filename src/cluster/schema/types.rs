//! Whether a value is of the type that its schemas say. In doubt it is: the server has the last word.

use serde_json::Value;

use super::document::{All, Schema};

/// Names of definitions whose values may be a text or a number, whatever type they say.
const EITHER: [&str; 2] = [".Quantity", ".IntOrString"];
/// Values named at most, of those that are allowed.
const NAMED: usize = 8;

/// What is wrong with a value; all schemas hold for it, alternatives among them.
pub fn wrong(all: &All, value: &Value) -> Option<String> {
    if value.is_null() {
        return None;
    }
    let either = all.iter().any(|schema| is_either(schema));
    if either && (value.is_string() || value.is_number()) {
        return None;
    }
    let mut types: Vec<&str> = all.iter().filter_map(|s| s.of_type.as_deref()).collect();
    types.sort_unstable();
    types.dedup();
    let known = ["array", "boolean", "integer", "number", "object", "string"];
    if types.iter().any(|of| !known.contains(of)) {
        return None;
    }
    if !types.is_empty() && !types.iter().any(|of| is(value, of)) {
        let wanted = match (either, types.as_slice()) {
            (true, _) => "a text or a number",
            (_, ["integer", "string"] | ["number", "string"]) => "a text or a number",
            (_, [one]) => words(one),
            _ => return Some(format!("{} is none of its types", shown(value))),
        };
        return Some(match (value, types.as_slice()) {
            (Value::String(text), ["integer"]) if text.parse::<i64>().is_ok() => {
                format!("{wanted} is wanted, not a text: take the quotes away")
            }
            (Value::String(text), ["number"]) if text.parse::<f64>().is_ok() => {
                format!("{wanted} is wanted, not a text: take the quotes away")
            }
            (Value::String(text), ["boolean"]) if text == "true" || text == "false" => {
                format!("{wanted} is wanted, not a text: take the quotes away")
            }
            (Value::Number(_) | Value::Bool(_), ["string"]) => {
                format!("{wanted} is wanted, not {}: put it in quotes", shown(value))
            }
            _ => format!("{wanted} is wanted, not {}", shown(value)),
        });
    }
    one_of(all, value)
}

/// A value that is none of those that are allowed.
fn one_of(all: &All, value: &Value) -> Option<String> {
    // an alternative may allow anything
    if all
        .iter()
        .any(|s| !s.any_of.is_empty() || !s.one_of.is_empty())
    {
        return None;
    }
    let text = value.as_str().filter(|text| !text.is_empty())?;
    let allowed = all.iter().flat_map(|s| &s.allowed);
    let allowed: Vec<&str> = allowed.filter_map(Value::as_str).collect();
    if allowed.is_empty() || allowed.contains(&text) {
        return None;
    }
    let mut named: Vec<&str> = allowed.iter().take(NAMED).copied().collect();
    if allowed.len() > NAMED {
        named.push("…");
    }
    Some(format!(
        "it is one of {}, not {}",
        named.join(", "),
        shown(value)
    ))
}

fn is_either(schema: &Schema) -> bool {
    let named = schema.reference.as_deref().unwrap_or_default();
    schema.int_or_string
        || schema.format.as_deref() == Some("int-or-string")
        || EITHER.iter().any(|name| named.ends_with(name))
}

fn is(value: &Value, of: &str) -> bool {
    match of {
        "array" => value.is_array(),
        "boolean" => value.is_boolean(),
        // 3.0 is whole
        "integer" => value.as_f64().is_some_and(|n| n.fract() == 0.0),
        "number" => value.is_number(),
        "object" => value.is_object(),
        _ => value.is_string(),
    }
}

fn words(of: &str) -> &'static str {
    match of {
        "array" => "a list",
        "boolean" => "true or false",
        "integer" => "a whole number",
        "number" => "a number",
        "object" => "a map",
        _ => "a text",
    }
}

/// A value in a sentence.
fn shown(value: &Value) -> String {
    match value {
        Value::Array(_) => "a list".into(),
        Value::Object(_) => "a map".into(),
        Value::String(text) if text.chars().count() > 40 => "a text".into(),
        other => other.to_string(),
    }
}
