//! Expressions as shells (`$((…))`) and Python scripts write them, over numbers and texts.

/// A value; truth is a number.
#[derive(Debug, Clone, PartialEq)]
pub enum Term {
    Number(f64),
    Text(String),
    None,
}

impl Term {
    pub fn truth(&self) -> bool {
        match self {
            Term::Number(n) => *n != 0.0,
            Term::Text(t) => !t.is_empty(),
            Term::None => false,
        }
    }

    pub fn number(&self) -> Option<f64> {
        match self {
            Term::Number(n) => Some(*n),
            Term::Text(t) => t.trim().parse().ok(),
            Term::None => None,
        }
    }
}

impl std::fmt::Display for Term {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Term::Number(n) if n.fract() == 0.0 && n.abs() < 1e15 => write!(f, "{}", *n as i64),
            Term::Number(n) => write!(f, "{n}"),
            Term::Text(t) => f.write_str(t),
            Term::None => f.write_str("None"),
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum Token {
    Number(f64),
    Text(String),
    /// A name, with dots in Python: `os.environ.get`.
    Name(String),
    Sign(&'static str),
}

const SIGNS: &[&str] = &[
    "**", "//", "==", "!=", "<=", ">=", "&&", "||", "<<", ">>", "+", "-", "*", "/", "%", "<", ">",
    "(", ")", "[", "]", ",", "!", "=", "&", "|", "^", ":", "{", "}",
];

/// Splits an expression; `None` if it holds what is not understood.
pub fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut out = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let taken = if first.is_ascii_digit() {
            let end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '_'));
            let word = &rest[..end.unwrap_or(rest.len())];
            out.push(Token::Number(word.replace('_', "").parse().ok()?));
            word.len()
        } else if first == '"' || first == '\'' {
            let (body, len) = quoted(rest, first)?;
            out.push(Token::Text(body));
            len
        } else if first.is_alphabetic() || first == '_' || first == '$' {
            let word = rest.trim_start_matches('$');
            let end = word.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.'));
            let word = &word[..end.unwrap_or(word.len())];
            out.push(Token::Name(word.to_owned()));
            word.len() + usize::from(first == '$')
        } else {
            let sign = SIGNS.iter().find(|s| rest.starts_with(**s))?;
            out.push(Token::Sign(sign));
            sign.len()
        };
        if taken == 0 {
            return None;
        }
        rest = rest[taken..].trim_start();
    }
    Some(out)
}

fn quoted(text: &str, mark: char) -> Option<(String, usize)> {
    let mut body = String::new();
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => match chars.next()?.1 {
                'n' => body.push('\n'),
                't' => body.push('\t'),
                'r' => body.push('\r'),
                other => body.push(other),
            },
            c if c == mark => return Some((body, at + 1)),
            c => body.push(c),
        }
    }
    None
}

/// Names and calls are looked up by whoever evaluates.
pub trait Names {
    /// Division cuts to whole numbers, as in a shell.
    fn whole(&self) -> bool {
        false
    }
    fn name(&mut self, name: &str) -> Option<Term>;
    fn call(&mut self, name: &str, args: Vec<Term>) -> Option<Term>;
    /// `name[index]`
    fn item(&mut self, name: &str, index: &Term) -> Option<Term>;
}

/// Evaluates an expression; `None` if it is not understood.
pub fn eval(text: &str, names: &mut dyn Names) -> Option<Term> {
    let tokens = tokens(text)?;
    let mut parser = Parser {
        tokens: &tokens,
        at: 0,
        names,
    };
    let value = parser.ternary()?;
    (parser.at == parser.tokens.len()).then_some(value)
}

struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
    names: &'a mut dyn Names,
}

impl Parser<'_> {
    fn sign(&mut self, signs: &[&'static str]) -> Option<&'static str> {
        match self.tokens.get(self.at) {
            Some(Token::Sign(s)) if signs.contains(s) => {
                self.at += 1;
                Some(s)
            }
            _ => None,
        }
    }

    fn word(&mut self, word: &str) -> bool {
        let hit = matches!(self.tokens.get(self.at), Some(Token::Name(n)) if n == word);
        self.at += usize::from(hit);
        hit
    }

    /// Python's `a if c else b`.
    fn ternary(&mut self) -> Option<Term> {
        let yes = self.or()?;
        if !self.word("if") {
            return Some(yes);
        }
        let test = self.or()?.truth();
        if !self.word("else") {
            return None;
        }
        let no = self.ternary()?;
        Some(if test { yes } else { no })
    }

    fn or(&mut self) -> Option<Term> {
        let mut left = self.and()?;
        while self.sign(&["||"]).is_some() || self.word("or") {
            let right = self.and()?;
            if !left.truth() {
                left = right;
            }
        }
        Some(left)
    }

    fn and(&mut self) -> Option<Term> {
        let mut left = self.not()?;
        while self.sign(&["&&"]).is_some() || self.word("and") {
            let right = self.not()?;
            if left.truth() {
                left = right;
            }
        }
        Some(left)
    }

    fn not(&mut self) -> Option<Term> {
        if self.word("not") {
            let value = self.not()?;
            return Some(truth(!value.truth()));
        }
        self.compare()
    }

    fn compare(&mut self) -> Option<Term> {
        let left = self.sum()?;
        if self.word("in") {
            return self.membership(&left, true);
        }
        if matches!(self.tokens.get(self.at..self.at + 2), Some([Token::Name(a), Token::Name(b)]) if a == "not" && b == "in")
        {
            self.at += 2;
            return self.membership(&left, false);
        }
        let Some(sign) = self.sign(&["==", "!=", "<=", ">=", "<", ">"]) else {
            return Some(left);
        };
        let right = self.sum()?;
        let same = match (&left, &right) {
            (Term::Text(a), Term::Text(b)) => a == b,
            _ => left.number().is_some() && left.number() == right.number() || left == right,
        };
        let order = match (&left, &right) {
            (Term::Text(a), Term::Text(b)) => a.partial_cmp(b),
            _ => left.number()?.partial_cmp(&right.number()?),
        };
        Some(truth(match sign {
            "==" => same,
            "!=" => !same,
            "<" => order?.is_lt(),
            ">" => order?.is_gt(),
            "<=" => order?.is_le(),
            _ => order?.is_ge(),
        }))
    }

    fn membership(&mut self, left: &Term, wanted: bool) -> Option<Term> {
        let open = self.sign(&["(", "[", "{"])?;
        let close = match open {
            "(" => ")",
            "[" => "]",
            _ => "}",
        };
        let list = self.list(close)?;
        let hit = list
            .iter()
            .any(|t| t == left || t.to_string() == left.to_string());
        Some(truth(hit == wanted))
    }

    fn list(&mut self, close: &'static str) -> Option<Vec<Term>> {
        let mut out = Vec::new();
        while self.sign(&[close]).is_none() {
            // A keyword argument's name says nothing here.
            if matches!(
                self.tokens.get(self.at..self.at + 2),
                Some([Token::Name(_), Token::Sign("=")])
            ) {
                self.at += 2;
                self.ternary()?;
            } else {
                out.push(self.ternary()?);
            }
            if self.sign(&[","]).is_none() {
                self.sign(&[close])?;
                break;
            }
        }
        Some(out)
    }

    fn sum(&mut self) -> Option<Term> {
        let mut left = self.product()?;
        while let Some(sign) = self.sign(&["+", "-", "<<", ">>", "&", "|", "^"]) {
            let right = self.product()?;
            left = match (sign, &left, &right) {
                ("+", Term::Text(a), b) => Term::Text(format!("{a}{b}")),
                ("+", a, b) => Term::Number(a.number()? + b.number()?),
                ("-", a, b) => Term::Number(a.number()? - b.number()?),
                (_, a, b) => {
                    let (a, b) = (a.number()? as i64, b.number()? as i64);
                    Term::Number(match sign {
                        "<<" => a.checked_shl(b.try_into().ok()?)?,
                        ">>" => a.checked_shr(b.try_into().ok()?)?,
                        "&" => a & b,
                        "|" => a | b,
                        _ => a ^ b,
                    } as f64)
                }
            };
        }
        Some(left)
    }

    fn product(&mut self) -> Option<Term> {
        let mut left = self.unary()?;
        while let Some(sign) = self.sign(&["**", "*", "//", "/", "%"]) {
            let right = self.unary()?;
            if let (Term::Text(t), "*") = (&left, sign) {
                let times = right.number()?.clamp(0.0, 1000.0) as usize;
                left = Term::Text(t.repeat(times));
                continue;
            }
            let (a, b) = (left.number()?, right.number()?);
            if b == 0.0 && sign != "*" && sign != "**" {
                return None;
            }
            left = Term::Number(match sign {
                "*" => a * b,
                "**" => a.powf(b),
                "//" => (a / b).floor(),
                "/" if self.names.whole() => (a / b).trunc(),
                "/" => a / b,
                _ => a.rem_euclid(b),
            });
        }
        Some(left)
    }

    fn unary(&mut self) -> Option<Term> {
        match self.sign(&["-", "+", "!"]) {
            Some("-") => Some(Term::Number(-self.unary()?.number()?)),
            Some("!") => Some(truth(!self.unary()?.truth())),
            Some(_) => self.unary(),
            None => self.atom(),
        }
    }

    fn atom(&mut self) -> Option<Term> {
        let token = self.tokens.get(self.at)?.clone();
        self.at += 1;
        match token {
            Token::Number(n) => Some(Term::Number(n)),
            Token::Text(t) => Some(Term::Text(t)),
            Token::Sign("(") => {
                let inner = self.ternary()?;
                self.sign(&[")"])?;
                Some(inner)
            }
            Token::Name(name) if name == "f" => match self.tokens.get(self.at) {
                Some(Token::Text(text)) => {
                    let text = text.clone();
                    self.at += 1;
                    self.format(&text)
                }
                _ => self.names.name(&name),
            },
            Token::Name(name) => {
                if self.sign(&["("]).is_some() {
                    let args = self.list(")")?;
                    return self.names.call(&name, args);
                }
                if self.sign(&["["]).is_some() {
                    let index = self.ternary()?;
                    self.sign(&["]"])?;
                    return self.names.item(&name, &index);
                }
                match name.as_str() {
                    "True" => Some(truth(true)),
                    "False" => Some(truth(false)),
                    "None" => Some(Term::None),
                    _ => self.names.name(&name),
                }
            }
            Token::Sign(_) => None,
        }
    }

    /// `f"{x:.2f} of {y}"`
    fn format(&mut self, text: &str) -> Option<Term> {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            out.push_str(before);
            let (inside, tail) = after.split_once('}')?;
            let (what, how) = inside.split_once(':').unwrap_or((inside, ""));
            let value = eval(what, self.names)?;
            let places = how.strip_prefix('.').and_then(|h| h.strip_suffix('f'));
            match places.and_then(|p| p.parse::<usize>().ok()) {
                Some(places) => out.push_str(&format!("{:.places$}", value.number()?)),
                None => out.push_str(&value.to_string()),
            }
            rest = tail;
        }
        out.push_str(rest);
        Some(Term::Text(out))
    }
}

pub fn truth(yes: bool) -> Term {
    Term::Number(f64::from(u8::from(yes)))
}
