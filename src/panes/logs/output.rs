//! What leaves a log screen: the lines on screen to the clipboard, the lines shown to a file.

use chrono::{DateTime, Utc};

use super::Logs;
use crate::panes::{Cx, Level, Reply};

impl Logs {
    /// The lines on screen, as plain text.
    pub(super) fn copy(&self) -> Reply {
        let Some(top) = self.top else {
            return Reply::Say(Level::Info, "nothing to copy yet".into());
        };
        let lines: Vec<&str> = self
            .shape
            .seen(&self.buffer, top)
            .iter()
            .filter_map(|(cursor, _, _)| Some(self.buffer.get(*cursor)?.text()))
            .collect();
        Reply::Copy {
            what: crate::panes::words::count(lines.len(), "line", "lines"),
            text: lines.join("\n"),
        }
    }

    pub(super) fn save(&self, cx: &Cx) -> Reply {
        let mut text = String::new();
        for line in self.buffer.shown() {
            if self.is_job()
                && let Some(source) = self.sources.get(line.stream())
            {
                text.push_str(&source.name);
                text.push(' ');
            }
            if let Some(nanos) = line.nanos() {
                let at = DateTime::<Utc>::from_timestamp_nanos(nanos);
                text.push_str(&at.to_rfc3339_opts(chrono::SecondsFormat::Nanos, true));
                text.push(' ');
            }
            text.push_str(line.text());
            text.push('\n');
        }
        let name = self.name.rsplit('/').next().unwrap_or("logs");
        Reply::Save {
            name: format!("{name}-{}.log", cx.now.format("%Y%m%d-%H%M%S")),
            text,
        }
    }
}
