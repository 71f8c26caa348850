//! Numbers as training logs write them: with thousands separators, exponents, suffixes, units, as fractions, as
//! times. What only looks like one (dates, versions, addresses, hashes) is told apart here.

/// What kind of number it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Form {
    Number,
    /// `n/m`; the second number.
    Of(f64),
    /// A time or a span of time, in seconds.
    Time,
    Percent,
}

/// What was read, and how far.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Value<'a> {
    pub value: f64,
    pub form: Form,
    /// The word behind it, as written: `ms`, `images/s`.
    pub unit: &'a str,
    /// `12%` in parentheses behind it.
    pub percent: Option<f64>,
    /// Byte where it ends, unit and parentheses included.
    pub end: usize,
    /// It is what [`plain`] reads, with a unit at most.
    pub plain: bool,
}

/// A number, or something like one that has to be stepped over.
pub enum Found<'a> {
    Value(Value<'a>),
    Junk(usize),
}

fn is_word(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_'
}

/// End of the digits from `at` on.
fn run(bytes: &[u8], at: usize) -> usize {
    let rest = &bytes[at.min(bytes.len())..];
    at + rest.iter().take_while(|b| b.is_ascii_digit()).count()
}

/// Whether the value stands for a span of time.
impl Value<'_> {
    pub fn is_span(&self) -> bool {
        self.form == Form::Number && seconds_in(self.unit).is_some()
    }
}

fn blanks(bytes: &[u8], at: usize) -> usize {
    at + bytes[at..].iter().take_while(|b| **b == b' ').count()
}

/// A plain number without unit: value and end.
pub fn plain(text: &str, at: usize) -> Option<(f64, usize)> {
    let bytes = text.as_bytes();
    if let Some(found) = simple(bytes, at) {
        return Some(found);
    }
    let mut end = at;
    if matches!(bytes.get(end), Some(b'+' | b'-')) {
        end += 1;
    }
    if bytes.get(end).is_some_and(u8::is_ascii_alphabetic) {
        let word = word_at(text, end)?;
        let value = not_a_number(word)?;
        let negative = bytes.get(at) == Some(&b'-');
        return Some((if negative { -value } else { value }, end + word.len()));
    }
    let start = end;
    end = run(bytes, end);
    let whole = end - start;
    // 1,023,456
    let (mut commas, mut under) = (false, false);
    if (1..=3).contains(&whole) && (whole > 1 || bytes[start] != b'0') {
        while bytes.get(end) == Some(&b',')
            && run(bytes, end + 1) == end + 4
            && bytes.get(end + 4).is_none_or(|b| !is_word(*b))
        {
            end += 4;
            commas = true;
        }
    }
    // 1_000
    while (1..=3).contains(&whole)
        && !commas
        && bytes.get(end) == Some(&b'_')
        && run(bytes, end + 1) == end + 4
        && bytes.get(end + 4).is_none_or(|b| !b.is_ascii_alphabetic())
    {
        end += 4;
        under = true;
    }
    let mut fraction = 0;
    // `0,31`: a decimal comma, as no thousands begin with a zero.
    if whole == 1 && !commas && bytes[start] == b'0' && bytes.get(end) == Some(&b',') {
        let to = run(bytes, end + 1);
        let more = matches!(bytes.get(to), Some(b',' | b'.')) && {
            bytes.get(to + 1).is_some_and(u8::is_ascii_digit)
        };
        if to > end + 2 && !more && bytes.get(to).is_none_or(|b| !is_word(*b)) {
            let value = format!("{}.{}", &text[at..end], &text[end + 1..to]);
            return Some((value.parse().ok()?, to));
        }
    }
    if bytes.get(end) == Some(&b'.') {
        let to = run(bytes, end + 1);
        fraction = to - end - 1;
        if fraction > 0 {
            end = to;
        }
    }
    if whole == 0 && fraction == 0 {
        return None;
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let to = run(bytes, end + 1 + sign);
        if to > end + 1 + sign {
            end = to;
        }
    }
    let digits = &text[at..end];
    if let Some(value) = exact(digits) {
        return Some((value, end));
    }
    let value = if commas || under {
        digits.replace([',', '_'], "").parse().ok()?
    } else {
        digits.trim_start_matches('+').parse().ok()?
    };
    Some((value, end))
}

const TENS: [f64; 16] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
];

/// Few digits with at most one point and nothing about them: most numbers, in one pass.
fn simple(bytes: &[u8], at: usize) -> Option<(f64, usize)> {
    let negative = bytes.get(at) == Some(&b'-');
    let start = at + usize::from(negative);
    let mut end = start;
    let mut digits = 0u64;
    while let Some(b) = bytes
        .get(end)
        .map(|b| b.wrapping_sub(b'0'))
        .filter(|b| *b < 10)
    {
        digits = digits.wrapping_mul(10).wrapping_add(u64::from(b));
        end += 1;
    }
    let whole = end - start;
    if whole == 0 {
        return None;
    }
    let mut count = whole;
    if bytes.get(end) == Some(&b'.') && bytes.get(end + 1).is_some_and(u8::is_ascii_digit) {
        end += 1;
        while let Some(b) = bytes
            .get(end)
            .map(|b| b.wrapping_sub(b'0'))
            .filter(|b| *b < 10)
        {
            digits = digits.wrapping_mul(10).wrapping_add(u64::from(b));
            end += 1;
            count += 1;
        }
    }
    if count > 15 || matches!(bytes.get(end), Some(b',' | b'_' | b'e' | b'E')) {
        return None;
    }
    let value = digits as f64 / TENS[count - whole];
    Some((if negative { -value } else { value }, end))
}

/// A decimal of few digits without exponent: both its digits and the power of ten are whole floats, so one division
/// gives what parsing would.
fn exact(text: &str) -> Option<f64> {
    let (mut digits, mut count, mut point) = (0u64, 0, None);
    let unsigned = text.trim_start_matches(['+', '-']);
    for b in unsigned.bytes() {
        match b {
            b'0'..=b'9' => {
                digits = digits * 10 + u64::from(b - b'0');
                count += 1;
                if count > 15 {
                    return None;
                }
            }
            b'.' if point.is_none() => point = Some(count),
            b',' | b'_' => {}
            _ => return None,
        }
    }
    let value = digits as f64 / TENS.get(point.map_or(0, |at| count - at))?;
    Some(if text.starts_with('-') { -value } else { value })
}

fn word_at(text: &str, at: usize) -> Option<&str> {
    let rest = text.get(at..)?;
    let end = rest.bytes().position(|b| !is_word(b)).unwrap_or(rest.len());
    Some(&rest[..end]).filter(|word| !word.is_empty())
}

/// The words for what is no number.
pub fn not_a_number(word: &str) -> Option<f64> {
    if word.eq_ignore_ascii_case("nan") {
        Some(f64::NAN)
    } else if word.eq_ignore_ascii_case("inf") || word.eq_ignore_ascii_case("infinity") {
        Some(f64::INFINITY)
    } else {
        None
    }
}

/// `1:02:03`, `02:03`, `1 day, 2:03:04`: seconds and end. `at` is where the first number begins.
pub fn clock(text: &str, at: usize) -> Option<(f64, usize)> {
    let bytes = text.as_bytes();
    let first = run(bytes, at);
    if first == at || first - at > 6 {
        return None;
    }
    match (bytes.get(first)?, bytes.get(first + 1)?) {
        (b':', b'0'..=b'9') | (b' ', b'd') => {}
        _ => return None,
    }
    let mut total: f64 = exact(&text[at..first])?;
    let rest = &text[first..];
    // Python's timedelta
    if let Some(after) = rest.strip_prefix(" days, ").or(rest.strip_prefix(" day, ")) {
        let (seconds, end) = clock(text, text.len() - after.len())?;
        return Some((total * 86_400.0 + seconds, end));
    }
    let mut end = first;
    let mut parts = 1;
    while parts < 4 && bytes.get(end) == Some(&b':') && run(bytes, end + 1) == end + 3 {
        total = total * 60.0 + exact(&text[end + 1..end + 3])?;
        end += 3;
        parts += 1;
    }
    if parts == 1 || parts == 4 {
        return None;
    }
    if bytes.get(end) == Some(&b'.') && run(bytes, end + 1) > end + 1 {
        let to = run(bytes, end + 1);
        total += text[end..to].parse::<f64>().ok()?;
        end = to;
    }
    bytes
        .get(end)
        .is_none_or(|b| !is_word(*b) && *b != b':' && *b != b'-')
        .then_some((total, end))
}

/// Seconds in a unit of time.
pub fn seconds_in(unit: &str) -> Option<f64> {
    Some(match unit {
        "ns" => 1e-9,
        "us" | "µs" | "μs" => 1e-6,
        "ms" | "msec" | "msecs" | "milliseconds" => 1e-3,
        "s" | "sec" | "secs" | "second" | "seconds" => 1.0,
        "m" | "min" | "mins" | "minute" | "minutes" => 60.0,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3_600.0,
        "d" | "day" | "days" => 86_400.0,
        _ => return None,
    })
}

/// Gibibytes in a unit of memory. A GB of GPU memory is a GiB in most tools' mouths; it is taken at its word.
pub fn gib_in(unit: &str) -> Option<f64> {
    Some(match unit {
        "GiB" => 1.0,
        "MiB" => 1.0 / 1024.0,
        "KiB" => 1.0 / (1024.0 * 1024.0),
        "TiB" => 1024.0,
        "GB" => 1e9 / f64::from(1 << 30),
        "MB" => 1e6 / f64::from(1 << 30),
        "KB" | "kB" => 1e3 / f64::from(1 << 30),
        _ => return None,
    })
}

/// A rate: something per something.
fn is_rate(unit: &str) -> bool {
    unit.contains('/') && unit.split('/').all(|part| !part.is_empty()) || unit == "/s"
}

/// Whether a word behind a number, with a blank between, is its unit and not the next name.
fn is_spaced_unit(word: &str) -> bool {
    const NOUNS: [&str; 15] = [
        "batches",
        "steps",
        "its",
        "iters",
        "iterations",
        "samples",
        "examples",
        "tokens",
        "images",
        "epochs",
        "reqs",
        "TFLOPs",
        "TFLOPS",
        "TFLOP",
        "frames",
    ];
    seconds_in(word).is_some_and(|_| word != "d")
        || gib_in(word).is_some()
        || NOUNS.contains(&word)
        // `2.1 val/loss 2.3`: without a time in it, it is the next name.
        || is_rate(word) && word.split('/').any(|part| seconds_in(part).is_some())
}

/// Whether letters glued to a number are a unit; otherwise both are one word: 7b, 3rd, 1a2b.
fn is_glued_unit(word: &str) -> bool {
    seconds_in(word).is_some()
        || gib_in(word).is_some()
        || is_rate(word)
        || matches!(
            word,
            "it" | "B" | "batches" | "TFLOPs" | "TFLOPS" | "tok" | "steps" | "C" | "W"
        )
}

/// The unit from `at` on, if there is one: its range.
fn unit(text: &str, at: usize) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    let letters = |from: usize| {
        let mut end = from;
        while let Some(&b) = bytes.get(end) {
            if b.is_ascii_alphabetic() || b == b'/' || matches!(b, b'_' | b'-') && end > from {
                end += 1;
            } else if b >= 0x80
                && let Some(c) = text[end..].chars().next().filter(|c| c.is_alphabetic())
            {
                end += c.len_utf8();
            } else {
                break;
            }
        }
        while end > from && matches!(bytes[end - 1], b'/' | b'-' | b'_') {
            end -= 1;
        }
        end
    };
    // What is followed by a value is a name, not a unit.
    let names = |end: usize| {
        let rest = text[end..].trim_start_matches(' ');
        // `61.2s : 19634 words/s`
        let apart = end > at
            && (bytes[at] != b' '
                || bytes[at..end].contains(&b'/') && bytes[end..].starts_with(b" : "))
            && rest.starts_with(": ")
            && rest.len() < text.len() - end;
        !apart && rest.starts_with(['=', ':']) && !rest.starts_with("://")
            || matches!(bytes.get(end), Some(b'@' | b'\''))
            || bytes.get(end).is_some_and(u8::is_ascii_digit)
                && seconds_in(&text[at..end]).is_none()
    };
    let end = letters(at);
    if end > at {
        return (!names(end)).then_some((at, end));
    }
    if bytes.get(at) == Some(&b' ') {
        let end = letters(at + 1);
        if end > at + 1 && !names(end) && is_spaced_unit(&text[at + 1..end]) {
            // `img/sec per GPU`
            let per = text[end..].strip_prefix(" per ").map(|who| {
                let word = who.bytes().take_while(u8::is_ascii_alphabetic).count();
                (&who[..word], " per ".len() + word)
            });
            let end = match per {
                Some(("GPU" | "gpu" | "device" | "chip", length)) => end + length,
                _ => end,
            };
            return Some((at + 1, end));
        }
    }
    None
}

/// `k`, `M`, `G`, `T` behind a number, if nothing but a unit follows.
fn scaled(bytes: &[u8], (value, end): (f64, usize)) -> (f64, usize) {
    let factor = match bytes.get(end) {
        Some(b'k' | b'K') => 1e3,
        Some(b'M') => 1e6,
        Some(b'G') => 1e9,
        Some(b'T') => 1e12,
        _ => return (value, end),
    };
    // tqdm's `1.01kit`
    if bytes[end + 1..].starts_with(b"it") && bytes.get(end + 3).is_none_or(|b| !is_word(*b)) {
        return (value * factor, end + 3);
    }
    if bytes.get(end + 1).is_none_or(|b| !is_word(*b)) {
        (value * factor, end + 1)
    } else {
        (value, end)
    }
}

/// Steps over what is like a number and is none.
fn junk(text: &str, from: usize) -> Option<Found<'_>> {
    let rest = &text[from..];
    let other = |c: char| !(c.is_alphanumeric() || matches!(c, '_' | '.' | ':' | '-' | '/'));
    let first = rest.chars().next().map_or(1, char::len_utf8);
    let end = rest.find(other).unwrap_or(rest.len());
    Some(Found::Junk((from + end.max(first)).min(text.len())))
}

/// Reads the number that begins at `at`. The caller knows that one may begin there.
pub fn read(text: &str, at: usize) -> Option<Found<'_>> {
    let bytes = text.as_bytes();
    if let Some((value, end)) = clock(text, at) {
        let (form, unit, percent, plain) = (Form::Time, "", None, false);
        return Some(Found::Value(Value {
            plain,
            value,
            form,
            unit,
            percent,
            end,
        }));
    }
    let (mut value, mut end) = plain(text, at)?;
    match (bytes.get(end), bytes.get(end + 1)) {
        // versions and addresses, times, dates
        (Some(b'.' | b':'), Some(b)) if b.is_ascii_digit() && value.is_finite() => {
            return junk(text, end);
        }
        (Some(b'-' | b'x'), Some(b)) if b.is_ascii_alphanumeric() => return junk(text, end),
        // loss=0.31.ckpt
        (Some(b'.'), Some(b)) if b.is_ascii_alphabetic() => return junk(text, end),
        _ => {}
    }
    let mut form = Form::Number;
    let number = end;
    (value, end) = scaled(bytes, (value, end));
    let scaled = end > number;
    // n/m
    let slash = blanks(bytes, end);
    if bytes.get(slash) == Some(&b'/') {
        let from = blanks(bytes, slash + 1);
        if bytes.get(from).is_some_and(u8::is_ascii_digit)
            && let Some(of) = plain(text, from)
        {
            let (of, to) = self::scaled(bytes, of);
            match (bytes.get(to), bytes.get(to + 1)) {
                (Some(b'/' | b'-'), Some(b)) if b.is_ascii_alphanumeric() => return junk(text, to),
                (Some(b':' | b'.'), Some(b)) if b.is_ascii_digit() => return junk(text, to),
                _ => {}
            }
            (form, end) = (Form::Of(of), to);
        }
    } else if bytes[end..].starts_with(b" of ")
        && bytes.get(end + 4).is_some_and(u8::is_ascii_digit)
        && run(bytes, at) == end
        && let to = run(bytes, end + 4)
        && let Some((of, _)) = plain(text, end + 4)
        && to - (end + 4) >= end - at
        && bytes
            .get(to)
            .is_none_or(|b| matches!(b, b' ' | b',' | b')' | b']' | b'|' | b':' | b';'))
    {
        // `3 of 10`
        (form, end) = (Form::Of(of), to);
    }
    let mut named = "";
    if bytes.get(end) == Some(&b'%') {
        if form == Form::Number {
            form = Form::Percent;
        }
        end += 1;
    } else if text[end..].starts_with("epoch") && !bytes.get(end + 5).is_some_and(|b| is_word(*b)) {
        (named, end) = (&text[end..end + 5], end + 5);
    } else if let Some((from, to)) = unit(text, end) {
        let word = &text[from..to];
        if from == end && !is_glued_unit(word) {
            return junk(text, to);
        }
        (named, end) = (word, to);
        if form == Form::Number
            && seconds_in(word).is_some()
            && let Some(sum) = sum(text, value, word, to)
        {
            (value, form, named, end) = (sum.0, Form::Time, "", sum.1);
        }
    } else if bytes.get(end).is_some_and(|b| is_word(*b) || *b == b'@') && !value.is_nan() {
        return junk(text, end);
    }
    let (percent, end) = behind(text, end);
    let unit = named;
    let plain = !scaled && percent.is_none() && matches!(form, Form::Number | Form::Percent);
    Some(Found::Value(Value {
        plain,
        value,
        form,
        unit,
        percent,
        end,
    }))
}

/// `2h 3m 4s`, `3m4s`: what stands behind the first part, in seconds with it, and the end.
fn sum(text: &str, value: f64, unit_word: &str, at: usize) -> Option<(f64, usize)> {
    let (mut total, mut last) = (value * seconds_in(unit_word)?, seconds_in(unit_word)?);
    let (mut end, mut parts) = (at, 1);
    loop {
        let next = end + usize::from(text.as_bytes().get(end) == Some(&b' '));
        let Some((more, to)) = plain(text, next) else {
            break;
        };
        let Some((from, after)) = unit(text, to).filter(|(from, _)| *from == to) else {
            break;
        };
        let Some(each) = seconds_in(&text[from..after]).filter(|each| *each < last) else {
            break;
        };
        total += more * each;
        (end, last, parts) = (after, each, parts + 1);
    }
    (parts > 1).then_some((total, end))
}

/// What belongs to a number behind it: a deviation, `(average)`, `(12%)`. The percentage and the end.
fn behind(text: &str, at: usize) -> (Option<f64>, usize) {
    let bytes = text.as_bytes();
    let mut end = at;
    let mut percent = None;
    // +0.05, + 0.05, +/- 0.4, ±0.1
    let rest = &text[blanks(bytes, end)..];
    if !matches!(rest.as_bytes().first(), Some(b'+' | b'(' | 0xc2)) {
        return (None, end);
    }
    let deviation = ["+/-", "+-", "±", "+"]
        .iter()
        .find_map(|sign| rest.strip_prefix(sign));
    if let Some(after) = deviation {
        let from = blanks(bytes, text.len() - after.len());
        if bytes.get(from).is_some_and(u8::is_ascii_digit)
            && let Some((_, to)) = plain(text, from)
        {
            end = to;
        }
    }
    // A parenthesis of numbers, at most a short word with them.
    let rest = &text[blanks(bytes, end)..];
    if let Some(inside) = rest.strip_prefix('(')
        && let Some(close) = inside.bytes().take(48).position(|b| b == b')')
    {
        let body = inside[..close].trim();
        let letters = body.bytes().filter(u8::is_ascii_alphabetic).count();
        let digits = body.bytes().any(|b| b.is_ascii_digit());
        // `(epoch 3)`, `(0.41 sec/step)`, `(took 3 ms)` say something of their own; behind `Best metric: 79.8` it is of old.
        let own = ["epoch", "step", "iter", "batch", "took", "global"]
            .iter()
            .any(|word| body.starts_with(word) && !text[..at].contains("est "))
            || ["/step", "/it", "/iter", "/batch"]
                .iter()
                .any(|unit| body.ends_with(unit));
        let named = own || body.contains(['=', ':']);
        if digits && letters <= 8 && !named || not_a_number(body).is_some() {
            if let Some(number) = body.strip_suffix('%') {
                percent = plain(number.trim(), 0).map(|found| found.0);
            }
            end = text.len() - rest.len() + 1 + close + 1;
        }
    }
    (percent, end)
}

#[cfg(test)]
mod tests;
