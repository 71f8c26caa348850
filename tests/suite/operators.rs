//! Custom workloads on the demo cluster with kubectl, as their users run them: applied, waited for, read, suspended,
//! deleted; and jobdeck agreeing.

use serde_json::Value;

use crate::served::{Served, kubectl_there, manifest};

/// Fast enough not to wait, slow enough for pods to be seen running.
const SPEED: [&str; 2] = ["--speed", "10"];

/// jobdeck's row of an object in `default` on the same kubeconfig.
fn row(served: &Served, plural: &str, name: &str) -> Value {
    let out = assert_cmd::Command::new(env!("CARGO_BIN_EXE_jobdeck"))
        .env("HOME", served.folder.path())
        .args(["get", plural, "-o", "json", "--kubeconfig"])
        .arg(&served.kubeconfig)
        .args(["-n", "default"])
        .assert()
        .success();
    let rows: Value = serde_json::from_slice(&out.get_output().stdout).expect("JSON");
    let mut rows = rows.as_array().expect("an array").iter();
    let found = rows.find(|row| row["name"] == name);
    found.unwrap_or_else(|| panic!("{name} is no row")).clone()
}

fn wait(served: &Served, object: &str, condition: &str) {
    served.ok(&[
        "wait",
        &format!("--for=condition={condition}"),
        object,
        "--timeout=120s",
    ]);
}

#[test]
fn a_pytorchjob_is_applied_read_suspended_and_deleted() {
    if !kubectl_there("a_pytorchjob_is_applied_read_suspended_and_deleted") {
        return;
    }
    let served = Served::start(&SPEED);
    let applied = served.ok(&["apply", "-f", &manifest("mnist")]);
    assert_eq!(applied.trim(), "pytorchjob.kubeflow.org/mnist created");
    wait(&served, "pytorchjob/mnist", "Running");
    let shown = served.ok(&["get", "pytorchjob", "mnist"]);
    let lines: Vec<Vec<&str>> = shown
        .lines()
        .map(|l| l.split_whitespace().collect())
        .collect();
    assert_eq!(lines[0], ["NAME", "STATE", "AGE"]);
    assert_eq!(lines[1][..2], ["mnist", "Running"]);
    let selector = "training.kubeflow.org/job-name=mnist";
    let pods = served.ok(&["get", "pods", "-l", selector, "-o", "name"]);
    assert_eq!(
        pods.lines().collect::<Vec<_>>(),
        [
            "pod/mnist-master-0",
            "pod/mnist-worker-0",
            "pod/mnist-worker-1"
        ]
    );
    let mut log = served.follow(&["logs", "-f", "mnist-master-0"]);
    log.until("the first line of the training", |line| {
        line.starts_with("Train Epoch: 1 [640/60000 (1%)]\tloss=2.")
    });
    let described = served.ok(&["describe", "pytorchjob", "mnist"]);
    assert!(
        described.contains("Created pod: mnist-worker-1"),
        "{described}"
    );
    let running = row(&served, "pytorchjobs", "mnist");
    assert_eq!(
        (&running["phase"], &running["total"]),
        (&"Running".into(), &3.into())
    );
    served.ok(&[
        "patch",
        "pytorchjob",
        "mnist",
        "--type=merge",
        "-p",
        r#"{"spec":{"runPolicy":{"suspend":true}}}"#,
    ]);
    wait(&served, "pytorchjob/mnist", "Suspended");
    served.ok(&[
        "wait",
        "--for=delete",
        "pod",
        "-l",
        selector,
        "--timeout=120s",
    ]);
    assert_eq!(row(&served, "pytorchjobs", "mnist")["phase"], "Suspended");
    served.ok(&["delete", "pytorchjob", "mnist", "--timeout=60s"]);
}

#[test]
fn an_mpijob_ends_with_its_launcher() {
    if !kubectl_there("an_mpijob_ends_with_its_launcher") {
        return;
    }
    let served = Served::start(&SPEED);
    served.ok(&["apply", "-f", &manifest("mpi")]);
    wait(&served, "mpijob/mpi", "Running");
    let owner = "jsonpath={.metadata.ownerReferences[0].kind}";
    assert_eq!(
        served.ok(&["get", "job", "mpi-launcher", "-o", owner]),
        "MPIJob"
    );
    wait(&served, "mpijob/mpi", "Succeeded");
    let said = served.ok(&["logs", "job/mpi-launcher"]);
    assert_eq!(said.trim(), "pi is approximately 3.14");
    let selector = "training.kubeflow.org/job-role=worker,training.kubeflow.org/job-name=mpi";
    served.ok(&[
        "wait",
        "--for=delete",
        "pod",
        "-l",
        selector,
        "--timeout=120s",
    ]);
    assert_eq!(row(&served, "mpijobs", "mpi")["phase"], "Succeeded");
}
