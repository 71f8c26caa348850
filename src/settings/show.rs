//! The settings in force as a commented TOML file.

use super::{ContextSettings, Settings};
use crate::logs::metrics::Pattern;
use crate::model::arranged::Arranged;

/// The settings as a commented TOML file, as `jobdeck config show` prints them.
pub fn show(s: &Settings) -> String {
    let list = s
        .namespaces
        .iter()
        .map(|n| format!("{n:?}"))
        .collect::<Vec<_>>()
        .join(", ");
    let word = |d: String| d.to_lowercase();
    let workers = s.multikueue.iter();
    let workers: String = workers
        .map(|(name, context)| format!("{name:?} = {context:?}\n"))
        .collect();
    let groups: String = (s.clusters.iter())
        .map(|(name, contexts)| format!("{name:?} = {contexts:?}\n"))
        .collect();
    let layouts: String = (s.layouts.iter())
        .map(|(name, layout)| show_layout(name, layout))
        .collect();
    let contexts: String = (s.contexts.iter())
        .map(|(name, context)| format!("[contexts.{name:?}]\n{}", show_context(context)))
        .collect();
    format!(
        "# Theme: jobdeck-dark, jobdeck-light, high-contrast, … or a file in themes/ beside this one.\ntheme = {:?}\n\
         # Keymap: default, vim, emacs, or a file in keymaps/ beside this one.\nkeymap = {:?}\n\
         # Never write to a cluster.\nread-only = {}\n\
         # Namespaces to watch when listing all of them is forbidden, beside the context's own.\nnamespaces = [{list}]\n\
         # Mouse: click, wheel. Off leaves selecting text to the terminal.\nmouse = {}\n\
         # Borders and bars from ASCII only: auto (asks the locale), always, never.\nascii = {:?}\n\
         # What moves by itself: full, or reduced (nothing spins, changes are shown at most twice a second).\nmotion = {:?}\n\
         # One line at the top and at most five frames a second for changes: auto (below 100 columns or 30 rows), always, never.\ncompact = {:?}\n\
         # A key worth knowing at a time, until it was used.\ntips = {}\n\
         # Layout of panes to begin with: one of [layouts] below, a saved one, operator, training, triage, gpus, one; last: as this\n\
         # context was left.\nlayout = {:?}\n\
         # First lists: auto, stream (one streamed list), pages (compressed; for slow links).\ntransport = {:?}\n\n\
         [logs]\n# Memory for the lines of one log screen, in MiB.\nmemory-mib = {}\n\
         # Lines to begin with.\ntail = {}\n# Containers followed at once.\nstreams = {}\n\
         # Logs read for the inbox though no screen shows them: off, failed (the last lines of a job that fails, once), running\n\
         # (also the leader of running jobs, those with most GPUs first). Each stream is a connection to the API server and its\n\
         # kubelet, and the bytes the program writes; lines are not kept.\nwatch = {:?}\nwatch-streams = {}\n\n{}{}\n{}\n{}\n{}\n\
         # Columns of lists, each in place of the usual ones (\"*\"): names (a wrong one tells which there are), label:KEY,\n\
         # annotation:KEY, jsonpath:PATH, or {{ title = \"IMAGE\", jsonpath = \".spec.image\", width = 24 }}.\n\
         # jobs = [\"*\", \"label:team\"]; also pods, nodes, events, and for one context under [contexts.\"prod\".columns]\n\
         [columns]\n{}\n\
         # Lists as they are looked at, by name: [views.broken] with screen = \"jobs\" (pods, nodes, events), and filter, sort (\"-age\": the\n\
         # other way round), columns, namespace (\"*\": all) as wanted.\n{}\
         {}\n\
         # MultiKueue: the kubeconfig context of each worker cluster, to follow pods and logs there. east = \"CONTEXT\"\n\
         [multikueue]\n{workers}\n\
         # Contexts that are looked at together: prod = [\"CONTEXT\", \"CONTEXT\"] is opened with --context @prod, or from the\n\
         # list of contexts.\n[clusters]\n{groups}\n\
         [actions]\n# From more objects than this on, their number is typed to confirm.\ntype-above = {}\n\
         # Manifests of deleted objects that are kept for undo; 0: none, and nothing can be undone.\ntrash = {}\n\
         # Values in them that look like secrets are masked on disk.\nmask-secrets = {}\n\n\
         # Layouts of panes of your own: each pane shows jobs, queues, gpus, pods, nodes, events, inbox or hardware, or detail, logs\n\
         # or yaml of what is under the cursor of another (follows).\n[layouts]\n{layouts}\
         # Per context, in place of what is said above for all: [contexts.\"prod\"] with read-only = true, theme = \"high-contrast\",\n\
         # namespace (to begin in), namespaces, transport, gpu-use (true: from the start).\n{contexts}",
        s.theme,
        s.keymap,
        s.read_only,
        s.mouse,
        word(format!("{:?}", s.ascii)),
        word(format!("{:?}", s.motion)),
        word(format!("{:?}", s.compact)),
        s.tips,
        s.layout,
        word(format!("{:?}", s.transport)),
        s.logs.memory_mib,
        s.logs.tail,
        s.logs.streams,
        word(format!("{:?}", s.logs.watch)),
        s.logs.watch_streams,
        show_patterns(&s.logs.patterns),
        s.logs.health.show(),
        s.gpu_use.show(),
        s.inbox.show(),
        s.history.show(),
        s.columns.show(),
        super::views::show(&s.views),
        s.time_machine.show(),
        s.actions.type_above,
        s.actions.trash,
        s.actions.mask_secrets,
    )
}

fn show_patterns(patterns: &[Pattern]) -> String {
    let mut text = "# Ways of your own to read metrics from a log line: every named group is a field. unit is that of throughput;\n\
                    # kind (validation, download, data, load, inference, info) says that the line is no point of training.\n\
                    # [[logs.patterns]]\n# regex = 'it (?<step>\\d+) L=(?<loss>\\S+)'\n\n"
        .to_owned();
    let quoted = |text: &str| toml::Value::from(text).to_string();
    for pattern in patterns {
        text += &format!("[[logs.patterns]]\nregex = {}\n", quoted(pattern.as_str()));
        for (key, value) in [("unit", pattern.unit()), ("kind", pattern.kind())] {
            if let Some(value) = value {
                text += &format!("{key} = {}\n", quoted(value));
            }
        }
        text.push('\n');
    }
    text
}

fn show_layout(name: &str, layout: &Arranged) -> String {
    let quoted = |text: &str| toml::Value::from(text).to_string();
    let mut text = format!("[layouts.{name:?}]\npanes = [\n");
    for part in layout.panes() {
        let word = |of: &dyn std::fmt::Debug| quoted(&format!("{of:?}").to_lowercase());
        let keys = [
            ("show", Some(quoted(part.show.name()))),
            (
                "filter",
                Some(quoted(&part.filter)).filter(|_| !part.filter.is_empty()),
            ),
            (
                "sort",
                Some(quoted(&part.sort)).filter(|_| !part.sort.is_empty()),
            ),
            ("at", part.at.map(|at| word(&at))),
            ("of", part.of.map(|n| n.to_string())),
            ("share", part.share.map(|n| n.to_string())),
            ("follows", part.follows.map(|n| n.to_string())),
        ];
        let said = keys.into_iter();
        let said: Vec<String> = said
            .filter_map(|(key, value)| Some(format!("{key} = {}", value?)))
            .collect();
        text += &format!("  {{ {} }},\n", said.join(", "));
    }
    text + "]\n\n"
}

fn show_context(own: &ContextSettings) -> String {
    let quoted = |text: &str| toml::Value::from(text).to_string();
    let keys = [
        ("read-only", own.read_only.map(|on| on.to_string())),
        ("theme", own.theme.as_deref().map(quoted)),
        ("namespace", own.namespace.as_deref().map(quoted)),
        (
            "namespaces",
            own.namespaces.as_ref().map(|all| format!("{all:?}")),
        ),
        (
            "transport",
            own.transport
                .map(|t| quoted(&format!("{t:?}").to_lowercase())),
        ),
        ("gpu-use", own.gpu_use.map(|on| on.to_string())),
    ];
    let said = keys.into_iter();
    said.filter_map(|(key, value)| Some(format!("{key} = {}\n", value?)))
        .collect::<String>()
        + &own
            .columns
            .show()
            .lines()
            .map(|line| format!("columns.{line}\n"))
            .collect::<String>()
}
