//! From what lines said to a run: each record is given to the curves and to the judge of the run's health. Separate
//! because it is the wiring of those two.

use chrono::{DateTime, Utc};

use super::super::health::{Concern, Health, Held, Thresholds};
use super::{Run, Said, Summary};
use crate::model::inbox::said;
use crate::model::log::LogLine;

/// A run being told by its streams.
#[derive(Debug, Default)]
pub struct Reading {
    run: Run,
    health: Health,
    records: u64,
}

impl Reading {
    pub fn run(&self) -> &Run {
        &self.run
    }

    /// Records taken in so far: a cheap way to see that something came.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// What lines of a stream said, oldest first, none of it told before.
    pub fn push<'a>(&mut self, stream: usize, said: impl IntoIterator<Item = &'a Said>) {
        for said in said {
            self.records += 1;
            self.run.record(stream, said.at, &said.record);
            if let Some(at) = said.at {
                self.health.record(at, stream, &said.record, said.open_bar);
            }
        }
    }

    /// The same of lines that came at `now`, judged by these thresholds from here on.
    pub fn take<'a>(
        &mut self,
        stream: usize,
        said: impl IntoIterator<Item = &'a Said>,
        thresholds: &Thresholds,
        lines: &[LogLine],
        now: DateTime<Utc>,
    ) {
        self.health.judge_by(thresholds);
        self.push(stream, said);
        if let Some(written) = lines.last().and_then(|line| line.at) {
            let lag = (now - written).as_seconds_f64();
            let now = now.timestamp_micros() as f64 / 1e6;
            self.health.came(stream, now, lag);
        }
    }

    /// The run in short, as of a time in seconds since 1970. `live`: whether a stream is followed right now, so that its
    /// silence means something. `None`: nothing of a training was said.
    pub fn summary(&mut self, now: f64, live: &dyn Fn(usize) -> bool) -> Option<Summary> {
        let mut summary = self.run.summary()?;
        self.health.tick(now, live);
        // What is worst first: they are in that order.
        let worst = self.health.held().min_by_key(|h| (h.concern, h.stream));
        summary.concern = worst
            .filter(|held| held.concern != Concern::Plateau || !summary.progress.done)
            .map(|held| said(&held.seen, seconds(now - held.since)));
        Some(summary)
    }

    /// What is not as it should be now, and what of it went away since the last call.
    pub fn worries(&mut self) -> (Vec<Held>, Vec<Held>) {
        let done = self.run.progress().done;
        let holds = |held: &&Held| held.concern != Concern::Plateau || !done;
        let open = self.health.held().filter(holds).cloned().collect();
        (open, self.health.take_over())
    }

    /// When something is missed that does not come, in seconds since 1970: the time to look at it again.
    pub fn due(&self, now: f64, live: &dyn Fn(usize) -> bool) -> Option<f64> {
        self.health.due(now, live)
    }
}

fn seconds(s: f64) -> chrono::TimeDelta {
    chrono::TimeDelta::milliseconds((s.clamp(0.0, 1e10) * 1e3) as i64)
}
