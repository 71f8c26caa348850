//! Which lines of a log are shown: the filter language of the tables, with the fields that lines have.
//!
//! ```text
//! loss nan           both words somewhere on the line, upper or lower case alike
//! "two words"        exactly this text
//! /nan|inf/          regular expression
//! !debug             not this term;  "! a b" (bang, space): not the whole
//! level:warn+        this level or worse; level:info,error one of these
//! rank:0,3-5         ranks: as the line says, else the index of its pod
//! pod:worker         a part of the pod's name begins so; * is any text
//! is:failure         lines of a known failure; is:json
//! step>100 event=save  a field of the line, in JSON (metrics.loss reaches inside) or as `step=3`, `step: 3`, `step 3`
//! ```
//! All terms must hold. A field the line has no value for fails every comparison.

mod parse;
#[cfg(test)]
mod tests;
mod values;

use regex::Regex;

use super::json;
use super::prefix::{Prefix, Severity};
use crate::model::filter::lex::Parsed;
use crate::model::filter::{Op, Pattern, contains};

/// A filter ready to use; the default lets everything pass. Cheap to copy into a judge.
#[derive(Debug, Clone, Default)]
pub struct LogFilter {
    whole_not: bool,
    terms: Vec<Term>,
}

/// What is known of a line besides its text.
#[derive(Debug, Clone, Copy, Default)]
pub struct About<'a> {
    /// Name of the pod, or of the file.
    pub pod: &'a str,
    /// Its rank, if the line names none.
    pub rank: Option<u32>,
    /// The line is part of a failure.
    pub failure: bool,
}

#[derive(Debug, Clone)]
struct Term {
    not: bool,
    test: Test,
}

#[derive(Debug, Clone)]
enum Test {
    /// Lower case.
    Text(String),
    Regex(Box<Regex>),
    /// From this to that level.
    Level(Vec<(Severity, Severity)>),
    Rank(Vec<(u32, u32)>),
    Pod(Vec<Pattern>),
    Is(Is),
    /// `pod!=a`
    Not(Box<Test>),
    /// `name:value`: the field begins so, or the text stands there as it is.
    Begins(String, Vec<Pattern>, String),
    Equals(String, Vec<Pattern>),
    /// Has a value, but none of these.
    Differs(String, Vec<Pattern>),
    Number(String, Op, f64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Is {
    Failure,
    Json,
}

impl LogFilter {
    /// Reads a filter.
    ///
    /// # Errors
    /// With the place and a hint; the caller keeps the filter it had.
    pub fn parse(text: &str) -> Parsed<Self> {
        parse::parse(text)
    }

    /// Lets everything pass.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Whether a line passes.
    pub fn passes(&self, text: &str, about: About) -> bool {
        if self.terms.is_empty() {
            return true;
        }
        let mut line = Line {
            text,
            about,
            prefix: None,
        };
        self.whole_not != self.terms.iter().all(|t| t.not != t.test.holds(&mut line))
    }
}

/// A line being judged; what it says in front of its words is read once, and only if a term asks.
struct Line<'a> {
    text: &'a str,
    about: About<'a>,
    prefix: Option<Prefix<'a>>,
}

impl<'a> Line<'a> {
    fn prefix(&mut self) -> Prefix<'a> {
        *self.prefix.get_or_insert_with(|| Prefix::read(self.text))
    }

    fn level(&mut self) -> Option<Severity> {
        let prefix = self.prefix();
        let said = prefix
            .level
            .or_else(|| json::level(json::object(&self.text[prefix.body..])?.as_slice()));
        match said {
            Some(level) if !self.about.failure => Some(level),
            said if self.about.failure => {
                Some(said.map_or(Severity::Error, |l| l.max(Severity::Error)))
            }
            said => said,
        }
    }

    fn rank(&mut self) -> Option<u32> {
        let prefix = self.prefix();
        prefix
            .rank
            .or_else(|| {
                let object = json::object(&self.text[prefix.body..])?;
                let rank = json::find(&object, "rank")?;
                rank.parse().ok()
            })
            .or(self.about.rank)
    }
}

impl Test {
    fn holds(&self, line: &mut Line) -> bool {
        let text = line.text;
        let within =
            |ranges: &[(u32, u32)], n: u32| ranges.iter().any(|(a, b)| (*a..=*b).contains(&n));
        match self {
            Test::Text(needle) => contains(text, needle),
            Test::Regex(regex) => regex.is_match(text),
            Test::Level(ranges) => line
                .level()
                .is_some_and(|level| ranges.iter().any(|(a, b)| (*a..=*b).contains(&level))),
            Test::Rank(ranges) => line.rank().is_some_and(|rank| within(ranges, rank)),
            Test::Pod(patterns) => {
                let said = line.prefix().pod;
                let is = |name: &str| {
                    let parts = name.match_indices('-').map(|(at, _)| &name[at + 1..]);
                    std::iter::once(name)
                        .chain(parts)
                        .any(|part| patterns.iter().any(|p| p.matches(part)))
                };
                is(line.about.pod) || said.is_some_and(is)
            }
            Test::Not(test) => !test.holds(line),
            Test::Is(Is::Failure) => line.about.failure,
            Test::Is(Is::Json) => {
                let body = line.prefix().body;
                json::object(&text[body..]).is_some()
            }
            Test::Begins(name, patterns, whole) => {
                contains(text, whole)
                    || values::any(text, name, &mut |v| patterns.iter().any(|p| p.matches(v)))
            }
            Test::Equals(name, patterns) => {
                values::any(text, name, &mut |v| patterns.iter().any(|p| equal(p, v)))
            }
            Test::Differs(name, patterns) => {
                values::any(text, name, &mut |v| !patterns.iter().any(|p| equal(p, v)))
            }
            Test::Number(name, op, want) => values::any(text, name, &mut |v| {
                values::number(v).is_some_and(|have| op.holds(have, *want))
            }),
        }
    }
}

/// `10` and `10.0` are one number.
fn equal(pattern: &Pattern, value: &str) -> bool {
    let Pattern::Exact(want) = pattern else {
        return pattern.matches(value);
    };
    match (values::number(want), values::number(value)) {
        (Some(want), Some(have)) if want.is_finite() && have.is_finite() => {
            Op::Equal.holds(have, want)
        }
        _ => pattern.matches(value),
    }
}
