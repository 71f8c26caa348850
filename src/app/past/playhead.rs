//! A place in time that moves: paused, or so many times as fast as time itself. It knows no clock.

use chrono::{DateTime, TimeDelta, Utc};

/// How fast it moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Speed {
    Times(u32),
    /// From one change to the next, whatever is between them.
    Max,
}

impl Speed {
    const ALL: [Self; 5] = [
        Self::Times(1),
        Self::Times(2),
        Self::Times(10),
        Self::Times(60),
        Self::Max,
    ];

    /// `1`, `x10`, `max`.
    pub fn parse(text: &str) -> Option<Self> {
        match text.trim_start_matches('x') {
            "max" => Some(Self::Max),
            n => Some(Self::Times(
                n.parse().ok().filter(|n| (1..=3600).contains(n))?,
            )),
        }
    }

    pub fn words(self) -> String {
        match self {
            Self::Times(n) => format!("x{n}"),
            Self::Max => "max".into(),
        }
    }

    fn faster(self) -> Self {
        let next = Self::ALL.into_iter().find(|other| *other > self);
        next.unwrap_or(Self::Max)
    }

    fn slower(self) -> Self {
        let mut all = Self::ALL.into_iter().rev();
        all.find(|other| *other < self).unwrap_or(Self::Times(1))
    }
}

/// See the module.
#[derive(Debug, Clone, PartialEq)]
pub struct Playhead {
    pub start: DateTime<Utc>,
    pub end: DateTime<Utc>,
    pub speed: Speed,
    pub playing: bool,
    /// Where it was …
    at: DateTime<Utc>,
    /// … when.
    since: DateTime<Utc>,
}

/// While it moves the screen follows it so often.
const PACE: TimeDelta = TimeDelta::milliseconds(100);

impl Playhead {
    pub fn new(start: DateTime<Utc>, end: DateTime<Utc>, now: DateTime<Utc>) -> Self {
        Self {
            start,
            end: end.max(start),
            speed: Speed::Times(1),
            playing: false,
            at: start,
            since: now,
        }
    }

    /// Where it is.
    pub fn at(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        let Speed::Times(times) = self.speed else {
            return self.at;
        };
        if !self.playing {
            return self.at;
        }
        let passed = (now - self.since).max(TimeDelta::zero());
        let moved = passed.checked_mul(i32::try_from(times).unwrap_or(i32::MAX));
        let at = moved.and_then(|moved| self.at.checked_add_signed(moved));
        at.unwrap_or(self.end).min(self.end)
    }

    /// Puts it somewhere; it goes on from there.
    pub fn go(&mut self, to: DateTime<Utc>, now: DateTime<Utc>) {
        (self.at, self.since) = (to.clamp(self.start, self.end), now);
    }

    pub fn by(&mut self, delta: TimeDelta, now: DateTime<Utc>) {
        let to = self.at(now).checked_add_signed(delta);
        self.go(to.unwrap_or(self.at), now);
    }

    /// Plays, or pauses; at the end it plays from the beginning.
    pub fn toggle(&mut self, now: DateTime<Utc>) {
        let at = self.at(now);
        let again = !self.playing && at >= self.end;
        self.go(if again { self.start } else { at }, now);
        self.playing = !self.playing;
    }

    pub fn pause(&mut self, now: DateTime<Utc>) {
        self.go(self.at(now), now);
        self.playing = false;
    }

    pub fn quicken(&mut self, faster: bool, now: DateTime<Utc>) {
        self.go(self.at(now), now);
        self.speed = match faster {
            true => self.speed.faster(),
            false => self.speed.slower(),
        };
    }

    /// When it has moved on; none while it stands.
    pub fn wake(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        (self.playing && self.at(now) < self.end).then(|| now + PACE)
    }

    /// How far it is, of 1.
    pub fn share(&self, at: DateTime<Utc>) -> f64 {
        let whole = (self.end - self.start).num_milliseconds();
        match whole {
            0 => 0.0,
            _ => (at - self.start).num_milliseconds() as f64 / whole as f64,
        }
    }

    /// The time so far along it.
    pub fn time_at(&self, share: f64) -> DateTime<Utc> {
        let whole = (self.end - self.start).num_milliseconds() as f64;
        let millis = (whole * share.clamp(0.0, 1.0)) as i64;
        self.start + TimeDelta::milliseconds(millis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_moves_only_while_it_plays_and_never_beyond_its_ends() {
        let s = |n: i64| DateTime::UNIX_EPOCH + TimeDelta::seconds(n);
        let now = |n: i64| s(1_000_000 + n);
        let mut head = Playhead::new(s(0), s(100), now(0));
        assert_eq!(head.at(now(50)), s(0));
        assert_eq!(head.wake(now(50)), None);
        head.toggle(now(50));
        assert_eq!(head.at(now(53)), s(3));
        head.quicken(true, now(53));
        assert_eq!((head.at(now(53)), head.at(now(55))), (s(3), s(7)));
        head.quicken(true, now(55));
        assert_eq!(head.at(now(56)), s(17));
        assert!(head.wake(now(56)).is_some());
        assert_eq!(head.at(now(90)), s(100));
        assert_eq!(head.wake(now(90)), None);
        head.by(TimeDelta::seconds(-1000), now(90));
        assert_eq!(head.at(now(90)), s(0));
        head.pause(now(91));
        assert_eq!(head.at(now(99)), s(10));
        // a clock that was set back
        head.toggle(now(99));
        assert_eq!(head.at(now(0)), s(10));
        head.go(s(100), now(99));
        head.pause(now(99));
        head.toggle(now(99));
        assert_eq!(head.at(now(99)), s(0), "from the beginning");
        assert_eq!(head.time_at(head.share(s(25))), s(25));
    }

    #[test]
    fn speeds_go_up_and_down_and_stay_in_reach() {
        let mut speed = Speed::Times(1);
        let up: Vec<String> = std::iter::from_fn(|| {
            speed = speed.faster();
            Some(speed.words())
        })
        .take(5)
        .collect();
        assert_eq!(up, ["x2", "x10", "x60", "max", "max"]);
        assert_eq!(Speed::Times(1).slower(), Speed::Times(1));
        assert_eq!(Speed::Max.slower(), Speed::Times(60));
        assert_eq!(Speed::parse("x10"), Some(Speed::Times(10)));
        assert_eq!(Speed::parse("max"), Some(Speed::Max));
        assert_eq!(Speed::parse("0"), None);
        assert_eq!(Speed::parse("fast"), None);
    }
}
