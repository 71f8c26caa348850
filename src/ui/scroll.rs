//! Scrolling: which part of something long is in the window, and the thin bar that shows it. Separate because texts,
//! tables and grids share it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::Theme;

/// The visible part of a long thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Window {
    /// First visible line.
    pub offset: usize,
    /// Visible lines.
    pub page: usize,
    /// All lines.
    pub total: usize,
}

impl Window {
    /// The greatest offset that still fills the page.
    pub fn last_offset(&self) -> usize {
        self.total.saturating_sub(self.page)
    }

    /// The same window with its offset within bounds.
    pub fn settled(mut self) -> Self {
        self.offset = self.offset.min(self.last_offset());
        self
    }

    /// Moved by lines, within bounds.
    pub fn step(mut self, by: isize) -> Self {
        self.offset = self.offset.saturating_add_signed(by);
        self.settled()
    }

    /// Moved by pages, keeping one line in common.
    pub fn step_page(self, by: isize) -> Self {
        self.step(
            by.saturating_mul(isize::try_from(self.page.saturating_sub(1).max(1)).unwrap_or(1)),
        )
    }

    /// Moved as little as brings a line into sight.
    pub fn reveal(mut self, line: usize) -> Self {
        if line < self.offset {
            self.offset = line;
        } else if self.page > 0 && line >= self.offset + self.page {
            self.offset = line + 1 - self.page;
        }
        self.settled()
    }

    /// Whether the end is in sight.
    pub fn at_end(&self) -> bool {
        self.offset >= self.last_offset()
    }
}

/// Draws a thumb over a one-column area; nothing when everything is in sight.
pub fn bar(area: Rect, buf: &mut Buffer, theme: &Theme, window: Window) {
    let area = area.intersection(buf.area);
    if area.is_empty() || window.total <= window.page || window.page == 0 {
        return;
    }
    let height = usize::from(area.height);
    // In half rows, so that the thumb glides.
    let halves = height * 2;
    let size = (halves * window.page / window.total).clamp(2, halves);
    let last = window.last_offset().max(1);
    let start = (halves - size) * window.offset.min(last) / last;
    for row in 0..height {
        let upper = (start..start + size).contains(&(row * 2));
        let lower = (start..start + size).contains(&(row * 2 + 1));
        let sign = match (upper, lower, theme.glyphs().is_ascii()) {
            (true, true, false) => "▐",
            (true, false, false) => "▝",
            (false, true, false) => "▗",
            (true, _, true) => "|",
            _ => continue,
        };
        let y = area.y + u16::try_from(row).unwrap_or(0);
        buf.set_string(area.right() - 1, y, sign, theme.border(false));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_stay_in_bounds_and_reveal_lines() {
        let window = Window {
            offset: 0,
            page: 10,
            total: 25,
        };
        assert_eq!(window.step(-3).offset, 0);
        assert_eq!(window.step(100).offset, 15);
        assert_eq!(window.step_page(1).offset, 9);
        assert_eq!(window.reveal(12).offset, 3);
        assert_eq!(window.step(8).reveal(2).offset, 2);
        assert!(window.step(15).at_end());
        assert!(
            Window {
                offset: 0,
                page: 10,
                total: 3
            }
            .at_end()
        );
    }

    #[test]
    fn the_thumb_touches_both_ends() {
        let theme = Theme::default();
        let thumb = |offset| {
            let mut buf = Buffer::empty(Rect::new(0, 0, 1, 10));
            bar(
                buf.area,
                &mut buf,
                &theme,
                Window {
                    offset,
                    page: 10,
                    total: 1000,
                },
            );
            buf.content
                .iter()
                .map(ratatui::buffer::Cell::symbol)
                .collect::<String>()
        };
        assert_eq!(thumb(0), "▐         ");
        assert_eq!(thumb(990), "         ▐");
        assert_eq!(
            thumb(500).trim().chars().count(),
            2 - usize::from(thumb(500).contains('▐'))
        );
    }
}
