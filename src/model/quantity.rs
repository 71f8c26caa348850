//! Kubernetes quantities: `500m`, `1Ti`, `8`, `1e3` → exact thousandths.

/// An amount in thousandths. Finer parts are rounded up, as the API server does; saturates far beyond any
/// real amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash)]
pub struct Quantity(i128);

impl Quantity {
    /// Reads the grammar of apimachinery: a signed decimal number and a suffix (`n u m k M G T P E`, `Ki … Ei`,
    /// or a decimal exponent); none if malformed.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
        let number = unsigned
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(unsigned.len());
        let (number, suffix) = unsigned.split_at(number);
        let (whole, part) = number.split_once('.').unwrap_or((number, ""));
        if (whole.is_empty() && part.is_empty()) || part.contains('.') {
            return None;
        }
        let (binary, exponent) = match suffix {
            "" => (0, 0),
            "n" => (0, -9),
            "u" => (0, -6),
            "m" => (0, -3),
            "k" => (0, 3),
            "M" => (0, 6),
            "G" => (0, 9),
            "T" => (0, 12),
            "P" => (0, 15),
            "E" => (0, 18),
            "Ki" => (10, 0),
            "Mi" => (20, 0),
            "Gi" => (30, 0),
            "Ti" => (40, 0),
            "Pi" => (50, 0),
            "Ei" => (60, 0),
            _ => (0, suffix.strip_prefix(['e', 'E'])?.parse::<i32>().ok()?),
        };
        let digits = whole.bytes().chain(part.bytes());
        let mut value = 0i128;
        for digit in digits {
            value = value
                .saturating_mul(10)
                .saturating_add(i128::from(digit - b'0'));
        }
        // thousandths: three more places, less those after the point
        let places = exponent.saturating_add(3) - i32::try_from(part.len()).ok()?;
        value = value.saturating_mul(1i128 << binary);
        let value = if places >= 0 {
            value.saturating_mul(
                10i128
                    .checked_pow(places.unsigned_abs())
                    .unwrap_or(i128::MAX),
            )
        } else {
            match 10i128.checked_pow(places.unsigned_abs()) {
                Some(scale) => value / scale + i128::from(value % scale != 0),
                None => i128::from(value != 0),
            }
        };
        Some(Self(if text.starts_with('-') { -value } else { value }))
    }

    /// Thousandths, e.g. millicores; 0 if negative.
    pub fn milli(self) -> u64 {
        u64::try_from(self.0.max(0)).unwrap_or(u64::MAX)
    }

    /// Whole units, rounded up, e.g. bytes or devices; 0 if negative.
    pub fn units(self) -> u64 {
        let n = self.0.max(0);
        u64::try_from(n / 1000 + i128::from(n % 1000 != 0)).unwrap_or(u64::MAX)
    }

    /// As a number, with its fraction and sign.
    pub fn float(self) -> f64 {
        self.0 as f64 / 1000.0
    }

    /// Whole units as a count of devices.
    pub fn count(self) -> u32 {
        u32::try_from(self.units()).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("8", 8_000)]
    #[case("500m", 500)]
    #[case("0.5", 500)]
    #[case(".5", 500)]
    #[case("5.", 5_000)]
    #[case("1e3", 1_000_000)]
    #[case("1E3", 1_000_000)]
    #[case("12e-1", 1_200)]
    #[case("1E", 1_000_000_000_000_000_000_000)]
    #[case("2k", 2_000_000)]
    #[case("1Ki", 1_024_000)]
    #[case("1.5Gi", 1_610_612_736_000)]
    #[case("1Ti", 1_099_511_627_776_000)]
    #[case("+3", 3_000)]
    #[case("-3", -3_000)]
    #[case("1n", 1)]
    #[case("1500u", 2)]
    #[case("0", 0)]
    fn reads(#[case] text: &str, #[case] milli: i128) {
        assert_eq!(Quantity::parse(text), Some(Quantity(milli)));
    }

    #[rstest]
    fn refuses(
        #[values(
            "", "m", "1.2.3", "1 Gi", "1gi", "Gi", "--1", "1e", "1ee3", ".", "0x10"
        )]
        text: &str,
    ) {
        assert_eq!(Quantity::parse(text), None);
    }

    #[test]
    fn rounds_up_to_whole_units() {
        let q = |text| Quantity::parse(text).unwrap_or_default();
        assert_eq!(
            (q("1500m").units(), q("128974848").units()),
            (2, 128_974_848)
        );
        assert_eq!((q("16").count(), q("-1").units()), (16, 0));
        assert_eq!(
            q("99999999999999999999999999999999999999999999E").units(),
            u64::MAX
        );
    }

    proptest! {
        #[test]
        fn never_panics(text in "[-+]?[0-9.]{0,50}[a-zA-Z]{0,2}[-+]?[0-9]{0,12}") {
            let _ = Quantity::parse(&text).map(|q| (q.milli(), q.units(), q.count()));
        }
    }
}
