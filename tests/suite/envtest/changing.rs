//! Hold, resume, scale, trigger, cordon, evict: with controllers that follow.

use std::sync::Arc;

use jobdeck::actions::plan::plan;
use jobdeck::actions::{Intent, Step};
use serde_json::{Value, json};

use super::plane::Plane;
use super::room::{Room, create, job, pod, uid};
use crate::actions::demo::Hands;

pub async fn room(plane: Arc<Plane>) {
    let room = Room::new(&plane, "changing").await;
    jobs(&room).await;
    cron_jobs(&room).await;
    nodes_and_budgets(&room).await;
}

async fn jobs(room: &Room) {
    room.make("jobs", job("plain")).await;
    room.pods("plain", 3).await;
    room.run(&["hold", "job/plain", "--dry-run"])
        .await
        .is(0, "would hold job/plain");
    room.pods("plain", 3).await;
    room.run(&["hold", "job/plain", "--yes"])
        .await
        .is(0, "held job/plain");
    room.pods("plain", 0).await;
    let suspended = |job: Option<&Value>| {
        let all = job.and_then(|j| j["status"]["conditions"].as_array());
        all.is_some_and(|all| all.iter().any(|c| c["reason"] == "JobSuspended"))
    };
    room.until("suspended", "jobs/plain", suspended).await;
    room.run(&["hold", "job/plain", "--yes"])
        .await
        .is(3, "is held already");
    room.run(&["resume", "job/plain"])
        .await
        .is(0, "resumed job/plain");
    room.pods("plain", 3).await;
    room.run(&["scale", "job/plain", "5"])
        .await
        .is(0, "scaled job/plain in changing to 5");
    room.pods("plain", 5).await;
    room.run(&["scale", "job/plain", "1"]).await.is(0, "");
    room.pods("plain", 1).await;

    // an elastic one: the API takes both numbers together, and only together
    let mut elastic = job("elastic");
    elastic["spec"]["completions"] = 3.into();
    room.make("jobs", elastic).await;
    room.pods("elastic", 3).await;
    room.run(&["scale", "job/elastic", "4"])
        .await
        .is(0, "scaled");
    room.pods("elastic", 4).await;
    let now = room.get("jobs/elastic").await.unwrap();
    assert_eq!(now["spec"]["completions"], 4);
}

async fn cron_jobs(room: &Room) {
    let template = json!({"metadata": {"labels": {"app": "nightly"}}, "spec": job("x")["spec"]});
    let cron = json!({"metadata": {"name": "nightly"}, "spec": {"schedule": "0 3 1 1 *", "jobTemplate": template}});
    let cron = room.make("cronjobs", cron).await;
    room.run(&["hold", "cronjob/nightly", "--yes"])
        .await
        .is(0, "held cronjob/nightly");
    let now = room.get("cronjobs/nightly").await.unwrap();
    assert_eq!(now["spec"]["suspend"], true);
    // by hand all the same
    let said = room
        .run(&["trigger", "cronjob/nightly", "--yes", "-o", "json"])
        .await;
    let made = said.json()[0]["made"]
        .as_str()
        .unwrap()
        .replacen("job/", "", 1);
    room.pods(&made, 3).await;
    let job = room.get(&format!("jobs/{made}")).await.unwrap();
    let meta = &job["metadata"];
    assert_eq!(meta["ownerReferences"][0]["uid"], uid(&cron));
    assert_eq!(meta["labels"]["app"], "nightly");
    room.run(&["resume", "cronjob/nightly"])
        .await
        .is(0, "resumed");
    room.run(&["delete", "cronjob/nightly", "--yes"])
        .await
        .is(0, "deleted cronjob/nightly");
    room.until("its jobs too", &format!("jobs/{made}"), |job| job.is_none())
        .await;
    room.pods(&made, 0).await;
}

async fn nodes_and_budgets(room: &Room) {
    create(
        &room.http,
        "/api/v1/nodes",
        json!({"metadata": {"name": "n1"}}),
    )
    .await;
    room.run(&["hold", "node/n1", "--yes"])
        .await
        .is(0, "cordoned node/n1");
    let now = room.get("/api/v1/nodes/n1").await.unwrap();
    assert_eq!(now["spec"]["unschedulable"], true);
    room.run(&["resume", "node/n1"])
        .await
        .is(0, "uncordoned node/n1");
    let now = room.get("/api/v1/nodes/n1").await.unwrap();
    assert!(now["spec"]["unschedulable"].is_null());
    room.run(&["delete", "node/n1", "--yes"])
        .await
        .is(3, "cannot be deleted");

    // its pods are everybody's, whatever namespace is looked at
    room.make("pods", pod("lodger", json!({}))).await;
    let rows = room
        .run(&["get", "nodes", "-o", "json", "-n", "default"])
        .await
        .json();
    let mut rows = rows.as_array().unwrap().iter();
    let row = rows.find(|row| row["name"] == "n1").unwrap();
    assert!(row["pods"].as_u64().unwrap() >= 1, "{row}");

    // a budget that must not be broken
    room.make("pods", pod("guarded", json!({"app": "guarded"})))
        .await;
    let ready = json!({"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}});
    room.patch("pods/guarded/status", ready).await;
    let budget = json!({"metadata": {"name": "one"},
        "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "guarded"}}}});
    room.make("poddisruptionbudgets", budget).await;
    let counted =
        |budget: Option<&Value>| budget.is_some_and(|b| b["status"]["currentHealthy"] == 1);
    room.until("counted", "poddisruptionbudgets/one", counted)
        .await;
    let kubeconfig = room
        .plane
        .kubeconfig("admin-token", room.namespace, &room.plane.url());
    let mut hands = Hands::at(&kubeconfig).await;
    hands
        .until("the pod runs", |c| {
            c.model.pods.rows().any(|p| &*p.name == "guarded")
        })
        .await;
    let key = hands
        .client
        .model
        .pods
        .rows()
        .find(|p| &*p.name == "guarded")
        .unwrap()
        .key;
    let step = |hands: &Hands| -> Step {
        plan(&hands.client.model, key, &Intent::Evict)
            .unwrap()
            .remove(0)
    };
    let outcome = hands.step(step(&hands)).await;
    assert_eq!(outcome.result(), "budget", "{}", outcome.sentence());
    let words = "Cannot evict pod as it would violate the pod's disruption budget";
    assert!(outcome.sentence().contains(words), "{}", outcome.sentence());
    assert!(room.get("pods/guarded").await.unwrap()["metadata"]["deletionTimestamp"].is_null());
    room.delete("poddisruptionbudgets/one").await;
    let outcome = hands.step(step(&hands)).await;
    assert_eq!(outcome.result(), "done", "{}", outcome.sentence());
    let ending =
        |pod: Option<&Value>| pod.is_none_or(|p| p["metadata"]["deletionTimestamp"].is_string());
    room.until("evicted", "pods/guarded", ending).await;
}
