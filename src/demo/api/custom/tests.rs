//! Definitions come and go, their kinds with them.

use chrono::DateTime;
use serde_json::{Value, json};

use crate::api::custom::priority;
use crate::api::write::{Cluster, Delete, Refusal, Writer};
use crate::clock::Clock;
use crate::store::KindId;

fn definition() -> Value {
    json!({
        "metadata": {"name": "widgets.example.com"},
        "spec": {
            "group": "example.com", "scope": "Cluster", "names": {"plural": "widgets", "kind": "Widget", "shortNames": ["wd"]},
            "versions": [
                {"name": "v1alpha1", "served": true, "storage": false, "deprecated": true, "schema": {"openAPIV3Schema": {"type": "object",
                    "properties": {"spec": {"type": "object", "properties": {"both": {"type": "string"}, "old": {"type": "string"}}},
                        "status": {"type": "object", "properties": {"phase": {"type": "string"}}}}}}},
                {"name": "v1", "served": true, "storage": true, "subresources": {"status": {}}, "schema": {"openAPIV3Schema": {"type": "object",
                    "properties": {"spec": {"type": "object", "properties": {"both": {"type": "string"}, "new": {"type": "integer", "default": 7}}},
                        "status": {"type": "object", "properties": {"phase": {"type": "string"}}}}}}},
            ],
        },
    })
}

struct Bench {
    cluster: Cluster,
    definitions: KindId,
}

impl Bench {
    fn new() -> Self {
        let cluster = Cluster::new(Clock::stepped(DateTime::UNIX_EPOCH, 1.0), 1);
        let definitions = cluster
            .store
            .kind_id("apiextensions.k8s.io", "customresourcedefinitions");
        Self {
            definitions: definitions.unwrap(),
            cluster,
        }
    }

    fn define(&mut self, value: Value) -> Result<Value, Refusal> {
        let made = self
            .cluster
            .create(self.definitions, "", value, &Writer::new("me"));
        made.map(|o| o.value())
    }

    fn definition(&self, name: &str) -> Option<Value> {
        self.cluster
            .store
            .get(self.definitions, "", name)
            .map(|o| o.value())
    }

    fn kind(&self) -> Option<KindId> {
        self.cluster.store.kind_id("example.com", "widgets")
    }

    fn widget(&mut self, version: &str, more: Value) -> Result<Value, Refusal> {
        let mut value =
            json!({"apiVersion": format!("example.com/{version}"), "metadata": {"name": "a"}});
        for (key, field) in more.as_object().unwrap() {
            value[key] = field.clone();
        }
        let kind = self.kind().unwrap();
        self.cluster
            .create(kind, "", value, &Writer::new("me"))
            .map(|o| o.value())
    }
}

fn conditions(value: &Value) -> Vec<String> {
    let all = value["status"]["conditions"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    all.iter()
        .map(|c| format!("{}={}/{}", c["type"], c["status"], c["reason"]).replace('"', ""))
        .collect()
}

#[test]
fn a_definition_is_established_with_its_creation() {
    let mut bench = Bench::new();
    let made = bench.define(definition()).unwrap();
    assert_eq!(
        made["status"]["acceptedNames"],
        json!({"kind": "", "plural": ""})
    );
    assert_eq!(made["spec"]["names"]["listKind"], "WidgetList");
    let now = bench.definition("widgets.example.com").unwrap();
    assert_eq!(
        conditions(&now),
        [
            "NamesAccepted=True/NoConflicts",
            "Established=True/InitialNamesAccepted"
        ]
    );
    assert_eq!(now["status"]["acceptedNames"]["singular"], "widget");
    assert_eq!(now["status"]["storedVersions"], json!(["v1"]));
    assert_eq!(now["metadata"]["generation"], 1);
    let kind = bench.cluster.store.kind(bench.kind().unwrap()).clone();
    assert_eq!(kind.served().collect::<Vec<_>>(), ["v1", "v1alpha1"]);
    assert!(kind.at("v1").unwrap().status && !kind.at("v1alpha1").unwrap().status);
    assert_eq!(
        kind.versions[1].warning,
        "example.com/v1alpha1 Widget is deprecated; use example.com/v1 Widget"
    );
}

#[test]
fn versions_share_objects_and_keep_to_their_own_fields() {
    let mut bench = Bench::new();
    bench.define(definition()).unwrap();
    let made = bench
        .widget(
            "v1alpha1",
            json!({"spec": {"both": "b", "old": "x"}, "status": {"phase": "P"}}),
        )
        .unwrap();
    assert_eq!(made["apiVersion"], "example.com/v1");
    assert_eq!(made["spec"], json!({"both": "b", "new": 7}));
    assert_eq!(made["status"], json!({"phase": "P"}));
    let kind = bench.kind().unwrap();
    let stored = bench.cluster.store.get(kind, "", "a").unwrap();
    let old = bench.cluster.shown_as(stored, "v1alpha1");
    assert_eq!(old["apiVersion"], "example.com/v1alpha1");
    assert_eq!(old["spec"], json!({"both": "b"}));
    // There the status is a field like any other: it was taken at the creation.
    assert_eq!(old["status"], json!({"phase": "P"}));
}

#[test]
fn the_spec_counts_generations_and_the_status_has_a_door_of_its_own() {
    let mut bench = Bench::new();
    bench.define(definition()).unwrap();
    let mut value = bench
        .widget(
            "v1",
            json!({"spec": {"both": "b"}, "status": {"phase": "P"}}),
        )
        .unwrap();
    assert_eq!(value.get("status"), None);
    let kind = bench.kind().unwrap();
    value["status"] = json!({"phase": "Q"});
    value["spec"]["both"] = json!("c");
    let after = bench
        .cluster
        .update(kind, value.clone(), &Writer::status("me"))
        .unwrap()
        .value();
    assert_eq!(
        (&after["spec"]["both"], &after["status"]["phase"]),
        (&json!("b"), &json!("Q"))
    );
    assert_eq!(after["metadata"]["generation"], 1);
    value["metadata"]["resourceVersion"] = json!("");
    let after = bench
        .cluster
        .update(kind, value, &Writer::new("me"))
        .unwrap()
        .value();
    assert_eq!(
        (&after["spec"]["both"], &after["status"]["phase"]),
        (&json!("c"), &json!("Q"))
    );
    assert_eq!(after["metadata"]["generation"], 2);
}

#[test]
fn a_definition_goes_when_the_last_of_its_objects_has_gone() {
    let mut bench = Bench::new();
    bench.define(definition()).unwrap();
    bench
        .widget(
            "v1",
            json!({"metadata": {"name": "held", "finalizers": ["example.com/x"]}}),
        )
        .unwrap();
    bench.widget("v1", json!({})).unwrap();
    let kind = bench.kind().unwrap();
    let name = "widgets.example.com";
    let left = bench
        .cluster
        .delete(bench.definitions, "", name, &Delete::default())
        .unwrap();
    assert_eq!(
        conditions(&left.unwrap().value())[2],
        "Terminating=True/InstanceDeletionPending"
    );
    let now = bench.definition(name).unwrap();
    assert_eq!(
        conditions(&now)[2],
        "Terminating=True/InstanceDeletionInProgress"
    );
    let refused = bench
        .widget("v1", json!({"metadata": {"name": "late"}}))
        .unwrap_err();
    assert_eq!(
        (refused.code, refused.message.as_str()),
        (
            403,
            "widgets.example.com \"late\" is forbidden: create not allowed while custom resource definition is terminating"
        )
    );
    let mut held = bench.cluster.store.get(kind, "", "held").unwrap().value();
    assert!(bench.cluster.store.get(kind, "", "a").is_none());
    held["metadata"]
        .as_object_mut()
        .unwrap()
        .remove("finalizers");
    bench
        .cluster
        .update(kind, held, &Writer::new("me"))
        .unwrap();
    assert_eq!(bench.definition(name), None);
    assert_eq!(bench.kind(), None);
    assert!(!bench.cluster.store.is_served(kind));
    // The name is free again, and it is another kind than before.
    bench.define(definition()).unwrap();
    assert_ne!(bench.kind(), Some(kind));
}

#[test]
fn names_in_use_are_waited_for() {
    let mut bench = Bench::new();
    bench.define(definition()).unwrap();
    let mut second = definition();
    second["metadata"]["name"] = json!("gadgets.example.com");
    second["spec"]["names"] = json!({"plural": "gadgets", "kind": "Gadget", "shortNames": ["wd"]});
    bench.define(second).unwrap();
    let refused = bench.definition("gadgets.example.com").unwrap();
    assert_eq!(
        conditions(&refused),
        [
            "NamesAccepted=False/ShortNamesConflict",
            "Established=False/NotAccepted"
        ]
    );
    assert_eq!(bench.cluster.store.kind_id("example.com", "gadgets"), None);
    bench
        .cluster
        .delete(
            bench.definitions,
            "",
            "widgets.example.com",
            &Delete::default(),
        )
        .unwrap();
    let accepted = bench.definition("gadgets.example.com").unwrap();
    assert_eq!(
        conditions(&accepted)[1],
        "Established=True/InitialNamesAccepted"
    );
    assert!(
        bench
            .cluster
            .store
            .kind_id("example.com", "gadgets")
            .is_some()
    );
}

#[rstest::rstest]
#[case(&["metadata", "name"], json!("x.example.com"), "metadata.name: Invalid value: \"x.example.com\": must be spec.names.plural+\".\"+spec.group")]
#[case(&["spec", "scope"], json!("Weird"), "spec.scope: Unsupported value: \"Weird\": supported values: \"Cluster\", \"Namespaced\"")]
#[case(&["spec", "versions", "1", "schema"], Value::Null, "spec.versions[1].schema.openAPIV3Schema: Required value")]
#[case(&["spec", "versions"], json!([]), "spec.versions: Invalid value: []: must have exactly one version marked as storage version|status.storedVersions: Invalid value: null: must have at least one stored version")]
#[case(&["spec", "versions", "1", "schema", "openAPIV3Schema", "properties", "spec", "properties", "new"], json!({"description": "x"}), "spec.versions[1].schema.openAPIV3Schema.properties[spec].properties[new].type: Required value: must not be empty for specified object fields")]
#[case(&["spec", "versions", "1", "schema", "openAPIV3Schema", "properties", "spec", "properties", "new"], json!({"type": "integer", "default": "x"}), "spec.versions[1].schema.openAPIV3Schema.properties[spec].properties[new].default: Invalid value: \"string\":  in body must be of type integer: \"string\"")]
#[case(&["spec", "versions", "1", "schema", "openAPIV3Schema", "properties", "spec", "properties", "new"], json!({"type": "array"}), "spec.versions[1].schema.openAPIV3Schema.properties[spec].properties[new].items: Required value: must be specified")]
#[case(&["spec", "versions", "1", "additionalPrinterColumns"], json!([{"name": "A", "type": "text", "jsonPath": "x"}]), "spec.versions[1].additionalPrinterColumns[0].type: Invalid value: \"text\": must be one of boolean,date,integer,number,string|spec.versions[1].additionalPrinterColumns[0].JSONPath: Invalid value: \"x\": must be a simple json path starting with .")]
fn a_wrong_definition_is_refused(#[case] path: &[&str], #[case] value: Value, #[case] want: &str) {
    let mut wrong = definition();
    let pointer = format!("/{}", path.join("/"));
    match wrong.pointer_mut(&pointer) {
        Some(found) => *found = value,
        None => wrong["spec"]["versions"][1]["additionalPrinterColumns"] = value,
    }
    let refused = Bench::new().define(wrong).unwrap_err();
    let causes = refused.details["causes"].as_array().unwrap().clone();
    let texts: Vec<String> = causes
        .iter()
        .map(|c| {
            format!(
                "{}: {}",
                c["field"].as_str().unwrap(),
                c["message"].as_str().unwrap()
            )
        })
        .collect();
    assert_eq!((refused.code, texts.join("|").as_str()), (422, want));
}

#[test]
fn versions_are_ordered_as_kubernetes_orders_them() {
    let mut all = [
        "v1alpha1", "foo", "v2", "v1beta2", "v10", "v1", "v1beta10", "bar",
    ];
    all.sort_by_key(|v| std::cmp::Reverse(priority(v)));
    assert_eq!(
        all,
        [
            "v10", "v2", "v1", "v1beta10", "v1beta2", "v1alpha1", "bar", "foo"
        ]
    );
}
