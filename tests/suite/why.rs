//! "Why does it wait": the same answer on the command line and in the cockpit, from a cluster whose Kueue really
//! admits. Objects are posted over HTTP: no kubectl is needed.

use serde_json::{Value, json};

use crate::served::Served;

const KUEUE: &str = "/apis/kueue.x-k8s.io/v1beta2";

/// Creates objects, and waits for nothing.
fn post(served: &Served, path: &str, object: &Value) {
    let answer = served.request("POST", path, &object.to_string());
    assert!(answer.contains("\"uid\""), "{path}: {answer}");
}

fn queue(served: &Served, name: &str, cpu: &str, stop: &str) {
    let quota = json!({"coveredResources": ["cpu"], "flavors": [
        {"name": "plain", "resources": [{"name": "cpu", "nominalQuota": cpu}]}]});
    let spec = json!({"namespaceSelector": {}, "stopPolicy": stop, "resourceGroups": [quota]});
    let meta = json!({"name": name});
    post(
        served,
        &format!("{KUEUE}/clusterqueues"),
        &json!({"apiVersion": "kueue.x-k8s.io/v1beta2", "kind": "ClusterQueue", "metadata": meta, "spec": spec}),
    );
    post(
        served,
        &format!("{KUEUE}/namespaces/default/localqueues"),
        &json!({"apiVersion": "kueue.x-k8s.io/v1beta2", "kind": "LocalQueue", "metadata": meta, "spec": {"clusterQueue": name}}),
    );
}

fn job(served: &Served, name: &str, queue: &str, cpu: &str) {
    let container = json!({"name": "main", "image": "busybox:1.36", "command": ["sleep", "3600"],
        "resources": {"requests": {"cpu": cpu}}});
    let job = json!({"apiVersion": "batch/v1", "kind": "Job",
        "metadata": {"name": name, "labels": {"kueue.x-k8s.io/queue-name": queue}},
        "spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [container]}}}});
    post(served, "/apis/batch/v1/namespaces/default/jobs", &job);
}

/// A queue of 2 CPUs with one job in it and more behind, one on hold, one that is not there.
fn cluster() -> Served {
    let served = Served::start(&["--speed", "10"]);
    let flavor = json!({"apiVersion": "kueue.x-k8s.io/v1beta2", "kind": "ResourceFlavor", "metadata": {"name": "plain"}});
    post(&served, &format!("{KUEUE}/resourceflavors"), &flavor);
    queue(&served, "two", "2", "None");
    queue(&served, "shut", "2", "Hold");
    job(&served, "holder", "two", "2");
    until(&served, "holder", |why| why["phase"] == "Running");
    job(&served, "next", "two", "1");
    job(&served, "huge", "two", "64");
    job(&served, "parked", "shut", "1");
    job(&served, "mistyped", "twoo", "1");
    until(&served, "huge", |why| why["reason"] == "TooLarge");
    served
}

fn run(served: &Served, args: &[&str]) -> std::process::Output {
    assert_cmd::Command::new(env!("CARGO_BIN_EXE_jobdeck"))
        .env("HOME", served.folder.path())
        .args(args)
        .args(["-n", "default", "--kubeconfig"])
        .arg(&served.kubeconfig)
        .output()
        .expect("it runs")
}

fn why(served: &Served, job: &str) -> Value {
    let out = run(served, &["why", job, "-o", "json"]);
    assert!(
        out.status.success(),
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
    serde_json::from_slice(&out.stdout).expect("JSON")
}

/// Asks until it is so: the cluster's controllers take their time.
fn until(served: &Served, job: &str, holds: impl Fn(&Value) -> bool) -> Value {
    for _ in 0..100 {
        let said = why(served, job);
        if holds(&said) {
            return said;
        }
    }
    panic!("{job}: it never came to that; last: {}", why(served, job));
}

#[test]
fn the_command_line_says_why() {
    let served = cluster();
    let next = why(&served, "job/next");
    assert_eq!(
        (&next["phase"], &next["reason"], &next["waiting"]),
        (&"Queued".into(), &"Quota".into(), &true.into())
    );
    let message = next["message"].as_str().expect("a sentence");
    assert!(message.contains("holder"), "names who has it: {message}");
    assert_eq!(why(&served, "parked")["reason"], "Stopped");
    let typo = until(&served, "mistyped", |why| why["reason"] == "NoQueue");
    let next_step = typo["next"].as_str().expect("a next step");
    assert!(next_step.contains("two"), "{next_step}");
    let holder = why(&served, "jobs/holder");
    assert_eq!(holder["waiting"], false);

    let text = run(&served, &["why", "job/huge"]);
    let text = String::from_utf8(text.stdout).expect("UTF-8");
    assert!(text.starts_with("job/huge in default: queued\n"), "{text}");
    assert!(
        text.contains("\nnext: ") && text.contains("Kueue says"),
        "{text}"
    );

    let none = run(&served, &["why", "job/nobody"]);
    assert_eq!(none.status.code(), Some(1));
    let said = String::from_utf8_lossy(&none.stderr).into_owned();
    assert!(
        said.contains("no job/nobody here") && said.contains("get workloads"),
        "{said}"
    );
}

#[cfg(unix)]
#[test]
fn the_cockpit_leads_from_a_job_to_the_reason_and_back() {
    let served = cluster();
    let config = served.kubeconfig.to_str().expect("UTF-8").to_owned();
    let args = ["--kubeconfig", &config, "-n", "default"];
    let mut term = crate::pty::Session::start(&args, (140, 40), served.folder.path());
    term.until_shows("huge");
    // the queues: the tree, and who stands there
    term.send("2");
    term.until("both lists", |s| {
        s.contains("COHORT / QUEUE") && s.contains("WORKLOAD")
    });
    term.until_shows("can never fit");
    term.send("/two\r");
    term.until("the queue alone", |s| {
        s.contains("default/two") && !s.contains("default/shut")
    });
    term.send("\x1b");
    term.until_shows("default/shut");
    // from a job to its workload and back with one key
    term.send("1/huge\r");
    term.until("one job", |s| s.contains("huge") && !s.contains("parked"));
    term.send("w");
    term.until("the workload", |s| {
        s.contains("Workload in queue two") && s.contains("Kueue says")
    });
    term.send("w");
    term.until("the job", |s| {
        s.contains("job/huge") && !s.contains("Kueue says")
    });
    term.send("q");
    assert_eq!(term.until_ended(), 0);
    term.assert_restored();
}
