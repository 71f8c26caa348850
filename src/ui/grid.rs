//! Many small things as coloured cells: ten indexes as ten cells, a hundred thousand as a heat map of blocks.
//! Separate because the folding (how many items a cell stands for) is arithmetic that keys, mouse and drawing share.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::{State, Theme};

#[cfg(test)]
mod tests;

/// How many items of a block are in which state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    counts: [u64; State::ALL.len()],
}

impl Tally {
    /// Adds items in a state.
    pub fn add(&mut self, state: State, n: u64) {
        self.counts[state as usize] += n;
    }

    /// How many are in a state.
    pub fn of(&self, state: State) -> u64 {
        self.counts[state as usize]
    }

    /// How many there are.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The state to show for the block: any failure shows; otherwise what most items are doing, the more urgent of
    /// equals.
    pub fn shown(&self) -> State {
        if self.of(State::Failed) > 0 {
            return State::Failed;
        }
        State::ALL
            .into_iter()
            .filter(|state| self.of(*state) > 0)
            .max_by_key(|state| (self.of(*state), state.weight()))
            .unwrap_or(State::NotRun)
    }

    /// The part of the block that is in the shown state, 0 to 1.
    pub fn share(&self) -> f64 {
        let total = self.total();
        if total == 0 {
            0.0
        } else {
            self.of(self.shown()) as f64 / total as f64
        }
    }
}

impl FromIterator<State> for Tally {
    fn from_iter<T: IntoIterator<Item = State>>(states: T) -> Self {
        let mut tally = Tally::default();
        for state in states {
            tally.add(state, 1);
        }
        tally
    }
}

/// How a number of items is laid out in an area: items per cell, cells per row, rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fold {
    /// All items.
    pub items: u64,
    /// Items one cell stands for; 1 means every item has its own cell.
    pub per_cell: u64,
    /// Cells in a full row.
    pub columns: u64,
    /// Columns on screen before the first cell: the ruler at the left.
    pub gutter: u16,
    /// Blanks between groups of ten cells.
    grouped: bool,
    /// Rows there are, and rows that fit.
    pub rows: u64,
    page: u64,
}

/// Cells between two blanks of a row.
const GROUP: u64 = 10;

impl Fold {
    /// Lays out `items` in an area. Up to as many as fit get a cell each; more are folded into blocks of 10, 20, 50,
    /// 100 and so on, so that a row always begins with a round number.
    pub fn new(items: u64, area: Rect) -> Self {
        let digits = items.saturating_sub(1).max(1).ilog10() + 1;
        let gutter = u16::try_from(digits).unwrap_or(4).max(3) + 1;
        let width = u64::from(area.width.saturating_sub(gutter));
        let page = u64::from(area.height.saturating_sub(1));
        // Groups of ten with a blank between them: 10, 20, 40, 50 or 100 cells a row, whatever fits.
        let fitting = |columns: u64| columns + (columns / GROUP).saturating_sub(1) <= width;
        let (columns, grouped) = match [100, 50, 40, 20, 10]
            .into_iter()
            .find(|columns| fitting(*columns))
        {
            Some(columns) => (columns, true),
            None => (width.clamp(1, 10), false),
        };
        let mut per_cell = 1;
        // A grid that fits whole is worth more than single items: it shows where the trouble is.
        for step in 0_u32.. {
            per_cell = [1, 2, 5][step as usize % 3] * 10_u64.pow(step / 3);
            if page == 0 || items.div_ceil(per_cell * columns) <= page || step > 50 {
                break;
            }
        }
        // Blocks of two to five help nobody count: from there on, tens.
        if (2..10).contains(&per_cell) {
            per_cell = 10;
        }
        Self {
            items,
            per_cell,
            columns,
            gutter,
            grouped,
            rows: items.div_ceil(per_cell * columns),
            page,
        }
    }

    /// Items a full row stands for.
    pub fn per_row(&self) -> u64 {
        self.per_cell * self.columns
    }

    /// Cells there are.
    pub fn cells(&self) -> u64 {
        self.items.div_ceil(self.per_cell)
    }

    /// Screen rows the grid takes with its ruler.
    pub fn height(&self) -> u16 {
        u16::try_from(self.rows.min(self.page) + 1).unwrap_or(u16::MAX)
    }

    /// The items of a cell: first and one past the last.
    pub fn block(&self, cell: u64) -> (u64, u64) {
        let from = (cell * self.per_cell).min(self.items);
        (from, (from + self.per_cell).min(self.items))
    }

    /// The cell an item is in.
    pub fn cell_of(&self, item: u64) -> u64 {
        item / self.per_cell
    }

    /// The item reached from `item` by moving cells sideways and rows up or down; stays within the items.
    pub fn step(&self, item: u64, right: i64, down: i64) -> u64 {
        let by = right
            .saturating_add(down.saturating_mul(i64::try_from(self.columns).unwrap_or(i64::MAX)));
        let cell = self.cell_of(item);
        let last = self.cells().saturating_sub(1);
        let to = cell.saturating_add_signed(by).min(last);
        // Up from the first row and down from the last leave the cursor where it is.
        if down != 0 && to / self.columns == cell / self.columns {
            return item;
        }
        self.block(to).0
    }

    fn column_x(&self, column: u64) -> u16 {
        let gaps = if self.grouped { column / GROUP } else { 0 };
        self.gutter + u16::try_from(column + gaps).unwrap_or(u16::MAX - self.gutter)
    }

    /// First visible row so that the cursor's row is in sight.
    fn first_row(&self, cursor: Option<u64>) -> u64 {
        let row = cursor.map_or(0, |item| self.cell_of(item) / self.columns);
        if self.page == 0 || self.rows <= self.page {
            return 0;
        }
        (row + 1)
            .saturating_sub(self.page)
            .min(self.rows - self.page)
    }

    /// The item drawn at a place of the area, for the mouse.
    pub fn item_at(&self, area: Rect, cursor: Option<u64>, x: u16, y: u16) -> Option<u64> {
        let row = u64::from(y.checked_sub(area.y + 1)?) + self.first_row(cursor);
        let column = (0..self.columns).find(|column| area.x + self.column_x(*column) == x)?;
        let cell = row * self.columns + column;
        (cell < self.cells()).then(|| self.block(cell).0)
    }
}

/// A grid about to be drawn.
#[derive(Debug, Clone, Copy)]
pub struct Grid {
    fold: Fold,
    cursor: Option<u64>,
    focused: bool,
}

impl Grid {
    /// A grid of items laid out by `fold`; the cursor stands on an item.
    pub fn new(fold: Fold, cursor: Option<u64>) -> Self {
        Self {
            fold,
            cursor: cursor.filter(|item| *item < fold.items),
            focused: true,
        }
    }

    /// Whether keys go to the grid.
    pub fn focused(mut self, focused: bool) -> Self {
        self.focused = focused;
        self
    }

    /// Draws ruler and cells. `state` is asked for single items, `block` for ranges (first, one past the last), of
    /// visible cells only.
    pub fn draw(
        &self,
        area: Rect,
        buf: &mut Buffer,
        theme: &Theme,
        mut state: impl FnMut(u64) -> State,
        mut block: impl FnMut(u64, u64) -> Tally,
    ) {
        let area = area.intersection(buf.area);
        let fold = self.fold;
        if area.width <= fold.gutter || area.height < 2 || fold.items == 0 {
            return;
        }
        self.ruler(area, buf, theme);
        let first = fold.first_row(self.cursor);
        for line in 0..area.height - 1 {
            let row = first + u64::from(line);
            if row >= fold.rows {
                break;
            }
            let y = area.y + 1 + line;
            let label = format!("{:>1$}", row * fold.per_row(), usize::from(fold.gutter - 1));
            buf.set_stringn(area.x, y, label, usize::from(fold.gutter), theme.dim());
            for column in 0..fold.columns {
                let cell = row * fold.columns + column;
                let x = area.x.saturating_add(fold.column_x(column));
                if cell >= fold.cells() || x >= area.right() {
                    break;
                }
                let (from, to) = fold.block(cell);
                let (sign, style) = if fold.per_cell == 1 {
                    let state = state(from);
                    (theme.state_glyph(state), theme.state(state))
                } else {
                    heat(&block(from, to), theme)
                };
                let style = match self.cursor.is_some_and(|item| fold.cell_of(item) == cell) {
                    true if self.focused => style.add_modifier(Modifier::REVERSED | Modifier::BOLD),
                    true => style.add_modifier(Modifier::UNDERLINED),
                    false => style,
                };
                buf.set_string(x, y, sign, style);
            }
        }
    }

    fn ruler(&self, area: Rect, buf: &mut Buffer, theme: &Theme) {
        let fold = self.fold;
        let step = if fold.grouped { GROUP } else { fold.columns };
        let mut free = area.x;
        for column in
            (0..fold.columns.min(fold.cells())).step_by(usize::try_from(step).unwrap_or(10))
        {
            let label = format!("+{}", column * fold.per_cell);
            let label = if column == 0 { "0".to_owned() } else { label };
            let x = area.x.saturating_add(fold.column_x(column));
            let end = x.saturating_add(u16::try_from(label.len()).unwrap_or(0));
            if x >= free && end <= area.right() {
                buf.set_string(x, area.y, &label, theme.faint());
                free = end + 1;
            }
        }
    }
}

/// One cell of a heat map: sign and hue of the shown state, since a hue alone tells not everybody which. Failures are
/// bold however few; anything else is when at least half of the block is in that state.
pub fn heat(tally: &Tally, theme: &Theme) -> (&'static str, Style) {
    let state = tally.shown();
    if tally.total() == 0 || state == State::NotRun {
        return (theme.glyphs().zero(), theme.faint());
    }
    let style = theme.state(state);
    let style = match state == State::Failed || tally.share() >= 0.5 {
        true => style.add_modifier(Modifier::BOLD),
        false => style.remove_modifier(Modifier::BOLD),
    };
    (theme.state_glyph(state), style)
}
