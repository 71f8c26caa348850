//! When a pending Workload may be admitted: a range from how fast its cluster queue admitted of late, with its basis,
//! or why there is none. Never a promise: other priorities and larger requests change it.

use chrono::{DateTime, TimeDelta, Utc};

use super::queue::Stop;
use super::{Amount, Kueue, Look, WorkloadRow};
use crate::model::resources::is_device;

/// A range, and what it is made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Eta {
    pub low: TimeDelta,
    pub high: TimeDelta,
    pub admissions: usize,
    /// They were seen in this time.
    pub window: TimeDelta,
}

/// Why there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unknown {
    NotInLine,
    Stopped,
    NeverFits,
    /// One before it in a strict line never fits.
    Blocked,
    /// Fewer admissions than [`LEAST`] are known.
    TooFew,
    /// None of those admitted asked for nearly as much.
    NoneAsLarge,
}

impl Unknown {
    pub fn words(self) -> &'static str {
        match self {
            Self::NotInLine => "it stands in no line",
            Self::Stopped => "its queue admits nothing",
            Self::NeverFits => "it never fits",
            Self::Blocked => "one before it in the strict line never fits",
            Self::TooFew => "too few admissions were seen in its queue",
            Self::NoneAsLarge => "nothing as large was admitted of late",
        }
    }
}

/// Admissions a range is made from, at least.
const LEAST: usize = 4;
/// Looked back upon, in hours: the first with enough admissions.
const WINDOWS: [i64; 3] = [2, 6, 24];
/// Tenths of past spans between which the range lies; of fewer than [`MANY`], all of them.
const RANGE: (usize, usize) = (2, 8);
const MANY: usize = 10;

impl Eta {
    /// `about 25–60 min`.
    pub fn words(&self) -> String {
        let minutes = |span: TimeDelta, up: bool| {
            let s = span.num_seconds().max(0);
            (s + if up { 59 } else { 0 }) / 60
        };
        let (low, high) = (minutes(self.low, false), minutes(self.high, true));
        let (size, unit) = match high {
            ..=4 => return "within 5 min".into(),
            5..=20 => (1, "min"),
            21..=119 => (5, "min"),
            120..=2879 => (60, "h"),
            _ => (1440, "d"),
        };
        let (low, high) = (low / size, (high + size - 1) / size);
        let shown = if size == 5 { 5 } else { 1 };
        let (low, high) = (low * shown, high * shown);
        if low == 0 {
            format!("within {high} {unit}")
        } else if low == high {
            format!("about {high} {unit}")
        } else {
            format!("about {low}–{high} {unit}")
        }
    }

    /// `from 9 admissions in the last 2 h`.
    pub fn basis(&self) -> String {
        let hours = self.window.num_hours();
        format!("from {} admissions in the last {hours} h", self.admissions)
    }
}

/// What a cluster queue admitted of late: what a range for each in its line is made from.
#[derive(Debug, Clone, PartialEq)]
pub struct Pace<'a> {
    times: Vec<DateTime<Utc>>,
    admitted: Vec<&'a WorkloadRow>,
    window: TimeDelta,
    /// The first place of a strict line that is never admitted: nobody behind it moves.
    blocked: Option<usize>,
}

impl<'a> Pace<'a> {
    /// Once for all that stand in the line. O(those admitted of late, and those in line).
    ///
    /// # Errors
    /// Why there is none.
    pub fn of(
        kueue: &'a Kueue,
        look: &Look,
        queue: &str,
        now: DateTime<Utc>,
    ) -> Result<Self, Unknown> {
        if let Some(queue) = look.cluster_queue(kueue, queue)
            && (queue.stop != Stop::None || queue.inactive().is_some())
        {
            return Err(Unknown::Stopped);
        }
        let all = look.admissions(queue);
        let before = |at: DateTime<Utc>| all.partition_point(|(then, _)| *then < at);
        // clocks differ: what is to come is no admission yet
        let until = all.partition_point(|(then, _)| *then <= now);
        for window in WINDOWS.into_iter().map(TimeDelta::hours) {
            let recent = all.get(before(now - window)..until).unwrap_or_default();
            if recent.len() >= LEAST {
                let rows = recent
                    .iter()
                    .filter_map(|(_, key)| kueue.workloads.get(*key));
                return Ok(Self {
                    times: recent.iter().map(|(at, _)| *at).collect(),
                    admitted: rows.collect(),
                    window,
                    blocked: blocked(kueue, look, queue),
                });
            }
        }
        Err(Unknown::TooFew)
    }

    /// For one that stands in this line.
    ///
    /// # Errors
    /// Why there is none.
    pub fn eta(&self, look: &Look, row: &WorkloadRow, now: DateTime<Utc>) -> Result<Eta, Unknown> {
        let position = look.order.position(row.key).ok_or(Unknown::NotInLine)?;
        let queue = look.order.queue_of(row.key).ok_or(Unknown::NotInLine)?;
        if never_fits(look, queue, row) {
            return Err(Unknown::NeverFits);
        }
        if self.blocked.is_some_and(|at| at < position.at) {
            return Err(Unknown::Blocked);
        }
        if !self.admitted.iter().any(|seen| is_as_large(seen, row)) {
            return Err(Unknown::NoneAsLarge);
        }
        let (low, high) = spans(&self.times, position.at, now);
        Ok(Eta {
            low,
            high,
            admissions: self.times.len(),
            window: self.window,
        })
    }
}

/// For one Workload in line; of several, [`Pace`] is made once.
///
/// # Errors
/// Why there is none.
pub fn of(
    kueue: &Kueue,
    look: &Look,
    row: &WorkloadRow,
    now: DateTime<Utc>,
) -> Result<Eta, Unknown> {
    let queue = look.order.queue_of(row.key).ok_or(Unknown::NotInLine)?;
    if never_fits(look, queue, row) {
        return Err(Unknown::NeverFits);
    }
    Pace::of(kueue, look, queue, now)?.eta(look, row, now)
}

/// How long so many admissions took: between which spans most of them lie.
fn spans(times: &[DateTime<Utc>], places: usize, now: DateTime<Utc>) -> (TimeDelta, TimeDelta) {
    // a queue that admits nothing for longer than usual has slowed down
    let mut gaps: Vec<i64> = times
        .windows(2)
        .filter_map(|pair| Some((*pair.get(1)? - *pair.first()?).num_seconds()))
        .collect();
    let mean = gaps.iter().sum::<i64>() / i64::try_from(gaps.len()).unwrap_or(1).max(1);
    let since = times.last().map_or(0, |last| (now - *last).num_seconds());
    if since > mean {
        gaps.push(since);
    }
    // as many gaps in a row as there are places, each starting point once; over the end they begin anew
    let mut sums: Vec<i64> = (0..gaps.len())
        .map(|start| {
            let round = gaps.iter().sum::<i64>();
            let whole = places / gaps.len().max(1);
            let part = places % gaps.len().max(1);
            let rest: i64 = gaps.iter().cycle().skip(start).take(part).sum();
            let whole = i64::try_from(whole).unwrap_or(i64::MAX);
            round.saturating_mul(whole).saturating_add(rest)
        })
        .collect();
    sums.sort_unstable();
    let tenth = |n: usize| {
        let at = (sums.len().saturating_sub(1) * n + 5) / 10;
        let seconds = sums.get(at).copied().unwrap_or_default();
        TimeDelta::seconds(seconds.min(365 * 86_400))
    };
    let (from, to) = match sums.len() {
        ..MANY => (0, 10),
        _ => RANGE,
    };
    (tenth(from), tenth(to))
}

/// The first place in a strict line whose Workload never fits.
fn blocked(kueue: &Kueue, look: &Look, queue: &str) -> Option<usize> {
    look.cluster_queue(kueue, queue).filter(|q| q.strict)?;
    let line = look.order.cluster_queue(queue).iter();
    let never = |key| {
        let row = kueue.workloads.get(key);
        row.is_some_and(|row| never_fits(look, queue, row))
    };
    let mut places = line.filter_map(|place| Some((place.position?, place.key)));
    places.find(|(_, key)| never(*key)).map(|(at, _)| at)
}

/// Its main resource: a device, else whatever it asks for.
fn main_resource(row: &WorkloadRow) -> Option<(crate::model::ids::Name, Amount)> {
    let all = row.requests();
    let device = all.iter().find(|(name, n)| *n > 0 && is_device(name));
    device.or(all.iter().find(|(_, n)| *n > 0)).cloned()
}

fn is_as_large(seen: &WorkloadRow, row: &WorkloadRow) -> bool {
    let Some((resource, asks)) = main_resource(row) else {
        return true;
    };
    let all = seen.requests();
    let had = all.iter().find(|(name, _)| *name == resource);
    had.is_some_and(|(_, n)| *n >= asks / 2)
}

fn never_fits(look: &Look, queue: &str, row: &WorkloadRow) -> bool {
    let Some(node) = look.capacity.queue(queue) else {
        return false;
    };
    let sets = row.pod_sets.iter().filter(|set| set.min_count.is_none());
    let mut asks = sets.flat_map(|set| &set.requests);
    asks.any(|(resource, asks)| {
        let cells = node
            .cells()
            .iter()
            .filter(|(of, _)| of.resource == *resource);
        cells
            .map(|(_, cell)| cell.max_capacity)
            .max()
            .is_some_and(|most| *asks > most)
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::model::fixture::at;
    use crate::model::ids::ClusterId;
    use crate::model::kueue::fixture::*;

    /// `team` (16 h100) admitted one of 2 at each of these minutes; `mine` waits behind `ahead` others.
    fn world(minutes: &[i64], ahead: usize) -> World {
        let mut world = World {
            queues: vec![cq("team").quota_of("h100", 16).holds("h100", 16)],
            local: vec![lq("main", "team")],
            workloads: vec![workload("mine", "main", 2).made(1000)],
            ..World::default()
        };
        for (i, minute) in minutes.iter().enumerate() {
            let row = workload(&format!("old-{i}"), "main", 2);
            world
                .workloads
                .push(row.admitted("team", "h100", minute * 60));
        }
        for i in 0..ahead {
            world
                .workloads
                .push(workload(&format!("ahead-{i}"), "main", 2));
        }
        world
    }

    fn told(world: &World, minute: i64) -> String {
        let kueue = world.kueue();
        let look = kueue.look(ClusterId(0));
        let mut rows = kueue.workloads.rows();
        let mine = rows.find(|w| &*w.owners[0].1 == "mine").unwrap();
        match of(&kueue, look, mine, at(minute * 60)) {
            Ok(eta) => format!("{}, {}", eta.words(), eta.basis()),
            Err(unknown) => unknown.words().into(),
        }
    }

    #[rstest]
    // every ten minutes
    #[case(&[0, 10, 20, 30, 40, 50], 0, 55, "about 10 min, from 6 admissions in the last 2 h")]
    #[case(&[0, 10, 20, 30, 40, 50], 3, 55, "about 40 min, from 6 admissions in the last 2 h")]
    // irregular: gaps of 2, 2, 30, 2, 30, 2
    #[case(&[0, 2, 4, 34, 36, 66, 68], 0, 69, "within 30 min, from 7 admissions in the last 2 h")]
    #[case(&[0, 2, 4, 34, 36, 66, 68], 2, 69, "about 5–65 min, from 7 admissions in the last 2 h")]
    // nothing for an hour: it has slowed down
    #[case(&[0, 10, 20, 30], 1, 90, "about 20–70 min, from 4 admissions in the last 2 h")]
    // more of them further back
    #[case(&[0, 60, 120, 180, 240], 1, 245, "about 2 h, from 5 admissions in the last 6 h")]
    #[case(&[0, 300, 600, 900, 1200], 9, 1210, "about 2–3 d, from 5 admissions in the last 24 h")]
    // all at once
    #[case(&[5, 5, 5, 5, 5], 2, 6, "within 5 min, from 5 admissions in the last 2 h")]
    #[case(&[0, 10, 20], 0, 55, "too few admissions were seen in its queue")]
    #[case(&[], 4, 55, "too few admissions were seen in its queue")]
    fn from_what_was_admitted(
        #[case] minutes: &[i64],
        #[case] ahead: usize,
        #[case] now: i64,
        #[case] want: &str,
    ) {
        assert_eq!(told(&world(minutes, ahead), now), want);
    }

    #[test]
    fn nobody_moves_behind_one_that_never_fits_in_a_strict_line() {
        let mut world = world(&[0, 10, 20, 30, 40, 50], 0);
        let huge = workload("huge", "main", 17).made(500);
        world.workloads.push(huge);
        assert_eq!(
            told(&world, 55),
            "about 20 min, from 6 admissions in the last 2 h"
        );
        world.queues[0].strict = true;
        assert_eq!(
            told(&world, 55),
            "one before it in the strict line never fits"
        );
    }

    #[test]
    fn none_for_those_that_do_not_move() {
        let minutes = [0, 10, 20, 30, 40, 50];
        let change = |by: &dyn Fn(&mut World)| {
            let mut world = world(&minutes, 0);
            by(&mut world);
            told(&world, 55)
        };
        let queue = |world: &mut World| world.queues[0].stop = Stop::Hold;
        assert_eq!(change(&queue), "its queue admits nothing");
        let off = |world: &mut World| world.workloads[0].active = false;
        assert_eq!(change(&off), "it stands in no line");
        let huge = |world: &mut World| world.workloads[0] = workload("mine", "main", 17);
        assert_eq!(change(&huge), "it never fits");
        let large = |world: &mut World| world.workloads[0] = workload("mine", "main", 8);
        assert_eq!(change(&large), "nothing as large was admitted of late");
        // those on their way out are no admissions
        let evicted = |world: &mut World| {
            for row in &mut world.workloads[1..5] {
                *row = row.clone().with(on("Evicted", "Preempted", ""));
            }
        };
        assert_eq!(
            change(&evicted),
            "too few admissions were seen in its queue"
        );
    }
}
