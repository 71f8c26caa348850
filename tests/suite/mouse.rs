//! The mouse of a person at a terminal: the real binary in a pty, reports as terminals send them. Each step waits for what
//! it brings before the next one: an escape with a letter right behind it would be alt and that letter, and a click on
//! what is not drawn yet is a click on something else.

use crate::pty::Session;

const SIZE: (u16, u16) = (160, 44);

const LEFT: u8 = 0;
const DRAG: u8 = 32;
const WHEEL_DOWN: u8 = 65;

/// A report of SGR mouse mode, for places counted from 0.
fn report(button: u8, (column, row): (usize, usize), pressed: bool) -> String {
    let end = if pressed { 'M' } else { 'm' };
    format!("\x1b[<{button};{};{}{end}", column + 1, row + 1)
}

fn click(at: (usize, usize)) -> String {
    report(LEFT, at, true) + &report(LEFT, at, false)
}

/// Where a text stands: column of its first sign, row.
fn find(screen: &str, text: &str) -> (usize, usize) {
    for (row, line) in screen.lines().enumerate() {
        if let Some(at) = line.find(text) {
            return (line[..at].chars().count(), row);
        }
    }
    panic!("no {text}:\n{screen}");
}

/// The row under the cursor, in the list at the left.
fn under_cursor(screen: &str) -> Option<usize> {
    screen.lines().position(|line| line.starts_with('▌'))
}

#[test]
fn rows_tabs_headings_keys_borders_and_panes_are_there_to_be_clicked() {
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join(".config/jobdeck");
    std::fs::create_dir_all(&config).unwrap();
    std::fs::write(config.join("config.toml"), "tips = false\n").unwrap();
    let mut term = Session::start(&["demo"], SIZE, home.path());
    term.until("live jobs", |s| {
        s.contains("PROGRESS") && s.contains("live") && s.contains("▌")
    });
    // only jobs that stand still: rows must not move under the mouse
    term.send("/");
    term.until_shows("filter:");
    term.send("state:failed\r");
    let seen = term.until("failed ones", |s| {
        s.contains("state:failed (esc clears)") && under_cursor(s).is_some()
    });

    // a row
    let first = under_cursor(&seen).unwrap();
    term.send(&click((12, first + 2)));
    term.until("the third row", |s| under_cursor(s) == Some(first + 2));
    // a heading: sorted by it
    let heading = find(&seen, "NAME");
    term.send(&click(heading));
    let seen = term.until("sorted by name", |s| {
        s.contains("NAME▴") || s.contains("NAME▾")
    });
    // a key of the footer
    term.send(&click(find(&seen, "filter")));
    term.until_shows("filter:");
    term.send("\x1b");
    let seen = term.until("no line is typed", |s| !s.contains("filter:"));
    // a tab, and back
    term.send(&click(find(&seen, "Nodes")));
    let seen = term.until("nodes", |s| s.contains("ready") && !s.contains("PROGRESS"));
    // the wheel, over a list that is longer than the screen
    let top = |s: &str| s.lines().nth(4).map(str::to_owned);
    let before = top(&seen);
    term.send(&report(WHEEL_DOWN, (12, 20), true));
    term.until("the wheel turns the list", |s| top(s) != before);
    term.send(&click(find(&seen, "Jobs")));
    term.until("jobs again", |s| s.contains("PROGRESS"));

    // two clicks open
    term.send(&click((12, first)));
    term.until("the first row", |s| under_cursor(s) == Some(first));
    term.send(&(click((12, first + 1)) + &click((12, first + 1))));
    let seen = term.until("its detail", |s| {
        s.contains("▸ job/") && !s.contains("PROGRESS")
    });
    // a part of the path leads back
    term.send(&click(find(&seen, "all namespaces")));
    term.until_shows("─ namespace ─");
    term.send("\x1b");
    term.until("the question is gone", |s| !s.contains("─ namespace ─"));
    term.send("\x1b");
    term.until("jobs again", |s| {
        s.contains("PROGRESS") && !s.contains("▸ job/")
    });

    // a second pane, and a click gives it the keyboard
    term.send("\x17v");
    term.until("two panes", |s| {
        s.contains("▶ Jobs") && s.matches("Jobs").count() > 2
    });
    term.send("5");
    let seen = term.until_shows("▶ Nodes");
    let (line, _) = find(&seen, "┃");
    term.send(&click((12, first)));
    let seen = term.until_shows("▶ Jobs");
    assert!(!seen.contains("▶ Nodes"), "{seen}");
    // the wheel over the other turns that one, and the keyboard stays
    let first_node = |screen: &str| {
        let row = screen.lines().nth(5).unwrap_or_default();
        row.chars().skip(line + 1).collect::<String>()
    };
    let before = first_node(&seen);
    term.send(&report(WHEEL_DOWN, (line + 20, 20), true));
    let seen = term.until("the other list moved", |s| first_node(s) != before);
    assert!(seen.contains("▶ Jobs"), "{seen}");
    // the line between them is drawn aside
    let (from, to) = ((line, 20), (line - 20, 20));
    term.send(&report(LEFT, from, true));
    term.send(&report(LEFT + DRAG, to, true));
    term.send(&report(LEFT, to, false));
    term.until("the line is elsewhere", |s| find(s, "┃").0 == line - 20);

    // off and on again: the terminal is told at once
    term.send("\x1bm");
    term.until_shows("the mouse is the terminal's");
    term.assert_mouse(false);
    term.send("\x1bm");
    term.until_shows("with shift the terminal selects text");
    term.assert_mouse(true);
    term.send("q");
    assert_eq!(term.until_ended(), 0);
    term.assert_restored();
}
