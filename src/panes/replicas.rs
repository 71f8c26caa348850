//! The replicas of a workload's roles as cells, a line or more for each role, and a cursor among them. Separate
//! from the grid of indexes because a role has a name, and a place without a pod says as much as one with.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Modifier;

use super::Cx;
use super::words::pod_state;
use crate::app::action::Action;
use crate::model::ids::Key;
use crate::model::pod::PodRow;
use crate::model::roles::Cast;
use crate::ui::grid::{Tally, heat};
use crate::ui::{State, text};

#[cfg(test)]
mod tests;

/// Cells between two blanks of a line.
const GROUP: usize = 10;

/// Where the user is among the replicas.
#[derive(Debug, Default)]
pub struct Replicas {
    /// The role and the place in it.
    at: (usize, usize),
    /// The pod there, and whether any replica is in trouble: as of the last look.
    pod: Option<Key>,
    trouble: bool,
    /// Pods that are well, of all places.
    counts: (usize, usize),
    /// The user has moved: until then the cursor is put where the trouble is.
    moved: bool,
    area: Rect,
    lay: Lay,
    /// The first line in sight.
    first: usize,
}

/// Cells of one role on one line of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Line {
    role: usize,
    /// The first place, and how many the line stands for.
    from: usize,
    places: usize,
}

/// How the places are laid out in an area.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Lay {
    /// Columns before the first cell: the roles' names.
    gutter: u16,
    /// Cells in a full line.
    columns: usize,
    /// Places one cell stands for, by role.
    per_cell: Vec<usize>,
    lines: Vec<Line>,
}

impl Lay {
    /// Every place its own cell as long as the height allows it; then the largest role is folded first.
    fn new(casts: &[Cast], width: u16, height: u16) -> Self {
        let widest = casts.iter().map(|cast| text::width(&label(cast))).max();
        let most = width / 2;
        let gutter = u16::try_from(widest.unwrap_or(0) + 2)
            .unwrap_or(most)
            .min(most);
        let room = usize::from(width - gutter).max(1);
        // groups of ten with a blank between them
        let columns = match (room + 1) / (GROUP + 1) * GROUP {
            0 => room,
            whole => whole.min(10 * GROUP),
        };
        let mut per_cell = vec![1; casts.len()];
        let rows = |role: usize, per_cell: usize| {
            casts[role].places.len().div_ceil(per_cell * columns).max(1)
        };
        loop {
            let all: usize = (0..casts.len())
                .map(|role| rows(role, per_cell[role]))
                .sum();
            let largest = (0..casts.len()).max_by_key(|&role| rows(role, per_cell[role]));
            match largest {
                Some(role) if all > usize::from(height) && rows(role, per_cell[role]) > 1 => {
                    per_cell[role] = coarser(per_cell[role]);
                }
                _ => break,
            }
        }
        let mut lines = Vec::new();
        for (role, cast) in casts.iter().enumerate() {
            let step = per_cell[role] * columns;
            for row in 0..rows(role, per_cell[role]) {
                let from = row * step;
                let places = cast.places.len().saturating_sub(from).min(step);
                lines.push(Line { role, from, places });
            }
        }
        Self {
            gutter,
            columns,
            per_cell,
            lines,
        }
    }

    /// The line a place is on.
    fn line_of(&self, (role, at): (usize, usize)) -> usize {
        let holds = |line: &Line| {
            line.role == role && at >= line.from && at < line.from + line.places.max(1)
        };
        self.lines.iter().position(holds).unwrap_or(0)
    }

    fn x(&self, column: usize) -> u16 {
        let gaps = if self.columns >= GROUP {
            column / GROUP
        } else {
            0
        };
        self.gutter + u16::try_from(column + gaps).unwrap_or(u16::MAX - self.gutter)
    }
}

/// The next round number of places for a cell: 1, 10, 20, 50, 100, … Blocks of two to five help nobody count.
fn coarser(per_cell: usize) -> usize {
    match per_cell.to_string().as_bytes() {
        b"1" => 10,
        [b'2', ..] => per_cell / 2 * 5,
        _ => per_cell.saturating_mul(2),
    }
}

/// `Worker 7/8`.
fn label(cast: &Cast) -> String {
    format!("{} {}/{}", cast.role.name, cast.well(), cast.places.len())
}

/// The sign and hue of a place; without a pod there is nothing to run.
fn state(pod: Option<&PodRow>) -> State {
    pod.map_or(State::NotRun, pod_state)
}

/// Trouble is what one jumps to: what failed or goes round in circles, what waits.
fn is_bad(pod: Option<&PodRow>) -> bool {
    matches!(
        state(pod),
        State::Failed | State::Retrying | State::Waiting | State::Stale
    )
}

impl Replicas {
    /// Takes a look. Until the user moves: the first replica in trouble, else the first.
    pub fn settle(&mut self, casts: &[Cast]) {
        let (role, at) = self.at;
        let gone = casts.get(role).is_none_or(|cast| at >= cast.places.len());
        let bad = trouble(casts).next();
        self.trouble = bad.is_some();
        let all = casts.iter().map(|cast| cast.places.len()).sum();
        self.counts = (casts.iter().map(Cast::well).sum(), all);
        if gone || !self.moved {
            let bad = bad.filter(|_| !self.moved);
            self.at = bad.or(first_place(casts)).unwrap_or_default();
        }
        self.look(casts);
    }

    fn look(&mut self, casts: &[Cast]) {
        let (role, at) = self.at;
        let place = casts.get(role).and_then(|cast| cast.places.get(at));
        self.pod = place.copied().flatten().map(|pod| pod.key);
    }

    /// The role and place under the cursor.
    pub fn cursor(&self) -> (usize, usize) {
        self.at
    }

    /// The pod under the cursor.
    pub fn pod(&self) -> Option<Key> {
        self.pod
    }

    /// Pods that are ready or ended well, of all places.
    pub fn counts(&self) -> (usize, usize) {
        self.counts
    }

    /// Whether any replica is in trouble.
    pub fn any_trouble(&self) -> bool {
        self.trouble
    }

    /// Lines it would like in this width; `most` bounds them.
    pub fn rows_wanted(casts: &[Cast], width: u16, most: u16) -> u16 {
        let lines = Lay::new(casts, width, most).lines.len();
        u16::try_from(lines).unwrap_or(most).min(most)
    }

    /// Moves; false if the action is not one of movement, or leads out of the replicas.
    pub fn act(&mut self, action: Action, casts: &[Cast]) -> bool {
        if casts.is_empty() {
            return false;
        }
        if self.lay.per_cell.len() != casts.len() {
            self.lay = Lay::new(casts, 80, 24);
        }
        let (role, at) = self.at;
        let step = self.lay.per_cell[role.min(casts.len() - 1)];
        let last = casts
            .get(role)
            .map_or(0, |cast| cast.places.len().saturating_sub(1));
        let to = match action {
            Action::Left => (role, (at / step).saturating_sub(1) * step),
            Action::Right if (at / step + 1) * step <= last => (role, (at / step + 1) * step),
            Action::Right => (role, at),
            Action::Up | Action::Down => match self.vertical(action == Action::Down, casts) {
                Some(to) => to,
                // what is above or below may take the key
                None => return false,
            },
            Action::Top | Action::PageUp => first_place(casts).unwrap_or_default(),
            Action::Bottom | Action::PageDown => last_place(casts).unwrap_or_default(),
            Action::NextFailed => {
                let after = trouble(casts).find(|place| *place > self.at);
                after.or(trouble(casts).next()).unwrap_or(self.at)
            }
            Action::PreviousFailed => {
                let before = trouble(casts).take_while(|place| *place < self.at).last();
                before.or(trouble(casts).last()).unwrap_or(self.at)
            }
            _ => return false,
        };
        self.at = to;
        self.moved = true;
        self.look(casts);
        true
    }

    /// The place a line up or down, as near to the column as that line has one.
    fn vertical(&self, down: bool, casts: &[Cast]) -> Option<(usize, usize)> {
        let lines = &self.lay.lines;
        let here = self.lay.line_of(self.at);
        let column =
            (self.at.1 - lines.get(here)?.from.min(self.at.1)) / self.lay.per_cell[self.at.0];
        let mut others: Box<dyn Iterator<Item = &Line>> = match down {
            true => Box::new(lines[here + 1..].iter()),
            false => Box::new(lines[..here].iter().rev()),
        };
        let line = others.find(|line| line.places > 0 && line.role < casts.len())?;
        let step = self.lay.per_cell[line.role];
        let last = line.places.saturating_sub(1) / step;
        Some((line.role, line.from + column.min(last) * step))
    }

    /// Draws names, counts and cells.
    pub fn draw(&mut self, casts: &[Cast], cx: &Cx, area: Rect, buf: &mut Buffer) {
        self.area = area;
        self.lay = Lay::new(casts, area.width, area.height);
        let height = usize::from(area.height);
        let here = self.lay.line_of(self.at);
        self.first = (here + 1).saturating_sub(height).max(
            self.first
                .min(here)
                .min(self.lay.lines.len().saturating_sub(height)),
        );
        let theme = cx.theme;
        for (y, line) in (area.y..area.bottom()).zip(&self.lay.lines[self.first..]) {
            let cast = &casts[line.role];
            if line.from == 0 {
                let words = label(cast);
                let room = usize::from(self.lay.gutter.saturating_sub(1));
                let words = text::shorten(&words, room, text::Shorten::Middle);
                let whole = cast.well() == cast.places.len();
                let style = if whole { theme.text() } else { theme.header() };
                buf.set_stringn(area.x, y, &words, room, style);
            }
            let step = self.lay.per_cell[line.role];
            for (column, from) in (line.from..line.from + line.places)
                .step_by(step)
                .enumerate()
            {
                let x = area.x.saturating_add(self.lay.x(column));
                if x >= area.right() {
                    break;
                }
                let block = &cast.places[from..(from + step).min(cast.places.len())];
                let (sign, style) = match block {
                    [one] => {
                        let state = state(*one);
                        (theme.state_glyph(state), theme.state(state))
                    }
                    several => heat(&several.iter().map(|p| state(*p)).collect::<Tally>(), theme),
                };
                let on = self.at.0 == line.role && (from..from + step).contains(&self.at.1);
                let style = match on {
                    true if cx.focused => style.add_modifier(Modifier::REVERSED | Modifier::BOLD),
                    true => style.add_modifier(Modifier::UNDERLINED),
                    false => style,
                };
                buf.set_string(x, y, sign, style);
            }
        }
    }

    /// Click puts the cursor, the wheel moves it by lines; whether it did anything.
    pub fn mouse(&mut self, event: MouseEvent, casts: &[Cast]) -> bool {
        if !self.area.contains(Position::new(event.column, event.row)) {
            return false;
        }
        match event.kind {
            MouseEventKind::Down(MouseButton::Left) => {
                let row = self.first + usize::from(event.row - self.area.y);
                let Some(line) = self.lay.lines.get(row).copied() else {
                    return false;
                };
                let x = event.column - self.area.x;
                let column = (0..self.lay.columns).find(|&column| self.lay.x(column) == x);
                let Some(step) = self.lay.per_cell.get(line.role) else {
                    return false;
                };
                let at = column.map(|column| line.from + column * step);
                let Some(at) = at.filter(|at| *at < line.from + line.places) else {
                    return false;
                };
                self.at = (line.role, at);
                self.moved = true;
                self.look(casts);
                true
            }
            MouseEventKind::ScrollDown => self.act(Action::Down, casts),
            MouseEventKind::ScrollUp => self.act(Action::Up, casts),
            _ => false,
        }
    }
}

fn first_place(casts: &[Cast]) -> Option<(usize, usize)> {
    let role = casts.iter().position(|cast| !cast.places.is_empty())?;
    Some((role, 0))
}

fn last_place(casts: &[Cast]) -> Option<(usize, usize)> {
    let role = casts.iter().rposition(|cast| !cast.places.is_empty())?;
    Some((role, casts[role].places.len() - 1))
}

/// The places in trouble, in order.
fn trouble<'c>(casts: &'c [Cast]) -> impl Iterator<Item = (usize, usize)> + 'c {
    casts.iter().enumerate().flat_map(|(role, cast)| {
        let places = cast.places.iter().enumerate();
        places
            .filter(|(_, pod)| is_bad(**pod))
            .map(move |(at, _)| (role, at))
    })
}
