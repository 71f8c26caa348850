//! The message line: what just happened, in words, over the footer until a key is pressed or time passes.
//! Separate because it must look the same wherever a message comes from.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::text::{self, Shorten};
use super::{Level, Theme};

/// Draws a message over the last row of an area, or over as many rows (up to three) as it needs. Answers the rows
/// covered.
pub fn draw(message: &str, level: Level, area: Rect, buf: &mut Buffer, theme: &Theme) -> Rect {
    let area = area.intersection(buf.area);
    let room = usize::from(area.width).saturating_sub(4);
    if area.is_empty() || room == 0 {
        return Rect { height: 0, ..area };
    }
    let message = text::clean(message);
    let mut lines = text::wrap(&message, room);
    let most = usize::from(area.height).min(3);
    if lines.len() > most {
        let rest = lines.split_off(most - 1).join(" ");
        lines.push(text::shorten(&rest, room, Shorten::End).into_owned());
        // What was joined may be short of the room and yet incomplete only if it was cut: then it ends in an ellipsis.
    }
    let height = u16::try_from(lines.len()).unwrap_or(1);
    let rows = Rect {
        y: area.bottom() - height,
        height,
        ..area
    };
    let style = theme.banner(level);
    let sign = match (level, theme.glyphs().is_ascii()) {
        (Level::Info, false) => "·",
        (Level::Ok, false) => "✓",
        (Level::Warn, _) => "!",
        (Level::Error, false) => "✗",
        (Level::Info, true) => "-",
        (Level::Ok, true) => "+",
        (Level::Error, true) => "x",
    };
    for (n, line) in lines.iter().enumerate() {
        let y = rows.y + u16::try_from(n).unwrap_or(0);
        let row = Rect {
            y,
            height: 1,
            ..rows
        };
        for x in row.left()..row.right() {
            buf[(x, y)].reset();
        }
        buf.set_style(row, theme.base().patch(style));
        if n == 0 {
            buf.set_stringn(row.x + 1, y, sign, 1, style);
        }
        buf.set_stringn(row.x + 3, y, line, room, style);
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(message: &str, width: u16, height: u16) -> (u16, String) {
        let theme = Theme::default();
        let mut buf = Buffer::empty(Rect::new(0, 0, width, height));
        let rows = draw(message, Level::Error, buf.area, &mut buf, &theme);
        let text: String = buf
            .content
            .chunks(usize::from(width))
            .map(|row| {
                row.iter()
                    .map(ratatui::buffer::Cell::symbol)
                    .collect::<String>()
                    .trim_end()
                    .to_owned()
                    + "\n"
            })
            .collect();
        (rows.height, text)
    }

    #[test]
    fn a_message_takes_the_rows_it_needs_and_no_more_than_three() {
        assert_eq!(
            shown("pods in hep: forbidden", 40, 3),
            (1, "\n\n ✗ pods in hep: forbidden\n".to_owned())
        );
        assert_eq!(
            shown("pods in hep: forbidden", 20, 3),
            (2, "\n ✗ pods in hep:\n   forbidden\n".to_owned())
        );
        let (rows, text) = shown(&"word ".repeat(40), 24, 5);
        assert_eq!(rows, 3);
        assert!(text.trim_end().ends_with('…'), "{text}");
        assert_eq!(shown("x", 3, 1).0, 0);
    }
}
