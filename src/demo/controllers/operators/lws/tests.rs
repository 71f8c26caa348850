//! LeaderWorkerSets: groups come, are counted, renewed, scaled and updated.

use serde_json::{Value, json};

use crate::controllers::operators::tests::Stage;

fn template(script: &str) -> Value {
    json!({"spec": {"containers": [{"name": "main", "image": "busybox:1.36", "command": ["sh", "-c", script]}]}})
}

fn submit(replicas: u64, spec: Value) -> Stage {
    let mut stage = Stage::new();
    let spec = json!({"replicas": replicas, "leaderWorkerTemplate": spec});
    stage.create("LeaderWorkerSet", "vllm", spec);
    stage
}

fn status(s: &Stage) -> Value {
    s.get("leaderworkersets", "vllm")["status"].clone()
}

#[test]
fn groups_of_a_leader_and_workers_come_up() {
    let mut s = submit(
        2,
        json!({"size": 3, "leaderTemplate": template("sleep 9000"), "workerTemplate": template("sleep 9000")}),
    );
    s.run(1);
    assert_eq!(
        s.conditions("leaderworkersets", "vllm"),
        ["Progressing=True GroupsProgressing"]
    );
    s.run(60);
    assert_eq!(
        s.names("pods"),
        [
            "vllm-0", "vllm-0-1", "vllm-0-2", "vllm-1", "vllm-1-1", "vllm-1-2"
        ]
    );
    assert_eq!(s.names("statefulsets"), ["vllm", "vllm-0", "vllm-1"]);
    let worker = s.get("pods", "vllm-1-2");
    let labels = &worker["metadata"]["labels"];
    let leader = s.get("pods", "vllm-1");
    for (key, value) in [
        ("name", "vllm"),
        ("group-index", "1"),
        ("worker-index", "2"),
    ] {
        assert_eq!(labels[format!("leaderworkerset.sigs.k8s.io/{key}")], value);
    }
    for key in ["group-key", "template-revision-hash"] {
        let key = format!("leaderworkerset.sigs.k8s.io/{key}");
        assert_eq!(labels[&key], leader["metadata"]["labels"][&key]);
    }
    assert_eq!(
        leader["metadata"]["labels"]["leaderworkerset.sigs.k8s.io/worker-index"],
        "0"
    );
    assert_eq!(
        worker["metadata"]["annotations"]["leaderworkerset.sigs.k8s.io/leader-name"],
        "vllm-1"
    );
    assert_eq!(
        worker["metadata"]["ownerReferences"][0]["kind"],
        "StatefulSet"
    );
    let env = worker["spec"]["containers"][0]["env"].as_array().unwrap();
    let address = env
        .iter()
        .find(|e| e["name"] == "LWS_LEADER_ADDRESS")
        .unwrap();
    assert_eq!(address["value"], "vllm-1.vllm.default");
    let owner = &s.get("statefulsets", "vllm-1")["metadata"]["ownerReferences"][0];
    assert_eq!(
        (&owner["kind"], &owner["name"]),
        (&json!("Pod"), &json!("vllm-1"))
    );
    assert_eq!(
        s.get("statefulsets", "vllm-1")["status"]["readyReplicas"],
        2
    );
    let status = status(&s);
    assert_eq!(
        (
            &status["replicas"],
            &status["readyReplicas"],
            &status["updatedReplicas"]
        ),
        (&json!(2), &json!(2), &json!(2))
    );
    assert_eq!(
        status["hpaPodSelector"],
        "leaderworkerset.sigs.k8s.io/name=vllm,leaderworkerset.sigs.k8s.io/worker-index=0"
    );
    assert_eq!(
        s.conditions("leaderworkersets", "vllm"),
        [
            "Progressing=False GroupsProgressing",
            "Available=True AllGroupsReady"
        ]
    );
    let events = s.events("vllm");
    assert!(
        events.contains(
            &"AllGroupsReady: All replicas are ready, with 2 groups ready of total 2 groups"
                .to_owned()
        ),
        "{events:?}"
    );
}

#[test]
fn a_group_begins_again_when_one_of_its_pods_does() {
    let mut s = submit(
        1,
        json!({"size": 2, "leaderTemplate": template("sleep 9000"), "workerTemplate": template("sleep 60; exit 1")}),
    );
    s.run(30);
    let first = s.get("pods", "vllm-0");
    s.run(120);
    let second = s.get("pods", "vllm-0");
    assert_ne!(first["metadata"]["uid"], second["metadata"]["uid"]);
    let events = s.events("vllm");
    let text =
        "RecreateGroup: Worker pod vllm-0-1 failed, deleted leader pod vllm-0 to recreate group 0";
    assert!(events.contains(&text.to_owned()), "{events:?}");
}

#[test]
fn scaling_adds_and_takes_whole_groups() {
    let mut s = submit(
        1,
        json!({"size": 2, "workerTemplate": template("sleep 9000")}),
    );
    s.run(30);
    s.change("leaderworkersets", "vllm", |v| {
        v["spec"]["replicas"] = json!(3)
    });
    s.run(60);
    assert_eq!(s.names("pods").len(), 6);
    assert_eq!(status(&s)["readyReplicas"], 3);
    s.change("leaderworkersets", "vllm", |v| {
        v["spec"]["replicas"] = json!(0)
    });
    s.run(120);
    assert!(s.names("pods").is_empty());
    assert_eq!(s.names("statefulsets"), ["vllm"]);
    assert!(status(&s)["readyReplicas"].is_null());
}

#[test]
fn another_template_goes_round_group_by_group() {
    let mut s = submit(
        2,
        json!({"size": 1, "workerTemplate": template("sleep 9000")}),
    );
    s.run(30);
    let first = s.get("pods", "vllm-0")["metadata"]["uid"].clone();
    s.change("leaderworkersets", "vllm", |v| {
        v["spec"]["leaderWorkerTemplate"]["workerTemplate"] = template("sleep 8000");
    });
    s.run(10);
    let conditions = s.conditions("leaderworkersets", "vllm");
    assert!(
        conditions.contains(&"UpdateInProgress=True GroupsUpdating".to_owned()),
        "{conditions:?}"
    );
    assert_eq!(
        s.get("pods", "vllm-0")["metadata"]["uid"],
        first,
        "the last one first"
    );
    s.run(300);
    assert_ne!(s.get("pods", "vllm-0")["metadata"]["uid"], first);
    assert_eq!(status(&s)["updatedReplicas"], 2);
    let conditions = s.conditions("leaderworkersets", "vllm");
    assert!(
        conditions.contains(&"Available=True AllGroupsReady".to_owned()),
        "{conditions:?}"
    );
}

#[test]
fn deleting_the_set_takes_all_with_it() {
    let mut s = submit(
        1,
        json!({"size": 2, "workerTemplate": template("sleep 9000")}),
    );
    s.run(30);
    let kind =
        s.0.cluster
            .store
            .kind_id("leaderworkerset.x-k8s.io", "leaderworkersets");
    let gone =
        s.0.cluster
            .delete(kind.unwrap(), "default", "vllm", &Default::default());
    assert!(gone.is_ok());
    s.run(120);
    assert!(s.names("pods").is_empty() && s.names("statefulsets").is_empty());
}
