//! What is seen of a buffer: filter, search, choice of streams, and walking over what they leave. Separate from how
//! lines get in, which takes no notice of who looks.

use super::super::filter::LogFilter;
use super::super::find::Pattern;
use super::super::line::{Anchor, Line};
use super::super::ring::{Cursor, Lens};
use super::{Counts, LogBuffer};

impl LogBuffer {
    /// Shows only what matches. The whole buffer is judged again, by [`LogBuffer::work`].
    pub fn set_filter(&mut self, filter: Option<LogFilter>) {
        self.view.filter = filter.filter(|filter| !filter.is_empty());
        self.folds.settle_all(&self.view);
        self.ring.rejudge();
    }

    /// Marks what matches among the lines shown; judged like the filter.
    pub fn set_search(&mut self, search: Option<Pattern>) {
        self.view.search = search;
        self.ring.rejudge();
    }

    /// Shows only these streams; empty: all. Judged like the filter.
    pub fn set_only(&mut self, streams: &[usize]) {
        self.view.only = streams
            .iter()
            .filter_map(|index| u16::try_from(*index).ok())
            .collect();
        self.folds.settle_all(&self.view);
        self.ring.rejudge();
    }

    /// Whether lines of this stream are shown.
    pub fn is_shown(&self, stream: usize) -> bool {
        u16::try_from(stream).is_ok_and(|stream| self.view.has(stream))
    }

    pub fn search(&self) -> Option<&Pattern> {
        self.view.search.as_ref()
    }

    pub fn filter(&self) -> Option<&LogFilter> {
        self.view.filter.as_ref()
    }

    /// Applies a new filter or search to so many bytes of lines, newest first; tells whether more are left.
    pub fn work(&mut self, bytes: usize) -> bool {
        let judge = |line: &Line| self.view.judge(&self.folds, line);
        self.ring.work(bytes, &judge)
    }

    pub fn counts(&self) -> Counts {
        let tally = self.ring.tally();
        Counts {
            lines: self.ring.lines,
            shown: tally.passed,
            visible: tally.visible,
            hits: tally.hits,
            bytes: self.ring.bytes,
            trimmed: self.trimmed,
            repeated: self.repeated,
        }
    }

    pub fn get(&self, cursor: Cursor) -> Option<&Line> {
        self.ring.get(cursor)
    }

    /// The line at an anchor, seen or not.
    pub fn line(&self, anchor: Anchor) -> Option<&Line> {
        self.ring.line(anchor)
    }

    /// The line at the anchor, else the next, else the last, of those the lens shows.
    pub fn seek(&self, anchor: Anchor, lens: Lens) -> Option<Cursor> {
        self.ring
            .at_or_after(anchor, lens)
            .or_else(|| self.ring.last(lens))
    }

    /// The last line before the anchor, of those the lens shows.
    pub fn before(&self, anchor: Anchor, lens: Lens) -> Option<Cursor> {
        self.ring.before(anchor, lens)
    }

    pub fn first(&self, lens: Lens) -> Option<Cursor> {
        self.ring.first(lens)
    }

    pub fn last(&self, lens: Lens) -> Option<Cursor> {
        self.ring.last(lens)
    }

    pub fn next(&self, cursor: Cursor, lens: Lens) -> Option<Cursor> {
        self.ring.next(cursor, lens)
    }

    pub fn previous(&self, cursor: Cursor, lens: Lens) -> Option<Cursor> {
        self.ring.previous(cursor, lens)
    }

    /// Lines on the screen before this one.
    pub fn rank(&self, cursor: Cursor) -> usize {
        self.ring.rank(cursor, Lens::VISIBLE)
    }

    /// The line on the screen with so many before it.
    pub fn nth(&self, n: usize) -> Option<Cursor> {
        self.ring.nth(n)
    }

    /// The next matching line after (or the last before) the anchor, going round at the ends; from nowhere, the
    /// last one. With its number among the matches, from 1. It may be folded away.
    pub fn find(&self, from: Option<Anchor>, backward: bool) -> Option<(Cursor, usize)> {
        let (ring, hits) = (&self.ring, Lens::HITS);
        let found = match from {
            None => ring.last(hits),
            Some(anchor) if backward => ring.before(anchor, hits).or_else(|| ring.last(hits)),
            Some(anchor) => ring
                .at_or_after(anchor.after(), hits)
                .or_else(|| ring.first(hits)),
        }?;
        Some((found, ring.rank(found, hits) + 1))
    }

    /// The number, from 1, of the matching line at this anchor.
    pub fn hit_number(&self, anchor: Anchor) -> Option<usize> {
        let cursor = self.ring.at_or_after(anchor, Lens::HITS)?;
        let line = self.ring.get(cursor)?;
        (line.anchor == anchor).then(|| self.ring.rank(cursor, Lens::HITS) + 1)
    }

    /// All lines the filter lets through, folded away or not, oldest first.
    pub fn shown(&self) -> impl Iterator<Item = &Line> {
        self.range(Anchor::START, Anchor::END)
    }

    /// The same from one line to another, both with it.
    pub fn range(&self, from: Anchor, to: Anchor) -> impl Iterator<Item = &Line> {
        let lines = self.ring.from(from);
        lines
            .take_while(move |line| line.anchor <= to)
            .filter(|line| line.is_passed())
    }

    /// Lines looked at by this thread so far.
    #[cfg(test)]
    pub fn looked_at(&self) -> usize {
        super::super::ring::LOOKED.with(std::cell::Cell::get)
    }
}
