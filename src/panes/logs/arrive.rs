//! What arrives for a log screen: lines and words of its streams, or of the file it reads instead.

use super::{Level, Logs, Reply};
use crate::app::action::Action;
use crate::panes::{Arrival, Cx, Heard};
use crate::ui::State;

impl Logs {
    pub(super) fn take_in(&mut self, arrival: &Arrival, cx: &Cx) {
        let want = match arrival {
            Arrival::Lines { want, .. } | Arrival::LogNote { want, .. } => *want,
            Arrival::File(heard) => return self.take_in_file(heard, cx),
            Arrival::Object { .. } | Arrival::Fields { .. } => return,
        };
        if self.stream_of(want).is_none() {
            let said = match arrival {
                Arrival::Lines { said, .. } => *said,
                _ => &[],
            };
            if self.receive_other(want, said) {
                return;
            }
            self.settle(cx);
        }
        let Some(stream) = self.stream_of(want) else {
            return;
        };
        self.counted(|logs| match arrival {
            Arrival::Lines { lines, said, .. } => {
                let known = logs.buffer.push(stream, lines);
                for at in lines.iter().skip(known).filter_map(|line| line.at) {
                    logs.sources[stream].rate.add(at.timestamp());
                }
                let news = said.iter().filter(|said| said.line >= known);
                let thresholds = &cx.session.thresholds;
                logs.reading.take(stream, news, thresholds, lines, cx.now);
                logs.sources[stream].cut = false;
            }
            Arrival::LogNote { level, text, .. } => {
                logs.sources[stream].cut = *level != Level::Info;
                logs.buffer.note(stream, *level != Level::Info, text);
            }
            Arrival::File(_) | Arrival::Object { .. } | Arrival::Fields { .. } => {}
        });
    }

    fn take_in_file(&mut self, heard: &Heard, cx: &Cx) {
        self.settle(cx);
        self.counted(|logs| match heard {
            Heard::Lines { lines, said } => {
                logs.buffer.push(0, lines);
                let thresholds = &cx.session.thresholds;
                logs.reading.take(0, said, thresholds, lines, cx.now);
            }
            Heard::Note(level, text) => logs.buffer.note(0, *level != Level::Info, text),
            Heard::Ended => {
                for source in &mut logs.sources {
                    (source.done, source.state) = (true, State::Succeeded);
                }
            }
        });
    }

    /// Takes something in, and counts what of it a reader who has stopped following does not see.
    fn counted(&mut self, take: impl FnOnce(&mut Self)) {
        let before = self.buffer.counts();
        take(self);
        if !self.follow {
            let after = self.buffer.counts();
            let trimmed = usize::try_from(after.trimmed - before.trimmed).unwrap_or(0);
            self.unread += (after.shown + trimmed).saturating_sub(before.shown);
        }
    }
}

/// What only a cluster can answer.
pub(super) fn not_of_a_file(action: Action) -> Option<Reply> {
    let text = match action {
        Action::NextContainer | Action::TogglePrevious => "a file has no containers",
        Action::SinceAll
        | Action::SinceTail
        | Action::SinceMinute
        | Action::SinceFive
        | Action::SinceQuarter
        | Action::SinceHour => "a file is always read whole",
        Action::Timestamps => {
            "nobody stamped these lines; what they say of the time stands in them"
        }
        _ => return None,
    };
    Some(Reply::Say(Level::Info, text.into()))
}
