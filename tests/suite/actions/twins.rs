//! Every command that writes, and what becomes of it when a role is missing, somebody was faster, the object is gone, a
//! webhook or a quota says no, or the connection is cut: exit code, words, the audit, and that nothing is sent twice.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::commands::Shell;
use crate::between::{Between, Way};
use crate::served::Served;

const JOBS: &str = "/apis/batch/v1/namespaces/default/jobs";

/// One command, and what it sends.
struct Command {
    args: &'static [&'static str],
    input: String,
    verb: &'static str,
    /// How its one request begins.
    sends: &'static str,
}

impl Command {
    fn new(args: &'static [&'static str], verb: &'static str, sends: &'static str) -> Self {
        let input = String::new();
        Self {
            args,
            input,
            verb,
            sends,
        }
    }

    fn creates(&self) -> bool {
        self.sends.starts_with("POST")
    }

    fn deletes(&self) -> bool {
        self.sends.starts_with("DELETE")
    }
}

fn job(name: &str, suspend: bool) -> Value {
    json!({
        "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name, "namespace": "default"},
        "spec": {"suspend": suspend, "parallelism": 0, "template": {"spec": {"restartPolicy": "Never",
            "containers": [{"name": "main", "image": "busybox:1.36", "command": ["true"]}]}}},
    })
}

/// The order matters where the answer is lost but it is done: what is held is let go on after it.
fn commands() -> Vec<Command> {
    let mut all = vec![
        Command::new(
            &["submit", "-n", "default", "-f", "-"],
            "create",
            "POST /apis/batch/v1/namespaces/default/jobs",
        ),
        Command::new(
            &[
                "resubmit",
                "job/twin",
                "-n",
                "default",
                "--name",
                "twin-again",
            ],
            "create",
            "POST /apis/batch/v1/namespaces/default/jobs",
        ),
        Command::new(
            &["undo", "job/gone", "--name", "gone-again", "--yes"],
            "create",
            "POST /apis/batch/v1/namespaces/default/jobs",
        ),
        Command::new(
            &["trigger", "cronjob/heartbeat", "-n", "default", "--yes"],
            "trigger",
            "POST /apis/batch/v1/namespaces/default/jobs",
        ),
        Command::new(
            &["hold", "job/twin", "-n", "default", "--yes"],
            "hold",
            "PATCH /apis/batch/v1/namespaces/default/jobs/twin",
        ),
        Command::new(
            &["resume", "job/still", "-n", "default"],
            "resume",
            "PATCH /apis/batch/v1/namespaces/default/jobs/still",
        ),
        Command::new(
            &["hold", "cronjob/heartbeat", "-n", "default", "--yes"],
            "hold",
            "PATCH /apis/batch/v1/namespaces/default/cronjobs/heartbeat",
        ),
        Command::new(
            &["hold", "tfjob/dlrm-wide-deep", "-n", "inference", "--yes"],
            "hold",
            "PATCH /apis/kubeflow.org/v1/namespaces/inference/tfjobs/dlrm-wide-deep",
        ),
        // what Kueue queues is held by its Workload
        Command::new(
            &["hold", "job/queued", "-n", "research", "--yes"],
            "hold",
            "PATCH /apis/kueue.x-k8s.io/v1beta2/namespaces/research/workloads/job-queued-",
        ),
        Command::new(
            &["hold", "clusterqueue/applied-vision", "--yes"],
            "hold",
            "PATCH /apis/kueue.x-k8s.io/v1beta2/clusterqueues/applied-vision",
        ),
        Command::new(
            &["hold", "localqueue/vision", "-n", "ml-team-a", "--yes"],
            "hold",
            "PATCH /apis/kueue.x-k8s.io/v1beta2/namespaces/ml-team-a/localqueues/vision",
        ),
        Command::new(
            &["hold", "node/cpu-std-1", "--yes"],
            "cordon",
            "PATCH /api/v1/nodes/cpu-std-1",
        ),
        Command::new(
            &["resume", "node/cpu-std-2"],
            "uncordon",
            "PATCH /api/v1/nodes/cpu-std-2",
        ),
        Command::new(
            &["scale", "job/twin", "3", "-n", "default"],
            "scale",
            "PATCH /apis/batch/v1/namespaces/default/jobs/twin",
        ),
        Command::new(
            &["delete", "job/still", "-n", "default", "--yes"],
            "delete",
            "DELETE /apis/batch/v1/namespaces/default/jobs/still",
        ),
        Command::new(
            &[
                "delete",
                "job/twin",
                "-n",
                "default",
                "--yes",
                "--force",
                "--propagation",
                "foreground",
            ],
            "force-delete",
            "DELETE /apis/batch/v1/namespaces/default/jobs/twin",
        ),
        Command::new(
            &["delete", "cronjob/heartbeat", "-n", "default", "--yes"],
            "delete",
            "DELETE /apis/batch/v1/namespaces/default/cronjobs/heartbeat",
        ),
    ];
    all[0].input = job("fresh", true).to_string();
    all
}

/// What comes of it: exit code, words, requests sent, and what the audit calls it.
type Twin = (Way, i32, &'static str, usize, &'static str);

fn twins(command: &Command) -> Vec<Twin> {
    const HOOK: &str = "admission webhook \"rules.example.com\" denied the request: ask Ann";
    const QUOTA: &str =
        "jobs.batch \"x\" is forbidden: exceeded quota: team, requested: count/jobs.batch=1";
    const TAKEN: &str = "jobs.batch \"x\" already exists";
    const UID: &str = "Precondition failed: UID in precondition: a, UID in object meta: b";
    const NOT_DONE: &str = "the server has not done it";
    let mut all = vec![
        (Way::Forbid, 5, "forbidden: needs ", 0, "forbidden"),
        (Way::Say(403, "no"), 5, "forbidden: needs ", 1, "forbidden"),
        (Way::Say(403, HOOK), 7, "ask Ann", 1, "denied"),
        (
            Way::Say(422, "spec: Invalid value: 7"),
            7,
            "Invalid value",
            1,
            "denied",
        ),
        (
            Way::Say(429, "slow down"),
            1,
            "try again in a moment",
            1,
            "unreachable",
        ),
        (Way::Say(500, "etcd is slow"), 1, NOT_DONE, 1, "unreachable"),
        (Way::CutBefore, 1, NOT_DONE, 1, "unreachable"),
    ];
    if command.creates() {
        all.extend([
            (
                Way::Say(403, QUOTA),
                7,
                "free some of the quota first",
                1,
                "denied",
            ),
            (Way::Say(409, TAKEN), 6, "already exists", 1, "conflict"),
            (
                Way::Say(404, "namespaces \"default\" not found"),
                4,
                "",
                1,
                "notFound",
            ),
        ]);
    } else if command.deletes() {
        all.extend([
            (Way::Say(409, UID), 6, "has this name now", 1, "conflict"),
            (
                Way::Say(404, "not found"),
                0,
                "is gone already",
                1,
                "already",
            ),
        ]);
    } else {
        all.extend([
            // a change is decided anew on the object as it is then, and not for ever
            (
                Way::Say(409, "the object has been modified"),
                6,
                "changes all the time",
                5,
                "conflict",
            ),
            (Way::Say(404, "not found"), 4, "is gone", 1, "notFound"),
        ]);
    }
    all
}

struct Went {
    code: i32,
    said: String,
    writes: Vec<String>,
    dry: usize,
    /// The last line of the audit.
    audit: Value,
}

/// Runs a command that way. `trash`: what was deleted before is known there.
fn go(
    served: &Served,
    command: &Command,
    more: &[&str],
    way: Way,
    trash: Option<&PathBuf>,
) -> Went {
    let between = Between::start(served, way);
    let state = between.home().join(".local/state/jobdeck");
    if let Some(trash) = trash {
        std::fs::create_dir_all(state.join("trash")).unwrap();
        for entry in std::fs::read_dir(trash).unwrap().flatten() {
            std::fs::copy(entry.path(), state.join("trash").join(entry.file_name())).unwrap();
        }
    }
    let shell = Shell {
        kubeconfig: &between.kubeconfig(),
        home: between.home(),
    };
    let args: Vec<&str> = more.iter().chain(command.args).copied().collect();
    let (code, out, err) = shell.fed(&args, &command.input);
    let audit = std::fs::read_to_string(state.join("audit.jsonl")).unwrap_or_default();
    let audit = audit
        .lines()
        .last()
        .map(|line| serde_json::from_str(line).unwrap());
    Went {
        code,
        said: out + &err,
        writes: between.writes(),
        dry: between.dry_runs(),
        audit: audit.unwrap_or_default(),
    }
}

#[test]
fn every_command_takes_no_for_an_answer_and_repeats_nothing() {
    let served = Served::start(&[]);
    for (name, suspend) in [("twin", false), ("still", true), ("gone", true)] {
        let made = served.request("POST", JOBS, &job(name, suspend).to_string());
        assert!(made.starts_with("HTTP/1.1 201"), "{made}");
    }
    let mut queued = job("queued", true);
    queued["metadata"]["namespace"] = "research".into();
    queued["metadata"]["labels"] = json!({"kueue.x-k8s.io/queue-name": "research-queue"});
    queued["spec"]["parallelism"] = 1.into();
    queued["spec"]["template"]["spec"]["containers"][0]["command"] = json!(["sleep", "100000"]);
    let made = served.request(
        "POST",
        &JOBS.replace("default", "research"),
        &queued.to_string(),
    );
    assert!(made.starts_with("HTTP/1.1 201"), "{made}");
    let cordoned = json!({"spec": {"unschedulable": true}}).to_string();
    let done = served.patch("/api/v1/nodes/cpu-std-2", &cordoned);
    assert!(done.starts_with("HTTP/1.1 200"), "{done}");
    let home = tempfile::tempdir().unwrap();
    let shell = Shell {
        kubeconfig: &served.kubeconfig,
        home: home.path(),
    };
    shell.says(
        &["delete", "job/gone", "-n", "default", "--yes"],
        0,
        "deleted job/gone",
    );
    let trash = home.path().join(".local/state/jobdeck/trash");
    let trash = |command: &Command| (command.args[0] == "undo").then_some(&trash);

    // nothing of these is done, so they do not mind each other
    let all = commands();
    std::thread::scope(|scope| {
        for (n, command) in all.iter().enumerate() {
            let (served, trash) = (&served, trash(command));
            // the first of a method goes through all; what others have in common with it is not gone through again
            let method = |command: &Command| command.sends.split(' ').next();
            let first = all.iter().position(|c| method(c) == method(command)) == Some(n);
            let told = |twin: &Twin| {
                let common = matches!(twin.0, Way::Say(403 | 422 | 429 | 500 | 404, text) if !text.contains("denied"));
                first || !common
            };
            let twins: Vec<Twin> = twins(command).into_iter().filter(told).collect();
            scope.spawn(move || {
                for (way, code, words, sent, result) in twins {
                    let went = go(served, command, &[], way, trash);
                    let about = format!("{:?} {way:?}: {}", command.args, went.said);
                    assert_eq!(went.code, code, "{about}");
                    assert!(went.said.contains(words), "{about}");
                    assert_eq!(went.writes.len(), sent, "{about}");
                    assert!(
                        went.writes.iter().all(|w| w.starts_with(command.sends)),
                        "{about} {:?}",
                        went.writes
                    );
                    assert_eq!(went.audit["result"], result, "{about}");
                    assert_eq!(went.audit["verb"], command.verb, "{about}");
                    // one sentence, not an answer's code or a trace
                    assert!(
                        !went.said.contains("Status {") && !went.said.contains("panicked"),
                        "{about}"
                    );
                }
                let went = go(served, command, &["--read-only"], Way::Open, trash);
                assert_eq!(
                    (went.code, went.writes.len(), went.dry),
                    (3, 0, 0),
                    "{:?}: {}",
                    command.args,
                    went.said
                );
                assert!(
                    went.said.contains("read-only"),
                    "{:?}: {}",
                    command.args,
                    went.said
                );
            });
        }
    });

    // done, and the answer is lost: it is looked for and found, or said that it is not known
    for command in &all {
        let went = go(&served, command, &[], Way::CutAfter, trash(command));
        let about = format!("{:?}: {}", command.args, went.said);
        assert_eq!(went.code, 0, "{about}");
        assert!(went.said.contains("but it is done"), "{about}");
        assert_eq!(
            (went.writes.len(), &went.audit["result"]),
            (1, &json!("done")),
            "{about}"
        );
    }
    let lost = Command::new(
        &["scale", "job/fresh", "2", "-n", "default"],
        "scale",
        "PATCH",
    );
    let went = go(&served, &lost, &[], Way::Dead, None);
    assert_eq!((went.code, went.writes.len()), (8, 1), "{}", went.said);
    assert!(
        went.said
            .contains("is not known, and it was not tried again"),
        "{}",
        went.said
    );
    assert_eq!(went.audit["result"], "unknown");
}

/// All that goes in together is checked first: a no keeps all of it out; one that comes later says what was not tried.
#[test]
fn of_several_objects_none_is_made_or_it_is_said_which_were_not_tried() {
    let served = Served::shared();
    let mut submit = Command::new(&["submit", "-n", "default", "-f", "-"], "create", "POST");
    submit.input = format!(
        "{}\n---\n{}\n---\n{}",
        job("one", true),
        job("two", true),
        job("three", true)
    );
    let quota = "jobs.batch \"one\" is forbidden: exceeded quota: team";
    let went = go(&served, &submit, &[], Way::Dry(403, quota), None);
    assert_eq!(
        (went.code, went.writes.len(), went.dry),
        (7, 0, 3),
        "{}",
        went.said
    );
    assert!(
        went.said.contains("nothing was submitted") && went.said.contains("free some of the quota"),
        "{}",
        went.said
    );
    let went = go(&served, &submit, &[], Way::Say(403, quota), None);
    assert_eq!(
        (went.code, went.writes.len(), went.dry),
        (7, 1, 3),
        "{}",
        went.said
    );
    assert!(
        went.said
            .contains("not tried any more: job/two in default, job/three in default"),
        "{}",
        went.said
    );
    // a name that is taken is seen before anything is sent
    let made = served.request("POST", JOBS, &job("two", true).to_string());
    assert!(made.starts_with("HTTP/1.1 201"), "{made}");
    let went = go(&served, &submit, &[], Way::Open, None);
    assert_eq!((went.code, went.writes.len()), (6, 0), "{}", went.said);
    assert!(
        went.said.contains("stdin:3: cannot create job/two"),
        "{}",
        went.said
    );
}

#[test]
fn what_is_not_there_is_said_and_nothing_is_sent() {
    let served = Served::shared();
    let table: [&'static [&'static str]; 8] = [
        &["delete", "job/nope", "-n", "default", "--yes"],
        &["hold", "pytorchjob/nope", "-n", "default", "--yes"],
        &["resume", "localqueue/nope", "-n", "default"],
        &["scale", "job/nope", "2", "-n", "default"],
        &["trigger", "cronjob/nope", "-n", "default"],
        &["resubmit", "jobset/nope", "-n", "default"],
        &["undo", "job/nope", "--yes"],
        &["submit", "--template", "nope", "-n", "default"],
    ];
    for args in table {
        let went = go(&served, &Command::new(args, "", ""), &[], Way::Open, None);
        assert_eq!(
            (went.code, went.writes.len(), went.dry),
            (4, 0, 0),
            "{args:?}: {}",
            went.said
        );
        assert!(
            went.said.contains("nope") || went.said.contains("nothing was deleted"),
            "{args:?}: {}",
            went.said
        );
    }
}
