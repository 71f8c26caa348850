//! What decides which lines are shown and which match. Separate from the lines, which are judged by it one at a time.

use super::filter::{About, LogFilter};
use super::find::Pattern;
use super::folds::{Fold, Folds};
use super::line::{Line, Marks};

/// Filter, search and choice of streams.
#[derive(Debug, Default)]
pub struct View {
    pub filter: Option<LogFilter>,
    pub search: Option<Pattern>,
    /// Only these streams; empty: all.
    pub only: Vec<u16>,
    /// Of each stream, its name and rank.
    pub names: Vec<(Box<str>, Option<u32>)>,
}

impl View {
    pub fn has(&self, stream: u16) -> bool {
        self.only.is_empty() || self.only.contains(&stream)
    }

    fn about(&self, stream: u16, failure: bool) -> About<'_> {
        let name = self.names.get(usize::from(stream));
        About {
            pod: name.map_or("", |(name, _)| name),
            rank: name.and_then(|(_, rank)| *rank),
            failure,
        }
    }

    pub fn judge(&self, folds: &Folds, line: &Line) -> Marks {
        let passes = |filter: &LogFilter| {
            let about = self.about(line.stream, folds.is_failure(line.fold));
            filter.passes(&line.text, about)
        };
        let passed = self.has(line.stream) && self.filter.as_ref().is_none_or(passes);
        let marks = folds.marks(line, passed);
        let hit = marks & Marks::PASSED.0 != 0
            && self.search.as_ref().is_some_and(|s| s.matches(&line.text));
        Marks(marks | Marks::HIT.when(hit))
    }

    /// Its first line or its sentence passes.
    pub fn passes_fold(&self, fold: &Fold) -> bool {
        let Some(story) = &fold.story else {
            return true;
        };
        if !self.has(fold.stream) {
            return false;
        }
        let about = self.about(fold.stream, true);
        let about = About {
            rank: story.rank.or(about.rank),
            ..about
        };
        let passes = |text: &str| match &self.filter {
            Some(filter) => filter.passes(text, about),
            None => true,
        };
        passes(&story.text) || passes(&story.words)
    }
}
