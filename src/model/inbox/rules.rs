//! When something about a job's pods is worth a word, as the settings write it. Apart from the judging.

use chrono::TimeDelta;
use schemars_derive::JsonSchema;
use serde::Deserialize;

/// What is worth a line in the inbox.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Rules {
    /// Seconds a pod may wait for a node, or for its containers to be made.
    pub pending_s: u32,
    /// Seconds a pod may fail to pull its image: registries hiccup.
    pub image_s: u32,
    /// Container restarts that are a restart loop.
    pub restarts: u32,
    /// Seconds without another restart, after which a restart loop is over.
    pub settled_s: u32,
    /// Jobs that were over for longer than this when jobdeck first saw them are no news, in seconds.
    pub recent_s: u32,
    /// Note jobs that are done.
    pub done: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            pending_s: 600,
            image_s: 30,
            restarts: 3,
            settled_s: 900,
            recent_s: 3_600,
            done: true,
        }
    }
}

pub(super) fn span(seconds: u32) -> TimeDelta {
    TimeDelta::seconds(seconds.into())
}

impl Rules {
    /// As a commented part of a settings file.
    pub fn show(&self) -> String {
        format!(
            "# What is worth a line in the inbox.\n[inbox]\n\
             # Seconds a pod may wait for a node, or for its containers.\npending-s = {}\n\
             # Seconds a pod may fail to pull its image.\nimage-s = {}\n\
             # Restarts of a container that are a restart loop…\nrestarts = {}\n\
             # …until none came for so many seconds.\nsettled-s = {}\n\
             # Jobs that failed longer ago than this when they are first seen are no news, in seconds.\nrecent-s = {}\n\
             # Note jobs that are done (never counted as unread).\ndone = {}\n",
            self.pending_s, self.image_s, self.restarts, self.settled_s, self.recent_s, self.done
        )
    }
}
