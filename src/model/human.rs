//! Numbers as people read them: durations, ages, counts, bytes. Always the same form everywhere.

use chrono::{DateTime, TimeDelta, Utc};

/// At most two parts, the second padded: `7s`, `3m12s`, `2h04m`, `5d3h`, `300d`. Negative spans are `0s`.
pub fn duration(span: TimeDelta) -> String {
    let s = span.num_seconds().max(0);
    let (m, h, d) = (s / 60, s / 3600, s / 86_400);
    if s < 60 {
        format!("{s}s")
    } else if m < 60 {
        format!("{m}m{:02}s", s % 60)
    } else if h < 24 {
        format!("{h}h{:02}m", m % 60)
    } else if d < 100 {
        format!("{d}d{}h", h % 24)
    } else {
        format!("{d}d")
    }
}

/// When [`duration`] of a growing span next reads differently, from now.
pub fn next_change(span: TimeDelta) -> TimeDelta {
    let ms = span.num_milliseconds();
    let step = if ms < 3_600_000 {
        1000
    } else if ms < 86_400_000 {
        60_000
    } else if ms < 100 * 86_400_000 {
        3_600_000
    } else {
        86_400_000
    };
    TimeDelta::milliseconds(step - ms.rem_euclid(step))
}

/// Time since `then`; `?` if unknown.
pub fn age(then: Option<DateTime<Utc>>, now: DateTime<Utc>) -> String {
    then.map_or_else(|| "?".into(), |then| duration(now - then))
}

/// Reads `90`, `90s`, `5m`, `2h30m`, `1d`, `1.5h`, `2w`; plain numbers are seconds. None if malformed.
pub fn parse_duration(text: &str) -> Option<TimeDelta> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    let mut millis = 0.0;
    while !rest.is_empty() {
        let end = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(rest.len());
        let number: f64 = rest[..end].parse().ok()?;
        rest = &rest[end..];
        let unit = rest
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(rest.len());
        millis += number
            * match &rest[..unit] {
                "ms" => 1.0,
                "" | "s" => 1_000.0,
                "m" | "min" => 60_000.0,
                "h" => 3_600_000.0,
                "d" => 86_400_000.0,
                "w" => 7.0 * 86_400_000.0,
                _ => return None,
            };
        rest = &rest[unit..];
    }
    TimeDelta::try_milliseconds(millis.round() as i64)
}

/// Grouped by thousands: `1,234,567`.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// In at most four characters: `999`, `1.2k`, `45k`, `1.2M`.
pub fn short_count(n: u64) -> String {
    scaled(n as f64, 1000.0, &["", "k", "M", "G", "T", "P", "E"])
}

/// Binary: `512B`, `1.5Ki`, `64Gi`, as Kubernetes writes them.
pub fn bytes(n: u64) -> String {
    scaled(n as f64, 1024.0, &["B", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"])
}

/// Cores from millicores: `500m`, `1.5`, `64`; whole ones from a hundred on, rounded down.
pub fn cores(milli: u64) -> String {
    match milli {
        0 => "0".into(),
        1..1000 => format!("{milli}m"),
        _ if milli.is_multiple_of(1000) || milli >= 100_000 => (milli / 1000).to_string(),
        _ => format!("{:.1}", milli as f64 / 1000.0),
    }
}

fn scaled(mut n: f64, base: f64, units: &[&str]) -> String {
    let mut unit = 0;
    // 999.6k would read 1000k
    while n >= base - 0.5 && unit + 1 < units.len() && (unit > 0 || n >= base) {
        n /= base;
        unit += 1;
    }
    if unit == 0 || n >= 9.95 {
        format!("{n:.0}{}", units[unit])
    } else {
        let text = format!("{n:.1}");
        format!(
            "{}{}",
            text.strip_suffix(".0").unwrap_or(&text),
            units[unit]
        )
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(0, "0s")]
    #[case(-5, "0s")]
    #[case(59, "59s")]
    #[case(60, "1m00s")]
    #[case(192, "3m12s")]
    #[case(7_440, "2h04m")]
    #[case(86_399, "23h59m")]
    #[case(442_800, "5d3h")]
    #[case(99 * 86_400, "99d0h")]
    #[case(300 * 86_400, "300d")]
    fn durations(#[case] seconds: i64, #[case] want: &str) {
        assert_eq!(duration(TimeDelta::seconds(seconds)), want);
    }

    #[rstest]
    fn a_duration_changes_exactly_when_told(
        #[values(
            0,
            999,
            1_500,
            59_001,
            3_599_999,
            3_600_000,
            86_399_000,
            90_000_000,
            8_640_000_001
        )]
        ms: i64,
    ) {
        let span = TimeDelta::milliseconds(ms);
        let next = span + next_change(span);
        assert_eq!(duration(next - TimeDelta::milliseconds(1)), duration(span));
        assert_ne!(duration(next), duration(span));
    }

    #[rstest]
    #[case("90", Some(90_000))]
    #[case("2h30m", Some(9_000_000))]
    #[case("1.5h", Some(5_400_000))]
    #[case("250ms", Some(250))]
    #[case("3d", Some(259_200_000))]
    #[case("", None)]
    #[case("h", None)]
    #[case("2y", None)]
    #[case("1..2s", None)]
    fn reads_durations(#[case] text: &str, #[case] want: Option<i64>) {
        assert_eq!(parse_duration(text).map(|d| d.num_milliseconds()), want);
    }

    #[test]
    fn counts_and_bytes() {
        assert_eq!(
            [0, 999, 1_000, 1_234_567].map(count),
            ["0", "999", "1,000", "1,234,567"]
        );
        assert_eq!(
            [0, 999, 1_000, 1_234, 9_960, 45_000, 999_600, 1_250_000].map(short_count),
            ["0", "999", "1k", "1.2k", "10k", "45k", "1M", "1.2M"]
        );
        assert_eq!(
            [0, 1023, 1024, 1536, 64 << 30].map(bytes),
            ["0B", "1023B", "1Ki", "1.5Ki", "64Gi"]
        );
        assert_eq!(
            [0, 500, 1_500, 64_000].map(cores),
            ["0", "500m", "1.5", "64"]
        );
    }
}
