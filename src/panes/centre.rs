//! A few lines in the middle of an empty pane: what is not there, why, what to do. Separate because a designed
//! empty state looks the same wherever it stands.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::ui::Theme;
use crate::ui::text::wrap;

/// What an empty pane says: a heading, an explanation, and lines of detail.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Empty {
    pub head: Line<'static>,
    pub body: String,
    pub detail: Vec<Line<'static>>,
}

impl Empty {
    /// With a heading in ordinary text.
    pub fn new(head: impl Into<String>, body: impl Into<String>, theme: &Theme) -> Self {
        Self {
            head: Line::from(Span::styled(head.into(), theme.text())),
            body: body.into(),
            detail: Vec::new(),
        }
    }

    /// Draws it a third from the top, each line centred; what does not fit is left out from below.
    pub fn draw(&self, area: Rect, buf: &mut Buffer, theme: &Theme) {
        let area = area.intersection(buf.area);
        let columns = usize::from(area.width).saturating_sub(4).clamp(1, 72);
        let mut lines = vec![self.head.clone()];
        if !self.body.is_empty() {
            lines.push(Line::default());
            lines.extend(
                wrap(&self.body, columns)
                    .into_iter()
                    .map(|text| Line::from(Span::styled(text, theme.dim()))),
            );
        }
        if !self.detail.is_empty() {
            lines.push(Line::default());
        }
        let block = self.detail.iter().map(Line::width).max().unwrap_or(0);
        let height = u16::try_from(lines.len() + self.detail.len()).unwrap_or(u16::MAX);
        let mut y = area.y + area.height.saturating_sub(height) / 3;
        for line in &lines {
            if y >= area.bottom() {
                return;
            }
            put(area, buf, y, line, line.width());
            y += 1;
        }
        // Details stay in columns: the block is centred, not its lines.
        for line in &self.detail {
            if y >= area.bottom() {
                return;
            }
            put(area, buf, y, line, block);
            y += 1;
        }
    }
}

fn put(area: Rect, buf: &mut Buffer, y: u16, line: &Line, width: usize) {
    let width = u16::try_from(width).unwrap_or(u16::MAX).min(area.width);
    let x = area.x + (area.width - width) / 2;
    buf.set_line(x, y, line, area.right() - x);
}
