//! Compact: for small terminals and slow lines. One line at the top instead of two, titles of panes that hold what matters
//! in words as well, and fewer frames that only follow changes.

use chrono::{DateTime, Utc};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;

use super::App;
use super::screens::Tab;
use crate::panes::Level;
use crate::settings::Compact;
use crate::ui::frame::Header;
use crate::ui::text;

/// Below this many columns or rows it is small.
const SMALL: (u16, u16) = (100, 30);
/// Columns for the context and the namespace.
const PLACE: usize = 34;

impl App {
    /// Whether a screen of this size is drawn compactly.
    pub(super) fn is_compact(&self, area: Rect) -> bool {
        let small = area.width < SMALL.0 || area.height < SMALL.1;
        let wanted = match self.settings.compact {
            Compact::Auto => small,
            Compact::Always => true,
            Compact::Never => false,
        };
        self.compact_told.unwrap_or(wanted)
    }

    /// The key: the other way than now, until the end.
    pub(super) fn toggle_compact(&mut self, now: DateTime<Utc>) {
        let on = !self.compact;
        self.compact_told = Some(on);
        let text = match on {
            true => "compact: one line at the top, at most five frames a second for changes",
            false => "not compact any more",
        };
        self.say(Level::Info, text, now);
    }

    /// ` Jobs Queues GPUs Pods Nodes Events Inbox 3 Hardware      live  prod ▸ all`; deeper, or with a filter, the
    /// way there in place of the tabs.
    pub(super) fn compact_header(&mut self, area: Rect, buf: &mut Buffer, now: DateTime<Utc>) {
        let theme = &self.desk.look.theme;
        let session = &self.desk.session;
        let crumb = format!(" {} ", theme.glyphs().crumb());
        let namespace = session.namespace.as_deref().unwrap_or("all");
        let namespace = text::clean(namespace).into_owned();
        let room = PLACE.saturating_sub(text::width(&namespace).min(20) + 3);
        let context = self.context_crumb().into_owned();
        let context = text::shorten(&context, room, text::Shorten::Middle).into_owned();
        let namespace = text::shorten(&namespace, 20, text::Shorten::Middle).into_owned();
        let mut right = Vec::new();
        if session.read_only && self.desk.playhead.is_none() {
            let held = theme.state(crate::ui::State::Held);
            right.push(Span::styled("read-only  ", held));
        }
        if let Some(sign) = self.spinner(now) {
            right.push(Span::styled(
                format!("{sign} "),
                theme.state(crate::ui::State::Waiting),
            ));
        }
        if self.recording {
            let failed = theme.state(crate::ui::State::Failed);
            right.push(Span::styled("● rec ", failed));
        }
        let then = self.health_then(now);
        right.extend(then.unwrap_or_else(|| self.health(area.width)));
        right.push(Span::raw("  "));
        let wide = text::spans_width(&right)
            + text::width(&context)
            + text::width(&crumb)
            + text::width(&namespace);
        let mut x = area.right().saturating_sub(wide as u16 + 1).max(area.x);
        let left = Rect {
            width: x.saturating_sub(area.x + 2),
            ..area
        };
        let mut place = |words: &str, style| {
            let from = x;
            let room = usize::from(area.right().saturating_sub(x));
            x = buf.set_stringn(x, area.y, words, room, style).0;
            Rect {
                x: from,
                width: x - from,
                height: 1,
                ..area
            }
        };
        for span in &right {
            place(&span.content, span.style);
        }
        let mut crumbs = vec![place(&context, theme.text())];
        place(&crumb, theme.faint());
        crumbs.push(place(&namespace, theme.dim()));
        let cx = self.desk.cx(now, true);
        let mut path: Vec<String> = (self.screens.path().skip(1))
            .map(|pane| text::clean(&pane.title(&cx)).into_owned())
            .collect();
        let filter = self.screens.top().filter();
        if !filter.is_empty() {
            path.push(format!("/{} (esc clears)", text::clean(filter)));
        }
        let unread = (self.desk.notices.unread() + session.inbox.unread()) as u64;
        let labels = Tab::ALL.map(|tab| match tab {
            Tab::Inbox if unread > 0 => format!("{} {}", tab.label(), text::count(unread)),
            tab => tab.label().to_owned(),
        });
        let all: usize = labels.iter().map(|label| text::width(label) + 1).sum();
        if path.is_empty() && all <= usize::from(left.width) {
            self.spots.tabs.clear();
            let mut x = left.x + 1;
            for (tab, label) in Tab::ALL.into_iter().zip(labels) {
                let style = theme.tab(tab == self.screens.tab());
                let room = usize::from(left.right().saturating_sub(x));
                let end = buf.set_stringn(x, left.y, &label, room, style).0;
                self.spots.tabs.push(Rect {
                    x,
                    width: end - x,
                    height: 1,
                    ..left
                });
                x = end + 1;
            }
        } else {
            let header = Header {
                brand: self.screens.tab().label(),
                crumbs: path.into_iter().map(Into::into).collect(),
                right: Vec::new(),
            };
            crumbs.extend(header.draw(left, buf, theme));
            self.spots.tabs.clear();
        }
        self.spots.crumbs = crumbs;
    }
}

#[cfg(test)]
mod tests;
