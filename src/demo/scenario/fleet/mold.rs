//! A mold: the JSON of one object that the simulated control plane has made, cut where others of its shape differ.

use std::collections::BTreeMap;
use std::ops::Range;

use aho_corasick::{AhoCorasick, MatchKind};
use chrono::{DateTime, TimeDelta, Utc};

use crate::clock::rfc3339;
use crate::store::{Object, Text};

/// Length of `2026-01-02T03:04:05Z`.
const TIME: usize = 20;

#[derive(Debug, Clone, Copy)]
enum Hole {
    /// A word, by its place among those that the mold was cut by.
    Word(usize),
    /// A time, by its place among the offsets.
    Time(usize),
}

/// A text and where it is filled anew.
#[derive(Debug)]
struct Cut {
    text: String,
    holes: Vec<(Range<usize>, Hole)>,
}

/// The shape of an object.
#[derive(Debug)]
pub struct Mold {
    json: Cut,
    labels: Vec<(String, Cut)>,
    /// Seconds after the moment that times are counted from.
    offsets: Vec<i64>,
}

/// Cuts texts at words, and at times.
struct Cutter {
    words: AhoCorasick,
    base: DateTime<Utc>,
    offsets: Vec<i64>,
}

impl Cutter {
    fn cut(&mut self, text: &str) -> Cut {
        let mut holes: Vec<(Range<usize>, Hole)> = Vec::new();
        for found in self.words.find_iter(text) {
            holes.push((found.range(), Hole::Word(found.pattern().as_usize())));
        }
        for at in memchr::memmem::find_iter(text.as_bytes(), "Z\"") {
            let time = (at + 1).checked_sub(TIME).map(|from| from..at + 1);
            let read = time.and_then(|range| {
                let time: DateTime<Utc> = text.get(range.clone())?.parse().ok()?;
                Some((range, (time - self.base).num_seconds()))
            });
            if let Some((range, offset)) = read {
                let known = self.offsets.iter().position(|o| *o == offset);
                let nth = known.unwrap_or_else(|| {
                    self.offsets.push(offset);
                    self.offsets.len() - 1
                });
                holes.push((range, Hole::Time(nth)));
            }
        }
        holes.sort_by_key(|(range, _)| range.start);
        Cut {
            text: text.to_owned(),
            holes,
        }
    }
}

impl Cut {
    fn fill(&self, words: &[&str], times: &[String], out: &mut Vec<u8>) {
        let (bytes, mut from) = (self.text.as_bytes(), 0);
        for (range, hole) in &self.holes {
            out.extend_from_slice(&bytes[from..range.start]);
            let word = match hole {
                Hole::Word(nth) => words.get(*nth).copied(),
                Hole::Time(nth) => times.get(*nth).map(String::as_str),
            };
            out.extend_from_slice(word.unwrap_or_default().as_bytes());
            from = range.end;
        }
        out.extend_from_slice(&bytes[from..]);
    }
}

impl Mold {
    /// Cuts a specimen: `words` are what it has where others have something else (a longer one goes before one that it
    /// holds), `base` is the moment that is the origin of its times, `instead` are texts that are not as they should be.
    pub fn new(
        specimen: &Object,
        words: &[String],
        base: DateTime<Utc>,
        instead: &[(&str, &str)],
    ) -> Option<Self> {
        let words = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(words)
            .ok()?;
        let mut cutter = Cutter {
            words,
            base,
            offsets: Vec::new(),
        };
        let mut text = String::from_utf8(specimen.json().to_vec()).ok()?;
        for (old, new) in instead {
            text = text.replace(old, new);
        }
        let json = cutter.cut(&text);
        let labels = specimen.labels.iter();
        let labels = labels
            .map(|(k, v)| (k.clone(), cutter.cut(v)))
            .collect::<Vec<_>>();
        Some(Self {
            json,
            labels,
            offsets: cutter.offsets,
        })
    }

    fn times(&self, base: DateTime<Utc>) -> Vec<String> {
        let all = self.offsets.iter();
        all.map(|offset| rfc3339(base + TimeDelta::seconds(*offset)))
            .collect()
    }

    /// An object of this shape: its JSON and its labels.
    pub fn fill(&self, words: &[&str], base: DateTime<Utc>) -> Text {
        let times = self.times(base);
        let mut json = Vec::with_capacity(self.json.text.len() + 256);
        self.json.fill(words, &times, &mut json);
        let label = |(key, cut): &(String, Cut)| {
            let mut value = Vec::new();
            cut.fill(words, &times, &mut value);
            let value = String::from_utf8_lossy(&value).into_owned();
            (key.clone(), value)
        };
        Text {
            labels: self.labels.iter().map(label).collect::<BTreeMap<_, _>>(),
            json,
            ..Text::default()
        }
    }
}
