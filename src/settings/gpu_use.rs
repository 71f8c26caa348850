//! `[gpu-use]`: whether exporters are asked what GPUs do, and how.

use std::time::Duration;

use chrono::TimeDelta;
use schemars_derive::JsonSchema;
use serde::Deserialize;

use crate::cluster::gpu_use::Settings as Asking;
use crate::model::gpu_use::verdict::Terms;

/// What GPUs do, asked of exporters through the API server.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct GpuUseSettings {
    /// Ask from the start; else only when a key says so.
    pub enabled: bool,
    /// Seconds between two questions to one node.
    #[schemars(range(min = 15, max = 600))]
    pub interval_s: u64,
    /// Nodes asked about, of those on screen.
    #[schemars(range(min = 1, max = 400))]
    pub nodes: usize,
    /// Questions under way at a time.
    #[schemars(range(min = 1, max = 32))]
    pub at_once: usize,
    /// Minutes without activity that make a GPU idle.
    #[schemars(range(min = 5, max = 1440))]
    pub window_min: u32,
    /// Degrees Celsius from which on a GPU is hot.
    #[schemars(range(min = 40, max = 150))]
    pub hot: f32,
    /// Namespaces of exporters; empty: wherever they are.
    pub namespaces: Vec<String>,
    /// Label selectors of exporters, beside the known ones.
    pub selectors: Vec<String>,
}

impl Default for GpuUseSettings {
    fn default() -> Self {
        let asking = Asking::default();
        let terms = Terms::default();
        Self {
            enabled: false,
            interval_s: asking.interval.as_secs(),
            nodes: asking.nodes,
            at_once: asking.at_once,
            window_min: u32::try_from(terms.window.num_minutes()).unwrap_or(30),
            hot: terms.hot,
            namespaces: Vec::new(),
            selectors: Vec::new(),
        }
    }
}

impl GpuUseSettings {
    /// How exporters are asked.
    pub fn asking(&self) -> Asking {
        Asking {
            interval: Duration::from_secs(self.interval_s),
            nodes: self.nodes,
            at_once: self.at_once,
            namespaces: self.namespaces.clone(),
            selectors: self.selectors.clone(),
            ..Asking::default()
        }
    }

    /// What is worth an alarm.
    pub fn terms(&self) -> Terms {
        Terms {
            window: TimeDelta::minutes(self.window_min.into()),
            hot: self.hot,
        }
    }

    /// The key that cannot be so, and why.
    ///
    /// # Errors
    /// A value outside what the API server, or the proof of idleness, can bear.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        let within = |key, value: f64, from: f64, to: f64| match (from..=to).contains(&value) {
            true => Ok(()),
            false => Err((key, format!("{value} is not from {from} to {to}"))),
        };
        within("interval-s", self.interval_s as f64, 15.0, 600.0)?;
        within("nodes", self.nodes as f64, 1.0, 400.0)?;
        within("at-once", self.at_once as f64, 1.0, 32.0)?;
        within("window-min", self.window_min.into(), 5.0, 1440.0)?;
        within("hot", self.hot.into(), 40.0, 150.0)
    }

    /// As TOML with a word to each key.
    pub fn show(&self) -> String {
        format!(
            "# What GPUs do, asked of dcgm-exporter or AMD's exporter through the API server while it is on screen.\n\
             [gpu-use]\n\
             # From the start; else a key turns it on. Needs get on pods/proxy where the exporters run.\nenabled = {}\n\
             # Seconds between two questions to a node (15 to 600), nodes asked of those on screen, questions at a time.\n\
             interval-s = {}\nnodes = {}\nat-once = {}\n\
             # Minutes without activity that make a GPU idle; degrees Celsius from which on it is hot.\n\
             window-min = {}\nhot = {:?}\n\
             # Namespaces of the exporters (empty: looked for), and label selectors beside the known ones.\n\
             namespaces = {:?}\nselectors = {:?}\n",
            self.enabled,
            self.interval_s,
            self.nodes,
            self.at_once,
            self.window_min,
            self.hot,
            self.namespaces,
            self.selectors,
        )
    }
}
