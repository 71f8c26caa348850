//! Looks at what jobdeck itself takes: its process, and what was counted of its connections.

use chrono::Utc;

use super::Runner;
use crate::app::message::Message;
use crate::app::process;
use crate::model::vitals::Reading;

impl Runner {
    /// Answers with a message, since the system is asked by reading files.
    pub(super) fn measure(&self) {
        let own = self.cluster.as_ref();
        let own = own.map(|cluster| cluster.link(&cluster.target().context));
        let mut links: Vec<_> = own.into_iter().collect();
        links.extend(self.others.iter().flat_map(|others| others.links()));
        let messages = self.messages.clone();
        tokio::task::spawn_blocking(move || {
            let reading = Reading {
                at: Utc::now(),
                process: process::read(),
                links,
            };
            let _ = messages.blocking_send(Message::Measured(Box::new(reading)));
        });
    }
}
