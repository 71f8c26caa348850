//! The keys of a screen, from the live keymap and the list of actions: help cannot disagree with the keyboard.

use chrono::{DateTime, Utc};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::{Cx, Pane, Reply};
use crate::app::action::{Action, Scope};
use crate::model::want::Want;
use crate::ui::dialog;
use crate::ui::scroll::{self, Window};
use crate::ui::text::{Shorten, shorten, width};

/// Columns for keys; longer lists of keys are cut.
const KEYS: usize = 20;
/// From here on two columns.
const TWO: u16 = 100;

/// Help over a screen.
pub struct Help {
    /// Narrowest first, `Global` last.
    scopes: Vec<Scope>,
    filter: String,
    window: Window,
}

/// Actions of one scope with their keys.
struct Section {
    title: &'static str,
    rows: Vec<(String, Action)>,
}

impl Help {
    /// For a screen with these key scopes.
    pub fn new(scopes: &[Scope]) -> Self {
        let mut scopes = scopes.to_vec();
        // every other key is text there
        if !scopes.contains(&Scope::Global) && !scopes.contains(&Scope::Editor) {
            scopes.push(Scope::Global);
        }
        Self {
            scopes,
            filter: String::new(),
            window: Window::default(),
        }
    }

    fn sections(&self, cx: &Cx) -> Vec<Section> {
        let names: Vec<&str> = self.scopes.iter().map(|scope| scope.name()).collect();
        let wanted = self.filter.to_lowercase();
        let matches = |keys: &str, action: Action| {
            wanted.is_empty()
                || keys.to_lowercase().contains(&wanted)
                || action.name().contains(&wanted)
                || action.describe().to_lowercase().contains(&wanted)
        };
        let mut sections: Vec<Section> = Vec::new();
        let mut told = Vec::new();
        for scope in &self.scopes {
            let mut rows = Vec::new();
            for action in Action::ALL {
                // Keys a narrower scope takes away do not do this here.
                let works = cx.keymap.keys_for(*action, &names);
                let keys: Vec<String> = cx
                    .keymap
                    .keys_for(*action, &[scope.name()])
                    .into_iter()
                    .filter(|keys| works.contains(keys))
                    .map(ToString::to_string)
                    .collect();
                if keys.is_empty() || told.contains(action) {
                    continue;
                }
                told.push(*action);
                let keys = keys.join("  ");
                if matches(&keys, *action) {
                    rows.push((keys, *action));
                }
            }
            sections.push(Section {
                title: title(*scope),
                rows,
            });
        }
        let rows = self
            .scopes
            .iter()
            .flat_map(|scope| Action::ALL.iter().filter(move |a| a.scope() == *scope))
            .filter(|action| cx.keymap.all_keys_for(**action).is_empty() && matches("", **action))
            .map(|action| (format!(":{}", action.name()), *action))
            .collect();
        sections.push(Section {
            title: "without a key",
            rows,
        });
        sections.retain(|section| !section.rows.is_empty());
        sections
    }

    /// The rows of the sections, split into columns between sections where they come out most even.
    fn columns(&self, cx: &Cx, two: bool) -> Vec<Vec<Line<'static>>> {
        let theme = cx.theme;
        let blocks: Vec<Vec<Line<'static>>> = self
            .sections(cx)
            .into_iter()
            .map(|section| {
                let mut lines = vec![Line::from(Span::styled(section.title, theme.header()))];
                for (keys, action) in section.rows {
                    let keys = shorten(&keys, KEYS, Shorten::End).into_owned();
                    let pad = KEYS - width(&keys);
                    lines.push(Line::from(vec![
                        Span::styled(keys, theme.key()),
                        Span::raw(" ".repeat(pad + 1)),
                        Span::styled(action.describe(), theme.text()),
                    ]));
                }
                lines.push(Line::default());
                lines
            })
            .collect();
        if !two {
            return vec![blocks.concat()];
        }
        let total: usize = blocks.iter().map(Vec::len).sum();
        let split = (0..=blocks.len())
            .min_by_key(|at| {
                let left: usize = blocks[..*at].iter().map(Vec::len).sum();
                left.max(total - left)
            })
            .unwrap_or(0);
        vec![blocks[..split].concat(), blocks[split..].concat()]
    }
}

fn title(scope: Scope) -> &'static str {
    match scope {
        Scope::Global => "everywhere",
        Scope::List => "in lists",
        Scope::Jobs => "jobs",
        Scope::Job => "one job",
        Scope::Pods => "pods",
        Scope::Nodes => "nodes",
        Scope::Events => "events",
        Scope::Queues => "queues",
        Scope::Gpus => "gpus",
        Scope::Hardware => "hardware",
        Scope::Text => "in texts",
        Scope::Logs => "logs",
        Scope::Start => "start screen",
        Scope::Inbox => "inbox",
        Scope::Dialog => "questions",
        Scope::Columns => "choosing columns",
        Scope::Editor => "in the editor",
        Scope::Past => "another time",
    }
}

impl Pane for Help {
    fn title(&self, _cx: &Cx) -> String {
        "keys".into()
    }

    fn answer<'a>(&self, cx: &Cx<'a>) -> Line<'a> {
        let name = cx.keymap.name().to_owned();
        Line::from(vec![
            Span::styled("keys of this screen", cx.theme.text()),
            Span::styled(format!(" · keymap {name}"), cx.theme.dim()),
        ])
    }

    fn scopes(&self) -> &'static [Scope] {
        &[Scope::Text]
    }

    fn hints(&self, _cx: &Cx) -> Vec<Action> {
        vec![Action::Filter, Action::Back]
    }

    fn draw(&mut self, cx: &Cx, area: Rect, buf: &mut Buffer) {
        let theme = cx.theme;
        let two = area.width >= TWO;
        let columns = self.columns(cx, two);
        let rows = columns.iter().map(Vec::len).max().unwrap_or(0);
        let want = u16::try_from(rows.max(3) + 2).unwrap_or(u16::MAX);
        // No wider than its longest line, or the columns stand apart.
        let longest = columns.iter().flatten().map(Line::width).max().unwrap_or(0);
        let each = longest.max(40) + 3;
        let wide = u16::try_from(columns.len() * each + 2).unwrap_or(u16::MAX);
        let place = dialog::place(area, wide, want);
        let mut heading = vec![Span::styled("keys", theme.title())];
        if !self.filter.is_empty() {
            let filter = crate::ui::text::clean(&self.filter).into_owned();
            heading.push(Span::styled(format!(" with ‘{filter}’"), theme.accent()));
        }
        let inner = dialog::window(&heading, place, None, buf, theme);
        if rows == 0 {
            let text = "no key or action with that";
            buf.set_stringn(
                inner.x,
                inner.y,
                text,
                usize::from(inner.width),
                theme.dim(),
            );
            return;
        }
        self.window = Window {
            page: usize::from(inner.height),
            total: rows,
            ..self.window
        }
        .settled();
        let n = u16::try_from(columns.len()).unwrap_or(1);
        let each = (inner.width + 2) / n;
        for (at, column) in (0..n).zip(&columns) {
            let x = inner.x + at * each;
            let room = each.saturating_sub(2).min(inner.right().saturating_sub(x));
            let lines = column.iter().skip(self.window.offset);
            for (y, line) in (inner.y..inner.bottom()).zip(lines) {
                buf.set_line(x, y, line, room);
            }
        }
        let track = Rect {
            x: place.right().saturating_sub(1),
            y: inner.y,
            width: 1,
            height: inner.height,
        };
        scroll::bar(track, buf, theme, self.window);
    }

    fn act(&mut self, action: Action, _cx: &Cx) -> Reply {
        match action {
            Action::Up => self.window = self.window.step(-1),
            Action::Down => self.window = self.window.step(1),
            Action::PageUp => self.window = self.window.step_page(-1),
            Action::PageDown => self.window = self.window.step_page(1),
            Action::Top => self.window.offset = 0,
            Action::Bottom => self.window.offset = self.window.last_offset(),
            Action::Filter => {
                return Reply::Prompt {
                    label: "find".into(),
                    text: self.filter.clone(),
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

    fn filter(&self) -> &str {
        &self.filter
    }

    fn set_filter(&mut self, text: &str, _cx: &Cx) -> Result<(), String> {
        self.filter = text.to_owned();
        self.window.offset = 0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::model::Model;
    use crate::panes::stage::Stage;

    #[test]
    fn at_three_sizes() {
        let stage = Stage::new(Model::default());
        let mut help = Help::new(&[Scope::Logs, Scope::Text]);
        assert_snapshot!("help_60x16", stage.draw(&mut help, 60, 12));
        assert_snapshot!("help_80x24", stage.draw(&mut help, 80, 20));
        assert_snapshot!("help_200x60", stage.draw(&mut help, 200, 56));
    }

    #[test]
    fn shows_what_the_keyboard_does_and_finds_it() {
        let stage = Stage::new(Model::default());
        let mut help = Help::new(&[Scope::Logs, Scope::Text]);
        // In logs `1` asks for all lines: it does not go to the jobs.
        let seen = stage.draw(&mut help, 200, 56);
        assert!(seen.contains("everything the server still has"), "{seen}");
        let jobs = seen
            .lines()
            .find(|line| line.contains("go-jobs") || line.contains(" jobs  "));
        assert!(jobs.is_none_or(|line| !line.contains(" 1 ")), "{jobs:?}");
        stage.type_in(&mut help, "timestamps");
        let seen = stage.draw(&mut help, 80, 20);
        assert!(
            seen.contains("times: none, as the server") && !seen.contains("next tab"),
            "{seen}"
        );
        stage.type_in(&mut help, "xyzzy");
        assert!(stage.draw(&mut help, 80, 20).contains("no key or action"));
    }

    #[test]
    fn scrolls_to_its_end() {
        let stage = Stage::new(Model::default());
        let mut help = Help::new(&[Scope::List]);
        let first = stage.draw(&mut help, 80, 14);
        stage.act(&mut help, Action::Bottom);
        let last = stage.draw(&mut help, 80, 14);
        assert!(first != last);
        stage.act(&mut help, Action::Top);
        assert_eq!(stage.draw(&mut help, 80, 14), first);
    }
}
