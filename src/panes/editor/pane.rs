//! The editor as one of the screens: what it says of itself, what its keys do, what it waits for.

use chrono::{DateTime, Utc};
use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::buffer::Buffer as Cells;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use serde_json::Value;

use super::{Ask, Content, Editor, From, State, View, diff, draw};
use crate::app::action::{Action, Scope};
use crate::logs::Pattern;
use crate::model::ids::{Key, Uid};
use crate::model::want::Want;
use crate::panes::palette::Command;
use crate::panes::words::count;
use crate::panes::{Arrival, Cx, Level, Pane, Reply};
use crate::ui::text::clean;
use crate::ui::{Level as Loud, State as Sign};

impl Pane for Editor {
    fn title(&self, _cx: &Cx) -> String {
        self.title.clone()
    }

    fn answer<'a>(&self, cx: &Cx<'a>) -> Line<'a> {
        let theme = cx.theme;
        let mut spans = vec![Span::styled(clean(&self.title).into_owned(), theme.title())];
        let mut say = |text: String, style| {
            spans.push(Span::styled(" · ", theme.faint()));
            spans.push(Span::styled(text, style));
        };
        match &self.content {
            Content::Waiting { .. } => say("fetching".into(), theme.state(Sign::Waiting)),
            Content::Failed(_) => say("not shown".into(), theme.level(Loud::Error)),
            Content::Ready => {
                if !self.search.is_empty() {
                    say(format!("‘{}’", clean(&self.search)), theme.accent());
                }
                let (words, style) = self.standing(theme);
                say(clean(&words).into_owned(), style);
                if self.found.objects > 1 {
                    say(format!("{} objects", self.found.objects), theme.dim());
                }
                if self.delete_old {
                    let text = format!("{} will be asked about after", self.words);
                    say(clean(&text).into_owned(), theme.dim());
                }
            }
        }
        Line::from(spans)
    }

    fn scopes(&self) -> &'static [Scope] {
        &[Scope::Editor]
    }

    fn hints(&self, _cx: &Cx) -> Vec<Action> {
        if self.content != Content::Ready {
            return vec![Action::Close];
        }
        let mut hints = match self.view {
            View::Text => vec![Action::Create, Action::DryRun, Action::Diff],
            View::Diff => return vec![Action::Diff, Action::Create, Action::DryRun],
        };
        if !self.problems.is_empty() {
            hints.push(Action::NextProblem);
        }
        hints.extend([Action::Options, Action::ExternalEditor, Action::Close]);
        if !self.search.is_empty() {
            hints.push(Action::SearchNext);
        }
        hints
    }

    fn draw(&mut self, cx: &Cx, area: Rect, buf: &mut Cells) {
        if !std::mem::replace(&mut self.drawn, true) {
            self.kept(cx);
            if self.content == Content::Ready {
                self.look_at.get_or_insert(cx.now);
            }
        }
        self.paint(cx, area, buf);
    }

    fn act(&mut self, action: Action, cx: &Cx) -> Reply {
        match action {
            Action::Close | Action::Back => return self.close(),
            Action::Help | Action::Redraw | Action::NextTheme => return Reply::Ignored,
            _ if self.content != Content::Ready => return Reply::Ignored,
            Action::Create => return self.send(false),
            Action::DryRun => return self.send(true),
            Action::Options => return Reply::Run(Command::Editor(Ask::Options)),
            Action::ExternalEditor => {
                let (id, text) = (self.id(), self.buffer.text());
                return Reply::Run(Command::Editor(Ask::External { id, text }));
            }
            Action::Diff => {
                self.view = match self.view {
                    View::Text => View::Diff,
                    View::Diff => View::Text,
                };
                self.diff = diff::diff(&self.original, &self.buffer.text());
            }
            Action::Filter => {
                return Reply::Prompt {
                    label: "search".into(),
                    text: self.search.clone(),
                };
            }
            Action::SearchNext => return self.search_step(false),
            Action::SearchPrevious => return self.search_step(true),
            Action::NextProblem => return self.next_problem(),
            Action::EditCopy => {
                return match self.buffer.copy() {
                    Some(text) => Reply::Copy {
                        text,
                        what: "what was selected".into(),
                    },
                    None => Reply::Say(
                        Level::Info,
                        "nothing is selected (shift with the arrows selects)".into(),
                    ),
                };
            }
            Action::EditUndo | Action::EditRedo | Action::EditCut | Action::EditPaste => {
                return self.edit(action, cx);
            }
            _ => return Reply::Ignored,
        }
        Reply::Done
    }

    fn wants(&self, _cx: &Cx) -> Vec<Want> {
        let mut wants: Vec<Want> = Vec::new();
        if let (
            From::Live { want, workload, .. },
            Content::Waiting {
                object,
                workload: known,
            },
        ) = (&self.start.from, &self.content)
            && self.drawn
        {
            wants.extend(object.is_none().then(|| Want::Object(want.clone())));
            let workload = workload.clone().filter(|_| known.is_none());
            wants.extend(workload.map(Want::Object));
        }
        wants.extend(self.found.needs.iter().cloned().map(Want::May));
        wants
    }

    fn wake(&self, _cx: &Cx) -> Option<DateTime<Utc>> {
        self.look_at
    }

    fn filter(&self) -> &str {
        &self.search
    }

    fn set_filter(&mut self, text: &str, _cx: &Cx) -> Result<(), String> {
        self.search = text.to_owned();
        self.pattern = Pattern::search(text);
        let (line, column) = self.buffer.cursor();
        // a hit that the cursor is at already is a hit
        if self.pattern.is_some() && column > 0 {
            self.buffer.go(line, column - 1);
        }
        if self.pattern.is_some() && self.search_step(false) != Reply::Done {
            self.buffer.go(line, column);
        }
        Ok(())
    }

    fn receive(&mut self, arrival: &Arrival, cx: &Cx) {
        let Arrival::Object { want, object } = arrival else {
            return;
        };
        let From::Live {
            want: of,
            workload: its,
            key,
        } = &self.start.from
        else {
            return;
        };
        let Content::Waiting {
            object: known,
            workload,
        } = &mut self.content
        else {
            return;
        };
        if *want == of {
            match object {
                Ok(object) if is(object, *key) => *known = Some(Box::new(object.clone())),
                Ok(_) => {
                    let why = "another object has its name now: look at that first";
                    self.content = Content::Failed(why.into());
                    return;
                }
                Err(why) => {
                    let why =
                        format!("{why}; what was kept of it may be in the history or the trash");
                    self.content = Content::Failed(why);
                    return;
                }
            }
        } else if Some(*want) == its.as_ref() {
            // what may not be read is done without, and a note says so
            *workload = Some(object.as_ref().ok().map(|w| Box::new(w.clone())));
        }
        self.arrived(cx);
    }

    fn position(&self, cx: &Cx) -> String {
        if self.content != Content::Ready {
            return String::new();
        }
        let wrong = self.problems.iter().filter(|p| p.level == Loud::Error);
        let words = match (wrong.count(), self.state) {
            (n, State::Looked) if n > 0 => count(n, "error", "errors"),
            _ => self.standing(cx.theme).0,
        };
        if self.view == View::Diff {
            let (added, removed) = (self.diff.added, self.diff.removed);
            return format!("+{added} -{removed}  {}", clean(&words));
        }
        let (line, column) = self.buffer.cursor();
        format!("{}:{}  {}", line + 1, column + 1, clean(&words))
    }

    fn mouse(&mut self, event: MouseEvent, _area: Rect, _cx: &Cx) -> Reply {
        match (event.kind, self.view) {
            (MouseEventKind::ScrollUp, View::Text) => self.window = self.window.step(-3),
            (MouseEventKind::ScrollDown, View::Text) => self.window = self.window.step(3),
            (MouseEventKind::ScrollUp, View::Diff) => self.diff_window = self.diff_window.step(-3),
            (MouseEventKind::ScrollDown, View::Diff) => {
                self.diff_window = self.diff_window.step(3);
            }
            (
                MouseEventKind::Down(MouseButton::Left) | MouseEventKind::Drag(MouseButton::Left),
                View::Text,
            ) if self.text_area.contains((event.column, event.row).into()) => {
                let line = self.window.offset + usize::from(event.row - self.text_area.y);
                let line = line.min(self.buffer.lines().len() - 1);
                let column = usize::from(event.column - self.text_area.x) + self.column;
                let character = draw::character_at(&self.buffer.lines()[line], column);
                match event.kind {
                    MouseEventKind::Drag(_) => self.buffer.select_to(line, character),
                    _ => self.buffer.go(line, character),
                }
                self.follow = true;
            }
            _ => return Reply::Ignored,
        }
        Reply::Done
    }

    fn editor(&self) -> Option<&Editor> {
        Some(self)
    }

    fn editor_mut(&mut self) -> Option<&mut Editor> {
        Some(self)
    }
}

/// The object is the one that was meant, not another of its name.
fn is(object: &Value, key: Key) -> bool {
    let uid = object.pointer("/metadata/uid").and_then(Value::as_str);
    uid.is_none_or(|uid| Uid::parse(uid) == key.uid)
}
