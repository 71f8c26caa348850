//! Resource quantities in their canonical form: `1000m` is written `1`, `1024Mi` is written `1Gi`.

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

/// A quantity as the server writes it; `None` if the text is none.
pub fn canonical(text: &str) -> Option<String> {
    let split = text
        .char_indices()
        .find(|(i, c)| !(c.is_ascii_digit() || *c == '.' || (*i == 0 && (*c == '+' || *c == '-'))))
        .map_or(text.len(), |(i, _)| i);
    let (number, suffix) = text.split_at(split);
    let (negative, digits) = match number.as_bytes().first()? {
        b'-' => (true, &number[1..]),
        b'+' => (false, &number[1..]),
        _ => (false, number),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') || digits.len() > 30 {
        return None;
    }
    // value = mantissa × 10^-scale, times the suffix
    let mantissa: i128 = format!("0{whole}{fraction}").parse().ok()?;
    let scale = i32::try_from(fraction.len()).ok()?;
    let sign = if negative && mantissa != 0 { "-" } else { "" };
    if let Some(power) = BINARY.iter().position(|s| *s == suffix).filter(|p| *p > 0) {
        let scaled = mantissa.checked_mul(1i128.checked_shl(10 * power as u32)?)?;
        let divisor = 10i128.checked_pow(scale as u32)?;
        return Some(if scaled % divisor == 0 {
            format!("{sign}{}", binary(scaled / divisor))
        } else {
            // Smaller than a byte: rounded up at the thousandth, written in decimal.
            let milli = (scaled * 1000 + divisor - 1) / divisor;
            format!("{sign}{}", decimal(milli, -3))
        });
    }
    if let Some((_, power)) = DECIMAL.iter().find(|(s, _)| *s == suffix) {
        return Some(format!("{sign}{}", decimal(mantissa, power - scale)));
    }
    let exponent = suffix
        .strip_prefix(['e', 'E'])
        .and_then(|e| e.parse::<i32>().ok())
        .filter(|e| (-30..=30).contains(e))?;
    Some(format!("{sign}{}", scientific(mantissa, exponent - scale)))
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
        ] {
            assert_eq!(canonical(text).as_deref(), Some(want), "{text}");
        }
        for text in ["lots", "", "1.2.3", "1Zi", "Gi", "1e"] {
            assert_eq!(canonical(text), None, "{text}");
        }
    }
}
