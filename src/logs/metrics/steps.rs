//! The single steps of reading a line, each a function of what it is given.

use std::sync::LazyLock;

use regex::Regex;

use super::MOST;
use super::bars::{self, Bar};
use super::dict::{self, Plain};
use super::draft::Draft;
use super::items::{self, Item, Join};
use super::known::Known;
use super::names::Role;
use super::number::{Form, Value};
use super::rates;
use super::record::Record;
use crate::logs::prefix::Prefix;

/// At most so much of a line, whole characters.
pub fn cut(line: &str) -> &str {
    if line.len() <= MOST {
        return line;
    }
    &line[..line.floor_char_boundary(MOST)]
}

/// A record with who said it in front.
pub fn who(mut record: Record, prefix: &Prefix) -> Record {
    if let Some(rank) = prefix.local_rank {
        record.lead(&[("local_rank", f64::from(rank))]);
    }
    if let Some(rank) = prefix.rank {
        record.lead(&[("rank", f64::from(rank))]);
    }
    if let Some(pod) = prefix.pod {
        record.remove("prefix");
        record.add("prefix", pod.to_owned());
    }
    record
}

/// How far the words of a line are indented; behind a prefix, how far from it.
pub fn blanks_before(line: &str, words: &str) -> usize {
    let head = &line[..line.len() - words.len()];
    head.len() - head.trim_end_matches(' ').len()
}

/// Whether a line can carry a value at all: a digit, or a word for what is no number.
pub fn may_matter(line: &str) -> bool {
    static NONE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new("nan|NaN|inf").ok());
    // Piece by piece without a way out in between: the compiler makes vectors of that.
    let digit = |piece: &[u8]| piece.iter().fold(false, |any, b| any | b.is_ascii_digit());
    line.as_bytes().chunks(32).any(digit) || NONE.as_ref().is_none_or(|words| words.is_match(line))
}

/// Place, percentage, times and rate of a bar.
pub fn progress(bar: &Bar) -> Record {
    let mut record = Record::roomy();
    record.add("step", bar.n);
    if let Some(total) = bar.total {
        record.add("steps", total);
    }
    if let Some(percent) = bar.percent {
        record.add("pct", percent);
    }
    record.add("elapsed_s", bar.elapsed);
    if let Some(remaining) = bar.remaining {
        record.add("eta_s", remaining);
    }
    if let Some((value, unit)) = bar.rate {
        match rates::of_unit(unit) {
            Some(Role::Rate(unit, _)) => {
                record.add("throughput", value);
                record.add("throughput_unit", unit.into_owned());
            }
            _ if unit.starts_with("s/") => record.add("s_per_it", value),
            _ => record.add("it_per_s", value),
        }
    }
    record
}

/// A bar that rich draws: `100% ━━━━ 8/8 3.1it/s 2.6s`.
pub fn rich(text: &str, names: &mut Known) -> Record {
    let mut draft = Draft::default();
    draft.items(&items::items(text), names);
    draft.finish().unwrap_or_default()
}

/// What a bar counts is within the epoch.
pub fn within_epoch(record: &mut Record) {
    for (from, to) in [("step", "epoch_step"), ("steps", "epoch_total")] {
        if let Some(field) = record.remove(from) {
            record.add(to, field);
        }
    }
}

/// What a bar without a bracket is for, if not training.
pub fn drawn_for(items: &[Item]) -> Option<&'static str> {
    let first = items.first()?;
    let label = if first.lead.trim().is_empty() {
        first.name
    } else {
        first.lead
    };
    bars::purpose(
        label
            .trim()
            .trim_end_matches(|c: char| items::is_bar(c) || c == ' '),
        "",
    )
}

pub fn fill<'a>(draft: &mut Draft<'a>, entries: &'a [dict::Entry], names: &mut Known) {
    for (name, value) in entries {
        let Plain::Number(value) = value else {
            continue;
        };
        let Some(meaning) = names.meaning(name) else {
            continue;
        };
        let value = Value {
            value: *value,
            form: Form::Number,
            unit: "",
            percent: None,
            end: 0,
            plain: true,
        };
        draft.value(name, &meaning, &value, Join::Colon);
    }
}

pub fn from_dict(text: &str, names: &mut Known) -> Option<Record> {
    let (entries, _) = dict::entries(text)?;
    let mut draft = Draft::default();
    fill(&mut draft, &entries, names);
    draft.finish()
}
