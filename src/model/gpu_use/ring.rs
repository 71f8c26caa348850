//! The last readings of one device, small enough to keep for every device that is looked at.

use std::collections::VecDeque;

use chrono::{DateTime, Utc};

use super::reading::Reading;

/// Readings kept of a device: 40 minutes at one in 20 s.
pub const KEPT: usize = 120;
/// No value.
const NONE: u8 = u8::MAX;

/// One reading, packed into 16 bytes: parts of one in half percents, memory in MiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// Seconds since 1970; good until 2106.
    at: u32,
    used: u32,
    watts: u16,
    celsius: u8,
    activity: u8,
    tensor: u8,
    dram: u8,
}

/// A part of one in half percents. Something is never nothing, and nothing never something.
fn pack(part: Option<f32>) -> u8 {
    match part {
        Some(part) if part > 0.0 => ((part.min(1.0) * 200.0).round() as u8).max(1),
        Some(_) => 0,
        None => NONE,
    }
}

fn unpack(part: u8) -> Option<f32> {
    (part != NONE).then(|| f32::from(part) / 200.0)
}

impl Sample {
    fn new(at: DateTime<Utc>, reading: &Reading) -> Self {
        Self {
            at: u32::try_from(at.timestamp()).unwrap_or(0),
            used: reading.used.map_or(u32::MAX, |mib| mib as u32),
            watts: reading.watts.map_or(u16::MAX, |w| w.round() as u16),
            celsius: reading.celsius.map_or(NONE, |c| (c.round() as u8).min(254)),
            activity: pack(reading.activity().map(|(part, _)| part)),
            tensor: pack(reading.tensor),
            dram: pack(reading.dram),
        }
    }

    pub fn at(&self) -> DateTime<Utc> {
        DateTime::from_timestamp(self.at.into(), 0).unwrap_or_default()
    }

    /// How busy it was, 0..1.
    pub fn activity(&self) -> Option<f32> {
        unpack(self.activity)
    }

    pub fn tensor(&self) -> Option<f32> {
        unpack(self.tensor)
    }

    pub fn dram(&self) -> Option<f32> {
        unpack(self.dram)
    }

    /// Memory in use, in MiB.
    pub fn used(&self) -> Option<u32> {
        (self.used != u32::MAX).then_some(self.used)
    }

    pub fn watts(&self) -> Option<u16> {
        (self.watts != u16::MAX).then_some(self.watts)
    }

    pub fn celsius(&self) -> Option<u8> {
        (self.celsius != NONE).then_some(self.celsius)
    }
}

/// The last [`KEPT`] readings, oldest first.
#[derive(Debug, Clone, Default)]
pub struct Ring(VecDeque<Sample>);

impl Ring {
    pub(super) fn push(&mut self, at: DateTime<Utc>, reading: &Reading) {
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back(Sample::new(at, reading));
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Sample> + ExactSizeIterator {
        self.0.iter()
    }

    /// One value for each of the last `columns` spans of `step` seconds up to `now`: the most of each span, `NaN`
    /// where nothing was read in it. For a sparkline whose width is time.
    pub fn spans(
        &self,
        now: DateTime<Utc>,
        step: u32,
        columns: usize,
        value: impl Fn(&Sample) -> Option<f32>,
    ) -> Vec<f64> {
        let mut out = vec![f64::NAN; columns];
        let now = now.timestamp();
        for sample in &self.0 {
            let age = (now - i64::from(sample.at)).max(0) as u64 / u64::from(step.max(1));
            let Some(at) = usize::try_from(age)
                .ok()
                .and_then(|age| columns.checked_sub(age + 1))
            else {
                continue;
            };
            if let Some(value) = value(sample) {
                out[at] = out[at].max(value.into());
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn a_sample_is_sixteen_bytes_and_keeps_what_matters() {
        assert_eq!(size_of::<Sample>(), 16);
        let reading = Reading {
            engine: Some(0.0001),
            tensor: Some(0.0),
            used: Some(81_559.0),
            watts: Some(698.6),
            celsius: Some(71.4),
            ..Reading::default()
        };
        let at = DateTime::UNIX_EPOCH + TimeDelta::seconds(1_795_435_200);
        let sample = Sample::new(at, &reading);
        assert_eq!(sample.activity(), Some(0.005), "something is not nothing");
        assert_eq!((sample.tensor(), sample.dram()), (Some(0.0), None));
        let rest = (sample.used(), sample.watts(), sample.celsius(), sample.at());
        assert_eq!(rest, (Some(81_559), Some(699), Some(71), at));
    }

    #[test]
    fn it_forgets_the_oldest_and_shows_gaps_as_gaps() {
        let mut ring = Ring::default();
        let start = DateTime::UNIX_EPOCH;
        for n in 0..200 {
            let reading = Reading {
                util: Some(n as f32 / 200.0),
                ..Reading::default()
            };
            ring.push(start + TimeDelta::seconds(n * 20), &reading);
        }
        assert_eq!(ring.len(), KEPT);
        let now = start + TimeDelta::seconds(199 * 20 + 50);
        let spans = ring.spans(now, 40, 4, Sample::activity);
        assert_eq!(spans[..3], [0.975, 0.985, 0.995].map(|v: f32| f64::from(v)));
        assert!(spans[3].is_nan(), "the newest is 50 s old");
        assert!(
            ring.spans(now, 1, 3, Sample::activity)
                .iter()
                .all(|v| v.is_nan())
        );
    }
}
