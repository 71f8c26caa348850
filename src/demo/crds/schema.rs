//! Words for structural schemas, so that a definition reads as the list of its fields.

use serde_json::{Value, json};

pub fn object(properties: Value) -> Value {
    json!({"type": "object", "properties": properties})
}

/// An object of which some fields must be there.
pub fn requires(required: &[&str], properties: Value) -> Value {
    json!({"type": "object", "required": required, "properties": properties})
}

pub fn text() -> Value {
    json!({"type": "string"})
}

pub fn one_of(words: &[&str]) -> Value {
    json!({"type": "string", "enum": words})
}

pub fn time() -> Value {
    json!({"type": "string", "format": "date-time"})
}

pub fn flag() -> Value {
    json!({"type": "boolean"})
}

pub fn int() -> Value {
    json!({"type": "integer", "format": "int32"})
}

/// A number that is not negative.
pub fn count() -> Value {
    json!({"type": "integer", "format": "int32", "minimum": 0})
}

pub fn long() -> Value {
    json!({"type": "integer", "format": "int64"})
}

/// A quantity: `500m`, `8`, `1Ti`.
pub fn quantity() -> Value {
    json!({"x-kubernetes-int-or-string": true})
}

pub fn list(items: Value) -> Value {
    json!({"type": "array", "items": items})
}

/// A list whose items are told apart by a field.
pub fn keyed(key: &str, items: Value) -> Value {
    json!({
        "type": "array", "items": items,
        "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [key],
    })
}

pub fn map(values: Value) -> Value {
    json!({"type": "object", "additionalProperties": values})
}

/// Anything: templates of pods and jobs, which the server behind the kind judges.
pub fn open() -> Value {
    json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true})
}

/// The same schema with a default.
pub fn or(mut schema: Value, default: Value) -> Value {
    schema["default"] = default;
    schema
}

/// The same schema with a description.
pub fn say(text: &str, mut schema: Value) -> Value {
    schema["description"] = json!(text);
    schema
}

/// Conditions as most projects have them, one of each type.
pub fn conditions() -> Value {
    let condition = requires(
        &["lastTransitionTime", "message", "reason", "status", "type"],
        json!({
            "type": text(), "status": one_of(&["True", "False", "Unknown"]), "reason": text(),
            "message": text(), "lastTransitionTime": time(), "observedGeneration": long(),
        }),
    );
    keyed("type", condition)
}
