//! jobdeck as kubectl's plugin: under its name, and with kubectl's global flags, which mean what they mean there.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::scripted::Server;
use crate::served::{Served, kubectl_there};

/// The binary by the name kubectl looks for, in a folder of its own.
fn plugin(folder: &Path) -> PathBuf {
    let own = Path::new(env!("CARGO_BIN_EXE_jobdeck"));
    let name = folder.join(format!("kubectl-jobdeck{}", std::env::consts::EXE_SUFFIX));
    #[cfg(unix)]
    std::os::unix::fs::symlink(own, &name).expect("a link");
    #[cfg(not(unix))]
    std::fs::copy(own, &name).expect("a copy");
    name
}

/// A program with a home of its own and nothing of the caller's that could lead to a cluster.
fn at_home(program: &Path, home: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("HOME", home)
        .env("XDG_CONFIG_HOME", home.join("config"))
        .env("XDG_STATE_HOME", home.join("state"));
    for key in ["PATH", "SYSTEMROOT", "TMPDIR", "TEMP", "LLVM_PROFILE_FILE"] {
        if let Some(value) = std::env::var_os(key) {
            command.env(key, value);
        }
    }
    command
}

fn run(command: &mut Command) -> (i32, String, String) {
    let output = command.output().expect("it runs");
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
    let code = output.status.code().expect("it ended by itself");
    (code, text(&output.stdout), text(&output.stderr))
}

fn jobdeck(home: &Path, args: &[&str]) -> (i32, String, String) {
    let own = Path::new(env!("CARGO_BIN_EXE_jobdeck"));
    run(at_home(own, home).args(args))
}

#[test]
fn under_kubectls_name_it_speaks_as_kubectls_plugin() {
    let home = tempfile::tempdir().expect("a folder");
    let plugin = plugin(home.path());
    let say = |args: &[&str]| run(at_home(&plugin, home.path()).args(args));
    let (code, out, _) = say(&["--help"]);
    assert_eq!(code, 0);
    assert!(out.contains("Usage: kubectl jobdeck [OPTIONS]"), "{out}");
    let (_, out, _) = say(&["get", "--help"]);
    assert!(out.contains("Usage: kubectl jobdeck get "), "{out}");
    let (code, _, err) = say(&["get"]);
    assert!(code == 2 && err.contains("kubectl jobdeck get"), "{err}");
    // the way out is typed as this was
    let (code, _, err) = say(&[]);
    assert_eq!(code, 1);
    assert!(err.contains("`kubectl jobdeck get` prints rows"), "{err}");
    let (_, _, err) = jobdeck(home.path(), &[]);
    assert!(err.contains("`jobdeck get` prints rows"), "{err}");
    // what is seldom needed is not in the short help
    let (_, short, _) = say(&["-h"]);
    let (_, long, _) = say(&["--help"]);
    for flag in [
        "--as-group",
        "--token",
        "--request-timeout",
        "--tls-server-name",
    ] {
        assert!(long.contains(flag) && !short.contains(flag), "{flag}");
    }
}

#[test]
fn kubectl_finds_it_and_passes_everything_on() {
    if !kubectl_there("kubectl_finds_it_and_passes_everything_on") {
        return;
    }
    let served = Served::shared();
    let bin = tempfile::tempdir().expect("a folder");
    plugin(bin.path());
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(bin.path().to_owned()).chain(std::env::split_paths(&path));
    let path = std::env::join_paths(folders).expect("a path");
    let kubectl = |args: &[&str]| run(served.kubectl(args).env("PATH", &path));
    let (_, out, err) = kubectl(&["plugin", "list"]);
    assert!(out.contains("kubectl-jobdeck"), "{out}{err}");
    assert!(!err.contains("kubectl-jobdeck is overshadowed"), "{err}");
    let (code, out, err) = kubectl(&["jobdeck", "get", "jobs", "-A", "-o", "json"]);
    assert_eq!(code, 0, "{err}");
    let rows: Vec<Value> = serde_json::from_str(&out).expect("rows");
    assert!(rows.len() > 50, "{} rows", rows.len());
    let (code, out, err) = kubectl(&["jobdeck", "doctor", "--as", "ann", "--as-group=ml"]);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("ann, of ml"), "{out}");
    let (code, _, err) = kubectl(&["jobdeck", "get"]);
    assert!(code != 0 && err.contains("kubectl jobdeck get"), "{err}");
}

#[test]
fn the_demo_cluster_is_asked_as_somebody_else() {
    let served = Served::shared();
    let home = served.folder.path();
    let config = served.kubeconfig.to_str().expect("UTF-8");
    let doctor = |more: &[&str]| {
        let mut args = vec!["doctor", "--kubeconfig", config];
        args.extend(more);
        let (_, out, err) = jobdeck(home, &args);
        assert!(err.is_empty(), "{err}");
        // a mark, the topic, and what is said of it
        move |topic: &str| {
            let lines = out.lines().filter_map(|line| line.split_once(' '));
            let mut said = lines.filter_map(|(_, line)| line.strip_prefix(topic));
            said.next().unwrap_or_default().trim().to_owned()
        }
    };
    assert_eq!(doctor(&[])("you are"), "demo, of system:masters");
    let ann = doctor(&["--as=ann", "--as-group=ml", "--as-group=ops", "--as-uid=7"]);
    assert_eq!(ann("you are"), "ann, of ml, ops");
    assert!(ann("login").ends_with("acting as ann"), "{}", ann("login"));
    assert!(doctor(&["--token=x"])("login").starts_with("token"));
    let address = format!("http://{}", served.address());
    // no kubeconfig is needed where a server is named
    let (code, out, err) = jobdeck(home, &["get", "jobs", "-A", "-o", "json", "-s", &address]);
    assert_eq!(code, 0, "{err}");
    let rows: Vec<Value> = serde_json::from_str(&out).expect("rows");
    assert!(rows.len() > 50, "{} rows", rows.len());
}

/// Two clusters and two users; the context is of the first ones.
fn kubeconfig(folder: &Path, first: &str, second: &str) -> String {
    let file = folder.join("config.json");
    let config = json!({
        "current-context": "x",
        "contexts": [{"name": "x", "context": {"cluster": "one", "user": "old", "namespace": "ml"}}],
        "clusters": [{"name": "one", "cluster": {"server": first}}, {"name": "two", "cluster": {"server": second}}],
        "users": [{"name": "old", "user": {"token": "wrong"}}, {"name": "new", "user": {"token": "right"}}],
    });
    std::fs::write(&file, config.to_string()).expect("written");
    file.to_str().expect("UTF-8").to_owned()
}

#[test]
fn flags_take_the_place_of_what_the_kubeconfig_says() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start();
    server.put("p1", "Running");
    server.state().token = Some("right".into());
    let url = server.url().to_string();
    let config = kubeconfig(folder.path(), &url, "http://127.0.0.1:1");
    let get = |config: &str, more: &[&str]| {
        let mut args = vec!["get", "pods", "-A", "-o", "json", "--kubeconfig", config];
        args.extend(more);
        jobdeck(folder.path(), &args)
    };
    let (code, _, err) = get(&config, &[]);
    assert!(code == 1 && err.contains("401"), "{err}");
    for more in [&["--token=right"][..], &["--user", "new"]] {
        let (code, out, err) = get(&config, more);
        assert!(code == 0 && out.contains("\"p1\""), "{more:?}: {out}{err}");
    }
    // the other cluster of the file
    let other = kubeconfig(folder.path(), "http://127.0.0.1:1", &url);
    let (code, out, err) = get(&other, &["--cluster=two", "--user=new"]);
    assert!(code == 0 && out.contains("\"p1\""), "{out}{err}");
    let (code, out, err) = get(&other, &["--server", &url, "--token=right"]);
    assert!(code == 0 && out.contains("\"p1\""), "{out}{err}");
    // what the file has for its own server goes over no open line to one that a flag names
    server.state().requests.clear();
    let (code, _, err) = get(&other, &["--server", &url, "--user=new"]);
    assert!(code == 1 && err.contains("401"), "{err}");
    let state = server.state();
    assert!(!state.requests.is_empty());
    assert!(
        state
            .requests
            .iter()
            .all(|r| !r.headers.contains_key("authorization"))
    );
}

#[test]
fn whom_to_act_as_is_said_with_every_request() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start();
    let config = kubeconfig(
        folder.path(),
        &server.url().to_string(),
        "http://127.0.0.1:1",
    );
    let (code, _, err) = jobdeck(
        folder.path(),
        &[
            "--as",
            "system:serviceaccount:ml:robot",
            "--as-group=g1",
            "--as-uid",
            "u-7",
            "--as-user-extra",
            "example.com/why=tests",
            "get",
            "pods",
            "--kubeconfig",
            &config,
        ],
    );
    assert_eq!(code, 0, "{err}");
    let state = server.state();
    assert!(!state.requests.is_empty());
    for request in &state.requests {
        let said = |name: &str| request.headers.get(name).map(String::as_str);
        assert_eq!(
            said("impersonate-user"),
            Some("system:serviceaccount:ml:robot")
        );
        assert_eq!(said("impersonate-group"), Some("g1"));
        assert_eq!(said("impersonate-uid"), Some("u-7"));
        assert_eq!(said("impersonate-extra-example.com%2fwhy"), Some("tests"));
        assert_eq!(said("authorization"), Some("Bearer wrong"));
    }
}

#[test]
fn a_flag_that_cannot_be_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = kubeconfig(folder.path(), "https://127.0.0.1:1", "https://127.0.0.1:1");
    for (args, words) in [
        (&["--cluster=three"][..], "--cluster: \"three\" is not in "),
        (&["--user=nobody"], "--user: \"nobody\" is not in "),
        (&["--as-group=g"], "--as-group: needs --as"),
        (&["--as-uid=7"], "--as-uid: needs --as"),
        (
            &["--certificate-authority=nowhere.pem"],
            "--certificate-authority: cannot read nowhere.pem: ",
        ),
        (
            &["--client-certificate=nowhere.pem"],
            "--client-certificate: cannot read nowhere.pem: ",
        ),
        (
            &["--client-key=nowhere.key"],
            "--client-key: cannot read nowhere.key: ",
        ),
        (
            &["--server=ftp://x"],
            "no usable server address: \"ftp://x\"",
        ),
    ] {
        let all = [&["get", "jobs", "--kubeconfig", &config], args].concat();
        let (code, out, err) = jobdeck(folder.path(), &all);
        assert_eq!((code, &*out), (1, ""), "{args:?}");
        assert!(err.contains(words), "{args:?}: {err}");
        assert!(!err.contains("panicked"), "{err}");
    }
    for args in [
        &["--request-timeout=soon"][..],
        &["--as-user-extra=why"],
        &["--insecure-skip-tls-verify=maybe"],
    ] {
        let (code, _, err) = jobdeck(folder.path(), &[args, &["get", "jobs"]].concat());
        assert!(
            code == 2 && err.contains(args[0].split('=').next().unwrap_or_default()),
            "{args:?}: {err}"
        );
    }
}

#[test]
fn a_server_that_says_nothing_is_left_when_the_time_is_over() {
    let folder = tempfile::tempdir().expect("a folder");
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", silent.local_addr().expect("an address"));
    let (code, _, err) = jobdeck(
        folder.path(),
        &["get", "jobs", "-s", &url, "--request-timeout=300ms"],
    );
    assert!(code == 1 && err.contains("no answer for 1 s"), "{err}");
}

/// The entry of krew's index: what it says exists, in this version.
#[test]
fn the_krew_manifest_is_one_of_this_version() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/krew/jobdeck.yaml");
    let text = std::fs::read_to_string(path).expect("the manifest");
    let manifest: Value = serde_saphyr::from_str(&text).expect("YAML");
    assert_eq!(
        manifest["apiVersion"],
        "krew.googlecontainertools.github.com/v1alpha2"
    );
    assert_eq!(manifest["kind"], "Plugin");
    assert_eq!(manifest["metadata"]["name"], "jobdeck");
    let spec = &manifest["spec"];
    assert_eq!(spec["version"], concat!("v", env!("CARGO_PKG_VERSION")));
    let short = spec["shortDescription"]
        .as_str()
        .expect("a short description");
    // krew's own rule for its index
    assert!(short.len() <= 50 && !short.ends_with('.'), "{short}");
    assert!(
        spec["description"]
            .as_str()
            .is_some_and(|d| d.len() > short.len())
    );
    let platforms = spec["platforms"].as_array().expect("platforms");
    let mut seen = Vec::new();
    for platform in platforms {
        let labels = &platform["selector"]["matchLabels"];
        let of = |key: &str| labels[key].as_str().expect("a label").to_owned();
        let (os, arch) = (of("os"), of("arch"));
        assert!(["linux", "darwin", "windows"].contains(&&*os), "{os}");
        assert!(["amd64", "arm64"].contains(&&*arch), "{arch}");
        let windows = os == "windows";
        assert_eq!(
            platform["bin"],
            if windows { "jobdeck.exe" } else { "jobdeck" }
        );
        let uri = platform["uri"].as_str().expect("an address");
        assert!(
            uri.ends_with(if windows { ".zip" } else { ".tar.gz" }),
            "{uri}"
        );
        let sum = platform["sha256"].as_str().expect("a sum");
        assert!(
            sum.len() == 64 && sum.bytes().all(|b| b.is_ascii_hexdigit()),
            "{sum}"
        );
        let files = platform["files"].as_array().expect("files");
        let from: Vec<&str> = files.iter().filter_map(|f| f["from"].as_str()).collect();
        let bin = platform["bin"].as_str().unwrap_or_default();
        for file in [bin, "LICENSE"] {
            assert!(
                from.iter().any(|f| f.rsplit('/').next() == Some(file)),
                "{os}: no {file}"
            );
        }
        assert!(files.iter().all(|f| f["to"] == "."), "{os}");
        seen.push((os, arch));
    }
    seen.sort();
    let len = seen.len();
    seen.dedup();
    assert!(len == seen.len() && len == 5, "{seen:?}");
}

#[test]
fn settings_of_a_context_hold_for_commands_and_variables_win() {
    let served = Served::shared();
    let home = served.folder.path();
    let folder = home.join("config").join("jobdeck");
    std::fs::create_dir_all(&folder).expect("made");
    std::fs::write(
        folder.join("config.toml"),
        "[contexts.\"demo\"]\nnamespace = \"nowhere-yet\"\nread-only = true\n",
    )
    .expect("written");
    let config = served.kubeconfig.to_str().expect("UTF-8");
    let (code, _, err) = jobdeck(home, &["get", "jobs", "--kubeconfig", config]);
    assert_eq!(
        (code, &*err),
        (0, "No resources found in nowhere-yet namespace.\n")
    );
    let (code, _, err) = jobdeck(home, &["delete", "job/x", "--yes", "--kubeconfig", config]);
    assert!(code == 3 && err.contains("read-only"), "{code}: {err}");
    // what a variable says is in what is shown, and one that cannot be is told
    let own = Path::new(env!("CARGO_BIN_EXE_jobdeck"));
    let show =
        |name: &str, value: &str| run(at_home(own, home).env(name, value).args(["config", "show"]));
    let (_, out, err) = show("JOBDECK_LOGS_TAIL", "500");
    assert!(out.contains("tail = 500") && err.is_empty(), "{out}{err}");
    let (code, out, err) = show("JOBDECK_LOGS_TAIL", "many");
    assert!(code == 0 && out.contains("tail = 2000"), "{out}");
    assert!(
        err.contains("$JOBDECK_LOGS_TAIL: \"many\" is no number"),
        "{err}"
    );
    let (_, out, _) = jobdeck(home, &["config", "env"]);
    let line = out
        .lines()
        .find(|l| l.starts_with("JOBDECK_GPU_USE_ENABLED "));
    assert!(
        line.is_some_and(|l| l.contains(" gpu-use.enabled ")),
        "{out}"
    );
    let (_, out, _) = jobdeck(home, &["config", "schema"]);
    let schema: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(
        schema["properties"]["logs"]["properties"]["tail"]["type"],
        "integer"
    );
}

#[test]
fn a_report_holds_nothing_that_the_flags_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_, out, err) = jobdeck(
        folder.path(),
        &[
            "doctor",
            "--report",
            "-s",
            "http://orion.invalid:1",
            "--token",
            "tok-SECRETx",
            "--as",
            "jane-norma",
            "--as-group",
            "grp-vela",
            "--request-timeout",
            "5s",
        ],
    );
    assert!(out.contains("## cluster"), "{out}{err}");
    for name in ["orion", "tok-SECRETx", "jane-norma", "grp-vela"] {
        assert!(!out.contains(name), "{name}: {out}");
    }
}
