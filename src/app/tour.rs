//! The tour: a few steps over the real screens, each of which waits for its key. It takes rows of its own above the
//! footer, so that it covers nothing.

use chrono::{DateTime, Utc};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;

use super::action::{Action, Scope};
use super::screens::Tab;
use super::{App, Link};
use crate::panes::Level;
use crate::ui::{frame, text};

/// Where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tour {
    step: usize,
}

/// One step: where it is, the key it waits for, and what there is to see. `{}` is that key.
struct Step {
    tab: Tab,
    key: Action,
    words: &'static str,
}

const fn step(tab: Tab, key: Action, words: &'static str) -> Step {
    Step { tab, key, words }
}

const STEPS: &[Step] = &[
    step(
        Tab::Jobs,
        Action::Down,
        "Jobs of every kind in one table, what needs an eye first. The line above it says what matters in words. {} walks down.",
    ),
    step(
        Tab::Jobs,
        Action::Open,
        "The detail follows the cursor. {} makes it whole: why it is as it is, indexes or replicas, pods, log and story.",
    ),
    step(Tab::Jobs, Action::Back, "{} leads back, from every screen."),
    step(
        Tab::Jobs,
        Action::Filter,
        "{} filters a list while you type: try state:failed, or gpu>0. enter keeps the filter.",
    ),
    step(
        Tab::Jobs,
        Action::Back,
        "{} takes the filter away again (esc twice while you still type).",
    ),
    step(
        Tab::Jobs,
        Action::Logs,
        "{} reads all pods of a job as one log, merged by time, with the first failure of any rank on top.",
    ),
    step(
        Tab::Jobs,
        Action::Charts,
        "{} in a log draws what its lines say in numbers: loss, learning rate, throughput. Nothing is added to the program.",
    ),
    step(
        Tab::Queues,
        Action::GoQueues,
        "{}: the queues, with their quota, what is borrowed and lent, and who stands in line. enter there says why one waits.",
    ),
    step(
        Tab::Gpus,
        Action::GoGpus,
        "{}: every GPU is a cell in the hue of who holds it. A dot is free, ! is sick. f asks where a job would fit.",
    ),
    step(
        Tab::Inbox,
        Action::GoInbox,
        "{}: the inbox. What went wrong, one line for each cause; enter leads to the log at that line.",
    ),
    step(
        Tab::Inbox,
        Action::Help,
        "{} shows the keys of any screen, : goes anywhere by name. That is all; the same key closes it.",
    ),
];

/// Rows it takes.
const ROWS: u16 = 4;
/// The same where a line holds more.
const WIDE_ROWS: u16 = 3;
const WIDE: u16 = 130;

impl App {
    /// The demo cluster is open.
    pub(super) fn is_demo(&self) -> bool {
        self.link == Link::Open && self.desk.session.context == "demo"
    }

    /// The key of the tour: begins it, on the demo cluster, or ends it.
    pub(super) fn tour(&mut self, now: DateTime<Utc>) {
        if self.tour.take().is_some() {
            return self.say(
                Level::Info,
                "the tour is over; `:tour` begins it again",
                now,
            );
        }
        if self.is_demo() {
            self.screens.go(Tab::Jobs);
            while self.screens.back() {}
            self.tour = Some(Tour { step: 0 });
        } else if self.demo_offered && !self.alone && self.link != Link::Open {
            self.connect_demo();
            self.tour = Some(Tour { step: 0 });
        } else {
            let text = "the tour is on the demo cluster: `jobdeck demo`, then `:tour`";
            self.say(Level::Info, text, now);
        }
    }

    /// The next step without doing this one.
    pub(super) fn tour_next(&mut self, now: DateTime<Utc>) {
        let Some(tour) = &mut self.tour else {
            return self.say(Level::Info, "no tour is under way: `:tour` begins one", now);
        };
        tour.step += 1;
        if tour.step >= STEPS.len() {
            self.tour = None;
            self.say(
                Level::Info,
                "that was the tour; `:tour` begins it again",
                now,
            );
        }
    }

    /// An action was done: perhaps the one that is waited for.
    pub(super) fn tour_saw(&mut self, action: Action, now: DateTime<Utc>) {
        let waited = self.tour.and_then(|tour| STEPS.get(tour.step));
        if self.link == Link::Open && waited.is_some_and(|step| step.key == action) {
            self.tour_next(now);
        }
    }

    /// Rows to leave free for it.
    pub(super) fn tour_rows(&self, area: Rect) -> u16 {
        match self.tour {
            Some(_) if area.width >= WIDE => WIDE_ROWS,
            Some(_) => ROWS,
            None => 0,
        }
    }

    /// The key of an action as it is now, where the keyboard is.
    fn key_now(&self, action: Action) -> Option<String> {
        let scopes = match &self.overlay {
            Some(overlay) => overlay.scopes(),
            None => self.screens.top().scopes(),
        };
        let scopes: Vec<Scope> = scopes.iter().copied().chain([Scope::Global]).collect();
        self.desk.look.key_for(action, &scopes)
    }

    /// What to read now, and the key in it.
    fn tour_words(&self, step: &Step) -> (String, String) {
        let own = Tab::ALL.iter().any(|tab| tab.action() == step.key);
        let there = own || self.screens.tab() == step.tab;
        if there && let Some(key) = self.key_now(step.key) {
            return (step.words.to_owned(), key);
        }
        let label = step.tab.label();
        match self.key_now(step.tab.action()) {
            Some(key) if !there => (
                format!("This step is among the {label}: {{}} goes there."),
                key,
            ),
            // the key means something else here, or nothing
            _ => {
                let key = self
                    .key_now(Action::Back)
                    .unwrap_or_else(|| "esc".to_owned());
                let words = "{} leads out of this screen; the tour goes on from there.";
                (words.to_owned(), key)
            }
        }
    }

    pub(super) fn draw_tour(&self, area: Rect, buf: &mut Buffer) {
        let Some((tour, step)) = self.tour.and_then(|t| Some((t, STEPS.get(t.step)?))) else {
            return;
        };
        let theme = &self.desk.look.theme;
        let line = Rect { height: 1, ..area };
        frame::horizontal(line, buf, theme.border(true));
        let mut title = vec![
            Span::styled("tour ", theme.title()),
            Span::styled(format!("{}/{}", tour.step + 1, STEPS.len()), theme.text()),
        ];
        for (action, what) in [(Action::TourNext, "skips this"), (Action::Tour, "ends it")] {
            if let Some(key) = self.key_now(action) {
                title.push(Span::styled("  ", theme.dim()));
                title.push(Span::styled(key, theme.key()));
                title.push(Span::styled(format!(" {what}"), theme.hint()));
            }
        }
        frame::border_title(&title, line, buf);
        let (words, key) = self.tour_words(step);
        let spoken = words.replacen("{}", &key, 1);
        let lines = text::wrap(&spoken, usize::from(area.width.saturating_sub(4)));
        let mut marked = false;
        for (y, line) in (area.y + 1..area.bottom()).zip(lines) {
            let mut x = area.x + 2;
            let mut put = |words: &str, style| {
                let room = usize::from(area.right().saturating_sub(x));
                x = buf.set_stringn(x, y, words, room, style).0;
            };
            // the key stands out where it is named first
            let at = match words.split_once("{}") {
                Some((before, _)) if !marked => {
                    let before = before.rsplit(['.', ';', ':']).next().unwrap_or_default();
                    line.find(&format!("{}{key}", before.trim_start()))
                        .map(|at| at + before.trim_start().len())
                }
                _ => None,
            };
            match at {
                Some(at) => {
                    marked = true;
                    put(&line[..at], theme.text());
                    put(&key, theme.key());
                    put(&line[at + key.len()..], theme.text());
                }
                None => put(&line, theme.text()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::fixture;
    use crate::model::fixture::at;
    use crate::settings::Settings;

    fn app() -> App {
        let mut app = fixture::app(Settings::default(), false);
        app.desk.session.context = "demo".into();
        app
    }

    fn picture(app: &mut App, width: u16, height: u16) -> String {
        let area = Rect::new(0, 0, width, height);
        let mut buf = Buffer::empty(area);
        app.paint(area, &mut buf, at(1));
        let rows = buf.content.chunks(usize::from(width));
        rows.map(|row| {
            let row: String = row.iter().map(|cell| cell.symbol()).collect();
            row.trim_end().to_owned() + "\n"
        })
        .collect()
    }

    #[test]
    fn each_step_waits_for_its_own_key_and_names_it() {
        let mut app = app();
        app.act(Action::Tour, at(1));
        for (n, step) in STEPS.iter().enumerate() {
            assert_eq!(app.tour, Some(Tour { step: n }));
            // another key changes nothing
            app.act(Action::Redraw, at(1));
            assert_eq!(app.tour, Some(Tour { step: n }));
            for width in [60, 80, 200] {
                let seen = picture(&mut app, width, 24);
                let (words, key) = app.tour_words(step);
                assert!(
                    seen.contains(&format!("tour {}/{}", n + 1, STEPS.len())),
                    "{seen}"
                );
                let last = words.split_whitespace().last().unwrap();
                assert!(
                    seen.contains(last) && seen.contains(&key),
                    "step {n} at {width}:\n{seen}"
                );
            }
            app.tour_saw(step.key, at(1));
        }
        assert_eq!(app.tour, None);
        assert!(picture(&mut app, 80, 24).contains("that was the tour"));
    }

    #[test]
    fn it_covers_nothing_and_leads_back_who_went_astray() {
        let mut app = app();
        app.act(Action::Tour, at(1));
        insta::assert_snapshot!("tour_80x24", picture(&mut app, 80, 24));
        insta::assert_snapshot!("tour_200x60", picture(&mut app, 200, 60));
        app.act(Action::GoNodes, at(1));
        let seen = picture(&mut app, 80, 24);
        assert!(seen.contains("among the Jobs: 1 goes there"), "{seen}");
        app.act(Action::GoJobs, at(1));
        app.act(Action::Down, at(1));
        assert!(picture(&mut app, 80, 24).contains("tour 2/"));
        app.act(Action::TourNext, at(1));
        assert!(picture(&mut app, 80, 24).contains("tour 3/"));
        app.act(Action::Tour, at(1));
        assert!(!picture(&mut app, 80, 24).contains("tour 3/"));
    }

    #[test]
    fn it_is_on_the_demo_cluster_only() {
        let mut app = fixture::app(Settings::default(), false);
        app.act(Action::Tour, at(1));
        assert_eq!(app.tour, None);
        assert!(picture(&mut app, 80, 24).contains("jobdeck demo"));
        // from the start screen it opens it
        app.link = Link::Failed(crate::app::message::Failure::default());
        app.demo_offered = true;
        app.act(Action::Tour, at(1));
        assert!(app.tour.is_some());
        let effects = app.take_ready_effects();
        let demo = |e: &crate::app::effect::Effect| {
            matches!(e, crate::app::effect::Effect::ConnectDemo { .. })
        };
        assert!(effects.iter().any(demo), "{effects:?}");
    }
}
