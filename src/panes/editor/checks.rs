//! Whether the text is as it should be: what is known of it, what the server says, and where in the text that is.

use ratatui::style::Style;

use super::{Ask, Editor, Found, Problem, State, Told, View, read};
use crate::actions::outcome::{Ended, Outcome};
use crate::actions::secrets;
use crate::panes::palette::Command;
use crate::panes::words::count;
use crate::panes::{Cx, Level, Reply};
use crate::ui::theme::Theme;
use crate::ui::{Level as Loud, State as Sign};

/// In the words about a value that was not kept: tells them from others.
const MASKED: &str = "it looked like a secret";

impl Editor {
    /// Values that were not kept have to be filled in.
    pub(super) fn masks(&mut self) {
        self.problems.retain(|p| !is_mask(p));
        for (n, line) in self.buffer.lines().iter().enumerate() {
            if secrets::is_masked(line) {
                let text = format!("this value was not kept: fill it in ({MASKED})");
                self.problems.push(Problem::error(Some(n), text));
            }
        }
    }

    /// Sends it: what the server would do first, then in earnest unless `only` that is wanted.
    pub(super) fn send(&mut self, only: bool) -> Reply {
        match self.state {
            State::Asking { .. } => {
                return Reply::Say(Level::Info, "the server is asked already".into());
            }
            State::Sending => return Reply::Say(Level::Info, "it is being made already".into()),
            _ => {}
        }
        self.masks();
        if self.problems.iter().any(is_mask) {
            self.problems.retain(is_mask);
            self.refuse();
            return Reply::Done;
        }
        let unchecked = self.unchecked == Some(self.buffer.version()) && !only;
        self.state = match unchecked {
            true => State::Sending,
            false => State::Asking { only },
        };
        self.look_at = None;
        Reply::Run(Command::Editor(Ask::Send {
            id: self.id(),
            text: self.buffer.text(),
            made: self.made.clone(),
            only,
            unchecked,
        }))
    }

    pub(super) fn refuse(&mut self) {
        self.state = State::Refused;
        self.show_problem();
    }

    /// The cursor goes to the first thing that is wrong.
    pub(super) fn show_problem(&mut self) {
        let line = self.problems.iter().find_map(|p| p.line);
        if let Some(line) = line {
            let text = self.buffer.lines().get(line).map_or("", String::as_str);
            let column = text.chars().take_while(|c| " -".contains(*c)).count();
            self.buffer.go(line, column);
        }
        self.view = View::Text;
        self.follow = true;
    }

    pub(super) fn next_problem(&mut self) -> Reply {
        let here = self.buffer.cursor().0;
        let mut lines: Vec<usize> = self.problems.iter().filter_map(|p| p.line).collect();
        lines.sort_unstable();
        let next = lines.iter().find(|line| **line > here).or(lines.first());
        let Some(line) = next.copied() else {
            return Reply::Say(Level::Info, "nothing is known to be wrong with it".into());
        };
        self.buffer.go(line, 0);
        self.follow = true;
        Reply::Done
    }

    /// What it is told by the app.
    pub fn hear(&mut self, told: &Told, cx: &Cx) {
        match told {
            Told::Found(found) => self.looked(found),
            Told::Answered { dry, outcomes } => self.answered(*dry, outcomes),
            Told::NotSent(problems) => {
                self.problems.retain(|p| p.level != Loud::Error);
                self.problems.splice(0..0, problems.iter().cloned());
                self.refuse();
            }
            Told::Back(text) => {
                self.buffer.replace(text);
                self.touched(cx);
                self.look_at = Some(cx.now);
            }
        }
    }

    fn looked(&mut self, found: &Found) {
        if found.version != self.buffer.version() || self.state != State::Typing {
            return;
        }
        self.found = found.clone();
        self.problems = found.problems.clone();
        self.masks();
        self.state = State::Looked;
    }

    fn answered(&mut self, dry: bool, outcomes: &[Outcome]) {
        let text = self.buffer.text();
        let mut wrong = Vec::new();
        let mut cannot = false;
        let mut warned = Vec::new();
        for outcome in outcomes {
            warned.extend(read::warnings(&text, outcome));
            match &outcome.ended {
                Ended::DryRun => {}
                Ended::Done => {
                    if let Some(made) = &outcome.made {
                        self.made.push(made.clone());
                    }
                }
                _ => {
                    cannot |= dry && read::is_unchecked(outcome);
                    wrong.extend(read::problems(&text, outcome));
                }
            }
        }
        self.problems
            .retain(|p| p.level != Loud::Error && !read::is_warning(p));
        self.problems.extend(warned);
        if wrong.is_empty() {
            self.state = match (dry, self.state) {
                (true, State::Asking { only: true }) => State::Accepted,
                _ => State::Sending,
            };
            return;
        }
        if cannot {
            self.unchecked = Some(self.buffer.version());
        }
        self.problems.splice(0..0, wrong);
        self.refuse();
    }

    /// How it stands, in words, and how loud.
    pub(super) fn standing(&self, theme: &Theme) -> (String, Style) {
        let error = self.problems.iter().find(|p| p.level == Loud::Error);
        match self.state {
            State::Typing => ("…".into(), theme.dim()),
            State::Looked => match (error, self.found.unknown, &self.found.unchecked) {
                (Some(error), ..) => {
                    let text = match error.line {
                        Some(line) => format!("line {}: {}", line + 1, short(&error.text)),
                        None => short(&error.text).to_owned(),
                    };
                    (text, theme.level(Loud::Error))
                }
                (None, 0, None) => ("parses".into(), theme.state(Sign::Succeeded)),
                (None, 0, Some(_)) => {
                    let text = "parses, no schema to compare with";
                    (text.into(), theme.dim())
                }
                (None, n, _) => (
                    count(n, "unknown field", "unknown fields"),
                    theme.level(Loud::Warn),
                ),
            },
            State::Asking { .. } => (
                "asking the server (dry-run)".into(),
                theme.state(Sign::Waiting),
            ),
            State::Accepted => (
                "server would accept it (dry-run)".into(),
                theme.state(Sign::Succeeded),
            ),
            State::Refused => ("not sent".into(), theme.level(Loud::Error)),
            State::Sending => ("creating".into(), theme.state(Sign::Waiting)),
        }
    }
}

fn is_mask(problem: &Problem) -> bool {
    problem.text.contains(MASKED)
}

/// The first of several sentences.
fn short(text: &str) -> &str {
    let text = text.split("; ").next().unwrap_or(text);
    text.split(": ").next().unwrap_or(text)
}
