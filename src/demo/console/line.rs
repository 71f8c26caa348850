//! A line of a shell, taken apart: pipes, `&&`, `||`, `;`, quotes, variables and redirections; no loops.

/// A piece of a word.
#[derive(Debug, Clone, PartialEq)]
enum Piece {
    /// Literal text.
    Text(String),
    /// A variable; `true`: unquoted, so that blanks in it part words.
    Variable(String, bool),
}

/// One word.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Word {
    pieces: Vec<Piece>,
    /// It stands even if it is empty.
    quoted: bool,
}

impl Word {
    fn push(&mut self, c: char) {
        match self.pieces.last_mut() {
            Some(Piece::Text(text)) => text.push(c),
            _ => self.pieces.push(Piece::Text(c.to_string())),
        }
    }

    /// What it becomes, given the values of variables.
    pub fn expand(&self, value: impl Fn(&str) -> String) -> Vec<String> {
        let mut all = vec![String::new()];
        let mut any = self.quoted;
        for piece in &self.pieces {
            let (text, splits) = match piece {
                Piece::Text(text) => (text.clone(), false),
                Piece::Variable(name, splits) => (value(name), *splits),
            };
            any |= !text.is_empty();
            if !splits {
                if let Some(last) = all.last_mut() {
                    last.push_str(&text);
                }
                continue;
            }
            for (nth, part) in text.split_whitespace().enumerate() {
                match all.last_mut().filter(|_| nth == 0) {
                    Some(last) => last.push_str(part),
                    None => all.push(part.to_owned()),
                }
            }
        }
        if any { all } else { Vec::new() }
    }

    /// `NAME=value`
    pub fn assignment(&self) -> Option<(&str, Word)> {
        let Some(Piece::Text(first)) = self.pieces.first() else {
            return None;
        };
        let (name, rest) = first.split_once('=')?;
        let good = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.is_empty()
            || !name.chars().all(good)
            || name.starts_with(|c: char| c.is_ascii_digit())
        {
            return None;
        }
        let mut value = Word {
            pieces: vec![Piece::Text(rest.to_owned())],
            quoted: true,
        };
        value.pieces.extend(self.pieces[1..].iter().cloned());
        Some((name, value))
    }

    fn plain(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [Piece::Text(text)] if !self.quoted => Some(text),
            _ => None,
        }
    }
}

/// Where something goes to or comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum Redirect {
    Out { file: Word, append: bool },
    Err { file: Word, append: bool },
    ErrToOut,
    OutToErr,
    In(Word),
}

/// One command of a pipe.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Link {
    pub words: Vec<Word>,
    pub redirects: Vec<Redirect>,
}

/// On what it depends whether a pipe runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Joint {
    Then,
    And,
    Or,
}

/// A pipe and what stands before it.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    pub joint: Joint,
    pub pipe: Vec<Link>,
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(Word),
    Op(&'static str),
}

/// Longest first.
const OPS: [&str; 14] = [
    "2>&1", "1>&2", ">&2", "2>>", "&>", "&&", "||", ">>", "2>", "|", ";", ">", "<", "\n",
];
/// What begins more than a line can hold here.
const KEYWORDS: [&str; 6] = ["for", "while", "until", "if", "case", "function"];

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut all = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if c == ' ' || c == '\t' || c == '\r' {
            rest = &rest[1..];
        } else if c == '#' {
            rest = rest.find('\n').map_or("", |at| &rest[at..]);
        } else if let Some(op) = OPS.iter().find(|op| rest.starts_with(**op)) {
            all.push(Token::Op(op));
            rest = &rest[op.len()..];
        } else if "&()".contains(c) {
            return Err(format!("‘{c}’ is not known to this little shell"));
        } else {
            let (word, after) = word(rest)?;
            all.push(Token::Word(word));
            rest = after;
        }
    }
    Ok(all)
}

fn word(text: &str) -> Result<(Word, &str), String> {
    let mut word = Word::default();
    let mut chars = text.char_indices().peekable();
    let mut quote: Option<char> = None;
    while let Some((at, c)) = chars.next() {
        match (quote, c) {
            (None, ' ' | '\t' | '\r' | '\n' | ';' | '|' | '&' | '<' | '>' | '(' | ')') => {
                return Ok((word, &text[at..]));
            }
            (None, '\'' | '"') => {
                quote = Some(c);
                word.quoted = true;
            }
            (Some(open), c) if c == open => quote = None,
            (Some('\''), c) => word.push(c),
            (_, '\\') => {
                if let Some((_, next)) = chars.next() {
                    if quote.is_some() && !"\"\\$`".contains(next) {
                        word.push('\\');
                    }
                    word.push(next);
                }
            }
            (_, '$') => {
                let braced = chars.next_if(|(_, c)| *c == '{').is_some();
                let mut name = String::new();
                let special = |c: char| "?$".contains(c);
                let good = |c: char| c.is_ascii_alphanumeric() || c == '_';
                while let Some((_, next)) =
                    chars.next_if(|(_, c)| good(*c) || (name.is_empty() && special(*c)))
                {
                    name.push(next);
                    if special(next) {
                        break;
                    }
                }
                if braced && chars.next_if(|(_, c)| *c == '}').is_none() {
                    return Err("bad substitution".into());
                }
                match name.is_empty() {
                    true => word.push('$'),
                    false => word.pieces.push(Piece::Variable(name, quote.is_none())),
                }
            }
            (_, c) => word.push(c),
        }
    }
    match quote {
        Some(open) => Err(format!("{open} is not closed")),
        None => Ok((word, "")),
    }
}

/// Takes a line, or several, apart.
///
/// # Errors
/// What is not understood, in a few words.
pub fn parse(text: &str) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    let mut joint = Joint::Then;
    let mut pipe: Vec<Link> = Vec::new();
    let mut link = Link::default();
    let mut all = tokens(text)?.into_iter();
    let empty = |link: &Link| link.words.is_empty() && link.redirects.is_empty();
    while let Some(token) = all.next() {
        let op = match token {
            Token::Word(word) => {
                let first = link.words.is_empty();
                if first && let Some(key) = word.plain().filter(|w| KEYWORDS.contains(w)) {
                    return Err(format!("‘{key}’ is not known to this little shell"));
                }
                link.words.push(word);
                continue;
            }
            Token::Op(op) => op,
        };
        let mut file = || match all.next() {
            Some(Token::Word(word)) => Ok(word),
            _ => Err(format!("a file is missing after {op}")),
        };
        match op {
            ">" | ">>" => link.redirects.push(Redirect::Out {
                file: file()?,
                append: op == ">>",
            }),
            "2>" | "2>>" => link.redirects.push(Redirect::Err {
                file: file()?,
                append: op == "2>>",
            }),
            "&>" => {
                link.redirects.push(Redirect::ErrToOut);
                link.redirects.push(Redirect::Out {
                    file: file()?,
                    append: false,
                });
            }
            "1>&2" | ">&2" => link.redirects.push(Redirect::OutToErr),
            "2>&1" => link.redirects.push(Redirect::ErrToOut),
            "<" => link.redirects.push(Redirect::In(file()?)),
            "|" if empty(&link) => return Err("nothing before |".into()),
            "|" => pipe.push(std::mem::take(&mut link)),
            op => {
                let nothing = empty(&link) && pipe.is_empty();
                if nothing && matches!(op, "&&" | "||") {
                    return Err(format!("nothing before {op}"));
                }
                if !nothing {
                    pipe.push(std::mem::take(&mut link));
                    let pipe = std::mem::take(&mut pipe);
                    parts.push(Part { joint, pipe });
                }
                joint = match op {
                    "&&" => Joint::And,
                    "||" => Joint::Or,
                    _ => Joint::Then,
                };
            }
        }
    }
    if !empty(&link) {
        pipe.push(link);
    } else if !pipe.is_empty() {
        return Err("nothing after |".into());
    }
    if !pipe.is_empty() {
        parts.push(Part { joint, pipe });
    }
    Ok(parts)
}
