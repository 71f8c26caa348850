//! The JSON schema of the settings file, made from the very types it is read into: editors check and complete by it.

use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use super::{Settings, env};

/// The schema (draft 2020-12), as `jobdeck config schema` prints it.
pub fn schema() -> Value {
    let mut schema = bare();
    for variable in env::variables() {
        let at = (variable.path.iter()).try_fold(&mut schema, |at, key| {
            at.get_mut("properties").and_then(|all| all.get_mut(key))
        });
        if let Some(Value::String(said)) = at.and_then(|at| at.get_mut("description")) {
            *said = format!("{said} Environment: {}.", variable.name);
        }
    }
    schema
}

/// The same without the variables of the environment.
pub(super) fn bare() -> Value {
    let mut settings = SchemaSettings::draft2020_12();
    // an editor shows what stands beside a key, and not always what that refers to
    settings.inline_subschemas = true;
    let schema = settings.into_generator().into_root_schema_for::<Settings>();
    let mut schema = schema.to_value();
    tidy(&mut schema);
    schema["title"] = json!("jobdeck settings");
    schema
}

/// TOML has no null, so what may be left out is not null; no type's name of Rust's is anybody's business; and what is
/// one word of several, each with its meaning, is listed as such too.
fn tidy(value: &mut Value) {
    match value {
        Value::Array(all) => all.iter_mut().for_each(tidy),
        Value::Object(map) => {
            if let Some(Value::Array(types)) = map.get_mut("type") {
                types.retain(|t| t != "null");
                if let [only] = types.as_slice() {
                    let only = only.clone();
                    map.insert("type".into(), only);
                }
            }
            if let Some(Value::Array(any)) = map.get_mut("anyOf") {
                any.retain(|of| of["type"] != "null");
                if let [only] = any.as_slice()
                    && let Some(only) = only.as_object().cloned()
                {
                    map.remove("anyOf");
                    map.extend(only);
                }
            }
            if map.get("default").is_some_and(Value::is_null) {
                map.remove("default");
            }
            // `uint32`, `double`: no formats of JSON schema
            if map.get("format").is_some_and(Value::is_string) {
                map.remove("format");
            }
            map.values_mut().for_each(tidy);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests;
