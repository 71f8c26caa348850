//! Patterns of the user's own: a regular expression whose named groups are the fields of a record. Apart from the
//! reader's understanding of lines, which they go before.

use std::ops::Range;
use std::sync::Arc;

use regex::{Regex, RegexBuilder};
use regex_syntax::ParserBuilder;
use schemars_derive::JsonSchema;
use serde::{Deserialize, Deserializer, de};

use super::number::{self, Form, Found};
use super::record::{Name, Record};

/// Of a text field so many bytes are kept.
const LONGEST: usize = 200;
/// Memory one compiled pattern may take.
const SIZE: usize = 1 << 20;
/// What a record may say of its line, if it is no point of training.
const KINDS: [&str; 6] = [
    "validation",
    "download",
    "data",
    "load",
    "inference",
    "info",
];

/// A regular expression that cannot be used: why, and at which of its characters, from 1, if one is to blame.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{why}", .at.map_or(String::new(), |at| format!("character {at}: ")))]
pub struct BadPattern {
    pub at: Option<usize>,
    pub why: String,
}

/// A compiled pattern. A line it matches is read by it alone.
#[derive(Debug, Clone)]
pub struct Pattern {
    regex: Regex,
    /// Group and field.
    fields: Arc<[(usize, Name)]>,
    /// Of `throughput`.
    unit: Option<String>,
    kind: Option<&'static str>,
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        let said = |of: &Self| (of.regex.as_str().to_owned(), of.unit.clone(), of.kind);
        said(self) == said(other)
    }
}

impl Pattern {
    /// Compiles an expression; every named group is a field.
    ///
    /// # Errors
    /// It is no regular expression, is too large, or names no field.
    pub fn new(text: &str) -> Result<Self, BadPattern> {
        let bad = |why: &str| BadPattern {
            at: None,
            why: why.to_owned(),
        };
        if let Err(error) = ParserBuilder::new().build().parse(text) {
            let (span, why) = match &error {
                regex_syntax::Error::Parse(error) => (error.span(), error.kind().to_string()),
                regex_syntax::Error::Translate(error) => (error.span(), error.kind().to_string()),
                other => return Err(bad(&other.to_string())),
            };
            let before = text.get(..span.start.offset).unwrap_or(text);
            let at = Some(before.chars().count() + 1);
            return Err(BadPattern { at, why });
        }
        let regex = RegexBuilder::new(text)
            .size_limit(SIZE)
            .build()
            .map_err(|error| bad(&error.to_string()))?;
        let named = regex.capture_names().enumerate();
        let fields: Arc<[(usize, Name)]> = named
            .filter_map(|(group, name)| Some((group, Name::Owned(name?.to_owned()))))
            .collect();
        if fields.is_empty() {
            return Err(bad("it names no field: write (?<loss>…)"));
        }
        if fields.iter().any(|(_, name)| name == "line") {
            return Err(bad(
                "a field cannot be called line: that is the line's number",
            ));
        }
        Ok(Self {
            regex,
            fields,
            unit: None,
            kind: None,
        })
    }

    /// The unit of its `throughput`.
    #[must_use]
    pub fn with_unit(mut self, unit: Option<String>) -> Self {
        self.unit = unit;
        self
    }

    /// What its lines are, if no points of training.
    ///
    /// # Errors
    /// There is no such kind.
    pub fn with_kind(mut self, kind: Option<&str>) -> Result<Self, BadPattern> {
        self.kind = match kind {
            None => None,
            Some(kind) => Some(KINDS.into_iter().find(|known| *known == kind).ok_or_else(
                || {
                    let why = format!("there is no kind {kind:?}, only {}", KINDS.join(", "));
                    BadPattern { at: None, why }
                },
            )?),
        };
        Ok(self)
    }

    pub fn as_str(&self) -> &str {
        self.regex.as_str()
    }

    pub fn unit(&self) -> Option<&str> {
        self.unit.as_deref()
    }

    pub fn kind(&self) -> Option<&'static str> {
        self.kind
    }

    /// What a line without escapes says; `None`: it does not match, or all its groups are empty.
    pub fn record(&self, line: &str) -> Option<Record> {
        let found = self.regex.captures(line)?;
        let mut record = Record::default();
        if let Some(kind) = self.kind {
            record.add("kind", kind);
        }
        let bare = record.clone();
        for (group, name) in &*self.fields {
            let text = found.get(*group).map_or("", |found| found.as_str()).trim();
            if text.is_empty() {
                continue;
            }
            match value(text, name) {
                Some(value) => record.add(name.clone(), value),
                None => {
                    let end = text.floor_char_boundary(LONGEST);
                    record.add(name.clone(), text[..end].to_owned());
                }
            }
        }
        if record == bare {
            return None;
        }
        if let Some(unit) = &self.unit
            && record.has("throughput")
        {
            record.add("throughput_unit", unit.clone());
        }
        record.ring();
        Some(record)
    }

    /// Where its fields are in a line, in bytes, for marking them.
    pub fn places(&self, line: &str) -> Vec<(&str, Range<usize>)> {
        let Some(found) = self.regex.captures(line) else {
            return Vec::new();
        };
        let fields = self.fields.iter();
        fields
            .filter_map(|(group, name)| Some((&**name, found.get(*group)?.range())))
            .collect()
    }
}

/// The number a group holds: thousands, percentages and suffixes as anywhere else, times and spans of time in seconds.
fn value(text: &str, name: &str) -> Option<f64> {
    match number::read(text, 0)? {
        Found::Value(value) if value.end == text.len() => match value.form {
            Form::Number if name.ends_with("_s") => {
                Some(value.value * number::seconds_in(value.unit).unwrap_or(1.0))
            }
            Form::Number | Form::Percent | Form::Time => Some(value.value),
            Form::Of(_) => None,
        },
        _ => number::plain(text, 0)
            .filter(|(_, end)| *end == text.len())
            .map(|found| found.0),
    }
}

/// A pattern tried on lines that are there.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Trial {
    /// Lines looked at, and of these matched.
    pub lines: usize,
    pub matched: usize,
    /// The first matches: which line, counted from 0, and what it says.
    pub first: Vec<(usize, Record)>,
}

impl Trial {
    /// Tries a pattern on at most `most` lines and keeps the first `keep` matches: quick enough for every key typed.
    pub fn of<'a>(
        pattern: &Pattern,
        lines: impl IntoIterator<Item = &'a str>,
        most: usize,
        keep: usize,
    ) -> Self {
        let mut trial = Self::default();
        for (n, line) in lines.into_iter().take(most).enumerate() {
            trial.lines += 1;
            if let Some(record) = pattern.record(line) {
                trial.matched += 1;
                if trial.first.len() < keep {
                    trial.first.push((n, record));
                }
            }
        }
        trial
    }
}

/// A way of your own to read metrics from a log line.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[allow(dead_code, reason = "only the schema of what `Pattern` reads")]
pub struct Written {
    /// A regular expression (Rust's); every named group is a field: `(?<step>\d+)`.
    regex: String,
    /// The unit of `throughput`, e.g. tokens/s.
    #[serde(default)]
    unit: Option<String>,
    /// Says that the line is no point of training.
    #[serde(default)]
    #[schemars(extend("enum" = KINDS))]
    kind: Option<String>,
}

/// As the settings write it: `regex`, and if needed `unit` and `kind`.
impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        /// Its own type, so that an error is told of this value's place.
        struct Checked(Pattern);
        impl<'de> Deserialize<'de> for Checked {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Pattern::new(&text)
                    .map(Self)
                    .map_err(|error| de::Error::custom(format!("logs.patterns.regex: {error}")))
            }
        }
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields, rename_all = "kebab-case")]
        struct Read {
            regex: Checked,
            unit: Option<String>,
            kind: Option<String>,
        }
        let written = Read::deserialize(deserializer)?;
        let pattern = written.regex.0.with_unit(written.unit);
        pattern
            .with_kind(written.kind.as_deref())
            .map_err(|error| de::Error::custom(format!("logs.patterns.kind: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::metrics::Reader;

    #[test]
    fn named_groups_are_fields() {
        let pattern = Pattern::new(r"it=(?<step>\d+) L=(?<loss>\S+) left (?<eta_s>\S+) by (?<who>\w+) (?<throughput>[\d,]+)/s")
            .unwrap()
            .with_unit(Some("tokens/s".into()));
        let record = pattern
            .record("it=12 L=nan left 1:02:03 by someone 1,234/s")
            .unwrap();
        assert_eq!(record.number("step"), Some(12.0));
        assert!(record.number("loss").unwrap().is_nan());
        assert_eq!(record.number("eta_s"), Some(3723.0));
        assert_eq!(record.text("who"), Some("someone"));
        assert_eq!(record.number("throughput"), Some(1234.0));
        assert_eq!(record.text("throughput_unit"), Some("tokens/s"));
        assert_eq!(record.text("alarm"), Some("nan"));
        assert_eq!(pattern.record("it=12"), None);
    }

    #[test]
    fn a_bad_one_says_why_and_where() {
        for (text, at, why) in [
            ("loss (?<loss>[0-9", Some(14), "unclosed character class"),
            ("é(?<loss>x", Some(2), "unclosed group"),
            ("(?<a>x)(?<a>y)", Some(11), "duplicate"),
            ("(?<a>x){2,1}", Some(8), "repetition"),
            ("loss ([0-9]+)", None, "names no field"),
            ("(?<line>x)", None, "line"),
            (r"(?<a>\w{999})", None, "size"),
        ] {
            let error = Pattern::new(text).unwrap_err();
            assert_eq!(error.at, at, "{text}: {error}");
            assert!(error.to_string().contains(why), "{text}: {error}");
        }
        let kind = Pattern::new("(?<a>x)").unwrap().with_kind(Some("odd"));
        assert!(kind.unwrap_err().to_string().contains("validation"));
    }

    #[test]
    fn they_go_before_what_the_reader_knows() {
        let pattern = Pattern::new(r"score (?<my_score>\d+)").unwrap();
        let mut reader = Reader::with(vec![pattern].into());
        let record = reader.read("[rank3]: step 5 loss 0.5 score 7").unwrap();
        assert_eq!(
            (
                record.number("my_score"),
                record.number("rank"),
                record.number("loss")
            ),
            (Some(7.0), Some(3.0), None)
        );
        let other = reader.read("step 6 loss 0.25").unwrap();
        assert_eq!(other.number("loss"), Some(0.25));
    }

    #[test]
    fn a_trial_says_how_many_match_and_what() {
        let pattern = Pattern::new("L=(?<loss>[0-9.]+)").unwrap();
        let lines = ["L=1", "no", "L=2", "L=3", "L=4"];
        let trial = Trial::of(&pattern, lines, 4, 2);
        assert_eq!((trial.lines, trial.matched), (4, 3));
        let first: Vec<_> = trial
            .first
            .iter()
            .map(|(n, r)| (*n, r.number("loss")))
            .collect();
        assert_eq!(first, [(0, Some(1.0)), (2, Some(2.0))]);
        assert_eq!(pattern.places("an L=25 x"), [("loss", 5..7)]);
    }
}
