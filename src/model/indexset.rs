//! A set of completion indexes as ranges, as `status.completedIndexes` writes it: `"1,3-5,7"`.

/// Ascending, non-touching, inclusive ranges. 100,000 indexes in three runs cost three entries.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct IndexSet(Vec<(u32, u32)>);

impl IndexSet {
    /// Reads the status form; malformed parts and indexes ≥ `completions` are ignored (domain: the controller does so).
    pub fn parse(text: &str, completions: Option<u32>) -> Self {
        let last = completions.map_or(u32::MAX, |n| n.saturating_sub(1));
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        if completions == Some(0) {
            return Self(ranges);
        }
        for part in text.split(',') {
            let (from, to) = part.split_once('-').unwrap_or((part, part));
            let (Ok(from), Ok(to)) = (from.trim().parse::<u32>(), to.trim().parse::<u32>()) else {
                continue;
            };
            if from <= to && from <= last {
                ranges.push((from, to.min(last)));
            }
        }
        ranges.sort_unstable();
        let mut merged: Vec<(u32, u32)> = Vec::with_capacity(ranges.len());
        for (from, to) in ranges {
            match merged.last_mut() {
                Some(end) if from <= end.1.saturating_add(1) => end.1 = end.1.max(to),
                _ => merged.push((from, to)),
            }
        }
        Self(merged)
    }

    pub fn contains(&self, index: u32) -> bool {
        let at = self.0.partition_point(|&(from, _)| from <= index);
        at > 0 && index <= self.0[at - 1].1
    }

    /// Number of indexes.
    pub fn len(&self) -> u32 {
        self.0.iter().map(|(from, to)| to - from + 1).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn ranges(&self) -> &[(u32, u32)] {
        &self.0
    }

    /// How many of `from..=to` are in the set (for heat-map blocks).
    pub fn count_in(&self, from: u32, to: u32) -> u32 {
        let start = self.0.partition_point(|&(_, end)| end < from);
        self.0[start..]
            .iter()
            .take_while(|&&(f, _)| f <= to)
            .map(|&(f, t)| t.min(to) - f.max(from) + 1)
            .sum()
    }
}

impl std::fmt::Display for IndexSet {
    /// As the Job controller writes it: a range only for three or more neighbours.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (i, &(from, to)) in self.0.iter().enumerate() {
            let comma = if i == 0 { "" } else { "," };
            match to - from {
                0 => write!(f, "{comma}{from}")?,
                1 => write!(f, "{comma}{from},{to}")?,
                _ => write!(f, "{comma}{from}-{to}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_the_status_form() {
        let set = IndexSet::parse("1,3-5,7", Some(10));
        assert_eq!(
            (set.len(), set.contains(4), set.contains(6), set.to_string()),
            (5, true, false, "1,3-5,7".into())
        );
        assert_eq!(IndexSet::parse("3,4", None).to_string(), "3,4");
        assert_eq!(IndexSet::parse("x,2,-,9-1,11", Some(10)).to_string(), "2");
        assert_eq!(IndexSet::parse("", Some(10)), IndexSet::default());
        assert_eq!(IndexSet::parse("0-99", Some(10)).count_in(8, 20), 2);
    }
}
