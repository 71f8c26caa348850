//! `jobdeck doctor --report`: secrets and names are planted wherever the program could pick one up, and none of them is in
//! what it writes.

use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::scripted::Server;

/// Never to be seen, whatever is asked for.
const SECRETS: [&str; 14] = [
    "tok-3nSECRETa",
    "pw-SECRETb",
    "env-SECRETc",
    "arg-SECRETd",
    "a2V5LVNFQ1JFVGU",
    "proxypw-SECRETf",
    "regex-SECRETg",
    "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJTRUNSRVRoIn0.c2ln",
    "log-SECRETi",
    "cert-SECRETj",
    "selector-SECRETk",
    "tokenfile-SECRETl",
    "envvar-SECRETm",
    "refusal-SECRETn",
];

/// Not to be seen unless names are asked for.
const NAMES: [&str; 16] = [
    "ctx-aurora",
    "cluster-borealis",
    "user-cecilia",
    "ns-dorado",
    "ns-eridanus",
    "worker-fornax",
    "ctx-gemini",
    "alice.hydra",
    "group-indus",
    "host-lynx.example.com",
    "theme-mensa",
    "pod-norma",
    "node-orion.example.com",
    "10.99.88.77",
    "home-pavo",
    "other-rigel",
];

fn plant(folder: &Path, server: &Server) -> std::path::PathBuf {
    let config = folder.join("home-pavo/.config/jobdeck");
    let state = folder.join("home-pavo/.local/state/jobdeck");
    std::fs::create_dir_all(&config).unwrap();
    std::fs::create_dir_all(&state).unwrap();
    let settings = "theme = \"theme-mensa\"\nmouse = false\nnamespaces = [\"ns-eridanus\"]\n[logs]\ntail = 77\n\
        [[logs.patterns]]\nregex = 'regex-SECRETg (?<loss>.*)'\n[gpu-use]\nselectors = [\"app=selector-SECRETk\"]\n\
        [multikueue]\nworker-fornax = \"ctx-gemini\"\n[contexts.\"ctx-aurora\"]\nread-only = true\n";
    std::fs::write(config.join("config.toml"), settings).unwrap();
    let lines = [
        "2026-11-23T12:00:00Z  INFO jobdeck::cluster::source: a watch went back kind=\"pods\"",
        "2026-11-23T12:00:00Z  INFO jobdeck::cluster::workloads: discovery of kinds failure=403: no, alice.hydra of group-indus in ns-dorado",
        "2026-11-23T12:00:01Z ERROR jobdeck::app: thread panicked at src/x.rs:1:2: pod-norma on node-orion.example.com token=log-SECRETi",
        "2026-11-23T12:00:01Z DEBUG hyper::connect: to 10.99.88.77 with password log-SECRETi for alice.hydra",
        "  in a line of its own: log-SECRETi alice.hydra",
        "2026-11-23T12:00:02Z  WARN jobdeck::cluster::http: said=\"Bearer log-SECRETi\" pod=pod-norma code=503",
    ];
    std::fs::write(state.join("jobdeck.log"), lines.join("\n")).unwrap();
    std::fs::write(folder.join("token"), "tokenfile-SECRETl").unwrap();
    let exec = json!({"apiVersion": "client.authentication.k8s.io/v1", "command": "sh",
        "args": ["-c", "echo cert-SECRETj >&2; echo '{}' arg-SECRETd"], "env": [{"name": "X", "value": "env-SECRETc"}]});
    let file = json!({
        "current-context": "ctx-aurora",
        "contexts": [
            {"name": "ctx-aurora", "context": {"cluster": "cluster-borealis", "user": "user-cecilia", "namespace": "ns-dorado"}},
            {"name": "other-rigel", "context": {"cluster": "b", "user": "exec"}},
        ],
        "clusters": [
            {"name": "cluster-borealis", "cluster": {"server": server.url().to_string()}},
            {"name": "b", "cluster": {"server": "https://host-lynx.example.com:6443",
                "proxy-url": "http://bob:proxypw-SECRETf@10.99.88.77:3128"}},
        ],
        "users": [
            {"name": "user-cecilia", "user": {"token": "tok-3nSECRETa"}},
            {"name": "basic", "user": {"username": "alice.hydra", "password": "pw-SECRETb"}},
            {"name": "key", "user": {"client-key-data": "a2V5LVNFQ1JFVGU=", "client-certificate-data": "a2V5LVNFQ1JFVGU="}},
            {"name": "exec", "user": {"exec": exec}},
            {"name": "jwt", "user": {"token": SECRETS[7]}},
            {"name": "file", "user": {"tokenFile": folder.join("token")}},
        ],
    });
    let path = folder.join("kubeconfig");
    std::fs::write(&path, file.to_string()).unwrap();
    let refused = json!(
        "refused to alice.hydra on node-orion.example.com: token refusal-SECRETn is no good, and pw-SECRETb none either"
    );
    let mut state = server.state();
    state.answers.insert("/api/v1/nodes".into(), (500, refused));
    let who =
        json!({"status": {"userInfo": {"username": "alice.hydra", "groups": ["group-indus"]}}});
    state.answers.insert(
        "/apis/authentication.k8s.io/v1/selfsubjectreviews".into(),
        (200, who),
    );
    state.allowed = Some(vec!["ns-dorado".into()]);
    path
}

fn report(folder: &Path, kubeconfig: &Path, args: &[&str]) -> String {
    let out = Command::new(env!("CARGO_BIN_EXE_jobdeck"))
        .arg("--kubeconfig")
        .arg(kubeconfig)
        .args(["doctor", "--report"])
        .args(args)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", folder.join("home-pavo"))
        .env("USER", "alice.hydra")
        .env("TERM", "xterm-256color")
        .env("HTTPS_PROXY", "http://bob:envvar-SECRETm@10.99.88.77:3128")
        .env("NO_PROXY", "127.0.0.1")
        .current_dir(folder)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(out.status.success(), "{said}");
    assert!(!said.contains("SECRET"), "{said}");
    String::from_utf8(out.stdout).unwrap()
}

#[cfg(unix)]
#[test]
fn nothing_that_was_planted_is_in_the_report() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start();
    let config = plant(folder.path(), &server);
    let text = report(folder.path(), &config, &[]);
    for secret in SECRETS.iter().chain(&NAMES) {
        assert!(!text.contains(secret), "{secret} is in\n{text}");
    }
    assert!(!text.contains("SECRET"), "{text}");
    // and what helps is
    for fact in [
        concat!("version  ", env!("CARGO_PKG_VERSION")),
        "TERM=xterm-256color",
        "HTTPS_PROXY",
        "mouse = false",
        "[logs] tail = 77",
        "# contexts: 1",
        "# logs.patterns: 1",
        "v1.36.0",
        "<context ",
        "list and watch in <namespace ",
        "a watch went back kind=pods",
        "failure=403",
        "code=503",
        "hyper::connect: (left out)",
        "a list fails: 500",
        "panicked at src/x.rs:1:2",
    ] {
        assert!(text.contains(fact), "{fact} is not in\n{text}");
    }
    // another context, with a plugin that says too much, through a proxy
    let text = report(folder.path(), &config, &["-", "--context", "other-rigel"]);
    for secret in SECRETS.iter().chain(&NAMES) {
        assert!(!text.contains(secret), "{secret} is in\n{text}");
    }
    // names only where they are asked for, and secrets not even then
    let text = report(folder.path(), &config, &["out.md", "--names"]);
    assert_eq!(text, "");
    let text = std::fs::read_to_string(folder.path().join("out.md")).unwrap();
    assert!(
        text.contains("ctx-aurora") && text.contains("ns-dorado") && text.contains("user-cecilia"),
        "{text}"
    );
    assert!(!text.contains("SECRET"), "{text}");
    let without = Command::new(env!("CARGO_BIN_EXE_jobdeck"))
        .args(["doctor", "--names"])
        .output()
        .unwrap();
    assert_eq!(without.status.code(), Some(2));
}
