//! A log opened at the line of a time, as a finding leads there; and what its streams tell about the run's health.
//! Separate because it is what others ask of a log screen.

use chrono::{DateTime, Utc};

use super::Logs;
use super::follow::Since;
use crate::logs::{Anchor, Lens};
use crate::model::ids::Key;
use crate::panes::{Cx, Worries, Worry, run};

impl Logs {
    /// Begins at the line of a time instead of at the end; `since`: read from so many seconds ago.
    pub fn at(mut self, at: DateTime<Utc>, since: u32) -> Self {
        self.goto = Some(at);
        self.ask.since = Since::Seconds(since);
        self
    }

    /// Shows the line it was opened at, as soon as it came.
    pub(super) fn go_to(&mut self) {
        let Some(at) = self.goto else { return };
        let Some(at) = at.timestamp_nanos_opt() else {
            self.goto = None;
            return;
        };
        let found = self.buffer.seek(Anchor::at(at), Lens::VISIBLE);
        if let Some(anchor) = found
            .and_then(|cursor| self.buffer.get(cursor))
            .map(|line| line.anchor())
            .filter(|anchor| anchor.nanos() >= at)
        {
            self.goto = None;
            self.reveal(anchor);
            self.hit = Some(anchor);
        }
    }

    /// What its streams say of the run's health.
    pub(super) fn worried(&mut self, cx: &Cx) -> Option<Worries> {
        if self.is_file() || self.ask.previous || self.reading.records() == 0 {
            return None;
        }
        let job = self.about_job(cx)?;
        let (open, over) = self.reading.worries();
        let several = self.sources.len() > 1;
        let name = |held: crate::logs::health::Held| {
            let source = self.sources.get(held.stream)?;
            let who = match (several, source.index) {
                (false, _) => String::new(),
                (true, Some(index)) => format!("index {index}"),
                (true, None) => format!("pod {}", source.label()),
            };
            Some(Worry {
                pod: source.pod,
                who,
                held,
            })
        };
        Some(Worries {
            job,
            open: open.into_iter().filter_map(name).collect(),
            over: over.into_iter().filter_map(name).collect(),
        })
    }

    /// The last lines shown.
    pub(super) fn ends_with(&self, most: usize) -> Vec<String> {
        let back = std::iter::successors(self.buffer.last(Lens::PASSED), |c| {
            self.buffer.previous(*c, Lens::PASSED)
        });
        let lines = back.take(most).filter_map(|c| self.buffer.get(c));
        let mut lines: Vec<String> = lines.map(|line| line.text().to_owned()).collect();
        lines.reverse();
        lines
    }

    /// The workload whose log it is.
    pub(super) fn about_job(&self, cx: &Cx) -> Option<Key> {
        self.job(cx)
    }
}

/// Seconds ago to read from, so that the line of a time is among the first: the server counts whole ones.
pub fn since(at: DateTime<Utc>, cx: &Cx) -> u32 {
    let ago = run::seconds(cx.now) - run::seconds(at);
    (ago.max(0.0) + 30.0) as u32
}
