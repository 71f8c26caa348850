//! Searching in a log: from match to match, and what is found into view. Separate because it moves the reader, and
//! nothing else does by itself.

use super::Logs;
use super::SIDE;
use super::layout::Top;
use crate::logs::Anchor;
use crate::panes::{Level, Reply};

impl Logs {
    /// Puts a line into view, a third from the top if it was not there.
    pub(super) fn reveal(&mut self, anchor: Anchor) {
        self.follow = false;
        let seen = self.top.is_some_and(|top| {
            self.shape
                .seen(&self.buffer, top)
                .iter()
                .any(|(cursor, _, _)| {
                    self.buffer
                        .get(*cursor)
                        .is_some_and(|line| line.anchor() == anchor)
                })
        });
        if !seen {
            let above = isize::try_from(self.shape.height / 3).unwrap_or(0);
            let top = Top { anchor, skip: 0 };
            self.top = self
                .shape
                .moved(&self.buffer, top, -above)
                .map(|(top, _)| top);
        }
        self.show_hit_column(anchor);
    }

    pub(super) fn show_hit_column(&mut self, anchor: Anchor) {
        if self.wrap {
            return;
        }
        let column = self.buffer.seek(anchor).and_then(|cursor| {
            let line = self.buffer.get(cursor)?;
            let range = self.buffer.search()?.ranges(line.text(), 1).pop()?;
            Some(crate::ui::text::width(&line.text()[..range.start]))
        });
        if let Some(column) = column
            && (column < self.column || column + 8 > self.column + self.shape.columns)
        {
            self.column = column.saturating_sub(self.shape.columns / 2) / SIDE * SIDE;
        }
    }

    pub(super) fn step(&mut self, backward: bool) -> Reply {
        if self.search.is_empty() {
            return Reply::Say(Level::Info, "nothing searched for yet".into());
        }
        let from = self.hit.or_else(|| {
            // From what is on screen, not from the other end of the log.
            let top = self.top.filter(|_| !self.follow)?;
            Some(top.anchor)
        });
        match self.buffer.find(from, backward) {
            Some((cursor, _)) => {
                let anchor = self.buffer.get(cursor).map(|line| line.anchor());
                self.hit = anchor;
                if let Some(anchor) = anchor {
                    self.reveal(anchor);
                }
                Reply::Done
            }
            None => Reply::Say(Level::Info, format!("no line matches {:?}", self.search)),
        }
    }

    /// A search typed anew shows its newest match at or above what is on screen.
    pub(super) fn seek(&mut self) {
        if !self.seeking {
            return;
        }
        let from = self.top.and_then(|top| {
            let (cursor, _, _) = *self.shape.seen(&self.buffer, top).last()?;
            let last = self.buffer.get(cursor)?.anchor();
            Some(last.after())
        });
        let found = self.buffer.find(from, true);
        if let Some(anchor) = found
            .and_then(|(cursor, _)| self.buffer.get(cursor))
            .map(|line| line.anchor())
        {
            self.hit = Some(anchor);
            self.seeking = false;
            self.reveal(anchor);
        }
        self.seeking &= self.working;
    }
}
