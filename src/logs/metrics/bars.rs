//! Bars with a bracket of times behind them, as tqdm draws them: `desc: 60%|███ | 3/5 [00:01<00:00, 3.3it/s, loss=1]`.

use super::number;

/// A bar taken apart.
#[derive(Debug, Clone, PartialEq)]
pub struct Bar<'a> {
    /// What stands before it, without the colon.
    pub label: &'a str,
    pub percent: Option<f64>,
    pub n: f64,
    pub total: Option<f64>,
    pub elapsed: f64,
    pub remaining: Option<f64>,
    /// Number and unit, e.g. `it/s`, `s/it`, `MB/s`.
    pub rate: Option<(f64, &'a str)>,
    pub unit: &'a str,
    /// The names and values behind the rate.
    pub postfix: &'a str,
    /// Where the bar ends; some print on right behind it.
    pub end: usize,
}

/// What a bar is drawn for, if not for training.
pub fn purpose(label: &str, unit: &str) -> Option<&'static str> {
    let lower = label.trim().to_ascii_lowercase();
    let starts = |words: &[&str]| words.iter().any(|word| lower.starts_with(word));
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    let per_byte = matches!(
        unit.split('/').next().unwrap_or(""),
        "B" | "kB" | "KB" | "MB" | "GB" | "KiB" | "MiB" | "GiB" | "k" | "M" | "G"
    ) && unit.ends_with("/s");
    const FILES: [&str; 12] = [
        ".safetensors",
        ".bin",
        ".json",
        ".gz",
        ".zip",
        ".tar",
        ".pt",
        ".model",
        ".parquet",
        ".txt",
        ".gguf",
        ".arrow",
    ];
    if per_byte
        || starts(&[
            "downloading",
            "fetching",
            "download",
            "uploading",
            "upload",
            "pulling",
        ])
        || has(&FILES)
    {
        return Some("download");
    }
    const DATA: [&str; 24] = [
        "map",
        "filter",
        "tokeniz",
        "generating",
        "grouping",
        "preprocess",
        "creating",
        "casting",
        "saving",
        "packing",
        "running tokenizer",
        "resolving",
        "truncating",
        "applying",
        "converting",
        "adding",
        "extracting",
        "flattening",
        "computing checksums",
        "caching",
        "processing",
        "scanning",
        "shuffling",
        "setting num_proc",
    ];
    if starts(&DATA) || has(&[": scanning", ": caching"]) {
        return Some("data");
    }
    if starts(&[
        "loading",
        "load ",
        "reading",
        "unpacking",
        "initializing",
        "capturing",
        "compiling",
        "warming",
        "warmup",
    ]) {
        return Some("load");
    }
    if starts(&["sanity", "validat", "val", "eval", "test", "class "])
        || has(&["validation", "sanity check", "evaluat", "[val]", "(val)"])
    {
        return Some("validation");
    }
    if starts(&[
        "predict",
        "inference",
        "sampling",
        "decoding",
        "processed",
        "generation",
        "rendering",
    ]) {
        return Some("inference");
    }
    None
}

/// What the bars of one stream are drawn for: their labels are few and come again with every frame.
#[derive(Debug, Default)]
pub struct Purposes {
    known: Vec<(Box<str>, Box<str>, Option<&'static str>)>,
    next: usize,
}

impl Purposes {
    /// So many bars are drawn at once.
    const MOST: usize = 4;

    /// What [`purpose`] says of it.
    pub fn of(&mut self, label: &str, unit: &str) -> Option<&'static str> {
        let known = self
            .known
            .iter()
            .find(|known| *known.0 == *label && *known.1 == *unit);
        if let Some(known) = known {
            return known.2;
        }
        let found = purpose(label, unit);
        if label.len() + unit.len() <= 256 {
            let new = (label.into(), unit.into(), found);
            match self.known.get_mut(self.next) {
                Some(old) => *old = new,
                None => self.known.push(new),
            }
            self.next = (self.next + 1) % Self::MOST;
        }
        found
    }
}

/// Finds the first such bar.
pub fn find(text: &str) -> Option<Bar<'_>> {
    let bytes = text.as_bytes();
    memchr::memchr_iter(b'[', bytes)
        .filter(|at| matches!(bytes.get(at + 1), Some(b'0'..=b'9' | b'?')))
        .find_map(|at| at_bracket(text, at))
}

fn at_bracket(text: &str, at: usize) -> Option<Bar<'_>> {
    let bytes = text.as_bytes();
    let (elapsed, mut end) = match bytes.get(at + 1) {
        Some(b'?') => (0.0, at + 2),
        _ => number::clock(text, at + 1)?,
    };
    let mut remaining = None;
    match bytes.get(end)? {
        b'<' => {
            if bytes.get(end + 1) == Some(&b'?') {
                end += 2;
            } else {
                let (left, to) = number::clock(text, end + 1)?;
                (remaining, end) = (Some(left), to);
            }
        }
        b',' | b']' => {}
        _ => return None,
    }
    // The rate and what follows, to the bracket that closes this one.
    let mut depth = 1;
    let close = memchr::memchr2_iter(b'[', b']', &bytes[end..]).find_map(|i| {
        depth += if bytes[end + i] == b'[' { 1 } else { -1 };
        (depth == 0).then_some(end + i)
    });
    let close = close.unwrap_or(text.len());
    let inside = text[end..close].trim_start_matches([',', ' ']);
    let comma = memchr::memchr_iter(b',', inside.as_bytes())
        .find(|at| inside.as_bytes().get(at + 1) == Some(&b' '));
    let (first, postfix) = comma.map_or((inside, ""), |at| (&inside[..at], &inside[at + 2..]));
    let first = first.trim();
    let (rate, unit, postfix) = if let Some(unit) = first.strip_prefix('?') {
        (None, unit, postfix)
    } else {
        match number::plain(first, 0) {
            Some((value, to)) if first[to..].contains('/') => {
                let (value, unit) = scale(value, first[to..].trim());
                (Some((value, unit)), unit, postfix)
            }
            _ => (None, "", inside),
        }
    };
    let (n, total, head) = count(text[..at].trim_end())?;
    let head = head.trim_end();
    // The drawn part, from its percentage on.
    let (percent, label) = match head.rfind('%') {
        Some(sign) => {
            let digits = head[..sign].trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
            (head[digits.len()..sign].parse().ok(), digits)
        }
        None => (None, head.trim_end_matches(['|', ' '])),
    };
    let label = label.trim().trim_end_matches(':').trim();
    let end = (close + 1).min(text.len());
    Some(Bar {
        label,
        percent,
        n,
        total,
        elapsed,
        remaining,
        rate,
        unit,
        postfix,
        end,
    })
}

/// Thousands of tokens a second are tokens a second.
fn scale(value: f64, unit: &str) -> (f64, &str) {
    let mut chars = unit.chars();
    let factor = match chars.next() {
        Some('k' | 'K') => 1e3,
        Some('M') => 1e6,
        _ => return (value, unit),
    };
    let rest = chars.as_str();
    if rest.starts_with("B/") || rest.starts_with("iB/") || rest.starts_with('/') {
        return (value, unit);
    }
    (value * factor, rest)
}

/// `3/5`, `250k/1.00M`, `3it` at the end of a text; what stands before.
fn count(text: &str) -> Option<(f64, Option<f64>, &str)> {
    let start = text
        .char_indices()
        .rev()
        .take_while(|(_, c)| c.is_ascii_alphanumeric() || matches!(c, '.' | '/' | '?' | '_'))
        .last()?
        .0;
    let (head, token) = text.split_at(start);
    // `4000 examples`
    let (head, token) = if token.starts_with(|c: char| c.is_ascii_digit()) {
        (head, token)
    } else {
        let before = head.trim_end();
        let at = before
            .char_indices()
            .rev()
            .take_while(|(_, c)| c.is_ascii_digit() || matches!(c, '.' | '/'))
            .last()?
            .0;
        before.split_at(at)
    };
    let read = |text: &str| {
        let (value, end) = number::plain(text, 0)?;
        let factor = match text.as_bytes().get(end) {
            Some(b'k' | b'K') => 1e3,
            Some(b'M') => 1e6,
            Some(b'G') => 1e9,
            Some(b'T') => 1e12,
            _ => 1.0,
        };
        (value >= 0.0).then_some(value * factor)
    };
    match token.split_once('/') {
        Some((n, total)) => Some((read(n)?, read(total), head)),
        None => Some((read(token)?, None, head)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_bar() {
        let bar = find(
            "Epoch 2:  50%|█████     | 5/10 [01:05<1:00:02,  3.28it/s, loss=2.3, lr=[1e-5]]next",
        )
        .unwrap();
        assert_eq!(
            (bar.label, bar.percent, bar.n, bar.total),
            ("Epoch 2", Some(50.0), 5.0, Some(10.0))
        );
        assert_eq!((bar.elapsed, bar.remaining), (65.0, Some(3602.0)));
        assert_eq!(
            (bar.rate, bar.postfix),
            (Some((3.28, "it/s")), "loss=2.3, lr=[1e-5]")
        );
        let bar = find("7it [00:03, ?it/s]").unwrap();
        assert_eq!(
            (bar.label, bar.n, bar.total, bar.rate),
            ("", 7.0, None, None)
        );
        let bar = find("x.bin:  25%|##  | 250k/1.00M [00:00<00:00, 2.48MB/s]").unwrap();
        assert_eq!((bar.n, bar.rate), (250e3, Some((2.48, "MB/s"))));
        assert_eq!(purpose(bar.label, bar.unit), Some("download"));
        assert_eq!(purpose("Map", "examples/s"), Some("data"));
        assert_eq!(purpose("Epoch 3", "it/s"), None);
        for no in [
            "[12:00:01] hello",
            "took [3]",
            "[00:01<",
            "a [1:02<x, 3it/s]",
        ] {
            assert_eq!(find(no), None, "{no}");
        }
    }
}
