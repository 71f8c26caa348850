//! Where the reader is: the lane on screen or several side by side, the line under the cursor, marks, and moving among
//! them. Separate because what is shown has nothing to do with where it is looked at.

use ratatui::layout::Rect;

use super::face::{self, Json};
use super::layout::{Shape, Sheet, Top};
use super::{Logs, rail};
use crate::logs::{Anchor, Lens};
use crate::panes::{Level, Reply};

/// Streams side by side at most.
const MOST: usize = 4;
/// Columns a lane needs to be read.
const NARROW: u16 = 36;

/// One column of text.
#[derive(Debug, Clone, Default)]
pub struct Lane {
    /// Only this stream; none: all that are shown, merged.
    pub stream: Option<usize>,
    /// First row on screen.
    pub top: Option<Top>,
    /// First column on screen, when lines are not wrapped.
    pub column: usize,
    pub shape: Shape,
    /// The line under the cursor; none while following.
    pub at: Option<Anchor>,
    /// Number of the last line on screen, and of how many.
    pub place: (usize, usize),
    /// Where its text was drawn.
    pub area: Rect,
}

impl Lane {
    fn lens(&self) -> Lens {
        self.stream.map_or(Lens::VISIBLE, Lens::stream)
    }
}

impl Logs {
    pub(super) fn lane(&self) -> &Lane {
        &self.lanes[self.lane]
    }

    pub(super) fn lane_mut(&mut self) -> &mut Lane {
        &mut self.lanes[self.lane]
    }

    /// The lines of a lane.
    pub(super) fn sheet(&self, lane: usize) -> Sheet<'_> {
        Sheet {
            buffer: &self.buffer,
            lens: self.lanes[lane].lens(),
            faces: &self.faces,
        }
    }

    /// Finds the first row of a lane anew: at the end, where it was, or at the time of the lane that has the keys.
    pub(super) fn place_lane(&mut self, n: usize) {
        let sheet = self.sheet(n);
        let shape = self.lanes[n].shape;
        let bottom = shape.bottom(sheet);
        let other = n != self.lane;
        let top = match self.lanes[n].top {
            _ if self.follow => bottom,
            _ if other && self.linked => {
                let placed = self.time_and_row().and_then(|(time, row)| {
                    let last = self
                        .buffer
                        .before(Anchor::at(time.saturating_add(1)), sheet.lens);
                    let line = match last {
                        Some(last) => last,
                        // It had not begun: what it began with stands below.
                        None => self.buffer.first(sheet.lens)?,
                    };
                    Some((
                        shape.above(sheet, line, row),
                        sheet.anchor(line),
                        last.is_some(),
                    ))
                });
                match placed {
                    Some((top, at, said)) => {
                        self.lanes[n].at = at.filter(|_| said);
                        Some(top)
                    }
                    None => bottom,
                }
            }
            // Down to where it still fills the screen.
            Some(top) => shape.moved(sheet, top, 0).map(|(top, _)| top).or(bottom),
            None => bottom,
        };
        self.lanes[n].top = top;
        if !(self.follow || other && self.linked) {
            self.keep_cursor_on_screen(n);
        }
    }

    /// The time under the cursor, and its row on the screen.
    fn time_and_row(&self) -> Option<(i64, usize)> {
        let lane = self.lane();
        let (at, top) = (lane.at?, lane.top?);
        let mut row = 0;
        for (cursor, _, rows) in lane.shape.seen(self.sheet(self.lane), top) {
            if self.sheet(self.lane).anchor(cursor) == Some(at) {
                return Some((at.nanos(), row));
            }
            row += rows;
        }
        Some((at.nanos(), lane.shape.height / 2))
    }

    /// A line that is not on the screen (any more) is not under the cursor.
    fn keep_cursor_on_screen(&mut self, n: usize) {
        let sheet = self.sheet(n);
        let lane = &self.lanes[n];
        let Some(top) = lane.top else { return };
        let seen = lane.shape.seen(sheet, top);
        let anchor = |seen: Option<&(crate::logs::Cursor, usize, usize)>| {
            seen.and_then(|(cursor, _, _)| sheet.anchor(*cursor))
        };
        let (Some(first), Some(last)) = (anchor(seen.first()), anchor(seen.last())) else {
            return;
        };
        let at = match lane.at {
            None => last,
            Some(at) => match self.buffer.seek(at, sheet.lens) {
                Some(cursor) => sheet.anchor(cursor).unwrap_or(at).clamp(first, last),
                None => last,
            },
        };
        self.lanes[n].at = Some(at);
    }

    /// Stops following where it is.
    pub(super) fn pause(&mut self) {
        if self.follow {
            self.follow = false;
            for n in 0..self.lanes.len() {
                self.keep_cursor_on_screen(n);
            }
        }
    }

    /// Moves what is seen by rows; the cursor comes along at the edges.
    pub(super) fn scroll(&mut self, by: isize) {
        let n = self.lane;
        let Some(top) = self.lanes[n].top else {
            return;
        };
        let Some((top, end)) = self.lanes[n].shape.moved(self.sheet(n), top, by) else {
            return;
        };
        if end && by > 0 {
            return self.resume();
        }
        if by < 0 {
            self.pause();
        }
        self.lanes[n].top = Some(top);
        if !self.follow {
            self.keep_cursor_on_screen(n);
        }
    }

    pub(super) fn page(&mut self, by: isize) {
        let height = self.lane().shape.height.saturating_sub(1).max(1);
        self.scroll(by * isize::try_from(height).unwrap_or(1));
    }

    pub(super) fn go_top(&mut self) {
        let n = self.lane;
        let sheet = self.sheet(n);
        let first = self
            .buffer
            .first(sheet.lens)
            .and_then(|first| sheet.anchor(first));
        let Some(anchor) = first else { return };
        self.pause();
        let lane = self.lane_mut();
        (lane.top, lane.at) = (Some(Top { anchor, skip: 0 }), Some(anchor));
    }

    /// The cursor to the line above or below; rows of a line longer than the screen are gone through first.
    pub(super) fn step_line(&mut self, by: isize) {
        let n = self.lane;
        if self.follow && by > 0 || self.lanes[n].top.is_none() {
            return;
        }
        self.pause();
        let (Some(at), Some(top)) = (self.lanes[n].at, self.lanes[n].top) else {
            return;
        };
        let sheet = self.sheet(n);
        let shape = self.lanes[n].shape;
        let Some(cursor) = sheet.seek(at) else { return };
        let seen = shape.seen(sheet, top);
        let here = seen.iter().find(|(other, _, _)| *other == cursor);
        let cut = here.is_some_and(|(_, first, rows)| match by < 0 {
            true => *first > 0,
            false => first + rows < shape.rows(sheet, cursor),
        });
        if cut {
            return self.scroll(by);
        }
        let next = match by < 0 {
            true => sheet.previous(cursor),
            false => sheet.next(cursor),
        };
        let Some(next) = next else {
            if by > 0 {
                self.resume();
            }
            return;
        };
        let top = match seen.iter().find(|(other, _, _)| *other == next) {
            // Whole on the screen, or as much of it as fits.
            Some((_, first, rows)) if by > 0 => {
                let below = shape.rows(sheet, next) - first - rows;
                let below = below.min(shape.height.saturating_sub(1));
                shape.moved(sheet, top, isize::try_from(below).unwrap_or(0))
            }
            Some((_, 0, _)) => Some((top, false)),
            _ if by > 0 => {
                let rows = shape.rows(sheet, next).min(shape.height);
                shape.moved(sheet, top, isize::try_from(rows).unwrap_or(1))
            }
            _ => {
                let rows = match seen.first() {
                    Some((other, first, _)) if *other == next => *first,
                    _ => shape.rows(sheet, next),
                };
                let rows = rows.min(shape.height);
                shape.moved(sheet, top, -isize::try_from(rows).unwrap_or(1))
            }
        };
        let at = sheet.anchor(next);
        let lane = self.lane_mut();
        lane.at = at;
        if let Some((top, _)) = top {
            lane.top = Some(top);
        }
    }

    /// The line at a place of the screen under the cursor.
    pub(super) fn click(&mut self, column: u16, row: u16) -> Reply {
        let inside = |lane: &Lane| lane.area.contains((column, row).into());
        let Some(n) = self.lanes.iter().position(inside) else {
            return Reply::Ignored;
        };
        (self.lane, self.rail) = (n, false);
        let Some(top) = self.lanes[n].top else {
            return Reply::Done;
        };
        self.pause();
        let mut y = self.lanes[n].area.y;
        let seen = self.lanes[n].shape.seen(self.sheet(n), top);
        for (cursor, _, rows) in seen {
            y += u16::try_from(rows).unwrap_or(u16::MAX);
            if row < y {
                self.lanes[n].at = self.sheet(n).anchor(cursor);
                break;
            }
        }
        Reply::Done
    }

    /// Puts a line under the cursor, and on the screen: a third from the top if it was not there.
    pub(super) fn reveal(&mut self, anchor: Anchor) {
        self.buffer.unfold(anchor);
        if let Some(line) = self.buffer.line(anchor)
            && self
                .lane()
                .stream
                .is_some_and(|stream| stream != line.stream())
        {
            // Of another lane, or of none of them.
            let stream = line.stream();
            match self
                .lanes
                .iter()
                .position(|lane| lane.stream == Some(stream))
            {
                Some(n) => self.lane = n,
                None => self.lane_mut().stream = Some(stream),
            }
        }
        self.pause();
        let n = self.lane;
        let sheet = self.sheet(n);
        let shape = self.lanes[n].shape;
        let seen = self.lanes[n].top.is_some_and(|top| {
            let mut seen = shape.seen(sheet, top).into_iter();
            seen.any(|(cursor, _, _)| sheet.anchor(cursor) == Some(anchor))
        });
        let top = if seen {
            self.lanes[n].top
        } else {
            let above = isize::try_from(shape.height / 3).unwrap_or(0);
            let top = Top { anchor, skip: 0 };
            shape.moved(sheet, top, -above).map(|(top, _)| top)
        };
        let lane = self.lane_mut();
        (lane.top, lane.at) = (top, Some(anchor));
    }

    /// The line keys are about: under the cursor, else the last on screen.
    fn here(&self) -> Option<Anchor> {
        let lane = self.lane();
        lane.at.or_else(|| {
            let sheet = self.sheet(self.lane);
            sheet.last().and_then(|last| sheet.anchor(last))
        })
    }

    pub(super) fn mark(&mut self) {
        self.pause();
        let Some(at) = self.here() else { return };
        if !self.marks.remove(&at) {
            self.marks.insert(at);
        }
        let next = {
            let sheet = self.sheet(self.lane);
            sheet.seek(at).and_then(|cursor| sheet.next(cursor))
        };
        if next.is_some() {
            self.step_line(1);
        }
    }

    pub(super) fn go_mark(&mut self, backward: bool) -> Reply {
        if self.marks.is_empty() {
            return Reply::Say(Level::Info, "no line is marked yet".into());
        }
        let here = self.here().unwrap_or(Anchor::START);
        // Marked lines that are filtered away or trimmed are passed over.
        let shown = |at: &&Anchor| self.buffer.line(**at).is_some_and(|line| line.is_passed());
        let found = if backward {
            let before = self.marks.range(..here).rev();
            before.chain(self.marks.iter().rev()).find(shown)
        } else {
            let after = self.marks.range(here.after()..);
            after.chain(self.marks.iter()).find(shown)
        };
        match found.copied() {
            Some(at) => {
                self.reveal(at);
                Reply::Done
            }
            None => Reply::Say(Level::Info, "the marked lines are hidden or trimmed".into()),
        }
    }

    /// What is folded is opened, an object pretty-printed; and back.
    pub(super) fn open_line(&mut self) -> Reply {
        let Some(at) = self.here() else {
            return Reply::Done;
        };
        if let Some(head) = self.buffer.toggle_fold(at) {
            self.pause();
            self.lane_mut().at = Some(head);
            self.make_room_below();
            return Reply::Done;
        }
        let is_json = self.buffer.line(at).is_some_and(face::is_json);
        if !is_json {
            let text = "nothing is folded on this line, and it is no JSON object";
            return Reply::Say(Level::Info, text.into());
        }
        self.pause();
        if !self.faces.turned.remove(&at) {
            self.faces.turned.insert(at);
        }
        self.lane_mut().at = Some(at);
        self.make_room_below();
        Reply::Done
    }

    /// What was opened under the cursor is not to end below the screen: low on it, it moves up to a third.
    fn make_room_below(&mut self) {
        let n = self.lane;
        let (sheet, lane) = (self.sheet(n), &self.lanes[n]);
        let (Some(at), Some(top)) = (lane.at, lane.top) else {
            return;
        };
        let mut row = 0;
        for (cursor, _, rows) in lane.shape.seen(sheet, top) {
            if sheet.anchor(cursor) == Some(at) {
                let third = lane.shape.height / 3;
                if row > third {
                    self.lanes[n].top = Some(lane.shape.above(sheet, cursor, third));
                }
                return;
            }
            row += rows;
        }
    }

    pub(super) fn fold_all(&mut self) {
        let open = !self.buffer.is_open();
        self.buffer.open_all(open);
    }

    pub(super) fn turn_json(&mut self) -> Reply {
        let (next, words) = match self.faces.json {
            Json::Short => (Json::Pretty, "JSON lines pretty-printed"),
            Json::Pretty => (Json::Raw, "JSON lines as they were written"),
            Json::Raw => (Json::Short, "JSON lines as message and fields"),
        };
        self.faces.json = next;
        self.faces.turned.clear();
        self.make_room_below();
        Reply::Say(Level::Info, words.into())
    }

    pub(super) fn first_failure(&mut self) -> Reply {
        let Some(first) = self.buffer.first_failure() else {
            return Reply::Say(Level::Info, "no failure was recognised so far".into());
        };
        let anchor = first.anchor;
        match self.buffer.line(anchor) {
            Some(line) if line.is_passed() => {
                self.reveal(anchor);
                Reply::Done
            }
            Some(_) => Reply::Say(Level::Info, "its lines are hidden by the filter".into()),
            None => Reply::Say(Level::Info, "its lines were trimmed".into()),
        }
    }

    pub(super) fn go_failure(&mut self, backward: bool) -> Reply {
        if self.buffer.failures() == 0 {
            return self.first_failure();
        }
        let from = match self.lane().at {
            Some(at) => at,
            None if backward => Anchor::END,
            None => return Reply::Say(Level::Info, "no failure after this".into()),
        };
        let mut next = self.buffer.failure_beside(from, backward);
        while let Some(at) = next {
            if self.buffer.line(at).is_some_and(|line| line.is_passed()) {
                let number = self.buffer.failure_number(at);
                self.reveal(at);
                let text = format!("failure {number} of {}", self.buffer.failures());
                return Reply::Say(Level::Info, text);
            }
            next = self.buffer.failure_beside(at, backward);
        }
        let way = if backward { "before" } else { "after" };
        Reply::Say(Level::Info, format!("no failure {way} this"))
    }

    /// The keyboard goes from lane to lane, then to the rail.
    pub(super) fn next_focus(&mut self) {
        if self.rail {
            (self.rail, self.lane) = (false, 0);
        } else if self.lane + 1 < self.lanes.len() {
            self.lane += 1;
        } else {
            self.rail = true;
        }
    }

    /// Streams in columns, or merged again.
    pub(super) fn side_by_side(&mut self) -> Reply {
        if self.lanes.len() > 1 {
            let kept = self.lane().at;
            self.buffer.set_apart(false);
            self.lanes = vec![Lane {
                at: kept,
                ..Lane::default()
            }];
            self.lane = 0;
            if let Some(at) = kept.filter(|_| !self.follow) {
                self.reveal(at);
            }
            return Reply::Done;
        }
        let wide = self.lanes.iter().map(|lane| lane.area.width).sum::<u16>();
        let room = usize::from(wide / NARROW).clamp(2, MOST);
        let chosen = rail::for_columns(self, room);
        if chosen.len() < 2 {
            return Reply::Say(Level::Info, "there is only one stream to show".into());
        }
        let at = self.lane().at;
        // Each column is of one stream; what was chosen to be shown alone is one of them.
        self.chosen = false;
        self.show_only(&[]);
        self.buffer.set_apart(true);
        self.lanes = chosen
            .into_iter()
            .map(|stream| Lane {
                stream: Some(stream),
                at,
                ..Lane::default()
            })
            .collect();
        // Where the reader was stays where the reader is.
        let stream = at.and_then(|at| Some(self.buffer.line(at)?.stream()));
        let lane = self.lanes.iter().position(|lane| lane.stream == stream);
        self.lane = lane.unwrap_or(0);
        Reply::Done
    }
}
