//! The shape of the house, read from the source: who may use whom, how long a file may get, and that every
//! action can be reached.

use std::path::{Path, PathBuf};

use jobdeck::app::action::Action;

fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    fn walk(at: &Path, found: &mut Vec<(PathBuf, String)>) {
        let entries = std::fs::read_dir(at).unwrap_or_else(|e| panic!("{}: {e}", at.display()));
        for entry in entries.flatten() {
            let path = entry.path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = std::fs::read_to_string(&path).expect("source is UTF-8");
                found.push((path, text));
            }
        }
    }
    let mut found = Vec::new();
    walk(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join(folder),
        &mut found,
    );
    assert!(!found.is_empty(), "no source in {folder}");
    found
}

/// `crate::x` mentions of a file, tests of its own left out of nothing: tests obey the layers too.
fn uses(text: &str) -> impl Iterator<Item = &str> {
    text.split("crate::").skip(1).map(|rest| {
        let end = rest
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .unwrap_or(rest.len());
        &rest[..end]
    })
}

/// Module → modules of ours it may name. The demo cluster is a crate of its own: the compiler keeps it apart.
const MAY_USE: &[(&str, &[&str])] = &[
    ("model", &["model"]),
    ("ui", &["ui"]),
    ("actions", &["actions", "model"]),
    ("keep", &["keep", "actions", "model"]),
    ("cluster", &["cluster", "keep", "actions", "model"]),
    // the action list and its scopes are the one thing of the app that panes speak in
    (
        "panes",
        &[
            "panes", "logs", "history", "model", "actions", "ui", "app", "settings", "hardware",
        ],
    ),
    ("logs", &["logs", "model"]),
    ("history", &["history", "actions", "logs", "model"]),
    ("hardware", &["hardware"]),
];

#[test]
fn nobody_reaches_across_the_walls() {
    let mut wrong = Vec::new();
    for (module, allowed) in MAY_USE {
        for (path, text) in sources(&format!("src/{module}")) {
            for used in uses(&text).filter(|u| !allowed.contains(u)) {
                wrong.push(format!("{} uses crate::{used}", path.display()));
            }
            if *module == "panes"
                && text.contains("crate::app::")
                && text
                    .replace("crate::app::action", "")
                    .contains("crate::app::")
            {
                wrong.push(format!(
                    "{} uses more of the app than its actions",
                    path.display()
                ));
            }
        }
    }
    for (path, text) in sources("src") {
        let inside = path
            .components()
            .any(|c| c.as_os_str() == "demo" || c.as_os_str() == "cli");
        let named = || text.contains("jobdeck_demo") && !path.ends_with("src/lib.rs");
        if !inside && (uses(&text).any(|u| u == "demo") || named()) {
            wrong.push(format!("{} uses the demo cluster", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Requests that change something are made in one place, behind the gate; the two others only ask what is allowed.
const MAY_SEND: &[&str] = &[
    "cluster/writes/requests.rs",
    "cluster/access.rs",
    "cluster/doctor.rs",
];

#[test]
fn nothing_writes_to_a_cluster_but_through_the_gate() {
    let methods = ["DELETE", "PATCH", "PUT", "POST"].map(|method| format!("Method::{method}"));
    let mut wrong = Vec::new();
    for (path, text) in sources("src") {
        let at = path.to_string_lossy().replace('\\', "/");
        if at.contains("/src/demo/") || MAY_SEND.iter().any(|file| at.ends_with(file)) {
            continue;
        }
        if methods.iter().any(|method| text.contains(method.as_str())) {
            wrong.push(format!("{at} sends more than GET"));
        }
    }
    for file in &MAY_SEND[1..] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(file);
        let text = std::fs::read_to_string(path).expect("source");
        let sent = methods[..3].iter().any(|m| text.contains(m.as_str()));
        let posts = text.matches("Method::POST").count();
        if sent || posts != 1 || !text.contains("/selfsubject") {
            wrong.push(format!("{file} sends more than a review"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn files_stay_readable() {
    let long: Vec<String> = sources("src")
        .into_iter()
        // rooms of the house
        .map(|(path, text)| (path, text.lines().count()))
        .filter(|(_, lines)| *lines > 600)
        .map(|(path, lines)| format!("{}: {lines} lines", path.display()))
        .collect();
    assert!(long.is_empty(), "over 600 lines:\n{}", long.join("\n"));
    let headless: Vec<String> = sources("src")
        .into_iter()
        .filter(|(path, text)| !text.starts_with("//!") && !path.ends_with("tests.rs"))
        .map(|(path, _)| path.display().to_string())
        .collect();
    assert!(
        headless.is_empty(),
        "without a first line that says what they are:\n{}",
        headless.join("\n")
    );
}

#[test]
fn every_action_does_something_somewhere() {
    let code: String = sources("src")
        .into_iter()
        .filter(|(p, _)| !p.ends_with("action.rs"))
        .map(|(_, t)| t)
        .collect();
    for action in Action::ALL {
        let name = format!("Action::{action:?}");
        let found = code.match_indices(&name).any(|(at, _)| {
            !code[at + name.len()..].starts_with(|c: char| c.is_ascii_alphanumeric())
        });
        assert!(found, "nothing acts on {name}");
    }
}
