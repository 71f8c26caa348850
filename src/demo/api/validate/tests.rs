//! Validation against the sentences of the real server.

use super::*;
use crate::api::defaults;
use crate::kinds;

fn kind(name: &str) -> Kind {
    let found = kinds::builtin().into_iter().find(|k| k.kind == name);
    found.unwrap()
}

fn said(causes: &[Cause]) -> Vec<String> {
    causes
        .iter()
        .map(|c| format!("{}: {}", c.field, c.message))
        .collect()
}

fn job(spec: Value) -> Value {
    let mut job = json!({"metadata": {"name": "j", "uid": "u"}, "spec": {
        "manualSelector": true, "selector": {"matchLabels": {"a": "b"}},
        "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}]}}}});
    for (k, v) in spec.as_object().unwrap() {
        job["spec"][k] = v.clone();
    }
    defaults::apply("batch", "Job", &mut job);
    job
}

#[test]
fn a_plain_job_is_fine() {
    assert_eq!(create(&kind("Job"), &job(json!({}))), []);
}

#[test]
fn wrong_jobs_are_told_what_is_wrong() {
    for (spec, want) in [
        (
            json!({"parallelism": -1}),
            "spec.parallelism: Invalid value: -1: must be greater than or equal to 0",
        ),
        (
            json!({"completionMode": "Indexed", "parallelism": 2}),
            "spec.completions: Required value: when completion mode is Indexed",
        ),
        (
            json!({"backoffLimitPerIndex": 1}),
            "spec.backoffLimitPerIndex: Invalid value: 1: requires indexed completion mode",
        ),
        (
            json!({"podReplacementPolicy": "Never"}),
            "spec.podReplacementPolicy: Unsupported value: \"Never\": supported values: \"Failed\", \"TerminatingOrFailed\"",
        ),
        (
            json!({"podFailurePolicy": {"rules": [{"action": "FailJob", "onExitCodes": {"operator": "In", "values": [2, 1]}}]}}),
            "spec.podFailurePolicy.rules[0].onExitCodes.values: Invalid value: [2,1]: must be ordered",
        ),
        (
            json!({"completionMode": "Indexed", "completions": 3, "successPolicy": {"rules": [{"succeededIndexes": "1,5"}]}}),
            "spec.successPolicy.rules[0].succeededIndexes: Invalid value: \"1,5\": error parsing succeededIndexes: too large index: \"5\"",
        ),
        (
            json!({"template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "A", "image": "i"}]}}}),
            "spec.template.spec.restartPolicy: Required value: valid values: \"OnFailure\", \"Never\"",
        ),
    ] {
        let found = said(&create(&kind("Job"), &job(spec)));
        assert!(found.iter().any(|f| f == want), "{want}\n{found:?}");
    }
}

#[test]
fn what_is_immutable_stays() {
    let old = job(json!({"completions": 3}));
    let mut new = old.clone();
    new["spec"]["completions"] = json!(4);
    new["spec"]["backoffLimit"] = json!(2);
    new["spec"]["template"]["spec"]["containers"][0]["image"] = json!("other");
    let found = said(&update(&kind("Job"), &old, &new, ""));
    assert_eq!(
        found[0],
        "spec.completions: Invalid value: 4: field is immutable"
    );
    assert!(found[1].starts_with("spec.template: Invalid value: {"));
    assert_eq!(found.len(), 2);
    // A suspended job may still be told where to go, and an Indexed one may grow.
    let mut held = job(
        json!({"completionMode": "Indexed", "completions": 2, "parallelism": 2, "suspend": true}),
    );
    let mut moved = held.clone();
    moved["spec"]["template"]["spec"]["nodeSelector"] = json!({"x": "y"});
    moved["spec"]["completions"] = json!(5);
    moved["spec"]["parallelism"] = json!(5);
    assert_eq!(update(&kind("Job"), &held, &moved, ""), []);
    held["status"] = json!({"active": 1});
    assert_eq!(update(&kind("Job"), &held, &moved, "").len(), 1);
}

#[test]
fn a_pod_keeps_its_spec_but_for_its_images() {
    let mut old =
        json!({"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}});
    defaults::apply("", "Pod", &mut old);
    let mut new = old.clone();
    new["spec"]["containers"][0]["image"] = json!("other");
    assert_eq!(update(&kind("Pod"), &old, &new, ""), []);
    new["spec"]["restartPolicy"] = json!("Never");
    let found = update(&kind("Pod"), &old, &new, "");
    assert_eq!(
        (found[0].reason, found[0].field.as_str()),
        ("FieldValueForbidden", "spec")
    );
}

#[test]
fn cron_jobs_need_a_schedule() {
    let cron = |schedule: &str| {
        let mut c = json!({"metadata": {"name": "c"}, "spec": {"schedule": schedule, "jobTemplate": {"spec": {
            "template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}]}}}}}});
        defaults::apply("batch", "CronJob", &mut c);
        said(&create(&kind("CronJob"), &c))
    };
    assert_eq!(cron("*/5 * * * *"), Vec::<String>::new());
    assert_eq!(cron("@hourly"), Vec::<String>::new());
    assert_eq!(cron(""), ["spec.schedule: Required value"]);
    assert_eq!(
        cron("* * *"),
        ["spec.schedule: Invalid value: \"* * *\": expected exactly 5 fields, found 3: [* * *]"]
    );
}
