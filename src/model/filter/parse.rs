//! Text → [`Filter`], with errors that say where and what to do.

use super::fields::{Measure, Num, Vocabulary, Word};
use super::lex::{Lex, Parsed, fail, leading_op, patterns};
use super::{Filter, Op, Own, Pattern, Term, Test};
use crate::model::human;
use crate::model::quantity::Quantity;

struct Scan<'a> {
    lex: Lex,
    vocabulary: &'a Vocabulary,
}

pub(super) fn parse(text: &str, vocabulary: &Vocabulary) -> Parsed<Filter> {
    let mut scan = Scan {
        lex: Lex::new(text),
        vocabulary,
    };
    let mut terms = Vec::new();
    scan.lex.space();
    let whole_not = scan.lex.peek() == Some('!')
        && scan
            .lex
            .chars
            .get(scan.lex.at + 1)
            .is_none_or(|c| c.is_whitespace());
    if whole_not {
        scan.lex.at += 1;
    }
    loop {
        scan.lex.space();
        if scan.lex.peek().is_none() {
            break;
        }
        terms.push(scan.term()?);
    }
    Ok(Filter {
        text: text.to_owned(),
        whole_not: whole_not && !terms.is_empty(),
        terms,
    })
}

impl Scan<'_> {
    fn term(&mut self) -> Parsed<Term> {
        let mut not = false;
        while self.lex.peek() == Some('!') {
            not = !not;
            self.lex.at += 1;
        }
        let test = match self.lex.peek() {
            Some('/') => Test::Regex(Box::new(self.lex.regex()?)),
            Some('"') => Test::Text(self.lex.quoted()?.to_lowercase()),
            Some(c) if c.is_ascii_alphabetic() => match self.field()? {
                Some(test) => test,
                None => Test::Text(self.lex.word().to_lowercase()),
            },
            Some(c) if !c.is_whitespace() => Test::Text(self.lex.word().to_lowercase()),
            _ => {
                return Err(fail(
                    self.lex.at.saturating_sub(1),
                    1,
                    "nothing after !",
                    Some("a word, a /regex/ or a field".into()),
                ));
            }
        };
        Ok(Term { not, test })
    }

    /// A field and its test, or nothing (and nothing read) if this is a plain word.
    fn field(&mut self) -> Parsed<Option<Test>> {
        let from = self.lex.at;
        let mut end = from;
        while self
            .lex
            .chars
            .get(end)
            .is_some_and(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
        {
            end += 1;
        }
        let name: String = self.lex.chars[from..end]
            .iter()
            .collect::<String>()
            .to_lowercase();
        let known = self.known(&name);
        // "gpu > 0" is a comparison only where gpu is a field
        let mut operator = end;
        while known.is_some() && self.lex.chars.get(operator).is_some_and(|c| *c == ' ') {
            operator += 1;
        }
        let spaced = operator > end;
        let (op, len) = match self.lex.operator(operator) {
            Some((op, len)) => (Some(op), len),
            None if self.lex.chars.get(operator) == Some(&':') && !spaced => (None, 1),
            None => return Ok(None),
        };
        let labels = self.vocabulary.labels && matches!(&*name, "label" | "l");
        let extra = self.vocabulary.extra.is_some() && &*name == "col" && op.is_none();
        if known.is_none() && !labels && !extra {
            let what = if matches!(&*name, "label" | "l") {
                "these rows have no labels".to_owned()
            } else {
                format!("no field {name} here")
            };
            return Err(fail(from, end - from, what, Some(self.suggest(&name))));
        }
        self.lex.at = operator + len;
        if op.is_some() {
            while self.lex.peek() == Some(' ') {
                self.lex.at += 1;
            }
        }
        let value_at = self.lex.at;
        let value = if self.lex.peek() == Some('"') {
            self.lex.quoted()?
        } else {
            self.lex.word()
        };
        let missing = |hint: &str| {
            let what = format!("{name}: which?");
            fail(from, self.lex.at - from, what, Some(hint.to_owned()))
        };
        match known {
            None if extra && value.is_empty() => Err(missing("col:HEADING or col:HEADING=value")),
            None if extra => own(&value, value_at).map(Some),
            None if value.is_empty() => Err(missing("label:key or label:key=value")),
            None => Ok(Some(label(&value))),
            Some(_) if value.is_empty() => Err(missing("give a value")),
            Some(What::Word(word)) => {
                let exact = matches!(op, Some(Op::Equal | Op::NotEqual));
                if op.is_some() && !exact {
                    let hint = format!("{name}:{value}, or one of > < on a number");
                    let what = format!("{name} is a text and has no order");
                    return Err(fail(operator, len, what, Some(hint)));
                }
                let patterns = patterns(&value, exact);
                // state!=failed: the inverse inside, so that a leading ! still inverts it
                if op == Some(Op::NotEqual) {
                    let not: Vec<Pattern> = patterns;
                    return Ok(Some(Test::NotWord(word, not)));
                }
                Ok(Some(Test::Word(word, patterns)))
            }
            Some(What::Num(num)) => {
                let (op, value, value_at) = match op {
                    Some(op) => (op, value, value_at),
                    None => leading_op(value, value_at),
                };
                let bad = |hint: &str| {
                    let what = format!("{value} is no value for {name}");
                    fail(value_at, value.chars().count(), what, Some(hint.to_owned()))
                };
                if let Some(percent) = value.strip_suffix('%') {
                    let num = match num {
                        Num::Done | Num::Percent => Num::Percent,
                        _ => return Err(bad("a percentage works for done")),
                    };
                    let want = percent.parse().map_err(|_| bad("e.g. done<50%"))?;
                    return Ok(Some(Test::Num(num, op, want)));
                }
                let want = match num.measure() {
                    Measure::Seconds => human::parse_duration(&value)
                        .map(|d| d.num_milliseconds() as f64 / 1000.0)
                        .ok_or_else(|| bad("a duration: 90s, 5m, 2h30m, 3d"))?,
                    Measure::Percent => value.parse().map_err(|_| bad("a number: 50"))?,
                    Measure::Bytes => Quantity::parse(&value)
                        .map(|q| q.units() as f64)
                        .ok_or_else(|| bad("an amount: 512Mi, 64Gi"))?,
                    Measure::Count => Quantity::parse(&value)
                        .map(|q| q.float())
                        .ok_or_else(|| bad("a number: 3"))?,
                };
                Ok(Some(Test::Num(num, op, want)))
            }
        }
    }

    fn known(&self, name: &str) -> Option<What> {
        let words = self.vocabulary.words.iter();
        let numbers = self.vocabulary.numbers.iter();
        words
            .filter(|w| w.names().contains(&name))
            .map(|w| What::Word(*w))
            .next()
            .or_else(|| {
                numbers
                    .filter(|n| n.names().contains(&name))
                    .map(|n| What::Num(*n))
                    .next()
            })
    }

    /// The field meant, or all there are.
    fn suggest(&self, name: &str) -> String {
        let mut all: Vec<&str> = self.vocabulary.words.iter().map(|w| w.name()).collect();
        all.extend(self.vocabulary.numbers.iter().map(|n| n.name()));
        if self.vocabulary.labels {
            all.push("label");
        }
        if self.vocabulary.extra.is_some() {
            all.push("col");
        }
        let near = all
            .iter()
            .map(|known| (distance(name, known), *known))
            .min()
            .filter(|(d, _)| *d <= 2 && *d < name.len());
        match near {
            Some((_, known)) => format!("did you mean {known}? quote it to search for the text"),
            None => format!("fields: {}; quote it to search for the text", all.join(" ")),
        }
    }
}

#[derive(Clone, Copy)]
enum What {
    Word(Word),
    Num(Num),
}

/// `HEADING`, `HEADING=value`, `HEADING!=value`, `HEADING>3`.
fn own(value: &str, at: usize) -> Parsed<Test> {
    let Some(end) = value.find(['=', '!', '<', '>']) else {
        return Ok(Test::Extra(value.to_owned(), Own::Has));
    };
    let (name, rest) = value.split_at(end);
    let rest_at = at + name.chars().count();
    if name.is_empty() {
        let hint = Some("col:HEADING=value".into());
        return Err(fail(at, 1, "col: which column?", hint));
    }
    let (op, wanted, wanted_at) = leading_op(rest.to_owned(), rest_at);
    let wanted = wanted.trim_start_matches('=');
    let own = match op {
        Op::Equal => Own::Is(patterns(wanted, true)),
        Op::NotEqual => Own::IsNot(patterns(wanted, true)),
        op => match crate::model::extra::number(wanted) {
            Some(want) => Own::Num(op, want),
            None => {
                let what = format!("{wanted:?} is no number to compare with");
                let hint = Some("e.g. col:cost>5, or = for a text".into());
                return Err(fail(wanted_at, wanted.chars().count(), what, hint));
            }
        },
    };
    Ok(Test::Extra(name.to_owned(), own))
}

fn label(value: &str) -> Test {
    match value.split_once('=') {
        None => Test::Label(value.to_owned(), None),
        Some((key, wanted)) => match key.strip_suffix('!') {
            Some(key) => Test::NotLabel(key.to_owned(), patterns(wanted, true)),
            None => Test::Label(
                key.trim_end_matches('=').to_owned(),
                Some(patterns(wanted.trim_start_matches('='), true)),
            ),
        },
    }
}

/// Edits from one word to another.
pub fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut corner = i;
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let cost = corner + usize::from(ca != *cb);
            corner = row[j + 1];
            row[j + 1] = cost.min(corner + 1).min(row[j] + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}
