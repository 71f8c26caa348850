//! Curves that cover each other (the ranks of one training, mostly) as one: a mean with the band they lie in. Separate
//! because what counts as the same is a judgement, and nothing else depends on it.

use super::{Point, Series};

/// How far a curve may be from another, as a part of what that one spans…
const NEAR: f64 = 0.03;
/// …or of its values, where it hardly moves.
const NEAR_VALUE: f64 = 0.003;
/// Of its parts so many have to be near.
const ALIKE: f64 = 0.95;
/// Points two curves have to share before they are compared at all.
const SHARED: usize = 3;
/// Parts they are compared in, at most.
const PARTS: usize = 64;

/// One or several curves drawn as one.
#[derive(Debug, Clone, PartialEq)]
pub struct Bundle {
    /// Which of the given curves.
    pub members: Vec<usize>,
    /// x and the mean; not a number where the line breaks.
    pub points: Vec<(f64, f64)>,
    /// x, least and greatest; empty for one curve alone.
    pub band: Vec<(f64, f64, f64)>,
}

/// Puts curves together that cover each other; of train with train and eval with eval only.
pub fn bundles(all: &[&Series]) -> Vec<Bundle> {
    let mut taken = vec![false; all.len()];
    let mut found = Vec::new();
    for first in 0..all.len() {
        if taken[first] {
            continue;
        }
        let mut members = vec![first];
        for other in first + 1..all.len() {
            let same = all[first].side == all[other].side && all[first].name == all[other].name;
            if !taken[other] && same && is_near(all[first], all[other]) {
                taken[other] = true;
                members.push(other);
            }
        }
        found.push(bundle(all, members));
    }
    found
}

/// One curve as it is.
pub fn alone(all: &[&Series], which: usize) -> Bundle {
    bundle(all, vec![which])
}

fn bundle(all: &[&Series], members: Vec<usize>) -> Bundle {
    // The x of the one that tells most.
    let lead = members.iter().max_by_key(|m| all[**m].points.all().len());
    let lead = lead.map_or(&[][..], |m| all[*m].points.all());
    let mut walks: Vec<Walk> = members
        .iter()
        .map(|m| Walk::new(all[*m].points.all()))
        .collect();
    let several = members.len() > 1;
    let (mut points, mut band) = (Vec::with_capacity(lead.len()), Vec::new());
    let mut segment = lead.first().map_or(0, |p| p.segment);
    for point in lead {
        if point.segment != segment {
            // Another start is no line back to it.
            points.push((point.x, f64::NAN));
            band.push((point.x, f64::NAN, f64::NAN));
            segment = point.segment;
        }
        if !several {
            points.push((point.x, point.y));
            continue;
        }
        let (mut sum, mut count) = (0.0, 0.0);
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for y in walks.iter_mut().filter_map(|walk| walk.at(point)) {
            sum += y;
            count += 1.0;
            (low, high) = (low.min(y), high.max(y));
        }
        let mean = if count > 0.0 { sum / count } else { f64::NAN };
        points.push((point.x, mean));
        if low < high {
            band.push((point.x, low, high));
        }
    }
    if !several {
        band.clear();
    }
    Bundle {
        members,
        points,
        band,
    }
}

/// Whether one cannot be told from the other: of parts of what both cover the means are near, or nearer than each
/// jumps about by itself.
fn is_near(a: &Series, b: &Series) -> bool {
    let (Some(a), Some(b)) = (newest(a), newest(b)) else {
        return false;
    };
    let low = a[0].x.max(b[0].x);
    let high = a[a.len() - 1].x.min(b[b.len() - 1].x);
    let inside = |p: &&Point| p.x >= low && p.x <= high && p.y.is_finite();
    let shared = a
        .iter()
        .filter(inside)
        .count()
        .min(b.iter().filter(inside).count());
    if shared < SHARED {
        return false;
    }
    let parts = (shared / 4).clamp(SHARED, PARTS);
    let (a, b) = (in_parts(a, low, high, parts), in_parts(b, low, high, parts));
    let both: Vec<(Part, Part)> = a
        .into_iter()
        .zip(b)
        .filter(|(a, b)| a.count > 0.0 && b.count > 0.0)
        .collect();
    let means = || both.iter().map(|(a, _)| a.mean());
    let (least, most) = (
        means().fold(f64::INFINITY, f64::min),
        means().fold(f64::NEG_INFINITY, f64::max),
    );
    let far = (NEAR * (most - least)).max(NEAR_VALUE * least.abs().max(most.abs()));
    let near = both.iter().filter(|(a, b)| {
        let jumps = ((a.high - a.low) / 2.0).min((b.high - b.low) / 2.0);
        (a.mean() - b.mean()).abs() <= far.max(jumps)
    });
    near.count() as f64 >= ALIKE * both.len() as f64
}

/// The points of the newest start.
fn newest(series: &Series) -> Option<&[Point]> {
    let all = series.points.all();
    let last = all.last()?;
    Some(&all[all.partition_point(|p| p.segment < last.segment)..])
}

/// Points of a part of x, in short.
#[derive(Debug, Clone, Copy)]
struct Part {
    sum: f64,
    count: f64,
    low: f64,
    high: f64,
}

impl Part {
    const NONE: Part = Part {
        sum: 0.0,
        count: 0.0,
        low: f64::INFINITY,
        high: f64::NEG_INFINITY,
    };

    fn mean(&self) -> f64 {
        self.sum / self.count
    }
}

fn in_parts(points: &[Point], low: f64, high: f64, parts: usize) -> Vec<Part> {
    let mut all = vec![Part::NONE; parts];
    let span = (high - low).max(f64::MIN_POSITIVE);
    for point in points.iter().filter(|p| p.y.is_finite()) {
        if point.x < low || point.x > high {
            continue;
        }
        let at = ((point.x - low) / span * parts as f64) as usize;
        let part = &mut all[at.min(parts - 1)];
        part.sum += point.y;
        part.count += 1.0;
        part.low = part.low.min(point.y);
        part.high = part.high.max(point.y);
    }
    all
}

/// Values of a curve at the places of another, asked in their order.
struct Walk<'a> {
    points: &'a [Point],
    at: usize,
}

impl<'a> Walk<'a> {
    fn new(points: &'a [Point]) -> Self {
        Self { points, at: 0 }
    }

    /// The value there, between two points in proportion; `None`: it says nothing there.
    fn at(&mut self, place: &Point) -> Option<f64> {
        let before = |p: &Point| (p.segment, p.x) < (place.segment, place.x);
        while self.points.get(self.at).is_some_and(before) {
            self.at += 1;
        }
        let next = self.points.get(self.at)?;
        if next.segment != place.segment {
            return None;
        }
        if next.x == place.x {
            return next.y.is_finite().then_some(next.y);
        }
        let last = &self.points[self.at.checked_sub(1)?];
        if last.segment != place.segment || !last.y.is_finite() || !next.y.is_finite() {
            return None;
        }
        let part = (place.x - last.x) / (next.x - last.x);
        let y = last.y + (next.y - last.y) * part;
        y.is_finite().then_some(y)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Run, Side};
    use super::*;
    use crate::logs::metrics::Reader;

    /// Ranks of one run: each with its own line per step.
    fn run(loss: impl Fn(u32, u32) -> f64) -> Run {
        let mut run = Run::default();
        let mut reader = Reader::default();
        for step in 1..=100 {
            for rank in 0..4 {
                let line = format!("[rank{rank}]: step {step} loss {:.5}", loss(rank, step));
                let record = reader.read(&line).unwrap();
                run.record(rank as usize, Some(f64::from(step)), &record);
            }
        }
        run
    }

    fn falling(step: u32) -> f64 {
        1.0 + 3.0 / f64::from(step)
    }

    #[test]
    fn ranks_that_say_the_same_are_one_curve_with_its_band() {
        let run = run(|rank, step| falling(step) + f64::from(rank) * 0.01);
        let found = bundles(&run.named("loss"));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].members, [0, 1, 2, 3]);
        let (x, mean) = found[0].points[49];
        assert_eq!(x, 50.0);
        assert!((mean - falling(50) - 0.015).abs() < 1e-4, "{mean}");
        let (x, low, high) = found[0].band[49];
        assert_eq!(x, 50.0);
        assert!((low - falling(50)).abs() < 1e-4 && (high - falling(50) - 0.03).abs() < 1e-4);
    }

    #[test]
    fn one_that_goes_its_own_way_stays_apart() {
        let run = run(|rank, step| match rank {
            2 if step > 40 => falling(step) + 1.0,
            _ => falling(step),
        });
        let found = bundles(&run.named("loss"));
        let members: Vec<_> = found.iter().map(|b| b.members.clone()).collect();
        assert_eq!(members, [vec![0, 1, 3], vec![2]]);
        assert!(found[1].band.is_empty());
        assert_eq!(found[1].points.len(), 100);
    }

    #[test]
    fn noise_of_each_rank_makes_no_difference_but_a_level_does() {
        let noise = |rank: u32, step: u32| f64::from((step * 7919 + rank * 104_729) % 101) / 500.0;
        let one = run(|rank, step| falling(step) + noise(rank, step));
        assert_eq!(bundles(&one.named("loss")).len(), 1);
        let two =
            run(|rank, step| falling(step) + noise(rank, step) + if rank > 1 { 0.5 } else { 0.0 });
        let found = bundles(&two.named("loss"));
        let members: Vec<_> = found.iter().map(|b| b.members.clone()).collect();
        assert_eq!(members, [vec![0, 1], vec![2, 3]]);
    }

    #[test]
    fn evaluation_is_never_put_to_training() {
        let mut run = Run::default();
        let mut reader = Reader::default();
        for step in 1..=20 {
            for line in [format!("step {step} loss 2.0"), "eval_loss: 2.0".to_owned()] {
                run.record(0, Some(f64::from(step)), &reader.read(&line).unwrap());
            }
        }
        let all = run.named("loss");
        assert_eq!(all.iter().filter(|s| s.side == Side::Eval).count(), 1);
        assert_eq!(bundles(&all).len(), 2);
    }
}
