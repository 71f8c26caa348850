//! `[time-machine]`: how much of the recent past is kept.

use schemars_derive::JsonSchema;
use serde::Deserialize;

/// The recent past, kept in memory to look back at.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct TimeMachineSettings {
    /// Memory for it, in MiB; 0: nothing is kept.
    #[schemars(range(max = 4096))]
    pub memory_mib: usize,
    /// Minutes kept, as far as the memory goes; 0: nothing is kept.
    #[schemars(range(max = 1440))]
    pub minutes: u32,
}

impl Default for TimeMachineSettings {
    fn default() -> Self {
        Self {
            memory_mib: 12,
            minutes: 60,
        }
    }
}

impl TimeMachineSettings {
    /// The key that cannot be so, and why.
    ///
    /// # Errors
    /// More than a terminal program should take.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        if self.memory_mib > 4096 {
            let why = format!("{} is not from 0 to 4096", self.memory_mib);
            return Err(("memory-mib", why));
        }
        match self.minutes {
            0..=1440 => Ok(()),
            other => Err(("minutes", format!("{other} is not from 0 to 1440"))),
        }
    }

    /// As a commented table of the settings file.
    pub fn show(&self) -> String {
        format!(
            "[time-machine]\n# Memory for what was before, to look back at, in MiB; 0: nothing is kept.\nmemory-mib = {}\n\
             # Minutes kept, as far as the memory goes; 0: nothing is kept.\nminutes = {}\n",
            self.memory_mib, self.minutes
        )
    }
}
