//! The app with nobody at a keyboard: what `jobdeck render` asks of it instead of pressing keys.

use chrono::{DateTime, Utc};

use super::App;
use crate::panes::Command;

impl App {
    /// Does what a line of the command bar would.
    pub fn perform(&mut self, command: Command, now: DateTime<Utc>) {
        self.run(command, now);
    }

    /// The filter of the screen in front.
    pub fn filter_in_force(&self) -> &str {
        self.screens.top().filter()
    }
}
