//! What of an object is kept: not who manages which field, and nothing that looks like a secret.

use serde_json::Value;

use crate::actions::secrets;

/// Annotations that repeat the object.
const REPEATS: [&str; 2] = [
    "kubectl.kubernetes.io/last-applied-configuration",
    "objectset.rio.cattle.io/applied",
];

/// The object without what nobody reads again: by the rules of the trash and the history every value of an environment
/// variable is left out, and whatever else looks like a secret. None if it is no object at all.
pub fn slim(json: &str) -> Option<String> {
    let mut object: Value = serde_json::from_str(json).ok()?;
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
        if let Some(Value::Object(all)) = metadata.get_mut("annotations") {
            all.retain(|name, _| !REPEATS.contains(&name.as_str()));
        }
    }
    // images on a node: long, and shown nowhere
    if let Some(status) = object.get_mut("status").and_then(Value::as_object_mut) {
        status.remove("images");
    }
    secrets::mask(&mut object, true);
    object.is_object().then(|| object.to_string())
}
