//! What stands above old rows, or in the place of rows that are not there: loading, stale, forbidden, absent,
//! empty. Separate because all lists say it the same way.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::Cx;
use super::clusters::worst;
use super::words::stamp;
use crate::app::action::Action;
use crate::model::health::Health;
use crate::model::want::Kind;
use crate::ui::theme::Level;
use crate::ui::{Keymap, text};

/// One situation, in words.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    pub level: Level,
    /// What is.
    pub text: String,
    /// What can be done.
    pub hint: String,
}

/// What a list knows when it is about to draw.
#[derive(Debug, Clone, Copy)]
pub struct Rows<'a> {
    pub kind: Kind,
    /// Rows in the scope, and those of them the filter shows.
    pub all: usize,
    pub shown: usize,
    pub filter: &'a str,
    /// `no pods of job pi`: said when everything is well and there are none.
    pub none: &'a str,
}

/// `None` when the rows speak for themselves.
pub fn notice(rows: Rows, cx: &Cx) -> Option<Notice> {
    let what = rows.kind.plural();
    let place = match &cx.session.namespace {
        Some(ns) if rows.kind != Kind::Node => format!(" in {ns}"),
        _ => String::new(),
    };
    let retry = key(cx.keymap, Action::Retry)
        .map(|k| format!("{k} retries"))
        .unwrap_or_default();
    // of several clusters it is said which; one that does not answer is no reason to say nothing of the others' rows
    let (which, health) = told(rows.kind, cx);
    let say = |level, text: String, hint: String| {
        let text = match &which {
            Some(name) => format!("{name}: {text}"),
            None => text,
        };
        Some(Notice { level, text, hint })
    };
    match health {
        Health::Stale { since, why } => {
            let since = stamp(*since, cx.now);
            say(
                Level::Warn,
                format!("{what} stale since {since}: {}", text::clean(why)),
                retry,
            )
        }
        Health::Failing { why } => say(
            Level::Error,
            format!("cannot read {what}{place}: {}", text::clean(why)),
            retry,
        ),
        Health::Forbidden {
            verb,
            resource,
            namespace,
        } => {
            let scope = match namespace {
                Some(ns) => format!(" in {ns}"),
                None => " in all namespaces".into(),
            };
            let switch =
                key(cx.keymap, Action::Namespaces).map(|k| format!("{k} switches namespace"));
            let hint = [switch.unwrap_or_default(), retry].join(", ");
            say(
                Level::Error,
                format!("{what}{scope}: forbidden (needs {verb} on {resource})"),
                hint.trim_matches([',', ' ']).to_owned(),
            )
        }
        Health::Absent if rows.all == 0 => say(
            Level::Info,
            format!("this cluster does not serve {what}"),
            String::new(),
        ),
        Health::Syncing { seen, total } => {
            let so_far = match (seen, total) {
                (0, _) => String::new(),
                (n, Some(total)) => format!(" {n} of {total}"),
                (n, None) => format!(" {n} so far"),
            };
            say(
                Level::Info,
                format!("loading {what}{place} …{so_far}"),
                String::new(),
            )
        }
        Health::Connecting if rows.all == 0 => say(
            Level::Info,
            format!("asking {} for {what}{place} …", cx.session.context),
            String::new(),
        ),
        _ if rows.all == 0 => {
            let widen = key(cx.keymap, Action::AllNamespaces)
                .filter(|_| cx.session.namespace.is_some() && rows.kind != Kind::Node)
                .map(|k| format!("{k} shows all namespaces"))
                .unwrap_or_default();
            say(Level::Info, format!("{}{place}", rows.none), widen)
        }
        _ if rows.shown == 0 => {
            let back = key(cx.keymap, Action::Back)
                .map(|k| format!("{k} clears the filter"))
                .unwrap_or_default();
            say(
                Level::Info,
                format!("none of {} {what} matches {}", rows.all, rows.filter),
                back,
            )
        }
        _ => None,
    }
}

/// The health that is worth a word: that of the cluster in front, or of several the first with one, and its name.
fn told<'a>(kind: Kind, cx: &Cx<'a>) -> (Option<String>, &'a Health) {
    if !cx.session.several() {
        return (None, cx.session.health(kind));
    }
    let shown = cx.session.shown();
    let is_bad = |health: &Health| {
        matches!(
            health,
            Health::Stale { .. } | Health::Failing { .. } | Health::Forbidden { .. }
        )
    };
    for open in cx.session.clusters() {
        let health = worst(open.sources, kind);
        if shown.contains(&open.id) && is_bad(health) {
            let name = cx.model.clusters.name(open.id);
            let name = text::clean(name.map_or(open.context, |name| name));
            return (Some(name.into_owned()), health);
        }
    }
    (None, cx.session.health(kind))
}

/// What to say of a kind in an answer line as long as it is not known: counting nothing would be a claim.
pub fn unknown(kind: Kind, cx: &Cx) -> Option<String> {
    let what = kind.plural();
    match cx.session.health(kind) {
        Health::Connecting | Health::Syncing { .. } => Some(format!("{what}: loading")),
        Health::Forbidden { .. } => Some(format!("{what}: forbidden")),
        Health::Failing { .. } | Health::Stale { .. } => Some(format!("{what}: no answer")),
        Health::Absent => Some(format!("no {what} on this cluster")),
        Health::Live => None,
    }
}

/// Draws the notice: one line above rows, or in the middle of an empty area. Returns the area left for rows.
pub fn draw(rows: Rows, cx: &Cx, area: Rect, buf: &mut Buffer) -> Rect {
    let Some(notice) = notice(rows, cx) else {
        return area;
    };
    if area.height == 0 || area.width < 4 {
        return area;
    }
    let style = match notice.level {
        Level::Info => cx.theme.dim(),
        level => cx.theme.level(level),
    };
    let width = usize::from(area.width) - 2;
    if rows.shown > 0 {
        let mut line = notice.text;
        if !notice.hint.is_empty() {
            line.push_str("; ");
            line.push_str(&notice.hint);
        }
        let line = text::shorten(&line, width, text::Shorten::End).into_owned();
        buf.set_line(
            area.x + 1,
            area.y,
            &Line::from(Span::styled(line, style)),
            area.width - 1,
        );
        return Rect {
            y: area.y + 1,
            height: area.height - 1,
            ..area
        };
    }
    let mut lines: Vec<(String, _)> = text::wrap(&notice.text, width.min(72))
        .into_iter()
        .map(|l| (l, style))
        .collect();
    if !notice.hint.is_empty() {
        lines.extend(
            text::wrap(&notice.hint, width.min(72))
                .into_iter()
                .map(|l| (l, cx.theme.dim())),
        );
    }
    let top = area.y + (area.height / 3).min(area.height.saturating_sub(lines.len() as u16));
    for (y, (line, style)) in (top..area.bottom()).zip(lines) {
        let wide = text::width(&line) as u16;
        let x = area.x + area.width.saturating_sub(wide) / 2;
        buf.set_line(
            x,
            y,
            &Line::from(Span::styled(line, style)),
            area.right() - x,
        );
    }
    Rect {
        y: area.bottom(),
        height: 0,
        ..area
    }
}

/// The first key of an action that works everywhere.
fn key(keymap: &Keymap<Action>, action: Action) -> Option<String> {
    keymap.all_keys_for(action).first().map(ToString::to_string)
}
