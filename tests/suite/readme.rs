//! What the documents say of keys and rows is so: the keys are those of the shipped keymap, the fields of a row are those
//! that come out.
//!
//! `UPDATE_README=1 cargo test readme` writes the key table anew.

use std::collections::BTreeSet;
use std::path::PathBuf;

use jobdeck::app::action::Action;
use jobdeck::ui::keymap::Keymaps;

const BEGIN: &str = "<!-- keys: begin -->\n";
const END: &str = "<!-- keys: end -->\n";

fn path(page: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("docs")
        .join(page)
}

fn read(page: &str) -> String {
    std::fs::read_to_string(path(page))
        .expect("a page")
        .replace("\r\n", "\n")
}

/// The table of all keys, by where they hold, as Markdown.
fn keys() -> String {
    let keymap = Keymaps::default()
        .load::<Action>("default")
        .expect("the shipped keymap is good");
    let mut out = String::from("| where | keys | what they do |\n|---|---|---|\n");
    let mut scopes: Vec<&str> = Vec::new();
    for binding in keymap.bindings() {
        if !scopes.contains(&binding.scope()) {
            scopes.push(binding.scope());
        }
    }
    for scope in scopes {
        for action in Action::ALL {
            let chords: Vec<String> = keymap
                .bindings()
                .iter()
                .filter(|b| b.scope() == scope && b.action() == *action)
                .map(|b| format!("`{}`", b.keys()).replace('|', "\\|"))
                .collect();
            if !chords.is_empty() {
                let what = action.describe();
                out.push_str(&format!("| {scope} | {} | {what} |\n", chords.join(" ")));
            }
        }
    }
    out
}

#[test]
fn the_key_table_is_that_of_the_shipped_keymap() {
    let text = read("keys.md");
    let (before, rest) = text.split_once(BEGIN).expect("a key table");
    let (table, after) = rest.split_once(END).expect("its end");
    let want = keys();
    if std::env::var_os("UPDATE_README").is_some() {
        std::fs::write(
            path("keys.md"),
            format!("{before}{BEGIN}{want}{END}{after}"),
        )
        .expect("written");
        return;
    }
    assert!(
        table == want,
        "docs/keys.md: run UPDATE_README=1 cargo test readme"
    );
}

/// First cells (code spans) of the table under a heading.
fn fields(text: &str, heading: &str) -> BTreeSet<String> {
    let section = text
        .split_once(&format!("{heading}\n"))
        .unwrap_or_else(|| panic!("no section {heading:?}"))
        .1;
    section
        .lines()
        .take_while(|line| !line.starts_with('#'))
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`'))
        .map(|(name, _)| name.to_owned())
        .collect()
}

/// Field names of a struct of the row interface, as they come out.
fn declared(source: &str, name: &str) -> BTreeSet<String> {
    let body = source
        .split_once(&format!("pub struct {name} {{"))
        .unwrap_or_else(|| panic!("no struct {name}"))
        .1;
    let mut fields = BTreeSet::new();
    let mut renamed = None;
    for line in body.lines().take_while(|line| *line != "}") {
        let line = line.trim();
        if let Some(rest) = line.strip_prefix("#[serde(rename = \"") {
            renamed = rest.split('"').next().map(str::to_owned);
        } else if let Some((field, _)) = line.strip_prefix("pub ").and_then(|l| l.split_once(':')) {
            let mut parts = field.split('_');
            let mut camel = parts.next().unwrap_or_default().to_owned();
            for part in parts {
                camel.push_str(&part[..1].to_uppercase());
                camel.push_str(&part[1..]);
            }
            fields.insert(renamed.take().unwrap_or(camel));
        }
    }
    fields
}

#[test]
fn the_documented_fields_are_those_that_come_out() {
    let text = read("scripts.md");
    let source = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/model/json.rs");
    let source = std::fs::read_to_string(source).expect("the row interface");
    let gpus = include_str!("../../src/cli/gpus.rs");
    assert_eq!(
        fields(&text, "### GPUs"),
        declared(gpus, "GpuNodeJson"),
        "### GPUs"
    );
    for (name, heading) in [
        ("RowJson", "### Jobs"),
        ("PodJson", "### Pods"),
        ("NodeJson", "### Nodes"),
        ("EventJson", "### Events"),
    ] {
        assert_eq!(fields(&text, heading), declared(&source, name), "{heading}");
    }
}
