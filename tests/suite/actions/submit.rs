//! Submitting and resubmitting: what is sent, and what becomes of it when the server says no or is gone; then the commands
//! on the demo cluster, whose server, controllers and webhooks have their say.

use std::sync::Arc;

use jobdeck::actions::{Step, document, templates};
use jobdeck::cluster::writes::Rules;
use jobdeck::model::job::Phase;
use jobdeck::model::want::Kind;
use serde_json::{Value, json};

use super::commands::Shell;
use super::demo::Hands;
use super::{object, open};
use crate::scripted::{Server, Turn};
use crate::served::Served;

const JOBS: &str = "/apis/batch/v1/namespaces/ml/jobs";
const TRAIN: &str = "/apis/batch/v1/namespaces/ml/jobs/train";

fn manifest() -> Value {
    json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "train", "namespace": "ml"}, "spec": {}})
}

fn create() -> Step {
    Step::create(object(Kind::Job, "ml", "train", None), Arc::new(manifest()))
}

#[tokio::test]
async fn an_object_is_made_once_whatever_becomes_of_the_answer() {
    let webhook = "admission webhook \"quota.example.com\" denied the request: ask Ann";
    let quota =
        "jobs.batch \"train\" is forbidden: exceeded quota: team, requested: count/jobs.batch=1";
    let invalid =
        "Job.batch \"train\" is invalid: spec.template.spec.restartPolicy: Required value";
    let cases = [
        (
            "taken",
            Turn::Say(201, json!({})),
            "done",
            "created job/train in ml",
        ),
        (
            "no role",
            Turn::Say(403, json!("no")),
            "forbidden",
            "needs create jobs",
        ),
        (
            "a webhook",
            Turn::Say(403, json!(webhook)),
            "denied",
            "ask Ann",
        ),
        (
            "a quota",
            Turn::Say(403, json!(quota)),
            "denied",
            "free some of the quota first",
        ),
        (
            "invalid",
            Turn::Say(422, json!(invalid)),
            "denied",
            "restartPolicy: Required value",
        ),
        (
            "no namespace",
            Turn::Say(404, json!("namespaces \"ml\" not found")),
            "notFound",
            "is there a namespace ml?",
        ),
        (
            "somebody was faster",
            Turn::Say(409, json!("jobs.batch \"train\" already exists")),
            "conflict",
            "already exists",
        ),
        (
            "busy",
            Turn::Say(429, json!("slow down")),
            "unreachable",
            "try again in a moment",
        ),
        (
            "cut before it was taken",
            Turn::Cut(None),
            "unreachable",
            "has not done it",
        ),
        (
            "cut after it was taken",
            Turn::Cut(Some(manifest())),
            "done",
            "but it is done",
        ),
        (
            "a gateway that gave up",
            Turn::Say(504, json!("timed out")),
            "unreachable",
            "has not done it",
        ),
    ];
    for (what, turn, result, words) in cases {
        let server = Server::start();
        server.turn("POST", JOBS, turn);
        let open = open(&server, Rules::default()).await;
        let outcome = open.gate.step(create()).await;
        let said = outcome.sentence();
        assert_eq!(outcome.result(), result, "{what}: {said}");
        assert!(said.contains(words), "{what}: {said}");
        let writes = server.writes();
        assert_eq!(writes.len(), 1, "{what}");
        assert_eq!(writes[0].body, manifest());
        // what is misspelt is refused, not dropped
        assert_eq!(writes[0].query["fieldValidation"], "Strict", "{what}");
    }
}

#[tokio::test]
async fn a_name_in_use_and_a_read_only_jobdeck_send_nothing() {
    let server = Server::start();
    let taken = (200, manifest());
    server.state().answers.insert(TRAIN.to_owned(), taken);
    let first = open(&server, Rules::default()).await;
    let outcome = first.gate.step(create()).await;
    assert_eq!(outcome.result(), "conflict");
    let said = outcome.sentence();
    assert!(
        said.contains("there is a job/train in ml already: choose another name"),
        "{said}"
    );
    let rules = Rules {
        read_only: true,
        ..Rules::default()
    };
    let second = open(&server, rules).await;
    assert_eq!(second.gate.step(create()).await.result(), "readOnly");
    assert_eq!(server.writes().len(), 0);
    // a dry run says so in every request, and reads as one
    let server = Server::start();
    server.turn("POST", JOBS, Turn::Say(201, json!({})));
    let rules = Rules {
        dry_run: true,
        ..Rules::default()
    };
    let third = open(&server, rules).await;
    let outcome = third.gate.step(create()).await;
    assert_eq!(
        (
            outcome.result(),
            server.writes()[0].query["dryRun"].as_str()
        ),
        ("dryRun", "All")
    );
}

/// Kueue's plain pods: gone as one, and back as one.
#[tokio::test(flavor = "multi_thread")]
async fn a_pod_group_is_submitted_again_and_deleted_as_one() {
    let served = Served::start(&["--speed", "20"]);
    let home = tempfile::tempdir().expect("a folder");
    let shell = Shell {
        kubeconfig: &served.kubeconfig,
        home: home.path(),
    };
    let pod = |n: u32| {
        json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {
                "name": format!("duo-{n}"), "namespace": "research",
                "labels": {"kueue.x-k8s.io/queue-name": "research-queue", "kueue.x-k8s.io/pod-group-name": "duo"},
                "annotations": {"kueue.x-k8s.io/pod-group-total-count": "2"},
            },
            "spec": {"restartPolicy": "Never", "containers": [{"name": "main", "image": "busybox:1.36",
                "command": ["sleep", "100000"], "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}}}]},
        })
    };
    let text = format!("{}\n---\n{}", pod(0), pod(1));
    let here =
        |args: &[&'static str]| -> Vec<&'static str> { [args, &["-n", "research"]].concat() };
    let (code, out, err) = shell.fed(&here(&["submit", "-f", "-"]), &text);
    assert_eq!(code, 0, "{out}{err}");
    let mut hands = Hands::open(&served).await;
    let of = |c: &crate::harness::Client, group: &str| {
        let pods = c
            .model
            .pods
            .rows()
            .filter(|p| p.name.starts_with(&format!("{group}-")));
        pods.filter(|p| p.name.len() == group.len() + 2).count()
    };
    hands.until("both", |c| of(c, "duo") == 2).await;
    let yaml = here(&[
        "resubmit",
        "podgroup/duo",
        "--image",
        "busybox:2",
        "-o",
        "yaml",
    ]);
    let (code, out, err) = shell.run(&yaml);
    assert_eq!(code, 0, "{err}");
    let drafts = document::parse(&out).expect("YAML");
    assert_eq!(drafts.len(), 2, "{out}");
    for (n, draft) in drafts.iter().enumerate() {
        let meta = &draft.value["metadata"];
        assert_eq!(meta["name"], format!("duo-r2-{n}"));
        assert_eq!(meta["labels"]["kueue.x-k8s.io/pod-group-name"], "duo-r2");
        assert_eq!(draft.value["spec"]["containers"][0]["image"], "busybox:2");
    }
    shell.says(
        &here(&["resubmit", "podgroup/duo", "--dry-run"]),
        0,
        "would create pod/duo-r2-1",
    );
    shell.says(
        &here(&["resubmit", "podgroup/duo", "--failed-indexes"]),
        3,
        "has no indexes",
    );
    shell.says(
        &here(&["resubmit", "podgroup/duo", "--name", "duo"]),
        6,
        "there is a podgroup/duo already",
    );
    shell.says(
        &here(&["resubmit", "podgroup/nope"]),
        4,
        "there is no podgroup/nope",
    );
    shell.says(
        &here(&["resubmit", "podgroup/duo"]),
        0,
        "created pod/duo-r2-1 in research",
    );
    hands.until("both again", |c| of(c, "duo-r2") == 2).await;
    // Kueue takes the new one for a group of its own
    hands
        .until("its Workload", |c| {
            c.model.kueue.workloads.rows().any(|w| &*w.name == "duo-r2")
        })
        .await;
    shell.says(
        &here(&["delete", "podgroup/duo", "--yes"]),
        0,
        "deleted pod/duo-1 in research",
    );
    hands
        .until("none of the first", |c| {
            of(c, "duo") == 0 && of(c, "duo-r2") == 2
        })
        .await;
}

/// Its odd indexes fail.
fn indexed() -> Value {
    json!({
        "apiVersion": "batch/v1", "kind": "Job",
        "metadata": {"name": "sweep", "namespace": "default"},
        "spec": {
            "completionMode": "Indexed", "completions": 6, "parallelism": 6, "backoffLimitPerIndex": 0,
            "template": {"spec": {"restartPolicy": "Never", "containers": [{
                "name": "main", "image": "busybox:1.36",
                "command": ["sh", "-c", "echo shard $JOB_COMPLETION_INDEX; exit $((JOB_COMPLETION_INDEX % 2))"],
            }]}},
        },
    })
}

#[test]
fn every_template_is_taken_by_a_server() {
    let served = Served::start(&[]);
    let home = tempfile::tempdir().expect("a folder");
    let shell = Shell {
        kubeconfig: &served.kubeconfig,
        home: home.path(),
    };
    let own = home.path().join(".config/jobdeck/templates");
    std::fs::create_dir_all(&own).expect("a folder");
    std::fs::write(own.join("mine.yaml"), format!("# Mine.\n{}", indexed())).expect("a template");
    let all = templates::all(Vec::new());
    let names = all
        .iter()
        .map(|t| t.name.to_string())
        .chain(["mine".to_owned()]);
    for name in names {
        let args = [
            "submit",
            "--template",
            &name,
            "-n",
            "default",
            "--dry-run",
            "-o",
            "json",
        ];
        let outcome = shell.json(&args);
        assert_eq!(outcome[0]["result"], "dryRun", "{name}: {outcome}");
    }
    shell.says(&["submit", "--list-templates"], 0, "Mine. (yours)");
    shell.says(
        &["submit", "--template", "nope"],
        4,
        "there is no template nope: there are job, ",
    );

    // what the server has against it is said where it is written
    let template = |more: &[&'static str]| -> Vec<&'static str> {
        let first = ["submit", "-n", "default", "--template"];
        first.into_iter().chain(more.iter().copied()).collect()
    };
    let job = |set: &'static str| template(&["job", "--set", set]);
    shell.says(&job("spec.parallell=3"), 7, "unknown field");
    shell.says(
        &job("spec.template.spec.restartPolicy=Sometimes"),
        7,
        "template job:14: spec.template.spec.restartPolicy: ",
    );
    shell.says(
        &job("metadata.namespace=none"),
        3,
        "is for namespace none, not default",
    );
    shell.says(
        &template(&["trainjob", "--set", "spec.runtimeRef.name=nope"]),
        7,
        "denied the request",
    );
    shell.says(
        &template(&["job", "--name", "pi"]),
        6,
        "there is a job/pi in default already",
    );
    shell.says(&template(&["job", "--name", "Pi_"]), 3, "e.g. pi");
    shell.says(
        &template(&["job", "--flavor", "nope"]),
        4,
        "no ResourceFlavor nope",
    );
    shell.says(&template(&["jobset", "--parallelism", "3"]), 3, "driver=N");
    shell.says(
        &[&["--read-only"], &template(&["job"])[..]].concat(),
        3,
        "read-only",
    );
    shell.says(&["submit", "-f", "/nowhere.yaml"], 3, "/nowhere.yaml: ");

    // all or none: the second is wrong, so the first is not made
    let two = format!(
        "{}\n---\n{}",
        indexed(),
        json!({"apiVersion": "batch/v1", "kind": "Job",
        "metadata": {"name": "second"}, "spec": {"template": {"spec": {"containers": []}}}})
    );
    let (code, _, err) = shell.fed(&["submit", "-n", "default", "-f", "-"], &two);
    assert_eq!(code, 7, "{err}");
    assert!(
        err.contains("stdin:3: cannot create job/second") && err.contains("nothing was submitted"),
        "{err}"
    );
    shell.says(
        &["resubmit", "job/sweep", "-n", "default"],
        4,
        "there is no job/sweep here",
    );
    for (text, words) in [
        ("kind: [", "stdin: line 1"),
        (
            "kind: Job\nmetadata: {name: a}\nspec: {}",
            "stdin:1: apiVersion is missing",
        ),
        (
            "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: a}",
            "does not serve example.com/v1",
        ),
        (
            "apiVersion: v1\nkind: configmap\nmetadata: {name: a}",
            "write kind: ConfigMap",
        ),
    ] {
        let (code, _, err) = shell.fed(&["submit", "-n", "default", "-f", "-"], text);
        assert!(code == 3 && err.contains(words), "{text}: {code} {err}");
    }

    // kinds nobody watches, and what a namespace of the same file is for
    let text = "apiVersion: v1\nkind: List\nitems:\n\
        - {apiVersion: v1, kind: Namespace, metadata: {name: fresh}}\n\
        - {apiVersion: v1, kind: ConfigMap, metadata: {name: settings, namespace: fresh}, data: {a: b}}\n";
    let (code, out, err) = shell.fed(&["submit", "-f", "-"], text);
    assert_eq!((code, out.lines().count()), (0, 2), "{out}{err}");
    assert!(out.contains("created configmap/settings in fresh"), "{out}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_runs_again_from_the_cluster_the_trash_and_the_history() {
    let served = Served::start(&["--speed", "20"]);
    let home = tempfile::tempdir().expect("a folder");
    let shell = Shell {
        kubeconfig: &served.kubeconfig,
        home: home.path(),
    };
    let here = |args: &[&'static str]| -> Vec<&'static str> { [args, &["-n", "default"]].concat() };
    let yaml = |args: &[&'static str]| -> Value {
        let (code, out, err) = shell.run(&here(&[args, &["-o", "yaml"]].concat()));
        assert_eq!(code, 0, "{args:?}: {err}");
        document::parse(&out).expect("YAML").remove(0).value
    };
    let (code, out, err) = shell.fed(&here(&["submit", "-f", "-"]), &indexed().to_string());
    assert_eq!(
        (code, out.as_str()),
        (0, "created job/sweep in default\n"),
        "{err}"
    );
    let mut hands = Hands::open(&served).await;
    hands
        .until("sweep failed", |c| {
            c.model
                .jobs
                .rows()
                .any(|j| &*j.name == "sweep" && c.model.status(j).phase == Phase::Failed)
        })
        .await;

    // only what failed, as the programs knew themselves before
    let draft = yaml(&["resubmit", "job/sweep", "--failed-indexes"]);
    assert_eq!(
        (&draft["spec"]["completions"], &draft["metadata"]["name"]),
        (&json!(3), &json!("sweep-r2"))
    );
    assert_eq!(
        draft["metadata"]["annotations"]["jobdeck.dev/index-map"],
        "1,3,5"
    );
    shell.says(
        &here(&["resubmit", "job/sweep", "--failed-indexes"]),
        0,
        "created job/sweep-r2",
    );
    hands
        .until("the odd ones fail again", |c| {
            c.model.jobs.rows().any(|j| {
                &*j.name == "sweep-r2"
                    && c.model.status(j).phase == Phase::Failed
                    && j.failed_indexes.len() == 3
            })
        })
        .await;
    // of one there is nothing to map
    let draft = yaml(&["resubmit", "job/sweep-r2", "--indexes", "2"]);
    assert_eq!(draft["metadata"]["name"], "sweep-r3");
    let container = &draft["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(
        container["env"],
        json!([{"name": "JOB_COMPLETION_INDEX", "value": "5"}])
    );
    assert_eq!(
        container["command"],
        indexed()["spec"]["template"]["spec"]["containers"][0]["command"]
    );

    // all of it, otherwise
    let draft = yaml(&[
        "resubmit",
        "job/sweep",
        "--name",
        "other",
        "--queue",
        "research-queue",
        "--priority",
        "dev",
        "--image",
        "busybox:2",
        "--parallelism",
        "2",
        "--flavor",
        "t4",
    ]);
    let spec = &draft["spec"];
    assert_eq!(
        draft["metadata"]["labels"],
        json!({"kueue.x-k8s.io/queue-name": "research-queue", "kueue.x-k8s.io/priority-class": "dev"})
    );
    assert_eq!(
        (&spec["parallelism"], &spec["completions"], &spec["suspend"]),
        (&json!(2), &json!(2), &json!(true))
    );
    let pod = &spec["template"]["spec"];
    assert_eq!(pod["containers"][0]["image"], "busybox:2");
    assert_eq!(
        pod["nodeSelector"],
        json!({"nvidia.com/gpu.product": "Tesla-T4"})
    );
    shell.says(
        &here(&["resubmit", "job/sweep", "--name", "sweep-r2"]),
        6,
        "there is a job/sweep-r2 already",
    );
    shell.says(
        &here(&["resubmit", "job/sweep", "--dry-run"]),
        0,
        "would create job/sweep-r3",
    );
    shell.says(
        &here(&["resubmit", "cronjob/heartbeat", "--dry-run"]),
        0,
        "would create cronjob/heartbeat-r2",
    );
    shell.says(&here(&["resubmit", "node/x"]), 4, "there is no node/x");
    shell.says(
        &[&["--read-only"], &here(&["resubmit", "job/sweep"])[..]].concat(),
        3,
        "read-only",
    );

    // deleted: from the trash
    shell.says(
        &here(&["delete", "job/sweep", "--yes"]),
        0,
        "deleted job/sweep",
    );
    hands
        .until("sweep is gone", |c| {
            !c.model.jobs.rows().any(|j| &*j.name == "sweep")
        })
        .await;
    shell.says(
        &here(&["resubmit", "job/sweep", "--dry-run"]),
        0,
        "from the trash of ",
    );
    shell.says(
        &here(&["resubmit", "job/sweep", "--failed-indexes"]),
        3,
        "--indexes 3,7-9",
    );

    // and from the history, also as an older jobdeck wrote it
    let folder = home.path().join(".local/state/jobdeck/history");
    std::fs::create_dir_all(&folder).expect("a folder");
    let mut manifest = indexed();
    manifest["metadata"]["name"] = "old".into();
    manifest["spec"]["template"]["spec"]["containers"][0]["env"] =
        json!([{"name": "MODE", "value": "(not kept)"}]);
    let record = json!({"version": 1, "context": "demo", "apiVersion": "batch/v1", "kind": "Job", "namespace": "default",
        "name": "old", "uid": "0a1b", "phase": "Failed", "failedIndexes": "1,3", "updated": "2026-01-01T00:00:00Z",
        "manifest": manifest, "masked": ["MODE (environment)"]});
    std::fs::write(folder.join("0a1b.json"), record.to_string()).expect("a record");
    shell.says(
        &here(&["resubmit", "job/old"]),
        3,
        "the values of MODE were not kept",
    );
    let args = [
        "resubmit",
        "job/old",
        "--set",
        "MODE=fast",
        "--failed-indexes",
    ];
    let draft = yaml(&args);
    let env = &draft["spec"]["template"]["spec"]["containers"][0]["env"];
    assert_eq!(
        (&env[0]["value"], &draft["spec"]["completions"]),
        (&json!("fast"), &json!(2))
    );
    shell.says(&here(&args), 0, "from the history of 2026-01-01");
}
