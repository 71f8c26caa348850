//! Runs shell commands on a [`Machine`]: control flow, variables, substitutions.

use std::collections::BTreeMap;

use super::expr::{self, Names, Term};
use super::parse::{self, Command, Piece, Word};
use super::tools::{Machine, Stop};

/// Runs a script; its last status.
pub fn script(machine: &mut Machine, text: &str, args: &[String]) -> i32 {
    let Some(commands) = parse::parse(text) else {
        machine.print("sh: syntax error");
        return 2;
    };
    let mut shell = Shell {
        arrays: BTreeMap::new(),
        args: args.to_vec(),
        status: 0,
        strict: false,
        tested: 0,
        machine,
    };
    shell.list(&commands);
    let status = shell.status;
    if let Some(Stop::Exit(code)) = machine.stop {
        machine.stop = None;
        return code;
    }
    status
}

struct Shell<'a> {
    machine: &'a mut Machine,
    arrays: BTreeMap<String, Vec<String>>,
    args: Vec<String>,
    status: i32,
    /// `set -e`
    strict: bool,
    /// Inside a condition, where a failure is an answer.
    tested: u32,
}

impl Shell<'_> {
    fn over(&self) -> bool {
        self.machine.stop.is_some()
    }

    fn list(&mut self, commands: &[Command]) {
        for command in commands {
            if self.over() {
                return;
            }
            self.command(command);
            if self.strict && self.status != 0 && self.tested == 0 && !self.over() {
                self.machine.stop = Some(Stop::Exit(self.status));
            }
        }
    }

    fn test(&mut self, commands: &[Command]) -> bool {
        self.tested += 1;
        self.list(commands);
        self.tested -= 1;
        self.status == 0 && !self.over()
    }

    fn command(&mut self, command: &Command) {
        if !self.machine.tick() {
            return;
        }
        match command {
            Command::Simple { sets, words } => self.simple(sets, words),
            Command::Group(list) => self.list(list),
            Command::Not(inner) => {
                let fine = self.test(std::slice::from_ref(inner));
                self.status = i32::from(fine);
            }
            Command::Chain(left, and, right) => {
                let fine = self.test(std::slice::from_ref(left));
                if fine == *and && !self.over() {
                    self.command(right);
                }
            }
            Command::If { arms, other } => {
                for (test, body) in arms {
                    if self.test(test) {
                        self.status = 0;
                        return self.list(body);
                    }
                }
                self.status = 0;
                self.list(other);
            }
            Command::For { name, items, body } => {
                let items: Vec<String> = items.iter().flat_map(|w| self.expand(w)).collect();
                for item in items {
                    self.machine.env.insert(name.clone(), item);
                    self.list(body);
                    if self.leaves_loop() {
                        break;
                    }
                }
            }
            Command::While { until, test, body } => loop {
                if self.test(test) == *until || self.over() {
                    break;
                }
                self.list(body);
                if self.leaves_loop() || !self.machine.tick() {
                    break;
                }
            },
            Command::Case { word, arms } => {
                let word = self.expand(word).join(" ");
                let hit = |p: &String| matches(p, &word);
                if let Some((_, body)) = arms.iter().find(|(ps, _)| ps.iter().any(hit)) {
                    self.list(body);
                }
            }
            Command::Pipe(all) => {
                let mut input = Vec::new();
                for (i, part) in all.iter().enumerate() {
                    self.machine.input = std::mem::take(&mut input);
                    if i + 1 == all.len() {
                        self.command(part);
                    } else {
                        input = self.captured(|s| s.command(part));
                    }
                }
                self.machine.input.clear();
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
            Some(_) => true,
            None => false,
        }
    }

    /// The lines that something prints, instead of printing them.
    fn captured(&mut self, run: impl FnOnce(&mut Self)) -> Vec<String> {
        let kept = self.machine.capture();
        run(self);
        self.machine.release(kept)
    }

    fn simple(&mut self, sets: &[(String, Vec<Word>)], words: &[Word]) {
        for (name, values) in sets {
            let values: Vec<String> = values.iter().flat_map(|w| self.expand(w)).collect();
            if values.len() > 1 {
                self.arrays.insert(name.clone(), values);
            } else {
                self.machine.env.insert(name.clone(), values.concat());
            }
        }
        let argv: Vec<String> = words.iter().flat_map(|w| self.expand(w)).collect();
        let Some(name) = argv.first() else {
            self.status = 0;
            return;
        };
        let number = |at: usize| argv.get(at).and_then(|a| a.parse::<i32>().ok());
        match name.as_str() {
            "exit" | "return" => {
                self.machine.stop = Some(Stop::Exit(number(1).unwrap_or(self.status) & 0xff));
            }
            "break" => self.machine.stop = Some(Stop::Break),
            "continue" => self.machine.stop = Some(Stop::Continue),
            "shift" => {
                let by = number(1).unwrap_or(1).max(0) as usize;
                let there = self.args.len().saturating_sub(1);
                self.status = i32::from(by > there);
                if by <= there {
                    self.args.drain(1..=by);
                }
            }
            "set" if argv.get(1).is_some_and(|a| a == "--") => {
                self.args.truncate(1);
                self.args.extend(argv[2..].iter().cloned());
                self.status = 0;
            }
            "set" => {
                let flags = argv[1..].iter().filter(|a| a.starts_with('-'));
                self.strict |= flags.into_iter().any(|f| f.contains('e'));
                self.status = 0;
            }
            "export" | "local" | "readonly" | "declare" => {
                for pair in &argv[1..] {
                    if let Some((name, value)) = pair.split_once('=') {
                        self.machine.env.insert(name.to_owned(), value.to_owned());
                    }
                }
                self.status = 0;
            }
            "trap" => {
                // A handler for SIGTERM makes the shell stoppable.
                if argv.iter().any(|a| a.contains("TERM") || a == "15") {
                    let code = argv
                        .get(1)
                        .and_then(|h| h.rsplit("exit ").next()?.trim().parse().ok());
                    self.machine.term = Some((0.4, code.unwrap_or(0)));
                }
                self.status = 0;
            }
            "eval" => {
                let text = argv[1..].join(" ");
                if let Some(list) = parse::parse(&text) {
                    self.list(&list);
                }
            }
            "exec" if argv.len() > 1 => {
                let code = self.machine.exec(&argv[1..]);
                if self.machine.stop.is_none() {
                    self.machine.stop = Some(Stop::Exit(code));
                }
            }
            _ => self.status = self.machine.exec(&argv),
        }
    }

    /// The fields that a word becomes.
    fn expand(&mut self, word: &Word) -> Vec<String> {
        let mut fields = vec![String::new()];
        let mut any = word.quoted;
        for piece in &word.pieces {
            let (text, split) = match piece {
                // "$@": as many as there are
                Piece::Var {
                    name, split: false, ..
                } if name == "@" => {
                    let mut all = self.args.iter().skip(1).cloned();
                    if let (Some(last), Some(first)) = (fields.last_mut(), all.next()) {
                        last.push_str(&first);
                    } else if word.pieces.len() == 1 {
                        return Vec::new();
                    }
                    fields.extend(all);
                    continue;
                }
                Piece::Var {
                    name,
                    cut: Some(cut),
                    split,
                    ..
                } => {
                    let value = self.variable(name, None, None);
                    (trimmed(&value, cut).to_owned(), *split)
                }
                Piece::Text(t) => (t.clone(), false),
                Piece::Var {
                    name,
                    default,
                    index,
                    split,
                    ..
                } => (
                    self.variable(name, default.as_deref(), index.as_deref()),
                    *split,
                ),
                Piece::Sum(text) => (self.sum(text), false),
                Piece::Output { script, split } => {
                    let script = script.clone();
                    let lines = self.captured(|s| {
                        if let Some(list) = parse::parse(&script) {
                            s.list(&list);
                        }
                    });
                    (lines.join("\n"), *split)
                }
            };
            any |= !text.is_empty();
            if !split {
                if let Some(last) = fields.last_mut() {
                    last.push_str(&text);
                }
                continue;
            }
            let leading = text.starts_with(char::is_whitespace);
            for (i, part) in text.split_whitespace().enumerate() {
                match fields.last_mut() {
                    Some(last) if i == 0 && !leading => last.push_str(part),
                    _ => fields.push(part.to_owned()),
                }
            }
        }
        if any { fields } else { Vec::new() }
    }

    fn variable(&mut self, name: &str, default: Option<&str>, index: Option<&str>) -> String {
        if let Some(index) = index {
            let list = self.arrays.get(name).cloned().unwrap_or_default();
            if index == "@" || index == "*" {
                return list.join(" ");
            }
            let at = self.sum(index).parse::<usize>().unwrap_or(0);
            return list.get(at).cloned().unwrap_or_default();
        }
        let value = match name {
            "?" => self.status.to_string(),
            "$" => "1".to_owned(),
            "#" => self.args.len().saturating_sub(1).to_string(),
            "@" | "*" => self
                .args
                .iter()
                .skip(1)
                .cloned()
                .collect::<Vec<_>>()
                .join(" "),
            "RANDOM" => self.machine.random(32_768).to_string(),
            "SECONDS" => (self.machine.time as u64).to_string(),
            name => match name.parse::<usize>() {
                Ok(at) => self.args.get(at).cloned().unwrap_or_default(),
                Err(_) => self.machine.env.get(name).cloned().unwrap_or_default(),
            },
        };
        match default {
            Some(default) if value.is_empty() => default.to_owned(),
            _ => value,
        }
    }

    fn sum(&mut self, text: &str) -> String {
        // Names, `$names` and `$(…)` inside are expanded first where they are words of their own.
        let mut text = text.to_owned();
        while let Some(at) = text.find("${") {
            let Some(end) = text[at..].find('}') else {
                break;
            };
            let name = text[at + 2..at + end].to_owned();
            let value = self.variable(&name, Some("0"), None);
            text.replace_range(at..=at + end, &value);
        }
        let mut names = Variables(self);
        expr::eval(&text, &mut names)
            .unwrap_or(Term::Number(0.0))
            .to_string()
    }
}

struct Variables<'a, 'b>(&'a mut Shell<'b>);

impl Names for Variables<'_, '_> {
    fn whole(&self) -> bool {
        true
    }

    fn name(&mut self, name: &str) -> Option<Term> {
        let value = self.0.variable(name, Some("0"), None);
        Some(Term::Number(value.trim().parse().unwrap_or(0.0)))
    }

    fn call(&mut self, _: &str, _: Vec<Term>) -> Option<Term> {
        None
    }

    fn item(&mut self, _: &str, _: &Term) -> Option<Term> {
        None
    }
}

/// A `case` pattern with `*` at either end.
fn matches(pattern: &str, word: &str) -> bool {
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(""), _) => true,
        (Some(rest), Some(_)) => word.contains(rest.trim_end_matches('*')),
        (Some(end), None) => word.ends_with(end),
        (None, Some(start)) => word.starts_with(start),
        (None, None) => pattern == word,
    }
}

/// `%%@*`, `#*@`: a value without what a pattern with a `*` at one end fits.
fn trimmed<'a>(value: &'a str, cut: &str) -> &'a str {
    let long = cut.starts_with("%%") || cut.starts_with("##");
    let pattern = &cut[1 + usize::from(long)..];
    let at = if cut.starts_with('%') {
        match pattern.strip_suffix('*') {
            Some(text) if long => value.find(text),
            Some(text) => value.rfind(text),
            None => value.strip_suffix(pattern).map(str::len),
        }
        .map(|at| &value[..at])
    } else {
        match pattern.strip_prefix('*') {
            Some(text) if long => value.rfind(text).map(|at| at + text.len()),
            Some(text) => value.find(text).map(|at| at + text.len()),
            None => value.starts_with(pattern).then_some(pattern.len()),
        }
        .map(|at| &value[at..])
    };
    at.unwrap_or(value)
}
