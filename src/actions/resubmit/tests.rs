use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

use super::*;
use crate::actions::{document, templates};

fn set(text: &str) -> IndexSet {
    IndexSet::parse(text, None)
}

fn job(container: Value) -> Value {
    json!({
        "apiVersion": "batch/v1", "kind": "Job",
        "metadata": {"name": "sweep", "namespace": "ml", "uid": "u", "annotations": {"kueue.x-k8s.io/job-min-parallelism": "2"}},
        "spec": {
            "completionMode": "Indexed", "completions": 10, "parallelism": 5, "backoffLimitPerIndex": 1,
            "maxFailedIndexes": 5, "successPolicy": {"rules": [{"succeededIndexes": "0-3"}]},
            "template": {"spec": {"restartPolicy": "Never", "containers": [container]}},
        },
        "status": {"failedIndexes": "3,7,8", "completedIndexes": "0-2,4", "conditions": [{"type": "Failed", "status": "True"}]},
    })
}

fn shell() -> Value {
    json!({"name": "main", "image": "i", "command": ["sh", "-c", "echo $JOB_COMPLETION_INDEX"]})
}

fn failed(object: &Value, wanted: Option<&str>) -> Result<Draft, Refusal> {
    let wanted = wanted.map(set);
    let options = Options {
        failed_indexes: true,
        ..Options::default()
    };
    resubmit(object, None, wanted.as_ref(), &options, |_| false)
}

fn main(draft: &Draft) -> &Value {
    &draft.manifest["spec"]["template"]["spec"]["containers"][0]
}

#[test]
fn the_failed_indexes_become_a_job_of_their_own() {
    let draft = failed(&job(shell()), None).unwrap();
    let notes = draft.notes.join("; ");
    let (meta, spec) = (&draft.manifest["metadata"], &draft.manifest["spec"]);
    assert_eq!(meta["name"], "sweep-r2");
    assert_eq!(
        meta["annotations"],
        json!({indexes::MAP: "3,7,8", "kueue.x-k8s.io/job-min-parallelism": "2"})
    );
    assert_eq!(
        spec["template"]["metadata"]["annotations"][indexes::MAP],
        "3,7,8"
    );
    assert_eq!(
        (
            &spec["completions"],
            &spec["parallelism"],
            &spec["maxFailedIndexes"]
        ),
        (&json!(3), &json!(3), &json!(3))
    );
    assert!(spec["successPolicy"].is_null() && draft.manifest["status"].is_null());
    for words in [
        "only indexes 3,7,8 run",
        "indexes 5,6,9 did not run",
        "is as before",
        "without a shell",
        "host name",
    ] {
        assert!(notes.contains(words), "{words}: {notes}");
    }
    assert_eq!(main(&draft)["command"][0], "/bin/sh");
    let env = main(&draft)["env"].as_array().unwrap();
    assert_eq!(
        env[1],
        json!({"name": "JOBDECK_INDEX_MAP", "value": "3 7 8"})
    );
}

#[test]
fn one_index_is_a_plain_value_whatever_the_image_starts() {
    let container = json!({"name": "main", "image": "i", "args": ["--shard=$(JOB_COMPLETION_INDEX)", "$(SHARD)"],
        "env": [
            {"name": "SHARD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['batch.kubernetes.io/job-completion-index']"}}},
            {"name": "OUT", "value": "/data/$(SHARD)"},
        ],
        "volumeMounts": [{"name": "d", "mountPath": "/d", "subPathExpr": "$(SHARD)"}]});
    let draft = failed(&job(container.clone()), Some("7")).unwrap();
    let main = main(&draft);
    assert_eq!(main["args"], container["args"]);
    assert!(main["command"].is_null());
    assert_eq!(
        main["env"],
        json!([{"name": "SHARD", "value": "7"}, {"name": "OUT", "value": "/data/$(SHARD)"}, {"name": "JOB_COMPLETION_INDEX", "value": "7"}])
    );
    assert!(
        draft
            .notes
            .join("; ")
            .contains("JOB_COMPLETION_INDEX is 7, as before")
    );
}

#[test]
fn the_first_indexes_need_nothing_and_all_of_them_leave_nothing_out() {
    let draft = failed(&job(shell()), Some("0-2")).unwrap();
    assert_eq!(main(&draft), &shell());
    assert_eq!(draft.manifest["spec"]["completions"], 3);
    assert!(draft.manifest["metadata"]["annotations"][indexes::MAP].is_null());
    let draft = failed(&job(shell()), Some("0-9")).unwrap();
    assert_eq!(
        (&draft.manifest["spec"]["completions"], main(&draft)),
        (&json!(10), &shell())
    );
}

#[rstest]
#[case(json!({"name": "main", "args": ["x"]}), "has no command", "one index alone is told it by a fixed value")]
#[case(json!({"name": "main", "command": ["a"], "volumeMounts": [{"subPathExpr": "x/$(JOB_COMPLETION_INDEX)"}]}),
    "directory of another index", "one index alone")]
#[case(json!({"name": "main", "command": ["a"], "livenessProbe": {"exec": {"command": ["sh", "-c", "test -e /$JOB_COMPLETION_INDEX"]}}}),
    "livenessProbe of container main reads JOB_COMPLETION_INDEX", "one index alone")]
#[case(json!({"name": "main", "command": ["sh", "-c", "i=${HOSTNAME##*-}; run $i"]}), "reads the host's name", "JOB_COMPLETION_INDEX")]
fn what_cannot_be_made_right_is_refused(
    #[case] container: Value,
    #[case] why: &str,
    #[case] next: &str,
) {
    let refusal = failed(&job(container), None).unwrap_err();
    assert!(refusal.why.contains(why), "{refusal}");
    assert!(refusal.next.unwrap_or_default().contains(next));
}

#[test]
fn what_the_job_says_can_be_in_the_way() {
    let with = |at: &str, value: Value| {
        let mut job = job(shell());
        let (parent, key) = at.rsplit_once('/').unwrap();
        job.pointer_mut(parent).unwrap()[key] = value;
        failed(&job, None).unwrap_err().to_string()
    };
    assert!(
        with("/spec/template/spec/subdomain", json!("peers")).contains("find each other by index")
    );
    let volume = json!([{"name": "v", "projected": {"sources": [{"downwardAPI": {"items": [
        {"path": "i", "fieldRef": {"fieldPath": "metadata.annotations['batch.kubernetes.io/job-completion-index']"}}]}}]}}]);
    assert!(with("/spec/template/spec/volumes", volume).contains("file with the index"));
    assert!(with("/spec/completionMode", json!("NonIndexed")).contains("not Indexed"));
    assert!(with("/status", json!({"completedIndexes": "0-9", "conditions": [{"type": "Complete", "status": "True"}]})).contains("are done"));
    assert!(with("/status", json!({"active": 3})).contains("for good yet"));
    assert!(with("/status", Value::Null).contains("not known any more: name the indexes"));
    assert!(
        failed(&job(shell()), Some("12"))
            .unwrap_err()
            .to_string()
            .contains("no index 12")
    );
    let torch = json!({"kind": "PyTorchJob", "metadata": {"name": "t"}, "spec": {}});
    assert!(
        failed(&torch, None)
            .unwrap_err()
            .to_string()
            .contains("only an Indexed Job")
    );
    // without a limit per index, what did not succeed is meant
    let mut plain = job(shell());
    plain["status"]["failedIndexes"] = Value::Null;
    let draft = failed(&plain, None).unwrap();
    assert_eq!(
        draft.manifest["metadata"]["annotations"][indexes::MAP],
        "3,5-9"
    );
}

#[test]
fn a_sidecar_that_cannot_be_wrapped_gets_no_number_at_all() {
    let mut job = job(shell());
    let containers = &mut job["spec"]["template"]["spec"]["containers"];
    containers
        .as_array_mut()
        .unwrap()
        .push(json!({"name": "side", "image": "s", "args": ["-v"]}));
    let draft = failed(&job, None).unwrap();
    let side = &draft.manifest["spec"]["template"]["spec"]["containers"][1];
    assert!(
        side["env"][0]["value"]
            .as_str()
            .unwrap()
            .parse::<u32>()
            .is_err(),
        "{side}"
    );
    assert!(
        draft.notes.iter().any(|n| n.contains("container side")),
        "{:?}",
        draft.notes
    );
    let containers = &mut job["spec"]["template"]["spec"]["containers"];
    containers[1]["args"] = json!(["$(JOB_COMPLETION_INDEX)"]);
    assert!(
        failed(&job, None)
            .unwrap_err()
            .to_string()
            .contains("in its args")
    );
}

/// What a container of the manifest prints as the pod of one index, with the environment that the kubelet makes.
#[cfg(unix)]
fn run(container: &Value, index: u32) -> String {
    let mut env: Vec<(String, String)> = Vec::new();
    let expand = |text: &str, env: &[(String, String)]| {
        env.iter()
            .rev()
            .fold(text.to_owned(), |text, (name, value)| {
                text.replace(&format!("$({name})"), value)
            })
    };
    for entry in container["env"].as_array().into_iter().flatten() {
        let value = match entry["value"].as_str() {
            Some(value) => expand(value, &env),
            None => index.to_string(),
        };
        env.push((entry["name"].as_str().unwrap().into(), value));
    }
    if !env.iter().any(|(name, _)| name == "JOB_COMPLETION_INDEX") {
        env.push(("JOB_COMPLETION_INDEX".into(), index.to_string()));
    }
    let words = ["command", "args"]
        .into_iter()
        .flat_map(|key| container[key].as_array().into_iter().flatten());
    let words: Vec<String> = words.map(|w| expand(w.as_str().unwrap(), &env)).collect();
    let output = std::process::Command::new(&words[0])
        .args(&words[1..])
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .envs(env)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[cfg(unix)]
#[test]
fn a_real_shell_tells_each_program_its_old_index() {
    let container = json!({
        "name": "main",
        "command": ["sh", "-c", "echo \"$JOB_COMPLETION_INDEX|$SHARD|$OUT|$MODE|$#|$1|$2|$3\"", "x"],
        "args": ["--shard=$(SHARD) of $(JOB_COMPLETION_INDEX)", "", "--"],
        "env": [
            {"name": "MODE", "value": "a 'b' \"c\" *"},
            {"name": "SHARD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.annotations['batch.kubernetes.io/job-completion-index']"}}},
            {"name": "OUT", "value": "/o/$(SHARD)/$(MODE)"},
        ],
    });
    let said = |draft: &Draft, index| run(main(draft), index);
    let want =
        |i: u32| format!("{i}|{i}|/o/{i}/a 'b' \"c\" *|a 'b' \"c\" *|3|--shard={i} of {i}||--");
    assert_eq!(run(&container, 4), want(4), "the test itself is right");
    let draft = failed(&job(container.clone()), None).unwrap();
    for (index, old) in [(0, 3), (1, 7), (2, 8)] {
        assert_eq!(said(&draft, index), want(old));
    }
    // of those again the last two, and of those one: still the indexes of the first job
    let mut second = draft.manifest.clone();
    second["status"] = json!({"failedIndexes": "1,2"});
    let draft = failed(&second, None).unwrap();
    assert_eq!(draft.manifest["metadata"]["name"], "sweep-r3");
    assert_eq!(
        draft.manifest["metadata"]["annotations"][indexes::MAP],
        "7,8"
    );
    assert_eq!((said(&draft, 0), said(&draft, 1)), (want(7), want(8)));
    let mut third = draft.manifest.clone();
    third["status"] = json!({"failedIndexes": "1"});
    let draft = failed(&third, None).unwrap();
    assert_eq!(said(&draft, 0), want(8));
    assert_eq!(main(&draft)["command"][0], "sh");
}

#[rstest]
#[case(Options { name: Some("My_Job".into()), ..Options::default() }, "e.g. my-job")]
#[case(Options { name: Some("taken".into()), ..Options::default() }, "there is a job/taken already")]
#[case(Options { image: Some("x=y".into()), ..Options::default() }, "no container and no role x")]
fn options_that_cannot_be(#[case] options: Options, #[case] words: &str) {
    let refusal = resubmit(&job(shell()), None, None, &options, |name| name == "taken");
    assert!(refusal.unwrap_err().to_string().contains(words));
}

#[test]
fn names_go_on_where_they_are_free() {
    let draft = resubmit(&job(shell()), None, None, &Options::default(), |name| {
        name == "sweep-r2"
    })
    .unwrap();
    assert_eq!(draft.manifest["metadata"]["name"], "sweep-r3");
    assert_eq!(draft.manifest["spec"]["completions"], 10);
}

#[test]
fn a_second_cronjob_says_that_both_make_jobs() {
    let long = format!("nightly-{}", "x".repeat(44));
    let cron = |name: &str| {
        json!({"kind": "CronJob", "metadata": {"name": name}, "spec": {"schedule": "0 3 * * *",
            "jobTemplate": {"spec": {"template": {"spec": {"containers": [{"name": "main", "image": "a:1"}]}}}}}})
    };
    let options = Options {
        image: Some("a:2".into()),
        ..Options::default()
    };
    let draft = resubmit(&cron("nightly"), None, None, &options, |_| false).unwrap();
    let container = "/spec/jobTemplate/spec/template/spec/containers/0/image";
    assert_eq!(draft.manifest.pointer(container), Some(&json!("a:2")));
    assert_eq!(draft.manifest["metadata"]["name"], "nightly-r2");
    assert!(
        draft
            .notes
            .iter()
            .any(|n| n.contains("both make Jobs at 0 3 * * *")),
        "{:?}",
        draft.notes
    );
    // the controller adds eleven characters to its name
    let draft = resubmit(&cron(&long), None, None, &options, |_| false).unwrap();
    assert_eq!(
        draft.manifest["metadata"]["name"].as_str().unwrap().len(),
        52
    );
    let named = Options {
        name: Some("n".repeat(53)),
        ..Options::default()
    };
    let refusal = resubmit(&cron("nightly"), None, None, &named, |_| false).unwrap_err();
    assert!(refusal.to_string().contains("longer than 52"), "{refusal}");
}

#[test]
fn a_pod_of_a_group_waits_alone() {
    let pod = json!({"kind": "Pod", "metadata": {"name": "p",
        "labels": {"kueue.x-k8s.io/queue-name": "a", "kueue.x-k8s.io/pod-group-name": "trio", "kueue.x-k8s.io/managed": "true"},
        "annotations": {"kueue.x-k8s.io/pod-group-total-count": "3"}},
        "spec": {"nodeName": "n", "containers": [{"name": "main"}], "schedulingGates": [{"name": "kueue.x-k8s.io/admission"}]}});
    let draft = resubmit(&pod, None, None, &Options::default(), |_| false).unwrap();
    assert_eq!(
        draft.manifest,
        json!({"kind": "Pod", "metadata": {"name": "p-r2", "labels": {"kueue.x-k8s.io/queue-name": "a"}},
            "spec": {"containers": [{"name": "main"}]}})
    );
    assert!(draft.notes.iter().any(|n| n.contains("pod group trio")));
}

/// What the server and the controllers make of a manifest that is submitted.
fn served(manifest: &Value) -> Value {
    let mut object = manifest.clone();
    let name = manifest["metadata"]["name"].clone();
    object["metadata"]["uid"] = "0a1b".into();
    object["metadata"]["resourceVersion"] = "17".into();
    object["metadata"]["generation"] = 3.into();
    object["metadata"]["creationTimestamp"] = "2026-01-01T00:00:00Z".into();
    object["metadata"]["managedFields"] = json!([{"manager": "jobdeck"}]);
    object["status"] = json!({"active": 1, "failedIndexes": "1"});
    if manifest["kind"] == "Job" {
        for at in ["/metadata", "/spec/template/metadata"] {
            if object.pointer(at).is_none() {
                object["spec"]["template"]["metadata"] = json!({"creationTimestamp": null});
            }
            let meta = object.pointer_mut(at).unwrap();
            for key in ["batch.kubernetes.io/job-name", "job-name"] {
                meta["labels"][key] = name.clone();
            }
            for key in ["batch.kubernetes.io/controller-uid", "controller-uid"] {
                meta["labels"][key] = "0a1b".into();
            }
        }
        object["spec"]["selector"] =
            json!({"matchLabels": {"batch.kubernetes.io/controller-uid": "0a1b"}});
        object["spec"]["manualSelector"] = false.into();
    }
    object
}

fn options() -> impl Strategy<Value = Options> {
    let text = |word: &'static str| proptest::option::of(Just(word.to_owned()));
    let count = proptest::option::of((1u32..9).prop_map(|n| Count { of: None, n }));
    let flavor = proptest::option::of(Just(Flavor {
        name: "f".into(),
        labels: [("pool".to_owned(), "a".to_owned())].into(),
        ..Flavor::default()
    }));
    (
        text("q"),
        text("high"),
        text("me/i:1"),
        count,
        flavor,
        any::<bool>(),
    )
        .prop_map(
            |(queue, priority, image, parallelism, flavor, failed_indexes)| Options {
                name: None,
                queue,
                priority,
                image,
                parallelism,
                flavor,
                failed_indexes,
            },
        )
}

proptest! {
    /// Whatever was wanted the first time: once more with nothing wanted is the same under another name.
    #[test]
    fn resubmitting_a_resubmitted_job_changes_nothing_but_its_name(
        n in 0usize..12, options in options(), failed in "[1-6](,[1-6]){0,3}",
    ) {
        let all = templates::all(Vec::new());
        let text = &all[n].text;
        let object = served(&document::parse(text).unwrap().remove(0).value);
        let failed = IndexSet::parse(&failed, None);
        // what a kind refuses is left out
        let mut options = options;
        let mut first = resubmit(&object, None, Some(&failed), &options, |_| false);
        for _ in 0..3 {
            if first.is_ok() { break; }
            if options.failed_indexes { options.failed_indexes = false } else if options.parallelism.is_some() { options.parallelism = None } else { options.priority = None }
            first = resubmit(&object, None, Some(&failed), &options, |_| false);
        }
        let first = first.map_err(|e| TestCaseError::fail(e.to_string()))?.manifest;
        let again = resubmit(&served(&first), None, None, &Options::default(), |_| false);
        let mut again = again.map_err(|e| TestCaseError::fail(e.to_string()))?.manifest;
        prop_assert_ne!(&again["metadata"]["name"], &first["metadata"]["name"]);
        again["metadata"]["name"] = first["metadata"]["name"].clone();
        // what is queued is held by Kueue, whatever it said before
        prop_assert_eq!(again, first);
    }
}
