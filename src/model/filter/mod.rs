//! The filter language of all tables: what a filter is and whether a row passes.
//!
//! ```text
//! llama 7b           both words somewhere on the row, upper or lower case alike
//! "two words"        exactly this text
//! /^gpu-[0-9]+$/     regular expression on any visible text (a space inside is fine, / is \/)
//! !sweep             not this term;  "! a b" (bang, space): not the whole
//! state:failed,retr  field begins with one of these; * is any text; field=value is exact; != is not
//! label:team=ml      label equals (* allowed); label:team has it
//! col:cost>5         a column of one's own by its heading: = != > < (numbers, amounts), or alone: has something
//! gpu>0 age>2h done<50% memory>=64Gi restarts!=0
//! ```
//! All terms must hold. A field the row has no value for fails every comparison.

mod fields;
pub mod lex;
mod parse;

use std::borrow::Cow;

use regex::Regex;

pub use fields::{Fields, Measure, Num, Vocabulary, Word};
pub use parse::distance;

/// A filter ready to use; the default lets everything pass.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    text: String,
    whole_not: bool,
    terms: Vec<Term>,
}

/// Filters are the same if they were written the same.
impl PartialEq for Filter {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

/// Why a text is no filter: where (in characters from 0), what, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}{}", hint.as_ref().map(|h| format!(" ({h})")).unwrap_or_default())]
pub struct FilterError {
    pub at: usize,
    pub len: usize,
    pub what: String,
    pub hint: Option<String>,
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
    Word(Word, Vec<Pattern>),
    /// Has a value, but none of these.
    NotWord(Word, Vec<Pattern>),
    Label(String, Option<Vec<Pattern>>),
    /// As in a Kubernetes selector, true also without the label.
    NotLabel(String, Vec<Pattern>),
    Num(Num, Op, f64),
    Extra(String, Own),
}

/// What is asked of a column of one's own.
#[derive(Debug, Clone)]
enum Own {
    /// It has something there.
    Has,
    Is(Vec<Pattern>),
    /// True also where it has nothing there.
    IsNot(Vec<Pattern>),
    Num(Op, f64),
}

/// A value as written: `fail` (prefix), `=failed` (exact), `gpu-*-1` (any text for `*`). Lower case.
#[derive(Debug, Clone, PartialEq)]
pub enum Pattern {
    Prefix(String),
    Exact(String),
    Glob(Vec<String>),
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    Less,
    LessEqual,
    Equal,
    NotEqual,
    MoreEqual,
    More,
}

impl Filter {
    /// Reads a filter for a table with these fields.
    ///
    /// # Errors
    /// With the place and a hint; the caller keeps the filter it had.
    pub fn parse(text: &str, vocabulary: &Vocabulary) -> Result<Self, FilterError> {
        parse::parse(text, vocabulary)
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Lets everything pass.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// The columns of one's own that it names, as they are written in it.
    pub fn headings(&self) -> impl Iterator<Item = &str> {
        self.terms.iter().filter_map(|term| match &term.test {
            Test::Extra(name, _) => Some(name.as_str()),
            _ => None,
        })
    }

    /// True if what passes changes with time alone (`age>2h`).
    pub fn moves(&self) -> bool {
        self.terms.iter().any(|term| {
            matches!(
                term.test,
                Test::Num(Num::Age | Num::Elapsed | Num::Eta | Num::Last, ..)
            )
        })
    }

    /// Whether a row passes.
    pub fn passes(&self, row: &impl Fields) -> bool {
        self.terms.is_empty()
            || self.whole_not != self.terms.iter().all(|t| t.not != t.test.holds(row))
    }
}

impl Test {
    fn holds(&self, row: &impl Fields) -> bool {
        match self {
            Test::Text(needle) => row.texts(&mut |text| contains(text, needle)),
            Test::Regex(regex) => row.texts(&mut |text| regex.is_match(text)),
            Test::Word(word, patterns) => row.any_word(*word, &mut |value| {
                patterns.iter().any(|p| p.matches(value))
            }),
            Test::NotWord(word, patterns) => row
                .word(*word)
                .is_some_and(|value| !patterns.iter().any(|p| p.matches(&value))),
            Test::NotLabel(key, patterns) => !row
                .label(key)
                .is_some_and(|value| patterns.iter().any(|p| p.matches(value))),
            Test::Label(key, patterns) => row.label(key).is_some_and(|value| {
                patterns
                    .as_ref()
                    .is_none_or(|all| all.iter().any(|p| p.matches(value)))
            }),
            Test::Extra(name, own) => own.holds(row.extra(name)),
            Test::Num(num, op, want) => row.number(*num).is_some_and(|have| op.holds(have, *want)),
        }
    }
}

impl Own {
    fn holds(&self, text: Option<&str>) -> bool {
        let matches =
            |all: &[Pattern]| text.is_some_and(|text| all.iter().any(|p| p.matches(text)));
        match self {
            Own::Has => text.is_some(),
            Own::Is(all) => matches(all),
            Own::IsNot(all) => !matches(all),
            Own::Num(op, want) => {
                let have = text.and_then(crate::model::extra::number);
                have.is_some_and(|have| op.holds(have, *want))
            }
        }
    }
}

impl Op {
    pub fn holds(self, have: f64, want: f64) -> bool {
        match self {
            Op::Less => have < want,
            Op::LessEqual => have <= want,
            Op::Equal => (have - want).abs() < f64::EPSILON,
            Op::NotEqual => (have - want).abs() >= f64::EPSILON,
            Op::MoreEqual => have >= want,
            Op::More => have > want,
        }
    }
}

impl Pattern {
    pub fn matches(&self, value: &str) -> bool {
        let value: Cow<'_, str> = if value.chars().any(char::is_uppercase) {
            value.to_lowercase().into()
        } else {
            value.into()
        };
        match self {
            Pattern::Prefix(text) => value.starts_with(text.as_str()),
            Pattern::Exact(text) => value == text.as_str(),
            Pattern::Glob(parts) => glob(&value, parts),
        }
    }
}

/// `parts` in this order with any text between; the first and last are bound to the ends.
fn glob(value: &str, parts: &[String]) -> bool {
    let [first, middle @ .., last] = parts else {
        return parts.first().is_some_and(|only| value == only);
    };
    let Some(mut rest) = value.strip_prefix(first.as_str()) else {
        return false;
    };
    for part in middle {
        match rest.find(part.as_str()) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last.as_str())
}

/// Whether `text` contains `needle` (given in lower case), upper and lower case alike.
pub fn contains(text: &str, needle: &str) -> bool {
    let Some(&first) = needle.as_bytes().first() else {
        return true;
    };
    if !needle.is_ascii() {
        return text.to_lowercase().contains(needle);
    }
    let (bytes, needle) = (text.as_bytes(), needle.as_bytes());
    let Some(last) = bytes.len().checked_sub(needle.len()) else {
        return false;
    };
    (0..=last).any(|at| {
        bytes[at].eq_ignore_ascii_case(&first)
            && bytes[at..at + needle.len()].eq_ignore_ascii_case(needle)
    })
}

#[cfg(test)]
mod tests;
