//! A time in four bytes, or none: rows of which there are a hundred thousand have several.

use chrono::{DateTime, Utc};

/// Whole seconds, as the API writes them, between 1970 and 2106; what is outside of that becomes its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Moment(u32);

impl Moment {
    pub const NONE: Self = Self(0);

    pub fn get(self) -> Option<DateTime<Utc>> {
        match self.0 {
            0 => None,
            seconds => DateTime::from_timestamp(seconds.into(), 0),
        }
    }

    /// Seconds since 1970; 0 for none.
    pub fn seconds(self) -> u32 {
        self.0
    }

    pub fn is_some(self) -> bool {
        self.0 > 0
    }

    pub fn is_none(self) -> bool {
        self.0 == 0
    }
}

impl From<Option<DateTime<Utc>>> for Moment {
    fn from(at: Option<DateTime<Utc>>) -> Self {
        Self(at.map_or(0, |at| {
            u32::try_from(at.timestamp().max(1)).unwrap_or(u32::MAX)
        }))
    }
}

impl From<DateTime<Utc>> for Moment {
    fn from(at: DateTime<Utc>) -> Self {
        Some(at).into()
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("2026-11-30T08:00:01Z", "2026-11-30T08:00:01Z")]
    #[case("2026-11-30T08:00:01.75Z", "2026-11-30T08:00:01Z")]
    #[case("1969-12-31T00:00:00Z", "1970-01-01T00:00:01Z")]
    #[case("2107-01-01T00:00:00Z", "2106-02-07T06:28:15Z")]
    fn seconds_stay(#[case] given: &str, #[case] want: &str) {
        let at: DateTime<Utc> = given.parse().unwrap();
        let want: DateTime<Utc> = want.parse().unwrap();
        assert_eq!(Moment::from(at).get(), Some(want));
    }

    #[test]
    fn none_is_none() {
        assert_eq!(Moment::from(None).get(), None);
        assert!(Moment::NONE.is_none() && !Moment::NONE.is_some());
        assert!(Moment::NONE < Moment::from(DateTime::UNIX_EPOCH));
    }
}
