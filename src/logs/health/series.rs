//! What is remembered of a series: a smoothed value with its best, a median over the last few hundred points. Both
//! bounded, whatever the length of the run.

use std::collections::VecDeque;

/// Smoothing: the weight of a new point.
const WEIGHT: f64 = 0.1;
/// Points a median is of.
const KEPT: usize = 301;
/// Points that are now.
const RECENT: usize = 5;

/// A smoothed series and its lowest point.
#[derive(Debug, Default)]
pub struct Trend {
    smooth: Option<f64>,
    best: Option<f64>,
    points: usize,
    since_best: usize,
    above: usize,
}

impl Trend {
    /// A new point; only lower by `gain` (a part of it) is better.
    pub fn push(&mut self, value: f64, gain: f64) {
        // The mean at first, so that an odd beginning does not weigh too much.
        let weight = WEIGHT.max(1.0 / (self.points as f64 + 1.0));
        let smooth = self
            .smooth
            .map_or(value, |smooth| smooth + weight * (value - smooth));
        self.smooth = Some(smooth);
        self.points += 1;
        match self.best {
            Some(best) if smooth >= best - gain * best.abs() => self.since_best += 1,
            _ => (self.best, self.since_best) = (Some(smooth), 0),
        }
    }

    /// Counts the points in a row for which `is` held.
    pub fn above(&mut self, is: bool) -> usize {
        self.above = if is { self.above + 1 } else { 0 };
        self.above
    }

    pub fn now(&self) -> f64 {
        self.smooth.unwrap_or(0.0)
    }

    pub fn best(&self) -> f64 {
        self.best.unwrap_or(0.0)
    }

    pub fn points(&self) -> usize {
        self.points
    }

    pub fn since_best(&self) -> usize {
        self.since_best
    }
}

/// The last points, for medians.
#[derive(Debug, Default)]
pub struct Rate {
    kept: VecDeque<f64>,
}

impl Rate {
    pub fn push(&mut self, value: f64) {
        if self.kept.len() == KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back(value);
    }

    pub fn points(&self) -> usize {
        self.kept.len()
    }

    pub fn median(&self) -> Option<f64> {
        middle(self.kept.iter().copied().collect())
    }

    /// The greatest of those kept; 0 without any.
    pub fn longest(&self) -> f64 {
        self.kept.iter().copied().fold(0.0, f64::max)
    }

    /// How many of those kept are not greater.
    pub fn at_most(&self, value: f64) -> usize {
        self.kept.iter().filter(|kept| **kept <= value).count()
    }

    /// The median of the last few.
    pub fn recent(&self) -> Option<f64> {
        middle(self.kept.iter().rev().take(RECENT).copied().collect())
    }
}

fn middle(mut values: Vec<f64>) -> Option<f64> {
    if values.is_empty() {
        return None;
    }
    let at = values.len() / 2;
    Some(*values.select_nth_unstable_by(at, f64::total_cmp).1)
}
