//! Tells the app when something in its config folder changes, so that themes and keys follow while it runs.

use std::path::Path;
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;

use super::message::Message;

/// Editors write a file in several steps: wait until it is quiet.
const QUIET: Duration = Duration::from_millis(150);

/// Watches a folder and what is in it until the answer is dropped. `None` if there is no such folder, or
/// the system cannot watch (then the next start reads the files).
pub fn watch(folder: &Path, messages: mpsc::Sender<Message>) -> Option<RecommendedWatcher> {
    let (tx, mut rx) = mpsc::channel::<()>(1);
    let changed = move |event: notify::Result<notify::Event>| {
        // reading a file is an event too: only what may change its text counts
        if event.is_ok_and(|e| !e.kind.is_access()) {
            let _ = tx.try_send(());
        }
    };
    let mut watcher = notify::recommended_watcher(changed).ok()?;
    watcher.watch(folder, RecursiveMode::Recursive).ok()?;
    tokio::spawn(async move {
        while rx.recv().await.is_some() {
            tokio::time::sleep(QUIET).await;
            while rx.try_recv().is_ok() {}
            if messages.send(Message::FilesChanged).await.is_err() {
                return;
            }
        }
    });
    Some(watcher)
}
