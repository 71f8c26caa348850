//! What each piece of a YAML text is, line by line, for its colour. It takes any text, also one that does not parse:
//! while it is typed it mostly does not.

use ratatui::style::{Modifier, Style};

use crate::ui::State;
use crate::ui::theme::Theme;

/// What a piece of a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    Key,
    Text,
    /// Numbers, booleans, null.
    Literal,
    Punct,
    Comment,
}

impl Mark {
    pub fn style(self, theme: &Theme) -> Style {
        match self {
            Mark::Key => theme.accent(),
            Mark::Text => theme.text(),
            Mark::Literal => theme.state(State::Held),
            Mark::Punct => theme.dim(),
            Mark::Comment => theme.dim().add_modifier(Modifier::ITALIC),
        }
    }
}

/// From which byte on a line is what.
pub type Marks = Vec<(usize, Mark)>;

/// The marks of all lines.
pub fn marks(lines: &[String]) -> Vec<Marks> {
    let mut block: Option<usize> = None;
    lines.iter().map(|line| one(line, &mut block)).collect()
}

/// `block`: the depth of the key whose text of several lines this may be part of.
fn one(line: &str, block: &mut Option<usize>) -> Marks {
    let mut out = Marks::new();
    let mut at = line.len() - line.trim_start_matches(' ').len();
    if let Some(depth) = *block {
        if at > depth || line.trim().is_empty() {
            out.push((0, Mark::Text));
            return out;
        }
        *block = None;
    }
    if line[at..].starts_with("---") || line[at..].starts_with("...") {
        out.push((at, Mark::Punct));
        return out;
    }
    let mut depth = at;
    loop {
        let rest = &line[at..];
        if rest == "-" || rest.starts_with("- ") {
            out.push((at, Mark::Punct));
            depth = at;
            let more = rest.len() - rest[1..].trim_start_matches(' ').len();
            at += more.max(1);
            continue;
        }
        break;
    }
    if line[at..].starts_with('#') {
        out.push((at, Mark::Comment));
        return out;
    }
    if let Some(end) = key_end(&line[at..]) {
        out.push((at, Mark::Key));
        out.push((at + end, Mark::Punct));
        depth = at;
        at += end + 1;
    }
    let rest = &line[at..];
    at += rest.len() - rest.trim_start().len();
    value(&line[at..], at, &mut out, || *block = Some(depth));
    out
}

/// Where the colon of a key is.
fn key_end(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let from = match bytes.first()? {
        b'"' | b'\'' => quote_end(text)?,
        b'{' | b'[' | b'|' | b'>' => return None,
        _ => 0,
    };
    let mut before = 0;
    for (n, c) in text[from..].char_indices() {
        let next = bytes.get(from + n + 1);
        match c {
            ':' if next.is_none_or(|b| *b == b' ') => {
                return (n > 0 || from > 0).then_some(from + n);
            }
            '#' if before == b' ' => return None,
            c if from > 0 && c != ' ' => return None,
            _ => {}
        }
        before = bytes[from + n];
    }
    None
}

/// Just behind the closing quote.
fn quote_end(text: &str) -> Option<usize> {
    let quote = text.chars().next()?;
    let mut escaped = false;
    for (n, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' if quote == '"' => escaped = true,
            c if c == quote => return Some(n + 1),
            _ => {}
        }
    }
    None
}

fn value(text: &str, at: usize, out: &mut Marks, block: impl FnOnce()) {
    let comment = |from: usize| -> Option<usize> {
        let found = text[from..].find(" #");
        found.map(|n| from + n + 1)
    };
    let end = match text.chars().next() {
        None => return,
        Some('#') => Some(0),
        Some('"' | '\'') => {
            out.push((at, Mark::Text));
            quote_end(text).and_then(comment)
        }
        Some('|' | '>') => {
            out.push((at, Mark::Punct));
            block();
            comment(0)
        }
        Some('&' | '*' | '!') => {
            out.push((at, Mark::Literal));
            comment(0)
        }
        Some(_) => {
            let end = comment(0);
            let word = text[..end.unwrap_or(text.len())].trim_end();
            let mark = match word {
                "{}" | "[]" => Mark::Punct,
                _ if is_literal(word) => Mark::Literal,
                _ => Mark::Text,
            };
            out.push((at, mark));
            end
        }
    };
    if let Some(end) = end {
        out.push((at + end, Mark::Comment));
    }
}

fn is_literal(word: &str) -> bool {
    matches!(word, "true" | "false" | "null" | "~")
        || (word.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c))
            && word.parse::<f64>().is_ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Each piece of each line with the letter of what it is.
    fn told(text: &str) -> Vec<String> {
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let marks = marks(&lines);
        lines
            .iter()
            .zip(&marks)
            .map(|(line, marks)| {
                let ends = marks.iter().skip(1).map(|m| m.0).chain([line.len()]);
                let pieces = marks.iter().zip(ends).map(|((from, mark), to)| {
                    let letter = format!("{mark:?}").chars().next().unwrap();
                    format!("{letter}<{}>", &line[*from..to])
                });
                pieces.collect()
            })
            .collect()
    }

    #[test]
    fn pieces_of_yaml() {
        let text = "# top
apiVersion: batch/v1
- name: main  # why
  args: [a, b]
  n: 3
  ok: true
  v: \"8\"
\"a: b\": 'it''s' # c
- - x
url: http://x:80/#y
empty: {}
---
run: |
  key: value
    # no comment

  - x
next: >-
  x
- |
  y
z: *all
:";
        let expected = [
            "C<# top>",
            "K<apiVersion>P<: >T<batch/v1>",
            "P<- >K<name>P<: >T<main  >C<# why>",
            "K<args>P<: >T<[a, b]>",
            "K<n>P<: >L<3>",
            "K<ok>P<: >L<true>",
            "K<v>P<: >T<\"8\">",
            "K<\"a: b\">P<: >T<'it''s' >C<# c>",
            "P<- >P<- >T<x>",
            "K<url>P<: >T<http://x:80/#y>",
            "K<empty>P<: >P<{}>",
            "P<--->",
            "K<run>P<: >P<|>",
            "T<  key: value>",
            "T<    # no comment>",
            "T<>",
            "T<  - x>",
            "K<next>P<: >P<>->",
            "T<  x>",
            "P<- >P<|>",
            "T<  y>",
            "K<z>P<: >L<*all>",
            "T<:>",
        ];
        let told = told(text);
        for (told, expected) in told.iter().zip(expected) {
            assert_eq!(told, expected);
        }
        assert_eq!(told.len(), expected.len());
    }

    proptest! {
        /// Marks are in order, inside the line, between characters.
        #[test]
        fn any_text_has_marks(lines in proptest::collection::vec("[ -:#'\"|a{é\u{1F600}\\[]{0,12}", 0..6)) {
            for (line, marks) in lines.iter().zip(marks(&lines)) {
                let mut before = 0;
                for (at, _) in marks {
                    prop_assert!(at >= before && line.is_char_boundary(at), "{line:?}");
                    before = at;
                }
            }
        }
    }
}
