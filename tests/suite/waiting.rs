//! `jobdeck wait` against the demo cluster: every end it can come to, with its exit code.

use std::process::{Child, Command, Output, Stdio};

use serde_json::{Value, json};

use crate::served::Served;

const JOBS: &str = "/apis/batch/v1/namespaces/default/jobs";

fn post(served: &Served, name: &str, command: &[&str], spec: &Value) {
    let container = json!({"name": "main", "image": "busybox:1.36", "command": command});
    let mut job = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name},
        "spec": {"backoffLimit": 0, "template": {"spec": {"restartPolicy": "Never", "containers": [container]}}}});
    for (key, value) in spec.as_object().into_iter().flatten() {
        job["spec"][key] = value.clone();
    }
    let answer = served.request("POST", JOBS, &job.to_string());
    assert!(answer.contains("\"uid\""), "{answer}");
}

fn command(served: &Served, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jobdeck"));
    command
        .env("HOME", served.folder.path())
        .arg("wait")
        .args(args)
        .args(["-n", "default", "--kubeconfig"])
        .arg(&served.kubeconfig)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn wait(served: &Served, args: &[&str]) -> (Option<i32>, String, String) {
    ended(command(served, args).output().expect("it runs"))
}

fn ended(out: Output) -> (Option<i32>, String, String) {
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (out.status.code(), text(out.stdout), text(out.stderr))
}

/// Starts it and reads standard error until it has said this.
fn started(served: &Served, args: &[&str], says: &str) -> Child {
    use std::io::{BufRead, BufReader};
    let mut child = command(served, args).spawn().expect("it runs");
    let mut err = BufReader::new(child.stderr.take().expect("its standard error"));
    let mut line = String::new();
    while !line.contains(says) {
        line.clear();
        let read = err.read_line(&mut line).expect("a line");
        assert!(read > 0, "it ended without saying {says:?}");
    }
    // what else it says is nobody's business, but it must have somewhere to go
    std::thread::spawn(move || std::io::copy(&mut err, &mut std::io::sink()));
    child
}

#[test]
fn every_end_has_its_code() {
    let served = Served::start(&["--speed", "20"]);
    post(&served, "good", &["sleep", "20"], &json!({}));
    post(&served, "bad", &["sh", "-c", "exit 3"], &json!({}));
    post(&served, "long", &["sleep", "100000"], &json!({}));
    post(
        &served,
        "held",
        &["sleep", "100000"],
        &json!({"suspend": true}),
    );

    let (code, out, err) = wait(&served, &["job/good", "--timeout", "5m"]);
    assert_eq!(code, Some(0), "{out}{err}");
    assert!(out.starts_with("job/good: succeeded"), "{out}");

    // more than one, and both ends
    let (code, out, err) = wait(&served, &["job/good", "job/bad", "--for", "over", "-q"]);
    assert_eq!(code, Some(0), "{out}{err}");
    assert!(out.contains("job/bad: failed"), "{out}");
    assert_eq!(err, "", "quiet");
    let (code, out, _) = wait(&served, &["job/bad", "--for", "failed"]);
    assert_eq!(code, Some(0), "{out}");

    // what will not be any more ends at once, though another could still come
    let (code, out, _) = wait(&served, &["job/long", "job/bad"]);
    assert_eq!(code, Some(9), "{out}");
    let lines: Vec<&str> = out.lines().collect();
    assert!(
        lines[0].starts_with("job/bad: failed") && lines[0].contains("will not be complete"),
        "{out}"
    );
    assert!(lines[1].contains("not waited for any longer"), "{out}");
    let (code, ..) = wait(&served, &["job/good", "--for", "failed"]);
    assert_eq!(code, Some(9));

    let (code, out, err) = wait(&served, &["job/long", "--for", "running", "-o", "json"]);
    assert_eq!(code, Some(0), "{err}");
    let json: Value = serde_json::from_str(&out).expect("JSON");
    let (result, phase) = (&json[0]["result"], &json[0]["phase"]);
    assert_eq!((result, phase), (&json!("reached"), &json!("Running")));

    // the time is over: the exit code of timeout(1)
    let (code, out, err) = wait(
        &served,
        &["job/held", "--for", "admitted", "--timeout", "1s"],
    );
    assert_eq!(code, Some(124), "{out}{err}");
    assert!(
        out.starts_with("job/held: suspended") && err.contains("jobdeck why"),
        "{out}{err}"
    );

    let (code, out, err) = wait(&served, &["job/nosuch"]);
    assert_eq!((code, &*out), (Some(4), ""));
    assert!(err.contains("no job/nosuch here"), "{err}");
    let (code, out, _) = wait(&served, &["job/nosuch", "--for", "deleted"]);
    assert_eq!(code, Some(0), "{out}");
    let (code, _, err) = wait(&served, &["jib/nosuch"]);
    assert_eq!(code, Some(1));
    assert!(err.contains("names no job"), "{err}");
}

#[test]
fn it_sees_what_happens_while_it_waits() {
    let mut served = Served::start(&[]);
    for name in ["first", "second", "third"] {
        post(&served, name, &["sleep", "100000"], &json!({}));
    }
    let timeout = ["--timeout", "5m"];

    let gone = started(
        &served,
        &[&["job/first", "--for", "deleted"], &timeout[..]].concat(),
        "job/first",
    );
    let never = started(&served, &[&["first"], &timeout[..]].concat(), "job/first");
    served.request("DELETE", &format!("{JOBS}/first"), "");
    let (code, out, _) = ended(gone.wait_with_output().expect("it ends"));
    assert_eq!((code, &*out), (Some(0), "job/first: it is gone\n"));
    let (code, out, _) = ended(never.wait_with_output().expect("it ends"));
    assert_eq!(code, Some(9), "{out}");

    // held from the beginning, let go by somebody
    let hold = json!({"spec": {"suspend": true}}).to_string();
    let release = json!({"spec": {"suspend": false}}).to_string();
    patch(&served, "second", &hold);
    let admitted = started(
        &served,
        &[&["job/second", "--for", "admitted"], &timeout[..]].concat(),
        "suspended",
    );
    patch(&served, "second", &release);
    let (code, out, _) = ended(admitted.wait_with_output().expect("it ends"));
    assert_eq!(code, Some(0), "{out}");

    // a server that is gone is no end; it is said, and waited on
    let waits = started(
        &served,
        &["job/third", "--for", "deleted", "--timeout", "8s"],
        "job/third",
    );
    served.stop();
    let (code, out, _) = ended(waits.wait_with_output().expect("it ends"));
    assert_eq!(code, Some(124), "{out}");
}

fn patch(served: &Served, name: &str, body: &str) {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(served.address()).expect("it listens");
    write!(
        stream,
        "PATCH {JOBS}/{name} HTTP/1.1\r\nHost: demo\r\nConnection: close\r\n\
         Content-Type: application/merge-patch+json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .expect("it takes requests");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}
