//! The grid of a job's completion indexes: the ui's grid with the model's states, and a cursor that knows where
//! the trouble is.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::Cx;
use super::words::index_state;
use crate::app::action::Action;
use crate::model::indexes::{Counts, Grid, IndexState};
use crate::ui::State;
use crate::ui::grid::{self, Fold, Tally};

#[cfg(test)]
mod tests;

/// Where the user is in a grid.
#[derive(Debug, Default)]
pub struct Indexes {
    cursor: u32,
    fold: Option<Fold>,
    area: Rect,
    /// The user has moved: until then the cursor is put where the trouble is.
    moved: bool,
}

impl Indexes {
    /// The index under the cursor.
    pub fn cursor(&self) -> u32 {
        self.cursor
    }

    /// First and last index under the cursor, if a cell stands for several.
    pub fn block(&self) -> Option<(u32, u32)> {
        let fold = self.fold.filter(|fold| fold.per_cell > 1)?;
        let (from, end) = fold.block(fold.cell_of(self.cursor.into()));
        Some((from as u32, end.saturating_sub(1) as u32))
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
        Fold::new(len.into(), Rect::new(0, 0, width, most))
            .height()
            .min(most)
    }

    /// Moves; false if the action is not one of movement, or leads out of the grid.
    pub fn act(&mut self, action: Action, grid: &Grid) -> bool {
        let Some(last) = grid.len().checked_sub(1) else {
            return false;
        };
        let fold = self
            .fold
            .unwrap_or_else(|| Fold::new(grid.len().into(), Rect::new(0, 0, 80, 24)));
        let page = i64::from(self.area.height.saturating_sub(2).max(1));
        let step = |right, down| fold.step(self.cursor.into(), right, down) as u32;
        let to = match action {
            Action::Left => step(-1, 0),
            Action::Right => step(1, 0),
            Action::Up => step(0, -1),
            Action::Down => step(0, 1),
            Action::PageUp => step(0, -page),
            Action::PageDown => step(0, page),
            Action::Top => 0,
            Action::Bottom => last,
            Action::NextFailed => next_bad(grid, self.cursor, last).unwrap_or(self.cursor),
            Action::PreviousFailed => previous_bad(grid, self.cursor, last).unwrap_or(self.cursor),
            _ => return false,
        };
        // up from the first row and down from the last: what is above or below may take the key
        if matches!(action, Action::Up | Action::Down) && to == self.cursor {
            return false;
        }
        self.go(to.min(last));
        true
    }

    /// Settles how many indexes a cell stands for in so much room, ruler included, before anything is drawn.
    pub fn arrange(&mut self, len: u32, width: u16, height: u16) {
        self.fold = Some(Fold::new(len.into(), Rect::new(0, 0, width, height)));
    }

    /// Draws ruler, labels and cells.
    pub fn draw(&mut self, states: &Grid, cx: &Cx, area: Rect, buf: &mut Buffer) {
        self.arrange(states.len(), area.width, area.height);
        self.area = area;
        let Some(fold) = self.fold else { return };
        grid::Grid::new(fold, Some(self.cursor.into()))
            .focused(cx.focused)
            .draw(
                area,
                buf,
                cx.theme,
                |index| cell_state(states.state(index as u32)),
                |from, end| tally(&states.counts(from as u32, end.saturating_sub(1) as u32)),
            );
    }

    /// Click puts the cursor, the wheel moves it by rows; whether it did anything.
    pub fn mouse(&mut self, event: MouseEvent, grid: &Grid) -> bool {
        if !self.area.contains(Position::new(event.column, event.row)) {
            return false;
        }
        match event.kind {
            MouseEventKind::Down(MouseButton::Left) => {
                let cursor = Some(u64::from(self.cursor));
                let item = self
                    .fold
                    .and_then(|f| f.item_at(self.area, cursor, event.column, event.row));
                let Some(item) = item else { return false };
                self.go((item as u32).min(grid.len().saturating_sub(1)));
                true
            }
            MouseEventKind::ScrollDown => self.act(Action::Down, grid),
            MouseEventKind::ScrollUp => self.act(Action::Up, grid),
            _ => false,
        }
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

/// What waits for its turn steps back in the grid: most of a young job does.
fn cell_state(state: IndexState) -> State {
    match state {
        IndexState::Pending => State::NotRun,
        state => index_state(state),
    }
}

fn tally(n: &Counts) -> Tally {
    let mut tally = Tally::default();
    for (n, state) in [
        (n.succeeded, State::Succeeded),
        (n.failed, State::Failed),
        (n.running, State::Running),
        (n.retrying, State::Retrying),
        (n.terminating, State::Terminating),
        (n.pending + n.not_run, State::NotRun),
    ] {
        tally.add(state, n.into());
    }
    tally
}

/// `3 failed, 97 done`: what a range holds, worst first.
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
    let told = parts.iter().filter(|(n, _)| *n > 0);
    told.map(|(n, word)| format!("{} {word}", crate::model::human::count((*n).into())))
        .collect::<Vec<_>>()
        .join(", ")
}
