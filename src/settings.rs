//! The settings file: one TOML in the XDG config folder. Flags and environment win over it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use etcetera::BaseStrategy;
use schemars_derive::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use crate::cluster::kubeconfig::Way;
use crate::history::Limits;
use crate::logs::health::Thresholds;
use crate::logs::metrics::{Pattern, pattern};
use crate::model::arranged::{self, Arranged};
use crate::model::extra::Columns;
use crate::model::inbox::Rules;
use columns::ColumnSettings;
use gpu_use::GpuUseSettings;
pub use screen::{Compact, Motion};
use time_machine::TimeMachineSettings;
use views::Views;

pub mod columns;
pub mod env;
mod gpu_use;
pub mod schema;
mod screen;
mod show;
mod time_machine;
pub mod views;

pub use show::show;

/// The settings file of jobdeck. Every key has a default.
// unknown keys are errors, so that a typo is not silence
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// Theme: jobdeck-dark, jobdeck-light, high-contrast, … or a file in themes/ beside the settings.
    pub theme: String,
    /// Keymap: default, vim, emacs, or a file in keymaps/ beside the settings.
    pub keymap: String,
    /// Never write to a cluster.
    pub read_only: bool,
    /// Namespaces to watch when listing all of them is forbidden, beside the context's own.
    pub namespaces: Vec<String>,
    /// Mouse: click, wheel. Off leaves selecting text to the terminal.
    pub mouse: bool,
    /// Borders and bars from ASCII only: `auto` asks the locale.
    pub ascii: Ascii,
    /// What moves by itself.
    pub motion: Motion,
    /// One line at the top and fewer frames: for small terminals and slow lines.
    pub compact: Compact,
    /// Keys worth knowing, one at a time, until they were used.
    pub tips: bool,
    /// Layout of panes to begin with: a name, or `last` for that a context was left in.
    pub layout: String,
    /// How the first list of a kind is read.
    pub transport: Transport,
    /// The log screen, and which logs are read.
    pub logs: LogSettings,
    /// What is worth a line in the inbox.
    pub inbox: Rules,
    /// The local record of jobs seen.
    pub history: Limits,
    /// What is asked and kept when something is changed.
    pub actions: ActionSettings,
    /// What GPUs do, asked of exporters.
    pub gpu_use: GpuUseSettings,
    /// Which columns lists show.
    pub columns: ColumnSettings,
    /// Lists as they are looked at, by name.
    pub views: Views,
    /// How much of the recent past is kept, to look back at.
    pub time_machine: TimeMachineSettings,
    /// Kubeconfig contexts of MultiKueue's worker clusters, by what Kueue calls them.
    pub multikueue: BTreeMap<String, String>,
    /// Contexts that are looked at together, by the name of the group: `--context @NAME` opens them.
    pub clusters: BTreeMap<String, Vec<String>>,
    /// Layouts of panes by name, beside those that come with jobdeck.
    #[schemars(with = "BTreeMap<String, arranged::Written>")]
    pub layouts: BTreeMap<String, Arranged>,
    /// What holds for one context, by its name.
    pub contexts: BTreeMap<String, ContextSettings>,
}

/// What is asked and kept when something is changed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
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
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct ContextSettings {
    /// Never write there, or do so although `read-only` is set for all.
    pub read_only: Option<bool>,
    /// Theme while this context is on screen, so that it is told apart at a glance.
    pub theme: Option<String>,
    /// Namespace to begin in, in place of the kubeconfig's.
    pub namespace: Option<String>,
    /// Namespaces to watch when listing all of them is forbidden there, in place of those for all contexts.
    pub namespaces: Option<Vec<String>>,
    /// How the first list of a kind is read there.
    pub transport: Option<Transport>,
    /// Ask exporters there from the start, or not.
    pub gpu_use: Option<bool>,
    /// Which columns lists show there, in place of those for all contexts.
    pub columns: ColumnSettings,
}

impl Settings {
    /// Whether nothing may be written in a context. `told`: the command line or the environment says so.
    pub fn is_read_only(&self, context: &str, told: bool) -> bool {
        let own = self.contexts.get(context).and_then(|c| c.read_only);
        told || own.unwrap_or(self.read_only)
    }

    /// The theme that a context is shown in.
    pub fn theme_of(&self, context: &str) -> &str {
        let own = self.contexts.get(context).and_then(|c| c.theme.as_deref());
        own.unwrap_or(&self.theme)
    }

    /// Whether exporters of a context are asked from the start.
    pub fn asks_gpus_of(&self, context: &str) -> bool {
        let own = self.contexts.get(context).and_then(|c| c.gpu_use);
        own.unwrap_or(self.gpu_use.enabled)
    }

    /// Which columns lists show in a context.
    pub fn columns_of(&self, context: &str) -> Columns {
        let own = self.contexts.get(context).map(|c| &c.columns);
        own.unwrap_or(&ColumnSettings::default()).or(&self.columns)
    }

    /// What the settings say of reaching contexts, by name.
    pub fn ways(&self) -> BTreeMap<String, Way> {
        let way = |own: &ContextSettings| Way {
            namespace: own.namespace.clone().filter(|n| !n.is_empty()),
            namespaces: own.namespaces.clone(),
            stream: own.transport.map(|t| t != Transport::Pages),
        };
        let all = self.contexts.iter();
        all.map(|(name, own)| (name.clone(), way(own))).collect()
    }

    /// The table and key of a value that cannot be, and why.
    fn check(&self) -> Result<(), (&'static str, (&'static str, String))> {
        self.logs.health.check().map_err(|e| ("logs.health", e))?;
        self.time_machine.check().map_err(|e| ("time-machine", e))?;
        self.gpu_use.check().map_err(|e| ("gpu-use", e))
    }

    /// How the trash is kept.
    pub fn keep(&self) -> crate::keep::Rules {
        crate::keep::Rules {
            most: self.actions.trash,
            mask: self.actions.mask_secrets,
        }
    }
}

/// When borders and bars are drawn from ASCII only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Ascii {
    /// Asks the locale.
    Auto,
    /// ASCII only.
    Always,
    /// Lines and blocks, whatever the locale says.
    Never,
}

/// How the first list of a kind is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Transport {
    /// Streamed where the server can, else in pages.
    Auto,
    /// One streamed list.
    Stream,
    /// Pages: compressed, so better over a slow link.
    Pages,
}

/// Which logs are read for the inbox though no screen shows them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Follow {
    /// None.
    Off,
    /// The last lines of a pod of each job that fails, once.
    Failed,
    /// These, and one pod of running jobs, followed.
    Running,
}

/// The log screen, and which logs are read.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
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
    #[schemars(with = "Vec<pattern::Written>")]
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
            motion: Motion::Full,
            compact: Compact::Auto,
            tips: true,
            layout: String::new(),
            transport: Transport::Auto,
            logs: LogSettings::default(),
            inbox: Rules::default(),
            history: Limits::default(),
            time_machine: TimeMachineSettings::default(),
            actions: ActionSettings::default(),
            gpu_use: GpuUseSettings::default(),
            columns: ColumnSettings::default(),
            views: Views::new(),
            multikueue: BTreeMap::new(),
            clusters: BTreeMap::new(),
            layouts: BTreeMap::new(),
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

/// Reads the settings file, and the environment over it. A missing file is the defaults; a bad one is the defaults and an
/// error to show.
pub fn load(path: Option<&Path>) -> (Settings, Option<SettingsError>) {
    let (text, settings, problem) = of_file(path);
    let (settings, other) = env::over(&text, settings, &env::of_process());
    (settings, problem.or(other))
}

/// The text that is used, what it says, and why it is not that of the file.
fn of_file(path: Option<&Path>) -> (String, Settings, Option<SettingsError>) {
    let usual = |problem| (String::new(), Settings::default(), problem);
    let Some(path) = path else {
        return usual(None);
    };
    let bad = |line, why| {
        usual(Some(SettingsError {
            file: path.display().to_string(),
            line,
            why: format!("{why}; using the defaults"),
        }))
    };
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return usual(None),
        Err(e) => return bad(None, e.to_string()),
    };
    match parse(&text) {
        Ok(settings) => (text, settings, None),
        Err((line, why)) => bad(line, why),
    }
}

fn parse(text: &str) -> Result<Settings, (Option<usize>, String)> {
    let settings: Settings = toml::from_str(text).map_err(|e| {
        let line = e
            .span()
            .map(|s| text[..s.start.min(text.len())].matches('\n').count() + 1);
        (line, e.message().replace('\n', " "))
    })?;
    settings.check().map_err(|(table, (key, why))| {
        let said = |line: &str| {
            line.split('=')
                .next()
                .is_some_and(|name| name.trim() == key)
        };
        let line = text.lines().position(said).map(|n| n + 1);
        (line, format!("{table}.{key}: {why}"))
    })?;
    Ok(settings)
}

#[cfg(test)]
mod tests;
