//! Field sets of values: what a value sets, and what differs between two.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::set::{Part, Set};
use crate::api::schema::{Field, ListKind, Schemas, Shape, TypeId};

/// How to walk a value: its type, and what its place says of it.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    pub of: TypeId,
    pub list: ListKind,
    pub atomic: bool,
}

impl Place {
    pub fn root(of: TypeId) -> Self {
        Self {
            of,
            list: ListKind::Atomic,
            atomic: false,
        }
    }

    fn field(field: &Field) -> Self {
        Self {
            of: field.of,
            list: field.list,
            atomic: field.atomic,
        }
    }
}

/// A value's children that are owned one by one.
pub enum Parts<'a> {
    /// Owned as a whole.
    Leaf,
    /// Fields of a struct or map; for a map, each key is owned itself.
    Fields(&'a Map<String, Value>, bool),
    /// Items of a list, each owned itself.
    Items(BTreeMap<Part, &'a Value>),
}

/// Splits a value as its place says.
pub fn parts<'a>(schemas: &Schemas, place: Place, value: &'a Value) -> Parts<'a> {
    let this = schemas.get(place.of);
    if place.atomic || this.atomic {
        return Parts::Leaf;
    }
    match (&this.shape, value) {
        (_, Value::Object(map)) if map.is_empty() => Parts::Leaf,
        (_, Value::Array(list)) if list.is_empty() => Parts::Leaf,
        (Shape::Struct(_), Value::Object(map)) => Parts::Fields(map, false),
        (Shape::Map(_) | Shape::Any, Value::Object(map)) => Parts::Fields(map, true),
        (Shape::List(_), Value::Array(list)) => match place.list {
            ListKind::Atomic => Parts::Leaf,
            kind => Parts::Items(
                list.iter()
                    .map(|item| (item_part(schemas, kind, item), item))
                    .collect(),
            ),
        },
        _ => Parts::Leaf,
    }
}

/// The identity of a list item.
pub fn item_part(schemas: &Schemas, kind: ListKind, item: &Value) -> Part {
    match kind {
        ListKind::Defined(at) => {
            let keys = schemas.keys_of(at).iter();
            let found = keys.filter_map(|(key, default)| match &item[key] {
                Value::Null if default.is_null() => None,
                Value::Null => Some((key.clone(), default.clone())),
                value => Some((key.clone(), value.clone())),
            });
            Part::Key(Value::Object(found.collect()).to_string())
        }
        ListKind::Keyed(keys) => {
            let mut out = Map::new();
            for key in keys {
                let value = match (&item[*key], *key) {
                    (Value::Null, "protocol") => "TCP".into(),
                    (Value::Null, _) => continue,
                    (value, _) => value.clone(),
                };
                out.insert((*key).to_owned(), value);
            }
            Part::Key(Value::Object(out).to_string())
        }
        _ => Part::Value(item.to_string()),
    }
}

/// The place of a child.
pub fn place_of(schemas: &Schemas, place: Place, part: &Part) -> Place {
    match (&schemas.get(place.of).shape, part) {
        (Shape::Struct(fields), Part::Field(name)) => fields
            .get(name)
            .map_or_else(|| Place::root(schemas.any()), Place::field),
        (Shape::Map(item) | Shape::List(item), _) => Place::root(*item),
        _ => Place::root(schemas.any()),
    }
}

/// The fields a value sets: what an applied configuration owns.
pub fn owned(schemas: &Schemas, place: Place, value: &Value) -> Set {
    let mut set = Set::default();
    collect(schemas, place, value, &mut set);
    set
}

fn collect(schemas: &Schemas, place: Place, value: &Value, set: &mut Set) {
    match parts(schemas, place, value) {
        Parts::Leaf => set.member = true,
        Parts::Fields(map, keys) => {
            for (name, value) in map {
                let part = Part::Field(name.clone());
                let at = place_of(schemas, place, &part);
                let keys = keys || !declares(schemas, place, name);
                let child = set.children.entry(part).or_default();
                collect(schemas, at, value, child);
                child.member |= keys || value.is_null();
            }
        }
        Parts::Items(items) => {
            for (part, value) in items {
                let at = place_of(schemas, place, &part);
                let child = set.children.entry(part).or_default();
                if value.is_object() {
                    collect(schemas, at, value, child);
                }
                child.member = true;
            }
        }
    }
}

/// Is this one of a struct's own fields? Others are in it only where unknown ones are kept.
fn declares(schemas: &Schemas, place: Place, name: &str) -> bool {
    match &schemas.get(place.of).shape {
        Shape::Struct(fields) => fields.contains_key(name),
        _ => false,
    }
}

/// What a write changed.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    pub added: Set,
    pub modified: Set,
    pub removed: Set,
}

impl Changes {
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.modified.is_empty() && self.removed.is_empty()
    }
}

/// Compares two values of one type.
pub fn changes(schemas: &Schemas, place: Place, old: &Value, new: &Value) -> Changes {
    let mut out = Changes::default();
    let mut walk = Walk {
        schemas,
        out: &mut out,
        path: Vec::new(),
    };
    walk.compare(place, Some(old), Some(new));
    out
}

struct Walk<'a> {
    schemas: &'a Schemas,
    out: &'a mut Changes,
    path: Vec<Part>,
}

impl Walk<'_> {
    fn compare(&mut self, place: Place, old: Option<&Value>, new: Option<&Value>) {
        let before = old.map(|v| self_parts(self.schemas, place, v));
        let after = new.map(|v| self_parts(self.schemas, place, v));
        // An empty value against a full one is walked as the full one is.
        let leaf = match (&before, &after) {
            (Some(b), Some(a)) => b.is_none() && a.is_none(),
            (Some(one), None) | (None, Some(one)) => one.is_none(),
            (None, None) => return,
        };
        if !leaf {
            let empty = BTreeMap::new();
            let before = before.flatten().unwrap_or_else(|| empty.clone());
            let after = after.flatten().unwrap_or(empty);
            let mut all: Vec<&Part> = before.keys().chain(after.keys()).collect();
            all.sort();
            all.dedup();
            for part in all {
                self.path.push(part.clone());
                let at = place_of(self.schemas, place, part);
                self.compare(at, before.get(part).copied(), after.get(part).copied());
                self.path.pop();
            }
        }
        match (old, new) {
            (None, Some(_)) => self.out.added.insert(&self.path),
            (Some(_), None) => self.out.removed.insert(&self.path),
            (Some(a), Some(b)) if leaf && a != b => self.out.modified.insert(&self.path),
            _ => {}
        }
    }
}

/// A value's children by part; `None` for leaves.
fn self_parts<'a>(
    schemas: &Schemas,
    place: Place,
    value: &'a Value,
) -> Option<BTreeMap<Part, &'a Value>> {
    match parts(schemas, place, value) {
        Parts::Leaf => None,
        Parts::Items(items) => Some(items),
        Parts::Fields(map, _) => Some(
            map.iter()
                .map(|(k, v)| (Part::Field(k.clone()), v))
                .collect(),
        ),
    }
}
