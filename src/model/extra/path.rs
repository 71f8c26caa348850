//! Kubernetes JSONPath as kubectl's custom columns take it: `.spec.containers[0].image`, `{.a.b}`, `['k']`, `[*]`,
//! `[-1]`, `[1:3]`, `[?(@.type=="Ready")].status`, `..image`. Parsed once; finding never fails.

use std::fmt;

use serde_json::Value;

/// Places of an object, as a path says them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    Field(Box<str>),
    /// From the end, if negative.
    Item(i64),
    Slice(Option<i64>, Option<i64>),
    All,
    /// What is there, and all below it.
    Below,
    Where(Test),
}

/// `@.a.b == "x"`; without a comparison: it is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Test {
    left: Path,
    right: Option<(Op, Value)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Op {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    More,
    MoreEqual,
}

/// Why a text is no path: at which character, counted from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("character {at}: {what}")]
pub struct PathError {
    pub at: usize,
    pub what: String,
}

/// Steps of one path, and places of it that are looked at: beyond those a path is a mistake, or an attack on patience.
const STEPS: usize = 64;
const PLACES: usize = 4096;

impl Path {
    /// Reads a path; the braces and the `$` that kubectl allows may be left out, and so may the first dot.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        let mut scan = Scan {
            chars: text.chars().collect(),
            at: 0,
        };
        scan.space();
        let braces = scan.take('{');
        scan.space();
        scan.take('$');
        let steps = scan.steps(|_| false)?;
        scan.space();
        if braces && !scan.take('}') {
            return Err(scan.error("the brace is not closed: } is missing"));
        }
        scan.space();
        match scan.peek() {
            Some('{') => Err(scan.error("one path makes one column: this begins a second")),
            Some(c) => Err(scan.error(format!("{c:?} is not expected here"))),
            None if steps.is_empty() => Err(scan.error("there is no path: e.g. .spec.nodeName")),
            None => Ok(Self { steps }),
        }
    }

    /// The path to a field of `metadata.labels` or the like: its name is taken as it is.
    pub fn fields<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let steps = names.into_iter().map(|name| Step::Field(name.into()));
        Self {
            steps: steps.collect(),
        }
    }

    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// What is at these places, in the order of the object.
    pub fn find<'a>(&self, root: &'a Value) -> Vec<&'a Value> {
        find(&self.steps, root)
    }
}

/// What is found by the rest of a path.
pub fn find<'a>(steps: &[Step], root: &'a Value) -> Vec<&'a Value> {
    let mut here = vec![root];
    for step in steps {
        let mut next = Vec::new();
        for value in here {
            step.take(value, &mut next);
            next.truncate(PLACES);
        }
        here = next;
    }
    here
}

impl Step {
    fn take<'a>(&self, value: &'a Value, into: &mut Vec<&'a Value>) {
        let children = |into: &mut Vec<&'a Value>| match value {
            Value::Array(all) => into.extend(all),
            Value::Object(map) => into.extend(map.values()),
            _ => {}
        };
        match self {
            Step::Field(name) => into.extend(value.get(&**name)),
            Step::Item(at) => {
                let all = value.as_array().map_or(&[][..], Vec::as_slice);
                into.extend(place(*at, all.len()).and_then(|at| all.get(at)));
            }
            Step::Slice(from, to) => {
                let all = value.as_array().map_or(&[][..], Vec::as_slice);
                let edge = |at: i64| match at {
                    0.. => usize::try_from(at).unwrap_or(usize::MAX).min(all.len()),
                    _ => place(at, all.len()).unwrap_or(0),
                };
                let (from, to) = (from.map_or(0, edge), to.map_or(all.len(), edge));
                into.extend(all.get(from..to).unwrap_or_default());
            }
            Step::All => children(into),
            Step::Below => {
                let mut rest = vec![value];
                let most = into.len() + PLACES;
                while let Some(value) = rest.pop() {
                    if into.len() >= most {
                        break;
                    }
                    into.push(value);
                    match value {
                        Value::Array(all) => rest.extend(all.iter().rev()),
                        Value::Object(map) => rest.extend(map.values().rev()),
                        _ => {}
                    }
                }
            }
            Step::Where(test) => {
                let mut all = Vec::new();
                children(&mut all);
                into.extend(all.into_iter().filter(|value| test.holds(value)));
            }
        }
    }
}

fn place(at: i64, len: usize) -> Option<usize> {
    match at {
        0.. => usize::try_from(at).ok(),
        _ => len.checked_sub(usize::try_from(at.unsigned_abs()).ok()?),
    }
}

impl Test {
    fn holds(&self, value: &Value) -> bool {
        let left = self.left.find(value);
        let Some((op, right)) = &self.right else {
            return !left.is_empty();
        };
        left.first().is_some_and(|left| op.holds(left, right))
    }
}

impl Op {
    fn holds(self, left: &Value, right: &Value) -> bool {
        use std::cmp::Ordering::{Equal, Greater, Less};
        let order = match (left, right) {
            (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
            (Value::Number(a), Value::Number(b)) => a
                .as_f64()
                .zip(b.as_f64())
                .and_then(|(a, b)| a.partial_cmp(&b)),
            _ => (left == right).then_some(Equal),
        };
        match self {
            Op::Equal => order == Some(Equal),
            Op::NotEqual => order != Some(Equal),
            Op::Less => order == Some(Less),
            Op::LessEqual => matches!(order, Some(Less | Equal)),
            Op::More => order == Some(Greater),
            Op::MoreEqual => matches!(order, Some(Greater | Equal)),
        }
    }
}

struct Scan {
    chars: Vec<char>,
    at: usize,
}

impl Scan {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn take(&mut self, c: char) -> bool {
        let is = self.peek() == Some(c);
        self.at += usize::from(is);
        is
    }

    fn space(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
    }

    fn error(&self, what: impl Into<String>) -> PathError {
        self.error_at(self.at, what)
    }

    fn error_at(&self, at: usize, what: impl Into<String>) -> PathError {
        PathError {
            at: at + 1,
            what: what.into(),
        }
    }

    /// Steps, until something that is none; `ends`: what ends a name, beside the signs of paths.
    fn steps(&mut self, ends: impl Fn(char) -> bool + Copy) -> Result<Vec<Step>, PathError> {
        let mut steps = Vec::new();
        loop {
            match self.peek() {
                Some('.') => {
                    self.at += 1;
                    if self.take('.') {
                        steps.push(Step::Below);
                        if self.peek() == Some('[') {
                            continue;
                        }
                    }
                    // `.` alone is the object itself, `.[0]` an item of it
                    let alone = self.peek().is_none_or(|c| c == '}' || c == '[' || ends(c));
                    if alone && steps.is_empty() {
                        if self.peek() != Some('[') {
                            return Ok(steps);
                        }
                        continue;
                    }
                    steps.push(self.name(ends)?);
                }
                Some('[') => steps.push(self.bracket()?),
                Some(c) if steps.is_empty() && is_name(c) && !ends(c) => {
                    steps.push(self.name(ends)?);
                }
                _ => return Ok(steps),
            }
            if steps.len() > STEPS {
                return Err(self.error(format!("more than {STEPS} steps")));
            }
        }
    }

    /// A field's name, or `*`. Kubectl's `\.` is a dot in it.
    fn name(&mut self, ends: impl Fn(char) -> bool) -> Result<Step, PathError> {
        let from = self.at;
        if self.take('*') {
            return Ok(Step::All);
        }
        let mut name = String::new();
        while let Some(c) = self.peek() {
            if c == '\\' {
                self.at += 1;
                let Some(c) = self.peek() else {
                    return Err(self.error("nothing after \\: it goes before a sign in a name"));
                };
                name.push(c);
            } else if is_name(c) && !ends(c) {
                name.push(c);
            } else {
                break;
            }
            self.at += 1;
        }
        match name.is_empty() {
            true => Err(self.error_at(from, "a field's name is missing")),
            false => Ok(Step::Field(name.into())),
        }
    }

    fn bracket(&mut self) -> Result<Step, PathError> {
        let from = self.at;
        self.at += 1;
        self.space();
        let step = match self.peek() {
            Some('*') => {
                self.at += 1;
                Step::All
            }
            Some('?') => {
                self.at += 1;
                Step::Where(self.test()?)
            }
            Some('\'' | '"') => Step::Field(self.quoted()?.into()),
            Some('0'..='9' | '-' | ':') => self.items()?,
            Some(c) => {
                let what =
                    format!("{c:?} in brackets: a number, *, 'name' or ?(@.field==\"value\")");
                return Err(self.error(what));
            }
            None => return Err(self.error_at(from, "the bracket is not closed: ] is missing")),
        };
        self.space();
        match self.take(']') {
            true => Ok(step),
            false => Err(self.error_at(from, "the bracket is not closed: ] is missing")),
        }
    }

    fn items(&mut self) -> Result<Step, PathError> {
        let from = self.number()?;
        self.space();
        if self.take(':') {
            self.space();
            return Ok(Step::Slice(from, self.number()?));
        }
        from.map(Step::Item)
            .ok_or_else(|| self.error("a number is missing"))
    }

    fn number(&mut self) -> Result<Option<i64>, PathError> {
        let from = self.at;
        self.take('-');
        while self.peek().is_some_and(|c| c.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at == from {
            return Ok(None);
        }
        let text: String = self.chars[from..self.at].iter().collect();
        let number = text.parse();
        number
            .map(Some)
            .map_err(|_| self.error_at(from, format!("{text} is no number of an item")))
    }

    fn quoted(&mut self) -> Result<String, PathError> {
        let from = self.at;
        let quote = self.peek();
        self.at += 1;
        let mut text = String::new();
        while let Some(c) = self.peek() {
            self.at += 1;
            match c {
                c if Some(c) == quote => return Ok(text),
                '\\' => {
                    text.extend(self.peek());
                    self.at += 1;
                }
                c => text.push(c),
            }
        }
        Err(self.error_at(from, "this quote does not end"))
    }

    /// `(@.type=="Ready")`.
    fn test(&mut self) -> Result<Test, PathError> {
        let from = self.at;
        if !self.take('(') {
            return Err(self.error("( is missing: ?(@.type==\"Ready\")"));
        }
        self.space();
        if !self.take('@') {
            return Err(
                self.error("@ is missing, the item that is looked at: ?(@.type==\"Ready\")")
            );
        }
        let left = Path {
            steps: self.steps(|c| c.is_whitespace() || "=!<>)&|".contains(c))?,
        };
        self.space();
        let right = match self.peek() {
            Some(')') => None,
            Some('=' | '!' | '<' | '>') => {
                let op = self.op()?;
                self.space();
                Some((op, self.literal()?))
            }
            Some('&' | '|') => return Err(self.error("one comparison only")),
            _ => return Err(self.error("one of == != < <= > >= is missing, or )")),
        };
        self.space();
        match self.take(')') {
            true => Ok(Test { left, right }),
            false if matches!(self.peek(), Some('&' | '|')) => {
                Err(self.error("one comparison only"))
            }
            false => Err(self.error_at(from, ") is missing")),
        }
    }

    fn op(&mut self) -> Result<Op, PathError> {
        let (first, at) = (self.peek(), self.at);
        self.at += 1;
        let equal = self.take('=');
        Ok(match (first, equal) {
            (Some('='), true) => Op::Equal,
            (Some('!'), true) => Op::NotEqual,
            (Some('<'), equal) => {
                if equal {
                    Op::LessEqual
                } else {
                    Op::Less
                }
            }
            (Some('>'), equal) => {
                if equal {
                    Op::MoreEqual
                } else {
                    Op::More
                }
            }
            _ => return Err(self.error_at(at, "one of == != < <= > >=")),
        })
    }

    fn literal(&mut self) -> Result<Value, PathError> {
        if matches!(self.peek(), Some('\'' | '"')) {
            return self.quoted().map(Value::String);
        }
        let from = self.at;
        while self
            .peek()
            .is_some_and(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
        {
            self.at += 1;
        }
        let text: String = self.chars[from..self.at].iter().collect();
        match serde_json::from_str(&text) {
            Ok(value) => Ok(value),
            Err(_) => Err(self.error_at(from, format!("{text:?} is no value: quote a text"))),
        }
    }
}

/// What a name may have without quotes, beside what ends one in a comparison.
fn is_name(c: char) -> bool {
    !c.is_whitespace() && !".[]{}()'\"*$@?,".contains(c)
}

impl fmt::Display for Path {
    /// For messages: the way to it in kubectl's own words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.steps {
            match step {
                Step::Field(name) if name.chars().all(is_name) => write!(f, ".{name}")?,
                Step::Field(name) => write!(f, "['{name}']")?,
                Step::Item(at) => write!(f, "[{at}]")?,
                Step::Slice(from, to) => {
                    let text = |at: &Option<i64>| at.map(|at| at.to_string()).unwrap_or_default();
                    write!(f, "[{}:{}]", text(from), text(to))?;
                }
                Step::All => f.write_str("[*]")?,
                Step::Below => f.write_str(".")?,
                Step::Where(_) => f.write_str("[?(…)]")?,
            }
        }
        Ok(())
    }
}
