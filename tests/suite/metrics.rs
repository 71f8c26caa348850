//! `jobdeck metrics` as a program: files, pipes that pause, pipes that close, formats, what it says when it cannot.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};

use serde_json::Value;

const LOG: &str = "\
loading data\n\
Epoch 1/2\n\
\r1/3 ━━━━━━━━ 2s 1s/step - loss: 2.0\r3/3 ━━━━━━━━ 3s 900ms/step - loss: 1.5 - val_loss: 1.75\n\
no metrics on this line\n\
{'loss': nan, 'learning_rate': 1e-05, 'epoch': 1.5}\n";

fn jobdeck() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jobdeck"));
    command.arg("metrics").stdin(Stdio::null());
    // Settings of whoever runs the tests do not count.
    command.env("XDG_CONFIG_HOME", env!("CARGO_TARGET_TMPDIR"));
    command
}

fn file(text: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(text).expect("written");
    file
}

fn output(command: &mut Command) -> (i32, String, String) {
    let output = command.output().expect("it runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (
        output.status.code().expect("it ended by itself"),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn one_record_for_each_line_that_carries_some() {
    let log = file(LOG.as_bytes());
    let (code, out, err) = output(jobdeck().arg(log.path()));
    assert_eq!((code, &*err), (0, ""));
    let records: Vec<Value> = out
        .lines()
        .map(|l| serde_json::from_str(l).expect("JSON"))
        .collect();
    let lines: Vec<_> = records.iter().map(|r| r["line"].as_u64()).collect();
    assert_eq!(lines, [Some(2), Some(3), Some(5)]);
    assert_eq!(records[1]["epoch_step"], 3);
    assert_eq!(records[1]["epoch"], 1);
    assert_eq!(records[1]["eval_loss"], 1.75);
    assert_eq!(
        (&records[2]["loss"], &records[2]["alarm"]),
        (&Value::from("NaN"), &Value::from("nan"))
    );
}

#[test]
fn tables_have_a_column_per_name() {
    let log = file(b"step 1 loss 2.5\nstep 2 loss 2.25 lr 0.001\n");
    let (code, out, _) = output(jobdeck().args(["-o", "csv"]).arg(log.path()));
    assert_eq!(
        (code, &*out),
        (0, "line,step,loss,lr\n1,1,2.5,\n2,2,2.25,0.001\n")
    );
    let (code, out, _) = output(jobdeck().args(["-o", "table"]).arg(log.path()));
    assert_eq!(code, 0);
    assert_eq!(
        out,
        "LINE  STEP  LOSS  LR\n1     1     2.5   <none>\n2     2     2.25  0.001\n"
    );
    let (code, out, _) = output(
        jobdeck()
            .args(["-o", "table"])
            .arg(file(b"nothing\n").path()),
    );
    assert_eq!((code, &*out), (0, ""));
}

#[test]
fn a_pipe_is_read_as_it_comes() {
    let mut child = jobdeck()
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it runs");
    let mut give = child.stdin.take().expect("a pipe");
    let mut take = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut line = String::new();
    // Each is printed before the next is written: the input only pauses.
    for step in 1..=3 {
        writeln!(give, "step {step} loss 0.{step}").expect("it reads");
        line.clear();
        take.read_line(&mut line).expect("it writes");
        assert_eq!(
            line,
            format!("{{\"line\":{step},\"step\":{step},\"loss\":0.{step}}}\n")
        );
    }
    // A bar without a line end, too.
    write!(give, "\r 50%|#####     | 5/10 [00:01<00:01, 5.00it/s]").expect("it reads");
    line.clear();
    take.read_line(&mut line).expect("it writes");
    assert!(
        line.contains("\"line\":4") && line.contains("\"pct\":50"),
        "{line}"
    );
    drop(give);
    line.clear();
    take.read_to_string(&mut line).expect("it ends");
    assert_eq!(line, "");
    assert!(child.wait().expect("it ends").success());
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let mut long = String::new();
    for step in 0..50_000 {
        long.push_str(&format!("step {step} loss 0.5\n"));
    }
    let log = file(long.as_bytes());
    let mut child = jobdeck()
        .arg(log.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it runs");
    let mut take = BufReader::new(child.stdout.take().expect("a pipe"));
    take.read_line(&mut String::new()).expect("it writes");
    drop(take);
    let ended = child.wait_with_output().expect("it ends");
    assert_eq!((ended.status.code(), ended.stderr), (Some(0), Vec::new()));
}

#[test]
fn what_cannot_be_read_is_named() {
    let (code, out, err) = output(jobdeck().arg("no/such/file.log"));
    assert_eq!((code, &*out), (1, ""));
    assert!(
        err.starts_with("jobdeck: cannot read no/such/file.log: "),
        "{err}"
    );
    let folder = tempfile::tempdir().expect("a folder");
    let (code, _, err) = output(jobdeck().arg(folder.path()));
    assert_eq!(code, 1);
    assert!(err.contains("cannot read"), "{err}");
    let (code, _, err) = output(&mut jobdeck());
    assert_eq!(code, 2);
    assert!(err.contains("FILE"), "{err}");
}

#[test]
fn patterns_of_ones_own_come_first() {
    let log = file(b"it=3 L=0.5 via a\nstep 4 loss 0.25\nq 7%\n");
    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path().join("jobdeck");
    std::fs::create_dir(&folder).expect("made");
    let settings = "[[logs.patterns]]\nregex = 'q (?<quality>\\d+)%'\nkind = 'validation'\n";
    std::fs::write(folder.join("config.toml"), settings).expect("written");
    let (code, out, err) = output(
        jobdeck()
            .env("XDG_CONFIG_HOME", home.path())
            .args(["--pattern", r"it=(?<step>\d+) L=(?<loss>\S+)"])
            .arg(log.path()),
    );
    assert_eq!((code, &*err), (0, ""));
    let want = [
        r#"{"line":1,"step":3,"loss":0.5}"#,
        r#"{"line":2,"step":4,"loss":0.25}"#,
        r#"{"line":3,"kind":"validation","quality":7}"#,
    ];
    assert_eq!(out.lines().collect::<Vec<_>>(), want);
}

#[test]
fn a_bad_pattern_is_told_with_its_place() {
    let log = file(b"it=3\n");
    let (code, _, err) = output(
        jobdeck()
            .args(["--pattern", "it=(?<step>[0-9"])
            .arg(log.path()),
    );
    assert_eq!(code, 2);
    assert!(
        err.contains("--pattern") && err.contains("character 12: unclosed"),
        "{err}"
    );
    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path().join("jobdeck");
    std::fs::create_dir(&folder).expect("made");
    std::fs::write(
        folder.join("config.toml"),
        "[[logs.patterns]]\nregex = 'x'\n",
    )
    .expect("written");
    let (code, _, err) = output(
        jobdeck()
            .env("XDG_CONFIG_HOME", home.path())
            .arg(log.path()),
    );
    assert_eq!(code, 0, "the log is read all the same");
    assert!(
        err.contains("config.toml:2: logs.patterns.regex: it names no field"),
        "{err}"
    );
}
