//! Counts what jobdeck itself does: frames and turns always, since that costs nothing; the rest is looked at only while a
//! screen shows it.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::App;
use super::effect::Effect;
use crate::model::vitals::Reading;

/// Between two looks.
const PACE: TimeDelta = TimeDelta::seconds(1);

/// When it is looked.
#[derive(Debug, Default)]
pub(super) struct Looks {
    asked: Option<DateTime<Utc>>,
}

impl App {
    /// A frame was drawn and written.
    pub fn drawn(&mut self, took: Duration, now: DateTime<Utc>) {
        self.desk.session.vitals.frames.put(now, took);
    }

    /// Messages were taken until keys and frames had their turn again. `waited`: how many there were at the beginning.
    pub fn took(&mut self, waited: usize, room: usize, took: Duration, now: DateTime<Utc>) {
        let vitals = &mut self.desk.session.vitals;
        vitals.turns.put(now, took);
        vitals.queue.put(now, waited);
        vitals.room = room;
    }

    /// Asks for another look if the screen in front shows it, and the last is a second old.
    pub(super) fn look_at_itself(&mut self, now: DateTime<Utc>) {
        if !self.shows_vitals() {
            return;
        }
        if self.looks.asked.is_none_or(|at| now - at >= PACE) {
            self.looks.asked = Some(now);
            self.effects.push(Effect::Measure);
        }
    }

    fn shows_vitals(&self) -> bool {
        self.shown().any(|pane| pane.shows_vitals())
    }

    /// When to look again.
    pub(super) fn next_look(&self) -> Option<DateTime<Utc>> {
        let shown = self.shows_vitals() && self.watched;
        self.looks.asked.filter(|_| shown).map(|at| at + PACE)
    }

    /// What was found.
    pub(super) fn measured(&mut self, reading: Reading) {
        self.desk.session.vitals.take(reading);
        self.dirty = true;
    }
}
