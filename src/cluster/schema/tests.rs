//! The walk as a table: a schema, an object, and what is unknown of it.

use serde_json::json;

use super::*;

fn gvk() -> Gvk {
    Gvk {
        group: "a.org".into(),
        version: "v1".into(),
        kind: "Thing".into(),
    }
}

/// Unknown fields of `{"spec": spec}` under a schema of `spec`; `Meta` and `Loop` can be referred to.
fn unknown(schema: Value, spec: Value) -> Vec<String> {
    let root = json!({"type": "object", "properties": {"spec": schema}});
    of(root, json!({"spec": spec}))
}

fn of(root: Value, object: Value) -> Vec<String> {
    let (unknown, _) = compared(root, object);
    unknown.iter().map(ToString::to_string).collect()
}

/// What is wrong with `{"spec": spec}`.
fn wrong(schema: Value, spec: Value) -> Vec<String> {
    let root = json!({"type": "object", "properties": {"spec": schema}});
    let (_, wrong) = compared(root, json!({"spec": spec}));
    wrong
        .iter()
        .map(|w| format!("{}: {}", w.path, w.why))
        .collect()
}

fn compared(mut root: Value, object: Value) -> (Vec<FieldPath>, Vec<crate::model::fields::Wrong>) {
    root["x-kubernetes-group-version-kind"] = json!([gvk_json()]);
    let document = json!({"openapi": "3.0.0", "paths": {"/apis": {"get": {}}}, "components": {"schemas": {
        "org.a.v1.Thing": root,
        "Meta": {"type": "object", "properties": {
            "name": {"type": "string", "default": ""},
            "labels": {"type": "object", "additionalProperties": {"type": "string", "default": ""}},
            "managedFields": {"type": "array", "items": {"type": "object", "properties": {
                "manager": {"type": "string"}, "fieldsV1": {"allOf": [{"$ref": "#/components/schemas/Free"}]}}}}}},
        "io.k8s.apimachinery.pkg.api.resource.Quantity": {"type": "string"},
        "Free": {"type": "object", "description": "whatever there is"},
        "Loop": {"properties": {"next": {"$ref": "#/components/schemas/Loop"}, "leaf": {"type": "integer"}},
            "allOf": [{"$ref": "#/components/schemas/Loop"}]},
    }}});
    let document: Document = serde_json::from_value(document).unwrap();
    let schema = document.kind(&gvk()).unwrap();
    document.compare(schema, &object)
}

#[test]
fn values_are_of_the_type_their_field_has() {
    let typed = |of: &str| json!({"type": of});
    let either =
        json!({"anyOf": [typed("integer"), typed("string")], "x-kubernetes-int-or-string": true});
    let served = json!({"oneOf": [typed("integer"), typed("string")], "format": "int-or-string"});
    let quantity = json!({"allOf": [{"$ref": "#/components/schemas/io.k8s.apimachinery.pkg.api.resource.Quantity"}]});
    let policy = json!({"type": "string", "enum": ["Never", "OnFailure"], "default": ""});
    let table: Vec<(Value, Value, &[&str])> = vec![
        (typed("integer"), json!(3), &[]),
        (typed("integer"), json!(3.0), &[]),
        (
            typed("integer"),
            json!(3.5),
            &["spec: a whole number is wanted, not 3.5"],
        ),
        (
            typed("integer"),
            json!("3"),
            &["spec: a whole number is wanted, not a text: take the quotes away"],
        ),
        (
            typed("integer"),
            json!("three"),
            &["spec: a whole number is wanted, not \"three\""],
        ),
        (typed("number"), json!(3), &[]),
        (typed("string"), json!("x"), &[]),
        (
            typed("string"),
            json!(8080),
            &["spec: a text is wanted, not 8080: put it in quotes"],
        ),
        (
            typed("string"),
            json!(true),
            &["spec: a text is wanted, not true: put it in quotes"],
        ),
        (
            typed("string"),
            json!({"a": 1}),
            &["spec: a text is wanted, not a map"],
        ),
        (
            typed("boolean"),
            json!("yes"),
            &["spec: true or false is wanted, not \"yes\""],
        ),
        (
            typed("array"),
            json!({"a": 1}),
            &["spec: a list is wanted, not a map"],
        ),
        (
            typed("object"),
            json!(["a"]),
            &["spec: a map is wanted, not a list"],
        ),
        // nothing is no value
        (typed("integer"), Value::Null, &[]),
        // what may be either
        (either.clone(), json!(8), &[]),
        (either.clone(), json!("50%"), &[]),
        (
            either,
            json!(true),
            &["spec: a text or a number is wanted, not true"],
        ),
        (served, json!("http"), &[]),
        (quantity.clone(), json!(0.5), &[]),
        (quantity.clone(), json!("500m"), &[]),
        (
            quantity,
            json!([]),
            &["spec: a text or a number is wanted, not a list"],
        ),
        // of what is nothing said nothing can be wrong
        (json!({}), json!([1]), &[]),
        (
            json!({"x-kubernetes-preserve-unknown-fields": true}),
            json!("x"),
            &[],
        ),
        (policy.clone(), json!("Never"), &[]),
        (policy.clone(), json!(""), &[]),
        (
            policy,
            json!("Sometimes"),
            &["spec: it is one of Never, OnFailure, not \"Sometimes\""],
        ),
    ];
    for (schema, spec, expected) in table {
        let found = wrong(schema.clone(), spec.clone());
        assert_eq!(found, expected, "{schema} {spec}");
    }
    // deep down, and nothing below a wrong value is told again
    let schema = json!({"properties": {"list": {"type": "array", "items": {"type": "object", "properties": {"n": typed("integer")}}}}});
    assert_eq!(
        wrong(schema, json!({"list": [{"n": 1}, {"n": "2"}, "x"]})),
        [
            "spec.list[1].n: a whole number is wanted, not a text: take the quotes away",
            "spec.list[2]: a map is wanted, not \"x\"",
        ]
    );
}

fn gvk_json() -> Value {
    json!({"group": "a.org", "version": "v1", "kind": "Thing"})
}

#[test]
fn each_word_of_a_schema_is_honoured() {
    let reference = |name: &str| json!({"$ref": format!("#/components/schemas/{name}")});
    let text = json!({"type": "string"});
    let table: Vec<(&str, Value, Value, &[&str])> = vec![
        (
            "a field that is not there",
            json!({"properties": {"a": text}}),
            json!({"a": "x", "b": {"c": 1}}),
            &["spec.b"],
        ),
        (
            "null counts as a field",
            json!({"properties": {"a": text}}),
            json!({"b": null}),
            &["spec.b"],
        ),
        (
            "below a list",
            json!({"properties": {"a": {"type": "array", "items": {"properties": {"b": text}}}}}),
            json!({"a": [{"b": "1"}, {"c": "2"}]}),
            &["spec.a[1].c"],
        ),
        (
            "a list of lists",
            json!({"type": "array", "items": {"items": {"properties": {"b": text}}}}),
            json!([[{"c": 1}]]),
            &["spec[0][0].c"],
        ),
        (
            "an object of which nothing is said",
            json!({"type": "object"}),
            json!({"a": {"b": 1}}),
            &[],
        ),
        ("anything at all", json!({}), json!({"a": [{"b": 1}]}), &[]),
        (
            "a map of texts",
            json!({"type": "object", "additionalProperties": text}),
            json!({"any key/1": "x"}),
            &[],
        ),
        (
            "a map of objects",
            json!({"additionalProperties": {"properties": {"a": text}}}),
            json!({"Worker": {"a": "1", "replica": 2}}),
            &["spec.Worker.replica"],
        ),
        (
            "named fields beside a map",
            json!({"properties": {"a": {"properties": {"b": text}}}, "additionalProperties": text}),
            json!({"a": {"c": 1}, "d": "x"}),
            &["spec.a.c"],
        ),
        (
            "additionalProperties: true",
            json!({"properties": {"a": text}, "additionalProperties": true}),
            json!({"z": 1}),
            &[],
        ),
        (
            "additionalProperties: false",
            json!({"additionalProperties": false}),
            json!({"z": 1}),
            &["spec.z"],
        ),
        (
            "unknown fields are preserved here, not below a known one",
            json!({"properties": {"a": {"properties": {"b": text}}}, "x-kubernetes-preserve-unknown-fields": true}),
            json!({"z": {"y": 1}, "a": {"c": 1}}),
            &["spec.a.c"],
        ),
        (
            "int or string",
            json!({"anyOf": [{"type": "integer"}, {"type": "string"}], "x-kubernetes-int-or-string": true}),
            json!("8"),
            &[],
        ),
        (
            "alternatives with fields of their own",
            json!({"properties": {"a": text}, "oneOf": [{"properties": {"b": text}}, {"required": ["a"]}]}),
            json!({"a": "1", "b": "2", "c": "3"}),
            &["spec.c"],
        ),
        (
            "a reference, wrapped",
            json!({"allOf": [reference("Meta")], "default": {}}),
            json!({"name": "x", "labels": {"a.b/c": "d"}, "nom": "y"}),
            &["spec.nom"],
        ),
        (
            "parts of allOf add up",
            json!({"allOf": [reference("Meta"), {"properties": {"more": text}}]}),
            json!({"name": "x", "more": "y", "most": "z"}),
            &["spec.most"],
        ),
        (
            "a reference that leads nowhere",
            reference("Nowhere"),
            json!({"a": 1}),
            &[],
        ),
        (
            "a reference in a circle",
            reference("Loop"),
            json!({"next": {"next": {"leaf": 1, "loaf": 2}}}),
            &["spec.next.next.loaf"],
        ),
        (
            "an embedded object has a kind and metadata",
            json!({"properties": {"spec": {"properties": {"a": text}}}, "x-kubernetes-embedded-resource": true}),
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": {"b": 1}, "stat": 1}),
            &["spec.spec.b", "spec.stat"],
        ),
        (
            "what is only written like metadata has none",
            json!({"properties": {"a": text}}),
            json!({"metadata": {}, "kind": "x"}),
            &["spec.kind", "spec.metadata"],
        ),
        (
            "a value of another type than said is no unknown field",
            json!({"properties": {"a": {"items": text}}}),
            json!({"a": {"b": 1}}),
            &[],
        ),
    ];
    for (what, schema, spec, expected) in table {
        let mut found = unknown(schema, spec);
        found.sort();
        assert_eq!(found, expected, "{what}");
    }
}

#[test]
fn every_object_may_have_a_kind_and_metadata() {
    let object = json!({"apiVersion": "a.org/v1", "kind": "Thing", "stat": 1, "spec": {}, "metadata": {
        "name": "x", "labels": {"a/b": "c"}, "clusterName": "old",
        "managedFields": [{"manager": "kubectl", "fieldsV1": {"f:spec": {"f:a": {}}}}]}});
    let bare = json!({"properties": {"spec": {"type": "object"}}});
    assert_eq!(of(bare, object.clone()), ["stat"]);
    let typed = json!({"properties": {"spec": {}, "metadata": {"allOf": [{"$ref": "#/components/schemas/Meta"}]}}});
    assert_eq!(of(typed, object), ["metadata.clusterName", "stat"]);
}

#[test]
fn a_schema_that_says_nothing_or_takes_all_is_known_as_such() {
    let takes = |mut root: Value| {
        root["x-kubernetes-group-version-kind"] = json!([gvk_json()]);
        let document = json!({"components": {"schemas": {"T": root}}});
        let document: Document = serde_json::from_value(document).unwrap();
        document.takes_anything(document.kind(&gvk()).unwrap())
    };
    assert!(takes(json!({"type": "object"})));
    assert!(takes(
        json!({"properties": {"spec": {}}, "x-kubernetes-preserve-unknown-fields": true})
    ));
    assert!(!takes(json!({"properties": {"spec": {}}})));
}

#[test]
fn what_was_applied_is_read_from_the_object() {
    let object = json!({"metadata": {"annotations": {APPLIED: "{\"spec\": {\"a\": [1]}}\n"}}});
    let manifest = applied(&object).unwrap();
    assert_eq!(manifest["spec"]["a"][0], 1);
    let at = |steps: Vec<Step>| has(&manifest, &FieldPath(steps));
    let field = |name: &str| Step::Field(name.into());
    assert!(at(vec![field("spec"), field("a"), Step::Item(0)]));
    assert!(!at(vec![field("spec"), field("a"), Step::Item(1)]));
    assert!(!at(vec![field("spec"), field("a"), field("b")]));
    assert_eq!(
        applied(&json!({"metadata": {"annotations": {APPLIED: "{"}}})),
        None
    );
    assert_eq!(applied(&json!({"metadata": null})), None);
}
