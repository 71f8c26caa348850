//! What people write wrongly: kubeconfig, settings, theme, keymap, hardware file, template, manifest. Each message names
//! file, line and key, says what is wrong, and what is used instead or what to do.

use std::path::Path;

use assert_cmd::Command;
use rstest::rstest;

fn jobdeck(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jobdeck"));
    command.env_clear().env("HOME", home).current_dir(home);
    for key in ["PATH", "SYSTEMROOT", "TMPDIR", "TEMP", "LLVM_PROFILE_FILE"] {
        if let Some(value) = std::env::var_os(key) {
            command.env(key, value);
        }
    }
    for key in ["CONFIG", "STATE", "CACHE", "DATA"] {
        command.env(format!("XDG_{key}_HOME"), home.join(key.to_lowercase()));
    }
    command
}

fn run(command: &mut Command) -> (i32, String, String) {
    let output = command.output().expect("it runs");
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
    let code = output.status.code().expect("it ended by itself");
    (code, text(&output.stdout), text(&output.stderr))
}

/// A kubeconfig whose cluster and user are these.
fn kubeconfig(cluster: &str, user: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: here\ncontexts:\n- name: here\n  context:\n    cluster: c\n    user: u\n\
         clusters:\n- name: other\n  cluster: {{server: \"https://10.0.0.2\"}}\n- name: c\n  cluster:\n{cluster}\n\
         users:\n- name: u\n  user:\n{user}\n"
    )
}

const SERVER: &str = "    server: https://127.0.0.1:1";
const NOBODY: &str = "    token: t0ken";

#[rstest]
// a text that is none
#[case("clusters: [\n  - {name".into(), &[], "kubeconfig is not valid: error: line 2", "mend it")]
#[case("clusters: 7\n".into(), &[], "kubeconfig is not valid: error: line 1", "mend it")]
#[case("contexts:\n- name: here\n  context:\n    cluster: c\n    user: [u]\n".into(), &[], "kubeconfig is not valid: error: line 5", "mend it")]
#[case("".into(), &[], "no current context is set in", "has no contexts at all")]
// names that lead nowhere
#[case(kubeconfig(SERVER, NOBODY).replace("current-context: here", "current-context: there"), &[],
    "kubeconfig:3: current-context: context \"there\" is not in", "choose one with --context: here")]
#[case(kubeconfig(SERVER, NOBODY), &["--context", "gone"], "context \"gone\" is not in", "choose one with --context: here")]
#[case(kubeconfig(SERVER, NOBODY).replace("cluster: c\n", "cluster: d\n"), &[],
    "kubeconfig:7: contexts[0].context.cluster: context \"here\" refers to cluster \"d\"", "add that cluster")]
#[case(kubeconfig(SERVER, NOBODY).replace("user: u\n", "user: v\n"), &[],
    "kubeconfig:8: contexts[0].context.user: context \"here\" refers to user \"v\"", "add that user")]
// clusters
#[case(kubeconfig("    server: ftp://x", NOBODY), &[], "kubeconfig:14: clusters[1].cluster.server: cluster \"c\" has no usable server address: \"ftp://x\"", "")]
#[case(kubeconfig("    insecure-skip-tls-verify: true", NOBODY), &[], "clusters[1].cluster", "")]
#[case(kubeconfig(&format!("{SERVER}\n    certificate-authority-data: '%%%'"), NOBODY), &[],
    "kubeconfig:15: clusters[1].cluster.certificate-authority-data: the certificate-authority of \"c\" is not valid", "")]
#[case(kubeconfig(&format!("{SERVER}\n    certificate-authority-data: aGVsbG8="), NOBODY), &[],
    "kubeconfig:15: clusters[1].cluster.certificate-authority-data: the certificate-authority of \"c\" is not valid: it holds no PEM", "")]
#[case(kubeconfig(&format!("{SERVER}\n    certificate-authority: nowhere/ca.pem"), NOBODY), &[],
    "kubeconfig:15: clusters[1].cluster.certificate-authority: cannot read the certificate-authority of \"c\"", "")]
#[case(kubeconfig(&format!("{SERVER}\n    proxy-url: 'http://[nowhere'"), NOBODY), &[],
    "kubeconfig:15: clusters[1].cluster.proxy-url: the proxy-url of \"c\" is not valid", "")]
// users
#[case(kubeconfig(SERVER, "    client-certificate: nowhere.pem\n    client-key: nowhere.key"), &[],
    "kubeconfig:18: users[0].user.client-certificate: cannot read the client-certificate of \"u\"", "")]
#[case(kubeconfig(SERVER, "    client-certificate-data: aGVsbG8="), &[],
    "the client-key of \"u\" is not valid: there is a client-certificate but no key", "")]
#[case(kubeconfig(SERVER, "    client-certificate-data: aGVsbG8=\n    client-key-data: aGVsbG8="), &[], "context \"here\"", "")]
#[case(kubeconfig(SERVER, "    exec:\n      apiVersion: client.authentication.k8s.io/v1\n      args: [x]"), &[],
    "kubeconfig:18: users[0].user.exec: the exec of \"u\" is not valid: it names no command", "")]
#[case(kubeconfig(SERVER, "    exec:\n      apiVersion: client.authentication.k8s.io/v1\n      command: no-such-login"), &[],
    "no-such-login is not installed", "")]
#[case(kubeconfig(SERVER, "    tokenFile: nowhere/token"), &[], "cannot read token file", "")]
fn kubeconfigs(
    #[case] text: String,
    #[case] args: &[&str],
    #[case] says: &str,
    #[case] next: &str,
) {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("kubeconfig");
    std::fs::write(&file, text).unwrap();
    for command in [
        &["get", "jobs"][..],
        &["why", "job/x"],
        &["delete", "job/x", "--yes"],
    ] {
        let mut call = jobdeck(home.path());
        let (code, out, err) = run(call.arg("--kubeconfig").arg(&file).args(args).args(command));
        assert_eq!((&*out, err.contains("panicked")), ("", false), "{err}");
        assert_eq!(code, 1, "{command:?}: {err}");
        assert!(
            err.contains(says) && err.contains(next),
            "{command:?}: {err}"
        );
        // and what to do, in a line of its own
        assert!(err.trim_end().lines().count() >= 2, "{err}");
    }
    // the doctor says the same
    let mut call = jobdeck(home.path());
    let (code, out, _) = run(call.arg("--kubeconfig").arg(&file).args(args).arg("doctor"));
    assert_eq!(code, 1, "{out}");
    assert!(out.contains(says) && out.contains("->"), "{out}");
}

#[test]
fn a_kubeconfig_that_is_not_there_and_one_that_may_not_be_read() {
    let home = tempfile::tempdir().unwrap();
    let get = |file: &Path| {
        run(jobdeck(home.path())
            .arg("--kubeconfig")
            .arg(file)
            .args(["get", "jobs"]))
    };
    let missing = home.path().join("missing");
    let (code, _, err) = get(&missing);
    assert_eq!(code, 1);
    assert!(
        err.contains(&format!("cannot read kubeconfig {}", missing.display())),
        "{err}"
    );
    assert!(err.contains("check that"), "{err}");
    let (code, _, err) = get(home.path());
    assert!(code == 1 && err.contains("cannot read kubeconfig"), "{err}");
}

/// File below the settings folder, its text, arguments, what is said of it, what is used instead.
#[rstest]
#[case("config.toml", "theme = \"nord\"\n\nthemee = 3\n", &[], "config.toml:3: ", "using the defaults")]
#[case("config.toml", "[logs]\ntail = \"many\"\n", &[], "config.toml:2: ", "using the defaults")]
#[case("config.toml", "mouse = [\n", &[], "config.toml:", "using the defaults")]
#[case("config.toml", "theme = \"no-such-theme\"\n", &[], "no theme named `no-such-theme`", "using jobdeck-dark")]
#[case("config.toml", "keymap = \"vi\"\n", &[], "no keymap named `vi` (did you mean `vim`?)", "using default")]
#[case("themes/mine.toml", "inherits = \"nord\"\n[roles]\ntext = \"puce-ish\"\n", &["--theme", "mine"],
    "mine.toml:3: ", "using jobdeck-dark")]
#[case("themes/mine.toml", "[roles\n", &["--theme", "mine"], "mine.toml:1: ", "using jobdeck-dark")]
#[case("themes/mine.toml", "inherits = \"mine2\"\n", &["--theme", "mine"], "mine.toml:1: inherits: ", "using jobdeck-dark")]
#[case("keymaps/mine.toml", "inherits = \"default\"\n[global]\nqiut = \"Q\"\n", &["--keymap", "mine"],
    "mine.toml:3: global.qiut: no such action (did you mean `quit`?)", "using default")]
#[case("keymaps/mine.toml", "inherits = \"default\"\n[global]\nquit = \"ctrl-ctrl-\"\n", &["--keymap", "mine"],
    "mine.toml:3: global.quit: ", "using default")]
#[case("keymaps/mine.toml", "[global]\nquit = \"Q\"\nhelp = \"Q\"\n", &["--keymap", "mine"],
    "mine.toml:3: global.help: `Q` is already bound", "using default")]
fn settings_themes_and_keymaps(
    #[case] file: &str,
    #[case] text: &str,
    #[case] args: &[&str],
    #[case] says: &str,
    #[case] instead: &str,
) {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("config/jobdeck").join(file);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, text).unwrap();
    // without a terminal: on standard error, and the picture is drawn all the same
    let (code, out, err) = run(jobdeck(home.path()).args(args).args(["render", "start"]));
    assert_eq!(code, 0, "{err}");
    assert!(err.contains(says) && err.contains(instead), "{err}");
    assert!(out.contains("demo cluster"), "{out}");
}

/// The same on the screen, with which it goes on.
#[cfg(unix)]
#[test]
fn the_screen_says_it_too() {
    use crate::pty::Session;

    for (file, text, says) in [
        ("config.toml", "mouse = 3\n", "config.toml:1: "),
        ("config.toml", "theme = \"none\"\n", "no theme named `none`"),
        (
            "config.toml",
            "keymap = \"none\"\n",
            "no keymap named `none`",
        ),
        ("hardware.toml", "[[product]]\n", "hardware.toml:"),
    ] {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join(".config/jobdeck");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(file), text).unwrap();
        let mut term = Session::start(&[], (120, 40), home.path());
        term.until(says, |s| s.contains(says) && s.contains("demo cluster"));
        term.send("\x03");
        term.until_ended();
        term.assert_restored();
    }
    // a kubeconfig that is broken, or leads nowhere, is the first thing there is to see
    for (text, says) in [
        ("clusters: 7\n".to_owned(), "kubeconfig"),
        (
            kubeconfig(
                &format!("{SERVER}\n    certificate-authority: nowhere/ca.pem"),
                NOBODY,
            ),
            "certificate-authority",
        ),
    ] {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("kubeconfig");
        std::fs::write(&file, text).unwrap();
        let mut term = Session::start(
            &["--kubeconfig", file.to_str().unwrap()],
            (120, 40),
            home.path(),
        );
        term.until(says, |s| {
            s.contains(says) && s.contains("open the demo cluster")
        });
        term.send("\x03");
        term.until_ended();
        term.assert_restored();
    }
}

#[test]
fn templates_and_manifests() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("config/jobdeck/templates");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("mine.yaml"), b"# \xff\xfe").unwrap();
    std::fs::write(folder.join("odd.yaml"), "# Odd.\nkind: [Job\n").unwrap();
    let submit = |args: &[&str]| run(jobdeck(home.path()).arg("submit").args(args));
    let (code, out, err) = submit(&["--list-templates"]);
    assert!(
        code == 0 && out.contains("job") && err.contains("mine.yaml"),
        "{out}{err}"
    );
    for (args, says) in [
        (&["--template", "no-such"][..], "no-such"),
        (&["--template", "odd"], "odd"),
        (&["-f", "nowhere.yaml"], "nowhere.yaml"),
    ] {
        let (code, _, err) = submit(args);
        assert!(
            code != 0 && err.contains(says) && !err.contains("panicked"),
            "{args:?}: {err}"
        );
    }
    for (text, says) in [
        ("kind: [Job\n", "bad.yaml: line"),
        (
            "apiVersion: batch/v1\nkind: Job\nmetadata:\n\tname: x\n",
            "bad.yaml: line 4",
        ),
        ("- 1\n- 2\n", "bad.yaml:"),
        ("", "bad.yaml"),
    ] {
        let file = home.path().join("bad.yaml");
        std::fs::write(&file, text).unwrap();
        let (code, _, err) = submit(&["-f", "bad.yaml"]);
        assert!(
            code != 0 && err.contains(says) && !err.contains("panicked"),
            "{text:?}: {err}"
        );
    }
}
