//! The entries of `managedFields`: who is credited with a write, and what an apply may and may not take.

use serde_json::{Value, json};

use super::compare::{Changes, Place, changes, owned};
use super::merge::{merge, remove};
use super::set::{Part, Set};
use crate::api::schema::Schemas;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    Apply,
    Update,
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manager {
    pub name: String,
    pub operation: Operation,
    pub api_version: String,
    pub subresource: String,
    pub time: String,
    pub set: Set,
}

impl Manager {
    fn is(&self, other: &Self) -> bool {
        self.name == other.name
            && self.operation == other.operation
            && self.subresource == other.subresource
            && self.api_version == other.api_version
    }

    fn encode(&self) -> Value {
        let mut entry = json!({
            "manager": self.name,
            "operation": if self.operation == Operation::Apply { "Apply" } else { "Update" },
            "apiVersion": self.api_version, "time": self.time,
            "fieldsType": "FieldsV1", "fieldsV1": self.set.encode(),
        });
        if !self.subresource.is_empty() {
            entry["subresource"] = json!(self.subresource);
        }
        entry
    }
}

/// The entries of an object.
pub fn read(object: &Value) -> Vec<Manager> {
    let list = object["metadata"]["managedFields"].as_array();
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    list.into_iter()
        .flatten()
        .map(|e| Manager {
            name: text(&e["manager"]),
            operation: if e["operation"] == "Apply" {
                Operation::Apply
            } else {
                Operation::Update
            },
            api_version: text(&e["apiVersion"]),
            subresource: text(&e["subresource"]),
            time: text(&e["time"]),
            set: Set::decode(&e["fieldsV1"]),
        })
        .collect()
}

fn write(object: &mut Value, mut managers: Vec<Manager>) {
    managers.retain(|m| !m.set.is_empty());
    managers.sort_by(|a, b| {
        let key = |m: &Manager| (m.operation, m.time.clone(), m.name.clone());
        key(a)
            .cmp(&key(b))
            .then_with(|| a.subresource.cmp(&b.subresource))
    });
    let Some(meta) = object["metadata"].as_object_mut() else {
        return;
    };
    if managers.is_empty() {
        meta.remove("managedFields");
    } else {
        let list = managers.iter().map(Manager::encode).collect();
        meta.insert("managedFields".to_owned(), list);
    }
}

/// Fields that belong to the system and to nobody.
const SYSTEM: [&str; 9] = [
    "name",
    "namespace",
    "creationTimestamp",
    "selfLink",
    "uid",
    "generation",
    "managedFields",
    "resourceVersion",
    "deletionTimestamp",
];

/// The object without what nobody owns.
fn bare(object: &Value) -> Value {
    let mut out = object.clone();
    if let Some(fields) = out.as_object_mut() {
        fields.remove("apiVersion");
        fields.remove("kind");
        if let Some(meta) = fields.get_mut("metadata").and_then(Value::as_object_mut) {
            for field in SYSTEM {
                meta.remove(field);
            }
        }
    }
    out
}

/// The parts of two objects that differ, without what nobody owns. Most writes touch one part only.
fn differing(old: &Value, new: &Value) -> (Value, Value) {
    let pick = |from: &Value, other: &Value| {
        let fields = from.as_object().into_iter().flatten();
        let mut out = serde_json::Map::new();
        for (key, value) in fields.filter(|(k, _)| *k != "apiVersion" && *k != "kind") {
            if key == "metadata" {
                let meta = value.as_object().into_iter().flatten();
                let kept = meta
                    .filter(|(k, _)| !SYSTEM.contains(&k.as_str()))
                    .map(|(k, v)| (k.clone(), v.clone()));
                out.insert(key.clone(), Value::Object(kept.collect()));
            } else if other.get(key) != Some(value) {
                out.insert(key.clone(), value.clone());
            }
        }
        Value::Object(out)
    };
    (pick(old, new), pick(new, old))
}

/// Credits a write that turned `old` into `new`, and writes `new`'s managedFields.
pub fn update(schemas: &Schemas, place: Place, old: &Value, new: &mut Value, who: &Manager) {
    let (before, after) = differing(old, new);
    let changed = changes(schemas, place, &before, &after);
    if changed.is_empty() {
        let kept = old["metadata"]["managedFields"].clone();
        if let Some(meta) = new["metadata"].as_object_mut() {
            if kept.is_null() {
                meta.remove("managedFields");
            } else {
                meta.insert("managedFields".to_owned(), kept);
            }
        }
        return;
    }
    let mut managers = read(old);
    lose(&mut managers, &changed, who);
    let mine = entry(&mut managers, who);
    let was = mine.set.clone();
    mine.set.subtract(&changed.removed);
    mine.set.union(&changed.modified);
    mine.set.union(&changed.added);
    disown_roots(&mut mine.set);
    if mine.set != was {
        mine.time.clone_from(&who.time);
    }
    write(new, managers);
}

/// The root and `metadata` are there before anybody sets them.
fn disown_roots(set: &mut Set) {
    set.member = false;
    if let Some(meta) = set.children.get_mut(&Part::Field("metadata".to_owned())) {
        meta.member = false;
    }
}

fn entry<'a>(managers: &'a mut Vec<Manager>, who: &Manager) -> &'a mut Manager {
    let at = managers.iter().position(|m| m.is(who)).unwrap_or_else(|| {
        managers.push(Manager {
            set: Set::default(),
            ..who.clone()
        });
        managers.len() - 1
    });
    &mut managers[at]
}

/// Others lose what was changed or removed under them.
fn lose(managers: &mut [Manager], changed: &Changes, who: &Manager) {
    for m in managers.iter_mut() {
        m.set.subtract_below(&changed.removed);
        if !m.is(who) {
            m.set.subtract(&changed.modified);
            m.set.subtract(&changed.added);
        }
    }
}

/// A field that somebody else owns with another value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// As messages name the manager: `"one"`, or `"kubectl" with subresource "scale" using batch/v1`.
    pub with: String,
    /// `.spec.parallelism`
    pub field: String,
}

/// Applies a configuration for `who`: the merged object with its managedFields.
///
/// # Errors
/// The conflicts, unless `force`.
pub fn apply(
    schemas: &Schemas,
    place: Place,
    live: &Value,
    config: &Value,
    who: &Manager,
    force: bool,
) -> Result<Value, Vec<Conflict>> {
    let (live_bare, config_bare) = (bare(live), bare(config));
    let mut wanted = owned(schemas, place, &config_bare);
    disown_roots(&mut wanted);
    let mut managers = read(live);
    let mut merged = merge(schemas, place, &live_bare, &config_bare);
    // What this manager had, and neither it nor anybody else wants any more, goes.
    let mut gone = managers
        .iter()
        .find(|m| m.is(who))
        .map(|m| m.set.clone())
        .unwrap_or_default();
    gone.subtract(&wanted);
    for other in managers.iter().filter(|m| !m.is(who)) {
        gone.subtract(&other.set);
    }
    remove(schemas, place, &mut merged, &gone);
    let changed = changes(schemas, place, &live_bare, &merged);
    let mut touched = changed.modified.clone();
    touched.union(&changed.added);
    let mut conflicts = Vec::new();
    for other in managers.iter().filter(|m| !m.is(who)) {
        let fields = other.set.intersection(&touched).paths();
        conflicts.extend(fields.into_iter().map(|field| Conflict {
            with: describe(other),
            field,
        }));
    }
    if !conflicts.is_empty() && !force {
        conflicts.sort_by(|a, b| (&a.with, &a.field).cmp(&(&b.with, &b.field)));
        return Err(conflicts);
    }
    lose(&mut managers, &changed, who);
    let mine = entry(&mut managers, who);
    if mine.set != wanted {
        mine.set = wanted;
        mine.time.clone_from(&who.time);
    }
    let mut out = restore(live, merged);
    write(&mut out, managers);
    Ok(out)
}

/// Gives the merged object back what [`bare`] took from the live one.
fn restore(live: &Value, mut merged: Value) -> Value {
    for field in ["apiVersion", "kind"] {
        if let Some(value) = live.get(field) {
            merged[field] = value.clone();
        }
    }
    if !merged["metadata"].is_object() {
        merged["metadata"] = json!({});
    }
    for field in SYSTEM {
        if let Some(value) = live["metadata"].get(field) {
            merged["metadata"][field] = value.clone();
        }
    }
    merged
}

fn describe(m: &Manager) -> String {
    let mut text = format!("\"{}\"", m.name);
    if !m.subresource.is_empty() {
        text += &format!(" with subresource \"{}\"", m.subresource);
    }
    if m.operation == Operation::Update {
        text += &format!(" using {}", m.api_version);
    }
    text
}

/// The sentence and the causes of a refused apply.
pub fn conflict(conflicts: &[Conflict]) -> (String, Value) {
    let plural = if conflicts.len() == 1 { "" } else { "s" };
    let head = format!("Apply failed with {} conflict{plural}: ", conflicts.len());
    let mut managers: Vec<&str> = conflicts.iter().map(|c| c.with.as_str()).collect();
    managers.dedup();
    let fields = |with: &str| {
        conflicts
            .iter()
            .filter(|c| c.with == with)
            .map(|c| c.field.as_str())
            .collect::<Vec<_>>()
    };
    let text = if let ([with], [one]) = (managers.as_slice(), conflicts) {
        format!("conflict with {with}: {}", one.field)
    } else if managers.len() == 1 {
        format!(
            "conflicts with {}:\n- {}",
            managers[0],
            fields(managers[0]).join("\n- ")
        )
    } else {
        let each: Vec<String> = managers
            .iter()
            .map(|with| format!("conflicts with {with}:\n- {}", fields(with).join("\n- ")))
            .collect();
        each.join("\n")
    };
    let causes = conflicts
        .iter()
        .map(|c| {
            json!({
                "reason": "FieldManagerConflict", "message": format!("conflict with {}", c.with), "field": c.field,
            })
        })
        .collect();
    (head + &text, causes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::schema::schemas;

    fn who(name: &str, operation: Operation) -> Manager {
        Manager {
            name: name.to_owned(),
            operation,
            api_version: "batch/v1".to_owned(),
            subresource: String::new(),
            time: "2026-01-01T00:00:00Z".to_owned(),
            set: Set::default(),
        }
    }

    fn place() -> Place {
        Place::root(schemas().root("batch", "v1", "Job").unwrap())
    }

    fn fields(object: &Value, i: usize) -> &Value {
        &object["metadata"]["managedFields"][i]["fieldsV1"]
    }

    #[test]
    fn a_creation_is_credited_as_the_server_does_it() {
        let old = json!({"metadata": {}, "spec": {"template": {"metadata": {}, "spec": {"containers": null}}}, "status": {}});
        let mut new = json!({
            "metadata": {"name": "j", "labels": {"a": "b"}},
            "spec": {"suspend": false, "template": {"metadata": {}, "spec": {"securityContext": {}, "containers": [
                {"name": "c", "image": "i", "command": ["x"], "resources": {},
                 "env": [{"name": "E", "valueFrom": {"fieldRef": {"fieldPath": "p"}}}]}]}}},
            "status": {},
        });
        update(
            schemas(),
            place(),
            &old,
            &mut new,
            &who("kubectl", Operation::Update),
        );
        assert_eq!(
            fields(&new, 0),
            &json!({
                "f:metadata": {"f:labels": {".": {}, "f:a": {}}},
                "f:spec": {"f:suspend": {}, "f:template": {"f:spec": {"f:securityContext": {}, "f:containers": {
                    "k:{\"name\":\"c\"}": {".": {}, "f:name": {}, "f:image": {}, "f:command": {}, "f:resources": {},
                        "f:env": {".": {}, "k:{\"name\":\"E\"}": {".": {}, "f:name": {}, "f:valueFrom": {".": {}, "f:fieldRef": {}}}}}}}}},
            })
        );
    }

    #[test]
    fn apply_takes_conflicts_forces_and_gives_up() {
        let (s, p) = (schemas(), place());
        let empty = json!({"metadata": {"name": "x"}, "spec": {"template": {"metadata": {}, "spec": {"containers": null}}}});
        let config = json!({"spec": {"parallelism": 2, "suspend": true, "template": {"spec": {"containers": [{"name": "a", "image": "b"}]}}}});
        let one = apply(s, p, &empty, &config, &who("one", Operation::Apply), false).unwrap();
        assert_eq!(
            one["metadata"]["managedFields"].as_array().unwrap().len(),
            1
        );
        let other = json!({"metadata": {"labels": {"a": "b"}}, "spec": {"parallelism": 3}});
        let refused = apply(s, p, &one, &other, &who("two", Operation::Apply), false).unwrap_err();
        assert_eq!(
            conflict(&refused).0,
            "Apply failed with 1 conflict: conflict with \"one\": .spec.parallelism"
        );
        let two = apply(s, p, &one, &other, &who("two", Operation::Apply), true).unwrap();
        assert_eq!(two["spec"]["parallelism"], 3);
        assert_eq!(fields(&two, 0)["f:spec"]["f:parallelism"], Value::Null);
        // Giving a label up removes it; parallelism stays, for nobody wants it gone but its owner.
        let less = json!({"spec": {"parallelism": 3}});
        let three = apply(s, p, &two, &less, &who("two", Operation::Apply), false).unwrap();
        assert_eq!(three["metadata"].get("labels"), None);
        assert_eq!(three["spec"]["parallelism"], 3);
    }

    #[test]
    fn an_update_takes_over_what_it_changes_and_shares_what_it_repeats() {
        let (s, p) = (schemas(), place());
        let empty = json!({"metadata": {"name": "x"}, "spec": {}});
        let config = json!({"spec": {"parallelism": 2, "suspend": true}});
        let live = apply(s, p, &empty, &config, &who("one", Operation::Apply), false).unwrap();
        let mut new = live.clone();
        new["spec"]["parallelism"] = json!(5);
        update(s, p, &live, &mut new, &who("edit", Operation::Update));
        assert_eq!(fields(&new, 0), &json!({"f:spec": {"f:suspend": {}}}));
        assert_eq!(fields(&new, 1), &json!({"f:spec": {"f:parallelism": {}}}));
        let refused = apply(s, p, &new, &config, &who("one", Operation::Apply), false).unwrap_err();
        assert_eq!(refused[0].with, "\"edit\" using batch/v1");
    }
}
