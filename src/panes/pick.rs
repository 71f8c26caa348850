//! Lists under a line that is typed: the command bar, switchers, choices. What they share; each says what there is to
//! choose from, and what choosing does.

use chrono::{DateTime, Utc};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::Line;

use super::{Cx, Pane, Reply};
use crate::app::action::{Action, Scope};
use crate::model::fuzzy::Fuzzy;
use crate::model::want::Want;
use crate::ui::Input;
use crate::ui::dialog::{Entry, Picker};

/// How far a page key moves.
const PAGE: usize = 10;

/// What is typed, and which of the lines below is selected.
#[derive(Debug, Default)]
pub struct Typed {
    pub text: String,
    pub selected: usize,
}

impl Typed {
    /// Another text: the best of what it finds is selected.
    pub fn set(&mut self, text: &str) {
        text.clone_into(&mut self.text);
        self.selected = 0;
    }
}

/// A line in sight.
pub struct Found {
    /// Its place among all there are.
    pub at: usize,
    pub name: String,
    /// Characters of the name that match, by place.
    pub hits: Vec<usize>,
    /// What it is, dim beside it.
    pub about: String,
    /// Keys that do the same without the list; empty if none.
    pub key: String,
}

/// Those of all names that match, best first; each with what it is.
pub fn matching(typed: &str, all: Vec<(String, String)>) -> Vec<Found> {
    let hits = Fuzzy::default().find(typed, all.iter().map(|(name, _)| name.as_str()));
    let found = hits.iter().map(|hit| Found {
        at: hit.at,
        name: all[hit.at].0.clone(),
        hits: hit.marks.iter().map(|m| *m as usize).collect(),
        about: all[hit.at].1.clone(),
        key: String::new(),
    });
    found.collect()
}

/// Such a list.
pub trait Pick {
    fn typed(&self) -> &Typed;
    fn typed_mut(&mut self) -> &mut Typed;
    /// What it is called where it is named.
    fn name(&self, cx: &Cx) -> String;
    /// What stands over it.
    fn heading(&self, cx: &Cx) -> String {
        self.name(cx)
    }
    /// What matches, best first.
    fn found(&self, cx: &Cx) -> Vec<Found>;
    /// What is said where nothing is in sight.
    fn none(&self, cx: &Cx) -> String;
    /// `enter`. None: nothing is in sight.
    fn choose(&mut self, at: Option<usize>, cx: &Cx) -> Reply;
    /// `tab`.
    fn look(&mut self, _at: Option<usize>, _cx: &Cx) -> Reply {
        Reply::Ignored
    }
    /// What must be watched for it.
    fn watched(&self, _cx: &Cx) -> Vec<Want> {
        Vec::new()
    }
}

impl<T: Pick> Pane for T {
    fn title(&self, cx: &Cx) -> String {
        self.name(cx)
    }

    fn answer<'a>(&self, _cx: &Cx<'a>) -> Line<'a> {
        Line::default()
    }

    fn scopes(&self) -> &'static [Scope] {
        &[Scope::List]
    }

    fn hints(&self, _cx: &Cx) -> Vec<Action> {
        vec![Action::Open, Action::Back]
    }

    fn draw(&mut self, cx: &Cx, area: Rect, buf: &mut Buffer) {
        let line = Input::new(&self.typed().text);
        self.draw_over(&line, cx, area, buf);
    }

    fn draw_over(
        &mut self,
        line: &Input,
        cx: &Cx,
        area: Rect,
        buf: &mut Buffer,
    ) -> Option<Position> {
        let found = self.found(cx);
        let typed = self.typed_mut();
        typed.selected = typed.selected.min(found.len().saturating_sub(1));
        let picker = Picker {
            title: &self.heading(cx),
            len: found.len(),
            selected: self.typed().selected,
            empty: &self.none(cx),
        };
        let entry = |n: usize| Entry {
            name: &found[n].name,
            hits: &found[n].hits,
            about: &found[n].about,
            key: &found[n].key,
        };
        Some(picker.draw(line, area, buf, cx.theme, entry).0)
    }

    fn act(&mut self, action: Action, cx: &Cx) -> Reply {
        let found = self.found(cx);
        let last = found.len().saturating_sub(1);
        let selected = self.typed().selected;
        let at = found.get(selected).map(|found| found.at);
        self.typed_mut().selected = match action {
            Action::Up => selected.saturating_sub(1),
            Action::Down => (selected + 1).min(last),
            Action::PageUp => selected.saturating_sub(PAGE),
            Action::PageDown => (selected + PAGE).min(last),
            Action::Top => 0,
            Action::Bottom => last,
            Action::Open => return self.choose(at, cx),
            Action::Focus => return self.look(at, cx),
            _ => return Reply::Ignored,
        };
        Reply::Done
    }

    fn wants(&self, cx: &Cx) -> Vec<Want> {
        self.watched(cx)
    }

    fn wake(&self, _cx: &Cx) -> Option<DateTime<Utc>> {
        None
    }

    fn filter(&self) -> &str {
        &self.typed().text
    }

    fn set_filter(&mut self, text: &str, _cx: &Cx) -> Result<(), String> {
        self.typed_mut().set(text);
        Ok(())
    }
}
