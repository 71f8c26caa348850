//! The merge of an applied configuration into the live object, and the removal of what nobody owns any more.

use serde_json::Value;

use super::compare::{Parts, Place, item_part, parts, place_of};
use super::set::{Part, Set};
use crate::api::schema::{ListKind, Schemas};

/// `live` with everything that `config` sets.
pub fn merge(schemas: &Schemas, place: Place, live: &Value, config: &Value) -> Value {
    match parts(schemas, place, config) {
        Parts::Fields(map, _) if live.is_object() => {
            let mut out = live.clone();
            for (name, value) in map {
                let at = place_of(schemas, place, &Part::Field(name.clone()));
                out[name] = match live.get(name) {
                    Some(before) => merge(schemas, at, before, value),
                    None => value.clone(),
                };
            }
            out
        }
        Parts::Items(wanted) if live.is_array() => {
            let mut out: Vec<Value> = live.as_array().cloned().unwrap_or_default();
            // The order of the configuration, so that new items stand where it has them.
            for item in config.as_array().into_iter().flatten() {
                let part = item_part(schemas, place.list, item);
                if !wanted.contains_key(&part) {
                    continue;
                }
                let at = place_of(schemas, place, &part);
                let mine = out
                    .iter_mut()
                    .find(|i| item_part(schemas, place.list, i) == part);
                match mine {
                    Some(found) if item.is_object() => *found = merge(schemas, at, found, item),
                    Some(_) => {}
                    None => out.push(item.clone()),
                }
            }
            reorder(schemas, &mut out, config, place.list);
            Value::Array(out)
        }
        // An empty map or list that is owned item by item asks for nothing.
        Parts::Leaf if hollow(config) => match parts(schemas, place, live) {
            Parts::Fields(..) if config.is_object() => live.clone(),
            Parts::Items(_) if config.is_array() => live.clone(),
            _ => config.clone(),
        },
        _ => config.clone(),
    }
}

/// Brings the items that the configuration names into its order; others keep their place after what they
/// followed.
fn reorder(schemas: &Schemas, out: &mut [Value], config: &Value, kind: ListKind) {
    let order: Vec<Part> = config
        .as_array()
        .into_iter()
        .flatten()
        .map(|i| item_part(schemas, kind, i))
        .collect();
    let slots: Vec<usize> = (0..out.len())
        .filter(|i| order.contains(&item_part(schemas, kind, &out[*i])))
        .collect();
    let mut named: Vec<Value> = slots.iter().map(|i| out[*i].clone()).collect();
    named.sort_by_key(|v| order.iter().position(|p| *p == item_part(schemas, kind, v)));
    for (slot, value) in slots.into_iter().zip(named) {
        out[slot] = value;
    }
}

/// Takes away from `value` what is in `gone`, unless something below it stays.
pub fn remove(schemas: &Schemas, place: Place, value: &mut Value, gone: &Set) {
    for (part, set) in &gone.children {
        let at = place_of(schemas, place, part);
        match (part, &mut *value) {
            (Part::Field(name), Value::Object(map)) => {
                let Some(child) = map.get_mut(name) else {
                    continue;
                };
                remove(schemas, at, child, set);
                let hollow = hollow(child);
                let gone = if set.member {
                    is_leaf(schemas, at, child) || hollow
                } else {
                    hollow && !set.children.is_empty()
                };
                if gone {
                    map.remove(name);
                }
            }
            (Part::Key(_) | Part::Value(_), Value::Array(list)) => {
                let found = list
                    .iter()
                    .position(|i| item_part(schemas, place.list, i) == *part);
                let Some(i) = found else { continue };
                if set.member {
                    list.remove(i);
                } else {
                    remove(schemas, at, &mut list[i], set);
                }
            }
            _ => {}
        }
    }
}

fn hollow(value: &Value) -> bool {
    match value {
        Value::Object(map) => map.is_empty(),
        Value::Array(list) => list.is_empty(),
        _ => false,
    }
}

fn is_leaf(schemas: &Schemas, place: Place, value: &Value) -> bool {
    matches!(parts(schemas, place, value), Parts::Leaf)
}
