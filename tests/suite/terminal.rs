//! End to end: a person starts jobdeck in a terminal, works, and leaves; the terminal is as it was.

use super::pty::Session;

fn home() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

#[test]
fn the_start_screen_says_what_was_tried_and_the_way_out_is_clean() {
    let home = home();
    let mut term = Session::start(&[], (200, 60), home.path());
    // no kubeconfig: no stack trace, but what was tried and the offer
    let screen = term.until_shows("open the demo cluster");
    assert!(screen.contains("no kubeconfig found"), "{screen}");
    term.resize((80, 24));
    term.until("80x24", |s| {
        s.contains("open the demo cluster") && s.contains("quit")
    });
    term.resize((50, 10));
    term.until_shows("too small");
    term.resize((160, 48));
    term.until_shows("open the demo cluster");
    term.send("q");
    assert_eq!(term.until_ended(), 0);
    term.assert_restored();
}

/// What a terminal is left as when the program does not choose its end.
#[cfg(unix)]
#[test]
fn signals_give_the_terminal_back() {
    for signal in ["TERM", "HUP"] {
        let home = home();
        let mut term = Session::start(&[], (100, 30), home.path());
        term.until_shows("open the demo cluster");
        let pid = term.child.process_id().expect("a pid").to_string();
        let sent = std::process::Command::new("kill")
            .args(["-s", signal, &pid])
            .status()
            .expect("kill runs");
        assert!(sent.success());
        term.until_ended();
        term.assert_restored();
    }
}

/// A panic in the loop gives the terminal back before its report is printed, so that the report can be read.
#[cfg(unix)]
#[test]
fn a_panic_gives_the_terminal_back() {
    let home = home();
    let mut term = Session::start_with(&[], (100, 30), home.path(), &[("JOBDECK_TEST_PANIC", "1")]);
    if !cfg!(debug_assertions) {
        // the hook exists in debug builds only
        return;
    }
    let code = term.until_ended();
    assert_ne!(code, 0);
    term.assert_restored();
    assert!(
        term.screen().contains("asked for by JOBDECK_TEST_PANIC"),
        "{}",
        term.screen()
    );
}

/// No terminal to draw on is said in one line.
#[test]
fn without_a_terminal_it_says_so() {
    let out = std::process::Command::new(env!("CARGO_BIN_EXE_jobdeck"))
        .output()
        .expect("jobdeck runs");
    let said = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(1));
    assert!(
        said.contains("no terminal") && said.contains("jobdeck get"),
        "{said}"
    );
}
