//! Curves that outlive the lines they came from: another `since` or container is asked for, and what was known before stays
//! until as much is known again. Separate because it is about memory, not about pictures.

use super::super::Logs;
use super::super::follow::Source;
use crate::logs::run::{Reading, Run};
use crate::model::ids::Name;
use crate::panes::Cx;

/// Containers (and their earlier instances) whose curves are remembered.
const MOST: usize = 4;

/// What was read of one container.
#[derive(Debug)]
pub struct Kept {
    container: Option<Name>,
    previous: bool,
    reading: Reading,
    sources: Vec<Source>,
}

/// The curves that are drawn, who their streams are, and where they are from if not from the lines there are.
pub struct Shown<'a> {
    pub run: &'a Run,
    pub sources: &'a [Source],
    pub from: Option<String>,
}

impl Logs {
    /// Before other lines are asked for: what was read so far is put aside.
    pub(in super::super) fn keep_curves(&mut self, cx: &Cx) {
        let reading = std::mem::take(&mut self.reading);
        let sources = self.sources.clone();
        if reading.run().is_empty() {
            return;
        }
        let (container, previous) = self.place(cx);
        let kept = &mut self.charts.kept;
        let known = kept
            .iter()
            .position(|k| k.container == container && k.previous == previous);
        if let Some(known) = known {
            if kept[known].reading.run().reports() > reading.run().reports() {
                return;
            }
            kept.remove(known);
        }
        if kept.len() >= MOST {
            kept.remove(0);
        }
        kept.push(Kept {
            container,
            previous,
            reading,
            sources,
        });
    }

    /// Which container is read, and which of its instances.
    fn place(&self, cx: &Cx) -> (Option<Name>, bool) {
        let container = self.ask.container.clone();
        let container = container.or_else(|| self.containers(cx).into_iter().next());
        (container, self.ask.previous)
    }

    /// What is drawn: what the lines say, or what was known before if that is more.
    pub(super) fn shown(&self, cx: &Cx) -> Shown<'_> {
        let now = self.reading.run();
        let here = Shown {
            run: now,
            sources: &self.sources,
            from: None,
        };
        if self.charts.kept.is_empty() {
            return here;
        }
        let (container, previous) = self.place(cx);
        let same = |k: &&Kept| k.container == container && k.previous == previous;
        let kept = self.charts.kept.iter();
        if let Some(kept) = kept.clone().find(same) {
            if kept.reading.run().reports() <= now.reports() {
                return here;
            }
            return kept.shown("read before".into());
        }
        match kept.clone().next_back() {
            Some(kept) if now.is_empty() => {
                let name = kept.container.as_deref().unwrap_or("another");
                let mut from = format!("of container {name}");
                if kept.previous {
                    from.push_str(" before the restart");
                }
                kept.shown(from)
            }
            _ => here,
        }
    }
}

impl Kept {
    fn shown(&self, from: String) -> Shown<'_> {
        Shown {
            run: self.reading.run(),
            sources: &self.sources,
            from: Some(from),
        }
    }
}
