//! Searching in a log: from match to match, and what is found into view. Separate because it moves the reader, and
//! nothing else does by itself.

use super::Logs;
use super::SIDE;
use crate::logs::Anchor;
use crate::panes::{Level, Reply};

impl Logs {
    pub(super) fn show_hit_column(&mut self, anchor: Anchor) {
        if self.wrap {
            return;
        }
        let column = self.buffer.line(anchor).and_then(|line| {
            let face = self.faces.face(&self.buffer, line);
            let range = self.buffer.search()?.ranges(&face.text, 1).pop()?;
            Some(crate::ui::text::width(&face.text[..range.start]))
        });
        let lane = self.lane_mut();
        if let Some(column) = column
            && (column < lane.column || column + 8 > lane.column + lane.shape.columns)
        {
            lane.column = column.saturating_sub(lane.shape.columns / 2) / SIDE * SIDE;
        }
    }

    pub(super) fn step(&mut self, backward: bool) -> Reply {
        if self.search.is_empty() {
            return Reply::Say(Level::Info, "nothing searched for yet".into());
        }
        let from = self.hit.or_else(|| {
            // From what is on screen, not from the other end of the log.
            let top = self.lane().top.filter(|_| !self.follow)?;
            Some(self.lane().at.unwrap_or(top.anchor))
        });
        match self.buffer.find(from, backward) {
            Some((cursor, _)) => {
                let anchor = self.buffer.get(cursor).map(|line| line.anchor());
                self.hit = anchor;
                if let Some(anchor) = anchor {
                    self.reveal(anchor);
                    self.show_hit_column(anchor);
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
        let from = self.lane().top.and_then(|top| {
            let sheet = self.sheet(self.lane);
            let (cursor, _, _) = *self.lane().shape.seen(sheet, top).last()?;
            Some(sheet.anchor(cursor)?.after())
        });
        let found = self.buffer.find(from, true);
        if let Some(anchor) = found
            .and_then(|(cursor, _)| self.buffer.get(cursor))
            .map(|line| line.anchor())
        {
            self.hit = Some(anchor);
            self.seeking = false;
            self.reveal(anchor);
            self.show_hit_column(anchor);
        }
        self.seeking &= self.working;
    }
}
