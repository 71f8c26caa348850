//! Completions as their shells take them: each script is read by its shell where there is one, and PowerShell's, which has
//! none on most machines, by what its lines may look like.

#[cfg(unix)]
use std::io::Write as _;
#[cfg(unix)]
use std::path::{Path, PathBuf};
use std::process::Command;
#[cfg(unix)]
use std::process::Stdio;

use regex::Regex;

fn jobdeck() -> Command {
    Command::new(env!("CARGO_BIN_EXE_jobdeck"))
}

fn script(shell: &str) -> String {
    let out = jobdeck().args(["completions", shell]).output();
    String::from_utf8(out.expect("it runs").stdout).expect("UTF-8")
}

/// A script in a folder.
#[cfg(unix)]
fn file(folder: &Path, shell: &str) -> PathBuf {
    let path = folder.join(format!("jobdeck.{shell}"));
    std::fs::write(&path, script(shell)).expect("written");
    path
}

/// What a shell prints; none where it is not installed.
#[cfg(unix)]
fn said(program: &str, args: &[&str]) -> Option<String> {
    let command = Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .output();
    let Ok(out) = command else {
        let _ = writeln!(
            std::io::stderr(),
            "SKIPPED completions: there is no {program}"
        );
        return None;
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (stdout, stderr) = (text(&out.stdout), text(&out.stderr));
    assert!(
        out.status.success() && stderr.is_empty(),
        "{program}: {stdout}{stderr}"
    );
    Some(stdout)
}

#[cfg(unix)]
#[test]
fn bash_zsh_and_fish_read_theirs() {
    let folder = tempfile::tempdir().expect("a folder");
    for shell in ["bash", "zsh", "fish"] {
        let path = file(folder.path(), shell).display().to_string();
        said(shell, &["-n", &path]);
    }
}

#[cfg(unix)]
#[test]
fn nushell_reads_its_own_and_completes_with_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = file(folder.path(), "nushell").display().to_string();
    let Some(_) = said("nu", &["-n", "-c", &format!("source '{path}'")]) else {
        return;
    };
    for (typed, wanted) in [
        ("jobdeck ge", "jobdeck get"),
        ("jobdeck get jobs --no", "--no-headers"),
        ("jobdeck completions ", "nushell"),
    ] {
        let text = format!("source '{path}'\n{typed}");
        let line = folder.path().join("line.nu");
        std::fs::write(&line, &text).expect("written");
        let at = text.len().to_string();
        let offered = said(
            "nu",
            &["-n", "--ide-complete", &at, &line.display().to_string()],
        );
        let offered = offered.unwrap_or_default();
        assert!(
            offered.contains(&format!("{wanted:?}")),
            "{typed}: {offered}"
        );
    }
}

/// Its editor is there at a terminal only, so what the script hands to it is printed instead.
#[cfg(unix)]
#[test]
fn elvish_completes_with_its_own() {
    let script = script("elvish");
    let (set, candidate) = (
        "set edit:completion:arg-completer[jobdeck] = ",
        "edit:complex-candidate $text &display=$text' '",
    );
    assert!(
        script.contains(set) && script.contains(candidate),
        "{}",
        &script[..900]
    );
    let script = script
        .replace(set, "var complete = ")
        .replace(candidate, "put $text' '");
    for (typed, wanted) in [
        ("jobdeck ''", "completions "),
        ("jobdeck get ''", "--filter "),
        ("jobdeck config ''", "schema "),
    ] {
        let code = format!("{script}\n$complete {typed} | each {{|it| echo $it }}");
        let Some(offered) = said("elvish", &["-norc", "-c", &code]) else {
            return;
        };
        let mut lines = offered.lines();
        assert!(
            lines.any(|line| line.starts_with(wanted)),
            "{typed}: {offered}"
        );
    }
}

#[test]
fn powershell_gets_lines_it_can_read() {
    let script = script("powershell");
    // it takes these for quotes, too
    let odd = script
        .chars()
        .find(|c| ('\u{2018}'..='\u{201e}').contains(c));
    assert_eq!(
        odd, None,
        "a text of the help has a quote that ends PowerShell's"
    );
    let offer = r"\[CompletionResult\]::new\('(''|[^'])+', '(''|[^'])+', \[CompletionResultType\]::(ParameterName|ParameterValue), '(''|[^'])+'\)";
    let begins = r"'jobdeck(;[a-z-]+)*' \{";
    let known = Regex::new(&format!(
        "^(            {offer}|        {begins}|            break|        \\}})$"
    ));
    let known = known.expect("a pattern");
    let offers = script
        .lines()
        .skip_while(|line| !line.contains("switch ($command)"))
        .skip(1)
        .take_while(|line| *line != "    })");
    let (mut count, mut places) = (0, Vec::new());
    for line in offers {
        assert!(known.is_match(line), "{line}");
        count += usize::from(line.contains("CompletionResult"));
        places.extend(line.strip_suffix(" {").map(str::trim));
    }
    assert!(
        count > 500 && places.contains(&"'jobdeck;get'"),
        "{count} {places:?}"
    );
    assert!(
        script
            .trim_end()
            .ends_with("Sort-Object -Property ListItemText\n}")
    );
}
