//! What the documents say is so: links lead somewhere, commands run against the demo cluster, settings are read, and the picture
//! of the modules is that of the source.
//!
//! `UPDATE_DOCS=1 cargo test --test suite docs` draws that picture anew.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    let text = std::fs::read_to_string(path);
    let text = text.unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    text.replace("\r\n", "\n")
}

/// All documents, by their path from the root.
fn documents() -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for name in ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"] {
        all.insert(name.to_owned(), read(&root().join(name)));
    }
    for entry in std::fs::read_dir(root().join("docs"))
        .expect("docs")
        .flatten()
    {
        let path = entry.path();
        if path.extension().is_some_and(|e| e == "md") {
            let name = path.file_name().expect("a name").to_string_lossy();
            all.insert(format!("docs/{name}"), read(&path));
        }
    }
    all
}

/// A fenced block, the line it begins in, and the line before it.
struct Block {
    info: String,
    text: String,
    line: usize,
    before: String,
}

/// The blocks of a document, and the lines that are in none.
fn take_apart(text: &str) -> (Vec<Block>, Vec<(usize, &str)>) {
    let (mut blocks, mut prose): (Vec<Block>, Vec<(usize, &str)>) = (Vec::new(), Vec::new());
    let mut inside = false;
    for (n, line) in text.lines().enumerate() {
        if let Some(info) = line.trim_start().strip_prefix("```") {
            inside = !inside;
            if inside {
                blocks.push(Block {
                    info: info.trim().to_owned(),
                    text: String::new(),
                    line: n + 1,
                    before: prose.last().map_or(String::new(), |(_, l)| (*l).to_owned()),
                });
            }
        } else if inside {
            let block = blocks.last_mut().expect("it began");
            block.text += line;
            block.text.push('\n');
        } else {
            prose.push((n + 1, line));
        }
    }
    assert!(!inside, "a block has no end");
    (blocks, prose)
}

/// What a heading is called in an address.
fn slug(heading: &str) -> String {
    let kept = heading.trim().to_lowercase();
    let kept = kept
        .chars()
        .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

fn headings(text: &str) -> BTreeSet<String> {
    let (_, prose) = take_apart(text);
    let headings = prose.into_iter().filter(|(_, line)| line.starts_with('#'));
    headings
        .map(|(_, line)| slug(line.trim_start_matches('#')))
        .collect()
}

/// Targets of the links of a line, code left out.
fn links(line: &str) -> Vec<String> {
    let mut plain = String::new();
    for (n, part) in line.split('`').enumerate() {
        if n % 2 == 0 {
            plain += part;
        }
    }
    let targets = plain.split("](").skip(1);
    targets
        .filter_map(|rest| Some(rest.split_once(')')?.0.to_owned()))
        .collect()
}

#[test]
fn every_link_leads_somewhere() {
    let all = documents();
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for (name, text) in &all {
        let folder = Path::new(name).parent().expect("a folder");
        for (n, line) in take_apart(text).1 {
            for link in links(line) {
                seen += 1;
                if link.contains("://") {
                    continue;
                }
                let (path, anchor) = link.split_once('#').unwrap_or((&link, ""));
                let target = match path {
                    "" => root().join(name),
                    path => root().join(folder).join(path),
                };
                let found = match (target.exists(), anchor) {
                    (false, _) => false,
                    (true, "") => true,
                    (true, anchor) => headings(&read(&target)).contains(anchor),
                };
                if !found {
                    wrong.push(format!("{name}:{n}: {link}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "lead nowhere:\n{}", wrong.join("\n"));
    assert!(seen > 50, "{seen} links");
}

#[test]
fn the_summary_has_every_page_once() {
    let all = documents();
    let summary = &all["docs/SUMMARY.md"];
    let mut listed: Vec<String> = summary
        .lines()
        .flat_map(links)
        .map(|l| format!("docs/{l}"))
        .collect();
    listed.sort();
    let pages = all
        .keys()
        .filter(|name| name.starts_with("docs/") && !name.ends_with("SUMMARY.md"));
    assert_eq!(listed, pages.cloned().collect::<Vec<_>>());
    for page in &listed {
        assert!(all[page].starts_with("# "), "{page} has no title");
    }
}

#[cfg(unix)]
/// Why a block is not run, said before it where the reader does not see it.
fn excuse(before: &str) -> Option<&str> {
    let why = before
        .trim()
        .strip_prefix("<!-- not run: ")?
        .strip_suffix(" -->")?;
    (why.len() > 5).then_some(why)
}

#[test]
fn what_is_written_in_a_language_is_read_in_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for (name, text) in documents() {
        for block in take_apart(&text).0 {
            let place = format!("{name}:{}", block.line);
            *seen.entry(block.info.clone()).or_default() += 1;
            match block.info.as_str() {
                "toml" => {
                    let file = folder.path().join("config.toml");
                    std::fs::write(&file, &block.text).expect("written");
                    let (_, problem) = jobdeck::settings::load(Some(&file));
                    assert_eq!(problem.map(|p| p.to_string()), None, "{place}");
                }
                "toml hardware" => {
                    std::fs::write(folder.path().join("hardware.toml"), &block.text)
                        .expect("written");
                    let (_, problem) = jobdeck::hardware::load::load(Some(folder.path()));
                    assert_eq!(problem.map(|p| p.to_string()), None, "{place}");
                }
                "json" => {
                    let read = serde_json::from_str::<serde_json::Value>(&block.text);
                    assert!(read.is_ok(), "{place}: {read:?}");
                }
                "yaml" => {
                    let read = serde_saphyr::from_str::<serde_json::Value>(&block.text);
                    assert!(read.is_ok(), "{place}: {read:?}");
                }
                "sh" | "text" | "rust" | "mermaid" => {}
                other => panic!("{place}: what is {other:?}?"),
            }
        }
    }
    for (language, least) in [("toml", 5), ("yaml", 3), ("sh", 5)] {
        assert!(
            seen.get(language).is_some_and(|n| *n >= least),
            "{language}: {seen:?}"
        );
    }
}

#[cfg(unix)]
#[test]
fn commands_do_what_they_are_said_to_do() {
    use std::process::Command;
    let served = crate::served::Served::start(&["--speed", "10"]);
    let bin = Path::new(env!("CARGO_BIN_EXE_jobdeck"))
        .parent()
        .expect("a folder");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(bin.to_owned()).chain(std::env::split_paths(&path));
    let path = std::env::join_paths(folders).expect("a path");
    let (mut ran, mut wrong) = (0, Vec::new());
    for (name, text) in documents() {
        for block in take_apart(&text).0.iter().filter(|b| b.info == "sh") {
            let place = format!("{name}:{}", block.line);
            if excuse(&block.before).is_some() {
                continue;
            }
            if !block.text.contains("jobdeck ") {
                wrong.push(format!(
                    "{place}: no command of ours: say why it is not run"
                ));
                continue;
            }
            let home = tempfile::tempdir().expect("a folder");
            let out = Command::new("bash")
                .args(["-euo", "pipefail", "-c", &block.text])
                .current_dir(home.path())
                .env_clear()
                .env("PATH", &path)
                .env("HOME", home.path())
                .env("KUBECONFIG", &served.kubeconfig)
                .stdin(std::process::Stdio::null())
                .output()
                .expect("bash runs");
            ran += 1;
            if !out.status.success() {
                let said = String::from_utf8_lossy(&out.stderr).into_owned();
                wrong.push(format!("{place}: {}: {said}{}", out.status, block.text));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(ran >= 9, "{ran} blocks");
}

const BEGIN: &str = "<!-- modules: begin -->\n";
const END: &str = "<!-- modules: end -->\n";

/// Top-level modules, each with its first line and the modules it names outside its tests.
fn modules() -> BTreeMap<String, (String, BTreeSet<String>)> {
    fn walk(at: &Path, all: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(at).expect("source").flatten() {
            let path = entry.path();
            if path.is_dir() {
                walk(&path, all);
            } else if path.extension().is_some_and(|e| e == "rs") {
                all.push(path);
            }
        }
    }
    let lib = read(&root().join("src/lib.rs"));
    let names = lib
        .lines()
        .filter_map(|l| l.strip_prefix("pub mod ")?.strip_suffix(';'));
    let names: Vec<String> = names.map(str::to_owned).collect();
    let mut found = BTreeMap::new();
    for name in &names {
        let folder = root().join("src").join(name);
        let mut files = Vec::new();
        if folder.is_dir() {
            walk(&folder, &mut files);
        }
        let alone = folder.with_extension("rs");
        let head = if alone.exists() {
            alone.clone()
        } else {
            folder.join("mod.rs")
        };
        files.extend(alone.exists().then_some(alone));
        let mut used = BTreeSet::new();
        for file in files {
            let of_tests = file.iter().any(|part| {
                let part = part.to_string_lossy();
                part.starts_with("tests") || part.starts_with("fixture")
            });
            if of_tests {
                continue;
            }
            let text = read(&file);
            let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
            for line in code.lines().filter(|l| !l.trim_start().starts_with("//")) {
                for rest in line.split("crate::").skip(1) {
                    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
                    let word = &rest[..end.unwrap_or(rest.len())];
                    if word != name && (names.iter().any(|n| n == word) || word == "demo") {
                        used.insert(word.to_owned());
                    }
                }
            }
        }
        let text = read(&head);
        let lines = text.lines().map_while(|l| l.strip_prefix("//!"));
        let said = lines
            .map(str::trim)
            .take_while(|l| !l.is_empty())
            .collect::<Vec<_>>()
            .join(" ");
        found.insert(name.clone(), (said, used));
    }
    found
}

/// The picture and the table of them.
fn drawn() -> String {
    let all = modules();
    let mut out = String::from("```mermaid\nflowchart TD\n  main --> cli\n  main --> logging\n");
    for (name, (_, used)) in &all {
        for other in used {
            out += &format!("  {name} --> {other}\n");
        }
    }
    out += "```\n\n| module | what it is | names |\n|---|---|---|\n";
    for (name, (said, used)) in &all {
        let used: Vec<String> = used.iter().map(|u| format!("`{u}`")).collect();
        out += &format!(
            "| `{name}` | {} | {} |\n",
            said.replace('|', "\\|"),
            used.join(" ")
        );
    }
    out
}

#[test]
fn the_picture_of_the_modules_is_that_of_the_source() {
    let path = root().join("docs/architecture.md");
    let text = read(&path);
    let (before, rest) = text.split_once(BEGIN).expect("a picture");
    let (picture, after) = rest.split_once(END).expect("its end");
    let want = drawn();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, format!("{before}{BEGIN}{want}{END}{after}")).expect("written");
        return;
    }
    assert!(
        picture == want,
        "docs/architecture.md: run UPDATE_DOCS=1 cargo test --test suite docs"
    );
    // the walls that layers.rs keeps are in it
    let all = modules();
    for lonely in ["ui", "model", "hardware"] {
        assert_eq!(all[lonely].1, BTreeSet::new(), "{lonely}");
    }
}
