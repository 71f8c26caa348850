//! Which rows are on the screen: from the end, or from where the reader stopped.

use super::face::Faces;
use crate::logs::{Anchor, Cursor, Lens, Line, LogBuffer};

/// Lines as they are seen: which of the buffer, and what each looks like.
#[derive(Clone, Copy)]
pub struct Sheet<'a> {
    pub buffer: &'a LogBuffer,
    pub lens: Lens,
    pub faces: &'a Faces,
}

impl<'a> Sheet<'a> {
    pub fn line(&self, cursor: Cursor) -> Option<&'a Line> {
        self.buffer.get(cursor)
    }

    pub fn anchor(&self, cursor: Cursor) -> Option<Anchor> {
        Some(self.buffer.get(cursor)?.anchor())
    }

    pub fn last(&self) -> Option<Cursor> {
        self.buffer.last(self.lens)
    }

    pub fn next(&self, cursor: Cursor) -> Option<Cursor> {
        self.buffer.next(cursor, self.lens)
    }

    pub fn previous(&self, cursor: Cursor) -> Option<Cursor> {
        self.buffer.previous(cursor, self.lens)
    }

    pub fn seek(&self, anchor: Anchor) -> Option<Cursor> {
        self.buffer.seek(anchor, self.lens)
    }
}

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
    /// Rows a line takes.
    pub fn rows(self, sheet: Sheet, cursor: Cursor) -> usize {
        let line = sheet.line(cursor);
        line.map_or(1, |line| {
            sheet
                .faces
                .rows(sheet.buffer, line, self.columns, self.wrap)
        })
    }

    /// The top that puts the last row at the bottom; `None` if nothing is shown.
    pub fn bottom(self, sheet: Sheet) -> Option<Top> {
        let last = sheet.last()?;
        let rows = self.rows(sheet, last);
        Some(self.back(sheet, (last, rows), self.height))
    }

    /// The top `height` rows above the row `(line, row in it)`, or the very first row.
    fn back(self, sheet: Sheet, (mut cursor, mut row): (Cursor, usize), by: usize) -> Top {
        let mut left = by;
        while left > row {
            left -= row;
            row = 0;
            let Some(previous) = sheet.previous(cursor) else {
                break;
            };
            cursor = previous;
            row = self.rows(sheet, cursor);
        }
        let skip = row.saturating_sub(left);
        let anchor = sheet.anchor(cursor);
        Top {
            anchor: anchor.unwrap_or(Anchor::START),
            skip,
        }
    }

    /// The top that puts the first row of a line so many rows below it, or as far as there is something above.
    pub fn above(self, sheet: Sheet, line: Cursor, rows: usize) -> Top {
        self.back(sheet, (line, 0), rows)
    }

    /// A top moved by rows, down if positive; stops at the first row and where the last one is at the bottom.
    /// Tells whether the end is in sight.
    pub fn moved(self, sheet: Sheet, top: Top, by: isize) -> Option<(Top, bool)> {
        let bottom = self.bottom(sheet)?;
        let cursor = sheet.seek(top.anchor)?;
        let same = sheet.anchor(cursor) == Some(top.anchor);
        let skip = if same { top.skip } else { 0 };
        let moved = if by < 0 {
            self.back(sheet, (cursor, skip), by.unsigned_abs())
        } else {
            let (mut cursor, mut row) = (cursor, skip + by.unsigned_abs());
            loop {
                let rows = self.rows(sheet, cursor);
                if row < rows {
                    break;
                }
                let Some(next) = sheet.next(cursor) else {
                    row = rows.saturating_sub(1);
                    break;
                };
                row -= rows;
                cursor = next;
            }
            Top {
                anchor: sheet.anchor(cursor)?,
                skip: row,
            }
        };
        let at_end = (moved.anchor, moved.skip) >= (bottom.anchor, bottom.skip);
        Some((if at_end { bottom } else { moved }, at_end))
    }

    /// The lines on screen from a top on: each with its first row and how many rows of it are seen.
    pub fn seen(self, sheet: Sheet, top: Top) -> Vec<(Cursor, usize, usize)> {
        let mut out = Vec::new();
        let mut left = self.height;
        let mut at = sheet.seek(top.anchor);
        let mut skip = top.skip;
        while let Some(cursor) = at.filter(|_| left > 0) {
            let rows = self.rows(sheet, cursor);
            let first = skip.min(rows - 1);
            let seen = (rows - first).min(left);
            out.push((cursor, first, seen));
            left -= seen;
            skip = 0;
            at = sheet.next(cursor);
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
        buffer.open_all(true);
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

    fn seen_rows(sheet: Sheet, shape: Shape, top: Top) -> Vec<String> {
        let mut out = Vec::new();
        for (cursor, first, seen) in shape.seen(sheet, top) {
            let text = sheet.line(cursor).unwrap().text().to_owned();
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
            let (buffer, faces) = (buffer(&lines), Faces::default());
            let sheet = Sheet { buffer: &buffer, lens: Lens::VISIBLE, faces: &faces };
            let all = all_rows(&lines, shape);
            let last = all.len().saturating_sub(height);
            let mut at = last;
            let mut top = shape.bottom(sheet).unwrap();
            for by in moves {
                let (moved, end) = shape.moved(sheet, top, by).unwrap();
                top = moved;
                at = at.saturating_add_signed(by).min(last);
                prop_assert_eq!(end, at == last);
                prop_assert_eq!(seen_rows(sheet, shape, top), &all[at..all.len().min(at + height)]);
            }
        }
    }
}
