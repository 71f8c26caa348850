//! Sets of completion indexes as the API writes them: `"1,3-5,7"`, kept as ordered intervals.

use std::fmt;

/// Ordered, disjoint, non-adjacent closed intervals.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Indexes(Vec<(u32, u32)>);

impl Indexes {
    /// Reads the API's form; what is malformed or not below `completions` is left out.
    pub fn parse(text: &str, completions: u32) -> Self {
        let mut set = Vec::new();
        for part in text.split(',').filter(|p| !p.is_empty()) {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (Ok(first), Ok(last)) = (first.parse::<u32>(), last.parse::<u32>()) else {
                continue;
            };
            if first >= completions {
                break;
            }
            set.push((first, last.min(completions.saturating_sub(1))));
        }
        Self::from_intervals(set)
    }

    fn from_intervals(mut all: Vec<(u32, u32)>) -> Self {
        all.sort_unstable();
        let mut merged: Vec<(u32, u32)> = Vec::with_capacity(all.len());
        for (first, last) in all {
            match merged.last_mut() {
                Some(end) if first <= end.1.saturating_add(1) => end.1 = end.1.max(last),
                _ => merged.push((first, last)),
            }
        }
        Self(merged)
    }

    /// The union with single indexes.
    pub fn with(&self, more: impl IntoIterator<Item = u32>) -> Self {
        let mut all = self.0.clone();
        all.extend(more.into_iter().map(|i| (i, i)));
        Self::from_intervals(all)
    }

    pub fn union(&self, other: &Self) -> Self {
        let mut all = self.0.clone();
        all.extend_from_slice(&other.0);
        Self::from_intervals(all)
    }

    pub fn total(&self) -> usize {
        self.0.iter().map(|(a, b)| (b - a + 1) as usize).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn has(&self, index: u32) -> bool {
        let at = self.0.partition_point(|(_, last)| *last < index);
        self.0.get(at).is_some_and(|(first, _)| *first <= index)
    }

    /// How many indexes both sets hold.
    pub fn overlap(&self, other: &Self) -> usize {
        let (mut a, mut b, mut sum) = (0, 0, 0);
        while let (Some(x), Some(y)) = (self.0.get(a), other.0.get(b)) {
            let (first, last) = (x.0.max(y.0), x.1.min(y.1));
            if first <= last {
                sum += (last - first + 1) as usize;
            }
            if x.1 <= y.1 {
                a += 1;
            }
            if y.1 <= x.1 {
                b += 1;
            }
        }
        sum
    }

    /// The `count` lowest indexes below `completions` that are not in the set.
    pub fn lowest_missing(&self, count: usize, completions: u32) -> Vec<u32> {
        let mut found = Vec::with_capacity(count.min(completions as usize));
        let mut next = 0;
        for &(first, last) in &self.0 {
            found.extend((next..first.min(completions)).take(count - found.len()));
            next = last.saturating_add(1);
        }
        if next < completions {
            found.extend((next..completions).take(count - found.len()));
        }
        found
    }
}

impl fmt::Display for Indexes {
    /// A range only from three neighbours on, as the real controller writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (first, last)) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(",")?;
            }
            write!(f, "{first}")?;
            if last > first {
                let mark = if *last == first + 1 { ',' } else { '-' };
                write!(f, "{mark}{last}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case(&[], "")]
    #[case(&[3], "3")]
    #[case(&[3, 4], "3,4")]
    #[case(&[1, 3, 4, 5, 7], "1,3-5,7")]
    #[case(&[5, 0, 1, 2], "0-2,5")]
    fn the_text_form(#[case] indexes: &[u32], #[case] text: &str) {
        assert_eq!(Indexes::default().with(indexes.to_vec()).to_string(), text);
    }

    #[test]
    fn parsing_forgives_and_cuts_at_completions() {
        assert_eq!(Indexes::parse("0,x,2-9,12", 6).to_string(), "0,2-5");
        assert!(Indexes::parse("", 6).is_empty());
    }

    #[test]
    fn overlaps_are_counted() {
        let (a, b) = (Indexes::parse("0-4,8", 10), Indexes::parse("3-8", 10));
        assert_eq!(a.overlap(&b), 3);
    }

    proptest! {
        #[test]
        fn agrees_with_a_plain_set(set in prop::collection::btree_set(0u32..60, 0..40), count in 0usize..20) {
            let indexes = Indexes::default().with(set.iter().copied());
            prop_assert_eq!(indexes.total(), set.len());
            prop_assert_eq!(&Indexes::parse(&indexes.to_string(), 60), &indexes);
            prop_assert!((0..60).all(|i| indexes.has(i) == set.contains(&i)));
            let free: Vec<u32> = (0..60).filter(|i| !set.contains(i)).take(count).collect();
            prop_assert_eq!(indexes.lowest_missing(count, 60), free);
        }
    }
}
