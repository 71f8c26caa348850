//! What leaves a log screen: the lines on screen, under the cursor or between marks to the clipboard, to a file, to the
//! pager.

use chrono::{DateTime, Utc};

use super::{Logs, Times};
use crate::logs::{Anchor, Line};
use crate::panes::words::count;
use crate::panes::{Cx, Level, Reply};
use crate::ui::text::clean;

impl Logs {
    /// From the first mark to the last; of a single mark, from there to the cursor.
    fn marked(&self) -> Option<(Anchor, Anchor)> {
        let (first, last) = (*self.marks.first()?, *self.marks.last()?);
        if first < last {
            return Some((first, last));
        }
        let at = self.lane().at.unwrap_or(last);
        Some((first.min(at), last.max(at)))
    }

    /// Lines between two, of the stream that has the keys where streams are side by side.
    fn between(&self, (from, to): (Anchor, Anchor)) -> impl Iterator<Item = &Line> {
        let only = self.lane().stream;
        let lines = self.buffer.range(from, to);
        lines.filter(move |line| only.is_none_or(|stream| line.stream() == stream))
    }

    /// The marked lines, else the one under the cursor with what is folded into it, else those on screen: as plain text.
    pub(super) fn copy(&self) -> Reply {
        let lines: Vec<&str> = if let Some(range) = self.marked() {
            self.between(range).map(Line::text).collect()
        } else if let Some(line) = self.lane().at.and_then(|at| self.buffer.line(at)) {
            match self.buffer.fold_lines(line) {
                Some(lines) => lines.map(Line::text).collect(),
                None => vec![line.text()],
            }
        } else {
            let sheet = self.sheet(self.lane);
            let seen = self
                .lane()
                .top
                .map(|top| self.lane().shape.seen(sheet, top));
            let seen = seen.into_iter().flatten();
            seen.filter_map(|(cursor, _, _)| Some(sheet.line(cursor)?.text()))
                .collect()
        };
        if lines.is_empty() {
            return Reply::Say(Level::Info, "nothing to copy yet".into());
        }
        Reply::Copy {
            what: count(lines.len(), "line", "lines"),
            text: lines.join("\n"),
        }
    }

    /// The marked lines if there are two marks, else all that are shown.
    fn told<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Line> + 'a> {
        match self.marked() {
            Some(range) if self.marks.len() > 1 => Box::new(self.between(range)),
            _ => Box::new(self.between((Anchor::START, Anchor::END))),
        }
    }

    fn file_name(&self, cx: &Cx) -> String {
        let name = self.name.rsplit('/').next().unwrap_or("logs");
        format!("{name}-{}.log", cx.now.format("%Y%m%d-%H%M%S"))
    }

    pub(super) fn save(&self, cx: &Cx) -> Reply {
        let mut text = String::new();
        for line in self.told() {
            if self.is_job()
                && let Some(source) = self.sources.get(line.stream())
            {
                text.push_str(&source.name);
                text.push(' ');
            }
            if let Some(nanos) = line.nanos() {
                let at = DateTime::<Utc>::from_timestamp_nanos(nanos);
                text.push_str(&at.to_rfc3339_opts(chrono::SecondsFormat::Nanos, true));
                text.push(' ');
            }
            text.push_str(line.text());
            text.push('\n');
        }
        Reply::Save {
            name: self.file_name(cx),
            text,
        }
    }

    /// The lines as they stand on the screen, for the pager: labels and times as they are shown now, folds open.
    pub(super) fn pager(&self, cx: &Cx) -> Reply {
        let mut text = String::new();
        let labelled = self.is_job() && self.sources.len() > 1;
        for line in self.told() {
            if labelled && let Some(source) = self.sources.get(line.stream()) {
                text.push_str(&clean(&source.label()));
                text.push(' ');
            }
            if self.times != Times::Off
                && let Some(nanos) = line.nanos()
                && let Some(clock) = self.clock(DateTime::from_timestamp_nanos(nanos), cx)
            {
                text.push_str(&clock);
                text.push(' ');
            }
            // Escapes went when the line came in; a pager gets none whatever becomes of that.
            text.push_str(&clean(line.text()));
            text.push('\n');
        }
        if text.is_empty() {
            return Reply::Say(Level::Info, "nothing to show yet".into());
        }
        Reply::Page(text)
    }
}
