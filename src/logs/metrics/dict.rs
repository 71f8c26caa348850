//! JSON objects and printed Python dicts, also in the middle of a line: numbers and strings by name, nested ones
//! flattened with `/`.

use std::borrow::Cow;

use super::number;

/// A value that means something here.
#[derive(Debug, Clone, PartialEq)]
pub enum Plain<'a> {
    Number(f64),
    Text(&'a str),
}

/// A name, nested ones joined, and its value.
pub type Entry<'a> = (Cow<'a, str>, Plain<'a>);

/// Entries of the dict that begins at the first byte, and where it ends. `None` if there is none.
pub fn entries(text: &str) -> Option<(Vec<Entry<'_>>, usize)> {
    let mut parser = Parser {
        text,
        at: 0,
        found: Vec::new(),
        depth: 0,
    };
    parser.dict("")?;
    Some((parser.found, parser.at))
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    found: Vec<Entry<'a>>,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t')) {
            self.at += 1;
        }
    }

    fn eat(&mut self, b: u8) -> Option<()> {
        self.blanks();
        (self.peek()? == b).then(|| self.at += 1)
    }

    fn dict(&mut self, path: &str) -> Option<()> {
        self.depth += 1;
        if self.depth > 8 || self.found.len() > 512 {
            return None;
        }
        self.eat(b'{')?;
        self.blanks();
        if self.peek()? == b'}' {
            self.at += 1;
            self.depth -= 1;
            return Some(());
        }
        loop {
            self.blanks();
            let key = self.string()?;
            self.eat(b':')?;
            let name = if path.is_empty() {
                Cow::Borrowed(key)
            } else {
                format!("{path}/{key}").into()
            };
            self.value(Some(name))?;
            self.blanks();
            match self.peek()? {
                b',' => self.at += 1,
                b'}' => {
                    self.at += 1;
                    self.depth -= 1;
                    return Some(());
                }
                _ => return None,
            }
            self.blanks();
            if self.peek()? == b'}' {
                self.at += 1;
                self.depth -= 1;
                return Some(());
            }
        }
    }

    fn string(&mut self) -> Option<&'a str> {
        let quote = self.peek().filter(|b| matches!(b, b'\'' | b'"'))?;
        let start = self.at + 1;
        let mut end = start;
        let bytes = self.text.as_bytes();
        while *bytes.get(end)? != quote {
            end += if bytes[end] == b'\\' { 2 } else { 1 };
        }
        self.at = end + 1;
        self.text.get(start..end)
    }

    /// A value; with a name it is kept.
    fn value(&mut self, name: Option<Cow<'a, str>>) -> Option<()> {
        self.blanks();
        match self.peek()? {
            b'{' => self.dict(&name.unwrap_or_default()),
            b'[' | b'(' => {
                let close = if self.peek()? == b'[' { b']' } else { b')' };
                self.at += 1;
                self.depth += 1;
                if self.depth > 8 {
                    return None;
                }
                let mut name = name;
                loop {
                    self.blanks();
                    if self.peek()? == close {
                        self.at += 1;
                        self.depth -= 1;
                        return Some(());
                    }
                    // Of a list the first one counts.
                    if self.peek()? == b'{' {
                        let known = self.found.len();
                        self.dict("")?;
                        self.found.truncate(known);
                    } else {
                        self.value(name.take())?;
                    }
                    self.blanks();
                    if self.peek()? == b',' {
                        self.at += 1;
                    }
                }
            }
            b'\'' | b'"' => {
                let text = self.string()?;
                if let Some(name) = name {
                    let text = text.trim();
                    let value = match number::plain(text, 0) {
                        Some((value, end)) if end == text.len() => Plain::Number(value),
                        _ => Plain::Text(text),
                    };
                    self.found.push((name, value));
                }
                Some(())
            }
            _ => {
                if let Some((value, end)) = number::plain(self.text, self.at) {
                    self.at = end;
                    if let Some(name) = name {
                        self.found.push((name, Plain::Number(value)));
                    }
                    return Some(());
                }
                // None, true, tensor(0.5, device='cuda:0'), np.float64(0.5)
                let rest = &self.text[self.at..];
                let word = rest
                    .bytes()
                    .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.'))
                    .count();
                if word == 0 {
                    return None;
                }
                self.at += word;
                if self.peek() == Some(b'(') {
                    return self.call(name);
                }
                Some(())
            }
        }
    }

    fn call(&mut self, name: Option<Cow<'a, str>>) -> Option<()> {
        let inside = self.text.get(self.at + 1..)?;
        let close = inside.find(')')?;
        if let (Some(name), Some((value, _))) = (name, number::plain(inside, 0)) {
            self.found.push((name, Plain::Number(value)));
        }
        self.at += 1 + close + 1;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Option<Vec<String>> {
        let (entries, end) = entries(text)?;
        let say = |(name, value): (Cow<str>, Plain)| match value {
            Plain::Number(n) => format!("{name}={n}"),
            Plain::Text(text) => format!("{name}~{text}"),
        };
        Some(
            entries
                .into_iter()
                .map(say)
                .chain([text[end..].to_owned()])
                .collect(),
        )
    }

    #[test]
    fn json_and_python() {
        let found = names(
            r#"{"loss": "0.5", "train": {"lr": [1e-5, 2], "ok": true}, "msg": "hi", "n": null} rest"#,
        );
        assert_eq!(
            found.unwrap(),
            ["loss=0.5", "train/lr=0.00001", "msg~hi", " rest"]
        );
        let found = names(
            "{'loss': nan, 'a': tensor(0.25, device='cuda:0'), 'b': np.float64(3.5), 'c': None,}",
        );
        assert_eq!(found.unwrap(), ["loss=NaN", "a=0.25", "b=3.5", ""]);
        for broken in [
            "{",
            "{'a': 1",
            "{a: 1}",
            "{'a' 1}",
            "{'a': 1 'b': 2}",
            "{}x{",
        ] {
            assert!(names(broken).is_none_or(|n| n.len() == 1), "{broken}");
        }
        assert!(names(&"{'a': ".repeat(50)).is_none());
    }
}
