//! The types of one version of a custom kind, compiled from its structural schema: field ownership and apply
//! walk its objects as they walk the built-in ones.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Field, ListKind, Schemas, Shape, TypeId, definition_name, schemas};

/// What every object's metadata is made of.
const META: [&str; 5] = [
    "FieldsV1",
    "ManagedFieldsEntry",
    "ObjectMeta",
    "OwnerReference",
    "Time",
];
const PACKAGE: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.";

impl Schemas {
    /// Compiles the schema of a custom kind; [`Schemas::root`] answers where it begins.
    pub fn of_custom(group: &str, version: &str, kind: &str, schema: &Value) -> Self {
        let known = &schemas().definitions;
        let names = META.iter().map(|name| format!("{PACKAGE}{name}"));
        let definitions: Map<String, Value> = names
            .filter_map(|name| Some((name.clone(), known.get(&name)?.clone())))
            .collect();
        let mut all = Self::compile(definitions);
        let root = all.object(schema, true);
        all.named
            .insert(definition_name(group, version, kind), root);
        all
    }

    fn defined(&mut self, schema: &Value) -> TypeId {
        if schema["x-kubernetes-int-or-string"] == true {
            return self.add(String::new(), Shape::IntOrString);
        }
        let shape = match schema["type"].as_str() {
            Some("object") => {
                return self.object(schema, schema["x-kubernetes-embedded-resource"] == true);
            }
            Some("array") if schema["items"].is_object() => {
                let item = self.defined(&schema["items"]);
                Shape::List(item)
            }
            Some("string") => Shape::Text,
            Some("integer") => Shape::Int64,
            Some("number") => Shape::Number,
            Some("boolean") => Shape::Bool,
            _ => Shape::Any,
        };
        self.add(String::new(), shape)
    }

    /// An object; `resource`: it has a type and metadata of its own.
    fn object(&mut self, schema: &Value, resource: bool) -> TypeId {
        let properties = schema["properties"].as_object();
        let mut fields = BTreeMap::new();
        for (name, property) in properties.into_iter().flatten() {
            let field = self.field(property);
            fields.insert(name.clone(), field);
        }
        if resource {
            let text = self.add(String::new(), Shape::Text);
            let meta = self.named(&format!("{PACKAGE}ObjectMeta"));
            let any = self.any;
            for (name, of) in [
                ("apiVersion", text),
                ("kind", text),
                ("metadata", meta.unwrap_or(any)),
            ] {
                let field = plain(of);
                fields.insert(name.to_owned(), field);
            }
        }
        let more = &schema["additionalProperties"];
        let shape = if !fields.is_empty() {
            Shape::Struct(fields)
        } else if more.is_object() {
            let item = self.defined(more);
            Shape::Map(item)
        } else if *more == true {
            Shape::Map(self.any)
        } else if schema["x-kubernetes-preserve-unknown-fields"] == true {
            Shape::Any
        } else {
            Shape::Struct(fields)
        };
        let id = self.add(String::new(), shape);
        if let Some(made) = self.types.get_mut(id.0 as usize) {
            made.open = schema["x-kubernetes-preserve-unknown-fields"] == true;
        }
        id
    }

    fn field(&mut self, property: &Value) -> Field {
        let mut field = plain(self.defined(property));
        field.atomic = property["x-kubernetes-map-type"] == "atomic";
        field.list = match property["x-kubernetes-list-type"].as_str() {
            Some("set") => ListKind::Set,
            Some("map") => {
                let keys = property["x-kubernetes-list-map-keys"].as_array();
                let keys = keys.into_iter().flatten().filter_map(Value::as_str);
                let default = |key: &str| property["items"]["properties"][key]["default"].clone();
                self.keys
                    .push(keys.map(|key| (key.to_owned(), default(key))).collect());
                ListKind::Defined(u16::try_from(self.keys.len() - 1).unwrap_or(u16::MAX))
            }
            _ => ListKind::Atomic,
        };
        field
    }
}

fn plain(of: TypeId) -> Field {
    Field {
        of,
        required: false,
        list: ListKind::Atomic,
        atomic: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_structural_schema_becomes_types() {
        let schema = json!({"type": "object", "properties": {"spec": {"type": "object", "properties": {
            "parts": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
                "items": {"type": "object", "properties": {"name": {"type": "string", "default": "x"}}}},
            "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
            "labels": {"type": "object", "additionalProperties": {"type": "string"}},
        }}}});
        let all = Schemas::of_custom("example.com", "v1", "Widget", &schema);
        let Shape::Struct(root) = &all
            .get(all.root("example.com", "v1", "Widget").unwrap())
            .shape
        else {
            panic!()
        };
        let meta = &all.get(root["metadata"].of).shape;
        assert!(matches!(meta, Shape::Struct(f) if f["finalizers"].list == ListKind::Set));
        let Shape::Struct(spec) = &all.get(root["spec"].of).shape else {
            panic!()
        };
        assert_eq!(all.get(spec["free"].of).shape, Shape::Any);
        assert!(matches!(all.get(spec["labels"].of).shape, Shape::Map(_)));
        let ListKind::Defined(at) = spec["parts"].list else {
            panic!()
        };
        assert_eq!(all.keys_of(at), [("name".to_owned(), json!("x"))]);
    }
}
