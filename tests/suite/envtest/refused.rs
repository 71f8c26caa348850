//! Each way in which a real API server says no, and whose word it is: a role, a quota, a policy, a standard, a namespace
//! that ends.

use std::sync::Arc;

use serde_json::{Value, json};

use super::plane::Plane;
use super::room::{Room, Said, create, job};

const JOB: &str = "{apiVersion: batch/v1, kind: Job, metadata: {name: one, labels: {LABELS}}, spec: {suspend: true,
    template: {spec: {restartPolicy: Never, containers: [{name: main, image: busybox}]}}}}";
const POD: &str =
    "{apiVersion: v1, kind: Pod, metadata: {name: one}, spec: {containers: [{name: main,
    image: busybox, resources: {limits: {cpu: 4}}}]}}";

pub async fn room(plane: Arc<Plane>) {
    let room = Room::new(&plane, "refused").await;
    roles(&room).await;
    quotas(&room).await;
    policies(&room).await;
    limits_and_standards(&room).await;
    a_namespace_that_ends(&room).await;
}

async fn grant(room: &Room, user: &str, verbs: &[&str]) {
    let rules = json!([{"apiGroups": ["batch", "", "events.k8s.io"], "verbs": verbs,
        "resources": ["jobs", "cronjobs", "pods", "events"]}]);
    let name = format!("{user}-{}", verbs.join("-"));
    room.make("roles", json!({"metadata": {"name": name}, "rules": rules}))
        .await;
    let binding = json!({"metadata": {"name": name},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}]});
    room.make("rolebindings", binding).await;
}

async fn roles(room: &Room) {
    grant(room, "reader", &["get", "list", "watch"]).await;
    room.make("jobs", job("theirs")).await;
    let before = room.get("jobs/theirs").await.unwrap()["spec"].clone();
    let reader = async |args: &[&str], input: &str| -> Said {
        room.run_as("reader-token", &room.plane.url(), args, input)
            .await
    };
    let said = reader(&["get", "jobs", "-o", "json"], "").await;
    assert_eq!(said.json()[0]["name"], "theirs");
    for (args, verb) in [
        (&["delete", "job/theirs", "--yes"][..], "needs delete jobs"),
        (&["hold", "job/theirs", "--yes"], "needs patch jobs"),
        (&["scale", "job/theirs", "2"], "needs patch jobs"),
        (&["resubmit", "job/theirs"], "needs create jobs"),
        (&["delete", "job/theirs", "--dry-run"], "needs delete jobs"),
        (&["submit", "-f", "-"], "needs create jobs"),
        (&["submit", "-f", "-", "--dry-run"], "needs create jobs"),
    ] {
        let said = reader(args, &one("")).await;
        said.is(5, verb).is(5, " in refused");
    }
    let now = room.get("jobs/theirs").await.unwrap();
    assert_eq!(now["spec"], before);
    assert!(now["metadata"]["deletionTimestamp"].is_null());
    // one verb more, and that it is
    grant(room, "reader", &["patch"]).await;
    let granted = async {
        loop {
            let said = reader(&["hold", "job/theirs", "--yes"], "").await;
            if said.code != 5 {
                return said;
            }
        }
    };
    granted.await.is(0, "held job/theirs");
    reader(&["delete", "job/theirs", "--yes"], "")
        .await
        .is(5, "needs delete jobs");
    // nobody at all: what is wrong is who one is
    let said = room
        .run_as(
            "no-token",
            &room.plane.url(),
            &["delete", "job/theirs", "--yes"],
            "",
        )
        .await;
    assert_ne!(said.code, 0);
    said.is(said.code, "nauthorized");
}

fn one(labels: &str) -> String {
    JOB.replace("LABELS", labels)
}

async fn quotas(room: &Room) {
    let quota = json!({"metadata": {"name": "team"}, "spec": {"hard": {"count/jobs.batch": "1"}}});
    room.make("resourcequotas", quota).await;
    let used = |quota: Option<&Value>| {
        quota.is_some_and(|q| q["status"]["used"]["count/jobs.batch"] == "1")
    };
    room.until("counted", "resourcequotas/team", used).await;
    let said = room.fed(&["submit", "-f", "-"], &one("")).await;
    said.is(7, "exceeded quota: team")
        .is(7, "free some of the quota first");
    room.run(&["resubmit", "job/theirs", "--dry-run"])
        .await
        .is(7, "exceeded quota: team");
    room.delete("resourcequotas/team").await;
}

async fn policies(room: &Room) {
    let group = "/apis/admissionregistration.k8s.io/v1";
    for (name, label, reason) in [
        ("no-red", "red", "Invalid"),
        ("no-blue", "blue", "Forbidden"),
    ] {
        let expression =
            format!("!has(object.metadata.labels) || !('{label}' in object.metadata.labels)");
        let policy = json!({"metadata": {"name": name}, "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": {"resourceRules": [{"apiGroups": ["batch"], "apiVersions": ["v1"],
                "operations": ["CREATE", "UPDATE", "DELETE"], "resources": ["jobs"]}]},
            "validations": [{"expression": "object == null ? oldObject.metadata.name != 'kept' : ".to_owned() + &expression,
                "message": "ask Ann first", "reason": reason}],
        }});
        create(
            &room.http,
            &format!("{group}/validatingadmissionpolicies"),
            policy,
        )
        .await;
        let binding = json!({"metadata": {"name": name}, "spec": {"policyName": name, "validationActions": ["Deny"],
            "matchResources": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "refused"}}}}});
        create(
            &room.http,
            &format!("{group}/validatingadmissionpolicybindings"),
            binding,
        )
        .await;
    }
    room.make("jobs", job("kept")).await;
    for label in ["red", "blue"] {
        // it takes effect some time after it is made
        let text = one(&format!("{label}: a"));
        let denied = async {
            loop {
                let said = room.fed(&["submit", "-f", "-", "--dry-run"], &text).await;
                if said.code != 0 {
                    return said;
                }
            }
        };
        denied.await.is(7, "denied request: ask Ann first");
        let said = room.fed(&["submit", "-f", "-"], &text).await;
        said.is(7, "ask Ann first").is(7, "nothing was done");
    }
    room.fed(&["submit", "-f", "-", "--dry-run"], &one("green: a"))
        .await
        .is(0, "would create");
    room.run(&["delete", "job/kept", "--yes"])
        .await
        .is(7, "ask Ann first");
    // nor is it there to be made again
    room.run(&["undo", "--list"]).await.is(0, "nothing is kept");
    assert!(room.get("jobs/kept").await.unwrap()["metadata"]["deletionTimestamp"].is_null());
    for name in ["no-red", "no-blue"] {
        for kind in [
            "validatingadmissionpolicybindings",
            "validatingadmissionpolicies",
        ] {
            room.delete(&format!("{group}/{kind}/{name}")).await;
        }
    }
}

async fn limits_and_standards(room: &Room) {
    let limits = json!({"metadata": {"name": "small"},
        "spec": {"limits": [{"type": "Container", "max": {"cpu": "1"}}]}});
    room.make("limitranges", limits).await;
    let refused = async {
        loop {
            let said = room.fed(&["submit", "-f", "-", "--dry-run"], POD).await;
            if said.code != 0 {
                return said;
            }
        }
    };
    refused.await.is(7, "maximum cpu usage per Container is 1");
    room.delete("limitranges/small").await;
    let standard =
        json!({"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}});
    room.patch("/api/v1/namespaces/refused", standard).await;
    let refused = async {
        loop {
            let said = room.fed(&["submit", "-f", "-", "--dry-run"], POD).await;
            if said.code != 0 && !said.err.contains("maximum cpu usage") {
                return said;
            }
        }
    };
    refused
        .await
        .is(7, "violates PodSecurity \"restricted:latest\"");
}

async fn a_namespace_that_ends(room: &Room) {
    let mut held = job("last");
    held["metadata"]["finalizers"] = json!(["example.org/archive"]);
    held["spec"]["suspend"] = true.into();
    room.make("jobs", held).await;
    room.delete("/api/v1/namespaces/refused").await;
    let ending = |ns: Option<&Value>| ns.is_some_and(|n| n["status"]["phase"] == "Terminating");
    room.until("ending", "/api/v1/namespaces/refused", ending)
        .await;
    let said = room.fed(&["submit", "-f", "-"], &one("")).await;
    said.is(7, "because it is being terminated");
    let free = json!({"metadata": {"finalizers": null}});
    room.patch("jobs/last", free).await;
    room.until("gone", "/api/v1/namespaces/refused", |ns| ns.is_none())
        .await;
}
