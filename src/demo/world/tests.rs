mod claims;
mod devices;

use super::*;
use crate::api::write::Delete;
use crate::clock::Clock;
use chrono::TimeDelta;
use rstest::rstest;
use serde_json::json;

fn world() -> World {
    let start = "2026-03-02T09:00:00Z".parse().unwrap();
    let mut world = World::new(Cluster::new(Clock::stepped(start, 1.0), 7));
    for name in ["node-a", "node-b"] {
        let node = json!({
            "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name, "topology.kubernetes.io/zone": "z1"}},
            "status": {
                "allocatable": {"cpu": "16", "memory": "64Gi", "pods": "110", "nvidia.com/gpu": "4"},
                "conditions": [{"type": "Ready", "status": "True"}],
            },
        });
        let by = Writer::new("test");
        world
            .cluster
            .create(world.kinds.nodes, "", node, &by)
            .unwrap();
    }
    world.settle();
    world
}

fn job(world: &mut World, name: &str, spec: Value) {
    let value = json!({"metadata": {"name": name}, "spec": spec});
    let by = Writer::new("kubectl");
    world
        .cluster
        .create(world.kinds.jobs, "default", value, &by)
        .unwrap();
}

fn template(policy: &str, command: Value) -> Value {
    json!({"spec": {"restartPolicy": policy, "containers": [{"name": "main", "image": "busybox:1.36", "command": command}]}})
}

fn run(world: &mut World, seconds: i64) {
    let to = world.cluster.clock.now() + TimeDelta::seconds(seconds);
    world.advance_to(to);
}

fn status(world: &World, name: &str) -> Value {
    world.object("jobs", "default", name).unwrap()["status"].clone()
}

fn conditions(status: &Value) -> Vec<String> {
    let all = status["conditions"].as_array().into_iter().flatten();
    all.filter(|c| c["status"] == "True")
        .map(|c| {
            format!(
                "{} {}",
                c["type"].as_str().unwrap(),
                c["reason"].as_str().unwrap()
            )
        })
        .collect()
}

const DOCS: &str = "import os, sys\nprint(\"Hello world\")\nif int(os.environ.get(\"JOB_COMPLETION_INDEX\")) % 2 == 0:\n  sys.exit(1)\n";

#[test]
fn the_documented_indexed_job_settles_as_on_a_real_cluster() {
    let mut w = world();
    job(
        &mut w,
        "docs",
        json!({
            "completions": 10, "parallelism": 3, "completionMode": "Indexed", "backoffLimit": 2_147_483_647,
            "backoffLimitPerIndex": 1, "maxFailedIndexes": 5,
            "template": template("Never", json!(["python3", "-c", DOCS])),
        }),
    );
    run(&mut w, 600);
    let s = status(&w, "docs");
    assert_eq!(
        conditions(&s),
        ["FailureTarget FailedIndexes", "Failed FailedIndexes"]
    );
    assert_eq!(s["completedIndexes"], "1,3,5,7,9");
    assert_eq!(s["failedIndexes"], "0,2,4,6,8");
    assert_eq!((&s["failed"], &s["succeeded"]), (&json!(10), &json!(5)));
    assert_eq!((&s["ready"], &s["terminating"]), (&json!(0), &json!(0)));
    assert_eq!(s["uncountedTerminatedPods"], json!({}));
    assert!(s["completionTime"].is_null() && s["active"].is_null());
    let pods = w.objects("pods", "default");
    assert_eq!(pods.len(), 15);
    assert!(
        pods.iter()
            .all(|p| p.value()["metadata"]["finalizers"].is_null())
    );
}

#[rstest]
#[case::one(json!({"completions": 1, "parallelism": 1, "template": template("Never", json!(["true"]))}),
    &["SuccessCriteriaMet CompletionsReached", "Complete CompletionsReached"], json!([1, null]))]
#[case::five(json!({"completions": 5, "parallelism": 2, "template": template("OnFailure", json!(["true"]))}),
    &["SuccessCriteriaMet CompletionsReached", "Complete CompletionsReached"], json!([5, null]))]
#[case::work_queue(json!({"parallelism": 3, "template": template("Never", json!(["sleep", "5"]))}),
    &["SuccessCriteriaMet CompletionsReached", "Complete CompletionsReached"], json!([3, null]))]
#[case::backoff(json!({"completions": 1, "parallelism": 1, "backoffLimit": 2, "template": template("Never", json!(["false"]))}),
    &["FailureTarget BackoffLimitExceeded", "Failed BackoffLimitExceeded"], json!([null, 3]))]
#[case::on_failure(json!({"completions": 1, "parallelism": 1, "backoffLimit": 1, "template": template("OnFailure", json!(["sh", "-c", "exit 1"]))}),
    &["FailureTarget BackoffLimitExceeded", "Failed BackoffLimitExceeded"], json!([null, 1]))]
#[case::deadline(json!({"completions": 1, "parallelism": 1, "activeDeadlineSeconds": 20, "template": template("Never", json!(["sleep", "900"]))}),
    &["FailureTarget DeadlineExceeded", "Failed DeadlineExceeded"], json!([null, 1]))]
#[case::fail_job(json!({"completions": 3, "parallelism": 3, "podReplacementPolicy": "Failed",
    "podFailurePolicy": {"rules": [{"action": "FailJob", "onExitCodes": {"operator": "In", "values": [42]}}]},
    "template": template("Never", json!(["sh", "-c", "sleep 3; exit 42"]))}),
    &["FailureTarget PodFailurePolicy", "Failed PodFailurePolicy"], json!([null, 3]))]
#[case::fail_index(json!({"completions": 4, "parallelism": 4, "completionMode": "Indexed", "backoffLimitPerIndex": 3, "backoffLimit": 2_147_483_647,
    "podFailurePolicy": {"rules": [{"action": "FailIndex", "onExitCodes": {"operator": "NotIn", "values": [17]}}]},
    "template": template("Never", json!(["sh", "-c", "exit $((JOB_COMPLETION_INDEX % 2))"]))}),
    &["FailureTarget FailedIndexes", "Failed FailedIndexes"], json!([2, 2]))]
#[case::max_failed(json!({"completions": 6, "parallelism": 1, "completionMode": "Indexed", "backoffLimitPerIndex": 0, "maxFailedIndexes": 1,
    "backoffLimit": 2_147_483_647, "template": template("Never", json!(["sh", "-c", "exit $((JOB_COMPLETION_INDEX % 2))"]))}),
    &["FailureTarget MaxFailedIndexesExceeded", "Failed MaxFailedIndexesExceeded"], json!([2, 2]))]
#[case::success_policy(json!({"completions": 5, "parallelism": 5, "completionMode": "Indexed",
    "successPolicy": {"rules": [{"succeededIndexes": "0-1"}]},
    "template": template("Never", json!(["sh", "-c", "if [ $JOB_COMPLETION_INDEX -gt 1 ]; then sleep 9000; fi"]))}),
    &["SuccessCriteriaMet SuccessPolicy", "Complete SuccessPolicy"], json!([2, null]))]
fn how_jobs_end(#[case] spec: Value, #[case] expected: &[&str], #[case] counts: Value) {
    let mut w = world();
    job(&mut w, "x", spec);
    run(&mut w, 900);
    let s = status(&w, "x");
    assert_eq!(conditions(&s), expected, "{s}");
    assert_eq!(json!([s["succeeded"], s["failed"]]), counts, "{s}");
    assert!(s["active"].is_null());
    assert_eq!(
        s["completionTime"].is_string(),
        expected[1].starts_with("Complete")
    );
}

#[test]
fn ignored_failures_count_nowhere() {
    let mut w = world();
    job(
        &mut w,
        "x",
        json!({
            "completions": 1, "parallelism": 1, "backoffLimit": 0,
            "podFailurePolicy": {"rules": [{"action": "Ignore", "onExitCodes": {"operator": "In", "values": [7]}}]},
            "template": template("Never", json!(["sh", "-c", "exit 7"])),
        }),
    );
    run(&mut w, 120);
    let s = status(&w, "x");
    assert!(s["failed"].is_null() && s["conditions"].is_null(), "{s}");
    assert!(w.objects("pods", "default").len() > 2);
}

#[test]
fn suspending_deletes_pods_and_resuming_starts_the_clock_again() {
    let mut w = world();
    job(
        &mut w,
        "x",
        json!({"completions": 2, "parallelism": 2, "template": template("Never", json!(["sleep", "300"]))}),
    );
    run(&mut w, 20);
    assert_eq!(status(&w, "x")["ready"], 2);
    let set = |w: &mut World, suspend: bool| {
        let mut value = w.object("jobs", "default", "x").unwrap();
        value["spec"]["suspend"] = json!(suspend);
        let generation = value["metadata"]["generation"].as_i64().unwrap_or(1);
        value["metadata"]["generation"] = json!(generation + 1);
        w.cluster
            .update(w.kinds.jobs, value, &Writer::new("kubectl"))
            .unwrap();
    };
    set(&mut w, true);
    run(&mut w, 60);
    let s = status(&w, "x");
    assert_eq!(conditions(&s), ["Suspended JobSuspended"]);
    assert!(
        s["startTime"].is_null() && s["active"].is_null() && s["failed"].is_null(),
        "{s}"
    );
    assert!(w.objects("pods", "default").is_empty());
    set(&mut w, false);
    run(&mut w, 400);
    let s = status(&w, "x");
    assert_eq!(
        conditions(&s),
        [
            "SuccessCriteriaMet CompletionsReached",
            "Complete CompletionsReached"
        ]
    );
    assert_eq!(s["conditions"][0]["reason"], "JobResumed");
}

#[test]
fn finished_jobs_go_with_their_pods_when_their_time_is_over() {
    let mut w = world();
    job(
        &mut w,
        "x",
        json!({"completions": 1, "parallelism": 1, "ttlSecondsAfterFinished": 30, "template": template("Never", json!(["true"]))}),
    );
    run(&mut w, 20);
    assert_eq!(status(&w, "x")["succeeded"], 1);
    run(&mut w, 60);
    assert!(w.object("jobs", "default", "x").is_none());
    assert!(w.objects("pods", "default").is_empty());
}

#[test]
fn an_image_that_cannot_be_pulled_keeps_the_pod_waiting() {
    let mut w = world();
    let mut t = template("Never", json!(["true"]));
    t["spec"]["containers"][0]["image"] = json!("registry.invalid/train:1");
    job(
        &mut w,
        "x",
        json!({"completions": 1, "parallelism": 1, "template": t}),
    );
    run(&mut w, 120);
    let pod = w.objects("pods", "default")[0].value();
    assert_eq!(pod["status"]["phase"], "Pending");
    let reason = pod["status"]["containerStatuses"][0]["state"]["waiting"]["reason"]
        .as_str()
        .unwrap();
    assert!(["ImagePullBackOff", "ErrImagePull"].contains(&reason));
}

#[test]
fn what_fits_nowhere_waits_with_the_reason_until_something_is_freed() {
    let mut w = world();
    let gpus = |n: u32, command: Value| {
        let mut t = template("Never", command);
        t["spec"]["containers"][0]["resources"] =
            json!({"limits": {"nvidia.com/gpu": n.to_string()}});
        json!({"completions": 1, "parallelism": 1, "template": t})
    };
    for name in ["a", "b"] {
        job(&mut w, name, gpus(4, json!(["sleep", "100"])));
    }
    run(&mut w, 5);
    job(&mut w, "c", gpus(2, json!(["sleep", "10"])));
    job(&mut w, "d", gpus(8, json!(["true"])));
    run(&mut w, 20);
    let message = |w: &World, job: &str| {
        let pods = w.objects("pods", "default");
        let pod = pods
            .iter()
            .find(|p| p.name.starts_with(&format!("{job}-")))
            .unwrap()
            .value();
        pod["status"]["conditions"][0]["message"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    assert_eq!(
        message(&w, "c"),
        "0/2 nodes are available: 2 Insufficient nvidia.com/gpu. no new claims to deallocate, preemption: 0/2 nodes are available: 2 No preemption victims found for incoming pod."
    );
    assert!(message(&w, "d").ends_with("2 Preemption is not helpful for scheduling."));
    run(&mut w, 150);
    assert_eq!(conditions(&status(&w, "c")).len(), 2);
    let events = w.objects("events", "default");
    assert!(
        events
            .iter()
            .any(|e| e.value()["reason"] == "FailedScheduling")
    );
}

#[test]
fn cron_jobs_start_on_the_minute_and_forbid_overlap() {
    let mut w = world();
    let cron = json!({"metadata": {"name": "tick"}, "spec": {
        "schedule": "* * * * *", "concurrencyPolicy": "Forbid", "successfulJobsHistoryLimit": 1,
        "jobTemplate": {"spec": {"completions": 1, "parallelism": 1, "template": template("Never", json!(["sleep", "70"]))}},
    }});
    w.cluster
        .create(w.kinds.cronjobs, "default", cron, &Writer::new("kubectl"))
        .unwrap();
    run(&mut w, 65);
    let jobs = w.objects("jobs", "default");
    assert_eq!(jobs.len(), 1);
    let minute = "2026-03-02T09:01:00Z"
        .parse::<DateTime<Utc>>()
        .unwrap()
        .timestamp()
        / 60;
    assert_eq!(jobs[0].name, format!("tick-{minute}"));
    let status = w.object("cronjobs", "default", "tick").unwrap()["status"].clone();
    assert_eq!(status["active"][0]["name"], jobs[0].name.as_str());
    assert_eq!(status["lastScheduleTime"], "2026-03-02T09:01:00Z");
    run(&mut w, 600);
    let status = w.object("cronjobs", "default", "tick").unwrap()["status"].clone();
    assert!(status["lastSuccessfulTime"].is_string());
    assert!(w.objects("jobs", "default").len() <= 2);
}

#[test]
fn deleting_a_job_takes_its_pods_along() {
    let mut w = world();
    job(
        &mut w,
        "x",
        json!({"completions": 2, "parallelism": 2, "template": template("Never", json!(["sleep", "9000"]))}),
    );
    run(&mut w, 20);
    let how = Delete {
        propagation: Some("Background".to_owned()),
        ..Delete::default()
    };
    w.cluster
        .delete(w.kinds.jobs, "default", "x", &how)
        .unwrap();
    run(&mut w, 90);
    assert!(w.object("jobs", "default", "x").is_none());
    assert!(w.objects("pods", "default").is_empty());
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let bytes = || {
        let mut w = world();
        job(
            &mut w,
            "x",
            json!({"completions": 6, "parallelism": 3, "completionMode": "Indexed", "backoffLimit": 3,
            "template": template("Never", json!(["sh", "-c", "sleep $((RANDOM % 9)); exit $((RANDOM % 2))"]))}),
        );
        run(&mut w, 200);
        let mut out = Vec::new();
        for plural in ["jobs", "pods", "events"] {
            out.extend(
                w.objects(plural, "default")
                    .iter()
                    .flat_map(|o| o.json().to_vec()),
            );
        }
        out
    };
    assert_eq!(bytes(), bytes());
}

/// A Job of random shape whose pods end in random ways.
fn any_job() -> impl proptest::strategy::Strategy<Value = Value> {
    use proptest::prelude::*;
    let program = prop::sample::select(vec![
        "sleep $((RANDOM % 5))",
        "sleep $((RANDOM % 9)); exit $((RANDOM % 2))",
        "exit $((RANDOM % 3))",
        "exit $(( (JOB_COMPLETION_INDEX % 3 == 1) + 0 ))",
    ]);
    let sizes = (1u32..9, 1u32..5, 0u32..4);
    (
        sizes,
        prop::bool::ANY,
        prop::option::of(0u32..3),
        program,
        prop::bool::ANY,
    )
        .prop_map(
            |((completions, parallelism, limit), indexed, per_index, program, on_failure)| {
                let per_index = per_index.filter(|_| indexed);
                let policy = if on_failure && per_index.is_none() {
                    "OnFailure"
                } else {
                    "Never"
                };
                let mut spec = json!({
                    "completions": completions, "parallelism": parallelism, "backoffLimit": limit,
                    "completionMode": if indexed { "Indexed" } else { "NonIndexed" },
                    "template": template(policy, json!(["sh", "-c", program])),
                });
                if let Some(n) = per_index {
                    spec["backoffLimitPerIndex"] = json!(n);
                    spec["backoffLimit"] = json!(2_147_483_647);
                }
                spec
            },
        )
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(12))]
    #[test]
    fn every_job_ends_with_counters_that_agree_with_its_pods(spec in any_job()) {
        let mut w = world();
        job(&mut w, "x", spec.clone());
        run(&mut w, 7200);
        let s = status(&w, "x");
        let ends = conditions(&s);
        proptest::prop_assert_eq!(ends.len(), 2, "{} -> {}", spec, s);
        proptest::prop_assert!(s["active"].is_null());
        proptest::prop_assert_eq!(&s["uncountedTerminatedPods"], &json!({}));
        let pods: Vec<Value> = w.objects("pods", "default").iter().map(|p| p.value()).collect();
        let tracked = pods.iter().filter(|p| !p["metadata"]["finalizers"].is_null());
        proptest::prop_assert_eq!(tracked.count(), 0);
        let phase = |name: &str| pods.iter().filter(|p| p["status"]["phase"] == name).count() as u64;
        let (succeeded, failed) = (s["succeeded"].as_u64().unwrap_or(0), s["failed"].as_u64().unwrap_or(0));
        let done = ends[1].starts_with("Complete");
        proptest::prop_assert_eq!(succeeded, phase("Succeeded"), "{}", s);
        proptest::prop_assert!(phase("Failed") <= failed, "{}", s);
        proptest::prop_assert_eq!(done, succeeded == spec["completions"].as_u64().unwrap_or(0));
        proptest::prop_assert_eq!(done, s["completionTime"].is_string());
    }
}
