//! Where a table is scrolled to and which row index is selected. Separate from drawing because keys move it and tests
//! check it without a screen; which object the index stands for is the pane's business.

/// Offset, selection and remembered widths of one table on screen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableState {
    selected: Option<usize>,
    offset: usize,
    /// Rows seen at the last drawing: what a page is.
    page: usize,
    /// Natural width of each column as far as seen, so that columns do not jump while scrolling.
    pub(super) seen: Vec<u16>,
    /// Widest label of each column's bars as far as seen.
    pub(super) labels: Vec<u16>,
    /// Which set of columns the memory belongs to.
    pub(super) layout: Vec<&'static str>,
    /// Visible columns of the last drawing: index, first column on screen, width.
    pub(super) shown: Vec<(usize, u16, u16)>,
}

/// Rows kept in sight above and below the selection.
const MARGIN: usize = 2;

impl TableState {
    /// The selected row index.
    pub fn selected(&self) -> Option<usize> {
        self.selected
    }

    /// Selects a row index, or none.
    pub fn select(&mut self, row: Option<usize>) {
        self.selected = row;
    }

    /// The first visible row.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// Rows on a page, as last drawn (1 before the first drawing).
    pub fn page(&self) -> usize {
        self.page.max(1)
    }

    /// Scrolls to a first visible row without moving the selection; drawing brings the selection back into sight, so
    /// this is for keeping the picture still when rows appear above.
    pub fn scroll_to(&mut self, offset: usize) {
        self.offset = offset;
    }

    /// Moves the selection by rows, stopping at the ends.
    pub fn step(&mut self, by: isize, rows: usize) {
        if rows == 0 {
            self.selected = None;
            return;
        }
        let now = self.selected.unwrap_or(if by > 0 { usize::MAX } else { 0 });
        let next = if self.selected.is_none() {
            if by >= 0 { 0 } else { rows - 1 }
        } else {
            now.saturating_add_signed(by)
        };
        self.selected = Some(next.min(rows - 1));
    }

    /// Moves the selection by pages, and the picture with it.
    pub fn step_page(&mut self, by: isize, rows: usize) {
        let rows_by =
            by.saturating_mul(isize::try_from(self.page().saturating_sub(1).max(1)).unwrap_or(1));
        self.step(rows_by, rows);
        self.offset = self.offset.saturating_add_signed(rows_by);
    }

    /// Selects the first row.
    pub fn first(&mut self, rows: usize) {
        self.selected = (rows > 0).then_some(0);
    }

    /// Selects the last row.
    pub fn last(&mut self, rows: usize) {
        self.selected = rows.checked_sub(1);
    }

    /// The row drawn `line` lines below the first, if there is one: for the mouse.
    pub fn row_at(&self, line: usize, rows: usize) -> Option<usize> {
        (line < self.page)
            .then_some(self.offset + line)
            .filter(|row| *row < rows)
    }

    /// The column drawn at a screen column, by its index: for clicks on headings.
    pub fn column_at(&self, x: u16) -> Option<usize> {
        self.shown
            .iter()
            .find(|(_, from, width)| x >= *from && x < from + width)
            .map(|(column, _, _)| *column)
    }

    /// The indexes of the columns last drawn.
    pub fn shown_columns(&self) -> impl Iterator<Item = usize> {
        self.shown.iter().map(|(column, _, _)| *column)
    }

    /// `62/100k`: the selected row, from 1, of how many.
    pub fn position(&self, rows: usize) -> String {
        use crate::ui::text::count;
        match self.selected {
            Some(row) if rows > 0 => format!("{}/{}", count(row as u64 + 1), count(rows as u64)),
            _ => count(rows as u64),
        }
    }

    /// Settles offset and selection for a page of `page` rows out of `rows`.
    pub(super) fn settle(&mut self, rows: usize, page: usize) {
        self.page = page;
        self.selected = match self.selected {
            Some(row) if rows > 0 => Some(row.min(rows - 1)),
            _ => None,
        };
        self.offset = self.offset.min(rows.saturating_sub(page));
        if let Some(row) = self.selected.filter(|_| page > 0) {
            let margin = MARGIN.min(page.saturating_sub(1) / 2);
            if row < self.offset + margin {
                self.offset = row.saturating_sub(margin);
            } else if row + margin >= self.offset + page {
                self.offset = row + margin + 1 - page;
            }
            self.offset = self.offset.min(rows.saturating_sub(page));
        }
    }
}
