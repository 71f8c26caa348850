//! Fuzzy matching for the command bar: the best of a list for a few letters.

use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

/// One candidate that matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// Position in the list given.
    pub at: usize,
    pub score: u32,
    /// Matched characters, ascending, to be highlighted.
    pub marks: Vec<u32>,
}

/// Keeps its buffers between keystrokes.
#[derive(Debug)]
pub struct Fuzzy {
    matcher: Matcher,
    chars: Vec<char>,
}

impl Default for Fuzzy {
    fn default() -> Self {
        let mut config = Config::DEFAULT;
        // names have parts: "sft" should find "llama-sft" before "safetensors"
        config.prefer_prefix = true;
        Self {
            matcher: Matcher::new(config),
            chars: Vec::new(),
        }
    }
}

impl Fuzzy {
    /// The candidates that match, best first; ties keep the list's order. An empty pattern matches all.
    pub fn find<'a>(
        &mut self,
        pattern: &str,
        candidates: impl IntoIterator<Item = &'a str>,
    ) -> Vec<Hit> {
        let pattern = Pattern::parse(pattern, CaseMatching::Smart, Normalization::Smart);
        let mut hits: Vec<Hit> = candidates
            .into_iter()
            .enumerate()
            .filter_map(|(at, text)| {
                let text = Utf32Str::new(text, &mut self.chars);
                let mut marks = Vec::new();
                let score = pattern.indices(text, &mut self.matcher, &mut marks)?;
                marks.sort_unstable();
                marks.dedup();
                Some(Hit { at, score, marks })
            })
            .collect();
        hits.sort_by(|a, b| b.score.cmp(&a.score).then(a.at.cmp(&b.at)));
        hits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_best_and_marks_it() {
        let list = ["safetensors", "llama-sft", "sft", "bert"];
        let hits = Fuzzy::default().find("sft", list);
        let names: Vec<&str> = hits.iter().map(|h| list[h.at]).collect();
        assert_eq!(names, ["sft", "llama-sft", "safetensors"]);
        assert_eq!(hits[1].marks, [6, 7, 8]);
    }

    #[test]
    fn nothing_typed_keeps_the_order() {
        let hits = Fuzzy::default().find("", ["b", "a"]);
        assert_eq!(hits.iter().map(|h| h.at).collect::<Vec<_>>(), [0, 1]);
    }

    #[test]
    fn case_matters_only_when_typed() {
        let mut fuzzy = Fuzzy::default();
        assert_eq!(fuzzy.find("sft", ["SFT"]).len(), 1);
        assert_eq!(fuzzy.find("SFT", ["sft"]).len(), 0);
    }
}
