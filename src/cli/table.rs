//! Plain text tables as kubectl prints them: upper-case headers, left-aligned, two spaces between the columns,
//! nothing at line ends. For pipes and `awk`, so apart from the cockpit's tables.

use std::borrow::Cow;

use unicode_width::UnicodeWidthStr;

use crate::ui::text::clean;

/// Headers and cells; every row has as many cells as there are headers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Table {
    headers: Vec<Cow<'static, str>>,
    rows: Vec<Vec<String>>,
    bare: bool,
}

impl Table {
    pub fn new<H: Into<Cow<'static, str>>>(headers: Vec<H>) -> Self {
        Self {
            headers: headers.into_iter().map(Into::into).collect(),
            rows: Vec::new(),
            bare: false,
        }
    }

    /// Without its headers, which give no width then either: kubectl's `--no-headers`.
    pub fn bare(mut self, bare: bool) -> Self {
        self.bare = bare;
        self
    }

    /// Adds a row. Empty cells print as `<none>`, as kubectl has it, so that columns can be counted; control
    /// characters become spaces, so that a message cannot break the line or drive the terminal, and signs that hide or
    /// reorder text go.
    pub fn push(&mut self, cells: Vec<String>) {
        debug_assert_eq!(cells.len(), self.headers.len());
        let whole = |cell: String| {
            let cell = cell.replace(|c: char| c.is_control(), " ");
            match clean(&cell).trim() {
                "" => "<none>".to_owned(),
                text => text.to_owned(),
            }
        };
        self.rows.push(cells.into_iter().map(whole).collect());
    }

    /// The same with a first column: one cell for each row, in their order.
    pub fn with_first(
        mut self,
        header: &'static str,
        cells: impl IntoIterator<Item = String>,
    ) -> Self {
        let mut first = Self::new(vec![header]);
        for cell in cells {
            first.push(vec![cell]);
        }
        self.headers.insert(0, header.into());
        for (row, cell) in self.rows.iter_mut().zip(first.rows) {
            row.splice(0..0, cell);
        }
        self
    }

    pub fn headers(&self) -> impl Iterator<Item = &str> {
        self.headers.iter().map(|head| &**head)
    }

    pub fn rows(&self) -> &[Vec<String>] {
        &self.rows
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The whole table with its line ends.
    pub fn text(&self) -> String {
        let heads = self.headers.iter().map(|h| match self.bare {
            true => 0,
            false => h.width(),
        });
        let mut widths: Vec<usize> = heads.collect();
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.width());
            }
        }
        let mut out = String::new();
        if !self.bare {
            line(&mut out, &widths, self.headers.iter().map(|h| &**h));
        }
        for row in &self.rows {
            line(&mut out, &widths, row.iter().map(String::as_str));
        }
        out
    }
}

fn line<'a>(out: &mut String, widths: &[usize], cells: impl Iterator<Item = &'a str>) {
    let mut owed = 0;
    for (cell, width) in cells.zip(widths) {
        out.extend(std::iter::repeat_n(' ', owed));
        out.push_str(cell);
        owed = width - cell.width() + 2;
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_lines_end_clean() {
        let mut table = Table::new(vec!["NAME", "DONE", "REASON"]);
        table.push(vec!["pi".into(), "1/1".into(), String::new()]);
        table.push(vec![
            "größe".into(),
            "10/10000".into(),
            "a\nb\u{1b}[2J\u{202e}".into(),
        ]);
        assert_eq!(
            table.text(),
            "NAME   DONE      REASON\npi     1/1       <none>\ngröße  10/10000  a b [2J\n"
        );
        let mut narrow = Table::new(vec!["LONG HEADER", "B"]).bare(true);
        narrow.push(vec!["a".into(), "b".into()]);
        assert_eq!(narrow.text(), "a  b\n", "no header, and none of its width");
    }
}
