//! The documented fields, by name: renaming one is breaking a promise.

use serde_json::{Value, json};

use super::*;
use crate::model::fixture::*;
use crate::model::shape::Shape;

fn value(row: &impl Serialize) -> Value {
    serde_json::to_value(row).unwrap()
}

#[test]
fn the_failed_example_as_json() {
    let mut m = Model::default();
    let mut j = failed_example(0x1234);
    j.devices = devices("nvidia.com/gpu", 2);
    (j.queue, j.priority_class) = (Some("main".into()), Some("low".into()));
    m.apply(jobs(std::slice::from_ref(&j)));
    assert_eq!(
        value(&RowJson::of(&m, &j, at(500))),
        json!({
            "kind": "Job",
            "apiVersion": "batch/v1",
            "namespace": "default",
            "name": "indexed-sweep",
            "uid": "00000000-0000-0000-0000-000000001234",
            "phase": "Failed",
            "reason": "FailedIndexes",
            "message": "5 of 10 indexes failed after 2 tries each",
            "done": 5,
            "total": 10,
            "unit": "indexes",
            "active": 0,
            "ready": 0,
            "failed": 10,
            "retries": 5,
            "completedIndexes": "1,3,5,7,9",
            "failedIndexes": "0,2,4,6,8",
            "gpus": { "nvidia.com/gpu": 6 },
            "queue": "main",
            "priority": "low",
            "creationTime": "2026-11-23T12:00:00Z",
            "startTime": "2026-11-23T12:00:00Z",
            "finishTime": "2026-11-23T12:01:04Z",
            "elapsedSeconds": 64,
            "ownerHint": "default",
            "selectors": ["batch.kubernetes.io/controller-uid=00000000-0000-0000-0000-000000001234"],
            "labels": {},
        })
    );
}

#[test]
fn unknown_is_absent() {
    let mut j = job(1, "queue");
    (j.completions, j.started) = (None, None);
    let row = value(&RowJson::of(&Model::default(), &j, at(0)));
    let absent = [
        "total",
        "completedIndexes",
        "failedIndexes",
        "queue",
        "priority",
        "reason",
        "startTime",
        "finishTime",
        "elapsedSeconds",
        "etaSeconds",
        "target",
        "owner",
    ];
    for field in absent {
        assert!(row.get(field).is_none(), "{field}: {row}");
    }
    assert_eq!(
        (&row["done"], &row["phase"]),
        (&json!(0), &json!("Pending"))
    );
}

#[test]
fn pods_nodes_events_and_cronjobs() {
    let mut m = Model::default();
    let j = failed_example(1);
    let mut p = ended(running(pod(10, &j), "gpu-1", 3), 137, 9);
    p.index = Some(4).into();
    let row = value(&PodJson::of(&p));
    assert_eq!(
        (
            &row["status"],
            &row["phase"],
            &row["index"],
            &row["exitCode"],
            &row["job"]
        ),
        (
            &json!("OOMKilled"),
            &json!("Failed"),
            &json!(4),
            &json!(137),
            &json!("indexed-sweep")
        )
    );
    let n = node(50, "gpu-1", devices("nvidia.com/gpu", 8));
    let mut busy = running(pod(11, &j), "gpu-1", 0);
    busy.shape = Shape::of(devices("nvidia.com/gpu", 2)).into();
    m.apply(nodes(std::slice::from_ref(&n)));
    m.apply(pods(&[busy]));
    let row = value(&NodeJson::of(&m, &n));
    assert_eq!(
        (&row["gpus"], &row["gpusUsed"], &row["pods"]),
        (
            &json!({ "nvidia.com/gpu": 8 }),
            &json!({ "nvidia.com/gpu": 2 }),
            &json!(1)
        )
    );
    let row = value(&EventJson::of(&event(
        1,
        ("Job", "a", 1),
        "FailedCreate",
        "no",
    )));
    assert_eq!(
        (&row["type"], &row["objectKind"], &row["lastTime"]),
        (
            &json!("Warning"),
            &json!("Job"),
            &json!("2026-11-23T12:00:00Z")
        )
    );
    let row = value(&CronJobJson::of(&cronjob(1, "c", "*/5 * * * *"), at(0)));
    assert_eq!(
        (&row["phase"], &row["nextTime"]),
        (&json!("Scheduled"), &json!("2026-11-23T12:05:00Z"))
    );
}
