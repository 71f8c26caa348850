//! `jobdeck logs` in a terminal: a file that grows, a pipe with the keyboard beside it, what it says when it cannot.

use std::io::Write;
use std::process::{Command, Stdio};

use super::pty::Session;

fn append(path: &std::path::Path, text: &str) {
    let mut file = std::fs::File::options()
        .append(true)
        .open(path)
        .expect("the log");
    file.write_all(text.as_bytes()).expect("written");
}

#[test]
fn a_file_opens_in_the_log_screen_and_is_followed() {
    let home = tempfile::tempdir().expect("a folder");
    let path = home.path().join("train.log");
    let steps: String = (1..=60)
        .map(|n| {
            format!(
                "step {n}/100 loss {:.3} lr 1e-4\n",
                3.0 - f64::from(n) / 50.0
            )
        })
        .collect();
    std::fs::write(&path, format!("\x1b]0;owned\x07loading\n{steps}")).expect("written");
    let mut term = Session::start(&["logs", "train.log"], (100, 24), home.path());
    let screen = term.until("its end", |s| {
        s.contains("step 60/100") && s.contains("following") && s.contains("61/61 lines")
    });
    assert!(screen.contains("logs train.log"), "{screen}");
    assert!(
        !screen.contains("Queues") && !screen.contains("connecting"),
        "{screen}"
    );
    append(&path, "step 61/100 loss 1.5\n 10%|# | 1/9\r 50%|##  | 5/9");
    term.until("the bar in place", |s| {
        s.contains("50%|##") && !s.contains("10%|#")
    });
    // numbers become a chart without any cluster
    term.send("v");
    term.until("the chart", |s| s.contains("loss") && s.contains("61/100"));
    term.send("v");
    term.send("/step 7/\r");
    term.until_shows("step 7/");
    // what needs a cluster says so, and nothing is lost
    term.send(":jobs\r");
    term.until_shows("a file is read, no cluster");
    term.send("p");
    term.until_shows("a file has no containers");
    term.send("q");
    assert_eq!(term.until_ended(), 0);
    term.assert_restored();
}

#[test]
fn a_pipe_is_read_and_keys_come_from_the_terminal() {
    let home = tempfile::tempdir().expect("a folder");
    // the terminal is the screen and the keyboard, the pipe is standard input
    let script = format!(
        "{{ echo first; echo \"{{'loss': 0.5, 'epoch': 1.0}}\"; }} | '{}' logs -",
        env!("CARGO_BIN_EXE_jobdeck")
    );
    let mut term = Session::start_program("sh", &["-c", &script], (80, 24), home.path());
    let screen = term.until("all of it", |s| {
        s.contains("'loss': 0.5") && s.contains("all read")
    });
    assert!(screen.contains("logs standard input"), "{screen}");
    term.send("q");
    assert_eq!(term.until_ended(), 0);
    term.assert_restored();
}

#[test]
fn what_cannot_be_shown_is_said() {
    let said = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_jobdeck"));
        command.arg("logs").args(args).stdin(Stdio::null());
        command.env("XDG_CONFIG_HOME", env!("CARGO_TARGET_TMPDIR"));
        let output = command.output().expect("it runs");
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let missing = said(&["no-such.log"]);
    assert!(
        missing.contains("cannot read no-such.log") && missing.contains("under `l`"),
        "{missing}"
    );
    let folder = said(&[env!("CARGO_TARGET_TMPDIR")]);
    assert!(folder.contains("directory"), "{folder}");
    let screenless = said(&["-"]);
    assert!(screenless.contains("jobdeck metrics"), "{screenless}");
}

#[test]
fn failures_filters_json_marks_and_the_pager() {
    let home = tempfile::tempdir().expect("a folder");
    let path = home.path().join("train.log");
    let log = "[rank1]: WARNING slow\x1b]52;c;aGk=\x07 \x1b[31mdisk\x1b[0m\nstep 1 loss 2.0\n\
        Traceback (most recent call last):\n  File \"/app/train.py\", line 81, in main\n    step()\n\
        ValueError: bad shape\nwaiting\nwaiting\nwaiting\n\
        {\"level\":\"error\",\"msg\":\"upload failed\",\"retry\":3}\nstep 2 loss 1.0\n";
    std::fs::write(&path, log).expect("written");
    // a pager as the user might have: it keeps the terminal until a key
    let pager = "cat > paged.txt; echo THE PAGER; read x < /dev/tty; echo x$x > key.txt";
    let mut term = Session::start_with(
        &["logs", "train.log"],
        (100, 24),
        home.path(),
        &[("PAGER", pager)],
    );
    let screen = term.until("all of it", |s| s.contains("step 2 loss"));
    assert!(
        screen.contains("✗ ValueError: bad shape (train.py:81)"),
        "{screen}"
    );
    assert!(
        screen.contains("▸ ValueError: bad shape (train.py:81) · 4 lines"),
        "{screen}"
    );
    assert!(screen.contains("×3 waiting"), "{screen}");
    assert!(screen.contains("error upload failed retry=3"), "{screen}");
    term.send("!\r");
    term.until("the traceback open", |s| s.contains("    step()"));
    // pasted text is text, not keys
    term.send("&\x1b[200~level:error+ retry>2\nq\x1b[201~\x15retry>2 level:loud");
    term.until("what is wrong with it", |s| s.contains("loud is no level"));
    term.send("\x15retry>2\r");
    term.until("one line", |s| s.contains("only ‘retry>2’: 1 of 11 lines"));
    term.send("G\r");
    term.until("pretty", |s| s.contains("\"msg\": \"upload failed\","));
    term.send("\x1b");
    term.until("all lines again", |s| {
        s.contains("step 1 loss") || s.contains("waiting")
    });
    term.send("O");
    term.until("the pager", |s| {
        s.contains("THE PAGER") && !s.contains("upload failed")
    });
    term.send("q\n");
    term.until("the log again", |s| s.contains("step 2 loss"));
    let key = std::fs::read_to_string(home.path().join("key.txt")).expect("the pager's key");
    assert_eq!(key, "xq\n");
    let paged = std::fs::read_to_string(home.path().join("paged.txt")).expect("what it got");
    assert_eq!(paged.lines().count(), 11, "{paged}");
    assert!(
        paged.contains("slow disk") && !paged.contains('\x1b'),
        "{paged}"
    );
    term.send("tt");
    term.send("q");
    assert_eq!(term.until_ended(), 0);
    term.assert_restored();
}
