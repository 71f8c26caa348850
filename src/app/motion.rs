//! What moves by itself: the sign that something is waited for, and how soon changes follow each other on screen.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::{App, Link};
use crate::model::health::Health;
use crate::settings::Motion;

/// Shortest time between two frames that only follow changes.
const FRAME: Duration = Duration::from_millis(33);
/// The same where little is to move.
const CALM: Duration = Duration::from_millis(500);
/// The same on a compact screen.
const COMPACT: Duration = Duration::from_millis(200);
/// Between two steps of the spinner.
const STEP: i64 = 125;

impl App {
    /// Shortest time between two frames that only follow changes.
    pub fn pace(&self) -> Duration {
        match self.settings.motion {
            Motion::Full if self.compact => COMPACT,
            Motion::Full => FRAME,
            Motion::Reduced => CALM,
        }
    }

    /// The sign that something is waited for, as it is now; none where nothing is, or nothing may move.
    pub(super) fn spinner(&self, now: DateTime<Utc>) -> Option<&'static str> {
        let steps = now.timestamp_millis() / STEP;
        self.spins()
            .then(|| self.desk.look.glyphs.spinner(steps.rem_euclid(8) as usize))
    }

    /// When it turns next.
    pub(super) fn next_step(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let rest = STEP - now.timestamp_millis().rem_euclid(STEP);
        (self.spins() && self.watched).then(|| now + TimeDelta::milliseconds(rest))
    }

    fn spins(&self) -> bool {
        self.settings.motion == Motion::Full
            && match &self.link {
                Link::Connecting { .. } => true,
                Link::Failed(_) => false,
                Link::Open => matches!(
                    self.overall(),
                    Some(Health::Connecting | Health::Syncing { .. })
                ),
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::fixture;
    use crate::model::fixture::at;
    use crate::settings::Settings;

    fn app(motion: Motion) -> App {
        let settings = Settings {
            motion,
            ..Settings::default()
        };
        fixture::app(settings, false)
    }

    fn picture(app: &mut App, now: DateTime<Utc>) -> String {
        let area = ratatui::layout::Rect::new(0, 0, 100, 30);
        let mut buf = ratatui::buffer::Buffer::empty(area);
        app.paint(area, &mut buf, now);
        buf.content.iter().map(|cell| cell.symbol()).collect()
    }

    #[test]
    fn only_what_is_waited_for_spins_and_only_if_it_may() {
        let step = |n| at(1) + TimeDelta::milliseconds(n * STEP);
        for (motion, moves) in [(Motion::Full, true), (Motion::Reduced, false)] {
            let mut app = app(motion);
            // still: everything is there
            assert_eq!(app.next_step(at(1)), None);
            assert_eq!(picture(&mut app, step(0)), picture(&mut app, step(1)));
            app.link = Link::Connecting { context: None };
            let differs = picture(&mut app, step(0)) != picture(&mut app, step(1));
            assert_eq!(differs, moves, "{motion:?}");
            assert_eq!(app.next_step(at(1)), moves.then(|| step(1)));
            // nobody looks
            app.watched = false;
            assert_eq!(app.next_step(at(1)), None);
        }
        assert!(app(Motion::Reduced).pace() > app(Motion::Full).pace() * 10);
    }
}
