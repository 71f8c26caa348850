//! The last log lines of one pod, as the detail of a job shows them under its grid. Separate because it holds
//! what arrived, and must forget it when another pod is looked at.

use std::collections::VecDeque;

use chrono::{DateTime, Utc};
use ratatui::text::{Line, Span};

use crate::logs::health::{Held, Thresholds};
use crate::logs::run::{Reading, Summary};
use crate::model::want::LogWant;
use crate::panes::{Arrival, Cx, Level};
use crate::ui::text;

/// Lines kept; more than any section shows.
const KEPT: usize = 60;

#[derive(Debug, Default)]
pub struct Tail {
    want: Option<LogWant>,
    lines: VecDeque<String>,
    note: Option<(Level, String)>,
    /// Nothing can be read right now: that nothing comes means nothing.
    cut: bool,
    /// What its lines say in numbers.
    reading: Reading,
}

impl Tail {
    /// Looks at another stream, or none; what came from the old one is forgotten.
    pub fn look(&mut self, want: Option<LogWant>) {
        let other = match (&self.want, &want) {
            (Some(old), Some(new)) => old.uid != new.uid || old.container != new.container,
            (old, new) => old.is_some() != new.is_some(),
        };
        if other {
            self.lines.clear();
            self.note = None;
            self.cut = false;
            self.reading = Reading::default();
        }
        self.want = want;
    }

    pub fn want(&self) -> Option<&LogWant> {
        self.want.as_ref()
    }

    pub fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.note.is_none()
    }

    /// Lines it could show.
    pub fn len(&self) -> usize {
        self.lines.len() + usize::from(self.note.is_some())
    }

    pub fn receive(&mut self, arrival: &Arrival, thresholds: &Thresholds, now: DateTime<Utc>) {
        match arrival {
            Arrival::Lines { want, lines, said } if self.want.as_ref() == Some(*want) => {
                self.cut = false;
                self.reading.take(0, *said, thresholds, lines, now);
                let skip = lines.len().saturating_sub(KEPT);
                for line in &lines[skip..] {
                    let whole = String::from_utf8_lossy(&line.bytes);
                    self.lines.push_back(text::strip(text::last_frame(&whole)));
                }
                while self.lines.len() > KEPT {
                    self.lines.pop_front();
                }
                self.note = None;
            }
            Arrival::LogNote { want, level, text } if self.want.as_ref() == Some(*want) => {
                self.cut = *level != Level::Info;
                self.note = Some((*level, (*text).to_owned()));
            }
            _ => {}
        }
    }

    /// What the lines say of a training, as of a time in seconds since 1970; `live`: the pod runs.
    pub fn told(&mut self, now: f64, live: bool) -> Option<Summary> {
        let live = live && !self.cut;
        self.reading.summary(now, &|_| live)
    }

    /// What it holds, as plain text.
    pub fn lines(&self) -> Vec<String> {
        self.lines.iter().cloned().collect()
    }

    /// What is not as it should be, and what of it went away since the last call.
    pub fn worries(&mut self) -> (Vec<Held>, Vec<Held>) {
        self.reading.worries()
    }

    /// When it is to be looked at again whether lines still come.
    pub fn due(&self, now: f64, live: bool) -> Option<f64> {
        let live = live && !self.cut;
        self.reading.due(now, &|_| live)
    }

    /// The newest lines that fit, each cut to the width.
    pub fn draw(&self, cx: &Cx, rows: usize, width: usize) -> Vec<Line<'static>> {
        let bar = || Span::styled("│ ", cx.theme.faint());
        let room = width.saturating_sub(2);
        let note = self.note.as_ref().map(|(level, note)| {
            let style = match level {
                Level::Info => cx.theme.dim(),
                Level::Warning => cx.theme.level(crate::ui::Level::Warn),
                Level::Error => cx.theme.level(crate::ui::Level::Error),
            };
            Line::from(vec![
                bar(),
                Span::styled(
                    text::shorten(note, room, text::Shorten::End).into_owned(),
                    style,
                ),
            ])
        });
        if self.is_empty() {
            return vec![Line::from(vec![
                bar(),
                Span::styled("no lines yet", cx.theme.dim()),
            ])];
        }
        let rest = rows.saturating_sub(usize::from(note.is_some()));
        let skip = self.lines.len().saturating_sub(rest);
        let lines = self.lines.iter().skip(skip).map(|line| {
            let cut = text::shorten(line, room, text::Shorten::End).into_owned();
            Line::from(vec![bar(), Span::styled(cut, cx.theme.text())])
        });
        lines.chain(note).take(rows).collect()
    }
}
