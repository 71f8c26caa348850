//! The lines in screen order, bounded in bytes. Kept in blocks that count what is shown and what matches, so that
//! a late stream can merge into the middle, and the n-th shown line of a million is found without walking them.

use std::cmp::Ordering;
use std::collections::VecDeque;

use super::sgr::Run;

const BLOCK: usize = 1024;

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineKind {
    /// What the container wrote.
    Text,
    /// The rest of a line too long for one.
    More,
    /// Said about the stream, not by it.
    Note,
    /// The same, and something is wrong.
    Alarm,
}

/// One line of the ring.
#[derive(Debug)]
pub struct Line {
    pub(super) anchor: Anchor,
    /// The runtime's timestamp in nanoseconds since 1970.
    pub(super) at: Option<i64>,
    pub(super) text: Box<str>,
    pub(super) runs: Option<Box<[Run]>>,
    pub(super) stream: u16,
    pub(super) kind: LineKind,
    pub(super) shown: bool,
    pub(super) hit: bool,
}

/// A line's identity and place: by time (never going back within its stream), then by arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Anchor {
    pub(super) key: i64,
    pub(super) id: u64,
}

impl Anchor {
    /// Before every line.
    pub const START: Anchor = Anchor {
        key: i64::MIN,
        id: 0,
    };

    /// Just behind this line.
    pub fn after(self) -> Self {
        Self {
            id: self.id + 1,
            ..self
        }
    }
}

/// Where a line is right now; any change of the ring invalidates it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    block: usize,
    at: usize,
}

impl Line {
    pub fn anchor(&self) -> Anchor {
        self.anchor
    }

    /// The runtime's timestamp, nanoseconds since 1970.
    pub fn nanos(&self) -> Option<i64> {
        self.at
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// Colours, by byte; empty when it has none.
    pub fn runs(&self) -> &[Run] {
        self.runs.as_deref().unwrap_or_default()
    }

    /// Index of its stream.
    pub fn stream(&self) -> usize {
        usize::from(self.stream)
    }

    pub fn kind(&self) -> LineKind {
        self.kind
    }

    /// It matches the search.
    pub fn is_hit(&self) -> bool {
        self.hit
    }

    /// Memory it takes, near enough.
    pub(super) fn cost(&self) -> usize {
        size_of::<Self>() + self.text.len() + size_of_val(self.runs()) + 16
    }
}

/// What decides about a line: is it shown, and does it match the search.
pub(super) type Judge<'a> = &'a dyn Fn(&Line) -> (bool, bool);

#[derive(Debug, Default)]
struct Block {
    lines: VecDeque<Line>,
    /// Of the lines, when judged by the current filter and search; 0 before.
    shown: usize,
    hits: usize,
    /// Which filter and search the counts are of.
    judged: u32,
}

impl Block {
    fn judge(&mut self, generation: u32, judge: Judge) {
        (self.shown, self.hits, self.judged) = (0, 0, generation);
        for line in &mut self.lines {
            (line.shown, line.hit) = judge(line);
            self.shown += usize::from(line.shown);
            self.hits += usize::from(line.hit);
        }
    }

    fn forget(&mut self, line: &Line, generation: u32) {
        if self.judged == generation {
            self.shown -= usize::from(line.shown);
            self.hits -= usize::from(line.hit);
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
            (line.shown, line.hit) = judge(&line);
            block.shown += usize::from(line.shown);
            block.hits += usize::from(line.hit);
        }
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
            ..Block::default()
        };
        if judged == self.generation {
            next.shown = next.lines.iter().filter(|line| line.shown).count();
            next.hits = next.lines.iter().filter(|line| line.hit).count();
            block.shown -= next.shown;
            block.hits -= next.hits;
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
        let Some(mut line) = block
            .lines
            .get_mut(cursor.at)
            .filter(|line| line.anchor == anchor)
        else {
            return false;
        };
        let before = line.cost();
        let was = (line.shown, line.hit);
        change(line);
        line.anchor = anchor;
        self.bytes = self.bytes - before + line.cost();
        if block.judged == generation {
            let now = judge(line);
            line = &mut block.lines[cursor.at];
            (line.shown, line.hit) = now;
            block.shown = block.shown + usize::from(now.0) - usize::from(was.0);
            block.hits = block.hits + usize::from(now.1) - usize::from(was.1);
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
        let from = self.seek(Anchor { key, id: 0 });
        let mut skip = from.at;
        self.blocks
            .iter()
            .skip(from.block)
            .flat_map(move |block| block.lines.iter().skip(std::mem::take(&mut skip)))
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
            (block.shown, block.hits) = (0, 0);
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

    /// Lines shown, and lines that match the search, as far as judged.
    pub fn counts(&self) -> (usize, usize) {
        self.blocks.iter().fold((0, 0), |(shown, hits), block| {
            (shown + block.shown, hits + block.hits)
        })
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

    fn fits(line: &Line, hits: bool) -> bool {
        if hits { line.hit } else { line.shown }
    }

    fn judged(&self, block: &Block, hits: bool) -> bool {
        block.judged == self.generation && (if hits { block.hits } else { block.shown }) > 0
    }

    /// The first shown (or matching) line at or after a place.
    fn forward(&self, from: Cursor, hits: bool) -> Option<Cursor> {
        let mut at = from.at;
        for (index, block) in self.blocks.iter().enumerate().skip(from.block) {
            if self.judged(block, hits)
                && let Some(offset) = block
                    .lines
                    .range(at.min(block.lines.len())..)
                    .position(|line| Self::fits(line, hits))
            {
                let at = at + offset;
                return Some(Cursor { block: index, at });
            }
            at = 0;
        }
        None
    }

    /// The last shown (or matching) line before a place.
    fn backward(&self, before: Cursor, hits: bool) -> Option<Cursor> {
        let mut end = before.at;
        for index in (0..self.blocks.len().min(before.block + 1)).rev() {
            let block = &self.blocks[index];
            let to = if index == before.block {
                end.min(block.lines.len())
            } else {
                block.lines.len()
            };
            if self.judged(block, hits)
                && let Some(at) = (0..to).rev().find(|at| Self::fits(&block.lines[*at], hits))
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
    pub fn at_or_after(&self, anchor: Anchor, hits: bool) -> Option<Cursor> {
        self.forward(self.seek(anchor), hits)
    }

    /// The last shown line before the anchor.
    pub fn before(&self, anchor: Anchor, hits: bool) -> Option<Cursor> {
        self.backward(self.seek(anchor), hits)
    }

    pub fn first(&self, hits: bool) -> Option<Cursor> {
        self.forward(Cursor { block: 0, at: 0 }, hits)
    }

    pub fn last(&self, hits: bool) -> Option<Cursor> {
        self.backward(self.end(), hits)
    }

    pub fn next(&self, cursor: Cursor, hits: bool) -> Option<Cursor> {
        let at = cursor.at + 1;
        self.forward(Cursor { at, ..cursor }, hits)
    }

    pub fn previous(&self, cursor: Cursor, hits: bool) -> Option<Cursor> {
        self.backward(cursor, hits)
    }

    /// How many shown (or matching) lines are before this place.
    pub fn rank(&self, cursor: Cursor, hits: bool) -> usize {
        let before: usize = self
            .blocks
            .iter()
            .take(cursor.block)
            .map(|block| if hits { block.hits } else { block.shown })
            .sum();
        let within = self
            .blocks
            .get(cursor.block)
            .filter(|block| self.judged(block, hits))
            .map_or(0, |block| {
                block
                    .lines
                    .iter()
                    .take(cursor.at)
                    .filter(|line| Self::fits(line, hits))
                    .count()
            });
        before + within
    }

    /// The shown line with so many before it.
    pub fn nth(&self, mut n: usize) -> Option<Cursor> {
        for (index, block) in self.blocks.iter().enumerate() {
            if n < block.shown {
                let at = (0..block.lines.len())
                    .filter(|at| block.lines[*at].shown)
                    .nth(n)?;
                return Some(Cursor { block: index, at });
            }
            n -= block.shown;
        }
        None
    }
}
