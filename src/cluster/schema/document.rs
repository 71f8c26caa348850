//! One OpenAPI v3 document as far as it tells which fields there are and of what type: descriptions and limits are not
//! kept. A pure walk, apart from where documents come from, so that its rules are a table of tests.

use std::collections::HashMap;

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::types;
use crate::model::fields::{FieldPath, Step, Wrong};

/// Fields that every object has, whatever its schema says.
const OF_ALL: [&str; 3] = ["apiVersion", "kind", "metadata"];

/// The schemas of one group and version.
#[derive(Debug, Default, Deserialize)]
pub struct Document {
    #[serde(default)]
    components: Components,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Components {
    schemas: HashMap<Box<str>, Schema>,
}

/// Group, version and kind.
#[derive(Debug, Default, Clone, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Gvk {
    pub group: String,
    pub version: String,
    pub kind: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Schema {
    #[serde(rename = "$ref")]
    pub(super) reference: Option<Box<str>>,
    properties: HashMap<Box<str>, Schema>,
    additional_properties: Option<More>,
    items: Option<Box<Schema>>,
    all_of: Vec<Schema>,
    pub(super) any_of: Vec<Schema>,
    pub(super) one_of: Vec<Schema>,
    #[serde(rename = "type")]
    pub(super) of_type: Option<Box<str>>,
    pub(super) format: Option<Box<str>>,
    #[serde(rename = "enum")]
    pub(super) allowed: Vec<Value>,
    #[serde(rename = "x-kubernetes-int-or-string")]
    pub(super) int_or_string: bool,
    #[serde(rename = "x-kubernetes-preserve-unknown-fields")]
    preserves: bool,
    #[serde(rename = "x-kubernetes-embedded-resource")]
    embedded: bool,
    #[serde(rename = "x-kubernetes-group-version-kind")]
    kinds: Vec<Gvk>,
}

/// `additionalProperties`.
#[derive(Debug)]
enum More {
    Any(bool),
    Like(Box<Schema>),
}

impl<'de> Deserialize<'de> for More {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            Any(bool),
            Like(Box<Schema>),
        }
        Ok(match Either::deserialize(d)? {
            Either::Any(any) => More::Any(any),
            Either::Like(schema) => More::Like(schema),
        })
    }
}

impl Gvk {
    /// Of an object's own words; `None` where it does not say.
    pub fn of(object: &Value) -> Option<Self> {
        let text = |key: &str| object.get(key).and_then(Value::as_str);
        let (api_version, kind) = (text("apiVersion")?, text("kind")?);
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        Some(Self {
            group: group.to_owned(),
            version: version.to_owned(),
            kind: kind.to_owned(),
        })
    }

    /// `batch/v1 Job`, `v1 Pod`.
    pub fn words(&self) -> String {
        match self.group.as_str() {
            "" => format!("{} {}", self.version, self.kind),
            group => format!("{group}/{} {}", self.version, self.kind),
        }
    }

    /// The key of its document in the index.
    pub fn document(&self) -> String {
        match self.group.as_str() {
            "" => format!("api/{}", self.version),
            group => format!("apis/{group}/{}", self.version),
        }
    }
}

/// All schemas that hold for a value at once: one, what it refers to, and what those are made of.
pub(super) type All<'a> = Vec<&'a Schema>;

impl Document {
    /// The schema of a kind.
    pub fn kind(&self, gvk: &Gvk) -> Option<&Schema> {
        let mut schemas = self.components.schemas.values();
        schemas.find(|schema| schema.kinds.contains(gvk))
    }

    /// Nothing at the top of such an object can be unknown.
    pub fn takes_anything(&self, schema: &Schema) -> bool {
        is_open(&self.all([schema]))
    }

    /// The fields of an object that its schema does not know, of nested ones the outermost; and the values that are not
    /// what it asks for. Both in the object's order.
    pub fn compare(&self, schema: &Schema, object: &Value) -> (Vec<FieldPath>, Vec<Wrong>) {
        let mut walk = Walk {
            document: self,
            path: Vec::new(),
            found: Vec::new(),
            wrong: Vec::new(),
        };
        if let Value::Object(map) = object {
            walk.map(&self.all([schema]), true, map);
        }
        (walk.found, walk.wrong)
    }

    /// Alternatives count as well: a field is known if any of them knows it.
    fn all<'a>(&'a self, schemas: impl IntoIterator<Item = &'a Schema>) -> All<'a> {
        let mut all = All::new();
        let mut next: Vec<&Schema> = schemas.into_iter().collect();
        while let Some(schema) = next.pop() {
            // a reference may lead back to where it came from
            if all.iter().any(|known| std::ptr::eq(*known, schema)) {
                continue;
            }
            all.push(schema);
            next.extend(
                schema
                    .all_of
                    .iter()
                    .chain(&schema.any_of)
                    .chain(&schema.one_of),
            );
            if let Some(reference) = &schema.reference {
                let name = reference.rsplit('/').next().unwrap_or_default();
                next.extend(self.components.schemas.get(name));
            }
        }
        all
    }
}

/// Says nothing of its fields, or takes those it does not name.
fn is_open(all: &All) -> bool {
    let names_any = all.iter().any(|s| !s.properties.is_empty());
    let more = |any: bool| {
        all.iter()
            .any(|s| matches!(s.additional_properties, Some(More::Any(told)) if told == any))
    };
    all.iter().any(|s| s.preserves) || more(true) || (!names_any && !more(false))
}

struct Walk<'a> {
    document: &'a Document,
    path: Vec<Step>,
    found: Vec<FieldPath>,
    wrong: Vec<Wrong>,
}

impl Walk<'_> {
    /// `object`: it has a kind of its own.
    fn map(&mut self, all: &All, object: bool, map: &Map<String, Value>) {
        let embedded = object || all.iter().any(|s| s.embedded);
        for (key, value) in map {
            let named = all.iter().filter_map(|s| s.properties.get(key.as_str()));
            let mut next = self.document.all(named);
            if next.is_empty() && embedded && OF_ALL.contains(&key.as_str()) {
                continue;
            }
            if next.is_empty() {
                let more = all.iter().filter_map(|s| match &s.additional_properties {
                    Some(More::Like(schema)) => Some(&**schema),
                    _ => None,
                });
                next = self.document.all(more);
            }
            self.path.push(Step::Field(key.as_str().into()));
            if !next.is_empty() {
                self.value(&next, value);
            } else if !is_open(all) {
                self.found.push(FieldPath(self.path.clone()));
            }
            self.path.pop();
        }
    }

    fn value(&mut self, all: &All, value: &Value) {
        if let Some(why) = types::wrong(all, value) {
            let path = FieldPath(self.path.clone());
            return self.wrong.push(Wrong { path, why });
        }
        match value {
            Value::Object(map) => self.map(all, false, map),
            Value::Array(items) => {
                let each = self
                    .document
                    .all(all.iter().filter_map(|s| s.items.as_deref()));
                for (at, item) in items.iter().enumerate().filter(|_| !each.is_empty()) {
                    self.path.push(Step::Item(at));
                    self.value(&each, item);
                    self.path.pop();
                }
            }
            _ => {}
        }
    }
}
