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

/// The line of the screen a job is on.
fn line_of<'a>(screen: &'a str, job: &str) -> &'a str {
    // not the filter's echo
    let of = |line: &&str| line.contains(job) && !line.contains("(esc clears)");
    screen.lines().find(of).unwrap_or_default()
}

#[test]
fn what_fails_is_read_and_over_by_itself_and_what_is_gone_is_submitted_again() {
    const JOBS: &str = "/apis/batch/v1/namespaces/research/jobs";
    let served = Served::start(&[]);
    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path().join(".config/jobdeck");
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("config.toml"), "[inbox]\nimage-s = 0\n").expect("written");
    let config = served.kubeconfig.to_str().expect("a plain path").to_owned();
    let args = ["--kubeconfig", &config, "-n", "research"];
    let mut term = Session::start(&args, (140, 40), home.path());
    term.until("live jobs", |s| {
        s.contains("live") && s.contains("grpo-math")
    });
    let job = r#"{"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "lost-image"}, "spec": {
        "template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "main",
        "image": "registry.nowhere.invalid/train:1", "env": [{"name": "HF_TOKEN", "value": "s3cr3t-value"}]}]}}}}"#;
    let answer = served.request("POST", JOBS, job);
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");

    // told, and unread
    term.send("7");
    term.until_shows("errors");
    term.send("/lost-image\r");
    term.until("told", |s| {
        let line = line_of(s, "lost-image");
        line.contains("●") && line.contains("cannot pull its image")
    });
    // read, by going there
    term.send("\r");
    term.until("where it leads", |s| !s.contains("errors ·"));
    term.send("\x1b");
    term.until("read", |s| {
        let line = line_of(s, "lost-image");
        line.contains("cannot pull its image") && !line.contains("●")
    });
    // over, once somebody holds the job
    let one = format!("{JOBS}/lost-image");
    let answer = served.patch(&one, r#"{"spec": {"suspend": true}}"#);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    term.until("over", |s| s.contains("over: no such pod any more"));

    // looked at, then deleted by somebody, and found again
    term.send("1");
    term.until_shows("PROGRESS");
    term.send("/lost-image\r");
    term.until("only that", |s| {
        s.contains("lost-image (esc clears)") && line_of(s, "lost-image").contains("Job")
    });
    term.send("\r");
    term.until_shows("job/lost-image");
    // what is kept of it is written by the time its text is there
    let kept = |home: &std::path::Path| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_jobdeck"));
        let out = command
            .args(["history", "show", "job/lost-image", "-n", "research"])
            .env_clear()
            .env("HOME", home)
            .output()
            .expect("it runs");
        String::from_utf8_lossy(&out.stdout).into_owned()
    };
    let begun = std::time::Instant::now();
    while !kept(home.path()).contains("kind: Job") {
        assert!(begun.elapsed().as_secs() < 60, "{}", kept(home.path()));
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    assert!(
        !kept(home.path()).contains("s3cr3t"),
        "{}",
        kept(home.path())
    );
    let answer = served.request("DELETE", &format!("{one}?propagationPolicy=Background"), "");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    term.send("9");
    term.until("it is kept", |s| {
        s.contains("deleted since") && s.contains("lost-image")
    });
    term.send("/lost-image\r");
    term.until_shows("lost-image (esc clears)");
    term.send("\r");
    term.until("its record", |s| {
        s.contains("─ manifest") && s.contains("registry.nowhere.invalid/train:1")
    });
    // and submitted again from there, with what was not kept filled in
    term.send("r");
    term.until("the editor", |s| {
        s.contains("name: lost-image-r2") && s.contains("(not kept)")
    });
    let fresh = format!("{JOBS}/lost-image-r2");
    term.send("\x13");
    term.until("not as it is", |s| {
        s.contains("this value was not kept: fill it in") && s.contains(" 18:")
    });
    let there = served.request("GET", &fresh, "");
    assert!(there.starts_with("HTTP/1.1 404"), "{there}");
    // the cursor stands at what is missing
    term.send("\x1b[F");
    term.send(&"\x7f".repeat("(not kept)".len()));
    term.until("without it", |s| !s.contains("value: (not kept)"));
    term.send("other-value\x13");
    term.until("sent", |s| !s.contains("resubmit job"));
    let there = served.request("GET", &fresh, "");
    assert!(there.contains("other-value"), "{there}");
    term.send("q");
    assert_eq!(term.until_ended(), 0);
    term.assert_restored();
}
