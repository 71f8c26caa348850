//! The slider above the footer, and what the header says of another time.

use chrono::{DateTime, Local, TimeDelta, Utc};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;

use super::{App, Past};
use crate::app::action::{Action, Scope};
use crate::model::human;
use crate::ui::slider::Slider;
use crate::ui::{Level as Loud, State};

impl App {
    /// Rows it takes.
    pub(in crate::app) fn slider_rows(&self) -> u16 {
        u16::from(self.in_the_past())
    }

    /// `▶ x10 14:03:21 ━━━━━✗━━█──────  3m12s of 29m  , . change  ( ) 10 s`
    pub(in crate::app) fn draw_slider(&mut self, area: Rect, buf: &mut Buffer, now: DateTime<Utc>) {
        let Some(head) = &self.desk.playhead else {
            return;
        };
        let theme = &self.desk.look.theme;
        let at = head.at(now);
        let sign = match head.playing && at < head.end {
            true => "▶",
            false => "‖",
        };
        let clock = at.with_timezone(&Local).format("%H:%M:%S").to_string();
        let left = vec![
            Span::styled(format!("{sign} "), theme.key()),
            Span::styled(format!("{:<4}", head.speed.words()), theme.dim()),
            Span::styled(clock, theme.title()),
        ];
        let age = |delta: TimeDelta| human::duration(delta);
        let place = format!("{} of {}", age(at - head.start), age(head.end - head.start));
        let mut right = vec![vec![Span::styled(place, theme.dim())]];
        let pairs = [
            (Action::PastPause, Action::PastPause, "play"),
            (Action::TimeMachine, Action::TimeMachine, "now"),
            (Action::PastPrevious, Action::PastNext, "change"),
            (Action::PastBack, Action::PastForward, "10 s"),
            (Action::PastMinuteBack, Action::PastMinute, "1 min"),
            (Action::PastSlower, Action::PastFaster, "speed"),
        ];
        for (back, on, what) in pairs {
            if back == Action::TimeMachine && self.replays() {
                continue;
            }
            let scopes = [Scope::Past, Scope::Global];
            let key = |action| self.desk.look.key_for(action, &scopes);
            let (Some(back), Some(on)) = (key(back), key(on)) else {
                continue;
            };
            let keys = match back == on {
                true => on,
                false => format!("{back} {on}"),
            };
            right.push(vec![
                Span::styled(format!("  {keys}"), theme.key()),
                Span::styled(format!(" {what}"), theme.hint()),
            ]);
        }
        let marks = match &self.past {
            Past::Recording(of) => {
                let all = of.failures();
                all.iter().map(|t| head.share(of.time(*t))).collect()
            }
            Past::Live(_) => {
                let all = self.noted.failures().filter(|at| *at >= head.start);
                all.map(|at| head.share(at)).collect()
            }
            Past::Not => Vec::new(),
        };
        let slider = Slider {
            left,
            right,
            at: head.share(at),
            marks,
        };
        self.spots.slider = slider.draw(area, buf, theme);
    }

    /// What stands in the place of `live`; none now. Compact: what the slider does not say.
    pub(in crate::app) fn health_then(&self, now: DateTime<Utc>) -> Option<Vec<Span<'static>>> {
        let theme = &self.desk.look.theme;
        let at = self.desk.playhead.as_ref()?.at(now);
        let local = at.with_timezone(&Local);
        let (words, clock) = match &self.past {
            Past::Recording(_) => (
                " replay ".to_owned(),
                local.format(" %Y-%m-%d %H:%M:%S").to_string(),
            ),
            Past::Live(_) => (
                format!(" {} ago ", human::duration(now - at)),
                local.format(" %H:%M:%S").to_string(),
            ),
            Past::Not => return None,
        };
        let mut spans = vec![Span::styled(words, theme.banner(Loud::Warn))];
        if !self.compact {
            spans.push(Span::styled(clock, theme.state(State::Waiting)));
        }
        Some(spans)
    }
}
