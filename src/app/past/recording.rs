//! A recording in the place of a cluster: the player is asked for where the slider is, and what it tells is folded in.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::{App, Effect};
use crate::recording::player::Moved;
use crate::recording::scan::{Info, State};

/// What is replayed, and how far its player has come.
pub struct Recording {
    pub info: Info,
    /// What the player was asked for and has not answered.
    asked: Option<u64>,
    told: Option<u64>,
}

impl Recording {
    pub fn new(info: Info) -> Self {
        Self {
            info,
            asked: None,
            told: None,
        }
    }

    fn millis(&self, at: DateTime<Utc>) -> u64 {
        let millis = (at - self.info.header.start).num_milliseconds();
        u64::try_from(millis).unwrap_or_default()
    }

    pub fn time(&self, millis: u64) -> DateTime<Utc> {
        let millis = i64::try_from(millis).unwrap_or(i64::MAX);
        let start = self.info.header.start;
        let delta = TimeDelta::try_milliseconds(millis).unwrap_or_default();
        start.checked_add_signed(delta).unwrap_or(start)
    }

    /// When the next thing was told after a time.
    pub fn next(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let (times, t) = (&self.info.times, self.millis(at));
        let next = times.partition_point(|time| *time <= t);
        times.get(next).map(|t| self.time(*t))
    }

    /// When the last thing was told before a time.
    pub fn previous(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let (times, t) = (&self.info.times, self.millis(at));
        let next = times.partition_point(|time| *time < t);
        times.get(next.checked_sub(1)?).map(|t| self.time(*t))
    }

    pub fn failures(&self) -> Arc<[u64]> {
        self.info.failures.clone()
    }
}

impl App {
    /// Asks the player for where the slider is, if it is not there.
    pub(super) fn follow_recording(&mut self, now: DateTime<Utc>) {
        let at = self.desk.time(now);
        let Some(of) = self.past.recording_mut() else {
            return;
        };
        let t = of.millis(at);
        if of.asked.is_none() && of.told != Some(t) {
            of.asked = Some(t);
            self.effects.push(Effect::Replay(t));
        }
    }

    /// The player came to a time.
    pub(in crate::app) fn played(
        &mut self,
        t: u64,
        moved: Result<Moved, String>,
        now: DateTime<Utc>,
    ) {
        if let Some(of) = self.past.recording_mut() {
            of.asked = None;
            of.told = Some(t);
        }
        match moved {
            Ok(Moved::On(reports)) => {
                for report in reports {
                    self.report(report, &[], now);
                }
            }
            Ok(Moved::To(state)) => self.begin_at(*state, now),
            Err(why) => {
                if let Some(head) = &mut self.desk.playhead {
                    head.pause(now);
                }
                let text = format!("the recording cannot be read any more: {why}");
                self.say(crate::panes::Level::Error, text, now);
                return;
            }
        }
        self.dirty = true;
        self.follow_recording(now);
    }

    /// Everything is as it was at another time.
    fn begin_at(&mut self, state: State, now: DateTime<Utc>) {
        let mut model = state.model;
        model.succeed(&self.desk.model);
        self.desk.model = model;
        let sources = state.sources.into_iter();
        self.sources = sources
            .map(|(source, of)| ((of.cluster, source), (of.kind, of.health)))
            .collect();
        self.desk.session.served = state.served;
        self.publish_health(self.desk.session.cluster);
        self.finder = crate::app::inbox::Finder::default();
        self.alarms = crate::app::gpus::Alarms::default();
        self.desk.session.inbox.clear();
        let then = self.desk.time(now);
        self.look_around(then, false);
        self.look_at_gpus(then);
    }
}
