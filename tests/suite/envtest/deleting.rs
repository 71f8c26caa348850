//! Deleting with a garbage collector and a job controller behind: what goes, what stays, what hangs, and that only what
//! was looked at goes.

use std::sync::Arc;

use serde_json::{Value, json};

use super::between::{Between, Next};
use super::plane::Plane;
use super::room::{Room, create, job, name, pod, uid};

pub async fn room(plane: Arc<Plane>) {
    let room = Room::new(&plane, "deleting").await;
    no_orphans(&room).await;
    what_hangs(&room).await;
    only_what_was_looked_at(&room).await;
}

async fn no_orphans(room: &Room) {
    for how in ["background", "foreground", "orphan"] {
        room.make("jobs", job(how)).await;
    }
    for how in ["background", "foreground", "orphan"] {
        let pods = room.pods(how, 3).await;
        // what a real job controller makes: not gone before it has counted them
        let held = pods[0]["metadata"]["finalizers"].to_string();
        assert!(held.contains("batch.kubernetes.io/job-tracking"), "{held}");
    }
    let said = room.run(&["delete", "job/background", "--dry-run"]).await;
    said.is(0, "would delete job/background");
    assert!(room.get("jobs/background").await.is_some());
    for how in ["background", "foreground", "orphan"] {
        let job = format!("job/{how}");
        let args = ["delete", &job, "--propagation", how, "--yes"];
        room.run(&args).await.is(0, "deleted");
        let job = format!("jobs/{how}");
        room.until("gone", &job, |job| job.is_none()).await;
    }
    for how in ["background", "foreground"] {
        room.pods(how, 0).await;
        // nor any that is ending and never does
        let all = format!("pods?labelSelector=job-name={how}");
        let none = |list: Option<&Value>| list.is_some_and(|l| l["items"] == json!([]));
        room.until("no pod at all", &all, none).await;
    }
    // left on purpose: nobody's, and not held by what no controller would take away
    let all = "pods?labelSelector=job-name=orphan";
    let free = |list: Option<&Value>| {
        let pods = list.and_then(|l| l["items"].as_array());
        pods.is_some_and(|pods| {
            let mut metas = pods.iter().map(|p| &p["metadata"]);
            pods.len() == 3
                && metas.all(|m| m["ownerReferences"].is_null() && m["finalizers"].is_null())
        })
    };
    let left = room.until("three pods of nobody", all, free).await.unwrap();
    let names = left["items"].as_array().unwrap().iter();
    let names: Vec<String> = names.map(|p| format!("pod/{}", name(p))).collect();
    let mut args: Vec<&str> = names.iter().map(String::as_str).collect();
    args.insert(0, "delete");
    args.push("--yes");
    room.run(&args).await.is(0, "deleted pod/orphan-");
    room.pods("orphan", 0).await;
}

/// The row of jobdeck, by kind and name.
async fn row(room: &Room, what: &str, name: &str) -> Value {
    let rows = room.run(&["get", what, "-o", "json"]).await.json();
    let mut rows = rows.as_array().unwrap().iter();
    rows.find(|row| row["name"] == name)
        .cloned()
        .unwrap_or_default()
}

async fn what_hangs(room: &Room) {
    // no kubelet is there to end it
    room.make("pods", pod("stuck", json!({}))).await;
    let args = ["delete", "pod/stuck", "--yes"];
    room.run(&args).await.is(0, "deleted pod/stuck");
    assert_eq!(row(room, "pods", "stuck").await["status"], "Terminating");
    room.run(&args).await.is(3, "force ends it without waiting");
    let args = ["delete", "pod/stuck", "--force", "--yes"];
    room.run(&args).await.is(0, "deleted pod/stuck");
    assert!(room.get("pods/stuck").await.is_none());

    // somebody's finalizer
    let mut held = job("held-by");
    held["metadata"]["finalizers"] = json!(["example.org/archive"]);
    held["spec"]["suspend"] = true.into();
    room.make("jobs", held).await;
    let args = ["delete", "job/held-by", "--yes"];
    room.run(&args).await.is(0, "example.org/archive");
    assert_eq!(row(room, "jobs", "held-by").await["phase"], "Terminating");
    room.run(&args).await.is(3, "is being deleted already");
    let free = json!({"metadata": {"finalizers": null}});
    room.patch("jobs/held-by", free).await;
    room.until("gone", "jobs/held-by", |job| job.is_none())
        .await;
    room.run(&args).await.is(4, "there is no job/held-by");
}

async fn only_what_was_looked_at(room: &Room) {
    let between = Between::start(&room.plane.url()).await;
    let run = async |args: &[&str]| room.run_as("admin-token", &between.url, args, "").await;
    let path = room.path("jobs");
    let http = room.http.clone();
    let again = move |name: &'static str| {
        let (http, path) = (http.clone(), path.clone());
        Next::After(Box::pin(async move {
            let one = format!("{path}/{name}?propagationPolicy=Background");
            let ask = jobdeck::cluster::http::Ask {
                method: http::Method::DELETE,
                ..jobdeck::cluster::http::Ask::get(one)
            };
            http.read(&ask).await.unwrap();
            let mut suspended = job(name);
            suspended["spec"]["suspend"] = true.into();
            create(&http, &path, suspended).await;
        }))
    };
    let mut first = job("twin");
    first["spec"]["suspend"] = true.into();
    let first = room.make("jobs", first).await;

    // another has its name by the time it is deleted, or changed: the server tells by the uid
    between.next(again("twin"));
    let said = run(&["delete", "job/twin", "--yes"]).await;
    said.is(6, "another job/twin has this name now");
    assert_eq!(between.writes().len(), 1);
    let second = room.get("jobs/twin").await.expect("it is there");
    assert_ne!(uid(&first), uid(&second));
    between.next(again("twin"));
    let said = run(&["resume", "job/twin", "--yes"]).await;
    said.is(6, "another job/twin has this name now");
    assert_eq!(between.writes().len(), 1);
    let third = room.get("jobs/twin").await.expect("it is there");
    assert_eq!(third["spec"]["suspend"], true);

    // it has changed since it was looked at: the server tells by the resourceVersion, and what to do is decided anew
    let http = room.http.clone();
    let path = room.path("jobs/twin");
    between.next(Next::After(Box::pin(async move {
        let body = json!({"metadata": {"labels": {"changed": "meanwhile"}}});
        let kind = "application/merge-patch+json";
        let ask = jobdeck::cluster::http::Ask::send(http::Method::PATCH, path, kind, &body);
        http.read(&ask).await.unwrap();
    })));
    run(&["resume", "job/twin"]).await.is(0, "resumed job/twin");
    assert_eq!(between.writes().len(), 2);
    let now = room.get("jobs/twin").await.expect("it is there");
    assert_eq!(
        (
            &now["spec"]["suspend"],
            &now["metadata"]["labels"]["changed"]
        ),
        (&json!(false), &json!("meanwhile"))
    );

    // the connection goes after the server has done it, and before
    between.next(Next::CutAfter);
    let said = run(&["delete", "job/twin", "--yes"]).await;
    said.is(0, "but it is done");
    assert_eq!(between.writes().len(), 1);
    room.until("gone", "jobs/twin", |job| job.is_none()).await;
    room.make("jobs", job("twin")).await;
    between.next(Next::CutBefore);
    let said = run(&["delete", "job/twin", "--yes"]).await;
    said.is(1, "the server has not done it");
    assert_eq!(between.writes().len(), 1);
    assert!(room.get("jobs/twin").await.is_some());
}
