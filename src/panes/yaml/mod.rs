//! One object as YAML: fetched whole, managedFields folded, searched, wrapped, copied, saved.

mod stops;
#[cfg(test)]
mod tests;
mod unknown;

use chrono::{DateTime, Utc};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use serde_json::Value;

use super::centre::Empty;
use super::rows::{rows, skip_columns};
use super::words::count;
use super::{Arrival, Cx, Level, Pane, Reply};
use crate::app::action::{Action, Scope};
use crate::logs::Pattern;
use crate::model::fields::{Checked, Tree};
use crate::model::want::{Kind, ObjectWant, Want};
use crate::model::yaml::{self, Mark, YamlLine};
use crate::ui::State;
use crate::ui::scroll::{self, Window};
use crate::ui::text::{clean, width};
use crate::ui::theme::{Level as Loud, Theme};
use stops::Stops;

const SIDE: usize = 16;

#[derive(Debug, Clone, PartialEq)]
enum Content {
    Waiting,
    Loaded(Box<Value>),
    Failed(String),
}

/// A YAML screen.
pub struct Yaml {
    want: ObjectWant,
    content: Content,
    /// The want is left out once, so that asking again is a new question.
    again: bool,
    fold: bool,
    wrap: bool,
    /// What its schema says of it, or why that is not known; `None`: not known yet.
    fields: Option<Result<Checked, String>>,
    lines: Vec<YamlLine>,
    /// How many lines at the top are no part of the object.
    notes: usize,
    /// Rows of the screen: line, and its bytes. Remade when lines, wrapping or the width change.
    rows: Vec<(usize, usize, usize)>,
    rows_for: Option<(bool, usize)>,
    window: Window,
    column: usize,
    search: String,
    pattern: Option<Pattern>,
    /// Lines that match.
    hits: Stops,
    /// Lines that speak of unknown fields.
    unknown: Stops,
    /// Where the last key led.
    here: Option<usize>,
}

/// An object as lines of YAML, as this screen shows it.
pub fn plain(object: &Value) -> Vec<String> {
    let lines = yaml::lines(object, false, "", &Tree::default());
    lines.into_iter().map(|line| line.text).collect()
}

impl Yaml {
    pub fn new(want: ObjectWant) -> Self {
        Self {
            want,
            content: Content::Waiting,
            again: false,
            fold: true,
            wrap: false,
            fields: None,
            lines: Vec::new(),
            notes: 0,
            rows: Vec::new(),
            rows_for: None,
            window: Window::default(),
            column: 0,
            search: String::new(),
            pattern: None,
            hits: Stops::default(),
            unknown: Stops::default(),
            here: None,
        }
    }

    /// What its schema says, where it says anything of note.
    fn checked(&self) -> Option<&Checked> {
        self.fields.as_ref()?.as_ref().ok()
    }

    fn name(&self) -> String {
        let kind = match self.want.kind {
            Kind::Job => "job",
            Kind::CronJob => "cronjob",
            Kind::Pod => "pod",
            Kind::Node => "node",
            Kind::Event => "event",
            Kind::Namespace => "namespace",
            Kind::Workload(kind) => kind.plural.trim_end_matches('s'),
            Kind::Queue(kind) => kind.singular(),
            Kind::Dra(kind) => kind.singular(),
            Kind::Other(kind) => kind.kind,
        };
        format!("{kind}/{}", self.want.name)
    }

    fn remake(&mut self, cx: &Cx) {
        let (mut lines, old_notes) = (Vec::new(), std::mem::take(&mut self.notes));
        if let Content::Loaded(object) = &self.content {
            let key = cx.keymap.key_for(Action::Fold, &["text"]);
            let hint = key.map_or(String::new(), |key| format!(", {key} shows them"));
            let checked = self.checked();
            let notes = checked.map_or(Vec::new(), unknown::notes);
            let tree = checked.map_or(Tree::default(), |c| Tree::new(&c.here.fields));
            lines.extend(notes.iter().map(|note| YamlLine::note(note)));
            self.notes = notes.len();
            lines.extend(yaml::lines(object, self.fold, &hint, &tree));
        }
        self.lines = lines;
        // notes that come late do not move what is being read
        if self.window.offset > 0 {
            for row in &mut self.rows {
                row.0 = (row.0 + self.notes).saturating_sub(old_notes);
            }
        }
        self.rows_for = None;
        let spoken = |at: &usize| self.lines[*at].unknown || (*at == 0 && self.notes > 0);
        self.unknown = Stops::new((0..self.lines.len()).filter(spoken).collect());
        self.find();
    }

    fn find(&mut self) {
        self.hits = Stops::new(match &self.pattern {
            None => Vec::new(),
            Some(pattern) => (0..self.lines.len())
                .filter(|at| pattern.matches(&self.lines[*at].text))
                .collect(),
        });
        self.here = None;
    }

    fn lay_out(&mut self, columns: usize) {
        if self.rows_for == Some((self.wrap, columns)) {
            return;
        }
        let top = self.rows.get(self.window.offset).map(|row| row.0);
        self.rows.clear();
        for (at, line) in self.lines.iter().enumerate() {
            if at < self.notes {
                let rows = unknown::note_rows(&line.text, columns);
                self.rows.extend(rows.into_iter().map(|(a, b)| (at, a, b)));
            } else if self.wrap {
                self.rows
                    .extend(rows(&line.text, columns).map(|(a, b)| (at, a, b)));
            } else {
                self.rows.push((at, 0, line.text.len()));
            }
        }
        self.rows_for = Some((self.wrap, columns));
        // The line at the top stays there.
        if let Some(top) = top {
            self.window.offset = self.rows.partition_point(|row| row.0 < top);
        }
    }

    fn step(&mut self, backward: bool) -> Reply {
        let top = self.top();
        match self.hits.step(backward, top) {
            Some(line) => self.reveal(line),
            None if self.search.is_empty() => {
                return Reply::Say(Level::Info, "nothing searched for yet".into());
            }
            None => {
                let text = format!("no line matches {:?}", self.search);
                return Reply::Say(Level::Info, text);
            }
        }
        Reply::Done
    }

    fn next_unknown(&mut self) -> Reply {
        let top = self.top();
        if let Some(line) = self.unknown.step(false, top) {
            self.reveal(line);
            return Reply::Done;
        }
        let text = match &self.fields {
            None => "its fields are not compared with its schema yet".to_owned(),
            Some(Err(why)) => format!("its fields are not checked: {why}"),
            Some(Ok(checked)) if checked.anything => {
                format!("the schema of {} takes any field", checked.here.kind)
            }
            Some(Ok(checked)) => format!("{} knows all its fields", checked.here.kind),
        };
        Reply::Say(Level::Info, text)
    }

    /// The line at the top of the window.
    fn top(&self) -> usize {
        self.rows.get(self.window.offset).map_or(0, |row| row.0)
    }

    fn reveal(&mut self, line: usize) {
        self.here = Some(line);
        let row = self.rows.partition_point(|row| row.0 < line);
        let seen = self.window.offset..self.window.offset + self.window.page;
        if !seen.contains(&row) {
            self.window.offset = row.saturating_sub(self.window.page / 3);
            self.window = self.window.settled();
        }
    }

    fn empty(&self, cx: &Cx) -> Option<Empty> {
        let name = self.name();
        match &self.content {
            Content::Loaded(_) => None,
            Content::Waiting => Some(Empty::new(format!("fetching {name}"), "", cx.theme)),
            Content::Failed(why) => {
                let lower = why.to_lowercase();
                let (head, more) = if lower.contains("not found") || lower.contains("404") {
                    (
                        format!("{name} is gone"),
                        "It was deleted, or its name is now another object's.",
                    )
                } else if lower.contains("forbidden") || lower.contains("403") {
                    (
                        format!("{name}: forbidden"),
                        "Showing it needs get on its kind here.",
                    )
                } else {
                    (format!("{name} could not be fetched"), "")
                };
                let mut empty = Empty::new(head, more, cx.theme);
                empty.detail = crate::ui::text::wrap(&clean(why), 72)
                    .into_iter()
                    .take(6)
                    .map(|text| Line::from(Span::styled(text, cx.theme.level(Loud::Error))))
                    .collect();
                if let Some(key) = cx.keymap.key_for(Action::Retry, &["text", "global"]) {
                    empty.detail.push(Line::default());
                    empty.detail.push(Line::from(vec![
                        Span::styled(key.to_string(), cx.theme.key()),
                        Span::styled(" asks again", cx.theme.hint()),
                    ]));
                }
                Some(empty)
            }
        }
    }

    fn draw_row(&self, theme: &Theme, buf: &mut Buffer, area: Rect, gutter: usize, row: usize) {
        let (at, start, end) = self.rows[row];
        let line = &self.lines[at];
        let number = gutter.saturating_sub(2);
        let here = self.here == Some(at);
        if start == 0 && at >= self.notes {
            let style = if here { theme.accent() } else { theme.faint() };
            let text = format!("{:>number$}", at + 1 - self.notes);
            buf.set_stringn(area.x, area.y, text, gutter, style);
        }
        let columns = usize::from(area.width).saturating_sub(gutter);
        let (start, end) = if self.wrap || at < self.notes {
            (start, end)
        } else {
            let (start, _) = skip_columns(&line.text, start, self.column);
            (start, skip_columns(&line.text, start, columns).0.min(end))
        };
        let hits = match &self.pattern {
            Some(pattern) => pattern.ranges(&line.text, 1024),
            None => Vec::new(),
        };
        let mut cuts = vec![start, end];
        cuts.extend(line.marks.iter().map(|mark| mark.0));
        cuts.extend(hits.iter().flat_map(|hit| [hit.start, hit.end]));
        cuts.retain(|at| (start..=end).contains(at));
        cuts.sort_unstable();
        cuts.dedup();
        let mut x = area.x + u16::try_from(gutter).unwrap_or(0);
        for piece in cuts.windows(2) {
            let mark = line.marks.partition_point(|mark| mark.0 <= piece[0]);
            let mark = mark.checked_sub(1).map(|at| line.marks[at].1);
            let mut style = mark.map_or(theme.text(), |mark| style(mark, theme));
            if hits.iter().any(|hit| hit.contains(&piece[0])) {
                style = style.patch(theme.matched(here));
            }
            let text = line.text.get(piece[0]..piece[1]).unwrap_or_default();
            let room = usize::from(area.right().saturating_sub(x));
            x = buf.set_stringn(x, area.y, text, room, style).0;
        }
    }
}

fn style(mark: Mark, theme: &Theme) -> Style {
    match mark {
        Mark::Key => theme.accent(),
        Mark::Text => theme.text(),
        Mark::Literal => theme.state(State::Held),
        Mark::Punct => theme.dim(),
        Mark::Comment => theme.dim().add_modifier(ratatui::style::Modifier::ITALIC),
        Mark::Unknown => theme.level(Loud::Warn),
    }
}

impl Pane for Yaml {
    fn title(&self, _cx: &Cx) -> String {
        let counted = self.checked().map_or(String::new(), unknown::counted);
        match counted.as_str() {
            "" => format!("yaml {}", self.name()),
            counted => format!("yaml {} ({counted})", self.name()),
        }
    }

    fn answer<'a>(&self, cx: &Cx<'a>) -> Line<'a> {
        let theme = cx.theme;
        let mut spans = vec![Span::styled(self.name(), theme.text())];
        let mut say = |text: String, style| {
            spans.push(Span::styled(" · ", theme.faint()));
            spans.push(Span::styled(text, style));
        };
        match &self.content {
            Content::Waiting => say("fetching".into(), theme.state(State::Waiting)),
            Content::Failed(_) => say("not shown".into(), theme.level(Loud::Error)),
            Content::Loaded(object) => {
                if !self.search.is_empty() {
                    let search = clean(&self.search).into_owned();
                    let text = match (self.hits.number(), self.hits.len()) {
                        (_, 0) => format!("‘{search}’: not found"),
                        (Some(at), n) => format!("‘{search}’: {at} of {n}"),
                        (None, n) => format!("‘{search}’: {n} lines"),
                    };
                    say(text, theme.accent());
                }
                if let Some(checked) = self.checked() {
                    let (here, dropped) = (checked.here.fields.len(), checked.dropped.fields.len());
                    let warn = theme.level(Loud::Warn);
                    if here > 0 {
                        say(count(here, "unknown field", "unknown fields"), warn);
                    }
                    if dropped > 0 {
                        let dropped = count(dropped, "field", "fields");
                        say(format!("{dropped} dropped by the server"), warn);
                    }
                }
                if !self.want.namespace.is_empty() {
                    say(self.want.namespace.to_string(), theme.dim());
                }
                let text = |path: &str| object.pointer(path).and_then(Value::as_str);
                if let Some(version) = text("/metadata/resourceVersion") {
                    say(format!("version {}", clean(version)), theme.dim());
                }
                match &self.fields {
                    Some(Err(why)) => {
                        say(format!("fields not checked: {}", clean(why)), theme.dim());
                    }
                    Some(Ok(checked)) if checked.anything => {
                        say("its schema takes any field".into(), theme.dim());
                    }
                    _ => {}
                }
            }
        }
        Line::from(spans)
    }

    fn scopes(&self) -> &'static [Scope] {
        &[Scope::Text]
    }

    fn hints(&self, _cx: &Cx) -> Vec<Action> {
        match self.content {
            Content::Loaded(_) => {
                let mut hints = vec![Action::Filter];
                if !self.hits.is_empty() {
                    hints.extend([Action::SearchNext, Action::SearchPrevious]);
                }
                if !self.unknown.is_empty() {
                    hints.push(Action::NextUnknown);
                }
                hints.extend([Action::Fold, Action::Wrap, Action::Copy, Action::Save]);
                hints.push(Action::Retry);
                hints
            }
            _ => vec![Action::Retry, Action::Back],
        }
    }

    fn draw(&mut self, cx: &Cx, area: Rect, buf: &mut Buffer) {
        self.again = false;
        if let Some(empty) = self.empty(cx) {
            empty.draw(area, buf, cx.theme);
            return;
        }
        // Number, two blanks; one column for the scroll bar.
        let gutter = width(&self.lines.len().to_string()).max(3) + 2;
        let text = Rect {
            x: area.x + 1,
            width: area.width.saturating_sub(2),
            ..area
        };
        self.lay_out(usize::from(text.width).saturating_sub(gutter).max(1));
        self.window = Window {
            page: usize::from(area.height),
            total: self.rows.len(),
            ..self.window
        }
        .settled();
        for (y, row) in (area.y..area.bottom()).zip(self.window.offset..self.rows.len()) {
            let area = Rect {
                y,
                height: 1,
                ..text
            };
            self.draw_row(cx.theme, buf, area, gutter, row);
        }
        let track = Rect {
            x: area.right().saturating_sub(1),
            width: 1,
            ..area
        };
        scroll::bar(track, buf, cx.theme, self.window);
    }

    fn act(&mut self, action: Action, cx: &Cx) -> Reply {
        match action {
            Action::Up => self.window = self.window.step(-1),
            Action::Down => self.window = self.window.step(1),
            Action::PageUp => self.window = self.window.step_page(-1),
            Action::PageDown => self.window = self.window.step_page(1),
            Action::Top => self.window.offset = 0,
            Action::Bottom => self.window.offset = self.window.last_offset(),
            Action::Left => self.column = self.column.saturating_sub(SIDE),
            Action::Right if !self.wrap => self.column += SIDE,
            Action::Wrap => (self.wrap, self.column) = (!self.wrap, 0),
            Action::Fold => {
                self.fold = !self.fold;
                self.remake(cx);
            }
            Action::Retry => {
                self.again = true;
                if let Content::Failed(_) = self.content {
                    self.content = Content::Waiting;
                }
            }
            Action::Filter => {
                return Reply::Prompt {
                    label: "search".into(),
                    text: self.search.clone(),
                };
            }
            Action::SearchNext => return self.step(false),
            Action::SearchPrevious => return self.step(true),
            Action::NextUnknown => return self.next_unknown(),
            Action::Copy | Action::Save => {
                let Content::Loaded(object) = &self.content else {
                    return Reply::Say(Level::Info, "nothing to take yet".into());
                };
                // What is folded is left out: nobody wants it in a manifest.
                let mut object = (**object).clone();
                if let Some(Value::Object(metadata)) = object.get_mut("metadata")
                    && self.fold
                {
                    metadata.remove("managedFields");
                }
                let text = yaml::print(&object);
                return if action == Action::Copy {
                    let what = format!("the YAML of {}", self.name());
                    Reply::Copy { text, what }
                } else {
                    let name = format!("{}.yaml", self.name().replace('/', "-"));
                    Reply::Save { name, text }
                };
            }
            _ => return Reply::Ignored,
        }
        Reply::Done
    }

    fn wants(&self, _cx: &Cx) -> Vec<Want> {
        if self.again {
            return Vec::new();
        }
        vec![Want::Object(self.want.clone())]
    }

    fn wake(&self, _cx: &Cx) -> Option<DateTime<Utc>> {
        None
    }

    fn filter(&self) -> &str {
        &self.search
    }

    fn set_filter(&mut self, text: &str, _cx: &Cx) -> Result<(), String> {
        self.search = text.to_owned();
        self.pattern = Pattern::search(text);
        self.find();
        if !self.hits.is_empty() {
            self.step(false);
        }
        Ok(())
    }

    fn receive(&mut self, arrival: &Arrival, cx: &Cx) {
        match arrival {
            Arrival::Object { want, object } if **want == self.want => {
                self.content = match object {
                    Ok(object) => Content::Loaded(Box::new(object.clone())),
                    Err(why) => Content::Failed(why.clone()),
                };
                self.fields = None;
                self.remake(cx);
            }
            Arrival::Fields { want, fields } if **want == self.want => {
                self.fields = Some((*fields).clone());
                self.remake(cx);
            }
            _ => {}
        }
    }

    fn position(&self, _cx: &Cx) -> String {
        match self.rows.get(self.window.offset) {
            None => String::new(),
            Some(_) => {
                let end = (self.window.offset + self.window.page).min(self.rows.len());
                let at = (self.rows[end.saturating_sub(1)].0 + 1).saturating_sub(self.notes);
                format!("{at}/{} lines", self.lines.len() - self.notes)
            }
        }
    }

    fn mouse(&mut self, event: crossterm::event::MouseEvent, _area: Rect, _cx: &Cx) -> Reply {
        use crossterm::event::MouseEventKind;
        match event.kind {
            MouseEventKind::ScrollUp => self.window = self.window.step(-3),
            MouseEventKind::ScrollDown => self.window = self.window.step(3),
            _ => return Reply::Ignored,
        }
        Reply::Done
    }
}
