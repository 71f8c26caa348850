//! Everything that changes a cluster, over HTTP: what is sent, and what becomes of it when the server says no, changes
//! its mind, or is gone before it answers.

use std::path::Path;
use std::sync::Arc;

use jobdeck::actions::{Intent, Object, Step};
use jobdeck::cluster::target::Target;
use jobdeck::cluster::writes::{Gate, Rules};
use jobdeck::cluster::{CHANNEL, Cluster, Options};
use jobdeck::keep::{self, Keep};
use jobdeck::model::ids::{ClusterId, Key, Uid};
use jobdeck::model::want::Kind;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::harness::quick;
use crate::scripted::{Server, Turn};

mod cases;
pub mod commands;
pub mod demo;
mod submit;
mod twins;

use cases::{Case, cases, has, takes};

const UID: &str = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d";
const OTHER: &str = "ffffffff-4e5f-4a6b-8c7d-9e0f1a2b3c4d";

pub fn keep(folder: &Path) -> Arc<Keep> {
    Arc::new(Keep::new(Some(folder.to_owned()), keep::Rules::default()))
}

pub fn object(kind: Kind, namespace: &str, name: &str, uid: Option<Uid>) -> Object {
    let key = |uid| Key {
        cluster: ClusterId(0),
        uid,
    };
    Object {
        kind,
        namespace: namespace.into(),
        name: name.into(),
        key: uid.map(key),
    }
}

struct Open {
    gate: Gate,
    folder: tempfile::TempDir,
    _cluster: Cluster,
}

async fn open(server: &Server, rules: Rules) -> Open {
    let (out, _reports) = mpsc::channel(CHANNEL);
    let options = Options {
        tuning: quick(),
        ..Options::default()
    };
    let target = Target::plain(server.url(), "test");
    let cluster = Cluster::open(target, options, out).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    Open {
        gate: cluster.gate(rules, keep(folder.path())),
        folder,
        _cluster: cluster,
    }
}

#[tokio::test]
async fn each_is_sent_once_names_the_object_by_uid_and_is_in_the_audit() {
    for case in cases() {
        let server = Server::start();
        has(&server, &case);
        takes(&server, &case);
        let open = open(&server, Rules::default()).await;
        let outcome = open.gate.step(case.step.clone()).await;
        assert_eq!(outcome.result(), "done", "{}", outcome.sentence());
        let writes = server.writes();
        let [write] = writes.as_slice() else {
            panic!("{writes:?}")
        };
        assert_eq!(
            (write.method.as_str(), write.path.as_str()),
            (case.method, case.path)
        );
        let body = &write.body;
        match case.method {
            "DELETE" => {
                assert_eq!(body["preconditions"]["uid"], UID);
                // always said: the server's own default for Jobs would leave their pods running
                let Intent::Delete { propagation, force } = case.step.intent else {
                    panic!()
                };
                assert_eq!(body["propagationPolicy"], propagation.name());
                assert_eq!(body["gracePeriodSeconds"] == 0, force);
            }
            "POST" => assert_eq!(body["deleteOptions"]["preconditions"]["uid"], UID),
            _ => {
                assert_eq!(body["metadata"]["uid"], UID);
                assert_eq!(body["metadata"]["resourceVersion"], "7");
                let kind = &write.headers["content-type"];
                assert_eq!(kind, "application/merge-patch+json");
            }
        }
        let audit = std::fs::read_to_string(open.folder.path().join("audit.jsonl")).unwrap();
        let line: Value = serde_json::from_str(audit.trim()).unwrap();
        assert_eq!(line["result"], "done");
        assert_eq!(line["context"], "test");
        assert_eq!(line["name"], &*case.step.object.name);
        assert_eq!(line["verb"], case.step.intent.verb());
        let deleted = case.method == "DELETE";
        assert_eq!(outcome.kept.is_some(), deleted, "{}", outcome.sentence());
    }
}

#[tokio::test]
async fn what_the_server_warns_of_is_said() {
    for dry_run in [false, true] {
        for case in cases() {
            let server = Server::start();
            has(&server, &case);
            let text = "batch/v1beta1 Job is deprecated in v1.99+";
            server.turn(case.method, case.path, Turn::Warn(json!({}), text));
            let rules = Rules {
                dry_run,
                ..Rules::default()
            };
            let open = open(&server, rules).await;
            let outcome = open.gate.step(case.step.clone()).await;
            let said = outcome.sentence();
            assert!(outcome.is_good(), "{said}");
            assert_eq!(outcome.warnings, [text], "{said}");
            assert!(
                said.ends_with(&format!("; the server warns: {text}")),
                "{said}"
            );
        }
    }
}

#[tokio::test]
async fn read_only_sends_nothing_at_all() {
    for case in cases() {
        let server = Server::start();
        has(&server, &case);
        takes(&server, &case);
        let rules = Rules {
            read_only: true,
            ..Rules::default()
        };
        let open = open(&server, rules).await;
        let before = server.state().requests.len();
        let outcome = open.gate.step(case.step.clone()).await;
        assert_eq!(outcome.result(), "readOnly");
        assert!(outcome.sentence().contains("nothing was done"));
        assert_eq!(server.state().requests.len(), before);
    }
}

#[tokio::test]
async fn each_has_a_no_for_an_answer_and_nothing_is_tried_behind_it() {
    let denied = "admission webhook \"quota.example.com\" denied the request: ask Ann";
    for case in cases() {
        // (what the server does, what comes of it, requests that would change something)
        type Setup = Box<dyn Fn(&Server, &Case)>;
        let say = |code: u16, text: &'static str| -> Setup {
            Box::new(move |server: &Server, case: &Case| {
                has(server, case);
                server.turn(case.method, case.path, Turn::Say(code, json!(text)));
            })
        };
        let twins: Vec<(&str, Setup, &str, &str, usize)> = vec![
            (
                "the role does not allow it",
                Box::new(|server, case| {
                    has(server, case);
                    server.state().allowed = Some(Vec::new());
                }),
                "forbidden",
                "forbidden: needs ",
                0,
            ),
            ("403", say(403, "no"), "forbidden", "forbidden: needs ", 1),
            ("a webhook", say(403, denied), "denied", "ask Ann", 1),
            (
                "invalid",
                say(422, "is immutable"),
                "denied",
                "is immutable",
                1,
            ),
            (
                "gone",
                Box::new(|server, case| {
                    let mut state = server.state();
                    let gone = (404, json!("not found"));
                    state.answers.insert(case.read.to_owned(), gone);
                }),
                match case.step.intent {
                    Intent::Delete { .. } => "already",
                    _ => "notFound",
                },
                "is gone",
                0,
            ),
            (
                "another of its name",
                Box::new(|server, case| {
                    let mut now = case.now.clone();
                    now["metadata"]["uid"] = OTHER.into();
                    let mut state = server.state();
                    state.answers.insert(case.read.to_owned(), (200, now));
                }),
                "conflict",
                "has this name now",
                0,
            ),
            (
                "no server",
                Box::new(|server, case| {
                    let mut state = server.state();
                    let down = (503, json!("down"));
                    state.answers.insert(case.read.to_owned(), down);
                }),
                "unreachable",
                "down",
                0,
            ),
        ];
        for (what, setup, result, words, sent) in twins {
            let server = Server::start();
            setup(&server, &case);
            let open = open(&server, Rules::default()).await;
            let outcome = open.gate.step(case.step.clone()).await;
            let said = outcome.sentence();
            let name = format!("{} {what}: {said}", case.step.intent.verb());
            assert_eq!(outcome.result(), result, "{name}");
            assert!(said.contains(words), "{name}");
            assert_eq!(server.writes().len(), sent, "{name}");
            // what was not deleted is not there to be made again
            let trash = std::fs::read_dir(open.folder.path().join("trash"));
            assert_eq!(trash.into_iter().flatten().count(), 0, "{name}");
            let audit = std::fs::read_to_string(open.folder.path().join("audit.jsonl"));
            assert!(audit.unwrap().contains(result), "{name}");
        }
    }
}

#[tokio::test]
async fn a_lost_connection_says_what_is_known_and_repeats_nothing() {
    for case in cases() {
        let verb = case.step.intent.verb();
        // taken before the connection went
        let server = Server::start();
        has(&server, &case);
        server.turn(case.method, case.path, Turn::Cut(case.after.clone()));
        let open_ = open(&server, Rules::default()).await;
        let outcome = open_.gate.step(case.step.clone()).await;
        assert_eq!(outcome.result(), "done", "{verb}: {}", outcome.sentence());
        assert!(outcome.sentence().contains("but it is done"), "{verb}");
        assert_eq!(server.writes().len(), 1, "{verb}");

        // not taken
        let server = Server::start();
        has(&server, &case);
        server.turn(case.method, case.path, Turn::Cut(Some(case.now.clone())));
        let open_ = open(&server, Rules::default()).await;
        let outcome = open_.gate.step(case.step.clone()).await;
        assert_eq!(
            outcome.result(),
            "unreachable",
            "{verb}: {}",
            outcome.sentence()
        );
        assert!(outcome.sentence().contains("has not done it"), "{verb}");
        assert_eq!(server.writes().len(), 1, "{verb}");
    }
}

fn cron() -> Value {
    json!({
        "metadata": {"name": "nightly", "namespace": "ml", "uid": UID, "resourceVersion": "7"},
        "spec": {"jobTemplate": {
            "metadata": {"labels": {"app": "eval"}, "annotations": {"a": "b"}},
            "spec": {"template": {"spec": {"containers": []}}},
        }},
    })
}

#[tokio::test]
async fn a_create_is_never_repeated_whatever_becomes_of_it() {
    let step = Step::new(
        Intent::Trigger,
        object(Kind::CronJob, "ml", "nightly", Some(Uid::parse(UID))),
    );
    let jobs = "/apis/batch/v1/namespaces/ml/jobs";
    let read = "/apis/batch/v1/namespaces/ml/cronjobs/nightly";
    for (turn, result) in [
        (Turn::Say(201, json!({})), "done"),
        (Turn::Cut(None), "unreachable"),
        (Turn::Say(504, json!("timed out")), "unreachable"),
        (Turn::Say(500, json!("etcd is slow")), "unreachable"),
        (Turn::Say(429, json!("slow down")), "unreachable"),
        (Turn::Say(403, json!("exceeded quota: gpus")), "denied"),
        (Turn::Say(409, json!("already exists")), "conflict"),
    ] {
        let server = Server::start();
        server.state().answers.insert(read.into(), (200, cron()));
        server.turn("POST", jobs, turn.clone());
        let open = open(&server, Rules::default()).await;
        let outcome = open.gate.step(step.clone()).await;
        assert_eq!(outcome.result(), result, "{turn:?}: {}", outcome.sentence());
        let writes = server.writes();
        assert_eq!(writes.len(), 1, "{turn:?}");
        let made = &writes[0].body;
        assert_eq!(
            made["metadata"]["annotations"],
            json!({"a": "b", "cronjob.kubernetes.io/instantiate": "manual"})
        );
        assert_eq!(made["metadata"]["labels"], json!({"app": "eval"}));
        let owner = &made["metadata"]["ownerReferences"][0];
        assert_eq!(
            (&owner["uid"], &owner["controller"]),
            (&json!(UID), &json!(true))
        );
        assert_eq!(owner.get("blockOwnerDeletion"), None);
        let name = made["metadata"]["name"].as_str().unwrap();
        assert!(name.starts_with("nightly-manual-"), "{name}");
    }
    // the server takes it, is gone, and never comes back: what is not known is said
    let server = Server::start();
    server.state().answers.insert(read.into(), (200, cron()));
    server.turn("POST", jobs, Turn::Cut(None));
    let open = open(&server, Rules::default()).await;
    server.state().forbidden.push(format!("{jobs}/"));
    let outcome = open.gate.step(step).await;
    assert_eq!(outcome.result(), "unknown", "{}", outcome.sentence());
    let said = outcome.sentence();
    assert!(
        said.contains("is not known, and it was not tried again"),
        "{said}"
    );
    assert!(said.contains("kubectl get jobs nightly-manual-"), "{said}");
    assert_eq!(server.writes().len(), 1);
}

#[tokio::test]
async fn what_changed_meanwhile_is_decided_on_anew() {
    let job = "/apis/batch/v1/namespaces/ml/jobs/train";
    let at = |version: &str, suspend: bool| {
        json!({
            "metadata": {"name": "train", "namespace": "ml", "uid": UID, "resourceVersion": version},
            "spec": {"suspend": suspend},
        })
    };
    let hold = || {
        Step::new(
            Intent::Hold,
            object(Kind::Job, "ml", "train", Some(Uid::parse(UID))),
        )
    };
    let server = Server::start();
    server
        .state()
        .answers
        .insert(job.into(), (200, at("7", false)));
    let conflict =
        |after: Value| Turn::Then(409, json!("the object has been modified"), Some(after));
    server.turn("PATCH", job, conflict(at("8", false)));
    server.turn("PATCH", job, Turn::Say(200, json!({})));
    let first = open(&server, Rules::default()).await;
    let outcome = first.gate.step(hold()).await;
    assert_eq!(outcome.result(), "done", "{}", outcome.sentence());
    let versions: Vec<Value> = server
        .writes()
        .iter()
        .map(|w| w.body["metadata"]["resourceVersion"].clone())
        .collect();
    assert_eq!(versions, ["7", "8"]);

    // somebody else did it
    let server = Server::start();
    server
        .state()
        .answers
        .insert(job.into(), (200, at("7", false)));
    server.turn("PATCH", job, conflict(at("8", true)));
    let second = open(&server, Rules::default()).await;
    let outcome = second.gate.step(hold()).await;
    assert_eq!(outcome.result(), "already");

    // it never stands still
    let server = Server::start();
    server
        .state()
        .answers
        .insert(job.into(), (200, at("7", false)));
    for _ in 0..9 {
        server.turn("PATCH", job, conflict(at("8", false)));
    }
    let third = open(&server, Rules::default()).await;
    let outcome = third.gate.step(hold()).await;
    assert_eq!(outcome.result(), "conflict");
    assert_eq!(server.writes().len(), 5);
}

#[tokio::test]
async fn a_disruption_budget_says_no_to_an_eviction() {
    let pod = "/api/v1/namespaces/ml/pods/train-0";
    let server = Server::start();
    server.state().answers.insert(
        pod.into(),
        (200, json!({"metadata": {"name": "train-0", "uid": UID}})),
    );
    let budget = "Cannot evict pod as it would violate the pod's disruption budget.";
    server.turn(
        "POST",
        &format!("{pod}/eviction"),
        Turn::Say(429, json!(budget)),
    );
    let open = open(&server, Rules::default()).await;
    let step = Step::new(
        Intent::Evict,
        object(Kind::Pod, "ml", "train-0", Some(Uid::parse(UID))),
    );
    let outcome = open.gate.step(step).await;
    assert_eq!(outcome.result(), "budget");
    assert!(
        outcome.sentence().contains(budget),
        "{}",
        outcome.sentence()
    );
    assert_eq!(server.writes().len(), 1);
}

#[tokio::test]
async fn without_a_place_for_the_trash_nothing_is_deleted() {
    let case = cases().remove(0);
    let server = Server::start();
    has(&server, &case);
    takes(&server, &case);
    let open = open(&server, Rules::default()).await;
    // a file where the folder would be
    std::fs::write(open.folder.path().join("trash"), "").unwrap();
    let outcome = open.gate.step(case.step.clone()).await;
    assert_eq!(outcome.result(), "refused", "{}", outcome.sentence());
    assert!(
        outcome.sentence().contains("trash = 0"),
        "{}",
        outcome.sentence()
    );
    assert_eq!(server.writes().len(), 0);
}
