//! The binary without a terminal: what it prints, what it says when something is wrong, how it ends.

use std::path::Path;

use assert_cmd::Command;

/// `jobdeck ARGS` with a home of its own and nothing of the caller's environment that could lead to a cluster.
fn jobdeck(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jobdeck"));
    command
        .env_clear()
        .env("HOME", home)
        .env("XDG_CONFIG_HOME", home.join("config"));
    for key in ["PATH", "SYSTEMROOT", "TMPDIR", "TEMP", "LLVM_PROFILE_FILE"] {
        if let Some(value) = std::env::var_os(key) {
            command.env(key, value);
        }
    }
    command
}

fn home() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

/// Exit code, standard output and standard error.
fn run(command: &mut Command) -> (i32, String, String) {
    let output = command.output().expect("it runs");
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
    (
        output.status.code().expect("it ended by itself"),
        text(&output.stdout),
        text(&output.stderr),
    )
}

#[test]
fn help_and_version_say_what_it_is() {
    let home = home();
    let (code, out, _) = run(jobdeck(home.path()).arg("--version"));
    assert_eq!(
        (code, out.trim()),
        (0, concat!("jobdeck ", env!("CARGO_PKG_VERSION")))
    );
    let (code, out, _) = run(jobdeck(home.path()).arg("--help"));
    assert_eq!(code, 0);
    for word in [
        "demo",
        "get",
        "render",
        "doctor",
        "completions",
        "man",
        "config",
        "--kubeconfig",
        "--context",
        "--namespace",
        "--all-namespaces",
        "--read-only",
        "--theme",
        "--keymap",
    ] {
        assert!(out.contains(word), "help lacks {word}:\n{out}");
    }
}

#[test]
fn wrong_usage_ends_with_2_and_names_the_way_out() {
    let home = home();
    for args in [
        &["--no-such-flag"][..],
        &["get"],
        &["get", "secrets"],
        &["get", "jobs", "-o", "xml"],
        &["get", "jobs", "-A", "-n", "default"],
        &["render"],
        &["render", "jobs", "--size", "3x3"],
        &["completions", "cobol"],
        &["demo", "--kubeconfig-out", "f"],
        &["get", "jobs", "--at", "10m"],
        &["get", "jobs", "--demo", "--at", "ten"],
    ] {
        let (code, out, err) = run(jobdeck(home.path()).args(args));
        assert_eq!((code, &*out), (2, ""), "{args:?}: {err}");
        assert!(
            err.contains("--help") || err.contains("possible values"),
            "{args:?}: {err}"
        );
    }
}

#[test]
fn completions_for_each_shell_and_a_manual_page() {
    let home = home();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let (code, out, err) = run(jobdeck(home.path()).args(["completions", shell]));
        assert_eq!((code, &*err), (0, ""));
        assert!(
            out.contains("jobdeck") && out.contains("kubeconfig-out"),
            "{shell}"
        );
    }
    let (code, out, _) = run(jobdeck(home.path()).arg("man"));
    assert_eq!(code, 0);
    assert!(
        out.starts_with(".ie") && out.contains(".TH jobdeck 1"),
        "{out}"
    );
}

#[test]
fn settings_can_be_shown_found_and_misspelt() {
    let home = home();
    let (code, out, _) = run(jobdeck(home.path()).args(["config", "path"]));
    let file = home
        .path()
        .join("config")
        .join("jobdeck")
        .join("config.toml");
    if cfg!(unix) {
        assert_eq!((code, out.trim()), (0, &*file.display().to_string()));
    }
    let (code, shown, err) = run(jobdeck(home.path()).args(["config", "show"]));
    assert_eq!((code, &*err), (0, ""));
    assert!(shown.contains("theme = \"jobdeck-dark\""), "{shown}");

    let file = Path::new(out.trim());
    std::fs::create_dir_all(file.parent().expect("a folder")).expect("made");
    std::fs::write(file, "mouse = true\n\nthemee = \"x\"\n").expect("written");
    let (code, out, err) = run(jobdeck(home.path()).args(["config", "show"]));
    assert_eq!((code, &out), (0, &shown));
    assert!(
        err.contains("config.toml:3: ") && err.contains("themee"),
        "{err}"
    );
    // what was shown is a settings file
    std::fs::write(file, shown.replace("mouse = true", "mouse = false")).expect("written");
    let (_, out, err) = run(jobdeck(home.path()).arg("config"));
    assert!(
        out.contains("mouse = false") && err.is_empty(),
        "{out}{err}"
    );
}
