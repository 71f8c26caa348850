//! The demo's one clock. Timestamps of objects come from here and from nowhere else.
//!
//! Simulated durations are divided by `speed`, the timestamps themselves run with the wall clock, so that
//! a client that subtracts a timestamp from its own clock is right at any speed. In stepped mode the
//! clock moves only when it is told to: tests and `--at` are deterministic.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

/// Where simulated time comes from.
#[derive(Debug, Clone)]
pub struct Clock {
    now: DateTime<Utc>,
    speed: f64,
    stepped: bool,
}

impl Clock {
    /// A clock that stands at `start` until [`Clock::set`] moves it.
    pub fn stepped(start: DateTime<Utc>, speed: f64) -> Self {
        Self {
            now: start,
            speed: speed.max(0.001),
            stepped: true,
        }
    }

    /// Lets the clock follow the wall from now on (the demo's fast-forward is over).
    pub fn follow_wall(&mut self) {
        self.stepped = false;
    }

    /// Simulated now. In stepped mode, and while events are replayed, the instant last set.
    pub fn now(&self) -> DateTime<Utc> {
        if self.stepped {
            self.now
        } else {
            Utc::now().max(self.now)
        }
    }

    /// Moves a stepped clock forward; never backward.
    pub fn set(&mut self, at: DateTime<Utc>) {
        self.now = self.now.max(at);
    }

    /// True while the clock moves only by [`Clock::set`].
    pub fn is_stepped(&self) -> bool {
        self.stepped
    }

    /// Real length of a duration that Kubernetes would wait (back-off, grace, training step) at this speed.
    pub fn scaled(&self, d: Duration) -> TimeDelta {
        TimeDelta::from_std(d.div_f64(self.speed)).unwrap_or(TimeDelta::MAX)
    }

    /// How many simulated seconds pass in one wall second.
    pub fn speed(&self) -> f64 {
        self.speed
    }
}

/// The form of `metav1.Time`: whole seconds, UTC, `Z`.
pub fn rfc3339(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// The form of `metav1.MicroTime`.
pub fn rfc3339_micro(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}
