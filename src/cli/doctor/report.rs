//! `jobdeck doctor --report`: everything that helps with a bug, and nothing that names anybody: safe to paste.

use std::fmt::Write as _;
use std::io::{IsTerminal, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use kube::config::AuthInfo;

use super::scrub::Scrub;
use crate::cluster::connect::overrides::Overrides;
use crate::cluster::discover::BATCH_GROUPS;
use crate::cluster::doctor::{Diagnosis, Mark};
use crate::cluster::kinds;
use crate::cluster::kubeconfig::{Loaded, Surroundings, load};
use crate::settings::{self, Settings};

/// Lines of the debug log, and what is read of it for them.
const LINES: usize = 60;
const BYTES: u64 = 256 << 10;

/// Builds it. `names`: those of contexts, users, namespaces and hosts stay.
pub fn report(
    diagnosis: &Diagnosis,
    around: Option<&Surroundings>,
    namespace: Option<&str>,
    names: bool,
) -> String {
    let (settings, problem) = settings::load(settings::file().as_deref());
    let mut scrub = known(around, &settings, names);
    if let Some(namespace) = namespace {
        scrub.know("namespace", namespace);
    }
    for line in &diagnosis.lines {
        if line.topic == "you are" {
            let words = line.text.split([',', ' ']).filter(|word| word.len() > 2);
            words.for_each(|word| scrub.know("user", word));
        }
    }
    let mut out = String::new();
    let mut part = |title: &str, body: &str| {
        let _ = writeln!(out, "## {title}\n\n{}\n", body.trim_end());
    };
    part("jobdeck", &program());
    part("terminal", &terminal());
    let mut said = masked(&settings);
    if let Some(problem) = problem {
        let _ = writeln!(said, "# {}", scrub.text(&problem.to_string()));
    }
    part("settings (those that differ from the defaults)", &said);
    part("cluster", &cluster(diagnosis, &scrub));
    part("last of the debug log", &log(&scrub));
    out
}

/// Names and secrets of this machine and its kubeconfig.
fn known(around: Option<&Surroundings>, settings: &Settings, names: bool) -> Scrub {
    let mut scrub = Scrub::new(names);
    for entry in kinds::all() {
        scrub.allow(entry.plural());
        scrub.allow(entry.group);
        scrub.allow(&format!("{}.{}", entry.plural(), entry.group));
    }
    BATCH_GROUPS
        .iter()
        .for_each(|(group, _)| scrub.allow(group));
    for name in &settings.namespaces {
        scrub.know("namespace", name);
    }
    for (name, context) in &settings.multikueue {
        scrub.know("cluster", name);
        scrub.know("context", context);
    }
    settings
        .contexts
        .keys()
        .for_each(|name| scrub.know("context", name));
    for key in ["USER", "LOGNAME", "HOSTNAME"] {
        if let Ok(name) = std::env::var(key) {
            scrub.know("user", &name);
        }
    }
    for own in settings.contexts.values() {
        let all = own.namespace.iter().chain(own.namespaces.iter().flatten());
        all.for_each(|name| scrub.know("namespace", name));
    }
    if let Some(around) = around {
        of_flags(&around.overrides, &mut scrub);
        if let Ok(loaded) = load(around) {
            of_kubeconfig(&loaded, &mut scrub);
        }
    }
    scrub
}

/// What the command line names.
fn of_flags(flags: &Overrides, scrub: &mut Scrub) {
    let act_as = &flags.act_as;
    for (what, name) in [
        ("cluster", &flags.cluster),
        ("user", &flags.user),
        ("user", &act_as.user),
        ("user", &act_as.uid),
    ] {
        name.iter().for_each(|name| scrub.know(what, name));
    }
    let extra = act_as.extra.iter().map(|(_, value)| value);
    for name in act_as.groups.iter().chain(extra) {
        scrub.know("user", name);
    }
    for url in [&flags.server, &flags.tls_server_name]
        .into_iter()
        .flatten()
    {
        know_host(url, scrub);
    }
    if let Some(token) = &flags.token {
        scrub.keep_secret(&token.0);
    }
}

fn know_host(url: &str, scrub: &mut Scrub) {
    let host = url.rsplit("://").next().unwrap_or(url);
    let host = host.rsplit('@').next().unwrap_or(host);
    scrub.know("host", host.split(['/', ':']).next().unwrap_or(host));
}

fn of_kubeconfig(loaded: &Loaded, scrub: &mut Scrub) {
    for context in loaded.contexts() {
        scrub.know("context", &context.name);
        scrub.know("cluster", &context.cluster);
        context
            .user
            .iter()
            .for_each(|name| scrub.know("user", name));
        context
            .namespace
            .iter()
            .for_each(|name| scrub.know("namespace", name));
    }
    for named in &loaded.config.clusters {
        scrub.know("cluster", &named.name);
        if let Some(cluster) = &named.cluster {
            let urls = [
                &cluster.server,
                &cluster.proxy_url,
                &cluster.tls_server_name,
            ];
            for url in urls.into_iter().flatten() {
                know_host(url, scrub);
            }
            cluster
                .certificate_authority_data
                .iter()
                .for_each(|data| scrub.keep_secret(data));
        }
    }
    for named in &loaded.config.auth_infos {
        scrub.know("user", &named.name);
        named.auth_info.iter().for_each(|info| secrets(info, scrub));
    }
}

/// Every text in somebody's credentials but what the program is called that fetches them.
fn secrets(info: &AuthInfo, scrub: &mut Scrub) {
    fn walk(value: &serde_json::Value, scrub: &mut Scrub) {
        match value {
            serde_json::Value::String(text) => scrub.keep_secret(text),
            serde_json::Value::Array(items) => items.iter().for_each(|item| walk(item, scrub)),
            serde_json::Value::Object(map) => {
                let told = [
                    "command",
                    "apiVersion",
                    "interactiveMode",
                    "name",
                    "installHint",
                ];
                let secret = map.iter().filter(|(key, _)| !told.contains(&key.as_str()));
                secret.for_each(|(_, value)| walk(value, scrub));
            }
            _ => {}
        }
    }
    if let Ok(value) = serde_json::to_value(info) {
        walk(&value, scrub);
    }
}

fn program() -> String {
    let build = match (cfg!(debug_assertions), cfg!(feature = "demo")) {
        (true, _) => "debug",
        (false, true) => "release",
        (false, false) => "release without the demo cluster",
    };
    let version = env!("CARGO_PKG_VERSION");
    let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
    let set = |key: &str| std::env::var_os(key).is_some_and(|value| !value.is_empty());
    let keys = [
        "KUBECONFIG",
        "JOBDECK_CONTEXT",
        "JOBDECK_READ_ONLY",
        "JOBDECK_THEME",
        "JOBDECK_KEYMAP",
        "JOBDECK_LOG",
        "HTTPS_PROXY",
        "https_proxy",
        "HTTP_PROXY",
        "http_proxy",
        "NO_PROXY",
        "no_proxy",
        "XDG_CONFIG_HOME",
        "XDG_STATE_HOME",
    ];
    let keys: Vec<&str> = keys.into_iter().filter(|key| set(key)).collect();
    let keys = match keys.is_empty() {
        true => "none".to_owned(),
        false => keys.join(", "),
    };
    format!("version  {version} ({build})\nsystem   {os} {arch}\nset      {keys}\n")
}

/// What decides how it is drawn. The values of these variables are words of programs, not of people.
fn terminal() -> String {
    let mut out = String::new();
    let word = |value: &str| {
        let kept = value
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || "-_.+@".contains(*c));
        kept.take(40).collect::<String>()
    };
    for key in [
        "TERM",
        "COLORTERM",
        "TERM_PROGRAM",
        "TERM_PROGRAM_VERSION",
        "LANG",
        "LC_ALL",
        "LC_CTYPE",
        "NO_COLOR",
    ] {
        if let Ok(value) = std::env::var(key) {
            let _ = writeln!(out, "{key}={}", word(&value));
        }
    }
    let set = |key: &str| std::env::var_os(key).is_some();
    let around = [
        ("tmux", "TMUX"),
        ("screen", "STY"),
        ("ssh", "SSH_CONNECTION"),
        ("zellij", "ZELLIJ"),
    ];
    let around: Vec<&str> = around
        .into_iter()
        .filter(|(_, key)| set(key))
        .map(|(name, _)| name)
        .collect();
    if !around.is_empty() {
        let _ = writeln!(out, "within {}", around.join(", "));
    }
    match crossterm::terminal::size() {
        Ok((columns, rows)) if std::io::stderr().is_terminal() => {
            let _ = writeln!(out, "{columns}x{rows}");
        }
        _ => out.push_str("no terminal\n"),
    }
    out
}

/// The settings that are not the defaults; texts that are somebody's only by their number.
fn masked(settings: &Settings) -> String {
    let mut shown = settings.clone();
    let mut own = Vec::new();
    let mut hide = |what: &str, n: usize| {
        if n > 0 {
            own.push(format!("# {what}: {n}\n"));
        }
    };
    hide("namespaces", std::mem::take(&mut shown.namespaces).len());
    hide("multikueue", std::mem::take(&mut shown.multikueue).len());
    hide("contexts", std::mem::take(&mut shown.contexts).len());
    hide("logs.patterns", shown.logs.patterns.len());
    hide(
        "gpu-use.namespaces",
        std::mem::take(&mut shown.gpu_use.namespaces).len(),
    );
    hide(
        "gpu-use.selectors",
        std::mem::take(&mut shown.gpu_use.selectors).len(),
    );
    shown.logs.patterns = std::sync::Arc::default();
    let shipped = |name: &str, all: Vec<String>| all.iter().any(|one| one == name);
    if !shipped(&shown.theme, crate::ui::theme::Themes::default().names()) {
        shown.theme = "(one of the user's)".into();
    }
    if !shipped(&shown.keymap, crate::ui::keymap::Keymaps::default().names()) {
        shown.keymap = "(one of the user's)".into();
    }
    let usual = settings::show(&Settings::default());
    let usual: Vec<&str> = usual.lines().collect();
    let mut table = "";
    let mut out = String::new();
    let text = settings::show(&shown);
    for line in text.lines() {
        if line.starts_with('[') {
            table = line;
        } else if !line.starts_with('#') && !line.is_empty() && !usual.contains(&line) {
            let _ = writeln!(out, "{table} {line}");
        }
    }
    own.iter().for_each(|line| out.push_str(line));
    match out.is_empty() {
        true => "none\n".into(),
        false => out,
    }
}

/// What the doctor found, line by line.
fn cluster(diagnosis: &Diagnosis, scrub: &Scrub) -> String {
    let lines = &diagnosis.lines;
    let width = lines.iter().map(|l| l.topic.len()).max().unwrap_or(0);
    let mut out = String::new();
    for line in lines {
        let mark = match line.mark {
            Mark::Ok => "ok",
            Mark::Note => "--",
            Mark::No => "NO",
        };
        let _ = writeln!(
            out,
            "{mark} {:width$}  {}",
            line.topic,
            scrub.text(&line.text)
        );
        if let Some(hint) = &line.hint {
            let _ = writeln!(out, "   {:width$}  -> {}", "", scrub.text(hint));
        }
    }
    out
}

fn log(scrub: &Scrub) -> String {
    let none = "none: JOBDECK_LOG=info jobdeck … keeps one\n";
    let Some(file) = settings::state_folder().map(|folder| folder.join("jobdeck.log")) else {
        return none.into();
    };
    let Ok(text) = tail(&file) else {
        return none.into();
    };
    let lines: Vec<&str> = text.lines().collect();
    let last = &lines[lines.len().saturating_sub(LINES)..];
    let out: Vec<String> = last.iter().filter_map(|line| scrub.log(line)).collect();
    match out.is_empty() {
        true => none.into(),
        false => out.join("\n"),
    }
}

/// The end of a file, from a line's beginning on.
fn tail(file: &Path) -> std::io::Result<String> {
    let mut file = std::fs::File::open(file)?;
    let size = file.metadata()?.len();
    file.seek(SeekFrom::Start(size.saturating_sub(BYTES)))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Ok(match size > BYTES {
        true => text
            .split_once('\n')
            .map_or_else(String::new, |(_, rest)| rest.to_owned()),
        false => text,
    })
}
