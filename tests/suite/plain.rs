//! `--plain` as somebody with a screen reader uses it: lines typed, lines read, in a pty and through pipes.

use std::process::Stdio;

use crate::pty::Session;

/// What a screen reader would stumble over: escapes, boxes, bars.
fn assert_plain(written: &[u8]) {
    let text = String::from_utf8_lossy(written);
    let drawn = |c: char| c == '\u{1b}' || ('\u{2500}'..='\u{28ff}').contains(&c);
    let odd: Vec<&str> = text.lines().filter(|line| line.contains(drawn)).collect();
    assert!(odd.is_empty(), "{odd:?}");
}

#[test]
fn a_session_at_a_terminal_reads_as_lines_and_tells_what_changes() {
    let home = tempfile::tempdir().unwrap();
    let args = ["demo", "--plain", "--speed", "20"];
    let mut term = Session::start(&args, (160, 400), home.path());
    term.until("the list", |s| {
        s.contains("Type help for the commands.") && s.contains(" jobs: ") && s.contains("\n>")
    });
    term.send("help\r");
    term.until_shows("logs JOB: the last lines");
    term.send("why job-backoff-limit-per-index-example\r");
    term.until("why", |s| {
        s.contains("job job-backoff-limit-per-index-example in") && s.contains("failed")
    });
    term.send("why nobody-is-called-so\r");
    term.until_shows("no nobody-is-called-so here.");
    term.send("queues\r");
    term.until("queues", |s| {
        s.contains(" cluster queues:") && s.contains(" pending, ")
    });
    term.send("gpus h100\r");
    term.until("nodes", |s| {
        s.contains("with GPUs with h100:") && s.contains("GPUs, ")
    });
    term.send("logs job-backoff-limit-per-index-example\r");
    term.until("a log", |s| {
        s.contains("stop ends") && s.contains("Hello world")
    });
    term.send("stop\r");
    term.until_shows("The log is not read any more.");
    term.send("nonsense\r");
    term.until_shows("There is no command nonsense.");
    // the scene goes on by itself: some job changes, one line each, with its time
    term.send("jobs\r");
    term.until("a change", |s| {
        let mut lines = s.lines();
        lines.any(|l| {
            let digits = |at: usize| l.as_bytes().get(at).is_some_and(u8::is_ascii_digit);
            digits(0) && l.get(2..3) == Some(":") && digits(3) && l.get(5..6) == Some(":")
        })
    });
    term.send("quit\r");
    assert_eq!(term.until_ended(), 0);
    assert_plain(&term.written());
}

#[test]
fn through_pipes_it_answers_what_it_was_asked_and_ends() {
    let home = tempfile::tempdir().unwrap();
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_jobdeck"))
        .args(["demo", "--plain"])
        .env("HOME", home.path())
        .env_remove("KUBECONFIG")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("jobdeck starts");
    use std::io::Write;
    let mut input = child.stdin.take().expect("a pipe");
    input
        .write_all(b"queues\nwhy job-backoff-limit-per-index-example\n")
        .expect("it reads");
    drop(input);
    let out = child.wait_with_output().expect("it ends");
    let text = String::from_utf8_lossy(&out.stdout);
    assert!(out.status.success(), "{text}");
    assert!(
        text.contains(" jobs: ") && text.contains(" cluster queues:"),
        "{text}"
    );
    assert!(
        text.contains("job job-backoff-limit-per-index-example in"),
        "{text}"
    );
    assert!(
        !text.contains("> "),
        "nobody is asked for a command: {text}"
    );
    assert_plain(&out.stdout);
}

#[test]
fn other_commands_say_that_they_are_lines_already() {
    let home = tempfile::tempdir().unwrap();
    let out = std::process::Command::new(env!("CARGO_BIN_EXE_jobdeck"))
        .args(["--plain", "get", "jobs", "--demo"])
        .env("HOME", home.path())
        .output()
        .expect("jobdeck runs");
    assert!(!out.status.success());
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(said.contains("--plain is for the cockpit"), "{said}");
}
