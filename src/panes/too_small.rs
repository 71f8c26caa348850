//! The one line shown where nothing sensible fits.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::ui::{Theme, text};

/// Says how large the terminal is and how large it should be.
pub fn draw(area: Rect, buf: &mut Buffer, theme: &Theme, smallest: (u16, u16)) {
    if area.is_empty() {
        return;
    }
    let words = format!("too small: {}x{}, needs {}x{}", area.width, area.height, smallest.0, smallest.1);
    let words = text::shorten(&words, area.width.into(), text::Shorten::End);
    let x = area.x + area.width.saturating_sub(text::width(&words) as u16) / 2;
    buf.set_stringn(x, area.y + area.height / 2, &words, area.width.into(), theme.text());
}
