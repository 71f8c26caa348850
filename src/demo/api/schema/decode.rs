//! Typed decoding: prunes what the schema does not know, reports it as strict errors, refuses wrong types in
//! Go's words, and leaves out what Go would not write again (nulls, empty lists and maps, zero values).

use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::{Field, Schemas, Shape, TypeId};
use crate::api::quantity;

/// A decoded object.
#[derive(Debug, Clone, PartialEq)]
pub struct Decoded {
    pub value: Value,
    /// `unknown field "…"`, `duplicate field "…"`, in the order met.
    pub strict: Vec<String>,
}

/// Decodes with a type.
///
/// # Errors
/// The first type error in Go's words, or the deserializer's own.
pub fn typed<'de, D: Deserializer<'de>>(
    schemas: &Schemas,
    of: TypeId,
    input: D,
) -> Result<Decoded, String> {
    let mut issues = Issues::default();
    let seed = Seed {
        schemas,
        of,
        issues: &mut issues,
    };
    let value = seed.deserialize(input).map_err(|e| e.to_string())?;
    match issues.error {
        Some(error) => Err(error),
        None => Ok(Decoded {
            value: value.unwrap_or(Value::Null),
            strict: issues.strict,
        }),
    }
}

#[derive(Debug, Default)]
struct Issues {
    strict: Vec<String>,
    error: Option<String>,
    /// Path with indexes, for strict errors.
    path: Vec<String>,
    /// Innermost struct and the names of struct fields, for type errors.
    owner: String,
    fields: Vec<String>,
}

impl Issues {
    fn strict(&mut self, what: &str, key: &str) {
        let mut path = self.path.concat();
        if !path.is_empty() {
            path.push('.');
        }
        self.strict.push(format!("{what} field \"{path}{key}\""));
    }

    fn mismatch(&mut self, found: &str, wanted: &str) {
        let place = if self.fields.is_empty() {
            "Go value".to_owned()
        } else {
            format!("Go struct field {}.{}", self.owner, self.fields.join("."))
        };
        self.fail(format!(
            "json: cannot unmarshal {found} into {place} of type {wanted}"
        ));
    }

    fn fail(&mut self, text: String) {
        self.error.get_or_insert(text);
    }
}

struct Seed<'a> {
    schemas: &'a Schemas,
    of: TypeId,
    issues: &'a mut Issues,
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    /// `None` is a null.
    type Value = Option<Value>;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<Self::Value, D::Error> {
        input.deserialize_any(self)
    }
}

impl Seed<'_> {
    fn shape(&self) -> &Shape {
        &self.schemas.get(self.of).shape
    }

    fn wrong(self, found: &str) -> Option<Value> {
        let wanted = self.schemas.get(self.of).go(self.schemas);
        self.issues.mismatch(found, &wanted);
        None
    }

    fn quantity(self, text: &str) -> Option<Value> {
        match quantity::canonical(text.trim()) {
            Some(canonical) => Some(Value::String(canonical)),
            None => {
                self.issues.fail(quantity::INVALID.to_owned());
                None
            }
        }
    }

    fn number(self, value: Value) -> Option<Value> {
        let text = value.to_string();
        match self.shape() {
            Shape::Any | Shape::Number => Some(value),
            Shape::IntOrString if value.as_i64().is_some() => Some(value),
            Shape::Quantity => self.quantity(&text),
            Shape::Int32 | Shape::Int64 => {
                let fits = match self.shape() {
                    Shape::Int32 => value.as_i64().is_some_and(|n| i32::try_from(n).is_ok()),
                    _ => value.as_i64().is_some(),
                };
                if fits {
                    Some(value)
                } else {
                    self.wrong(&format!("number {text}"))
                }
            }
            _ => self.wrong("number"),
        }
    }

    fn text(self, text: &str) -> Option<Value> {
        match self.shape() {
            Shape::Text | Shape::Any | Shape::IntOrString => Some(Value::String(text.to_owned())),
            Shape::Quantity => self.quantity(text),
            Shape::Bytes => match base64_error(text) {
                None => Some(Value::String(text.to_owned())),
                Some(at) => {
                    self.issues
                        .fail(format!("illegal base64 data at input byte {at}"));
                    None
                }
            },
            Shape::Time | Shape::MicroTime => {
                let micro = *self.shape() == Shape::MicroTime;
                match chrono::DateTime::parse_from_rfc3339(text) {
                    Ok(at) => {
                        let at = at.to_utc();
                        let text = if micro {
                            crate::clock::rfc3339_micro(at)
                        } else {
                            crate::clock::rfc3339(at)
                        };
                        Some(Value::String(text))
                    }
                    Err(_) => {
                        let layout = if micro {
                            "2006-01-02T15:04:05.000000Z07:00"
                        } else {
                            "2006-01-02T15:04:05Z07:00"
                        };
                        self.issues.fail(format!(
                            "parsing time \"{text}\" as \"{layout}\": cannot parse \"{text}\" as \"2006\""
                        ));
                        None
                    }
                }
            }
            _ => self.wrong("string"),
        }
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Option<Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, input: D) -> Result<Self::Value, D::Error> {
        self.deserialize(input)
    }

    fn visit_bool<E>(self, v: bool) -> Result<Self::Value, E> {
        Ok(match self.shape() {
            Shape::Bool | Shape::Any => Some(Value::Bool(v)),
            _ => self.wrong("bool"),
        })
    }

    fn visit_i64<E>(self, v: i64) -> Result<Self::Value, E> {
        Ok(self.number(v.into()))
    }

    fn visit_u64<E>(self, v: u64) -> Result<Self::Value, E> {
        Ok(self.number(v.into()))
    }

    fn visit_f64<E>(self, v: f64) -> Result<Self::Value, E> {
        Ok(self.number(v.into()))
    }

    fn visit_str<E>(self, v: &str) -> Result<Self::Value, E> {
        Ok(self.text(v))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let of = match self.shape() {
            Shape::List(item) => *item,
            Shape::Any => self.of,
            _ => {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                return Ok(self.wrong("array"));
            }
        };
        let mut out = Vec::new();
        loop {
            self.issues.path.push(format!("[{}]", out.len()));
            let item = seq.next_element_seed(Seed {
                schemas: self.schemas,
                of,
                issues: self.issues,
            });
            self.issues.path.pop();
            match item? {
                Some(value) => out.push(value.unwrap_or_else(|| zero(self.schemas, of))),
                None => return Ok(Some(Value::Array(out))),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        match self.shape() {
            Shape::Struct(_) => self.object(map),
            Shape::Map(_) | Shape::Any => self.entries(map),
            _ => {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(self.wrong("object"))
            }
        }
    }
}

impl Seed<'_> {
    fn object<'de, A: MapAccess<'de>>(self, mut map: A) -> Result<Option<Value>, A::Error> {
        let schemas = self.schemas;
        let this = schemas.get(self.of);
        let Shape::Struct(fields) = &this.shape else {
            return Ok(None);
        };
        let (mut out, mut met) = (Map::new(), HashSet::new());
        while let Some(key) = map.next_key::<String>()? {
            if !met.insert(key.clone()) {
                self.issues.strict("duplicate", &key);
            }
            let Some(field) = fields.get(&key) else {
                self.issues.strict("unknown", &key);
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let dot = if self.issues.path.is_empty() { "" } else { "." };
            self.issues.path.push(format!("{dot}{key}"));
            self.issues.fields.push(key.clone());
            let outer = std::mem::replace(&mut self.issues.owner, this.short().to_owned());
            let value = map.next_value_seed(Seed {
                schemas,
                of: field.of,
                issues: self.issues,
            });
            self.issues.owner = outer;
            self.issues.fields.pop();
            self.issues.path.pop();
            match value?.and_then(|v| kept(schemas, this.short(), &key, field, v)) {
                Some(value) => out.insert(key, value),
                // A later null takes an earlier value away.
                None => out.remove(&key),
            };
        }
        Ok(Some(Value::Object(out)))
    }

    fn entries<'de, A: MapAccess<'de>>(self, mut map: A) -> Result<Option<Value>, A::Error> {
        let (of, raw) = match self.shape() {
            Shape::Map(item) => (*item, false),
            _ => (self.of, true),
        };
        let (mut out, mut met) = (Map::new(), HashSet::new());
        while let Some(key) = map.next_key::<String>()? {
            if !met.insert(key.clone()) {
                self.issues.strict("duplicate", &key);
            }
            let dot = if self.issues.path.is_empty() { "" } else { "." };
            self.issues.path.push(format!("{dot}{key}"));
            let value = map.next_value_seed(Seed {
                schemas: self.schemas,
                of,
                issues: self.issues,
            });
            self.issues.path.pop();
            let value = match value? {
                Some(value) => value,
                None if raw => Value::Null,
                None => zero(self.schemas, of),
            };
            out.insert(key, value);
        }
        Ok(Some(Value::Object(out)))
    }
}

/// What a null in a list or map becomes.
fn zero(schemas: &Schemas, of: TypeId) -> Value {
    match &schemas.get(of).shape {
        Shape::Text | Shape::Bytes => "".into(),
        Shape::Int32 | Shape::Int64 | Shape::Number | Shape::IntOrString => 0.into(),
        Shape::Bool => false.into(),
        Shape::Quantity => "0".into(),
        Shape::Struct(_) => Value::Object(Map::new()),
        _ => Value::Null,
    }
}

/// Texts that Go holds behind pointers: the empty one is kept.
const POINTERS: [&str; 10] = [
    "completionMode",
    "holderIdentity",
    "managedBy",
    "podReplacementPolicy",
    "preemptionPolicy",
    "runtimeClassName",
    "storageClassName",
    "timeZone",
    "volumeAttributesClassName",
    "volumeMode",
];
/// Flags that Go holds without a pointer: `false` is not written.
const FLAGS: [&str; 18] = [
    "deprecated",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "nullable",
    "uniqueItems",
    "x-kubernetes-embedded-resource",
    "x-kubernetes-int-or-string",
    "hostNetwork",
    "hostPID",
    "hostIPC",
    "stdin",
    "stdinOnce",
    "tty",
    "readOnly",
    "unschedulable",
    "paused",
    "globalDefault",
    "publishNotReadyAddresses",
];
/// Numbers that Go holds without a pointer: 0 is not written.
const NUMBERS: [&str; 12] = [
    "hostPort",
    "generation",
    "observedGeneration",
    "initialDelaySeconds",
    "timeoutSeconds",
    "periodSeconds",
    "successThreshold",
    "failureThreshold",
    "minReadySeconds",
    "nodePort",
    "count",
    "signal",
];

/// The value as Go would write it again; `None` if it would not.
fn kept(schemas: &Schemas, owner: &str, name: &str, field: &Field, value: Value) -> Option<Value> {
    if field.required {
        return Some(value);
    }
    let drop = match (&schemas.get(field.of).shape, &value) {
        (Shape::List(_), Value::Array(items)) => items.is_empty(),
        (Shape::Map(_), Value::Object(items)) => items.is_empty(),
        (Shape::Text, Value::String(text)) => text.is_empty() && !POINTERS.contains(&name),
        (Shape::Bool, Value::Bool(false)) => FLAGS.contains(&name),
        (Shape::Int32 | Shape::Int64, number) if number == 0 => {
            NUMBERS.contains(&name)
                || (owner == "CustomResourceColumnDefinition" && name == "priority")
                || (owner == "JobStatus" && ["active", "failed", "succeeded"].contains(&name))
        }
        _ => false,
    };
    (!drop).then_some(value)
}

/// Where a text stops being standard base64.
fn base64_error(text: &str) -> Option<usize> {
    let digits = text.trim_end_matches('=');
    let bad = digits.bytes().filter(|b| !b"\r\n".contains(b)).enumerate();
    for (i, b) in bad {
        if !(b.is_ascii_alphanumeric() || b == b'+' || b == b'/') {
            return Some(i);
        }
    }
    let length = text.bytes().filter(|b| !b"\r\n".contains(b)).count();
    (length % 4 != 0).then_some(length - length % 4)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::schema::schemas;
    use serde_json::json;

    fn job(text: &str) -> Result<Decoded, String> {
        let s = schemas();
        let of = s.root("batch", "v1", "Job").unwrap();
        typed(s, of, &mut serde_json::Deserializer::from_str(text))
    }

    #[test]
    fn unknown_and_doubled_fields_are_named_in_order() {
        let d = job(r#"{"spec":{"suspend":true,"zz":1,"suspend":false,"template":{"spec":{"containers":[{"name":"a","comand":["x"]}]}}}}"#).unwrap();
        assert_eq!(
            d.strict,
            [
                "unknown field \"spec.zz\"",
                "duplicate field \"spec.suspend\"",
                "unknown field \"spec.template.spec.containers[0].comand\""
            ]
        );
        assert_eq!(
            d.value,
            json!({"spec": {"suspend": false, "template": {"spec": {"containers": [{"name": "a"}]}}}})
        );
    }

    #[test]
    fn wrong_types_are_refused_in_gos_words() {
        for (text, want) in [
            (
                r#"{"spec":{"completions":"three"}}"#,
                "json: cannot unmarshal string into Go struct field JobSpec.spec.completions of type int32",
            ),
            (
                r#"{"spec":{"template":{"spec":{"containers":{}}}}}"#,
                "json: cannot unmarshal object into Go struct field PodSpec.spec.template.spec.containers of type []v1.Container",
            ),
            (
                r#"{"metadata":{"labels":{"a":1}}}"#,
                "json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string",
            ),
            (
                r#"{"spec":{"parallelism":1.5}}"#,
                "json: cannot unmarshal number 1.5 into Go struct field JobSpec.spec.parallelism of type int32",
            ),
            (
                r#"{"spec":{"template":{"spec":{"containers":[{"resources":{"limits":{"cpu":"lots"}}}]}}}}"#,
                quantity::INVALID,
            ),
            (
                r#"{"spec":3}"#,
                "json: cannot unmarshal number into Go struct field Job.spec of type v1.JobSpec",
            ),
        ] {
            assert_eq!(job(text).unwrap_err(), want);
        }
    }

    #[test]
    fn what_go_would_not_write_is_left_out() {
        let d = job(r#"{"metadata":{"labels":{},"creationTimestamp":null,"generation":0},"spec":{"parallelism":0,"template":{"spec":{"hostNetwork":false,"volumes":[],"securityContext":{},"containers":[{"name":"a","resources":{"limits":{"cpu":"1000m","memory":1024}}}]}}}}"#).unwrap();
        assert_eq!(
            d.value,
            json!({"metadata": {}, "spec": {"parallelism": 0, "template": {"spec": {"securityContext": {}, "containers": [
                {"name": "a", "resources": {"limits": {"cpu": "1", "memory": "1024"}}}]}}}})
        );
    }
}
