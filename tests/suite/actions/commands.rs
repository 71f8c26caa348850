//! The commands that write, as a script uses them: exit codes, JSON, and that nothing is done unasked.

use std::path::Path;

use assert_cmd::Command;
use serde_json::Value;

use crate::served::Served;

/// Where commands are typed.
pub struct Shell<'a> {
    pub kubeconfig: &'a Path,
    pub home: &'a Path,
}

impl Shell<'_> {
    /// `jobdeck ARGS` on the cluster of the kubeconfig: exit code, standard output and standard error.
    pub fn run(&self, args: &[&str]) -> (i32, String, String) {
        self.fed(args, "")
    }

    /// The same with something on standard input.
    pub fn fed(&self, args: &[&str], input: &str) -> (i32, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_jobdeck"));
        command
            .env_clear()
            .env("HOME", self.home)
            .arg("--kubeconfig")
            .arg(self.kubeconfig)
            .args(args)
            .write_stdin(input);
        if let Some(profile) = std::env::var_os("LLVM_PROFILE_FILE") {
            command.env("LLVM_PROFILE_FILE", profile);
        }
        let output = command.output().expect("it runs");
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
        let code = output.status.code().expect("it ended by itself");
        (code, text(&output.stdout), text(&output.stderr))
    }

    #[track_caller]
    pub fn says(&self, args: &[&str], code: i32, words: &str) {
        let (ended, out, err) = self.run(args);
        assert_eq!(ended, code, "{args:?}: {out}{err}");
        assert!(
            out.contains(words) || err.contains(words),
            "{args:?}: {out}{err}"
        );
    }

    #[track_caller]
    pub fn json(&self, args: &[&str]) -> Value {
        let (code, out, err) = self.run(args);
        assert_eq!(code, 0, "{args:?}: {out}{err}");
        serde_json::from_str(&out).expect("JSON")
    }
}

#[test]
fn scripts_can_rely_on_codes_and_json() {
    let served = Served::start(&[]);
    let home = tempfile::tempdir().expect("a folder");
    let shell = Shell {
        kubeconfig: &served.kubeconfig,
        home: home.path(),
    };
    let default = ["-n", "default"];
    let with = |args: &[&'static str]| -> Vec<&'static str> {
        args.iter().copied().chain(default).collect()
    };
    // nobody to ask, nothing done
    shell.says(
        &with(&["delete", "job/pi"]),
        3,
        "--yes does it without asking",
    );
    shell.says(
        &with(&["delete", "job/pi", "--dry-run"]),
        0,
        "would delete job/pi",
    );
    shell.says(&with(&["delete", "pi", "--yes"]), 3, "write job/pi");
    shell.says(&with(&["delete", "secret/x", "--yes"]), 3, "no kind secret");
    shell.says(
        &with(&["delete", "job/nope", "--yes"]),
        4,
        "there is no job/nope",
    );
    shell.says(&with(&["hold", "job/pi", "--yes"]), 3, "is over");
    shell.says(&with(&["undo", "--yes"]), 4, "nothing was deleted");
    shell.says(
        &with(&["--read-only", "delete", "job/pi", "--yes"]),
        3,
        "read-only",
    );
    let config = home.path().join(".config/jobdeck");
    std::fs::create_dir_all(&config).expect("a folder");
    let settings = config.join("config.toml");
    std::fs::write(&settings, "[contexts.\"demo\"]\nread-only = true\n").expect("settings");
    shell.says(&with(&["delete", "job/pi", "--yes"]), 3, "read-only");
    std::fs::write(&settings, "").expect("settings");

    let done = shell.json(&with(&["delete", "job/pi", "--yes", "-o", "json"]));
    let done = &done[0];
    assert_eq!(
        (&done["result"], &done["verb"]),
        (&"done".into(), &"delete".into())
    );
    let id = done["undo"].as_str().expect("an id").to_owned();
    shell.says(
        &with(&["delete", "job/pi", "--yes"]),
        4,
        "there is no job/pi",
    );
    let list = shell.json(&["undo", "--list", "-o", "json"]);
    assert_eq!(list[0]["id"], id.as_str());
    assert_eq!(
        (&list[0]["name"], &list[0]["kind"]),
        (&"pi".into(), &"job".into())
    );
    let undone = shell.json(&["undo", &id, "--yes", "-o", "json"]);
    assert_eq!(undone[0]["made"], "job/pi-r2");
    shell.says(&["undo", "--list"], 0, "made again as job/pi-r2");
    // the same once more: the name is taken by now
    shell.says(&["undo", &id, "--name", "pi-r2", "--yes"], 6, "already");
    let triggered = shell.json(&with(&[
        "trigger",
        "cronjob/heartbeat",
        "--yes",
        "-o",
        "json",
    ]));
    let made = triggered[0]["made"].as_str().expect("what was made");
    assert!(made.starts_with("job/heartbeat-manual-"), "{made}");
    shell.says(&with(&["scale", "job/pi-r2", "1"]), 0, "already");
    shell.says(
        &["hold", "tfjob/dlrm-wide-deep", "-n", "inference", "--yes"],
        0,
        "held tfjob/",
    );
    shell.says(
        &["resume", "tfjob/dlrm-wide-deep", "-n", "inference"],
        0,
        "resumed",
    );
}
