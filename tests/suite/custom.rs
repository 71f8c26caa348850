//! CustomResourceDefinitions on the demo cluster, over HTTP and with kubectl: what a real API server (1.36) does
//! with a definition and with its objects, from `apply -f crd.yaml` to its deletion.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};

use jobdeck::demo::Demo;
use jobdeck::demo::api::write::Cluster;
use jobdeck::demo::clock::Clock;
use jobdeck::demo::world::World;
use serde_json::{Value, json};

use crate::served::{Served, kubectl_there, manifest};

const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const WIDGETS: &str = "/apis/example.com/v1/namespaces/default/widgets";
const JSON: &str = "application/json";
const MERGE: &str = "application/merge-patch+json";
const APPLY: &str = "application/apply-patch+yaml";

/// One answer.
struct Answer {
    code: u16,
    warnings: Vec<String>,
    body: Value,
}

/// A demo cluster without a scene, in this process.
struct Bench(Demo);

impl Bench {
    fn new() -> Self {
        let clock = Clock::stepped("2026-11-23T12:00:00Z".parse().unwrap(), 1.0);
        let world = World::new(Cluster::new(clock, 1));
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self(Demo::start(any, world).expect("a free port"))
    }

    fn with_widgets() -> Self {
        let bench = Self::new();
        let yaml = std::fs::read(manifest("widgets")).unwrap();
        let made = bench.send(
            "PATCH",
            &format!("{DEFINITIONS}/widgets.example.com?fieldManager=me"),
            APPLY,
            &yaml,
        );
        assert_eq!(made.code, 201, "{}", made.body);
        bench
    }

    /// Sends a request and leaves its answer to be read.
    fn open(
        &self,
        method: &str,
        path: &str,
        kind: &str,
        body: &[u8],
        accept: &str,
    ) -> BufReader<TcpStream> {
        let mut stream = TcpStream::connect(self.0.addr()).unwrap();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: demo\r\nConnection: close\r\nUser-Agent: suite/1\r\nAccept: {accept}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body).unwrap();
        BufReader::new(stream)
    }

    fn ask(&self, method: &str, path: &str, kind: &str, body: &[u8], accept: &str) -> Answer {
        let mut stream = self.open(method, path, kind, body, accept);
        let (code, warnings) = head(&mut stream);
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Answer {
            code,
            warnings,
            body,
        }
    }

    fn send(&self, method: &str, path: &str, kind: &str, body: &[u8]) -> Answer {
        self.ask(method, path, kind, body, JSON)
    }

    fn get(&self, path: &str) -> Answer {
        self.send("GET", path, "", b"")
    }

    fn post(&self, path: &str, value: &Value) -> Answer {
        self.send("POST", path, JSON, value.to_string().as_bytes())
    }

    fn patch(&self, path: &str, value: &Value) -> Answer {
        self.send("PATCH", path, MERGE, value.to_string().as_bytes())
    }

    fn apply(&self, manager: &str, spec: Value) -> Answer {
        let path = format!("{WIDGETS}/a?fieldManager={manager}");
        self.send(
            "PATCH",
            &path,
            APPLY,
            widget("a", spec).to_string().as_bytes(),
        )
    }

    fn table(&self, path: &str) -> Vec<Value> {
        let accept = "application/json;as=Table;g=meta.k8s.io;v=v1";
        let answer = self.ask("GET", path, "", b"", accept);
        let rows = answer.body["rows"].as_array().cloned().unwrap_or_default();
        rows.into_iter().map(|row| row["cells"].clone()).collect()
    }
}

/// Status and warnings of an answer; what follows is the body.
fn head(stream: &mut BufReader<TcpStream>) -> (u16, Vec<String>) {
    let (mut code, mut warnings) = (0, Vec::new());
    for line in stream.by_ref().lines() {
        let line = line.unwrap();
        if let Some(rest) = line.strip_prefix("HTTP/1.1 ") {
            code = rest[..3].parse().unwrap();
        } else if let Some(warning) = line.strip_prefix("warning: ") {
            warnings.push(warning.replace('\\', ""));
        } else if line.is_empty() {
            break;
        }
    }
    (code, warnings)
}

/// The events of a watch until it ends: kind and name.
fn events(stream: BufReader<TcpStream>) -> Vec<String> {
    let lines = stream.lines().map_while(Result::ok);
    // between the events stand the lengths of the chunks
    let events = lines.filter(|line| line.starts_with('{'));
    events
        .map(|line| {
            let event: Value = serde_json::from_str(&line).unwrap();
            let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
            format!(
                "{} {}",
                text(&event["type"]),
                text(&event["object"]["metadata"]["name"])
            )
        })
        .collect()
}

fn widget(name: &str, spec: Value) -> Value {
    json!({"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": name}, "spec": spec})
}

#[test]
fn a_definition_is_served_as_soon_as_it_is_applied() {
    let bench = Bench::with_widgets();
    let crd = bench
        .get(&format!("{DEFINITIONS}/widgets.example.com"))
        .body;
    let conditions = crd["status"]["conditions"].as_array().unwrap();
    assert!(
        conditions.iter().all(|c| c["status"] == "True"),
        "{conditions:?}"
    );
    assert_eq!(crd["status"]["acceptedNames"]["listKind"], "WidgetList");
    let group = bench.get("/apis/example.com").body;
    assert_eq!(group["preferredVersion"]["version"], "v1");
    assert_eq!(group["versions"][1]["groupVersion"], "example.com/v1alpha1");
    let list = bench.get("/apis/example.com/v1").body;
    let names: Vec<&Value> = list["resources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| &r["name"])
        .collect();
    assert_eq!(names, ["widgets", "widgets/status", "widgets/scale"]);
    assert_eq!(list["resources"][0]["shortNames"], json!(["wd"]));
    let old = bench.get("/apis/example.com/v1alpha1").body;
    assert_eq!(old["resources"].as_array().unwrap().len(), 1);
    let accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
    let all = bench.ask("GET", "/apis", "", b"", accept).body;
    let groups = all["items"].as_array().unwrap();
    let found = groups
        .iter()
        .find(|g| g["metadata"]["name"] == "example.com")
        .unwrap();
    assert_eq!(
        found["versions"][0]["resources"][0]["categories"],
        json!(["toys"])
    );
    let index = bench.get("/openapi/v3").body;
    assert!(index["paths"]["apis/example.com/v1"].is_object());
    let document = bench.get("/openapi/v3/apis/example.com/v1").body;
    let schema = &document["components"]["schemas"]["com.example.v1.Widget"];
    assert_eq!(
        schema["x-kubernetes-group-version-kind"][0]["kind"],
        "Widget"
    );
    assert_eq!(
        schema["properties"]["spec"]["properties"]["size"]["default"],
        "small"
    );
    let empty = bench.get("/apis/example.com/v1/widgets").body;
    assert_eq!(
        (&empty["kind"], &empty["items"]),
        (&json!("WidgetList"), &json!([]))
    );
}

#[test]
fn objects_are_pruned_defaulted_and_validated() {
    let bench = Bench::with_widgets();
    let spec =
        json!({"size": "large", "zz": 1, "parts": [{"name": "p", "qq": 1}], "free": {"any": [1]}});
    let made = bench.post(WIDGETS, &widget("a", spec.clone()));
    assert_eq!(made.code, 201);
    let want = json!({"size": "large", "replicas": 1, "parts": [{"name": "p", "count": 2}], "free": {"any": [1]}});
    assert_eq!(made.body["spec"], want);
    assert_eq!(
        made.warnings,
        [
            "299 - \"unknown field \"spec.parts[0].qq\"\"",
            "299 - \"unknown field \"spec.zz\"\""
        ]
    );
    let strict = bench.post(
        &format!("{WIDGETS}?fieldValidation=Strict"),
        &widget("b", spec),
    );
    assert_eq!(strict.code, 400);
    assert_eq!(
        strict.body["message"],
        "Widget in version \"v1\" cannot be handled as a Widget: strict decoding error: unknown field \"spec.parts[0].qq\", unknown field \"spec.zz\""
    );
    let wrong = bench.post(
        WIDGETS,
        &widget("b", json!({"size": "huge", "replicas": 11})),
    );
    assert_eq!(wrong.code, 422);
    assert_eq!(
        wrong.body["message"],
        "Widget.example.com \"b\" is invalid: [spec.replicas: Invalid value: 11: spec.replicas in body should be less than or equal to 10, spec.size: Unsupported value: \"huge\": supported values: \"small\", \"large\"]"
    );
    assert_eq!(
        bench.table("/apis/example.com/v1/widgets")[0],
        json!(["a", "large", 1, null])
    );
    let strategic = bench.send(
        "PATCH",
        &format!("{WIDGETS}/a"),
        "application/strategic-merge-patch+json",
        b"{}",
    );
    assert_eq!(strategic.code, 415);
    let none = bench
        .get(&format!("{WIDGETS}?fieldSelector=spec.size%3Dsmall"))
        .body;
    assert_eq!(none["items"], json!([]));
    let refused = bench.get(&format!("{WIDGETS}?fieldSelector=spec.replicas%3D1"));
    assert_eq!(
        refused.body["message"],
        "field label not supported: spec.replicas"
    );
}

#[test]
fn status_and_scale_are_doors_of_their_own() {
    let bench = Bench::with_widgets();
    let mut value = widget("a", json!({"replicas": 3}));
    value["status"] = json!({"replicas": 9});
    let made = bench.post(WIDGETS, &value).body;
    assert_eq!(
        (made.get("status"), &made["metadata"]["generation"]),
        (None, &json!(1))
    );
    let at = format!("{WIDGETS}/a");
    let both = json!({"spec": {"replicas": 9}, "status": {"replicas": 2, "selector": "x=y"}});
    let status = bench.patch(&format!("{at}/status"), &both).body;
    assert_eq!(
        (&status["spec"]["replicas"], &status["status"]["replicas"]),
        (&json!(3), &json!(2))
    );
    assert_eq!(status["metadata"]["generation"], 1);
    let scale = bench.get(&format!("{at}/scale")).body;
    assert_eq!(scale["status"], json!({"replicas": 2, "selector": "x=y"}));
    let scaled = bench.patch(&format!("{at}/scale"), &json!({"spec": {"replicas": 5}}));
    assert_eq!(
        (scaled.code, &scaled.body["spec"]["replicas"]),
        (200, &json!(5))
    );
    let after = bench.get(&at).body;
    assert_eq!(
        (&after["spec"]["replicas"], &after["metadata"]["generation"]),
        (&json!(5), &json!(2))
    );
    let wrong = bench.patch(&format!("{at}/scale"), &json!({"spec": {"replicas": 30}}));
    assert_eq!(wrong.code, 422);
    let merged = bench
        .patch(
            &at,
            &json!({"spec": {"replicas": null, "size": "large"}, "status": {"replicas": 7}}),
        )
        .body;
    assert_eq!(merged["spec"], json!({"replicas": 1, "size": "large"}));
    assert_eq!(merged["status"]["replicas"], 2);
    let put = bench.send(
        "PUT",
        &at,
        JSON,
        widget("a", json!({})).to_string().as_bytes(),
    );
    assert_eq!(
        put.body["details"]["causes"][0]["field"],
        "metadata.resourceVersion"
    );
}

#[test]
fn appliers_own_their_fields_by_the_definitions_schema() {
    let bench = Bench::with_widgets();
    let made = bench.apply("one", json!({"size": "large", "parts": [{"name": "p"}]}));
    assert_eq!(made.code, 201);
    assert_eq!(
        made.body["metadata"]["managedFields"][0]["fieldsV1"],
        json!({"f:spec": {"f:size": {}, "f:parts": {"k:{\"name\":\"p\"}": {".": {}, "f:name": {}}}}})
    );
    let second = bench
        .apply("two", json!({"parts": [{"name": "q", "count": 7}]}))
        .body;
    assert_eq!(
        second["spec"]["parts"],
        json!([{"name": "p", "count": 2}, {"name": "q", "count": 7}])
    );
    let conflict = bench.apply("two", json!({"size": "small"}));
    assert_eq!(
        (conflict.code, conflict.body["message"].as_str().unwrap()),
        (
            409,
            "Apply failed with 1 conflict: conflict with \"one\": .spec.size"
        )
    );
    let less = bench.apply("two", json!({})).body;
    assert_eq!(less["spec"]["parts"], json!([{"name": "p", "count": 2}]));
    for (spec, why) in [
        (json!({"zz": 1}), ".spec.zz: field not declared in schema"),
        (
            json!({"replicas": "x"}),
            ".spec.replicas: expected numeric (int or float), got string",
        ),
        (
            json!({"parts": [{"name": "q"}, {"name": "q"}]}),
            ".spec.parts: duplicate entries for key [name=\"q\"]",
        ),
    ] {
        let refused = bench.apply("two", spec);
        let message = refused.body["message"].as_str().unwrap();
        assert_eq!(
            (refused.code, message.ends_with(why)),
            (500, true),
            "{message}"
        );
    }
}

#[test]
fn every_served_version_shows_the_same_objects() {
    let bench = Bench::with_widgets();
    bench.post(
        WIDGETS,
        &widget("a", json!({"size": "large", "replicas": 4})),
    );
    let old = "/apis/example.com/v1alpha1/namespaces/default/widgets";
    let seen = bench.get(&format!("{old}/a"));
    assert_eq!(seen.body["apiVersion"], "example.com/v1alpha1");
    assert_eq!(seen.body["spec"], json!({"size": "large"}));
    assert_eq!(
        seen.warnings,
        ["299 - \"example.com/v1alpha1 Widget is deprecated; use example.com/v1 Widget\""]
    );
    let list = bench.get(old).body;
    assert_eq!(list["items"][0]["apiVersion"], "example.com/v1alpha1");
    let changed = bench.patch(&format!("{old}/a"), &json!({"spec": {"size": "small"}}));
    assert_eq!(changed.code, 200);
    let new = bench.get(&format!("{WIDGETS}/a")).body;
    assert_eq!(
        (&new["apiVersion"], &new["spec"]["size"]),
        (&json!("example.com/v1"), &json!("small"))
    );
    assert_eq!(bench.get("/apis/example.com/v2/widgets").code, 404);
}

#[test]
fn deleting_a_definition_empties_it_ends_its_watches_and_forgets_it() {
    let bench = Bench::with_widgets();
    bench.post(WIDGETS, &widget("a", json!({})));
    let mut held = widget("held", json!({}));
    held["metadata"]["finalizers"] = json!(["example.com/x"]);
    bench.post(WIDGETS, &held);
    let mut watch = bench.open("GET", "/apis/example.com/v1/widgets?watch=1", "", b"", JSON);
    assert_eq!(head(&mut watch).0, 200);
    let at = format!("{DEFINITIONS}/widgets.example.com");
    let left = bench.send("DELETE", &at, "", b"").body;
    assert_eq!(
        left["metadata"]["finalizers"],
        json!(["customresourcecleanup.apiextensions.k8s.io"])
    );
    let now = bench.get(&at).body;
    assert_eq!(
        now["status"]["conditions"][2]["reason"],
        "InstanceDeletionInProgress"
    );
    let late = bench.post(WIDGETS, &widget("late", json!({})));
    assert_eq!(late.code, 403);
    let list = bench.get(WIDGETS).body;
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    bench.patch(
        &format!("{WIDGETS}/held"),
        &json!({"metadata": {"finalizers": null}}),
    );
    assert_eq!(bench.get(&at).code, 404);
    assert_eq!(bench.get(WIDGETS).code, 404);
    assert_eq!(bench.get("/apis/example.com").code, 404);
    assert_eq!(bench.get("/openapi/v3/apis/example.com/v1").code, 404);
    let seen = events(watch);
    assert_eq!(&seen[..3], ["ADDED a", "ADDED held", "DELETED a"]);
    assert_eq!(seen.last().unwrap(), "DELETED held");
}

#[test]
fn kubectl_knows_a_definition_and_its_objects() {
    if !kubectl_there("kubectl_knows_a_definition_and_its_objects") {
        return;
    }
    let served = Served::start(&[]);
    let applied = served.ok(&["apply", "-f", &manifest("widgets")]);
    assert_eq!(
        applied.trim(),
        "customresourcedefinition.apiextensions.k8s.io/widgets.example.com created"
    );
    served.ok(&[
        "wait",
        "--for=condition=established",
        "crd/widgets.example.com",
        "--timeout=30s",
    ]);
    let made = served.ok(&["apply", "-f", &manifest("widget")]);
    assert_eq!(made.trim(), "widget.example.com/one created");
    let again = served.ok(&["apply", "-f", &manifest("widget")]);
    assert_eq!(again.trim(), "widget.example.com/one unchanged");
    let shown = served.ok(&["get", "wd"]);
    let mut lines = shown
        .lines()
        .map(|l| l.split_whitespace().collect::<Vec<_>>());
    assert_eq!(lines.next().unwrap(), ["NAME", "SIZE", "REPLICAS", "READY"]);
    assert_eq!(lines.next().unwrap(), ["one", "large", "1"]);
    served.ok(&["scale", "widget/one", "--replicas=4"]);
    assert_eq!(
        served.ok(&["get", "widget", "one", "-o", "jsonpath={.spec.replicas}"]),
        "4"
    );
    let explained = served.ok(&["explain", "widget.spec.size"]);
    assert!(
        explained.contains("small") && explained.contains("large"),
        "{explained}"
    );
    let resources = served.ok(&["api-resources", "--api-group=example.com"]);
    assert!(
        resources.contains("widgets") && resources.contains("wd"),
        "{resources}"
    );
    let sided = served.ok(&[
        "apply",
        "--server-side",
        "--force-conflicts",
        "-f",
        &manifest("widget"),
    ]);
    assert_eq!(sided.trim(), "widget.example.com/one serverside-applied");
    served.ok(&["delete", "crd", "widgets.example.com", "--timeout=60s"]);
    let gone = served
        .kubectl(&["get", "widgets.example.com"])
        .output()
        .unwrap();
    assert!(!gone.status.success());
    // The kinds that a cluster for batch and ML work has.
    let all = served.ok(&["get", "crd", "-o", "name"]);
    assert_eq!(all.lines().count(), 25, "{all}");
    let none = served
        .kubectl(&["get", "pytorchjobs,jobsets,rayjobs,trainjobs", "-A"])
        .output()
        .unwrap();
    assert!(
        none.status.success(),
        "{}",
        String::from_utf8_lossy(&none.stderr)
    );
    let spec = served.ok(&["explain", "pytorchjob.spec.runPolicy"]);
    assert!(spec.contains("cleanPodPolicy"), "{spec}");
}
