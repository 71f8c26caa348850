//! The settings file: one TOML in the XDG config folder. Flags and environment win over it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use etcetera::BaseStrategy;
use serde::{Deserialize, Deserializer};

use crate::history::Limits;
use crate::logs::health::Thresholds;
use crate::logs::metrics::Pattern;
use crate::model::inbox::Rules;
use gpu_use::GpuUseSettings;

mod gpu_use;

/// What can be set. Every field has a default; unknown keys are errors, so that a typo is not silence.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    pub theme: String,
    pub keymap: String,
    pub read_only: bool,
    /// Namespaces to watch when listing all of them is forbidden, beside the context's own.
    pub namespaces: Vec<String>,
    pub mouse: bool,
    /// Borders and bars from ASCII only: `auto` asks the locale.
    pub ascii: Ascii,
    pub transport: Transport,
    pub logs: LogSettings,
    /// What is worth a line in the inbox.
    pub inbox: Rules,
    /// The local record of jobs seen.
    pub history: Limits,
    /// What is asked and kept when something is changed.
    pub actions: ActionSettings,
    pub gpu_use: GpuUseSettings,
    /// Kubeconfig contexts of MultiKueue's worker clusters, by what Kueue calls them.
    pub multikueue: BTreeMap<String, String>,
    /// What holds for one context, by its name.
    pub contexts: BTreeMap<String, ContextSettings>,
}

/// What is asked and kept when something is changed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct ActionSettings {
    /// From more objects than this on, their number is typed to confirm.
    pub type_above: usize,
    /// Manifests of deleted objects that are kept for undo; 0: none.
    pub trash: usize,
    /// Values in them that look like secrets are masked on disk.
    pub mask_secrets: bool,
}

impl Default for ActionSettings {
    fn default() -> Self {
        Self {
            type_above: 5,
            trash: 200,
            mask_secrets: true,
        }
    }
}

/// What holds for one context only.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct ContextSettings {
    /// Never write there, or do so although `read-only` is set for all.
    pub read_only: Option<bool>,
}

impl Settings {
    /// Whether nothing may be written in a context. `told`: the command line or the environment says so.
    pub fn is_read_only(&self, context: &str, told: bool) -> bool {
        let own = self.contexts.get(context).and_then(|c| c.read_only);
        told || own.unwrap_or(self.read_only)
    }

    /// How the trash is kept.
    pub fn keep(&self) -> crate::keep::Rules {
        crate::keep::Rules {
            most: self.actions.trash,
            mask: self.actions.mask_secrets,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ascii {
    Auto,
    Always,
    Never,
}

/// How the first list of a kind is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Transport {
    /// Streamed where the server can, else in pages.
    Auto,
    Stream,
    /// Pages: compressed, so better over a slow link.
    Pages,
}

/// Which logs are read for the inbox though no screen shows them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Follow {
    Off,
    /// The last lines of a pod of each job that fails, once.
    Failed,
    /// These, and one pod of running jobs, followed.
    Running,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct LogSettings {
    /// Memory for the lines of one log screen, in MiB.
    pub memory_mib: usize,
    /// Lines to begin with.
    pub tail: u32,
    /// Containers followed at once.
    pub streams: usize,
    /// Logs that are read though no screen shows them.
    pub watch: Follow,
    /// How many of them at once.
    pub watch_streams: usize,
    /// The user's own ways to read metrics from a line, tried in this order.
    #[serde(deserialize_with = "shared")]
    pub patterns: Arc<[Pattern]>,
    /// When something about a run is worth a word.
    pub health: Thresholds,
}

fn shared<'de, D: Deserializer<'de>>(patterns: D) -> Result<Arc<[Pattern]>, D::Error> {
    Vec::deserialize(patterns).map(Into::into)
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            theme: "jobdeck-dark".into(),
            keymap: "default".into(),
            read_only: false,
            namespaces: Vec::new(),
            mouse: true,
            ascii: Ascii::Auto,
            transport: Transport::Auto,
            logs: LogSettings::default(),
            inbox: Rules::default(),
            history: Limits::default(),
            actions: ActionSettings::default(),
            gpu_use: GpuUseSettings::default(),
            multikueue: BTreeMap::new(),
            contexts: BTreeMap::new(),
        }
    }
}

impl Default for LogSettings {
    fn default() -> Self {
        Self {
            memory_mib: 64,
            tail: 2000,
            streams: 12,
            watch: Follow::Off,
            watch_streams: 8,
            patterns: Arc::default(),
            health: Thresholds::default(),
        }
    }
}

/// A settings file that cannot be used: which, where, why. The defaults are used instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}{}: {why}", .line.map_or(String::new(), |l| format!(":{l}")))]
pub struct SettingsError {
    pub file: String,
    pub line: Option<usize>,
    pub why: String,
}

/// The folder of settings, themes and keymaps: `$XDG_CONFIG_HOME/jobdeck` (`%APPDATA%\jobdeck` on Windows).
pub fn folder() -> Option<PathBuf> {
    etcetera::choose_base_strategy()
        .ok()
        .map(|b| b.config_dir().join("jobdeck"))
}

/// The settings file, whether it exists or not.
pub fn file() -> Option<PathBuf> {
    folder().map(|f| f.join("config.toml"))
}

/// The user's own templates, by name (`templates/NAME.yaml` beside the settings file), and what cannot be read of them.
pub fn templates() -> (Vec<(String, String)>, Vec<String>) {
    let folder = folder().map(|folder| folder.join("templates"));
    folder.map_or_else(Default::default, |folder| templates_of(&folder))
}

fn templates_of(folder: &Path) -> (Vec<(String, String)>, Vec<String>) {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Default::default(),
        Err(e) => return (Vec::new(), vec![format!("{}: {e}", folder.display())]),
    };
    let (mut all, mut problems) = (Vec::new(), Vec::new());
    for path in entries.flatten().map(|entry| entry.path()) {
        let ending = path.extension().and_then(|e| e.to_str());
        let stem = path.file_stem().and_then(|s| s.to_str());
        let (Some("yaml" | "yml" | "json"), Some(stem)) = (ending, stem) else {
            continue;
        };
        match std::fs::read_to_string(&path) {
            Ok(text) => all.push((stem.to_owned(), text)),
            Err(e) => problems.push(format!("{}: {e}", path.display())),
        }
    }
    all.sort();
    (all, problems)
}

/// The folder of the debug log, the audit and the trash.
pub fn state_folder() -> Option<PathBuf> {
    let base = etcetera::choose_base_strategy().ok()?;
    Some(
        base.state_dir()
            .unwrap_or_else(|| base.data_dir())
            .join("jobdeck"),
    )
}

/// The folder of the records of jobs.
pub fn history_folder() -> Option<PathBuf> {
    state_folder().map(|folder| folder.join("history"))
}

/// Reads the settings file. A missing one is the defaults; a bad one is the defaults and an error to show.
pub fn load(path: Option<&Path>) -> (Settings, Option<SettingsError>) {
    let Some(path) = path else {
        return (Settings::default(), None);
    };
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return (Settings::default(), None),
        Err(e) => {
            let why = format!("{e}; using the defaults");
            return (
                Settings::default(),
                Some(SettingsError {
                    file: path.display().to_string(),
                    line: None,
                    why,
                }),
            );
        }
    };
    match parse(&text) {
        Ok(settings) => (settings, None),
        Err((line, why)) => {
            let why = format!("{why}; using the defaults");
            (
                Settings::default(),
                Some(SettingsError {
                    file: path.display().to_string(),
                    line,
                    why,
                }),
            )
        }
    }
}

fn parse(text: &str) -> Result<Settings, (Option<usize>, String)> {
    let settings: Settings = toml::from_str(text).map_err(|e| {
        let line = e
            .span()
            .map(|s| text[..s.start.min(text.len())].matches('\n').count() + 1);
        (line, e.message().replace('\n', " "))
    })?;
    let at = |table: &str, (key, why): (&str, String)| {
        let said = |line: &str| {
            line.split('=')
                .next()
                .is_some_and(|name| name.trim() == key)
        };
        let line = text.lines().position(said).map(|n| n + 1);
        (line, format!("{table}.{key}: {why}"))
    };
    let health = settings.logs.health.check();
    health.map_err(|e| at("logs.health", e))?;
    settings.gpu_use.check().map_err(|e| at("gpu-use", e))?;
    Ok(settings)
}

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
    let contexts: String = (s.contexts.iter())
        .map(|(name, context)| {
            let read_only = context.read_only;
            let read_only = read_only.map_or(String::new(), |on| format!("read-only = {on}\n"));
            format!("[contexts.{name:?}]\n{read_only}")
        })
        .collect();
    format!(
        "# Theme: jobdeck-dark, jobdeck-light, high-contrast, … or a file in themes/ beside this one.\ntheme = {:?}\n\
         # Keymap: default, vim, emacs, or a file in keymaps/ beside this one.\nkeymap = {:?}\n\
         # Never write to a cluster.\nread-only = {}\n\
         # Namespaces to watch when listing all of them is forbidden, beside the context's own.\nnamespaces = [{list}]\n\
         # Mouse: click, wheel. Off leaves selecting text to the terminal.\nmouse = {}\n\
         # Borders and bars from ASCII only: auto (asks the locale), always, never.\nascii = {:?}\n\
         # First lists: auto, stream (one streamed list), pages (compressed; for slow links).\ntransport = {:?}\n\n\
         [logs]\n# Memory for the lines of one log screen, in MiB.\nmemory-mib = {}\n\
         # Lines to begin with.\ntail = {}\n# Containers followed at once.\nstreams = {}\n\
         # Logs read for the inbox though no screen shows them: off, failed (the last lines of a job that fails, once), running\n\
         # (also the leader of running jobs, those with most GPUs first). Each stream is a connection to the API server and its\n\
         # kubelet, and the bytes the program writes; lines are not kept.\nwatch = {:?}\nwatch-streams = {}\n\n{}{}\n{}\n{}\n{}\n\
         # MultiKueue: the kubeconfig context of each worker cluster, to follow pods and logs there. east = \"CONTEXT\"\n\
         [multikueue]\n{workers}\n\
         [actions]\n# From more objects than this on, their number is typed to confirm.\ntype-above = {}\n\
         # Manifests of deleted objects that are kept for undo; 0: none, and nothing can be undone.\ntrash = {}\n\
         # Values in them that look like secrets are masked on disk.\nmask-secrets = {}\n\n\
         # Per context: [contexts.\"prod\"] read-only = true\n{contexts}",
        s.theme,
        s.keymap,
        s.read_only,
        s.mouse,
        word(format!("{:?}", s.ascii)),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_can_be_read_back() {
        let settings = Settings {
            namespaces: vec!["ml-team-a".into(), "b\"c".into()],
            ascii: Ascii::Always,
            transport: Transport::Pages,
            mouse: false,
            multikueue: [("west.eu".into(), "west-admin".into())].into(),
            actions: ActionSettings {
                type_above: 0,
                trash: 7,
                mask_secrets: false,
            },
            contexts: [
                (
                    "prod".into(),
                    ContextSettings {
                        read_only: Some(true),
                    },
                ),
                ("a b".into(), ContextSettings::default()),
            ]
            .into(),
            gpu_use: GpuUseSettings {
                enabled: true,
                hot: 91.5,
                namespaces: vec!["gpu-operator".into()],
                selectors: vec!["app=\"x\"".into()],
                ..GpuUseSettings::default()
            },
            logs: LogSettings {
                patterns: [
                    Pattern::new(r#"it='(?<step>\d+)' "L"=(?<loss>\S+)"#).unwrap(),
                    Pattern::new("(?<throughput>[0-9]+) tok")
                        .unwrap()
                        .with_unit(Some("tokens/s".into()))
                        .with_kind(Some("validation"))
                        .unwrap(),
                ]
                .into(),
                health: Thresholds {
                    slow: 0.5,
                    frozen_s: 90.0,
                    ..Thresholds::default()
                },
                ..LogSettings::default()
            },
            ..Settings::default()
        };
        assert_eq!(parse(&show(&settings)), Ok(settings));
    }

    #[test]
    fn read_only_is_said_for_all_or_for_one_context_and_the_flag_wins() {
        let all = "read-only = true\n[contexts.\"dev\"]\nread-only = false\n";
        let one = "[contexts.\"prod\"]\nread-only = true\n";
        for (text, context, told, expected) in [
            (one, "prod", false, true),
            (one, "dev", false, false),
            (one, "dev", true, true),
            (all, "dev", false, false),
            (all, "dev", true, true),
            (all, "prod", false, true),
            ("", "prod", false, false),
        ] {
            let settings = parse(text).unwrap();
            assert_eq!(
                settings.is_read_only(context, told),
                expected,
                "{text} {context} {told}"
            );
        }
    }

    #[test]
    fn errors_name_the_line_and_the_key() {
        let (line, why) = parse("theme = \"x\"\n\nthemee = 3\n").unwrap_err();
        assert_eq!(line, Some(3));
        assert!(why.contains("themee"), "{why}");
        let (line, why) = parse("[logs]\ntail = \"many\"\n").unwrap_err();
        assert_eq!(line, Some(2));
        assert!(why.contains("u32"), "{why}");
    }

    #[test]
    fn patterns_and_thresholds_that_cannot_be_are_told_with_their_place() {
        for (text, line, words) in [
            (
                "[logs]\ntail = 3\n[[logs.patterns]]\nregex = 'loss (?<loss>[0-9'\n",
                4,
                "logs.patterns.regex: character 14: unclosed character class",
            ),
            ("[[logs.patterns]]\nregex = 'loss'\n", 2, "names no field"),
            (
                "[[logs.patterns]]\nregex = '(?<loss>x)'\nkind = 'odd'\n",
                1,
                "logs.patterns.kind: there is no kind \"odd\"",
            ),
            ("[[logs.patterns]]\nregexp = '(?<loss>x)'\n", 2, "regexp"),
            (
                "[logs.health]\nwarm-up = 3\nslow = 1.5\n",
                3,
                "logs.health.slow: ",
            ),
            (
                "[logs.health]\nfrozen-s = -1\n",
                2,
                "logs.health.frozen-s: ",
            ),
            (
                "[logs.health]\nrecovered = 0.1\n",
                2,
                "logs.health.recovered: ",
            ),
            ("[logs.health]\nplateau = 1\n", 2, "plateau"),
            (
                "[gpu-use]\nenabled = true\ninterval-s = 2\n",
                3,
                "gpu-use.interval-s: 2 is not from 15 to 600",
            ),
            ("[gpu-use]\nhot = 'very'\n", 2, "f32"),
        ] {
            let (at, why) = parse(text).unwrap_err();
            assert_eq!(at, Some(line), "{text}: {why}");
            assert!(why.contains(words), "{text}: {why}");
        }
    }

    #[test]
    fn own_templates_are_the_manifests_of_their_folder() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.yaml", "a.yml", "c.json", "notes.txt"] {
            std::fs::write(folder.path().join(name), "# Mine.\n").unwrap();
        }
        std::fs::write(folder.path().join("d.yaml"), [0xff, 0xfe]).unwrap();
        let (all, problems) = templates_of(folder.path());
        let names: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["a", "b", "c"]);
        assert!(
            problems.len() == 1 && problems[0].contains("d.yaml"),
            "{problems:?}"
        );
        assert_eq!(
            templates_of(&folder.path().join("none")),
            Default::default()
        );
    }

    #[test]
    fn a_missing_file_is_no_error() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(
            load(Some(&dir.path().join("none.toml"))),
            (Settings::default(), None)
        );
        let bad = dir.path().join("config.toml");
        std::fs::write(&bad, "mouse = maybe").unwrap();
        let (settings, error) = load(Some(&bad));
        assert_eq!(settings, Settings::default());
        assert!(error.unwrap().to_string().contains("config.toml:1: "));
    }
}
