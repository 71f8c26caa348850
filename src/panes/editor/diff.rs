//! The difference between two texts: to be read, and to be carried over into a third one that somebody has changed since.

use similar::{ChangeTag, DiffOp, TextDiff};

/// Lines of what is the same around a change; more of them are folded.
const AROUND: usize = 3;

/// What a row of the difference is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    Same,
    Added,
    Removed,
    /// So many lines that are the same.
    Fold(usize),
}

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub sign: Sign,
    /// The line of the new text, from 0; of what is removed, where it was.
    pub line: usize,
    pub text: String,
}

/// The rows, and how many were added and removed. No rows if nothing differs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diff {
    pub rows: Vec<Row>,
    pub added: usize,
    pub removed: usize,
}

/// What differs between an old text and a new one.
pub fn diff(old: &str, new: &str) -> Diff {
    let all = TextDiff::from_lines(old, new);
    let mut out = Diff::default();
    let (mut old_at, mut new_at) = (0, 0);
    for group in all.grouped_ops(AROUND) {
        if let Some(first) = group.first() {
            let skipped = first.old_range().start - old_at;
            fold(&mut out, skipped, new_at);
        }
        for op in &group {
            for change in all.iter_changes(op) {
                let sign = match change.tag() {
                    ChangeTag::Equal => Sign::Same,
                    ChangeTag::Insert => Sign::Added,
                    ChangeTag::Delete => Sign::Removed,
                };
                match sign {
                    Sign::Added => out.added += 1,
                    Sign::Removed => out.removed += 1,
                    _ => {}
                }
                out.rows.push(Row {
                    sign,
                    line: change.new_index().unwrap_or(op.new_range().start),
                    text: change.value().trim_end_matches(['\n', '\r']).to_owned(),
                });
            }
            (old_at, new_at) = (op.old_range().end, op.new_range().end);
        }
    }
    if !out.rows.is_empty() {
        fold(&mut out, old.lines().count().saturating_sub(old_at), new_at);
    }
    out
}

fn fold(out: &mut Diff, lines: usize, line: usize) {
    if lines > 0 {
        out.rows.push(Row {
            sign: Sign::Fold(lines),
            line,
            text: String::new(),
        });
    }
}

/// For each line of the new text, whether it is not in the old one.
pub fn changed(old: &str, new: &str) -> Vec<bool> {
    let mut out = vec![false; new.lines().count()];
    for op in TextDiff::from_lines(old, new).ops() {
        if !matches!(op, DiffOp::Equal { .. }) {
            let range = op.new_range();
            let to = range.end.min(out.len());
            out[range.start.min(to)..to].fill(true);
        }
    }
    out
}

/// What changed from `old` to `new`, done to a text that was made from `old` and changed since: comments and form of the
/// rest stay. None where the same lines were changed in it.
pub fn carry(old: &str, new: &str, text: &str) -> Option<String> {
    if text == old {
        return Some(new.to_owned());
    }
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    // where the lines of the old text are in the changed one
    let n = old.split_inclusive('\n').count();
    let mut place: Vec<Option<usize>> = vec![None; n];
    for op in TextDiff::from_lines(old, text).ops() {
        if let DiffOp::Equal {
            old_index,
            new_index,
            len,
        } = *op
        {
            for by in 0..len {
                place[old_index + by] = Some(new_index + by);
            }
        }
    }
    let news: Vec<&str> = new.split_inclusive('\n').collect();
    let mut edits: Vec<(std::ops::Range<usize>, String)> = Vec::new();
    for op in TextDiff::from_lines(old, new).ops() {
        if matches!(op, DiffOp::Equal { .. }) {
            continue;
        }
        let (from, with) = (op.old_range(), news[op.new_range()].concat());
        // behind the line before, or before the line behind
        let range = if from.is_empty() {
            let before = from.start.checked_sub(1).and_then(|at| place[at]);
            let behind = place.get(from.start).copied().flatten();
            let at = match (before, behind) {
                (Some(before), _) => before + 1,
                (None, Some(behind)) => behind,
                (None, None) => return None,
            };
            at..at
        } else {
            let mut at: Vec<usize> = Vec::new();
            for line in from {
                at.push(place[line]?);
            }
            let whole = at.windows(2).all(|two| two[1] == two[0] + 1);
            if !whole {
                return None;
            }
            at[0]..at[at.len() - 1] + 1
        };
        edits.push((range, with));
    }
    let mut out = String::with_capacity(text.len() + new.len() / 4);
    let mut at = 0;
    for (range, with) in edits {
        out.push_str(&lines.get(at..range.start)?.concat());
        out.push_str(&with);
        at = range.end;
    }
    out.push_str(&lines.get(at..)?.concat());
    Some(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn numbered(n: usize) -> String {
        (1..=n).map(|n| format!("line {n}\n")).collect()
    }

    #[test]
    fn what_is_the_same_is_folded() {
        let old = numbered(30);
        let new = old.replace("line 12\n", "line twelve\nand more\n");
        let diff = diff(&old, &new);
        assert_eq!((diff.added, diff.removed), (2, 1));
        let rows: Vec<String> = diff
            .rows
            .iter()
            .map(|row| match row.sign {
                Sign::Same => format!("  {}", row.text),
                Sign::Added => format!("+ {}", row.text),
                Sign::Removed => format!("- {}", row.text),
                Sign::Fold(n) => format!("… {n}"),
            })
            .collect();
        let expected = [
            "… 8",
            "  line 9",
            "  line 10",
            "  line 11",
            "- line 12",
            "+ line twelve",
            "+ and more",
            "  line 13",
            "  line 14",
            "  line 15",
            "… 15",
        ];
        assert_eq!(rows, expected);
        assert_eq!(super::diff(&old, &old), Diff::default());
        let marked = changed(&old, &new);
        assert_eq!(marked.iter().filter(|c| **c).count(), 2);
        assert!(marked[11] && marked[12]);
    }

    #[test]
    fn a_change_is_carried_into_a_text_with_comments() {
        let old = "kind: Job\nspec:\n  parallelism: 1\n  image: a\n";
        let new = "kind: Job\nspec:\n  parallelism: 4\n  image: a\n  more: x\n";
        let text = "# mine\nkind: Job\nspec:\n  parallelism: 1\n  image: b\n";
        let carried = carry(old, new, text);
        assert_eq!(carried, None, "the line it would stand behind is another");
        let text = "# mine\nkind: Job\nspec:\n  parallelism: 1\n  # which\n  image: a\n";
        assert_eq!(
            carry(old, new, text).unwrap(),
            "# mine\nkind: Job\nspec:\n  parallelism: 4\n  # which\n  image: a\n  more: x\n"
        );
        let text = "kind: Job\nspec:\n  parallelism: 2\n  image: a\n";
        assert_eq!(carry(old, new, text), None, "it was changed there already");
    }

    proptest! {
        #[test]
        fn carrying_into_the_same_text_gives_the_new_one(
            old in "([a-d]\n){0,10}", new in "([a-d]\n){0,10}",
        ) {
            prop_assert_eq!(carry(&old, &new, &old), Some(new.clone()));
            // behind a comment on top, which both can be told from
            let with = format!("# top\n{old}");
            if let Some(carried) = carry(&old, &new, &with) {
                prop_assert_eq!(carried, format!("# top\n{new}"));
            }
            let rows = diff(&old, &new);
            prop_assert_eq!(rows.rows.is_empty(), old == new);
        }
    }
}
