//! Records of jobs are written and read where nothing waits for the disk.

use std::sync::mpsc::{SyncSender, sync_channel};

use tokio::sync::mpsc;

use super::Runner;
use crate::app::message::Message;
use crate::history::{Keep, Record};
use crate::keep::habits::Habits;
use crate::keep::views;
use crate::panes::Level;

/// Records that wait to be written.
const WAITING: usize = 256;

/// A thread that writes what it is sent, until nobody can send any more. That it cannot is said once.
pub fn writer(keep: Keep, messages: mpsc::Sender<Message>) -> SyncSender<Box<Record>> {
    let (sender, records) = sync_channel::<Box<Record>>(WAITING);
    std::thread::spawn(move || {
        let mut said = false;
        for record in records {
            let message = match keep.save(*record) {
                Ok(record) => Message::Kept(Box::new(record)),
                Err(_) if said => continue,
                Err(why) => {
                    said = true;
                    Message::Notice(Level::Warning, why.to_string())
                }
            };
            if messages.blocking_send(message).is_err() {
                return;
            }
        }
    });
    sender
}

impl Runner {
    /// Only tips depend on it, so nobody is told if it cannot be kept.
    pub(super) fn remember(&self, habits: Habits) {
        let keep = self.writing.keep();
        tokio::task::spawn_blocking(move || {
            if let Some(folder) = keep.folder()
                && let Err(why) = habits.save(folder)
            {
                tracing::warn!(%why, "habits are not kept");
            }
        });
    }

    /// Whoever saved a view hears if it cannot be kept.
    pub(super) fn keep_view(&self, name: String, view: Option<serde_json::Value>) {
        let (keep, messages) = (self.writing.keep(), self.messages.clone());
        tokio::task::spawn_blocking(move || {
            let kept = match keep.folder() {
                Some(folder) => views::keep(folder, &name, view)
                    .map_err(|e| format!("{}: {e}", views::file(folder).display())),
                None => Err("there is no home folder".into()),
            };
            if let Err(why) = kept {
                let said = format!("view {name} holds until jobdeck ends and is not kept: {why}");
                let _ = messages.blocking_send(Message::Notice(Level::Error, said));
            }
        });
    }

    pub(super) fn read_history(&self) {
        let messages = self.messages.clone();
        let keep = self.history.clone();
        tokio::task::spawn_blocking(move || {
            let shelf = match keep {
                Some(keep) => keep.load().map_err(|e| e.to_string()),
                None => Err("nothing is kept: `enabled = true` under [history] in the settings keeps jobs, and it needs a home folder".into()),
            };
            let _ = messages.blocking_send(Message::History(Box::new(shelf)));
        });
    }
}
