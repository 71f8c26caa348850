//! Text → [`LogFilter`], with errors that say where and what to do.

use super::{Is, LogFilter, Term, Test};
use crate::logs::prefix::Severity;
use crate::model::filter::Op;
use crate::model::filter::lex::{Lex, Parsed, fail, leading_op, patterns};

/// From least to worst, with other spellings.
const LEVELS: [(Severity, &[&str]); 6] = [
    (Severity::Trace, &["trace"]),
    (Severity::Debug, &["debug", "dbg"]),
    (Severity::Info, &["info", "notice"]),
    (Severity::Warning, &["warning", "warn", "wrn"]),
    (Severity::Error, &["error", "err"]),
    (Severity::Fatal, &["fatal", "critical", "panic"]),
];

pub(super) fn parse(text: &str) -> Parsed<LogFilter> {
    let mut lex = Lex::new(text);
    let mut terms = Vec::new();
    lex.space();
    let next = lex.chars.get(lex.at + 1);
    let whole_not = lex.peek() == Some('!') && next.is_none_or(|c| c.is_whitespace());
    if whole_not {
        lex.at += 1;
    }
    loop {
        lex.space();
        if lex.peek().is_none() {
            break;
        }
        terms.push(term(&mut lex)?);
    }
    Ok(LogFilter {
        whole_not: whole_not && !terms.is_empty(),
        terms,
    })
}

fn term(lex: &mut Lex) -> Parsed<Term> {
    let mut not = false;
    while lex.peek() == Some('!') {
        not = !not;
        lex.at += 1;
    }
    let test = match lex.peek() {
        Some('/') => Test::Regex(Box::new(lex.regex()?)),
        Some('"') => Test::Text(lex.quoted()?.to_lowercase()),
        Some(c) if c.is_alphabetic() || c == '_' => match field(lex)? {
            Some(test) => test,
            None => Test::Text(lex.word().to_lowercase()),
        },
        Some(c) if !c.is_whitespace() => Test::Text(lex.word().to_lowercase()),
        _ => {
            return Err(fail(
                lex.at.saturating_sub(1),
                1,
                "nothing after !",
                Some("a word, a /regex/ or a field".into()),
            ));
        }
    };
    Ok(Term { not, test })
}

/// A field and its test, or nothing (and nothing read) if this is a plain word.
fn field(lex: &mut Lex) -> Parsed<Option<Test>> {
    let from = lex.at;
    let name_end = |c: &char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/'));
    let rest = lex.chars[from..].iter();
    let end = rest
        .clone()
        .position(name_end)
        .map_or(lex.chars.len(), |n| from + n);
    let name: String = lex.chars[from..end]
        .iter()
        .collect::<String>()
        .to_lowercase();
    let known = matches!(&*name, "level" | "lvl" | "severity" | "rank" | "pod" | "is");
    let (op, len) = match lex.operator(end) {
        Some((op, len)) => (Some(op), len),
        None if lex.chars.get(end) == Some(&':') => (None, 1),
        None => return Ok(None),
    };
    lex.at = end + len;
    // Numbers may stand off: `step > 100`, but only behind the sign.
    let value_at = lex.at;
    let value = if lex.peek() == Some('"') {
        lex.quoted()?
    } else {
        lex.word()
    };
    if value.is_empty() {
        if !known && op.is_none() {
            // `error: ` is a word of the line.
            lex.at = from;
            return Ok(None);
        }
        let hint = match &*name {
            "rank" => "rank:0,3-5",
            "pod" => "a part of the pod's name",
            "is" => "is:failure, is:json",
            "level" | "lvl" | "severity" => "level:warn+",
            _ => "give a value",
        };
        let what = format!("{name}: which?");
        return Err(fail(from, lex.at - from, what, Some(hint.into())));
    }
    if known {
        let not = op == Some(Op::NotEqual);
        let test = match (&*name, op) {
            ("rank", _) => ranks(op, &value, value_at)?,
            ("pod", None | Some(Op::Equal | Op::NotEqual)) => {
                Test::Pod(patterns(&value, op.is_some()))
            }
            ("is", None | Some(Op::Equal | Op::NotEqual)) => Test::Is(is(&value, value_at)?),
            ("pod" | "is", Some(_)) => {
                let what = format!("{name} is a text and has no order");
                return Err(fail(end, len, what, Some(format!("{name}:{value}"))));
            }
            _ => levels(op, &value, value_at)?,
        };
        return Ok(Some(if not { invert(test) } else { test }));
    }
    let (op, value, value_at) = match op {
        Some(op) => (Some(op), value, value_at),
        None => match leading_op(value, value_at) {
            // `step:3`: begins so
            (Op::Equal, value, at) if at == value_at => (None, value, at),
            (op, value, at) => (Some(op), value, at),
        },
    };
    Ok(Some(match op {
        None => {
            let whole = format!("{name}:{value}").to_lowercase();
            Test::Begins(name, patterns(&value, false), whole)
        }
        Some(Op::Equal) => Test::Equals(name, patterns(&value, true)),
        Some(Op::NotEqual) => Test::Differs(name, patterns(&value, true)),
        Some(op) => {
            let Some(want) = super::values::number(&value) else {
                let what = format!("{value} is no number");
                let len = value.chars().count();
                let hint = format!("{name}>100; quote it to search for the text");
                return Err(fail(value_at, len, what, Some(hint)));
            };
            Test::Number(name, op, want)
        }
    }))
}

/// `!=` of a field every line is asked for.
fn invert(test: Test) -> Test {
    match test {
        Test::Rank(ranges) => Test::Rank(others(&ranges)),
        Test::Level(ranges) => {
            let all = LEVELS.iter().map(|(level, _)| *level);
            let out = |level: &Severity| !ranges.iter().any(|(a, b)| (*a..=*b).contains(level));
            Test::Level(all.filter(out).map(|level| (level, level)).collect())
        }
        other => Test::Not(Box::new(other)),
    }
}

fn others(ranges: &[(u32, u32)]) -> Vec<(u32, u32)> {
    let mut sorted = ranges.to_vec();
    sorted.sort_unstable();
    let mut out = Vec::new();
    let mut next = Some(0);
    for (a, b) in sorted {
        if let Some(from) = next
            && a > from
        {
            out.push((from, a - 1));
        }
        next = next.and_then(|from| b.checked_add(1).map(|b| b.max(from)));
    }
    out.extend(next.map(|from| (from, u32::MAX)));
    out
}

fn is(value: &str, at: usize) -> Parsed<Is> {
    match &*value.to_lowercase() {
        "failure" | "failed" => Ok(Is::Failure),
        "json" => Ok(Is::Json),
        _ => Err(fail(
            at,
            value.chars().count(),
            format!("no line is {value}"),
            Some("is:failure, is:json".into()),
        )),
    }
}

/// `0,3-5`, `4+`, `>3`.
fn ranks(op: Option<Op>, value: &str, at: usize) -> Parsed<Test> {
    let (op, value, mut at) = match op {
        Some(op) => (op, value.to_owned(), at),
        None => leading_op(value.to_owned(), at),
    };
    let mut ranges = Vec::new();
    for part in value.split(',') {
        let len = part.chars().count();
        let bad = || {
            let what = format!("{part} is no rank");
            Err(fail(at, len, what, Some("rank:0,3-5 or rank:4+".into())))
        };
        let number = |text: &str| text.parse::<u32>().ok();
        let range = match (part.strip_suffix('+'), part.split_once('-')) {
            (Some(from), _) => number(from).map(|from| (from, u32::MAX)),
            (_, Some((a, b))) => number(a).zip(number(b)).filter(|(a, b)| a <= b),
            _ => number(part).map(|n| (n, n)),
        };
        match range {
            Some(range) => ranges.push(range),
            None => return bad(),
        }
        at += len + 1;
    }
    let (first, last) = (ranges[0].0, ranges[0].1);
    let nothing = (1, 0);
    Ok(Test::Rank(match op {
        Op::Equal | Op::NotEqual => ranges,
        Op::MoreEqual => vec![(first, u32::MAX)],
        Op::LessEqual => vec![(0, last)],
        Op::More => vec![last.checked_add(1).map_or(nothing, |from| (from, u32::MAX))],
        Op::Less => vec![first.checked_sub(1).map_or(nothing, |to| (0, to))],
    }))
}

/// `warn+`, `info-`, `info,error`, `>=warn`.
fn levels(op: Option<Op>, value: &str, at: usize) -> Parsed<Test> {
    let (op, value, mut at) = match op {
        Some(op) => (op, value.to_owned(), at),
        None => leading_op(value.to_owned(), at),
    };
    let mut ranges = Vec::new();
    for part in value.split(',') {
        let bare = part.trim_end_matches(['+', '-']).to_lowercase();
        let found = LEVELS.iter().find(|(_, names)| {
            !bare.is_empty() && names.iter().any(|name| name.starts_with(&bare))
        });
        let Some((level, _)) = found else {
            let what = format!("{part} is no level");
            let hint = "trace debug info warn error fatal; warn+ is warn or worse";
            let len = part.chars().count();
            return Err(fail(at, len, what, Some(hint.into())));
        };
        let (low, high) = (Severity::Trace, Severity::Fatal);
        let next = |by: isize| {
            let here = LEVELS.iter().position(|(l, _)| l == level)?;
            Some(LEVELS.get(here.checked_add_signed(by)?)?.0)
        };
        let range = match op {
            Op::MoreEqual => Some((*level, high)),
            Op::LessEqual => Some((low, *level)),
            Op::More => next(1).map(|from| (from, high)),
            Op::Less => next(-1).map(|to| (low, to)),
            Op::Equal | Op::NotEqual if part.ends_with('+') => Some((*level, high)),
            Op::Equal | Op::NotEqual if part.ends_with('-') => Some((low, *level)),
            Op::Equal | Op::NotEqual => Some((*level, *level)),
        };
        ranges.extend(range);
        at += part.chars().count() + 1;
    }
    Ok(Test::Level(ranges))
}
