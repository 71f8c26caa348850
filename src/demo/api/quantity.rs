//! Resource quantities, as resource.Quantity has them: what they amount to, and their canonical form (`1000m` is
//! written `1`, `1024Mi` is written `1Gi`).

/// What the server says of a text that is none.
pub const INVALID: &str =
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

const BINARY: [&str; 7] = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
const DECIMAL: [(&str, i32); 10] = [
    ("n", -9),
    ("u", -6),
    ("m", -3),
    ("", 0),
    ("k", 3),
    ("M", 6),
    ("G", 9),
    ("T", 12),
    ("P", 15),
    ("E", 18),
];

/// The parts of a written quantity: `number × 10^exponent × 2^binary`.
struct Written {
    negative: bool,
    /// Of the number, the point left out; leading zeros stripped.
    digits: String,
    /// Where the point was, and what a decimal suffix or exponent adds.
    exponent: i64,
    binary: u32,
    /// It has an exponent (`1e3`) instead of a suffix.
    scientific: bool,
}

/// The grammar: a signed decimal number, and a suffix or a decimal exponent; `None` if the text is none.
fn read(text: &str) -> Option<Written> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let split = unsigned
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(unsigned.len());
    let (number, suffix) = unsigned.split_at(split);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
        return None;
    }
    let mut written = Written {
        negative: text.starts_with('-'),
        digits: format!("{whole}{fraction}")
            .trim_start_matches('0')
            .to_owned(),
        exponent: -i64::try_from(fraction.len()).ok()?,
        binary: 0,
        scientific: false,
    };
    if let Some(power) = BINARY.iter().position(|s| *s == suffix).filter(|p| *p > 0) {
        written.binary = 10 * u32::try_from(power).ok()?;
    } else if let Some((_, power)) = DECIMAL.iter().find(|(s, _)| *s == suffix) {
        written.exponent += i64::from(*power);
    } else {
        let exponent = suffix.strip_prefix(['e', 'E'])?.parse::<i32>().ok()?;
        written.exponent += i64::from(exponent);
        written.scientific = true;
    }
    Some(written)
}

/// An amount to compare and to add up. What is finer than a nano is rounded up, away from zero; what is more than
/// the server can count, 2^63 - 1, is that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash)]
pub struct Quantity {
    nanos: i128,
}

const NANOS: i128 = 1_000_000_000;
const MOST: i128 = i64::MAX as i128 * NANOS;

impl Quantity {
    /// Reads any quantity the server takes; `None` if the text is none.
    pub fn parse(text: &str) -> Option<Self> {
        let written = read(text)?;
        // more digits than these decide nothing but the rounding
        let keep = if written.binary > 0 { 20 } else { 36 };
        let kept = written.digits.len().min(keep);
        let (digits, rest) = written.digits.split_at(kept);
        let more = rest.bytes().any(|digit| digit != b'0');
        let mantissa = format!("0{digits}").parse::<i128>().ok()? + i128::from(more);
        let mantissa = mantissa.checked_shl(written.binary).unwrap_or(i128::MAX);
        let exponent = written.exponent + i64::try_from(rest.len()).ok()? + 9;
        let power = u32::try_from(exponent.unsigned_abs()).ok()?;
        let scale = 10i128.checked_pow(power);
        let nanos = match scale {
            _ if mantissa == 0 => 0,
            Some(scale) if exponent < 0 => mantissa / scale + i128::from(mantissa % scale != 0),
            None if exponent < 0 => 1,
            Some(scale) => mantissa.saturating_mul(scale),
            None => MOST,
        };
        let nanos = nanos.min(MOST);
        Some(Self {
            nanos: if written.negative { -nanos } else { nanos },
        })
    }

    /// Thousandths, rounded up away from zero; at most `i64::MAX`.
    pub fn milli(self) -> i64 {
        let (whole, rest) = (self.nanos / 1_000_000, self.nanos % 1_000_000);
        let milli = whole + rest.signum();
        i64::try_from(milli).unwrap_or(if milli < 0 { i64::MIN } else { i64::MAX })
    }
}

/// A quantity as the server writes it; `None` if the text is none.
pub fn canonical(text: &str) -> Option<String> {
    let written = read(text)?;
    if written.digits.len() > 30 || written.exponent.abs() > 60 {
        return None;
    }
    // value = mantissa × 10^exponent, times the binary suffix
    let mantissa: i128 = format!("0{}", written.digits).parse().ok()?;
    let exponent = i32::try_from(written.exponent).ok()?;
    let sign = if written.negative && mantissa != 0 {
        "-"
    } else {
        ""
    };
    if written.binary > 0 {
        let scaled = mantissa.checked_mul(1i128.checked_shl(written.binary)?)?;
        let divisor = 10i128.checked_pow(exponent.unsigned_abs())?;
        let whole = scaled / divisor;
        return Some(if scaled % divisor != 0 {
            // Smaller than a byte: rounded up at the thousandth, written in decimal.
            let milli = (scaled.checked_mul(1000)? + divisor - 1) / divisor;
            format!("{sign}{}", decimal(milli, -3))
        } else if whole < 1024 {
            format!("{sign}{}", decimal(whole, 0))
        } else {
            format!("{sign}{}", binary(whole))
        });
    }
    let write = if written.scientific {
        scientific
    } else {
        decimal
    };
    Some(format!("{sign}{}", write(mantissa, exponent)))
}

fn binary(mut n: i128) -> String {
    let mut power = 0;
    while n != 0 && n % 1024 == 0 && power < BINARY.len() - 1 {
        n /= 1024;
        power += 1;
    }
    format!("{n}{}", BINARY[power])
}

/// Brings `n × 10^exponent` to an exponent that is a multiple of three, none smaller than -9.
fn thousands(mut n: i128, mut exponent: i32) -> (i128, i32) {
    if n == 0 {
        return (0, 0);
    }
    while n % 10 == 0 {
        n /= 10;
        exponent += 1;
    }
    while exponent < -9 {
        // What is finer than a nano is rounded up.
        n = (n + 9) / 10;
        exponent += 1;
    }
    while exponent.rem_euclid(3) != 0 {
        n *= 10;
        exponent -= 1;
    }
    (n, exponent)
}

fn decimal(n: i128, exponent: i32) -> String {
    let (mut n, mut exponent) = thousands(n, exponent);
    while exponent > 18 {
        n *= 1000;
        exponent -= 3;
    }
    let suffix = DECIMAL.iter().find(|(_, p)| *p == exponent);
    format!("{n}{}", suffix.map_or("", |(s, _)| s))
}

fn scientific(n: i128, exponent: i32) -> String {
    match thousands(n, exponent) {
        (n, 0) => n.to_string(),
        (n, e) => format!("{n}e{e}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_written_as_the_server_writes_them() {
        for (text, want) in [
            ("1", "1"),
            ("0.5", "500m"),
            ("1000m", "1"),
            ("1500m", "1500m"),
            ("1024Mi", "1Gi"),
            ("1.5Gi", "1536Mi"),
            ("1000Ki", "1000Ki"),
            ("1000k", "1M"),
            ("100", "100"),
            ("2000", "2k"),
            ("1e3", "1e3"),
            ("-0", "0"),
            ("0", "0"),
            ("+5", "5"),
            ("0.1u", "100n"),
            ("0.5Ki", "512"),
            ("0.9765625Ki", "1k"),
            ("0.1Ki", "102400m"),
            ("1E", "1E"),
            ("1E3", "1e3"),
            ("12e-4", "1200e-6"),
            ("100E", "100E"),
        ] {
            assert_eq!(canonical(text).as_deref(), Some(want), "{text}");
        }
        for text in ["lots", "", "1.2.3", "1Zi", "Gi", "1e"] {
            assert_eq!(canonical(text), None, "{text}");
        }
    }

    #[test]
    fn quantities_amount_to_what_the_server_reckons() {
        const GIB: i64 = 1 << 30;
        for (text, milli) in [
            ("8", 8_000),
            ("+8", 8_000),
            ("-8", -8_000),
            ("0", 0),
            ("0e999", 0),
            ("500m", 500),
            ("0.5", 500),
            (".5", 500),
            ("5.", 5_000),
            ("2k", 2_000_000),
            ("3M", 3_000_000_000),
            ("64Gi", 64 * GIB * 1000),
            ("1.5Gi", GIB * 1500),
            ("1Ki", 1_024_000),
            ("4Pi", (4 << 50) * 1000),
            // an exponent, and an exabyte
            ("1e3", 1_000_000),
            ("1E3", 1_000_000),
            ("12e-1", 1_200),
            ("1e-3", 1),
            ("1E", i64::MAX),
            ("1Ei", i64::MAX),
            // up, and away from zero
            ("1u", 1),
            ("1n", 1),
            ("1e-40", 1),
            ("-1u", -1),
            ("1001u", 2),
            ("0.0000000000000000000000000000000000000000001", 1),
            // more than can be counted
            ("1e30", i64::MAX),
            ("-1e30", i64::MIN),
            ("99999999999999999999999999999999999999999999", i64::MAX),
            ("99999999999999999999Ei", i64::MAX),
            ("1000000000000000000000000000000000000000000e-39", 1_000_000),
        ] {
            assert_eq!(
                Quantity::parse(text).map(Quantity::milli),
                Some(milli),
                "{text}"
            );
        }
        for text in [
            "", "lots", "m", "1.2.3", "1Zi", "1ki", "1e", "1e1.5", "1 Gi", "--1", ".",
        ] {
            assert_eq!(Quantity::parse(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_the_same_compares_so_however_it_is_written() {
        let same = |a, b| assert_eq!(Quantity::parse(a), Quantity::parse(b), "{a} {b}");
        same("1024Mi", "1Gi");
        same("1e3", "1k");
        same("0.1", "100m");
        same("1E", "1e18");
        same("8Ei", "9223372036854775807");
        assert!(Quantity::parse("1") < Quantity::parse("1000000001n"));
        assert!(Quantity::parse("8388607Ti") < Quantity::parse("8Ei"));
    }
}
