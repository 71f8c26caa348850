//! kubectl against `demo --serve`: what every Kubernetes user does with a Job, unchanged, and jobdeck agreeing.

use serde_json::Value;

use crate::served::{Served, kubectl_there, manifest};

/// Fast enough not to wait, slow enough for pods to be seen running.
const SPEED: [&str; 2] = ["--speed", "10"];

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

/// jobdeck's row of a job in `default` on the same kubeconfig.
fn row(served: &Served, name: &str) -> Option<Value> {
    let out = assert_cmd::Command::new(env!("CARGO_BIN_EXE_jobdeck"))
        .env("HOME", served.folder.path())
        .args(["get", "jobs", "-o", "json", "--kubeconfig"])
        .arg(&served.kubeconfig)
        .args(["-n", "default"])
        .assert()
        .success();
    let rows = json(&String::from_utf8_lossy(&out.get_output().stdout));
    let rows = rows.as_array().expect("an array").clone();
    rows.into_iter().find(|row| row["name"] == name)
}

#[test]
fn pi_is_applied_waited_for_read_and_deleted() {
    if !kubectl_there("pi_is_applied_waited_for_read_and_deleted") {
        return;
    }
    let served = Served::start(&SPEED);
    served.ok(&["delete", "job", "pi", "--ignore-not-found"]);
    let applied = served.ok(&["apply", "-f", &manifest("pi")]);
    assert_eq!(applied.trim(), "job.batch/pi created");
    served.ok(&[
        "wait",
        "--for=condition=complete",
        "job/pi",
        "--timeout=120s",
    ]);
    let digits = served.ok(&["logs", "job/pi"]);
    assert!(digits.starts_with("3.14159265358979323846"), "{digits}");
    let again = served.ok(&["apply", "-f", &manifest("pi")]);
    assert_eq!(again.trim(), "job.batch/pi unchanged");
    let described = served.ok(&["describe", "job", "pi"]);
    assert!(
        described.contains("1 Succeeded") && described.contains("SuccessfulCreate"),
        "{described}"
    );
    let row = row(&served, "pi").expect("jobdeck sees pi");
    assert_eq!(
        (&row["phase"], &row["done"], &row["total"]),
        (&"Succeeded".into(), &1.into(), &1.into())
    );
    served.ok(&["delete", "job", "pi", "--timeout=60s"]);
    served.ok(&[
        "wait",
        "--for=delete",
        "pod",
        "-l",
        "job-name=pi",
        "--timeout=60s",
    ]);
    assert_eq!(self::row(&served, "pi"), None);
}

#[test]
fn ten_completions_are_watched_to_the_end() {
    if !kubectl_there("ten_completions_are_watched_to_the_end") {
        return;
    }
    let served = Served::start(&SPEED);
    let mut watch = served.follow(&["get", "jobs", "-w", "-n", "default"]);
    watch.until("the header", |line| line.starts_with("NAME"));
    served.ok(&["apply", "-f", &manifest("completions")]);
    let of_it = |line: &str, done: &str| line.starts_with("ten-by-three") && line.contains(done);
    watch.until("the new job", |line| of_it(line, " 0/10 "));
    watch.until("its end", |line| of_it(line, " 10/10 "));
    let pods = json(&served.ok(&["get", "pods", "-l", "job-name=ten-by-three", "-o", "json"]));
    let pods = pods["items"].as_array().expect("items").clone();
    assert_eq!(pods.len(), 10);
    assert!(pods.iter().all(|p| p["status"]["phase"] == "Succeeded"));
}

#[test]
fn the_indexed_example_settles_as_on_a_real_cluster() {
    if !kubectl_there("the_indexed_example_settles_as_on_a_real_cluster") {
        return;
    }
    const NAME: &str = "job-backoff-limit-per-index-example";
    let served = Served::start(&SPEED);
    served.ok(&["delete", "job", NAME, "--ignore-not-found"]);
    served.ok(&["apply", "-f", &manifest("indexed")]);
    served.ok(&[
        "wait",
        "--for=condition=Failed",
        &format!("job/{NAME}"),
        "--timeout=120s",
    ]);
    let job = json(&served.ok(&["get", "job", NAME, "-o", "json"]));
    let status = &job["status"];
    assert_eq!(
        (&status["completedIndexes"], &status["failedIndexes"]),
        (&"1,3,5,7,9".into(), &"0,2,4,6,8".into()),
        "{status}"
    );
    assert_eq!(
        (&status["succeeded"], &status["failed"]),
        (&5.into(), &10.into())
    );
    let failed = status["conditions"]
        .as_array()
        .and_then(|all| all.iter().find(|c| c["type"] == "Failed"))
        .expect("a Failed condition");
    assert_eq!(failed["reason"], "FailedIndexes");

    let row = row(&served, NAME).expect("jobdeck sees it");
    for (key, want) in [
        ("phase", Value::from("Failed")),
        ("reason", "FailedIndexes".into()),
        ("done", 5.into()),
        ("total", 10.into()),
        ("unit", "indexes".into()),
        ("failed", 10.into()),
        ("completedIndexes", "1,3,5,7,9".into()),
        ("failedIndexes", "0,2,4,6,8".into()),
    ] {
        assert_eq!(row[key], want, "{key} of {row}");
    }
    assert_eq!(row["uid"], job["metadata"]["uid"]);
    assert_eq!(row["startTime"], status["startTime"]);
}

#[test]
fn logs_are_followed_to_the_end_of_the_container() {
    if !kubectl_there("logs_are_followed_to_the_end_of_the_container") {
        return;
    }
    let served = Served::start(&["--speed", "1"]);
    let script = "echo working; sleep 8; echo done";
    served.ok(&[
        "create",
        "job",
        "slow",
        "--image=busybox:1.36",
        "--",
        "sh",
        "-c",
        script,
    ]);
    // as on a real cluster, there is no log before the container runs
    let ready = "--for=jsonpath={.status.ready}=1";
    served.ok(&["wait", ready, "job/slow", "--timeout=60s"]);
    let mut logs = served.follow(&["logs", "-f", "job/slow"]);
    logs.until("the first line", |line| line.trim() == "working");
    assert_eq!(logs.rest().trim(), "done");
}
