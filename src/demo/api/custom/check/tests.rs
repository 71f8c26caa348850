//! Each refusal as a real server (1.36) words it.

use serde_json::{Value, json};

use super::super::read;
use super::*;

fn version() -> std::sync::Arc<Version> {
    let spec = json!({
        "group": "example.com", "scope": "Namespaced", "names": {"plural": "widgets", "kind": "Widget"},
        "versions": [{"name": "v1", "served": true, "storage": true,
            "subresources": {"status": {}, "scale": {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"}},
            "schema": {"openAPIV3Schema": {"type": "object", "properties": {
                "spec": {"type": "object", "required": ["size"], "properties": {
                    "size": {"type": "string", "enum": ["small", "large"]},
                    "replicas": {"type": "integer", "minimum": 0, "maximum": 10},
                    "name": {"type": "string", "pattern": "^[a-z]+$", "maxLength": 5, "minLength": 2},
                    "port": {"x-kubernetes-int-or-string": true},
                    "template": {"type": "object", "x-kubernetes-embedded-resource": true, "x-kubernetes-preserve-unknown-fields": true},
                    "tags": {"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "set", "minItems": 1, "maxItems": 3},
                    "ratio": {"type": "number", "maximum": 1, "exclusiveMaximum": true},
                    "when": {"type": "string", "format": "date-time"},
                    "parts": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
                        "items": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}, "count": {"type": "integer", "format": "int32"}}}},
                    "labels": {"type": "object", "maxProperties": 1, "additionalProperties": {"type": "string"}},
                    "mul": {"type": "integer", "multipleOf": 5},
                    "any": {"type": "object", "anyOf": [{"required": ["a"]}, {"required": ["b"]}]},
                    "one": {"type": "object", "oneOf": [{"required": ["a"]}, {"required": ["b"]}]},
                    "all": {"type": "object", "allOf": [{"required": ["a"]}, {"required": ["b"]}]},
                }},
                "status": {"type": "object", "properties": {"replicas": {"type": "integer"}}},
            }}},
        }],
    });
    let (_, custom) = read("widgets.example.com", 1, &spec);
    custom.versions[0].clone()
}

fn object(mut spec: Value) -> Value {
    if spec.is_object() && spec["size"].is_null() {
        spec["size"] = json!("small");
    }
    json!({"metadata": {"name": "z"}, "spec": spec})
}

#[rstest::rstest]
#[case(json!({"size": "huge"}), r#"spec.size: Unsupported value: "huge": supported values: "small", "large""#)]
#[case(json!({"replicas": -1}), "spec.replicas: Invalid value: -1: spec.replicas in body should be greater than or equal to 0|.spec.replicas: Invalid value: -1: should be a non-negative integer")]
#[case(json!({"replicas": 11}), "spec.replicas: Invalid value: 11: spec.replicas in body should be less than or equal to 10")]
#[case(json!({"replicas": "three"}), r#"spec.replicas: Invalid value: "string": spec.replicas in body must be of type integer: "string"|.spec.replicas: Invalid value: 0: .spec.replicas accessor error: three is of the type string, expected int64"#)]
#[case(json!({"replicas": 1.5}), r#"spec.replicas: Invalid value: "number": spec.replicas in body must be of type integer: "number"|<nil>: Invalid value: "": Checked value must be of type integer (default format) in spec.replicas|.spec.replicas: Invalid value: 0: .spec.replicas accessor error: 1.5 is of the type float64, expected int64"#)]
#[case(json!({"name": "A1"}), r#"spec.name: Invalid value: "A1": spec.name in body should match '^[a-z]+$'"#)]
#[case(json!({"name": "abcdefg"}), "spec.name: Too long: may not be more than 5 bytes")]
#[case(json!({"name": "a"}), r#"spec.name: Invalid value: "a": spec.name in body should be at least 2 chars long"#)]
#[case(json!({"port": 1.5}), r#"spec.port: Invalid value: "number": spec.port in body must be of type integer,string: "number""#)]
#[case(json!({"tags": ["a", "b", "c", "d"]}), "spec.tags: Too many: 4: must have at most 3 items")]
#[case(json!({"tags": []}), "spec.tags: Invalid value: 0: spec.tags in body should have at least 1 items")]
#[case(json!({"tags": ["a", "a"]}), r#"spec.tags[1]: Duplicate value: "a""#)]
#[case(json!({"tags": [1]}), r#"spec.tags[0]: Invalid value: "integer": spec.tags[0] in body must be of type string: "integer""#)]
#[case(json!({"tags": [null]}), r#"spec.tags[0]: Invalid value: "null": spec.tags[0] in body must be of type string: "null""#)]
#[case(json!({"ratio": 1}), "spec.ratio: Invalid value: 1: spec.ratio in body should be less than 1")]
#[case(json!({"when": "yesterday"}), r#"spec.when: Invalid value: "yesterday": spec.when in body must be of type date-time: "yesterday""#)]
#[case(json!({"parts": [{"count": 1}]}), "spec.parts[0].name: Required value")]
#[case(json!({"parts": [{"name": "a"}, {"name": "a"}]}), r#"spec.parts[1]: Duplicate value: {"name":"a"}"#)]
#[case(json!({"parts": [{"name": "a", "count": 5_000_000_000_u64}]}), r#"<nil>: Invalid value: "": Checked value must be of type integer with format int32 in spec.parts[0].count"#)]
#[case(json!({"labels": {"a": 1}}), r#"spec.labels.a: Invalid value: "integer": spec.labels.a in body must be of type string: "integer""#)]
#[case(json!({"labels": {"a": "b", "c": "d"}}), "spec.labels: Too many: 2: must have at most 1 item")]
#[case(json!({"template": {"metadata": {}}}), "spec.template.apiVersion: Required value|spec.template.kind: Required value")]
#[case(json!({"mul": 7}), "spec.mul: Invalid value: 7: spec.mul in body should be a multiple of 5")]
#[case(json!({"any": {}}), r#"<nil>: Invalid value: "": "spec.any" must validate at least one schema (anyOf)|spec.any.a: Required value"#)]
#[case(json!({"one": {"a": 1, "b": 1}}), r#"<nil>: Invalid value: "": "spec.one" must validate one and only one schema (oneOf). Found 2 valid alternatives"#)]
#[case(json!({"all": {}}), r#"spec.all.a: Required value|spec.all.b: Required value|<nil>: Invalid value: "": "spec.all" must validate all the schemas (allOf). None validated"#)]
#[case(json!("x"), r#"spec: Invalid value: "string": spec in body must be of type object: "string"|.spec.replicas: Invalid value: 0: .spec.replicas accessor error: x is of the type string, expected map[string]interface{}"#)]
fn a_wrong_field_is_refused(#[case] spec: Value, #[case] want: &str) {
    let causes = check(&version(), &object(spec), None, false);
    let texts: Vec<String> = causes
        .iter()
        .map(|c| format!("{}: {}", c.field, c.message))
        .collect();
    assert_eq!(texts.join("|"), want);
}

#[test]
fn what_was_wrong_before_and_stays_is_let_be() {
    let old = object(
        json!({"replicas": 11, "name": "A", "parts": [{"name": "a", "count": 5_000_000_000_u64}]}),
    );
    let mut new = old.clone();
    new["spec"]["labels"] = json!({"k": "v"});
    new["spec"]["parts"] = json!([{"name": "b"}, {"name": "a", "count": 5_000_000_000_u64}]);
    assert_eq!(check(&version(), &new, Some(&old), false), []);
    new["spec"]["replicas"] = json!(12);
    assert_eq!(check(&version(), &new, Some(&old), false).len(), 1);
}

#[test]
fn a_status_is_judged_by_itself() {
    let object = json!({"spec": {"size": "huge"}, "status": {"replicas": "x"}});
    let causes = check(&version(), &object, None, true);
    assert_eq!(causes[0].field, "status.replicas");
    assert_eq!(
        causes[0].message,
        "Invalid value: \"string\": replicas in body must be of type integer: \"string\""
    );
    assert_eq!(causes[1].field, ".status.replicas");
    assert_eq!(causes.len(), 2);
}
