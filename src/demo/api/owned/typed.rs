//! Is a configuration of the type it is applied to? What structured merge says when it is not.

use serde_json::Value;

use super::compare::{Place, item_part, place_of};
use super::set::Part;
use crate::api::schema::{ListKind, Schemas, Shape};

/// What is wrong, each with its path before it.
pub fn mistakes(schemas: &Schemas, place: Place, value: &Value) -> Vec<String> {
    let mut out = Vec::new();
    walk(schemas, place, value, "", &mut out);
    out
}

/// Several mistakes in one text, as the server joins them.
pub fn joined(mistakes: &[String]) -> String {
    match mistakes {
        [one] => one.clone(),
        all => format!("errors:\n  {}", all.join("\n  ")),
    }
}

fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Number(n) if n.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

fn shown(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    format!("&{{{text}}}")
}

fn walk(schemas: &Schemas, place: Place, value: &Value, path: &str, out: &mut Vec<String>) {
    if value.is_null() {
        return;
    }
    let expected = match (&schemas.get(place.of).shape, value) {
        (Shape::Struct(_) | Shape::Map(_), Value::Object(map)) => {
            for (name, field) in map {
                let part = Part::Field(name.clone());
                let at = format!("{path}.{name}");
                if let Shape::Struct(fields) = &schemas.get(place.of).shape
                    && !fields.contains_key(name)
                    && !schemas.get(place.of).open
                {
                    out.push(format!("{at}: field not declared in schema"));
                    continue;
                }
                walk(schemas, place_of(schemas, place, &part), field, &at, out);
            }
            return;
        }
        (Shape::List(_), Value::Array(list)) => return items(schemas, place, list, path, out),
        (Shape::Struct(_) | Shape::Map(_), other) => format!("expected map, got {}", shown(other)),
        (Shape::List(_), other) => format!("expected list, got {}", shown(other)),
        (Shape::Int32 | Shape::Int64 | Shape::Number, other) if !other.is_number() => {
            format!("expected numeric (int or float), got {}", go_type(other))
        }
        (Shape::Text | Shape::Time | Shape::MicroTime | Shape::Bytes, other)
            if !other.is_string() =>
        {
            format!("expected string, got {}", shown(other))
        }
        (Shape::Bool, other) if !other.is_boolean() => {
            format!("expected boolean, got {}", shown(other))
        }
        _ => return,
    };
    out.push(format!("{path}: {expected}"));
}

fn items(schemas: &Schemas, place: Place, list: &[Value], path: &str, out: &mut Vec<String>) {
    let mut met: Vec<Part> = Vec::new();
    for (i, item) in list.iter().enumerate() {
        if place.list == ListKind::Atomic {
            let part = Part::Index(i);
            walk(
                schemas,
                place_of(schemas, place, &part),
                item,
                &format!("{path}[{i}]"),
                out,
            );
            continue;
        }
        if let ListKind::Defined(at) = place.list {
            let keys = schemas.keys_of(at).iter();
            let mut missing = keys.filter(|(k, default)| item[k].is_null() && default.is_null());
            if let Some((key, _)) = missing.next() {
                out.push(format!(
                    "{path}: element {i}: associative list with keys has an element that omits key field \"{key}\" (and doesn't have default value)"
                ));
                continue;
            }
        }
        let part = item_part(schemas, place.list, item);
        let shown = part.show();
        if met.contains(&part) {
            out.push(format!("{path}: duplicate entries for key {shown}"));
            continue;
        }
        walk(
            schemas,
            place_of(schemas, place, &part),
            item,
            &format!("{path}{shown}"),
            out,
        );
        met.push(part);
    }
}
