//! Is this run healthy? State machines over the records of its streams: no clock, no thresholds of their own, so that
//! tables can test them. What is found is told once, in words that say what was seen, until it is over.

mod series;
#[cfg(test)]
mod tests;
mod thresholds;

use std::collections::BTreeMap;

use schemars_derive::JsonSchema;
use serde::Deserialize;

use self::series::{Rate, Trend};
use super::metrics::Record;
use crate::model::inbox::AGE;

/// When something about a run is worth a word.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Thresholds {
    /// Points of the loss before trends are judged.
    pub warm_up: usize,
    /// A loss diverges when it is, smoothed, above its best by so many times the best.
    #[schemars(range(min = 0))]
    pub divergence: f64,
    /// Points in a row for which it has to be so.
    pub divergence_points: usize,
    /// Points without an improvement of the smoothed loss that are a plateau.
    pub plateau_points: usize,
    /// What is an improvement, as a part of the loss.
    #[schemars(range(min = 0))]
    pub plateau_gain: f64,
    /// Throughput is slow below this part of its own median.
    #[schemars(range(min = 0, max = 1))]
    pub slow: f64,
    /// It is not slow any more above this part of it; at least `slow`.
    #[schemars(range(min = 0, max = 1))]
    pub recovered: f64,
    /// Seconds without a new step, at least, before a run is said to have none.
    #[schemars(range(min = 0))]
    pub frozen_s: f64,
    /// The same in times of the usual span between two reports; the longer one holds.
    #[schemars(range(min = 0))]
    pub frozen_times: f64,
    /// Seconds for which one of several says nothing while others do, at least.
    #[schemars(range(min = 0))]
    pub silent_s: f64,
    /// The same in times of the usual span between two reports.
    #[schemars(range(min = 0))]
    pub silent_times: f64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            warm_up: 20,
            divergence: 1.0,
            divergence_points: 10,
            plateau_points: 300,
            plateau_gain: 1e-3,
            slow: 0.6,
            recovered: 0.8,
            frozen_s: 600.0,
            frozen_times: 10.0,
            silent_s: 600.0,
            silent_times: 10.0,
        }
    }
}

/// What was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Concern {
    NotANumber,
    Divergence,
    Plateau,
    Frozen,
    Slow,
    Silent,
}

impl Concern {
    /// One word, for identities and filters.
    pub fn word(self) -> &'static str {
        match self {
            Concern::NotANumber => "nan",
            Concern::Divergence => "divergence",
            Concern::Plateau => "plateau",
            Concern::Frozen => "frozen",
            Concern::Slow => "slow",
            Concern::Silent => "silent",
        }
    }

    /// What to say when it went away.
    pub fn end(self) -> &'static str {
        match self {
            Concern::NotANumber => "the loss is a number again",
            Concern::Divergence => "the loss came down again",
            Concern::Plateau => "the loss falls again",
            Concern::Frozen => "a new step came",
            Concern::Slow => "as fast as usual again",
            Concern::Silent => "it writes again",
        }
    }
}

/// A concern that holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Held {
    pub concern: Concern,
    /// Which stream, as the caller numbers them.
    pub stream: usize,
    /// What was seen; [`AGE`] in it is how long it has been so.
    pub seen: String,
    /// Since when, in the caller's seconds.
    pub since: f64,
}

/// A concern that came up or went away.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    pub concern: Concern,
    /// Which stream, as the caller numbers them.
    pub stream: usize,
    /// What was seen; `None`: it is over.
    pub seen: Option<String>,
}

/// A line of 16 KiB is what container runtimes wait for before they pass on a bar that never ends its line.
const RUNTIME_LINE: f64 = 16.0 * 1024.0;
/// Bytes of a drawn bar.
const BAR: f64 = 80.0;
/// C's stdio and Python write to a pipe in blocks of so many bytes…
const BLOCK: f64 = 8.0 * 1024.0;
/// …of lines of about this length.
const LINE: f64 = 60.0;
/// Lines closer than this, in seconds, were written together.
const MOMENT: f64 = 0.05;
/// Pauses from which on bursts are told from a program that just began.
const FEW: usize = 8;
/// Lines older than this many seconds when they come are a backlog; so long after the last of them it is read.
const CATCH_UP: f64 = 10.0;
/// A pause has to be so many times the longest seen lately to be odd.
const LONGER: f64 = 2.0;

/// One stream.
#[derive(Debug, Default)]
struct Stream {
    loss: Trend,
    rate: Rate,
    /// Bad values in a row.
    bad: usize,
    step: Option<f64>,
    /// When the step last moved on, and when anything was last said.
    moved: Option<f64>,
    heard: Option<f64>,
    /// Between two steps reported, and between two records.
    between: Rate,
    pauses: Rate,
    /// Seconds per step, as the program itself says.
    pace: Option<f64>,
    /// Last told by a bar on an open line: the runtime may hold back many of its frames.
    open_bar: bool,
    /// Lines of long ago came here, last at this time: what was written since is on its way.
    backlog: Option<f64>,
    over: bool,
}

impl Stream {
    /// When its backlog will have been read, if no more of it comes.
    fn caught_up(&self) -> f64 {
        self.backlog.map_or(0.0, |came| came + CATCH_UP)
    }

    /// Seconds without a new step that are nothing to speak of.
    fn patience_for_steps(&self, t: &Thresholds) -> Option<f64> {
        self.step?;
        let usual = self.between.median()?;
        let patience = t.frozen_s.max(t.frozen_times * usual);
        let patience = patience.max(LONGER * self.between.longest());
        Some(patience.max(self.held_back(usual)))
    }

    /// The same without any word.
    fn patience(&self, t: &Thresholds) -> Option<f64> {
        let usual = self.pauses.median()?;
        let patience = t.silent_s.max(t.silent_times * usual);
        let patience = patience.max(LONGER * self.pauses.longest());
        Some(patience.max(self.held_back(usual)))
    }

    /// Seconds for which output may be on its way: in the runtime, which passes on a bar by 16 KiB, or in the program,
    /// which writes to a pipe in blocks.
    fn held_back(&self, usual: f64) -> f64 {
        let runtime = if self.open_bar {
            usual * RUNTIME_LINE / BAR
        } else {
            0.0
        };
        let own = match self.pace {
            Some(pace) if self.in_bursts() => pace * BLOCK / LINE,
            _ => 0.0,
        };
        runtime.max(own)
    }

    /// Most lines come at the same moment as the one before: the program writes in blocks.
    fn in_bursts(&self) -> bool {
        let all = self.pauses.points();
        all >= FEW && self.pauses.at_most(MOMENT) * 4 >= all * 3
    }
}

/// The state of one run.
#[derive(Debug, Default)]
pub struct Health {
    thresholds: Thresholds,
    streams: BTreeMap<usize, Stream>,
    /// What was told and is not over.
    concerns: BTreeMap<(usize, Concern), Held>,
    /// What went away since it was last asked for.
    over: Vec<Held>,
    /// The time of what is looked at.
    now: f64,
}

/// Concerns that went away, kept until asked for.
const OVER: usize = 64;

impl Health {
    pub fn new(thresholds: Thresholds) -> Self {
        Self {
            thresholds,
            ..Self::default()
        }
    }

    /// From here on these count.
    pub fn judge_by(&mut self, thresholds: &Thresholds) {
        if self.thresholds != *thresholds {
            self.thresholds = thresholds.clone();
        }
    }

    /// Concerns that hold now, by stream.
    pub fn concerns(&self) -> impl Iterator<Item = (usize, Concern, &str)> {
        self.concerns
            .iter()
            .map(|((stream, concern), held)| (*stream, *concern, &*held.seen))
    }

    /// The same with the time since when.
    pub fn held(&self) -> impl Iterator<Item = &Held> {
        self.concerns.values()
    }

    /// What went away since the last call.
    pub fn take_over(&mut self) -> Vec<Held> {
        std::mem::take(&mut self.over)
    }

    /// Lines of a stream came at a time; the newest of them was written so many seconds before.
    pub fn came(&mut self, index: usize, now: f64, lag: f64) {
        if let Some(stream) = self.streams.get_mut(&index) {
            stream.backlog = (lag > CATCH_UP).then_some(now);
        }
    }

    /// A record of a stream at a time (in seconds, of any beginning). `open_bar`: its line has not ended yet.
    pub fn record(
        &mut self,
        at: f64,
        index: usize,
        record: &Record,
        open_bar: bool,
    ) -> Vec<Change> {
        let mut changes = Vec::new();
        self.now = at;
        let thresholds = self.thresholds.clone();
        let stream = self.streams.entry(index).or_default();
        if let Some(before) = stream.heard {
            stream.pauses.push(at - before);
        }
        stream.heard = Some(at);
        stream.open_bar = open_bar;
        stream.pace = pace(record).or(stream.pace);
        stream.over |= record.has("done");
        self.settle(index, Concern::Silent, None, &mut changes);
        self.step(at, index, record, &mut changes);
        self.loss(index, record, &thresholds, &mut changes);
        self.speed(index, record, &thresholds, &mut changes);
        changes
    }

    /// Time passes: what does not come can only be noticed so. Of a stream that is not `live` (its pod is over, or we
    /// are cut off from it) silence tells nothing.
    pub fn tick(&mut self, now: f64, live: &dyn Fn(usize) -> bool) -> Vec<Change> {
        let mut changes = Vec::new();
        self.now = now;
        let indexes: Vec<usize> = self.streams.keys().copied().collect();
        let others = self.speaking(now, live);
        for index in indexes {
            let Some(stream) = self.streams.get(&index) else {
                continue;
            };
            if stream.over || !live(index) {
                self.settle(index, Concern::Frozen, None, &mut changes);
                self.settle(index, Concern::Silent, None, &mut changes);
                continue;
            }
            if now < stream.caught_up() {
                continue;
            }
            let mut frozen = None;
            if let (Some(patience), Some(moved), Some(usual), Some(step)) = (
                stream.patience_for_steps(&self.thresholds),
                stream.moved,
                stream.between.median(),
                stream.step,
            ) && now - moved > patience
            {
                // what is written in blocks may be there already, and only not here
                let usual = match stream.in_bursts() {
                    true => "its lines come in bursts (a buffered output?)".to_owned(),
                    false => format!("usually one comes every {}", span(usual)),
                };
                let seen = format!("no new step for {AGE}: the last is {step}, {usual}");
                frozen = Some((seen, moved));
            }
            let mut silent = None;
            if let (Some(patience), Some(heard)) = (stream.patience(&self.thresholds), stream.heard)
                && now - heard > patience
                && others > 0
            {
                let seen = format!("no output for {AGE} while {others} of the others go on");
                silent = Some((seen, heard));
            }
            for (concern, seen) in [(Concern::Frozen, frozen), (Concern::Silent, silent)] {
                if let Some((seen, since)) = seen {
                    self.settle(index, concern, Some(seen), &mut changes);
                    if let Some(held) = self.concerns.get_mut(&(index, concern)) {
                        held.since = since;
                    }
                }
            }
        }
        changes
    }

    /// Streams that said something lately.
    fn speaking(&self, now: f64, live: &dyn Fn(usize) -> bool) -> usize {
        let t = &self.thresholds;
        let recent = |(index, stream): &(&usize, &Stream)| {
            let usual = stream.pauses.median().unwrap_or(0.0);
            let heard = stream.heard;
            live(**index)
                && heard.is_some_and(|at| now - at <= t.silent_s.max(t.silent_times * usual))
        };
        self.streams.iter().filter(recent).count()
    }

    /// The next time after `now` at which [`Health::tick`] may notice that something does not come.
    pub fn due(&self, now: f64, live: &dyn Fn(usize) -> bool) -> Option<f64> {
        let t = &self.thresholds;
        let waits = self.streams.iter().filter(|s| !s.1.over && live(*s.0));
        let times = waits.flat_map(|(_, stream)| {
            let frozen = stream.moved.zip(stream.patience_for_steps(t));
            let silent = stream.heard.zip(stream.patience(t));
            let caught_up = stream.caught_up();
            let both = [frozen, silent].into_iter().flatten();
            both.map(move |(since, patience)| (since + patience).max(caught_up))
        });
        times.filter(|at| *at > now).min_by(f64::total_cmp)
    }

    /// A concern comes up or goes away; told only if that is news.
    fn settle(
        &mut self,
        stream: usize,
        concern: Concern,
        seen: Option<String>,
        changes: &mut Vec<Change>,
    ) {
        let key = (stream, concern);
        match (self.concerns.contains_key(&key), seen) {
            (false, Some(seen)) => {
                let held = Held {
                    concern,
                    stream,
                    seen: seen.clone(),
                    since: self.now,
                };
                self.concerns.insert(key, held);
                changes.push(Change {
                    concern,
                    stream,
                    seen: Some(seen),
                });
            }
            // known, and put better now
            (true, Some(seen)) => {
                if let Some(held) = self.concerns.get_mut(&key) {
                    held.seen = seen;
                }
            }
            (true, None) => {
                let held = self.concerns.remove(&key);
                self.over.extend(held.filter(|_| self.over.len() < OVER));
                changes.push(Change {
                    concern,
                    stream,
                    seen: None,
                });
            }
            (false, None) => {}
        }
    }

    fn step(&mut self, at: f64, index: usize, record: &Record, changes: &mut Vec<Change>) {
        let Some(stream) = self.streams.get_mut(&index) else {
            return;
        };
        let place = ["step", "epoch_step", "epoch"]
            .iter()
            .find_map(|name| record.number(name));
        let Some(place) = place else { return };
        if stream.step == Some(place) {
            return;
        }
        if let Some(before) = stream.moved {
            stream.between.push(at - before);
        }
        (stream.step, stream.moved) = (Some(place), Some(at));
        self.settle(index, Concern::Frozen, None, changes);
    }

    fn loss(&mut self, index: usize, record: &Record, t: &Thresholds, changes: &mut Vec<Change>) {
        let Some(stream) = self.streams.get_mut(&index) else {
            return;
        };
        let alarm = record
            .text("alarm")
            .filter(|alarm| matches!(*alarm, "nan" | "inf"));
        let Some(loss) = record.number("loss") else {
            if let Some(alarm) = alarm {
                stream.bad += 1;
                let seen = format!("{alarm} {}", place(record));
                self.settle(index, Concern::NotANumber, Some(seen), changes);
            }
            return;
        };
        if !loss.is_finite() {
            stream.bad += 1;
            let seen = format!(
                "the loss is {} {}",
                if loss.is_nan() { "NaN" } else { "infinite" },
                place(record)
            );
            return self.settle(index, Concern::NotANumber, Some(seen), changes);
        }
        if alarm.is_none() {
            stream.bad = 0;
        }
        stream.loss.push(loss, t.plateau_gain);
        let trend = &stream.loss;
        let bad = stream.bad > 0;
        let (now, best) = (trend.now(), trend.best());
        let above = now > best + t.divergence * best.abs().max(1e-9);
        let up = stream.loss.above(above);
        let trend = &stream.loss;
        let judged = trend.points() >= t.warm_up;
        let diverges = judged && up >= t.divergence_points;
        let still = judged && trend.since_best() >= t.plateau_points && !above;
        let since = trend.since_best();
        if !bad {
            self.settle(index, Concern::NotANumber, None, changes);
        }
        let seen = diverges
            .then(|| format!("the loss rises: {now:.4} (smoothed), its best was {best:.4}"));
        if diverges || !above {
            self.settle(index, Concern::Divergence, seen, changes);
        }
        let seen = still
            .then(|| format!("the loss stands still: no lower than {best:.4} in {since} reports"));
        if still || since == 0 {
            self.settle(index, Concern::Plateau, seen, changes);
        }
    }

    fn speed(&mut self, index: usize, record: &Record, t: &Thresholds, changes: &mut Vec<Change>) {
        let n = |name: &str| record.number(name).filter(|n| *n > 0.0 && n.is_finite());
        let speed = n("throughput")
            .or_else(|| n("it_per_s"))
            .or_else(|| n("s_per_it").map(|s| 1.0 / s))
            .or_else(|| n("ms_per_step").map(|ms| 1e3 / ms));
        let (Some(speed), Some(stream)) = (speed, self.streams.get_mut(&index)) else {
            return;
        };
        stream.rate.push(speed);
        if stream.rate.points() < t.warm_up {
            return;
        }
        let (Some(usual), Some(now)) = (stream.rate.median(), stream.rate.recent()) else {
            return;
        };
        if now < t.slow * usual {
            let seen = format!(
                "slower than usual: {:.0} % of its median speed",
                100.0 * now / usual
            );
            self.settle(index, Concern::Slow, Some(seen), changes);
        } else if now > t.recovered * usual {
            self.settle(index, Concern::Slow, None, changes);
        }
    }
}

/// `at step 12`, as far as it is known.
fn place(record: &Record) -> String {
    match (record.number("step"), record.number("epoch")) {
        (Some(step), _) => format!("at step {step}"),
        (None, Some(epoch)) => format!("in epoch {epoch}"),
        _ => "in the last report".to_owned(),
    }
}

/// Seconds per step, as a record has it.
fn pace(record: &Record) -> Option<f64> {
    let n = |name: &str| record.number(name).filter(|n| *n > 0.0 && n.is_finite());
    n("s_per_it")
        .or_else(|| n("it_per_s").map(|per| 1.0 / per))
        .or_else(|| n("ms_per_step").map(|ms| ms / 1e3))
}

/// `40 s`, `12 min`, `3.5 h`.
fn span(seconds: f64) -> String {
    match seconds {
        s if s < 10.0 => format!("{s:.1} s"),
        s if s < 120.0 => format!("{s:.0} s"),
        s if s < 7_200.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3_600.0),
    }
}
