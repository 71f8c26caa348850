//! Text → [`Filter`], with errors that say where and what to do.

use regex::RegexBuilder;

use super::fields::{Measure, Num, Vocabulary, Word};
use super::{Filter, FilterError, Op, Pattern, Term, Test};
use crate::model::human;
use crate::model::quantity::Quantity;

struct Scan<'a> {
    chars: Vec<char>,
    at: usize,
    vocabulary: &'a Vocabulary,
}

type Parsed<T> = Result<T, FilterError>;

pub(super) fn parse(text: &str, vocabulary: &Vocabulary) -> Parsed<Filter> {
    let mut scan = Scan {
        chars: text.chars().collect(),
        at: 0,
        vocabulary,
    };
    let mut terms = Vec::new();
    scan.space();
    let whole_not = scan.peek() == Some('!')
        && scan
            .chars
            .get(scan.at + 1)
            .is_none_or(|c| c.is_whitespace());
    if whole_not {
        scan.at += 1;
    }
    loop {
        scan.space();
        if scan.peek().is_none() {
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

fn fail(at: usize, len: usize, what: impl Into<String>, hint: Option<String>) -> FilterError {
    FilterError {
        at,
        len: len.max(1),
        what: what.into(),
        hint,
    }
}

impl Scan<'_> {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn space(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
    }

    /// Everything up to the next space.
    fn word(&mut self) -> String {
        let from = self.at;
        while self.peek().is_some_and(|c| !c.is_whitespace()) {
            self.at += 1;
        }
        self.chars[from..self.at].iter().collect()
    }

    fn term(&mut self) -> Parsed<Term> {
        let mut not = false;
        while self.peek() == Some('!') {
            not = !not;
            self.at += 1;
        }
        let test = match self.peek() {
            Some('/') => self.regex()?,
            Some('"') => Test::Text(self.quoted()?.to_lowercase()),
            Some(c) if c.is_ascii_alphabetic() => match self.field()? {
                Some(test) => test,
                None => Test::Text(self.word().to_lowercase()),
            },
            Some(c) if !c.is_whitespace() => Test::Text(self.word().to_lowercase()),
            _ => {
                return Err(fail(
                    self.at.saturating_sub(1),
                    1,
                    "nothing after !",
                    Some("a word, a /regex/ or a field".into()),
                ));
            }
        };
        Ok(Term { not, test })
    }

    fn regex(&mut self) -> Parsed<Test> {
        let from = self.at;
        self.at += 1;
        let mut source = String::new();
        loop {
            match self.peek() {
                None => {
                    return Err(fail(
                        from,
                        self.at - from,
                        "this regular expression does not end",
                        Some("close it with /".into()),
                    ));
                }
                Some('/') => break,
                Some('\\') if self.chars.get(self.at + 1) == Some(&'/') => {
                    source.push('/');
                    self.at += 2;
                }
                Some('\\') => {
                    source.push('\\');
                    self.at += 1;
                    source.extend(self.peek());
                    self.at += usize::from(self.peek().is_some());
                }
                Some(c) => {
                    source.push(c);
                    self.at += 1;
                }
            }
        }
        self.at += 1;
        RegexBuilder::new(&source)
            .case_insensitive(true)
            .size_limit(1 << 20)
            .build()
            .map(|regex| Test::Regex(Box::new(regex)))
            .map_err(|error| {
                let text = error.to_string();
                let last = text.lines().last().unwrap_or_default();
                let what = last.strip_prefix("error: ").unwrap_or(last);
                fail(
                    from,
                    self.at - from,
                    format!("bad regular expression: {what}"),
                    None,
                )
            })
    }

    fn quoted(&mut self) -> Parsed<String> {
        let from = self.at;
        self.at += 1;
        let mut text = String::new();
        loop {
            match self.peek() {
                None => {
                    return Err(fail(
                        from,
                        self.at - from,
                        "this quote does not end",
                        Some("close it with \"".into()),
                    ));
                }
                Some('"') => break,
                Some(c) => {
                    text.push(c);
                    self.at += 1;
                }
            }
        }
        self.at += 1;
        Ok(text)
    }

    /// A field and its test, or nothing (and nothing read) if this is a plain word.
    fn field(&mut self) -> Parsed<Option<Test>> {
        let from = self.at;
        let mut end = from;
        while self
            .chars
            .get(end)
            .is_some_and(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
        {
            end += 1;
        }
        let name: String = self.chars[from..end]
            .iter()
            .collect::<String>()
            .to_lowercase();
        let known = self.known(&name);
        // "gpu > 0" is a comparison only where gpu is a field
        let mut operator = end;
        while known.is_some() && self.chars.get(operator).is_some_and(|c| *c == ' ') {
            operator += 1;
        }
        let spaced = operator > end;
        let (op, len) = match (self.chars.get(operator), self.chars.get(operator + 1)) {
            (Some('>'), Some('=')) => (Some(Op::MoreEqual), 2),
            (Some('<'), Some('=')) => (Some(Op::LessEqual), 2),
            (Some('='), Some('=')) => (Some(Op::Equal), 2),
            (Some('!'), Some('=')) => (Some(Op::NotEqual), 2),
            (Some('>'), _) => (Some(Op::More), 1),
            (Some('<'), _) => (Some(Op::Less), 1),
            (Some('='), _) => (Some(Op::Equal), 1),
            (Some(':'), _) if !spaced => (None, 1),
            _ => return Ok(None),
        };
        let labels = self.vocabulary.labels && matches!(&*name, "label" | "l");
        if known.is_none() && !labels {
            let what = if matches!(&*name, "label" | "l") {
                "these rows have no labels".to_owned()
            } else {
                format!("no field {name} here")
            };
            return Err(fail(from, end - from, what, Some(self.suggest(&name))));
        }
        self.at = operator + len;
        if op.is_some() {
            while self.peek() == Some(' ') {
                self.at += 1;
            }
        }
        let value_at = self.at;
        let value = if self.peek() == Some('"') {
            self.quoted()?
        } else {
            self.word()
        };
        let missing = |hint: &str| {
            let what = format!("{name}: which?");
            fail(from, self.at - from, what, Some(hint.to_owned()))
        };
        match known {
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

/// `restarts:>3`, `restarts:3`.
fn leading_op(value: String, at: usize) -> (Op, String, usize) {
    let ops = [
        (">=", Op::MoreEqual),
        ("<=", Op::LessEqual),
        ("!=", Op::NotEqual),
        (">", Op::More),
        ("<", Op::Less),
        ("=", Op::Equal),
    ];
    for (sign, op) in ops {
        if let Some(rest) = value.strip_prefix(sign) {
            return (op, rest.to_owned(), at + sign.len());
        }
    }
    (Op::Equal, value, at)
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

fn patterns(value: &str, exact: bool) -> Vec<Pattern> {
    value
        .to_lowercase()
        .split(',')
        .filter(|part| !part.is_empty())
        .map(|part| match part.strip_prefix('=') {
            _ if part.contains('*') => Pattern::Glob(part.split('*').map(str::to_owned).collect()),
            Some(rest) => Pattern::Exact(rest.to_owned()),
            None if exact => Pattern::Exact(part.to_owned()),
            None => Pattern::Prefix(part.to_owned()),
        })
        .collect()
}

/// Edits from one word to another.
fn distance(a: &str, b: &str) -> usize {
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
