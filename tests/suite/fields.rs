//! Fields the served schema does not know, over HTTP: asked for once, never in the way, silent where there is no
//! telling; and the demo cluster, which drops what its definitions do not know as a real server does.

use http::Method;
use jobdeck::cluster::http::{Ask, Http};
use jobdeck::cluster::kinds;
use jobdeck::cluster::schema::Schemas;
use jobdeck::cluster::target::Target;
use jobdeck::model::fields::Checked;
use jobdeck::model::want::{Kind, ObjectWant, Want};
use serde_json::{Value, json};

use crate::harness::Client;
use crate::scripted::Server;
use crate::served::Served;

const TORCH: &str = "kubeflow.org/v1/pytorchjobs";

fn kind(plural: &str) -> Kind {
    let entry = kinds::all().find(|entry| entry.plural() == plural);
    entry.unwrap().kind
}

fn want(name: &str) -> Want {
    Want::Object(ObjectWant {
        kind: kind("pytorchjobs"),
        namespace: "ml".into(),
        name: name.into(),
    })
}

/// Today's layout of a PyTorchJob, as far as the test looks.
fn document() -> Value {
    json!({"openapi": "3.0.0", "components": {"schemas": {"org.kubeflow.v1.PyTorchJob": {
        "type": "object", "x-kubernetes-group-version-kind": [{"group": "kubeflow.org", "version": "v1", "kind": "PyTorchJob"}],
        "properties": {"spec": {"type": "object", "properties": {
            "runPolicy": {"type": "object", "properties": {"cleanPodPolicy": {"type": "string"}}}}}}}}}})
}

/// As it was written for the operator of its own that PyTorchJob once had.
fn old(name: &str) -> Value {
    json!({"apiVersion": "kubeflow.org/v1", "kind": "PyTorchJob", "metadata": {"name": name, "namespace": "ml"},
        "spec": {"cleanPodPolicy": "None", "runPolicy": {"cleanPodPolicy": "Running"}}})
}

fn paths(found: &Result<Checked, String>) -> (Vec<String>, Vec<String>) {
    let found = found.as_ref().unwrap();
    let text =
        |of: &jobdeck::model::fields::Unknown| of.fields.iter().map(ToString::to_string).collect();
    (text(&found.here), text(&found.dropped))
}

fn asked_for_schemas(server: &Server) -> usize {
    let asked = server.asked_for();
    asked
        .iter()
        .filter(|p| p.starts_with("/openapi/v3/"))
        .count()
}

#[tokio::test]
async fn a_schema_is_asked_for_once_and_again_when_it_changes() {
    let server = Server::start();
    server.serve(TORCH);
    for name in ["a", "b", "c"] {
        server.put_custom(TORCH, old(name));
    }
    let at = "apis/kubeflow.org/v1".to_owned();
    server.state().schemas.insert(at.clone(), (1, document()));
    let mut client = Client::open(&server).await;
    client.cluster.want(None, &[want("a")]);
    client.until("checked", |c| c.fields.len() == 1).await;
    assert_eq!(client.objects.len(), 1, "the object comes first");
    assert_eq!(
        paths(&client.fields[0]),
        (vec!["spec.cleanPodPolicy".into()], vec![])
    );
    client.cluster.want(None, &[want("b")]);
    client.until("checked", |c| c.fields.len() == 2).await;
    assert_eq!(asked_for_schemas(&server), 1);

    let mut new = document();
    let spec = "/components/schemas/org.kubeflow.v1.PyTorchJob/properties/spec/properties";
    new.pointer_mut(spec).unwrap()["cleanPodPolicy"] = json!({"type": "string"});
    server.state().schemas.insert(at, (2, new));
    client.cluster.want(None, &[want("c")]);
    client.until("checked", |c| c.fields.len() == 3).await;
    assert_eq!(paths(&client.fields[2]), (vec![], vec![]));
    assert_eq!(asked_for_schemas(&server), 2);
}

#[tokio::test]
async fn without_a_schema_the_object_is_shown_and_the_reason_is_a_word() {
    let server = Server::start();
    server.serve(TORCH);
    server.put_custom(TORCH, old("a"));
    let mut client = Client::open(&server).await;
    let mut next = async |why: &str| {
        let n = client.fields.len();
        client.cluster.want(None, &[]);
        client.cluster.want(None, &[want("a")]);
        client.until("told why not", |c| c.fields.len() > n).await;
        assert_eq!(client.objects.len(), n + 1);
        assert!(client.objects[n].is_ok());
        assert_eq!(client.fields[n].as_ref().unwrap_err(), why);
        assert!(client.notices.is_empty(), "{:?}", client.notices);
    };
    next("this server publishes no schemas").await;
    server
        .state()
        .schemas
        .insert("api/v1".into(), (1, json!({})));
    next("the server publishes no schema of kubeflow.org/v1 PyTorchJob").await;
    let own = |document: Value| ("apis/kubeflow.org/v1".to_owned(), (1, document));
    server
        .state()
        .schemas
        .extend([own(json!({"components": {"schemas": {}}}))]);
    next("the server publishes no schema of kubeflow.org/v1 PyTorchJob").await;
    server.state().forbidden.push("/openapi/v3".into());
    next("reading schemas is forbidden (needs get on /openapi/v3)").await;
}

async fn demo(served: Served) -> (Served, Http) {
    let address: http::Uri = format!("http://{}", served.address()).parse().unwrap();
    let http = Http::new(Target::plain(address, "demo"));
    (served, http)
}

#[tokio::test]
async fn what_the_server_dropped_of_a_manifest_is_told() {
    let (_served, http) = demo(Served::start(&["--speed", "10"])).await;
    let path = "/apis/kubeflow.org/v1/namespaces/default/pytorchjobs";
    let mut manifest = json!({"apiVersion": "kubeflow.org/v1", "kind": "PyTorchJob",
        "metadata": {"name": "mnist-old", "namespace": "default", "annotations": {}},
        "spec": {"cleanPodPolicy": "None", "pytorchReplicaSpecs": {"Master": {"replicas": 1, "minReplicas": 1,
            "restartPolicy": "OnFailure", "template": {"spec": {"containers": [{"name": "pytorch", "image": "mnist:1",
                "whatever": true}]}}}}}});
    // what `kubectl apply --validate=false` sends
    let applied = format!("{manifest}\n");
    manifest["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"] =
        applied.into();
    let create = Ask::send(
        Method::POST,
        format!("{path}?fieldManager=kubectl-client-side-apply&fieldValidation=Ignore"),
        "application/json",
        &manifest,
    );
    http.read(&create).await.unwrap();
    let object: Value = http
        .json(&Ask::get(format!("{path}/mnist-old")))
        .await
        .unwrap();
    assert_eq!(
        object["spec"]["cleanPodPolicy"],
        Value::Null,
        "the demo keeps what it does not know"
    );
    let checked = Schemas::default().check(&http, &object).await;
    let expected = [
        "spec.cleanPodPolicy",
        "spec.pytorchReplicaSpecs.Master.minReplicas",
    ];
    let (here, mut dropped) = paths(&checked);
    dropped.sort();
    assert!(here.is_empty(), "{here:?}");
    assert_eq!(dropped, expected);
    assert_eq!(checked.unwrap().dropped.kind, "kubeflow.org/v1 PyTorchJob");
}

#[tokio::test]
async fn nothing_of_the_scene_is_unknown_but_one_old_field() {
    let (_served, http) = demo(Served::shared()).await;
    let schemas = Schemas::default();
    let mut kinds_seen = 0;
    for entry in kinds::all() {
        let api_version = match entry.group {
            "" => entry.versions[0].to_owned(),
            group => format!("{group}/{}", entry.versions[0]),
        };
        let list: Value = match http
            .json(&Ask::get(entry.path(entry.versions[0], None)))
            .await
        {
            Ok(list) => list,
            // LeaderWorkerSet and the like may not be installed
            Err(failure) if failure.code() == Some(404) => continue,
            Err(failure) => panic!("{}: {failure}", entry.plural()),
        };
        let all = list["items"].as_array().unwrap();
        kinds_seen += usize::from(!all.is_empty());
        for item in all {
            let mut object = item.clone();
            object["apiVersion"] = api_version.as_str().into();
            object["kind"] = list["kind"]
                .as_str()
                .unwrap()
                .trim_end_matches("List")
                .into();
            let checked = schemas.check(&http, &object).await;
            // one was applied from a manifest of the old pytorch-operator
            let dropped = match object["metadata"]["name"] == "mnist-ddp" {
                true => vec!["spec.cleanPodPolicy".to_owned()],
                false => vec![],
            };
            assert_eq!(paths(&checked), (vec![], dropped), "{api_version} {object}");
        }
    }
    assert!(kinds_seen >= 6, "only {kinds_seen} kinds have objects");
}
