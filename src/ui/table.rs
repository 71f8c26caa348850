//! The one table: columns by rank, the visible window only, selection, marks, sort arrow. Separate because every list
//! must look and move alike; what a row is stays with its pane.

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Span;

use super::text::{self, Shorten};
use super::{Meter, State, Theme};

mod draw;
mod layout;
mod state;
#[cfg(test)]
mod tests;

pub use layout::layout;
pub use state::TableState;

/// Where text stands in its column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Align {
    /// Names and words.
    #[default]
    Left,
    /// Numbers and durations.
    Right,
}

/// A column: what it is called, how important it is and how wide it may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    id: &'static str,
    title: Cow<'static, str>,
    rank: u8,
    min: u16,
    ideal: u16,
    max: u16,
    from: u16,
    align: Align,
    shorten: Shorten,
    grow: bool,
}

impl Column {
    /// A column by a stable id (used for sorting and settings) and its heading. Rank 0, width 4 to 24.
    pub fn new(id: &'static str, title: impl Into<Cow<'static, str>>) -> Self {
        Self {
            id,
            title: title.into(),
            rank: 0,
            min: 4,
            ideal: 4,
            max: 24,
            from: 0,
            align: Align::Left,
            shorten: Shorten::End,
            grow: false,
        }
    }
    /// How soon it is dropped when space is short: 0 last, higher first.
    pub fn rank(mut self, rank: u8) -> Self {
        self.rank = rank;
        self
    }
    /// Least, usual and greatest width. It is never wider than its content unless it grows, nor than `max`, and
    /// takes `ideal` even when its present content is narrower (so that it does not jump).
    pub fn width(mut self, min: u16, ideal: u16, max: u16) -> Self {
        (self.min, self.ideal, self.max) = (min, ideal.max(min), max.max(ideal).max(min));
        self
    }
    /// One width, always.
    pub fn fixed(self, width: u16) -> Self {
        self.width(width, width, width)
    }
    /// Left or right.
    pub fn align(mut self, align: Align) -> Self {
        self.align = align;
        self
    }
    /// Numbers: to the right.
    pub fn right(self) -> Self {
        self.align(Align::Right)
    }
    /// How its text is cut.
    pub fn shorten(mut self, how: Shorten) -> Self {
        self.shorten = how;
        self
    }
    /// Names: cut in the middle.
    pub fn middle(self) -> Self {
        self.shorten(Shorten::Middle)
    }
    /// Takes what space is left, up to its greatest width.
    pub fn grow(mut self) -> Self {
        self.grow = true;
        self
    }
    /// Shown only when the table is at least this wide.
    pub fn from_width(mut self, columns: u16) -> Self {
        self.from = columns;
        self
    }
    /// Its id.
    pub fn id(&self) -> &'static str {
        self.id
    }
    /// Its heading.
    pub fn title(&self) -> &str {
        &self.title
    }
}

/// What stands in one column of one row.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Cell<'a> {
    /// Nothing known.
    #[default]
    Empty,
    /// Plain text.
    Text(Cow<'a, str>),
    /// Text in a style of the theme (patched over the row's).
    Styled(Cow<'a, str>, Style),
    /// A word, and what stands for it where the column is too narrow; in a style.
    Either(Cow<'a, str>, Cow<'a, str>, Style),
    /// A count; zero is a dim `·`.
    Number(u64),
    /// Several parts with their own styles.
    Spans(Vec<Span<'a>>),
    /// A state: glyph and word in its hue.
    State(State, Cow<'a, str>),
    /// A bar with its label.
    Bar(Meter<'a>),
}

impl<'a> Cell<'a> {
    /// Plain text.
    pub fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Cell::Text(text.into())
    }
    /// Text in a style.
    pub fn styled(text: impl Into<Cow<'a, str>>, style: Style) -> Self {
        Cell::Styled(text.into(), style)
    }
    /// A word, or in a narrow column its abbreviation.
    pub fn either(
        word: impl Into<Cow<'a, str>>,
        short: impl Into<Cow<'a, str>>,
        style: Style,
    ) -> Self {
        Cell::Either(word.into(), short.into(), style)
    }
    /// A state with its word.
    pub fn state(state: State, word: impl Into<Cow<'a, str>>) -> Self {
        Cell::State(state, word.into())
    }
}

impl<'a> From<&'a str> for Cell<'a> {
    fn from(text: &'a str) -> Self {
        Cell::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Cell<'_> {
    fn from(text: String) -> Self {
        Cell::Text(Cow::Owned(text))
    }
}

/// One row, as the pane's callback gives it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Row<'a> {
    cells: Vec<Cell<'a>>,
    marked: bool,
    dim: bool,
}

impl<'a> Row<'a> {
    /// Cells in the order of the columns.
    pub fn new(cells: Vec<Cell<'a>>) -> Self {
        Self {
            cells,
            marked: false,
            dim: false,
        }
    }
    /// Marked for an action on several.
    pub fn marked(mut self, marked: bool) -> Self {
        self.marked = marked;
        self
    }
    /// Finished or stale: its plain text steps back.
    pub fn dim(mut self, dim: bool) -> Self {
        self.dim = dim;
        self
    }
}

/// A table about to be drawn.
#[derive(Debug, Clone)]
pub struct Table<'a> {
    columns: &'a [Column],
    rows: usize,
    sort: Option<(&'a str, bool)>,
    focused: bool,
    header: bool,
}

impl<'a> Table<'a> {
    /// Columns and how many rows there are; only visible ones are asked for.
    pub fn new(columns: &'a [Column], rows: usize) -> Self {
        Self {
            columns,
            rows,
            sort: None,
            focused: true,
            header: true,
        }
    }
    /// The column the rows are sorted by, and whether downwards.
    pub fn sort(mut self, column: &'a str, descending: bool) -> Self {
        self.sort = Some((column, descending));
        self
    }
    /// Whether keys go to this table.
    pub fn focused(mut self, focused: bool) -> Self {
        self.focused = focused;
        self
    }
    /// Whether headings are shown.
    pub fn header(mut self, header: bool) -> Self {
        self.header = header;
        self
    }

    /// Draws the table; `row` is called once for each visible row index. Returns where the rows went, for the mouse.
    pub fn draw<'r>(
        &self,
        area: Rect,
        buf: &mut Buffer,
        theme: &Theme,
        state: &mut TableState,
        row: impl FnMut(usize) -> Row<'r>,
    ) -> Rect {
        draw::draw(self, area, buf, theme, state, row)
    }
}
