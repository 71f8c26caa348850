//! The question before something is done that takes other things with it: what goes, in words, with the harmless
//! answer in focus. What it is about was frozen when the key was pressed; nothing that happens behind it changes that.

use chrono::{DateTime, Utc};
use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

use super::palette::Command;
use super::{Arrival, Cx, Level, Pane, Reply, worker};
use crate::actions::impact::{self, Tone, impact};
use crate::actions::plan::plan;
use crate::actions::{Intent, Propagation, Step};
use crate::app::action::{Action, Scope};
use crate::model::ids::Key;
use crate::model::kueue::queue::Stop;
use crate::model::want::{ObjectWant, Want};
use crate::ui::dialog::Confirm as Dialog;
use crate::ui::{Input, Level as Loud, text};

/// Objects named one by one; of more the number is said.
const NAMED: usize = 6;

/// The question.
pub struct Confirm {
    /// What was marked or selected.
    keys: Vec<Key>,
    intent: Intent,
    steps: Vec<Step>,
    /// What is left out, and why.
    left_out: Vec<String>,
    /// What goes; told when it was asked, and again when the way was changed.
    lines: Vec<impact::Line>,
    /// Finalizers of the one object, once it was read.
    finalizers: Vec<String>,
    focus: usize,
    /// The number of objects is being typed.
    typing: bool,
    typed: String,
    places: Vec<Rect>,
}

impl Confirm {
    /// Asks about steps that were planned for these objects.
    pub fn new(
        keys: Vec<Key>,
        intent: Intent,
        steps: Vec<Step>,
        left_out: Vec<String>,
        cx: &Cx,
    ) -> Self {
        Self {
            lines: impact(cx.model, &steps),
            keys,
            intent,
            steps,
            left_out,
            finalizers: Vec::new(),
            focus: 0,
            typing: false,
            typed: String::new(),
            places: Vec::new(),
        }
    }

    fn verb(&self) -> &'static str {
        crate::actions::outcome::words(
            &self
                .steps
                .first()
                .map_or(&self.intent, |s| &s.intent)
                .clone(),
        )
    }

    fn deletes(&self) -> bool {
        matches!(self.intent, Intent::Delete { .. })
    }

    /// The answers, the harmless one first.
    fn answers(&self) -> Vec<String> {
        let verb = self.verb();
        let mut first = verb.chars();
        let capital = first.next().map(|c| c.to_uppercase().to_string());
        let yes = format!("{}{}", capital.unwrap_or_default(), first.as_str());
        let mut all = vec!["Cancel".to_owned(), yes];
        if self.holds_queues() {
            all.push("Hold and drain".into());
        }
        all
    }

    fn holds_queues(&self) -> bool {
        let hold = |step: &Step| step.intent == Intent::Stop(Stop::Hold);
        !self.steps.is_empty() && self.steps.iter().all(hold)
    }

    /// Another way to delete: what goes is told anew, of the same objects.
    fn another(&mut self, intent: Intent, cx: &Cx) {
        let planned: Vec<Step> = self
            .keys
            .iter()
            .filter_map(|key| plan(cx.model, *key, &intent).ok())
            .flatten()
            .collect();
        if planned.is_empty() {
            return;
        }
        self.intent = intent;
        self.steps = planned;
        self.lines = impact(cx.model, &self.steps);
        self.focus = 0;
        self.typing = false;
    }

    fn many(&self, cx: &Cx) -> bool {
        self.steps.len() > cx.session.type_above
    }

    fn chosen(&mut self, cx: &Cx) -> Reply {
        match self.focus {
            0 => Reply::Run(Command::Close),
            2 => {
                let drain = |step: &Step| Step {
                    intent: Intent::Stop(Stop::HoldAndDrain),
                    ..step.clone()
                };
                Reply::Run(Command::Do(self.steps.iter().map(drain).collect()))
            }
            _ if !self.many(cx) => Reply::Run(Command::Do(self.steps.clone())),
            _ if !self.typing => {
                self.typing = true;
                self.typed.clear();
                Reply::Prompt {
                    label: format!("type {} to {} them", self.steps.len(), self.verb()),
                    text: String::new(),
                }
            }
            _ if self.typed.trim() == self.steps.len().to_string() => {
                Reply::Run(Command::Do(self.steps.clone()))
            }
            _ => Reply::Say(
                Level::Warning,
                format!("that is not {}: nothing was done", self.steps.len()),
            ),
        }
    }

    fn title(&self) -> String {
        match &self.steps[..] {
            [step] => format!("{} {}", self.verb(), step.object.words()),
            all => format!("{} {} objects", self.verb(), all.len()),
        }
    }

    fn body<'a>(&'a self, cx: &Cx<'a>) -> Vec<Vec<Span<'a>>> {
        let theme = cx.theme;
        let mut body: Vec<Vec<Span>> = Vec::new();
        let clean = |text: &str| text::clean(text).into_owned();
        let context = |step: &Step| clean(cx.session.context_of(step.cluster));
        match &self.steps[..] {
            [step] => body.push(vec![
                Span::styled(clean(&step.object.name), theme.title()),
                Span::styled(
                    match step.object.namespace.as_ref() {
                        "" => format!("  context {}", context(step)),
                        ns => format!("  in {}, context {}", clean(ns), context(step)),
                    },
                    theme.dim(),
                ),
            ]),
            all => {
                for step in all.iter().take(NAMED) {
                    let object = &step.object;
                    body.push(vec![
                        Span::styled(clean(&object.words()), theme.text()),
                        Span::styled(
                            match cx.session.several() {
                                true => {
                                    format!("  {} · {}", clean(&object.namespace), context(step))
                                }
                                false => format!("  {}", clean(&object.namespace)),
                            },
                            theme.dim(),
                        ),
                    ]);
                }
                if all.len() > NAMED {
                    let more = format!("and {} more", all.len() - NAMED);
                    body.push(vec![Span::styled(more, theme.text())]);
                }
            }
        }
        body.push(Vec::new());
        for line in &self.lines {
            let style = match line.tone {
                Tone::Plain => theme.text(),
                Tone::Note => theme.dim(),
                Tone::Warn => theme.level(Loud::Warn),
            };
            body.push(vec![Span::styled(clean(&line.text), style)]);
        }
        if !self.finalizers.is_empty() {
            let text = format!(
                "it waits for finalizers: {}",
                clean(&self.finalizers.join(", "))
            );
            body.push(vec![Span::styled(text, theme.level(Loud::Warn))]);
        }
        for why in &self.left_out {
            let text = format!("left out: {}", clean(why));
            body.push(vec![Span::styled(text, theme.dim())]);
        }
        if let Intent::Delete { propagation, force } = &self.intent {
            body.push(Vec::new());
            let key = |action| {
                let scopes = [Scope::Dialog.name()];
                cx.keymap
                    .key_for(action, &scopes)
                    .map(ToString::to_string)
                    .unwrap_or_default()
            };
            let name = propagation.name().to_lowercase();
            body.push(vec![
                Span::styled(key(Action::NextPropagation), theme.key()),
                Span::styled(format!(" {name}"), theme.text()),
                Span::styled(format!(": {}", propagation.describe()), theme.dim()),
            ]);
            let (word, about) = match force {
                true => ("forced", ": grace 0, nothing is waited for"),
                false => ("with grace", ": containers may end by themselves"),
            };
            body.push(vec![
                Span::styled(key(Action::Force), theme.key()),
                Span::styled(format!(" {word}"), theme.text()),
                Span::styled(about, theme.dim()),
            ]);
        }
        body
    }

    fn paint(&mut self, cx: &Cx, area: Rect, buf: &mut Buffer) {
        let answers = self.answers();
        let answers: Vec<&str> = answers.iter().map(String::as_str).collect();
        let title = text::clean(&self.title()).into_owned();
        let mut body = self.body(cx);
        if self.typing {
            body.push(Vec::new());
            body.push(vec![Span::raw(" ")]);
        }
        let dialog = Dialog {
            title: &title,
            body,
            answers: &answers,
            focus: self.focus,
            level: if self.deletes() {
                Loud::Error
            } else {
                Loud::Warn
            },
        };
        let places = dialog.draw(area, buf, cx.theme);
        self.places = places;
    }
}

impl Pane for Confirm {
    fn title(&self, _cx: &Cx) -> String {
        Confirm::title(self)
    }

    fn answer<'a>(&self, _cx: &Cx<'a>) -> Line<'a> {
        Line::default()
    }

    fn scopes(&self) -> &'static [Scope] {
        &[Scope::Dialog, Scope::List]
    }

    fn hints(&self, _cx: &Cx) -> Vec<Action> {
        let mut out = vec![Action::Focus, Action::Back];
        if self.deletes() {
            out.extend([Action::NextPropagation, Action::Force]);
        }
        out
    }

    fn draw(&mut self, cx: &Cx, area: Rect, buf: &mut Buffer) {
        self.paint(cx, area, buf);
    }

    fn draw_over(
        &mut self,
        line: &Input,
        cx: &Cx,
        area: Rect,
        buf: &mut Buffer,
    ) -> Option<Position> {
        self.paint(cx, area, buf);
        // the row above the answers
        let answer = self.places.first()?;
        let end = self.places.last()?.right();
        let window = crate::ui::dialog::place(area, area.width, 1);
        let row = Rect {
            x: window.x.max(answer.x.saturating_sub(30)),
            y: answer.y.saturating_sub(2),
            width: end.saturating_sub(window.x.max(answer.x.saturating_sub(30))),
            height: 1,
        };
        let label = format!("type {}:", self.steps.len());
        Some(line.draw(&label, "", row, buf, cx.theme))
    }

    fn act(&mut self, action: Action, cx: &Cx) -> Reply {
        let answers = self.answers().len();
        match action {
            Action::Open => return self.chosen(cx),
            Action::Left | Action::Up if !self.typing => {
                self.focus = self.focus.saturating_sub(1);
            }
            Action::Right | Action::Down if !self.typing => {
                self.focus = (self.focus + 1).min(answers - 1);
            }
            Action::Focus | Action::NextTab if !self.typing => {
                self.focus = (self.focus + 1) % answers;
            }
            Action::NextPropagation if self.deletes() => {
                if let Intent::Delete { propagation, force } = self.intent {
                    let propagation = Propagation::next(propagation);
                    self.another(Intent::Delete { propagation, force }, cx);
                }
            }
            Action::Force if self.deletes() => {
                if let Intent::Delete { propagation, force } = self.intent {
                    let force = !force;
                    self.another(Intent::Delete { propagation, force }, cx);
                }
            }
            Action::Back | Action::Help | Action::Quit | Action::Redraw | Action::NextTheme => {
                return Reply::Ignored;
            }
            // nothing behind the question is reached while it is asked
            _ => {}
        }
        Reply::Done
    }

    fn wants(&self, cx: &Cx) -> Vec<Want> {
        match &self.steps[..] {
            [step] if self.deletes() => {
                let object = Want::Object(ObjectWant {
                    kind: step.object.kind,
                    namespace: step.object.namespace.clone(),
                    name: step.object.name.clone(),
                });
                let namespace = &step.object.namespace;
                vec![worker::at(step.cluster, namespace, object, cx)]
            }
            _ => Vec::new(),
        }
    }

    fn wake(&self, _cx: &Cx) -> Option<DateTime<Utc>> {
        None
    }

    fn filter(&self) -> &str {
        &self.typed
    }

    fn set_filter(&mut self, text: &str, _cx: &Cx) -> Result<(), String> {
        self.typed = text.to_owned();
        Ok(())
    }

    fn receive(&mut self, arrival: &Arrival, _cx: &Cx) {
        let Arrival::Object {
            object: Ok(object), ..
        } = arrival
        else {
            return;
        };
        let all = object["metadata"]["finalizers"].as_array();
        let own = all.into_iter().flatten().filter_map(|f| f.as_str());
        // Kueue's and the server's own are seen to by them
        let own = own.filter(|f| !f.contains("kubernetes.io/") && !f.contains("k8s.io/"));
        self.finalizers = own.map(str::to_owned).collect();
    }

    fn mouse(&mut self, event: MouseEvent, _area: Rect, cx: &Cx) -> Reply {
        if event.kind != MouseEventKind::Down(MouseButton::Left) {
            return Reply::Done;
        }
        let at = (event.column, event.row).into();
        match self.places.iter().position(|place| place.contains(at)) {
            // the first click on a dangerous answer only moves there
            Some(n) if n == 0 || n == self.focus => {
                self.focus = n;
                self.chosen(cx)
            }
            Some(n) => {
                self.focus = n;
                Reply::Done
            }
            None => Reply::Done,
        }
    }
}

#[cfg(test)]
mod tests;
