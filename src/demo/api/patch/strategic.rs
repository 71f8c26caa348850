//! Strategic merge: lists with a merge key are merged item by item, and directives say what to drop.

use serde_json::{Map, Value};

use crate::api::schema::{Schemas, Shape, TypeId, merge_key};

const ORDER: &str = "$setElementOrder/";
const DELETE: &str = "$deleteFromPrimitiveList/";

/// Applies a patch to an object of a type.
///
/// # Errors
/// A list item without its merge key.
pub fn strategic(
    schemas: &Schemas,
    of: TypeId,
    target: &mut Value,
    patch: &Value,
) -> Result<(), String> {
    let Value::Object(fields) = patch else {
        *target = patch.clone();
        return Ok(());
    };
    match fields.get("$patch").and_then(Value::as_str) {
        Some("replace") => {
            let mut new = fields.clone();
            new.remove("$patch");
            *target = Value::Object(new);
            return Ok(());
        }
        Some("delete") => {
            *target = Value::Object(Map::new());
            return Ok(());
        }
        _ => {}
    }
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Some(map) = target.as_object_mut() else {
        return Ok(());
    };
    if let Some(keep) = fields.get("$retainKeys").and_then(Value::as_array) {
        map.retain(|key, _| keep.iter().any(|k| k == key));
    }
    let this = schemas.get(of);
    for (key, value) in fields {
        if let Some(field) = key.strip_prefix(DELETE) {
            if let Some(list) = map.get_mut(field).and_then(Value::as_array_mut) {
                let gone = value.as_array().cloned().unwrap_or_default();
                list.retain(|v| !gone.contains(v));
            }
            continue;
        }
        if key.starts_with('$') {
            continue;
        }
        if value.is_null() {
            map.remove(key);
            continue;
        }
        let child = match &this.shape {
            Shape::Struct(known) => known.get(key).map_or(schemas.any(), |f| f.of),
            Shape::Map(item) => *item,
            _ => schemas.any(),
        };
        let owner = this.message.as_str();
        match (value, &schemas.get(child).shape) {
            (Value::Array(items), Shape::List(item)) => {
                let how = merge_key(owner, key);
                let order = fields.get(&format!("{ORDER}{key}"));
                let list = map.entry(key.clone()).or_insert(Value::Array(Vec::new()));
                let place = List {
                    schemas,
                    item: *item,
                };
                place.merge(list, items, how)?;
                if let (Some(order), Some(how)) = (order, how) {
                    reorder(list, order, how);
                }
            }
            (Value::Object(new), _) => {
                let at = map.entry(key.clone()).or_insert(Value::Null);
                strategic(schemas, child, at, value)?;
                if new.get("$patch").is_some_and(|p| p == "delete") {
                    map.remove(key);
                }
            }
            _ => {
                map.insert(key.clone(), value.clone());
            }
        }
    }
    // An order may come for a list that the patch does not touch.
    for (key, order) in fields {
        if let Some(field) = key.strip_prefix(ORDER)
            && !fields.contains_key(field)
            && let (Some(list), Some(how)) = (map.get_mut(field), merge_key(&this.message, field))
        {
            reorder(list, order, how);
        }
    }
    Ok(())
}

struct List<'a> {
    schemas: &'a Schemas,
    item: TypeId,
}

impl List<'_> {
    fn merge(&self, target: &mut Value, items: &[Value], how: Option<&str>) -> Result<(), String> {
        if !target.is_array() {
            *target = Value::Array(Vec::new());
        }
        let Some(list) = target.as_array_mut() else {
            return Ok(());
        };
        let replace = items.iter().any(|i| i["$patch"] == "replace");
        let Some(key) = how.filter(|_| !replace) else {
            *list = items
                .iter()
                .filter(|i| i["$patch"] != "replace")
                .cloned()
                .collect();
            return Ok(());
        };
        for item in items {
            if key.is_empty() || !item.is_object() {
                if !list.contains(item) {
                    list.push(item.clone());
                }
                continue;
            }
            let id = &item[key];
            if id.is_null() {
                return Err(format!(
                    "map: {} does not contain declared merge key: {key}",
                    super::go_text(item)
                ));
            }
            let at = list.iter().position(|v| v[key] == *id);
            if item["$patch"] == "delete" {
                list.retain(|v| v[key] != *id);
                continue;
            }
            match at {
                Some(at) => strategic(self.schemas, self.item, &mut list[at], item)?,
                None => {
                    let mut new = Value::Object(Map::new());
                    strategic(self.schemas, self.item, &mut new, item)?;
                    // New ports and the like come last, new containers as well.
                    list.push(new);
                }
            }
        }
        Ok(())
    }
}

/// Brings a list into the order that a patch asks for; what it does not name follows.
fn reorder(list: &mut Value, order: &Value, key: &str) {
    let Some(order) = order.as_array() else {
        return;
    };
    let rank = |v: &Value| {
        order
            .iter()
            .position(|o| {
                if key.is_empty() {
                    o == v
                } else {
                    o[key] == v[key]
                }
            })
            .unwrap_or(order.len())
    };
    if let Some(list) = list.as_array_mut() {
        list.sort_by_key(rank);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::schema::schemas;
    use serde_json::json;

    fn patched(mut target: Value, patch: Value) -> Value {
        let s = schemas();
        let of = s.root("", "v1", "Pod").unwrap();
        strategic(s, of, &mut target, &patch).unwrap();
        target
    }

    #[test]
    fn containers_are_merged_by_name_and_their_env_too() {
        let pod = json!({"spec": {"containers": [
            {"name": "a", "image": "1", "env": [{"name": "X", "value": "1"}], "command": ["p", "q"]}, {"name": "b"}]}});
        let patch = json!({"spec": {"containers": [
            {"name": "b", "$patch": "delete"},
            {"name": "a", "image": "2", "command": ["r"], "env": [{"name": "Y", "value": "2"}]}, {"name": "c"}]}});
        assert_eq!(
            patched(pod, patch),
            json!({"spec": {"containers": [
                {"name": "a", "image": "2", "env": [{"name": "X", "value": "1"}, {"name": "Y", "value": "2"}], "command": ["r"]},
                {"name": "c"}]}})
        );
    }

    #[test]
    fn nulls_remove_and_directives_are_obeyed() {
        let pod = json!({"metadata": {"labels": {"a": "b", "c": "d"}, "finalizers": ["x", "y"]},
                         "spec": {"volumes": [{"name": "v", "emptyDir": {}}], "nodeSelector": {"k": "v"}}});
        let patch = json!({"metadata": {"labels": {"a": null}, "$deleteFromPrimitiveList/finalizers": ["x"], "finalizers": ["z"]},
                           "spec": {"volumes": [{"name": "v", "$retainKeys": ["name", "hostPath"], "hostPath": {"path": "/"}}],
                                    "nodeSelector": {"$patch": "replace", "n": "m"}}});
        assert_eq!(
            patched(pod, patch),
            json!({"metadata": {"labels": {"c": "d"}, "finalizers": ["y", "z"]},
                   "spec": {"volumes": [{"name": "v", "hostPath": {"path": "/"}}], "nodeSelector": {"n": "m"}}})
        );
    }

    #[test]
    fn an_order_is_kept() {
        let pod = json!({"spec": {"containers": [{"name": "a"}, {"name": "b"}]}});
        let patch = json!({"spec": {"$setElementOrder/containers": [{"name": "b"}, {"name": "a"}], "containers": [{"name": "a", "image": "i"}]}});
        assert_eq!(
            patched(pod, patch),
            json!({"spec": {"containers": [{"name": "b"}, {"name": "a", "image": "i"}]}})
        );
    }

    #[test]
    fn an_item_without_its_key_is_refused() {
        let s = schemas();
        let of = s.root("", "v1", "Pod").unwrap();
        let patch = json!({"spec": {"containers": [{"image": "i"}]}});
        let error = strategic(s, of, &mut json!({}), &patch).unwrap_err();
        assert!(error.contains("does not contain declared merge key: name"));
    }
}
