//! Which rows are on the screen: from the end, or from where the reader stopped.

use crate::logs::{Anchor, Cursor, LogBuffer};
use crate::panes::rows::count;

/// Where the first row of the screen is: a line, and how many of its rows are above.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Top {
    pub anchor: Anchor,
    pub skip: usize,
}

/// The shape rows are broken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Shape {
    /// Columns for text, prefixes not counted.
    pub columns: usize,
    pub height: usize,
    pub wrap: bool,
}

impl Shape {
    fn rows(self, buffer: &LogBuffer, cursor: Cursor) -> usize {
        buffer
            .get(cursor)
            .map_or(1, |line| count(line.text(), self.columns, self.wrap))
    }

    /// The top that puts the last row at the bottom; `None` if nothing is shown.
    pub fn bottom(self, buffer: &LogBuffer) -> Option<Top> {
        let last = buffer.last()?;
        let rows = self.rows(buffer, last);
        Some(self.back(buffer, (last, rows), self.height))
    }

    /// The top `height` rows above the row `(line, row in it)`, or the very first row.
    fn back(self, buffer: &LogBuffer, (mut cursor, mut row): (Cursor, usize), by: usize) -> Top {
        let mut left = by;
        while left > row {
            left -= row;
            row = 0;
            let Some(previous) = buffer.previous(cursor) else {
                break;
            };
            cursor = previous;
            row = self.rows(buffer, cursor);
        }
        let skip = row.saturating_sub(left);
        let anchor = buffer.get(cursor).map(|line| line.anchor());
        Top {
            anchor: anchor.unwrap_or(Anchor::START),
            skip,
        }
    }

    /// A top moved by rows, down if positive; stops at the first row and where the last one is at the bottom.
    /// Tells whether the end is in sight.
    pub fn moved(self, buffer: &LogBuffer, top: Top, by: isize) -> Option<(Top, bool)> {
        let bottom = self.bottom(buffer)?;
        let cursor = buffer.seek(top.anchor)?;
        let same = buffer
            .get(cursor)
            .is_some_and(|line| line.anchor() == top.anchor);
        let skip = if same { top.skip } else { 0 };
        let moved = if by < 0 {
            self.back(buffer, (cursor, skip), by.unsigned_abs())
        } else {
            let (mut cursor, mut row) = (cursor, skip + by.unsigned_abs());
            loop {
                let rows = self.rows(buffer, cursor);
                if row < rows {
                    break;
                }
                let Some(next) = buffer.next(cursor) else {
                    row = rows.saturating_sub(1);
                    break;
                };
                row -= rows;
                cursor = next;
            }
            Top {
                anchor: buffer.get(cursor)?.anchor(),
                skip: row,
            }
        };
        let at_end = (moved.anchor, moved.skip) >= (bottom.anchor, bottom.skip);
        Some((if at_end { bottom } else { moved }, at_end))
    }

    /// The lines on screen from a top on: each with its first row and how many rows of it are seen.
    pub fn seen(self, buffer: &LogBuffer, top: Top) -> Vec<(Cursor, usize, usize)> {
        let mut out = Vec::new();
        let mut left = self.height;
        let mut at = buffer.seek(top.anchor);
        let mut skip = top.skip;
        while let Some(cursor) = at.filter(|_| left > 0) {
            let rows = self.rows(buffer, cursor);
            let first = skip.min(rows - 1);
            let seen = (rows - first).min(left);
            out.push((cursor, first, seen));
            left -= seen;
            skip = 0;
            at = buffer.next(cursor);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use proptest::prelude::*;

    use super::*;
    use crate::model::log::LogLine;
    use crate::panes::rows::rows;

    fn buffer(lines: &[String]) -> LogBuffer {
        let mut buffer = LogBuffer::new(LogBuffer::LIMIT);
        buffer.add_stream();
        let lines: Vec<_> = lines
            .iter()
            .map(|text| LogLine {
                at: Some(DateTime::UNIX_EPOCH),
                bytes: text.as_bytes().into(),
                goes_on: false,
            })
            .collect();
        buffer.push(0, &lines);
        buffer
    }

    /// Every row there is, as text.
    fn all_rows(lines: &[String], shape: Shape) -> Vec<String> {
        let cut = |text: &String| -> Vec<String> {
            if shape.wrap {
                rows(text, shape.columns)
                    .map(|(a, b)| text[a..b].to_owned())
                    .collect()
            } else {
                vec![text.clone()]
            }
        };
        lines.iter().flat_map(cut).collect()
    }

    fn seen_rows(buffer: &LogBuffer, shape: Shape, top: Top) -> Vec<String> {
        let mut out = Vec::new();
        for (cursor, first, seen) in shape.seen(buffer, top) {
            let text = buffer.get(cursor).unwrap().text().to_owned();
            let cut = all_rows(&[text], shape);
            out.extend_from_slice(&cut[first..first + seen]);
        }
        out
    }

    proptest! {
        #[test]
        fn moving_is_moving_a_window_over_all_rows(
            lines in proptest::collection::vec("[a-c日]{0,12}", 1..20),
            height in 1usize..8, columns in 1usize..6, wrap in any::<bool>(),
            moves in proptest::collection::vec(-9isize..9, 0..8),
        ) {
            let shape = Shape { columns, height, wrap };
            let buffer = buffer(&lines);
            let all = all_rows(&lines, shape);
            let last = all.len().saturating_sub(height);
            let mut at = last;
            let mut top = shape.bottom(&buffer).unwrap();
            for by in moves {
                let (moved, end) = shape.moved(&buffer, top, by).unwrap();
                top = moved;
                at = at.saturating_add_signed(by).min(last);
                prop_assert_eq!(end, at == last);
                prop_assert_eq!(seen_rows(&buffer, shape, top), &all[at..all.len().min(at + height)]);
            }
        }
    }
}
