//! JobSets from creation to each of their ends.

use serde_json::{Value, json};

use crate::controllers::operators::tests::Stage;

fn replicated(name: &str, replicas: u64, pods: u64, script: &str) -> Value {
    json!({"name": name, "replicas": replicas, "template": {"spec": {
        "parallelism": pods, "completions": pods, "backoffLimit": 0,
        "template": {"spec": {"restartPolicy": "Never", "containers": [
            {"name": "main", "image": "busybox:1.36", "command": ["sh", "-c", script]}]}}}}})
}

fn submit(spec: Value) -> Stage {
    let mut stage = Stage::new();
    stage.create("JobSet", "set", spec);
    stage
}

fn status(stage: &Stage) -> Value {
    stage.get("jobsets", "set")["status"].clone()
}

/// The status of one replicated job: ready, succeeded, failed, active, suspended.
fn counts(stage: &Stage, name: &str) -> [u64; 5] {
    let status = status(stage);
    let all = status["replicatedJobsStatus"].as_array().unwrap();
    let ours = all.iter().find(|s| s["name"] == name).unwrap();
    ["ready", "succeeded", "failed", "active", "suspended"].map(|f| ours[f].as_u64().unwrap())
}

#[test]
fn jobs_and_pods_are_named_and_labelled_as_the_real_ones() {
    let mut s = submit(json!({
        "replicatedJobs": [replicated("driver", 1, 1, "sleep 60"), replicated("workers", 2, 2, "sleep 60")],
        "coordinator": {"replicatedJob": "driver"},
    }));
    let names = ["set-driver-0", "set-workers-0", "set-workers-1"];
    assert_eq!(s.names("jobs"), names);
    let job = s.get("jobs", "set-workers-1");
    assert_eq!(job["spec"]["completionMode"], "Indexed");
    assert_eq!(job["metadata"]["ownerReferences"][0]["kind"], "JobSet");
    s.run(30);
    let pods = s.names("pods");
    let ours: Vec<_> = pods
        .iter()
        .filter(|p| p.starts_with("set-workers-1-1-"))
        .collect();
    let pod = s.get("pods", ours[0]);
    let set = s.get("jobsets", "set");
    for (key, value) in [
        ("jobset-name", "set"),
        ("jobset-uid", set["metadata"]["uid"].as_str().unwrap()),
        ("replicatedjob-name", "workers"),
        ("replicatedjob-replicas", "2"),
        ("global-replicas", "3"),
        ("job-index", "1"),
        ("job-global-index", "2"),
        ("restart-attempt", "0"),
        ("group-name", "default"),
        ("group-replicas", "3"),
        ("coordinator", "set-driver-0-0.set"),
    ] {
        let key = format!("jobset.sigs.k8s.io/{key}");
        for part in ["labels", "annotations"] {
            assert_eq!(pod["metadata"][part][&key], value, "{key}");
            assert_eq!(job["metadata"][part][&key], value, "{key}");
        }
    }
    let key = job["metadata"]["labels"]["jobset.sigs.k8s.io/job-key"].as_str();
    assert_eq!(key.unwrap().len(), 40);
    assert_eq!(pod["spec"]["subdomain"], "set");
    assert_eq!(pod["spec"]["hostname"], "set-workers-1-1");
    let service = s.get("services", "set");
    assert_eq!(service["spec"]["clusterIP"], "None");
    // Jobs, not pods
    assert_eq!(counts(&s, "workers"), [2, 0, 0, 2, 0]);
}

#[test]
fn a_set_completes_when_all_its_jobs_have() {
    let mut s = submit(json!({
        "replicatedJobs": [replicated("a", 1, 1, "sleep 20"), replicated("b", 2, 1, "sleep 50")],
    }));
    s.run(45);
    assert_eq!(
        (counts(&s, "a"), counts(&s, "b")),
        ([0, 1, 0, 0, 0], [2, 0, 0, 2, 0])
    );
    assert!(s.conditions("jobsets", "set").is_empty());
    s.run(60);
    assert_eq!(
        s.conditions("jobsets", "set"),
        ["Completed=True AllJobsCompleted"]
    );
    let status = status(&s);
    assert_eq!(
        (&status["terminalState"], &status["restarts"]),
        (&json!("Completed"), &json!(0))
    );
    assert_eq!(
        s.events("set"),
        ["AllJobsCompleted: jobset completed successfully"]
    );
}

#[test]
fn the_success_policy_names_who_decides() {
    let mut s = submit(json!({
        "replicatedJobs": [replicated("leader", 1, 1, "sleep 20"), replicated("rest", 2, 1, "sleep 5000")],
        "successPolicy": {"operator": "All", "targetReplicatedJobs": ["leader"]},
        "ttlSecondsAfterFinished": 300,
    }));
    s.run(120);
    assert_eq!(
        s.conditions("jobsets", "set"),
        ["Completed=True AllJobsCompleted"]
    );
    assert_eq!(
        s.names("jobs"),
        ["set-leader-0"],
        "who still ran is stopped"
    );
    s.run(400);
    assert!(s.names("jobsets").is_empty() && s.names("jobs").is_empty());
}

#[test]
fn without_a_policy_the_first_failed_job_fails_the_set() {
    let mut s = submit(json!({
        "replicatedJobs": [replicated("a", 1, 1, "sleep 5000"), replicated("b", 1, 1, "sleep 5; exit 1")],
    }));
    s.run(120);
    assert_eq!(s.conditions("jobsets", "set"), ["Failed=True FailedJobs"]);
    let status = status(&s);
    assert_eq!(status["terminalState"], "Failed");
    assert_eq!(
        status["conditions"][0]["message"],
        "jobset failed due to one or more job failures (first failed job: set-b-0)"
    );
    assert_eq!(s.names("jobs"), ["set-b-0"]);
}

#[test]
fn restarts_make_all_jobs_anew_until_they_are_used_up() {
    let mut s = submit(json!({
        "replicatedJobs": [replicated("a", 1, 1, "sleep 5000"), replicated("b", 1, 1, "sleep 60; exit 1")],
        "failurePolicy": {"maxRestarts": 1},
    }));
    let first = s.get("jobs", "set-a-0");
    s.run(125);
    assert_eq!(status(&s)["restarts"], 1);
    let second = s.get("jobs", "set-a-0");
    assert_ne!(first["metadata"]["uid"], second["metadata"]["uid"]);
    assert_eq!(
        second["metadata"]["labels"]["jobset.sigs.k8s.io/restart-attempt"],
        "1"
    );
    s.run(300);
    let conditions = s.conditions("jobsets", "set");
    assert_eq!(
        conditions,
        [
            "RestartingJobSet=False JobSetFailed",
            "Failed=True ReachedMaxRestarts"
        ]
    );
    assert_eq!(status(&s)["restartsCountTowardsMax"], 1);
    let events = s.events("set");
    assert!(events.contains(&"RestartJobSetFailurePolicyAction: applying RestartJobSet failure policy action (first failed job: set-b-0)".to_owned()), "{events:?}");
}

#[test]
fn a_rule_fails_the_set_at_once() {
    let mut s = submit(json!({
        "replicatedJobs": [replicated("a", 1, 1, "sleep 5; exit 1")],
        "failurePolicy": {"maxRestarts": 9, "rules": [
            {"name": "other", "action": "RestartJobSet", "targetReplicatedJobs": ["b"]},
            {"name": "mine", "action": "FailJobSet", "onJobFailureReasons": ["BackoffLimitExceeded"],
             "onJobFailureMessagePatterns": ["backoff"]},
        ]},
    }));
    s.run(120);
    assert_eq!(
        s.conditions("jobsets", "set"),
        ["Failed=True FailJobSetFailurePolicyAction"]
    );
}

#[test]
fn in_order_means_one_after_the_other_is_ready() {
    let mut s = submit(json!({
        "replicatedJobs": [replicated("first", 1, 1, "sleep 300"), replicated("second", 1, 1, "sleep 300")],
        "startupPolicy": {"startupPolicyOrder": "InOrder"},
    }));
    assert_eq!(s.names("jobs"), ["set-first-0"]);
    let reason = "StartupPolicyInProgress=True InOrderStartupPolicyInProgress";
    assert_eq!(s.conditions("jobsets", "set"), [reason]);
    s.run(60);
    assert_eq!(s.names("jobs"), ["set-first-0", "set-second-0"]);
    assert_eq!(
        s.conditions("jobsets", "set"),
        [
            "StartupPolicyInProgress=False InOrderStartupPolicyInProgress",
            "StartupPolicyCompleted=True InOrderStartupPolicyCompleted"
        ]
    );
}

#[test]
fn what_depends_on_another_waits_for_it() {
    let mut second = replicated("train", 1, 1, "sleep 300");
    second["dependsOn"] = json!([{"name": "fetch", "status": "Complete"}]);
    let mut s = submit(json!({"replicatedJobs": [replicated("fetch", 1, 1, "sleep 30"), second]}));
    s.run(20);
    assert_eq!(s.names("jobs"), ["set-fetch-0"]);
    s.run(40);
    assert_eq!(s.names("jobs"), ["set-fetch-0", "set-train-0"]);
}

#[test]
fn suspending_suspends_the_jobs_and_resuming_resumes_them() {
    let mut s = submit(json!({
        "suspend": true, "replicatedJobs": [replicated("a", 2, 1, "sleep 300")],
    }));
    assert_eq!(s.get("jobs", "set-a-1")["spec"]["suspend"], true);
    assert_eq!(
        s.conditions("jobsets", "set"),
        ["Suspended=True SuspendedJobs"]
    );
    s.run(5);
    assert_eq!(counts(&s, "a"), [0, 0, 0, 0, 2]);
    s.change("jobsets", "set", |v| v["spec"]["suspend"] = json!(false));
    s.run(60);
    assert_eq!(
        s.conditions("jobsets", "set"),
        ["Suspended=False ResumeJobs"]
    );
    assert_eq!(counts(&s, "a"), [2, 0, 0, 2, 0]);
    s.change("jobsets", "set", |v| v["spec"]["suspend"] = json!(true));
    s.run(60);
    assert!(s.names("pods").is_empty());
    assert_eq!(s.events("set").len(), 2, "{:?}", s.events("set"));
}

#[test]
fn one_managed_elsewhere_is_left_alone() {
    let s = submit(json!({
        "managedBy": "kueue.x-k8s.io/multikueue", "replicatedJobs": [replicated("a", 1, 1, "true")],
    }));
    assert!(s.names("jobs").is_empty() && status(&s).is_null());
}
