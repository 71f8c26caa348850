//! Ticks at round numbers and their words, for linear and logarithmic axes of any size.

/// A range that is more than a point.
pub fn widened((low, high): (f64, f64)) -> (f64, f64) {
    if low < high {
        return (low, high);
    }
    let by = (low.abs() * 0.1).max(0.5);
    let by = if (low - by).is_finite() && (low + by).is_finite() {
        by
    } else {
        0.0
    };
    (low - by, low + by)
}

/// The range of y, in powers of ten on a logarithmic axis.
pub fn padded((low, high): (f64, f64), log: bool) -> (f64, f64) {
    if low < high {
        return (low, high);
    }
    if log {
        return (low - 0.1, high + 0.1);
    }
    let by = if low == 0.0 { 1.0 } else { low.abs() * 0.1 };
    ((low - by).max(f64::MIN), (high + by).min(f64::MAX))
}

/// About so many round values inside a range, least first. On a logarithmic axis the range is one of exponents and the
/// answers are the values themselves.
pub fn ticks((low, high): (f64, f64), log: bool, most: usize) -> Vec<f64> {
    if !log {
        return linear(low, high, most);
    }
    // Less than about a decade and a half: powers of ten would be too few.
    if high - low < 1.5 {
        return linear(10_f64.powf(low), 10_f64.powf(high), most);
    }
    let step = ((high - low) / most.max(1) as f64).ceil().max(1.0);
    let mut tick = (low / step).ceil() * step;
    let mut found = Vec::new();
    while tick <= high && found.len() < 64 {
        found.push(10_f64.powf(tick));
        tick += step;
    }
    found
}

fn linear(low: f64, high: f64, most: usize) -> Vec<f64> {
    // Halves, as the difference of two huge numbers may be none any more.
    let rough = (high / 2.0 - low / 2.0) / most.max(1) as f64 * 2.0;
    if !rough.is_finite() || rough <= 0.0 {
        return vec![low];
    }
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|n| n * power)
        .find(|step| *step >= rough * 0.999)
        .unwrap_or(power * 10.0);
    if !step.is_finite() || step <= 0.0 {
        return vec![low];
    }
    let first = (low / step).ceil();
    let mut found = Vec::new();
    for n in 0..64 {
        let tick = (first + f64::from(n)) * step;
        if !tick.is_finite() || tick > high {
            break;
        }
        // No -0, and no 0.30000000000000004.
        found.push(if tick.abs() < step * 1e-9 { 0.0 } else { tick });
    }
    found
}

/// A tick in few characters, without needless zeros: `0.5`, `1200`, `20k`, `1e-5`.
pub fn label(value: f64) -> String {
    let size = value.abs();
    if value == 0.0 {
        return "0".to_owned();
    }
    if !value.is_finite() || !(1e-3..1e15).contains(&size) {
        return trimmed(&format!("{value:.2e}"));
    }
    let (scaled, unit) = match size {
        s if s >= 1e12 => (value / 1e12, "T"),
        s if s >= 1e9 => (value / 1e9, "G"),
        s if s >= 1e6 => (value / 1e6, "M"),
        s if s >= 1e4 => (value / 1e3, "k"),
        _ => (value, ""),
    };
    let digits = match scaled.abs() {
        s if s >= 1000.0 => 0,
        s if s >= 100.0 => 1,
        s if s >= 10.0 => 2,
        s if s >= 0.1 => 3,
        _ => 5,
    };
    format!("{}{unit}", trimmed(&format!("{scaled:.digits$}")))
}

fn trimmed(text: &str) -> String {
    let (number, power) = text
        .split_once('e')
        .map_or((text, None), |(n, p)| (n, Some(p)));
    let number = if number.contains('.') {
        number.trim_end_matches('0').trim_end_matches('.')
    } else {
        number
    };
    match power {
        Some(power) => format!("{number}e{power}"),
        None => number.to_owned(),
    }
}
