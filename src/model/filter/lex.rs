//! What all filters are written in: words, quotes, regular expressions, lists of values and signs of comparison.
//! Separate because rows of tables and lines of logs have different fields, and one way to write them.

use regex::{Regex, RegexBuilder};

use super::{FilterError, Op, Pattern};

pub type Parsed<T> = Result<T, FilterError>;

/// A text being read.
pub struct Lex {
    pub chars: Vec<char>,
    /// The character to read next.
    pub at: usize,
}

/// An error at these characters.
pub fn fail(at: usize, len: usize, what: impl Into<String>, hint: Option<String>) -> FilterError {
    FilterError {
        at,
        len: len.max(1),
        what: what.into(),
        hint,
    }
}

impl Lex {
    pub fn new(text: &str) -> Self {
        Self {
            chars: text.chars().collect(),
            at: 0,
        }
    }

    /// The next character.
    pub fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    /// Goes on behind blanks.
    pub fn space(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
    }

    /// Everything up to the next space.
    pub fn word(&mut self) -> String {
        let from = self.at;
        while self.peek().is_some_and(|c| !c.is_whitespace()) {
            self.at += 1;
        }
        self.chars[from..self.at].iter().collect()
    }

    /// What stands between slashes.
    pub fn regex(&mut self) -> Parsed<Regex> {
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

    /// The sign of comparison at a character, and how long it is.
    pub fn operator(&self, at: usize) -> Option<(Op, usize)> {
        Some(match (self.chars.get(at)?, self.chars.get(at + 1)) {
            ('>', Some('=')) => (Op::MoreEqual, 2),
            ('<', Some('=')) => (Op::LessEqual, 2),
            ('=', Some('=')) => (Op::Equal, 2),
            ('!', Some('=')) => (Op::NotEqual, 2),
            ('>', _) => (Op::More, 1),
            ('<', _) => (Op::Less, 1),
            ('=', _) => (Op::Equal, 1),
            _ => return None,
        })
    }

    /// The text between quotes.
    pub fn quoted(&mut self) -> Parsed<String> {
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
}

/// `restarts:>3`, `restarts:3`.
pub fn leading_op(value: String, at: usize) -> (Op, String, usize) {
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

/// The values of a list.
pub fn patterns(value: &str, exact: bool) -> Vec<Pattern> {
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
