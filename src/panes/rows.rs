//! Rows out of long lines, by offsets: a line of a megabyte is never copied to be cut. Separate because logs and
//! YAML wrap alike.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Byte ranges of the rows a text takes when broken at `columns`; at least one row.
pub fn rows(text: &str, columns: usize) -> Rows<'_> {
    Rows {
        text,
        columns: columns.max(1),
        ascii: text.is_ascii(),
        at: Some(0),
    }
}

/// Iterator of [`rows`].
pub struct Rows<'a> {
    text: &'a str,
    columns: usize,
    ascii: bool,
    at: Option<usize>,
}

impl Iterator for Rows<'_> {
    type Item = (usize, usize);

    fn next(&mut self) -> Option<Self::Item> {
        let start = self.at?;
        let end = if self.ascii {
            self.text.len().min(start.saturating_add(self.columns))
        } else {
            skip_columns(self.text, start, self.columns).0
        };
        // A character wider than the row still moves on.
        let end = if end == start && start < self.text.len() {
            let rest = &self.text[start..];
            start + rest.graphemes(true).next().map_or(rest.len(), str::len)
        } else {
            end
        };
        self.at = (end < self.text.len()).then_some(end);
        Some((start, end))
    }
}

/// How many rows a text takes; one if lines are not wrapped.
pub fn count(text: &str, columns: usize, wrap: bool) -> usize {
    if !wrap {
        1
    } else if text.is_ascii() {
        text.len().div_ceil(columns.max(1)).max(1)
    } else {
        rows(text, columns).count()
    }
}

/// The byte so many columns after `start`, never inside a character, and the columns really passed.
pub fn skip_columns(text: &str, start: usize, columns: usize) -> (usize, usize) {
    let rest = text.get(start..).unwrap_or_default();
    // The beginning is often all that is looked at, and often plain.
    let plain = rest
        .bytes()
        .take(columns + 1)
        .take_while(u8::is_ascii)
        .count();
    if plain > columns || plain == rest.len() {
        let passed = columns.min(rest.len());
        return (start + passed, passed);
    }
    let mut used = 0;
    for (at, grapheme) in rest.grapheme_indices(true) {
        let wide = grapheme.width();
        if used + wide > columns {
            return (start + at, used);
        }
        used += wide;
    }
    (text.len(), used)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("", 5, &[""])]
    #[case("abcdefg", 3, &["abc", "def", "g"])]
    #[case("日本語x", 3, &["日", "本", "語x"])]
    #[case("日本", 1, &["日", "本"])]
    #[case("ab日", 3, &["ab", "日"])]
    fn rows_break_between_characters(
        #[case] text: &str,
        #[case] columns: usize,
        #[case] want: &[&str],
    ) {
        let got: Vec<&str> = rows(text, columns).map(|(a, b)| &text[a..b]).collect();
        assert_eq!(got, want);
        assert_eq!(count(text, columns, true), want.len());
    }
}
