//! The binary without a terminal: what it prints, what it says when something is wrong, how it ends.

use std::path::Path;

use assert_cmd::Command;
use serde_json::Value;

use crate::served::{Served, still};

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
    for shell in ["bash", "zsh", "fish", "elvish", "powershell", "nushell"] {
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

/// A kubeconfig with one context, `here`, at this server.
fn kubeconfig(home: &Path, server: &str) -> std::path::PathBuf {
    let file = home.join("kubeconfig");
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: here\n\
         clusters:\n- name: c\n  cluster:\n    server: {server}\n\
         contexts:\n- name: here\n  context:\n    cluster: c\n    user: u\n\
         users:\n- name: u\n  user: {{}}\n"
    );
    std::fs::write(&file, text).expect("written");
    file
}

#[test]
fn the_demo_is_the_same_twice_and_tells_the_indexed_example() {
    let home = home();
    let args = ["get", "jobs", "-o", "json", "--demo", "--seed", "1"];
    let (code, first, err) = run(jobdeck(home.path()).args(args));
    assert_eq!((code, &*err), (0, ""));
    let (_, second, _) = run(jobdeck(home.path()).args(args));
    assert!(first == second, "one seed, two answers");
    let rows: Vec<Value> = serde_json::from_str(&first).expect("an array of rows");
    let settled = rows
        .iter()
        .find(|row| row["failedIndexes"] == "0,2,4,6,8" && row["completedIndexes"] == "1,3,5,7,9")
        .expect("the Indexed example");
    assert_eq!(
        (&settled["phase"], &settled["reason"], &settled["failed"]),
        (&"Failed".into(), &"FailedIndexes".into(), &10.into())
    );
    let places: Vec<_> = rows
        .iter()
        .map(|row| (row["namespace"].to_string(), row["name"].to_string()))
        .collect();
    assert!(places.is_sorted() && places.len() > 50, "{places:?}");
}

#[test]
fn rows_come_as_tables_and_yaml() {
    let (home, demo) = (home(), Served::shared());
    let get = |args: &[&str]| {
        let mut command = jobdeck(home.path());
        command.arg("get").args(args).arg("-A").arg("--kubeconfig");
        let (code, out, err) = run(command.arg(&demo.kubeconfig));
        assert_eq!((code, &*err), (0, ""), "{args:?}");
        out
    };
    let table = get(&["jobs", "-o", "wide"]);
    let header = table.lines().next().expect("a header");
    assert!(header.starts_with("NAMESPACE  "), "{header}");
    assert!(header.contains("FAILED-INDEXES"), "{header}");
    assert!(table.lines().all(|line| line == line.trim_end()));
    assert!(table.contains("0,2,4,6,8"), "{table}");
    let nodes: Vec<Value> = serde_saphyr::from_str(&get(&["nodes", "-o", "yaml"])).expect("YAML");
    assert_eq!(nodes.len(), 41);
    assert!(
        nodes
            .iter()
            .all(|node| node["kind"] == "Node" && node["cpuMilli"].is_u64())
    );
}

#[test]
fn rows_can_be_narrowed_down() {
    let (home, demo) = (home(), Served::over(still()));
    let get = |more: &[&str]| {
        let mut command = jobdeck(home.path());
        command.args(["get", "jobs", "--kubeconfig"]);
        run(command.arg(&demo.kubeconfig).args(more))
    };
    let (code, out, err) = get(&["-n", "nowhere"]);
    assert_eq!((code, &*out), (0, ""));
    assert_eq!(err, "No resources found in nowhere namespace.\n");
    let (_, out, _) = get(&["-A", "--filter", "state:failed", "-o", "json"]);
    let rows: Vec<Value> = serde_json::from_str(&out).expect("JSON");
    assert!(!rows.is_empty() && rows.iter().all(|row| row["phase"] == "Failed"));
    let (_, out, _) = get(&["-A", "--filter", "state:failed", "--no-headers"]);
    assert_eq!(out.lines().count(), rows.len(), "{out}");
    let (code, _, err) = get(&["--filter", "state>"]);
    assert!(code == 2 && err.contains("--filter"), "{err}");
}

/// Columns of one's own: what the command line or the settings ask for, and nothing that is spelt wrong.
#[test]
fn a_filter_by_a_column_that_is_not_there_ends_with_2_and_names_the_nearest() {
    let (home, demo) = (home(), Served::shared());
    let get = |more: &[&str]| {
        let mut command = jobdeck(home.path());
        command.args(["get", "jobs", "-A", "--kubeconfig"]);
        run(command.arg(&demo.kubeconfig).args(more))
    };
    let shown = ["--columns", "name,label:app.kubernetes.io/part-of"];
    let with = |filter| get(&[&shown[..], &["--filter", filter, "--no-headers"]].concat());
    let (code, out, err) = with("col:part-of=*");
    assert!(code == 0 && out.lines().count() > 50, "{out}{err}");
    for output in ["table", "json"] {
        let (code, out, err) = get(&[
            "-o",
            output,
            shown[0],
            shown[1],
            "--filter",
            "gpu>0 !col:prat-of=x",
        ]);
        assert_eq!((code, &*out), (2, ""), "{err}");
        assert!(
            err.contains("--filter: jobs show no column prat-of")
                && err.contains("did you mean PART-OF?"),
            "{err}"
        );
    }
    // one of the settings is read for the filter, shown or not
    let (code, _, err) = get(&["--filter", "col:lot=*"]);
    assert!(
        code == 2 && err.contains("--columns '*,label:lot'"),
        "{err}"
    );
    let settings = home.path().join("config/jobdeck");
    std::fs::create_dir_all(&settings).expect("a folder");
    let text = "[columns]\njobs = [{ title = \"LOT\", label = \"app.kubernetes.io/part-of\" }]\n";
    std::fs::write(settings.join("config.toml"), text).expect("written");
    let (code, out, err) = get(&["--filter", "col:lot=*"]);
    assert!(code == 0 && out.lines().count() > 50, "{out}{err}");
    assert!(!out.contains("LOT"), "{out}");
}

#[test]
fn json_has_the_columns_of_ones_own_that_are_asked_for() {
    let (home, demo) = (home(), Served::shared());
    let get = |more: &[&str]| {
        let mut command = jobdeck(home.path());
        command.args(["get", "jobs", "-A", "--kubeconfig"]);
        let (code, out, err) = run(command.arg(&demo.kubeconfig).args(more));
        assert_eq!((code, &*err), (0, ""), "{more:?}");
        let rows: Vec<Value> = serde_saphyr::from_str(&out).expect("rows");
        assert!(rows.len() > 50, "{out}");
        rows
    };
    let have = |rows: &[Value], key: &str| {
        rows.iter()
            .filter(|row| row["columns"][key].is_string())
            .count()
    };
    let plain = get(&["-o", "json"]);
    assert!(plain.iter().all(|row| row.get("columns").is_none()));
    // names of the table ask for nothing more
    assert!(
        get(&["-o", "json", "--columns", "name,state"])
            .iter()
            .all(|row| row.get("columns").is_none())
    );
    let two = "name,label:app.kubernetes.io/part-of,jsonpath:.metadata.labels['kueue.x-k8s.io/queue-name']";
    for output in ["json", "yaml"] {
        let rows = get(&["-o", output, "--columns", two]);
        assert!(rows.iter().all(|row| row["columns"].is_object()));
        assert!(have(&rows, "PART-OF") > 50, "{rows:?}");
        let queued = have(&rows, "QUEUE-NAME");
        assert!(
            queued > 0 && queued < rows.len(),
            "what a row lacks is left out"
        );
        for (row, plain) in rows.iter().zip(&plain) {
            assert_eq!(
                row["columns"]["PART-OF"],
                plain["labels"]["app.kubernetes.io/part-of"]
            );
            let mut rest = row.as_object().expect("a row").clone();
            rest.remove("columns");
            let keys =
                |row: &serde_json::Map<String, Value>| row.keys().cloned().collect::<Vec<_>>();
            assert_eq!(keys(&rest), keys(plain.as_object().expect("a row")));
        }
    }
    let rows = get(&[
        "-o",
        "json",
        "-L",
        "app.kubernetes.io/name,example.com/name",
    ]);
    assert!(
        have(&rows, "label:app.kubernetes.io/name") > 50,
        "two that are headed NAME"
    );
    let settings = home.path().join("config/jobdeck");
    std::fs::create_dir_all(&settings).expect("a folder");
    let text = "[columns]\njobs = [\"name\", { title = \"LOT\", label = \"app.kubernetes.io/part-of\" }]\n";
    std::fs::write(settings.join("config.toml"), text).expect("written");
    assert!(have(&get(&["-o", "json"]), "LOT") > 50);
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let (home, demo) = (home(), Served::shared());
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_jobdeck"))
        .args(["get", "pods", "-A", "-o", "json", "--kubeconfig"])
        .arg(&demo.kubeconfig)
        .env("HOME", home.path())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("it starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
}

#[test]
fn what_is_wrong_with_a_cluster_is_said_with_the_next_step() {
    let home = home();
    let (code, out, err) = run(jobdeck(home.path()).args(["get", "jobs"]));
    assert_eq!((code, &*out), (1, ""));
    assert!(
        err.contains("no kubeconfig found") && err.contains("--kubeconfig"),
        "{err}"
    );

    // nobody listens on a port that was free a moment ago
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .and_then(|l| l.local_addr())
        .expect("a port")
        .port();
    let file = kubeconfig(home.path(), &format!("http://127.0.0.1:{port}"));
    let get = |more: &[&str]| {
        let mut command = jobdeck(home.path());
        run(command
            .arg("--kubeconfig")
            .arg(&file)
            .args(["get", "jobs"])
            .args(more))
    };
    let (code, out, err) = get(&[]);
    assert_eq!((code, &*out), (1, ""));
    assert!(
        err.contains(&port.to_string()) && err.contains("retry"),
        "{err}"
    );
    let (code, _, err) = get(&["--context", "there"]);
    assert!(
        code == 1 && err.contains("\"there\"") && err.contains("here"),
        "{err}"
    );
    std::fs::write(&file, "clusters: 7\n").expect("written");
    let (code, _, err) = get(&[]);
    assert!(
        code == 1 && err.contains("kubeconfig") && err.contains("not valid"),
        "{err}"
    );
    for text in [&*err, &*out] {
        assert!(
            !text.contains("panicked") && !text.contains("Location:"),
            "{text}"
        );
    }
}

#[test]
fn doctor_says_yes_and_no() {
    let home = home();
    let (code, out, _) = run(jobdeck(home.path())
        .env("LANG", "C.UTF-8")
        .args(["doctor", "--demo"]));
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("✓ server") && out.contains("jobs"), "{out}");
    let (code, out, _) = run(jobdeck(home.path()).env("LC_ALL", "C").arg("doctor"));
    assert_eq!(code, 1, "{out}");
    assert!(
        out.starts_with("x kubeconfig") && out.contains("-> "),
        "{out}"
    );
}

#[test]
fn frames_are_drawn_without_a_terminal() {
    let (home, demo) = (home(), Served::shared());
    let render = |args: &[&str]| run(jobdeck(home.path()).arg("render").args(args));
    let served = |args: &[&str]| {
        let mut command = jobdeck(home.path());
        command.arg("render").args(args).arg("-A");
        run(command.arg("--kubeconfig").arg(&demo.kubeconfig))
    };
    let (code, text, err) = served(&["jobs", "--size", "100x30"]);
    assert_eq!((code, &*err), (0, ""));
    assert_eq!(text.lines().count(), 30);
    assert!(text.contains("jobdeck") && text.contains("live"), "{text}");
    // wide enough for the detail: its events and its log are waited for, and the picture is the same twice
    let wide = ["jobs", "--demo", "--size", "160x44"];
    let (_, text, _) = render(&wide);
    assert!(text.contains("FileNotFoundError"), "{text}");
    assert!(!text.contains("asking "), "{text}");
    let (_, again, _) = render(&wide);
    assert!(text == again, "one seed, two frames");
    let file = home.path().join("jobs.svg");
    let name = file.to_str().expect("UTF-8");
    let (code, out, _) = served(&["nodes", "--format", "svg", "-o", name]);
    let svg = std::fs::read_to_string(file).expect("a picture");
    assert!(code == 0 && out.is_empty() && svg.starts_with("<svg") && svg.contains("</svg>"));
    let (code, text, _) = render(&["start"]);
    assert!(code == 0 && text.contains("demo cluster"), "{text}");
    let (code, _, err) = served(&["job/no-such-job"]);
    assert!(code == 1 && err.contains("no-such-job"), "{err}");
    let (code, _, err) = served(&["secrets"]);
    assert!(code == 2 && err.contains("job/NAME"), "{err}");
}

#[test]
fn the_cockpit_needs_a_terminal_and_says_so() {
    let home = home();
    let (code, out, err) = run(jobdeck(home.path()).arg("demo"));
    assert_eq!((code, &*out), (1, ""));
    assert!(
        err.contains("terminal") && err.contains("jobdeck get"),
        "{err}"
    );
}
