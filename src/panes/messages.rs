//! Messages: what went wrong, when, and how often; newest first.

use chrono::{DateTime, Utc};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::centre::Empty;
use super::words::{count, stamp, when};
use super::{Cx, Level, Notice, Pane, Reply};
use crate::app::action::{Action, Scope};
use crate::logs::Pattern;
use crate::model::human;
use crate::model::want::Want;
use crate::ui::scroll::{self, Window};
use crate::ui::text::{clean, width, wrap};
use crate::ui::theme::{Level as Loud, Theme};
use crate::ui::{Glyphs, State};

/// The messages screen.
#[derive(Default)]
pub struct Messages {
    filter: String,
    pattern: Option<Pattern>,
    /// The selected message, by its place among all: newest 0 would move under the reader.
    selected: Option<(DateTime<Utc>, String)>,
    window: Window,
    /// Selected and all that are shown, for the footer.
    place: (usize, usize),
}

impl Messages {
    fn shown<'a>(&self, cx: &Cx<'a>) -> Vec<&'a Notice> {
        cx.messages
            .iter()
            .rev()
            .filter(|notice| {
                self.pattern
                    .as_ref()
                    .is_none_or(|p| p.matches(&notice.text))
            })
            .collect()
    }

    fn at(&self, shown: &[&Notice]) -> usize {
        let of = |notice: &&Notice| {
            let key = self.selected.as_ref();
            key.is_some_and(|(at, text)| notice.at == *at && notice.text == *text)
        };
        shown.iter().position(of).unwrap_or(0)
    }

    fn select(&mut self, cx: &Cx, to: impl Fn(usize, usize) -> usize) -> Reply {
        let shown = self.shown(cx);
        let last = shown.len().saturating_sub(1);
        let at = to(self.at(&shown), last).min(last);
        self.selected = shown
            .get(at)
            .filter(|_| at > 0)
            .map(|notice| (notice.at, notice.text.clone()));
        Reply::Done
    }
}

fn sign(level: Level, glyphs: Glyphs, theme: &Theme) -> Span<'static> {
    let (sign, style) = match level {
        Level::Info => (if glyphs.is_ascii() { "i" } else { "·" }, theme.dim()),
        Level::Warning => ("!", theme.level(Loud::Warn)),
        Level::Error => (glyphs.state(State::Failed), theme.level(Loud::Error)),
    };
    Span::styled(sign, style)
}

impl Pane for Messages {
    fn title(&self, _cx: &Cx) -> String {
        "messages".into()
    }

    fn answer<'a>(&self, cx: &Cx<'a>) -> Line<'a> {
        let theme = cx.theme;
        let of = |level: Level| cx.messages.iter().filter(|n| n.level == level).count();
        let mut spans = Vec::new();
        for (level, style, one, many) in [
            (Level::Error, theme.level(Loud::Error), "error", "errors"),
            (
                Level::Warning,
                theme.level(Loud::Warn),
                "warning",
                "warnings",
            ),
            (Level::Info, theme.dim(), "note", "notes"),
        ] {
            let n = of(level);
            if n > 0 {
                if !spans.is_empty() {
                    spans.push(Span::styled(" · ", theme.faint()));
                }
                spans.push(Span::styled(count(n, one, many), style));
            }
        }
        match cx.messages.last() {
            None => spans.push(Span::styled("nothing went wrong so far", theme.dim())),
            Some(newest) => {
                let text = match cx.timestamps {
                    true => format!(", newest at {}", stamp(newest.at, cx.now)),
                    false => format!(", newest {} ago", human::age(Some(newest.at), cx.now)),
                };
                spans.push(Span::styled(text, theme.dim()));
            }
        }
        Line::from(spans)
    }

    fn scopes(&self) -> &'static [Scope] {
        &[Scope::List]
    }

    fn hints(&self, _cx: &Cx) -> Vec<Action> {
        vec![
            Action::Filter,
            Action::Copy,
            Action::ToggleTimes,
            Action::Retry,
        ]
    }

    fn draw(&mut self, cx: &Cx, area: Rect, buf: &mut Buffer) {
        let theme = cx.theme;
        let shown = self.shown(cx);
        if shown.is_empty() {
            let (head, body) = match cx.messages.len() {
                0 => (
                    "no messages",
                    "What goes wrong, and what was done about it, is kept here with its time.",
                ),
                _ => ("no message matches the filter", ""),
            };
            Empty::new(head, body, theme).draw(area, buf, theme);
            self.place = (0, 0);
            return;
        }
        let times: Vec<String> = shown.iter().map(|n| when(Some(n.at), cx)).collect();
        let time = times.iter().map(|time| width(time)).max().unwrap_or(0);
        // Selection, time, sign; a column for the scroll bar.
        let left = 1 + time + 1 + 2;
        let columns = usize::from(area.width).saturating_sub(left + 1).max(1);
        let selected = self.at(&shown);
        let mut rows: Vec<(usize, bool, String)> = Vec::new();
        let mut reveal = (0, 0);
        for (at, notice) in shown.iter().enumerate() {
            let mut text = clean(&notice.text).into_owned();
            if notice.times > 1 {
                text.push_str(&format!("  ×{}", notice.times));
            }
            let start = rows.len();
            for (n, part) in wrap(&text, columns).into_iter().enumerate() {
                rows.push((at, n == 0, part));
            }
            if at == selected {
                reveal = (start, rows.len() - 1);
            }
        }
        self.window = Window {
            page: usize::from(area.height),
            total: rows.len(),
            ..self.window
        }
        .reveal(reveal.1)
        .reveal(reveal.0);
        self.place = (selected + 1, shown.len());
        let visible = rows.iter().skip(self.window.offset);
        for (y, (at, first, text)) in (area.y..area.bottom()).zip(visible) {
            let notice = shown[*at];
            let row = Rect {
                y,
                height: 1,
                ..area
            };
            if *at == selected {
                buf.set_style(row, theme.selection(cx.focused));
                let bar = theme.selection_bar(cx.focused);
                buf.set_string(area.x, y, cx.glyphs.selection(), bar);
            }
            let over = theme.selection(cx.focused).fg.filter(|_| *at == selected);
            let hue = |style: ratatui::style::Style| over.map_or(style, |fg| style.fg(fg));
            let x = area.x + 1;
            if *first {
                let pad = time - width(&times[*at]);
                let label = format!("{}{}", " ".repeat(pad), times[*at]);
                buf.set_stringn(x, y, label, time, hue(theme.dim()));
                let sign = sign(notice.level, *cx.glyphs, theme);
                let at = x + u16::try_from(time + 1).unwrap_or(0);
                buf.set_stringn(at, y, &sign.content, 1, hue(sign.style));
            }
            let style = match notice.level {
                Level::Info => theme.dim(),
                _ => theme.text(),
            };
            let x = area.x + u16::try_from(left).unwrap_or(0);
            buf.set_stringn(x, y, text, columns, hue(style));
        }
        let track = Rect {
            x: area.right().saturating_sub(1),
            width: 1,
            ..area
        };
        scroll::bar(track, buf, theme, self.window);
    }

    fn act(&mut self, action: Action, cx: &Cx) -> Reply {
        let page = self.window.page.saturating_sub(1).max(1);
        match action {
            Action::Up => self.select(cx, |at, _| at.saturating_sub(1)),
            Action::Down => self.select(cx, |at, _| at + 1),
            Action::PageUp => self.select(cx, |at, _| at.saturating_sub(page)),
            Action::PageDown => self.select(cx, |at, _| at + page),
            Action::Top => self.select(cx, |_, _| 0),
            Action::Bottom => self.select(cx, |_, last| last),
            Action::Copy => {
                let shown = self.shown(cx);
                match shown.get(self.at(&shown)) {
                    Some(notice) => Reply::Copy {
                        text: notice.text.clone(),
                        what: "the message".into(),
                    },
                    None => Reply::Say(Level::Info, "nothing to copy".into()),
                }
            }
            _ => Reply::Ignored,
        }
    }

    fn wants(&self, _cx: &Cx) -> Vec<Want> {
        Vec::new()
    }

    fn wake(&self, cx: &Cx) -> Option<DateTime<Utc>> {
        if cx.timestamps {
            return None;
        }
        let next = |notice: &Notice| cx.now + human::next_change(cx.now - notice.at);
        cx.messages.iter().map(next).min()
    }

    fn filter(&self) -> &str {
        &self.filter
    }

    fn set_filter(&mut self, text: &str, _cx: &Cx) -> Result<(), String> {
        self.filter = text.to_owned();
        self.pattern = Pattern::filter(text);
        Ok(())
    }

    fn position(&self, _cx: &Cx) -> String {
        match self.place {
            (_, 0) => String::new(),
            (at, of) => format!("{at}/{of}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::model::Model;
    use crate::panes::fixture::ago;
    use crate::panes::stage::Stage;

    fn stage() -> Stage {
        let notice = |seconds, level, text: &str, times| Notice {
            at: ago(seconds).unwrap(),
            level,
            text: text.into(),
            times,
        };
        let mut stage = Stage::new(Model::default());
        stage.messages = vec![
            notice(7_200, Level::Info, "theme jobdeck-light", 1),
            notice(
                600,
                Level::Error,
                "events in hep: forbidden (needs list on events); R retries",
                14,
            ),
            notice(
                190,
                Level::Warning,
                "lost the connection to https://10.0.0.1:6443: connection reset by peer; trying again, the rows \
                 shown are those of 12:00:10",
                3,
            ),
            notice(
                5,
                Level::Error,
                "themes/mine.toml:12: roles.text: \u{1b}[31m is not a colour",
                1,
            ),
        ];
        stage
    }

    #[test]
    fn at_three_sizes() {
        let stage = stage();
        let mut pane = Messages::default();
        assert_snapshot!("messages_60x16", stage.draw(&mut pane, 60, 12));
        assert_snapshot!("messages_80x24", stage.draw(&mut pane, 80, 20));
        assert_snapshot!("messages_200x60", stage.draw(&mut pane, 200, 20));
        let empty = Stage::new(Model::default());
        assert_snapshot!("messages_empty", empty.draw(&mut pane, 80, 12));
    }

    #[test]
    fn the_selection_stays_with_its_message() {
        let mut stage = stage();
        let mut pane = Messages::default();
        stage.draw(&mut pane, 80, 20);
        stage.act(&mut pane, Action::Down);
        stage.messages.push(Notice {
            at: ago(0).unwrap(),
            level: Level::Info,
            text: "copied 4 lines".into(),
            times: 1,
        });
        assert!(stage.draw(&mut pane, 80, 20).ends_with("3/5"));
        let Reply::Copy { text, .. } = stage.act(&mut pane, Action::Copy) else {
            panic!("no copy");
        };
        assert!(text.starts_with("lost the connection"));
        stage.type_in(&mut pane, "!connection");
        assert!(stage.draw(&mut pane, 80, 20).ends_with("1/4"));
    }
}
