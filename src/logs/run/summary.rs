//! A run in a few words and a sparkline: what a row of a table and a status line can hold. Separate so that who shows
//! it needs none of the curves.

use super::{Aim, Progress, Run, Series, Side, aim};

/// Values of a sparkline.
pub const SPARK: usize = 32;

/// What is told of a run elsewhere than in its charts.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Summary {
    pub progress: Progress,
    /// The curve it is about: `loss`, or what there is instead.
    pub name: String,
    pub last: Option<(f64, f64)>,
    /// x and value.
    pub best: Option<(f64, f64)>,
    /// The newest start of that curve, oldest first; not a number where nothing was said.
    pub spark: Vec<f64>,
    /// Reports that curve is made of.
    pub points: u64,
    /// What is wrong with it, in words.
    pub concern: Option<String>,
}

impl Run {
    /// The curve a run is told by: the leading source's most telling one.
    pub fn headline(&self) -> Option<&Series> {
        let leader = self.leader()?;
        let name = *self.names().first()?;
        let of = self.named(name);
        of.iter()
            .find(|s| s.source == leader && s.side == Side::Train)
            .or_else(|| of.first())
            .copied()
    }

    pub fn summary(&self) -> Option<Summary> {
        let progress = self.progress();
        let Some(series) = self.headline() else {
            return (progress.fraction.is_some()).then(|| Summary {
                progress,
                ..Summary::default()
            });
        };
        Some(Summary {
            progress,
            name: series.name.to_string(),
            last: series.last,
            best: series.best,
            spark: spark(series),
            points: series.count,
            concern: None,
        })
    }
}

/// The newest segment in so many values: of each part the one that is worse, so that a spike is not lost.
fn spark(series: &Series) -> Vec<f64> {
    let all = series.points.all();
    let Some(last) = all.last() else {
        return Vec::new();
    };
    let start = all.partition_point(|p| p.segment < last.segment);
    let points = &all[start..];
    if points.len() <= SPARK {
        return points.iter().map(|p| p.y).collect();
    }
    let (low, span) = (points[0].x, (last.x - points[0].x).max(f64::MIN_POSITIVE));
    let mut parts = vec![f64::NAN; SPARK];
    for point in points {
        let at = (((point.x - low) / span * SPARK as f64) as usize).min(SPARK - 1);
        let part = &mut parts[at];
        *part = match aim(&series.name) {
            Aim::High => part.min(point.y),
            Aim::Low | Aim::Nothing => part.max(point.y),
        };
    }
    // The end is where it is now, whatever came shortly before.
    parts[SPARK - 1] = last.y;
    parts
}
