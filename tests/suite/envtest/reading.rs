//! The client against a real API server: lists, watches, its end and return, logs, schemas, roles, the doctor.

use std::time::Duration;

use http::Method;
use jobdeck::actions::{Intent, Step};
use jobdeck::cluster::doctor::{self, Diagnosis, Mark};
use jobdeck::cluster::http::{Ask, Http};
use jobdeck::cluster::schema::Schemas;
use jobdeck::cluster::target::Target;
use jobdeck::cluster::wire::{self, Event};
use jobdeck::cluster::writes::Rules;
use jobdeck::cluster::{CHANNEL, Cluster, Options};
use jobdeck::model::health::Health;
use jobdeck::model::ids::Uid;
use jobdeck::model::want::{Kind, LogWant, Selector, Want};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::plane::{Plane, assets};
use super::room::{create, job};
use crate::actions::{keep, object};
use crate::harness::{Client, quick};

async fn open(target: Target) -> Client {
    let (out, reports) = mpsc::channel(CHANNEL);
    let options = Options {
        tuning: quick(),
        ..Options::default()
    };
    Client::over(Cluster::open(target, options, out).await.unwrap(), reports)
}

fn jobs(client: &Client) -> Vec<String> {
    let name = |j: &jobdeck::model::job::JobRow| {
        let suspended = if j.suspend { " suspended" } else { "" };
        format!(
            "{}/{} gpu{}{suspended}",
            j.namespace,
            j.name,
            j.devices.total()
        )
    };
    let mut all: Vec<String> = client.model.jobs.rows().map(name).collect();
    all.sort();
    all
}

/// A definition with one field, and an embedded pod template beside.
fn definition() -> Value {
    let schema = json!({"type": "object", "properties": {"spec": {"type": "object", "properties": {
        "size": {"x-kubernetes-int-or-string": true},
        "template": {"type": "object", "x-kubernetes-embedded-resource": true, "x-kubernetes-preserve-unknown-fields": true}}}}});
    json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "things.example.org"},
        "spec": {"group": "example.org", "scope": "Namespaced",
            "names": {"kind": "Thing", "listKind": "ThingList", "plural": "things", "singular": "thing"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": schema}}]}})
}

/// Schemas as a real server publishes them: what it has made itself is known, what it dropped is told.
async fn fields(http: &Http) {
    let schemas = Schemas::default();
    for path in [
        "/apis/batch/v1/namespaces/ml/jobs/first",
        "/api/v1/namespaces/ml/pods/lonely",
        "/api/v1/namespaces/ml",
        "/apis/rbac.authorization.k8s.io/v1/clusterroles/admin",
        "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas/exempt",
    ] {
        let object: Value = http.json(&Ask::get(path)).await.unwrap();
        let checked = schemas.check(http, &object).await.unwrap();
        assert!(!checked.anything, "{path}");
        assert_eq!(checked.here.fields, [], "{path}");
    }
    create(
        http,
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
        definition(),
    )
    .await;
    let mut thing = json!({"apiVersion": "example.org/v1", "kind": "Thing", "metadata": {"name": "a"},
        "spec": {"size": "8", "sise": 9, "template": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"x": 1}}}});
    thing["metadata"]["annotations"] =
        json!({"kubectl.kubernetes.io/last-applied-configuration": thing.to_string()});
    // the new kind is served, and its schema published, some time after
    let soon = async {
        let mut ticks = tokio::time::interval(Duration::from_millis(200));
        loop {
            ticks.tick().await;
            let path = "/apis/example.org/v1/namespaces/ml/things?fieldValidation=Ignore";
            let ask = Ask::send(Method::POST, path, "application/json", &thing);
            let Ok(made) = http.json::<Value>(&ask).await else {
                continue;
            };
            loop {
                match schemas.check(http, &made).await {
                    Ok(checked) => return checked,
                    Err(_) => ticks.tick().await,
                };
            }
        }
    };
    let checked = tokio::time::timeout(Duration::from_secs(60), soon)
        .await
        .unwrap();
    let dropped: Vec<String> = checked
        .dropped
        .fields
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        (dropped, checked.here.fields),
        (vec!["spec.sise".to_owned()], vec![])
    );
}

#[tokio::test]
async fn a_real_api_server() {
    let Some(assets) = assets() else { return };
    let mut plane = Plane::start(assets);
    plane.ready().await;
    let admin = plane.target("admin-token", "ml");
    let http = Http::new(admin.clone());
    for name in ["ml", "other"] {
        create(
            &http,
            "/api/v1/namespaces",
            json!({"metadata": {"name": name}}),
        )
        .await;
        let path = format!("/apis/batch/v1/namespaces/{name}/jobs");
        create(&http, &path, job("first")).await;
    }

    // list and watch
    let mut client = open(admin.clone()).await;
    client.cluster.want(
        None,
        &[
            Want::Watch(Kind::Job, Selector::All),
            Want::Watch(Kind::Namespace, Selector::All),
        ],
    );
    client
        .until("listed", |c| {
            jobs(c) == ["ml/first gpu2", "other/first gpu2"]
        })
        .await;
    assert!(
        client
            .cluster
            .version()
            .is_some_and(|v| v.git_version.starts_with("v1."))
    );
    let ml = "/apis/batch/v1/namespaces/ml/jobs";
    let second = create(&http, ml, job("second")).await;
    client.until("added", |c| jobs(c).len() == 3).await;

    // guarded writes: a wrong uid changes nothing
    let uid = Uid::parse(second["metadata"]["uid"].as_str().unwrap());
    let kept = tempfile::tempdir().unwrap();
    let gate = client.cluster.gate(Rules::default(), keep(kept.path()));
    let step =
        |intent: Intent, uid: Uid| Step::new(intent, object(Kind::Job, "ml", "second", Some(uid)));
    for intent in [Intent::Hold, Intent::DELETE] {
        let wrong = gate.step(step(intent, Uid::parse("nobody"))).await;
        assert_eq!(wrong.result(), "conflict", "{}", wrong.sentence());
    }
    let held = gate.step(step(Intent::Hold, uid)).await;
    assert_eq!(held.result(), "done", "{}", held.sentence());
    client
        .until("suspended", |c| {
            jobs(c).contains(&"ml/second gpu2 suspended".to_owned())
        })
        .await;

    // the server goes away and comes back; what changed meanwhile arrives
    plane.stop_api();
    client
        .until("stale", |c| matches!(c.last(), Some(Health::Stale { .. })))
        .await;
    assert_eq!(jobs(&client).len(), 3);
    plane.start_api();
    plane.ready().await;
    let gone = gate.step(step(Intent::DELETE, uid)).await;
    assert_eq!(gone.result(), "done", "{}", gone.sentence());
    client.until("gone", |c| jobs(c).len() == 2).await;

    // a version from before anything is remembered
    let old = http
        .read(&Ask::get(format!(
            "{ml}?watch=1&resourceVersion=1&timeoutSeconds=5"
        )))
        .await;
    let old = old.unwrap();
    let line = old.split(|b| *b == b'\n').next().unwrap();
    assert!(matches!(wire::event::<wire::job::Job>(line), Ok(Event::Error(s)) if s.code == 410));

    // a pod no scheduler has seen has no log yet
    let pod = json!({"metadata": {"name": "lonely"}, "spec": {"containers": [{"name": "main", "image": "busybox"}]}});
    let pod = create(&http, "/api/v1/namespaces/ml/pods", pod).await;
    let want = LogWant {
        namespace: "ml".into(),
        pod: "lonely".into(),
        uid: Uid::parse(pod["metadata"]["uid"].as_str().unwrap()),
        container: None,
        previous: false,
        tail: Some(10),
        since_seconds: None,
        follow: true,
    };
    client.cluster.want(None, &[Want::Log(want)]);
    client
        .until_log("# waiting: the pod is not scheduled yet")
        .await;

    fields(&http).await;

    // somebody who may see one namespace only
    let rules =
        json!([{"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["list", "watch"]}]);
    let rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/ml";
    create(
        &http,
        &format!("{rbac}/roles"),
        json!({"metadata": {"name": "dev"}, "rules": rules}),
    )
    .await;
    let binding = json!({"metadata": {"name": "dev"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "dev"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "dev"}]});
    create(&http, &format!("{rbac}/rolebindings"), binding).await;
    let mut dev = open(plane.target("dev-token", "ml")).await;
    dev.cluster
        .want(None, &[Want::Watch(Kind::Job, Selector::All)]);
    dev.until("its namespace", |c| jobs(c) == ["ml/first gpu2"])
        .await;
    assert!(
        dev.notices[0].text.ends_with("showing ml only"),
        "{:?}",
        dev.notices
    );

    let found =
        doctor::examine_target(plane.target("dev-token", "ml"), None, Diagnosis::default()).await;
    let line = |topic: &str| found.lines.iter().find(|l| l.topic == topic).expect(topic);
    assert!(
        line("you are").text.starts_with("dev, of developers"),
        "{found}"
    );
    assert_eq!(
        (line("jobs").mark, line("pods").mark),
        (Mark::Note, Mark::No),
        "{found}"
    );
    assert!(line("tls").text.starts_with("verified"), "{found}");
    let found = doctor::examine_target(admin, None, Diagnosis::default()).await;
    let bad: Vec<_> = found.lines.iter().filter(|l| l.mark == Mark::No).collect();
    assert!(
        bad.is_empty() && found.to_string().contains("streamed lists"),
        "{found}"
    );
}
