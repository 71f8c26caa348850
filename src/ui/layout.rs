//! How panes share the screen: a tree of splits, as rectangles. Knows nothing of what a pane shows, and draws nothing.
//!
//! Of two panes side by side the line between them takes a column; of two above each other the title of the lower one
//! is that line. So rectangles cover an area without gap or overlap but for those columns.

use ratatui::layout::{Position, Rect};

#[cfg(test)]
mod tests;

/// What a pane is called; given by whoever makes it.
pub type Id = u32;

/// Smaller than this no pane is worth its frame: a title, what matters in words, headings and three rows.
pub const LEAST: (u16, u16) = (36, 6);

/// How the two halves of a split stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Along {
    /// Side by side.
    Row,
    /// One above the other.
    Column,
}

/// A direction on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Left,
    Right,
    Up,
    Down,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Node {
    Leaf(Id),
    Split {
        along: Along,
        /// Of the first, in thousandths.
        share: u16,
        halves: Box<[Node; 2]>,
    },
}

/// The tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    root: Node,
}

/// The line of one split.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    pub along: Along,
    /// Where it is: a column between two panes, or the row of titles of what is below.
    pub area: Rect,
    /// What the split takes as a whole.
    whole: Rect,
}

/// One split as it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    pub of: Id,
    pub new: Id,
    pub along: Along,
    /// What is left to the one that was split, in thousandths.
    pub share: u16,
}

/// Where everything is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Placed {
    pub panes: Vec<(Id, Rect)>,
    /// One for each split, outer ones first.
    pub lines: Vec<Line>,
}

impl Placed {
    /// The line at a place, as a number for [`Layout::drag`].
    pub fn line_at(&self, at: Position) -> Option<usize> {
        // where two cross, the inner one is closer to what is meant
        self.lines.iter().rposition(|line| line.area.contains(at))
    }

    /// The pane at a place.
    pub fn pane_at(&self, at: Position) -> Option<Id> {
        let hit = self.panes.iter().find(|(_, area)| area.contains(at));
        hit.map(|(id, _)| *id)
    }

    pub fn area(&self, of: Id) -> Option<Rect> {
        let found = self.panes.iter().find(|(id, _)| *id == of);
        found.map(|(_, area)| *area)
    }

    /// The pane beside one: of those that touch it on that side, the one that shares clearly most of it, or the first.
    pub fn neighbour(&self, of: Id, way: Way) -> Option<Id> {
        let own = self.area(of)?;
        let shared = |a: (u16, u16), b: (u16, u16)| a.1.min(b.1).saturating_sub(a.0.max(b.0));
        let rows = |r: Rect| (r.top(), r.bottom());
        let columns = |r: Rect| (r.left(), r.right());
        let touch = |other: Rect| match way {
            Way::Left => (other.right() + 1 == own.left()).then(|| shared(rows(own), rows(other))),
            Way::Right => (own.right() + 1 == other.left()).then(|| shared(rows(own), rows(other))),
            Way::Up => (other.bottom() == own.top()).then(|| shared(columns(own), columns(other))),
            Way::Down => {
                (own.bottom() == other.top()).then(|| shared(columns(own), columns(other)))
            }
        };
        let beside = self.panes.iter().filter(|(id, _)| *id != of);
        let beside = beside.filter_map(|(id, area)| Some((touch(*area)?, *id)));
        // of those that share about as much the first
        let more = |a: (u16, Id), b: (u16, Id)| if b.0 > a.0 + a.0 / 4 { b } else { a };
        let best = beside.filter(|(shared, _)| *shared > 0).reduce(more);
        best.map(|(_, id)| id)
    }
}

impl Layout {
    /// One pane.
    pub fn new(id: Id) -> Self {
        Self {
            root: Node::Leaf(id),
        }
    }

    /// The first pane, and how the others are split off, in an order in which it can be done again.
    pub fn steps(&self) -> (Id, Vec<Step>) {
        let mut steps = Vec::new();
        self.root.steps(&mut steps);
        (self.root.first(), steps)
    }

    /// All panes, in reading order.
    pub fn ids(&self) -> Vec<Id> {
        let mut all = Vec::new();
        self.root.each(&mut |id| all.push(*id));
        all
    }

    /// The pane after one, or before it.
    pub fn next(&self, of: Id, by: isize) -> Id {
        let all = self.ids();
        let Some(at) = all.iter().position(|id| *id == of) else {
            return of;
        };
        let n = all.len() as isize;
        all[(at as isize + by).rem_euclid(n) as usize]
    }

    /// A new pane gets half the room of one, to its right or below it.
    pub fn split(&mut self, of: Id, along: Along, new: Id) {
        self.split_off(of, along, new, 500);
    }

    /// The same with another share left to the one that is split, in thousandths.
    pub fn split_off(&mut self, of: Id, along: Along, new: Id, share: u16) {
        let with = |node: &mut Node| {
            *node = Node::Split {
                along,
                share: share.clamp(1, 999),
                halves: Box::new([Node::Leaf(of), Node::Leaf(new)]),
            };
        };
        self.root.at(of, &with);
    }

    /// Takes one away: its neighbour in the tree has the room. The last one stays.
    pub fn close(&mut self, id: Id) {
        self.root.close(id);
    }

    /// Two change places.
    pub fn swap(&mut self, a: Id, b: Id) {
        self.root.each_mut(&mut |id| {
            *id = match *id {
                id if id == a => b,
                id if id == b => a,
                id => id,
            }
        });
    }

    /// All splits give half to each side.
    pub fn even(&mut self) {
        self.root.even();
    }

    /// Where everything is in an area; none if it is too small for all of it.
    pub fn place(&self, area: Rect) -> Option<Placed> {
        let (wide, high) = self.root.least();
        if area.width < wide || area.height < high {
            return None;
        }
        let mut placed = Placed::default();
        self.root.place(area, &mut placed);
        Some(placed)
    }

    /// The line of a split goes to a place, as far as both sides keep their least.
    pub fn drag(&mut self, line: usize, placed: &Placed, to: Position) {
        let Some(of) = placed.lines.get(line) else {
            return;
        };
        let (before, whole) = match of.along {
            Along::Row => (to.x.saturating_sub(of.whole.x), of.whole.width - 1),
            Along::Column => (to.y.saturating_sub(of.whole.y), of.whole.height),
        };
        let mut n = line;
        if let Some(Node::Split {
            along,
            share,
            halves,
        }) = self.root.nth(&mut n)
        {
            // no share is remembered that could not be drawn
            let size = |(wide, high): (u16, u16)| match along {
                Along::Row => wide,
                Along::Column => high,
            };
            let least = size(halves[0].least());
            let most = whole.saturating_sub(size(halves[1].least())).max(least);
            *share = thousandths(before.clamp(least, most), whole);
        }
    }

    /// A pane gains or loses a step in width or height: the closest line that can do it moves.
    pub fn resize(&mut self, id: Id, along: Along, gain: bool, placed: &Placed) {
        let mut n = 0;
        let mut found = None;
        self.root.line_of(id, along, &mut n, &mut found);
        let Some((line, first)) = found else { return };
        let Some(of) = placed.lines.get(line) else {
            return;
        };
        let step = match along {
            Along::Row => (of.whole.width / 20).max(1),
            Along::Column => (of.whole.height / 12).max(1),
        };
        let onward = first == gain;
        let go = |from: u16| match onward {
            true => from + step,
            false => from.saturating_sub(step),
        };
        let to = match along {
            Along::Row => Position::new(go(of.area.x), of.area.y),
            Along::Column => Position::new(of.area.x, go(of.area.y)),
        };
        self.drag(line, placed, to);
    }
}

/// So many of a whole, so that the same number comes out of it again.
fn thousandths(part: u16, whole: u16) -> u16 {
    let share = (u32::from(part) * 1000).div_ceil(u32::from(whole.max(1)));
    u16::try_from(share).unwrap_or(500).clamp(1, 999)
}

impl Node {
    fn each(&self, told: &mut impl FnMut(&Id)) {
        match self {
            Node::Leaf(id) => told(id),
            Node::Split { halves, .. } => halves.iter().for_each(|half| half.each(told)),
        }
    }

    fn each_mut(&mut self, told: &mut impl FnMut(&mut Id)) {
        match self {
            Node::Leaf(id) => told(id),
            Node::Split { halves, .. } => halves.iter_mut().for_each(|half| half.each_mut(told)),
        }
    }

    fn first(&self) -> Id {
        match self {
            Node::Leaf(id) => *id,
            Node::Split { halves, .. } => halves[0].first(),
        }
    }

    fn steps(&self, steps: &mut Vec<Step>) {
        if let Node::Split {
            along,
            share,
            halves,
        } = self
        {
            steps.push(Step {
                of: halves[0].first(),
                new: halves[1].first(),
                along: *along,
                share: *share,
            });
            halves.iter().for_each(|half| half.steps(steps));
        }
    }

    fn at(&mut self, id: Id, with: &impl Fn(&mut Node)) {
        match self {
            Node::Leaf(own) if *own == id => with(self),
            Node::Leaf(_) => {}
            Node::Split { halves, .. } => halves.iter_mut().for_each(|half| half.at(id, with)),
        }
    }

    fn close(&mut self, id: Id) {
        let Node::Split { halves, .. } = self else {
            return;
        };
        let gone = halves.iter().position(|half| *half == Node::Leaf(id));
        match gone {
            Some(n) => *self = std::mem::replace(&mut halves[1 - n], Node::Leaf(id)),
            None => halves.iter_mut().for_each(|half| half.close(id)),
        }
    }

    fn even(&mut self) {
        if let Node::Split { share, halves, .. } = self {
            *share = 500;
            halves.iter_mut().for_each(Node::even);
        }
    }

    /// The n-th split, outer ones first: the order of [`Placed::lines`].
    fn nth(&mut self, n: &mut usize) -> Option<&mut Node> {
        if matches!(self, Node::Leaf(_)) {
            return None;
        }
        if *n == 0 {
            return Some(self);
        }
        *n -= 1;
        let Node::Split { halves, .. } = self else {
            return None;
        };
        halves.iter_mut().find_map(|half| half.nth(n))
    }

    /// The innermost split of this direction around a pane: its number, and whether the pane is in the first half.
    fn line_of(
        &self,
        id: Id,
        wanted: Along,
        n: &mut usize,
        found: &mut Option<(usize, bool)>,
    ) -> bool {
        match self {
            Node::Leaf(own) => *own == id,
            Node::Split { along, halves, .. } => {
                let own = *n;
                let mut inside = false;
                *n += 1;
                for (at, half) in halves.iter().enumerate() {
                    if half.line_of(id, wanted, n, found) {
                        inside = true;
                        if *along == wanted && found.is_none() {
                            *found = Some((own, at == 0));
                        }
                    }
                }
                inside
            }
        }
    }

    fn least(&self) -> (u16, u16) {
        match self {
            Node::Leaf(_) => LEAST,
            Node::Split { along, halves, .. } => {
                let [(w, h), (v, i)] = [halves[0].least(), halves[1].least()];
                match along {
                    Along::Row => (w.saturating_add(v).saturating_add(1), h.max(i)),
                    Along::Column => (w.max(v), h.saturating_add(i)),
                }
            }
        }
    }

    fn place(&self, area: Rect, placed: &mut Placed) {
        match self {
            Node::Leaf(id) => placed.panes.push((*id, area)),
            Node::Split {
                along,
                share,
                halves,
            } => {
                let [(w, h), (v, i)] = [halves[0].least(), halves[1].least()];
                let part = |whole: u16, least: u16, rest: u16| {
                    let wanted = u32::from(whole) * u32::from(*share) / 1000;
                    let wanted = u16::try_from(wanted).unwrap_or(whole);
                    wanted.clamp(least, whole.saturating_sub(rest).max(least))
                };
                let (first, line, second) = match along {
                    Along::Row => {
                        let width = part(area.width.saturating_sub(1), w, v);
                        let first = Rect { width, ..area };
                        let line = Rect {
                            x: first.right(),
                            width: 1,
                            ..area
                        };
                        let second = Rect {
                            x: line.right(),
                            width: area.right().saturating_sub(line.right()),
                            ..area
                        };
                        (first, line, second)
                    }
                    Along::Column => {
                        let height = part(area.height, h, i);
                        let first = Rect { height, ..area };
                        let second = Rect {
                            y: first.bottom(),
                            height: area.bottom().saturating_sub(first.bottom()),
                            ..area
                        };
                        (
                            first,
                            Rect {
                                height: 1,
                                ..second
                            },
                            second,
                        )
                    }
                };
                placed.lines.push(Line {
                    along: *along,
                    area: line,
                    whole: area,
                });
                halves[0].place(first, placed);
                halves[1].place(second, placed);
            }
        }
    }
}
