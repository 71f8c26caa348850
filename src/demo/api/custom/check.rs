//! Validation of custom objects against their schema, in the server's words. What a write leaves as it was is
//! not held against it (ratcheting), so that a schema may be tightened under living objects.

use regex::Regex;
use serde_json::{Value, json};

use super::structural::{OWN, is};
use super::{Scale, Version};
use crate::api::status::Cause;

/// What is wrong with an object; `old` is its state before the write. Only the status is looked at if
/// `status` is what is written.
pub fn check(version: &Version, object: &Value, old: Option<&Value>, status: bool) -> Vec<Cause> {
    let mut walk = Walk {
        causes: Vec::new(),
        strip: "",
    };
    if status {
        // The server validates the status by itself, and says so.
        walk.strip = "status.";
        let schema = &version.schema["properties"]["status"];
        if let Some(value) = object.get("status").filter(|_| schema.is_object()) {
            walk.value(schema, value, old.and_then(|o| o.get("status")), "status");
        }
    } else {
        walk.resource(&version.schema, object, old, "");
        walk.lists(&version.schema, object, old, "");
    }
    if let Some(scale) = &version.scale {
        scalable(scale, object, status, &mut walk.causes);
    }
    walk.causes
}

/// Is a default right?
pub fn fits(schema: &Value, value: &Value) -> Vec<Cause> {
    let mut walk = Walk {
        causes: Vec::new(),
        strip: "",
    };
    walk.value(schema, value, None, "");
    walk.causes
}

/// The numbers that the scale subresource reads.
fn scalable(scale: &Scale, object: &Value, status: bool, causes: &mut Vec<Cause>) {
    for (path, of_status) in [(&scale.spec, false), (&scale.status, true)] {
        if of_status != status {
            continue;
        }
        let mut at = object;
        for field in path.trim_start_matches('.').split('.') {
            if !at.is_object() && !at.is_null() {
                let found = go(at);
                let why =
                    format!("{path} accessor error: {found}, expected map[string]interface{{}}");
                causes.push(Cause::invalid(path.as_str(), &json!(0), &why));
                return;
            }
            at = &at[field];
        }
        match at {
            Value::Null => {}
            n if n.as_i64().is_some_and(|n| n >= 0) => {}
            n if n.as_i64().is_some() => {
                causes.push(Cause::invalid(
                    path.as_str(),
                    n,
                    "should be a non-negative integer",
                ));
            }
            other => {
                let why = format!("{path} accessor error: {}, expected int64", go(other));
                causes.push(Cause::invalid(path.as_str(), &json!(0), &why));
            }
        }
    }
}

/// A value and its type as Go names them.
fn go(value: &Value) -> String {
    match value {
        Value::String(text) => format!("{text} is of the type string"),
        Value::Bool(flag) => format!("{flag} is of the type bool"),
        Value::Array(list) => {
            let items: Vec<String> = list.iter().map(ToString::to_string).collect();
            format!("[{}] is of the type []interface {{}}", items.join(" "))
        }
        Value::Object(_) => "map is of the type map[string]interface {}".to_owned(),
        number => {
            let n = number.as_f64().unwrap_or_default();
            format!("{n} is of the type float64")
        }
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(n) if whole(n) => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn whole(n: &serde_json::Number) -> bool {
    n.is_i64() || n.is_u64() || n.as_f64().is_some_and(|f| f.fract() == 0.0)
}

struct Walk {
    causes: Vec<Cause>,
    /// What messages leave out of the path.
    strip: &'static str,
}

impl Walk {
    fn body<'a>(&self, path: &'a str) -> &'a str {
        path.strip_prefix(self.strip).unwrap_or(path)
    }

    fn wrong(&mut self, path: &str, value: &Value, why: &str) {
        let body = self.body(path);
        let why = format!("{body} in body {why}");
        self.causes.push(Cause::invalid(path, value, &why));
    }

    fn mistyped(&mut self, path: &str, found: &str, wanted: &str) {
        let body = self.body(path);
        self.causes.push(Cause {
            reason: "FieldValueTypeInvalid",
            field: path.to_owned(),
            message: format!(
                "Invalid value: \"{found}\": {body} in body must be of type {wanted}: \"{found}\""
            ),
        });
    }

    /// A message that the server cannot attribute to a field.
    fn vague(&mut self, message: String) {
        self.causes
            .push(Cause::invalid("<nil>", &json!(""), &message));
    }

    fn resource(&mut self, schema: &Value, object: &Value, old: Option<&Value>, path: &str) {
        self.value_of(schema, object, old, path, true);
    }

    fn value(&mut self, schema: &Value, value: &Value, old: Option<&Value>, path: &str) {
        self.value_of(schema, value, old, path, false);
    }

    fn value_of(
        &mut self,
        schema: &Value,
        value: &Value,
        old: Option<&Value>,
        path: &str,
        root: bool,
    ) {
        if old == Some(value) {
            return;
        }
        if value.is_null() && is(schema, "nullable") {
            return;
        }
        let found = type_of(value);
        if is(schema, "x-kubernetes-int-or-string") {
            if !["integer", "string"].contains(&found) {
                return self.mistyped(path, found, "integer,string");
            }
        } else if let Some(wanted) = schema["type"].as_str()
            && wanted != found
            && !(wanted == "number" && found == "integer")
        {
            self.mistyped(path, found, wanted);
            if wanted == "integer" && found == "number" {
                let format = schema["format"].as_str();
                let format = format.map_or_else(
                    || "(default format)".to_owned(),
                    |f| format!("with format {f}"),
                );
                self.vague(format!(
                    "Checked value must be of type integer {format} in {path}"
                ));
            }
            return;
        }
        if let Some(all) = schema["enum"].as_array()
            && !all.contains(value)
        {
            let texts: Vec<String> = all.iter().map(plain).collect();
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            self.causes.push(Cause::unsupported(path, value, &texts));
        }
        match value {
            Value::String(text) => self.text(schema, text, path),
            Value::Number(_) => self.number(schema, value, path),
            Value::Array(list) => self.list(schema, list, old, path),
            Value::Object(_) => self.object(schema, value, old, path, root),
            _ => {}
        }
        self.combined(schema, value, path);
    }

    fn text(&mut self, schema: &Value, text: &str, path: &str) {
        let length = text.chars().count() as u64;
        if let Some(limit) = schema["maxLength"].as_u64().filter(|n| length > *n) {
            self.causes.push(Cause::too_long(
                path,
                usize::try_from(limit).unwrap_or_default(),
            ));
        }
        if let Some(least) = schema["minLength"].as_u64().filter(|n| length < *n) {
            let why = format!("should be at least {least} chars long");
            self.wrong(path, &json!(text), &why);
        }
        if let Some(pattern) = schema["pattern"].as_str()
            && Regex::new(pattern).is_ok_and(|r| !r.is_match(text))
        {
            self.wrong(path, &json!(text), &format!("should match '{pattern}'"));
        }
        if let Some(format) = schema["format"].as_str()
            && !has_format(format, text)
        {
            let body = self.body(path);
            self.causes.push(Cause {
                reason: "FieldValueTypeInvalid",
                field: path.to_owned(),
                message: format!(
                    "Invalid value: \"{text}\": {body} in body must be of type {format}: \"{text}\""
                ),
            });
        }
    }

    fn number(&mut self, schema: &Value, value: &Value, path: &str) {
        let n = value.as_f64().unwrap_or_default();
        if schema["type"] == "integer"
            && schema["format"] == "int32"
            && value.as_i64().is_none_or(|n| i32::try_from(n).is_err())
        {
            self.vague(format!(
                "Checked value must be of type integer with format int32 in {path}"
            ));
        }
        if let Some(limit) = schema["maximum"].as_f64() {
            let exclusive = is(schema, "exclusiveMaximum");
            if n > limit || (exclusive && n >= limit) {
                let how = if exclusive {
                    "less than"
                } else {
                    "less than or equal to"
                };
                self.wrong(path, value, &format!("should be {how} {limit}"));
            }
        }
        if let Some(limit) = schema["minimum"].as_f64() {
            let exclusive = is(schema, "exclusiveMinimum");
            if n < limit || (exclusive && n <= limit) {
                let how = if exclusive {
                    "greater than"
                } else {
                    "greater than or equal to"
                };
                self.wrong(path, value, &format!("should be {how} {limit}"));
            }
        }
        if let Some(step) = schema["multipleOf"].as_f64().filter(|s| *s > 0.0)
            && (n / step).fract() != 0.0
        {
            self.wrong(path, value, &format!("should be a multiple of {step}"));
        }
    }

    fn list(&mut self, schema: &Value, list: &[Value], old: Option<&Value>, path: &str) {
        let count = list.len() as u64;
        if let Some(least) = schema["minItems"].as_u64().filter(|n| count < *n) {
            let why = format!("should have at least {least} items");
            self.wrong(path, &json!(count), &why);
        }
        if let Some(limit) = schema["maxItems"].as_u64().filter(|n| count > *n) {
            self.too_many(path, count, limit);
        }
        let items = &schema["items"];
        let before = old.and_then(Value::as_array);
        let keys = keys(schema);
        for (i, item) in list.iter().enumerate().filter(|_| items.is_object()) {
            // Only the items of keyed lists are known to be the same ones.
            let same = before
                .filter(|_| !keys.is_empty())
                .and_then(|all| all.iter().find(|o| keys.iter().all(|k| o[*k] == item[*k])));
            let resource = is(items, "x-kubernetes-embedded-resource");
            self.value_of(items, item, same, &format!("{path}[{i}]"), resource);
        }
    }

    fn too_many(&mut self, path: &str, count: u64, limit: u64) {
        let items = if limit == 1 { "item" } else { "items" };
        self.causes.push(Cause {
            reason: "FieldValueTooMany",
            field: path.to_owned(),
            message: format!("Too many: {count}: must have at most {limit} {items}"),
        });
    }

    fn object(
        &mut self,
        schema: &Value,
        value: &Value,
        old: Option<&Value>,
        path: &str,
        root: bool,
    ) {
        let Value::Object(map) = value else { return };
        let count = map.len() as u64;
        if let Some(limit) = schema["maxProperties"].as_u64().filter(|n| count > *n) {
            self.too_many(path, count, limit);
        }
        if let Some(least) = schema["minProperties"].as_u64().filter(|n| count < *n) {
            let why = format!("should have at least {least} properties");
            self.wrong(path, &json!(count), &why);
        }
        let embedded = is(schema, "x-kubernetes-embedded-resource") && !path.is_empty();
        let at = |name: &str| {
            if path.is_empty() {
                name.to_owned()
            } else {
                format!("{path}.{name}")
            }
        };
        for (name, field) in map {
            // Metadata has been looked at elsewhere.
            if (root || embedded) && OWN.contains(&name.as_str()) {
                continue;
            }
            let inner = match &schema["properties"][name] {
                Value::Null => &schema["additionalProperties"],
                property => property,
            };
            if inner.is_object() {
                let resource = is(inner, "x-kubernetes-embedded-resource");
                self.value_of(
                    inner,
                    field,
                    old.and_then(|o| o.get(name)),
                    &at(name),
                    resource,
                );
            }
        }
        for name in schema["required"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
        {
            if !map.contains_key(name) {
                self.causes.push(Cause::required(at(name), ""));
            }
        }
        for name in ["apiVersion", "kind"].iter().filter(|_| embedded) {
            if map
                .get(*name)
                .and_then(Value::as_str)
                .is_none_or(str::is_empty)
            {
                self.causes.push(Cause::required(at(name), ""));
            }
        }
    }

    /// `allOf`, `anyOf`, `oneOf`, `not`.
    fn combined(&mut self, schema: &Value, value: &Value, path: &str) {
        let judge = |schema: &Value| {
            let mut walk = Walk {
                causes: Vec::new(),
                strip: self.strip,
            };
            walk.value(schema, value, None, path);
            walk.causes
        };
        let each = |word: &str| -> Vec<Vec<Cause>> {
            let all = schema[word].as_array();
            all.into_iter().flatten().map(judge).collect()
        };
        let (any, one, all) = (each("anyOf"), each("oneOf"), each("allOf"));
        let not = !schema["not"].is_null() && judge(&schema["not"]).is_empty();
        if !any.is_empty() && any.iter().all(|c| !c.is_empty()) {
            self.vague(format!(
                "\"{path}\" must validate at least one schema (anyOf)"
            ));
            self.causes
                .extend(any.into_iter().next().unwrap_or_default());
        }
        let right = one.iter().filter(|c| c.is_empty()).count();
        if !one.is_empty() && right != 1 {
            let found = match right {
                0 => "Found none valid".to_owned(),
                n => format!("Found {n} valid alternatives"),
            };
            self.vague(format!(
                "\"{path}\" must validate one and only one schema (oneOf). {found}"
            ));
            if right == 0 {
                self.causes
                    .extend(one.into_iter().next().unwrap_or_default());
            }
        }
        let valid = all.iter().filter(|c| c.is_empty()).count();
        let parts = all.len();
        if valid < parts {
            self.causes.extend(all.into_iter().flatten());
            let none = if valid == 0 { ". None validated" } else { "" };
            self.vague(format!(
                "\"{path}\" must validate all the schemas (allOf){none}"
            ));
        }
        if not {
            self.vague(format!("\"{path}\" must not validate the schema (not)"));
        }
    }

    /// Items of sets and keyed lists that are there twice.
    fn lists(&mut self, schema: &Value, value: &Value, old: Option<&Value>, path: &str) {
        if old == Some(value) {
            return;
        }
        match value {
            Value::Array(list) => {
                let keys = keys(schema);
                let set = schema["x-kubernetes-list-type"] == "set";
                let mut met: Vec<Value> = Vec::new();
                for (i, item) in list.iter().enumerate() {
                    let at = format!("{path}[{i}]");
                    self.lists(&schema["items"], item, None, &at);
                    let identity = if set {
                        item.clone()
                    } else if keys.is_empty() {
                        continue;
                    } else {
                        let pairs = keys.iter().filter(|k| !item[**k].is_null());
                        pairs.map(|k| ((*k).to_owned(), item[*k].clone())).collect()
                    };
                    if met.contains(&identity) {
                        self.causes.push(Cause::duplicate(at, &identity));
                    } else {
                        met.push(identity);
                    }
                }
            }
            Value::Object(map) => {
                for (name, field) in map {
                    let inner = match &schema["properties"][name] {
                        Value::Null => &schema["additionalProperties"],
                        property => property,
                    };
                    let at = if path.is_empty() {
                        name.clone()
                    } else {
                        format!("{path}.{name}")
                    };
                    if inner.is_object() {
                        self.lists(inner, field, old.and_then(|o| o.get(name)), &at);
                    }
                }
            }
            _ => {}
        }
    }
}

fn keys(schema: &Value) -> Vec<&str> {
    let keys = schema["x-kubernetes-list-map-keys"].as_array();
    keys.into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// Formats that the server knows and checks; others are words to people.
fn has_format(format: &str, text: &str) -> bool {
    match format {
        "date-time" | "datetime" => chrono::DateTime::parse_from_rfc3339(text).is_ok(),
        "date" => chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok(),
        "ipv4" => text.parse::<std::net::Ipv4Addr>().is_ok(),
        "ipv6" => text.parse::<std::net::Ipv6Addr>().is_ok(),
        "uri" => text
            .parse::<http::Uri>()
            .is_ok_and(|u| u.scheme().is_some() || text.starts_with('/')),
        "uuid" => {
            let groups: Vec<usize> = text.split('-').map(str::len).collect();
            let hex = text.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit());
            hex && (groups == [8, 4, 4, 4, 12] || groups == [32])
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests;
