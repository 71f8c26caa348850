//! A line cut into values with their names: `k: v`, `k=v`, `k v`, with any of the usual separators between them.
//! Knows nothing of what the names mean.

use super::number::{self, Found, Value};

/// What stands between a name and its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Join {
    Colon,
    Equals,
    Blank,
}

/// A value with its name.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Item<'a> {
    /// What stands before the name, back to the value before.
    pub lead: &'a str,
    /// Empty if it has none.
    pub name: &'a str,
    pub join: Join,
    pub value: Value<'a>,
    /// `[` stands right before the value.
    pub bracket: bool,
    /// A tab or several blanks do.
    pub wide: bool,
    /// A progress bar is drawn before it.
    pub bar: bool,
    /// Where the value begins.
    pub at: usize,
}

/// Drawn by bars: blocks, lines, their rounded ends.
pub fn is_bar(c: char) -> bool {
    matches!(c, '\u{2500}'..='\u{259f}' | '\u{2800}'..='\u{28ff}' | '\u{2b1b}' | '\u{2b1c}')
        && !matches!(c, '│' | '┃' | '├' | '└' | '┌' | '┐' | '┘' | '┤' | '║')
}

/// What a byte is to the search for values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Of a word.
    Word,
    /// Joins words, `/.-+#'`; kept within one, not at its end.
    Joint,
    Digit,
    Wide,
    Other,
}

const KINDS: [Kind; 256] = {
    let mut kinds = [Kind::Other; 256];
    let mut b = 0;
    while b < 256 {
        kinds[b] = match b as u8 {
            b'A'..=b'Z' | b'a'..=b'z' | b'_' => Kind::Word,
            b'0'..=b'9' => Kind::Digit,
            b'\'' | b'/' | b'.' | b'-' | b'+' | b'#' => Kind::Joint,
            0x80.. => Kind::Wide,
            _ => Kind::Other,
        };
        b += 1;
    }
    kinds
};

fn kind(b: u8) -> Kind {
    KINDS[usize::from(b)]
}

/// End of the word that begins at `at`.
fn word_end(text: &str, at: usize) -> usize {
    let bytes = text.as_bytes();
    let mut end = at;
    let mut last = at;
    let mut at_sign = false;
    while let Some(&b) = bytes.get(end) {
        match kind(b) {
            Kind::Word | Kind::Digit => {
                end += 1;
                last = end;
            }
            Kind::Joint => end += 1,
            Kind::Wide => {
                let c = text[end..].chars().next().unwrap_or(' ');
                if !c.is_alphanumeric() {
                    break;
                }
                end += c.len_utf8();
                last = end;
            }
            Kind::Other if b == b'@' => {
                at_sign = true;
                end += 1;
            }
            // mAP@0.5:0.95
            Kind::Other
                if b == b':'
                    && at_sign
                    && bytes.get(end + 1).is_some_and(u8::is_ascii_digit)
                    && bytes[end - 1].is_ascii_digit() =>
            {
                end += 1;
            }
            Kind::Other => break,
        }
    }
    last.max(at + 1)
}

/// All values of a text, in order.
pub fn items(text: &str) -> Vec<Item<'_>> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let (mut at, mut gap) = (0, 0);
    while let Some(&b) = bytes.get(at) {
        let begins = match b {
            b'0'..=b'9' => true,
            b'+' | b'-' => {
                let next = bytes.get(at + 1);
                let after = at == 0 || !bytes[at - 1].is_ascii_digit() && bytes[at - 1] != b')';
                after
                    && (next.is_some_and(u8::is_ascii_digit)
                        || next == Some(&b'.') && bytes.get(at + 2).is_some_and(u8::is_ascii_digit)
                        || matches!(next, Some(b'i' | b'I' | b'n' | b'N'))
                            && number::plain(text, at).is_some())
            }
            b'.' => {
                bytes.get(at + 1).is_some_and(u8::is_ascii_digit)
                    && (at == 0 || bytes[at - 1] != b'.')
            }
            b'n' | b'N' | b'i' | b'I' => is_no_number(text, at),
            _ => false,
        };
        if begins {
            match number::read(text, at) {
                Some(Found::Value(value)) => {
                    if found.is_empty() {
                        found.reserve(12);
                    }
                    found.push(item(text, gap, at, value));
                    at = value.end.max(at + 1);
                    gap = at;
                    if found.len() >= 256 {
                        break;
                    }
                    continue;
                }
                Some(Found::Junk(end)) => {
                    at = end.max(at + 1);
                    continue;
                }
                None => {}
            }
        }
        at = match kind(b) {
            Kind::Word => word_end(text, at),
            Kind::Wide => {
                let c = text[at..].chars().next().unwrap_or(' ');
                if c.is_alphanumeric() {
                    word_end(text, at)
                } else {
                    at + c.len_utf8()
                }
            }
            _ => at + 1,
        };
    }
    found
}

/// `nan` and the like, as a whole word and said of something.
fn is_no_number(text: &str, at: usize) -> bool {
    let end = word_end(text, at);
    if number::not_a_number(&text[at..end]).is_none() {
        return false;
    }
    // `nan iterations` is about them, not a value.
    let words_follow = text[end..]
        .trim_start()
        .starts_with(|c: char| c.is_alphabetic());
    let told = text[..at]
        .trim_end_matches([' ', '\'', '"', '[', '('])
        .ends_with([':', '=']);
    (told || !words_follow)
        && text[..at]
            .trim_end_matches([' ', '\'', '"', '[', '('])
            .ends_with(|c: char| c.is_alphanumeric() || matches!(c, ':' | '='))
}

/// Without these ASCII characters at its end.
fn trimmed(text: &str, is: impl Fn(u8) -> bool) -> &str {
    let bytes = text.as_bytes();
    let kept = bytes.iter().rposition(|b| !is(*b)).map_or(0, |at| at + 1);
    &text[..kept]
}

fn item<'a>(text: &'a str, gap: usize, at: usize, value: Value<'a>) -> Item<'a> {
    let whole = &text[gap..at];
    let mut head = trimmed(whole, |b| matches!(b, b' ' | b'\t'));
    let wide = whole[head.len()..].contains('\t') || whole.len() > head.len() + 1;
    let bracket = head.ends_with(['[', '(']);
    head = trimmed(head, |b| {
        matches!(
            b,
            b'[' | b'(' | b'{' | b'\'' | b'"' | b' ' | b'\t' | b'~' | b'$' | b'#'
        )
    });
    let mut join = match head.as_bytes().last() {
        Some(b':') => Join::Colon,
        Some(b'=') => Join::Equals,
        Some(b'>') if head.ends_with("->") || head.ends_with("=>") => Join::Colon,
        _ => Join::Blank,
    };
    if join != Join::Blank {
        head = trimmed(head, |b| matches!(b, b':' | b'=' | b'>' | b'-'));
    }
    head = trimmed(head, |b| {
        matches!(b, b' ' | b'\t' | b'\'' | b'"' | b'`' | b'*')
    });
    // `loss is 1.41`
    if join == Join::Blank
        && let Some(named) = head.strip_suffix(" is")
    {
        (head, join) = (named.trim_end(), Join::Colon);
    }
    let name_at = name_start(head);
    let (lead, name) = head.split_at(name_at);
    // `ms (step) remaining time: 0:45`: a remark on what was before.
    let name = match name
        .trim_start()
        .strip_prefix('(')
        .and_then(|name| name.split_once(") "))
    {
        Some((_, rest)) if !rest.trim().is_empty() => rest,
        _ => name,
    };
    let edges = [name.as_bytes().first(), name.as_bytes().last()];
    let name = if edges
        .iter()
        .all(|b| b.is_some_and(u8::is_ascii_alphanumeric))
    {
        name
    } else {
        name.trim_start_matches(|c: char| !c.is_alphanumeric() && c != '_')
            .trim_end_matches(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | ')' | '%'))
    };
    Item {
        lead,
        name,
        join,
        value,
        bracket,
        wide,
        bar: has_bar(whole),
        at,
    }
}

/// Whether a progress bar is drawn here.
fn has_bar(text: &str) -> bool {
    let mut before = 0;
    text.bytes().any(|b| {
        let old = before == b'[' && matches!(b, b'=' | b'>' | b'.');
        before = b;
        old || b >= 0x80
    }) && (text.chars().any(is_bar) || ["[=", "[>", "[.."].iter().any(|bar| text.contains(bar)))
}

/// `Grad. Norm`, `Avg. loss`: the dot ends no sentence.
fn is_shortened(head: &str) -> bool {
    let from = head
        .bytes()
        .rposition(|b| !b.is_ascii_alphabetic())
        .map_or(0, |at| at + 1);
    const WORDS: [&str; 9] = [
        "grad", "avg", "val", "acc", "max", "min", "std", "mem", "num",
    ];
    WORDS
        .iter()
        .any(|word| head[from..].eq_ignore_ascii_case(word))
}

/// Where the name begins: behind the last separator.
fn name_start(head: &str) -> usize {
    let bytes = head.as_bytes();
    let mut at = bytes.len();
    let mut depth = 0usize;
    while at > 0 {
        let b = bytes[at - 1];
        match b {
            b')' => depth += 1,
            b'(' if depth > 0 => depth -= 1,
            _ if depth > 0 && b < 0x80 => {}
            b'|' | b',' | b';' | b'\t' | b'[' | b']' | b'{' | b'}' | b'>' | b'"' | b'(' => {
                return at;
            }
            b' ' => {
                let before = at.checked_sub(2).map(|i| bytes[i]);
                match before {
                    Some(b'.') if is_shortened(&head[..at - 2]) => {}
                    // Two blanks, `: `, `. `, `= `
                    Some(b' ' | b':' | b'.' | b'=' | b'!' | b'?') => return at,
                    // ` - `
                    Some(b'-' | b'*') if at < 3 || bytes[at - 3] == b' ' => return at,
                    _ => {}
                }
            }
            // mAP@0.5:0.95 is one name.
            b':' if at > 1
                && bytes[at - 2].is_ascii_digit()
                && bytes.get(at).is_some_and(u8::is_ascii_digit) => {}
            b'=' | b':' if at < bytes.len() => return at,
            0x80.. => {
                let start = (0..at)
                    .rev()
                    .find(|i| head.is_char_boundary(*i))
                    .unwrap_or(0);
                let c = head[start..].chars().next().unwrap_or(' ');
                if !c.is_alphanumeric() {
                    return at;
                }
                at = start + 1;
            }
            _ => {}
        }
        at -= 1;
    }
    0
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("loss: 0.5, acc=0.9", &[("loss", 0.5), ("acc", 0.9)])]
    #[case("| epoch   1 |   200/ 2983 batches | lr 20.00 | loss  7.63", &[("epoch", 1.0), ("", 200.0), ("lr", 20.0), ("loss", 7.63)])]
    #[case("Test set: Average loss: 0.0497, Accuracy: 9831/10000 (98%)", &[("Average loss", 0.0497), ("Accuracy", 9831.0)])]
    #[case("[10]\ttrain-rmse:0.0984", &[("", 10.0), ("train-rmse", 0.0984)])]
    #[case("training's l2: 1.39\tvalid_1's l2: 1.77", &[("training's l2", 1.39), ("valid_1's l2", 1.77)])]
    #[case("epoch=0/micro_step=100/global_step=100", &[("epoch", 0.0), ("micro_step", 100.0), ("global_step", 100.0)])]
    #[case("8/8 - 6s - 698ms/step - accuracy: 0.4863", &[("", 8.0), ("", 6.0), ("", 698.0), ("accuracy", 0.4863)])]
    #[case("Acc@1  71.1 ( 70.2)  Acc@5: 90.6", &[("Acc@1", 71.1), ("Acc@5", 90.6)])]
    #[case("Epoch 1/13. accuracy=.98", &[("Epoch", 1.0), ("accuracy", 0.98)])]
    #[case("'lr': [1e-05], 'loss': '0.3'", &[("lr", 1e-5), ("loss", 0.3)])]
    #[case("elapsed time per iteration (ms): 1234.6 | lm loss: 8.1E+00", &[("elapsed time per iteration (ms)", 1234.6), ("lm loss", 8.1)])]
    #[case("connecting to 10.0.3.4:29500 at 2026-01-02", &[])]
    #[case("epoch: 3 step: 120, loss is 1.41", &[("epoch", 3.0), ("step", 120.0), ("loss", 1.41)])]
    #[case("metric mAP@0.5:0.95: 0.43", &[("metric mAP@0.5:0.95", 0.43)])]
    fn names_and_values(#[case] text: &str, #[case] want: &[(&str, f64)]) {
        let found: Vec<_> = items(text)
            .iter()
            .map(|i| (i.name, i.value.value))
            .collect();
        assert_eq!(found, want);
    }
}
