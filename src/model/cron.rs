//! When a CronJob runs next.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use croner::parser::CronParser;

use super::human;
use super::job::CronJobRow;

/// What a CronJob is about to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CronState {
    /// Being deleted.
    Terminating,
    /// `spec.suspend`.
    Held,
    /// Starts a job at this time.
    Next(DateTime<Utc>),
    /// The schedule or time zone makes no sense here, and why.
    Unknown(String),
}

impl CronState {
    /// The state of a CronJob at a moment.
    pub fn of(row: &CronJobRow, now: DateTime<Utc>) -> Self {
        if row.deleting {
            return CronState::Terminating;
        }
        if row.suspend {
            return CronState::Held;
        }
        match next(row, now) {
            Ok(at) => CronState::Next(at),
            Err(why) => CronState::Unknown(why),
        }
    }

    /// `held`, `next in 2h10m`, …
    pub fn words(&self, now: DateTime<Utc>) -> String {
        match self {
            CronState::Terminating => "terminating".into(),
            CronState::Held => "held".into(),
            CronState::Next(at) => format!("next in {}", human::duration(*at - now)),
            CronState::Unknown(why) => why.clone(),
        }
    }
}

/// The first run after `now`, held or not. The server's own zone counts as UTC where none is given.
///
/// # Errors
/// A sentence about what is wrong with the schedule.
pub fn next(row: &CronJobRow, now: DateTime<Utc>) -> Result<DateTime<Utc>, String> {
    let mut schedule = row.schedule.trim();
    let mut zone = row.time_zone.as_deref();
    // the old spelling, still accepted by the controller
    if let Some(rest) = schedule
        .strip_prefix("TZ=")
        .or_else(|| schedule.strip_prefix("CRON_TZ="))
        && let Some((name, rest)) = rest.split_once(' ')
    {
        (zone, schedule) = (Some(name), rest.trim());
    }
    if let Some(every) = schedule.strip_prefix("@every ") {
        let step = human::parse_duration(every)
            .filter(|d| *d >= TimeDelta::seconds(1))
            .ok_or_else(|| format!("bad schedule: @every {every}"))?;
        let from = row.last_schedule.or(row.created).unwrap_or(now);
        let missed = (now - from).num_milliseconds().max(0) / step.num_milliseconds();
        let steps = i32::try_from(missed + 1).unwrap_or(i32::MAX);
        return step
            .checked_mul(steps)
            .and_then(|d| from.checked_add_signed(d))
            .ok_or_else(|| format!("bad schedule: @every {every}"));
    }
    let zone: Tz = match zone {
        None => Tz::UTC,
        Some(name) => name
            .parse()
            .map_err(|_| format!("unknown time zone {name}"))?,
    };
    // `?` is Kubernetes' other way to write `*`
    let pattern = schedule.replace('?', "*");
    let bad = |error: croner::errors::CronError| format!("bad schedule {schedule}: {error}");
    CronParser::new()
        .parse(&pattern)
        .map_err(bad)?
        .find_next_occurrence(&now.with_timezone(&zone), false)
        .map(|at| at.with_timezone(&Utc))
        .map_err(bad)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::model::fixture::*;

    /// `at(0)` is Monday 2026-11-23 12:00 UTC.
    #[rstest]
    #[case("*/5 * * * *", None, 300)]
    #[case("30 14 * * *", None, 9_000)]
    #[case("@daily", None, 43_200)]
    #[case("0 14 * * *", Some("Europe/Berlin"), 3_600)]
    #[case("TZ=Europe/Berlin 0 14 * * *", None, 3_600)]
    #[case("0 0 1 * ?", None, 7 * 86_400 + 43_200)]
    // both days restricted: either
    #[case("0 0 1 * tue", None, 43_200)]
    #[case("@every 90m", None, 5_400)]
    fn next_run(#[case] schedule: &str, #[case] zone: Option<&str>, #[case] seconds: i64) {
        let mut row = cronjob(1, "weekly", schedule);
        row.time_zone = zone.map(Into::into);
        assert_eq!(next(&row, at(0)), Ok(at(seconds)));
    }

    #[test]
    fn every_counts_from_the_last_run() {
        let mut row = cronjob(1, "a", "@every 1h");
        row.last_schedule = Some(at(600));
        assert_eq!(next(&row, at(8_000)), Ok(at(600 + 3 * 3600)));
    }

    #[test]
    fn states_in_words() {
        let mut row = cronjob(1, "a", "10 14 * * *");
        assert_eq!(CronState::of(&row, at(0)).words(at(0)), "next in 2h10m");
        row.suspend = true;
        assert_eq!(CronState::of(&row, at(0)), CronState::Held);
        let bad = CronState::of(&cronjob(1, "a", "every day"), at(0));
        assert!(bad.words(at(0)).starts_with("bad schedule every day"));
        let mut lost = cronjob(1, "a", "@daily");
        lost.time_zone = Some("Mars/Base".into());
        assert_eq!(
            CronState::of(&lost, at(0)).words(at(0)),
            "unknown time zone Mars/Base"
        );
    }
}
