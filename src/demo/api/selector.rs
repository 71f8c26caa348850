//! Label selectors and field selectors: their grammar, their error texts, and what they match.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::names;
use super::status::Cause;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Op {
    In,
    NotIn,
    Exists,
    Absent,
    Greater,
    Less,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Requirement {
    key: String,
    op: Op,
    values: Vec<String>,
}

/// A parsed `labelSelector`; the empty one matches everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Labels(Vec<Requirement>);

impl Labels {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.0.iter().all(|r| {
            let value = labels.get(&r.key);
            match r.op {
                Op::In => value.is_some_and(|v| r.values.contains(v)),
                Op::NotIn => value.is_none_or(|v| !r.values.contains(v)),
                Op::Exists => value.is_some(),
                Op::Absent => value.is_none(),
                Op::Greater | Op::Less => {
                    let number = |s: &String| s.parse::<i64>().ok();
                    match (value.and_then(number), r.values.first().and_then(number)) {
                        (Some(a), Some(b)) if r.op == Op::Greater => a > b,
                        (Some(a), Some(b)) => a < b,
                        _ => false,
                    }
                }
            }
        })
    }

    /// Parses the query parameter.
    ///
    /// # Errors
    /// The server's sentence about what it cannot read.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut p = Parser {
            tokens: scan(text),
            at: 0,
        };
        let mut all = Vec::new();
        loop {
            match p.peek() {
                Token::Word(_) | Token::Sign("!") => {
                    let one = p
                        .requirement()
                        .map_err(|e| format!("unable to parse requirement: {e}"))?;
                    all.push(one);
                    match p.next() {
                        Token::End => break,
                        Token::Sign(",") => {
                            let after = p.peek();
                            if !matches!(after, Token::Word(_) | Token::Sign("!")) {
                                return Err(format!(
                                    "found '{}', expected: identifier after ','",
                                    after.text()
                                ));
                            }
                        }
                        other => {
                            return Err(format!(
                                "found '{}', expected: ',' or 'end of string'",
                                other.text()
                            ));
                        }
                    }
                }
                Token::End => break,
                other => {
                    return Err(format!(
                        "found '{}', expected: !, identifier, or 'end of string'",
                        other.text()
                    ));
                }
            }
        }
        Ok(Self(all))
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    Sign(&'static str),
    Bad(String),
    End,
}

impl Token {
    fn text(&self) -> String {
        match self {
            Self::Word(w) => w.clone(),
            Self::Sign(s) => (*s).to_owned(),
            Self::Bad(s) => format!("error expected: keyword found '{s}'"),
            Self::End => String::new(),
        }
    }
}

const SIGNS: [&str; 9] = ["==", "!=", "=", "!", "(", ")", ",", ">", "<"];

fn scan(text: &str) -> Vec<Token> {
    let mut rest = text;
    let mut out = Vec::new();
    let special = |c: char| "=!(),><".contains(c);
    let blank = |c: char| matches!(c, ' ' | '\t' | '\r' | '\n');
    loop {
        rest = rest.trim_start_matches(blank);
        let Some(first) = rest.chars().next() else {
            out.push(Token::End);
            return out;
        };
        if special(first) {
            match SIGNS.iter().find(|s| rest.starts_with(**s)) {
                Some(sign) => {
                    out.push(Token::Sign(sign));
                    rest = &rest[sign.len()..];
                }
                None => {
                    out.push(Token::Bad(first.to_string()));
                    rest = &rest[first.len_utf8()..];
                }
            }
        } else {
            let end = rest.find(|c| special(c) || blank(c)).unwrap_or(rest.len());
            out.push(Token::Word(rest[..end].to_owned()));
            rest = &rest[end..];
        }
    }
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
}

impl Parser {
    fn peek(&self) -> Token {
        self.tokens.get(self.at).cloned().unwrap_or(Token::End)
    }

    fn next(&mut self) -> Token {
        let token = self.peek();
        self.at += 1;
        token
    }

    fn requirement(&mut self) -> Result<Requirement, String> {
        let mut token = self.next();
        let absent = token == Token::Sign("!");
        if absent {
            token = self.next();
        }
        let Token::Word(key) = token else {
            return Err(format!("found '{}', expected: identifier", token.text()));
        };
        let wrong = names::qualified_name(&key);
        if !wrong.is_empty() {
            let why = Cause::invalid("key", &json!(key), &wrong.join("; "));
            return Err(format!("{}: {}", why.field, why.message));
        }
        let (op, values) = if matches!(self.peek(), Token::End | Token::Sign(",")) {
            (if absent { Op::Absent } else { Op::Exists }, Vec::new())
        } else {
            let op = self.operator()?;
            match op.1 {
                true => (op.0, self.set()?),
                false => (op.0, vec![self.exact()?]),
            }
        };
        for (i, value) in values.iter().enumerate() {
            let wrong = match op {
                Op::Greater | Op::Less if value.parse::<i64>().is_err() => {
                    vec!["for 'Gt', 'Lt' operators, the value must be an integer".to_owned()]
                }
                _ => names::label_value(value),
            };
            if !wrong.is_empty() {
                let field = match op {
                    Op::Greater | Op::Less => format!("values[{i}]"),
                    _ => format!("values[{i}][{key}]"),
                };
                let why = Cause::invalid(field, &json!(value), &wrong.join("; "));
                return Err(format!("{}: {}", why.field, why.message));
            }
        }
        Ok(Requirement { key, op, values })
    }

    /// The operator, and whether a set in parentheses follows.
    fn operator(&mut self) -> Result<(Op, bool), String> {
        Ok(match self.next() {
            Token::Sign("=" | "==") => (Op::In, false),
            Token::Sign("!=") => (Op::NotIn, false),
            Token::Sign(">") => (Op::Greater, false),
            Token::Sign("<") => (Op::Less, false),
            Token::Word(w) if w == "in" => (Op::In, true),
            Token::Word(w) if w == "notin" => (Op::NotIn, true),
            other => {
                return Err(format!(
                    "found '{}', expected: in, notin, =, ==, !=, gt, lt",
                    other.text()
                ));
            }
        })
    }

    fn exact(&mut self) -> Result<String, String> {
        if matches!(self.peek(), Token::End | Token::Sign(",")) {
            return Ok(String::new());
        }
        match self.next() {
            Token::Word(w) => Ok(w),
            other => Err(format!("found '{}', expected: identifier", other.text())),
        }
    }

    fn set(&mut self) -> Result<Vec<String>, String> {
        let open = self.next();
        if open != Token::Sign("(") {
            return Err(format!("found '{}' expected: '('", open.text()));
        }
        let mut values = Vec::new();
        match self.peek() {
            Token::Sign(")") => values.push(String::new()),
            Token::Word(_) | Token::Sign(",") => {}
            other => {
                return Err(format!(
                    "found '{}', expected: ',', ')' or identifier",
                    other.text()
                ));
            }
        }
        while self.peek() != Token::Sign(")") {
            match self.next() {
                Token::Word(w) => {
                    values.push(w);
                    let after = self.peek();
                    if !matches!(after, Token::Sign("," | ")")) {
                        return Err(format!("found '{}', expected: ',' or ')'", after.text()));
                    }
                }
                Token::Sign(",") => {
                    let next = self.peek();
                    if values.is_empty() || matches!(next, Token::Sign("," | ")")) {
                        values.push(String::new());
                    }
                }
                other => {
                    return Err(format!(
                        "found '{}', expected: ',', or identifier",
                        other.text()
                    ));
                }
            }
        }
        self.next();
        values.sort();
        values.dedup();
        Ok(values)
    }
}

/// A parsed `fieldSelector`: terms of field, wanted value, and whether equality is wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields(pub Vec<(String, String, bool)>);

impl Fields {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Parses the query parameter; whether a field is supported is another question.
    ///
    /// # Errors
    /// The server's sentence about what it cannot read.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut terms = Vec::new();
        for part in split_terms(text) {
            if part.is_empty() {
                continue;
            }
            let found = part.char_indices().find_map(|(i, _)| {
                ["!=", "==", "="]
                    .iter()
                    .find(|op| part[i..].starts_with(**op))
                    .map(|op| (i, *op))
            });
            let Some((at, op)) = found else {
                return Err(format!(
                    "invalid selector: '{text}'; can't understand '{part}'"
                ));
            };
            let value = part[at + op.len()..]
                .replace("\\=", "=")
                .replace("\\,", ",");
            terms.push((
                part[..at].to_owned(),
                value.replace("\\\\", "\\"),
                op != "!=",
            ));
        }
        Ok(Self(terms))
    }

    /// Does an object match? `field` reads one of its selectable fields.
    pub fn matches(&self, field: impl Fn(&str) -> String) -> bool {
        self.0
            .iter()
            .all(|(name, value, equal)| (field(name) == *value) == *equal)
    }

    /// The value an exact term demands of a field.
    pub fn exact(&self, field: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(name, _, equal)| name == field && *equal)
            .map(|(_, value, _)| value.as_str())
    }
}

/// Splits at commas that no backslash escapes.
fn split_terms(text: &str) -> Vec<&str> {
    let (mut out, mut from, mut escaped) = (Vec::new(), 0, false);
    for (i, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ',' => {
                out.push(&text[from..i]);
                from = i + 1;
            }
            _ => {}
        }
    }
    out.push(&text[from..]);
    out
}

/// Reads a dotted path of an object as the text a field selector compares with; absent is empty.
pub fn text_at(value: &Value, path: &str) -> String {
    let found = path
        .split('.')
        .try_fold(value, |v, key| v.get(key))
        .unwrap_or(&Value::Null);
    match found {
        Value::Null => String::new(),
        Value::String(s) => s.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect()
    }

    #[test]
    fn the_whole_grammar_is_understood() {
        let have = labels(&[("a", "b"), ("n", "5"), ("x.io/y", "")]);
        for (text, want) in [
            ("", true),
            ("a", true),
            ("!a", false),
            ("a=b,n==5", true),
            ("a!=b", false),
            ("zz!=b", true),
            ("a in (b, c)", true),
            ("a notin (b)", false),
            ("zz notin (b)", true),
            ("n>4,n<6", true),
            ("n>5", false),
            ("x.io/y=", true),
            ("x.io/y in ()", true),
            ("x.io/y,!zz", true),
            ("a in (in)", false),
        ] {
            assert_eq!(Labels::parse(text).unwrap().matches(&have), want, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for (text, want) in [
            (
                "a b",
                "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt",
            ),
            ("a,", "found '', expected: identifier after ','"),
            (
                "=",
                "found '=', expected: !, identifier, or 'end of string'",
            ),
            (
                "a in b",
                "unable to parse requirement: found 'b' expected: '('",
            ),
            (
                "a in (b c)",
                "unable to parse requirement: found 'c', expected: ',' or ')'",
            ),
        ] {
            assert_eq!(Labels::parse(text).unwrap_err(), want);
        }
        assert!(
            Labels::parse("a=-b")
                .unwrap_err()
                .contains("values[0][a]: Invalid value: \"-b\"")
        );
    }

    #[test]
    fn field_terms_are_split_and_compared() {
        let f = Fields::parse("status.phase!=Running,spec.x==a\\,b,").unwrap();
        assert_eq!(f.0.len(), 2);
        assert_eq!(f.exact("spec.x"), Some("a,b"));
        let object = json!({"status": {"phase": "Failed"}, "spec": {"x": "a,b", "h": true}});
        assert!(f.matches(|p| text_at(&object, p)));
        assert_eq!(text_at(&object, "spec.h"), "true");
        assert_eq!(
            Fields::parse("status.phase").unwrap_err(),
            "invalid selector: 'status.phase'; can't understand 'status.phase'"
        );
    }
}
