//! One key at a time that is worth knowing where the user is: at the right of the line that says what matters, or behind the
//! keys of the footer where that line is full. Gone for good once it was used.

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

    /// Draws it at the right end of what is free of a row, if it fits; whether it did.
    pub(super) fn draw_tip(&self, free: Rect, buf: &mut Buffer, now: DateTime<Utc>) -> bool {
        let Some((key, what)) = self.tip(now) else {
            return false;
        };
        let theme = &self.desk.look.theme;
        let line = Line::from(vec![
            Span::styled("tip ", theme.dim()),
            Span::styled(key, theme.key()),
            Span::styled(format!(" {what}"), theme.hint()),
        ]);
        let wide = text::spans_width(&line.spans);
        let fits = free.height > 0 && wide <= usize::from(free.width);
        if fits {
            let x = free.right() - wide as u16;
            buf.set_line(x, free.y, &line, wide as u16);
        }
        fits
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
            let rest = Rect {
                x: used,
                width: 60 - used,
                ..area
            };
            let drawn = app.draw_tip(rest, &mut buf, at(1));
            let free = (0..used).all(|x| buf[(x, 0)].symbol() == " ");
            assert!(free, "{used} columns were taken");
            let some = (0..60).any(|x| buf[(x, 0)].symbol() != " ");
            assert_eq!(drawn, some);
        }
    }

    #[test]
    fn where_the_first_line_is_full_a_tip_stands_behind_the_keys_and_hides_none() {
        let picture = |app: &mut App, width: u16| -> Vec<String> {
            let area = Rect::new(0, 0, width, 30);
            let mut buf = Buffer::empty(area);
            app.paint(area, &mut buf, at(1));
            let rows = buf.content.chunks(usize::from(width));
            rows.map(|row| row.iter().map(|cell| cell.symbol()).collect::<String>())
                .collect()
        };
        let quiet = Settings {
            tips: false,
            ..Settings::default()
        };
        let mut quiet = app(quiet, false);
        let mut app = app(Settings::default(), false);
        // a line that leaves no room: half of the screen
        for app in [&mut quiet, &mut app] {
            app.act(Action::SplitRight, at(1));
        }
        for width in [80, 100, 160] {
            let (without, with) = (picture(&mut quiet, width), picture(&mut app, width));
            let keys = without[29].trim_end();
            let keys = keys.trim_end_matches(|c: char| c.is_ascii_digit() || c == '/');
            assert!(with[29].starts_with(keys.trim_end()), "{}", with[29]);
            assert_eq!(with[29].contains("tip "), width >= 160, "{}", with[29]);
            assert!(!with[3].contains("tip "), "{}", with[3]);
        }
    }
}
