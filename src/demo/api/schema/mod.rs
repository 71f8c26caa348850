//! The types of the built-in kinds, compiled from the generated JSON schema: what decoding, pruning,
//! patching and field ownership know of an object's shape.

mod custom;
pub mod decode;
pub mod proto;
mod roots;
mod topology;

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use serde_json::{Map, Value};

pub use topology::{ListKind, merge_key};

/// Index of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TypeId(u32);

/// A field of a struct.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    pub of: TypeId,
    pub required: bool,
    /// How a list in this field is identified; [`ListKind::Atomic`] for other types too.
    pub list: ListKind,
    /// A map or struct that is owned as a whole.
    pub atomic: bool,
}

/// What a value of a type looks like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    Struct(BTreeMap<String, Field>),
    Map(TypeId),
    List(TypeId),
    Text,
    /// Base64 text.
    Bytes,
    Int32,
    Int64,
    Number,
    Bool,
    Quantity,
    IntOrString,
    Time,
    MicroTime,
    /// Anything: raw JSON.
    Any,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Type {
    /// `v1.JobSpec`; empty for types without a name.
    pub name: String,
    /// `core.v1.PodSpec`, `meta.v1.Time`: the protobuf message.
    pub message: String,
    pub shape: Shape,
    pub atomic: bool,
    /// A struct that keeps fields it does not know.
    pub open: bool,
}

impl Type {
    /// The type's name without its package.
    pub fn short(&self) -> &str {
        self.name.rsplit('.').next().unwrap_or_default()
    }

    /// As Go writes the type.
    pub fn go(&self, schemas: &Schemas) -> String {
        match &self.shape {
            Shape::Struct(_) | Shape::Any => self.name.clone(),
            Shape::Map(item) => format!("map[string]{}", schemas.get(*item).go(schemas)),
            Shape::List(item) => format!("[]{}", schemas.get(*item).go(schemas)),
            Shape::Text => "string".to_owned(),
            Shape::Bytes => "[]uint8".to_owned(),
            Shape::Int32 => "int32".to_owned(),
            Shape::Int64 => "int64".to_owned(),
            Shape::Number => "float64".to_owned(),
            Shape::Bool => "bool".to_owned(),
            Shape::Quantity => "resource.Quantity".to_owned(),
            Shape::IntOrString => "intstr.IntOrString".to_owned(),
            Shape::Time => "v1.Time".to_owned(),
            Shape::MicroTime => "v1.MicroTime".to_owned(),
        }
    }
}

/// All types, and where each kind begins.
#[derive(Debug)]
pub struct Schemas {
    types: Vec<Type>,
    named: HashMap<String, TypeId>,
    /// The documents themselves, for OpenAPI: definition name to schema.
    pub definitions: Map<String, Value>,
    any: TypeId,
    /// The keys of [`ListKind::Defined`] lists, with their defaults.
    keys: Vec<Vec<(String, Value)>>,
}

static SCHEMAS: LazyLock<Schemas> = LazyLock::new(|| Schemas::compile(roots::definitions()));

/// The schemas of the built-in kinds.
pub fn schemas() -> &'static Schemas {
    &SCHEMAS
}

impl Schemas {
    fn compile(definitions: Map<String, Value>) -> Self {
        let mut all = Self {
            types: Vec::new(),
            named: HashMap::new(),
            definitions: Map::new(),
            any: TypeId(0),
            keys: Vec::new(),
        };
        all.any = all.add(String::new(), Shape::Any);
        // Names first: types refer to each other in circles.
        for name in definitions.keys() {
            let id = all.add(name.clone(), Shape::Any);
            all.named.insert(name.clone(), id);
        }
        for (name, schema) in &definitions {
            let shape = match name.rsplit('.').next().unwrap_or_default() {
                "Quantity" => Shape::Quantity,
                "IntOrString" => Shape::IntOrString,
                "Time" => Shape::Time,
                "MicroTime" => Shape::MicroTime,
                "FieldsV1"
                | "RawExtension"
                | "JSON"
                | "JSONSchemaPropsOrArray"
                | "JSONSchemaPropsOrBool"
                | "JSONSchemaPropsOrStringArray" => Shape::Any,
                _ => all.shape(schema, name),
            };
            if let Some(id) = all.named.get(name).copied() {
                all.types[id.0 as usize].shape = shape;
            }
        }
        all.definitions = definitions;
        all
    }

    fn add(&mut self, definition: String, shape: Shape) -> TypeId {
        let mut tail = definition.rsplit('.');
        let (last, package) = (tail.next().unwrap_or_default(), tail.next());
        let name = package.map(|p| format!("{p}.{last}")).unwrap_or_default();
        let message = definition
            .trim_start_matches("io.k8s.api.")
            .replace("io.k8s.apimachinery.pkg.apis.", "");
        self.types.push(Type {
            atomic: topology::is_atomic(&definition),
            open: false,
            name,
            message,
            shape,
        });
        TypeId(u32::try_from(self.types.len() - 1).unwrap_or_default())
    }

    fn shape(&mut self, schema: &Value, owner: &str) -> Shape {
        match (schema["type"].as_str(), schema["format"].as_str()) {
            (Some("object"), _) if schema["properties"].is_object() => {
                let required = schema["required"].as_array().cloned().unwrap_or_default();
                let mut fields = BTreeMap::new();
                for (name, property) in schema["properties"].as_object().into_iter().flatten() {
                    let of = self.resolve(property, owner);
                    let (list, atomic) = topology::of_field(owner, name);
                    let required = required.iter().any(|r| r == name);
                    fields.insert(
                        name.clone(),
                        Field {
                            of,
                            required,
                            list,
                            atomic,
                        },
                    );
                }
                Shape::Struct(fields)
            }
            (Some("object"), _) if schema["additionalProperties"].is_object() => {
                Shape::Map(self.resolve(&schema["additionalProperties"], owner))
            }
            // A struct without fields, such as SleepAction's siblings, takes none.
            (Some("object"), _) if owner.starts_with("io.k8s.api.") => {
                Shape::Struct(BTreeMap::new())
            }
            (Some("array"), _) => Shape::List(self.resolve(&schema["items"], owner)),
            (Some("string"), Some("byte")) => Shape::Bytes,
            (Some("string"), _) => Shape::Text,
            (Some("integer"), Some("int32")) => Shape::Int32,
            (Some("integer"), _) => Shape::Int64,
            (Some("number"), _) => Shape::Number,
            (Some("boolean"), _) => Shape::Bool,
            _ => Shape::Any,
        }
    }

    fn resolve(&mut self, schema: &Value, owner: &str) -> TypeId {
        if let Some(reference) = schema["$ref"].as_str() {
            let name = reference.rsplit('/').next().unwrap_or_default();
            return self.named.get(name).copied().unwrap_or(self.any);
        }
        let shape = self.shape(schema, owner);
        self.add(String::new(), shape)
    }

    pub fn get(&self, id: TypeId) -> &Type {
        &self.types[id.0 as usize]
    }

    /// The type of a kind; `None` for custom resources.
    pub fn root(&self, group: &str, version: &str, kind: &str) -> Option<TypeId> {
        self.named
            .get(&definition_name(group, version, kind))
            .copied()
    }

    pub fn named(&self, definition: &str) -> Option<TypeId> {
        self.named.get(definition).copied()
    }

    /// The keys of a [`ListKind::Defined`] list, with their defaults (null: none).
    pub fn keys_of(&self, at: u16) -> &[(String, Value)] {
        self.keys.get(at as usize).map_or(&[], Vec::as_slice)
    }

    /// The type for what nothing is known about.
    pub fn any(&self) -> TypeId {
        self.any
    }
}

/// Is there any type of this group and version?
pub fn knows_version(group: &str, version: &str) -> bool {
    let prefix = definition_name(group, version, "");
    schemas().named.keys().any(|name| name.starts_with(&prefix))
}

/// The name a kind's schema is listed under.
pub fn definition_name(group: &str, version: &str, kind: &str) -> String {
    match group {
        "" => format!("io.k8s.api.core.{version}.{kind}"),
        "apiextensions.k8s.io" => {
            format!("io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.{version}.{kind}")
        }
        other => {
            let package = other.split('.').next().unwrap_or_default();
            format!("io.k8s.api.{package}.{version}.{kind}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds;

    #[test]
    fn every_built_in_kind_has_a_type() {
        for k in kinds::builtin() {
            if k.kind == "ComponentStatus" {
                continue;
            }
            let root = schemas().root(&k.group, &k.version, &k.kind);
            let shape = root.map(|id| &schemas().get(id).shape);
            assert!(
                matches!(shape, Some(Shape::Struct(f)) if f.contains_key("metadata")),
                "{}",
                k.kind
            );
        }
    }

    #[test]
    fn types_know_their_go_names_and_lists_their_keys() {
        let s = schemas();
        let job = s.root("batch", "v1", "JobSpec").unwrap();
        let Shape::Struct(fields) = &s.get(job).shape else {
            panic!()
        };
        assert_eq!(s.get(job).name, "v1.JobSpec");
        assert_eq!(s.get(fields["completions"].of).go(s), "int32");
        let pod = s.root("", "v1", "PodSpec").unwrap();
        let Shape::Struct(fields) = &s.get(pod).shape else {
            panic!()
        };
        assert_eq!(s.get(fields["containers"].of).go(s), "[]v1.Container");
        assert_eq!(fields["containers"].list, ListKind::Keyed(&["name"]));
        assert_eq!(fields["tolerations"].list, ListKind::Atomic);
    }
}
