//! The points of one curve in bounded memory: full resolution while it fits, then extrema of neighbours. Separate
//! because what may be forgotten is a law of its own: never the first, the last, the least, the greatest, nor a gap.

/// Points kept per curve; 24 bytes each, so a curve never takes more than 48 KiB.
pub const MOST: usize = 2048;
/// Neighbours made two (three with a gap among them) when there are too many.
const GROUP: usize = 4;

/// One value at a place of the run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Step, or what stands for it.
    pub x: f64,
    /// May be not a number: a gap, but one that was said.
    pub y: f64,
    /// Which start of the run it belongs to; between two the curve is broken.
    pub segment: u32,
}

/// A curve: by segment, and in each by x.
#[derive(Debug, Clone, Default)]
pub struct Points {
    points: Vec<Point>,
}

impl Points {
    pub fn all(&self) -> &[Point] {
        &self.points
    }

    pub fn last(&self) -> Option<&Point> {
        self.points.last()
    }

    /// Memory it takes, in bytes.
    pub fn bytes(&self) -> usize {
        self.points.capacity() * size_of::<Point>()
    }

    /// Adds a point behind the others; the same place said again replaces what it said. What lies before the last
    /// point of its segment is left out: it was there already, or is another process's word on the same step.
    pub fn push(&mut self, point: Point) -> bool {
        if !point.x.is_finite() {
            return false;
        }
        if let Some(last) = self.points.last_mut() {
            if last.segment > point.segment || last.segment == point.segment && point.x < last.x {
                return false;
            }
            if last.segment == point.segment && last.x == point.x {
                let news = last.y.to_bits() != point.y.to_bits();
                last.y = point.y;
                return news;
            }
        }
        if self.points.len() >= MOST {
            self.thin();
        }
        self.points.push(point);
        true
    }

    /// The same in at most so many points.
    pub fn thinned(&self, most: usize) -> Self {
        let mut thinned = self.clone();
        // Each time at least a quarter goes.
        for _ in 0..16 {
            if thinned.points.len() <= most {
                break;
            }
            thinned.thin();
        }
        thinned.points.shrink_to_fit();
        thinned
    }

    /// All x times a factor: the unit of the axis became known.
    pub fn rescale(&mut self, factor: f64) {
        for point in &mut self.points {
            point.x *= factor;
        }
    }

    /// Half as many points: of neighbours in a segment the least and the greatest, and a gap if there was one.
    fn thin(&mut self) {
        let mut kept: Vec<Point> = Vec::with_capacity(MOST);
        for segment in self.points.chunk_by(|a, b| a.segment == b.segment) {
            let Some((first, rest)) = segment.split_first() else {
                continue;
            };
            kept.push(*first);
            let Some((last, middle)) = rest.split_last() else {
                continue;
            };
            for group in middle.chunks(GROUP) {
                let finite = || group.iter().enumerate().filter(|(_, p)| p.y.is_finite());
                let least = finite().min_by(|a, b| a.1.y.total_cmp(&b.1.y));
                let most = finite().max_by(|a, b| a.1.y.total_cmp(&b.1.y));
                let gap = group.iter().enumerate().find(|(_, p)| !p.y.is_finite());
                let mut chosen = [least, most, gap].map(|found| found.map(|(at, _)| at));
                chosen.sort_unstable();
                let mut before = None;
                for at in chosen.into_iter().flatten() {
                    if before != Some(at) {
                        kept.push(group[at]);
                    }
                    before = Some(at);
                }
            }
            kept.push(*last);
        }
        // A run that is started again all the time: its oldest starts go.
        if kept.len() > MOST / 8 * 7 {
            kept.drain(..kept.len() - MOST / 2);
        }
        self.points = kept;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn point(x: f64, y: f64) -> Point {
        Point { x, y, segment: 0 }
    }

    #[test]
    fn the_same_place_again_is_no_second_point() {
        let mut points = Points::default();
        assert!(points.push(point(1.0, 2.0)));
        assert!(!points.push(point(1.0, 2.0)));
        assert!(points.push(point(1.0, 3.0)));
        assert!(!points.push(point(0.5, 9.0)));
        assert_eq!(points.all(), [point(1.0, 3.0)]);
    }

    proptest! {
        #[test]
        fn ends_and_extrema_survive_and_memory_is_bounded(
            ys in proptest::collection::vec(prop_oneof![20 => -1e6f64..1e6, 1 => Just(f64::NAN)], 1..20_000),
        ) {
            let mut points = Points::default();
            for (n, y) in ys.iter().enumerate() {
                points.push(point(n as f64, *y));
            }
            let kept = points.all();
            prop_assert!(kept.len() <= MOST && points.bytes() <= 2 * MOST * size_of::<Point>());
            prop_assert!(kept.windows(2).all(|two| two[0].x < two[1].x));
            let same = |a: f64, b: f64| a == b || a.is_nan() && b.is_nan();
            prop_assert!(same(kept[0].y, ys[0]) && same(kept[kept.len() - 1].y, ys[ys.len() - 1]));
            let least = |ys: &mut dyn Iterator<Item = f64>| ys.fold(f64::INFINITY, f64::min);
            let most = |ys: &mut dyn Iterator<Item = f64>| ys.fold(f64::NEG_INFINITY, f64::max);
            prop_assert_eq!(least(&mut kept.iter().map(|p| p.y)), least(&mut ys.iter().copied()));
            prop_assert_eq!(most(&mut kept.iter().map(|p| p.y)), most(&mut ys.iter().copied()));
            prop_assert_eq!(kept.iter().any(|p| p.y.is_nan()), ys.iter().any(|y| y.is_nan()));
        }

        #[test]
        fn a_run_that_starts_again_all_the_time_stays_bounded(starts in 1usize..6_000) {
            let mut points = Points::default();
            for n in 0..starts {
                for x in 0..2 {
                    points.push(Point { x: f64::from(x), y: 1.0, segment: n as u32 });
                }
            }
            prop_assert!(points.all().len() <= MOST);
            prop_assert_eq!(points.last().map(|p| p.segment), Some(starts as u32 - 1));
        }
    }
}
