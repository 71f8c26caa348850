//! What would fit: pods of one shape, typed or taken from a workload, against the nodes as they are now. The map marks
//! the nodes; the words stand in the place of the ledger.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::app::action::Action;
use crate::model::capacity::answer::{Answer, Question, SIZES, limits, times};
use crate::model::capacity::fit::{Almost, Ask};
use crate::model::capacity::groups::Dim;
use crate::model::capacity::typed::{Refused, parse, show};
use crate::model::ids::{ClusterId, Key};
use crate::model::job::JobRow;
use crate::panes::Cx;
use crate::panes::words::{count, product};
use crate::ui::scroll::{self, Window};
use crate::ui::{State, text};

/// How old the answer may be while the cluster is busy: it takes a look at every node.
const OLD: TimeDelta = TimeDelta::seconds(1);
/// Domains told of each kind.
const DOMAINS: usize = 4;

/// What is asked, and the answer.
#[derive(Debug, Default)]
pub struct Fit {
    /// As it was typed last and could be read.
    pub text: String,
    /// The workload it began with, and the text that stands for it.
    of: Option<Of>,
    question: Option<Question>,
    queue: Option<String>,
    answer: Answer,
    /// Pods each node takes; what is in the way on the others.
    takes: HashMap<Key, u32>,
    almost: HashMap<Key, usize>,
    made: Option<(ClusterId, u64, DateTime<Utc>)>,
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
    pub fn begin(&mut self, job: &JobRow, cx: &Cx) {
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
        let _ = self.set(&text, cx);
    }

    pub fn is_on(&self) -> bool {
        self.question.is_some()
    }

    /// Another text; what cannot be read keeps the old one.
    pub fn set(&mut self, text: &str, cx: &Cx) -> Result<(), String> {
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
        if let Some(queue) = &queue
            && cx
                .model
                .kueue
                .cluster_queue(cx.session.cluster, queue)
                .is_none()
        {
            return Err(format!("no cluster queue {queue} here"));
        }
        self.text = text.trim().to_owned();
        (self.question, self.queue) = (Some(question), queue);
        self.made = None;
        self.refresh(cx);
        Ok(())
    }

    /// Looks again, not at every change of a busy cluster.
    pub fn refresh(&mut self, cx: &Cx) {
        let Some(question) = &self.question else {
            return;
        };
        let (model, cluster) = (cx.model, cx.session.cluster);
        let version = model.capacity.version() + model.kueue.version();
        if let Some((of, was, at)) = self.made
            && of == cluster
            && (was == version || cx.now - at < OLD)
        {
            return;
        }
        let job = self.of.as_ref().and_then(|of| model.jobs.get(of.job));
        let namespace = cx.session.namespace.as_deref();
        let queue = self.queue.as_deref();
        let limits = limits(model, cluster, job, namespace, queue, &question.ask);
        let answer = Answer::of(model, cluster, &question.ask, limits.unwrap_or_default());
        self.takes = answer.fit.nodes.iter().map(|n| (n.key, n.pods)).collect();
        let almost = answer.fit.almost.iter().enumerate();
        self.almost = almost.map(|(at, a)| (a.key, at)).collect();
        self.answer = answer;
        self.made = Some((cluster, version, cx.now));
    }

    /// When it is to be looked at again, if something changed.
    pub fn due(&self, cx: &Cx) -> Option<DateTime<Utc>> {
        let (_, was, at) = self.made?;
        let late = was != cx.model.capacity.version() + cx.model.kueue.version();
        (late && self.is_on()).then_some(at + OLD)
    }

    /// What the map says of a node; none while nothing is asked.
    pub fn mark(&self, node: Key) -> Option<Mark<'_>> {
        self.question.as_ref()?;
        if let Some(pods) = self.takes.get(&node) {
            return Some(Mark::Takes(*pods));
        }
        let almost = self.almost.get(&node).copied();
        let almost = almost.and_then(|at| self.answer.fit.almost.get(at));
        Some(almost.map_or(Mark::Other, Mark::Almost))
    }

    /// The answer in one line.
    pub fn line(&self, cx: &Cx) -> Option<Line<'static>> {
        let question = self.question.as_ref()?;
        let theme = cx.theme;
        let answer = &self.answer;
        let state = match answer.fits(question) {
            true => State::Succeeded,
            false if answer.fit.pods > 0 => State::Waiting,
            false => State::Failed,
        };
        let mut spans = vec![
            Span::styled(format!("{} ", theme.state_glyph(state)), theme.state(state)),
            Span::styled(asked(question), theme.title()),
            Span::styled(": ", theme.dim()),
            Span::styled(answer.sentence(question), theme.text()),
        ];
        if let Some(limit) = answer.short(question) {
            let words = format!("; quota lets in {} ({})", limit.pods, limit.what);
            spans.push(Span::styled(words, theme.state(State::Waiting)));
        }
        Some(Line::from(spans))
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

    pub fn draw(&mut self, cx: &Cx, area: Rect, buf: &mut Buffer) {
        let room = area.width.saturating_sub(2);
        let lines = self.lines(cx, room.into());
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

    fn lines(&self, cx: &Cx, width: usize) -> Vec<Line<'static>> {
        let Some(question) = &self.question else {
            return Vec::new();
        };
        let mut page = Page {
            cx,
            width,
            out: Vec::new(),
        };
        page.sentence(self, question);
        page.gangs(&self.answer, question);
        page.free(&self.answer, question);
        page.almost(&self.answer);
        page.out
    }
}

/// `2 × 8 GPUs, 96 cpu`.
fn asked(question: &Question) -> String {
    let words = question.ask.words();
    match (question.pods, question.apart) {
        (1, false) => words,
        (n, false) => format!("{n} × {words}"),
        (n, true) => format!("{n} nodes × {words}"),
    }
}

struct Page<'a> {
    cx: &'a Cx<'a>,
    width: usize,
    out: Vec<Line<'static>>,
}

impl Page<'_> {
    fn say(&mut self, words: &str, style: Style) {
        let lines = text::wrap(&text::clean(words), self.width.max(16));
        self.out
            .extend(lines.into_iter().map(|line| Line::styled(line, style)));
    }

    fn head(&mut self, what: String) {
        if !self.out.is_empty() {
            self.out.push(Line::default());
        }
        self.out.push(Line::styled(what, self.cx.theme.header()));
    }

    fn sentence(&mut self, fit: &Fit, question: &Question) {
        let theme = self.cx.theme;
        let answer = &fit.answer;
        self.say(&asked(question), theme.title());
        let good = answer.fits(question);
        let style = match good {
            true => theme.state(State::Succeeded),
            false => theme.state(State::Waiting),
        };
        self.say(&format!("hardware: {}", answer.sentence(question)), style);
        for limit in &answer.limits {
            let enough = limit.pods >= u64::from(question.pods);
            let style = match enough {
                true => theme.dim(),
                false => theme.state(State::Waiting),
            };
            let words = format!(
                "{}: lets in {} by {}",
                limit.what,
                times(limit.pods),
                limit.by
            );
            self.say(&words, style);
        }
        if good && let Some(limit) = answer.short(question) {
            let words = format!("there is room, but {} does not allow it", limit.what);
            self.say(&words, theme.state(State::Waiting));
        }
        let ask = &question.ask;
        if !ask.selector.is_empty() || !ask.affinity.is_empty() {
            self.say("its node selector and affinity hold", theme.dim());
        }
    }

    /// The largest gang in total and per domain.
    fn gangs(&mut self, answer: &Answer, question: &Question) {
        let theme = self.cx.theme;
        let fit = &answer.fit;
        if fit.nodes.is_empty() {
            return;
        }
        self.head("LARGEST GANG NOW".into());
        // sign, kind, pods and nodes take 40 columns at the most
        let room = self.width.saturating_sub(40).clamp(8, 30);
        let line = |kind: &str, name: &str, pods: u64, nodes: u32, met: bool| {
            let state = if met { State::Succeeded } else { State::NotRun };
            let name = text::clean(name).into_owned();
            let name = text::shorten(&name, room, text::Shorten::Middle).into_owned();
            let pad = " ".repeat(room.saturating_sub(text::width(&name)));
            let one = if pods == 1 { "pod " } else { "pods" };
            Line::from(vec![
                Span::styled(format!("{} ", theme.state_glyph(state)), theme.state(state)),
                Span::styled(format!("{kind:<14}"), theme.dim()),
                Span::styled(format!("{name}{pad}"), theme.text()),
                Span::styled(format!("{pods:>5} {one}"), theme.text()),
                Span::styled(
                    format!(" on {}", count(nodes as usize, "node", "nodes")),
                    theme.dim(),
                ),
            ])
        };
        let nodes = u32::try_from(fit.nodes.len()).unwrap_or(u32::MAX);
        let met = answer.fits(question);
        self.out.push(line("total", "", fit.pods, nodes, met));
        for dim in [Dim::Product, Dim::Pool, Dim::Zone, Dim::Block, Dim::Clique] {
            for domain in fit.domains.iter().filter(|d| d.dim == dim).take(DOMAINS) {
                let met = question.is_met(domain.pods, domain.nodes);
                let name = match dim {
                    Dim::Product => product(&domain.name).into_owned(),
                    _ => domain.name.to_string(),
                };
                let (pods, nodes) = (domain.pods, domain.nodes);
                self.out.push(line(dim.word(), &name, pods, nodes, met));
            }
        }
    }

    /// How many are free on a node, and what that is worth to pods of other sizes.
    fn free(&mut self, answer: &Answer, question: &Question) {
        let theme = self.cx.theme;
        let free = &answer.free;
        if question.ask.total() == 0 || free.histogram.is_empty() {
            return;
        }
        self.head("FREE GPUS PER NODE".into());
        let most = free.histogram.values().copied().max().unwrap_or(1).max(1);
        let room = self.width.saturating_sub(20).clamp(4, 40) as u32;
        for (n, nodes) in free.histogram.iter().rev() {
            let long = (nodes * room).div_ceil(most);
            self.out.push(Line::from(vec![
                Span::styled(format!("{n:>4} free  "), theme.text()),
                Span::styled("█".repeat(long as usize), theme.bar_fill()),
                Span::styled(
                    format!(" {}", count(*nodes as usize, "node", "nodes")),
                    theme.dim(),
                ),
            ]));
        }
        self.head("PODS OF OTHER SIZES".into());
        for size in SIZES {
            let lost = free.fragmentation(size) * 100.0;
            self.out.push(Line::from(vec![
                Span::styled(format!("{size:>4} GPU  "), theme.text()),
                Span::styled(format!("{:>5} fit", free.pods(size)), theme.text()),
                Span::styled(
                    format!("   {lost:>3.0}% of the free ones unusable"),
                    theme.dim(),
                ),
            ]));
        }
    }

    /// What is in the way on each node that has such devices.
    fn almost(&mut self, answer: &Answer) {
        let theme = self.cx.theme;
        let fit = &answer.fit;
        if fit.almost.is_empty() {
            return;
        }
        let stranded = match fit.stranded() {
            0 => String::new(),
            n => format!(", {n} GPUs stranded"),
        };
        self.head(format!(
            "NOT ON {}{stranded}",
            count(fit.almost.len(), "NODE", "NODES")
        ));
        let names = fit.almost.iter().map(|a| text::width(&a.name)).max();
        let name = names.unwrap_or(0).clamp(8, self.width / 3 + 1);
        for almost in &fit.almost {
            let clean = text::clean(&almost.name);
            let short = text::shorten(&clean, name, text::Shorten::Middle);
            let pad = " ".repeat(name.saturating_sub(text::width(&short)));
            self.out.push(Line::from(vec![
                Span::styled(format!("{short}{pad}"), theme.text()),
                Span::styled(format!("{:>4} free  ", almost.free), theme.dim()),
                Span::styled(
                    text::clean(&almost.words()).into_owned(),
                    theme.state(State::Waiting),
                ),
            ]));
        }
    }
}
