//! End to end: a person starts jobdeck in a terminal, works, and leaves; the terminal is as it was.

use std::path::Path;
use std::time::Duration;

use super::pty::Session;
use super::served::Served;

fn home() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

/// One long walk, since starting the demo cluster is what costs.
#[test]
fn a_first_visit_from_the_start_screen_to_the_way_out() {
    let home = home();
    let mut term = Session::start(&[], (200, 60), home.path());
    // no kubeconfig: no stack trace, but what was tried and the offer
    let screen = term.until_shows("open the demo cluster");
    assert!(screen.contains("no kubeconfig found"), "{screen}");
    term.send("\r");
    // live jobs, and the example whose even indexes fail
    term.until("live jobs", |s| {
        s.contains("live") && s.contains("all namespaces") && s.contains("PROGRESS")
    });

    // filter down to the example and open it
    term.send("/");
    term.until_shows("filter:");
    term.send("per-index-example\r");
    term.until("one row", |s| {
        s.contains("5/10") && !s.contains("llama3-70b")
    });
    term.send("\r");
    term.until("its detail", |s| {
        s.contains("0,2,4,6,8") && s.contains("FailedIndexes")
    });
    // move in the index grid: what the cursor is on is told
    term.send("\x1b[C\x1b[C");
    term.until_shows("index 2 ✗ failed");
    term.send("\x1b[C");
    term.until_shows("index 3 ✓ ");
    // its logs, and back
    term.send("l");
    term.until("logs", |s| {
        s.contains("Hello world") && s.contains("follow") && !s.contains("index 3 ✓ ")
    });
    term.send("\x1b");
    term.until_shows("index 3 ✓ ");

    // resize on the way: everything still there, then too small, then back
    term.resize((80, 24));
    term.until("80x24", |s| s.lines().count() <= 24 && s.contains("▸ all"));
    term.resize((60, 16));
    term.until("60x16", |s| s.lines().count() <= 16 && s.contains("▸ all"));
    term.resize((50, 10));
    term.until_shows("too small");
    term.resize((160, 48));
    term.until("large again", |s| s.contains("Jobs") && s.contains("Inbox"));

    // another namespace
    term.send("1");
    term.send("n");
    term.until_shows("namespace");
    term.send("research\r");
    term.until("the namespace", |s| {
        s.contains("demo") && s.contains("▸ research")
    });

    // a training's log becomes a curve, and its row in the table tells how far it is
    term.send("0");
    term.until("all namespaces", |s| s.contains("▸ all namespaces"));
    term.send("/");
    term.until_shows("filter:");
    term.send("detr-ddp\r");
    // its row, not only its name in the line of the filter: the rows of all namespaces may take a moment
    term.until("one training", |s| {
        s.contains("detr-ddp (esc clears)") && s.contains("0 of 4 pods done")
    });
    term.send("\r");
    term.until_shows("job/detr-ddp");
    term.send("l");
    // of the job, or of the replica under the cursor
    term.until_shows("▸ logs ");
    term.send("v");
    let screen = term.until("the curve", |s| {
        let dots = |c: char| ('\u{2801}'..='\u{28ff}').contains(&c);
        s.contains("/5200") && s.contains("(best ") && s.contains(" step") && s.contains(dots)
    });
    assert!(screen.contains("loss 1/"), "{screen}");
    term.send("\x1b");
    term.until("its detail", |s| {
        s.contains("(best ") && !s.contains("▸ logs ")
    });
    term.send("\x1b");
    term.until("the row", |s| s.contains("LOSS") && s.contains("detr-ddp"));

    term.send("?");
    term.until_shows("everywhere");
    term.send("\x1b");
    // an escape with a letter right behind it would be alt and that letter
    term.until("the keys are away", |s| !s.contains("everywhere"));
    term.send("q");
    assert_eq!(term.until_ended(), 0);
    term.assert_restored();
}

/// What another client does to the cluster appears by itself.
#[test]
fn changes_by_others_appear_while_it_is_open() {
    let mut served = Served::start(&[]);
    let home = home();
    let config = served.kubeconfig.to_str().expect("a plain path").to_owned();
    let args = ["--kubeconfig", &config, "-n", "research"];
    let mut term = Session::start(&args, (120, 40), home.path());
    term.until("live jobs", |s| {
        s.contains("live") && s.contains("grpo-math")
    });
    term.send("/brand-new\r");
    term.until_shows("none of ");

    let jobs = "/apis/batch/v1/namespaces/research/jobs";
    let job = r#"{"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "brand-new"}, "spec": {
        "suspend": true, "template": {"spec": {"restartPolicy": "Never",
        "containers": [{"name": "main", "image": "busybox:1.36"}]}}}}"#;
    let answer = served.request("POST", jobs, job);
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    term.until("it is held", |s| s.contains("held") && s.contains("0/1"));

    let one = format!("{jobs}/brand-new");
    let answer = served.request("DELETE", &one, "");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    term.until_shows("none of ");

    // the server ends: what was seen stays, and says that it is old, since when and why
    term.send("\x1b");
    term.until_shows("grpo-math");
    served.stop();
    // cut first, and refused from the next try on
    term.until("stale, and why", |s| {
        let header = s.lines().next().unwrap_or_default();
        header.contains("stale since")
            && header.contains("connection refused")
            && s.contains("grpo-math")
    });

    // it comes back: the screen heals by itself
    served.start_again(&[]);
    term.until("live", |s| {
        !s.contains("stale since") && s.contains("grpo-math")
    });
    // what happened meanwhile can be read afterwards
    term.send(":messages\r");
    term.until("the inbox", |s| s.contains("of jobdeck's own"));
    // findings only, then these only
    term.send("ff");
    term.until("both messages", |s| {
        s.contains("no longer arrive") && s.contains("answers again")
    });
    term.send("1");
    term.until_shows("grpo-math");
    term.send("q");
    assert_eq!(term.until_ended(), 0);
    term.assert_restored();
}

/// A job of several roles, from the list to the log of one of its workers.
#[test]
fn a_training_job_is_followed_to_the_log_of_one_worker() {
    let served = Served::start(&[]);
    let home = home();
    let config = served.kubeconfig.to_str().expect("a plain path");
    let mut term = Session::start(&["--kubeconfig", config, "-A"], (120, 40), home.path());
    term.until("live jobs", |s| s.contains("live") && s.contains("PyT"));
    term.send("/mnist-ddp\r");
    term.until("only that", |s| !s.contains("grpo-math"));
    term.send("\r");
    let screen = term.until("its roles", |s| {
        s.contains("Master 1/1") && s.contains("Worker 3/3") && s.contains("master-0 ")
    });
    assert!(screen.contains("1 Master · 3 Worker"), "{screen}");
    term.send("j");
    term.until_shows("worker-0 ");
    term.send("l");
    let screen = term.until_shows("Train Epoch:");
    assert!(screen.contains("logs pod/mnist-ddp-worker-0"), "{screen}");
    term.send("q");
    assert_eq!(term.until_ended(), 0);
    term.assert_restored();
}

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    std::fs::write(path, text).expect("written");
}

/// Keys and colours follow their files; a broken file is said, with its line, and changes nothing.
#[test]
fn themes_and_keys_follow_their_files_while_it_runs() {
    let home = home();
    let folder = home.path().join(".config/jobdeck");
    let keys = folder.join("keymaps/mine.toml");
    write(
        &folder.join("config.toml"),
        "keymap = \"mine\"\ntheme = \"mine\"\n",
    );
    write(
        &keys,
        "name = \"mine\"\ninherits = \"default\"\n[global]\nquit = \"Q\"\n",
    );
    let theme = folder.join("themes/mine.toml");
    write(&theme, "name = \"mine\"\ninherits = \"jobdeck-dark\"\n");
    let mut term = Session::start(&[], (120, 40), home.path());
    term.until_shows("Q quit");
    assert_ne!(term.background(), vt100::Color::Rgb(0x12, 0x34, 0x56));

    write(
        &keys,
        "name = \"mine\"\ninherits = \"default\"\n[global]\nquit = \"Z\"\n",
    );
    term.until_shows("Z quit");

    write(
        &keys,
        "name = \"mine\"\ninherits = \"default\"\n[global]\nqiut = \"X\"\n",
    );
    let screen = term.until_shows("keys kept as they were");
    assert!(screen.contains("mine.toml:4"), "{screen}");
    assert!(screen.contains("qiut"), "{screen}");

    write(
        &theme,
        "name = \"mine\"\ninherits = \"jobdeck-dark\"\n[palette]\nbg = \"#123456\"\n",
    );
    term.until_background(vt100::Color::Rgb(0x12, 0x34, 0x56));
    term.send("Z");
    assert_eq!(term.until_ended(), 0);
    term.assert_restored();
}

/// Into a shell and back, from the cockpit and from the command line; a shell that is cut off gives the terminal back, too.
#[test]
fn a_shell_in_a_pod_has_the_terminal_and_gives_it_back() {
    let mut served = Served::start(&[]);
    let home = home();
    let config = served.kubeconfig.to_str().expect("a plain path").to_owned();
    let mut term = Session::start(&["--kubeconfig", &config, "-A"], (120, 40), home.path());
    term.until("live jobs", |s| s.contains("live") && s.contains("PyT"));
    term.send("/mnist-ddp\r");
    term.until("only that", |s| !s.contains("grpo-math"));
    // its master is the first of its pods
    term.send("$");
    term.until("its pods", |s| {
        s.contains("a shell in which pod")
            && s.contains("mnist-ddp-master-0")
            && s.contains("mnist-ddp-worker-2")
    });
    term.send("\r");
    let screen = term.until("a prompt", |s| {
        s.contains("root@mnist-ddp-master-0:/workspace# ")
    });
    assert!(
        screen.contains("`exit` leads back to jobdeck") && !screen.contains("PROGRESS"),
        "{screen}"
    );
    // every byte is the shell's: ctrl-c and q do not end jobdeck
    term.send("sleep 1000\r");
    term.until_shows("sleep 1000");
    term.send("\x03");
    term.until_shows("^C");
    term.send("echo q $(\x15stty size\r");
    term.until_shows("40 120");
    term.resize((100, 30));
    // the new size goes its own way: what is typed may be there before it
    for _ in 0..100 {
        term.send("stty size\r");
        std::thread::sleep(Duration::from_millis(100));
        if term.screen().contains("30 100") {
            break;
        }
    }
    term.until_shows("30 100");
    term.send("exit\r");
    term.until("the cockpit again", |s| {
        s.contains("PROGRESS") && !s.contains("root@")
    });
    term.send("?");
    term.until_shows("keys of this screen");
    term.send("?");
    term.until("no help", |s| !s.contains("keys of this screen"));
    term.send("q");
    assert_eq!(term.until_ended(), 0);
    term.assert_restored();

    let args = [
        "exec",
        "pod/mnist-ddp-master-0",
        "--kubeconfig",
        &config,
        "-A",
    ];
    let mut term = Session::start(&args, (100, 30), home.path());
    term.until_shows("root@mnist-ddp-master-0");
    term.send("exit 4\r");
    assert_eq!(term.until_ended(), 4);
    term.assert_restored();

    let mut term = Session::start(&args, (100, 30), home.path());
    term.until_shows("root@mnist-ddp-master-0");
    served.stop();
    assert_eq!(term.until_ended(), 8);
    assert!(
        term.screen().contains("the connection was lost"),
        "{}",
        term.screen()
    );
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
    let mut term = Session::start_with(
        &[],
        (100, 30),
        home.path(),
        &[("JOBDECK_TEST_PANIC", "drawn")],
    );
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

/// So does one while a shell in a pod has it, with what that had left on.
#[cfg(unix)]
#[test]
fn a_panic_while_a_shell_has_the_terminal_gives_it_back() {
    if !cfg!(debug_assertions) {
        // it can be asked for in debug builds only
        return;
    }
    let served = Served::start(&[]);
    let home = home();
    let config = served.kubeconfig.to_str().expect("a plain path").to_owned();
    let args = ["--kubeconfig", &config, "-A"];
    let when = [("JOBDECK_TEST_PANIC", "shell")];
    let mut term = Session::start_with(&args, (120, 40), home.path(), &when);
    term.until("live jobs", |s| s.contains("live") && s.contains("PyT"));
    term.send("/mnist-ddp\r");
    term.until("only that", |s| !s.contains("grpo-math"));
    term.send("$");
    term.until_shows("a shell in which pod");
    term.send("\r");
    assert_ne!(term.until_ended(), 0);
    term.assert_restored();
    let screen = term.screen();
    assert!(
        screen.contains("asked for by JOBDECK_TEST_PANIC"),
        "{screen}"
    );
    // each line of the report begins at the left: the terminal was no wire any more
    let report = screen.lines().filter(|line| line.contains("asked for by"));
    assert!(
        report.clone().all(|line| !line.starts_with("    ")),
        "{screen}"
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

#[test]
fn the_first_frame_waits_for_no_server() {
    // connections to it are made, and never a word is said
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = silent.local_addr().expect("an address");
    let home = home();
    let kubeconfig = home.path().join("silent");
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: silent\n\
         clusters: [{{name: silent, cluster: {{server: 'http://{address}'}}}}]\n\
         contexts: [{{name: silent, context: {{cluster: silent, user: silent}}}}]\n\
         users: [{{name: silent, user: {{}}}}]\n"
    );
    std::fs::write(&kubeconfig, text).expect("written");
    let path = kubeconfig.to_str().expect("a path");
    let mut term = Session::start(&["--kubeconfig", path], (120, 40), home.path());
    // before anything was answered: nobody does
    term.until("a frame", |s| {
        s.contains("jobdeck") && s.contains("connecting")
    });
    // and keys are heard meanwhile
    term.send("?");
    term.until("the help", |s| {
        !s.contains("connecting to the current context")
    });
    term.send("?");
    term.until_shows("connecting to the current context");
    term.send("q");
    term.until_ended();
}
