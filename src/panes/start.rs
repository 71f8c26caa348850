//! The start screen: shown while there is no cluster. It says what was tried and why it failed, and offers the
//! demo cluster, the other contexts of the kubeconfig, and another try.

use chrono::{DateTime, Utc};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::palette::Command;
use super::{Cx, Pane, Reply};
use crate::app::action::{Action, Scope};
use crate::model::want::Want;
use crate::ui::{State, text};

/// Why there is no cluster.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Why {
    /// Still trying: the context, if one was named.
    #[default]
    Nothing,
    Connecting(Option<String>),
    Failed {
        context: String,
        tried: Vec<String>,
        why: String,
        next_step: String,
        contexts: Vec<String>,
    },
}

/// The screen: what happened, and the choices.
#[derive(Debug, Default)]
pub struct Start {
    why: Why,
    demo: bool,
    selected: usize,
}

#[derive(Debug, Clone, PartialEq)]
enum Choice {
    Demo,
    Tour,
    Retry,
    Context(String),
}

impl Start {
    /// What there is to say now. The selection starts at the first choice again.
    pub fn set(&mut self, why: Why, demo: bool) {
        *self = Self {
            why,
            demo,
            selected: 0,
        };
    }

    fn choices(&self) -> Vec<Choice> {
        let Why::Failed {
            context, contexts, ..
        } = &self.why
        else {
            return Vec::new();
        };
        let mut choices = Vec::new();
        if self.demo {
            choices.extend([Choice::Demo, Choice::Tour]);
        }
        choices.push(Choice::Retry);
        choices.extend(
            contexts
                .iter()
                .filter(|c| *c != context)
                .cloned()
                .map(Choice::Context),
        );
        choices
    }

    fn lines<'a>(&self, cx: &Cx<'a>, width: usize) -> Vec<Line<'a>> {
        let theme = cx.theme;
        let mut lines = vec![
            Line::from(vec![
                Span::styled("job", theme.title()),
                Span::styled("deck", theme.accent()),
                Span::styled(format!("  {}", env!("CARGO_PKG_VERSION")), theme.dim()),
            ]),
            Line::from(Span::styled("batch and ML work on Kubernetes", theme.dim())),
            Line::default(),
        ];
        match &self.why {
            Why::Nothing => {}
            Why::Connecting(context) => {
                let to = context
                    .as_deref()
                    .map_or("the current context".to_owned(), |c| {
                        text::clean(c).into_owned()
                    });
                lines.push(Line::from(Span::styled(
                    format!("connecting to {to} …"),
                    theme.state(State::Waiting),
                )));
            }
            Why::Failed {
                tried,
                why,
                next_step,
                ..
            } => {
                for (n, part) in text::wrap(&text::clean(why), width.saturating_sub(2))
                    .into_iter()
                    .enumerate()
                {
                    let glyph = if n == 0 {
                        theme.state_glyph(State::Failed)
                    } else {
                        " "
                    };
                    lines.push(Line::from(vec![
                        Span::styled(format!("{glyph} "), theme.state(State::Failed)),
                        Span::styled(part, theme.text()),
                    ]));
                }
                for part in text::wrap(next_step, width.saturating_sub(2)) {
                    lines.push(Line::from(Span::styled(format!("  {part}"), theme.dim())));
                }
                if !tried.is_empty() {
                    lines.push(Line::default());
                    lines.push(Line::from(Span::styled("tried", theme.header())));
                    for one in tried {
                        let one =
                            text::shorten(one, width.saturating_sub(2), text::Shorten::Middle)
                                .into_owned();
                        lines.push(Line::from(Span::styled(format!("  {one}"), theme.dim())));
                    }
                }
                lines.push(Line::default());
            }
        }
        lines
    }
}

impl Pane for Start {
    fn title(&self, _cx: &Cx) -> String {
        "start".into()
    }

    fn answer<'a>(&self, _cx: &Cx<'a>) -> Line<'a> {
        Line::default()
    }

    fn scopes(&self) -> &'static [Scope] {
        &[Scope::Start, Scope::List]
    }

    fn hints(&self, _cx: &Cx) -> Vec<Action> {
        let mut hints = Vec::new();
        if matches!(self.why, Why::Failed { .. }) {
            hints.push(Action::Open);
            hints.push(Action::Retry);
        }
        if self.demo {
            hints.extend([Action::OpenDemo, Action::Tour]);
        }
        hints.extend([Action::NextTheme, Action::Quit]);
        hints
    }

    fn draw(&mut self, cx: &Cx, area: Rect, buf: &mut Buffer) {
        let width = usize::from(area.width.saturating_sub(6)).min(84);
        let lines = self.lines(cx, width);
        let choices = self.choices();
        let height = (lines.len() + choices.len()) as u16;
        let left = area.x + (area.width.saturating_sub(width as u16)) / 2;
        let mut y = area.y + area.height.saturating_sub(height) / 3;
        for line in &lines {
            if y < area.bottom() {
                buf.set_line(left, y, line, width as u16);
                y += 1;
            }
        }
        // a long list of contexts scrolls; the selected one stays in sight
        let room = usize::from(area.bottom().saturating_sub(y));
        let skip = (self.selected + 1).saturating_sub(room);
        for (at, choice) in choices.iter().enumerate().skip(skip).take(room) {
            let (name, detail) = match choice {
                Choice::Demo => (
                    "open the demo cluster".to_owned(),
                    "a simulated GPU cluster in this program",
                ),
                Choice::Tour => (
                    "open it with a tour".to_owned(),
                    "90 seconds, step by step over the real screens",
                ),
                Choice::Retry => ("try again".to_owned(), "with the same settings"),
                Choice::Context(name) => (text::clean(name).into_owned(), "context"),
            };
            let row = Rect {
                x: left,
                y,
                width: width as u16,
                height: 1,
            };
            let chosen = at == self.selected;
            if chosen {
                buf.set_style(row, cx.theme.selection(true));
                buf.set_stringn(
                    left,
                    y,
                    cx.glyphs.selection(),
                    1,
                    cx.theme.selection_bar(true),
                );
            }
            let name = text::shorten(&name, width.saturating_sub(4), text::Shorten::Middle);
            let (x, _) =
                buf.set_stringn(left + 2, y, &name, width.saturating_sub(2), cx.theme.text());
            let room = usize::from((left + width as u16).saturating_sub(x + 2));
            buf.set_stringn(x + 2, y, detail, room, cx.theme.dim());
            y += 1;
        }
    }

    fn act(&mut self, action: Action, _cx: &Cx) -> Reply {
        let choices = self.choices();
        let last = choices.len().saturating_sub(1);
        match action {
            Action::Up => self.selected = self.selected.saturating_sub(1),
            Action::Down => self.selected = (self.selected + 1).min(last),
            Action::Top | Action::PageUp => self.selected = 0,
            Action::Bottom | Action::PageDown => self.selected = last,
            Action::Open => {
                return match choices.get(self.selected) {
                    Some(Choice::Demo) => Reply::Run(Command::Act(Action::OpenDemo)),
                    Some(Choice::Tour) => Reply::Run(Command::Act(Action::Tour)),
                    Some(Choice::Retry) => Reply::Run(Command::Act(Action::Retry)),
                    Some(Choice::Context(name)) => {
                        Reply::Run(Command::Contexts(vec![name.clone()]))
                    }
                    None => Reply::Done,
                };
            }
            _ => return Reply::Ignored,
        }
        Reply::Done
    }

    fn wants(&self, _cx: &Cx) -> Vec<Want> {
        Vec::new()
    }

    fn wake(&self, _cx: &Cx) -> Option<DateTime<Utc>> {
        None
    }
}
