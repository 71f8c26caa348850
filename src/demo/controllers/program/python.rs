//! Just enough Python for the scripts people put into `python -c`: prints, sleeps, conditions, loops, exits.

use std::collections::BTreeMap;

use super::expr::{self, Names, Term};
use super::tools::{Machine, Stop};

/// `python3 [flags] (-c SCRIPT | FILE | -m MODULE) …`
pub fn command(machine: &mut Machine, args: &[String]) -> i32 {
    machine.pass(0.15);
    let Some(at) = args.iter().position(|a| a == "-c") else {
        if args.is_empty() {
            return 0;
        }
        let shown = args.join(" ");
        let shown: String = shown.chars().take(160).collect();
        machine.print(&format!("+ python {shown}"));
        let took = 4.0 + 10.0 * machine.unit();
        machine.pass(took);
        machine.term.get_or_insert((0.8, 143));
        return 0;
    };
    let script = args.get(at + 1).cloned().unwrap_or_default();
    let lines = lines(&script);
    let mut python = Python {
        machine,
        vars: BTreeMap::new(),
        raised: None,
    };
    python.block(&lines);
    if let Some((kind, message)) = python.raised.take() {
        machine.print("Traceback (most recent call last):");
        machine.print("  File \"<string>\", in <module>");
        let text = if message.is_empty() {
            kind
        } else {
            format!("{kind}: {message}")
        };
        machine.print(&text);
        return 1;
    }
    match machine.stop {
        Some(Stop::Exit(code)) => {
            machine.stop = None;
            code
        }
        _ => 0,
    }
}

/// A logical line: its indentation and its text.
type Source = (usize, String);

fn lines(script: &str) -> Vec<Source> {
    let mut out: Vec<Source> = Vec::new();
    let mut open = 0i32;
    for line in script.lines() {
        let text = line.trim();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        let deeper = text.matches(['(', '[', '{']).count() as i32
            - text.matches([')', ']', '}']).count() as i32;
        match out.last_mut().filter(|_| open > 0) {
            Some(last) => {
                last.1.push(' ');
                last.1.push_str(text);
            }
            None => {
                let indent = line.len() - line.trim_start().len();
                for (i, part) in statements(text).into_iter().enumerate() {
                    out.push((indent, part));
                    // `a; b` on one line: all at the same depth.
                    debug_assert!(i < 1000);
                }
            }
        }
        open += deeper;
    }
    out
}

/// Splits at `;` outside of quotes.
fn statements(text: &str) -> Vec<String> {
    let mut out = vec![String::new()];
    let mut quote = None;
    for c in text.chars() {
        match (quote, c) {
            (None, ';') => {
                out.push(String::new());
                continue;
            }
            (None, '\'' | '"') => quote = Some(c),
            (Some(q), c) if q == c => quote = None,
            _ => {}
        }
        if let Some(last) = out.last_mut() {
            last.push(c);
        }
    }
    out.into_iter()
        .map(|s| s.trim().to_owned())
        .filter(|s| !s.is_empty())
        .collect()
}

struct Python<'a> {
    machine: &'a mut Machine,
    vars: BTreeMap<String, Term>,
    raised: Option<(String, String)>,
}

impl Python<'_> {
    fn over(&self) -> bool {
        self.machine.stop.is_some() || self.raised.is_some()
    }

    fn raise(&mut self, kind: &str, message: &str) {
        self.raised = Some((kind.to_owned(), message.to_owned()));
    }

    fn block(&mut self, lines: &[Source]) {
        let mut at = 0;
        while at < lines.len() && !self.over() && self.machine.tick() {
            let (indent, text) = &lines[at];
            let body_end = (at + 1..lines.len())
                .find(|i| lines[*i].0 <= *indent)
                .unwrap_or(lines.len());
            let body = &lines[at + 1..body_end];
            at = body_end;
            let Some((head, rest)) = compound(text) else {
                self.statement(text);
                continue;
            };
            let inline: Vec<Source> = statements(&rest).into_iter().map(|s| (0, s)).collect();
            let body = if inline.is_empty() { body } else { &inline };
            match head.split_whitespace().next().unwrap_or_default() {
                "if" => {
                    let mut taken = self.test(&head[2..]);
                    if taken {
                        self.block(body);
                    }
                    // The rest of the chain belongs to this `if`.
                    while let Some((_, next)) = lines.get(at).filter(|l| l.0 == *indent) {
                        let Some((head, rest)) = compound(next) else {
                            break;
                        };
                        let elif = head.strip_prefix("elif ");
                        if elif.is_none() && head != "else" {
                            break;
                        }
                        let end = (at + 1..lines.len())
                            .find(|i| lines[*i].0 <= *indent)
                            .unwrap_or(lines.len());
                        let inline: Vec<Source> =
                            statements(&rest).into_iter().map(|s| (0, s)).collect();
                        let other = if inline.is_empty() {
                            &lines[at + 1..end]
                        } else {
                            &inline
                        };
                        if !taken && !self.over() && elif.is_none_or(|test| self.test(test)) {
                            taken = true;
                            self.block(other);
                        }
                        at = end;
                    }
                }
                "while" => {
                    while !self.over() && self.machine.tick() && self.test(&head[5..]) {
                        self.block(body);
                        if self.leaves_loop() {
                            break;
                        }
                    }
                }
                "for" => self.repeat(&head[3..], body),
                // Definitions and context managers: their bodies run where they stand.
                "def" | "class" | "except" | "finally" => {}
                _ => self.block(body),
            }
        }
    }

    fn leaves_loop(&mut self) -> bool {
        match self.machine.stop {
            Some(Stop::Break) => {
                self.machine.stop = None;
                true
            }
            Some(Stop::Continue) => {
                self.machine.stop = None;
                false
            }
            _ => self.over(),
        }
    }

    fn repeat(&mut self, head: &str, body: &[Source]) {
        let Some((name, over)) = head.split_once(" in ") else {
            return;
        };
        let over = over.trim();
        let range = over
            .strip_prefix("range(")
            .and_then(|r| r.strip_suffix(')'));
        let items: Vec<Term> = match range {
            Some(range) => {
                let n: Vec<i64> = range
                    .split(',')
                    .filter_map(|p| self.value(p)?.number())
                    .map(|n| n as i64)
                    .collect();
                let (from, to, step) = match n.as_slice() {
                    [to] => (0, *to, 1),
                    [from, to] => (*from, *to, 1),
                    [from, to, step] => (*from, *to, (*step).max(1)),
                    _ => return,
                };
                (from..to)
                    .step_by(step as usize)
                    .take(20_000)
                    .map(|n| Term::Number(n as f64))
                    .collect()
            }
            None => {
                let list = over
                    .trim_start_matches(['[', '('])
                    .trim_end_matches([']', ')']);
                list.split(',').filter_map(|p| self.value(p)).collect()
            }
        };
        for item in items {
            if self.over() || !self.machine.tick() {
                return;
            }
            self.vars.insert(name.trim().to_owned(), item);
            self.block(body);
            if self.leaves_loop() {
                return;
            }
        }
    }

    fn value(&mut self, text: &str) -> Option<Term> {
        expr::eval(text, self)
    }

    fn test(&mut self, text: &str) -> bool {
        self.value(text).is_some_and(|v| v.truth())
    }

    fn statement(&mut self, text: &str) {
        let first = text.split([' ', '(']).next().unwrap_or_default();
        match first {
            "import" | "from" | "pass" | "global" | "def" | "class" => {}
            "break" => self.machine.stop = Some(Stop::Break),
            "continue" => self.machine.stop = Some(Stop::Continue),
            "raise" => {
                let what = text[5..].trim();
                let (kind, message) = what.split_once('(').unwrap_or((what, ""));
                let message = self.value(message.trim_end_matches(')'));
                let message = message.unwrap_or(Term::Text(String::new()));
                if kind == "SystemExit" {
                    self.machine.stop =
                        Some(Stop::Exit(message.number().unwrap_or(0.0) as i32 & 0xff));
                } else {
                    self.raise(kind, &message.to_string());
                }
            }
            "assert" => {
                if !self.test(text[6..].split(',').next().unwrap_or_default()) {
                    self.raise("AssertionError", "");
                }
            }
            _ => {
                for sign in ["+=", "-="] {
                    if let Some((name, value)) = text.split_once(sign) {
                        let sum = format!("{name} {} ({value})", &sign[..1]);
                        if let Some(value) = self.value(&sum) {
                            self.vars.insert(name.trim().to_owned(), value);
                        }
                        return;
                    }
                }
                let set = text.split_once('=').filter(|(name, rest)| {
                    let legal = |c: char| c.is_alphanumeric() || c == '_';
                    name.trim().chars().all(legal) && !rest.starts_with('=')
                });
                if let Some((name, value)) = set {
                    let value = self.value(value).unwrap_or(Term::None);
                    self.vars.insert(name.trim().to_owned(), value);
                    return;
                }
                if text.contains("/ 0") || text.contains("/0") {
                    self.raise("ZeroDivisionError", "division by zero");
                    return;
                }
                self.value(text);
            }
        }
    }
}

/// A compound statement's head and what follows its colon on the same line.
fn compound(text: &str) -> Option<(String, String)> {
    let word = text.split([' ', ':', '(']).next()?;
    let heads = [
        "if", "elif", "else", "while", "for", "try", "except", "finally", "with", "def", "class",
    ];
    if !heads.contains(&word) {
        return None;
    }
    let (mut depth, mut quote) = (0, None);
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(q), c) if q == c => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(c),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') => depth -= 1,
            (None, ':') if depth == 0 => {
                return Some((
                    text[..at].trim().to_owned(),
                    text[at + 1..].trim().to_owned(),
                ));
            }
            _ => {}
        }
    }
    None
}

impl Names for Python<'_> {
    fn name(&mut self, name: &str) -> Option<Term> {
        match self.vars.get(name) {
            Some(value) => Some(value.clone()),
            None if name.contains('.') => Some(Term::None),
            None => {
                self.raise("NameError", &format!("name '{name}' is not defined"));
                None
            }
        }
    }

    fn call(&mut self, name: &str, args: Vec<Term>) -> Option<Term> {
        let number = |at: usize| args.get(at).and_then(Term::number);
        Some(match name {
            "print" => {
                let words: Vec<String> = args.iter().map(ToString::to_string).collect();
                self.machine.print(&words.join(" "));
                Term::None
            }
            "time.sleep" | "sleep" => {
                self.machine.pass(number(0).unwrap_or(0.0));
                Term::None
            }
            "sys.exit" | "exit" | "quit" | "os._exit" => {
                let code = match args.first() {
                    Some(Term::Text(text)) => {
                        let text = text.clone();
                        self.machine.print(&text);
                        1
                    }
                    Some(term) => term.number().unwrap_or(0.0) as i32 & 0xff,
                    None => 0,
                };
                self.machine.stop = Some(Stop::Exit(code));
                Term::None
            }
            "os.environ.get" | "os.getenv" => {
                let value = self.machine.env.get(&args.first()?.to_string()).cloned();
                value
                    .map(Term::Text)
                    .or(args.get(1).cloned())
                    .unwrap_or(Term::None)
            }
            "int" => match number(0) {
                Some(n) => Term::Number(n.trunc()),
                None => {
                    self.raise("TypeError", "int() argument must be a string, a bytes-like object or a real number, not 'NoneType'");
                    return None;
                }
            },
            "float" => Term::Number(number(0)?),
            "str" => Term::Text(args.first()?.to_string()),
            "len" => Term::Number(args.first()?.to_string().chars().count() as f64),
            "abs" => Term::Number(number(0)?.abs()),
            "min" => Term::Number(number(0)?.min(number(1)?)),
            "max" => Term::Number(number(0)?.max(number(1)?)),
            "random.random" => Term::Number(self.machine.unit()),
            "random.randint" => {
                let (low, high) = (number(0)?, number(1)?);
                Term::Number(low + self.machine.random((high - low).max(0.0) as u64 + 1) as f64)
            }
            "random.uniform" => {
                let (low, high) = (number(0)?, number(1)?);
                Term::Number(low + (high - low) * self.machine.unit())
            }
            "os.kill" | "os.abort" => {
                let signal = if name == "os.abort" {
                    6.0
                } else {
                    number(1).unwrap_or(9.0)
                };
                self.machine
                    .exec(&["kill".to_owned(), format!("-{signal}")]);
                Term::None
            }
            "socket.gethostname" | "platform.node" => Term::Text(
                self.machine
                    .env
                    .get("HOSTNAME")
                    .cloned()
                    .unwrap_or_default(),
            ),
            "bytearray" if number(0)? > 16e9 => {
                self.machine.kill_for_memory();
                Term::None
            }
            _ => Term::None,
        })
    }

    fn item(&mut self, name: &str, index: &Term) -> Option<Term> {
        if name != "os.environ" {
            return Some(Term::None);
        }
        let key = index.to_string();
        let value = self.machine.env.get(&key).cloned();
        if value.is_none() {
            self.raise("KeyError", &format!("'{key}'"));
        }
        value.map(Term::Text)
    }
}
