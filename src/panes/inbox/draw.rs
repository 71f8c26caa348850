//! Drawing the inbox: headings, and under each its lines, wrapped to their whole sentence. Separate from what the keys
//! do to keep both readable.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Span;

use super::{Inbox, Item, Part, Show, cluster_of};
use crate::model::inbox::{Entry, Severity, Standing};
use crate::panes::centre::Empty;
use crate::panes::words::when;
use crate::panes::{Cx, Level};
use crate::ui::State;
use crate::ui::scroll::{self, Window};
use crate::ui::text::{self, clean, width, wrap};
use crate::ui::theme::Level as Loud;

/// From this width on the namespace stands before the name.
const NAMED: u16 = 110;
/// A subject's column is not wider than this part of the screen.
const PART: usize = 3;

/// One row on screen.
enum Row {
    Head(Part, usize),
    /// Which item, which of its rows.
    Text(usize, bool, String),
}

impl Inbox {
    pub(super) fn draw_all(&mut self, cx: &Cx, area: Rect, buf: &mut Buffer) {
        let theme = cx.theme;
        let shown = self.shown(cx);
        if shown.is_empty() {
            self.empty(cx).draw(area, buf, theme);
            self.place = (0, 0);
            return;
        }
        let times: Vec<String> = shown.iter().map(|i| when(Some(i.time()), cx)).collect();
        let time = times.iter().map(|t| width(t)).max().unwrap_or(0);
        let wide = area.width >= NAMED;
        let names: Vec<String> = shown.iter().map(|item| name(item, wide, cx)).collect();
        let most = usize::from(area.width) / PART;
        let named = names.iter().map(|n| width(n)).max().unwrap_or(0).min(most);
        // Selection, unread, sign, time, name; a column for the scroll bar.
        let left = 1 + 2 + 2 + time + 2 + named + 2;
        let columns = usize::from(area.width).saturating_sub(left + 1).max(1);
        let selected = self.at(&shown);
        let mut rows = Vec::new();
        let mut reveal = (0, 0);
        let mut part = None;
        for (at, item) in shown.iter().enumerate() {
            if part != Some(item.part()) {
                part = Some(item.part());
                let n = shown.iter().filter(|i| i.part() == item.part()).count();
                rows.push(Row::Head(item.part(), n));
            }
            let start = match rows.len() {
                // the heading shows with the first of its lines
                1 => 0,
                n => n,
            };
            let room = match item {
                Item::Entry(_) => columns,
                // a message has no name before it
                Item::Own(_) => columns + named + 2,
            };
            for (n, line) in wrap(&words(item, cx), room).into_iter().enumerate() {
                rows.push(Row::Text(at, n == 0, line));
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
        for (y, row) in (area.y..area.bottom()).zip(visible) {
            let place = Rect {
                y,
                height: 1,
                ..area
            };
            let (at, first, line) = match row {
                Row::Head(part, n) => {
                    heading(*part, *n, cx, place, buf);
                    continue;
                }
                Row::Text(at, first, line) => (*at, *first, line),
            };
            let item = &shown[at];
            if at == selected {
                buf.set_style(place, theme.selection(cx.focused));
                let bar = theme.selection_bar(cx.focused);
                buf.set_string(area.x, y, cx.glyphs.selection(), bar);
            }
            let over = theme.selection(cx.focused).fg.filter(|_| at == selected);
            let hue = |style: Style| over.map_or(style, |fg| style.fg(fg));
            let mut x = area.x + 1;
            let mut put = |x: &mut u16, text: &str, room: usize, style: Style| {
                buf.set_stringn(*x, y, text, room, hue(style));
                *x += u16::try_from(room).unwrap_or(0);
            };
            if first {
                let unread = match item {
                    Item::Entry(entry) => !entry.read && item.part() == Part::Now,
                    Item::Own(_) => false,
                };
                let dot = if unread {
                    cx.theme.state_glyph(State::Running)
                } else {
                    " "
                };
                put(&mut x, dot, 2, theme.accent());
                let sign = sign(item, cx);
                put(&mut x, &sign.content, 2, sign.style);
                let pad = time - width(&times[at]);
                let label = format!("{}{}", " ".repeat(pad), times[at]);
                put(&mut x, &label, time + 2, theme.dim());
                if matches!(item, Item::Entry(_)) {
                    let name = text::shorten(&names[at], named, text::Shorten::Middle);
                    put(&mut x, &name, named + 2, weight(item, cx));
                }
            } else {
                x += u16::try_from(4 + time + 2).unwrap_or(0);
                if matches!(item, Item::Entry(_)) {
                    x += u16::try_from(named + 2).unwrap_or(0);
                }
            }
            let room = usize::from(area.right().saturating_sub(x + 1));
            buf.set_stringn(x, y, line, room, hue(weight(item, cx)));
        }
        let track = Rect {
            x: area.right().saturating_sub(1),
            width: 1,
            ..area
        };
        scroll::bar(track, buf, theme, self.window);
    }

    fn empty(&self, cx: &Cx) -> Empty {
        let filtered = !self.filter.is_empty() || self.show != Show::All;
        let (head, body) = match filtered {
            true => ("nothing of this", ""),
            false => (
                "nothing is wrong with what is watched",
                "Jobs that fail or try again, pods that cannot start, runs whose loss or speed is odd, known failures \
                 in logs, and what goes wrong in jobdeck itself are kept here. Logs are read where a screen shows them; \
                 `watch` under [logs] in the settings follows more.",
            ),
        };
        Empty::new(head, body, cx.theme)
    }
}

/// `── now 3 ─────`
fn heading(part: Part, n: usize, cx: &Cx, area: Rect, buf: &mut Buffer) {
    let line = if cx.glyphs.is_ascii() { "-" } else { "─" };
    for x in area.x..area.right() {
        buf.set_string(x, area.y, line, cx.theme.border(false));
    }
    let word = match part {
        Part::Now => "now",
        Part::Over => "over",
        Part::Own => "jobdeck itself",
    };
    let style = cx.theme.header();
    buf.set_stringn(area.x + 1, area.y, format!(" {word} "), 20, style);
    let x = area.x + 3 + width(word) as u16;
    buf.set_stringn(x, area.y, format!("{n} "), 8, cx.theme.dim());
}

/// `ml/train`, of several clusters `east · ml/train`.
fn name(item: &Item, wide: bool, cx: &Cx) -> String {
    let Item::Entry(entry) = item else {
        return String::new();
    };
    let subject = &entry.finding.subject;
    let name = clean(&subject.name);
    let name = match wide && !subject.namespace.is_empty() {
        true => format!("{}/{name}", clean(&subject.namespace)),
        false => name.into_owned(),
    };
    match cluster_of(entry, cx) {
        Some(cluster) => format!("{} · {name}", clean(cluster)),
        None => name,
    }
}

/// The sentence, and how it came to its end.
fn words(item: &Item, cx: &Cx) -> String {
    match item {
        Item::Own(notice) => {
            let mut text = clean(&notice.text).into_owned();
            if notice.times > 1 {
                text.push_str(&format!("  ×{}", notice.times));
            }
            text
        }
        Item::Entry(entry) => {
            let mut text = clean(&entry.words(cx.now)).into_owned();
            if entry.times > 1 {
                text.push_str(&format!("  ×{}", entry.times));
            }
            match &entry.standing {
                Standing::Open => {}
                Standing::Over(_, how) if how.is_empty() => {}
                Standing::Over(_, how) => text.push_str(&format!(" · over: {}", clean(how))),
                Standing::Unwatched(at) => {
                    let ago = when(Some(*at), cx);
                    text.push_str(&match cx.timestamps {
                        true => format!(" · not looked at since {ago}"),
                        false => format!(" · last looked at {ago} ago"),
                    });
                }
            }
            text
        }
    }
}

fn sign(item: &Item, cx: &Cx) -> Span<'static> {
    let theme = cx.theme;
    let note = if cx.glyphs.is_ascii() { "i" } else { "·" };
    let (sign, style) = match item {
        Item::Entry(Entry {
            standing: Standing::Over(..),
            finding,
            ..
        }) => match &*finding.cause {
            "job/done" => (
                cx.theme.state_glyph(State::Succeeded),
                theme.state(State::Succeeded),
            ),
            _ => (note, theme.dim()),
        },
        Item::Entry(entry) => match entry.finding.severity {
            Severity::Note => (note, theme.dim()),
            Severity::Warning => ("!", theme.level(Loud::Warn)),
            Severity::Error => (
                cx.theme.state_glyph(State::Failed),
                theme.level(Loud::Error),
            ),
        },
        Item::Own(notice) => match notice.level {
            Level::Info => (note, theme.dim()),
            Level::Warning => ("!", theme.level(Loud::Warn)),
            Level::Error => (
                cx.theme.state_glyph(State::Failed),
                theme.level(Loud::Error),
            ),
        },
    };
    Span::styled(sign, style)
}

/// What is over, read or a mere note steps back.
fn weight(item: &Item, cx: &Cx) -> Style {
    let quiet = match item {
        Item::Entry(entry) => !entry.is_open() || entry.finding.severity == Severity::Note,
        Item::Own(notice) => notice.level == Level::Info,
    };
    match quiet {
        true => cx.theme.dim(),
        false => cx.theme.text(),
    }
}
