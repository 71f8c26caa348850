//! Events, newest first: of the scope, or about one object.

use chrono::{DateTime, Utc};
use crossterm::event::MouseEvent;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::arrange::arrange;
use super::health::{self, Rows};
use super::sheet::{Did, Sheet, scope};
use super::words::{count, when};
use super::{About, Cx, LogsOf, Pane, Reply, Target, clusters};
use crate::app::action::{Action, Scope};
use crate::model::event::EventRow;
use crate::model::extra::List;
use crate::model::ids::{ClusterId, Key};
use crate::model::listed::{self, EventColumn};
use crate::model::want::{Kind, ObjectWant, Selector, Want};
use crate::ui::{Column, State, text};

pub mod columns;
#[cfg(test)]
mod tests;

/// The events screen.
pub struct Events {
    about: Option<About>,
    sheet: Sheet<EventRow>,
}

impl Events {
    pub fn new(about: Option<About>) -> Self {
        Self {
            about,
            sheet: Sheet::new(EventColumn::Last),
        }
    }

    fn scope(&self, cx: &Cx) -> listed::Scope {
        match &self.about {
            // an object's events may be in another namespace than its own (those of a node are in default)
            Some(about) => listed::Scope::of(about.key),
            None => scope(cx),
        }
    }

    fn columns(&self, cx: &Cx) -> Vec<Column> {
        let columns = arrange(List::Events, self.usual(cx), columns::more(), cx);
        match self.about {
            None => clusters::with_column(columns, cx),
            Some(_) => columns,
        }
    }

    fn refresh(&mut self, cx: &Cx) {
        let scope = self.scope(cx);
        self.sheet.refresh(scope, Kind::Event, cx);
    }
}

/// Where an event's object is shown; pods lead to their logs.
fn target(event: &EventRow, cx: &Cx) -> Option<Target> {
    let key = Key {
        cluster: event.key.cluster,
        uid: event.about.2,
    };
    match &*event.about.0 {
        "Job" | "CronJob" => Some(Target::Job(key)),
        _ if cx.model.jobs.contains(key) => Some(Target::Job(key)),
        "Pod" => Some(Target::Logs(LogsOf::Pod {
            pod: key,
            container: None,
            previous: false,
        })),
        "Node" => Some(super::nodes::target(&event.about.1, cx)),
        _ => None,
    }
}

fn kind(event: &EventRow, cx: &Cx) -> Option<Kind> {
    let key = Key {
        cluster: event.key.cluster,
        uid: event.about.2,
    };
    match &*event.about.0 {
        "Job" => Some(Kind::Job),
        "CronJob" => Some(Kind::CronJob),
        "Pod" => Some(Kind::Pod),
        "Node" => Some(Kind::Node),
        _ => cx.model.jobs.get(key)?.kind.object(),
    }
}

impl Pane for Events {
    fn title(&self, _cx: &Cx) -> String {
        match &self.about {
            Some(about) => format!("events of {}", about.title),
            None => "events".into(),
        }
    }

    fn answer<'a>(&self, cx: &Cx<'a>) -> Line<'a> {
        let scope = self.scope(cx);
        let (mut all, mut warnings) = (0, 0);
        let mut newest: Option<&EventRow> = None;
        for event in cx.model.events.rows().filter(|e| scope.holds(*e)) {
            all += 1;
            if event.warning {
                warnings += 1;
                if newest.is_none_or(|n| n.when() < event.when()) {
                    newest = Some(event);
                }
            }
        }
        if all == 0
            && let Some(text) = health::unknown(Kind::Event, cx)
        {
            return Line::styled(text, cx.theme.dim());
        }
        let of = self
            .about
            .as_ref()
            .map_or_else(String::new, |a| format!(" about {}", a.title));
        let mut parts = vec![Span::styled(
            format!("{}{of}", count(all, "event", "events")),
            cx.theme.text(),
        )];
        if let Some(event) = newest {
            parts.push(Span::styled(", ", cx.theme.dim()));
            let words = count(warnings, "warning", "warnings");
            parts.push(Span::styled(words, cx.theme.state(State::Waiting)));
            parts.push(Span::styled(
                format!(
                    "; last {} ago: {} {}",
                    when(
                        event.when(),
                        &Cx {
                            timestamps: false,
                            ..*cx
                        }
                    ),
                    event.reason,
                    text::clean(&event.message)
                ),
                cx.theme.dim(),
            ));
        }
        Line::from(parts)
    }

    fn scopes(&self) -> &'static [Scope] {
        &[Scope::Events, Scope::List]
    }

    fn hints(&self, cx: &Cx) -> Vec<Action> {
        let mut out = Vec::new();
        if self
            .sheet
            .selected(cx.model)
            .is_some_and(|e| target(e, cx).is_some())
        {
            out.push(Action::Open);
        }
        out.extend([
            Action::Yaml,
            Action::Copy,
            Action::Filter,
            Action::SortNext,
            Action::ToggleTimes,
        ]);
        out
    }

    fn draw(&mut self, cx: &Cx, area: Rect, buf: &mut Buffer) {
        self.refresh(cx);
        let columns = self.columns(cx);
        let none = match &self.about {
            Some(about) => format!(
                "no events about {} (a cluster keeps them for about an hour)",
                about.title
            ),
            None => "no events".into(),
        };
        let rows = Rows {
            kind: Kind::Event,
            all: self.sheet.view.scoped(),
            shown: self.sheet.view.order().len(),
            filter: self.sheet.view.filter().text(),
            none: &none,
        };
        let area = health::draw(rows, cx, area, buf);
        self.sheet
            .draw(cx, area, buf, &columns, cx.focused, columns::row);
    }

    fn act(&mut self, action: Action, cx: &Cx) -> Reply {
        self.refresh(cx);
        let columns = self.columns(cx);
        if let Some(reply) = self.sheet.act(action, &columns, cx) {
            return reply;
        }
        let Some(event) = self.sheet.selected(cx.model) else {
            return Reply::Ignored;
        };
        match action {
            Action::Open => target(event, cx).map_or(Reply::Ignored, Reply::Open),
            Action::Copy => Reply::Copy {
                text: event.message.clone(),
                what: format!("message of {}", event.reason),
            },
            Action::Yaml => match kind(event, cx) {
                Some(kind) => Reply::Open(Target::Yaml(ObjectWant {
                    kind,
                    namespace: if kind == Kind::Node {
                        "".into()
                    } else {
                        event.namespace.clone()
                    },
                    name: event.about.1.clone(),
                })),
                None => Reply::Ignored,
            },
            _ => Reply::Ignored,
        }
    }

    fn cluster(&self, _cx: &Cx) -> Option<ClusterId> {
        self.sheet.list.selected().map(|key| key.cluster)
    }

    fn wants(&self, _cx: &Cx) -> Vec<Want> {
        let selector = match &self.about {
            Some(about) => Selector::About {
                namespace: about.namespace.clone(),
                uid: about.key.uid,
            },
            None => Selector::All,
        };
        vec![Want::Watch(Kind::Event, selector)]
    }

    fn wake(&self, cx: &Cx) -> Option<DateTime<Utc>> {
        self.sheet.wake(cx, EventRow::when)
    }

    fn filter(&self) -> &str {
        self.sheet.view.filter().text()
    }

    fn set_filter(&mut self, text: &str, cx: &Cx) -> Result<(), String> {
        self.sheet.set_filter(text, cx)?;
        self.refresh(cx);
        Ok(())
    }

    fn list(&self) -> Option<List> {
        self.about.is_none().then_some(List::Events)
    }

    fn usual(&self, cx: &Cx) -> Vec<Column> {
        columns::columns(self.about.is_some(), cx.session.namespace.is_none())
    }

    fn order(&self, cx: &Cx) -> Option<String> {
        self.sheet.order(cx)
    }

    fn set_order(&mut self, text: &str, cx: &Cx) {
        self.sheet.set_order(text, cx);
    }

    fn position(&self, _cx: &Cx) -> String {
        self.sheet.position()
    }

    fn mouse(&mut self, event: MouseEvent, _area: Rect, cx: &Cx) -> Reply {
        match self.sheet.mouse(event, &self.columns(cx), cx) {
            Did::Nothing => Reply::Ignored,
            Did::Moved => Reply::Done,
            Did::Again => self.act(Action::Open, cx),
        }
    }
}
