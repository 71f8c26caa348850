//! A cluster whose every text attacks the terminal: the real binary in a pty on all its screens, and each byte it writes
//! looked at. Nothing but printable cells and sequences of our own, and in none of them anything of the cluster's.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use chrono::TimeDelta;
use jobdeck::demo::Demo;
use jobdeck::demo::http::faults::Switchboard;
use jobdeck::demo::http::faults::hostile::EVIL;
use serde_json::json;

use crate::faults::bench;
use crate::pty::Session;

/// Everything that was sent to the terminal, as a terminal takes it apart.
#[derive(Default)]
struct Seen {
    wrong: Vec<String>,
    /// Sequences and how often, for the message.
    all: BTreeMap<String, usize>,
    /// Texts put on the clipboard.
    copied: Vec<String>,
    /// Times the other screen was entered and left.
    screens: (usize, usize),
    printed: usize,
    /// Tabs are no part of a frame, but of plain text they are.
    plain: bool,
}

impl Seen {
    /// Nothing was written that a terminal obeys, but for what jobdeck itself asks of it.
    fn assert_harmless(&self) {
        assert!(
            self.wrong.is_empty(),
            "{:?}\nof {:#?}",
            self.wrong,
            self.all
        );
    }

    fn of(bytes: &[u8], plain: bool) -> Self {
        let mut seen = Self {
            plain,
            ..Self::default()
        };
        vte::Parser::new().advance(&mut seen, bytes);
        seen
    }

    fn note(&mut self, what: String, ours: bool) {
        if !ours {
            self.wrong.push(what.clone());
        }
        *self.all.entry(what).or_default() += 1;
    }
}

/// What no cell may hold, in the test's own words.
fn hidden(c: char) -> bool {
    c.is_control()
        || matches!(c as u32,
            0xad | 0x61c | 0x180e | 0x200b | 0x200e | 0x200f | 0x2028..=0x202e | 0x2060..=0x206f | 0xfeff
            | 0xfff9..=0xfffb | 0xe0000..=0xe007f)
}

impl vte::Perform for Seen {
    fn print(&mut self, c: char) {
        self.printed += 1;
        if hidden(c) {
            self.note(format!("print {c:?}"), false);
        }
    }

    fn execute(&mut self, byte: u8) {
        let ours = matches!(byte, b'\r' | b'\n') || (self.plain && byte == b'\t');
        self.note(format!("control {byte:#04x}"), ours);
    }

    fn hook(&mut self, params: &vte::Params, _: &[u8], _: bool, action: char) {
        self.note(format!("device string {params:?} {action}"), false);
    }

    fn osc_dispatch(&mut self, params: &[&[u8]], _: bool) {
        if let [b"52", b"c", text] = params {
            let text = BASE64.decode(text).unwrap_or_default();
            let text = String::from_utf8_lossy(&text).into_owned();
            // "hacked" is what the cluster would have there
            let ours = !self.plain && text != "hacked";
            self.copied.push(text);
            return self.note("copy".into(), ours);
        }
        let text: Vec<_> = params.iter().map(|p| String::from_utf8_lossy(p)).collect();
        self.note(format!("operating system command {text:?}"), false);
    }

    fn csi_dispatch(&mut self, params: &vte::Params, marks: &[u8], _: bool, action: char) {
        let first = params.iter().next().and_then(|p| p.first()).copied();
        let first = first.unwrap_or(0);
        let marks = String::from_utf8_lossy(marks).into_owned();
        let ours = match (marks.as_str(), action) {
            ("", 'm' | 'H' | 'J') => true,
            ("?", 'h' | 'l') => {
                match (first, action) {
                    (1049, 'h') => self.screens.0 += 1,
                    (1049, _) => self.screens.1 += 1,
                    _ => {}
                }
                // screen, cursor, mouse, focus, paste, synchronized drawing
                [1049, 25, 1000, 1002, 1003, 1006, 1015, 1004, 2004, 2026].contains(&first)
            }
            _ => false,
        };
        let what = match (marks.as_str(), action) {
            ("", 'm' | 'H') => format!("CSI {action}"),
            _ => format!("CSI {marks}{first}{action}"),
        };
        self.note(what, ours && !self.plain);
    }

    fn esc_dispatch(&mut self, marks: &[u8], _: bool, byte: u8) {
        let marks = String::from_utf8_lossy(marks).into_owned();
        // what ends our own copy
        self.note(format!("ESC {marks}{}", char::from(byte)), byte == b'\\');
    }
}

/// The small world after a while, with jobs that talk, at a switchboard that makes all of it hostile.
fn start(folder: &Path) -> (Demo, String) {
    let mut world = bench::world();
    let job = json!({
        "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "talks"},
        "spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [{
            "name": "main", "image": "busybox:1.36",
            "command": ["sh", "-c", "echo step 1 loss 0.5; echo step 2 loss 0.4; sleep 900"],
        }]}}},
    });
    bench::put(&mut world.cluster, &job);
    let now = world.cluster.clock.now();
    world.advance_to(now + TimeDelta::seconds(60));
    let board = Switchboard::default();
    board.say("hostile").unwrap();
    let address = "127.0.0.1:0".parse().unwrap();
    let demo = Demo::start_faulty(address, world, board).expect("a port");
    let file = folder.join("kubeconfig");
    std::fs::write(&file, demo.kubeconfig_yaml()).unwrap();
    (demo, file.to_str().unwrap().to_owned())
}

/// A key, and what then stands on the screen; nothing: a moment later.
const WALK: &[(&str, &str)] = &[
    // every screen that has a number, what its first line opens, and back
    ("2", "QUEUE"),
    ("\r", ""),
    ("f", ""),
    ("\x1b", ""),
    ("3", "GPU"),
    ("f", ""),
    ("\x1b", ""),
    ("\r", ""),
    ("\x1b", ""),
    ("4", "READY"),
    ("\r", ""),
    ("w", ""),
    ("\x1b", ""),
    ("y", ""),
    ("\x1b", ""),
    ("5", "NODE"),
    ("\r", ""),
    ("y", ""),
    ("\x1b", ""),
    ("6", "REASON"),
    ("\r", ""),
    ("\x1b", ""),
    ("7", ""),
    ("8", ""),
    ("9", "kept"),
    ("\r", ""),
    ("\x1b", ""),
    ("?", "everywhere"),
    ("\x1b", ""),
    // the command bar, with names in it
    (":", ""),
    ("ns ", "default"),
    ("\x1b", ""),
    ("\x1bOP", "everywhere"),
    ("\x1b", ""),
];

fn walk(term: &mut Session, steps: &[(&str, &str)]) {
    for (keys, shows) in steps {
        term.send(keys);
        if *keys == "\x1b" {
            // one with a letter right behind it would be alt and that letter
            std::thread::sleep(Duration::from_millis(150));
        }
        match *shows {
            "" => std::thread::sleep(Duration::from_millis(300)),
            shows => {
                term.until(&format!("{shows:?} after {keys:?}"), |s| s.contains(shows));
            }
        }
    }
}

#[test]
fn the_screens_let_nothing_through() {
    let home = tempfile::tempdir().unwrap();
    let (_demo, config) = start(home.path());
    let mut term = Session::start(&["-A", "--kubeconfig", &config], (160, 48), home.path());
    term.until("live rows", |s| s.contains("live") && s.contains("talks"));
    walk(&mut term, WALK);
    let own = &[
        // a job of the cluster: its detail, copied, its manifest copied and saved, its log, the same as a curve
        ("1", ""),
        ("/talks\r", "talks"),
        ("c", "copied"),
        ("\r", "job/talks"),
        ("y", "yaml"),
        ("G", ""),
        ("c", "copied"),
        ("\x13", "saved"),
        ("\x1b", "job/talks"),
        ("l", "step 7"),
        ("w", ""),
        ("t", ""),
        ("c", "copied"),
        ("\x13", "saved"),
        ("v", ""),
        ("\x1b", ""),
        ("\x1b", ""),
        ("\x1b", ""),
        ("\x1b", ""),
        // one whose name attacks: detail, manifest and log are refused in its words; asked to be deleted
        ("/EVIL\r", "EVIL"),
        ("G", ""),
        ("c", "left out"),
        ("\r", ""),
        ("y", ""),
        ("\x1b", ""),
        ("l", ""),
        ("\x1b", ""),
        ("\x1b", ""),
        (" ", ""),
        ("\x04", ""),
        ("\x1b", ""),
    ];
    walk(&mut term, own);
    for size in [(80, 24), (62, 17), (200, 60)] {
        term.resize(size);
        std::thread::sleep(Duration::from_millis(300));
    }
    walk(&mut term, &[("\x1b", ""), ("\x1b", ""), ("\x03", "")]);
    assert_eq!(term.until_ended(), 0);
    term.assert_restored();
    let seen = Seen::of(&term.written(), false);
    seen.assert_harmless();
    assert_eq!(seen.screens, (1, 1), "{:#?}", seen.all);
    assert!(seen.printed > 20_000, "{} cells were drawn", seen.printed);
    assert!(seen.copied.len() >= 4, "{:?}", seen.copied.len());
    let odd = |text: &str| {
        text.chars()
            .find(|c| hidden(*c) && !matches!(c, '\n' | '\t'))
    };
    for text in &seen.copied {
        assert_eq!(odd(text), None, "{text:?}");
    }
    let files = std::fs::read_dir(home.path()).unwrap().flatten();
    let saved = files.map(|f| f.path()).filter(|path| {
        let ending = path.extension().and_then(|e| e.to_str());
        matches!(ending, Some("yaml" | "log"))
    });
    let mut count = 0;
    for file in saved {
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(
            text.contains("EVIL") || text.contains("end"),
            "{}",
            file.display()
        );
        assert_eq!(odd(&text), None, "{}", file.display());
        count += 1;
    }
    assert_eq!(count, 2, "a manifest and a log were saved");
}

/// What goes to a pipe, a file or a terminal without a cockpit.
#[test]
fn the_commands_let_nothing_through() {
    let home = tempfile::tempdir().unwrap();
    let (_demo, config) = start(home.path());
    let run = |args: &[&str]| {
        let out = Command::new(env!("CARGO_BIN_EXE_jobdeck"))
            .args(["-A", "--kubeconfig", &config])
            .args(args)
            .env("HOME", home.path())
            .output()
            .unwrap();
        let both = [out.stdout, out.stderr].concat();
        let text = String::from_utf8(both).expect("UTF-8");
        assert!(text.contains("EVIL"), "{args:?}: {text}");
        text
    };
    let odd = |text: &str| {
        text.chars()
            .find(|c| hidden(*c) && !matches!(c, '\n' | '\t'))
    };
    let evil = format!("job/talks{EVIL}");
    for args in [
        &["get", "jobs", "-o", "wide"][..],
        &["get", "pods"],
        &["get", "events"],
        &["get", "workloads", "-o", "wide"],
        &["get", "nodes", "-o", "wide"],
        &["why", &evil],
        &["why", "job/no-such-EVIL"],
        &["delete", &evil, "--dry-run"],
        &["delete", &format!("job/gone{EVIL}"), "--yes"],
        &["get", "jobs", "--filter", "name:talks"],
        &["doctor", "-n", EVIL],
    ] {
        let text = run(args);
        assert_eq!(odd(&text), None, "{args:?}: {text:?}");
    }
    // a program behind a pipe gets what is there
    let json = run(&["get", "jobs", "-o", "json"]);
    let rows: Vec<serde_json::Value> = serde_json::from_str(&json).unwrap();
    assert!(rows.iter().any(|row| row["name"] == format!("talks{EVIL}")));
    // and a terminal does not
    for args in [
        &["get", "jobs", "-o", "wide"][..],
        &["get", "jobs", "-o", "json"],
        &["get", "pods", "-o", "yaml"],
        &["get", "events"],
        &["why", &evil],
        &["why", &evil, "-o", "json"],
        &["delete", "job/talks"],
        &["doctor"],
    ] {
        let all: Vec<&str> = ["-A", "--kubeconfig", &config]
            .into_iter()
            .chain(args.iter().copied())
            .collect();
        let mut term = Session::start(&all, (120, 40), home.path());
        if args[0] == "delete" {
            term.until_shows("[y/N]");
            term.send("n\r");
        }
        term.until_ended();
        let seen = Seen::of(&term.written(), true);
        assert!(seen.wrong.is_empty(), "{args:?}: {:?}", seen.wrong);
        assert!(seen.printed > 50, "{args:?}: {:?}", term.screen());
    }
}

/// A log that attacks, out of a file.
#[test]
fn a_file_lets_nothing_through() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("train.log");
    let long = "x".repeat(1_000_000);
    let lines = format!("step 1 loss 0.5\n{EVIL}\n{long}\nstep 2 loss 0.4 {EVIL}\n").repeat(3);
    std::fs::write(&file, lines).unwrap();
    let mut term = Session::start(&["logs", file.to_str().unwrap()], (120, 40), home.path());
    term.until_shows("step 2");
    let steps = &[
        ("w", ""),
        ("g", "step 1"),
        ("G", "step 2"),
        ("c", ""),
        ("v", ""),
        ("\x1b", ""),
        ("\x03", ""),
    ];
    walk(&mut term, steps);
    term.until_ended();
    let seen = Seen::of(&term.written(), false);
    seen.assert_harmless();
    assert!(seen.printed > 1_000, "{} cells were drawn", seen.printed);
}

/// The looker itself: each of these would be seen.
#[test]
fn what_a_terminal_would_obey_is_seen() {
    for text in [
        "\x1b]52;c;aGFja2Vk\x07",
        "\x1b]0;title\x07",
        "\x1b]8;;http://evil.example\x07",
        "\x1b[2;5r",
        "\x1b[6n",
        "\x1bPq#0\x1b\\",
        "\x1bc",
        "\u{9b}31m",
        "\x07",
        "\x08",
        "\u{202e}",
        "\u{200b}",
    ] {
        assert!(
            !Seen::of(text.as_bytes(), false).wrong.is_empty(),
            "{text:?}"
        );
    }
    Seen::of("\x1b[?1049h\x1b[1;1H\x1b[0mfür\r\n".as_bytes(), false).assert_harmless();
}
