//! Text that others wrote, made safe and made to fit: width in columns, shortening, wrapping, terminal escapes.
//! Separate because every pane shows foreign text, and all of it must be harmless and never split a character.

use std::borrow::Cow;

use ratatui::style::Style;
use ratatui::text::Span;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

mod ansi;
#[cfg(test)]
mod tests;

pub use ansi::{last_frame, spans, strip};

/// Where to cut what does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Shorten {
    /// `clip-trainin…`: sentences.
    #[default]
    End,
    /// `clip-tra…-rpxw9`: names whose tail tells them apart.
    Middle,
    /// `…rainer-0`: paths.
    Start,
}

/// Columns a text takes.
pub fn width(text: &str) -> usize {
    if text.is_ascii() {
        text.len()
    } else {
        text.width()
    }
}

/// The longest beginning that fits in `columns`, never splitting a character, and its width.
pub fn head(text: &str, columns: usize) -> (&str, usize) {
    if text.is_ascii() {
        let end = text.len().min(columns);
        return (&text[..end], end);
    }
    let mut used = 0;
    for (at, grapheme) in text.grapheme_indices(true) {
        let wide = grapheme.width();
        if used + wide > columns {
            return (&text[..at], used);
        }
        used += wide;
    }
    (text, used)
}

/// The longest ending that fits in `columns`, never splitting a character, and its width.
pub fn tail(text: &str, columns: usize) -> (&str, usize) {
    if text.is_ascii() {
        let start = text.len().saturating_sub(columns);
        return (&text[start..], text.len() - start);
    }
    let mut used = 0;
    for (at, grapheme) in text.grapheme_indices(true).rev() {
        let wide = grapheme.width();
        if used + wide > columns {
            return (&text[at + grapheme.len()..], used);
        }
        used += wide;
    }
    (text, used)
}

/// The text in at most `columns`, cut as asked with `…` where something is missing.
pub fn shorten(text: &str, columns: usize, how: Shorten) -> Cow<'_, str> {
    if width(text) <= columns {
        return Cow::Borrowed(text);
    }
    if columns == 0 {
        return Cow::Borrowed("");
    }
    let room = columns - 1;
    match how {
        Shorten::End => Cow::Owned(format!("{}…", head(text, room).0)),
        Shorten::Start => Cow::Owned(format!("…{}", tail(text, room).0)),
        Shorten::Middle => {
            // The tail of a Kubernetes name (its hash, its index) tells siblings apart: it gets the smaller half,
            // but is kept whole as long as anything is.
            let end = room * 3 / 7;
            let (last, used) = tail(text, end);
            let (first, _) = head(text, room - used);
            Cow::Owned(format!("{first}…{last}"))
        }
    }
}

/// The text without control characters (tab becomes a space), without the invisible signs that reorder or hide
/// text, and without lone joiners: what is shown is what is there.
pub fn clean(text: &str) -> Cow<'_, str> {
    if !text.chars().any(unwelcome) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(
        text.chars()
            .filter_map(|c| {
                if c == '\t' {
                    Some(' ')
                } else {
                    (!unwelcome(c)).then_some(c)
                }
            })
            .collect(),
    )
}

/// A text of lines for elsewhere (a clipboard, a file): without what a terminal obeys and what hides or reorders text,
/// and how many signs that were. Lines and tabs stay.
pub fn harmless(text: &str) -> (Cow<'_, str>, usize) {
    let odd = |c: char| unwelcome(c) && !matches!(c, '\n' | '\t');
    let count = text.chars().filter(|c| odd(*c)).count();
    match count {
        0 => (Cow::Borrowed(text), 0),
        n => (text.chars().filter(|c| !odd(*c)).collect(), n),
    }
}

/// Said of a text that was made harmless, behind what became of it.
pub fn left_out(odd: usize) -> String {
    match odd {
        0 => String::new(),
        1 => "; a sign that steers terminals or cannot be seen is left out".into(),
        n => format!("; {n} signs that steer terminals or cannot be seen are left out"),
    }
}

/// The same for a terminal that takes what is data as it is: such signs are written as escapes, so that they show.
pub fn escaped(text: &str) -> Cow<'_, str> {
    let odd = |c: char| unwelcome(c) && !matches!(c, '\n' | '\t');
    if !text.chars().any(odd) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 64);
    for c in text.chars() {
        match odd(c) {
            // as in JSON, where one beyond the first plane takes two
            true => (c.encode_utf16(&mut [0; 2]).iter())
                .for_each(|unit| out.push_str(&format!("\\u{unit:04x}"))),
            false => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// Characters that one cell may be made of: the longest emoji are of ten.
const CELL: usize = 12;

/// What a cell may show of this sign: none, if it is as it should be. A last look at what goes to the terminal, whoever
/// put it there: nothing that it obeys, and no tower of accents.
pub fn cell(symbol: &str) -> Option<String> {
    let bytes = symbol.as_bytes();
    if let [b' '..=b'~'] = bytes {
        return None;
    }
    if bytes.len() <= 4 * CELL
        && symbol.chars().count() <= CELL
        && !symbol.is_empty()
        && !symbol.chars().any(unwelcome)
    {
        return None;
    }
    let kept: String = symbol
        .chars()
        .filter(|c| !unwelcome(*c))
        .take(CELL)
        .collect();
    Some(if kept.is_empty() { " ".into() } else { kept })
}

/// Control characters, bidirectional overrides and isolates, and other invisible formatting.
pub(crate) fn unwelcome(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00ad}' | '\u{061c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Breaks a text into lines of at most `columns`, at spaces where there are any, inside words where there are none.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(1);
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        let mut line = String::new();
        let mut used = 0;
        for word in paragraph.split_inclusive(' ') {
            let bare = width(word.trim_end_matches(' '));
            if used > 0 && used + bare > columns {
                lines.push(line.trim_end().to_owned());
                line.clear();
                used = 0;
            }
            let mut rest = word;
            while used + width(rest.trim_end_matches(' ')) > columns {
                let (part, _) = head(rest, columns - used);
                if part.is_empty() && used == 0 {
                    // One character wider than the whole line: it cannot be shown, so it is left out.
                    let first = rest.graphemes(true).next().map_or(0, str::len);
                    rest = &rest[first..];
                    continue;
                }
                line.push_str(part);
                lines.push(std::mem::take(&mut line));
                used = 0;
                rest = &rest[part.len()..];
            }
            line.push_str(rest);
            used += width(rest);
        }
        lines.push(line.trim_end().to_owned());
    }
    lines
}

/// Cuts styled text to the columns `from..from + columns` (for scrolling sideways and wrapping), never splitting a
/// character; a wide one cut in half becomes a space.
pub fn slice<'a>(spans: &[Span<'a>], from: usize, columns: usize) -> Vec<Span<'a>> {
    let mut out = Vec::new();
    let (mut at, end) = (0, from + columns);
    for span in spans {
        if at >= end {
            break;
        }
        let wide = width(&span.content);
        if at + wide <= from {
            at += wide;
            continue;
        }
        if at >= from && at + wide <= end {
            out.push(span.clone());
            at += wide;
            continue;
        }
        let mut piece = String::new();
        for grapheme in span.content.graphemes(true) {
            let w = width(grapheme);
            if at >= from && at + w <= end {
                piece.push_str(grapheme);
            } else if at < end && at + w > from {
                piece.extend(std::iter::repeat_n(' ', (at + w).min(end) - at.max(from)));
            }
            at += w;
        }
        if !piece.is_empty() {
            out.push(Span::styled(piece, span.style));
        }
    }
    out
}

/// Styled text in at most `columns`, with `…` in the style of what was cut where it does not fit.
pub fn shorten_spans<'a>(spans: &[Span<'a>], columns: usize) -> Vec<Span<'a>> {
    if columns == 0 || spans_width(spans) <= columns {
        return slice(spans, 0, columns);
    }
    let mut out = slice(spans, 0, columns - 1);
    if let Some(last) = out.last_mut() {
        last.content = format!("{}…", last.content.trim_end()).into();
    }
    out
}

/// Columns a row of spans takes.
pub fn spans_width(spans: &[Span<'_>]) -> usize {
    spans.iter().map(|span| width(&span.content)).sum()
}

/// Breaks styled text into rows of at most `columns` (hard breaks: log lines keep their columns).
pub fn wrap_spans<'a>(spans: &[Span<'a>], columns: usize) -> Vec<Vec<Span<'a>>> {
    let columns = columns.max(1);
    let total = spans_width(spans);
    if total <= columns {
        return vec![spans.to_vec()];
    }
    (0..total.div_ceil(columns))
        .map(|row| slice(spans, row * columns, columns))
        .collect()
}

/// Puts a style over the given byte ranges of a row of spans (search hits); ranges must be sorted and apart.
pub fn highlight<'a>(
    spans: &[Span<'a>],
    ranges: &[std::ops::Range<usize>],
    style: Style,
) -> Vec<Span<'a>> {
    let mut out = Vec::with_capacity(spans.len() + 2 * ranges.len());
    let mut start = 0;
    for span in spans {
        let text = span.content.as_ref();
        let end = start + text.len();
        let mut at = start;
        for range in ranges
            .iter()
            .filter(|range| range.start < end && range.end > start)
        {
            let (from, to) = (range.start.max(start), range.end.min(end));
            let cut = |a: usize, b: usize| {
                text.get(a - start..b - start)
                    .unwrap_or_default()
                    .to_owned()
            };
            if from > at {
                out.push(Span::styled(cut(at, from), span.style));
            }
            out.push(Span::styled(cut(from, to), span.style.patch(style)));
            at = to;
        }
        if at == start {
            out.push(span.clone());
        } else if at < end {
            out.push(Span::styled(
                text.get(at - start..).unwrap_or_default().to_owned(),
                span.style,
            ));
        }
        start = end;
    }
    out
}

/// A count in few columns: `950`, `1.2k`, `100k`, `3.4M`.
pub fn count(n: u64) -> String {
    match n {
        0..=9_999 => n.to_string(),
        10_000..=99_999 if n % 1000 >= 100 => format!("{}.{}k", n / 1000, n % 1000 / 100),
        10_000..=999_999 => format!("{}k", n / 1000),
        1_000_000..=99_999_999 if n % 1_000_000 >= 100_000 => {
            format!("{}.{}M", n / 1_000_000, n % 1_000_000 / 100_000)
        }
        _ => format!("{}M", n / 1_000_000),
    }
}
