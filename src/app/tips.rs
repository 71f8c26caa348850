//! One key at a time that is worth knowing where the user is, at the right of the line that says what matters. Gone for
//! good once it was used.

use chrono::{DateTime, Utc};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::action::{Action, Scope};
use super::effect::Effect;
use super::{App, Link};
use crate::ui::text;

/// Where, which key, what it is good for: the first that fits and was never used is shown.
const TIPS: &[(Scope, Action, &str)] = &[
    (Scope::Jobs, Action::Tour, "a tour of 90 seconds"),
    (
        Scope::Jobs,
        Action::Open,
        "its indexes, pods, log and story",
    ),
    (Scope::Jobs, Action::Why, "why it waits"),
    (Scope::Jobs, Action::Logs, "what its pods write"),
    (Scope::Jobs, Action::Filter, "only some: state:failed gpu>0"),
    (Scope::Jobs, Action::Command, "go anywhere by name"),
    (Scope::Jobs, Action::Help, "all keys of a screen"),
    (Scope::Logs, Action::Charts, "its loss as a curve"),
    (
        Scope::Logs,
        Action::LogFilter,
        "only some lines: level:warn+",
    ),
    (Scope::Logs, Action::SideBySide, "streams side by side"),
    (Scope::Queues, Action::Open, "why it waits, and behind whom"),
    (Scope::Gpus, Action::GpuFit, "where a job would fit now"),
    (
        Scope::Gpus,
        Action::ColourBy,
        "colours by queue, pod or use",
    ),
    (Scope::Inbox, Action::Open, "the log at that line"),
    (Scope::Hardware, Action::Mark, "marks; two to compare"),
];

impl App {
    /// Something was asked for by key, click or name: its tip is not needed any more.
    pub(super) fn used(&mut self, action: Action) {
        let told = TIPS.iter().any(|(_, of, _)| *of == action);
        if told && self.habits.used.insert(action.name().to_owned()) {
            let habits = Box::new(self.habits.clone());
            self.effects.push(Effect::Remember(habits));
        }
    }

    /// The tip for the screen in front.
    fn tip(&self, now: DateTime<Utc>) -> Option<(String, &'static str)> {
        let quiet = self.alone || self.link != Link::Open || self.overlay.is_some();
        if !self.settings.tips || quiet || self.tour.is_some() {
            return None;
        }
        let pane = self.screens.top();
        let scopes = pane.scopes();
        let fits = pane.hints(&self.desk.cx(now, true));
        let everywhere = [
            Action::Filter,
            Action::Command,
            Action::Help,
            Action::LogFilter,
        ];
        let mut all = scopes.to_vec();
        all.push(Scope::Global);
        TIPS.iter().find_map(|(scope, action, what)| {
            let is_new = scopes.contains(scope) && !self.habits.used.contains(action.name());
            let fits = match action {
                Action::Tour => self.is_demo(),
                action => fits.contains(action) || everywhere.contains(action),
            };
            // looking for its key is what takes time, and this is done for each frame
            let key = (is_new && fits).then(|| self.desk.look.key_for(*action, &all))?;
            Some((key?, *what))
        })
    }

    /// Draws it where `used` columns of the line are taken.
    pub(super) fn draw_tip(&self, used: usize, area: Rect, buf: &mut Buffer, now: DateTime<Utc>) {
        let Some((key, what)) = self.tip(now) else {
            return;
        };
        let theme = &self.desk.look.theme;
        let line = Line::from(vec![
            Span::styled("tip ", theme.dim()),
            Span::styled(key, theme.key()),
            Span::styled(format!(" {what}"), theme.hint()),
        ]);
        let wide = text::spans_width(&line.spans);
        if used + wide + 4 > usize::from(area.width) {
            return;
        }
        let x = area.right() - wide as u16 - 1;
        buf.set_line(x, area.y, &line, wide as u16);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::fixture::{app, draw};
    use crate::model::fixture::at;
    use crate::settings::Settings;

    fn tip(app: &mut App) -> Option<String> {
        let frame = draw(app);
        let line = frame.lines().nth(2)?.to_owned();
        Some(line.split_once("tip ")?.1.trim().to_owned())
    }

    #[test]
    fn a_tip_goes_once_its_key_was_used_and_that_is_kept() {
        let mut app = app(Settings::default(), false);
        let first = tip(&mut app).unwrap();
        assert!(first.starts_with("enter its indexes"), "{first}");
        app.act(Action::Open, at(1));
        app.act(Action::Back, at(1));
        let kept = app.take_ready_effects();
        assert!(
            kept.iter()
                .any(|effect| matches!(effect, Effect::Remember(h) if h.used.contains("open"))),
            "{kept:?}"
        );
        let next = tip(&mut app).unwrap();
        assert_ne!(next, first);
        // again: nothing new to keep
        app.act(Action::Open, at(1));
        app.act(Action::Back, at(1));
        let again = app.take_ready_effects();
        assert!(
            !again
                .iter()
                .any(|effect| matches!(effect, Effect::Remember(_)))
        );
        for (_, action, _) in TIPS {
            app.habits.used.insert(action.name().to_owned());
        }
        assert_eq!(tip(&mut app), None, "everything is known");
    }

    #[test]
    fn tips_can_be_switched_off_and_never_cover_what_matters() {
        let off = Settings {
            tips: false,
            ..Settings::default()
        };
        assert_eq!(tip(&mut app(off, false)), None);
        let app = app(Settings::default(), false);
        let theme = &app.desk.look.theme;
        let area = Rect::new(0, 0, 60, 1);
        for used in 0..60 {
            let mut buf = Buffer::empty(area);
            theme.clear(area, &mut buf);
            app.draw_tip(used, area, &mut buf, at(1));
            let free = (0..used as u16).all(|x| buf[(x, 0)].symbol() == " ");
            assert!(free, "{used} columns were taken");
        }
    }
}
