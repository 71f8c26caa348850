//! Screens that read like a page: sentences, headings, and names with words beside them, broken at the width. What they
//! say is their own.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::Cx;
use crate::ui::{Level, State, text};

/// Lines as they are written.
pub struct Page<'a> {
    pub cx: &'a Cx<'a>,
    pub width: usize,
    pub out: Vec<Line<'static>>,
}

impl<'a> Page<'a> {
    /// `gone`: what it is about is not there any more.
    pub fn new(gone: bool, cx: &'a Cx<'a>, width: usize) -> Self {
        let mut page = Self {
            cx,
            width: width.max(20),
            out: Vec::new(),
        };
        if gone {
            let style = cx.theme.level(Level::Warn);
            page.say("deleted; this is what was seen last", style);
        }
        page
    }

    /// A text, broken into lines.
    pub fn say(&mut self, words: &str, style: Style) {
        let lines = text::wrap(&text::clean(words), self.width).into_iter();
        self.out.extend(lines.map(|line| Line::styled(line, style)));
    }

    /// A blank line, unless nothing is above it.
    pub fn gap(&mut self) {
        if !self.out.is_empty() {
            self.out.push(Line::default());
        }
    }

    /// A blank line and the name of what follows.
    pub fn head(&mut self, what: &str) {
        self.gap();
        let line = Line::styled(what.to_owned(), self.cx.theme.header());
        self.out.push(line);
    }

    /// A name in a column, and words that are broken beside it.
    pub fn item(&mut self, name: &str, column: usize, words: &str, style: Style) {
        let first = vec![Span::styled(named(name, column), self.cx.theme.dim())];
        self.beside(first, column + 2, 12, words, style);
    }

    /// The same with a sign before it.
    pub fn sign(&mut self, state: State, name: &str, column: usize, words: &str) {
        let theme = self.cx.theme;
        let first = vec![
            Span::styled(format!("{} ", theme.state_glyph(state)), theme.state(state)),
            Span::styled(named(name, column), theme.text()),
        ];
        self.beside(first, 2 + column + 2, 16, words, theme.dim());
    }

    /// Words beside what is as wide as the indent; they have at least so many columns.
    fn beside(
        &mut self,
        first: Vec<Span<'static>>,
        indent: usize,
        least: usize,
        words: &str,
        style: Style,
    ) {
        let room = self.width.saturating_sub(indent).max(least);
        let mut first = Some(first);
        for words in text::wrap(&text::clean(words), room) {
            let blank = || vec![Span::raw(" ".repeat(indent))];
            let mut line = Line::from(first.take().unwrap_or_else(blank));
            line.push_span(Span::styled(words, style));
            self.out.push(line);
        }
    }
}

/// A name cut to a column, and two blanks.
pub fn named(name: &str, column: usize) -> String {
    let name = text::clean(name);
    let name = text::shorten(&name, column, text::Shorten::Middle);
    let pad = column.saturating_sub(text::width(&name)) + 2;
    format!("{name}{}", " ".repeat(pad))
}
