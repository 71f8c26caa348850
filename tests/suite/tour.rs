//! The first minutes: the tour from the start screen to its end, and tips that go once they were followed.

use crate::pty::Session;
use crate::served::Served;

const SIZE: (u16, u16) = (160, 44);
/// Room for a tip beside whatever the first line says.
const WIDE: (u16, u16) = (260, 44);

/// Each step with the keys that do it, and what is on the screen then.
const WALK: &[(&str, &str)] = &[
    ("j", "tour 2/11"),
    ("\r", "tour 3/11"),
    ("\x1b", "tour 4/11"),
    ("/state:failed\r", "tour 5/11"),
    ("\x1b", "tour 6/11"),
    ("l", "tour 7/11"),
    ("v", "tour 8/11"),
];

#[test]
fn the_tour_walks_from_the_start_screen_to_its_end() {
    let home = tempfile::tempdir().unwrap();
    let mut term = Session::start(&[], SIZE, home.path());
    term.until_shows("open it with a tour");
    term.send("\x1b[B\r");
    term.until("the first step", |s| {
        s.contains("tour 1/11") && s.contains("j walks down") && s.contains("PROGRESS")
    });
    for (keys, shows) in WALK {
        term.send(keys);
        term.until_shows(shows);
    }
    // digits mean something else in a log: out of it first
    term.until_shows("leads out of this screen");
    term.send("\x1b");
    term.until_shows("2: the queues");
    term.send("2");
    term.until("GPUs", |s| s.contains("tour 9/11") && s.contains("COHORT"));
    term.send("3");
    term.until_shows("tour 10/11");
    // one step can be skipped
    term.send("\x1b[20~");
    term.until_shows("tour 11/11");
    term.send("7");
    term.until_shows("? shows the keys of any screen");
    term.send("?");
    term.until("the end", |s| {
        s.contains("that was the tour") && !s.contains("11/11")
    });
    term.send("?q");
    assert_eq!(term.until_ended(), 0);
    term.assert_restored();
}

#[test]
fn tips_are_gone_for_good_once_followed_or_switched_off() {
    let home = tempfile::tempdir().unwrap();
    let mut term = Session::start(&["demo"], WIDE, home.path());
    term.until_shows("tip f4 a tour of 90 seconds");
    term.send("\x1bOS");
    term.until_shows("tour 1/11");
    term.send("\x1bOS");
    // another may stand there as long as there is no row to open
    term.until("the next tip", |s| {
        s.contains("tip enter") && !s.contains("tour 1/11")
    });
    let kept = home.path().join(".local/state/jobdeck/habits.json");
    term.send("?");
    term.until_shows("keys of this screen");
    term.send("?q");
    assert_eq!(term.until_ended(), 0);
    let text = std::fs::read_to_string(&kept).expect("what was used is kept");
    assert!(text.contains("tour") && text.contains("help"), "{text}");

    let served = Served::shared();
    let reach = ["-A", "--kubeconfig", served.kubeconfig.to_str().unwrap()];
    let mut again = Session::start(&reach, WIDE, home.path());
    again.until_shows("tip enter");
    again.send("q");
    again.until_ended();

    let config = home.path().join(".config/jobdeck");
    std::fs::create_dir_all(&config).unwrap();
    std::fs::write(config.join("config.toml"), "tips = false\n").unwrap();
    let mut off = Session::start(&reach, WIDE, home.path());
    let screen = off.until("jobs", |s| s.contains("PROGRESS") && s.contains("live"));
    assert!(!screen.contains("tip "), "{screen}");
    off.send("q");
    off.until_ended();
}
