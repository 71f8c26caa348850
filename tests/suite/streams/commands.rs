//! Commands in pods: what goes in and comes out, how they end, and what is said when they cannot.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use jobdeck::actions::{Intent, Run};
use jobdeck::cluster::streams::exec::{self, End, Input, Output};
use jobdeck::cluster::writes::Rules;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;

use super::*;
use crate::scripted::Server;
use crate::served::{Served, kubectl_there, still};

#[tokio::test(flavor = "multi_thread")]
async fn a_command_has_output_errors_an_exit_code_and_lines_in_the_audit() {
    let open = Open::scene().await;
    let pod = open.pod(trains).await;
    let asked = command(&["sh", "-c", "hostname; echo wrong >&2; exit 7"]);
    let (heard, outcome) = run(&open, &pod, asked, Vec::new()).await;
    assert_eq!(
        (heard.out.trim(), heard.err.trim()),
        (pod.1.as_str(), "wrong")
    );
    assert_eq!((outcome.exit, outcome.result()), (Some(7), "done"));
    let audit = open.audit();
    let results: Vec<&Value> = audit.iter().map(|line| &line["result"]).collect();
    assert_eq!(results, ["opened", "done"]);
    for line in &audit {
        assert_eq!(
            (&line["verb"], &line["name"], &line["context"]),
            (&"exec".into(), &pod.1.clone().into(), &"test".into())
        );
        assert_eq!(
            line["command"],
            json!(["sh", "-c", "hostname; echo wrong >&2; exit 7"])
        );
        assert!(line["container"].is_string() && line["time"].is_string());
    }
    assert_eq!(audit[1]["exit"], 7);
    let (heard, outcome) = run(&open, &pod, command(&["nvidia-smi", "-L"]), Vec::new()).await;
    assert_eq!(outcome.exit, Some(0));
    assert!(
        heard.out.starts_with("GPU 0: ") && heard.out.contains("UUID: GPU-"),
        "{}",
        heard.out
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn input_goes_in_byte_for_byte_while_output_comes_out() {
    let open = Open::scene().await;
    let pod = open.pod(trains).await;
    let asked = Run {
        stdin: true,
        ..command(&["cat"])
    };
    let running = open
        .gate
        .exec(step(Intent::Exec(Arc::new(asked)), &pod))
        .await;
    let running = running.unwrap_or_else(|outcome| panic!("{}", outcome.sentence()));
    // more than any buffer on the way holds: neither side may wait for the other
    let sent: Vec<u8> = (0..8 << 20)
        .map(|n: u32| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let (tx, rx) = mpsc::channel(1);
    let feeding = sent.clone();
    let feed = tokio::spawn(async move {
        for chunk in feeding.chunks(10_000) {
            tx.send(Input::Bytes(chunk.to_vec().into())).await.unwrap();
        }
        tx.send(Input::End).await.unwrap();
        std::future::pending::<()>().await;
    });
    let mut came = Vec::new();
    let out = |_: Output, bytes: &[u8]| {
        came.extend_from_slice(bytes);
        Ok(())
    };
    let ended = running.run(rx, out, std::future::pending());
    let ended = tokio::time::timeout(PATIENCE, ended).await.expect("an end");
    assert_eq!(ended.unwrap().exit, Some(0));
    assert!(came == sent, "{} of {} bytes", came.len(), sent.len());
    feed.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shell_at_a_terminal_echoes_knows_its_size_and_takes_ctrl_c() {
    let open = Open::scene().await;
    let pod = open.pod(trains).await;
    let asked = Run {
        stdin: true,
        tty: true,
        ..Run::default()
    };
    let input = vec![
        Input::Size {
            columns: 132,
            rows: 43,
        },
        bytes("stty siz\x7fze\r"),
        bytes("sleep 100\r"),
        bytes("\x03"),
        bytes("echo $?\r"),
        Input::Size {
            columns: 90,
            rows: 20,
        },
        bytes("stty size\r"),
        bytes("nosuch\r"),
        bytes("exit 5\r"),
    ];
    let (heard, outcome) = run(&open, &pod, asked, input).await;
    let out = &heard.out;
    assert!(heard.err.is_empty());
    assert!(
        out.contains("\r\n43 132\r\n") && out.contains("\r\n20 90\r\n"),
        "{out}"
    );
    assert!(
        out.contains("^C") && out.contains("nosuch: command not found\r\n"),
        "{out}"
    );
    assert!(
        out.contains(&format!("root@{}:/workspace# ", pod.1)),
        "{out}"
    );
    assert_eq!(outcome.exit, Some(5));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_run_says_why_and_what_else_there_is() {
    let open = Open::scene().await;
    let bare = open.pod(|pod| image(pod, "distroless")).await;
    let (_, outcome) = run(&open, &bare, command(&[]), Vec::new()).await;
    let said = outcome.sentence();
    assert_eq!(outcome.result(), "notFound");
    assert!(
        said.contains("has no shell: bring one: kubectl debug -it"),
        "{said}"
    );
    let pod = open.pod(trains).await;
    let (_, outcome) = run(&open, &pod, command(&["frobnicate"]), Vec::new()).await;
    assert!(
        outcome
            .sentence()
            .contains("there is no frobnicate in container")
    );
    let refused = |run: Run, pod: (String, String)| {
        let open = &open;
        async move {
            let outcome = open
                .gate
                .exec(step(Intent::Exec(Arc::new(run)), &pod))
                .await;
            let outcome = outcome.expect_err("it does not run");
            (outcome.result(), outcome.sentence())
        }
    };
    let other = Run {
        container: Some("nobody".into()),
        ..Run::default()
    };
    let (result, said) = refused(other, pod.clone()).await;
    assert_eq!(result, "refused");
    assert!(said.contains("no container nobody: it has "), "{said}");
    let gone = (pod.0.clone(), "nobody".to_owned());
    let (result, said) = refused(Run::default(), gone).await;
    assert_eq!(result, "notFound");
    assert!(
        said.contains("pod/nobody") && said.contains("is gone"),
        "{said}"
    );
    let ask =
        jobdeck::cluster::http::Ask::get("/api/v1/pods?fieldSelector=status.phase%3DSucceeded");
    let list: Value = open.cluster.http().json(&ask).await.unwrap();
    let over = &list["items"][0]["metadata"];
    let text = |name: &str| over[name].as_str().unwrap().to_owned();
    let (result, said) = refused(Run::default(), (text("namespace"), text("name"))).await;
    assert_eq!(result, "refused");
    assert!(
        said.contains("it is Succeeded: its logs are left"),
        "{said}"
    );
}

/// A connection through here is cut when it is told to.
async fn cuttable(to: SocketAddr) -> (String, tokio::sync::broadcast::Sender<()>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let here = format!("http://{}", listener.local_addr().unwrap());
    let (cut, _) = tokio::sync::broadcast::channel(1);
    let sender = cut.clone();
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let mut cut = sender.subscribe();
            tokio::spawn(async move {
                let mut far = TcpStream::connect(to).await.unwrap();
                tokio::select! {
                    _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                    _ = cut.recv() => {}
                }
            });
        }
    });
    (here, cut)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_cut_says_what_is_not_known() {
    let (server, cut) = cuttable(still().addr()).await;
    let open = open(&server, Rules::default()).await;
    let pod = open.pod(trains).await;
    let asked = command(&["sh", "-c", "echo begun; sleep 1000"]);
    let running = open
        .gate
        .exec(step(Intent::Exec(Arc::new(asked)), &pod))
        .await;
    let running = running.unwrap_or_else(|outcome| panic!("{}", outcome.sentence()));
    let (_tx, rx) = mpsc::channel(1);
    let out = |_: Output, _: &[u8]| {
        cut.send(()).unwrap();
        Ok(())
    };
    let ended = running.run(rx, out, std::future::pending());
    let outcome = tokio::time::timeout(PATIENCE, ended)
        .await
        .expect("an end")
        .unwrap();
    assert_eq!(outcome.result(), "unknown", "{}", outcome.sentence());
    assert!(outcome.sentence().contains("the connection was lost"));
    let results: Vec<Value> = open
        .audit()
        .iter()
        .map(|line| line["result"].clone())
        .collect();
    assert_eq!(results, ["opened", "unknown"]);
}

#[tokio::test]
async fn the_old_protocol_is_spoken_too_and_cannot_end_its_input() {
    let done = framed(3, r#"{"status":"Success"}"#);
    let (http, served) = bare("v4.channel.k8s.io", vec![vec![1], framed(1, "hi"), done]).await;
    let socket = http.socket("/exec").await.unwrap();
    let (_tx, rx) = mpsc::channel(1);
    let mut out = String::new();
    let heard = |_: Output, bytes: &[u8]| {
        out.push_str(&String::from_utf8_lossy(bytes));
        Ok(())
    };
    assert_eq!(exec::run(socket, rx, heard).await.unwrap(), End::Exit(0));
    assert_eq!(out, "hi");
    served.await.unwrap();

    let (http, served) = bare("v4.channel.k8s.io", Vec::new()).await;
    let socket = http.socket("/exec").await.unwrap();
    let (tx, rx) = mpsc::channel(4);
    tx.send(bytes("a")).await.unwrap();
    tx.send(Input::End).await.unwrap();
    let end = exec::run(socket, rx, |_, _| Ok(())).await.unwrap();
    assert!(matches!(end, End::Lost(why) if why.contains("cannot be told")));
    let got = served.await.unwrap();
    assert_eq!(got[0], Message::Binary(framed(0, "a").into()));
}

#[tokio::test]
async fn who_is_dropped_hangs_up_and_loses_nothing_it_was_told() {
    let (http, served) = bare("v5.channel.k8s.io", vec![framed(1, "one")]).await;
    let socket = http.socket("/exec").await.unwrap();
    let (tx, rx) = mpsc::channel(4);
    tx.send(Input::Size {
        columns: 80,
        rows: 24,
    })
    .await
    .unwrap();
    tx.send(bytes("ls\r")).await.unwrap();
    tx.send(Input::End).await.unwrap();
    let (seen, mut first) = mpsc::unbounded_channel();
    let heard = move |_: Output, bytes: &[u8]| {
        seen.send(bytes.to_vec()).unwrap();
        Ok(())
    };
    let running = tokio::spawn(exec::run(socket, rx, heard));
    assert_eq!(first.recv().await.unwrap(), b"one");
    // all that was to go in is in when there is room again
    while tx.capacity() < 4 {
        tokio::task::yield_now().await;
    }
    tokio::task::yield_now().await;
    running.abort();
    let got = tokio::time::timeout(PATIENCE, served)
        .await
        .expect("it hangs up")
        .unwrap();
    let sent: Vec<Vec<u8>> = got.into_iter().map(|m| m.into_data().to_vec()).collect();
    assert_eq!(sent[0], framed(4, r#"{"Width":80,"Height":24}"#));
    assert_eq!(sent[1], framed(0, "ls\r"));
}

#[tokio::test]
async fn read_only_and_missing_roles_open_nothing() {
    let pod = ("ml".to_owned(), "train-0".to_owned());
    let intents = || {
        [
            Intent::Exec(Arc::new(command(&["ls"]))),
            Intent::Forward(8265),
        ]
    };
    let tried = |open: Open, intent: Intent, pod: (String, String)| async move {
        let step = step(intent.clone(), &pod);
        let outcome = match intent {
            Intent::Exec(_) => open.gate.exec(step).await.err(),
            _ => open.gate.forward(step, Some(0)).await.err(),
        };
        let outcome = outcome.expect("it is refused");
        let lines: Vec<Value> = open
            .audit()
            .iter()
            .map(|line| line["result"].clone())
            .collect();
        assert_eq!(lines, [outcome.result()]);
        (outcome.result(), outcome.sentence())
    };
    let url = |server: &Server| server.url().to_string();
    let now = json!({
        "metadata": {"name": "train-0", "namespace": "ml"},
        "spec": {"containers": [{"name": "main"}]},
        "status": {"phase": "Running", "containerStatuses": [{"name": "main", "state": {"running": {}}}]},
    });
    let path = "/api/v1/namespaces/ml/pods/train-0";
    for intent in intents() {
        let server = Server::start();
        let rules = Rules {
            read_only: true,
            ..Rules::default()
        };
        let opened = open(&url(&server), rules).await;
        let before = server.state().requests.len();
        let (result, said) = tried(opened, intent.clone(), pod.clone()).await;
        assert_eq!(result, "readOnly");
        assert!(said.contains("nothing was done"), "{said}");
        assert_eq!(server.state().requests.len(), before);

        let server = Server::start();
        server.state().allowed = Some(Vec::new());
        let opened = open(&url(&server), Rules::default()).await;
        let (result, said) = tried(opened, intent.clone(), pod.clone()).await;
        assert_eq!(result, "forbidden");
        assert!(said.contains("needs create pods/"), "{said}");
        let asked = server
            .state()
            .requests
            .iter()
            .any(|r| r.path.contains("train-0"));
        assert!(!asked, "nothing is asked of the pod");
    }
    // the server's own no, which a review did not foresee
    let server = Server::start();
    {
        let mut state = server.state();
        state.answers.insert(path.into(), (200, now));
        let no = json!({"kind": "Status", "status": "Failure", "code": 403, "reason": "Forbidden",
            "message": "cannot create resource \"pods/exec\""});
        state.answers.insert(format!("{path}/exec"), (403, no));
    }
    let opened = open(&url(&server), Rules::default()).await;
    let (result, said) = tried(opened, intents()[0].clone(), pod.clone()).await;
    assert_eq!(result, "forbidden");
    assert!(
        said.contains("needs create pods/exec, get pods/exec"),
        "{said}"
    );
}

/// No byte and no close: a tunnel whose other end has gone looks like this.
#[tokio::test]
async fn a_command_whose_connection_falls_silent_is_given_up() {
    let http = hushed("v5.channel.k8s.io", vec![framed(1, "one")]).await;
    let socket = http.socket("/exec").await.unwrap();
    let (_tx, rx) = mpsc::channel(1);
    let (seen, mut first) = mpsc::unbounded_channel();
    let heard = move |_: Output, bytes: &[u8]| {
        seen.send(bytes.to_vec()).unwrap();
        Ok(())
    };
    let running = tokio::spawn(exec::run(socket, rx, heard));
    assert_eq!(first.recv().await.unwrap(), b"one");
    // from here on time passes when nothing else happens
    tokio::time::pause();
    let end = running.await.unwrap().unwrap();
    assert!(
        matches!(&end, End::Lost(why) if why.starts_with("nothing was heard for ")),
        "{end:?}"
    );
}

#[test]
fn kubectl_runs_commands_there_and_jobdeck_does_the_same() {
    if !kubectl_there("kubectl_runs_commands_there_and_jobdeck_does_the_same") {
        return;
    }
    let served = Served::over(still());
    let (namespace, pod) = running(&served, &["-l", "training.kubeflow.org/job-name"]);
    // each reads its input first: kubectl drops what comes before it has made all of its channels
    for (script, input, code) in [
        ("wc -l; hostname; echo wrong >&2; exit 7", "a\n", 7),
        ("wc -l; exit 0", "a\nb\n", 0),
        ("wc -l; nosuch", "", 127),
    ] {
        let mut kubectl = served.kubectl(&[
            "exec", "-i", "-n", &namespace, &pod, "--", "sh", "-c", script,
        ]);
        let mut jobdeck = std::process::Command::new(env!("CARGO_BIN_EXE_jobdeck"));
        jobdeck
            .env("HOME", served.folder.path())
            .args(["exec", "-n", &namespace, &pod, "--kubeconfig"])
            .arg(&served.kubeconfig)
            .args(["--", "sh", "-c", script]);
        let mut said = Vec::new();
        for command in [&mut kubectl, &mut jobdeck] {
            let file = served.folder.path().join("input");
            std::fs::write(&file, input).unwrap();
            command.stdin(std::fs::File::open(&file).unwrap());
            let out = command.output().unwrap();
            let err = String::from_utf8(out.stderr).unwrap();
            // what is kubectl's own
            let err: Vec<String> = err
                .lines()
                .filter(|l| {
                    !l.starts_with("command terminated")
                        && !l.starts_with("Defaulted")
                        && !l.contains("Unknown stream id")
                })
                .map(str::to_owned)
                .collect();
            said.push((
                out.status.code(),
                String::from_utf8(out.stdout).unwrap(),
                err,
            ));
        }
        assert_eq!(said[0], said[1], "{script}");
        assert_eq!(said[0].0, Some(code), "{script}: {said:?}");
    }
}
