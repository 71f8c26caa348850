//! End to end: what went wrong is in the inbox and leads there, and a job that was deleted can still be read.

use super::pty::Session;
use super::served::Served;

#[test]
fn from_the_inbox_to_the_log_and_from_the_history_to_a_deleted_job() {
    let served = Served::start(&[]);
    let home = tempfile::tempdir().expect("a folder");
    let config = served.kubeconfig.to_str().expect("a plain path").to_owned();
    let args = ["--kubeconfig", &config, "-A"];
    let mut term = Session::start(&args, (140, 40), home.path());
    term.until("live jobs", |s| {
        s.contains("live") && s.contains("exit-code-policy")
    });

    // the inbox: what is so now, with its cause; enter goes there, and takes it off the unread
    term.send("7");
    term.until("what is wrong", |s| {
        s.contains("errors") && s.contains("crash loop")
    });
    term.send("/crash-loop\r");
    term.until("one of them", |s| {
        s.contains("crash-loop-entrypoint") && !s.contains("typo-in-image-tag")
    });
    term.send("\r");
    term.until("where it leads", |s| {
        !s.contains("errors ·") && s.contains("crash-loop-entrypoint")
    });
    term.send("\x1b");
    term.until("the inbox again", |s| s.contains("errors ·"));
    // muted: nothing more about it
    term.send("m");
    term.until_shows("nothing more about crash-loop-entrypoint");

    // a job is looked at, then somebody deletes it
    term.send("1");
    term.until_shows("PROGRESS");
    term.send("/exit-code-policy\r");
    term.until("only that", |s| {
        s.contains("exit-code-policy") && !s.contains("lora-rank-sweep")
    });
    term.send("\r");
    term.until_shows("job/exit-code-policy-demo");
    term.send("l");
    let logs = term.until("its log", |s| s.contains("▸ logs "));
    assert!(logs.contains("exit-code-policy"), "{logs}");
    term.send("\x1b");
    term.until("its detail", |s| !s.contains("▸ logs "));
    let job = "/apis/batch/v1/namespaces/research/jobs/exit-code-policy-demo";
    let answer = served.request("DELETE", &format!("{job}?propagationPolicy=Background"), "");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    term.send("9");
    term.until("it is kept", |s| {
        s.contains("deleted since") && s.contains("exit-code-policy-demo")
    });
    term.send("/exit-code\r");
    term.until("that alone", |s| s.contains("exit-code (esc clears)"));
    term.send("\r");
    let screen = term.until("its record", |s| s.contains("manifest"));
    for part in [
        "exit-code-policy-demo",
        "failed: PodFailurePolicy",
        "last lines",
    ] {
        assert!(screen.contains(part), "{part} is not in\n{screen}");
    }
    term.send("q");
    assert_eq!(term.until_ended(), 0);
    term.assert_restored();

    // and the command tells the same to whoever comes later
    let out = std::process::Command::new(env!("CARGO_BIN_EXE_jobdeck"))
        .args([
            "history",
            "show",
            "job/exit-code-policy-demo",
            "-n",
            "research",
        ])
        .env_clear()
        .env("HOME", home.path())
        .output()
        .expect("it runs");
    let text = String::from_utf8_lossy(&out.stdout);
    assert!(out.status.success(), "{out:?}");
    assert!(
        text.contains("kind: Job") && text.contains("podFailurePolicy"),
        "{text}"
    );
}
