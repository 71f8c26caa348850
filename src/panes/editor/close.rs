//! The question before a text is left that was changed and not sent: the harmless answer is in focus, and what was
//! written is kept unless it is said otherwise.

use chrono::{DateTime, Utc};
use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::said::{Ask, Id};
use crate::app::action::{Action, Scope};
use crate::model::want::Want;
use crate::panes::palette::Command;
use crate::panes::{Cx, Pane, Reply};
use crate::ui::Level;
use crate::ui::dialog::Confirm;

const ANSWERS: [&str; 3] = ["Go on", "Close, keep it", "Throw it away"];

/// From this answer on something is lost.
const LOSES: usize = 2;

/// The question.
pub struct Close {
    id: Id,
    title: String,
    focus: usize,
    places: Vec<Rect>,
}

impl Close {
    pub fn new(id: Id, title: String) -> Self {
        Self {
            id,
            title,
            focus: 0,
            places: Vec::new(),
        }
    }

    fn chosen(&self) -> Reply {
        let leave = |keep| {
            let id = self.id;
            Reply::Run(Command::Editor(Ask::Leave { id, keep }))
        };
        match self.focus {
            0 => Reply::Run(Command::Close),
            1 => leave(true),
            _ => leave(false),
        }
    }
}

impl Pane for Close {
    fn title(&self, _cx: &Cx) -> String {
        self.title.clone()
    }

    fn answer<'a>(&self, _cx: &Cx<'a>) -> Line<'a> {
        Line::default()
    }

    fn scopes(&self) -> &'static [Scope] {
        &[Scope::Dialog, Scope::List]
    }

    fn hints(&self, _cx: &Cx) -> Vec<Action> {
        vec![Action::Open, Action::Focus, Action::Back]
    }

    fn draw(&mut self, cx: &Cx, area: Rect, buf: &mut Buffer) {
        let key = cx.keymap.key_for(Action::Submit, &["list", "global"]);
        let again = match key {
            Some(key) => format!("What is kept is in the list of {key}, also after a restart."),
            None => "What is kept is in the list of :submit, also after a restart.".to_owned(),
        };
        let title = crate::ui::text::clean(&self.title).into_owned();
        let dialog = Confirm {
            title: &title,
            body: vec![
                vec![Span::styled(
                    "It was changed and not sent.",
                    cx.theme.text(),
                )],
                vec![Span::styled(again, cx.theme.dim())],
            ],
            answers: &ANSWERS,
            focus: self.focus,
            level: Level::Warn,
        };
        self.places = dialog.draw(area, buf, cx.theme);
    }

    fn act(&mut self, action: Action, _cx: &Cx) -> Reply {
        let last = ANSWERS.len() - 1;
        match action {
            Action::Open => return self.chosen(),
            Action::Left | Action::Up => self.focus = self.focus.saturating_sub(1),
            Action::Right | Action::Down => self.focus = (self.focus + 1).min(last),
            Action::Focus | Action::NextTab => self.focus = (self.focus + 1) % ANSWERS.len(),
            Action::Back | Action::Help | Action::Redraw | Action::NextTheme => {
                return Reply::Ignored;
            }
            // nothing behind the question is reached while it is asked
            _ => {}
        }
        Reply::Done
    }

    fn wants(&self, _cx: &Cx) -> Vec<Want> {
        Vec::new()
    }

    fn wake(&self, _cx: &Cx) -> Option<DateTime<Utc>> {
        None
    }

    fn mouse(&mut self, event: MouseEvent, _area: Rect, _cx: &Cx) -> Reply {
        if event.kind != MouseEventKind::Down(MouseButton::Left) {
            return Reply::Done;
        }
        let at = (event.column, event.row).into();
        match self.places.iter().position(|place| place.contains(at)) {
            // the first click on what loses something only moves there
            Some(n) if n < LOSES || n == self.focus => {
                self.focus = n;
                self.chosen()
            }
            Some(n) => {
                self.focus = n;
                Reply::Done
            }
            None => Reply::Done,
        }
    }
}
