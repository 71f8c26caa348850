//! The settings file: one TOML in the XDG config folder. Flags and environment win over it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;
use serde::Deserialize;

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
    /// Kubeconfig contexts of MultiKueue's worker clusters, by what Kueue calls them.
    pub multikueue: BTreeMap<String, String>,
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

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct LogSettings {
    /// Memory for the lines of one log screen, in MiB.
    pub memory_mib: usize,
    /// Lines to begin with.
    pub tail: u32,
    /// Containers followed at once.
    pub streams: usize,
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
            multikueue: BTreeMap::new(),
        }
    }
}

impl Default for LogSettings {
    fn default() -> Self {
        Self {
            memory_mib: 64,
            tail: 2000,
            streams: 12,
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

/// The folder of the debug log.
pub fn state_folder() -> Option<PathBuf> {
    let base = etcetera::choose_base_strategy().ok()?;
    Some(
        base.state_dir()
            .unwrap_or_else(|| base.data_dir())
            .join("jobdeck"),
    )
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
    toml::from_str(text).map_err(|e| {
        let line = e
            .span()
            .map(|s| text[..s.start.min(text.len())].matches('\n').count() + 1);
        (line, e.message().replace('\n', " "))
    })
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
    format!(
        "# Theme: jobdeck-dark, jobdeck-light, high-contrast, … or a file in themes/ beside this one.\ntheme = {:?}\n\
         # Keymap: default, vim, emacs, or a file in keymaps/ beside this one.\nkeymap = {:?}\n\
         # Never write to a cluster.\nread-only = {}\n\
         # Namespaces to watch when listing all of them is forbidden, beside the context's own.\nnamespaces = [{list}]\n\
         # Mouse: click, wheel. Off leaves selecting text to the terminal.\nmouse = {}\n\
         # Borders and bars from ASCII only: auto (asks the locale), always, never.\nascii = {:?}\n\
         # First lists: auto, stream (one streamed list), pages (compressed; for slow links).\ntransport = {:?}\n\n\
         [logs]\n# Memory for the lines of one log screen, in MiB.\nmemory-mib = {}\n\
         # Lines to begin with.\ntail = {}\n# Containers followed at once.\nstreams = {}\n\n\
         # MultiKueue: the kubeconfig context of each worker cluster, to follow pods and logs there. east = \"CONTEXT\"\n\
         [multikueue]\n{workers}",
        s.theme,
        s.keymap,
        s.read_only,
        s.mouse,
        word(format!("{:?}", s.ascii)),
        word(format!("{:?}", s.transport)),
        s.logs.memory_mib,
        s.logs.tail,
        s.logs.streams,
    )
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
            ..Settings::default()
        };
        assert_eq!(parse(&show(&settings)), Ok(settings));
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
