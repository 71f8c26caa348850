//! The last few rows of one stream as a terminal would hold them: a cursor that moves within them, so that bars
//! update in place. Rows that scroll out of this window are history and never change again.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use super::sgr::{Run, Sgr};

/// Rows a program may still move up to.
pub const WINDOW: usize = 16;
/// The farthest column an escape may move to: padding costs memory.
const FARTHEST: usize = 1000;

/// A frame of more bytes is not kept when it clears itself: no bar is that wide.
const WIDEST_FRAME: usize = 16 * 1024;

/// Text with its colours, as long as it has columns.
#[derive(Debug, Default)]
struct Strip {
    text: String,
    runs: Vec<Run>,
    /// Characters, columns for short. A wide one counts as one.
    columns: usize,
}

impl Strip {
    fn clear(&mut self) {
        self.text.clear();
        self.runs.clear();
        self.columns = 0;
    }

    /// One giant line must not stay allocated for good.
    fn shrink(&mut self) {
        self.text.shrink_to(4096);
        self.runs.shrink_to(256);
    }

    fn push(&mut self, text: &str, columns: usize, sgr: Sgr) {
        let now = self.runs.last().map_or(Sgr::default(), |run| run.sgr);
        if now != sgr {
            let start = u32::try_from(self.text.len()).unwrap_or(u32::MAX);
            self.runs.push(Run { start, sgr });
        }
        self.text.push_str(text);
        self.columns += columns;
    }

    fn push_blanks(&mut self, columns: usize) {
        for _ in 0..columns {
            self.push(" ", 1, Sgr::default());
        }
    }

    /// What the other has behind this one's end.
    fn push_tail(&mut self, of: &Self) {
        let from = of.text.char_indices().nth(self.columns);
        let Some((mut at, _)) = from else { return };
        let behind = of.runs.partition_point(|run| run.start as usize <= at);
        let mut sgr = behind
            .checked_sub(1)
            .map_or(Sgr::default(), |i| of.runs[i].sgr);
        let rest = of.runs[behind..]
            .iter()
            .map(|run| (run.start as usize, run.sgr));
        for (end, next) in rest.chain([(of.text.len(), sgr)]) {
            self.push(&of.text[at..end], 0, sgr);
            (at, sgr) = (end, next);
        }
        self.columns = of.columns;
    }

    fn assign(&mut self, of: &Self) {
        of.text.clone_into(&mut self.text);
        self.runs.clone_from(&of.runs);
        self.columns = of.columns;
    }

    fn is_blank(&self) -> bool {
        self.text.bytes().all(|b| b == b' ')
    }

    fn cells(&self) -> Vec<(char, Sgr)> {
        let mut runs = self.runs.iter().peekable();
        let mut sgr = Sgr::default();
        let cell = |(at, c): (usize, char)| {
            while let Some(run) = runs.next_if(|run| run.start as usize <= at) {
                sgr = run.sgr;
            }
            (c, sgr)
        };
        self.text.char_indices().map(cell).collect()
    }

    fn set(&mut self, cells: &[(char, Sgr)]) {
        self.clear();
        for (c, sgr) in cells {
            self.push(c.encode_utf8(&mut [0; 4]), 1, *sgr);
        }
    }
}

/// Which of a row's strips stands on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum View {
    #[default]
    Over,
    Under,
    Whole,
    Frame,
}

/// One row. Its text never holds a control character.
///
/// A carriage return is cheap: what was written stays below (`under`) and shows where nothing is written over it.
#[derive(Debug, Default)]
pub struct Row {
    /// Counts up along the stream; never used twice.
    id: u64,
    /// Written from the left end on, since the last return there.
    over: Strip,
    under: Strip,
    /// The last frame: how the row was when the cursor returned, if not blank. It stands as long as all is blank, so that a
    /// bar that clears itself leaves it.
    frame: Strip,
    /// `over` and what shows of `under`.
    whole: Strip,
    view: View,
    /// Kept instead while the row is written out of order.
    cells: Option<Vec<(char, Sgr)>>,
    /// Written to since it was last taken.
    changed: bool,
}

impl Row {
    pub fn id(&self) -> u64 {
        self.id
    }

    fn shown(&self) -> &Strip {
        match self.view {
            View::Over => &self.over,
            View::Under => &self.under,
            View::Whole => &self.whole,
            View::Frame => &self.frame,
        }
    }

    /// What stands on it.
    pub fn text(&self) -> &str {
        &self.shown().text
    }

    /// Its colours; empty when it has none.
    pub fn runs(&self) -> &[Run] {
        &self.shown().runs
    }

    fn strips(&mut self) -> [&mut Strip; 4] {
        [
            &mut self.over,
            &mut self.under,
            &mut self.frame,
            &mut self.whole,
        ]
    }

    fn width(&self) -> usize {
        let cells = self.cells.as_ref().map_or(0, Vec::len);
        self.over.columns.max(self.under.columns).max(cells)
    }

    /// Takes what is on the row together in `over`.
    fn gather(&mut self) {
        if let Some(cells) = self.cells.take() {
            self.over.set(&cells);
        } else if self.under.columns > self.over.columns {
            self.over.push_tail(&self.under);
        }
        self.under.clear();
    }

    /// The cursor returns to the left end, or all of it is erased: what stands here was a frame.
    fn end_frame(&mut self) {
        self.gather();
        if !self.over.is_blank() {
            self.frame.clear();
            if self.over.text.len() <= WIDEST_FRAME {
                self.frame.assign(&self.over);
            }
        }
    }

    /// What is written next begins at the left end.
    fn rewind(&mut self) {
        self.end_frame();
        std::mem::swap(&mut self.over, &mut self.under);
        self.over.clear();
        // It looks as before.
        let blank = self.under.is_blank() && !self.frame.text.is_empty();
        self.view = if blank { View::Frame } else { View::Under };
    }

    /// The row as cells, to be written anywhere.
    fn cells(&mut self) -> &mut Vec<(char, Sgr)> {
        if self.cells.is_none() {
            self.gather();
        }
        let over = &mut self.over;
        self.cells.get_or_insert_with(|| {
            let cells = over.cells();
            over.clear();
            cells
        })
    }

    fn render(&mut self) {
        let tail = self.under.columns > self.over.columns;
        self.view = if let Some(cells) = &self.cells {
            self.whole.set(cells);
            View::Whole
        } else if tail {
            self.whole.assign(&self.over);
            self.whole.push_tail(&self.under);
            // Blanks at the end are not worth keeping.
            match self.whole.text[self.over.text.len()..].trim_end_matches(' ') {
                "" => View::Over,
                _ => View::Whole,
            }
        } else {
            View::Over
        };
        if self.shown().is_blank() && !self.frame.text.is_empty() {
            self.view = View::Frame;
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

    fn row(&mut self) -> &mut Row {
        &mut self.rows[self.at]
    }

    /// Characters on that row.
    pub fn width(&self) -> usize {
        self.rows[self.at].width()
    }

    pub fn column(&self) -> usize {
        self.column
    }

    /// Brings the text of rows that were written to up to date.
    pub fn render(&mut self) {
        for row in self.rows.iter_mut().filter(|row| row.changed) {
            row.render();
        }
    }

    /// The cursor is at the end of what was written from the left end on.
    pub fn appends(&self) -> bool {
        let row = self.current();
        row.cells.is_none() && self.column == row.over.columns
    }

    /// How the current row is now.
    pub fn mark(&self) -> Mark {
        let row = self.current();
        Mark {
            id: row.id,
            text: row.over.text.len(),
            runs: row.over.runs.len(),
            columns: row.over.columns,
        }
    }

    /// Takes back what was appended since, see [`Rows::appends`].
    pub fn back_to(&mut self, mark: Mark) {
        let row = self.row();
        if row.id == mark.id {
            row.over.text.truncate(mark.text);
            row.over.runs.truncate(mark.runs);
            (row.over.columns, row.changed) = (mark.columns, true);
            self.column = mark.columns;
        }
    }

    /// The row below, a new one at the bottom.
    pub fn newline(&mut self) {
        self.column = 0;
        self.at += 1;
        if self.at < self.rows.len() {
            self.row().rewind();
        } else {
            self.push_row();
        }
    }

    /// A new row that nothing above can be reached from.
    pub fn cut(&mut self) {
        self.column = 0;
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
        for strip in row.strips() {
            strip.clear();
            strip.shrink();
        }
        (row.cells, row.view) = (None, View::Over);
        (row.id, row.changed) = (self.next_id, true);
        self.next_id += 1;
        self.rows.push_back(row);
        self.at = self.rows.len() - 1;
    }

    pub fn carriage_return(&mut self) {
        self.column = 0;
        self.row().rewind();
    }

    pub fn backspace(&mut self) {
        self.column = self.column.saturating_sub(1);
    }

    /// Text without control characters, of so many characters, over what stands there.
    pub fn put(&mut self, text: &str, columns: usize, sgr: Sgr) {
        let column = self.column;
        self.column += columns;
        let row = self.row();
        row.changed = true;
        if row.cells.is_none() && column >= row.width() {
            // Behind the end.
            row.gather();
            row.over.push_blanks(column - row.over.columns);
        }
        if row.cells.is_none() && column == row.over.columns {
            return row.over.push(text, columns, sgr);
        }
        let cells = row.cells();
        while cells.len() < column {
            cells.push((' ', Sgr::default()));
        }
        for (at, c) in (column..).zip(text.chars()) {
            match cells.get_mut(at) {
                Some(cell) => *cell = (c, sgr),
                None => cells.push((c, sgr)),
            }
        }
    }

    /// Moves within the window; what lies outside is its edge.
    pub fn up(&mut self, rows: usize) {
        self.arrive(self.at.saturating_sub(rows));
    }

    pub fn down(&mut self, rows: usize) {
        self.arrive((self.at + rows).min(self.rows.len() - 1));
    }

    /// On another row the column stays.
    fn arrive(&mut self, at: usize) {
        if at != self.at {
            self.at = at;
            if self.column == 0 {
                self.row().rewind();
            }
        }
    }

    /// To a column, from 0.
    pub fn go(&mut self, column: usize) {
        let column = column.min(FARTHEST.max(self.width()));
        if column == 0 {
            self.carriage_return();
        } else {
            self.column = column;
        }
    }

    /// Erases the row from the cursor on, up to it, or all of it.
    pub fn erase_line(&mut self, mode: usize) {
        let column = self.column;
        let row = self.row();
        row.changed = true;
        match mode {
            // Behind what was written since the return: the common case.
            0 if row.cells.is_none() && column == row.over.columns && !row.over.is_blank() => {
                row.under.clear();
            }
            0 | 1 => {
                row.gather();
                let mut cells = row.over.cells();
                if mode == 0 {
                    cells.truncate(column);
                } else {
                    let end = (column + 1).min(cells.len());
                    cells[..end].fill((' ', Sgr::default()));
                }
                if cells.iter().all(|cell| cell.0 == ' ') {
                    row.end_frame();
                }
                row.over.set(&cells);
            }
            2 => {
                row.end_frame();
                row.over.clear();
            }
            _ => {}
        }
    }

    /// Erases below and from the cursor on. Rows below keep their last frame until they are written again.
    pub fn erase_below(&mut self) {
        self.erase_line(0);
    }
}
