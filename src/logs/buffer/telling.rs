//! Failures and repeated lines: found while lines come in, folded to one line. Separate because it looks over the
//! shoulder of what comes in and changes nothing of it.

use std::collections::{HashMap, VecDeque};

use super::super::failures::{Failures, Found};
use super::super::folds::{COST, First, Folded};
use super::super::line::{Anchor, Line, LineKind};
use super::super::sgr::Run;
use super::LogBuffer;

/// Lines whose place is remembered while a failure is being told; it is not followed for longer.
const TELLING: usize = 2_200;
/// The same when none is: a ruler may turn out to have been the beginning.
const IDLE: usize = 8;

/// What one stream is telling.
#[derive(Debug, Default)]
pub(super) struct Telling {
    failures: Failures,
    /// Lines read so far.
    count: u64,
    /// Where the last of them stand.
    places: VecDeque<Anchor>,
    /// Of the failures begun, by their first line: the fold, and how many lines are in it.
    known: HashMap<u64, (u32, usize)>,
}

impl Telling {
    fn line(&mut self, anchor: Anchor, text: &str) -> Vec<Found> {
        self.count += 1;
        self.places.push_back(anchor);
        let most = if self.failures.is_idle() {
            IDLE
        } else {
            TELLING
        };
        if self.places.len() > 2 * most {
            self.places.drain(..self.places.len() - most);
        }
        self.failures.line(self.count, text)
    }

    fn place(&self, number: u64) -> Option<Anchor> {
        let behind = usize::try_from(self.count.checked_sub(number)?).ok()?;
        let at = self.places.len().checked_sub(behind + 1)?;
        self.places.get(at).copied()
    }
}

impl LogBuffer {
    /// Puts a line in, folded with the one before if it is the same again.
    pub(super) fn insert(&mut self, mut line: Line) {
        let index = line.stream();
        let found = match (line.kind, self.streams.get_mut(index)) {
            (LineKind::Text, Some(stream)) => stream.telling.line(line.anchor, &line.text),
            _ => Vec::new(),
        };
        let (anchor, mut last) = (line.anchor, None);
        let mut at_end = true;
        if let Some(before) = self.ring.newest_line() {
            at_end = before.anchor < anchor;
            let same = at_end
                && before.stream == line.stream
                && before.kind == LineKind::Text
                && line.kind == LineKind::Text
                && !line.text.is_empty()
                && before.text == line.text
                && before.runs == line.runs
                && !self.folds.is_failure(before.fold);
            if same && before.fold != 0 {
                line.fold = before.fold;
            } else if same {
                line.fold = self.folds.repeat(before);
                last = Some(before.anchor);
            }
        }
        if let Some(before) = last {
            self.ring.bytes += COST;
            self.put_in_fold(before, line.fold);
        }
        if let Some(fold) = self.folds.get_mut(line.fold) {
            fold.left += 1;
            fold.last = anchor;
        }
        let judge = |line: &Line| self.view.judge(&self.folds, line);
        self.ring.insert(line, &judge);
        if !at_end {
            self.part_repeats(anchor);
        }
        for found in found {
            self.tell(index, &found, true);
        }
    }

    /// Another line came to stand between equal ones: they are no longer told as one.
    fn part_repeats(&mut self, anchor: Anchor) {
        let (before, after) = self.ring.beside(anchor);
        if let (Some(before), Some(after)) = (before, after)
            && before.fold == after.fold
            && self
                .folds
                .get(before.fold)
                .is_some_and(|fold| fold.story.is_none())
        {
            let id = before.fold;
            self.part(id);
        }
    }

    /// Shows all lines of a fold from now on, looking at these alone: what rewrites rows all the time must not cost
    /// a block of lines each time.
    fn part(&mut self, id: u32) {
        let Some(fold) = self.folds.get(id).filter(|fold| !fold.open) else {
            return;
        };
        let (head, last) = (fold.head, fold.last);
        let lines = self.ring.from(head).take_while(|line| line.anchor <= last);
        let lines = lines.filter(|line| line.fold == id);
        let lines: Vec<Anchor> = lines.map(|line| line.anchor).collect();
        self.folds.set_open(id, true);
        self.judge_again(&lines);
    }

    /// A line of before says something else now.
    pub(super) fn rewrite(
        &mut self,
        index: usize,
        anchor: Anchor,
        text: Box<str>,
        runs: Option<Box<[Run]>>,
    ) {
        let Some(line) = self.ring.line(anchor) else {
            return;
        };
        let (fold, same) = (line.fold, line.text == text);
        let grown = !same && text.starts_with(&*line.text);
        let mut found = Vec::new();
        if let Some(stream) = self.streams.get_mut(index)
            && grown
            && stream.telling.places.back() == Some(&anchor)
            && stream.telling.failures.is_idle()
        {
            // It came in parts.
            let telling = &mut stream.telling;
            found = telling.failures.line(telling.count, &text);
        }
        let judge = |line: &Line| self.view.judge(&self.folds, line);
        self.ring.update(anchor, &judge, |line| {
            (line.text, line.runs) = (text, runs);
        });
        if !same && fold != 0 && !self.folds.is_failure(fold) {
            self.part(fold);
        }
        for found in found {
            self.tell(index, &found, true);
        }
    }

    /// What is begun and known by now.
    pub(super) fn tell_begun(&mut self, index: usize) {
        let Some(stream) = self.streams.get(index) else {
            return;
        };
        if stream.telling.failures.is_idle() {
            return;
        }
        let begun: Vec<Found> = stream.telling.failures.begun().collect();
        for found in begun {
            self.tell(index, &found, false);
        }
    }

    fn tell(&mut self, index: usize, found: &Found, done: bool) {
        let Some(stream) = self.streams.get_mut(index) else {
            return;
        };
        let known = stream.telling.known.remove(&found.first);
        let known = known.filter(|(id, _)| self.folds.retell(*id, found));
        let places: Vec<Anchor> = {
            let telling = &stream.telling;
            let from = known.map_or(0, |(_, lines)| lines.min(found.lines.len()));
            let lines = found.lines[from..].iter();
            lines.filter_map(|line| telling.place(*line)).collect()
        };
        let id = match known {
            Some((id, _)) => id,
            None => {
                let mut kept = places.iter().filter_map(|place| self.ring.line(*place));
                let Some(head) = kept.next() else { return };
                let stream = head.stream;
                let (id, changed) = self.folds.tell(stream, head, found, &self.view);
                self.ring.bytes += COST;
                self.judge_again(&changed);
                id
            }
        };
        for place in places {
            self.put_in_fold(place, id);
        }
        if !done && let Some(stream) = self.streams.get_mut(index) {
            let known = &mut stream.telling.known;
            known.insert(found.first, (id, found.lines.len()));
        }
    }

    fn judge_again(&mut self, lines: &[Anchor]) {
        let judge = |line: &Line| self.view.judge(&self.folds, line);
        for anchor in lines {
            self.ring.update(*anchor, &judge, |_| {});
        }
    }

    fn put_in_fold(&mut self, anchor: Anchor, id: u32) {
        let Some(old) = self.ring.line(anchor).map(|line| line.fold) else {
            return;
        };
        if old == id {
            return;
        }
        if let Some(fold) = self.folds.get_mut(id) {
            fold.left += 1;
            fold.last = fold.last.max(anchor);
        }
        let judge = |line: &Line| self.view.judge(&self.folds, line);
        self.ring.update(anchor, &judge, |line| line.fold = id);
        if old == 0 {
            return;
        }
        let headless = self.folds.get(old).is_some_and(|fold| fold.head == anchor);
        if self.folds.leave(old, &self.view) {
            self.ring.bytes = self.ring.bytes.saturating_sub(COST);
        } else if headless {
            self.part(old);
        }
    }

    /// A line that was dropped leaves its fold; if it stood for the others, the next one does.
    pub(super) fn take_from_fold(&mut self, line: &Line) {
        if line.fold == 0 {
            return;
        }
        let Some(fold) = self.folds.get(line.fold) else {
            return;
        };
        let (head, last) = (fold.head, fold.last);
        if self.folds.leave(line.fold, &self.view) {
            self.ring.bytes = self.ring.bytes.saturating_sub(COST);
        } else if head == line.anchor {
            let mut rest = self.ring.from(Anchor::START);
            let next = rest
                .by_ref()
                .take_while(|other| other.anchor <= last)
                .find(|other| other.fold == line.fold)
                .map(|other| other.anchor);
            drop(rest);
            if let Some(next) = next {
                self.folds.behead(line.fold, next);
                self.judge_again(&[next]);
            }
        }
    }

    fn open_fold(&mut self, id: u32, open: bool) {
        let places = self.folds.set_open(id, open);
        self.judge_places(&places);
    }

    fn judge_places(&mut self, places: &[(Anchor, Anchor)]) {
        let judge = |line: &Line| self.view.judge(&self.folds, line);
        for (from, to) in places {
            self.ring.rejudge_range(*from, *to, &judge);
        }
    }

    /// What a line stands for, if it is the first of a fold.
    pub fn told(&self, line: &Line) -> Option<Folded> {
        self.folds.told(line)
    }

    /// Opens or closes the fold a line is in, and those told with it; whether it is in one. Answers the line that
    /// stands for it.
    pub fn toggle_fold(&mut self, anchor: Anchor) -> Option<Anchor> {
        let id = self.ring.line(anchor)?.fold;
        let fold = self.folds.get(id)?;
        let (open, head) = (fold.open, fold.head);
        self.open_fold(id, !open);
        // Closed again, another one may stand for it.
        let visible = |anchor: Anchor| self.ring.line(anchor).is_some_and(Line::is_visible);
        Some(if visible(head) {
            head
        } else {
            self.folds.lead_of(id).unwrap_or(head)
        })
    }

    /// Opens the fold that hides a line.
    pub fn unfold(&mut self, anchor: Anchor) {
        let Some(line) = self.ring.line(anchor) else {
            return;
        };
        if line.is_passed() && !line.is_visible() {
            let id = line.fold;
            self.open_fold(id, true);
        }
    }

    /// Whether folds that come are open.
    pub fn is_open(&self) -> bool {
        self.folds.open
    }

    /// Opens or closes all folds, and those to come.
    pub fn open_all(&mut self, open: bool) {
        let places = self.folds.open_all(open);
        self.judge_places(&places);
    }

    /// Each stream stands for itself, as in columns: alike failures are not told as one.
    pub fn set_apart(&mut self, apart: bool) {
        self.folds.apart = apart;
        let heads = self.folds.failure_heads();
        self.judge_again(&heads);
    }

    /// The first failure of all, by time, then by arrival; also if its lines were trimmed.
    pub fn first_failure(&self) -> Option<&First> {
        self.folds.first.as_ref()
    }

    /// Failures that can be gone to.
    pub fn failures(&self) -> usize {
        self.folds.failures()
    }

    /// The next failure after an anchor, or the last before it; not round the ends.
    pub fn failure_beside(&self, anchor: Anchor, backward: bool) -> Option<Anchor> {
        self.folds.beside(anchor, backward)
    }

    /// Of a failure, its number among them by time, from 1.
    pub fn failure_number(&self, anchor: Anchor) -> usize {
        self.folds.number(anchor)
    }

    /// All lines of the closed fold that a line stands for.
    pub fn fold_lines(&self, line: &Line) -> Option<impl Iterator<Item = &Line>> {
        let id = line.fold;
        let fold = self
            .folds
            .get(id)
            .filter(|fold| !fold.open && fold.head == line.anchor)?;
        let lines = self.range(fold.head, fold.last);
        Some(lines.filter(move |line| line.fold == id))
    }
}
