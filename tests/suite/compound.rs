//! Workloads that are made of other workloads, on the demo cluster with kubectl: what each brings forth, and that
//! jobdeck shows the whole once and counts nothing twice.

use serde_json::Value;

use crate::served::{Served, kubectl_there, manifest};

/// Fast enough not to wait, slow enough for pods to be seen running.
const SPEED: [&str; 2] = ["--speed", "10"];

/// jobdeck's rows of the namespace, `Kind/name`, with their state and the row itself.
fn rows(served: &Served, what: &str) -> Vec<(String, Value)> {
    let out = assert_cmd::Command::new(env!("CARGO_BIN_EXE_jobdeck"))
        .env("HOME", served.folder.path())
        .args(["get", what, "-o", "json", "--kubeconfig"])
        .arg(&served.kubeconfig)
        .args(["-n", "compound"])
        .assert()
        .success();
    let rows: Value = serde_json::from_slice(&out.get_output().stdout).expect("JSON");
    let text = |row: &Value, field: &str| row[field].as_str().expect("text").to_owned();
    let rows = rows.as_array().expect("an array").clone();
    let named = rows.into_iter().map(|row| {
        let name = format!("{}/{}", text(&row, "kind"), text(&row, "name"));
        (name, row)
    });
    named.collect()
}

fn wait(served: &Served, object: &str, so: &str) {
    let so = format!("--for={so}");
    let args = ["wait", "-n", "compound", &so, object, "--timeout=120s"];
    served.ok(&args);
}

fn names(served: &Served, kind: &str) -> Vec<String> {
    let out = served.ok(&["get", kind, "-n", "compound", "-o", "name"]);
    out.lines().map(str::to_owned).collect()
}

#[test]
fn compound_workloads_run_and_are_one_row_each() {
    if !kubectl_there("compound_workloads_run_and_are_one_row_each") {
        return;
    }
    let served = Served::start(&SPEED);
    served.ok(&["create", "namespace", "compound"]);
    served.ok(&["apply", "-n", "compound", "-f", &manifest("compound")]);
    for (object, so) in [
        (
            "jobset/set",
            "jsonpath={.status.replicatedJobsStatus[0].ready}=2",
        ),
        ("trainjob/train", "jsonpath={.status.jobsStatus[0].ready}=1"),
        ("raycluster/ray", "condition=RayClusterProvisioned"),
        ("rayjob/tune", "jsonpath={.status.jobStatus}=RUNNING"),
        ("leaderworkerset/serve", "condition=Available"),
    ] {
        wait(&served, object, so);
    }
    let jobs = names(&served, "jobs");
    for job in [
        "set-driver-0",
        "set-workers-0",
        "set-workers-1",
        "train-node-0",
        "tune",
    ] {
        assert!(
            jobs.contains(&format!("job.batch/{job}")),
            "{job}: {jobs:?}"
        );
    }
    assert_eq!(
        names(&served, "jobsets"),
        ["jobset.jobset.x-k8s.io/set", "jobset.jobset.x-k8s.io/train"]
    );
    assert_eq!(names(&served, "rayclusters").len(), 2);
    let owner = "jsonpath={.metadata.ownerReferences[0].kind}";
    let of = |object: &str| served.ok(&["get", object, "-n", "compound", "-o", owner]);
    assert_eq!(of("jobset/train"), "TrainJob");
    assert_eq!(of("job/set-driver-0"), "JobSet");
    assert_eq!(of("job/tune"), "RayJob");
    let shown = served.ok(&["get", "raycluster", "ray", "-n", "compound"]);
    let cells: Vec<&str> = shown
        .lines()
        .nth(1)
        .expect("a row")
        .split_whitespace()
        .collect();
    assert_eq!(cells[..3], ["ray", "1", "1"], "{shown}");
    assert!(cells.contains(&"ready"), "{shown}");

    let all = rows(&served, "workloads");
    let mut seen: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
    seen.sort_unstable();
    assert_eq!(
        seen,
        [
            "JobSet/set",
            "LeaderWorkerSet/serve",
            "PodGroup/trio",
            "RayCluster/ray",
            "RayJob/tune",
            "TrainJob/train"
        ],
        "children are folded"
    );
    for (name, row) in &all {
        assert_eq!(row["phase"], "Running", "{name}: {row}");
    }
    let of = |name: &str, field: &str| {
        let found = all.iter().find(|(n, _)| n == name);
        found.map(|(_, row)| row[field].clone()).expect(name)
    };
    assert_eq!(of("JobSet/set", "active"), 3);
    assert_eq!(of("TrainJob/train", "active"), 2);
    assert_eq!(of("RayJob/tune", "active"), 3, "head, worker and submitter");
    assert_eq!(of("LeaderWorkerSet/serve", "active"), 2);
    assert_eq!(of("PodGroup/trio", "total"), 3);

    served.ok(&[
        "patch",
        "jobset",
        "set",
        "-n",
        "compound",
        "--type=merge",
        "-p",
        r#"{"spec":{"suspend":true}}"#,
    ]);
    wait(&served, "jobset/set", "condition=Suspended");
    served.ok(&[
        "patch",
        "rayjob",
        "tune",
        "-n",
        "compound",
        "--type=merge",
        "-p",
        r#"{"spec":{"suspend":true}}"#,
    ]);
    wait(
        &served,
        "rayjob/tune",
        "jsonpath={.status.jobDeploymentStatus}=Suspended",
    );
    let all = rows(&served, "workloads");
    for name in ["JobSet/set", "RayJob/tune"] {
        let row = all.iter().find(|(n, _)| n == name).expect(name);
        assert_eq!(row.1["phase"], "Suspended", "{name}");
    }
    served.ok(&[
        "delete",
        "trainjob",
        "train",
        "-n",
        "compound",
        "--timeout=60s",
    ]);
    served.ok(&[
        "wait",
        "-n",
        "compound",
        "--for=delete",
        "jobset/train",
        "--timeout=120s",
    ]);
}
