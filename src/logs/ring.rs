//! The lines in screen order, bounded in bytes. Kept in blocks that count what is shown and what matches, so that
//! a late stream can merge into the middle, and the n-th shown line of a million is found without walking them.

use std::cmp::Ordering;
use std::collections::VecDeque;

use super::line::{Anchor, Line, Marks};

const BLOCK: usize = 1024;

/// Where a line is right now; any change of the ring invalidates it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    block: usize,
    at: usize,
}

/// What decides about a line: which marks it gets.
pub(super) type Judge<'a> = &'a dyn Fn(&Line) -> Marks;

#[cfg(test)]
thread_local! {
    /// Lines looked at by this thread: a frame must not look at all.
    pub(super) static LOOKED: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// Which lines are walked over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lens {
    marks: Marks,
    stream: Option<u16>,
}

impl Lens {
    /// What the screen shows.
    pub const VISIBLE: Self = Self::of(Marks::VISIBLE);
    /// What the filter lets through, folded away or not.
    pub const PASSED: Self = Self::of(Marks::PASSED);
    /// What the search finds, folded away or not.
    pub const HITS: Self = Self::of(Marks::HIT);

    const fn of(marks: Marks) -> Self {
        Self {
            marks,
            stream: None,
        }
    }

    /// What the screen shows of one stream.
    pub fn stream(index: usize) -> Self {
        Self {
            stream: Some(u16::try_from(index).unwrap_or(u16::MAX)),
            ..Self::VISIBLE
        }
    }

    fn fits(self, line: &Line) -> bool {
        #[cfg(test)]
        LOOKED.with(|looked| looked.set(looked.get() + 1));
        line.marks.has(self.marks) && self.stream.is_none_or(|stream| line.stream == stream)
    }
}

/// Of the lines of a block, how many are passed, visible and found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Tally {
    pub passed: usize,
    pub visible: usize,
    pub hits: usize,
}

impl Tally {
    fn add(&mut self, marks: Marks) {
        self.passed += usize::from(marks.has(Marks::PASSED));
        self.visible += usize::from(marks.has(Marks::VISIBLE));
        self.hits += usize::from(marks.has(Marks::HIT));
    }

    fn take(&mut self, marks: Marks) {
        self.passed -= usize::from(marks.has(Marks::PASSED));
        self.visible -= usize::from(marks.has(Marks::VISIBLE));
        self.hits -= usize::from(marks.has(Marks::HIT));
    }

    fn of(self, lens: Lens) -> usize {
        match lens.marks {
            Marks::PASSED => self.passed,
            Marks::HIT => self.hits,
            _ => self.visible,
        }
    }
}

#[derive(Debug, Default)]
struct Block {
    lines: VecDeque<Line>,
    /// Of the lines, when judged by the current filter and search; nothing before.
    tally: Tally,
    /// Which filter and search the counts are of.
    judged: u32,
    /// Streams that have or had lines here, as bits of their number modulo 64: the others need not be looked for.
    streams: u64,
}

fn bit(stream: u16) -> u64 {
    1 << (stream % 64)
}

impl Block {
    fn judge(&mut self, generation: u32, judge: Judge) {
        (self.tally, self.judged) = (Tally::default(), generation);
        for line in &mut self.lines {
            line.marks = judge(line);
            self.tally.add(line.marks);
        }
    }

    fn forget(&mut self, line: &Line, generation: u32) {
        if self.judged == generation {
            self.tally.take(line.marks);
        }
    }
}

/// The ring itself.
#[derive(Debug, Default)]
pub(super) struct Ring {
    blocks: VecDeque<Block>,
    pub bytes: usize,
    pub lines: usize,
    generation: u32,
}

impl Ring {
    /// Puts a line where its anchor says.
    pub fn insert(&mut self, mut line: Line, judge: Judge) {
        self.bytes += line.cost();
        self.lines += 1;
        let at = self
            .blocks
            .partition_point(|block| {
                block
                    .lines
                    .back()
                    .is_some_and(|last| last.anchor < line.anchor)
            })
            .min(self.blocks.len().saturating_sub(1));
        if self.blocks.is_empty() {
            self.blocks.push_back(Block {
                judged: self.generation,
                ..Block::default()
            });
        }
        let mut at = at;
        if self.blocks[at].lines.len() >= BLOCK {
            let newest = at + 1 == self.blocks.len()
                && self.blocks[at]
                    .lines
                    .back()
                    .is_some_and(|last| last.anchor < line.anchor);
            let keep = if newest { BLOCK } else { BLOCK / 2 };
            self.split(at, keep);
            let next = &self.blocks[at + 1].lines;
            if next.front().is_none_or(|first| first.anchor < line.anchor) {
                at += 1;
            }
        }
        let block = &mut self.blocks[at];
        if block.judged == self.generation {
            line.marks = judge(&line);
            block.tally.add(line.marks);
        }
        block.streams |= bit(line.stream);
        if block
            .lines
            .back()
            .is_none_or(|last| last.anchor < line.anchor)
        {
            block.lines.push_back(line);
        } else {
            let place = block
                .lines
                .partition_point(|other| other.anchor < line.anchor);
            block.lines.insert(place, line);
        }
    }

    fn split(&mut self, at: usize, keep: usize) {
        let block = &mut self.blocks[at];
        let lines = block.lines.split_off(keep.min(block.lines.len()));
        let judged = block.judged;
        let mut next = Block {
            lines,
            judged,
            streams: block.streams,
            ..Block::default()
        };
        if judged == self.generation {
            for line in &next.lines {
                next.tally.add(line.marks);
                block.tally.take(line.marks);
            }
        }
        self.blocks.insert(at + 1, next);
    }

    /// Changes a line that is still there; tells whether it was.
    pub fn update(&mut self, anchor: Anchor, judge: Judge, change: impl FnOnce(&mut Line)) -> bool {
        let cursor = self.seek(anchor);
        let generation = self.generation;
        let Some(block) = self.blocks.get_mut(cursor.block) else {
            return false;
        };
        let Some(line) = block
            .lines
            .get_mut(cursor.at)
            .filter(|line| line.anchor == anchor)
        else {
            return false;
        };
        let before = line.cost();
        let was = line.marks;
        change(line);
        line.anchor = anchor;
        self.bytes = self.bytes - before + line.cost();
        if block.judged == generation {
            line.marks = judge(line);
            let now = line.marks;
            block.tally.take(was);
            block.tally.add(now);
        }
        true
    }

    /// Drops the oldest line and tells what it was.
    pub fn pop(&mut self) -> Option<Line> {
        let generation = self.generation;
        let block = self.blocks.front_mut()?;
        let line = block.lines.pop_front()?;
        block.forget(&line, generation);
        if block.lines.is_empty() {
            self.blocks.pop_front();
        }
        self.bytes -= line.cost();
        self.lines -= 1;
        Some(line)
    }

    /// The anchor of the first line.
    pub fn oldest(&self) -> Option<Anchor> {
        Some(self.blocks.front()?.lines.front()?.anchor)
    }

    /// All lines that stand at one time, shown or not.
    pub fn lines_at(&self, key: i64) -> impl Iterator<Item = &Line> {
        self.from(Anchor { key, id: 0 })
            .take_while(move |line| line.anchor.key == key)
    }

    /// The anchor of the last line.
    pub fn newest(&self) -> Option<Anchor> {
        Some(self.blocks.back()?.lines.back()?.anchor)
    }

    pub fn clear(&mut self) {
        self.blocks.clear();
        (self.bytes, self.lines) = (0, 0);
    }

    /// Another filter or search: nothing is judged any more.
    pub fn rejudge(&mut self) {
        self.generation = self.generation.wrapping_add(1);
        for block in &mut self.blocks {
            block.tally = Tally::default();
            // A wrapped counter must not take an old block for a judged one.
            block.judged = self.generation.wrapping_sub(1);
        }
    }

    /// Judges blocks, newest first, until `bytes` of text were read; tells whether some are left.
    pub fn work(&mut self, bytes: usize, judge: Judge) -> bool {
        let mut read = 0;
        for block in self.blocks.iter_mut().rev() {
            if block.judged == self.generation {
                continue;
            }
            if read >= bytes {
                return true;
            }
            block.judge(self.generation, judge);
            read += block
                .lines
                .iter()
                .map(|line| line.text.len() + 32)
                .sum::<usize>();
        }
        false
    }

    /// Judges the blocks again in which a part of the log stands, if they were judged before.
    pub fn rejudge_range(&mut self, from: Anchor, to: Anchor, judge: Judge) {
        let first = self.seek(from).block;
        for block in self.blocks.iter_mut().skip(first) {
            if block.lines.front().is_none_or(|line| line.anchor > to) {
                return;
            }
            if block.judged == self.generation {
                block.judge(self.generation, judge);
            }
        }
    }

    /// How many lines are passed, visible and found, as far as judged.
    pub fn tally(&self) -> Tally {
        let mut all = Tally::default();
        for block in &self.blocks {
            all.passed += block.tally.passed;
            all.visible += block.tally.visible;
            all.hits += block.tally.hits;
        }
        all
    }

    /// The lines beside the one at this anchor, shown or not.
    pub fn beside(&self, anchor: Anchor) -> (Option<&Line>, Option<&Line>) {
        let Cursor { block, at } = self.seek(anchor);
        let before = match at.checked_sub(1) {
            Some(at) => self.get(Cursor { block, at }),
            None => block
                .checked_sub(1)
                .and_then(|block| self.blocks.get(block)?.lines.back()),
        };
        let after = self.get(Cursor { block, at: at + 1 });
        (
            before,
            after.or_else(|| self.blocks.get(block + 1)?.lines.front()),
        )
    }

    /// The line at an anchor, shown or not.
    pub fn line(&self, anchor: Anchor) -> Option<&Line> {
        self.get(self.seek(anchor))
            .filter(|line| line.anchor == anchor)
    }

    /// All lines from an anchor on, shown or not.
    pub fn from(&self, anchor: Anchor) -> impl Iterator<Item = &Line> {
        let from = self.seek(anchor);
        let mut skip = from.at;
        self.blocks.iter().skip(from.block).flat_map(move |block| {
            block
                .lines
                .range(std::mem::take(&mut skip).min(block.lines.len())..)
        })
    }

    /// The last line, shown or not.
    pub fn newest_line(&self) -> Option<&Line> {
        self.blocks.back()?.lines.back()
    }

    /// The place of the first line not before the anchor; behind the end if there is none.
    fn seek(&self, anchor: Anchor) -> Cursor {
        let block = self.blocks.partition_point(|block| {
            block
                .lines
                .back()
                .is_some_and(|last| last.anchor.cmp(&anchor) == Ordering::Less)
        });
        let at = self.blocks.get(block).map_or(0, |block| {
            block.lines.partition_point(|line| line.anchor < anchor)
        });
        Cursor { block, at }
    }

    pub fn get(&self, cursor: Cursor) -> Option<&Line> {
        self.blocks.get(cursor.block)?.lines.get(cursor.at)
    }

    fn judged(&self, block: &Block, lens: Lens) -> bool {
        block.judged == self.generation
            && block.tally.of(lens) > 0
            && lens
                .stream
                .is_none_or(|stream| block.streams & bit(stream) != 0)
    }

    /// The first shown (or matching) line at or after a place.
    fn forward(&self, from: Cursor, lens: Lens) -> Option<Cursor> {
        let mut at = from.at;
        for (index, block) in self.blocks.iter().enumerate().skip(from.block) {
            if self.judged(block, lens)
                && let Some(offset) = block
                    .lines
                    .range(at.min(block.lines.len())..)
                    .position(|line| lens.fits(line))
            {
                let at = at + offset;
                return Some(Cursor { block: index, at });
            }
            at = 0;
        }
        None
    }

    /// The last shown (or matching) line before a place.
    fn backward(&self, before: Cursor, lens: Lens) -> Option<Cursor> {
        let mut end = before.at;
        for index in (0..self.blocks.len().min(before.block + 1)).rev() {
            let block = &self.blocks[index];
            let to = if index == before.block {
                end.min(block.lines.len())
            } else {
                block.lines.len()
            };
            if self.judged(block, lens)
                && let Some(at) = (0..to).rev().find(|at| lens.fits(&block.lines[*at]))
            {
                return Some(Cursor { block: index, at });
            }
            end = usize::MAX;
        }
        None
    }

    fn end(&self) -> Cursor {
        Cursor {
            block: self.blocks.len(),
            at: 0,
        }
    }

    /// The line at the anchor, or the next one shown.
    pub fn at_or_after(&self, anchor: Anchor, lens: Lens) -> Option<Cursor> {
        self.forward(self.seek(anchor), lens)
    }

    /// The last shown line before the anchor.
    pub fn before(&self, anchor: Anchor, lens: Lens) -> Option<Cursor> {
        self.backward(self.seek(anchor), lens)
    }

    pub fn first(&self, lens: Lens) -> Option<Cursor> {
        self.forward(Cursor { block: 0, at: 0 }, lens)
    }

    pub fn last(&self, lens: Lens) -> Option<Cursor> {
        self.backward(self.end(), lens)
    }

    pub fn next(&self, cursor: Cursor, lens: Lens) -> Option<Cursor> {
        let at = cursor.at + 1;
        self.forward(Cursor { at, ..cursor }, lens)
    }

    pub fn previous(&self, cursor: Cursor, lens: Lens) -> Option<Cursor> {
        self.backward(cursor, lens)
    }

    /// How many shown (or matching) lines are before this place.
    pub fn rank(&self, cursor: Cursor, lens: Lens) -> usize {
        let before: usize = self
            .blocks
            .iter()
            .take(cursor.block)
            .map(|block| block.tally.of(lens))
            .sum();
        let within = self
            .blocks
            .get(cursor.block)
            .filter(|block| self.judged(block, lens))
            .map_or(0, |block| {
                block
                    .lines
                    .iter()
                    .take(cursor.at)
                    .filter(|line| lens.fits(line))
                    .count()
            });
        before + within
    }

    /// The shown line with so many before it.
    pub fn nth(&self, mut n: usize) -> Option<Cursor> {
        for (index, block) in self.blocks.iter().enumerate() {
            let visible = block.tally.visible;
            if n < visible {
                let at = (0..block.lines.len())
                    .filter(|at| block.lines[*at].is_visible())
                    .nth(n)?;
                return Some(Cursor { block: index, at });
            }
            n -= visible;
        }
        None
    }
}
