//! One line of a log as it is kept: its text and colours, where it stands, what the filter, the search and the folds
//! say of it. Separate because everything reads lines, and only the ring moves them.

use super::sgr::Run;

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
    pub(super) marks: Marks,
    /// The fold it is in; 0: none.
    pub(super) fold: u32,
}

/// What was judged of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Marks(pub u8);

impl Marks {
    pub const PASSED: Self = Self(1);
    pub const VISIBLE: Self = Self(2);
    pub const HIT: Self = Self(4);

    pub fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// These, if so.
    pub fn when(self, yes: bool) -> u8 {
        if yes { self.0 } else { 0 }
    }
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

    /// After every line.
    pub const END: Anchor = Anchor {
        key: i64::MAX,
        id: u64::MAX - 1,
    };

    /// The time it stands at, nanoseconds since 1970.
    pub fn nanos(self) -> i64 {
        self.key
    }

    /// Before every line of that time.
    pub fn at(nanos: i64) -> Self {
        Self { key: nanos, id: 0 }
    }

    /// Just behind this line.
    pub fn after(self) -> Self {
        Self {
            id: self.id + 1,
            ..self
        }
    }
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

    /// The filter lets it through.
    pub fn is_passed(&self) -> bool {
        self.marks.has(Marks::PASSED)
    }

    /// It is on the screen, if that is scrolled to it: passed, and not folded away.
    pub fn is_visible(&self) -> bool {
        self.marks.has(Marks::VISIBLE)
    }

    /// It is part of a fold.
    pub fn is_folded(&self) -> bool {
        self.fold != 0
    }

    /// It matches the search; perhaps folded away.
    pub fn is_hit(&self) -> bool {
        self.marks.has(Marks::HIT)
    }

    /// Memory it takes, near enough.
    pub(super) fn cost(&self) -> usize {
        size_of::<Self>() + self.text.len() + size_of_val(self.runs()) + 16
    }
}
