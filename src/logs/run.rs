//! One training run as curves: from the records of its streams a series per stream, rank, name and side, in bounded
//! memory, with best and last value, how far it is and how long it still takes. Pure: no clock, no terminal.

mod bundle;
mod csv;
mod meaning;
mod place;
mod points;
mod reader;
mod reading;
mod summary;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};

use super::metrics::Record;
pub use bundle::{Bundle, alone, bundles};
pub use csv::csv;
pub use meaning::{Aim, Side, aim};
pub use place::Axis;
use place::Places;
pub use points::{Point, Points};
pub use reader::{Said, StreamReader};
pub use reading::Reading;
pub use summary::Summary;

/// Curves kept of one run; with [`points::MOST`] points each that is 6 MiB at the worst. Later ones are left out.
pub const MOST_SERIES: usize = 128;
/// Curves and points of each that are kept of a run nobody looks at any more.
const LEAN_SERIES: usize = 24;
const LEAN_POINTS: usize = 512;
/// Moments remembered to tell the speed from.
const MOMENTS: usize = 64;

/// Who speaks: a stream as the caller numbers them, and the rank its lines name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Source {
    pub stream: usize,
    pub rank: Option<u32>,
}

/// One curve.
#[derive(Debug, Clone)]
pub struct Series {
    pub source: Source,
    pub name: Box<str>,
    pub side: Side,
    pub points: Points,
    /// The best of all points ever, thinned out or not: x and y. `None` where no value is the better one.
    pub best: Option<(f64, f64)>,
    pub last: Option<(f64, f64)>,
    /// Points ever.
    pub count: u64,
}

impl Series {
    fn add(&mut self, point: Point) {
        if !self.points.push(point) {
            return;
        }
        self.count += 1;
        self.last = Some((point.x, point.y));
        if !point.y.is_finite() {
            return;
        }
        let better = match (aim(&self.name), self.best) {
            (Aim::Nothing, _) => false,
            (_, None) => true,
            (Aim::Low, Some((_, best))) => point.y < best,
            (Aim::High, Some((_, best))) => point.y > best,
        };
        if better {
            self.best = Some((point.x, point.y));
        }
    }
}

/// How far one source is.
#[derive(Debug, Clone, Default)]
struct Track {
    places: Places,
    /// Time and place, the newest last.
    moments: VecDeque<(f64, f64)>,
    /// When the last record came.
    at: Option<f64>,
    /// Seconds left as the program says it, and when it did.
    told: Option<(f64, Option<f64>)>,
    /// Seconds per step as the program says it.
    pace: Option<f64>,
    done: bool,
}

/// How far the run is, as its leading source tells it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Progress {
    pub axis: Axis,
    pub step: Option<f64>,
    pub steps: Option<f64>,
    pub epoch: Option<f64>,
    pub epochs: Option<f64>,
    /// 0 to 1.
    pub fraction: Option<f64>,
    /// Seconds left as of `at`.
    pub left: Option<f64>,
    /// When that was known, in the caller's seconds.
    pub at: Option<f64>,
    pub restarts: u32,
    pub done: bool,
}

/// The model of one run.
#[derive(Debug, Clone, Default)]
pub struct Run {
    tracks: BTreeMap<Source, Track>,
    series: Vec<Series>,
    /// Values left out since there are too many curves already.
    left_out: u64,
}

impl Run {
    /// One record of a stream; `at`: seconds of any beginning, if known. A record from before the last one of its
    /// source is one that is told again, and left out.
    pub fn record(&mut self, stream: usize, at: Option<f64>, record: &Record) {
        let rank = record
            .number("rank")
            .filter(|n| n.fract() == 0.0 && (0.0..1e6).contains(n))
            .map(|n| n as u32);
        let source = Source { stream, rank };
        let track = self.tracks.entry(source).or_default();
        if let (Some(now), Some(before)) = (at, track.at)
            && now < before
        {
            return;
        }
        track.done |= record.has("done");
        let Some(place) = track.places.read(record) else {
            return;
        };
        track.at = at.or(track.at);
        track.time(at, record, place.x, place.rescale);
        if let Some(factor) = place.rescale {
            for series in self.series.iter_mut().filter(|s| s.source == source) {
                series.points.rescale(factor);
                for found in [&mut series.best, &mut series.last].into_iter().flatten() {
                    found.0 *= factor;
                }
            }
        }
        for (field, value) in record.fields() {
            let (Some((name, side)), Some(y)) = (meaning::curve(field), value.number()) else {
                continue;
            };
            let known = self
                .series
                .iter()
                .position(|s| s.source == source && s.side == side && *s.name == *name);
            let at = match known {
                Some(at) => at,
                None if self.series.len() >= MOST_SERIES => {
                    self.left_out += 1;
                    continue;
                }
                None => {
                    self.series.push(Series {
                        source,
                        name: name.into(),
                        side,
                        points: Points::default(),
                        best: None,
                        last: None,
                        count: 0,
                    });
                    self.series.len() - 1
                }
            };
            self.series[at].add(Point {
                x: place.x,
                y,
                segment: place.segment,
            });
        }
    }

    /// What is kept of it when its lines are gone: the curves of the leading source and its evaluations, fewer points.
    pub fn lean(&self) -> Run {
        let leader = self.leader();
        let mut series: Vec<Series> = Vec::new();
        for name in self.names() {
            for side in [Side::Train, Side::Eval] {
                let of = self.named(name);
                let mut of = of.iter().filter(|s| s.side == side);
                let first = of.clone().next();
                let chosen = of.find(|s| Some(s.source) == leader).or(first);
                series.extend(chosen.map(|s| Series {
                    points: s.points.thinned(LEAN_POINTS),
                    ..(*s).clone()
                }));
            }
        }
        series.truncate(LEAN_SERIES);
        let tracks = self.tracks.iter();
        let told = |source: &Source| series.iter().any(|s| s.source == *source);
        Run {
            tracks: tracks
                .filter(|(source, _)| told(source) || Some(**source) == leader)
                .map(|(source, track)| (*source, track.clone()))
                .collect(),
            series,
            left_out: 0,
        }
    }

    /// Reports the curve is made of that it is told by.
    pub fn reports(&self) -> u64 {
        self.headline().map_or(0, |series| series.count)
    }

    pub fn is_empty(&self) -> bool {
        self.series.is_empty()
    }

    pub fn all(&self) -> &[Series] {
        &self.series
    }

    /// Values that are no curve since there are too many already.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// Memory of all curves, in bytes.
    pub fn bytes(&self) -> usize {
        self.series
            .iter()
            .map(|s| s.points.bytes() + size_of::<Series>() + s.name.len())
            .sum()
    }

    /// Names there are curves of, the most telling first.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.series.iter().map(|s| &*s.name).collect();
        names.sort_by_key(|name| (meaning::rank(name), *name));
        names.dedup();
        names
    }

    /// The curves of a name: train before eval, then by stream and rank.
    pub fn named<'a>(&'a self, name: &str) -> Vec<&'a Series> {
        let mut found: Vec<&Series> = self.series.iter().filter(|s| *s.name == *name).collect();
        found.sort_by_key(|s| (s.side, s.source));
        found
    }

    /// The source that tells most of the loss (or of what comes first): the one to believe about progress.
    pub fn leader(&self) -> Option<Source> {
        let name = self.names().first().map(|name| (*name).to_owned());
        let curves = self.series.iter();
        let told = |s: &&Series| name.as_deref() == Some(&*s.name) && s.side == Side::Train;
        let led = curves
            .clone()
            .filter(told)
            .max_by_key(|s| (s.count, std::cmp::Reverse(s.source)));
        led.or_else(|| curves.max_by_key(|s| (s.count, std::cmp::Reverse(s.source))))
            .map(|s| s.source)
            .or_else(|| {
                let any = self.tracks.iter().find(|t| t.1.places.fraction().is_some());
                any.map(|t| *t.0)
            })
    }

    /// What the leading source counts.
    pub fn axis(&self) -> Axis {
        self.leader()
            .and_then(|source| self.tracks.get(&source))
            .map_or(Axis::Record, |track| track.places.axis)
    }

    /// What x has to be multiplied with to be percent of the run, as far as that is known.
    pub fn percent(&self) -> Option<f64> {
        let done = self.progress().fraction.filter(|done| *done > 0.0)?;
        let leader = self.leader()?;
        let of = self.series.iter().filter(|s| s.source == leader);
        let last = of.filter_map(|s| s.last).map(|last| last.0);
        let last = last.max_by(f64::total_cmp).filter(|x| *x > 0.0)?;
        Some(100.0 * done / last)
    }

    /// How far it is, as the leading source tells it; what that one does not say, another of its stream may.
    pub fn progress(&self) -> Progress {
        let Some(leader) = self.leader() else {
            return Progress::default();
        };
        let Some(track) = self.tracks.get(&leader) else {
            return Progress::default();
        };
        let beside = self
            .tracks
            .iter()
            .filter(|(source, track)| {
                source.stream == leader.stream && track.places.fraction().is_some()
            })
            .map(|(_, track)| track)
            .next();
        let told = match track.places.fraction() {
            Some(_) => track,
            None => beside.unwrap_or(track),
        };
        let places = &told.places;
        Progress {
            axis: places.axis,
            step: places.step,
            steps: places.steps,
            epoch: places.epoch,
            epochs: places.epochs,
            fraction: places.fraction(),
            left: told.left(),
            at: told.at,
            restarts: places.restarts,
            done: track.done || told.done,
        }
    }
}

impl Track {
    /// What a record says of the speed.
    fn time(&mut self, at: Option<f64>, record: &Record, x: f64, rescale: Option<f64>) {
        let n = |name: &str| record.number(name).filter(|n| n.is_finite() && *n > 0.0);
        self.pace = n("s_per_it")
            .or_else(|| n("it_per_s").map(|per| 1.0 / per))
            .or_else(|| n("ms_per_step").map(|ms| ms / 1e3))
            .or(self.pace);
        // A bar over the steps of an epoch tells what is left of that.
        let whole = !record.has("epoch_total") && !record.has("eval_step");
        if let Some(eta) = record.number("eta_s").filter(|n| n.is_finite() && whole) {
            self.told = Some((eta, at));
        }
        let Some(at) = at else { return };
        if rescale.is_some() || self.moments.back().is_some_and(|last| x < last.1) {
            self.moments.clear();
        }
        if self.moments.back().is_none_or(|last| x > last.1) {
            if self.moments.len() >= MOMENTS {
                self.moments.pop_front();
            }
            self.moments.push_back((at, x));
        }
    }

    /// Seconds left as of the last record.
    fn left(&self) -> Option<f64> {
        let done = self.places.fraction()?;
        if self.done || done >= 1.0 {
            return Some(0.0);
        }
        if let Some((left, at)) = self.told {
            let since = at.zip(self.at).map_or(0.0, |(then, now)| now - then);
            return Some((left - since).max(0.0));
        }
        let ((t0, x0), (t1, x1)) = (*self.moments.front()?, *self.moments.back()?);
        let total = match (self.places.axis, self.places.steps, self.places.epochs) {
            (Axis::Epoch, _, Some(epochs)) => Some(epochs),
            (Axis::Step, Some(steps), _) if self.places.step.is_some() => Some(steps),
            _ => (done > 0.0).then(|| x1 / done),
        };
        let rest = (total? - x1).max(0.0);
        let measured = (t1 > t0 && x1 > x0).then(|| (t1 - t0) / (x1 - x0));
        measured
            .or(self.pace.filter(|_| self.places.axis == Axis::Step))
            .map(|per| per * rest)
            .filter(|left| left.is_finite())
    }
}
