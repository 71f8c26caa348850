//! Submitting, resubmitting and undoing where a real API server validates and a real job controller makes the pods.

use std::sync::Arc;

use jobdeck::actions::document;
use serde_json::{Value, json};

use super::between::{Between, Next};
use super::plane::Plane;
use super::room::{Room, job};

pub async fn room(plane: Arc<Plane>) {
    let room = Room::new(&plane, "submitting").await;
    what_is_wrong_is_said_at_its_line(&room).await;
    once_whatever_becomes_of_the_answer(&room).await;
    again(&room).await;
    only_what_failed(&room).await;
    undone(&room).await;
    every_template(&room).await;
}

const GOOD: &str = "\
apiVersion: batch/v1
kind: Job
metadata:
  name: fresh
spec:
  parallelism: 2
  completions: 2
  template:
    spec:
      restartPolicy: Never
      containers:
      - name: main
        image: busybox
";

async fn what_is_wrong_is_said_at_its_line(room: &Room) {
    let submit = ["submit", "-f", "-"];
    let dry = ["submit", "-f", "-", "--dry-run"];
    room.fed(&dry, GOOD).await.is(0, "would create job/fresh");
    assert!(room.get("jobs/fresh").await.is_none());
    for (from, to, said) in [
        (
            "parallelism: 2",
            "parallell: 2",
            "stdin:6: spec.parallell: unknown field",
        ),
        (
            "        image: busybox",
            "        imge: busybox",
            "stdin:13: spec.template.spec.containers[0].imge: unknown field",
        ),
        (
            "parallelism: 2",
            "parallelism: two",
            "stdin:6: spec.parallelism: ",
        ),
        (
            "parallelism: 2",
            "parallelism: -2",
            "stdin:6: spec.parallelism: ",
        ),
        (
            "restartPolicy: Never",
            "restartPolicy: Always",
            "stdin:10: spec.template.spec.restartPolicy: ",
        ),
        (
            "      restartPolicy: Never\n",
            "",
            "spec.template.spec.restartPolicy: Required value",
        ),
        (
            "name: main",
            "name: Main_",
            "stdin:12: spec.template.spec.containers[0].name: ",
        ),
        (
            "      containers:",
            "      volumes: [{name: data}, {name: data}]\n      containers:",
            "stdin:11: spec.template.spec.volumes[1].name: Duplicate value",
        ),
        (
            "metadata:\n",
            "metadata:\n  labels: {a b: c}\n",
            "stdin:4: metadata.labels: ",
        ),
    ] {
        let text = GOOD.replace(from, to);
        assert_ne!(text, GOOD);
        room.fed(&dry, &text).await.is(7, said);
        room.fed(&submit, &text).await.is(7, said);
        assert!(room.get("jobs/fresh").await.is_none(), "{text}");
    }
    // of two all or none
    let two = format!(
        "{}---\n{}",
        GOOD,
        GOOD.replace("Never", "Always").replace("fresh", "second")
    );
    let said = room.fed(&submit, &two).await;
    said.is(7, "nothing was submitted").is(7, "stdin:24: ");
    assert!(room.get("jobs/fresh").await.is_none());

    room.fed(&submit, GOOD)
        .await
        .is(0, "created job/fresh in submitting");
    room.pods("fresh", 2).await;
    let said = room.fed(&submit, GOOD).await;
    said.is(
        6,
        "there is a job/fresh in submitting already: choose another name",
    );
    room.fed(&["submit", "-f", "-", "--name", "fresh-too"], GOOD)
        .await
        .is(0, "created job/fresh-too");
    let elsewhere = ["submit", "-f", "-", "-n", "nowhere"];
    room.fed(&elsewhere, GOOD)
        .await
        .is(4, "is there a namespace nowhere?");
    // a namespace and what is in it
    let text = format!(
        "apiVersion: v1\nkind: Namespace\nmetadata: {{name: brand-new}}\n---\n{}",
        GOOD.replace("metadata:", "metadata:\n  namespace: brand-new")
    );
    room.fed(&submit, &text)
        .await
        .is(0, "created job/fresh in brand-new");
}

async fn once_whatever_becomes_of_the_answer(room: &Room) {
    let between = Between::start(&room.plane.url()).await;
    let submit = async |name: &str| {
        let args = ["submit", "-f", "-", "--name", name];
        room.run_as("admin-token", &between.url, &args, GOOD).await
    };
    between.next(Next::CutAfter);
    submit("cut")
        .await
        .is(0, "created job/cut")
        .is(0, "but it is done");
    assert_eq!(between.writes().len(), 1);
    room.pods("cut", 2).await;
    between.next(Next::CutBefore);
    submit("never").await.is(1, "the server has not done it");
    assert_eq!(between.writes().len(), 1);
    assert!(room.get("jobs/never").await.is_none());
    // somebody makes one of the same name a moment before
    let (http, path) = (room.http.clone(), room.path("jobs"));
    between.next(Next::After(Box::pin(async move {
        super::room::create(&http, &path, job("raced")).await;
    })));
    submit("raced").await.is(6, "already exists");
    assert_eq!(between.writes().len(), 1);
}

async fn draft(room: &Room, args: &[&str]) -> Value {
    let said = room.run(&[args, &["-o", "yaml"]].concat()).await;
    said.is(0, "");
    document::parse(&said.out).expect("YAML").remove(0).value
}

/// One that runs, and one that is over; and what is made of them is the same but for its name.
async fn again(room: &Room) {
    let mut whole = job("train");
    whole["metadata"]["labels"] = json!({"team": "a"});
    whole["spec"]["completions"] = 3.into();
    whole["spec"]["template"]["metadata"] = json!({"labels": {"role": "worker"}});
    room.make("jobs", whole).await;
    room.pods("train", 3).await;
    room.run(&["resubmit", "job/train", "--dry-run"])
        .await
        .is(0, "would create job/train-r2");
    room.run(&["resubmit", "job/train"])
        .await
        .is(0, "created job/train-r2");
    room.pods("train-r2", 3).await;

    room.end_pods("train", 3, |_| "Succeeded").await;
    let over = |job: Option<&Value>| job.is_some_and(|j| j["status"]["completionTime"].is_string());
    room.until("complete", "jobs/train", over).await;
    room.run(&["hold", "job/train", "--yes"])
        .await
        .is(3, "is over");
    room.run(&["resubmit", "job/train", "--image", "busybox:2"])
        .await
        .is(0, "created job/train-r3");
    room.pods("train-r3", 3).await;
    let made = room.get("jobs/train-r3").await.unwrap();
    let template = &made["spec"]["template"];
    assert_eq!(template["spec"]["containers"][0]["image"], "busybox:2");
    assert_eq!(template["metadata"]["labels"]["role"], "worker");
    assert_eq!(made["metadata"]["labels"]["team"], "a");

    let mut first = draft(room, &["resubmit", "job/train", "--name", "same"]).await;
    let mut second = draft(room, &["resubmit", "job/train-r2", "--name", "same"]).await;
    for draft in [&mut first, &mut second] {
        let notes = draft["metadata"]["annotations"].take();
        assert!(notes.is_null() || notes.as_object().is_some(), "{notes}");
    }
    assert_eq!(first, second);
    // and through a file
    let said = room.run(&["resubmit", "job/train-r3", "-o", "yaml"]).await;
    room.fed(&["submit", "-f", "-"], &said.out)
        .await
        .is(0, "created job/train-r4");
    // a copy of the live object, with all that the server wrote into it
    let live = room.get("jobs/train-r4").await.unwrap().to_string();
    let said = room
        .fed(&["submit", "-f", "-", "--name", "copied"], &live)
        .await;
    said.is(0, "created job/copied");
    room.pods("copied", 3).await;
}

/// The odd indexes fail, as the real controller counts them.
async fn only_what_failed(room: &Room) {
    let mut sweep = job("sweep");
    let spec = &mut sweep["spec"];
    spec["completions"] = 6.into();
    spec["parallelism"] = 6.into();
    spec["backoffLimitPerIndex"] = 0.into();
    spec["template"]["spec"]["containers"][0]["command"] =
        json!(["sh", "-c", "echo $JOB_COMPLETION_INDEX"]);
    room.make("jobs", sweep).await;
    room.end_pods("sweep", 6, |index| {
        if index % 2 == 1 {
            "Failed"
        } else {
            "Succeeded"
        }
    })
    .await;
    let failed = |job: Option<&Value>| {
        job.is_some_and(|j| {
            j["status"]["failedIndexes"] == "1,3,5"
                && j["status"]["conditions"]
                    .to_string()
                    .contains("FailedIndexes")
        })
    };
    room.until("failed indexes", "jobs/sweep", failed).await;
    room.run(&["resubmit", "job/sweep", "--failed-indexes"])
        .await
        .is(0, "created job/sweep-r2");
    let pods = room.pods("sweep-r2", 3).await;
    let text = pods[0]["spec"]["containers"][0].to_string();
    assert!(text.contains("JOB_COMPLETION_INDEX"), "{text}");
    let made = room.get("jobs/sweep-r2").await.unwrap();
    assert_eq!(
        made["metadata"]["annotations"]["jobdeck.dev/index-map"],
        "1,3,5"
    );
    assert_eq!(
        (&made["spec"]["completions"], &made["spec"]["parallelism"]),
        (&json!(3), &json!(3))
    );
}

async fn undone(room: &Room) {
    room.run(&["undo", "--yes"])
        .await
        .is(4, "nothing was deleted");
    room.run(&["delete", "job/train-r2", "--yes"])
        .await
        .is(0, "`jobdeck undo` makes it again");
    room.pods("train-r2", 0).await;
    room.run(&["undo", "--yes"])
        .await
        .is(0, "created job/train-r5");
    room.pods("train-r5", 3).await;
    room.run(&["undo", "--list"])
        .await
        .is(0, "made again as job/train-r5");
    // under its own name, now that it is free
    let args = ["undo", "job/train-r2", "--same-name", "--yes"];
    room.run(&args).await.is(0, "created job/train-r2");
    room.pods("train-r2", 3).await;
    room.run(&args)
        .await
        .is(6, "there is a job/train-r2 in submitting already");
    // what is gone from the cluster runs again from the trash
    room.run(&["delete", "job/copied", "--yes"])
        .await
        .is(0, "deleted");
    room.until("gone", "jobs/copied", |job| job.is_none()).await;
    room.run(&["resubmit", "job/copied"])
        .await
        .is(0, "from the trash of");
    // it is in the audit, each once
    let audit =
        std::fs::read_to_string(room.home().join(".local/state/jobdeck/audit.jsonl")).unwrap();
    let mut lines = audit
        .lines()
        .filter(|l| l.contains("\"verb\":\"delete\"") && l.contains("train-r2"));
    let line: Value = serde_json::from_str(lines.next().unwrap()).unwrap();
    assert_eq!(
        (&line["result"], &line["context"]),
        (&json!("done"), &json!("envtest"))
    );
    assert!(lines.next().is_none());
}

/// Those of kinds that every server has.
async fn every_template(room: &Room) {
    for template in jobdeck::actions::templates::all(Vec::new()) {
        let kind = document::parse(&template.text).unwrap().remove(0).value["kind"].clone();
        let args = ["submit", "--template", &template.name, "--dry-run"];
        let said = room.run(&args).await;
        match kind.as_str() {
            Some("Job" | "CronJob" | "Pod") => said.is(0, "would create"),
            // another room defines it, sooner or later
            Some("PyTorchJob") => continue,
            _ => said.is(3, "this cluster"),
        };
    }
}
