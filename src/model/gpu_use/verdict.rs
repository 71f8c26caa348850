//! Idle or not: claimed only with proof over a whole window, else it is unknown, and why.

use chrono::{DateTime, TimeDelta, Utc};

use super::Device;
use super::reading::Basis;

/// Memory up to this is what a context alone takes, in MiB: a program that uses the device holds more.
const NOTHING_HELD: f32 = 1024.0;

/// What is worth an alarm, and over how long.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Terms {
    /// Silence over this long is idleness.
    pub window: TimeDelta,
    /// Hot from here on, in degrees Celsius.
    pub hot: f32,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            window: TimeDelta::minutes(30),
            hot: 87.0,
        }
    }
}

/// What a device that somebody has is doing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Verdict {
    /// Nobody has it.
    Free,
    /// It worked when it was read last: how much, 0..1.
    Busy(f32),
    /// No activity in the whole window, and memory is held: something sits on it.
    Parked { since: DateTime<Utc>, basis: Basis },
    /// No activity in the whole window, and no memory is held either.
    Unused { since: DateTime<Utc>, basis: Basis },
    /// Neither can be claimed.
    Unknown(Unknown),
}

/// Why it is not known whether a device is idle.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Unknown {
    /// It is quiet, but was not watched for the whole window yet.
    Watching { since: DateTime<Utc> },
    /// It is quiet, but its pod is younger than the window.
    Young { since: DateTime<Utc> },
    /// Its exporter writes nothing about activity.
    NoActivity,
    /// It was read too long ago.
    Stale { at: DateTime<Utc> },
}

impl Verdict {
    /// It was proven that it does nothing, since when.
    pub fn idle_since(self) -> Option<DateTime<Utc>> {
        match self {
            Verdict::Parked { since, .. } | Verdict::Unused { since, .. } => Some(since),
            _ => None,
        }
    }
}

/// Readings without activity that follow each other without a gap, with the same holders.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quiet {
    /// The first of them.
    pub since: DateTime<Utc>,
    /// Weakest of what they were read from.
    pub basis: Basis,
    /// The most memory held meanwhile, in MiB; none where that is not told.
    pub held: Option<f32>,
}

impl Device {
    /// What it does. `started`: when its pod's containers started, where that is known.
    ///
    /// The window must lie wholly between two readings, none of them with activity, none missing, all with the same
    /// holders: so a pod is at least as old as the window even where `started` is not known.
    pub fn verdict(
        &self,
        now: DateTime<Utc>,
        window: TimeDelta,
        started: Option<DateTime<Utc>>,
    ) -> Verdict {
        if self.holders.is_empty() {
            return Verdict::Free;
        }
        if self.is_stale(now) {
            return Verdict::Unknown(Unknown::Stale { at: self.at });
        }
        let Some((activity, _)) = self.reading.activity() else {
            return Verdict::Unknown(Unknown::NoActivity);
        };
        let Some(quiet) = self.quiet else {
            return Verdict::Busy(activity);
        };
        if self.at - quiet.since < window {
            return Verdict::Unknown(Unknown::Watching { since: quiet.since });
        }
        if let Some(started) = started
            && self.at - started < window
        {
            return Verdict::Unknown(Unknown::Young { since: started });
        }
        let (since, basis) = (quiet.since, quiet.basis);
        match quiet.held {
            Some(held) if held <= NOTHING_HELD => Verdict::Unused { since, basis },
            _ => Verdict::Parked { since, basis },
        }
    }
}
