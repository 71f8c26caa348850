//! What is searched for: smart case, a regular expression where the text is one, else the text itself.

use std::ops::Range;

use regex::{Regex, RegexBuilder};

/// A compiled search or filter.
#[derive(Debug, Clone)]
pub struct Pattern {
    regex: Regex,
    inverse: bool,
}

impl Pattern {
    /// For search. `None` for empty text.
    pub fn search(text: &str) -> Option<Self> {
        Self::compile(text, false)
    }

    /// For a filter: `!` in front keeps the lines that do not match. `None` for empty text (or a lone `!`).
    pub fn filter(text: &str) -> Option<Self> {
        match text.strip_prefix('!') {
            Some(rest) => Self::compile(rest, true),
            None => Self::compile(text, false),
        }
    }

    fn compile(text: &str, inverse: bool) -> Option<Self> {
        if text.is_empty() {
            return None;
        }
        // Smart case: only a text with capitals minds them. `\S`, `\W` and the like are not capitals.
        let mut escaped = false;
        let minds = text.chars().any(|c| {
            let capital = c.is_uppercase() && !escaped;
            escaped = c == '\\' && !escaped;
            capital
        });
        let build = |pattern: &str| {
            RegexBuilder::new(pattern)
                .case_insensitive(!minds)
                .size_limit(1 << 20)
                .build()
        };
        // Half-typed or meant as it stands, like `loss (avg`.
        let regex = build(text).or_else(|_| build(&regex::escape(text))).ok()?;
        Some(Self { regex, inverse })
    }

    /// Whether a line is one to keep.
    pub fn matches(&self, text: &str) -> bool {
        self.regex.is_match(text) != self.inverse
    }

    /// Where it matches, for highlighting: byte ranges in order, no more than `most`. None for an inverse filter.
    pub fn ranges(&self, text: &str, most: usize) -> Vec<Range<usize>> {
        if self.inverse {
            return Vec::new();
        }
        self.regex
            .find_iter(text)
            .map(|found| found.range())
            .filter(|range| !range.is_empty())
            .take(most)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("loss", "LOSS 3", true)]
    #[case("Loss", "LOSS 3", false)]
    #[case("loss: [0-9.]+", "loss: 0.5", true)]
    #[case("loss (avg", "a loss (avg) of", true)]
    #[case(r"\Snan", "xNaN", true)]
    #[case(r"\\Nan", r"\nan", false)]
    #[case("ÉTÉ", "été", false)]
    #[case("été", "ÉTÉ", true)]
    fn smart_case_and_fallback(#[case] pattern: &str, #[case] text: &str, #[case] found: bool) {
        let pattern = Pattern::search(pattern).unwrap();
        assert_eq!(pattern.matches(text), found);
        assert_eq!(!pattern.ranges(text, 9).is_empty(), found);
    }

    #[test]
    fn a_bang_keeps_the_others() {
        let others = Pattern::filter("!debug").unwrap();
        assert!(others.matches("info") && !others.matches("a DEBUG line"));
        assert!(others.ranges("info", 9).is_empty());
        assert!(Pattern::filter("!").is_none() && Pattern::filter("").is_none());
        assert!(Pattern::search("!").unwrap().matches("go!"));
    }
}
