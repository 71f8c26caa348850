//! A recording begun from the cockpit: with a connection of its own, so that it holds everything from its start.

use std::path::PathBuf;

use chrono::Local;
use tokio_util::sync::CancellationToken;

use super::Runner;
use crate::app::message::Message;
use crate::model::human;
use crate::panes::Level;
use crate::recording::record::record;

impl Runner {
    /// Begins one of what is connected, in this namespace (none: all), in the working folder.
    pub(super) fn record(&mut self, namespace: Option<String>) {
        let Some(cluster) = &self.cluster else { return };
        let target = cluster.target().clone();
        let safe = |c: char| {
            if c.is_alphanumeric() || "-_.".contains(c) {
                c
            } else {
                '-'
            }
        };
        let context: String = target.context.chars().map(safe).collect();
        let time = Local::now().format("%Y%m%d-%H%M%S");
        let path = PathBuf::from(format!("jobdeck-{context}-{time}.recording"));
        let stop = CancellationToken::new();
        self.recording = Some(stop.clone().drop_guard());
        let (options, messages) = (self.options.clone(), self.messages.clone());
        tokio::spawn(async move {
            let place = path.display().to_string();
            let namespace = namespace.as_deref();
            let done = record(target, options, namespace, &path, stop, |_, _| {}).await;
            let (level, text) = match done {
                Ok(kept) => (
                    Level::Info,
                    format!(
                        "recorded {} objects and changes, {}: jobdeck replay {place}",
                        human::count(kept.objects),
                        human::bytes(kept.bytes)
                    ),
                ),
                Err(why) => (
                    Level::Error,
                    format!("recording: {why}").replace('\n', "; "),
                ),
            };
            // nobody left to tell: the program is ending
            let _ = messages.send(Message::Recorded(level, text)).await;
        });
    }

    /// Ends the one there is; it tells what it came to.
    pub(super) fn end_record(&mut self) {
        self.recording = None;
    }
}
