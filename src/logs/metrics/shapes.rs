//! Lines cut before: a program's lines differ in their digits and in nothing else, and where such a line is cut into
//! names and values does not depend on which digits they are. Apart, as it is only here to be quick: with it and
//! without a line means the same.

use super::items::{self, Item};
use super::number;

/// So many shapes a stream's lines take in turn.
const MOST: usize = 16;
/// Longer lines and those of more values hardly come again.
const LONGEST: usize = 512;
const VALUES: usize = 64;
/// After so many lines in a row that were new, only every so many-th is kept.
const PATIENCE: u32 = 64;
const SAMPLE: u32 = 16;

/// A line with every digit as `0`, and its cuts.
#[derive(Debug)]
struct Shape {
    text: Box<[u8]>,
    cuts: Box<[Cut]>,
    zeros: Box<[(u16, bool)]>,
    /// Names and numbers, but talk.
    talk: Option<bool>,
}

type Span = (u16, u16);

/// Where an item's texts are, and what about it is the same in every such line.
#[derive(Debug, Clone, Copy)]
struct Cut {
    item: Item<'static>,
    lead: Span,
    name: Span,
    unit: Span,
}

/// The shapes of one stream.
#[derive(Debug, Default)]
pub struct Shapes {
    known: Vec<Shape>,
    next: usize,
    missed: u32,
}

/// One of them.
#[derive(Debug, Clone, Copy)]
pub struct Seen(usize);

/// Whether the line is the shape but for its digits. Without a way out in between: the compiler makes vectors of it.
fn is_like(line: &[u8], shape: &[u8]) -> bool {
    line.len() == shape.len()
        && line.chunks(64).zip(shape.chunks(64)).all(|(line, shape)| {
            line.iter().zip(shape).fold(true, |same, (b, zero)| {
                same & ((*b == *zero) | (b.is_ascii_digit() & (*zero == b'0')))
            })
        })
}

/// The one place where a digit says how to read: `0,31` is a decimal, `1,310` has thousands. Where such digits are,
/// and whether they are zero.
fn before_commas(line: &[u8]) -> impl Iterator<Item = (u16, bool)> {
    let digit = |at: Option<usize>| {
        at.and_then(|at| line.get(at))
            .is_some_and(u8::is_ascii_digit)
    };
    memchr::memchr_iter(b',', line).filter_map(move |at| {
        let before = at.checked_sub(1);
        let one = digit(before) && !digit(at.checked_sub(2)) && digit(Some(at + 1));
        let before = before.filter(|_| one)?;
        Some((u16::try_from(before).ok()?, line[before] == b'0'))
    })
}

fn span(of: &str, within: &str) -> Option<Span> {
    let at = (of.as_ptr() as usize).checked_sub(within.as_ptr() as usize);
    let at = if of.is_empty() { 0 } else { at? };
    Some((u16::try_from(at).ok()?, u16::try_from(at + of.len()).ok()?))
}

fn text(of: &str, (from, to): Span) -> &str {
    of.get(usize::from(from)..usize::from(to)).unwrap_or("")
}

impl Shape {
    fn is_of(&self, line: &[u8]) -> bool {
        let zero = |(at, zero): &(u16, bool)| (line[usize::from(*at)] == b'0') == *zero;
        is_like(line, &self.text) && self.zeros.iter().all(zero)
    }
}

impl Shapes {
    /// A line of the same shape was cut before. It holds no alarm, no bar, no heading.
    pub fn find(&mut self, line: &str) -> Option<Seen> {
        let found = self
            .known
            .iter()
            .position(|shape| shape.is_of(line.as_bytes()));
        if found.is_some() {
            self.missed = 0;
        }
        found.map(Seen)
    }

    /// The items of a line of this shape.
    pub fn items<'a>(&self, seen: Seen, line: &'a str) -> Vec<Item<'a>> {
        let Some(shape) = self.known.get(seen.0) else {
            return items::items(line);
        };
        let mut all = Vec::with_capacity(shape.cuts.len());
        for cut in &shape.cuts {
            let mut item: Item<'a> = Item {
                lead: text(line, cut.lead),
                name: text(line, cut.name),
                ..cut.item
            };
            if cut.item.value.plain {
                if let Some((value, _)) = number::plain(line, item.at) {
                    item.value.value = value;
                }
                item.value.unit = text(line, cut.unit);
            } else if let Some(number::Found::Value(value)) = number::read(line, item.at) {
                item.value = value;
            }
            all.push(item);
        }
        all
    }

    /// Keeps how this line was cut.
    pub fn learn(&mut self, line: &str, all: &[Item]) -> Option<Seen> {
        self.missed += 1;
        let too_many = self.missed > PATIENCE && !self.missed.is_multiple_of(SAMPLE);
        if too_many || line.len() > LONGEST || all.len() > VALUES {
            return None;
        }
        let cut = |item: &Item| {
            let unit = span(item.value.unit, line)?;
            let value = number::Value {
                value: item.value.value,
                form: item.value.form,
                unit: "",
                percent: item.value.percent,
                end: item.value.end,
                plain: item.value.plain,
            };
            Some(Cut {
                lead: span(item.lead, line)?,
                name: span(item.name, line)?,
                unit,
                item: Item {
                    lead: "",
                    name: "",
                    value,
                    join: item.join,
                    bracket: item.bracket,
                    wide: item.wide,
                    bar: item.bar,
                    at: item.at,
                },
            })
        };
        let cuts = all.iter().map(cut).collect::<Option<_>>()?;
        let digit = |b: u8| if b.is_ascii_digit() { b'0' } else { b };
        let shape = Shape {
            text: line.bytes().map(digit).collect(),
            cuts,
            zeros: before_commas(line.as_bytes()).collect(),
            talk: None,
        };
        let at = self.next;
        match self.known.get_mut(at) {
            Some(old) => *old = shape,
            None => self.known.push(shape),
        }
        self.next = (at + 1) % MOST;
        Some(Seen(at))
    }

    /// What `is` says of a line of this shape.
    pub fn talk(&mut self, seen: Option<Seen>, is: impl FnOnce() -> bool) -> bool {
        match seen.and_then(|seen| self.known.get_mut(seen.0)) {
            Some(shape) => *shape.talk.get_or_insert_with(is),
            None => is(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Cuts, and again from what was learnt of the first line.
    fn both(first: &str, second: &str) -> Option<(String, String)> {
        let mut shapes = Shapes::default();
        shapes.learn(first, &items::items(first));
        let seen = shapes.find(second)?;
        let told = |items: Vec<Item>| format!("{items:?}");
        Some((told(shapes.items(seen, second)), told(items::items(second))))
    }

    fn other_digits(line: &str, by: u8) -> String {
        line.chars()
            .zip((0u8..7).cycle())
            .map(|(c, n)| match c {
                '0'..='9' => char::from(b'0' + (c as u8 - b'0' + by + n) % 10),
                c => c,
            })
            .collect()
    }

    #[test]
    fn lines_of_training_are_cut_alike() {
        let lines = include_str!("fixtures/lines.jsonl").lines();
        let more = include_str!("fixtures/frameworks.jsonl").lines();
        let mut seen = 0;
        for line in lines.chain(more) {
            for by in 0..10 {
                if let Some((quick, slow)) = both(line, &other_digits(line, by)) {
                    assert_eq!(quick, slow, "{line}");
                    seen += 1;
                }
            }
        }
        assert!(seen > 1000, "{seen}");
    }

    #[test]
    fn it_stays_small() {
        let mut shapes = Shapes::default();
        for n in 0..2000usize {
            let line = format!("{} 1", "x".repeat(n));
            assert!(shapes.find(&line).is_none());
            shapes.learn(&line, &items::items(&line));
        }
        assert!(shapes.known.len() <= MOST);
        assert!(shapes.known.iter().all(|shape| shape.text.len() <= LONGEST));
    }

    proptest! {
        #[test]
        fn any_line_is_cut_alike(line in "([0-9]{1,4}|[a-z]{1,5}|[ ,.:/%_(=|k-]|nan| of | day, |it/s|ms|e-0){1,14}", by in 0u8..10) {
            if let Some((quick, slow)) = both(&line, &other_digits(&line, by)) {
                prop_assert_eq!(quick, slow);
            }
        }
    }
}
