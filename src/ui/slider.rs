//! One row: where one is between two times, what happened where, and words on both sides.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;

use super::{State, Theme, text};

/// What to draw.
pub struct Slider<'a> {
    /// Left of the track, the first of them in front; shortened last.
    pub left: Vec<Span<'a>>,
    /// Right of it, in parts of which the last go where there is no room.
    pub right: Vec<Vec<Span<'a>>>,
    /// How far, of 1.
    pub at: f64,
    /// What went wrong there, of 1 each.
    pub marks: Vec<f64>,
}

/// The track is no shorter.
const SHORTEST: usize = 16;

impl Slider<'_> {
    /// Draws it; answers where its track is.
    pub fn draw(&self, area: Rect, buf: &mut Buffer, theme: &Theme) -> Rect {
        buf.set_style(area, theme.header());
        let width = usize::from(area.width);
        let left = text::spans_width(&self.left);
        let mut right = &self.right[..];
        let wide = |parts: &[Vec<Span>]| {
            parts
                .iter()
                .map(|part| text::spans_width(part))
                .sum::<usize>()
        };
        while !right.is_empty() && left + wide(right) + SHORTEST + 4 > width {
            right = &right[..right.len() - 1];
        }
        let room = width.saturating_sub(left + wide(right) + 4);
        let track = Rect {
            x: area.x + (left as u16 + 2).min(area.width),
            width: (room as u16).min(area.width),
            height: 1,
            ..area
        };
        let put = |x: u16, spans: &mut dyn Iterator<Item = &Span>, buf: &mut Buffer| {
            let mut x = x;
            for span in spans {
                let free = area.right().saturating_sub(x).into();
                (x, _) = buf.set_stringn(x, area.y, &span.content, free, span.style);
            }
        };
        put(area.x + 1, &mut self.left.iter(), buf);
        put(track.right() + 1, &mut right.iter().flatten(), buf);
        let cell = |share: f64| {
            let last = f64::from(track.width.saturating_sub(1));
            track.x + (share.clamp(0.0, 1.0) * last).round() as u16
        };
        if track.width == 0 {
            return track;
        }
        let head = cell(self.at);
        for x in track.x..track.right() {
            let (sign, style) = match x <= head {
                true => ("━", theme.accent()),
                false => ("─", theme.faint()),
            };
            buf[(x, area.y)].set_symbol(sign).set_style(style);
        }
        for mark in &self.marks {
            let style = theme.state(State::Failed);
            buf[(cell(*mark), area.y)].set_symbol("✗").set_style(style);
        }
        let over = buf[(head, area.y)].symbol() == "✗";
        let style = match over {
            true => theme.state(State::Failed),
            false => theme.title(),
        };
        buf[(head, area.y)].set_symbol("█").set_style(style);
        track
    }
}
