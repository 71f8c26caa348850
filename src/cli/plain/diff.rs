//! What differs between two lists of lines: new ones, gone ones, and those of which something that counts is different.

use std::collections::BTreeMap;

/// One line of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What it is about.
    pub id: String,
    pub title: String,
    /// What of it is worth a word when it changes: ages and counts that run are not.
    pub counts: String,
    pub text: String,
}

/// A list as it was told last.
#[derive(Debug, Default)]
pub struct Seen(BTreeMap<String, (String, String)>);

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    New(String),
    Now(String),
    /// The title of what is not there any more.
    Gone(String),
}

impl Seen {
    pub fn of(lines: Vec<Line>) -> Self {
        let lines = lines.into_iter();
        Self(
            lines
                .map(|line| (line.id, (line.title, line.counts)))
                .collect(),
        )
    }

    /// What is different now, and is known from here on.
    pub fn changes(&mut self, lines: Vec<Line>) -> Vec<Change> {
        let mut changes: Vec<Change> = lines
            .iter()
            .filter_map(|line| match self.0.get(&line.id) {
                None => Some(Change::New(line.text.clone())),
                Some((_, counts)) if *counts != line.counts => Some(Change::Now(line.text.clone())),
                Some(_) => None,
            })
            .collect();
        let now = Self::of(lines);
        let gone = self.0.iter().filter(|(id, _)| !now.0.contains_key(*id));
        changes.extend(gone.map(|(_, (title, _))| Change::Gone(title.clone())));
        *self = now;
        changes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(id: &str, counts: &str, age: u32) -> Line {
        Line {
            id: id.into(),
            title: format!("job {id}"),
            counts: counts.into(),
            text: format!("job {id} {counts} for {age} s"),
        }
    }

    #[test]
    fn only_what_counts_is_told_and_only_once() {
        let mut seen = Seen::of(vec![line("a", "running", 1), line("b", "queued", 1)]);
        assert_eq!(
            seen.changes(vec![line("a", "running", 9), line("b", "queued", 9)]),
            []
        );
        let next = vec![line("b", "running", 10), line("c", "queued", 0)];
        assert_eq!(
            seen.changes(next.clone()),
            [
                Change::Now("job b running for 10 s".into()),
                Change::New("job c queued for 0 s".into()),
                Change::Gone("job a".into()),
            ]
        );
        assert_eq!(seen.changes(next), []);
    }
}
