//! Errors in the files people write (themes, keymaps): file, line, key, what is wrong and what was meant.
//! Separate because both loaders must speak with one voice.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// One thing wrong in a file a person wrote.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct SourceError {
    /// The file as the user knows it, e.g. `themes/mine.toml`.
    pub file: String,
    /// Line, from 1; 0 when the file as a whole is meant.
    pub line: usize,
    /// The key concerned, e.g. `roles.text`; empty when there is none.
    pub key: String,
    /// What is wrong, lower case, without a full stop.
    pub what: String,
    /// What to do or what was probably meant; may be empty.
    pub hint: String,
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        f.write_str(": ")?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.what)?;
        if !self.hint.is_empty() {
            write!(f, " ({})", self.hint)?;
        }
        Ok(())
    }
}

/// The text of one file with its name, able to say on which line a byte lies.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    file: &'a str,
    text: &'a str,
}

/// A parsed table whose keys and values know where they stand.
pub type Entries<'a> = BTreeMap<Spanned<std::borrow::Cow<'a, str>>, Spanned<DeValue<'a>>>;

impl<'a> Source<'a> {
    /// A file name for messages and its text.
    pub fn new(file: &'a str, text: &'a str) -> Self {
        Self { file, text }
    }

    /// The file name for messages.
    pub fn file(&self) -> &'a str {
        self.file
    }

    /// The line, from 1, on which a span begins.
    pub fn line(&self, span: &Range<usize>) -> usize {
        let end = span.start.min(self.text.len());
        1 + self.text.as_bytes()[..end]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count()
    }

    /// An error at a span.
    pub fn error(
        &self,
        span: &Range<usize>,
        key: impl Into<String>,
        what: impl Into<String>,
    ) -> SourceError {
        SourceError {
            file: self.file.to_owned(),
            line: self.line(span),
            key: key.into(),
            what: what.into(),
            hint: String::new(),
        }
    }

    /// Parses the file as TOML.
    ///
    /// # Errors
    /// The TOML parser's first complaint, with its line.
    pub fn parse(&self) -> Result<DeTable<'a>, SourceError> {
        match DeTable::parse(self.text) {
            Ok(table) => Ok(table.into_inner()),
            Err(error) => {
                let mut wrong = self.error(
                    &error.span().unwrap_or(0..0),
                    "",
                    error.message().replace('\n', ", "),
                );
                if error.span().is_none() {
                    wrong.line = 0;
                }
                Err(wrong)
            }
        }
    }
}

impl SourceError {
    /// The same error with a hint.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// Adds "did you mean" when one of the names is close to the wrong one.
    pub fn suggest<'n>(self, wrong: &str, names: impl IntoIterator<Item = &'n str>) -> Self {
        match nearest(wrong, names) {
            Some(name) => {
                let hint = format!("did you mean `{name}`?");
                self.hint(hint)
            }
            None => self,
        }
    }
}

/// The name closest to a misspelt one, if any is close enough to be meant.
pub fn nearest<'n>(wrong: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let wrong = wrong.to_lowercase().replace('_', "-");
    let allowed = (wrong.chars().count() / 3).max(1);
    names
        .into_iter()
        .map(|name| (distance(&wrong, name), name))
        .filter(|(far, name)| *far <= allowed || (wrong.len() >= 3 && name.contains(&wrong)))
        .min_by_key(|(far, _)| *far)
        .map(|(_, name)| name)
}

/// Edits (insert, delete, replace, swap of neighbours) between two short words.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0usize; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    for (j, cell) in rows[0].iter_mut().enumerate() {
        *cell = j;
    }
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let change = usize::from(a[i - 1] != b[j - 1]);
            let mut best = (rows[i - 1][j] + 1)
                .min(rows[i][j - 1] + 1)
                .min(rows[i - 1][j - 1] + change);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_finds_typos_and_leaves_strangers_alone() {
        let names = ["delete", "describe", "page-down", "quit"];
        assert_eq!(nearest("delte", names), Some("delete"));
        assert_eq!(nearest("page_down", names), Some("page-down"));
        assert_eq!(nearest("qiut", names), Some("quit"));
        assert_eq!(nearest("zebra", names), None);
    }

    #[test]
    fn errors_name_file_line_and_key() {
        let source = Source::new("themes/x.toml", "a = 1\nb = 2\n");
        let error = source
            .error(&(6..7), "b", "is not a colour")
            .hint("write #rrggbb");
        assert_eq!(
            error.to_string(),
            "themes/x.toml:2: b: is not a colour (write #rrggbb)"
        );
        let wrong = Source::new("k.toml", "a = 1\na = 2\n").parse().unwrap_err();
        assert_eq!(wrong.line, 2);
        assert!(wrong.to_string().contains("duplicate key"), "{wrong}");
    }
}
