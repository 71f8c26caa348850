//! What is Kueue's and Kubeflow's, by definitions made here: the operators themselves are not there, so that nothing
//! hides what was written.

use std::sync::Arc;

use jobdeck::actions::Intent;
use jobdeck::model::kueue::queue::Stop;
use serde_json::{Value, json};

use super::plane::Plane;
use super::room::{Room, create, job, uid};
use crate::actions::demo::Hands;

fn definition(group: &str, version: &str, scope: &str, kind: &str) -> Value {
    let plural = format!("{}s", kind.to_lowercase());
    let any = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    let schema = json!({"type": "object", "properties": {"spec": any, "status": any}});
    json!({"metadata": {"name": format!("{plural}.{group}")},
        "spec": {"group": group, "scope": scope,
            "names": {"kind": kind, "listKind": format!("{kind}List"), "plural": plural, "singular": kind.to_lowercase()},
            "versions": [{"name": version, "served": true, "storage": true, "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": schema}}]}})
}

pub async fn room(plane: Arc<Plane>) {
    let room = Room::new(&plane, "queues").await;
    let all = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    for (group, version, scope, kind) in [
        ("kueue.x-k8s.io", "v1beta2", "Namespaced", "Workload"),
        ("kueue.x-k8s.io", "v1beta2", "Namespaced", "LocalQueue"),
        ("kueue.x-k8s.io", "v1beta2", "Cluster", "ClusterQueue"),
        ("kubeflow.org", "v1", "Namespaced", "PyTorchJob"),
    ] {
        let made = create(&room.http, all, definition(group, version, scope, kind)).await;
        let path = format!("{all}/{}", super::room::name(&made));
        let served = |crd: Option<&Value>| {
            let all = crd.and_then(|c| c["status"]["conditions"].as_array());
            all.is_some_and(|all| {
                all.iter()
                    .any(|c| c["type"] == "Established" && c["status"] == "True")
            })
        };
        room.until("served", &path, served).await;
    }
    queued(&room).await;
    trained(&room).await;
}

/// Its Workload is written, never the job behind Kueue's back; a queue by its stopPolicy; another queue by the label.
async fn queued(room: &Room) {
    let mut waits = job("waits");
    waits["metadata"]["labels"] = json!({"kueue.x-k8s.io/queue-name": "team-a"});
    waits["spec"]["suspend"] = true.into();
    let waits = room.make("jobs", waits).await;
    let workload = json!({"apiVersion": "kueue.x-k8s.io/v1beta2", "kind": "Workload", "metadata": {"name": "job-waits-1a2b3",
        "labels": {"kueue.x-k8s.io/job-uid": uid(&waits)},
        "ownerReferences": [{"apiVersion": "batch/v1", "kind": "Job", "name": "waits", "uid": uid(&waits), "controller": true}]},
        "spec": {"queueName": "team-a", "active": true, "podSets": [{"name": "main", "count": 3,
            "template": waits["spec"]["template"]}]}});
    room.make("workloads", workload).await;
    for queue in ["team-a", "team-b"] {
        let object = json!({"apiVersion": "kueue.x-k8s.io/v1beta2", "kind": "LocalQueue", "metadata": {"name": queue},
            "spec": {"clusterQueue": "gpus"}});
        room.make("localqueues", object).await;
    }
    let cluster = "/apis/kueue.x-k8s.io/v1beta2/clusterqueues";
    let object = json!({"apiVersion": "kueue.x-k8s.io/v1beta2", "kind": "ClusterQueue", "metadata": {"name": "gpus"},
        "spec": {"stopPolicy": "None"}});
    create(&room.http, cluster, object).await;

    let before = room.get("jobs/waits").await.unwrap();
    room.run(&["hold", "job/waits", "--yes"])
        .await
        .is(0, "held job/waits");
    let active =
        async || room.get("workloads/job-waits-1a2b3").await.unwrap()["spec"]["active"].clone();
    assert_eq!(active().await, false);
    room.run(&["resume", "job/waits"])
        .await
        .is(0, "resumed job/waits");
    assert_eq!(active().await, true);
    let now = room.get("jobs/waits").await.unwrap();
    assert_eq!(
        now["metadata"]["resourceVersion"],
        before["metadata"]["resourceVersion"]
    );

    room.run(&["hold", "clusterqueue/gpus", "--yes"])
        .await
        .is(0, "held clusterqueue/gpus");
    let queue = room.get(&format!("{cluster}/gpus")).await.unwrap();
    assert_eq!(queue["spec"]["stopPolicy"], "Hold");
    room.run(&["resume", "clusterqueue/gpus"])
        .await
        .is(0, "resumed");
    room.run(&["hold", "localqueue/team-b", "--yes"])
        .await
        .is(0, "held localqueue/team-b");
    let queue = room.get("localqueues/team-b").await.unwrap();
    assert_eq!(queue["spec"]["stopPolicy"], "Hold");
    room.run(&["resume", "lq/team-b"]).await.is(0, "resumed");
    room.run(&["delete", "workload/job-waits-1a2b3", "--yes"])
        .await
        .is(3, "delete the job");

    // what has keys and no command
    let kubeconfig = room
        .plane
        .kubeconfig("admin-token", room.namespace, &room.plane.url());
    let mut hands = Hands::at(&kubeconfig).await;
    hands
        .until("all of it", |c| {
            let kueue = &c.model.kueue;
            let job = c.model.jobs.rows().find(|j| &*j.name == "waits");
            kueue.cluster_queues.rows().count() == 1
                && kueue.local_queues.rows().count() == 2
                && job.is_some_and(|j| kueue.workload_of(j.key).is_some())
        })
        .await;
    let waits = hands.job("waits");
    hands.sees(waits, Intent::Move("team-b".into())).await;
    hands.sees(waits, Intent::Priority("high".into())).await;
    let now = room.get("jobs/waits").await.unwrap();
    let labels = &now["metadata"]["labels"];
    assert_eq!(labels["kueue.x-k8s.io/queue-name"], "team-b");
    assert_eq!(labels["kueue.x-k8s.io/priority-class"], "high");
    let queue = hands
        .client
        .model
        .kueue
        .cluster_queues
        .rows()
        .next()
        .unwrap()
        .key;
    for stop in [Stop::HoldAndDrain, Stop::None] {
        hands.sees(queue, Intent::Stop(stop)).await;
    }

    // resubmitted with its Workload's template, and as what waits
    room.run(&["resubmit", "job/waits", "--queue", "team-a"])
        .await
        .is(0, "created job/waits-r2");
    let made = room.get("jobs/waits-r2").await.unwrap();
    assert_eq!(made["spec"]["suspend"], true);
    assert_eq!(
        made["metadata"]["labels"]["kueue.x-k8s.io/queue-name"],
        "team-a"
    );
    // its Workload goes with it, by the collector
    room.run(&["delete", "job/waits", "--yes"])
        .await
        .is(0, "deleted job/waits");
    room.until("gone", "workloads/job-waits-1a2b3", |w| w.is_none())
        .await;
}

async fn trained(room: &Room) {
    let replica = |n: u32| {
        json!({"replicas": n, "restartPolicy": "OnFailure",
        "template": {"spec": {"containers": [{"name": "pytorch", "image": "busybox"}]}}})
    };
    let object = json!({"apiVersion": "kubeflow.org/v1", "kind": "PyTorchJob", "metadata": {"name": "llama"},
        "spec": {"elasticPolicy": {"minReplicas": 1, "maxReplicas": 4},
            "pytorchReplicaSpecs": {"Master": replica(1), "Worker": replica(3)}}});
    let llama = room.make("pytorchjobs", object).await;
    let spec = async || room.get("pytorchjobs/llama").await.unwrap()["spec"].clone();
    room.run(&["hold", "pytorchjob/llama", "--yes"])
        .await
        .is(0, "held pytorchjob/llama");
    assert_eq!(spec().await["runPolicy"]["suspend"], true);
    room.run(&["resume", "pytorchjob/llama"])
        .await
        .is(0, "resumed pytorchjob/llama");
    assert_eq!(spec().await["runPolicy"]["suspend"], false);
    room.run(&["scale", "pytorchjob/llama", "2"])
        .await
        .is(0, "scaled");
    assert_eq!(spec().await["pytorchReplicaSpecs"]["Worker"]["replicas"], 2);
    room.run(&["scale", "pytorchjob/llama", "9"])
        .await
        .is(3, "takes 1 to 4 workers");
    room.run(&["resubmit", "pytorchjob/llama"])
        .await
        .is(0, "created pytorchjob/llama-r2");

    // its pods are its own, and go with it
    let mut worker = super::room::pod(
        "llama-worker-0",
        json!({"training.kubeflow.org/job-name": "llama"}),
    );
    worker["metadata"]["ownerReferences"] = json!([{"apiVersion": "kubeflow.org/v1", "kind": "PyTorchJob", "name": "llama",
        "uid": uid(&llama), "controller": true}]);
    worker["spec"]["nodeName"].take();
    room.make("pods", worker).await;
    let said = room.run(&["delete", "pytorchjob/llama", "--yes"]).await;
    said.is(0, "deleted pytorchjob/llama");
    room.until("its pod too", "pods/llama-worker-0", |pod| pod.is_none())
        .await;
    room.run(&["undo", "--yes"])
        .await
        .is(0, "created pytorchjob/llama-r3");
}
