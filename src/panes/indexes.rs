//! The grid of a job's completion indexes: one cell each, or one per block when they are many, with a cursor.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Modifier, Style};

use super::Cx;
use super::words::index_state;
use crate::app::action::Action;
use crate::model::indexes::{Counts, Grid, IndexState};
use crate::ui::scroll::{self, Window};
use crate::ui::{State, Theme};
use shape::Shape;

mod shape;
#[cfg(test)]
mod tests;

/// Where the user is in a grid.
#[derive(Debug, Default)]
pub struct Indexes {
    cursor: u32,
    /// First row of cells on screen.
    top: u32,
    shape: Shape,
    cells: Rect,
    /// The user has moved: until then the cursor is put where the trouble is.
    moved: bool,
}

impl Indexes {
    /// The index under the cursor.
    pub fn cursor(&self) -> u32 {
        self.cursor
    }

    /// The range under the cursor, if a cell stands for several indexes.
    pub fn block(&self) -> Option<(u32, u32)> {
        (self.shape.block > 1).then(|| self.shape.range(self.shape.cell(self.cursor)))
    }

    /// Puts the cursor on an index.
    pub fn go(&mut self, index: u32) {
        self.cursor = index;
        self.moved = true;
    }

    /// Until the user moves: the first failed index, else the first running one.
    pub fn settle(&mut self, grid: &Grid) {
        let last = grid.len().saturating_sub(1);
        self.cursor = self.cursor.min(last);
        if self.moved || grid.is_empty() {
            return;
        }
        let counts = grid.counts(0, last);
        let wanted = if counts.failed + counts.retrying > 0 {
            is_bad
        } else if counts.running > 0 {
            |state| state == IndexState::Running
        } else {
            return;
        };
        if !wanted(grid.state(self.cursor)) {
            self.cursor = (0..=last).find(|&i| wanted(grid.state(i))).unwrap_or(0);
        }
    }

    /// Rows it would like in this width, its ruler included; `most` bounds it.
    pub fn rows_wanted(len: u32, width: u16, most: u16) -> u16 {
        let shape = Shape::fit(len, width.saturating_sub(1), most.saturating_sub(1));
        (shape.rows() as u16).saturating_add(1).min(most)
    }

    /// Moves; false if the action is not one of movement.
    pub fn act(&mut self, action: Action, grid: &Grid) -> bool {
        let Some(last) = grid.len().checked_sub(1) else {
            return false;
        };
        let (block, row) = (
            self.shape.block.max(1),
            self.shape.per_row.max(1) * self.shape.block.max(1),
        );
        let page = row * u32::from(self.cells.height.max(1));
        let cell = self.cursor / block * block;
        self.cursor = match action {
            Action::Left => cell.saturating_sub(block),
            Action::Right => cell.saturating_add(block).min(last),
            Action::Up if self.cursor >= row => self.cursor - row,
            Action::Down if self.cursor + row <= last => self.cursor + row,
            Action::Down if self.cursor / row < last / row => last,
            // the ends of the grid: the part beside it may take the key
            Action::Up | Action::Down => return false,
            Action::PageUp => self.cursor.saturating_sub(page),
            Action::PageDown => self.cursor.saturating_add(page).min(last),
            Action::Top => 0,
            Action::Bottom => last,
            Action::NextFailed => match next_bad(grid, self.cursor, last) {
                Some(index) => index,
                None => return true,
            },
            Action::PreviousFailed => match previous_bad(grid, self.cursor, last) {
                Some(index) => index,
                None => return true,
            },
            _ => return false,
        };
        self.moved = true;
        true
    }

    /// Draws ruler, labels and cells.
    pub fn draw(&mut self, grid: &Grid, cx: &Cx, area: Rect, buf: &mut Buffer) {
        if area.height < 2 || area.width < 4 || grid.is_empty() {
            self.cells = Rect::default();
            return;
        }
        let rows = area.height - 1;
        // one column is kept for the scroll bar
        self.shape = Shape::fit(grid.len(), area.width - 1, rows);
        let shape = self.shape;
        let (row, _) = shape.place(shape.cell(self.cursor));
        let window = Window {
            offset: self.top as usize,
            page: rows.into(),
            total: shape.rows() as usize,
        }
        .reveal(row as usize)
        .settled();
        self.top = window.offset as u32;
        self.cells = Rect {
            y: area.y + 1,
            height: rows,
            ..area
        };
        ruler(shape, area, buf, cx.theme);
        for (y, row) in (self.cells.y..self.cells.bottom()).zip(self.top..shape.rows()) {
            let first = row * shape.per_row;
            let label = format!(
                "{:>width$}",
                first * shape.block,
                width = usize::from(shape.label) - 1
            );
            buf.set_stringn(
                area.x,
                y,
                label,
                usize::from(shape.label) - 1,
                cx.theme.dim(),
            );
            for cell in first..(first + shape.per_row).min(shape.cells()) {
                let (_, x) = shape.place(cell);
                let (sign, style) = look(grid, shape.range(cell), cx.theme);
                let style = if cell == shape.cell(self.cursor) {
                    cursor(style, cx)
                } else {
                    style
                };
                buf.set_string(area.x + x, y, sign, style);
            }
        }
        if window.total > window.page {
            let bar = Rect {
                x: area.right() - 1,
                width: 1,
                ..self.cells
            };
            scroll::bar(bar, buf, cx.theme, window);
        }
    }

    /// Click puts the cursor, the wheel scrolls; whether it did anything.
    pub fn mouse(&mut self, event: MouseEvent, grid: &Grid) -> bool {
        if !self.cells.contains(Position::new(event.column, event.row)) {
            return false;
        }
        match event.kind {
            MouseEventKind::Down(MouseButton::Left) => {
                let row = self.top + u32::from(event.row - self.cells.y);
                let Some(cell) = self.shape.at(row, event.column - self.cells.x) else {
                    return false;
                };
                self.go(self.shape.range(cell).0.min(grid.len().saturating_sub(1)));
                true
            }
            MouseEventKind::ScrollDown => self.act(Action::Down, grid),
            MouseEventKind::ScrollUp => self.act(Action::Up, grid),
            _ => false,
        }
    }
}

fn cursor(style: Style, cx: &Cx) -> Style {
    if cx.focused {
        style.add_modifier(Modifier::REVERSED | Modifier::BOLD)
    } else {
        style
            .patch(cx.theme.selection(false))
            .add_modifier(Modifier::UNDERLINED)
    }
}

fn is_bad(state: IndexState) -> bool {
    matches!(state, IndexState::Failed | IndexState::Retrying(_))
}

fn next_bad(grid: &Grid, from: u32, last: u32) -> Option<u32> {
    (from + 1..=last)
        .chain(0..=from)
        .find(|&i| is_bad(grid.state(i)))
}

fn previous_bad(grid: &Grid, from: u32, last: u32) -> Option<u32> {
    (0..from)
        .rev()
        .chain((from..=last).rev())
        .find(|&i| is_bad(grid.state(i)))
}

/// The sign and style of one cell: the state of its index, or the worst of its block with the share that is over.
fn look(grid: &Grid, (from, to): (u32, u32), theme: &Theme) -> (&'static str, Style) {
    if from == to {
        let state = match grid.state(from) {
            IndexState::Pending => State::NotRun,
            state => index_state(state),
        };
        return (theme.state_glyph(state), theme.state(state));
    }
    let n = grid.counts(from, to);
    let state = worst(&n);
    let over = f64::from(n.succeeded + n.failed) / f64::from(to - from + 1);
    let sign = match state {
        // never by hue alone: a block with failures says so
        State::Failed | State::Retrying => theme.state_glyph(state),
        _ if over >= 1.0 => "█",
        _ if over >= 0.66 => "▓",
        _ if over >= 0.33 => "▒",
        _ if over > 0.0 || n.running > 0 => "░",
        _ => "·",
    };
    (sign, theme.state(state))
}

fn worst(n: &Counts) -> State {
    [
        (n.failed, State::Failed),
        (n.retrying, State::Retrying),
        (n.running, State::Running),
        (n.terminating, State::Terminating),
        (n.succeeded, State::Succeeded),
    ]
    .into_iter()
    .find(|(n, _)| *n > 0)
    .map_or(State::NotRun, |(_, state)| state)
}

/// `97 done, 3 failed`: what a range holds, worst first.
pub fn counts_in_words(n: &Counts) -> String {
    let parts = [
        (n.failed, "failed"),
        (n.retrying, "retrying"),
        (n.running, "running"),
        (n.terminating, "terminating"),
        (n.succeeded, "done"),
        (n.pending, "to come"),
        (n.not_run, "not run"),
    ];
    let told: Vec<String> = parts
        .iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, word)| format!("{n} {word}"))
        .collect();
    told.join(", ")
}

/// The numbers above the cells: at each ten, how many indexes further right one is.
fn ruler(shape: Shape, area: Rect, buf: &mut Buffer, theme: &Theme) {
    let mut free = 0;
    for at in (0..shape.per_row.min(shape.cells().max(1))).step_by(10) {
        let (_, x) = shape.place(at);
        let text = (at * shape.block).to_string();
        if x < free || x + text.len() as u16 > area.width {
            continue;
        }
        free = x + text.len() as u16 + 1;
        buf.set_string(area.x + x, area.y, text, theme.faint());
    }
}
