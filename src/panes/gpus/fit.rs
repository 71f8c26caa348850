//! What would fit: pods of one shape, typed or taken from a workload, against the nodes as they are now. The map marks
//! the nodes; the words stand in the place of the ledger.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::app::action::Action;
use crate::model::capacity::answer::{Answer, Question, limits, times};
use crate::model::capacity::ask::Ask;
use crate::model::capacity::fit::Almost;
use crate::model::capacity::typed::{Refused, parse, show};
use crate::model::ids::{ClusterId, Key};
use crate::model::job::JobRow;
use crate::panes::Cx;
use crate::ui::scroll::{self, Window};
use crate::ui::{State, text};

/// How old the answer may be while the cluster is busy: it takes a look at every node.
const OLD: TimeDelta = TimeDelta::seconds(1);

mod words;

/// What is asked, and the answer.
#[derive(Debug, Default)]
pub struct Fit {
    /// As it was typed last and could be read.
    pub text: String,
    /// The workload it began with, and the text that stands for it.
    of: Option<Of>,
    question: Option<Question>,
    queue: Option<String>,
    /// Of each cluster.
    answers: Vec<(ClusterId, Answer)>,
    /// Pods each node takes; what is in the way on the others, by cluster and place.
    takes: HashMap<Key, u32>,
    almost: HashMap<Key, (usize, usize)>,
    made: Option<(Vec<ClusterId>, u64, DateTime<Utc>)>,
    pub refused: Option<Refused>,
    window: Window,
}

#[derive(Debug)]
struct Of {
    job: Key,
    text: String,
    question: Question,
}

/// What the map says of a node.
pub enum Mark<'a> {
    /// It takes so many.
    Takes(u32),
    Almost(&'a Almost),
    /// It has no such devices.
    Other,
}

impl Fit {
    /// Begins with the shape of a workload.
    pub fn begin(&mut self, job: &JobRow, clusters: &[ClusterId], cx: &Cx) {
        let Some((ask, pods)) = Ask::of_job(cx.model, job) else {
            return;
        };
        let question = Question {
            ask,
            pods,
            apart: false,
        };
        let text = show(&question);
        self.of = Some(Of {
            job: job.key,
            text: text.clone(),
            question,
        });
        // a job whose shape cannot be told says so in the prompt
        let _ = self.set(&text, clusters, cx);
    }

    pub fn is_on(&self) -> bool {
        self.question.is_some()
    }

    /// Another text; what cannot be read keeps the old one.
    pub fn set(&mut self, text: &str, clusters: &[ClusterId], cx: &Cx) -> Result<(), String> {
        self.refused = None;
        if text.trim().is_empty() {
            *self = Self::default();
            return Ok(());
        }
        let own = self.of.as_ref().filter(|of| of.text == text.trim());
        let (question, queue) = match own {
            Some(of) => (of.question.clone(), None),
            None => {
                let base = self.of.as_ref().map(|of| &of.question.ask);
                let typed = parse(text, base).map_err(|refused| {
                    let why = refused.why.clone();
                    self.refused = Some(refused);
                    why
                })?;
                (typed.question, typed.queue)
            }
        };
        let has = |of: &ClusterId, queue: &str| cx.model.kueue.cluster_queue(*of, queue).is_some();
        if let Some(queue) = &queue
            && !clusters.iter().any(|of| has(of, queue))
        {
            return Err(format!("no cluster queue {queue} here"));
        }
        self.text = text.trim().to_owned();
        (self.question, self.queue) = (Some(question), queue);
        self.made = None;
        self.refresh(clusters, cx);
        Ok(())
    }

    /// Looks again, not at every change of a busy cluster.
    pub fn refresh(&mut self, clusters: &[ClusterId], cx: &Cx) {
        let Some(question) = &self.question else {
            return;
        };
        let model = cx.model;
        let version = model.capacity.version() + model.kueue.version();
        if let Some((of, was, at)) = &self.made
            && of == clusters
            && (*was == version || cx.now - *at < OLD)
        {
            return;
        }
        let job = self.of.as_ref().and_then(|of| model.jobs.get(of.job));
        let namespace = cx.session.namespace.as_deref();
        let queue = self.queue.as_deref();
        (self.takes, self.almost) = Default::default();
        self.answers.clear();
        for &cluster in clusters {
            let job = job.filter(|job| job.key.cluster == cluster);
            let limits = limits(model, cluster, job, namespace, queue, &question.ask);
            // where there is no such queue, nothing starts from it
            let Some(limits) = limits else { continue };
            let answer = Answer::of(model, cluster, &question.ask, limits);
            self.takes
                .extend(answer.fit.nodes.iter().map(|n| (n.key, n.pods)));
            let (of, almost) = (self.answers.len(), answer.fit.almost.iter().enumerate());
            self.almost.extend(almost.map(|(at, a)| (a.key, (of, at))));
            self.answers.push((cluster, answer));
        }
        self.made = Some((clusters.to_vec(), version, cx.now));
    }

    /// When it is to be looked at again, if something changed.
    pub fn due(&self, cx: &Cx) -> Option<DateTime<Utc>> {
        let (_, was, at) = self.made.as_ref()?;
        let late = *was != cx.model.capacity.version() + cx.model.kueue.version();
        (late && self.is_on()).then_some(*at + OLD)
    }

    /// What the map says of a node; none while nothing is asked.
    pub fn mark(&self, node: Key) -> Option<Mark<'_>> {
        self.question.as_ref()?;
        if let Some(pods) = self.takes.get(&node) {
            return Some(Mark::Takes(*pods));
        }
        let almost = self.almost.get(&node).copied();
        let almost = almost.and_then(|(of, at)| self.answers.get(of)?.1.fit.almost.get(at));
        Some(almost.map_or(Mark::Other, Mark::Almost))
    }

    /// The answer of a cluster; of one that has none the first.
    fn answer(&self, of: ClusterId) -> Option<&(ClusterId, Answer)> {
        let own = self.answers.iter().find(|(cluster, _)| *cluster == of);
        own.or(self.answers.first())
    }

    /// The answer of a cluster in one line, of several with what the others have room for.
    pub fn line(&self, of: ClusterId, cx: &Cx) -> Option<Line<'static>> {
        let question = self.question.as_ref()?;
        let theme = cx.theme;
        let (of, answer) = self.answer(of)?;
        let state = match answer.fits(question) {
            true => State::Succeeded,
            false if answer.fit.pods > 0 => State::Waiting,
            false => State::Failed,
        };
        let mut spans = vec![
            Span::styled(format!("{} ", theme.state_glyph(state)), theme.state(state)),
            Span::styled(words::asked(question), theme.title()),
            Span::styled(": ", theme.dim()),
            Span::styled(self.whose(*of, cx), theme.accent()),
            Span::styled(answer.sentence(question), theme.text()),
        ];
        if let Some(limit) = answer.short(question) {
            let words = format!("; quota lets in {} ({})", limit.pods, limit.what);
            spans.push(Span::styled(words, theme.state(State::Waiting)));
        }
        let others = self.answers.iter().filter(|(cluster, _)| cluster != of);
        for (cluster, answer) in others {
            let words = format!("; {}{}", self.whose(*cluster, cx), times(answer.fit.pods));
            spans.push(Span::styled(words, theme.dim()));
        }
        Some(Line::from(spans))
    }

    /// `east: `, where several are asked about.
    fn whose(&self, cluster: ClusterId, cx: &Cx) -> String {
        let name = cx.model.clusters.name(cluster);
        let name = name.filter(|_| self.answers.len() > 1);
        name.map_or_else(String::new, |name| format!("{}: ", text::clean(name)))
    }

    /// Scrolling; false if the action is none.
    pub fn act(&mut self, action: Action) -> bool {
        self.window = match action {
            Action::Up => self.window.step(-1),
            Action::Down => self.window.step(1),
            Action::PageUp => self.window.step_page(-1),
            Action::PageDown => self.window.step_page(1),
            Action::Top => self.window.step(isize::MIN),
            Action::Bottom => self.window.step(isize::MAX),
            _ => return false,
        };
        true
    }

    pub fn draw(&mut self, of: ClusterId, cx: &Cx, area: Rect, buf: &mut Buffer) {
        let room = area.width.saturating_sub(2);
        let mut lines = Vec::new();
        if let (Some(question), Some((of, answer))) = (&self.question, self.answer(of)) {
            let whose = self.whose(*of, cx);
            lines = words::lines(answer, question, cx, room.into());
            if let Some(name) = whose.strip_suffix(": ") {
                let name = format!("cluster {name}");
                lines.insert(0, Line::styled(name, cx.theme.accent()));
            }
        }
        self.window = Window {
            page: usize::from(area.height),
            total: lines.len(),
            ..self.window
        }
        .settled();
        let shown = lines.iter().skip(self.window.offset);
        for (y, line) in (area.y..area.bottom()).zip(shown) {
            let spans = text::shorten_spans(&line.spans, room.into());
            buf.set_line(area.x + 1, y, &Line::from(spans), room);
        }
        scroll::bar(area, buf, cx.theme, self.window);
    }
}
