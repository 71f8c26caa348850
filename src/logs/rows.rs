//! The last few rows of one stream as a terminal would hold them: a cursor that moves within them, so that bars
//! update in place. Rows that scroll out of this window are history and never change again.

use std::collections::VecDeque;

use super::sgr::{Run, Sgr};

/// Rows a program may still move up to.
pub const WINDOW: usize = 16;
/// The farthest column an escape may move to: padding costs memory.
const FARTHEST: usize = 1000;

/// One row. Its text never holds a control character.
#[derive(Debug, Default)]
pub struct Row {
    /// Counts up along the stream; never used twice.
    id: u64,
    text: String,
    runs: Vec<Run>,
    /// Characters, columns for short. A wide one counts as one.
    columns: usize,
    /// Kept instead of the text while the row is written out of order; rendered by [`Rows::render`].
    cells: Option<Vec<(char, Sgr)>>,
    /// Written to since it was last taken.
    changed: bool,
}

impl Row {
    pub fn id(&self) -> u64 {
        self.id
    }

    /// What stands on it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Its colours; empty when it has none.
    pub fn runs(&self) -> &[Run] {
        &self.runs
    }

    fn clear(&mut self) {
        self.text.clear();
        self.runs.clear();
        self.cells = None;
        self.columns = 0;
    }

    fn append(&mut self, text: &str, columns: usize, sgr: Sgr) {
        let now = self.runs.last().map_or(Sgr::default(), |run| run.sgr);
        if now != sgr {
            let start = u32::try_from(self.text.len()).unwrap_or(u32::MAX);
            self.runs.push(Run { start, sgr });
        }
        self.text.push_str(text);
        self.columns += columns;
    }

    /// The row as cells, to be written anywhere.
    fn cells(&mut self) -> &mut Vec<(char, Sgr)> {
        let (text, runs) = (&self.text, &self.runs);
        self.cells.get_or_insert_with(|| {
            let mut runs = runs.iter().peekable();
            let mut sgr = Sgr::default();
            let cell = |(at, c): (usize, char)| {
                while let Some(run) = runs.next_if(|run| run.start as usize <= at) {
                    sgr = run.sgr;
                }
                (c, sgr)
            };
            text.char_indices().map(cell).collect()
        })
    }

    fn render(&mut self) {
        let Some(cells) = &self.cells else { return };
        self.text.clear();
        self.runs.clear();
        let mut now = Sgr::default();
        for (c, sgr) in cells {
            if *sgr != now {
                now = *sgr;
                let start = u32::try_from(self.text.len()).unwrap_or(u32::MAX);
                self.runs.push(Run { start, sgr: now });
            }
            self.text.push(*c);
        }
    }
}

/// A state of the current row, see [`Rows::back_to`].
#[derive(Debug, Clone, Copy)]
pub struct Mark {
    id: u64,
    text: usize,
    runs: usize,
    columns: usize,
}

/// The rows and where the cursor is.
#[derive(Debug)]
pub struct Rows {
    rows: VecDeque<Row>,
    at: usize,
    column: usize,
    /// The cursor is at the left end, or the row was erased: the next character that is not a blank begins it anew.
    /// Until then the frame that was there stays, so that a bar that clears itself leaves its last one.
    rewind: bool,
    /// Blanks written while `rewind`: they only count if text follows.
    blank: usize,
    next_id: u64,
}

impl Default for Rows {
    fn default() -> Self {
        let mut rows = VecDeque::with_capacity(WINDOW);
        rows.push_back(Row::default());
        Self {
            rows,
            at: 0,
            column: 0,
            rewind: false,
            blank: 0,
            next_id: 1,
        }
    }
}

impl Rows {
    /// Rows written to since the last call, oldest first.
    pub fn take_changed(&mut self) -> impl Iterator<Item = &Row> {
        self.rows
            .iter_mut()
            .filter_map(|row| std::mem::take(&mut row.changed).then_some(&*row))
    }

    /// The row the cursor is on.
    pub fn current(&self) -> &Row {
        &self.rows[self.at]
    }

    /// Characters on that row.
    pub fn width(&self) -> usize {
        self.rows[self.at].columns
    }

    pub fn column(&self) -> usize {
        if self.rewind { self.blank } else { self.column }
    }

    /// Brings the text of rows written out of order up to date.
    pub fn render(&mut self) {
        for row in self.rows.iter_mut().filter(|row| row.changed) {
            row.render();
        }
    }

    /// The cursor is at the end of the row, which was written in order.
    pub fn appends(&self) -> bool {
        let row = self.current();
        !self.rewind && row.cells.is_none() && self.column == row.columns
    }

    /// How the current row is now.
    pub fn mark(&self) -> Mark {
        let row = self.current();
        Mark {
            id: row.id,
            text: row.text.len(),
            runs: row.runs.len(),
            columns: row.columns,
        }
    }

    /// Takes back what was appended since, see [`Rows::appends`].
    pub fn back_to(&mut self, mark: Mark) {
        let row = &mut self.rows[self.at];
        if row.id == mark.id {
            row.text.truncate(mark.text);
            row.runs.truncate(mark.runs);
            (row.columns, row.changed) = (mark.columns, true);
            self.column = mark.columns;
        }
    }

    /// The row below, a new one at the bottom.
    pub fn newline(&mut self) {
        (self.column, self.blank) = (0, 0);
        self.at += 1;
        if self.at < self.rows.len() {
            self.rewind = true;
            return;
        }
        self.rewind = false;
        self.push_row();
    }

    /// A new row that nothing above can be reached from.
    pub fn cut(&mut self) {
        (self.column, self.blank, self.rewind) = (0, 0, false);
        while self.rows.len() > 1 {
            self.rows.pop_front();
        }
        self.push_row();
        self.rows.pop_front();
        self.at = 0;
    }

    fn push_row(&mut self) {
        let mut row = if self.rows.len() >= WINDOW {
            self.rows.pop_front().unwrap_or_default()
        } else {
            Row::default()
        };
        row.clear();
        // One giant line must not stay allocated for good.
        row.text.shrink_to(4096);
        row.runs.shrink_to(256);
        (row.id, row.changed) = (self.next_id, true);
        self.next_id += 1;
        self.rows.push_back(row);
        self.at = self.rows.len() - 1;
    }

    pub fn carriage_return(&mut self) {
        (self.rewind, self.blank) = (true, 0);
    }

    pub fn backspace(&mut self) {
        if self.rewind {
            self.blank = self.blank.saturating_sub(1);
        } else {
            self.column = self.column.saturating_sub(1);
        }
    }

    /// Text without control characters, of so many characters.
    pub fn put(&mut self, text: &str, columns: usize, sgr: Sgr) {
        let (mut text, mut columns) = (text, columns);
        if self.rewind {
            let rest = text.trim_start_matches(' ');
            let blanks = text.len() - rest.len();
            self.blank = (self.blank + blanks).min(FARTHEST);
            if rest.is_empty() {
                return;
            }
            (text, columns) = (rest, columns - blanks);
            let row = &mut self.rows[self.at];
            row.clear();
            row.append(&" ".repeat(self.blank), self.blank, Sgr::default());
            self.column = self.blank;
            (self.rewind, self.blank) = (false, 0);
        }
        let row = &mut self.rows[self.at];
        row.changed = true;
        if self.column == row.columns && row.cells.is_none() {
            row.append(text, columns, sgr);
            self.column += columns;
            return;
        }
        let cells = row.cells();
        while cells.len() < self.column {
            cells.push((' ', Sgr::default()));
        }
        for c in text.chars() {
            match cells.get_mut(self.column) {
                Some(cell) => *cell = (c, sgr),
                None => cells.push((c, sgr)),
            }
            self.column += 1;
        }
        row.columns = cells.len();
    }

    /// Moves within the window; what lies outside is its edge.
    pub fn up(&mut self, rows: usize) {
        self.at = self.at.saturating_sub(rows);
        self.arrive();
    }

    pub fn down(&mut self, rows: usize) {
        self.at = (self.at + rows).min(self.rows.len() - 1);
        self.arrive();
    }

    /// On another row the column stays, what was erased on the row before is told by nothing: its last frame stays.
    fn arrive(&mut self) {
        if self.rewind {
            self.blank = 0;
        }
    }

    /// To a column, from 0.
    pub fn go(&mut self, column: usize) {
        let column = column.min(FARTHEST.max(self.width()));
        if column == 0 {
            self.carriage_return();
        } else {
            (self.column, self.rewind, self.blank) = (column, false, 0);
        }
    }

    /// Erases the row from the cursor on, up to it, or all of it.
    pub fn erase_line(&mut self, mode: usize) {
        match mode {
            0 if self.rewind => self.blank = 0,
            0 if self.column == 0 => self.carriage_return(),
            0 if self.column < self.width() => {
                let column = self.column;
                let row = &mut self.rows[self.at];
                row.cells().truncate(column);
                (row.columns, row.changed) = (column, true);
            }
            1 if !self.rewind => {
                let end = self.column.min(self.width());
                let row = &mut self.rows[self.at];
                for cell in row.cells().iter_mut().take(end) {
                    *cell = (' ', Sgr::default());
                }
                row.changed = true;
            }
            2 if !self.rewind => (self.rewind, self.blank) = (true, self.column.min(FARTHEST)),
            _ => {}
        }
    }

    /// Erases below and from the cursor on. Rows below keep their last frame until they are written again.
    pub fn erase_below(&mut self) {
        self.erase_line(0);
    }
}
