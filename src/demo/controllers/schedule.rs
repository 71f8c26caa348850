//! Cron schedules as Kubernetes reads them: five fields, `@hourly` and the like, `@every 90s`, a leading `TZ=`.

use chrono::{DateTime, TimeDelta, Utc};
use croner::Cron;

/// A parsed schedule.
#[derive(Debug, Clone)]
pub enum Schedule {
    Cron(Box<Cron>),
    Every(TimeDelta),
}

impl Schedule {
    /// # Errors
    /// The reason, for the event that complains about it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if let Some(every) = text.strip_prefix("@every ") {
            let length = go_duration(every).filter(|d| *d >= TimeDelta::seconds(1));
            let length = length.ok_or_else(|| format!("failed to parse duration {text}"));
            return length.map(Schedule::Every);
        }
        if !text.starts_with('@') && text.split_whitespace().count() != 5 {
            let found = text.split_whitespace().count();
            return Err(format!(
                "expected exactly 5 fields, found {found}: [{text}]"
            ));
        }
        text.parse::<Cron>()
            .map(|cron| Schedule::Cron(Box::new(cron)))
            .map_err(|why| why.to_string())
    }

    /// The first time after `at`; `None` if there is none.
    pub fn after(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match self {
            Schedule::Every(length) => Some(at + *length),
            Schedule::Cron(cron) => cron.find_next_occurrence(&at, false).ok(),
        }
    }

    /// The last time in `(from, to]`, and about how many there are; `None` if there is none.
    pub fn last_between(
        &self,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> Option<(DateTime<Utc>, i64)> {
        let first = self.after(from).filter(|t| *t <= to)?;
        let Some(second) = self.after(first).filter(|t| *t <= to) else {
            return Some((first, 1));
        };
        let gap = (second - first).num_seconds().max(1);
        let missed = (to - first).num_seconds() / gap + 1;
        // As the real controller: jump close to the end by the first gap, then go on step by step.
        let mut last = first;
        let mut next = self.after(first + TimeDelta::seconds((missed - 2).max(0) * gap));
        while let Some(at) = next.filter(|t| *t <= to) {
            last = at;
            next = self.after(at);
        }
        Some((last, missed))
    }
}

/// Go's `1h30m`, `90s`, `1.5h`.
fn go_duration(text: &str) -> Option<TimeDelta> {
    let mut rest = text.trim();
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.'))?;
        let number: f64 = rest[..end].parse().ok()?;
        rest = &rest[end..];
        let unit = rest
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(rest.len());
        seconds += number
            * match &rest[..unit] {
                "h" => 3600.0,
                "m" => 60.0,
                "s" => 1.0,
                "ms" => 0.001,
                _ => return None,
            };
        rest = &rest[unit..];
    }
    Some(TimeDelta::milliseconds((seconds * 1000.0) as i64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[rstest]
    #[case("* * * * *", "2026-03-01T10:00:30Z", "2026-03-01T10:01:00Z")]
    #[case("*/15 9-17 * * 1-5", "2026-03-06T17:46:00Z", "2026-03-09T09:00:00Z")]
    #[case("@hourly", "2026-03-01T10:00:00Z", "2026-03-01T11:00:00Z")]
    #[case("@yearly", "2026-03-01T10:00:00Z", "2027-01-01T00:00:00Z")]
    #[case("@every 1h30m", "2026-03-01T10:00:00Z", "2026-03-01T11:30:00Z")]
    fn the_next_time(#[case] text: &str, #[case] from: &str, #[case] next: &str) {
        assert_eq!(
            Schedule::parse(text).unwrap().after(at(from)),
            Some(at(next))
        );
    }

    #[rstest]
    #[case("* * * *")]
    #[case("61 * * * *")]
    #[case("@every soon")]
    #[case("0 * * * * *")]
    fn what_is_refused(#[case] text: &str) {
        assert!(Schedule::parse(text).is_err());
    }

    #[test]
    fn the_most_recent_missed_time() {
        let s = Schedule::parse("*/10 * * * *").unwrap();
        let last = s.last_between(at("2026-03-01T10:00:00Z"), at("2026-03-01T10:47:00Z"));
        assert_eq!(last, Some((at("2026-03-01T10:40:00Z"), 4)));
        assert_eq!(
            s.last_between(at("2026-03-01T10:00:00Z"), at("2026-03-01T10:09:59Z")),
            None
        );
    }
}
