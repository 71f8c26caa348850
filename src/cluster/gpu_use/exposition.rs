//! Prometheus' text format, as far as it must be understood to pick a few metrics out of many: a line is looked at by
//! its name first, and the labels of a foreign one are never read. Nothing is copied but values with escapes in them.
//!
//! Format: prometheus.io/docs/instrumenting/exposition_formats, "Text-based format".

use std::borrow::Cow;

use memchr::{memchr, memchr2};

/// Longer lines are not read: a metric of a device has some 500 bytes.
const LONGEST: usize = 64 * 1024;

/// Cuts a body into lines, whatever its chunks, and hands whole ones out where they lie.
#[derive(Debug, Default)]
pub struct Lines {
    /// The beginning of a line whose end has not come.
    carry: Vec<u8>,
    /// The line under way is too long: skip to its end.
    skipping: bool,
}

impl Lines {
    /// Takes a chunk. What follows the last line end waits for the next chunk; at the end of the body it is half a line
    /// and worth nothing.
    pub fn push(&mut self, mut chunk: &[u8], mut each: impl FnMut(&[u8])) {
        while let Some(end) = memchr(b'\n', chunk) {
            let (line, rest) = (&chunk[..end], &chunk[end + 1..]);
            chunk = rest;
            if std::mem::take(&mut self.skipping) {
                continue;
            }
            if self.carry.is_empty() {
                each(trimmed(line));
            } else {
                self.carry.extend_from_slice(line);
                each(trimmed(&self.carry));
                self.carry.clear();
            }
        }
        if self.skipping {
            return;
        }
        if self.carry.len() + chunk.len() > LONGEST {
            self.carry = Vec::new();
            self.skipping = true;
        } else {
            self.carry.extend_from_slice(chunk);
        }
    }
}

fn trimmed(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// The name of the metric a line is a sample of; none for comments, blank lines and what is no metric.
pub fn name(line: &[u8]) -> Option<&[u8]> {
    let line = line.trim_ascii_start();
    let first = *line.first()?;
    if !first.is_ascii_alphabetic() && first != b'_' && first != b':' {
        return None;
    }
    let end = memchr2(b'{', b' ', line)
        .or_else(|| memchr(b'\t', line))
        .unwrap_or(line.len());
    Some(&line[..end])
}

/// Reads labels and value of a sample, its name aside: `each` gets the labels in their order. None if the line is not
/// well formed, whatever `each` got by then; a timestamp or an exemplar after the value is not read.
pub fn sample<'a>(line: &'a [u8], mut each: impl FnMut(&'a [u8], Cow<'a, [u8]>)) -> Option<f64> {
    let line = line.trim_ascii_start();
    let mut rest = &line[name(line)?.len()..];
    rest = rest.trim_ascii_start();
    if let Some(labels) = rest.strip_prefix(b"{") {
        rest = labels;
        loop {
            rest = rest.trim_ascii_start();
            match rest.first()? {
                b'}' => break,
                b',' => rest = &rest[1..],
                _ => {
                    let end = memchr(b'=', rest)?;
                    let key = rest[..end].trim_ascii_end();
                    let quoted = rest[end + 1..].trim_ascii_start().strip_prefix(b"\"")?;
                    let (value, after) = unquoted(quoted)?;
                    rest = after;
                    each(key, value);
                }
            }
        }
        rest = &rest[1..];
    }
    let rest = rest.trim_ascii_start();
    let end = rest
        .iter()
        .position(u8::is_ascii_whitespace)
        .unwrap_or(rest.len());
    std::str::from_utf8(&rest[..end]).ok()?.parse().ok()
}

/// What stands before the closing quote, and what follows it.
fn unquoted(text: &[u8]) -> Option<(Cow<'_, [u8]>, &[u8])> {
    let mut at = memchr2(b'"', b'\\', text)?;
    if text[at] == b'"' {
        return Some((Cow::Borrowed(&text[..at]), &text[at + 1..]));
    }
    let mut out = text[..at].to_vec();
    loop {
        match text.get(at)? {
            b'"' => return Some((Cow::Owned(out), &text[at + 1..])),
            b'\\' => {
                match text.get(at + 1)? {
                    b'n' => out.push(b'\n'),
                    b'\\' => out.push(b'\\'),
                    b'"' => out.push(b'"'),
                    // not an escape: both stand for themselves
                    other => out.extend([b'\\', *other]),
                }
                at += 2;
            }
            other => {
                out.push(*other);
                at += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    type Sample = (String, Vec<(String, String)>, f64);

    fn read(line: &str) -> Option<Sample> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut labels = Vec::new();
        let value = sample(line.as_bytes(), |k, v| labels.push((text(k), text(&v))))?;
        Some((text(name(line.as_bytes())?), labels, value))
    }

    #[rstest]
    #[case::plain("up 1", "up", "", 1.0)]
    #[case::no_labels("up{} 1", "up", "", 1.0)]
    #[case::labels(r#"a{b="c",d="e f"} 97"#, "a", "b=c;d=e f", 97.0)]
    #[case::trailing_comma(r#"a{b="c",} 0.5"#, "a", "b=c", 0.5)]
    #[case::spaces(r#"  a { b = "c" , d="e" }  5  "#, "a", "b=c;d=e", 5.0)]
    #[case::tabs("a\t5\t9", "a", "", 5.0)]
    #[case::timestamp(r#"a{b="c"} 1e3 1395066363000"#, "a", "b=c", 1000.0)]
    #[case::exemplar(r##"a{b="c"} 2 # {x="y"} 0.67"##, "a", "b=c", 2.0)]
    #[case::escapes(r#"a{b="q\"w\\e\nr\t"} 1"#, "a", "b=q\"w\\e\nr\\t", 1.0)]
    #[case::braces_in_values(r#"a{b="}{,=",c="d"} 1"#, "a", "b=}{,=;c=d", 1.0)]
    #[case::exponent("a 1.5E-3", "a", "", 0.0015)]
    #[case::infinite("a +Inf", "a", "", f64::INFINITY)]
    #[case::unicode(r#"a{b="žluťoučký"} 1"#, "a", "b=žluťoučký", 1.0)]
    fn samples(#[case] line: &str, #[case] of: &str, #[case] labels: &str, #[case] value: f64) {
        let (name, got, read) = read(line).unwrap();
        let got: Vec<String> = got.iter().map(|(k, v)| format!("{k}={v}")).collect();
        assert_eq!(
            (name.as_str(), got.join(";").as_str(), read),
            (of, labels, value)
        );
    }

    #[rstest]
    #[case("")]
    #[case("   ")]
    #[case("# HELP a b")]
    #[case("a")]
    #[case("a{")]
    #[case(r#"a{b="c"#)]
    #[case(r#"a{b="c""#)]
    #[case(r#"a{b="c"}"#)]
    #[case(r#"a{b="c"} x"#)]
    #[case(r#"a{b=c} 1"#)]
    #[case(r#"a{b} 1"#)]
    #[case("<html><body>404</body></html>")]
    #[case(r#"{"kind":"Status","code":403}"#)]
    fn no_samples(#[case] line: &str) {
        assert_eq!(read(line), None);
    }

    #[test]
    fn not_a_number_is_one() {
        assert!(read("a NaN").unwrap().2.is_nan());
    }

    #[test]
    fn a_line_without_end_is_skipped_and_held_nowhere() {
        let mut lines = Lines::default();
        let mut seen = Vec::new();
        lines.push(b"a 1\r\n", |l| seen.push(l.to_vec()));
        for _ in 0..100 {
            lines.push(&[b'x'; 10_000], |l| seen.push(l.to_vec()));
            assert!(lines.carry.capacity() <= 2 * LONGEST);
        }
        lines.push(b"x\nb 2\nhalf", |l| seen.push(l.to_vec()));
        assert_eq!(seen, [b"a 1".to_vec(), b"b 2".to_vec()]);
    }

    proptest! {
        #[test]
        fn nothing_panics(line in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = sample(&line, |_, _| {});
            let _ = name(&line);
        }

        #[test]
        fn nothing_that_looks_like_a_sample_panics(line in r#"[a-z]{1,3}\{?([a-z"\\=, {}]{0,30})\}? ?[0-9eE.+-]{0,6}"#) {
            let _ = sample(line.as_bytes(), |_, _| {});
        }

        #[test]
        fn chunks_do_not_matter(text in "[ab\r\n]{0,60}", cuts in proptest::collection::vec(0usize..60, 0..6)) {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|c| c.min(text.len())).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let (mut lines, mut got) = (Lines::default(), Vec::new());
            for pair in cuts.windows(2) {
                lines.push(&text.as_bytes()[pair[0]..pair[1]], |l| got.push(l.to_vec()));
            }
            let mut want: Vec<&[u8]> = text.as_bytes().split(|b| *b == b'\n').collect();
            want.pop();
            let want: Vec<Vec<u8>> = want.into_iter().map(|l| trimmed(l).to_vec()).collect();
            prop_assert_eq!(got, want);
        }

        #[test]
        fn what_was_escaped_comes_back(value in "[a-z\"\\\\\n{},= é]{0,20}") {
            let escaped = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            let line = format!("a{{b=\"{escaped}\",c=\"d\"}} 7");
            let (_, labels, number) = read(&line).unwrap();
            prop_assert_eq!(&labels[0].1, &value);
            prop_assert_eq!((labels[1].1.as_str(), number), ("d", 7.0));
        }
    }
}
