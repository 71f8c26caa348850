//! What jobdeck itself takes and does, as plain data: processor time and memory, requests, events, frames. Read while a
//! screen shows it, and kept apart from what is known of clusters.

use std::collections::VecDeque;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::ids::{ClusterId, Name};
use super::want::Kind;

/// One look at everything that is counted.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reading {
    pub at: DateTime<Utc>,
    pub process: Process,
    /// The cluster that is open, then worker clusters.
    pub links: Vec<Link>,
}

/// What the system says of this process; `None` where it does not tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Process {
    /// Processor time so far, of all threads.
    pub cpu: Option<Duration>,
    /// Resident memory in bytes, now and at the most.
    pub rss: Option<u64>,
    pub peak: Option<u64>,
    pub threads: Option<u32>,
}

/// The traffic with one cluster.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Link {
    pub cluster: ClusterId,
    /// The context, or what Kueue calls a worker cluster.
    pub name: Name,
    /// Sent so far, and bytes of their answers, unpacked.
    pub requests: u64,
    pub bytes: u64,
    /// Reports that wait to be taken, and room for them.
    pub waiting: usize,
    pub room: usize,
    pub kinds: Vec<KindRead>,
}

/// What watching one kind came to so far.
#[derive(Debug, Clone, PartialEq)]
pub struct KindRead {
    pub kind: Kind,
    /// Objects decoded: those of lists, changes, deletions.
    pub objects: u64,
    /// Those that came over a watch after its list.
    pub events: u64,
    /// Told while the one before them still waited, and folded into it.
    pub folded: u64,
    /// Answers to lists, pages each; and streams opened.
    pub lists: u64,
    pub watches: u64,
    /// Streams that broke and requests that failed.
    pub failures: u64,
    /// Objects of which something could not be read, be it all of it.
    pub skipped: u64,
    /// The last of them, oldest first.
    pub problems: Vec<Problem>,
}

impl KindRead {
    pub fn new(kind: Kind) -> Self {
        Self {
            kind,
            objects: 0,
            events: 0,
            folded: 0,
            lists: 0,
            watches: 0,
            failures: 0,
            skipped: 0,
            problems: Vec::new(),
        }
    }
}

/// An object that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub at: DateTime<Utc>,
    /// `namespace/name`, as far as that could be read.
    pub object: String,
    /// The field, and what is wrong with it.
    pub why: String,
}

/// All that is shown of it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Vitals {
    last: Option<Reading>,
    before: Option<Reading>,
    /// Frames: from the first cell to the last byte written.
    pub frames: Times,
    /// Turns at messages: until keys and frames had theirs again.
    pub turns: Times,
    /// Messages that waited at the beginning of a turn.
    pub queue: Peak,
    /// Room there is for them.
    pub room: usize,
    /// When the program began.
    pub begun: Option<DateTime<Utc>>,
}

impl Vitals {
    pub fn take(&mut self, reading: Reading) {
        self.before = self.last.replace(reading);
    }

    pub fn last(&self) -> Option<&Reading> {
        self.last.as_ref()
    }

    /// Seconds between the last two looks.
    fn span(&self) -> Option<f64> {
        let (last, before) = (self.last.as_ref()?, self.before.as_ref()?);
        let span = (last.at - before.at).num_milliseconds() as f64 / 1e3;
        (span > 0.0).then_some(span)
    }

    /// Share of a core used between the last two looks.
    pub fn load(&self) -> Option<f64> {
        let cpu = |reading: &Option<Reading>| reading.as_ref()?.process.cpu;
        let used = cpu(&self.last)?.checked_sub(cpu(&self.before)?)?;
        Some(used.as_secs_f64() / self.span()?)
    }

    /// Events of a kind per second between the last two looks.
    pub fn rate(&self, cluster: ClusterId, kind: Kind) -> Option<f64> {
        let events = |reading: &Option<Reading>| {
            let link = reading
                .as_ref()?
                .links
                .iter()
                .find(|l| l.cluster == cluster)?;
            Some(link.kinds.iter().find(|k| k.kind == kind)?.events)
        };
        let n = events(&self.last)?.checked_sub(events(&self.before)?)?;
        Some(n as f64 / self.span()?)
    }

    /// Bytes per second from a cluster between the last two looks.
    pub fn flow(&self, cluster: ClusterId) -> Option<f64> {
        let bytes = |reading: &Option<Reading>| {
            let link = reading
                .as_ref()?
                .links
                .iter()
                .find(|l| l.cluster == cluster)?;
            Some(link.bytes)
        };
        let n = bytes(&self.last)?.checked_sub(bytes(&self.before)?)?;
        Some(n as f64 / self.span()?)
    }
}

/// Durations are remembered so long.
const MINUTE: TimeDelta = TimeDelta::seconds(60);
/// And so many of them: more than a minute has at the fastest pace.
const MOST: usize = 2048;

/// How long something took each time of the last minute.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Times(VecDeque<(i64, u32)>);

/// Half of them took no longer than `p50`, all but one in a hundred no longer than `p99`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spread {
    pub count: usize,
    pub p50: Duration,
    pub p99: Duration,
    pub max: Duration,
}

impl Times {
    pub fn put(&mut self, at: DateTime<Utc>, took: Duration) {
        if self.0.len() == MOST {
            self.0.pop_front();
        }
        let micros = u32::try_from(took.as_micros()).unwrap_or(u32::MAX);
        self.0.push_back((at.timestamp_millis(), micros));
    }

    /// Of the minute before `now`; nothing if nothing happened in it.
    pub fn spread(&self, now: DateTime<Utc>) -> Option<Spread> {
        let from = (now - MINUTE).timestamp_millis();
        let mut all: Vec<u32> = self
            .0
            .iter()
            .filter(|(at, _)| *at > from)
            .map(|(_, took)| *took)
            .collect();
        all.sort_unstable();
        let at = |part: f64| {
            let at = (all.len().checked_sub(1)? as f64 * part).ceil() as usize;
            Some(Duration::from_micros(u64::from(*all.get(at)?)))
        };
        Some(Spread {
            count: all.len(),
            p50: at(0.5)?,
            p99: at(0.99)?,
            max: at(1.0)?,
        })
    }
}

/// The largest of a number over the last one to two minutes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Peak {
    minute: i64,
    most: usize,
    before: usize,
}

impl Peak {
    pub fn put(&mut self, at: DateTime<Utc>, n: usize) {
        let minute = at.timestamp().div_euclid(60);
        if minute != self.minute {
            self.before = match minute == self.minute + 1 {
                true => self.most,
                false => 0,
            };
            (self.minute, self.most) = (minute, 0);
        }
        self.most = self.most.max(n);
    }

    pub fn most(&self, now: DateTime<Utc>) -> usize {
        match now.timestamp().div_euclid(60) - self.minute {
            0 => self.most.max(self.before),
            1 => self.most,
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    #[test]
    fn times_are_of_the_last_minute() {
        let mut times = Times::default();
        assert_eq!(times.spread(at(0)), None);
        times.put(at(0), Duration::from_secs(9));
        for n in 1..=100 {
            times.put(at(100), Duration::from_millis(n));
        }
        let spread = times.spread(at(101)).unwrap();
        let millis = [spread.p50, spread.p99, spread.max].map(|d| d.as_millis());
        assert_eq!((spread.count, millis), (100, [51, 100, 100]));
        assert_eq!(times.spread(at(161)), None);
        for _ in 0..5000 {
            times.put(at(200), Duration::ZERO);
        }
        assert_eq!(times.0.len(), MOST);
    }

    #[test]
    fn a_peak_is_forgotten_after_a_minute_or_two() {
        let mut peak = Peak::default();
        peak.put(at(0), 7);
        peak.put(at(30), 3);
        assert_eq!(peak.most(at(59)), 7);
        peak.put(at(61), 2);
        assert_eq!((peak.most(at(61)), peak.most(at(125))), (7, 2));
        assert_eq!(peak.most(at(300)), 0);
        peak.put(at(600), 1);
        assert_eq!(peak.most(at(600)), 1);
    }

    #[test]
    fn rates_are_between_two_looks() {
        let look = |seconds, cpu, events, bytes| Reading {
            at: at(seconds),
            process: Process {
                cpu: Some(Duration::from_millis(cpu)),
                ..Process::default()
            },
            links: vec![Link {
                bytes,
                kinds: vec![KindRead {
                    events,
                    ..KindRead::new(Kind::Pod)
                }],
                ..Link::default()
            }],
        };
        let mut vitals = Vitals::default();
        let cluster = ClusterId::default();
        vitals.take(look(10, 100, 5, 0));
        assert_eq!(
            (vitals.load(), vitals.rate(cluster, Kind::Pod)),
            (None, None)
        );
        vitals.take(look(12, 300, 25, 4096));
        assert_eq!(vitals.load(), Some(0.1));
        assert_eq!(vitals.rate(cluster, Kind::Pod), Some(10.0));
        assert_eq!(vitals.flow(cluster), Some(2048.0));
        assert_eq!(vitals.rate(cluster, Kind::Node), None);
        // another connection counts from nothing again
        vitals.take(look(13, 310, 0, 0));
        assert_eq!(vitals.rate(cluster, Kind::Pod), None);
    }
}
