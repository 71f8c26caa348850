//! Cells against what kubectl shows.

use super::*;
use crate::kinds;
use chrono::TimeDelta;

fn kind(name: &str) -> Kind {
    let found = kinds::builtin().into_iter().find(|k| k.kind == name);
    found.unwrap()
}

fn row(kind_name: &str, object: Value) -> Vec<Value> {
    let now = "2026-01-01T00:10:00Z".parse().unwrap();
    let t = table(&kind(kind_name), None, std::iter::once(object), "None", now);
    let cells = t["rows"][0]["cells"].as_array().unwrap().clone();
    let columns = t["columnDefinitions"].as_array().unwrap().len();
    assert_eq!(cells.len(), columns, "{kind_name}");
    cells
}

#[test]
fn durations_are_shortened_as_kubectl_does() {
    for (seconds, want) in [
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (330, "5m30s"),
        (3599, "59m"),
        (3 * 3600 + 60, "3h1m"),
        (9 * 3600, "9h"),
        (49 * 3600, "2d1h"),
        (9 * 86_400, "9d"),
        (3 * 365 * 86_400, "3y"),
        (-2, "<invalid>"),
    ] {
        assert_eq!(human_duration(TimeDelta::seconds(seconds)), want);
    }
}

#[test]
fn every_kind_has_as_many_cells_as_columns() {
    for k in kinds::builtin() {
        row(&k.kind, json!({"metadata": {"name": "x"}}));
    }
}

#[test]
fn a_jobs_row() {
    let job = json!({
        "metadata": {"name": "j", "creationTimestamp": "2026-01-01T00:00:00Z"},
        "spec": {"parallelism": 3, "selector": {"matchLabels": {"a": "b"}},
                 "template": {"spec": {"containers": [{"name": "c", "image": "i"}, {"name": "d", "image": "k"}]}}},
        "status": {"succeeded": 2, "startTime": "2026-01-01T00:05:00Z",
                   "conditions": [{"type": "Suspended", "status": "False"}, {"type": "FailureTarget", "status": "True"}]},
    });
    assert_eq!(
        row("Job", job),
        [
            "j",
            "FailureTarget",
            "2/1 of 3",
            "5m",
            "10m",
            "c,d",
            "i,k",
            "a=b"
        ]
    );
}

#[test]
fn a_pods_status_follows_its_containers() {
    let status = |pod: Value| row("Pod", pod)[2].as_str().unwrap().to_owned();
    let pod = |status: Value| json!({"metadata": {"name": "p"}, "spec": {"containers": [{"name": "a"}, {"name": "b"}], "initContainers": [{"name": "i"}]}, "status": status});
    let done = json!({"state": {"terminated": {"reason": "Completed", "exitCode": 0}}});
    let failed = json!({"state": {"terminated": {"exitCode": 3}}});
    let runs = json!({"ready": true, "state": {"running": {}}});
    assert_eq!(status(pod(json!({"phase": "Pending"}))), "Pending");
    assert_eq!(
        status(pod(json!({"phase": "Failed", "reason": "Evicted"}))),
        "Evicted"
    );
    assert_eq!(
        status(pod(
            json!({"phase": "Pending", "initContainerStatuses": [{"name": "i", "state": {"running": {}}}]})
        )),
        "Init:0/1"
    );
    assert_eq!(
        status(pod(
            json!({"phase": "Pending", "initContainerStatuses": [{"name": "i", "state": {"terminated": {"exitCode": 2}}}]})
        )),
        "Init:ExitCode:2"
    );
    assert_eq!(
        status(pod(
            json!({"phase": "Failed", "containerStatuses": [done, failed]})
        )),
        "ExitCode:3"
    );
    assert_eq!(
        status(pod(
            json!({"phase": "Running", "containerStatuses": [done, runs]})
        )),
        "NotReady"
    );
    let mut gone = pod(json!({"phase": "Running"}));
    gone["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    assert_eq!(status(gone), "Terminating");
}
