//! Shell text to commands: the part of POSIX sh (and a little bash) that batch jobs use.

/// A piece of a word.
#[derive(Debug, Clone, PartialEq)]
pub enum Piece {
    /// Literal text.
    Text(String),
    /// `$NAME`, `${NAME}`, `${NAME:-default}`, `${NAME[index]}`, `$?`, `$$`; `split`: unquoted.
    Var {
        name: String,
        default: Option<String>,
        index: Option<String>,
        /// `%%*.gz`: what goes of its end or beginning.
        cut: Option<String>,
        split: bool,
    },
    /// `$((…))`
    Sum(String),
    /// `$(…)`; `split`: unquoted.
    Output { script: String, split: bool },
}

/// A word, and whether any of it was quoted (an empty quoted word is still a word).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Word {
    pub pieces: Vec<Piece>,
    pub quoted: bool,
}

impl Word {
    /// The word as plain text, if it holds nothing to expand.
    pub fn plain(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [Piece::Text(t)] if !self.quoted => Some(t),
            _ => None,
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    Simple {
        sets: Vec<(String, Vec<Word>)>,
        words: Vec<Word>,
    },
    /// Condition and body pairs, then the `else` part.
    If {
        arms: Vec<(Vec<Command>, Vec<Command>)>,
        other: Vec<Command>,
    },
    For {
        name: String,
        items: Vec<Word>,
        body: Vec<Command>,
    },
    While {
        until: bool,
        test: Vec<Command>,
        body: Vec<Command>,
    },
    Case {
        word: Word,
        arms: Vec<(Vec<String>, Vec<Command>)>,
    },
    Group(Vec<Command>),
    Pipe(Vec<Command>),
    /// `left && right` (true) or `left || right` (false).
    Chain(Box<Command>, bool, Box<Command>),
    Not(Box<Command>),
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(Word),
    /// `;` or a newline, `;;`, `&&`, `||`, `|`, `&`, `(`, `)`
    Op(&'static str),
}

/// Parses a script; `None` if its structure is not understood.
pub fn parse(script: &str) -> Option<Vec<Command>> {
    let tokens = tokens(script)?;
    let mut parser = Parser { tokens, at: 0 };
    let list = parser.list(&[])?;
    (parser.at == parser.tokens.len()).then_some(list)
}

fn tokens(script: &str) -> Option<Vec<Token>> {
    let chars: Vec<char> = script.chars().collect();
    let mut out = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        let c = chars[at];
        let two: String = chars[at..(at + 2).min(chars.len())].iter().collect();
        match c {
            ' ' | '\t' | '\r' => at += 1,
            '\\' if chars.get(at + 1) == Some(&'\n') => at += 2,
            '#' => {
                while at < chars.len() && chars[at] != '\n' {
                    at += 1;
                }
            }
            '\n' => {
                out.push(Token::Op(";"));
                at += 1;
            }
            _ if ["&&", "||", ";;"].contains(&two.as_str()) => {
                out.push(Token::Op(
                    ["&&", "||", ";;"].into_iter().find(|o| *o == two)?,
                ));
                at += 2;
            }
            ';' | '|' | '(' | ')' => {
                out.push(Token::Op(match c {
                    ';' => ";",
                    '|' => "|",
                    '(' => "(",
                    _ => ")",
                }));
                at += 1;
            }
            '&' if chars.get(at + 1) != Some(&'>') => {
                out.push(Token::Op("&"));
                at += 1;
            }
            '>' | '<' | '&' => at = redirection(&chars, at)?,
            _ => {
                let (word, next) = word(&chars, at)?;
                // `2>&1`: the number belongs to the redirection.
                let fd = matches!(chars.get(next), Some('>' | '<'))
                    && word.plain().is_some_and(|w| w.parse::<u8>().is_ok());
                at = next;
                if fd {
                    at = redirection(&chars, at)?;
                } else {
                    out.push(Token::Word(word));
                }
            }
        }
    }
    Some(out)
}

/// Files do not exist here: a redirection and its target are read over.
fn redirection(chars: &[char], mut at: usize) -> Option<usize> {
    while matches!(chars.get(at), Some('>' | '<' | '&')) {
        at += 1;
    }
    while chars.get(at) == Some(&' ') {
        at += 1;
    }
    let stop = |c: &char| " \t\n;|&()".contains(*c);
    if chars.get(at).is_none_or(stop) {
        return Some(at);
    }
    Some(word(chars, at)?.1)
}

fn word(chars: &[char], mut at: usize) -> Option<(Word, usize)> {
    let mut word = Word::default();
    let mut text = String::new();
    let flush = |text: &mut String, word: &mut Word| {
        if !text.is_empty() {
            word.pieces.push(Piece::Text(std::mem::take(text)));
        }
    };
    while let Some(&c) = chars.get(at) {
        match c {
            ' ' | '\t' | '\r' | '\n' | ';' | '|' | '&' | ')' | '<' | '>' => break,
            '(' if text.ends_with('=') => {
                // bash: name=(a b c)
                let end = (at..chars.len()).find(|i| chars[*i] == ')')?;
                text.extend(&chars[at..=end]);
                at = end + 1;
            }
            '(' => break,
            '\'' => {
                let end = (at + 1..chars.len()).find(|i| chars[*i] == '\'')?;
                text.extend(&chars[at + 1..end]);
                word.quoted = true;
                at = end + 1;
            }
            '"' => {
                word.quoted = true;
                at += 1;
                while *chars.get(at)? != '"' {
                    match chars[at] {
                        '\\' => {
                            let next = *chars.get(at + 1)?;
                            if !"\"\\$`\n".contains(next) {
                                text.push('\\');
                            }
                            if next != '\n' {
                                text.push(next);
                            }
                            at += 2;
                        }
                        '$' | '`' => {
                            flush(&mut text, &mut word);
                            at = dollar(chars, at, false, &mut word)?;
                        }
                        other => {
                            text.push(other);
                            at += 1;
                        }
                    }
                }
                at += 1;
            }
            '\\' => {
                text.extend(chars.get(at + 1));
                at += 2;
            }
            '$' | '`' => {
                flush(&mut text, &mut word);
                at = dollar(chars, at, true, &mut word)?;
            }
            other => {
                text.push(other);
                at += 1;
            }
        }
    }
    flush(&mut text, &mut word);
    Some((word, at))
}

/// What follows a `$` (or a back-quote).
fn dollar(chars: &[char], at: usize, split: bool, word: &mut Word) -> Option<usize> {
    let text = |from: usize, to: usize| chars[from..to].iter().collect::<String>();
    if chars[at] == '`' {
        let end = (at + 1..chars.len()).find(|i| chars[*i] == '`')?;
        word.pieces.push(Piece::Output {
            script: text(at + 1, end),
            split,
        });
        return Some(end + 1);
    }
    let mut var = |name: String, default: Option<String>, index: Option<String>| {
        word.pieces.push(Piece::Var {
            name,
            default,
            index,
            cut: None,
            split,
        });
    };
    match chars.get(at + 1) {
        Some('(') => {
            let sum = chars.get(at + 2) == Some(&'(');
            let end = matching(chars, at + 1)?;
            word.pieces.push(if sum && chars[end - 1] == ')' {
                Piece::Sum(text(at + 3, end - 1))
            } else {
                Piece::Output {
                    script: text(at + 2, end),
                    split,
                }
            });
            Some(end + 1)
        }
        Some('{') => {
            let end = (at..chars.len()).find(|i| chars[*i] == '}')?;
            let inside = text(at + 2, end);
            let signs = |c: char| matches!(c, '%' | '#' | ':' | '-');
            if let Some(sign) = inside.find(signs).filter(|sign| *sign > 0)
                && inside[sign..].starts_with(['%', '#'])
            {
                let pattern = inside[sign..].to_owned();
                word.pieces.push(Piece::Var {
                    name: inside[..sign].to_owned(),
                    default: None,
                    index: None,
                    cut: Some(pattern),
                    split,
                });
                return Some(end + 1);
            }
            let (name, default) = match inside.split_once(":-").or_else(|| inside.split_once('-')) {
                Some((name, default)) => (name.to_owned(), Some(default.to_owned())),
                None => (inside, None),
            };
            match name.split_once('[') {
                Some((name, index)) => var(
                    name.to_owned(),
                    default,
                    Some(index.trim_end_matches(']').to_owned()),
                ),
                None => var(name, default, None),
            }
            Some(end + 1)
        }
        Some(c) if c.is_alphanumeric() || *c == '_' => {
            let mut end = at + 1;
            while chars
                .get(end)
                .is_some_and(|c| c.is_alphanumeric() || *c == '_')
            {
                end += 1;
            }
            var(text(at + 1, end), None, None);
            Some(end)
        }
        Some(c @ ('?' | '$' | '#' | '@' | '*' | '!')) => {
            var(c.to_string(), None, None);
            Some(at + 2)
        }
        _ => {
            word.pieces.push(Piece::Text("$".to_owned()));
            Some(at + 1)
        }
    }
}

fn matching(chars: &[char], open: usize) -> Option<usize> {
    let mut depth = 0;
    for (i, c) in chars.iter().enumerate().skip(open) {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(i);
        }
    }
    None
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
}

impl Parser {
    fn op(&mut self, op: &str) -> bool {
        let hit = matches!(self.tokens.get(self.at), Some(Token::Op(o)) if *o == op);
        self.at += usize::from(hit);
        hit
    }

    fn peek_word(&self) -> Option<&str> {
        match self.tokens.get(self.at)? {
            Token::Word(w) => w.plain(),
            Token::Op(_) => None,
        }
    }

    fn keyword(&mut self, word: &str) -> bool {
        let hit = self.peek_word() == Some(word);
        self.at += usize::from(hit);
        hit
    }

    /// Commands up to one of these words (which is not taken).
    fn list(&mut self, ends: &[&str]) -> Option<Vec<Command>> {
        let mut out = Vec::new();
        loop {
            while self.op(";") || self.op("&") {}
            let Some(token) = self.tokens.get(self.at) else {
                return Some(out);
            };
            let closing = matches!(token, Token::Op(")" | ";;"))
                || self.peek_word().is_some_and(|w| ends.contains(&w));
            if closing {
                return Some(out);
            }
            out.push(self.chain()?);
        }
    }

    fn chain(&mut self) -> Option<Command> {
        let mut left = self.pipe()?;
        loop {
            let and = self.op("&&");
            if !and && !self.op("||") {
                return Some(left);
            }
            while self.op(";") {}
            left = Command::Chain(Box::new(left), and, Box::new(self.pipe()?));
        }
    }

    fn pipe(&mut self) -> Option<Command> {
        if self.keyword("!") {
            return Some(Command::Not(Box::new(self.pipe()?)));
        }
        let first = self.command()?;
        let mut all = vec![first];
        while self.op("|") {
            while self.op(";") {}
            all.push(self.command()?);
        }
        Some(if all.len() == 1 {
            all.remove(0)
        } else {
            Command::Pipe(all)
        })
    }

    fn body(&mut self, ends: &[&str]) -> Option<Vec<Command>> {
        self.list(ends)
    }

    fn command(&mut self) -> Option<Command> {
        if self.op("(") {
            let list = self.list(&[])?;
            return self.op(")").then_some(Command::Group(list));
        }
        if self.keyword("{") {
            let list = self.body(&["}"])?;
            return self.keyword("}").then_some(Command::Group(list));
        }
        if self.keyword("if") {
            return self.branch();
        }
        for (word, until) in [("while", false), ("until", true)] {
            if self.keyword(word) {
                let test = self.body(&["do"])?;
                let body = self.loop_body()?;
                return Some(Command::While { until, test, body });
            }
        }
        if self.keyword("for") {
            let name = self.peek_word()?.to_owned();
            self.at += 1;
            let mut items = Vec::new();
            if self.keyword("in") {
                while let Some(Token::Word(w)) = self.tokens.get(self.at) {
                    items.push(w.clone());
                    self.at += 1;
                }
            } else {
                items.push(Word {
                    pieces: vec![Piece::Var {
                        name: "@".to_owned(),
                        default: None,
                        index: None,
                        cut: None,
                        split: false,
                    }],
                    quoted: true,
                });
            }
            let body = self.loop_body()?;
            return Some(Command::For { name, items, body });
        }
        if self.keyword("case") {
            return self.case();
        }
        self.simple()
    }

    fn loop_body(&mut self) -> Option<Vec<Command>> {
        while self.op(";") {}
        if !self.keyword("do") {
            return None;
        }
        let body = self.body(&["done"])?;
        self.keyword("done").then_some(body)
    }

    fn branch(&mut self) -> Option<Command> {
        let (mut arms, mut other) = (Vec::new(), Vec::new());
        loop {
            let test = self.body(&["then"])?;
            if !self.keyword("then") {
                return None;
            }
            arms.push((test, self.body(&["elif", "else", "fi"])?));
            if self.keyword("elif") {
                continue;
            }
            if self.keyword("else") {
                other = self.body(&["fi"])?;
            }
            return self.keyword("fi").then_some(Command::If { arms, other });
        }
    }

    fn case(&mut self) -> Option<Command> {
        let Some(Token::Word(word)) = self.tokens.get(self.at).cloned() else {
            return None;
        };
        self.at += 1;
        if !self.keyword("in") {
            return None;
        }
        let mut arms = Vec::new();
        loop {
            while self.op(";") || self.op(";;") {}
            if self.keyword("esac") {
                return Some(Command::Case { word, arms });
            }
            self.op("(");
            let mut patterns = Vec::new();
            while let Some(Token::Word(w)) = self.tokens.get(self.at) {
                let text = w.pieces.iter().map(|p| match p {
                    Piece::Text(t) => t.as_str(),
                    _ => "",
                });
                patterns.push(text.collect());
                self.at += 1;
                self.op("|");
            }
            if !self.op(")") {
                return None;
            }
            arms.push((patterns, self.body(&["esac"])?));
        }
    }

    fn simple(&mut self) -> Option<Command> {
        let (mut sets, mut words) = (Vec::new(), Vec::new());
        while let Some(Token::Word(word)) = self.tokens.get(self.at).cloned() {
            let set = words.is_empty().then(|| assignment(&word)).flatten();
            match set {
                Some(set) => sets.push(set),
                None => words.push(word),
            }
            self.at += 1;
        }
        (!sets.is_empty() || !words.is_empty()).then_some(Command::Simple { sets, words })
    }
}

/// `NAME=value` or `NAME=(a b c)`.
fn assignment(word: &Word) -> Option<(String, Vec<Word>)> {
    let Piece::Text(first) = word.pieces.first()? else {
        return None;
    };
    let (name, rest) = first.split_once('=')?;
    let legal = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.is_empty() || !name.chars().all(legal) || name.starts_with(|c: char| c.is_ascii_digit())
    {
        return None;
    }
    if let Some(list) = rest.strip_prefix('(').and_then(|r| r.strip_suffix(')')) {
        let item = |text: &str| Word {
            pieces: vec![Piece::Text(text.to_owned())],
            quoted: true,
        };
        return Some((name.to_owned(), list.split_whitespace().map(item).collect()));
    }
    let mut value = Word {
        pieces: word.pieces[1..].to_vec(),
        quoted: true,
    };
    if !rest.is_empty() {
        value.pieces.insert(0, Piece::Text(rest.to_owned()));
    }
    Some((name.to_owned(), vec![value]))
}
