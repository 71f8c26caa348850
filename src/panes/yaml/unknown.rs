//! Fields the served schema does not know, in the YAML view: where they are marked, and what is said of those the
//! server dropped.

use crate::model::fields::Checked;
use crate::panes::rows::rows;
use crate::ui::text::{clean, width};

/// Dropped fields named one by one.
const NAMED: usize = 12;

/// What stands above the object: the fields the server dropped.
pub fn notes(checked: &Checked) -> Vec<String> {
    let dropped = &checked.dropped;
    let head = format!(
        "# dropped by the server (unknown to {}):",
        clean(&dropped.kind)
    );
    match dropped.fields.as_slice() {
        [] => Vec::new(),
        [one] => vec![format!("{head} {}", clean(&one.to_string()))],
        many => {
            let named = many.iter().take(NAMED);
            let mut notes = vec![head];
            notes.extend(named.map(|path| format!("#   {}", clean(&path.to_string()))));
            if many.len() > NAMED {
                notes.push(format!("#   and {} more", many.len() - NAMED));
            }
            notes
        }
    }
}

/// Byte ranges of the rows a note takes: broken between words, and in one only where it is longer than a row.
pub fn note_rows(note: &str, columns: usize) -> Vec<(usize, usize)> {
    let mut out: Vec<(usize, usize)> = Vec::new();
    let mut start = 0;
    for word in note.split_inclusive(' ') {
        let end = start + word.len();
        match out.last_mut() {
            Some(row) if width(note[row.0..end].trim_end()) <= columns => row.1 = end,
            _ => out.extend(rows(word, columns).map(|(a, b)| (start + a, start + b))),
        }
        start = end;
    }
    out
}

/// `2 unknown, 1 dropped`; empty if there are none.
pub fn counted(checked: &Checked) -> String {
    let parts = [
        (checked.here.fields.len(), "unknown"),
        (checked.dropped.fields.len(), "dropped"),
    ];
    let said = parts
        .iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, what)| format!("{n} {what}"));
    said.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fields::{FieldPath, Step};

    #[test]
    fn notes_break_between_words() {
        let broken = |note: &str, columns| -> Vec<String> {
            let rows = note_rows(note, columns);
            assert_eq!(
                rows.iter().map(|(a, b)| &note[*a..*b]).collect::<String>(),
                note
            );
            rows.iter().map(|(a, b)| note[*a..*b].to_owned()).collect()
        };
        assert_eq!(broken("# one two three", 9), ["# one two ", "three"]);
        assert_eq!(
            broken("# a.very.long.path x", 6),
            ["# ", "a.very", ".long.", "path x"]
        );
        assert_eq!(broken("", 6), Vec::<String>::new());
    }

    #[test]
    fn many_dropped_fields_are_counted() {
        let path = |n: usize| FieldPath(vec![Step::Field(format!("f{n}").into())]);
        let mut checked = Checked::default();
        checked.dropped.kind = "a/v1 B".into();
        assert!(notes(&checked).is_empty() && counted(&checked).is_empty());
        checked.dropped.fields = (0..2).map(path).collect();
        assert_eq!(
            notes(&checked),
            [
                "# dropped by the server (unknown to a/v1 B):",
                "#   f0",
                "#   f1"
            ]
        );
        checked.dropped.fields = (0..30).map(path).collect();
        assert_eq!(notes(&checked).last().unwrap(), "#   and 18 more");
        assert_eq!(counted(&checked), "30 dropped");
    }
}
