//! The values that a line has for a name, wherever they stand: as a field of its JSON, or after the name as programs
//! write it. Separate because it knows how lines are written, and nothing of filters.

use std::ops::ControlFlow;

use super::super::json;
use super::super::prefix::Prefix;

/// Shows each value of the field until `see` says yes; whether it did.
pub fn any(text: &str, name: &str, see: &mut dyn FnMut(&str) -> bool) -> bool {
    if text.trim_end().ends_with('}')
        && let Some(object) = json::object(&text[Prefix::read(text).body..])
    {
        return json::find(&object, name).is_some_and(|value| see(&value));
    }
    let mut from = 0;
    while let Some(at) = find(text, name, from) {
        from = at + name.len();
        let before = text[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '/' | '-')) {
            continue;
        }
        if let ControlFlow::Break(value) = value(&text[from..])
            && see(value)
        {
            return true;
        }
    }
    false
}

/// The next place of a name, upper and lower case alike.
fn find(text: &str, name: &str, from: usize) -> Option<usize> {
    let (text, name) = (text.as_bytes(), name.as_bytes());
    let last = text.len().checked_sub(name.len())?;
    (from..=last).find(|at| text[*at..at + name.len()].eq_ignore_ascii_case(name))
}

/// What follows a name, if it is a value: `=3`, `: 3`, `": "save"`, and a number also after a blank.
fn value(rest: &str) -> ControlFlow<&str> {
    let bare = rest.strip_prefix(['"', '\'']).unwrap_or(rest);
    let after = bare.trim_start_matches(' ');
    let (signed, value) = match after.strip_prefix(['=', ':']) {
        Some(value) => (true, value.trim_start_matches(' ')),
        None if after.len() < rest.len() => (false, after),
        None => return ControlFlow::Continue(()),
    };
    let value = match value.strip_prefix(['"', '\'']) {
        Some(quoted) if signed => quoted.split(['"', '\'']).next().unwrap_or_default(),
        _ => value
            .split([' ', '\t', ';', '|', ')', ']', '}', '"', '\''])
            .next()
            .unwrap_or_default()
            .trim_end_matches([',', '.', ':']),
    };
    if value.is_empty() || !signed && number(value).is_none() {
        return ControlFlow::Continue(());
    }
    ControlFlow::Break(value)
}

/// The number a value begins with: `0.53`, `1,234`, `12.3k`, `8.1it/s`, `nan`.
pub fn number(value: &str) -> Option<f64> {
    if let Ok(number) = value.parse() {
        return Some(number);
    }
    let end = value
        .bytes()
        .position(|b| !(b.is_ascii_digit() || matches!(b, b'.' | b',' | b'-' | b'+' | b'e' | b'E')))
        .unwrap_or(value.len());
    let (digits, unit) = value.split_at(end);
    let digits = digits.trim_end_matches([',', '.', 'e', 'E', '+', '-']);
    let number: f64 = digits.replace(',', "").parse().ok()?;
    let factor = match unit.as_bytes() {
        [b'k' | b'K', rest @ ..] if !rest.first().is_some_and(u8::is_ascii_alphabetic) => 1e3,
        [b'M', rest @ ..] if !rest.first().is_some_and(u8::is_ascii_alphabetic) => 1e6,
        _ => 1.0,
    };
    Some(number * factor)
}
