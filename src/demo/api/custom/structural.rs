//! What a structural schema does to an object: unknown fields are pruned, nulls that may not be are dropped,
//! defaults are filled in, and every metadata is held to its type.

use serde_json::{Map, Value};

use crate::api::schema::{decode as typed, schemas};

const META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

/// The fields that every object has, whatever its schema says.
pub const OWN: [&str; 3] = ["apiVersion", "kind", "metadata"];

/// Is this keyword set?
pub fn is(schema: &Value, keyword: &str) -> bool {
    schema[keyword] == true
}

/// Shapes a whole object; answers the unknown fields it had, as strict validation words them.
///
/// # Errors
/// A metadata that is none, in Go's words.
pub fn shape(schema: &Value, object: &mut Value) -> Result<Vec<String>, String> {
    let mut strict = Vec::new();
    if let Some(meta) = object.get_mut("metadata") {
        metadata(meta, "metadata", &mut strict)?;
    }
    let mut unknown = Vec::new();
    prune(schema, object, true, "", &mut unknown);
    unknown.sort();
    strict.append(&mut unknown);
    embedded(schema, object, "", &mut strict)?;
    fill(schema, object);
    Ok(strict
        .iter()
        .map(|p| format!("unknown field \"{p}\""))
        .collect())
}

/// Decodes a metadata in place.
fn metadata(meta: &mut Value, path: &str, unknown: &mut Vec<String>) -> Result<(), String> {
    let all = schemas();
    let of = all.named(META).unwrap_or(all.any());
    let decoded = typed::typed(all, of, meta.take())?;
    let named = decoded.strict.iter().filter_map(|s| s.split('"').nth(1));
    unknown.extend(named.map(|field| format!("{path}.{field}")));
    *meta = match decoded.value {
        Value::Null => Value::Object(Map::new()),
        value => value,
    };
    Ok(())
}

fn below(path: &str, field: &str) -> String {
    if path.is_empty() {
        field.to_owned()
    } else {
        format!("{path}.{field}")
    }
}

fn prune(schema: &Value, value: &mut Value, resource: bool, path: &str, unknown: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            let keeps = is(schema, "x-kubernetes-preserve-unknown-fields");
            let more = &schema["additionalProperties"];
            map.retain(|name, field| {
                if resource && OWN.contains(&name.as_str()) {
                    return true;
                }
                let at = below(path, name);
                let inner = match &schema["properties"][name] {
                    Value::Null if more.is_object() => more,
                    Value::Null if keeps || *more == true => return true,
                    Value::Null => {
                        unknown.push(at);
                        return false;
                    }
                    property => property,
                };
                prune(
                    inner,
                    field,
                    is(inner, "x-kubernetes-embedded-resource"),
                    &at,
                    unknown,
                );
                true
            });
        }
        Value::Array(list) if schema["items"].is_object() => {
            let items = &schema["items"];
            let resource = is(items, "x-kubernetes-embedded-resource");
            for (i, item) in list.iter_mut().enumerate() {
                prune(items, item, resource, &format!("{path}[{i}]"), unknown);
            }
        }
        _ => {}
    }
}

/// The schema of a field or, with `None`, of what stands in a list.
fn inside<'a>(schema: &'a Value, field: Option<&str>) -> &'a Value {
    let Some(name) = field else {
        return &schema["items"];
    };
    match &schema["properties"][name] {
        Value::Null => &schema["additionalProperties"],
        property => property,
    }
}

/// Decodes the metadata of objects inside the object.
fn embedded(
    schema: &Value,
    value: &mut Value,
    path: &str,
    unknown: &mut Vec<String>,
) -> Result<(), String> {
    match value {
        Value::Object(map) => {
            for (name, field) in map.iter_mut() {
                let inner = inside(schema, Some(name));
                let at = below(path, name);
                if is(inner, "x-kubernetes-embedded-resource")
                    && let Some(meta) = field.get_mut("metadata")
                {
                    metadata(meta, &below(&at, "metadata"), unknown)?;
                }
                if inner.is_object() {
                    embedded(inner, field, &at, unknown)?;
                }
            }
        }
        Value::Array(list) => {
            let inner = inside(schema, None);
            for (i, item) in list.iter_mut().enumerate().filter(|_| inner.is_object()) {
                let at = format!("{path}[{i}]");
                if is(inner, "x-kubernetes-embedded-resource")
                    && let Some(meta) = item.get_mut("metadata")
                {
                    metadata(meta, &below(&at, "metadata"), unknown)?;
                }
                embedded(inner, item, &at, unknown)?;
            }
        }
        _ => {}
    }
    Ok(())
}

/// Drops nulls that the schema does not allow, and sets defaults.
pub fn fill(schema: &Value, value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|name, field| {
                let inner = inside(schema, Some(name));
                !field.is_null() || !inner.is_object() || is(inner, "nullable")
            });
            for (name, property) in schema["properties"].as_object().into_iter().flatten() {
                if !property["default"].is_null() && !map.contains_key(name) {
                    map.insert(name.clone(), property["default"].clone());
                }
            }
            for (name, field) in map.iter_mut() {
                let inner = inside(schema, Some(name));
                if inner.is_object() {
                    fill(inner, field);
                }
            }
        }
        Value::Array(list) if schema["items"].is_object() => {
            list.iter_mut()
                .for_each(|item| fill(&schema["items"], item));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn schema() -> Value {
        json!({"type": "object", "properties": {"spec": {"type": "object", "properties": {
            "size": {"type": "string", "default": "small"},
            "maybe": {"type": "string", "nullable": true},
            "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true,
                "properties": {"known": {"type": "object", "properties": {"a": {"type": "string"}}}}},
            "template": {"type": "object", "x-kubernetes-embedded-resource": true, "x-kubernetes-preserve-unknown-fields": true},
            "parts": {"type": "array", "items": {"type": "object", "properties": {"name": {"type": "string"}, "count": {"type": "integer", "default": 2}}}},
            "labels": {"type": "object", "additionalProperties": {"type": "object", "properties": {"x": {"type": "string"}}}},
        }}}})
    }

    #[test]
    fn unknown_fields_go_and_are_named_in_the_servers_order() {
        let mut object = json!({
            "apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "a", "foo": 1}, "extra": 1,
            "spec": {"zz": 1, "parts": [{"name": "p", "qq": 1}], "free": {"any": [1], "known": {"a": "b", "c": 1}},
                "template": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x", "bar": 1}, "spec": {"q": 1}},
                "labels": {"k": {"x": "y", "z": 1}}},
        });
        let strict = shape(&schema(), &mut object).unwrap();
        let want = [
            "metadata.foo",
            "extra",
            "spec.free.known.c",
            "spec.labels.k.z",
            "spec.parts[0].qq",
            "spec.zz",
            "spec.template.metadata.bar",
        ];
        assert_eq!(strict, want.map(|p| format!("unknown field \"{p}\"")));
        assert_eq!(
            object["spec"],
            json!({"size": "small", "parts": [{"name": "p", "count": 2}], "free": {"any": [1], "known": {"a": "b"}},
                "template": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": {"q": 1}},
                "labels": {"k": {"x": "y"}}})
        );
    }

    #[test]
    fn nulls_give_way_to_defaults_and_stay_where_they_are_allowed() {
        let mut object =
            json!({"spec": {"size": null, "maybe": null, "parts": [null], "free": {"n": null}}});
        shape(&schema(), &mut object).unwrap();
        assert_eq!(
            object["spec"],
            json!({"size": "small", "maybe": null, "parts": [null], "free": {"n": null}})
        );
        // Defaults are for what is there: no spec, none of its fields.
        let mut bare = json!({"metadata": {}});
        shape(&schema(), &mut bare).unwrap();
        assert_eq!(bare, json!({"metadata": {}}));
    }

    #[test]
    fn metadata_of_the_wrong_type_is_refused_in_gos_words() {
        let mut object = json!({"metadata": {"labels": {"a": 1}}});
        assert_eq!(
            shape(&schema(), &mut object).unwrap_err(),
            "json: cannot unmarshal number into Go struct field ObjectMeta.labels of type string"
        );
        let mut object = json!({"metadata": "x"});
        assert_eq!(
            shape(&schema(), &mut object).unwrap_err(),
            "json: cannot unmarshal string into Go value of type v1.ObjectMeta"
        );
    }
}
