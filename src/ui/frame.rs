//! What surrounds the data: one header line, one line of tabs, one footer line, and single lines between panes that
//! join where they meet. Separate so that every screen spends the same three rows in the same way.

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Span;

use super::text::{self, Shorten};
use super::{State, Theme};

mod joints;
#[cfg(test)]
mod tests;

pub use joints::{horizontal, outline, vertical};

/// The crumbs for so many columns: those between the first and the last give way, then the first, so that the last,
/// what is on the screen, stays readable.
fn fold<'a>(crumbs: &'a [Cow<'_, str>], room: usize) -> Vec<&'a str> {
    let mut shown: Vec<&str> = crumbs.iter().map(AsRef::as_ref).collect();
    let Some(last) = shown.len().checked_sub(1) else {
        return shown;
    };
    for n in (1..last).chain((last > 0).then_some(0)) {
        let wide: usize = shown.iter().map(|crumb| text::width(crumb) + 3).sum();
        if wide <= room + 3 {
            break;
        }
        shown[n] = "…";
    }
    shown
}

/// The header line: who we are, where we are, how it stands.
#[derive(Debug, Clone, Default)]
pub struct Header<'a> {
    /// The product's name.
    pub brand: &'a str,
    /// Where we are: cluster, namespace, object. The last is what is on the screen.
    pub crumbs: Vec<Cow<'a, str>>,
    /// At the right, the most important first: those that do not fit are left out from the end.
    pub right: Vec<Vec<Span<'a>>>,
}

impl Header<'_> {
    /// Draws it into one row. Answers where each crumb was drawn, for the mouse.
    pub fn draw(&self, area: Rect, buf: &mut Buffer, theme: &Theme) -> Vec<Rect> {
        let area = area.intersection(buf.area);
        let mut places = Vec::with_capacity(self.crumbs.len());
        if area.is_empty() {
            return places;
        }
        let mut x = put(buf, area, area.x + 1, self.brand, theme.title()) + 2;
        // The crumbs keep at least a third of the row; what stands to the right takes what it needs of the rest.
        let crumbs: usize = self.crumbs.iter().map(|crumb| text::width(crumb) + 3).sum();
        let whole = usize::from(area.width);
        let least = crumbs.min(whole / 3);
        let start = usize::from(x - area.x);
        let room = whole.saturating_sub(start + least + 2);
        let mut shown = Vec::new();
        let mut used = 0;
        for segment in &self.right {
            let wide = text::spans_width(segment) + 3;
            if used + wide > room {
                break;
            }
            used += wide;
            shown.push(segment);
        }
        let right = area
            .right()
            .saturating_sub(u16::try_from(used).unwrap_or(area.width));
        let gap = if used > 0 { 2 } else { 0 };
        let left = Rect {
            width: right.saturating_sub(area.x + gap),
            ..area
        };
        let last = self.crumbs.len().saturating_sub(1);
        let crumbs = fold(&self.crumbs, usize::from(left.right().saturating_sub(x)));
        for (n, crumb) in crumbs.iter().enumerate() {
            let style = if n == last { theme.text() } else { theme.dim() };
            let room = usize::from(left.right().saturating_sub(x));
            let crumb = text::shorten(crumb, room, Shorten::Middle);
            let from = x;
            x = put(buf, left, x, &crumb, style);
            places.push(Rect {
                x: from,
                y: area.y,
                width: x.saturating_sub(from),
                height: 1,
            });
            if n < last {
                x = put(buf, left, x + 1, theme.glyphs().crumb(), theme.faint()) + 1;
            }
        }
        let mut x = right;
        for segment in shown {
            for span in segment {
                x = put(buf, area, x, &span.content, span.style);
            }
            x += 3;
        }
        places
    }
}

/// The counts of states for the header: `● 18  ◌ 9  ✗ 4`, leaving out states nobody is in.
pub fn counts(counts: &[(State, u64)], theme: &Theme) -> Vec<Span<'static>> {
    let mut spans = Vec::new();
    for (state, n) in counts.iter().filter(|(_, n)| *n > 0) {
        if !spans.is_empty() {
            spans.push(Span::raw("  "));
        }
        spans.push(Span::styled(
            format!("{} ", theme.state_glyph(*state)),
            theme.state(*state),
        ));
        spans.push(Span::styled(text::count(*n), theme.text()));
    }
    spans
}

/// The line of tabs: the active one stands out, counts are dim, keys for what is always there at the right.
/// Answers where each tab was drawn, and each of the keys if there was room, for the mouse.
pub fn tabs(
    tabs: &[(&str, Option<u64>)],
    active: usize,
    right: &[(String, &str)],
    area: Rect,
    buf: &mut Buffer,
    theme: &Theme,
) -> (Vec<Rect>, Vec<Rect>) {
    let area = area.intersection(buf.area);
    let (mut places, mut keys) = (Vec::with_capacity(tabs.len()), Vec::new());
    if area.is_empty() {
        return (places, keys);
    }
    let widths = |with_counts: bool| -> usize {
        tabs.iter()
            .map(|(name, n)| {
                text::width(name)
                    + 3
                    + n.filter(|_| with_counts)
                        .map_or(0, |n| text::count(n).len() + 1)
            })
            .sum()
    };
    let with_counts = widths(true) <= usize::from(area.width);
    let mut x = area.x;
    for (n, (name, count)) in tabs.iter().enumerate() {
        let style = theme.tab(n == active);
        let from = x;
        let mut end = put(buf, area, x + 1, name, style);
        if let Some(count) = count.filter(|count| with_counts && *count > 0) {
            end = put(buf, area, end + 1, &text::count(count), theme.dim());
        }
        // The active tab is a surface of its own where the theme gives it one.
        let place = Rect {
            x: from,
            y: area.y,
            width: (end + 1).min(area.right()).saturating_sub(from),
            height: 1,
        };
        if let Some(bg) = style.bg.filter(|_| n == active) {
            buf.set_style(place, Style::new().bg(bg));
        }
        places.push(place);
        x = end + 2;
    }
    let room = area.right().saturating_sub(x);
    let wide: usize = right
        .iter()
        .map(|(key, what)| text::width(key) + text::width(what) + 3)
        .sum();
    if wide <= usize::from(room) && !right.is_empty() {
        let mut x = area.right() - u16::try_from(wide).unwrap_or(room);
        for (key, what) in right {
            let from = x;
            x = put(buf, area, x, key, theme.key()) + 1;
            x = put(buf, area, x, what, theme.hint()) + 2;
            keys.push(Rect {
                x: from,
                y: area.y,
                width: (x - 2).saturating_sub(from),
                height: 1,
            });
        }
    }
    (places, keys)
}

/// A key and what it does, or why it does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint<'a> {
    /// As printed by the keymap.
    pub key: Cow<'a, str>,
    /// One or two words.
    pub what: Cow<'a, str>,
    /// Why it cannot be done now; then it is greyed.
    pub not: Option<Cow<'a, str>>,
}

impl<'a> Hint<'a> {
    /// A key that works.
    pub fn new(key: impl Into<Cow<'a, str>>, what: impl Into<Cow<'a, str>>) -> Self {
        Self {
            key: key.into(),
            what: what.into(),
            not: None,
        }
    }
    /// A key that does not, and why.
    pub fn not(mut self, why: impl Into<Cow<'a, str>>) -> Self {
        self.not = Some(why.into());
        self
    }
}

/// The footer: hints from the left as far as they fit, `right` (position, clock) always. Answers where each hint was
/// drawn, for the mouse.
pub fn footer(
    hints: &[Hint<'_>],
    right: &[Span<'_>],
    area: Rect,
    buf: &mut Buffer,
    theme: &Theme,
) -> Vec<Rect> {
    let area = area.intersection(buf.area);
    let mut places = Vec::new();
    if area.is_empty() {
        return places;
    }
    let wide = u16::try_from(text::spans_width(right)).unwrap_or(area.width);
    let keep = if wide > 0 { wide + 2 } else { 0 };
    let end = area.right().saturating_sub(keep).max(area.x);
    let mut x = area.x + 1;
    for hint in hints {
        let mut need = text::width(&hint.key) + 1 + text::width(&hint.what);
        let why = hint.not.as_ref().map(|why| format!(" ({why})"));
        let room = usize::from(end.saturating_sub(x));
        let why = why.filter(|why| need + text::width(why) <= room);
        need += why.as_ref().map_or(0, |why| text::width(why));
        if need > room {
            break;
        }
        let (key, what) = match hint.not {
            None => (theme.key(), theme.hint()),
            Some(_) => (theme.disabled(), theme.disabled()),
        };
        let from = x;
        x = put(buf, area, x, &hint.key, key) + 1;
        x = put(buf, area, x, &hint.what, what);
        if let Some(why) = why {
            x = put(buf, area, x, &why, theme.disabled());
        }
        places.push(Rect {
            x: from,
            y: area.y,
            width: x - from,
            height: 1,
        });
        x += 3;
    }
    let mut x = area.right().saturating_sub(wide + 1).max(area.x);
    for span in right {
        x = put(buf, area, x, &span.content, theme.dim().patch(span.style));
    }
    places
}

/// Puts a title into a border line: ` title ` starting two columns in, cut to fit.
pub fn border_title(title: &[Span<'_>], area: Rect, buf: &mut Buffer) {
    let area = area.intersection(buf.area);
    let room = usize::from(area.width).saturating_sub(4);
    if room < 4 || area.height == 0 {
        return;
    }
    let wide = text::spans_width(title);
    let mut x = put(buf, area, area.x + 1, " ", Style::new());
    for span in text::slice(title, 0, room.min(wide)) {
        x = put(buf, area, x, &span.content, span.style);
    }
    put(buf, area, x, " ", Style::new());
}

/// The one line shown when the screen is too small for anything else.
pub fn too_small(least: (u16, u16), area: Rect, buf: &mut Buffer, theme: &Theme) {
    theme.clear(area, buf);
    let words = format!(
        "{}x{} is too small, {}x{} is enough",
        area.width, area.height, least.0, least.1
    );
    let words = text::shorten(&words, usize::from(area.width), Shorten::End);
    let x = area.x
        + (area
            .width
            .saturating_sub(u16::try_from(text::width(&words)).unwrap_or(0)))
            / 2;
    put(buf, area, x, &words, theme.text());
}

/// Text at a column of a row, cut at the row's end; where it ends.
fn put(buf: &mut Buffer, area: Rect, x: u16, words: &str, style: Style) -> u16 {
    if x >= area.right() || area.height == 0 {
        return x.min(area.right());
    }
    buf.set_stringn(x, area.y, words, usize::from(area.right() - x), style)
        .0
}
