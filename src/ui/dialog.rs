//! Questions and pop-up lists over the screen. Separate so that every dangerous question looks alike and has its focus
//! on "Cancel".

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::Span;

use super::text::{self, Shorten};
use super::{Input, Level, Theme, frame, scroll};

/// A place in the middle of an area (a third down, where eyes rest), no larger than fits.
pub fn place(area: Rect, width: u16, height: u16) -> Rect {
    let (width, height) = (width.min(area.width), height.min(area.height));
    let x = area.x + (area.width - width) / 2;
    let y = area.y + (area.height - height) / 3;
    Rect {
        x,
        y,
        width,
        height,
    }
}

/// Clears a place and frames it; answers the inside. A title sits in the upper line.
pub fn window(
    title: &[Span<'_>],
    place: Rect,
    level: Option<Level>,
    buf: &mut Buffer,
    theme: &Theme,
) -> Rect {
    let place = place.intersection(buf.area);
    theme.clear_popup(place, buf);
    let line = match level {
        Some(Level::Error | Level::Warn) => theme.level(level.unwrap_or(Level::Warn)),
        _ => theme.border(true),
    };
    frame::outline(place, buf, theme.popup().patch(line));
    frame::border_title(
        title,
        Rect {
            x: place.x + 1,
            width: place.width.saturating_sub(1),
            ..place
        },
        buf,
    );
    Rect {
        x: place.x.saturating_add(2).min(place.right()),
        y: place.y.saturating_add(1).min(place.bottom()),
        width: place.width.saturating_sub(4),
        height: place.height.saturating_sub(2),
    }
}

/// A question before something that cannot be undone.
#[derive(Debug, Clone)]
pub struct Confirm<'a> {
    /// `delete job`.
    pub title: &'a str,
    /// What will happen, line by line.
    pub body: Vec<Vec<Span<'a>>>,
    /// The answers; the first is the harmless one ("Cancel") and has the focus when the dialog opens.
    pub answers: &'a [&'a str],
    /// Which answer has the focus.
    pub focus: usize,
    /// Colours the frame.
    pub level: Level,
}

impl Confirm<'_> {
    /// Draws the dialog in the middle of an area. Answers where each answer was drawn, for the mouse.
    pub fn draw(&self, area: Rect, buf: &mut Buffer, theme: &Theme) -> Vec<Rect> {
        let area = area.intersection(buf.area);
        let answers: usize = self
            .answers
            .iter()
            .map(|answer| text::width(answer) + 6)
            .sum();
        let widest = self
            .body
            .iter()
            .map(|line| text::spans_width(line))
            .max()
            .unwrap_or(0);
        let want = widest.max(answers).max(text::width(self.title) + 4).max(32) + 4;
        let most = usize::from(area.width).saturating_sub(4).max(20);
        let width = u16::try_from(want.min(most)).unwrap_or(area.width);
        let room = usize::from(width).saturating_sub(4);
        let body: Vec<Vec<Span<'_>>> = self
            .body
            .iter()
            .flat_map(|line| text::wrap_spans(line, room))
            .collect();
        let height = u16::try_from(body.len() + 5).unwrap_or(area.height);
        let inner = window(
            &[Span::styled(self.title, theme.title())],
            place(area, width, height),
            Some(self.level),
            buf,
            theme,
        );
        let lines = usize::from(inner.height.saturating_sub(2));
        for (n, line) in body.iter().take(lines).enumerate() {
            spans(line, inner, n, buf, theme.text());
        }
        let mut places = Vec::new();
        if inner.height == 0 {
            return places;
        }
        let y = inner.bottom() - 1;
        let mut x = inner
            .right()
            .saturating_sub(u16::try_from(answers).unwrap_or(inner.width))
            .max(inner.x);
        for (n, answer) in self.answers.iter().enumerate() {
            let focused = n == self.focus;
            let label = if focused {
                format!("[ {answer} ]")
            } else {
                format!("  {answer}  ")
            };
            let style = match (focused, n) {
                (true, 0) => theme
                    .popup()
                    .patch(theme.selection(true))
                    .patch(theme.title()),
                (true, _) => theme.banner(self.level),
                _ => theme.dim(),
            };
            let room = usize::from(inner.right().saturating_sub(x));
            let (end, _) =
                buf.set_stringn(x, y, text::shorten(&label, room, Shorten::End), room, style);
            places.push(Rect {
                x,
                y,
                width: end - x,
                height: 1,
            });
            x = end + 2;
        }
        places
    }
}

/// One entry of a pop-up list.
#[derive(Debug, Clone, Default)]
pub struct Entry<'a> {
    /// What it is called.
    pub name: &'a str,
    /// Which characters of the name matched what was typed.
    pub hits: &'a [usize],
    /// Where or what it is, dim, to the right of the name.
    pub about: &'a str,
    /// Its key, if it has one.
    pub key: &'a str,
}

/// A pop-up list under a line to type in: command bar, switchers, palette.
#[derive(Debug, Clone)]
pub struct Picker<'a> {
    /// Shown in the frame.
    pub title: &'a str,
    /// How many entries match.
    pub len: usize,
    /// Which is selected.
    pub selected: usize,
    /// Shown instead of entries when there are none.
    pub empty: &'a str,
}

impl Picker<'_> {
    /// Draws the list at the upper middle of an area; `entry` is asked for visible entries only. Answers where the
    /// cursor of the line stands and where the first entry was drawn.
    pub fn draw<'e>(
        &self,
        input: &Input,
        area: Rect,
        buf: &mut Buffer,
        theme: &Theme,
        entry: impl Fn(usize) -> Entry<'e>,
    ) -> (Position, Rect) {
        let area = area.intersection(buf.area);
        let width = (area.width * 3 / 4).clamp(40, 90);
        let rows = u16::try_from(self.len.clamp(1, 14)).unwrap_or(14);
        let place = place(area, width, (rows + 4).min(area.height.saturating_sub(2)));
        let count = format!("{} ", text::count(self.len as u64));
        let inner = window(
            &[Span::styled(self.title, theme.title())],
            place,
            None,
            buf,
            theme,
        );
        if inner.is_empty() {
            return (inner.as_position(), inner);
        }
        let line = Rect { height: 1, ..inner };
        let cursor = input.draw(theme.glyphs().crumb(), "", line, buf, theme);
        let at = inner
            .right()
            .saturating_sub(u16::try_from(count.len()).unwrap_or(0))
            .max(inner.x);
        if cursor.x + 1 < at {
            buf.set_string(at, inner.y, &count, theme.dim());
        }
        if place.height > 4 {
            let rule = Rect {
                x: place.x + 1,
                y: inner.y + 1,
                width: place.width - 2,
                height: 1,
            };
            frame::horizontal(rule, buf, theme.popup().patch(theme.border(false)));
        }
        let list = Rect {
            y: inner.y + 2,
            height: inner.height.saturating_sub(2),
            ..inner
        };
        if self.len == 0 {
            let words = text::shorten(self.empty, usize::from(list.width), Shorten::End);
            if list.height > 0 {
                buf.set_string(list.x, list.y, words, theme.dim());
            }
            return (cursor, list);
        }
        let page = usize::from(list.height);
        let window = scroll::Window {
            offset: (self.selected + 1).saturating_sub(page),
            page,
            total: self.len,
        };
        for row in 0..page.min(self.len - window.offset.min(self.len)) {
            let n = window.offset + row;
            let y = list.y + u16::try_from(row).unwrap_or(0);
            let place = Rect {
                x: list.x.saturating_sub(1),
                y,
                width: list.width + 2,
                height: 1,
            };
            draw_entry(&entry(n), n == self.selected, place, buf, theme);
        }
        let bar = Rect {
            x: place.right() - 2,
            width: 1,
            ..list
        };
        scroll::bar(bar, buf, theme, window);
        (cursor, list)
    }
}

fn draw_entry(entry: &Entry<'_>, selected: bool, area: Rect, buf: &mut Buffer, theme: &Theme) {
    let chosen = theme.selection(true);
    if selected {
        buf.set_style(area, chosen);
        buf.set_string(
            area.x,
            area.y,
            theme.glyphs().selection(),
            theme.selection_bar(true),
        );
    }
    let key = text::width(entry.key);
    let end = area
        .right()
        .saturating_sub(1 + u16::try_from(key).unwrap_or(0));
    let room = usize::from(end.saturating_sub(area.x + 2));
    let mut x = area.x + 1;
    let hit = theme
        .accent()
        .add_modifier(Modifier::BOLD | Modifier::UNDERLINED);
    let cut = text::head(entry.name, room).0;
    let mut utf8 = [0; 4];
    for (n, c) in cut.chars().enumerate() {
        let style = if entry.hits.contains(&n) {
            hit
        } else {
            theme.text()
        };
        let left = usize::from(end.saturating_sub(x));
        (x, _) = buf.set_stringn(x, area.y, c.encode_utf8(&mut utf8), left, style);
    }
    let room = usize::from(end.saturating_sub(x + 3));
    if room > 3 {
        buf.set_stringn(
            x + 2,
            area.y,
            text::shorten(entry.about, room, Shorten::End),
            room,
            theme.dim(),
        );
    }
    if key > 0 && end > area.x + 4 {
        buf.set_stringn(end, area.y, entry.key, key, theme.key());
    }
    if let Some(fg) = chosen.fg.filter(|_| selected) {
        buf.set_style(area, Style::new().fg(fg));
    }
}

fn spans(line: &[Span<'_>], area: Rect, row: usize, buf: &mut Buffer, base: Style) {
    let y = area.y + u16::try_from(row).unwrap_or(0);
    let mut x = area.x;
    for span in line {
        let room = usize::from(area.right().saturating_sub(x));
        (x, _) = buf.set_stringn(x, y, &span.content, room, base.patch(span.style));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text_of(buf: &Buffer) -> String {
        let rows = buf.content.chunks(usize::from(buf.area.width));
        rows.map(|row| {
            row.iter()
                .map(ratatui::buffer::Cell::symbol)
                .collect::<String>()
                .trim_end()
                .to_owned()
                + "\n"
        })
        .collect()
    }

    #[test]
    fn a_question_has_its_focus_on_cancel() {
        let theme = Theme::default();
        let mut buf = Buffer::empty(Rect::new(0, 0, 60, 10));
        let confirm = Confirm {
            title: "delete job",
            body: vec![
                vec![Span::raw("indexed-sweep in ml-team-a")],
                vec![Span::raw("3 running pods end, 6 H100 become free")],
            ],
            answers: &["Cancel", "Delete"],
            focus: 0,
            level: Level::Error,
        };
        let places = confirm.draw(buf.area, &mut buf, &theme);
        assert_eq!(places.len(), 2);
        insta::assert_snapshot!(text_of(&buf));
    }

    #[test]
    fn a_list_shows_what_matched() {
        let theme = Theme::default();
        let mut buf = Buffer::empty(Rect::new(0, 0, 60, 10));
        let picker = Picker {
            title: "go to",
            len: 40,
            selected: 20,
            empty: "nothing",
        };
        let names: Vec<String> = (0..40).map(|n| format!("job-{n}")).collect();
        picker.draw(&Input::new("jo"), buf.area, &mut buf, &theme, |n| Entry {
            name: &names[n],
            hits: &[0, 1],
            about: "ml-team-a",
            key: if n == 20 { "ctrl-d" } else { "" },
        });
        insta::assert_snapshot!(text_of(&buf));
    }

    proptest! {
        #[test]
        fn any_size_and_text_is_drawn(text in "\\PC{0,40}", width in 0u16..70, height in 0u16..12, len in 0usize..30) {
            let theme = Theme::default();
            let mut buf = Buffer::empty(Rect::new(0, 0, width, height));
            let body = vec![vec![Span::raw(text.clone())]];
            Confirm { title: &text, body, answers: &["Cancel", "Delete"], focus: 1, level: Level::Warn }
                .draw(buf.area, &mut buf, &theme);
            Picker { title: &text, len, selected: len / 2, empty: &text }
                .draw(&Input::new(&text), buf.area, &mut buf, &theme, |_| Entry {
                    name: &text, hits: &[0, 3], about: &text, key: "ctrl-d",
                });
        }
    }
}
